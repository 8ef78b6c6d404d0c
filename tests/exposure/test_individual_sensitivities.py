"""Levels as fits see them: against the closed form of `linear`, and derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.exposure import linear
from globulin.exposure.sensitivities import IndividualParameters, expand, total_igg
from globulin.exposure.superposition import Doses, lags, seen_from

PEOPLE, DOSES, LEVELS = 40, 8, 6


def disposition(of: IndividualParameters) -> linear.Disposition:
    return linear.Disposition(of.cl, of.v1, of.q, of.v2, of.ka[:, 0], of.f[:, 0])


def modes(of: IndividualParameters) -> np.ndarray:
    """Rates of the two modes, as eigenvalues of the system matrix."""
    k10, k12, k21 = of.cl / of.v1, of.q / of.v1, of.q / of.v2
    matrix = np.moveaxis(np.array([[k10 + k12, -k21], [-k12, k21]]), 2, 0)
    return np.sort(np.linalg.eigvals(matrix), axis=1)


def setting(kind: str) -> tuple[IndividualParameters, Doses, np.ndarray]:
    """People with tables of doses at random times; `kind` is what is special about them."""
    rng = np.random.default_rng(5)
    shape = PEOPLE, DOSES
    g = np.where(rng.random(shape) < 0.2, 0.0, rng.uniform(0.1, 30.0, shape))
    infusion = (
        rng.choice([0.0, 0.05, 0.25, 3.0, 12.0], shape)
        if kind in ("infusions", "meeting rates")
        else np.zeros(shape)
    )
    uptake = np.zeros(shape, dtype=int) if kind == "vein" else rng.integers(0, 2, shape)
    doses = Doses(rng.uniform(0.0, 100.0, shape), g, infusion, uptake)
    day = np.concatenate([rng.uniform(-5.0, 150.0, (PEOPLE, LEVELS - 1)), doses.day[:, :1]], axis=1)
    of = IndividualParameters(
        cl=rng.uniform(0.05, 0.5, PEOPLE),
        v1=rng.uniform(2.0, 6.0, PEOPLE),
        q=rng.uniform(0.1, 0.9, PEOPLE) * (kind != "one compartment"),
        v2=rng.uniform(1.0, 8.0, PEOPLE),
        ka=rng.uniform(0.02, 1.0, (PEOPLE, 1)),
        f=rng.uniform(0.5, 1.0, (PEOPLE, 1)),
        base=rng.uniform(0.0, 12.0, PEOPLE),
    )
    if kind == "meeting rates":
        apart = rng.choice([0.0, 1e-12, 1e-7, 1e-3, 0.029, 0.031], PEOPLE) * rng.choice([-1.0, 1.0], PEOPLE)
        which = rng.integers(0, 2, PEOPLE)
        of.ka[:, 0] = modes(of)[np.arange(PEOPLE), which] * (1.0 + apart)
    return of, doses, day


KINDS = ("vein", "tissue", "infusions", "meeting rates", "one compartment")


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_those_of_the_closed_form(kind: str) -> None:
    of, doses, day = setting(kind)
    found = total_igg(seen_from(doses, day, 1), of.scaled(np.zeros((PEOPLE, 1, 7))))[:, 0]
    expected = linear.concentration(
        disposition(of),
        day=day,
        dose_day=doses.day,
        dose_g=doses.g,
        infusion_day=doses.infusion_day,
        absorbed=doses.uptake > 0,
    )
    # an infusion is a quadrature, exact to 1e-9 of the level for rates up to 1 per day; else it is rounding
    np.testing.assert_allclose(found, expected + of.base[:, None], rtol=1e-9 if "in" in kind else 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_are_those_of_the_levels(kind: str) -> None:
    of, doses, day = setting(kind)
    seen, centre, h = seen_from(doses, day, 1), np.zeros((PEOPLE, 1, 7)), 1e-3
    by = np.random.default_rng(1).normal(size=(PEOPLE, 1, LEVELS))

    def fourth_order(value, i: int) -> np.ndarray:
        one, two = h * np.eye(7)[i], 2.0 * h * np.eye(7)[i]
        near, far = value(centre + one) - value(centre - one), value(centre + two) - value(centre - two)
        return (8.0 * near - far) / (12.0 * h)

    expansion = expand(seen, of.scaled(centre))
    slope = np.stack(
        [fourth_order(lambda eta: total_igg(seen, of.scaled(eta)), i) for i in range(7)], axis=-1
    )
    bend = np.stack(
        [
            fourth_order(lambda eta: np.einsum("nsl,nslp->nsp", by, expand(seen, of.scaled(eta)).jacobian), i)
            for i in range(7)
        ],
        axis=-1,
    )
    # the differences are exact to h^4 and lose 1e-16 / h
    np.testing.assert_allclose(expansion.jacobian, slope, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(expansion.curvature(by), bend, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(expansion.level, total_igg(seen, of.scaled(centre)), rtol=1e-13)


@pytest.mark.parametrize(
    ("interval", "infusion", "uptake"),
    [(7.0, 0.0, 1), (28.0, 0.25, 0), (7.0, 10.0, 0), (7.0, 17.5, 1), (1.0, 0.0, 1)],
    ids=["weekly", "monthly", "overlapping", "overlapping into tissue", "daily"],
)
def test_doses_for_ever_are_a_closed_form_not_a_long_table(
    interval: float, infusion: float, uptake: int
) -> None:
    of = IndividualParameters(
        *(np.array([value]) for value in (0.15, 3.0, 0.4, 2.0)),
        np.array([[0.25]]),
        np.array([[0.7]]),
        np.array([4.0]),
    )
    doses = Doses(np.array([0.0]), np.array([10.0]), infusion, uptake, interval)
    # before, at and after the dose on day 0; after it no more is given
    day = np.array([[-40.0, -28.0, -3.0, 0.0, 0.1, 5.0, 30.0]])
    # 3000 days leave exp(-0.03 x 3000) of the transient
    table = -interval * np.arange(int(3000.0 / interval))
    expected = linear.concentration(
        disposition(of), day=day, dose_day=table, dose_g=10.0, infusion_day=infusion, absorbed=bool(uptake)
    )
    seen, centre = seen_from(doses, day, 1), np.zeros((1, 1, 7))
    np.testing.assert_allclose(total_igg(seen, of.scaled(centre))[:, 0], expected + 4.0, rtol=1e-12)
    by, h = np.ones((1, 1, 7)), 1e-4
    expansion = expand(seen, of.scaled(centre))
    for i in range(7):
        step = h * np.eye(7)[i]
        ahead, behind = expand(seen, of.scaled(centre + step)), expand(seen, of.scaled(centre - step))
        np.testing.assert_allclose(
            expansion.jacobian[..., i], (ahead.level - behind.level) / (2 * h), rtol=1e-6, atol=1e-7
        )
        np.testing.assert_allclose(
            expansion.curvature(by)[..., i],
            (ahead.jacobian - behind.jacobian).sum(axis=2) / (2 * h),
            rtol=1e-6,
            atol=1e-5,
        )


def test_two_kinds_of_uptake_add_up() -> None:
    of, doses, day = setting("tissue")
    second = np.where(np.arange(DOSES) % 2 == 0, doses.uptake, 2 * np.asarray(doses.uptake))
    both = IndividualParameters(
        of.cl,
        of.v1,
        of.q,
        of.v2,
        np.concatenate([of.ka, 2.0 * of.ka], 1),
        np.concatenate([of.f, 0.5 * of.f], 1),
        of.base,
    )
    found = total_igg(
        seen_from(Doses(doses.day, doses.g, 0.0, second), day, 2), both.scaled(np.zeros((PEOPLE, 1, 7)))
    )[:, 0]
    parts = [
        linear.concentration(
            linear.Disposition(of.cl, of.v1, of.q, of.v2, ka, f),
            day=day,
            dose_day=doses.day,
            dose_g=np.where(second == kind, doses.g, 0.0),
            infusion_day=0.0,
            absorbed=kind > 0,
        )
        for kind, ka, f in (
            (0, of.ka[:, 0], of.f[:, 0]),
            (1, of.ka[:, 0], of.f[:, 0]),
            (2, 2 * of.ka[:, 0], 0.5 * of.f[:, 0]),
        )
    ]
    np.testing.assert_allclose(found, sum(parts) + of.base[:, None], rtol=1e-12)


positive = {"allow_nan": False, "allow_infinity": False}


@settings(deadline=None, max_examples=60)
@given(
    cl=st.floats(0.01, 2.0, **positive),
    v1=st.floats(0.5, 10.0, **positive),
    q=st.one_of(st.just(0.0), st.floats(1e-3, 2.0, **positive)),
    v2=st.floats(0.5, 10.0, **positive),
    ka=st.floats(0.01, 2.0, **positive),
    day=st.floats(0.01, 400.0, **positive),
)
def test_exogenous_levels_scale_with_volumes_and_flows(
    cl: float, v1: float, q: float, v2: float, ka: float, day: float
) -> None:
    """All flows and volumes times c divide the exogenous level by c: Euler's theorem on the derivatives."""
    of = IndividualParameters(
        *(np.array([value]) for value in (cl, v1, q, v2)),
        np.array([[ka]]),
        np.array([[0.7]]),
        np.array([0.0]),
    )
    seen = seen_from(Doses(np.array([0.0, 3.0]), np.array([10.0, 5.0]), 0.0, np.array([0, 1])), [[day]], 1)
    expansion = expand(seen, of.scaled(np.zeros((1, 1, 7))))
    level, slope = expansion.level[0, 0, 0], expansion.jacobian[0, 0, 0]
    assert level >= 0.0
    np.testing.assert_allclose(slope[:4].sum(), -level, rtol=1e-7, atol=1e-12)
    # and the second derivatives in that direction give the level back
    np.testing.assert_allclose(
        expansion.curvature(np.ones((1, 1, 1)))[0, 0, :4, :4].sum(), level, rtol=1e-5, atol=1e-9
    )


def test_a_sample_at_the_time_of_a_dose_is_drawn_before_it() -> None:
    doses = Doses(np.array([[0.0, 28.0]]), np.array([[10.0, 10.0]]))
    np.testing.assert_array_equal(lags(doses, np.array([[0.0, 28.0]]))[0], [[0.0, -28.0], [28.0, 0.0]])
    of = IndividualParameters(
        *(np.array([value]) for value in (0.15, 3.0, 0.4, 2.0)),
        np.empty((1, 0)),
        np.empty((1, 0)),
        np.array([4.0]),
    )
    found = total_igg(seen_from(doses, [[0.0, 1e-9]], 0), of.scaled(np.zeros((1, 1, 7))))[0, 0]
    np.testing.assert_allclose(found, [4.0, 4.0 + 10.0 / 3.0], rtol=1e-8)


@pytest.mark.parametrize(
    ("doses", "names"),
    [
        ({"g": [-1.0, 2.0]}, "g must be at least 0"),
        ({"day": [0.0, np.nan]}, "day must be finite"),
        ({"infusion_day": -1.0}, "infusion_day"),
        ({"steady_interval_day": [7.0, 14.0]}, "steady_interval_day must be the same"),
        ({"g": [1.0, 2.0, 3.0]}, "one shape"),
    ],
)
def test_bad_doses_are_named(doses: dict[str, object], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        Doses(**{"day": [0.0, 7.0], "g": [1.0, 1.0]} | doses)
