"""What globulin answers for the regimens of the published numbers: levels, half-lives, ratios.

Every number comes from the public interface with the typical parameters of a published model; nothing here
is fitted, and nothing is chosen by what it gives.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.contents import bundled
from globulin.exposure import Person, repeated, simulate, steady_state
from globulin.exposure.facts import catalogue
from globulin.exposure.linear import Disposition, concentration
from globulin.exposure.models import Parameters, parameters
from globulin.exposure.modes import Kinetics
from globulin.exposure.results import Exposure

KNOWN = catalogue(bundled("kinetics"))

PRIMARY = ("landersdorfer_2013", "zhang_2020", "luo_2020", "navarro_mora_2022", "li_2022", "deficient")
"""Asked where people with antibody deficiency were treated by vein and under the skin."""
SETS = ("fcrn_kim_2007", "fcrn_blocker_anchored", "fcrn_compromise_fit")
"""Asked where people make a normal amount of IgG."""

INFUSION_DAY = 0.25
BODIES = {kg: Person(kg, height_cm=cm, sex="male") for kg, cm in ((60, 165), (70, 170), (80, 175))}
"""Where a source gives no weight; height and sex are read by Li 2022 only, through lean body mass."""
TYPICAL_66 = Person(66)
"""Lean body mass 47 kg: the reference of Li 2022 at the median weight of its people."""
LEAN_BY_SHARE = tuple(Person(kg) for kg in BODIES)
"""The same share of the weight is lean."""
STANDARD = Person(70, height_cm=170, sex="male")


@cache
def interval(
    model: str,
    person: Person,
    mg_per_kg: float,
    every_day: float,
    route: str = "iv",
    infusion_day: float | None = None,
) -> Exposure:
    """Levels at steady state; a dose by vein runs for `INFUSION_DAY` unless stated, others enter at once."""
    if route == "iv" and infusion_day is None:
        infusion_day = INFUSION_DAY
    (answer,) = steady_state(
        KNOWN,
        model,
        person,
        dose_g=mg_per_kg * float(np.asarray(person.weight_kg)) / 1000.0,
        interval_day=every_day,
        route=route,
        infusion_day=infusion_day,
    )
    if answer.exposure is None:
        raise ValueError(f"{model}: {answer.message}")
    return answer.exposure


def levels(
    model: str, person: Person, mg_per_kg: float, every_day: float, route: str, at_day: ArrayLike
) -> NDArray[np.float64]:
    """Total IgG in g/L on days of an interval at steady state."""
    (answer,) = steady_state(
        KNOWN,
        model,
        person,
        dose_g=mg_per_kg * float(np.asarray(person.weight_kg)) / 1000.0,
        interval_day=every_day,
        route=route,
        infusion_day=INFUSION_DAY if route == "iv" else None,
        at_day=at_day,
    )
    return np.array([level.total_g_per_l for level in answer.at])


def peak_day(model: str, person: Person, mg_per_kg: float, every_day: float, route: str) -> float:
    """When an interval is highest, in days from the dose, to 0.01."""
    day = np.arange(0.0, every_day, 0.01)
    return float(day[np.argmax(levels(model, person, mg_per_kg, every_day, route, day))])


@cache
def course(
    model: str, person: Person, mg_per_kg: float, parts: int, infusion_day: float, at_day: tuple[float, ...]
) -> NDArray[np.float64]:
    """Rise of total IgG above baseline in g/L after one course by vein, in `parts` on consecutive days."""
    grams = mg_per_kg * float(np.asarray(person.weight_kg)) / 1000.0
    doses = repeated(grams, 60, 1, infusion_day=infusion_day, daily_parts=parts)
    (answer,) = simulate(KNOWN, model, person, doses, at_day=at_day)
    return np.array([level.total_g_per_l - answer.baseline_g_per_l for level in answer.at])


def of(model: str, person: Person) -> Parameters:
    """Parameters of a model for a person."""
    return parameters(KNOWN.models[model], person, KNOWN.muscle)


def tracer(model: str, person: Person) -> Disposition:
    """What becomes of a trace of IgG that changes nothing: linear, at the breakdown of the person's level."""
    found = of(model, person)
    if found.kind == "linear":
        return found.disposition("im")
    recycling = found.recycling()
    volume = recycling.central_l(found.weight_kg)
    rate = recycling.elimination_per_day(found.baseline_g_per_l)
    muscle = found.uptake["im"]
    return Disposition(
        clearance_l_per_day=rate * volume,
        central_l=volume,
        intercompartmental_l_per_day=recycling.exchange_l_per_day,
        peripheral_l=volume,
        absorption_per_day=muscle.absorption_per_day,
        bioavailability=muscle.bioavailability,
    )


def half_life_day(disposition: Disposition) -> float:
    """Terminal half-life in days: ln 2 over the slowest rate."""
    rates = Kinetics.of(disposition, absorbed=False).rates
    return float(np.log(2.0) / min(float(np.ravel(rate)[0]) for rate in rates))


def tracer_peak_hour(model: str, person: Person) -> float:
    """When a trace given into a muscle is highest in plasma, in hours, to a quarter of one."""
    day = np.arange(0.0, 10.0, 0.01)
    found = concentration(
        tracer(model, person), day=day, dose_day=[0.0], dose_g=1.0, infusion_day=0.0, absorbed=True
    )
    return 24.0 * float(day[np.argmax(np.ravel(found))])
