"""Practice around treatment that is no hazard of its own: dosing weight, payers, what is watched when."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.hazard import Term
from globulin.dossier.provenance import Record, Seen, Slug, SourceId, Statement, Text
from globulin.dossier.treatment import Route
from globulin.units import Number


class Watch(Record):
    """One thing to look at around a dose, or between doses."""

    phase: Literal["before", "during", "after", "later"]
    """Before the first dose, while it runs, on the day after it has ended, or on later days."""
    when: Text
    """When, in words, as in `every 15 minutes until the maximum rate`."""
    from_day: Number | None = None
    """First day, counted from a dose, where a day is stated."""
    to_day: Number | None = None
    what: Text
    only_if: tuple[Term, ...] = ()
    """All must hold. Where one is not known, it is watched."""
    routes: tuple[Route, ...] = ()
    """Routes it is limited to; empty: all."""
    source: SourceId
    seen: Seen
    note: Text | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Watch:
        if self.from_day is not None and self.to_day is not None and self.to_day < self.from_day:
            raise PydanticCustomError(
                "day_order",
                "to_day {to} is before from_day {begin}",
                {"to": self.to_day, "begin": self.from_day, "fix": "swap them", "at": ("to_day",)},
            )
        return self


class Guidance(Record):
    """What is usual or advised on one topic."""

    id: Slug
    topic: Text
    statements: tuple[Statement, ...] = ()
    watches: tuple[Watch, ...] = ()
    """For monitoring: in the order of the days."""

    @model_validator(mode="after")
    def _says_something(self) -> Guidance:
        if not self.statements and not self.watches:
            raise PydanticCustomError("empty_guidance", "says nothing", {"fix": "add `statements:`"})
        return self
