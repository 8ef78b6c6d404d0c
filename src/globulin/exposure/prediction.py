"""What a course of immune globulin does to total IgG under each published model: records become arrays here.

Only models that fit people with a normal IgG of their own are used for ME/CFS and fibromyalgia. They
disagree, and the disagreement is part of the answer: every prediction carries all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from globulin.dossier.kinetics import AbsorptionModel, KineticModel, LinearModel, RecyclingModel
from globulin.dossier.provenance import Cited, known
from globulin.exposure import fcrn, linear


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


def models_for_normal_igg(models: Iterable[KineticModel]) -> tuple[RecyclingModel | LinearModel, ...]:
    """The models whose domain holds people with normal IgG: every recycling set, and neuropathy (CIDP).

    A model takes part only if all its parameters were obtained and none is unverified; a linear one also
    needs no covariate but weight.
    """
    chosen: list[RecyclingModel | LinearModel] = []
    for model in models:
        if isinstance(model, RecyclingModel):
            if all(fact.computable for fact in _recycling_facts(model)):
                chosen.append(model)
        elif isinstance(model, LinearModel) and model.domain == "neuropathy":
            obtained = {name for name, fact in model.parameters.items() if known(fact) is not None}
            by_weight = all(c.covariate == "weight_kg" and c.reference for c in model.covariates)
            if by_weight and {"cl", "v1", "q", "v2", "ka", "f_sc"} <= obtained:
                chosen.append(model)
    return tuple(chosen)


def _recycling_facts(model: RecyclingModel) -> tuple[Cited[float], ...]:
    return (
        model.internalisation_per_day,
        model.max_recycling_mg_per_kg_day,
        model.half_saturation_g_per_l,
        model.baseline_g_per_l,
        model.central_ml_per_kg,
        model.exchange_l_per_day,
    )


def steady_state_rises(
    models: Sequence[RecyclingModel | LinearModel], absorption: AbsorptionModel, courses: Sequence[Course]
) -> list[tuple[Rise, ...]]:
    """The rise of every course under every model, in the order given; all courses of a model at once.

    A dose into a muscle is absorbed with the rate and fraction of `absorption` in every model. A dose under
    the skin is absorbed with a linear model's own rate and fraction; the recycling sets have none and use
    those of `absorption`.
    """
    if not courses:
        return []
    columns = [
        _recycling_rises(model, absorption, courses)
        if isinstance(model, RecyclingModel)
        else _linear_rises(model, absorption, courses)
        for model in models
    ]
    return [tuple(column[i] for column in columns) for i in range(len(courses))]


def _sources(model: RecyclingModel | LinearModel, lent: AbsorptionModel | None) -> tuple[str, ...]:
    uptake = (lent.ka_per_day.source, lent.bioavailability.source) if lent is not None else ()
    return tuple(dict.fromkeys((model.source, *uptake)))


def _recycling_rises(
    model: RecyclingModel, absorption: AbsorptionModel, courses: Sequence[Course]
) -> list[Rise]:
    parameters = fcrn.Recycling(
        internalisation_per_day=model.internalisation_per_day.value,
        max_recycling_mg_per_kg_day=model.max_recycling_mg_per_kg_day.value,
        half_saturation_g_per_l=model.half_saturation_g_per_l.value,
        baseline_g_per_l=model.baseline_g_per_l.value,
        central_ml_per_kg=model.central_ml_per_kg.value,
        exchange_l_per_day=model.exchange_l_per_day.value,
    )
    rises: dict[int, Rise] = {}
    for absorbed, parts in sorted({(course.route != "iv", course.daily_parts) for course in courses}):
        lanes = [i for i, c in enumerate(courses) if (c.route != "iv", c.daily_parts) == (absorbed, parts)]
        uptake = (
            {
                "absorption_per_day": absorption.ka_per_day.value,
                "bioavailability": absorption.bioavailability.value,
            }
            if absorbed
            else {}
        )
        state = fcrn.steady_state(
            parameters,
            weight_kg=np.array([courses[i].weight_kg for i in lanes]),
            dose_g=np.array([courses[i].dose_g for i in lanes]),
            interval_day=np.array([courses[i].interval_day for i in lanes]),
            infusion_day=np.array([0.0 if absorbed else courses[i].infusion_day for i in lanes]),
            daily_parts=parts,
            **uptake,
        )
        for lane, i in enumerate(lanes):
            rises[i] = Rise(
                model=model.id,
                mean_g_per_l=float(state.average_rise_g_per_l[lane]),
                peak_g_per_l=float(state.peak_rise_g_per_l[lane]),
                trough_g_per_l=float(state.trough_rise_g_per_l[lane]),
                endogenous_change=float(state.endogenous_change[lane]),
                sources=_sources(model, absorption if absorbed else None),
                converged=bool(state.converged[lane]),
            )
    return [rises[i] for i in range(len(courses))]


def _linear_rises(model: LinearModel, absorption: AbsorptionModel, courses: Sequence[Course]) -> list[Rise]:
    rises = []
    for course in courses:
        absorbed = course.route != "iv"
        lent = absorption if course.route == "im" else None
        state = linear.steady_state(
            disposition(model, course.weight_kg, lent),
            dose_g=course.dose_g,
            interval_day=course.interval_day,
            infusion_day=0.0 if absorbed else course.infusion_day,
            absorbed=absorbed,
            daily_parts=course.daily_parts,
        )
        rises.append(
            Rise(
                model=model.id,
                mean_g_per_l=float(state.average_g_per_l),
                peak_g_per_l=float(state.peak_g_per_l),
                trough_g_per_l=float(state.trough_g_per_l),
                endogenous_change=None,
                sources=_sources(model, lent),
            )
        )
    return rises


def disposition(
    model: LinearModel, weight_kg: float, absorption: AbsorptionModel | None = None
) -> linear.Disposition:
    """A linear model's parameters for a person of `weight_kg`, covariates applied.

    `absorption` replaces the model's own uptake (a dose into a muscle). Raises ValueError if the model needs
    a covariate other than weight, or a parameter that was not obtained.
    """
    values: dict[str, float] = {}
    for name, fact in model.parameters.items():
        value = known(fact)
        if value is not None:
            values[name] = value
    for covariate in model.covariates:
        if covariate.covariate != "weight_kg" or covariate.reference is None:
            raise ValueError(f"{model.id} needs {covariate.covariate}, not only a weight")
        if covariate.parameter in values:
            values[covariate.parameter] *= (weight_kg / covariate.reference) ** covariate.exponent
    missing = [name for name in ("cl", "v1") if name not in values]
    if missing:
        raise ValueError(f"{model.id}: {', '.join(missing)} not obtained")
    return linear.Disposition(
        clearance_l_per_day=values["cl"],
        central_l=values["v1"],
        intercompartmental_l_per_day=values.get("q", 0.0),
        peripheral_l=values.get("v2", 1.0),
        absorption_per_day=absorption.ka_per_day.value if absorption else values.get("ka"),
        bioavailability=absorption.bioavailability.value if absorption else values.get("f_sc"),
    )
