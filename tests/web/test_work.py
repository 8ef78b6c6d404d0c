"""Computations beside the server: shared, bounded, stopped in time, and never in the way of others."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from globulin.errors import FaultsError, InputError
from globulin.web.app import Settings, create_app
from globulin.web.guard import Door
from globulin.web.work import BusyError, TooLongError, Work, WorkerLostError
from web import jobs, sample
from web.conftest import ORIGIN

T = TypeVar("T")


@contextmanager
def working(**more: Any) -> Iterator[Work]:
    work = Work(**more)
    try:
        yield work
    finally:
        work.close()


@pytest.fixture(scope="module")
def work() -> Iterator[Work]:
    """Workers that the tests share which leave them as they are; no answer is kept from test to test."""
    with working(seconds=20) as work:
        yield work


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


def run(main: Awaitable[T]) -> T:
    async def whole() -> T:
        async with asyncio.timeout(60):
            return await main

    return asyncio.run(whole())


def test_it_computes_in_another_process(work: Work) -> None:
    assert run(work.run(jobs.double, 21)) == 42
    assert run(work.run(jobs.process)) != os.getpid()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are held back on POSIX systems")
def test_no_signal_reaches_a_worker_while_it_starts() -> None:
    async def ask(work: Work) -> set[tuple[str, ...]]:
        await work.warm()
        return {await work.run(jobs.blocked, keep=False) for _ in range(4)}

    with working() as work:
        assert run(ask(work)) == {("SIGINT", "SIGTERM")}


def test_one_worker_is_too_few() -> None:
    with pytest.raises(ValueError, match="workers: 1"):
        Work(workers=1)


def test_what_many_ask_at_once_is_computed_once(work: Work, tmp_path: Path) -> None:
    async def ask() -> list[str]:
        asked = (work.run(jobs.counted, tmp_path, name, 0.2) for name in "aabaabaaba")
        return await asyncio.gather(*asked)

    assert run(ask()) == list("aabaabaaba")
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_answer_is_kept_until_it_is_forgotten(work: Work, tmp_path: Path) -> None:
    async def ask() -> list[int]:
        counts = []
        for forget in (False, False, True):
            if forget:
                work.forget()
            await work.run(jobs.counted, tmp_path, "kept")
            counts.append(len(list(tmp_path.iterdir())))
        return counts

    assert run(ask()) == [1, 1, 2]


def test_an_answer_from_before_a_change_is_not_kept(work: Work, tmp_path: Path) -> None:
    async def ask() -> None:
        first = asyncio.create_task(work.run(jobs.counted, tmp_path, "old", 0.2))
        await until(lambda: any(tmp_path.iterdir()))
        work.forget()
        await first
        await work.run(jobs.counted, tmp_path, "old", 0.2)

    run(ask())
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_not_to_be_kept_is_computed_again(work: Work, tmp_path: Path) -> None:
    async def ask() -> None:
        for _ in range(2):
            await work.run(jobs.counted, tmp_path, "again", keep=False)

    run(ask())
    assert len(list(tmp_path.iterdir())) == 2


def test_a_fault_is_not_kept_and_comes_back_as_it_was(work: Work) -> None:
    for _ in range(2):
        with pytest.raises(InputError, match=r"^--weight-kg 0: too light$"):
            run(work.run(jobs.refuses, "--weight-kg 0: too light"))
    with pytest.raises(FaultsError) as caught:
        run(work.run(jobs.finds_faults))
    assert [fault.line for fault in caught.value.faults] == [1, 2]
    assert str(caught.value) == "a.yaml:1:1: is odd (drop it)\na.yaml:2:1: dose: is missing"


def test_what_cannot_be_sent_back_is_a_fault_without_its_words(work: Work) -> None:
    with pytest.raises(RuntimeError, match=r"^ValueError$"):
        run(work.run(jobs.fails_unsaid))
    with pytest.raises((TypeError, RuntimeError)):
        run(work.run(jobs.gives_what_cannot_be_sent))


def test_one_who_goes_away_takes_nothing_from_the_others(work: Work, tmp_path: Path) -> None:
    async def ask() -> str:
        first = asyncio.create_task(work.run(jobs.counted, tmp_path, "shared", 0.3))
        await until(lambda: any(tmp_path.iterdir()))
        second = asyncio.create_task(work.run(jobs.counted, tmp_path, "shared", 0.3))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert run(ask()) == "shared"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_fault_that_nobody_waits_for_is_not_written_down(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> None:
        task = asyncio.create_task(work.run(jobs.refuses, "secret 61.37", keep=False))
        await asyncio.sleep(0)
        task.cancel()
        await until(lambda: not work._running)

    caplog.set_level(logging.DEBUG)
    run(ask())
    gc.collect()
    assert "61.37" not in caplog.text


def test_slow_work_never_takes_the_last_worker(work: Work, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def ask() -> tuple[int, int]:
        slow = [
            asyncio.create_task(work.run(jobs.waits_for, gate.with_name(f"gate{number}"), slow=True))
            for number in range(3)
        ]
        await asyncio.sleep(0.05)
        # with three slow ones before it, a light one is answered while none of them ends
        answer = await work.run(jobs.double, 4, keep=False)
        done = sum(task.done() for task in slow)
        for number in range(3):
            gate.with_name(f"gate{number}").touch()
        await asyncio.gather(*slow)
        return answer, done

    assert run(ask()) == (8, 0)


def test_the_server_talks_on_while_all_workers_compute(work: Work, tmp_path: Path) -> None:
    async def ask() -> int:
        both = [
            asyncio.create_task(work.run(jobs.waits_for, tmp_path / f"gate{number}")) for number in range(2)
        ]
        turns = 0
        while turns < 50:
            await asyncio.sleep(0.001)
            turns += 1
        assert not any(task.done() for task in both)
        for number in range(2):
            (tmp_path / f"gate{number}").touch()
        await asyncio.gather(*both)
        return turns

    assert run(ask()) == 50


def test_what_does_not_end_is_stopped_and_the_worker_works_again(tmp_path: Path) -> None:
    started = tmp_path / "started"

    async def ask(work: Work) -> int:
        with pytest.raises(TooLongError, match=r"stopped after 0\.3 seconds"):
            await work.run(jobs.never_ends, started)
        return await work.run(jobs.double, 5)

    with working(seconds=0.3) as work:
        assert run(ask(work)) == 10
    assert started.exists()


def test_a_worker_that_dies_is_replaced() -> None:
    async def ask(work: Work) -> list[int]:
        for _ in range(3):
            with pytest.raises(WorkerLostError):
                await work.run(jobs.dies, keep=False)
        return [await work.run(jobs.double, number) for number in range(4)]

    with working() as work:
        assert run(ask(work)) == [0, 2, 4, 6]


def test_a_full_queue_is_said_at_once(tmp_path: Path) -> None:
    async def ask(work: Work) -> None:
        gate = tmp_path / "gate"
        held = [asyncio.create_task(work.run(jobs.waits_for, tmp_path / name)) for name in ("gate", "b", "c")]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await work.run(jobs.double, 1)
        # what is computed already can be waited for
        same = asyncio.create_task(work.run(jobs.waits_for, gate))
        for name in ("gate", "b", "c"):
            (tmp_path / name).touch()
        assert await same == "seen"
        await asyncio.gather(*held)
        assert await work.run(jobs.double, 1) == 2

    with working(queued=1) as work:
        run(ask(work))


def test_answers_are_kept_up_to_a_size() -> None:
    async def ask(work: Work) -> None:
        for tag in "abcd":
            await work.run(jobs.large, 300_000, tag)
        await work.run(jobs.large, 2_000_000, "e")
        assert [key[2][1] for key in work._kept] == ["b", "c", "d"]  # type: ignore[index]
        await work.run(jobs.large, 300_000, "b")
        await work.run(jobs.large, 300_000, "f")
        assert [key[2][1] for key in work._kept] == ["d", "b", "f"]  # type: ignore[index]

    with working(kept_bytes=1_000_000) as work:
        run(ask(work))


def test_each_worker_is_prepared_once_before_it_computes() -> None:
    async def ask(work: Work) -> set[tuple[str, ...]]:
        await work.warm()
        return {await work.run(jobs.readiness, keep=False) for _ in range(4)}

    with working(prepare=jobs.prepare) as work:
        assert run(ask(work)) == {("prepared",)}


def test_closing_stops_what_runs(tmp_path: Path) -> None:
    async def ask(work: Work) -> None:
        task = asyncio.create_task(work.run(jobs.never_ends, tmp_path / "started"))
        await until((tmp_path / "started").exists)
        process = next(worker._process for worker in work._every if worker._process is not None)
        work.close()
        with pytest.raises(WorkerLostError):
            await task
        assert process.exitcode is not None

    with working() as work:
        run(ask(work))


# --- as the browser sees it --------------------------------------------------------------------------


@pytest.fixture
def app(door: Door) -> Iterator[FastAPI]:
    app = create_app(Settings(door=door), Work(queued=0, seconds=0.3))

    @app.get("/never")
    async def never(path: Path) -> None:
        await app.state.desk.work.run(jobs.never_ends, path)

    @app.get("/dies")
    async def dies() -> None:
        await app.state.desk.work.run(jobs.dies)

    @app.get("/full")
    async def full() -> None:
        raise BusyError("no room")

    yield app
    app.state.desk.work.close()


def test_too_much_is_a_page_that_says_when_to_come_again(client: TestClient, tmp_path: Path) -> None:
    for address in ("/full", f"/never?path={tmp_path / 'started'}", "/dies"):
        response = client.get(address)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert "Wait a few seconds" in response.text


def test_for_a_program_it_is_json(app: FastAPI, client: TestClient) -> None:
    @app.get("/api/full")
    async def full() -> None:
        raise BusyError("no room")

    response = client.get("/api/full")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json() == {"errors": [{"field": "", "message": "Too much is being computed"}]}
    assert client.get("/api/nothing").json()["errors"][0]["message"] == "Nothing is here"
    assert response.headers["content-type"] == "application/json"
    assert str(client.base_url).rstrip("/") == ORIGIN


def test_the_workers_start_after_the_first_page_and_not_before(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work()
    app = create_app(Settings(door=door, warm=True), work)
    app.include_router(sample.router)

    def alive() -> int:
        return sum(worker._process is not None for worker in work._every)

    with TestClient(app, base_url=ORIGIN, cookies={door.cookie: door.session}) as client:
        assert client.get("/nothing").status_code == 404
        assert alive() == 0
        assert client.get("/sample").status_code == 200
        assert alive() == 0
        limit = time.monotonic() + 30
        while alive() < 2 and time.monotonic() < limit:
            time.sleep(0.02)
        assert alive() == 2
    assert alive() == 0
