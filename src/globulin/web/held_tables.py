"""Doses and levels as rows of a form or a request, and as the tables that the command line reads.

So every check of a table is that of the command line, and what it refuses is found again in the row it came
from.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from globulin.asked import HeldFile

Table = Literal["doses", "levels"]

COLUMNS: Mapping[Table, Mapping[str, str]] = {
    "doses": {
        "day": "TIME",
        "dose_g": "AMT",
        "route": "ROUTE",
        "infusion_day": "DUR",
        "interval_day": "II",
        "additional": "ADDL",
        "steady": "SS",
    },
    "levels": {"day": "TIME", "igg_g_per_l": "IGG", "below_limit": "BLOQ"},
}
"""The heading under which a reader of files looks for each field."""

_FIELDS = {heading: field for columns in COLUMNS.values() for field, heading in columns.items()}


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong with one cell; `row` counts from 0, `field` is '' where the whole row is at fault."""

    table: Table
    row: int
    field: str
    words: str


def held_table(table: Table, rows: Sequence[Mapping[str, object]]) -> HeldFile:
    """Rows, each by field, as a file that is read in memory; what a row lacks is an empty cell."""
    text = io.StringIO(newline="")
    columns = COLUMNS[table]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns.values())
    for row in rows:
        cells = (row.get(field) for field in columns)
        writer.writerow([int(cell) if isinstance(cell, bool) else cell for cell in cells])
    return HeldFile(table, text.getvalue().encode())


def cell_at_fault(words: str) -> CellFault | None:
    """The cell that a reader of files named; None where it named none."""
    found = re.fullmatch(r"(doses|levels):(\d+): (column )?([A-Z]+)\b(: )?(.*)", words)
    if found is None or found[4] not in _FIELDS:
        return None
    table: Table = "doses" if found[1] == "doses" else "levels"
    # the headings are the first line
    said = found[6].strip() if found[3] else f"{found[4]} {found[6].strip()}"
    return CellFault(table, int(found[2]) - 2, _FIELDS[found[4]], said)
