"""A made-up drug, answered by hand: the machinery from files to findings on numbers anyone can check."""

from __future__ import annotations

from pathlib import Path

import pytest

from globulin.dossier import Dossier
from globulin.errors import InputError
from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.planning.comparison import RegimenRow
from globulin.planning.dosing import Amount

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier(TOY)


@pytest.fixture(scope="module")
def findings(dossier: Dossier) -> Findings:
    return find(dossier)


def row(findings: Findings, identifier: str) -> RegimenRow:
    return next(row for row in findings.regimens if row.id == identifier)


def given(findings: Findings, identifier: str) -> Amount:
    amount = row(findings, identifier).amount
    assert isinstance(amount, Amount)
    return amount


def test_seven_grams_a_week_against_one_litre_a_day_is_one_gram_per_litre(findings: Findings) -> None:
    (rise,) = row(findings, "toy_weekly_iv").rises
    assert rise.mean_g_per_l == pytest.approx(1.0, rel=1e-12)
    assert rise.trough_g_per_l < 1.0 < rise.peak_g_per_l
    amount = given(findings, "toy_weekly_iv")
    assert (amount.g_per_28_day, amount.mg_per_kg_per_28_day) == (28.0, 560.0)


def test_one_gram_a_week_into_a_muscle_keeps_half(findings: Findings) -> None:
    # 1 g x 0.5 absorbed in 7 days at 1 L/day
    (rise,) = row(findings, "toy_weekly_im").rises
    assert rise.mean_g_per_l == pytest.approx(0.5 / 7, rel=1e-12)
    assert given(findings, "toy_weekly_im").dose_g == 1.0


def test_cost_is_price_times_grams(findings: Findings) -> None:
    # by vein 5 USD per 500 mg = 10 USD/g, 28 g in 28 days; by muscle 4 USD per mL = 20 USD/g, 4 g in 28 days
    iv, im = row(findings, "toy_weekly_iv").cheapest, row(findings, "toy_weekly_im").cheapest
    assert iv is not None
    assert im is not None
    assert (iv.price.per_gram, iv.per_28_day) == (10.0, 280.0)
    assert (im.price.per_gram, im.per_28_day) == (20.0, 80.0)


def test_trial_arm_stands_on_the_same_axis(findings: Findings) -> None:
    # 1 g/kg every 28 days: 1000 mg/kg, 50 g a dose, three doses 150 g in 84 days
    amount = given(findings, "toy_a_1990_drug")
    assert (amount.mg_per_kg_per_28_day, amount.dose_g, amount.course_g, amount.course_day) == (
        1000.0,
        50.0,
        150.0,
        84.0,
    )
    # 4 g of 50 kg in 28 days = 80 mg/kg = 8% of the only trial arm
    assert row(findings, "toy_weekly_im").percent_of_trials == pytest.approx((8.0, 8.0))


def test_equal_counts_are_no_effect_and_a_null_trial_changes_nothing_but_its_width(
    findings: Findings,
) -> None:
    measured, null = findings.trials.effects
    assert measured.smd == 0.0
    # log odds ratio variance 4/10 times 3/pi^2
    assert measured.se == pytest.approx((0.4 * 3 / 9.869604401089358) ** 0.5, rel=1e-12)
    assert null.smd is None
    assert null.bound == pytest.approx(0.777, abs=5e-4)  # t(26) = 2.056 times sqrt(2/14)
    answers = {answer.id: answer for answer in findings.trials.answers}
    assert answers["null_censored"].frequentist is None
    for answer in answers.values():
        vague, sceptical, enthusiastic = answer.bayes
        for bayes in (vague, sceptical):
            assert bayes.median == pytest.approx(0.0, abs=1e-6)
            assert bayes.probability_of_benefit == pytest.approx(0.5, abs=1e-6)
        # pulled from the enthusiast's 0.5 towards the nothing that was seen
        assert 0 < enthusiastic.median < 0.5


def test_figures_are_filled_into_claims(findings: Findings) -> None:
    (answered,) = findings.claims
    assert answered.finding == "A 1 g/kg dose costs 500 USD (the year 2025)."
    assert answered.sources == ("toy_prices",)


def test_a_figure_that_needs_what_is_not_there_is_not_known(findings: Findings) -> None:
    assert findings.figures["lloyd_active_responders"].text == "not known"


def test_another_weight_scales_doses_per_kg_only(dossier: Dossier) -> None:
    heavy = find(dossier, weight_kg=100.0)
    assert given(heavy, "toy_a_1990_drug").dose_g == 100.0
    assert given(heavy, "toy_weekly_iv").dose_g == 7.0


def test_unknown_price_list_names_those_there_are(dossier: Dossier) -> None:
    with pytest.raises(InputError, match="no price list 'nope'; there are: toy_prices"):
        find(dossier, price_list="nope")
