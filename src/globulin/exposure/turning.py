"""Highest and lowest level within stretches of a smooth course, wherever they are.

A level need not be highest when an infusion ends nor lowest before a dose: it can fall during a slow infusion
and rise for days after a dose into tissue. So every change of sign of the slope is looked for and refined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from globulin.exposure.linear import FloatArray

# points per stretch, closer together towards both ends, where levels turn faster; between two neighbours the
# slope of a few exponentials changes its sign once, or the level hardly changes at all
_POINT = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, 33))
# at a turning point the level is flat: half of the digits of its time give all of its height
_BISECTIONS = 22


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Levels within one stretch of time: highest, lowest (g/L) and the area under them (g/L x day)."""

    highest_g_per_l: FloatArray
    lowest_g_per_l: FloatArray
    area_g_day_per_l: FloatArray


def extremes(
    evaluate: Callable[[FloatArray], tuple[FloatArray, FloatArray]], *, lanes: int
) -> tuple[FloatArray, FloatArray]:
    """Highest and lowest level over all pieces of a course, for each lane.

    `evaluate` gives level and slope at fractions of the pieces: an array of points x lanes x pieces, or what
    broadcasts to it. `lanes` is the number of axes of the lanes.
    """
    level, slope = evaluate(_POINT.reshape(-1, *(1,) * (lanes + 1)))
    rising = slope > 0.0
    found = [np.max(level, axis=(0, -1)), np.min(level, axis=(0, -1))]
    for up in (True, False):
        turns = (rising[:-1] == up) & (rising[1:] != up)
        if not np.any(turns):
            continue
        first = np.argmax(turns, axis=0)
        low, high = _POINT[first], _POINT[first + 1]
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            before = (evaluate(middle[None])[1][0] > 0.0) == up
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        turned = np.where(np.any(turns, axis=0), evaluate(low[None])[0][0], level[0])
        found.extend((np.max(turned, axis=-1), np.min(turned, axis=-1)))
    return np.max(found, axis=0), np.min(found, axis=0)
