"""What comes with a regimen: how long until it holds or is gone, and what another way of giving does.

Everything starts from the steady state of one person under one model; nothing is simulated cycle by cycle to
get there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from globulin.exposure.courses import Course, course
from globulin.exposure.dose_needed import DoseNeeded, dose_for
from globulin.exposure.facts import Catalogue
from globulin.exposure.history import repeated
from globulin.exposure.models import Parameters, Person, parameters
from globulin.exposure.population import has_route
from globulin.exposure.simulation import steady_state

PLATEAU_WITHIN = 0.05
"""How near, as a fraction of it, the steady trough counts as reached."""

_HORIZON_DAY = 250.0
_LONGEST_DAY = 4000.0


@dataclass(frozen=True, slots=True)
class Settling:
    """How long one model takes, in days; None where it takes more than 4,000.

    `plateau_day`: from the first dose to the first trough whose rise is within 5% of that of the steady
    state. `tenth_day`, `one_g_per_l_day`: from the last dose, had from then on no other been given, until the
    rise stays below a tenth of its mean over an interval, and below 1 g/L (0: it never is above).
    """

    model: str
    plateau_day: float | None
    tenth_day: float | None
    one_g_per_l_day: float | None


@dataclass(frozen=True, slots=True)
class Split:
    """A dose in `parts` on consecutive days, at steady state: highest, lowest and mean total IgG in g/L."""

    model: str
    parts: int
    cmax_g_per_l: float
    cmin_g_per_l: float
    cavg_g_per_l: float


@dataclass(frozen=True, slots=True)
class Switch:
    """The dose under the skin that keeps the mean rise of one by vein, by one model.

    `factor`: grams under the skin for each gram by vein over the same time; for a linear model 1 / F. None,
    with the reason, where there is no such dose.
    """

    model: str
    route: str
    dose_g: float | None
    interval_day: float
    factor: float | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A conversion from by vein to under the skin as a label has it; None with the reason."""

    product: str
    iv_to_sc_factor: float | None
    note: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class DoseAnswers:
    """The dose for a target by one model or average, with what comes with it where that was asked."""

    needed: DoseNeeded
    settling: tuple[Settling, ...] = ()
    splits: tuple[Split, ...] = ()
    switches: tuple[Switch, ...] = ()


def settling(
    known: Catalogue,
    identifier: str,
    person: Person,
    *,
    dose_g: float,
    interval_day: float,
    route: str = "iv",
    infusion_day: float | None = None,
    daily_parts: int = 1,
) -> tuple[Settling, ...]:
    """Time to the plateau and washout of a regimen, by each model of `identifier` that has the route.

    Errors as in `simulation.steady_state`.
    """
    regimen = _Regimen(dose_g, interval_day, route, infusion_day, daily_parts)
    return tuple(
        _settling(parameters(model, person, known.muscle), regimen)
        for model, _ in known.members(identifier)
        if has_route(known, model, route)
    )


def splits(
    known: Catalogue,
    identifier: str,
    person: Person,
    *,
    dose_g: float,
    interval_day: float,
    route: str = "iv",
    infusion_day: float | None = None,
    parts: tuple[int, ...] = (1, 2, 5),
) -> tuple[Split, ...]:
    """What the same dose does in one part or several, which must fit the interval; errors as above."""
    found = []
    for count in parts:
        (answer,) = steady_state(
            known,
            identifier,
            person,
            dose_g=dose_g,
            interval_day=interval_day,
            route=route,
            infusion_day=infusion_day,
            daily_parts=count,
        )
        found += [
            Split(
                each.model,
                count,
                each.exposure.cmax_g_per_l,
                each.exposure.cmin_g_per_l,
                each.exposure.cavg_g_per_l,
            )
            for each in (answer, *answer.members)
            if each.exposure is not None
        ]
    return tuple(found)


def switches(
    known: Catalogue,
    identifier: str,
    person: Person,
    *,
    dose_g: float,
    interval_day: float,
    infusion_day: float | None = None,
    route: str = "sc",
    every_day: float = 7.0,
) -> tuple[Switch, ...]:
    """The dose by `route` every `every_day` days in place of one by vein, by each model with that route."""
    (by_vein,) = steady_state(
        known, identifier, person, dose_g=dose_g, interval_day=interval_day, infusion_day=infusion_day
    )
    found = []
    for each in by_vein.members or (by_vein,):
        if each.exposure is None or not has_route(known, known.models[each.model], route):
            continue
        (needed,) = dose_for(
            known,
            each.model,
            person,
            target="rise",
            g_per_l=each.exposure.rise_mean_g_per_l,
            interval_day=every_day,
            route=route,
        )
        dose = needed.dose_g
        factor = None if dose is None else (dose / every_day) / (dose_g / interval_day)
        found.append(Switch(each.model, route, dose, every_day, factor, needed.message))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Regimen:
    dose_g: float
    interval_day: float
    route: str
    infusion_day: float | None
    daily_parts: int

    def course(self, found: Parameters, doses: int, until: float, *, steady: bool) -> Course:
        given = repeated(
            self.dose_g,
            self.interval_day,
            doses,
            route=self.route,
            infusion_day=self.infusion_day,
            daily_parts=self.daily_parts,
            steady=steady,
        )
        return course(found, given, marks=[self.interval_day, until])


def _settling(found: Parameters, regimen: _Regimen) -> Settling:
    # the steady course, whose last dose is that on day 0
    last = regimen.course(found, 1, max(_HORIZON_DAY, regimen.interval_day), steady=True)
    trough = float(last.sample([0.0])[0][0, 0])
    mean = float(last.stretch(0.0, regimen.interval_day).area_g_day_per_l[0]) / regimen.interval_day
    return Settling(
        found.model,
        _plateau_day(found, regimen, trough),
        _below_day(found, regimen, last, 0.1 * mean),
        _below_day(found, regimen, last, 1.0),
    )


def _plateau_day(found: Parameters, regimen: _Regimen, trough: float) -> float | None:
    horizon = _HORIZON_DAY
    while horizon <= _LONGEST_DAY:
        doses = max(int(np.ceil(horizon / regimen.interval_day)), 2)
        day = regimen.interval_day * np.arange(1, doses + 1)
        rise = regimen.course(found, doses, float(day[-1]), steady=False).sample(day)[0][0]
        near = np.flatnonzero(np.abs(rise - trough) <= PLATEAU_WITHIN * trough)
        if near.size:
            return float(day[near[0]])
        horizon *= 4.0
    return None


def _below_day(found: Parameters, regimen: _Regimen, after: Course, level: float) -> float | None:
    """When the rise after the last dose has fallen below `level` for good; to an hour.

    `after`: the course from the last dose on, as far as it was followed; it is followed further if need be.
    """
    horizon = max(_HORIZON_DAY, regimen.interval_day)
    while horizon <= _LONGEST_DAY:
        day = np.linspace(0.0, horizon, 1001)
        above = np.flatnonzero(after.sample(day)[0][0] > level)
        if not above.size:
            return 0.0
        if above[-1] < day.size - 1:
            fine = np.linspace(day[above[-1]], day[above[-1] + 1], 101)
            return float(np.interp(-level, -after.sample(fine)[0][0], fine))
        horizon *= 4.0
        after = regimen.course(found, 1, horizon, steady=True)
    return None
