"""Linear courses over any history against a matrix exponential, mass balance and dense sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import expm

from globulin.exposure.history import ROUTES, History, history, repeated
from globulin.exposure.linear import Disposition, steady_state
from globulin.exposure.linear_course import LinearCourse, linear_course

# Navarro-Mora 2022 at its reference weight: van der Zeeuw 2026, Table 4
TISSUE = Disposition(0.150, 3.06, 0.474, 1.93, 0.246, 0.705)


def course(doses: History, disposition: Disposition = TISSUE) -> LinearCourse:
    fraction = float(np.asarray(disposition.bioavailability or 1.0))
    (epoch,) = doses.entering(dict.fromkeys(("sc", "fsc", "im"), fraction)).epochs()
    return linear_course(dict.fromkeys(ROUTES, disposition), epoch)


def by_exponential(doses: History, days: list[float], disposition: Disposition = TISSUE) -> NDArray[Any]:
    """Levels by stepping (depot, central, peripheral, 1) through every change of input with expm."""
    k = {
        name: float(np.asarray(getattr(disposition, name)))
        for name in (
            "clearance_l_per_day",
            "central_l",
            "intercompartmental_l_per_day",
            "peripheral_l",
            "absorption_per_day",
            "bioavailability",
        )
    }
    k10, k12 = (k[name] / k["central_l"] for name in ("clearance_l_per_day", "intercompartmental_l_per_day"))
    k21 = k["intercompartmental_l_per_day"] / k["peripheral_l"]
    ka, fraction = k["absorption_per_day"], k["bioavailability"]
    tissue = doses.route > 0
    lasts = np.where(doses.rate_fixed & tissue, fraction * doses.infusion_day, doses.infusion_day)
    share = np.where(tissue, fraction, 1.0)
    times = np.unique(np.concatenate([doses.day, doses.day + lasts, days, [doses.day[0]]]))
    state, found = np.array([0.0, 0.0, 0.0, 1.0]), {}
    for now, later in zip(times, [*times[1:], times[-1] + 1.0], strict=True):
        found[float(now)] = state[1] / k["central_l"]
        matrix = np.zeros((4, 4))
        matrix[:3, :3] = [[-ka, 0, 0], [ka, -k10 - k12, k21], [0, k12, -k21]]
        for i in range(len(doses)):
            row = 0 if tissue[i] else 1
            if doses.day[i] == now and lasts[i] == 0.0:
                state[row] += share[i] * doses.dose_g[i]
            if lasts[i] > 0.0 and doses.day[i] <= now < doses.day[i] + lasts[i]:
                matrix[row, 3] += share[i] * doses.dose_g[i] / lasts[i]
        state = expm(matrix * (later - now)) @ state
    return np.array([found[day] for day in days])


MIXED = history(
    [0.0, 5.0, 5.0, 30.0, 33.0],
    [20.0, 7.0, 10.0, 14.0, 28.0],
    route=["iv", "sc", "iv", "sc", "iv"],
    infusion_day=[0.25, 0.0, 12.0, np.nan, 0.0],
    rate_g_per_day=[0.0, 0.0, 0.0, 3.0, 0.0],
)


def test_a_mixed_history_agrees_with_a_matrix_exponential() -> None:
    """Late, overlapping, split and missed doses, a rate into tissue, and levels on the day of a dose."""
    days = [0.0, 0.25, 3.0, 5.0, 5.001, 16.9, 17.0, 30.0, 31.0, 33.0, 40.0, 300.0]
    found = course(MIXED).rise(days)
    # both are exact but for rounding, of levels up to 10 g/L
    np.testing.assert_allclose(found, by_exponential(MIXED, days), rtol=0.0, atol=1e-12)


def test_a_level_on_the_day_of_a_dose_is_drawn_before_it() -> None:
    found = course(history([0.0, 7.0], 10.0, infusion_day=0.0)).rise([0.0, 7.0, 7.0 + 1e-9])
    assert found[0] == 0.0
    assert found[2] - found[1] == pytest.approx(10.0 / 3.06, rel=1e-6)


def test_a_history_of_years_is_sampled_from_its_first_day_on() -> None:
    found = course(repeated(1.0, 7.0, 1000, route="sc")).rise([-5.0, 0.0, 3500.0, 9000.0])
    assert found[0] == found[1] == 0.0
    assert found[2] > 0.5
    assert 0.0 < found[3] < 1e-6


def test_highest_and_lowest_of_an_interval_are_those_of_dense_sampling() -> None:
    found = course(MIXED)
    for begin, end in ((0.0, 5.0), (5.0, 30.0), (30.0, 33.0), (33.0, 61.0)):
        # just after begin: a bolus has been given
        dense = found.rise(np.linspace(begin + 1e-9, end, 400_001))
        stretch = found.stretch(begin, end)
        # the grid is 7e-5 d wide: a smooth turning point is missed by less than 1e-8, an edge by 1e-3
        assert float(stretch.highest_g_per_l) >= dense.max() - 1e-9
        assert float(stretch.highest_g_per_l) == pytest.approx(dense.max(), abs=2e-4)
        assert float(stretch.lowest_g_per_l) <= dense.min() + 1e-7
        assert float(stretch.lowest_g_per_l) == pytest.approx(dense.min(), abs=2e-4)


def test_a_level_may_fall_during_an_infusion() -> None:
    """A gram a day, started right after 60 g, does not keep up with distribution and breakdown."""
    doses = history([0.0, 0.0], [60.0, 7.0], infusion_day=[0.0, 7.0])
    found = course(doses)
    during = found.rise([0.5, 1.0, 2.0, 5.0])
    assert np.all(np.diff(during) < 0.0)
    assert float(found.stretch(0.0, 7.0).highest_g_per_l) == pytest.approx(60.0 / 3.06, rel=1e-12)


def test_the_lowest_level_can_come_after_a_slow_dose_into_tissue_has_begun() -> None:
    found = course(repeated(7.0, 7.0, 1, route="sc", infusion_day=2.0, steady=True))
    stretch = found.stretch(0.0, 7.0)
    assert float(stretch.lowest_g_per_l) < float(found.rise([7.0])[0]) - 1e-3


@pytest.mark.parametrize("route", ["iv", "sc"])
@pytest.mark.parametrize("interval", [1.0, 7.0, 28.0])
@pytest.mark.parametrize("infusion", [0.0, 0.25, 1.0, 3.7])
def test_a_steady_state_is_where_very_many_doses_end(route: str, interval: float, infusion: float) -> None:
    """No cycle is repeated in the code; here 60 half-lives of them are, of the slowest mode."""
    slowest = np.log(2.0) / 0.0263
    many = repeated(5.0, interval, int(60 * slowest / interval), route=route, infusion_day=infusion)
    last = float(many.day[-1])
    steady = course(repeated(5.0, interval, 1, route=route, infusion_day=infusion, steady=True))
    after = np.array([0.0, 0.1, 0.25, 0.6, 1.0]) * interval
    np.testing.assert_allclose(steady.rise(after), course(many).rise(last + after), rtol=1e-9)


def test_fifty_cycles_are_not_a_steady_state_of_a_slow_drug() -> None:
    """Zhang 2020 at 66 kg: by its published CL, V1, Q and V2 the slow half-life is 49 days."""
    slow = Disposition(0.138, 3.95, 0.26, 4.44)
    k = np.array([[-(0.138 + 0.26) / 3.95, 0.26 / 4.44], [0.26 / 3.95, -0.26 / 4.44]])
    assert np.log(2.0) / -np.linalg.eigvals(k).real.max() == pytest.approx(49.2, abs=0.1)
    steady = float(course(repeated(1.0, 1.0, 1, steady=True), slow).rise([0.0])[0])
    after_fifty = float(course(repeated(1.0, 1.0, 50), slow).rise([50.0])[0])
    assert after_fifty < 0.6 * steady


RATE = st.floats(0.02, 2.0)


@settings(max_examples=150, deadline=None)
@given(
    clearance=st.floats(0.02, 1.0),
    central=st.floats(0.5, 10.0),
    exchange=st.floats(0.05, 2.0),
    peripheral=st.floats(0.5, 10.0),
    absorption=RATE,
    fraction=st.floats(0.1, 1.0),
    dose=st.floats(0.1, 200.0),
    interval=st.floats(0.5, 60.0),
    infusion=st.just(0.0) | st.floats(1e-6, 10.0),
    route=st.sampled_from(["iv", "sc"]),
    parts=st.integers(1, 5),
)
def test_area_over_an_interval_times_clearance_is_what_is_taken_up(
    clearance: float,
    central: float,
    exchange: float,
    peripheral: float,
    absorption: float,
    fraction: float,
    dose: float,
    interval: float,
    infusion: float,
    route: str,
    parts: int,
) -> None:
    disposition = Disposition(clearance, central, exchange, peripheral, absorption, fraction)
    if parts > 1:
        infusion, interval = min(infusion, 1.0), max(interval, float(parts))
    doses = repeated(dose, interval, 1, route=route, infusion_day=infusion, daily_parts=parts, steady=True)
    found = course(doses, disposition).stretch(0.0, interval)
    taken_up = dose * (fraction if route == "sc" else 1.0)
    assert float(found.area_g_day_per_l) * clearance == pytest.approx(taken_up, rel=1e-9)
    assert float(found.lowest_g_per_l) * interval <= float(found.area_g_day_per_l) * (1 + 1e-12)
    assert float(found.highest_g_per_l) * interval >= float(found.area_g_day_per_l) * (1 - 1e-12)


@settings(max_examples=50, deadline=None)
@given(
    absorption=st.floats(1e-4, 1e-4) | st.just(0.0) | st.floats(-1e-9, 1e-9),
    infusion=st.just(0.0) | st.floats(1e-3, 3.0),
)
def test_an_absorption_rate_at_a_disposition_rate_loses_nothing(absorption: float, infusion: float) -> None:
    """ka on, or next to, the slow disposition rate, where a partial-fraction formula divides by nothing."""
    k10, k12, k21 = 0.150 / 3.06, 0.474 / 3.06, 0.474 / 1.93
    slow = min(np.roots([1.0, -(k10 + k12 + k21), k10 * k21]).real)
    near = Disposition(0.150, 3.06, 0.474, 1.93, slow * (1.0 + absorption), 0.705)
    doses = history([0.0], 10.0, route="sc", infusion_day=infusion)
    days = [0.5, 3.0, 30.0]
    np.testing.assert_allclose(course(doses, near).rise(days), by_exponential(doses, days, near), rtol=1e-11)


def test_five_daily_parts_have_the_steady_state_of_the_closed_form() -> None:
    doses = repeated(140.0, 28.0, 1, infusion_day=0.25, daily_parts=5, steady=True)
    found = course(doses).stretch(0.0, 28.0)
    expected = steady_state(
        TISSUE, dose_g=140.0, interval_day=28.0, infusion_day=0.25, absorbed=False, daily_parts=5
    )
    assert float(found.highest_g_per_l) == pytest.approx(float(expected.peak_g_per_l), rel=1e-12)
    assert float(found.lowest_g_per_l) == pytest.approx(float(expected.trough_g_per_l), rel=1e-12)


def test_lanes_of_uptake_are_answered_side_by_side() -> None:
    lanes = Disposition(0.150, 3.06, 0.474, 1.93, np.array([0.246, 1.0]), np.array([0.705, 0.5]))
    doses = history([0.0, 3.0], [7.0, 20.0], route=["sc", "iv"])
    (epoch,) = doses.epochs()
    both = linear_course(dict.fromkeys(ROUTES, lanes), epoch)
    for lane in range(2):
        alone = Disposition(
            0.150,
            3.06,
            0.474,
            1.93,
            *(float(np.asarray(part)[lane]) for part in (lanes.absorption_per_day, lanes.bioavailability)),
        )
        one = linear_course(dict.fromkeys(ROUTES, alone), epoch)
        np.testing.assert_allclose(both.rise([2.0, 9.0])[lane], one.rise([2.0, 9.0]), rtol=1e-14)
        together, apart = both.stretch(3.0, 10.0), one.stretch(3.0, 10.0)
        for name in ("highest_g_per_l", "lowest_g_per_l", "area_g_day_per_l"):
            assert getattr(together, name)[lane] == pytest.approx(float(getattr(apart, name)), rel=1e-12)
