"""An encrypted database in one file, opened by a passphrase: for what must not be read off a lost disk.

The file is an SQLCipher database (AES-256 in CBC mode, each page with an HMAC-SHA512 of its own). Its key
is made from the passphrase by Argon2id, and the salt is the one that SQLCipher keeps in the first 16 bytes of
the file. So the file is all that has to be copied, and no passphrase ever stands in a statement of SQL.

The two packages that this needs are an extra. They are loaded here alone, when they are first used. What
cannot be done is an InputError of one line that quotes nothing of what the file holds; then nothing has
changed.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from globulin.errors import InputError

if TYPE_CHECKING:
    # SQLCipher's module has the interface of this one, and no types
    from sqlite3 import Connection

SHORTEST_PASSPHRASE: Final = 12
NOT_INSTALLED: Final = (
    'this needs two more packages, the extra "secure": in the folder that globulin was installed from, with'
    ' the Python that runs it: python -m pip install -e ".[secure]"'
)

_SALT_BYTES: Final = 16
_PAGE_BYTES: Final = 4096
_BUSY_SECONDS: Final = 2.0
# RFC 9106, section 4: the second recommended option, for where memory is short
_ARGON2: Final[dict[str, int]] = {"time_cost": 3, "memory_cost": 65_536, "parallelism": 4, "hash_len": 32}


class PassphraseError(InputError):
    """A passphrase that does not open the file."""


class NewPassphraseError(InputError):
    """A passphrase that cannot be taken for a file."""


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


def installed() -> bool:
    """Whether the two packages are there."""
    try:
        _sqlcipher()
        _argon2()
    except InputError:
        return False
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
        _sqlcipher()
        _check_new(passphrase)
        salt = secrets.token_bytes(_SALT_BYTES)
        key = _derived(passphrase, salt)
        with _refusals(path):
            _make_folder(path.parent)
            if path.is_symlink() and not path.exists():
                raise InputError(f"{path}: this is a link to a file that is not there; nothing was changed")
            path = _real(path)
            with _beside(path, layout, key, salt, lambda _: None) as fresh:
                _put_where_none_is(fresh, path)
            # nobody has opened the file yet, so a journal is none of its own
            aside = _put_aside(path) if _journal_of(path).exists() else None
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
        salt = _salt_of(path, layout)
        key = _derived(passphrase, salt)
        aside = None
        if _is_cut_off(path, key, salt) and not _may_roll_back(path, layout, key, salt):
            with _refusals(path):
                aside = _put_aside(path)
        found = cls(path, layout, key, salt)
        found.set_aside = aside
        try:
            with _refusals(path):
                _check(found._connection, path, layout)
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
        with _refusals(self._path):
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The database in a transaction: whole or not at all, and on disk when it has ended."""
        # before the lock too, which would roll back whatever journal has this name
        self._must_be_the_same()
        with _refusals(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # looked at here, since who changes the passphrase replaces the file while others wait
                self._must_be_the_same()
                _count_up(self._connection)
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # a transaction that ended by itself needs no end
                with suppress(_sqlcipher().Error):
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
        _check_new(new)
        if not compare_digest(_derived(current, self._salt), self._key):
            raise PassphraseError("this is not the passphrase; nothing was changed")
        salt = secrets.token_bytes(_SALT_BYTES)
        key = _derived(new, salt)
        held = self._connection
        self._must_be_the_same()
        with _refusals(self._path):
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
                _settle(self._path.parent)
            finally:
                held.close()
                self._open()

    def _open(self) -> None:
        with _refusals(self._path):
            self._connection = _connected(self._path, self._key, self._salt)
            self._identity = _identity(self._path)

    def _sweep(self) -> None:
        """Delete what a process that was killed left of a file beside this one.

        Under the write lock: who changes the passphrase holds it for as long as the new file lies there.
        """
        stray = re.compile(rf"{re.escape(_prefix(self._path))}[a-z0-9_]{{8}}(-journal)?")
        with suppress(OSError, _sqlcipher().Error), os.scandir(self._path.parent) as entries:
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


def _sqlcipher() -> ModuleType:
    try:
        from sqlcipher3 import dbapi2
    except ImportError:
        raise InputError(NOT_INSTALLED) from None
    module: ModuleType = dbapi2
    return module


def _argon2() -> ModuleType:
    try:
        from argon2 import low_level
    except ImportError:
        raise InputError(NOT_INSTALLED) from None
    return low_level


# --- the passphrase ------------------------------------------------------------------------------------


def _check_new(passphrase: str) -> None:
    if not _is_known(passphrase):
        raise NewPassphraseError(_UNKNOWN)
    if len(_normal(passphrase)) < SHORTEST_PASSPHRASE:
        raise NewPassphraseError(
            f"a passphrase has at least {SHORTEST_PASSPHRASE} characters; five or six words that do not"
            " belong together are a good one"
        )


def _normal(passphrase: str) -> str:
    """NFKC, so that the same letters typed on another system are the same passphrase.

    As NIST SP 800-63B (5.1.1.2) asks, and only for characters that are assigned: what others become may
    differ between versions of Unicode (the Stabilized Strings of UAX #15).
    """
    if not _is_known(passphrase):
        raise PassphraseError(_UNKNOWN)
    return unicodedata.normalize("NFKC", passphrase)


_UNKNOWN: Final = "there is a character in it that is not known here; leave it out"


def _is_known(text: str) -> bool:
    return not any(unicodedata.category(letter) in ("Cn", "Cs") for letter in text)


def _derived(passphrase: str, salt: bytes) -> bytes:
    """The key of 256 bits: Argon2id, version 1.3 (RFC 9106)."""
    argon2 = _argon2()
    secret = _normal(passphrase).encode()
    try:
        key: bytes = argon2.hash_secret_raw(secret, salt, type=argon2.Type.ID, version=0x13, **_ARGON2)
    except argon2.HashingError:
        raise InputError(
            "the key could not be made: are 64 MiB of memory free? Nothing was changed"
        ) from None
    return key


# --- the file ------------------------------------------------------------------------------------------


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


def _connected(path: Path, key: bytes, salt: bytes, mode: str = "rw") -> Connection:
    """A connection to a file that is there, of which nothing was read yet."""
    connection: Connection = _sqlcipher().connect(
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


def _salt_of(path: Path, layout: Layout) -> bytes:
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
        raise _no_such_file(path, layout)
    return page[:_SALT_BYTES]


@contextmanager
def _beside(
    path: Path, layout: Layout, key: bytes, salt: bytes, fill: Callable[[Connection], None]
) -> Iterator[Path]:
    """A new file in the same folder, for its owner alone and on disk; afterwards it is gone from there."""
    fresh = _new_beside(path)
    try:
        connection = _connected(fresh, key, salt)
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


def _prefix(path: Path) -> str:
    return f".{path.stem}-"


def _new_beside(path: Path) -> Path:
    """An empty file in the same folder, for its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    os.close(handle)
    return Path(name)


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
    _settle(path.parent)


def _check(connection: Connection, path: Path, layout: Layout) -> None:
    """Raise for what is no such file, damaged or newer; `path` is what is named then."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
    except _sqlcipher().Error as problem:
        if problem.sqlite_errorname != "SQLITE_NOTADB":
            raise
        raise PassphraseError(
            "this is not the passphrase, or the beginning of the file is damaged: the two cannot be"
            " told apart. Nothing was changed"
        ) from None
    if application != layout.application:
        raise _no_such_file(path, layout)
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


# --- the journal of a change that was cut short --------------------------------------------------------
#
# SQLite rolls back whatever journal lies beside a file, and cannot tell whether it is one of that file.
# Beside a backup that was put in place, the journal of a later state would overwrite pages of it.


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a copy of the file is."""

    count: int | None = None
    """Of changes; None where the beginning cannot be read."""
    fault: InputError | None = None


def _count_up(connection: Connection) -> None:
    """Number a change, at its beginning.

    The number stands on the first page, which so is in each journal from its beginning. It is SQLite's number
    of the schema: others who have the file open look at the schema anew when it has changed, and no more.
    """
    (count,) = connection.execute("PRAGMA schema_version").fetchone()
    connection.execute(f"PRAGMA schema_version = {count + 1}")


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _put_aside(path: Path) -> Path:
    """Give the journal a name that SQLite does not look for."""
    journal = _journal_of(path)
    aside = journal.with_name(f"{journal.name}.aside")
    journal.replace(aside)
    _settle(path.parent)
    return aside


def _is_cut_off(path: Path, key: bytes, salt: bytes) -> bool:
    """Whether SQLite would roll back a journal; not where somebody is writing it now."""
    if not _journal_of(path).exists():
        return False
    with _refusals(path):
        connection = _connected(path, key, salt, mode="ro")
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except _sqlcipher().Error as problem:
        # the one who may not write is told that there is something to roll back
        return bool(problem.sqlite_errorname.startswith("SQLITE_READONLY"))
    finally:
        connection.close()
    return False


def _may_roll_back(path: Path, layout: Layout, key: bytes, salt: bytes) -> bool:
    """Whether the journal is one of this file; if not, the file is whole without it.

    Both are tried on copies. Raises what is wrong where neither gives a whole file.
    """
    with _refusals(path):
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
        return not _is_cut_off(path, key, salt)
    raise alone.fault if isinstance(back.fault, PassphraseError) or back.fault is None else back.fault


def _seen(path: Path, layout: Layout, key: bytes, salt: bytes, *, rolled_back: bool) -> _Seen:
    copy = _new_beside(path)
    journal = _journal_of(copy)
    try:
        shutil.copyfile(path, copy)
        if rolled_back:
            journal.touch(mode=0o600)
            shutil.copyfile(_journal_of(path), journal)
        connection = _connected(copy, key, salt)
        count = None
        try:
            with suppress(_sqlcipher().Error):
                (count,) = connection.execute("PRAGMA schema_version").fetchone()
            with _refusals(path):
                _check(connection, path, layout)
        except (PassphraseError, FileLostError) as problem:
            return _Seen(count, problem)
        finally:
            connection.close()
        return _Seen(count)
    finally:
        copy.unlink(missing_ok=True)
        journal.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have the names in a folder written to disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


# --- what is said when it fails ------------------------------------------------------------------------


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the system or SQLCipher refuses, in words of our own, which quote no value."""
    try:
        yield
    except FileExistsError:
        raise InputError(f"{path}: there is such a file already; nothing was changed") from None
    except OSError as problem:
        raise InputError(
            f"{path}: cannot be written: {problem.strerror or 'unknown fault'}; nothing was changed"
        ) from None
    except _sqlcipher().Error as problem:
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


def _no_such_file(path: Path, layout: Layout) -> InputError:
    return InputError(
        f"{path}: this is no {layout.what} that globulin made, or only a piece of one; it was left as it is"
    )
