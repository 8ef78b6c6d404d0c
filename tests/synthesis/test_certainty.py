"""Certainty and the summary of findings of the bundled trials, by hand, and what moves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import exp, log, pi, sqrt
from pathlib import Path
from typing import Any

import pytest

from globulin.dossier import Dossier
from globulin.dossier.certainty import (
    ROB2_DOMAINS,
    CertaintyQuestion,
    DomainRating,
    Rob2,
    Rob2Judgement,
)
from globulin.dossier.result import Counts, Events
from globulin.findings import find, used_sources
from globulin.library import open_dossier
from globulin.methods import METHODS
from globulin.synthesis.certainty import Certainty, certainty
from globulin.synthesis.grading import (
    CERTAINTY_LEVELS,
)
from globulin.synthesis.summary_of_findings import BenefitRow
from globulin.synthesis.trials import TrialSummary, summarise_trials

TOY = Path(__file__).parents[1] / "toy"
ANSWERS = ("numbers_only", "null_censored", "null_at_zero")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def trials(dossier: Dossier) -> TrialSummary:
    return summarise_trials(dossier.studies.values())


@pytest.fixture(scope="module")
def answered(dossier: Dossier, trials: TrialSummary) -> Certainty:
    return of(dossier, trials)


def of(dossier: Dossier, trials: TrialSummary, **changed: Any) -> Certainty:
    studies = {**dossier.studies, **changed.get("studies", {})}
    questions = changed.get("questions", list(dossier.certainty.values()))
    return certainty(studies.values(), trials, dossier.background.values(), questions)


def row(answered: Certainty, answer: str) -> BenefitRow:
    return next(row for row in answered.summary.benefits if row.answer == answer)


def levels(answered: Certainty, answer: str) -> dict[str, str]:
    grade = row(answered, answer).grade
    assert grade is not None
    return {domain.proposal.domain: domain.level for domain in grade.domains}


def said(answered: Certainty, answer: str, domain: str) -> str:
    grade = row(answered, answer).grade
    assert grade is not None
    return " ".join(next(d for d in grade.domains if d.proposal.domain == domain).proposal.arithmetic)


def assessment(level: str, outcome: str, day: int = 1) -> Rob2:
    judgement = Rob2Judgement(
        level=level,  # type: ignore[arg-type]
        reason="as printed",
        source="lloyd_1990_abstract",
        seen="full_text",
    )
    return Rob2(
        instrument="rob_2",
        version="22 August 2019",
        variant="parallel",
        outcome=outcome,
        effect="assignment",
        assessor="two reviewers, apart",
        judged_on=date(2026, 1, day),
        domains=dict.fromkeys(ROB2_DOMAINS, judgement),
        overall=judgement,
    )


def rated(domain: str, level: str, day: int = 1, answer: str | None = None) -> DomainRating:
    return DomainRating(
        domain=domain,  # type: ignore[arg-type]
        answer=answer,  # type: ignore[arg-type]
        level=level,  # type: ignore[arg-type]
        reason="The panel looked at the papers.",
        role="guideline panel of nine",
        judged_on=date(2026, 3, day),
    )


# --- the bundled answers -----------------------------------------------------------------------------


def test_all_three_answers_are_very_uncertain(answered: Certainty) -> None:
    assert [row.answer for row in answered.summary.benefits] == list(ANSWERS)
    for row in answered.summary.benefits:
        assert row.grade is not None
        assert (row.grade.proposed, row.grade.certainty, row.grade.rated) == ("very_low", "very_low", 0)
        assert row.grade.plain == "Very low: we are very unsure."
        assert row.statement == (
            "The evidence is very uncertain about the effect of immune globulin on the chance of feeling or"
            " functioning better."
        )
    serious, very = "serious", "very_serious"
    assert levels(answered, "numbers_only") == {
        "risk_of_bias": serious,
        "inconsistency": "not_serious",
        "indirectness": serious,
        "imprecision": very,
        "missing_results": serious,
    }
    assert levels(answered, "null_censored")["missing_results"] == "not_serious"
    assert levels(answered, "null_at_zero")["inconsistency"] == serious


def test_people_are_counted_from_the_trials(answered: Certainty) -> None:
    # Lloyd 23 + 26, Rowe 35 + 35, Peterson 14 + 14, Vollmer-Conna 74 + 25
    assert [(r.people, r.people_with_numbers, r.trials) for r in answered.summary.benefits] == [
        (119, 119, 2),
        (246, 119, 4),
        (246, 119, 4),
    ]
    assert "119 people contributed numbers" in said(answered, "null_at_zero", "imprecision")
    assert "needs 128 (64 in each of two groups): 93%" in said(answered, "null_at_zero", "imprecision")
    # (28 + 99) / 246 = 51.6%
    assert "127 of 246 people (52%)" in said(answered, "numbers_only", "missing_results")
    assert "DuBois 1986" in said(answered, "numbers_only", "missing_results")
    assert "0 of 246 people" in said(answered, "null_censored", "missing_results")


def test_shares_of_the_weight_are_one_over_the_variance(trials: TrialSummary, answered: Certainty) -> None:
    """Lloyd's variance by Woolf's formula on 10/23 and 3/26, Rowe's by that of g, with the answer's tau."""
    primary = trials.answer("numbers_only").policy.primary
    assert primary is not None
    assert primary.tau is not None
    lloyd = 3 / pi**2 * (1 / 10 + 1 / 13 + 1 / 3 + 1 / 23)
    g = 2.12 * sqrt(2 / 35) * (1 - 3 / (4 * 68 - 1))  # the usual approximation of J, good to 1e-4
    rowe = 2 / 35 + g**2 / 140
    share = 1 / (lloyd + primary.tau**2)
    share /= share + 1 / (rowe + primary.tau**2)
    assert f"Lloyd 1990 {share:.0%}" in said(answered, "numbers_only", "risk_of_bias")
    assert f"Rowe 1997 {1 - share:.0%}" in said(answered, "numbers_only", "risk_of_bias")
    assert f"Population: 100% of the weight is from trials that differ, {1 - share:.0%} from" in said(
        answered, "numbers_only", "indirectness"
    )


def test_indirectness_quotes_the_record(dossier: Dossier, answered: Certainty) -> None:
    text = said(answered, "null_censored", "indirectness")
    age = dossier.studies["rowe_1997"].population.age
    assert f"age: {age.value}. " in text  # type: ignore[union-attr]
    assert "product: the brand was not reported in what was seen. " in text


def test_absolute_effects_by_hand(trials: TrialSummary, answered: Certainty) -> None:
    """Cho 2005: 19.6% (15.4 to 23.7) on placebo. Odds times exp(SMD pi / sqrt 3), in people of 1,000."""
    for answer in ANSWERS:
        primary = trials.answer(answer).policy.primary  # type: ignore[arg-type]
        assert primary is not None
        absolute = row(answered, answer).absolute[0]
        assert absolute.control.sources == ("cho_2005_abstract",)
        expected = []
        for smd in (primary.estimate, primary.ci_lower, primary.ci_upper):
            odds = 0.196 / 0.804 * exp(smd * pi / sqrt(3))
            expected.append(1000 * odds / (1 + odds) - 196)
        difference = absolute.difference
        assert (difference.estimate, difference.lower, difference.upper) == pytest.approx(expected, rel=1e-9)
        assert absolute.without.lower == pytest.approx(154)
        # the placebo response is known far better than the effect, so its doubt hardly shows
        assert absolute.difference_both.lower == pytest.approx(difference.lower, abs=3)
        assert absolute.difference_both.upper == pytest.approx(difference.upper, abs=6)
        assert absolute.number_needed.through_infinity


def test_the_trials_own_controls_are_a_second_control_risk(answered: Certainty) -> None:
    # 3 of 26 in Lloyd 1990; score interval 4.0% to 29.0% (Newcombe's formula by hand)
    own = answered.summary.control_risks[1]
    assert own.risk == pytest.approx(3 / 26)
    assert (own.lower, own.upper) == pytest.approx((0.0400, 0.2898), abs=5e-5)
    assert "Lloyd 1990" in own.name


def test_the_words_of_a_row_read_as_a_sentence(answered: Certainty) -> None:
    absolute = row(answered, "null_censored").absolute[0]
    assert absolute.words == (
        "Of 1,000 people, 196 get better on placebo. With immune globulin, anything from 34 fewer to 365"
        " more; the middle is 147 more."
    )
    assert absolute.number_needed.words == "NNTB 7 (NNTB 3 to infinity to NNTH 30)"


def test_every_method_that_a_proposal_names_can_be_cited(answered: Certainty) -> None:
    cited = {method.id for method in METHODS}
    rows = [*answered.summary.benefits, *answered.summary.harms]
    named = {
        method
        for row in rows
        if row.grade is not None
        for domain in row.grade.domains
        for method in domain.proposal.methods
    }
    assert len(named) >= 12
    assert named <= cited


# --- harms -------------------------------------------------------------------------------------------


def test_only_a_harm_counted_in_both_groups_is_a_row(answered: Certainty) -> None:
    (harm,) = answered.summary.harms
    assert (harm.study, harm.events_treated, harm.n_treated, harm.events_control, harm.n_control) == (
        "peterson_1990",
        3,
        15,
        3,
        15,
    )
    assert harm.difference.estimate == 0
    # Newcombe 1998, method 10, by hand: Wilson gives 7.05% to 45.19% for 3 of 15
    assert harm.difference.upper == pytest.approx(1000 * sqrt(0.25187**2 + 0.12953**2), abs=0.05)
    assert harm.number_needed.words == "no number, since the difference is 0 (NNTB 4 to infinity to NNTH 4)"
    assert harm.grade.certainty == "very_low"
    uncounted = {(item.study, item.outcome): item for item in answered.summary.uncounted_harms}
    phlebitis = uncounted["lloyd_1990", "phlebitis"]
    assert "55%" in phlebitis.says
    assert "percent of infusions" in phlebitis.why
    assert len(uncounted) == 5


def test_a_harm_that_becomes_a_count_becomes_a_row(dossier: Dossier, trials: TrialSummary) -> None:
    study = dossier.studies["lloyd_1990"]
    phlebitis = study.adverse_events[0].model_copy(
        update={
            "result": Counts(
                kind="counts",
                groups={"ivig2": Events(events=12, n=23), "placebo": Events(events=1, n=26)},
            )
        }
    )
    changed = study.model_copy(update={"adverse_events": (phlebitis, *study.adverse_events[1:])})
    found = of(dossier, trials, studies={study.id: changed})
    harm = next(harm for harm in found.summary.harms if harm.outcome == "phlebitis")
    assert harm.difference.estimate == pytest.approx(1000 * (12 / 23 - 1 / 26))
    assert harm.number_needed.words.startswith("NNTH 3 (NNTH ")
    assert len(found.summary.uncounted_harms) == 4


def test_a_rating_of_a_harm_reaches_it_or_says_why_not(dossier: Dossier, trials: TrialSummary) -> None:
    def asked(identifier: str, outcome: str) -> CertaintyQuestion:
        return CertaintyQuestion.model_validate(
            {
                "id": identifier,
                "outcome": "feeling worse within two days",
                "population": "people",
                "intervention": "immune globulin",
                "comparator": "placebo",
                "harm": {"study": "peterson_1990", "outcome": outcome},
                "ratings": (rated("imprecision", "not_serious"),),
            }
        )

    questions = [asked("one", "major_adverse_experience"), asked("two", "rash")]
    found = of(dossier, trials, questions=questions)
    (harm,) = found.summary.harms
    assert harm.grade.rated == 1
    assert found.messages == (
        "certainty_question:two is not used: peterson_1990 has no counts of 'rash' in both groups",
    )


def test_a_difference_in_the_benefit_asked_about_does_not_reach_a_harm(
    dossier: Dossier, trials: TrialSummary
) -> None:
    question = dossier.certainty["improvement"]
    about_outcome = question.differences[0].model_copy(
        update={
            "study": "peterson_1990",
            "aspect": "outcome",
            "bearing": "likely",
            "says": "Another outcome.",
        }
    )
    changed = question.model_copy(update={"differences": (*question.differences, about_outcome)})
    found = of(dossier, trials, questions=[changed])
    text = " ".join(found.summary.harms[0].grade.domains[2].proposal.arithmetic)
    assert "Another outcome." not in text
    assert "Population: 100%" in text
    assert "Another outcome." in said(found, "null_censored", "indirectness")


# --- what moves the grade ----------------------------------------------------------------------------


def test_a_rating_in_the_dossier_changes_its_answer_only(dossier: Dossier, trials: TrialSummary) -> None:
    question = dossier.certainty["improvement"].model_copy(
        update={"ratings": (rated("imprecision", "not_serious", answer="null_censored"),)}
    )
    found = of(dossier, trials, questions=[question])
    one, other = row(found, "null_censored").grade, row(found, "numbers_only").grade
    assert one is not None
    assert other is not None
    # serious risk of bias and indirectness are left: two steps down from high
    assert (one.proposed, one.certainty, one.rated) == ("very_low", "low", 1)
    assert other.rated == 0
    assert row(found, "null_censored").statement == (
        "Immune globulin may result in a slight increase in the chance of feeling or functioning better."
    )


def test_full_text_assessments_lift_the_concern_about_bias(dossier: Dossier, trials: TrialSummary) -> None:
    studies = {}
    for effect in trials.effects:
        study = dossier.studies[effect.study]
        assert study.pooled is not None
        judged = assessment("low", study.pooled.outcome)
        studies[study.id] = study.model_copy(update={"bias_assessments": (judged,)})
    found = of(dossier, trials, studies=studies)
    for answer in ANSWERS:
        assert levels(found, answer)["risk_of_bias"] == "not_serious"


def test_without_a_question_nothing_is_declared_indirect(dossier: Dossier, trials: TrialSummary) -> None:
    found = of(dossier, trials, questions=[])
    assert found.question.outcome == "feeling or functioning better"
    assert levels(found, "numbers_only")["indirectness"] == "not_serious"
    assert "No difference" in said(found, "numbers_only", "indirectness")


def test_without_a_placebo_response_only_the_trials_own_controls_are_left(
    dossier: Dossier, trials: TrialSummary
) -> None:
    unverified = [record.model_copy(update={"seen": "unverified"}) for record in dossier.background.values()]
    found = certainty(dossier.studies.values(), trials, unverified, ())
    assert [control.id for control in found.summary.control_risks] == ["own_controls"]


def test_an_answer_that_cannot_be_given_is_not_graded(dossier: Dossier, trials: TrialSummary) -> None:
    first = trials.answers[0]
    empty = replace(first, policy=replace(first.policy, primary=None, message="no study"))
    found = of(dossier, replace(trials, answers=(empty,)))
    (only,) = found.summary.benefits
    assert (only.grade, only.effect, only.absolute, only.message) == (None, None, (), "no study")


def test_order_of_studies_does_not_matter(
    dossier: Dossier, trials: TrialSummary, answered: Certainty
) -> None:
    backwards = certainty(
        reversed(list(dossier.studies.values())),
        trials,
        reversed(list(dossier.background.values())),
        dossier.certainty.values(),
    )
    assert backwards == answered


def test_the_toy_by_hand() -> None:
    """10 of 20 against 10 of 20, and a second trial that says only `not significant`; no bias judged."""
    findings = find(open_dossier(TOY))
    rows = {row.answer: row for row in findings.certainty.summary.benefits}
    only = rows["numbers_only"]
    assert only.effect is not None
    assert only.effect.smd == 0
    (absolute,) = only.absolute
    assert (absolute.control.risk, absolute.difference.estimate) == (0.5, 0)
    assert absolute.words.startswith("Of 1,000 people, 500 get better on placebo. With immune globulin, ")
    assert absolute.words.endswith("; the middle is no more and no fewer.")
    # one trial of its own: Woolf's standard error of 4 cells of 10, normal interval
    half = 1.959964 * sqrt(4 / 10)
    upper = exp(half) / (1 + exp(half))
    assert absolute.treated.upper == pytest.approx(1000 * upper, rel=1e-6)
    assert log(only.effect.odds_ratio_upper) == pytest.approx(half, rel=1e-6)
    assert only.grade is not None
    assert only.grade.certainty in CERTAINTY_LEVELS
    assert {d.proposal.domain: d.level for d in only.grade.domains} == {
        "risk_of_bias": "serious",
        "inconsistency": "not_serious",
        "indirectness": "not_serious",
        "imprecision": "very_serious",
        "missing_results": "serious",  # 28 of 68 people
    }


def test_findings_hold_it_and_cite_what_it_rests_on(dossier: Dossier, answered: Certainty) -> None:
    findings = find(dossier)
    assert findings.certainty == answered
    assert "cho_2005_abstract" in used_sources(dossier, findings)
    assert "lloyd_1990_acp_journal_club" in findings.certainty.sources
