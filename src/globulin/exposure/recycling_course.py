"""Levels of saturable recycling over any dose history: sampled, and over whole intervals.

The history is solved in blocks of elements, one after the other, so that memory does not grow with what a
block works with; what is kept is the course itself, a polynomial in each element.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.collocation import NODE, WEIGHT, lagrange
from globulin.exposure.history import distinct, given_between
from globulin.exposure.linear import FloatArray
from globulin.exposure.recycling_solver import Given, Lanes, Solved, Start, solve_history
from globulin.exposure.turning import Stretch, extremes

_DOUBLING_DAY = np.concatenate([[0.0], 0.05 * 2.0 ** np.arange(6)])
_BLOCK = 1024
_POINTS = np.concatenate([[0.0], NODE])


@dataclass(frozen=True, slots=True, eq=False)
class RecyclingCourse:
    """Total and endogenous IgG over elements between `edge`; made by `course_of`.

    Rise of total, change of endogenous IgG and slope of the rise at the start and the collocation points
    (first axis) of each element of each lane.
    """

    edge: FloatArray
    start: Start
    rise: FloatArray
    change: FloatArray
    slope: FloatArray
    converged: NDArray[np.bool_]

    def sample(self, day: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Rise and change in g/L at times `day` (1-D), lanes x times; at the time of a dose, before it."""
        time = np.atleast_1d(np.asarray(day, dtype=np.float64))
        # the element that ends at the time of a dose answers for that time: the level is drawn before it
        found = np.searchsorted(self.edge, time, side="left") - 1
        element = np.clip(found, 0, self.edge.size - 2)
        within = (time - self.edge[element]) / np.diff(self.edge)[element]
        basis = lagrange(within, _POINTS)
        begun = (found >= 0)[:, None]
        rise, change = (
            np.where(begun, np.einsum("ti,itl->tl", basis, part[:, element]), held[0]).T
            for part, held in ((self.rise, self.start.rise), (self.change, self.start.change))
        )
        return rise, change

    def stretch(self, begin: float, end: float) -> Stretch:
        """Highest, lowest and area of the rise from right after one edge to right before another."""
        first, last = np.searchsorted(self.edge, [begin, end])
        step = np.diff(self.edge)[first:last]
        # points x elements x lanes to points x lanes x elements
        level, slope = (np.swapaxes(part[:, first:last], 1, 2) for part in (self.rise, self.slope))

        def evaluate(fraction: FloatArray) -> tuple[FloatArray, FloatArray]:
            basis = lagrange(np.broadcast_to(fraction, (len(fraction), *level.shape[1:])), _POINTS)
            found = (np.einsum("plei,ile->ple", basis, part) for part in (level, slope))
            return next(found), next(found)

        highest, lowest = extremes(evaluate, lanes=1)
        area = np.einsum("i,ile,e->l", WEIGHT, level[1:], step)
        return Stretch(highest, lowest, area)


def elements(marks: Sequence[float], begin: float, given: FloatArray, infusion: FloatArray) -> FloatArray:
    """Edges of elements, short after every change of input and doubling, from `begin` to the last mark."""
    last = max([*marks, begin + 1.0])
    change = distinct([begin, last], marks, given, given + infusion)
    change = change[(change >= begin) & (change <= last)]
    longest = _DOUBLING_DAY[-1]
    pieces = []
    for start, end in itertools.pairwise(change.tolist()):
        inside = np.concatenate([_DOUBLING_DAY, np.arange(2.0 * longest, end - start, longest)])
        pieces.append(start + inside[inside < end - start])
    return np.concatenate([*pieces, [last]])


def course_of(
    lanes: Lanes,
    edge: FloatArray,
    given: FloatArray,
    infusion: FloatArray,
    central: FloatArray,
    tissue: FloatArray,
    start: Start | None,
) -> RecyclingCourse:
    """Solve a history on the elements between `edge`.

    `given` and `infusion` (day) have one axis, `central` and `tissue` (g, the latter what leaves the tissue)
    are doses x lanes. `start` None: at baseline, with nothing given before.
    """
    size = lanes.baseline.size
    nothing = Start(np.zeros((2, size)), np.zeros((2, size)), np.zeros(size))
    step = np.broadcast_to(np.diff(edge)[:, None], (edge.size - 1, size))
    due = given < edge[-1]
    entering = [
        Given(*(part[:-1] for part in given_between(edge, given[due], infusion[due], amount[due])))
        for amount in (central, tissue)
    ]
    solved: list[Solved] = []
    state = first = nothing if start is None else start
    for block in (slice(k, k + _BLOCK) for k in range(0, len(step), _BLOCK)):
        central_given, tissue_given = (Given(amount.jump[block], amount.rate[block]) for amount in entering)
        solved.append(solve_history(lanes, step[block], central_given, tissue_given, state))
        state = solved[-1].end()
    return RecyclingCourse(
        edge,
        first,
        np.concatenate([part.rise.plasma for part in solved], axis=1),
        np.concatenate([part.change.plasma for part in solved], axis=1),
        np.concatenate(
            [lanes.slope(part.rise.plasma, part.rise.peripheral, part.inputs.source) for part in solved],
            axis=1,
        ),
        np.all([part.converged for part in solved], axis=0),
    )
