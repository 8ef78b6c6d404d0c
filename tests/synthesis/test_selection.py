"""The step-function selection model against R metafor, an independent likelihood and a general optimiser."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy import optimize, stats

from globulin.synthesis.pooling import pool
from globulin.synthesis.selection import selection_model
from synthesis.references import analyses

# metafor stopped below the maximum (by 4e-5 on a ridge, 1e-6, 0.14 and 2.5 in log-likelihood)
METAFOR_STOPS_EARLY = {"normand1999/MD", "edge/extreme_het", "edge/k5_tiny_vi", "edge/huge_vi_ratio"}
# Significant and other results: all numbers of the model are determined
BOTH_SIDES = {"pritz1997_prop/PLO", "molloy2014_cor/ZCOR", "molloy2014_cor/COR", "raudenbush1985/GEN"}


def log_likelihood(y, v, mean, tau2, weight, step=0.025):
    total = np.sqrt(v + tau2)
    printed = stats.norm.sf(y / np.sqrt(v)) <= step
    chances = np.where(printed, 1.0, weight)
    above = stats.norm.sf(stats.norm.isf(step) * np.sqrt(v), mean, total)
    return np.sum(np.log(chances) + stats.norm.logpdf(y, mean, total) - np.log(above + weight * (1 - above)))


def test_agrees_with_metafor_or_is_likelier():
    compared = 0
    for name, y, v, reference in analyses():
        ref, ours = reference["selmodel_stepfun_025"], selection_model(y, v)
        if "error" in ref:
            continue
        theirs = log_likelihood(y, v, ref["beta"], ref["tau2"], ref["delta"][1])
        assert ours.log_likelihood >= theirs - 1e-9, name
        own = log_likelihood(y, v, ours.estimate, ours.tau2, ours.weight)
        assert ours.log_likelihood == pytest.approx(own, rel=1e-9, abs=1e-9), name
        if name in METAFOR_STOPS_EARLY:
            continue
        assert ours.estimate == pytest.approx(ref["beta"], rel=1e-3), name
        # its optimiser leaves the weight short of its bound of 100, which costs it this much
        assert ours.statistic == pytest.approx(ref["LRT"], abs=4e-3), name
        compared += 1
        if name in BOTH_SIDES:
            assert (ours.se, ours.weight) == pytest.approx((ref["se"], ref["delta"][1]), rel=1e-3)
            assert ours.statistic == pytest.approx(ref["LRT"], rel=1e-3)
            assert ours.test_p_value == pytest.approx(ref["LRTp"], rel=1e-3)
            assert ours.tau2 == pytest.approx(ref["tau2"], rel=1e-3, abs=1e-4 * np.median(v))
            assert ours.informative
    assert compared == 35


def test_agrees_with_a_general_optimiser():
    rng = np.random.default_rng(8)
    for _ in range(4):
        v = rng.uniform(0.02, 0.3, 15)
        y = rng.normal(0.3, np.sqrt(v + 0.1))
        ours = selection_model(y, v)
        best = min(
            optimize.minimize(
                lambda x, y=y, v=v: -log_likelihood(y, v, x[0], x[1], x[2]),
                [0.3, tau2, weight],
                bounds=[(-5, 5), (0, 5), (1e-6, 100)],
            ).fun
            for tau2 in (0.0, 0.3)
            for weight in (0.2, 1.0, 5.0)
        )
        assert ours.log_likelihood >= -best - 1e-7


def test_it_undoes_a_known_selection():
    # every study is kept if significant, else one in five: the plain mean is far too high
    rng = np.random.default_rng(9)
    v = rng.uniform(0.02, 0.2, 8000)
    y = rng.normal(0.1, np.sqrt(v + 0.02))
    kept = (y / np.sqrt(v) > stats.norm.isf(0.025)) | (rng.random(8000) < 0.2)
    ours = selection_model(y[kept], v[kept])
    assert pool(y[kept], v[kept]).estimate > 0.17
    assert ours.estimate == pytest.approx(0.1, abs=3 * ours.se)
    assert ours.weight == pytest.approx(0.2, abs=3 * ours.weight_se)
    assert ours.se < 0.03
    assert ours.test_p_value < 1e-10


def test_units_order_and_direction_do_not_matter():
    y = np.array([0.4, 0.9, 0.1, 1.2, -0.1, 0.8])
    v = np.array([0.03, 0.1, 0.05, 0.2, 0.04, 0.06])
    one = selection_model(y, v)
    for c in (1e-6, 1e6):
        other = selection_model(c * y, c * c * v)
        assert other.estimate == pytest.approx(c * one.estimate, rel=1e-6)
        assert other.se == pytest.approx(c * one.se, rel=1e-4)
    turned = selection_model(-y[::-1], v[::-1], alternative="less")
    assert turned.estimate == pytest.approx(-one.estimate, rel=1e-6)
    assert (turned.weight, turned.tau2) == pytest.approx((one.weight, one.tau2), rel=1e-5)
    assert (turned.ci_lower, turned.ci_upper) == pytest.approx((-one.ci_upper, -one.ci_lower), rel=1e-4)


def test_it_says_when_nothing_can_be_learnt():
    few = selection_model([0.1, 0.2], [1, 1])
    assert np.isnan(
        [getattr(few, f.name) for f in fields(few) if f.name not in ("informative", "message")]
    ).all()
    assert "fewer than three" in few.message
    null = selection_model(np.linspace(-0.2, 0.3, 12), np.full(12, 0.1))
    assert not null.informative
    assert "one side of the threshold" in null.message
    nine = selection_model([0.1, 0.9, 0.4, 0.5, 0.2, 0.3, 0.9, 0.1, 0.2], [0.05] * 9)
    assert not nine.informative
    assert "below 10 studies" in nine.message


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("y", {"y": [0.1, np.nan, 0.3]}),
        ("y", {"y": np.ones((2, 3))}),
        ("v", {"v": [1, 0, 1]}),
        ("step", {"step": 0}),
        ("level", {"level": 95}),
        ("alternative", {"alternative": "two-sided"}),
    ],
)
def test_bad_arguments_are_named(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}: "):
        selection_model(**({"y": [0.1, 0.2, 0.3], "v": [1, 1, 1]} | arguments))
