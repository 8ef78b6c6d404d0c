"""Medicare Part B payment limits and the crosswalk of packages, as CMS publishes them each quarter.

https://www.cms.gov/medicare/payment/part-b-drugs/asp-pricing-files. Both files begin with lines of title and
notes, as many as the year has it; so the line of headings is found by its names, and the quarter is read from
the title. Bytes are Windows-1252 or UTF-8. The limits come in a zip beside a workbook, since 2026 also beside
a list of drugs that are not payable. Of a limits file one price list is made, of one quarter; nothing is
filled in from another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, NoReturn

from globulin.dossier.price import Package, Price, PriceList
from globulin.errors import InputError
from globulin.formats.archives import TableBytes, tables_in
from globulin.formats.csv_records import cleaned, file_rows, shown

Kind = Literal["limits", "crosswalk", "noc"]
KINDS: dict[Kind, str] = {
    "limits": "the payment limits",
    "crosswalk": "the crosswalk (which package has which code)",
    "noc": "the NOC file (drugs without a code of their own)",
}

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
QUARTERS = ("first", "second", "third", "fourth")
LAST_LETTER = "Q"
"""Both files go up to codes in Q, in order; one that stops before is cut off."""

_TITLE_LINES = 60
_CODE = re.compile(r"[A-Z0-9]\d{4}")
_EFFECTIVE = re.compile(
    r"effective\s+([a-z]+)\s+(\d{1,2}),?\s+(20\d\d)\s*(?:through|thru|to|-|\N{EN DASH})"
    r"\s*([a-z]+)\s+(\d{1,2}),?\s+(20\d\d)",
    re.IGNORECASE | re.ASCII,
)
_BASIS = re.compile(r"based on ([1-4])Q(\d\d) ASP data", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"(\d{1,3}(,\d{3}){1,2}|\d{1,9})(\.\d{1,9})?|\.\d{1,9}", re.ASCII)
_DOSAGE = re.compile(r"(\d{0,7}(?:\.\d{1,6})?)\s*([a-z]+)", re.IGNORECASE | re.ASCII)
_NDC = re.compile(r"\d{5}-\d{4}-\d{2}", re.ASCII)
_UNITS: dict[str, Literal["mg", "g", "ml"]] = {
    "mg": "mg", "g": "g", "gm": "g", "gram": "g", "grams": "g", "ml": "ml", "cc": "ml",
}  # fmt: skip
_NO_LIMIT = ("", "n/a", "na")
_CODE_HEADING = re.compile(r"hcpcs code|hcpcs|_?\d{4}[_ ]code")
_LIMITS = ("short description", "hcpcs code dosage", "payment limit")
_CROSSWALK = ("labeler name", "ndc2", "drug name", "billunits")

CAVEATS = (
    "A payment limit is a limit for the drug alone. It is not a patient's bill.",
    "A code in the list, or missing from it, does not say whether Medicare covers the drug.",
)


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter of a calendar year."""

    year: int
    number: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        following = date(self.year + self.number // 4, 3 * self.number % 12 + 1, 1)
        return following - timedelta(days=1)

    @property
    def words(self) -> str:
        """As in `fourth quarter 2025`."""
        return f"{QUARTERS[self.number - 1]} quarter {self.year}"

    def earlier(self, quarters: int) -> Quarter:
        """The quarter so many before."""
        year, number = divmod(4 * self.year + self.number - 1 - quarters, 4)
        return Quarter(year, number + 1)


@dataclass(frozen=True, slots=True)
class _Table:
    """One file: its title in one line, and the rows below the headings, each with its line."""

    file: str
    kind: Kind
    title: str
    heading_line: int
    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def at(self, heading: str) -> int:
        """Where a column stands. InputError if there is none."""
        if heading not in self.headings:
            self.fail(self.heading_line, f"no column {heading.upper()!r}")
        return self.headings.index(heading)

    def fail(self, line: int, problem: str) -> NoReturn:
        """Raise InputError about one line."""
        raise InputError(f"{self.file}:{line}: {problem}")


def read_cms_limits(path: Path, codes: Mapping[str, str], crosswalk: Path | None = None) -> PriceList:
    """The payment limits of `codes` (billing code to the products that it is of) as one price list.

    `path` is the payment limit file (CSV, or the zip that holds it) of any quarter, `crosswalk` that of
    packages of the same quarter. Codes that the file lacks, or gives in a unit that is no amount of drug,
    stand in `not_listed`. Raises InputError, one line, for everything that is not such a file.
    """
    return price_list_of(tables_in(path), codes, None if crosswalk is None else tables_in(crosswalk))


def price_list_of(
    files: tuple[TableBytes, ...],
    codes: Mapping[str, str],
    crosswalk: tuple[TableBytes, ...] | None = None,
) -> PriceList:
    """The same from bytes that were read already."""
    table = _only(files, "limits")
    quarter = _quarter(table)
    prices, unusable = _prices(table, codes)
    caveats = list(CAVEATS)
    if any(price.coinsurance_percent not in (None, 20.0) for price in prices):
        caveats.append("Where the coinsurance is not 20%, it was adjusted for inflation.")
    packages: tuple[Package, ...] = ()
    names = table.file
    if crosswalk is not None:
        pairs = _only(crosswalk, "crosswalk")
        if _quarter(pairs) != quarter:
            raise InputError(
                f"{pairs.file}: the crosswalk is of the {_quarter(pairs).words}, the payment limits are of"
                f" the {quarter.words}; lists are never mixed"
            )
        packages, left_out = _packages(pairs, codes)
        caveats.append("Grams in a package are its billing units times the amount of the code.")
        if left_out:
            caveats.append(
                f"Left out, without a package code or billing units that can be read: {', '.join(left_out)}."
            )
        names = f"{names} and {pairs.file}"
    basis, doubt = _basis(table, quarter)
    listed = {price.code for price in prices}
    missing = [f"{code} ({codes[code]})" for code in sorted(codes) if code not in listed | unusable.keys()]
    return PriceList(
        id=f"cms_{quarter.year}q{quarter.number}",
        title=f"US Medicare Part B payment limits, {quarter.words}",
        country="US",
        currency="USD",
        effective_from=quarter.first,
        effective_to=quarter.last,
        date_words=f"{MONTHS[quarter.first.month - 1]} to {MONTHS[quarter.last.month - 1]} {quarter.year}",
        basis=basis,
        kind="drug",
        prices=prices,
        packages=packages,
        not_listed=(*missing, *(f"{code} ({why})" for code, why in unusable.items())),
        caveats=(*caveats, *doubt, f"Imported from {names}."),
        source=f"cms_payment_limits_{quarter.year}q{quarter.number}",
    )


# --- which file it is ----------------------------------------------------------------------------------


def _only(files: tuple[TableBytes, ...], wanted: Kind) -> _Table:
    """The one table of a kind among the files of a zip, or the one file that was given."""
    if len(files) == 1:
        table = _table(files[0])
        if table.kind != wanted:
            use = "give it as --crosswalk" if table.kind == "crosswalk" else f"give {KINDS[wanted]}"
            raise InputError(f"{table.file}: this is {KINDS[table.kind]}; {use}")
        return table
    tables, faults = [], []
    for file in files:
        try:
            tables.append(_table(file))
        except InputError as fault:
            faults.append(fault)
    found = [table for table in tables if table.kind == wanted]
    if not found and faults:
        raise faults[0]
    if len(found) > 1:
        found = [table for table in found if _main(table)] or found
    if len(found) != 1:
        names = ", ".join(table.file.partition(": ")[2] for table in found) or "none"
        raise InputError(
            f"{files[0].file.partition(': ')[0]}: {len(found)} files in the zip are {KINDS[wanted]}"
            f" ({names}); unpack it and give the one that is meant"
        )
    return found[0]


def _main(table: _Table) -> bool:
    """Whether it is the file itself and not one of those that come beside it in the same form."""
    if table.kind == "crosswalk":
        return "asp ndc" in table.title.lower()
    return "not payable" not in f"{table.file} {table.title}".lower()


def _table(file: TableBytes) -> _Table:
    """A file as a table. InputError for what is none of the kinds, or is cut off."""
    text = _decoded(file)
    rows = [(line, tuple(cell.strip() for cell in row)) for line, row in file_rows(file.file, text, ",")]
    for index, (line, row) in enumerate(rows[:_TITLE_LINES]):
        headings = tuple(" ".join(cell.lower().split()) for cell in row)
        kind = _kind(headings)
        if kind is None:
            continue
        title = " ".join(cell for _, cells in rows[:index] for cell in cells if cell)
        # the year stands in the name of the crosswalk's first column
        headings = ("hcpcs code" if _CODE_HEADING.fullmatch(headings[0]) else headings[0], *headings[1:])
        table = _Table(file.file, kind, cleaned(title), line, headings, tuple(rows[index + 1 :]))
        if kind != "noc":
            _whole(table, ends=text.endswith(("\n", "\r")))
        return table
    raise InputError(
        f"{file.file}: no line with the headings 'HCPCS Code' and 'Payment Limit' near the top; give CMS's"
        " payment limit file as CSV or zip, or a list of your own (globulin prices template)"
    )


def _kind(headings: tuple[str, ...]) -> Kind | None:
    if any(name.startswith("drug generic name") for name in headings):
        return "noc"
    if not _CODE_HEADING.fullmatch(headings[0] if headings else ""):
        return None
    if any(name.startswith(("ndc", "billunits")) for name in headings):
        return "crosswalk"
    return "limits" if len([name for name in headings if name]) > 1 else None


def _decoded(file: TableBytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, or Windows-1252, as CMS writes it."""
    raw = file.raw
    ways = ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for way in ways:
        try:
            text = raw.decode(way)
        except UnicodeDecodeError as problem:
            place = problem.start
            continue
        if "\0" not in text:
            return text
        place = raw.index(b"\0")
    line = raw.count(b"\n", 0, place) + 1
    raise InputError(f"{file.file}:{line}: not text; give the CSV file, or the zip that holds it")


def _whole(table: _Table, *, ends: bool) -> None:
    """InputError if the file stops before its end."""
    coded = [(line, row) for line, row in table.rows if row and _CODE.fullmatch(row[0].upper())]
    if not coded:
        table.fail(table.heading_line, "no rows with a billing code below the headings")
    line, row = coded[-1]
    short = not ends and len(table.rows[-1][1]) < len(table.headings)
    if short or max(cells[0].upper() for _, cells in coded) < LAST_LETTER:
        table.fail(line, f"the file stops at {row[0]}, before its end; it may be cut off: fetch it again")


# --- what the title says -------------------------------------------------------------------------------


def _quarter(table: _Table) -> Quarter:
    """The quarter that a file says it is of. InputError for none, for two, and for what is no quarter."""
    said = {match[0]: match.groups() for match in _EFFECTIVE.finditer(table.title)}
    spans = {(_day(table, *found[:3]), _day(table, *found[3:])) for found in said.values()}
    if not spans:
        raise InputError(
            f"{table.file}: the lines above the headings do not say 'Effective ... through ...'; without its"
            " dates a price list is of no use"
        )
    if len(spans) > 1:
        raise InputError(
            f"{table.file}: two periods in the title ({'; '.join(sorted(said))}); lists are never mixed"
        )
    first, last = spans.pop()
    quarter = Quarter(first.year, (first.month + 2) // 3)
    if (first, last) != (quarter.first, quarter.last):
        raise InputError(f"{table.file}: {shown(next(iter(said)), 80)} is not one whole quarter of a year")
    return quarter


def _day(table: _Table, month: str, day: str, year: str) -> date:
    names = [name.lower() for name in MONTHS]
    try:
        return date(int(year), names.index(month.lower()) + 1, int(day))
    except ValueError as problem:
        said = shown(f"{month} {day}, {year}")
        raise InputError(f"{table.file}: {said} in the title is no date") from problem


def _basis(table: _Table, quarter: Quarter) -> tuple[str, tuple[str, ...]]:
    """On what the limits rest, in words, and a caution where that is not what is usual."""
    found = _BASIS.search(table.title)
    if found is None:
        return "Medicare Part B payment limits; the file does not say on which sales they rest", ()
    sales = Quarter(2000 + int(found[2]), int(found[1]))
    name = f"{QUARTERS[sales.number - 1]} quarter of {sales.year}"
    usual = sales == quarter.earlier(2)
    doubt = (
        () if usual else (f"Limits rest on the sales two quarters before, as a rule; these on the {name}.",)
    )
    return f"Average sales price of the {name} plus 6% (ASP + 6%)", doubt


# --- rows ----------------------------------------------------------------------------------------------


def _prices(table: _Table, codes: Mapping[str, str]) -> tuple[tuple[Price, ...], dict[str, str]]:
    """The prices of the codes in order, and the codes whose unit is no amount of drug, with that unit."""
    what, dosage, limit = (table.at(heading) for heading in _LIMITS)
    found: dict[str, tuple[int, Price]] = {}
    unusable: dict[str, str] = {}
    for line, code, row in _rows_of(table, codes, max(what, dosage, limit)):
        amount = _amount(row[dosage])
        if amount is None:
            unusable[code] = f"per {shown(row[dosage])}, which is no amount in mg, g or mL"
            continue
        price = Price(
            code=code,
            what=cleaned(row[what]) or code,
            amount=amount[0],
            unit=amount[1],
            price=_limit(table, line, row[limit]),
            coinsurance_percent=_coinsurance(table, line, row),
            seen="full_text",
            note=_optional(table, row, "notes") or None,
        )
        before, known = found.setdefault(code, (line, price))
        if (known.price, known.amount, known.unit) != (price.price, price.amount, price.unit):
            table.fail(line, f"{code} stands in line {before} already, with another price or amount")
    for code in unusable.keys() & found.keys():
        table.fail(found[code][0], f"{code} stands twice, with another amount")
    if not found:
        raise InputError(f"{table.file}: none of the {len(codes)} codes of immune globulin products is in it")
    return tuple(found[code][1] for code in sorted(found)), dict(sorted(unusable.items()))


def _packages(table: _Table, codes: Mapping[str, str]) -> tuple[tuple[Package, ...], tuple[str, ...]]:
    """The packages of the codes in order, and the ids of those that cannot be used."""
    labeler, ndc, drug, units = (table.at(heading) for heading in _CROSSWALK)
    found: dict[tuple[str, str], tuple[int, Package]] = {}
    left_out = []
    for line, code, row in _rows_of(table, codes, max(labeler, ndc, drug, units)):
        billing = row[units]
        if not _NDC.fullmatch(row[ndc]) or billing.lower() in _NO_LIMIT:
            left_out.append(cleaned(row[ndc]) or f"line {line}")
            continue
        package = Package(
            code=code,
            ndc=row[ndc],
            labeler=cleaned(row[labeler]) or "not named",
            drug=cleaned(row[drug]) or "not named",
            billing_units=_positive(table, line, "billunits", billing),
        )
        before, known = found.setdefault((code, package.ndc), (line, package))
        if known.billing_units != package.billing_units:
            table.fail(
                line, f"{code} {package.ndc} stands in line {before} already, with other billing units"
            )
    return tuple(found[key][1] for key in sorted(found)), tuple(left_out)


def _rows_of(table: _Table, codes: Mapping[str, str], last: int) -> list[tuple[int, str, tuple[str, ...]]]:
    """The rows of the codes: line, code, cells. InputError for one that does not reach column `last`."""
    found = []
    for line, row in table.rows:
        code = row[0].upper() if row else ""
        if code in codes:
            if len(row) <= last:
                table.fail(line, f"{len(row)} cells under {len(table.headings)} headings")
            found.append((line, code, row))
    return found


def _optional(table: _Table, row: tuple[str, ...], heading: str) -> str:
    """A cell of a column that not every quarter has. Spreadsheets leave out empty cells that end a row."""
    at = table.headings.index(heading) if heading in table.headings else len(row)
    return cleaned(row[at]) if at < len(row) else ""


def _amount(dosage: str) -> tuple[float, Literal["mg", "g", "ml"]] | None:
    found = _DOSAGE.fullmatch(dosage.strip())
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None or not found[1] or not float(found[1]) > 0:
        return None
    return float(found[1]), unit


def _limit(table: _Table, line: int, cell: str) -> float | None:
    return None if cell.lower() in _NO_LIMIT else _positive(table, line, "payment limit", cell)


def _coinsurance(table: _Table, line: int, row: tuple[str, ...]) -> float | None:
    cell = _optional(table, row, "co-insurance percentage")
    if cell.lower() in _NO_LIMIT:
        return None
    percent = _number(cell)
    if percent is None or percent > 100:
        table.fail(line, f"CO-INSURANCE PERCENTAGE: {shown(cell)} is no percentage")
    return percent


def _positive(table: _Table, line: int, heading: str, cell: str) -> float:
    value = _number(cell)
    if value is None or value <= 0:
        table.fail(line, f"{heading.upper()}: {shown(cell)} is not a number above 0")
    return value


def _number(cell: str) -> float | None:
    return float(cell.replace(",", "")) if _NUMBER.fullmatch(cell) else None
