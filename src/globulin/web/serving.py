"""Runs the app on a socket until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
from pathlib import Path
from types import FrameType

import uvicorn

from globulin.web.app import Settings, create_app
from globulin.web.guard import Door
from globulin.web.work import Work

GRACE_SECONDS = 5
"""How long requests that run may take to end after a stop was asked for."""
MOST_CONNECTIONS = 256


def serve(
    listener: socket.socket,
    door: Door,
    dossier: Path | None,
    work: Work,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Serve until SIGINT or SIGTERM, which are no failure. To be called by the main thread."""
    config = uvicorn.Config(
        create_app(Settings(door=door, dossier=dossier, warm=True), work),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # nobody stands between, so nobody says whom a request really comes from
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    server = _Server(config)
    cut_short = _CutShort(server)
    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(cut_short)
    # uvicorn handles them only from its start to its end
    handled = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, server.handle_exit) for number in handled}
    try:
        server.run([listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        logger.removeFilter(cut_short)


class _Server(uvicorn.Server):
    """Stops in one way, however often it is told to; last comes the app's own end, which stops the workers.

    uvicorn's own skips that when Ctrl-C is pressed again, and prints what became of it.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.should_exit = True


class _CutShort(logging.Filter):
    """Holds back that a stop cut requests short, which had their time; nothing that is a fault."""

    _SAID = (
        "Cancel %s running task(s), timeout graceful shutdown exceeded",
        "ASGI callable returned without completing response.",
    )

    def __init__(self, server: uvicorn.Server) -> None:
        super().__init__()
        self._server = server

    def filter(self, record: logging.LogRecord) -> bool:
        return not (self._server.should_exit and record.msg in self._SAID)
