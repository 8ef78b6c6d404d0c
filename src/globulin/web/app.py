"""Puts the app together: the screens, what guards them, and what is answered when something goes wrong."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as RoutingException

from globulin import __version__
from globulin.errors import FaultsError, InputError
from globulin.web import views
from globulin.web.desk import Desk
from globulin.web.drafts import Drafts
from globulin.web.forms import posted
from globulin.web.guard import Door, Guard, session_cookie
from globulin.web.keeper import Keeper, LockedError
from globulin.web.opened import prepare
from globulin.web.work import BusyError, TooLongError, Work, WorkerLostError

SCREENS: tuple[str, ...] = (
    "globulin.web.screens.read",
    "globulin.web.screens.plan",
    "globulin.web.screens.compare",
    "globulin.web.screens.levels",
    "globulin.web.screens.patients",
    "globulin.web.screens.patients_keep",
    "globulin.web.screens.prices",
    "globulin.web.api",
)
"""The modules of the app; each has a `router`."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an app is made with."""

    door: Door
    dossier: Path | None = None
    """The dossier folder; None: the bundled one."""
    warm: bool = False
    """Whether the workers start by themselves, once the first page was shown."""


def create_app(settings: Settings, work: Work | None = None, patients: Keeper | None = None) -> FastAPI:
    """The app. Nothing is read or started before the first request; what is given here ends with the app."""
    desk = Desk(settings.dossier, Drafts(), work or Work(prepare=prepare), patients or Keeper())

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warm(desk)) if settings.warm else None
        try:
            yield
        finally:
            if warming is not None:
                warming.cancel()
            desk.patients.close()
            desk.drafts.clear()
            desk.work.close()

    app = FastAPI(
        title="globulin",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
        # nothing is reported to anyone, whatever the environment asks for
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.desk = desk
    app.add_middleware(
        Guard,
        door=settings.door,
        refusals=partial(views.refusal, password=settings.door.password is not None),
    )
    app.mount(
        "/static",
        StaticFiles(
            directory=_HERE / "static", packages=[("globulin.pages", "assets"), ("globulin.pages", "fonts")]
        ),
    )
    for name in SCREENS:
        app.include_router(import_module(name).router)
    if settings.door.password is not None:
        _add_password_door(app, settings.door)
    _add_answers_to_faults(app)
    return app


async def _warm(desk: Desk) -> None:
    await desk.begun.wait()
    # the first page has the processors for itself
    await asyncio.sleep(0.5)
    with suppress(WorkerLostError):
        await desk.work.warm()


def _add_answers_to_faults(app: FastAPI) -> None:
    async def said(request: Request, fault: Exception) -> Response:
        if isinstance(fault, FaultsError):
            # the dossier's, which no form can mend
            raise fault
        return views.refused(request, 422, f"{fault}.")

    async def invalid(request: Request, _: Exception) -> Response:
        return views.refused(request, 422)

    async def busy(request: Request, fault: Exception) -> Response:
        words = None if isinstance(fault, BusyError) else "This could not be computed: it took too much."
        return views.refused(request, 503, words)

    async def http(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, RoutingException)  # noqa: S101  (what it is registered for)
        response = views.refused(request, fault.status_code)
        response.headers.update(fault.headers or {})
        return response

    async def locked(_: Request, __: Exception) -> Response:
        # it locked itself while a page of it was open; there it is unlocked again
        return views.see("/patients")

    app.add_exception_handler(InputError, said)
    app.add_exception_handler(LockedError, locked)
    app.add_exception_handler(RequestValidationError, invalid)
    for kind in (BusyError, TooLongError, WorkerLostError):
        app.add_exception_handler(kind, busy)
    app.add_exception_handler(RoutingException, http)


def _add_password_door(app: FastAPI, door: Door) -> None:
    one_at_a_time = asyncio.Lock()

    @app.post("/door", include_in_schema=False)
    async def enter(request: Request) -> Response:
        given = dict((await posted(request)).pairs).get("password", "")
        async with one_at_a_time:
            # so nobody tries more than one password a second
            await asyncio.sleep(1.0)
        if not hmac.compare_digest(given.encode(), (door.password or "").encode()):
            return views.refused(request, 401, "This is not the password.", password=True)
        response = views.see("/")
        response.headers["set-cookie"] = session_cookie(door)
        return response
