"""Between-study variance (tau2) in a regression: the estimators of `heterogeneity`, for any design.

Arrays have studies along the FIRST axis and data sets along the last: y, v (k, m), x (p, k, m). All inputs
are taken as valid and of full rank with k >= p (checked by the caller), and on the scale of the data.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis.heterogeneity import Tau2Method

Array: TypeAlias = NDArray[np.float64]

# Two stationary points of the likelihood closer than this ratio of (tau2 + smallest variance) are one peak
_SCAN_RATIO = 1.3
_SCAN_BLOCK = 400_000
_NEWTON_STEPS = 100
_TOLERANCE = 1e-11


class Projection(NamedTuple):
    """Weighted least squares by orthogonal columns.

    basis (p, k, ...): orthonormal columns of sqrt(w) x, in order. triangle (p, p, ...): sqrt(w) x = basis
    triangle, its diagonal is `lengths` (p, ...). scores (p, ...): basis' sqrt(w) y. residual (k, ...): what
    is left of sqrt(w) y. w (k, ...): weights.
    """

    basis: Array
    triangle: Array
    lengths: Array
    scores: Array
    residual: Array
    w: Array

    @property
    def q(self) -> Array:
        """Weighted residual sum of squares."""
        total: Array = (self.residual**2).sum(axis=0)
        return total

    @property
    def leverage(self) -> Array:
        """Diagonal of the hat matrix, (k, ...)."""
        hat: Array = (self.basis**2).sum(axis=0)
        return hat

    @property
    def trace(self) -> Array:
        """Trace of P = W - W x (x' W x)^-1 x' W."""
        total: Array = (self.w * (1 - self.leverage)).sum(axis=0)
        return total

    @property
    def trace_square(self) -> Array:
        """Trace of P P."""
        inner = np.einsum("ik...,jk...->ij...", self.basis * self.w, self.basis)
        total: Array = (self.w**2 * (1 - 2 * self.leverage)).sum(axis=0) + (inner**2).sum(axis=(0, 1))
        return total


class Estimate(NamedTuple):
    """tau2 and its standard error, (m,), and whether its likelihood had more than one peak."""

    tau2: Array
    se: Array
    several_peaks: NDArray[np.bool_]


def project(y: Array, x: Array, w: Array) -> Projection:
    """Least squares of y (k, ...) on the columns x (p, k, ...) with weights w (k, ...).

    Modified Gram-Schmidt, each column orthogonalised twice, which is enough for full accuracy (Giraud et al.
    2005, Computers & Mathematics with Applications 50:1069-1075). A column without length stays zero.
    """
    root = np.sqrt(w)
    p = x.shape[0]
    shape = np.broadcast_shapes(x.shape[2:], w.shape[1:])
    basis = np.zeros((p, *np.broadcast_shapes(x.shape[1:], w.shape)))
    triangle = np.zeros((p, p, *shape))
    for j in range(p):
        column = root * x[j]
        for i in [*range(j), *range(j)]:
            along = (basis[i] * column).sum(axis=0)
            column = column - along * basis[i]
            triangle[i, j] += along
        length = np.sqrt((column**2).sum(axis=0))
        basis[j] = column / np.where(length > 0, length, 1.0)
        triangle[j, j] = length
    residual = root * y
    scores = np.zeros((p, *residual.shape[1:]))
    for j in [*range(p), *range(p)]:
        along = (basis[j] * residual).sum(axis=0)
        residual = residual - along * basis[j]
        scores[j] += along
    return Projection(basis, triangle, triangle[np.arange(p), np.arange(p)], scores, residual, w)


def estimate_tau2(y: Array, v: Array, x: Array, method: Tau2Method) -> Estimate:
    """Residual between-study variance by the named method, truncated at 0, with its standard error.

    The estimators of `heterogeneity.estimate_tau2` with the weighted mean replaced by the regression:
    Raudenbush 2009, in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., chapter 16 (DL, ML,
    REML), López-López et al. 2014, Br J Math Stat Psychol 67:30-48 (the others). Standard errors: expected
    information for ML and REML, Morris 1983 (JASA 78:47-55) for EB and PM, else the variance of the quadratic
    form that tau2 is (Jackson et al. 2014, BMC Med Res Methodol 14:103).
    """
    never = np.zeros(y.shape[1], dtype=np.bool_)
    if method == "ML" or method == "REML":
        tau2, several = _likelihood_tau2(y, v, x, restricted=method == "REML")
        at = project(y, x, 1 / (v + tau2))
        information = at.trace_square if method == "REML" else (at.w**2).sum(axis=0)
        return Estimate(tau2, np.sqrt(2 / information), several)
    if method == "FE":
        return Estimate(np.zeros(y.shape[1]), np.full(y.shape[1], np.nan), never)
    k, df = y.shape[0], y.shape[0] - x.shape[0]
    if method == "PM" or method == "EB":
        tau2 = _solve_q(y, v, x)
        return Estimate(tau2, np.sqrt(2 / df) * k / (1 / (v + tau2)).sum(axis=0), never)
    if method == "SJ":
        crude = y.var(axis=0)
        form = project(y, x, 1 / (v / np.where(crude > 0, crude, 1.0) + 1))
        unit = np.full_like(crude, df)
        scatter = crude > 0
        tau2 = np.where(scatter, form.q / df, 0.0)
        return Estimate(tau2, np.where(scatter, _moment_error(form, v + tau2, unit), 0.0), never)
    form = project(y, x, np.ones_like(v) if method == "HE" else 1 / v)
    expected = np.full_like(form.q, k if method == "HS" else df)
    if method == "HE":
        expected = (v * (1 - form.leverage)).sum(axis=0)
    unit = form.w.sum(axis=0) if method == "HS" else form.trace
    tau2 = np.maximum((form.q - expected) / unit, 0)
    return Estimate(tau2, _moment_error(form, v + tau2, unit), never)


def _moment_error(form: Projection, total: Array, unit: Array) -> Array:
    """Standard error of (y' P y - c) / unit for independent y with variances `total`: 2 tr(P S P S)."""
    hat = form.basis * np.sqrt(form.w)
    diagonal = form.w * (1 - form.leverage)
    squared = np.einsum("ik...,il...->kl...", hat, hat) ** 2
    outside = np.einsum("k...,kl...,l...->...", total, squared, total)
    own = ((total * diagonal) ** 2 - (total * (form.w * form.leverage)) ** 2).sum(axis=0)
    error: Array = np.sqrt(2 * (outside + own)) / unit
    return error


def _solve_q(y: Array, v: Array, x: Array) -> Array:
    """tau2 at which Q(tau2) = y' P y falls to k - p, or 0 where Q(0) is below it.

    With K an orthonormal basis of the residual space Q = y' K (K' V K + tau2 I)^-1 K' y, a sum of k - p
    simple poles in tau2, so 1/Q is increasing and concave and Newton's method on it climbs to the root
    without passing it.
    """
    df = y.shape[0] - x.shape[0]
    tau2 = np.zeros(y.shape[1])
    scale = v.min(axis=0)
    for _ in range(_NEWTON_STEPS):
        at = project(y, x, 1 / (v + tau2))
        slope = (at.w * at.residual**2).sum(axis=0)
        above = (at.q > df) & (slope > 0)
        step = np.where(above, at.q * (at.q / df - 1) / np.where(above, slope, 1.0), 0.0)
        tau2 = tau2 + step
        if not (step > _TOLERANCE * (tau2 + scale)).any():
            break
    return tau2


# --- ML and REML -------------------------------------------------------------------------------------


def _likelihood_tau2(y: Array, v: Array, x: Array, *, restricted: bool) -> tuple[Array, NDArray[np.bool_]]:
    """Global maximum over tau2 >= 0 of the profile (restricted) likelihood, and whether it had rivals.

    The derivative is scanned on a geometric grid from 0 to a bound beyond which it is provably
    negative; every fall through zero is a peak (0 where it starts negative), each is refined and the
    highest one taken.
    """
    m = y.shape[1]
    # Without the common level the weighted sums lose no digits to it
    y = project(y, x, 1 / v).residual * np.sqrt(v)
    which, lo, hi = _bracket_peaks(y, v, x, restricted)
    peak_y, peak_v, peak_x = y[:, which], v[:, which], x[:, :, which]
    peak = _refine_peak(peak_y, peak_v, peak_x, lo, hi, restricted)
    height = _log_likelihood(project(peak_y, peak_x, 1 / (peak_v + peak)), restricted)
    best = np.full(m, -np.inf)
    np.maximum.at(best, which, height)
    top = height == best[which]
    tau2 = np.zeros(m)
    tau2[which[top]] = peak[top]
    return tau2, np.bincount(which, minlength=m) > 1


def _bracket_peaks(y: Array, v: Array, x: Array, restricted: bool) -> tuple[NDArray[np.intp], Array, Array]:
    """Intervals of tau2 that each hold one peak: (data set, lower end, upper end); 0 to 0 for one at 0."""
    smallest = v.min(axis=0)
    points = _points_needed(y, v, x, restricted)
    ladder = np.concatenate([[0.0], _SCAN_RATIO ** np.arange(1, points.max() + 1) - 1])
    block = max(1, _SCAN_BLOCK // (x.size // x.shape[2] * ladder.size))
    found: list[tuple[NDArray[np.intp], Array, Array]] = []
    for start in range(0, y.shape[1], block):
        part = slice(start, start + block)
        grid = ladder[: points[part].max() + 2, None] * smallest[part]
        at = project(y[:, None, part], x[:, :, None, part], 1 / (v[:, None, part] + grid))
        rising = _score(at, restricted) > 0
        at_zero = np.nonzero(~rising[0])[0]
        cell, column = np.nonzero(rising[:-1] & ~rising[1:])
        nothing = np.zeros(at_zero.size)
        found.append((at_zero + start, nothing, nothing))
        found.append((column + start, grid[cell, column], grid[cell + 1, column]))
    which, lo, hi = (np.concatenate(column) for column in zip(*found, strict=True))
    return which, lo, hi


def _points_needed(y: Array, v: Array, x: Array, restricted: bool) -> NDArray[np.intp]:
    """Scan points that reach the tau2 beyond which the derivative is negative.

    With RSS the unweighted residual sum of squares, D = max v - min v and u = tau2 + min v, all weights lie
    between 1 / (u + D) and 1 / u. Hence y' P P y <= RSS / u^2 and tr P >= (k - p) / (u + D) (for ML tr W >=
    k / (u + D)), and the derivative is negative once u^2 / (u + D) > RSS / (k - p).
    """
    k, p = y.shape[0], x.shape[0]
    smallest = v.min(axis=0)
    spread = v.max(axis=0) - smallest
    s = project(y, x, np.ones_like(v)).q / (k - p if restricted else k)
    bound = (s + np.sqrt(s * s + 4 * s * spread)) / 2
    ratio = np.maximum(bound / smallest, 1.0)
    points: NDArray[np.intp] = np.floor(np.log(ratio) / np.log(_SCAN_RATIO)).astype(np.intp) + 1
    return points


def _score(at: Projection, restricted: bool) -> Array:
    """Twice the derivative in tau2 of `_log_likelihood`."""
    score: Array = (at.w * at.residual**2).sum(axis=0)
    return score - (at.trace if restricted else at.w.sum(axis=0))


def _slope(at: Projection, restricted: bool) -> Array:
    """Derivative in tau2 of `_score`."""
    b = at.w * at.residual
    inside = ((at.basis * b).sum(axis=1) ** 2).sum(axis=0)
    slope: Array = 2 * (inside - (b * b).sum(axis=0))
    return slope + (at.trace_square if restricted else (at.w**2).sum(axis=0))


def _refine_peak(y: Array, v: Array, x: Array, lo: Array, hi: Array, restricted: bool) -> Array:
    """Root of the derivative between lo and hi: Newton's method, halving where a step would leave."""
    tau2 = (lo + hi) / 2
    scale = v.min(axis=0)
    for _ in range(_NEWTON_STEPS):
        at = project(y, x, 1 / (v + tau2))
        score = _score(at, restricted)
        lo, hi = np.where(score > 0, tau2, lo), np.where(score > 0, hi, tau2)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = tau2 - score / _slope(at, restricted)
        following = np.where((newton >= lo) & (newton <= hi), newton, (lo + hi) / 2)
        done = np.abs(following - tau2) <= _TOLERANCE * (tau2 + scale)
        tau2 = following
        if done.all():
            break
    return tau2


def _log_likelihood(at: Projection, restricted: bool) -> Array:
    """Profile log-likelihood up to a constant; lengths multiply to the root of |x' W x|."""
    value: Array = (np.log(at.w).sum(axis=0) - at.q) / 2
    return value - np.log(at.lengths).sum(axis=0) if restricted else value
