"""Dose histories from CSV with columns as in NONMEM: TIME AMT RATE or DUR ROUTE II ADDL SS, and ID.

TIME and II are in days, AMT in g, RATE in g/day, DUR in days. Rows without an amount are levels or other
events, and are passed over. What the columns mean is in `globulin.exposure.history`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from globulin.asked import AnyFile
from globulin.errors import InputError
from globulin.exposure.history import ROUTES, History, history
from globulin.formats.csv_records import Records, cleaned, read_records, shown

_NOTHING = ("", ".")
_COLUMN = {
    "day": "TIME",
    "dose_g": "AMT",
    "rate_g_per_day": "RATE",
    "infusion_day": "DUR",
    "interval_day": "II",
    "additional": "ADDL",
}
COLUMNS = ("id", "time", "amt", "rate", "dur", "route", "ii", "addl", "ss")
"""Headings that are read, in any order and in capital or small letters; others are passed over."""


@dataclass(frozen=True, slots=True)
class DoseTable:
    """The histories of a file: one for each ID, in file order; without such a column, one without a name."""

    file: str
    people: tuple[tuple[str | None, History], ...]


def read_dose_table(path: AnyFile, *, route: str = "iv") -> DoseTable:
    """Read dose histories; `route` is that of doses for which none is stated.

    Raises InputError, one line with file, line and column, for anything that cannot be used.
    """
    records = read_records(path)
    for needed in ("time", "amt"):
        if needed not in records.headings:
            there = ", ".join(shown(name) for name in records.headings[:12])
            raise InputError(
                f"{records.file}:1: no column {needed.upper()} (found {there}; understood:"
                f" {' '.join(COLUMNS).upper()})"
            )
    if {"rate", "dur"} <= set(records.headings):
        raise InputError(f"{records.file}:1: RATE and DUR say the same thing; keep one of the columns")
    names = records.column("id")
    rows: dict[str | None, list[int]] = {}
    for row, amount in enumerate(records.column("amt") or ()):
        if amount not in _NOTHING and records.number(row, "amt", amount) != 0.0:
            rows.setdefault(cleaned(names[row]) if names else None, []).append(row)
    if not rows:
        raise InputError(f"{records.file}: no row has an amount (AMT, in g)")
    people = tuple((name, _history(records, mine, route)) for name, mine in rows.items())
    return DoseTable(records.file, people)


def _history(records: Records, rows: list[int], route: str) -> History:
    def numbers(heading: str, nothing: float) -> list[float]:
        cells = records.column(heading)
        if cells is None:
            return [nothing] * len(rows)
        return [nothing if cells[i] in _NOTHING else records.number(i, heading, cells[i]) for i in rows]

    steady = numbers("ss", 0.0)
    for row, flag in zip(rows, steady, strict=True):
        if flag not in (0.0, 1.0):
            records.fail(row, "ss", f"{flag:g}: must be 0 or 1 (1: repeated for ever at II)")
    # a RATE of 0 is a dose at once, as a DUR of 0 is; an empty cell is what is usual by the route
    rate = numbers("rate", float("nan"))
    at_once = [0.0 if value == 0.0 else float("nan") for value in rate]
    try:
        return history(
            numbers("time", float("nan")),
            numbers("amt", 0.0),
            route=_routes(records, rows, route),
            infusion_day=at_once if "rate" in records.headings else numbers("dur", float("nan")),
            rate_g_per_day=[0.0 if value != value else value for value in rate],
            interval_day=numbers("ii", 0.0),
            additional=numbers("addl", 0.0),
            steady=[flag == 1.0 for flag in steady],
        )
    except ValueError as problem:
        raise InputError(_placed(records, rows, str(problem))) from problem


def _routes(records: Records, rows: list[int], route: str) -> list[str]:
    cells = records.column("route")
    found = []
    for row in rows:
        name = (cells[row].lower() if cells else "") or route
        name = route if name in _NOTHING else name
        if name not in ROUTES:
            records.fail(row, "route", f"{shown(name)}: must be one of {', '.join(ROUTES)}")
        found.append(name)
    return found


def _placed(records: Records, rows: list[int], problem: str) -> str:
    """A fault of the history in the words of the file."""
    words = re.sub(r"\w+", lambda word: _COLUMN.get(word[0], word[0]), problem)
    found = re.fullmatch(r"(.*) \(position (\d+)\)", words)
    if found is None:
        return f"{records.file}: {words}"
    return f"{records.file}:{records.lines[rows[int(found[2])]]}: {found[1]}"
