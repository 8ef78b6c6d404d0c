"""The course of IgG under one model's parameters: one interface over linear and saturable kinetics.

What asks about levels need not know which equations give them, how a history falls into epochs, or that one
history can be followed under several uptakes at once (lanes, on the first axis of every answer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.history import ROUTES, Epoch, History
from globulin.exposure.linear import FloatArray
from globulin.exposure.linear_course import LinearCourse, linear_course
from globulin.exposure.models import Parameters, Uptake
from globulin.exposure.turning import Stretch


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Total IgG of one person over a history, in g/L; made by `course`.

    `endogenous_told` says whether the model tells what becomes of the body's own IgG. Where `converged` is
    false the numbers are not to be used.
    """

    baseline_g_per_l: float
    epochs: tuple[tuple[float, _EpochCourse], ...]
    endogenous_told: bool
    converged: bool

    def sample(self, day: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Rise of total and change of endogenous IgG, lanes x times; at the time of a dose, before it.

        Before the first dose both are 0; a dose that has been repeated for ever answers for its own time, and
        not for any before it.
        """
        time = np.atleast_1d(np.asarray(day, dtype=np.float64))
        begins = np.array([begin for begin, _ in self.epochs])
        epoch = np.maximum(np.searchsorted(begins, time, side="right") - 1, 0)
        found = [course.sample(time) for _, course in self.epochs]
        chosen = (np.stack(part)[epoch, :, np.arange(time.size)].T for part in zip(*found, strict=True))
        return next(chosen), next(chosen)

    def stretch(self, begin: float, end: float) -> Stretch:
        """Highest, lowest and area of the rise from a dose of the last epoch on, as announced to `course`."""
        return self.epochs[-1][1].stretch(begin, end)


class _EpochCourse(Protocol):
    def sample(self, day: FloatArray) -> tuple[FloatArray, FloatArray]: ...

    def stretch(self, begin: float, end: float) -> Stretch: ...


def course(
    found: Parameters,
    doses: History,
    *,
    uptake: Mapping[str, Uptake] | None = None,
    marks: Sequence[float] = (),
) -> Course:
    """The course of IgG of one person under `found` over `doses`.

    `uptake` stands in place of the model's own where it is given, with one value or one per lane. `marks` are
    the days up to which it is followed, and between which stretches will be asked for. Raises ValueError,
    naming the model, for a route by which it has no uptake.
    """
    uptake = {**found.uptake, **(uptake or {})}
    for route in doses.routes:
        if route != "iv" and route not in uptake:
            routes = ", ".join(found.routes)
            raise ValueError(f"model '{found.model}' has no uptake by route {route}; it has {routes}")
    entering = doses.entering(
        {route: float(np.ravel(part.bioavailability)[0]) for route, part in uptake.items()}
    )
    if found.kind == "linear":
        return _linear(found, entering, uptake)
    return _recycling(found, entering, uptake, marks)


@dataclass(frozen=True, slots=True, eq=False)
class _Linear:
    inner: LinearCourse

    def sample(self, day: FloatArray) -> tuple[FloatArray, FloatArray]:
        rise = np.atleast_2d(self.inner.rise(day))
        return rise, np.zeros_like(rise)

    def stretch(self, begin: float, end: float) -> Stretch:
        found = self.inner.stretch(begin, end)
        return Stretch(
            np.atleast_1d(found.highest_g_per_l),
            np.atleast_1d(found.lowest_g_per_l),
            np.atleast_1d(found.area_g_day_per_l),
        )


def _linear(found: Parameters, doses: History, uptake: Mapping[str, Uptake]) -> Course:
    with_uptake = replace(found, uptake=uptake)
    dispositions = {route: with_uptake.disposition(route) for route in doses.routes}
    epochs = tuple((epoch.begin_day, _Linear(linear_course(dispositions, epoch))) for epoch in doses.epochs())
    return Course(float(found.baseline_g_per_l), epochs, endogenous_told=False, converged=True)


def _recycling(
    found: Parameters, doses: History, uptake: Mapping[str, Uptake], marks: Sequence[float]
) -> Course:
    # loaded only where a recycling set is asked for
    from globulin.exposure.recycling_course import course_of, elements
    from globulin.exposure.recycling_solver import Start, lanes_of, solve_steady

    tissue = next((uptake[route] for route in doses.routes if route != "iv"), None)
    absorption = None if tissue is None else tissue.absorption_per_day
    fraction = 1.0 if tissue is None else tissue.bioavailability
    recycling = found.recycling()
    lanes, _, _ = lanes_of(recycling, found.weight_kg, absorption, fraction)

    def start_of(epoch: Epoch) -> Start | None:
        before = epoch.before
        if before is None:
            return None
        into = lanes
        if ROUTES[before.route] == "iv":
            into, _, _ = lanes_of(recycling, found.weight_kg, None, np.ones_like(lanes.bioavailability))
        dose, interval, infusion = (
            np.full(lanes.baseline.shape, value)
            for value in (before.parts * before.dose_g, before.interval_day, before.infusion_day)
        )
        return solve_steady(into, dose, interval, infusion, before.parts).start()

    epochs = []
    for epoch in doses.epochs():
        grams = np.broadcast_to(epoch.dose_g[:, None], (epoch.day.size, lanes.baseline.size))
        by_vein = (epoch.route == ROUTES.index("iv"))[:, None]
        edge = elements(marks, epoch.begin_day, epoch.day, epoch.infusion_day)
        solved = course_of(
            lanes,
            edge,
            epoch.day,
            epoch.infusion_day,
            np.where(by_vein, grams, 0.0),
            np.where(by_vein, 0.0, grams * lanes.bioavailability),
            start_of(epoch),
        )
        epochs.append((epoch.begin_day, solved))
    converged = all(bool(np.all(solved.converged)) for _, solved in epochs)
    return Course(float(found.baseline_g_per_l), tuple(epochs), endogenous_told=True, converged=converged)
