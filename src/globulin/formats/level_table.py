"""Measured IgG levels of one person from CSV: TIME IGG BLOQ, and ID.

TIME is in days, on the same clock as the doses; IGG is total IgG in g/L. BLOQ 1 says that the assay only put
the level below its limit, which then stands under IGG. Rows without a level are passed over, so that doses
and levels may stand in one file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from globulin.asked import AnyFile
from globulin.errors import InputError
from globulin.exposure.likelihood import Levels
from globulin.exposure.models import BODY
from globulin.formats.csv_records import cleaned, read_records, shown

_NOTHING = ("", ".")
_HIGHEST_G_PER_L = BODY["baseline_g_per_l"][1]


@dataclass(frozen=True, slots=True)
class LevelTable:
    """The levels of a file, and the line on which each stands."""

    file: str
    levels: Levels
    lines: tuple[int, ...]

    def placed(self, problem: str, position: int) -> str:
        """A fault of the day of the level at a position, in the words of the file."""
        return f"{self.file}:{self.lines[position]}: column TIME: {problem}"


def read_level_table(path: AnyFile) -> LevelTable:
    """Read the levels of one person.

    Raises InputError, one line with file, line and column, for anything that cannot be used.
    """
    records = read_records(path)
    for needed in ("time", "igg"):
        if needed not in records.headings:
            there = ", ".join(shown(name) for name in records.headings[:12])
            raise InputError(
                f"{records.file}:1: no column {needed.upper()} (found {there}; understood: ID TIME IGG BLOQ)"
            )
    times, cells, below = (records.column(name) or () for name in ("time", "igg", "bloq"))
    rows = [row for row, cell in enumerate(cells) if cell not in _NOTHING]
    if not rows:
        raise InputError(f"{records.file}: no row has a level (IGG, in g/L)")
    names = records.column("id")
    for row in rows if names else ():
        if names and names[row] != names[rows[0]]:
            records.fail(row, "id", f"{shown(cleaned(names[row]))}: give the levels of one person only")
    day = [records.number(row, "time", times[row]) for row in rows]
    for row, earlier, later in zip(rows[1:], day, day[1:], strict=False):
        if later < earlier:
            records.fail(row, "time", f"day {later:g} stands after day {earlier:g}; put the rows in order")
    level = [records.number(row, "igg", cells[row]) for row in rows]
    for row, value in zip(rows, level, strict=True):
        if not 0.0 < value <= _HIGHEST_G_PER_L:
            records.fail(
                row,
                "igg",
                f"{value:g}: must be above 0 and at most {_HIGHEST_G_PER_L:g} g/L (100 mg/dL are 1 g/L)",
            )
    for row in rows if below else ():
        if below[row] not in (*_NOTHING, "0", "1"):
            records.fail(row, "bloq", f"{shown(below[row])}: must be 0 or 1 (1: below the limit under IGG)")
    limited = [bool(below) and below[row] == "1" for row in rows]
    levels = Levels(np.array(day), np.array(level), below_limit=np.array(limited))
    return LevelTable(records.file, levels, tuple(records.lines[row] for row in rows))
