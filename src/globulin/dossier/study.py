"""What a paper reports about people given immune globulin, and what it leaves out.

A study's result is stored as it was printed: counts, means, a test statistic, or no more than "not
significant". Turning a result into an effect size is arithmetic and happens in `globulin.synthesis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

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
from globulin.dossier.treatment import Regimen
from globulin.units import Count, Number, Percent, PositiveNumber

Design = Literal[
    "parallel_rct", "crossover_rct", "factorial_rct", "randomised_unclear", "secondary_analysis",
    "follow_up", "non_randomised_comparison", "single_arm", "retrospective", "cohort", "case_series",
    "case_report",
]  # fmt: skip

RANDOMISED: frozenset[Design] = frozenset(
    {"parallel_rct", "crossover_rct", "factorial_rct", "randomised_unclear"}
)


class Events(Record):
    """People with the event, out of how many."""

    events: Count
    n: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _events_within_n(self) -> Events:
        if self.events > self.n:
            raise PydanticCustomError(
                "events_above_n",
                "{events} with the event out of {n}",
                {
                    "events": self.events,
                    "n": self.n,
                    "fix": "swap or correct events and n",
                    "at": ("events",),
                },
            )
        return self


class MeanSd(Record):
    """Mean and standard deviation of a group."""

    mean: Number
    sd: PositiveNumber
    n: Annotated[int, Field(gt=1)]


class Quartiles(Record):
    """Median and quartiles of a group."""

    median: Number
    q1: Number
    q3: Number
    n: Annotated[int, Field(gt=0)] | None = None


class Counts(Record):
    """Events by arm."""

    kind: Literal["counts"]
    groups: dict[Slug, Events]


class Percentages(Record):
    """Percentages by arm, where no usable denominator was seen."""

    kind: Literal["percentages"]
    groups: dict[Slug, Percent]
    unit: Text
    """What was counted, as far as known: patients, infusions, injections."""


class Means(Record):
    """Means and standard deviations by arm."""

    kind: Literal["means"]
    groups: dict[Slug, MeanSd]
    higher_is: Literal["better", "worse"]


class Medians(Record):
    """Medians and quartiles by arm."""

    kind: Literal["medians"]
    groups: dict[Slug, Quartiles]
    higher_is: Literal["better", "worse"]


class TestStatistic(Record):
    """A between-group test statistic, without the means it was computed from."""

    kind: Literal["test_statistic"]
    statistic: Literal["t"]
    value: Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
    """As printed, sign included."""
    df: PositiveNumber
    favours: Slug
    """The arm that did better."""


class PrintedEffect(Record):
    """An effect with its interval, as printed."""

    kind: Literal["effect"]
    measure: Literal["OR", "RR", "MD", "ARI", "NNT", "RRI"]
    estimate: Number
    lower: Number | None = None
    upper: Number | None = None
    unit: Text | None = None


class NotSignificant(Record):
    """Known only: the comparison was not statistically significant. The estimate itself was not printed."""

    kind: Literal["not_significant"]
    arms: tuple[Slug, ...] = Field(min_length=2)
    """The arms compared, control last."""
    two_sided_alpha: Annotated[float, Field(ge=0.0001, lt=0.5)] = 0.05


class Change(Record):
    """A before-and-after value in one group; it has no control."""

    kind: Literal["change"]
    arm: Slug | None = None
    before: Number | None = None
    after: Number | None = None
    change_percent: Number | None = None
    unit: Text


class Single(Record):
    """One number about one group: a percentage, a time, a score."""

    kind: Literal["single"]
    arm: Slug | None = None
    value: Number
    upper: Number | None = None
    """The other end, where a range is printed."""
    unit: Text


class Words(Record):
    """A result that was reported in words only."""

    kind: Literal["words"]
    direction: Literal["better", "worse", "no_difference", "mixed", "unclear"]


Result = Annotated[
    Counts
    | Percentages
    | Means
    | Medians
    | TestStatistic
    | PrintedEffect
    | NotSignificant
    | Change
    | Single
    | Words,
    Field(discriminator="kind"),
]


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


class Judgement(Record):
    """A judgement on one domain of bias, with its reason."""

    level: Literal["low", "some_concerns", "high", "critical", "unclear"]
    reason: Text


Domain = Literal["randomisation", "concealment", "blinding", "attrition", "selective_reporting"]


class RiskOfBias(Record):
    """Risk of bias by domain, judged from what was seen (never from a full text here)."""

    instrument: Literal["abstract_based_judgement"] = "abstract_based_judgement"
    overall: Judgement
    domains: dict[Domain, Judgement] = Field(default_factory=dict)
    assessments: tuple[Statement, ...] = ()
    """How published reviews rated the study."""


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
                for arm in _arms_named(outcome.result):
                    _must_be_among(arm, arms, "arm", (group, index, "result"))
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
        match outcome.result:
            case Counts() as counts:
                absent = [arm for arm in compared if arm not in counts.groups]
                if absent:
                    raise _not_poolable(f"its outcome has no counts for {', '.join(absent)}", "pooled")
            case TestStatistic() | NotSignificant():
                for arm in compared:
                    people = known(self.arm(arm).n_analysed) or known(self.arm(arm).n_randomised)
                    if people is None or people < 2:
                        raise _not_poolable(f"arm {arm} has no verified or assumed number of people", "arms")
            case other:
                raise _not_poolable(f"a result of kind '{other.kind}' cannot be", "pooled", "outcome")

    def arm(self, identifier: str) -> Arm:
        """The arm with this id; KeyError if there is none."""
        return _by_id(self.arms, identifier)

    def outcome(self, identifier: str) -> Outcome:
        """The outcome with this id; KeyError if there is none."""
        return _by_id(self.outcomes, identifier)


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


def _arms_named(result: Result) -> tuple[str, ...]:
    match result:
        case Counts() | Percentages() | Means() | Medians():
            return tuple(result.groups)
        case NotSignificant():
            return result.arms
        case TestStatistic():
            return (result.favours,)
        case Change() | Single():
            return () if result.arm is None else (result.arm,)
        case _:
            return ()
