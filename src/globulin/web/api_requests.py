"""What programs may ask of `/api`: the records of `globulin.asked` with their limits, units in the names.

A field has the name, the meaning and the limits that it has on the command line. Files are the exception: a
table of doses or levels comes as rows, and no field names a file of this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from globulin.asked import (
    CourseAsked,
    CrowdAsked,
    DoseAsked,
    InfusionAsked,
    PatientAsked,
    PersonAsked,
    PriceAsked,
    ProductDoseAsked,
    RegimenAsked,
    Route,
)
from globulin.bedside import IndividualRequest, SimulateRequest
from globulin.crowds import DoseRequest
from globulin.web.held_tables import held_table

MOST_PEOPLE = 2_000
"""Virtual people that are drawn for one request; the command line takes more."""

MOST_ROWS = 200
"""Rows of a table of doses or levels."""

_Record = TypeVar("_Record")

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
_Conditions = Annotated[list[Id], Field(max_length=200)]
_Days = Annotated[
    list[Annotated[float, Field(ge=0, le=36_600)]],
    Field(max_length=400, examples=[[28, 56]], description="Days to give levels for, in order."),
]


def _each_once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("name each model once")
    return names


_Models = Annotated[
    list[Id],
    Field(
        min_length=1,
        max_length=20,
        description="Ids of models or averages, each once.",
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(_each_once),
]
_Day = Annotated[float, Field(ge=0, le=36_600)]
_Grams = Annotated[float, Field(gt=0, le=2_000)]
_Kilograms = Annotated[float, Field(ge=2, le=400, examples=[62])]
_Centimetres = Annotated[float, Field(gt=20, le=260, examples=[168])]
_Years = Annotated[float, Field(ge=0, le=120, examples=[41])]
_Baseline = Annotated[float, Field(ge=0, le=100, examples=[9.5])]


class Asked(BaseModel):
    """Base of all: no further fields, no number that is none."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def record(self, kind: type[_Record], **more: Any) -> _Record:
        """The same as a record of the command line; `more` goes before."""
        return kind(**{**{name: getattr(self, name) for name in type(self).model_fields}, **more})


class Person(Asked):
    """One person whose levels are computed."""

    weight_kg: _Kilograms | None = None
    """Body weight in kg; default: the reference adult."""
    height_cm: _Centimetres | None = None
    """Body height in cm."""
    sex: Literal["female", "male"] | None = None
    """For lean body mass."""
    age_year: _Years | None = None
    """Age in years."""
    baseline_g_per_l: _Baseline | None = None
    """The person's own IgG before treatment, in g/L; taken as exact."""
    indication: Literal["normal_igg", "primary_deficiency", "secondary_deficiency", "neuropathy"] | None = (
        None
    )
    """Why immune globulin is given, where it changes how long IgG is kept."""

    def asked(self) -> PersonAsked:
        """The same as a record."""
        return self.record(PersonAsked)


class RepeatedDose(Asked):
    """A dose that is repeated."""

    route: Route = "iv"
    """Vein (iv), under the skin (sc), the same with hyaluronidase (fsc), muscle (im)."""
    dose_g: _Grams | None = None
    """Grams of one dose."""
    dose_g_per_kg: Annotated[float, Field(gt=0, le=10, examples=[0.4])] | None = None
    """Grams of one dose per kg of body weight."""
    interval_day: Annotated[float, Field(ge=0.5, le=366, examples=[28])] | None = None
    """Days from one dose to the next."""
    infusion_day: Annotated[float, Field(ge=0, le=366)] | None = None
    """Days that a dose runs; default: 0.25 into a vein, else at once."""
    daily_parts: Annotated[int, Field(ge=1, le=30)] = 1
    """Split each dose over so many consecutive days."""


class ProductDose(RepeatedDose):
    """The same, where the dose may also be said in millilitres of a product."""

    dose_ml: Annotated[float, Field(gt=0, le=20_000)] | None = None
    """Millilitres of one dose; needs dose_ml_of."""
    dose_ml_of: Id | None = None
    """Id of the product whose mL are meant."""


class DoseRow(Asked):
    """One row of a table of doses."""

    day: _Day
    """Day on which it is given, counted from a day of your choice."""
    dose_g: _Grams
    """Grams."""
    route: Route = "iv"
    """As in a repeated dose."""
    infusion_day: Annotated[float, Field(ge=0, le=366)] | None = None
    """Days that it runs; default: what is usual by its route."""
    interval_day: Annotated[float, Field(ge=0, le=366)] = 0.0
    """Days between it and the further doses of this row."""
    additional: Annotated[int, Field(ge=0, le=1_000)] = 0
    """How many further doses follow."""
    steady: bool = False
    """It has been repeated at interval_day for ever."""


class LevelRow(Asked):
    """One measured level."""

    day: _Day
    """Day of the draw, counted as for the doses; at the time of a dose it is drawn before it."""
    igg_g_per_l: Annotated[float, Field(gt=0, le=100, examples=[8.1])]
    """Total IgG in g/L, or the limit that it lies below."""
    below_limit: bool = False
    """The assay only put it below that limit."""


_DoseRows = Annotated[list[DoseRow], Field(min_length=1, max_length=MOST_ROWS)]
_LevelRows = Annotated[list[LevelRow], Field(min_length=1, max_length=MOST_ROWS)]


def _rows(rows: Sequence[Asked]) -> list[dict[str, object]]:
    return [row.model_dump() for row in rows]


class Course(Asked):
    """How many doses there are, or a table of them."""

    doses: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How many doses; default: repeated for ever (steady state)."""
    steady_state: bool = False
    """With doses: the dose had been repeated for ever before."""
    history: _DoseRows | None = None
    """A table of doses, in order, in place of a repeated dose."""

    def asked(self) -> CourseAsked:
        """The same as a record."""
        return self.record(
            CourseAsked, history=None if self.history is None else held_table("doses", _rows(self.history))
        )


class Crowd(Asked):
    """Many virtual people instead of one person."""

    people: Annotated[int, Field(ge=1, le=MOST_PEOPLE)] | None = None
    """How many."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Seed; the same seed draws the same people. Default: 1."""
    group: Id | None = None
    """Who they are: adults or adolescents. Default: adults."""

    def asked(self) -> CrowdAsked:
        """The same as a record."""
        return self.record(CrowdAsked)


class Patient(Asked):
    """One person to plan for."""

    weight_kg: _Kilograms
    """Body weight in kg."""
    height_cm: _Centimetres | None = None
    """Body height in cm."""
    sex: Literal["female", "male"] | None = None
    """For ideal weight and lean body mass."""
    age_year: _Years | None = None
    """Age in years."""
    baseline_g_per_l: _Baseline | None = None
    """The person's own IgG before treatment, in g/L; taken as exact."""
    pre_pregnancy_weight_kg: _Kilograms | None = None
    """Body weight before pregnancy, in kg."""
    has: _Conditions = []
    """Ids of conditions the person has; GET /api/conditions lists them."""
    has_not: _Conditions = []
    """Ids of conditions the person does not have; what is in neither list counts as not known."""
    risk: Annotated[list[Literal["renal", "thrombosis"]], Field(max_length=2)] = []
    """Risks of the person whose reason is not named."""

    def asked(self) -> PatientAsked:
        """The same as a record."""
        lists = {name: ",".join(getattr(self, name)) or None for name in ("has", "has_not", "risk")}
        return self.record(PatientAsked, **lists)


class Regimen(Asked):
    """What is to be given how often."""

    regimen: Id | None = None
    """Id of a regimen of the dossier, as GET /api/regimens lists them; fields below change parts of it."""
    route: Route | None = None
    """Vein (iv), under the skin (sc), the same with hyaluronidase (fsc), muscle (im)."""
    dose_g: _Grams | None = None
    """Grams of one dose."""
    dose_g_per_kg: Annotated[float, Field(gt=0, le=10, examples=[0.4])] | None = None
    """Grams of one dose per kg of body weight."""
    dose_mg_per_kg: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """The same in mg, as labels write it."""
    dose_ml: Annotated[float, Field(gt=0, le=20_000)] | None = None
    """Millilitres of the product in one dose."""
    interval_day: Annotated[float, Field(ge=0.5, le=366, examples=[28])] | None = None
    """Days from one dose to the next."""
    once: bool = False
    """A single course, not repeated."""
    split_over_days: Annotated[int, Field(ge=1, le=30)] | None = None
    """Split each dose over so many consecutive days."""
    doses: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How many doses the course has, for its cost."""
    cap_g: _Grams | None = None
    """The most grams of one dose, whatever the weight."""
    weight_basis: Literal["actual", "ideal", "adjusted_0_4", "adjusted_0_5"] | None = None
    """Weight that the dose goes by; default: actual."""
    rounding: Literal["none", "vials", "5_g", "vials_down"] = "none"
    """Round the dose: to whole vials, to 5 g, or down to whole vials within 5%."""

    def asked(self) -> RegimenAsked:
        """The same as a record."""
        return self.record(RegimenAsked)


class ProductRegimen(Regimen):
    """What is to be given how often, of which product."""

    product: Id
    """Product id; GET /api/products lists them."""


class Giving(Asked):
    """How it is given."""

    indication: Id | None = None
    """Labelled use whose steps are followed, such as pi, itp, cidp; default: none, as for ME/CFS."""
    first: bool = False
    """The first infusion of this product (the default)."""
    later: bool = False
    """A later infusion of this product."""
    infusion_number: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Which infusion of this product it is."""
    max_rate_mg_per_kg_min: Annotated[float, Field(gt=0, le=100)] | None = None
    """A highest rate of one's own."""
    step_minutes: Annotated[float, Field(ge=1, le=1_440)] | None = None
    """Minutes of each step where the label states none (local practice). Default: 30."""
    step_factor: Annotated[float, Field(gt=1, le=10)] | None = None
    """Factor from step to step where the label states none (local practice). Default: 2."""
    sites: Annotated[int, Field(ge=1, le=100)] | None = None
    """Under the skin: how many sites at once; default: the fewest that the label allows."""
    reaction_at: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """Minute of a reaction: plan the rest of the infusion from there."""
    pause_minutes: Annotated[float, Field(ge=0, le=1_440)] | None = None
    """Minutes that nothing runs after a reaction. Default: 30."""
    resume: Literal["previous", "half"] | None = None
    """Go on at the rate tolerated before (the default), or at half the rate of the reaction."""
    raise_again: bool = False
    """After a reaction, go up the steps again, not above the rate at which it came."""

    def asked(self) -> InfusionAsked:
        """The same as a record."""
        return self.record(InfusionAsked)


class VialPrice(Asked):
    """The price of one vial."""

    vial_g: Annotated[float, Field(gt=0, le=1_000, examples=[10])]
    """Grams in the vial."""
    price: Annotated[float, Field(gt=0, le=1_000_000, examples=[910])]
    """What it costs."""


class Price(Asked):
    """What it costs."""

    price_list: Id | None = None
    """Price list id, as GET /api/prices lists them; default: the newest of the dossier."""
    price_per_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """A price of one's own for a gram; needs currency."""
    price_per_vial: Annotated[list[VialPrice], Field(max_length=20)] | None = None
    """Prices of one's own by vial; needs currency."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])] | None = None
    """Currency of a price of one's own; nothing is converted."""

    def asked(self) -> PriceAsked:
        """The same as a record."""
        vials = self.price_per_vial
        pairs = None if vials is None else ",".join(f"{each.vial_g}={each.price}" for each in vials)
        return self.record(PriceAsked, price_per_vial=pairs)


class PlanBody(Asked):
    """A plan of one product for one person."""

    patient: Patient
    regimen: ProductRegimen
    giving: Giving = Giving()
    price: Price = Price()

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "patient": {"weight_kg": 62, "sex": "female", "has": ["migraine", "oestrogen"]},
                "regimen": {"product": "privigen", "route": "iv", "dose_g_per_kg": 0.4, "interval_day": 28},
            }
        }
    )


class RankBody(Asked):
    """All products of a route ranked for one person and one dose."""

    patient: Patient
    regimen: Regimen
    giving: Giving = Giving()
    price: Price = Price()

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "patient": {"weight_kg": 62},
                "regimen": {"route": "iv", "dose_g_per_kg": 0.4, "interval_day": 28},
            }
        }
    )


class CompareBody(Asked):
    """Two to four products or regimens side by side for one person."""

    patient: Patient
    options: Annotated[list[ProductRegimen], Field(min_length=2, max_length=4)]
    price: Price = Price()

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "patient": {"weight_kg": 62},
                "options": [
                    {"product": "gamastan", "route": "im", "dose_ml": 2, "interval_day": 7},
                    {"product": "privigen", "route": "iv", "dose_g_per_kg": 1, "interval_day": 28},
                ],
            }
        }
    )


class SimulateBody(Asked):
    """What doses do to IgG in one person, or in many, by published models side by side."""

    models: _Models = ["normal"]
    dose: ProductDose = ProductDose()
    course: Course = Course()
    at_day: _Days = []
    person: Person = Person()
    crowd: Crowd = Crowd()
    target_g_per_l: Annotated[float, Field(gt=0, le=100)] | None = None
    """With crowd.people: count who has a trough or mean at or above it, in g/L."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "dose": {"dose_g_per_kg": 0.4, "interval_day": 28},
                "person": {"weight_kg": 62},
                "at_day": [0, 14],
            }
        }
    )

    def asked(self) -> SimulateRequest:
        """The same as a request of the command line."""
        return SimulateRequest(
            models=tuple(self.models),
            dose=self.dose.record(ProductDoseAsked),
            course=self.course.asked(),
            at_day=tuple(self.at_day),
            person=self.person.asked(),
        )


class DoseForBody(Asked):
    """The dose, or the interval, for a level of IgG: in one person or in a share of many."""

    models: _Models = ["normal"]
    target: Literal["trough", "average", "peak", "rise"] = "trough"
    """Lowest, mean or highest IgG over an interval, or the mean above the person's own."""
    g_per_l: Annotated[float, Field(gt=0, le=100, examples=[12])]
    """The target in g/L."""
    dose: RepeatedDose = RepeatedDose()
    """With interval_day the dose is sought, with a dose the longest interval."""
    person: Person = Person()
    share: Annotated[float, Field(gt=0, lt=1, examples=[0.9])] | None = None
    """The share of many people that is to reach the target."""
    flat: bool = False
    """With share: the same grams for everybody, not per kg."""
    crowd: Crowd = Crowd()

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"g_per_l": 12, "dose": {"interval_day": 28}, "person": {"weight_kg": 62}}
        }
    )

    def asked(self) -> DoseRequest:
        """The same as a request of the command line."""
        return DoseRequest(
            models=tuple(self.models),
            target=self.target,
            g_per_l=self.g_per_l,
            dose=self.dose.record(DoseAsked),
            person=self.person.asked(),
            share=self.share,
            flat=self.flat,
        )


class IndividualiseBody(Asked):
    """What measured IgG levels say of one person, and which levels come next."""

    models: _Models = ["normal"]
    doses: _DoseRows
    """Doses given and, after the last level, planned; in order."""
    levels: _LevelRows
    """Measured levels, in order."""
    at_day: _Days = []
    """Days to predict, in order; default: right before each dose after the last level."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    """Seed of the draws; the same seed gives the same answer."""
    person: Person = Person()

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "doses": [{"day": 0, "dose_g": 25, "interval_day": 28, "additional": 3}],
                "levels": [{"day": 28, "igg_g_per_l": 11.2}, {"day": 56, "igg_g_per_l": 12.1}],
                "person": {"weight_kg": 62},
            }
        }
    )

    def asked(self) -> IndividualRequest:
        """The same as a request of the command line."""
        return IndividualRequest(
            models=tuple(self.models),
            doses=held_table("doses", _rows(self.doses)),
            levels=held_table("levels", _rows(self.levels)),
            route="iv",
            at_day=tuple(self.at_day),
            seed=self.seed,
            person=self.person.asked(),
        )
