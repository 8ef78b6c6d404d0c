"""What the controlled trials of a dossier say, as three answers.

Three answers are always given together, because each alone misleads. Only some trials printed numbers, and
those are the trials that found something. Leaving the others out is biased towards benefit. Entering them
as exactly zero invents a number. Entering them as "somewhere inside the range that was not significant" uses
what is known and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from globulin.dossier.study import RANDOMISED, Study
from globulin.synthesis.bayes import HalfNormal, Normal, pool_bayes
from globulin.synthesis.pooling import pool
from globulin.synthesis.readings import Z95, OutsideEffect, TrialEffect, outside_effects, trial_effect

FloatArray = NDArray[np.float64]

WORTH_IT_SMD = 0.5
"""Half a standard deviation: the size most often taken as a difference that people notice (Norman 2003)."""

TAU_PRIOR = HalfNormal(0.5)
PRIORS = {
    "vague": (
        Normal(0.0, 2.0),
        "almost no opinion beforehand: effects up to four standard deviations allowed",
    ),
    "sceptical": (
        Normal(0.0, WORTH_IT_SMD / Z95),
        "a sceptic's opinion: no effect expected, 2.5% chance of more than half a standard deviation",
    ),
}

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


@dataclass(frozen=True)
class Frequentist:
    """A random-effects summary: REML, with Wald and Hartung-Knapp intervals side by side.

    `i2_percent` is Higgins' I2 from Cochran's Q; the prediction interval has k - 2 degrees of freedom
    (Higgins 2009) and is None below three trials.
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
    frequentist: Frequentist | None
    bayes: tuple[Bayes, ...]


@dataclass(frozen=True)
class TrialSummary:
    """What the controlled trials in ME/CFS and fibromyalgia say, in three answers."""

    effects: tuple[TrialEffect, ...]
    answers: tuple[Answer, ...]
    unusable: tuple[tuple[str, str], ...]
    """Randomised trials that cannot be pooled: study id and why."""
    outside: tuple[OutsideEffect, ...] = field(default=())
    worth_it_smd: float = WORTH_IT_SMD

    def answer(self, identifier: AnswerId) -> Answer:
        """The answer with this id."""
        return next(answer for answer in self.answers if answer.id == identifier)


def summarise_trials(studies: Iterable[Study]) -> TrialSummary:
    """Effects and the three answers from all studies of a dossier, whatever order they come in."""
    ordered = sorted(studies, key=lambda study: (study.citation.year or 9999, study.id))
    pooled = [study for study in ordered if study.pooled is not None]
    effects = tuple(trial_effect(study) for study in pooled)
    # without a single printed number there is nothing to average, and nothing to hold a range against
    answered = ANSWERS if any(effect.smd is not None for effect in effects) else ()
    unusable = tuple(
        (study.id, study.poolability_reason)
        for study in ordered
        if study.pooled is None
        and study.design in RANDOMISED
        and study.condition_group != "neighbour"
        and study.outcomes
    )
    return TrialSummary(
        effects=effects,
        answers=tuple(_answer(identifier, effects) for identifier in answered),
        unusable=unusable,
        outside=tuple(effect for study in ordered for effect in outside_effects(study)),
    )


def _answer(identifier: AnswerId, effects: tuple[TrialEffect, ...]) -> Answer:
    title, words = ANSWERS[identifier]
    measured = [effect for effect in effects if effect.smd is not None]
    used = measured if identifier == "numbers_only" else list(effects)
    y = np.array([0.0 if effect.smd is None else effect.smd for effect in used])
    se = np.array([effect.se for effect in used])
    censored = np.array([effect.smd is None for effect in used])
    if identifier == "null_censored" and censored.any():
        bound = np.array([effect.bound for effect in used if effect.bound is not None])
        frequentist = None
        bayes = _bayes(y[~censored], se[~censored] ** 2, bound, se[censored])
    else:
        frequentist = _frequentist(y, se**2)
        bayes = _bayes(y, se**2)
    return Answer(
        id=identifier,
        title=title,
        words=words,
        studies=tuple(effect.study for effect in used),
        sources=tuple(dict.fromkeys(source for effect in used for source in effect.sources)),
        k=len(used),
        k_with_numbers=len(measured),
        frequentist=frequentist,
        bayes=bayes,
    )


def _frequentist(y: FloatArray, v: FloatArray) -> Frequentist:
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
        message="; ".join(remarks),
    )


def _bayes(
    y: FloatArray, v: FloatArray, bound: FloatArray | None = None, bound_se: FloatArray | None = None
) -> tuple[Bayes, ...]:
    summaries = []
    for name, (prior, words) in PRIORS.items():
        result = pool_bayes(
            y, v, tau_prior=TAU_PRIOR, mu_prior=prior, censored_bound=bound, censored_se=bound_se
        )
        summaries.append(
            Bayes(
                prior=name,
                prior_words=words,
                median=result.median,
                ci_lower=result.ci_lower,
                ci_upper=result.ci_upper,
                predictive_lower=result.predictive_lower,
                predictive_upper=result.predictive_upper,
                tau_median=result.tau_median,
                probability_of_benefit=result.probability_above(0.0),
                probability_worth_it=result.probability_above(WORTH_IT_SMD),
            )
        )
    return tuple(summaries)
