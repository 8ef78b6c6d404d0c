"""How much a regimen gives: grams per dose, per four weeks and per course, for a body weight.

Every regimen, whoever it comes from, is brought to mg/kg per 28 days, the one axis they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from globulin.dossier.provenance import Cited, Missing, known
from globulin.dossier.treatment import Dose, Phase, Product, Regimen
from globulin.units import FOUR_WEEKS_DAY, MG_PER_G, WEEK_DAY, g_from_ml

DEFAULT_INFUSION_DAY = 0.25
"""Six hours: taken for a dose by vein where the study or doctor states no duration."""


@dataclass(frozen=True)
class Amount:
    """How much a regimen gives to a person of `weight_kg`.

    `interval_day` and the four-week amounts are None for a single course. Doses are those of the phase that
    goes on; `course_g` is the whole course where its length is known.
    """

    weight_kg: float
    dose_g: float
    interval_day: float | None
    g_per_28_day: float | None
    mg_per_kg_per_28_day: float | None
    course_g: float | None
    course_day: float | None
    daily_parts: int
    """Over how many consecutive days a dose is split."""
    infusion_day: float
    """How long each infusion runs; only meaningful by vein."""
    infusion_assumed: bool
    capped: bool


@dataclass(frozen=True)
class NoAmount:
    """Why no amount can be computed."""

    reason: str


def dose_g(dose: Dose, weight_kg: float, products: Mapping[str, Product]) -> float:
    """Grams of one dose. Raises ValueError if the named product's concentration is not known."""
    if dose.g is not None:
        return dose.g
    if dose.g_per_kg is not None:
        return dose.g_per_kg * weight_kg
    if dose.ml is None or dose.of is None:
        raise ValueError("a dose without a unit")
    concentration = known(products[dose.of].concentration_mg_per_ml)
    if concentration is None:
        raise ValueError(f"the concentration of {dose.of} is not known")
    return g_from_ml(dose.ml, concentration)


def dose_words(regimen: Regimen) -> str | None:
    """The dose that goes on, in a few words, as in `2 g/kg every 30 days`; None if it is not known."""
    last = regimen.phases[-1]
    dose, interval = known(last.dose), known(last.interval_day)
    if dose is None:
        return None
    if dose.g_per_kg is not None:
        much = f"{dose.g_per_kg:g} g/kg"
    else:
        much = f"{dose.g:g} g" if dose.g is not None else f"{dose.ml:g} mL"
    if last.split_over_days > 1:
        much += f" over {last.split_over_days} days"
    if interval is None:
        return f"{much}, one course"
    return f"{much} a week" if interval == WEEK_DAY else f"{much} every {interval:g} days"


def amount(regimen: Regimen, weight_kg: float, products: Mapping[str, Product]) -> Amount | NoAmount:
    """What a regimen amounts to for a body weight, or why that cannot be said."""
    last = regimen.phases[-1]
    if isinstance(last.dose, Missing):
        return NoAmount(last.dose.missing)
    if not last.dose.computable:
        return NoAmount("the dose is unverified")
    cap = known(regimen.cap_g) if regimen.cap_g is not None else None
    if cap is None and isinstance(regimen.cap_g, Cited):
        return NoAmount("the cap of the dose is unverified")
    product = last.dose.value.of
    if product is not None and known(products[product].concentration_mg_per_ml) is None:
        return NoAmount(f"the strength of {products[product].name} is not known")
    grams = dose_g(last.dose.value, weight_kg, products)
    capped = cap is not None and grams > cap
    grams = min(grams, cap) if cap is not None else grams
    interval = known(last.interval_day)
    per_28 = None if interval is None else grams * FOUR_WEEKS_DAY / interval
    course = _course(regimen.phases, weight_kg, products, cap)
    stated = last.infusion_day
    return Amount(
        weight_kg=weight_kg,
        dose_g=grams,
        interval_day=interval,
        g_per_28_day=per_28,
        mg_per_kg_per_28_day=None if per_28 is None else per_28 * MG_PER_G / weight_kg,
        course_g=None if course is None else course[0],
        course_day=None if course is None else course[1],
        daily_parts=last.split_over_days,
        infusion_day=stated if stated is not None else DEFAULT_INFUSION_DAY,
        infusion_assumed=stated is None and known(regimen.route) == "iv",
        capped=capped,
    )


def _course(
    phases: tuple[Phase, ...], weight_kg: float, products: Mapping[str, Product], cap: float | None
) -> tuple[float, float] | None:
    """Grams and days of the whole course; None where a dose or the number of doses is not known."""
    total = days = 0.0
    for phase in phases:
        dose, doses = known(phase.dose), known(phase.doses)
        if dose is None or doses is None:
            return None
        if dose.of is not None and known(products[dose.of].concentration_mg_per_ml) is None:
            return None
        interval = known(phase.interval_day)
        if interval is None and doses > 1:
            return None
        grams = dose_g(dose, weight_kg, products)
        total += doses * (min(grams, cap) if cap is not None else grams)
        days += doses * (interval if interval is not None else phase.split_over_days)
    return total, days
