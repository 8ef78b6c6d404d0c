"""What the answer is about: which outcome of each trial entered, which illness, which designs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from globulin.dossier.poolable import why_no_effect
from globulin.dossier.study import RANDOMISED, Study
from globulin.synthesis.policy import PolicySummary, Summary
from globulin.synthesis.pooled_trials import Opinion, PooledTrials
from globulin.synthesis.readings import TrialEffect, trial_effect
from globulin.synthesis.strata import REASONS, STRATA, DesignStratum

Condition = Literal["mecfs", "fibromyalgia"]
CONDITIONS: dict[Condition, str] = {"mecfs": "ME/CFS", "fibromyalgia": "fibromyalgia"}


@dataclass(frozen=True)
class OtherOutcome:
    """An outcome of a pooled trial that could have entered instead.

    smd or bound: what it would have contributed. primary: the main answer with it in place of the chosen one.
    """

    id: str
    name: str
    smd: float | None
    bound: float | None
    primary: Summary | None


@dataclass(frozen=True)
class OutcomeChoice:
    """Which outcome of a trial entered, why, and what else of it could have."""

    study: str
    name: str
    outcome: str
    outcome_name: str
    reason: str
    others: tuple[OtherOutcome, ...]


@dataclass(frozen=True)
class ConditionAnswer:
    """The answer for one illness; answerable is False where no trial of it can be pooled.

    trials: pooled trials, by id. not_pooled: its other studies, by id, each with the reason. words: what can
    and what cannot be said.
    """

    condition: Condition
    name: str
    answerable: bool
    trials: tuple[str, ...]
    not_pooled: tuple[tuple[str, str], ...]
    summary: PolicySummary | None
    words: str


@dataclass(frozen=True)
class DesignCount:
    """Studies of one design in these illnesses, and those of them with a controlled effect, by id.

    Studies of the same people as another one are not counted.
    """

    design: DesignStratum
    words: str
    studies: tuple[str, ...]
    controlled: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class DesignStatement:
    """How studies of different designs were treated; words: in one paragraph."""

    designs: tuple[DesignCount, ...]
    words: str


# --- outcomes --------------------------------------------------------------------------------------------


def outcome_choice(
    study: Study, effects: Sequence[TrialEffect], main: PolicySummary, opinion: Opinion
) -> OutcomeChoice:
    """The outcome of a pooled study that entered, and the main answer with any other that could have."""
    chosen = study.pooled
    if chosen is None:
        raise ValueError(f"{study.id} has no result to pool")
    entered = next(effect for effect in effects if effect.study == study.id)
    others: list[OtherOutcome] = []
    # outcomes that give the same number give the same answer
    answers = {(entered.smd, entered.bound, entered.se): main.primary}
    for outcome in study.outcomes:
        could = why_no_effect(outcome.result, chosen.active, chosen.control) is None
        if outcome.id == chosen.outcome or outcome.seen == "unverified" or not could:
            continue
        instead = study.model_copy(update={"pooled": chosen.model_copy(update={"outcome": outcome.id})})
        other = trial_effect(instead)
        gives = other.smd, other.bound, other.se
        if gives not in answers:
            swapped = [other if effect.study == study.id else effect for effect in effects]
            answers[gives] = PooledTrials.of(swapped).summary(opinion, alone=True).primary
        others.append(OtherOutcome(outcome.id, outcome.name, other.smd, other.bound, answers[gives]))
    return OutcomeChoice(
        study=study.id,
        name=study.name,
        outcome=chosen.outcome,
        outcome_name=study.outcome(chosen.outcome).name,
        reason=chosen.reason,
        others=tuple(others),
    )


# --- illnesses -------------------------------------------------------------------------------------------


def condition_answer(
    condition: Condition,
    studies: Iterable[Study],
    effects: Sequence[TrialEffect],
    main: PolicySummary | None,
    opinion: Opinion,
) -> ConditionAnswer:
    """The main answer for one illness, or why it has none.

    main: the answer over all `effects`, which is that of an illness to which all of them belong.
    """
    of_it = [study for study in studies if study.condition_group == condition]
    ids = {study.id for study in of_it}
    own = [effect for effect in effects if effect.study in ids]
    # ranges alone leave nothing to hold them against
    with_numbers = any(effect.smd is not None for effect in own)
    summary = None
    if with_numbers:
        summary = main if len(own) == len(effects) else PooledTrials.of(own).summary(opinion)
    pooled = {effect.study for effect in own}
    return ConditionAnswer(
        condition=condition,
        name=CONDITIONS[condition],
        answerable=summary is not None and summary.primary is not None,
        trials=tuple(effect.study for effect in own),
        not_pooled=tuple((study.id, study.poolability_reason) for study in of_it if study.id not in pooled),
        summary=summary,
        words=_condition_words(CONDITIONS[condition], of_it, own),
    )


def _condition_words(name: str, studies: Sequence[Study], pooled: Sequence[TrialEffect]) -> str:
    silent = [effect for effect in pooled if effect.smd is None]
    if pooled and len(silent) < len(pooled):
        known = f", {len(silent)} of them known only as not significant" if silent else ""
        trials = "randomised trial" if len(pooled) == 1 else "randomised trials"
        return f"{len(pooled)} {trials} in {name} can be pooled{known}."
    if pooled:
        return f"Cannot be answered: of the trials in {name} it is known only that they were not significant."
    if not studies:
        return f"Cannot be answered: there is no study in {name}."
    randomised = [study for study in studies if study.design in RANDOMISED]
    if randomised:
        names = _names(randomised)
        return f"Cannot be answered: no usable result was seen of the randomised trials in {name} ({names})."
    names = _names(studies)
    return (
        f"Cannot be answered: there is no randomised trial in {name}. Its studies ({names}) have no control"
        " group formed by chance, so they cannot tell an effect from the natural course."
    )


# --- designs ---------------------------------------------------------------------------------------------


def design_statement(studies: Iterable[Study]) -> DesignStatement:
    """Which designs there are in these illnesses, and whether any but the trials has a controlled effect."""
    ours = [study for study in studies if study.condition_group in CONDITIONS and study.outcomes]
    counted = [study for study in ours if not study.overlaps]
    again = [study for study in ours if study.overlaps]
    by_design: dict[DesignStratum, list[Study]] = {design: [] for design in STRATA}
    for study in counted:
        by_design[_stratum(study)].append(study)
    designs = tuple(
        DesignCount(
            design,
            STRATA[design],
            tuple(study.id for study in group),
            tuple(study.id for study in group if _has_controlled_effect(study)),
            REASONS[design],
        )
        for design, group in by_design.items()
        if group
    )
    return DesignStatement(designs, _design_words(by_design, again))


def _stratum(study: Study) -> DesignStratum:
    if study.design in RANDOMISED:
        return "rct"
    return "non_randomised" if any(arm.role == "control" for arm in study.arms) else "series"


def _has_controlled_effect(study: Study) -> bool:
    """Whether any verified outcome gives an effect of all treated arms against the one control."""
    control = [arm.id for arm in study.arms if arm.role == "control"]
    active = tuple(arm.id for arm in study.arms if arm.role == "active")
    if len(control) != 1 or not active:
        return False
    return any(
        outcome.seen != "unverified" and why_no_effect(outcome.result, active, control[0]) is None
        for outcome in study.outcomes
    )


def _design_words(by_design: dict[DesignStratum, list[Study]], again: Sequence[Study]) -> str:
    said = ["Only randomised trials are averaged."]
    others = by_design["non_randomised"]
    controlled = [study for study in others if _has_controlled_effect(study)]
    if controlled:
        said.append(
            f"Comparisons without randomisation that have an effect against a control ({_names(controlled)})"
            " stand apart and lend no weight."
        )
    elif others:
        names = _names(others)
        said.append(f"No comparison without randomisation ({names}) has an effect against a control.")
    else:
        said.append(
            "In these illnesses there is no comparison without randomisation, so there is nothing that could"
            " be given a smaller weight beside the trials."
        )
    series = by_design["series"]
    if series:
        said.append(
            f"{len(series)} series and cases without a control group cannot enter at any weight, and neither"
            " can the accounts of practitioners."
        )
    if again:
        said.append(f"Later looks at the people of a trial are not counted again: {_names(again)}.")
    return " ".join(said)


def _names(studies: Sequence[Study]) -> str:
    names = [study.name for study in studies]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
