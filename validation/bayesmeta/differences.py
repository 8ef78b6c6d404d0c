"""Where ours and bayesmeta's numbers differ: the reason, and a proof by quadrature of the textbook posterior.

bayesmeta averages over a coarse grid of tau, chosen so that each step changes the posterior of mu little
(Röver & Friede 2017). The posterior of tau itself does not pass through it, and there all numbers agree. Here
the same integrals are sums over thousands of points of log(tau), which for such smooth functions is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from validation.bayesmeta.parts import Mixture, Posterior
from validation.ledger import Comparison, spelled

Check = tuple[str, bool]

# How fast each prior falls for large tau: the power of 1 / tau; None faster than any
_TAILS = {"uniform": 0, "hc0.5": 2}


class Exact(NamedTuple):
    """The textbook posterior: tau with weights, and each effect as a mixture over it."""

    tau: np.ndarray
    weights: np.ndarray
    mu: Mixture
    theta: Mixture
    studies: list[Mixture]


def exact(fit: Posterior) -> Exact:
    """Prior times likelihood of tau on 6,001 points, equally spaced in log(tau) from e^-40 to e^40."""
    u = np.linspace(-40, 40, 6001)
    tau = np.exp(u)
    variance = fit.v[:, None] + tau**2
    precision, pulled = (1 / variance).sum(axis=0), (fit.y[:, None] / variance).sum(axis=0)
    log_prior = fit.tau_prior.log_density(tau) + u
    if fit.mu_prior is not None:
        precision, pulled = precision + fit.mu_prior.sd**-2, pulled + fit.mu_prior.mean * fit.mu_prior.sd**-2
    mean = pulled / precision
    scatter = (fit.y[:, None] ** 2 / variance).sum(axis=0) - mean**2 * precision
    log_posterior = log_prior - (np.log(variance).sum(axis=0) + np.log(precision) + scatter) / 2
    weights = np.exp(log_posterior - log_posterior.max())
    weights /= weights.sum()
    kept = weights > 1e-18
    tau, weights, mean, of_mean = tau[kept], weights[kept], mean[kept], 1 / precision[kept]
    weights = weights / weights.sum()
    studies = []
    for y, v in zip(fit.y, fit.v, strict=True):
        pull = v / (v + tau**2)
        studies.append(Mixture(weights, (1 - pull) * y + pull * mean, (1 - pull) * v + pull**2 * of_mean))
    return Exact(
        tau, weights, Mixture(weights, mean, of_mean), Mixture(weights, mean, of_mean + tau**2), studies
    )


def without_sd(fit: Posterior) -> bool:
    """Whether the integral of tau^2 diverges: the posterior of tau falls no faster than tau^-3."""
    tail = _TAILS.get(fit.prior_name)
    return tail is not None and tail + fit.y.size - (fit.mu_prior is None) <= 3


def checks(fit: Posterior, differing: list[Comparison]) -> Iterator[Check]:
    """Each number that differs in one fit, against the exact posterior: ours must be it."""
    truth = exact(fit)
    for comparison in differing:
        path, ours, theirs = comparison.path, comparison.ours, comparison.reference
        if path[3] == "summary":
            mixture, what = (
                getattr(truth, str(path[4])),
                ("mode", "median", "mean", "sd", "lb", "ub")[int(path[5])],
            )
        else:
            mixture, what = truth.studies[int(path[5])], str(path[4])
        yield spelled(path), _RULES[what](mixture, ours, theirs, fit)


def _mode(mixture: Mixture, ours: float, theirs: float, _: Posterior) -> bool:
    return mixture.density(ours) > mixture.density(theirs)


def _median(mixture: Mixture, ours: float, _: float, __: Posterior) -> bool:
    return abs(mixture.cdf(ours) - 0.5) < 1e-7


def _mean(mixture: Mixture, ours: float, _: float, __: Posterior) -> bool:
    return abs(mixture.moments()[0] - ours) < 1e-7


def _sd(mixture: Mixture, ours: float, _: float, fit: Posterior) -> bool:
    return np.isinf(ours) if without_sd(fit) else abs(mixture.moments()[1] / ours - 1) < 1e-5


def _end(mixture: Mixture, ours: float, _: float, fit: Posterior) -> bool:
    """An end of the 95% interval, found anew from ours: it must not move."""
    low, high = mixture.interval(*_around(mixture), fit.shortest)
    return min(abs(ours - low), abs(ours - high)) < 1e-5 * (high - low)


def _around(mixture: Mixture) -> tuple[float, float]:
    """The 95% interval of equal tails, by halving."""
    ends = []
    for p in (0.025, 0.975):
        low, high = -1e3, 1e3
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if mixture.cdf(middle) < p else (low, middle)
        ends.append(low)
    return ends[0], ends[1]


_RULES: dict[str, Callable[[Mixture, float, float, Posterior], bool]] = {
    "mode": _mode, "median": _median, "mean": _mean, "sd": _sd, "lb": _end, "ub": _end,
}  # fmt: skip


def answered(fit: Posterior) -> Iterator[Check]:
    """Our answer where bayesmeta stopped with an error, against the exact posterior."""
    ours, truth = fit.ours, exact(fit)
    below = np.cumsum(truth.weights) - truth.weights / 2
    yield "mean effect, median", _median(truth.mu, ours.median, 0, fit)
    yield "mean effect, interval", all(_end(truth.mu, end, 0, fit) for end in (ours.ci_lower, ours.ci_upper))
    yield "new effect, median", _median(truth.theta, ours.predictive_median, 0, fit)
    ends = ours.predictive_lower, ours.predictive_upper
    yield "new effect, interval", all(_end(truth.theta, end, 0, fit) for end in ends)
    yield "tau, median", abs(np.interp(ours.tau_median, truth.tau, below) - 0.5) < 1e-4
    at_zero = truth.mu.cdf(0.0)
    yield "mean effect, probability above 0", abs(1 - at_zero - ours.probability_above(0.0)) < 1e-7
