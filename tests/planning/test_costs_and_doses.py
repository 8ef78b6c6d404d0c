"""Doses and costs against label arithmetic and the payment limits of the fourth quarter of 2025."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.dossier import Dossier
from globulin.dossier.provenance import Cited, Missing
from globulin.dossier.treatment import Dose, Phase, Regimen, Route
from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.planning.comparison import RegimenRow
from globulin.planning.cost import drug_prices
from globulin.planning.dosing import Amount, NoAmount, amount, dose_words
from globulin.units import g_from_ml, ml_from_g


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def findings(dossier: Dossier) -> Findings:
    return find(dossier)


@pytest.fixture(scope="module")
def rows(findings: Findings) -> dict[str, RegimenRow]:
    return {row.id: row for row in findings.regimens}


# CMS payment limits effective October to December 2025: J1569 45.314 USD per 500 mg, J1460 49.033 USD per mL
@pytest.mark.parametrize(("g_per_kg", "usd"), [(0.4, 2538), (1.0, 6344), (2.0, 12688)])
def test_gammagard_liquid_at_70_kg(dossier: Dossier, g_per_kg: float, usd: int) -> None:
    prices = drug_prices(dossier.products.values(), dossier.prices["cms_2025q4"], "iv")
    gammagard = next(price for price in prices if price.product == "gammagard_liquid")
    assert gammagard.per_gram * g_per_kg * 70 == pytest.approx(usd, abs=0.5)
    assert prices[0] == gammagard, "the cheapest listed gram by vein"


def test_two_millilitres_of_gamastan(dossier: Dossier, rows: dict[str, RegimenRow]) -> None:
    row = rows["im_2_ml_weekly"]
    assert isinstance(row.amount, Amount)
    assert row.amount.dose_g == pytest.approx(0.33)  # 165 mg/mL, the middle of the labelled 15 to 18%
    assert row.cheapest is not None
    assert row.cheapest.price.product == "gamastan"
    assert row.cheapest.per_28_day == pytest.approx(4 * 98.066, abs=0.01)
    # by gram the muscle product costs about three times the vein product
    iv = drug_prices(dossier.products.values(), dossier.prices["cms_2025q4"], "iv")[0]
    assert row.cheapest.price.per_gram / iv.per_gram == pytest.approx(3.28, abs=0.01)


def test_four_week_amounts(rows: dict[str, RegimenRow]) -> None:
    """mg/kg per 28 days at 70 kg, by hand: 0.33 g x 4 / 70, 1 g x 4 / 70, 2 g/kg x 28/30, ..."""
    expected = {
        "im_2_ml_weekly": 18.857,
        "im_4_ml_every_other_week": 18.857,
        "im_4_ml_weekly": 37.714,
        "iv_1_g_weekly_26_weeks": 57.143,
        "im_1_g_weekly_26_weeks": 57.143,
        "park_1_g_weekly_iv": 57.143,
        "iv_2_g_per_kg_28d": 2000.0,
        "lloyd_1990_ivig2": 1866.667,
        "peterson_1990_ivig1": 933.333,
        "vollmer_conna_1997_ivig05": 466.667,
        "rowe_1997_ivig1": 800.0,  # 1 g/kg capped at 60 g every 30 days
        "scheibenbogen_2021_scig": 800.0,
        "sjogren_2024_scig_low": 60.0,
    }
    for identifier, mg_per_kg in expected.items():
        given_amount = rows[identifier].amount
        assert isinstance(given_amount, Amount), identifier
        assert given_amount.mg_per_kg_per_28_day == pytest.approx(mg_per_kg, abs=1e-3), identifier


def test_trial_courses_add_up(rows: dict[str, RegimenRow]) -> None:
    """Cumulative g/kg as the papers give them: Lloyd 6, Peterson 6, Vollmer-Conna 1.5 to 6."""
    for identifier, g_per_kg in {
        "lloyd_1990_ivig2": 6.0,
        "peterson_1990_ivig1": 6.0,
        "vollmer_conna_1997_ivig05": 1.5,
        "vollmer_conna_1997_ivig1": 3.0,
        "vollmer_conna_1997_ivig2": 6.0,
        "geerts_2021_ivig": 5.0,
        "vernino_2024_ivig": 3.2,
    }.items():
        given_amount = rows[identifier].amount
        assert isinstance(given_amount, Amount)
        assert given_amount.course_g == pytest.approx(70 * g_per_kg), identifier


def test_a_dose_that_is_not_known_has_a_reason(rows: dict[str, RegimenRow]) -> None:
    low = rows["de_meirleir_low_dose"]
    assert isinstance(low.amount, NoAmount)
    assert low.amount.reason
    assert low.cheapest is None
    assert low.rises == ()


def test_low_doses_are_a_small_part_of_the_trials(rows: dict[str, RegimenRow]) -> None:
    """18.9 mg/kg is 1% of 1,867 and 4% of 467; 57.1 is 3% and 12%."""
    assert rows["im_2_ml_weekly"].percent_of_trials == pytest.approx((1.010, 4.041), abs=1e-3)
    assert rows["iv_1_g_weekly_26_weeks"].percent_of_trials == pytest.approx((3.061, 12.245), abs=1e-3)


def test_every_row_shows_all_models_or_none(rows: dict[str, RegimenRow]) -> None:
    counts = {len(row.rises) for row in rows.values()}
    assert counts == {0, 4}
    assert all(rise.converged for row in rows.values() for rise in row.rises)


def test_products_without_a_price_or_code_are_left_out(dossier: Dossier) -> None:
    routes: tuple[Route, ...] = ("iv", "sc", "fsc", "im")
    listed = {
        price.product
        for route in routes
        for price in drug_prices(dossier.products.values(), dossier.prices["cms_2025q4"], route)
    }
    # not in the list, or with a code from memory
    assert not {"yimmugo", "qivigy", "flebogamma_dif_10", "intragam_p", "kiovig", "subgam"} & listed
    assert {"gamastan", "hizentra", "hyqvia", "privigen", "gammaked"} <= listed


def cited(value: object) -> dict[str, object]:
    return {"value": value, "source": "s", "seen": "full_text"}


def regimen(dose: dict[str, float], interval: object, **more: object) -> Regimen:
    phase = {"dose": cited(dose), "interval_day": interval, **more}
    return Regimen.model_validate({"route": cited("iv"), "phases": (phase,)}, strict=False)


@given(
    g_per_kg=st.floats(0.01, 5),
    weight_kg=st.floats(3, 300),
    interval=st.floats(1, 60),
    factor=st.floats(1.1, 3),
)
def test_amounts_scale_with_weight_and_interval(
    g_per_kg: float, weight_kg: float, interval: float, factor: float
) -> None:
    one = amount(regimen({"g_per_kg": g_per_kg}, cited(interval)), weight_kg, {})
    heavier = amount(regimen({"g_per_kg": g_per_kg}, cited(interval)), weight_kg * factor, {})
    rarer = amount(regimen({"g_per_kg": g_per_kg}, cited(interval * factor)), weight_kg, {})
    assert isinstance(one, Amount)
    assert isinstance(heavier, Amount)
    assert isinstance(rarer, Amount)
    assert one.g_per_28_day is not None
    assert rarer.g_per_28_day is not None
    assert heavier.dose_g == pytest.approx(one.dose_g * factor)
    assert heavier.mg_per_kg_per_28_day == pytest.approx(one.mg_per_kg_per_28_day)
    assert rarer.g_per_28_day == pytest.approx(one.g_per_28_day / factor)


def test_a_cap_holds_and_is_said() -> None:
    capped = Regimen.model_validate(
        {
            "route": cited("iv"),
            "phases": ({"dose": cited({"g_per_kg": 1.0}), "interval_day": cited(30.0)},),
            "cap_g": cited(60.0),
        },
        strict=False,
    )
    heavy, light = amount(capped, 70.0, {}), amount(capped, 50.0, {})
    assert isinstance(heavy, Amount)
    assert isinstance(light, Amount)
    assert (heavy.dose_g, heavy.capped) == (60.0, True)
    assert (light.dose_g, light.capped) == (50.0, False)


def test_words_of_a_dose() -> None:
    assert dose_words(regimen({"g_per_kg": 2.0}, cited(30.0))) == "2 g/kg every 30 days"
    assert dose_words(regimen({"g": 1.0}, cited(7.0))) == "1 g a week"
    assert (
        dose_words(regimen({"g_per_kg": 2.0}, cited(28.0), split_over_days=5))
        == "2 g/kg over 5 days every 28 days"
    )
    assert dose_words(regimen({"g_per_kg": 2.0}, {"missing": "once"})) == "2 g/kg, one course"
    unknown = Phase(dose=Missing(missing="x"), interval_day=Missing(missing="x"))
    assert dose_words(Regimen(route=Cited(value="iv", source="s", seen="label"), phases=(unknown,))) is None


def test_a_single_course_has_no_four_week_amount() -> None:
    once = amount(regimen({"g_per_kg": 2.0}, {"missing": "once"}, doses=cited(1)), 70.0, {})
    assert isinstance(once, Amount)
    assert (once.dose_g, once.g_per_28_day, once.course_g) == (140.0, None, 140.0)


def test_an_unverified_dose_is_not_computed_with() -> None:
    phase = {"dose": {**cited({"g": 1.0}), "seen": "unverified"}, "interval_day": cited(7.0)}
    unverified = Regimen.model_validate({"route": cited("iv"), "phases": (phase,)}, strict=False)
    assert amount(unverified, 70.0, {}) == NoAmount("the dose is unverified")


@given(volume_ml=st.floats(0.01, 1000), concentration=st.floats(10, 300))
def test_millilitres_and_grams_are_inverse(volume_ml: float, concentration: float) -> None:
    assert ml_from_g(g_from_ml(volume_ml, concentration), concentration) == pytest.approx(volume_ml)


def test_dose_in_millilitres_needs_its_product() -> None:
    assert Dose(ml=2.0, of="gamastan").of == "gamastan"
