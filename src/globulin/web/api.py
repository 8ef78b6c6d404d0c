"""The same questions as on the command line, for programs: JSON in, the command line's `--json` out.

Every answer is worked out by the functions that the command line calls, in a worker. A fault is always
`{"errors": [{"field": ..., "message": ...}]}`; `field` is the path of what is at fault in the request, or
empty where it is no single one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from globulin.errors import InputError
from globulin.web import views
from globulin.web.api_reference import described_routes
from globulin.web.api_requests import (
    CompareBody,
    DoseForBody,
    Id,
    IndividualiseBody,
    PlanBody,
    RankBody,
    SimulateBody,
)
from globulin.web.api_work import (
    compare_text,
    dose_for_text,
    evidence_text,
    individualise_text,
    plan_text,
    price_list_text,
    price_lists_text,
    rank_text,
    regimens_text,
    shelf_text,
    simulate_text,
)
from globulin.web.desk import AtHand, Desk
from globulin.web.held_tables import cell_at_fault
from globulin.web.work import BusyError, TooLongError, WorkerLostError

if TYPE_CHECKING:
    pass


class Fault(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    """Path of the field, such as patient.weight_kg; empty: the request as a whole."""
    message: str
    """What is wrong, and what would do."""


class Faults(BaseModel):
    """Why a request was not answered."""

    errors: list[Fault]


def faults(status: int, found: Iterable[tuple[str, str]]) -> Response:
    """A refusal: fields and what is wrong with each."""
    body = Faults(errors=[Fault(field=field, message=message) for field, message in found])
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(body.model_dump_json(), status, headers, "application/json")


class _Route(APIRoute):
    """A route whose every refusal is a `Faults`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as problem:
                return faults(422, [_invalid(error) for error in problem.errors()])
            except HTTPException as problem:
                return faults(problem.status_code, [("", str(problem.detail))])
            except (BusyError, WorkerLostError) as problem:
                return faults(503, [("", f"{problem}; try again in a few seconds")])
            except TooLongError as problem:
                return faults(504, [("", f"{problem}; ask for less")])

        return answered


def _invalid(error: Mapping[str, Any]) -> tuple[str, str]:
    if error["type"] == "json_invalid":
        return "", "the body is no JSON"
    # the first part says that it is the body or the query
    return ".".join(str(part) for part in error["loc"][1:]), error["msg"]


_WORDS = {
    400: "The body is no JSON.",
    401: "The key of this app is missing or of an earlier start.",
    403: "The request came from another site or names another host.",
    408: "The body took too long to arrive.",
    413: "The body is larger than 2 MB.",
    422: "A field cannot be used.",
    503: "Too much is being computed; try again.",
    504: "It took too long and was stopped.",
}

router = APIRouter(
    prefix="/api",
    route_class=_Route,
    responses={status: {"model": Faults, "description": words} for status, words in _WORDS.items()},
)


def _document(description: str, *keys: str) -> dict[int | str, dict[str, Any]]:
    """The documented answer: a JSON object that has at least these keys."""
    schema = {"type": "object", "required": [*keys], "properties": {key: {} for key in keys}}
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


# --- what there is -------------------------------------------------------------------------------------


@router.get(
    "/evidence",
    summary="What the trials say",
    responses=_document("As `globulin evidence --json`.", "notice", "answers"),
)
async def evidence(
    desk: AtHand,
    condition: Annotated[
        Literal["all", "mecfs", "fibromyalgia"], Query(description="The illness whose trials count.")
    ] = "all",
    priors: Annotated[
        list[
            Annotated[
                str,
                Field(
                    pattern=r"^(vague|sceptical|enthusiastic)$|^-?\d{1,3}(\.\d{1,6})?,\d{1,3}(\.\d{1,6})?$"
                ),
            ]
        ],
        Query(
            max_length=5,
            description=(
                "An opinion beforehand: vague, sceptical, enthusiastic, or MEAN,SD in standard deviations."
            ),
        ),
    ] = [],  # noqa: B006  (FastAPI copies it)
) -> Response:
    """Effects, the three answers, what moves them and how sure one can be."""
    return await _computed(desk, None, evidence_text, condition, tuple(priors), slow=True)


@router.get(
    "/regimens",
    summary="Every regimen on one axis",
    responses=_document("As `globulin regimens --json`.", "notice", "regimens"),
)
async def regimens(
    desk: AtHand,
    weight_kg: Annotated[
        float | None, Query(ge=2, le=400, description="Body weight in kg; default: the reference adult.")
    ] = None,
    price_list: Annotated[Id | None, Query(description="Price list id.")] = None,
) -> Response:
    """Dose, rise in IgG by each model, drug cost, and share of the trials' dose."""
    return await _computed(
        desk, None, regimens_text, weight_kg, price_list, slow=True, keep=price_list is None
    )


@router.get(
    "/products",
    summary="Products and what is known of each",
    responses=_document("Products by id.", "notice", "products"),
)
async def products(desk: AtHand) -> Response:
    """Strengths, vials, routes, rates and labels, every fact with its source."""
    return await _computed(desk, None, shelf_text, "products")


@router.get(
    "/conditions",
    summary="Conditions that may speak against immune globulin",
    responses=_document("Conditions by id.", "notice", "conditions"),
)
async def conditions(desk: AtHand) -> Response:
    """What a person may have; a plan names those it is to consider by id."""
    return await _computed(desk, None, shelf_text, "conditions")


@router.get(
    "/prices",
    summary="Price lists",
    responses=_document("Lists by id, with what cannot be read.", "notice", "price_lists", "faults"),
)
async def prices(desk: AtHand) -> Response:
    """Every list of the dossier and of the data folder: dates, currency, basis, where it is."""
    return await _computed(desk, None, price_lists_text, keep=False)


@router.get(
    "/prices/{price_list}",
    summary="One price list",
    responses=_document("As `globulin prices show --json`.", "notice", "id", "products"),
)
async def price_list(desk: AtHand, price_list: Id) -> Response:
    """The price of a gram of each product."""
    return await _computed(desk, None, price_list_text, price_list, keep=False)


# --- what is worked out --------------------------------------------------------------------------------


@router.post(
    "/plan",
    summary="One person's plan",
    responses=_document(
        "As `globulin plan --json`.", "notice", "patient", "dose", "screening", "cost", "prediction"
    ),
)
async def plan(desk: AtHand, body: PlanBody) -> Response:
    """Dose, vials, infusion steps, screening, cost, predicted IgG, monitoring."""
    return await _computed(
        desk,
        body,
        plan_text,
        body.patient.asked(),
        body.regimen.asked(),
        body.giving.asked(),
        body.price.asked(),
        keep=body.price.price_list is None,
    )


@router.post(
    "/rank",
    summary="Products ranked for one person",
    responses=_document("As `globulin plan --json` without a product.", "notice", "products"),
)
async def rank(desk: AtHand, body: RankBody) -> Response:
    """All products of a route, the best fit first, with the reasons in words."""
    return await _computed(
        desk,
        body,
        rank_text,
        body.patient.asked(),
        body.regimen.asked(),
        body.giving.asked(),
        body.price.asked(),
        keep=body.price.price_list is None,
    )


@router.post(
    "/compare",
    summary="Two to four plans side by side",
    responses=_document("As `globulin compare --json`.", "notice", "plans"),
)
async def compare(desk: AtHand, body: CompareBody) -> Response:
    """The plans of several products or regimens for one person, in the order asked for."""
    options = tuple(option.asked() for option in body.options)
    return await _computed(
        desk,
        body,
        compare_text,
        body.patient.asked(),
        options,
        body.price.asked(),
        keep=body.price.price_list is None,
    )


@router.post(
    "/simulate",
    summary="What doses do to IgG",
    responses=_document("As `globulin simulate --json`.", "notice", "asked"),
)
async def simulate(desk: AtHand, body: SimulateBody) -> Response:
    """Levels by published models side by side, of one person or of many."""
    crowd = body.crowd.asked()
    return await _computed(
        desk, body, simulate_text, body.asked(), crowd, body.target_g_per_l, slow=crowd.asked
    )


@router.post(
    "/dose-for",
    summary="The dose for a level of IgG",
    responses=_document("As `globulin dose-for --json`.", "notice", "asked", "models"),
)
async def dose_for(desk: AtHand, body: DoseForBody) -> Response:
    """The dose, or the longest interval, in one person or in a share of many."""
    return await _computed(desk, body, dose_for_text, body.asked(), body.crowd.asked(), slow=True)


@router.post(
    "/individualise",
    summary="What measured levels say of one person",
    responses=_document("As `globulin individualise --json`.", "notice", "asked", "models", "forecast"),
)
async def individualise(desk: AtHand, body: IndividualiseBody) -> Response:
    """The fit of each model, which level does not fit, and which levels come next."""
    return await _computed(desk, body, individualise_text, body.asked())


@router.get("", include_in_schema=False)
async def described(request: Request) -> Response:
    """The page that describes all this, drawn from the same schema as /api/openapi.json."""
    return views.page(request, "api.html", routes=described_routes(request.app.openapi()))


async def _computed(
    desk: Desk,
    body: BaseModel | None,
    function: Callable[..., str],
    *asked: Hashable,
    slow: bool = False,
    keep: bool = True,
) -> Response:
    try:
        text = await desk.work.run(function, desk.dossier, *asked, slow=slow, keep=keep)
    except InputError as problem:
        return faults(422, [_placed(line, type(body)) for line in str(problem).splitlines()])
    return Response(text, media_type="application/json")


_OPTION = re.compile(r"--([a-z][a-z0-9-]*)")


def _placed(words: str, body: type[BaseModel | None]) -> tuple[str, str]:
    """Where in a request a fault is that was said in the words of the command line, and what it is."""
    paths = _paths(body) if issubclass(body, BaseModel) else {}
    words = words.replace("globulin plan --template prints the list", "GET /api/conditions lists them")
    said = _OPTION.sub(lambda option: name if (name := _named(option)) in paths else option[0], words)
    if cell := cell_at_fault(words):
        table = "history" if cell.table == "doses" and "history" in paths else cell.table
        return f"{paths.get(table, table)}.{cell.row}.{cell.field}", cell.words
    option = _OPTION.match(words)
    return paths.get(_named(option), "") if option else "", said


def _named(option: re.Match[str]) -> str:
    return option[1].replace("-", "_")


@cache
def _paths(body: type[BaseModel]) -> Mapping[str, str]:
    """Where in a request each field is, by its name alone; of two, the first."""
    found: dict[str, str] = {}
    for name, field in body.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            for below, path in _paths(inner).items():
                found.setdefault(below, f"{name}.{path}")
        found.setdefault(name, name)
    return found
