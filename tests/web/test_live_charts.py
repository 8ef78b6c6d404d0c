"""Charts that say a value where one points, and the still drawing that stands behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.plane import Scale, specification
from globulin.pages.vega import COLOURS, POINTED, for_browser
from web.conftest import Served

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def found() -> Findings:
    return find(open_dossier())


@pytest.fixture(scope="module")
def drawn_from() -> list[dict[str, Any]]:
    """The specifications that the still drawings were made of."""
    return []


@pytest.fixture(scope="module")
def charts(found: Findings, drawn_from: list[dict[str, Any]]) -> dict[str, Chart]:
    def convert(spec: dict[str, Any]) -> str:
        drawn_from.append(spec)
        return '<svg viewBox="0 0 1 1"></svg>'

    return {chart.id: chart for chart in all_charts(open_dossier(), found, convert)}


def pointed(spec: dict[str, Any]) -> list[dict[str, Any]]:
    layers = [layer for layer in spec["layer"] if layer.get("name") == POINTED]
    return [row for layer in layers for row in layer["data"]["values"]]


def test_every_chart_says_values_and_no_still_drawing_has_their_layers(
    charts: dict[str, Chart], drawn_from: Sequence[dict[str, Any]]
) -> None:
    assert len(drawn_from) == len(charts) >= 9
    assert all(pointed(chart.spec) for chart in charts.values())
    assert not any(pointed(spec) for spec in drawn_from)
    assert all(spec["layer"] for spec in drawn_from)


def test_the_forest_says_the_effect_of_each_trial(charts: dict[str, Chart], found: Findings) -> None:
    said = [row["said"] for row in pointed(charts["chart-forest"].spec)]
    for effect in found.trials.effects:
        (line,) = [each for each in said if each.startswith(f"{effect.name} (")]
        known = effect.smd if effect.smd is not None else effect.bound
        assert f"{known:.2f}" in line


def test_a_rise_says_its_model(charts: dict[str, Chart], found: Findings) -> None:
    models = open_dossier().kinetics
    said = {row["said"] for row in pointed(charts["chart-rises"].spec)}
    row = next(row for row in found.regimens if row.id == "im_2_ml_weekly")
    for rise in row.rises:
        name = models[rise.model].name
        values = [float(re.sub(r".*: | g/L$", "", each)) for each in said if each.startswith(f"{name}: ")]
        # two significant digits
        assert any(abs(value - rise.mean_g_per_l) <= 0.06 * rise.mean_g_per_l for value in values), name


@given(
    st.lists(st.floats(0.1, 10.0), min_size=1, max_size=30, unique=True),
    st.sampled_from(["linear", "log"]),
)
def test_strips_fill_the_plane_and_each_holds_its_own_value(values: list[float], kind: Any) -> None:
    across = Scale("x", 0.1, 10.0, (0.1, 10.0), kind)
    said = [(value, str(value)) for value in values]
    rows = pointed(specification(across, Scale("y", 0, 1, (0.0, 1.0)), said=said, width=460))
    assert rows[0]["x"] == 0.0
    assert rows[-1]["x2"] == 460.0
    assert all(left["x2"] == right["x"] for left, right in pairwise(rows))
    for row in rows:
        place = 460 * across.share(float(row["said"]))
        # rounding may move an end by less than a hundredth of a pixel
        assert row["x"] - 0.01 <= place <= row["x2"] + 0.01


def test_a_browser_draws_in_the_colours_and_the_font_of_the_page(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        text = for_browser(chart.spec)
        assert not any(stand_in in text for stand_in, _ in COLOURS.values())
        used = set(re.findall(r"var\(--chart-(\w+)\)", text))
        assert used
        assert used <= set(COLOURS)
        spec = json.loads(text)
        assert spec["config"]["font"] == "'Source Sans 3', sans-serif"
        assert spec["config"]["background"] is None
        # nothing to fetch: every layer brings its own rows
        assert all(set(layer["data"]) == {"values"} for layer in spec["layer"])


def test_hover_says_the_value_and_paper_has_the_still_drawing(browser_page: Page) -> None:
    page = browser_page
    page.locator("#trials-summary").scroll_into_view_if_needed()
    live = page.locator("#text-trials .lively .live").first
    expect(live).to_be_visible()
    expect(page.locator("#chart-forest")).to_be_hidden()
    assert live.get_attribute("aria-labelledby") == "chart-forest-title chart-forest-desc"
    live.locator(".pointed_marks path").first.hover()
    said = page.locator(".said-here")
    expect(said).to_have_text("Lloyd 1990 (23 + 26): 0.98 (0.17 to 1.78)")
    page.keyboard.press("Escape")
    expect(said).to_be_hidden()
    page.emulate_media(media="print")
    expect(live).to_be_hidden()
    expect(page.locator("#chart-forest")).to_be_visible()


def test_a_chart_takes_the_dark_page_s_colours(browser: Browser, served: Served) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(served.opening)
    page.locator("#trials-summary").scroll_into_view_if_needed()
    label = page.locator(".live text", has_text="Lloyd 1990").first
    expect(label).to_be_visible()
    # --chart-ink of the dark page
    assert label.evaluate("e => getComputedStyle(e).fill") == "rgb(230, 229, 224)"
    page.emulate_media(color_scheme="light")
    assert label.evaluate("e => getComputedStyle(e).fill") == "rgb(31, 38, 43)"
    context.close()


def test_a_chart_that_does_not_come_leaves_the_still_one(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/read/charts/*", lambda route: route.abort())
    page.goto(served.opening)
    page.locator("#trials-summary").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    expect(page.locator("#chart-forest")).to_be_visible()
    expect(page.locator(".live")).to_have_count(0)
    context.close()
