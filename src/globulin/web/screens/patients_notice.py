"""What *Patients* says after something was done, and how it is undone. A draft holds it, by ids alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from globulin.pages import words
from globulin.patient_store import Document, Kind, Patient
from globulin.web.drafts import Texts

Did = Literal["keep", "earlier", "rename", "remove", "bring_back", "passphrase"]

WHAT: Final[Mapping[Kind, str]] = {"plan": "plan", "levels": "levels"}


@dataclass(frozen=True, slots=True)
class Undo:
    """A form of one button: where it is posted, and what it names."""

    action: str
    id: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done."""

    words: str = field(repr=False)
    undo: Undo | None = None
    back: str = ""
    """The page that it was done from."""


def done(did: Did, *, id: str = "", kind: str = "", outcome: str = "", back: str = "") -> Texts:  # noqa: A002
    """What a draft keeps of it."""
    said = {"did": did, "id": id, "kind": kind, "outcome": outcome, "back": back}
    return {name: (text,) for name, text in said.items()}


def notice(texts: Texts, everybody: tuple[Patient, ...], removed: Mapping[str, str]) -> Notice | None:
    """The same in words; None where it holds no longer."""
    said = {name: each[0] for name, each in texts.items()}
    did, who = said["did"], said["id"]
    if did == "passphrase":
        return Notice("The passphrase is changed. The one until now opens nothing any more.")
    if did == "remove":
        gone = removed.get(who)
        return None if gone is None else Notice(f"{gone} was removed.", Undo("/patients/bring-back", who))
    patient = next((each for each in everybody if each.id == who), None)
    if patient is None:
        return None
    if did == "rename":
        return Notice(f"{patient.name} is the name from now on.")
    if did == "bring_back":
        return Notice(f"{patient.name} is back.")
    kind = cast("Kind", said["kind"])
    document = patient.documents.get(kind)
    return None if document is None else _kept(patient, kind, document, said)


def _kept(patient: Patient, kind: Kind, document: Document, said: Mapping[str, str]) -> Notice:
    is_ = "is" if kind == "plan" else "are"
    its = f"The {WHAT[kind]} of {patient.name}"
    undo = Undo("/patients/earlier", patient.id, kind) if document.earlier else None
    if said["did"] == "earlier":
        those = "the one" if kind == "plan" else "those"
        return Notice(f"{its} {is_} {those} of {words.date_words(document.saved_on)} again.", undo)
    if said["outcome"] == "unchanged":
        return Notice(f"{its} {is_} the same already; nothing was changed.", back=said["back"])
    if said["outcome"] == "replaced" and document.earlier:
        before = "the one" if kind == "plan" else "those"
        return Notice(
            f"{its} {is_} kept, in place of {before} of {words.date_words(document.earlier)}.",
            undo,
            said["back"],
        )
    return Notice(f"{its} {is_} kept.", back=said["back"])
