"""A result as its paper printed it: counts, means, medians, changes, a test, an effect, or words.

Nothing is converted here: reading a result as an effect is arithmetic and happens in `globulin.synthesis`.
Here stands what a paper may say, and what contradicts itself.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Record, Slug, Text
from globulin.units import Count, Number, Percent, PositiveNumber

Level = Annotated[float, Field(ge=0.5, lt=1)]
Correlation = Annotated[float, Field(gt=-1, lt=1)]
Direction = Literal["better", "worse"]


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


class Interval(Record):
    """A confidence interval of a mean."""

    lower: Number
    upper: Number
    level: Level = 0.95
    by: Literal["t", "normal"] = "t"
    """The distribution it was made by, as far as the paper says; Student's t where it does not."""

    @model_validator(mode="after")
    def _in_order(self) -> Interval:
        _must_rise(("lower", self.lower), ("upper", self.upper), strictly=True)
        return self


class GroupMean(Record):
    """Mean of a group with its standard deviation, or the standard error or interval of the mean."""

    mean: Number
    sd: PositiveNumber | None = None
    se: PositiveNumber | None = None
    ci: Interval | None = None
    n: Annotated[int, Field(gt=1)]

    @model_validator(mode="after")
    def _one_spread(self) -> GroupMean:
        _one_of(self, ("sd", "se", "ci"))
        _must_hold("mean", self.mean, self.ci)
        return self


class GroupMedian(Record):
    """Median of a group with quartiles, with the lowest and highest value, or with both."""

    median: Number
    q1: Number | None = None
    q3: Number | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    n: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _in_pairs_and_order(self) -> GroupMedian:
        for first, second in (("q1", "q3"), ("minimum", "maximum")):
            for name, other in ((first, second), (second, first)):
                if getattr(self, name) is None and getattr(self, other) is not None:
                    raise _contradiction(f"'{other}' without '{name}'", f"give {first} and {second}", other)
        names = ("minimum", "q1", "median", "q3", "maximum")
        _must_rise(*((name, value) for name in names if (value := getattr(self, name)) is not None))
        return self


class GroupChange(Record):
    """How far the mean of a group moved from start to end, and how the change and the score spread.

    The move is `change`, or `baseline` and `final`. The spread of the change is its `sd`, `se` or `ci`; that
    of the score is `sd_baseline` and `sd_final`. What was not printed is left out.
    """

    change: Number | None = None
    baseline: Number | None = None
    final: Number | None = None
    sd: PositiveNumber | None = None
    se: PositiveNumber | None = None
    ci: Interval | None = None
    sd_baseline: PositiveNumber | None = None
    sd_final: PositiveNumber | None = None
    n: Annotated[int, Field(gt=1)]

    @model_validator(mode="after")
    def _moved_once(self) -> GroupChange:
        if self.change is None and (self.baseline is None or self.final is None):
            raise _contradiction("no change", "give `change`, or `baseline` and `final`")
        if any(value is not None for value in (self.sd, self.se, self.ci)):
            _one_of(self, ("sd", "se", "ci"))
        if self.change is not None:
            _must_hold("change", self.change, self.ci)
        return self


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
    """Means by arm, with standard deviations, standard errors or intervals."""

    kind: Literal["means"]
    groups: dict[Slug, GroupMean]
    higher_is: Direction


class Medians(Record):
    """Medians by arm, with quartiles, ranges or both."""

    kind: Literal["medians"]
    groups: dict[Slug, GroupMedian]
    higher_is: Direction


class ChangeScores(Record):
    """Mean changes from start to end, by arm."""

    kind: Literal["change_scores"]
    groups: dict[Slug, GroupChange]
    higher_is: Direction
    """Whether a higher score is better or worse; the change has the sign of end minus start."""
    r: Correlation | None = None
    """Correlation of scores at start and end, where a spread has to be got by it."""
    r_reason: Text | None = None
    """Where that correlation comes from."""

    @model_validator(mode="after")
    def _correlation_has_a_reason(self) -> ChangeScores:
        if (self.r is None) != (self.r_reason is None):
            raise _contradiction("a correlation and its reason belong together", "give `r` and `r_reason`")
        return self


class TestStatistic(Record):
    """A between-group test statistic, without the means it was computed from."""

    kind: Literal["test_statistic"]
    statistic: Literal["t", "F"]
    """F: of a comparison of two groups, with one degree of freedom above the line."""
    value: Annotated[float, Field(ge=-1000, le=1_000_000, allow_inf_nan=False)]
    """As printed, sign included."""
    df: PositiveNumber
    """Degrees of freedom; of an F those below the line."""
    favours: Slug
    """The arm that did better."""

    @model_validator(mode="after")
    def _an_f_has_no_sign(self) -> TestStatistic:
        if self.statistic == "F" and self.value < 0:
            raise _contradiction("an F cannot be negative", "say the direction in `favours`", "value")
        return self


class PValue(Record):
    """A p value of a comparison of two groups: an exact one, or a bound."""

    kind: Literal["p_value"]
    relation: Literal["=", "<", ">"]
    value: Annotated[float, Field(gt=0, lt=1)]
    favours: Slug | None = None
    """The arm that did better, as far as the paper says."""


class PrintedEffect(Record):
    """An effect with its interval, as printed."""

    kind: Literal["effect"]
    measure: Literal["OR", "RR", "HR", "MD", "SMD", "ROM", "ARI", "NNT", "RRI"]
    estimate: Number
    lower: Number | None = None
    upper: Number | None = None
    level: Level = 0.95
    unit: Text | None = None
    arms: tuple[Slug, Slug] | None = None
    """The arms compared, control last: `[ivig, placebo]` is ivig against placebo, ivig minus placebo."""
    higher_is: Direction | None = None
    """Whether a higher value of what was measured, or more of what was counted, is better or worse."""

    @model_validator(mode="after")
    def _inside_its_interval(self) -> PrintedEffect:
        ratio = self.measure in ("OR", "RR", "HR", "ROM")
        if ratio and not all(value is None or value > 0 for value in (self.estimate, self.lower, self.upper)):
            raise _contradiction("a ratio and its interval are above 0", "give the ratio, not its logarithm")
        if self.measure in ("OR", "RR", "HR", "MD", "SMD", "ROM"):
            bounds = (("lower", self.lower), ("estimate", self.estimate), ("upper", self.upper))
            _must_rise(*((name, value) for name, value in bounds if value is not None))
        return self


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
    | ChangeScores
    | TestStatistic
    | PValue
    | PrintedEffect
    | NotSignificant
    | Change
    | Single
    | Words,
    Field(discriminator="kind"),
]


def arms_named(result: Result) -> tuple[str, ...]:
    """The arms that a result speaks of, by id."""
    match result:
        case Counts() | Percentages() | Means() | Medians() | ChangeScores():
            return tuple(result.groups)
        case NotSignificant():
            return result.arms
        case PrintedEffect():
            return result.arms or ()
        case TestStatistic():
            return (result.favours,)
        case PValue():
            return () if result.favours is None else (result.favours,)
        case Change() | Single():
            return () if result.arm is None else (result.arm,)
        case _:
            return ()


# --- contradictions ----------------------------------------------------------------------------------


def _contradiction(problem: str, fix: str, *at: str) -> PydanticCustomError:
    return PydanticCustomError("contradiction", "{problem}", {"problem": problem, "fix": fix, "at": at})


def _one_of(record: Record, names: tuple[str, ...]) -> None:
    given = [name for name in names if getattr(record, name) is not None]
    if len(given) != 1:
        problem = f"{' and '.join(given)} at once" if given else "no spread"
        raise _contradiction(problem, f"give exactly one of {', '.join(names)}", *given[1:2])


def _must_rise(*values: tuple[str, float | None], strictly: bool = False) -> None:
    for (low, below), (high, above) in itertools.pairwise(values):
        if below is None or above is None:
            continue
        if below > above or (strictly and below == above):
            raise _contradiction(f"'{high}' is {above:g}, '{low}' is {below:g}", "put them in order", high)


def _must_hold(name: str, value: float, interval: Interval | None) -> None:
    if interval is not None and not interval.lower <= value <= interval.upper:
        problem = f"'{name}' is {value:g}, outside its interval"
        raise _contradiction(problem, "correct one of the numbers", name)
