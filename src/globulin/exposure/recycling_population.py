"""Saturable recycling over time for many people at once, as fast as arrays allow.

A population is tens of thousands of people who share the times of their doses. A general solver takes each
of them through its own steps; here all of a block take the same step, by a Taylor series of the solution
whose coefficients come from the equations by recurrence (Jorba & Zou, Experimental Mathematics 2005;14:
99-117). The series is also the interpolant: levels on every day of a step are one matrix product.

The model is that of `fcrn`. With z the rise in plasma over Km + C0, w the same outside the vessels and
s = 1 / (1 + z):

    z' = input - kint z - q (z - w) + g (1 - s)        w' = q (z - w)
    q = Q / V1        g = Jmax Km / (V1kg (Km + C0)^2)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.fcrn import Recycling
from globulin.exposure.linear import FloatArray, checked_array

_ORDER = 12
# people per block: enough that calls cost little, few enough that a block's series stay in the cache
_BLOCK = 10_000
_FIRST_STEP_DAY = 0.5
# Jorba & Zou's safety factor on a step that the last two terms allow
_SAFETY = 0.9
# a step is never this many times the one tried: a course at rest has no terms to judge by
_LONGEST = 20.0


def paths(
    recycling: Recycling,
    *,
    weight_kg: ArrayLike,
    day: ArrayLike,
    dose_day: ArrayLike,
    dose_g: ArrayLike,
    infusion_day: ArrayLike,
    absorption_per_day: ArrayLike | None = None,
    bioavailability: ArrayLike = 1.0,
    tolerance: float = 5e-6,
    out: FloatArray | None = None,
) -> FloatArray:
    """Total IgG in g/L, times x people, after a shared dose history before which everybody was at baseline.

    `day` is sorted; it, `dose_day` and `infusion_day` (0 = at once) have one axis and are the same for all;
    `dose_g` has the doses, or one that is given every time, on its first axis and the people, or one value
    for all of them, on its last. Parameters and `weight_kg` are numbers or one per person. With
    `absorption_per_day` every dose enters a depot, and `bioavailability` of it is absorbed by first order. A
    level at the time of a dose is drawn before it. `tolerance` bounds the last terms of each step, as part of
    the highest rise so far; total IgG is then right to about a fifth of it (1e-6 by default, measured
    against an adaptive eighth-order solver). `out` (times x people) is filled and returned if given.
    Raises ValueError, naming the argument, for one that is negative, not finite, unsorted or of a shape that
    does not fit.
    """
    time = np.atleast_1d(checked_array("day", day))
    given = np.atleast_1d(checked_array("dose_day", dose_day))
    if time.ndim != 1 or np.any(np.diff(time) < 0.0):
        raise ValueError("day must have one axis, sorted")
    if given.ndim != 1 or not given.size:
        raise ValueError("dose_day must have one axis with at least one dose")
    infusion = np.broadcast_to(checked_array("infusion_day", infusion_day, at_least=0.0), given.shape)
    people = _people(recycling, weight_kg, absorption_per_day, bioavailability)
    dose = checked_array("dose_g", dose_g, at_least=0.0)
    dose = np.broadcast_to(dose if dose.ndim == 2 else np.atleast_1d(dose)[:, None], _shape(given, people))
    total = np.empty((time.size, people.size)) if out is None else out

    for begin in range(0, people.size, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        part = people.take(block)
        course = _Course(time, given, dose[:, block] * part.per_gram, infusion)
        _integrate(part, course, tolerance, total[:, block])
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """One value per person: rates in 1/day, levels in g/L, and what a gram adds to z."""

    loss: FloatArray
    exchange: FloatArray
    saved: FloatArray
    bound: FloatArray
    baseline: FloatArray
    absorption: FloatArray | None
    per_gram: FloatArray

    @property
    def size(self) -> int:
        return self.loss.size

    def take(self, part: slice) -> _People:
        return _People(
            self.loss[part],
            self.exchange[part],
            self.saved[part],
            self.bound[part],
            self.baseline[part],
            None if self.absorption is None else self.absorption[part],
            self.per_gram[part],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """When levels are wanted, and doses (doses x people, already in units of z) with their infusions."""

    time: FloatArray
    given: FloatArray
    dose: FloatArray
    infusion: FloatArray


def _people(
    recycling: Recycling, weight_kg: ArrayLike, absorption: ArrayLike | None, fraction: ArrayLike
) -> _People:
    weight = checked_array("weight_kg", weight_kg, above=0.0)
    available = checked_array("bioavailability", fraction, above=0.0)
    baseline = np.asarray(recycling.baseline_g_per_l)
    bound = np.asarray(recycling.half_saturation_g_per_l) + baseline
    volume = recycling.central_l(weight)
    saturation = (
        np.asarray(recycling.max_recycling_mg_per_kg_day) / np.asarray(recycling.central_ml_per_kg) / bound
    )
    exchange = np.asarray(recycling.exchange_l_per_day) / volume
    uptake = None if absorption is None else checked_array("absorption_per_day", absorption, above=0.0)
    columns = np.broadcast_arrays(
        np.atleast_1d(np.asarray(recycling.internalisation_per_day) + exchange),
        exchange,
        saturation * np.asarray(recycling.half_saturation_g_per_l) / bound,
        bound,
        baseline,
        1.0 if uptake is None else uptake,
        (1.0 if uptake is None else available) / (volume * bound),
    )
    if columns[0].ndim != 1:
        raise ValueError("parameters and weight_kg must be numbers or have one axis, one value per person")
    flat = [np.ascontiguousarray(column, dtype=np.float64) for column in columns]
    loss, exchanged, saved, scale, untreated, absorbed, per_gram = flat
    kept = None if uptake is None else absorbed
    return _People(loss, exchanged, saved, scale, untreated, kept, per_gram)


def _shape(given: FloatArray, people: _People) -> tuple[int, int]:
    return given.size, people.size


class _Series:
    """The state of a block of people and the Taylor coefficients of its course, scaled to a step tried.

    Row n of a coefficient array is what the n-th power of (elapsed / step) is multiplied by.
    """

    def __init__(self, people: _People) -> None:
        self.people = people
        self.source = np.zeros(people.size)
        # what the rate of z comes from side by side, so that one product sums it: s, z, w and the depot
        rates = [-people.saved, -people.loss, people.exchange]
        if people.absorption is not None:
            rates.append(people.absorption)
        self._rates = np.array(rates)
        self._terms = np.zeros((_ORDER + 1, *self._rates.shape))
        self._s, self._z, self._w = (self._terms[:, index] for index in range(3))
        self._depot = None if people.absorption is None else self._terms[:, 3]
        self._highest = np.zeros(people.size)

    def give(self, dose: FloatArray) -> None:
        """Add a dose at once."""
        into = self._z if self._depot is None else self._depot
        into[0] += dose

    def expand(self, step: float) -> None:
        """Coefficients of every state, order by order, for a step of `step` days."""
        s, z, depot = self._s, self._z, self._depot
        rates = step * self._rates
        minus = -1.0 / (1.0 + z[0])
        change = np.empty(self.people.size)
        # s - 1 without cancellation, so that small doses lose no digits: the rate has g (1 - s)
        np.multiply(z[0], minus, out=s[0])
        for n in range(_ORDER):
            np.einsum("ip,ip->p", rates, self._terms[n], out=change)
            if n == 0:
                np.negative(minus, out=s[0])
                if depot is None:
                    change += step * self.source
            np.multiply(change, 1.0 / (n + 1), out=z[n + 1])
            _exchange(z, self._w, rates[2], n, change)
            if depot is not None:
                np.multiply(depot[n], rates[3], out=change)
                np.multiply(change, -1.0 / (n + 1), out=depot[n + 1])
                if n == 0:
                    depot[1] += step * self.source
            if n + 1 < _ORDER:
                np.einsum("ij,ij->j", z[1 : n + 2], s[n::-1], out=change)
                np.multiply(change, minus, out=s[n + 1])

    def longest(self, tolerance: float) -> float:
        """The longest step, as a multiple of the step tried, whose last two terms are small for everybody."""
        np.maximum(self._highest, np.abs(self._z[0]) + np.abs(self._z[1]), out=self._highest)
        per_allowed = np.divide(
            1.0 / tolerance, self._highest, out=np.zeros_like(self._highest), where=self._highest > 0.0
        )
        most = np.max(np.abs(self._z[-2:]) * per_allowed, axis=1)
        shares = [
            _LONGEST if last == 0.0 else last ** (-1.0 / n)
            for n, last in zip((_ORDER - 1, _ORDER), most.tolist(), strict=True)
        ]
        return min(_SAFETY * min(shares), _LONGEST)

    def at(self, share: ArrayLike, states: FloatArray) -> FloatArray:
        """`states` at shares of the step tried: one row per share."""
        return np.asarray(np.power.outer(share, np.arange(_ORDER + 1.0)) @ states)

    def advance(self, share: float) -> None:
        """Make the state after `share` of the step tried the new start."""
        for states in (self._z, self._w, self._depot):
            if states is not None:
                states[0] = self.at(share, states)

    @property
    def rise(self) -> FloatArray:
        """Coefficients of the rise in plasma, in units of Km + C0."""
        return self._z


def _exchange(inside: FloatArray, outside: FloatArray, rate: FloatArray, n: int, work: FloatArray) -> None:
    """The next coefficient of what is outside the vessels."""
    np.subtract(inside[n], outside[n], out=work)
    np.multiply(work, rate, out=work)
    np.multiply(work, 1.0 / (n + 1), out=outside[n + 1])


def _integrate(people: _People, course: _Course, tolerance: float, total: FloatArray) -> None:
    """Fill `total`, times x people, from one change of input to the next."""
    series = _Series(people)
    time, changes = course.time, _changes(course)
    row = int(np.searchsorted(time, changes[0], side="right"))
    total[:row] = people.baseline
    step = _FIRST_STEP_DAY
    for begin, end in pairwise(changes):
        at_once = (course.given == begin) & (course.infusion == 0.0)
        running = (course.given <= begin) & (begin < course.given + course.infusion)
        series.give(course.dose[at_once].sum(axis=0))
        series.source = (course.dose[running] / course.infusion[running, None]).sum(axis=0)
        now = begin
        while now < end:
            tried = min(step, end - now)
            series.expand(tried)
            step = series.longest(tolerance) * tried
            later = end if step >= end - now else now + min(step, 0.5 * (end - now))
            reached = int(np.searchsorted(time, later, side="right"))
            if reached > row:
                rise = series.at((time[row:reached] - now) / tried, series.rise)
                rise *= people.bound
                np.add(rise, people.baseline, out=total[row:reached])
                row = reached
            series.advance((later - now) / tried)
            now = later


def _changes(course: _Course) -> list[float]:
    """Times at which an input starts or stops, from the first dose to the last time wanted."""
    times = np.unique(np.concatenate([course.given, course.given + course.infusion]))
    last = float(course.time[-1]) if course.time.size else float(times[0])
    inside = times[times < last].tolist()
    return [*inside, last] if inside else [float(times[0])]
