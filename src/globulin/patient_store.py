"""Named patients in one encrypted file: for each a plan and a set of levels, as they were asked for.

The texts are those of saved files (`globulin.formats.saved_file`), so what is kept here and what is saved
there is one format. The file, its key and its faults are those of `globulin.sealed`.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from globulin.data_folder import data_folder
from globulin.errors import InputError
from globulin.sealed.databases import Layout
from globulin.sealed.files import SealedFile

if TYPE_CHECKING:
    from sqlite3 import Connection

Kind = Literal["plan", "levels"]
"""What may be kept of a patient, one of each."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Outcome = Literal["new", "replaced", "unchanged"]

LONGEST_NAME: Final = 120

LAYOUT: Final = Layout(
    application=0x474C4F42,  # the letters GLOB
    version=1,
    schema=(
        "CREATE TABLE patients (id TEXT PRIMARY KEY, name TEXT NOT NULL, sought TEXT NOT NULL UNIQUE) STRICT",
        "CREATE TABLE documents (patient TEXT NOT NULL REFERENCES patients (id) ON DELETE CASCADE,"
        " kind TEXT NOT NULL CHECK (kind IN ('plan', 'levels')), text TEXT NOT NULL, saved_on TEXT NOT NULL,"
        " earlier_text TEXT, earlier_saved_on TEXT, PRIMARY KEY (patient, kind)) STRICT",
    ),
    what="file of patients",
)

_JOINERS: Final = dict.fromkeys(map(ord, "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"))
"""What names of some scripts (Persian, Sinhala) are spelt with, though nothing is printed of it."""

_NEW_PATIENT: Final = "INSERT INTO patients VALUES (?, ?, ?)"
_NEW_DOCUMENT: Final = "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Document:
    """One thing that is kept of a patient; its text is taken by itself."""

    saved: datetime
    earlier: datetime | None
    """When the version before was kept, which can be brought back; None where there is none."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A named patient and what is kept."""

    id: str
    """Random; it says nothing of who it is."""
    name: str = field(repr=False)
    documents: Mapping[Kind, Document]


@dataclass(frozen=True, slots=True)
class _Removed:
    """All rows of a patient who was removed, held until the store is locked."""

    patient: tuple[str, str, str] = field(repr=False)
    documents: tuple[tuple[Any, ...], ...] = field(repr=False)


def store_path() -> Path:
    """Where the file is, or would be: `patients/patients.globulin` in the data folder."""
    return data_folder() / "patients" / "patients.globulin"


class PatientStore:
    """The unlocked store. What cannot be done is an InputError, as of `SealedFile`, with nothing changed."""

    def __init__(self, file: SealedFile) -> None:
        """Use `create` or `unlock`."""
        self._file = file
        self._removed: dict[str, _Removed] = {}

    @classmethod
    def create(cls, path: Path, passphrase: str) -> PatientStore:
        """A new, empty store."""
        return cls(SealedFile.create(path, LAYOUT, passphrase))

    @classmethod
    def unlock(cls, path: Path, passphrase: str) -> PatientStore:
        """The store of a file."""
        return cls(SealedFile.unlock(path, LAYOUT, passphrase))

    @property
    def set_aside(self) -> Path | None:
        """The journal of another file that lay beside this one when it was opened, where it is now."""
        return self._file.set_aside

    def lock(self) -> None:
        """Close the file; forget its key and those who were removed."""
        self._removed.clear()
        self._file.lock()

    def patients(self) -> tuple[Patient, ...]:
        """Everybody, by name."""
        found: dict[str, tuple[str, dict[Kind, Document]]] = {}
        with self._file.reading() as connection:
            for identifier, name, kind, saved, earlier in connection.execute(
                "SELECT id, name, kind, saved_on, earlier_saved_on FROM patients"
                " LEFT JOIN documents ON patient = id ORDER BY sought, kind DESC"
            ):
                _, documents = found.setdefault(identifier, (name, {}))
                if kind is not None:
                    before = datetime.fromisoformat(earlier) if earlier else None
                    documents[kind] = Document(datetime.fromisoformat(saved), before)
        return tuple(Patient(identifier, *each) for identifier, each in found.items())

    @property
    def removed(self) -> Mapping[str, str]:
        """Names, by id, of those who were removed since it was unlocked and can be brought back."""
        return {identifier: each.patient[1] for identifier, each in self._removed.items()}

    def keep_new(self, name: str, kind: Kind, text: str, at: datetime) -> str:
        """Keep a document under a new name; gives the patient's id."""
        identifier = secrets.token_hex(16)
        with self._file.writing() as connection:
            connection.execute(_NEW_PATIENT, (identifier, *_named(connection, name)))
            connection.execute(_NEW_DOCUMENT, (identifier, kind, text, at.isoformat(), None, None))
        return identifier

    def keep(self, identifier: str, kind: Kind, text: str, at: datetime) -> Outcome:
        """Keep a document of a patient who is there; the one that it replaces can be brought back.

        at: when, with the offset of its zone; it tells versions apart, so no two are of one instant.
        """
        with self._file.writing() as connection:
            _must_be_there(connection, identifier)
            before = connection.execute(
                "SELECT text FROM documents WHERE patient = ? AND kind = ?", (identifier, kind)
            ).fetchone()
            if before is None:
                connection.execute(_NEW_DOCUMENT, (identifier, kind, text, at.isoformat(), None, None))
                return "new"
            if before[0] == text:
                return "unchanged"
            connection.execute(
                "UPDATE documents SET text = ?, saved_on = ?, earlier_text = text,"
                " earlier_saved_on = saved_on WHERE patient = ? AND kind = ?",
                (text, at.isoformat(), identifier, kind),
            )
            return "replaced"

    def take(self, identifier: str, kind: Kind) -> str:
        """The text of a document."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT text FROM documents WHERE patient = ? AND kind = ?", (identifier, kind)
            ).fetchone()
        if found is None:
            raise InputError("this is no longer kept")
        text: str = found[0]
        return text

    def bring_back_earlier(self, identifier: str, kind: Kind, earlier: str) -> None:
        """Put the version before in place of a document, which becomes the version before.

        earlier: `Document.earlier` of the version that is meant, by ISO 8601. InputError where it is another
        by now: who brings it back twice means it once.
        """
        with self._file.writing() as connection:
            # the values on the right are those before the change
            changed = connection.execute(
                "UPDATE documents SET text = earlier_text, saved_on = earlier_saved_on, earlier_text = text,"
                " earlier_saved_on = saved_on WHERE patient = ? AND kind = ? AND earlier_text IS NOT NULL"
                " AND earlier_saved_on = ?",
                (identifier, kind, earlier),
            ).rowcount
            if not changed:
                raise InputError(
                    "the version before is another one by now, or there is none; nothing was changed"
                )

    def rename(self, identifier: str, name: str) -> None:
        """Give a patient another name."""
        with self._file.writing() as connection:
            _must_be_there(connection, identifier)
            connection.execute(
                "UPDATE patients SET name = ?, sought = ? WHERE id = ?",
                (*_named(connection, name, but=identifier), identifier),
            )

    def remove(self, identifier: str) -> None:
        """Remove a patient, who can be brought back until the store is locked."""
        with self._file.writing() as connection:
            _must_be_there(connection, identifier)
            removed = _Removed(
                connection.execute("SELECT * FROM patients WHERE id = ?", (identifier,)).fetchone(),
                tuple(connection.execute("SELECT * FROM documents WHERE patient = ?", (identifier,))),
            )
            connection.execute("DELETE FROM patients WHERE id = ?", (identifier,))
        self._removed[identifier] = removed

    def bring_back(self, identifier: str) -> None:
        """Undo a removal, unless somebody else has the name now."""
        removed = self._removed.get(identifier)
        if removed is None:
            raise InputError("this can no longer be brought back")
        with self._file.writing() as connection:
            _named(connection, removed.patient[1])
            connection.execute(_NEW_PATIENT, removed.patient)
            connection.executemany(_NEW_DOCUMENT, removed.documents)
        del self._removed[identifier]

    def change_passphrase(self, current: str, new: str) -> None:
        """Encrypt everything anew; raises what `SealedFile.change_passphrase` does."""
        self._file.change_passphrase(current, new, _copy)


def _copy(held: Connection, fresh: Connection) -> None:
    fresh.executemany(_NEW_PATIENT, held.execute("SELECT * FROM patients"))
    fresh.executemany(_NEW_DOCUMENT, held.execute("SELECT * FROM documents"))


def _named(connection: Connection, name: str, but: str = "") -> tuple[str, str]:
    """A name as it is shown and as it is looked for. InputError for one that cannot be, or is another's."""
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    seen = shown.translate(_JOINERS)
    if not seen.strip():
        raise InputError("a name is needed")
    if len(shown) > LONGEST_NAME or not seen.isprintable():
        raise InputError(f"a name has up to {LONGEST_NAME} characters, all of which can be printed")
    # who types a name in small letters, or without the joiners, means the same person
    sought = unicodedata.normalize("NFKC", seen).casefold()
    if connection.execute("SELECT 1 FROM patients WHERE sought = ? AND id <> ?", (sought, but)).fetchone():
        raise InputError("there is a patient of this name already")
    return shown, sought


def _must_be_there(connection: Connection, identifier: str) -> None:
    if not connection.execute("SELECT 1 FROM patients WHERE id = ?", (identifier,)).fetchone():
        raise InputError("this patient is no longer there")
