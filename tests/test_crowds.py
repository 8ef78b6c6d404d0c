"""`globulin simulate --people` and `globulin dose-for`: what they print, and one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from globulin.cli import main

SIMULATE = "simulate --model navarro_mora_2022 --interval-day 28 --people 300"
DOSE = "dose-for --model navarro_mora_2022 --g-per-l 8 --interval-day 28"


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["globulin", *words.split()])
        monkeypatch.setenv("COLUMNS", "160")
        status = 0
        try:
            main()
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def answer(says, words: str) -> dict:
    status, out, err = says(f"{words} --json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_a_population_is_the_same_for_a_seed_and_another_for_another(says) -> None:
    ask = f"{SIMULATE} --dose-g-per-kg 0.4 --target-g-per-l 7"
    first, again, other = (answer(says, f"{ask} --seed {seed}") for seed in (1, 1, 2))
    assert first == again == answer(says, ask)
    assert first["models"] != other["models"]
    (model,) = first["models"]
    assert model["probabilities"] == [0.025, 0.25, 0.5, 0.75, 0.975]
    assert model["cmin_g_per_l"] == sorted(model["cmin_g_per_l"])
    assert model["reached"][0]["people"] == pytest.approx(300 * model["reached"][0]["share"])
    assert len(model["band"]) == 29
    assert any("Adults of the United States" in flag for flag in model["flags"])
    assert "nhanes_2021_2023" in model["sources"]
    assert first["asked"]["group"] == "adults"


def test_a_population_as_table_and_csv(says) -> None:
    ask = f"{SIMULATE} --dose-g 30 --doses 3 --at-day 7 80 --target-g-per-l 6"
    _, out, _ = says(ask)
    assert "What this does not show" in out
    assert "People of the United States are heavier" in " ".join(out.split())
    _, out, _ = says(f"{ask} --csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 5 * 2
    assert {row["day"] for row in rows} == {"7.0", "80.0"}


def test_people_of_ones_own(says, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("weight_kg;sex;baseline_g_per_l\n50,5;f;2\n90;M;3\n")
    ask = f"simulate --model fcrn_kim_2007 --interval-day 28 --dose-g 1e-6 --people-file {path}"
    (model,) = answer(says, ask)["models"]
    assert model["people"] == 2
    assert np.allclose([model["cavg_g_per_l"][0], model["cavg_g_per_l"][-1]], [2.025, 2.975], atol=1e-4)


def test_a_dose_for_a_trough_with_what_goes_with_it(says) -> None:
    document = answer(says, f"{DOSE} --weight-kg 70")
    (model,) = document["models"]
    assert model["cmin_g_per_l"] == pytest.approx(8.0, rel=1e-9)
    assert model["dose_g_per_kg"] == pytest.approx(model["dose_g"] / 70)
    # golden value of 28 g: trough 7.9459 over a baseline of 4
    assert model["dose_g"] == pytest.approx(28.0 * 4.0 / 3.9459, rel=1e-3)
    assert [split["parts"] for split in model["splits"]] == [1, 2, 5]
    # F of Navarro-Mora 2022 is 0.705
    assert model["switches"][0]["factor"] == pytest.approx(1 / 0.705, rel=1e-9)
    label = {each["product"]: each["iv_to_sc_factor"] for each in document["labelled_conversions"]}
    assert label["hizentra"] == 1.37
    assert label["hyqvia"] is None
    assert model["settling"][0]["plateau_day"] % 28 == 0


def test_an_interval_for_a_dose_and_a_dose_for_a_share(says) -> None:
    interval = "dose-for --model zhang_2020 --g-per-l 8 --dose-g-per-kg 0.5"
    (model,) = answer(says, interval)["models"]
    assert 20 < model["interval_day"] < 60
    assert model["dose_g"] == pytest.approx(35.0)
    (model,) = answer(says, f"{DOSE} --share 0.9 --people 200")["models"]
    assert (model["share"], model["people"], model["dose_g"]) == (0.9, 200, None)
    low, high = model["between"]
    assert low < model["dose_g_per_kg"] < high
    _, out, _ = says(f"{DOSE} --share 0.9 --people 200")
    assert "with another crowd of this size" in " ".join(out.split())
    _, out, _ = says(f"{DOSE} --csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert float(row["cmin_g_per_l"]) == pytest.approx(8.0, rel=1e-9)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (f"{SIMULATE} --dose-g 30 --weight-kg 70", "--weight-kg is of one person"),
        (f"{SIMULATE} --dose-g 30 --group martians", "no group 'martians'"),
        (f"{SIMULATE} --dose-g 30 --seed -1", "--seed must be at least 0"),
        (f"{SIMULATE}", "a dose is missing"),
        (f"{SIMULATE} --dose-g -3", "--dose-g must be above 0"),
        (f"{SIMULATE} --dose-g-per-kg nan", "--dose-g-per-kg must be finite"),
        (f"{SIMULATE} --dose-g 30 --people-file nowhere.csv", "nowhere.csv: no such file"),
        ("simulate --dose-g 30 --interval-day 28 --people 0", "--people must be between 1"),
        ("simulate --dose-g 30 --interval-day 28 --target-g-per-l 7", "--target-g-per-l counts people"),
        ("dose-for --g-per-l 8", "--interval-day is missing: give it to learn the dose, or give --dose-g or"),
        (f"{DOSE} --dose-g 3", "--interval-day and --dose-g: leave one of the two away"),
        ("dose-for --g-per-l 8 --dose-g 3 --dose-g-per-kg 1", "give the dose in one unit"),
        (f"{DOSE} --daily-parts 29", "29 parts on consecutive days do not go into 28 days; give at most 28"),
        (f"{DOSE} --seed 2", "--seed is for many people: give --share too"),
        (f"{DOSE} --group adults", "--group is for many people: give --share too"),
        (f"{DOSE} --flat", "--flat is for a share of many people: give --share too"),
        (f"{DOSE} --json --csv", "--json or --csv, not both: an answer is printed"),
        (
            f"{DOSE} --model navarro_mora_2022",
            "--model navarro_mora_2022: named 2 times; name each",
        ),
        (f"{SIMULATE} --dose-g 30 --csv --json", "--json or --csv, not both: an answer is printed"),
        (f"{SIMULATE} --dose-g 30 --doses 1000000", "--doses must be at most 1,308 at intervals of 28 days"),
        (f"{SIMULATE} --dose-g 30 --group adults --people-file mine.csv", "leave it or --people-file away"),
        ("dose-for --g-per-l 8 --interval-day -1", "--interval-day must be above 0"),
        ("dose-for --g-per-l 8 --interval-day 28 --weight-kg 7000", "--weight-kg must be between"),
        ("dose-for --g-per-l 8 --interval-day 28 --model nobody", "no model 'nobody'"),
        ("dose-for --g-per-l 8 --interval-day 28 --people 50", "--share is missing"),
        ("dose-for --g-per-l 8 --interval-day 28 --share 90", "--share must be between 0 and 1"),
        ("dose-for --interval-day 28", "--g-per-l"),
    ],
)
def test_what_is_wrong_is_one_line(says, words: str, line: str) -> None:
    status, out, err = says(words)
    assert (status, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("height_cm\n170\n", "no column WEIGHT_KG"),
        ("weight_kg\n70\n7000\n", "bad.csv:3: column WEIGHT_KG: 7000 must be between 2 and 400"),
        ("weight_kg,sex\n70,x\n", "bad.csv:2: column SEX: 'x' must be female or male"),
        ("weight_kg\nheavy\n", "'heavy' is not a number"),
    ],
)
def test_a_bad_table_of_people_is_one_line(says, tmp_path: Path, rows: str, line: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(rows)
    status, _, err = says(f"simulate --interval-day 28 --dose-g 30 --people-file {path}")
    assert status == 2
    assert line in err
