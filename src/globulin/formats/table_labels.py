"""What a reviewer's table says of each study besides numbers: name, design, year, risk of bias."""

from __future__ import annotations

import re
from typing import NamedTuple

from globulin.errors import InputError
from globulin.formats.csv_records import cleaned, shown

NAME_HEADINGS = ("study", "slab", "author", "trial")
DESIGN_HEADINGS = ("design", "study design", "study_design")
YEAR_HEADINGS = ("year", "study year", "study_year")
BIAS_HEADINGS = re.compile(r"rob([_. ].*)?")
EARLIEST, LATEST = 1800, 2100

DESIGNS: dict[str, tuple[str, ...]] = {
    "rct": (
        *("rct", "randomised", "randomised trial", "randomised controlled trial", "controlled trial"),
        *(
            "parallel rct",
            "crossover rct",
            "cross over rct",
            "factorial rct",
            "cluster rct",
            "cluster randomised",
        ),
        *("parallel", "crossover", "cross over", "randomised unclear"),
    ),
    "non_randomised": (
        *(
            "non randomised",
            "nonrandomised",
            "not randomised",
            "non randomised comparison",
            "nrsi",
            "nrs",
            "ccs",
        ),
        *("quasi randomised", "controlled before after", "cohort", "case control", "observational"),
    ),
    "series": (
        *("series", "case series", "single arm", "uncontrolled", "before after", "pre post", "one group"),
    ),
    "report": ("report", "case report", "practitioner report", "practitioner", "opinion", "expert opinion"),
}
"""Designs, and what tables call them: small letters, s for z, spaces for hyphens and underscores."""
_DESIGN = {word: design for design, words in DESIGNS.items() for word in words}
_UNKNOWN_YEAR = {"", "na", "n/a", "nr", "-", "?", "."}


class Labels(NamedTuple):
    """One entry a study; None or empty where the table has no such column."""

    names: tuple[str, ...]
    designs: tuple[str, ...] | None
    years: tuple[int | None, ...] | None
    bias: dict[str, tuple[str, ...]]


def read_labels(file: str, headings: list[str], rows: list[list[str]], lines: tuple[int, ...]) -> Labels:
    """Read the labels; InputError, one line with file, line and column, for one that cannot be used."""
    table = _Table(file, headings, rows, lines)
    return Labels(
        _names(table),
        _designs(table),
        _years(table),
        {
            name: tuple(cleaned(row[at]) for row in rows)
            for at, name in enumerate(headings)
            if BIAS_HEADINGS.fullmatch(name)
        },
    )


class _Table(NamedTuple):
    file: str
    headings: list[str]
    rows: list[list[str]]
    lines: tuple[int, ...]

    def column(self, names: tuple[str, ...]) -> tuple[str, list[str]] | None:
        """Heading and cells of the first of these columns that is there."""
        heading = next((name for name in names if name in self.headings), None)
        if heading is None:
            return None
        at = self.headings.index(heading)
        return heading, [cleaned(row[at]) for row in self.rows]

    def fault(self, row: int, heading: str, problem: str) -> InputError:
        return InputError(f"{self.file}:{self.lines[row]}: column {heading!r}: {problem}")


def _names(table: _Table) -> tuple[str, ...]:
    """Names of the studies; without such a column, the numbers of the rows."""
    found = table.column(NAME_HEADINGS)
    if found is None:
        return tuple(str(number) for number in range(1, len(table.rows) + 1))
    heading, cells = found
    seen: dict[str, int] = {}
    for row, name in enumerate(cells):
        if not name:
            raise table.fault(row, heading, "the cell is empty (name the study)")
        if name in seen:
            raise table.fault(
                row,
                heading,
                f"{shown(name)} stands in line {seen[name]} already"
                " (one row a study; if they are two studies, make the names differ)",
            )
        seen[name] = table.lines[row]
    return tuple(cells)


def _designs(table: _Table) -> tuple[str, ...] | None:
    found = table.column(DESIGN_HEADINGS)
    if found is None or not any(found[1]):
        return None
    heading, cells = found
    known = {cell: _DESIGN.get(_plain(cell)) for cell in set(cells)}
    designs = []
    for row, cell in enumerate(cells):
        design = known[cell]
        if design is None:
            said = f"{shown(cell)} is not a known design" if cell else "the cell is empty"
            raise table.fault(row, heading, f"{said} (say rct, non-randomised, series or report)")
        designs.append(design)
    return tuple(designs)


def _plain(cell: str) -> str:
    return " ".join(re.sub(r"[-_/]", " ", cell.lower()).split()).replace("randomiz", "randomis")


def _years(table: _Table) -> tuple[int | None, ...] | None:
    found = table.column(YEAR_HEADINGS)
    if found is None or not any(found[1]):
        return None
    heading, cells = found
    years: list[int | None] = []
    for row, cell in enumerate(cells):
        if cell.lower() in _UNKNOWN_YEAR:
            years.append(None)
        elif re.fullmatch(r"[0-9]{4}", cell) and EARLIEST <= int(cell) <= LATEST:
            years.append(int(cell))
        else:
            raise table.fault(row, heading, f"{shown(cell)} is not a year (four digits, or leave it empty)")
    return tuple(years)
