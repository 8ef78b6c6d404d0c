"""Effects known only as ranges in a regression: what they say about its coefficients, given tau.

A trial that reports "not significant" says |Y| < bound, no more. Ranges of one trial share their control,
which is one normal quantity: given it they are independent, so that the probability of all of them is an
integral in one dimension (Dunnett & Sobel 1955, Biometrika 42:258-260). Every factor is log-concave in the
coefficients, so their density has one peak and dies fast, and sums on an equally spaced lattice are
as good as exact. `censoring` does the same for a mean alone, each range a trial of its own.

Arrays have nodes (values of tau, and candidate designs) along the first axis, q of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis import special
from globulin.synthesis.censoring import log_interval_probability
from globulin.synthesis.cloud import Cloud

Array: TypeAlias = NDArray[np.float64]

# Coefficients on equal steps, in units of the narrowest that their density can be, to so many standard
# deviations. The trapezoidal rule errs by exp(-2 pi^2 / 0.7^2) = 3e-18; a distribution function by up to
# exp(-(pi / 0.7)^2 / 2) where the density is that narrow, and by 1e-8 on data like ours, where it is wider
_STEP = 0.7
_REACH = 5.6
_MOST_POINTS = 60
# The shared control on equal steps, in units of the narrowest that its density can be
_CONTROL_STEP = 1.25
_CONTROL_REACH = 6.5
_MOST_CONTROL_POINTS = 200
_UNDERFLOW = 1e-290
_ROUNDING = 1e-9
# The window that looks for the density: so many steps to each side, each so many standard deviations. It has
# seen enough when it holds the mean and so many standard deviations on either side
_WINDOW = 4
_WINDOW_STEP = 1.5
_HELD = 3
_ROUNDS = 60

_COARSE = "a range is wide against its standard error: the accuracy is reduced"
_LOST = "the ranges and the numbers are so far apart that the coefficients could not be located"


class Given(NamedTuple):
    """What the numbers alone say at each node.

    log_likelihood (q,): of the numbers, coefficients integrated out. mean (q, p), covariance and precision
    (q, p, p): the coefficients are normal. x (q, c, p), offset (q, c): the c ranged estimates have the mean
    x beta + offset. own, shared (q, c): their variances, given the numbers of the same trial.
    """

    log_likelihood: Array
    mean: Array
    covariance: Array
    precision: Array
    x: Array
    offset: Array
    own: Array
    shared: Array


class RangedTrial(NamedTuple):
    """The ranges of one trial: their places among the c ranges, and their bounds."""

    columns: NDArray[np.intp]
    bound: Array


def spread(given: Given, trials: list[RangedTrial]) -> tuple[Cloud, Array, str]:
    """The coefficients with the ranges, the log probability (q,) of all ranges, and a message or "".

    Raises ValueError for more than two coefficients: a lattice in three dimensions is too slow.
    """
    p = given.mean.shape[1]
    if p > 2:
        raise ValueError(f"x: at most 2 columns where effects are known only as ranges, not {p}")

    def log_density(centre: Array, axes: Array, steps: list[Array]) -> Array:
        lattice = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
        beta = centre[:, None] + lattice.reshape(-1, p) @ np.swapaxes(axes, 1, 2)
        mean = beta @ np.swapaxes(given.x, 1, 2) + given.offset[:, None]
        by_axis = mean.reshape(mean.shape[0], steps[0].size, -1, mean.shape[2])
        return _log_normal(beta, given) + _log_probability(given, trials, by_axis)

    centre, axes, size, located = _locate(given.mean, _narrowest(given, trials), log_density)
    needed = np.ceil(_REACH * size.max(axis=0) / _STEP).astype(np.intp)
    counts = np.minimum(needed, _MOST_POINTS)
    axes = axes * (_REACH / counts)
    log_f = log_density(centre, axes, [np.arange(-n, n + 1.0) for n in counts])
    shares, log_total = _normalised(log_f)
    remarks = (_COARSE if (needed > counts).any() else "", "" if located else _LOST)
    log_integral = log_total + np.linalg.slogdet(axes)[1]
    return (
        Cloud(centre, axes, shares.reshape(-1, *(2 * counts + 1))),
        log_integral,
        "; ".join(filter(None, remarks)),
    )


def _normalised(log_f: Array) -> tuple[Array, Array]:
    """Shares (q, n) of the sums over the last axis, and the logarithms (q,) of these sums."""
    height = log_f.max(axis=1, keepdims=True)
    shares = np.exp(log_f - height)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, (height + np.log(total))[:, 0]


def _log_normal(beta: Array, given: Given) -> Array:
    """Log density (q, n) of the coefficients beta (q, n, p) by the numbers alone."""
    off = beta - given.mean[:, None]
    q = ((off @ given.precision) * off).sum(axis=2)
    log_size = np.linalg.slogdet(given.precision)[1] - given.mean.shape[1] * np.log(2 * np.pi)
    log_density: Array = (log_size[:, None] - q) / 2
    return log_density


def _log_probability(given: Given, trials: list[RangedTrial], mean: Array) -> Array:
    """Log probability (q, a b) that every ranged estimate lay in its range.

    mean (q, a, b, c): of the c estimates on a lattice, whose first axis is equally spaced.
    """
    total = np.zeros(mean.shape[:3])
    for columns, bound in trials:
        own, shared = given.own[:, columns], given.shared[:, columns]
        if columns.size == 1:
            sd = np.sqrt(own + shared)[:, None, None]
            total += log_interval_probability(mean[..., columns] / sd, bound / sd)[..., 0]
        else:
            total += _log_rectangle(mean[..., columns], bound, own, shared)
    return total.reshape(mean.shape[0], -1)


def _log_rectangle(mean: Array, bound: Array, own: Array, shared: Array) -> Array:
    """Log P(|Y_j| < bound_j for all j), Y_j = mean_j + control + noise_j, (q, a, b).

    mean (q, a, b, c); bound (c,); own, shared (q, c), variances of the noise and of the control. The control
    is integrated by the trapezoidal rule, whose steps follow the sharpest that the noise allows.
    """
    sharpness = np.sqrt(1 + (shared / own).sum(axis=1))
    count = min(int(np.ceil(_CONTROL_REACH * sharpness.max() / _CONTROL_STEP)), _MOST_CONTROL_POINTS)
    control = np.linspace(-_CONTROL_REACH, _CONTROL_REACH, 2 * count + 1)
    weights = np.exp(-(control**2) / 2) * (_CONTROL_REACH / count / np.sqrt(2 * np.pi))
    sd, move = np.sqrt(own)[:, None, None], np.sqrt(shared)[:, None, None]
    total = _slid(mean, bound, sd, move, sharpness, mean.shape[1] * control.size)
    if total is None:
        total = _inside(mean[..., None, :] + move[..., None, :] * control[:, None], bound, sd) @ weights
    log_total: Array = np.log(np.maximum(total, _UNDERFLOW))
    lost = total <= _UNDERFLOW
    if lost.any():
        at, high, by = (np.broadcast_to(x / sd, mean.shape)[lost] for x in (mean, bound, move))
        z = at[:, None] + by[:, None] * control[:, None]
        logs = log_interval_probability(z, high[:, None]).sum(axis=2)
        log_total[lost] = special.logsumexp(logs, b=weights, axis=1)
    return log_total


def _slid(mean: Array, bound: Array, sd: Array, move: Array, sharpness: Array, most: int) -> Array | None:
    """Probability (q, a, b) where the first axis of the lattice moves all arms as their control does.

    A level of all effects does so. Then every sum over the control runs along the same points, and all of
    them are one product of matrices. None where the arms move apart, or where it takes `most` points or more.
    """
    a = mean.shape[1]
    step = mean[:, 1, 0] - mean[:, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        paces = np.abs(step) / move[:, 0, 0]
    pace, slowest = paces[:, 0], paces.min()
    together = np.abs(paces - pace[:, None]) <= _ROUNDING * pace[:, None]
    if not (slowest > 0 and together.all() and np.isfinite(pace).all()):
        return None
    parts = np.ceil((pace * sharpness).max() / _CONTROL_STEP)
    beyond = np.ceil(_CONTROL_REACH * parts / slowest)
    if a * parts + 2 * beyond >= most:
        return None
    place = np.arange(-beyond, (a - 1) * parts + beyond + 1) / parts
    off = (place[:, None] - np.arange(a)) * pace[:, None, None]
    weights = np.exp(-(off**2) / 2) * (pace / parts / np.sqrt(2 * np.pi))[:, None, None]
    at = mean[:, 0, :, None] + place[:, None] * step[:, None, None]
    total: Array = np.swapaxes(_inside(at, bound, sd) @ weights, 1, 2)
    return total


def _inside(mean: Array, bound: Array, sd: Array) -> Array:
    """Probability (q, ...) that all c estimates are in their ranges; mean (q, ..., c), sd (q, 1, 1, c)."""
    sd = sd.reshape(sd.shape[0], *[1] * (mean.ndim - 2), -1)

    def one(j: int) -> Array:
        z, high = np.abs(mean[..., j]) / sd[..., j], bound[j] / sd[..., j]
        probability: Array = special.ndtr(high - z) - special.ndtr(-high - z)
        return probability

    return reduce(np.multiply, map(one, range(bound.size)))


# --- where the density lies ------------------------------------------------------------------------------


def _narrowest(given: Given, trials: list[RangedTrial]) -> Array:
    """Root (q, p, p) of the covariance that the coefficients would have if the ranges were numbers.

    No density with ranges is narrower: an estimate tells more than a range around it.
    """
    c = given.own.shape[1]
    together = np.zeros((c, c))
    for columns, _ in trials:
        together[np.ix_(columns, columns)] = 1.0
    total = given.own[:, None] * np.eye(c) + given.shared[:, None] * together
    precision = given.precision + np.swapaxes(given.x, 1, 2) @ np.linalg.solve(total, given.x)
    return np.swapaxes(np.linalg.inv(np.linalg.cholesky(precision)), 1, 2)


def _locate(
    centre: Array, root: Array, log_density: Callable[[Array, Array, list[Array]], Array]
) -> tuple[Array, Array, Array, bool]:
    """Centre (q, p), axes (q, p, p) of one standard deviation, in units of root (q, p); whether found.

    Starts with the narrowest shape and takes on the mean and the widths that it sees in its window, until
    the window holds what it sees. There is one peak, so the window climbs to it and then grows to its size.
    """
    p, reach = centre.shape[1], _WINDOW * _WINDOW_STEP
    along: Array = np.arange(-_WINDOW, _WINDOW + 1.0) * _WINDOW_STEP
    steps = [along] * p
    window = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, p)
    axes, size = root, np.ones(centre.shape)
    for _ in range(_ROUNDS):
        weights, _ = _normalised(log_density(centre, axes, steps))
        mean = weights @ window
        sd = np.sqrt(np.maximum(weights @ window**2 - mean**2, 0.0))
        centre = centre + (axes @ mean[..., None])[..., 0]
        size = np.maximum(size * sd, 1.0)
        axes = root * size[:, None]
        if (np.abs(mean) + _HELD * sd <= reach).all():
            return centre, axes, size, True
    return centre, axes, size, False
