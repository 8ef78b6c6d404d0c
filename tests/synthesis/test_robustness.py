"""Curves along priors and their tipping points, against single fits, closed forms and a brute-force grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.curves import Labels, Lines, conclusions, draw
from globulin.synthesis.priors import HalfNormal, Normal
from globulin.synthesis.robustness import PriorRobustness, prior_robustness
from globulin.synthesis.surface import Surface, fixed_studies

# two trials with numbers and two known only as not significant, near those of the dossier
Y, V = np.array([0.978, 0.501]), np.array([0.410, 0.243]) ** 2
BOUND, BOUND_SE = np.array([0.777, 0.459]), np.array([0.378, 0.231])
VAGUE = Normal(0, 2)
Z975 = 1.959963984540054
# the surface is read by a polynomial between grid points; pool_bayes is exact to 1e-9
CLOSE = 3e-6


@pytest.fixture(scope="module")
def curves() -> PriorRobustness:
    known = {"censored_bound": BOUND, "censored_se": BOUND_SE}
    return prior_robustness(Y, V, tau_prior=HalfNormal(0.5), mu_prior=VAGUE, worth_it=0.5, **known)


def single(scale: float, prior: Normal | None):
    return pool_bayes(
        Y, V, tau_prior=HalfNormal(scale), mu_prior=prior, censored_bound=BOUND, censored_se=BOUND_SE
    )


# --- the curves --------------------------------------------------------------------------------------


def test_each_point_of_the_spread_curve_is_a_single_fit(curves: PriorRobustness) -> None:
    curve = curves.spread
    assert (curve.x[0], curve.x[-1]) == (0.0, 2.0)
    for index in (1, 2, 10, 20, 40):
        fit = single(curve.x[index], VAGUE)
        assert curve.estimate[index] == pytest.approx(fit.median, abs=CLOSE)
        assert curve.ci_lower[index] == pytest.approx(fit.ci_lower, abs=CLOSE)
        assert curve.ci_upper[index] == pytest.approx(fit.ci_upper, abs=CLOSE)
        assert curve.probability_above_zero[index] == pytest.approx(fit.probability_above(0.0), abs=CLOSE)
        assert curve.probability_worth_it[index] == pytest.approx(fit.probability_above(0.5), abs=CLOSE)


def test_each_point_of_the_opinion_curve_is_a_single_fit(curves: PriorRobustness) -> None:
    curve = curves.scepticism
    for index in (0, 10, 25, 40):
        fit = single(0.5, Normal(0, curve.x[index]))
        assert curve.estimate[index] == pytest.approx(fit.median, abs=CLOSE)
        assert curve.ci_lower[index] == pytest.approx(fit.ci_lower, abs=CLOSE)
        assert curve.ci_upper[index] == pytest.approx(fit.ci_upper, abs=CLOSE)


def test_no_spread_at_all_is_the_common_effect_in_closed_form() -> None:
    """At scale 0 mu is normal: precision 1/0.04 + 1/0.09 + 1/4 and the weighted mean."""
    curve = prior_robustness([0.3, 0.6], [0.04, 0.09], tau_prior=HalfNormal(0.5), mu_prior=VAGUE).spread
    precision = 1 / 0.04 + 1 / 0.09 + 1 / 4
    mean, sd = (0.3 / 0.04 + 0.6 / 0.09) / precision, precision**-0.5
    assert curve.estimate[0] == pytest.approx(mean, abs=1e-8)
    assert curve.ci_lower[0] == pytest.approx(mean - Z975 * sd, abs=1e-6)
    assert curve.ci_upper[0] == pytest.approx(mean + Z975 * sd, abs=1e-6)
    assert curve.probability_above_zero[0] == pytest.approx(stats.norm.cdf(mean / sd), abs=1e-8)
    assert curve.probability_worth_it == ()


def test_against_a_brute_force_sum_over_both_parameters(curves: PriorRobustness) -> None:
    """The posterior written out over 1500 by 1501 points, with scipy's normal distribution."""
    tau, mu = np.linspace(0, 4, 1501), np.linspace(-5, 5, 1500)[:, None]
    joint = stats.halfnorm.pdf(tau, scale=0.5) * stats.norm.pdf(mu, 0, 2)
    for y, v in zip(Y, V, strict=True):
        joint = joint * stats.norm.pdf(y, mu, np.sqrt(v + tau**2))
    for bound, se in zip(BOUND, BOUND_SE, strict=True):
        spread = np.sqrt(se**2 + tau**2)
        joint = joint * (stats.norm.cdf((bound - mu) / spread) - stats.norm.cdf((-bound - mu) / spread))
    density = np.trapezoid(joint, tau, axis=1)
    share = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    share /= share[-1]
    middle = curves.spread.x.index(0.5)
    # linear steps of 0.0067 in mu: 1e-5 in a probability
    above = 1 - np.interp(0.0, mu[:, 0], share)
    assert curves.spread.probability_above_zero[middle] == pytest.approx(above, abs=2e-5)
    median = np.interp(0.5, share, mu[:, 0])
    assert curves.spread.estimate[middle] == pytest.approx(median, abs=2e-5)


# --- tipping points ----------------------------------------------------------------------------------


def test_at_a_tipping_point_the_conclusion_is_on_the_edge(curves: PriorRobustness) -> None:
    flip = curves.spread.flip("interval_above_zero")
    assert (flip.holds_at_start, flip.holds_at_end) == (True, False)
    (at,) = flip.at
    assert single(at, VAGUE).ci_lower == pytest.approx(0, abs=1e-6)
    assert single(at - 1e-3, VAGUE).ci_lower > 0 > single(at + 1e-3, VAGUE).ci_lower
    (at,) = curves.spread.flip("probability_above_zero_95").at
    assert single(at, VAGUE).probability_above(0.0) == pytest.approx(0.95, abs=1e-7)


def test_the_central_interval_and_its_tail_tip_together(curves: PriorRobustness) -> None:
    """The 95% interval lies above zero exactly where the chance of more than zero is above 97.5%."""
    interval, chance = (
        curves.spread.flip(each).at for each in ("interval_above_zero", "probability_above_zero_975")
    )
    assert interval == pytest.approx(chance, abs=1e-6)


def test_never_on_this_range_is_a_value(curves: PriorRobustness) -> None:
    for identifier in ("interval_below_zero", "estimate_worth_it"):
        flip = curves.spread.flip(identifier)
        assert flip.never
        assert (flip.holds_at_start, flip.holds_at_end, flip.at) == (False, False, ())
    with pytest.raises(KeyError):
        prior_robustness(Y, V, tau_prior=HalfNormal(0.5)).spread.flip("estimate_worth_it")


def test_every_root_and_every_jump_is_found() -> None:
    """Margins with known roots: two of a parabola, one of a step, none of a constant."""

    def sweep(x):
        steps = np.where(x < 0.30001, -1.0, 1.0)
        return Lines((x - 0.2) * (x - 0.7) + 0.5, steps, np.full_like(x, 9.0), np.empty(0), np.empty(0))

    wanted = conclusions(bayesian=False, worth_it=0.5)
    curve = draw(Labels("x", "", "", ""), np.linspace(0, 1, 11), sweep, wanted)
    assert curve.flip("estimate_worth_it").at == pytest.approx((0.2, 0.7), abs=1e-9)
    assert curve.flip("interval_above_zero").at == pytest.approx((0.30001,), abs=1e-9)
    assert curve.flip("interval_below_zero").never


# --- whatever the studies ----------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(
    y=st.lists(st.floats(-2, 2), min_size=1, max_size=5),
    se=st.lists(st.floats(0.05, 1.5), min_size=5, max_size=5),
    bounds=st.lists(st.floats(0.2, 1.5), max_size=3),
    scale=st.floats(0.1, 2),
    prior=st.sampled_from([None, VAGUE, Normal(0.5, 0.255)]),
)
def test_a_surface_is_the_posterior(y, se, bounds, scale, prior) -> None:
    v, bound_se = np.array(se[: len(y)]) ** 2, np.array(bounds) / 1.96
    fixed = fixed_studies(y, v, bounds, bound_se)
    surface = Surface.of(fixed, tau_scales=(scale, scale), mu_prior=prior)
    # effects many prior scales and many errors apart are refused, which another test is about
    assume(surface is not None)
    lines = surface.lines(
        surface.half_normal(np.array([scale])), surface.prior_of_mu(prior), level=0.9, worth_it=0.5
    )
    fit = pool_bayes(
        y, v, tau_prior=HalfNormal(scale), mu_prior=prior, level=0.9,
        censored_bound=bounds or None, censored_se=bound_se if bounds else None,
    )  # fmt: skip
    numbers = fit.median, fit.ci_lower, fit.ci_upper, *fit.probability_above([0.0, 0.5])
    # relative to the width of the posterior; a shoulder of it many prior scales out costs the last digits
    assert [float(each[0]) for each in lines] == pytest.approx(numbers, abs=5e-5 * (1 + fit.sd))


def test_studies_too_far_apart_are_answered_in_words() -> None:
    for y in ([0.0, 50.0], [0.0, 1e6]):
        found = prior_robustness(y, [0.04, 0.04], tau_prior=HalfNormal(0.5))
        assert "too far apart" in found.scepticism.message
        assert found.scepticism.x == found.scepticism.flips == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": []}, "y: needs at least one study"),
        ({"level": 0}, "level: must lie"),
        ({"censored_bound": [1.0]}, "censored_bound: studies inside a bound need both"),
        ({"censored_bound": [-1.0], "censored_se": [1.0]}, "censored_bound: every bound"),
    ],
)
def test_bad_arguments_are_named(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        prior_robustness(**({"y": [0.1], "v": [0.1], "tau_prior": HalfNormal(0.5)} | arguments))
