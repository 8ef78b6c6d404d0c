"""What a plan predicts, held against values computed by others, and where it stands beside the trials."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from globulin import contents
from globulin.dossier.patient import Patient
from globulin.exposure.facts import Catalogue, catalogue
from globulin.plan_shelf import PlanShelf
from globulin.planning.outlook import Evidence, NoPrediction, Prediction, evidence, predict
from globulin.synthesis.trials import summarise_trials

# golden values of the kinetics facts, by a matrix exponential and LSODA: 28 g over 0.25 d every 28 d
# into a man of 70 kg and 170 cm, total IgG at steady state (Cmax, Cmin, Cavg in g/L)
GOLDEN = {
    "navarro_mora_2022": (16.4691, 7.9459, 10.3595),
    "zhang_2020": (15.5904, 8.7913, 10.9262),
    "li_2022": (16.5444, 8.7397, 11.0281),
}
# they are printed with four decimals
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def models() -> Catalogue:
    return catalogue(contents.bundled("kinetics"))


@pytest.fixture(scope="module")
def shelf() -> PlanShelf:
    return PlanShelf()


MAN = Patient(label="golden", weight_kg=70.0, height_cm=170.0, sex="male")


def _predicted(models: Catalogue, patient: Patient = MAN, **changes: object) -> Prediction:
    asked = {"route": "iv", "grams": 28.0, "interval_day": 28.0, "infusion_day": 0.25, "indication": "pi"}
    found = predict(models, patient, **{**asked, **changes})  # type: ignore[arg-type]
    assert isinstance(found, Prediction)
    return found


@pytest.mark.parametrize(
    ("name", "column"), [("peak_g_per_l", 0), ("trough_g_per_l", 1), ("average_g_per_l", 2)]
)
def test_the_average_of_the_models_and_their_ends_are_those_of_the_golden_values(
    models: Catalogue, name: str, column: int
) -> None:
    spread = getattr(_predicted(models), name)
    values = [golden[column] for golden in GOLDEN.values()]
    assert spread.value == pytest.approx(sum(values) / 3, abs=TOLERANCE)
    assert spread.models_low == pytest.approx(min(values), abs=TOLERANCE)
    assert spread.models_high == pytest.approx(max(values), abs=TOLERANCE)


def test_most_people_lie_around_the_typical_one(models: Catalogue) -> None:
    found = _predicted(models)
    for name in ("rise_mean_g_per_l", "trough_g_per_l", "peak_g_per_l", "average_g_per_l"):
        spread = getattr(found, name)
        assert spread.people_low < spread.value < spread.people_high


def test_a_level_that_was_measured_moves_every_total_and_not_the_rise(models: Catalogue) -> None:
    # a linear model adds the rise to whatever level is there before
    low = _predicted(models, MAN.model_copy(update={"baseline_igg_g_per_l": 3.0}))
    high = _predicted(models, MAN.model_copy(update={"baseline_igg_g_per_l": 5.0}))
    assert high.trough_g_per_l.value - low.trough_g_per_l.value == pytest.approx(2.0)
    assert high.rise_mean_g_per_l.value == pytest.approx(low.rise_mean_g_per_l.value)
    assert low.baseline_known
    assert not any("not known" in flag for flag in low.flags)


def test_a_level_that_was_not_measured_is_said_to_be_assumed(models: Catalogue) -> None:
    found = _predicted(models)
    assert not found.baseline_known
    assert any("own IgG is not known" in flag for flag in found.flags)


@pytest.mark.parametrize("route", ["iv", "sc", "im"])
def test_notes_name_models_as_people_do_and_say_once_what_is_assumed(models: Catalogue, route: str) -> None:
    for indication in (None, "pi"):
        found = _predicted(models, route=route, infusion_day=None, indication=indication)
        said = " ".join(found.flags)
        assert not [model for model in models.models if model in said]
        assert said.count("own IgG") == 1, said


def test_people_with_normal_igg_get_the_models_made_for_them(models: Catalogue) -> None:
    assert _predicted(models, indication=None).model == "normal"
    assert _predicted(models, indication="cidp").model == "normal"
    assert _predicted(models).model == "deficient"


def test_a_few_ml_into_a_muscle_cannot_be_guided_by_a_level(models: Catalogue) -> None:
    found = _predicted(models, route="im", grams=0.33, interval_day=7.0, infusion_day=None, indication=None)
    # 0.33 g a week against about 18 g of own IgG made in that time: a rise of about 1%
    assert 0.05 < found.rise_mean_g_per_l.value < 0.2
    assert found.guides is not None
    assert "cannot guide" in found.guides


def test_a_single_course_has_no_steady_level(models: Catalogue) -> None:
    found = predict(models, MAN, route="iv", grams=28.0, interval_day=None)
    assert isinstance(found, NoPrediction)
    assert "once" in found.reason


def _beside(shelf: PlanShelf, dose: float | None) -> Evidence:
    return evidence(
        shelf.studies.values(), shelf.products, route="iv", mg_per_kg_per_28_day=dose, weight_kg=70.0
    )


def test_trial_doses_are_those_of_the_papers(shelf: PlanShelf) -> None:
    by_id = {trial.study: trial for trial in _beside(shelf, 400.0).trials}
    # Lloyd 1990: 2 g/kg a month; Peterson 1990 and Rowe 1997: 1 g/kg a month; Vollmer-Conna 1997: 0.5, 1 and
    # 2 g/kg a month; a month is taken as 30 days in the records
    month = 28 / 30
    assert by_id["lloyd_1990"].arms_mg_per_kg_per_28_day == pytest.approx((2000 * month,))
    assert by_id["peterson_1990"].arms_mg_per_kg_per_28_day == pytest.approx((1000 * month,))
    assert by_id["rowe_1997"].arms_mg_per_kg_per_28_day == pytest.approx((1000 * month,))
    assert by_id["vollmer_conna_1997"].arms_mg_per_kg_per_28_day == pytest.approx(
        (500 * month, 1000 * month, 2000 * month)
    )
    assert by_id["lloyd_1990"].percent_of_trial == pytest.approx((100 * 400 / (2000 * month),) * 2)
    assert by_id["vollmer_conna_1997"].percent_of_trial == pytest.approx(
        (100 * 400 / (2000 * month), 100 * 400 / (500 * month))
    )
    assert by_id["dubois_1986"].arms_mg_per_kg_per_28_day == (None,)
    assert by_id["dubois_1986"].unusable is not None


def test_negative_trials_stand_beside_the_others(shelf: PlanShelf) -> None:
    found = {trial.study: trial.found for trial in _beside(shelf, 400.0).trials}
    # abstracts: Lloyd and Rowe found more responders, Peterson and Vollmer-Conna no difference
    assert found["lloyd_1990"] == found["rowe_1997"] == "favours"
    assert found["peterson_1990"] == found["vollmer_conna_1997"] == "no_clear_difference"
    assert found["dubois_1986"] == "not_usable"


@pytest.mark.parametrize(
    ("dose", "nearest", "says"),
    [
        (400.0, {"vollmer_conna_1997"}, "About this dose was tried"),
        (20.0, {"vollmer_conna_1997"}, "below all that trials gave: 4.3% of the lowest"),
        (933.0, {"peterson_1990", "rowe_1997", "vollmer_conna_1997"}, "About this dose"),
        (5000.0, {"lloyd_1990", "vollmer_conna_1997"}, "above all that trials gave: 268% of the highest"),
        (660.0, {"vollmer_conna_1997"}, "No trial gave this dose"),
    ],
)
def test_a_dose_is_set_beside_the_nearest_trials(
    shelf: PlanShelf, dose: float, nearest: set[str], says: str
) -> None:
    found = _beside(shelf, dose)
    assert says in found.dose_words
    if dose != 660.0:
        assert set(found.nearest) == nearest
    assert "the trials cannot say" in found.dose_words


def test_another_route_than_that_of_the_trials_is_said(shelf: PlanShelf) -> None:
    under_the_skin = evidence(
        shelf.studies.values(), shelf.products, route="sc", mg_per_kg_per_28_day=400.0, weight_kg=70.0
    )
    assert "by another route" in under_the_skin.dose_words
    assert "by another route" not in _beside(shelf, 400.0).dose_words


def test_a_single_course_is_not_set_beside_repeated_doses(shelf: PlanShelf) -> None:
    found = _beside(shelf, None)
    assert found.nearest == ()
    assert all(trial.percent_of_trial is None for trial in found.trials)
    assert "given once" in found.dose_words


def test_the_plan_and_the_page_give_the_same_main_answer(shelf: PlanShelf) -> None:
    # the numbers themselves are held against other programs in tests/synthesis; here two ways must agree
    summary = summarise_trials(shelf.studies.values())
    assert summary.main is not None
    page = summary.answer(summary.main).policy.primary
    assert page is not None
    assert _beside(shelf, 400.0).pooled == page


def test_without_trials_nothing_is_claimed(shelf: PlanShelf) -> None:
    found = evidence((), shelf.products, route="iv", mg_per_kg_per_28_day=400.0, weight_kg=70.0)
    assert found.trials == ()
    assert found.pooled is None
    assert "No trial's dose is known" in found.dose_words


def test_a_dossier_without_averages_predicts_nothing() -> None:
    empty = SimpleNamespace(averages={})
    found = predict(empty, MAN, route="iv", grams=28.0, interval_day=28.0)  # type: ignore[arg-type]
    assert isinstance(found, NoPrediction)
