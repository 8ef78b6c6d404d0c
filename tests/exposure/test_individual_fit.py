"""Most probable parameters: against an independent density and optimiser, for everybody and odd people."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from globulin.exposure.density import Density, People, effects, omegas, varying
from globulin.exposure.individual import NO_LEVEL, NOTHING_PREDICTED, Fit, fit
from globulin.exposure.likelihood import Levels, mismatch
from globulin.exposure.superposition import Doses
from tests.exposure.individual_people import (
    ADDITIVE,
    OMEGA,
    PROPORTIONAL,
    SETTINGS,
    navarro_mora,
    people_of,
    simulate,
    slow_log_density,
)
from tests.exposure.individual_references import best_by_scipy


@pytest.mark.parametrize("name", SETTINGS)
def test_the_density_is_prior_times_likelihood(name: str) -> None:
    people, _ = people_of(name, 20, 1)
    free = varying(people)
    z = np.random.default_rng(2).normal(size=(20, 5, free.size))
    constant = 0.5 * free.size * np.log(2.0 * np.pi)
    found = -Density(people, free).value(z) - constant
    np.testing.assert_allclose(found, slow_log_density(people, effects(people, free, z)), atol=1e-8)


@pytest.mark.parametrize("name", SETTINGS)
def test_gradient_and_hessian_are_those_of_the_density(name: str) -> None:
    people, _ = people_of(name, 10, 3)
    density = Density(people, varying(people))
    z, h = np.random.default_rng(4).normal(size=(10, 1, density.free.size)), 1e-5
    surface = density.surface(z)
    np.testing.assert_allclose(surface.value, density.value(z), rtol=1e-12)
    for i, step in enumerate(h * np.eye(density.free.size)):
        slope = (density.value(z + step) - density.value(z - step)) / (2.0 * h)
        bend = (density.surface(z + step).gradient - density.surface(z - step).gradient) / (2.0 * h)
        size = 1.0 + np.abs(surface.hessian).max()
        np.testing.assert_allclose(surface.gradient[..., i], slope, atol=1e-8 * size)
        np.testing.assert_allclose(surface.hessian[..., i], bend, atol=1e-8 * size)


def test_the_expected_curvature_of_a_level_is_its_mean() -> None:
    """Fisher information: the second derivative averaged over levels from the model, by Gauss-Hermite."""
    node, weight = np.polynomial.hermite_e.hermegauss(8)
    f, a, b = np.array([6.0, 12.0]), np.array([0.5, 0.1]), np.array([0.05, 0.1])
    levels = f[:, None] + np.hypot(a, b * f)[:, None] * node
    parts = mismatch(Levels(np.zeros_like(levels), levels), f[:, None, None], a, b)
    mean = np.sum(weight * parts.second[:, 0], axis=-1) / weight.sum()
    np.testing.assert_allclose(parts.expected[:, 0, 0], mean, rtol=1e-10)


@pytest.mark.parametrize("name", ["Navarro-Mora 2022", "levels below 7 g/L censored", "own IgG unknown"])
def test_the_fit_is_what_an_independent_optimiser_finds(name: str) -> None:
    people, _ = people_of(name, 4, 7)
    found = fit(people)
    free = varying(people)
    for person in range(len(people)):
        one = people.take(np.array([person]))
        z, loss = best_by_scipy(one, np.full(free.size, 0.5))
        # differences leave a gradient of 1e-7, and the curvature is at least about 1
        np.testing.assert_allclose(found.eta[person, free], z * people.omega[person, free], atol=1e-4)
        objective = found.objective[person] + 0.5 * free.size * np.log(2.0 * np.pi)
        assert objective <= loss + 1e-9


@pytest.mark.parametrize("name", SETTINGS)
def test_everybody_gets_to_the_mode(name: str) -> None:
    """Fisher scoring alone leaves some people short of it; the exact Hessian does not."""
    found = fit(people_of(name, 300, 11)[0])
    assert found.converged.all()
    assert found.gradient.max() <= 1e-8
    assert np.isfinite(found.covariance).all()
    assert set(found.message) <= {"", "a second, different set of parameters fits nearly as well"}


def test_a_person_is_fitted_alike_alone_and_among_others() -> None:
    people, _ = simulate(7, 5)
    together = fit(people)
    for person in range(len(people)):
        alone = fit(people.take(np.array([person])))
        np.testing.assert_allclose(alone.eta[0], together.eta[person], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(alone.covariance[0], together.covariance[person], rtol=1e-7, atol=1e-12)


def one(levels: Levels, given: Doses, **change: object) -> People:
    weight = np.array([65.7])
    people = People(navarro_mora(weight), OMEGA, ADDITIVE, PROPORTIONAL, given, levels)
    return replace(people, **change)


MONTHLY = Doses(np.arange(6) * 28.0, np.full(6, 30.0), 0.25)


def test_padding_changes_nothing() -> None:
    bare = fit(one(Levels([28.0, 59.0], [9.0, 12.0]), MONTHLY))
    padded = fit(
        one(
            Levels([28.0, np.nan, 59.0], [9.0, np.nan, 12.0], measured=[True, False, True]),
            Doses(np.append(np.arange(6) * 28.0, 3.0), np.append(np.full(6, 30.0), 0.0), 0.25),
        )
    )
    np.testing.assert_allclose(padded.eta, bare.eta, rtol=1e-10)
    assert np.isnan(padded.residual[0, 1])
    assert np.isfinite(padded.residual[0, [0, 2]]).all()


def test_without_a_level_the_person_is_typical() -> None:
    for levels in (Levels([28.0], [9.0], measured=[False]), Levels(np.empty((1, 0)), np.empty((1, 0)))):
        found = fit(one(levels, MONTHLY))
        assert found.converged.all()
        assert found.message == (NO_LEVEL,)
        np.testing.assert_array_equal(found.eta, 0.0)
        np.testing.assert_allclose(found.shrinkage[0, [0, 1, 4]], 1.0)
        np.testing.assert_allclose(found.log_marginal, 0.0, atol=1e-12)


def test_shrinkage_is_whole_for_what_the_levels_cannot_tell() -> None:
    """By vein only, nothing is learnt about uptake; exact levels settle clearance."""
    found = fit(one(Levels([28.0, 59.0, 113.0], [9.0, 12.0, 10.0]), MONTHLY))
    assert found.shrinkage[0, 4] == pytest.approx(1.0)
    assert np.isnan(found.shrinkage[0, [2, 3, 5, 6]]).all()
    exact = fit(replace(found.people, additive_g_per_l=0.01, proportional=0.0))
    assert exact.shrinkage[0, 0] < 0.01 < found.shrinkage[0, 0]


def test_the_limit_of_an_exact_assay_gives_the_parameters_back() -> None:
    people, eta = simulate(40, 13, additive=1e-4, proportional=0.0)
    found = fit(people)
    told = np.arange(40) % 2 == 0
    # by vein CL and V1 are settled by four exact levels; SDs of 1e-4 g/L move them by about as much
    np.testing.assert_allclose(found.eta[told, :2], eta[told, :2], atol=2e-3)
    assert found.converged.all()


def test_before_the_first_dose_only_the_persons_own_igg_is_seen() -> None:
    """One level before any dose: the mode of a lognormal prior and a normal level, found by bisection."""
    people = one(Levels([-3.0], [14.0]), MONTHLY, omega=omegas(base=0.2), proportional=0.0)
    found = fit(people)

    def slope(z: float) -> float:
        base = 4.0 * np.exp(0.2 * z)
        return z - (14.0 - base) / ADDITIVE**2 * 0.2 * base

    z = optimize.brentq(slope, 0.0, 20.0, xtol=1e-12)
    np.testing.assert_allclose(found.eta[0, 6], 0.2 * z, rtol=1e-9)
    np.testing.assert_allclose(found.predicted, 4.0 * np.exp(0.2 * z), rtol=1e-9)


def test_a_level_that_cannot_be_predicted_is_said() -> None:
    base = replace(navarro_mora(np.array([65.7])), base=np.array([0.0]))
    people = one(Levels([-3.0, 20.0], [5.0, 9.0]), MONTHLY, typical=base, additive_g_per_l=0.0)
    found = fit(people)
    assert not found.converged[0]
    assert found.message == (NOTHING_PREDICTED,)
    assert np.isnan(found.shrinkage).all()


def test_levels_near_an_infusion_are_flagged_and_fitted() -> None:
    day = [28.0, 28.1, 28.3, 29.2, 29.3, 60.0]
    found = fit(one(Levels(day, [9.0, 13.0, 18.0, 15.0, 15.0, 9.0]), MONTHLY))
    np.testing.assert_array_equal(found.near_infusion, [[False, True, True, True, False, False]])
    assert found.converged.all()
    assert np.isfinite(found.residual).all()
    weekly = Doses(np.arange(6) * 7.0, np.full(6, 8.0), 0.0, 1)
    assert not fit(one(Levels([7.1], [9.0]), weekly)).near_infusion.any()


def test_a_level_below_its_limit_pulls_only_down() -> None:
    """Censoring far above the prediction says nothing; far below it acts like a low level."""
    free = fit(one(Levels([28.0], [9.0]), MONTHLY))
    harmless = fit(one(Levels([28.0, 84.0], [9.0, 60.0], below_limit=[False, True]), MONTHLY))
    low = fit(one(Levels([28.0, 84.0], [9.0, 5.0], below_limit=[False, True]), MONTHLY))
    np.testing.assert_allclose(harmless.eta, free.eta, atol=1e-8)
    assert low.predicted[0, 1] < free.predicted[0, 0]
    assert np.isnan(low.residual[0, 1])


def test_laplace_is_exact_for_a_linear_normal_model() -> None:
    """A tiny spread makes the model linear; the levels are then multivariate normal."""
    people = one(Levels([28.0, 59.0, 90.0], [7.0, 11.0, 8.5]), MONTHLY, omega=1e-4 * OMEGA, proportional=0.0)
    found = fit(people)
    density = Density(people, varying(people))
    zero = np.zeros((1, 1, density.free.size))
    step = 1e-3
    slopes = np.stack(
        [
            (density.predicted(zero + step * unit) - density.predicted(zero - step * unit))[0, 0] / (2 * step)
            for unit in np.eye(density.free.size)
        ]
    )
    covariance = slopes.T @ slopes + ADDITIVE**2 * np.eye(3)
    apart = people.levels.g_per_l[0] - density.predicted(zero)[0, 0]
    expected = -0.5 * (
        apart @ np.linalg.solve(covariance, apart) + np.linalg.slogdet(2.0 * np.pi * covariance)[1]
    )
    np.testing.assert_allclose(found.log_marginal, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"omega": omegas(cl=0.0)}, "omega"),
        ({"additive_g_per_l": 0.0, "proportional": 0.0}, "additive_g_per_l or proportional"),
        ({"proportional": -0.1}, "proportional"),
        ({"additive_g_per_l": np.ones(3)}, "additive_g_per_l: shape"),
        ({"doses": Doses([[0.0], [1.0]], [[1.0], [1.0]])}, "doses: 2 people"),
        ({"doses": Doses([0.0], [1.0], 0.0, 2)}, "doses.uptake: only 1"),
        ({"typical": replace(navarro_mora(np.array([60.0])), cl=np.array([0.0]))}, "typical.cl"),
        ({"typical": replace(navarro_mora(np.array([60.0])), v2=np.array([0.0]))}, "typical.q and v2"),
    ],
)
def test_bad_people_are_named(change: dict[str, object], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        one(Levels([28.0], [9.0]), MONTHLY, **change)


def test_bad_levels_and_effects_are_named() -> None:
    with pytest.raises(ValueError, match="g_per_l must be above 0"):
        Levels([28.0], [0.0])
    with pytest.raises(ValueError, match="day must be finite"):
        Levels([np.nan], [9.0])
    with pytest.raises(ValueError, match="one shape"):
        Levels([1.0, 2.0], [9.0, 8.0, 7.0])
    with pytest.raises(ValueError, match="clearance: no such parameter"):
        omegas(clearance=0.3)


def test_what_a_command_loads_holds_no_slow_import() -> None:
    """scipy.stats and scipy.optimize cost more to load than a fit takes."""
    code = (
        "import sys, globulin.exposure.level_checks, globulin.exposure.forecast;"
        "print([name for name in ('scipy.stats', 'scipy.optimize', 'scipy.sparse') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_fit_names_its_fields() -> None:
    """The interface that commands rely on."""
    assert {"eta", "parameters", "covariance", "shrinkage", "converged", "message"} <= set(Fit.__slots__)
