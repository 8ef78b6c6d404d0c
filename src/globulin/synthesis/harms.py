"""Unwanted effects that trials counted in both groups, as people of 1,000, and those they only spoke of.

Harms are reported even less than benefits. What was not counted is listed with the reason, so that an empty
table cannot be read as safety.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from globulin.dossier.result import Counts, Percentages, Single, Words
from globulin.dossier.study import RANDOMISED, Outcome, Study
from globulin.synthesis.absolute import NumberNeeded, number_needed, risk_difference, wilson_interval
from globulin.synthesis.grade_domains import APPRECIABLE
from globulin.synthesis.grading import Grade, informative_statement
from globulin.synthesis.per_thousand import PER, PerThousand, per_thousand


@dataclass(frozen=True, slots=True)
class HarmRow:
    """An unwanted effect that one trial counted in both groups."""

    study: str
    name: str
    outcome: str
    outcome_name: str
    events_treated: int
    n_treated: int
    events_control: int
    n_control: int
    treated: PerThousand
    without: PerThousand
    difference: PerThousand
    number_needed: NumberNeeded
    grade: Grade
    statement: str
    words: str
    caution: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UncountedHarm:
    """An unwanted effect that a trial reported without numbers of people in both groups, and why not."""

    study: str
    name: str
    outcome: str
    outcome_name: str
    says: str
    why: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountedHarm:
    """An unwanted effect counted in both groups, all active arms together against all control arms."""

    study: Study
    outcome: Outcome
    events_treated: int
    n_treated: int
    events_control: int
    n_control: int


def harms(studies: Iterable[Study]) -> tuple[tuple[CountedHarm, ...], tuple[UncountedHarm, ...]]:
    """Unwanted effects in randomised trials of these illnesses: those counted in both groups, and the rest.

    Unverified ones are in neither.
    """
    counted: list[CountedHarm] = []
    uncounted: list[UncountedHarm] = []
    for study in studies:
        if study.design not in RANDOMISED or study.condition_group == "neighbour":
            continue
        for outcome in study.adverse_events:
            if outcome.seen == "unverified":
                continue
            harm = _counted(study, outcome)
            if harm is not None:
                counted.append(harm)
            else:
                uncounted.append(_uncounted(study, outcome))
    return tuple(counted), tuple(uncounted)


def _counted(study: Study, outcome: Outcome) -> CountedHarm | None:
    if not isinstance(outcome.result, Counts):
        return None
    groups = outcome.result.groups
    active = [groups[arm.id] for arm in study.arms if arm.role == "active" and arm.id in groups]
    control = [groups[arm.id] for arm in study.arms if arm.role == "control" and arm.id in groups]
    if not active or not control:
        return None
    return CountedHarm(
        study=study,
        outcome=outcome,
        events_treated=sum(group.events for group in active),
        n_treated=sum(group.n for group in active),
        events_control=sum(group.events for group in control),
        n_control=sum(group.n for group in control),
    )


def _uncounted(study: Study, outcome: Outcome) -> UncountedHarm:
    says = outcome.says or ""
    match outcome.result:
        case Percentages() as result:
            why = f"percentages without a number of people ({result.unit})"
            printed = [f"{value:g}% ({study.arm(arm).label})" for arm, value in result.groups.items()]
            says = says or f"{' against '.join(printed)}."
        case Words():
            why = "reported in words only"
        case Single():
            why = "one number for all groups together"
        case _:
            why = "no numbers of people with and without it in both groups"
    return UncountedHarm(
        study=study.id,
        name=study.name,
        outcome=outcome.id,
        outcome_name=outcome.name,
        says=says,
        why=why,
        sources=(outcome.source,),
    )


def harm_row(harm: CountedHarm, grade: Grade) -> HarmRow:
    """A counted harm as a row, with Newcombe's interval of the difference."""
    found = risk_difference(harm.events_treated, harm.n_treated, harm.events_control, harm.n_control)
    difference, lower, upper = (float(x) for x in (found.difference, found.lower, found.upper))
    treated, control = float(found.risk1), float(found.risk2)
    small = abs(difference) < APPRECIABLE * control or difference == 0
    statement = informative_statement(
        grade.certainty,
        "trivial" if small else "moderate",
        more=difference > 0,
        outcome=harm.outcome.name,
    )
    return HarmRow(
        study=harm.study.id,
        name=harm.study.name,
        outcome=harm.outcome.id,
        outcome_name=harm.outcome.name,
        events_treated=harm.events_treated,
        n_treated=harm.n_treated,
        events_control=harm.events_control,
        n_control=harm.n_control,
        treated=per_thousand(found.risk1, *wilson_interval(harm.events_treated, harm.n_treated)),
        without=per_thousand(found.risk2, *wilson_interval(harm.events_control, harm.n_control)),
        difference=per_thousand(difference, lower, upper),
        number_needed=number_needed(difference, lower, upper, event="bad"),
        grade=grade,
        statement=statement,
        words=f"Of {PER:,} people, {PER * control:.0f} have it on placebo and {PER * treated:.0f} with immune"
        f" globulin; the difference is {100 * difference:.0f} percentage points ({100 * lower:.0f} to"
        f" {100 * upper:.0f}).",
        caution=harm.outcome.caution or "",
        sources=(harm.outcome.source,),
    )
