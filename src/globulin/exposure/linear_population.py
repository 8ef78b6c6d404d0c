"""Linear kinetics over time for many people at once, at the speed at which memory can be filled.

People of a population share the times of their doses. While no input starts or stops, a level is a sum of
products: what each mode, the depot and the running infusions held at the start, times what a unit of it has
become. The second factor depends on the time since then alone, and the same times come back after every
dose, so it is worked out once for a block of people and used for every dose.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.linear import Disposition, FloatArray, checked_array
from globulin.exposure.modes import Input, Kinetics, State

# people per block: long rows are written faster, while the responses of a block should stay in the cache
_BLOCK = 10_000
# steps of one stretch, and responses kept at once: they bound the memory of a block
_MOST_TIMES = 7
_MOST_KEPT = 8
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
    the doses, or one that is given every time, on its first axis and the people, or one value for all of
    them, on its last. Fields of the disposition are numbers or one per person, and so is `baseline_g_per_l`,
    which is added. Where `absorbed`, every dose enters a depot. A level at the time of a dose is drawn before
    it. `out` (times x people) is filled and returned if given. Raises ValueError, naming the argument, for
    one that is negative, not finite, unsorted or of a shape that does not fit. Equations: `modes`.
    """
    time: FloatArray = np.atleast_1d(checked_array("day", day)).round(_DECIMALS)
    given: FloatArray = np.atleast_1d(checked_array("dose_day", dose_day)).round(_DECIMALS)
    if time.ndim != 1 or np.any(np.diff(time) <= 0.0):
        raise ValueError("day must have one axis, sorted, each time once")
    if given.ndim != 1 or not given.size:
        raise ValueError("dose_day must have one axis with at least one dose")
    infusion = np.broadcast_to(checked_array("infusion_day", infusion_day, at_least=0.0), given.shape)
    dose = checked_array("dose_g", dose_g, at_least=0.0)
    dose = dose if dose.ndim == 2 else np.atleast_1d(dose)[:, None]
    base = checked_array("baseline_g_per_l", baseline_g_per_l, at_least=0.0)
    columns = (getattr(disposition, field.name) for field in fields(disposition))
    shapes = (np.shape(column) or (1,) for column in (*columns, base) if column is not None)
    people = np.broadcast_shapes(dose.shape[1:], *shapes)[0]
    base = np.broadcast_to(base, people)
    dose = np.broadcast_to(dose, (given.size, people))
    levels = np.empty((time.size, people)) if out is None else out
    stretches = _plan(tuple(time.tolist()), tuple(given.tolist()), tuple(infusion.tolist()))
    levels[time <= given.min()] = base

    for begin in range(0, people, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        kinetics = Kinetics.of(_taken(disposition, block), absorbed=absorbed)
        _fill(kinetics, stretches, dose[:, block], base[block], levels[:, block])
    return levels


def _taken(disposition: Disposition, block: slice) -> Disposition:
    columns = {field.name: getattr(disposition, field.name) for field in fields(disposition)}
    return replace(disposition, **{name: each[block] for name, each in columns.items() if np.ndim(each)})


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Equal steps, in which no input starts or stops.

    length: of a step, in days. at_once: doses given at its start. running: infusions that run through it,
    with the days that each lasts. rows: of the result, which the ends of the steps fill; none for a single
    step to a time that is not wanted.
    """

    length: float
    times: int
    at_once: tuple[int, ...]
    running: tuple[tuple[int, float], ...]
    rows: slice

    @property
    def kind(self) -> tuple[float, bool]:
        """What the response to it depends on."""
        return self.length, bool(self.running)


# the crowds of one question come in chunks with the same times
@lru_cache(maxsize=4)
def _plan(
    wanted: tuple[float, ...], given: tuple[float, ...], infusion: tuple[float, ...]
) -> tuple[_Stretch, ...]:
    doses = [
        (begin, round(begin + lasts, _DECIMALS), lasts) for begin, lasts in zip(given, infusion, strict=True)
    ]
    last = wanted[-1]
    changes = sorted({when for begin, end, _ in doses for when in (begin, end) if when < last})
    stretches = []
    for begin, end in pairwise([*changes, last]):
        at_once = tuple(i for i, (start, _, lasts) in enumerate(doses) if start == begin and lasts == 0.0)
        running = tuple((i, lasts) for i, (start, stop, lasts) in enumerate(doses) if start <= begin < stop)
        row = bisect_right(wanted, begin)
        inside = wanted[row : bisect_right(wanted, end)]
        marks = inside if inside and inside[-1] == end else (*inside, end)
        steps = [round(later - earlier, _DECIMALS) for earlier, later in pairwise([begin, *marks])]
        for length, group in groupby(steps[: len(inside)]):
            left = len(list(group))
            while left:
                times = min(left, _MOST_TIMES)
                stretches.append(_Stretch(length, times, at_once, running, slice(row, row + times)))
                row, left, at_once = row + times, left - times, ()
        if len(inside) < len(steps):
            stretches.append(_Stretch(steps[-1], 1, at_once, running, slice(0)))
    return tuple(stretches)


@dataclass(frozen=True, slots=True, eq=False)
class _Amounts:
    """What each mode holds, as the level it makes (modes x people), and grams in the depot."""

    modes: FloatArray
    depot: FloatArray

    def copy(self) -> _Amounts:
        return _Amounts(self.modes.copy(), self.depot.copy())

    def advance(self, days: _Days, rate: FloatArray | float) -> None:
        """Become what is there after `days`, in which `rate` grams per day ran in if any did."""
        modes, depot = self.modes, self.depot
        modes *= days.left
        if days.from_depot is not None:
            modes += depot * days.from_depot.modes
            depot *= days.from_depot.depot
        if days.from_rate is not None:
            modes += rate * days.from_rate.modes
            if days.from_depot is not None:
                depot += rate * days.from_rate.depot


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """What some days do: what is left of each mode (modes x people), and what has become of a gram.

    from_depot: of one in the depot (None: no dose enters it). from_rate: of one per day (None: none runs).
    """

    left: FloatArray
    from_depot: _Amounts | None
    from_rate: _Amounts | None

    def inputs_after(self, later: _Days) -> tuple[_Amounts | None, _Amounts | None]:
        """`from_depot` and `from_rate` once the days of `later` have followed."""
        depot = None if self.from_depot is None else self.from_depot.copy()
        rate = None if self.from_rate is None else self.from_rate.copy()
        if depot is not None:
            depot.advance(later, 0.0)
        if rate is not None:
            rate.advance(later, 1.0)
        return depot, rate


def _one_step(kinetics: Kinetics, weights: FloatArray, length: float, *, running: bool) -> _Days:
    """From the exact solution for a unit of each state."""
    day, zero, one = np.asarray(length), np.zeros(()), np.ones(())
    people, absorbed = weights.shape[1], kinetics.absorption is not None
    none = kinetics.empty()

    def of(state: State, pulse: Input | None) -> _Amounts:
        after = kinetics.advance(state, pulse, day)
        depot = np.array(np.broadcast_to(after.depot, people))
        return _Amounts(weights * _stacked(after.modes, people), depot)

    pulse = Input(zero, kinetics.fraction) if absorbed else Input(one, zero)
    return _Days(
        np.exp(_stacked(kinetics.rates, people) * -day),
        of(State(none.modes, one), None) if absorbed else None,
        of(none, pulse) if running else None,
    )


def _response(step: _Days, times: int) -> tuple[FloatArray, list[_Days]]:
    """The rise from a unit of each thing held, steps x things x people, and what so many steps do.

    Things are in the order of `_fill`: what runs, each mode, the depot.
    """
    modes, people = step.left.shape
    first = int(step.from_rate is not None)
    levels = np.empty((times, first + modes + (step.from_depot is not None), people))
    done = step
    days: list[_Days] = []
    for row in levels:
        left = row[first : first + modes]
        if days:
            done = _Days(np.multiply(done.left, step.left, out=left), *done.inputs_after(step))
        else:
            left[:] = step.left
        days.append(done)
        if done.from_rate is not None:
            done.from_rate.modes.sum(axis=0, out=row[0])
        if done.from_depot is not None:
            done.from_depot.modes.sum(axis=0, out=row[first + modes])
    return levels, days


def _fill(
    kinetics: Kinetics,
    stretches: tuple[_Stretch, ...],
    dose: FloatArray,
    base: FloatArray,
    levels: FloatArray,
) -> None:
    """Take everybody of a block from stretch to stretch, filling the rows of `levels` on the way."""
    modes, people = len(kinetics.rates), dose.shape[1]
    absorbed = kinetics.absorption is not None
    weights = _stacked(kinetics.weights, people)
    longest: dict[tuple[float, bool], int] = {}
    for stretch in stretches:
        longest[stretch.kind] = max(stretch.times, longest.get(stretch.kind, 0))

    @lru_cache(_MOST_KEPT)
    def response(length: float, running: bool) -> tuple[FloatArray, list[_Days]]:
        step = _one_step(kinetics, weights, length, running=running)
        return _response(step, longest[length, running])

    # what a rise comes from, in the order of `_response`
    held = np.zeros((1 + modes + absorbed, people))
    rate = held[0]
    now = _Amounts(held[1 : 1 + modes], held[1 + modes] if absorbed else np.zeros(people))
    for stretch in stretches:
        for index in stretch.at_once:
            into = now.depot if absorbed else now.modes
            into += (kinetics.fraction if absorbed else weights) * dose[index]
        if stretch.running:
            rate[:] = sum(dose[index] / lasts for index, lasts in stretch.running)
        unit, days = response(*stretch.kind)
        rows = levels[stretch.rows]
        if len(rows):
            np.einsum("tip,ip->tp", unit[: len(rows)], held[0 if stretch.running else 1 :], out=rows)
            rows += base
        now.advance(days[stretch.times - 1], rate)


def _stacked(columns: Sequence[FloatArray], people: int) -> FloatArray:
    return np.array([np.broadcast_to(column, people) for column in columns])
