"""Tables from files and zips that may be anything: what is read, and that every fault is one line."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.errors import InputError
from globulin.formats import archives
from globulin.formats.archives import MAX_BYTES, TableBytes, tables_in

Members = list[tuple[str, bytes]]


def zipped(members: Members, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, raw in members:
            archive.writestr(name, raw)
    return stream.getvalue()


def read(tmp_path: Path, raw: bytes, name: str = "f.zip") -> tuple[TableBytes, ...]:
    path = tmp_path / name
    path.write_bytes(raw)
    return tables_in(path)


def fault(tmp_path: Path, raw: bytes, name: str = "f.zip") -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, raw, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_is_its_own_table(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n", "x.csv") == (TableBytes("x.csv", b"a,b\n"),)


def test_a_zip_gives_its_tables_and_passes_over_the_rest(tmp_path: Path) -> None:
    raw = zipped([("w.xls", b"x"), ("in/a.CSV", b"1"), ("__MACOSX/in/._a.CSV", b"2"), ("b.csv", b"3")])
    assert read(tmp_path, raw) == (TableBytes("f.zip: in/a.CSV", b"1"), TableBytes("f.zip: b.csv", b"3"))


@pytest.mark.parametrize(
    "name", ["../a.csv", "/a.csv", "x/../../a.csv", "C:\\a.csv", "..\\a.csv", "\\\\h\\s\\a.csv"]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    assert "names a place outside the zip" in fault(tmp_path, zipped([("a.csv", b"1"), (name, b"2")]))


def test_other_kinds_of_file_are_named(tmp_path: Path) -> None:
    assert "this is a PDF" in fault(tmp_path, b"%PDF-1.7 ...")
    assert "old Excel workbook" in fault(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1")
    assert "gzip" in fault(tmp_path, b"\x1f\x8b\x08")
    assert "Excel workbook (.xlsx)" in fault(tmp_path, zipped([("[Content_Types].xml", b"<a/>")]))


def test_nothing_is_refused_as_nothing(tmp_path: Path) -> None:
    assert "the file is empty" in fault(tmp_path, b"", "x.csv")
    assert "the file is empty" in fault(tmp_path, b" \r\n", "x.csv")
    assert "f.zip: a.csv: the file is empty" in fault(tmp_path, zipped([("a.csv", b"")]))
    assert "holds no .csv file" in fault(tmp_path, zipped([("a.xls", b"1")]))
    assert "holds no .csv file" in fault(tmp_path, zipped([]))


def test_what_is_no_plain_file(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "this is a folder"), (tmp_path / "none", "no such file")):
        with pytest.raises(InputError, match=words):
            tables_in(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a plain file"):
        tables_in(tmp_path / "pipe")


def test_a_file_of_300_mb_is_refused_by_its_size_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.csv"
    path.touch()
    os.truncate(path, 300_000_000)  # sparse: it takes no room

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(InputError, match=r"^large.csv: larger than 20 MB"):
        tables_in(path)


def test_a_bomb_is_stopped_by_ratio_and_by_size(tmp_path: Path) -> None:
    """10 MB of one letter pack about 1,000 times; random digits pack less, and many of them are too much."""
    assert "too large once unpacked" in fault(tmp_path, zipped([("a.csv", b"0" * 10_000_000)]))
    stored = [(f"{i}.csv", os.urandom(64) + b"0123456789" * 500_000) for i in range(5)]
    assert "too large once unpacked" in fault(tmp_path, zipped(stored))


def test_a_zip_that_lies_about_its_sizes_is_stopped_all_the_same(tmp_path: Path) -> None:
    raw = bytearray(zipped([("a.csv", b"0" * 10_000_000)]))
    # where the unpacked size stands in a local and in a central header (APPNOTE 4.3.7 and 4.3.12)
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", raw, raw.index(magic) + offset, 10)
    assert "cannot be read" in fault(tmp_path, bytes(raw))


def test_all_tables_of_a_zip_share_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = zipped([("a.csv", b"12345"), ("b.csv", b"678901")], zipfile.ZIP_STORED)
    monkeypatch.setattr(archives, "MAX_BYTES", len(raw))
    assert len(read(tmp_path, raw)) == 2
    large = zipped([(name, os.urandom(40) + b"0" * 560) for name in ("a.csv", "b.csv")])
    monkeypatch.setattr(archives, "MAX_BYTES", 1_000)
    assert len(large) <= 1_000
    assert "f.zip: b.csv: too large once unpacked" in fault(tmp_path, large)


def test_damage_is_one_line(tmp_path: Path) -> None:
    good = zipped([("a.csv", b"J1459,1\r\n" * 2_000)])
    assert "cannot be read" in fault(tmp_path, good[: len(good) // 2])
    body = bytearray(good)
    body[40:60] = bytes(20)
    assert "cannot be read" in fault(tmp_path, bytes(body))
    locked = bytearray(good)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # flag bit 0: encrypted
        locked[locked.index(magic) + offset] |= 1
    assert "cannot be read" in fault(tmp_path, bytes(locked))
    assert "not read" in fault(tmp_path, zipped([("a.csv", b"1")], zipfile.ZIP_LZMA))
    assert "more than 200 files" in fault(tmp_path, zipped([(f"{i}.csv", b"1") for i in range(201)]))


GOOD = zipped([("a.csv", b"J1459,x,500 MG,1.0\r\n" * 50), ("b.csv", b"1")])


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=12),
    st.integers(0, len(GOOD)),
)
def test_any_bytes_give_tables_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    raw = bytearray(GOOD)
    for at, value in changes:
        raw[at] = value
    path = tmp_path_factory.getbasetemp() / "fuzz.zip"
    path.write_bytes(bytes(raw[: max(cut, 4)]))
    problem, tables = outcome(path)
    assert "\n" not in problem
    assert bool(tables) != bool(problem)
    assert sum(len(table.raw) for table in tables) <= MAX_BYTES


def outcome(path: Path) -> tuple[str, tuple[TableBytes, ...]]:
    """What is said against a file, or its tables."""
    try:
        return "", tables_in(path)
    except InputError as caught:
        return str(caught), ()
