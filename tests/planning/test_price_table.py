"""Prices by product and between lists; every expected number is worked out in the test."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from globulin.dossier import Dossier
from globulin.dossier.price import Price, PriceList
from globulin.library import open_dossier
from globulin.planning.price_table import list_before, named_codes, price_changes, product_prices


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


def line(code: str, price: float | None, amount: float = 500.0, unit: Any = "mg", **more: Any) -> Price:
    return Price(
        **{
            "code": code,
            "what": code,
            "amount": amount,
            "unit": unit,
            "price": price,
            "seen": "full_text",
            **more,
        }
    )


def made(
    identifier: str, *prices: Price, first: date | None = date(2026, 1, 1), currency: Any = "USD"
) -> PriceList:
    return PriceList(
        id=identifier, title="t", country="US", currency=currency, effective_from=first, effective_to=None,
        date_words="d", basis="b", kind="drug", prices=prices, source="s",
    )  # fmt: skip


def test_a_product_names_the_code_in_the_note_too(dossier: Dossier) -> None:
    codes = named_codes(dossier.products.values())
    assert list(codes) == sorted(codes)
    assert codes["J1460"] == codes["J1560"] == dossier.products["gamastan"].name
    assert "Octagam 10%" in codes["J1568"]
    assert "Octagam 5%" in codes["J1568"]


def test_a_gram_from_mg_ml_and_from_ones_own_vials(dossier: Dossier) -> None:
    """45.314 USD for 500 mg is 90.628 a gram; 49.033 for 1 mL of 165 mg/mL is 297.17; 900 for 10 g is 90."""
    rows = product_prices(
        dossier.products.values(),
        made("x", line("J1569", 45.314), line("J1460", 49.033, 1, "ml"), line("privigen", 900.0, 10, "g")),
    )
    grams = {row.product: row.per_gram for row in rows}
    assert grams["gammagard_liquid"] == pytest.approx(2 * 45.314)
    assert grams["gamastan"] == pytest.approx(49.033 / 0.165)
    assert grams["privigen"] == 90.0


def test_lines_of_no_product_are_shown_last(dossier: Dossier) -> None:
    rows = product_prices(
        dossier.products.values(),
        made("x", line("Something", 34.0, 1, "g"), line("J1569", 45.314), line("96365", 72.0, 1, "visit")),
    )
    assert [(row.product, row.code, row.per_gram) for row in rows[1:]] == [
        (None, "Something", 34.0),
        (None, "96365", None),
    ]


def test_a_line_without_a_price_is_shown_without_one(dossier: Dossier) -> None:
    (row,) = product_prices(dossier.products.values(), made("x", line("J1569", None)))
    assert (row.price, row.per_gram) == (None, None)


def test_changes_are_in_percent_for_the_same_amount() -> None:
    """50 USD for 500 mg, then 11 USD for 100 mg, which is 55 for 500: +10%. 40 then 30: -25%."""
    changes = price_changes(
        made("a", line("J1", 50.0), line("J1460", 40.0)),
        made("b", line("J1", 11.0, 100), line("J1460", 30.0)),
    )
    assert [(c.code, c.before, c.after, round(c.percent, 9)) for c in changes] == [
        ("J1", 50, 55, 10),
        ("J1460", 40, 30, -25),
    ]


@pytest.mark.parametrize(
    "old",
    [
        line("J1459", 50.0, 1, "ml"),
        line("J1459", None),
        line("J1459", 50.0, seen="secondary"),
        line("J1460", 50.0),
    ],
)
def test_what_cannot_be_compared_is_not(old: Price) -> None:
    assert price_changes(made("a", old), made("b", line("J1459", 60.0))) == ()


def test_each_vial_of_an_own_list_is_compared_with_itself() -> None:
    """A gram at 90, a vial of 10 g at 950: each rose by a tenth."""
    old = (line("privigen", 90.0, 1, "g", what="gram"), line("privigen", 950.0, 10, "g", what="vial"))
    new = (line("privigen", 99.0, 1, "g", what="gram"), line("privigen", 1045.0, 10, "g", what="vial"))
    changes = price_changes(made("a", *old), made("b", *new))
    assert [(c.what, round(c.percent, 9)) for c in changes] == [("gram", 10), ("vial", 10)]


def test_a_line_of_no_product_counted_in_mg_has_a_price_per_gram(dossier: Dossier) -> None:
    (row,) = product_prices(dossier.products.values(), made("x", line("J9999", 40.0)))
    assert (row.product, row.per_gram) == (None, 80.0)


def test_money_of_two_currencies_is_not_compared() -> None:
    assert price_changes(made("a", line("J1459", 50.0), currency="EUR"), made("b", line("J1459", 60.0))) == ()


def test_the_list_before_is_the_newest_that_began_earlier() -> None:
    new = made("new", line("J1459", 60.0), first=date(2026, 10, 1))
    lists = [
        made("older", line("J1459", 50.0), first=date(2026, 1, 1)),
        made("last", line("J1459", 55.0), first=date(2026, 7, 1)),
        made("second_hand", line("J1459", 56.0, seen="secondary"), first=date(2026, 8, 1)),
        made("same_day", line("J1459", 57.0), first=date(2026, 10, 1)),
        made("later", line("J1459", 70.0), first=date(2027, 1, 1)),
        made("no_date", line("J1459", 50.0), first=None),
    ]
    before = list_before(new, lists)
    assert before is not None
    assert before.id == "last"
    assert list_before(new, lists[2:]) is None
