"""Arms that share a control: hand results, dense algebra and hostile input."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from globulin.synthesis.effects import effect_size
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.multiarm import Covariance, shared_control_covariance
from globulin.synthesis.pooling import pool
from globulin.synthesis.regression import regress
from synthesis.dense import dense, highest

MEANS = {
    "mean1": [4.0, 5.0, 6.5, 3.0], "sd1": [2.0, 2.5, 2.2, 1.9], "n1": [20, 25, 18, 30],
    "mean2": [3.0, 3.0, 3.0, 2.5], "sd2": [2.1, 2.1, 2.1, 2.0], "n2": [22, 22, 22, 28],
}  # fmt: skip
COUNTS = {
    "events1": [8, 11, 4, 9],
    "n1": [20, 25, 18, 30],
    "events2": [5, 5, 5, 6],
    "n2": [22, 22, 22, 28],
}
TRIAL = ["a", "a", "a", "b"]


def variance_of_difference(contrasts, i, j):
    v = contrasts.covariance.sampling
    return v[i, i] + v[j, j] - 2 * v[i, j]


def test_mean_differences_from_one_control_compare_the_arms_directly():
    contrasts = shared_control_covariance("MD", TRIAL, **MEANS)
    y, v = effect_size("MD", **MEANS)
    assert contrasts.y == pytest.approx(y)
    assert np.diagonal(contrasts.covariance.sampling) == pytest.approx(v)
    # arms 0 and 2 against each other: the control must drop out
    assert variance_of_difference(contrasts, 0, 2) == pytest.approx(2.0**2 / 20 + 2.2**2 / 18)
    assert contrasts.covariance.sampling[0, 3] == 0
    assert contrasts.covariance.between[0].tolist() == [1, 0.5, 0.5, 0]


def test_odds_ratios_from_one_control_compare_the_arms_directly():
    contrasts = shared_control_covariance("OR", TRIAL, **COUNTS)
    direct = effect_size("OR", events1=8, n1=20, events2=11, n2=25)
    assert contrasts.y[0] - contrasts.y[1] == pytest.approx(float(direct.y))
    assert variance_of_difference(contrasts, 0, 1) == pytest.approx(float(direct.v))
    assert not contrasts.corrected.any()


def test_standardised_differences_follow_gleser_and_olkin():
    contrasts = shared_control_covariance("SMD", TRIAL, **MEANS)
    d = contrasts.y
    people = 20 + 25 + 18 + 22
    pooled = np.sqrt((19 * 2.0**2 + 24 * 2.5**2 + 17 * 2.2**2 + 21 * 2.1**2) / (people - 4))
    correction = 1 - 3 / (4 * (people - 4) - 1)
    assert d[:3] == pytest.approx(correction * np.array([1, 2, 3.5]) / pooled, rel=1e-4)
    expected = 1 / 20 + 1 / 25 + (d[0] - d[1]) ** 2 / (2 * people)
    assert variance_of_difference(contrasts, 0, 1) == pytest.approx(expected)
    # a trial with two arms is the ordinary standardised mean difference
    y, v = effect_size("SMD", **MEANS)
    assert (d[3], contrasts.covariance.sampling[3, 3]) == pytest.approx((y[3], v[3]))


def test_an_empty_cell_corrects_its_whole_trial():
    counts = COUNTS | {"events1": [8, 0, 4, 9]}
    contrasts = shared_control_covariance("OR", TRIAL, **counts)
    assert contrasts.corrected.tolist() == [True, True, True, False]
    assert contrasts.y[0] == pytest.approx(np.log(8.5 * 17.5 / (12.5 * 5.5)))
    with pytest.raises(ValueError, match=r"^correction"):
        shared_control_covariance("OR", TRIAL, correction=0, **counts)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("method", ["REML", "ML", "DL", "PM", "FE", "HE", "HS", "EB"])
def test_correlated_effects_agree_with_dense_algebra(method, correlation):
    y, covariance = shared_control_covariance("MD", TRIAL, between_correlation=correlation, **MEANS)
    y = y + np.array([0, 3, -2, 4])
    dose = np.array([0.5, 1, 2, 1])
    x = np.column_stack([np.ones(4), dose])
    ours = regress(y, covariance, dose, tau2=method, ci="wald")
    matrices = (y, covariance.sampling, covariance.between, x)
    beta, cov, value = dense(*matrices, ours.tau2, method == "REML")
    assert ours.coefficients == pytest.approx(beta)
    assert ours.covariance == pytest.approx(cov)
    if method != "REML":
        assert ours.log_likelihood == pytest.approx(value)
    if method in ("REML", "ML"):
        assert ours.tau2 > 0
        assert value >= highest(*matrices, method == "REML", 1e3) - 1e-9


def test_an_uncorrelated_covariance_is_the_plain_regression():
    y, v, x = np.array([0.3, 0.1, 0.9, -0.4]), np.array([0.1, 0.2, 0.05, 0.3]), [1, 2, 3, 5]
    dense_v = Covariance(np.diag(v), np.eye(4))
    for method in set(get_args(Tau2Method)) - {"SJ"}:
        plain, general = (regress(y, value, x, tau2=method) for value in (v, dense_v))
        for name in (
            "coefficients",
            "se",
            "covariance",
            "tau2",
            "se_tau2",
            "qm",
            "qe",
            "i2",
            "r2",
            "log_likelihood",
        ):
            assert getattr(general, name) == pytest.approx(getattr(plain, name), rel=1e-9, nan_ok=True), name


def test_counting_shared_controls_as_independent_claims_too_much():
    y, covariance = shared_control_covariance("MD", TRIAL, **MEANS)
    honest = regress(y, covariance, tau2="FE", ci="wald")
    naive = pool(y, np.diagonal(covariance.sampling), tau2="FE", ci="wald")
    assert honest.se[0] > 1.15 * naive.se


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("measure", {"measure": "RR"}),
        ("trial", {"trial": ["a", "b"]}),
        ("n2", {"n2": [22, 21, 22, 28]}),
        ("sd1", {"sd1": [0, 1, 1, 1]}),
        ("between_correlation", {"between_correlation": 1}),
    ],
)
def test_bad_arms_are_named(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}: "):
        shared_control_covariance(**({"measure": "MD", "trial": TRIAL, **MEANS} | arguments))


@pytest.mark.parametrize(
    "matrix", [[[1, 2], [2, 1]], [[1, 0.5], [0.4, 1]], [1, 2], [[1, np.nan], [np.nan, 1]]]
)
def test_a_covariance_must_be_one(matrix):
    with pytest.raises(ValueError, match=r"^sampling: "):
        Covariance(np.array(matrix), np.eye(2))
    with pytest.raises(ValueError, match=r"^between: "):
        Covariance(np.eye(3), np.eye(2))
