"""Numbers with their bands as strips on one scale, for a page to draw; the figures stand beside each strip.

A strip is drawn in parts of a hundred of its width, so it fits a phone and a wide page, and its text is never
scaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from globulin.pages import words

if TYPE_CHECKING:
    from globulin.planning.outlook import Spread


@dataclass(frozen=True, slots=True)
class Strip:
    """One number: what it is, the number in words, and its marks from 0 to 100 along the scale.

    `models` and `people`: ends of the two bands; `people` is None where it is not known how people differ. No
    marks at all (`value` None) where nothing is predicted, which `said` then says.
    """

    name: str
    said: str
    value: float | None = None
    models: tuple[float, float] | None = None
    people: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Strips:
    """Strips on one scale from 0 on; `ticks` are places from 0 to 100 with their numbers."""

    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]
    unit: str = "g/L"


def strips(named: Sequence[tuple[str, str, Spread | None]]) -> Strips:
    """Strips of (name, number in words, spread). The scale begins at 0, so lengths can be compared."""
    highest = max((_highest(spread) for _, _, spread in named if spread is not None), default=1.0)
    step = _step(highest)
    top = step * math.ceil(highest / step + 0.02)

    def place(value: float) -> float:
        return round(100 * min(max(value / top, 0.0), 1.0), 2)

    def drawn(name: str, said: str, spread: Spread | None) -> Strip:
        if spread is None:
            return Strip(name, said)
        people = None
        if spread.people_low is not None and spread.people_high is not None:
            people = place(spread.people_low), place(spread.people_high)
        models = place(spread.models_low), place(spread.models_high)
        return Strip(name, said, place(spread.value), models, people)

    ticks = tuple((place(index * step), words.number(index * step)) for index in range(round(top / step) + 1))
    return Strips(tuple(drawn(*each) for each in named), ticks)


def _highest(spread: Spread) -> float:
    return max(spread.value, spread.models_high, spread.people_high or 0.0)


def _step(highest: float) -> float:
    """The step of the scale: 1, 2 or 5 times a power of ten, three to six of them up to the highest."""
    power = 10.0 ** math.floor(math.log10(max(highest, 1e-6) / 3))
    return next((power * factor for factor in (1, 2, 5, 10) if highest / (power * factor) <= 6), power * 10)
