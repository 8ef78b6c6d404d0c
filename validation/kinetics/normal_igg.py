"""The published numbers of people who make a normal amount of IgG, O11 to O14 and O16.

What was given to whom, what is assumed and why a model misses is told in `items`.
"""

from __future__ import annotations

from globulin.exposure import Person
from validation.kinetics.predictions import (
    BODIES,
    INFUSION_DAY,
    SETS,
    STANDARD,
    course,
    half_life_day,
    of,
    tracer,
    tracer_peak_hour,
)
from validation.kinetics.rows import Row, by_weight, once, over_bodies


def o11() -> list[Row]:
    """Rows of O11."""
    path = ("O11", "metrics", "Tmax_h")
    return over_bodies("hours to the peak of a trace", path, SETS, tracer_peak_hour)


def volunteer(weight_kg: float) -> Person:
    """A healthy volunteer of O12."""
    return Person(weight_kg, baseline_g_per_l=12.4)


VOLUNTEERS = {kg: volunteer(kg) for kg in BODIES}


def after_400(model: str, kg: int, day: float, infusion_day: float = INFUSION_DAY) -> float:
    """Total IgG in g/L on a day after 0.4 g/kg by vein in a healthy volunteer."""
    at = tuple(sorted({day, infusion_day}))
    return 12.4 + float(course(model, VOLUNTEERS[kg], 400.0, 1, infusion_day, at)[at.index(day)])


def o12() -> list[Row]:
    """Rows of O12."""
    models = (*SETS, "tortorici_2021", "navarro_mora_2022")
    at = ("O12", "metrics")
    return [
        *by_weight(
            "end of the infusion, g/L",
            (*at, "C_end_infusion"),
            models,
            lambda m, kg: after_400(m, kg, INFUSION_DAY),
        ),
        *by_weight("day 29, g/L", (*at, "C_day29"), models, lambda m, kg: after_400(m, kg, 29.0)),
    ]


def o13() -> list[Row]:
    """Rows of O13."""
    models, at = (*SETS, "tortorici_2021"), ("O13", "metrics")

    def clearance(model: str, person: Person) -> float:
        return float(tracer(model, person).clearance_l_per_day) * 1000.0 / 1440.0

    def volume(model: str, person: Person) -> float:
        found = tracer(model, person)
        return float(found.central_l) + float(found.peripheral_l)

    return [
        *over_bodies("half-life, days", (*at, "t_half_d"), models, lambda m, p: half_life_day(tracer(m, p))),
        *over_bodies("clearance, mL/min", (*at, "CL_mL_min"), models, clearance),
        *over_bodies("volume of distribution, L", (*at, "V_L"), models, volume),
    ]


def rise_two_weeks(model: str, person: Person, infusion_day: float = INFUSION_DAY) -> float:
    """Rise of total IgG on day 14 of 2 g/kg over 5 days, in g/L."""
    return float(course(model, person, 2000.0, 5, infusion_day, (14.0,))[0])


def o14() -> list[Row]:
    """Rows of O14."""
    models = (*SETS, "tortorici_2021", "normal", "landersdorfer_2013")
    return over_bodies("rise at two weeks, g/L", ("O14", "metrics", "delta_mean"), models, rise_two_weeks)


def largest_fall(model: str) -> float:
    """How far IgG falls if FcRn saves none for ever, as a fraction: 1 - k(C0) / kint."""
    recycling = of(model, STANDARD).recycling()
    kept = recycling.elimination_per_day(recycling.baseline_g_per_l) / recycling.internalisation_per_day
    return 1.0 - float(kept)


def o16() -> list[Row]:
    """Rows of O16."""
    return once("fall after several doses", ("O16", "metrics", "efgartigimod_multiple"), SETS, largest_fall)
