"""Closed-form kinetics against independent steady states, a matrix exponential and mass balance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from globulin.exposure.linear import Disposition, concentration, steady_state

WEIGHT_KG = 70.0
LEAN_KG = 54.68  # Boer, man of 70 kg and 170 cm


def scaled(theta: float, reference: float, exponent: float, covariate: float = WEIGHT_KG) -> float:
    return theta * (covariate / reference) ** exponent


# Typical values and covariates: van der Zeeuw 2026 (doi:10.1007/s40262-026-01641-5), Table 4, one row per
# model; Cheng 2026 (doi:10.1002/bcp.70420), Table 4. First the row's endogenous IgG in g/L.
MODELS = {
    "Landersdorfer2013": (4.0, Disposition(0.142, 3.94, 0.252, 4.18, 0.439, 0.660)),
    "Zhang2020": (
        4.0,
        Disposition(scaled(0.138, 66, 0.768), scaled(3.95, 66, 0.448), 0.260, 4.44, 0.444, 0.676),
    ),
    "Luo2020": (
        4.0,
        Disposition(scaled(0.139, 58.7, 0.881), scaled(4.01, 58.7, 0.501), 0.300, 3.51, 0.506, 0.668),
    ),
    "NavarroMora2022": (
        4.0,
        Disposition(
            scaled(0.150, 65.7, 0.744),
            scaled(3.06, 65.7, 0.686),
            0.474,
            scaled(1.93, 65.7, 1.04),
            0.246,
            0.705,
        ),
    ),
    "Dumas2019": (0.0, Disposition(0.09216, 4.01, 0.0, 0.0, 0.096, 0.739)),
    "Tortorici2019_PID": (4.0, Disposition(scaled(0.152, 72, 0.796), scaled(3.08, 72, 1.1), 0.825, 1.8)),
    "Tortorici2021": (
        12.5,
        Disposition(
            scaled(0.435, 82, 0.615),
            scaled(4.69, 82, 0.773),
            scaled(0.50, 82, 0.615),
            scaled(1.87, 82, 0.773),
            0.439,
            0.824,
        ),
    ),
    "Li2022": (
        6.15,
        Disposition(
            scaled(0.183, 47, 0.75, LEAN_KG),
            scaled(3.01, 47, 1.0, LEAN_KG),
            scaled(0.353, 47, 0.75, LEAN_KG),
            scaled(1.40, 47, 1.0, LEAN_KG),
            0.395,
            0.705,
        ),
    ),
    "Cheng2026_PID": (5.67, Disposition(0.308, 3.59, 1.08, 7.37)),
    "Lee2021": (0.0, Disposition(scaled(0.0624, 27, 0.88), scaled(2.77, 27, 0.66))),
}

# Highest, lowest and mean total IgG in g/L at steady state for 70 kg, from a matrix exponential in a program
# that shares no code with this one: 28 g IV over 0.25 d every 28 d, and 7 g SC at once every 7 d.
GOLDEN_IV = {
    "Landersdorfer2013": (15.8426, 8.8445, 11.0423),
    "Zhang2020": (15.5904, 8.7913, 10.9262),
    "Luo2020": (14.4704, 8.1808, 10.1606),
    "NavarroMora2022": (16.4691, 7.9459, 10.3595),
    "Dumas2019": (14.6717, 7.7536, 10.8507),
    "Tortorici2019_PID": (17.1618, 8.1767, 10.7281),
    "Tortorici2021": (19.9170, 13.3508, 15.0338),
    "Li2022": (16.5444, 8.7397, 11.0281),
    "Cheng2026_PID": (15.0689, 7.6433, 8.9168),
    "Lee2021": (9.9365, 4.5966, 6.9299),
}
GOLDEN_SC = {
    "Landersdorfer2013": (8.7899, 8.3976, 8.6479),
    "Zhang2020": (8.8248, 8.4309, 8.6821),
    "Luo2020": (8.2615, 7.8646, 8.1153),
    "NavarroMora2022": (8.5883, 8.2896, 8.4835),
    "Dumas2019": (8.0547, 7.9471, 8.0187),
    "Tortorici2021": (14.7528, 14.3105, 14.5878),
    "Li2022": (9.7408, 9.3238, 9.5891),
}
GOLDEN_TOLERANCE = 5.1e-5  # half a unit of the last of 4 printed decimals


@pytest.mark.parametrize(
    ("name", "absorbed"), [*((name, False) for name in GOLDEN_IV), *((name, True) for name in GOLDEN_SC)]
)
def test_published_models_give_the_independently_computed_levels(name: str, absorbed: bool) -> None:
    baseline, disposition = MODELS[name]
    dose, interval, infusion = (7.0, 7.0, 0.0) if absorbed else (28.0, 28.0, 0.25)
    found = steady_state(
        disposition, dose_g=dose, interval_day=interval, infusion_day=infusion, absorbed=absorbed
    )
    levels = np.array([found.peak_g_per_l, found.trough_g_per_l, found.average_g_per_l]) + baseline
    np.testing.assert_allclose(
        levels, (GOLDEN_SC if absorbed else GOLDEN_IV)[name], rtol=0.0, atol=GOLDEN_TOLERANCE
    )


# The project's table of named regimens: rise in g/L, 70 kg adult, month of 28 d, printed to one decimal and
# computed by the same independent program. Its linear peaks come back to every printed digit with an infusion
# of 0.1 d, not the 0.25 d of the levels above (that would lower them by up to 1.4%). One trough is 0.847
# where it prints 0.9. IM is a bolus into a depot with ka 0.44 and F 0.69.
@pytest.mark.parametrize(
    ("name", "dose", "peak", "trough", "mean"),
    [
        ("Landersdorfer2013", 28.0, 11.9, 4.8, 7.0),
        ("Landersdorfer2013", 70.0, 29.8, 12.1, 17.6),
        ("Landersdorfer2013", 140.0, 59.5, 24.2, 35.2),
        ("NavarroMora2022", 28.0, 12.6, 3.9, 6.4),
        ("NavarroMora2022", 70.0, 31.5, 9.8, 15.9),
        ("NavarroMora2022", 140.0, 63.0, 19.7, 31.8),
        ("Tortorici2021", 28.0, 7.5, 0.9, 2.5),
        ("Tortorici2021", 70.0, 18.8, 2.1, 6.3),
        ("Tortorici2021", 140.0, 37.6, 4.2, 12.7),
    ],
)
def test_monthly_doses_give_the_tabulated_rise(
    name: str, dose: float, peak: float, trough: float, mean: float
) -> None:
    found = steady_state(MODELS[name][1], dose_g=dose, interval_day=28.0, infusion_day=0.1, absorbed=False)
    levels = [found.peak_g_per_l, found.trough_g_per_l, found.average_g_per_l]
    np.testing.assert_allclose(levels, [peak, trough, mean], rtol=0.005, atol=0.05)


@pytest.mark.parametrize(
    ("dose", "interval", "mean"), [(0.33, 7.0, 0.08), (0.66, 14.0, 0.08), (1.0, 7.0, 0.25)]
)
def test_small_intramuscular_doses_give_the_tabulated_rise(dose: float, interval: float, mean: float) -> None:
    cidp = replace(MODELS["Tortorici2021"][1], absorption_per_day=0.44, bioavailability=0.69)
    found = steady_state(cidp, dose_g=dose, interval_day=interval, infusion_day=0.0, absorbed=True)
    np.testing.assert_allclose(found.average_g_per_l, mean, atol=0.00501)


positive = {"allow_nan": False, "allow_infinity": False}
dispositions = st.builds(
    Disposition,
    clearance_l_per_day=st.floats(0.01, 2.0, **positive),
    central_l=st.floats(0.5, 10.0, **positive),
    intercompartmental_l_per_day=st.one_of(st.just(0.0), st.floats(1e-6, 2.0, **positive)),
    peripheral_l=st.floats(0.5, 10.0, **positive),
    absorption_per_day=st.floats(0.05, 2.0, **positive),
    bioavailability=st.floats(0.3, 1.0, **positive),
)


@settings(deadline=None)
@given(
    disposition=dispositions,
    interval=st.floats(1.0, 40.0, **positive),
    infusion=st.one_of(st.just(0.0), st.floats(0.01, 60.0, **positive)),
    absorbed=st.booleans(),
)
def test_area_over_an_interval_times_clearance_is_the_absorbed_dose(
    disposition: Disposition, interval: float, infusion: float, absorbed: bool
) -> None:
    """The level integrated over all time after one dose is cleared, whatever the shape (mass balance)."""
    dose = 10.0
    # elements as long as 8% of their distance from the end of the input resolve every exponential it leaves
    after = infusion + np.geomspace(1e-4, 1e10, 450)
    edge = np.unique(np.concatenate([infusion * np.linspace(0.0, 1.0, 40), [infusion], after]))
    point, weight = np.polynomial.legendre.leggauss(8)
    half = 0.5 * np.diff(edge)
    day = (edge[:-1, None] + half[:, None] * (1.0 + point)).ravel()
    level = concentration(
        disposition, day=day, dose_day=0.0, dose_g=dose, infusion_day=infusion, absorbed=absorbed
    )
    area = np.sum(level * (half[:, None] * weight).ravel())
    entered = dose * float(disposition.bioavailability) if absorbed else dose
    assert area * float(disposition.clearance_l_per_day) == pytest.approx(entered, rel=1e-9)
    found = steady_state(
        disposition, dose_g=dose, interval_day=interval, infusion_day=infusion, absorbed=absorbed
    )
    average = float(found.average_g_per_l)
    assert average * float(disposition.clearance_l_per_day) * interval == pytest.approx(entered, rel=1e-12)
    slack = 1e-9 * average
    assert found.peak_g_per_l >= average - slack
    if not (absorbed and infusion):
        assert found.trough_g_per_l <= average + slack


def system_matrix(disposition: Disposition) -> np.ndarray:
    """Depot, plasma and periphery in g, and the constant 1 that carries a rate in g/day."""
    clearance, central, exchange, peripheral, absorption, _ = (
        float(getattr(disposition, name)) for name in disposition.__slots__
    )
    # without exchange the periphery is empty; any rate keeps the matrix regular
    back = exchange / peripheral if exchange else 1.0
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 0] = -absorption, absorption
    matrix[1, 1], matrix[1, 2] = -(clearance + exchange) / central, back
    matrix[2, 1], matrix[2, 2] = exchange / central, -back
    return matrix


def by_matrix_exponential(
    disposition: Disposition, dose: float, interval: float, infusion: float, absorbed: bool, later: float
) -> tuple[float, float]:
    """Level before a dose and `later` after the input ends, at steady state, for infusion < interval."""
    matrix = system_matrix(disposition)
    pool, amount = (0, dose * float(disposition.bioavailability)) if absorbed else (1, dose)
    state = np.zeros(4)
    state[3] = 1.0
    if infusion:
        driven = matrix.copy()
        driven[pool, 3] = amount / infusion
        pulse = expm(driven * infusion)
    else:
        pulse = np.eye(4)
        pulse[pool, 3] = amount
    cycle = expm(matrix * (interval - infusion)) @ pulse
    state[:3] = np.linalg.solve(np.eye(3) - cycle[:3, :3], cycle[:3, 3])
    after = expm(matrix * later) @ pulse @ state
    return state[1] / float(disposition.central_l), after[1] / float(disposition.central_l)


K10 = 0.2 / 3.0
# both disposition rates of CL 0.2, V1 3, Q 0.4, V2 2
FAST, SLOW = (
    0.5 * (K10 + 0.4 / 3 + 0.2 + sign * np.sqrt((K10 + 0.4 / 3 + 0.2) ** 2 - 4 * K10 * 0.2))
    for sign in (1, -1)
)


@pytest.mark.parametrize("off", [0.0, 1e-15, 1e-12, 1e-9, 1e-6, -1e-7, 1e-3])
@pytest.mark.parametrize("rate", [FAST, SLOW])
@pytest.mark.parametrize("infusion", [0.0, 0.01, 0.25, 20.0])
def test_absorption_as_fast_as_a_disposition_rate_loses_no_digits(
    rate: float, off: float, infusion: float
) -> None:
    disposition = Disposition(0.2, 3.0, 0.4, 2.0, rate * (1.0 + off), 0.7)
    found = steady_state(disposition, dose_g=5.0, interval_day=28.0, infusion_day=infusion, absorbed=True)
    trough, peak = by_matrix_exponential(
        disposition, 5.0, 28.0, infusion, True, float(found.peak_day) - infusion
    )
    np.testing.assert_allclose([found.trough_g_per_l, found.peak_g_per_l], [trough, peak], rtol=1e-10)


@pytest.mark.parametrize("off", [0.0, 1e-14, 1e-9, 1e-5])
def test_one_compartment_with_absorption_at_the_elimination_rate(off: float) -> None:
    """Bateman's function degenerates to k t exp(-k t), Gibaldi & Perrier 1982, equation 1.106."""
    disposition = Disposition(0.2, 4.0, absorption_per_day=0.05 * (1.0 + off), bioavailability=1.0)
    day = np.array([1.0, 5.0, 20.0, 100.0])
    level = concentration(disposition, day=day, dose_day=0.0, dose_g=8.0, infusion_day=0.0, absorbed=True)
    # the first-order effect of `off` on the limit is off (1 - k t / 2)
    expected = 2.0 * 0.05 * day * np.exp(-0.05 * day) * (1.0 + off * (1.0 - 0.025 * day))
    np.testing.assert_allclose(level, expected, rtol=1e-9)


@pytest.mark.parametrize("exchange", [1e-300, 1e-30, 1e-16, 1e-12])
@pytest.mark.parametrize("absorbed", [False, True])
def test_vanishing_exchange_becomes_one_compartment(exchange: float, absorbed: bool) -> None:
    one = Disposition(0.2, 4.0, 0.0, 0.0, 0.3, 0.7)
    two = Disposition(0.2, 4.0, exchange, 2.0, 0.3, 0.7)
    regimen = {"dose_g": 10.0, "interval_day": 21.0, "infusion_day": 0.2, "absorbed": absorbed}
    for name in ("peak_g_per_l", "trough_g_per_l", "average_g_per_l", "peak_day"):
        found, limit = (getattr(steady_state(lane, **regimen), name) for lane in (two, one))
        np.testing.assert_allclose(found, limit, rtol=1e-9)
    lanes = Disposition(0.2, 4.0, np.array([0.0, exchange]), 2.0, 0.3, 0.7)
    np.testing.assert_allclose(*steady_state(lanes, **regimen).trough_g_per_l, rtol=1e-9)


@settings(deadline=None)
@given(
    disposition=dispositions,
    interval=st.floats(2.0, 40.0, **positive),
    share=st.one_of(st.just(0.0), st.floats(1e-4, 0.99, **positive)),
    absorbed=st.booleans(),
)
def test_steady_state_agrees_with_a_matrix_exponential(
    disposition: Disposition, interval: float, share: float, absorbed: bool
) -> None:
    infusion = share * interval
    regimen = {"dose_g": 10.0, "interval_day": interval, "infusion_day": infusion, "absorbed": absorbed}
    found = steady_state(disposition, **regimen)
    later = float(found.peak_day) - infusion
    assert -1e-9 <= later <= interval - infusion + 1e-9
    args = (disposition, 10.0, interval, infusion, absorbed)
    # expm itself loses digits where a rate is 1e-7 of another
    trough, peak = by_matrix_exponential(*args, max(later, 0.0))
    np.testing.assert_allclose([found.trough_g_per_l, found.peak_g_per_l], [trough, peak], rtol=1e-6)
    for shift in (-0.01, 0.01):
        if 0.0 <= later + shift <= interval - infusion:
            assert by_matrix_exponential(*args, later + shift)[1] <= peak * (1.0 + 1e-9)


@pytest.mark.parametrize("absorbed", [False, True])
@pytest.mark.parametrize("infusion", [0.0, 0.25, 7.0, 10.0, 14.0, 17.5])
def test_a_long_history_reaches_the_steady_state(infusion: float, absorbed: bool) -> None:
    """Also where infusions outlast the interval of 7 days and overlap."""
    disposition = MODELS["NavarroMora2022"][1]
    dose_day = 7.0 * np.arange(400)
    regimen = {"dose_g": 7.0, "infusion_day": infusion, "absorbed": absorbed}
    found = steady_state(disposition, interval_day=7.0, **regimen)
    peak_day = found.peak_day + (1e-12 if not (infusion or absorbed) else 0.0)
    trough, peak = concentration(
        disposition, day=dose_day[-1] + np.array([0.0, peak_day]), dose_day=dose_day, **regimen
    )
    np.testing.assert_allclose([trough, peak], [found.trough_g_per_l, found.peak_g_per_l], rtol=1e-9)
    window = dose_day[-1] + np.linspace(0.0, 7.0, 2000)
    level = concentration(disposition, day=window, dose_day=dose_day, **regimen)
    assert level.max() <= found.peak_g_per_l * (1.0 + 1e-9)


def test_a_level_at_the_time_of_a_dose_is_drawn_before_it() -> None:
    level = concentration(
        Disposition(0.2, 4.0),
        day=[0.0, 1e-9, 7.0, -1.0],
        dose_day=[0.0, 7.0],
        dose_g=8.0,
        infusion_day=0.0,
        absorbed=False,
    )
    np.testing.assert_allclose(level, [0.0, 2.0, 2.0 * np.exp(-0.35), 0.0], rtol=1e-9)


def test_a_history_is_the_sum_of_its_doses_in_any_order_and_by_any_route() -> None:
    disposition = Disposition(
        np.array([[0.142], [0.435]]), 3.94, np.array([0.252, 0.0, 0.5]), 4.18, 0.439, 0.66
    )
    day = np.linspace(-3.0, 90.0, 61)
    doses = [
        (30.0, 5.0, 0.0, True),
        (0.0, 28.0, 0.25, False),
        (10.0, 7.0, 3.0, True),
        (11.0, 4.0, 0.0, False),
    ]
    columns = dict(
        zip(
            ("dose_day", "dose_g", "infusion_day", "absorbed"),
            map(list, zip(*doses, strict=True)),
            strict=True,
        )
    )
    together = concentration(disposition, day=day, **columns)
    assert together.shape == (2, 3, 61)
    alone = [
        concentration(disposition, day=day, dose_day=a, dose_g=b, infusion_day=c, absorbed=d)
        for a, b, c, d in doses
    ]
    np.testing.assert_allclose(together, np.sum(alone, axis=0), rtol=1e-11, atol=1e-14)
    one = Disposition(0.435, 3.94, 0.5, 4.18, 0.439, 0.66)
    np.testing.assert_allclose(concentration(one, day=day, **columns), together[1, 2], rtol=1e-12, atol=1e-15)


def test_lanes_may_have_their_own_doses_and_times() -> None:
    disposition = Disposition(np.array([0.1, 0.2]), 4.0, 0.3, 3.0)
    day = np.array([[1.0, 9.0, 20.0], [3.0, 12.0, 40.0]])
    dose_day = np.array([[0.0, 14.0], [2.0, 10.0]])
    dose = np.array([[10.0, 20.0], [5.0, 1.0]])
    infusion = np.array([[0.1, 0.2], [0.3, 4.0]])
    found = concentration(
        disposition, day=day, dose_day=dose_day, dose_g=dose, infusion_day=infusion, absorbed=False
    )
    for lane, clearance in enumerate((0.1, 0.2)):
        alone = concentration(
            Disposition(clearance, 4.0, 0.3, 3.0),
            day=day[lane],
            dose_day=dose_day[lane],
            dose_g=dose[lane],
            infusion_day=infusion[lane],
            absorbed=False,
        )
        np.testing.assert_allclose(found[lane], alone, rtol=1e-13)


def test_routes_may_differ_between_lanes() -> None:
    disposition = MODELS["Landersdorfer2013"][1]
    regimen = {"dose_g": [28.0, 7.0], "interval_day": [28.0, 7.0], "infusion_day": [0.25, 0.0]}
    found = steady_state(disposition, absorbed=np.array([False, True]), **regimen)
    np.testing.assert_allclose(found.peak_g_per_l + 4.0, [15.8426, 8.7899], rtol=0.0, atol=GOLDEN_TOLERANCE)
    np.testing.assert_allclose(found.peak_day[0], 0.25)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dose_g": -1.0}, "dose_g"),
        ({"dose_g": np.nan}, "dose_g"),
        ({"interval_day": 0.0}, "interval_day"),
        ({"interval_day": np.inf}, "interval_day"),
        ({"infusion_day": -0.1}, "infusion_day"),
        ({"absorbed": True}, "absorption_per_day"),
    ],
)
def test_a_wrong_argument_is_named(change: dict[str, float], named: str) -> None:
    regimen = {"dose_g": 1.0, "interval_day": 7.0, "infusion_day": 0.0, "absorbed": False}
    with pytest.raises(ValueError, match=named):
        steady_state(Disposition(0.1, 3.0), **(regimen | change))


def test_a_history_without_a_dose_is_refused() -> None:
    with pytest.raises(ValueError, match="dose_day"):
        concentration(Disposition(0.1, 3.0), day=1.0, dose_day=[], dose_g=[], infusion_day=[], absorbed=False)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"clearance_l_per_day": 0.0}, "clearance_l_per_day"),
        ({"central_l": [3.0, np.nan]}, "central_l"),
        ({"intercompartmental_l_per_day": -0.1}, "intercompartmental_l_per_day"),
        ({"intercompartmental_l_per_day": 0.1}, "peripheral_l"),
        ({"absorption_per_day": 0.0}, "absorption_per_day"),
        ({"bioavailability": np.inf}, "bioavailability"),
    ],
)
def test_a_wrong_parameter_is_named(change: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Disposition(**({"clearance_l_per_day": 0.1, "central_l": 3.0} | change))


def test_a_dose_split_over_days_is_the_sum_of_its_shifted_parts() -> None:
    """Superposition: five daily parts of a dose are five doses, each at its own steady state."""
    disposition = MODELS["Tortorici2021"][1]
    split, once = (
        steady_state(
            disposition,
            dose_g=140.0,
            interval_day=28.0,
            infusion_day=0.25,
            absorbed=False,
            daily_parts=parts,
        )
        for parts in (5, 1)
    )
    days = np.array([4.25, 28.0])
    start = np.arange(400) * 28.0
    parts = (start[:, None] + np.arange(5.0)).ravel()
    level = concentration(
        disposition, day=start[-1] + days, dose_day=parts, dose_g=28.0, infusion_day=0.25, absorbed=False
    )
    np.testing.assert_allclose([split.peak_g_per_l, split.trough_g_per_l], level, rtol=1e-9)
    assert split.average_g_per_l == once.average_g_per_l
    assert split.peak_g_per_l < once.peak_g_per_l


@pytest.mark.parametrize(("parts", "interval", "infusion"), [(0, 28.0, 0.25), (5, 4.0, 0.25), (2, 28.0, 1.5)])
def test_parts_that_do_not_fit_are_refused(parts: int, interval: float, infusion: float) -> None:
    with pytest.raises(ValueError, match="daily_parts"):
        steady_state(
            MODELS["Tortorici2021"][1],
            dose_g=1.0,
            interval_day=interval,
            infusion_day=infusion,
            absorbed=False,
            daily_parts=parts,
        )
