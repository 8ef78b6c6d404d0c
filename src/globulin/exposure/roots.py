"""Where a level that rises with a dose reaches a target: one bracketed search for many people at once.

Levels over doses are close to a power law, so a secant in logarithms is there in a few steps; the bracket
keeps it safe where they are not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from globulin.exposure.linear import FloatArray

_ITERATIONS = 80
_TOLERANCE = 1e-10


def increasing_root(
    level: Callable[[FloatArray, NDArray[np.intp]], FloatArray],
    need: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> FloatArray:
    """Points x from `low` to `high`, all above 0, at which `level` equals `need`: one for each person.

    `level(x, who)` gives, for the people `who` (indices), values above 0 that do not fall with x. NaN for
    people whose need is above the level at `high` or below that at `low`. Relative accuracy of the level:
    1e-10, or that of x to the last digits. Method: secant in logarithms, bisection where that leaves the
    bracket (Dekker 1969).
    """
    everybody = np.arange(need.size)
    bottom, top = np.log(low), np.log(high)
    above = np.log(level(high, everybody)) - np.log(need)
    under = np.log(level(low, everybody)) - np.log(need)
    found = np.full(need.shape, np.nan)
    found[above == 0.0], found[under == 0.0] = high[above == 0.0], low[under == 0.0]
    who = everybody[(above > 0.0) & (under < 0.0)]
    bottom, top, under, above = bottom[who], top[who], under[who], above[who]
    # the end of the bracket that the newest point replaced gives the slope
    newest, miss = np.where(-under < above, bottom, top), np.where(-under < above, under, above)
    older, missed = np.where(-under < above, top, bottom), np.where(-under < above, above, under)
    for _ in range(_ITERATIONS):
        if not who.size:
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = newest - miss * (newest - older) / (miss - missed)
        safe = np.isfinite(guess) & (guess > bottom) & (guess < top)
        guess = np.where(safe, guess, 0.5 * (bottom + top))
        older, missed = newest, miss
        newest, miss = guess, np.log(level(np.exp(guess), who)) - np.log(need[who])
        bottom, top = np.where(miss < 0.0, newest, bottom), np.where(miss < 0.0, top, newest)
        done = (np.abs(miss) <= _TOLERANCE) | (top - bottom <= 4.0 * np.finfo(float).eps)
        found[who[done]] = np.exp(newest[done])
        left = ~done
        who, bottom, top = who[left], bottom[left], top[left]
        newest, miss, older, missed = newest[left], miss[left], older[left], missed[left]
    return found
