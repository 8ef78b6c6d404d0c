"""A reviewer's own table: CSV text with the columns of globulin, metafor, RevMan Web or Metapsy.

Nothing is guessed. A table that can be read in two ways, or a cell that cannot be read, is answered with
one line that names the file, the line and the column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from globulin.errors import InputError
from globulin.formats.csv_records import cleaned, file_rows, file_text, shown
from globulin.formats.effect_forms import MEASURES, Form, choose
from globulin.formats.table_labels import read_labels
from globulin.synthesis.columns import ColumnError
from globulin.synthesis.derivations import Derivation
from globulin.synthesis.effects import EffectSizes
from globulin.synthesis.own_table import GENERIC, table_effects
from globulin.synthesis.printed_effects import printed_columns, printed_effect

Array: TypeAlias = NDArray[np.float64]
_Number = TypeVar("_Number", bound=np.generic)

LARGEST, SMALLEST = 1e30, 1e-30
"""Numbers beyond these are no data; their squares and ratios would not be numbers any more."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"\d{1,3},\d{3}", re.ASCII)
_COUNTING = ("events", "others", "n", "time")
_NO_NUMBER = {"", "na", "n/a", "nr", "-", "?", "."}
_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}


class Part(NamedTuple):
    """The rows of a table that have one form, with their numbers as they stood there."""

    rows: NDArray[np.intp]
    columns: dict[str, Array]


@dataclass(frozen=True, slots=True)
class EffectTable:
    """A table that was read: columns by our own names, one value a study, and the effects they give.

    lines: where each study starts in the file. columns: those that `measure` is worked out from, or ``y v``.
    headings: the file's own heading of each column that was read. designs: rct, non_randomised, series or
    report; years; bias: columns on risk of bias, as they are, by heading. These are None or empty where the
    table has no such column. parts: what was printed, by form.
    """

    file: str
    kind: str
    measure: str
    names: tuple[str, ...]
    lines: tuple[int, ...]
    columns: dict[str, Array]
    headings: dict[str, str]
    effects: EffectSizes
    designs: tuple[str, ...] | None
    years: tuple[int | None, ...] | None
    bias: dict[str, tuple[str, ...]]
    parts: tuple[Part, ...]

    def derivation(self, row: int) -> Derivation:
        """How the effect of one study, counted from 0, was got from what stands in its row."""
        for part in self.parts:
            at = np.flatnonzero(part.rows == row)
            if at.size:
                one = {name: values[at[0]] for name, values in part.columns.items()}
                return printed_effect(self.measure, one).derivation()
        raise IndexError(f"row {row}: the table has {len(self.names)}")


def read_effect_table(path: Path, measure: str | None = None) -> EffectTable:
    """Read a table of studies; `measure` None takes the default of the columns that were found.

    Raises InputError, one line with file, line and column, for anything that cannot be used.
    """
    if measure is not None and measure not in (*MEASURES, GENERIC):
        raise InputError(f"--measure {measure}: is not one of {', '.join((*MEASURES, GENERIC))}")
    file = cleaned(path.name)
    headings, rows, lines = _records(file, file_text(file, path))
    chosen, forms = choose(file, headings, rows, measure)
    labels = read_labels(file, headings, rows, lines)
    cells = _cells(file, forms, headings, rows, lines)
    parts = _parts(forms, cells, len(rows))
    read = [_part(file, form, at, cells, lines) for form, at in parts]
    columns, effects = _whole(file, chosen, [form for form, _ in parts], read, lines)
    return EffectTable(
        file,
        " and ".join(dict.fromkeys(form.kind.title for form, _ in parts)),
        chosen,
        labels.names,
        lines,
        columns,
        {name: found for form, _ in parts for name, found in zip(form.columns, form.headings, strict=True)},
        effects,
        labels.designs,
        labels.years,
        labels.bias,
        tuple(read),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Says where in the file a cell stands: row counts from 0, column is our own name."""

    file: str
    lines: Sequence[int]
    headings: Mapping[str, str]

    def fail(self, row: int, column: str, problem: str) -> NoReturn:
        raise InputError(f"{self.file}:{self.lines[row]}: column {self.headings[column]!r}: {problem}")

    def require(self, ok: NDArray[np.bool_], column: str, rule: str) -> None:
        if not ok.all():
            self.fail(int(np.flatnonzero(~ok)[0]), column, rule)

    def translate(self, fault: ColumnError) -> NoReturn:
        """Say a fault of the effect formulas in the words of the file."""
        rule = re.sub(r"\w+", lambda word: self.headings.get(word[0], word[0]), fault.rule)
        self.fail(fault.position[0], fault.column, rule)


# --- rows by form ------------------------------------------------------------------------------------


def _cells(
    file: str, forms: tuple[Form, ...], headings: list[str], rows: list[list[str]], lines: tuple[int, ...]
) -> dict[str, list[str]]:
    """The cells of every heading that a form reads, with decimal points."""
    names = {name: column for form in forms for column, name in zip(form.columns, form.headings, strict=True)}
    at = {name: headings.index(name) for name in names}
    cells = {name: [row[i].strip() for row in rows] for name, i in at.items()}
    counting = {name for name, column in names.items() if column.startswith(_COUNTING)}
    return _with_points(cells, counting, _Place(file, lines, {name: name for name in names}))


def _parts(
    forms: tuple[Form, ...], cells: Mapping[str, list[str]], k: int
) -> list[tuple[Form, NDArray[np.intp]]]:
    """Each row goes to the first form whose cells are all filled, else to the one with the fewest gaps."""
    if len(forms) == 1:
        return [(forms[0], np.arange(k))]
    filled = {
        name: np.array([text.lower() not in _NO_NUMBER for text in texts]) for name, texts in cells.items()
    }
    gaps = np.array([sum(~filled[name] for name in form.headings) for form in forms])
    best = gaps.argmin(axis=0)
    rows = [(form, np.flatnonzero(best == index)) for index, form in enumerate(forms)]
    return [(form, at) for form, at in rows if at.size]


def _part(
    file: str, form: Form, at: NDArray[np.intp], cells: Mapping[str, list[str]], lines: tuple[int, ...]
) -> Part:
    place = _place(file, form, at, lines)
    whole = at.size == len(lines)
    texts = {
        column: cells[name] if whole else [cells[name][row] for row in at.tolist()]
        for column, name in zip(form.columns, form.headings, strict=True)
    }
    return Part(at, _complete(_numbers(texts, place), place))


def _place(file: str, form: Form, at: NDArray[np.intp], lines: tuple[int, ...]) -> _Place:
    headings = dict(zip(form.columns, form.headings, strict=True))
    for n, events, others in (("n1", "events1", "others1"), ("n2", "events2", "others2")):
        if others in headings:
            headings[n] = f"{headings[events]} + {headings[others]}"
    headings.setdefault("v", headings.get("se", "v"))
    return _Place(file, lines if at.size == len(lines) else [lines[row] for row in at.tolist()], headings)


def _whole(
    file: str, measure: str, forms: list[Form], parts: list[Part], lines: tuple[int, ...]
) -> tuple[dict[str, Array], EffectSizes]:
    """Columns and effects of all rows; effects alone where some rows print no more."""
    columns, effects = [], []
    for form, part in zip(forms, parts, strict=True):
        try:
            columns.append(dict(printed_columns(measure, part.columns).numbers))
            effects.append(table_effects(measure, columns[-1]))
        except ColumnError as fault:
            _place(file, form, part.rows, lines).translate(fault)
    rows, k = [part.rows for part in parts], len(lines)
    merged = EffectSizes(
        _joined(rows, [effect.y for effect in effects], k),
        _joined(rows, [effect.v for effect in effects], k),
        _joined(rows, [effect.corrected for effect in effects], k),
        _joined(rows, [effect.double_zero for effect in effects], k),
    )
    if any(set(one) != set(columns[0]) for one in columns):
        return {"y": merged.y, "v": merged.v}, merged
    return {name: _joined(rows, [one[name] for one in columns], k) for name in columns[0]}, merged


def _joined(rows: list[NDArray[np.intp]], values: list[NDArray[_Number]], k: int) -> NDArray[_Number]:
    if len(rows) == 1:
        return values[0]
    whole = np.empty(k, dtype=values[0].dtype)
    for at, part in zip(rows, values, strict=True):
        whole[at] = part
    return whole


# --- bytes to records --------------------------------------------------------------------------------


def _records(file: str, text: str) -> tuple[list[str], list[list[str]], tuple[int, ...]]:
    """Headings in lower case, rows that hold anything, and the line each starts on."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise InputError(f"{file}: the file is empty")
    delimiter = max("\t;,", key=first.count)
    if delimiter not in first:
        raise InputError(
            f"{file}:1: one column only, {shown(first)} (put commas, semicolons or tabs between the columns)"
        )
    rows, lines = [], []
    for line, row in file_rows(file, text, delimiter):
        if "".join(row).strip():
            rows.append(row)
            lines.append(line)
    headings = [" ".join(cell.split()).lower() for cell in rows[0]] if rows else []
    if len(rows) < 2:
        raise InputError(f"{file}: no rows below the headings")
    for line, row in zip(lines[1:], rows[1:], strict=True):
        if len(row) != len(headings):
            hint = " (a decimal comma needs semicolons between the columns)" * (delimiter == ",")
            raise InputError(f"{file}:{line}: {len(row)} cells under {len(headings)} headings{hint}")
    return headings, rows[1:], tuple(lines[1:])


# --- cells to numbers --------------------------------------------------------------------------------


def _with_points(cells: dict[str, list[str]], counting: set[str], place: _Place) -> dict[str, list[str]]:
    """Cells with decimal points, where the table has decimal commas; what could be either is refused."""
    if not any("," in "".join(texts) for texts in cells.values()):
        return cells
    every = [(row, column, text) for column, texts in cells.items() for row, text in enumerate(texts)]
    comma = next((cell for cell in every if _COMMA_NUMBER.fullmatch(cell[2])), None)
    if comma is None:
        return cells
    for row, column, text in every:
        if "." in text and _NUMBER.fullmatch(text):
            place.fail(
                row, column, f"{text!r}, but line {place.lines[comma[0]]} has {comma[2]!r} (use one kind)"
            )
        if column in counting and _THOUSANDS.fullmatch(text):
            point, whole = text.replace(",", "."), text.replace(",", "")
            place.fail(row, column, f"{text!r} could be {point} or {whole} (write it without the comma)")
    return {
        column: [text.replace(",", ".") if _COMMA_NUMBER.fullmatch(text) else text for text in texts]
        for column, texts in cells.items()
    }


def _numbers(cells: dict[str, list[str]], place: _Place) -> dict[str, Array]:
    bad = [
        (row, column)
        for column, texts in cells.items()
        if (row := next((i for i, text in enumerate(texts) if not _NUMBER.fullmatch(text)), None)) is not None
    ]
    if bad:
        row, column = min(bad, key=lambda found: found[0])
        place.fail(row, column, _flaw(cells[column][row]))
    columns = {column: np.array([float(text) for text in texts]) for column, texts in cells.items()}
    for column, values in columns.items():
        size = np.abs(values)
        fits = (size == 0) | ((size >= SMALLEST) & (size <= LARGEST))
        place.require(fits, column, "too large or too small to be computed with (use another unit)")
    return columns


def _flaw(cell: str) -> str:
    if cell.lower() in _NO_NUMBER:
        said = f"{cell!r} is no number" if cell else "the cell is empty"
        return f"{said} (leave the study out, or find the value)"
    if cell.lower() in _NOT_FINITE:
        return f"{cell!r} is not a finite number (leave the study out, or find the value)"
    if cell[0] in "<>":
        return f"{shown(cell)} is a bound, not a number (find the exact value, or leave the study out)"
    if "," in cell:
        return f"{shown(cell)} is not a number (write it without thousands separators)"
    return f"{shown(cell)} is not a number"


def _complete(columns: dict[str, Array], place: _Place) -> dict[str, Array]:
    """Group sizes from `ai bi`, and variances from standard errors."""
    if "others1" in columns:
        for name, values in columns.items():
            place.require(values >= 0, name, "must not be negative")
        a, b, c, d = columns.values()
        return {"events1": a, "n1": a + b, "events2": c, "n2": c + d}
    spread = next((name for name in ("v", "se") if name in columns), None)
    if spread is None:
        return columns
    place.require(columns[spread] > 0, spread, "must be positive")
    return {"y": columns["y"], "v": columns[spread] ** (2 if spread == "se" else 1)}
