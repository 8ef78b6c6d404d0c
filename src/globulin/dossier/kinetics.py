"""How immune globulin moves through the body, as published models state it.

One record is one model as one paper printed it (or as one review printed it, which is said). The
arithmetic is in `globulin.exposure`; here is only what it is given.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import (
    NOT_REPORTED,
    Cited,
    Fact,
    KineticModelId,
    Record,
    Slug,
    SourceId,
    Statement,
    Text,
)
from globulin.dossier.treatment import Range, Route
from globulin.units import GramPerLitre, Number, PositiveNumber

ModelParameter = Literal["cl", "q", "v1", "v2", "base"]


class Covariate(Record):
    """parameter = theta * (covariate / reference) ** exponent."""

    parameter: ModelParameter
    covariate: Literal["weight_kg", "lean_body_mass_kg", "igm_g_per_l"]
    reference: PositiveNumber | None = None
    exponent: Number
    fixed: bool = False


class Baseline(Record):
    """Endogenous IgG that the model adds to what it computes."""

    value_g_per_l: Fact[GramPerLitre]
    kind: Literal["fixed", "estimated", "observed", "subtracted", "none", "not_known"]
    """How the model came by it: one number for everybody, an estimate, each person's own level before
    treatment, subtracted from the data before fitting, no such term (the clearance is that of all IgG), or
    not known."""
    handling: Text
    """The same in words, with what the paper says about it."""


Indication = Literal["normal_igg", "primary_deficiency", "secondary_deficiency", "neuropathy"]
"""Why somebody is given immune globulin, as far as it changes how long IgG is kept. `normal_igg`: the person
makes a normal amount of IgG, as most people with ME/CFS and fibromyalgia do."""


class Validity(Record):
    """Whom a model may be used for, read off the people it was made from. None: no range was seen."""

    indications: tuple[Indication, ...]
    age_year: Range | None = None
    weight_kg: Range | None = None


class Variant(Record):
    """What differs for one group of people: another parameter in place of one, or a factor on one."""

    replaces: dict[ModelParameter, Slug] = Field(default_factory=dict)
    multiplies: dict[ModelParameter, Slug] = Field(default_factory=dict)


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
    valid_for: Validity | None = None
    """The same for programs; None: the model is not offered for computing."""
    median_weight_kg: PositiveNumber | None = None
    """Of the people it was made from; lends a body whose lean mass is not known its share of lean mass."""
    parameters: dict[Slug, Fact[PositiveNumber]]
    covariates: tuple[Covariate, ...] = ()
    baseline: Baseline
    between_subject_cv_percent: Fact[dict[Slug, PositiveNumber]] = NOT_REPORTED
    """Apparent CVs of independent lognormal effects: omega^2 = ln(1 + CV^2)."""
    set_aside: tuple[Slug, ...] = ()
    """Effects whose printed CV is too large to have been told from data; nobody is simulated with them."""
    residual: Fact[ResidualError] = NOT_REPORTED
    spread_from: KineticModelId | None = None
    """The model whose spread between people and residual error stand in for what was not reported."""
    variants: dict[Indication, Variant] = Field(default_factory=dict)
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
    routes: tuple[Route, ...]
    population: Text
    domain: Literal["normal_igg"]
    valid_for: Validity
    internalisation_per_day: Cited[PositiveNumber]
    max_recycling_mg_per_kg_day: Cited[PositiveNumber]
    half_saturation_g_per_l: Cited[PositiveNumber]
    baseline_g_per_l: Cited[PositiveNumber]
    central_ml_per_kg: Cited[PositiveNumber]
    peripheral_to_central: Cited[PositiveNumber]
    exchange_l_per_day: Cited[PositiveNumber]
    spread_from: KineticModelId | None = None
    """The model whose residual error stands in; no parameter set of recycling comes with one."""
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
    site_ratio: dict[Slug, Cited[Range]] = Field(default_factory=dict)
    """How many times as much the whole exposure is from one muscle as from another: 90% interval."""
    statements: tuple[Statement, ...] = ()
    """What the default rests on: analogues, sites, observed times of the peak."""
    caveats: tuple[Text, ...] = ()
    source: SourceId


class AverageMember(Record):
    """One model of an average, with its weight relative to the others."""

    model: KineticModelId
    weight: PositiveNumber = 1.0


class AverageModel(Record):
    """Several models that apply to the same people and disagree: their weighted mean, and their band."""

    kind: Literal["average"]
    id: Slug
    name: Text
    population: Text
    valid_for: Validity
    members: tuple[AverageMember, ...] = Field(min_length=2)
    why: Text
    """Why these models, and why these weights."""
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
    LinearModel | RecyclingModel | AverageModel | AbsorptionModel | BlockerModel | EndogenousIgg,
    Field(discriminator="kind"),
]
