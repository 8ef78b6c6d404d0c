"""From study records to the three answers, against arithmetic done before and apart from this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from globulin.dossier import Dossier
from globulin.dossier.study import Study
from globulin.library import open_dossier
from globulin.synthesis.readings import trial_effect
from globulin.synthesis.trials import TrialSummary, summarise_trials

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
    for prior in range(2):
        only, censored, zero = (answer.bayes[prior] for answer in summary.answers)
        assert zero.median < censored.median < only.median
        assert zero.probability_worth_it < censored.probability_worth_it < only.probability_worth_it
    assert summary.answer("null_censored").frequentist is None


def test_the_sceptic_is_never_more_hopeful(summary: TrialSummary) -> None:
    for answer in summary.answers:
        vague, sceptical = answer.bayes
        assert sceptical.median < vague.median


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
