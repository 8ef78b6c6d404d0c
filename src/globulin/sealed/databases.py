"""SQLCipher databases: one is opened by its key and checked whole, and what is refused is said in words.

What cannot be done is an InputError of one line that quotes nothing of what the file holds.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from globulin.errors import InputError
from globulin.sealed.passphrases import NOT_INSTALLED, PassphraseError

if TYPE_CHECKING:
    # SQLCipher's module has the interface of this one, and no types
    from sqlite3 import Connection


SALT_BYTES: Final = 16
_PAGE_BYTES: Final = 4096
_BUSY_SECONDS: Final = 2.0


class FileLostError(InputError):
    """The file is no longer the one that was unlocked, or cannot be read on; it is to be locked."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is in a file of one kind."""

    application: int
    """SQLite's application id, which tells the kind."""
    version: int
    """Of the kind; a file with a higher one was made by a newer program. It fixes how the key is made too."""
    schema: tuple[str, ...]
    """The statements that make its tables."""
    what: str
    """What it is in words, such as 'file of patients'."""


def sqlcipher() -> ModuleType:
    """The package, or InputError with what to install."""
    try:
        from sqlcipher3 import dbapi2
    except ImportError:
        raise InputError(NOT_INSTALLED) from None
    module: ModuleType = dbapi2
    return module


def connected(path: Path, key: bytes, salt: bytes, mode: str = "rw") -> Connection:
    """A connection to a file that is there, of which nothing was read yet."""
    connection: Connection = sqlcipher().connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    # SQLCipher would write faults to the terminal
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute("PRAGMA cipher_memory_security = ON")
    # a raw key with its salt: SQLCipher derives nothing from it but the key of the HMACs
    connection.execute(f"PRAGMA key = \"x'{key.hex()}{salt.hex()}'\"")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def salt_of(path: Path, layout: Layout) -> bytes:
    """The salt of what looks like such a file; InputError for what does not."""
    try:
        with path.open("rb") as stream:
            page = stream.read(_PAGE_BYTES)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read: {problem.strerror or 'unknown fault'}") from None
    # an encrypted page looks like chance, and chance is never all ASCII for so long
    if len(page) < _PAGE_BYTES or page.startswith(b"SQLite format 3\0") or page.isascii():
        raise no_such_file(path, layout)
    return page[:SALT_BYTES]


def check(connection: Connection, path: Path, layout: Layout) -> None:
    """Raise for what is no such file, damaged or newer; `path` is what is named then."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlcipher().Error as problem:
        if problem.sqlite_errorname != "SQLITE_NOTADB":
            raise
        raise PassphraseError(
            "this is not the passphrase, or the beginning of the file is damaged: the two cannot be"
            " told apart. Nothing was changed"
        ) from None
    if application != layout.application:
        raise no_such_file(path, layout)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > layout.version:
        raise InputError(
            f"{path}: made by a newer globulin (version {version} of the file; this one reads up to"
            f" {layout.version}): update globulin to open it; the file was not changed"
        )
    if connection.execute("PRAGMA cipher_integrity_check").fetchall():
        raise _damaged(path)
    if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        raise _damaged(path)


def prefix(path: Path) -> str:
    """How the names of files begin that are made beside one for a while."""
    return f".{path.stem}-"


def new_beside(path: Path) -> Path:
    """An empty file in the same folder, for its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix(path))
    os.close(handle)
    return Path(name)


def settle(folder: Path) -> None:
    """Have the names in a folder written to disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """What the system or SQLCipher refuses, in words of our own, which quote no value."""
    try:
        yield
    except FileExistsError:
        raise InputError(f"{path}: there is such a file already; nothing was changed") from None
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be written: {problem.strerror or 'unknown fault'}; nothing was changed"
        ) from None
    except sqlcipher().Error as problem:
        raise _refused(path, str(getattr(problem, "sqlite_errorname", ""))) from None


_REFUSED: Final = (
    (("SQLITE_BUSY", "SQLITE_LOCKED"), "another globulin is writing to it; try again in a few seconds"),
    (("SQLITE_FULL",), "the disk is full"),
    (("SQLITE_READONLY", "SQLITE_PERM"), "it cannot be written; look at whose it is, and its folder"),
    (("SQLITE_CANTOPEN", "SQLITE_IOERR"), "it cannot be read or written; look at the disk, and its folder"),
)


def _refused(path: Path, code: str) -> InputError:
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return _damaged(path)
    said = (words for codes, words in _REFUSED if code.startswith(codes))
    return InputError(f"{path}: {next(said, 'this could not be done')}; nothing was changed")


def _damaged(path: Path) -> FileLostError:
    return FileLostError(
        f"{path}: this file is damaged, or was changed from outside; it was left as it is. Put a copy from a"
        " backup in its place"
    )


def no_such_file(path: Path, layout: Layout) -> InputError:
    """What is said of a file that is none of its kind."""
    return InputError(
        f"{path}: this is no {layout.what} that globulin made, or only a piece of one; it was left as it is"
    )
