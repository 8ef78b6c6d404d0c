"""The command line as a person or a script meets it: output, JSON, clear one-line errors, exit status."""

from __future__ import annotations

import json
import os
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
    assert set(answers["null_censored"]["bayes"]) == {"vague", "sceptical"}


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
    for command in ("page", "evidence", "regimens", "claims", "cite", "check", "schema"):
        assert command in out
        assert globulin(command, "--help")[0] == 0


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
