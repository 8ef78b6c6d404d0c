"""Levels of linear kinetics over any dose history, in closed form: sampled, and over whole intervals.

One pass from dose to dose keeps the state after every change of input; whatever is asked about the course
afterwards (a level, an area, the highest and lowest level of an interval) starts from the nearest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.history import ROUTES, Epoch, distinct, given_between
from globulin.exposure.linear import Disposition, FloatArray
from globulin.exposure.modes import Input, Kinetics, State, states_at
from globulin.exposure.turning import Stretch, extremes


@dataclass(frozen=True, slots=True, eq=False)
class LinearCourse:
    """Exogenous IgG from the first dose of an epoch on; made by `linear_course`. Times are the last axis."""

    event: FloatArray
    parts: tuple[_Part, ...]

    def rise(self, day: ArrayLike) -> FloatArray:
        """Levels in g/L at times `day` (1-D); one at the time of a dose is drawn before it.

        Before the first dose it is what had been left by then: 0, or the trough of a steady state.
        """
        time = np.maximum(np.atleast_1d(np.asarray(day, dtype=np.float64)), self.event[0])
        # counting the events strictly before a sample leaves out a dose given at that very time
        begun = time > self.event[0]
        index = np.where(begun, np.searchsorted(self.event, time, side="left") - 1, 0)
        elapsed = time - self.event[index]
        later = sum(part.kinetics.level(part.at(index, elapsed)[0]) for part in self.parts)
        held = sum(part.kinetics.level(part.start) for part in self.parts)
        return np.where(begun, later, held)

    def stretch(self, begin: float, end: float) -> Stretch:
        """Highest, lowest and area from right after a dose at `begin` to right before one at `end`."""
        inside = self.event[(self.event > begin) & (self.event < end)]
        edge = np.concatenate([[begin], inside, [end]])
        index = np.searchsorted(self.event, edge, side="right") - 1
        offset, length = edge - self.event[index], np.diff(edge)
        within, start = index[:-1], offset[:-1]

        def evaluate(fraction: FloatArray) -> tuple[FloatArray, FloatArray]:
            level, slope = np.zeros(()), np.zeros(())
            for part in self.parts:
                state, running = part.at(within, start + fraction * length)
                level = level + part.kinetics.level(state)
                slope = slope + part.kinetics.change(state, running)
            return level, slope

        lanes = max(part.state.depot.ndim for part in self.parts) - 1
        highest, lowest = extremes(evaluate, lanes=lanes)
        area = np.asarray(sum(part.area(index, offset) for part in self.parts))
        return Stretch(highest, lowest, area[..., -1] - area[..., 0])


def linear_course(dispositions: Mapping[str, Disposition], epoch: Epoch) -> LinearCourse:
    """The course of exogenous IgG over the doses of an epoch.

    `dispositions` holds, for each route of a dose, the parameters with the uptake by this route; they have
    numbers, or arrays of one shape (lanes). Doses by different routes are superposed.
    """
    parts = tuple(
        _part(dispositions[ROUTES[route]], epoch, route) for route in sorted(set(epoch.route.tolist()))
    )
    return LinearCourse(parts[0].event, parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What came by one route: state after each event (last axis), what then runs, what had entered."""

    event: FloatArray
    kinetics: Kinetics
    start: State
    state: State
    running: Input
    entered: Input

    def at(self, index: NDArray[np.intp], elapsed: FloatArray) -> tuple[State, Input]:
        running = Input(self.running.central[..., index], self.running.depot[..., index])
        state = State(tuple(mode[..., index] for mode in self.state.modes), self.state.depot[..., index])
        return self.kinetics.advance(state, running, elapsed), running

    def area(self, index: NDArray[np.intp], elapsed: FloatArray) -> FloatArray:
        """Area under the level from before the first event to `elapsed` after each event of `index`."""
        state, running = self.at(index, elapsed)
        entered = Input(
            self.entered.central[..., index] + running.central * elapsed,
            self.entered.depot[..., index] + running.depot * elapsed,
        )
        return self.kinetics.area(self.start, entered, state)


def _part(disposition: Disposition, epoch: Epoch, route: int) -> _Part:
    absorbed = ROUTES[route] != "iv"
    kinetics = Kinetics.of(disposition, absorbed=absorbed)
    last = kinetics.with_last_axis()
    event = distinct(epoch.day, epoch.day + epoch.infusion_day)
    by_route = np.where(epoch.route == route, epoch.dose_g, 0.0)
    jump, pulse = (
        Input(
            *(np.zeros_like(amount), last.fraction * amount) if absorbed else (amount, np.zeros_like(amount))
        )
        for amount in given_between(event, epoch.day, epoch.infusion_day, by_route)
    )
    start, before = kinetics.empty(), epoch.before
    if before is not None and before.route == route:
        start = kinetics.repeated_for_ever(
            np.asarray(before.dose_g),
            np.asarray(before.interval_day),
            np.asarray(before.infusion_day),
            absorbed,
            before.parts,
        )
    lasted = np.diff(event)
    entered = Input(*(_entered(*amounts, lasted) for amounts in zip(_both(jump), _both(pulse), strict=True)))
    state = states_at(kinetics, event, jump, pulse, start)
    return _Part(event, last, start.with_last_axis(), state, pulse, entered)


def _both(amount: Input) -> tuple[FloatArray, FloatArray]:
    return amount.central, amount.depot


def _entered(jump: FloatArray, rate: FloatArray, lasted: FloatArray) -> FloatArray:
    """Grams that had entered right after each event."""
    ran = rate[..., :-1] * lasted
    return np.asarray(
        np.cumsum(jump + np.concatenate([np.zeros((*ran.shape[:-1], 1)), ran], axis=-1), axis=-1)
    )
