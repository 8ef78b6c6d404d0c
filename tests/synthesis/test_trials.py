"""From study records to the three answers, against arithmetic done before and apart from this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from globulin.dossier import Dossier
from globulin.dossier.study import Study
from globulin.library import open_dossier
from globulin.methods import METHODS
from globulin.synthesis.priors import Normal
from globulin.synthesis.readings import trial_effect
from globulin.synthesis.trials import PRIORS, TrialSummary, summarise_trials

TRUTH: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "truth" / "evidence_computed.json").read_text()
)


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def summary(dossier: Dossier) -> TrialSummary:
    return summarise_trials(dossier.studies.values())


def test_lloyd_from_counts(summary: TrialSummary) -> None:
    truth = TRUTH["studies"]["lloyd_1990"]
    effect = next(effect for effect in summary.effects if effect.study == "lloyd_1990")
    assert effect.smd == pytest.approx(truth["smd_from_or"], abs=5e-4)
    assert effect.se == pytest.approx(truth["smd_se"], abs=5e-4)
    assert "log odds ratio 1.775 (standard error 0.744)" in effect.derivation[0]


def test_rowe_from_its_t_statistic(summary: TrialSummary) -> None:
    truth = TRUTH["studies"]["rowe_1997"]
    effect = next(effect for effect in summary.effects if effect.study == "rowe_1997")
    # printed with two decimals (g) and three (standard error, interval)
    assert effect.smd == pytest.approx(truth["hedges_g"], abs=5e-3)
    assert effect.se == pytest.approx(truth["se"], abs=5e-4)
    assert (effect.ci_lower, effect.ci_upper) == pytest.approx(truth["ci"], abs=2e-3)


def test_null_trials_are_known_only_within_a_bound(summary: TrialSummary) -> None:
    peterson = next(effect for effect in summary.effects if effect.study == "peterson_1990")
    vollmer = next(effect for effect in summary.effects if effect.study == "vollmer_conna_1997")
    assert peterson.smd is None
    assert vollmer.smd is None
    assert peterson.bound == pytest.approx(
        TRUTH["studies"]["peterson_1990"]["censored_bound_abs_d"], abs=5e-4
    )
    # 0.453 was computed with 73 against 26, from memory; equal arms give 74 against 25
    assert vollmer.bound == pytest.approx(0.459, abs=5e-4)


def test_only_the_trials_with_numbers(summary: TrialSummary) -> None:
    truth = TRUTH["illustrative_pooling"][0]
    answer = summary.answer("numbers_only").frequentist
    assert answer is not None
    # printed 0.62, 0.22 and 3.29 where the inputs give 0.625, 0.215 and 3.284
    assert answer.estimate == pytest.approx(truth["smd"], abs=6e-3)
    assert (answer.wald_lower, answer.wald_upper) == pytest.approx(truth["ci_wald"], abs=6e-3)
    assert (answer.hartung_knapp_lower, answer.hartung_knapp_upper) == pytest.approx(
        truth["ci_hksj"], abs=7e-3
    )
    assert answer.prediction_lower is None


def test_null_trials_at_zero(summary: TrialSummary) -> None:
    truth = TRUTH["illustrative_pooling"][1]
    answer = summary.answer("null_at_zero").frequentist
    assert answer is not None
    # half of the last printed digit; the truth rounds the same
    assert answer.estimate == pytest.approx(truth["smd"], abs=5e-3)
    assert (answer.wald_lower, answer.wald_upper) == pytest.approx(truth["ci_wald"], abs=5e-3)
    assert (answer.hartung_knapp_lower, answer.hartung_knapp_upper) == pytest.approx(
        truth["ci_hksj"], abs=5e-3
    )
    assert answer.i2_percent == pytest.approx(truth["i2_pct"], abs=0.5)
    assert answer.tau2 == pytest.approx(truth["tau2"], abs=5e-3)


def test_the_censored_answer_lies_between_the_other_two(summary: TrialSummary) -> None:
    """Null trials inside a range pull towards zero, but less than null trials nailed to zero."""
    for prior in range(3):
        only, censored, zero = (answer.bayes[prior] for answer in summary.answers)
        assert zero.median < censored.median < only.median
        assert zero.probability_worth_it < censored.probability_worth_it < only.probability_worth_it
    assert summary.answer("null_censored").frequentist is None


def test_the_sceptic_is_never_more_hopeful(summary: TrialSummary) -> None:
    for answer in summary.answers:
        vague, sceptical, enthusiastic = answer.bayes
        assert sceptical.median < vague.median
        assert sceptical.probability_worth_it < enthusiastic.probability_worth_it
        assert sceptical.probability_of_benefit < enthusiastic.probability_of_benefit


def test_opinions_are_those_of_spiegelhalter_1994() -> None:
    """The sceptic leaves 2.5% above the size worth having, the enthusiast 2.5% below zero."""
    sceptic, enthusiast = PRIORS["sceptical"][0], PRIORS["enthusiastic"][0]
    assert stats.norm.sf(0.5, sceptic.mean, sceptic.sd) == pytest.approx(0.025, rel=1e-9)
    assert stats.norm.cdf(0.0, enthusiast.mean, enthusiast.sd) == pytest.approx(0.025, rel=1e-9)
    assert (sceptic.mean, enthusiast.mean) == (0.0, 0.5)


# --- the policy ----------------------------------------------------------------------------------------


def test_the_policy_speaks_for_each_answer(summary: TrialSummary) -> None:
    rules = {answer.id: answer.policy.rule.id for answer in summary.answers if answer.policy.rule}
    assert rules == {
        "numbers_only": "few_standardised",
        "null_censored": "ranges_standardised",
        "null_at_zero": "few_standardised",
    }
    assert summary.main == "null_censored"
    for answer in summary.answers:
        vague = answer.bayes[0]
        primary = answer.policy.primary
        assert primary is not None
        assert (primary.estimate, primary.ci_lower) == (vague.median, vague.ci_lower)
        assert primary.probability_worth_it == vague.probability_worth_it
    zero = {each.id: each for each in summary.answer("null_at_zero").policy.summaries}
    # a common effect by hand: weights 1/se^2 of the four trials
    weights = [effect.se**-2 for effect in summary.effects]
    mean = sum(w * (e.smd or 0.0) for w, e in zip(weights, summary.effects, strict=True)) / sum(weights)
    assert zero["common_effect"].estimate == pytest.approx(mean, rel=1e-12)


def test_other_opinions_can_be_brought(dossier: Dossier, summary: TrialSummary) -> None:
    own = {"mine": (Normal(0.2, 0.1), "what I think")}
    mine = summarise_trials(dossier.studies.values(), priors=own)
    assert [bayes.prior for bayes in mine.answers[0].bayes] == ["mine"]
    main = mine.answer("null_censored").policy
    assert main.mu_prior == "what I think"
    assert main.primary is not None
    # a firm opinion of 0.2 holds the answer near 0.2
    assert main.primary.estimate == pytest.approx(0.2, abs=0.06)
    with pytest.raises(ValueError, match="priors: give at least one"):
        summarise_trials(dossier.studies.values(), priors={})


# --- what if -------------------------------------------------------------------------------------------


def test_a_what_if_number_enters_as_if_it_had_been_printed(dossier: Dossier, summary: TrialSummary) -> None:
    supposed = summarise_trials(dossier.studies.values(), as_if={"vollmer_conna_1997": 0.2})
    (given,) = supposed.as_if
    assert (given.smd, given.name) == (0.2, "Vollmer-Conna 1997")
    effect = next(effect for effect in supposed.effects if effect.study == "vollmer_conna_1997")
    # 1/74 + 1/25 + 0.2^2 / (2 x 99)
    assert effect.se**2 == pytest.approx(1 / 74 + 1 / 25 + 0.04 / 198, rel=1e-12)
    assert effect.derivation[-1].startswith("as if it had found 0.2")
    # nobody printed it, so the answer from printed numbers stays
    assert supposed.answer("numbers_only") == summary.answer("numbers_only")
    main = supposed.answer("null_censored")
    assert (main.k, main.k_with_numbers, main.policy.k, main.policy.k_censored) == (4, 2, 3, 1)
    assert supposed.missing is not None
    assert len(supposed.missing.bounds) == 1


def test_a_what_if_of_zero_for_all_silent_trials_is_the_answer_at_zero(
    dossier: Dossier, summary: TrialSummary
) -> None:
    zeros = dict.fromkeys(("peterson_1990", "vollmer_conna_1997"), 0.0)
    supposed = summarise_trials(dossier.studies.values(), as_if=zeros)
    main, zero = supposed.answer("null_censored").policy, summary.answer("null_at_zero").policy
    assert main.primary is not None
    assert zero.primary is not None
    assert main.primary.estimate == pytest.approx(zero.primary.estimate, rel=1e-9)
    assert supposed.missing is None


@pytest.mark.parametrize(
    ("as_if", "words"),
    [
        ({"vollmer_conna_1997": 0.5}, r"its effect lay within 0\.459 of zero; 0\.5 does not"),
        ({"vollmer_conna_1997": float("nan")}, "nan does not"),
        ({"lloyd_1990": 0.1}, "lloyd_1990 is not a trial known only as 'not significant'"),
        ({"nobody_2000": 0.1}, "those are: peterson_1990, vollmer_conna_1997"),
    ],
)
def test_a_what_if_outside_what_is_known_is_refused(
    dossier: Dossier, as_if: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        summarise_trials(dossier.studies.values(), as_if=as_if)


# --- what the main answer hangs on ---------------------------------------------------------------------


def test_curves_pass_through_the_main_answer(summary: TrialSummary) -> None:
    main = summary.answer("null_censored").policy.primary
    assert main is not None
    assert summary.prior_robustness is not None
    spread = summary.prior_robustness.spread
    # of the surface against the single fit, see test_robustness.py
    assert spread.estimate[spread.x.index(0.5)] == pytest.approx(main.estimate, abs=3e-6)
    sceptical = summary.answer("null_censored").bayes[1]
    curve = summary.prior_robustness.scepticism
    at = np.interp(np.log(0.5 / 1.959964), np.log(curve.x), curve.estimate)
    # between two of its 41 points
    assert at == pytest.approx(sceptical.median, abs=1e-3)


def test_silent_trials_at_zero_lie_on_their_curve(summary: TrialSummary) -> None:
    assert summary.missing is not None
    for curve in summary.missing.curves:
        zero = {each.id: each for each in summary.answer("null_at_zero").policy.summaries}[curve.method]
        assert curve.estimate[curve.x.index(0.0)] == pytest.approx(zero.estimate, abs=3e-6)


def test_the_answer_after_each_year(summary: TrialSummary) -> None:
    assert [(step.year, step.added, step.k) for step in summary.cumulative] == [
        (1990, ("Lloyd 1990", "Peterson 1990"), 2),
        (1997, ("Rowe 1997", "Vollmer-Conna 1997"), 4),
    ]
    assert summary.cumulative[-1].summary == summary.answer("null_censored").policy
    assert summary.cumulative[0].summary.k_censored == 1


def test_what_an_unusable_trial_could_have_changed(summary: TrialSummary) -> None:
    (dubois,) = summary.unusable_trials
    assert (dubois.study, dubois.n, dubois.needed.flips) == ("dubois_1986", None, ())
    assert "not known" in dubois.needed.message
    # the smallest and the largest trial: 14 + 14 and 74 + 25 people
    assert [size.n for size in dubois.supposed] == [28, 99]
    least = [
        next(f.least for f in size.needed.flips if f.conclusion == "interval_above_zero")
        for size in dubois.supposed
    ]
    assert least[0] is not None
    assert least[1] is not None
    assert 0 < least[1] < least[0]


# --- what the answer is about --------------------------------------------------------------------------


def test_each_illness_has_its_answer_or_the_reason_for_none(dossier: Dossier, summary: TrialSummary) -> None:
    mecfs, fibromyalgia = summary.conditions
    assert mecfs.answerable
    assert mecfs.summary == summary.answer("null_censored").policy
    assert len(mecfs.trials) == 4
    assert (fibromyalgia.answerable, fibromyalgia.summary, fibromyalgia.trials) == (False, None, ())
    assert fibromyalgia.words.startswith("Cannot be answered: there is no randomised trial in fibromyalgia")
    ids = {study.id for study in dossier.studies.values() if study.condition_group == "fibromyalgia"}
    assert {study for study, _ in fibromyalgia.not_pooled} == ids
    assert all(reason for _, reason in (*mecfs.not_pooled, *fibromyalgia.not_pooled))


def test_the_choice_of_outcome_is_said_and_its_alternatives_tried(summary: TrialSummary) -> None:
    choices = {choice.study: choice for choice in summary.outcomes}
    assert set(choices) == {effect.study for effect in summary.effects}
    assert all(choice.reason for choice in choices.values())
    # two scales of Lloyd 1990 were not significant: with either, its effect is only a range
    lloyd = {other.id: other for other in choices["lloyd_1990"].others}
    assert {"quality_of_life", "depression"} <= set(lloyd)
    main = summary.answer("null_censored").policy.primary
    assert main is not None
    for other in (lloyd["quality_of_life"], lloyd["depression"]):
        assert other.smd is None
        # t(47) = 2.011741 times sqrt(1/23 + 1/26)
        assert other.bound == pytest.approx(2.011741 * (1 / 23 + 1 / 26) ** 0.5, rel=1e-6)
        assert other.primary is not None
        assert 0 < other.primary.estimate < main.estimate
    (peterson,) = choices["peterson_1990"].others
    assert peterson.primary == main


def test_no_comparison_without_randomisation_could_lend_weight(
    dossier: Dossier, summary: TrialSummary
) -> None:
    assert summary.designs is not None
    designs = {each.design: each for each in summary.designs.designs}
    assert set(designs) == {"rct", "series"}
    assert designs["series"].controlled == ()
    assert set(designs["rct"].controlled) == {effect.study for effect in summary.effects}
    assert "there is no comparison without randomisation" in summary.designs.words
    # Hickie 1992 and Rowe 1999 looked again at the people of a trial
    counted = {study for each in designs.values() for study in each.studies}
    assert not counted & {"hickie_1992", "rowe_1999"}
    ours = {
        study.id
        for study in dossier.studies.values()
        if study.condition_group != "neighbour" and study.outcomes and not study.overlaps
    }
    assert counted == ours


def test_the_methods_text_names_every_paper_it_rests_on(summary: TrialSummary) -> None:
    assert summary.methods_text is not None
    assert set(summary.methods_text.methods) <= {method.id for method in METHODS}
    for paper in ("hasselblad_1995", "hedges_1981", "rover_2020", "rhodes_2015", "spiegelhalter_1994"):
        assert paper in summary.methods_text.methods
    assert "2 studies known only as not significant" in summary.methods_text.text
    assert "sceptical, enthusiastic" in summary.methods_text.text


def test_a_dossier_without_a_number_has_no_answer_and_says_so(dossier: Dossier) -> None:
    silent = [dossier.studies[name] for name in ("peterson_1990", "vollmer_conna_1997", "caro_2008")]
    found = summarise_trials(silent)
    assert (found.main, found.answers, found.prior_robustness, found.missing) == (None, (), None, None)
    assert found.conditions[0].words.startswith(
        "Cannot be answered: of the trials in ME/CFS it is known only"
    )


def test_one_trial_alone_is_not_pooled(dossier: Dossier) -> None:
    found = summarise_trials([dossier.studies["lloyd_1990"]])
    main = found.answer("null_censored").policy
    assert main.rule is not None
    assert main.primary is not None
    assert (main.rule.id, main.primary.estimate) == ("one_study", found.effects[0].smd)
    assert found.conditions[1].words == "Cannot be answered: there is no study in fibromyalgia."


def test_trials_in_other_illnesses_stand_apart(summary: TrialSummary) -> None:
    outside = {(effect.study, effect.measure): effect for effect in summary.outside}
    geerts = outside["geerts_2021", "OR"]
    truth = TRUTH["studies"]["geerts_2021"]
    assert geerts.estimate == pytest.approx(truth["or"], abs=5e-3)
    assert (geerts.ci_lower, geerts.ci_upper) == pytest.approx(truth["or_ci"], abs=5e-3)
    istand = TRUTH["studies"]["vernino_2024"]
    assert outside["vernino_2024", "OR"].estimate == pytest.approx(istand["or"], abs=5e-3)
    gibbons = sorted(effect.estimate for effect in summary.outside if effect.study == "gibbons_2023")
    expected = sorted(effect["hedges_g"] for effect in TRUTH["studies"]["gibbons_2023"]["effects"].values())
    assert gibbons == pytest.approx(expected, abs=5e-3)
    assert not {effect.study for effect in summary.effects} & {effect.study for effect in summary.outside}


def test_a_trial_that_cannot_be_pooled_is_named_with_its_reason(summary: TrialSummary) -> None:
    assert "dubois_1986" in {study for study, _ in summary.unusable}
    assert all(reason for _, reason in summary.unusable)


def test_order_of_studies_does_not_matter(dossier: Dossier, summary: TrialSummary) -> None:
    assert summarise_trials(reversed(list(dossier.studies.values()))) == summary


def changed(study: Study, outcome_id: str, **result: object) -> Study:
    outcome = study.outcome(outcome_id)
    other = outcome.model_copy(update={"result": outcome.result.model_copy(update=result)})
    kept = tuple(other if each.id == outcome_id else each for each in study.outcomes)
    return study.model_copy(update={"outcomes": kept})


def test_one_changed_number_changes_the_answers(dossier: Dossier, summary: TrialSummary) -> None:
    studies = dict(dossier.studies)
    studies["rowe_1997"] = changed(studies["rowe_1997"], "mean_function", value=-1.0)
    after = summarise_trials(studies.values())
    for before_answer, after_answer in zip(summary.answers, after.answers, strict=True):
        assert after_answer.bayes[0].median < before_answer.bayes[0].median - 0.02


def test_favouring_the_control_is_a_negative_effect(dossier: Dossier) -> None:
    study = changed(dossier.studies["rowe_1997"], "mean_function", favours="placebo")
    assert trial_effect(study).smd == pytest.approx(-0.50, abs=5e-3)


def test_a_study_without_a_result_to_pool_is_refused(dossier: Dossier) -> None:
    with pytest.raises(ValueError, match="no result to pool"):
        trial_effect(dossier.studies["dubois_1986"])


def test_the_prediction_interval_has_two_degrees_of_freedom_less(summary: TrialSummary) -> None:
    """Higgins 2009, equation 12, with four trials: t(2) = 4.302653 times sqrt(tau2 + se2)."""
    answer = summary.answer("null_at_zero").frequentist
    assert answer is not None
    half = 4.302653 * (answer.tau2 + answer.se**2) ** 0.5
    assert answer.prediction_lower == pytest.approx(answer.estimate - half, rel=1e-6)
    assert answer.prediction_upper == pytest.approx(answer.estimate + half, rel=1e-6)
