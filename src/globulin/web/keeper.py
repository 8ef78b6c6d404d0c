"""The store of named patients as the server holds it: locked, or unlocked while somebody uses the app.

All work on it runs in one thread of its own, so that neither the key, whose making is slow on purpose, nor a
disk holds up somebody else; the workers that compute never see it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from globulin import patient_store
from globulin.errors import GlobulinError
from globulin.patient_store import PatientStore
from globulin.sealed import files
from globulin.sealed.databases import FileLostError

Answer = TypeVar("Answer")
State = Literal["not_installed", "none", "locked", "unlocked"]

MINUTES = 15.0
"""How long it stays unlocked while nobody uses the app."""
_LOOK_SECONDS = 30.0


def _nothing() -> None:
    pass


class LockedError(GlobulinError):
    """The store is locked, by now perhaps."""


class Keeper:
    """Unlocks, asks and locks the store. Nothing is loaded or opened before the first call."""

    def __init__(
        self,
        *,
        path: Callable[[], Path] = patient_store.store_path,
        minutes: float = MINUTES,
        brake: float = 1.0,
        clocks: tuple[Callable[[], float], ...] = (time.monotonic, time.time),
    ) -> None:
        """minutes: how long it stays unlocked without use. brake: seconds that each passphrase takes more.

        clocks: whichever says that more time went by counts; one stands still while a machine sleeps, the
        other may be set.
        """
        self._path = path
        self._seconds = minutes * 60.0
        self._brake = brake
        self._clocks = clocks
        self._used = self._now()
        self.when_locked: Callable[[], None] = _nothing
        """Called whenever it is locked, in the thread of the event loop."""
        self._store: PatientStore | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="patients")
        self._one_try = asyncio.Lock()
        self._looking: asyncio.TimerHandle | None = None

    @property
    def path(self) -> Path:
        """Where the file is, or would be. Raises InputError where no place is named."""
        return self._path()

    async def state(self) -> State:
        """What can be done with it now. Raises InputError where its folder cannot be read."""
        self._lock_if_idle()
        return await self._run(self._state)

    def used(self) -> None:
        """Somebody uses the app, which puts the lock off."""
        self._lock_if_idle()
        self._used = self._now()

    async def create(self, passphrase: str) -> None:
        """Make the file, unlocked. Raises InputError as `PatientStore.create`."""
        await self._open(partial(PatientStore.create, self.path, passphrase))

    async def unlock(self, passphrase: str) -> None:
        """Unlock the file; one try a second. Raises InputError as `PatientStore.unlock`."""
        await self._open(partial(PatientStore.unlock, self.path, passphrase))

    async def change_passphrase(self, current: str, new: str) -> None:
        """Raises LockedError, and InputError as `PatientStore.change_passphrase`; one try a second."""
        async with self._one_try:
            await asyncio.sleep(self._brake)
            await self.ask(lambda store: store.change_passphrase(current, new))

    async def ask(self, operation: Callable[[PatientStore], Answer]) -> Answer:
        """What an operation on the unlocked store gives. Raises LockedError, and what it raises itself."""
        self._lock_if_idle()
        try:
            return await self._run(lambda: operation(self._unlocked()))
        except FileLostError:
            self._lock()
            raise

    async def lock(self) -> None:
        """Lock it, when what runs has ended."""
        await self._run(self._forget)
        self.when_locked()

    def close(self) -> None:
        """Lock it for good; waits for what runs."""
        self._lock()
        self._thread.shutdown(wait=True)

    def _state(self) -> State:
        if not files.installed():
            return "not_installed"
        if self._store is not None:
            return "unlocked"
        return "locked" if files.is_there(self.path) else "none"

    def _unlocked(self) -> PatientStore:
        if self._store is None:
            raise LockedError("the store is locked")
        return self._store

    async def _open(self, opening: Callable[[], PatientStore]) -> None:
        def opened() -> None:
            store = opening()
            self._forget()
            self._store = store

        async with self._one_try:
            await asyncio.sleep(self._brake)
            await self._run(opened)
        self._used = self._now()
        self._look_later()

    async def _run(self, operation: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, operation)

    def _now(self) -> tuple[float, ...]:
        return tuple(clock() for clock in self._clocks)

    def _lock_if_idle(self) -> None:
        idle = max(now - then for now, then in zip(self._now(), self._used, strict=True))
        if idle >= self._seconds:
            self._lock()

    def _look_later(self) -> None:
        """Lock by itself too, and not only when somebody comes."""
        if self._looking is not None:
            self._looking.cancel()
        wait = min(_LOOK_SECONDS, self._seconds)
        self._looking = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        self._looking = None
        self._lock_if_idle()
        if self._store is not None:
            self._look_later()

    def _lock(self) -> None:
        """Lock before whatever is asked next."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        with suppress(RuntimeError):
            # after `close` nothing is open
            self._thread.submit(self._forget)
        self.when_locked()

    def _forget(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.lock()
