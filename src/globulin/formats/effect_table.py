"""A reviewer's own table: CSV text with the columns of globulin, metafor, RevMan Web or Metapsy.

Nothing is guessed. A table that can be read in two ways, or a cell that cannot be read, is answered with
one line that names the file, the line and the column.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.errors import InputError
from globulin.synthesis.effects import EffectSizes
from globulin.synthesis.own_table import GENERIC, table_effects

Array: TypeAlias = NDArray[np.float64]

MAX_BYTES = 20_000_000
LARGEST, SMALLEST = 1e30, 1e-30
"""Numbers beyond these are no data; their squares and ratios would not be numbers any more."""

_TWO_COUNTS = ("OR", "RR", "RD", "PETO", "AS")
_MEANS = ("SMD", "MD", "SMDH", "ROM", "VR", "CVR")
_PROPORTION = ("PLO", "PLN", "PR", "PAS", "PFT")
_CORRELATION = ("ZCOR", "COR", "UCOR")
_RATES = ("IRR", "IRD", "IRSD")
MEASURES = (*_TWO_COUNTS, *_MEANS, *_PROPORTION, *_CORRELATION, *_RATES)
"""Every measure that can be computed from a table."""


class Kind(NamedTuple):
    """One kind of table: its plain name and its measures, the default first."""

    title: str
    measures: tuple[str, ...]


_COUNTED = Kind("counts in two groups", _TWO_COUNTS)
_MEASURED = Kind("means in two groups", _MEANS)
_RATED = Kind("events over time in two groups", _RATES)
_CORRELATED = Kind("correlations", _CORRELATION)
_ONE_GROUP = Kind("counts in one group", _PROPORTION)
_EFFECTS = Kind("effects as given", (GENERIC, *MEASURES))
_GIVEN_SMD = Kind("effects as given", ("SMD", GENERIC))


class Form(NamedTuple):
    """One set of headings, in lower case, and the columns that they are."""

    kind: Kind
    columns: tuple[str, ...]
    headings: tuple[str, ...]


def _form(kind: Kind, columns: str, headings: str = "", split: str | None = None) -> Form:
    found = tuple(part.strip() for part in (headings or columns).split(split))
    return Form(kind, tuple(columns.split()), found)


_COUNTS_ARE, _MEANS_ARE = "events1 n1 events2 n2", "mean1 sd1 n1 mean2 sd2 n2"
FORMS = (
    _form(_COUNTED, _COUNTS_ARE),
    _form(_COUNTED, _COUNTS_ARE, "ai n1i ci n2i"),
    _form(_COUNTED, "events1 others1 events2 others2", "ai bi ci di"),
    _form(
        _COUNTED,
        _COUNTS_ARE,
        "experimental events, experimental total, control events, control total",
        ",",
    ),
    _form(_COUNTED, _COUNTS_ARE, "event_arm1 totaln_arm1 event_arm2 totaln_arm2"),
    _form(_MEASURED, _MEANS_ARE),
    _form(_MEASURED, _MEANS_ARE, "m1i sd1i n1i m2i sd2i n2i"),
    _form(
        _MEASURED,
        _MEANS_ARE,
        "experimental mean, experimental sd, experimental total, control mean, control sd, control total",
        ",",
    ),
    _form(_MEASURED, _MEANS_ARE, "mean_arm1 sd_arm1 n_arm1 mean_arm2 sd_arm2 n_arm2"),
    _form(_RATED, "events1 time1 events2 time2"),
    _form(_RATED, "events1 time1 events2 time2", "x1i t1i x2i t2i"),
    _form(_CORRELATED, "r n"),
    _form(_CORRELATED, "r n", "ri ni"),
    _form(_ONE_GROUP, "events n"),
    _form(_ONE_GROUP, "events n", "xi ni"),
    _form(_EFFECTS, "y v"),
    _form(_EFFECTS, "y se"),
    _form(_EFFECTS, "y v", "yi vi"),
    _form(_EFFECTS, "y se", "yi sei"),
    _form(_GIVEN_SMD, "y se", ".g .g_se"),
)
"""Every set of headings that is understood. Of two sets of one kind the first that fits is read."""
NAME_HEADINGS = ("study", "slab", "author", "trial")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"\d{1,3},\d{3}", re.ASCII)
_COUNTING = ("events", "others", "n", "time")
_NO_NUMBER = {"", "na", "n/a", "nr", "-", "?", "."}
_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}


@dataclass(frozen=True, slots=True)
class EffectTable:
    """A table that was read: columns by our own names, one value a study, and the effects they give.

    lines: where each study starts in the file. headings: the file's own heading of each column.
    """

    file: str
    kind: str
    measure: str
    names: tuple[str, ...]
    lines: tuple[int, ...]
    columns: dict[str, Array]
    headings: dict[str, str]
    effects: EffectSizes


def read_effect_table(path: Path, measure: str | None = None) -> EffectTable:
    """Read a table of studies; `measure` None takes the default of the columns that were found.

    Raises InputError, one line with file, line and column, for anything that cannot be used.
    """
    if measure is not None and measure not in (*MEASURES, GENERIC):
        raise InputError(f"--measure {measure}: is not one of {', '.join((*MEASURES, GENERIC))}")
    file = _clean(path.name)
    headings, rows, lines = _records(file, _text(file, path))
    form = _choose(file, headings, rows, measure)
    chosen = measure or form.kind.measures[0]
    at = {column: headings.index(found) for column, found in zip(form.columns, form.headings, strict=True)}
    names = _names(file, headings, rows, lines)
    place = _Place(file, lines, {column: headings[i] for column, i in at.items()})
    cells = {column: [row[i].strip() for row in rows] for column, i in at.items()}
    columns = _complete(_numbers(_with_points(cells, place), place), place)
    try:
        effects = table_effects(chosen, columns)
    except ValueError as problem:
        place.translate(str(problem))
    return EffectTable(file, form.kind.title, chosen, names, lines, columns, place.headings, effects)


@dataclass(frozen=True, slots=True)
class _Place:
    """Says where in the file a cell stands: row counts from 0, column is our own name."""

    file: str
    lines: tuple[int, ...]
    headings: dict[str, str]

    def fail(self, row: int, column: str, problem: str) -> NoReturn:
        raise InputError(f"{self.file}:{self.lines[row]}: column {self.headings[column]!r}: {problem}")

    def require(self, ok: NDArray[np.bool_], column: str, rule: str) -> None:
        if not ok.all():
            self.fail(int(np.flatnonzero(~ok)[0]), column, rule)

    def translate(self, problem: str) -> NoReturn:
        """Say a fault of the effect formulas, `column: rule (position 3)`, in the words of the file."""
        found = re.fullmatch(r"(\w+): (.*) \(position (\d+)\)", problem)
        if found is None:
            raise InputError(f"{self.file}: {problem}")
        rule = re.sub(r"\w+", lambda word: self.headings.get(word[0], word[0]), found[2])
        self.fail(int(found[3]), found[1], rule)


# --- bytes to records --------------------------------------------------------------------------------


def _text(file: str, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as problem:
        raise InputError(f"{file}: no such file") from problem
    if len(raw) > MAX_BYTES:
        raise InputError(f"{file}: larger than {MAX_BYTES // 1_000_000} MB (split it)")
    utf_16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = raw.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise InputError(f"{file}:{line}: not UTF-8 text (save the table as CSV, UTF-8)") from problem
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{file}:{line}: not text (save the table as CSV, UTF-8)")
    return text


def _records(file: str, text: str) -> tuple[list[str], list[list[str]], tuple[int, ...]]:
    """Headings in lower case, rows that hold anything, and the line each starts on."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise InputError(f"{file}: the file is empty")
    delimiter = max("\t;,", key=first.count)
    if delimiter not in first:
        raise InputError(
            f"{file}:1: one column only, {_shown(first)} (put commas, semicolons or tabs between the columns)"
        )
    rows, lines = [], []
    for line, row in _rows(file, text, delimiter):
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


def _rows(file: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as problem:
        raise InputError(f"{file}:{line}: not a table: {problem}") from problem


# --- which columns -----------------------------------------------------------------------------------


def _choose(file: str, headings: list[str], rows: list[list[str]], measure: str | None) -> Form:
    found: dict[str, Form] = {}
    for form in FORMS:
        if form.kind.title not in found and set(form.headings) <= set(headings):
            at = [headings.index(name) for name in form.headings]
            if any(row[i].strip() for row in rows for i in at):
                found[form.kind.title] = form
    fitting = [form for form in found.values() if measure is None or measure in form.kind.measures]
    if not found:
        raise InputError(f"{file}: no set of columns that is understood; {_understood(headings)}")
    if not fitting:
        choices = ", ".join(name for form in found.values() for name in form.kind.measures)
        raise InputError(f"--measure {measure}: {file} has {_what(found)}, for which there is {choices}")
    if measure is None and len(fitting) > 1:
        choices = ", ".join(form.kind.measures[0] for form in fitting)
        raise InputError(f"{file}: has {_what(found)}; say which with --measure, such as {choices}")
    for name in fitting[0].headings:
        if headings.count(name) > 1:
            raise InputError(f"{file}:1: the heading {name!r} stands twice")
    return fitting[0]


def _what(found: dict[str, Form]) -> str:
    return " and ".join(f"{title} ({', '.join(form.headings)})" for title, form in found.items())


def _understood(headings: list[str]) -> str:
    there = ", ".join(_shown(name, 30) for name in headings[:12]) + ", ..." * (len(headings) > 12)
    sets = " | ".join(", ".join(form.headings) for form in FORMS)
    return f"found: {there}; understood: {sets}"


def _names(file: str, headings: list[str], rows: list[list[str]], lines: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the studies; without such a column, the numbers of the rows."""
    heading = next((name for name in NAME_HEADINGS if name in headings), None)
    if heading is None:
        return tuple(str(number) for number in range(1, len(rows) + 1))
    at = headings.index(heading)
    seen: dict[str, int] = {}
    for line, row in zip(lines, rows, strict=True):
        name = _clean(row[at])
        if not name:
            raise InputError(f"{file}:{line}: column {heading!r}: the cell is empty (name the study)")
        if name in seen:
            raise InputError(
                f"{file}:{line}: column {heading!r}: {_shown(name)} stands in line {seen[name]} already"
                " (one row a study; if they are two studies, make the names differ)"
            )
        seen[name] = line
    return tuple(seen)


# --- cells to numbers --------------------------------------------------------------------------------


def _with_points(cells: dict[str, list[str]], place: _Place) -> dict[str, list[str]]:
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
        if column.startswith(_COUNTING) and _THOUSANDS.fullmatch(text):
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
    if "," in cell:
        return f"{_shown(cell)} is not a number (write it without thousands separators)"
    return f"{_shown(cell)} is not a number"


def _complete(columns: dict[str, Array], place: _Place) -> dict[str, Array]:
    """Group sizes from `ai bi`, and variances from standard errors."""
    if "others1" in columns:
        for name, values in columns.items():
            place.require(values >= 0, name, "must not be negative")
        for n, events, others in (("n1", "events1", "others1"), ("n2", "events2", "others2")):
            place.headings[n] = f"{place.headings[events]} + {place.headings[others]}"
        a, b, c, d = columns.values()
        return {"events1": a, "n1": a + b, "events2": c, "n2": c + d}
    spread = next((name for name in ("v", "se") if name in columns), None)
    if spread is None:
        return columns
    place.require(columns[spread] > 0, spread, "must be positive")
    return {"y": columns["y"], "v": columns[spread] ** (2 if spread == "se" else 1)}


def _clean(text: str) -> str:
    """Text in one line, without characters that would steer a terminal."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())


def _shown(text: str, most: int = 40) -> str:
    clean = _clean(text)
    return repr(clean if len(clean) <= most else f"{clean[:most]}...")
