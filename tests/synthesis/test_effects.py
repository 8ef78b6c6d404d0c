"""Effect sizes against R metafor, worked examples by hand, and what happens to impossible tables."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy import stats

from globulin.synthesis.effects import (
    Measure,
    effect_size,
    log_odds_ratio_from_smd,
    log_ratio_from_interval,
    not_significant_bound,
    small_sample_factor,
    smd_from_log_odds_ratio,
    smd_from_t,
    smd_range_from_p,
    t_from_p,
    variance_from_interval,
)
from synthesis.references import columns_of, metafor

# The standardised difference by one group's SD, which is not offered
NOT_COVERED = {"SMD1", "GEN"}


def metafor_tables():
    for name, dataset in metafor().items():
        for measure, entry in (dataset.get("measures") or {}).items():
            if measure not in NOT_COVERED:
                yield pytest.param(measure, dataset, entry, id=f"{name}-{measure}")


def agree(got, reference, scale=0.0):
    reference = np.array(reference, dtype=float)
    assert np.all(np.abs(got - reference) <= 1e-9 * np.maximum(np.abs(reference), scale))


@pytest.mark.parametrize(("measure", "dataset", "entry"), list(metafor_tables()))
def test_agrees_with_metafor(measure, dataset, entry):
    columns, complete = columns_of(dataset)
    y, v = effect_size(measure, **columns)
    agree(y, np.array(entry["escalc"]["yi"], dtype=float)[complete], scale=1e-3)
    agree(v, np.array(entry["escalc"]["vi"], dtype=float)[complete])


def test_every_measure_is_compared_and_the_grid_does_not_shrink():
    seen = [(p.values[0], columns_of(p.values[1])[1].sum()) for p in metafor_tables()]
    assert {measure for measure, _ in seen} == set(get_args(Measure))
    assert len(seen) == 63
    assert sum(studies for _, studies in seen) == 649


@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_double_zero_tables_are_those_metafor_can_drop(measure):
    dropped = 0
    for dataset in metafor().values():
        entry = (dataset.get("measures") or {}).get(measure, {})
        if "escalc_only0_add0.5_drop00" not in entry:
            continue
        columns, complete = columns_of(dataset)
        result = effect_size(measure, **columns)
        reference = np.array(entry["escalc_only0_add0.5_drop00"]["yi"], dtype=float)[complete]
        double_zero = (columns["events1"] == 0) & (columns["events2"] == 0)
        assert np.array_equal(np.isnan(reference), double_zero)
        assert result.corrected[double_zero].all()
        assert np.array_equal(result.double_zero, double_zero)
        agree(result.y[~double_zero], reference[~double_zero])
        dropped += double_zero.sum()
    assert dropped == 5


def test_zero_cells_are_reported_and_can_be_left_alone():
    table = {"events1": [0, 4], "n1": [20, 20], "events2": [3, 6], "n2": [21, 20]}
    corrected = effect_size("OR", **table)
    assert corrected.corrected.tolist() == [True, False]
    assert corrected.y[0] == pytest.approx(np.log((0.5 * 18.5) / (20.5 * 3.5)))
    assert not corrected.undefined.any()
    left = effect_size("OR", correction=0, **table)
    assert not left.corrected.any()
    assert left.undefined.tolist() == [True, False]
    assert left.y[1] == corrected.y[1]
    peto = effect_size("PETO", correction=0, **table)
    assert not peto.undefined.any()
    assert not effect_size("AS", **table).corrected.any()


def test_studies_that_say_nothing_about_a_ratio_stay_and_are_marked():
    nobody_and_everybody = {"events1": [0, 9, 0, 9], "n1": 9, "events2": [0, 8, 8, 0], "n2": 8}
    for measure in ("OR", "RR", "RD", "PETO", "AS"):
        result = effect_size(measure, **nobody_and_everybody)
        assert result.double_zero.tolist() == [True, True, False, False]
        assert result.y.size == 4
    rates = effect_size("IRR", events1=[0, 0], time1=5.0, events2=[0, 2], time2=5.0)
    assert rates.double_zero.tolist() == [True, False]
    assert rates.corrected.tolist() == [True, True]
    # nobody in the one group is an answer about that group, and measured outcomes have no events
    assert not effect_size("PLO", events=0, n=9).double_zero
    assert not effect_size("MD", mean1=1, sd1=1, n1=5, mean2=1, sd2=1, n2=5).double_zero


def test_lloyd_1990_by_hand():
    y, v = effect_size("OR", events1=10, n1=23, events2=3, n2=26)
    assert round(float(y), 3) == 1.775
    assert round(float(np.sqrt(v)), 3) == 0.744
    smd, smd_v = smd_from_log_odds_ratio(y, v)
    assert round(float(smd), 3) == 0.978
    assert round(float(np.sqrt(smd_v)), 3) == 0.410


def test_rowe_1997_by_hand():
    g, v = smd_from_t(2.12, 35, 35)
    assert round(float(g), 2) == 0.50
    assert round(float(np.sqrt(v)), 3) == 0.243


def test_t_and_means_give_the_same_standardised_difference():
    mean1, sd1, n1, mean2, sd2, n2 = 5.1, 1.3, 17, 4.2, 1.6, 22
    t = stats.ttest_ind_from_stats(mean1, sd1, n1, mean2, sd2, n2).statistic
    expected = effect_size("SMD", mean1=mean1, sd1=sd1, n1=n1, mean2=mean2, sd2=sd2, n2=n2)
    assert np.allclose(smd_from_t(t, n1, n2), tuple(expected), rtol=1e-12)


def test_small_sample_factor_is_near_its_usual_approximation():
    df = np.arange(20, 200)
    assert np.allclose(small_sample_factor(df), 1 - 3 / (4 * df - 1), atol=1e-4)


def test_interval_of_a_ratio_gives_back_its_standard_error():
    for level, z in ((0.95, 1.959963984540054), (0.9, 1.6448536269514722)):
        y, v = log_ratio_from_interval(1.8, 1.8 / np.exp(z * 0.3), 1.8 * np.exp(z * 0.3), level)
        assert float(y) == pytest.approx(np.log(1.8))
        assert float(v) == pytest.approx(0.09)


def test_interval_of_an_estimate_gives_back_its_variance():
    # a half width of 2.086 standard errors at 20 degrees of freedom, from any table of Student's t
    assert float(variance_from_interval(1 - 2.086, 1 + 2.086, df=20)) == pytest.approx(1.0, rel=1e-4)
    assert float(variance_from_interval(-1.959964, 1.959964)) == pytest.approx(1.0, rel=1e-6)


def test_odds_ratios_and_differences_both_ways():
    """Chinn 2000: divide a log odds ratio by 1.81; Cox: by 1.65."""
    assert [float(x) for x in smd_from_log_odds_ratio(1.8138, 0.81)] == pytest.approx(
        [1.0, 0.81 / 1.8138**2], rel=1e-4
    )
    assert [float(x) for x in smd_from_log_odds_ratio(1.65, 1.65**2, "cox")] == pytest.approx([1.0, 1.0])
    for method in ("hasselblad-hedges", "cox"):
        there = smd_from_log_odds_ratio([-1.2, 0.4], [0.3, 0.2], method)
        back = log_odds_ratio_from_smd(*there, method)
        assert np.allclose(back, [[-1.2, 0.4], [0.3, 0.2]], rtol=1e-14)


def test_a_logistic_outcome_cut_anywhere_keeps_its_difference():
    """Brute force of the assumption: two logistic outcomes, one shifted by 0.6 SD, cut at any point."""
    shift = 0.6 * np.pi / np.sqrt(3)
    for cut in (-2.0, 0.0, 1.5):
        above = stats.logistic.sf(cut, loc=[shift, 0.0])
        log_odds_ratio = np.diff(np.log(above / (1 - above)))[0]
        assert float(smd_from_log_odds_ratio(-log_odds_ratio, 1.0)[0]) == pytest.approx(0.6)


def test_t_of_an_exact_p():
    for t, df in ((0.01, 5), (2.12, 68), (9.0, 20), (30.0, 400)):
        assert float(t_from_p(2 * stats.t.sf(t, df), df)) == pytest.approx(t, rel=1e-9)
    assert float(t_from_p(1.0, 10)) == 0


def test_a_p_known_as_a_bound_is_a_range():
    bound = float(not_significant_bound(20, 20, alpha=0.05))
    lower, upper = smd_range_from_p(0.05, "<", 20, 20, [1, -1])
    assert (lower.tolist(), upper.tolist()) == ([bound, -np.inf], [np.inf, -bound])
    lower, upper = smd_range_from_p([0.05, 0.5], ">", 20, 20)
    assert lower.tolist() == (-upper).tolist()
    assert upper[0] == bound
    assert upper[1] < bound


def test_bound_of_a_result_that_was_not_significant():
    assert np.round(not_significant_bound([14, 23, 73], [14, 26, 26]), 3).tolist() == [0.777, 0.576, 0.453]
    bound = not_significant_bound(73, 26)
    t = bound / np.sqrt(1 / 73 + 1 / 26)
    assert 2 * stats.t.sf(t, 97) == pytest.approx(0.05, rel=1e-9)


def test_unbiased_correlation_holds_for_large_studies():
    y, _ = effect_size("UCOR", r=[0.0, 0.3, -0.3, 0.5], n=[1000, 100_000, 5000, 4])
    assert np.allclose(y, [0, 0.3, -0.3, 0.5 * 1.3728805006183509], atol=5e-5)


BAD = [
    (
        "OR",
        {"events1": [1, -1], "n1": 5, "events2": 1, "n2": 5},
        r"events1: must not be negative \(position 1\)",
    ),
    ("OR", {"events1": 6, "n1": 5, "events2": 1, "n2": 5}, "events1: must not be above n1"),
    ("OR", {"events1": 1, "n1": 5, "events2": 1}, "n2: missing"),
    ("OR", {"events1": 1, "n1": 5, "events2": 1, "n2": 5, "sd1": 2}, "sd1: not a column"),
    ("OR", {"events1": 1, "n1": 0, "events2": 1, "n2": 5}, "n1: must be positive"),
    ("SMD", {"mean1": 1, "sd1": 0, "n1": 5, "mean2": 1, "sd2": 1, "n2": 5}, "sd1: must be positive"),
    ("SMD", {"mean1": 1, "sd1": 1, "n1": 1, "mean2": 1, "sd2": 1, "n2": 5}, "n1: must be at least 2"),
    (
        "ROM",
        {"mean1": -1, "sd1": 1, "n1": 5, "mean2": 1, "sd2": 1, "n2": 5},
        "mean1: must have the same sign",
    ),
    ("PLO", {"events": [1, np.nan], "n": 5}, r"events: must be a finite number \(position 1\)"),
    ("PLO", {"events": "many", "n": 5}, "events: must be numbers"),
    ("ZCOR", {"r": 1.0, "n": 20}, "r: must lie strictly"),
    ("ZCOR", {"r": 0.1, "n": 3}, "n: must be at least 4"),
    ("IRR", {"events1": 1, "time1": 0, "events2": 2, "time2": 3}, "time1: must be positive"),
    ("IRR", {"events1": -1, "time1": 2, "events2": 2, "time2": 3}, "events1: must not be negative"),
    ("PLO", {"events": [1, 2], "n": [5, 6, 7]}, "events: shapes do not fit"),
    ("HR", {}, "measure: 'HR' is not one of"),
]


@pytest.mark.parametrize(("measure", "columns", "message"), BAD)
def test_impossible_input_names_the_column(measure, columns, message):
    with pytest.raises(ValueError, match=message):
        effect_size(measure, **columns)


def test_impossible_conversions_name_the_argument():
    with pytest.raises(ValueError, match="correction"):
        effect_size("PLO", events=1, n=5, correction=-1)
    with pytest.raises(ValueError, match="lower"):
        log_ratio_from_interval(1, 0, 2)
    with pytest.raises(ValueError, match="estimate"):
        log_ratio_from_interval(3, 1, 2)
    with pytest.raises(ValueError, match="upper"):
        log_ratio_from_interval(1, 1, 1)
    with pytest.raises(ValueError, match="level"):
        log_ratio_from_interval(1, 0.5, 2, level=95)
    with pytest.raises(ValueError, match="alpha"):
        not_significant_bound(10, 10, alpha=0)
    with pytest.raises(ValueError, match="n1"):
        smd_from_t(1, 1, 1)
    with pytest.raises(ValueError, match="method: 'probit'"):
        smd_from_log_odds_ratio(1, 1, "probit")
    with pytest.raises(ValueError, match="p: must be above 0"):
        t_from_p(0.0, 10)
    with pytest.raises(ValueError, match="relation: '='"):
        smd_range_from_p(0.05, "=", 10, 10)
    with pytest.raises(ValueError, match="direction: must be 1 or -1"):
        smd_range_from_p(0.05, "<", 10, 10, 0)
    with pytest.raises(ValueError, match="upper: must be above lower"):
        variance_from_interval(2, 2)
    with pytest.raises(ValueError, match="v"):
        smd_from_log_odds_ratio(1, 0)
