"""Which level does not fit: exact predictions by quadrature, false alarms by simulation, planted faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from globulin.exposure.density import effects, omegas, varying
from globulin.exposure.individual import fit
from globulin.exposure.level_checks import check_levels
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
    assert (np.sum(~found.fits, axis=1) <= 1).all()
    for person in range(2000):
        assert bool(found.message[person]) == (not found.fits[person].all())


def monthly(**change: object):
    """One person treated by vein, with four levels that are just what typical parameters predict."""
    people, _ = simulate(1, 3)
    day = np.array([[27.0, 56.0, 98.0, 140.0]])
    exact = totals(people.typical, people.doses, day, np.zeros((1, 7)))
    return with_levels(people, exact, day=day, below_limit=False, measured=True, **change)


def test_levels_that_fit_are_left_alone() -> None:
    found = check_levels(fit(monthly()))
    assert found.fits.all()
    assert found.message == ("",)
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
    assert "does not fit" in found.message[0]
    assert f"{drawn:.3g} g/L" in found.message[0]
    assert "later, during the dose of day 56." in found.message[0]


def test_a_level_no_draw_time_explains_is_said_to_be_so() -> None:
    people = monthly()
    level = np.array(people.levels.g_per_l)
    level[0, 2] = 60.0
    found = check_levels(fit(with_levels(people, level)))
    assert not found.fits[0, 2]
    assert np.isnan(found.shift_hour[0, 2])
    assert "no draw within 72 hours explains it" in found.message[0]


def test_a_level_below_the_limit_that_should_have_been_seen() -> None:
    people = monthly()
    level = np.array(people.levels.g_per_l)
    level[0, 3] = 2.0
    below = np.array([[False, False, False, True]])
    people = with_levels(people, level)
    people = replace(people, levels=replace(people.levels, below_limit=below))
    found = check_levels(fit(people))
    assert not found.fits[0, 3]
    assert "(below 2 g/L)" in found.message[0]


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
