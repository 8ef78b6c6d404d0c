"""A price list of one's own: a table with a row for each product, or for each vial of it.

    product,price,per,currency,date
    privigen,98.50,g,USD,2026-11-02
    gamastan,212,1.65,USD,2026-11-02

`per` is `g` (the price of a gram) or the grams in the vial that the price is for. All rows are of one day and
in one currency, since a list is of prices that were valid together.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from math import isclose
from typing import Literal, get_args

from globulin.asked import AnyFile
from globulin.dossier.price import Price, PriceList
from globulin.dossier.treatment import Product
from globulin.errors import InputError
from globulin.formats.cms_asp import MONTHS
from globulin.formats.csv_records import Records, read_records, shown

COLUMNS = ("product", "price", "per", "currency", "date")
MAX_PRICE = 1_000_000.0

Currency = Literal["USD", "GBP", "EUR", "AUD"]
_COUNTRY: Mapping[Currency, Literal["US", "UK", "AU", "other"]] = {
    "USD": "US", "GBP": "UK", "AUD": "AU", "EUR": "other",
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PER = re.compile(r"([\d.,]+)\s*(?:g|gram|grams)?", re.ASCII | re.IGNORECASE)


def is_own_list(raw: bytes) -> bool:
    """Whether the first line of a file has the headings of an own list."""
    way = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = raw[:10_000].decode(way, errors="replace").lstrip()
    first = text.splitlines()[0] if text else ""
    return {"product", "price"} <= {cell.strip(' "').lower() for cell in re.split(r"[,;\t]", first)}


def read_own_prices(path: AnyFile, products: Mapping[str, Product]) -> PriceList:
    """A table of one's own as a price list whose keys are the ids of `products`.

    Rows without a price are passed over, so that a template may stay half filled in. Raises InputError, one
    line with file and line, for a table without the columns, a product, price, vial, currency or day that
    cannot be used, a product with two prices, and rows of several days or currencies.
    """
    records = read_records(path)
    missing = [name for name in COLUMNS if name not in records.headings]
    if missing:
        raise InputError(
            f"{records.file}: no column {missing[0].upper()} (it has: {', '.join(records.headings)})"
        )
    filled = [row for row, cell in enumerate(_column(records, "price")) if cell]
    if not filled:
        raise InputError(f"{records.file}: no row has a price")
    currency = _currency(records, filled)
    day = _day(records, filled)
    prices: dict[tuple[str, float], Price] = {}
    for row in filled:
        product = _product(records, row, products)
        price = _price(records, row, product)
        if (price.code, price.amount) in prices:
            records.fail(row, "product", f"{price.what} has a price already (one row a product or vial)")
        prices[price.code, price.amount] = price
    words = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return PriceList(
        id=_identifier(path),
        title=f"Own prices of {words}",
        country=_COUNTRY[currency],
        currency=currency,
        effective_from=day,
        effective_to=None,
        date_words=words,
        basis="What somebody pays or was quoted; nobody checked it",
        kind="drug",
        prices=tuple(prices[key] for key in sorted(prices)),
        caveats=("A price of one's own holds where it was quoted.", f"Imported from {records.file}."),
        source=f"own_prices_{_identifier(path)}",
    )


def own_template(products: Sequence[Product]) -> str:
    """The table to fill in: a row for each product, the price empty. `name` is for the reader."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "name"))
    for product in products:
        writer.writerow((product.id, "", "g", "USD", "", product.name))
    return text.getvalue()


def _identifier(path: AnyFile) -> str:
    """The id of a list from the name of its file; it starts with `own`."""
    name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    return name if re.match(r"own(_|$)", name) else f"own_{name}".rstrip("_")


def _column(records: Records, heading: str) -> tuple[str, ...]:
    return records.column(heading) or ()


def _product(records: Records, row: int, products: Mapping[str, Product]) -> Product:
    said = _column(records, "product")[row]
    by_name = {name: product for product in products.values() for name in (product.id, product.name.lower())}
    found = by_name.get(said.lower())
    if found is None:
        near = difflib.get_close_matches(said.lower(), by_name, n=1, cutoff=0.6)
        hint = f" (did you mean {by_name[near[0]].id}?)" if near else " (globulin prices template lists them)"
        records.fail(row, "product", f"no product {shown(said)}{hint}")
    return found


def _price(records: Records, row: int, product: Product) -> Price:
    price = records.number(row, "price", _column(records, "price")[row])
    if not 0 < price < MAX_PRICE:
        records.fail(row, "price", f"{price:g}: give a price above 0 and below {MAX_PRICE:,.0f}")
    grams = _grams(records, row, product)
    return Price(
        code=product.id,
        what=f"{product.name}, " + ("per gram" if grams is None else f"vial of {grams:g} g"),
        amount=1.0 if grams is None else grams,
        unit="g",
        price=price,
        seen="full_text",
    )


def _grams(records: Records, row: int, product: Product) -> float | None:
    """The grams of the vial that a price is for; None: it is for a gram."""
    per = _column(records, "per")[row]
    if per.lower() in ("g", "gram"):
        return None
    found = _PER.fullmatch(per)
    if found is None:
        records.fail(row, "per", f"{shown(per)}: give g, or the grams in the vial")
    grams = records.number(row, "per", found[1])
    sizes = [vial.g for vial in product.vials]
    if not any(isclose(grams, size, rel_tol=0.01) for size in sizes):
        known = ", ".join(f"{size:g}" for size in sorted(sizes)) or "none known"
        hint = "give the price of a gram instead, or check it"
        records.fail(row, "per", f"{product.id} has no vial of {grams:g} g (in g: {known}); {hint}")
    return grams


def _currency(records: Records, rows: Sequence[int]) -> Currency:
    cells = _column(records, "currency")
    for row in rows:
        if cells[row].upper() not in _COUNTRY:
            known = ", ".join(get_args(Currency))
            records.fail(
                row, "currency", f"{shown(cells[row])}: must be one of {known}; nothing is converted"
            )
        if cells[row].upper() != cells[rows[0]].upper():
            records.fail(row, "currency", "a second currency; a list has one (make a file for each)")
    return next(name for name in _COUNTRY if name == cells[rows[0]].upper())


def _day(records: Records, rows: Sequence[int]) -> date:
    cells = _column(records, "date")
    for row in rows:
        if cells[row] != cells[rows[0]]:
            records.fail(row, "date", "a second date; a list is of one day (make a file for each)")
    said = cells[rows[0]]
    try:
        return date.fromisoformat(said if _DATE.fullmatch(said) else "")
    except ValueError:
        records.fail(rows[0], "date", f"{shown(said)}: give the day of the price as 2026-11-02")
