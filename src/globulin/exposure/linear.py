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

FloatArray = NDArray[np.float64]

_PEAK_ITERATIONS = 100
_GAUSS = tuple(zip(*(part.tolist() for part in np.polynomial.legendre.leggauss(8)), strict=True))


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
    if daily_parts > 1 and (np.any(infusion > 1.0) or np.any(interval < daily_parts)):
        raise ValueError("daily_parts must fit the interval, with infusion_day at most 1")


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
    kinetics = _Kinetics.of(disposition, absorbed=bool(np.any(absorbed)))
    # per gram: whole overlapping infusions are a constant input, what is left of them is one pulse per
    # interval
    whole, rest = np.divmod(infusion, interval)
    jump, pulse = kinetics.split(np.full((), 1.0 / daily_parts), infusion, absorbed)

    def last_part_ended(state: _State) -> _State:
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
    kinetics = _Kinetics.of(disposition, absorbed=bool(np.any(route)))
    jump, pulse = kinetics.with_last_axis().split(dose, infusion, route)
    event, jump, pulse = _events(given, infusion, jump, pulse)
    states = _states_at(kinetics, event, jump, pulse)
    # counting the events strictly before a sample leaves out a dose given at that very time
    last = np.sum(event[..., None, :] < time[..., :, None], axis=-1) - 1
    begun, last = last >= 0, np.maximum(last, 0)
    state = _State(tuple(_pick(mode, last) for mode in states.modes), _pick(states.depot, last))
    running = _Input(_pick(pulse.central, last), _pick(pulse.depot, last))
    elapsed = np.where(begun, time - _pick(event, last), 0.0)
    sampled = kinetics.with_last_axis()
    return np.where(begun, sampled.level(sampled.advance(state, running, elapsed)), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Input:
    """Grams (or grams per day) that enter the circulation, and the depot from where F of them will."""

    central: FloatArray
    depot: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Grams in each disposition mode (as if it held the whole dose) and in the depot."""

    modes: tuple[FloatArray, ...]
    depot: FloatArray

    def plus(self, jump: _Input) -> _State:
        return _State(tuple(mode + jump.central for mode in self.modes), self.depot + jump.depot)


@dataclass(frozen=True, slots=True, eq=False)
class _Kinetics:
    """The rate (1/day) and weight (1/L) of each mode of the impulse response, and the absorption."""

    rates: tuple[FloatArray, ...]
    weights: tuple[FloatArray, ...]
    absorption: FloatArray | None
    fraction: FloatArray

    @classmethod
    def of(cls, disposition: Disposition, *, absorbed: bool) -> _Kinetics:
        rates, weights = _modes(disposition)
        if not absorbed:
            return cls(rates, weights, None, np.ones(()))
        if disposition.absorption_per_day is None or disposition.bioavailability is None:
            raise ValueError("absorption_per_day and bioavailability are needed for an absorbed dose")
        return cls(
            rates,
            weights,
            np.asarray(disposition.absorption_per_day),
            np.asarray(disposition.bioavailability),
        )

    def with_last_axis(self) -> _Kinetics:
        return _Kinetics(
            tuple(rate[..., None] for rate in self.rates),
            tuple(weight[..., None] for weight in self.weights),
            None if self.absorption is None else self.absorption[..., None],
            self.fraction[..., None],
        )

    def empty(self) -> _State:
        return _State(tuple(np.zeros(()) for _ in self.rates), np.zeros(()))

    def split(self, dose: FloatArray, infusion: FloatArray, absorbed: ArrayLike) -> tuple[_Input, _Input]:
        """What a dose adds at once, and the rate at which it adds the rest while its infusion runs."""
        rate = np.divide(
            dose, infusion, out=np.zeros(np.broadcast(dose, infusion).shape), where=infusion > 0.0
        )
        at_once = np.where(infusion > 0.0, 0.0, dose)
        jump, pulse = (
            _Input(np.where(absorbed, 0.0, part), np.where(absorbed, self.fraction * part, 0.0))
            for part in (at_once, rate)
        )
        return jump, pulse

    def level(self, state: _State) -> FloatArray:
        """Concentration in g/L."""
        total = np.zeros(())
        for weight, mode in zip(self.weights, state.modes, strict=True):
            total = total + weight * mode
        return total

    def advance(self, state: _State, pulse: _Input | None, day: FloatArray) -> _State:
        """The state `day` later under the constant input `pulse`: positive terms, so nothing cancels."""
        central, depot = (
            (None, None) if pulse is None else (_unless_zero(pulse.central), _unless_zero(pulse.depot))
        )
        zero, absorption = np.zeros(()), self.absorption
        modes = []
        for rate, held in zip(self.rates, state.modes, strict=True):
            mode = held * np.exp(-rate * day)
            if central is not None:
                mode = mode + central * _pair(zero, rate, day)
            if absorption is not None:
                mode = mode + absorption * state.depot * _pair(absorption, rate, day)
                if depot is not None:
                    mode = mode + absorption * depot * _triple(absorption, rate, day)
            modes.append(mode)
        if absorption is None:
            return _State(tuple(modes), state.depot)
        left = state.depot * np.exp(-absorption * day)
        return _State(tuple(modes), left if depot is None else left + depot * _pair(zero, absorption, day))

    def periodic(self, cycled: _State, interval: FloatArray) -> _State:
        """The state that repeats, from what one interval leaves of an empty start: the geometric sum."""
        depot, modes = np.zeros(()), cycled.modes
        if self.absorption is not None:
            depot = cycled.depot / -np.expm1(-self.absorption * interval)
            carried = self.absorption * depot
            modes = tuple(
                mode + carried * _pair(self.absorption, rate, interval)
                for rate, mode in zip(self.rates, modes, strict=True)
            )
        return _State(
            tuple(mode / -np.expm1(-rate * interval) for rate, mode in zip(self.rates, modes, strict=True)),
            depot,
        )

    def slope(self, state: _State) -> tuple[FloatArray, FloatArray]:
        """First and second time derivative of the concentration while nothing is being given."""
        absorption = np.zeros(()) if self.absorption is None else self.absorption
        absorbed = absorption * state.depot
        first, second = np.zeros(()), np.zeros(())
        for rate, weight, mode in zip(self.rates, self.weights, state.modes, strict=True):
            change = absorbed - rate * mode
            first = first + weight * change
            second = second - weight * (absorption * absorbed + rate * change)
        return first, second

    def highest(self, state: _State, window: FloatArray) -> tuple[FloatArray, FloatArray]:
        """When the concentration is highest within `window` after the input has ended, and how high.

        At steady state every mode still rises at the end of the input or has its maximum there, and falls at
        the next dose, so the slope changes sign at most once: Newton's method, kept inside the bracket by
        bisection.
        """
        if self.absorption is None:
            return np.zeros(()), self.level(state)
        shape = np.broadcast(self.level(state), window).shape
        low, high = np.zeros(shape), np.array(np.broadcast_to(window, shape))
        rising = self.slope(state)[0] > 0.0
        day = 0.5 * high
        for _ in range(_PEAK_ITERATIONS):
            first, second = self.slope(self.advance(state, None, day))
            low, high = np.where(first > 0.0, day, low), np.where(first > 0.0, high, day)
            newton = day - np.divide(first, second, out=np.full(shape, np.inf), where=second != 0.0)
            following = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
            moved, day = np.abs(following - day), following
            if np.all(moved <= 1e-14 * window):
                break
        day = np.where(rising, day, 0.0)
        return day, self.level(self.advance(state, None, day))


def _modes(disposition: Disposition) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Rates and weights of the impulse response: weights are positive and add up to 1 / central volume."""
    volume = np.asarray(disposition.central_l)
    exchange = np.asarray(disposition.intercompartmental_l_per_day)
    k10 = np.asarray(disposition.clearance_l_per_day) / volume
    if not np.any(exchange):
        return (k10,), (1.0 / volume,)
    k12 = exchange / volume
    k21 = exchange / np.where(exchange > 0.0, np.asarray(disposition.peripheral_l), 1.0)
    lead = k10 + k12 - k21
    spread = np.hypot(lead, 2.0 * np.sqrt(k12) * np.sqrt(k21))
    # fast - k21 and k21 - slow have the product k12 k21: the larger is a sum, the smaller follows without
    # cancellation
    larger = 0.5 * (spread + np.abs(lead))
    smaller = k12 * k21 / larger
    above, below = np.where(lead >= 0.0, larger, smaller), np.where(lead >= 0.0, smaller, larger)
    fast = k21 + above
    # a lane without exchange has no second mode: its weight is 0 and its rate must only not be 0
    slow = np.where(below > 0.0, k10 * k21 / fast, fast)
    return (fast, slow), (above / (spread * volume), below / (spread * volume))


def _pair(first: FloatArray, second: FloatArray, day: FloatArray) -> FloatArray:
    """Integral over s from 0 to `day` of exp(-first s) exp(-second (day - s)): a first divided difference."""
    gap = np.abs(first - second) * day
    mean = np.divide(-np.expm1(-gap), gap, out=np.ones(np.shape(gap)), where=gap > 0.0)
    return np.asarray(day * np.exp(-np.minimum(first, second) * day) * mean)


def _triple(first: FloatArray, second: FloatArray, day: FloatArray) -> FloatArray:
    """Integral over s of exp(-second (day - s)) _pair(0, first, s): a second divided difference of exp.

    Two first differences are subtracted only where they differ; for short times the integral itself is
    summed.
    """
    zero = np.zeros(())
    low, high = np.minimum(first, second), np.maximum(first, second)
    short = high * day < 1.0
    far = (_pair(zero, low, day) - _pair(low, high, day)) / high
    near = np.zeros(np.shape(far))
    brief = np.where(short, day, 0.0)
    for node, weight in _GAUSS:
        part = 0.5 * (1.0 + node) * brief
        near = near + 0.5 * weight * brief * np.exp(-high * (brief - part)) * _pair(zero, low, part)
    return np.where(short, near, far)


def _unless_zero(value: FloatArray) -> FloatArray | None:
    return value if np.any(value) else None


def _events(
    given: FloatArray, infusion: FloatArray, jump: _Input, pulse: _Input
) -> tuple[FloatArray, _Input, _Input]:
    """Times at which an input changes, in order, with what is added at once and what runs afterwards."""
    ended = given + infusion
    event = np.concatenate([given, ended], axis=-1) if np.any(infusion) else given
    order = np.argsort(event, axis=-1, kind="stable")
    event = np.take_along_axis(event, order, axis=-1)
    # summing what runs, instead of adding and subtracting rates, leaves no residue after the last infusion
    running = (given[..., None, :] <= event[..., None]) & (event[..., None] < ended[..., None, :])
    extra = event.shape[-1] - given.shape[-1]

    def at_event(amount: FloatArray) -> FloatArray:
        return _pick(np.concatenate([amount, np.zeros((*amount.shape[:-1], extra))], axis=-1), order)

    def while_running(rate: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("...en,...n->...e", running, rate))

    return (
        event,
        _Input(at_event(jump.central), at_event(jump.depot)),
        _Input(while_running(pulse.central), while_running(pulse.depot)),
    )


def _states_at(kinetics: _Kinetics, event: FloatArray, jump: _Input, pulse: _Input) -> _State:
    """The state right after each event, events on the last axis."""
    lanes = np.broadcast_shapes(
        event.shape[:-1],
        jump.depot.shape[:-1],
        *(rate.shape for rate in kinetics.rates),
        kinetics.fraction.shape,
    )
    state = kinetics.empty()
    modes = [np.empty((*lanes, event.shape[-1])) for _ in kinetics.rates]
    depot = np.zeros((*lanes, event.shape[-1]))
    for index in range(event.shape[-1]):
        if index:
            running = _Input(pulse.central[..., index - 1], pulse.depot[..., index - 1])
            state = kinetics.advance(state, running, event[..., index] - event[..., index - 1])
        state = state.plus(_Input(jump.central[..., index], jump.depot[..., index]))
        depot[..., index] = state.depot
        for kept, mode in zip(modes, state.modes, strict=True):
            kept[..., index] = mode
    return _State(tuple(modes), depot)


def _pick(values: FloatArray, index: NDArray[np.intp]) -> FloatArray:
    """`values` along their last axis at `index`, leading axes broadcast."""
    if index.ndim == 1:
        return values[..., index]
    lead = np.broadcast_shapes(values.shape[:-1], index.shape[:-1])
    return np.take_along_axis(
        np.broadcast_to(values, (*lead, values.shape[-1])),
        np.broadcast_to(index, (*lead, index.shape[-1])),
        axis=-1,
    )
