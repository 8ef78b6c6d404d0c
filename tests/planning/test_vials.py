"""Whole vials against brute force: every combination is written out, in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.planning.vials import Prefer, VialCount, VialSet, VialSize, vial_set

TENS = tuple(VialSize(grams, grams * 10) for grams in (1, 2.5, 5, 10, 20, 30))
"""The sizes of a 10% product: 100 mg/mL."""
MUSCLE = (VialSize(0.33, 2), VialSize(1.65, 10))


def counted(found: VialSet) -> dict[float, int]:
    return {vial.grams: vial.count for vial in found.vials}


# --- by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dose", "prefer", "vials", "waste"),
    [
        (28, "least_waste", {20: 1, 5: 1, 1: 3}, 0),  # 27.5 + 2.5 is 30; 20 + 5 + 3 x 1 is 28
        (28, "fewest", {30: 1}, 2),
        (27.9, "least_waste", {20: 1, 5: 1, 1: 3}, 0.1),
        (200, "least_waste", {30: 6, 20: 1}, 0),
        (40, "least_waste", {30: 1, 10: 1}, 0),  # as many vials as 2 x 20; the largest first
        (0.2, "least_waste", {1: 1}, 0.8),
        (7.5, "least_waste", {5: 1, 2.5: 1}, 0),
    ],
)
def test_a_ten_percent_product(dose: float, prefer: Prefer, vials: dict[float, int], waste: float) -> None:
    found = vial_set(dose, TENS, prefer=prefer)
    assert counted(found) == vials
    assert found.waste_g == waste
    assert found.short_g == 0
    assert found.ml == found.grams * 10


def test_largest_first_would_waste_more() -> None:
    """3 g from 2 and 2.5 g: largest first opens 2.5 + 2 = 4.5 g, two of 2 g are enough."""
    found = vial_set(3, (VialSize(2.5, 25), VialSize(2, 20)))
    assert found.vials == (VialCount(2, 20, 2),)
    assert (found.grams, found.ml, found.waste_g) == (4, 40, 1)
    assert found.given_g == 3


def test_of_sets_that_waste_the_same_the_fewest_vials() -> None:
    """8 g: 5 + 1 + 1 + 1 opens the larger vial, 4 + 4 fewer vials."""
    found = vial_set(8, (VialSize(1, 10), VialSize(4, 40), VialSize(5, 50)))
    assert found.vials == (VialCount(4, 40, 2),)


def test_two_millilitres_into_a_muscle() -> None:
    assert vial_set(0.33, MUSCLE) == VialSet((VialCount(0.33, 2, 1),), 0.33, 2, 0, 0, None)
    found = vial_set(2, MUSCLE)
    assert found.vials == (VialCount(1.65, 10, 1), VialCount(0.33, 2, 2))
    assert (found.grams, found.ml, found.waste_g) == (2.31, 14, 0.31)


def test_sizes_without_a_common_measure_but_a_hundredth() -> None:
    """27.9 g from 0.33 and 2.5 g: n of 2.5 leave 0.33 m >= 27.9 - 2.5 n; n = 1, m = 77 leaves 0.01 g over."""
    found = vial_set(27.9, (VialSize(0.33, 2), VialSize(2.5, 25)))
    assert counted(found) == {2.5: 1, 0.33: 77}
    assert found.waste_g == 0.01


def test_the_noise_of_floating_point_opens_no_vial() -> None:
    dose = 1.1 * 50
    assert dose > 55, "55.00000000000001"
    assert vial_set(dose, TENS) == vial_set(55, TENS)
    assert vial_set(55 + 2e-9, TENS).grams == 55.5, "but two nanograms are more"


def test_rounding_down_within_a_tolerance() -> None:
    """From vials of 5 g: 41 g may become 40 g within 2.5% (1.025 g) but not within 2.4% (0.984 g)."""
    fives = (VialSize(5, 50), VialSize(20, 200))
    down = vial_set(41, fives, round_down_within=0.025)
    assert (counted(down), down.waste_g, down.short_g) == ({20: 2}, 0, 1)
    up = vial_set(41, fives, round_down_within=0.024)
    assert (counted(up), up.waste_g, up.short_g) == ({20: 2, 5: 1}, 4, 0)
    assert vial_set(41, fives).grams == 45
    exact = vial_set(100, fives, round_down_within=0.05)
    assert (exact.grams, exact.short_g) == (100, 0), "a dose that vials hold exactly is not lowered"
    at_the_limit = vial_set(20, (VialSize(19, 190),), round_down_within=0.05)
    assert at_the_limit.short_g == 1, "just 5%"
    nothing_below = vial_set(4, fives, round_down_within=1)
    assert nothing_below.grams == 5, "never down to nothing"


def test_the_cheapest_vials_are_not_those_with_the_least_waste() -> None:
    """6 g: 5 + 2 x 0.5 g wastes nothing at 500 + 2 x 80 = 660; one of 10 g at 600 is cheaper."""
    sizes = (VialSize(0.5, 5, 80), VialSize(5, 50, 500), VialSize(10, 100, 600))
    assert vial_set(6, sizes, prefer="cheapest").price == 600
    assert vial_set(6, sizes).price == 660
    # small vials may be the cheap ones: 10 x 0.5 g at 30 instead of 5 g at 500
    small = (VialSize(0.5, 5, 30), VialSize(5, 50, 500))
    assert counted(vial_set(7, small, prefer="cheapest")) == {0.5: 14}
    # the same money: least waste, then fewest
    same = (VialSize(1, 10, 10), VialSize(2, 20, 20), VialSize(3, 30, 20))
    assert counted(vial_set(2, same, prefer="cheapest")) == {2: 1}


def test_a_price_needs_a_price_for_every_vial_that_is_opened() -> None:
    sizes = (VialSize(5, 50, 100), VialSize(2, 20))
    assert vial_set(5, sizes).price == 100
    assert vial_set(7, sizes).price is None


def test_of_two_packages_with_the_same_grams_the_cheaper_then_the_smaller() -> None:
    packages = (VialSize(10, 192, 50), VialSize(10, 200, 40), VialSize(10, 180))
    assert vial_set(10, packages).vials == (VialCount(10, 200, 1),)
    assert vial_set(1, (VialSize(1, 20), VialSize(1, 10))).ml == 10


@pytest.mark.parametrize(
    ("dose", "sizes", "more", "words"),
    [
        (0, TENS, {}, "dose_g must be above 0"),
        (-1, TENS, {}, "dose_g must be above 0"),
        (1e-10, TENS, {}, "dose_g must be above 0"),
        (float("nan"), TENS, {}, "dose_g must be above 0"),
        (float("inf"), TENS, {}, "dose_g must be above 0"),
        (1000.1, TENS, {}, "at most 1000 g"),
        (10, (), {}, "at least one"),
        (10, (VialSize(0, 10),), {}, "above 0 in grams"),
        (10, (VialSize(1, 0),), {}, "above 0 in grams"),
        (10, (VialSize(1, 10, 0),), {}, "above 0 in grams"),
        (10, (VialSize(float("nan"), 10),), {}, "above 0 in grams"),
        (10, TENS, {"prefer": "dearest"}, "prefer must be one of"),
        (10, TENS, {"prefer": "cheapest"}, "need a price"),
        (10, TENS, {"round_down_within": -0.01}, "round_down_within"),
        (10, TENS, {"round_down_within": 1.01}, "round_down_within"),
    ],
)
def test_what_cannot_be_asked(
    dose: float, sizes: Sequence[VialSize], more: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        vial_set(dose, sizes, **more)  # type: ignore[arg-type]


def test_the_largest_dose_is_answered() -> None:
    assert vial_set(1000, TENS).grams == 1000


# --- against brute force -----------------------------------------------------------------------------


def exact(amount: float) -> Fraction:
    return Fraction(str(amount))


def by_brute_force(
    dose_g: float, sizes: Sequence[VialSize], prefer: Prefer, within: float
) -> tuple[int, ...]:
    """Counts of the best set, largest size first, of all sets with no more of a size than do alone."""
    ordered = sorted(sizes, key=lambda size: -size.grams)
    grams = [exact(size.grams) for size in ordered]
    dose = exact(dose_g)

    def total(counts: Sequence[int]) -> Fraction:
        return sum((n * each for n, each in zip(counts, grams, strict=True)), Fraction(0))

    every = [(total(counts), counts) for counts in product(*(range(ceil(dose / each) + 1) for each in grams))]
    below = max(amount for amount, _ in every if amount <= dose)
    target = below if below > 0 and dose - below <= exact(within) * dose else dose

    def rank(amount: Fraction, counts: tuple[int, ...]) -> tuple[object, ...]:
        price = sum(n * exact(size.price or 0) for n, size in zip(counts, ordered, strict=True))
        first = {"least_waste": 0, "fewest": sum(counts), "cheapest": price}[prefer]
        return first, amount, sum(counts), tuple(-n for n in counts)

    return min((rank(*one), one[1]) for one in every if one[0] >= target)[1]


hundredths = st.integers(25, 700).map(lambda n: n / 100)
prices = st.integers(1, 40).map(lambda n: n / 4)
any_sizes = st.lists(st.tuples(hundredths, prices), min_size=1, max_size=3, unique_by=lambda one: one[0]).map(
    lambda ones: tuple(VialSize(grams, round(grams * 10, 2), price) for grams, price in ones)
)
"""Sizes on the grid of hundredths of a gram, such as 0.33 and 2.5, with any price each."""
usual_sizes = st.lists(
    st.tuples(st.sampled_from((0.5, 1, 1.5, 2, 2.5, 4, 5, 10)), prices),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
).map(lambda ones: tuple(VialSize(grams, grams * 10, price) for grams, price in ones))
"""Sizes as products have them, where ties are common."""
doses = st.integers(1, 900).map(lambda n: n / 100) | st.integers(1, 18).map(lambda n: n / 2)
"""The halves are often what whole vials hold exactly, in several ways."""
preferences = st.sampled_from(("least_waste", "fewest", "cheapest"))
tolerances = st.sampled_from((0.0, 0.05, 0.1, 0.5))


@settings(max_examples=300, deadline=None)
@given(dose=doses, sizes=any_sizes | usual_sizes, prefer=preferences, within=tolerances)
def test_no_set_of_vials_is_better(
    dose: float, sizes: tuple[VialSize, ...], prefer: Prefer, within: float
) -> None:
    best = by_brute_force(dose, sizes, prefer, within)
    found = vial_set(dose, sizes, prefer=prefer, round_down_within=within)
    ordered = sorted(sizes, key=lambda size: -size.grams)
    assert found.vials == tuple(
        VialCount(size.grams, size.ml, n) for size, n in zip(ordered, best, strict=True) if n
    )
    grams = sum((n * exact(size.grams) for n, size in zip(best, ordered, strict=True)), Fraction(0))
    assert found.grams == float(grams)
    assert found.waste_g == float(max(Fraction(0), grams - exact(dose)))
    assert found.short_g == float(max(Fraction(0), exact(dose) - grams))
    assert found.ml == float(sum(n * exact(size.ml) for n, size in zip(best, ordered, strict=True)))
    assert found.price == float(
        sum(n * exact(size.price or 0) for n, size in zip(best, ordered, strict=True))
    )


# --- what always holds -------------------------------------------------------------------------------

real_doses = st.integers(1, 100_000).map(lambda n: n / 100)


@given(dose=real_doses, prefer=preferences)
def test_vials_cover_the_dose(dose: float, prefer: Prefer) -> None:
    sizes = tuple(VialSize(size.grams, size.ml, 90 * size.grams + 5) for size in TENS)
    found = vial_set(dose, sizes, prefer=prefer)
    assert found.grams >= dose
    assert found.short_g == 0
    assert found.given_g == pytest.approx(dose, abs=1e-9)
    if prefer == "least_waste":
        assert found.waste_g < 1, "less than one smallest vial"


@given(dose=real_doses, within=st.floats(0, 1))
def test_rounding_down_stays_within_its_tolerance(dose: float, within: float) -> None:
    found = vial_set(dose, TENS, round_down_within=within)
    assert found.short_g <= within * dose + 1e-9  # the tolerance is read in decimals, the product in binary
    assert found.waste_g == 0 or found.short_g == 0


@given(
    dose=doses,
    sizes=usual_sizes,
    prefer=preferences,
    seed=st.randoms(use_true_random=False),
    n=st.integers(2, 9),
)
def test_order_of_sizes_and_scale_of_prices_do_not_matter(
    dose: float, sizes: tuple[VialSize, ...], prefer: Prefer, seed: object, n: int
) -> None:
    found = vial_set(dose, sizes, prefer=prefer)
    shuffled = list(sizes)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert vial_set(dose, shuffled, prefer=prefer) == found
    dearer = [VialSize(size.grams, size.ml, (size.price or 0) * n) for size in sizes]
    scaled = vial_set(dose, dearer, prefer=prefer)
    assert scaled.vials == found.vials
    assert scaled.price == (found.price or 0) * n
