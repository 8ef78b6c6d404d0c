"""Where the app listens, who may come in there, and what the terminal says. Loads nothing heavy by itself."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import ssl
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from globulin.errors import InputError
from globulin.web.guard import Door

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
SHORTEST_PASSWORD = 12
LAST_PORT = 65535
PORTS_TRIED = 50


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the app listens, and what others than its user need. Raises InputError for what cannot be."""

    host: str = "127.0.0.1"
    port: int = 8765
    password_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= LAST_PORT:
            raise InputError(f"--port {self.port}: give 1024 to {LAST_PORT}, or 0 for any that is free")
        given = [name for name, path in self._files() if path is not None]
        if self.loopback:
            if given:
                raise InputError(
                    f"{given[0]} is for other machines; without --host only this one is served, by its token"
                )
            return
        if self.host in ("", "0.0.0.0", "::", "*"):  # noqa: S104  (these are refused)
            raise InputError(f"--host {self.host}: give the one address or name that others will use")
        if len(given) < len(self._files()):
            missing = " and ".join(name for name, path in self._files() if path is None)
            raise InputError(
                f"--host {self.host} is in reach of other machines and needs {missing} too; leave --host away"
                " to serve this machine only"
            )

    @property
    def loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return False

    def address(self, port: int) -> str:
        """Where a browser finds it, once it is known which port it is."""
        return f"{'http' if self.loopback else 'https'}://{self._name}:{port}/"

    def door(self, port: int) -> Door:
        """What lets people in."""
        names = {self._name, *LOOPBACK_NAMES} if self.loopback else {self._name}
        scheme, usual = ("http", 80) if self.loopback else ("https", 443)
        origins = {f"{scheme}://{each}:{port}" for each in names}
        if port == usual:
            # browsers leave the usual port away
            origins |= {f"{scheme}://{each}" for each in names}
        return Door(frozenset(origins), port, password=self._password())

    def check_certificate(self) -> None:
        """Raises InputError for a certificate and a key that do not serve."""
        if self.tls_cert is None or self.tls_key is None:
            return
        try:
            # an encrypted key would ask for its password on the terminal
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                self.tls_cert, self.tls_key, password=lambda: ""
            )
        except (OSError, ValueError) as problem:
            raise InputError(
                f"--tls-cert {self.tls_cert}, --tls-key {self.tls_key}: give a certificate and its key, both"
                f" in PEM, the key without a password ({problem})"
            ) from problem

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host.lower()

    def _files(self) -> tuple[tuple[str, Path | None], ...]:
        return (
            ("--password-file", self.password_file),
            ("--tls-cert", self.tls_cert),
            ("--tls-key", self.tls_key),
        )

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            text = self.password_file.read_text(encoding="utf-8").strip()
            open_to_all = os.name == "posix" and self.password_file.stat().st_mode & 0o077
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"--password-file {self.password_file}: cannot be read as text") from problem
        if open_to_all:
            raise InputError(
                f"--password-file {self.password_file}: others on this machine can read it; chmod 600 helps"
            )
        if len(text) < SHORTEST_PASSWORD:
            raise InputError(
                f"--password-file {self.password_file}: shorter than {SHORTEST_PASSWORD} characters"
            )
        return text


def run(listening: Listening, dossier: Path | None, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests that run come to their end. Says the address, once.

    Raises InputError for a port in use, an address that is not this machine's, and unusable files;
    DossierError for a dossier with faults.
    """
    listening.check_certificate()
    if dossier is not None:
        from globulin.web.opened import opened_shelf

        opened_shelf(dossier)
    with _listener(listening.host, listening.port) as listener, suppress(KeyboardInterrupt):
        port = listener.getsockname()[1]
        door = listening.door(port)
        # who comes now waits in the socket's queue; so a browser starts while the app is still being loaded
        _announce(listening.address(port), door, browser and listening.loopback, say)
        # and what computes the first page loads what it needs in the meantime
        from globulin.web.opened import prepare
        from globulin.web.work import Work

        work = Work(prepare=prepare)
        try:
            work.begin()
            from globulin.web.serving import serve

            serve(listener, door, dossier, work, listening.tls_cert, listening.tls_key)
        finally:
            work.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as problem:
        raise InputError(f"--host {host}: no such address") from problem
    try:
        return _bound(family, (str(address[0]), port))
    except OSError as problem:
        if isinstance(problem, PermissionError):
            fix = "ports below 1024 are for the administrator; leave --port away"
        elif (free := _free_port(family, str(address[0]), port)) is not None and _taken(problem):
            fix = f"in use, perhaps by another globulin serve; --port {free} is free"
        else:
            raise InputError(f"--host {host}: is no address of this machine") from problem
        raise InputError(f"--port {port}: {fix}") from problem


def _bound(family: int, address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # a port that this program left a moment ago is free; elsewhere this would share one in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _taken(problem: OSError) -> bool:
    return problem.errno in (errno.EADDRINUSE, errno.EACCES)


def _free_port(family: int, host: str, port: int) -> int | None:
    for candidate in range(port + 1, min(port + PORTS_TRIED, LAST_PORT) + 1):
        with suppress(OSError):
            _bound(family, (host, candidate)).close()
            return candidate
    return None


def _announce(address: str, door: Door, browser: bool, say: Callable[[str], None]) -> None:
    say(f"globulin is at {address}?token={door.token}\nCtrl-C stops it. Nothing is sent anywhere.")
    sys.stdout.flush()
    if browser and _has_screen():
        key = secrets.token_urlsafe(32)
        door.once.add(key)
        # some browsers keep the one who opens them waiting
        threading.Thread(target=webbrowser.open, args=(f"{address}?token={key}",), daemon=True).start()


def _has_screen() -> bool:
    """Whether a browser would open in a window of its own, and not in the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
