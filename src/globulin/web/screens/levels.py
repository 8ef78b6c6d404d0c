"""*Levels*: one person's doses and measured IgG, what they say of the person, and which levels come next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from globulin.errors import InputError
from globulin.formats.saved_file import SUFFIX, SavedLevels, read_saved_levels, saved_text
from globulin.pages import words
from globulin.web import views
from globulin.web.desk import AtHand, Desk
from globulin.web.forms import Choice, Field, posted, read
from globulin.web.screens.levels_answer import LevelsAnswer, kinds_of_people, levels_answer
from globulin.web.screens.levels_form import (
    MOST_ROWS,
    LevelsForm,
    empty_form,
    fields,
    levels_form,
    pressed,
    texts_of_file,
)
from globulin.web.screens.levels_saved import saved_of, texts_of_saved

router = APIRouter(include_in_schema=False)

SCREEN = "levels"
TEMPLATE = "levels.html"

Draft = Annotated[str, InPath(pattern="^[0-9a-f]{32}$")]


@router.get("/levels")
async def start(request: Request, desk: AtHand) -> Response:
    """The empty form."""
    return _page(request, empty_form(await _fields(desk)), None)


@router.post("/levels")
async def asked(request: Request, desk: AtHand) -> Response:
    """What was typed, with a row more or less, with the rows of a file, or to be worked out."""
    form = await posted(request)
    questions = await _fields(desk)
    filled = read(form.pairs, questions)
    texts, part = pressed(filled.texts)
    if texts.get("do") == ("load",):
        part = "doses"
        try:
            if "file" not in form.files:
                raise InputError("choose a file first")
            texts = texts_of_file(form.files["file"], texts)
        except InputError as problem:
            wrong = levels_form(texts, questions)
            faulted = LevelsForm(wrong.filled.with_error("file", f"{problem}."), wrong.shown)
            return _page(request, faulted, None, status=422)
    return views.see(f"/levels/{desk.drafts.keep(SCREEN, texts)}#{part}")


@router.post("/levels/open")
async def opened(request: Request, desk: AtHand) -> Response:
    """Saved levels, shown again."""
    form = await posted(request)
    read(form.pairs, ())
    try:
        if form.file is None:
            raise InputError("choose the file of saved levels first")
        return views.see(await address_of(desk, read_saved_levels(form.file)))
    except InputError as problem:
        said = words.sentence(words.capital(str(problem)))
        return _page(request, empty_form(await _fields(desk)), None, status=422, opening=said)


@router.post("/levels/{draft}/save")
async def saved(draft: Draft, desk: AtHand) -> Response:
    """The levels as a file to go on with."""
    text = saved_text(await asked_in(desk, draft))
    headers = {"content-disposition": f'attachment; filename="levels{SUFFIX}"'}
    return Response(text, headers=headers, media_type="application/json")


async def asked_in(desk: Desk, draft: str) -> SavedLevels:
    """What a draft asks; there is no such page (404) where something in it is missing or wrong."""
    kept = desk.drafts.find(SCREEN, draft)
    found = None if kept is None else saved_of(levels_form(kept.texts, await _fields(desk)))
    if found is None:
        raise HTTPException(404)
    return found


async def address_of(desk: Desk, saved: SavedLevels) -> str:
    """Where saved levels are shown from now on. Raises InputError for what this dossier does not have."""
    return f"/levels/{desk.drafts.keep(SCREEN, texts_of_saved(saved, await _fields(desk)))}"


@router.get("/levels/{draft}")
async def shown(draft: Draft, request: Request, desk: AtHand) -> Response:
    """A form as it was filled in and, where that was asked for, what the levels say."""
    kept = desk.drafts.find(SCREEN, draft)
    if kept is None:
        raise HTTPException(404)
    form = levels_form(kept.texts, await _fields(desk))
    if form.do != "fit":
        return _page(request, form.quiet(), None, draft=draft)
    wanted, form = form.request()
    answer = None
    if wanted is not None:
        try:
            answer = await desk.work.run(levels_answer, desk.dossier, wanted)
        except InputError as problem:
            form = form.blamed(problem)
    return _page(request, form, answer, draft=draft)


async def _fields(desk: Desk) -> tuple[Field, ...]:
    kinds = await desk.work.run(kinds_of_people, desk.dossier)
    return fields(Choice(identifier, name, population) for identifier, name, population in kinds)


def _page(
    request: Request,
    form: LevelsForm,
    answer: LevelsAnswer | None,
    *,
    status: int = 200,
    draft: str = "",
    opening: str = "",
) -> Response:
    return views.page(
        request,
        TEMPLATE,
        status=status,
        form=form,
        answer=answer,
        most_rows=MOST_ROWS,
        draft=draft,
        opening=opening,
    )
