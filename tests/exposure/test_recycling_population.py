"""Saturable recycling of a population by Taylor series, against a general solver and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from globulin.exposure import linear
from globulin.exposure.fcrn import Recycling
from globulin.exposure.recycling_population import paths

KIM = Recycling(0.18, 147.0, 21.0, 12.1)
SETS = {
    "kim": KIM,
    "anchored": Recycling(0.41, 1144.0, 69.0, 12.1),
    "fit": Recycling(0.304, 693.0, 53.5, 12.1),
}
DAYS = np.array([0.0, 0.25, 1.0, 7.0, 13.9, 28.0, 28.1, 56.0])


def solved(recycling, weight, doses, infusion, ka=None, fraction=1.0):
    """The same equations in grams by scipy's DOP853 (eighth order, adaptive), restarted at every change."""
    volume = float(recycling.central_l(weight))
    made = float(recycling.production_g_per_day(weight))
    exchange = float(recycling.exchange_l_per_day)

    def slope(rate):
        def right(_, x):
            all1, all2, depot = x
            k = float(recycling.elimination_per_day(all1 / volume))
            absorbed = 0.0 if ka is None else ka * depot
            into = rate if ka is None else absorbed
            return [
                made + into - k * all1 - exchange * (all1 - all2) / volume,
                exchange * (all1 - all2) / volume,
                (rate if ka is not None else 0.0) - absorbed,
            ]

        return right

    start = float(recycling.baseline_g_per_l) * volume
    state, now = np.array([start, start, 0.0]), 0.0
    changes = sorted({t for day, _ in doses for t in (day, day + infusion)} | {DAYS[-1]})
    total = {0.0: state[0]}
    for end in [*changes[1:]]:
        for day, dose in doses:
            if infusion == 0.0 and day == now:
                state[0 if ka is None else 2] += fraction * dose
        rate = sum(
            fraction * dose / infusion for day, dose in doses if infusion and day <= now < day + infusion
        )
        wanted = DAYS[(now < DAYS) & (end >= DAYS)]
        path = solve_ivp(
            slope(rate), (now, end), state, "DOP853", np.unique([*wanted, end]), rtol=1e-11, atol=1e-12
        )
        for t, column in zip(path.t, path.y.T, strict=True):
            total[t] = column[0]
        state, now = path.y[:, -1], end
    return np.array([total[t] for t in DAYS]) / volume


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("dose", "infusion", "ka"), [(140.0, 0.25, None), (28.0, 0.0, None), (7.0, 0.0, 0.44)]
)
def test_equals_an_adaptive_eighth_order_solver(name, dose, infusion, ka):
    fraction = 1.0 if ka is None else 0.69
    total = solved(SETS[name], 70.0, [(0.0, dose), (28.0, dose)], infusion, ka, fraction)
    found = paths(
        SETS[name],
        weight_kg=70.0,
        day=DAYS,
        dose_day=[0.0, 28.0],
        dose_g=[dose, dose],
        infusion_day=infusion,
        absorption_per_day=ka,
        bioavailability=fraction,
    )
    # the accuracy that the function states
    assert found[:, 0] == pytest.approx(total, rel=2e-6)


# facts/pharmacokinetics.yaml, golden_values, fcrn_140g_single_over_0.25d_70kg (an LSODA run, 4 digits)
@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("kim", [24.53, 20.29, 15.90, 12.81]),
        ("anchored", [22.51, 18.60, 14.88, 12.54]),
        ("fit", [24.07, 20.09, 15.99, 12.95]),
    ],
)
def test_golden_levels_after_140_g(name, levels):
    found = paths(
        SETS[name], weight_kg=70.0, day=[7, 14, 28, 60], dose_day=0.0, dose_g=140.0, infusion_day=0.25
    )
    assert found[:, 0] == pytest.approx(levels, abs=0.005)


@given(
    weight=st.floats(30, 150),
    dose=st.floats(0.01, 3),
    baseline=st.floats(5, 20),
    interval=st.floats(3, 40),
    infusion=st.sampled_from([0.0, 0.25, 2.0]),
)
@example(weight=30.0, dose=2.0, baseline=5.0, interval=12.0, infusion=0.0)
@settings(max_examples=30, deadline=None)
def test_without_recycling_it_is_the_linear_model(weight, dose, baseline, interval, infusion):
    constant = Recycling(0.1, 0.0, 21.0, baseline)
    day, given_on = np.linspace(0, 100, 41), interval * np.arange(3)
    found = paths(
        constant,
        weight_kg=weight,
        day=day,
        dose_day=given_on,
        dose_g=np.full(3, dose * weight),
        infusion_day=infusion,
    )
    volume = 0.042 * weight
    disposition = linear.Disposition(0.1 * volume, volume, 0.9, volume)
    rise = linear.concentration(
        disposition,
        day=day,
        dose_day=given_on,
        dose_g=np.full(3, dose * weight),
        infusion_day=infusion,
        absorbed=False,
    )
    # closed form; 1e-6 of the highest level is what the function promises
    assert found[:, 0] - baseline == pytest.approx(rise, abs=2e-6 * (rise.max() + baseline))


def test_a_constant_input_ends_where_breakdown_equals_production_and_input():
    """k(C) V1 C = R0 + r, the identity that the facts demand; 400 days are 15 half-lives."""
    found = paths(
        KIM,
        weight_kg=70.0,
        day=[600.0],
        dose_day=0.0,
        dose_g=600.0 * 1.0,
        infusion_day=600.0,
    )
    level = found[0, 0]
    broken_down = KIM.elimination_per_day(level) * KIM.central_l(70.0) * level
    assert broken_down == pytest.approx(KIM.production_g_per_day(70.0) + 1.0, rel=1e-5)


def test_a_person_is_the_same_alone_and_in_a_crowd():
    people = 12_000
    weight = np.linspace(40, 120, people)
    given_on = 28.0 * np.arange(2)
    crowd = paths(
        KIM, weight_kg=weight, day=DAYS, dose_day=given_on, dose_g=np.tile(weight, (2, 1)), infusion_day=0.25
    )
    for one in (0, 5_001, people - 1):
        alone = paths(
            KIM,
            weight_kg=weight[one],
            day=DAYS,
            dose_day=given_on,
            dose_g=np.full(2, weight[one]),
            infusion_day=0.25,
        )
        # the steps differ, since the crowd takes the shortest that anyone in it needs
        assert crowd[:, one] == pytest.approx(alone[:, 0], rel=2e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"day": [3.0, 1.0]}, "day must have one axis, sorted"),
        ({"dose_day": []}, "dose_day must have one axis"),
        ({"dose_g": [-1.0]}, "dose_g must be at least 0"),
        ({"weight_kg": np.nan}, "weight_kg must be finite"),
        ({"absorption_per_day": 0.0}, "absorption_per_day must be above 0"),
        ({"weight_kg": np.ones((2, 2))}, "one value per person"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"weight_kg": 70.0, "day": DAYS, "dose_day": [0.0], "dose_g": [7.0], "infusion_day": 0.0}
    with pytest.raises(ValueError, match=message):
        paths(KIM, **{**arguments, **change})
