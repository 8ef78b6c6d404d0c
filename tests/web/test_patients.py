"""*Patients*: kept, found, changed and brought back; nothing of a person leaves the page, and locks hold."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from playwright.sync_api import Browser, BrowserContext, Page

from globulin.patient_store import PatientStore, store_path
from globulin.sealed import files, passphrases
from globulin.web.app import Settings, create_app
from globulin.web.guard import Door
from globulin.web.keeper import Keeper, LockedError
from web.conftest import ORIGIN, PORT, Served, serve
from web.seen import axe, overflow, picture
from web.test_levels_screen import TYPED as LEVELS

PASSPHRASE = "plum lantern orbit thistle"  # noqa: S105  (of files that tests make)
ANOTHER = "quiet copper meadow engine"
NAME = "Zsófia Quandt"
DOSE = {"product": "privigen", "dose_unit": "dose_g_per_kg", "interval_day": "28", "rounding": "none"}


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Store:
    """A file of a test, and the keeper that unlocks it."""

    path: Path
    clock: Clock = field(default_factory=Clock)

    def keeper(self) -> Keeper:
        return Keeper(path=lambda: self.path, brake=0.0, clocks=(self.clock,))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that costs little to make; its cost is looked at elsewhere."""
    monkeypatch.setitem(passphrases._ARGON2, "memory_cost", 64)
    monkeypatch.setitem(passphrases._ARGON2, "time_cost", 1)


@pytest.fixture(scope="module")
def whole() -> Iterator[TestClient]:
    """One app for all tests, since its workers take seconds to start."""
    door = Door(frozenset({ORIGIN}), PORT)
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    app = create_app(Settings(door=door))
    with TestClient(app, base_url=ORIGIN, headers=headers, follow_redirects=False) as client:
        client.cookies.set(door.cookie, door.session)
        yield client


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "patients" / "patients.globulin")


@pytest.fixture
def client(whole: TestClient, store: Store) -> Iterator[TestClient]:
    """The app with a file of this test's own."""
    desk = whole.app.state.desk  # type: ignore[attr-defined]
    usual, keeper = desk.patients, store.keeper()
    object.__setattr__(desk, "patients", keeper)
    keeper.when_locked = desk.drafts.forget_private
    yield whole
    keeper.close()
    object.__setattr__(desk, "patients", usual)


@pytest.fixture
def unlocked(client: TestClient) -> TestClient:
    made = client.post("/patients/create", data={"passphrase": PASSPHRASE, "again": PASSPHRASE})
    assert (made.status_code, made.headers["location"]) == (303, "/patients")
    return client


def text(answer: Response) -> str:
    """What a page says, without its marks."""
    main = answer.text.split("<main", 1)[1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def draft_of(answer: Response) -> str:
    assert answer.status_code == 303, answer.text
    found = re.search(r"/([0-9a-f]{32})(/|#|$)", answer.headers["location"])
    assert found
    return found[1]


def a_plan(client: TestClient, dose: str = "0.4") -> str:
    """The draft of a plan that is whole."""
    draft = draft_of(client.post("/plan", data={"weight_kg": "61.375"}))
    sent = client.post(f"/plan/{draft}/dose", data={**DOSE, "dose": dose})
    assert sent.headers["location"].endswith("/result")
    return draft_of(sent)


def kept(client: TestClient, name: str = NAME, dose: str = "0.4") -> str:
    """Keeps a plan under a new name; gives the patient's id."""
    answer = client.post(f"/patients/keep/plan/{a_plan(client, dose)}", data={"name": name})
    shown = client.get(answer.headers["location"])
    assert f"The plan of {name} is kept." in text(shown)
    return re.findall(r'name="id" value="([0-9a-f]{32})"', shown.text)[0]


def earlier_in(shown: Response) -> str:
    """Of which time the first version is that a page offers to bring back."""
    return unescape(re.findall(r'name="earlier" value="([^"]+)"', shown.text)[0])


def after(client: TestClient, address: str, **data: str) -> str:
    """What the page says after a form was sent."""
    answer = client.post(address, data=data)
    assert answer.status_code == 303, text(answer)
    assert re.fullmatch(r"/patients/[0-9a-f]{32}", answer.headers["location"])
    return text(client.get(answer.headers["location"]))


# --- from no file to a patient and back ----------------------------------------------------------------


def test_the_first_page_says_what_it_is_and_makes_the_file(client: TestClient, store: Store) -> None:
    page = text(client.get("/patients"))
    assert "A lost passphrase cannot be recovered" in page
    assert str(store.path) in page
    for typed, said in (
        ({"passphrase": "short", "again": "short"}, "at least 12 characters"),
        ({"passphrase": PASSPHRASE, "again": PASSPHRASE.upper()}, "differs from the line above"),
        ({"passphrase": "", "again": ""}, "This is missing"),
    ):
        refused = client.post("/patients/create", data=typed)
        assert refused.status_code == 422
        assert said in text(refused)
        assert not store.path.exists()
    made = client.post("/patients/create", data={"passphrase": PASSPHRASE, "again": PASSPHRASE})
    assert made.status_code == 303
    assert store.path.exists()
    assert "Nobody is kept yet" in text(client.get("/patients"))


class Minutes:
    """A clock of which each look is a minute after the one before."""

    at = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)

    @classmethod
    def now(cls) -> datetime:
        cls.at += timedelta(minutes=1)
        return cls.at


def test_a_plan_is_kept_opened_replaced_and_brought_back(
    unlocked: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globulin.web.screens.patients_keep.datetime", Minutes)
    who = kept(unlocked)
    page = text(unlocked.get("/patients"))
    assert re.search(rf"{NAME} Plan \d+ \w+ \d{{4}} Open plan", page)
    # it opens where the plan is worked out, with what was asked
    answer = unlocked.post("/patients/open", data={"id": who, "kind": "plan"})
    draft = draft_of(answer)
    assert answer.headers["location"] == f"/plan/{draft}/result"
    shown = unlocked.get(f"/plan/{draft}/result")
    assert "24.55 g of Privigen" in text(shown)  # 61.375 kg at 0.4 g/kg
    assert NAME not in shown.text
    # another dose for the same person
    form = unlocked.get(f"/patients/keep/plan/{a_plan(unlocked, '0.8')}")
    assert re.search(rf'<option value="{who}">{NAME} \(plan of .*?\)</option>', unescape(form.text))
    answer = unlocked.post(f"/patients/keep/plan/{a_plan(unlocked, '0.8')}", data={"id": who})
    shown = unlocked.get(answer.headers["location"])
    # two versions of one day are told apart by the time
    both = re.search(rf"{NAME} is kept, in place of the one of (.*?, \d\d:\d\d)\.", text(shown))
    assert both
    assert re.search(rf"Plan (?!{both[1]} )\d+ \w+ \d{{4}}, \d\d:\d\d Open plan", text(shown))
    assert " Undo " in text(shown)
    undo = {"id": who, "kind": "plan", "earlier": earlier_in(shown)}
    page = after(unlocked, "/patients/earlier", **undo)
    assert f"The plan of {NAME} is the one of" in page
    # what was said holds no longer, and the same button of an old page does nothing
    assert "in place of" not in text(unlocked.get(answer.headers["location"]))
    stale = unlocked.post("/patients/earlier", data=undo)
    assert (stale.status_code, "is another one by now" in text(stale)) == (422, True)
    draft = draft_of(unlocked.post("/patients/open", data={"id": who, "kind": "plan"}))
    assert "24.55 g of Privigen" in text(unlocked.get(f"/plan/{draft}/result"))
    # the same again changes nothing
    assert "nothing was changed" in after(unlocked, f"/patients/keep/plan/{a_plan(unlocked)}", id=who)


def test_levels_are_kept_beside_the_plan(unlocked: TestClient) -> None:
    who = kept(unlocked)
    draft = draft_of(unlocked.post("/levels", data={**LEVELS, "do": "fit"}))
    before = unlocked.get(f"/levels/{draft}").text
    assert f"/patients/keep/levels/{draft}" in before
    assert f"The levels of {NAME} are kept." in after(unlocked, f"/patients/keep/levels/{draft}", id=who)
    opened = draft_of(unlocked.post("/patients/open", data={"id": who, "kind": "levels"}))
    again = unlocked.get(f"/levels/{opened}").text
    assert again.replace(opened, draft) == before


def test_a_name_is_changed_and_a_patient_removed_and_brought_back(unlocked: TestClient) -> None:
    who, other = kept(unlocked), kept(unlocked, "Bo")
    assert "Zoe is the name from now on." in after(unlocked, "/patients/rename", id=who, name=" Zoe ")
    refused = unlocked.post("/patients/rename", data={"id": who, "name": "bo"})
    assert refused.status_code == 422
    assert "There is a patient of this name already." in text(refused)
    assert 'value="bo"' in refused.text
    assert "<details" in refused.text
    assert "This is missing." in text(unlocked.post("/patients/rename", data={"id": who, "name": " "}))
    page = after(unlocked, "/patients/remove", id=other)
    assert "Bo was removed. Undo" in page
    assert "Until the file is locked" in page
    assert "Bo is back." in after(unlocked, "/patients/bring-back", id=other)
    refused = unlocked.post("/patients/bring-back", data={"id": other})
    assert (refused.status_code, "no longer be brought back" in text(refused)) == (422, True)


def test_under_which_name_is_asked(unlocked: TestClient) -> None:
    draft = a_plan(unlocked)
    address = f"/patients/keep/plan/{draft}"
    assert "Under which name?" in text(unlocked.post(address, data={"name": "  "}))
    who = kept(unlocked)
    both = unlocked.post(address, data={"name": "Bo", "id": who})
    assert (both.status_code, "not both" in text(both)) == (422, True)
    taken = unlocked.post(address, data={"name": NAME.upper()})
    assert (taken.status_code, "of this name already" in text(taken)) == (422, True)
    assert unlocked.post(address, data={"id": "0" * 32}).status_code == 422
    assert text(unlocked.get("/patients")).count("Open plan") == 1


@pytest.mark.parametrize("address", ["/patients/keep/plan/", "/patients/keep/levels/", "/patients/"])
def test_a_draft_that_is_not_whole_cannot_be_kept(unlocked: TestClient, address: str) -> None:
    assert unlocked.get(f"{address}{'0' * 32}").status_code == 404
    begun = draft_of(unlocked.post("/plan", data={"weight_kg": "62"}))
    assert unlocked.get(f"{address}{begun}").status_code == 404
    assert unlocked.get(f"/patients/keep/letter/{'0' * 32}").status_code == 422


def test_a_locked_file_is_unlocked_on_the_way_to_keeping(unlocked: TestClient) -> None:
    address = f"/patients/keep/plan/{a_plan(unlocked)}"
    assert unlocked.post("/patients/lock").headers["location"] == "/patients"
    page = unlocked.get(address)
    assert f'action="{address}/unlock"' in page.text
    assert unlocked.post(f"{address}/unlock", data={"passphrase": "wrong"}).status_code == 422
    assert unlocked.post(f"{address}/unlock", data={"passphrase": PASSPHRASE}).headers["location"] == address
    assert f"The plan of {NAME} is kept." in after(unlocked, address, name=NAME)


def test_without_a_file_it_is_made_on_the_way_to_keeping(client: TestClient) -> None:
    address = f"/patients/keep/plan/{a_plan(client)}"
    assert f'action="{address}/create"' in client.get(address).text
    made = client.post(f"{address}/create", data={"passphrase": PASSPHRASE, "again": PASSPHRASE})
    assert made.headers["location"] == address


def test_another_passphrase(unlocked: TestClient, store: Store) -> None:
    kept(unlocked)
    typed = {"current": PASSPHRASE, "passphrase": ANOTHER, "again": ANOTHER}
    for change, field_name, said in (
        ({"current": "wrong"}, "current", "This is not the passphrase"),
        ({"passphrase": "short", "again": "short"}, "passphrase", "at least 12"),
        ({"again": "x"}, "again", "differs"),
    ):
        refused = unlocked.post("/patients/passphrase", data={**typed, **change})
        assert refused.status_code == 422
        (error,) = re.findall(r'<p class="error" id="([^"]+)-error">.*?</span> (.*?)</p>', refused.text)
        assert error[0] == field_name
        assert said in unescape(error[1])
    assert "The passphrase is changed." in after(unlocked, "/patients/passphrase", **typed)
    unlocked.post("/patients/lock")
    assert unlocked.post("/patients/unlock", data={"passphrase": PASSPHRASE}).status_code == 422
    assert unlocked.post("/patients/unlock", data={"passphrase": ANOTHER}).status_code == 303
    assert NAME in text(unlocked.get("/patients"))


# --- locks ---------------------------------------------------------------------------------------------


def test_it_locks_itself_when_nobody_uses_the_app(unlocked: TestClient, store: Store) -> None:
    who = kept(unlocked)
    minute = 60.0
    for now in (14.9, 29.7):
        # any screen is use of the app
        store.clock.now = now * minute
        assert unlocked.get("/plan").status_code == 200
    store.clock.now = 44.6 * minute
    assert NAME in text(unlocked.get("/patients"))
    # a program that asks on and on is not
    for now in (50.0, 59.5, 59.7):
        store.clock.now = now * minute
        assert unlocked.get("/api/openapi.json").status_code == 200
    page = unlocked.get("/patients")
    assert NAME not in page.text
    assert "Unlock" in text(page)
    # and nothing is done any more with what an old page still shows
    for address, data in (
        ("/patients/open", {"id": who, "kind": "plan"}),
        ("/patients/remove", {"id": who}),
        ("/patients/rename", {"id": who, "name": "X"}),
    ):
        answer = unlocked.post(address, data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, "/patients")
    assert unlocked.post("/patients/unlock", data={"passphrase": PASSPHRASE}).status_code == 303
    assert NAME in text(unlocked.get("/patients"))


def test_it_locks_itself_without_anybody_asking(store: Store) -> None:
    async def run() -> None:
        keeper = Keeper(path=lambda: store.path, brake=0.0, minutes=0.1 / 60)
        await keeper.create(PASSPHRASE)
        opened = keeper._store
        assert opened is not None
        for _ in range(200):
            await asyncio.sleep(0.02)
            if keeper._store is None:
                break
        assert opened._file._key == b""
        with pytest.raises(LockedError):
            await keeper.ask(PatientStore.patients)
        keeper.close()

    asyncio.run(run())


def test_a_clock_that_stood_still_while_the_machine_slept_keeps_nothing_open(store: Store) -> None:
    async def run() -> None:
        awake, wall = Clock(), Clock()
        keeper = Keeper(path=lambda: store.path, brake=0.0, clocks=(awake, wall))
        await keeper.create(PASSPHRASE)
        wall.now = -3600.0  # it was set back
        awake.now = 14 * 60.0
        assert await keeper.state() == "unlocked"
        keeper.used()
        wall.now += 15 * 60.0
        assert await keeper.state() == "locked"
        keeper.close()

    asyncio.run(run())


def test_one_passphrase_is_tried_at_a_time_and_each_takes_its_second(store: Store) -> None:
    """So that guessing through the app takes a second each, whatever is sent at once."""

    async def run() -> list[str]:
        keeper = Keeper(path=lambda: store.path, brake=0.0)
        await keeper.create(PASSPHRASE)
        await keeper.lock()
        order: list[str] = []

        async def slow(seconds: float) -> None:
            order.append(f"brake {seconds:g}")
            await real(0)

        real, patch = asyncio.sleep, pytest.MonkeyPatch()
        patch.setattr("globulin.web.keeper.asyncio.sleep", slow)
        derived = files.derived
        patch.setattr(files, "derived", lambda *given: order.append("derive") or derived(*given))
        keeper._brake = 1.0
        tries = [keeper.unlock(f"wrong passphrase {number}") for number in range(3)]
        await asyncio.gather(*tries, return_exceptions=True)
        patch.undo()
        keeper.close()
        return order

    assert asyncio.run(run()) == ["brake 1", "derive"] * 3


def test_a_key_is_made_beside_the_event_loop(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The making waits for what only a loop that goes on can give."""
    begun, go_on = threading.Event(), threading.Event()
    waited: list[bool] = []

    def derived(*_: object) -> bytes:
        begun.set()
        waited.append(go_on.wait(timeout=20))
        return b"k" * 32

    monkeypatch.setattr(files, "derived", derived)

    async def run() -> None:
        keeper = Keeper(path=lambda: store.path, brake=0.0)
        task = asyncio.create_task(keeper.create(PASSPHRASE))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        go_on.set()
        await task
        keeper.close()

    asyncio.run(run())
    assert waited == [True]


def test_it_is_locked_when_the_app_ends(store: Store) -> None:
    door = Door(frozenset({ORIGIN}), PORT)
    keeper = store.keeper()
    app = create_app(Settings(door=door), patients=keeper)
    with TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}, follow_redirects=False) as client:
        client.cookies.set(door.cookie, door.session)
        client.post("/patients/create", data={"passphrase": PASSPHRASE, "again": PASSPHRASE})
        opened = keeper._store
        assert opened is not None
    assert keeper._store is None
    assert opened._file._key == b""


def test_a_file_that_vanished_is_said_and_locks(unlocked: TestClient, store: Store) -> None:
    kept(unlocked)
    moved = store.path.rename(store.path.with_suffix(".moved"))
    page = unlocked.get("/patients")
    assert page.status_code == 422
    assert "moved, removed or replaced" in text(page)
    assert NAME not in page.text
    moved.rename(store.path)
    assert "Unlock" in text(unlocked.get("/patients"))


def test_what_was_opened_goes_when_it_locks(unlocked: TestClient, store: Store) -> None:
    """By the button and by itself: what came out of the file, what was kept, and what was made of either."""
    who = kept(unlocked)
    typed = a_plan(unlocked)  # after something was kept
    for by_itself in (False, True):
        opened = draft_of(unlocked.post("/patients/open", data={"id": who, "kind": "plan"}))
        made = draft_of(unlocked.post(f"/plan/{opened}/dose", data={**DOSE, "dose": "0.5"}))
        compared = draft_of(unlocked.post(f"/plan/{opened}/compare"))
        addresses = [f"/plan/{each}/result" for each in (opened, made, typed)] + [f"/compare/{compared}"]
        assert [unlocked.get(each).status_code for each in addresses] == [200] * 4
        if by_itself:
            store.clock.now += 15 * 60.0
        else:
            unlocked.post("/patients/lock")
        assert [unlocked.get(each).status_code for each in addresses] == [404] * 4
        typed = a_plan(unlocked)
        assert unlocked.post("/patients/unlock", data={"passphrase": PASSPHRASE}).status_code == 303
        # what was typed before anything came out of the file is no concern of it
        unlocked.post("/patients/lock")
        assert unlocked.get(f"/plan/{typed}/result").status_code == 200
        assert unlocked.post("/patients/unlock", data={"passphrase": PASSPHRASE}).status_code == 303
        unlocked.post("/patients/open", data={"id": who, "kind": "plan"})
        typed = a_plan(unlocked)
    address = f"/patients/keep/plan/{typed}"
    unlocked.post("/patients/lock")
    assert unlocked.get(address).status_code == 404


def test_a_plan_that_is_kept_goes_too(unlocked: TestClient) -> None:
    draft = a_plan(unlocked)
    after(unlocked, f"/patients/keep/plan/{draft}", name=NAME)
    unlocked.post("/patients/lock")
    assert unlocked.get(f"/plan/{draft}/result").status_code == 404


def test_a_name_that_was_typed_into_a_locked_file_is_not_lost_without_a_word(
    unlocked: TestClient, store: Store
) -> None:
    draft = a_plan(unlocked)
    address = f"/patients/keep/plan/{draft}"
    assert unlocked.get(address).status_code == 200
    store.clock.now += 15 * 60.0
    late = unlocked.post(address, data={"name": NAME})
    assert late.status_code == 422
    assert "so nothing was kept. Unlock it, and give the name again." in text(late)
    assert f'href="/plan/{draft}"' in late.text
    assert f'action="{address}/unlock"' in late.text
    assert NAME not in late.text
    assert unlocked.post(f"{address}/unlock", data={"passphrase": PASSPHRASE}).headers["location"] == address
    assert f"The plan of {NAME} is kept." in after(unlocked, address, name=NAME)


def test_a_name_for_who_was_removed_elsewhere_is_answered(unlocked: TestClient) -> None:
    who = kept(unlocked)
    after(unlocked, "/patients/remove", id=who)
    refused = unlocked.post("/patients/rename", data={"id": who, "name": "Zoe"})
    assert refused.status_code == 422
    assert "This patient is no longer there." in text(refused)


def test_a_name_may_have_joiners_and_nothing_that_turns_text(unlocked: TestClient) -> None:
    name = "بی\u200cبی"
    who = kept(unlocked, name)
    assert "Bo is the name" in after(unlocked, "/patients/rename", id=who, name="Bo")
    for odd in ("a\u202eb", "a\u2066b", "a\u200bb"):
        refused = unlocked.post("/patients/rename", data={"id": who, "name": odd})
        assert (refused.status_code, "cannot be printed" in text(refused)) == (422, True)


def test_a_journal_of_another_state_is_said(client: TestClient, store: Store) -> None:
    PatientStore.create(store.path, PASSPHRASE).lock()
    raw = store.path.read_bytes()
    store.path.unlink()
    store.path.with_name(f"{store.path.name}-journal").write_bytes(raw)
    client.post("/patients/create", data={"passphrase": PASSPHRASE, "again": PASSPHRASE})
    page = text(client.get("/patients"))
    assert "did not belong to it" in page
    assert f"{store.path.name}-journal.aside" in page


@pytest.mark.parametrize("fault", ["no home", "a file", "a link"])
def test_a_folder_that_cannot_be_used_is_said(
    client: TestClient, store: Store, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk = client.app.state.desk  # type: ignore[attr-defined]
    if fault == "no home":
        monkeypatch.setenv("GLOBULIN_DATA_DIR", "~nobody-of-this-name/x")
        monkeypatch.setattr(desk.patients, "_path", store_path)
        said = "GLOBULIN_DATA_DIR names a home that is not known here"
    elif fault == "a file":
        store.path.parent.write_text("mine")
        said = "cannot be reached: Not a directory"
    else:
        store.path.parent.mkdir()
        store.path.symlink_to(tmp_path / "nowhere")
        said = "this is a link to a file that is not there"
    draft = a_plan(client)
    for address in ("/patients", f"/patients/keep/plan/{draft}"):
        page = client.get(address)
        assert page.status_code == 422
        assert said in text(page)
        assert "Everything else works meanwhile" in text(page)
        assert "<form" not in page.text
    typed = {"passphrase": PASSPHRASE, "again": PASSPHRASE}
    for what in ("create", "unlock"):
        answer = client.post(
            f"/patients/{what}", data=typed if what == "create" else {"passphrase": PASSPHRASE}
        )
        assert (answer.status_code, said in text(answer)) == (422, True)


# --- attacks -------------------------------------------------------------------------------------------


def test_no_name_and_no_passphrase_leaves_the_page(
    unlocked: TestClient, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Addresses, headers, logs, drafts and every other screen, in a session that does everything."""
    caplog.set_level(logging.DEBUG)
    secrets = (NAME, PASSPHRASE, "Zs%C3%B3fia", "plum", "Quandt")
    who = kept(unlocked)
    answers = [
        unlocked.post("/patients/unlock", data={"passphrase": f"not {PASSPHRASE}"}),
        unlocked.post("/patients/rename", data={"id": who, "name": f"{NAME}\x00"}),
        unlocked.post("/patients/open", data={"id": who, "kind": "plan"}),
        unlocked.post("/patients/remove", data={"id": who}),
        unlocked.post("/patients/bring-back", data={"id": who}),
        unlocked.post(f"/patients/keep/plan/{a_plan(unlocked)}", data={"id": who}),
        unlocked.get("/patients"),
    ]
    for answer in answers:
        assert not [each for each in secrets if each in str(answer.headers) or each in str(answer.url)]
        assert PASSPHRASE not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert [each.status_code for each in answers] == [422, 422, 303, 303, 303, 303, 200]
    for address in ("/", "/plan", "/compare", "/levels", "/prices"):
        assert NAME not in unlocked.get(address).text
    drafts = unlocked.app.state.desk.drafts  # type: ignore[attr-defined]
    held = [str(draft) for _, draft in drafts._kept.values()]
    said = [record.getMessage() for record in caplog.records]
    assert not [each for each in secrets if any(each in text for text in (*held, *said))]


def test_a_fault_of_the_program_is_logged_without_a_word_of_it(
    unlocked: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: PatientStore, name: str, *_: object) -> str:
        raise RuntimeError(f"cannot keep {name}")

    monkeypatch.setattr(PatientStore, "keep_new", broken)
    answer = unlocked.post(f"/patients/keep/plan/{a_plan(unlocked)}", data={"name": NAME})
    assert answer.status_code == 500
    assert "RuntimeError" in caplog.text
    assert NAME not in caplog.text + answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "evil.example"},
        {"cookie": ""},
    ],
)
@pytest.mark.parametrize(
    "address",
    ["create", "unlock", "lock", "passphrase", "open", "rename", "remove", "bring-back", "earlier"],
)
def test_no_other_site_does_anything(unlocked: TestClient, address: str, headers: dict[str, str]) -> None:
    answer = unlocked.post(f"/patients/{address}", data={"passphrase": PASSPHRASE}, headers=headers)
    assert answer.status_code in (401, 403)
    assert "Lock" in text(unlocked.get("/patients"))


def test_script_in_a_name_is_shown_as_text(unlocked: TestClient) -> None:
    name = "<script>alert(1)</script><b>\"'&"
    kept(unlocked, name)
    page = unlocked.get("/patients").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;&#34;&#39;&amp;" in page
    form = unlocked.get(f"/patients/keep/plan/{a_plan(unlocked)}").text
    assert "<script>alert" not in form


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("open", {}),
        ("open", {"id": "0" * 32}),
        ("open", {"id": "0" * 32, "kind": "letter"}),
        ("open", {"id": ["0" * 32, "1" * 32], "kind": "plan"}),
        ("rename", {"id": "0" * 32, "name": "x", "more": "y"}),
        ("rename", {"id": "0" * 32, "name": "x" * 121}),
        ("unlock", {"passphrase": "x" * 501}),
        ("unlock", {"passphrase": ["a", "b"]}),
        ("remove", {"id": "' OR 1=1; --"}),
    ],
)
def test_no_form_of_another_making_does_anything(
    unlocked: TestClient, address: str, data: dict[str, str | list[str]]
) -> None:
    kept(unlocked)
    assert unlocked.post(f"/patients/{address}", data=data).status_code == 422
    assert NAME in text(unlocked.get("/patients"))


# --- without the extra ---------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["sqlcipher3", "argon2"])
def test_without_the_extra_it_says_what_to_install(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    draft = a_plan(client)
    for address in ("/patients", f"/patients/keep/plan/{draft}"):
        page = client.get(address)
        assert page.status_code == 200
        assert 'python -m pip install -e ".[secure]"' in text(page)
        assert "<form" not in page.text
    refused = client.post("/patients/create", data={"passphrase": PASSPHRASE, "again": PASSPHRASE})
    assert (refused.status_code, '-e ".[secure]"' in text(refused)) == (422, True)
    # everything else goes on
    assert "24.55 g of Privigen" in text(client.get(f"/plan/{draft}/result"))


# --- in a browser --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """The whole app with a file of its own."""
    path = tmp_path_factory.mktemp("browser") / "patients" / "patients.globulin"
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    door = Door(frozenset({f"http://127.0.0.1:{port}"}), port)
    app = create_app(Settings(door=door), patients=Keeper(path=lambda: path, brake=0.0))
    for served in serve(app, door, listener):
        yield served, path


def entered(context: BrowserContext, served: Served, path: Path) -> Page:
    """A page of a browser that was let in, with no file yet."""
    context.add_cookies([{"name": served.door.cookie, "value": served.door.session, "url": served.address}])
    page = context.new_page()
    path.unlink(missing_ok=True)
    page.goto(f"{served.address}/patients")
    if page.get_by_role("alert").count():
        # the file of the test before was unlocked; that it is gone was said
        page.goto(f"{served.address}/patients")
    return page


def plan_in(page: Page, served: Served, dose: str) -> None:
    page.goto(f"{served.address}/plan")
    page.get_by_label("Body weight").fill("62")
    page.get_by_role("button", name="Go on to health").click()
    page.locator("form.questions .actions button").first.click()
    page.locator("#product").select_option("privigen")
    page.locator("#dose").fill(dose)
    page.locator("#interval_day").fill("28")
    page.locator("form .actions button").last.click()
    page.get_by_role("link", name="Keep under a name").wait_for()


def looked_at(page: Page) -> None:
    """Nothing for axe to find in the light or the dark, and nothing wider than the screen."""
    assert axe(page) == []
    for width in (320, 768, 1440):
        assert overflow(page, width) == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["mouse", "no scripts"])
def test_a_patient_by_mouse(browser: Browser, place: tuple[Served, Path], scripts: bool) -> None:
    """The same with and without scripts; with them each state is looked at."""
    served, path = place
    look = looked_at if scripts else (lambda _: None)
    with browser.new_context(java_script_enabled=scripts, bypass_csp=scripts) as context:
        page = entered(context, served, path)
        look(page)
        page.get_by_label("New passphrase").fill("short")
        page.get_by_label("The same once more").fill("other")
        page.get_by_role("button", name="Make the file").click()
        assert page.locator("[aria-invalid]").count() == 1
        look(page)
        page.get_by_label("New passphrase").fill(PASSPHRASE)
        page.get_by_label("The same once more").fill(PASSPHRASE)
        page.get_by_role("button", name="Make the file").click()
        page.get_by_text("Nobody is kept yet").wait_for()
        look(page)
        plan_in(page, served, "0.4")
        page.get_by_role("link", name="Keep under a name").click()
        look(page)
        page.get_by_label("Name").fill("Patient 14")
        page.get_by_role("button", name="Keep").click()
        page.get_by_role("status").wait_for()
        look(page)
        plan_in(page, served, "0.6")
        page.get_by_role("link", name="Keep under a name").click()
        page.get_by_label("Or somebody who is there").select_option(index=1)
        look(page)
        page.get_by_role("button", name="Keep").click()
        page.get_by_role("button", name="Undo").click()
        assert "is the one of" in page.get_by_role("status").inner_text()
        look(page)
        plan_in(page, served, "0.5")
        page.get_by_role("link", name="Keep under a name").click()
        page.get_by_label("A new name").fill("Patient 27")
        page.get_by_role("button", name="Keep").click()
        page.locator("details").first.locator("summary").click()
        if scripts:
            picture(page, "patients", height=1120)
        page.get_by_role("button", name="Rename Patient 14").scroll_into_view_if_needed()
        page.locator("#name-1").fill("patient 27")
        page.get_by_role("button", name="Rename Patient 14").click()
        assert page.locator("#name-1-error").inner_text().endswith("There is a patient of this name already.")
        look(page)
        page.get_by_role("button", name="Remove Patient 14").click()
        look(page)
        page.get_by_role("button", name="Undo").click()
        assert page.get_by_role("status").inner_text() == "Patient 14 is back."
        page.get_by_role("button", name="Open plan of Patient 14").click()
        page.get_by_role("heading", name="24.8 g of Privigen").wait_for()
        assert re.fullmatch(rf"{served.address}/plan/[0-9a-f]{{32}}/result", page.url)
        page.goto(f"{served.address}/patients")
        page.get_by_role("button", name="Lock", exact=True).click()
        look(page)
        page.get_by_label("Passphrase").fill("not the passphrase")
        page.get_by_role("button", name="Unlock").click()
        page.locator("#passphrase-error").wait_for()
        assert page.get_by_label("Passphrase").input_value() == ""
        look(page)
        page.go_back()
        assert "Patient 14" not in page.content()


def test_a_patient_by_keyboard_alone(browser: Browser, place: tuple[Served, Path]) -> None:
    served, path = place
    with browser.new_context() as context:
        page = entered(context, served, path)
        keys = page.keyboard

        def to(selector: str) -> None:
            for _ in range(80):
                if page.evaluate("each => document.activeElement.matches(each)", selector):
                    return
                keys.press("Tab")
            raise AssertionError(f"{selector} is not reached by Tab")

        to("#passphrase")
        keys.type(PASSPHRASE)
        keys.press("Tab")
        keys.type(PASSPHRASE)
        keys.press("Enter")
        page.get_by_text("Nobody is kept yet").wait_for()
        plan_in(page, served, "0.4")
        to('a[href^="/patients/keep/"]')
        keys.press("Enter")
        page.locator("#name").wait_for()
        to("#name")
        keys.type("Patient 14")
        keys.press("Enter")
        page.get_by_role("status").wait_for()
        to("details summary")
        keys.press("Enter")
        to("#name-1")
        keys.press("End")
        keys.type("6")
        keys.press("Enter")
        page.get_by_text("Patient 146 is the name from now on.").wait_for()
        to('form[action="/patients/lock"] button')
        keys.press("Enter")
        page.get_by_role("button", name="Unlock").wait_for()
        # nothing is to be done for the field to have the focus
        page.wait_for_function("document.activeElement.id === 'passphrase'")
        keys.type(PASSPHRASE)
        keys.press("Enter")
        page.get_by_role("heading", name="Patient 146").wait_for()


def test_without_the_extra_in_a_browser(
    browser: Browser, place: tuple[Served, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, path = place
    monkeypatch.setattr(files, "installed", lambda: False)
    with browser.new_context(bypass_csp=True) as context:
        page = entered(context, served, path)
        assert 'python -m pip install -e ".[secure]"' in page.locator("main").inner_text()
        looked_at(page)
