"""Charts of IgG over time: they stand where the numbers are, end where they should, and say what they mean.

Numbers come from a drug of one compartment that is worked out by hand (4 L, cleared at 0.2 L a day), and from
the reference values of one dose of 140 g in docs/methods/exposure.md.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exposure.toy_models import BASE, CL, V1, average, known, one_compartment
from globulin.cli import main
from globulin.dossier import Dossier
from globulin.exposure.crowd_levels import Dosing
from globulin.exposure.facts import catalogue
from globulin.exposure.history import history, repeated
from globulin.exposure.models import Person
from globulin.exposure.population import simulate_population
from globulin.exposure.profiles import Profile, profile
from globulin.exposure.virtual_people import crowd_from
from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.pages import words
from globulin.pages.blocks import Figure, Section
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.exposure_charts import population_chart, regimens_over_time, simulated_charts
from globulin.pages.sections import doses

K = CL / V1
FOUR_G = history([0.0], 4.0, infusion_day=0.0)


@cache
def bundled() -> tuple[Dossier, Findings]:
    dossier = open_dossier()
    return dossier, find(dossier)


def one_dose(*, stops: bool = True, at_day: tuple[float, ...] = ()) -> Profile:
    return profile(known(one_compartment()), "toy", Person(70.0), FOUR_G, stops=stops, at_day=at_day)


def lines(chart: Chart) -> list[list[tuple[float, float]]]:
    groups = re.findall(r'<g class="mark-line role-mark[^>]*>(.*?)</g>', chart.svg, re.DOTALL)
    paths = [path for group in groups for path in re.findall(r'<path[^>]* d="([^"]+)"', group)]
    return [[(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.]+),([-\d.]+)", path)] for path in paths]


def symbols(chart: Chart) -> list[tuple[float, float]]:
    """Where the points are."""
    group = re.search(r'<g class="mark-symbol role-mark[^>]*>(.*?)</g>', chart.svg, re.DOTALL)
    found = re.findall(r"<path[^>]*translate\(([-\d.]+),([-\d.]+)\)", group[1]) if group else []
    return [(float(x), float(y)) for x, y in found]


# --- the days that are drawn -------------------------------------------------------------------------


def test_a_dose_given_at_once_is_drawn_before_and_after_it() -> None:
    (answer,) = one_dose().answers
    assert [level.day for level in answer.at[:2]] == [0.0, np.nextafter(0.0, 1.0)]
    assert answer.at[0].total_g_per_l == BASE
    assert answer.at[1].total_g_per_l == pytest.approx(BASE + 4.0 / V1, rel=1e-12)
    for level in answer.at[1:]:
        assert level.total_g_per_l == pytest.approx(BASE + math.exp(-K * level.day), rel=1e-12)


def test_the_end_of_every_infusion_is_drawn() -> None:
    """There the level of one compartment is highest."""
    given = repeated(4.0, 9.3, 4, infusion_day=0.33)
    (answer,) = profile(known(one_compartment()), "toy", Person(70.0), given, stops=False).answers
    assert answer.exposure is not None
    assert max(level.total_g_per_l for level in answer.at) == pytest.approx(answer.exposure.cmax_g_per_l)
    assert {9.3, 27.9, 0.33} <= {round(level.day, 9) for level in answer.at}


def test_it_ends_with_the_last_interval_or_the_last_day_asked_for() -> None:
    def end(doses: int, at_day: tuple[float, ...] = ()) -> float:
        given = repeated(4.0, 10.0, doses)
        models = known(one_compartment())
        return profile(models, "toy", Person(70.0), given, stops=False, at_day=at_day).end_day

    assert end(3) == 30.0
    assert end(3, (5.0, 12.5)) == 30.0
    assert end(3, (5.0, 62.5)) == 62.5
    assert end(1) == 28.0, "four weeks after a single dose"


def test_the_washout_ends_with_a_tenth_left_on_whole_weeks() -> None:
    """A tenth is left after ln 10 / 0.05 = 46.05 days, so it ends after 8 weeks."""
    found = one_dose()
    assert found.after[0].at[-1].day == 56.0
    assert math.ceil(math.log(10) / K / 28) * 28 == 56
    assert one_dose(stops=False).after == ()


def test_a_washout_that_takes_longer_than_a_year_is_cut() -> None:
    slow = one_compartment()
    slow["parameters"]["cl"]["value"] = 0.004  # 0.1% a day: a tenth is left after 6 years
    found = profile(known(slow), "toy", Person(70.0), FOUR_G, stops=True)
    assert found.after[0].at[-1].day == 364.0


# --- one person --------------------------------------------------------------------------------------


def test_levels_are_those_of_the_reference_values() -> None:
    """One dose of 140 g over 6 hours, fcrn_kim_2007: peak 57.18, day 7 24.53, day 14 20.29, day 28 15.90."""
    models = catalogue(bundled()[0].kinetics)
    given = history([0.0], 140.0, infusion_day=0.25)
    followed = profile(models, "fcrn_kim_2007", Person(70.0), given, stops=True)
    whole, after = simulated_charts(followed)
    (row,) = whole.rows
    shown = dict(zip(whole.columns, row.cells, strict=True))
    assert (shown["Highest, g/L"], shown["Day 0, g/L"]) == ("57.2", "12.1")
    assert [shown[f"Day {day}, g/L"] for day in (7, 14, 28)] == ["24.5", "20.3", "15.9"]
    assert dict(zip(after.columns, after.rows[0].cells, strict=True))["Day 28, g/L"] == "15.9"
    assert "57.2" in whole.alt
    assert row.sources == followed.answers[0].sources


def test_a_line_stands_where_its_levels_are() -> None:
    """3 g/L rises by 1: the axis is 4 g/L long, from 1 to 6 in whole steps, over 280 pixels and 28 days."""
    chart, _ = simulated_charts(one_dose())
    (answer,) = one_dose().answers
    (line,) = lines(chart)
    assert len(line) == len(answer.at)
    for (x, y), level in zip(line, answer.at, strict=True):
        assert x == pytest.approx(460 * level.day / 28.0, abs=0.01)
        assert y == pytest.approx(280 * (1 - (level.total_g_per_l - 1.0) / 5.0), abs=0.01)


def test_days_asked_for_are_points_on_the_line_and_doses_marks_on_the_axis() -> None:
    (chart, _) = simulated_charts(one_dose(at_day=(7.0, 13.3)), marked_day=(7.0, 13.3))
    dose, *asked = symbols(chart)
    assert dose == (0.0, 280.0)
    assert asked == [
        pytest.approx((460 * day / 28, 280 * (1 - (BASE + math.exp(-K * day) - 1) / 5)), abs=0.01)
        for day in (7.0, 13.3)
    ]


def test_more_doses_than_can_be_told_apart_are_not_marked() -> None:
    followed = profile(known(one_compartment()), "toy", Person(70.0), repeated(1.0, 1.0, 61), stops=False)
    (chart,) = simulated_charts(followed)
    assert symbols(chart) == []


def test_an_average_has_a_band_and_a_single_model_has_none() -> None:
    models = known(one_compartment("a"), one_compartment("b", base=5.0), average({"a": 1.0, "b": 1.0}))
    followed = profile(models, ("both", "a"), Person(70.0), FOUR_G, stops=False)
    (chart,) = simulated_charts(followed)
    both, single = chart.rows
    assert both.cells[:3] == ("both", "5.0 (4.0 to 6.0)", "4.0 (3.0 to 5.0)")
    assert single.cells[:3] == ("a", "4.0", "3.0")
    assert chart.svg.count("mark-area role-mark") == 1


def test_several_people_of_a_table_have_files_of_their_own() -> None:
    names = [chart.id for who in ("anna", "../b o") for chart in simulated_charts(one_dose(), person=who)]
    assert names == ["chart-profile-anna", "chart-washout-anna", "chart-profile-_b_o", "chart-washout-_b_o"]


@pytest.mark.parametrize("identifier", ["chart-profile", "chart-washout"])
def test_same_arguments_same_bytes_and_words_beside_the_drawing(identifier: str) -> None:
    first, second = ({chart.id: chart for chart in simulated_charts(one_dose())} for _ in range(2))
    assert first[identifier] == second[identifier]
    assert f'<title id="{identifier}-title">{first[identifier].title}</title>' in first[identifier].svg
    assert re.search(r"4\.0 g/L", first[identifier].alt)
    assert "var(" not in first[identifier].svg_print


# --- many people -------------------------------------------------------------------------------------


def test_many_people_are_a_median_with_their_outer_quantiles() -> None:
    """Without spread between people everybody is the typical person, and the band is the line."""
    crowd = crowd_from(Person(np.full(5, 70.0)), seed=1)
    dosing = Dosing(4.0, False, 10.0, "iv", 0.0, 1)
    answers = simulate_population(known(one_compartment(cv={})), "toy", crowd, dosing, doses=1)
    chart = population_chart(answers)
    assert chart is not None
    assert chart.title == "Total IgG of 5 people: median, and the band that holds 95% of them"
    level = words.fixed(BASE + math.exp(-K * 8.0), 1)
    assert dict(zip(chart.columns, chart.rows[0].cells, strict=True))["Day 8, g/L"] == (
        f"{level} ({level} to {level})"
    )


# --- the page ----------------------------------------------------------------------------------------


def two_exponentials(day: np.ndarray) -> np.ndarray:
    """Rise after 1 g at once under tortorici_2021 at 70 kg, by the eigenvalues of its equations."""
    flow, volume = (70 / 82) ** 0.615, (70 / 82) ** 0.773
    cl, q, v1, v2 = 0.435 * flow, 0.5 * flow, 4.69 * volume, 1.87 * volume
    rates = np.array([[-(cl + q) / v1, q / v2], [q / v1, -q / v2]])
    values, vectors = np.linalg.eig(rates)
    parts = vectors[0] * np.linalg.solve(vectors, [1.0 / v1, 0.0])
    return np.asarray((parts[:, None] * np.exp(values[:, None] * day)).sum(axis=0))


def test_the_regimens_of_the_page_are_followed_dose_by_dose() -> None:
    """Each hour of infusion as 240 doses at once, added up: 1 g over 0.0417 days every week for 12 weeks."""
    followed = next(each for each in bundled()[1].profiles if each.id == "park_1_g_weekly_iv")
    member = next(each for each in followed.profile.answers[0].members if each.model == "tortorici_2021")
    at = {level.day: level.total_g_per_l for level in member.at}
    within = (np.arange(240) + 0.5) / 240 * 0.0417
    expected = sum(two_exponentials(84.0 - 7.0 * week - within).mean() for week in range(12))
    assert at[84.0] - member.baseline_g_per_l == pytest.approx(expected, rel=1e-6)


def test_the_page_follows_its_four_regimens_for_twelve_weeks() -> None:
    findings = bundled()[1]
    chart = regimens_over_time(findings.profiles, findings.weight_kg)
    assert chart is not None
    assert [row.cells[0] for row in chart.rows] == [each.label for each in findings.profiles]
    assert len(chart.rows) == 4
    assert chart.columns[-1] == "Day 84, g/L"
    for each, row in zip(findings.profiles, chart.rows, strict=True):
        (answer,) = each.profile.answers
        last = answer.at[-1]
        low, high = answer.at_band[-1].low_g_per_l, answer.at_band[-1].high_g_per_l
        assert row.cells[-1] == f"{words.fixed(last.total_g_per_l, 1)} ({words.bounds(low, high, 1)})"
        assert low <= last.total_g_per_l <= high
        assert set(row.sources) <= bundled()[0].sources.keys()


def section(findings: Findings) -> Section:
    dossier = bundled()[0]
    return doses.section(dossier, findings, {chart.id: chart for chart in all_charts(dossier, findings)})


def text(found: Section) -> str:
    return " ".join(
        " ".join([getattr(block, "lead", ""), *(said.text for said in getattr(block, "said", ()))])
        for block in found.blocks
        if getattr(block, "kind", "") == "prose"
    )


def test_it_is_said_that_no_level_can_guide_a_few_ml_into_a_muscle() -> None:
    findings = bundled()[1]
    muscle = next(each for each in findings.profiles if each.id == "im_2_ml_weekly").profile.answers[0]
    assert muscle.exposure is not None
    # the residual error of tortorici_2021 is 12.1% of the level; the least that a model predicts counts
    means = [each.exposure.cavg_g_per_l for each in muscle.members if each.exposure is not None]
    scatter = 0.121 * min(means)
    needed = math.ceil((1.959964 * math.sqrt(2) * scatter / muscle.exposure.rise_mean_g_per_l) ** 2)
    shown = text(section(findings))
    assert f"It would take {needed:,} levels without treatment" in shown
    assert "2 mL into a muscle every week, after 12 weeks: A serum level cannot guide this dose." in shown
    assert "A rise in IgG is not a benefit." in shown


def test_without_profiles_the_section_stands_without_the_chart() -> None:
    found = section(replace(bundled()[1], profiles=()))
    assert "chart-profiles" not in {block.chart.id for block in found.blocks if isinstance(block, Figure)}
    assert "From the first dose on." not in text(found)


# --- the command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ((), {"chart-profile.svg"}),
        (("--doses", "2", "--at-day", "3"), {"chart-profile.svg", "chart-washout.svg"}),
    ],
)
def test_simulate_writes_its_charts(
    arguments: tuple[str, ...],
    files: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    toy = str(Path(__file__).parents[1] / "toy")
    command: list[Any] = ["globulin", "simulate", "--dossier", toy, "--model", "toy_linear", "--dose-g", "7"]
    folder = tmp_path / "charts"
    monkeypatch.setattr(sys, "argv", [*command, "--interval-day", "7", "--charts", str(folder), *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert {path.name for path in folder.iterdir()} == files
    assert "Total IgG over one interval" in capsys.readouterr().out
