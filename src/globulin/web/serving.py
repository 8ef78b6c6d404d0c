"""Runs the app on a socket until it is told to stop."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import uvicorn

from globulin.web.app import Settings, create_app
from globulin.web.guard import Door

GRACE_SECONDS = 5
"""How long requests that run may take to end after a stop was asked for."""
MOST_CONNECTIONS = 256


def serve(
    listener: socket.socket, door: Door, dossier: Path | None, tls_cert: Path | None, tls_key: Path | None
) -> None:
    """Serve until SIGINT or SIGTERM, which are no failure. To be called by the main thread."""
    config = uvicorn.Config(
        create_app(Settings(door=door, dossier=dossier, warm=True)),
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
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn puts its own handlers in place of these, and raises the signal again once it has ended
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run([listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
