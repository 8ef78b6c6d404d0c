"""A dose history as a level sees it: how much was given how long before, so that fits cost few exponentials.

A closed-form level is a sum of Laplace transforms of the history at the disposition's and the uptake's rates.
With x a rate, tau the time from a gram to the level and mu the grams given over tau,

    S_k(x) = integral of tau^k exp(-x tau) d mu(tau)

gives a level with k = 0 and its derivatives in the rates with k = 1, 2, 3. Lags and grams do not depend on
the parameters, so they are laid out once per fit; each evaluation is one exponential per pair of dose and
level, and a matrix product. Regular doses that go back for ever are a geometric series, summed in closed form
(Gibaldi & Perrier, Pharmacokinetics, 2nd ed. 1982, chapter 3); nothing is repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.linear import FloatArray, checked_array

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

# An infusion is this many Gauss-Legendre points per piece of at most this length: to 1e-9 of the level for
# rates up to 0.5 per day, as all published ones are, and to 4e-7 at 4 per day
_PIECE_DAY = 0.5
_NODE, _SHARE = (0.5 * part for part in np.polynomial.legendre.leggauss(4))
_HIGHEST = 3
# exponentials worked on at once: they stay in the processor's cache
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Doses:
    """Dose tables of people: arrays (people, doses) or, of one person, (doses,); a dose of 0 g pads a table.

    `uptake` says how a dose enters: 0 into the circulation, r from the r-th kind of tissue (1, 2, ...), by
    first-order absorption. It is given at a constant rate over `infusion_day` (0: at once), in any order of
    days. `steady_interval_day` above 0: the same dose had been given before at this interval, for ever.
    Raises ValueError, naming the field, for numbers out of range or one person with two such intervals.
    """

    day: FloatArray
    g: FloatArray
    infusion_day: FloatArray | float = 0.0
    uptake: IntArray | int = 0
    steady_interval_day: FloatArray | float = 0.0

    def __post_init__(self) -> None:
        checked = {
            "day": checked_array("day", self.day),
            "g": checked_array("g", self.g, at_least=0.0),
            "infusion_day": checked_array("infusion_day", self.infusion_day, at_least=0.0),
            "uptake": checked_array("uptake", self.uptake, at_least=0.0),
            "steady_interval_day": checked_array(
                "steady_interval_day", self.steady_interval_day, at_least=0.0
            ),
        }
        try:
            arrays = np.broadcast_arrays(*checked.values())
        except ValueError as problem:
            raise ValueError("day, g and the other columns of doses must have one shape") from problem
        for name, array in zip(checked, arrays, strict=True):
            object.__setattr__(
                self, name, np.atleast_2d(array).astype(np.intp if name == "uptake" else float)
            )
        every = np.asarray(self.steady_interval_day)
        if np.any((every > 0.0) & (every != every.max(axis=1, keepdims=True, initial=0.0))):
            raise ValueError("steady_interval_day must be the same for all repeated doses of a person")

    def take(self, people: IntArray) -> Doses:
        """The tables of some people."""
        return Doses(*(np.asarray(getattr(self, field.name))[people] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Doses as levels see them: entries with the time since in day and the grams, by uptake.

    `lag` is people x levels x entries. `weights` adds as a last axis the grams by uptake (0: circulation),
    then the same times lag, lag^2 and lag^3. An entry with the person's `interval_day` stands for doses at
    this lag, one interval more, two more, for ever.
    """

    lag: FloatArray
    weights: FloatArray
    interval_day: FloatArray | None = None

    def moments(self, rate: FloatArray, order: int) -> FloatArray:
        """S_0 to S_order at `rate` (people x lanes, 1/day): moment x uptake x people x lanes x levels."""
        people, lanes = rate.shape
        levels, entries, columns = self.weights.shape[1:]
        uptakes = columns // (_HIGHEST + 1)
        columns = uptakes * (order + 1)
        found = np.empty((people, levels, lanes, columns))
        block = max(1, _BLOCK // max(1, people * levels * entries))
        for start in range(0, lanes, block):
            part = slice(start, start + block)
            decay = self.lag[:, :, None, :] * -rate[:, None, part, None]
            np.matmul(np.exp(decay, out=decay), self.weights[..., :columns], out=found[:, :, part])
        once = found.transpose(3, 0, 2, 1).reshape(order + 1, uptakes, people, lanes, levels)
        return once if self.interval_day is None else self._for_ever(once, rate)

    def _for_ever(self, once: FloatArray, rate: FloatArray) -> FloatArray:
        """Moments of entries that recur at every interval, from those of their latest dose.

        The sum over j of (tau + j I)^k q^j, q = exp(-x I), by the binomial theorem and the sums of j^i q^j.
        """
        interval = np.asarray(self.interval_day)[:, None]
        q = np.exp(-rate * interval)
        total = -1.0 / np.expm1(-rate * interval)
        sums = (
            total,
            interval * q * total**2,
            interval**2 * q * (1.0 + q) * total**3,
            interval**3 * q * (1.0 + q * (4.0 + q)) * total**4,
        )
        found = np.zeros_like(once)
        for k in range(len(once)):
            for i in range(k + 1):
                found[k] += math.comb(k, i) * sums[i][:, :, None] * once[k - i]
        return found

    def take(self, people: IntArray) -> Seen:
        """What some people's levels see."""
        interval = None if self.interval_day is None else self.interval_day[people]
        return Seen(self.lag[people], self.weights[people], interval)


def seen_from(doses: Doses, day: ArrayLike, uptakes: int) -> tuple[Seen, ...]:
    """What was given before each of the times `day` (people x levels): single doses, then those for ever.

    A level at the time of a dose is drawn before it. Of an infusion that runs, a level sees what has gone in.
    """
    time = np.asarray(day, dtype=np.float64)
    infusion, uptake, every = (
        np.asarray(column) for column in (doses.infusion_day, doses.uptake, doses.steady_interval_day)
    )
    zero = np.zeros(doses.g.shape)
    once = _Table(doses.day, doses.g, infusion, uptake, every, offset=zero, place=zero)
    endless = (once.every > 0.0) & (once.g > 0.0)
    if not endless.any():
        return (_see(once, time, uptakes),)
    # of a series for ever, the doses that may still be running are single ones
    interval = np.where(endless, once.every, 1.0)
    running = np.where(endless, np.maximum(1.0, np.ceil(once.infusion / interval)), 1.0)
    earlier = [
        once._replace(g=np.where(running > j, once.g, 0.0), offset=j * interval)
        for j in range(int(running.max()))
    ]
    single = _Table(*(np.concatenate(column, axis=1) for column in zip(*earlier, strict=True)))
    series = once._replace(g=np.where(endless, once.g, 0.0), offset=running * interval)
    own = np.where(endless, once.every, 0.0).max(axis=1)
    found = replace(_see(series, time, uptakes), interval_day=np.where(own > 0.0, own, 1.0))
    return _see(single, time, uptakes), found


def lags(doses: Doses, time: FloatArray) -> FloatArray:
    """Day from each dose to each of the times (people x levels), people x levels x doses; below 0: to come.

    Of a series given for ever, a time before its latest dose sees the one given last before the time.
    """
    return _since(doses.day, np.asarray(doses.steady_interval_day), time)


class _Table(NamedTuple):
    """Doses in columns, people x doses.

    `offset` day are added to what has passed since a dose; `place` says where in its infusion it is given.
    """

    day: FloatArray
    g: FloatArray
    infusion: FloatArray
    uptake: NDArray[Any]
    every: FloatArray
    offset: FloatArray
    place: FloatArray


def _since(day: FloatArray, every: FloatArray, time: FloatArray) -> FloatArray:
    lag = time[:, :, None] - day[:, None, :]
    if not every.any():
        return lag
    endless = (every[:, None, :] > 0.0) & (lag <= 0.0)
    step = np.where(endless, every[:, None, :], 1.0)
    return np.where(endless, lag + (np.floor(-lag / step) + 1.0) * step, lag)


def _see(table: _Table, time: FloatArray, uptakes: int) -> Seen:
    """Each dose as one entry or, where it is infused, as the points of a quadrature."""
    table = _points(table, time)
    infusion = table.infusion[:, None]
    lag = np.maximum(_since(table.day, table.every, time) + table.offset[:, None], 0.0)
    begun = lag > 0.0
    if np.any(infusion > 0.0):
        gone = np.minimum(lag, infusion)
        lag += gone * (table.place[:, None] - 1.0)
        begun = np.divide(gone, infusion, out=begun.astype(float), where=infusion > 0.0)
    amount = begun * table.g[:, None]
    grams = [amount * (table.uptake == r)[:, None] for r in range(uptakes + 1)]
    weights = np.empty((*lag.shape, (uptakes + 1) * (_HIGHEST + 1)))
    power = np.ones_like(lag)
    for k in range(_HIGHEST + 1):
        for r, part in enumerate(grams):
            np.multiply(part, power, out=weights[..., k * (uptakes + 1) + r])
        power *= lag
    return Seen(lag, weights)


def _points(table: _Table, time: FloatArray) -> _Table:
    """The doses that some level sees, infusions as points with a share of the dose each."""
    infusion = np.where(table.g > 0.0, table.infusion, 0.0)
    slow = np.any(infusion > 0.0, axis=0)
    if slow.any():
        pieces = int(np.ceil(infusion.max() / _PIECE_DAY))
        node = ((np.arange(pieces)[:, None] + 0.5 + _NODE) / pieces).ravel()
        spread = _Table(*(np.repeat(column[:, slow], node.size, axis=1) for column in table))
        doses = int(slow.sum())
        # a dose given at once is all at the first point
        first = np.tile(np.arange(node.size) == 0, doses)
        share = np.where(spread.infusion > 0.0, np.tile(_SHARE / pieces, pieces * doses), first)
        spread = spread._replace(g=spread.g * share, place=spread.place + np.tile(node, doses))
        table = _Table(
            *(np.concatenate([kept[:, ~slow], new], axis=1) for kept, new in zip(table, spread, strict=True))
        )
    # tables are of different length: what no level sees is moved to the end and cut off
    seen = (table.g > 0.0) & ((table.every > 0.0) | (table.day < time.max(axis=1, initial=-np.inf)[:, None]))
    order = np.argsort(~seen, axis=1, kind="stable")[:, : max(1, int(seen.sum(axis=1).max(initial=1)))]
    return _Table(*(np.take_along_axis(column, order, axis=1) for column in table))
