"""What silent and unusable trials could change, against single fits at random and chosen points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.missing_results import MissingResults, missing_results
from globulin.synthesis.new_trial import REACH, new_trial
from globulin.synthesis.policy import summarise
from globulin.synthesis.pooling import pool
from globulin.synthesis.priors import HalfNormal, Normal

Y, V = np.array([0.978, 0.501]), np.array([0.410, 0.243]) ** 2
BOUND, BOUND_SE, PEOPLE = np.array([0.777, 0.459]), np.array([0.378, 0.231]), np.array([28.0, 99.0])
VAGUE = Normal(0, 2)
CLOSE = 3e-6  # of the surface against single fits, as in test_robustness.py


@pytest.fixture(scope="module")
def found() -> MissingResults:
    return missing_results(Y, V, bound=BOUND, se=BOUND_SE, people=PEOPLE, mu_prior=VAGUE, worth_it=0.5)


def filled(fractions):
    """All trials with numbers, the silent ones at these fractions of their bounds."""
    effects = np.asarray(fractions) * BOUND
    return np.append(Y, effects), np.append(V, BOUND_SE**2 + effects**2 / (2 * PEOPLE))


def bayes(fractions):
    return pool_bayes(*filled(fractions), tau_prior=HalfNormal(0.5), mu_prior=VAGUE)


# --- all at the same fraction ------------------------------------------------------------------------


def test_the_policy_says_which_methods_are_drawn(found: MissingResults) -> None:
    assert [curve.method for curve in found.curves] == [
        "bayes_half_normal_0.5", "hksj_guarded", "common_effect",
    ]  # fmt: skip
    five = missing_results([*Y, 0.1], [*V, 0.1], bound=BOUND, se=BOUND_SE)
    assert [curve.method for curve in five.curves] == [
        "hksj_guarded", "bayes_half_normal_0.5", "common_effect",
    ]  # fmt: skip
    without_prior = missing_results(Y, V, bound=BOUND, se=BOUND_SE, measure="RD")
    assert [curve.method for curve in without_prior.curves] == ["hksj_guarded", "common_effect"]


def test_silent_trials_at_zero_are_the_policy_with_zeros(found: MissingResults) -> None:
    at_zero = summarise(*filled([0, 0]), measure="SMD", mu_prior=VAGUE, worth_it=0.5)
    summaries = {each.id: each for each in at_zero.summaries}
    for curve in found.curves:
        middle, expected = curve.x.index(0.0), summaries[curve.method]
        assert curve.estimate[middle] == pytest.approx(expected.estimate, abs=CLOSE)
        assert curve.ci_lower[middle] == pytest.approx(expected.ci_lower, abs=CLOSE)
        assert curve.ci_upper[middle] == pytest.approx(expected.ci_upper, abs=CLOSE)


@pytest.mark.parametrize("fraction", [-1.0, -0.35, 0.5, 1.0])
def test_each_point_is_a_single_fit(found: MissingResults, fraction: float) -> None:
    primary, knapp, common = found.curves
    index = int(np.argmin(np.abs(np.array(primary.x) - fraction)))
    fit = bayes([fraction, fraction])
    assert primary.estimate[index] == pytest.approx(fit.median, abs=CLOSE)
    assert primary.ci_lower[index] == pytest.approx(fit.ci_lower, abs=CLOSE)
    assert primary.probability_worth_it[index] == pytest.approx(fit.probability_above(0.5), abs=CLOSE)
    for curve, options in ((knapp, {"ci": "HKSJ-guarded"}), (common, {"tau2": "FE", "ci": "wald"})):
        pooled = pool(*filled([fraction, fraction]), **options)
        assert curve.estimate[index] == pytest.approx(pooled.estimate, rel=1e-12)
        assert curve.ci_upper[index] == pytest.approx(pooled.ci_upper, rel=1e-12)


def test_at_a_flip_the_conclusion_is_on_the_edge(found: MissingResults) -> None:
    primary, knapp, common = found.curves
    (at,) = primary.flip("interval_above_zero").at
    assert bayes([at, at]).ci_lower == pytest.approx(0, abs=1e-6)
    (at,) = primary.flip("estimate_worth_it").at
    assert bayes([at, at]).median == pytest.approx(0.5, abs=1e-6)
    (at,) = knapp.flip("interval_above_zero").at
    assert pool(*filled([at, at]), ci="HKSJ-guarded").ci_lower == pytest.approx(0, abs=1e-8)
    (at,) = common.flip("interval_above_zero").at
    assert pool(*filled([at, at]), tau2="FE", ci="wald").ci_lower == pytest.approx(0, abs=1e-8)
    assert primary.flip("interval_below_zero").never


# --- every combination -------------------------------------------------------------------------------


def test_no_combination_lies_beyond_the_extremes(found: MissingResults) -> None:
    """200 random combinations, and the corners, fitted one by one."""
    rng = np.random.default_rng(3)
    box = np.vstack([rng.uniform(-1, 1, (200, 2)), [[-1, -1], [-1, 1], [1, -1], [1, 1]]])
    by_method = {each.method: {e.quantity: e for e in each.extremes} for each in found.combinations}
    for fractions in box:
        fit = bayes(fractions)
        knapp = pool(*filled(fractions), ci="HKSJ-guarded")
        common = pool(*filled(fractions), tau2="FE", ci="wald")
        for method, numbers in (
            (
                "bayes_half_normal_0.5",
                {"estimate": fit.median, "ci_lower": fit.ci_lower, "ci_upper": fit.ci_upper,
                 "probability_above_zero": fit.probability_above(0.0),
                 "probability_worth_it": fit.probability_above(0.5)},
            ),
            ("hksj_guarded", {name: getattr(knapp, name) for name in ("estimate", "ci_lower", "ci_upper")}),
            ("common_effect", {name: getattr(common, name) for name in ("estimate", "ci_lower", "ci_upper")}),
        ):  # fmt: skip
            for quantity, value in numbers.items():
                extreme = by_method[method][quantity]
                assert extreme.least - extreme.error - CLOSE <= value <= extreme.most + extreme.error + CLOSE


def test_extremes_are_reached_where_they_are_said_to_be(found: MissingResults) -> None:
    extremes = {each.quantity: each for each in found.combinations[0].extremes}
    for name, quantity in (("median", "estimate"), ("ci_lower", "ci_lower"), ("ci_upper", "ci_upper")):
        extreme = extremes[quantity]
        assert getattr(bayes(extreme.least_at), name) == pytest.approx(extreme.least, abs=CLOSE)
        assert getattr(bayes(extreme.most_at), name) == pytest.approx(extreme.most, abs=CLOSE)
    # a wide disagreement widens the interval upwards although the mean falls: not at the same corner
    assert extremes["ci_upper"].most_at != extremes["estimate"].most_at
    # small against the 0.55 between the extremes of the estimate
    assert 0 < extremes["estimate"].error < 0.01


def test_a_common_effect_is_proven_at_the_corners() -> None:
    """Fixed weights 1/v: the extremes are averages that can be done by hand."""
    found = missing_results([1.0], [1.0], bound=[1.0, 0.5], se=[1.0, 1.0])
    common = next(each for each in found.combinations if each.method == "common_effect")
    estimate = common.extremes[0]
    assert (estimate.error, estimate.least_at, estimate.most_at) == (0.0, (-1.0, -1.0), (1.0, 1.0))
    assert (estimate.least, estimate.most) == pytest.approx((-0.5 / 3, 2.5 / 3), rel=1e-12)
    assert estimate.how.startswith("proven")


def test_conclusions_over_every_combination(found: MissingResults) -> None:
    holds = {each.conclusion: each.holds for each in found.combinations[0].conclusions}
    assert holds["interval_above_zero"] == "sometimes"
    assert holds["interval_below_zero"] == "never"
    # two large trials that agree leave nothing for a small silent one to change
    sure = missing_results([0.9, 0.9], [0.001, 0.001], bound=[0.3], se=[0.5], mu_prior=VAGUE, worth_it=0.5)
    (bayesian,) = [each for each in sure.combinations if each.method.startswith("bayes")]
    assert {each.conclusion: each.holds for each in bayesian.conclusions}["estimate_worth_it"] == "always"


def test_more_than_five_silent_trials_are_not_searched() -> None:
    found = missing_results(Y, V, bound=np.full(6, 0.5), se=np.full(6, 0.25))
    searched = {each.method: each.message for each in found.combinations}
    assert "too many combinations" in searched["hksj_guarded"]
    assert searched["common_effect"] == ""
    assert all(curve.x for curve in found.curves)


@settings(max_examples=10, deadline=None)
@given(
    y=st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=3),
    se=st.lists(st.floats(0.1, 1), min_size=3, max_size=3),
    bound=st.lists(st.floats(0.2, 1.2), min_size=1, max_size=3),
    fractions=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
)
def test_the_stated_error_holds_for_any_trials(y, se, bound, fractions) -> None:
    v, bound_se = np.array(se[: len(y)]) ** 2, np.array(bound) / 1.96
    found = missing_results(y, v, bound=bound, se=bound_se, mu_prior=VAGUE)
    at = np.append(y, np.array(fractions[: len(bound)]) * bound), np.append(v, bound_se**2)
    fit = pool_bayes(*at, tau_prior=HalfNormal(0.5), mu_prior=VAGUE)
    (bayesian,) = [each for each in found.combinations if each.method.startswith("bayes")]
    for extreme in bayesian.extremes:
        value = {"estimate": fit.median, "probability_above_zero": fit.probability_above(0.0)}.get(
            extreme.quantity, getattr(fit, extreme.quantity, None)
        )
        assert extreme.least - extreme.error - 1e-5 <= value <= extreme.most + extreme.error + 1e-5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bound": [], "se": []}, "bound: there is no missing trial"),
        ({"bound": [0.5]}, "censored_bound: studies inside a bound need both"),
        ({"people": [20.0]}, "people: give a positive number"),
        ({"level": 2}, "level: must lie"),
    ],
)
def test_bad_arguments_are_named(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        missing_results(Y, V, **({"bound": BOUND, "se": BOUND_SE} | arguments))


# --- one more trial ----------------------------------------------------------------------------------


def with_new(y: float, n: float):
    v = 4 / n + y**2 / (2 * n)
    return pool_bayes(
        np.append(Y, y), np.append(V, v), tau_prior=HalfNormal(0.5), mu_prior=VAGUE,
        censored_bound=BOUND, censored_se=BOUND_SE,
    )  # fmt: skip


@pytest.mark.parametrize("n", [28, 99])
def test_a_new_trial_flips_where_it_is_said_to(n: int) -> None:
    found = new_trial(
        Y, V, se=2 / n**0.5, people=n, censored_bound=BOUND, censored_se=BOUND_SE,
        mu_prior=VAGUE, worth_it=0.5,
    )  # fmt: skip
    flips = {flip.conclusion: flip for flip in found.flips}
    now = pool_bayes(
        Y, V, tau_prior=HalfNormal(0.5), mu_prior=VAGUE, censored_bound=BOUND, censored_se=BOUND_SE
    )
    above = flips["interval_above_zero"]
    assert above.holds_now is bool(now.ci_lower > 0) is False
    # enough to exclude zero, and then so much that the trials disagree and zero is back inside
    first, last = above.at
    assert above.least == first
    for at in (first, last):
        assert with_new(at, n).ci_lower == pytest.approx(0, abs=2e-6)
    assert with_new((first + last) / 2, n).ci_lower > 0 > with_new(REACH, n).ci_lower
    (at,) = flips["estimate_worth_it"].at
    assert with_new(at, n).median == pytest.approx(0.5, abs=2e-6)
    assert flips["interval_below_zero"].least is None


def test_a_new_trial_that_changes_a_conclusion_even_by_finding_nothing() -> None:
    found = new_trial([0.9, 0.8], [0.09, 0.09], se=0.1, worth_it=0.5, mu_prior=VAGUE)
    worth = next(flip for flip in found.flips if flip.conclusion == "estimate_worth_it")
    assert (worth.holds_now, worth.least) == (True, 0.0)


def test_a_new_trial_beside_many_is_pooled_by_their_method() -> None:
    """Five trials speak by REML with the guarded interval; a sixth is added to that."""
    y, v = np.array([0.1, 0.3, 0.2, 0.0, 0.4]), np.full(5, 0.04)
    found = new_trial(y, v, se=0.2)
    assert found.method == "hksj_guarded"
    above = next(flip for flip in found.flips if flip.conclusion == "interval_above_zero")
    assert above.holds_now == (pool(y, v, ci="HKSJ-guarded").ci_lower > 0)
    for at in above.at:
        pooled = pool(np.append(y, at), np.append(v, 0.04), ci="HKSJ-guarded")
        assert pooled.ci_lower == pytest.approx(0, abs=1e-7)


def test_without_a_size_nothing_is_invented() -> None:
    found = new_trial(Y, V, se=None, worth_it=0.5)
    assert (found.flips, found.se) == ((), None)
    assert "number of people is not known" in found.message
    assert new_trial(Y, V, se=0.3, measure="RD", censored_bound=BOUND, censored_se=BOUND_SE).flips == ()
    assert new_trial([0.4], [0.1], se=0.3).method == "bayes_half_normal_0.5"
    with pytest.raises(ValueError, match="se: must be a positive number"):
        new_trial(Y, V, se=0)
