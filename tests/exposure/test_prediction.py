"""Named regimens at 70 kg against a table computed by an independent program before this package existed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from globulin.dossier import Dossier
from globulin.exposure.facts import Catalogue, catalogue
from globulin.exposure.prediction import Course, Rise, models_for_normal_igg, steady_state_rises
from globulin.library import open_dossier

TRUTH: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "truth" / "pharmacokinetics.json").read_text()
)
TABLE = TRUTH["named_regimens_70kg_adult"]
COLUMNS = {
    "tortorici_2021": "CIDP_linear_Tortorici2021",
    "fcrn_kim_2007": "FcRn_kim2007",
    "fcrn_blocker_anchored": "FcRn_blocker_anchored",
    "fcrn_compromise_fit": "FcRn_compromise",
}
COURSES = {
    "2 mL/week IM 16.5% (0.33 g/wk)": Course("im", 0.33, 7.0, 0.0, 70.0),
    "4 mL every other week IM (0.66 g/2 wk)": Course("im", 0.66, 14.0, 0.0, 70.0),
    "1 g/week IV": Course("iv", 1.0, 7.0, 0.25, 70.0),
    "1 g/week IM or SC (F 0.69)": Course("im", 1.0, 7.0, 0.0, 70.0),
    "0.4 g/kg q28d IV": Course("iv", 28.0, 28.0, 0.25, 70.0),
    "1 g/kg q28d IV": Course("iv", 70.0, 28.0, 0.25, 70.0),
    "2 g/kg q28d IV (single infusion)": Course("iv", 140.0, 28.0, 0.25, 70.0),
}


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def known(dossier: Dossier) -> Catalogue:
    return catalogue(dossier.kinetics)


@pytest.fixture(scope="module")
def rises(known: Catalogue) -> dict[str, dict[str, Rise]]:
    found = steady_state_rises(known, list(COURSES.values()))
    return {name: {rise.model: rise for rise in row} for name, row in zip(COURSES, found, strict=True)}


def test_the_models_for_normal_igg_are_the_three_recycling_sets_and_cidp(known: Catalogue) -> None:
    assert {model.id for model in models_for_normal_igg(known)} == set(COLUMNS)


@pytest.mark.parametrize("row", TABLE["rows"], ids=lambda row: row["regimen"])
@pytest.mark.parametrize("model", COLUMNS)
def test_named_regimens(rises: dict[str, dict[str, Rise]], row: dict[str, Any], model: str) -> None:
    rise = rises[row["regimen"]][model]
    column = TABLE["columns"].index(COLUMNS[model])
    assert rise.converged
    for key, value in (
        ("mean", rise.mean_g_per_l),
        ("peak", rise.peak_g_per_l),
        ("trough", rise.trough_g_per_l),
    ):
        if key in row:
            printed = row[key][column]
            # 3%, and half of the last printed digit (two decimals below 1 g/L, one above)
            digit = 0.005 if printed < 1 and key == "mean" else 0.05
            assert value == pytest.approx(printed, abs=0.03 * printed + digit), key


@pytest.mark.parametrize(
    ("regimen", "column"),
    [
        ("2 mL/week IM 16.5% (0.33 g/wk)", "2 mL/week IM"),
        ("1 g/week IV", "1 g/week IV"),
        ("1 g/week IM or SC (F 0.69)", "1 g/week IM"),
        ("0.4 g/kg q28d IV", "0.4 g/kg q28d IV"),
        ("1 g/kg q28d IV", "1 g/kg q28d IV"),
        ("2 g/kg q28d IV (single infusion)", "2 g/kg q28d IV"),
    ],
)
def test_own_igg_falls_as_in_the_table(rises: dict[str, dict[str, Rise]], regimen: str, column: str) -> None:
    printed = TABLE["autoantibody_or_endogenous_mean_change_pct"][column]
    for model, percent in zip(list(COLUMNS)[1:], printed, strict=True):
        change = rises[regimen][model].endogenous_change
        assert change is not None
        assert 100 * change == pytest.approx(percent, abs=0.03 * abs(percent) + 0.05), model


def test_no_courses_no_rises(known: Catalogue) -> None:
    assert steady_state_rises(known, []) == []


def test_without_uptake_from_a_muscle_nothing_is_predicted(known: Catalogue) -> None:
    with pytest.raises(ValueError, match="uptake from a muscle"):
        steady_state_rises(replace(known, muscle=None), list(COURSES.values()))


def test_a_rise_names_the_model_and_the_uptake_it_rests_on(
    rises: dict[str, dict[str, Rise]], known: Catalogue
) -> None:
    by_vein = rises["1 g/week IV"]["fcrn_kim_2007"].sources
    by_muscle = rises["1 g/week IM or SC (F 0.69)"]["fcrn_kim_2007"].sources
    assert by_vein == ("kim_2007",)
    assert by_muscle == ("kim_2007", "kankam_2020", "robbie_2012")
