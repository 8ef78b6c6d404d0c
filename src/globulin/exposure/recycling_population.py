"""Saturable recycling over time for many people at once, as fast as arrays allow.

A population is tens of thousands of people who share the times of their doses. A general solver takes each
of them through its own steps; here all of a block take the same step, by a Taylor series of the solution
whose coefficients come from the equations by recurrence (Jorba & Zou, Experimental Mathematics 2005;14:
99-117). The series is also the interpolant: levels on every day of a step are one matrix product.

The model is that of `fcrn`. With z the rise in plasma over Km + C0, w the same outside the vessels,
s = 1 / (1 + z) and e the relative change of endogenous IgG (f outside the vessels):

    z' = input - kint z - q (z - w) + g (1 - s)        w' = q (z - w)        q = Q / V1
    e' = u (s (1 + e) - 1) - kint e - q (e - f)        f' = q (e - f)        u = Jmax / (V1kg (Km + C0))
                                                                             g = u Km / (Km + C0)
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


@dataclass(frozen=True, slots=True, eq=False)
class RecyclingPaths:
    """IgG of a population over time: arrays times x people.

    Total IgG in g/L; endogenous IgG as a fraction of its baseline, which is also what is left of every
    antibody that the body makes at a constant rate (None unless asked for).
    """

    total_g_per_l: FloatArray
    endogenous_fraction: FloatArray | None


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
    endogenous: bool = False,
    tolerance: float = 5e-6,
) -> RecyclingPaths:
    """IgG at sorted times `day` of people at baseline before the first dose of a shared history.

    `day`, `dose_day` and `infusion_day` (0 = at once) have one axis and are the same for all; `dose_g` has
    the doses, or one that is given every time, on its first axis and the people, or one value for all of
    them, on its last. Parameters and `weight_kg` are numbers or one per person. With `absorption_per_day`
    every dose enters a depot, and `bioavailability` of it is absorbed by first order. A level at the time of
    a dose is drawn before it. `tolerance` bounds the last terms of each step, relative to a person's highest
    rise so far; total IgG is then right to about a fifth of it (1e-6 by default, measured against an adaptive
    eighth-order solver).
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
    total = np.empty((time.size, people.size))
    made = np.empty_like(total) if endogenous else None

    for begin in range(0, people.size, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        part = people.take(block)
        course = _Course(time, given, dose[:, block] * part.per_gram, infusion)
        rows = None if made is None else made[:, block]
        _integrate(part, course, tolerance, total[:, block], rows)
    return RecyclingPaths(total, made)


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """One value per person: rates in 1/day, levels in g/L, and what a gram adds to z."""

    loss: FloatArray
    exchange: FloatArray
    saved: FloatArray
    saturation: FloatArray
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
            self.saturation[part],
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
        saturation,
        bound,
        baseline,
        1.0 if uptake is None else uptake,
        (1.0 if uptake is None else available) / (volume * bound),
    )
    if columns[0].ndim != 1:
        raise ValueError("parameters and weight_kg must be numbers or have one axis, one value per person")
    flat = [np.ascontiguousarray(column, dtype=np.float64) for column in columns]
    loss, exchanged, saved, saturated, scale, untreated, absorbed, per_gram = flat
    kept = None if uptake is None else absorbed
    return _People(loss, exchanged, saved, saturated, scale, untreated, kept, per_gram)


def _shape(given: FloatArray, people: _People) -> tuple[int, int]:
    return given.size, people.size


class _Series:
    """The state of a block of people and the Taylor coefficients of its course, scaled to a step tried.

    Row n of a coefficient array is what the n-th power of (elapsed / step) is multiplied by.
    """

    def __init__(self, people: _People, *, endogenous: bool) -> None:
        self.people = people
        self.source = np.zeros(people.size)
        shape = (_ORDER + 1, people.size)
        self._z, self._w, self._s = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._depot = None if people.absorption is None else np.zeros(shape)
        self._e = np.zeros(shape) if endogenous else None
        self._f = np.zeros(shape) if endogenous else None
        self._highest = np.zeros(people.size)

    def give(self, dose: FloatArray) -> None:
        """Add a dose at once."""
        into = self._z if self._depot is None else self._depot
        into[0] += dose

    def expand(self, step: float) -> None:
        """Coefficients of every state, order by order, for a step of `step` days."""
        people, z, w, s = self.people, self._z, self._w, self._s
        loss, exchange, saved = step * people.loss, step * people.exchange, -step * people.saved
        np.divide(1.0, 1.0 + z[0], out=s[0])
        minus = -s[0]
        change, part = np.empty(people.size), np.empty(people.size)
        for n in range(_ORDER):
            if n:
                np.einsum("ij,ij->j", z[1 : n + 1], s[n - 1 :: -1] if n > 1 else s[:1], out=change)
                np.multiply(change, minus, out=s[n])
                np.multiply(saved, s[n], out=change)
            else:
                # 1 - s without cancellation, so that small doses lose no digits
                np.multiply(saved, z[0] * minus, out=change)
            self._add_input(n, step, change)
            change -= np.multiply(loss, z[n], out=part)
            change += np.multiply(exchange, w[n], out=part)
            np.multiply(change, 1.0 / (n + 1), out=z[n + 1])
            _exchange(z, w, exchange, n, part)
            if self._e is not None and self._f is not None:
                self._expand_endogenous(self._e, self._f, n, loss, exchange, step * people.saturation)

    def _add_input(self, n: int, step: float, change: FloatArray) -> None:
        depot, absorption = self._depot, self.people.absorption
        if depot is None or absorption is None:
            if n == 0:
                change += step * self.source
            return
        absorbed = step * absorption * depot[n]
        change += absorbed
        np.multiply(step * self.source - absorbed if n == 0 else -absorbed, 1.0 / (n + 1), out=depot[n + 1])

    def _expand_endogenous(
        self, e: FloatArray, f: FloatArray, n: int, loss: FloatArray, exchange: FloatArray, share: FloatArray
    ) -> None:
        s = self._s
        # the zeroth term is s (1 + e) - 1 without cancellation
        recycled = s[n] + np.einsum("ij,ij->j", e[: n + 1], s[n::-1]) if n else (e[0] - self._z[0]) * s[0]
        np.multiply(share * recycled - loss * e[n] + exchange * f[n], 1.0 / (n + 1), out=e[n + 1])
        _exchange(e, f, exchange, n, np.empty_like(loss))

    def longest(self, tolerance: float) -> float:
        """The longest step, as a multiple of the step tried, whose last two terms are small for everybody."""
        np.maximum(self._highest, np.abs(self._z[0]) + np.abs(self._z[1]), out=self._highest)
        allowed = tolerance * self._highest
        shares = []
        for n in (_ORDER - 1, _ORDER):
            most = np.max(
                np.divide(np.abs(self._z[n]), allowed, out=np.zeros_like(allowed), where=allowed > 0.0)
            )
            shares.append(_LONGEST if most == 0.0 else most ** (-1.0 / n))
        return min(_SAFETY * min(shares), _LONGEST)

    def at(self, share: ArrayLike, states: FloatArray) -> FloatArray:
        """`states` at shares of the step tried: one row per share."""
        return np.asarray(np.power.outer(share, np.arange(_ORDER + 1.0)) @ states)

    def advance(self, share: float) -> None:
        """Make the state after `share` of the step tried the new start."""
        for states in (self._z, self._w, self._depot, self._e, self._f):
            if states is not None:
                states[0] = self.at(share, states)

    @property
    def rise(self) -> FloatArray:
        """Coefficients of the rise in plasma, in units of Km + C0."""
        return self._z

    @property
    def change(self) -> FloatArray | None:
        """Coefficients of the relative change of endogenous IgG."""
        return self._e


def _exchange(inside: FloatArray, outside: FloatArray, rate: FloatArray, n: int, work: FloatArray) -> None:
    """The next coefficient of what is outside the vessels."""
    np.subtract(inside[n], outside[n], out=work)
    np.multiply(work, rate, out=work)
    np.multiply(work, 1.0 / (n + 1), out=outside[n + 1])


def _integrate(
    people: _People, course: _Course, tolerance: float, total: FloatArray, made: FloatArray | None
) -> None:
    """Fill `total` (and `made`), times x people, from one change of input to the next."""
    series = _Series(people, endogenous=made is not None)
    time, changes = course.time, _changes(course)
    row = int(np.searchsorted(time, changes[0], side="right"))
    total[:row] = 0.0
    if made is not None:
        made[:row] = 0.0
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
                share = (time[row:reached] - now) / tried
                total[row:reached] = series.at(share, series.rise)
                if made is not None and series.change is not None:
                    made[row:reached] = series.at(share, series.change)
                row = reached
            series.advance((later - now) / tried)
            now = later
    total *= people.bound
    total += people.baseline
    if made is not None:
        made += 1.0


def _changes(course: _Course) -> list[float]:
    """Times at which an input starts or stops, from the first dose to the last time wanted."""
    times = np.unique(np.concatenate([course.given, course.given + course.infusion]))
    last = float(course.time[-1]) if course.time.size else float(times[0])
    inside = times[times < last].tolist()
    return [*inside, last] if inside else [float(times[0])]
