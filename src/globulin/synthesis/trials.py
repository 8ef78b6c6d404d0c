"""What the controlled trials of a dossier say: the one place where study records become arrays.

Three answers are always given together, because each alone misleads. Only some trials printed numbers, and
those are the trials that found something. Leaving the others out is biased towards benefit. Entering them
as exactly zero invents a number. Entering them as "somewhere inside the range that was not significant" uses
what is known and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from globulin.dossier.provenance import known
from globulin.dossier.study import (
    RANDOMISED,
    Arm,
    Counts,
    Means,
    NotSignificant,
    Outcome,
    Study,
    TestStatistic,
)
from globulin.synthesis.bayes import HalfNormal, Normal, pool_bayes
from globulin.synthesis.effects import (
    effect_size,
    not_significant_bound,
    smd_from_log_odds_ratio,
    smd_from_t,
)
from globulin.synthesis.pooling import pool

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
        Normal(0.0, WORTH_IT_SMD / 1.959963984540054),
        "a sceptic's opinion: no effect expected, 2.5% chance of more than half a standard deviation",
    ),
}
Z95 = 1.959963984540054

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
class TrialEffect:
    """One trial on the scale of standardised mean differences; positive favours immune globulin.

    `smd` is None where only "not significant" is known; then `bound` is the |SMD| at which the trial's own
    test would have just been significant. `derivation` says step by step how the number was got.
    """

    study: str
    name: str
    outcome: str
    smd: float | None
    se: float
    ci_lower: float | None
    ci_upper: float | None
    bound: float | None
    n_active: int
    n_control: int
    risk_of_bias: str | None
    derivation: tuple[str, ...]
    sources: tuple[str, ...]


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
    k: int
    k_with_numbers: int
    frequentist: Frequentist | None
    bayes: tuple[Bayes, ...]


@dataclass(frozen=True)
class OutsideEffect:
    """A randomised result in another illness: shown beside, never pooled."""

    study: str
    name: str
    condition: str
    outcome: str
    measure: Literal["OR", "SMD"]
    estimate: float
    ci_lower: float
    ci_upper: float
    sources: tuple[str, ...]


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
        answers=tuple(_answer(identifier, effects) for identifier in ANSWERS) if effects else (),
        unusable=unusable,
        outside=tuple(effect for study in ordered for effect in _outside_effects(study)),
    )


def trial_effect(study: Study) -> TrialEffect:
    """The effect that a study contributes, from whatever its paper printed.

    Counts: log odds ratio, then SMD (Hasselblad & Hedges 1995). t: Hedges' g. Not significant: the bound.
    Raises ValueError if the study names no result to pool, or one of another kind.
    """
    entry = study.pooled
    if entry is None:
        raise ValueError(f"{study.id} has no result to pool")
    outcome = study.outcome(entry.outcome)
    control = study.arm(entry.control)
    active = [study.arm(identifier) for identifier in entry.active]
    match outcome.result:
        case Counts() as counts:
            read = _from_counts(counts, active, control)
        case TestStatistic() as test:
            read = _from_t(test, active, control)
        case NotSignificant() as null:
            read = _from_null(null, active, control)
        case other:
            raise ValueError(f"{study.id}: a result of kind '{other.kind}' cannot be pooled")
    se = read.variance**0.5
    return TrialEffect(
        study=study.id,
        name=study.name,
        outcome=outcome.name,
        smd=read.smd,
        se=se,
        ci_lower=None if read.smd is None else read.smd - Z95 * se,
        ci_upper=None if read.smd is None else read.smd + Z95 * se,
        bound=read.bound,
        n_active=read.n_active,
        n_control=read.n_control,
        risk_of_bias=study.risk_of_bias.overall.level if study.risk_of_bias else None,
        derivation=read.steps,
        sources=(outcome.source,),
    )


@dataclass(frozen=True)
class _Reading:
    """What a printed result says on the SMD scale, and how it was read."""

    smd: float | None
    variance: float
    bound: float | None
    n_active: int
    n_control: int
    steps: tuple[str, ...]


def _from_counts(result: Counts, active: Sequence[Arm], control: Arm) -> _Reading:
    events1 = sum(result.groups[arm.id].events for arm in active)
    n1 = sum(result.groups[arm.id].n for arm in active)
    against = result.groups[control.id]
    log_or, log_or_variance = (
        float(x) for x in effect_size("OR", events1=events1, n1=n1, events2=against.events, n2=against.n)
    )
    smd, variance = (float(x) for x in smd_from_log_odds_ratio(log_or, log_or_variance))
    steps = (
        f"{events1} of {n1} against {against.events} of {against.n}: log odds ratio {log_or:.3f}"
        f" (standard error {log_or_variance**0.5:.3f})",
        "times sqrt(3)/pi: standardised mean difference (Hasselblad & Hedges 1995), which assumes a"
        " logistic distribution behind the yes-or-no outcome",
    )
    return _Reading(smd, variance, None, n1, against.n, steps)


def _from_t(result: TestStatistic, active: Sequence[Arm], control: Arm) -> _Reading:
    n1, n2 = sum(_analysed(arm) for arm in active), _analysed(control)
    sign = 1.0 if result.favours in {arm.id for arm in active} else -1.0
    smd, variance = (float(x) for x in smd_from_t(sign * abs(result.value), n1, n2))
    steps = (
        f"t = {result.value} with {n1} against {n2} people: g = J |t| sqrt(1/n1 + 1/n2)"
        " with the small-sample factor J (Hedges 1981)",
        *_assumptions((*active, control)),
    )
    return _Reading(smd, variance, None, n1, n2, steps)


def _from_null(result: NotSignificant, active: Sequence[Arm], control: Arm) -> _Reading:
    n1, n2 = sum(_analysed(arm) for arm in active), _analysed(control)
    bound = float(not_significant_bound(n1, n2, alpha=result.two_sided_alpha))
    steps = (
        f"not significant at {result.two_sided_alpha:g} with {n1} against {n2} people:"
        f" |SMD| below {bound:.3f}, the least that a two-sided t test would have called significant",
        *_assumptions((*active, control)),
    )
    return _Reading(None, 1 / n1 + 1 / n2, bound, n1, n2, steps)


def _analysed(arm: Arm) -> int:
    n = known(arm.n_analysed)
    if n is None:
        n = known(arm.n_randomised)
    if n is None:
        raise ValueError(f"arm {arm.id}: no verified or assumed number of people analysed")
    return n


def _assumptions(arms: Iterable[Arm]) -> tuple[str, ...]:
    """Each assumption about numbers of people, once."""
    formulas = [getattr(arm.n_analysed, "formula", None) for arm in arms]
    return tuple(dict.fromkeys(f"assumed: {formula}" for formula in formulas if formula))


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


def _outside_effects(study: Study) -> list[OutsideEffect]:
    """Effects of randomised trials in other illnesses, from the arms' own counts or means."""
    if study.condition_group != "neighbour" or study.design not in RANDOMISED:
        return []
    control = [arm.id for arm in study.arms if arm.role == "control"]
    active = [arm.id for arm in study.arms if arm.role == "active"]
    if len(control) != 1 or len(active) != 1:
        return []
    return [
        effect
        for outcome in study.outcomes
        if (effect := _outside_effect(study, outcome, active[0], control[0])) is not None
    ]


def _outside_effect(study: Study, outcome: Outcome, active: str, control: str) -> OutsideEffect | None:
    result = outcome.result
    measure: Literal["OR", "SMD"]
    if isinstance(result, Counts) and {active, control} <= result.groups.keys():
        a, c = result.groups[active], result.groups[control]
        measure = "OR"
        y, v = effect_size("OR", events1=a.events, n1=a.n, events2=c.events, n2=c.n)
    elif isinstance(result, Means) and {active, control} <= result.groups.keys():
        m, w = result.groups[active], result.groups[control]
        sign = 1.0 if result.higher_is == "better" else -1.0
        measure = "SMD"
        y, v = effect_size(
            "SMD", mean1=sign * m.mean, sd1=m.sd, n1=m.n, mean2=sign * w.mean, sd2=w.sd, n2=w.n
        )
    else:
        return None
    middle, half = float(y), Z95 * float(v) ** 0.5
    scale = np.exp if measure == "OR" else float
    return OutsideEffect(
        study=study.id,
        name=study.name,
        condition=study.condition,
        outcome=outcome.name,
        measure=measure,
        estimate=float(scale(middle)),
        ci_lower=float(scale(middle - half)),
        ci_upper=float(scale(middle + half)),
        sources=(outcome.source,),
    )
