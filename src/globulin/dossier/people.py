"""Who stands in for people where only their kind is known: bodies and own IgG of virtual people.

A virtual person is drawn from what a survey measured. The drawing is in `globulin.exposure`; here is only
what it is given.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Cited, Record, Slug, SourceId, Text
from globulin.dossier.treatment import Range
from globulin.units import Kilogram, PositiveNumber

Share = Annotated[float, Field(gt=0, le=1)]


class BodySize(Record):
    """Weight and height of one sex in one span of ages: two lognormals with a correlation of their logs."""

    weight_median_kg: Kilogram
    weight_log_sd: PositiveNumber
    height_median_cm: Annotated[float, Field(ge=20, le=260)]
    height_log_sd: PositiveNumber
    log_correlation: Annotated[float, Field(gt=-1, lt=1)]
    n: Annotated[int, Field(gt=0)]
    """How many people were measured."""


class Stratum(Record):
    """People of one sex in one span of ages."""

    share: Share
    """Of the group; the shares of a group add up to 1."""
    sex: Literal["female", "male"]
    age_year: Range
    """Ages are drawn evenly from it."""
    body: Cited[BodySize]
    own_igg_interval: Slug | None = None
    """The published interval, by its name in the record on endogenous IgG, that holds 95% of these people;
    None: that record's prior of adults."""


class VirtualGroup(Record):
    """A group of virtual people."""

    id: Slug
    name: Text
    population: Text
    strata: tuple[Stratum, ...] = Field(min_length=1)
    caveats: tuple[Text, ...] = ()
    source: SourceId

    @model_validator(mode="after")
    def _is_whole(self) -> VirtualGroup:
        if abs(sum(stratum.share for stratum in self.strata) - 1.0) > 1e-6:
            raise PydanticCustomError(
                "shares", "the shares do not add up to 1", {"fix": "check the shares", "at": ("strata",)}
            )
        return self
