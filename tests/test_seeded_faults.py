"""Faults a tired editor makes, seeded into a copy of the bundled dossier: each is found where it is."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from globulin.cli import main
from globulin.library import bundled_dossier
from globulin.pages import vega

LLOYD = "studies/lloyd_1990.yaml"
PRICES = "prices/cms_2025q4.yaml"
CLAIMS = "claims/gamma_globulin_page.yaml"
SOURCES = "sources/evidence.yaml"
KIM = "kinetics/fcrn_kim_2007.yaml"

# file, text, what it becomes, where in the new text the fault must be found (`|` marks the place), its words
FAULTS = {
    "unknown key": (LLOYD, "\nblinding: {", "\nblindness: {", "\n|blindness", "unknown key 'blindness'"),
    "unknown key deep down": (
        LLOYD,
        "infusion_day: 1.0",
        "infusion_days: 1.0",
        "|infusion_days",
        "infusion_day'?",
    ),
    "missing key": (LLOYD, "\ndesign: parallel_rct", "", "|id: lloyd_1990", "'design' is missing"),
    "wrong type": (LLOYD, "n: {value: 49,", "n: {value: many,", "n: {value: |many", "integer"),
    "number as text": (LLOYD, "n: {value: 49,", 'n: {value: "49",', 'n: {value: |"49"', "integer"),
    "unknown choice": (
        LLOYD,
        "design: parallel_rct",
        "design: rct",
        "design: |rct",
        "must be 'parallel_rct'",
    ),
    "unknown source id": (
        LLOYD,
        "n: {value: 49, source: lloyd_1990_abstract",
        "n: {value: 49, source: lloyd_1990_abstact",
        "source: |lloyd_1990_abstact",
        "did you mean 'lloyd_1990_abstract'?",
    ),
    "value without source": (
        LLOYD,
        "n: {value: 49, source: lloyd_1990_abstract, seen: abstract}",
        "n: 49",
        "n: |49",
        "needs its source",
    ),
    "duplicate arm": (
        LLOYD,
        "- id: placebo",
        "- id: ivig2",
        "- id: |ivig2\n    label: Placebo",
        "used twice",
    ),
    "duplicate source": (
        SOURCES,
        "- id: dubois_1986_abstract",
        "- id: dubois_1984",
        "- id: |dubois_1984\n    title: DuBois 1986",
        "used twice",
    ),
    "dose without unit": (
        LLOYD,
        "dose: {value: {g_per_kg: 2.0}",
        "dose: {value: 2.0",
        "dose: {value: |2.0",
        "a dose needs its unit",
    ),
    "dose in two units": (
        LLOYD,
        "{value: {g_per_kg: 2.0}",
        "{value: {g_per_kg: 2.0, g: 140}",
        "dose: {value: |{g_per_kg",
        "exactly one unit",
    ),
    "arm without n": (
        LLOYD,
        "    n_randomised: {value: 23, source: lloyd_1990_abstract, seen: abstract}\n",
        "",
        "arms:\n  - |id: ivig2",
        "'n_randomised' is missing",
    ),
    "negative n": (
        LLOYD,
        "n_randomised: {value: 23,",
        "n_randomised: {value: -23,",
        "{value: |-23",
        "cannot be -23",
    ),
    "responders above n": (
        LLOYD,
        "{events: 10, n: 23}",
        "{events: 32, n: 23}",
        "{events: |32",
        "32 with the event",
    ),
    "negative interval": (
        LLOYD,
        "interval_day: {value: 30",
        "interval_day: {value: -30",
        "{value: |-30",
        "greater than 0",
    ),
    "arm that is not there": (
        LLOYD,
        "\n        placebo: {events: 3",
        "\n        plcebo: {events: 3",
        "|kind: counts",
        "no arm 'plcebo'",
    ),
    "tab": (LLOYD, "\n  - id: placebo", "\n\t- id: placebo", "\n|\t- id: placebo", "indent with spaces"),
    "duplicate YAML key": (
        LLOYD,
        "\ncondition_group: mecfs",
        "\ncondition: again",
        "\n|condition: again",
        "stands twice",
    ),
    "unclosed bracket": (
        LLOYD,
        "population:\n  n: {value: 49,",
        "population:\n  n: [value: 49,",
        "",
        "not valid YAML",
    ),
    "id is not the file's name": (
        LLOYD,
        "id: lloyd_1990\n",
        "id: loyd_1990\n",
        "id: |loyd_1990",
        "not the file's name",
    ),
    "reference to nothing": (
        CLAIMS,
        "- study:hickie_1992\n",
        "- study:hicky_1992\n",
        "- |study:hicky_1992",
        "no study",
    ),
    "figure that is not computed": (
        CLAIMS,
        "{lloyd_active_responders}",
        "{lloyd_responders}",
        "",
        "no figure has the id",
    ),
    "price of nothing": (PRICES, "price: 50.737", "price: 0", "price: |0", "greater than 0"),
    "date that is none": (PRICES, "'2025-10-01'", "'2025-10-41'", "|'2025-10-41'", "date"),
    "negative rate constant": (KIM, "{value: 0.18,", "{value: -0.18,", "{value: |-0.18", "greater than 0"),
}


def place_of(text: str, mark: str) -> tuple[int, int]:
    """Line and column of the `|` in `mark`, in the text where the rest of it first stands."""
    before, _, after = mark.partition("|")
    at = text.index(before + after) + len(before)
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeded") / "dossier"
    shutil.copytree(bundled_dossier(), folder)
    return folder


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_answered_with_its_place_and_nothing_is_built(
    name: str,
    original: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, old, new, mark, words = FAULTS[name]
    path = original / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    changed = text.replace(old, new, 1)
    path.write_text(changed, encoding="utf-8")
    monkeypatch.setattr(
        sys, "argv", ["globulin", "page", "--dossier", str(original), "--out", str(tmp_path / "out")]
    )
    monkeypatch.setattr(vega, "drawing_beside", lambda: nullcontext(vega.to_svg))
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        path.write_text(text, encoding="utf-8")
    assert stop.value.code == 1
    assert not (tmp_path / "out").exists()
    lines = capsys.readouterr().err.splitlines()
    assert any(re.match(rf"{file}:\d+:\d+: .*{re.escape(words)}", line) for line in lines), lines
    if "|" in mark:
        line, column = place_of(changed, mark)
        assert any(found.startswith(f"{file}:{line}:{column}:") and words in found for found in lines), lines
