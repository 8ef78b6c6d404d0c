"""The Read screen against the command line, the static site, and a reader with and without a script."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from globulin.cli import main
from globulin.findings import find
from globulin.library import open_dossier
from globulin.pages.masthead import CONTENTS
from globulin.pages.site import page_html
from globulin.synthesis.opinions import PRIORS
from globulin.web import forms
from globulin.web.desk import Desk
from globulin.web.drafts import Drafts
from globulin.web.screens import read, read_choices
from globulin.web.work import BusyError
from web.conftest import Served
from web.seen import AXE, overflow, picture

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def reader(served: Served) -> Iterator[httpx2.Client]:
    """A browser without a script, as far as it sends requests. The page is computed once for all tests."""
    with httpx2.Client(
        base_url=served.address,
        cookies={served.door.cookie: served.door.session},
        headers={"sec-fetch-site": "same-origin"},
        timeout=60,
    ) as client:
        yield client


@cache
def evidence(*options: str) -> dict[str, Any]:
    """What the command line answers."""
    said = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(said),
        contextlib.suppress(SystemExit),
    ):
        patch.setattr(sys, "argv", ["globulin", "evidence", "--json", *options])
        main()
    found: dict[str, Any] = json.loads(said.getvalue())
    return found


def in_words(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def shown_answer(page: str) -> tuple[str, str, str]:
    """The effect and the ends of its interval, as the page says them."""
    panel = page[page.index('id="answer"') :]
    found = re.search(r'class="value">([^<]+)<.*?between (\S+) and (\S+) \(95%', panel, re.DOTALL)
    assert found
    return found[1], found[2], found[3]


def numbers(document: dict[str, Any], answer: str) -> tuple[str, str, str]:
    first = document["answers"][answer]["policy"]["primary"]
    return in_words(first["estimate"]), in_words(first["ci_lower"]), in_words(first["ci_upper"])


# --- the text ----------------------------------------------------------------------------------------


def test_it_has_the_sections_of_the_site_in_their_order(reader: httpx2.Client) -> None:
    dossier = open_dossier()
    site = page_html(dossier, find(dossier), version="1", made_on=None)
    wanted = re.findall(r'<li><a href="#([\w-]+)">([^<]+)</a></li>', site)
    assert [(anchor, title.replace("&#39;", "'")) for anchor, title in wanted] == list(CONTENTS)
    page = reader.get("/").text
    assert re.findall(r'<section id="([\w-]+)"', page) == [anchor for anchor, _ in CONTENTS]
    # each record of the site can be reached under the same anchor
    anchors = set(re.findall(r'<(?:article|details|li|tr)[^>]* id="([\w-]+)"', site))
    assert len(anchors) > 300
    assert anchors <= set(re.findall(r'id="([\w-]+)"', page))


def test_the_frame_is_sent_before_anything_is_computed() -> None:
    class Never:
        async def run(self, *_: object) -> None:
            raise BusyError

    async def parts() -> list[str]:
        desk = Desk(None, Drafts(), Never())  # type: ignore[arg-type]
        return [part async for part in read._page(desk, forms.Filled(()))]

    # Playwright's loop runs in this thread
    with ThreadPoolExecutor(1) as aside:
        first, fault, last = aside.submit(lambda: asyncio.run(parts())).result()
    assert "Immune globulin in ME/CFS and fibromyalgia</h1>" in first
    assert all(f'href="#{anchor}"' in first for anchor, _ in CONTENTS)
    # and where nothing can be computed, the page says so and comes to its end
    assert "Load the page again" in fault
    assert last.rstrip().endswith("</html>")


# --- choices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "options", "answer"),
    [
        ("", (), "null_censored"),
        ("?prior=sceptical", ("--priors", "sceptical"), "null_censored"),
        ("?prior=enthusiastic&silent=zero", ("--priors", "enthusiastic"), "null_at_zero"),
        ("?prior=own&own_mean=-0.2&own_sd=0.5", ("--priors=-0.2,0.5",), "null_censored"),
        ("?silent=out", (), "numbers_only"),
        ("?as_if.peterson_1990=0.3", ("--as-if", "peterson_1990=0.3"), "null_censored"),
        ("?outcome.lloyd_1990=depression", ("--outcome", "lloyd_1990=depression"), "null_censored"),
        ("?condition=mecfs", ("--condition", "mecfs"), "null_censored"),
    ],
)
def test_it_shows_the_numbers_of_the_command_line(
    reader: httpx2.Client, query: str, options: tuple[str, ...], answer: str
) -> None:
    page = reader.get(f"/{query}")
    assert page.status_code == 200
    assert shown_answer(page.text) == numbers(evidence(*options), answer)


@pytest.mark.parametrize(
    ("query", "options", "beside"),
    [
        ("", (), "to a sceptic"),
        (
            "?prior=sceptical",
            ("--priors", "sceptical", "--priors", "vague"),
            "with almost no opinion beforehand",
        ),
        (
            "?prior=own&own_mean=-0.2&own_sd=0.5",
            ("--priors=-0.2,0.5", "--priors", "sceptical"),
            "to a sceptic",
        ),
    ],
)
def test_the_first_section_has_the_opinion_that_speaks_first(
    reader: httpx2.Client, query: str, options: tuple[str, ...], beside: str
) -> None:
    answers = {name: list(each["bayes"].values()) for name, each in evidence(*options)["answers"].items()}
    first, second = answers["null_censored"][:2]
    section = reader.get(f"/{query}").text.partition("What it is and what it is approved for</h2>")[0]
    said = section.replace("\N{MINUS SIGN}", "-")
    assert f"average effect is {first['median']:.2f} standard deviations" in said
    assert f"{beside}, {second['median']:.2f}" in said
    for silent, words in (
        ("numbers_only", "Without the silent trials, "),
        ("null_at_zero", "with them at zero, "),
    ):
        assert f"{words}{answers[silent][0]['median']:.2f}" in said


def test_the_opinions_are_described_as_they_are_computed() -> None:
    hints = {choice.value or "vague": choice.hint for choice in read_choices.PRIOR.choices}
    for name, (_, words) in PRIORS.items():
        for number in re.findall(r"2\.5%|four|half", words):
            assert number in hints[name].lower()


def test_a_chart_with_choices_that_are_none_is_not_there(reader: httpx2.Client) -> None:
    for query in ("prior=own", "prior=own&own_mean=9e9&own_sd=1", "weight_kg=-1"):
        assert reader.get(f"/read/charts/trials.json?{query}").status_code == 404


def test_the_choices_are_said_as_they_were_understood(reader: httpx2.Client) -> None:
    page = reader.get("/?weight_kg=62+kg").text
    assert "Body weight: 62 kg</li>" in page
    assert reader.get("/dossier.json?weight_kg=62+kg").json()["chosen"] == ["Body weight: 62 kg."]


def test_how_silent_trials_enter_is_no_choice_of_the_files(reader: httpx2.Client) -> None:
    page = reader.get("/?silent=zero&weight_kg=50").text
    assert 'href="/globulin.pdf?weight_kg=50"' in page
    assert "elsewhere all three ways stand side by side" in page
    assert "with your choices:" not in reader.get("/?silent=zero").text


def test_a_condition_without_a_trial_has_no_answer(reader: httpx2.Client) -> None:
    page = reader.get("/?condition=fibromyalgia").text
    assert "No trial can be pooled with these choices" in page
    assert 'class="value"' not in page[page.index('id="answer"') :].partition("</form>")[0]


def test_a_weight_is_that_of_doses_levels_and_costs(reader: httpx2.Client) -> None:
    page = reader.get("/?weight_kg=50").text
    for title in ("Doses compared, for 50 kg", "Predicted mean rise in IgG, for 50 kg"):
        assert title in page
    assert "for 70 kg" not in page


def test_an_address_says_only_what_was_chosen(reader: httpx2.Client) -> None:
    found = reader.get("/?prior=sceptical&own_mean=1&own_sd=&silent=&weight_kg=")
    assert (found.status_code, found.headers["location"]) == (303, "/?prior=sceptical")


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("?prior=own&own_mean=0.2", "own_sd", "Give a number, or choose another opinion above."),
        ("?prior=own&own_mean=0.2&own_sd=0", "own_sd", "outside the range"),
        ("?as_if.peterson_1990=0.78", "as_if.peterson_1990", "outside the range"),
        ("?weight_kg=1e3", "weight_kg", "Give a number in kg, such as 62."),
        ("?condition=x", "condition", "Choose one of the answers"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    reader: httpx2.Client, query: str, field: str, words: str
) -> None:
    page = reader.get(f"/{query}")
    assert page.status_code == 422
    error = re.search(rf'id="{re.escape(field)}-error">(.*?)</p>', page.text, re.DOTALL)
    assert error
    assert words in error[1]
    # the rest of the page is the page's own
    assert shown_answer(page.text) == numbers(evidence(), "null_censored")


@pytest.mark.parametrize("query", ["?nobody=asked", "?prior=sceptical&prior=own", "?weight_kg=" + "9" * 300])
def test_what_the_form_did_not_ask_is_refused(reader: httpx2.Client, query: str) -> None:
    page = reader.get(f"/{query}")
    assert page.status_code == 422
    assert "This form could not be read" in page.text


def test_what_is_typed_is_shown_as_text(reader: httpx2.Client) -> None:
    page = reader.get("/", params={"weight_kg": '"><script>alert(1)</script>'})
    assert page.status_code == 422
    assert "<script>alert" not in page.text


# --- to take along -----------------------------------------------------------------------------------

CHOSEN = "?prior=own&own_mean=0.2&own_sd=0.5&silent=zero&as_if.peterson_1990=0.3&weight_kg=50"


def links(page: str) -> list[str]:
    """Where the page's own files are offered."""
    place = re.search(r'<p id="take".*?</p>', page, re.DOTALL)
    assert place
    return [unescape(address) for address in re.findall(r'href="([^"]+)" download', place[0])]


@pytest.mark.parametrize("query", ["", CHOSEN])
def test_the_files_of_the_page_are_offered_with_its_choices(reader: httpx2.Client, query: str) -> None:
    page = reader.get(f"/{query}").text
    # how silent trials enter moves one answer of the page, and none of the files
    chosen = query.replace("&silent=zero", "")
    assert links(page) == [f"/globulin.pdf{chosen}", f"/dossier.json{chosen}"]
    # where the static site links to files beside it, this page leads to the place where it offers them
    assert page.count('href="#take">globulin.pdf</a>') == page.count('href="#take">dossier.json</a>') == 1
    for address, kind in zip(links(page), ("application/pdf", "application/json"), strict=True):
        found = reader.get(address)
        assert (found.status_code, found.headers["content-type"]) == (200, kind)
        name = address.removeprefix("/").partition("?")[0]
        assert found.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert found.headers["cache-control"] == "no-store"


def test_the_script_moves_the_links_with_the_choices(reader: httpx2.Client) -> None:
    assert links(part(reader, "?prior=sceptical&shown=").text)[0] == "/globulin.pdf?prior=sceptical"


def paper_text(reader: httpx2.Client, query: str) -> str:
    pdf = reader.get(f"/globulin.pdf{query}").content
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_the_paper_says_first_that_it_is_not_the_page_as_it_stands(reader: httpx2.Client) -> None:
    assert "This is not the page as it stands" not in paper_text(reader, "")
    text = paper_text(reader, CHOSEN)
    start = text[: text.index("In one minute")]
    assert "This is not the page as it stands" in start
    assert "an effect around 0.2, with an SD of 0.5" in start
    assert "What if Peterson 1990 had found: 0.3 standard deviations" in start
    assert "Body weight: 50 kg" in start
    # all three answers stand in the file, whichever of them the screen shows
    assert "As exactly zero" not in start


@pytest.mark.parametrize("prior", ["0.2,0.5", "sceptical"])
def test_the_paper_puts_each_opinion_under_its_own_name(reader: httpx2.Client, prior: str) -> None:
    query = "?prior=own&own_mean=0.2&own_sd=0.5" if "," in prior else f"?prior={prior}"
    text = paper_text(reader, query)
    document = evidence(*(f"--priors={name}" for name in (prior, *(n for n in PRIORS if n != prior))))
    names = [name if name in PRIORS else "your own" for name in document["answers"]["numbers_only"]["bayes"]]
    table = text[text.index("Table 4") :]
    # the headings in the order of the numbers below them
    places = [table.index(f"Bayes, {name} prior") for name in names]
    assert places == sorted(places)
    for answer in document["answers"].values():
        numbers = [
            f"{in_words(bayes['median'])} ({in_words(bayes['ci_lower'])} to {in_words(bayes['ci_upper'])});"
            for bayes in answer["bayes"].values()
        ]
        assert all(number in table for number in numbers)
        row = [table.index(number) for number in numbers]
        assert row == sorted(row)


@pytest.mark.parametrize("query", ["", CHOSEN, "?condition=fibromyalgia"])
def test_the_data_hold_what_was_chosen_and_what_came_of_it(reader: httpx2.Client, query: str) -> None:
    found = reader.get(f"/dossier.json{query}").json()
    schema = Path(__file__).parents[2] / "docs" / "schema" / "dossier_json.schema.json"
    jsonschema_rs.validate(json.loads(schema.read_text(encoding="utf-8")), found)
    assert len(found["chosen"]) == {"": 0, CHOSEN: 3}.get(query, 1)
    assert found["results"]["weight_kg"] == (50 if "weight" in query else 70)
    if query == CHOSEN:
        answer = next(each for each in found["results"]["trials"]["answers"] if each["id"] == "null_censored")
        said = evidence("--priors=0.2,0.5", "--as-if", "peterson_1990=0.3")
        assert answer["bayes"][0]["median"] == said["answers"]["null_censored"]["bayes"]["0.2,0.5"]["median"]


def test_there_is_a_paper_where_no_trial_can_be_pooled(reader: httpx2.Client) -> None:
    assert "Whose trials count: Fibromyalgia only" in paper_text(reader, "?condition=fibromyalgia")


@pytest.mark.parametrize("name", ["globulin.pdf", "dossier.json"])
@pytest.mark.parametrize(
    "query", ["?prior=own", "?weight_kg=1", "?nobody=asked", "?prior=a&prior=b", "?as_if.peterson_1990=9"]
)
def test_there_is_no_file_for_what_cannot_be(reader: httpx2.Client, name: str, query: str) -> None:
    found = reader.get(f"/{name}{query}")
    assert found.status_code == 422
    assert "content-disposition" not in found.headers


# --- only what changes -------------------------------------------------------------------------------


def part(reader: httpx2.Client, query: str) -> httpx2.Response:
    return reader.get(f"/{query}", headers={"hx-request": "true"})


def swapped(answer: httpx2.Response) -> set[str]:
    return set(re.findall(r'<\w+ id="([\w.-]+)"[^>]* hx-swap-oob', answer.text))


ALWAYS = {"answer", "yours", "take", "told"}


def test_the_script_gets_only_the_blocks_that_differ(reader: httpx2.Client) -> None:
    found = part(reader, "?prior=sceptical&shown=")
    assert found.headers["hx-push-url"] == "/?prior=sceptical"
    blocks = swapped(found) - ALWAYS
    assert blocks
    assert {block.split("-")[1] for block in blocks} <= {"minute", "trials", "claims", "made"}
    before, after = reader.get("/").text, reader.get("/?prior=sceptical").text
    for anchor, _ in CONTENTS:
        for number in range(1, 120):
            name = f"text-{anchor}-{number}"
            if f'id="{name}"' in before:
                same = block_of(before, name) == block_of(after, name)
                assert same == (name not in blocks), name


def block_of(page: str, name: str) -> str:
    start = page.index(f'<div id="{name}"')
    inside = page[page.index(">", start) + 1 :]
    return re.split(r'<div id="text-|</section>', inside, maxsplit=1)[0]


def test_another_of_the_three_answers_changes_no_block(reader: httpx2.Client) -> None:
    assert swapped(part(reader, "?silent=zero&shown=")) == ALWAYS


def test_a_section_with_other_blocks_is_swapped_whole(reader: httpx2.Client) -> None:
    found = swapped(part(reader, "?condition=fibromyalgia&shown="))
    assert "text-trials" in found
    assert not any(name.startswith("text-trials-") for name in found)


def test_a_faulty_choice_swaps_the_questions_alone(reader: httpx2.Client) -> None:
    found = part(reader, "?prior=own&own_mean=x&now=yes&shown=")
    assert "hx-push-url" not in found.headers
    assert swapped(found) == {"questions", "weight-question", "answer-h"}
    # once all is clear the questions are drawn again, without the faults
    cleared = part(reader, "?faulty=yes&shown=")
    assert {"questions", "weight-question"} <= swapped(cleared)


# --- in a browser ------------------------------------------------------------------------------------


def test_a_choice_by_keyboard_moves_the_answer_and_nothing_else(browser_page: Page) -> None:
    page = browser_page
    fold = page.locator("#text-trials details", has_text="Every method side by side").first
    fold.locator("summary").first.click()
    page.locator('[name="prior"][value=""]').focus()
    page.keyboard.press("ArrowDown")
    wanted = numbers(evidence("--priors", "sceptical"), "null_censored")
    expect(page.locator("#answer .value")).to_have_text(wanted[0])
    expect(page.locator("#answer .words")).to_contain_text(f"between {wanted[1]} and {wanted[2]}")
    expect(page.locator("#told")).to_contain_text(f"The answer is now {wanted[0]}")
    expect(page.locator("#yours")).to_contain_text("choices of your own")
    assert page.url.endswith("/?prior=sceptical")
    assert page.evaluate("document.activeElement.value") == "sceptical"
    expect(fold).to_have_attribute("open", "")
    # own numbers are asked for where they are wanted
    expect(page.locator("#own_mean")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    wanted = numbers(evidence("--priors", "enthusiastic"), "null_censored")
    expect(page.locator("#answer .value")).to_have_text(wanted[0])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("0.2")
    page.keyboard.press("Enter")
    expect(page.locator("#own_sd-error")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "own_mean"
    page.keyboard.press("Tab")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    expect(page.locator("#own_sd-error")).to_have_count(0)
    own = numbers(evidence("--priors", "0.2,0.5"), "null_censored")
    expect(page.locator("#answer .value")).to_have_text(own[0])
    page.go_back()
    expect(page.locator('[name="prior"][value="enthusiastic"]')).to_be_checked()
    expect(page.locator("#answer .value")).to_have_text(wanted[0])


def test_back_gives_the_whole_page_of_the_state_before(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.opening)
    page.locator('[name="prior"][value="sceptical"]').check()
    expect(page.locator("#yours")).to_contain_text("choices of your own")
    page.locator('[name="prior"][value="enthusiastic"]').check()
    expect(page).to_have_url(f"{served.address}/?prior=enthusiastic")
    # nothing of the page is kept anywhere, so it is asked for again
    devtools = context.new_cdp_session(page)
    devtools.send("Network.clearBrowserCache")
    asked: list[dict[str, str]] = []
    page.on("request", lambda sent: asked.append(sent.headers) if sent.is_navigation_request() else None)
    page.go_back()
    expect(page.locator('[name="prior"][value="sceptical"]')).to_be_checked()
    expect(page.locator("main section")).to_have_count(len(CONTENTS))
    expect(page.locator("header.bar nav a[aria-current]")).to_have_text("Read")
    assert "doctype" in page.evaluate("document.doctype && '<!doctype ' + document.doctype.name")
    assert asked
    assert not any(name.startswith("hx-") for headers in asked for name in headers)
    context.close()


@pytest.mark.parametrize("width", [320, 1100, 2200])
def test_what_stands_above_does_not_move_from_screen_to_screen(browser_page: Page, width: int) -> None:
    page = browser_page
    page.set_viewport_size({"width": width, "height": 900})
    places = set()
    for name in ("Read", "Plan", "Compare", "Levels", "Prices"):
        page.get_by_role("navigation", name="Screens").get_by_role("link", name=name).click()
        expect(page.locator("nav a[aria-current]")).to_have_text(name)
        # the page arrives in parts, its style after its first lines
        page.wait_for_function("() => getComputedStyle(document.body).fontFamily.includes('Source Sans')")
        places.add(
            page.evaluate(
                "['.brand', '.bar nav', 'main'].map(each =>"
                " document.querySelector(each).getBoundingClientRect().left).join()"
            )
        )
    assert len(places) == 1


def test_the_apps_style_leaves_the_parts_of_the_page_as_they_are(browser_page: Page) -> None:
    page = browser_page
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator("#made")).to_be_visible()
    bent = page.evaluate(
        """() => [...document.querySelectorAll('main article.entry')].filter(each =>
            getComputedStyle(each).display !== 'block'
            || [...each.querySelectorAll(':scope > p')].some(line => line.offsetHeight > 400))
            .map(each => each.id)"""
    )
    assert page.locator("main article.entry").count() > 30
    assert bent == []


def test_every_control_is_reached_by_keyboard(browser_page: Page) -> None:
    page = browser_page
    page.locator("#choices details summary").click()
    names = page.evaluate(
        "[...new Set([...document.forms.choices.elements].map(e => e.name))].filter(n => n)"
    )
    page.locator('[name="prior"]').first.focus()
    reached = set()
    for _ in range(30):
        reached.add(page.evaluate("document.activeElement.name ?? ''"))
        page.keyboard.press("Tab")
    # own numbers are hidden until asked for, and the weight stands with the doses
    assert set(names) - reached <= {"own_mean", "own_sd", "weight_kg"}
    page.locator("#weight_kg").focus()
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    expect(page.locator("#text-doses figcaption").first).to_have_text("Doses compared, for 50 kg")


def test_it_reads_and_answers_without_a_script(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.opening)
    expect(page.locator("main section")).to_have_count(len(CONTENTS))
    expect(page.locator(".coming")).to_be_hidden()
    expect(page.locator("#chart-forest")).to_be_visible()
    page.locator('[name="prior"][value="sceptical"]').check()
    page.get_by_role("button", name="Show the answer").click()
    wanted = numbers(evidence("--priors", "sceptical"), "null_censored")
    expect(page.locator("#answer .value")).to_have_text(wanted[0])
    assert page.url.endswith("/?prior=sceptical#trials")
    context.close()


def test_axe_finds_nothing_in_the_choices(browser: Browser, served: Served) -> None:
    # the text is the site's, which has its own test; here it is what stands around it
    context = browser.new_context(color_scheme="light", bypass_csp=True)
    page = context.new_page()
    page.goto(served.opening)
    page.locator('[name="prior"][value="own"]').check()
    page.locator("#choices details summary").click()
    page.get_by_role("button", name="Show the answer").click()
    expect(page.locator("#own_sd-error")).to_be_visible()
    page.locator("#trials-summary").scroll_into_view_if_needed()
    expect(page.locator(".live svg").first).to_be_visible()
    page.evaluate(AXE)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast", "link-in-text-block") == []
    context.close()


def violations(page: Page, *rules: str) -> list[tuple[str, str]]:
    """What axe finds by these rules (none: by all of them)."""
    options: dict[str, object] = {"resultTypes": ["violations"], "elementRef": False, "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    around = ["header.bar", ".head", "nav.contents", "#choices", ".lively", "#weight-question", "footer"]
    found = page.evaluate("([parts, o]) => axe.run({include: parts.map(p => [p])}, o)", [around, options])
    assert found["passes"]
    return [(each["id"], node["html"][:160]) for each in found["violations"] for node in each["nodes"]]


def test_nothing_is_wider_than_a_narrow_screen(browser_page: Page) -> None:
    browser_page.locator("#choices details summary").click()
    assert overflow(browser_page) == 0
    browser_page.locator("#choices details summary").click()
    picture(browser_page, "read", at="#trials")
