"""From what was asked to a plan: person, regimen and price, each checked in the words of the options.

Whatever cannot be used is one line that names the option and what would do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from globulin.asked import InfusionAsked, PatientAsked, PriceAsked, RegimenAsked
from globulin.bedside import nearest
from globulin.dossier.patient import Patient
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import known
from globulin.dossier.treatment import Dose, NamedRegimen, Phase, Product, Route
from globulin.errors import InputError
from globulin.plan_shelf import PlanShelf
from globulin.planning.cost import drug_prices, newest_price_list
from globulin.planning.costing import OwnPrice
from globulin.planning.plan import (
    PREGNANCY,
    Plan,
    PlanRequest,
    Reaction,
    dose_and_hindrance,
    make_plan,
)
from globulin.planning.ramps import LocalPractice
from globulin.planning.ranking import RankedProduct, ranked
from globulin.planning.refusal import Refusal
from globulin.units import MG_PER_G

FEES = "us_administration_2025"
"""The list of fees for giving an infusion or injection."""

_ONE_LINE = "globulin plan --template prints the list"


def patient_asked(shelf: PlanShelf, asked: PatientAsked, file: Path | None = None) -> Patient:
    """The person of a file, of the options, or of both; the options go first.

    Raises FaultsError for the faults of a file, InputError for those of an option.
    """
    given: dict[str, Any] = {}
    if file is not None:
        from globulin.formats.patient_file import read_patient

        given = read_patient(file, shelf.conditions).model_dump(exclude_unset=True)
    said = {
        "weight_kg": asked.weight_kg,
        "height_cm": asked.height_cm,
        "sex": asked.sex,
        "age_year": asked.age_year,
        "baseline_igg_g_per_l": asked.baseline_g_per_l,
        "pre_pregnancy_weight_kg": asked.pre_pregnancy_weight_kg,
    }
    given.update({name: value for name, value in said.items() if value is not None})
    given.setdefault("label", "this person")
    if "weight_kg" not in given:
        raise InputError("--weight-kg is missing: a dose is worked out on this person's body weight, in kg")
    given["conditions"] = {**given.get("conditions", {}), **_answers(shelf, asked)}
    _check_sex(shelf, given)
    if asked.pre_pregnancy_weight_kg is not None and not given["conditions"].get(PREGNANCY):
        raise InputError("--pre-pregnancy-weight-kg counts in pregnancy only; give --has pregnancy too")
    try:
        return Patient.model_validate(given)
    except ValidationError as problem:
        fault = problem.errors(include_url=False)[0]
        name = _PATIENT_OPTIONS.get(str(fault["loc"][0]), str(fault["loc"][0]))
        raise InputError(
            f"{_dashed(name)} {fault['input']}: {fault['msg'].replace('Input should be', 'must be')}"
        ) from problem


def _check_sex(shelf: PlanShelf, given: Mapping[str, Any]) -> None:
    for name, answer in given["conditions"].items():
        condition = shelf.conditions[name]
        if answer and condition.sex is not None and given.get("sex") not in (None, condition.sex):
            raise InputError(f"--has: {name} is only of people whose --sex is {condition.sex}")


_PATIENT_OPTIONS = {"baseline_igg_g_per_l": "baseline_g_per_l"}


def _answers(shelf: PlanShelf, asked: PatientAsked) -> dict[str, bool]:
    """What the options say of conditions. A condition in both lists is a fault."""
    answers: dict[str, bool] = {}
    for option, answer in (("has", True), ("has_not", False)):
        for name in _words(getattr(asked, option)):
            if name not in shelf.conditions:
                raise InputError(
                    f"{_dashed(option)}: no condition '{name}'{nearest(name, shelf.conditions)}; {_ONE_LINE}"
                )
            if answers.setdefault(name, answer) != answer:
                raise InputError(f"--has-not: {name} is in --has too; name it in one of them")
    return answers


def _words(text: str | None) -> list[str]:
    return [word for part in (text or "").split(",") if (word := part.strip())]


def request_asked(
    shelf: PlanShelf, regimen: RegimenAsked, infusion: InfusionAsked, risk: str | None, product: str
) -> PlanRequest:
    """What the options ask for of one product. Raises InputError for what makes no sense."""
    if product not in shelf.products:
        raise InputError(f"--product: no product '{product}'{nearest(product, shelf.products)}")
    _check_counts(regimen, infusion)
    named = _named(shelf, regimen.regimen)
    made = shelf.products[product]
    if infusion.indication is not None:
        codes = {use.indication_code for each in shelf.products.values() for use in each.uses}
        if infusion.indication not in codes:
            raise InputError(
                f"--indication: no label has the use '{infusion.indication}'"
                f"{nearest(infusion.indication, codes)}; leave it out for ME/CFS and fibromyalgia"
            )
    phase = named.regimen.phases[-1] if named is not None else None
    interval = _interval(regimen, known(phase.interval_day) if phase else None, phase is not None)
    route = _route(regimen, made, known(named.regimen.route) if named else None)
    _check_way(infusion, route)
    return PlanRequest(
        product=product,
        route=route,
        dose=_dose(regimen, product, phase),
        interval_day=interval,
        split_over_days=regimen.split_over_days or (phase.split_over_days if phase else 1),
        doses=regimen.doses or (known(phase.doses) if phase else None) or (1 if interval is None else None),
        cap_g=regimen.cap_g or (known(named.regimen.cap_g) if named and named.regimen.cap_g else None),
        regimen=named.label if named is not None else None,
        indication=infusion.indication,
        infusion_number=_number(infusion),
        weight_basis=regimen.weight_basis,
        rounding=regimen.rounding,
        risk=tuple(_words(risk)),
        own_cap=infusion.max_rate_mg_per_kg_min,
        local=_local(infusion),
        reaction=_reaction(infusion),
        sites=infusion.sites,
    )


_WHOLE = ("split_over_days", "doses", "cap_g")
_BY_VEIN = ("max_rate_mg_per_kg_min", "step_minutes", "step_factor", "reaction_at")


def _check_counts(regimen: RegimenAsked, infusion: InfusionAsked) -> None:
    for record, names in ((regimen, _WHOLE), (infusion, ("sites",))):
        for name in names:
            value = getattr(record, name)
            if value is not None and not 0 < value < float("inf"):
                raise InputError(f"{_dashed(name)} {value:g}: give a number above 0")
    if regimen.once and regimen.doses not in (None, 1):
        raise InputError("--once is a single course; leave --doses away, or give --interval-day in its place")


def _check_way(infusion: InfusionAsked, route: Route) -> None:
    """Options that say how it is given by another route than this one are refused, not passed over."""
    if route == "iv" and infusion.sites is not None:
        raise InputError("--sites is for doses under the skin; this one goes into a vein")
    for name in _BY_VEIN:
        if route != "iv" and getattr(infusion, name) is not None:
            raise InputError(f"{_dashed(name)} is for infusions into a vein; this dose is given by {route}")


def _named(shelf: PlanShelf, identifier: str | None) -> NamedRegimen | None:
    if identifier is None:
        return None
    if identifier not in shelf.regimens:
        raise InputError(f"--regimen: no regimen '{identifier}'{nearest(identifier, shelf.regimens)}")
    return shelf.regimens[identifier]


def _route(asked: RegimenAsked, product: Product, named: Route | None) -> Route:
    route = asked.route or named
    if route is None and len(product.routes) == 1:
        return product.routes[0]
    if route is None:
        raise InputError(f"--route is missing: {product.name} is made for {' and '.join(product.routes)}")
    if route not in product.routes:
        raise InputError(
            f"--route: {product.name} is made for {' and '.join(product.routes)}, not for {route}; choose"
            " another product or route"
        )
    return route


_DOSES = ("dose_g", "dose_g_per_kg", "dose_mg_per_kg", "dose_ml")


def _dose(asked: RegimenAsked, product: str, phase: Phase | None) -> Dose:
    given = [name for name in _DOSES if getattr(asked, name) is not None]
    if len(given) > 1:
        raise InputError(f"{_dashed(given[0])} and {_dashed(given[1])} both say the dose; give one of them")
    if not given:
        dose = known(phase.dose) if phase is not None else None
        if dose is None:
            raise InputError(
                f"the dose is missing: give --regimen or one of {', '.join(map(_dashed, _DOSES))}"
            )
        return dose
    name = given[0]
    value = getattr(asked, name)
    if not 0 < value < float("inf"):
        raise InputError(f"{_dashed(name)} {value:g}: give a dose above 0")
    if name == "dose_ml":
        return Dose(ml=value, of=product)
    if name == "dose_g":
        return Dose(g=value)
    return Dose(g_per_kg=value if name == "dose_g_per_kg" else value / MG_PER_G)


def _interval(asked: RegimenAsked, named: float | None, from_regimen: bool) -> float | None:
    if asked.once:
        if asked.interval_day is not None:
            raise InputError("--once and --interval-day cannot both hold; give one of them")
        return None
    if asked.interval_day is not None:
        if not 0 < asked.interval_day <= _LONGEST_INTERVAL_DAY:
            raise InputError(
                f"--interval-day {asked.interval_day:g}: give the days from one dose to the next,"
                f" above 0 and up to {_LONGEST_INTERVAL_DAY:g}"
            )
        return asked.interval_day
    if named is None and not from_regimen:
        raise InputError("--interval-day is missing: how many days from one dose to the next? Or give --once")
    return named


_LONGEST_INTERVAL_DAY = 366.0


def _number(asked: InfusionAsked) -> int:
    if asked.first and asked.later:
        raise InputError("--first and --later cannot both hold; give one of them")
    if asked.infusion_number is not None:
        if asked.infusion_number < 1:
            raise InputError(f"--infusion-number {asked.infusion_number}: the first infusion is 1")
        if (asked.first and asked.infusion_number > 1) or (asked.later and asked.infusion_number == 1):
            raise InputError("--infusion-number says something else than --first or --later; leave one away")
        return asked.infusion_number
    return _SETTLED_INFUSION if asked.later else 1


_SETTLED_INFUSION = 100
"""`--later` without a number: an infusion for which no label has a limit of its own any more."""


def _local(asked: InfusionAsked) -> LocalPractice | None:
    if asked.step_minutes is None and asked.step_factor is None:
        return None
    given = {"step_minutes": asked.step_minutes, "factor": asked.step_factor}
    try:
        return LocalPractice(**{name: value for name, value in given.items() if value is not None})
    except ValueError as problem:
        words = str(problem).replace("factor:", "--step-factor:").replace("step_minutes:", "--step-minutes:")
        raise InputError(words) from problem


def _reaction(asked: InfusionAsked) -> Reaction | None:
    if asked.reaction_at is None:
        for name in ("pause_minutes", "resume"):
            if getattr(asked, name) is not None:
                raise InputError(f"{_dashed(name)} is about a reaction; give --reaction-at too")
        if asked.raise_again:
            raise InputError("--raise-again is about a reaction; give --reaction-at too")
        return None
    return Reaction(
        asked.reaction_at,
        30.0 if asked.pause_minutes is None else asked.pause_minutes,
        asked.resume or "previous",
        asked.raise_again,
    )


def price_asked(shelf: PlanShelf, asked: PriceAsked) -> PriceList | OwnPrice | Refusal:
    """The price list that was named, the newest of the dossier, or a price of one's own."""
    own = asked.price_per_g is not None or asked.price_per_vial is not None
    if own:
        if asked.price_list is not None:
            raise InputError("--price-list and a price of one's own are never mixed; give one of them")
        return _own_price(asked)
    if asked.currency is not None:
        raise InputError("--currency is that of a price of one's own; give --price-per-g or --price-per-vial")
    if asked.price_list is None:
        return newest_price_list(shelf.prices.values()) or Refusal("the dossier has no price list of drugs")
    from globulin.price_store import price_lists

    every = price_lists(shelf.prices)
    if asked.price_list not in every:
        raise InputError(
            f"--price-list: no price list '{asked.price_list}'{nearest(asked.price_list, every)}"
        )
    return every[asked.price_list]


def _own_price(asked: PriceAsked) -> OwnPrice:
    if asked.currency is None:
        raise InputError("--currency is missing: in which money is the price, such as USD?")
    if not re.fullmatch(r"[A-Za-z]{3}", asked.currency):
        raise InputError(f"--currency '{asked.currency}': give its three letters, such as USD")
    if asked.price_per_g is not None and asked.price_per_vial is not None:
        raise InputError("--price-per-g and --price-per-vial both say the price; give one of them")
    try:
        if asked.price_per_g is not None:
            return OwnPrice(asked.currency.upper(), per_gram=asked.price_per_g)
        return OwnPrice(asked.currency.upper(), per_vial=_vial_prices(asked.price_per_vial or ""))
    except ValueError as problem:
        raise InputError(f"--price-per-g or --price-per-vial: {problem}") from problem


def _vial_prices(text: str) -> dict[float, float]:
    prices: dict[float, float] = {}
    for pair in _words(text):
        grams, _, price = pair.partition("=")
        try:
            size, each = float(grams), float(price)
        except ValueError:
            raise InputError(f"--price-per-vial: '{pair}' is not grams=price, as in 5=460,10=910") from None
        if size in prices:
            raise InputError(f"--price-per-vial: the vial of {size:g} g has two prices")
        prices[size] = each
    if not prices:
        raise InputError("--price-per-vial: give grams=price, as in 5=460,10=910")
    return prices


def planned(
    shelf: PlanShelf, patient: Patient, request: PlanRequest, price: PriceList | OwnPrice | Refusal
) -> Plan:
    """The plan. Raises InputError, one line in the words of the options, for what cannot be planned."""
    try:
        return make_plan(shelf, patient, request, price=price, fees=shelf.prices.get(FEES))
    except ValueError as problem:
        raise as_plan_option(problem) from problem


def as_plan_option(problem: ValueError) -> InputError:
    """A fault of an argument in the words of the options."""
    said = re.fullmatch(r"(\w+)(:| must) ?(.*)", str(problem), re.DOTALL)
    if said is None or said[1] not in _ARGUMENTS:
        return InputError(str(problem))
    return InputError(f"{_ARGUMENTS[said[1]]}{said[2]} {said[3]}")


_ARGUMENTS = {
    "basis": "--weight-basis",
    "minute": "--reaction-at",
    "pause_minutes": "--pause-minutes",
    "own_cap": "--max-rate-mg-per-kg-min",
    "split_over_days": "--split-over-days",
    "risk": "--risk",
    "sites": "--sites",
    "route": "--route",
    "product": "--product",
    "dose_g": "the dose",
    "g": "--dose-g",
    "g_per_kg": "--dose-g-per-kg",
    "cap_g": "--cap-g",
    "doses": "--doses",
    "interval_day": "--interval-day",
}


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


_DOSE_WORDS = re.compile(r"(\d+(?:\.\d+)?)\s*(g/kg|mg/kg|g|ml|cc)", re.IGNORECASE)
_DAY_WORDS = re.compile(r"(\d+(?:\.\d+)?)\s*d?", re.IGNORECASE)
_UNIT_OPTIONS = {
    "g/kg": "dose_g_per_kg",
    "mg/kg": "dose_mg_per_kg",
    "g": "dose_g",
    "ml": "dose_ml",
    "cc": "dose_ml",
}


def option_asked(shelf: PlanShelf, text: str) -> RegimenAsked:
    """One of the things to compare: `PRODUCT:REGIMEN` or `PRODUCT:ROUTE:DOSE:INTERVAL[:DAYS]`.

    `0d` or `once` as the interval: a single course. Raises InputError with the part that is not understood.
    """
    product, *rest = [part.strip() for part in text.split(":")]
    if len(rest) == 1:
        if rest[0] not in shelf.regimens:
            raise InputError(f"--option {text}: no regimen '{rest[0]}'{nearest(rest[0], shelf.regimens)}")
        return RegimenAsked(product=product, regimen=rest[0])
    if len(rest) not in (3, 4):
        raise InputError(
            f"--option {text}: give PRODUCT:REGIMEN or PRODUCT:ROUTE:DOSE:INTERVAL[:DAYS], as"
            " privigen:iv:0.4g/kg:28d"
        )
    route, dose, interval = rest[0], _DOSE_WORDS.fullmatch(rest[1]), rest[2].lower()
    if route not in get_args(Route):
        raise InputError(f"--option {text}: '{route}' is no route; give {', '.join(get_args(Route))}")
    if dose is None:
        raise InputError(f"--option {text}: '{rest[1]}' is no dose; give it as 0.4g/kg, 400mg/kg, 20g or 2ml")
    days = _DAY_WORDS.fullmatch(interval)
    if days is None and interval != "once":
        raise InputError(f"--option {text}: '{rest[2]}' is no interval; give it as 28d, or once")
    parts = _DAY_WORDS.fullmatch(rest[3]) if len(rest) == 4 else None
    if len(rest) == 4 and (parts is None or not float(parts[1]).is_integer()):
        raise InputError(f"--option {text}: '{rest[3]}' is no number of days")
    said: dict[str, Any] = {_UNIT_OPTIONS[dose[2].lower()]: float(dose[1])}
    return RegimenAsked(
        product=product,
        route=route,  # type: ignore[arg-type]
        interval_day=None if days is None else float(days[1]),
        once=days is None,
        split_over_days=None if parts is None else int(float(parts[1])),
        **said,
    )


def ranking_asked(
    shelf: PlanShelf,
    patient: Patient,
    regimen: RegimenAsked,
    infusion: InfusionAsked,
    risk: str | None,
    price: PriceList | OwnPrice | Refusal,
) -> tuple[RankedProduct, ...]:
    """Every product of the route for this person and dose, best fit first."""
    named = _named(shelf, regimen.regimen)
    route = regimen.route or (known(named.regimen.route) if named else None)
    if route is None:
        raise InputError("--product is missing; to rank products give --route and a dose, or --regimen")
    if regimen.dose_ml is not None:
        raise InputError("--dose-ml is of a product; to rank products give the dose in grams")
    products = [product for product in shelf.products.values() if route in product.routes]
    grams = per_kg = 0.0
    whys: dict[str, str | None] = {}
    for product in products:
        request = request_asked(shelf, replace(regimen, route=route), infusion, risk, product.id)
        try:
            dose, whys[product.id] = dose_and_hindrance(shelf, patient, request)
        except ValueError as problem:
            raise as_plan_option(problem) from problem
        grams = max(grams, dose.grams)
        per_kg = max(per_kg, dose.grams / min(dose.weight.kg, dose.weight.actual_kg))
    if isinstance(price, PriceList):
        prices = {each.product: each.per_gram for each in drug_prices(products, price, route)}
    else:
        own = price.per_gram if isinstance(price, OwnPrice) else None
        prices = {} if own is None else {product.id: own for product in products}
    return ranked(
        shelf,
        patient,
        products,
        route=route,
        grams=grams,
        g_per_kg=per_kg,
        why_not=lambda product: whys[product.id],
        price_per_g=prices,
        currency="" if isinstance(price, Refusal) else price.currency,
        risk=tuple(_words(risk)),
    )
