"""The charts say what the numbers say: printed values, positions, tables and words against the results."""

from __future__ import annotations

import math
import re
from functools import cache
from xml.etree import ElementTree

import pytest

from globulin.dossier import Dossier
from globulin.dossier.provenance import known
from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.pages import words
from globulin.pages.charts import Chart, doses, rises
from globulin.pages.drawn import all_charts
from globulin.pages.exposure_charts import regimens_over_time
from globulin.pages.trial_charts import trial_charts
from globulin.pages.vega import COLOURS, drawing_beside
from globulin.planning.dosing import Amount


@cache
def bundled() -> tuple[Dossier, Findings]:
    dossier = open_dossier()
    return dossier, find(dossier)


@cache
def drawn() -> dict[str, Chart]:
    return {chart.id: chart for chart in all_charts(*bundled())}


def texts(chart: Chart) -> list[str]:
    root = ElementTree.fromstring(chart.svg)  # noqa: S314 - our own drawing
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def points(chart: Chart) -> list[tuple[float, float]]:
    """Where the point marks are, in drawing order."""
    group = re.search(r'<g class="mark-symbol role-mark[^>]*>(.*?)</g>', chart.svg, re.DOTALL)
    assert group
    return [
        (float(x), float(y)) for x, y in re.findall(r"<path[^>]*translate\(([-\d.]+),([-\d.]+)\)", group[1])
    ]


def test_forest_prints_every_trial_and_all_three_summaries() -> None:
    trials = bundled()[1].trials
    shown = texts(drawn()["chart-forest"])
    for effect in trials.effects:
        assert any(text.startswith(effect.name) for text in shown)
        if effect.smd is None:
            assert effect.bound is not None
            assert any(words.fixed(effect.bound) in text and "not printed" in text for text in shown)
        else:
            assert words.estimate(effect.smd, effect.ci_lower or 0, effect.ci_upper or 0) in shown
    for answer in trials.answers:
        assert answer.title in shown
        for summary in answer.policy.summaries:
            assert words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper) in shown


def test_a_null_trial_is_an_open_range_without_a_point() -> None:
    trials = bundled()[1].trials
    silent = [effect for effect in trials.effects if effect.smd is None]
    assert silent, "the bundled dossier has trials known only as not significant"
    chart = drawn()["chart-forest"]
    assert chart.svg.count("stroke-dasharray") >= len(silent)
    summaries = sum(len(answer.policy.summaries) for answer in trials.answers)
    assert len(points(chart)) == summaries + len(trials.effects) - len(silent)


def test_forest_points_stand_where_their_effects_are() -> None:
    trials = bundled()[1].trials
    values = [effect.smd for effect in trials.effects if effect.smd is not None]
    for answer in trials.answers:
        values += [summary.estimate for summary in answer.policy.summaries]
    assert_on_one_scale(values, [x for x, _ in points(drawn()["chart-forest"])])


IDS = (
    "chart-forest", "chart-missing", "chart-spread", "chart-scepticism", "chart-years", "chart-dose-effect",
    "chart-doses", "chart-rises", "chart-profiles",
)  # fmt: skip


def test_the_page_has_these_charts() -> None:
    assert tuple(drawn()) == IDS


def lines_of(chart: Chart) -> list[list[tuple[float, float]]]:
    """Vertices of every line mark, in drawing order."""
    groups = re.findall(r'<g class="mark-line role-mark[^>]*>(.*?)</g>', chart.svg, re.DOTALL)
    return [
        [(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.]+),([-\d.]+)", path)]
        for group in groups
        for path in re.findall(r'<path[^>]* d="([^"]+)"', group)
    ]


@pytest.mark.parametrize(
    ("identifier", "log"), [("chart-missing", False), ("chart-spread", False), ("chart-scepticism", True)]
)
def test_curves_stand_where_their_numbers_are(identifier: str, log: bool) -> None:
    trials = bundled()[1].trials
    assert trials.missing is not None
    assert trials.prior_robustness is not None
    curve = {
        "chart-missing": trials.missing.curves[0],
        "chart-spread": trials.prior_robustness.spread,
        "chart-scepticism": trials.prior_robustness.scepticism,
    }[identifier]
    upper, middle, lower = lines_of(drawn()[identifier])
    across = [math.log(x) for x in curve.x] if log else list(curve.x)
    assert_on_one_scale(across, [x for x, _ in middle])
    heights = [y for line in (upper, middle, lower) for _, y in line]
    assert_on_one_scale([*curve.ci_upper, *curve.estimate, *curve.ci_lower], heights)


def test_a_turn_is_marked_where_the_interval_meets_no_difference() -> None:
    trials = bundled()[1].trials
    assert trials.missing is not None
    curve = trials.missing.curves[0]
    turns = [x for name in ("interval_above_zero", "interval_below_zero") for x in curve.flip(name).at]
    assert len(points(drawn()["chart-missing"])) == len(turns)
    # at a turn one end of the interval is 0: the neighbours in the curve lie on either side of it
    for turn in turns:
        after = next(i for i, x in enumerate(curve.x) if x >= turn)
        ends = (curve.ci_lower, curve.ci_upper)
        assert any(end[after - 1] * end[after] <= 0 for end in ends)


def test_every_arm_with_a_number_is_a_point_and_the_others_are_open() -> None:
    axis = bundled()[1].dose.dose.axes[0]
    chart = drawn()["chart-dose-effect"]
    printed = [point for point in axis.points if point.smd is not None]
    assert len(points(chart)) == len(printed)
    assert len(chart.rows) == len(axis.points)
    for point, row in zip(axis.points, chart.rows, strict=True):
        assert ("not printed" in row.cells[3]) == (point.smd is None)


def test_dose_points_stand_on_a_log_scale_of_their_doses() -> None:
    values = [
        row.amount.mg_per_kg_per_28_day
        for row in bundled()[1].regimens
        if isinstance(row.amount, Amount) and row.amount.mg_per_kg_per_28_day
    ]
    pixels = [x for x, _ in points(drawn()["chart-doses"])]
    assert_on_one_scale(sorted(math.log(v) for v in values), sorted(pixels))


def test_rise_points_stand_on_a_log_scale_of_every_models_rise() -> None:
    values = [rise.mean_g_per_l for row in bundled()[1].regimens for rise in row.rises]
    pixels = [x for x, _ in points(drawn()["chart-rises"])]
    assert_on_one_scale(sorted(math.log(v) for v in values), sorted(pixels))


def assert_on_one_scale(values: list[float], pixels: list[float]) -> None:
    """Every value lies on the one straight line from value to pixel."""
    assert len(values) == len(pixels)
    low, high = values.index(min(values)), values.index(max(values))
    per_unit = (pixels[high] - pixels[low]) / (values[high] - values[low])
    for value, pixel in zip(values, pixels, strict=True):
        assert pixel == pytest.approx(pixels[low] + per_unit * (value - values[low]), abs=0.05)


def test_dose_table_equals_the_results() -> None:
    _, findings = bundled()
    table = {row.cells[1]: row.cells[2] for row in drawn()["chart-doses"].rows}
    for row in findings.regimens:
        if isinstance(row.amount, Amount) and row.amount.mg_per_kg_per_28_day:
            assert table[row.label] == words.number(row.amount.mg_per_kg_per_28_day)


def test_rise_table_holds_every_model_of_every_regimen() -> None:
    dossier, findings = bundled()
    chart = drawn()["chart-rises"]
    column = {title: index for index, title in enumerate(chart.columns)}
    table = {row.cells[1]: row.cells for row in chart.rows}
    for row in findings.regimens:
        for rise in row.rises:
            shown = table[row.label][column[f"{dossier.kinetics[rise.model].name}, g/L"]]
            assert shown == words.number(rise.mean_g_per_l)


def test_labelled_doses_are_the_labels_own_numbers() -> None:
    """CIDP by vein: 1 to 2 g/kg every 3 weeks is 1,333 to 2,667 mg/kg in 28 days."""
    dossier, findings = bundled()
    cidp = next(e for e in findings.labelled if (e.code, e.route) == ("cidp", "iv"))
    assert cidp.low_mg_per_kg == pytest.approx(1000 * 28 / 21)
    assert cidp.high_mg_per_kg == pytest.approx(2000 * 28 / 21)
    assert cidp.sources
    for entry in findings.labelled:
        assert entry.low_mg_per_kg <= entry.high_mg_per_kg
        assert set(entry.sources) <= dossier.sources.keys()


def test_every_row_of_a_chart_has_a_source() -> None:
    for chart in drawn().values():
        for row in chart.rows:
            assert row.sources, (chart.id, row.cells)
            assert len(row.cells) == len(chart.columns)


def test_the_same_results_make_the_same_bytes() -> None:
    dossier, findings = bundled()
    again = (
        *trial_charts(findings),
        doses(dossier, findings),
        rises(dossier, findings),
        regimens_over_time(findings.profiles, findings.weight_kg),
    )
    assert [chart and chart.svg for chart in again] == [chart.svg for chart in drawn().values()]


@pytest.mark.parametrize("identifier", IDS)
def test_colours_follow_the_page_and_print_plainly(identifier: str) -> None:
    chart = drawn()[identifier]
    for stand_in, colour in COLOURS.values():
        assert stand_in not in chart.svg
        assert stand_in not in chart.svg_print
        assert colour not in chart.svg
    assert "var(" not in chart.svg_print
    assert "var(--chart-ink)" in chart.svg


@pytest.mark.parametrize("identifier", IDS)
def test_a_chart_is_one_image_with_a_name_and_its_numbers_in_words(identifier: str) -> None:
    chart = drawn()[identifier]
    root = ElementTree.fromstring(chart.svg)  # noqa: S314 - our own drawing
    assert root.get("role") == "img"
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    description = root.find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    assert description.text == chart.alt
    assert re.search(r"\d", chart.alt)
    assert "href" not in chart.svg.replace("xmlns:xlink", "")


def test_ids_of_several_charts_never_clash() -> None:
    found = [name for chart in drawn().values() for name in re.findall(r'\bid="([^"]+)"', chart.svg)]
    assert len(found) == len(set(found))


def test_trial_arms_are_named_by_study_dose_and_route() -> None:
    dossier, _ = bundled()
    shown = texts(drawn()["chart-doses"])
    for study in dossier.studies.values():
        if study.pooled is None:
            continue
        for identifier in study.pooled.active:
            regimen = study.arm(identifier).regimen
            dose = known(regimen.phases[-1].dose) if regimen else None
            if dose is not None:
                assert any(t.startswith(f"{study.name}, {words.dose_words(dose)}") for t in shown)


def test_a_second_process_draws_the_same() -> None:
    with drawing_beside() as convert:
        beside = all_charts(*bundled(), convert)
    assert [chart.svg for chart in beside] == [chart.svg for chart in drawn().values()]
