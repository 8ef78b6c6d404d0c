"""Trials that print a number only if it is significant: what each way of reading the others does."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.effects import not_significant_bound
from globulin.synthesis.priors import HalfNormal, Normal
from validation.calibration.coverage import CAUTIOUS, VAGUE, Answers, tally
from validation.calibration.draw import SEED, Array, Trials, normal_trials

REPLICATES = 1000
TRIALS = 4
SCEPTICAL = Normal(0.0, 0.5 / 1.959963984540054)
"""The sceptic's prior of the mean effect: 2.5% chance of more than half a standard deviation."""

ALL, ONLY, INSIDE, ZERO = (
    "all numbers known",
    "printed numbers only",
    "null trials inside their bound",
    "null trials set to zero",
)


class Truth(NamedTuple):
    """Mean effect and spread to draw from; None: from the sceptic's prior, and from the prior of tau."""

    mu: float | None
    tau: float | None


TRUTHS = [Truth(0.0, 0.0), Truth(0.3, 0.0), Truth(0.3, 0.3), Truth(0.6, 0.3), Truth(None, None)]


def run(index: int, replicates: int = REPLICATES) -> dict[str, Any]:
    """Four readings of the same half-reported trials, by the place of their truth among TRUTHS.

    Whether a trial is significant is for its two-sided t test at 5% to say. Replicates in which no trial
    printed a number are only counted: without one the library gives no answer.
    """
    prior = SCEPTICAL if TRUTHS[index].mu is None else VAGUE
    trials = draw(index).first(replicates)
    bound = not_significant_bound(trials.n1, trials.n2)
    printed = np.abs(trials.y) >= bound
    some = printed.any(axis=1)
    answers = [
        readings(*row, prior)
        for row in zip(trials.y[some], trials.v[some], bound[some], printed[some], strict=True)
    ]
    return {
        "replicates": some.size,
        "no number printed": int((~some).sum()),
        "readings": {
            name: tally(Answers(*np.array([answer[name] for answer in answers]).T), trials.mu[some])
            for name in (ALL, ONLY, INSIDE, ZERO)
        },
    }


def draw(index: int) -> Trials:
    """All replicates of a truth; the variances do not depend on the effect, as the bounds do not."""
    truth, rng = TRUTHS[index], np.random.default_rng([SEED, 1000 + index])
    mu = rng.normal(SCEPTICAL.mean, SCEPTICAL.sd, REPLICATES) if truth.mu is None else truth.mu
    tau = np.abs(rng.normal(0, CAUTIOUS.scale, REPLICATES)) if truth.tau is None else truth.tau
    return normal_trials(rng, REPLICATES, TRIALS, mu, tau, at=0.0)


def readings(y: Array, v: Array, bound: Array, printed: Array, prior: Normal) -> dict[str, tuple[float, ...]]:
    """Median and interval by each reading of one half-reported meta-analysis."""
    options: dict[str, Any] = {"tau_prior": CAUTIOUS, "mu_prior": prior}
    null = ~printed
    known = pool_bayes(y, v, **options)
    found = {ALL: known, ONLY: known, INSIDE: known, ZERO: known}
    if null.any():
        censored = {"censored_bound": bound[null], "censored_se": np.sqrt(v[null])}
        found[ONLY] = pool_bayes(y[printed], v[printed], **options)
        found[INSIDE] = pool_bayes(y[printed], v[printed], **censored, **options)
        found[ZERO] = pool_bayes(np.where(null, 0.0, y), v, **options)
    return {name: (one.median, one.ci_lower, one.ci_upper) for name, one in found.items()}


AGAINST_THE_GRAIN: dict[str, Any] = {
    "y": [-0.83, -0.22, 2.07],
    "v": [2.81, 0.048, 3.44],
    "censored_bound": [1.52],
    "censored_se": [0.628],
}
"""Found by search: three trials whose mean a fourth, null, trial moves away from zero."""


def against_the_grain() -> dict[str, dict[str, float]]:
    """Mean effect and spread before and after that null trial, with a half-normal prior of tau of scale 1."""
    data = AGAINST_THE_GRAIN
    before = pool_bayes(data["y"], data["v"], tau_prior=HalfNormal(1))
    after = pool_bayes(**data, tau_prior=HalfNormal(1))
    return {
        name: {"mean": round(found.mean, 4), "tau": round(found.tau_median, 4)}
        for name, found in (("without the null trial", before), ("with it", after))
    }
