"""Leave-one-out, cumulative, influence, shrinkage, bootstrap: R metafor, closed forms, loops, invariants."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.pooling import Interval, pool
from globulin.synthesis.sensitivity import (
    Influence,
    Series,
    Shrunken,
    cumulative,
    influence,
    leave_one_out,
    parametric_bootstrap,
    shrink,
)
from synthesis.references import analyses, metafor

METHODS, INTERVALS = get_args(Tau2Method), get_args(Interval)
POOLED = {
    "estimate": "estimate", "se": "se", "pval": "p_value", "ci.lb": "ci_lower", "ci.ub": "ci_upper",
    "Q": "q", "Qp": "q_p_value", "tau2": "tau2", "I2": "i2", "H2": "h2",
}  # fmt: skip
INFLUENCE = {
    "rstudent": "residual", "dffits": "dffits", "cook.d": "cook_distance", "cov.r": "covariance_ratio",
    "tau2.del": "tau2_deleted", "QE.del": "q_deleted", "hat": "hat", "weight": "weight",
}  # fmt: skip
SHRUNKEN = {"pred": "estimate", "se": "se", "pi_lb": "lower", "pi_ub": "upper"}


def order_of(name):
    dataset, measure = name.split("/")
    entry = metafor().get(dataset, {})
    if dataset == "raudenbush1985":
        return np.array([float(label[-4:]) for label in entry["input"]["slab"]])
    order = np.array(entry.get("order") or np.arange(1000), dtype=float)
    kept = (entry.get("measures") or {}).get(measure, {}).get("kept")
    return order if kept is None else order[np.array(kept) - 1]


def results(name, y, v):
    yield "leave1out_REML_knha", POOLED, leave_one_out(y, v, tau2="REML", ci="HKSJ")
    yield "leave1out_DL_z", POOLED, leave_one_out(y, v, tau2="DL", ci="wald")
    yield "cumul_REML_z", POOLED, cumulative(y, v, order=order_of(name)[: y.size], tau2="REML", ci="wald")
    yield "influence_REML", INFLUENCE, influence(y, v)
    yield "blup_REML", SHRUNKEN, shrink(y, v)


def tolerances(column, ref, v):
    """Relative tolerance, and scale below which it is absolute."""
    unit = np.array(ref["se"], dtype=float) if "se" in ref else np.ones(v.size)
    scale = {"tau2": np.median(v), "tau2.del": np.median(v), "Q": 1e-9, "QE.del": 1e-9, "I2": 1, "H2": 1}
    scale |= dict.fromkeys(("estimate", "ci.lb", "ci.ub", "pred", "pi_lb", "pi_ub"), unit)
    scale |= dict.fromkeys(("rstudent", "dffits", "cook.d"), 1)
    return 1e-5 if column in ("pval", "Qp") else 1e-6, scale.get(column, 0)


def test_agrees_with_metafor_everywhere():
    agreed, disagreed, absent = Counter(), [], Counter()
    for name, y, v, reference in analyses():
        for key, columns, ours in results(name, y, v):
            ref = reference[key]
            if "error" in ref:
                continue
            for column, field in columns.items():
                expected = np.atleast_1d(np.array(ref[column], dtype=float))
                # steps at which metafor's own iteration failed; ours must still be there
                missing = np.isnan(expected)
                got = getattr(ours, field)
                assert np.isfinite(got[missing]).all()
                absent += Counter({key: int(missing.sum())})
                tolerance, scale = tolerances(column, ref, v)
                near = np.abs(got - expected) <= tolerance * np.maximum(np.abs(expected), scale)
                agreed[key] += int(near.sum())
                if not (near | missing).all():
                    disagreed.append((name, key, column, got, expected))
    assert disagreed == []
    assert absent == {"cumul_REML_z": 60}
    assert agreed == {
        "leave1out_REML_knha": 4360,
        "leave1out_DL_z": 4360,
        "cumul_REML_z": 4310,
        "influence_REML": 3488,
        "blup_REML": 1748,
    }


# --- against loops and hand results ----------------------------------------------------------------------


def test_leaving_one_out_is_pooling_the_others():
    rng = np.random.default_rng(1)
    y, v = rng.normal(size=7), rng.uniform(0.05, 1, 7)
    ours = leave_one_out(y, v)
    assert ours.study.tolist() == list(range(7))
    assert ours.k.tolist() == [6] * 7
    for i in range(7):
        alone = pool(np.delete(y, i), np.delete(v, i))
        for field in ("estimate", "ci_lower", "tau2_ci_upper", "prediction_upper", "q"):
            assert getattr(ours, field)[i] == pytest.approx(getattr(alone, field), rel=1e-12)


def test_cumulative_takes_the_years_in_order():
    y, v, year = [0.9, 0.1, 0.4, 0.3], [0.2, 0.1, 0.3, 0.1], [1999, 1985, 1990, 1985]
    ours = cumulative(y, v, order=year)
    assert ours.study.tolist() == [1, 3, 2, 0]
    assert ours.k.tolist() == [1, 2, 3, 4]
    assert ours.estimate[0] == pytest.approx(0.1)
    assert ours.estimate[-1] == pytest.approx(pool(y, v).estimate, rel=1e-12)
    assert "one study" in ours.message[0]


def test_influence_with_equal_variances_by_hand():
    # tau2 = 0: the mean of 0, 0, 3 is 1; without the 3 it is 0
    ours = influence([0.0, 0.0, 3.0], [9.0, 9.0, 9.0])
    assert ours.hat == pytest.approx([1 / 3] * 3)
    assert ours.cook_distance == pytest.approx([0.25 / 3, 0.25 / 3, 1 / 3])
    assert ours.covariance_ratio == pytest.approx([1.5] * 3)
    assert ours.residual[2] == pytest.approx(3 / np.sqrt(9 + 4.5))
    assert ours.dffits[2] == pytest.approx(1 / np.sqrt(9 / 3))
    assert not ours.influential.any()


def test_a_study_far_from_the_others_is_influential():
    ours = influence([0.1, 0.2, 0.0, 0.15, 5.0], [0.01, 0.01, 0.01, 0.01, 0.02])
    assert ours.influential.tolist() == [False] * 4 + [True]


def test_shrinkage_by_hand():
    # Equal variances: the effects scatter by 12, so tau2 is 11 and a twelfth of each goes to the mean, 0
    ours = shrink([-2.0, -2.0, 4.0], [1.0, 1.0, 1.0], tau2="HE")
    assert ours.shrinkage == pytest.approx([1 / 12] * 3)
    assert ours.estimate == pytest.approx(np.array([-2, -2, 4]) * 11 / 12)
    # the mean has variance 12 / 3
    assert ours.se == pytest.approx([np.sqrt(11 / 12 + 4 / 144)] * 3)


def test_without_heterogeneity_all_studies_are_the_mean():
    y, v = [0.1, 0.12, 0.11], [0.1, 0.2, 0.3]
    ours, pooled = shrink(y, v, ci="HKSJ-guarded"), pool(y, v, ci="HKSJ-guarded")
    assert ours.estimate == pytest.approx([pooled.estimate] * 3)
    assert ours.lower == pytest.approx([pooled.ci_lower] * 3)


# --- parametric bootstrap ------------------------------------------------------------------------------

REPLICATES = 40_000
# Standard error of a simulated probability near 0.025, and of one near 0.95; tests allow four of them
TAIL_ERROR, COVERAGE_ERROR = (np.sqrt(p * (1 - p) / REPLICATES) for p in (0.025, 0.95))


def test_the_bootstrap_of_a_common_effect_is_the_wald_interval():
    y, v = np.array([0.2, 0.5, 0.9, -0.1]), np.array([0.1, 0.2, 0.05, 0.3])
    ours = parametric_bootstrap(y, v, replicates=REPLICATES, seed=1, tau2="FE", ci="wald")
    mean, se = (y / v).sum() / (1 / v).sum(), (1 / v).sum() ** -0.5
    assert ours.estimate == pytest.approx(mean, rel=1e-12)
    below = stats.norm.cdf([ours.ci_lower, ours.ci_upper], mean, se)
    assert below == pytest.approx([0.025, 0.975], abs=4 * TAIL_ERROR)
    assert ours.coverage == pytest.approx(0.95, abs=4 * COVERAGE_ERROR)
    assert (ours.tau2, ours.tau2_ci_lower, ours.tau2_ci_upper) == (0, 0, 0)
    assert stats.kstest(ours.estimates, "norm", (mean, se)).pvalue > 1e-4


@pytest.mark.parametrize("method", ["REML", "DL", "HE", "PM"])
def test_with_equal_variances_the_bootstrapped_tau2_is_a_truncated_chi_squared(method):
    # the plain variance of k effects is (v + tau2) chi2 / (k - 1), and tau2 what it has above v
    y, v, k = np.array([-1.1, 0.4, 0.9, 2.0, -0.3]), np.full(5, 0.2), 5
    ours = parametric_bootstrap(y, v, replicates=REPLICATES, seed=2, tau2=method, level=0.9)
    total = y.var(ddof=1)
    assert ours.tau2 == pytest.approx(total - 0.2, rel=1e-9)
    ends = stats.chi2.cdf((k - 1) * (np.array([ours.tau2_ci_lower, ours.tau2_ci_upper]) + 0.2) / total, k - 1)
    assert ends[1] == pytest.approx(0.95, abs=4 * COVERAGE_ERROR)
    truncated = stats.chi2.cdf((k - 1) * 0.2 / total, k - 1)
    assert ends[0] == pytest.approx(max(truncated, 0.05), abs=4 * COVERAGE_ERROR)
    # and the Hartung-Knapp interval is Student's own
    assert ours.coverage == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / REPLICATES))


def test_the_seed_decides_the_bootstrap():
    y, v = [0.2, 0.5, 0.9], [0.1, 0.2, 0.05]
    first, second, other = (parametric_bootstrap(y, v, replicates=200, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first.estimates, second.estimates)
    assert np.array_equal(first.tau2s, second.tau2s)
    assert not np.array_equal(first.estimates, other.estimates)
    assert first.estimates.shape == first.tau2s.shape == (200,)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("y", {"y": [[0.1, 0.2], [0.3, 0.4]]}),
        ("v", {"v": [1, 0]}),
        ("replicates", {"replicates": 1}),
        ("seed", {"seed": -1}),
        ("tau2", {"tau2": "reml"}),
    ],
)
def test_a_bootstrap_that_cannot_be_is_named(argument, values):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        parametric_bootstrap(**({"y": [0.1, 0.2], "v": [1, 1], "seed": 1} | values))


def test_one_study_is_simulated_with_its_own_error():
    ours = parametric_bootstrap([0.3], [0.04], replicates=REPLICATES, seed=3)
    below = stats.norm.cdf([ours.ci_lower, ours.ci_upper], 0.3, 0.2)
    assert below == pytest.approx([0.025, 0.975], abs=4 * TAIL_ERROR)
    assert "one study" in ours.message


# --- invariants ----------------------------------------------------------------------------------------

KINDS = {
    "leave_one_out": (leave_one_out, Series),
    "cumulative": (cumulative, Series),
    "influence": (influence, Influence),
    "shrink": (shrink, Shrunken),
}


def numbers(kind):
    return [f.name for f in fields(kind) if f.name not in ("study", "k", "message")]


def studies(least=2, most=7):
    row = st.tuples(st.floats(-3, 3), st.floats(-2, 1).map(lambda e: 10.0**e))
    return st.lists(row, min_size=least, max_size=most).map(lambda rows: np.array(rows).T)


@settings(max_examples=25, deadline=None)
@given(data=studies(), method=st.sampled_from(METHODS))
def test_both_halves_of_a_doubled_set_are_left_out_alike(data, method):
    y, v = np.tile(data, 2)
    for ours, kind in (
        (leave_one_out(y, v, tau2=method, ci="wald"), Series),
        (influence(y, v, tau2=method), Influence),
    ):
        for name in numbers(kind):
            first, second = np.split(getattr(ours, name), 2)
            assert first == pytest.approx(second, rel=1e-7, abs=1e-7, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(data=studies(), method=st.sampled_from(METHODS), order=st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(data, method, order):
    shuffled = list(range(data.shape[1]))
    order.shuffle(shuffled)
    for name in ("leave_one_out", "influence", "shrink"):
        function, kind = KINDS[name]
        first, second = function(*data, tau2=method), function(*data[:, shuffled], tau2=method)
        for field in numbers(kind):
            got, expected = getattr(second, field), getattr(first, field)[shuffled]
            # a p-value of an interval without width is 0 or 1 by a hair
            if field not in ("p_value", "influential"):
                assert got == pytest.approx(expected, rel=1e-6, abs=1e-7, nan_ok=True), (name, field)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_units_do_not_matter(name, unit):
    function, kind = KINDS[name]
    y, v = np.array([0.3, -0.8, 1.9, 0.2, 0.4]), np.array([0.1, 0.2, 0.05, 0.4, 0.1])
    one, other = function(y, v), function(unit * y, unit**2 * v)
    for field in numbers(kind):
        if field.startswith("tau2"):
            factor = unit**2
        elif kind is Influence or field in ("p_value", "i2", "h2", "q", "q_p_value", "shrinkage"):
            factor = 1
        else:
            factor = unit
        got, expected = getattr(other, field) / factor, getattr(one, field).astype(float)
        assert got == pytest.approx(expected, rel=1e-8, nan_ok=True), field


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_the_loop(name, method):
    function, kind = KINDS[name]
    rng = np.random.default_rng(2)
    y, v = rng.normal(size=(3, 4, 5)), 10 ** rng.uniform(-2, 1, (3, 4, 5))
    batch = function(y, v, tau2=method)
    for index in np.ndindex(3, 4):
        one = function(y[index], v[index], tau2=method)
        for field in numbers(kind):
            got, alone = getattr(batch, field)[index], getattr(one, field)
            assert got == pytest.approx(alone, rel=1e-12, abs=1e-12, nan_ok=True), field


# --- degenerate and hostile input ------------------------------------------------------------------------


def test_one_study_says_why_there_is_nothing():
    for result in (leave_one_out([0.3], [0.04]), influence([0.3], [0.04])):
        assert "nothing is left without it" in np.ravel(result.message)[0]
    assert np.isnan(leave_one_out([0.3], [0.04]).estimate).all()
    assert np.isnan(influence([0.3], [0.04]).residual).all()
    assert not influence([0.3], [0.04]).influential.any()
    assert shrink([0.3], [0.04]).estimate == pytest.approx([0.3])
    assert cumulative([0.3], [0.04]).estimate == pytest.approx([0.3])


def test_extreme_variances_and_identical_effects_give_numbers():
    for y, v in (([0.1, 0.5, -0.2, 0.4], [1e-6, 1, 10, 0.01]), ([0.5] * 4, [0.1] * 4)):
        for name, (function, kind) in KINDS.items():
            result = function(y, v)
            for field in set(numbers(kind)) - {"tau2_ci_lower", "tau2_ci_upper"}:
                assert np.isfinite(getattr(result, field)).all(), (name, field)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("y", {"y": [0.1, np.nan]}),
        ("y", {"y": [], "v": []}),
        ("v", {"v": [1, -1]}),
        ("v", {"v": [1, 1, 1]}),
        ("tau2", {"tau2": "reml"}),
    ],
)
def test_bad_arguments_are_named(name, argument, values):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        KINDS[name][0](**({"y": [0.1, 0.2], "v": [1, 1]} | values))


def test_an_order_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"^order: "):
        cumulative([0.1, 0.2], [1, 1], order=[1990])
    with pytest.raises(ValueError, match=r"^ci: "):
        leave_one_out([0.1], [1], ci="z")
