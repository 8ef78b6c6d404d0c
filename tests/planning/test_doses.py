"""A dose from what was asked for to the grams of one infusion, worked out by hand."""

from __future__ import annotations

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.planning.doses import Rounding, planned_dose
from globulin.planning.vials import VialSize, vial_set
from globulin.planning.weights import weight_choice

SEVENTY = weight_choice(70)
TENS = (1, 2.5, 5, 10, 20, 30)


def test_grams_per_kilogram() -> None:
    dose = planned_dose(g_per_kg=0.4, weight=SEVENTY, interval_day=28)
    assert dose.asked == "0.4 g/kg every 28 days"
    assert (dose.computed_g, dose.grams, dose.per_infusion_g, dose.capped) == (28, 28, (28,), False)
    assert dose.g_per_kg_actual == pytest.approx(0.4)
    assert dose.steps == ("0.4 g/kg x 70 kg (body weight) = 28 g.",)
    assert (dose.cap_g, dose.interval_day, dose.weight) == (None, 28, SEVENTY)


def test_grams_whatever_the_weight() -> None:
    dose = planned_dose(g=10, weight=SEVENTY, interval_day=7)
    assert (dose.asked, dose.grams) == ("10 g every 7 days", 10)
    assert dose.g_per_kg_actual == pytest.approx(1 / 7)
    assert dose.steps == ("10 g, whatever the weight.",)


def test_another_weight_gives_other_grams_of_the_same_person() -> None:
    """100 kg, 177.8 cm, a man: 83.8 kg with the factor 0.4. 1 g/kg of that is 0.838 g per kg of him."""
    weight = weight_choice(100, 177.8, "male", basis="adjusted_0_4")
    dose = planned_dose(g_per_kg=1, weight=weight, interval_day=28)
    assert dose.grams == pytest.approx(83.8)
    assert dose.g_per_kg_actual == pytest.approx(0.838)
    assert "83.8 kg (adjusted weight (factor 0.4))" in dose.steps[0]


def test_the_noise_of_floating_point_is_not_a_dose() -> None:
    assert 1.1 * 50 > 55, "55.00000000000001"
    dose = planned_dose(g_per_kg=1.1, weight=weight_choice(50), interval_day=28)
    assert (dose.computed_g, dose.grams) == (55, 55)
    third = 0.21 / 3
    assert fsum((third, third, third)) < 0.21, "0.20999999999999996"
    assert planned_dose(g=0.21, weight=SEVENTY, interval_day=7, split_over_days=3).grams == 0.21
    assert 0.33 * 5 > 1.65, "1.6500000000000001"
    whole = planned_dose(
        g=1.65, weight=SEVENTY, interval_day=7, split_over_days=5, rounding="vials", vial_sizes_g=(0.33,)
    )
    assert (whole.grams, whole.per_infusion_g) == (1.65, (0.33,) * 5)
    assert "Rounded" not in " ".join(whole.steps)
    assert 1.65 / 5 < 0.33, "0.32999999999999996"
    at_the_cap = planned_dose(
        g=3,
        weight=SEVENTY,
        interval_day=7,
        split_over_days=5,
        cap_g=1.65,
        rounding="vials",
        vial_sizes_g=(0.33,),
    )
    assert at_the_cap.per_infusion_g == (0.33,) * 5
    assert planned_dose(g=1.1 * 50, weight=SEVENTY, interval_day=7).grams == 55


def test_in_pregnancy_the_step_names_the_weight_before_it() -> None:
    weight = weight_choice(82, pregnant=True, pre_pregnancy_weight_kg=70)
    dose = planned_dose(g_per_kg=0.4, weight=weight, interval_day=28)
    assert dose.steps == ("0.4 g/kg x 70 kg (body weight before pregnancy) = 28 g.",)


def test_a_cap() -> None:
    capped = planned_dose(g_per_kg=1, weight=SEVENTY, interval_day=30, cap_g=60)
    assert (capped.computed_g, capped.grams, capped.capped, capped.cap_g) == (70, 60, True, 60)
    assert capped.steps[1:] == ("Capped at 60 g.",)
    assert capped.g_per_kg_actual == pytest.approx(60 / 70)
    for cap in (70, 71):
        free = planned_dose(g_per_kg=1, weight=SEVENTY, interval_day=30, cap_g=cap)
        assert (free.grams, free.capped, len(free.steps)) == (70, False, 1)


def test_split_over_days() -> None:
    dose = planned_dose(g_per_kg=2, weight=SEVENTY, interval_day=28, split_over_days=5)
    assert dose.asked == "2 g/kg over 5 days every 28 days"
    assert dose.per_infusion_g == (28,) * 5
    assert dose.grams == 140
    assert dose.steps[1:] == ("Split into 5 equal parts of 28 g, one a day.",)
    once = planned_dose(g_per_kg=2, weight=SEVENTY, interval_day=None, split_over_days=2)
    assert (once.asked, once.interval_day) == ("2 g/kg over 2 days, once", None)
    assert planned_dose(g=6, weight=SEVENTY, interval_day=2, split_over_days=2).per_infusion_g == (3, 3)


# Transfusion Ontario rounds to 5 g
@pytest.mark.parametrize(
    ("asked", "given_g", "words"),
    [
        (27.4, 25, "Rounded down to 5 g: 25 g."),
        (27.5, 30, "Rounded up to 5 g: 30 g."),
        (32.4999, 30, "Rounded down to 5 g: 30 g."),
        (30, 30, None),
        (2.4, 2.4, "Not rounded: rounding to 5 g would leave nothing or pass the cap."),
        (2.5, 5, "Rounded up to 5 g: 5 g."),
    ],
)
def test_rounding_to_five_grams(asked: float, given_g: float, words: str | None) -> None:
    dose = planned_dose(g=asked, weight=SEVENTY, interval_day=28, rounding="5_g")
    assert (dose.computed_g, dose.grams) == (asked, given_g)
    assert dose.steps[1:] == (() if words is None else (words,))


def test_rounding_to_five_grams_rounds_the_whole_dose() -> None:
    dose = planned_dose(g=33, weight=SEVENTY, interval_day=28, split_over_days=2, rounding="5_g")
    assert (dose.grams, dose.per_infusion_g) == (35, (17.5, 17.5))
    assert dose.steps[1:] == (
        "Rounded up to 5 g: 35 g.",
        "Split into 2 equal parts of 17.5 g, one a day.",
    )


def test_rounding_never_passes_the_cap() -> None:
    fives = planned_dose(g=100, weight=SEVENTY, interval_day=28, cap_g=63, rounding="5_g")
    assert (fives.grams, fives.steps[1:]) == (60, ("Capped at 63 g.", "Rounded down to 5 g: 60 g."))
    whole = planned_dose(g=100, weight=SEVENTY, interval_day=28, cap_g=65, rounding="5_g")
    assert whole.grams == 65
    vials = planned_dose(
        g=100, weight=SEVENTY, interval_day=28, cap_g=63, rounding="vials", vial_sizes_g=(5, 20)
    )
    assert vials.grams == 60
    # 63 g over 3 days: 21 g a day, of which 20 g come in whole vials of 5 and 20 g
    split = planned_dose(
        g=100,
        weight=SEVENTY,
        interval_day=28,
        cap_g=63,
        split_over_days=3,
        rounding="vials",
        vial_sizes_g=(5, 20),
    )
    assert split.per_infusion_g == (20, 20, 20)
    room = planned_dose(
        g=61,
        weight=SEVENTY,
        interval_day=28,
        cap_g=75,
        split_over_days=3,
        rounding="vials",
        vial_sizes_g=(5,),
    )
    assert room.per_infusion_g == (25, 25, 25), "just at the cap"
    none = planned_dose(g=3, weight=SEVENTY, interval_day=7, cap_g=4, rounding="vials", vial_sizes_g=(5,))
    assert (none.grams, none.steps[1:]) == (
        3,
        ("Not rounded: rounding to whole vials would leave nothing or pass the cap.",),
    )


def test_rounding_up_to_whole_vials() -> None:
    dose = planned_dose(
        g_per_kg=2,
        weight=SEVENTY,
        interval_day=28,
        split_over_days=5,
        rounding="vials",
        vial_sizes_g=(5, 10, 20),
    )
    assert (dose.per_infusion_g, dose.grams) == ((30,) * 5, 150)
    assert dose.g_per_kg_actual == pytest.approx(150 / 70)
    assert dose.steps[1] == "Rounded up to whole vials: 150 g."
    half = planned_dose(g=7.5, weight=SEVENTY, interval_day=28, rounding="vials", vial_sizes_g=TENS)
    assert half.grams == 7.5, "5 g and 2.5 g"


def test_rounding_down_to_whole_vials() -> None:
    def rounded(g: float, **more: float) -> float:
        return planned_dose(
            g=g, weight=SEVENTY, interval_day=28, rounding="vials_down", vial_sizes_g=(5, 20), **more
        ).grams  # type: ignore[arg-type]

    assert rounded(42) == 40, "2 g are 4.8%"
    assert rounded(42.2) == 45, "2.2 g are 5.2%, above the 5% that are the default"
    assert rounded(42.2, round_down_within=0.06) == 40
    assert rounded(4) == 5
    assert rounded(40) == 40


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "exactly one of g and g_per_kg"),
        ({"g": 1, "g_per_kg": 1}, "exactly one of g and g_per_kg"),
        ({"g": 0}, "g must be a number above 0"),
        ({"g_per_kg": -1}, "g_per_kg must be a number above 0"),
        ({"g": float("nan")}, "g must be a number above 0"),
        ({"g": 1, "cap_g": 0}, "cap_g must be a number above 0"),
        ({"g": 1, "interval_day": 0}, "interval_day must be a number above 0"),
        ({"g": 1, "split_over_days": 0}, "split_over_days must be 1 or more"),
        ({"g": 1, "interval_day": 4, "split_over_days": 5}, "5 daily parts do not fit an interval of 4 days"),
        ({"g": 1, "rounding": "10_g"}, "rounding must be one of"),
        ({"g": 1, "rounding": "vials"}, "needs the sizes of the vials"),
        ({"g": 1, "rounding": "vials_down"}, "needs the sizes of the vials"),
    ],
)
def test_what_cannot_be_asked(more: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        planned_dose(**{"weight": SEVENTY, "interval_day": 28, **more})  # type: ignore[arg-type]


hundredths = st.integers(10, 30_000).map(lambda n: n / 100)


@given(
    g=hundredths,
    days=st.integers(1, 7),
    cap_g=st.none() | hundredths,
    rounding=st.sampled_from(("none", "vials", "5_g", "vials_down")),
    sizes=st.sampled_from(((0.33, 1.65), (1, 2.5, 5, 10), (5, 20), (0.33, 2.5))),
)
def test_what_always_holds(
    g: float, days: int, cap_g: float | None, rounding: Rounding, sizes: tuple[float, ...]
) -> None:
    dose = planned_dose(
        g=g,
        weight=SEVENTY,
        interval_day=28,
        split_over_days=days,
        cap_g=cap_g,
        rounding=rounding,
        vial_sizes_g=sizes,
    )
    wanted = g if cap_g is None else min(g, cap_g)
    assert abs(fsum(dose.per_infusion_g) - dose.grams) <= 1e-9
    assert len(set(dose.per_infusion_g)) == 1, "equal parts"
    assert len(dose.per_infusion_g) == days
    assert dose.grams > 0
    assert cap_g is None or dose.grams <= cap_g + 1e-9
    if rounding == "none":
        assert dose.grams == wanted
    elif rounding == "5_g":
        assert abs(dose.grams - wanted) <= 5
    else:
        assert abs(dose.grams - wanted) <= days * min(sizes) + 1e-9
        if "Not rounded" not in " ".join(dose.steps):
            vials = [VialSize(size, size) for size in sizes]
            assert vial_set(dose.per_infusion_g[0], vials).waste_g == 0, "whole vials"
    if rounding == "vials_down" and dose.grams < wanted and cap_g is None:
        assert wanted - dose.grams <= 0.05 * wanted + 1e-9
