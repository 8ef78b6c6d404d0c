"""Saturable recycling of IgG, because immune globulin makes people with normal IgG clear it faster.

FcRn rescues IgG from breakdown until it is full. In somebody who makes IgG a high dose therefore raises total
IgG less than a linear model says, and lowers endogenous IgG and autoantibodies by the same fraction.

Model (Kim et al., Clin Immunol 2007;122:146-155, with an extravascular pool added): with C total plasma IgG,

    k(C) = kint - Jmax / (V1kg (Km + C))                     fractional catabolic rate, 1/day
    R0 = k(C0) V1 C0                                         endogenous production, constant
    dA1/dt = input - k(C) A1 - Q (A1 / V1 - A2 / V2)         for endogenous, exogenous and autoantibody alike
    dA2/dt = Q (A1 / V1 - A2 / V2),   V2 = V1

Only the rise above baseline is solved for, by collocation (`recycling_solver`); no cycle is ever repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.collocation import WEIGHT
from globulin.exposure.linear import FloatArray, check_daily_parts, checked_array
from globulin.exposure.recycling_course import course_of, elements
from globulin.exposure.recycling_solver import (
    GRADED_ELEMENTS,
    Lanes,
    highest,
    lanes_of,
    solve_steady,
)

BoolArray = NDArray[np.bool_]

# elements x lanes worked on at once: their matrices stay in the processor's cache
_CHUNK = 4096


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
    lanes, shape, (dose, interval, infusion) = lanes_of(
        recycling, weight_kg, absorption_per_day, bioavailability, dose, interval, infusion
    )
    size = max(1, _CHUNK // (2 * daily_parts * GRADED_ELEMENTS))
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
    lanes, shape, _ = lanes_of(recycling, weight_kg, absorption_per_day, bioavailability, dose[..., 0])
    doses = np.broadcast_to(dose, (*shape, given.size)).reshape(-1, given.size).T * lanes.bioavailability
    edge = elements([time.max()], min(given.min(), time.min()), given, infusion)
    size = max(1, _CHUNK // edge.size)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        parts = [
            _profile_lanes(lanes.take(part), edge, time, given, doses[:, part], infusion)
            for part in (slice(start, start + size) for start in range(0, doses.shape[1], size))
        ]
    rise, change, converged = (np.concatenate(column, axis=0) for column in zip(*parts, strict=True))
    baseline = lanes.baseline.reshape((*shape, 1))
    rise, change = (part.reshape((*shape, time.size)) for part in (rise, change))
    return RecyclingProfile(
        baseline + rise, baseline + change, 1.0 + change / baseline, converged.reshape(shape)
    )


def _steady_lanes(
    lanes: Lanes, dose: FloatArray, interval: FloatArray, infusion: FloatArray, daily_parts: int
) -> tuple[NDArray[Any], ...]:
    """Peak, trough and mean rise, endogenous change, peak time and convergence of lanes at steady state."""
    solved = solve_steady(lanes, dose, interval, infusion, daily_parts)
    peak, peak_day = highest(lanes, solved)
    mean, changed = (
        np.einsum("i,iel,el->l", WEIGHT, path.plasma[1:], solved.inputs.step) / interval
        for path in (solved.rise, solved.change)
    )
    return peak, solved.rise.before[0], mean, changed / lanes.baseline, peak_day, solved.converged


def _profile_lanes(
    lanes: Lanes,
    edge: FloatArray,
    time: FloatArray,
    given: FloatArray,
    dose: FloatArray,
    infusion: FloatArray,
) -> tuple[NDArray[Any], ...]:
    """Rise of total and change of endogenous IgG (lanes x times), and convergence."""
    central, tissue = (np.where(into, dose, 0.0) for into in (~lanes.absorbed, lanes.absorbed))
    course = course_of(lanes, edge, given, infusion, central, tissue, None)
    rise, change = course.sample(time)
    return rise, change, course.converged
