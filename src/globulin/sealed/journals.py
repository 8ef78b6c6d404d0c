"""The journal of a change that was cut short: whether it is one of the file that it lies beside.

SQLite rolls back whatever journal lies beside a file, and cannot tell whether it is one of that file. Beside
a backup that was put in place, the journal of a later state would overwrite pages of it.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from globulin.errors import InputError
from globulin.sealed.databases import (
    FileLostError,
    Layout,
    check,
    connected,
    new_beside,
    refusals,
    settle,
    sqlcipher,
)
from globulin.sealed.passphrases import PassphraseError

if TYPE_CHECKING:
    # SQLCipher's module has the interface of this one, and no types
    from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a copy of the file is."""

    count: int | None = None
    """Of changes; None where the beginning cannot be read."""
    fault: InputError | None = None


def count_up(connection: Connection) -> None:
    """Number a change, at its beginning.

    The number stands on the first page, which so is in each journal from its beginning. It is SQLite's number
    of the schema: others who have the file open look at the schema anew when it has changed, and no more.
    """
    (count,) = connection.execute("PRAGMA schema_version").fetchone()
    connection.execute(f"PRAGMA schema_version = {count + 1}")


def journal_of(path: Path) -> Path:
    """Where SQLite looks for the journal of a file."""
    return path.with_name(f"{path.name}-journal")


def put_aside(path: Path) -> Path:
    """Give the journal a name that SQLite does not look for."""
    journal = journal_of(path)
    aside = journal.with_name(f"{journal.name}.aside")
    journal.replace(aside)
    settle(path.parent)
    return aside


def is_cut_off(path: Path, key: bytes, salt: bytes) -> bool:
    """Whether SQLite would roll back a journal; not where somebody is writing it now."""
    if not journal_of(path).exists():
        return False
    with refusals(path):
        connection = connected(path, key, salt, mode="ro")
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlcipher().Error as problem:
        # the one who may not write is told that there is something to roll back
        return bool(problem.sqlite_errorname.startswith("SQLITE_READONLY"))
    finally:
        connection.close()
    return False


def may_roll_back(path: Path, layout: Layout, key: bytes, salt: bytes) -> bool:
    """Whether the journal is one of this file; if not, the file is whole without it.

    Both are tried on copies. Raises what is wrong where neither gives a whole file.
    """
    with refusals(path):
        alone = _seen(path, layout, key, salt, rolled_back=False)
        back = _seen(path, layout, key, salt, rolled_back=True)
    if back.fault is None and back.count is not None:
        # cut short before its first page was written, or after
        if alone.count is None or alone.count in (back.count, back.count + 1):
            return True
        if alone.fault is not None:
            raise alone.fault
    if alone.fault is None:
        # somebody else may have rolled it back meanwhile, and may be writing now
        return not is_cut_off(path, key, salt)
    raise alone.fault if isinstance(back.fault, PassphraseError) or back.fault is None else back.fault


def _seen(path: Path, layout: Layout, key: bytes, salt: bytes, *, rolled_back: bool) -> _Seen:
    copy = new_beside(path)
    journal = journal_of(copy)
    try:
        shutil.copyfile(path, copy)
        if rolled_back:
            journal.touch(mode=0o600)
            shutil.copyfile(journal_of(path), journal)
        connection = connected(copy, key, salt)
        count = None
        try:
            with suppress(sqlcipher().Error):
                (count,) = connection.execute("PRAGMA schema_version").fetchone()
            with refusals(path):
                check(connection, path, layout)
        except (PassphraseError, FileLostError) as problem:
            return _Seen(count, problem)
        finally:
            connection.close()
        return _Seen(count)
    finally:
        copy.unlink(missing_ok=True)
        journal.unlink(missing_ok=True)
