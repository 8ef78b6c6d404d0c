"""The app in a test client, and on a port of its own for a browser."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, sync_playwright

from globulin.web.app import Settings, create_app
from globulin.web.guard import Door

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(autouse=True)
def _no_loop_of_the_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright's loop waits, suspended, while a browser is open; tests without one must not see it."""
    if "browser" in request.fixturenames:
        yield
        return
    suspended = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(suspended)


@pytest.fixture
def door() -> Door:
    return Door(frozenset({ORIGIN, f"http://localhost:{PORT}", f"http://[::1]:{PORT}"}), PORT)


@pytest.fixture
def app(door: Door) -> FastAPI:
    return create_app(Settings(door=door))


@pytest.fixture
def client(app: FastAPI, door: Door) -> Iterator[TestClient]:
    """A browser that was let in: right host and origin, the session's cookie."""
    with TestClient(
        app,
        base_url=ORIGIN,
        headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        cookies={door.cookie: door.session},
        follow_redirects=False,
    ) as client:
        yield client


@dataclass(frozen=True)
class Served:
    """An app that a browser can reach."""

    address: str
    """Such as http://127.0.0.1:40123, without a slash at the end."""
    door: Door
    app: FastAPI

    @property
    def opening(self) -> str:
        """The address that lets a browser in."""
        return f"{self.address}/?token={self.door.token}"


def serve(app: FastAPI, door: Door, listener: socket.socket) -> Iterator[Served]:
    """Serve an app in a thread; it ends with the generator, within seconds."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3, ws="none")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    limit = time.monotonic() + 20
    while not server.started and time.monotonic() < limit:
        time.sleep(0.02)
    assert server.started, "the app did not start"
    try:
        yield Served(f"http://127.0.0.1:{door.port}", door, app)
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listener.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The whole app on a free port of this machine, once for all tests with a browser."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    door = Door(frozenset({f"http://127.0.0.1:{port}"}), port)
    yield from serve(create_app(Settings(door=door)), door, listener)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser_page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page of a browser that was let in; fails for an error in its console, and for a foreign request."""
    context = browser.new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda asked: faults.append(asked.url) if not _own(asked.url, served) else None)
    page.goto(served.opening)
    yield page
    context.close()
    assert faults == []


def _own(url: str, served: Served) -> bool:
    return url.startswith((f"{served.address}/", "data:", "blob:", "about:"))
