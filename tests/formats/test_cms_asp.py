"""Medicare's payment limits and crosswalk: the real files of one quarter, and every way a file can be wrong.

`truth/cms_*_2025q4.csv` are rows of the two files as CMS published them for October 2025, byte for byte:
title lines, Windows-1252 bytes, line ends, a cell of two lines, a limit that is not given, 240 empty columns.
"""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.dossier import Dossier
from globulin.dossier.price import PriceList
from globulin.errors import InputError
from globulin.formats.archives import TableBytes
from globulin.formats.cms_asp import Quarter, price_list_of, read_cms_limits
from globulin.library import open_dossier
from globulin.planning.price_table import named_codes

TRUTH = Path(__file__).parents[1] / "truth"
LIMITS = TRUTH / "cms_payment_limits_2025q4.csv"
CROSSWALK = TRUTH / "cms_ndc_crosswalk_2025q4.csv"
RAW = LIMITS.read_bytes()
PAIRS = CROSSWALK.read_bytes()
NOC = (
    b"Payment Allowance Limits for Medicare Part B Drugs\r\n\r\n"
    b'"Effective October 1, 2025 through December 31, 2025"\r\n\r\n'
    b"Drug Generic Name (Trade Name),Dosage,Payment Limit,Notes\r\nA drug,1 MG,5.000,\r\n"
)
CODES = {
    "J1459": "Privigen",
    "J1460": "GamaSTAN",
    "J1559": "Hizentra",
    "J1560": "GamaSTAN",
    "J1599": "Qivigy",
}


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


def imported(raw: bytes, pairs: bytes | None = None) -> PriceList:
    crosswalk = None if pairs is None else (TableBytes("pairs.csv", pairs),)
    return price_list_of((TableBytes("limits.csv", raw),), CODES, crosswalk)


def fault(raw: bytes, pairs: bytes | None = None) -> str:
    with pytest.raises(InputError) as caught:
        imported(raw, pairs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(old: bytes, new: bytes, raw: bytes = RAW) -> bytes:
    assert old in raw
    return raw.replace(old, new)


# --- the real files ------------------------------------------------------------------------------------


def test_the_real_files_are_the_list_that_was_written_by_hand(dossier: Dossier) -> None:
    found = read_cms_limits(LIMITS, named_codes(dossier.products.values()), CROSSWALK)
    known = dossier.prices["cms_2025q4"]

    def lines(prices: PriceList) -> list[tuple[object, ...]]:
        return [(p.code, p.what, p.amount, p.unit, p.price, p.coinsurance_percent) for p in prices.prices]

    assert lines(found) == lines(known)
    assert found.packages == known.packages
    for name in (
        "id",
        "title",
        "country",
        "currency",
        "effective_from",
        "effective_to",
        "date_words",
        "basis",
    ):
        assert getattr(found, name) == getattr(known, name)
    # the codes that the dossier names and the file has no row for, as the list says by hand
    assert [text[:5] for text in found.not_listed] == ["J1572", "J1599"]


def test_what_is_kept_is_what_products_name(dossier: Dossier) -> None:
    """Both codes of the muscle product are kept, the second from the note beside the first."""
    kept = {price.code for price in read_cms_limits(LIMITS, named_codes(dossier.products.values())).prices}
    assert {"J1460", "J1560"} <= kept
    assert not {"J1570", "J1571", "J9325", "Q9999", "A9606"} & kept


def test_the_bytes_are_windows_1252_and_utf_8_is_read_too() -> None:
    assert b"\xa0" in RAW
    with pytest.raises(UnicodeDecodeError):
        RAW.decode("utf-8")
    text = RAW.decode("cp1252")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert imported(text.encode(encoding)).prices == imported(RAW).prices


def test_a_zip_of_the_workbook_and_the_table(tmp_path: Path) -> None:
    """The table stands beside a workbook, since 2026 also beside one of drugs that are not payable."""
    path = tmp_path / "october-2025.zip"
    not_payable = changed(b"J1459", b"J9999")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Oct 2025 ASP Pricing File.xls", b"\xd0\xcf\x11\xe0")
        archive.writestr("section 508 version of Oct 2025 Payment Limit File.csv", RAW)
        archive.writestr("Drugs Not Payable Payment Limit File.csv", not_payable)
        archive.writestr("NOC.csv", NOC)
        archive.writestr("read me first.csv", b"words, and no table\r\n")
    assert read_cms_limits(path, CODES).prices == imported(RAW).prices


def test_the_crosswalk_zip_holds_other_crosswalks_too() -> None:
    other = changed(b"ASP NDC", b"AWP NDC", PAIRS)
    found = price_list_of(
        (TableBytes("l.csv", RAW),),
        CODES,
        (TableBytes("z: awp.csv", other), TableBytes("z: asp.csv", PAIRS)),
    )
    assert found.packages == imported(RAW, PAIRS).packages


def test_packages_are_counted_in_billing_units() -> None:
    """Privigen 10 g is 20 units of 500 mg, though its size is printed as 110; 2 mL are 0.2 units of 10 mL."""
    units = {(p.code, p.ndc): p.billing_units for p in imported(RAW, PAIRS).packages}
    assert units["J1459", "44206-0437-10"] == 20
    assert units["J1560", "13533-0335-04"] == 0.2


@pytest.mark.parametrize("lines", [0, 3, 9, 10, 30])
def test_headings_are_found_by_their_names(lines: int) -> None:
    title = b'"Effective October 1, 2025 through December 31, 2025"\r\n' + b",,\r\n" * lines
    assert imported(title + RAW[RAW.index(b"HCPCS Code") :]).prices == imported(RAW).prices


def test_columns_may_move_come_and_go() -> None:
    rows = [
        b"HCPCS Code,Payment Limit,HCPCS Code Dosage,Short Description",
        b"J1459,50.737,500 MG,Privigen",
        b"Q1,,,",
    ]
    raw = (
        b"Effective July 1 2009 through September 30 2009\r\n"
        + b"\r\n".join(rows)
        + b"\r\nQ9999,1,1 MG,x\r\n"
    )
    found = imported(raw)
    assert (found.id, found.effective_from, found.effective_to) == (
        "cms_2009q3",
        date(2009, 7, 1),
        date(2009, 9, 30),
    )
    assert [(p.price, p.coinsurance_percent) for p in found.prices] == [(50.737, None)]
    assert "does not say" in found.basis


def test_blank_rows_at_the_end_change_nothing() -> None:
    assert imported(RAW + b",,,,,,,,,,\r\n" * 20 + b"\r\n").prices == imported(RAW).prices


@pytest.mark.parametrize(
    ("title", "identifier", "words"),
    [
        (b"Effective January 1, 2026 through March 31, 2026", "cms_2026q1", "January to March 2026"),
        (b"EFFECTIVE APRIL 1, 2024 THROUGH JUNE 30, 2024", "cms_2024q2", "April to June 2024"),
        (b"Effective July 1, 2010  through  September 30, 2010", "cms_2010q3", "July to September 2010"),
    ],
)
def test_any_quarter(title: bytes, identifier: str, words: str) -> None:
    found = imported(changed(b"Effective October 1, 2025 through December 31, 2025", title))
    assert (found.id, found.date_words) == (identifier, words)


@given(st.integers(2005, 2099), st.integers(1, 4))
def test_quarters_tile_the_calendar(year: int, number: int) -> None:
    quarter = Quarter(year, number)
    following = Quarter(year + number // 4, number % 4 + 1)
    assert (following.first - quarter.last).days == 1
    assert 90 <= (quarter.last - quarter.first).days + 1 <= 92
    assert following.earlier(1) == quarter
    assert quarter.earlier(4) == Quarter(year - 1, number)


def test_a_limit_that_is_not_given_is_kept_without_a_price() -> None:
    for cell in (b"N/A", b"", b"n/a"):
        price = imported(changed(b"50.737", cell)).prices[0]
        assert (price.code, price.price) == ("J1459", None)


def test_a_unit_that_is_no_amount_of_drug_is_said() -> None:
    found = imported(changed(b"500 MG,50.737", b"PER VIAL,50.737"))
    assert "J1459" not in {price.code for price in found.prices}
    assert any("J1459" in text and "PER VIAL" in text for text in found.not_listed)


def test_amounts_in_mg_g_and_ml() -> None:
    for dosage, amount, unit in (
        (b"500 MG", 500.0, "mg"),
        (b"0.5 GM", 0.5, "g"),
        (b".5 g", 0.5, "g"),
        (b"5ml", 5.0, "ml"),
        (b"10 CC", 10.0, "ml"),
    ):
        price = imported(changed(b"500 MG,50.737", dosage + b",50.737")).prices[0]
        assert (price.amount, price.unit) == (amount, unit)


def test_thousands_small_letters_and_letters_beyond_ascii() -> None:
    raw = changed(b"J1459,Inj ivig", "j1459,Inj é ivig".encode("cp1252")).replace(b"50.737", b'"1,050.737"')
    for text in (raw, raw.decode("cp1252").encode()):
        price = imported(text).prices[0]
        assert (price.code, price.what, price.price) == ("J1459", "Inj é ivig privigen 500 mg", 1050.737)


def test_codes_that_are_missing_are_said_once_each() -> None:
    found = imported(changed(b"500 MG,50.737", b"PER VIAL,50.737"))
    assert sorted(text[:5] for text in found.not_listed) == ["J1459", "J1599"]


def test_one_code_with_two_amounts_is_refused() -> None:
    row = b"J1459,Inj ivig privigen 500 mg,500 MG,50.737,20.000,,,,,,\r\n"
    for dosage in (b"100 MG", b"500 ML"):
        second = row.replace(b"500 MG", dosage)
        assert "J1459 stands in line 12 already" in fault(changed(row, row + second))
    assert "J1459 stands twice" in fault(changed(row, row + row.replace(b"500 MG", b"PER VIAL")))


def test_sales_of_another_quarter_than_usual_are_said() -> None:
    assert any("first quarter of 2025" in text for text in imported(changed(b"2Q25", b"1Q25")).caveats)
    assert not any("as a rule" in text for text in imported(RAW).caveats)


def test_an_adjusted_coinsurance_is_kept() -> None:
    by_code = {price.code: price for price in imported(RAW).prices}
    assert by_code["J1559"].coinsurance_percent == 19.217
    assert by_code["J1559"].note == "Inflation-adjusted coinsurance"
    assert any("adjusted for inflation" in text for text in imported(RAW).caveats)
    usual = RAW.replace(b"19.217", b"20.000")
    assert not any("adjusted for inflation" in text for text in imported(usual).caveats)


def test_an_id_that_is_no_ndc_is_left_out_and_said() -> None:
    found = imported(RAW, changed(b"44206-0436-05", b"IMPORT-1", PAIRS))
    assert len(found.packages) == len(imported(RAW, PAIRS).packages) - 1
    assert any("IMPORT-1" in text for text in found.caveats)


# --- faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"December 31, 2025", b"November 30, 2025", "is not one whole quarter"),
        (b"October 1, 2025", b"August 1, 2025", "is not one whole quarter"),
        (b"October 1, 2025", b"October 2, 2025", "is not one whole quarter"),
        (b"December 31, 2025", b"December 31, 2026", "is not one whole quarter"),
        (b"December 31, 2025", b"February 30, 2025", "'February 30, 2025' in the title is no date"),
        (b"October 1, 2025", b"Octember 1, 2025", "'Octember 1, 2025' in the title is no date"),
        (b"Effective", b"In force", "do not say 'Effective ... through ...'"),
        (
            b"Note 1:",
            b"Effective January 1 2026 through March 31 2026",
            "two periods in the title",
        ),
        (b"Payment Limit,", b"Limit,", "limits.csv:9: no column 'PAYMENT LIMIT'"),
        (b"HCPCS Code Dosage,", b"Dosage,", "limits.csv:9: no column 'HCPCS CODE DOSAGE'"),
        (b"50.737", b"-50.737", "limits.csv:12: PAYMENT LIMIT: '-50.737' is not a number above 0"),
        (b"50.737", b"0.000", "is not a number above 0"),
        (b"50.737", b"nan", "is not a number above 0"),
        (b"50.737", b"1e9", "is not a number above 0"),
        (b"50.737", b"see note", "'see note' is not a number above 0"),
        (b"50.737,20.000", b"50.737,200", "CO-INSURANCE PERCENTAGE: '200' is no percentage"),
        (b"J1460,Gamma", b"J1459,Gamma", "J1459 stands in line 12 already, with another price or amount"),
        (b"J1551,Inj", b'J1551,"Inj', "not a table"),
        (
            b"J1459,Inj ivig privigen 500 mg,500 MG,50.737,20.000,,,,,,",
            b"J1459,Privigen",
            "2 cells under 11 headings",
        ),
        (b"500 MG,50.737,20.000,,,,,,", b"500 MG", "limits.csv:12: 3 cells under 11 headings"),
    ],
)
def test_a_fault_is_one_line_that_says_where(old: bytes, new: bytes, words: str) -> None:
    assert words in fault(changed(old, new))


def test_the_same_row_twice_is_one_price() -> None:
    row = b"J1459,Inj ivig privigen 500 mg,500 MG,50.737,20.000,,,,,,\r\n"
    assert imported(changed(row, row + row)).prices == imported(RAW).prices


def test_a_file_that_is_another_one_is_named() -> None:
    assert "this is the crosswalk (which package has which code); give it as --crosswalk" in fault(PAIRS)
    assert "this is the payment limits; give the crosswalk" in fault(RAW, RAW)
    assert "this is the NOC file" in fault(NOC)
    assert "this is the NOC file" in fault(RAW, NOC)
    assert "no line with the headings" in fault(b"a,b\n1,2\n")
    assert "none of the 5 codes" in fault(changed(b"\nJ1", b"\nJ2"))


def test_limits_and_crosswalk_of_two_quarters_are_not_mixed() -> None:
    later = changed(
        b"October 1, 2025 through December 31, 2025", b"January 1, 2026 through March 31, 2026", PAIRS
    )
    assert "the crosswalk is of the first quarter 2026" in fault(RAW, later)


@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.7, 0.9])
def test_a_file_that_was_cut_off_is_refused(share: float) -> None:
    """Wherever it stops before its last row: in the title, in the headings, in a row, between rows."""
    fault(RAW[: int(share * RAW.rindex(b"Q9999"))])
    fault(RAW, PAIRS[: int(share * PAIRS.index(b"Q9999"))])


def test_a_file_cut_between_rows_or_in_its_last_is_refused() -> None:
    assert "may be cut off" in fault(RAW[: RAW.index(b"J1561")])
    assert "may be cut off" in fault(RAW[: RAW.rindex(b",,,,,,")])
    assert "no rows with a billing code" in fault(RAW[: RAW.index(b"J1459")].replace(b"A9606", b""))


def test_billing_units_must_be_numbers_and_agree() -> None:
    row = next(line for line in PAIRS.split(b"\r\n") if b"44206-0436-05" in line)
    assert "BILLUNITS: '-10' is not a number above 0" in fault(
        RAW, changed(row, row.replace(b",10,10", b",-10,10"), PAIRS)
    )
    twice = changed(row, row + b"\r\n" + row.replace(b",10,10", b",20,20"), PAIRS)
    assert "with other billing units" in fault(RAW, twice)


def test_several_candidates_in_a_zip_are_named() -> None:
    files = (TableBytes("z.zip: a.csv", RAW), TableBytes("z.zip: b.csv", RAW))
    with pytest.raises(
        InputError, match=r"^z.zip: 2 files in the zip are the payment limits \(a.csv, b.csv\)"
    ):
        price_list_of(files, CODES)
    with pytest.raises(InputError, match="0 files in the zip are the payment limits"):
        price_list_of((TableBytes("z: a.csv", PAIRS), TableBytes("z: b.csv", NOC)), CODES)
    with pytest.raises(InputError, match="may be cut off"):
        price_list_of((TableBytes("z: a.csv", RAW[:1500]), TableBytes("z: b.csv", NOC)), CODES)


def test_bytes_that_are_no_text_are_refused() -> None:
    assert "limits.csv:12: not text" in fault(
        changed(b"Inj ivig", b"Inj \x81ivig")
    )  # undefined in Windows-1252
    assert "not text" in fault(changed(b"Inj ivig", b"Inj \0ivig"))


# --- anything at all -----------------------------------------------------------------------------------

PIECES = [
    RAW,
    PAIRS[:4000],
    NOC,
    b",",
    b'"',
    b"\r\n",
    b"\xff\xfe",
    b"Effective ",
    b"HCPCS Code",
    b"N/A",
    b"J1459",
]


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join)))
def test_any_bytes_give_a_list_or_one_line(raw: bytes) -> None:
    for pairs in (None, raw):
        problem, found = outcome(raw, pairs)
        assert "\n" not in problem
        assert (found is None) == bool(problem)


@given(st.lists(st.tuples(st.integers(0, len(RAW) - 1), st.binary(max_size=3)), min_size=1, max_size=4))
def test_a_file_with_a_few_other_bytes_gives_a_list_or_one_line(changes: list[tuple[int, bytes]]) -> None:
    raw = RAW
    for at, piece in changes:
        raw = raw[:at] + piece + raw[at + 1 :]
    problem, found = outcome(raw)
    assert "\n" not in problem
    assert found is None or all(price.price is None or price.price > 0 for price in found.prices)


def outcome(raw: bytes, pairs: bytes | None = None) -> tuple[str, PriceList | None]:
    """What is said against bytes, or the list that they are."""
    try:
        return "", imported(raw, pairs)
    except InputError as caught:
        return str(caught), None
