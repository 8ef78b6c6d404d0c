"""The server as people start it: where it listens, what it says, and how it ends."""

from __future__ import annotations

import http.client
import logging
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from globulin.errors import InputError
from globulin.web import server, serving
from globulin.web.server import Listening, run

SECONDS = 60
PASSWORD = "correct horse battery"  # noqa: S105  (of no real door)

# the command with one more address, whose answer takes as long as it is told, and less patience
PROGRAM = """
import asyncio
import sys
from fastapi.responses import StreamingResponse
from globulin.web import app as made
from web import jobs

create_app = made.create_app

def with_slow(*arguments):
    app = create_app(*arguments)

    @app.get("/waits")
    async def waits(path: str) -> str:
        from pathlib import Path
        return await app.state.desk.work.run(jobs.waits_for, Path(path))

    @app.get("/drips")
    async def drips():
        async def drops():
            yield "a"
            await asyncio.sleep(60)
        return StreamingResponse(drops())

    return app

from globulin.web import opened, serving
from globulin.web.screens import read_work
opened.prepare = jobs.prepare
read_work.offered = jobs.sleeps
serving.create_app = with_slow
serving.GRACE_SECONDS = 2
from globulin.cli import main
if __name__ == "__main__":
    main()
"""


@dataclass
class Started:
    process: subprocess.Popen[str]
    port: int
    token: str
    line: str

    def get(self, path: str) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)) as line:
            line.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = line.getresponse()
            return answer.status, answer.read()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, error = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, error


@contextmanager
def started(tmp_path: Path, *options: str, port: int = 0) -> Iterator[Started]:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path]),
        "DISPLAY": "",
        "WAYLAND_DISPLAY": "",
    }
    command = [sys.executable, str(script), "serve", "--port", str(port), *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        assert ready, "it said nothing"
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]+)", line)
        assert found, process.communicate(timeout=SECONDS)
        yield Started(process, int(found[1]), found[2], line)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_says_where_it_is_once_and_ends_when_told(tmp_path: Path) -> None:
    with started(tmp_path, "--no-browser") as it:
        assert it.get("/nothing")[0] == 404
        assert it.get("/api/openapi.json")[0] == 200
        status, out, error = it.end()
    assert (status, error) == (0, "")
    assert it.token not in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py"]


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C in a terminal", "the end of a service"]
)
def test_a_request_in_flight_comes_to_its_end(tmp_path: Path, number: int) -> None:
    gate = tmp_path / "gate"
    answers: list[tuple[int, bytes]] = []
    with started(tmp_path) as it:
        # the workers have started, so that what is told to stop is a computation
        (tmp_path / "open").touch()
        assert it.get(f"/waits?path={tmp_path / 'open'}") == (200, b'"seen"')

        def ask() -> None:
            answers.append(it.get(f"/waits?path={gate}"))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.3)
        # terminals and service managers tell every process, the workers too
        os.killpg(it.process.pid, number)
        # nobody new is let in while the last answer is made
        refused_within(it.port)
        assert it.process.poll() is None
        gate.touch()
        asking.join(SECONDS)
        _, error = it.process.communicate(timeout=SECONDS)
        assert gone(it.process.pid), "a worker is left"
    assert answers == [(200, b'"seen"')]
    assert (it.process.returncode, error) == (0, "")


def refused_within(port: int) -> None:
    limit = time.monotonic() + 4
    while time.monotonic() < limit:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("it still listens")


@pytest.mark.parametrize(
    ("path", "begun", "last", "times"),
    [
        # nothing was answered yet: a refusal, whole
        ("/waits?path={folder}/never", b"", rb"HTTP/1\.1 503 .*Too much is being computed.*</html>\s*", 1),
        # the page was under way: it says that this is not all of it, and comes to its end
        (
            "/",
            b"</nav>",
            rb"HTTP/1\.1 200 .*globulin was stopped before the page was whole.*\r\n0\r\n\r\n",
            1,
        ),
        # what cannot be brought to an end has none, so that nobody takes it for whole
        ("/drips", b"\r\na\r\n", rb"HTTP/1\.1 200 .*\r\n1\r\na\r\n", 1),
        # by one who presses Ctrl-C again
        ("/drips", b"\r\na\r\n", rb"HTTP/1\.1 200 .*\r\n1\r\na\r\n", 3),
    ],
    ids=["before its answer", "in the middle of a page", "in the middle of a stream", "told three times"],
)
def test_a_request_that_never_ends_is_given_up_after_a_while(
    tmp_path: Path, path: str, begun: bytes, last: bytes, times: int
) -> None:
    with started(tmp_path) as it, socket.create_connection(("127.0.0.1", it.port), timeout=SECONDS) as line:
        assert it.get("/static/site.css")[0] == 200
        request = f"GET {path.format(folder=tmp_path)} HTTP/1.1\r\nHost: 127.0.0.1:{it.port}\r\n"
        line.sendall(f"{request}Authorization: Bearer {it.token}\r\n\r\n".encode())
        heard = b""
        while begun not in heard:
            heard += line.recv(65536)
        time.sleep(0.5)
        for _ in range(times - 1):
            it.process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        status, _, error = it.end(signal.SIGINT)
        while more := line.recv(65536):
            heard += more
        assert gone(it.process.pid), "a worker is left"
    assert (status, error) == (0, "")
    assert re.fullmatch(last, heard, re.DOTALL), heard[-600:]


def test_only_what_a_stop_cuts_short_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    server = uvicorn.Server(uvicorn.Config("none", log_config=None))
    logger = logging.getLogger("uvicorn.error")
    cut_short = serving._CutShort(server)
    logger.addFilter(cut_short)
    try:
        for server.should_exit in (False, True):
            logger.error("ASGI callable returned without completing response.")
            logger.error("Cancel %s running task(s), timeout graceful shutdown exceeded", 2)
            logger.error("Exception in ASGI application\n")
    finally:
        logger.removeFilter(cut_short)
    assert [record.msg.split()[0] for record in caplog.records] == [
        "ASGI",
        "Cancel",
        "Exception",
        "Exception",
    ]


def gone(group: int) -> bool:
    """Whether every process of a group has ended, within a while."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_port_in_use_is_one_line_with_one_that_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "globulin.cli", "serve", "--no-browser", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=SECONDS)
    assert (ended.returncode, ended.stdout) == (2, "")
    found = re.fullmatch(
        rf"globulin: --port {port}: in use, perhaps by another globulin serve; --port (\d+) is free\n",
        ended.stderr,
    )
    assert found, ended.stderr
    assert int(found[1]) > port


def test_a_dossier_with_faults_is_said_at_the_start(tmp_path: Path) -> None:
    dossier = tmp_path / "dossier"
    shutil.copytree(Path(__file__).parents[1] / "toy", dossier)
    (dossier / "products" / "odd.yaml").write_text("id: odd\n")
    command = [sys.executable, "-m", "globulin.cli", "serve", "--no-browser", "--port", "0"]
    ended = subprocess.run(
        [*command, "--dossier", str(dossier)], capture_output=True, text=True, cwd=tmp_path, timeout=SECONDS
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "nothing was built" in ended.stderr


# --- what others than this machine's user need -------------------------------------------------------


@pytest.mark.parametrize(
    ("listening", "words"),
    [
        ({"host": "192.0.2.7"}, "needs --password-file and --tls-cert and --tls-key too"),
        ({"host": "clinic.example", "password_file": Path("a")}, "needs --tls-cert and --tls-key too"),
        ({"host": "192.0.2.7", "tls_cert": Path("a"), "tls_key": Path("a")}, "needs --password-file too"),
        ({"host": "127.0.0.1.nip.io"}, "in reach of other machines"),
        ({"host": "0.0.0.0"}, "give the one address"),  # noqa: S104  (it is refused)
        ({"host": "::"}, "give the one address"),
        ({"host": ""}, "give the one address"),
        ({"password_file": Path("a")}, "--password-file is for other machines"),
        ({"host": "localhost", "tls_key": Path("a")}, "--tls-key is for other machines"),
        ({"port": 65536}, "--port 65536"),
        ({"port": -1}, "--port -1"),
    ],
)
def test_other_machines_need_a_password_and_tls(listening: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        Listening(**listening)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.9"])
def test_this_machine_needs_neither(host: str) -> None:
    listening = Listening(host)
    assert listening.loopback
    door = listening.door(8765)
    assert door.password is None
    assert not door.secure
    assert {"http://127.0.0.1:8765", "http://localhost:8765", "http://[::1]:8765"} <= door.origins
    assert all(origin.endswith(":8765") for origin in door.origins)


def test_the_usual_port_is_not_in_what_a_browser_says() -> None:
    assert "http://localhost" in Listening().door(80).origins


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"]
    with suppress(FileNotFoundError):
        subprocess.run(command, check=True, capture_output=True)
    if not cert.exists():
        pytest.skip("no openssl to make a certificate with")
    return cert, key


def with_password(tmp_path: Path, text: str = PASSWORD, mode: int = 0o600) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{text}\n")
    path.chmod(mode)
    return path


def test_a_password_that_is_no_secret_is_refused(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    def door(path: Path) -> None:
        Listening("192.0.2.7", 8765, path, *certificate).door(8765)

    with pytest.raises(InputError, match="shorter than 12 characters"):
        door(with_password(tmp_path, "short"))
    with pytest.raises(InputError, match="cannot be read as text"):
        door(tmp_path / "missing")
    if os.name == "posix":
        with pytest.raises(InputError, match="chmod 600"):
            door(with_password(tmp_path, mode=0o644))
    made = Listening("192.0.2.7", 8765, with_password(tmp_path), *certificate).door(8765)
    assert made.password == PASSWORD
    assert made.origins == {"https://192.0.2.7:8765"}
    assert PASSWORD not in repr(made)


def test_a_certificate_that_is_none_is_refused(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    password = with_password(tmp_path)
    Listening("192.0.2.7", 8765, password, cert, key).check_certificate()
    for wrong in ((key, key), (cert, cert), (tmp_path / "missing", key), (cert, password)):
        with pytest.raises(InputError, match="give a certificate and its key"):
            Listening("192.0.2.7", 8765, password, *wrong).check_certificate()


def test_an_address_that_is_not_of_this_machine(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    # 192.0.2.0/24 is for documents and belongs to nobody (RFC 5737)
    listening = Listening("192.0.2.7", 0, with_password(tmp_path), *certificate)
    with pytest.raises(InputError, match="is no address of this machine"):
        run(listening, None, browser=False, say=print)


def test_over_tls_a_password_lets_in(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # a name of this machine that is taken for one that others reach
    monkeypatch.setattr(Listening, "loopback", False)
    listening = Listening("localhost", 0, with_password(tmp_path), *certificate)
    said: list[str] = []
    servers: list[Any] = []
    real = serving._Server

    def server_made(config: Any) -> Any:
        servers.append(real(config))
        return servers[0]

    monkeypatch.setattr(serving, "_Server", server_made)
    # signals are the main thread's
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    running = threading.Thread(
        target=run, args=(listening, None), kwargs={"browser": True, "say": said.append}, daemon=True
    )
    running.start()
    limit = time.monotonic() + SECONDS
    while not said and time.monotonic() < limit:
        time.sleep(0.02)
    found = re.search(r"https://localhost:(\d+)/", said[0])
    assert found
    port = int(found[1])
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    trusted.check_hostname = False
    line = http.client.HTTPSConnection("localhost", port, timeout=SECONDS, context=trusted)
    line.request("GET", "/")
    answer = line.getresponse()
    assert (answer.status, b'type="password"' in answer.read()) == (401, True)
    form = {"Origin": f"https://localhost:{port}", "Content-Type": "application/x-www-form-urlencoded"}
    line.request("POST", "/door", f"password={PASSWORD.replace(' ', '+')}", form)
    answer = line.getresponse()
    answer.read()
    assert answer.status == 303
    assert answer.headers["Set-Cookie"].endswith("HttpOnly; SameSite=Strict; Secure")
    line.close()
    servers[0].should_exit = True
    running.join(SECONDS)
    assert not running.is_alive()


# --- the browser -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "wanted", "opens"),
    [
        ({"DISPLAY": ":0"}, True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ({"DISPLAY": ":0"}, False, False),
        # a browser in the terminal would take it over
        ({}, True, False),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_the_browser_opens_where_there_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool, opens: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, environment.get(name, ""))
    opened: list[str] = []
    done = threading.Event()
    monkeypatch.setattr(server.webbrowser, "open", lambda address: (opened.append(address), done.set()))
    door = Listening().door(8765)
    said: list[str] = []
    server._announce("http://127.0.0.1:8765/", door, wanted, said.append)
    assert done.wait(5 if opens else 0.05) == opens
    assert said[0].count(door.token) == 1
    if opens:
        # others on this machine can see what a browser is started with: that key works once
        key = opened[0].removeprefix("http://127.0.0.1:8765/?token=")
        assert door.once == {key}
        assert door.token not in opened[0]
    else:
        assert opened == []
