"""The published models of IgG in the body, each with its parameters, whom it fits and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globulin.dossier import Dossier
from globulin.dossier.kinetics import (
    AbsorptionModel,
    BlockerModel,
    EndogenousIgg,
    KineticModel,
    LinearModel,
    RecyclingModel,
)
from globulin.dossier.provenance import Cited, Missing
from globulin.pages import words
from globulin.pages.blocks import Entry, Said, Term, term
from globulin.pages.facts import anchor, cited, facts, gathered, said, stated

UNITS = {
    "cl": "clearance, L/day",
    "v1": "central volume, L",
    "q": "exchange, L/day",
    "v2": "outer volume, L",
    "ka": "uptake, per day",
    "kel": "elimination, per day",
    "f_sc": "fraction taken up under the skin",
    "f_fsc": "fraction taken up under the skin with hyaluronidase",
}
DOMAINS = {
    "antibody_deficiency": "people who lack antibodies; not used for ME/CFS and fibromyalgia",
    "neuropathy": "people with nerve disease and normal IgG",
    "normal_igg": "people with normal IgG",
    "neonates": "newborns",
    "children": "children",
    "not_known": "nobody: too little of it was seen",
}


def entries(dossier: Dossier) -> list[Entry]:
    """Every model, those that are used first."""
    order = ("recycling", "linear", "absorption", "endogenous", "blocker")
    models = sorted(dossier.kinetics.values(), key=lambda model: (order.index(model.kind), model.id))
    return [Entry(anchor("kinetic_model", model.id), model.name, terms=_terms(model)) for model in models]


def _terms(model: KineticModel) -> tuple[Term, ...]:
    match model:
        case LinearModel():
            terms = _linear(model)
        case RecyclingModel():
            terms = _recycling(model)
        case AbsorptionModel():
            terms = _absorption(model)
        case BlockerModel():
            terms = _blocker(model)
        case EndogenousIgg():
            terms = _endogenous(model)
    statements = getattr(model, "statements", ())
    return gathered(
        (
            *terms,
            *(term("Caution", text) for text in getattr(model, "caveats", ())),
            *(term("Also", stated(item)) for item in statements),
            *facts(("Sources", cited((model.source, *getattr(model, "also", ()))))),
        )
    )


def _linear(model: LinearModel) -> tuple[Term, ...]:
    residual, between = model.residual, model.between_subject_cv_percent
    return facts(
        ("Made from", model.population),
        ("Fits", DOMAINS[model.domain]),
        ("Form", model.structure.replace("_", " ") + ", elimination in proportion to the level"),
        *((UNITS.get(name, name), said(fact)) for name, fact in model.parameters.items()),
        *(
            (
                f"{UNITS.get(item.parameter, item.parameter).split(',')[0].capitalize()} changes with",
                f"{item.covariate.replace('_', ' ')}, power {words.number(item.exponent, 6)}"
                + (f", reference {words.number(item.reference, 6)}" if item.reference else ""),
            )
            for item in model.covariates
        ),
        ("Own IgG, g/L", (said(model.baseline.value_g_per_l), Said(f" {model.baseline.handling}"))),
        ("Between people, CV %", said(between)),
        ("Residual error", said(residual, _residual) if isinstance(residual, Cited) else said(residual)),
        ("Table", model.source_table),
        ("Equations", model.equations),
    )


def _residual(residual: object) -> str:
    parts = []
    for name, label in (
        ("additive_g_per_l", "g/L"),
        ("proportional", "as a fraction"),
        ("as_printed", "as printed"),
    ):
        value = getattr(residual, name)
        if value is not None:
            parts.append(f"{value} {label}" if name == "as_printed" else f"{words.number(value, 4)} {label}")
    return ", ".join(parts)


def _recycling(model: RecyclingModel) -> tuple[Term, ...]:
    return facts(
        ("Made from", model.population),
        ("Fits", DOMAINS[model.domain]),
        ("Taken into cells, per day", said(model.internalisation_per_day)),
        ("Most that is saved, mg/kg/day", said(model.max_recycling_mg_per_kg_day)),
        ("Half of that is saved at, g/L", said(model.half_saturation_g_per_l)),
        ("Own IgG, g/L", said(model.baseline_g_per_l)),
        ("Central volume, mL/kg", said(model.central_ml_per_kg)),
        ("Outer volume over central", said(model.peripheral_to_central)),
        ("Exchange, L/day", said(model.exchange_l_per_day)),
    )


def _absorption(model: AbsorptionModel) -> tuple[Term, ...]:
    return facts(
        ("Route", words.ROUTES[model.route]),
        ("Uptake, per day", said(model.ka_per_day)),
        ("Its range", said(model.ka_range_per_day)),
        ("Fraction taken up", said(model.bioavailability)),
        ("Its range", said(model.bioavailability_range)),
    )


def _blocker(model: BlockerModel) -> tuple[Term, ...]:
    people: Cited[int] | Missing = model.n
    return facts(
        ("People", said(people)),
        *((name.replace("_", " "), said(fact)) for name, fact in model.parameters.items()),
        ("Relation", model.relation),
    )


def _endogenous(model: EndogenousIgg) -> tuple[Term, ...]:
    groups: tuple[tuple[str, Mapping[Any, Cited[Any]], str], ...] = (
        ("interval", model.intervals_g_per_l, "g/L"),
        ("mean", model.subclass_mean_g_per_l, "g/L"),
        ("half-life", model.subclass_half_life_day, "days"),
        ("in models", model.population_baselines_g_per_l, "g/L"),
    )
    return facts(
        ("Taken as typical, g/L", said(model.prior_median_g_per_l)),
        ("Spread between people (CV)", said(model.prior_cv)),
        *(
            (f"{name.replace('_', ' ')}, {what}", said(fact, unit=unit))
            for what, values, unit in groups
            for name, fact in values.items()
        ),
    )
