"""Linear kinetics over time for many people at once, at the speed at which memory can be filled.

People of a population share the times of their doses, so between two of those times every mode of every
person falls by a factor that depends on the length of the step alone. There are few lengths (a day, what is
left of a day after an infusion), so the factors are worked out once, exactly, and a level costs two products
and a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.linear import Disposition, FloatArray, checked_array
from globulin.exposure.modes import Input, Kinetics, State

# people per block: enough that calls cost little, while the factors of a few lengths stay small
_BLOCK = 16_384
# sums of dose days and infusion times carry rounding; times that agree to this many decimals are one
_DECIMALS = 9


def paths(
    disposition: Disposition,
    *,
    day: ArrayLike,
    dose_day: ArrayLike,
    dose_g: ArrayLike,
    infusion_day: ArrayLike,
    absorbed: bool,
    baseline_g_per_l: ArrayLike = 0.0,
    out: FloatArray | None = None,
) -> FloatArray:
    """IgG in g/L, times x people, at ascending times `day` after a shared dose history.

    `day`, `dose_day` and `infusion_day` (0 = at once) have one axis and are the same for all; `dose_g` has
    the doses on its first axis and the people, or one value for all of them, on its last. Fields of the
    disposition are numbers or one per person, and so is `baseline_g_per_l`, which is added. Where
    `absorbed`, every dose enters a depot. A level at the time of a dose is drawn before it. `out` (times x
    people) is filled and returned if given. Raises ValueError, naming the argument, for one that is negative,
    not finite, unsorted or of a shape that does not fit. Equations: `modes`.
    """
    time: FloatArray = np.atleast_1d(checked_array("day", day)).round(_DECIMALS)
    given: FloatArray = np.atleast_1d(checked_array("dose_day", dose_day)).round(_DECIMALS)
    if time.ndim != 1 or np.any(np.diff(time) <= 0.0):
        raise ValueError("day must have one axis, sorted, each time once")
    if given.ndim != 1 or not given.size:
        raise ValueError("dose_day must have one axis with at least one dose")
    infusion = np.broadcast_to(checked_array("infusion_day", infusion_day, at_least=0.0), given.shape)
    kinetics = Kinetics.of(disposition, absorbed=absorbed)
    columns = (*kinetics.rates, *kinetics.weights, kinetics.absorption, kinetics.fraction)
    dose = checked_array("dose_g", dose_g, at_least=0.0)
    dose = dose if dose.ndim == 2 else np.atleast_1d(dose)[:, None]
    base = checked_array("baseline_g_per_l", baseline_g_per_l, at_least=0.0)
    shapes = (np.shape(c) or (1,) for c in (*columns, base) if c is not None)
    people = np.broadcast_shapes(dose.shape[1:], *shapes)[0]
    base = np.broadcast_to(base, people)
    dose = np.broadcast_to(dose, (given.size, people))
    levels = np.empty((time.size, people)) if out is None else out
    steps = _plan(time, given, infusion)
    levels[time <= given.min()] = base
    for begin in range(0, people, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        _fill(_take(kinetics, block), steps, dose[:, block], base[block], levels[:, block], absorbed=absorbed)
    return levels


@dataclass(frozen=True, slots=True)
class _Step:
    """From one time to the next.

    length: in days. at_once: doses given at its start. running: infusions that run through it, with the day
    that each lasts. row: of the result, which its end fills; None where no level is wanted.
    """

    length: float
    at_once: tuple[int, ...]
    running: tuple[tuple[int, float], ...]
    row: int | None


def _plan(time: FloatArray, given: FloatArray, infusion: FloatArray) -> list[_Step]:
    ended = np.round(given + infusion, _DECIMALS)
    times = np.unique(np.concatenate([time, given, ended]))
    times = times[(times >= given.min()) & (times <= time[-1])]
    rows = dict(zip(time.tolist(), range(time.size), strict=True))
    return [
        _Step(
            round(end - begin, _DECIMALS),
            tuple(np.flatnonzero((given == begin) & (infusion == 0.0)).tolist()),
            tuple(
                (dose, float(infusion[dose]))
                for dose in np.flatnonzero((given <= begin) & (begin < ended)).tolist()
            ),
            rows.get(end),
        )
        for begin, end in pairwise(times.tolist())
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Factors:
    """What a step of one length does to the level that each mode holds (modes x people), and to the depot.

    left: what remains of a mode. absorbed: what a gram in the depot adds to it. poured: what a gram per day
    adds to it, and to the depot.
    """

    left: FloatArray
    absorbed: FloatArray
    depot_left: FloatArray
    poured: FloatArray
    depot_poured: FloatArray


def _factors(kinetics: Kinetics, length: float, people: int, *, absorbed: bool) -> _Factors:
    """The factors from the exact solution for a unit of each state."""
    day, zero, one = np.asarray(length), np.zeros(()), np.ones(())
    full = kinetics.advance(State(tuple(one for _ in kinetics.rates), zero), None, day)
    depot = kinetics.advance(State(tuple(zero for _ in kinetics.rates), one), None, day)
    pulse = Input(zero, kinetics.fraction) if absorbed else Input(one, zero)
    poured = kinetics.advance(kinetics.empty(), pulse, day)
    weights = _stacked(kinetics.weights, people)
    return _Factors(
        _stacked(full.modes, people),
        weights * _stacked(depot.modes, people),
        depot.depot,
        weights * _stacked(poured.modes, people),
        poured.depot,
    )


def _stacked(columns: Sequence[FloatArray], people: int) -> FloatArray:
    return np.array([np.broadcast_to(column, people) for column in columns])


def _fill(
    kinetics: Kinetics,
    steps: Sequence[_Step],
    dose: FloatArray,
    base: FloatArray,
    levels: FloatArray,
    *,
    absorbed: bool,
) -> None:
    """Take everybody of a block from step to step, filling the rows of `levels` on the way."""
    people = dose.shape[1]
    weights = _stacked(kinetics.weights, people)
    held, work = np.zeros_like(weights), np.empty_like(weights)
    depot, raised = np.zeros(people), bool(np.any(base))
    known: dict[float, _Factors] = {}
    for step in steps:
        if step.length not in known:
            known[step.length] = _factors(kinetics, step.length, people, absorbed=absorbed)
        factors = known[step.length]
        for index in step.at_once:
            if absorbed:
                depot += kinetics.fraction * dose[index]
            else:
                held += weights * dose[index]
        held *= factors.left
        if absorbed:
            held += np.multiply(depot, factors.absorbed, out=work)
            depot *= factors.depot_left
        for index, lasts in step.running:
            rate = dose[index] / lasts
            held += rate * factors.poured
            if absorbed:
                depot += rate * factors.depot_poured
        if step.row is not None:
            # one compartment has one mode
            row = levels[step.row]
            np.add(held[0], held[1] if len(held) > 1 else 0.0, out=row)
            if raised:
                row += base


def _take(kinetics: Kinetics, block: slice) -> Kinetics:
    def part(column: FloatArray) -> FloatArray:
        return column[block] if np.ndim(column) else column

    return Kinetics(
        tuple(part(rate) for rate in kinetics.rates),
        tuple(part(weight) for weight in kinetics.weights),
        None if kinetics.absorption is None else part(kinetics.absorption),
        part(kinetics.fraction),
    )
