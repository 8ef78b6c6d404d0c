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
from globulin.pages.charts import Chart, all_charts, doses, forest, rises
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
        for bayes in answer.bayes:
            assert words.estimate(bayes.median, bayes.ci_lower, bayes.ci_upper) in shown
        if answer.frequentist is not None:
            f = answer.frequentist
            assert words.estimate(f.estimate, f.wald_lower, f.wald_upper) in shown
            assert words.estimate(f.estimate, f.hartung_knapp_lower, f.hartung_knapp_upper) in shown


def test_a_null_trial_is_an_open_range_without_a_point() -> None:
    trials = bundled()[1].trials
    silent = [effect for effect in trials.effects if effect.smd is None]
    assert silent, "the bundled dossier has trials known only as not significant"
    chart = drawn()["chart-forest"]
    assert chart.svg.count("stroke-dasharray") >= len(silent)
    summaries = sum(len(a.bayes) + (2 if a.frequentist else 0) for a in trials.answers)
    assert len(points(chart)) == summaries + len(trials.effects) - len(silent)


def test_forest_points_stand_where_their_effects_are() -> None:
    trials = bundled()[1].trials
    values = [effect.smd for effect in trials.effects if effect.smd is not None]
    for answer in trials.answers:
        if answer.frequentist is not None:
            values += [answer.frequentist.estimate] * 2
        values += [bayes.median for bayes in answer.bayes]
    assert_on_one_scale(values, [x for x, _ in points(drawn()["chart-forest"])])


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
    again = (forest(findings.trials), doses(dossier, findings), rises(dossier, findings))
    assert [chart.svg for chart in again] == [chart.svg for chart in drawn().values()]


@pytest.mark.parametrize("identifier", ["chart-forest", "chart-doses", "chart-rises"])
def test_colours_follow_the_page_and_print_plainly(identifier: str) -> None:
    chart = drawn()[identifier]
    for stand_in, colour in COLOURS.values():
        assert stand_in not in chart.svg
        assert stand_in not in chart.svg_print
        assert colour not in chart.svg
    assert "var(" not in chart.svg_print
    assert "var(--chart-ink)" in chart.svg


@pytest.mark.parametrize("identifier", ["chart-forest", "chart-doses", "chart-rises"])
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
