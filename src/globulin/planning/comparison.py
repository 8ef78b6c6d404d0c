"""Every regimen on one axis: a trial arm, a doctor's habit and a reference dose become the same kind of row.

For one body weight: how much is given, what it does to total IgG under each model, what the drug costs, and
how that relates to the doses that were tried in controlled trials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from globulin.dossier import Dossier
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import Cited, known
from globulin.dossier.study import RANDOMISED, Study
from globulin.dossier.treatment import Regimen, Route
from globulin.exposure.facts import catalogue
from globulin.exposure.prediction import Course, Rise, steady_state_rises
from globulin.planning.cost import DrugPrice, drug_prices
from globulin.planning.dosing import Amount, NoAmount, amount, dose_words
from globulin.units import HOURS_PER_DAY

Origin = Literal["trial", "series", "neighbour", "practitioner", "reference"]


@dataclass(frozen=True)
class RegimenCost:
    """What the drug alone costs over four weeks with one product."""

    price: DrugPrice
    per_28_day: float


@dataclass(frozen=True)
class RegimenRow:
    """One regimen, brought to the common axis."""

    id: str
    label: str
    origin: Origin
    study: str | None
    arm: str | None
    report: str | None
    route: Route | None
    amount: Amount | NoAmount
    rises: tuple[Rise, ...]
    """One per model; empty where there is no repeated dose, or no route."""
    cheapest: RegimenCost | None
    dearest: RegimenCost | None
    percent_of_trials: tuple[float, float] | None
    """Its four-week dose per kg as a percentage of the highest and of the lowest controlled trial arm."""
    sources: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def mean_rise_range(self) -> tuple[float, float] | None:
        """Lowest and highest mean rise (g/L) among the models."""
        means = [rise.mean_g_per_l for rise in self.rises]
        return (min(means), max(means)) if means else None

    @property
    def rise_sources(self) -> tuple[str, ...]:
        """Where the models behind the predicted rises were read, and the uptake that was lent to them."""
        return tuple(dict.fromkeys(source for rise in self.rises for source in rise.sources))


@dataclass(frozen=True)
class _Entry:
    id: str
    label: str
    origin: Origin
    regimen: Regimen
    sources: tuple[str, ...]
    study: str | None = None
    arm: str | None = None
    report: str | None = None
    notes: tuple[str, ...] = ()


def compare_regimens(dossier: Dossier, price_list: PriceList, weight_kg: float) -> tuple[RegimenRow, ...]:
    """All regimens of a dossier as rows: doctors' regimens, reference doses, then every study arm."""
    rows = [_row(entry, dossier, price_list, weight_kg) for entry in _entries(dossier)]
    rows = _with_rises(rows, dossier, weight_kg)
    tried = [
        row.amount.mg_per_kg_per_28_day
        for row in rows
        if row.origin == "trial" and isinstance(row.amount, Amount) and row.amount.mg_per_kg_per_28_day
    ]
    return tuple(_with_fraction(row, min(tried), max(tried)) for row in rows) if tried else tuple(rows)


def _entries(dossier: Dossier) -> Iterator[_Entry]:
    for named in dossier.regimens.values():
        yield _Entry(
            id=named.id,
            label=named.label,
            origin=named.origin,
            regimen=named.regimen,
            sources=_sources(named.regimen),
            report=named.report,
            notes=(named.why,),
        )
    by_year = sorted(dossier.studies.values(), key=lambda study: (study.citation.year or 9999, study.id))
    for study in by_year:
        for arm in study.arms:
            if arm.regimen is not None:
                yield _Entry(
                    id=f"{study.id}_{arm.id}",
                    label=f"{study.name}: {dose_words(arm.regimen) or arm.label}",
                    origin=_origin(study),
                    regimen=arm.regimen,
                    sources=_sources(arm.regimen) or study.sources,
                    study=study.id,
                    arm=arm.id,
                )


def _origin(study: Study) -> Origin:
    if study.condition_group == "neighbour":
        return "neighbour"
    return "trial" if study.design in RANDOMISED else "series"


def _sources(regimen: Regimen) -> tuple[str, ...]:
    facts = [regimen.route, *(fact for phase in regimen.phases for fact in (phase.dose, phase.interval_day))]
    return tuple(dict.fromkeys(fact.source for fact in facts if isinstance(fact, Cited)))


def _strength_sources(regimen: Regimen, dossier: Dossier) -> tuple[str, ...]:
    """Where the strength of a product was read, for a dose in mL of it."""
    dose = known(regimen.phases[-1].dose)
    strength = dossier.products[dose.of].concentration_mg_per_ml if dose and dose.of else None
    return (strength.source,) if isinstance(strength, Cited) else ()


def _row(entry: _Entry, dossier: Dossier, price_list: PriceList, weight_kg: float) -> RegimenRow:
    given = amount(entry.regimen, weight_kg, dossier.products)
    route = known(entry.regimen.route)
    costs: tuple[RegimenCost, ...] = ()
    if isinstance(given, Amount) and given.g_per_28_day is not None and route is not None:
        prices = drug_prices(dossier.products.values(), price_list, route)
        costs = tuple(RegimenCost(price, price.per_gram * given.g_per_28_day) for price in prices)
    return RegimenRow(
        id=entry.id,
        label=entry.label,
        origin=entry.origin,
        study=entry.study,
        arm=entry.arm,
        report=entry.report,
        route=route,
        amount=given,
        rises=(),
        cheapest=costs[0] if costs else None,
        dearest=costs[-1] if costs else None,
        percent_of_trials=None,
        sources=(*entry.sources, *_strength_sources(entry.regimen, dossier)),
        notes=(*entry.notes, *_notes(entry.regimen, given)),
    )


def _notes(regimen: Regimen, given: Amount | NoAmount) -> Iterator[str]:
    """The assumptions behind a row, in words."""
    if isinstance(given, NoAmount):
        yield f"No dose can be computed: {given.reason}."
        return
    for phase in regimen.phases:
        for fact in (phase.dose, phase.interval_day):
            if isinstance(fact, Cited) and fact.how == "assumed" and fact.formula:
                yield f"Assumed: {fact.formula}."
    if len(regimen.phases) > 1:
        yield "The dose rises or falls in steps; the row shows the last step, which goes on."
    if given.capped:
        yield f"Capped at {given.dose_g:g} g a dose."
    if given.interval_day is None:
        yield "Given as one course, so there is no steady state to predict."
    elif given.infusion_assumed:
        yield f"Infusion time not stated; {given.infusion_day * HOURS_PER_DAY:g} hours assumed."
    if regimen.note:
        yield regimen.note


def _with_rises(rows: list[RegimenRow], dossier: Dossier, weight_kg: float) -> list[RegimenRow]:
    """Rises for every row that repeats a dose by a known route, computed for all rows at once."""
    known = catalogue(dossier.kinetics)
    if known.muscle is None:
        return rows
    lanes: list[int] = []
    courses: list[Course] = []
    for index, row in enumerate(rows):
        given = row.amount
        if isinstance(given, Amount) and given.interval_day is not None and row.route is not None:
            lanes.append(index)
            courses.append(
                Course(
                    route=row.route,
                    dose_g=given.dose_g,
                    interval_day=given.interval_day,
                    infusion_day=given.infusion_day,
                    weight_kg=weight_kg,
                    daily_parts=given.daily_parts,
                )
            )
    filled = list(rows)
    for index, rises in zip(lanes, steady_state_rises(known, courses), strict=True):
        filled[index] = replace(filled[index], rises=rises)
    return filled


def _with_fraction(row: RegimenRow, lowest: float, highest: float) -> RegimenRow:
    if not isinstance(row.amount, Amount) or row.amount.mg_per_kg_per_28_day is None:
        return row
    dose = row.amount.mg_per_kg_per_28_day
    return replace(row, percent_of_trials=(100 * dose / highest, 100 * dose / lowest))
