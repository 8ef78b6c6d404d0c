"""Dose, age and immune markers: the dossier's doses by hand, its answers by brute force, and what-ifs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from globulin.dossier import Dossier
from globulin.dossier.study import Study
from globulin.findings import find, used_sources
from globulin.formats.results import evidence_document
from globulin.library import open_dossier
from globulin.planning.dose_effect import DoseAnswers, dose_answers
from globulin.planning.dose_points import age_group, as_effects, dose_points, immune_marked
from globulin.planning.group_effect import group_answer
from globulin.planning.learning import decided
from globulin.synthesis.bayes_regression import Learnt, Marginal
from synthesis.rectangle import probability_above

NAN = np.nan
COURSE, FOUR_WEEKS = 0, 1


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def answers(dossier: Dossier) -> DoseAnswers:
    return dose_answers(dossier, 70.0)


def with_study(dossier: Dossier, identifier: str, **changes: object) -> Dossier:
    """The dossier with some fields of one study replaced, validated like any record."""
    record = dossier.studies[identifier].model_dump(mode="json")
    study = Study.model_validate_json(json.dumps(record | changes))
    return dossier.model_copy(update={"studies": {**dossier.studies, identifier: study}})


# --- doses ---------------------------------------------------------------------------------------------


def test_doses_by_hand(answers: DoseAnswers) -> None:
    """g/kg a dose x doses, and g/kg a dose x 28/30: every one of the four trials gave a dose each 30 days."""
    expected = {
        ("lloyd_1990", "ivig2"): (3 * 2.0, 2.0 * 28 / 30),
        ("peterson_1990", "ivig1"): (6 * 1.0, 1.0 * 28 / 30),
        ("rowe_1997", "ivig1"): (3 * 1.0, 1.0 * 28 / 30),
        ("vollmer_conna_1997", "ivig05"): (3 * 0.5, 0.5 * 28 / 30),
        ("vollmer_conna_1997", "ivig1"): (3 * 1.0, 1.0 * 28 / 30),
        ("vollmer_conna_1997", "ivig2"): (3 * 2.0, 2.0 * 28 / 30),
    }
    course, four_weeks = (
        {(point.study, point.arm): point.dose_g_per_kg for point in axis.points} for axis in answers.dose.axes
    )
    assert course == pytest.approx({key: both[0] for key, both in expected.items()})
    assert four_weeks == pytest.approx({key: both[1] for key, both in expected.items()})
    assert [axis.unit for axis in answers.dose.axes] == ["g/kg per course", "g/kg per 28 days"]


def test_a_trial_s_dose_does_not_depend_on_the_reader(dossier: Dossier, answers: DoseAnswers) -> None:
    for axis in answers.dose.axes:
        light, _ = dose_points(dossier.studies.values(), axis.id, 40.0, dossier.products)
        doses = [point.dose_g_per_kg for point in light]
        assert doses == pytest.approx([point.dose_g_per_kg for point in axis.points])
    rowe = next(point for point in answers.dose.axes[COURSE].points if point.study == "rowe_1997")
    assert rowe.notes == ("At most 60 g a dose: people above 60 kg were given less per kg.",)


def test_a_dose_in_grams_is_taken_for_the_given_weight(dossier: Dossier) -> None:
    record = dossier.studies["lloyd_1990"].model_dump(mode="json")
    record["arms"][0]["regimen"]["phases"][0]["dose"]["value"] = {"g": 140.0}
    changed = with_study(dossier, "lloyd_1990", arms=record["arms"])
    for weight_kg in (70.0, 35.0):
        points, _ = dose_points(changed.studies.values(), "course", weight_kg, changed.products)
        assert points[0].dose_g_per_kg == pytest.approx(3 * 140 / weight_kg)
        assert points[0].notes == (
            f"Given in grams or mL; taken per kg for a body weight of {weight_kg:g} kg.",
        )


def test_what_gives_no_point_is_left_out_with_its_reason(answers: DoseAnswers, dossier: Dossier) -> None:
    for axis in answers.dose.axes:
        assert [(out.study, out.name) for out in axis.left_out] == [("dubois_1986", "DuBois 1986")]
        assert "no denominator" in axis.left_out[0].reason
        assert "dose is not known" in axis.left_out[0].reason
    record = dossier.studies["lloyd_1990"].model_dump(mode="json")
    record["arms"][0]["regimen"]["phases"][0]["interval_day"] = {"missing": "given once"}
    record["arms"][0]["regimen"]["phases"][0]["doses"]["value"] = 1
    once = with_study(dossier, "lloyd_1990", arms=record["arms"])
    per_course, _ = dose_points(once.studies.values(), "course", 70.0, once.products)
    repeated, left_out = dose_points(once.studies.values(), "per_28_days", 70.0, once.products)
    assert per_course[0].dose_g_per_kg == 2.0
    assert "lloyd_1990" not in {point.study for point in repeated}
    assert any("one course, not repeated" in out.reason for out in left_out)


def test_three_doses_against_one_placebo_share_it(answers: DoseAnswers) -> None:
    """99 people over 4 arms, assumed 25, 24, 25 and 25: bounds t(0.975) sqrt(1/n + 1/25), shared 1/25."""
    arms = [point for point in answers.dose.axes[COURSE].points if point.study == "vollmer_conna_1997"]
    assert [arm.n_active for arm in arms] == [25, 24, 25]
    for arm in arms:
        variance = 1 / arm.n_active + 1 / 25
        assert arm.smd is None
        assert arm.bound == pytest.approx(stats.t(arm.n_active + 23).ppf(0.975) * np.sqrt(variance))
        assert (arm.se**2, arm.shared_variance) == pytest.approx((variance, 1 / 25))
        assert "each dose alone was tested" in " ".join(arm.notes)
    table = as_effects(arms)
    assert table.covariance.sampling == pytest.approx(np.diag([1 / 25, 1 / 24, 1 / 25]) + 1 / 25)
    assert not table.known.any()


def test_who_was_in_each_trial(dossier: Dossier) -> None:
    of = {
        identifier: (age_group(study), immune_marked(study)) for identifier, study in dossier.studies.items()
    }
    assert of["lloyd_1990"] == of["peterson_1990"] == of["vollmer_conna_1997"] == ("adults", False)
    assert of["rowe_1997"] == ("adolescents", False)
    assert of["scheibenbogen_2021"] == (None, True)
    assert of["dubois_1986"] == (None, None)
    assert of["park_iime"][0] == "adults"


# --- the answers ---------------------------------------------------------------------------------------


def test_numbers_alone_cannot_carry_a_line(answers: DoseAnswers) -> None:
    for axis in answers.dose.axes:
        line, through_zero, log_line, emax = axis.numbers_only
        assert (line.code, emax.code, axis.within.code) == (
            "no_spare",
            "too_few_doses",
            "no_trial_with_doses",
        )
        assert line.k == 2
        # two effects and one slope leave one degree of freedom: t = 12.7
        for fit in (through_zero, log_line):
            assert fit.refused is None
            assert fit.ci_lower < 0 < fit.slope < fit.ci_upper


def test_more_against_less_agrees_with_probabilities_of_boxes(answers: DoseAnswers) -> None:
    """Numbers and ranges written out by hand; reference good to 1e-5. See `synthesis.rectangle`."""
    to_smd = np.sqrt(3) / np.pi
    lloyd, lloyd_v = np.log(10 * 23 / (13 * 3)) * to_smd, (1 / 10 + 1 / 13 + 1 / 3 + 1 / 23) * to_smd**2
    small_sample = np.exp(special.gammaln(34) - special.gammaln(33.5)) / np.sqrt(34)
    rowe = small_sample * 2.12 * np.sqrt(2 / 35)
    own = [lloyd_v, 2 / 35 + rowe**2 / 140, 2 / 14, 1 / 25, 1 / 24, 1 / 25]
    shared = [0, 0, 0, 1 / 25, 1 / 25, 1 / 25]
    silent = np.array([2 / 14, 2 / 25, 1 / 24 + 1 / 25, 2 / 25])
    bounds = stats.t([26, 48, 47, 48]).ppf(0.975) * np.sqrt(silent)
    y, bound = [lloyd, rowe, NAN, NAN, NAN, NAN], [NAN, NAN, *bounds]
    x = np.column_stack([np.ones(6), (np.array([6, 3, 6, 1.5, 3, 6]) - 3.75) / 4.5])
    for model, sd in zip(answers.dose.axes[COURSE].asked(), (0.5, 2.0), strict=True):
        data = (y, bound, own, shared, [0, 1, 2, 3, 3, 3], x, [0.0, 0.0], [2.0, sd])
        gain = model.gain.posterior
        ends = ((0.0, gain.probability_above_zero), (gain.ci_lower, 0.975), (gain.ci_upper, 0.025))
        for point, share in ends:
            assert probability_above(data, 0.5, [0.0, 1.0], point) == pytest.approx(share, abs=1e-5)
        assert model.gain.prior.ci_upper == pytest.approx(sd * stats.norm.ppf(0.975))


def test_little_is_learnt_and_that_is_said(answers: DoseAnswers) -> None:
    dose = answers.dose
    for axis in dose.axes:
        cautious, vague = axis.asked()
        assert (cautious.prior, vague.prior) == ("cautious", "vague")
        for model in (cautious, vague):
            assert model.gain.posterior.ci_lower < 0 < model.gain.posterior.ci_upper
            assert 0.5 < model.gain.posterior.probability_above_zero < 0.8
        assert 0.6 < cautious.gain.width_ratio < 0.8
        # where the curve bends, nothing is learnt at all
        bend = next(model for model in axis.models if model.id == "levels_off").ed50
        assert bend is not None
        assert bend.width_ratio == pytest.approx(1, abs=0.02)
        # and no shape is much better than no effect of dose
        assert all(1 / 5 < model.evidence < 3 for model in axis.models)
        assert axis.not_fitted == ()
    assert dose.cannot_be_answered is not None
    for words in (
        "Only 2 ",
        "Lloyd 1990 and Rowe 1997",
        "dose (6 and 3 g/kg",
        "age (adults and adolescents)",
    ):
        assert words in dose.cannot_be_answered
    assert dose.also[0].startswith("Vollmer-Conna 1997 gave 3 doses side by side, but printed no number")
    assert "from 50% to 61%" in dose.also[1]
    assert "keeps 70% of the width" in dose.also[1]
    assert "in adults alone" in dose.also[2]


def test_models_that_take_dose_for_granted_say_so(answers: DoseAnswers) -> None:
    """Through zero, more helps exactly where anything helps; the page must not sell that as a finding."""
    for axis in answers.dose.axes:
        for model in axis.models:
            if model.id in ("proportional", "log_linear", "levels_off"):
                chance = model.at_highest.posterior.probability_above_zero
                assert model.gain.posterior.probability_above_zero == pytest.approx(chance, abs=1e-6)
                assert "Takes for granted that dose matters" in model.words


def test_curves_are_ready_to_draw(answers: DoseAnswers) -> None:
    for axis in answers.dose.axes:
        doses = [point.dose_g_per_kg for point in axis.points]
        for model in axis.models:
            curve = model.curve
            assert len(curve.dose) == len(curve.median) == len(curve.ci_lower) == len(curve.ci_upper) == 17
            assert curve.dose[-1] == max(doses)
            assert (np.diff(curve.dose) > 0).all()
            assert (np.array(curve.ci_lower) <= curve.median).all()
            assert (np.array(curve.median) <= curve.ci_upper).all()
            assert curve.median[-1] == pytest.approx(model.at_highest.posterior.median)
            if model.id == "more_against_less":
                # no line without an anchor runs on to doses that nobody tried
                assert curve.dose[0] == min(doses)


def test_adolescents_against_adults(answers: DoseAnswers) -> None:
    age = answers.age
    assert [group.names for group in age.groups] == [
        ("Rowe 1997",),
        ("Lloyd 1990", "Peterson 1990", "Vollmer-Conna 1997"),
    ]
    assert age.numbers_only is not None
    assert (age.numbers_only.code, age.numbers_only.k) == ("no_spare", 2)
    assert [one.prior for one in age.differences] == ["cautious", "vague"]
    for one in age.differences:
        assert one.difference.posterior.ci_lower < 0 < one.difference.posterior.ci_upper
    assert age.cannot_be_answered is not None
    assert age.cannot_be_answered.startswith("Rowe 1997 is the only controlled trial in adolescents.")
    assert "differ in dose (3 and 6 g/kg per course)" in age.also[0]


def test_immune_markers_cannot_be_compared(answers: DoseAnswers) -> None:
    marker = answers.immune_marker
    assert marker.groups[0].studies == ()
    assert len(marker.groups[1].studies) == 4
    assert (marker.numbers_only, marker.differences) == (None, ())
    assert marker.cannot_be_answered == (
        "No controlled trial with a usable result was in people chosen by an immune marker."
    )
    assert "Scheibenbogen 2021" in " ".join(marker.also)
    assert [told.study for told in marker.reported] == ["rowe_1997"]
    assert "post hoc" in (marker.reported[0].caution or "")


# --- what if the records said more ---------------------------------------------------------------------


def printed(dossier: Dossier, better: dict[str, int]) -> Dossier:
    """As if Vollmer-Conna 1997 had printed how many of 25 did better with each dose."""
    study = dossier.studies["vollmer_conna_1997"].model_dump(mode="json")
    groups = {arm: {"events": events, "n": 25} for arm, events in better.items()}
    study["outcomes"][0]["result"] = {"kind": "counts", "groups": groups}
    return with_study(dossier, "vollmer_conna_1997", outcomes=study["outcomes"])


def test_with_counts_for_each_dose_the_trial_compares_them_itself(dossier: Dossier) -> None:
    told = printed(dossier, {"ivig05": 5, "ivig1": 10, "ivig2": 15, "placebo": 8})
    answers = dose_answers(told, 70.0)
    within = answers.dose.axes[COURSE].within
    # arms 5/25, 10/25 and 15/25 at 1.5, 3 and 6 g/kg: weighted least squares on their own log odds
    events, dose = np.array([5.0, 10, 15]), np.array([1.5, 3, 6])
    y, v = np.log(events / (25 - events)), 1 / events + 1 / (25 - events)
    line = np.polynomial.polynomial.polyfit(dose, y, 1, w=1 / np.sqrt(v))
    assert within.refused is None
    assert within.slope == pytest.approx(line[1] * np.sqrt(3) / np.pi)
    assert "printed no number" not in " ".join(answers.dose.also)
    assert all(fit.refused is None for fit in answers.dose.axes[COURSE].numbers_only)


def test_an_arm_where_everybody_did_better_shares_the_same_control(dossier: Dossier) -> None:
    """Half an event goes into the arm of 25 of 25, not into the variance of the control, 1/8 + 1/17."""
    told = printed(dossier, {"ivig05": 5, "ivig1": 10, "ivig2": 25, "placebo": 8})
    points, _ = dose_points(told.studies.values(), "course", 70.0, told.products)
    arms = [point for point in points if point.study == "vollmer_conna_1997"]
    control = (1 / 8 + 1 / 17) * 3 / np.pi**2
    assert [arm.shared_variance for arm in arms] == pytest.approx([control] * 3)
    assert (as_effects(arms).own > 0).all()


def test_a_question_is_answered_when_every_prior_agrees(answers: DoseAnswers) -> None:
    learnt = [model.gain for model in answers.dose.axes[COURSE].asked()]

    def sure(chance: float) -> Learnt:
        return replace(learnt[0], posterior=replace(learnt[0].posterior, probability_above_zero=chance))

    assert not decided(learnt)
    assert decided([sure(0.98), sure(0.99)])
    assert decided([sure(0.02), sure(0.01)])
    assert not decided([sure(0.98), sure(0.9)])
    assert not decided([sure(0.98), sure(0.01)])
    assert not decided([])


def test_a_trial_in_people_with_a_marker_makes_a_comparison(dossier: Dossier, answers: DoseAnswers) -> None:
    selected = {"value": "low IgG", "source": "lloyd_1990_abstract", "seen": "abstract"}
    population = dossier.studies["lloyd_1990"].model_dump(mode="json")["population"]
    told = with_study(dossier, "lloyd_1990", population=population | {"immune_selection": selected})
    marker = group_answer("immune_marker", tuple(told.studies.values()), answers.dose.axes[COURSE].points)
    assert marker.groups[0].names == ("Lloyd 1990",)
    assert len(marker.differences) == 2
    assert marker.cannot_be_answered is not None
    assert marker.cannot_be_answered.startswith("Lloyd 1990 is the only controlled trial in people chosen by")


def test_an_unknown_age_is_named(dossier: Dossier, answers: DoseAnswers) -> None:
    population = dossier.studies["peterson_1990"].model_dump(mode="json")["population"]
    told = with_study(dossier, "peterson_1990", population=population | {"age": {"missing": "not printed"}})
    age = group_answer("age", tuple(told.studies.values()), answers.dose.axes[COURSE].points)
    assert age.not_known == ("Peterson 1990",)
    assert "Peterson 1990" not in age.groups[1].names


def test_one_dose_is_no_comparison() -> None:
    toy = open_dossier(Path(__file__).parents[1] / "toy")
    dose = dose_answers(toy, 70.0).dose
    assert [point.study for point in dose.axes[COURSE].points] == ["toy_a_1990"]
    assert dose.axes[COURSE].models == ()
    assert all(
        "same dose" in out.reason or "at least 3" in out.reason for out in dose.axes[COURSE].not_fitted
    )
    assert (
        dose.cannot_be_answered == "Only 1 controlled trial with a known dose printed a number: Toy A 1990."
    )
    assert [out.reason for out in dose.axes[COURSE].left_out] == ["drug: what was given is not recorded"]


def test_without_any_number_nothing_is_fitted(dossier: Dossier) -> None:
    silent = {
        name: study for name, study in dossier.studies.items() if name not in ("lloyd_1990", "rowe_1997")
    }
    dossier = dossier.model_copy(update={"studies": silent})
    answers = dose_answers(dossier, 70.0)
    assert answers.dose.axes[COURSE].models == ()
    assert answers.dose.cannot_be_answered == "No controlled trial with a known dose printed a number."
    assert {fit.code for fit in answers.dose.axes[COURSE].numbers_only} == {"too_few_effects"}
    assert answers.age.cannot_be_answered == "No controlled trial with a usable result was in adolescents."


# --- where it goes -------------------------------------------------------------------------------------


def test_the_answers_are_among_the_findings_and_in_the_json(dossier: Dossier, answers: DoseAnswers) -> None:
    findings = find(dossier)
    assert findings.dose == answers
    assert set(answers.sources) <= set(used_sources(dossier, findings)) <= set(dossier.sources)
    written = evidence_document(dossier, findings)["dose"]
    assert written.keys() == {"dose", "age", "immune_marker", "sources"}
    points = written["dose"]["axes"][FOUR_WEEKS]["points"]
    assert [point["smd"] is None for point in points] == [False, True, False, True, True, True]
    assert "NaN" not in json.dumps(written)


def test_the_manual_prints_these_numbers(answers: DoseAnswers) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "methods" / "dose.md").read_text(encoding="utf-8")

    def interval(m: Marginal, digits: str) -> str:
        return f"{m.median:{digits}} ({m.ci_lower:.2f} to {m.ci_upper:.2f})".replace("-", "\N{MINUS SIGN}")

    for axis in answers.dose.axes:
        for model in axis.asked():
            before, after = interval(model.gain.prior, ".0f"), interval(model.gain.posterior, ".2f")
            chance = model.gain.posterior.probability_above_zero
            row = f"| {model.prior} | {before} | {after} | {chance:.0%} | {model.gain.width_ratio:.0%} |"
            assert row in manual
    alone = [
        axis.same_age.gain.posterior.probability_above_zero for axis in answers.dose.axes if axis.same_age
    ]
    assert "the chance is {:.0%} per course and {:.0%} per 28 days".format(*alone) in manual
    age = answers.age.differences[0].difference.posterior.probability_above_zero
    assert f"moves from 50% to {age:.0%}" in manual
