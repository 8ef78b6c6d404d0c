"""How total IgG moves from day to day over a dose history, and after its last dose, dense enough to draw.

A drawing must not miss what a person would feel or measure: the level before each dose, the jump or peak
after it, and the fall once doses stop. Which days that takes is decided here, once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from globulin.exposure.history import History, distinct
from globulin.exposure.linear import FloatArray
from globulin.exposure.models import Person
from globulin.exposure.results import Simulated
from globulin.exposure.simulation import Models, last_interval, simulate
from globulin.units import FOUR_WEEKS_DAY

# of even days so many are enough for a smooth line; every step divides the next but one
_MOST_EVEN = 200
_STEP_DAY = (0.25, 0.5, 1.0, 2.0, 4.0, 28.0, 364.0)
_WASHOUT_DAY = 364.0
_LEFT = 0.1
# the fall is steepest at first, while IgG spreads into tissue
_FALL_DAY = 0.5 * np.arange(1, 29)


@dataclass(frozen=True, slots=True)
class Profile:
    """Answers with levels from the first dose to `end_day` (`answers`), and from the last dose on (`after`).

    `dose_day`: the day of every dose. `after` ends where a tenth of the highest rise is left under every
    model, on a whole number of four weeks, or after a year; it is empty where doses go on.
    """

    dose_day: tuple[float, ...]
    end_day: float
    answers: tuple[Simulated, ...]
    after: tuple[Simulated, ...]


def profile(
    models: Models,
    which: Sequence[str] | str,
    person: Person,
    doses: History,
    *,
    stops: bool,
    interval_day: float | None = None,
    at_day: Sequence[float] = (),
) -> Profile:
    """Total IgG over `doses` by each of the models `which`, and after them if they stop.

    It ends with the last interval, or four weeks after a single dose, or with the last of `at_day`, which are
    among its days. Arguments and errors otherwise as in `simulation.simulate`.
    """
    last = float(doses.day[-1])
    window = last_interval(doses, interval_day)
    end = last + FOUR_WEEKS_DAY if window is None else window[1]
    first = float(doses.day[0])
    end = max([end, *at_day])
    day = distinct(_days(doses, first, end), [when for when in at_day if when >= first])
    answers = simulate(models, which, person, doses, at_day=day, interval_day=interval_day)
    after: tuple[Simulated, ...] = ()
    if stops:
        day = distinct(_days(doses, last, last + _WASHOUT_DAY), last + _FALL_DAY)
        found = simulate(models, which, person, doses, at_day=day, interval_day=interval_day)
        gone = max(_gone_day(member) for each in found for member in (each.members or (each,)))
        weeks = FOUR_WEEKS_DAY * max(1.0, np.ceil((gone - last) / FOUR_WEEKS_DAY))
        after = tuple(_until(each, last + weeks) for each in found)
    return Profile(tuple(doses.day.tolist()), end, answers, after)


def followed_days(doses: History, also: Sequence[float]) -> FloatArray:
    """Days to draw levels of one person for: from the first dose to four weeks after the last.

    They start from a dose that has been repeated for ever, and reach to the last of `also`, which is added.
    """
    steady = np.flatnonzero(doses.steady_interval_day > 0.0)
    first = float(doses.day[steady[-1] if steady.size else 0])
    end = max([float(doses.day[-1]) + FOUR_WEEKS_DAY, *also])
    return distinct(_days(doses, first, end), [when for when in also if when >= first])


def _days(doses: History, begin: float, end: float) -> FloatArray:
    """Even days, and for each dose its day, right after it, and the end of its infusion."""
    step = next((step for step in _STEP_DAY if (end - begin) / step <= _MOST_EVEN), _STEP_DAY[-1])
    even = begin + step * np.arange(int((end - begin) / step) + 1)
    given = np.concatenate([doses.day, np.nextafter(doses.day, np.inf), doses.day + doses.infusion_day])
    return distinct(even, [end], given[(given >= begin) & (given <= end)])


def _gone_day(answer: Simulated) -> float:
    """The last day on which more than a tenth of the highest rise is left."""
    rise = np.array([abs(level.total_g_per_l - answer.baseline_g_per_l) for level in answer.at])
    if not rise.size:
        return -np.inf
    return answer.at[int(np.flatnonzero(rise >= _LEFT * rise.max())[-1])].day


def _until(answer: Simulated, end: float) -> Simulated:
    count = bisect_right([level.day for level in answer.at], end)
    members = tuple(_until(member, end) for member in answer.members)
    return replace(answer, at=answer.at[:count], at_band=answer.at_band[:count], members=members)
