"""Solves saturable recycling for the rise above baseline, in which small doses lose no digits.

An interval or a history is cut into elements graded towards every change of input, Radau IIA collocation
holds in each (Hairer & Wanner, Solving ODEs II, IV.5), and the whole trajectory, periodic or from a known
start, is found by Newton's method on all elements at once (quasilinearisation: Bellman & Kalaba 1965).
Because k(C) C is convex in C, the iterates are upper bounds that fall to the solution, from any start; no
cycle is ever repeated. The equations are those of `fcrn`. Elements and lanes are the last two axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.collocation import (
    NODE,
    STAGES,
    Path,
    lagrange,
    shed_to_periphery,
    solve_linear,
)
from globulin.exposure.linear import FloatArray, checked_array

if TYPE_CHECKING:
    from globulin.exposure.fcrn import Recycling

BoolArray = NDArray[np.bool_]

GRADED_ELEMENTS = 12
_NEWTON_ITERATIONS = 40
_NEWTON_TOLERANCE = 1e-11
_PEAK_BISECTIONS = 50
_GRADED_STEP = np.diff(np.linspace(0.0, 1.0, GRADED_ELEMENTS + 1) ** 3)


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """Parameters per lane (1-D): rates in 1/day, concentrations in g/L, 1 / plasma volume in 1/L.

    `absorption` is that of tissue and `bioavailability` the fraction that leaves it; `absorbed` marks lanes
    whose doses go there where this is said by lane and not by dose.
    """

    internalisation: FloatArray
    capacity: FloatArray
    half: FloatArray
    baseline: FloatArray
    exchange: FloatArray
    per_volume: FloatArray
    absorption: FloatArray
    bioavailability: FloatArray
    absorbed: BoolArray

    def take(self, part: slice) -> Lanes:
        """Some of the lanes."""
        return Lanes(*(getattr(self, name)[part] for name in self.__slots__))

    def catabolism(self, rise: FloatArray) -> FloatArray:
        """Fractional catabolic rate at `rise` above baseline."""
        return self.internalisation - self.capacity / (self.half + self.baseline + rise)

    def extra_catabolism(self, rise: FloatArray) -> FloatArray:
        """Fractional catabolic rate beyond that at baseline, without cancellation."""
        bound = self.half + self.baseline
        return self.capacity * rise / (bound * (bound + rise))

    def tangent(self, rise: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Slope of the extra breakdown k(C) C - k(C0) C0 in the rise, and minus its tangent at no rise."""
        bound = self.half + self.baseline
        share = self.capacity * self.half / np.square(bound + rise)
        return self.internalisation - share, share * np.square(rise) / bound

    def slope(self, rise: FloatArray, peripheral: FloatArray, source: FloatArray) -> FloatArray:
        """Time derivative of the rise in plasma."""
        bound = self.half + self.baseline
        lost = self.internalisation - self.capacity * self.half / (bound * (bound + rise))
        return source - lost * rise - self.exchange * (rise - peripheral)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Grams per element and lane: at once before it, and per day while it lasts."""

    jump: FloatArray
    rate: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where a history begins: rise of total and change of endogenous IgG in both pools (g/L), depot (g/L)."""

    rise: FloatArray
    change: FloatArray
    depot: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Elements (first axis) of each lane: length in day, what is given before it and what enters during it.

    `jump` is in g/L of plasma, `source` in g/L/day at the start and the collocation points (new first axis).
    `depot` is what tissue holds before the first element and after the last (first axis), in g/L of plasma.
    """

    step: FloatArray
    jump: FloatArray
    source: FloatArray
    depot: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Rise of total and change of endogenous IgG over the elements of `inputs`, and where they converged."""

    inputs: Inputs
    rise: Path
    change: Path
    converged: BoolArray

    def start(self) -> Start:
        """Where it began, before what was given at once."""
        return Start(self.rise.before, self.change.before, self.inputs.depot[0])

    def end(self) -> Start:
        """Where it ended."""
        rise, change = (
            np.stack([part.plasma[-1, -1], part.peripheral[-1, -1]]) for part in (self.rise, self.change)
        )
        return Start(rise, change, self.inputs.depot[1])


def lanes_of(
    recycling: Recycling,
    weight_kg: ArrayLike,
    absorption_per_day: ArrayLike | None,
    bioavailability: ArrayLike,
    *others: FloatArray,
) -> tuple[Lanes, tuple[int, ...], list[FloatArray]]:
    """Everything broadcast to one shape and flattened, with that shape and the other arguments alike."""
    weight = checked_array("weight_kg", weight_kg, above=0.0)
    fraction = checked_array("bioavailability", bioavailability, above=0.0)
    absorption = np.asarray(np.inf if absorption_per_day is None else absorption_per_day, dtype=np.float64)
    absorbed = np.isfinite(absorption)
    if not np.all(absorption > 0.0):
        raise ValueError("absorption_per_day must be above 0")
    volume = recycling.central_l(weight)
    parts = np.broadcast_arrays(
        np.asarray(recycling.internalisation_per_day),
        np.asarray(recycling.max_recycling_mg_per_kg_day) / np.asarray(recycling.central_ml_per_kg),
        np.asarray(recycling.half_saturation_g_per_l),
        np.asarray(recycling.baseline_g_per_l),
        np.asarray(recycling.exchange_l_per_day) / volume,
        1.0 / volume,
        np.where(absorbed, absorption, 1.0),
        fraction,
        absorbed,
        *others,
    )
    flat = [np.ascontiguousarray(part).reshape(-1) for part in parts]
    return Lanes(*flat[:9]), parts[0].shape, flat[9:]


def solve_steady(
    lanes: Lanes, dose: FloatArray, interval: FloatArray, infusion: FloatArray, daily_parts: int
) -> Solved:
    """One interval of doses that have been repeated for ever, from dose to dose."""
    whole, rest = np.divmod(infusion, interval)
    part = lanes.bioavailability * dose / daily_parts
    rate = np.divide(part, infusion, out=np.zeros_like(dose), where=infusion > 0.0)
    gaps = [np.ones_like(interval)] * (daily_parts - 1) + [interval - (daily_parts - 1)]
    running = bool(np.any(rest > 0.0))
    phases = [phase for gap in gaps for phase in ((rest, gap - rest) if running else (gap,))]
    step = np.concatenate([phase * _GRADED_STEP[:, None] for phase in phases])
    # infusions that outlast the interval: whole ones overlap as a constant input, what is left is one pulse
    given = np.broadcast_to(whole * rate, step.shape).copy()
    jump = np.zeros_like(step)
    for begin in range(0, len(step), len(step) // daily_parts):
        jump[begin] = np.where(infusion > 0.0, 0.0, part)
        if running:
            given[begin : begin + GRADED_ELEMENTS] += rate
    central, tissue = (
        Given(np.where(into, jump, 0.0), np.where(into, given, 0.0))
        for into in (~lanes.absorbed, lanes.absorbed)
    )
    return _solve(lanes, _inputs(lanes, step, central, tissue, None), None)


def solve_history(lanes: Lanes, step: FloatArray, central: Given, tissue: Given, start: Start) -> Solved:
    """A history from a known start; what is given into `tissue` is already reduced to what leaves it."""
    return _solve(lanes, _inputs(lanes, step, central, tissue, start.depot), start)


def _solve(lanes: Lanes, inputs: Inputs, start: Start | None) -> Solved:
    rise, converged = _rise(lanes, inputs, None if start is None else start.rise)
    change = _endogenous(lanes, inputs, rise, None if start is None else start.change)
    return Solved(inputs, rise, change, converged)


def _inputs(
    lanes: Lanes, step: FloatArray, central: Given, tissue: Given, depot: FloatArray | None
) -> Inputs:
    """The sources of what is given; `depot` None: the elements repeat for ever."""
    jump = central.jump * lanes.per_volume
    source = np.broadcast_to(central.rate * lanes.per_volume, (STAGES + 1, *step.shape))
    held_before = np.zeros(step.shape[1]) if depot is None else depot
    if not (np.any(tissue.jump) or np.any(tissue.rate) or np.any(held_before)):
        return Inputs(step, jump, source, np.stack([held_before, held_before]))
    absorption = lanes.absorption
    left = np.exp(-absorption * step)
    entering, rate = tissue.jump * lanes.per_volume, tissue.rate * lanes.per_volume
    held, holds = np.empty_like(step), held_before
    for index in range(len(step)):
        held[index] = holds + entering[index]
        holds = held[index] * left[index] + rate[index] * (1.0 - left[index]) / absorption
    if depot is None:
        elapsed = np.cumsum(step, axis=0)
        held_before = holds / -np.expm1(-absorption * elapsed[-1])
        held += held_before * np.exp(-absorption * (elapsed - step))
        holds = held_before
    inside = absorption * step * np.concatenate([[0.0], NODE])[:, None, None]
    absorbed = absorption * held * np.exp(-inside) - rate * np.expm1(-inside)
    return Inputs(step, jump, source + absorbed, np.stack([held_before, holds]))


def _rise(lanes: Lanes, inputs: Inputs, start: FloatArray | None) -> tuple[Path, BoolArray]:
    """Newton's method on the whole trajectory of total IgG, in all elements at once."""
    shed = shed_to_periphery(inputs.step, lanes.exchange)
    plasma = np.zeros((STAGES, *inputs.step.shape))
    for _ in range(_NEWTON_ITERATIONS):
        loss, offset = lanes.tangent(plasma)
        path = solve_linear(inputs.step, shed, loss, inputs.source[1:] + offset, inputs.jump, start)
        following = path.plasma[1:]
        moved = np.max(np.abs(following - plasma), axis=(0, 1))
        converged = moved <= _NEWTON_TOLERANCE * np.max(np.abs(following), axis=(0, 1))
        plasma = following
        if np.all(converged):
            break
    return path, converged


def _endogenous(lanes: Lanes, inputs: Inputs, total: Path, start: FloatArray | None) -> Path:
    """Change of endogenous IgG from baseline, a linear equation once total IgG is known."""
    rise = total.plasma[1:]
    source = -lanes.extra_catabolism(rise) * lanes.baseline
    shed = shed_to_periphery(inputs.step, lanes.exchange)
    unmoved = np.zeros_like(inputs.step)
    return solve_linear(inputs.step, shed, lanes.catabolism(rise), source, unmoved, start)


def highest(lanes: Lanes, solved: Solved) -> tuple[FloatArray, FloatArray]:
    """Highest rise in plasma of one interval and when: where the slope passes 0, else where an input ends."""
    inputs, path = solved.inputs, solved.rise
    slope = lanes.slope(path.plasma, path.peripheral, inputs.source)
    lane = np.arange(slope.shape[2])
    started = np.cumsum(inputs.step, axis=0) - inputs.step
    turns = (slope[0] > 0.0) & (slope[-1] <= 0.0)
    corner = np.argmax(path.plasma[0], axis=0)
    # of several elements in which the slope passes 0, the one that reaches highest
    highest = np.argmax(np.where(turns, np.max(path.plasma, axis=0), -np.inf), axis=0)
    element = np.where(np.any(turns, axis=0), highest, corner)
    points = np.concatenate([[0.0], NODE])
    slopes, levels = slope[:, element, lane], path.plasma[:, element, lane]
    low, high = np.zeros(lane.shape), np.ones(lane.shape)
    for _ in range(_PEAK_BISECTIONS):
        middle = 0.5 * (low + high)
        rising = np.einsum("li,il->l", lagrange(middle, points), slopes) > 0.0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    within = np.where(np.any(turns, axis=0), low, 0.0)
    peak = np.einsum("li,il->l", lagrange(within, points), levels)
    return peak, started[element, lane] + within * inputs.step[element, lane]
