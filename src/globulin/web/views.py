"""Draws pages from templates: whole ones, the part that a script asked for, and those of a refusal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from globulin import __version__
from globulin.pages import words
from globulin.web.guard import most_bytes

NAVIGATION = (
    ("/", "Read"),
    ("/plan", "Plan"),
    ("/compare", "Compare"),
    ("/levels", "Levels"),
    ("/patients", "Patients"),
    ("/prices", "Prices"),
)


@dataclass(frozen=True, slots=True)
class Plain:
    """What a refusal says: what happened, and what would help."""

    title: str
    words: tuple[str, ...]
    again: bool = False
    """Whether it shows a link to the start, for one who was let in meanwhile."""


_KEY = "Use the address that globulin serve printed in the terminal; it holds the key to this app."

PLAIN = {
    401: Plain(
        "This browser has no key yet",
        (_KEY, "A key is good until globulin stops. The next start prints a new one."),
        again=True,
    ),
    403: Plain(
        "Not from here",
        ("The request came from another site, or under another name than this server has.", _KEY),
    ),
    404: Plain(
        "Nothing is here",
        ("There is no such page. The screens of globulin are named above.",),
        again=True,
    ),
    405: Plain("Not in this way", ("This address does not take such a request.",), again=True),
    408: Plain("It took too long to arrive", ("Nothing was changed. Please try again.",), again=True),
    413: Plain("This is too large", ("Nothing was changed.",), again=True),
    422: Plain(
        "This form could not be read",
        ("Something in it is not what the page asks. Nothing was changed. Go back and try again.",),
        again=True,
    ),
    500: Plain(
        "Something went wrong here",
        (
            "This is a fault of the program, not of what you typed. The terminal shows where it is, without"
            " any value of yours. Go back: what you typed is still there.",
        ),
        again=True,
    ),
    503: Plain(
        "Too much is being computed",
        ("Wait a few seconds and load the page again. What you typed is kept.",),
        again=True,
    ),
}
"""By status. A status that is not here is answered as 404 (below 500) or 500."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("globulin.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = words.prose
    environment.globals.update(
        navigation=NAVIGATION, version=__version__, today=lambda: words.date_words(today())
    )
    # a global, because a part of a page that is drawn by itself runs no import of its template
    environment.globals["p"] = environment.get_template("parts.html").module
    return environment


def drawn(template: str, part: str | None = None, **context: Any) -> str:
    """The text of a template, or of one block of it."""
    found = _environment().get_template(template)
    if part is None:
        return found.render(**context)
    return "".join(found.blocks[part](found.new_context(context)))


def page(
    request: Request,
    template: str,
    *,
    part: str | None = None,
    address: str | None = None,
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """A page; or, for the app's own script (htmx), only its block `part`.

    address: what the browser shows as the address of a part that a form was answered with.
    """
    wanted = part if is_part(request) else None
    response = HTMLResponse(drawn(template, wanted, here=request.url.path, **context), status)
    if wanted is not None and address is not None:
        response.headers["HX-Push-Url"] = address
    return response


def is_part(request: Request) -> bool:
    """Whether the app's own script asks for a part of a page.

    It says so itself: for a page that it restores from the history, or takes something out of, it asks for
    the whole (https://four.htmx.org/reference/headers).
    """
    said = request.headers
    return (
        said.get("hx-request") == "true"
        and said.get("hx-request-type") != "full"
        and "hx-history-restore-request" not in said
    )


def today() -> date:
    """The day that a page or a file is made on."""
    return datetime.now(UTC).date()


def see(address: str) -> RedirectResponse:
    """After a POST: go on to an address of this app (303)."""
    return RedirectResponse(address, 303)


_GONE = Plain(
    "This is kept no more",
    (
        "What is typed is kept in memory only, for twelve hours and until globulin stops. So it is written"
        " nowhere, and cannot be brought back.",
        "What was opened from Patients, or kept there, is forgotten here when that is locked.",
        "What you saved as a file opens again from it.",
    ),
    again=True,
)
"""For 404, where a form or its answer was."""

_DRAFT = re.compile(r"/([a-z]+)(/[a-z]+)*/[0-9a-f]{32}(/|$)")


def refusal(path: str, status: int, said: str | None = None, *, password: bool = False) -> tuple[str, bytes]:
    """Content type and body of a refusal: a page, or JSON for a program. `said` goes before the rest.

    password: whether one who has no key may enter with a password.
    """
    found = PLAIN.get(status, PLAIN[404 if status < 500 else 500])
    draft = _DRAFT.match(path) if status == 404 else None
    found = _GONE if draft else found
    # the screen that it was on, where there is such a screen
    start = next((link for link in NAVIGATION if draft and link[0] == f"/{draft[1]}"), None)
    if status == 413:
        said = said or f"The most that is taken here is {most_bytes(path) // 2**20} MB."
    if path.startswith("/api/"):
        return "application/json", json.dumps(
            {"errors": [{"field": "", "message": said or found.title}]}
        ).encode()
    text = drawn(
        "plain.html",
        here=start[0] if start else None,
        plain=found,
        said=words.capital(said) if said else None,
        start=start,
        entry=password and status == 401,
    )
    return "text/html; charset=utf-8", text.encode()


def refused(request: Request, status: int, said: str | None = None, *, password: bool = False) -> Response:
    """The same as a response."""
    kind, body = refusal(request.url.path, status, said, password=password)
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(body, status, headers, kind)
