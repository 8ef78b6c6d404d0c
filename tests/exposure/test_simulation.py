"""What a person's doses do to IgG: golden levels, identities, averages, and what a muscle leaves open."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.contents import bundled
from globulin.exposure import Person, repeated, simulate, steady_state
from globulin.exposure.facts import Catalogue, catalogue
from globulin.exposure.history import history
from globulin.exposure.models import parameters
from globulin.exposure.results import Exposure, Simulated

TRUTH: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "truth" / "pharmacokinetics.json").read_text()
)
GOLDEN = TRUTH["golden_values"]
LINEAR = {
    "Landersdorfer2013": "landersdorfer_2013",
    "Zhang2020": "zhang_2020",
    "Luo2020": "luo_2020",
    "NavarroMora2022": "navarro_mora_2022",
    "Dumas2019": "dumas_2019",
    "Tortorici2019_PID": "tortorici_2019",
    "Tortorici2021": "tortorici_2021",
    "Li2022": "li_2022",
    "Cheng2026_PID": "cheng_2026",
    "Lee2021": "lee_2021",
}
RECYCLING = {
    "kim2007": "fcrn_kim_2007",
    "blocker_anchored": "fcrn_blocker_anchored",
    "compromise_fit": "fcrn_compromise_fit",
}
# the person of the golden values
ADULT = Person(70.0, height_cm=170.0, sex="male")
IV = {"dose_g": 28.0, "interval_day": 28.0, "infusion_day": 0.25}
SC = {"dose_g": 7.0, "interval_day": 7.0, "route": "sc"}


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue(bundled("kinetics"))


def exposure(answer: Simulated) -> Exposure:
    assert answer.exposure is not None
    return answer.exposure


def of(known: Catalogue, model: str, person: Person = ADULT, **regimen: Any) -> Exposure:
    (answer,) = steady_state(known, model, person, **regimen)
    return exposure(answer)


def test_no_golden_model_is_left_out() -> None:
    assert set(LINEAR) == set(GOLDEN["linear"])
    assert set(RECYCLING) <= set(GOLDEN["fcrn_140g_single_over_0.25d_70kg"])


@pytest.mark.parametrize(
    ("name", "route"), [(name, route) for name, printed in GOLDEN["linear"].items() for route in printed]
)
def test_linear_models_give_the_golden_levels(known: Catalogue, name: str, route: str) -> None:
    printed = GOLDEN["linear"][name][route]
    found = of(known, LINEAR[name], **(IV if route == "IV" else SC))
    # computed elsewhere with a matrix exponential and printed to 4 decimals
    assert [found.cmax_g_per_l, found.cmin_g_per_l, found.cavg_g_per_l] == pytest.approx(printed, abs=6e-5)


@pytest.mark.parametrize("name", RECYCLING)
def test_recycling_sets_give_the_golden_levels(known: Catalogue, name: str) -> None:
    printed = GOLDEN["fcrn_140g_single_over_0.25d_70kg"][name]
    days = [0.25, 7.0, 14.0, 28.0, 60.0]
    (answer,) = simulate(
        known,
        RECYCLING[name],
        ADULT,
        history([0.0], 140.0, infusion_day=0.25),
        at_day=days,
        interval_day=28.0,
    )
    levels = [level.total_g_per_l for level in answer.at]
    # computed elsewhere with LSODA and printed to 4 digits
    assert levels == pytest.approx([printed[k] for k in ("Cmax", "C7", "C14", "C28", "C60")], rel=4e-4)
    assert exposure(answer).cmax_g_per_l == pytest.approx(printed["Cmax"], rel=4e-4)


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(sorted(LINEAR.values())),
    route=st.sampled_from(["iv", "sc", "im"]),
    dose=st.floats(0.1, 200.0),
    interval=st.floats(1.0, 60.0),
    infusion=st.just(0.0) | st.floats(0.01, 5.0),
    weight=st.floats(10.0, 150.0),
    height=st.floats(100.0, 200.0),
    sex=st.sampled_from(["female", "male"]),
    baseline=st.none() | st.floats(0.0, 20.0),
)
def test_area_times_clearance_is_what_is_taken_up(
    known: Catalogue,
    model: str,
    route: str,
    dose: float,
    interval: float,
    infusion: float,
    weight: float,
    height: float,
    sex: Any,
    baseline: float | None,
) -> None:
    """AUC x CL = F x dose, over doses, intervals and covariates, for every linear model."""
    person = Person(weight, height_cm=height, sex=sex, baseline_g_per_l=baseline)
    own = parameters(known.models[model], person, known.muscle)
    if route not in own.routes:
        route = "im"
    found = of(known, model, person, dose_g=dose, interval_day=interval, infusion_day=infusion, route=route)
    fraction = 1.0 if route == "iv" else float(own.uptake[route].bioavailability)
    area = found.auc_g_day_per_l - float(own.baseline_g_per_l) * interval
    # the baseline is taken off again, which costs digits where the rise is a thousandth of it
    assert area * float(own.values["cl"]) == pytest.approx(fraction * dose, rel=1e-6)
    assert found.rise_mean_g_per_l * interval == pytest.approx(area, rel=1e-6)
    rounding = 1e-12 * found.cmax_g_per_l
    assert found.cmin_g_per_l - rounding <= found.cavg_g_per_l <= found.cmax_g_per_l + rounding


def test_constant_input_is_cleared_as_fast_as_it_comes(known: Catalogue) -> None:
    """k(C) V1 C = R0 + r: 2 g a day without pause, C then solves a quadratic."""
    for model, (kint, jmax, km) in {
        "fcrn_kim_2007": (0.18, 147.0, 21.0),
        "fcrn_blocker_anchored": (0.41, 1144.0, 69.0),
        "fcrn_compromise_fit": (0.304, 693.0, 53.5),
    }.items():
        found = of(known, model, dose_g=2.0, interval_day=1.0, infusion_day=1.0)
        capacity, volume = jmax / 42.0, 2.94
        made = (kint - capacity / (km + 12.1)) * volume * 12.1 + 2.0
        level = np.roots([kint * volume, kint * volume * km - capacity * volume - made, -made * km]).max()
        assert found.cavg_g_per_l == pytest.approx(level, rel=1e-9)
        assert found.cmax_g_per_l == pytest.approx(found.cmin_g_per_l, rel=1e-9)


def test_own_igg_and_an_autoantibody_fall_by_the_same_fraction(known: Catalogue) -> None:
    (answer,) = steady_state(known, "fcrn_kim_2007", ADULT, **IV, at_day=[0.0, 3.0, 14.0])
    for level in answer.at:
        assert level.autoantibody_fraction is not None
        assert level.autoantibody_fraction < 1.0
        assert level.endogenous_g_per_l == pytest.approx(12.1 * level.autoantibody_fraction, rel=1e-12)


def test_a_linear_model_cannot_tell_what_becomes_of_own_igg(known: Catalogue) -> None:
    (answer,) = steady_state(known, "tortorici_2021", ADULT, **IV, at_day=[0.0])
    assert answer.at[0].autoantibody_fraction is None
    assert answer.at[0].endogenous_g_per_l == 12.5


def test_days_of_a_steady_state_go_on_for_ever(known: Catalogue) -> None:
    (answer,) = steady_state(known, "zhang_2020", ADULT, **IV, at_day=[0.0, 2.0, 28.0, 282.0])
    trough, two, again, later = answer.at
    assert [level.day for level in answer.at] == [0.0, 2.0, 28.0, 282.0]
    assert trough.total_g_per_l == again.total_g_per_l == pytest.approx(exposure(answer).cmin_g_per_l)
    assert later.total_g_per_l == two.total_g_per_l


def test_stopping_is_followed_into_the_washout(known: Catalogue) -> None:
    doses = repeated(28.0, 28.0, 1, infusion_day=0.25, steady=True)
    (answer,) = simulate(known, "zhang_2020", ADULT, doses, at_day=[28.0, 100.0, 1000.0])
    levels = [level.total_g_per_l for level in answer.at]
    assert levels[0] == pytest.approx(GOLDEN["linear"]["Zhang2020"]["IV"][1], abs=6e-5)
    assert levels[0] > levels[1] > levels[2] == pytest.approx(4.0, abs=1e-3)


def test_the_interval_described_is_the_last_one(known: Catalogue) -> None:
    """A missed dose, then a late one: the days from the last dose on, as long as from the one before."""
    doses = history([0.0, 28.0, 84.0, 119.0], 28.0, infusion_day=0.25)
    (answer,) = simulate(known, "zhang_2020", ADULT, doses)
    assert answer.interval_day == (119.0, 154.0)
    (stated,) = simulate(known, "zhang_2020", ADULT, doses, interval_day=28.0)
    assert stated.interval_day == (119.0, 147.0)
    split = history([0.0, 1.0, 2.0, 28.0, 29.0, 30.0], 28.0)
    (parts,) = simulate(known, "zhang_2020", ADULT, split, interval_day=28.0)
    assert parts.interval_day == (28.0, 56.0)


def test_one_dose_alone_has_no_interval_and_says_so(known: Catalogue) -> None:
    (answer,) = simulate(known, "zhang_2020", ADULT, history([0.0], 28.0), at_day=[7.0])
    assert answer.exposure is None
    assert any("over which interval" in flag for flag in answer.flags)
    assert answer.at[0].total_g_per_l > 4.0


def test_before_the_first_dose_there_is_only_the_baseline(known: Catalogue) -> None:
    for answer in simulate(
        known, ["zhang_2020", "fcrn_kim_2007"], ADULT, history([5.0], 28.0), at_day=[0.0, 5.0]
    ):
        assert [level.total_g_per_l for level in answer.at] == [answer.baseline_g_per_l] * 2


# --- averages ---------------------------------------------------------------------------------------


def test_an_average_is_the_mean_of_its_members_and_its_band_holds_them(known: Catalogue) -> None:
    (average,) = steady_state(known, "deficient", ADULT, **IV, at_day=[7.0])
    members = [astuple(exposure(member)) for member in average.members]
    assert {member.model for member in average.members} == {"navarro_mora_2022", "zhang_2020", "li_2022"}
    assert astuple(exposure(average)) == pytest.approx(np.mean(members, axis=0), rel=1e-12)
    assert average.band is not None
    assert astuple(average.band.low) == tuple(np.min(members, axis=0))
    assert astuple(average.band.high) == tuple(np.max(members, axis=0))
    at = [member.at[0].total_g_per_l for member in average.members]
    assert average.at[0].total_g_per_l == pytest.approx(np.mean(at))
    assert (average.at_band[0].low_g_per_l, average.at_band[0].high_g_per_l) == (min(at), max(at))


def test_own_igg_is_averaged_over_the_models_that_can_tell(known: Catalogue) -> None:
    person = Person(70.0, baseline_g_per_l=10.0)
    (average,) = steady_state(known, "normal", person, **IV, at_day=[3.0])
    telling = [
        level.autoantibody_fraction
        for member in average.members
        if (level := member.at[0]).autoantibody_fraction is not None
    ]
    assert len(telling) == 3
    assert average.at[0].autoantibody_fraction == pytest.approx(np.mean(telling))
    assert average.at[0].endogenous_g_per_l == pytest.approx(10.0 * np.mean(telling))
    assert average.baseline_g_per_l == 10.0


def test_members_without_the_route_are_left_out_by_name(known: Catalogue) -> None:
    (average,) = steady_state(known, "deficient", ADULT, dose_g=30.0, interval_day=28.0, route="fsc")
    assert [member.model for member in average.members] == ["li_2022"]
    assert sum("is left out: no uptake by route fsc" in flag for flag in average.flags) == 2


# --- into a muscle ----------------------------------------------------------------------------------


def test_a_dose_into_a_muscle_carries_the_range_of_its_uptake(known: Catalogue) -> None:
    """F 0.65 to 0.85 about 0.69 scales a linear rise; ka moves the peak; sites 1.34 to 1.83 apart."""
    (answer,) = steady_state(known, "tortorici_2021", ADULT, dose_g=0.33, interval_day=7.0, route="im")
    found, band = exposure(answer), answer.muscle
    assert band is not None
    low, high = band.uptake.low, band.uptake.high
    assert low.rise_mean_g_per_l == pytest.approx(found.rise_mean_g_per_l * 0.65 / 0.69)
    assert high.rise_mean_g_per_l == pytest.approx(found.rise_mean_g_per_l * 0.85 / 0.69)
    assert low.cmax_g_per_l < found.cmax_g_per_l < high.cmax_g_per_l
    assert band.buttock_rise_mean_g_per_l == pytest.approx(
        (found.rise_mean_g_per_l / 1.83, found.rise_mean_g_per_l / 1.34)
    )
    assert {"kankam_2020", "robbie_2012"} <= set(answer.sources)


def test_a_serum_level_cannot_guide_two_millilitres_into_a_muscle(known: Catalogue) -> None:
    """0.33 g a week: a rise of 0.08 g/L against a residual error of 12.1% at 12.6 g/L (Tortorici 2021)."""
    (answer,) = steady_state(known, "tortorici_2021", ADULT, dose_g=0.33, interval_day=7.0, route="im")
    readability = answer.readability
    assert readability is not None
    assert readability.level_sd_g_per_l == pytest.approx(0.121 * exposure(answer).cavg_g_per_l)
    assert readability.visible_g_per_l == pytest.approx(
        1.96 * np.sqrt(2) * readability.level_sd_g_per_l, rel=1e-4
    )
    assert not readability.can_guide
    assert readability.levels_needed > 1000


def test_a_level_can_show_a_high_dose_by_vein(known: Catalogue) -> None:
    (answer,) = steady_state(known, "tortorici_2021", ADULT, dose_g=140.0, interval_day=28.0)
    assert answer.readability is not None
    assert answer.readability.can_guide
    assert answer.muscle is None


# --- what cannot be asked ---------------------------------------------------------------------------

ONE = history([0.0], 28.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"which": "kim"}, "no model 'kim'; there are: deficient"),
        ({"at_day": [7.0, 1.0]}, "at_day must be in order"),
        ({"at_day": [np.nan]}, "at_day must be finite"),
        ({"at_day": [1e9]}, "at_day must be within"),
        ({"interval_day": -1.0}, "interval_day must be above 0"),
        ({"person": Person(np.array([60.0, 70.0]))}, "person must be one person"),
        (
            {"which": "tortorici_2019", "doses": repeated(7.0, 7.0, 2, route="sc")},
            "'tortorici_2019' has no uptake by route sc",
        ),
        ({"doses": repeated(7.0, 7.0, 1, steady=True), "at_day": [-1.0]}, "at_day must not be before"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_answered_is_refused(
    known: Catalogue, arguments: dict[str, Any], message: str
) -> None:
    asked = {"which": "zhang_2020", "person": ADULT, "doses": ONE, **arguments}
    which, person, doses = asked.pop("which"), asked.pop("person"), asked.pop("doses")
    with pytest.raises(ValueError, match=message):
        simulate(known, which, person, doses, **asked)


def test_the_models_of_a_dossier_can_be_given_as_they_are() -> None:
    (answer,) = steady_state(bundled("kinetics"), "zhang_2020", ADULT, **IV)
    assert answer.name == "Zhang 2020"


def test_an_average_before_the_first_dose_is_the_bodys_own_igg(known: Catalogue) -> None:
    """Before a dose every model holds only what it starts from, so total and own IgG are one number."""
    (found,) = simulate(known, "normal", Person(70.0), repeated(28.0, 28.0, 2), at_day=[-3.0, 28.0])
    before, after = found.at
    assert before.endogenous_g_per_l == pytest.approx(before.total_g_per_l, rel=1e-12)
    assert after.endogenous_g_per_l < before.endogenous_g_per_l < after.total_g_per_l
