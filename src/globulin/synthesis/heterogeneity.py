"""Between-study variance (tau2): nine estimators and the Q-profile interval, for one data set or many.

Everything here works on arrays with studies along the FIRST axis: shape (k,) for one data set, (k, m) for m.
Sums over the few studies then run along long contiguous rows, and one data set costs plain numbers instead
of arrays of length 1. Results have shape () or (m,). Inputs are taken as valid (checked by the caller):
k is at least 2, and the studies are in order of precision, the smallest variance first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis import special

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Indices: TypeAlias = NDArray[np.intp]
Tau2Method = Literal["FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"]

# Ratio between neighbouring scan points of (tau2 + smallest variance). Two stationary points of the
# likelihood closer than this are one peak for every practical purpose.
_SCAN_RATIO = 1.3
_SCAN_BLOCK = 100_000
_NEWTON_STEPS = 100
# Newton steps shrink quadratically: the error that a step this small leaves is its square
_TOLERANCE = 1e-8
_TINY = float(np.finfo(np.float64).tiny)


class Weighted(NamedTuple):
    """Inverse-variance weighted summary: the weights (k, ...), and their total, the mean and Q (...)."""

    weights: Array
    total: Array
    mean: Array
    q: Array


class Heterogeneity(NamedTuple):
    """tau2, and whether its likelihood had more than one peak."""

    tau2: Array
    several_peaks: Mask


class _Bracket(NamedTuple):
    """An interval of tau2 that holds a peak of the likelihood, and a first guess: numbers, or arrays (p,)."""

    lower: Array
    upper: Array
    guess: Array


class _Scan(NamedTuple):
    """Values of tau2, and what pulls tau2 up there over what holds it back; (points, ...)."""

    tau2: Array
    balance: Array

    def bracket(self, low: Any, high: Any) -> _Bracket:
        """Between two places of the scan; the guess takes the inverse of the balance for a straight line."""
        lower, upper = self.tau2[low], self.tau2[high]
        before, after = 1 / self.balance[low], 1 / self.balance[high]
        return _Bracket(lower, upper, lower + (upper - lower) * (1 - before) / (after - before))


def sum_of_products(a: Array, b: Array) -> Any:
    """Sum over the studies of a * b."""
    # one data set costs what calls of NumPy cost, whatever they do, and a dot product is one cheap call
    return a.dot(b) if a.ndim == 1 else np.add.reduce(a * b, axis=0)


def cross_products(w: Array) -> Any:
    """Sum of w_i w_j over all i and j that differ, (sum w)^2 - sum w^2; the largest weight comes first.

    Taken apart, so that a first weight that outweighs all others cannot wipe them out.
    """
    rest = np.add.reduce(w[1:], axis=0)
    return rest * (2 * w[0] + rest) - sum_of_products(w[1:], w[1:])


def choose(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`: np.where, without its cost for one data set."""
    return np.where(condition, a, b) if isinstance(condition, np.ndarray) else a if condition else b


def anywhere(condition: Any) -> bool:
    """Whether the condition holds for any data set."""
    return bool(condition.any() if isinstance(condition, np.ndarray) else condition)


def weighted_summary(y: Array, v: Array, tau2: Array | float = 0.0) -> Weighted:
    """Weighted mean of y with weights 1 / (v + tau2), and the weighted squares around it."""
    w = 1 / (v + tau2)
    total = np.add.reduce(w, axis=0)
    mean = sum_of_products(w, y) / total
    r = y - mean
    return Weighted(w, total, mean, sum_of_products(w * r, r))


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
    k, batch = y.shape[0], y.shape[1:]
    if method == "FE":
        tau2 = np.zeros(batch)
    elif method == "DL":
        tau2 = _dersimonian_laird(y, v)
    elif method == "HE":
        tau2 = np.maximum(y.var(axis=0, ddof=1) - v.mean(axis=0), 0)
    elif method == "HS":
        common = weighted_summary(y, v)
        tau2 = np.maximum((common.q - k) / common.total, 0)
    elif method == "SJ":
        tau2 = _sidik_jonkman(y, v)
    else:
        tau2 = solve_generalised_q(y, v, (k - 1.0,))[0]
    return Heterogeneity(tau2, np.zeros(batch, dtype=np.bool_))


def q_profile(y: Array, v: Array, level: float) -> tuple[Array, Array]:
    """Q-profile interval for tau2 (Viechtbauer 2007, Stat Med 26:37-52), bounds truncated at 0.

    Both bounds are 0 where even tau2 = 0 leaves less scatter than the interval allows (an empty set).
    """
    df, tail = y.shape[0] - 1, (1 - level) / 2
    lower, upper = solve_generalised_q(y, v, (special.chdtri(df, tail), special.chdtri(df, 1 - tail)))
    return lower, upper


def solve_generalised_q(y: Array, v: Array, targets: Sequence[float]) -> list[Array]:
    """For each target the tau2 at which Q = sum w (y - mean)^2 falls to it, or 0 where Q at 0 is below it.

    Q is a sum of k - 1 simple poles a / (tau2 + lambda), all lambda at least min v. Hence 1/Q is increasing
    and concave: Newton's method on it climbs to the root from the left without ever passing it, whatever
    the variances, and an error e leaves at most e^2 / (tau2 + min v). By Jensen's inequality Q is at least
    sum a / (tau2 + sum a lambda / sum a), where sum a is the plain scatter of y and sum a lambda its scatter
    weighted with v: where this bound meets the target is left of the root, and there the climb starts.
    """
    tolerance = _TOLERANCE * v[0]
    square, scatter = _scatter(y)
    typical = sum_of_products(square, v) / (scatter + _TINY)
    return [_climb(y, v, target, scatter / target - typical, tolerance) for target in targets]


def _climb(y: Array, v: Array, target: float, start: Array, tolerance: Array) -> Array:
    tau2: Array = choose(start > 0, start, 0.0)
    for _ in range(_NEWTON_STEPS):
        w = 1 / (v + tau2)
        r = y - sum_of_products(w, y) / np.add.reduce(w, axis=0)
        wr = w * r
        q = sum_of_products(wr, r)
        # the sum of squares is -dQ/dtau2, and 0 only where Q is 0
        step = q * (q / target - 1) / (sum_of_products(wr, wr) + _TINY)
        step = choose(step > 0, step, 0.0)
        tau2 = tau2 + step
        if not anywhere(step > _TOLERANCE * tau2 + tolerance):
            break
    return tau2


def _scatter(y: Array) -> tuple[Array, Array]:
    """Squared distance of each effect from the plain mean, and their sum."""
    centred = y - np.add.reduce(y, axis=0) / y.shape[0]
    square = centred * centred
    return square, np.add.reduce(square, axis=0)


def _dersimonian_laird(y: Array, v: Array) -> Array:
    common = weighted_summary(y, v)
    correction = cross_products(common.weights) / common.total
    tau2: Array = np.maximum((common.q - (y.shape[0] - 1)) / correction, 0)
    return tau2


def _sidik_jonkman(y: Array, v: Array) -> Array:
    """One weighted step from the crude start value, the variance of y with divisor k."""
    k = y.shape[0]
    crude = y.var(axis=0)
    # effects that differ by less than a float can divide by do not differ
    some = crude > np.finfo(np.float64).tiny * np.maximum(v.max(axis=0), 1.0) * 4.0
    q = v / np.where(some, crude, 1.0) + 1
    return np.where(some, weighted_summary(y, q).q / (k - 1), 0.0)


# --- ML and REML -------------------------------------------------------------------------------------


def _likelihood_tau2(y: Array, v: Array, *, restricted: bool) -> Heterogeneity:
    """Global maximum over tau2 >= 0 of the profile (restricted) likelihood.

    The derivative is scanned on a geometric grid from 0 to a bound beyond which it is provably
    negative; every fall through zero is a local maximum, each is refined, and the highest one (0
    included where the derivative starts negative) is taken.
    """
    if y.ndim == 1:
        only = _only_peak(y, v, restricted)
        if only is not None:
            return Heterogeneity(only, np.zeros((), dtype=np.bool_))
        one = _likelihood_tau2(y[:, None], v[:, None], restricted=restricted)
        return Heterogeneity(one.tau2[0], one.several_peaks[0])
    at_zero, which, bracket = _bracket_peaks(y, v, restricted)
    tau2 = np.zeros(y.shape[1])
    peak = _refine_peak(y[:, which], v[:, which], bracket, restricted)
    tau2[which] = peak
    several = np.bincount(which, minlength=tau2.size) + at_zero > 1
    if several.any():
        which = np.concatenate([np.flatnonzero(at_zero), which])
        peak = np.concatenate([np.zeros(which.size - peak.size), peak])
        top = _highest(y[:, which], v[:, which], which, peak, restricted)
        tau2[which[top]] = peak[top]
    return Heterogeneity(tau2, several)


def _only_peak(y: Array, v: Array, restricted: bool) -> Any:
    """The local maximum of the likelihood of one data set, or None if there are several."""
    scan = _scan(y, v, _points_needed(y, v, restricted), restricted)
    rising = (scan.balance > 1).tolist()
    falls = [i for i, rises in enumerate(rising[:-1]) if rises > rising[i + 1]]
    if len(falls) + (not rising[0]) > 1:
        return None
    return _refine_peak(y, v, scan.bracket(falls[0], falls[0] + 1), restricted) if falls else 0.0


def _highest(y: Array, v: Array, which: Indices, peak: Array, restricted: bool) -> Mask:
    """Which peaks, one to a column, are the highest of their data set."""
    height = _log_likelihood(y, v, peak, restricted)
    best = np.full(which.max() + 1, -np.inf)
    np.maximum.at(best, which, height)
    highest: Mask = height == best[which]
    return highest


def _bracket_peaks(y: Array, v: Array, restricted: bool) -> tuple[Mask, Indices, _Bracket]:
    """All local maxima of m likelihoods, from scans of blocks that stay inside a processor's cache.

    Which data sets have one at tau2 = 0 (m,), and for each of the others (p,) its data set and bracket.
    """
    needed = _points_needed(y, v, restricted)
    size = max(1, int(_SCAN_BLOCK // (y.shape[0] * needed.max())))
    at_zero, which, brackets = [], [], []
    for begin in range(0, y.shape[1], size):
        block = slice(begin, begin + size)
        scan = _scan(y[:, block], v[:, block], needed[block].max(), restricted)
        rising = scan.balance > 1
        column, row = np.nonzero((rising[:-1] > rising[1:]).T)
        at_zero.append(~rising[0])
        which.append(column + begin)
        brackets.append(scan.bracket((row, column), (row + 1, column)))
    joined = _Bracket(*(np.concatenate(ends) for ends in zip(*brackets, strict=True)))
    return np.concatenate(at_zero), np.concatenate(which), joined


def _scan(y: Array, v: Array, points: int, restricted: bool) -> _Scan:
    """The derivative on a geometric grid of tau2."""
    grid = np.multiply.outer(_ladder(points), v[0])
    return _Scan(grid, _balance(y[:, None], v[:, None], grid, restricted))


@cache
def _ladder(points: int) -> Array:
    """Scan points from 0, in units of the smallest variance."""
    ladder: Array = _SCAN_RATIO ** np.arange(points, dtype=np.float64) - 1
    return ladder


def _points_needed(y: Array, v: Array, restricted: bool) -> Any:
    """Scan points that reach the tau2 beyond which the derivative is negative.

    With s the (restricted) mean square of y, D = max v - min v and u = tau2 + min v, the derivative is
    negative once u^2 / (u + D) > s, because w lies between 1 / (u + D) and 1 / u.
    """
    spread = v[-1] - v[0]
    s = _scatter(y)[1] / (y.shape[0] - restricted)
    bound = (s + np.sqrt(s * s + 4 * s * spread)) / 2
    octaves = np.log(np.maximum(bound / v[0], 1.0)) / np.log(_SCAN_RATIO)
    return np.ceil(octaves).astype(np.intp) + 2


def _balance(y: Array, v: Array, tau2: Array, restricted: bool) -> Array:
    """What pulls tau2 up, the squared weighted residuals, over the drag that holds it back.

    The drag is sum w, less sum w^2 / sum w for the restricted likelihood. Pull less drag is twice the
    derivative in tau2 of the profile log-likelihood of `_log_likelihood`.
    """
    w = 1 / (v + tau2)
    total = np.add.reduce(w, axis=0)
    wr = w * (y - np.add.reduce(w * y, axis=0) / total)
    drag = cross_products(w) / total if restricted else total
    balance: Array = np.add.reduce(wr * wr, axis=0) / drag
    return balance


def _newton(y: Array, v: Array, tau2: Array, restricted: bool) -> tuple[Any, Any]:
    """Whether the likelihood rises at tau2, and Newton's next tau2 on the way to its peak.

    Newton's method is applied to drag / pull - 1, which is a straight line in tau2 where the variances are
    equal, and nearly one otherwise.
    """
    w = 1 / (v + tau2)
    total, squares = np.add.reduce(w, axis=0), sum_of_products(w, w)
    r = y - sum_of_products(w, y) / total
    w2 = w * w
    w2r = w2 * r
    pull, drag = sum_of_products(w2r, r), total
    pull_slope = 2 * (sum_of_products(w2, r) ** 2 / total - sum_of_products(w2r, w * r))
    drag_slope = -squares
    if restricted:
        drag = cross_products(w) / total
        drag_slope = drag_slope + 2 * sum_of_products(w, w2) / total - (squares / total) ** 2
    return pull > drag, tau2 + (pull - drag) / (drag_slope - pull_slope * drag / pull)


def _refine_peak(y: Array, v: Array, bracket: _Bracket, restricted: bool) -> Array:
    """Root of the derivative in its bracket: Newton's method, halving where a step would leave."""
    lower, upper, tau2 = bracket
    tolerance = _TOLERANCE * v[0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for _ in range(_NEWTON_STEPS):
            rising, newton = _newton(y, v, tau2, restricted)
            lower, upper = choose(rising, tau2, lower), choose(rising, upper, tau2)
            inside = (lower <= newton) & (newton <= upper)
            following = choose(inside, newton, (lower + upper) / 2)
            step, tau2 = abs(following - tau2), following
            if not anywhere(step > _TOLERANCE * tau2 + tolerance):
                break
    return tau2


def _log_likelihood(y: Array, v: Array, tau2: Array, restricted: bool) -> Array:
    """Profile log-likelihood up to a constant."""
    _, total, _, q = weighted_summary(y, v, tau2)
    log_likelihood: Array = -(np.add.reduce(np.log(v + tau2), axis=0) + q) / 2
    return log_likelihood - np.log(total) / 2 if restricted else log_likelihood
