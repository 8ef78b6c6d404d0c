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
import secrets
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
NOT_INSTALLED: Final = 'this needs two more packages: pip install "globulin[secure]"'

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
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            with _beside(path, layout, key, salt, lambda _: None) as fresh:
                _put_where_none_is(fresh, path)
        return cls(path, layout, key, salt)

    @classmethod
    def unlock(cls, path: Path, layout: Layout, passphrase: str) -> SealedFile:
        """The file, checked whole: every page against its HMAC, then the tables.

        Raises PassphraseError where the passphrase does not open it, InputError for what is no such file, a
        damaged one or one of a newer version. The file is not changed.
        """
        salt = _salt_of(path, layout)
        found = cls(path, layout, _derived(passphrase, salt), salt)
        try:
            found._check()
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
        with _refusals(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # looked at here, since who changes the passphrase replaces the file while others wait
                self._must_be_the_same()
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

    def _check(self) -> None:
        """Raise for what is no such file, damaged or newer."""
        connection, path, layout = self._connection, self._path, self._layout
        with _refusals(path):
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
            if connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise _damaged(path)

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


def _connected(path: Path, key: bytes, salt: bytes) -> Connection:
    """A connection to a file that is there, of which nothing was read yet."""
    connection: Connection = _sqlcipher().connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
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
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    os.close(handle)
    fresh = Path(name)
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


def _put_where_none_is(fresh: Path, path: Path) -> None:
    """Give a file its place unless there is one (FileExistsError)."""
    if os.name == "nt":
        fresh.rename(path)
    else:
        path.hardlink_to(fresh)
        _settle(path.parent)


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
