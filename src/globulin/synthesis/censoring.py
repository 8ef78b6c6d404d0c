"""Studies known only as "not significant": what they say about the pooled effect, given tau.

Such a study says |Y| < bound, no more. Its likelihood is the probability of that event, a smooth,
symmetric, log-concave function of mu, so that mu given tau is integrated on an equally spaced
grid, placed and spaced for each tau, on which the trapezoidal rule is exact to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis import special
from globulin.synthesis.mixtures import Mixture, NormalMixture, SincMixture, Sum

Array: TypeAlias = NDArray[np.float64]

# Half width of the grid in standard deviations (tail below 1e-17), and its spacing in units of the width
# of the narrowest factor: the error of the trapezoidal rule is exp(-2 pi^2 / 0.7^2) = 3e-18
_TAIL = 8.6
_SPACING = 0.7
_MOST_POINTS = 1000
_HALVINGS = 12


class Censored(NamedTuple):
    """Bounds (c,) of |Y| and the standard errors (c,) of the unreported estimates."""

    bound: Array
    se: Array


class Conditional(NamedTuple):
    """Without the censored studies, mu given each tau (j,) is N(mean, 1 / precision); flat at precision 0.

    log_likelihood: that of tau, with mu integrated out.
    """

    log_likelihood: Array
    mean: Array
    precision: Array


class OnGrid(NamedTuple):
    """The mean mu given each tau with the censored studies.

    log_probability (j,): log of the censored likelihood averaged over the conditional of mu (up to a
    constant where that is flat). mu (j, n), shares (j, n): grid and probabilities. step (j,): spacing.
    wide (j,): whether tau is wide against that spacing. full: False where the grid had to be coarser than it
    should.
    """

    log_probability: Array
    mu: Array
    shares: Array
    step: Array
    wide: NDArray[np.bool_]
    full: bool


def condition_on_censored(
    given: Conditional, censored: Censored, tau: Array, predictive: bool = False
) -> OnGrid:
    """Add the censored studies to mu given tau; with `predictive` the grid has room for mu + N(0, tau^2)."""
    spread = np.sqrt(censored.se[:, None] ** 2 + tau**2)
    bound = censored.bound[:, None]
    flat = given.precision == 0
    centre = _mode(given, bound, spread)
    reach = _TAIL / np.sqrt(np.where(flat, 1.0, given.precision)) + np.abs(given.mean) / 2**_HALVINGS
    reach = np.where(flat, (bound + _TAIL * spread).min(axis=0), reach)
    width = 1 / np.sqrt(given.precision + (spread**-2).sum(axis=0))
    wide = tau > 2 * width
    if predictive:
        reach = reach + np.where(wide, 0.0, _TAIL * tau)
    step = _SPACING * width
    count = int(np.ceil((reach / step).max()))
    full = count <= _MOST_POINTS
    if not full:
        count = _MOST_POINTS
        step = np.maximum(step, reach / count)
    mu = centre[:, None] + step[:, None] * np.arange(-count, count + 1)
    log_f = _log_density(given, censored, mu, tau)
    height = log_f.max(axis=1)
    shares = np.exp(log_f - height[:, None])
    total = shares.sum(axis=1)
    return OnGrid(height + np.log(total * step), mu, shares / total[:, None], step, wide, full)


def mix_over_tau(grid: OnGrid, weights: Array, tau: Array) -> tuple[Mixture, Mixture]:
    """Posterior of mu, and of the true effect in a new study, mu + N(0, tau^2).

    weights, tau: (j,); the grid must be `predictive`. A wide normal kernel is smooth on the grid, so each
    point becomes a normal distribution. A narrow one is applied in Fourier space, where it is a factor.
    """
    n = grid.mu.shape[1]
    joint = grid.shares * weights[:, None]
    steps = np.repeat(grid.step, n).reshape(joint.shape)
    mu = SincMixture.of(joint.ravel(), grid.mu.ravel(), steps.ravel())
    wide, narrow = grid.wide, ~grid.wide
    spread_out = NormalMixture.of(joint[wide].ravel(), grid.mu[wide].ravel(), np.repeat(tau[wide], n))
    frequency = 2 * np.pi * np.fft.rfftfreq(n) / grid.step[narrow, None]
    damping = np.exp(-((frequency * tau[narrow, None]) ** 2) / 2)
    smoothed = np.fft.irfft(np.fft.rfft(joint[narrow], axis=1) * damping, n, axis=1)
    close = SincMixture.of(smoothed.ravel(), grid.mu[narrow].ravel(), steps[narrow].ravel())
    return mu, Sum(tuple(part for part in (spread_out, close) if part.weights.size))


def density_over_tau(
    given: Conditional, censored: Censored, grid: OnGrid, weights: Array, tau: Array
) -> Callable[[Array], Array]:
    """Posterior density of mu at any x: the exact conditional densities, weighted over tau (j,)."""
    log_weights = np.log(weights) - grid.log_probability

    def density(x: Array) -> Array:
        log_f = _log_density(given, censored, x.reshape(1, -1), tau) + log_weights[:, None]
        at: Array = np.exp(log_f).sum(axis=0).reshape(x.shape)
        return at

    return density


def _log_density(given: Conditional, censored: Censored, mu: Array, tau: Array) -> Array:
    """Log of the conditional of mu (j, n) times the censored likelihood, for each tau (j,)."""
    precision, mean = given.precision[:, None], given.mean[:, None]
    constant = np.where(precision > 0, np.log(np.where(precision > 0, precision, 1.0) / (2 * np.pi)) / 2, 0.0)
    log_f: Array = constant - precision * (mu - mean) ** 2 / 2
    for bound, se in zip(censored.bound, censored.se, strict=True):
        spread = np.sqrt(se**2 + tau[:, None] ** 2)
        log_f = log_f + log_interval_probability(mu / spread, bound / spread)
    return log_f


def log_interval_probability(m: Array, d: Array) -> Array:
    """Logarithm of P(|Z| < d) = Phi(d - m) - Phi(-d - m) for Z ~ N(m, 1), accurate for any m and d > 0."""
    m, d = np.broadcast_arrays(np.abs(m), d)
    high, low = special.log_ndtr(d - m), special.log_ndtr(-d - m)
    # below rounding the two are one, and the short interval below takes over
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Array = high + np.log1p(-np.exp(low - high))
    # the two are nearly equal: integrate the density over the short interval instead
    near = (d < 1) & (m * d < 1)
    if near.any():
        mn, dn = m[near][:, None], d[near][:, None]
        t, w = _legendre()
        inside = (w * np.exp(-((dn * t) ** 2) / 2) * np.cosh(mn * dn * t)).sum(axis=1)
        out[near] = np.log(inside * d[near] / np.sqrt(2 * np.pi)) - m[near] ** 2 / 2
    return out


@cache
def _legendre() -> tuple[Array, Array]:
    # np.polynomial is slow to load
    points, weights = np.polynomial.legendre.leggauss(10)
    return points, weights


def _mode(given: Conditional, bound: Array, spread: Array) -> Array:
    """Most likely mu given tau, between 0 (where the censored studies pull) and the mean, by halving."""
    near, far = np.zeros_like(given.mean), np.abs(given.mean)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        m, d = middle / spread, bound / spread
        hazard = np.exp(-((d - m) ** 2) / 2 - log_interval_probability(m, d)) / np.sqrt(2 * np.pi)
        pull = (hazard * -np.expm1(-2 * m * d) / spread).sum(axis=0)
        outwards = given.precision * (np.abs(given.mean) - middle) > pull
        near, far = np.where(outwards, middle, near), np.where(outwards, far, middle)
    return np.sign(given.mean) * (near + far) / 2
