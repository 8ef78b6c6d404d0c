"""What doses do to one person's IgG, under each model that is asked for.

Every answer carries what it rests on and where it does not fit: models disagree, and a person outside the
people a model was made from is flagged, not refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.averaging import averaged, band
from globulin.exposure.courses import Course, course
from globulin.exposure.facts import Catalogue, ModelFacts, MuscleFacts, catalogue
from globulin.exposure.history import LAST_DAY, History, repeated
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.models import Parameters, Person, Uptake, parameters
from globulin.exposure.results import Exposure, Level, MuscleBand, Readability, Simulated

if TYPE_CHECKING:
    from globulin.dossier.kinetics import KineticModel

Models = Catalogue | Mapping[str, "KineticModel | Mapping[str, Any]"]
"""Kinetic models: those of a dossier (`dossier.kinetics`), or as `catalogue` has read them."""

NO_INTERVAL = "over which interval the levels are to be described is not given"
NOT_CONVERGED = "the saturable equations did not converge: check doses and times"
_NORMAL_95 = 1.959963984540054


def simulate(
    models: Models,
    which: Sequence[str] | str,
    person: Person,
    doses: History,
    *,
    at_day: ArrayLike = (),
    interval_day: float | None = None,
) -> tuple[Simulated, ...]:
    """IgG of `person` after `doses` by each of the models `which` (ids; an average answers as one).

    `at_day`: sorted days to give levels for, in the days of `doses`; a level on the day of a dose is drawn
    before it. The interval that is described is the last of length `interval_day`; by default the time
    between the last two doses. Raises ValueError, naming the argument, for an unknown model, a route by which
    a model has no uptake, several persons, or days that are not in order.
    """
    known = models if isinstance(models, Catalogue) else catalogue(models)
    day = _checked_days(at_day, doses)
    window = last_interval(doses, interval_day)
    return tuple(
        _answer(known, identifier, person, doses, day, window)
        for identifier in ([which] if isinstance(which, str) else which)
    )


def steady_state(
    models: Models,
    which: Sequence[str] | str,
    person: Person,
    *,
    dose_g: float,
    interval_day: float,
    route: str = "iv",
    infusion_day: float | None = None,
    daily_parts: int = 1,
    at_day: ArrayLike = (),
) -> tuple[Simulated, ...]:
    """IgG of `person` once `dose_g` has been given every `interval_day` for ever, by each of the models.

    `at_day` counts from a dose and may lie beyond the next ones, which go on. An infusion may outlast the
    interval. Otherwise as `simulate`, and errors as there and in `repeated`.
    """
    doses = repeated(
        dose_g, interval_day, 1, route=route, infusion_day=infusion_day, daily_parts=daily_parts, steady=True
    )
    day = _checked_days(at_day, doses)
    # every interval is like the first, so later days are asked of it
    asked, place = np.unique(np.mod(day, interval_day), return_inverse=True)
    found = simulate(models, which, person, doses, at_day=asked, interval_day=interval_day)
    return tuple(_relabelled(answer, day, place) for answer in found)


def _checked_days(at_day: ArrayLike, doses: History) -> FloatArray:
    day = np.atleast_1d(checked_array("at_day", at_day))
    if np.any(np.diff(day) < 0.0):
        raise ValueError("at_day must be in order")
    if np.any(np.abs(day) > LAST_DAY):
        raise ValueError(f"at_day must be within {LAST_DAY:g}")
    if doses.steady_interval_day[0] > 0.0 and np.any(day < doses.day[0]):
        raise ValueError("at_day must not be before the first dose, if that has been repeated for ever")
    return day


def last_interval(doses: History, interval_day: float | None) -> tuple[float, float] | None:
    """From the first dose of the last interval to its end; None where no interval can be told."""
    last = float(doses.day[-1])
    if interval_day is None:
        earlier = doses.day[doses.day < last]
        steady = float(doses.steady_interval_day[-1])
        if steady <= 0.0 and not earlier.size:
            return None
        return last, last + (steady or last - float(earlier[-1]))
    interval = float(checked_array("interval_day", interval_day, above=0.0))
    begin = float(doses.day[doses.day > last - interval][0])
    return begin, begin + interval


def _relabelled(answer: Simulated, day: FloatArray, place: Any) -> Simulated:
    """With levels and their band in the order and with the days that were asked for."""
    at, at_band = (
        tuple(replace(part[index], day=float(when)) for index, when in zip(place, day, strict=True))
        if part
        else ()
        for part in (answer.at, answer.at_band)
    )
    members = tuple(_relabelled(member, day, place) for member in answer.members)
    return replace(answer, at=at, at_band=at_band, members=members)


def _answer(
    known: Catalogue,
    identifier: str,
    person: Person,
    doses: History,
    day: FloatArray,
    window: tuple[float, float] | None,
) -> Simulated:
    members = [
        (parameters(model, person, known.muscle), model, weight)
        for model, weight in known.members(identifier)
    ]
    if person.shape:
        raise ValueError("person must be one person; give every field one value")
    lacking = {
        found.model: f"no uptake by route {', '.join(routes)} (it has {', '.join(found.routes)})"
        for found, _, _ in members
        if (routes := [route for route in doses.routes if route not in found.routes])
    }
    if len(lacking) == len(members):
        raise ValueError("; ".join(f"model '{model}' has {words}" for model, words in lacking.items()))
    answers = [
        (_of_one(known, model, found, doses, day, window), weight)
        for found, model, weight in members
        if found.model not in lacking
    ]
    if identifier not in known.averages:
        return answers[0][0]
    average = averaged(known.averages[identifier], person, answers)
    left_out = tuple(f"{model} is left out: {words}" for model, words in lacking.items())
    least = min(
        (answer.readability for answer, _ in answers if answer.readability is not None),
        key=lambda found: found.level_sd_g_per_l,
        default=None,
    )
    return replace(
        average,
        flags=(*average.flags, *left_out),
        readability=None
        if least is None or average.exposure is None
        else _readability(average.exposure, least.level_sd_g_per_l, least.sd_from),
    )


def _of_one(
    known: Catalogue,
    model: ModelFacts,
    found: Parameters,
    doses: History,
    day: FloatArray,
    window: tuple[float, float] | None,
) -> Simulated:
    in_muscle = "im" in doses.routes and known.muscle is not None
    lent = any(found.uptake[route].lent for route in doses.routes if route in found.uptake)
    followed = course(
        found,
        doses,
        uptake={"im": _muscle_lanes(known.muscle)} if in_muscle and known.muscle is not None else None,
        marks=[*day[-1:].tolist(), *(window or ())],
    )
    exposures = [] if window is None else _exposures(followed, window)
    if not followed.converged:
        exposures = []
    flags = list(found.flags)
    if window is None:
        alone = "one dose" if len(doses) == 1 else f"{len(doses)} doses, all at one time"
        flags.append(f"{alone}: {NO_INTERVAL}")
    if lent and not in_muscle:
        flags.append("the model has no uptake from under the skin; that from a muscle is lent to it")
    answer = Simulated(
        model=model.id,
        name=model.name,
        kind=model.kind,
        baseline_g_per_l=followed.baseline_g_per_l,
        interval_day=window,
        exposure=exposures[0] if exposures else None,
        at=_levels(followed, day) if followed.converged else (),
        flags=tuple(flags),
        sources=tuple(
            dict.fromkeys([*found.sources, *(known.muscle.sources if lent and known.muscle else ())])
        ),
        message=None if followed.converged else NOT_CONVERGED,
        muscle=_muscle_band(exposures) if in_muscle and exposures else None,
    )
    if answer.exposure is None or model.residual is None:
        return answer
    spread = model.residual.at(answer.exposure.cavg_g_per_l)
    return replace(answer, readability=_readability(answer.exposure, spread, model.spread_from or model.id))


def _exposures(followed: Course, window: tuple[float, float]) -> list[Exposure]:
    """One exposure for each lane of the course."""
    begin, end = window
    found, base = followed.stretch(begin, end), followed.baseline_g_per_l
    return [
        Exposure(
            cmax_g_per_l=base + high,
            cmin_g_per_l=base + low,
            cavg_g_per_l=base + area / (end - begin),
            rise_mean_g_per_l=area / (end - begin),
            auc_g_day_per_l=base * (end - begin) + area,
        )
        for high, low, area in zip(
            found.highest_g_per_l.tolist(),
            found.lowest_g_per_l.tolist(),
            found.area_g_day_per_l.tolist(),
            strict=True,
        )
    ]


def _levels(followed: Course, day: FloatArray) -> tuple[Level, ...]:
    base = followed.baseline_g_per_l
    rise, change = (part[0].tolist() for part in followed.sample(day))
    return tuple(
        Level(
            day=when,
            total_g_per_l=base + up,
            endogenous_g_per_l=base + moved,
            autoantibody_fraction=1.0 + moved / base if followed.endogenous_told else None,
        )
        for when, up, moved in zip(day.tolist(), rise, change, strict=True)
    )


def _muscle_lanes(muscle: MuscleFacts) -> Uptake:
    """Typical uptake, then the corners of its ranges, then that from the buttock by each ratio of sites."""
    corners = [(ka, f) for ka in muscle.ka_limits_per_day for f in muscle.bioavailability_limits]
    ratios = [ratio for limits in muscle.site_ratio.values() for ratio in limits]
    buttock = [(muscle.ka_per_day, muscle.bioavailability / ratio) for ratio in ratios]
    lanes = np.array([(muscle.ka_per_day, muscle.bioavailability), *corners, *buttock])
    return Uptake(lanes[:, 0], lanes[:, 1], lent=True)


_CORNERS = 4


def _muscle_band(exposures: Sequence[Exposure]) -> MuscleBand:
    buttock = [each.rise_mean_g_per_l for each in exposures[1 + _CORNERS :]]
    return MuscleBand(band(exposures[: 1 + _CORNERS]), (min(buttock), max(buttock)) if buttock else None)


def _readability(exposure: Exposure, level_sd: float, sd_from: str) -> Readability:
    """Two means of n levels each differ by 1.96 sqrt(2 / n) SD in 1 of 20 pairs by chance alone."""
    visible = _NORMAL_95 * math.sqrt(2.0) * level_sd
    rise = exposure.rise_mean_g_per_l
    return Readability(
        level_sd_g_per_l=level_sd,
        sd_from=sd_from,
        visible_g_per_l=visible,
        # a million million is as good as never, and a square beyond the largest number would be none
        levels_needed=math.ceil(min(visible / rise, 1e6) ** 2),
        can_guide=rise >= visible,
    )
