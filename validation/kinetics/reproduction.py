"""The same predictions by an independent implementation, held against ours digit by digit.

That implementation printed its numbers rounded, and did not print how long a dose by vein ran. Ours are
worked out for six hours; where that does not give the printed digits, every length from at once to six hours
is tried, so that what is left is a real difference and not an unstated assumption.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from validation.kinetics.deficiency import (
    against_weekly,
    between_models,
    gammanorm,
    per_gram_a_week,
    slope_by_vein,
    slope_under_skin,
)
from validation.kinetics.normal_igg import after_400, rise_two_weeks
from validation.kinetics.predictions import (
    BODIES,
    INFUSION_DAY,
    SETS,
    TYPICAL_66,
    interval,
    levels,
    peak_day,
)
from validation.kinetics.rows import TRUTH
from validation.ledger import Path, spelled

REFERENCE: dict[str, Any] = {entry["id"]: entry for entry in TRUTH["reference_reproduction"]}

LENGTHS_DAY = np.arange(31) / 120.0
"""At once to six hours, in steps of 12 minutes."""


class Check(NamedTuple):
    """One printed number: where it stands, its digits after the point, and ours for a length of infusion.

    Some are one of several in a text; `place` counts them. Where the number was worked out in another way
    than ours, `otherwise` does it that way, and `why` says what it is.
    """

    path: Path
    place: int
    digits: int
    ours: Callable[[float], float]
    why: str = ""
    otherwise: Callable[[], float] | None = None

    @property
    def printed(self) -> float:
        """The number as it was printed."""
        node: Any = REFERENCE
        for step in self.path:
            node = node[step]
        return found_in(node)[self.place]

    def agrees(self, ours: float) -> bool:
        """Whether ours, rounded, is the printed number; a tie of the rounding counts for both sides."""
        return abs(ours - self.printed) <= 0.5 * 10.0**-self.digits + 1e-9


class Found(NamedTuple):
    """What became of a check.

    hours: shortest and longest infusion that give the printed digits, where six hours do not. explained:
    whether `otherwise` gives them, where no infusion does.
    """

    check: Check
    ours: float
    agrees: bool
    hours: tuple[float, float] | None
    explained: bool

    @property
    def settled(self) -> bool:
        """Whether ours is the printed number, or it is known why not."""
        return self.agrees or self.hours is not None or self.explained


def found_in(node: Any) -> list[float]:
    """The numbers of a number, or of a text in which they are separated by slashes, dashes or words."""
    if isinstance(node, str):
        # a minus sign stands only after a blank or at the start: elsewhere it is the dash of a range
        return [float(word) for word in re.findall(r"(?:(?<=^)|(?<=\s))[-+]?\d+\.?\d*|\d+\.?\d*", node)]
    return [float(node)]


def examined(check: Check) -> Found:
    """Ours beside the printed number, and what would give it where ours is another."""
    ours = check.ours(INFUSION_DAY)
    if check.agrees(ours):
        return Found(check, ours, True, None, False)
    fitting = [float(day) for day in LENGTHS_DAY if check.agrees(check.ours(float(day)))]
    if fitting:
        return Found(check, ours, False, (24.0 * fitting[0], 24.0 * fitting[-1]), False)
    return Found(check, ours, False, None, check.otherwise is not None and check.agrees(check.otherwise()))


def everything() -> list[Found]:
    """All checks, examined."""
    return [examined(check) for check in checks()]


def unclaimed(found: list[Found]) -> list[str]:
    """Predictions and errors of the reference that no check has claimed."""
    claimed = {(each.check.path, each.check.place) for each in found}
    return [spelled((*path, place)) for path, place in _numbers() if (path, place) not in claimed]


def checks() -> Iterator[Check]:
    """One for each number that the independent implementation printed."""
    yield from _o1()
    yield from _o3()
    yield from _o4()
    yield from _o6_to_o10()
    yield from _normal_igg()
    for what, ours in (("median_swing_IV_pct", "swing_IV"), ("CV_IV", "CV_IV"), ("CV_SC", "CV_SC")):
        digits = 0 if what.startswith("median") else 1
        yield Check(("O15", "predicted", what), 0, digits, lambda t, o=ours: between_models(t)[o])
    yield Check(("O15", "predicted", "median_swing_SC_pct"), 0, 1, lambda t: between_models(t)["swing_SC"])


NAMES = {
    "Landersdorfer2013": "landersdorfer_2013",
    "Zhang2020": "zhang_2020",
    "Luo2020": "luo_2020",
    "NavarroMora2022": "navarro_mora_2022",
    "Li2022": "li_2022",
}


def _vein(model: str, kg: int, infusion_day: float) -> Any:
    return interval(model, BODIES[kg], 608.0, 28.0, "iv", infusion_day)


def _skin(model: str, kg: int) -> Any:
    return interval(model, BODIES[kg], 228.0, 7.0, "sc")


def _percent(value: float, published: float) -> float:
    return 100.0 * (value / published - 1.0)


def _o1() -> Iterator[Check]:
    name = "landersdorfer_2013"
    at: dict[str, tuple[int, Callable[[float], float], str, float]] = {
        "IV_AUC_7d": (1, lambda t: 7.0 * _vein(name, 70, t).cavg_g_per_l, "IV_AUC", 103.2),
        "IV_trough": (2, lambda t: _vein(name, 70, t).cmin_g_per_l, "IV_trough", 11.27),
        "IV_peak": (1, lambda t: _vein(name, 70, t).cmax_g_per_l, "IV_peak", 25.64),
        "SC_AUC_7d": (1, lambda _: 7.0 * _skin(name, 70).cavg_g_per_l, "SC_AUC", 105.6),
        "SC_trough": (2, lambda _: _skin(name, 70).cmin_g_per_l, "SC_trough", 14.48),
        "SC_peak": (2, lambda _: _skin(name, 70).cmax_g_per_l, "SC_peak", 16.16),
    }
    for key, (digits, ours, error, published) in at.items():
        yield Check(("O1", "predicted", key), 0, digits, ours)
        yield Check(("O1", "error_pct", error), 0, 1, lambda t, o=ours, p=published: _percent(o(t), p))
    for key, model in NAMES.items():
        for kg in BODIES:
            quantities: tuple[Callable[[float], float], ...] = (
                lambda t, m=model, k=kg: _percent(7.0 * _vein(m, k, t).cavg_g_per_l, 103.2),
                lambda t, m=model, k=kg: _percent(_vein(m, k, t).cmin_g_per_l, 11.27),
                lambda _, m=model, k=kg: _percent(7.0 * _skin(m, k).cavg_g_per_l, 105.6),
                lambda _, m=model, k=kg: _percent(_skin(m, k).cmin_g_per_l, 14.48),
            )
            for place, ours in enumerate(quantities):
                yield Check(("O1_weight_sensitivity", key, str(kg), place), 0, 1, ours)
    free = ("O1_weight_sensitivity", "weight_free")
    for key, model in NAMES.items():
        if key != "Luo2020":
            for place, choose in enumerate((min, max)):
                yield Check(
                    (*free, "IV_trough_over_Cavg", key, place),
                    0,
                    3,
                    lambda t, m=model, c=choose: c(
                        _vein(m, kg, t).cmin_g_per_l / _vein(m, kg, t).cavg_g_per_l for kg in BODIES
                    ),
                )
        yield Check(
            (*free, "SC_over_IV_AUC", key),
            0,
            3,
            lambda t, m=model: _skin(m, 70).cavg_g_per_l / _vein(m, 70, t).cavg_g_per_l,
        )


def _o3() -> Iterator[Check]:
    def vein(t: float) -> Any:
        return interval("li_2022", TYPICAL_66, 556.0, 28.0, "iv", t)

    def skin() -> Any:
        return interval("li_2022", TYPICAL_66, 588.0, 28.0, "fsc")

    at: dict[str, tuple[int, Callable[[float], float], float]] = {
        "IV_AUC": (1, lambda t: 7.0 * vein(t).cavg_g_per_l, 98.7),
        "IV_Cmax": (1, lambda t: vein(t).cmax_g_per_l, 22.48),
        "IV_trough": (2, lambda t: vein(t).cmin_g_per_l, 10.95),
        "fSC_AUC": (1, lambda _: 7.0 * skin().cavg_g_per_l, 91.4),
        "fSC_Cmax": (1, lambda _: skin().cmax_g_per_l, 16.07),
        "fSC_trough": (2, lambda _: skin().cmin_g_per_l, 10.77),
    }
    for key, (digits, ours, published) in at.items():
        name = f"{key}_7d" if key.endswith("AUC") else key
        yield Check(("O3", "predicted", name), 0, digits, ours)
        # two of the errors are printed without a digit after the point
        spelt = 0 if key.endswith("trough") else 1
        yield Check(
            ("O3", "error_pct", key),
            0,
            spelt,
            lambda t, o=ours, p=published: _percent(o(t), p),
            "its error is that of its prediction after rounding; ours is not rounded before",
            lambda n=name, p=published: _percent(REFERENCE["O3"]["predicted"][n], p),
        )
    yield Check(
        ("O3", "predicted", "fSC_Tmax"), 0, 1, lambda _: peak_day("li_2022", TYPICAL_66, 588.0, 28.0, "fsc")
    )


def _o4() -> Iterator[Check]:
    def ratio(model: str, of: str, mg_per_kg: float, t: float) -> float:
        skin = interval(model, BODIES[70], 1.37 * mg_per_kg / 4.0, 7.0, "sc")
        vein = interval(model, BODIES[70], mg_per_kg, 28.0, "iv", t)
        return float(getattr(skin, of) / getattr(vein, of))

    low_high = (min, max)
    models = ("navarro_mora_2022", "landersdorfer_2013")
    for key, of in (("trough_ratio", "cmin_g_per_l"), ("AUC_ratio", "cavg_g_per_l")):
        # one number is printed where both doses give the same
        ends = [
            (model, choose)
            for model in models
            for choose in (low_high[:1] if (key, model) == ("AUC_ratio", models[0]) else low_high)
        ]
        for place, (model, choose) in enumerate(ends):
            yield Check(
                ("O4", "predicted", key),
                place,
                2,
                lambda t, m=model, c=choose, o=of: c(ratio(m, o, mg, t) for mg in (450.0, 500.0)),
            )


def _o6_to_o10() -> Iterator[Check]:
    name, body = "landersdorfer_2013", BODIES[70]
    yield Check(("O6", "predicted", "IV_trough_slope_q28"), 0, 2, lambda t: slope_by_vein(name, body, t))
    yield Check(("O6", "predicted", "SC_slope"), 0, 2, lambda _: slope_under_skin(name, body))
    yield Check(("O6", "error_pct", "IV"), 0, 1, lambda t: _percent(slope_by_vein(name, body, t), 1.21))
    yield Check(("O6", "error_pct", "SC"), 0, 0, lambda _: _percent(slope_under_skin(name, body), 0.84))
    for key, every in (("7x", 1.0), ("2x", 3.5), ("q2w", 14.0), ("q3w", 21.0), ("q4w", 28.0)):
        for place, of in enumerate(("AUC", "Cmax", "Cmin")):
            yield Check(
                ("O7", "predicted", key, place),
                0,
                3,
                lambda _, e=every, o=of: against_weekly(e)[o],
                "it gives the two doses of a week three and four days apart; ours are 3.5 days apart",
                lambda o=of: three_and_four_days()[o],
            )
    three = "it gives three doses a week where 2.7 are published; ours are 2.7"
    for key, dose, every, published in (("pump", 496.9, 7.0, 9.6), ("syringe", 476.2, 7.0 / 2.7, 9.4)):
        trough, in_three = (
            lambda days=days, d=dose: interval(name, body, *gammanorm(d, days)).cmin_g_per_l
            for days in (every, 7.0 / 3.0)
        )
        yield Check(("O8", "predicted", key), 0, 2, lambda _, o=trough: o(), three, in_three)
        yield Check(
            ("O8", "error_pct", key),
            0,
            1,
            lambda _, o=trough, p=published: _percent(o(), p),
            three,
            lambda o=in_three, p=published: _percent(o(), p),
        )
    models = (name, "navarro_mora_2022")
    vein, skin = (
        [lambda t, m=model: interval(m, BODIES[60], 556.0, 28.0, "iv", t).cmin_g_per_l for model in models],
        [lambda _, m=model: interval(m, BODIES[60], 139.0, 7.0, "sc").cmin_g_per_l for model in models],
    )
    for place in range(2):
        yield Check(("O9", "predicted", "IV"), place, 2, vein[place])
        yield Check(("O9", "predicted", "SC"), place, 2, skin[place])
        yield Check(("O9", "error_pct", "IV"), place, 1, lambda t, o=vein[place]: _percent(o(t), 9.6))
        for start, published in ((0, 13.17), (3, 12.32)):
            yield Check(
                ("O9", "error_pct", "SC"),
                start + place,
                0,
                lambda t, o=skin[place], p=published: _percent(o(t), p),
            )
    for place, model in enumerate((*models, "li_2022")):
        yield Check(("O10", "predicted"), place, 2, lambda _, m=model: per_gram_a_week(m))


def three_and_four_days() -> dict[str, float]:
    """As `against_weekly`, with two doses a week three and four days apart: two weekly courses on top."""
    name, body = "landersdorfer_2013", BODIES[70]
    weekly = interval(name, body, 120.0, 7.0, "sc")
    # a level at the time of a dose is drawn before it: both courses are read at the same times, so no time
    # may lie on a dose of either
    day = np.arange(0.005, 7.0, 0.01)
    base = weekly.cavg_g_per_l - weekly.rise_mean_g_per_l
    one, other = (levels(name, body, 60.0, 7.0, "sc", at) - base for at in (day, np.sort((day - 3.0) % 7.0)))
    total = base + one + np.roll(other, 300)
    return {
        "AUC": float(np.mean(total)) / weekly.cavg_g_per_l,
        "Cmax": float(np.max(total)) / weekly.cmax_g_per_l,
        "Cmin": float(np.min(total)) / weekly.cmin_g_per_l,
    }


def _normal_igg() -> Iterator[Check]:
    kim, linear = "fcrn_kim_2007", "navarro_mora_2022"
    end, day_29 = (lambda t: after_400(kim, 70, t, t), lambda t: after_400(kim, 70, 29.0, t))
    yield Check(("O12", "predicted", "C_end_infusion"), 0, 1, end)
    yield Check(("O12", "predicted", "C_day29"), 0, 1, day_29)
    # its text: error of the peak, day, rise, rise measured, number in a name, two rises by the linear model
    yield Check(("O12", "error"), 0, 1, lambda t: _percent(end(t), 21.2))
    yield Check(("O12", "error"), 2, 1, lambda t: day_29(t) - 12.4)
    yield Check(("O12", "error"), 5, 1, lambda t: after_400(linear, 70, t, t) - 12.4)
    yield Check(("O12", "error"), 6, 1, lambda t: after_400(linear, 70, 29.0, t) - 12.4)
    for place, model in enumerate((*SETS, "tortorici_2021", "landersdorfer_2013")):
        yield Check(("O14", "predicted"), place, 1, lambda t, m=model: rise_two_weeks(m, BODIES[70], t))


NOT_A_PREDICTION: dict[Path, set[int]] = {("O12", "error"): {1, 3, 4}, ("O9", "error_pct", "SC"): {2, 5}}
"""Numbers of a text that are a day, a published value or part of a name."""


def _numbers() -> Iterator[tuple[Path, int]]:
    """Path and place of every number among the predictions and errors of the reference."""
    for name, entry in REFERENCE.items():
        parts = entry if name == "O1_weight_sensitivity" else {k: entry[k] for k in _PARTS if k in entry}
        for path, node in _leaves(parts, (name,)):
            if path[1] in ("id", "note") or path[-1] == "label":
                continue
            for place in range(len(found_in(node))):
                if place not in NOT_A_PREDICTION.get(path, ()):
                    yield path, place


_PARTS = ("predicted", "error_pct", "error")


def _leaves(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if children is None:
        yield path, node
    else:
        for key, value in children:
            yield from _leaves(value, (*path, key))
