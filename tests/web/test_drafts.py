"""What people typed is kept in memory only, under an id that nobody guesses, and not for ever."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from globulin.web.app import Settings, create_app
from globulin.web.drafts import Draft, Drafts
from globulin.web.guard import Door
from web import sample

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_draft_is_found_by_its_screen_alone() -> None:
    drafts = Drafts()
    identifier = drafts.keep("plan", {"weight_kg": ("62",), "risk": ("renal", "thrombosis")})
    assert drafts.find("plan", identifier) == Draft(
        "plan", {"weight_kg": ("62",), "risk": ("renal", "thrombosis")}
    )
    assert drafts.find("compare", identifier) is None
    for other in ("", identifier[:-1], identifier.upper() + "0", "0" * 32):
        assert drafts.find("plan", other) is None


def test_ids_hold_128_bits_and_nothing_of_what_was_typed() -> None:
    drafts = Drafts()
    ids = {drafts.keep("plan", {"weight_kg": ("62",)}) for _ in range(200)}
    assert len(ids) == 200
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in ids)


def test_a_draft_does_not_change_with_what_it_was_made_of() -> None:
    drafts = Drafts()
    texts = {"weight_kg": ("62",)}
    identifier = drafts.keep("plan", texts)
    texts["weight_kg"] = ("99",)
    kept = drafts.find("plan", identifier)
    assert kept is not None
    assert kept.texts == {"weight_kg": ("62",)}
    with pytest.raises(TypeError):
        kept.texts["weight_kg"] = ("99",)  # type: ignore[index]


def test_it_goes_after_some_hours_without_use() -> None:
    clock = Clock()
    drafts = Drafts(hours=12, clock=clock)
    used, unused = drafts.keep("plan", {}), drafts.keep("plan", {})
    clock.now = 11 * HOUR
    assert drafts.find("plan", used) is not None
    clock.now = 12 * HOUR + 1
    assert drafts.find("plan", unused) is None
    assert len(drafts) == 1
    clock.now = 23 * HOUR + 1
    assert drafts.find("plan", used) is None
    assert len(drafts) == 0


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 5))
def test_the_longest_unused_goes_when_there_are_too_many(uses: list[int], most: int) -> None:
    drafts = Drafts(most=most)
    by_use: list[tuple[int, str]] = []
    for use in uses:
        known = [pair for pair in by_use if pair[0] == use]
        if known:
            assert drafts.find("plan", known[0][1]) is not None
            by_use.remove(known[0])
            by_use.append(known[0])
        else:
            by_use.append((use, drafts.keep("plan", {"n": (str(use),)})))
            by_use = by_use[-most:]
        assert len(drafts) == len(by_use)
    assert all(drafts.find("plan", identifier) is not None for _, identifier in by_use)


def test_all_is_forgotten_when_the_app_ends(door: Door) -> None:
    app = create_app(Settings(door=door))
    with TestClient(app):
        app.state.desk.drafts.keep("plan", {"weight_kg": ("62",)})
    assert len(app.state.desk.drafts) == 0


def test_no_value_stands_in_an_address_and_each_change_is_a_state_to_go_back_to(
    app: FastAPI, client: TestClient
) -> None:
    app.include_router(sample.router)
    addresses = []
    for weight in ("61.37", "63.21"):
        answer = client.post("/sample", data={"weight_kg": weight, "route": "iv"})
        assert answer.status_code == 303
        addresses.append(answer.headers["location"])
        assert weight not in str(answer.headers)
    assert len(set(addresses)) == 2
    for address, weight in zip(addresses, ("61.37", "63.21"), strict=True):
        assert f'value="{weight}"' in client.get(address).text


def test_a_draft_that_is_gone_is_explained(app: FastAPI, client: TestClient) -> None:
    app.include_router(sample.router)
    answer = client.get(f"/sample/{'0' * 32}")
    assert answer.status_code == 404
    assert "kept in memory only" in answer.text
