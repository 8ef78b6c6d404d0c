"""What the workers are given in tests: functions of a module, as they must be."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from globulin.errors import Fault, FaultsError, InputError


def double(number: int) -> int:
    return 2 * number


def blocked() -> tuple[str, ...]:
    """The signals that this process holds back."""
    return tuple(
        sorted(signal.Signals(number).name for number in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    )


def process() -> int:
    return os.getpid()


def counted(folder: Path, answer: str, seconds: float = 0.0) -> str:
    """Leaves a file for each time it was computed."""
    (folder / f"{answer}-{time.monotonic_ns()}-{os.getpid()}").touch()
    time.sleep(seconds)
    return answer


def waits_for(path: Path) -> str:
    limit = time.monotonic() + 30
    while not path.exists() and time.monotonic() < limit:
        time.sleep(0.005)
    return "seen"


def sleeps(_: object) -> None:
    time.sleep(60)


def never_ends(started: Path) -> None:
    started.touch()
    while True:
        pass


def refuses(words: str) -> None:
    raise InputError(words)


def finds_faults() -> None:
    raise FaultsError(
        [Fault("a.yaml", 2, 1, "dose", "is missing"), Fault("a.yaml", 1, 1, "", "is odd", "drop it")]
    )


def fails_unsaid() -> None:
    error = ValueError("holds what cannot be pickled")
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    raise error


def gives_what_cannot_be_sent() -> object:
    return threading.Lock()


def dies() -> None:
    os._exit(3)


def large(size: int, tag: str) -> bytes:
    return tag.encode() * size


READY: list[str] = []


def prepare() -> None:
    READY.append("prepared")


def readiness() -> tuple[str, ...]:
    return tuple(READY)
