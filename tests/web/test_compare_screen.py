"""The Compare screen through a real task, by mouse, by keyboard alone and without a script.

The task: the weekly 2 mL into a muscle of the page against 1 g/kg by vein, for 62 kg. By hand: 2 mL of
GamaSTAN at 165 mg/mL are 0.33 g, 0.33 / 62 x 4 = 0.0213 g/kg in 28 days; 1 g/kg x 62 kg = 62 g, for which
40 + 20 + 5 g of Privigen are opened: 65 g at 101.47 USD a gram (J1459, October 2025) are 6,596 USD. The
lowest dose that a trial gave was 467 mg/kg; 21.3 / 467 = 4.6%.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from seen import axe, overflow, picture

from conftest import Served
from globulin.plan_shelf import PlanShelf
from globulin.planning.outlook import Spread
from globulin.web import forms
from globulin.web.screens import compare_fields
from globulin.web.screens.plan_fields import plan_forms
from globulin.web.screens.strips import strips

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def sender(served: Served) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=served.address,
        cookies={served.door.cookie: served.door.session},
        headers={"sec-fetch-site": "same-origin", "origin": served.address},
        timeout=60,
    ) as client:
        yield client


TASK = {
    "weight_kg": "62",
    "product_1": "gamastan",
    "regimen_1": "im_2_ml_weekly",
    "product_2": "privigen",
    "dose_2": "1",
    "dose_unit_2": "dose_g_per_kg",
    "interval_day_2": "28",
}


def fill(page: Page) -> None:
    if not page.url.endswith("/compare"):
        page.get_by_role("navigation", name="Screens").get_by_role("link", name="Compare").click()
        page.wait_for_url("**/compare")
    page.get_by_role("textbox", name="Body weight").fill("62")
    first, second = page.get_by_role("group", name="Regimen 1"), page.get_by_role("group", name="Regimen 2")
    first.get_by_label("Product").select_option("gamastan")
    first.locator("#regimen_1").select_option("im_2_ml_weekly")
    second.get_by_label("Product").select_option("privigen")
    second.get_by_label("Dose each time").fill("1")
    second.get_by_label("Days to the next dose").fill("28")
    page.get_by_role("button", name="Compare").click()


def the_comparison(page: Page) -> None:
    expect(page.get_by_role("article")).to_have_count(2)
    low, high = page.get_by_role("article").all()
    for column, said in (
        (low, ("GamaSTAN", "2 mL into a muscle every week", r"0\.33\sg every week", r"0\.0213\sg/kg")),
        (low, ("an injection", r"4\.6% of the lowest")),
        (high, ("Privigen", r"62\sg every 4 weeks", r"1\sg/kg", r"6,596\sUSD", "5 h 14 min")),
    ):
        for text in said:
            expect(column).to_contain_text(re.compile(text))


def test_by_mouse(browser_page: Page) -> None:
    page = browser_page
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare")
    assert axe(page) == []
    assert overflow(page) == 0
    fill(page)
    the_comparison(page)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/compare/[0-9a-f]{32}", page.url)
    picture(page, "compare")
    assert axe(page) == []
    assert overflow(page) == 0
    # columns stand beside each other where there is room, and below each other on a phone
    left, right = page.get_by_role("article").all()
    page.set_viewport_size({"width": 1440, "height": 900})
    assert left.bounding_box()["y"] == right.bounding_box()["y"]  # type: ignore[index]
    heights = [
        [cell.bounding_box()["y"] for cell in column.locator(".cell").all()]  # type: ignore[index]
        for column in (left, right)
    ]
    assert heights[0] == heights[1]
    page.set_viewport_size({"width": 320, "height": 900})
    assert left.bounding_box()["y"] < right.bounding_box()["y"]  # type: ignore[index]
    # an answer about health changes the verdict, and the form stays as it was
    page.get_by_role("link", name="Health questions").click()
    asked = page.get_by_role("group", name=re.compile("ever had anaphylaxis"))
    asked.get_by_label("Yes").check()
    assert axe(page) == []
    page.get_by_role("button", name="Go on to the comparison").first.click()
    the_comparison(page)
    expect(page.get_by_role("article").first.locator(".verdict")).to_have_text(re.compile("Stop"))
    page.go_back()
    page.go_back()
    expect(page.get_by_role("article").first.locator(".verdict")).to_have_text(re.compile("Caution"))


def test_what_is_wrong_with_one_regimen_stands_there_and_the_others_stand(browser_page: Page) -> None:
    page = browser_page
    fill(page)
    expect(page.get_by_role("article")).to_have_count(2)
    second = page.get_by_role("group", name="Regimen 2")
    second.get_by_label("Way in").select_option("im")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#route_2-error")).to_contain_text("Privigen is made for iv, not for im")
    expect(page.get_by_role("article")).to_have_count(1)
    assert axe(page) == []


def test_by_keyboard_alone(browser_page: Page) -> None:
    page = browser_page

    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the keyboard does not come to {selector}")

    tab_to("nav a[href='/compare']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare")
    for selector, typed in (
        ("#weight_kg", "62"),
        ("#product_1", "Gamas"),
        ("#regimen_1", "2 mL into a muscle e"),
        ("#product_2", "Privi"),
        ("#dose_2", "1"),
        ("#interval_day_2", "28"),
    ):
        tab_to(selector)
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    the_comparison(page)


def test_without_a_script(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.opening)
    fill(page)
    the_comparison(page)
    context.close()


# --- without a browser -----------------------------------------------------------------------------------


def test_a_plan_goes_on_as_the_first_regimen_with_its_person_and_answers(sender: httpx2.Client) -> None:
    saved = (
        '{"globulin": "plan", "version": 1, "patient": {"weight_kg": 62, "has": "migraine"},'
        ' "regimen": {"product": "privigen", "route": "iv", "dose_g_per_kg": 1, "interval_day": 28}}'
    )
    opened = sender.post("/plan/open", files={"file": ("a.globulin.json", saved.encode())})
    draft = opened.headers["location"].split("/")[2]
    there = sender.post(f"/plan/{draft}/compare").headers["location"]
    page = sender.get(there).text
    assert page.count("<article>") == 1
    assert "62 g every 4 weeks" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r'name="is_migraine" value="yes" checked', sender.get(f"{there}/health").text)


def test_an_empty_form_says_what_is_missing(sender: httpx2.Client) -> None:
    page = sender.get(sender.post("/compare", data={"weight_kg": ""}).headers["location"]).text
    assert re.search(r'id="weight_kg-error".*missing', page)
    page = sender.get(sender.post("/compare", data={"weight_kg": "62"}).headers["location"]).text
    assert "Choose at least one product" in page


def test_a_unit_alone_is_no_regimen_and_a_dose_needs_a_product() -> None:
    asked = compare_fields.compare_forms(plan_forms(PlanShelf()))

    def errors(**typed: str) -> dict[str, str]:
        read = forms.read({**TASK, **typed}.items(), asked.fields)
        return dict(compare_fields.read(asked, read.texts)[0].errors)

    assert errors(dose_unit_3="dose_g") == {}
    assert errors(dose_3="5", dose_unit_3="dose_g", interval_day_3="7") == {"product_3": "Choose a product."}
    assert "outside the range" in errors(dose_2="40")["dose_2"]
    assert "How many days" in errors(interval_day_2="")["interval_day_2"]


def test_strips_stand_on_one_scale_from_nought() -> None:
    drawn = strips([("a", "2", Spread(2.0, 1.0, 3.0, 0.5, 4.0)), ("b", "none", None)])
    # the highest end is 4, so the scale ends at 5 in steps of 1
    assert [said for _, said in drawn.ticks] == ["0", "1", "2", "3", "4", "5"]
    first, second = drawn.strips
    assert (first.value, first.models, first.people) == (40.0, (20.0, 60.0), (10.0, 80.0))
    assert (second.value, second.models, second.people) == (None, None, None)
    assert strips([]).strips == ()
