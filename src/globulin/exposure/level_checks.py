"""Which measured levels do not fit the others, and whether another draw time would explain them.

A wrong level pulls the fit towards itself, so its residual looks small. Each level is therefore compared
with what all the others predict (leave-one-out predictive distribution: Gelfand, Dey & Chang, Bayesian
Statistics 4, 1992). Commonest in practice is a draw time that was noted wrongly, such as a sample taken after
an infusion had begun and labelled as the trough before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from globulin.exposure.density import People
from globulin.exposure.individual import Fit, fit
from globulin.exposure.likelihood import residual_sd
from globulin.exposure.linear import FloatArray
from globulin.exposure.posterior import sample
from globulin.exposure.sensitivities import expand, total_igg
from globulin.exposure.superposition import BoolArray, Doses, IntArray, lags, seen_from

# people looked at together: each is fitted as often as there are levels
_CHUNK = 512
# a level this many SDs off in the normal approximation is looked at with draws; nearer, p is above any limit
_CLOSER_LOOK = 2.0
_DRAWS = 1024

SEVERAL = "more than one level does not fit: check the one named first, then ask again."
# draw times that are tried, and how many SDs from what is expected then still explain the level
_WINDOW_HOUR = 72
_PLAUSIBLE = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class LevelCheck:
    """Every level against what the person's other levels predict; arrays people x levels.

    `expected_g_per_l`, `low_g_per_l` and `high_g_per_l` are the middle and the 95% interval of a measurement
    predicted from the others (normal approximation). `p` is the two-sided probability of a measurement at
    least as far out; of a level below its limit, the probability of that. nan where there is no level or no
    fit. `fits` is false for every level that is marked; a marked level takes no part in predicting those that
    are tested after it. Of people without any fault at most a share `false_alarm` has one marked.
    `shift_hour` is the smallest change of the draw time that explains such a level, nan if none within 72
    hours does. `messages` has for each person what is said of each marked level, the worst first; where there
    are several, also what to do then.
    """

    expected_g_per_l: FloatArray
    low_g_per_l: FloatArray
    high_g_per_l: FloatArray
    p: FloatArray
    fits: BoolArray
    shift_hour: FloatArray
    messages: tuple[tuple[str, ...], ...]


def check_levels(fitted: Fit, *, false_alarm: float = 0.01) -> LevelCheck:
    """Predict each level from the person's others; costs one fit for each level.

    Levels are marked by Holm's step-down (Scand J Stat 1979;6:65-70): of m levels the smallest p is held to
    false_alarm / m, the next to false_alarm / (m - 1), and so on up to the first that is above its limit. One
    wrong level makes others look wrong, so before each further step the rest is predicted again without the
    levels that are marked. Raises ValueError unless `false_alarm` lies between 0 and 1.
    """
    if not 0.0 < false_alarm < 1.0:
        raise ValueError("false_alarm must lie strictly between 0 and 1")
    people = fitted.people
    starts = range(0, len(people), _CHUNK)
    chunks = [
        _check(people.take(np.arange(start, min(start + _CHUNK, len(people)))), false_alarm)
        for start in starts
    ]
    found = _Found(*(np.concatenate(column) for column in zip(*chunks, strict=True)))
    return LevelCheck(*found[:-1], messages=tuple(found.messages))


class _Found(NamedTuple):
    """The columns of `LevelCheck` for some people."""

    expected: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    fits: BoolArray
    shift: FloatArray
    messages: NDArray[np.object_]


def _check(people: People, false_alarm: float) -> _Found:
    """Holm's steps: at each, the worst level left is marked, or the person is done."""
    shape = people.levels.day.shape
    table, fits = np.full((5, *shape), np.nan), np.ones(shape, dtype=np.bool_)
    tests = np.sum(np.asarray(people.levels.measured), axis=1)
    said: list[tuple[str, ...]] = [()] * len(people)
    looked = np.arange(len(people))
    for marked in range(int(tests.max(initial=0))):
        looked = looked[tests[looked] > marked]
        if not looked.size:
            break
        rows = _compared(_only(people.take(looked), fits[looked]))
        person, column = looked[rows.person], rows.column
        table[:4, person, column] = rows.expected, rows.low, rows.high, rows.p
        odd = _worst(rows.person, rows.p)
        odd = odd[rows.p[odd] <= false_alarm / (tests[person[odd]] - marked)]
        if odd.size:
            table[4, person[odd], column[odd]] = shift = _shift(rows, odd)
            for row, hours in zip(odd.tolist(), shift.tolist(), strict=True):
                said[person[row]] = (*said[person[row]], _message(rows, row, hours))
        fits[person[odd], column[odd]] = False
        looked = person[odd]
    messages = np.empty(len(people), dtype=np.object_)
    messages[:] = [(*each, SEVERAL) if len(each) > 1 else each for each in said]
    return _Found(table[0], table[1], table[2], table[3], fits, table[4], messages)


class _Compared(NamedTuple):
    """Every level of some people against their others: one row a level; `others` are without it."""

    others: People
    person: IntArray
    column: IntArray
    day: FloatArray
    measured: FloatArray
    expected: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray


def _compared(people: People) -> _Compared:
    levels = people.levels
    person, column = np.nonzero(np.asarray(levels.measured))
    others = _without(people, person, column)
    day = np.asarray(levels.day)[person, column]
    measured, below = levels.g_per_l[person, column], np.asarray(levels.below_limit)[person, column]
    expected, sd = (part[:, 0] for part in _expected(fit(others), day[:, None]))
    z = (measured - expected) / sd
    p = np.where(below, special.ndtr(z), 2.0 * special.ndtr(-np.abs(z)))
    closer = np.flatnonzero(np.abs(z) > _CLOSER_LOOK)
    if closer.size:
        p[closer] = _drawn_p(others.take(closer), day[closer], measured[closer], below[closer], p[closer])
    low, high = np.maximum(expected - _PLAUSIBLE * sd, 0.0), expected + _PLAUSIBLE * sd
    return _Compared(others, person, column, day, measured, expected, low, high, p)


def _worst(person: IntArray, p: FloatArray) -> IntArray:
    """The row with the smallest p of each person; nan comes last."""
    order = np.lexsort((p, person))
    return np.asarray(order[np.flatnonzero(np.diff(person[order], prepend=-1))])


def _only(people: People, kept: BoolArray) -> People:
    """The people with some of their levels left out."""
    return replace(people, levels=replace(people.levels, measured=np.asarray(people.levels.measured) & kept))


def _without(people: People, person: IntArray, column: IntArray) -> People:
    """One copy of a person for each level, with that level left out."""
    kept = np.ones((person.size, people.levels.day.shape[1]), dtype=np.bool_)
    kept[np.arange(person.size), column] = False
    return _only(people.take(person), kept)


def _expected(left: Fit, day: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and SD of a measurement on `day` (people x times) in the normal approximation around a fit."""
    people = left.people
    seen = seen_from(people.doses, day, people.typical.ka.shape[-1])
    expansion = expand(seen, people.typical.scaled(left.eta[:, None]))
    level, jacobian = expansion.level[:, 0], expansion.jacobian[:, 0]
    known = np.einsum("ntp,npq,ntq->nt", jacobian, left.covariance, jacobian)
    additive, proportional = (
        np.asarray(sd)[:, None] for sd in (people.additive_g_per_l, people.proportional)
    )
    return level, np.hypot(residual_sd(level, additive, proportional), np.sqrt(known))


def _drawn_p(
    others: People, day: FloatArray, measured: FloatArray, below: BoolArray, otherwise: FloatArray
) -> FloatArray:
    """`p` from posterior draws of people without the level; `otherwise` where the draws were refused."""
    posterior = sample(fit(others), draws=_DRAWS)
    seen = seen_from(others.doses, day[:, None], others.typical.ka.shape[-1])
    level = total_igg(seen, posterior.parameters)[..., 0]
    additive, proportional = (
        np.asarray(sd)[:, None] for sd in (others.additive_g_per_l, others.proportional)
    )
    z = (measured[:, None] - level) / residual_sd(level, additive, proportional)
    under, over = (np.sum(posterior.weight * special.ndtr(sign * z), axis=1) for sign in (1.0, -1.0))
    p = np.where(below, under, 2.0 * np.minimum(under, over))
    return np.where(posterior.accepted, p, otherwise)


def _shift(rows: _Compared, odd: IntArray) -> FloatArray:
    """The smallest change of the draw time, in hours, at which the other levels predict the measured one."""
    hour = np.arange(-_WINDOW_HOUR, _WINDOW_HOUR + 1.0)
    hour = hour[np.argsort(np.abs(hour), kind="stable")]
    expected, sd = _expected(fit(rows.others.take(odd)), rows.day[odd, None] + hour / 24.0)
    explained = np.abs(rows.measured[odd, None] - expected) <= _PLAUSIBLE * sd
    return np.where(explained.any(axis=1), hour[explained.argmax(axis=1)], np.nan)


def _message(rows: _Compared, row: int, shift: float) -> str:
    """What does not fit, and what would explain it."""
    day, below = rows.day[row], np.asarray(rows.others.levels.below_limit)[row, rows.column[row]]
    said = (
        f"the level on day {day:g} ({'below ' if below else ''}{rows.measured[row]:.3g} g/L) does not fit:"
        f" the others predict {rows.low[row]:.1f} to {rows.high[row]:.1f} g/L. Check the draw time"
    )
    if np.isnan(shift):
        return f"{said}, the doses and the unit: no draw within {_WINDOW_HOUR} hours explains it."
    hours = f"{abs(shift):g} hour{'' if abs(shift) == 1.0 else 's'} {'later' if shift > 0.0 else 'earlier'}"
    dose = _dose_before(rows.others.doses.take(np.array([row])), day + shift / 24.0)
    return f"{said}: it would fit if drawn {hours}{dose}."


def _dose_before(doses: Doses, day: float) -> str:
    """Words for a time that lies during a dose of one person or within a day after it."""
    lag = lags(doses, np.array([[day]]))[0, 0]
    running = np.asarray(doses.infusion_day)[0]
    recent = (doses.g[0] > 0.0) & (lag > 0.0) & (lag <= running + 1.0)
    if not recent.any():
        return ""
    last = np.flatnonzero(recent)[lag[recent].argmin()]
    begun = day - lag[last]
    return f", {'during' if lag[last] <= running[last] else 'after'} the dose of day {begun:g}"
