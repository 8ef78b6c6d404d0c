"""Meta-regression against R metafor, dense algebra, invariants and hostile input."""

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
from globulin.synthesis.multiarm import Covariance
from globulin.synthesis.pooling import Interval, pool
from globulin.synthesis.regression import regress
from globulin.synthesis.residual import estimate_tau2
from synthesis.dense import dense, highest
from synthesis.references import analyses

METHODS, INTERVALS = get_args(Tau2Method), get_args(Interval)
NUMBERS = [
    f.name for f in fields(regress([0.1, 0.2], [1, 1])) if f.name not in ("k", "df", "qm_df", "message")
]


def metafor_rows(y, v, x, key, ref):
    """(quantity, ours, reference, relative tolerance, scale below which it is absolute)."""
    method, test = key.split("_")
    ours = regress(y, v, x, tau2=method, ci={"z": "wald", "knha": "HKSJ"}[test])
    assert ours.qm_df == (ref["QMdf"][0], ref["QMdf"][1] or np.inf)
    assert (ours.k, ours.df) == (ref["k"], ref["k"] - ref["p"])
    se = np.array(ref["se"])
    rows = [
        ("coefficients", "beta", 1e-6, se),
        ("se", "se", 1e-6, 0),
        ("ci_lower", "ci_lb", 1e-6, se),
        ("ci_upper", "ci_ub", 1e-6, se),
        ("p_value", "pval", 1e-5, 0),
        ("covariance", "vcov", 1e-6, np.outer(se, se)),
        ("tau2", "tau2", 1e-6, np.median(v)),
        ("se_tau2", "se_tau2", 1e-6, 0),
        ("qm", "QM", 1e-6, 0),
        ("qm_p_value", "QMp", 1e-5, 0),
        ("qe", "QE", 1e-6, 0),
        ("qe_p_value", "QEp", 1e-5, 0),
        ("i2", "I2", 1e-6, 1),
        ("h2", "H2", 1e-6, 1),
        ("r2", "R2", 1e-6, 1),
        ("log_likelihood", "log_likelihood", 1e-6, 1),
    ]
    # the log-likelihood is the first of metafor's fit statistics
    known = ref | {"log_likelihood": next(iter(ref.get("fitstats", {}).values()), None)}
    return [
        (name, getattr(ours, name), np.array(known[column]), tolerance, scale)
        for name, column, tolerance, scale in rows
        if known.get(column) is not None
    ]


def test_agrees_with_metafor_on_every_meta_regression():
    agreed, disagreed = Counter(), []
    for name, y, v, reference in analyses():
        for model, entry in reference.get("metareg", {}).items():
            for key in entry.keys() - {"X", "colnames"}:
                for quantity, got, ref, tolerance, scale in metafor_rows(y, v, entry["X"], key, entry[key]):
                    if (np.abs(got - ref) <= tolerance * np.maximum(np.abs(ref), scale)).all():
                        agreed[quantity] += 1
                    else:
                        disagreed.append((name, model, key, quantity, got, ref))
    assert disagreed == []
    assert agreed.pop("se_tau2") == 125
    assert agreed.pop("log_likelihood") == 75
    assert set(agreed.values()) == {150}
    assert len(agreed) == 14


def test_standard_errors_of_tau2_agree_with_metafor_for_every_estimator():
    agreed = Counter()
    for name, y, v, reference in analyses():
        for key, ref in reference["fits"].items():
            method, test = key.split("_")
            # Five equal variances of 1e-11: metafor's Paule-Mandel root is coarse there (see pooling)
            if test != "z" or ref.get("se_tau2") is None or (name, method) == ("edge/k5_tiny_vi", "PM"):
                continue
            if y.size > 1:
                ones = np.ones((1, y.size, 1))
                ours = estimate_tau2(y[:, None], v[:, None], ones, method).se[0]
                assert ours == pytest.approx(ref["se_tau2"], rel=1e-6, abs=1e-12 * np.median(v)), (
                    name,
                    method,
                )
                agreed[method] += 1
    assert agreed == dict.fromkeys(set(METHODS) - {"FE", "PM"}, 45) | {"PM": 44}


# --- global maxima -------------------------------------------------------------------------------------

# Found by search: the likelihood of tau2 has two peaks, and the higher one is away from 0, or at 0
TWO_PEAKS = [
    ("REML", [0.14, 7.93, -0.05, 0.78, 0.13, 0.04], [0.0689, 23.0388, 0.2287, 0.0341, 0.001, 0.003]),
    ("REML", [-0.44, 0.49, -0.35, 1.68, -0.93, -1.43], [0.7139, 0.0047, 1.0995, 0.0704, 0.0005, 0.0006]),
    ("ML", [0.24, -0.69, -0.71, 0.74, 0.52, 1.48], [0.1943, 0.0092, 0.0122, 3.675, 1.8012, 0.893]),
    ("ML", [0.35, 1.27, 0.06, 0.6, -0.71, -0.7], [1.5577, 0.0005, 0.0725, 0.0251, 0.0006, 0.1584]),
]


def is_highest(y, v, moderator, method):
    y, v = np.array(y), np.array(v)
    x = np.column_stack([np.ones(y.size), moderator])
    matrices = (y, np.diag(v), np.eye(y.size), x)
    ours = regress(y, v, moderator, tau2=method, ci="wald")
    beta, cov, value = dense(*matrices, ours.tau2, method == "REML")
    assert ours.log_likelihood == pytest.approx(value, abs=1e-9)
    assert ours.coefficients == pytest.approx(beta, rel=1e-8, abs=1e-10)
    assert ours.covariance == pytest.approx(cov, rel=1e-8)
    assert ours.log_likelihood >= highest(*matrices, method == "REML", 10 * np.ptp(y) ** 2) - 1e-9
    return ours.message


@pytest.mark.parametrize(("method", "y", "v"), TWO_PEAKS)
def test_of_two_peaks_the_higher_is_taken(method, y, v):
    assert "several peaks" in is_highest(y, v, np.arange(6), method)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_tau2_is_the_global_maximum(method):
    rng = np.random.default_rng(7)
    for _ in range(12):
        k = int(rng.integers(4, 8))
        v = 10 ** rng.uniform(-4, 1, k)
        is_highest(rng.normal(0, np.sqrt(v + rng.choice([0, 0.1, 3]))), v, rng.normal(size=k), method)


# --- invariants ----------------------------------------------------------------------------------------


def studies(least=3, most=8):
    number = st.floats(-3, 3)
    variance = st.floats(-2, 1).map(lambda e: 10.0**e)
    row = st.tuples(number, variance, st.integers(-20, 20).map(float))
    return st.lists(row, min_size=least, max_size=most).map(lambda rows: np.array(rows).T)


def same(a, b, rel=1e-9, names=NUMBERS, abs_=1e-9):
    for name in names:
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=rel, abs=abs_, nan_ok=True), name
    assert a.message == b.message


@settings(max_examples=40, deadline=None)
@given(data=studies(1), method=st.sampled_from(METHODS), ci=st.sampled_from(INTERVALS))
def test_without_moderators_it_is_pool(data, method, ci):
    y, v, _ = data
    ours, pooled = regress(y, v, tau2=method, ci=ci), pool(y, v, tau2=method, ci=ci)
    unit = np.sqrt(np.median(v))
    for name in ("se", "ci_lower", "ci_upper", "p_value", "coefficients"):
        got = getattr(ours, name)[0] / unit
        # a p-value of a zero error is 0 or 1 by a hair
        if pooled.se > 1e-7 * unit:
            other = getattr(pooled, "estimate" if name == "coefficients" else name) / unit
            assert got == pytest.approx(other, rel=1e-7, abs=1e-7), name
    assert (ours.tau2, ours.i2, ours.h2, ours.qe, ours.qe_p_value) == pytest.approx(
        (pooled.tau2, pooled.i2, pooled.h2, pooled.q, pooled.q_p_value), rel=1e-7, abs=1e-7
    )
    assert np.isnan([ours.qm, ours.r2]).all()


@settings(max_examples=30, deadline=None)
@given(data=studies(), method=st.sampled_from(METHODS), order=st.randoms(use_true_random=False))
def test_the_order_of_studies_does_not_matter(data, method, order):
    shuffled = list(range(data.shape[1]))
    order.shuffle(shuffled)
    first, second = (regress(y, v, x, tau2=method, ci="wald") for y, v, x in (data, data[:, shuffled]))
    same(first, second, rel=1e-6, abs_=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    data=studies(),
    method=st.sampled_from(METHODS),
    ci=st.sampled_from(INTERVALS),
    power=st.sampled_from([-20, -8, 8, 20]),
)
def test_the_units_do_not_matter(data, method, ci, power):
    y, v, x = data
    c = 2.0**power
    one, other = regress(y, v, x, tau2=method, ci=ci), regress(c * y, c * c * v, x, tau2=method, ci=ci)
    assert other.coefficients == pytest.approx(c * one.coefficients, rel=1e-9, abs=1e-9 * c, nan_ok=True)
    assert other.se == pytest.approx(c * one.se, rel=1e-9, nan_ok=True)
    assert other.tau2 == pytest.approx(c * c * one.tau2, rel=1e-9, nan_ok=True)
    finer = regress(y, v, x / c, tau2=method, ci=ci)
    assert finer.coefficients == pytest.approx(one.coefficients * [1, c], rel=1e-8, abs=1e-9 * c, nan_ok=True)
    assert finer.tau2 == pytest.approx(one.tau2, rel=1e-8, abs=1e-10, nan_ok=True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ci", INTERVALS)
def test_a_batch_is_the_loop(method, ci):
    rng = np.random.default_rng(3)
    v = 10 ** rng.uniform(-2, 1, (2, 30, 6))
    y, x = rng.normal(size=(30, 6)), rng.normal(size=(30, 6, 2))
    x[4, :, 1] = 2 * x[4, :, 0]
    batch = regress(y, v, x, tau2=method, ci=ci)
    for index in np.ndindex(2, 30):
        one = regress(y[index[1]], v[index], x[index[1]], tau2=method, ci=ci)
        for name in NUMBERS:
            got, alone = getattr(batch, name)[index], getattr(one, name)
            assert got == pytest.approx(alone, rel=1e-12, abs=1e-12, nan_ok=True), name
        assert batch.message[index] == one.message
    assert np.isnan(batch.coefficients[:, 4]).all()
    assert np.isfinite(np.delete(batch.coefficients, 4, axis=1)).all()


def test_ten_thousand_data_sets_in_one_call():
    rng = np.random.default_rng(5)
    result = regress(rng.normal(size=(10_000, 10)), rng.uniform(0.1, 1, (10_000, 10)), np.arange(10))
    assert result.coefficients.shape == (10_000, 2)
    assert np.isfinite(result.coefficients).all()
    # the truth is no trend: a 5% test is right about 95% of the time
    assert np.mean(result.p_value[:, 1] < 0.05) == pytest.approx(0.05, abs=0.02)


def test_equal_variances_are_ordinary_least_squares():
    rng = np.random.default_rng(11)
    x, y = np.arange(12.0), rng.normal(size=12)
    line = stats.linregress(x, y)
    ours = regress(y, np.full(12, 0.01), x)
    assert ours.coefficients == pytest.approx([line.intercept, line.slope])
    assert ours.se == pytest.approx([line.intercept_stderr, line.stderr])
    assert ours.p_value[1] == ours.qm_p_value == pytest.approx(line.pvalue)
    assert ours.tau2 == pytest.approx(((y - line.intercept - line.slope * x) ** 2).sum() / 10 - 0.01)


# --- degenerate and hostile input ------------------------------------------------------------------------


def test_a_redundant_moderator_is_named():
    for moderators, index in (([[1, 2], [2, 4], [3, 6], [4, 8]], 2), ([[1, 5], [1, 6], [1, 6], [1, 8]], 1)):
        result = regress([0.1, 0.2, 0.5, 0.3], [1, 2, 1, 2], moderators)
        assert np.isnan(result.coefficients).all()
        assert np.isnan(result.tau2)
        assert result.message.startswith(f"moderator {index} is constant or a combination")
    free = regress([0.1, 0.2, 0.5], [1, 2, 1], [[1, 2], [2, 4], [3, 6]], intercept=False)
    assert free.message.startswith("moderator 2 ")


def test_as_many_coefficients_as_studies_fit_exactly():
    result = regress([1.0, 3.0], [0.5, 0.25], [0, 1])
    assert result.coefficients == pytest.approx([1, 2])
    assert result.se == pytest.approx(np.sqrt([0.5, 0.75]))
    assert (result.tau2, result.qe, result.qe_p_value) == (0, 0, 1)
    assert result.qm == pytest.approx(4 / 0.75)
    assert "tau2 cannot be estimated" in result.message
    short = regress([1.0], [0.5], [2])
    assert np.isnan(short.se).all()
    assert short.message == "1 studies cannot determine 2 coefficients"


def test_effects_on_the_line_have_no_scatter():
    result = regress([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1], [1, 2, 3, 4])
    assert result.tau2 == 0
    assert result.coefficients == pytest.approx([0, 1], abs=1e-12)
    identical = regress([2.0, 2.0, 2.0], [1, 2, 3], [1, 2, 4], ci="HKSJ-guarded")
    assert identical.coefficients == pytest.approx([2, 0], abs=1e-12)
    assert np.isfinite([identical.r2, identical.qm]).all()


def test_variances_of_every_size_give_numbers():
    v = [1e-7, 1, 10, 0.01, 1e3]
    for method in METHODS:
        result = regress([0.1, 0.5, -0.2, 0.4, 9], v, [1, 2, 3, 5, 8], tau2=method)
        assert np.isfinite(result.coefficients).all()
        assert result.tau2 >= 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("y", {"y": [], "v": []}),
        ("y", {"y": 1.0, "v": 1.0}),
        ("y", {"y": [0.1, np.nan, 0.3]}),
        ("y", {"y": ["a", "b", "c"]}),
        ("v", {"v": [1, 0, 1]}),
        ("v", {"v": [1, 1]}),
        ("v", {"v": Covariance(np.eye(2), np.eye(2))}),
        ("moderators", {"moderators": [1, 2]}),
        ("moderators", {"moderators": [1, 2, np.inf]}),
        ("moderators", {"y": np.ones((2, 3)), "moderators": np.ones((4, 3, 1))}),
        ("moderators", {"moderators": None, "intercept": False}),
        ("tau2", {"tau2": "reml"}),
        ("tau2", {"tau2": "SJ", "v": Covariance(np.eye(3), np.eye(3))}),
        ("ci", {"ci": "z"}),
        ("level", {"level": 95}),
    ],
)
def test_bad_arguments_are_named(name, arguments):
    good = {"y": [0.1, 0.2, 0.3], "v": [1, 1, 1], "moderators": [1, 2, 4]}
    with pytest.raises(ValueError, match=f"^{name}: "):
        regress(**(good | arguments))
