"""*Compare*: up to four regimens side by side for one person.

As everywhere, a form that is sent becomes a new draft, and the page is read from it. Each regimen is worked
out by itself, so what is wrong with one is said there, and the others stand.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from globulin.errors import InputError
from globulin.formats.saved_file import SavedPlan
from globulin.web import forms, views
from globulin.web.desk import AtHand, Desk
from globulin.web.drafts import Texts
from globulin.web.forms import Filled
from globulin.web.opened import opened_shelf
from globulin.web.screens import compare_fields, plan_answers, plan_fields, plan_questions
from globulin.web.screens.compare_fields import SCREEN, CompareForms
from globulin.web.screens.plan_work import Option, option
from globulin.web.screens.strips import strips

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=4)
def _forms(dossier: Path | None) -> CompareForms:
    return compare_fields.compare_forms(plan_fields.plan_forms(opened_shelf(dossier)))


@router.get("/compare")
async def start(request: Request, desk: AtHand) -> Response:
    """The form, empty."""
    asked = _forms(desk.dossier)
    return _page(request, "", asked, compare_fields.fresh(asked), {})


@router.post("/compare")
async def begun(request: Request, desk: AtHand) -> Response:
    """The form, filled in for the first time."""
    return await _answered(request, desk, {})


@router.get("/compare/{draft}")
async def shown(draft: str, request: Request, desk: AtHand) -> Response:
    """The regimens side by side, and the form that asked for them."""
    return await _compared(request, desk, draft, _found(desk, draft))


@router.post("/compare/{draft}")
async def changed(draft: str, request: Request, desk: AtHand) -> Response:
    """The form, changed. What was answered about health stays."""
    return await _answered(request, desk, _found(desk, draft))


@router.get("/compare/{draft}/health")
async def health(draft: str, request: Request, desk: AtHand) -> Response:
    """The questions about health."""
    texts, asked = _found(desk, draft), _forms(desk.dossier)
    filled = plan_answers.read_step(asked.plan, "health", texts)
    groups = plan_questions.open_to(
        asked.plan.groups, desk.shelf, next(iter(texts.get("sex", ())), "") or None
    )
    return views.page(request, "compare/health.html", draft=draft, form=filled, groups=groups)


@router.post("/compare/{draft}/health")
async def answered(draft: str, request: Request, desk: AtHand) -> Response:
    """The questions, answered."""
    before, asked = _found(desk, draft), _forms(desk.dossier)
    read = forms.read((await forms.posted(request)).pairs, asked.plan.health)
    return views.see(f"/compare/{desk.drafts.keep(SCREEN, {**before, **read.texts})}")


def _found(desk: Desk, draft: str) -> Texts:
    kept = desk.drafts.find(SCREEN, draft)
    if kept is None:
        raise HTTPException(404)
    return kept.texts


async def _answered(request: Request, desk: Desk, before: Texts) -> Response:
    asked = _forms(desk.dossier)
    read = forms.read((await forms.posted(request)).pairs, asked.fields)
    texts = {**before, **read.texts}
    draft = desk.drafts.keep(SCREEN, texts)
    if views.is_part(request):
        return await _compared(request, desk, draft, texts, "working")
    return views.see(f"/compare/{draft}")


async def _compared(
    request: Request, desk: Desk, draft: str, texts: Texts, part: str | None = None
) -> Response:
    asked = _forms(desk.dossier)
    filled, wanted = compare_fields.read(asked, texts)
    found: dict[int, Option] = {}
    if not any(each.name in filled.errors for each in asked.person):
        answers = await asyncio.gather(*(_option(desk, each) for each in wanted.values()))
        for number, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, Option):
                found[number] = answer
            else:
                filled = compare_fields.blamed(filled, number, answer, asked)
    return _page(request, draft, asked, filled, found, part)


async def _option(desk: Desk, asked: SavedPlan) -> Option | InputError:
    try:
        return await desk.work.run(option, desk.dossier, asked, keep=asked.price.price_list is None)
    except InputError as problem:
        return problem


def _page(
    request: Request,
    draft: str,
    asked: CompareForms,
    filled: Filled,
    found: dict[int, Option],
    part: str | None = None,
) -> Response:
    options = tuple(found.values())
    rises = strips([(f"{each.name}, {each.asked}", each.rise_said, each.rise) for each in options])
    numbers: Final = range(1, compare_fields.MOST + 1)
    return views.page(
        request,
        "compare/compare.html",
        part=part,
        address=f"/compare/{draft}",
        draft=draft,
        form=filled,
        person=asked.person,
        numbered=list(zip(numbers, asked.options, strict=True)),
        options=options,
        rises=rises,
    )
