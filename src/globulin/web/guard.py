"""Who may speak with the app, from where, and how much they may say; and the headers of every answer.

A server on one's own machine is within reach of every page that the browser shows. So each request must name
this server as its host (a name that was bent to 127.0.0.1 does not), come with the key that the terminal
printed, and, where it changes anything, come from a page of this app.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 2 * 2**20
"""The longest body: many times the longest form or saved plan."""
LONGER: Mapping[str, int] = {"/prices": 8 * 2**20}
"""Where more is taken: the crosswalk of packages that comes with Medicare's prices has 2.8 MB."""
BODY_SECONDS = 20.0
"""How long a body may take to come."""

SAFE = frozenset({"GET", "HEAD"})
METHODS = SAFE | {"POST"}

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # with no-referrer a browser would send forms with the origin 'null', and there would be nothing to check
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}
"""On every answer, of whatever status."""

logger = logging.getLogger("globulin.web")


def most_bytes(path: str) -> int:
    """The longest body that is taken at an address of this app."""
    return LONGER.get(path, MOST_BYTES)


@dataclass(frozen=True, slots=True)
class Door:
    """The addresses of this server, and what opens it."""

    origins: frozenset[str]
    """Such as http://127.0.0.1:8765: scheme, host as a browser names it, port."""
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """What the terminal prints in the address, and what a program sends as `Authorization: Bearer`."""
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """What the browser's cookie holds."""
    password: str | None = field(default=None, repr=False)
    """Where others than this machine's user are let in."""

    once: set[str] = field(default_factory=set, repr=False)
    """Keys that open it one time each. Those who may list this machine's processes see what a browser is
    started with, so the token is not in it."""

    @property
    def cookie(self) -> str:
        """The cookie's name. Browsers share cookies between the ports of a host, so the port is in it."""
        return f"globulin_{self.port}"

    @property
    def secure(self) -> bool:
        """Whether it is reached by TLS."""
        return all(origin.startswith("https:") for origin in self.origins)


class Refusals(Protocol):
    """Makes the page (or, for programs, the JSON) of a refusal: content type and body."""

    def __call__(self, path: str, status: int) -> tuple[str, bytes]:
        """The answer to a request for `path`."""


class RefusedError(Exception):
    """A request that is not let through, with the status that answers it."""

    def __init__(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.headers = tuple(headers)


class Guard:
    """ASGI middleware: lets through what may come in, and answers the rest."""

    def __init__(
        self,
        app: App,
        *,
        door: Door,
        refusals: Refusals,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._door = door
        self._refusals = refusals
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What is no HTTP request, save the server's own start and end, is dropped."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = _Answer(send, scope)
        try:
            if (key := self._checked(scope)) is not None:
                await self._let_in(answer, key)
                return
            body = await self._body(scope, receive)
            # a HEAD is the GET without its body
            inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else dict(scope)
            try:
                await self._app(inner, _replay(body, receive), answer.send)
            except asyncio.CancelledError:
                # the server stops, and this took longer than it waits: one who is there still gets an answer
                raise RefusedError(503, [("retry-after", "5")]) from None
            except Exception as error:
                logger.error("%s", _without_values(error, inner))
                raise RefusedError(500) from None
        except RefusedError as refusal:
            if not answer.begun:
                kind, text = self._refusals(scope["path"], refusal.status)
                await answer.whole(refusal.status, kind, text, refusal.headers)

    def _checked(self, scope: Scope) -> str | None:
        """None for a request that may pass, or the key with which it asks to be let in."""
        headers = _headers(scope)
        origin = self._origin(headers)
        if scope["method"] not in METHODS:
            raise RefusedError(405, [("allow", ", ".join(sorted(METHODS)))])
        bearer = self._bearer(headers)
        self._same_origin(scope["method"], headers, origin, bearer=bearer)
        path: str = scope["path"]
        if path.startswith("/static/") and scope["method"] in SAFE:
            return None
        if path == "/" and scope["method"] in SAFE and b"token=" in scope["query_string"]:
            query: bytes = scope["query_string"]
            return _token(query.decode("latin-1"))
        if path == "/door" and scope["method"] == "POST" and self._door.password is not None:
            return None
        if not bearer and not self._knows(headers):
            raise RefusedError(401)
        return None

    def _origin(self, headers: Mapping[str, list[str]]) -> str:
        """The address that the request names as this server's."""
        hosts = headers.get("host", [])
        origin = f"{'https' if self._door.secure else 'http'}://{hosts[0].lower()}" if len(hosts) == 1 else ""
        if origin not in self._door.origins:
            raise RefusedError(403)
        return origin

    def _same_origin(
        self, method: str, headers: Mapping[str, list[str]], origin: str, *, bearer: bool
    ) -> None:
        """Refuse what a page of another origin started, but for a plain link to here."""
        site = headers.get("sec-fetch-site", ["same-origin"])
        if method in SAFE:
            if site not in (["same-origin"], ["none"]) and headers.get("sec-fetch-mode") != ["navigate"]:
                raise RefusedError(403)
            return
        said = headers.get("origin", [])
        # no browser adds a bearer token by itself, so a program that sends one needs no origin
        if site not in (["same-origin"], ["none"]) or (said != [origin] and not (bearer and not said)):
            raise RefusedError(403)

    def _bearer(self, headers: Mapping[str, list[str]]) -> bool:
        given = headers.get("authorization", [""])
        scheme, _, token = given[0].partition(" ")
        return len(given) == 1 and scheme.lower() == "bearer" and _same(token.strip(), self._door.token)

    def _knows(self, headers: Mapping[str, list[str]]) -> bool:
        for line in headers.get("cookie", []):
            try:
                found = SimpleCookie(line).get(self._door.cookie)
            except CookieError:
                continue
            if found is not None and _same(found.value, self._door.session):
                return True
        return False

    async def _let_in(self, answer: _Answer, key: str) -> None:
        if key in self._door.once:
            self._door.once.discard(key)
        elif not _same(key, self._door.token):
            raise RefusedError(401)
        headers = [("location", "/"), ("set-cookie", session_cookie(self._door))]
        await answer.whole(303, "text/plain; charset=utf-8", b"", headers)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, which is small enough to be held."""
        most = most_bytes(scope["path"])
        lengths = _headers(scope).get("content-length", [])
        if lengths and (not lengths[0].isdecimal() or int(lengths[0]) > most):
            raise RefusedError(413, [("connection", "close")])
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise RefusedError(400)
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > most:
                        raise RefusedError(413, [("connection", "close")])
        except TimeoutError:
            raise RefusedError(408, [("connection", "close")]) from None
        return bytes(body)


class _Answer:
    """Sends an answer with the headers that every answer has."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self._bare = scope["method"] == "HEAD"
        # a file of the app itself is asked for again each time, and sent again only where it changed
        static = scope["path"].startswith("/static/")
        self._own = {**HEADERS, "cache-control": "no-cache" if static else "no-store"}
        self.begun = False

    async def send(self, message: Message) -> None:
        """Pass a message of the app on."""
        if message["type"] == "http.response.start":
            self.begun = True
            names = {name.encode() for name in self._own}
            others = [pair for pair in message.get("headers", []) if pair[0].lower() not in names]
            own = [(name.encode(), text.encode()) for name, text in self._own.items()]
            message = {**message, "headers": [*others, *own]}
        elif message["type"] == "http.response.body" and self._bare:
            message = {**message, "body": b""}
        await self._send(message)

    async def whole(
        self, status: int, kind: str, body: bytes, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Send a whole answer."""
        said = [("content-type", kind), ("content-length", str(len(body))), *headers]
        pairs = [(name.encode(), text.encode()) for name, text in said]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": body})


def session_cookie(door: Door) -> str:
    """The header that gives a browser its session; it ends with the browser's."""
    return (
        f"{door.cookie}={door.session}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if door.secure else ''}"
    )


def _token(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=8).get("token", [""])[0]
    except ValueError:
        return ""


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), kept.encode())


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, text in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(text.decode("latin-1"))
    return found


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def _without_values(error: Exception, scope: Scope) -> str:
    """What went wrong and where, without a word that was typed: messages and addresses may hold some."""
    route = getattr(scope.get("route"), "path", "an unknown route")
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "globulin" in frame.filename] or frames
    place = f"{ours[-1].filename}:{ours[-1].lineno}" if ours else "an unknown place"
    return f"{type(error).__name__} at {place} in {scope['method']} {route}"
