"""The posterior of the heterogeneity tau on a grid, with the mean effect integrated out.

What one Bayesian summary and many at once share: m data sets of k studies side by side, each on a grid of n
values of tau that is placed by its own posterior. Deterministic quadrature, no sampling.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis.arguments import Array
from globulin.synthesis.censoring import Censored, Conditional, condition_on_censored
from globulin.synthesis.mixtures import NormalMixture, SincMixture, quantile
from globulin.synthesis.priors import Normal, TauPrior

Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

# tau is integrated over e^-300 to e^300 times the scale of the data: its square is still a number
_REACH = 300.0
# An integral does not converge that has this large a share in the outermost fifth
_FAR, _LEAK = 0.8 * _REACH, 1e-7
# Where the integrand, and its second moment, are below e^-42 = 6e-19 of the peak, they cannot show
_NEGLIGIBLE = 42.0
# log(tau) is scanned over this range around the scale of the data; then, as often as it takes to resolve
# the peak, over as many standard deviations of what was seen
_SCAN, _ZOOM = np.linspace(-60, 60, 161), np.linspace(-12, 12, 121)
# Neighbours of the scan points below and above
_FROM, _TO = np.append(-_REACH, _SCAN[:-1]), np.append(_SCAN[1:], _REACH)
# A peak is resolved when its standard deviation is this many times the spacing
_RESOLVED = 0.7
# Much wider than a smooth peak would only waste points
_FINEST, _WIDEST = 1e-9, 2.0
_FIRST_STEP = 0.125
_LAST_STEP = _FIRST_STEP / 8
# Halving the step squares the error; the margin is for tail areas, which are rougher than the total
_AGREEMENT = 1e-10


class Axis(NamedTuple):
    """log(tau) = middle + stretch bend(x), for x from first to last; middle, stretch (m, 1).

    bend(x) = ((e^(bx) - 1) / b - (e^(-cx) - 1) / c) / 2 has slope 1 at 0 and is the steeper, the farther from
    0 and the larger the rates, b above and c below; with both 1 it is sinh. Where posteriors reach far on
    the scale of log(tau), as every one does below and a log-Student prior does above, the bend makes them
    die exponentially in x, so that the trapezoidal rule is exponentially accurate. Where they die fast of
    themselves, as under a half-normal prior above, it would only make them rough.
    """

    middle: Array
    stretch: Array
    below: float
    above: float
    first: float
    last: float

    @classmethod
    def over(cls, middle: Array, stretch: Array, lower: Array, upper: Array) -> Axis:
        """With the rates that suit posteriors of log(tau) that show from `lower` to `upper`."""
        down, up = (max(float((reach / stretch).max()), 1.0) for reach in (middle - lower, upper - middle))
        # shown by trial to need the fewest points over the priors in use
        below, above = (min(max(math.log10(reach / 4), 1e-3), 1.0) for reach in (down, up))
        return cls(middle, stretch, below, above, -_end(down, below, above), _end(up, above, below))

    def grid(self, step: float) -> tuple[Array, Array]:
        """Equally spaced x (n,), and there the logarithm of the slope of the bend."""
        x: Array = step * np.arange(math.floor(self.first / step), math.ceil(self.last / step) + 1.0)
        return x, np.log((np.exp(self.above * x) + np.exp(-self.below * x)) / 2)

    def at(self, x: Array) -> Array:
        """log(tau)."""
        bend = np.expm1(self.above * x) / self.above - np.expm1(-self.below * x) / self.below
        return self.middle + self.stretch * (bend / 2)

    def take(self, rows: Mask) -> Axis:
        """The data sets `rows` alone."""
        return self._replace(middle=self.middle[rows], stretch=self.stretch[rows])


def _end(reach: float, rate: float, other: float) -> float:
    """How far x must go for what is so many stretches from the middle, on the side with that rate."""
    far = math.log1p(2 * rate * reach) / rate
    return math.log1p(rate * max(2 * reach + math.expm1(-other * far) / other, 0)) / rate


class Evidence(NamedTuple):
    """Studies and priors: y, v (k, m, 1); censored studies only with m = 1."""

    y: Array
    v: Array
    censored: Censored
    mu_prior: Normal | None
    tau_prior: TauPrior

    def take(self, rows: Indices | Mask) -> Evidence:
        """The data sets `rows` alone."""
        return self._replace(y=self.y[:, rows], v=self.v[:, rows])


class Nodes(NamedTuple):
    """Quadrature of m posteriors of tau on a grid x (n,), equally spaced by `step` along `axis`.

    tau, weights (m, n): points, and shares that sum to 1. given (m, n): mu given tau. log_total (m,): the
    logarithm of the integral. far (m, n): where tau is at the ends of what is integrated over.
    settled (m,): whether the integral stood still when the step was halved.
    """

    axis: Axis
    x: Array
    step: float
    tau: Array
    weights: Array
    given: Conditional
    log_total: Array
    far: Mask
    settled: Mask

    def take(self, rows: Mask) -> Nodes:
        """The data sets `rows` alone."""
        if rows.all():
            return self
        given = Conditional(*(part[rows] for part in self.given))
        own = {name: getattr(self, name)[rows] for name in ("tau", "weights", "log_total", "far", "settled")}
        return self._replace(axis=self.axis.take(rows), given=given, **own)


def condition_on_tau(evidence: Evidence, tau: Array) -> Conditional:
    """The mean effect mu given tau (m, n), from the studies with estimates and the prior: normal.

    In closed form; the log-likelihood is that of tau with mu integrated out.
    """
    y, prior = evidence.y, evidence.mu_prior
    variance = evidence.v + tau * tau
    w = 1 / variance
    total, weighted = np.add.reduce(w, axis=0), np.add.reduce(w * y, axis=0)
    if prior is not None:
        precision = prior.sd**-2
        total, weighted = total + precision, weighted + precision * prior.mean
    # without studies and prior nothing is known: a mean of 0 with precision 0
    known = total if y.shape[0] or prior is not None else np.ones_like(total)
    mean = weighted / known
    r = y - mean
    q = np.add.reduce(w * r * r, axis=0)
    if prior is not None:
        q = q + precision * (prior.mean - mean) ** 2
    log_likelihood = -(np.add.reduce(np.log(variance), axis=0) + np.log(known) + q) / 2
    return Conditional(log_likelihood, mean, total)


def log_posterior(evidence: Evidence, tau: Array) -> tuple[Array, Conditional]:
    """Log posterior density of tau (m, n), up to a constant, and mu given tau."""
    given = condition_on_tau(evidence, tau)
    log_density = evidence.tau_prior.log_density(tau) + given.log_likelihood
    if evidence.censored.bound.size:
        flat = Conditional(*(part.ravel() for part in given))
        on_grid = condition_on_censored(flat, evidence.censored, tau.ravel())
        log_density = log_density + on_grid.log_probability.reshape(tau.shape)
    return log_density, given


def tau_nodes(evidence: Evidence) -> Iterator[tuple[Indices, Nodes | None]]:
    """The data sets in groups that share a grid, and None for those whose integral does not converge.

    Trapezoidal rule; the step is halved until the integral stands still.
    """
    scale = _log_scale(evidence)
    axis = _locate(evidence, scale)
    rows = np.arange(scale.shape[0])
    # with censored studies mu given tau has a shape of its own, which must be followed too
    step = _FIRST_STEP / 2 if evidence.censored.bound.size else _FIRST_STEP
    while rows.size:
        nodes, proper = _evaluate(evidence, scale, axis, step)
        ready = proper & (nodes.settled | (step <= _LAST_STEP))
        if not proper.all():
            yield rows[~proper], None
        if ready.any():
            yield rows[ready], nodes.take(ready)
        left = proper & ~ready
        rows, step = rows[left], step / 2
        evidence, scale, axis = evidence.take(left), scale[left], axis.take(left)


def moments(weights: Array, means: Array, variances: Array, far: Mask) -> tuple[Array, Array]:
    """Mean and standard deviation of a mixture over the nodes, by the law of total variance; (..., n) each.

    The standard deviation is infinite where the largest taus carry it.
    """
    mean = np.vecdot(weights, means)
    parts = weights * (variances + (means - mean[..., None]) ** 2)
    total = parts.sum(axis=-1)
    return mean, np.where((parts * far).sum(axis=-1) <= _LEAK * total, np.sqrt(total), np.inf)


def effect_quantiles(nodes: Nodes, p: Array) -> Array:
    """Quantiles p (q,) of mu, and of the true effect in a new study, from estimates alone; (m, 2, q)."""
    variances = 1 / nodes.given.precision
    both = np.stack([variances, variances + nodes.tau * nodes.tau], axis=1)
    weights, means = nodes.weights[:, None, None], nodes.given.mean[:, None, None]
    return quantile(NormalMixture(weights, means, np.sqrt(both)[:, :, None]), p)


def tau_quantiles(nodes: Nodes, p: Array) -> Array:
    """Quantiles p (q,) of tau; (m, q)."""
    on_grid = SincMixture(nodes.weights[:, None], nodes.x, np.full(nodes.x.size, nodes.step))
    return np.exp(nodes.axis.at(quantile(on_grid, p)))


def _evaluate(evidence: Evidence, scale: Array, axis: Axis, step: float) -> tuple[Nodes, Mask]:
    """Nodes at one step for all data sets, and which integrals converge."""
    x, log_slope = axis.grid(step)
    u = axis.at(x)
    distance = np.abs(u - scale)
    outside = distance > _REACH
    if outside.any():
        u = np.where(outside, scale, u)
    tau = np.exp(u)
    log_density, given = log_posterior(evidence, tau)
    log_f = log_density + (u + log_slope)
    log_f[outside] = -np.inf
    top = np.maximum.reduce(log_f, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        f = np.exp(log_f - top)
        total = np.add.reduce(f, axis=1, keepdims=True)
        weights = f / total
        # the share of a study's own error in its variance turns from 1 to 0 where the tail areas of mu turn
        settled = _stands_still(weights) & _stands_still(weights / (1 + np.exp(2 * (u - scale))))
        log_total = (top + np.log(total * (step * axis.stretch)))[:, 0]
        far = distance > _FAR
        proper = np.isfinite(log_total) & (np.add.reduce(weights * far, axis=1) <= _LEAK)
    return Nodes(axis, x, step, tau, weights, given, log_total, far, settled), proper


def _stands_still(shares: Array) -> Mask:
    """Whether the integrals of which these are the parts (m, n) are the same with twice the step."""
    change = 2 * np.add.reduce(shares[:, ::2], axis=1) - np.add.reduce(shares, axis=1)
    still: Mask = np.abs(change) < _AGREEMENT
    return still


def _locate(evidence: Evidence, scale: Array) -> Axis:
    """An axis around the mean of log(tau), by scans that close in until its deviation is resolved."""
    log_f = _log_integrand(evidence, scale + _SCAN)
    mean, sd = _moments(log_f, _SCAN)
    shows = log_f + 2 * np.maximum(_SCAN - mean, 0)
    # written so that what is not a number shows
    shows = ~(shows < np.maximum.reduce(log_f, axis=1, keepdims=True) - _NEGLIGIBLE)
    lower, upper = _FROM[shows.argmax(axis=1)], _TO[_SCAN.size - 1 - shows[:, ::-1].argmax(axis=1)]
    spacing = np.full_like(sd, _SCAN[1] - _SCAN[0])
    middle, rough = scale + mean, sd < _RESOLVED * spacing
    while rough.any():
        rows = rough[:, 0]
        reach = np.maximum(sd[rows], spacing[rows])
        log_f = _log_integrand(evidence.take(rows), middle[rows] + reach * _ZOOM)
        mean, closer = _moments(log_f, _ZOOM)
        middle[rows] += reach * mean
        sd[rows], spacing[rows] = reach * closer, reach * (_ZOOM[1] - _ZOOM[0])
        rough = (sd < _RESOLVED * spacing) & (spacing > _FINEST)
    stretch = np.minimum(np.maximum(sd, _FINEST), _WIDEST)
    return Axis.over(middle, stretch, scale + lower[:, None], scale + upper[:, None])


def _log_integrand(evidence: Evidence, u: Array) -> Array:
    """Log posterior density of u = log(tau)."""
    return log_posterior(evidence, np.exp(u))[0] + u


def _moments(log_f: Array, grid: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (m, 1) of densities (m, n) on a grid (n,); 0 and 1 where there are none."""
    with np.errstate(invalid="ignore"):
        weights = np.exp(log_f - np.maximum.reduce(log_f, axis=1, keepdims=True))
        total = np.add.reduce(weights, axis=1)
        mean = weights @ grid / total
        sd = np.sqrt(np.maximum(weights @ grid**2 / total - mean * mean, 0))
    known = np.isfinite(sd)
    return np.where(known, mean, 0.0)[:, None], np.where(known, sd, 1.0)[:, None]


def _log_scale(evidence: Evidence) -> Array:
    """Logarithm of the typical standard error of each data set (m, 1): half the mean of log variances."""
    log_v = np.add.reduce(np.log(evidence.v), axis=0) + 2 * np.log(evidence.censored.se).sum()
    scale: Array = log_v / (2 * (evidence.v.shape[0] + evidence.censored.se.size))
    return scale
