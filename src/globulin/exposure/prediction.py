"""What a course of immune globulin does to total IgG under each model for people with normal IgG.

Only these models are used for ME/CFS and fibromyalgia. They disagree, and the disagreement is part of the
answer: every prediction carries all of them. Many regimens are computed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from globulin.exposure import fcrn, linear
from globulin.exposure.facts import Catalogue, ModelFacts
from globulin.exposure.models import Parameters, Person, parameters


@dataclass(frozen=True)
class Course:
    """A dose given for ever at one interval, to one person: what a steady state is computed from."""

    route: Literal["iv", "im", "sc", "fsc"]
    dose_g: float
    """Grams of one interval."""
    interval_day: float
    infusion_day: float
    """How long each infusion runs; only used by vein."""
    weight_kg: float
    daily_parts: int = 1
    """Over how many consecutive days each dose is split."""


@dataclass(frozen=True)
class Rise:
    """The steady-state rise of total IgG above the person's own baseline, by one model.

    g/L. `endogenous_change` is the fractional change of the person's own IgG (and of an autoantibody); None
    for a linear model, which cannot tell.
    """

    model: str
    mean_g_per_l: float
    peak_g_per_l: float
    trough_g_per_l: float
    endogenous_change: float | None
    sources: tuple[str, ...]
    """Where the model, and the uptake if a published one was lent to it, were read."""
    converged: bool = True


def models_for_normal_igg(known: Catalogue) -> tuple[ModelFacts, ...]:
    """The models that may be used for people with normal IgG, by every route."""
    return tuple(
        model
        for _, model in sorted(known.models.items())
        if "normal_igg" in model.valid_for.indications and (model.kind == "recycling" or "ka" in model.theta)
    )


def steady_state_rises(known: Catalogue, courses: Sequence[Course]) -> list[tuple[Rise, ...]]:
    """The rise of every course under every model for normal IgG; all courses of a model at once.

    A dose into a muscle is absorbed with the rate and fraction of the uptake from a muscle in every model. A
    dose under the skin is absorbed with a linear model's own, with hyaluronidase if it has that; the
    recycling sets have none and use those of a muscle. Raises ValueError if the catalogue has no uptake from
    a muscle.
    """
    if known.muscle is None:
        raise ValueError("known must have an uptake from a muscle")
    if not courses:
        return []
    columns = [_rises(known, model, courses) for model in models_for_normal_igg(known)]
    return [tuple(column[i] for column in columns) for i in range(len(courses))]


def _rises(known: Catalogue, model: ModelFacts, courses: Sequence[Course]) -> list[Rise]:
    rises: dict[int, Rise] = {}
    for route, parts in sorted({(course.route, course.daily_parts) for course in courses}):
        lanes = [
            i for i, course in enumerate(courses) if (course.route, course.daily_parts) == (route, parts)
        ]
        found = parameters(model, Person(np.array([courses[i].weight_kg for i in lanes])), known.muscle)
        regimen = _Regimen(
            route if route in found.routes else "sc",
            parts,
            np.array([courses[i].dose_g for i in lanes]),
            np.array([courses[i].interval_day for i in lanes]),
            np.array([courses[i].infusion_day if route == "iv" else 0.0 for i in lanes]),
        )
        mean, peak, trough, change, converged = (
            _linear(found, regimen) if model.kind == "linear" else _recycling(found, regimen)
        )
        lent = (
            known.muscle.sources
            if known.muscle and route != "iv" and found.uptake[regimen.route].lent
            else ()
        )
        for lane, i in enumerate(lanes):
            rises[i] = Rise(
                model=model.id,
                mean_g_per_l=float(mean[lane]),
                peak_g_per_l=float(peak[lane]),
                trough_g_per_l=float(trough[lane]),
                endogenous_change=None if change is None else float(change[lane]),
                sources=tuple(dict.fromkeys((model.sources[0], *lent))),
                converged=bool(converged[lane]),
            )
    return [rises[i] for i in range(len(courses))]


@dataclass(frozen=True, slots=True, eq=False)
class _Regimen:
    """Doses by one route in one number of daily parts, one of each for every course."""

    route: str
    daily_parts: int
    dose_g: linear.FloatArray
    interval_day: linear.FloatArray
    infusion_day: linear.FloatArray


_Columns = tuple[
    linear.FloatArray, linear.FloatArray, linear.FloatArray, linear.FloatArray | None, fcrn.BoolArray
]
"""Mean, peak and trough of the rise, fractional change of the body's own IgG, convergence."""


def _linear(found: Parameters, regimen: _Regimen) -> _Columns:
    state = linear.steady_state(
        found.disposition(regimen.route),
        dose_g=regimen.dose_g,
        interval_day=regimen.interval_day,
        infusion_day=regimen.infusion_day,
        absorbed=regimen.route != "iv",
        daily_parts=regimen.daily_parts,
    )
    converged = np.ones(regimen.dose_g.shape, dtype=np.bool_)
    return state.average_g_per_l, state.peak_g_per_l, state.trough_g_per_l, None, converged


def _recycling(found: Parameters, regimen: _Regimen) -> _Columns:
    uptake = found.uptake.get(regimen.route)
    state = fcrn.steady_state(
        found.recycling(),
        weight_kg=found.weight_kg,
        dose_g=regimen.dose_g,
        interval_day=regimen.interval_day,
        infusion_day=regimen.infusion_day,
        absorption_per_day=None if uptake is None else uptake.absorption_per_day,
        bioavailability=1.0 if uptake is None else uptake.bioavailability,
        daily_parts=regimen.daily_parts,
    )
    return (
        state.average_rise_g_per_l,
        state.peak_rise_g_per_l,
        state.trough_rise_g_per_l,
        state.endogenous_change,
        state.converged,
    )
