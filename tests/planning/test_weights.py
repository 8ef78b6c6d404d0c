"""Dosing weights against the published formulas, worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.library import open_dossier
from globulin.planning.weights import Sex, WeightBasis, WeightChoice, weight_choice

BASES: tuple[WeightBasis, ...] = ("actual", "ideal", "adjusted_0_4", "adjusted_0_5")


def kilograms(choice: WeightChoice) -> list[float | None]:
    return [one.kg for one in choice.choices]


def flags(choice: WeightChoice, basis: WeightBasis = "actual") -> str:
    return " ".join(next(one.flags for one in choice.choices if one.basis == basis))


# 5 ft 10 in is 10 inches above 60: Devine 50 + 23 = 73 and 45.5 + 23 = 68.5 kg
@pytest.mark.parametrize(
    ("weight_kg", "height_cm", "sex", "expected"),
    [
        (100, 177.8, "male", [100, 73, 73 + 10.8, 73 + 13.5]),
        (100, 177.8, "female", [100, 68.5, 68.5 + 12.6, 68.5 + 15.75]),
        (80, 152.4, "male", [80, 50, 62, 65]),
        (80, 152.4, "female", [80, 45.5, 59.3, 62.75]),
        (73, 177.8, "male", [73, 73, 73, 73]),
    ],
)
def test_four_weights_side_by_side(
    weight_kg: float, height_cm: float, sex: Sex, expected: list[float]
) -> None:
    choice = weight_choice(weight_kg, height_cm, sex)
    assert kilograms(choice) == [pytest.approx(kg, abs=1e-9) for kg in expected]
    assert tuple(one.basis for one in choice.choices) == BASES
    assert all(one.why_not is None for one in choice.choices)


def test_the_actual_weight_is_taken_unless_another_is_chosen() -> None:
    default = weight_choice(100, 177.8, "male")
    assert default.chosen.basis == "actual"
    assert default.kg == default.actual_kg == 100
    assert "per kg of body weight" in default.why
    other = weight_choice(100, 177.8, "male", basis="adjusted_0_4")
    assert other.kg == pytest.approx(83.8)
    assert other.actual_kg == 100
    assert "was chosen" in other.why
    assert other.choices == default.choices


@pytest.mark.parametrize(
    ("height_cm", "sex", "words"),
    [
        (None, None, "the height and sex must be known"),
        (170, None, "the sex must be known"),
        (None, "female", "the height must be known"),
        (152.3, "female", "the formula starts at 152.4 cm (60 inches); the height is 152.3 cm"),
        (190, "male", "the ideal weight, 84.0 kg, is more than the person weighs"),  # 74.803 in: 84.05 kg
    ],
)
def test_a_weight_without_its_formula_has_a_reason(
    height_cm: float | None, sex: Sex | None, words: str
) -> None:
    choice = weight_choice(84, height_cm, sex)
    assert kilograms(choice) == [84, None, None, None]
    assert {one.why_not for one in choice.choices[1:]} == {words}
    for basis in BASES[1:]:
        with pytest.raises(ValueError, match=r"^basis: .* cannot be used: .*; use the actual weight$"):
            weight_choice(84, height_cm, sex, basis=basis)


def test_obesity_is_flagged_where_a_guideline_uses_another_weight() -> None:
    """1.6 m: BMI 30 is 76.8 kg."""
    above = weight_choice(76.9, 160, "female")
    assert "The body mass index is 30.0 kg/m2. Above 30 Transfusion Ontario requires" in flags(above)
    assert "cannot be worked out" not in flags(above)
    assert flags(above, "adjusted_0_4") == ""
    at = weight_choice(30 * 2.0**2, 200, "male")  # BMI just 30 without rounding: 120 kg at 2 m
    assert "Transfusion Ontario" not in flags(at)
    assert "the body mass index is 30 or more" in flags(at)
    assert "requires an adjusted weight only above 30" in flags(at, "adjusted_0_5")
    below = weight_choice(29.9 * 2.0**2, 200, "male")
    assert "body mass index" not in flags(below)
    assert "The body mass index is 29.9 kg/m2" in flags(below, "adjusted_0_4")
    short = weight_choice(80, 150, "female")  # BMI 35.6, below the height where the formula starts
    assert "which cannot be worked out: the formula starts at 152.4 cm" in flags(short)
    assert flags(short, "adjusted_0_4") == ""


def test_the_rule_of_the_elsevier_reference() -> None:
    """Actual weight up to 100 kg and below BMI 30, and no more than 20% above the ideal, 73 kg: 87.6 kg."""
    assert "Elsevier" not in flags(weight_choice(87.5, 177.8, "male"))
    over = flags(weight_choice(87.7, 177.8, "male"))
    assert over == (
        "The Elsevier drug reference would take an adjusted weight:"
        " the weight is more than 20% above the ideal."
    )
    assert "Elsevier" not in flags(weight_choice(60, 152.4, "male")), "just 20% above 50 kg"
    tall = weight_choice(100, 200, "male")  # ideal 93.1 kg, BMI 25
    assert "Elsevier" not in flags(tall)
    assert "the weight is above 100 kg" in flags(weight_choice(100.1, 200, "male"))
    unknown = weight_choice(101)
    assert "the weight is above 100 kg" in flags(unknown)
    assert "The height is not known" in flags(unknown)
    three = flags(weight_choice(130, 177.8, "male"))
    assert "above 100 kg; the body mass index is 30 or more; the weight is more than 20%" in three


def test_in_pregnancy_the_weight_before_it() -> None:
    known = weight_choice(82, 165.1, "female", pregnant=True, pre_pregnancy_weight_kg=70)
    # 5 inches above 60: 45.5 + 11.5 = 57
    assert kilograms(known) == [70, pytest.approx(57), pytest.approx(62.2), pytest.approx(63.5)]
    assert known.chosen.formula == "body weight before pregnancy"
    assert known.chosen.source == "transfusion_ontario_dose"
    assert "in pregnancy the weight before it" in known.why
    assert "pregnancy" not in flags(known)
    unknown = weight_choice(82, 165.1, "female", pregnant=True)
    assert unknown.kg == 82
    assert "In pregnancy Transfusion Ontario takes the weight before it. That is not known" in flags(unknown)
    for pregnant in (False, None):
        after = weight_choice(72, 165.1, "female", pregnant=pregnant, pre_pregnancy_weight_kg=70)
        assert after.kg == 72
        assert after.chosen.formula == "body weight"
        assert after.chosen.source is None
        assert "pregnancy" not in after.why + flags(after)


def test_every_weight_says_where_it_comes_from() -> None:
    choice = weight_choice(100, 177.8, "male")
    assert [one.source for one in choice.choices] == [
        None,
        "nba_bloodstar_weight",
        "nba_bloodstar_weight",
        "harriet_lane_24e",
    ]
    assert "ideal weight and 0.4 of what is above it" in choice.choices[2].formula
    assert "ideal weight and 0.5 of what is above it" in choice.choices[3].formula
    assert set(choice.sources) <= open_dossier().sources.keys()
    assert {"transfusion_ontario_dose", "elsevier_dosing_weight"} < set(choice.sources)


def test_the_smallest_people_have_a_weight() -> None:
    assert weight_choice(0.9).kg == 0.9


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["weight_kg", "height_cm", "pre_pregnancy_weight_kg"])
def test_numbers_that_mean_nothing(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a number above 0"):
        weight_choice(**{"weight_kg": 70.0, name: value})


def test_a_basis_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match=r"basis must be one of actual, ideal"):
        weight_choice(70, basis="lean")  # type: ignore[arg-type]


people = {
    "weight_kg": st.floats(3, 400),
    "height_cm": st.floats(50, 230),
    "sex": st.sampled_from(("female", "male")),
}


@given(**people)
def test_no_weight_is_above_the_actual_and_factors_are_in_order(
    weight_kg: float, height_cm: float, sex: Sex
) -> None:
    actual, ideal, low, high = kilograms(weight_choice(weight_kg, height_cm, sex))
    assert actual == weight_kg
    if ideal is None:
        assert low is None
        assert high is None
    else:
        assert low is not None
        assert high is not None
        # one rounding of a weight below 400 kg is below 1e-13
        assert ideal - 1e-12 <= low <= high + 1e-12 <= weight_kg + 2e-12


@given(**people)
def test_the_lowest_weights_of_transfusion_ontario_follow_from_its_height(
    weight_kg: float, height_cm: float, sex: Sex
) -> None:
    """Up to 50 kg (men) or 45.5 kg (women) its calculator keeps the actual weight. So does this, unasked."""
    if weight_kg <= {"male": 50, "female": 45.5}[sex]:
        assert all(kg in (None, weight_kg) for kg in kilograms(weight_choice(weight_kg, height_cm, sex)))
