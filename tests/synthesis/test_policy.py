"""The policy against the papers it names, R metafor and bayesmeta, closed forms, and its own promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.methods import METHODS
from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.empirical_priors import rhodes, turner
from globulin.synthesis.policy import RULES, PolicySummary, rule_for, scale_of, summarise
from globulin.synthesis.priors import HalfNormal, Normal
from globulin.synthesis.summaries import METHOD_NAMES
from synthesis.references import bayesmeta, metafor

SCALES = ("log_odds", "standardised", "log_ratio", "own_unit", "unknown")
Z975 = 1.959963984540054


def by_id(summary: PolicySummary) -> dict[str, object]:
    return {each.id: each for each in summary.summaries}


# --- the table ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("censored", [False, True])
def test_one_rule_for_any_number_of_studies(scale: str, censored: bool) -> None:
    for k in (*range(1, 12), 100, 10_000):
        fitting = [
            rule
            for rule in RULES
            if rule.least_k <= k <= (rule.most_k or k) and scale in rule.scales and rule.censored == censored
        ]
        assert len(fitting) == 1
        assert rule_for(k, scale, censored=censored) is fitting[0]
    assert rule_for(0, scale, censored=censored) is None


@pytest.mark.parametrize("scale", ["log_odds", "standardised", "log_ratio"])
def test_the_policy_by_number_of_studies(scale: str) -> None:
    """As agreed: 1 no pooling; 2 to 4 Bayes with half-normal(0.5); 5 and more REML with the guard."""
    assert rule_for(1, scale).primary == "own_effect"
    for k in (2, 3, 4):
        rule = rule_for(k, scale)
        assert rule.primary == "bayes_half_normal_0.5"
        assert {"bayes_half_normal_1", "hksj_guarded", "common_effect"} <= set(rule.beside)
    assert rule_for(5, scale).primary == "hksj_guarded"
    assert "bayes_half_normal_0.5" in rule_for(5, scale).beside
    for k in (2, 5, 50):
        assert rule_for(k, scale, censored=True).primary == "bayes_half_normal_0.5"


def test_hartung_knapp_never_stands_alone() -> None:
    for rule in RULES:
        if rule.primary == "hksj_guarded":
            assert rule.beside


def test_every_rule_has_a_reason_and_papers_that_exist() -> None:
    papers = {method.id for method in METHODS}
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.reason.endswith(".")
        assert set(rule.methods) <= papers
        # a choice that rests on nothing: the study itself, or nothing said
        assert rule.methods or rule.primary in ("own_effect", None)
        assert {rule.primary, *rule.beside} - {None} <= set(METHOD_NAMES)


def test_scales() -> None:
    assert [scale_of(measure) for measure in ("OR", "SMD", "RR", "RD", "GEN")] == [
        "log_odds", "standardised", "log_ratio", "unknown", "unknown",
    ]  # fmt: skip
    assert (scale_of("MD"), scale_of("MD", with_people=True)) == ("unknown", "own_unit")


# --- numbers from outside ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["crins2014_PTLD_k3_OR", "crins2014_AR_rct_k2_OR", "cannon2006_k4_OR"])
def test_bayesian_summaries_against_bayesmeta(name: str) -> None:
    data = bayesmeta()[name]
    y, v = np.array(data["input"]["y"]), np.array(data["input"]["sigma"]) ** 2
    found = by_id(summarise(y, v, measure="OR", empirical=turner("symptoms", "drug_placebo"), worth_it=0.0))
    # the tolerances of tests/synthesis/test_bayes.py: bayesmeta's own grid of tau is that coarse
    for ours, theirs in (
        ("bayes_half_normal_0.5", "hn0.5__mu_flat"),
        ("bayes_half_normal_1", "hn1__mu_flat"),
        ("bayes_turner", "turner_signs_pharm_placebo__mu_flat"),
    ):
        reference = data["results"][theirs]
        assert found[ours].estimate == pytest.approx(reference["summary"]["mu"][1], abs=3e-4)
        assert found[ours].tau == pytest.approx(reference["summary"]["tau"][1], abs=3e-4)
        assert found[ours].probability_above_zero == pytest.approx(1 - reference["p_mu_le_0"], abs=3e-4)
        assert found[ours].probability_worth_it == found[ours].probability_above_zero
    central = data["results"]["hn0.5__mu_flat__central"]["summary"]
    primary = found["bayes_half_normal_0.5"]
    assert (primary.ci_lower, primary.ci_upper) == pytest.approx(tuple(central["mu"][4:6]), abs=3e-3)
    # the widest of the differences that test_bayes.py shows by adaptive quadrature to be bayesmeta's
    assert (primary.prediction_lower, primary.prediction_upper) == pytest.approx(
        tuple(central["theta"][4:6]), abs=6e-3
    )


@pytest.mark.parametrize("case", ["k2_heter", "k3_zero_tau", "k2_homog"])
def test_classical_summaries_against_metafor(case: str) -> None:
    reference = metafor()["edge_cases"]["cases"][case]
    y, v = (np.atleast_1d(np.array(reference["input"][column], dtype=float)) for column in ("yi", "vi"))
    found = by_id(summarise(y, v, measure="SMD"))
    fits = reference["analysis"]["fits"]
    for ours, fit in (("hksj_guarded", fits["REML_adhoc"]), ("common_effect", fits["FE_z"])):
        numbers = found[ours].estimate, found[ours].se, found[ours].ci_lower, found[ours].ci_upper
        assert numbers == pytest.approx(
            (fit["beta"], fit["se"], fit["ci_lb"], fit["ci_ub"]), rel=1e-6, abs=1e-9
        )
        assert found[ours].p_value == pytest.approx(fit["pval"], rel=1e-6)
    assert found["hksj_guarded"].tau == pytest.approx(fits["REML_adhoc"]["tau2"] ** 0.5, rel=1e-5, abs=1e-6)
    assert found["common_effect"].tau is None
    assert found["common_effect"].prediction_lower is None


def test_five_studies_speak_with_the_guarded_interval_and_q_profile() -> None:
    reference = metafor()["edge_cases"]["cases"]["k5_tiny_vi"]
    y, v = (np.array(reference["input"][column], dtype=float) for column in ("yi", "vi"))
    answer = summarise(y, v, measure="SMD")
    fit, profile = reference["analysis"]["fits"]["REML_adhoc"], reference["analysis"]["tau2_ci"]["REML_QP"]
    assert answer.primary.id == "hksj_guarded"
    assert (answer.primary.ci_lower, answer.primary.ci_upper) == pytest.approx(
        (fit["ci_lb"], fit["ci_ub"]), rel=1e-5
    )
    assert answer.primary.tau_upper == pytest.approx(profile["ub"][0] ** 0.5, rel=1e-4)
    # t with k - 1 = 4 degrees of freedom, 2.776445: the prediction interval holds the confidence interval
    half = 2.7764451 * (answer.primary.tau**2 + answer.primary.se**2) ** 0.5
    assert answer.primary.prediction_upper == pytest.approx(answer.primary.estimate + half, rel=1e-6)


def test_one_study_is_itself() -> None:
    answer = summarise([0.5], [0.04], measure="SMD")
    assert (answer.rule.id, answer.primary.id, answer.beside) == ("one_study", "own_effect", ())
    assert (answer.primary.ci_lower, answer.primary.ci_upper) == pytest.approx(
        (0.5 - 0.2 * Z975, 0.5 + 0.2 * Z975), rel=1e-12
    )
    # 2 (1 - Phi(2.5)), from tables of the normal distribution
    assert answer.primary.p_value == pytest.approx(0.0124193, abs=1e-6)
    assert answer.primary.tau is None


def test_a_common_effect_by_hand() -> None:
    """Weights 1, 1/4, 1/4: mean (1 + 0.5 + 0.75) / 1.5 = 1.5, variance 1 / 1.5."""
    common = by_id(summarise([1.0, 2.0, 3.0], [1.0, 4.0, 4.0], measure="RR"))["common_effect"]
    assert common.estimate == pytest.approx(1.5, rel=1e-12)
    assert common.se == pytest.approx(1.5**-0.5, rel=1e-12)


# --- scales ------------------------------------------------------------------------------------------


def test_mean_differences_are_treated_as_if_in_standard_deviations() -> None:
    """Two groups of one size have v = 4 sd^2 / n, so half a standard deviation is known exactly."""
    sd, n = 12.5, np.array([40.0, 100.0, 60.0])
    y, v = np.array([3.0, 9.0, -1.0]), 4 * sd**2 / n
    found = summarise(y, v, n=n, measure="MD")
    assert found.rule.id == "few_own_unit"
    standard = pool_bayes(y / sd, v / sd**2, tau_prior=HalfNormal(0.5))
    for name in ("median", "ci_lower", "ci_upper"):
        ours = getattr(found.primary, {"median": "estimate"}.get(name, name))
        assert ours == pytest.approx(sd * getattr(standard, name), rel=1e-8)
    assert "12.5" in found.primary.words
    assert "no meaning" in found.reason


def test_where_a_prior_has_no_meaning_none_is_used() -> None:
    found = summarise([0.1, 0.2, 0.4], [0.01, 0.02, 0.03], measure="RD")
    assert found.primary.id == "hksj_guarded"
    assert [each.id for each in found.beside] == ["common_effect"]
    assert "no meaning" in found.reason


def test_too_many_studies_for_a_prior() -> None:
    y = np.linspace(-1, 1, 1001)
    found = summarise(y, np.full(y.size, 0.1), measure="OR")
    assert [each.id for each in found.beside] == ["common_effect"]
    assert "no longer matters" in found.not_defined[0].reason


# --- studies inside a bound --------------------------------------------------------------------------


def test_ranges_allow_only_bayes() -> None:
    found = summarise(
        [0.9, 0.5], [0.16, 0.06], measure="SMD", censored_bound=[0.8], censored_se=[0.4],
        mu_prior=Normal(0, 2), worth_it=0.5,
    )  # fmt: skip
    assert (found.k, found.k_censored) == (2, 1)
    assert [each.id for each in found.summaries] == [
        "bayes_half_normal_0.5", "bayes_half_normal_1", "bayes_rhodes",
    ]  # fmt: skip
    assert {each.id for each in found.not_defined} == {"hksj_guarded", "common_effect"}
    assert all(each.p_value is None for each in found.summaries)
    # a censored null pulls towards zero and never away
    without = summarise([0.9, 0.5], [0.16, 0.06], measure="SMD", mu_prior=Normal(0, 2))
    assert 0 < found.primary.estimate < without.primary.estimate


@pytest.mark.parametrize("bounds", [[0.8], [0.8, 0.5, 0.4]])
def test_ranges_alone_say_nothing(bounds: list[float]) -> None:
    found = summarise([], [], measure="SMD", censored_bound=bounds, censored_se=[0.3] * len(bounds))
    assert found.primary is None
    assert found.message.startswith("A range without any number")
    assert found.summaries == ()


def test_ranges_on_a_scale_without_a_prior_are_refused_in_words() -> None:
    found = summarise([0.1], [0.01], measure="RD", censored_bound=[0.2], censored_se=[0.1])
    assert (found.primary, found.rule.id) == (None, "ranges_elsewhere")
    assert summarise([], [], measure="SMD").message == "there is no study"


# --- the door ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": [[1.0, 2.0]], "v": [[1.0, 1.0]]}, "y: one table"),
        ({"y": [1.0, 2.0], "v": [1.0, 0.0]}, "v: every variance"),
        ({"n": [10.0]}, "n: give a positive number"),
        ({"level": 1.0}, "level: must lie"),
        ({"censored_bound": [1.0]}, "censored_bound: studies inside a bound need both"),
        ({"empirical": turner()}, "empirical: the prior of Turner is not for SMD"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        summarise(**({"y": [1.0, 2.0], "v": [1.0, 1.0], "measure": "SMD"} | arguments))


def test_alone_is_the_same_primary_and_no_more() -> None:
    y, v = [0.2, 0.9], [0.1, 0.2]
    alone = summarise(y, v, measure="SMD", empirical=rhodes(), alone=True)
    assert alone.primary == summarise(y, v, measure="SMD").primary
    assert alone.beside == ()


@settings(max_examples=25, deadline=None)
@given(
    y=st.lists(st.floats(-3, 3), min_size=1, max_size=7),
    v=st.lists(st.floats(0.01, 2), min_size=7, max_size=7),
    measure=st.sampled_from(["OR", "SMD", "RR", "RD"]),
)
def test_the_other_side_mirrors_the_answer(y: list[float], v: list[float], measure: str) -> None:
    """Naming the other arm first changes signs and nothing else."""
    variances = np.array(v[: len(y)])
    one, other = (summarise(sign * np.array(y), variances, measure=measure) for sign in (1, -1))
    assert [each.id for each in one.summaries] == [each.id for each in other.summaries]
    for a, b in zip(one.summaries, other.summaries, strict=True):
        # quantiles are found to 1e-12 of a spread below 10
        assert (a.estimate, a.ci_lower, a.ci_upper) == pytest.approx(
            (-b.estimate, -b.ci_upper, -b.ci_lower), rel=1e-7, abs=1e-7
        )
        if a.probability_above_zero is not None:
            assert a.probability_above_zero == pytest.approx(1 - b.probability_above_zero, abs=1e-8)
