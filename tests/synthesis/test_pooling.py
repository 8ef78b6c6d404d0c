"""Pooling against R metafor, published and hand results, invariants, and hostile input."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from decimal import Decimal, localcontext
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from globulin.synthesis.effects import effect_size, smd_from_log_odds_ratio, smd_from_t
from globulin.synthesis.heterogeneity import Tau2Method, solve_generalised_q
from globulin.synthesis.pooling import pool
from synthesis.dense import dense
from synthesis.references import analyses

METHODS = get_args(Tau2Method)
INTERVALS = {"z": "wald", "t": "t", "knha": "HKSJ", "adhoc": "HKSJ-guarded"}
NUMBERS = [f.name for f in fields(pool([0.1, 0.2], [1, 1])) if f.name not in ("k", "message", "weights")]

# metafor finds Paule-Mandel and Q-profile roots to an absolute 1e-12, which is coarse where the
# variances are 1e-11; with equal variances the answer is known: the sample variance minus v
METAFOR_STOPS_EARLY = {
    "edge/k5_tiny_vi": {"PM_z", "PM_t", "PM_knha", "PM_adhoc", "REML_QP", "DL_QP", "PM_QP"}
}


def metafor_numbers(name, y, v, key, ref):
    """(quantity, ours, reference, relative tolerance, scale below which it is absolute)."""
    method, test = key.split("_")
    ours = pool(y, v, tau2=method, ci=INTERVALS[test])
    se, unit = ref["se"], np.median(v)
    pairs = [
        ("estimate", ours.estimate, "beta", 1e-6, se),
        ("se", ours.se, "se", 1e-6, 0),
        ("ci_lower", ours.ci_lower, "ci_lb", 1e-6, se),
        ("ci_upper", ours.ci_upper, "ci_ub", 1e-6, se),
        ("p_value", ours.p_value, "pval", 1e-5, 0),
        ("tau2", ours.tau2, "tau2", 1e-6, unit),
        ("i2", ours.i2, "I2", 1e-6, 1),
        ("h2", ours.h2, "H2", 1e-6, 1),
        ("q", ours.q, "QE", 1e-6, 1e-9),
        ("q_p_value", ours.q_p_value, "QEp", 1e-5, 0),
        ("prediction_lower", ours.prediction_lower, "pi_lb", 1e-6, se),
        ("prediction_upper", ours.prediction_upper, "pi_ub", 1e-6, se),
    ]
    if "pi_riley_lb" in ref:
        riley = pool(y, v, tau2=method, ci=INTERVALS[test], prediction="k-2")
        pairs += [
            ("prediction_lower k-2", riley.prediction_lower, "pi_riley_lb", 1e-6, se),
            ("prediction_upper k-2", riley.prediction_upper, "pi_riley_ub", 1e-6, se),
        ]
    return [(name, got, ref[column], tol, scale) for name, got, column, tol, scale in pairs if column in ref]


@pytest.fixture(scope="module")
def compared():
    agreed, disagreed = Counter(), []
    for name, y, v, reference in analyses():
        rows = [
            (key, *row)
            for key, ref in reference["fits"].items()
            for row in metafor_numbers(name, y, v, key, ref)
        ]
        for key, ref in reference["tau2_ci"].items():
            if key.endswith("_QP") and "error" not in ref:
                ours = pool(y, v, tau2=key.removesuffix("_QP"))
                rows += [
                    (key, "tau2_ci_lower", ours.tau2_ci_lower, ref["lb"][0], 1e-6, np.median(v)),
                    (key, "tau2_ci_upper", ours.tau2_ci_upper, ref["ub"][0], 1e-6, np.median(v)),
                ]
        for key, quantity, got, ref, tolerance, scale in rows:
            if abs(got - ref) <= tolerance * max(abs(ref), scale):
                agreed[quantity] += 1
            else:
                disagreed.append((name, key, quantity, got, ref))
    return agreed, disagreed


def test_agrees_with_metafor_wherever_metafor_converged(compared):
    _, disagreed = compared
    unexplained = [row for row in disagreed if row[1] not in METAFOR_STOPS_EARLY.get(row[0], ())]
    assert unexplained == []
    assert len(disagreed) == 42


def test_the_metafor_grid_does_not_shrink(compared):
    agreed, disagreed = compared
    assert sum(agreed.values()) == 21_756
    assert sum(agreed.values()) + len(disagreed) == 21_798
    assert agreed["estimate"] == 1564
    assert agreed["prediction_lower k-2"] == 1472 - 4


def test_where_metafor_stops_early_the_closed_form_holds():
    y, v = np.array([1e-5, 2e-5, -1e-5, 3e-5, 0]), np.full(5, 1e-11)
    for method in ("PM", "EB", "REML", "DL", "HE"):
        result = pool(y, v, tau2=method)
        assert result.tau2 == pytest.approx(y.var(ddof=1) - 1e-11, rel=1e-12)
    low, high = stats.chi2.ppf([0.975, 0.025], 4)
    assert result.tau2_ci_lower == pytest.approx(4 * y.var(ddof=1) / low - 1e-11, rel=1e-9)
    assert result.tau2_ci_upper == pytest.approx(4 * y.var(ddof=1) / high - 1e-11, rel=1e-9)


# --- hand results --------------------------------------------------------------------------------------


def immunoglobulin_trials():
    """Lloyd 1990 (responders) and Rowe 1997 (t value), as standardised mean differences."""
    lloyd = smd_from_log_odds_ratio(*effect_size("OR", events1=10, n1=23, events2=3, n2=26))
    rowe = smd_from_t(2.12, 35, 35)
    return [float(lloyd[0]), float(rowe[0])], [float(lloyd[1]), float(rowe[1])]


def near(result, expected):
    return np.allclose([result.ci_lower, result.ci_upper], expected, atol=0.01)


def test_two_immunoglobulin_trials_by_hand():
    y, v = immunoglobulin_trials()
    wald, knapp = pool(y, v, ci="wald"), pool(y, v)
    assert wald.estimate == pytest.approx(0.62, abs=0.01)
    assert near(wald, [0.22, 1.04])
    assert near(knapp, [-2.03, 3.29])


@pytest.mark.parametrize("arms", [(73, 26), (74, 25)])
def test_four_immunoglobulin_trials_with_the_null_ones_at_zero(arms):
    y, v = immunoglobulin_trials()
    y, v = [*y, 0, 0], [*v, 1 / 14 + 1 / 14, 1 / arms[0] + 1 / arms[1]]
    wald, knapp = pool(y, v, ci="wald"), pool(y, v)
    assert round(wald.estimate, 2) == 0.32
    assert near(wald, [-0.08, 0.73])
    assert near(knapp, [-0.36, 1.01])
    assert round(wald.i2_q) == 48


# --- the likelihood ------------------------------------------------------------------------------------


def log_restricted_likelihood(tau2, y, v):
    w = 1 / (v + tau2)
    mu = (w * y).sum() / w.sum()
    return -(np.log(v + tau2).sum() + np.log(w.sum()) + (w * (y - mu) ** 2).sum()) / 2


def test_reml_is_the_global_maximum_also_with_two_peaks():
    rng = np.random.default_rng(4)
    v = np.exp(rng.uniform(-9, 1, (4000, 4)))
    y = rng.normal(0, np.sqrt(v + 0.1))
    result = pool(y, v)
    several = np.flatnonzero(["several peaks" in message for message in result.message])
    assert several.size >= 20
    grid = np.concatenate([[0], np.exp(np.linspace(-14, 5, 2000))])
    for i in several:
        best = max(log_restricted_likelihood(t, y[i], v[i]) for t in grid)
        assert log_restricted_likelihood(result.tau2[i], y[i], v[i]) >= best - 1e-9


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_likelihood_maximum_against_a_bounded_search(method):
    rng = np.random.default_rng(11)
    for k in (2, 3, 6, 20):
        v = rng.uniform(0.02, 0.5, k)
        y = rng.normal(0, 1, k)

        def loss(tau2, y=y, v=v):
            extra = np.log((1 / (v + tau2)).sum()) / 2 if method == "ML" else 0
            return -log_restricted_likelihood(tau2, y, v) - extra

        found = optimize.minimize_scalar(loss, bounds=(0, 20), method="bounded", options={"xatol": 1e-10})
        assert loss(pool(y, v, tau2=method).tau2) <= found.fun + 1e-12


def score(tau2, y, v):
    """Twice the derivative of the restricted log-likelihood, in decimal numbers."""
    w = [1 / (x + tau2) for x in v]
    total = sum(w)
    mu = sum(a * b for a, b in zip(w, y, strict=True)) / total
    pull = sum((a * (b - mu)) ** 2 for a, b in zip(w, y, strict=True))
    return pull - total + sum(a * a for a in w) / total


def generalised_q(tau2, y, v):
    w = [1 / (x + tau2) for x in v]
    mu = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
    return sum(a * (b - mu) ** 2 for a, b in zip(w, y, strict=True))


@pytest.mark.parametrize(("smallest", "shift"), [(1e-2, 0.0), (1e-8, 0.0), (1e-8, 1000.0), (1e-16, 0.0)])
def test_no_digit_is_lost_against_sixty_digit_arithmetic(smallest, shift):
    """Signs of exact functions just below and above the answer bracket it, however far variances differ."""
    rng, near, checked = np.random.default_rng(17), Decimal("1e-12"), 0
    with localcontext(prec=60):
        for k in (2, 3, 5, 9):
            for _ in range(4):
                v = np.exp(rng.uniform(np.log(smallest), 0, k))
                y = shift + rng.normal(0, np.sqrt(v + 0.3))
                ours = pool(y, v)
                exact = [Decimal(x) for x in y], [Decimal(x) for x in v]
                roots = [(ours.tau2, lambda t, data=exact: score(t, *data))]
                for bound, p in ((ours.tau2_ci_lower, 0.975), (ours.tau2_ci_upper, 0.025)):
                    target = Decimal(float(stats.chi2.ppf(p, k - 1)))
                    roots.append(
                        (bound, lambda t, target=target, data=exact: generalised_q(t, *data) - target)
                    )
                for root, falling in roots:
                    if root > 0:
                        # the quantile of chi-squared is itself a rounded number
                        gap = near * (Decimal(root) + exact[1][int(v.argmin())])
                        assert falling(Decimal(root) - gap) > 0 > falling(Decimal(root) + gap)
                        checked += 1
    assert checked > 30


# --- invariants ----------------------------------------------------------------------------------------

effects = st.floats(-5, 5).map(lambda x: round(x, 6))
variances = st.floats(-6, 2).map(lambda x: float(10**x))
data_sets = st.integers(2, 8).flatmap(
    lambda k: st.tuples(
        st.lists(effects, min_size=k, max_size=k), st.lists(variances, min_size=k, max_size=k)
    )
)
methods, intervals = st.sampled_from(METHODS), st.sampled_from(list(INTERVALS.values()))
LOCATIONS = ["estimate", "ci_lower", "ci_upper", "prediction_lower", "prediction_upper"]
SQUARES = ["tau2", "tau2_ci_lower", "tau2_ci_upper"]


def close(a, b, unit, tolerance=1e-7):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return bool(np.all((np.abs(a - b) <= tolerance * (np.abs(b) + unit)) | (np.isnan(a) & np.isnan(b))))


@settings(max_examples=150, deadline=None)
@given(data_sets, methods, intervals, st.floats(-6, 6).map(lambda x: 10**x))
def test_scale_and_sign_equivariance(data, method, interval, factor):
    y, v = map(np.array, data)
    plain = pool(y, v, tau2=method, ci=interval)
    scaled = pool(-factor * y, factor**2 * v, tau2=method, ci=interval)
    unit = np.sqrt(np.median(v)) + np.abs(y).max()
    mirrored = ["estimate", "ci_upper", "ci_lower", "prediction_upper", "prediction_lower"]
    for ours, theirs in zip(LOCATIONS, mirrored, strict=True):
        assert close(-getattr(scaled, theirs) / factor, getattr(plain, ours), unit)
    for name in SQUARES:
        assert close(getattr(scaled, name) / factor**2, getattr(plain, name), unit**2)
    assert close(scaled.i2, plain.i2, 1, 1e-6)


@settings(max_examples=60, deadline=None)
@given(data_sets, methods, intervals)
def test_a_common_shift_moves_the_location_alone(data, method, interval):
    # in binary fractions, so that the shifted effects are exact and every lost digit is the estimator's
    y, v = np.round(np.array(data[0]) * 2**20) / 2**20, np.array(data[1])
    plain, shifted = (pool(y + shift, v, tau2=method, ci=interval) for shift in (0, 2**20))
    for name in NUMBERS:
        got, expected = getattr(shifted, name), getattr(plain, name)
        if name in LOCATIONS:
            # half a unit in the last place of a million is 1e-10
            assert got - 2**20 == pytest.approx(expected, abs=1e-9, nan_ok=True), name
        elif name != "p_value":
            assert got == pytest.approx(expected, rel=1e-11, abs=1e-300, nan_ok=True), name


@settings(max_examples=100, deadline=None)
@given(data_sets, methods, intervals, st.randoms(use_true_random=False))
def test_order_of_studies_does_not_matter(data, method, interval, random):
    y, v = map(np.array, data)
    order = list(range(y.size))
    random.shuffle(order)
    plain, shuffled = (pool(y[i], v[i], tau2=method, ci=interval) for i in (slice(None), order))
    unit = np.sqrt(np.median(v)) + np.abs(y).max()
    for name in LOCATIONS:
        assert close(getattr(shuffled, name), getattr(plain, name), unit)
    assert close(shuffled.weights, plain.weights[order], 1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_the_same_as_a_loop(method):
    rng = np.random.default_rng(2)
    v = np.exp(rng.uniform(-6, 1, (4, 60, 5)))
    y = rng.normal(0, np.sqrt(v + rng.choice([0, 0.3], (4, 60, 1))))
    batch = pool(y, v, tau2=method)
    for i in np.ndindex(4, 60):
        one = pool(y[i], v[i], tau2=method)
        for name in NUMBERS:
            ours, reference = getattr(batch, name)[i], getattr(one, name)
            assert np.isclose(ours, reference, rtol=1e-12, atol=1e-12, equal_nan=True), name
        assert batch.message[i] == one.message
        assert np.allclose(batch.weights[i], one.weights, rtol=1e-12, atol=0)


@settings(max_examples=100, deadline=None)
@given(data_sets)
def test_duplicating_every_study_narrows_a_common_effect_interval(data):
    y, v = map(np.array, data)
    once = pool(y, v, tau2="FE", ci="wald")
    twice = pool(np.tile(y, 2), np.tile(v, 2), tau2="FE", ci="wald")
    assert twice.ci_upper - twice.ci_lower < once.ci_upper - once.ci_lower


@settings(max_examples=100, deadline=None)
@given(data_sets, methods, intervals)
def test_every_number_is_explained(data, method, interval):
    result = pool(*data, tau2=method, ci=interval)
    for name in NUMBERS:
        value = getattr(result, name)
        assert isinstance(value, float)
        assert np.isfinite(value) or (method == "FE" and name.startswith("prediction"))
    assert result.ci_lower <= result.estimate <= result.ci_upper
    assert result.tau2_ci_lower <= result.tau2_ci_upper
    assert result.weights.sum() == pytest.approx(1)
    assert ("no prediction interval" in result.message) == (method == "FE")


@settings(max_examples=60, deadline=None)
@given(data_sets, methods)
def test_prediction_and_confidence_interval_agree_without_heterogeneity(data, method):
    result = pool(*data, tau2=method)
    if method != "FE":
        assert result.prediction_upper - result.ci_upper >= -1e-9 * (1 + abs(result.ci_upper))
        if result.tau2 == 0:
            assert result.prediction_upper == pytest.approx(result.ci_upper)


def test_generalised_q_meets_its_target_at_extreme_variance_ratios():
    y, v = np.array([1.0, 0.2, -1.0, 3.0]), np.array([1e-9, 1e-4, 1.0, 1e3])
    targets = (3.0, 0.2, 9.0)
    for found, target in zip(solve_generalised_q(y, v, targets), targets, strict=True):
        w = 1 / (v + found)
        mu = (w * y).sum() / w.sum()
        assert (w * (y - mu) ** 2).sum() == pytest.approx(target, rel=1e-9)


# --- moderators ----------------------------------------------------------------------------------------


def test_moderators_make_it_a_regression():
    y, v = np.array([0.1, 0.5, 0.9, 1.0]), np.array([0.1, 0.2, 0.1, 0.3])
    dose = np.array([0.2, 0.4, 1.0, 2.0])
    x = np.column_stack([np.ones(4), dose])
    ours = pool(y, v, tau2="FE", ci="wald", moderators=dose, level=0.9)
    beta, cov, _ = dense(y, np.diag(v), np.eye(4), x, 0.0)
    assert ours.coefficients == pytest.approx(beta, rel=1e-12)
    assert ours.se == pytest.approx(np.sqrt(np.diag(cov)), rel=1e-12)
    assert ours.ci_upper == pytest.approx(beta + stats.norm.ppf(0.95) * np.sqrt(np.diag(cov)), rel=1e-12)
    assert ours.df == 2


def test_a_regression_has_no_prediction_interval():
    with pytest.raises(ValueError, match=r"^prediction: must be left out with moderators"):
        pool([0.1, 0.2, 0.3], [1, 1, 1], moderators=[1, 2, 4], prediction="k-2")
    with pytest.raises(ValueError, match=r"^moderators: "):
        pool([0.1, 0.2, 0.3], [1, 1, 1], moderators=[1, 2])


# --- typed trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_one_study(method):
    result = pool([0.3], [0.04], tau2=method)
    assert result.k == 1
    assert (result.estimate, result.se, result.tau2) == (0.3, pytest.approx(0.2), 0.0)
    assert np.isnan(result.tau2_ci_lower)
    assert "one study" in result.message
    assert "Wald" in result.message


@pytest.mark.parametrize("method", METHODS)
def test_identical_effects(method):
    result = pool([0.5] * 5, [0.1] * 5, tau2=method)
    assert result.tau2 == 0
    assert (result.tau2_ci_lower, result.tau2_ci_upper) == (0, 0)
    assert result.ci_lower == result.ci_upper == 0.5
    assert "no width" in result.message
    assert "empty" in result.message
    assert "no width" not in pool([0.5] * 5, [0.1] * 5, tau2=method, ci="HKSJ-guarded").message
    assert pool([0.0] * 3, [0.1] * 3, tau2=method).p_value == 1


@pytest.mark.parametrize("method", METHODS)
def test_variances_that_differ_more_than_ten_million_fold(method):
    result = pool([0.1, 0.5, -0.2, 0.4], [1e-7, 1, 10, 0.01], tau2=method)
    assert np.isfinite([result.estimate, result.tau2, result.tau2_ci_upper]).all()
    assert "ten-million-fold" in result.message


def test_too_few_studies_for_the_prediction_interval():
    result = pool([0.1, 0.4], [0.1, 0.2], prediction="k-2")
    assert "too few studies for k-2" in result.message
    assert pool([0.1, 0.4, 0.3], [0.1, 0.2, 0.1], prediction="k-2").message == ""


def test_old_papers_print_the_other_i2():
    result = pool([0.1, 0.9, 0.2], [0.05, 0.1, 0.1])
    assert result.i2_q == pytest.approx(pool([0.1, 0.9, 0.2], [0.05, 0.1, 0.1], tau2="DL").i2)
    assert pool([0.1], [0.05]).i2_q == 0


BAD = [
    ({"y": [0.1, np.nan], "v": [1, 1]}, "^y: every value must be a finite number"),
    ({"y": [0.1, 0.2], "v": [1, 0]}, "^v: every variance must be positive"),
    ({"y": [0.1, 0.2], "v": [1, -1]}, "^v: every variance must be positive"),
    ({"y": [0.1, 0.2], "v": [1, np.inf]}, "^v: every value must be a finite number"),
    ({"y": [0.1, 0.2], "v": [1, 1, 1]}, "^v: shape"),
    ({"y": [], "v": []}, "^y: needs at least one study"),
    ({"y": 0.1, "v": 1}, "^y: needs at least one study"),
    ({"y": np.empty((0, 3)), "v": np.empty((0, 3))}, "^y: needs at least one study"),
    ({"y": ["a"], "v": [1]}, "^y: must be numbers"),
    ({"y": [0.1], "v": [1], "tau2": "reml"}, "^tau2: 'reml' is not one of FE, DL"),
    ({"y": [0.1], "v": [1], "ci": "knha"}, "^ci: 'knha' is not one of"),
    ({"y": [0.1], "v": [1], "prediction": "k"}, "^prediction: 'k' is not one of"),
    ({"y": [0.1], "v": [1], "level": 95}, "^level: must lie strictly between 0 and 1"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_names_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        pool(**arguments)


def test_ten_thousand_data_sets_are_one_call():
    rng = np.random.default_rng(1)
    v = rng.uniform(0.02, 0.3, (10_000, 10))
    result = pool(rng.normal(0.3, np.sqrt(v + 0.05)), v, ci="HKSJ-guarded")
    assert result.estimate.shape == result.message.shape == (10_000,)
    assert result.weights.shape == (10_000, 10)
    covered = np.mean((result.ci_lower < 0.3) & (result.ci_upper > 0.3))
    assert 0.94 < covered < 0.965


def test_effects_that_differ_by_next_to_nothing_have_no_spread() -> None:
    # the variance of the effects is 2e-314, too small to divide by; a warning would fail this test
    assert pool(np.array([0.0, 3e-157]), np.ones(2), tau2="SJ").tau2 == 0.0
