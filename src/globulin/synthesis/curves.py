"""How an answer moves while one assumption is swept, and exactly where a conclusion flips.

A single number hides how far it hangs on what was assumed. A curve shows it, and the flips say where a reader
would have to stand to conclude something else. Array-only; prior robustness, missing results and design
strata all draw their curves here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from globulin.synthesis.arguments import Array

ConclusionId = Literal[
    "interval_above_zero",
    "interval_below_zero",
    "estimate_worth_it",
    "probability_above_zero_95",
    "probability_above_zero_975",
    "probability_worth_it_50",
]
Quantity = Literal["estimate", "ci_lower", "ci_upper", "probability_above_zero", "probability_worth_it"]


class Lines(NamedTuple):
    """One answer per value of what is swept, each (b,); the probabilities are empty where not Bayesian."""

    estimate: Array
    ci_lower: Array
    ci_upper: Array
    probability_above_zero: Array
    probability_worth_it: Array


Sweep: TypeAlias = Callable[[Array], Lines]


class Conclusion(NamedTuple):
    """A conclusion holds where `sign` times (the quantity less the threshold) is above 0."""

    id: ConclusionId
    words: str
    quantity: Quantity
    sign: float
    threshold: float

    def margin(self, lines: Lines) -> Array:
        """How far the conclusion holds (above 0) or fails (0 or below), for each answer."""
        margin: Array = self.sign * (getattr(lines, self.quantity) - self.threshold)
        return margin


def conclusions(*, bayesian: bool, worth_it: float | None, level: float = 0.95) -> tuple[Conclusion, ...]:
    """What can be concluded from an answer; with a size worth having, and probabilities where Bayesian."""
    interval = f"the {100 * level:g}% interval lies"
    found = [
        Conclusion("interval_above_zero", f"{interval} above zero", "ci_lower", 1.0, 0.0),
        Conclusion("interval_below_zero", f"{interval} below zero", "ci_upper", -1.0, 0.0),
    ]
    if worth_it is not None:
        words = f"the estimate is above {worth_it:g}, the size worth having"
        found.append(Conclusion("estimate_worth_it", words, "estimate", 1.0, worth_it))
    if bayesian:
        above: tuple[tuple[ConclusionId, float], ...] = (
            ("probability_above_zero_95", 0.95),
            ("probability_above_zero_975", 0.975),
        )
        for identifier, p in above:
            words = f"the chance that the mean effect is above zero is over {100 * p:g}%"
            found.append(Conclusion(identifier, words, "probability_above_zero", 1.0, p))
    if bayesian and worth_it is not None:
        words = f"the chance that the mean effect is above {worth_it:g} is over 50%"
        found.append(Conclusion("probability_worth_it_50", words, "probability_worth_it", 1.0, 0.5))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Flip:
    """Where along a curve a conclusion starts or stops to hold.

    words: the conclusion in plain words. holds_at_start, holds_at_end: whether it holds at the first and at
    the last x. at: the exact x, ascending, at which it changes; () means never on this range.
    """

    conclusion: ConclusionId
    words: str
    holds_at_start: bool
    holds_at_end: bool
    at: tuple[float, ...]

    @property
    def never(self) -> bool:
        """Whether the conclusion is the same on the whole range."""
        return not self.at


@dataclass(frozen=True, slots=True)
class Curve:
    """An answer along one swept assumption; all tuples have one entry per x.

    over: what is swept (an id). words: the same in plain words. method, name: the summary that is drawn, by
    its id and name in `policy`. estimate, ci_lower, ci_upper: on the scale of the effects (the median where
    the summary is Bayesian). probability_above_zero, probability_worth_it: empty where not Bayesian.
    flips: every conclusion that can be read off the curve. message: what a reader must know, or ""; where
    the curve could not be drawn, why, and then all tuples are empty.
    """

    over: str
    words: str
    method: str
    name: str
    x: tuple[float, ...]
    estimate: tuple[float, ...]
    ci_lower: tuple[float, ...]
    ci_upper: tuple[float, ...]
    probability_above_zero: tuple[float, ...]
    probability_worth_it: tuple[float, ...]
    flips: tuple[Flip, ...]
    message: str

    def flip(self, conclusion: ConclusionId) -> Flip:
        """The flip of this conclusion; KeyError where the curve cannot show it."""
        for flip in self.flips:
            if flip.conclusion == conclusion:
                return flip
        raise KeyError(conclusion)


class Labels(NamedTuple):
    """What a curve is called: see the fields of `Curve`."""

    over: str
    words: str
    method: str
    name: str
    message: str = ""


def draw(labels: Labels, x: Array, sweep: Sweep, wanted: tuple[Conclusion, ...]) -> Curve:
    """The curve of `sweep` at x (n,) ascending, with the flips of the wanted conclusions.

    Flips are looked for between neighbouring x and found there by root search; two flips between the same
    neighbours are not seen, so x must be dense where the curve bends.
    """
    lines = sweep(x)
    return Curve(
        over=labels.over,
        words=labels.words,
        method=labels.method,
        name=labels.name,
        x=plain(x),
        **{name: plain(values) for name, values in lines._asdict().items()},
        flips=find_flips(x, lines, sweep, wanted),
        message=labels.message,
    )


def undrawn(labels: Labels, why: str) -> Curve:
    """A curve without points, and why there is none."""
    return Curve(labels.over, labels.words, labels.method, labels.name, (), (), (), (), (), (), (), why)


def find_flips(x: Array, lines: Lines, sweep: Sweep, wanted: tuple[Conclusion, ...]) -> tuple[Flip, ...]:
    """The flips of each wanted conclusion, given the answers `lines` at x (n,) ascending."""
    margins = np.array([conclusion.margin(lines) for conclusion in wanted])
    holds = margins > 0
    which, left = np.nonzero(holds[:, 1:] != holds[:, :-1])

    def at(places: Array) -> Array:
        found = sweep(places)
        rows = np.array([conclusion.margin(found) for conclusion in wanted])
        margin: Array = rows[which, np.arange(places.size)]
        return margin

    roots = _roots(at, x[left], x[left + 1], margins[which, left], margins[which, left + 1])
    return tuple(
        Flip(
            conclusion.id,
            conclusion.words,
            bool(holds[i, 0]),
            bool(holds[i, -1]),
            plain(roots[which == i]),
        )
        for i, conclusion in enumerate(wanted)
    )


_STEPS = 60
_CLOSE = 1e-9
# a margin this small is rounding
_ROUNDING = 1e-12


def _roots(f: Callable[[Array], Array], a: Array, b: Array, fa: Array, fb: Array) -> Array:
    """Roots of f between each a and b (q,), where its sign differs, all at once.

    Illinois method (Dowell & Jarratt 1971, BIT 11:168-174), with bisection wherever three steps did not halve
    the bracket, so that a jump is found as surely as a root.
    """
    close = _CLOSE * np.maximum(np.abs(a), np.abs(b))
    root, width = a, b - a
    done, moved_left = np.zeros(a.shape, dtype=np.bool_), np.full(a.shape, np.nan)
    for step in range(_STEPS):
        if done.all():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            point = a - fa * (b - a) / (fb - fa)
        if step % 3 == 2:
            point = np.where(b - a > width / 2, (a + b) / 2, point)
            width = b - a
        root = np.where(done, root, point)
        value = f(root)
        left = (value > 0) == (fa > 0)
        # an end that stays twice in a row counts half, so that it moves next time
        again = moved_left == left
        fa, fb = (
            np.where(left, value, np.where(again, fa / 2, fa)),
            np.where(left, np.where(again, fb / 2, fb), value),
        )
        a, b = np.where(left, root, a), np.where(left, b, root)
        moved_left = left.astype(np.float64)
        done = done | (b - a <= close) | (np.abs(value) < _ROUNDING)
    return root


def plain(values: Array) -> tuple[float, ...]:
    """An array (n,) as a tuple of numbers, which a result can hold."""
    return tuple(float(value) for value in values)
