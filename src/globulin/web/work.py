"""Computations beside the server: in other processes, bounded in number, time and memory.

The server only talks. What takes longer than a moment runs in a few worker processes, so a slow plan never
holds up somebody who reads, and one that never ends can be stopped. What is asked twice is computed once.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import queue
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

from globulin.errors import GlobulinError

Answer = TypeVar("Answer")

_SPAWN = get_context("spawn")  # a fork of a process with threads may hold a lock that nobody frees

_START_SECONDS = 60.0


class BusyError(GlobulinError):
    """Too much is being computed already."""


class TooLongError(GlobulinError):
    """A computation did not end in its time, and was stopped."""


class WorkerLostError(GlobulinError):
    """The process that computed has ended, for want of memory perhaps."""


class Work:
    """Worker processes that compute `function(*arguments)` for the server."""

    def __init__(
        self,
        *,
        workers: int = 2,
        queued: int = 64,
        seconds: float = 30.0,
        kept_bytes: int = 32 * 2**20,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        """Nothing starts before the first computation or `warm`.

        workers: processes, at least two, so that one is always free of slow work. queued: computations that
        may wait. seconds: how long one may run. kept_bytes: the size of the answers that are kept.
        prepare: what every worker does first, such as importing what it needs; a function of a module.
        """
        if workers < 2:
            raise ValueError(f"workers: {workers}; give at least 2, so that one is always free of slow work")
        self._seconds = seconds
        self._most = queued + workers
        self._kept_bytes = kept_bytes
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="work", initializer=_deaf)
        self._slow = asyncio.Semaphore(workers - 1)
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._every = [_Worker(prepare) for _ in range(workers)]
        # the last of them comes out first
        for worker in self._every:
            self._idle.put(worker)
        self._running: dict[Hashable, asyncio.Task[Any]] = {}
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._age = 0

    async def run(
        self, function: Callable[..., Answer], *arguments: Hashable, slow: bool = False, keep: bool = True
    ) -> Answer:
        """What `function(*arguments)` gives, computed beside the server.

        The function stands in a module (no closure); arguments are hashable, and equal ones mean the same
        answer, which is computed once for all who ask at the same time and, with `keep`, kept for those who
        ask later. Arguments, answer and errors are pickled. `slow` work never takes the last worker.
        Raises what the function raises, BusyError, TooLongError or WorkerLostError.
        """
        key = (function.__module__, function.__qualname__, arguments)
        if key in self._kept:
            self._kept.move_to_end(key)
            return cast(Answer, self._kept[key][0])
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= self._most:
                raise BusyError("too much is being computed at the moment")
            task = asyncio.create_task(self._computed(key, function, arguments, slow, keep))
            self._running[key] = task
            task.add_done_callback(partial(self._done, key))
        # one who goes away takes nothing from the others who wait for the same answer
        return cast(Answer, await asyncio.shield(task))

    def begin(self) -> None:
        """Have the worker that will compute first start, without waiting for it."""
        self._threads.submit(self._every[-1].start)

    def forget(self) -> None:
        """Drop every answer that was kept, after something changed that no argument says."""
        self._age += 1
        self._kept.clear()
        self._size = 0

    async def warm(self) -> None:
        """Start the workers and have them prepared, so that the first computation need not wait."""
        loop = asyncio.get_running_loop()
        jobs = (loop.run_in_executor(self._threads, worker.start) for worker in self._every)
        await asyncio.gather(*jobs)

    def close(self) -> None:
        """Stop the workers, whatever they do, and forget every answer."""
        self.forget()
        for worker in self._every:
            worker.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            # looked at here, so that one for whom nobody waits any more is not printed with what it says
            task.exception()

    async def _computed(
        self,
        key: Hashable,
        function: Callable[..., Answer],
        arguments: tuple[Hashable, ...],
        slow: bool,
        keep: bool,
    ) -> Answer:
        age = self._age
        job = pickle.dumps((function, arguments))
        async with self._slow if slow else contextlib.nullcontext():
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._threads, partial(self._on_idle_worker, job))
        answer, error = pickle.loads(reply)  # noqa: S301  (our own worker wrote it)
        if error is not None:
            raise error
        if keep and age == self._age:
            self._keep(key, answer, len(reply))
        return cast(Answer, answer)

    def _on_idle_worker(self, job: bytes) -> bytes:
        # as many threads as workers, so one is always idle here
        worker = self._idle.get()
        try:
            return worker.compute(job, self._seconds)
        finally:
            self._idle.put(worker)

    def _keep(self, key: Hashable, answer: Any, size: int) -> None:
        if size > self._kept_bytes:
            return
        self._kept[key] = (answer, size)
        self._size += size
        while self._size > self._kept_bytes:
            _, (_, gone) = self._kept.popitem(last=False)
            self._size -= gone


class _Worker:
    """One process that computes; it starts when it is first needed, and again after it was stopped."""

    def __init__(self, prepare: Callable[[], None] | None) -> None:
        self._prepare = prepare
        self._lock = threading.Lock()
        self._closed = False
        self._process: Any = None
        self._line: Connection | None = None

    def start(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            if self._closed:
                raise WorkerLostError("the server is stopping")
            if self._process is not None and self._process.is_alive():
                return
            mine, theirs = _SPAWN.Pipe()
            self._process = _SPAWN.Process(target=_serve, args=(theirs, self._prepare), daemon=True)
            self._process.start()
            theirs.close()
            self._line = mine

    def compute(self, job: bytes, seconds: float) -> bytes:
        """The pickled answer and error of a pickled job."""
        self.start()
        line = self._line
        assert line is not None  # noqa: S101  (start made it)
        try:
            line.send_bytes(job)
            # the time of starting is not that of the computation
            for patience in (_START_SECONDS, seconds):
                if not line.poll(patience):
                    self._kill()
                    raise TooLongError(f"stopped after {patience:g} seconds")
                reply = line.recv_bytes()
            return reply
        except (EOFError, OSError) as problem:
            self._kill()
            raise WorkerLostError("the computation ended before its answer") from problem

    def stop(self) -> None:
        """End the process for good."""
        self._closed = True
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None


def _deaf() -> None:
    """Threads that start workers hold back signals; what a thread holds back, its processes do too.

    Ctrl-C goes to every process of a terminal, and the end of a service to every process of the service. The
    server alone answers it, and lets what runs end by itself.
    """
    if hasattr(signal, "pthread_sigmask"):
        # the process that multiprocessing starts beside the first worker lets signals through again
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def _serve(line: Connection, prepare: Callable[[], None] | None) -> None:
    """The life of a worker: a job, its answer, until the server hangs up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if prepare is not None:
        prepare()
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = line.recv_bytes()
            line.send_bytes(b"begun")
            line.send_bytes(_reply(job))


def _reply(job: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(job)  # noqa: S301  (our own server wrote it)
        return pickle.dumps((function(*arguments), None))
    except Exception as error:
        try:
            reply = pickle.dumps((None, error))
            pickle.loads(reply)  # noqa: S301  (what was written just now)
        except Exception:
            return pickle.dumps((None, RuntimeError(type(error).__name__)))
        return reply
