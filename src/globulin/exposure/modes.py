"""The modes of a linear disposition: the algebra under every closed form of IgG levels.

The impulse response of one or two compartments is a positive sum of exponentials, the modes. A dose history
takes each mode from event to event by divided differences of the exponential, in which nothing cancels, also
where two rate constants coincide. Levels are exogenous IgG. All arguments are arrays that broadcast.

Equations: Gibaldi & Perrier, Pharmacokinetics, 2nd ed. 1982, chapters 1-3; divided differences of the
exponential: McCurdy, Ng & Parlett, Math Comp 1984;43:501-528.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from globulin.exposure.linear import Disposition, FloatArray

_PEAK_ITERATIONS = 100
_GAUSS = tuple(zip(*(part.tolist() for part in np.polynomial.legendre.leggauss(8)), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """Grams (or grams per day) that enter the circulation, and the depot from where F of them will."""

    central: FloatArray
    depot: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Grams in each disposition mode (as if it held the whole dose) and in the depot."""

    modes: tuple[FloatArray, ...]
    depot: FloatArray

    def plus(self, jump: Input) -> State:
        """With `jump` added at once."""
        return State(tuple(mode + jump.central for mode in self.modes), self.depot + jump.depot)

    def with_last_axis(self) -> State:
        """To broadcast against times or events on a last axis."""
        return State(tuple(mode[..., None] for mode in self.modes), self.depot[..., None])


@dataclass(frozen=True, slots=True, eq=False)
class Kinetics:
    """The rate (1/day) and weight (1/L) of each mode of the impulse response, and the absorption."""

    rates: tuple[FloatArray, ...]
    weights: tuple[FloatArray, ...]
    absorption: FloatArray | None
    fraction: FloatArray

    @classmethod
    def of(cls, disposition: Disposition, *, absorbed: bool) -> Kinetics:
        """The modes of a disposition. Raises ValueError for absorbed doses without their uptake."""
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

    def with_last_axis(self) -> Kinetics:
        """To broadcast against times or events on a last axis."""
        return Kinetics(
            tuple(rate[..., None] for rate in self.rates),
            tuple(weight[..., None] for weight in self.weights),
            None if self.absorption is None else self.absorption[..., None],
            self.fraction[..., None],
        )

    def empty(self) -> State:
        """Nothing given yet."""
        return State(tuple(np.zeros(()) for _ in self.rates), np.zeros(()))

    def split(self, dose: FloatArray, infusion: FloatArray, absorbed: ArrayLike) -> tuple[Input, Input]:
        """What a dose adds at once, and the rate at which it adds the rest while its infusion runs."""
        rate = np.divide(
            dose, infusion, out=np.zeros(np.broadcast(dose, infusion).shape), where=infusion > 0.0
        )
        at_once = np.where(infusion > 0.0, 0.0, dose)
        jump, pulse = (
            Input(np.where(absorbed, 0.0, part), np.where(absorbed, self.fraction * part, 0.0))
            for part in (at_once, rate)
        )
        return jump, pulse

    def level(self, state: State) -> FloatArray:
        """Concentration in g/L."""
        total = np.zeros(())
        for weight, mode in zip(self.weights, state.modes, strict=True):
            total = total + weight * mode
        return total

    def advance(self, state: State, pulse: Input | None, day: FloatArray) -> State:
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
            return State(tuple(modes), state.depot)
        left = state.depot * np.exp(-absorption * day)
        return State(tuple(modes), left if depot is None else left + depot * _pair(zero, absorption, day))

    def periodic(self, cycled: State, interval: FloatArray) -> State:
        """The state that repeats, from what one interval leaves of an empty start: the geometric sum."""
        depot, modes = np.zeros(()), cycled.modes
        if self.absorption is not None:
            depot = cycled.depot / -np.expm1(-self.absorption * interval)
            carried = self.absorption * depot
            modes = tuple(
                mode + carried * _pair(self.absorption, rate, interval)
                for rate, mode in zip(self.rates, modes, strict=True)
            )
        return State(
            tuple(mode / -np.expm1(-rate * interval) for rate, mode in zip(self.rates, modes, strict=True)),
            depot,
        )

    def repeated_for_ever(
        self, dose: FloatArray, interval: FloatArray, infusion: FloatArray, absorbed: ArrayLike, parts: int
    ) -> State:
        """The state right before a dose that has been given at `interval` for ever.

        With `parts` n it had been given n times in each interval, on consecutive days. Infusions that outlast
        the interval overlap: whole ones are a constant input, what is left of them is one pulse per interval.
        """
        whole, rest = np.divmod(infusion, interval)
        jump, pulse = self.split(dose, infusion, absorbed)
        state = self.empty()
        for part in range(parts):
            gap = np.ones(()) if part < parts - 1 else interval - (parts - 1)
            state = self.advance(self.advance(state.plus(jump), pulse, rest), None, gap - rest)
        cycled = self.periodic(state, interval)
        constant = whole * (pulse.central + pulse.depot)
        depot = 0.0 if self.absorption is None else whole * pulse.depot / self.absorption
        return State(
            tuple(mode + constant / rate for rate, mode in zip(self.rates, cycled.modes, strict=True)),
            cycled.depot + depot,
        )

    def area(self, before: State, entered: Input, after: State) -> FloatArray:
        """Integral of the concentration over the time in which `before` became `after`, in g/L x day.

        By mass balance: each mode has lost at its rate what it held and got, less what it still holds.
        """
        got = entered.central + entered.depot + before.depot - after.depot
        total = np.zeros(())
        for rate, weight, first, last in zip(
            self.rates, self.weights, before.modes, after.modes, strict=True
        ):
            total = total + weight * (got + first - last) / rate
        return total

    def change(self, state: State, pulse: Input) -> FloatArray:
        """Time derivative of the concentration under the constant input `pulse`."""
        absorbed = np.zeros(()) if self.absorption is None else self.absorption * state.depot
        total = np.zeros(())
        for rate, weight, mode in zip(self.rates, self.weights, state.modes, strict=True):
            total = total + weight * (pulse.central + absorbed - rate * mode)
        return total

    def slope(self, state: State) -> tuple[FloatArray, FloatArray]:
        """First and second time derivative of the concentration while nothing is being given."""
        absorption = np.zeros(()) if self.absorption is None else self.absorption
        absorbed = absorption * state.depot
        first, second = np.zeros(()), np.zeros(())
        for rate, weight, mode in zip(self.rates, self.weights, state.modes, strict=True):
            change = absorbed - rate * mode
            first = first + weight * change
            second = second - weight * (absorption * absorbed + rate * change)
        return first, second

    def highest(self, state: State, window: FloatArray) -> tuple[FloatArray, FloatArray]:
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


def events(
    given: FloatArray, infusion: FloatArray, jump: Input, pulse: Input
) -> tuple[FloatArray, Input, Input]:
    """Times at which an input changes, in order, with what is added at once and what runs afterwards."""
    ended = given + infusion
    event = np.concatenate([given, ended], axis=-1) if np.any(infusion) else given
    order = np.argsort(event, axis=-1, kind="stable")
    event = np.take_along_axis(event, order, axis=-1)
    # summing what runs, instead of adding and subtracting rates, leaves no residue after the last infusion
    running = (given[..., None, :] <= event[..., None]) & (event[..., None] < ended[..., None, :])
    extra = event.shape[-1] - given.shape[-1]

    def at_event(amount: FloatArray) -> FloatArray:
        return pick(np.concatenate([amount, np.zeros((*amount.shape[:-1], extra))], axis=-1), order)

    def while_running(rate: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("...en,...n->...e", running, rate))

    return (
        event,
        Input(at_event(jump.central), at_event(jump.depot)),
        Input(while_running(pulse.central), while_running(pulse.depot)),
    )


def states_at(
    kinetics: Kinetics, event: FloatArray, jump: Input, pulse: Input, state: State | None = None
) -> State:
    """The state right after each event, events on the last axis, from `state` (None: empty) before them."""
    lanes = np.broadcast_shapes(
        event.shape[:-1],
        jump.depot.shape[:-1],
        *(rate.shape for rate in kinetics.rates),
        kinetics.fraction.shape,
    )
    state = kinetics.empty() if state is None else state
    modes = [np.empty((*lanes, event.shape[-1])) for _ in kinetics.rates]
    depot = np.zeros((*lanes, event.shape[-1]))
    for index in range(event.shape[-1]):
        if index:
            running = Input(pulse.central[..., index - 1], pulse.depot[..., index - 1])
            state = kinetics.advance(state, running, event[..., index] - event[..., index - 1])
        state = state.plus(Input(jump.central[..., index], jump.depot[..., index]))
        depot[..., index] = state.depot
        for kept, mode in zip(modes, state.modes, strict=True):
            kept[..., index] = mode
    return State(tuple(modes), depot)


def pick(values: FloatArray, index: NDArray[np.intp]) -> FloatArray:
    """`values` along their last axis at `index`, leading axes broadcast."""
    if index.ndim == 1:
        return values[..., index]
    lead = np.broadcast_shapes(values.shape[:-1], index.shape[:-1])
    return np.take_along_axis(
        np.broadcast_to(values, (*lead, values.shape[-1])),
        np.broadcast_to(index, (*lead, index.shape[-1])),
        axis=-1,
    )


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
