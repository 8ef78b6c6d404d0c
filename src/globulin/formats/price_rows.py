"""A price list as JSON and CSV: a row for each product that it prices."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from globulin.dossier.price import PriceList
from globulin.planning.price_table import ProductPrice

_PRICE = tuple(field.name for field in fields(ProductPrice))
_LIST = ("id", "title", "country", "currency", "effective_from", "effective_to", "date_words", "basis")
_COLUMNS = ("currency", "effective_from", "effective_to")


def price_list_text(price_list: PriceList, rows: Sequence[ProductPrice]) -> str:
    """What `globulin prices show --json` prints."""
    stated = price_list.model_dump(mode="json")
    document: dict[str, Any] = {
        "notice": "globulin informs; it does not prescribe.",
        **{name: stated[name] for name in _LIST},
        "products": [asdict(row) for row in rows],
        **{name: stated[name] for name in ("packages", "not_listed", "caveats", "source")},
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def price_list_rows(price_list: PriceList, rows: Sequence[ProductPrice]) -> str:
    """The same as CSV, with the list's id, currency and dates in every row."""
    stated = price_list.model_dump(mode="json")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_PRICE, "price_list", *_COLUMNS])
    for row in rows:
        cells = [
            *(getattr(row, name) for name in _PRICE),
            price_list.id,
            *(stated[name] for name in _COLUMNS),
        ]
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()
