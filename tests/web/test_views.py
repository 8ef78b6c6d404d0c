"""Pages, their parts and those of a refusal."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.testclient import TestClient

from globulin.errors import InputError
from globulin.web import views

# the part of a page that the tests draw: it uses a macro, which a block drawn alone must have too
PLAIN = {"plain": views.PLAIN[404], "said": None, "start": None, "entry": True, "here": None}


def test_a_part_is_a_block_of_the_page_and_nothing_else() -> None:
    part = views.drawn("plain.html", "content", **PLAIN)
    assert part.strip() in views.drawn("plain.html", **PLAIN)
    assert "<html" not in part
    assert '<button class="button main"' in part


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    @app.get("/shown/{draft}")
    async def shown(draft: str, request: Request) -> Response:
        said = {name: value for name, value in PLAIN.items() if name != "here"}
        return views.page(request, "plain.html", part="content", address="/shown/2", **said)

    @app.get("/refuses")
    async def refuses() -> None:
        raise InputError("GLOBULIN_DATA_DIR names a home that is not known here")

    return app


def test_a_script_gets_the_part_and_the_address(client: TestClient) -> None:
    whole, part = client.get("/shown/1"), client.get("/shown/1", headers={"HX-Request": "true"})
    assert whole.text.startswith("<!doctype html>")
    assert "hx-push-url" not in whole.headers
    assert part.text.strip().startswith("<header")
    assert part.headers["hx-push-url"] == "/shown/2"


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({}, False),
        # what htmx 4.0.1 sends for a swap, for a page that it selects from, and for one of the history
        ({"HX-Request": "true", "HX-Request-Type": "partial"}, True),
        ({"HX-Request": "true", "HX-Request-Type": "full"}, False),
        ({"HX-History-Restore-Request": "true", "HX-Request-Type": "full"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_a_page_that_is_restored_is_whole(client: TestClient, headers: dict[str, str], part: bool) -> None:
    found = client.get("/shown/1", headers=headers)
    assert found.text.startswith("<!doctype html>") != part
    assert ("hx-push-url" in found.headers) == part


@pytest.mark.parametrize(
    ("here", "current"), [("/", "Read"), ("/plan", "Plan"), ("/plan/0123", "Plan"), (None, "")]
)
def test_the_navigation_says_where_one_is(here: str | None, current: str) -> None:
    page = views.drawn("plain.html", **{**PLAIN, "here": here})
    marked = [name for _, name in views.NAVIGATION if f'aria-current="page">{name}<' in page]
    assert marked == ([current] if current else [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 413, 418, 422, 500, 502, 503])
def test_every_refusal_has_words(status: int) -> None:
    kind, body = views.refusal("/plan", status)
    assert kind == "text/html; charset=utf-8"
    assert (
        f"<h1>{views.PLAIN.get(status, views.PLAIN[404 if status < 500 else 500]).title}</h1>"
        in body.decode()
    )
    kind, body = views.refusal("/api/plan", status)
    assert kind == "application/json"
    assert json.loads(body)["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "start"),
    [
        (f"/plan/{'0' * 32}/result", ("/plan", "Plan")),
        (f"/compare/{'a1' * 16}", ("/compare", "Compare")),
        (f"/levels/{'0' * 32}", ("/levels", "Levels")),
        (f"/prices/imported/{'0' * 32}", ("/prices", "Prices")),
        (f"/other/{'0' * 32}", None),
    ],
)
def test_a_form_that_is_kept_no_more_is_said_to_be(path: str, start: tuple[str, str] | None) -> None:
    page = views.refusal(path, 404)[1].decode()
    assert "<h1>This is kept no more</h1>" in page
    assert "in memory only, for twelve hours and until globulin stops" in page
    if start is not None:
        assert f'<a href="{start[0]}">Begin again at {start[1]}</a>' in page
        assert f'aria-current="page">{start[1]}<' in page


@pytest.mark.parametrize("path", ["/nothing", "/plan/0123", f"/plan/{'0' * 33}", f"/{'0' * 32}"])
def test_what_was_never_there_is_not_said_to_have_been(path: str) -> None:
    page = views.refusal(path, 404)[1].decode()
    assert "<h1>Nothing is here</h1>" in page
    assert '<a href="/">Go to the start</a>' in page


def test_what_is_said_begins_as_a_sentence_does() -> None:
    assert (
        b"<strong>This form has no such field.</strong>"
        in views.refusal("/plan", 422, "this form has no such field.")[1]
    )


def test_a_password_is_asked_for_where_there_is_one_only() -> None:
    for status, password, asked in ((401, True, True), (401, False, False), (403, True, False)):
        assert (b'type="password"' in views.refusal("/", status, password=password)[1]) == asked


def test_what_is_said_is_shown_and_not_run() -> None:
    _, body = views.refusal("/plan", 422, "<script>alert(1)</script>")
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in body


def test_what_makes_no_sense_is_said_on_every_screen(client: TestClient) -> None:
    answer = client.get("/refuses")
    assert answer.status_code == 422
    assert "GLOBULIN_DATA_DIR names a home that is not known here." in answer.text
