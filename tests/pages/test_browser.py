"""The page in a real browser: accessible in both themes, without script or network, narrow, and on paper.

axe.min.js is axe-core 4.14.1 as published on npm (MPL-2.0); it runs inside the page under test only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from globulin.findings import find
from globulin.library import open_dossier
from globulin.pages.site import page_html, write_site

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).with_name("axe.min.js")

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("built") / "page"
    dossier = open_dossier()
    beside = {"globulin.pdf": b"%PDF-1.7", "dossier.json": b"{}"}
    html = page_html(dossier, find(dossier), version="1", made_on=date(2025, 11, 22))
    write_site(out, html, beside)
    return (out / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield started
        started.close()


def open_page(browser: Browser, address: str, **options: object) -> Page:
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    page.goto(address)
    return page


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [("light", None), ("dark", ["color-contrast", "link-in-text-block"])],
    ids=["light, every rule", "dark, the rules that depend on colour"],
)
def test_axe_finds_nothing_with_everything_opened(
    browser: Browser, address: str, scheme: str, rules: list[str] | None
) -> None:
    # the page forbids script by its own policy; axe has to be let past it
    page = open_page(browser, address, color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    options: dict[str, object] = {"resultTypes": ["violations"], "elementRef": False, "preload": False}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = page.evaluate("options => axe.run(document, options)", options)
    violations = [
        (violation["id"], node["html"][:160], node["failureSummary"])
        for violation in found["violations"]
        for node in violation["nodes"][:3]
    ]
    assert not violations
    assert found["passes"]
    page.context.close()


def test_no_request_leaves_the_folder_and_the_font_is_ours(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    folder = address.removesuffix("index.html")
    assert all(url.startswith((folder, "data:")) for url in asked), asked
    assert any(url.endswith("SourceSans3VF-Upright.woff2") for url in asked)
    assert page.evaluate("document.fonts.check('16px \"Source Sans 3\"')")
    assert not problems
    context.close()


def test_everything_is_readable_without_script(browser: Browser, address: str) -> None:
    page = open_page(browser, address, java_script_enabled=False)
    assert page.locator("h1").inner_text().startswith("Immune globulin")
    assert page.locator("main > section").count() == 11
    record = page.locator("details.record").first
    assert not record.locator("dl").is_visible()
    record.locator("summary").click()
    assert record.locator("dl").is_visible()
    page.context.close()


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_no_page_scrolls_sideways_with_everything_opened(browser: Browser, address: str, width: int) -> None:
    page = open_page(browser, address, viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll('main *')]
            .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > width + 1)
            .map(e => e.outerHTML.slice(0, 120))""",
        width,
    )
    assert not outside
    page.context.close()


def test_text_of_the_charts_stays_inside_the_drawing(browser: Browser, address: str) -> None:
    page = open_page(browser, address, viewport={"width": 1280, "height": 900})
    page.evaluate("document.fonts.ready")
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < frame.left - 1 || box.right > frame.right + 1
                    || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
            }).map(text => svg.id + ': ' + text.textContent);
        })"""
    )
    assert not outside
    page.context.close()


def test_labels_of_the_charts_do_not_run_into_each_other(browser: Browser, address: str) -> None:
    page = open_page(browser, address, viewport={"width": 1280, "height": 900})
    clashes = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
            const boxes = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim())
                .map(t => [t.textContent, t.getBoundingClientRect()]);
            const found = [];
            boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
                const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
                const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
                if (across > 1 && down > 6) found.push(a + ' | ' + b);
            }));
            return found;
        })"""
    )
    assert not clashes
    page.context.close()


def test_on_paper_details_are_open_colours_light_and_the_contents_left_out(
    browser: Browser, address: str
) -> None:
    page = open_page(browser, address, color_scheme="dark", viewport={"width": 794, "height": 1123})
    page.emulate_media(media="print")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 254, 251)"
    assert not page.locator("nav.contents").is_visible()
    assert page.locator("details.record dl").first.is_visible()
    assert page.locator("#source-gamma_globulin_page").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    page.context.close()


def test_the_keyboard_reaches_the_page_the_tables_and_the_details(browser: Browser, address: str) -> None:
    page = open_page(browser, address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#minute")
    region = page.locator(".scroll").first
    region.focus()
    assert region.evaluate("e => e === document.activeElement")
    assert region.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    record = page.locator("details.record > summary").first
    record.focus()
    page.keyboard.press("Enter")
    assert record.evaluate("e => e.parentElement.open")
    page.context.close()


def test_twice_the_text_size_still_fits(browser: Browser, address: str) -> None:
    """200% zoom of a 1280 px window is a 640 px window."""
    page = open_page(browser, address, viewport={"width": 640, "height": 512}, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.context.close()
