"""How immune globulin moves through the body, as published models state it.

One record is one model as one paper printed it (or as one review printed it, which is said). The
arithmetic is in `globulin.exposure`; here is only what it is given.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import NOT_REPORTED, Cited, Fact, Record, Slug, SourceId, Statement, Text
from globulin.dossier.treatment import Range
from globulin.units import GramPerLitre, Number, PositiveNumber


class Covariate(Record):
    """parameter = theta * (covariate / reference) ** exponent."""

    parameter: Literal["cl", "q", "v1", "v2", "base"]
    covariate: Literal["weight_kg", "lean_body_mass_kg", "igm_g_per_l"]
    reference: PositiveNumber | None = None
    exponent: Number
    fixed: bool = False


class Baseline(Record):
    """Endogenous IgG that the model adds to what it computes."""

    value_g_per_l: Fact[GramPerLitre]
    handling: Text
    """Fixed, estimated, observed per person, or not reported."""


class ResidualError(Record):
    """Residual error: the SD of the additive part (g/L) and of the proportional part (fraction)."""

    additive_g_per_l: PositiveNumber | None = None
    proportional: PositiveNumber | None = None
    as_printed: Text | None = None


class LinearModel(Record):
    """One- or two-compartment disposition with first-order elimination and absorption.

        dA_depot/dt = -ka A_depot                    (the fraction F of a dose under the skin enters it)
        dA1/dt = input + ka A_depot - (CL/V1) A1 - Q (A1/V1 - A2/V2)
        dA2/dt = Q (A1/V1 - A2/V2)                   (A1, A2: what was given, not what the body makes)
        C = A1/V1 + base

    `parameters` holds cl (L/day), v1, v2 (L), q (L/day), ka, kel (1/day), f_sc, f_fsc (fractions) and
    any published variant under its own name (`v1_sid`); `population_of_parameters` says whose they are.
    """

    kind: Literal["linear"]
    id: Slug
    name: Text
    structure: Literal["one_compartment", "two_compartment"]
    routes: tuple[Literal["iv", "sc", "fsc"], ...]
    population: Text
    domain: Literal["antibody_deficiency", "neuropathy", "neonates", "children", "not_known"]
    """Whom the model may be used for; `not_known`: for nobody."""
    parameters: dict[Slug, Fact[PositiveNumber]]
    covariates: tuple[Covariate, ...] = ()
    baseline: Baseline
    between_subject_cv_percent: Fact[dict[Slug, PositiveNumber]] = NOT_REPORTED
    """Apparent CVs of independent lognormal effects: omega^2 = ln(1 + CV^2)."""
    residual: Fact[ResidualError] = NOT_REPORTED
    source_table: Text | None = None
    caveats: tuple[Text, ...] = ()
    statements: tuple[Statement, ...] = ()
    """What goes with the model beyond its numbers, such as the formula of a covariate."""
    equations: Text | None = None
    """Only where the model goes beyond the shared equations (an effect compartment, a response)."""
    source: SourceId
    also: tuple[SourceId, ...] = ()


class RecyclingModel(Record):
    """Saturable recycling by FcRn: the more IgG there is, the faster it is broken down.

    k(C) = kint - Jmax / (V1 * (Km + C)), with C total IgG. One record is one parameter set.
    """

    kind: Literal["recycling"]
    id: Slug
    name: Text
    routes: tuple[Literal["iv", "sc", "fsc", "im"], ...]
    population: Text
    domain: Literal["normal_igg"]
    internalisation_per_day: Cited[PositiveNumber]
    max_recycling_mg_per_kg_day: Cited[PositiveNumber]
    half_saturation_g_per_l: Cited[PositiveNumber]
    baseline_g_per_l: Cited[PositiveNumber]
    central_ml_per_kg: Cited[PositiveNumber]
    peripheral_to_central: Cited[PositiveNumber]
    exchange_l_per_day: Cited[PositiveNumber]
    caveats: tuple[Text, ...] = ()
    statements: tuple[Statement, ...] = ()
    """What the set rests on or was checked against."""
    source: SourceId
    also: tuple[SourceId, ...] = ()

    @model_validator(mode="after")
    def _breaks_down_at_baseline(self) -> RecyclingModel:
        capacity = self.max_recycling_mg_per_kg_day.value / self.central_ml_per_kg.value
        bound = self.half_saturation_g_per_l.value + self.baseline_g_per_l.value
        if capacity / bound >= self.internalisation_per_day.value:
            raise PydanticCustomError(
                "no_catabolism",
                "recycling leaves no breakdown of IgG at baseline",
                {"fix": "check Jmax, Km and kint", "at": ("max_recycling_mg_per_kg_day",)},
            )
        return self


class AbsorptionModel(Record):
    """Uptake from a muscle: rate and fraction, with their ranges."""

    kind: Literal["absorption"]
    id: Slug
    name: Text
    route: Literal["im"]
    ka_per_day: Cited[PositiveNumber]
    ka_range_per_day: Cited[Range]
    bioavailability: Cited[Annotated[float, Field(gt=0, le=1)]]
    bioavailability_range: Cited[Range]
    statements: tuple[Statement, ...] = ()
    """What the default rests on: analogues, sites, observed times of the peak."""
    caveats: tuple[Text, ...] = ()
    source: SourceId


class BlockerModel(Record):
    """A published model of a drug that blocks FcRn; it bounds how far IgG can fall."""

    kind: Literal["blocker"]
    id: Slug
    name: Text
    n: Fact[int]
    parameters: dict[Slug, Fact[PositiveNumber]]
    relation: Text | None = None
    source: SourceId


class EndogenousIgg(Record):
    """How much IgG people have of their own: reference intervals, subclasses, half-lives, determinants."""

    kind: Literal["endogenous"]
    id: Slug
    name: Text
    prior_median_g_per_l: Cited[GramPerLitre]
    prior_cv: Cited[PositiveNumber]
    intervals_g_per_l: dict[Slug, Cited[Range]]
    subclass_mean_g_per_l: dict[Literal["IgG1", "IgG2", "IgG3", "IgG4"], Cited[GramPerLitre]]
    subclass_half_life_day: dict[Literal["IgG1", "IgG2", "IgG3", "IgG4"], Cited[Range]]
    population_baselines_g_per_l: dict[Slug, Cited[GramPerLitre]] = Field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    source: SourceId


KineticModel = Annotated[
    LinearModel | RecyclingModel | AbsorptionModel | BlockerModel | EndogenousIgg,
    Field(discriminator="kind"),
]
