"""What the browser prints: the answer and what it rests on, no forms, light, and as wide as the sheet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from globulin.pages.words import date_words
from globulin.web import views
from web.conftest import Served

pytestmark = pytest.mark.xdist_group("browser")

NOTICE = "It informs; it does not prescribe."
SHEET = 680
"""Pixels across A4 between its margins of 15 mm, at 96 to an inch."""


def read(page: Page) -> None:
    page.locator("#made").wait_for()


def plan(page: Page) -> None:
    page.get_by_role("link", name="Plan", exact=True).click()
    page.locator("#weight_kg").fill("62")
    page.get_by_role("button", name="Go on to health").click()
    page.get_by_role("button", name="Go on").last.click()
    page.locator("#product").select_option("privigen")
    page.locator("#dose").fill("0.4")
    page.locator("#interval_day").fill("28")
    page.locator("[name=route][value=iv]").check()
    page.get_by_role("button", name="Work out the plan").click()
    page.locator("#result h1").wait_for()


def compare(page: Page) -> None:
    page.get_by_role("link", name="Compare", exact=True).click()
    page.locator("#weight_kg").fill("62")
    for number, product in (("1", "privigen"), ("2", "octagam_10")):
        page.locator(f"#product_{number}").select_option(product)
        page.locator(f"#dose_{number}").fill("1")
        page.locator(f"#interval_day_{number}").fill("28")
    page.locator("main").get_by_role("button", name="Compare").click()
    expect(page.get_by_role("article")).to_have_count(2)


def levels(page: Page) -> None:
    page.get_by_role("link", name="Levels", exact=True).click()
    page.locator("#weight_kg").fill("62")
    page.get_by_text("From a file").click()
    table = b"TIME,AMT,ROUTE,II,ADDL,IGG\n0,25,iv,28,6,\n28,,,,,9.4\n56,,,,,10.1\n84,,,,,10.6\n"
    page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": table})
    page.get_by_role("button", name="Put it into the rows").click()
    page.get_by_role("button", name="Work it out").last.click()
    page.locator("#result svg.chart").wait_for()


def prices(page: Page) -> None:
    page.get_by_role("link", name="Prices", exact=True).click()
    page.get_by_role("group", name="Import a list").wait_for()


def price_list(page: Page) -> None:
    prices(page)
    page.locator("a[href='/prices/list/cms_2025q4']").click()
    page.get_by_text("The price of a gram").first.wait_for()


SCREENS: dict[Callable[[Page], None], tuple[tuple[str, ...], tuple[str, ...]]] = {
    # what is on the paper, parts of folds among it, and what is not
    read: (("In one minute", "Sources", "Parts that were folded"), ("Show the answer", "its data as JSON")),
    plan: (
        ("What is given", "Dose and drug by body weight", "Every number, with its sources"),
        ("Change it", "Save this plan", "Answer them", "If a reaction comes"),
    ),
    compare: (("body weight 62 kg", "Mean rise in IgG"), ("Unit", "A third regimen", "Choose")),
    levels: (
        ("The levels fit", "What the levels say of this person", "Body weight 62 kg", "into a vein"),
        ("Add a dose", "Put it into the rows", "Own IgG before treatment", "Save"),
    ),
    prices: (("fourth quarter 2025", "Lists are never mixed"), ("Import", "tick", "this table")),
    price_list: (("The price of a gram", "Not in the list"), ("All price lists", "Remove")),
}


@pytest.fixture(scope="module", params=SCREENS, ids=lambda screen: screen.__name__)
def shown(
    request: pytest.FixtureRequest, browser: Browser, served: Served
) -> Iterator[tuple[Callable[[Page], None], Page]]:
    """A screen after its task, in a browser that is dark."""
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(40_000)
    page.goto(served.opening)
    request.param(page)
    yield request.param, page
    context.close()


def sheets(page: Page) -> list[str]:
    pdf = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
    return [" ".join(sheet.extract_text().split()) for sheet in pdf.pages]


def test_the_answer_is_on_paper_and_the_form_is_not(shown: tuple[Callable[[Page], None], Page]) -> None:
    screen, page = shown
    found = sheets(page)
    whole = " ".join(found)
    wanted, unwanted = SCREENS[screen]
    for words in wanted:
        assert words in whole
    for words in ("Skip to the content", "Runs on this machine only", "Patients", *unwanted):
        assert words not in whole
    assert NOTICE in whole
    assert f"worked out on {date_words(views.today())}" in whole
    for number, sheet in enumerate(found, 1):
        assert "globulin informs; it does not prescribe." in sheet
        assert f"{number} of {len(found)}" in sheet
    # no sheet for the last two lines alone
    assert len(found[-1]) > 300


def test_paper_is_light_and_nothing_is_cut(shown: tuple[Callable[[Page], None], Page]) -> None:
    _, page = shown
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": SHEET, "height": 1000})
    ground, ink = page.evaluate(
        "() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color] }"
    )
    assert (ground, ink) == ("rgb(255, 254, 251)", "rgb(31, 38, 43)")
    cut = page.evaluate(
        """sheet => [...document.querySelectorAll('main *, footer *')].filter(each => {
            const style = getComputedStyle(each);
            if (!each.getClientRects().length || style.position !== 'static') return false;
            const hidden = style.overflowX !== 'visible' && each.scrollWidth > each.clientWidth + 1;
            return hidden || each.getBoundingClientRect().right > sheet + 1;
        }).map(each => each.outerHTML.slice(0, 120))""",
        SHEET,
    )
    assert cut == []
    shown_forms = page.locator("form:visible, button:visible, input:visible, nav:visible")
    expect(shown_forms).to_have_count(0)
    page.emulate_media(media="screen", color_scheme="dark")


def test_of_the_page_what_a_reader_opened_is_printed(browser: Browser, served: Served) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(served.opening)
        read(page)
        page.emulate_media(media="print")
        fold = page.locator("#text-products details").first
        expect(fold.locator("dd").first).to_be_hidden()
        page.emulate_media(media="screen")
        fold.locator("summary").first.click()
        page.emulate_media(media="print")
        expect(fold.locator("dd").first).to_be_visible()
