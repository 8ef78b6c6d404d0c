"""Egger, rank test, PET-PEESE, trim and fill and fail-safe N against R metafor, SciPy and hand results."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from globulin.synthesis.pooling import pool
from globulin.synthesis.small_study import (
    FunnelRegression,
    egger,
    fail_safe_n,
    peese,
    pet,
    pet_peese,
    rank_correlation,
)
from globulin.synthesis.trim_fill import trim_fill
from synthesis.references import analyses

NUMBERS = [f.name for f in fields(FunnelRegression) if f.name not in ("df", "informative", "message")]
TRIM_FILL = {"beta": "estimate", "se": "se", "ci_lb": "ci_lower", "ci_ub": "ci_upper", "tau2": "tau2"}


def funnel_rows(y, v, reference):
    """(key, ours, reference, relative tolerance, scale) of all regressions on a measure of imprecision."""
    for key, ours in (("egger_rma_REML", egger(y, v)), ("egger_lm", egger(y, v, model="lm"))):
        ref = reference[key]
        if "error" in ref:
            continue
        limits, unit = [ours.ci_lower, ours.ci_upper], np.diff(np.array(ref["ci"], dtype=float))
        yield key, ours.statistic, ref.get("zval", ref.get("tval")), 1e-6, 1
        yield key, ours.p_value, ref["pval"], 1e-5, 0
        yield key, ours.estimate, ref["est"], 1e-6, np.sqrt(v.max())
        yield key, limits, ref["ci"], 1e-6, unit
    for key, ours in (("pet", pet(y, v)), ("peese", peese(y, v))):
        ref = reference[key]
        # Where metafor drops the only predictor it reports the plain mean; ours is NaN with the reason
        if "error" not in ref and "Redundant" not in str(ref.get("warnings")):
            yield key, [ours.estimate, ours.slope], ref["beta"], 1e-6, np.array(ref["se"])
            yield key, [ours.se, ours.slope_se], ref["se"], 1e-6, 0
            yield key, [ours.estimate_p_value, ours.p_value], ref["pval"], 1e-5, 0


def other_rows(y, v, reference):
    ranks, safe = rank_correlation(y, v), fail_safe_n(y, v)
    if "error" not in reference["ranktest"]:
        yield "ranktest", ranks.tau, reference["ranktest"]["tau"], 1e-6, 1e-9
        yield "ranktest", ranks.p_value, reference["ranktest"]["pval"], 1e-5, 0
    if "error" not in reference["fsn_rosenthal"]:
        yield "fsn_rosenthal", safe.n, reference["fsn_rosenthal"]["fsnum"], 0, 0
        yield "fsn_rosenthal", safe.p_value, reference["fsn_rosenthal"]["pval"], 1e-5, 0


def agrees(got, ref, tolerance, scale):
    got, ref = np.array(got, dtype=float), np.array(ref, dtype=float)
    near = np.abs(got - ref) <= tolerance * np.maximum(np.abs(ref), np.nan_to_num(scale))
    return bool((near | (np.isnan(got) & np.isnan(ref))).all())


def test_agrees_with_metafor_everywhere():
    agreed, disagreed = Counter(), []
    for name, y, v, reference in analyses():
        for rows in (funnel_rows, other_rows):
            for key, got, ref, tolerance, scale in rows(y, v, reference):
                agreed[key] += agrees(got, ref, tolerance, scale)
                if not agrees(got, ref, tolerance, scale):
                    disagreed.append((name, key, got, ref))
    assert disagreed == []
    assert agreed == {
        "egger_rma_REML": 4 * 37,
        "egger_lm": 4 * 42,
        "pet": 3 * 37,
        "peese": 3 * 35,
        "ranktest": 2 * 45,
        "fsn_rosenthal": 2 * 45,
    }


def restricted_log_likelihood(y, v, tau2):
    w = 1 / (v + tau2)
    mean = w @ y / w.sum()
    return (np.log(w).sum() - np.log(w.sum()) - w @ (y - mean) ** 2) / 2


def test_trim_and_fill_agrees_with_metafor():
    agreed, refitted = Counter(), Counter()
    for name, y, v, reference in analyses():
        for key in ("FE_L0", "FE_R0", "REML_L0", "REML_R0"):
            ref = reference[f"trimfill_{key}"]
            if "error" in ref:
                continue
            method, estimator = key.split("_")
            ours = trim_fill(y, v, tau2=method, estimator=estimator)
            assert (ours.k0, ours.side) == (ref["k0"], ref["side"]), (name, key)
            assert ours.k0_se == pytest.approx(ref["se_k0"], rel=1e-6)
            near = [
                agrees(
                    getattr(ours, field), ref[column], 1e-6, np.median(v) if column == "tau2" else ref["se"]
                )
                for column, field in TRIM_FILL.items()
            ]
            if all(near):
                agreed[key] += 1
                continue
            # metafor pools the filled data with its loose default stopping rule: ours must be the higher peak
            assert method == "REML"
            all_y, all_v = np.concatenate([y, ours.filled_y]), np.concatenate([v, ours.filled_v])
            height, theirs = (restricted_log_likelihood(all_y, all_v, t) for t in (ours.tau2, ref["tau2"]))
            assert height >= theirs, (name, key)
            assert ours.estimate == pytest.approx(ref["beta"], abs=0.01 * ref["se"])
            refitted[key] += 1
    assert agreed == {"FE_L0": 40, "FE_R0": 42, "REML_L0": 25, "REML_R0": 29}
    assert refitted == {"REML_L0": 12, "REML_R0": 8}


# --- hand results and other programs -----------------------------------------------------------------------


def test_egger_is_weighted_least_squares_on_precision():
    # Egger's own form: standardised effect on precision, whose intercept is the bias
    rng = np.random.default_rng(1)
    se = rng.uniform(0.1, 1, 12)
    y = rng.normal(0.3, se)
    line = stats.linregress(1 / se, y / se)
    ours = egger(y, se**2, model="lm")
    assert (ours.slope, ours.slope_se) == pytest.approx((line.intercept, line.intercept_stderr))
    assert (ours.estimate, ours.se) == pytest.approx((line.slope, line.stderr))
    assert ours.df == 10
    assert ours.p_value == pytest.approx(2 * stats.t.sf(abs(line.intercept / line.intercept_stderr), 10))


def test_kendall_agrees_with_scipy_with_and_without_ties():
    rng = np.random.default_rng(2)
    for k in (3, 5, 12, 40):
        v = rng.uniform(0.1, 1, k)
        y = rng.normal(size=k)
        ours = rank_correlation(y, v)
        z = (y - pool(y, v, tau2="FE").estimate) / np.sqrt(v - 1 / (1 / v).sum())
        theirs = stats.kendalltau(z, v, method="exact")
        assert ours.exact
        assert (ours.tau, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
        tied = np.round(v, 1)
        z = (y - pool(y, tied, tau2="FE").estimate) / np.sqrt(tied - 1 / (1 / tied).sum())
        if k > 5:
            theirs, ours = stats.kendalltau(z, tied, method="asymptotic"), rank_correlation(y, tied)
            assert not ours.exact
            assert "ties" in ours.message
            assert (ours.tau, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_beyond_a_hundred_studies_the_p_value_is_normal():
    rng = np.random.default_rng(3)
    y, v = rng.normal(size=101), rng.uniform(0.1, 1, 101)
    z = (y - pool(y, v, tau2="FE").estimate) / np.sqrt(v - 1 / (1 / v).sum())
    ours = rank_correlation(y, v)
    assert not ours.exact
    assert ours.p_value == pytest.approx(stats.kendalltau(z, v, method="asymptotic").pvalue)


def test_pet_and_peese_find_the_line_they_assume():
    se = np.linspace(0.1, 1, 12)
    wiggle = 1e-3 * (-1.0) ** np.arange(12)
    assert pet(0.5 + 2 * se + wiggle, se**2).estimate == pytest.approx(0.5, abs=0.01)
    assert peese(0.5 + 2 * se**2 + wiggle, se**2).estimate == pytest.approx(0.5, abs=0.01)


def test_pet_peese_takes_peese_only_where_pet_finds_an_effect():
    rng = np.random.default_rng(4)
    se = np.linspace(0.1, 1, 12)
    y = np.stack([rng.normal(2, se), rng.normal(0, se)])
    both = pet_peese(y, se**2)
    first, second = pet(y, se**2), peese(y, se**2)
    assert (first.estimate_p_value < 0.1).tolist() == [True, False]
    assert both.estimate.tolist() == [second.estimate[0], first.estimate[1]]
    assert ["PEESE is shown" in text for text in both.message] == [True, False]
    assert pet_peese(y[0], se**2).estimate == pytest.approx(both.estimate[0])


def test_trim_and_fill_restores_what_was_cut():
    # a symmetric funnel around 1 without its two most negative studies
    offsets = np.array([0, 0.1, -0.1, 0.3, -0.3, 0.5, -0.5, 0.8, 1.1])
    ours = trim_fill(1 + offsets, 0.01 + 0.1 * offsets**2, tau2="FE")
    assert (ours.k0, ours.side) == (2, "left")
    # mirrored at the trimmed centre, which is near 1
    assert np.sort(ours.filled_y) == pytest.approx([-0.1, 0.2], abs=0.1)
    assert ours.estimate < pool(1 + offsets, 0.01 + 0.1 * offsets**2, tau2="FE").estimate
    mirrored = trim_fill(-1 - offsets, 0.01 + 0.1 * offsets**2, tau2="FE")
    assert mirrored.side == "right"
    assert mirrored.estimate == pytest.approx(-ours.estimate)


def test_fail_safe_n_by_hand():
    # ten studies with z = 2: 20^2 / 1.645^2 - 10 = 137.8
    ours = fail_safe_n(np.full(10, 0.2), np.full(10, 0.01))
    assert ours.n == 138
    assert ours.p_value == pytest.approx(stats.norm.sf(20 / np.sqrt(10)))
    assert fail_safe_n([0.0, 0.1], [1, 1]).n == 0


# --- informative -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [egger, pet, peese, pet_peese, rank_correlation, trim_fill, fail_safe_n])
def test_below_ten_studies_nothing_is_informative(function):
    rng = np.random.default_rng(5)
    y, v = rng.normal(size=10), rng.uniform(0.1, 1, 10)
    nine, ten = function(y[:9], v[:9]), function(y, v)
    assert not nine.informative
    assert "below 10 studies" in nine.message
    assert ten.informative
    assert "below 10 studies" not in ten.message


# --- invariants ----------------------------------------------------------------------------------------

FUNNELS = [egger, pet, peese]


def studies(least=3, most=12):
    row = st.tuples(st.floats(-3, 3), st.floats(-2, 1).map(lambda e: 10.0**e))
    return st.lists(row, min_size=least, max_size=most, unique_by=(lambda r: r[0], lambda r: r[1])).map(
        lambda rows: np.array(rows).T
    )


@settings(max_examples=25, deadline=None)
@given(data=studies(), order=st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(data, order):
    shuffled = list(range(data.shape[1]))
    order.shuffle(shuffled)
    other = data[:, shuffled]
    assert fail_safe_n(*data).p_value == pytest.approx(fail_safe_n(*other).p_value, rel=1e-9)
    for function in FUNNELS:
        first, second = function(*data), function(*other)
        # a slope between nearly equal standard errors has no digits
        if np.ptp(np.log(data[1])) > 0.1:
            assert second.estimate == pytest.approx(first.estimate, rel=1e-6, abs=1e-6 * (1 + first.se))


@settings(max_examples=25, deadline=None)
@given(data=studies(), power=st.sampled_from([-20, -7, 7, 20]), sign=st.sampled_from([-1, 1]))
def test_units_and_sign_do_not_matter(data, power, sign):
    y, v = data
    c = sign * 2.0**power
    assert fail_safe_n(c * y, c * c * v).n == fail_safe_n(y, v).n
    ranks = [rank_correlation(a, b).p_value for a, b in ((y, v), (c * y, c * c * v))]
    assert ranks[0] == pytest.approx(ranks[1], nan_ok=True)
    filled = [trim_fill(a, b) for a, b in ((y, v), (c * y, c * c * v))]
    assert filled[0].k0 == filled[1].k0
    assert filled[1].estimate == pytest.approx(c * filled[0].estimate, rel=1e-9, nan_ok=True)
    for function in FUNNELS:
        one, other = function(y, v), function(c * y, c * c * v)
        assert other.estimate == pytest.approx(c * one.estimate, rel=1e-7, abs=1e-9 * abs(c), nan_ok=True)
        assert other.p_value == pytest.approx(one.p_value, rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("model", ["rma", "lm"])
@pytest.mark.parametrize("function", [*FUNNELS, pet_peese])
def test_a_batch_of_regressions_is_the_loop(function, model):
    rng = np.random.default_rng(6)
    y, v = rng.normal(size=(3, 4, 6)), 10 ** rng.uniform(-2, 1, (3, 4, 6))
    v[1, 2] = 0.5
    batch = function(y, v, model=model)
    for index in np.ndindex(3, 4):
        one = function(y[index], v[index], model=model)
        for name in NUMBERS:
            got, alone = getattr(batch, name)[index], getattr(one, name)
            assert got == pytest.approx(alone, rel=1e-12, abs=1e-12, nan_ok=True), name
        assert batch.message[index] == one.message


@pytest.mark.parametrize("function", [rank_correlation, fail_safe_n])
def test_a_batch_of_tests_is_the_loop(function):
    rng = np.random.default_rng(7)
    y, v = rng.normal(size=(2, 5, 8)), rng.integers(1, 20, (2, 5, 8)) / 10
    batch = function(y, v)
    for index in np.ndindex(2, 5):
        one = function(y[index], v[index])
        for field in fields(one):
            got = getattr(batch, field.name)
            got = got[index] if field.name != "informative" else got
            alone = getattr(one, field.name)
            assert got == (alone if isinstance(alone, str) else pytest.approx(alone, rel=1e-12)), field.name


# --- degenerate and hostile input ------------------------------------------------------------------------


def test_equal_standard_errors_and_one_study_have_nothing_to_compare():
    for y, v in (([0.1, 0.5, 0.2], [0.3] * 3), ([0.3], [0.04]), ([1e-5, 2e-5, 0.0], [1e-11] * 3)):
        for function in (egger, pet, peese, pet_peese):
            result = function(y, v)
            assert np.isnan([result.estimate, result.slope, result.p_value]).all()
            assert "cannot be compared" in result.message
        ranks = rank_correlation(y, v)
        assert np.isnan([ranks.tau, ranks.p_value]).all()
        filled = trim_fill(y, v)
        assert np.isnan(filled.estimate)
        assert filled.side is None
        assert filled.message.endswith("name a side")
    assert np.isfinite(trim_fill([0.1, 0.5, 0.2], [0.3] * 3, side="left").estimate)


def test_two_studies_give_a_line_but_no_test():
    for model in ("rma", "lm"):
        result = egger([0.1, 0.5], [0.04, 0.25], model=model)
        # through (0.2, 0.1) and (0.5, 0.5)
        assert (result.slope, result.estimate) == pytest.approx((4 / 3, 0.1 - 0.8 / 3))
        assert np.isnan([result.slope_se, result.p_value, result.ci_lower, result.estimate_p_value]).all()
        assert "always lie on a line" in result.message


def test_extreme_variances_give_numbers():
    y, v = [0.1, 0.5, -0.2, 0.4], [1e-9, 1, 10, 0.01]
    for function in (egger, pet, peese):
        assert np.isfinite(function(y, v).p_value)
    assert np.isfinite(rank_correlation(y, v).p_value)
    assert np.isfinite(trim_fill(y, v).estimate)


@pytest.mark.parametrize("function", [egger, pet, peese, pet_peese, rank_correlation, trim_fill, fail_safe_n])
@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("y", {"y": [0.1, np.nan, 0.2]}),
        ("y", {"y": [], "v": []}),
        ("v", {"v": [1, -1, 1]}),
        ("v", {"v": [1, 1]}),
    ],
)
def test_bad_data_are_named(function, argument, values):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        function(**({"y": [0.1, 0.2, 0.3], "v": [1, 2, 3]} | values))


@pytest.mark.parametrize(
    ("function", "name", "value"),
    [
        (egger, "model", "ols"),
        (egger, "tau2", "reml"),
        (pet, "level", 95),
        (trim_fill, "estimator", "Q0"),
        (trim_fill, "side", "up"),
        (trim_fill, "ci", "z"),
        (fail_safe_n, "alpha", 1),
    ],
)
def test_bad_options_are_named(function, name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        function([0.1, 0.2, 0.3], [1, 2, 3], **{name: value})


def test_trim_and_fill_takes_one_data_set():
    with pytest.raises(ValueError, match=r"^y: "):
        trim_fill(np.ones((2, 3)), np.ones((2, 3)))
