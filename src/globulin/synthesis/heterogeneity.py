"""Between-study variance (tau2): nine estimators and the Q-profile interval, for many data sets at once.

Everything here works on arrays with studies along the FIRST axis, shape (k, m) for m data sets, so that
sums over the few studies run along long contiguous rows. All results have shape (m,). Inputs are
taken as valid (checked by the caller). k must be at least 2.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array: TypeAlias = NDArray[np.float64]
Tau2Method = Literal["FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"]

# Ratio between neighbouring scan points of (tau2 + smallest variance). Two stationary points of the
# likelihood closer than this are one peak for every practical purpose.
_SCAN_RATIO = 1.3
_SCAN_BLOCK = 400_000
_NEWTON_STEPS = 100
# Newton steps shrink quadratically: after a step this small the error is below rounding
_TOLERANCE = 1e-11


class Weighted(NamedTuple):
    """Inverse-variance weighted summary at one tau2: total weight, mean and Q, each of shape (m,)."""

    total: Array
    mean: Array
    q: Array


class Heterogeneity(NamedTuple):
    """tau2 of shape (m,), and whether its likelihood had more than one peak."""

    tau2: Array
    several_peaks: NDArray[np.bool_]


def weighted_summary(y: Array, v: Array, tau2: Array) -> Weighted:
    """Weighted mean of y (k, m) with weights 1 / (v + tau2), tau2 of shape (m,)."""
    w = 1 / (v + tau2)
    total = w.sum(axis=0)
    mean = (w * y).sum(axis=0) / total
    return Weighted(total, mean, (w * (y - mean) ** 2).sum(axis=0))


def estimate_tau2(y: Array, v: Array, method: Tau2Method) -> Heterogeneity:
    """Between-study variance of each data set by the named method, truncated at 0.

    FE: 0 by definition (common effect). DL: DerSimonian & Laird 1986, Control Clin Trials 7:177-188.
    HE: Hedges & Olkin 1985, Statistical Methods for Meta-Analysis, p. 194. HS: Hunter & Schmidt 2004,
    Methods of Meta-Analysis. SJ: Sidik & Jonkman 2005, Appl Stat 54:367-384. ML, REML: Raudenbush 2009,
    in The Handbook of Research Synthesis and Meta-Analysis. PM: Paule & Mandel 1982, J Res Natl Bur Stand
    87:377-385; EB (Morris 1983, JASA 78:47-55) has the same solution (Veroniki et al. 2016, Res Synth
    Methods 7:55-79).
    """
    if method == "ML" or method == "REML":
        return _likelihood_tau2(y, v, restricted=method == "REML")
    k, m = y.shape
    if method == "FE":
        tau2 = np.zeros(m)
    elif method == "DL":
        tau2 = _dersimonian_laird(y, v)
    elif method == "HE":
        tau2 = np.maximum(y.var(axis=0, ddof=1) - v.mean(axis=0), 0)
    elif method == "HS":
        common = weighted_summary(y, v, np.zeros(m))
        tau2 = np.maximum((common.q - k) / common.total, 0)
    elif method == "SJ":
        tau2 = _sidik_jonkman(y, v)
    else:
        tau2 = solve_generalised_q(y, v, np.full((1, 1), k - 1.0))[0]
    return Heterogeneity(tau2, np.zeros(m, dtype=np.bool_))


def q_profile(y: Array, v: Array, level: float) -> tuple[Array, Array]:
    """Q-profile interval for tau2 (Viechtbauer 2007, Stat Med 26:37-52), bounds truncated at 0.

    Both bounds are 0 where even tau2 = 0 leaves less scatter than the interval allows (an empty set).
    """
    df = y.shape[0] - 1
    targets = special.chdtri(df, [[(1 - level) / 2], [(1 + level) / 2]])
    lower, upper = solve_generalised_q(y, v, targets)
    return lower, upper


def solve_generalised_q(y: Array, v: Array, targets: Array) -> Array:
    """tau2 at which Q(tau2) = sum w (y - mean)^2 falls to each target, or 0 where Q(0) is below it.

    y, v (k, m); targets (t, 1); result (t, m). Q is a sum of k - 1 simple poles a / (tau2 + lambda) in
    tau2, hence 1/Q is increasing and concave: Newton's method on 1/Q climbs to the root from the left
    without ever passing it, whatever the variances.
    """
    tau2 = np.zeros((targets.shape[0], y.shape[1]))
    y, v = y[:, None, :], v[:, None, :]
    w = 1 / v
    scale = v.min(axis=0)
    for _ in range(_NEWTON_STEPS):
        total = w.sum(axis=0)
        r = y - (w * y).sum(axis=0) / total
        wr2 = w * r * r
        q = wr2.sum(axis=0)
        slope = (w * wr2).sum(axis=0)
        above = (q > targets) & (slope > 0)
        # step of Newton's method on 1/Q - 1/target; slope is -dQ/dtau2
        step = np.where(above, q * (q / targets - 1) / np.where(above, slope, 1.0), 0.0)
        tau2 = tau2 + step
        if not (step > _TOLERANCE * (tau2 + scale)).any():
            break
        w = 1 / (v + tau2)
    return tau2


def _dersimonian_laird(y: Array, v: Array) -> Array:
    k, m = y.shape
    common = weighted_summary(y, v, np.zeros(m))
    correction = common.total - (v**-2).sum(axis=0) / common.total
    tau2: Array = np.maximum((common.q - (k - 1)) / correction, 0)
    return tau2


def _sidik_jonkman(y: Array, v: Array) -> Array:
    """One weighted step from the crude start value, the variance of y with divisor k."""
    k = y.shape[0]
    crude = y.var(axis=0)
    some = crude > 0
    q = v / np.where(some, crude, 1.0) + 1
    return np.where(some, weighted_summary(y, q, np.zeros(y.shape[1])).q / (k - 1), 0.0)


# --- ML and REML -------------------------------------------------------------------------------------


def _likelihood_tau2(y: Array, v: Array, *, restricted: bool) -> Heterogeneity:
    """Global maximum over tau2 >= 0 of the profile (restricted) likelihood.

    The derivative is scanned on a geometric grid from 0 to a bound beyond which it is provably
    negative; every fall through zero is a local maximum, each is refined, and the highest one (0
    included where the derivative starts negative) is taken.
    """
    y = y - weighted_summary(y, v, np.zeros(y.shape[1])).mean
    which, lo, hi = _bracket_peaks(y, v, restricted)
    m = y.shape[1]
    peak = _refine_peak(y[:, which], v[:, which], lo, hi, restricted)
    tau2 = np.zeros(m)
    if np.array_equal(which, np.arange(m)):
        return Heterogeneity(peak, np.zeros(m, dtype=np.bool_))
    several = np.bincount(which, minlength=m) > 1
    best = np.full(m, -np.inf)
    height = _log_likelihood(y[:, which], v[:, which], peak, restricted)
    np.maximum.at(best, which, height)
    top = height == best[which]
    tau2[which[top]] = peak[top]
    return Heterogeneity(tau2, several)


def _bracket_peaks(y: Array, v: Array, restricted: bool) -> tuple[NDArray[np.intp], Array, Array]:
    """Intervals of tau2 that each hold one local maximum: (data set, lower end, upper end), flat.

    A maximum at tau2 = 0 comes as the interval from 0 to 0.
    """
    k, m = y.shape
    smallest = v.min(axis=0)
    points = _points_needed(y, v, smallest, restricted)
    ladder = np.concatenate([[0.0], _SCAN_RATIO ** np.arange(1, points.max() + 1) - 1])
    block = max(1, _SCAN_BLOCK // (k * ladder.size))
    found: list[tuple[NDArray[np.intp], Array, Array]] = []
    for start in range(0, m, block):
        part = slice(start, start + block)
        count = points[part].max() + 1
        grid = ladder[:count, None] * smallest[part]
        rising = _score(y[:, None, part], v[:, None, part], grid, restricted) > 0
        falls = rising[:-1] & ~rising[1:]
        at_zero = np.nonzero(~rising[0])[0]
        cell, column = np.nonzero(falls)
        nothing = np.zeros(at_zero.size)
        found.append((at_zero + start, nothing, nothing))
        found.append((column + start, grid[cell, column], grid[cell + 1, column]))
    which = np.concatenate([f[0] for f in found])
    order = np.argsort(which, kind="stable")
    return (
        which[order],
        np.concatenate([f[1] for f in found])[order],
        np.concatenate([f[2] for f in found])[order],
    )


def _points_needed(y: Array, v: Array, smallest: Array, restricted: bool) -> NDArray[np.intp]:
    """Scan points that reach the tau2 beyond which the derivative is negative.

    With s the (restricted) mean square of y, D = max v - min v and u = tau2 + min v, the derivative is
    negative once u^2 / (u + D) > s, because w lies between 1 / (u + D) and 1 / u.
    """
    k = y.shape[0]
    spread = v.max(axis=0) - smallest
    s = y.var(axis=0) * (k / (k - 1) if restricted else 1.0)
    bound = (s + np.sqrt(s * s + 4 * s * spread)) / 2
    ratio = np.maximum(bound / smallest, 1.0)
    points: NDArray[np.intp] = np.floor(np.log(ratio) / np.log(_SCAN_RATIO)).astype(np.intp) + 1
    return points


def _score(y: Array, v: Array, tau2: Array, restricted: bool) -> Array:
    """Twice the derivative in tau2 of the profile log-likelihood of `_log_likelihood`."""
    w = 1 / (v + tau2)
    total = w.sum(axis=0)
    wr = w * (y - (w * y).sum(axis=0) / total)
    score: Array = (wr * wr).sum(axis=0) - total
    if restricted:
        score = score + (w * w).sum(axis=0) / total
    return score


def _score_and_slope(y: Array, v: Array, tau2: Array, restricted: bool) -> tuple[Array, Array]:
    """The derivative of `_score` comes with it, for Newton's method."""
    w = 1 / (v + tau2)
    w2 = w * w
    total = w.sum(axis=0)
    wr = w * (y - (w * y).sum(axis=0) / total)
    wr2 = wr * wr
    score = wr2.sum(axis=0) - total
    slope = 2 * ((w * wr).sum(axis=0) ** 2 / total - (w * wr2).sum(axis=0)) + w2.sum(axis=0)
    if restricted:
        share = w2.sum(axis=0) / total
        score = score + share
        slope = slope + share**2 - 2 * (w2 * w).sum(axis=0) / total
    return score, slope


def _refine_peak(y: Array, v: Array, lo: Array, hi: Array, restricted: bool) -> Array:
    """Root of the derivative between lo and hi: Newton's method, halving where a step would leave."""
    tau2 = (lo + hi) / 2
    scale = v.min(axis=0)
    for _ in range(_NEWTON_STEPS):
        score, slope = _score_and_slope(y, v, tau2, restricted)
        lo, hi = np.where(score > 0, tau2, lo), np.where(score > 0, hi, tau2)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = tau2 - score / slope
        inside = (newton >= lo) & (newton <= hi)
        following = np.where(inside, newton, (lo + hi) / 2)
        done = np.abs(following - tau2) <= _TOLERANCE * (tau2 + scale)
        tau2 = following
        if done.all():
            break
    return tau2


def _log_likelihood(y: Array, v: Array, tau2: Array, restricted: bool) -> Array:
    """Profile log-likelihood up to a constant."""
    total, _, q = weighted_summary(y, v, tau2)
    log_likelihood: Array = -(np.log(v + tau2).sum(axis=0) + q) / 2
    return log_likelihood - np.log(total) / 2 if restricted else log_likelihood
