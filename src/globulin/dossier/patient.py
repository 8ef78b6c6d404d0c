"""One person: who, with which conditions, given what, measured when. Never stored unless asked to."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Record, Slug, Text
from globulin.dossier.treatment import Dose, Route
from globulin.units import Centimetre, Day, GramPerLitre, Kilogram, Year

OnDay = Annotated[float, Field(ge=-3660, le=3660, allow_inf_nan=False)]
"""Days from a start the user chooses; no calendar date is needed."""


class GivenDose(Record):
    """A dose that was given."""

    on_day: OnDay
    route: Route
    dose: Dose
    infusion_day: Day | None = None


class MeasuredLevel(Record):
    """A total IgG level that was measured."""

    on_day: OnDay
    igg_g_per_l: GramPerLitre
    below_limit: bool = False


class Patient(Record):
    """A person to plan for. Everything but the weight may be unknown."""

    label: Text
    weight_kg: Kilogram
    height_cm: Centimetre | None = None
    sex: Literal["female", "male"] | None = None
    age_year: Year | None = None
    baseline_igg_g_per_l: GramPerLitre | None = None
    conditions: tuple[Slug, ...] = ()
    doses: tuple[GivenDose, ...] = ()
    levels: tuple[MeasuredLevel, ...] = ()

    @model_validator(mode="after")
    def _in_time_order(self) -> Patient:
        for name in ("doses", "levels"):
            days = [item.on_day for item in getattr(self, name)]
            for index, (earlier, later) in enumerate(pairwise(days)):
                if later < earlier:
                    raise PydanticCustomError(
                        "time_order",
                        "day {later} comes after day {earlier} in the list",
                        {"later": later, "earlier": earlier, "fix": "sort by day", "at": (name, index + 1)},
                    )
        return self
