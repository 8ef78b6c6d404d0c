"""The published numbers of people with antibody deficiency, O1 to O10 and O15: one function for each item.

What was given to whom, what is assumed and why a model misses is told in `items`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from globulin.exposure import Person
from validation.kinetics.predictions import (
    BODIES,
    INFUSION_DAY,
    LEAN_BY_SHARE,
    PRIMARY,
    STANDARD,
    TYPICAL_66,
    half_life_day,
    interval,
    levels,
    of,
    peak_day,
    tracer,
)
from validation.kinetics.rows import PUBLISHED, Answer, Row, once, over_bodies


def week_area(model: str, person: Person, *regimen: Any) -> float:
    """Area under total IgG over seven days in g/L x day, on average over the interval."""
    return 7.0 * interval(model, person, *regimen).cavg_g_per_l


def per_kg(mg_per_kg: float, area: float) -> float:
    """Apparent clearance in mL/kg/day: dose over the area under total IgG, as labels print it."""
    return mg_per_kg / area


def o1() -> list[Row]:
    """Rows of O1."""
    regimen = (4 * 152.0, 28.0)
    at = ("O1", "metrics")
    return [
        *over_bodies("peak, g/L", (*at, "peak"), PRIMARY, lambda m, p: interval(m, p, *regimen).cmax_g_per_l),
        *over_bodies(
            "trough, g/L", (*at, "trough"), PRIMARY, lambda m, p: interval(m, p, *regimen).cmin_g_per_l
        ),
        *over_bodies(
            "area over 7 days, g/L x day", (*at, "AUC_7d"), PRIMARY, lambda m, p: week_area(m, p, *regimen)
        ),
        *over_bodies(
            "dose / area, mL/kg/day",
            (*at, "CL_mL_kg_d"),
            PRIMARY,
            lambda m, p: per_kg(152.0, week_area(m, p, *regimen)),
        ),
    ]


def o1b() -> list[Row]:
    """Rows of O1b."""
    regimen = (228.0, 7.0, "sc")
    at = ("O1b", "metrics")
    return [
        *over_bodies("peak, g/L", (*at, "peak"), PRIMARY, lambda m, p: interval(m, p, *regimen).cmax_g_per_l),
        *over_bodies(
            "trough, g/L", (*at, "trough"), PRIMARY, lambda m, p: interval(m, p, *regimen).cmin_g_per_l
        ),
        *over_bodies(
            "area over 7 days, g/L x day", (*at, "AUC_7d"), PRIMARY, lambda m, p: week_area(m, p, *regimen)
        ),
        *over_bodies(
            "dose / area, mL/kg/day",
            (*at, "CL_F_mL_kg_d"),
            PRIMARY,
            lambda m, p: per_kg(228.0, week_area(m, p, *regimen)),
        ),
    ]


SINGLE = tuple(name for name in PRIMARY if name != "deficient")


def worked_back_dose(group: str) -> float:
    """Dose of O2 in mg/kg from the label's own clearance times its own area."""
    printed = PUBLISHED["O2"]["metrics"][group]
    return float(printed["CL_mL_kg_d"] * printed["AUC0_t"])


TOTAL_HALF = "half-life of total IgG, last half of the interval, days"


def total_half_life(
    model: str, person: Person, mg_per_kg: float, every_day: float, route: str = "iv"
) -> float:
    """Apparent half-life of total IgG over the second half of an interval, in days."""
    half = 0.5 * every_day
    # just before the next dose: at the time of a dose a level is drawn before it
    first, last = levels(model, person, mg_per_kg, every_day, route, [half, every_day - 1e-6])
    return float(half * np.log(2.0) / np.log(first / last))


def o2() -> list[Row]:
    """Rows of O2."""
    rows: list[Row] = []
    for group, every in (("q4w", 28.0), ("q3w", 21.0)):
        regimen = (worked_back_dose(group), every)
        at = ("O2", "metrics", group)
        rows += [
            *over_bodies(
                f"{group}: peak, g/L",
                (*at, "Cmax"),
                PRIMARY,
                lambda m, p, r=regimen: interval(m, p, *r).cmax_g_per_l,
            ),
            *over_bodies(
                f"{group}: trough, g/L",
                (*at, "Cmin"),
                PRIMARY,
                lambda m, p, r=regimen: interval(m, p, *r).cmin_g_per_l,
            ),
            *over_bodies(
                f"{group}: area over the interval, g/L x day",
                (*at, "AUC0_t"),
                PRIMARY,
                lambda m, p, r=regimen: interval(m, p, *r).auc_g_day_per_l,
            ),
            *over_bodies(
                f"{group}: half-life of IgG from outside, days",
                (*at, "t_half"),
                SINGLE,
                lambda m, p: half_life_day(tracer(m, p)),
            ),
            *over_bodies(
                f"{group}: {TOTAL_HALF}",
                (*at, "t_half"),
                SINGLE,
                lambda m, p, r=regimen: total_half_life(m, p, *r),
            ),
        ]
    return rows


def o3() -> list[Row]:
    """Rows of O3."""
    regimen = (4 * 139.0, 28.0)
    at = ("O3", "metrics")

    def rows(what: str, key: str, answer: Answer, models: Sequence[str] = PRIMARY) -> list[Row]:
        return over_bodies(what, (*at, key), models, answer, TYPICAL_66, LEAN_BY_SHARE)

    return [
        *rows("peak, g/L", "Cmax", lambda m, p: interval(m, p, *regimen).cmax_g_per_l),
        *rows("trough, g/L", "trough", lambda m, p: interval(m, p, *regimen).cmin_g_per_l),
        *rows("area over 7 days, g/L x day", "AUC_7d", lambda m, p: week_area(m, p, *regimen)),
        *rows("dose / area, mL/kg/day", "CL_mL_kg_d", lambda m, p: per_kg(139.0, week_area(m, p, *regimen))),
        *rows(
            "half-life of IgG from outside, days", "t_half", lambda m, p: half_life_day(tracer(m, p)), SINGLE
        ),
        *rows(TOTAL_HALF, "t_half", lambda m, p: total_half_life(m, p, *regimen), SINGLE),
    ]


def o3b() -> list[Row]:
    """Rows of O3b."""
    regimen = (4 * 147.0, 28.0, "fsc")
    vein = (4 * 139.0, 28.0)
    at = ("O3b", "metrics")

    def rows(what: str, key: str, answer: Answer) -> list[Row]:
        return over_bodies(what, (*at, key), ("li_2022",), answer, TYPICAL_66, LEAN_BY_SHARE)

    return [
        *rows("peak, g/L", "Cmax", lambda m, p: interval(m, p, *regimen).cmax_g_per_l),
        *rows("trough, g/L", "trough", lambda m, p: interval(m, p, *regimen).cmin_g_per_l),
        *rows("area over 7 days, g/L x day", "AUC_7d", lambda m, p: week_area(m, p, *regimen)),
        *rows("day of the peak", "Tmax_d", lambda m, p: peak_day(m, p, *regimen)),
        *rows(
            "area per dose, to that by vein",
            "F_vs_IV",
            lambda m, p: (week_area(m, p, *regimen) / 147.0) / (week_area(m, p, *vein) / 139.0),
        ),
        *rows("half-life of IgG from outside, days", "t_half", lambda m, p: half_life_day(tracer(m, p))),
        *rows(TOTAL_HALF, "t_half", lambda m, p: total_half_life(m, p, *regimen)),
    ]


def o4() -> list[Row]:
    """Rows of O4."""
    vein, skin = (475.0, 28.0), (1.37 * 475.0 / 4.0, 7.0, "sc")
    at = ("O4", "metrics")
    return [
        *over_bodies(
            "mean level under the skin / by vein",
            (*at, "AUC_ratio_GLSM"),
            PRIMARY,
            lambda m, p: interval(m, p, *skin).cavg_g_per_l / interval(m, p, *vein).cavg_g_per_l,
        ),
        *over_bodies(
            "trough by vein, g/L",
            (*at, "trough_IV"),
            PRIMARY,
            lambda m, p: interval(m, p, *vein).cmin_g_per_l,
        ),
        *over_bodies(
            "trough under the skin, g/L",
            (*at, "trough_SC"),
            PRIMARY,
            lambda m, p: interval(m, p, *skin).cmin_g_per_l,
        ),
    ]


UNDER_THE_SKIN = (*SINGLE, "dumas_2019")


def o5() -> list[Row]:
    """Rows of O5."""
    taken = [float(of(model, STANDARD).uptake["sc"].bioavailability) for model in UNDER_THE_SKIN]
    return [
        Row(
            f"F, {product}",
            ("O5", "metrics", product),
            "median of six",
            float(np.median(taken)),
            (min(taken), max(taken)),
        )
        for product in PUBLISHED["O5"]["metrics"]
    ]


def slope_by_vein(model: str, person: Person, infusion_day: float | None = None) -> float:
    """What 100 mg/kg every 28 days more, by vein, adds to the trough, in g/L."""
    low, high = (interval(model, person, dose, 28.0, "iv", infusion_day) for dose in (400.0, 500.0))
    return high.cmin_g_per_l - low.cmin_g_per_l


def slope_under_skin(model: str, person: Person) -> float:
    """What 100 mg/kg every 28 days more, weekly under the skin, adds to the mean level, in g/L."""
    low, high = (interval(model, person, dose / 4.0, 7.0, "sc") for dose in (400.0, 500.0))
    return high.cavg_g_per_l - low.cavg_g_per_l


def o6() -> list[Row]:
    """Rows of O6."""
    at = ("O6", "metrics")
    return [
        *over_bodies(
            "trough by vein, g/L per 100 mg/kg a month",
            (*at, "IV_trough_g_L_per_100mg_kg_month"),
            PRIMARY,
            slope_by_vein,
        ),
        *over_bodies(
            "level under the skin, g/L per 100 mg/kg a month",
            (*at, "SC_g_L_per_100mg_kg_month"),
            PRIMARY,
            slope_under_skin,
        ),
    ]


NEAR_WEEKLY, SELDOM = "1,2,3,5,7 x/wk and q2w", "q3w and q4w"
INTERVALS = {
    "7 a week": (1.0, NEAR_WEEKLY),
    "5 a week": (7.0 / 5.0, NEAR_WEEKLY),
    "3 a week": (7.0 / 3.0, NEAR_WEEKLY),
    "2 a week": (7.0 / 2.0, NEAR_WEEKLY),
    "every 2 weeks": (14.0, NEAR_WEEKLY),
    "every 3 weeks": (21.0, SELDOM),
    "every 4 weeks": (28.0, SELDOM),
}


def against_weekly(every_day: float) -> dict[str, float]:
    """Area, peak and trough of 120 mg/kg a week under the skin in other parts, over those of weekly ones."""
    found, weekly = (
        interval("landersdorfer_2013", BODIES[70], 120.0 * days / 7.0, days, "sc")
        for days in (every_day, 7.0)
    )
    return {
        "AUC": found.cavg_g_per_l / weekly.cavg_g_per_l,
        "Cmax": found.cmax_g_per_l / weekly.cmax_g_per_l,
        "Cmin": found.cmin_g_per_l / weekly.cmin_g_per_l,
    }


def o7() -> list[Row]:
    """Rows of O7."""
    named = {"AUC": "area", "Cmax": "peak", "Cmin": "trough"}
    return [
        Row(f"{often}: {named[key]}, to weekly", ("O7", "metrics", group, key), "landersdorfer_2013", ratio)
        for often, (every, group) in INTERVALS.items()
        for key, ratio in against_weekly(every).items()
    ]


MONTH_DAY = 30.4


def gammanorm(mg_per_kg_month: float, every_day: float) -> tuple[float, float, str]:
    """A monthly dose in parts under the skin, as a regimen."""
    return mg_per_kg_month * every_day / MONTH_DAY, every_day, "sc"


def o8() -> list[Row]:
    """Rows of O8."""
    pump, syringe = PUBLISHED["O8"]["metrics"]
    return [
        *over_bodies(
            "pump, once a week: trough, g/L",
            ("O8", "metrics", pump, "trough"),
            PRIMARY,
            lambda m, p: interval(m, p, *gammanorm(496.9, 7.0)).cmin_g_per_l,
        ),
        *over_bodies(
            "syringe, 2.7 a week: trough, g/L",
            ("O8", "metrics", syringe, "trough"),
            PRIMARY,
            lambda m, p: interval(m, p, *gammanorm(476.2, 7.0 / 2.7)).cmin_g_per_l,
        ),
    ]


def o9() -> list[Row]:
    """Rows of O9."""
    at, body = ("O9", "metrics"), BODIES[60]
    return [
        *over_bodies(
            "by vein: trough, g/L",
            (*at, "IV_trough"),
            PRIMARY,
            lambda m, p: interval(m, p, 556.0, 28.0).cmin_g_per_l,
            body,
        ),
        *(
            row
            for week in (16, 24, 36)
            for row in over_bodies(
                f"under the skin, week {week}: trough, g/L",
                (*at, f"SC_wk{week}"),
                PRIMARY,
                lambda m, p: interval(m, p, 139.0, 7.0, "sc").cmin_g_per_l,
                body,
            )
        ),
    ]


def per_gram_a_week(model: str) -> float:
    """What 1 g more a week under the skin adds to the mean level of 70 kg, in g/L."""
    return interval(model, BODIES[70], 1000.0 / 70.0, 7.0, "sc").rise_mean_g_per_l


def o10() -> list[Row]:
    """Rows of O10."""
    path = ("O10", "metrics", "delta_g_L_per_g_week_70kg")
    return once("rise for 1 g a week, g/L", path, PRIMARY, per_gram_a_week)


REVIEWED = (*UNDER_THE_SKIN, "tortorici_2019", "lee_2021")
SOME_BASELINE = 4.0


def standard_patients(models: Sequence[str], *regimen: Any) -> tuple[list[float], list[float]]:
    """Troughs, and swings (peak over trough, less 1, in %), of the standard patient: every baseline 4 g/L."""
    troughs, swings = [], []
    for model in models:
        found = interval(model, STANDARD, *regimen)
        base = SOME_BASELINE + found.rise_mean_g_per_l - found.cavg_g_per_l
        troughs.append(found.cmin_g_per_l + base)
        swings.append(100.0 * ((found.cmax_g_per_l + base) / (found.cmin_g_per_l + base) - 1.0))
    return troughs, swings


def between_models(infusion_day: float = INFUSION_DAY) -> dict[str, float]:
    """Median swing and coefficient of variation of the trough between models, by vein and under the skin."""
    vein = standard_patients(REVIEWED, 400.0, 28.0, "iv", infusion_day)
    skin = standard_patients(UNDER_THE_SKIN, 100.0, 7.0, "sc")
    return {
        f"{what}_{route}": value
        for route, (troughs, swings) in (("IV", vein), ("SC", skin))
        for what, value in (
            ("swing", float(np.median(swings))),
            ("CV", 100.0 * float(np.std(troughs, ddof=1) / np.mean(troughs))),
        )
    }


def o15() -> list[Row]:
    """Rows of O15."""
    found, at = between_models(), ("O15", "metrics")
    return [
        Row("median swing by vein, %", (*at, "median_swing_IV_pct"), "eight models", found["swing_IV"]),
        Row("median swing under the skin, %", (*at, "median_swing_SC_pct"), "six models", found["swing_SC"]),
        Row(
            "trough by vein, CV between models, %",
            (*at, "trough_between_model_CV_pct"),
            "eight models",
            found["CV_IV"],
        ),
        Row(
            "trough under the skin, CV between models, %",
            (*at, "trough_between_model_CV_pct"),
            "six models",
            found["CV_SC"],
        ),
    ]
