"""The command that opens the app in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from globulin.cli.options import DossierDir

_OTHERS = Group("For other machines", sort_key=1)


def serve(
    *,
    port: Annotated[int, Parameter(help="Port to listen on; 0: any that is free.")] = 8765,
    no_browser: Annotated[
        bool, Parameter(negative=(), help="Print the address and open no browser.")
    ] = False,
    host: Annotated[
        str,
        Parameter(group=_OTHERS, help="Address to listen on; other than this machine's own needs all below."),
    ] = "127.0.0.1",
    password_file: Annotated[
        Path | None, Parameter(group=_OTHERS, help="File with the password that lets people in.")
    ] = None,
    tls_cert: Annotated[Path | None, Parameter(group=_OTHERS, help="Certificate (PEM).")] = None,
    tls_key: Annotated[Path | None, Parameter(group=_OTHERS, help="Its private key (PEM).")] = None,
    dossier: DossierDir = None,
) -> None:
    """Opens the app in the browser: read, plan, compare, levels, prices. It runs on this machine only."""
    from globulin.web.server import Listening, run

    run(Listening(host, port, password_file, tls_cert, tls_key), dossier, browser=not no_browser, say=print)
