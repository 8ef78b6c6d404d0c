"""Dossiers that cannot be used, or only in part: answered with a place or a reason, never a crash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from globulin.dossier import Dossier
from globulin.errors import DossierError
from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.planning.dosing import NoAmount

TOY = Path(__file__).parent / "toy"
A, B = "studies/toy_a_1990.yaml", "studies/toy_b_1991.yaml"
LINEAR, MUSCLE = "kinetics/toy_linear.yaml", "kinetics/toy_muscle.yaml"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("README.md", "*.csv"))
    return folder


def change(toy: Path, file: str, old: str, new: str) -> None:
    path = toy / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def opened(toy: Path) -> tuple[Dossier, Findings]:
    dossier = open_dossier(toy)
    return dossier, find(dossier)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            B,
            "label: drug, role: active, n_randomised: {value: 14",
            "label: drug, role: active, n_randomised: {value: 1",
            "no verified or assumed number",
        ),
        (
            B,
            "control, n_randomised: {value: 14, source: toy_paper, seen: full_text}",
            "control, n_randomised: {missing: lost}",
            "no verified or assumed number",
        ),
        (
            B,
            "control, n_randomised: {value: 14, source: toy_paper, seen: full_text}",
            "control, n_randomised: {value: 14, source: toy_paper, seen: unverified}",
            "no verified or assumed number",
        ),
        (
            B,
            "{kind: not_significant, arms: [drug, placebo]}",
            "{kind: words, direction: better}",
            "a result of kind 'words'",
        ),
        (
            B,
            "arms: [drug, placebo]}",
            "arms: [drug, placebo], two_sided_alpha: 1.0e-300}",
            "greater than or equal",
        ),
        (A, ", placebo: {events: 10, n: 20}", "", "no counts for placebo"),
        (
            A,
            "    source: toy_paper\n    seen: full_text\n",
            "    source: toy_paper\n    seen: unverified\n",
            "unverified",
        ),
        (A, "active: [drug]", "active: [drug, drug]", "named twice"),
        (A, "design: parallel_rct", "design: cohort", "only randomised trials"),
        (A, "condition_group: mecfs", "condition_group: neighbour", "only randomised trials"),
        (A, "doses: {value: 3", "doses: {value: -3", "greater than or equal to 1"),
        (
            "regimens/toy_weekly_iv.yaml",
            "interval_day: {value: 7, source: toy_paper, seen: full_text}",
            "interval_day: {value: 3, source: toy_paper, seen: full_text}\n      split_over_days: 5",
            "do not fit",
        ),
        (MUSCLE, "bioavailability: {value: 0.5", "bioavailability: {value: 5", "less than or equal to 1"),
        ("sources/toy.yaml", "id: toy_prices", "id: [toy_prices]", "valid string"),
        ("products/toy_iv.yaml", "name: Toy by vein", 'name: "Toy\\0"', "control character"),
        ("patients/reference_adult.yaml", "weight_kg: 50", "weight_kg: " + "5" * 400, "digits"),
    ],
)
def test_what_cannot_be_true_is_a_fault(toy: Path, file: str, old: str, new: str, words: str) -> None:
    change(toy, file, old, new)
    with pytest.raises(DossierError) as caught:
        open_dossier(toy)
    assert any(words in str(fault) and fault.file == file for fault in caught.value.faults), str(caught.value)


def test_only_null_trials_have_no_summary(toy: Path) -> None:
    (toy / A).unlink()
    _, findings = opened(toy)
    assert [effect.study for effect in findings.trials.effects] == ["toy_b_1991"]
    assert findings.trials.answers == ()
    assert findings.figures["pooled_numbers_only"].text == "not known"


def test_an_unverified_strength_gives_no_dose(toy: Path) -> None:
    change(
        toy, "products/toy_im.yaml", "source: toy_paper, seen: label", "source: toy_paper, seen: unverified"
    )
    _, findings = opened(toy)
    row = next(row for row in findings.regimens if row.id == "toy_weekly_im")
    assert row.amount == NoAmount("the strength of Toy by muscle is not known")
    assert row.cheapest is None


def test_an_unverified_cap_gives_no_dose(toy: Path) -> None:
    cap = "      cap_g: {value: 30, source: toy_paper, seen: unverified}\n    n_randomised: {value: 20"
    change(
        toy,
        A,
        "    n_randomised: {value: 20, source: toy_paper, seen: full_text}\n  - ",
        f"{cap}, source: toy_paper, seen: full_text}}\n  - ",
    )
    _, findings = opened(toy)
    row = next(row for row in findings.regimens if row.study == "toy_a_1990")
    assert row.amount == NoAmount("the cap of the dose is unverified")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "q: {value: 1.0, source: toy_paper, seen: full_text}",
            "q: {value: 1.0, source: toy_paper, seen: unverified}",
        ),
        (
            "cl: {value: 1.0, source: toy_paper, seen: full_text}",
            "cl: {value: 1.0, source: toy_paper, seen: unverified}",
        ),
        ("ka: {value: 0.5, source: toy_paper, seen: full_text}", "ka: {missing: not printed}"),
    ],
)
def test_a_model_without_all_its_parameters_takes_no_part(toy: Path, old: str, new: str) -> None:
    change(toy, LINEAR, old, new)
    _, findings = opened(toy)
    assert all(row.rises == () for row in findings.regimens)


def test_unverified_uptake_from_a_muscle_predicts_nothing(toy: Path) -> None:
    change(
        toy,
        MUSCLE,
        "ka_per_day: {value: 0.5, source: toy_paper, seen: full_text}",
        "ka_per_day: {value: 0.5, source: toy_paper, seen: unverified}",
    )
    _, findings = opened(toy)
    assert all(row.rises == () for row in findings.regimens)


@pytest.mark.parametrize("folder", ["kinetics", "claims", "studies", "regimens"])
def test_a_dossier_without_one_kind_is_a_shorter_one(toy: Path, folder: str) -> None:
    shutil.rmtree(toy / folder)
    dossier, findings = opened(toy)
    assert not getattr(dossier, folder)
    assert findings.weight_kg == 50.0
