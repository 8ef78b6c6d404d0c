"""Which whole vials to open for a dose: an exact integer program, not a greedy choice.

A vial that was opened is used up or thrown away, so what a dose costs depends on the vials. Taking the
largest first can waste more than needed (3 g from vials of 2 and 2.5 g), so every combination that could be
best counts.

Amounts are whole numbers of nanograms and of billionths of a currency unit: sums and comparisons are exact,
and 1.1 g/kg x 50 kg, which is 55.00000000000001 in floating point, is 55 g and opens no further vial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, lcm
from typing import Literal, get_args

Prefer = Literal["least_waste", "fewest", "cheapest"]

MOST_GRAMS = 1000.0
"""More than this is a slip of the pen: 2.4 g/kg for 400 kg is 960 g."""
_PER_UNIT = 10**9


@dataclass(frozen=True, slots=True)
class VialSize:
    """One package size: grams and mL in it and, where known, its price."""

    grams: float
    ml: float
    price: float | None = None


@dataclass(frozen=True, slots=True)
class VialCount:
    """How many vials of one size."""

    grams: float
    ml: float
    count: int


@dataclass(frozen=True, slots=True)
class VialSet:
    """Whole vials for one dose, largest first.

    `grams`, `ml`: all that was opened. `waste_g`: what is thrown away (0 where the dose was rounded down).
    `short_g`: what rounding down leaves out of the dose. `price`: None unless each vial has one.
    """

    vials: tuple[VialCount, ...]
    grams: float
    ml: float
    waste_g: float
    short_g: float
    price: float | None

    @property
    def given_g(self) -> float:
        """Grams that are given: what was opened less what is thrown away."""
        return self.grams - self.waste_g


def vial_set(
    dose_g: float,
    sizes: Sequence[VialSize],
    *,
    prefer: Prefer = "least_waste",
    round_down_within: float = 0.0,
) -> VialSet:
    """The best whole vials of one product for a dose (g).

    The vials hold at least the dose. Where they cannot hold it exactly and the next lower amount that whole
    vials hold is no more than the share `round_down_within` below it, they hold at least that amount instead.
    `prefer` decides first, then least waste, fewest vials, and the largest vials. With `least_waste` less
    than one smallest vial is thrown away.

    Method: replacing vials of one size by the same grams of a better size (larger or, for `cheapest`, cheaper
    by the gram) never makes a set worse. So fewer than lcm(a, b)/a vials of size a are needed beside a better
    size b, and of the best size just as many as the rest leaves open. All totals of the other sizes under
    these bounds are enumerated, the best way to each kept (a dynamic program over totals).

    Raises ValueError for a dose or size that is not above zero, a dose above 1,000 g, no sizes, a tolerance
    outside 0 to 1, and `cheapest` without a price for every size.
    """
    _check(dose_g, sizes, prefer, round_down_within)
    by_grams = _one_of_each(sizes)
    dose = _exact(dose_g)
    steps = _steps(dose, by_grams, prefer)
    *others, best = sorted(by_grams, key=lambda grams: _worth(grams, by_grams[grams], prefer))
    ways = _ways(dose, others, best, steps)
    target = _target(dose, ways, best, round_down_within)
    cost, count, sizes_code = steps[best]

    def filled(total: int) -> tuple[int, int, int, int]:
        """A way and as many vials of the best size as it leaves open, as it is ranked."""
        way, more = ways[total], max(0, -((total - target) // best))
        return way[0] + more * cost, total + more * best, way[1] + more * count, way[2] + more * sizes_code

    _, total, _, code = min(map(filled, ways))
    return _as_set(dose, total, _counts(code, steps), by_grams)


_Way = tuple[int, int, int]
"""What `prefer` counts, the number of vials, and a code of how many of each size; the smaller, the better.
All three add up, so that one more vial is one more addition."""


def _steps(dose: int, by_grams: dict[int, VialSize], prefer: Prefer) -> dict[int, _Way]:
    """What one vial of each size, largest first, adds to a way.

    The code has one digit for each size, the largest size's first, below zero: more large vials make
    a smaller code.
    """
    base = dose // min(by_grams) + 2
    digits = [base**place for place in range(len(by_grams))]
    return {
        grams: (_cost(size, prefer), 1, -digit)
        for digit, (grams, size) in zip(reversed(digits), by_grams.items(), strict=True)
    }


def _counts(code: int, steps: dict[int, _Way]) -> list[int]:
    """How many vials of each size a code stands for, largest first."""
    counts = []
    for _, _, digit in steps.values():
        count, code = divmod(code, digit)
        counts.append(count)
    return counts


def _ways(dose: int, others: list[int], best: int, steps: dict[int, _Way]) -> dict[int, _Way]:
    """The best way to each total that sizes other than the best one make, up to the first beyond the dose."""
    ways: dict[int, _Way] = {0: (0, 0, 0)}
    for index, grams in enumerate(others):
        useful = min(lcm(grams, better) // grams for better in (*others[index + 1 :], best))
        cost, count, code = steps[grams]
        latest = ways
        for _ in range(useful - 1):
            longer = {
                total + grams: (way[0] + cost, way[1] + count, way[2] + code)
                for total, way in latest.items()
                if total < dose
            }
            latest = {total: way for total, way in longer.items() if total not in ways or way < ways[total]}
            if not latest:
                break
            ways = ways | latest
    return ways


def _target(dose: int, ways: dict[int, _Way], best: int, round_down_within: float) -> int:
    """What the vials must hold: the dose, or the next amount below it where that may be given instead."""
    below = max(total + (dose - total) // best * best for total in ways if total <= dose)
    may_be_short = Fraction(str(round_down_within)) * dose
    return below if below > 0 and dose - below <= may_be_short else dose


def _worth(grams: int, size: VialSize, prefer: Prefer) -> tuple[Fraction, int]:
    """The higher, the better: grams for the money where that counts, then grams."""
    return Fraction(grams, _cost(size, prefer)) if prefer == "cheapest" else Fraction(0), grams


def _one_of_each(sizes: Sequence[VialSize]) -> dict[int, VialSize]:
    """One size for each content, largest first: of equal grams the cheaper, then the one of fewer mL."""

    def worth(size: VialSize) -> tuple[bool, float, float]:
        return size.price is None, size.price or 0.0, size.ml

    kept: dict[int, VialSize] = {}
    for size in sorted(sizes, key=worth):
        kept.setdefault(_exact(size.grams), size)
    return dict(sorted(kept.items(), reverse=True))


def _cost(size: VialSize, prefer: Prefer) -> int:
    """What `prefer` counts for one vial, before waste."""
    if prefer == "cheapest" and size.price is not None:
        return _exact(size.price)
    return 1 if prefer == "fewest" else 0


def _as_set(dose: int, total: int, counts: list[int], by_grams: dict[int, VialSize]) -> VialSet:
    used = [(size, count) for size, count in zip(by_grams.values(), counts, strict=True) if count]
    prices = [size.price for size, _ in used if size.price is not None]
    return VialSet(
        vials=tuple(VialCount(size.grams, size.ml, count) for size, count in used),
        grams=total / _PER_UNIT,
        ml=sum(count * _exact(size.ml) for size, count in used) / _PER_UNIT,
        waste_g=max(0, total - dose) / _PER_UNIT,
        short_g=max(0, dose - total) / _PER_UNIT,
        price=None
        if len(prices) < len(used)
        else sum(count * _exact(size.price or 0.0) for size, count in used) / _PER_UNIT,
    )


def _exact(amount: float) -> int:
    """Billionths; exact for every amount below a million with up to nine decimals."""
    return round(amount * _PER_UNIT)


def _check(dose_g: float, sizes: Sequence[VialSize], prefer: Prefer, round_down_within: float) -> None:
    if not (isfinite(dose_g) and _exact(dose_g) > 0):
        raise ValueError(f"dose_g must be above 0, not {dose_g:g}")
    if dose_g > MOST_GRAMS:
        raise ValueError(f"dose_g must be at most {MOST_GRAMS:g} g, not {dose_g:g}; is it in grams?")
    if not sizes:
        raise ValueError("sizes must hold at least one vial size")
    if prefer not in get_args(Prefer):
        raise ValueError(f"prefer must be one of {', '.join(get_args(Prefer))}, not {prefer!r}")
    if not 0 <= round_down_within <= 1:
        raise ValueError(f"round_down_within must be a share from 0 to 1, not {round_down_within:g}")
    for size in sizes:
        amounts = (size.grams, size.ml) if size.price is None else (size.grams, size.ml, size.price)
        if not all(isfinite(amount) and _exact(amount) > 0 for amount in amounts):
            raise ValueError(f"sizes must be above 0 in grams, mL and price: {size}")
    if prefer == "cheapest" and any(size.price is None for size in sizes):
        raise ValueError("sizes: the cheapest vials need a price for every size")
