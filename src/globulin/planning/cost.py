"""What the drug of a regimen costs, from a dated price list. Visits, waste and other fees are not in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from globulin.dossier.price import Price, PriceList
from globulin.dossier.provenance import known
from globulin.dossier.treatment import Product, Route
from globulin.units import MG_PER_G, ml_from_g


@dataclass(frozen=True)
class DrugPrice:
    """The price of one product in one price list. Money per gram is worked out from the list's own unit."""

    product: str
    product_name: str
    code: str
    currency: str
    per_gram: float
    list_price: float
    list_amount: float
    list_unit: str
    price_list: str
    effective_from: date | None
    effective_to: date | None
    date_words: str
    source: str


def drug_prices(products: Iterable[Product], price_list: PriceList, route: Route) -> tuple[DrugPrice, ...]:
    """Prices of all products labelled for a route, cheapest gram first.

    A list names a product by its id, its name or a billing code. A product without a verified code in the
    list is left out, as is a price that was not seen.
    """
    by_code = {price.code: price for price in price_list.prices if price.seen != "unverified"}
    found = []
    for product in products:
        code = known(product.hcpcs)
        keys = [key for key in (product.id, product.name, code) if key is not None]
        price = next((by_code[key] for key in keys if key in by_code), None)
        if route not in product.routes or price is None or price.price is None:
            continue
        per_gram = _per_gram(price, product)
        if per_gram is None:
            continue
        found.append(
            DrugPrice(
                product=product.id,
                product_name=product.name,
                code=price.code,
                currency=price_list.currency,
                per_gram=per_gram,
                list_price=price.price,
                list_amount=price.amount,
                list_unit=price.unit,
                price_list=price_list.id,
                effective_from=price_list.effective_from,
                effective_to=price_list.effective_to,
                date_words=price_list.date_words,
                source=price_list.source,
            )
        )
    return tuple(sorted(found, key=lambda price: (price.per_gram, price.product)))


def newest_price_list(lists: Iterable[PriceList]) -> PriceList | None:
    """The newest dated US list of drug prices of which every price was read in full; None without one."""
    dated = [
        (prices.effective_from, prices.id, prices)
        for prices in lists
        if prices.kind == "drug"
        and prices.country == "US"
        and prices.effective_from is not None
        and all(price.seen == "full_text" for price in prices.prices)
    ]
    return max(dated)[2] if dated else None


def _per_gram(price: Price, product: Product) -> float | None:
    if price.price is None:
        return None
    match price.unit:
        case "g":
            return price.price / price.amount
        case "mg":
            return price.price / price.amount * MG_PER_G
        case "ml":
            concentration = known(product.concentration_mg_per_ml)
            return (
                None if concentration is None else price.price / price.amount * ml_from_g(1.0, concentration)
            )
        case _:
            return None
