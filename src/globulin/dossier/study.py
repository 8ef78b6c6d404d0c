"""What a paper reports about people given immune globulin, and what it leaves out.

A study's result is stored as it was printed: counts, means, a test statistic, or no more than "not
significant". Turning a result into an effect size is arithmetic and happens in `globulin.synthesis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.certainty import BiasAssessment, RiskOfBias
from globulin.dossier.poolable import fewest_people, why_no_effect
from globulin.dossier.provenance import (
    NOT_REPORTED,
    Citation,
    Fact,
    Record,
    Seen,
    Slug,
    SourceId,
    Statement,
    StudyId,
    Text,
    known,
)
from globulin.dossier.result import Result, arms_named
from globulin.dossier.treatment import Regimen
from globulin.units import Percent

Design = Literal[
    "parallel_rct", "crossover_rct", "factorial_rct", "randomised_unclear", "secondary_analysis",
    "follow_up", "non_randomised_comparison", "single_arm", "retrospective", "cohort", "case_series",
    "case_report",
]  # fmt: skip

RANDOMISED: frozenset[Design] = frozenset(
    {"parallel_rct", "crossover_rct", "factorial_rct", "randomised_unclear"}
)


class Outcome(Record):
    """One reported result, cited: what was measured, when, by whom, and the number or the words."""

    id: Slug
    name: Text
    """What was measured, in plain words."""
    says: Text | None = None
    """The finding in words, as far as words are needed."""
    time: Text | None = None
    assessor: Text | None = None
    result: Result
    p: Annotated[str, Field(pattern=r"^(<|>|=|<=)? ?\d*\.?\d+( each)?$")] | None = None
    """The p value as printed."""
    source: SourceId
    seen: Seen
    how: Literal["reported", "derived"] = "reported"
    formula: Text | None = None
    caution: Text | None = None


class Arm(Record):
    """One group of a study, with what it was given."""

    id: Slug
    label: Text
    role: Literal["active", "control", "treated"]
    """`treated`: the only group of a study without a control."""
    regimen: Regimen | None = None
    """What was given; None for a control that got no immune globulin."""
    comparator: Fact[Text] | None = None
    """What a control arm was given."""
    n_randomised: Fact[int]
    n_analysed: Fact[int] = NOT_REPORTED
    n_completed: Fact[int] = NOT_REPORTED

    @model_validator(mode="after")
    def _counts_make_sense(self) -> Arm:
        for name in ("n_randomised", "n_analysed", "n_completed"):
            value = getattr(getattr(self, name), "value", None)
            if value is not None and value < 0:
                raise PydanticCustomError(
                    "negative_n",
                    "a number of people cannot be {value}",
                    {"value": value, "at": (name, "value")},
                )
        return self


class Population(Record):
    """Who was studied."""

    n: Fact[int]
    criteria: Fact[Text] = NOT_REPORTED
    age: Fact[Text] = NOT_REPORTED
    female_percent: Fact[Percent] = NOT_REPORTED
    illness_duration: Fact[Text] = NOT_REPORTED
    immune_selection: Fact[Text] = NOT_REPORTED
    """Whether people were chosen by an immune marker: the question that divides readers of these trials."""
    details: tuple[Statement, ...] = ()


class PooledResult(Record):
    """Which of a study's results may be pooled, and which arms it compares."""

    outcome: Slug
    active: tuple[Slug, ...] = Field(min_length=1)
    """Arms whose people are put together against the control."""
    control: Slug
    reason: Text


class Study(Record):
    """A study of immune globulin in people: trial, series, case, or a trial still under way."""

    id: Slug
    name: Text
    """As people call it: `Lloyd 1990`."""
    citation: Citation
    design: Design
    design_note: Text | None = None
    blinding: Fact[Text] = NOT_REPORTED
    condition: Text
    condition_group: Literal["mecfs", "fibromyalgia", "neighbour"]
    """`neighbour`: another illness, shown beside but never pooled with ME/CFS or fibromyalgia."""
    on_source_page: bool
    country: Fact[Text] = NOT_REPORTED
    setting: Fact[Text] = NOT_REPORTED
    population: Population
    arms: tuple[Arm, ...] = ()
    follow_up: Fact[Text] = NOT_REPORTED
    outcomes: tuple[Outcome, ...] = ()
    adverse_events: tuple[Outcome, ...] = ()
    withdrawals: tuple[Statement, ...] = ()
    funding: Fact[Text] = NOT_REPORTED
    igg_levels: Fact[Text] = NOT_REPORTED
    risk_of_bias: RiskOfBias | None = None
    bias_assessments: tuple[BiasAssessment, ...] = ()
    """Judgements on single outcomes or unwanted effects, made with a published instrument."""
    poolability: Literal["A", "B", "C", "D", "N"] | None
    """A: counts or means per arm. B: a test statistic. C: only not significant. D: numbers unusable.
    N: no control, never pooled with trials. None: no results yet."""
    poolability_reason: Text
    pooled: PooledResult | None = None
    status: Text | None = None
    """For a trial under way: how far it is."""
    overlaps: tuple[StudyId, ...] = ()
    """Studies whose people may be the same; never counted twice."""
    sources: tuple[SourceId, ...] = Field(min_length=1)
    sources_disagree: Text | None = None
    notes: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _arms_and_outcomes_agree(self) -> Study:
        arms = _unique(self.arms, "arms")
        outcomes = _unique(self.outcomes, "outcomes")
        _unique(self.adverse_events, "adverse_events")
        for group, kept in (("outcomes", self.outcomes), ("adverse_events", self.adverse_events)):
            for index, outcome in enumerate(kept):
                for arm in arms_named(outcome.result):
                    _must_be_among(arm, arms, "arm", (group, index, "result"))
        judged = [*outcomes, *(event.id for event in self.adverse_events)]
        for index, assessment in enumerate(self.bias_assessments):
            _must_be_among(assessment.outcome, judged, "outcome", ("bias_assessments", index, "outcome"))
            _fits_the_design(assessment, self.design, index)
        if self.pooled is not None:
            _must_be_among(self.pooled.outcome, outcomes, "outcome", ("pooled", "outcome"))
            _must_be_among(self.pooled.control, arms, "arm", ("pooled", "control"))
            for index, arm in enumerate(self.pooled.active):
                _must_be_among(arm, arms, "arm", ("pooled", "active", index))
            self._can_be_pooled(self.pooled)
        return self

    def _can_be_pooled(self, entry: PooledResult) -> None:
        """Only a verified result of a randomised trial in these illnesses, with its numbers of people."""
        outcome = self.outcome(entry.outcome)
        compared = (*entry.active, entry.control)
        if self.design not in RANDOMISED or self.condition_group == "neighbour":
            raise _not_poolable("only randomised trials in ME/CFS or fibromyalgia are pooled", "pooled")
        if len(set(compared)) < len(compared):
            raise _not_poolable("an arm is named twice", "pooled", "active")
        if outcome.seen == "unverified":
            raise _not_poolable("its outcome is unverified", "pooled", "outcome")
        why = why_no_effect(outcome.result, entry.active, entry.control)
        if why is not None:
            raise _not_poolable(why, "pooled", "outcome")
        fewest = fewest_people(outcome.result)
        for arm in compared if fewest else ():
            people = known(self.arm(arm).n_analysed) or known(self.arm(arm).n_randomised)
            if people is None or people < fewest:
                raise _not_poolable(f"arm {arm} has no verified or assumed number of people", "arms")

    def arm(self, identifier: str) -> Arm:
        """The arm with this id; KeyError if there is none."""
        return _by_id(self.arms, identifier)

    def outcome(self, identifier: str) -> Outcome:
        """The outcome with this id; KeyError if there is none."""
        return _by_id(self.outcomes, identifier)


def _fits_the_design(assessment: BiasAssessment, design: Design, index: int) -> None:
    randomised = assessment.instrument == "rob_2"
    if randomised != (design in RANDOMISED):
        right, wrong = ("robins_i", "rob_2") if randomised else ("rob_2", "robins_i")
        raise PydanticCustomError(
            "wrong_instrument",
            "{wrong} does not fit a study of design '{design}'",
            {
                "wrong": wrong,
                "design": design,
                "fix": f"assess it with {right}",
                "at": ("bias_assessments", index, "instrument"),
            },
        )
    crossover = design == "crossover_rct"
    if assessment.instrument == "rob_2" and (assessment.variant == "crossover") != crossover:
        raise PydanticCustomError(
            "wrong_variant",
            "the {variant} variant does not fit a study of design '{design}'",
            {
                "variant": assessment.variant,
                "design": design,
                "fix": "use the variant of the design",
                "at": ("bias_assessments", index, "variant"),
            },
        )


_Item = TypeVar("_Item", Arm, Outcome)


def _by_id(items: tuple[_Item, ...], identifier: str) -> _Item:
    for item in items:
        if item.id == identifier:
            return item
    raise KeyError(identifier)


def _not_poolable(why: str, *at: str) -> PydanticCustomError:
    return PydanticCustomError("not_poolable", "cannot be pooled: {why}", {"why": why, "at": at})


def _unique(items: Sequence[Arm | Outcome], where: str) -> list[str]:
    seen: list[str] = []
    for index, item in enumerate(items):
        if item.id in seen:
            raise PydanticCustomError(
                "duplicate_id",
                "the id '{id}' is used twice",
                {"id": item.id, "fix": "give each its own id", "at": (where, index, "id")},
            )
        seen.append(item.id)
    return seen


def _must_be_among(name: str, known: list[str], kind: str, at: tuple[str | int, ...]) -> None:
    if name not in known:
        raise PydanticCustomError(
            "unknown_local_id",
            "this study has no {kind} '{name}'",
            {"kind": kind, "name": name, "fix": f"use one of {', '.join(known)}", "at": at},
        )
