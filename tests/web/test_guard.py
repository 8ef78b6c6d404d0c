"""Attacks on the door: each is refused, and every answer carries the headers that bind a browser."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.web.app import Settings, create_app
from globulin.web.guard import HEADERS, Door, Guard
from web import sample
from web.conftest import ORIGIN, PORT

PASSWORD = "correct horse battery"  # noqa: S105  (of no real door)


@pytest.fixture
def app(door: Door) -> FastAPI:
    app = create_app(Settings(door=door))
    app.include_router(sample.router)
    return app


@dataclass
class Heard:
    """What an app answered to one request."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    """How many headers there were; as many as names, where each was said once."""
    body: bytes = b""


def ask(
    app: Any,
    method: str = "GET",
    path: str = "/sample",
    *,
    headers: Iterator[tuple[str, str]] | Any = (),
    query: str = "",
    chunks: tuple[bytes, ...] = (b"",),
    kind: str = "http",
) -> Heard:
    """One request in bytes that no well-behaved client would send."""
    heard = Heard()
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            heard.status = message["status"]
            heard.headers = {name.decode().lower(): text.decode() for name, text in message["headers"]}
            heard.lines = len(message["headers"])
        elif message["type"] == "http.response.body":
            heard.body += message.get("body", b"")

    scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", PORT),
    }
    asyncio.run(app(scope, receive, send))
    return heard


def in_short(path: str, status: int) -> tuple[str, bytes]:
    return "text/plain", f"{status} {path}".encode()


def let_in(door: Door, **more: str) -> list[tuple[str, str]]:
    said = {
        "host": f"127.0.0.1:{PORT}",
        "cookie": f"{door.cookie}={door.session}",
        "origin": ORIGIN,
        "sec-fetch-site": "same-origin",
        **{name.replace("_", "-"): text for name, text in more.items()},
    }
    return [(name, text) for name, text in said.items() if text]


# --- the host ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"]
)
def test_its_own_names_are_let_through(app: FastAPI, door: Door, host: str) -> None:
    assert ask(app, headers=let_in(door, host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        # names that their owners point at this machine
        f"127.0.0.1.nip.io:{PORT}",
        f"localhost.evil.example:{PORT}",
        f"127.0.0.1:{PORT}.evil.example",
        # the same machine in another spelling, which the check of a browser for one origin does not unite
        f"127.1:{PORT}",
        f"2130706433:{PORT}",
        f"0.0.0.0:{PORT}",
        f"127.0.0.1.:{PORT}",
        # other ports, or none
        "127.0.0.1",
        "localhost",
        f"127.0.0.1:{PORT + 1}",
        "127.0.0.1:80",
        # tricks of spelling
        f"user@127.0.0.1:{PORT}",
        f"127.0.0.1:{PORT}@evil.example",
        f"127.0.0.1:{PORT}/evil",
        f" 127.0.0.1:{PORT}",
        f"127.0.0.1:0{PORT}",
        "*",
    ],
)
def test_a_foreign_host_is_refused(app: FastAPI, door: Door, host: str) -> None:
    heard = ask(app, headers=let_in(door, host=host))
    assert heard.status == 403
    assert door.token.encode() not in heard.body
    # neither is the key taken under such a name
    query = f"token={door.token}"
    assert ask(app, path="/", query=query, headers=[("host", host)]).status == 403


def test_no_host_and_two_hosts_are_refused(app: FastAPI, door: Door) -> None:
    assert ask(app, headers=let_in(door, host="")).status == 403
    assert ask(app, headers=[*let_in(door), ("host", f"127.0.0.1:{PORT}")]).status == 403
    assert ask(app, headers=[*let_in(door), ("Host", "evil.example")]).status == 403


def test_what_a_proxy_would_say_changes_nothing(app: FastAPI, door: Door) -> None:
    forwarded = let_in(door, host="evil.example", x_forwarded_host=f"127.0.0.1:{PORT}")
    assert ask(app, headers=forwarded).status == 403


# --- where a request comes from ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"sec_fetch_site": "cross-site", "origin": "https://evil.example"},
        # another port of this machine is the same site, not the same origin
        {"sec_fetch_site": "same-site", "origin": f"http://127.0.0.1:{PORT + 1}"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "none", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": ""},
        {"sec_fetch_site": "same-origin", "origin": ""},
        {"sec_fetch_site": "none", "origin": ""},
        {"origin": "null"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"origin": "http://127.0.0.1"},
        # its own names are origins that differ
        {"origin": f"http://localhost:{PORT}"},
        {"origin": f"{ORIGIN}.evil.example"},
        {"origin": f"{ORIGIN}, https://evil.example"},
        {"sec_fetch_site": "same-origin, cross-site"},
    ],
)
def test_a_post_that_another_page_starts_is_refused(app: FastAPI, door: Door, said: dict[str, str]) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    heard = ask(app, "POST", headers=let_in(door, **form, **said), chunks=(b"weight_kg=62&route=iv",))
    assert heard.status == 403
    assert len(app.state.desk.drafts) == 0


@pytest.mark.parametrize("site", ["same-origin", "none", ""])
def test_a_post_of_its_own_page_is_let_through(app: FastAPI, door: Door, site: str) -> None:
    headers = let_in(door, content_type="application/x-www-form-urlencoded", sec_fetch_site=site)
    assert ask(app, "POST", headers=headers, chunks=(b"weight_kg=62&", b"route=iv")).status == 303


def test_two_origins_are_refused(app: FastAPI, door: Door) -> None:
    assert ask(app, "POST", headers=[*let_in(door), ("origin", "https://evil.example")]).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_may_link_here_but_not_load_from_here(app: FastAPI, door: Door, site: str) -> None:
    link = let_in(door, sec_fetch_site=site, sec_fetch_mode="navigate", origin="")
    assert ask(app, headers=link).status == 200
    for mode in ("no-cors", "cors", "websocket", ""):
        loaded = let_in(door, sec_fetch_site=site, sec_fetch_mode=mode, origin="")
        assert ask(app, headers=loaded).status == 403
        assert ask(app, path="/static/app.css", headers=loaded).status == 403


# --- the key and the cookie --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "{name}=",
        "{name}=stale",
        "{name}={session}x",
        "{name}={token}",
        "globulin_1={session}",
        "globulin={session}",
        "other={session}",
        "{name}={session}\x00",
        '{name}="; {name}',
        "=;=;;",
    ],
)
def test_a_missing_stale_or_foreign_cookie_is_refused(app: FastAPI, door: Door, cookie: str) -> None:
    said = cookie.format(name=door.cookie, session=door.session, token=door.token)
    for path in ("/", "/sample", "/plan/0123", "/api/openapi.json", "/door", "/nothing", "/static"):
        heard = ask(app, path=path, headers=let_in(door, cookie=said))
        assert heard.status == 401, path
        assert door.token.encode() not in heard.body


def test_the_cookie_of_another_run_on_the_same_port_is_refused(app: FastAPI, door: Door) -> None:
    before = Door(door.origins, door.port)
    assert ask(app, headers=let_in(door, cookie=f"{before.cookie}={before.session}")).status == 401


def test_each_run_has_keys_of_its_own() -> None:
    doors = [Door(frozenset({ORIGIN}), PORT) for _ in range(50)]
    assert len({key for door in doors for key in (door.token, door.session)}) == 100
    # 256 bits in each, in letters that an address may hold
    assert all(len(key) == 43 for door in doors for key in (door.token, door.session))
    assert all(door.token not in repr(door) and door.session not in repr(door) for door in doors)


def test_the_key_gives_a_cookie_that_scripts_and_other_sites_do_not_get(app: FastAPI, door: Door) -> None:
    heard = ask(app, path="/", query=f"token={door.token}", headers=[("host", f"127.0.0.1:{PORT}")])
    assert (heard.status, heard.headers["location"]) == (303, "/")
    name, *rest = heard.headers["set-cookie"].split("; ")
    assert name == f"{door.cookie}={door.session}"
    assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert door.token not in str(heard.headers)


def test_over_tls_the_cookie_is_secure() -> None:
    door = Door(frozenset({f"https://clinic.example:{PORT}"}), PORT)
    app = create_app(Settings(door=door))
    heard = ask(app, path="/", query=f"token={door.token}", headers=[("host", f"clinic.example:{PORT}")])
    assert heard.headers["set-cookie"].endswith("; SameSite=Strict; Secure")


@pytest.mark.parametrize(
    "query",
    [
        "token=",
        "token=stale",
        "token={token}x",
        "token={token}%00",
        "token=%FF",
        "xtoken={token}",
        "a=1&token=1" + "&a=1" * 20,
    ],
)
def test_a_stale_key_is_refused(app: FastAPI, door: Door, query: str) -> None:
    heard = ask(app, path="/", query=query.format(token=door.token), headers=[("host", f"127.0.0.1:{PORT}")])
    assert heard.status == 401
    assert "set-cookie" not in heard.headers
    assert b"globulin serve" in heard.body


def test_the_key_opens_at_the_door_only(app: FastAPI, door: Door) -> None:
    host = [("host", f"127.0.0.1:{PORT}")]
    for path in ("/sample", "/api/openapi.json", "//", "/door"):
        assert ask(app, path=path, query=f"token={door.token}", headers=host).status == 401


def test_the_key_that_a_browser_is_started_with_works_once(app: FastAPI, door: Door) -> None:
    door.once.add("opened")
    statuses = [
        ask(app, path="/", query="token=opened", headers=[("host", f"127.0.0.1:{PORT}")]).status
        for _ in range(2)
    ]
    assert statuses == [303, 401]


def test_a_program_is_let_in_by_its_header(app: FastAPI, door: Door) -> None:
    host = ("host", f"127.0.0.1:{PORT}")
    path = "/api/openapi.json"
    for scheme in ("Bearer", "bearer"):
        assert ask(app, path=path, headers=[host, ("authorization", f"{scheme} {door.token}")]).status == 200
    for wrong in (f"Bearer {door.session}", "Bearer ", "Bearer", f"Basic {door.token}", door.token):
        assert ask(app, path=path, headers=[host, ("authorization", wrong)]).status == 401
    twice = [("authorization", f"Bearer {door.token}"), ("authorization", "Bearer stale")]
    assert ask(app, path=path, headers=[host, *twice]).status == 401


def test_a_program_needs_no_origin_and_a_page_cannot_pose_as_one(app: FastAPI, door: Door) -> None:
    form = ("content-type", "application/x-www-form-urlencoded")
    said = [("host", f"127.0.0.1:{PORT}"), ("authorization", f"Bearer {door.token}"), form]
    assert ask(app, "POST", headers=said, chunks=(b"weight_kg=62",)).status == 303
    foreign = [*said, ("origin", "https://evil.example")]
    assert ask(app, "POST", headers=foreign, chunks=(b"weight_kg=62",)).status == 403
    assert ask(app, "POST", headers=[*said, ("sec-fetch-site", "cross-site")]).status == 403


# --- a password, where other machines may come in ----------------------------------------------------


def test_a_password_lets_in_and_a_wrong_one_does_not(door: Door) -> None:
    door = replace(door, password=PASSWORD)
    app = create_app(Settings(door=door))
    form = let_in(door, cookie="", content_type="application/x-www-form-urlencoded")
    page = ask(app, path="/", headers=let_in(door, cookie=""))
    assert page.status == 401
    assert b'action="/door"' in page.body
    wrong = ask(app, "POST", "/door", headers=form, chunks=(b"password=guess",))
    assert (wrong.status, "set-cookie" in wrong.headers) == (401, False)
    right = ask(app, "POST", "/door", headers=form, chunks=(b"password=" + PASSWORD.encode(),))
    assert right.status == 303
    assert f"{door.cookie}={door.session}; Path=/; HttpOnly; SameSite=Strict" in right.headers["set-cookie"]


def test_without_a_password_there_is_no_such_door(app: FastAPI, door: Door) -> None:
    assert ask(app, "POST", "/door", headers=let_in(door, cookie="")).status == 401
    assert ask(app, "POST", "/door", headers=let_in(door)).status == 404


# --- files of the app --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/../../errors.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/....//app.py",
        "/static/..\\app.py",
        "/static//etc/passwd",
        "/static//app.css/../../app.py",
        "/static/\x00",
        "/static/app.css\x00.js",
        "/static/" + "a/" * 500,
        "/static/" + "a" * 5000,
        "/static/.",
        "/static/",
        "/static/templates/base.html",
    ],
)
def test_no_path_leads_out_of_the_static_files(app: FastAPI, door: Door, path: str) -> None:
    heard = ask(app, path=path, headers=let_in(door))
    assert heard.status == 404
    assert b"import" not in heard.body


def test_static_files_need_no_cookie_and_say_what_they_are(app: FastAPI, door: Door) -> None:
    kinds = {"app.css": "text/css; charset=utf-8", "SourceSans3VF-Upright.woff2": "font/woff2"}
    for name, kind in kinds.items():
        heard = ask(app, path=f"/static/{name}", headers=let_in(door, cookie=""))
        assert (heard.status, heard.headers["content-type"]) == (200, kind)
        assert heard.headers["cache-control"] == "no-cache"
        known = let_in(door, cookie="", if_none_match=heard.headers["etag"])
        assert ask(app, path=f"/static/{name}", headers=known).status == 304


# --- how much may be said ----------------------------------------------------------------------------


MEGABYTE = 2**20
CHUNK = b"x" * 65536

MOST = {
    "/sample": 2,
    "/plan": 2,
    "/plan/open": 2,
    "/api/plan": 2,
    "/nothing": 2,
    # where the files of prices arrive, and there alone, however an address is written
    "/prices": 8,
    "/prices/": 2,
    "/prices/remove": 2,
    "/prices/list/prices": 2,
    "//prices": 2,
    "/PRICES": 2,
    "/static/../prices": 2,
    "/sample/prices": 2,
}
"""The megabytes that are taken at each address."""


@pytest.mark.parametrize("length", ["99999999999999999999", "-1", "1e3", "two", "+5", ""])
def test_a_length_that_is_none_is_refused(app: FastAPI, door: Door, length: str) -> None:
    headers = [*let_in(door), ("content-length", length)]
    for path in ("/sample", "/prices"):
        heard = ask(app, "POST", path, headers=headers, chunks=(b"",))
        assert heard.status == 413
        assert heard.headers["connection"] == "close"


@pytest.fixture
def reached(door: Door) -> Guard:
    """A guard before an app that says what it was given."""

    async def counts(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(len(body)).encode()})

    return Guard(counts, door=door, refusals=in_short)


@pytest.mark.parametrize("path", MOST)
def test_a_body_may_have_what_its_address_takes_and_no_more(reached: Guard, door: Door, path: str) -> None:
    most = MOST[path] * MEGABYTE
    whole = (CHUNK,) * (most // len(CHUNK))
    for headers in (let_in(door), let_in(door, content_length=str(most))):
        heard = ask(reached, "POST", path, headers=headers, chunks=whole)
        assert (heard.status, heard.body) == (200, str(most).encode())
    # by its length, before any of it is read; without a length, or with one that lies, once it is too long
    for headers, chunks in (
        (let_in(door, content_length=str(most + 1)), ()),
        (let_in(door), (*whole, b"x")),
        (let_in(door, content_length="3"), (*whole, b"x")),
        (let_in(door, transfer_encoding="chunked"), (*whole, CHUNK, CHUNK)),
    ):
        heard = ask(reached, "POST", path, headers=headers, chunks=chunks)
        assert (heard.status, heard.headers["connection"]) == (413, "close")


@pytest.mark.parametrize(("path", "megabytes"), [("/sample", 2), ("/prices", 8), ("/api/plan", 2)])
def test_the_refusal_says_how_much_is_taken(app: FastAPI, door: Door, path: str, megabytes: int) -> None:
    heard = ask(app, "POST", path, headers=let_in(door, content_length="99999999"))
    assert f"The most that is taken here is {megabytes} MB." in heard.body.decode()


def test_a_body_from_one_who_was_not_let_in_is_not_read(app: FastAPI, door: Door) -> None:
    heard = ask(app, "POST", headers=let_in(door, cookie="", content_length="99999999"))
    assert heard.status == 401


def test_a_body_that_never_ends_is_given_up(door: Door) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the app was asked")

    async def slow() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    said: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        said.append(message)

    guard = Guard(never, door=door, refusals=in_short, body_seconds=0.1)
    headers = [(name.encode(), text.encode()) for name, text in let_in(door)]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    asyncio.run(guard(scope, slow, send))
    assert said[0]["status"] == 408


# --- methods -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", ""]
)
def test_other_methods_are_refused_everywhere(app: FastAPI, door: Door, method: str) -> None:
    for path in ("/sample", "/static/app.css", "/nothing", "/api/openapi.json"):
        heard = ask(app, method, path, headers=let_in(door))
        assert heard.status == 405
        assert heard.headers["allow"] == "GET, HEAD, POST"
        assert not any(name.startswith("access-control") for name in heard.headers)


def test_a_method_that_a_page_does_not_take_is_refused(app: FastAPI, door: Door) -> None:
    assert ask(app, "POST", "/static/app.css", headers=let_in(door)).status == 405
    assert ask(app, "POST", "/sample/0123", headers=let_in(door)).status == 405


@pytest.mark.parametrize("path", ["/sample", "/static/app.css", "/nothing"])
def test_head_is_get_without_its_body(app: FastAPI, door: Door, path: str) -> None:
    get, head = (ask(app, method, path, headers=let_in(door)) for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers == get.headers


def test_no_websocket_is_spoken(app: FastAPI, door: Door) -> None:
    heard = ask(app, path="/sample", headers=let_in(door), kind="websocket")
    assert heard.status == 0


# --- every answer ------------------------------------------------------------------------------------

EVERY: dict[str, Callable[[FastAPI, Door], Heard]] = {
    "page": lambda app, door: ask(app, headers=let_in(door)),
    "redirect": lambda app, door: ask(
        app,
        "POST",
        headers=let_in(door, content_type="application/x-www-form-urlencoded"),
        chunks=(b"note=a",),
    ),
    "key": lambda app, door: ask(
        app, path="/", query=f"token={door.token}", headers=[("host", f"127.0.0.1:{PORT}")]
    ),
    "401": lambda app, door: ask(app, headers=let_in(door, cookie="")),
    "403": lambda app, door: ask(app, headers=let_in(door, host="evil.example")),
    "404": lambda app, door: ask(app, path="/nothing", headers=let_in(door)),
    "405": lambda app, door: ask(app, "PUT", headers=let_in(door)),
    "413": lambda app, door: ask(app, "POST", headers=let_in(door, content_length="99999999")),
    "422": lambda app, door: ask(
        app,
        "POST",
        headers=let_in(door, content_type="application/x-www-form-urlencoded"),
        chunks=(b"odd=1",),
    ),
    "500": lambda app, door: ask(app, path="/fails", headers=let_in(door)),
    "static": lambda app, door: ask(app, path="/static/app.css", headers=let_in(door)),
    "static 404": lambda app, door: ask(app, path="/static/nothing.css", headers=let_in(door)),
    "api": lambda app, door: ask(app, path="/api/openapi.json", headers=let_in(door)),
    "api 401": lambda app, door: ask(app, path="/api/openapi.json", headers=let_in(door, cookie="")),
}


@pytest.mark.parametrize("kind", EVERY)
def test_every_answer_has_the_headers(app: FastAPI, door: Door, kind: str) -> None:
    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("no such thing")

    heard = EVERY[kind](app, door)
    if kind[:3].isdecimal():
        assert heard.status == int(kind)
    for name, text in HEADERS.items():
        assert heard.headers[name] == text
    static = kind.startswith("static")
    assert heard.headers["cache-control"] == ("no-cache" if static else "no-store")
    assert not {"server", "x-powered-by", "access-control-allow-origin"} & set(heard.headers)


def test_the_policy_lets_nothing_run_that_is_not_the_apps_own() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    for kind in ("script-src", "style-src", "font-src", "connect-src", "form-action"):
        assert policy[kind] == "'self'"
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_the_app_cannot_take_a_header_back(door: Door) -> None:
    app = create_app(Settings(door=door))

    @app.get("/loose")
    async def loose(request: Request) -> Any:
        from fastapi.responses import Response

        return Response("a", headers={"Content-Security-Policy": "default-src *", "Cache-Control": "public"})

    heard = ask(app, path="/loose", headers=let_in(door))
    assert heard.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert heard.headers["cache-control"] == "no-store"
    # two policies would both hold, two of the others mean what a browser likes
    assert heard.lines == len(heard.headers)


@pytest.mark.parametrize(
    "draft", ["a\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:%20a=b", "//evil.example", "\x85"]
)
def test_no_header_comes_out_of_a_path(app: FastAPI, door: Door, draft: str) -> None:
    for path in (f"/sample/{draft}", f"/{draft}", f"/sample/{draft}/"):
        heard = ask(app, path=path, headers=let_in(door))
        assert heard.status == 404
        assert not {"set-cookie", "location"} & set(heard.headers)


def test_no_path_leads_to_another_site(app: FastAPI, door: Door) -> None:
    for path in ("//evil.example/", "//evil.example//", "/\\evil.example", "/sample/", "/sample//"):
        heard = ask(app, path=path, headers=let_in(door))
        assert (heard.status, heard.headers.get("location")) == (404, None)


# --- what is written down ----------------------------------------------------------------------------


def test_a_fault_is_logged_without_a_word_that_was_typed(
    app: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/fails/{draft}")
    async def fails(draft: str, weight: str) -> None:
        raise ValueError(f"weight_kg: {weight} for {draft}")

    caplog.set_level(logging.DEBUG, "globulin")
    response = client.get("/fails/secret-draft?weight=61.37")
    assert response.status_code == 500
    assert "61.37" not in response.text
    said = [record for record in caplog.records if record.name == "globulin.web"]
    assert len(said) == 1
    assert said[0].exc_info is None
    assert "ValueError at " in said[0].getMessage()
    assert "GET /fails/{draft}" in said[0].getMessage()
    for secret in ("61.37", "secret-draft"):
        assert secret not in caplog.text


def test_nothing_is_reported_whatever_the_environment_asks(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    app = create_app(Settings(door=door))
    assert ask(app, path="/nothing", headers=let_in(door)).status == 404


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["host", "cookie", "origin", "sec-fetch-site", "authorization", "content-length"]
            ),
            st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
        ),
        max_size=6,
    ),
    st.sampled_from(["GET", "HEAD", "POST", "PUT"]),
    st.text(max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_no_headers_but_the_right_ones_let_in(headers: list[tuple[str, str]], method: str, path: str) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the app was asked")

    door = Door(frozenset({ORIGIN}), PORT)
    guard = Guard(never, door=door, refusals=in_short)
    heard = ask(guard, method, f"/{path}", headers=[("host", f"127.0.0.1:{PORT}"), *headers])
    assert heard.status in (401, 403, 405)
