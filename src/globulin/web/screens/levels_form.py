"""The questions of *Levels*: a person, a table of doses and one of measured levels, and the rows of each.

A row that is left empty is passed over, so there may be more rows than doses. What a file holds is put into
the same rows, where it can be seen and changed before anything is worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from globulin.asked import HeldFile, PersonAsked
from globulin.bedside import IndividualRequest
from globulin.errors import InputError
from globulin.formats.csv_records import read_records
from globulin.web.drafts import Texts
from globulin.web.forms import Choice, Entry, Field, Filled, pairs_of, read
from globulin.web.held_tables import COLUMNS, Table, cell_at_fault, held_table

MOST_ROWS = 20
SEED = 1

_PREFIX: Mapping[Table, str] = {"doses": "dose", "levels": "level"}
_FIRST_ROWS: Mapping[Table, int] = {"doses": 1, "levels": 3}
_ROUTES = (
    Choice("iv", "into a vein"),
    Choice("sc", "under the skin"),
    Choice("fsc", "under the skin, with hyaluronidase"),
    Choice("im", "into a muscle"),
)

PERSON = (
    Field(
        name="weight_kg",
        label="Body weight",
        kind="number",
        unit="kg",
        low=2,
        high=400,
        example="62",
        required=True,
    ),
    Field(
        name="baseline_g_per_l",
        label="Own IgG before treatment",
        kind="number",
        unit="g/L",
        low=0,
        high=100,
        example="9.5",
        hint="If it was measured before the first dose. It is taken as exact; else it is estimated too.",
    ),
)
DAYS = Field(
    name="at_day",
    label="Days to look ahead to",
    hint="With commas between them. Left empty: right before each dose after the last level.",
    example="84, 112",
    longest=2_000,
)
_FILE = Field(name="file", label="A table as CSV")
_DO = Field(name="do", label="What to do", kind="text")


def _dose_fields(number: int) -> tuple[Field, ...]:
    name, label = f"dose_{number}", f"Dose {number}"
    return (
        Field(name=f"{name}_day", label=f"{label}, day", kind="number", low=0, high=36_600, example="0"),
        Field(name=f"{name}_dose_g", label=f"{label}, grams", kind="number", low=0, high=2_000, example="25"),
        Field(name=f"{name}_route", label=f"{label}, how it is given", kind="list", choices=_ROUTES),
        Field(name=f"{name}_infusion_day", label=f"{label}, days it runs", kind="number", low=0, high=366),
        Field(name=f"{name}_interval_day", label=f"{label}, then every", kind="number", low=0, high=366),
        Field(name=f"{name}_additional", label=f"{label}, further doses", kind="whole", low=0, high=1_000),
        Field(name=f"{name}_steady", label=f"{label}, given like this for long before", kind="check"),
    )


def _level_fields(number: int) -> tuple[Field, ...]:
    name, label = f"level_{number}", f"Level {number}"
    return (
        Field(name=f"{name}_day", label=f"{label}, day", kind="number", low=0, high=36_600, example="28"),
        Field(name=f"{name}_igg_g_per_l", label=f"{label}, IgG", kind="number", low=0, high=100),
        Field(name=f"{name}_below_limit", label=f"{label}, below what can be measured", kind="check"),
    )


_ROW_FIELDS: Mapping[Table, tuple[tuple[Field, ...], ...]] = {
    "doses": tuple(_dose_fields(number) for number in range(1, MOST_ROWS + 1)),
    "levels": tuple(_level_fields(number) for number in range(1, MOST_ROWS + 1)),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a page draws it: the fields by their short names."""

    number: int
    cells: Mapping[str, Entry]

    @property
    def errors(self) -> tuple[Entry, ...]:
        """The fields that are wrong."""
        return tuple(cell for cell in self.cells.values() if cell.error)


@dataclass(frozen=True, slots=True)
class LevelsForm:
    """The form with what was filled in, and how many rows of each table are shown."""

    filled: Filled
    shown: Mapping[Table, int]

    def rows(self, table: Table) -> tuple[Row, ...]:
        """The rows of a table that are shown."""
        fields = _ROW_FIELDS[table][: self.shown[table]]
        return tuple(
            Row(number, {_short(each.name): self.filled[each.name] for each in row})
            for number, row in enumerate(fields, 1)
        )

    @property
    def do(self) -> str:
        """Which button was pressed last."""
        return str(self.filled.values.get("do", ""))

    def quiet(self) -> LevelsForm:
        """The same without a word on what is still missing, before anything was asked."""
        return LevelsForm(replace(self.filled, errors={}), self.shown)

    def request(self) -> tuple[IndividualRequest | None, LevelsForm]:
        """What is asked, or None and the form with what is missing."""
        filled = self.filled
        if not filled.errors:
            for name, words in self._lacking():
                filled = filled.with_error(name, words)
        days, fault = _days(str(filled.values.get("at_day", "")))
        if fault:
            filled = filled.with_error("at_day", fault)
        if filled.errors:
            return None, LevelsForm(filled, self.shown)
        asked = IndividualRequest(
            models=(str(filled.values["model"]),),
            doses=held_table("doses", [values for _, values in self.given("doses")]),
            levels=held_table("levels", [values for _, values in self.given("levels")]),
            route="iv",
            at_day=days,
            seed=SEED,
            person=filled.record(PersonAsked),
        )
        return asked, self

    def blamed(self, problem: InputError) -> LevelsForm:
        """The form with what a computation refused, at the cell or the field that it names."""
        cell = cell_at_fault(str(problem))
        if cell is None:
            return LevelsForm(self.filled.blamed(problem), self.shown)
        number, _ = self.given(cell.table)[cell.row]
        name = f"{_PREFIX[cell.table]}_{number}_{cell.field}"
        words = cell.words
        for heading, said in _HEADINGS.items():
            words = words.replace(heading, said)
        return LevelsForm(self.filled.with_error(name, _sentence(words)), self.shown)

    def _lacking(self) -> Iterator[tuple[str, str]]:
        """Fields that must be filled in, and what is said of them."""
        for table, words in _MISSING.items():
            rows = self.given(table)
            if not rows:
                yield f"{_PREFIX[table]}_1_day", words
            for number, values in rows:
                for needed in _NEEDED[table]:
                    if needed not in values:
                        yield f"{_PREFIX[table]}_{number}_{needed}", _IN_A_ROW

    def given(self, table: Table) -> list[tuple[int, dict[str, Any]]]:
        """The rows that hold something, with their numbers."""
        found = []
        for number, row in enumerate(_ROW_FIELDS[table][: self.shown[table]], 1):
            values = {
                _short(each.name): value
                for each in row
                if (value := self.filled.values.get(each.name)) is not None and value is not False
            }
            if set(values) - {"route"}:
                found.append((number, values))
        return found


_HEADINGS = {
    "TIME": "day",
    "AMT": "dose",
    "ADDL": "further doses",
    "DUR": "days it runs",
    "II": "then every",
    "SS": "given like this for long",
}

_IN_A_ROW = "This is needed in a row that is filled in."
_NEEDED: Mapping[Table, tuple[str, str]] = {"doses": ("day", "dose_g"), "levels": ("day", "igg_g_per_l")}
_MISSING: Mapping[Table, str] = {
    "doses": "Give at least one dose.",
    "levels": "Give at least one measured level.",
}


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def row_name(table: Table, number: int, short: str) -> str:
    """The name of a row's field, counted from 1."""
    return f"{_PREFIX[table]}_{number}_{short}"


def _short(name: str) -> str:
    return name.split("_", 2)[2]


def fields(models: Iterable[Choice]) -> tuple[Field, ...]:
    """Every question; `models` are the kinds of people that models are made of."""
    kinds = Field(
        name="model",
        label="How much IgG the person makes",
        kind="choice",
        choices=tuple(models),
        required=True,
    )
    rows = (each for table in _ROW_FIELDS.values() for row in table for each in row)
    return (*PERSON, kinds, DAYS, _FILE, _DO, *rows)


def levels_form(texts: Texts, asked: Sequence[Field]) -> LevelsForm:
    """The form of what was typed. Raises FormError as `forms.read` does."""
    return LevelsForm(read(pairs_of(texts), asked), {table: _shown(texts, table) for table in _PREFIX})


def empty_form(asked: Sequence[Field]) -> LevelsForm:
    """The form before anything was typed."""
    default = next(each for each in asked if each.name == "model").choices[0].value
    return LevelsForm(Filled(tuple(asked), {"model": (default,)}), _FIRST_ROWS)


def _shown(texts: Texts, table: Table) -> int:
    numbers = [int(name.split("_")[1]) for name in texts if name.startswith(f"{_PREFIX[table]}_")]
    return max(numbers, default=_FIRST_ROWS[table])


def pressed(texts: Texts) -> tuple[Texts, str]:
    """What was typed after a row was added or taken away, and the part of the page to go on at."""
    do = (texts.get("do") or ("",))[0]
    action, _, number = do.partition(" ")
    tables: Mapping[str, Table] = {"dose": "doses", "level": "levels"}
    verb, _, what = action.partition("-")
    if verb not in ("add", "remove") or what not in tables:
        return texts, "result"
    table = tables[what]
    if verb == "add":
        return _grown(texts, table), table
    return _without(texts, table, int(number) if number.isdecimal() else 0), table


def _grown(texts: Texts, table: Table) -> Texts:
    number = min(_shown(texts, table) + 1, MOST_ROWS)
    return {**texts, f"{_PREFIX[table]}_{number}_day": texts.get(f"{_PREFIX[table]}_{number}_day", ("",))}


def _without(texts: Texts, table: Table, number: int) -> Texts:
    """Without a row; those below it move up, and one empty row stays."""
    prefix = f"{_PREFIX[table]}_"
    found = {name: each for name, each in texts.items() if not name.startswith(prefix)}
    for name, each in texts.items():
        if not name.startswith(prefix):
            continue
        _, at, short = name.split("_", 2)
        if int(at) != number:
            found[f"{prefix}{int(at) - (int(at) > number)}_{short}"] = each
    if not any(name.startswith(prefix) for name in found):
        found[f"{prefix}1_day"] = ("",)
    return found


def texts_of_file(file: HeldFile, texts: Texts) -> Texts:
    """What was typed with the rows of a file in place of those of the tables that it holds.

    A file may hold doses, levels, or both in one table. Raises InputError, one line, for a file that is no
    such table, or holds what these rows have no place for.
    """
    records = read_records(file)
    held = [
        table
        for table, needed in _NEEDED.items()
        if all(COLUMNS[table][field].lower() in records.headings for field in needed)
    ]
    if not held:
        raise InputError(
            f"{records.file}: no columns TIME and AMT (doses), or TIME and IGG (levels), in the first line"
        )
    for heading in ("rate", "id"):
        if len({cell for cell in records.column(heading) or () if cell not in _NOTHING}) > (heading == "id"):
            raise InputError(f"{records.file}: {_NO_PLACE[heading]}")
    found = dict(texts)
    for table in held:
        found = {name: each for name, each in found.items() if not name.startswith(f"{_PREFIX[table]}_")}
        columns = {field: records.column(heading.lower()) for field, heading in COLUMNS[table].items()}
        marks = columns[_NEEDED[table][1]] or ()
        rows = [row for row, mark in enumerate(marks) if mark not in (*_NOTHING, "0")]
        if len(rows) > MOST_ROWS:
            raise InputError(
                f"{records.file}: {len(rows)} {table}; up to {MOST_ROWS} fit here. The command globulin"
                " individualise takes any number; or say repeated doses in one row (II and ADDL)"
            )
        for number, row in enumerate(rows, 1):
            for field, cells in columns.items():
                cell = "" if cells is None or cells[row] in _NOTHING else cells[row]
                found |= _text(f"{_PREFIX[table]}_{number}_{field}", field, cell)
    return found


_NOTHING = ("", ".")
_NO_PLACE = {
    "rate": "RATE has no place here; give how long each dose runs, in days, as DUR",
    "id": "the table is of several people; give that of one",
}


def _text(name: str, field: str, cell: str) -> dict[str, tuple[str, ...]]:
    if field in ("steady", "below_limit"):
        return {name: ("yes",)} if cell == "1" else {}
    if field == "route":
        return {name: (cell.lower() or "iv",)}
    return {name: (cell,)}


def _days(text: str) -> tuple[tuple[float, ...], str]:
    """The days that were named, or what is wrong with them."""
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    try:
        days = tuple(float(part) for part in parts)
    except ValueError:
        return (), "Give days as numbers with commas between them, such as 84, 112."
    if any(not 0 <= day <= 36_600 for day in days) or list(days) != sorted(days):
        return (), "Give days from 0 on, the earlier ones first."
    return days, ""
