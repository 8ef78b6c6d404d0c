"""Holds every number that bayesmeta printed against ours, posterior by posterior.

Tolerances are those the reference numbers were made for: absolute 3e-4 for medians, means, modes and
probabilities, 3e-3 for what bayesmeta's coarse grid of tau reaches further into: interval bounds, the
standard deviations of effects, the effects of the studies (its own integration error reaches 0.002).

What bayesmeta prints and `pool_bayes` does not follows here from what `pool_bayes` gives, by rules of
probability: moments of tau and probabilities from our density of tau, the effects of the studies as mixtures
over it, the marginal likelihood by Bayes' rule at one point, the Bayes factor of mu = 0 as posterior over
prior density there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import integrate, optimize, special, stats

from globulin.synthesis.bayes import BayesResult, pool_bayes
from globulin.synthesis.priors import HalfCauchy, HalfNormal, LogNormal, LogStudent, Normal, TauPrior
from tests.synthesis.references import bayesmeta
from validation.ledger import Ledger, Path

MIDDLE, BOUND, DENSITY = 3e-4, 3e-3, 1e-3

COLUMNS = (*["mode, median, mean"] * 3, "standard deviation", *["interval"] * 2)
NAMES = {"tau": "tau", "mu": "mean effect", "theta": "new effect"}
INPUT = "input"
CLOCK = "processor time"


class Flat:
    """Improper uniform prior of tau."""

    def log_density(self, tau: np.ndarray) -> np.ndarray:
        """Zero everywhere."""
        return np.zeros_like(tau)


TAU_PRIORS: dict[str, TauPrior] = {
    "hn0.5": HalfNormal(0.5),
    "hn1": HalfNormal(1),
    "hc0.5": HalfCauchy(0.5),
    "uniform": Flat(),
    "turner_signs_pharm_placebo": LogNormal.from_tau2(-2.06, 1.51),
    "rhodes_mental_pharm_placebo_other": LogStudent.from_tau2(-2.99, 2.16),
}
MU_PRIOR = Normal(0, 2.82)


class Posterior(NamedTuple):
    """One fit of the file: where it stands, its data and priors, and our answer."""

    place: Path
    y: np.ndarray
    v: np.ndarray
    tau_prior: TauPrior
    mu_prior: Normal | None
    shortest: bool
    ours: BayesResult

    @property
    def prior_name(self) -> str:
        """The prior of tau as the file calls it."""
        return str(self.place[-1]).split("__")[0]


def posteriors() -> Iterator[Posterior]:
    """Every fit of the file, those that bayesmeta could not do among them."""
    for name, dataset in bayesmeta().items():
        y, v = np.atleast_1d(dataset["input"]["y"]), np.atleast_1d(dataset["input"]["sigma"]) ** 2
        for key in dataset["results"]:
            tau_name, mu_name, *central = key.split("__")
            prior, mu_prior = TAU_PRIORS[tau_name], None if mu_name == "mu_flat" else MU_PRIOR
            interval = "central" if central else "shortest"
            ours = pool_bayes(y, v, tau_prior=prior, mu_prior=mu_prior, interval=interval)
            yield Posterior((name, "results", key), y, v, prior, mu_prior, not central, ours)


def everything(fits: list[Posterior]) -> Ledger:
    """The ledger with all comparisons made and all else left out for a reason."""
    ledger = Ledger(bayesmeta())
    for name in bayesmeta():
        ledger.skip((name, "input"), INPUT)
    for fit in fits:
        if "error" in ledger.at(fit.place):
            continue
        for column in ("dens_mu_at", "dens_tau_at"):
            ledger.skip((*fit.place, column, "x"), INPUT)
        ledger.skip((*fit.place, "theta_shrink", "y"), INPUT)
        ledger.skip((*fit.place, "cpu_s"), CLOCK)
        spread = spread_of(fit)
        summaries(ledger, fit, spread)
        densities(ledger, fit)
        studies(ledger, fit, spread)
        evidence(ledger, fit)
    return ledger


# --- the posterior of tau on a grid ------------------------------------------------------------------


class Spread(NamedTuple):
    """Our posterior of tau as points with weights, and the mean effect given each tau."""

    tau: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def spread_of(fit: Posterior) -> Spread:
    """Points so dense in log(tau) that sums over them are integrals; mu given tau is normal."""
    u = np.log(fit.ours.tau_median) + np.sinh(np.linspace(-4.6, 4.6, 1201))
    tau = np.exp(u)
    weights = fit.ours.tau_density(tau) * tau * np.gradient(u)
    w = 1 / (fit.v[:, None] + tau**2)
    precision, pulled = w.sum(axis=0), (w * fit.y[:, None]).sum(axis=0)
    if fit.mu_prior is not None:
        precision = precision + fit.mu_prior.sd**-2
        pulled = pulled + fit.mu_prior.mean * fit.mu_prior.sd**-2
    return Spread(tau, weights / weights.sum(), pulled / precision, 1 / precision)


def moment(spread: Spread, power: int) -> float:
    """Mean of tau to a power; infinite where the largest taus still carry a share of it."""
    parts = spread.weights * spread.tau**power
    return float(parts.sum()) if parts[-1] < 1e-7 * parts.sum() else np.inf


# --- parts -------------------------------------------------------------------------------------------


def summaries(ledger: Ledger, fit: Posterior, spread: Spread) -> None:
    """Mode, median, mean, standard deviation and interval of tau, of mu and of a new effect."""
    ours, place = fit.ours, (*fit.place, "summary")
    mean_tau, second = moment(spread, 1), moment(spread, 2)
    sd_tau = np.sqrt(second - mean_tau**2) if np.isfinite(second) else np.inf
    new = Mixture(spread.weights, spread.mean, spread.variance + spread.tau**2)
    rows = {
        "tau": (mode_of_tau(fit), ours.tau_median, mean_tau, sd_tau, ours.tau_ci_lower, ours.tau_ci_upper),
        "mu": (peak(ours.density, ours), ours.median, ours.mean, ours.sd, ours.ci_lower, ours.ci_upper),
        "theta": (
            peak(new.density, ours),
            ours.predictive_median,
            ours.mean,
            np.sqrt(ours.sd**2 + second),
            ours.predictive_lower,
            ours.predictive_upper,
        ),
    }
    for row, numbers in rows.items():
        for index, number in enumerate(numbers):
            # the standard deviation of tau does not pass through bayesmeta's grid
            slack = MIDDLE if index < 3 or (row, index) == ("tau", 3) else BOUND
            ledger.compare(f"{NAMES[row]}: {COLUMNS[index]}", (*place, row, index), number, absolute=slack)


def densities(ledger: Ledger, fit: Posterior) -> None:
    """Densities of mu and of tau, and the two probabilities."""
    ours, place, ref = fit.ours, fit.place, ledger.at(fit.place)
    ledger.compare(
        "mean effect: density",
        (*place, "dens_mu_at", "d"),
        ours.density(ref["dens_mu_at"]["x"]),
        absolute=DENSITY,
    )
    at_tau = ours.tau_density(ref["dens_tau_at"]["x"])
    ledger.compare("tau: density", (*place, "dens_tau_at", "d"), at_tau, absolute=1e-9, relative=1e-9)
    ledger.compare(
        "mean effect: probability below 0",
        (*place, "p_mu_le_0"),
        1 - ours.probability_above(0.0),
        absolute=MIDDLE,
    )
    below, _ = integrate.quad(ours.tau_density, 0, 0.5, epsabs=1e-8, limit=200)
    ledger.compare("tau: probability below 0.5", (*place, "p_tau_le_0.5"), below, absolute=MIDDLE)


def studies(ledger: Ledger, fit: Posterior, spread: Spread) -> None:
    """The effect of each study given all: its own and the mean effect, weighed for every tau."""
    place = (*fit.place, "theta_shrink")
    ref = ledger.at(place)
    rows = []
    for y, v, start in zip(
        fit.y, fit.v, np.transpose([np.atleast_1d(ref[c]) for c in ("median", "lb", "ub")]), strict=True
    ):
        pull = v / (v + spread.tau**2)
        mean = (1 - pull) * y + pull * spread.mean
        mixture = Mixture(spread.weights, mean, (1 - pull) * v + pull**2 * spread.variance)
        rows.append(
            [*mixture.moments(), mixture.median(start[0]), *mixture.interval(*start[1:], fit.shortest)]
        )
    mean, sd, median, lower, upper = np.transpose(rows)
    for column, got in {"mean": mean, "sd": sd, "median": median, "lb": lower, "ub": upper}.items():
        ledger.compare("effects of the studies", (*place, column), got, absolute=BOUND)


def evidence(ledger: Ledger, fit: Posterior) -> None:
    """Marginal likelihood, and the Bayes factors of tau = 0 and of mu = 0."""
    mu_prior, tau = fit.mu_prior, fit.ours.tau_median
    if mu_prior is None or ledger.at(fit.place)["marginal_lik"] is None:
        return

    def log_likelihood(tau: float) -> float:
        covariance = np.diag(fit.v + tau**2) + mu_prior.sd**2
        return float(stats.multivariate_normal.logpdf(fit.y, np.full(fit.y.size, mu_prior.mean), covariance))

    prior = float(fit.tau_prior.log_density(np.array(tau)))
    marginal = np.exp(log_likelihood(tau) + prior) / float(fit.ours.tau_density(tau))
    at_zero = float(fit.ours.density(0.0)) / stats.norm.pdf(0, mu_prior.mean, mu_prior.sd)
    ledger.compare("marginal likelihood", (*fit.place, "marginal_lik"), marginal, relative=1e-3)
    ledger.compare(
        "Bayes factors", (*fit.place, "bf"), [np.exp(log_likelihood(0.0)) / marginal, at_zero], relative=1e-3
    )


# --- reading a mixture of normals --------------------------------------------------------------------


class Mixture(NamedTuple):
    """Normal distributions with weights: what an effect is after averaging over tau."""

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    def cdf(self, x: float) -> float:
        """Probability below x."""
        return float(self.weights @ special.ndtr((x - self.means) / np.sqrt(self.variances)))

    def density(self, x: float) -> float:
        """Density at x."""
        z = (x - self.means) / np.sqrt(self.variances)
        return float(self.weights @ (np.exp(-z * z / 2) / np.sqrt(2 * np.pi * self.variances)))

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation."""
        mean = float(self.weights @ self.means)
        return mean, float(np.sqrt(self.weights @ (self.variances + (self.means - mean) ** 2)))

    def median(self, start: float) -> float:
        """By Newton's method."""
        x = start
        for _ in range(4):
            x -= (self.cdf(x) - 0.5) / self.density(x)
        return x

    def interval(self, lower: float, upper: float, shortest: bool) -> tuple[float, float]:
        """95% interval near the one given: of equal densities at both ends, or of equal tails."""

        def miss(ends: np.ndarray) -> list[float]:
            below, above = self.cdf(ends[0]), 1 - self.cdf(ends[1])
            if not shortest:
                return [below - 0.025, above - 0.025]
            return [below + above - 0.05, self.density(ends[0]) - self.density(ends[1])]

        found = optimize.root(miss, [lower, upper], tol=1e-10)
        return float(found.x[0]), float(found.x[1])


def mode_of_tau(fit: Posterior) -> float:
    """Where our density of tau is highest; 0 where it falls from the start."""
    top = 3 * fit.ours.tau_ci_upper
    tau = np.linspace(0, top, 2001)[1:]
    best = tau[np.argmax(fit.ours.tau_density(tau))]
    around = (max(best - tau[0], 0), best + tau[0])
    found = optimize.minimize_scalar(
        lambda t: -float(fit.ours.tau_density(t)), bounds=around, method="bounded", options={"xatol": 1e-9}
    )
    return float(found.x)


def peak(density: Any, ours: BayesResult) -> float:
    """Where a density of an effect is highest."""
    width = ours.ci_upper - ours.ci_lower
    x = np.linspace(ours.median - width, ours.median + width, 401)
    best = x[np.argmax([float(density(at)) for at in x])]
    found = optimize.minimize_scalar(
        lambda at: -float(density(at)),
        bounds=(best - width / 200, best + width / 200),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.x)
