"""Bytes of a CSV file as headings and rows with their lines, the same for every table that people bring.

Commas, semicolons or tabs part the columns, whichever the first line has most of; with the last two, numbers
may have decimal commas. UTF-8, or UTF-16 with its mark. Every fault is one line that says where it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from globulin.asked import AnyFile
from globulin.errors import InputError

MAX_BYTES = 20_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Records:
    """Headings in lower case, rows of trimmed cells, and the line of the file that each starts on."""

    file: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    decimal_commas: bool

    def column(self, heading: str) -> tuple[str, ...] | None:
        """The cells under a heading; None if there is none."""
        if heading not in self.headings:
            return None
        at = self.headings.index(heading)
        return tuple(row[at] for row in self.rows)

    def number(self, row: int, heading: str, cell: str) -> float:
        """A cell as a number. Raises InputError, with its place, if it is none."""
        text = cell.replace(",", ".") if self.decimal_commas else cell
        if not _NUMBER.fullmatch(text):
            self.fail(row, heading, f"{shown(cell)} is not a number" if cell else "the cell is empty")
        return float(text)

    def fail(self, row: int, heading: str, problem: str) -> NoReturn:
        """Raise InputError about one cell."""
        raise InputError(f"{self.file}:{self.lines[row]}: column {heading.upper()}: {problem}")


def read_records(path: AnyFile) -> Records:
    """Read a CSV file. Raises InputError, one line with file and line, for what is no table."""
    file = cleaned(path.name)
    text = file_text(file, path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise InputError(f"{file}: the file is empty")
    delimiter = max("\t;,", key=first.count)
    found = [
        (line, tuple(cell.strip() for cell in row))
        for line, row in file_rows(file, text, delimiter)
        if "".join(row).strip()
    ]
    headings = tuple(" ".join(cell.split()).lower() for cell in found[0][1])
    repeated = next((name for name in headings if name and headings.count(name) > 1), None)
    if repeated is not None:
        raise InputError(f"{file}:{found[0][0]}: the heading {shown(repeated)} stands twice")
    if len(found) < 2:
        raise InputError(f"{file}: no rows below the headings")
    for line, row in found[1:]:
        if len(row) != len(headings):
            hint = " (a decimal comma needs semicolons between the columns)" * (delimiter == ",")
            raise InputError(f"{file}:{line}: {len(row)} cells under {len(headings)} headings{hint}")
    lines, rows = zip(*found[1:], strict=True)
    return Records(file, headings, rows, lines, decimal_commas=delimiter != ",")


def cleaned(text: str) -> str:
    """Text in one line, without characters that would steer a terminal."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())


def shown(text: str, most: int = 40) -> str:
    """A cell as it may be quoted in a message."""
    clean = cleaned(text)
    return repr(clean if len(clean) <= most else f"{clean[:most]}...")


def file_text(file: str, path: AnyFile) -> str:
    """The text of a table: UTF-8, or UTF-16 with its mark; InputError, one line, for anything else."""
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


def file_rows(file: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line each starts on; InputError where quotes do not close."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as problem:
        raise InputError(f"{file}:{line}: not a table: {problem}") from problem
