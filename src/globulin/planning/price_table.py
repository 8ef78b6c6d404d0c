"""What a price list says of the dossier's products, and how it differs from the list before it.

A list from outside names billing codes; a list of one's own names products. Both become a price per gram.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from globulin.dossier.price import Price, PriceList
from globulin.dossier.provenance import Cited
from globulin.dossier.treatment import Product
from globulin.planning.cost import drug_prices
from globulin.units import MG_PER_G

_CODE = re.compile(r"\b[A-Z]\d{4}\b")


@dataclass(frozen=True, slots=True)
class ProductPrice:
    """One line of a list as the price of one product.

    `product` is None for a line whose key is of no product of the dossier; `per_gram` where no gram can be
    worked out, or no price was seen.
    """

    product: str | None
    product_name: str | None
    code: str
    what: str
    price: float | None
    amount: float
    unit: Literal["mg", "g", "ml", "visit", "hour", "year"]
    per_gram: float | None
    coinsurance_percent: float | None


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One line of a list beside that of an earlier one, both for the amount and unit of the earlier."""

    code: str
    what: str
    before: float
    after: float
    percent: float


def named_codes(products: Iterable[Product]) -> dict[str, str]:
    """Every billing code that products name, in order, with the products' names.

    The note beside a code counts as well: it names the code for larger amounts. A code that is unverified is
    named too; whether it is computed with is for those who compute.
    """
    names: dict[str, list[str]] = {}
    for product in products:
        fact = product.hcpcs
        if isinstance(fact, Cited):
            for code in dict.fromkeys(_CODE.findall(f"{fact.value} {fact.note or ''}")):
                names.setdefault(code, []).append(product.name)
    return {code: ", ".join(names[code]) for code in sorted(names)}


def product_prices(products: Iterable[Product], price_list: PriceList) -> tuple[ProductPrice, ...]:
    """Every line of a list: product by product, the cheapest gram of each first, then what is of none."""
    found = [row for product in products for row in _of_product(product, price_list)]
    used = {row.code for row in found}
    rest = [_row(None, price, _gram(price)) for price in price_list.prices if price.code not in used]
    return (*found, *rest)


def _of_product(product: Product, price_list: PriceList) -> list[ProductPrice]:
    # a list of one's own names the product, and may have a price for each vial
    pairs = [(price, _gram(price)) for price in price_list.prices if price.code == product.id]
    if not pairs:
        by_code = {price.code: price for price in price_list.prices}
        # the same price whatever the route
        coded = {
            found.code: found.per_gram
            for route in product.routes
            for found in drug_prices((product,), price_list, route)
        }
        pairs = [(by_code[code], gram) for code, gram in coded.items()]
    pairs.sort(key=lambda pair: (pair[1] is None, pair[1] or 0.0, pair[0].what))
    return [_row(product, price, gram) for price, gram in pairs]


def _row(product: Product | None, price: Price, gram: float | None) -> ProductPrice:
    return ProductPrice(
        product=None if product is None else product.id,
        product_name=None if product is None else product.name,
        code=price.code,
        what=price.what,
        price=price.price,
        amount=price.amount,
        unit=price.unit,
        per_gram=gram,
        coinsurance_percent=price.coinsurance_percent,
    )


def _gram(price: Price) -> float | None:
    """The price of a gram where the list counts in grams."""
    in_grams = {"g": 1.0, "mg": MG_PER_G}.get(price.unit)
    return None if price.price is None or in_grams is None else price.price / price.amount * in_grams


def list_before(price_list: PriceList, others: Iterable[PriceList]) -> PriceList | None:
    """The newest of the lists that began before this one and have a price that was read in full in common."""
    earlier = [
        (other.effective_from, other.id, other)
        for other in others
        if other.effective_from is not None
        and price_list.effective_from is not None
        and other.effective_from < price_list.effective_from
        and price_changes(other, price_list)
    ]
    return max(earlier, key=lambda item: item[:2])[2] if earlier else None


def price_changes(before: PriceList, after: PriceList) -> tuple[PriceChange, ...]:
    """How much each price changed between two lists, in the order of the later one.

    Only prices read in full, in one currency, under the same code and in the same unit; in an own list, where
    each vial may have its price, also for the same thing.
    """
    if before.currency != after.currency:
        return ()
    changes = []
    for new in after.prices:
        for old in before.prices:
            if not _comparable(old, new) or old.price is None or new.price is None:
                continue
            price = new.price / new.amount * old.amount
            changes.append(
                PriceChange(new.code, new.what, old.price, price, 100.0 * (price / old.price - 1.0))
            )
    return tuple(changes)


def _comparable(old: Price, new: Price) -> bool:
    same = (old.code, old.unit, old.seen, new.seen) == (new.code, new.unit, "full_text", "full_text")
    return same and (old.what == new.what or bool(_CODE.fullmatch(new.code)))
