"""What *Patients* says after something was done, and how it is undone. A draft holds it, by ids alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from globulin.pages import words
from globulin.patient_store import Document, Kind, Patient
from globulin.web.drafts import Texts

Did = Literal["keep", "earlier", "rename", "remove", "bring_back", "passphrase"]


@dataclass(frozen=True, slots=True)
class Undo:
    """A form of one button: where it is posted, and what it names."""

    action: str
    id: str
    kind: str = ""
    earlier: str = ""
    """Of which time the version is that comes back."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done."""

    words: str = field(repr=False)
    undo: Undo | None = None
    back: str = ""
    """The page that it was done from."""


def times(document: Document) -> tuple[str, str]:
    """When a document and the one before were kept, by this machine's clock: as short as tells them apart."""
    both = [each.astimezone() for each in (document.saved, document.earlier) if each]
    for clock in ("", ", %H:%M", ", %H:%M:%S"):
        said = [f"{words.date_words(each.date())}{each.strftime(clock)}" for each in both]
        if len(set(said)) == len(both):
            break
    return said[0], said[-1]


def done(
    did: Did,
    *,
    id: str = "",  # noqa: A002
    kind: str = "",
    saved: str = "",
    outcome: str = "",
    back: str = "",
) -> Texts:
    """What a draft keeps of it; saved: of which time the document is by now."""
    said = {"did": did, "id": id, "kind": kind, "saved": saved, "outcome": outcome, "back": back}
    return {name: (text,) for name, text in said.items()}


def notice(texts: Texts, everybody: tuple[Patient, ...], removed: Mapping[str, str]) -> Notice | None:
    """The same in words; None where it holds no longer."""
    said = {name: each[0] for name, each in texts.items()}
    did, who = said["did"], said["id"]
    if did == "passphrase":
        return Notice(
            "The passphrase is changed. The one until now no longer opens this file, but still opens every"
            " copy that was made of it before."
        )
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
    if document is None or said["saved"] not in ("", document.saved.isoformat()):
        return None
    return _kept(patient, kind, document, said)


def _kept(patient: Patient, kind: Kind, document: Document, said: Mapping[str, str]) -> Notice:
    is_ = "is" if kind == "plan" else "are"
    its = f"The {kind} of {patient.name}"
    saved, before = times(document)
    undo = None
    if document.earlier:
        undo = Undo("/patients/earlier", patient.id, kind, document.earlier.isoformat())
    if said["did"] == "earlier":
        those = "the one" if kind == "plan" else "those"
        return Notice(f"{its} {is_} {those} of {saved} again.", undo)
    if said["outcome"] == "unchanged":
        return Notice(f"{its} {is_} the same already; nothing was changed.", back=said["back"])
    if said["outcome"] == "replaced" and document.earlier:
        those = "the one" if kind == "plan" else "those"
        return Notice(f"{its} {is_} kept, in place of {those} of {before}.", undo, said["back"])
    return Notice(f"{its} {is_} kept.", back=said["back"])
