"""Number types that carry their unit, and the only unit conversions in the package.

A record's field says its unit twice: in its name (`weight_kg`) for people, and in its type
(UCUM code, in the JSON Schema) for programs. Code that must convert calls a name from here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MG_PER_G = 1000.0
ML_PER_L = 1000.0
HOURS_PER_DAY = 24.0
MINUTES_PER_HOUR = 60.0
WEEK_DAY = 7.0
FOUR_WEEKS_DAY = 28.0
"""The common period of every comparison: regimens are weekly, two-, three- and four-weekly or monthly."""

PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Gram = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"ucum": "g"})]
GramPerKg = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False, json_schema_extra={"ucum": "g/kg"})]
Millilitre = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"ucum": "mL"})]
Kilogram = Annotated[float, Field(gt=0, le=400, allow_inf_nan=False, json_schema_extra={"ucum": "kg"})]
Centimetre = Annotated[float, Field(gt=20, le=260, allow_inf_nan=False, json_schema_extra={"ucum": "cm"})]
Year = Annotated[float, Field(ge=0, le=120, allow_inf_nan=False, json_schema_extra={"ucum": "a"})]
Day = Annotated[float, Field(gt=0, le=3660, allow_inf_nan=False, json_schema_extra={"ucum": "d"})]
Minute = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"ucum": "min"})]
GramPerLitre = Annotated[float, Field(ge=0, le=200, allow_inf_nan=False, json_schema_extra={"ucum": "g/L"})]
MgPerMl = Annotated[float, Field(gt=0, le=300, allow_inf_nan=False, json_schema_extra={"ucum": "mg/mL"})]
MgPerKgMin = Annotated[
    float, Field(gt=0, le=50, allow_inf_nan=False, json_schema_extra={"ucum": "mg/kg/min"})
]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, json_schema_extra={"ucum": "%"})]
Count = Annotated[int, Field(ge=0)]


def g_from_ml(volume_ml: float, concentration_mg_per_ml: float) -> float:
    """Grams of IgG in a volume (mL) of a product of the given concentration (mg/mL)."""
    return volume_ml * concentration_mg_per_ml / MG_PER_G


def ml_from_g(dose_g: float, concentration_mg_per_ml: float) -> float:
    """Volume (mL) of a product of the given concentration (mg/mL) that holds `dose_g` grams of IgG."""
    return dose_g * MG_PER_G / concentration_mg_per_ml
