"""`globulin simulate` as a person or a script meets it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from globulin.cli import main

TOY = str(Path(__file__).parents[1] / "toy")
DOSE = ("--dose-g", "28", "--interval-day", "28")


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["globulin", "simulate", *arguments])
        monkeypatch.setenv("COLUMNS", "120")
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_json_holds_the_names_that_are_promised(simulate: Any) -> None:
    code, out, _ = simulate(
        "--model", "zhang_2020", "--model", "fcrn_kim_2007", "--infusion-day", "0.25", "--weight-kg", "70",
        "--at-day", "0", "7", "--json", *DOSE,
    )  # fmt: skip
    assert code == 0
    zhang, kim = json.loads(out)["models"]
    assert (zhang["model"], kim["model"]) == ("zhang_2020", "fcrn_kim_2007")
    # golden values, computed elsewhere
    found = [zhang[name] for name in ("cmax_g_per_l", "cmin_g_per_l", "cavg_g_per_l")]
    assert found == pytest.approx([15.5904, 8.7913, 10.9262], abs=6e-5)
    assert zhang["rise_mean_g_per_l"] == pytest.approx(10.9262 - 4.0, abs=6e-5)
    assert zhang["auc_g_day_per_l"] == pytest.approx(28 * 10.9262, abs=2e-3)
    assert [set(level) for level in zhang["at"]] == [
        {"day", "total_g_per_l", "endogenous_g_per_l", "autoantibody_fraction"}
    ] * 2
    assert zhang["at"][1]["autoantibody_fraction"] is None
    assert 0.5 < kim["at"][1]["autoantibody_fraction"] < 1.0


def test_without_a_model_it_is_the_average_for_normal_igg_at_the_reference_weight(simulate: Any) -> None:
    document = json.loads(simulate("--json", *DOSE)[1])
    assert document["asked"]["weight_kg"] == 70.0
    (normal,) = document["models"]
    assert normal["model"] == "normal"
    assert len(normal["members"]) == 4
    assert (
        normal["band"]["low"]["cmax_g_per_l"]
        < normal["cmax_g_per_l"]
        < normal["band"]["high"]["cmax_g_per_l"]
    )


def test_millilitres_of_a_product_are_grams(simulate: Any) -> None:
    """GamaSTAN is 165 mg/mL: 2 mL hold 0.33 g."""
    _, out, _ = simulate(
        "--route", "im", "--dose-ml", "2", "--dose-ml-of", "gamastan", "--interval-day", "7", "--json"
    )
    document = json.loads(out)
    assert document["asked"]["dose_g"] == pytest.approx(0.33)
    (normal,) = document["models"]
    assert normal["muscle"]["buttock_rise_mean_g_per_l"][1] < normal["rise_mean_g_per_l"]
    assert normal["readability"]["can_guide"] is False


def test_a_product_by_a_route_it_is_not_made_for_is_flagged(simulate: Any) -> None:
    arguments = ("--route", "iv", "--dose-ml", "2", "--dose-ml-of", "gamastan", "--interval-day", "7")
    _, out, _ = simulate(*arguments, "--json")
    assert json.loads(out)["asked"]["flags"] == ["gamastan is made for im, not for iv"]
    assert "gamastan is made for im, not for iv." in simulate(*arguments)[1]


def test_grams_per_kg_are_those_of_the_weight(simulate: Any) -> None:
    _, out, _ = simulate("--dose-g-per-kg", "0.4", "--weight-kg", "50", "--interval-day", "28", "--json")
    assert json.loads(out)["asked"]["dose_g"] == pytest.approx(20.0)


def test_counted_doses_start_from_baseline_and_steady_ones_do_not(simulate: Any) -> None:
    def trough(*arguments: str) -> float:
        _, out, _ = simulate("--model", "landersdorfer_2013", "--at-day", "0", "--json", *DOSE, *arguments)
        level: float = json.loads(out)["models"][0]["at"][0]["total_g_per_l"]
        return level

    assert trough("--doses", "3") == 4.0
    assert trough("--doses", "3", "--steady-state") == trough() == pytest.approx(8.8445, abs=6e-5)


def test_the_toy_can_be_worked_out_by_hand(simulate: Any) -> None:
    """7 g a week cleared at 1 L/day raise the mean by 1 g/L above 10 g/L; under the skin 0.8 of it."""
    for route, rise in (("iv", 1.0), ("sc", 0.8), ("im", 0.5)):
        _, out, _ = simulate(
            "--dossier", TOY, "--model", "toy_linear", "--dose-g", "7", "--interval-day", "7",
            "--route", route, "--json",
        )  # fmt: skip
        (toy,) = json.loads(out)["models"]
        assert toy["cavg_g_per_l"] == pytest.approx(10.0 + rise, rel=1e-12)


def test_a_table_of_doses_is_answered_by_person(simulate: Any, tmp_path: Path) -> None:
    table = tmp_path / "doses.csv"
    table.write_text("ID,TIME,AMT,II,ADDL,SS\na,0,28,28,3,1\nb,0,28,.,.,.\nb,30,14,.,.,.\n")
    code, out, _ = simulate("--history", str(table), "--model", "zhang_2020", "--at-day", "0", "60", "--json")
    assert code == 0
    people = json.loads(out)["people"]
    assert [person["id"] for person in people] == ["a", "b"]
    assert people[0]["models"][0]["at"][0]["total_g_per_l"] > 8.0
    assert people[1]["models"][0]["at"][0]["total_g_per_l"] == 4.0
    assert people[1]["models"][0]["interval_day"] == [30.0, 60.0]
    code, out, _ = simulate("--history", str(table), "--at-day", "0", "60", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["id"], row["model"], row["day"]) for row in rows] == [
        (name, "normal", day) for name in ("a", "b") for day in ("0.0", "60.0")
    ]
    assert float(rows[1]["low_g_per_l"]) <= float(rows[1]["total_g_per_l"]) <= float(rows[1]["high_g_per_l"])


def test_csv_without_days_has_a_row_for_each_model(simulate: Any) -> None:
    _, out, _ = simulate("--model", "zhang_2020", "--model", "luo_2020", "--csv", *DOSE)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["model"] for row in rows] == ["zhang_2020", "luo_2020"]
    assert float(rows[0]["cavg_g_per_l"]) == pytest.approx(10.9262, abs=6e-5)
    assert rows[0]["day"] == rows[0]["autoantibody_fraction"] == ""


def test_the_table_says_how_far_to_trust_it(simulate: Any) -> None:
    code, out, _ = simulate(
        "--route", "im", "--dose-ml", "2", "--dose-ml-of", "gamastan", "--interval-day", "7", "--at-day", "3"
    )
    assert code == 0
    text = " ".join(out.split())
    assert "0.33 g into a muscle every week, at steady state, 70 kg" in text
    assert "a serum level cannot guide this dose" in text
    assert "What this does not show" in text
    assert (
        "fcrn_kim_2007, fcrn_blocker_anchored, fcrn_compromise_fit: the person's own IgG is not given" in text
    )
    assert "highest of these" in text
    _, out, _ = simulate("--model", "tortorici_2021", "--at-day", "3", *DOSE)
    assert "cannot guide" not in out
    assert "not computed" in out


def test_what_only_some_members_of_an_average_assume_is_said_once_with_their_names(simulate: Any) -> None:
    """Three recycling sets take 12.1 g/L for the own IgG, Tortorici 2021 takes 12.5."""
    said = [
        "fcrn_kim_2007, fcrn_blocker_anchored, fcrn_compromise_fit: the person's own IgG is not given;"
        " 12.1 g/L, typical here, is taken",
        "tortorici_2021: the person's own IgG is not given; 12.5 g/L, typical here, is taken",
    ]
    (normal,) = json.loads(simulate("--json", *DOSE)[1])["models"]
    assert normal["flags"] == said
    assert normal["members"][3]["flags"] == [said[1].removeprefix("tortorici_2021: ")]
    (row,) = csv.DictReader(io.StringIO(simulate("--csv", *DOSE)[1]))
    assert row["flags"] == "; ".join(said)
    text = " ".join(simulate(*DOSE)[1].split())
    assert [text.count(flag) for flag in said] == [1, 1]


def test_own_igg_that_a_model_cannot_use_is_said_not_to_be_used(simulate: Any) -> None:
    """Dumas 2019 has an apparent clearance of all IgG and no term for one's own: levels start from 0."""
    arguments = ("--model", "dumas_2019", "--doses", "3", "--at-day", "0", "--json", *DOSE)
    (without,) = json.loads(simulate(*arguments)[1])["models"]
    (given,) = json.loads(simulate(*arguments, "--baseline-g-per-l", "8")[1])["models"]
    assert given["at"][0]["total_g_per_l"] == 0.0
    (more,) = set(given["flags"]) - set(without["flags"])
    assert "own IgG that was given is not used" in more


def test_several_doses_at_one_time_are_not_called_one(simulate: Any, tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("TIME,AMT\n0,20\n0,10\n")
    (answer,) = json.loads(simulate("--model", "zhang_2020", "--history", str(path), "--json")[1])["models"]
    assert any(flag.startswith("2 doses, all at one time: over which interval") for flag in answer["flags"])
    path.write_text("TIME,AMT\n0,20\n")
    (answer,) = json.loads(simulate("--model", "zhang_2020", "--history", str(path), "--json")[1])["models"]
    assert any(flag.startswith("one dose: over which interval") for flag in answer["flags"])


FAULTS = [
    (("--model", "kim", *DOSE), "no model 'kim'; there are: deficient, normal, "),
    (("--interval-day", "7"), "a dose is missing: give --dose-g, --dose-g-per-kg, or --dose-ml with"),
    (("--dose-g", "28"), "--interval-day is missing"),
    (("--dose-ml", "2", "--interval-day", "7"), "--dose-ml and --dose-ml-of go together"),
    (("--dose-ml-of", "gamastan", "--interval-day", "7"), "--dose-ml and --dose-ml-of go together"),
    (("--dose-ml", "2", "--dose-ml-of", "gamastn", "--interval-day", "7"), "did you mean 'gamastan'?"),
    (("--dose-ml", "2", "--dose-ml-of", "../patients/x", "--interval-day", "7"), "no product '../patients"),
    (("--dose-g", "28", "--dose-g-per-kg", "1", "--interval-day", "7"), "give the dose in one unit"),
    (("--dose-g", "28", "--interval-day", "-7"), "--interval-day must be above 0"),
    (("--dose-g", "nan", "--interval-day", "7"), "--dose-g must be above 0"),
    (("--dose-g", "28000", "--interval-day", "7"), "--dose-g must be above 0 and at most 2000"),
    (("--dose-g-per-kg", "-1", "--interval-day", "7"), "--dose-g-per-kg must be above 0"),
    (("--weight-kg", "7000", *DOSE), "--weight-kg must be between 2 and 400"),
    (("--baseline-g-per-l", "nan", *DOSE), "--baseline-g-per-l must be finite"),
    (("--at-day", "7", "1", *DOSE), "--at-day must be in order"),
    (("--at-day", "nan", *DOSE), "--at-day must be finite"),
    (("--doses", "0", *DOSE), "--doses must be at least 1"),
    (("--daily-parts", "29", *DOSE), "29 parts on consecutive days do not go into 28 days; give at most 28"),
    (("--daily-parts", "29", *DOSE), "or a longer --interval-day"),
    (("--daily-parts", "2", "--infusion-day", "1.5", *DOSE), "give an --infusion-day of at most 1, not 1.5"),
    (("--doses", "1000000", *DOSE), "--doses must be at most 1,308 at intervals of 28 days, not 1,000,000"),
    (("--seed", "2", *DOSE), "--seed is for many people: give --people or --people-file too"),
    (("--group", "adults", *DOSE), "--group is for many people: give --people or --people-file too"),
    (("--csv", *DOSE), "--json or --csv, not both: an answer is printed"),
    (("--model", "normal", "--model", "normal", *DOSE), "--model normal: named 2 times"),
    (("--model", "tortorici_2019", "--route", "sc", *DOSE), "has no uptake by route sc (it has iv, im)"),
    (("--route", "po", *DOSE), 'Invalid value "po" for --route'),
    (("--history", "gone.csv"), "gone.csv: no such file"),
    (("--history", "gone.csv", "--dose-g", "1"), "--dose-g: the doses are in --history gone.csv"),
    (("--dossier", TOY, *DOSE), "no model 'normal'; there are: toy_linear"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), FAULTS, ids=[message[:50] for _, message in FAULTS])
def test_bad_input_gets_one_line_and_nothing_is_computed(
    simulate: Any, arguments: tuple[str, ...], message: str
) -> None:
    code, out, error = simulate(*arguments, "--json")
    assert code == 2
    assert out == ""
    assert message in error
    assert error.count("\n") == 1


def test_a_product_whose_strength_is_not_known_is_refused(
    simulate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from globulin import contents

    product = contents.bundled_one("products", "gamastan")
    assert product is not None
    monkeypatch.setattr(
        contents, "bundled_one", lambda *_: {**product, "concentration_mg_per_ml": {"missing": "not seen"}}
    )
    code, _, error = simulate(
        "--dose-ml", "2", "--dose-ml-of", "gamastan", "--interval-day", "7", "--weight-kg", "70"
    )
    assert code == 2
    assert "the strength of gamastan is not known; give the dose in grams" in error


def test_the_command_loads_nothing_that_would_keep_it_waiting() -> None:
    """scipy and pydantic take longer to load than the answer takes to compute."""
    program = (
        "import atexit, sys; from globulin.cli import main;"
        "slow = ('scipy', 'pydantic', 'numpy.ma', 'globulin.library');"
        "atexit.register(lambda: print([name for name in slow if name in sys.modules], file=sys.stderr));"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "simulate", "--json", *DOSE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)["models"][0]["model"] == "normal"
