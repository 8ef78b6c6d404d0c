"""What immune globulin costs, by dated price list. A price without a date or a source is no price."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Record, Seen, Slug, SourceId, Text
from globulin.units import PositiveNumber


class Price(Record):
    """One line of a price list: the price of `amount` `unit` of what `code` or `what` names."""

    code: Text
    """The list's own key: a billing code (HCPCS, CPT) or a product name."""
    what: Text
    amount: PositiveNumber
    unit: Literal["mg", "g", "ml", "visit", "hour", "year"]
    price: Annotated[float, Field(gt=0)] | None
    """None where the list names the item but no price was seen."""
    price_upper: PositiveNumber | None = None
    coinsurance_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    seen: Seen
    note: Text | None = None


class Package(Record):
    """One package of a product as a crosswalk from package codes to billing codes lists it."""

    code: Text
    ndc: Annotated[str, Field(pattern=r"^\d{5}-\d{4}-\d{2}$")]
    labeler: Text
    drug: Text
    billing_units: PositiveNumber


class PriceList(Record):
    """Prices that were valid together, in one currency, from one place."""

    id: Slug
    title: Text
    country: Literal["US", "UK", "ES", "AU", "other"]
    currency: Literal["USD", "GBP", "EUR", "AUD"]
    effective_from: date | None
    effective_to: date | None
    date_words: Text
    """The date as a reader should see it."""
    basis: Text
    kind: Literal["drug", "administration"]
    prices: tuple[Price, ...]
    packages: tuple[Package, ...] = ()
    not_listed: tuple[Text, ...] = ()
    caveats: tuple[Text, ...] = ()
    source: SourceId

    @model_validator(mode="after")
    def _one_price_per_code(self) -> PriceList:
        seen: set[tuple[str, str]] = set()
        for index, price in enumerate(self.prices):
            key = (price.code, price.what)
            if key in seen:
                raise PydanticCustomError(
                    "duplicate_code",
                    "'{code}' is listed twice",
                    {"code": price.code, "at": ("prices", index)},
                )
            seen.add(key)
        return self
