"""The Read screen: the living page, section by section as the site has it, with live choices at its trials.

The frame is sent before anything is computed, and the text follows as it is there: a reader sees the page at
once, and needs no script for it. With the script a choice changes only what it changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from globulin.errors import GlobulinError, InputError
from globulin.pages.masthead import CONTENTS, SUBTITLE, TITLE
from globulin.pages.words import NOT_SHOWN
from globulin.web import forms, views
from globulin.web.desk import AtHand, Desk
from globulin.web.screens import read_choices, read_work

if TYPE_CHECKING:
    from globulin.pages.site import SectionText

router = APIRouter(include_in_schema=False)

_HERE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Where the text goes in its frame; no template has this character."""


@router.get("/")
async def read(request: Request, desk: AtHand) -> Response:
    """The page, with the choices that its address says; or, for the script, what they change."""
    given = list(request.query_params.multi_items())
    if not given:
        # at once, before it is known what may be chosen
        return StreamingResponse(_page(desk, forms.Filled(())), media_type="text/html")
    extra = {name: text for name, text in given if name in ("shown", "faulty")}
    form = await _form(desk, [(name, text) for name, text in given if name not in extra])
    if views.is_part(request):
        if read_choices.unfinished(form):
            return Response(status_code=204)
        return await _changed(desk, form, extra.get("shown", ""), faulty="faulty" in extra)
    address = f"/{read_choices.query(form)}"
    if not form.errors and address != f"/?{request.url.query}":
        return views.see(address)
    return StreamingResponse(_page(desk, form), 422 if form.errors else 200, media_type="text/html")


@router.get("/read/charts/{chart}.json")
async def chart(chart: str, request: Request, desk: AtHand) -> Response:
    """The specification of a chart, for a browser that draws it."""
    form = await _form(desk, request.query_params.multi_items())
    if form.errors:
        raise HTTPException(404)
    specs = await desk.work.run(read_work.chart_specs, desk.dossier, read_choices.asked(form))
    if chart not in specs:
        raise HTTPException(404)
    return Response(specs[chart], media_type="application/json")


@router.get("/globulin.pdf")
async def paper(request: Request, desk: AtHand) -> Response:
    """The page for paper, with the choices that the address says."""
    return await _file(request, desk, read_work.page_pdf, "globulin.pdf", "application/pdf")


@router.get("/dossier.json")
async def data(request: Request, desk: AtHand) -> Response:
    """All records and all results, with the choices that the address says."""
    return await _file(request, desk, read_work.page_data, "dossier.json", "application/json")


async def _file(
    request: Request, desk: Desk, made: Callable[..., bytes | str], name: str, kind: str
) -> Response:
    form = await _form(desk, request.query_params.multi_items())
    if form.errors:
        raise forms.FormError("these choices are none that the page offers")
    chosen = tuple(f"{each}." for each in read_choices.words(form, computed=True))
    try:
        content = await desk.work.run(
            made, desk.dossier, read_choices.asked(form), chosen, views.today(), slow=True, keep=False
        )
    except InputError as problem:
        raise forms.FormError(str(problem).rstrip(".")) from problem
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


async def _form(desk: Desk, given: Iterable[tuple[str, str]]) -> forms.Filled:
    offered = await desk.work.run(read_work.offered, desk.dossier)
    return read_choices.checked(forms.read(given, read_choices.fields(offered)))


async def _page(desk: Desk, form: forms.Filled) -> AsyncIterator[str]:
    """The page in the order of its lines, each part as soon as it is there."""
    start, end = views.drawn(
        "read/page.html",
        here="/",
        text=_HERE,
        title=TITLE,
        subtitle=SUBTITLE,
        contents=CONTENTS,
        taken="" if form.errors else read_choices.query(form, computed=True),
    ).split(_HERE)
    yield start
    try:
        async for part in _text(desk, form):
            yield part
    except asyncio.CancelledError:
        # the server stops, or the reader went away; one who is still there is told that this is not all
        yield views.drawn("read/stopped.html")
    except GlobulinError as problem:
        said = str(problem) if isinstance(problem, InputError) else ""
        yield views.drawn("read/fault.html", said=said)
    except Exception:
        # whoever reads is told; what it was goes to the terminal, as everywhere
        yield views.drawn("read/fault.html", said="")
        yield end
        raise
    yield end


async def _text(desk: Desk, form: forms.Filled) -> AsyncIterator[str]:
    if not form.fields:
        form = await _form(desk, ())
    asked = read_work.ReadAsked() if form.errors else read_choices.asked(form)
    query = "" if form.errors else read_choices.query(form)
    yield views.drawn("read/yours.html", chosen=() if form.errors else read_choices.words(form))
    first = await desk.work.run(read_work.sooner, desk.dossier, asked)
    for number, section in enumerate(first, 1):
        yield views.drawn("read/section.html", section=section, number=number, query=query, form=form)
    shown = await _shown(desk, form, asked)
    for number, section in enumerate(await desk.work.run(read_work.sections, desk.dossier, asked), 1):
        if number > len(first):
            yield views.drawn(
                "read/section.html",
                section=section,
                number=number,
                query=query,
                form=form,
                shown=shown,
                not_shown=NOT_SHOWN,
            )


async def _shown(desk: Desk, form: forms.Filled, asked: read_work.ReadAsked) -> read_work.ShownAnswer | None:
    """The answer that speaks: that of the way in which the trials without numbers enter."""
    wanted = read_choices.SHOWN[str(form.values.get("silent", ""))]
    answers = await desk.work.run(read_work.answers, desk.dossier, asked)
    return next((answer for answer in answers if answer.id == wanted), None)


async def _changed(desk: Desk, form: forms.Filled, before: str, *, faulty: bool) -> Response:
    """What is to be put in place of what a browser shows: the answer, and each block that is different now.

    before: the choices of the text that is shown. faulty: whether its form shows faults, which may be gone.
    """
    try:
        if form.errors:
            raise InputError
        asked = read_choices.asked(form)
        shown = await _shown(desk, form, asked)
    except InputError as problem:
        form = form if form.errors else form.with_error("", str(problem))
        # what a script puts in place is no failure of the request
        return HTMLResponse(views.drawn("read/faulty.html", form=form))
    was = read_choices.asked(await _form(desk, parse_qsl(before.removeprefix("?"))))
    old = await desk.work.run(read_work.sections, desk.dossier, was)
    new = await desk.work.run(read_work.sections, desk.dossier, asked)
    query = read_choices.query(form)
    text = views.drawn(
        "read/changed.html",
        form=form,
        shown=shown,
        query=query,
        taken=read_choices.query(form, computed=True),
        chosen=read_choices.words(form),
        changes=tuple(_changes(old, new)),
        faulty=faulty,
        not_shown=NOT_SHOWN,
    )
    return HTMLResponse(text, headers={"HX-Push-Url": f"/{query}"})


@dataclass(frozen=True, slots=True)
class _Change:
    """A section's blocks that are new, by their number; whole: all of them, since their number is another."""

    section: SectionText
    whole: bool
    blocks: tuple[tuple[int, str], ...]


def _changes(old: Sequence[SectionText], new: Sequence[SectionText]) -> Iterator[_Change]:
    for before, after in zip(old, new, strict=True):
        whole = len(before.blocks) != len(after.blocks)
        blocks = tuple(
            (number, block)
            for number, block in enumerate(after.blocks, 1)
            if whole or block != before.blocks[number - 1]
        )
        if blocks:
            yield _Change(after, whole, blocks)
