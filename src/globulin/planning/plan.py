"""One person, one product, one regimen: what exactly would be given, is it safe, what does it cost.

Everything a plan says is computed here, once; the terminal, the documents and the JSON only show it. A part
that cannot be planned is a `Refusal` with its reason, and the rest of the plan stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, Protocol

from globulin.dossier.condition import Condition
from globulin.dossier.guidance import Guidance
from globulin.dossier.hazard import Hazard
from globulin.dossier.instrument import Instrument
from globulin.dossier.patient import Patient
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import Cited, Statement, known
from globulin.dossier.study import Study
from globulin.dossier.treatment import Dose, LabelledUse, Market, Product, Route
from globulin.exposure.facts import Catalogue
from globulin.planning.costing import OwnPrice, PlanCost, own_price_in, plan_cost, vial_sizes
from globulin.planning.doses import DOWN_WITHIN, PlannedDose, Rounding, planned_dose
from globulin.planning.dosing import dose_g
from globulin.planning.infusion import InfusionPlan, after_reaction, infusion_plan
from globulin.planning.monitoring import Monitoring, monitoring
from globulin.planning.outlook import Evidence, NoPrediction, Prediction, evidence, predict
from globulin.planning.ramps import LocalPractice, label_ramp
from globulin.planning.refusal import Refusal
from globulin.planning.screening import Screening, screen
from globulin.planning.site_rules import intramuscular_plan, subcutaneous_plan
from globulin.planning.sites import SitePlan
from globulin.planning.terms import read_all, situation
from globulin.planning.vials import Prefer, VialSet, vial_set
from globulin.planning.weights import DosingWeight, WeightBasis, WeightChoice, weight_choice
from globulin.units import FOUR_WEEKS_DAY, HOURS_PER_DAY, MG_PER_G, MINUTES_PER_HOUR, ml_from_g

REACTIONS = "reaction_management"
"""The guidance on what to do when a reaction happens."""
PREGNANCY = "pregnancy"
"""The condition under which a dose is worked out on the weight before it."""


class PlanFacts(Protocol):
    """The part of a dossier that a plan needs."""

    @property
    def products(self) -> Mapping[str, Product]:
        """Products by id."""

    @property
    def hazards(self) -> Mapping[str, Hazard]:
        """Hazards by id."""

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """Conditions by id."""

    @property
    def guidance(self) -> Mapping[str, Guidance]:
        """Guidance by id."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Questionnaires by id."""

    @property
    def studies(self) -> Mapping[str, Study]:
        """Studies by id."""

    @property
    def models(self) -> Catalogue:
        """Kinetic models that can be computed with."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction at a minute of the infusion, and how it is to go on."""

    minute: float
    pause_minutes: float = 30.0
    resume: Literal["previous", "half"] = "previous"
    raise_again: bool = False


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is to be planned, in plain terms.

    `regimen`: id or words of where the dose comes from, None if it was said outright. `interval_day` None: a
    single course. `indication`: code of a labelled use, None for ME/CFS and fibromyalgia, which no label
    names. `infusion_number`: 1 for the first infusion of this product. `risk`: at-risk groups the person is
    said to be in. `own_cap`: a highest rate of one's own, mg/kg/min.
    """

    product: str
    route: Route
    dose: Dose
    interval_day: float | None
    split_over_days: int = 1
    doses: int | None = None
    cap_g: float | None = None
    regimen: str | None = None
    indication: str | None = None
    market: Market | None = None
    infusion_number: int = 1
    weight_basis: WeightBasis | None = None
    rounding: Rounding = "none"
    round_down_within: float = DOWN_WITHIN
    prefer: Prefer = "least_waste"
    risk: Collection[str] = ()
    own_cap: float | None = None
    local: LocalPractice | None = None
    reaction: Reaction | None = None
    sites: int | None = None

    @property
    def infusion(self) -> Literal["first", "later"]:
        """Whether it is the first infusion of this product."""
        return "first" if self.infusion_number == 1 else "later"


@dataclass(frozen=True, slots=True)
class WeightAlternative:
    """What the dose and the drug would be on another body weight; None where it cannot be worked out."""

    weight: DosingWeight
    grams: float | None
    drug_per_dose: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan.

    `asked`: what it was made from. `off_label`: why this use is off the label, None where it is on it.
    `volume_ml`: of one infusion. `alternatives`: the same dose on each body weight; empty where the dose does
    not go by weight. `vials`: one set for each infusion of a dose; empty where `no_vials` says why.
    `after_reaction`: this one infusion from the reaction on, where one was given. `if_at_risk`: the infusion
    by the label's lower maximum, where the person may be at risk but that is not known. `reaction_rules`:
    what the dossier says of reactions. `sources`: ids of everything it rests on.
    """

    asked: PlanRequest
    patient: Patient
    product: Product
    off_label: str | None
    dose: PlannedDose
    volume_ml: float
    alternatives: tuple[WeightAlternative, ...]
    vials: tuple[VialSet, ...]
    no_vials: Refusal | None
    administration: InfusionPlan | SitePlan | Refusal
    after_reaction: InfusionPlan | None
    if_at_risk: InfusionPlan | None
    reaction_rules: tuple[Statement, ...]
    screening: Screening
    cost: PlanCost | Refusal
    prediction: Prediction | NoPrediction
    evidence: Evidence
    monitoring: Monitoring
    sources: tuple[str, ...]

    @property
    def route(self) -> Route:
        """How it is given."""
        return self.asked.route

    @property
    def waste_g(self) -> float | None:
        """Grams thrown away at one infusion (the mean where infusions differ); None without vials."""
        return sum(each.waste_g for each in self.vials) / len(self.vials) if self.vials else None


def dose_and_hindrance(
    facts: PlanFacts, patient: Patient, asked: PlanRequest
) -> tuple[PlannedDose, str | None]:
    """The dose of one interval, and why the product cannot be planned by this route, or None.

    Raises ValueError as `make_plan` does.
    """
    product, _ = _product(facts, asked)
    weight = _weight(patient, asked)
    dose = _dose(facts, product, asked, weight, None)
    way = _administration(facts, product, patient, asked, weight, dose.per_infusion_g[0], at_risk=False)
    return dose, way.reason if isinstance(way, Refusal) else None


def make_plan(
    facts: PlanFacts,
    patient: Patient,
    asked: PlanRequest,
    *,
    price: PriceList | OwnPrice | Refusal,
    fees: PriceList | None = None,
    as_of: date | None = None,
) -> Plan:
    """Plan what is asked for this person.

    `price`: one dated list, an own price, or why there is none. `fees`: a list of fees for giving it.
    `as_of`: the day the price list must be valid on. Raises ValueError, naming the argument, for what makes
    no sense: a product that is not made for the route or of unknown strength, a dose of nothing, a reaction
    outside the infusion.
    """
    product, strength = _product(facts, asked)
    weight = _weight(patient, asked)
    price = (own_price_in(price, product) or price) if isinstance(price, PriceList) else price
    own = price if isinstance(price, OwnPrice) else None
    dose = _dose(facts, product, asked, weight, own)
    part = dose.per_infusion_g[0]
    ml = ml_from_g(part, strength)
    no_vials = _no_vials(product)
    vials = () if no_vials else tuple(_vials(grams, product, asked, own) for grams in dose.per_infusion_g)
    screening = screen(
        facts,
        patient,
        product,
        route=asked.route,
        g_per_kg=_screened_g_per_kg(dose),
        ml=ml,
        risk=asked.risk,
    )
    administration = _administration(facts, product, patient, asked, weight, part, at_risk=screening.at_risk)
    unsure = asked.route == "iv" and not screening.at_risk and bool(screening.possible_groups)
    slower = _administration(facts, product, patient, asked, weight, part, at_risk=True) if unsure else None
    minutes = administration.total_minutes if isinstance(administration, InfusionPlan) else None
    cost = no_vials or _cost(product, asked, vials, price, fees, minutes, as_of)
    prediction = _prediction(facts, patient, asked, dose, minutes)
    found = evidence(
        facts.studies.values(),
        facts.products,
        route=asked.route,
        mg_per_kg_per_28_day=_four_weeks(dose),
        weight_kg=patient.weight_kg,
    )
    given = situation(
        facts.conditions, patient, product, g_per_kg=_screened_g_per_kg(dose), ml=ml, risk=asked.risk
    )
    watched = monitoring(
        facts.guidance.values(),
        facts.instruments.values(),
        facts.studies.values(),
        route=asked.route,
        prediction=prediction,
        holds=lambda terms: read_all(terms, given).truth,
        review_week=patient.letter.review_week if patient.letter else None,
        stop_rule=patient.letter.stop_rule if patient.letter else None,
    )
    return Plan(
        asked=asked,
        patient=patient,
        product=product,
        off_label=_off_label(product, facts.products, patient, asked, dose),
        dose=dose,
        volume_ml=ml,
        alternatives=_alternatives(facts, product, asked, weight, price),
        vials=vials,
        no_vials=no_vials,
        administration=administration,
        after_reaction=_after(administration, asked.reaction),
        if_at_risk=_slower(slower, minutes),
        reaction_rules=facts.guidance[REACTIONS].statements if REACTIONS in facts.guidance else (),
        screening=screening,
        cost=cost,
        prediction=prediction,
        evidence=found,
        monitoring=watched,
        sources=_sources(product, weight, administration, screening, cost, prediction, found, watched),
    )


def _product(facts: PlanFacts, asked: PlanRequest) -> tuple[Product, float]:
    """The product and its strength in mg/mL."""
    product = facts.products[asked.product]
    strength = known(product.concentration_mg_per_ml)
    if asked.route not in product.routes:
        raise ValueError(
            f"route: {product.name} is made for {', '.join(product.routes)}, not for {asked.route}"
        )
    if strength is None:
        raise ValueError(f"product: the strength of {product.name} is not known")
    return product, strength


def _weight(patient: Patient, asked: PlanRequest) -> WeightChoice:
    return weight_choice(
        patient.weight_kg,
        patient.height_cm,
        patient.sex,
        pregnant=patient.conditions.get(PREGNANCY),
        pre_pregnancy_weight_kg=patient.pre_pregnancy_weight_kg,
        basis=asked.weight_basis,
    )


def _dose(
    facts: PlanFacts, product: Product, asked: PlanRequest, weight: WeightChoice, own: OwnPrice | None
) -> PlannedDose:
    per_kg = asked.dose.g_per_kg
    return planned_dose(
        g=None if per_kg is not None else dose_g(asked.dose, weight.kg, facts.products),
        g_per_kg=per_kg,
        weight=weight,
        interval_day=asked.interval_day,
        split_over_days=asked.split_over_days,
        cap_g=asked.cap_g,
        rounding=asked.rounding,
        vial_sizes_g=[size.grams for size in vial_sizes(product, own)],
        round_down_within=asked.round_down_within,
    )


def _vials(grams: float, product: Product, asked: PlanRequest, own: OwnPrice | None) -> VialSet:
    return vial_set(grams, vial_sizes(product, own), prefer=asked.prefer)


def _no_vials(product: Product) -> Refusal | None:
    """Why no vials can be chosen; None where they can."""
    if vial_sizes(product):
        return None
    return Refusal(
        f"vials not verified: which vials of {product.name} there are was not seen", product.sources
    )


def _administration(
    facts: PlanFacts,
    product: Product,
    patient: Patient,
    asked: PlanRequest,
    weight: WeightChoice,
    grams: float,
    *,
    at_risk: bool,
) -> InfusionPlan | SitePlan | Refusal:
    """How one infusion or injection of `grams` is given."""
    strength = known(product.concentration_mg_per_ml) or 0.0
    ml = ml_from_g(grams, strength)
    if asked.route == "im":
        return intramuscular_plan(product, grams, ml)
    if asked.route != "iv":
        return subcutaneous_plan(
            product,
            grams,
            ml,
            products=facts.products,
            weight_kg=patient.weight_kg,
            age_year=patient.age_year,
            indication=asked.indication,
            infusion_number=asked.infusion_number,
            interval_day=asked.interval_day,
            sites=asked.sites,
        )
    ramp = label_ramp(
        product,
        asked.indication,
        products=facts.products,
        infusion=asked.infusion,
        at_risk=at_risk,
        market=asked.market,
        own_cap=asked.own_cap,
        local=asked.local,
    )
    if isinstance(ramp, Refusal):
        return ramp
    return infusion_plan(ramp, grams, weight.kg, strength)


def _after(usual: InfusionPlan | SitePlan | Refusal, reaction: Reaction | None) -> InfusionPlan | None:
    """One infusion from a reaction on; the others, their cost and what they do to IgG stay as they were."""
    if reaction is None or not isinstance(usual, InfusionPlan):
        return None
    return after_reaction(
        usual,
        reaction.minute,
        pause_minutes=reaction.pause_minutes,
        resume=reaction.resume,
        raise_again=reaction.raise_again,
    )


def _slower(slower: InfusionPlan | SitePlan | Refusal | None, minutes: float | None) -> InfusionPlan | None:
    if minutes is None or not isinstance(slower, InfusionPlan) or slower.total_minutes <= minutes:
        return None
    return slower


def _screened_g_per_kg(dose: PlannedDose) -> float:
    """The dose per kg that hazards are held against: of the lighter weight, so none hides a high dose."""
    return dose.grams / min(dose.weight.kg, dose.weight.actual_kg)


def _cost(
    product: Product,
    asked: PlanRequest,
    vials: tuple[VialSet, ...],
    price: PriceList | OwnPrice | Refusal,
    fees: PriceList | None,
    minutes: float | None,
    as_of: date | None,
) -> PlanCost | Refusal:
    if isinstance(price, Refusal):
        return price
    return plan_cost(
        product,
        asked.route,
        vials,
        price,
        interval_day=asked.interval_day,
        doses=asked.doses,
        infusion_minutes=minutes,
        administration=fees,
        as_of=as_of,
    )


def _prediction(
    facts: PlanFacts, patient: Patient, asked: PlanRequest, dose: PlannedDose, minutes: float | None
) -> Prediction | NoPrediction:
    return predict(
        facts.models,
        patient,
        route=asked.route,
        grams=dose.grams,
        interval_day=dose.interval_day,
        infusion_day=None if minutes is None else minutes / (MINUTES_PER_HOUR * HOURS_PER_DAY),
        daily_parts=asked.split_over_days,
        indication=asked.indication,
    )


def _four_weeks(dose: PlannedDose) -> float | None:
    """mg/kg of actual body weight in 28 days."""
    if dose.interval_day is None:
        return None
    return dose.g_per_kg_actual * MG_PER_G * FOUR_WEEKS_DAY / dose.interval_day


def _alternatives(
    facts: PlanFacts,
    product: Product,
    asked: PlanRequest,
    weight: WeightChoice,
    price: PriceList | OwnPrice | Refusal,
) -> tuple[WeightAlternative, ...]:
    if asked.dose.g_per_kg is None:
        return ()
    found = []
    for choice in weight.choices:
        if choice.kg is None:
            found.append(WeightAlternative(choice, None, None))
            continue
        other = replace(weight, chosen=choice, kg=choice.kg)
        own = price if isinstance(price, OwnPrice) else None
        dose = _dose(facts, product, asked, other, own)
        vials = (
            ()
            if _no_vials(product)
            else tuple(_vials(grams, product, asked, own) for grams in dose.per_infusion_g)
        )
        cost = _no_vials(product) or _cost(product, asked, vials, price, None, None, None)
        found.append(
            WeightAlternative(choice, dose.grams, cost.drug_per_dose if isinstance(cost, PlanCost) else None)
        )
    return tuple(found)


def _off_label(
    product: Product,
    products: Mapping[str, Product],
    patient: Patient,
    asked: PlanRequest,
    dose: PlannedDose,
) -> str | None:
    """Why this use, this age or this dose is not on the product's label; None where nothing speaks so."""
    label = products[product.same_label_as] if product.same_label_as else product
    said = []
    if asked.indication is None:
        said.append("No immune globulin is labelled for ME/CFS or fibromyalgia.")
    else:
        uses = [
            use for use in label.uses if use.indication_code == asked.indication and use.route == asked.route
        ]
        if not uses:
            said.append(
                f"The label of {label.name} has no use by this route with the code {asked.indication}."
            )
        elif not any(use.sources for use in uses):
            said.append(f"This use of {label.name} was not verified.")
        else:
            said.extend(_outside_doses(label, uses, dose))
    youngest = known(product.minimum_age_year) or known(label.minimum_age_year)
    if youngest is not None and patient.age_year is not None and patient.age_year < youngest:
        said.append(f"The label of {label.name} begins at {youngest:g} years of age.")
    return " ".join(said) or None


def _outside_doses(label: Product, uses: Iterable[LabelledUse], dose: PlannedDose) -> Iterator[str]:
    """That no labelled dose of the use has this dose per kg, or none this interval."""
    stated = [
        each for use in uses for each in use.doses if each.seen == "stated" and each.g_per_kg is not None
    ]
    if not stated:
        return
    per_kg = round(dose.grams / dose.weight.kg, 6)
    low = min(each.g_per_kg.low for each in stated if each.g_per_kg)
    high = max(each.g_per_kg.high for each in stated if each.g_per_kg)
    if not low <= per_kg <= high:
        yield (
            f"The label of {label.name} states {low:g} to {high:g} g/kg for this use; this is"
            f" {per_kg:g} g/kg."
        )
    spans = [each.interval_day for each in stated if each.interval_day is not None]
    if dose.interval_day is not None and spans:
        first, last = min(span.low for span in spans), max(span.high for span in spans)
        if not first <= dose.interval_day <= last:
            yield (
                f"The label states {first:g} to {last:g} days from dose to dose; this is"
                f" {dose.interval_day:g}."
            )


def _sources(
    product: Product,
    weight: WeightChoice,
    administration: InfusionPlan | SitePlan | Refusal,
    screening: Screening,
    cost: PlanCost | Refusal,
    prediction: Prediction | NoPrediction,
    found: Evidence,
    watched: Monitoring,
) -> tuple[str, ...]:
    strength = product.concentration_mg_per_ml
    return tuple(
        dict.fromkeys(
            [
                *((strength.source,) if isinstance(strength, Cited) else ()),
                *weight.sources,
                *administration.sources,
                *(finding.source for finding in screening.findings),
                *((cost.source,) if isinstance(cost, PlanCost) and cost.source is not None else ()),
                *(cost.sources if isinstance(cost, Refusal) else ()),
                *(prediction.sources if isinstance(prediction, Prediction) else ()),
                *found.sources,
                *watched.sources,
            ]
        )
    )
