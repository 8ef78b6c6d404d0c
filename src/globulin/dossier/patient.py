"""One person: who, with which conditions, given what, measured when. Never stored unless asked to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.letter import LetterFacts
from globulin.dossier.provenance import ConditionId, Record, Text
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


def _answered(given: Any) -> Any:
    """Answers without the questions that were left blank."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {name: answer for name, answer in given.items() if answer is not None}
    return given


class Patient(Record):
    """A person to plan for. Everything but the weight may be unknown."""

    label: Text = "this person"
    """How a plan calls the person; a name is not needed."""
    weight_kg: Kilogram
    """Body weight in kg."""
    height_cm: Centimetre | None = None
    """Body height in cm."""
    sex: Literal["female", "male"] | None = None
    """female or male."""
    age_year: Year | None = None
    """Age in years."""
    pre_pregnancy_weight_kg: Kilogram | None = None
    """In pregnancy: body weight before it, in kg."""
    baseline_igg_g_per_l: GramPerLitre | None = None
    """Total IgG before treatment, in g/L."""
    conditions: Annotated[Mapping[ConditionId, bool], BeforeValidator(_answered)] = {}
    """What is true of the person (true) and what is not (false); what is not named was not asked."""
    doses: tuple[GivenDose, ...] = ()
    """Doses given so far."""
    levels: tuple[MeasuredLevel, ...] = ()
    """Total IgG measured so far."""
    letter: LetterFacts | None = None
    """Facts that only a letter of medical necessity needs."""

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
