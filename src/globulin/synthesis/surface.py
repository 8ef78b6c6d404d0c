"""One posterior under many changes at once: its surface over the mean and the spread, reweighted.

Sweeping a prior, the value of a silent trial or a weight asks for the same posterior hundreds of times with
one factor changed. The likelihood of what stays is laid out once, over tau and mu; each change is a factor
on it, and medians, intervals and probabilities of all changes are read off together. Half-normal priors of
tau, normal or flat priors of mu. Good to 3e-6 of the posterior's width, to 5e-5 where effects lie many prior
scales apart; `bayes.pool_bayes` answers single questions, to more digits and under any prior.

Model: Y_i ~ N(theta_i, v_i), theta_i ~ N(mu, tau^2); studies known only inside a bound as in `pool_bayes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special
from globulin.synthesis.arguments import Array, as_numbers, as_studies
from globulin.synthesis.censoring import log_interval_probability
from globulin.synthesis.curves import Lines
from globulin.synthesis.priors import Normal

# Steps of the trapezoidal rule: in log(tau), where the error is exp(-2 pi (pi/4) / h) = 3e-9 at most, and in
# mu, in units of the narrowest width, where it is exp(-2 pi^2 / 0.6^2) = 2e-24
_TAU_STEP = 0.25
_MU_STEP = 0.6
# How finely log(tau) and the prior scales are looked through for the narrowest posterior of tau
_SCAN = 0.02
_SCALES_SEEN = 6
# Where the posterior has fallen to exp(-24) = 4e-11 of its height the grid of mu may end. That of tau ends
# where its prior has fallen to exp(-60), since effects far apart pull against it; 4e-8 must be left there
_DEPTH = 24.0
_PRIOR_DEPTH = 60.0
_LEFT = 17.0
# tau from 1/200 of the narrowest prior or error; below that likelihood and prior stand still to 1e-5, over
# 1/250 of the prior's mass
_TAU_LEAST = 5e-3
# Points of the polynomial that reads between the grid points of the distribution function: error below 1e-7
_STENCIL = 12
_MOST_POINTS, _MOST_TAU = 3000, 400
_ITERATIONS = 60
_TOLERANCE = 1e-10


TOO_FAR = (
    "the effects lie too far apart, for their errors or for the prior of the spread between them, to draw how"
    " the answer would change"
)


_NO_BOUNDS = (np.empty(0), np.empty(0))


class Fixed(NamedTuple):
    """What does not change: effects y with variances v (k,), and censored studies, bound and error (c,)."""

    y: Array
    v: Array
    bound: Array
    bound_se: Array


def fixed_studies(
    y: ArrayLike, v: ArrayLike, bound: ArrayLike | None = None, bound_se: ArrayLike | None = None
) -> Fixed:
    """Studies from outside; at least one needs an effect. ValueError naming the argument otherwise."""
    effects, variances = as_studies(np.atleast_1d(y), np.atleast_1d(v))
    if effects.ndim > 1:
        raise ValueError("y: one set of studies at a time")
    nothing = np.empty(0)
    bounds = nothing if bound is None else np.atleast_1d(as_numbers(bound, "censored_bound"))
    errors = nothing if bound_se is None else np.atleast_1d(as_numbers(bound_se, "censored_se"))
    if bounds.shape != errors.shape or bounds.ndim > 1:
        raise ValueError("censored_bound: studies inside a bound need both a bound and a standard error")
    if not ((bounds > 0).all() and (errors > 0).all()):
        raise ValueError("censored_bound: every bound and standard error must be positive")
    return Fixed(effects, variances, bounds, errors)


@dataclass(frozen=True, slots=True)
class Surface:
    """The likelihood of the fixed studies over tau (j,) and mu (n,), equally spaced by `step`.

    The first tau is 0. quadrature (j,): weight of each tau in an integral over tau; 0 for tau = 0.
    likelihood (j, n): largest value 1 for each tau. height (j,): the logarithm of what it was divided by.
    """

    tau: Array
    quadrature: Array
    mu: Array
    step: float
    likelihood: Array
    height: Array

    @classmethod
    def of(
        cls,
        fixed: Fixed,
        *,
        tau_scales: tuple[float, float],
        mu_prior: Normal | None,
        narrowest: float = np.inf,
        extra_y: Array | None = None,
        extra_v: Array | None = None,
    ) -> Surface | None:
        """Grids wide and fine enough for every half-normal prior of tau with a scale in `tau_scales`.

        mu_prior: the widest prior of mu that will be used, None for flat; narrowest: the standard deviation
        of the narrowest. extra_y, extra_v: (b, m) the studies that changes will add. None where no grid of a
        bearable size would do: effects hundreds of their errors, or many prior scales, apart (`TOO_FAR`).
        """
        nothing = np.empty((1, 0))
        extra_y, extra_v = (nothing if part is None else part for part in (extra_y, extra_v))
        tau, quadrature = _tau_grid(fixed, tau_scales, mu_prior, extra_y, extra_v)
        most = tau_scales[1]
        low, high, width = _room(fixed, tau, most, mu_prior, extra_y, extra_v)
        step = _MU_STEP / np.hypot(1 / width, 1 / narrowest)
        if tau.size > _MOST_TAU or not (high - low) / step < _MOST_POINTS:
            return None
        mu = low + step * np.arange(int(np.ceil((high - low) / step)) + 1)
        likelihood, height = _likelihood(fixed, tau, mu)
        mass = np.log(quadrature[1:]) + height[1:] - (tau[1:] / most) ** 2 / 2
        if mass[-1] - mass.max() > -_LEFT:
            return None
        return cls(tau, quadrature, mu, step, likelihood, height)

    def half_normal(self, scale: Array) -> Array:
        """Log weights (b, j) of tau under half-normal priors of these scales (b,); 0 means tau = 0.

        Scales below the narrowest that the grid was made for count as 0.
        """
        resolved = scale >= self.tau[1] / _TAU_LEAST * (1 - 1e-9)
        spread = np.where(resolved, scale, 1.0)[:, None]
        with np.errstate(divide="ignore"):
            weights = np.log(self.quadrature) - (self.tau / spread) ** 2 / 2
            common = np.where(self.tau == 0, 0.0, -np.inf)
        log_weights: Array = np.where(resolved[:, None], weights, common)
        return log_weights

    def normal(self, mean: float, sd: Array) -> Array:
        """Weights (b, n) of mu under normal priors with these standard deviations (b,)."""
        weights: Array = np.exp(-(((self.mu - mean) / sd[:, None]) ** 2) / 2) / sd[:, None]
        return weights

    def prior_of_mu(self, prior: Normal | None) -> Array:
        """Weights (1, n) of mu under one prior; flat for None."""
        return np.ones((1, self.mu.size)) if prior is None else self.normal(prior.mean, np.array([prior.sd]))

    def lines(
        self,
        tau_weights: Array,
        mu_weights: Array,
        *,
        level: float,
        worth_it: float | None,
        extra_y: Array | None = None,
        extra_v: Array | None = None,
    ) -> Lines:
        """Read the answer under each change.

        tau_weights (b or 1, j), mu_weights (b or 1, n): priors, as from `half_normal` and `normal`.
        extra_y, extra_v (b, m): studies added in each change; an infinite variance adds nothing.
        """
        log_weights = tau_weights + self.height
        if extra_y is None or extra_v is None:
            weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
            density = np.einsum("bj,jn->bn", weights, self.likelihood)
        else:
            density = self._with_studies(log_weights, extra_y, extra_v)
        density = density * mu_weights
        shares = density / density.sum(axis=1, keepdims=True)
        mu = _Cumulative(float(self.mu[0]), self.step / 2, _integrate(shares))
        median, lower, upper = mu.quantiles((0.5, (1 - level) / 2, (1 + level) / 2))
        worth = np.empty(0) if worth_it is None else 1 - mu.at(worth_it)
        return Lines(median, lower, upper, 1 - mu.at(0.0), worth)

    def _with_studies(self, log_weights: Array, y: Array, v: Array) -> Array:
        """Density of mu (b, n) with studies y, v (b, m) added, integrated over tau."""
        variance = v[:, None, :] + self.tau[:, None] ** 2
        # the normal density without its constant, and relative to tau = 0, which lets v be infinite
        height = log_weights - np.log1p(self.tau[:, None] ** 2 / v[:, None, :]).sum(axis=-1) / 2
        square, linear, total = ((y[:, None, :] ** power / variance).sum(axis=-1) for power in (2, 1, 0))
        exponent = (height - square / 2)[..., None] + linear[..., None] * self.mu
        exponent -= total[..., None] * (self.mu**2 / 2)
        exponent -= exponent.max(axis=(1, 2), keepdims=True)
        density: Array = np.einsum("jn,bjn->bn", self.likelihood, np.exp(exponent, out=exponent))
        return density


def _tau_grid(
    fixed: Fixed, scales: tuple[float, float], mu_prior: Normal | None, extra_y: Array, extra_v: Array
) -> tuple[Array, Array]:
    """Tau (j,), 0 and then even steps of its logarithm, and the weight of each in an integral.

    The steps resolve every peak of the posterior of tau under any prior scale, however the studies pull
    against it. For that, studies inside a bound count as effects of 0.
    """
    errors = np.concatenate([fixed.v, fixed.bound_se**2, extra_v.ravel()])
    start = np.log(_TAU_LEAST * min(scales[0], float(np.sqrt(errors.min()))))
    u = np.arange(start, np.log(scales[1] * np.sqrt(2 * _PRIOR_DEPTH)), _SCAN)
    known = Fixed(np.append(fixed.y, 0 * fixed.bound), np.append(fixed.v, fixed.bound_se**2), *_NO_BOUNDS)
    step = _TAU_STEP
    for y, v in zip(extra_y, extra_v, strict=True):
        studies = known._replace(y=np.append(known.y, y), v=np.append(known.v, v))
        likelihood, _ = _likelihood_of_tau(studies, np.exp(u), mu_prior)
        for scale in np.geomspace(*scales, _SCALES_SEEN):
            log_posterior = likelihood + u - (np.exp(u) / scale) ** 2 / 2
            inside, bend = log_posterior[1:-1], -np.diff(log_posterior, 2) / _SCAN**2
            peaks = (inside >= log_posterior[:-2]) & (inside >= log_posterior[2:])
            peaks &= inside > log_posterior.max() - _DEPTH
            step = min(step, 0.9 / float(bend[peaks].max(initial=1.0)) ** 0.5)
    tau = np.append(0.0, np.exp(np.arange(u[0], u[-1] + step, step)))
    quadrature = step * tau
    # all the mass below the first node, where nothing changes any more: a geometric series
    quadrature[1] /= 1 - np.exp(-step)
    return tau, quadrature


def _likelihood_of_tau(fixed: Fixed, tau: Array, mu_prior: Normal | None) -> tuple[Array, Array]:
    """Log-likelihood of tau (j,) from the studies with numbers, and the precision of mu given each tau."""
    w = 1 / (fixed.v + tau[:, None] ** 2)
    precision, linear, square = w.sum(axis=1), (w * fixed.y).sum(axis=1), (w * fixed.y**2).sum(axis=1)
    if mu_prior is not None:
        added = mu_prior.sd**-2
        precision, linear = precision + added, linear + added * mu_prior.mean
        square = square + added * mu_prior.mean**2
    return (np.log(w).sum(axis=1) - np.log(precision) - square + linear**2 / precision) / 2, precision


def _room(
    fixed: Fixed, tau: Array, scale: float, mu_prior: Normal | None, extra_y: Array, extra_v: Array
) -> tuple[float, float, float]:
    """Lowest and highest mu that can matter, and the narrowest width that the density of mu can have."""
    prior_mean = [] if mu_prior is None else [mu_prior.mean]
    pulls = np.concatenate([fixed.y, 0 * fixed.bound, extra_y.ravel(), prior_mean])
    likelihood, precision = _likelihood_of_tau(fixed, tau, mu_prior)
    narrowest = precision[0] + (fixed.bound_se**-2).sum() + (1 / extra_v).sum(axis=-1).max()
    # far enough out the density has fallen by the prior of tau, or its posterior, and the conditional of mu
    prior = -((tau / scale) ** 2) / 2
    depth = np.maximum(_DEPTH + np.maximum(prior, prior + likelihood - (prior + likelihood).max()), 0.0)
    reach = float(np.sqrt(2 * depth / precision).max())
    return float(pulls.min()) - reach, float(pulls.max()) + reach, float(narrowest**-0.5)


def _likelihood(fixed: Fixed, tau: Array, mu: Array) -> tuple[Array, Array]:
    """Likelihood (j, n) with largest value 1 for each tau, and the log (j,) of what that took."""
    variance = fixed.v[:, None] + tau**2
    square, linear, total = ((fixed.y[:, None] ** power / variance).sum(axis=0) for power in (2, 1, 0))
    log_likelihood = (-np.log(variance).sum(axis=0) / 2 - square / 2)[:, None]
    log_likelihood = log_likelihood + linear[:, None] * mu - total[:, None] * (mu**2 / 2)
    for bound, se in zip(fixed.bound, fixed.bound_se, strict=True):
        spread = np.sqrt(se**2 + tau[:, None] ** 2)
        log_likelihood += log_interval_probability(mu / spread, bound / spread)
    height = log_likelihood.max(axis=1)
    likelihood: Array = np.exp(log_likelihood - height[:, None])
    return likelihood, height


def _integrate(shares: Array) -> Array:
    """Distribution functions (b, 2n - 1), at n equally spaced points and half-way, of shares (b, n) there.

    The band-limited interpolation of the points integrates to sine integrals (Stenger 1993, Numerical Methods
    Based on Sinc and Analytic Functions, section 3.6): a convolution, done by Fourier transforms.
    """
    rows, n = shares.shape
    size, kernels = _sine_integrals(n)
    both = np.fft.irfft(np.fft.rfft(shares, size)[:, None, :] * kernels, size)[..., n - 1 : 2 * n - 1]
    values = np.empty((rows, 2 * n - 1))
    values[:, ::2], values[:, 1::2] = both[:, 0], both[:, 1, :-1]
    return values


@cache
def _sine_integrals(n: int) -> tuple[int, NDArray[np.complex128]]:
    """Length of the transform, and the transforms (2, -) of 1/2 + Si(pi x) / pi at whole and at half x."""
    whole = np.arange(-(n - 1), n, dtype=np.float64)
    size = 1 << int(3 * n - 2).bit_length()
    steps = 0.5 + special.sici(np.pi * np.stack([whole, whole + 0.5]))[0] / np.pi
    return size, np.fft.rfft(steps, size)


class _Cumulative(NamedTuple):
    """Distribution functions (b, n) on one grid; in between, a polynomial through the nearest points."""

    start: float
    step: float
    values: Array

    def at(self, x: float) -> Array:
        """P(X <= x) of each (b,)."""
        rows, n = self.values.shape
        place = (x - self.start) / self.step
        if not 0 <= place <= n - 1:
            return np.full(rows, float(place > 0))
        nearby, first = self._nearby(np.full((1, rows), int(place)))
        read = _between(nearby, (place - first).astype(np.float64))
        share: Array = np.clip(read[0], 0, 1)
        return share

    def quantiles(self, p: tuple[float, ...]) -> Array:
        """Where each distribution function reaches each p, (p, b): Illinois method in one grid step."""
        target = np.array(p)[:, None]
        n = self.values.shape[1]
        below = np.clip((self.values < target[..., None]).sum(axis=-1) - 1, 0, n - 2)
        nearby, first = self._nearby(below)
        a, b = (below - first).astype(np.float64), below - first + 1.0
        fa, fb = _between(nearby, a) - target, _between(nearby, b) - target
        for _ in range(_ITERATIONS):
            with np.errstate(divide="ignore", invalid="ignore"):
                c = np.where(fb == fa, b, b - fb * (b - a) / (fb - fa))
            fc = _between(nearby, c) - target
            crossed = fc * fb < 0
            a, fa = np.where(crossed, b, a), np.where(crossed, fb, fa / 2)
            b, fb = c, fc
            if np.all((np.abs(b - a) < _TOLERANCE) | (np.abs(fb) < _TOLERANCE)):
                break
        found: Array = self.start + self.step * (first + b)
        return found

    def _nearby(self, below: NDArray[np.intp]) -> tuple[Array, NDArray[np.intp]]:
        """Values (p, b, _STENCIL) at the grid points around each place (p, b), and the first of those."""
        rows, n = self.values.shape
        points = min(_STENCIL, n)
        first = np.clip(below - points // 2 + 1, 0, n - points)
        nearby: Array = self.values[np.arange(rows)[:, None], first[..., None] + np.arange(points)]
        return nearby, first


def _between(values: Array, place: Array) -> Array:
    """The polynomial through values (..., points) at 0, 1, 2, ... read at each place (...).

    Barycentric formula: Berrut & Trefethen 2004, SIAM Rev 46:501-517, equation 4.2.
    """
    points = values.shape[-1]
    apart = place[..., None] - np.arange(points)
    # on a grid point the weight of that point swamps all others
    apart[apart == 0] = 1e-300
    w = _barycentric(points) / apart
    read: Array = (w * values).sum(axis=-1) / w.sum(axis=-1)
    return read


@cache
def _barycentric(points: int) -> Array:
    """Weights of equally spaced points: binomials with alternating signs."""
    index = np.arange(points)
    weights: Array = (-1.0) ** index * special.binom(points - 1, index)
    return weights
