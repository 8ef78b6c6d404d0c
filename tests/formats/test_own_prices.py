"""A price list of one's own: the documented table, and faults said with their place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from globulin.dossier.price import PriceList
from globulin.dossier.treatment import Product
from globulin.errors import InputError
from globulin.formats.own_prices import is_own_list, own_template, read_own_prices
from globulin.library import open_dossier

HEAD = "product,price,per,currency,date\n"
ROW = "privigen,98.50,g,USD,2026-11-02\n"


@pytest.fixture(scope="module")
def products() -> dict[str, Product]:
    return dict(open_dossier().products)


def read(tmp_path: Path, products: dict[str, Product], text: str, name: str = "own.csv") -> PriceList:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert is_own_list(path.read_bytes())
    return read_own_prices(path, products)


def fault(tmp_path: Path, products: dict[str, Product], text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, products, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_grams_and_vials(tmp_path: Path, products: dict[str, Product]) -> None:
    found = read(
        tmp_path,
        products,
        HEAD + ROW + "Privigen,900,10 g,usd,2026-11-02\ngamastan,212,1.65,USD,2026-11-02\n",
    )
    assert [(p.code, p.amount, p.unit, p.price) for p in found.prices] == [
        ("gamastan", 1.65, "g", 212.0),
        ("privigen", 1.0, "g", 98.5),
        ("privigen", 10.0, "g", 900.0),
    ]
    assert (found.id, found.currency, found.country, found.date_words) == (
        "own",
        "USD",
        "US",
        "2 November 2026",
    )
    assert (found.effective_from, found.effective_to) == (date(2026, 11, 2), None)


def test_euros_are_of_no_one_country_and_commas_are_decimal_after_semicolons(
    tmp_path: Path, products: dict[str, Product]
) -> None:
    found = read(
        tmp_path, products, "product;price;per;currency;date\nkiovig;61,5;g;EUR;2026-01-31\n", "Klinik 1.csv"
    )
    assert (found.id, found.currency, found.country) == ("own_klinik_1", "EUR", "other")
    assert found.prices[0].price == 61.5


def test_a_template_half_filled_in_is_read(tmp_path: Path, products: dict[str, Product]) -> None:
    template = own_template(tuple(products.values()))
    assert template.splitlines()[0] == "product,price,per,currency,date,name"
    assert len(template.splitlines()) == 1 + len(products)
    with pytest.raises(InputError, match="no row has a price"):
        read(tmp_path, products, template)
    filled = template.replace("privigen,,g,USD,,", "privigen,98.5,g,USD,2026-11-02,")
    assert [price.code for price in read(tmp_path, products, filled).prices] == ["privigen"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("product,price,per,currency\nprivigen,1,g,USD\n", "own.csv: no column DATE"),
        (
            HEAD + "privigin,1,g,USD,2026-11-02\n",
            "own.csv:2: column PRODUCT: no product 'privigin' (did you mean privigen?)",
        ),
        (HEAD + ROW.replace("98.50", "-98.50"), "own.csv:2: column PRICE: -98.5: give a price above 0"),
        (HEAD + ROW.replace("98.50", "0"), "give a price above 0"),
        (HEAD + ROW.replace("98.50", "1e9"), "below 1,000,000"),
        (HEAD + ROW.replace("98.50", "free"), "'free' is not a number"),
        (HEAD + ROW.replace(",g,", ",7,"), "privigen has no vial of 7 g (in g: 5, 10, 20, 40)"),
        (HEAD + ROW.replace(",g,", ",box,"), "'box': give g, or the grams in the vial"),
        (HEAD + ROW.replace(",g,", ",1.2.3,"), "'1.2.3' is not a number"),
        (HEAD + ROW.replace("USD", "CHF"), "'CHF': must be one of USD, GBP, EUR, AUD"),
        (
            HEAD + ROW + ROW.replace("privigen", "gamastan").replace("USD", "EUR"),
            "own.csv:3: column CURRENCY: a second",
        ),
        (
            HEAD + ROW + ROW.replace("privigen", "gamastan").replace("-02", "-03"),
            "own.csv:3: column DATE: a second date",
        ),
        (HEAD + ROW.replace("2026-11-02", "2 Nov"), "'2 Nov': give the day of the price as 2026-11-02"),
        (HEAD + ROW.replace("2026-11-02", "2026-02-30"), "give the day of the price"),
        (HEAD + ROW + ROW, "own.csv:3: column PRODUCT: Privigen, per gram has a price already"),
    ],
)
def test_faults(tmp_path: Path, products: dict[str, Product], text: str, words: str) -> None:
    assert words in fault(tmp_path, products, text)


def test_what_is_an_own_list() -> None:
    assert is_own_list(b'\xef\xbb\xbf"Price";"Product";x\r\n')
    assert is_own_list("product\tprice\n".encode("utf-16"))
    assert not is_own_list(b"Payment Allowance Limits for Medicare Part B Drugs,,\r\n")
    assert not is_own_list(b"")
