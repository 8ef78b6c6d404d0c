"""What a page is made of, before any HTML: phrases with their sources, tables, entries, folds.

Sections build these records and one small set of templates draws them, so every number of the page takes the
same way from a record to a reader, with its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from globulin.pages.charts import Chart


@dataclass(frozen=True)
class Said:
    """A phrase or a value, with the sources it rests on, a caution and a link if it names a record."""

    text: str
    sources: tuple[str, ...] = ()
    flag: str = ""
    """`unverified`, `assumed`, `worked out`, `read off a figure`; empty for what is printed in its source."""
    note: str = ""
    """How it was got, where it stands in the source, or a caution; set small after the text."""
    href: str = ""
    missing: bool = False
    symbol: str = ""
    """A sign before the text that says the same as the text, for those who look and do not read."""
    tone: str = ""


Phrase = Said | tuple[Said, ...]


@dataclass(frozen=True)
class Prose:
    """A paragraph. `style`: '' or 'lead' or 'caution'."""

    said: tuple[Said, ...]
    lead: str = ""
    style: str = ""
    kind: str = "prose"


@dataclass(frozen=True)
class Points:
    """A list of paragraphs."""

    items: tuple[Prose, ...]
    style: str = ""
    kind: str = "points"


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str
    anchor: str
    level: int = 3
    kind: str = "heading"


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class TableRow:
    """A row; the first cell is its heading."""

    cells: tuple[tuple[Said, ...], ...]
    anchor: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    kind: str = "table"


@dataclass(frozen=True)
class Term:
    """A label and what is known under it."""

    label: str
    said: tuple[Said, ...]


@dataclass(frozen=True)
class Entry:
    """One record: what everyone should read of it, and the rest one click below."""

    anchor: str
    title: str
    fold: str = ""
    """Words on the fold; empty folds the whole entry under its title."""
    badge: Said | None = None
    lead: tuple[Prose, ...] = ()
    terms: tuple[Term, ...] = ()
    tables: tuple[Table, ...] = ()
    level: int = 4
    kind: str = "entry"


@dataclass(frozen=True)
class Figure:
    """A chart with its key and its numbers."""

    chart: Chart
    table: Table
    key: tuple[tuple[str, str], ...] = ()
    """Sign and meaning."""
    remark: tuple[Said, ...] = ()
    kind: str = "figure"


@dataclass(frozen=True)
class Fold:
    """Details one click below."""

    title: str
    blocks: tuple[Block, ...]
    anchor: str = ""
    kind: str = "fold"


Block = Prose | Points | Heading | Table | Entry | Figure | Fold


@dataclass(frozen=True)
class Section:
    """One numbered section of the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


def para(*phrases: Said | str, lead: str = "", style: str = "") -> Prose:
    """A paragraph from phrases and plain words."""
    return Prose(tuple(Said(p) if isinstance(p, str) else p for p in phrases), lead, style)


def row(*cells: Phrase | str, anchor: str = "") -> TableRow:
    """A table row from phrases, groups of phrases or plain words."""
    return TableRow(tuple(_cell(cell) for cell in cells), anchor)


def term(label: str, *phrases: Phrase | str) -> Term:
    """A labelled value."""
    return Term(label, tuple(said for phrase in phrases for said in _cell(phrase)))


def columns(*titles: str) -> tuple[Column, ...]:
    """Columns by title; a title that starts with `#` is a column of numbers."""
    return tuple(Column(title.removeprefix("#"), title.startswith("#")) for title in titles)


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Items once each, in order."""
    return tuple(dict.fromkeys(items))


def chart_table(chart: Chart) -> Table:
    """The numbers of a chart as a table."""
    rows = tuple(
        TableRow(
            tuple(
                (Said(cell, drawn.sources if index == len(drawn.cells) - 1 else ()),)
                for index, cell in enumerate(drawn.cells)
            )
        )
        for drawn in chart.rows
    )
    return Table(f"The numbers of the chart: {chart.title}", tuple(Column(c) for c in chart.columns), rows)


def _cell(cell: Phrase | str) -> tuple[Said, ...]:
    if isinstance(cell, str):
        return (Said(cell),)
    return (cell,) if isinstance(cell, Said) else tuple(cell)


def blocks(*items: Block | Sequence[Block] | None) -> tuple[Block, ...]:
    """Blocks in order; None and empty lists leave nothing behind."""
    out: list[Block] = []
    for item in items:
        if item is None:
            continue
        if isinstance(item, Sequence):
            out.extend(item)
        else:
            out.append(item)
    return tuple(out)
