"""*Prices*: which price lists there are and how old, import of another, what one says, and its removal.

A list that is imported is written to the data folder, where the command line finds it too; besides
named patients, nothing else of this app is ever written.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import Response

from globulin.errors import InputError
from globulin.web import views
from globulin.web.desk import AtHand, Desk
from globulin.web.forms import Field, Filled, posted, read
from globulin.web.screens import prices_work

router = APIRouter(include_in_schema=False)

SCREEN = "prices"
FIELDS = (
    Field(
        name="file",
        label="Price list",
        hint=(
            "Medicare's payment limits of a quarter as they are published (zip or CSV), or your own table."
        ),
        required=True,
    ),
    Field(
        name="crosswalk",
        label="NDC-HCPCS crosswalk of the same quarter",
        hint="With Medicare's list only: it adds packages. As it is published, or unpacked.",
    ),
    Field(name="replace", label="Put it in place of a different list with the same id", kind="check"),
)
_REMOVE = (Field(name="id", label="Id", required=True),)
_MOST_FILES = 2

Draft = Annotated[str, InPath(pattern="^[0-9a-f]{32}$")]
ListId = Annotated[str, InPath(pattern="^[a-z][a-z0-9_]{0,79}$")]


@router.get("/prices")
async def lists(request: Request, desk: AtHand) -> Response:
    """Every list, and the form that imports one."""
    return await _page(request, desk, Filled(FIELDS))


@router.post("/prices")
async def imported(request: Request, desk: AtHand) -> Response:
    """Import the list of a file; where that cannot be, say why, with nothing changed."""
    form = await posted(request, _MOST_FILES)
    filled = read(form.pairs, FIELDS)
    # what a file field has is no text
    errors = {name: words for name, words in filled.errors.items() if name != "file"}
    filled = Filled(FIELDS, filled.texts, filled.values, errors)
    if "file" not in form.files:
        return await _page(request, desk, filled.with_error("file", "Choose a file."), 422)
    try:
        identifier, outcome = await desk.work.run(
            prices_work.import_file,
            desk.dossier,
            form.files["file"],
            form.files.get("crosswalk"),
            bool(filled.values.get("replace")),
            keep=False,
        )
    except InputError as problem:
        return await _page(request, desk, _blamed(filled, problem), 422)
    # plans that were worked out with another list of this id
    desk.work.forget()
    draft = desk.drafts.keep(SCREEN, {"id": (identifier,), "outcome": (outcome,)})
    return views.see(f"/prices/imported/{draft}")


@router.get("/prices/imported/{draft}")
async def kept(draft: Draft, request: Request, desk: AtHand) -> Response:
    """What an import did, and the list."""
    found = desk.drafts.find(SCREEN, draft)
    if found is None:
        raise HTTPException(404)
    return await _one(request, desk, found.texts["id"][0], found.texts["outcome"][0])


@router.get("/prices/list/{identifier}")
async def one(identifier: ListId, request: Request, desk: AtHand) -> Response:
    """One list: the price of a gram, and what changed since the list before."""
    return await _one(request, desk, identifier, "")


@router.post("/prices/remove")
async def removed(request: Request, desk: AtHand) -> Response:
    """Delete an imported list."""
    filled = read((await posted(request)).pairs, _REMOVE)
    try:
        await desk.work.run(prices_work.remove_list, desk.dossier, str(filled.values.get("id")), keep=False)
    except InputError as problem:
        return await _page(request, desk, Filled(FIELDS).with_error("", f"{problem}."), 422)
    desk.work.forget()
    return views.see("/prices")


@router.get("/prices/own_prices.csv")
async def own_table(desk: AtHand) -> Response:
    """The table of an own list, a row for each product, to fill in."""
    text = await desk.work.run(prices_work.own_table, desk.dossier)
    headers = {"content-disposition": 'attachment; filename="own_prices.csv"'}
    return Response(text, headers=headers, media_type="text/csv")


async def _page(request: Request, desk: Desk, form: Filled, status: int = 200) -> Response:
    found = await desk.work.run(prices_work.every_list, desk.dossier, views.today(), keep=False)
    return views.page(request, "prices.html", status=status, form=form, found=found)


async def _one(request: Request, desk: Desk, identifier: str, outcome: str) -> Response:
    try:
        found = await desk.work.run(prices_work.one_list, desk.dossier, identifier, views.today(), keep=False)
    except InputError:
        raise HTTPException(404) from None
    return views.page(request, "price_list.html", found=found, outcome=outcome)


def _blamed(filled: Filled, problem: InputError) -> Filled:
    words = str(problem).replace("--replace puts this one", "tick the box below to put this one")
    faulted = filled.blamed(InputError(f"{words.rstrip('.')}."))
    # a fault of the file stands at the file
    return faulted if "" not in faulted.errors else filled.with_error("file", faulted.errors[""])
