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
from functools import partial
from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.arguments import Array, as_numbers, check_choice, check_level
from globulin.synthesis.censoring import (
    Censored,
    Conditional,
    condition_on_censored,
    density_over_tau,
    mix_over_tau,
)
from globulin.synthesis.mixtures import Mixture, NormalMixture, quantile, shortest_interval
from globulin.synthesis.priors import HalfCauchy, HalfNormal, LogNormal, LogStudent, Normal, TauPrior
from globulin.synthesis.tau_posterior import (
    Evidence,
    Nodes,
    effect_quantiles,
    log_posterior,
    moments,
    tau_nodes,
    tau_quantiles,
)

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

IntervalKind = Literal["central", "shortest"]

CAUTIOUS = HalfNormal(0.5)


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
    tau_prior: TauPrior = CAUTIOUS,
    mu_prior: Normal | None = None,
    censored_bound: ArrayLike | None = None,
    censored_se: ArrayLike | None = None,
    level: float = 0.95,
    interval: IntervalKind = "central",
) -> BayesResult:
    """Random-effects summary of study effects y with variances v under priors on mu and tau.

    y, v: (k,), k may be 0 if there are censored studies; `bayes_batch.pool_bayes_batch` takes many data sets.
    mu_prior: None is flat.
    censored_bound, censored_se: (c,), studies known only to have |Y| < bound, with the standard error their
    estimate would have had; each adds the factor P(|Y| < bound | mu, tau), Y ~ N(mu, se^2 + tau^2).
    interval: "central" (equal tails) or "shortest" (highest density).

    A posterior that cannot be normalised (an improper tau prior with too few studies) comes back as NaN
    with a message; a posterior without a standard deviation has sd infinite and a message.
    Raises ValueError naming the argument for values that are not finite, variances, bounds or standard errors
    that are not positive, or shapes that do not fit.
    """
    check_level(level)
    check_choice("interval", interval, IntervalKind)
    effects, variances = (a[:, None, None] for a in _read_pairs(y, v, "y", "v"))
    censored = _read_censored(censored_bound, censored_se)
    if effects.size + censored.bound.size == 0:
        raise ValueError("y: there is no study, with an estimate or censored")
    evidence = Evidence(effects, variances, censored, mu_prior, tau_prior)
    ((_, nodes),) = tau_nodes(evidence)
    return _no_result(evidence) if nodes is None else _summarise(evidence, nodes, level, interval)


IMPROPER = "the posterior cannot be normalised: too few studies for this prior of tau"
NO_SD = "the tails are too heavy for a standard deviation (shown as infinite): use the median and interval"
COARSE = "the quadrature did not settle to its usual accuracy"
_SHARP = "a censored study has a bound hundreds of times its standard error: accuracy is reduced"


# --- reading off the answers -------------------------------------------------------------------------


class _Effects(NamedTuple):
    """What is known of mu and of the true effect in a new study; quantiles (2, q) of both."""

    mu: Mixture
    predictive: Mixture
    mu_density: Callable[[Array], Array]
    mean: Array
    sd: Array
    quantiles: Array
    remark: str


def _summarise(evidence: Evidence, nodes: Nodes, level: float, interval: IntervalKind) -> BayesResult:
    tail = (1 - level) / 2
    p = np.array([0.5, tail, 1 - tail])
    read_off = _with_censored if evidence.censored.bound.size else _from_estimates
    effects = read_off(evidence, nodes, p)

    def tau_density(tau: Array) -> Array:
        flat = np.maximum(tau, np.finfo(np.float64).tiny).reshape(1, -1)
        return np.exp(log_posterior(evidence, flat)[0] - nodes.log_total).reshape(tau.shape)

    (median, *ci), (new_median, *new) = effects.quantiles.tolist()
    tau_median, *tau = tau_quantiles(nodes, p)[0].tolist()
    if interval == "shortest":
        ci, new = (
            shortest_interval(partial(quantile, mixture), mixture.density, level)
            for mixture in (effects.mu, effects.predictive)
        )
        tau = shortest_interval(lambda p: tau_quantiles(nodes, p)[0], tau_density, level, lowest=0.0)
    remarks = ("" if nodes.settled[0] else COARSE, effects.remark, NO_SD if np.isinf(effects.sd) else "")
    return BayesResult(
        median=median,
        mean=float(effects.mean),
        sd=float(effects.sd),
        ci_lower=ci[0],
        ci_upper=ci[1],
        tau_median=tau_median,
        tau_ci_lower=tau[0],
        tau_ci_upper=tau[1],
        predictive_median=new_median,
        predictive_lower=new[0],
        predictive_upper=new[1],
        k=evidence.y.size,
        k_censored=evidence.censored.bound.size,
        message="; ".join(filter(None, remarks)),
        _mu=effects.mu,
        _mu_density=effects.mu_density,
        _tau_density=tau_density,
    )


def _from_estimates(_: Evidence, nodes: Nodes, p: Array) -> _Effects:
    weights, tau = nodes.weights[0], nodes.tau[0]
    means, variances = nodes.given.mean[0], 1 / nodes.given.precision[0]
    mu = NormalMixture(weights, means, np.sqrt(variances))
    predictive = NormalMixture(weights, means, np.sqrt(variances + tau * tau))
    mean, sd = moments(weights, means, variances, nodes.far[0])
    return _Effects(mu, predictive, mu.density, mean, sd, effect_quantiles(nodes, p)[0], "")


def _with_censored(evidence: Evidence, nodes: Nodes, p: Array) -> _Effects:
    censored, tau, weights = evidence.censored, nodes.tau[0], nodes.weights[0]
    given = Conditional(*(part[0] for part in nodes.given))
    on_grid = condition_on_censored(given, censored, tau)
    means = (on_grid.shares * on_grid.mu).sum(axis=1)
    variances = (on_grid.shares * (on_grid.mu - means[:, None]) ** 2).sum(axis=1)
    mean, sd = moments(weights, means, variances, nodes.far[0])
    heavy = weights > 1e-18
    given, tau, weights = Conditional(*(part[heavy] for part in given)), tau[heavy], weights[heavy]
    on_grid = condition_on_censored(given, censored, tau, predictive=True)
    mu, predictive = mix_over_tau(on_grid, weights, tau)
    mu_density = density_over_tau(given, censored, on_grid, weights, tau)
    quantiles = np.stack([quantile(mu, p), quantile(predictive, p)])
    return _Effects(mu, predictive, mu_density, mean, sd, quantiles, "" if on_grid.full else _SHARP)


def _no_result(evidence: Evidence) -> BayesResult:
    def undefined(x: Array) -> Array:
        return np.full(x.shape, np.nan)

    return BayesResult(
        **dict.fromkeys((f.name for f in fields(BayesResult) if f.type == "float"), np.nan),
        k=evidence.y.size,
        k_censored=evidence.censored.bound.size,
        message=IMPROPER,
        _mu=None,
        _mu_density=undefined,
        _tau_density=undefined,
    )


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
