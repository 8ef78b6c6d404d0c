"""Conversions of what papers print: the Cochrane Handbook's worked numbers, published tables, brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from globulin.synthesis.columns import ColumnError
from globulin.synthesis.derivations import Derivation
from globulin.synthesis.effects import effect_size
from globulin.synthesis.order_statistics import mean_sd_from_summary, summary_skewness
from globulin.synthesis.printed import (
    combined_groups,
    correlation_of_change,
    group_summary,
    raw_sd_from_change,
    sd_from_difference_interval,
    sd_from_difference_p,
    sd_from_difference_se,
    sd_from_difference_t,
    sd_from_mean_interval,
    sd_from_se,
    sd_of_change,
)
from globulin.synthesis.printed_effects import FORMS, Printed, printed_columns, printed_effect

# --- the Handbook's own numbers ----------------------------------------------------------------------


def test_sd_from_an_interval_of_a_mean():
    """Handbook 6.5.2.2: 25 people, 95% interval 30.0 to 34.2, t = 2.064: SD 5.09."""
    got = sd_from_mean_interval(30.0, 34.2, 25)
    assert round(float(got["sd"]), 2) == 5.09


def test_sd_from_the_p_of_a_difference():
    """Handbook 6.5.2.3: difference 3.8, 25 and 22 people, p = 0.008: t 2.78, SE 1.37, SD 4.69."""
    got = sd_from_difference_p(3.8, 0.008, 25, 22)
    assert round(float(got["se"]), 2) == 1.37
    # the Handbook goes on from its rounded 1.37, which moves the SD by 0.06%
    assert float(got["sd"]) == pytest.approx(4.69, abs=0.01)
    assert "|t| = 2.776" in got.derivation().steps[0]


def test_correlation_of_start_and_end():
    """Handbook 6.5.2.8: SDs 6.4, 7.1 and 4.5 give 0.78; 7.0, 6.9 and 4.2 give 0.82."""
    got = correlation_of_change([6.4, 7.0], [7.1, 6.9], [4.5, 4.2])
    assert np.round(got["r"], 2).tolist() == [0.78, 0.82]


def test_sd_of_a_difference_within_people():
    """Handbook 5.1, 16.4.6.4: SDs 2.38 and 2.21, correlation 0.68, 10 people: standard error 0.583."""
    got = sd_of_change(2.38, 2.21, 0.68)
    assert round(float(got["sd"]) / 10**0.5, 3) == 0.583


def test_spread_of_change_and_of_score_undo_each_other():
    for r in (-0.3, 0.0, 0.5, 0.9):
        change = sd_of_change(7.0, 7.0, r)["sd"]
        assert float(raw_sd_from_change(change, r)["sd"]) == pytest.approx(7.0, rel=1e-12)
        assert float(correlation_of_change(7.0, 7.0, change)["r"]) == pytest.approx(r, abs=1e-12)


# --- samples of which everything is known ------------------------------------------------------------


@pytest.fixture(scope="module")
def two_samples():
    random = np.random.default_rng(5)
    return random.normal(5.0, 2.0, 17), random.normal(4.0, 2.5, 24)


def test_a_group_is_found_again_from_its_standard_error_or_interval(two_samples):
    x, _ = two_samples
    sd, se = x.std(ddof=1), stats.sem(x)
    assert float(sd_from_se(se, x.size)["sd"]) == pytest.approx(sd, rel=1e-12)
    for level in (0.9, 0.95, 0.99):
        by_t = stats.t.interval(level, x.size - 1, loc=x.mean(), scale=se)
        by_normal = stats.norm.interval(level, loc=x.mean(), scale=se)
        assert float(sd_from_mean_interval(*by_t, x.size, level)["sd"]) == pytest.approx(sd, rel=1e-10)
        assert float(sd_from_mean_interval(*by_normal, x.size, level, "normal")["sd"]) == pytest.approx(sd)


def test_the_pooled_spread_is_found_again_from_a_difference(two_samples):
    x, y = two_samples
    test = stats.ttest_ind(x, y)
    n1, n2, md = x.size, y.size, x.mean() - y.mean()
    sd = np.sqrt(((n1 - 1) * x.var(ddof=1) + (n2 - 1) * y.var(ddof=1)) / (n1 + n2 - 2))
    interval = test.confidence_interval(0.9)
    found = [
        sd_from_difference_t(md, test.statistic, n1, n2),
        sd_from_difference_p(md, test.pvalue, n1, n2),
        sd_from_difference_interval(interval.low, interval.high, n1, n2, 0.9),
        sd_from_difference_se(sd * np.sqrt(1 / n1 + 1 / n2), n1, n2),
    ]
    assert [float(got["sd"]) for got in found] == pytest.approx([sd] * 4, rel=1e-9)


def test_groups_put_together_are_one_sample():
    random = np.random.default_rng(11)
    groups = [random.normal(mean, 1.0 + mean / 5, n) for mean, n in ((1.0, 7), (2.0, 12), (4.0, 5))]
    whole = np.concatenate(groups)
    got = combined_groups(
        [g.mean() for g in groups], [g.std(ddof=1) for g in groups], [g.size for g in groups]
    )
    assert float(got["mean"]) == pytest.approx(whole.mean(), rel=1e-12)
    assert float(got["sd"]) == pytest.approx(whole.std(ddof=1), rel=1e-12)
    assert float(got["n"]) == 24


@given(
    difference=st.floats(-3, 3).filter(lambda d: abs(d) > 0.01),
    sd=st.floats(0.2, 5),
    n1=st.integers(3, 80),
    n2=st.integers(3, 80),
)
@settings(deadline=None)
def test_one_trial_is_one_effect_however_it_is_printed(difference, sd, n1, n2):
    """Equal spreads, so that every way of printing holds all there is to know."""
    mean1, mean2 = 10.0 + difference, 10.0
    expected = effect_size("SMD", mean1=mean1, sd1=sd, n1=n1, mean2=mean2, sd2=sd, n2=n2)
    test = stats.ttest_ind_from_stats(mean1, sd, n1, mean2, sd, n2)
    t, p, df = float(test.statistic), float(test.pvalue), n1 + n2 - 2
    se = difference / t
    half, sign = stats.t.ppf(0.975, df) * se, np.sign(difference)
    own = {1: stats.t.ppf(0.975, n1 - 1) * sd / n1**0.5, 2: stats.t.ppf(0.975, n2 - 1) * sd / n2**0.5}
    n = {"n1": n1, "n2": n2}
    ways = [
        {"mean1": mean1, "se1": sd / n1**0.5, "mean2": mean2, "se2": sd / n2**0.5},
        {
            "mean1": mean1,
            "ci_lower1": mean1 - own[1],
            "ci_upper1": mean1 + own[1],
            "mean2": mean2,
            "ci_lower2": mean2 - own[2],
            "ci_upper2": mean2 + own[2],
        },
        {"md": difference, "md_se": se},
        {"md": difference, "md_lower": difference - half, "md_upper": difference + half},
        {"md": difference, "t": t},
        {"t": t},
        {"f": t**2, "direction": sign},
        {"d": difference / sd},
    ]
    if p > 1e-200:
        ways += [{"md": difference, "p": p}, {"p": p, "direction": sign}, {"signed_p": sign * p}]
    for way in ways:
        got = printed_effect("SMD", {**way, **n})
        # p comes from a cumulative distribution and back through its inverse, each to about ten digits
        assert (float(got["y"]), float(got["v"])) == pytest.approx(
            (float(expected.y), float(expected.v)), rel=1e-7
        )


# --- medians -----------------------------------------------------------------------------------------


def expected_order_statistic(rank: int, n: int) -> float:
    """Mean of the rank-th smallest of n standard normal values, by quadrature over its uniform rank."""
    weight = stats.beta(rank, n - rank + 1)
    value, _ = integrate.quad(lambda u: stats.norm.ppf(u) * weight.pdf(u), 0, 1, limit=200)
    return value


# Wan 2014, table 1: expected range of n normal values, in standard deviations
WAN_TABLE_1 = {10: 3.078, 15: 3.472, 20: 3.735, 25: 3.931, 30: 4.086, 40: 4.322, 50: 4.498}


def test_range_over_its_expectation_is_the_sd():
    for n, expected in WAN_TABLE_1.items():
        assert 2 * expected_order_statistic(n, n) == pytest.approx(expected, abs=5e-4)
        sd = mean_sd_from_summary(n, 0.0, minimum=-expected / 2, maximum=expected / 2)["sd"]
        # the closed form of the paper (equation 9) stands for the table, to half a percent from n = 10
        assert float(sd) == pytest.approx(1.0, rel=5e-3)


def test_quartiles_over_their_expectation_are_the_sd():
    for quarter in (3, 5, 10, 25, 50):
        n = 4 * quarter + 1
        third = expected_order_statistic(3 * quarter + 1, n)
        sd = mean_sd_from_summary(n, 0.0, q1=-third, q3=third)["sd"]
        assert float(sd) == pytest.approx(1.0, rel=5e-3)


def test_a_printed_example_of_the_range():
    """Range 1 to 10 around 4, 30 people: 2.205578, as the R package metaBLUE prints for Wan's method."""
    got = mean_sd_from_summary(30, 4.0, minimum=1.0, maximum=10.0)
    assert float(got["sd"]) == pytest.approx(2.205578, abs=5e-7)
    # Luo's weight of the mid-range, 4 / (4 + 30^0.75), is 0.2378: 4 + 0.2378 x (5.5 - 4)
    assert float(got["mean"]) == pytest.approx(4.3567, abs=5e-5)


def test_weights_of_the_mean_by_hand():
    """Luo 2018 at n = 100, with the median at 0, the quartiles around 1 and the extremes around 2."""
    quartiles, extremes = {"q1": -1.0, "q3": 3.0}, {"minimum": -2.0, "maximum": 6.0}
    # 0.7 + 0.39/100; 2.2 / (2.2 + 31.6228) = 0.065045 and 0.7 - 0.72 / 12.5893 = 0.642809
    assert float(mean_sd_from_summary(100, 0.0, **quartiles)["mean"]) == pytest.approx(0.7039, abs=1e-9)
    both = mean_sd_from_summary(100, 0.0, **quartiles, **extremes)["mean"]
    assert float(both) == pytest.approx(2 * 0.065045 + 0.642809, abs=2e-6)


@pytest.fixture(scope="module")
def samples():
    """Five-number summaries of 20,000 normal samples each of n = 21 and n = 81."""
    random = np.random.default_rng(20)
    found = {}
    for n in (21, 81):
        x = np.sort(random.standard_normal((20_000, n)), axis=1)
        quarter = (n - 1) // 4
        found[n] = dict(
            zip(
                ("minimum", "q1", "median", "q3", "maximum"),
                (x[:, i * quarter] for i in range(5)),
                strict=True,
            )
        )
    return found


PRINTED = {
    "extremes": ("median", "minimum", "maximum"),
    "quartiles": ("median", "q1", "q3"),
    "both": ("median", "minimum", "q1", "q3", "maximum"),
}


@pytest.mark.parametrize("names", PRINTED.values(), ids=PRINTED)
@pytest.mark.parametrize("n", [21, 81])
def test_means_are_as_good_as_can_be_and_spreads_are_right(samples, names, n):
    given_ = {name: samples[n][name] for name in names}
    got = mean_sd_from_summary(n, **given_)
    # best unbiased linear estimate from the same numbers, with weights from the samples themselves
    parts = [given_["median"]]
    parts += [(given_["q1"] + given_["q3"]) / 2] if "q1" in given_ else []
    parts += [(given_["minimum"] + given_["maximum"]) / 2] if "minimum" in given_ else []
    best = 1 / np.linalg.inv(np.cov(np.stack(parts))).sum()
    assert best * (1 - 1e-12) <= got["mean"].var(ddof=1) <= 1.01 * best
    # 20,000 spreads with a coefficient of variation below 0.2: standard error 0.0015
    assert got["sd"].mean() == pytest.approx(1.0, abs=6e-3)
    # what the derivation says of the standard error: too small by 2% to a quarter
    assert 1.02 < np.sqrt(n * got["mean"].var()) < 1.25


@pytest.mark.parametrize("names", PRINTED.values(), ids=PRINTED)
@pytest.mark.parametrize("n", [21, 81])
def test_skewness_is_found_in_one_of_twenty_normal_samples(samples, names, n):
    statistic, critical = summary_skewness(n, **{name: samples[n][name] for name in names})
    # standard error of a share of 5% in 20,000 is 0.15%
    assert np.mean(statistic > critical) == pytest.approx(0.05, abs=0.007)


@pytest.mark.parametrize("names", PRINTED.values(), ids=PRINTED)
def test_skewness_of_a_skewed_spread_is_found_and_said(names):
    """Quartiles and extremes of 200 waiting times (exponential), and of normal values, about as expected."""
    share = {"minimum": 0.005, "q1": 0.25, "median": 0.5, "q3": 0.75, "maximum": 0.995}
    printed = {name: stats.expon.ppf(share[name]) for name in names}
    assert any(
        step.startswith("caution: ") for step in mean_sd_from_summary(200, **printed).derivation().steps
    )
    even = {name: stats.norm.ppf(share[name]) for name in names}
    assert len(mean_sd_from_summary(200, **even).derivation().steps) == 1


# --- changes -----------------------------------------------------------------------------------------


def test_changes_stand_on_the_scale_of_the_score():
    """Simulated trials: the effect is that of the score, and the variance is what it varies by."""
    random, n, r, effect, trials = np.random.default_rng(3), 40, 0.7, 0.6, 8000
    spread = np.linalg.cholesky(np.array([[1.0, r], [r, 1.0]]))
    scores = random.standard_normal((2, trials, n, 2)) @ spread.T
    scores[0, ..., 1] += effect
    before, after = scores[..., 0], scores[..., 1]
    columns = {}
    for group in (0, 1):
        change = after[group] - before[group]
        columns |= {
            f"change{group + 1}": change.mean(axis=1),
            f"sd_change{group + 1}": change.std(axis=1, ddof=1),
            f"sd_baseline{group + 1}": before[group].std(axis=1, ddof=1),
            f"n{group + 1}": np.full(trials, n),
        }
    got = printed_effect("SMD", columns)
    # standard errors over 8,000 trials: 0.002 of the mean, 1.6% of the variance
    assert got["y"].mean() == pytest.approx(effect, abs=0.008)
    assert got["v"].mean() == pytest.approx(got["y"].var(), rel=0.06)


def test_changes_at_half_correlation_weigh_like_final_scores():
    sd = {"sd_baseline1": 2.0, "sd_baseline2": 2.0, "sd_final1": 2.0, "sd_final2": 2.0}
    got = printed_effect("SMD", {"change1": 1.0, "n1": 30, "change2": 0.2, "n2": 25, "r": 0.5, **sd})
    final = effect_size("SMD", mean1=1.0, sd1=2.0, n1=30, mean2=0.2, sd2=2.0, n2=25)
    assert (float(got["y"]), float(got["v"])) == pytest.approx((float(final.y), float(final.v)), rel=1e-12)


def test_ways_to_print_a_change_agree():
    r, before, after, n = 0.6, 2.0, 2.0, {"n1": 30, "n2": 25}
    change = float(sd_of_change(before, after, r)["sd"])
    moved, ends = (
        {"change1": 1.0, "change2": 0.2},
        {"baseline1": 5.0, "final1": 6.0, "baseline2": 4.0, "final2": 4.2},
    )
    raw = {"sd_baseline1": before, "sd_baseline2": before}
    last = {"sd_final1": after, "sd_final2": after}
    own = {"sd_change1": change, "sd_change2": change}
    ways = [
        {**moved, **own, **raw, **n},
        {**moved, **raw, **last, **n, "r": r},
        {**ends, **raw, **last, **n, "r": r},
        {**moved, **own, **n, "r": r},
    ]
    found = [printed_effect("SMD", way) for way in ways]
    assert [float(got["y"]) for got in found] == pytest.approx([float(found[0]["y"])] * 4, rel=1e-12)
    assert [float(got["v"]) for got in found] == pytest.approx([float(found[0]["v"])] * 4, rel=1e-12)
    differences = [printed_effect("MD", way) for way in ways]
    assert [float(got["y"]) for got in differences] == pytest.approx([0.8] * 4)
    assert [float(got["v"]) for got in differences] == pytest.approx([change**2 * (1 / 30 + 1 / 25)] * 4)


def test_a_change_in_its_own_units_says_so():
    way = {"change1": 1.0, "sd_change1": 2.0, "n1": 9, "change2": 0.0, "sd_change2": 2.0, "n2": 9}
    got = printed_effect("SMD", way)
    expected = effect_size("SMD", mean1=1.0, sd1=2.0, n1=9, mean2=0.0, sd2=2.0, n2=9)
    assert (float(got["y"]), float(got["v"])) == pytest.approx((float(expected.y), float(expected.v)))
    assert "units of the change" in got.derivation().assumptions[0]


# --- ratios and effects with intervals ---------------------------------------------------------------


@pytest.mark.parametrize(("name", "measure"), [("or", "OR"), ("rr", "RR"), ("hr", "HR"), ("rom", "ROM")])
def test_a_ratio_with_its_interval(name, measure):
    z = 1.6448536269514722  # 95% point of the normal distribution: a 90% interval
    columns = {name: 2.0, f"{name}_lower": 2.0 / np.exp(z * 0.3), f"{name}_upper": 2.0 * np.exp(z * 0.3)}
    got = printed_effect(measure, columns, Printed(level=0.9))
    assert (float(got["y"]), float(got["v"])) == pytest.approx((np.log(2.0), 0.09))
    assert "90% interval" in got.derivation().steps[0]


def test_an_interval_that_is_not_around_its_estimate_is_pointed_at():
    even = printed_effect("OR", {"or": 2.0, "or_lower": 1.0, "or_upper": 4.0})
    uneven = printed_effect("OR", {"or": 1.2, "or_lower": 1.0, "or_upper": 4.0})
    assert len(even.derivation().steps) == 1
    assert uneven.derivation().steps[1].startswith("caution: the estimate does not stand in the middle")
    mean = {"mean": [2.0, 1.2], "lower": 1.0, "upper": 3.0, "n": 12}
    got = group_summary(**mean)
    assert [len(got.derivation(i).steps) for i in range(2)] == [1, 2]


# --- derivations -------------------------------------------------------------------------------------


def test_words_are_those_of_the_study_asked_for():
    got = sd_from_se([0.2, 0.5], [25, 16])
    assert got.derivation(1) == Derivation(
        ("standard error 0.5 of 16 people: SD = standard error x sqrt(n) = 2",)
    )
    assert got.labelled("placebo").derivation(0).steps[0].startswith("placebo: standard error 0.2 of 25")


def test_assumptions_stand_once_and_are_marked():
    whole = Derivation(("a",), ("x", "y")) + Derivation(("b", "a"), ("y", "z"))
    assert whole == Derivation(("a", "b", "a"), ("x", "y", "z"))
    assert whole.lines == ("a", "b", "a", "assumed: x", "assumed: y", "assumed: z")


def test_every_conversion_has_words_for_each_study():
    """One study of each form: its steps end in the effect, and no gap is left open."""
    numbers = {
        **dict.fromkeys(("n1", "n2"), 20.0),
        **dict.fromkeys(("sd1", "sd2", "se1", "se2", "sd_change1", "sd_change2", "md_se"), 1.5),
        **dict.fromkeys(("sd_baseline1", "sd_baseline2", "sd_final1", "sd_final2"), 2.0),
        "p": 0.03,
        "signed_p": -0.03,
        "direction": 1.0,
        "f": 4.0,
        "t": 2.0,
        "d": 0.4,
        "r": 0.6,
    }
    for form in FORMS:
        columns = {}
        for name in form.columns:
            low, high = "lower" in name or "min" in name, "upper" in name or "max" in name
            near = 0.5 if "q1" in name else 1.5 if "q3" in name else 1.0
            columns[name] = numbers.get(name, 0.25 if low else 4.0 if high else near)
        for measure in form.measures or ("GEN",):
            got = printed_effect(measure, columns)
            derivation = got.derivation()
            result = f"{float(got['y']):.3f} (standard error {float(got['v']) ** 0.5:.3f})"
            assert any(result in step for step in derivation.steps)
            assert all("{" not in line for line in derivation.lines)


def test_a_corrected_table_and_one_without_events_say_so():
    got = printed_effect("OR", {"events1": [0, 0, 3], "n1": 10, "events2": [2, 0, 1], "n2": 10})
    said = [got.derivation(i).steps for i in range(3)]
    assert [len(steps) for steps in said] == [2, 3, 1]
    assert "0.5 was added to every cell" in said[0][1]
    assert "nobody, or everybody" in said[1][2]


# --- what cannot be ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "columns", "message"),
    [
        (
            "SMD",
            {"mean1": 1, "se1": [1, 0], "n1": 9, "mean2": 1, "se2": 1, "n2": 9},
            r"se1: .* \(position 1\)",
        ),
        ("SMD", {"mean1": 1, "se1": 1, "n1": 9, "mean2": 1, "se2": 1, "n2": 1}, "n2: must be at least 2"),
        (
            "SMD",
            {"mean1": 9, "ci_lower1": 1, "ci_upper1": 2, "n1": 9, "mean2": 1, "ci_lower2": 0}
            | {"ci_upper2": 2, "n2": 9},
            "mean1: must lie between ci_lower1 and ci_upper1",
        ),
        (
            "MD",
            {
                "median1": 4,
                "q1_1": 3,
                "q3_1": 5,
                "n1": 9,
                "median2": 4,
                "q1_2": 5,
                "q3_2": 6,
                "n2": 9,
            },
            "median2: must not be below q1_2",
        ),
        (
            "MD",
            {
                "median1": 4,
                "q1_1": 3,
                "q3_1": 5,
                "n1": 4,
                "median2": 4,
                "q1_2": 3,
                "q3_2": 6,
                "n2": 9,
            },
            "n1: must be at least 5",
        ),
        (
            "MD",
            {"median1": 4, "min1": 4, "max1": 4, "n1": 4, "median2": 4, "min2": 3, "max2": 6, "n2": 9},
            "max1: must be above min1",
        ),
        ("SMD", {"p": 0.0, "direction": 1, "n1": 9, "n2": 9}, "p: must be above 0"),
        ("SMD", {"p": 0.2, "direction": 0, "n1": 9, "n2": 9}, "direction: must be 1"),
        ("SMD", {"signed_p": -2.0, "n1": 9, "n2": 9}, "signed_p: must be above 0"),
        ("SMD", {"f": -1, "direction": 1, "n1": 9, "n2": 9}, "f: must not be negative"),
        ("MD", {"md": 0, "t": 0, "n1": 9, "n2": 9}, "md: must not be 0"),
        ("MD", {"md": 3, "md_lower": 4, "md_upper": 5, "n1": 9, "n2": 9}, "md: must lie between md_lower"),
        ("RR", {"rr": 2, "rr_lower": 0, "rr_upper": 3}, "rr_lower: must be positive"),
        ("RR", {"rr": 4, "rr_lower": 1, "rr_upper": 3}, "rr: must lie between rr_lower and rr_upper"),
        ("SMD", {"smd": 4, "smd_lower": 1, "smd_upper": 3}, "smd: must lie between"),
        (
            "SMD",
            {"change1": 1, "sd_change1": 1, "n1": 9, "change2": 1, "sd_change2": 1, "n2": 9, "r": 1},
            "r: must lie strictly between",
        ),
    ],
)
def test_impossible_numbers_name_their_column(measure, columns, message):
    with pytest.raises(ColumnError, match=message):
        printed_effect(measure, columns)


def test_impossible_arguments_are_named():
    with pytest.raises(ValueError, match="q3: missing"):
        mean_sd_from_summary(20, 5.0, q1=3.0)
    with pytest.raises(ValueError, match="q1: missing"):
        mean_sd_from_summary(20, 5.0)
    with pytest.raises(ValueError, match="by: 'z'"):
        sd_from_mean_interval(1, 2, 9, by="z")
    with pytest.raises(ValueError, match="level: "):
        sd_from_mean_interval(1, 2, 9, level=95)
    with pytest.raises(ValueError, match="sd_change: does not fit"):
        correlation_of_change(2.0, 2.0, 5.0)
    with pytest.raises(ValueError, match="p: must be below 1"):
        sd_from_difference_p(2.0, 1.0, 5, 5)
    with pytest.raises(ValueError, match="not a set that can be used"):
        group_summary(mean=1.0, n=4)


def test_columns_of_the_measure_itself_pass_as_they_are():
    columns = {"events1": np.array([1.0, 2.0]), "n1": np.array([9.0, 9.0])}
    assert printed_columns("OR", columns).numbers.keys() == columns.keys()
    with pytest.raises(ValueError, match="events2: missing"):
        printed_effect("OR", columns)
