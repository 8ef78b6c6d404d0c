"""What one plan costs: vials that are opened, what of them is thrown away and, apart, fees for giving it.

Prices come from one dated list or from whoever plans; lists are never mixed and no currency is converted.
What a list does not price stays unknown: a sum is given only where every part of it has a price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, fsum, isfinite

from globulin.dossier.price import Price, PriceList
from globulin.dossier.provenance import known
from globulin.dossier.treatment import Product, Route
from globulin.planning.cost import drug_prices
from globulin.planning.refusal import Refusal
from globulin.planning.vials import VialSet, VialSize
from globulin.units import FOUR_WEEKS_DAY

YEAR_DAY = 365.25

OVER_10_ML = {"J1460": "J1560"}
"""The US code that takes over where more than 10 mL (10 cc) is injected into muscle at once, as the codes'
own descriptions say ("Gamma globulin 1 cc inj", "Gamma globulin > 10 cc inj")."""
LARGE_INJECTION_ML = 10.0

FIRST_HOUR_CODE = "96365"
FURTHER_HOUR_CODE = "96366"
OTHER_CODES: dict[Route, str] = {"im": "96372", "sc": "96369-96371", "fsc": "96369-96371"}
"""US codes for giving it. By vein: one first hour from 16 to 90 minutes; a further hour only above 90
minutes, for each hour of which more than 30 minutes were used (codingahead_2026)."""
SHORTEST_FIRST_HOUR_MIN = 15.0
LONGEST_FIRST_HOUR_MIN = 90.0
HOUR_MIN = 60.0

OWN_PRICE = "own price"


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A price that the user gives: per gram, or per vial as price by grams in it; exactly one of the two."""

    currency: str
    per_gram: float | None = None
    per_vial: Mapping[float, float] | None = None
    date_words: str = "no date given"
    name: str = OWN_PRICE

    def __post_init__(self) -> None:
        if (self.per_gram is None) == (self.per_vial is None):
            raise ValueError("an own price is either per_gram or per_vial")
        for price in (self.per_gram,) if self.per_gram is not None else (self.per_vial or {}).values():
            if not (isfinite(price) and price > 0):
                raise ValueError(f"an own price must be above 0, not {price:g}")


@dataclass(frozen=True, slots=True)
class PlanCost:
    """Money for the drug and, apart from it, for giving it. All in `currency`.

    `drug_per_infusion`: the vials opened for one infusion, waste in it (the mean where infusions differ);
    `drug_before_waste_per_infusion`: what is given of them; `waste_money_per_infusion`: the rest.
    `drug_per_dose`: all infusions of one interval. Per 28 days and per year (365.25 days): None for a single
    course; per course: None where the number of doses is not known. `administration_per_infusion`: None where
    a part of it has no price; `administration_note` says what is in it or what is missing. `price_per_g`: of
    the grams opened. `code`: the list's key of the price; None for an own price. `source`: of the price list.
    """

    drug_per_infusion: float
    drug_before_waste_per_infusion: float
    waste_money_per_infusion: float
    waste_g_per_infusion: float
    drug_per_dose: float
    drug_per_28_days: float | None
    drug_per_year: float | None
    drug_per_course: float | None
    administration_per_infusion: float | None
    administration_note: str
    currency: str
    price_list: str
    price_date: str
    price_per_g: float
    code: str | None
    source: str | None
    notes: tuple[str, ...]


def vial_sizes(product: Product, own: OwnPrice | None = None) -> tuple[VialSize, ...]:
    """The package sizes of a product that a source states, each with the user's own price where given."""
    return tuple(
        VialSize(vial.g, vial.ml, None if own is None else _own_vial_price(own, vial.g))
        for vial in product.vials
        if vial.seen != "unverified"
    )


def own_price_in(prices: PriceList, product: Product) -> OwnPrice | None:
    """The prices that a list of one's own has for a product, by its id; None where it has none.

    A vial without a price of its own has that of its grams, where the list has a price for one gram.
    """
    lines = {
        line.amount: line.price
        for line in prices.prices
        if line.code == product.id and line.unit == "g" and line.price is not None
    }
    if not lines:
        return None
    gram = lines.get(1.0)
    per_vial = {
        size.grams: price
        for size in vial_sizes(product)
        if (price := lines.get(size.grams, None if gram is None else gram * size.grams)) is not None
    }
    return OwnPrice(prices.currency, per_vial=per_vial, date_words=prices.date_words, name=prices.id)


def plan_cost(
    product: Product,
    route: Route,
    vials: Sequence[VialSet],
    price: PriceList | OwnPrice,
    *,
    interval_day: float | None,
    doses: int | None = None,
    infusion_minutes: float | None = None,
    administration: PriceList | None = None,
    as_of: date | None = None,
) -> PlanCost | Refusal:
    """What a plan costs; a Refusal where the price has nothing for this product, route or vial.

    `vials`: one set for each infusion of one dose. `interval_day` (days) from dose to dose, None for a single
    course. `doses`: how many doses the course has. `infusion_minutes`: how long one infusion by vein runs.
    `administration`: the list of fees for giving it. `as_of`: the day of the plan, so that a price list that
    is not valid then is called so.

    Raises ValueError without an infusion, for an interval, number of doses or time that is not above zero,
    and for an `administration` that is not a list of fees.
    """
    _check(vials, interval_day, doses, infusion_minutes, administration)
    opened = []
    for one in vials:
        paid = _own(one, price) if isinstance(price, OwnPrice) else _listed(product, route, one, price)
        if isinstance(paid, Refusal):
            return paid
        opened.append(paid)
    dose_money = fsum(paid.money for paid in opened)
    waste_money = fsum(paid.money * one.waste_g / one.grams for paid, one in zip(opened, vials, strict=True))
    fee, fee_note = _fee(route, infusion_minutes, administration, price.currency)
    notes = dict.fromkeys(note for paid in opened for note in paid.notes)
    return PlanCost(
        drug_per_infusion=dose_money / len(vials),
        drug_before_waste_per_infusion=(dose_money - waste_money) / len(vials),
        waste_money_per_infusion=waste_money / len(vials),
        waste_g_per_infusion=fsum(one.waste_g for one in vials) / len(vials),
        drug_per_dose=dose_money,
        drug_per_28_days=None if interval_day is None else dose_money * FOUR_WEEKS_DAY / interval_day,
        drug_per_year=None if interval_day is None else dose_money * YEAR_DAY / interval_day,
        drug_per_course=None if doses is None else dose_money * doses,
        administration_per_infusion=fee,
        administration_note=fee_note,
        currency=price.currency,
        price_list=price.name if isinstance(price, OwnPrice) else price.id,
        price_date=price.date_words,
        price_per_g=dose_money / fsum(one.grams for one in vials),
        code=opened[0].code,
        source=None if isinstance(price, OwnPrice) else price.source,
        notes=(*notes, *(() if isinstance(price, OwnPrice) else _not_valid(price, as_of))),
    )


@dataclass(frozen=True, slots=True)
class _Paid:
    """What the vials of one infusion cost."""

    money: float
    code: str | None = None
    notes: tuple[str, ...] = ()


def _check(
    vials: Sequence[VialSet],
    interval_day: float | None,
    doses: int | None,
    infusion_minutes: float | None,
    administration: PriceList | None,
) -> None:
    if not vials:
        raise ValueError("vials must hold one set for each infusion")
    for name, value in (
        ("interval_day", interval_day),
        ("doses", doses),
        ("infusion_minutes", infusion_minutes),
    ):
        if value is not None and not (isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a number above 0, not {value:g}")
    if administration is not None and administration.kind != "administration":
        raise ValueError(f"administration must be a list of fees for giving it, not {administration.id}")


def _own_vial_price(own: OwnPrice, grams: float) -> float | None:
    if own.per_gram is not None:
        return own.per_gram * grams
    return (own.per_vial or {}).get(grams)


def _own(vials: VialSet, own: OwnPrice) -> _Paid | Refusal:
    paid = []
    for vial in vials.vials:
        each = _own_vial_price(own, vial.grams)
        if each is None:
            return Refusal(f"no own price was given for the vial of {vial.grams:g} g")
        paid.append(vial.count * each)
    return _Paid(fsum(paid))


def _listed(product: Product, route: Route, vials: VialSet, prices: PriceList) -> _Paid | Refusal:
    found = drug_prices((product,), prices, route) if prices.kind == "drug" else ()
    if not found:
        return _no_price(_why_no_price(product, route, prices), prices)
    price = found[0]
    if price.list_unit != "ml":
        return _Paid(price.per_gram * vials.grams, price.code, _second_hand(prices, price.code))
    per_ml = price.list_price / price.list_amount
    given_ml = round(vials.ml * vials.given_g / vials.grams, 9)
    over = OVER_10_ML.get(price.code)
    if over is None or given_ml <= LARGE_INJECTION_ML:
        return _Paid(per_ml * vials.ml, price.code, _second_hand(prices, price.code))
    line = _line(prices, over)
    if line is None or line.price is None or line.unit != "ml":
        return _no_price(f"more than {LARGE_INJECTION_ML:g} mL is counted by the code {over}", prices)
    lower = line.price / line.amount
    note = (
        f"More than {LARGE_INJECTION_ML:g} mL is given at once, which the list counts by the code {over}:"
        f" {lower:.2f} {prices.currency} per mL. Up to {LARGE_INJECTION_ML:g} mL it is {price.code}:"
        f" {per_ml:.2f} {prices.currency} per mL."
    )
    return _Paid(lower * vials.ml, over, (note, *_second_hand(prices, over)))


def _line(prices: PriceList, code: str) -> Price | None:
    """The line of a code whose price was seen."""
    return next(
        (
            line
            for line in prices.prices
            if line.code == code and line.price is not None and line.seen != "unverified"
        ),
        None,
    )


def _second_hand(prices: PriceList, code: str) -> tuple[str, ...]:
    line = _line(prices, code)
    if line is None or line.seen == "full_text":
        return ()
    return (f"The price of code {code} was not read in the list itself but in another document about it.",)


def _no_price(why: str, prices: PriceList) -> Refusal:
    return Refusal(f"no price in the list {prices.title} ({prices.date_words}): {why}", (prices.source,))


def _why_no_price(product: Product, route: Route, prices: PriceList) -> str:
    code = known(product.hcpcs)
    if prices.kind != "drug":
        return "it lists fees for giving a drug, not drugs"
    if route not in product.routes:
        return f"{product.name} is not labelled for this route"
    if code is None:
        return f"no billing code of {product.name} was verified"
    if _line(prices, code) is None:
        return f"it has no price for {product.name}, code {code}"
    return f"the price of {product.name} cannot be brought to grams"


def _not_valid(prices: PriceList, as_of: date | None) -> tuple[str, ...]:
    start, end = prices.effective_from, prices.effective_to
    if as_of is None or ((start is None or start <= as_of) and (end is None or as_of <= end)):
        return ()
    return (f"The price list is of {prices.date_words}; it is not valid on {as_of.isoformat()}.",)


def _fee(
    route: Route, minutes: float | None, fees: PriceList | None, currency: str
) -> tuple[float | None, str]:
    """The fee for giving one infusion, and what is in it or missing."""
    if fees is None:
        return None, "Not known: no list of fees for giving it was chosen."
    if fees.currency != currency:
        return None, f"Not known in {currency}: the fees are in {fees.currency} and nothing is converted."
    if route == "iv":
        return _fee_by_vein(minutes, fees)
    code = OTHER_CODES[route]
    line = _line(fees, code)
    if line is None or line.price is None:
        return None, f"Not known: the list has no price for giving it (code {code})."
    return line.price, f"For giving it: {_words(line, fees)}."


def _fee_by_vein(minutes: float | None, fees: PriceList) -> tuple[float | None, str]:
    if minutes is None:
        return None, "Not known: the time of the infusion is not known."
    if minutes <= SHORTEST_FIRST_HOUR_MIN:
        return (
            None,
            f"Not known: an infusion of {SHORTEST_FIRST_HOUR_MIN:g} minutes or less has another code.",
        )
    first, further = _line(fees, FIRST_HOUR_CODE), _line(fees, FURTHER_HOUR_CODE)
    if first is None or first.price is None:
        return None, f"Not known: the list has no price for the first hour (code {FIRST_HOUR_CODE})."
    said = f"First hour: {_words(first, fees)}."
    # to a nanominute: a rate times its time is 90 or 90.00000000000001 minutes
    hours = ceil(round((minutes - LONGEST_FIRST_HOUR_MIN) / HOUR_MIN, 9))
    if hours <= 0:
        return first.price, said
    counted = f"{hours} further {'hour' if hours == 1 else 'hours'}"
    if further is None or further.price is None:
        return None, (
            f"Not known beyond the first hour. {said}"
            f" {counted} (code {FURTHER_HOUR_CODE}): the list has no price."
        )
    return first.price + hours * further.price, f"{said} {counted}: each {_words(further, fees)}."


def _words(line: Price, fees: PriceList) -> str:
    doubts = [line.note] if line.note is not None else []
    if line.seen == "secondary":
        doubts.append("second hand")
    about = f", {', '.join(doubts)}" if doubts else ""
    return f"{line.price:g} {fees.currency} (code {line.code}{about})"
