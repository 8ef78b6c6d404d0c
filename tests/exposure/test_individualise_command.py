"""`globulin individualise` as a person or a script meets it, and the call behind it."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exposure.toy_models import BASE, CL, V1, average, fact, known, one_compartment
from globulin.cli import main
from globulin.exposure import Levels, Person, individualise, repeated
from globulin.exposure.density import People
from globulin.exposure.facts import EndogenousFacts
from globulin.exposure.individual import Fit, fit
from globulin.exposure.individualised import IN_MUSCLE, NO_MODEL
from globulin.pages.exposure_charts import individual_chart

DOSES = "TIME,AMT,DUR,II,ADDL\n0,20,0,28,5\n"


def toy(name: str = "toy", **changes: Any) -> dict[str, Any]:
    """A made-up drug with a spread of clearance and volume, and an error of a level of 5%."""
    return (
        one_compartment(name, cv={"cl": 30.0, "v1": 20.0})
        | {"residual": fact({"proportional": 0.05})}
        | changes
    )


def level(day: np.ndarray, cl: float, v1: float) -> np.ndarray:
    """20 g at once into one compartment on days 0, 28, ..., 140, by hand; at a dose, before it."""
    since = day[:, None] - 28.0 * np.arange(6)
    left = np.where(since > 0.0, np.exp(-cl / v1 * np.maximum(since, 0.0)), 0.0)
    return BASE + 20.0 / v1 * left.sum(axis=1)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def call(levels: str, *arguments: str, doses: str = DOSES) -> tuple[int, str, str]:
        (tmp_path / "doses.csv").write_text(doses)
        (tmp_path / "levels.csv").write_text(levels)
        files = ("--doses", str(tmp_path / "doses.csv"), "--levels", str(tmp_path / "levels.csv"))
        monkeypatch.setattr(sys, "argv", ["globulin", "individualise", *files, *arguments])
        monkeypatch.setenv("COLUMNS", "140")
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


FEW = "TIME,IGG\n28,6.1\n59,10.4\n84,7.0\n"


def test_many_exact_levels_give_back_who_the_person_is(run: Any) -> None:
    """Levels by the closed form of Navarro-Mora's model, 30% faster and 15% larger than typical, at 65.7 kg.

    With 400 levels the prior weighs little; what is left of it is within 3% (residual error 0.8 g/L).
    """
    cl, v1, q, v2, base = 0.150 * 1.3, 3.06 * 1.15, 0.474, 1.93, 4.0
    total = cl / v1 + q / v1 + q / v2
    root = np.sqrt(total**2 - 4.0 * cl * q / (v1 * v2))
    fast, slow = (total + root) / 2.0, (total - root) / 2.0
    day = np.linspace(0.5, 168.0, 400)
    since = day[:, None] - 28.0 * np.arange(6)
    gone = np.maximum(since, 0.0)
    response = ((fast - q / v2) * np.exp(-fast * gone) + (q / v2 - slow) * np.exp(-slow * gone)) / (
        fast - slow
    )
    igg = base + 20.0 / v1 * np.where(since > 0.0, response, 0.0).sum(axis=1)
    table = "TIME,IGG\n" + "".join(f"{d!r},{g!r}\n" for d, g in zip(day.tolist(), igg.tolist(), strict=True))
    code, out, _ = run(
        table, "--model", "navarro_mora_2022", "--weight-kg", "65.7", "--at-day", "112", "196", "--json"
    )
    assert code == 0
    document = json.loads(out)
    (fitted,) = document["models"]
    found = {estimate["parameter"]: estimate for estimate in fitted["estimates"]}
    assert found["cl"]["most_probable"] == pytest.approx(cl, rel=0.03)
    assert found["v1"]["most_probable"] == pytest.approx(v1, rel=0.03)
    for name, truth in (("cl", cl), ("v1", v1)):
        assert found[name]["plausible"]["low95"] < truth < found[name]["plausible"]["high95"]
        assert found[name]["plausible"]["low95"] < found[name]["plausible"]["low50"]
        assert found[name]["shrinkage"] < 0.1
    assert fitted["pareto_k"] <= 0.7
    assert fitted["weight"] == pytest.approx(1.0)
    # near an infusion at once: the day after each of six doses, of 168 days
    flagged = sum(each["near_infusion"] for each in fitted["levels"])
    assert flagged == np.sum(np.any((since > 0.0) & (since <= 1.0), axis=1))
    assert all(each["fits"] for each in fitted["levels"])
    before_dose = document["forecast"][0]
    at_112 = (
        base
        + 20.0
        / v1
        * (
            (
                (fast - q / v2) * np.exp(-fast * 28.0 * np.arange(1, 5))
                + (q / v2 - slow) * np.exp(-slow * 28.0 * np.arange(1, 5))
            )
            / (fast - slow)
        ).sum()
    )
    assert before_dose["level_g_per_l"]["median"] == pytest.approx(at_112, rel=0.02)


def test_without_days_the_next_doses_are_predicted_and_the_same_seed_says_the_same(run: Any) -> None:
    first = run(FEW, "--model", "deficient", "--json")[1]
    document = json.loads(first)
    assert [ahead["day"] for ahead in document["forecast"]] == [112.0, 140.0]
    for ahead in document["forecast"]:
        inner = ahead["level_g_per_l"]
        assert ahead["measured_low95_g_per_l"] < inner["low95"] < inner["low50"] < inner["median"]
        assert inner["median"] < inner["high50"] < inner["high95"] < ahead["measured_high95_g_per_l"]
    assert sum(fitted["weight"] for fitted in document["models"]) == pytest.approx(1.0)
    assert first == run(FEW, "--model", "deficient", "--json")[1]
    assert first != run(FEW, "--model", "deficient", "--seed", "2", "--json")[1]


def test_the_normal_average_leaves_out_what_cannot_be_fitted_and_fits_the_own_igg(run: Any) -> None:
    document = json.loads(run("TIME,IGG\n28,13.0\n59,17.5\n84,14.0\n", "--json")[1])
    (fitted,) = document["models"]
    assert fitted["model"] == "tortorici_2021"
    assert fitted["prior_weight"] == 1.0
    assert [text.split()[0] for text in document["left_out"]] == [
        "fcrn_kim_2007", "fcrn_blocker_anchored", "fcrn_compromise_fit",
    ]  # fmt: skip
    assert "base" in {estimate["parameter"] for estimate in fitted["estimates"]}
    known_own = json.loads(run(FEW, "--baseline-g-per-l", "5", "--json")[1])["models"][0]
    assert known_own["held"]["base"] == 5.0
    code, out, _ = run(FEW, "--model", "fcrn_kim_2007", "--json")
    assert code == 0
    assert json.loads(out)["message"] == NO_MODEL


def test_a_wrong_draw_time_is_named(run: Any) -> None:
    """The level of half a day after the dose of day 84, noted as the trough before it."""
    day = np.array([28.0, 40.0, 56.0, 70.0, 84.0, 100.0])
    igg = level(np.where(day == 84.0, 84.5, day), CL, V1)
    table = known(toy())
    found = individualise(
        table, "toy", Person(70.0), repeated(20.0, 28.0, 6, infusion_day=0.0), Levels(day, igg)
    )
    (fitted,) = found.models
    assert [each.fits for each in fitted.levels] == [True] * 4 + [False, True]
    assert "day 84" in fitted.messages[0]
    assert "Check the draw time" in fitted.messages[0]
    assert (fitted.levels[4].shift_hour or 0.0) > 0.0


def test_the_levels_choose_between_models() -> None:
    """Of two models with the typical clearance apart by a factor of 3, levels of one prefer that one."""
    slow = toy("slow")
    slow["parameters"] = {**slow["parameters"], "cl": fact(CL / 3.0)}
    models = known(toy(), slow, average({"toy": 1.0, "slow": 3.0}))
    day = np.array([28.0, 56.0, 84.0])
    found = individualise(
        models,
        "both",
        Person(70.0),
        repeated(20.0, 28.0, 6, infusion_day=0.0),
        Levels(day, level(day, CL, V1)),
    )
    assert [fitted.prior_weight for fitted in found.models] == [0.25, 0.75]
    assert found.models[0].weight > 0.95
    # with equal evidence removed, odds after are odds before times the ratio of the marginal probabilities
    odds = np.exp((found.models[0].log_marginal or 0.0) - (found.models[1].log_marginal or 0.0)) / 3.0
    assert found.models[0].weight / found.models[1].weight == pytest.approx(odds, rel=1e-9)


def test_a_level_below_the_limit_counts_as_that() -> None:
    """A limit far above the level says nothing: the fit is that without it."""
    doses, day = repeated(20.0, 28.0, 6, infusion_day=0.0), np.array([28.0, 56.0])
    igg = level(day, 1.2 * CL, V1)
    alone = individualise(known(toy()), "toy", Person(70.0), doses, Levels(day, igg)).models[0]
    more = Levels(np.append(day, 84.0), np.append(igg, 90.0), below_limit=np.array([False, False, True]))
    limited = individualise(known(toy()), "toy", Person(70.0), doses, more).models[0]
    assert limited.estimates[0].most_probable == pytest.approx(alone.estimates[0].most_probable, rel=1e-9)
    assert limited.levels[2].below_limit
    assert limited.levels[2].residual_sd is None


def test_doses_repeated_for_ever_and_split_are_those_of_a_long_history() -> None:
    """Thirty months of doses over two days each leave what doses for ever leave (CL/V1 0.05 a day)."""
    day = np.array([15.0, 28.0])
    levels = Levels(day, np.array([6.0, 5.0]))
    endless = repeated(20.0, 28.0, 1, infusion_day=0.0, daily_parts=2, steady=True)
    long = repeated(20.0, 28.0, 31, infusion_day=0.0, daily_parts=2)
    long = replace(long, day=long.day - 28.0 * 30)
    a, b = (individualise(known(toy()), "toy", Person(70.0), doses, levels) for doses in (endless, long))
    for one, other in zip(a.models[0].estimates, b.models[0].estimates, strict=True):
        assert one.most_probable == pytest.approx(other.most_probable, rel=1e-8)


def test_the_own_igg_starts_from_that_of_healthy_adults() -> None:
    """Where the doses have long gone, the level is the own IgG: 100 levels of 8 g/L settle it."""
    table = toy()
    table["baseline"] = {"value_g_per_l": fact(12.0), "kind": "observed"}
    models = replace(known(table), endogenous=EndogenousFacts(11.0, 0.2, {}, ()))
    levels = Levels(np.linspace(900.0, 1000.0, 100), np.full(100, 8.0))
    found = individualise(models, "toy", Person(70.0), repeated(20.0, 28.0, 1), levels)
    own = next(each for each in found.models[0].estimates if each.parameter == "base")
    assert own.typical == 11.0
    assert own.most_probable == pytest.approx(8.0, rel=0.01)
    assert any("own IgG is not given" in flag for flag in found.models[0].flags)


def test_a_muscle_is_said_not_to_be_readable(run: Any) -> None:
    code, out, _ = run(FEW, "--model", "zhang_2020", "--route", "im", "--json")
    (fitted,) = json.loads(out)["models"]
    assert code == 0
    assert IN_MUSCLE in fitted["flags"]
    # the uptake that is lent has no spread: nothing of it is fitted
    assert {"ka_im", "f_im"} <= set(fitted["held"])


def test_the_table_and_the_rows_say_the_same(run: Any) -> None:
    code, out, _ = run(FEW, "--model", "navarro_mora_2022", "--at-day", "112")
    text = " ".join(out.split())
    assert code == 0
    assert "What the levels say of one person: doses.csv and levels.csv, 70 kg" in text
    assert "What this does not show" in text
    assert "whether more IgG helps" in text
    rows = list(
        csv.DictReader(io.StringIO(run(FEW, "--model", "navarro_mora_2022", "--at-day", "112", "--csv")[1]))
    )
    assert [row["part"] for row in rows] == ["parameter"] * 2 + ["level"] * 3 + ["forecast"]
    assert f"{float(rows[-1]['median']):.2f}" in out


def test_the_chart_holds_the_measured_levels_wherever_they_are(run: Any, tmp_path: Path) -> None:
    code, _, _ = run(FEW, "--model", "navarro_mora_2022", "--charts", str(tmp_path / "charts"))
    svg = (tmp_path / "charts" / "chart-individual.svg").read_text(encoding="utf-8")
    assert code == 0
    assert "Measured, g/L: 6.1 on day 28, 10.4 on day 59, 7.0 on day 84" in svg
    found = individualise(
        known(toy()),
        "toy",
        Person(70.0),
        repeated(20.0, 28.0, 2, infusion_day=0.0),
        Levels(np.array([14.0, 28.0]), np.array([80.0, 4.0])),
        at_day=np.arange(0.0, 57.0),
    )
    chart = individual_chart(found)
    assert chart is not None
    assert "80.0 on day 14" in chart.alt
    # an axis that reaches the level of 80 g/L has a number there or above
    assert any(f">{tick}<" in chart.svg for tick in ("80", "100"))
    assert individual_chart(replace(found, forecast=())) is None


def test_a_chart_costs_no_second_fit_and_changes_no_answer(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from globulin.exposure import individualised

    fits = []

    def counted(people: People) -> Fit:
        fits.append(len(people))
        return fit(people)

    monkeypatch.setattr(individualised, "fit", counted)
    arguments = ("--model", "navarro_mora_2022", "--json")
    without = run(FEW, *arguments)
    drawn = run(FEW, *arguments, "--charts", str(tmp_path / "charts"))
    assert fits == [1, 1]
    assert drawn == without
    assert "followed" not in json.loads(without[1])


@pytest.mark.parametrize(
    ("levels", "arguments", "said"),
    [
        ("TIME,IGG\n0,4.1\n28,6\n", (), "levels.csv:2: column TIME: must be after the first dose (day 0)"),
        ("TIME,IGG\n28,6\n14,7\n", (), "levels.csv:3: column TIME: day 14 stands after day 28"),
        ("TIME,IGG\n28,NaN\n", (), "levels.csv:2: column IGG: 'NaN' is not a number"),
        ("TIME,IGG\n28,610\n", (), "levels.csv:2: column IGG: 610: must be above 0 and at most 100 g/L"),
        ("TIME,IGG\n28,-1\n", (), "levels.csv:2: column IGG: -1: must be above 0"),
        ("TIME,IGG\n,6\n", (), "levels.csv:2: column TIME: the cell is empty"),
        ("TIME,IGG,BLOQ\n28,6,yes\n", (), "levels.csv:2: column BLOQ: 'yes': must be 0 or 1"),
        ("TIME,IGG\n28,.\n", (), "levels.csv: no row has a level"),
        ("DAY,IGG\n28,6\n", (), "levels.csv:1: no column TIME"),
        ("ID,TIME,IGG\na,28,6\nb,29,6\n", (), "levels.csv:3: column ID: 'b'"),
        ("TIME,IGG\n99999,6\n", (), "levels.csv:2: column TIME: must be within 36600"),
        (FEW, ("--model", "nothing"), "no model 'nothing'; there are: deficient"),
        (FEW, ("--weight-kg", "7000"), "--weight-kg must be between 2 and 400"),
        (FEW, ("--at-day", "9", "8"), "--at-day must be in order"),
        (FEW, ("--at-day", "nan"), "--at-day must be finite"),
        (FEW, ("--seed", "-1"), "--seed must be at least 0"),
        (FEW, ("--json", "--csv"), "--json or --csv, not both: an answer is printed"),
        (FEW, ("--model", "zhang_2020", "--model", "zhang_2020"), "--model zhang_2020: named 2 times"),
    ],
)
def test_faults_are_one_clear_line_and_nothing_is_computed(
    run: Any, levels: str, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(levels, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_level_before_the_first_dose_is_fitted_where_the_own_igg_is_known(run: Any) -> None:
    code, out, _ = run(
        "TIME,IGG\n0,4.1\n28,6\n", "--baseline-g-per-l", "4", "--model", "zhang_2020", "--json"
    )
    assert code == 0
    assert json.loads(out)["models"][0]["levels"][0]["predicted_g_per_l"] == 4.0


def test_days_before_a_dose_for_ever_and_doses_of_two_people_are_refused(run: Any) -> None:
    endless = "TIME,AMT,II,SS\n0,20,28,0\n50,20,28,1\n"
    assert "levels.csv:2: column TIME: must not be before the dose of day 50" in run(FEW, doses=endless)[2]
    assert "doses of 2 people" in run(FEW, doses="ID,TIME,AMT\na,0,20\nb,0,20\n")[2]
