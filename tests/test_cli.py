"""The command line as a person or a script meets it: output, JSON, clear one-line errors, exit status."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from globulin import cli
from globulin.cli import main

TOY = Path(__file__).parent / "toy"


def run(
    *arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["globulin", *arguments])
    monkeypatch.setenv("COLUMNS", "120")
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def globulin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *arguments: run(*arguments, monkeypatch=monkeypatch, capsys=capsys)


def test_evidence_json_gives_the_three_answers(globulin: Any) -> None:
    code, out, _ = globulin("evidence", "--json")
    assert code == 0
    answers = json.loads(out)["answers"]
    assert list(answers) == ["numbers_only", "null_censored", "null_at_zero"]
    # 0.32 (-0.08 to 0.73; Hartung-Knapp -0.36 to 1.01), I2 48%: null trials at zero, as worked out beforehand
    zero = answers["null_at_zero"]["frequentist"]
    assert round(zero["estimate"], 2) == 0.32
    assert (round(zero["wald_lower"], 2), round(zero["wald_upper"], 2)) == (-0.08, 0.73)
    assert (round(zero["hartung_knapp_lower"], 2), round(zero["hartung_knapp_upper"], 2)) == (-0.36, 1.01)
    assert round(zero["i2_percent"]) == 48
    assert set(answers["null_censored"]["bayes"]) == {"vague", "sceptical", "enthusiastic"}


def test_regimens_json_shows_every_model(globulin: Any) -> None:
    code, out, _ = globulin("regimens", "--json", "--weight-kg", "62")
    document = json.loads(out)
    assert (code, document["weight_kg"]) == (0, 62.0)
    low = next(row for row in document["regimens"] if row["id"] == "im_2_ml_weekly")
    assert set(low["rises"]) == {
        "fcrn_kim_2007",
        "fcrn_blocker_anchored",
        "fcrn_compromise_fit",
        "tortorici_2021",
    }
    assert low["cheapest"]["price"]["effective_from"] == "2025-10-01"


def test_claims_json_answers_all_thirty_two(globulin: Any) -> None:
    code, out, _ = globulin("claims", "--json")
    claims = json.loads(out)["claims"]
    assert (code, len(claims)) == (0, 32)
    assert all(claim["finding"] and "{" not in claim["finding"] for claim in claims)


def test_cite_names_methods_and_sources(globulin: Any) -> None:
    code, out, _ = globulin("cite", "--json")
    document = json.loads(out)
    assert code == 0
    assert {"viechtbauer_2005", "hartung_knapp_2001"} <= {method["id"] for method in document["methods"]}
    assert "lloyd_1990_abstract" in {source["id"] for source in document["sources"]}
    _, text, _ = globulin("cite")
    assert "Viechtbauer" in text
    assert "2146875" in text or "10.1016/0002-9343(90)90173-B" in text


@pytest.mark.parametrize("command", ["evidence", "regimens", "claims"])
def test_tables_say_what_they_do_not_show(globulin: Any, command: str) -> None:
    code, out, _ = globulin(command)
    assert code == 0
    assert "It informs; it does not prescribe." in " ".join(out.split())


def test_output_is_the_same_every_time(globulin: Any) -> None:
    assert globulin("evidence", "--json") == globulin("evidence", "--json")


def test_check_counts_records(globulin: Any) -> None:
    code, out, _ = globulin("check")
    assert code == 0
    assert out.startswith("no faults in ")


def test_check_prints_every_fault_and_exits_1(globulin: Any, tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("README.md"))
    for name, old, new in (("toy_iv", "maker:", "makr:"), ("toy_im", "ml: 5", "ml: -5")):
        path = folder / "products" / f"{name}.yaml"
        path.write_text(path.read_text().replace(old, new))
    code, out, err = globulin("check", str(folder))
    assert (code, out) == (1, "")
    assert "products/toy_iv.yaml:3:1:" in err
    assert "products/toy_im.yaml:7:" in err
    assert "nothing was built" in err


def test_nothing_is_built_from_a_faulty_dossier(globulin: Any, tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("README.md"))
    (folder / "products" / "toy_iv.yaml").write_text("id: [\n")
    code, _, err = globulin("page", "--dossier", str(folder), "--out", str(tmp_path / "out"))
    assert code == 1
    assert "products/toy_iv.yaml:2:1: not valid YAML" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evidence", "--dossier", "nowhere"), "nowhere: no such folder"),
        (("regimens", "--weight-kg", "7000"), "between 2 and 400 kg"),
        (("regimens", "--weight-kg", "nan"), "between 2 and 400 kg"),
        (("regimens", "--weight-kg", "heavy"), "heavy"),
        (("regimens", "--price-list", "cms_1999"), "there are: au_2016_17, cms_2025q4"),
        (("evidense",), "evidence"),
        (("evidence", "--jsn"), "--jsn"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(
    globulin: Any, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = globulin(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("globulin: ")
    assert err.count("\n") == 1


def test_page_writes_site_pdf_and_data(globulin: Any, tmp_path: Path) -> None:
    out_folder = tmp_path / "page"
    code, out, _ = globulin("page", "--out", str(out_folder))
    assert code == 0
    assert Path(out.strip()) == out_folder / "index.html"
    assert (out_folder / "globulin.pdf").read_bytes().startswith(b"%PDF-")
    document = json.loads((out_folder / "dossier.json").read_text())
    assert document["schema_version"] == 1
    assert len(document["dossier"]["studies"]) == 37


def test_an_output_folder_that_cannot_be_written_is_one_line(globulin: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    code, _, err = globulin("page", "--out", str(blocked / "page"))
    assert code == 2
    assert err.startswith("globulin: ")
    assert err.count("\n") == 1
    assert blocked.read_text() == "in the way"


def test_schema_writes_one_file_per_kind(globulin: Any, tmp_path: Path) -> None:
    code, _, _ = globulin("schema", "--out", str(tmp_path))
    assert code == 0
    assert (tmp_path / "dossier_json.schema.json").exists()
    assert (tmp_path / "studies.schema.json").exists()


def test_every_command_has_help(globulin: Any) -> None:
    code, out, _ = globulin("--help")
    assert code == 0
    for command in ("page", "evidence", "pool", "regimens", "claims", "cite", "check", "schema"):
        assert command in out
        assert globulin(command, "--help")[0] == 0


def test_options_that_belong_together_stand_together(globulin: Any) -> None:
    """Every option of `simulate` is listed under what it is about, in this order, with its words."""
    _, out, _ = globulin("simulate", "--help")
    titles = re.findall(r"^\u256d\u2500 (.+?) \u2500", out, flags=re.MULTILINE)
    assert titles == ["Parameters", "Dose", "Person", "Many people", "Data and output"]
    groups = dict(zip(titles, re.split(r"^\u256d", out, flags=re.MULTILINE)[1:], strict=True))
    assert "--dose-g-per-kg FLOAT  Grams of one dose per kg of body weight." in groups["Dose"]
    assert "--weight-kg FLOAT" in groups["Person"]
    assert "--people-file PATH" in groups["Many people"]
    assert "--csv" in groups["Data and output"]


def test_the_package_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "globulin.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0.1.0\n"


def test_help_and_import_stay_light() -> None:
    """`globulin --help` loads neither NumPy nor pydantic, which cost most of a second."""
    code = (
        "import sys; sys.argv = ['globulin', '--help']\n"
        "from globulin.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'pydantic', 'altair', 'typst', 'ruamel'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr


def test_version() -> None:
    assert cli.app.version == "0.1.0"


# --- a table of one's own ----------------------------------------------------------------------------

NAMES_TO_HOLD = (
    *("estimate", "se", "ci_lower", "ci_upper", "p_value", "tau2", "tau2_ci_lower", "tau2_ci_upper"),
    *("i2", "h2", "q", "q_p_value", "prediction_lower", "prediction_upper", "k", "message"),
)


def test_pool_json_has_the_names_of_the_library(globulin: Any) -> None:
    code, out, _ = globulin("pool", str(TOY / "table.csv"), "--json")
    document = json.loads(out)
    assert code == 0
    assert set(NAMES_TO_HOLD) <= set(document)
    assert (document["k"], document["measure"], document["corrected"]) == (3, "OR", ["Toy C 1992"])
    # 10 of 20 against 5 of 20: log(10 * 15 / (10 * 5))
    assert document["studies"][0]["estimate"] == pytest.approx(1.0986122886681098)


def test_pool_shows_every_summary_and_what_it_does_not_show(globulin: Any) -> None:
    code, out, _ = globulin(
        "pool", str(TOY / "table.csv"), "--measure", "RR", "--tau2", "PM", "--level", "0.9"
    )
    words = " ".join(out.split())
    assert code == 0
    for said in ("PM, Hartung-Knapp", "PM, Wald", "Bayes, half-normal(0.5)", "90% interval", "Q-profile"):
        assert said in words
    assert "90% prediction interval" in words
    assert "t with k \N{MINUS SIGN} 1 = 2 degrees of freedom" in words
    assert "0.5 was added to every cell of these: Toy C 1992." in words
    assert "What this does not show: " in words
    assert "It informs; it does not prescribe." in words


def test_pool_options_change_the_answer(globulin: Any) -> None:
    def answer(*options: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(globulin("pool", str(TOY / "table.csv"), "--json", *options)[1])
        return result

    wald = answer("--ci", "wald")
    assert (wald["ci_lower"], wald["ci_upper"]) == (wald["wald"]["ci_lower"], wald["wald"]["ci_upper"])
    common = answer("--tau2", "FE")
    assert (common["tau2"], common["prediction_lower"]) == (0, None)
    assert answer("--level", "0.8")["ci_lower"] > answer()["ci_lower"]


def test_pool_prints_names_as_they_are_and_steers_no_terminal(globulin: Any, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("study,y,v\n[red]A[/red],1,1\n\x1b[31mB,2,1\n")
    code, out, _ = globulin("pool", str(path))
    assert code == 0
    assert "[red]A[/red]" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tau2", "REMLL"), "--tau2 REMLL: is not one of FE, DL, HE, HS, SJ, ML, REML, EB, PM"),
        (("--ci", "knha"), "--ci knha: is not one of wald, t, HKSJ, HKSJ-guarded"),
        (("--level", "95"), "--level 95: give a number from 0.5 to 0.9999, such as 0.95"),
        (("--level", "nan"), "--level nan: "),
        (("--measure", "SMD"), "for which there is OR, RR, RD, PETO, AS"),
    ],
)
def test_pool_answers_a_bad_option_in_one_line(globulin: Any, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = globulin("pool", str(TOY / "table.csv"), *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("study,ai,n1i,ci,n2i\nA,5,4,1,4\n", "globulin: t.csv:2: column 'ai': must not be above n1i\n"),
        ("study,y,v\nA,much,1\n", "globulin: t.csv:2: column 'y': 'much' is not a number\n"),
        ("a|b\n1|2\n", "globulin: t.csv:1: one column only, 'a|b' (put commas,"),
        ("", "globulin: t.csv: the file is empty\n"),
    ],
)
def test_pool_answers_a_bad_table_in_one_line(globulin: Any, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    code, out, err = globulin("pool", str(path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(words)


def test_pool_answers_what_is_no_file_in_one_line(globulin: Any, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        code, out, err = globulin("pool", str(path))
        assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--worth-it", "nan"), ("--worth-it", "inf"), ("--worth-it", "0"), ("--weight", "2")],
)
def test_a_size_or_weight_that_means_nothing_is_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Path(__file__).parent / "toy" / "table.csv"
    monkeypatch.setattr(sys, "argv", ["globulin", "pool", str(table), option, value])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert f"{option} {value}" in capsys.readouterr().err
