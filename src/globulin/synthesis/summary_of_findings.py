"""What was found, one row an outcome: how many people, what effect, and what it means among 1,000 of them.

An effect in standard deviations is turned into people at a stated chance of getting better without treatment.
That chance comes from outside the trials or from their own control groups, and is shown with each number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp

from globulin.dossier.context import Background
from globulin.dossier.result import Counts
from globulin.dossier.study import Study
from globulin.synthesis.absolute import (
    NumberNeeded,
    absolute_effect,
    log_odds_ratio_from_smd,
    number_needed,
    wilson_interval,
)
from globulin.synthesis.grading import Grade, informative_statement, size_of_smd
from globulin.synthesis.harms import HarmRow, UncountedHarm
from globulin.synthesis.per_thousand import PER, PerThousand, more_or_fewer, per_thousand
from globulin.synthesis.policy import Summary
from globulin.synthesis.readings import TrialEffect

PERCENT = "percent of people"
"""The unit by which a background record is read as a chance."""


@dataclass(frozen=True, slots=True)
class ControlRisk:
    """How many get better without treatment: a probability with its 95% interval, and where it is from."""

    id: str
    name: str
    risk: float
    lower: float
    upper: float
    words: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AbsoluteRow:
    """What an effect means at one control risk, of 1,000 people.

    treated, difference: with the uncertainty of the effect alone, at exactly that control risk.
    difference_both: with the uncertainty of the control risk as well. words: the difference in plain words.
    """

    control: ControlRisk
    without: PerThousand
    treated: PerThousand
    difference: PerThousand
    difference_both: PerThousand
    number_needed: NumberNeeded
    words: str


@dataclass(frozen=True, slots=True)
class StandardisedEffect:
    """An effect in standard deviations, above 0 for immune globulin, and as an odds ratio of improvement."""

    smd: float
    lower: float
    upper: float
    odds_ratio: float
    odds_ratio_lower: float
    odds_ratio_upper: float
    method: str


@dataclass(frozen=True, slots=True)
class BenefitRow:
    """One answer to whether people get better.

    people, people_with_numbers: in its trials, and in those that printed numbers. effect, grade: None where
    there is no answer, and `message` says why; then `absolute` is empty. statement: in the words of GRADE.
    """

    answer: str
    title: str
    outcome: str
    trials: int
    people: int
    trials_with_numbers: int
    people_with_numbers: int
    effect: StandardisedEffect | None
    absolute: tuple[AbsoluteRow, ...]
    grade: Grade | None
    statement: str
    message: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SummaryOfFindings:
    """All rows of the table. conversion: how standard deviations became people."""

    benefits: tuple[BenefitRow, ...]
    harms: tuple[HarmRow, ...]
    uncounted_harms: tuple[UncountedHarm, ...]
    control_risks: tuple[ControlRisk, ...]
    conversion: str
    not_shown: str


CONVERSION = (
    "Log odds ratio = SMD x pi / sqrt(3) (Hasselblad & Hedges 1995), applied to the chance of getting better"
    " without treatment. It takes better or not for a cut through a logistic score with equal spread in both"
    " groups. The first interval of a difference carries the uncertainty of the effect alone; the second that"
    " of the chance without treatment as well, by numerical integration, without sampling."
)
NOT_SHOWN = (
    "Whether any one person will benefit, how long a benefit lasts, or how often rare harms happen: these"
    " trials are far too small to have met them."
)


# --- chances without treatment -----------------------------------------------------------------------


def control_risks(background: Iterable[Background], studies: Sequence[Study]) -> tuple[ControlRisk, ...]:
    """Chances of getting better without treatment: published placebo responses, then the trials' own.

    studies: those that are pooled. Records that are unverified, or lack an interval, give none.
    """
    found = [
        ControlRisk(
            id=record.id,
            name=f"Placebo groups in other trials ({record.citation})",
            risk=record.estimate / 100,
            lower=record.lower / 100,
            upper=record.upper / 100,
            words=record.says,
            sources=(record.source,),
        )
        for record in sorted(background, key=lambda record: record.id)
        if record.topic == "placebo_response"
        and record.unit == PERCENT
        and record.seen != "unverified"
        and record.estimate is not None
        and record.lower is not None
        and record.upper is not None
        and 0 < record.lower < record.estimate < record.upper < 100
    ]
    own = _own_control_risk(studies)
    return (*found, own) if own is not None else tuple(found)


def _own_control_risk(studies: Sequence[Study]) -> ControlRisk | None:
    """Share of controls who got better in the pooled trials that counted them; None without such a count."""
    events = n = 0
    names: list[str] = []
    sources: list[str] = []
    for study in studies:
        if study.pooled is None:
            continue
        outcome = study.outcome(study.pooled.outcome)
        if isinstance(outcome.result, Counts):
            group = outcome.result.groups[study.pooled.control]
            events, n = events + group.events, n + group.n
            names.append(study.name)
            sources.append(outcome.source)
    # a chance of exactly 0 or 1 has no odds
    if not 0 < events < n:
        return None
    lower, upper = (float(x) for x in wilson_interval(events, n))
    return ControlRisk(
        id="own_controls",
        name=f"Control groups of the trials that counted people ({', '.join(names)})",
        risk=events / n,
        lower=lower,
        upper=upper,
        words=f"{events} of {n} people in the control groups got better.",
        sources=tuple(dict.fromkeys(sources)),
    )


# --- benefit -----------------------------------------------------------------------------------------


def benefit_row(
    *,
    answer: str,
    title: str,
    outcome: str,
    effects: Sequence[TrialEffect],
    summary: Summary | None,
    message: str,
    controls: Sequence[ControlRisk],
    grade: Grade | None,
) -> BenefitRow:
    """One answer as a row. summary: None where there is nothing to say, and then `message` says why."""
    measured = [effect for effect in effects if effect.smd is not None]
    statement = ""
    if summary is not None and grade is not None:
        statement = informative_statement(
            grade.certainty,
            size_of_smd(summary.estimate),
            more=summary.estimate > 0,
            outcome=f"the chance of {outcome}",
        )
    return BenefitRow(
        answer=answer,
        title=title,
        outcome=outcome,
        trials=len(effects),
        people=people_in(effects),
        trials_with_numbers=len(measured),
        people_with_numbers=people_in(measured),
        effect=None if summary is None else _effect(summary),
        absolute=() if summary is None else tuple(_absolute(summary, control) for control in controls),
        grade=grade,
        statement=statement,
        message=message,
        sources=tuple(dict.fromkeys(source for effect in effects for source in effect.sources)),
    )


def people_in(effects: Iterable[TrialEffect]) -> int:
    """People in both groups of all these trials."""
    return sum(effect.n_active + effect.n_control for effect in effects)


def _log_odds_ratios(summary: Summary) -> tuple[float, float, float]:
    estimate, lower, upper = log_odds_ratio_from_smd([summary.estimate, summary.ci_lower, summary.ci_upper])
    return float(estimate), float(lower), float(upper)


def _effect(summary: Summary) -> StandardisedEffect:
    odds_ratio, lower, upper = (exp(x) for x in _log_odds_ratios(summary))
    return StandardisedEffect(
        smd=summary.estimate,
        lower=summary.ci_lower,
        upper=summary.ci_upper,
        odds_ratio=odds_ratio,
        odds_ratio_lower=lower,
        odds_ratio_upper=upper,
        method=summary.name,
    )


def _absolute(summary: Summary, control: ControlRisk) -> AbsoluteRow:
    estimate, low, high = _log_odds_ratios(summary)
    effect = absolute_effect(estimate, low, high, control.risk, control.lower, control.upper)
    difference, lower, upper = (
        float(x) for x in (effect.difference, effect.difference_lower, effect.difference_upper)
    )
    return AbsoluteRow(
        control=control,
        without=PerThousand(PER * control.risk, PER * control.lower, PER * control.upper),
        treated=per_thousand(effect.treated_risk, effect.treated_lower, effect.treated_upper),
        difference=per_thousand(difference, lower, upper),
        difference_both=per_thousand(difference, effect.both_lower, effect.both_upper),
        number_needed=number_needed(difference, lower, upper),
        words=f"Of {PER:,} people, {PER * control.risk:.0f} get better on placebo. With immune globulin,"
        f" {more_or_fewer(difference, lower, upper)}.",
    )
