"""Costs of plans against the US lists of 2025, and by hand for prices that are made up here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.dossier import Dossier
from globulin.dossier.price import Price, PriceList
from globulin.dossier.treatment import Product, Route
from globulin.library import open_dossier
from globulin.planning.costing import OwnPrice, PlanCost, plan_cost, vial_sizes
from globulin.planning.refusal import Refusal
from globulin.planning.vials import VialCount, VialSet, VialSize, vial_set


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def limits(dossier: Dossier) -> PriceList:
    return dossier.prices["cms_2025q4"]


@pytest.fixture(scope="module")
def fees(dossier: Dossier) -> PriceList:
    return dossier.prices["us_administration_2025"]


def opened(product: Product, *doses_g: float) -> tuple[VialSet, ...]:
    return tuple(vial_set(dose, vial_sizes(product)) for dose in doses_g)


def costed(found: PlanCost | Refusal) -> PlanCost:
    assert isinstance(found, PlanCost), found
    return found


def refused(found: PlanCost | Refusal) -> Refusal:
    assert isinstance(found, Refusal), found
    return found


# --- the drug, from the list of October to December 2025 ---------------------------------------------


# J1569: 45.314 USD per 500 mg
@pytest.mark.parametrize(("g_per_kg", "usd"), [(0.4, 2538), (1.0, 6344), (2.0, 12688)])
def test_gammagard_liquid_at_70_kg(dossier: Dossier, limits: PriceList, g_per_kg: float, usd: int) -> None:
    product = dossier.products["gammagard_liquid"]
    cost = costed(plan_cost(product, "iv", opened(product, g_per_kg * 70), limits, interval_day=28))
    assert cost.drug_before_waste_per_infusion == pytest.approx(usd, abs=0.5)
    assert cost.waste_money_per_infusion == cost.waste_g_per_infusion == 0
    assert cost.drug_per_infusion == cost.drug_per_dose == cost.drug_per_28_days
    assert cost.drug_per_year == pytest.approx(cost.drug_per_dose * 365.25 / 28)
    assert cost.drug_per_course is None
    assert cost.price_per_g == pytest.approx(90.628)
    assert (cost.currency, cost.price_list, cost.code) == ("USD", "cms_2025q4", "J1569")
    assert (cost.price_date, cost.source) == ("October to December 2025", "cms_asp_2025q4")
    assert cost.notes == ()


def test_waste_is_paid_for(dossier: Dossier, limits: PriceList) -> None:
    """27.9 g from vials of 1, 2.5, 5 g and more: 28 g at 90.628 USD are opened, 0.1 g is thrown away."""
    product = dossier.products["gammagard_liquid"]
    cost = costed(plan_cost(product, "iv", opened(product, 27.9), limits, interval_day=28))
    assert cost.drug_per_infusion == pytest.approx(28 * 90.628)
    assert cost.drug_before_waste_per_infusion == pytest.approx(27.9 * 90.628)
    assert cost.waste_money_per_infusion == pytest.approx(9.0628)
    assert cost.waste_g_per_infusion == 0.1
    assert cost.drug_per_dose == cost.drug_per_infusion


def test_a_split_dose_a_weekly_dose_and_a_course(dossier: Dossier, limits: PriceList) -> None:
    product = dossier.products["gammagard_liquid"]
    gram = 45.314 * 2
    split = costed(plan_cost(product, "iv", opened(product, 29.5, 29.5), limits, interval_day=30, doses=6))
    assert split.drug_per_infusion == pytest.approx(29.5 * gram)
    assert split.drug_per_dose == pytest.approx(59 * gram)
    assert split.drug_per_28_days == pytest.approx(59 * gram * 28 / 30)
    assert split.drug_per_year == pytest.approx(59 * gram * 365.25 / 30)
    assert split.drug_per_course == pytest.approx(6 * 59 * gram)
    once = costed(plan_cost(product, "iv", opened(product, 140), limits, interval_day=None, doses=1))
    assert (once.drug_per_28_days, once.drug_per_year) == (None, None)
    assert once.drug_per_course == once.drug_per_dose == pytest.approx(140 * gram)
    # 20.2 g open 20.5 g: 10, 5, 2.5 and three of 1
    uneven = costed(plan_cost(product, "iv", opened(product, 10, 20.2), limits, interval_day=28))
    assert uneven.drug_per_infusion == pytest.approx(30.5 / 2 * gram)
    assert uneven.waste_g_per_infusion == pytest.approx(0.15)


# J1460: 49.033 USD per mL up to 10 mL; J1560: 170.476 USD per 10 mL above
@pytest.mark.parametrize(
    ("ml", "usd", "before", "code"),
    [
        (2, 98.066, 98.066, "J1460"),
        (3, 4 * 49.033, 3 * 49.033, "J1460"),
        (10, 490.33, 490.33, "J1460"),
        (10.5, 12 * 17.0476, 10.5 * 17.0476, "J1560"),
        (14, 14 * 17.0476, 14 * 17.0476, "J1560"),
    ],
)
def test_gamastan_by_the_millilitre(
    dossier: Dossier, limits: PriceList, ml: float, usd: float, before: float, code: str
) -> None:
    product = dossier.products["gamastan"]
    cost = costed(plan_cost(product, "im", opened(product, ml * 0.165), limits, interval_day=7))
    assert cost.drug_per_infusion == pytest.approx(usd, abs=1e-6)
    assert cost.drug_before_waste_per_infusion == pytest.approx(before, abs=1e-6)
    assert cost.code == code
    assert cost.drug_per_28_days == pytest.approx(4 * usd, abs=1e-5)
    assert cost.price_per_g == pytest.approx((49.033 if code == "J1460" else 17.0476) / 0.165)
    if code == "J1560":
        assert cost.notes == (
            "More than 10 mL is given at once, which the list counts by the code J1560: 17.05 USD per mL."
            " Up to 10 mL it is J1460: 49.03 USD per mL.",
        )
    else:
        assert cost.notes == ()


@pytest.mark.parametrize(("ml", "grams", "waste_g"), [(12, 1.98, 0.33), (15, 2.475, 0.825)])
def test_ten_millilitres_from_more_are_ten(
    dossier: Dossier, limits: PriceList, ml: float, grams: float, waste_g: float
) -> None:
    """What counts is what is given: 10 mL of the 12 or 15 opened. All that was opened is paid for."""
    product = dossier.products["gamastan"]
    vials = VialSet((VialCount(grams, ml, 1),), grams, ml, waste_g, 0, None)
    if ml == 15:
        assert ml * vials.given_g / grams > 10, "10.000000000000002"
    cost = costed(plan_cost(product, "im", (vials,), limits, interval_day=7))
    assert (cost.code, cost.drug_per_infusion) == ("J1460", pytest.approx(ml * 49.033))
    assert cost.drug_before_waste_per_infusion == pytest.approx(490.33)


def test_every_price_of_the_list_is_the_limit_times_units(dossier: Dossier, limits: PriceList) -> None:
    """One vial of each priced product costs its grams by the printed limit per unit."""
    printed = {line.code: line for line in limits.prices}
    seen = 0
    for product in dossier.products.values():
        route = product.routes[0]
        size = next(iter(vial_sizes(product)), VialSize(1, 10))
        vials = (vial_set(size.grams, [size]),)
        found = plan_cost(product, route, vials, limits, interval_day=28)
        if isinstance(found, Refusal):
            assert found.reason.startswith(
                f"no price in the list {limits.title} (October to December 2025): "
            )
            assert found.sources == ("cms_asp_2025q4",)
            continue
        line = printed[found.code or ""]
        units = {"mg": size.grams * 1000, "g": size.grams, "ml": size.ml}[line.unit] / line.amount
        assert found.drug_per_infusion == pytest.approx(units * (line.price or 0))
        seen += 1
    assert seen >= 15


# --- no price ----------------------------------------------------------------------------------------


def changed(price_list: PriceList, *lines: Price, drop: Sequence[str] = (), **more: object) -> PriceList:
    replaced = {line.code for line in lines} | set(drop)
    kept = tuple(line for line in price_list.prices if line.code not in replaced)
    return price_list.model_copy(update={"prices": (*kept, *lines), **more})


def line_of(price_list: PriceList, code: str, **more: object) -> Price:
    return next(line for line in price_list.prices if line.code == code).model_copy(update=more)


def test_without_a_price_there_is_a_reason(dossier: Dossier, limits: PriceList, fees: PriceList) -> None:
    liquid, gamastan = dossier.products["gammagard_liquid"], dossier.products["gamastan"]

    def why(product: Product, route: Route, prices: PriceList, dose_g: float = 1.65) -> str:
        reason = refused(plan_cost(product, route, opened(product, dose_g), prices, interval_day=28)).reason
        head, _, tail = reason.partition(": ")
        assert head == f"no price in the list {prices.title} ({prices.date_words})"
        return tail

    assert why(dossier.products["yimmugo"], "iv", limits) == "no billing code of Yimmugo was verified"
    assert why(liquid, "im", limits) == "Gammagard Liquid is not labelled for this route"
    assert why(liquid, "iv", fees) == "it lists fees for giving a drug, not drugs"
    mislabelled = limits.model_copy(update={"kind": "administration"})
    assert why(liquid, "iv", mislabelled) == "it lists fees for giving a drug, not drugs"
    missing = "it has no price for Gammagard Liquid, code J1569"
    assert why(liquid, "iv", dossier.prices["uk_bnfc_2018"]) == missing
    assert why(liquid, "iv", changed(limits, drop=["J1569"])) == missing
    for unknown in ({"price": None}, {"seen": "unverified"}):
        assert why(liquid, "iv", changed(limits, line_of(limits, "J1569", **unknown))) == missing
    by_year = changed(limits, line_of(limits, "J1569", unit="year"))
    assert why(liquid, "iv", by_year) == "the price of Gammagard Liquid cannot be brought to grams"
    above = "more than 10 mL is counted by the code J1560"
    for broken in (
        changed(limits, drop=["J1560"]),
        changed(limits, line_of(limits, "J1560", price=None)),
        changed(limits, line_of(limits, "J1560", seen="unverified")),
        changed(limits, line_of(limits, "J1560", unit="g")),
    ):
        assert why(gamastan, "im", broken, 1.98) == above
        assert costed(plan_cost(gamastan, "im", opened(gamastan, 1.65), broken, interval_day=7))


def test_a_price_read_second_hand_says_so(dossier: Dossier, limits: PriceList) -> None:
    def notes(name: str, route: Route, dose_g: float, prices: PriceList) -> tuple[str, ...]:
        product = dossier.products[name]
        return costed(plan_cost(product, route, opened(product, dose_g), prices, interval_day=28)).notes

    said = "The price of code {} was not read in the list itself but in another document about it."
    later = dossier.prices["us_later_secondary_2026q2"]
    assert notes("privigen", "iv", 30, later) == (said.format("J1459"),)
    for code, dose_g in (("J1460", 1.65), ("J1560", 1.98)):
        recalled = changed(limits, line_of(limits, code, seen="secondary"))
        assert notes("gamastan", "im", dose_g, recalled)[-1] == said.format(code)
    twice = dossier.products["privigen"]
    both = costed(plan_cost(twice, "iv", opened(twice, 30, 30), later, interval_day=28))
    assert both.notes == (said.format("J1459"),), "once for all infusions"


def test_a_code_by_the_millilitre_without_another_for_more(dossier: Dossier, limits: PriceList) -> None:
    """Only the one code has another above 10 mL."""
    product = dossier.products["gammagard_liquid"]
    per_ml = changed(limits, line_of(limits, "J1569", unit="ml", amount=5, price=45.0))
    cost = costed(plan_cost(product, "iv", opened(product, 27.9), per_ml, interval_day=28))
    assert cost.code == "J1569"
    assert cost.drug_per_infusion == pytest.approx(280 * 9)
    assert cost.drug_before_waste_per_infusion == pytest.approx(279 * 9)


# --- an own price ------------------------------------------------------------------------------------


def test_an_own_price_per_gram(dossier: Dossier) -> None:
    product = dossier.products["gammagard_liquid"]
    own = OwnPrice("GBP", per_gram=50, date_words="quoted in May")
    cost = costed(plan_cost(product, "iv", opened(product, 27.9), own, interval_day=28))
    assert (cost.drug_per_infusion, cost.price_per_g) == (1400, 50)
    assert cost.waste_money_per_infusion == pytest.approx(5)
    assert (cost.currency, cost.price_list, cost.price_date) == ("GBP", "own price", "quoted in May")
    assert (cost.code, cost.source, cost.notes) == (None, None, ())
    assert [size.price for size in vial_sizes(product, own)] == [50, 125, 250, 500, 1000, 1500]


def test_an_own_price_per_vial(dossier: Dossier) -> None:
    """A vial of 10 g at 900 and one of 5 g at 500: 14 g are 1,400, of which 1 of 15 g is thrown away."""
    product = dossier.products["gammagard_liquid"]
    own = OwnPrice("EUR", per_vial={5: 500, 10: 900})
    sizes = [size for size in vial_sizes(product, own) if size.price is not None]
    assert [(size.grams, size.price) for size in sizes] == [(5, 500), (10, 900)]
    vials = vial_set(14, sizes, prefer="cheapest")
    cost = costed(plan_cost(product, "iv", (vials,), own, interval_day=14))
    assert cost.drug_per_infusion == vials.price == 1400
    assert cost.waste_money_per_infusion == pytest.approx(1400 / 15)
    assert cost.drug_before_waste_per_infusion == pytest.approx(1400 * 14 / 15)
    assert cost.price_per_g == pytest.approx(1400 / 15)
    assert cost.drug_per_28_days == 2800
    assert cost.price_date == "no date given"
    two = costed(plan_cost(product, "iv", (vial_set(20, sizes[1:]),), own, interval_day=14))
    assert two.drug_per_infusion == 1800
    no_price = refused(plan_cost(product, "iv", opened(product, 1), own, interval_day=28))
    assert no_price == Refusal("no own price was given for the vial of 1 g")


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({}, "either per_gram or per_vial"),
        ({"per_gram": 1, "per_vial": {1: 1}}, "either per_gram or per_vial"),
        ({"per_gram": 0}, "must be above 0"),
        ({"per_gram": float("inf")}, "must be above 0"),
        ({"per_vial": {1: 5, 2: -1}}, "must be above 0"),
    ],
)
def test_own_prices_that_mean_nothing(prices: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        OwnPrice("USD", **prices)  # type: ignore[arg-type]


def test_an_own_price_may_be_below_one() -> None:
    assert OwnPrice("USD", per_gram=0.5).per_gram == 0.5


def test_vials_that_no_source_states_are_not_planned_with(dossier: Dossier) -> None:
    product = dossier.products["gammagard_sd"]
    stated = {(vial.g, vial.ml) for vial in product.vials if vial.seen == "stated"}
    assert {(size.grams, size.ml) for size in vial_sizes(product)} == stated
    assert len(stated) < len(product.vials)
    assert all(size.price is None for size in vial_sizes(product))


# --- dates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "valid"),
    [
        (None, True),
        (date(2025, 9, 30), False),
        (date(2025, 10, 1), True),
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), False),
    ],
)
def test_a_list_that_is_not_valid_on_the_day_is_called_so(
    dossier: Dossier, limits: PriceList, as_of: date | None, valid: bool
) -> None:
    product = dossier.products["gammagard_liquid"]
    cost = costed(plan_cost(product, "iv", opened(product, 28), limits, interval_day=28, as_of=as_of))
    said = (
        ()
        if valid or as_of is None
        else (f"The price list is of October to December 2025; it is not valid on {as_of.isoformat()}.",)
    )
    assert cost.notes == said
    undated = limits.model_copy(update={"effective_from": None, "effective_to": None})
    free = costed(plan_cost(product, "iv", opened(product, 28), undated, interval_day=28, as_of=as_of))
    assert free.notes == ()


# --- giving it ---------------------------------------------------------------------------------------

FIRST = "First hour: 72 USD (code 96365, approximate, second hand)."


def fee(
    dossier: Dossier,
    fees: PriceList | None,
    minutes: float | None,
    route: Route = "iv",
    product: str = "privigen",
) -> tuple[float | None, str]:
    one = dossier.products[product]
    cost = costed(
        plan_cost(
            one,
            route,
            opened(one, 5),
            dossier.prices["cms_2025q4"],
            interval_day=28,
            infusion_minutes=minutes,
            administration=fees,
        )
    )
    return cost.administration_per_infusion, cost.administration_note


# 16 to 90 minutes are one first hour
@pytest.mark.parametrize("minutes", [15.5, 16, 60, 61, 90, 90.00000000000001])
def test_up_to_ninety_minutes_are_the_first_hour(dossier: Dossier, fees: PriceList, minutes: float) -> None:
    assert fee(dossier, fees, minutes) == (72, FIRST)


# further hours: only above 90 minutes, each of which more than 30 minutes were used
@pytest.mark.parametrize(
    ("minutes", "hours"), [(90.5, 1), (91, 1), (120, 1), (150, 1), (151, 2), (210, 2), (211, 3), (600, 9)]
)
def test_further_hours(dossier: Dossier, fees: PriceList, minutes: float, hours: int) -> None:
    """The list has no price for them, so the whole is not known; with one (made up, 20 USD an hour) it is."""
    counted = f"{hours} further {'hour' if hours == 1 else 'hours'}"
    assert fee(dossier, fees, minutes) == (
        None,
        f"Not known beyond the first hour. {FIRST} {counted} (code 96366): the list has no price.",
    )
    priced = changed(fees, line_of(fees, "96366", price=20.0, note=None))
    assert fee(dossier, priced, minutes) == (
        72 + 20 * hours,
        f"{FIRST} {counted}: each 20 USD (code 96366, second hand).",
    )
    recalled = changed(fees, line_of(fees, "96366", price=20.0, seen="unverified"))
    assert fee(dossier, recalled, minutes)[0] is None


def test_fees_that_are_not_known(dossier: Dossier, fees: PriceList) -> None:
    for minutes in (5, 15):
        assert fee(dossier, fees, minutes) == (
            None,
            "Not known: an infusion of 15 minutes or less has another code.",
        )
    assert fee(dossier, fees, None) == (None, "Not known: the time of the infusion is not known.")
    assert fee(dossier, None, 60) == (None, "Not known: no list of fees for giving it was chosen.")
    home = dossier.prices["us_home_ivig_2024"]
    assert fee(dossier, home, 60) == (
        None,
        "Not known: the list has no price for the first hour (code 96365).",
    )
    euros = fees.model_copy(update={"currency": "EUR"})
    assert fee(dossier, euros, 60) == (
        None,
        "Not known in USD: the fees are in EUR and nothing is converted.",
    )
    for route, product, code in (
        ("im", "gamastan", "96372"),
        ("sc", "hizentra", "96369-96371"),
        ("fsc", "hyqvia", "96369-96371"),
    ):
        words = f"Not known: the list has no price for giving it (code {code})."
        assert fee(dossier, fees, None, route, product) == (None, words)  # type: ignore[arg-type]
        priced = changed(fees, line_of(fees, code, price=15.5, seen="full_text", note=None))
        assert fee(dossier, priced, None, route, product) == (  # type: ignore[arg-type]
            15.5,
            f"For giving it: 15.5 USD (code {code}).",
        )


# --- arguments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"vials": ()}, "vials must hold one set"),
        ({"interval_day": 0}, "interval_day must be a number above 0"),
        ({"interval_day": float("inf")}, "interval_day must be a number above 0"),
        ({"doses": 0}, "doses must be a number above 0"),
        ({"infusion_minutes": -1}, "infusion_minutes must be a number above 0"),
    ],
)
def test_what_cannot_be_asked(
    dossier: Dossier, limits: PriceList, more: dict[str, float], words: str
) -> None:
    product = dossier.products["privigen"]
    arguments = {"vials": opened(product, 5), "price": limits, "interval_day": 28, **more}
    with pytest.raises(ValueError, match=words):
        plan_cost(product, "iv", **arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="administration must be a list of fees"):
        plan_cost(product, "iv", opened(product, 5), limits, interval_day=28, administration=limits)


# --- what always holds -------------------------------------------------------------------------------

some_doses = st.lists(st.integers(10, 20_000).map(lambda n: n / 100), min_size=1, max_size=5)


@given(doses=some_doses, name=st.sampled_from(("gammagard_liquid", "privigen", "gamastan", "hizentra")))
def test_cost_is_additive_over_infusions_and_waste_is_never_negative(
    dossier: Dossier, limits: PriceList, doses: list[float], name: str
) -> None:
    product = dossier.products[name]
    route = product.routes[0]
    vials = opened(product, *doses)
    together = costed(plan_cost(product, route, vials, limits, interval_day=21))
    apart = [costed(plan_cost(product, route, (one,), limits, interval_day=21)) for one in vials]
    n = len(doses)
    assert together.drug_per_dose == pytest.approx(fsum(one.drug_per_dose for one in apart))
    assert together.drug_per_infusion * n == pytest.approx(together.drug_per_dose)
    assert together.drug_per_28_days == pytest.approx(fsum(one.drug_per_28_days or 0 for one in apart))
    assert together.drug_per_year == pytest.approx(fsum(one.drug_per_year or 0 for one in apart))
    for cost in (together, *apart):
        assert cost.waste_money_per_infusion >= 0
        assert cost.waste_g_per_infusion >= 0
        assert 0 < cost.drug_before_waste_per_infusion <= cost.drug_per_infusion
        assert cost.drug_before_waste_per_infusion + cost.waste_money_per_infusion == pytest.approx(
            cost.drug_per_infusion
        )
    if name != "gamastan":  # its price per mL changes above 10 mL
        grams = fsum(doses)
        assert together.drug_before_waste_per_infusion * n == pytest.approx(together.price_per_g * grams)
