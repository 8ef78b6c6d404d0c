"""Linear kinetics of immune globulin in closed form, because every published population model is linear.

One or two compartments with optional first-order absorption are a sum of exponentials, so a steady state or a
whole dose history costs a few exponentials per answer and is exact: nothing is integrated and no cycle is
repeated. An input's response is a positive sum over the disposition modes, and each mode's response is a
divided difference of the exponential; so nothing cancels, also where two rate constants coincide.

Levels are exogenous IgG, the rise above the person's own baseline. All arguments are arrays that broadcast.
Equations: Gibaldi & Perrier, Pharmacokinetics, 2nd ed. 1982, chapters 1-3 (compartments, multiple dosing);
divided differences of the exponential: McCurdy, Ng & Parlett, Math Comp 1984;43:501-528.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.modes import Input, Kinetics, State, events, pick, states_at

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Disposition:
    """How one person (or one lane of many) distributes, eliminates and absorbs IgG.

    Every field is a number or an array; they broadcast against each other and are kept as float arrays. An
    intercompartmental clearance of 0 means one compartment. `absorption_per_day` (first-order rate constant)
    and `bioavailability` (fraction of an absorbed dose that reaches the circulation) may be None when every
    dose is intravenous. Raises ValueError, naming the field, for a value that is not finite or is out of
    range.
    """

    clearance_l_per_day: FloatArray | float
    central_l: FloatArray | float
    intercompartmental_l_per_day: FloatArray | float = 0.0
    peripheral_l: FloatArray | float = 0.0
    absorption_per_day: FloatArray | float | None = None
    bioavailability: FloatArray | float | None = None

    def __post_init__(self) -> None:
        for name in ("clearance_l_per_day", "central_l", "absorption_per_day", "bioavailability"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, checked_array(name, value, above=0.0))
        for name in ("intercompartmental_l_per_day", "peripheral_l"):
            object.__setattr__(self, name, checked_array(name, getattr(self, name), at_least=0.0))
        if np.any(
            (np.asarray(self.intercompartmental_l_per_day) > 0.0) & (np.asarray(self.peripheral_l) == 0.0)
        ):
            raise ValueError("peripheral_l must be above 0 where intercompartmental_l_per_day is")


@dataclass(frozen=True, slots=True, eq=False)
class SteadyState:
    """Exogenous IgG over one interval after the same dose has been repeated for ever.

    Arrays of one broadcast shape, levels in g/L: the highest, the one right before a dose, and the mean over
    the interval. The level before a dose is the lowest, except that it can fall further while a slow infusion
    into tissue has begun. `peak_day` is counted from the dose.
    """

    peak_g_per_l: FloatArray
    trough_g_per_l: FloatArray
    average_g_per_l: FloatArray
    peak_day: FloatArray


def checked_array(
    name: str, value: ArrayLike, *, above: float | None = None, at_least: float | None = None
) -> FloatArray:
    """`value` as a float array; raises ValueError, naming it, if any of it is not finite or out of range."""
    array = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite")
    if above is not None and np.any(array <= above):
        raise ValueError(f"{name} must be above {above:g}")
    if at_least is not None and np.any(array < at_least):
        raise ValueError(f"{name} must be at least {at_least:g}")
    return array


def check_daily_parts(daily_parts: int, interval: FloatArray, infusion: FloatArray) -> None:
    """Raise ValueError unless a dose can be given as `daily_parts` infusions on consecutive days."""
    if daily_parts < 1:
        raise ValueError("daily_parts must be at least 1")
    shortest, longest = float(np.min(interval)), float(np.max(infusion))
    if daily_parts > 1 and shortest < daily_parts:
        raise ValueError(
            f"daily_parts must fit the interval: {daily_parts} parts on consecutive days do not go into"
            f" {shortest:g} days; give at most {max(int(shortest), 1)}, or a longer interval_day"
        )
    if daily_parts > 1 and longest > 1.0:
        raise ValueError(
            f"daily_parts must fit the interval: a part may run for one day at most, until the next begins;"
            f" give an infusion_day of at most 1, not {longest:g}"
        )


def steady_state(
    disposition: Disposition,
    *,
    dose_g: ArrayLike,
    interval_day: ArrayLike,
    infusion_day: ArrayLike,
    absorbed: ArrayLike,
    daily_parts: int = 1,
) -> SteadyState:
    """Peak, trough and mean of exogenous IgG at steady state.

    `dose_g` is given every `interval_day` at a constant rate over `infusion_day` (0 = at once; longer than
    the interval is allowed, infusions then overlap) into the circulation or, where `absorbed` is true, into a
    depot that empties by first-order absorption. With `daily_parts` n the dose is split into n equal parts on
    consecutive days, each over `infusion_day`; the peak is that after the last part. All broadcast with the
    disposition to the shape of the result. The mean is exactly F dose / (CL interval). Raises ValueError for
    a dose below 0, an interval not above 0, an infusion below 0, parts that do not fit, or an absorbed dose
    without absorption rate and bioavailability. Source: superposition as a geometric sum, Gibaldi & Perrier
    1982, chapter 3.
    """
    dose = checked_array("dose_g", dose_g, at_least=0.0)
    interval = checked_array("interval_day", interval_day, above=0.0)
    infusion = checked_array("infusion_day", infusion_day, at_least=0.0)
    check_daily_parts(daily_parts, interval, infusion)
    kinetics = Kinetics.of(disposition, absorbed=bool(np.any(absorbed)))
    # per gram: whole overlapping infusions are a constant input, what is left of them is one pulse per
    # interval
    whole, rest = np.divmod(infusion, interval)
    jump, pulse = kinetics.split(np.full((), 1.0 / daily_parts), infusion, absorbed)

    def last_part_ended(state: State) -> State:
        for _ in range(daily_parts - 1):
            state = kinetics.advance(kinetics.advance(state.plus(jump), pulse, rest), None, 1.0 - rest)
        return kinetics.advance(state.plus(jump), pulse, rest)

    window = interval - (daily_parts - 1) - rest
    cycled = kinetics.advance(last_part_ended(kinetics.empty()), None, window)
    start = kinetics.periodic(cycled, interval)
    later, peak = kinetics.highest(last_part_ended(start), window)
    clearance = np.asarray(disposition.clearance_l_per_day)
    available = np.where(absorbed, kinetics.fraction, 1.0)
    constant = whole * (pulse.central + pulse.depot) / clearance
    results = np.broadcast_arrays(
        dose * (constant + peak),
        dose * (constant + kinetics.level(start)),
        dose * available / (clearance * interval),
        daily_parts - 1 + rest + later,
    )
    return SteadyState(*(np.array(result) for result in results))


def concentration(
    disposition: Disposition,
    *,
    day: ArrayLike,
    dose_day: ArrayLike,
    dose_g: ArrayLike,
    infusion_day: ArrayLike,
    absorbed: ArrayLike,
) -> FloatArray:
    """Exogenous IgG in g/L at times `day` after any dose history, by superposition.

    `dose_day`, `dose_g`, `infusion_day` and `absorbed` share a last axis of doses (in any order, overlaps
    allowed); `day` has a last axis of times. Their leading axes broadcast with the disposition; the result
    has these and the times last. A level at the time of a dose is drawn before it. Work grows with doses plus
    times, not with their product. Raises ValueError as `steady_state` does.
    """
    time = np.atleast_1d(checked_array("day", day))
    given, dose, infusion, route = np.broadcast_arrays(
        np.atleast_1d(checked_array("dose_day", dose_day)),
        checked_array("dose_g", dose_g, at_least=0.0),
        checked_array("infusion_day", infusion_day, at_least=0.0),
        np.asarray(absorbed, dtype=np.bool_),
    )
    if not given.size:
        raise ValueError("dose_day must hold a dose")
    kinetics = Kinetics.of(disposition, absorbed=bool(np.any(route)))
    jump, pulse = kinetics.with_last_axis().split(dose, infusion, route)
    event, jump, pulse = events(given, infusion, jump, pulse)
    states = states_at(kinetics, event, jump, pulse)
    # counting the events strictly before a sample leaves out a dose given at that very time
    last = np.sum(event[..., None, :] < time[..., :, None], axis=-1) - 1
    begun, last = last >= 0, np.maximum(last, 0)
    state = State(tuple(pick(mode, last) for mode in states.modes), pick(states.depot, last))
    running = Input(pick(pulse.central, last), pick(pulse.depot, last))
    elapsed = np.where(begun, time - pick(event, last), 0.0)
    sampled = kinetics.with_last_axis()
    return np.where(begun, sampled.level(sampled.advance(state, running, elapsed)), 0.0)
