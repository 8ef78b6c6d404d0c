"""Do two kinds of people differ in what immune globulin did for them? Adolescents, and those with a marker.

Compared are whole trials, since none printed numbers for a part of its people. So whatever else sets the
trials of one group apart goes with the group, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from globulin.dossier.result import Words
from globulin.dossier.study import Study
from globulin.planning.dose_points import DosePoint, age_group, differing, immune_marked, particular
from globulin.planning.learning import (
    DIFFERENCE_PRIORS,
    VAGUE,
    NumbersOnly,
    decided,
    learnt_words,
    listed,
    numbers_only,
)
from globulin.synthesis.bayes_regression import Effects, Learnt, regress_bayes
from globulin.synthesis.dose_response import fit_difference
from globulin.synthesis.opinions import TAU_PRIOR
from globulin.synthesis.readings import TrialEffect, trial_effect

GroupId = Literal["age", "immune_marker"]


@dataclass(frozen=True)
class TrialGroup:
    """Trials on one side of a comparison, by id and by name."""

    label: str
    studies: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class GroupDifference:
    """The first group's effect minus the second's (SMD), before and after the trials, under one prior."""

    prior: str
    prior_words: str
    difference: Learnt


@dataclass(frozen=True)
class ReportedSubgroup:
    """What a trial said in words about a part of its people; without numbers it changes no answer."""

    study: str
    name: str
    outcome: str
    says: str
    caution: str | None
    source: str


@dataclass(frozen=True)
class GroupAnswer:
    """Whether two kinds of people differ in what immune globulin did for them.

    groups: the pooled trials on either side. not_known: names of those that do not say. cannot_be_answered:
    the main reason in plain words, or None where the trials do say. also: further reasons and remarks.
    """

    id: GroupId
    question: str
    groups: tuple[TrialGroup, TrialGroup]
    not_known: tuple[str, ...]
    numbers_only: NumbersOnly | None
    differences: tuple[GroupDifference, ...]
    reported: tuple[ReportedSubgroup, ...]
    cannot_be_answered: str | None
    also: tuple[str, ...]


@dataclass(frozen=True)
class _Comparison:
    """A question, the two groups in words that follow `in`, and which group a study is of (None: unknown)."""

    question: str
    labels: tuple[str, str]
    of: Callable[[Study], bool | None]


def _adolescent(study: Study) -> bool | None:
    group = age_group(study)
    return None if group is None else group == "adolescents"


_COMPARISONS: Mapping[GroupId, _Comparison] = {
    "age": _Comparison(
        "Do adolescents respond differently from adults?", ("adolescents", "adults"), _adolescent
    ),
    "immune_marker": _Comparison(
        "Do people chosen by an immune marker, such as a low level of IgG, respond differently?",
        ("people chosen by an immune marker", "people not chosen by one, as far as is stated"),
        immune_marked,
    ),
}


def group_answer(identifier: GroupId, studies: Sequence[Study], points: Sequence[DosePoint]) -> GroupAnswer:
    """Whether the pooled trials differ between two kinds of people.

    studies: all of a dossier. points: their doses per course, to name what else differs.
    """
    asked = _COMPARISONS[identifier]
    pooled = [study for study in studies if study.pooled is not None]
    first, second = ([study for study in pooled if asked.of(study) is side] for side in (True, False))
    effects = [trial_effect(study) for study in (*first, *second)]
    member = np.array([True] * len(first) + [False] * len(second), dtype=np.bool_)
    both = bool(first and second)
    differences = _differences(effects, member) if both else ()
    answered = decided(one.difference for one in differences) and min(len(first), len(second)) > 1
    main = _main_reason(asked.labels, first, second, points)
    elsewhere = [study for study in studies if study.pooled is None and asked.of(study)]
    return GroupAnswer(
        id=identifier,
        question=asked.question,
        groups=(_group(asked.labels[0], first), _group(asked.labels[1], second)),
        not_known=tuple(study.name for study in pooled if asked.of(study) is None),
        numbers_only=_classical(effects, member, asked.labels) if both else None,
        differences=differences,
        reported=tuple(_reported(pooled)) if identifier == "immune_marker" else (),
        cannot_be_answered=None if answered else main,
        also=(
            *_printed(identifier, (*first, *second), points),
            *_remarks(asked.labels, differences),
            *_uncontrolled(elsewhere, asked.labels[0]),
        ),
    )


def _group(label: str, studies: Sequence[Study]) -> TrialGroup:
    return TrialGroup(label, tuple(study.id for study in studies), tuple(study.name for study in studies))


def _differences(effects: Sequence[TrialEffect], member: NDArray[np.bool_]) -> tuple[GroupDifference, ...]:
    """Under each prior, with the silent trials as ranges; the first group has member True."""
    table = Effects(
        y=np.array([np.nan if effect.smd is None else effect.smd for effect in effects]),
        bound=np.array([np.nan if effect.bound is None else effect.bound for effect in effects]),
        own=np.array([effect.se**2 for effect in effects]),
        shared=np.zeros(len(effects)),
        trial=np.arange(len(effects)),
    )
    x = np.column_stack([np.ones(len(effects)), member])
    found = []
    for name, (prior, words) in DIFFERENCE_PRIORS.items():
        fit = regress_bayes(table, x, prior=[VAGUE, prior], tau_prior=TAU_PRIOR)
        found.append(GroupDifference(name, words, fit.learnt([0.0, 1.0])))
    return tuple(found)


def _classical(
    effects: Sequence[TrialEffect], member: NDArray[np.bool_], labels: tuple[str, str]
) -> NumbersOnly:
    """The same from printed numbers alone."""
    title = f"effect in {labels[0]} minus effect in {labels[1]} (SMD)"
    kept = [i for i, effect in enumerate(effects) if effect.smd is not None]
    y, v = np.array([(effects[i].smd, effects[i].se ** 2) for i in kept]).reshape(-1, 2).T
    return numbers_only(title, len(kept), fit_difference(member[kept], y, v))


def _main_reason(
    labels: tuple[str, str], first: Sequence[Study], second: Sequence[Study], points: Sequence[DosePoint]
) -> str:
    for label, side, others in zip(labels, (first, second), (second, first), strict=True):
        if not side:
            return f"No controlled trial with a usable result was in {label}."
        if len(side) == 1 and others:
            own = [words for name, words in particular(side[0], others, points).items() if name != "age"]
            such = f", such as its {listed(own)}," if own else ""
            return (
                f"{side[0].name} is the only controlled trial in {label}. Whatever else is particular to"
                f" it{such} cannot be told apart from its people."
            )
    return f"The trials in {labels[0]} and those in {labels[1]} do not differ clearly enough to say."


def _printed(identifier: GroupId, studies: Sequence[Study], points: Sequence[DosePoint]) -> tuple[str, ...]:
    """In what else the trials differ that printed a number."""
    numbers = {point.study for point in points if point.smd is not None}
    trials = [study for study in studies if study.id in numbers]
    traits = [words for name, words in differing(trials, points).items() if name != identifier]
    if identifier != "age" or len(trials) < 2 or not traits:
        return ()
    names = listed(study.name for study in trials)
    return (f"The trials that printed a number, {names}, also differ in {listed(traits)}.",)


def _remarks(labels: tuple[str, str], differences: Sequence[GroupDifference]) -> tuple[str, ...]:
    if not differences:
        return ()
    return (learnt_words(differences[0].difference, f"{labels[0]} respond better than {labels[1]}"),)


def _uncontrolled(studies: Sequence[Study], label: str) -> tuple[str, ...]:
    """Studies in the first group that cannot be compared, named."""
    if not studies:
        return ()
    names = listed(study.name for study in studies)
    return (f"Not compared, for want of a control group or of a usable result in {label}: {names}.",)


def _reported(studies: Sequence[Study]) -> Iterator[ReportedSubgroup]:
    """Outcomes of a part of the people, which the records call `subgroup_...`, told in words only."""
    for study in studies:
        for outcome in study.outcomes:
            if outcome.id.startswith("subgroup_") and isinstance(outcome.result, Words) and outcome.says:
                yield ReportedSubgroup(
                    study.id, study.name, outcome.name, outcome.says, outcome.caution, outcome.source
                )
