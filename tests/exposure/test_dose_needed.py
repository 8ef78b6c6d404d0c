"""Asking backwards: every dose is put through the steady state again, and shares are counted."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.toy_models import BASE, CL, CV, V1, average, known, one_compartment
from globulin.contents import bundled
from globulin.exposure import Person, dose_for, simulate_population, steady_state
from globulin.exposure.crowd_levels import Dosing
from globulin.exposure.facts import catalogue
from globulin.exposure.regimen_changes import settling, splits, switches
from globulin.exposure.roots import increasing_root
from globulin.exposure.virtual_people import crowd_of, group

BUNDLED = catalogue(bundled("kinetics"))
ADULTS = group(bundled("people")["adults"], BUNDLED.endogenous)
ADULT = Person(70.0, height_cm=170.0, sex="male")
FIELD = {
    "trough": "cmin_g_per_l",
    "average": "cavg_g_per_l",
    "peak": "cmax_g_per_l",
    "rise": "rise_mean_g_per_l",
}
TOY = known(one_compartment())


def level(which: str, target: str, **regimen: object) -> float:
    (found,) = steady_state(BUNDLED, which, ADULT, **regimen)
    return float(getattr(found.exposure, FIELD[target]))


@pytest.mark.parametrize("which", ["zhang_2020", "li_2022", "fcrn_compromise_fit", "normal", "deficient"])
@pytest.mark.parametrize("target", FIELD)
@settings(max_examples=2, deadline=None)
@given(
    dose=st.floats(1.0, 150.0),
    interval=st.sampled_from([3.5, 7.0, 28.0]),
    route=st.sampled_from(["iv", "sc"]),
)
def test_the_dose_behind_a_level_is_found_again(
    which: str, target: str, dose: float, interval: float, route: str
) -> None:
    dose *= interval / 28.0
    wanted = level(which, target, dose_g=dose, interval_day=interval, route=route)
    (found,) = dose_for(
        BUNDLED, which, ADULT, target=target, g_per_l=wanted, interval_day=interval, route=route
    )
    # recycling is solved to 1e-6; a small rise on a large level magnifies that in the dose
    assert found.dose_g == pytest.approx(dose, rel=1e-4)
    assert getattr(found.at_dose.exposure, FIELD[target]) == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("which", ["navarro_mora_2022", "fcrn_kim_2007", "normal"])
@pytest.mark.parametrize("interval", [5.0, 21.0, 60.0])
def test_the_interval_behind_a_trough_is_found_again(which: str, interval: float) -> None:
    wanted = level(which, "trough", dose_g=28.0, interval_day=interval)
    (found,) = dose_for(BUNDLED, which, ADULT, target="trough", g_per_l=wanted, dose_g=28.0)
    assert found.interval_day == pytest.approx(interval, rel=1e-4)
    assert found.dose_g == 28.0


def test_recycling_under_a_constant_infusion_is_the_balance_of_catabolism() -> None:
    """k(C) V1 C = R0 + r: the rate for a level in closed form, by the published numbers of Kim 2007."""
    kint, capacity, km, own, volume = 0.18, 147.0 / 42.0, 21.0, 12.1, 42.0 * 70.0 / 1000.0

    def lost(total: float) -> float:
        return (kint - capacity / (km + total)) * volume * total

    (found,) = dose_for(
        BUNDLED, "fcrn_kim_2007", ADULT, target="average", g_per_l=20.0, interval_day=7.0, infusion_day=7.0
    )
    assert found.dose_g / 7.0 == pytest.approx(lost(20.0) - lost(own), rel=1e-6)


def test_a_share_of_a_lognormal_population_in_closed_form() -> None:
    """90% have an average at or above X with the dose (X - base) interval CL90."""
    people = 50_000
    (found,) = dose_for(
        TOY,
        "toy",
        crowd_of(ADULTS, people, 1),
        target="average",
        g_per_l=9.0,
        interval_day=28.0,
        share=0.9,
        per_kg=False,
    )
    omega, z = math.sqrt(math.log1p((CV["cl"] / 100) ** 2)), NormalDist().inv_cdf(0.9)
    expected = (9.0 - BASE) * 28.0 * CL * math.exp(omega * z)
    error = omega * math.sqrt(0.09 / people) / NormalDist().pdf(z)
    assert found.dose_g == pytest.approx(expected, rel=5 * error)
    assert found.dose_g_per_kg is None
    low, high = found.between
    assert high / low == pytest.approx(1 + 2 * 1.96 * error, rel=0.005)


@pytest.mark.parametrize("which", ["li_2022", "fcrn_blocker_anchored"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_smallest_dose_for_a_share_is_the_smallest(which: str, share: float) -> None:
    crowd = crowd_of(ADULTS, 150, 6)
    ask = {"target": "trough", "g_per_l": 12.0, "interval_day": 21.0}
    (found,) = dose_for(BUNDLED, which, crowd, **ask, share=share)

    def count(dose: float) -> int:
        (then,) = simulate_population(
            BUNDLED, which, crowd, Dosing(dose, True, 21.0), at_day=[0.0], target_g_per_l=12.0
        )
        return int(then.reached[0].people)

    needed = math.ceil(share * 150)
    assert count(found.dose_g_per_kg * 1.00001) >= needed
    assert count(found.dose_g_per_kg * 0.9999) < needed


def test_the_share_of_a_mixture_counts_models_by_weight() -> None:
    models = known(
        one_compartment("low", base=5.0), one_compartment("high", base=50.0), average({"low": 1, "high": 3})
    )
    crowd = crowd_of(ADULTS, 400, 1)
    ask = {"target": "average", "g_per_l": 20.0, "interval_day": 28.0}
    (three,) = dose_for(models, "both", crowd, **ask, share=0.75)
    assert three.dose_g_per_kg == 0.0  # three quarters follow the model that is above without treatment
    (most,) = dose_for(models, "both", crowd, **ask, share=0.9)
    (alone,) = dose_for(models, "low", crowd, **ask, share=0.6)
    # 0.75 + 0.25 x 0.6 = 0.9
    assert most.dose_g_per_kg == alone.dose_g_per_kg


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"g_per_l": 2.0, "interval_day": 28.0}, "without treatment, 3 g/L, is not below the target"),
        ({"g_per_l": 500.0, "interval_day": 28.0}, "not reached with 4 g/kg every 28 days"),
        ({"g_per_l": 100.0, "dose_g": 1.0}, "not reached even at the shortest interval, 1 days"),
    ],
)
def test_what_no_dose_reaches_is_an_answer_with_its_reason(ask: dict, words: str) -> None:
    (found,) = dose_for(TOY, "toy", ADULT, **ask)
    assert words in found.message
    assert found.at_dose is None
    (many,) = dose_for(TOY, "toy", crowd_of(ADULTS, 50, 1), **ask, share=0.9)
    assert many.message is not None or many.interval_day == 84.0


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"g_per_l": 7.0}, "interval_day must be given, or one of"),
        ({"g_per_l": 7.0, "interval_day": 7.0, "dose_g": 1.0}, "and not both"),
        ({"g_per_l": 7.0, "dose_g": 1.0, "dose_g_per_kg": 1.0}, "interval_day must be given, or one of"),
        ({"g_per_l": math.nan, "interval_day": 7.0}, "g_per_l must be finite"),
        ({"g_per_l": 7.0, "interval_day": -7.0}, "interval_day must be above 0"),
        ({"g_per_l": 7.0, "interval_day": 7.0, "target": "nadir"}, "target must be one of"),
        ({"g_per_l": 7.0, "interval_day": 7.0, "share": 0.9}, "share must be given for a crowd"),
    ],
)
def test_what_cannot_be_asked_is_refused(ask: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dose_for(TOY, "toy", ADULT, **ask)


def test_roots_of_steep_and_flat_curves_and_none() -> None:
    powers = np.array([0.05, 0.5, 1.0, 3.0, 1.0, 1.0])
    need = np.array([1.2, 1e-6, 4.0, 1e9, 1e30, 1e-30])
    found = increasing_root(
        lambda x, who: x ** powers[who] * (1 + x / (1 + x)), need, np.full(6, 1e-20), np.full(6, 1e20)
    )
    inside = np.arange(4)
    value = found[inside] ** powers[inside] * (1 + found[inside] / (1 + found[inside]))
    assert value == pytest.approx(need[inside], rel=1e-9)
    assert np.isnan(found[4:]).all()


# --- what comes with a regimen -----------------------------------------------------------------------


def test_times_of_one_compartment_in_closed_form() -> None:
    rate = CL / V1
    (found,) = settling(TOY, "toy", ADULT, dose_g=30.0, interval_day=14.0, infusion_day=0.0)
    # a trough after n doses is 1 - exp(-k n interval) of the steady one
    assert found.plateau_day == 14.0 * math.ceil(math.log(20.0) / rate / 14.0)
    peak = 30.0 / V1 / -math.expm1(-rate * 14.0)
    mean = 30.0 / (CL * 14.0)
    # interpolated on a grid of 1/400 day
    assert found.tenth_day == pytest.approx(math.log(peak / (0.1 * mean)) / rate, abs=1e-4)
    assert found.one_g_per_l_day == pytest.approx(math.log(peak) / rate, abs=1e-4)


def test_a_dose_too_small_never_stands_above_1_g_per_l() -> None:
    (found,) = settling(TOY, "toy", ADULT, dose_g=0.3, interval_day=7.0)
    assert found.one_g_per_l_day == 0.0


def test_splitting_lowers_the_peak_and_keeps_the_mean_of_a_linear_model() -> None:
    one, _, five = splits(TOY, "toy", ADULT, dose_g=140.0, interval_day=28.0)
    assert five.cmax_g_per_l < one.cmax_g_per_l
    assert five.cmin_g_per_l > one.cmin_g_per_l
    assert five.cavg_g_per_l == pytest.approx(one.cavg_g_per_l, rel=1e-12)


def test_splitting_2_g_per_kg_over_five_days_under_recycling() -> None:
    """shared/facts: the FcRn peak of total IgG falls from 62 to 43 g/L, the mean stays."""
    one, _, five = splits(BUNDLED, "fcrn_kim_2007", ADULT, dose_g=140.0, interval_day=28.0)
    assert one.cmax_g_per_l == pytest.approx(62.0, abs=0.5)
    assert five.cmax_g_per_l == pytest.approx(43.0, abs=0.5)


def test_a_switch_takes_one_over_f_under_a_linear_model() -> None:
    (found,) = switches(TOY, "toy", ADULT, dose_g=28.0, interval_day=28.0)
    assert found.factor == pytest.approx(1 / 0.5, rel=1e-12)
    assert found.dose_g == pytest.approx(14.0, rel=1e-12)
    # Zhang 2020: F = 0.676
    (found,) = switches(BUNDLED, "zhang_2020", ADULT, dose_g=28.0, interval_day=28.0)
    assert found.factor == pytest.approx(1 / 0.676, rel=1e-12)
