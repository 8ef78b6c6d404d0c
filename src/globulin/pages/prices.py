"""Price lists in a terminal: which there are and how old, what one says, and what an import kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.dossier.price import PriceList
from globulin.pages import words
from globulin.planning.price_table import PriceChange, ProductPrice

NEVER_MIXED = "Lists are never mixed, and no currency is converted."
_UNITS = {"ml": "mL"}
NOT_SHOWN = "visits, what is thrown away of a vial, insurance, or what anybody pays in the end."


def lists_view(
    lists: Mapping[str, PriceList],
    bundled: Collection[str],
    folder: str,
    faults: Sequence[str],
    today: date,
) -> RenderableType:
    """Every list with its dates and its age on `today`; then where imported ones are, and what is wrong."""
    table = Table(title=f"Price lists on {words.date_words(today)}", title_justify="left")
    for heading in ("id", "dates", "age", "prices", "basis", "where"):
        table.add_column(heading, justify="right" if heading == "prices" else "left", overflow="fold")
    for identifier, price_list in lists.items():
        count = sum(price.price is not None for price in price_list.prices)
        table.add_row(
            identifier,
            price_list.date_words,
            age_words(price_list, today),
            str(count),
            f"{price_list.basis}; {price_list.currency}",
            "with the dossier" if identifier in bundled else "imported",
        )
    return Group(
        table,
        Text(f"Imported lists are kept in {folder}. {NEVER_MIXED}"),
        *(Text(f"Cannot be used: {fault}") for fault in faults),
    )


def age_words(price_list: PriceList, today: date) -> str:
    """How old a list is, in days since it began, and whether it has ended."""
    first, last = price_list.effective_from, price_list.effective_to
    if first is None:
        return words.NOT_KNOWN
    age = (today - first).days
    if age < 0:
        return f"begins in {_days(-age)}"
    ended = f", ended {_days((today - last).days)} ago" if last is not None and last < today else ""
    return f"{_days(age)}{ended}"


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def price_list_view(price_list: PriceList, rows: Sequence[ProductPrice]) -> RenderableType:
    """What a list says of each product, per gram."""
    table = Table(title=f"{price_list.title} ({price_list.date_words})", title_justify="left")
    for heading in ("product", f"a gram, {price_list.currency}", "in the list", "key"):
        table.add_column(heading, justify="right" if "gram" in heading else "left", overflow="fold")
    for row in rows:
        price = "no price" if row.price is None else f"{words.number(row.price, 6)} {price_list.currency}"
        table.add_row(
            row.product_name or row.what,
            words.NOT_KNOWN if row.per_gram is None else words.fixed(row.per_gram),
            f"{price} per {words.number(row.amount)} {_UNITS.get(row.unit, row.unit)}",
            row.code,
        )
    return Group(
        table,
        Text(f"{words.sentence(price_list.basis)} {NEVER_MIXED}"),
        *_missing(price_list),
        *(Text(text) for text in price_list.caveats),
        Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"),
    )


def import_view(
    price_list: PriceList, outcome: str, before: PriceList | None, changes: Iterable[PriceChange]
) -> RenderableType:
    """What an import kept, what changed since the list before, what is missing, and how to use it."""
    priced = [price for price in price_list.prices if price.price is not None]
    unpriced = [price.code for price in price_list.prices if price.price is None]
    packages = words.counted(len(price_list.packages), "package") if price_list.packages else "no packages"
    title = f"{price_list.id}: {price_list.title} ({price_list.date_words})"
    parts: list[RenderableType] = [
        Text(f"{title}. {words.sentence(price_list.basis)}"),
        Text(f"Kept: {words.counted(len(priced), 'price')}, {packages}. {outcome}"),
    ]
    if unpriced:
        parts.append(Text(f"Without a price in the file: {', '.join(unpriced)}."))
    parts += _missing(price_list)
    if before is None:
        parts.append(Text("No earlier list to compare with."))
    else:
        parts.append(_changes(before, price_list, changes))
    return Group(*parts, Text(f"{NEVER_MIXED} To use this one: --price-list {price_list.id}"))


def _missing(price_list: PriceList) -> list[RenderableType]:
    if not price_list.not_listed:
        return []
    return [Text(f"Not in the list: {'; '.join(price_list.not_listed)}.")]


def _changes(before: PriceList, after: PriceList, changes: Iterable[PriceChange]) -> Table:
    title = f"Change since {before.id} ({before.date_words}), {after.currency}"
    table = Table(title=title, title_justify="left")
    for heading in ("key", "what", "before", "now", "change"):
        left = heading in ("key", "what")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    for change in changes:
        sign = "+" if change.percent >= 0.05 else ""
        table.add_row(
            change.code,
            change.what,
            words.number(change.before, 6),
            words.number(change.after, 6),
            f"{sign}{words.fixed(change.percent, 1)}%",
        )
    return table
