"""An encrypted database in one file, opened by a passphrase: for what must not be read off a lost disk.

The file is an SQLCipher database (AES-256 in CBC mode, each page with an HMAC-SHA512 of its own). Its key
is made from the passphrase by Argon2id, and the salt is the one that SQLCipher keeps in the first 16 bytes of
the file. So the file is all that has to be copied, and no passphrase ever stands in a statement of SQL.

The two packages that this needs are an extra. They are loaded in this package alone, when they are first
used. What cannot be done is an InputError of one line that quotes nothing of what the file holds; then
nothing has changed.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

from globulin.errors import InputError
from globulin.sealed.databases import (
    SALT_BYTES,
    FileLostError,
    Layout,
    check,
    connected,
    new_beside,
    prefix,
    refusals,
    salt_of,
    settle,
    sqlcipher,
)
from globulin.sealed.journals import count_up, is_cut_off, journal_of, may_roll_back, put_aside
from globulin.sealed.passphrases import PassphraseError, argon2, check_new, derived

if TYPE_CHECKING:
    # SQLCipher's module has the interface of this one, and no types
    from sqlite3 import Connection


def installed() -> bool:
    """Whether the two packages are there."""
    try:
        sqlcipher()
        argon2()
    except InputError:
        return False
    return True


def is_there(path: Path) -> bool:
    """Whether there is such a file. InputError where that cannot be seen."""
    try:
        path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(f"{path}: this is a link to a file that is not there") from None
        return False
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", "") or "unknown fault"
        raise InputError(f"{path}: cannot be reached: {said}") from None
    return True


class SealedFile:
    """An unlocked file. To be used by one thread, the one that opened it."""

    def __init__(self, path: Path, layout: Layout, key: bytes, salt: bytes) -> None:
        """Use `create` or `unlock`."""
        self._path, self._layout = path, layout
        self._key, self._salt = key, salt
        self.set_aside: Path | None = None
        """The journal of a change to another file that lay beside this one, where it is now."""
        self._open()

    @classmethod
    def create(cls, path: Path, layout: Layout, passphrase: str) -> SealedFile:
        """A new file, for its owner alone, in a folder that is made for it and for its owner alone too.

        Raises NewPassphraseError for a passphrase that is too short, InputError where there is a file or none
        can be made.
        """
        sqlcipher()
        check_new(passphrase)
        salt = secrets.token_bytes(SALT_BYTES)
        key = derived(passphrase, salt)
        with refusals(path):
            _make_folder(path.parent)
            if path.is_symlink() and not path.exists():
                raise InputError(f"{path}: this is a link to a file that is not there; nothing was changed")
            path = _real(path)
            with _beside(path, layout, key, salt, lambda _: None) as fresh:
                _put_where_none_is(fresh, path)
            # nobody has opened the file yet, so a journal is none of its own
            aside = put_aside(path) if journal_of(path).exists() else None
        made = cls(path, layout, key, salt)
        made.set_aside = aside
        made._sweep()
        return made

    @classmethod
    def unlock(cls, path: Path, layout: Layout, passphrase: str) -> SealedFile:
        """The file, checked whole: every page against its HMAC, then the tables.

        Raises PassphraseError where the passphrase does not open it, InputError for what is no such file, a
        damaged one or one of a newer version. The file is not changed.
        """
        path = _real(path)
        salt = salt_of(path, layout)
        key = derived(passphrase, salt)
        aside = None
        if is_cut_off(path, key, salt) and not may_roll_back(path, layout, key, salt):
            with refusals(path):
                aside = put_aside(path)
        found = cls(path, layout, key, salt)
        found.set_aside = aside
        try:
            with refusals(path):
                check(found._connection, path, layout)
            found._sweep()
        except BaseException:
            found.lock()
            raise
        return found

    def lock(self) -> None:
        """Close the file and forget its key. Nothing else is to be called from now on."""
        self._key = b""
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The database, to look something up."""
        self._must_be_the_same()
        with refusals(self._path):
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The database in a transaction: whole or not at all, and on disk when it has ended."""
        # before the lock too, which would roll back whatever journal has this name
        self._must_be_the_same()
        with refusals(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # looked at here, since who changes the passphrase replaces the file while others wait
                self._must_be_the_same()
                count_up(self._connection)
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # a transaction that ended by itself needs no end
                with suppress(sqlcipher().Error):
                    self._connection.execute("ROLLBACK")
                raise

    def change_passphrase(
        self, current: str, new: str, copy: Callable[[Connection, Connection], None]
    ) -> None:
        """Write everything anew with another salt and key, in a file beside that then takes this one's place.

        copy: puts what the first database holds into the second. Raises PassphraseError if `current` is not
        the passphrase, NewPassphraseError if `new` is too short. Whatever fails, the file is the old one or
        the new one.
        """
        check_new(new)
        if not compare_digest(derived(current, self._salt), self._key):
            raise PassphraseError("this is not the passphrase; nothing was changed")
        salt = secrets.token_bytes(SALT_BYTES)
        key = derived(new, salt)
        held = self._connection
        self._must_be_the_same()
        with refusals(self._path):
            try:
                # nobody else writes until the new file is in place, and nobody after: it is another file then
                held.execute("BEGIN IMMEDIATE")
                self._must_be_the_same()
                with _beside(self._path, self._layout, key, salt, lambda fresh: copy(held, fresh)) as fresh:
                    if os.name == "nt":
                        # an open file cannot be replaced there
                        held.close()
                    fresh.replace(self._path)
                    self._key, self._salt = key, salt
                settle(self._path.parent)
            finally:
                held.close()
                self._open()

    def _open(self) -> None:
        with refusals(self._path):
            self._connection = connected(self._path, self._key, self._salt)
            self._identity = _identity(self._path)

    def _sweep(self) -> None:
        """Delete what a process that was killed left of a file beside this one.

        Under the write lock: who changes the passphrase holds it for as long as the new file lies there.
        """
        stray = re.compile(rf"{re.escape(prefix(self._path))}[a-z0-9_]{{8}}(-journal)?")
        with suppress(OSError, sqlcipher().Error), os.scandir(self._path.parent) as entries:
            found = [each for each in entries if stray.fullmatch(each.name)]
            if not found:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for each in found:
                    if each.is_file(follow_symlinks=False):
                        Path(each.path).unlink(missing_ok=True)
            finally:
                self._connection.execute("ROLLBACK")

    def _must_be_the_same(self) -> None:
        try:
            same = _identity(self._path) == self._identity
        except OSError:
            same = False
        if not same:
            raise FileLostError(
                f"{self._path}: this file was moved, removed or replaced after it was unlocked; nothing was"
                " written to it"
            )


def _real(path: Path) -> Path:
    """The file itself: who replaces a link leaves the file that it leads to as it was."""
    return Path(os.path.realpath(path))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{folder}: no folder can be made here: a file, or a link that leads nowhere, has its name"
        ) from None
    folder.chmod(0o700)


@contextmanager
def _beside(
    path: Path, layout: Layout, key: bytes, salt: bytes, fill: Callable[[Connection], None]
) -> Iterator[Path]:
    """A new file in the same folder, for its owner alone and on disk; afterwards it is gone from there."""
    fresh = new_beside(path)
    try:
        connection = connected(fresh, key, salt)
        try:
            # what fails is deleted whole, so there is nothing to roll back from a file
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("BEGIN")
            connection.execute(f"PRAGMA application_id = {layout.application}")
            connection.execute(f"PRAGMA user_version = {layout.version}")
            for statement in layout.schema:
                connection.execute(statement)
            fill(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _put_where_none_is(fresh: Path, path: Path) -> None:
    """Give a file its place unless there is one (FileExistsError)."""
    if os.name == "nt":
        fresh.rename(path)
        return
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        raise
    except OSError:
        # exFAT and some shares have no hard links: take the place first, then put the file there
        path.touch(mode=0o600, exist_ok=False)
        try:
            fresh.replace(path)
        except BaseException:
            path.unlink()
            raise
    settle(path.parent)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
