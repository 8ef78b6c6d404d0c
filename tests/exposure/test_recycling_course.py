"""Saturable recycling over any history against a tight adaptive solver, and its steady starts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from globulin.exposure.courses import Course, course
from globulin.exposure.fcrn import steady_state
from globulin.exposure.history import History, history, repeated
from globulin.exposure.models import Parameters, Uptake

# Kim 2007, Table 1 (doi:10.1016/j.clim.2006.09.001), with V1 = V2 = 42 mL/kg and Q 0.9 L/day; 70 kg
KINT, JMAX, KM, BASE, V1_L, Q = 0.18, 147.0, 21.0, 12.1, 2.94, 0.9
KA, F = 0.44, 0.69
TISSUE = Uptake(np.asarray(KA), np.asarray(F), lent=True)
KIM = Parameters(
    model="kim",
    kind="recycling",
    weight_kg=np.asarray(70.0),
    values={
        name: np.asarray(value)
        for name, value in {"kint": KINT, "jmax": JMAX, "km": KM, "base": BASE, "v1": 42.0, "q": Q}.items()
    },
    uptake={"sc": TISSUE, "im": TISSUE},
    outside=np.zeros((), dtype=np.bool_),
    flags=(),
    sources=("kim_2007",),
)


def followed(doses: History, marks: list[float]) -> Course:
    return course(KIM, doses, marks=marks)


def by_solver(doses: History, days: list[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Total and endogenous IgG by DOP853 on the equations, restarted at every change of input."""
    production = (KINT - JMAX / 42.0 / (KM + BASE)) * V1_L * BASE
    tissue = doses.route > 0
    share = np.where(tissue, F, 1.0)

    def change(t: float, y: NDArray[np.float64], running: NDArray[np.bool_]) -> NDArray[np.float64]:
        depot, a1, a2, e1, e2, given = y
        k = KINT - JMAX / 42.0 / (KM + a1 / V1_L)
        rate = share * np.where(running, doses.dose_g / np.where(running, doses.infusion_day, 1.0), 0.0)
        into_depot, into_plasma = rate[tissue].sum(), rate[~tissue].sum()
        moved, own = Q * (a1 - a2) / V1_L, Q * (e1 - e2) / V1_L
        return np.array(
            [
                into_depot - KA * depot,
                production + into_plasma + KA * depot - k * a1 - moved,
                moved,
                production - k * e1 - own,
                own,
                given * 0.0,
            ]
        )

    state = np.array([0.0, *[BASE * V1_L] * 4, 0.0])
    times = np.unique(np.concatenate([doses.day, doses.day + doses.infusion_day, days]))
    total, own = {}, {}
    for now, later in zip(times, [*times[1:], times[-1] + 1e-3], strict=True):
        total[float(now)], own[float(now)] = state[1] / V1_L, state[3] / V1_L
        for i in np.flatnonzero((doses.day == now) & (doses.infusion_day == 0.0)):
            state[0 if tissue[i] else 1] += share[i] * doses.dose_g[i]
        running = (doses.day <= now) & (now < doses.day + doses.infusion_day)
        state = solve_ivp(
            change, (now, later), state, method="DOP853", rtol=1e-12, atol=1e-12, args=(running,)
        ).y[:, -1]
    return np.array([total[day] for day in days]), np.array([own[day] for day in days])


MIXED = history(
    [0.0, 2.0, 7.0, 7.0, 30.0],
    [140.0, 14.0, 28.0, 7.0, 70.0],
    route=["iv", "sc", "iv", "im", "iv"],
    infusion_day=[0.25, 3.0, 10.0, 0.0, 0.0],
)


def test_doses_by_several_routes_agree_with_an_adaptive_solver() -> None:
    days = [0.0, 0.25, 1.0, 3.5, 7.0, 8.0, 17.0, 30.0, 31.0, 60.0]
    rise, moved = followed(MIXED, days).sample(days)
    total, own = by_solver(MIXED, days)
    # 1e-5 is promised; collocation of order 11 on these elements is better
    np.testing.assert_allclose(BASE + rise[0], total, rtol=1e-7)
    np.testing.assert_allclose(BASE + moved[0], own, rtol=1e-7)


def test_an_interval_is_described_as_dense_sampling_does() -> None:
    found = followed(MIXED, [7.0, 30.0, 58.0])
    for begin, end in ((7.0, 30.0), (30.0, 58.0)):
        day = np.linspace(begin + 1e-9, end, 200_001)
        rise = found.sample(day)[0][0]
        stretch = found.stretch(begin, end)
        # grid of 1e-4 days; the rise falls by up to 10 g/L a day after a bolus
        assert stretch.highest_g_per_l[0] == pytest.approx(rise.max(), abs=1e-6)
        assert stretch.lowest_g_per_l[0] == pytest.approx(rise.min(), abs=1e-6)
        assert stretch.area_g_day_per_l[0] == pytest.approx(np.trapezoid(rise, day), rel=1e-7)


@pytest.mark.parametrize("route", ["iv", "sc"])
@pytest.mark.parametrize(("interval", "infusion"), [(28.0, 0.25), (7.0, 0.0), (7.0, 2.0), (1.0, 3.7)])
def test_a_history_that_starts_steady_stays_there(route: str, interval: float, infusion: float) -> None:
    doses = repeated(2.0 * interval, interval, 4, route=route, infusion_day=infusion, steady=True)
    marks = [interval * k for k in range(5)]
    found = followed(doses, marks)
    trough = found.sample(marks)[0][0]
    uptake = {} if route == "iv" else {"absorption_per_day": KA, "bioavailability": F}
    expected = steady_state(
        KIM.recycling(),
        weight_kg=70.0,
        dose_g=2.0 * interval,
        interval_day=interval,
        infusion_day=infusion,
        **uptake,
    )
    np.testing.assert_allclose(trough, float(expected.trough_rise_g_per_l), rtol=1e-9)
    for begin, end in itertools.pairwise(marks):
        stretch = found.stretch(begin, end)
        assert stretch.highest_g_per_l[0] == pytest.approx(float(expected.peak_rise_g_per_l), rel=1e-6)
        assert stretch.area_g_day_per_l[0] == pytest.approx(
            float(expected.average_rise_g_per_l) * interval, rel=1e-9
        )


def test_a_steady_state_is_where_repeated_cycles_end() -> None:
    """200 doses of 10 g a week: a four-year-old treatment, whose slowest process has a half-life of weeks."""
    many = repeated(10.0, 7.0, 200)
    last = float(many.day[-1])
    after = np.array([0.0, 0.25, 3.0, 7.0])
    found = followed(many, [last + 7.0]).sample(last + after)
    steady = followed(repeated(10.0, 7.0, 1, steady=True), [7.0]).sample(after)
    np.testing.assert_allclose(found[0], steady[0], rtol=1e-8)
    np.testing.assert_allclose(found[1], steady[1], rtol=1e-8)


def test_after_a_steady_state_is_stopped_igg_returns_to_baseline() -> None:
    """Washout: total IgG falls and the body's own rises to the untreated level, where both started."""
    rise, moved = followed(repeated(70.0, 28.0, 1, steady=True), [400.0]).sample([28.0, 60.0, 400.0])
    assert np.all(np.diff(rise[0]) < 0.0)
    assert np.all(np.diff(moved[0]) > 0.0)
    assert abs(rise[0, -1]) < 1e-4
    assert abs(moved[0, -1]) < 1e-2


def test_a_later_steady_dose_forgets_what_was_before() -> None:
    doses = history([0.0, 100.0], [140.0, 10.0], interval_day=[0.0, 7.0], steady=[False, True])
    rise, _ = followed(doses, [107.0]).sample([0.0, 50.0, 100.0, 107.0])
    alone, _ = followed(repeated(10.0, 7.0, 1, steady=True), [7.0]).sample([0.0, 7.0])
    assert rise[0, 0] == 0.0
    assert rise[0, 1] > 0.5
    np.testing.assert_allclose(rise[0, 2:], alone[0], rtol=1e-12)


def test_a_route_without_uptake_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="model 'kim' has no uptake by route fsc; it has iv, sc, im"):
        followed(repeated(1.0, 7.0, 1, route="fsc"), [7.0])
