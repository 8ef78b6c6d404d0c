"""What *Prices* reads and writes, in a worker: the data folder, and lists as plain text for a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from globulin.asked import HeldFile
from globulin.web.opened import opened_dossier

if TYPE_CHECKING:
    from globulin.planning.price_table import ProductPrice
    from globulin.price_import import Beside

Cells = tuple[str, ...]

OUTCOMES = {
    "new": "The list was written to your data folder.",
    "replaced": "The list was put in place of the one with the same id.",
    "unchanged": "The same list is there already; nothing was written.",
    "bundled": "This list comes with globulin, with the same prices; nothing was written.",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One list in a table of lists."""

    id: str
    title: str
    dates: str
    age: str
    prices: int
    currency: str
    imported: bool


@dataclass(frozen=True, slots=True)
class Lists:
    """Every list, the folder of imported ones, and what in it cannot be used."""

    lists: tuple[Listed, ...]
    folder: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListShown:
    """One list: what it is, the price of a gram, what changed, what it lacks, what to mind."""

    id: str
    title: str
    dates: str
    age: str
    basis: str
    imported: bool
    rows: tuple[Cells, ...]
    currency: str
    before: str
    """The list before it, in words; '' for none."""
    changes: tuple[Cells, ...]
    packages: int
    missing: tuple[str, ...]
    caveats: tuple[str, ...]
    not_shown: str


def every_list(dossier: Path | None, today: date) -> Lists:
    """The lists of the dossier and of the data folder, the newest first."""
    from globulin.pages.prices import age_words
    from globulin.price_store import folder, stored

    bundled = opened_dossier(dossier).prices
    imported = {each.id: each for each in stored() if each.id not in bundled}
    lists = {**bundled, **{name: each.price_list for name, each in imported.items() if each.price_list}}
    newest = sorted(lists.values(), key=lambda each: each.effective_from or date.min, reverse=True)
    listed = tuple(
        Listed(
            each.id,
            each.title,
            each.date_words,
            age_words(each, today),
            sum(price.price is not None for price in each.prices),
            each.currency,
            each.id in imported,
        )
        for each in newest
    )
    return Lists(listed, str(folder()), tuple(each.fault for each in imported.values() if each.fault))


def import_file(
    dossier: Path | None, file: HeldFile, crosswalk: HeldFile | None, replace: bool
) -> tuple[str, str]:
    """Keep the list of a file: its id, and what was done. Raises InputError as `price_import` does."""
    from globulin.price_import import import_list

    price_list, kept = import_list(opened_dossier(dossier), file, crosswalk, replace=replace)
    return price_list.id, OUTCOMES[kept.outcome]


def one_list(dossier: Path | None, identifier: str, today: date) -> ListShown:
    """One list as a page shows it. Raises InputError if there is none of this id."""
    from globulin.pages import prices, words
    from globulin.planning.price_table import product_prices
    from globulin.price_import import beside
    from globulin.price_store import with_price_list

    opened = opened_dossier(dossier)
    with_it = with_price_list(opened, identifier)
    found = with_it.prices[identifier]
    compared = beside(opened, found)
    return ListShown(
        id=identifier,
        title=found.title,
        dates=found.date_words,
        age=prices.age_words(found, today),
        basis=words.sentence(found.basis),
        imported=identifier not in opened.prices,
        rows=tuple(_row(row, found.currency) for row in product_prices(with_it.products.values(), found)),
        currency=found.currency,
        before=f"{compared.before.title} ({compared.before.date_words})" if compared.before else "",
        changes=_changes(compared),
        packages=len(found.packages),
        missing=found.not_listed,
        caveats=found.caveats,
        not_shown=prices.NOT_SHOWN,
    )


def remove_list(dossier: Path | None, identifier: str) -> str:
    """Delete an imported list; where it was. Raises InputError if it is none."""
    from globulin.price_store import remove

    return str(remove(identifier, opened_dossier(dossier).prices))


def own_table(dossier: Path | None) -> str:
    """The table of an own list, to be filled in."""
    from globulin.formats.own_prices import own_template

    return own_template(tuple(opened_dossier(dossier).products.values()))


def _row(row: ProductPrice, currency: str) -> Cells:
    from globulin.pages import words

    price = "no price" if row.price is None else f"{words.number(row.price, 6)} {currency}"
    return (
        row.product_name or row.what,
        words.NOT_KNOWN if row.per_gram is None else words.fixed(row.per_gram),
        f"{price} per {words.number(row.amount)} {'mL' if row.unit == 'ml' else row.unit}",
        row.code,
    )


def _changes(compared: Beside) -> tuple[Cells, ...]:
    from globulin.pages import words

    return tuple(
        (
            change.what,
            change.code,
            words.number(change.before, 6),
            words.number(change.after, 6),
            f"{'+' if change.percent >= 0.05 else ''}{words.fixed(change.percent, 1)}%",
        )
        for change in compared.changes
    )
