"""The bytes of a table that comes as a file or in a zip, read without trusting either.

A zip says of itself how large its members are, and may lie; so the size is held while a member is unpacked.
Nothing is ever unpacked to disk. Every fault is one line.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from globulin.asked import AnyFile, HeldFile
from globulin.errors import InputError
from globulin.formats.csv_records import cleaned, shown

MAX_BYTES = 20_000_000
"""The most bytes of a file, and of all tables in a zip once they are unpacked."""
MAX_RATIO = 300
"""The most that a table may grow when it is unpacked. Hundreds of empty columns grow about 25 times; the
worst that deflate can pack grows about 1,030 times (https://www.zlib.net/zlib_tech.html)."""
MAX_MEMBERS = 200
_CHUNK = 65_536
_OTHER = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"7z\xbc\xaf", "a 7z file"),
    (b"Rar!", "a RAR file"),
)
_WANTED = "give the CSV file, or the zip that holds it"


@dataclass(frozen=True, slots=True)
class TableBytes:
    """One table: the name by which messages call it, and its bytes."""

    file: str
    raw: bytes


def tables_in(path: AnyFile) -> tuple[TableBytes, ...]:
    """The tables (.csv) of a zip in its order, or the file itself if it is no zip; never empty.

    Raises InputError for a folder, an empty or too large file, another kind of file, and a zip that is
    damaged, locked, holds no table, grows too large, or names a place outside itself.
    """
    file = cleaned(path.name) or "."
    raw = path.raw if isinstance(path, HeldFile) else _file_bytes(file, path)
    if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _members(file, raw)
    for start, kind in _OTHER:
        if raw.startswith(start):
            raise InputError(f"{file}: this is {kind}; {_WANTED}")
    if not raw.strip():
        raise InputError(f"{file}: the file is empty")
    return (TableBytes(file, raw),)


def _file_bytes(file: str, path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{file}: this is a folder; {_WANTED}")
    if not path.exists():
        raise InputError(f"{file}: no such file")
    if not path.is_file():
        raise InputError(f"{file}: not a plain file; {_WANTED}")
    try:
        # the size is asked first, so that a file of any size is refused without reading it
        if path.stat().st_size <= MAX_BYTES:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
            if len(raw) <= MAX_BYTES:
                return raw
    except OSError as problem:
        raise InputError(f"{file}: cannot be read: {problem.strerror}") from problem
    raise InputError(f"{file}: larger than {MAX_BYTES // 1_000_000} MB; {_WANTED}")


def _members(file: str, raw: bytes) -> tuple[TableBytes, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            if any(member.filename == "[Content_Types].xml" for member in members):
                raise InputError(f"{file}: this is an Excel workbook (.xlsx); {_WANTED}")
            if len(members) > MAX_MEMBERS:
                raise InputError(f"{file}: the zip holds more than {MAX_MEMBERS} files")
            for member in members:
                if _leads_out(member.filename):
                    raise InputError(f"{file}: {shown(member.filename)} names a place outside the zip")
            tables = [member for member in members if _is_table(member)]
            left = MAX_BYTES
            found = []
            for member in tables:
                found.append(_unpacked(file, archive, member, left))
                left -= len(found[-1].raw)
    # what zipfile raises for damage beyond its own error: a bad field, a bad stream, an early end, a locked
    # member (RuntimeError), a way of packing that it does not know (NotImplementedError is a RuntimeError)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as problem:
        why = cleaned(str(problem))[:80] or type(problem).__name__
        raise InputError(f"{file}: the zip cannot be read: {why}") from problem
    if not found:
        raise InputError(f"{file}: the zip holds no .csv file")
    return tuple(found)


def _leads_out(name: str) -> bool:
    """Whether a member's name points outside the zip, on any system."""
    # the rules of Windows hold those of all others
    path = PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts


def _is_table(member: zipfile.ZipInfo) -> bool:
    # macOS packs a hidden twin beside every file
    path = PurePosixPath(member.filename)
    return path.suffix.lower() == ".csv" and "__MACOSX" not in path.parts and not path.name.startswith(".")


def _unpacked(file: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> TableBytes:
    """One member, at most `left` bytes; its own word on its size is not asked."""
    name = f"{file}: {cleaned(member.filename)}"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{name}: packed in a way that is not read; pack it as an ordinary zip")
    most = min(left, max(member.compress_size, 1) * MAX_RATIO)
    raw = bytearray()
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            raw += chunk
            if len(raw) > most:
                raise InputError(
                    f"{name}: too large once unpacked (at most {MAX_BYTES // 1_000_000} MB in all, and"
                    f" {MAX_RATIO} times its packed size)"
                )
    if not raw.strip():
        raise InputError(f"{name}: the file is empty")
    return TableBytes(name, bytes(raw))
