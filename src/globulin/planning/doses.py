"""From what was asked for to the grams that are given: cap, rounding and days, each change in words.

A dose is rounded so that it can be given: to 5 g as Transfusion Ontario does, or to whole vials. Rounding
never passes the cap, and a dose never rounds to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, fsum, isfinite
from typing import Literal, get_args

from globulin.planning.vials import VialSize, vial_set
from globulin.planning.weights import WEIGHT_NAMES, WeightChoice

Rounding = Literal["none", "vials", "5_g", "vials_down"]
"""Not at all; up to whole vials; to the nearest 5 g; down to whole vials within a tolerance, else up."""

ROUND_TO_G = 5.0
"""Transfusion Ontario (transfusion_ontario_dose)."""
DOWN_WITHIN = 0.05
"""How far `vials_down` may fall short unless said otherwise, as a share. Our choice: no source has one."""
_NANOGRAM = 9
"""Decimals of a gram that count: below them there is only the noise of floating point."""


@dataclass(frozen=True, slots=True)
class PlannedDose:
    """The dose of one interval and how it came about.

    `computed_g`: as asked for, before cap and rounding. `grams`: what is given in one interval.
    `per_infusion_g`: one equal part for each day. `g_per_kg_actual`: `grams` for each kg of the actual weight
    (in pregnancy the weight before it, where it is known). `steps`: each change of the number, in words.
    """

    asked: str
    weight: WeightChoice
    computed_g: float
    cap_g: float | None
    capped: bool
    grams: float
    per_infusion_g: tuple[float, ...]
    interval_day: float | None
    g_per_kg_actual: float
    steps: tuple[str, ...]


def planned_dose(
    *,
    g: float | None = None,
    g_per_kg: float | None = None,
    weight: WeightChoice,
    interval_day: float | None,
    split_over_days: int = 1,
    cap_g: float | None = None,
    rounding: Rounding = "none",
    vial_sizes_g: Sequence[float] = (),
    round_down_within: float = DOWN_WITHIN,
) -> PlannedDose:
    """Grams of one interval and of each of its infusions.

    Exactly one of `g` and `g_per_kg` (of the chosen weight). `cap_g` limits the whole dose of one interval.
    The dose is split into equal parts, one a day; their sum is `grams` to a nanogram. Rounding to vials makes
    each part a sum of whole vials of `vial_sizes_g`. Rounding to 5 g rounds the whole dose, half way up.
    Where rounding would pass the cap, it goes down instead.

    Raises ValueError for numbers that are not above zero, more days than the interval has, and rounding to
    vials without their sizes.
    """
    _check(g, g_per_kg, interval_day, split_over_days, cap_g, rounding)
    if rounding in ("vials", "vials_down") and not vial_sizes_g:
        raise ValueError("vial_sizes_g: rounding to vials needs the sizes of the vials, in grams")
    if g_per_kg is not None and g is None:
        computed = round(g_per_kg * weight.kg, _NANOGRAM)
        chosen = weight.chosen
        # the formula tells the weight before pregnancy from today's
        name = chosen.formula if chosen.basis == "actual" else WEIGHT_NAMES[chosen.basis]
        steps = [f"{g_per_kg:g} g/kg x {weight.kg:g} kg ({name}) = {computed:g} g."]
    elif g is not None and g_per_kg is None:
        computed = round(g, _NANOGRAM)
        steps = [f"{computed:g} g, whatever the weight."]
    else:
        raise ValueError("give exactly one of g and g_per_kg")
    capped = cap_g is not None and computed > cap_g
    grams = computed if cap_g is None else min(computed, cap_g)
    if capped:
        steps.append(f"Capped at {cap_g:g} g.")
    part, words = _rounded(grams, split_over_days, cap_g, rounding, vial_sizes_g, round_down_within)
    steps.extend(words)
    parts = (part,) * split_over_days
    if split_over_days > 1:
        steps.append(f"Split into {split_over_days} equal parts of {part:g} g, one a day.")
    given = round(fsum(parts), _NANOGRAM)
    return PlannedDose(
        asked=_asked(g, g_per_kg, interval_day, split_over_days),
        weight=weight,
        computed_g=computed,
        cap_g=cap_g,
        capped=capped,
        grams=given,
        per_infusion_g=parts,
        interval_day=interval_day,
        g_per_kg_actual=given / weight.actual_kg,
        steps=tuple(steps),
    )


def _check(
    g: float | None,
    g_per_kg: float | None,
    interval_day: float | None,
    split_over_days: int,
    cap_g: float | None,
    rounding: Rounding,
) -> None:
    for name, value in (("g", g), ("g_per_kg", g_per_kg), ("interval_day", interval_day), ("cap_g", cap_g)):
        if value is not None and not (isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a number above 0, not {value:g}")
    if split_over_days < 1:
        raise ValueError(f"split_over_days must be 1 or more, not {split_over_days}")
    if interval_day is not None and split_over_days > interval_day:
        raise ValueError(
            f"split_over_days: {split_over_days} daily parts do not fit an interval of {interval_day:g} days"
        )
    if rounding not in get_args(Rounding):
        raise ValueError(f"rounding must be one of {', '.join(get_args(Rounding))}, not {rounding!r}")


def _rounded(
    grams: float, days: int, cap_g: float | None, rounding: Rounding, sizes: Sequence[float], within: float
) -> tuple[float, list[str]]:
    """Grams of one day's part, and what rounding did, in words."""
    part = grams / days
    if rounding == "none":
        return part, []
    most = None if cap_g is None else cap_g / days
    if rounding == "5_g":
        part, what = _nearest_5_g(grams, cap_g) / days, "5 g"
    else:
        tolerance = within if rounding == "vials_down" else 0.0
        part, what = _whole_vials(part, most, sizes, tolerance), "whole vials"
    if part == 0:
        return grams / days, [f"Not rounded: rounding to {what} would leave nothing or pass the cap."]
    change = round(part * days - grams, _NANOGRAM)
    if change == 0:
        return part, []
    return part, [f"Rounded {'up' if change > 0 else 'down'} to {what}: {part * days:g} g."]


def _nearest_5_g(grams: float, most: float | None) -> float:
    rounded = ROUND_TO_G * floor(grams / ROUND_TO_G + 0.5)
    return rounded - ROUND_TO_G if most is not None and rounded > most else rounded


def _whole_vials(part: float, most: float | None, sizes: Sequence[float], within: float) -> float:
    """The part as a sum of whole vials that is not above `most`; 0 where there is none."""
    vials = tuple(VialSize(grams, grams) for grams in sizes)
    for tolerance in (within, 1.0):
        rounded = vial_set(part, vials, round_down_within=tolerance).grams
        if most is None or round(rounded - most, _NANOGRAM) <= 0:
            return rounded
    return 0.0


def _asked(g: float | None, g_per_kg: float | None, interval_day: float | None, days: int) -> str:
    much = f"{g:g} g" if g is not None else f"{g_per_kg:g} g/kg"
    over = f" over {days} days" if days > 1 else ""
    return f"{much}{over}, once" if interval_day is None else f"{much}{over} every {interval_day:g} days"
