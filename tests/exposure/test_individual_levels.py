"""Which level does not fit: exact predictions by quadrature, false alarms by simulation, planted faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from globulin.exposure.density import effects, omegas, varying
from globulin.exposure.individual import fit
from globulin.exposure.level_checks import SEVERAL, check_levels
from globulin.exposure.likelihood import Levels
from tests.exposure.individual_people import log_sd, simulate, slow_log_density, totals

TWO_EFFECTS = omegas(cl=log_sd(0.289), v1=log_sd(0.193))


def with_levels(people, g_per_l: np.ndarray, **change: object):
    return replace(people, levels=replace(people.levels, g_per_l=g_per_l, **change))


def test_p_is_that_of_quadrature() -> None:
    """Prediction of one level from the three others, integrated on a grid with the independent density."""
    people, _ = simulate(2, 51, omega=TWO_EFFECTS)
    level = np.array(people.levels.g_per_l)
    level[:, 1] += [7.0, -5.0]
    people = with_levels(people, level)
    found = check_levels(fit(people))
    free = varying(people)
    axis = np.linspace(-6.0, 6.0, 121)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(1, -1, 2)
    kept = np.array([True, False, True, True])
    for person in range(2):
        one = people.take(np.array([person]))
        eta = effects(one, free, grid)
        others = replace(one, levels=replace(one.levels, measured=kept))
        height = slow_log_density(others, eta)[0]
        mass = np.exp(height - height.max())
        f = totals(one.typical, one.doses, one.levels.day[:, 1:2], eta)[0, :, 0]
        under = np.sum(mass * stats.norm.cdf(level[person, 1], f, np.hypot(0.817, 0.053 * f))) / mass.sum()
        # 1024 draws: a tail probability this small is an average of many small ones, to a tenth
        assert found.p[person, 1] == pytest.approx(2.0 * min(under, 1.0 - under), rel=0.1)


def test_alarms_without_a_fault_are_as_rare_as_stated() -> None:
    people, _ = simulate(2000, 53)
    found = check_levels(fit(people), false_alarm=0.05)
    alarms = int(np.sum(~found.fits.all(axis=1)))
    # the four tests of a person are not independent, so the rate may only be lower than stated
    assert stats.binom.cdf(alarms, 2000, 0.05) < 0.9995
    assert alarms > 0.6 * 0.05 * 2000
    for person in range(2000):
        marked = int(np.sum(~found.fits[person]))
        assert len(found.messages[person]) == marked + (marked > 1)


def test_holm_by_hand() -> None:
    """Holm 1979 on one person in whom nobody's parameters vary, so that no level says anything of another.

    Each p is then that of a normal level around what is typical: 0.002, 0.003, 0.006 and 0.5 at 0.01. The
    limits are 0.01/4, /3, /2, /1 = 0.0025, 0.0033, 0.005, 0.01: the first two are marked, the third is above
    its limit, and there it ends, though 0.006 is below 0.01. Dividing by 4 throughout would mark one.
    """
    people = monthly()
    typical = np.array(people.levels.g_per_l)
    p = np.array([0.5, 0.003, 0.006, 0.002])
    sd = np.hypot(0.817, 0.053 * typical)
    people = replace(people, omega=np.where(people.omega > 0.0, 1e-6, 0.0))
    found = check_levels(fit(with_levels(people, typical + stats.norm.isf(p / 2.0) * sd)))
    np.testing.assert_allclose(found.p[0], p, rtol=1e-4)
    np.testing.assert_array_equal(found.fits[0], [True, False, True, False])
    first, second, advice = found.messages[0]
    assert "day 140" in first
    assert "day 56" in second
    assert all("does not fit" in each and "Check the draw time" in each for each in (first, second))
    assert advice == SEVERAL


def test_two_wrong_levels_are_marked_and_no_right_one() -> None:
    """Two of eight monthly levels are 9 and 14 g/L too high, ten and more SDs of a measurement."""
    people, _ = simulate(1, 3)
    day = np.arange(1.0, 9.0)[None] * 28.0 - 1.0
    level = totals(people.typical, people.doses, day, np.zeros((1, 7)))
    level[0, [2, 5]] += [9.0, 14.0]
    found = check_levels(fit(replace(people, levels=Levels(day, level))))
    np.testing.assert_array_equal(np.flatnonzero(~found.fits[0]), [2, 5])
    # what is marked took no part in predicting the rest, which are just typical
    assert np.all(found.p[0, [0, 1, 3, 4, 6, 7]] > 0.2)


def monthly(**change: object):
    """One person treated by vein, with four levels that are just what typical parameters predict."""
    people, _ = simulate(1, 3)
    day = np.array([[27.0, 56.0, 98.0, 140.0]])
    exact = totals(people.typical, people.doses, day, np.zeros((1, 7)))
    return with_levels(people, exact, day=day, below_limit=False, measured=True, **change)


def test_levels_that_fit_are_left_alone() -> None:
    found = check_levels(fit(monthly()))
    assert found.fits.all()
    assert found.messages == ((),)
    assert np.isnan(found.shift_hour).all()
    assert (found.low_g_per_l < found.expected_g_per_l).all()
    assert (found.expected_g_per_l < found.high_g_per_l).all()


def test_a_trough_drawn_after_the_infusion_began_is_found_out() -> None:
    """Noted as before the dose of day 56, drawn 5 hours into the infusion of 6."""
    people = monthly()
    drawn = totals(people.typical, people.doses, np.array([[56.0 + 5.0 / 24.0]]), np.zeros((1, 7)))[0, 0]
    level = np.array(people.levels.g_per_l)
    level[0, 1] = drawn
    found = check_levels(fit(with_levels(people, level)))
    np.testing.assert_array_equal(found.fits, [[True, False, True, True]])
    assert 1.0 <= found.shift_hour[0, 1] <= 5.0
    assert "does not fit" in found.messages[0][0]
    assert f"{drawn:.3g} g/L" in found.messages[0][0]
    assert "later, during the dose of day 56." in found.messages[0][0]


def test_a_level_no_draw_time_explains_is_said_to_be_so() -> None:
    people = monthly()
    level = np.array(people.levels.g_per_l)
    level[0, 2] = 60.0
    found = check_levels(fit(with_levels(people, level)))
    assert not found.fits[0, 2]
    assert np.isnan(found.shift_hour[0, 2])
    assert "no draw within 72 hours explains it" in found.messages[0][0]


def test_a_level_below_the_limit_that_should_have_been_seen() -> None:
    people = monthly()
    level = np.array(people.levels.g_per_l)
    level[0, 3] = 2.0
    below = np.array([[False, False, False, True]])
    people = with_levels(people, level)
    people = replace(people, levels=replace(people.levels, below_limit=below))
    found = check_levels(fit(people))
    assert not found.fits[0, 3]
    assert "(below 2 g/L)" in found.messages[0][0]


def test_a_single_level_is_compared_with_the_population() -> None:
    people = monthly()
    alone = replace(people.levels, measured=np.array([[True, False, False, False]]))
    found = check_levels(fit(replace(people, levels=alone)))
    assert found.fits.all()
    np.testing.assert_array_equal(np.isnan(found.p), [[False, True, True, True]])
    assert found.p[0, 0] == pytest.approx(1.0, abs=1e-6)


def test_the_rate_of_false_alarms_must_be_a_share() -> None:
    with pytest.raises(ValueError, match="false_alarm"):
        check_levels(fit(monthly()), false_alarm=1.0)
