"""*Patients*: plans and levels kept under a name in one encrypted file, which a passphrase unlocks.

Only this screen and the page that keeps something under a name show the names of the file. What a form is
about stands in a hidden field, never in an address, and what a page says after a change is read from a draft
that holds ids alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from globulin.errors import InputError
from globulin.formats.saved_file import read_saved, read_saved_levels
from globulin.patient_store import KINDS, LONGEST_NAME, Kind, Patient, PatientStore
from globulin.sealed.passphrases import NewPassphraseError, PassphraseError
from globulin.web import views
from globulin.web.desk import AtHand, Desk
from globulin.web.drafts import Texts
from globulin.web.forms import Choice, Field, Filled, FormError, posted, read
from globulin.web.keeper import MINUTES, LockedError
from globulin.web.screens import levels, patients_door, plan
from globulin.web.screens.patients_door import said_of
from globulin.web.screens.patients_notice import done, notice, times

router = APIRouter(include_in_schema=False)

SCREEN = "patients"

_ID = Field(name="id", label="Patient", required=True)
_KIND = Field(
    name="kind", label="What", kind="list", required=True, choices=tuple(Choice(each, each) for each in KINDS)
)
_EARLIER = Field(name="earlier", label="The version before", required=True)
_NAME = Field(name="name", label="Name", longest=LONGEST_NAME, required=True)

Draft = Annotated[str, InPath(pattern="^[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class Fault:
    """What was refused, and where the page says it."""

    said: str = ""
    renamed: str = ""
    """Id of the patient whose new name it is; else it is said above."""
    typed: str = field(default="", repr=False)
    change: Filled | None = None
    """The change of the passphrase, with its faults."""


@router.get("/patients")
async def start(request: Request, desk: AtHand) -> Response:
    """Everybody, or what is needed before they can be seen."""
    return await _page(request, desk)


@router.get("/patients/{draft}")
async def after(draft: Draft, request: Request, desk: AtHand) -> Response:
    """The same after something was done, which is said."""
    found = desk.drafts.find(SCREEN, draft)
    if found is None:
        raise HTTPException(404)
    return await _page(request, desk, did=found.texts)


@router.post("/patients/create")
async def created(request: Request, desk: AtHand) -> Response:
    """A new file, with a passphrase that is typed twice."""
    return await patients_door.let_in(request, desk, "/patients", new=True)


@router.post("/patients/unlock")
async def unlocked(request: Request, desk: AtHand) -> Response:
    """The file, unlocked."""
    return await patients_door.let_in(request, desk, "/patients", new=False)


@router.post("/patients/lock")
async def locked(desk: AtHand) -> Response:
    """The file, locked."""
    await desk.patients.lock()
    return views.see("/patients")


@router.post("/patients/passphrase")
async def changed(request: Request, desk: AtHand) -> Response:
    """Another passphrase."""
    filled = patients_door.alike(read((await posted(request)).pairs, patients_door.CHANGE))
    if not filled.errors:
        try:
            current, new = str(filled.values["current"]), str(filled.values["passphrase"])
            await desk.patients.change_passphrase(current, new)
            return after_doing(desk, done("passphrase"))
        except PassphraseError as problem:
            filled = filled.with_error("current", said_of(problem))
        except NewPassphraseError as problem:
            filled = filled.with_error("passphrase", said_of(problem))
        except InputError as problem:
            filled = filled.with_error("", said_of(problem))
    return await _page(request, desk, Fault(change=filled))


@router.post("/patients/open")
async def opened(request: Request, desk: AtHand) -> Response:
    """A plan or levels of a patient, shown on their own screen."""
    who, kind = await _named(request, _ID, _KIND)
    try:
        raw = (await desk.patients.ask(lambda store: store.take(who, kind))).encode()
        desk.drafts.private_from_now()
        if kind == "plan":
            return views.see(plan.address_of(desk, read_saved(raw)))
        return views.see(await levels.address_of(desk, read_saved_levels(raw)))
    except InputError as problem:
        return await _page(request, desk, Fault(said_of(problem)))


@router.post("/patients/rename")
async def renamed(request: Request, desk: AtHand) -> Response:
    """Another name."""
    filled = read((await posted(request)).pairs, (_ID, _NAME))
    who, name = str(filled.values.get("id")), str(filled.values.get("name", ""))
    said = filled.errors.get("name", "")
    if not said:
        try:
            await desk.patients.ask(lambda store: store.rename(who, name))
            return after_doing(desk, done("rename", id=who))
        except InputError as problem:
            said = said_of(problem)
    return await _page(request, desk, Fault(said, who, filled["name"].text))


@router.post("/patients/remove")
async def removed(request: Request, desk: AtHand) -> Response:
    """A patient less; undone until the file is locked."""
    who, _ = await _named(request, _ID)
    return await _change(request, desk, done("remove", id=who), lambda store: store.remove(who))


@router.post("/patients/bring-back")
async def brought_back(request: Request, desk: AtHand) -> Response:
    """A patient who was removed."""
    who, _ = await _named(request, _ID)
    return await _change(request, desk, done("bring_back", id=who), lambda store: store.bring_back(who))


@router.post("/patients/earlier")
async def earlier(request: Request, desk: AtHand) -> Response:
    """The plan or levels as they were before the last change."""
    filled = await _filled(request, _ID, _KIND, _EARLIER)
    who, kind = _who(filled)
    before = str(filled.values["earlier"])

    def bring_back(store: PatientStore) -> None:
        store.bring_back_earlier(who, kind, before)

    return await _change(request, desk, done("earlier", id=who, kind=kind, saved=before), bring_back)


def after_doing(desk: Desk, texts: Texts) -> Response:
    """On to everybody, where what was done is said."""
    return views.see(f"/patients/{desk.drafts.keep(SCREEN, texts, lasting=True)}")


async def _named(request: Request, *fields: Field) -> tuple[str, Kind]:
    return _who(await _filled(request, *fields))


async def _filled(request: Request, *fields: Field) -> Filled:
    """A form without a field to type in."""
    filled = read((await posted(request)).pairs, fields)
    if filled.errors:
        raise FormError("this form names nobody")
    return filled


def _who(filled: Filled) -> tuple[str, Kind]:
    """Id and kind."""
    return str(filled.values["id"]), cast("Kind", filled.values.get("kind", "plan"))


async def _change(
    request: Request, desk: Desk, did: Texts, operation: Callable[[PatientStore], None]
) -> Response:
    """Do something with a patient, and say so."""
    try:
        await desk.patients.ask(operation)
    except InputError as problem:
        return await _page(request, desk, Fault(said_of(problem)))
    return after_doing(desk, did)


async def _page(
    request: Request, desk: Desk, fault: Fault | None = None, did: Texts | None = None
) -> Response:
    """Everybody, or the door where it is locked."""
    try:
        everybody, gone, aside = await desk.patients.ask(_seen)
    except LockedError:
        return await patients_door.door(request, desk, "/patients", fault=fault.said if fault else "")
    except InputError as problem:
        return await patients_door.door(request, desk, "/patients", fault=said_of(problem))
    if fault and fault.renamed not in {each.id for each in everybody}:
        # who was removed in another window has no field here
        fault = replace(fault, renamed="")
    return views.page(
        request,
        "patients/list.html",
        status=422 if fault else 200,
        everybody=everybody,
        removed=gone,
        notice=None if did is None else notice(did, everybody, gone),
        fault=fault or Fault(),
        change=(fault and fault.change) or Filled(patients_door.CHANGE),
        times=times,
        aside=aside,
        minutes=f"{MINUTES:g}",
        longest_name=LONGEST_NAME,
    )


def _seen(store: PatientStore) -> tuple[tuple[Patient, ...], dict[str, str], Path | None]:
    return store.patients(), dict(store.removed), store.set_aside
