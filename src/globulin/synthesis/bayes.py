"""Combine study effects into one with priors: the primary summary when there are only a few trials.

With two to four studies the classical between-study variance is a guess and its interval is too narrow
or absurdly wide; a prior on the heterogeneity says openly what is assumed. Trials known only as "not
significant" enter as what they are, an effect somewhere inside a bound, instead of being left out
(which favours the treatment) or set to zero (which invents a number).

Everything is deterministic quadrature, no sampling: the heterogeneity tau on a trapezoidal grid that
adapts to its posterior, the mean in closed form given tau, or, with censored studies, on a grid of its
own for every tau. Model: Y_i ~ N(theta_i, v_i), theta_i ~ N(mu, tau^2); see Röver 2020, J Stat Softw
93(6) for the uncensored case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Literal, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis.arguments import as_numbers
from globulin.synthesis.censoring import (
    Censored,
    Conditional,
    condition_on_censored,
    density_over_tau,
    mix_over_tau,
)
from globulin.synthesis.mixtures import Mixture, NormalMixture, SincMixture, quantile, shortest_interval
from globulin.synthesis.priors import HalfCauchy, HalfNormal, LogNormal, LogStudent, Normal, TauPrior

__all__ = [
    "BayesResult",
    "HalfCauchy",
    "HalfNormal",
    "LogNormal",
    "LogStudent",
    "Normal",
    "TauPrior",
    "pool_bayes",
]

Array: TypeAlias = NDArray[np.float64]

_CAUTIOUS = HalfNormal(0.5)
# tau is integrated over e^-300 to e^300 times the scale of the data: its square is still a number
_REACH = 300.0
_FIRST_STEP = 0.5
_LAST_STEP = 0.5 / 32
# Halving the step squares the error; the margin is for tail areas, which are rougher than the total
_AGREEMENT = 1e-10
# A share of an integral this large at the end of the grid means that the integral does not converge
_LEAK = 1e-7


@dataclass(frozen=True, slots=True)
class BayesResult:
    """What `pool_bayes` returns; all plain numbers.

    median, mean, sd, ci_lower, ci_upper: posterior of the pooled effect mu.
    tau_median, tau_ci_lower, tau_ci_upper: posterior of the between-study standard deviation.
    predictive_median, predictive_lower, predictive_upper: true effect in a new study.
    k: studies with an estimate. k_censored: studies known only inside a bound.
    message: what a reader must know about this result, or "".
    """

    median: float
    mean: float
    sd: float
    ci_lower: float
    ci_upper: float
    tau_median: float
    tau_ci_lower: float
    tau_ci_upper: float
    predictive_median: float
    predictive_lower: float
    predictive_upper: float
    k: int
    k_censored: int
    message: str
    # None where there is no posterior
    _mu: Mixture | None = field(repr=False, compare=False)
    _mu_density: Callable[[Array], Array] = field(repr=False, compare=False)
    _tau_density: Callable[[Array], Array] = field(repr=False, compare=False)

    @overload
    def probability_above(self, x: float) -> float: ...

    @overload
    def probability_above(self, x: ArrayLike) -> float | Array: ...

    def probability_above(self, x: ArrayLike) -> float | Array:
        """Posterior probability that the pooled effect is above x (float for a number, else an array)."""
        at = np.asarray(x, dtype=np.float64)
        above = np.full(at.shape, np.nan) if self._mu is None else np.clip(1 - self._mu.cdf(at), 0, 1)
        return above if above.ndim else float(above)

    def density(self, x: ArrayLike) -> Array:
        """Posterior density of the pooled effect at x."""
        return self._mu_density(np.asarray(x, dtype=np.float64))

    def density_grid(self, points: int = 201, tail: float = 1e-3) -> tuple[Array, Array]:
        """Effect values between the `tail` and 1 - `tail` quantiles, and the density there, for a chart."""
        if self._mu is None:
            return np.full(points, np.nan), np.full(points, np.nan)
        low, high = quantile(self._mu, [tail, 1 - tail])
        x = np.linspace(low, high, points)
        return x, self._mu_density(x)

    def tau_density(self, tau: ArrayLike) -> Array:
        """Posterior density of tau at each tau > 0."""
        return self._tau_density(np.asarray(tau, dtype=np.float64))


def pool_bayes(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau_prior: TauPrior = _CAUTIOUS,
    mu_prior: Normal | None = None,
    censored_bound: ArrayLike | None = None,
    censored_se: ArrayLike | None = None,
    level: float = 0.95,
    interval: Literal["central", "shortest"] = "central",
) -> BayesResult:
    """Random-effects summary of study effects y with variances v under priors on mu and tau.

    y, v: (k,), k may be 0 if there are censored studies. mu_prior: None is flat.
    censored_bound, censored_se: (c,), studies known only to have |Y| < bound, with the standard error their
    estimate would have had; each adds the factor P(|Y| < bound | mu, tau), Y ~ N(mu, se^2 + tau^2).
    interval: "central" (equal tails) or "shortest" (highest density).

    A posterior that cannot be normalised (an improper tau prior with too few studies) comes back as NaN
    with a message; a posterior without a standard deviation has sd infinite and a message.
    Raises ValueError naming the argument for values that are not finite, variances, bounds or standard errors
    that are not positive, or shapes that do not fit.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: must lie strictly between 0 and 1, not {level}")
    if interval not in ("central", "shortest"):
        raise ValueError(f"interval: {interval!r} is not one of central, shortest")
    data = _Data(*_read_pairs(y, v, "y", "v"), _read_censored(censored_bound, censored_se), mu_prior)
    if data.y.size + data.censored.bound.size == 0:
        raise ValueError("y: there is no study, with an estimate or censored")
    nodes = _tau_nodes(lambda tau: _log_posterior(data, tau_prior, tau), _log_scale(data))
    if nodes is None:
        return _no_result(data)
    return _summarise(data, tau_prior, nodes, level, interval)


_IMPROPER = "the posterior cannot be normalised: too few studies for this prior of tau"
_NO_SD = "the tails are too heavy for a standard deviation (shown as infinite): use the median and interval"
_COARSE = "the quadrature did not settle to its usual accuracy"
_SHARP = "a censored study has a bound hundreds of times its standard error: accuracy is reduced"


class _Data(NamedTuple):
    y: Array
    v: Array
    censored: Censored
    mu_prior: Normal | None


class _Nodes(NamedTuple):
    """Quadrature of the posterior of tau: tau = exp(middle + stretch sinh(x)), x equally spaced."""

    x: Array
    tau: Array
    weights: Array
    step: float
    middle: float
    stretch: float
    log_total: float
    settled: bool


def _condition_on_tau(data: _Data, tau: Array) -> Conditional:
    """The mean effect mu given tau, from the studies with estimates and the prior: normal, in closed form.

    tau (j,). The log-likelihood is that of tau with mu integrated out.
    """
    variance = data.v[:, None] + tau**2
    w = 1 / variance
    total, weighted = w.sum(axis=0), (w * data.y[:, None]).sum(axis=0)
    if data.mu_prior is not None:
        precision = data.mu_prior.sd**-2
        total, weighted = total + precision, weighted + precision * data.mu_prior.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(total > 0, weighted / total, 0.0)
    q = (w * (data.y[:, None] - mean) ** 2).sum(axis=0)
    if data.mu_prior is not None:
        q = q + precision * (data.mu_prior.mean - mean) ** 2
    anchored = np.log(np.where(total > 0, total, 1.0))
    log_likelihood = -(np.log(variance).sum(axis=0) + anchored + q) / 2
    return Conditional(log_likelihood, mean, total)


def _log_posterior(data: _Data, prior: TauPrior, tau: Array) -> Array:
    """Log posterior density of tau, up to a constant."""
    given = _condition_on_tau(data, tau)
    log_likelihood = given.log_likelihood
    if data.censored.bound.size:
        log_likelihood = log_likelihood + condition_on_censored(given, data.censored, tau).log_probability
    return prior.log_density(tau) + log_likelihood


# --- the grid of tau -------------------------------------------------------------------------------


def _tau_nodes(log_posterior: Callable[[Array], Array], log_scale: float) -> _Nodes | None:
    """Trapezoidal rule in x, with log(tau) = middle + stretch sinh(x).

    In log(tau) every posterior here is smooth; sinh makes even the power-law tails of a log-Student prior
    die exponentially, where the trapezoidal rule is exponentially accurate. The step is halved
    until the integral stands still. None if the integral does not converge.
    """

    def log_integrand(u: Array) -> Array:
        return log_posterior(np.exp(u)) + u

    middle, stretch = _locate(log_integrand, log_scale)
    ends = np.arcsinh((np.array([-_REACH, _REACH]) + log_scale - middle) / stretch)

    def evaluate(x: Array) -> tuple[Array, Array]:
        u = middle + stretch * np.sinh(x)
        return np.exp(u), log_integrand(u) + np.log(stretch * np.cosh(x))

    step = _FIRST_STEP
    x = np.arange(np.ceil(ends[0] / step), np.floor(ends[1] / step) + 1) * step
    tau, log_f = evaluate(x)
    log_f[[0, -1]] -= np.log(2)
    log_total = float(special.logsumexp(log_f)) + np.log(step)
    settled = False
    while not settled and step > _LAST_STEP:
        between = x[:-1] + step / 2
        x, tau, log_f = (
            _interleave(old, new)
            for old, new in zip((x, tau, log_f), (between, *evaluate(between)), strict=True)
        )
        step /= 2
        before, log_total = log_total, float(special.logsumexp(log_f)) + np.log(step)
        settled = bool(abs(log_total - before) < _AGREEMENT)
    if not np.isfinite(log_total):
        return None
    weights = np.exp(log_f - log_total) * step
    if max(weights[0], weights[-1]) > _LEAK:
        return None
    return _Nodes(x, tau, weights / weights.sum(), step, middle, stretch, log_total, settled)


def _interleave(old: Array, new: Array) -> Array:
    both = np.empty(old.size + new.size)
    both[::2], both[1::2] = old, new
    return both


def _locate(log_integrand: Callable[[Array], Array], log_scale: float) -> tuple[float, float]:
    """Mean and standard deviation of log(tau), closing in until they are resolved."""
    u = np.linspace(log_scale - 60, log_scale + 60, 241)
    mean, sd = log_scale, 1.0
    for _ in range(20):
        log_f = log_integrand(u)
        top = log_f.max()
        if not np.isfinite(top):
            break
        weights = np.exp(log_f - top)
        weights /= weights.sum()
        mean = float(weights @ u)
        sd = float(np.sqrt(weights @ (u - mean) ** 2))
        spacing = u[1] - u[0]
        if sd > 2 * spacing:
            break
        sd = max(sd, spacing)
        u = mean + np.linspace(-12 * sd, 12 * sd, 121)
    # much wider than the width of a smooth peak would only waste points
    return mean, min(sd, 2.0)


def _log_scale(data: _Data) -> float:
    return float(np.log(np.median(np.concatenate([data.v, data.censored.se**2]))) / 2)


# --- reading off the answers -------------------------------------------------------------------------


def _summarise(
    data: _Data, prior: TauPrior, nodes: _Nodes, level: float, interval: Literal["central", "shortest"]
) -> BayesResult:
    given = _condition_on_tau(data, nodes.tau)
    remarks = [] if nodes.settled else [_COARSE]
    mu: Mixture
    predictive: Mixture
    mu_density: Callable[[Array], Array]
    if data.censored.bound.size:
        kept = nodes.weights > 1e-18
        tau, weights = nodes.tau[kept], nodes.weights[kept]
        given = Conditional(*(part[kept] for part in given))
        grid = condition_on_censored(given, data.censored, tau, predictive=True)
        remarks += [] if grid.full else [_SHARP]
        mu, predictive = mix_over_tau(grid, weights, tau)
        mu_density = density_over_tau(given, data.censored, grid, weights, tau)
        means = (grid.shares * grid.mu).sum(axis=1)
        variances = (grid.shares * (grid.mu - means[:, None]) ** 2).sum(axis=1)
    else:
        weights, means, variances = nodes.weights, given.mean, 1 / given.precision
        mu = NormalMixture.of(weights, means, np.sqrt(variances))
        mu_density = mu.density
        predictive = NormalMixture.of(weights, means, np.sqrt(variances + nodes.tau**2))
    mean = float(weights @ means)
    sd = _standard_deviation(weights, means, variances)
    remarks += [] if np.isfinite(sd) else [_NO_SD]

    def tau_density(tau: Array) -> Array:
        flat = np.log(np.maximum(tau, np.finfo(np.float64).tiny)).ravel()
        log_density = _log_posterior(data, prior, np.exp(flat)).reshape(tau.shape)
        return np.exp(log_density - nodes.log_total)

    tau_median, tau_lower, tau_upper = _tau_summary(nodes, tau_density, level, interval)
    median, ci_lower, ci_upper = _median_and_interval(mu, level, interval)
    new_median, new_lower, new_upper = _median_and_interval(predictive, level, interval)
    return BayesResult(
        median=median,
        mean=mean,
        sd=sd,
        ci_lower=ci_lower,
        ci_upper=ci_upper,
        tau_median=tau_median,
        tau_ci_lower=tau_lower,
        tau_ci_upper=tau_upper,
        predictive_median=new_median,
        predictive_lower=new_lower,
        predictive_upper=new_upper,
        k=data.y.size,
        k_censored=data.censored.bound.size,
        message="; ".join(remarks),
        _mu=mu,
        _mu_density=mu_density,
        _tau_density=tau_density,
    )


def _no_result(data: _Data) -> BayesResult:
    def undefined(x: Array) -> Array:
        return np.full(x.shape, np.nan)

    return BayesResult(
        **dict.fromkeys((f.name for f in fields(BayesResult) if f.type == "float"), np.nan),
        k=data.y.size,
        k_censored=data.censored.bound.size,
        message=_IMPROPER,
        _mu=None,
        _mu_density=undefined,
        _tau_density=undefined,
    )


def _standard_deviation(weights: Array, means: Array, variances: Array) -> float:
    """By the law of total variance; infinite where the largest taus carry it."""
    mean = weights @ means
    parts = weights * (variances + (means - mean) ** 2)
    total = parts.sum()
    return float(np.sqrt(total)) if parts[-1] < _LEAK * total else np.inf


def _median_and_interval(mixture: Mixture, level: float, kind: str) -> tuple[float, float, float]:
    median, lower, upper = quantile(mixture, [0.5, (1 - level) / 2, (1 + level) / 2])
    if kind == "shortest":
        lower, upper = shortest_interval(lambda p: quantile(mixture, p), mixture.density, level)
    return float(median), float(lower), float(upper)


def _tau_summary(
    nodes: _Nodes, density: Callable[[Array], Array], level: float, kind: str
) -> tuple[float, float, float]:
    """Median and interval of tau, from its distribution on the quadrature grid."""
    on_grid = SincMixture.of(nodes.weights, nodes.x, np.full(nodes.x.size, nodes.step))

    def inverse(p: ArrayLike) -> Array:
        return np.exp(nodes.middle + nodes.stretch * np.sinh(quantile(on_grid, p)))

    if kind == "shortest":
        return float(inverse(0.5)), *shortest_interval(inverse, density, level, lowest=0.0)
    median, lower, upper = inverse([0.5, (1 - level) / 2, (1 + level) / 2])
    return float(median), float(lower), float(upper)


# --- the door ----------------------------------------------------------------------------------------


def _read_censored(bound: ArrayLike | None, se: ArrayLike | None) -> Censored:
    if (bound is None) != (se is None):
        missing = "censored_bound" if bound is None else "censored_se"
        raise ValueError(f"{missing}: censored studies need both a bound and a standard error")
    if bound is None or se is None:
        return Censored(np.empty(0), np.empty(0))
    bounds, ses = _read_pairs(bound, se, "censored_bound", "censored_se")
    if not (bounds > 0).all():
        raise ValueError("censored_bound: every bound must be positive")
    return Censored(bounds, ses)


def _read_pairs(
    first: ArrayLike, second: ArrayLike, first_name: str, second_name: str
) -> tuple[Array, Array]:
    """Two equally long one-dimensional arrays, the second positive; a single number is one study."""
    a, b = np.atleast_1d(as_numbers(first, first_name)), np.atleast_1d(as_numbers(second, second_name))
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"{second_name}: shape {b.shape} does not fit {first_name}, {a.shape}")
    if not (b > 0).all():
        raise ValueError(f"{second_name}: every value must be positive")
    return a, b
