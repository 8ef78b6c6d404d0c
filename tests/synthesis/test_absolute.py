"""Risks, differences and numbers needed to treat against printed examples and integrals done differently."""

from __future__ import annotations

from math import isinf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from globulin.synthesis.absolute import (
    absolute_effect,
    log_odds_ratio_from_smd,
    number_needed,
    risk_difference,
    risk_from_odds_ratio,
    wilson_interval,
)
from globulin.synthesis.effects import smd_from_log_odds_ratio
from globulin.synthesis.information_size import people_per_group, people_per_group_for_risks

Z = special.ndtri(0.975)

# Newcombe 1998, Stat Med 17:873-890, table II, method 10: events and people of two groups, and the interval
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
]

# Newcombe 1998, Stat Med 17:857-872, table I, method 3
WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]


# --- two counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("events", "n", "lower", "upper"), WILSON)
def test_score_intervals_are_the_printed_ones(events: int, n: int, lower: float, upper: float) -> None:
    # half of the last printed digit
    assert wilson_interval(events, n) == pytest.approx((lower, upper), abs=5.1e-5)


def test_differences_of_proportions_are_the_printed_ones() -> None:
    events1, n1, events2, n2, lower, upper = np.array(NEWCOMBE).T
    found = risk_difference(events1, n1, events2, n2)
    np.testing.assert_allclose(found.lower, lower, atol=5.1e-5)
    np.testing.assert_allclose(found.upper, upper, atol=5.1e-5)
    np.testing.assert_allclose(found.difference, events1 / n1 - events2 / n2, rtol=1e-15)


counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_swapping_the_groups_mirrors_the_interval(one: tuple[int, int], two: tuple[int, int]) -> None:
    there, back = risk_difference(*one, *two), risk_difference(*two, *one)
    # rounding of a few operations on numbers of at most 1
    assert float(there.lower) == pytest.approx(-float(back.upper), abs=1e-13)
    assert float(there.upper) == pytest.approx(-float(back.lower), abs=1e-13)
    assert -1 <= there.lower <= there.difference <= there.upper <= 1


@given(counts, counts)
def test_counting_the_other_outcome_mirrors_the_interval(one: tuple[int, int], two: tuple[int, int]) -> None:
    (a, m), (b, n) = one, two
    better, worse = risk_difference(a, m, b, n), risk_difference(m - a, m, n - b, n)
    # 1 - p loses a few bits where p is near 1
    assert float(better.lower) == pytest.approx(-float(worse.upper), abs=1e-12)


# --- effects at a control risk -----------------------------------------------------------------------


def test_an_odds_ratio_at_a_control_risk_is_the_handbooks() -> None:
    """Cochrane Handbook 5.1, section 12.5.4.3: OR 0.73 at 0.3 is 62 fewer per 1,000, and one in 17."""
    difference = float(risk_from_odds_ratio(0.3, np.log(0.73))) - 0.3
    assert round(1000 * difference) == -62
    assert number_needed(difference, difference, difference, event="bad").words.startswith("NNTB 17 ")


def test_smd_to_odds_ratio_undoes_the_way_back() -> None:
    smd = np.array([-1.2, 0.0, 0.42, 2.0])
    assert float(log_odds_ratio_from_smd(1.0)) == pytest.approx(1.8138, abs=5e-5)  # Chinn 2000: 1.81
    back, _ = smd_from_log_odds_ratio(log_odds_ratio_from_smd(smd), np.ones(4))
    np.testing.assert_allclose(back, smd, rtol=1e-15)


def test_at_a_fixed_control_risk_the_ends_are_the_effects_own() -> None:
    found = absolute_effect(0.8, -0.2, 1.7, 0.196)
    odds = 0.196 / 0.804
    for risk, log_or in (
        (found.treated_risk, 0.8),
        (found.treated_lower, -0.2),
        (found.treated_upper, 1.7),
    ):
        assert float(risk) == pytest.approx(odds * np.exp(log_or) / (1 + odds * np.exp(log_or)), rel=1e-14)
    assert (found.both_lower, found.both_upper) == (found.difference_lower, found.difference_upper)


def halves(z: np.ndarray, low: float, middle: float, high: float) -> np.ndarray:
    """The two-piece normal at standard normal z."""
    return middle + z / Z * np.where(z < 0, middle - low, high - middle)


@pytest.mark.parametrize(
    ("effect", "control"),
    [
        ((-0.23, 0.76, 1.66), (0.154, 0.196, 0.237)),
        ((-0.9, -0.1, 1.9), (0.04, 0.115, 0.29)),
        ((1.99, 2.0, 2.01), (0.05, 0.3, 0.8)),  # the control risk is by far the vaguer one
    ],
)
def test_with_both_uncertain_the_ends_hold_the_stated_probability(
    effect: tuple[float, float, float], control: tuple[float, float, float]
) -> None:
    """The integral over the effect instead of over the control risk, by another rule."""
    low, middle, high = effect
    found = absolute_effect(middle, low, high, control[1], control[0], control[2])
    logits = special.logit(np.array(control))
    z = np.linspace(-9, 9, 40_001)
    risk = special.expit(halves(z, *logits))

    def below(difference: float) -> float:
        # P(treated risk < control risk + difference), trapezoid over the control risk on a fine grid
        treated = np.clip(risk + difference, 0, 1)
        with np.errstate(divide="ignore"):
            x = special.logit(treated) - special.logit(risk)
        width = np.where(x < middle, middle - low, high - middle)
        return float(integrate.trapezoid(stats.norm.pdf(z) * stats.norm.cdf(Z * (x - middle) / width), z))

    # 40,001 points, 4.5e-4 apart, on a bend at 0 and, in the third case, a step about 0.01 wide
    assert below(float(found.both_lower)) == pytest.approx(0.025, abs=2e-6)
    assert below(float(found.both_upper)) == pytest.approx(0.975, abs=2e-6)


def test_with_both_uncertain_random_draws_agree() -> None:
    rng = np.random.default_rng(20)
    z = rng.standard_normal((2, 400_000))
    log_or = halves(z[0], -0.23, 0.76, 1.66)
    control = halves(z[1], *special.logit(np.array([0.04, 0.115, 0.29])))
    drawn = np.quantile(special.expit(control + log_or) - special.expit(control), [0.025, 0.975])
    found = absolute_effect(0.76, -0.23, 1.66, 0.115, 0.04, 0.29)
    # standard error of a 2.5% quantile of so many draws: sqrt(.025 x .975 / n) / density, about 5e-4
    np.testing.assert_allclose([found.both_lower, found.both_upper], drawn, atol=2e-3)


def test_a_control_risk_known_to_a_hair_adds_nothing() -> None:
    found = absolute_effect(0.76, -0.23, 1.66, 0.196, 0.196 - 1e-9, 0.196 + 1e-9)
    assert float(found.both_lower) == pytest.approx(float(found.difference_lower), abs=1e-8)
    assert float(found.both_upper) == pytest.approx(float(found.difference_upper), abs=1e-8)


def test_many_effects_and_control_risks_at_once() -> None:
    effect = np.array([[0.76], [-0.4]])
    control = np.array([0.1, 0.196, 0.5])
    grid = absolute_effect(effect, effect - 1, effect + 0.8, control, control - 0.05, control + 0.08)
    assert grid.both_lower.shape == grid.treated_risk.shape == (2, 3)
    one = absolute_effect(-0.4, -1.4, 0.4, 0.196, 0.146, 0.276)
    assert float(grid.both_upper[1, 1]) == pytest.approx(float(one.both_upper), abs=1e-14)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0.5, 0.6, 1.0, 0.2), "lower"),
        ((0.5, 0.1, 1.0, 19.6), "control_risk"),
        ((0.5, 0.1, 1.0, 0.2, 0.1), "control_lower"),
        ((0.5, 0.1, 1.0, 0.2, 0.3, 0.4), "control_lower"),
        ((np.nan, 0.1, 1.0, 0.2), "log_odds_ratio"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}"):
        absolute_effect(*arguments)


@pytest.mark.parametrize(
    ("arguments", "name"), [((3, 2, 1, 2), "events1"), ((1, 2, 1, 0), "n2"), ((-1, 2, 1, 2), "events1")]
)
def test_impossible_counts_are_named(arguments: tuple[int, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}"):
        risk_difference(*arguments)


# --- number needed to treat --------------------------------------------------------------------------


def test_altmans_example_runs_through_infinity() -> None:
    """Altman 1998: a reduction of 10% (-5% to 25%) is one in 10, from 4 through infinity to 20 harmed."""
    found = number_needed(0.10, -0.05, 0.25)
    assert found.words == "NNTB 10 (NNTB 4 to infinity to NNTH 20)"
    assert (found.number, found.lower, found.upper) == pytest.approx((10, 4, 20), rel=1e-12)
    assert found.through_infinity
    assert (found.lower_benefit, found.upper_benefit) == (True, False)


def test_other_printed_numbers_needed() -> None:
    # Cochrane Handbook 5.1, section 12.5.4.1: -0.12 is 9 and -0.22 is 5
    for difference, number in ((-0.12, 9), (-0.22, 5)):
        found = number_needed(difference, difference, difference, event="bad")
        assert found.words.startswith(f"NNTB {number} ")
    # Barrowman 2002, CMAJ 166:1676: 16.6% (0.9% to 32.2%) is 6 (3.1 to 111.1)
    found = number_needed(0.166, 0.009, 0.322)
    assert (found.number, found.lower, found.upper) == pytest.approx((6.0, 3.1, 111.1), abs=0.05)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.0, -0.1, 0.1), "no number, since the difference is 0 (NNTB 10 to infinity to NNTH 10)"),
        ((0.2, 0.0, 0.4), "NNTB 5 (NNTB 3 to infinity)"),
        ((-0.1, -0.2, -0.05), "NNTH 10 (NNTH 20 to NNTH 5)"),
        ((-0.1, -0.2, 0.0), "NNTH 10 (infinity to NNTH 5)"),
    ],
)
def test_awkward_intervals(numbers: tuple[float, float, float], words: str) -> None:
    assert number_needed(*numbers).words == words


@given(st.tuples(*[st.floats(-0.99, 0.99)] * 3).map(sorted))
def test_a_bad_event_is_the_mirror_of_a_good_one(numbers: list[float]) -> None:
    lower, middle, upper = numbers
    good = number_needed(middle, lower, upper)
    bad = number_needed(-middle, -upper, -lower, event="bad")
    assert good == bad
    assert good.through_infinity == (lower < 0 < upper)
    assert isinf(good.number) == (abs(middle) < 1 / np.finfo(float).max)


def test_an_estimate_outside_its_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^difference: must be -1"):
        number_needed(0.5, 0.6, 0.7)


# --- optimal information size ------------------------------------------------------------------------


def test_people_needed_are_cohens() -> None:
    """Cohen 1988, table 2.4.1, two-sided 5%, power 0.80: 64 for 0.5 and 26 for 0.8 (0.2: his 393 is 394)."""
    assert [people_per_group(d) for d in (0.2, 0.5, 0.8)] == [394, 64, 26]
    assert people_per_group(-0.5) == 64


@pytest.mark.parametrize(("smd", "power"), [(0.3, 0.8), (0.5, 0.9), (1.5, 0.8), (3.0, 0.95)])
def test_one_person_fewer_has_too_little_power(smd: float, power: float) -> None:
    """Power by another road: the noncentral F distribution of the squared t."""

    def reached(n: int) -> float:
        df = 2 * n - 2
        return float(stats.ncf.sf(stats.f.isf(0.05, 1, df), 1, df, smd**2 * n / 2))

    n = people_per_group(smd, power=power)
    assert reached(n) >= power > reached(n - 1)


def test_people_needed_for_two_risks() -> None:
    """Fleiss 2003, equation 4.14, by hand for 0.20 against 0.15, and the power by counting every table."""
    n = people_per_group_for_risks(0.20, 0.15)
    spread = 1.959964 * np.sqrt(2 * 0.175 * 0.825) + 0.841621 * np.sqrt(0.2 * 0.8 + 0.15 * 0.85)
    assert n == np.ceil((spread / 0.05) ** 2) == 906
    x = np.arange(n + 1)
    p = (x[:, None] + x) / (2 * n)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (x[:, None] - x) / n / np.sqrt(2 * p * (1 - p) / n)
    chance = stats.binom.pmf(x, n, 0.20)[:, None] * stats.binom.pmf(x, n, 0.15)
    # a normal approximation of a discrete test
    assert float(chance[np.abs(np.nan_to_num(z)) > Z].sum()) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: people_per_group(0.0), "smd"),
        (lambda: people_per_group(0.5, alpha=0.9), "alpha"),
        (lambda: people_per_group_for_risks(0.2, 0.2), "risk2"),
        (lambda: people_per_group_for_risks(0.0, 0.2), "risk1"),
    ],
)
def test_sizes_that_do_not_exist_are_refused(call, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=f"^{name}"):
        call()
