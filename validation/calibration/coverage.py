"""How often each method's 95% interval holds the truth, for many truths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from globulin.synthesis.bayes_batch import pool_bayes_batch
from globulin.synthesis.pooling import pool
from globulin.synthesis.priors import HalfNormal, Normal
from validation.calibration.draw import SEED, Array, Trials, equal_trials, measured_trials, normal_trials

REPLICATES = 4000
SLICE = 200
"""The first replicates of each cell, counted on their own: a test repeats some of them."""

TRUE_MEAN = 0.3
STUDIES = (2, 3, 4, 6)
SPREADS = (0.0, 0.3, 0.5, 0.8)
CAUTIOUS, WIDE = HalfNormal(0.5), HalfNormal(1.0)
VAGUE = Normal(0.0, 2.0)

BAYES, BAYES_FLAT, BAYES_WIDE = "Bayes", "Bayes, flat mean", "Bayes, wider tau"
GUARDED = "HKSJ-guarded"
CLASSICAL = (GUARDED, "HKSJ", "Wald", "common effect")
EVERY = (BAYES, BAYES_FLAT, BAYES_WIDE, *CLASSICAL)


class Cell(NamedTuple):
    """One truth to draw from, and what is tried on it. tau, mu None: drawn from their priors."""

    drawn: Literal["known variances", "estimated variances", "equal variances"]
    k: int
    tau: float | None
    mu: float | None
    methods: tuple[str, ...]

    @property
    def name(self) -> str:
        """The key of the cell among the results."""
        tau, mu = ("from the prior" if value is None else value for value in (self.tau, self.mu))
        return f"{self.drawn}, k = {self.k}, tau = {tau}, mean = {mu}"


def primary(k: int) -> str:
    """What the policy puts first for standardised mean differences of k trials."""
    return BAYES if k < 5 else GUARDED


KNOWN = [
    Cell("known variances", k, tau, TRUE_MEAN, EVERY if k < 5 else CLASSICAL)
    for k in STUDIES
    for tau in SPREADS
]
ESTIMATED = [
    Cell("estimated variances", k, tau, TRUE_MEAN, (primary(k),)) for k in STUDIES for tau in SPREADS
]
AVERAGED = [
    *(Cell("known variances", k, None, None, (BAYES, *CLASSICAL)) for k in STUDIES[:3]),
    *(Cell("known variances", k, None, TRUE_MEAN, (BAYES_FLAT, *CLASSICAL)) for k in STUDIES[:3]),
]
EQUAL = [Cell("equal variances", k, 0.3, TRUE_MEAN, ("HKSJ",)) for k in STUDIES]
CELLS = [*KNOWN, *ESTIMATED, *AVERAGED, *EQUAL]


class Answers(NamedTuple):
    """One method's estimate and interval for each replicate."""

    estimate: Array
    lower: Array
    upper: Array


def bayes(trials: Trials, tau_prior: HalfNormal, mu_prior: Normal | None) -> Answers:
    """The Bayesian summary of every replicate."""
    found = pool_bayes_batch(trials.y, trials.v, tau_prior=tau_prior, mu_prior=mu_prior)
    return Answers(found.median, found.ci_lower, found.ci_upper)


def classical(trials: Trials, tau2: Any, ci: Any) -> Answers:
    """The classical summary of every replicate."""
    found = pool(trials.y, trials.v, tau2=tau2, ci=ci)
    return Answers(found.estimate, found.ci_lower, found.ci_upper)


METHODS: dict[str, Callable[[Trials], Answers]] = {
    BAYES: lambda trials: bayes(trials, CAUTIOUS, VAGUE),
    BAYES_FLAT: lambda trials: bayes(trials, CAUTIOUS, None),
    BAYES_WIDE: lambda trials: bayes(trials, WIDE, VAGUE),
    GUARDED: lambda trials: classical(trials, "REML", "HKSJ-guarded"),
    "HKSJ": lambda trials: classical(trials, "REML", "HKSJ"),
    "Wald": lambda trials: classical(trials, "REML", "wald"),
    "common effect": lambda trials: classical(trials, "FE", "wald"),
}


def draw(index: int) -> Trials:
    """All replicates of a cell, by its place among CELLS, which is part of the seed."""
    cell, rng = CELLS[index], np.random.default_rng([SEED, index])
    if cell.tau is None:
        mu = rng.normal(VAGUE.mean, VAGUE.sd, REPLICATES) if cell.mu is None else cell.mu
        return normal_trials(rng, REPLICATES, cell.k, mu, np.abs(rng.normal(0, CAUTIOUS.scale, REPLICATES)))
    how = {
        "known variances": normal_trials,
        "estimated variances": measured_trials,
        "equal variances": equal_trials,
    }[cell.drawn]
    return how(rng, REPLICATES, cell.k, TRUE_MEAN, cell.tau)


def run(index: int, replicates: int = REPLICATES) -> dict[str, Any]:
    """What every method of a cell made of its first replicates."""
    trials = draw(index).first(replicates)
    return {name: tally(METHODS[name](trials), trials.mu) for name in CELLS[index].methods}


def tally(answers: Answers, mu: Array) -> dict[str, Any]:
    """How often the interval held the truth, in all replicates and in the first, and how wide it was."""
    held = (answers.lower <= mu) & (mu <= answers.upper)
    return {
        "replicates": held.size,
        "held": int(held.sum()),
        "held in slice": int(held[:SLICE].sum()),
        "median width": round(float(np.median(answers.upper - answers.lower)), 3),
        "mean error": round(float(np.mean(answers.estimate - mu)), 4),
    }
