"""Saturable recycling of IgG, because immune globulin makes people with normal IgG clear it faster.

FcRn rescues IgG from breakdown until it is full. In somebody who makes IgG a high dose therefore raises total
IgG less than a linear model says, and lowers endogenous IgG and autoantibodies by the same fraction.

Model (Kim et al., Clin Immunol 2007;122:146-155, with an extravascular pool added): with C total plasma IgG,

    k(C) = kint - Jmax / (V1kg (Km + C))                     fractional catabolic rate, 1/day
    R0 = k(C0) V1 C0                                         endogenous production, constant
    dA1/dt = input - k(C) A1 - Q (A1 / V1 - A2 / V2)         for endogenous, exogenous and autoantibody alike
    dA2/dt = Q (A1 / V1 - A2 / V2),   V2 = V1

Solved for the rise above baseline, in which small doses lose no digits. The interval is cut into elements
graded towards every change of input, Radau IIA collocation holds in each (Hairer & Wanner, Solving ODEs II,
IV.5), and the whole trajectory, periodic or from baseline, is found by Newton's method on all elements at
once (quasilinearisation: Bellman & Kalaba 1965). Because k(C) C is convex in C, the iterates are upper bounds
that fall to the solution, from any start; no cycle is ever repeated.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.collocation import (
    NODE,
    STAGES,
    WEIGHT,
    Path,
    lagrange,
    shed_to_periphery,
    solve_linear,
)
from globulin.exposure.linear import FloatArray, check_daily_parts, checked_array

BoolArray = NDArray[np.bool_]

_GRADED_ELEMENTS = 12
_NEWTON_ITERATIONS = 40
_NEWTON_TOLERANCE = 1e-11
_PEAK_BISECTIONS = 50
# elements x lanes worked on at once: their matrices stay in the processor's cache
_CHUNK = 4096
_DOUBLING_DAY = np.concatenate([[0.0], 0.05 * 2.0 ** np.arange(6)])
_GRADED_STEP = np.diff(np.linspace(0.0, 1.0, _GRADED_ELEMENTS + 1) ** 3)


@dataclass(frozen=True, slots=True, eq=False)
class Recycling:
    """Parameters of saturable recycling; numbers or arrays that broadcast, kept as float arrays.

    Kim's kint (1/day), Jmax (mg/kg/day) and Km (g/L), the untreated total IgG C0 (g/L), the plasma volume
    V1kg (mL/kg, also the extravascular volume) and the exchange clearance Q (L/day). Raises ValueError,
    naming the field, for a value not above 0 (Jmax may be 0: constant catabolism), not finite, or a Jmax that
    leaves no catabolism at baseline.
    """

    internalisation_per_day: FloatArray | float
    max_recycling_mg_per_kg_day: FloatArray | float
    half_saturation_g_per_l: FloatArray | float
    baseline_g_per_l: FloatArray | float
    central_ml_per_kg: FloatArray | float = 42.0
    exchange_l_per_day: FloatArray | float = 0.9

    def __post_init__(self) -> None:
        for name in (
            "internalisation_per_day",
            "half_saturation_g_per_l",
            "baseline_g_per_l",
            "central_ml_per_kg",
            "exchange_l_per_day",
        ):
            object.__setattr__(self, name, checked_array(name, getattr(self, name), above=0.0))
        most = checked_array("max_recycling_mg_per_kg_day", self.max_recycling_mg_per_kg_day, at_least=0.0)
        object.__setattr__(self, "max_recycling_mg_per_kg_day", most)
        if np.any(self.elimination_per_day(self.baseline_g_per_l) <= 0.0):
            raise ValueError("max_recycling_mg_per_kg_day must leave some catabolism at baseline_g_per_l")

    def elimination_per_day(self, total_g_per_l: ArrayLike) -> FloatArray:
        """Fractional catabolic rate k(C) in 1/day at a total IgG in g/L (Kim 2007)."""
        bound = np.asarray(self.half_saturation_g_per_l) + np.asarray(total_g_per_l)
        return np.asarray(np.asarray(self.internalisation_per_day) - self._capacity() / bound)

    def central_l(self, weight_kg: ArrayLike) -> FloatArray:
        """Plasma volume V1 in L at a body weight in kg."""
        return np.asarray(np.asarray(self.central_ml_per_kg) * np.asarray(weight_kg) / 1000.0)

    def production_g_per_day(self, weight_kg: ArrayLike) -> FloatArray:
        """Endogenous production R0 in g/day that keeps IgG at baseline without treatment."""
        baseline = np.asarray(self.baseline_g_per_l)
        return np.asarray(self.elimination_per_day(baseline) * self.central_l(weight_kg) * baseline)

    def _capacity(self) -> FloatArray:
        return np.asarray(np.asarray(self.max_recycling_mg_per_kg_day) / np.asarray(self.central_ml_per_kg))


@dataclass(frozen=True, slots=True, eq=False)
class RecyclingSteadyState:
    """One interval at the periodic steady state; arrays of the shape to which the arguments broadcast.

    Rises in g/L are total IgG minus baseline: highest, right before a dose, mean over the interval.
    `peak_day` counts from the dose. `endogenous_change` is the change of mean endogenous IgG as a fraction of
    baseline (negative), and that of every antibody the person makes at a constant rate. Where `converged` is
    false the lane's values are not to be used.
    """

    peak_rise_g_per_l: FloatArray
    trough_rise_g_per_l: FloatArray
    average_rise_g_per_l: FloatArray
    endogenous_change: FloatArray
    peak_day: FloatArray
    converged: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class RecyclingProfile:
    """Total and endogenous IgG in g/L and autoantibody as a fraction of its baseline; times on the last axis.

    `converged` has the shape of the lanes, without times.
    """

    total_g_per_l: FloatArray
    endogenous_g_per_l: FloatArray
    autoantibody_fraction: FloatArray
    converged: BoolArray


def steady_state(
    recycling: Recycling,
    *,
    weight_kg: ArrayLike,
    dose_g: ArrayLike,
    interval_day: ArrayLike,
    infusion_day: ArrayLike,
    absorption_per_day: ArrayLike | None = None,
    bioavailability: ArrayLike = 1.0,
    daily_parts: int = 1,
) -> RecyclingSteadyState:
    """The periodic steady state of a dose every `interval_day`, given over `infusion_day` (0 = at once).

    All arguments and parameters broadcast. An infusion may outlast the interval. With `daily_parts` n the
    dose is split into n equal parts on consecutive days, each over `infusion_day`. With `absorption_per_day`
    the dose enters a depot and `bioavailability` of it is absorbed by first order; infinite (or None) means
    straight into the circulation, so that routes can be mixed. Relative accuracy is 1e-6 or better for
    intervals up to 180 days. Raises ValueError, naming the argument, for one that is negative or not a number
    for an interval or weight not above 0 and for parts that do not fit; a lane that does not converge is
    flagged instead.
    """
    interval = checked_array("interval_day", interval_day, above=0.0)
    infusion = checked_array("infusion_day", infusion_day, at_least=0.0)
    check_daily_parts(daily_parts, interval, infusion)
    dose = checked_array("dose_g", dose_g, at_least=0.0)
    lanes, shape, (dose, interval, infusion) = _lanes(
        recycling, weight_kg, absorption_per_day, bioavailability, dose, interval, infusion
    )
    size = max(1, _CHUNK // (2 * daily_parts * _GRADED_ELEMENTS))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        parts = [
            _steady_lanes(lanes.take(part), dose[part], interval[part], infusion[part], daily_parts)
            for part in (slice(start, start + size) for start in range(0, dose.size, size))
        ]
    columns = [np.concatenate(column).reshape(shape) for column in zip(*parts, strict=True)]
    return RecyclingSteadyState(*columns)


def profile(
    recycling: Recycling,
    *,
    weight_kg: ArrayLike,
    day: ArrayLike,
    dose_day: ArrayLike,
    dose_g: ArrayLike,
    infusion_day: ArrayLike,
    absorption_per_day: ArrayLike | None = None,
    bioavailability: ArrayLike = 1.0,
) -> RecyclingProfile:
    """IgG at times `day` (1-D, any order) of a person at baseline before the first dose of a shared history.

    `dose_day` and `infusion_day` are 1-D and the same for all lanes; `dose_g` has the doses on its last axis,
    its leading axes broadcast with the lanes. A level at the time of a dose is drawn before it. Absorption
    and errors are as in `steady_state`.
    """
    time = np.atleast_1d(checked_array("day", day))
    given = np.atleast_1d(checked_array("dose_day", dose_day))
    infusion = np.broadcast_to(checked_array("infusion_day", infusion_day, at_least=0.0), given.shape)
    dose = np.atleast_1d(checked_array("dose_g", dose_g, at_least=0.0))
    if time.ndim > 1 or given.ndim > 1 or not given.size:
        raise ValueError("day and dose_day must have one axis, and dose_day a dose")
    lanes, shape, _ = _lanes(recycling, weight_kg, absorption_per_day, bioavailability, dose[..., 0])
    doses = np.broadcast_to(dose, (*shape, given.size)).reshape(-1, given.size).T
    edge = _edges(time, given, infusion)
    size = max(1, _CHUNK // edge.size)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        parts = [
            _profile_lanes(lanes.take(part), edge, time, given, doses[:, part], infusion)
            for part in (slice(start, start + size) for start in range(0, doses.shape[1], size))
        ]
    rise, change, converged = (np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))
    baseline = lanes.baseline.reshape((*shape, 1))
    rise, change = (np.moveaxis(part, 0, -1).reshape((*shape, time.size)) for part in (rise, change))
    return RecyclingProfile(
        baseline + rise, baseline + change, 1.0 + change / baseline, converged.reshape(shape)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Lanes:
    """Parameters per lane (1-D): rates in 1/day, concentrations in g/L, where a dose goes and its share."""

    internalisation: FloatArray
    capacity: FloatArray
    half: FloatArray
    baseline: FloatArray
    exchange: FloatArray
    per_volume: FloatArray
    absorption: FloatArray
    absorbed: BoolArray

    def take(self, part: slice) -> _Lanes:
        return _Lanes(*(getattr(self, name)[part] for name in self.__slots__))

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
class _Course:
    """Elements (first axis) of each lane: length in day, what is given before it and what enters during it.

    `jump` is in g/L of plasma, `source` in g/L/day at the start and the collocation points (new first axis).
    """

    step: FloatArray
    jump: FloatArray
    source: FloatArray


def _lanes(
    recycling: Recycling,
    weight_kg: ArrayLike,
    absorption_per_day: ArrayLike | None,
    bioavailability: ArrayLike,
    *others: FloatArray,
) -> tuple[_Lanes, tuple[int, ...], list[FloatArray]]:
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
        fraction / volume,
        np.where(absorbed, absorption, 1.0),
        absorbed,
        *others,
    )
    flat = [np.ascontiguousarray(part).reshape(-1) for part in parts]
    return _Lanes(*flat[:8]), parts[0].shape, flat[8:]


def _steady_lanes(
    lanes: _Lanes, dose: FloatArray, interval: FloatArray, infusion: FloatArray, daily_parts: int
) -> tuple[NDArray[Any], ...]:
    """Peak, trough and mean rise, endogenous change, peak time and convergence of lanes at steady state."""
    whole, rest = np.divmod(infusion, interval)
    part = dose / daily_parts
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
            given[begin : begin + _GRADED_ELEMENTS] += rate
    course = _course(lanes, step, jump, given, periodic=True)
    path, converged = _rise(lanes, course, periodic=True)
    change = _endogenous(lanes, course, path, periodic=True)
    peak, peak_day = _peak(lanes, course, path)
    mean, changed = (
        np.einsum("i,iel,el->l", WEIGHT, part.plasma[1:], step) / interval for part in (path, change)
    )
    return peak, path.before[0], mean, changed / lanes.baseline, peak_day, converged


def _profile_lanes(
    lanes: _Lanes,
    edge: FloatArray,
    time: FloatArray,
    given: FloatArray,
    dose: FloatArray,
    infusion: FloatArray,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Rise of total and change of endogenous IgG (times x lanes), and convergence."""
    begin = edge[:-1, None]
    running = (given <= begin) & (begin < given + infusion)
    rate = np.divide(1.0, infusion, out=np.zeros(infusion.shape), where=infusion > 0.0)
    at_once = (given == begin) & (infusion == 0.0)
    step = np.broadcast_to(np.diff(edge)[:, None], (begin.size, dose.shape[1]))
    course = _course(lanes, step, at_once @ dose, (running * rate) @ dose, periodic=False)
    path, converged = _rise(lanes, course, periodic=False)
    change = _endogenous(lanes, course, path, periodic=False)
    # the element that ends at the time of a dose answers for that time: the level is drawn before the dose
    element = np.clip(np.searchsorted(edge, time, side="left") - 1, 0, begin.size - 1)
    within = (time - edge[element]) / np.diff(edge)[element]
    basis = lagrange(within, np.concatenate([[0.0], NODE])) * (within > 0.0)[:, None]
    rise, changed = (np.einsum("ti,itl->tl", basis, part.plasma[:, element]) for part in (path, change))
    return rise, changed, converged


def _edges(time: FloatArray, given: FloatArray, infusion: FloatArray) -> FloatArray:
    """Boundaries of elements that start short at every change of input and double, to the last time."""
    first = min(given.min(), time.min())
    last = max(time.max(), first + 1.0)
    change = np.unique(np.concatenate([[first, last], given, given + infusion]))
    change = change[change <= last]
    longest = _DOUBLING_DAY[-1]
    pieces = []
    for begin, end in itertools.pairwise(change.tolist()):
        inside = np.concatenate([_DOUBLING_DAY, np.arange(2.0 * longest, end - begin, longest)])
        pieces.append(begin + inside[inside < end - begin])
    return np.concatenate([*pieces, [last]])


def _course(
    lanes: _Lanes, step: FloatArray, jump: FloatArray, rate: FloatArray, *, periodic: bool
) -> _Course:
    """The sources of doses in g and g/day that start with, or run through, each element."""
    central = np.where(lanes.absorbed, 0.0, lanes.per_volume)
    source = np.broadcast_to(rate * central, (STAGES + 1, *step.shape))
    if not np.any(lanes.absorbed):
        return _Course(step, jump * central, source)
    tissue = np.where(lanes.absorbed, lanes.per_volume, 0.0)
    absorption = lanes.absorption
    left = np.exp(-absorption * step)
    held, depot = np.empty_like(step), np.zeros_like(absorption)
    for index in range(len(step)):
        held[index] = depot + tissue * jump[index]
        depot = held[index] * left[index] + tissue * rate[index] * (1.0 - left[index]) / absorption
    if periodic:
        elapsed = np.cumsum(step, axis=0)
        start = depot / -np.expm1(-absorption * elapsed[-1])
        held += start * np.exp(-absorption * (elapsed - step))
    inside = absorption * step * np.concatenate([[0.0], NODE])[:, None, None]
    absorbed = absorption * held * np.exp(-inside) - tissue * rate * np.expm1(-inside)
    return _Course(step, jump * central, source + absorbed)


def _rise(lanes: _Lanes, course: _Course, *, periodic: bool) -> tuple[Path, BoolArray]:
    """Newton's method on the whole trajectory of total IgG, in all elements at once."""
    shed = shed_to_periphery(course.step, lanes.exchange)
    plasma = np.zeros((STAGES, *course.step.shape))
    for _ in range(_NEWTON_ITERATIONS):
        loss, offset = lanes.tangent(plasma)
        path = solve_linear(
            course.step, shed, loss, course.source[1:] + offset, course.jump, periodic=periodic
        )
        following = path.plasma[1:]
        moved = np.max(np.abs(following - plasma), axis=(0, 1))
        converged = moved <= _NEWTON_TOLERANCE * np.max(np.abs(following), axis=(0, 1))
        plasma = following
        if np.all(converged):
            break
    return path, converged


def _endogenous(lanes: _Lanes, course: _Course, total: Path, *, periodic: bool) -> Path:
    """Change of endogenous IgG from baseline, a linear equation once total IgG is known."""
    rise = total.plasma[1:]
    source = -lanes.extra_catabolism(rise) * lanes.baseline
    shed = shed_to_periphery(course.step, lanes.exchange)
    unmoved = np.zeros_like(course.step)
    return solve_linear(course.step, shed, lanes.catabolism(rise), source, unmoved, periodic=periodic)


def _peak(lanes: _Lanes, course: _Course, path: Path) -> tuple[FloatArray, FloatArray]:
    """Highest rise in plasma and when: where the slope passes 0 in an element, else where an input ends."""
    slope = lanes.slope(path.plasma, path.peripheral, course.source)
    lane = np.arange(slope.shape[2])
    started = np.cumsum(course.step, axis=0) - course.step
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
    return peak, started[element, lane] + within * course.step[element, lane]
