"""The Plan screen through a real task, by mouse, by keyboard alone and without a script.

The task: a 62 kg woman, 0.4 g/kg every 28 days, migraine, an oral contraceptive. By hand: 62 kg x 0.4 g/kg =
24.8 g; at Privigen's 100 mg/mL that is 248 mL; a 20 g and a 5 g vial hold it; 25 g at 101.47 USD a gram
(J1459 in the CMS list of October 2025) are 2,537 USD.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader
from seen import axe, overflow, picture

from conftest import Served
from globulin.asked import InfusionAsked, PatientAsked, PriceAsked, RegimenAsked
from globulin.errors import InputError
from globulin.formats.saved_file import SavedPlan, read_saved
from globulin.plan_shelf import PlanShelf
from globulin.web import forms
from globulin.web.screens import plan_answers, plan_fields, plan_questions

pytestmark = pytest.mark.xdist_group("browser")

SAVED = SavedPlan(
    patient=PatientAsked(weight_kg=62.0, sex="female", has="migraine,oestrogen"),
    regimen=RegimenAsked(product="privigen", route="iv", dose_g_per_kg=0.4, interval_day=28.0),
)
"""What the task asks for."""


@pytest.fixture(scope="module")
def sender(served: Served) -> Iterator[httpx2.Client]:
    """A browser without a script, as far as it sends requests."""
    with httpx2.Client(
        base_url=served.address,
        cookies={served.door.cookie: served.door.session},
        headers={"sec-fetch-site": "same-origin", "origin": served.address},
        timeout=60,
    ) as client:
        yield client


@contextmanager
def without_script(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.opening)
    yield page
    context.close()


def fill_person(page: Page) -> None:
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Plan").click()
    page.get_by_role("textbox", name="Body weight").fill("62")
    page.get_by_label("Female").check()
    page.get_by_role("button", name="Go on to health").click()


def fill_health(page: Page) -> None:
    for question in ("Does this person have migraine", "Does this person use oestrogen"):
        asked = page.get_by_role("group", name=re.compile(question))
        asked.get_by_label("Yes").check()
    page.get_by_role("button", name="Go on to product and dose").last.click()


def fill_dose(page: Page) -> None:
    page.get_by_label("Dose each time").fill("0.4")
    page.get_by_label("Days from one dose").fill("28")
    page.get_by_label("Into a vein").check()
    page.get_by_role("button", name="Work out the plan").click()


def listening(page: Page) -> None:
    """Wait until the script listens for back and forward: it begins to by a timer, once it has run."""
    page.wait_for_load_state("load")
    page.evaluate("() => new Promise(done => setTimeout(done))")


def the_plan(page: Page) -> None:
    """What must stand on the page of the task."""
    expect(page.get_by_role("heading", level=1)).to_have_text("24.8 g of Privigen")
    said = page.locator("#result")
    expect(said).to_contain_text("24.8 g in 248 mL")
    expect(said).to_contain_text(re.compile(r"1\s.\s20\sg\s\(200\smL\) and 1\s.\s5\sg\s\(50\smL\)"))
    expect(said).to_contain_text(re.compile(r"2,537\sUSD"))
    expect(said.locator(".verdict").first).to_have_text(re.compile("Caution: two reasons"))
    expect(said).to_contain_text("Here: oestrogen use")
    expect(said).to_contain_text("Here: migraine")


def at_result(url: str) -> bool:
    """Whether an address is that of a plan and holds nothing but a random id."""
    return re.fullmatch(r"http://127\.0\.0\.1:\d+/plan/[0-9a-f]{32}/result", url) is not None


def test_by_mouse_with_back_forward_save_open_and_papers(browser_page: Page, tmp_path: Path) -> None:
    page = browser_page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    fill_person(page)
    assert axe(page) == []
    fill_health(page)
    fill_dose(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a product")
    assert axe(page) == []
    page.get_by_role("button", name="Choose Privigen").click()
    the_plan(page)
    picture(page, "plan")
    assert axe(page) == []
    assert overflow(page) == 0
    first = page.url
    # a change answers in place: the page is not loaded again, so what a script left on it stays
    page.evaluate("() => { window.here = true }")
    page.get_by_role("textbox", name="Body weight").fill("70")
    page.get_by_role("textbox", name="Body weight").blur()
    expect(page.get_by_role("heading", level=1)).to_have_text("28 g of Privigen")
    assert page.evaluate("() => window.here === true")
    page.wait_for_url(lambda url: url != first)
    assert at_result(page.url)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("24.8 g of Privigen")
    expect(page.get_by_role("textbox", name="Body weight")).to_have_value("62")
    listening(page)
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("28 g of Privigen")
    listening(page)
    page.go_back()
    the_plan(page)

    with page.expect_download() as saving:
        page.get_by_role("button", name="Save this plan").click()
    file = tmp_path / saving.value.suggested_filename
    saving.value.save_as(file)
    assert file.name.endswith(".globulin.json")
    assert read_saved(file.read_bytes()) == SAVED
    for button, words in (("Plan (PDF)", "24.8"), ("Patient sheet (PDF)", "24.8"), ("Letter", "Privigen")):
        with page.expect_download() as printing:
            page.get_by_role("button", name=button).click()
        pdf = PdfReader(printing.value.path())
        assert words in " ".join(sheet.extract_text() for sheet in pdf.pages)

    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Plan").click()
    page.get_by_label("A file that ends in .globulin.json").set_input_files(file)
    page.get_by_role("button", name="Open").click()
    the_plan(page)
    assert not [url for url in asked if "?" in url or "migraine" in url]


def test_what_is_wrong_stands_at_its_field_and_a_stop_is_a_stop(browser_page: Page) -> None:
    page = browser_page
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Plan").click()
    assert axe(page) == []
    page.get_by_role("textbox", name="Body weight").fill("nine")
    page.get_by_role("button", name="Go on to health").click()
    weight = page.get_by_role("textbox", name="Body weight")
    expect(weight).to_have_attribute("aria-invalid", "true")
    expect(weight).to_have_accessible_description(re.compile("Give a number in kg, such as 62"))
    assert axe(page) == []
    weight.fill("62")
    page.get_by_role("button", name="Go on to health").click()
    severe = page.get_by_role("group", name=re.compile("ever had anaphylaxis"))
    severe.get_by_label("Yes").check()
    assert axe(page) == []
    page.get_by_role("button", name="Go on to product and dose").last.click()
    page.get_by_role("button", name="Work out the plan").click()
    expect(page.get_by_label("Dose each time")).to_have_accessible_description(re.compile("Give a dose, or"))
    assert axe(page) == []
    page.locator("#product").select_option("privigen")
    page.get_by_label("Dose each time").fill("0.4")
    page.get_by_label("Days from one dose").fill("28")
    # what only the planner knows comes back to the field that it is about
    page.get_by_label("Into a muscle").check()
    page.get_by_role("button", name="Work out the plan").click()
    expect(page.locator("#route-error")).to_contain_text("Privigen is made for iv, not for im")
    page.get_by_label("Into a vein").check()
    page.get_by_role("button", name="Work out the plan").click()
    expect(page.locator("#result .verdict").first).to_have_text(re.compile("Stop: .*anaphylaxis"))
    assert axe(page) == []
    # a reaction, in place: out of the infusion, then within it
    page.get_by_text("If a reaction comes").click()
    page.get_by_label("A reaction came at minute").fill("900")
    page.get_by_role("button", name="Plan the rest from there").click()
    expect(page.locator("#reaction_at-error")).to_contain_text("not within the infusion")
    assert axe(page) == []
    page.get_by_label("A reaction came at minute").fill("75")
    page.get_by_role("button", name="Plan the rest from there").click()
    expect(page.get_by_role("cell", name="stopped", exact=True)).to_be_visible()
    # nothing typed beside the plan is lost where it is wrong
    page.get_by_role("textbox", name="Body weight").fill("900")
    page.get_by_role("textbox", name="Body weight").blur()
    expect(page.locator("#weight_kg-error")).to_contain_text("outside the range")
    expect(page.get_by_role("textbox", name="Body weight")).to_have_value("900")
    expect(page.get_by_label("A reaction came at minute")).to_have_count(0)


def test_by_keyboard_alone(browser_page: Page) -> None:
    page = browser_page

    def tab_to(selector: str, most: int = 150) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the keyboard does not come to {selector}")

    tab_to("nav a[href='/plan']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/plan")
    tab_to("#weight_kg")
    page.keyboard.type("62")
    tab_to("[name=sex]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/health")
    for name in ("is_oestrogen", "is_migraine"):
        # the arrows go on from "not asked" to "yes", round the end
        tab_to(f"[name={name}]")
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dose")
    tab_to("#product")
    page.keyboard.type("Privi")
    tab_to("#dose")
    page.keyboard.type("0.4")
    tab_to("#interval_day")
    page.keyboard.type("28")
    tab_to("[name=route]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/result")
    the_plan(page)


def test_without_a_script(browser: Browser, served: Served) -> None:
    with without_script(browser, served) as page:
        fill_person(page)
        fill_health(page)
        fill_dose(page)
        page.get_by_role("button", name="Choose Privigen").click()
        the_plan(page)
        page.get_by_role("textbox", name="Body weight").fill("70")
        page.get_by_role("button", name="Work it out again").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("28 g of Privigen")
        assert at_result(page.url)
        page.go_back()
        the_plan(page)


# --- without a browser -----------------------------------------------------------------------------------


def test_a_file_that_is_no_saved_plan_is_answered_in_one_line(sender: httpx2.Client) -> None:
    for raw, words in (
        (b"{", "damaged"),
        (b'{"globulin": "plan", "version": 2}', "newer globulin"),
        (b'{"globulin": "plan", "version": 1, "patient": {"has": "gout"}}', "a question that this dossier"),
        (b'{"globulin": "plan", "version": 1, "regimen": {"product": "elixir"}}', "Product: this plan names"),
        (b"x" * 300_000, "too large"),
    ):
        answer = sender.post("/plan/open", files={"file": ("a.globulin.json", raw)})
        assert answer.status_code == 422
        assert words in answer.text
    # what a browser sends where no file was chosen
    nothing = sender.post(
        "/plan/open",
        content=b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--x--\r\n',
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert "Choose the file of a saved plan first" in nothing.text


def test_a_plan_that_is_not_finished_opens_where_it_stands(sender: httpx2.Client) -> None:
    def opened(text: str) -> str:
        answer = sender.post("/plan/open", files={"file": ("a.globulin.json", text.encode())})
        assert answer.status_code == 303
        return answer.headers["location"].rpartition("/")[2]

    head = '"globulin": "plan", "version": 1'
    assert opened(f"{{{head}}}") == "person"
    assert opened(f'{{{head}, "patient": {{"weight_kg": 62}}}}') == "dose"


def test_script_in_a_text_is_text(sender: httpx2.Client) -> None:
    first = sender.post("/plan", data={"weight_kg": "<script>alert(1)</script>"}).headers["location"]
    page = sender.get(first).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_what_is_no_step_no_draft_or_no_answer_is_refused(sender: httpx2.Client) -> None:
    first = sender.post("/plan", data={"weight_kg": "62"}).headers["location"]
    draft = first.split("/")[2]
    assert sender.get(f"/plan/{draft}/elsewhere").status_code == 404
    assert sender.get(f"/plan/{'0' * 32}/person").status_code == 404
    assert sender.get(f"/plan/{'0' * 32}/result").status_code == 404
    assert sender.post(f"/plan/{draft}/papers/plan").status_code == 404
    assert sender.post("/plan", data={"weight_kg": "62", "admin": "1"}).status_code == 422
    assert sender.get(f"/compare/{draft}").status_code == 404
    assert sender.get(f"/plan/{draft}/result").headers["location"] == f"/plan/{draft}/dose"
    assert sender.get(f"/plan/{draft}").headers["location"] == f"/plan/{draft}/dose"


# --- fields and records ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf() -> PlanShelf:
    return PlanShelf()


def test_a_saved_plan_opens_as_the_form_that_asks_for_it(shelf: PlanShelf) -> None:
    asked = plan_fields.plan_forms(shelf)
    saved = SavedPlan(
        patient=PatientAsked(
            weight_kg=58.25,
            height_cm=171,
            sex="female",
            age_year=41,
            baseline_g_per_l=9.8,
            pre_pregnancy_weight_kg=55,
            has="migraine,oestrogen",
            has_not="diabetes",
        ),
        regimen=RegimenAsked(
            product="privigen",
            regimen="iv_1_g_per_kg_28d",
            route="iv",
            dose_mg_per_kg=400,
            interval_day=21,
            split_over_days=2,
            doses=6,
            cap_g=80,
            weight_basis="ideal",
            rounding="vials_down",
        ),
        infusion=InfusionAsked(
            indication="cidp",
            later=True,
            infusion_number=5,
            max_rate_mg_per_kg_min=2,
            step_minutes=20,
            step_factor=1.5,
            sites=2,
            reaction_at=75,
            pause_minutes=15,
            resume="half",
            raise_again=True,
        ),
        price=PriceAsked(price_list="cms_2025q4", price_per_vial="5=460,10=910", currency="USD"),
    )
    texts = plan_answers.texts_of(saved, asked, shelf)
    steps = {
        step: plan_answers.read_step(asked, step, texts) for step in ("person", "health", "dose", "reaction")
    }
    assert [dict(filled.errors) for filled in steps.values()] == [{}, {}, {}, {}]
    assert plan_answers.asked_of(steps) == saved


def test_a_risk_without_a_reason_is_the_answer_to_the_last_question_of_its_group(shelf: PlanShelf) -> None:
    asked = plan_fields.plan_forms(shelf)
    saved = SavedPlan(patient=PatientAsked(weight_kg=62, risk="renal"))
    assert plan_answers.texts_of(saved, asked, shelf)["is_renal_risk"] == ("yes",)


def test_every_condition_is_asked_once_and_what_could_stop_comes_first(shelf: PlanShelf) -> None:
    groups = plan_fields.plan_forms(shelf).groups
    asked = [name for group in groups for name in group.questions]
    assert sorted(asked) == sorted(f"is_{name}" for name in shelf.conditions)
    stops = [group.could_stop for group in groups]
    assert stops == sorted(stops, reverse=True)
    for_men = plan_questions.open_to(groups, shelf, "male")
    assert "is_pregnancy" not in {name for group in for_men for name in group.questions}


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"dose": "400", "dose_unit": "dose_g_per_kg"}, "dose", "400 g/kg is outside the range"),
        ({"dose": "400"}, "dose_unit", "Choose the unit"),
        ({"dose": "0", "dose_unit": "dose_g"}, "dose", "0 g is outside the range"),
        ({}, "dose", "Give a dose, or choose a regimen"),
        ({"dose": "0.4", "dose_unit": "dose_g_per_kg"}, "interval_day", "How many days"),
        ({"dose": "abc", "interval_day": "28"}, "dose", "Give a number"),
    ],
)
def test_what_the_fields_of_a_dose_show_together(
    shelf: PlanShelf, typed: dict[str, str], field: str, words: str
) -> None:
    fields = plan_fields.plan_forms(shelf).dose
    filled = plan_answers.checked_dose(forms.read(typed.items(), fields))
    assert words in filled.errors[field]


@pytest.mark.parametrize(
    ("refused", "field", "words"),
    [
        ("--dose-mg-per-kg 0: give a dose above 0", "dose", "Dose each time 0: give a dose above 0."),
        ("--route: Privigen is made for iv", "route", "Privigen is made for iv."),
        (
            "--once and --interval-day cannot both hold; give one of them",
            "once",
            "Given once, not repeated and Days from one dose to the next cannot both hold; give one of them.",
        ),
        ("the label has no step", "", "The label has no step."),
    ],
)
def test_a_refusal_in_words_of_options_comes_to_its_field(
    shelf: PlanShelf, refused: str, field: str, words: str
) -> None:
    empty = forms.Filled(plan_fields.plan_forms(shelf).dose)
    assert plan_answers.blamed(empty, InputError(refused)).errors == {field: words}


def test_what_is_saved_is_what_was_said(sender: httpx2.Client) -> None:
    """The file through the app, without a browser: what goes in comes out."""
    text = json.dumps(
        {
            "globulin": "plan",
            "version": 1,
            "patient": {"weight_kg": 62.0, "sex": "female", "has": "migraine,oestrogen"},
            "regimen": {"product": "privigen", "route": "iv", "dose_g_per_kg": 0.4, "interval_day": 28.0},
            "letter": {"patient_name": "A. Person", "diagnoses": [{"code": "G93.32", "text": "ME/CFS"}]},
        }
    )
    there = sender.post("/plan/open", files={"file": ("a.globulin.json", text.encode())})
    draft = there.headers["location"].split("/")[2]
    saved = sender.post(f"/plan/{draft}/save")
    assert saved.headers["content-disposition"] == 'attachment; filename="plan.globulin.json"'
    assert "no-store" in saved.headers["cache-control"]
    assert read_saved(saved.content) == read_saved(text.encode())
    letter = sender.post(f"/plan/{draft}/papers/letter")
    assert "A. Person" in PdfReader(io.BytesIO(letter.content)).pages[0].extract_text()
