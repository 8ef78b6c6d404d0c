"""Designs apart, and the weight that some may lend, against single fits and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.policy import summarise
from globulin.synthesis.pooling import pool
from globulin.synthesis.priors import HalfNormal
from globulin.synthesis.strata import stratify

Y = np.array([0.5, 0.3, 0.9, 1.1, np.nan, 2.0])
V = np.array([0.05, 0.04, 0.06, 0.03, np.nan, 0.01])
DESIGNS = ["rct", "rct", "non_randomised", "non_randomised", "report", "series"]


def test_designs_are_never_pooled_by_default() -> None:
    found = stratify(Y, V, DESIGNS, measure="SMD")
    assert [stratum.design for stratum in found.strata] == ["rct", "non_randomised", "series", "report"]
    assert found.answer == summarise(Y[:2], V[:2], measure="SMD")
    others = found.strata[1]
    assert others.summary == summarise(Y[2:4], V[2:4], measure="SMD")
    assert (others.may_enter, others.k) == ("on request", 2)
    assert found.borrowed is None
    assert "not averaged" in found.words


def test_what_has_no_control_never_enters() -> None:
    found = stratify(Y, V, DESIGNS, measure="SMD", weight=1.0)
    series, report = found.strata[2:]
    assert (series.may_enter, series.k, series.k_listed, series.summary) == ("never", 1, 1, None)
    assert (report.may_enter, report.k, report.k_listed, report.summary) == ("never", 0, 1, None)
    assert "control group" in series.reason
    assert found.borrowed.summary.k == 4


def test_a_share_of_one_group_may_stand_by_itself() -> None:
    """A proportion compares nothing, so a series has one; it still never joins the trials."""
    found = stratify([0.2, 0.4], [0.1, 0.1], ["rct", "series"], measure="PLO")
    assert found.strata[1].summary.k == 1
    assert found.strata[1].may_enter == "never"


def test_full_weight_takes_them_for_trials_and_none_leaves_them_out() -> None:
    full = stratify(Y, V, DESIGNS, measure="SMD", weight=1.0).borrowed
    assert full.summary == summarise(Y[:4], V[:4], measure="SMD")
    none = stratify(Y, V, DESIGNS, measure="SMD", weight=0.0).borrowed
    assert none.summary == summarise(Y[:2], V[:2], measure="SMD")
    # the surface against single fits, as in test_robustness.py
    assert full.curve.estimate[-1] == pytest.approx(full.summary.primary.estimate, abs=3e-6)
    assert full.curve.estimate[0] == pytest.approx(none.summary.primary.estimate, abs=3e-6)
    assert full.curve.ci_lower[0] == pytest.approx(none.summary.primary.ci_lower, abs=3e-6)


def test_the_variance_is_divided_by_the_weight() -> None:
    """Ibrahim & Chen 2000 for a normal effect; a common effect is then a weighted mean by hand."""
    found = stratify(Y, V, DESIGNS, measure="SMD", weight=0.3).borrowed
    v = V[:4] / np.array([1, 1, 0.3, 0.3])
    fit = pool_bayes(Y[:4], v, tau_prior=HalfNormal(0.5))
    assert found.summary.primary.estimate == pytest.approx(fit.median, rel=1e-12)
    assert np.interp(0.3, found.curve.x, found.curve.estimate) == pytest.approx(fit.median, abs=3e-6)
    common = next(each for each in found.summary.beside if each.id == "common_effect")
    w = np.array([1 / 0.05, 1 / 0.04, 0.3 / 0.06, 0.3 / 0.03])
    assert common.estimate == pytest.approx(w @ Y[:4] / w.sum(), rel=1e-12)


def test_the_tipping_weight_is_on_the_edge() -> None:
    curve = stratify(Y, V, DESIGNS, measure="SMD", weight=0.5, worth_it=0.5).borrowed.curve
    (at,) = curve.flip("interval_above_zero").at
    v = V[:4] / np.array([1, 1, at, at])
    assert pool_bayes(Y[:4], v, tau_prior=HalfNormal(0.5)).ci_lower == pytest.approx(0, abs=2e-6)
    (at,) = curve.flip("estimate_worth_it").at
    v = V[:4] / np.array([1, 1, at, at])
    assert pool_bayes(Y[:4], v, tau_prior=HalfNormal(0.5)).median == pytest.approx(0.5, abs=2e-6)


def test_many_studies_lend_weight_to_the_guarded_interval() -> None:
    y, v = np.array([0.1, 0.4, 0.2, 0.8, 0.9]), np.full(5, 0.05)
    found = stratify(y, v, ["rct"] * 3 + ["non_randomised"] * 2, measure="SMD", weight=0.5).borrowed
    assert found.curve.method == "hksj_guarded"
    half = pool(y, v / np.array([1, 1, 1, 0.5, 0.5]), ci="HKSJ-guarded")
    assert found.curve.estimate[20] == pytest.approx(half.estimate, rel=1e-12)
    assert found.curve.estimate[0] == pytest.approx(pool(y[:3], v[:3]).estimate, rel=1e-12)
    assert "jumps" in found.curve.message


def test_mean_differences_keep_one_prior_along_the_curve() -> None:
    """In standard deviations the same: v = 4 sd^2 / n, and the weight divides the people as it does 1/v."""
    sd, n = 8.0, np.array([40.0, 60.0, 100.0])
    y, designs = np.array([3.0, 5.0, 9.0]), ["rct", "rct", "non_randomised"]
    own = stratify(y, 4 * sd**2 / n, designs, measure="MD", n=n, weight=0.4).borrowed
    standard = stratify(y / sd, 4 / n, designs, measure="SMD", weight=0.4).borrowed
    assert own.summary.primary.estimate == pytest.approx(sd * standard.summary.primary.estimate, rel=1e-8)
    assert np.array(own.curve.ci_upper) == pytest.approx(sd * np.array(standard.curve.ci_upper), abs=1e-4)


def test_nothing_to_weigh_is_said() -> None:
    alone = stratify([0.1, 0.2], [0.1, 0.1], ["rct", "series"], measure="SMD", weight=0.5)
    assert (alone.borrowed, alone.message.startswith("no comparison without")) == (None, True)
    others = stratify([0.1, 0.2], [0.1, 0.1], ["non_randomised"] * 2, measure="SMD", weight=0.5)
    assert (others.borrowed, others.answer) == (None, None)
    assert others.message.startswith("no randomised trial")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"designs": ["rct"]}, "designs: give one design"),
        ({"designs": ["rct", "cohort"]}, "designs: 'cohort' is not one of"),
        ({"weight": 1.5}, "weight: must lie between"),
        ({"level": 0}, "level: must lie"),
    ],
)
def test_bad_arguments_are_named(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        stratify([0.1, 0.2], [0.1, 0.1], **({"designs": ["rct", "rct"], "measure": "SMD"} | arguments))
