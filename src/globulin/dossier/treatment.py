"""What is given: a regimen (when, how much, by which route) and the products it can be given with.

A trial arm, a doctor's habit and a patient's plan are the same `Regimen`, so they can be put on one axis.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import (
    NOT_REPORTED,
    Fact,
    ProductId,
    Record,
    ReportId,
    Slug,
    SourceId,
    Statement,
    StudyId,
    Text,
)
from globulin.units import (
    Day,
    Gram,
    GramPerKg,
    MgPerKgMin,
    MgPerMl,
    Millilitre,
    Minute,
    Number,
    PositiveNumber,
    Year,
)

Route = Literal["iv", "im", "sc", "fsc"]
"""Into a vein, into a muscle, under the skin, or under the skin with hyaluronidase (facilitated)."""

Market = Literal["US", "EU", "UK", "AU", "NZ"]


class Dose(Record):
    """One dose, in exactly one unit: grams, grams per kg body weight, or mL of a named product."""

    g: Gram | None = None
    g_per_kg: GramPerKg | None = None
    ml: Millilitre | None = None
    of: ProductId | None = None
    """The product whose mL are meant; needed with `ml`, since products differ tenfold in strength."""

    @model_validator(mode="before")
    @classmethod
    def _has_unit(cls, data: object) -> object:
        if isinstance(data, int | float):
            raise PydanticCustomError(
                "dose_unit",
                "a dose needs its unit",
                {"fix": f"write {{g: {data}}}, {{g_per_kg: {data}}} or {{ml: {data}, of: <product>}}"},
            )
        return data

    @model_validator(mode="after")
    def _one_unit(self) -> Dose:
        given = [name for name in ("g", "g_per_kg", "ml") if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "dose_unit",
                "a dose has exactly one unit, this one has {n}",
                {"n": len(given), "fix": "give one of g, g_per_kg or ml (with `of: <product>`)"},
            )
        if (self.ml is None) != (self.of is None):
            raise PydanticCustomError(
                "dose_product", "mL and the product they are of go together", {"fix": "give both ml and of"}
            )
        return self


class Phase(Record):
    """A stretch of a regimen in which the same dose is given at the same interval."""

    dose: Fact[Dose]
    """The whole dose of one interval, also where it is split over several days."""
    interval_day: Fact[Day]
    """Days from the start of one dose to the start of the next; for a single course, why there is none."""
    doses: Fact[Annotated[int, Field(ge=1)]] = NOT_REPORTED
    """How many times the dose is given in this phase."""
    split_over_days: int = Field(default=1, ge=1, le=31)
    infusion_day: Day | None = None
    """How long one infusion runs, where it is stated."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Phase:
        interval = getattr(self.interval_day, "value", None)
        if self.split_over_days > 1 and self.infusion_day is not None and self.infusion_day > 1:
            raise PydanticCustomError(
                "parts_overlap", "infusions on consecutive days last at most a day", {"at": ("infusion_day",)}
            )
        if interval is not None and self.split_over_days > interval:
            raise PydanticCustomError(
                "parts_overlap",
                "{parts} daily parts do not fit an interval of {interval} days",
                {"parts": self.split_over_days, "interval": interval, "at": ("split_over_days",)},
            )
        return self


class Regimen(Record):
    """What is given when, by which route."""

    route: Fact[Route]
    phases: tuple[Phase, ...] = Field(min_length=1)
    """In time order; the last one is the one that goes on."""
    cap_g: Fact[Gram] | None = None
    """The most grams of one dose, whatever the weight."""
    minimum_day: Fact[Day] | None = None
    """The shortest course that its author recommends."""
    product: Fact[Text] = NOT_REPORTED
    """The product as named by the study or the doctor."""
    note: Text | None = None


class NamedRegimen(Record):
    """A regimen that people speak of, apart from any one trial arm."""

    id: Slug
    label: Text
    origin: Literal["practitioner", "reference"]
    """`practitioner`: a doctor's stated habit. `reference`: a round-number dose that labels or trials use."""
    report: ReportId | None = None
    study: StudyId | None = None
    why: Text
    """Why it is on the list."""
    regimen: Regimen


class Vial(Record):
    """One package size."""

    g: Gram
    ml: Millilitre
    seen: Literal["stated", "unverified"] = "stated"


class Limit(Record):
    """An amount as a label states it: a typical value, a maximum, or words."""

    typical: Number | None = None
    maximum: Number | None = None
    words: Text | None = None


class Range(Record):
    """From `low` to `high`, equal where one number is stated."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low > self.high:
            raise PydanticCustomError(
                "range_order", "low {low} is above high {high}", {"low": self.low, "high": self.high}
            )
        return self


class Bounds(Record):
    """Limits that a number must keep, such as `{at_least: 2, below: 10}` years: at most one at each end."""

    at_least: Number | None = None
    above: Number | None = None
    below: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _one_limit_at_each_end(self) -> Bounds:
        lower = [limit for limit in (self.at_least, self.above) if limit is not None]
        upper = [limit for limit in (self.below, self.at_most) if limit is not None]
        if len(lower) > 1 or len(upper) > 1 or not lower + upper:
            raise PydanticCustomError(
                "bounds",
                "bounds have one limit at an end, and at least one in all",
                {"fix": "give at_least or above, below or at_most, or one of each end"},
            )
        closed = self.at_least is not None and self.at_most is not None
        if lower and upper and (lower[0] > upper[0] or (lower[0] == upper[0] and not closed)):
            raise PydanticCustomError(
                "bounds", "no number lies between {low} and {high}", {"low": lower[0], "high": upper[0]}
            )
        return self


class LabelledDose(Record):
    """A dose that a label gives for one indication; a range where the label gives a range."""

    phase: Literal["single", "loading", "maintenance", "repeat"]
    g_per_kg: Range | None = None
    """The whole dose, also where it is split over several days."""
    ml_per_kg: Range | None = None
    interval_day: Range | None = None
    split_over_days: Range | None = None
    seen: Literal["stated", "unverified"] = "stated"
    words: Text | None = None
    """What the numbers cannot carry: alternatives, conditions, the label's own wording of an interval."""


class RampStep(Record):
    """One step of an infusion: the rate, and how long it is held (None: to the end)."""

    rate_mg_per_kg_min: MgPerKgMin
    minutes: Minute | None = None


class InfusionRamp(Record):
    """How fast an infusion may run: start, steps, maximum and the lower maximum for people at risk."""

    initial_mg_per_kg_min: Fact[MgPerKgMin]
    maximum_mg_per_kg_min: Fact[MgPerKgMin]
    at_risk_maximum_mg_per_kg_min: Fact[MgPerKgMin] = NOT_REPORTED
    at_risk_strictly_below: bool = False
    """Whether people at risk must stay below that number, as in `less than 2 mg/kg/min`."""
    initial_min: Fact[Minute] = NOT_REPORTED
    """How long the start rate is held, where that is stated apart from the other steps."""
    step_interval_min: Fact[Range] = NOT_REPORTED
    steps: tuple[RampStep, ...] = ()
    """Empty where no step table was seen: then the steps between start and maximum are local practice."""
    steps_basis: Text | None = None
    """Which steps are the label's own and which were inferred."""

    @model_validator(mode="after")
    def _steps_rise(self) -> InfusionRamp:
        for index, (step, following) in enumerate(pairwise(self.steps)):
            if step.minutes is None:
                raise PydanticCustomError(
                    "open_step", "only the last step may be open-ended", {"at": ("steps", index)}
                )
            if following.rate_mg_per_kg_min < step.rate_mg_per_kg_min:
                raise PydanticCustomError(
                    "falling_step", "a ramp step is slower than the one before", {"at": ("steps", index + 1)}
                )
        return self


class LabelledUse(Record):
    """One indication of a product by one route, with its doses and how it is infused."""

    indication: Text
    indication_code: Slug
    """Short code shared by all products: pi, itp, cidp, mmn, dm, kawasaki, cll, hav, measles, ..."""
    route: Route
    market: Literal["US", "EU", "UK", "AU"] = "US"
    infusion: Literal["any", "first", "later"] = "any"
    """Which infusions the ramp is for, where the label tells first from later ones."""
    doses: tuple[LabelledDose, ...] = ()
    ramp: InfusionRamp | None = None
    sources: tuple[SourceId, ...] = ()
    """Empty: no source was seen for this use; it is shown as unverified and never planned."""
    note: Text | None = None


class SubcutaneousRule(Record):
    """Volume and rate limits under the skin, and the people and infusions they hold for (None: all)."""

    weight_kg: Bounds | None = None
    age_year: Bounds | None = None
    indication_code: Slug | None = None
    sites: int | None = Field(default=None, ge=1)
    """How many sites are used at once where the limits hold for that number alone."""
    first_infusion: int = Field(default=1, ge=1)
    last_infusion: int | None = Field(default=None, ge=1)
    """Counted from the first infusion of this product under the skin, 1; None: and all after it."""
    ml_per_site: Range | None = None
    """The most at one site; low equals high where one number is stated."""
    ml_per_h_per_site: Range | None = None
    """How fast at one site; low equals high where only a maximum is stated."""
    ml_per_h_total: PositiveNumber | None = None
    ml_per_day: PositiveNumber | None = None
    maximum_sites: int | None = Field(default=None, ge=1)
    """The most sites at once for these people, where that differs from the product's."""
    seen: Literal["stated", "unverified"] = "stated"
    note: Text | None = None

    @model_validator(mode="after")
    def _infusions_in_order(self) -> SubcutaneousRule:
        if self.last_infusion is not None and self.last_infusion < self.first_infusion:
            raise PydanticCustomError(
                "infusion_order",
                "the last infusion, {last}, comes before the first, {first}",
                {"last": self.last_infusion, "first": self.first_infusion, "at": ("last_infusion",)},
            )
        return self


class RampUpDose(Record):
    """One infusion of a build-up: in which week, and how many weeks of the dose are given then."""

    week: int = Field(ge=1)
    weeks_of_dose: int = Field(ge=1)


class SubcutaneousUse(Record):
    """How a product is given under the skin."""

    iv_to_sc_factor: Fact[PositiveNumber] = NOT_REPORTED
    """Grams under the skin per gram by vein, as the label converts."""
    interval: Text
    rules: tuple[SubcutaneousRule, ...] = ()
    maximum_sites: Fact[int] = NOT_REPORTED
    site_spacing_cm: Fact[PositiveNumber] = NOT_REPORTED
    ramp_up: tuple[RampUpDose, ...] = ()
    """The build-up from one week's dose to the whole one, in time order; empty where there is none."""
    sources: tuple[SourceId, ...] = ()
    note: Text | None = None

    @model_validator(mode="after")
    def _build_up_rises(self) -> SubcutaneousUse:
        for index, (dose, following) in enumerate(pairwise(self.ramp_up)):
            if following.week <= dose.week or following.weeks_of_dose <= dose.weeks_of_dose:
                raise PydanticCustomError(
                    "falling_step", "a build-up rises from week to week", {"at": ("ramp_up", index + 1)}
                )
        return self


class IntramuscularUse(Record):
    """How a product is given into a muscle: how much at one site, and where."""

    ml_per_large_muscle: Fact[Range] = NOT_REPORTED
    """The most at one site of a large muscle, as the thigh."""
    ml_per_deltoid: Fact[Range] = NOT_REPORTED
    """The most at one site of the upper arm."""
    divide_above_ml: Fact[Millilitre] = NOT_REPORTED
    """Doses above this are divided over several sites."""
    where: Statement
    """Into which muscles, and into which not."""
    above: tuple[Statement, ...] = ()
    """What was seen after doses above `divide_above_ml`."""


class Product(Record):
    """One immune globulin product, as its label and its maker describe it."""

    id: Slug
    name: Text
    maker: Text
    markets: tuple[Market, ...] = Field(min_length=1)
    routes: tuple[Route, ...] = Field(min_length=1)
    concentration_mg_per_ml: Fact[MgPerMl]
    concentration_range_mg_per_ml: Fact[Range] | None = None
    other_concentration_mg_per_ml: Fact[MgPerMl] | None = None
    vials: tuple[Vial, ...] = Field(min_length=1)
    vials_note: Text | None = None
    hcpcs: Fact[Text] = NOT_REPORTED
    """The US billing code that a price list is keyed by."""
    stabiliser: Fact[Text] = NOT_REPORTED
    sugar: Fact[Text] = NOT_REPORTED
    contains: Fact[tuple[Slug, ...]] = NOT_REPORTED
    """The stabilisers and sugars named above, each by its code: sorbitol, maltose, proline, glycine, ..."""
    sodium: Fact[Text] = NOT_REPORTED
    sodium_mmol_per_l: Fact[Limit] = NOT_REPORTED
    iga_ug_per_ml: Fact[Limit] = NOT_REPORTED
    osmolality_mosm_per_kg: Fact[Range] = NOT_REPORTED
    ph: Fact[Range] = NOT_REPORTED
    subclasses_percent: Fact[dict[Literal["IgG1", "IgG2", "IgG3", "IgG4"], Range]] = NOT_REPORTED
    latex_free: Fact[bool] = NOT_REPORTED
    glucose_meter_interference: Fact[bool] = NOT_REPORTED
    storage: Fact[Text] = NOT_REPORTED
    minimum_age_year: Fact[Year] = NOT_REPORTED
    dilution: Fact[Text] = NOT_REPORTED
    half_life_day: Fact[PositiveNumber] | None = None
    same_label_as: ProductId | None = None
    uses: tuple[LabelledUse, ...] = ()
    subcutaneous: SubcutaneousUse | None = None
    intramuscular: IntramuscularUse | None = None
    boxed_warnings: Fact[tuple[Text, ...]] = NOT_REPORTED
    contraindications: tuple[Statement, ...] = ()
    """Those beyond the ones that all immune globulins share."""
    statements: tuple[Statement, ...] = ()
    """Everything else the sources say: adverse reactions, pharmacokinetics on the label, sites, supply."""
    sources: tuple[SourceId, ...] = Field(min_length=1)
    note: Text | None = None
