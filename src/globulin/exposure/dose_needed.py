"""Asking backwards: which dose, or which interval, gives a level.

Linear models answer in closed form, for levels are in proportion to the dose; recycling models by a search,
for levels only rise with it. For a share of a population every person is asked, and the answer is an order
statistic of theirs. A target that cannot be reached is an answer with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from globulin.exposure.crowd_levels import (
    Dosing,
    FlagCounts,
    chunks,
    crowd_parameters,
    everybody,
    steady,
    taken,
)
from globulin.exposure.facts import Catalogue, ModelFacts, catalogue
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.models import BODY, Parameters, Person, parameters
from globulin.exposure.population import Progress, has_route
from globulin.exposure.results import Simulated
from globulin.exposure.roots import increasing_root
from globulin.exposure.simulation import Models, steady_state
from globulin.exposure.virtual_people import Crowd

Target = Literal["trough", "average", "peak", "rise"]
TARGETS: tuple[Target, ...] = ("trough", "average", "peak", "rise")
"""Lowest, mean or highest total IgG over an interval, or the mean above the person's own."""

MOST_G_PER_KG_28_DAY = 4.0
"""The largest dose that is looked at: twice the highest one in use, 2 g/kg every 28 days."""

LONGEST_INTERVAL_DAY = 84.0
SHORTEST_INTERVAL_DAY = 1.0
"""Intervals between which one is looked for."""

_LEAST_G = 1e-9
_CHUNK = 2_048
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class DoseNeeded:
    """The dose of one model, or of an average, that reaches a target at steady state.

    For one person `dose_g` and `dose_g_per_kg` are both given, and `at_dose` says what else the dose does; an
    average answers for the weighted mean of its models, while `members` have each its own answer. For a share
    of a crowd one of the two is given, the same for everybody: the smallest with which the share reaches the
    target; `between` is the 95% interval that the size of the crowd leaves (of the interval, where that was
    asked for). Where nothing fits, numbers are None and `message` says why.
    """

    model: str
    name: str
    kind: Literal["linear", "recycling", "average"]
    target: Target
    target_g_per_l: float
    dose_g: float | None
    dose_g_per_kg: float | None
    interval_day: float | None
    message: str | None
    at_dose: Simulated | None
    share: float | None
    people: int | None
    between: tuple[float, float] | None
    flags: tuple[str, ...]
    sources: tuple[str, ...]
    weight: float | None = None
    members: tuple[DoseNeeded, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    target: Target
    level: float
    dosing: Dosing
    seek: Literal["dose", "interval"]
    share: float | None
    progress: Progress | None


def dose_for(
    models: Models,
    which: Sequence[str] | str,
    whom: Person | Crowd,
    *,
    target: Target = "trough",
    g_per_l: float,
    interval_day: float | None = None,
    dose_g: float | None = None,
    dose_g_per_kg: float | None = None,
    route: str = "iv",
    infusion_day: float | None = None,
    daily_parts: int = 1,
    share: float | None = None,
    per_kg: bool = True,
    progress: Progress | None = None,
) -> tuple[DoseNeeded, ...]:
    """The dose for a target at `interval_day`; or, where a dose is given instead, the longest interval.

    `whom`: one person, or a crowd of whom a `share` is to reach the target (at or above); the dose is then
    sought in g/kg, or with `per_kg` false in grams for everybody. Raises ValueError, naming the argument, for
    an unknown model or target, a share outside 0 to 1, and unless exactly one of interval and dose is given.
    """
    known = models if isinstance(models, Catalogue) else catalogue(models)
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}")
    checked_array("g_per_l", g_per_l, above=0.0)
    doses = [(dose_g, False), (dose_g_per_kg, True)]
    given = [(grams, by_weight) for grams, by_weight in doses if grams is not None]
    if (interval_day is None) == (not given) or len(given) > 1:
        raise ValueError("interval_day must be given, or one of dose_g and dose_g_per_kg, and not both")
    if isinstance(whom, Crowd) != (share is not None):
        raise ValueError("share must be given for a crowd, and only for one")
    if share is not None and not 0.0 < share < 1.0:
        raise ValueError("share must be between 0 and 1, such as 0.9")
    grams, by_weight = given[0] if given else (1.0, per_kg)
    if interval_day is None and daily_parts > LONGEST_INTERVAL_DAY:
        raise ValueError(f"daily_parts must fit an interval of at most {LONGEST_INTERVAL_DAY:g} days")
    interval = LONGEST_INTERVAL_DAY if interval_day is None else interval_day
    dosing = Dosing(grams, by_weight, interval, route, infusion_day, daily_parts)
    asked = _Asked(target, g_per_l, dosing, "interval" if given else "dose", share, progress)
    about = whom.words if isinstance(whom, Crowd) else ()
    answers = [_answer(known, name, whom, asked) for name in ([which] if isinstance(which, str) else which)]
    return tuple(replace(answer, flags=(*answer.flags, *about)) for answer in answers)


def _answer(known: Catalogue, identifier: str, whom: Person | Crowd, asked: _Asked) -> DoseNeeded:
    route = asked.dosing.route
    usable = [pair for pair in known.members(identifier) if has_route(known, pair[0], route)]
    if not usable:
        raise ValueError(f"route must be one by which '{identifier}' has an uptake, not '{route}'")
    total = sum(weight for _, weight in usable)
    members = [(model, weight / total) for model, weight in usable]
    if isinstance(whom, Crowd):
        return _for_share(known, identifier, members, whom, asked)
    if whom.shape:
        raise ValueError("whom must be one person, or a crowd")
    return _for_person(known, identifier, members, whom, asked)


# --- one person --------------------------------------------------------------------------------------


def _for_person(
    known: Catalogue,
    identifier: str,
    models: Sequence[tuple[ModelFacts, float]],
    person: Person,
    asked: _Asked,
) -> DoseNeeded:
    alone = _of_length_one(person)
    found = [(parameters(model, alone, known.muscle), weight) for model, weight in models]
    value, message = _solve(found, asked)
    weight_kg = float(person.weight_kg)
    dose: float | None
    interval: float | None
    if asked.seek == "dose":
        dose, interval = value, asked.dosing.interval_day
    else:
        dose, interval = float(asked.dosing.doses_g(np.array([weight_kg]))[0]), value
    at_dose = None
    if value is not None and dose is not None and interval is not None and dose > 0.0:
        (at_dose,) = steady_state(
            known,
            identifier,
            person,
            dose_g=dose,
            interval_day=interval,
            route=asked.dosing.route,
            infusion_day=asked.dosing.infusion_day,
            daily_parts=asked.dosing.daily_parts,
        )
    average = identifier in known.averages
    first = models[0][0]
    return DoseNeeded(
        model=identifier,
        name=known.averages[identifier].name if average else first.name,
        kind="average" if average else first.kind,
        target=asked.target,
        target_g_per_l=asked.level,
        dose_g=dose,
        dose_g_per_kg=None if dose is None else dose / weight_kg,
        interval_day=interval,
        message=message,
        at_dose=at_dose,
        share=None,
        people=None,
        between=None,
        flags=at_dose.flags if at_dose else tuple(dict.fromkeys(f for each, _ in found for f in each.flags)),
        sources=at_dose.sources
        if at_dose
        else tuple(dict.fromkeys(name for each, _ in found for name in each.sources)),
        members=tuple(
            replace(_for_person(known, model.id, [(model, 1.0)], person, asked), weight=weight)
            for model, weight in models
        )
        if average
        else (),
    )


def _of_length_one(person: Person) -> Person:
    fields: dict[str, Any] = {
        name: np.atleast_1d(value) for name in (*BODY, "sex") if (value := getattr(person, name)) is not None
    }
    return replace(person, **fields)


def _solve(found: Sequence[tuple[Parameters, float]], asked: _Asked) -> tuple[float | None, str | None]:
    """The dose in g or the interval in days of one person, by the weighted mean of models."""
    base = sum(weight * float(everybody(each, "base")[0]) for each, weight in found)
    need = asked.level - (0.0 if asked.target == "rise" else base)
    if need <= 0.0:
        without = f"the person's own level without treatment, {base:.3g} g/L, is not below the target"
        return (0.0 if asked.seek == "dose" else None), f"{without}: no dose is needed"

    value = float(_values(found, np.array([need]), asked)[0])
    return (value, None) if math.isfinite(value) else (None, _not_reached(asked))


def _not_reached(asked: _Asked) -> str:
    if asked.seek == "dose":
        return (
            f"not reached with {MOST_G_PER_KG_28_DAY:g} g/kg every 28 days, twice the highest dose in use;"
            " larger doses are not looked at"
        )
    return f"not reached even at the shortest interval, {_shortest_day(asked.dosing):g} days"


def _shortest_day(dosing: Dosing) -> float:
    return max(SHORTEST_INTERVAL_DAY, float(dosing.daily_parts))


def _values(found: Sequence[tuple[Parameters, float]], need: FloatArray, asked: _Asked) -> FloatArray:
    """Dose in g, or interval in days, at which the weighted mean rise of each person is `need`.

    NaN where none within the limits is; the longest interval where that is still enough.
    """
    dosing = asked.dosing
    weight_kg = np.broadcast_to(np.asarray(found[0][0].weight_kg), need.shape)

    def rise(doses_g: FloatArray, who: NDArray[np.intp], interval: FloatArray | None = None) -> FloatArray:
        parts = [
            weight * _rise(taken(each, who), dosing, doses_g, interval, asked.target)
            for each, weight in found
        ]
        return np.asarray(sum(parts))

    everyone = np.arange(need.size)
    if asked.seek == "dose":
        most = MOST_G_PER_KG_28_DAY * weight_kg * dosing.interval_day / 28.0
        if all(each.kind == "linear" for each, _ in found):
            dose = need / rise(np.ones(need.shape), everyone)
            return np.where(dose <= most, dose, np.nan)
        return increasing_root(rise, need, np.minimum(_LEAST_G, 0.5 * most), most)
    grams = dosing.doses_g(weight_kg)
    # levels fall with the interval, so they rise with its inverse
    often = np.full(need.shape, 1.0 / _shortest_day(dosing))
    seldom = np.full(need.shape, 1.0 / LONGEST_INTERVAL_DAY)
    enough = rise(grams, everyone, 1.0 / seldom) >= need
    rate = increasing_root(lambda inverse, who: rise(grams[who], who, 1.0 / inverse), need, seldom, often)
    return np.where(enough, LONGEST_INTERVAL_DAY, 1.0 / rate)


def _rise(
    found: Parameters, dosing: Dosing, doses_g: FloatArray, interval: FloatArray | None, target: Target
) -> FloatArray:
    """Rise of each person in what the target is about, NaN where nothing converged."""
    state = steady(found, dosing, doses_g, interval)
    return np.where(state.converged, state.of("average" if target == "rise" else target), np.nan)


# --- a share of a crowd ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _CrowdNeeds:
    """What each person needs by one model: dose (in g, or g/kg) or interval; NaN where nothing is enough."""

    model: ModelFacts
    weight: float
    values: FloatArray
    flags: tuple[str, ...]


def _for_share(
    known: Catalogue,
    identifier: str,
    models: Sequence[tuple[ModelFacts, float]],
    crowd: Crowd,
    asked: _Asked,
) -> DoseNeeded:
    needs = [_of_crowd(known, model, weight, crowd, asked) for model, weight in models]
    if identifier not in known.averages:
        return _share_answer(needs, asked)
    facts = known.averages[identifier]
    answer = _share_answer(needs, asked)
    members = tuple(replace(_share_answer([each], asked), weight=each.weight) for each in needs)
    return replace(
        answer,
        model=facts.id,
        name=facts.name,
        kind="average",
        flags=(*facts.caveats, *answer.flags),
        members=members,
    )


def _share_answer(needs: Sequence[_CrowdNeeds], asked: _Asked) -> DoseNeeded:
    """The answer of a mixture of models, named after the first."""
    share, people = asked.share or 0.0, needs[0].values.size
    parts = [(each.values, each.weight if len(needs) > 1 else 1.0) for each in needs]
    value = _order_statistic(parts, share, asked.seek)
    seek_dose, per_kg = asked.seek == "dose", asked.dosing.per_kg
    grams = value if seek_dose else asked.dosing.grams
    model = needs[0].model
    return DoseNeeded(
        model=model.id,
        name=model.name,
        kind=model.kind,
        target=asked.target,
        target_g_per_l=asked.level,
        dose_g=None if per_kg else grams,
        dose_g_per_kg=grams if per_kg else None,
        interval_day=asked.dosing.interval_day if seek_dose else value,
        message=_said_of(value, asked, share),
        at_dose=None,
        share=share,
        people=people,
        between=_between(parts[0][0], share, asked.seek) if len(parts) == 1 else None,
        flags=tuple(flag for flag in needs[0].flags if all(flag in each.flags for each in needs)),
        sources=tuple(dict.fromkeys(name for each in needs for name in each.model.sources)),
    )


def _between(
    values: FloatArray, share: float, seek: Literal["dose", "interval"]
) -> tuple[float, float] | None:
    """95% interval of an order statistic, by those at the ends of the share's own (David & Nagaraja 2003)."""
    reach = _NORMAL_95 * math.sqrt(share * (1.0 - share) / values.size)
    shares = (max(share - reach, 1.0 / values.size), min(share + reach, 1.0))
    ends = [_order_statistic([(values, 1.0)], at, seek) for at in shares]
    known = sorted(end for end in ends if end is not None)
    return (known[0], known[1]) if len(known) == len(ends) else None


def _said_of(value: float | None, asked: _Asked, share: float) -> str | None:
    if value is None:
        return f"for {100 * share:g}% of people {_not_reached(asked)}"
    if asked.seek == "dose" and value == 0.0:
        return f"{100 * share:g}% of people are not below the target without treatment: no dose is needed"
    return None


def _of_crowd(known: Catalogue, model: ModelFacts, weight: float, crowd: Crowd, asked: _Asked) -> _CrowdNeeds:
    values, flags = np.empty(crowd.size), FlagCounts()
    for start, stop in chunks(crowd.size, _CHUNK):
        found = crowd_parameters(model, crowd, start, stop, known.muscle)
        flags.add(found)
        base = 0.0 if asked.target == "rise" else everybody(found, "base")
        need = np.broadcast_to(asked.level - base, (stop - start,))
        values[start:stop] = 0.0 if asked.seek == "dose" else np.inf
        who = np.flatnonzero(need > 0.0)
        if who.size:
            part = taken(found, who)
            needed = _values([(part, 1.0)], need[who], asked)
            by_kg = asked.seek == "dose" and asked.dosing.per_kg
            values[start + who] = needed / part.weight_kg if by_kg else needed
        if asked.progress is not None:
            asked.progress(stop, crowd.size)
    return _CrowdNeeds(model, weight, values, flags.words)


def _order_statistic(
    parts: Sequence[tuple[FloatArray, float]], share: float, seek: Literal["dose", "interval"]
) -> float | None:
    """The smallest dose, or longest interval, with which at least `share` of a mixture have enough."""
    values = np.concatenate([part for part, _ in parts])
    mass = np.concatenate([np.full(part.size, weight / part.size) for part, weight in parts])
    # people without an answer stand at the far end: no dose is enough for them
    needed = np.where(np.isnan(values), np.inf, values if seek == "dose" else -values)
    order = np.argsort(needed, kind="stable")
    total = np.cumsum(mass[order])
    # the sum of many equal parts carries rounding
    at = int(np.searchsorted(total, share - 1e-12))
    value = float(needed[order[min(at, order.size - 1)]])
    if value == math.inf:
        return None
    return value if seek == "dose" else min(-value, LONGEST_INTERVAL_DAY)
