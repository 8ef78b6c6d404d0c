"""A ramp and a dose made into an infusion: when which rate runs, and how much has been given by then.

Plain arithmetic on plain numbers: a label counts in mg of IgG per kg and minute, a pump in mL per hour. Which
ramp a label asks for is read in `ramps`; here it is only run, to the last millilitre.

    g/min  = rate (mg/kg/min) x weight (kg) / 1,000
    mL/h   = rate (mg/kg/min) x weight (kg) x 60 / concentration (mg/mL)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

from globulin.units import MG_PER_G, MINUTES_PER_HOUR, ml_from_g

_TIE = 1e-12
"""A step that would leave less than this part of itself over ends the infusion: no step of pure rounding."""


@dataclass(frozen=True, slots=True)
class RampStepPlan:
    """One step of a ramp: rate (mg/kg/min) and minutes (None: to the end).

    `local_practice`: the rate or the minutes are not the label's; `note` says what of it.
    """

    rate_mg_per_kg_min: float
    minutes: float | None
    local_practice: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Ramp:
    """How fast an infusion may run. Rates in mg of IgG per kg of dosing weight and minute.

    `maximum`: the label's, for everyone. `cap`: the lowest other limit that applies (the label's for people
    at risk, or one's own), None where there is none; the steps keep it already. `basis`: in sentences, where
    the steps come from and what is not the label's.
    """

    steps: tuple[RampStepPlan, ...]
    maximum: float
    cap: float | None
    at_risk: bool
    basis: tuple[str, ...]
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError unless every step but the last ends, and every rate is above 0."""
        if not self.steps or self.steps[-1].minutes is not None:
            raise ValueError("steps: the last step of a ramp runs to the end; give it minutes=None")
        if any(step.minutes is None or step.minutes <= 0 for step in self.steps[:-1]):
            raise ValueError("steps: every step before the last needs minutes above 0")
        if any(step.rate_mg_per_kg_min <= 0 for step in self.steps):
            raise ValueError("steps: every rate must be above 0")


@dataclass(frozen=True, slots=True)
class InfusionStep:
    """One row of the step table; a pause has rates of 0.

    `ml` and `g` are of this step, `ml_so_far` and `g_so_far` of the infusion to the end of this step.
    """

    from_minute: float
    to_minute: float
    ml_per_h: float
    mg_per_kg_min: float
    ml: float
    g: float
    ml_so_far: float
    g_so_far: float
    local_practice: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class InfusionPlan:
    """An infusion from its first to its last minute; the last step ends when `volume_ml` has been given."""

    total_minutes: float
    volume_ml: float
    grams: float
    weight_kg: float
    concentration_mg_per_ml: float
    steps: tuple[InfusionStep, ...]
    ramp: Ramp
    at_risk: bool
    sources: tuple[str, ...]


def infusion_plan(ramp: Ramp, grams: float, weight_kg: float, concentration_mg_per_ml: float) -> InfusionPlan:
    """Run a ramp until `grams` are in.

    Args:
        ramp: as `ramps.label_ramp` reads it.
        grams: of this one infusion, not of a dose split over several days.
        weight_kg: the dosing weight that the rates are per kg of.
        concentration_mg_per_ml: of what is infused.

    Raises:
        ValueError: an amount, weight or concentration that is not above 0.
    """
    for name, value in (
        ("grams", grams),
        ("weight_kg", weight_kg),
        ("concentration_mg_per_ml", concentration_mg_per_ml),
    ):
        if not 0 < value < inf:
            raise ValueError(f"{name}: must be a number above 0, not {value}")
    empty = InfusionPlan(
        total_minutes=0.0,
        volume_ml=ml_from_g(grams, concentration_mg_per_ml),
        grams=grams,
        weight_kg=weight_kg,
        concentration_mg_per_ml=concentration_mg_per_ml,
        steps=(),
        ramp=ramp,
        at_risk=ramp.at_risk,
        sources=ramp.sources,
    )
    return _continued(empty, (), ramp.steps)


def after_reaction(
    plan: InfusionPlan,
    minute: float,
    *,
    pause_minutes: float = 30.0,
    resume: Literal["previous", "half"] = "previous",
    raise_again: bool = False,
) -> InfusionPlan:
    """The same dose with a reaction at `minute`: a pause, then the rest at a rate that is better tolerated.

    A reaction at the very end of a step belongs to that step. May be used again on its own result.

    Args:
        plan: the infusion as it was running.
        minute: when the reaction came, after the start and before the end.
        pause_minutes: how long nothing runs.
        resume: `previous`: the highest rate below that of the reaction which had been running before; in
            the first step there is none, and its rate stays (the note says so). `half`: half the rate of the
            reaction.
        raise_again: go up the ramp's steps again, always below the rate at which the reaction came.

    Raises:
        ValueError: a minute at which nothing runs, or a pause below 0.
    """
    if not 0 < minute < plan.total_minutes:
        raise ValueError(
            f"minute: {minute:g} is not within the infusion, which ends at minute {plan.total_minutes:.1f}"
        )
    if not 0 <= pause_minutes < inf:
        raise ValueError(f"pause_minutes: must be 0 or more, not {pause_minutes}")
    index = next(index for index, step in enumerate(plan.steps) if minute <= step.to_minute)
    reaction, before = plan.steps[index], plan.steps[:index]
    rate = reaction.mg_per_kg_min
    if rate == 0:
        raise ValueError(f"minute: at minute {minute:g} the infusion is paused; give a minute when it runs")
    tolerated = [step.mg_per_kg_min for step in before if 0 < step.mg_per_kg_min < rate]
    if resume == "half":
        resumed, why = rate / 2, "resumed at half the rate of the reaction"
    elif tolerated:
        resumed, why = max(tolerated), "resumed at the rate that was tolerated before"
    else:
        resumed, why = rate / 2, "no lower rate had run before: resumed at half of it"
    start = RampStepPlan(resumed, None, not (resume == "previous" and tolerated), why)
    pause = RampStepPlan(0.0, pause_minutes, False, f"stopped for a reaction at minute {minute:g}")
    run = (*before, _until(minute, reaction, plan.concentration_mg_per_ml))
    rest = _raised(plan.ramp, start, rate) if raise_again else (start,)
    return _continued(plan, run, (pause, *rest) if pause_minutes else rest)


def _until(minute: float, step: InfusionStep, concentration_mg_per_ml: float) -> InfusionStep:
    """The part of a step that ran before `minute`."""
    g = step.g * (minute - step.from_minute) / (step.to_minute - step.from_minute)
    g_so_far = step.g_so_far - step.g + g
    return replace(
        step,
        to_minute=minute,
        g=g,
        ml=ml_from_g(g, concentration_mg_per_ml),
        g_so_far=g_so_far,
        ml_so_far=ml_from_g(g_so_far, concentration_mg_per_ml),
    )


def _raised(ramp: Ramp, start: RampStepPlan, highest: float) -> tuple[RampStepPlan, ...]:
    """From the rate of `start` up the ramp's steps below `highest`, each held as long as the ramp holds it.

    `start` is held as long as the ramp's last step that is not faster. A ramp that names no minutes has no
    steps to go up.
    """
    above = [step for step in ramp.steps if start.rate_mg_per_kg_min < step.rate_mg_per_kg_min < highest]
    slower = [step for step in ramp.steps if step.rate_mg_per_kg_min <= start.rate_mg_per_kg_min]
    hold = (slower[-1] if slower else ramp.steps[0]).minutes
    if not above or hold is None:
        return (start,)
    again = [
        replace(step, local_practice=True, note="raised again after the reaction; local practice")
        for step in above
    ]
    again[-1] = replace(again[-1], minutes=None)
    return (replace(start, minutes=hold), *again)


def _continued(
    plan: InfusionPlan, run: tuple[InfusionStep, ...], rest: Iterable[RampStepPlan]
) -> InfusionPlan:
    """`plan` with the steps that have run and the rest of its dose given in the steps of `rest`."""
    steps = list(run)
    minute = run[-1].to_minute if run else 0.0
    given_g = run[-1].g_so_far if run else 0.0
    for step in rest:
        rate = step.rate_mg_per_kg_min
        g_per_min = rate * plan.weight_kg / MG_PER_G
        left_g = max(plan.grams - given_g, 0.0)
        most_g = inf if step.minutes is None else g_per_min * step.minutes
        last = rate > 0 and left_g <= most_g * (1 + _TIE)
        g = left_g if last else most_g
        to_minute = minute + (g / g_per_min if last or step.minutes is None else step.minutes)
        given_g = plan.grams if last else given_g + g
        steps.append(
            InfusionStep(
                from_minute=minute,
                to_minute=to_minute,
                ml_per_h=rate * plan.weight_kg * MINUTES_PER_HOUR / plan.concentration_mg_per_ml,
                mg_per_kg_min=rate,
                ml=ml_from_g(g, plan.concentration_mg_per_ml),
                g=g,
                ml_so_far=ml_from_g(given_g, plan.concentration_mg_per_ml),
                g_so_far=given_g,
                local_practice=step.local_practice,
                note=step.note,
            )
        )
        minute = to_minute
        if last:
            break
    return replace(plan, steps=tuple(steps), total_minutes=minute)
