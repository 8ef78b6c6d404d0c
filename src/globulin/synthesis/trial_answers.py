"""What the controlled trials of a dossier say, as three answers.

Three answers are always given together, because each alone misleads. Only some trials printed numbers, and
those are the trials that found something. Leaving the others out is biased towards benefit. Entering them
as exactly zero invents a number. Entering them as "somewhere inside the range that was not significant" uses
what is known and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from globulin.synthesis.policy import PolicySummary
from globulin.synthesis.pooled_trials import CAUTIOUS, Opinion, PooledTrials
from globulin.synthesis.pooling import pool
from globulin.synthesis.readings import TrialEffect
from globulin.synthesis.summaries import Summary

AnswerId = Literal["numbers_only", "null_censored", "null_at_zero"]
ANSWERS: dict[AnswerId, tuple[str, str]] = {
    "numbers_only": (
        "Only the trials that printed numbers",
        "Biased towards benefit: the trials that found nothing did not print their numbers,"
        " so they are left out.",
    ),
    "null_censored": (
        "With the null trials as far as they are known",
        "Each trial known only as 'not significant' counts as an effect somewhere inside the range in"
        " which its own test would not have been significant. Nothing is invented; the answer is wide"
        " because so little was printed.",
    ),
    "null_at_zero": (
        "With the null trials set to exactly zero",
        "A what-if: it treats 'not significant' as 'no difference at all', which nobody measured.",
    ),
}
MAIN: AnswerId = "null_censored"
"""The answer that uses all that is known and nothing else: the one that sensitivity is shown for."""


@dataclass(frozen=True)
class Frequentist:
    """A random-effects summary: REML, with Wald and Hartung-Knapp intervals side by side.

    `i2_percent` is Higgins' I2 from Cochran's Q; the prediction interval has k - 2 degrees of freedom
    (Higgins 2009) and is None below three trials. `weights`: each trial's share of the estimate, by study id.
    """

    estimate: float
    se: float
    tau2: float
    q: float
    i2_percent: float
    wald_lower: float
    wald_upper: float
    hartung_knapp_lower: float
    hartung_knapp_upper: float
    prediction_lower: float | None
    prediction_upper: float | None
    weights: Mapping[str, float]
    message: str


@dataclass(frozen=True)
class Bayes:
    """A Bayesian random-effects summary under one prior."""

    prior: str
    prior_words: str
    median: float
    ci_lower: float
    ci_upper: float
    predictive_lower: float
    predictive_upper: float
    tau_median: float
    probability_of_benefit: float
    probability_worth_it: float


@dataclass(frozen=True)
class Answer:
    """One way of entering the trials, with its summaries; no frequentist one where effects are censored."""

    id: AnswerId
    title: str
    words: str
    studies: tuple[str, ...]
    """The trials that entered, by id."""
    sources: tuple[str, ...]
    k: int
    k_with_numbers: int
    policy: PolicySummary
    """The answer that the policy puts first for these trials, under the first prior, and those beside it."""
    frequentist: Frequentist | None
    bayes: tuple[Bayes, ...]


def trial_answer(
    identifier: AnswerId,
    effects: Sequence[TrialEffect],
    supposed: frozenset[str],
    priors: Mapping[str, Opinion],
) -> Answer:
    """One of the three answers.

    effects: by year. supposed: trials whose number is a what-if, by study id; they count as silent where only
    printed numbers do. priors: opinions about the mean effect, by name; the first is the policy's.
    """
    title, words = ANSWERS[identifier]
    printed = [effect for effect in effects if effect.smd is not None and effect.study not in supposed]
    used = printed if identifier == "numbers_only" else list(effects)
    trials = PooledTrials.of(used)
    if identifier == "null_at_zero":
        trials = trials.at_zero()
    policy = trials.summary(next(iter(priors.values())))
    first = {summary.id: summary for summary in policy.summaries}.get(CAUTIOUS)
    opinions = tuple(
        _bayes(name, opinion[1], first if first and index == 0 else trials.cautious(opinion))
        for index, (name, opinion) in enumerate(priors.items())
    )
    return Answer(
        id=identifier,
        title=title,
        words=words,
        studies=tuple(effect.study for effect in used),
        sources=tuple(dict.fromkeys(source for effect in used for source in effect.sources)),
        k=len(used),
        k_with_numbers=len(printed),
        policy=policy,
        frequentist=None if trials.silent else _frequentist(trials),
        bayes=opinions,
    )


def _frequentist(trials: PooledTrials) -> Frequentist:
    y, v = trials.y, trials.v
    predicted = len(y) >= 3
    wald = pool(y, v, tau2="REML", ci="wald", prediction="k-2" if predicted else "ci")
    knapp = pool(y, v, tau2="REML", ci="HKSJ")
    remarks = dict.fromkeys(
        part for result in (wald, knapp) for part in str(result.message).split("; ") if part
    )
    return Frequentist(
        estimate=float(wald.estimate),
        se=float(wald.se),
        tau2=float(wald.tau2),
        q=float(wald.q),
        i2_percent=float(wald.i2_q),
        wald_lower=float(wald.ci_lower),
        wald_upper=float(wald.ci_upper),
        hartung_knapp_lower=float(knapp.ci_lower),
        hartung_knapp_upper=float(knapp.ci_upper),
        prediction_lower=float(wald.prediction_lower) if predicted else None,
        prediction_upper=float(wald.prediction_upper) if predicted else None,
        weights=dict(zip((trial.study for trial in trials.numbers), wald.weights.tolist(), strict=True)),
        message="; ".join(remarks),
    )


def _bayes(name: str, words: str, summary: Summary) -> Bayes:
    return Bayes(
        prior=name,
        prior_words=words,
        median=summary.estimate,
        ci_lower=summary.ci_lower,
        ci_upper=summary.ci_upper,
        predictive_lower=_given(summary.prediction_lower),
        predictive_upper=_given(summary.prediction_upper),
        tau_median=_given(summary.tau),
        probability_of_benefit=_given(summary.probability_above_zero),
        probability_worth_it=_given(summary.probability_worth_it),
    )


def _given(value: float | None) -> float:
    """A number that every Bayesian summary has."""
    if value is None:
        raise ValueError("summary: is not a Bayesian one")
    return value
