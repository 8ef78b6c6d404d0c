"""Keeping a plan or levels under a name: on a page of its own, since it shows the names that are there."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from globulin.errors import InputError
from globulin.formats.saved_file import saved_text
from globulin.pages import words
from globulin.patient_store import LONGEST_NAME, Kind, Outcome, Patient, PatientStore
from globulin.web import views
from globulin.web.desk import AtHand, Desk
from globulin.web.forms import Choice, Field, Filled, posted, read
from globulin.web.keeper import LockedError
from globulin.web.screens import levels, patients_door, plan
from globulin.web.screens.patients import Draft, after_doing
from globulin.web.screens.patients_door import said_of
from globulin.web.screens.patients_notice import done

router = APIRouter(include_in_schema=False)

_NOT_KEPT: Final = (
    "The file was locked before this arrived, so nothing was kept. Unlock it, and give the name again."
)


@router.get("/patients/keep/{kind}/{draft}")
async def asked(kind: Kind, draft: Draft, request: Request, desk: AtHand) -> Response:
    """Under which name it is to be kept; first the passphrase, where it is needed."""
    await _text(desk, kind, draft)
    everybody = await _everybody(request, desk, kind, draft)
    if isinstance(everybody, Response):
        return everybody
    return _page(request, kind, draft, Filled(_fields(kind, everybody)))


@router.post("/patients/keep/{kind}/{draft}/unlock")
async def unlocked(kind: Kind, draft: Draft, request: Request, desk: AtHand) -> Response:
    """The file, unlocked on the way."""
    return await patients_door.let_in(request, desk, _address(kind, draft), new=False)


@router.post("/patients/keep/{kind}/{draft}/create")
async def created(kind: Kind, draft: Draft, request: Request, desk: AtHand) -> Response:
    """The file, made on the way."""
    return await patients_door.let_in(request, desk, _address(kind, draft), new=True)


@router.post("/patients/keep/{kind}/{draft}")
async def kept(kind: Kind, draft: Draft, request: Request, desk: AtHand) -> Response:
    """It is kept under a new name, or for somebody who is there."""
    text = await _text(desk, kind, draft)
    form = await posted(request)
    everybody = await _everybody(request, desk, kind, draft, _NOT_KEPT)
    if isinstance(everybody, Response):
        return everybody
    filled = _one_of_two(read(form.pairs, _fields(kind, everybody)))
    if filled.errors:
        return _page(request, kind, draft, filled)
    try:
        now = datetime.now().astimezone()
        who, outcome = await desk.patients.ask(partial(_keep, filled, kind, text, now))
    except LockedError:
        return await _door(request, desk, kind, draft, _NOT_KEPT)
    except InputError as problem:
        return _page(request, kind, draft, filled.with_error(next(iter(filled.values)), said_of(problem)))
    desk.drafts.private_from_now(draft)
    saved = "" if outcome == "unchanged" else now.isoformat()
    said = done("keep", id=who, kind=kind, saved=saved, outcome=outcome, back=_back(kind, draft))
    return after_doing(desk, said)


def _keep(filled: Filled, kind: Kind, text: str, now: datetime, store: PatientStore) -> tuple[str, Outcome]:
    """The patient's id, and what became of it."""
    if "id" in filled.values:
        who = str(filled.values["id"])
        return who, store.keep(who, kind, text, now)
    return store.keep_new(str(filled.values["name"]), kind, text, now), "new"


async def _everybody(
    request: Request, desk: Desk, kind: Kind, draft: str, said: str = ""
) -> tuple[Patient, ...] | Response:
    """Those who are there, or the page that asks for what is needed first, and says `said`."""
    try:
        return await desk.patients.ask(PatientStore.patients)
    except LockedError:
        return await _door(request, desk, kind, draft, said)
    except InputError as problem:
        return await _door(request, desk, kind, draft, said_of(problem))


async def _door(request: Request, desk: Desk, kind: Kind, draft: str, said: str = "") -> Response:
    return await patients_door.door(
        request, desk, _address(kind, draft), fault=said, back=_back(kind, draft), what=kind
    )


def _address(kind: Kind, draft: str) -> str:
    return f"/patients/keep/{kind}/{draft}"


def _back(kind: Kind, draft: str) -> str:
    return f"/{kind}/{draft}"


async def _text(desk: Desk, kind: Kind, draft: str) -> str:
    """The file of what a draft asks. There is no such page (404) where it is not whole."""
    return saved_text(plan.asked_in(desk, draft) if kind == "plan" else await levels.asked_in(desk, draft))


def _fields(kind: Kind, everybody: tuple[Patient, ...]) -> tuple[Field, ...]:
    """A new name, and where there is somebody, one of them."""

    def shown(patient: Patient) -> Choice:
        there = patient.documents.get(kind)
        day = f" ({kind} of {words.date_words(there.saved.astimezone().date())})" if there else ""
        return Choice(patient.id, f"{patient.name}{day}")

    name = Field(name="name", label="A new name" if everybody else "Name", longest=LONGEST_NAME)
    if not everybody:
        return (name,)
    replaced = "The plan that it replaces" if kind == "plan" else "Levels that they replace"
    chosen = Field(
        name="id",
        label="Or somebody who is there",
        kind="list",
        choices=tuple(map(shown, everybody)),
        hint=f"{replaced} can be brought back.",
    )
    return name, chosen


def _one_of_two(filled: Filled) -> Filled:
    """The same, with a fault unless there is a new name or somebody who is there."""
    given = {"id", "name"} & filled.values.keys()
    if filled.errors or len(given) == 1:
        return filled
    return filled.with_error(
        "name", "Give a new name, or choose somebody; not both." if given else "Under which name?"
    )


def _page(request: Request, kind: Kind, draft: str, form: Filled) -> Response:
    return views.page(
        request,
        "patients/keep.html",
        status=422 if form.errors else 200,
        form=form,
        what=kind,
        action=_address(kind, draft),
        back=_back(kind, draft),
    )
