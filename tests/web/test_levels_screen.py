"""*Levels*: three levels are fitted by mouse, by keyboard and without scripts; faults stand at their cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page

from globulin.asked import HeldFile, PersonAsked
from globulin.bedside import Bedside, IndividualRequest, individualised
from globulin.pages import words
from globulin.web.app import Settings, create_app
from globulin.web.guard import Door
from globulin.web.screens.levels_form import pressed, texts_of_file
from web.conftest import ORIGIN, PORT, Served
from web.seen import axe, overflow, picture

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """One app for all tests, since its workers take seconds to start."""
    yield from let_in()


def let_in() -> Iterator[TestClient]:
    """A browser that was let in."""
    door = Door(frozenset({ORIGIN}), PORT)
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    app = create_app(Settings(door=door))
    with TestClient(app, base_url=ORIGIN, headers=headers, follow_redirects=False) as client:
        client.cookies.set(door.cookie, door.session)
        yield client


DOSES = b"TIME,AMT,ROUTE,II,ADDL\n0,25,iv,28,4\n"
LEVELS = b"TIME,IGG\n28,11.2\n56,12.1\n70,14\n"

TYPED = {
    "weight_kg": "62",
    "model": "normal",
    "dose_1_day": "0",
    "dose_1_dose_g": "25",
    "dose_1_route": "iv",
    "dose_1_interval_day": "28",
    "dose_1_additional": "4",
    "level_1_day": "28",
    "level_1_igg_g_per_l": "11.2",
    "level_2_day": "56",
    "level_2_igg_g_per_l": "12.1",
    "level_3_day": "70",
    "level_3_igg_g_per_l": "14",
}


def expected_next() -> str:
    """The first level ahead as the command line computes it from files of the same rows."""
    asked = IndividualRequest(
        models=("normal",),
        doses=HeldFile("doses.csv", DOSES),
        levels=HeldFile("levels.csv", LEVELS),
        route="iv",
        at_day=(),
        seed=1,
        person=PersonAsked(weight_kg=62.0),
    )
    _, found = individualised(Bedside(), asked)
    assert found.forecast[0].day == 84.0
    return words.fixed(found.forecast[0].level_g_per_l.median, 1)


def sent(client: TestClient, do: str, **changed: str) -> str:
    """The page after a button was pressed."""
    answer = client.post("/levels", data={**TYPED, **changed, "do": do})
    assert answer.status_code == 303
    address = answer.headers["location"]
    # nothing that was typed stands in the address
    assert re.fullmatch(r"/levels/[0-9a-f]{32}#(result|doses|levels)", address)
    return unescape(client.get(address.partition("#")[0]).text)


def faults(page: str) -> dict[str, str]:
    """What is said at each field."""
    found = re.findall(r'<p class="error" id="([^"]+)-error">.*?</span> (.*?)</p>', page)
    return dict(found)


def test_three_levels_are_fitted(client: TestClient) -> None:
    page = sent(client, "fit")
    assert "The levels fit one another and the doses." in page
    assert f'<span class="value">{expected_next()}</span>' in page
    assert "expected on day 84" in page
    assert page.count("<svg") == 1


def test_a_level_that_does_not_fit_is_said_first(client: TestClient) -> None:
    page = sent(client, "fit", level_3_igg_g_per_l="40")
    assert "A level does not fit the others." in page
    assert "he level on day 70 (40 g/L) does not fit" in page
    assert "Check the draw time" in page
    # no large number rests on it
    assert 'class="value"' not in page


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"weight_kg": "1"}, "weight_kg", "outside the range"),
        ({"dose_1_day": "x"}, "dose_1_day", "Give a number"),
        ({"dose_1_interval_day": ""}, "dose_1_interval_day", "needed for repeated doses"),
        ({"dose_1_dose_g": ""}, "dose_1_dose_g", "needed in a row"),
        ({"level_2_day": "3"}, "level_2_day", "Day 3 stands after day 28"),
        (
            {"level_1_day": "", "level_1_igg_g_per_l": "", "level_3_day": "57", "level_2_day": "60"},
            "level_3_day",
            "order",
        ),
        ({"level_1_igg_g_per_l": "1120"}, "level_1_igg_g_per_l", "outside the range"),
        ({"at_day": "112, 84"}, "at_day", "earlier ones first"),
        ({"at_day": "soon"}, "at_day", "as numbers"),
    ],
)
def test_a_fault_stands_at_its_cell(
    client: TestClient, changed: dict[str, str], field: str, said: str
) -> None:
    found = faults(sent(client, "fit", **changed))
    assert list(found) == [field]
    assert said in found[field]


def test_nothing_given_is_asked_for(client: TestClient) -> None:
    answer = client.post("/levels", data={"weight_kg": "62", "model": "normal", "do": "fit"})
    page = client.get(answer.headers["location"].partition("#")[0]).text
    assert faults(page) == {
        "dose_1_day": "Give at least one dose.",
        "level_1_day": "Give at least one measured level.",
    }


def test_rows_come_and_go(client: TestClient) -> None:
    grown = sent(client, "add-dose")
    assert 'name="dose_2_day"' in grown
    shrunk = sent(client, "remove-level 2")
    assert re.findall(r'name="level_\d_igg_g_per_l"[^>]* value="([^"]*)"', shrunk) == ["11.2", "14"]
    assert faults(grown) == faults(shrunk) == {}


def test_the_last_row_leaves_an_empty_one() -> None:
    texts, part = pressed({"dose_1_day": ("0",), "dose_1_dose_g": ("25",), "do": ("remove-dose 1",)})
    assert (dict(texts), part) == ({"do": ("remove-dose 1",), "dose_1_day": ("",)}, "doses")


def test_a_file_fills_the_rows(client: TestClient) -> None:
    file = {"file": ("toy.csv", (TOY / "doses.csv").read_bytes())}
    answer = client.post("/levels", data={**TYPED, "do": "load"}, files=file)
    page = client.get(answer.headers["location"].partition("#")[0]).text
    assert re.findall(r'name="dose_\d_dose_g"[^>]* value="([^"]*)"', page) == ["7", "3"]
    assert re.findall(r'name="dose_1_infusion_day"[^>]* value="([^"]*)"', page) == ["0.25"]
    # the levels that were typed stay
    assert re.findall(r'name="level_1_day"[^>]* value="([^"]*)"', page) == ["28"]


def test_a_table_of_both_fills_both() -> None:
    raw = b"TIME;AMT;IGG;BLOQ\n0;25;.;.\n28;.;7,5;1\n"
    found = texts_of_file(HeldFile("both.csv", raw), {})
    assert found["dose_1_dose_g"] == ("25",)
    assert found["level_1_igg_g_per_l"] == ("7,5",)
    assert found["level_1_below_limit"] == ("yes",)
    assert "dose_2_day" not in found


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "no columns TIME and AMT"),
        (b"TIME,AMT,RATE\n0,25,5\n", "RATE has no place here"),
        (b"ID,TIME,AMT\n1,0,25\n2,0,25\n", "several people"),
        (b"TIME,AMT\n" + b"".join(b"%d,5\n" % day for day in range(21)), "up to 20"),
        (b"\xff\xfe\x00", "not"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(client: TestClient, raw: bytes, said: str) -> None:
    answer = client.post("/levels", data={**TYPED, "do": "load"}, files={"file": ("x.csv", raw)})
    assert answer.status_code == 422
    assert said in faults(unescape(answer.text))["file"]
    # what was typed is still there
    assert 'value="11.2"' in answer.text


def test_script_in_a_file_is_shown_as_text(client: TestClient) -> None:
    raw = b"TIME,AMT,ROUTE\n0,<script>alert(1)</script>,iv\n"
    answer = client.post("/levels", data={**TYPED, "do": "load"}, files={"file": ("<b>.csv", raw)})
    page = client.get(answer.headers["location"].partition("#")[0]).text
    assert "<script>alert" not in page


def saved(client: TestClient, **changed: str) -> tuple[str, bytes]:
    """The page of a fit, and the file that it is saved as."""
    answer = client.post("/levels", data={**TYPED, **changed, "do": "fit"})
    address = answer.headers["location"].partition("#")[0]
    page = client.get(address).text
    assert f'action="{address}/save"' in page
    file = client.post(f"{address}/save")
    assert file.headers["content-disposition"] == 'attachment; filename="levels.globulin.json"'
    return page, file.content


def without_draft(page: str) -> str:
    return re.sub(r"/levels/[0-9a-f]{32}", "/levels/", page)


def test_what_is_saved_opens_as_it_was(client: TestClient) -> None:
    page, file = saved(client, dose_1_route="sc", level_2_below_limit="yes", at_day="90.5, 112")
    answer = client.post("/levels/open", files={"saved": ("levels.globulin.json", file)})
    assert re.fullmatch(r"/levels/[0-9a-f]{32}", answer.headers["location"])
    again = client.get(answer.headers["location"]).text
    assert without_draft(again).replace("/keep", "") == without_draft(page).replace("/keep", "")
    assert b"11.2" in file
    assert json.loads(file)["doses"][0] == {
        "day": 0.0,
        "dose_g": 25.0,
        "route": "sc",
        "interval_day": 28.0,
        "additional": 4,
    }


@pytest.mark.parametrize(
    ("days", "dose"),
    [(",".join(str(day) for day in range(100, 500)), "25"), ("112", "0.00001")],
    ids=["as many days as can be typed", "a small number"],
)
def test_whatever_was_fitted_opens_again(client: TestClient, days: str, dose: str) -> None:
    _, file = saved(client, at_day=days, dose_1_dose_g=dose)
    answer = client.post("/levels/open", files={"saved": ("levels.globulin.json", file)})
    page = client.get(answer.headers["location"])
    assert page.status_code == 200
    assert f'value="{dose}"' in page.text
    assert 'id="result"' in page.text


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "choose the file of saved levels first|cannot be read as JSON"),
        (b'{"globulin": "plan", "version": 1}', "opens on the screen Plan"),
        (
            b'{"globulin": "levels", "version": 1, "model": "<b>"}',
            "a kind of person that this dossier does not",
        ),
        (
            json.dumps(
                {
                    "globulin": "levels",
                    "version": 1,
                    "model": "normal",
                    "levels": [{"day": day, "igg_g_per_l": 9.0} for day in range(21)],
                }
            ).encode(),
            "there are 21 levels, and up to 20 fit here",
        ),
    ],
)
def test_a_file_that_does_not_open_is_said(client: TestClient, raw: bytes, said: str) -> None:
    answer = client.post("/levels/open", files={"saved": ("x.json", raw)})
    assert answer.status_code == 422
    (words_,) = re.findall(r'<p role="alert"><strong>(.*?)</strong>', answer.text)
    assert re.search(said, unescape(words_), re.IGNORECASE)


def test_what_is_not_whole_is_not_saved(client: TestClient) -> None:
    answer = client.post("/levels", data={**TYPED, "level_1_day": "x", "do": "fit"})
    address = answer.headers["location"].partition("#")[0]
    assert "/save" not in client.get(address).text
    assert client.post(f"{address}/save").status_code == 404


def test_another_screens_draft_is_not_found(client: TestClient) -> None:
    assert client.get(f"/levels/{'0' * 32}").status_code == 404
    assert client.get("/levels/../../etc/passwd").status_code == 404


# --- in a browser --------------------------------------------------------------------------------------


def fill(page: Page) -> None:
    page.get_by_label("Body weight").fill("62")
    for label, value in (("Day", "0"), ("Dose, g", "25"), ("Then every, days", "28"), ("Further doses", "4")):
        page.get_by_label(f"Dose 1, {label}").fill(value)
    for number, (day, level) in enumerate((("28", "11.2"), ("56", "12.1"), ("70", "14")), 1):
        page.get_by_label(f"Level {number}, Day").fill(day)
        page.get_by_label(f"Level {number}, Total IgG, g/L").fill(level)


def test_by_mouse(browser: Browser, served: Served) -> None:
    # axe is put into the page, which the app's own policy would refuse
    with browser.new_context(bypass_csp=True) as context:
        page = entered(context.new_page(), served)
        assert axe(page) == []
        fill(page)
        page.get_by_role("button", name="Work it out").last.click()
        page.wait_for_selector("#result")
        assert page.locator(".large .value").inner_text() == expected_next()
        assert axe(page) == []
        assert overflow(page) == 0
        picture(page, "levels", height=1250)
        page.go_back()
        assert page.locator("#result").count() == 0


def test_faults_are_seen_and_heard(browser: Browser, served: Served) -> None:
    with browser.new_context(bypass_csp=True) as context:
        page = entered(context.new_page(), served)
        fill(page)
        page.get_by_label("Level 2, Day").fill("3")
        page.get_by_role("button", name="Work it out").last.click()
        cell = page.get_by_label("Level 2, Day")
        assert cell.get_attribute("aria-invalid") == "true"
        assert axe(page) == []
        assert overflow(page) == 0


def test_by_keyboard_alone(browser: Browser, served: Served) -> None:
    with browser.new_context() as context:
        page = entered(context.new_page(), served)
        keys = page.keyboard
        page.locator("#weight_kg").focus()
        keys.type("62")
        # kind of person, own IgG, then the first dose
        for text in ("Tab", "Tab", "Tab"):
            keys.press(text)
        keys.type("0")
        for text in ("25", None, "28", "4"):
            keys.press("Tab")
            if text:
                keys.type(text)
        while page.evaluate("document.activeElement.id") != "level_1_day":
            keys.press("Tab")
        for number, (day, level) in enumerate((("28", "11.2"), ("56", "12.1"), ("70", "14")), 1):
            while page.evaluate("document.activeElement.id") != f"level_{number}_day":
                keys.press("Tab")
            keys.type(day)
            keys.press("Tab")
            keys.type(level)
        keys.press("Enter")
        page.wait_for_selector("#result")
        assert page.locator(".large .value").inner_text() == expected_next()


def test_without_scripts(browser: Browser, served: Served) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = entered(context.new_page(), served)
        page.get_by_role("button", name="Add a level").click()
        assert page.get_by_label("Level 4, Day").count() == 1
        fill(page)
        page.get_by_role("button", name="Work it out").last.click()
        assert page.locator(".large .value").inner_text() == expected_next()


def entered(page: Page, served: Served) -> Page:
    """A page of the screen, in a browser that was let in."""
    page.context.add_cookies(
        [{"name": served.door.cookie, "value": served.door.session, "url": served.address}]
    )
    page.goto(f"{served.address}/levels")
    return page
