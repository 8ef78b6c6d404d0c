"""The published models of IgG in the body, each with its parameters, whom it fits and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from globulin.dossier import Dossier
from globulin.dossier.kinetics import (
    AbsorptionModel,
    AverageModel,
    BlockerModel,
    EndogenousIgg,
    KineticModel,
    LinearModel,
    RecyclingModel,
)
from globulin.dossier.people import BodySize, Stratum, VirtualGroup
from globulin.dossier.provenance import Cited, Missing
from globulin.pages import words
from globulin.pages.blocks import Entry, Fold, Said, Term, para, term
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
    order = ("average", "recycling", "linear", "absorption", "endogenous", "blocker")
    models = sorted(dossier.kinetics.values(), key=lambda model: (order.index(model.kind), model.id))
    return [Entry(anchor("kinetic_model", model.id), model.name, terms=_terms(model)) for model in models]


def _terms(model: KineticModel) -> tuple[Term, ...]:
    match model:
        case LinearModel():
            terms = _linear(model)
        case RecyclingModel():
            terms = _recycling(model)
        case AverageModel():
            terms = _average(model)
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


def _average(model: AverageModel) -> tuple[Term, ...]:
    members = words.listed([member.model for member in model.members])
    return facts(("For", model.population), ("Average of", members), ("Why these", model.why))


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


def virtual_people(dossier: Dossier) -> Fold | None:
    """The groups of virtual people, and what is assumed of them; None if there are none."""
    if not dossier.people:
        return None
    return Fold(
        "Virtual people, where many are simulated and not one",
        (
            para(
                "Nobody here was measured as a person. Weight and height are drawn from what a survey found,"
                " one's own IgG and the kinetics from what was published. How much people with ME/CFS or"
                " fibromyalgia differ is not known. No number on this page rests on virtual people."
            ),
            *(_group(group) for group in dossier.people.values()),
        ),
    )


def _group(group: VirtualGroup) -> Entry:
    return Entry(
        anchor("virtual_group", group.id),
        group.name,
        terms=(
            *facts(("Who", group.population)),
            *(term(_stratum_name(stratum), *_stratum(stratum)) for stratum in group.strata),
            *(term("Caution", text) for text in group.caveats),
            *facts(("Sources", cited((group.source, *(each.body.source for each in group.strata))))),
        ),
    )


def _stratum_name(stratum: Stratum) -> str:
    years = words.range_words(stratum.age_year, "years")
    return f"{words.capital(stratum.sex)}, {years} ({words.percent(100 * stratum.share)})"


def _stratum(stratum: Stratum) -> tuple[Said, ...]:
    own = (
        "the record on endogenous IgG as for any adult"
        if stratum.own_igg_interval is None
        else f"the interval \N{LEFT SINGLE QUOTATION MARK}{stratum.own_igg_interval.replace('_', ' ')}"
        "\N{RIGHT SINGLE QUOTATION MARK} of the record on endogenous IgG"
    )
    return (said(stratum.body, _body), Said(f" Own IgG is drawn from {own}."))


def _body(size: BodySize) -> str:
    return (
        f"median {words.number(size.weight_median_kg)} kg (SD of the logarithm"
        f" {words.number(size.weight_log_sd)}) and {words.number(size.height_median_cm, 4)} cm"
        f" ({words.number(size.height_log_sd)}), correlation of the logarithms"
        f" {words.number(size.log_correlation)}, from {size.n:,} people"
    )
