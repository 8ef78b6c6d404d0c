"""What one model says of the people of a crowd: their parameters, levels over time, and steady states.

Arrays people wide, made for a few thousand people at a time. What is asked of a population, or of a share of
it, starts from these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from globulin.exposure import fcrn, linear, linear_population, recycling_population
from globulin.exposure.facts import ModelFacts, MuscleFacts
from globulin.exposure.history import Epoch, repeated
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.linear_course import linear_course
from globulin.exposure.models import Parameters, parameters
from globulin.exposure.recycling_course import RecyclingCourse
from globulin.exposure.recycling_solver import lanes_of, solve_steady
from globulin.exposure.virtual_people import Crowd

CHUNK = 16_384
"""People worked on at once."""

# lanes of a periodic solution worked on at once: their matrices stay in the processor's cache
_LANES = 64

_NO_SPREAD = (
    "how much its parameters vary between people was not published: people differ only in body and own IgG,"
    " so the true spread is wider"
)


@dataclass(frozen=True, slots=True)
class Dosing:
    """A dose that is repeated: `grams` for everybody, or `grams` for each kg of body weight.

    Raises ValueError, naming the argument, for what `history.repeated` refuses.
    """

    grams: float
    per_kg: bool
    interval_day: float
    route: str = "iv"
    infusion_day: float | None = None
    daily_parts: int = 1

    def __post_init__(self) -> None:
        checked_array("dose_g_per_kg" if self.per_kg else "dose_g", self.grams, above=0.0)
        self.epoch(1)

    def doses_g(self, weight_kg: FloatArray) -> FloatArray:
        """Grams of one dose (all its parts) of each person."""
        return np.asarray(self.grams * weight_kg if self.per_kg else np.full_like(weight_kg, self.grams))

    def epoch(self, doses: int, *, steady: bool = False) -> Epoch:
        """The doses in time, each of 1 g; `steady`: and for ever before that."""
        return _epoch(self, doses, steady=steady)

    @property
    def runs_day(self) -> float:
        """How long one part runs."""
        return float(self.epoch(1).infusion_day[0])


# a crowd is worked on in chunks, which all ask for the same
@lru_cache(maxsize=16)
def _epoch(dosing: Dosing, doses: int, *, steady: bool) -> Epoch:
    given = repeated(
        1.0,
        dosing.interval_day,
        doses,
        route=dosing.route,
        infusion_day=dosing.infusion_day,
        daily_parts=dosing.daily_parts,
        steady=steady,
    )
    return given.epochs()[0]


@dataclass(frozen=True, slots=True, eq=False)
class Steady:
    """Rise of total IgG at steady state, one value per person, in g/L; `converged` where it can be used."""

    peak_g_per_l: FloatArray
    trough_g_per_l: FloatArray
    average_g_per_l: FloatArray
    converged: fcrn.BoolArray

    def of(self, name: str) -> FloatArray:
        """One of trough, average, peak, by name."""
        found: FloatArray = getattr(self, f"{name}_g_per_l")
        return found


def crowd_parameters(
    model: ModelFacts, crowd: Crowd, start: int, stop: int, muscle: MuscleFacts | None
) -> Parameters:
    """Parameters of `model` for people `start` to `stop`, with their own effects.

    Own IgG of a virtual group is that of people who make a normal amount. A model that has a level of its own
    for people who make little keeps it, with the spread it was published with; one that was given with the
    people holds everywhere.
    """
    person = crowd.person(start, stop)
    if crowd.given is None and model.baseline_kind != "observed":
        person = replace(person, baseline_g_per_l=None)
    spread = dict(model.between_subject_sd)
    if person.baseline_g_per_l is not None:
        spread.pop("base", None)
    found = parameters(model, person, muscle).scaled(crowd.factors(spread, start, stop))
    return replace(found, flags=(*found.flags, _spread_words(model, spread)))


def _spread_words(model: ModelFacts, spread: Mapping[str, float]) -> str:
    if not spread:
        return _NO_SPREAD
    printed = ", ".join(f"{name} {100 * math.sqrt(math.expm1(sd**2)):.0f}%" for name, sd in spread.items())
    lender = f", lent by {model.effects_from}" if model.effects_from != model.id else ""
    aside = f"; the printed spread of {', '.join(model.set_aside)} is too large to use" * bool(
        model.set_aside
    )
    return (
        f"spread between people{lender} (CV, lognormal, independent): {printed}; other parameters are the"
        f" same for everybody of one body{aside}"
    )


def everybody(found: Parameters, name: str) -> FloatArray:
    """A parameter, or the baseline, as one value per person."""
    return np.broadcast_to(found.values[name], np.shape(found.weight_kg))


def steady(
    found: Parameters, dosing: Dosing, doses_g: FloatArray, interval_day: FloatArray | None = None
) -> Steady:
    """Steady state of each person, who gets `doses_g` at the interval of `dosing`, or at an own one.

    Linear models in closed form, recycling by `fcrn.steady_state`.
    """
    interval = dosing.interval_day if interval_day is None else interval_day
    if found.kind == "linear":
        level = linear.steady_state(
            found.disposition(dosing.route),
            dose_g=doses_g,
            interval_day=interval,
            infusion_day=dosing.runs_day,
            absorbed=dosing.route != "iv",
            daily_parts=dosing.daily_parts,
        )
        columns = (level.peak_g_per_l, level.trough_g_per_l, level.average_g_per_l)
        return Steady(*columns, np.ones(np.shape(level.peak_g_per_l), dtype=np.bool_))
    ka, fraction = _uptake(found, dosing.route)
    rise = fcrn.steady_state(
        found.recycling(),
        weight_kg=found.weight_kg,
        dose_g=doses_g,
        interval_day=interval,
        infusion_day=dosing.runs_day,
        absorption_per_day=ka,
        bioavailability=fraction,
        daily_parts=dosing.daily_parts,
    )
    return Steady(rise.peak_rise_g_per_l, rise.trough_rise_g_per_l, rise.average_rise_g_per_l, rise.converged)


def steady_course(found: Parameters, dosing: Dosing, doses_g: FloatArray, day: FloatArray) -> FloatArray:
    """Total IgG at days counted from a dose at steady state, at most one interval: times x people, in g/L."""
    epoch = dosing.epoch(1, steady=True)
    if found.kind == "linear":
        whole = taken(found, np.arange(doses_g.size))
        per_gram = linear_course({dosing.route: whole.disposition(dosing.route)}, epoch).rise(day)
        rise = np.atleast_2d(per_gram).T * doses_g
    else:
        rise = _recycling_course(found, dosing, doses_g, day)
    return np.asarray(rise + everybody(found, "base"))


def first_course(
    found: Parameters, dosing: Dosing, doses: int, doses_g: FloatArray, day: FloatArray, out: FloatArray
) -> None:
    """Fill `out`, times x people, with total IgG in g/L over `doses` doses from the first one on."""
    epoch = dosing.epoch(doses)
    # one row: every dose of an epoch is the same
    grams = epoch.dose_g[:1, None] * doses_g
    if found.kind == "linear":
        linear_population.paths(
            found.disposition(dosing.route),
            day=day,
            dose_day=epoch.day,
            dose_g=grams,
            infusion_day=epoch.infusion_day,
            absorbed=dosing.route != "iv",
            baseline_g_per_l=found.baseline_g_per_l,
            out=out,
        )
        return
    ka, fraction = _uptake(found, dosing.route)
    recycling_population.paths(
        found.recycling(),
        weight_kg=found.weight_kg,
        day=day,
        dose_day=epoch.day,
        dose_g=grams,
        infusion_day=epoch.infusion_day,
        absorption_per_day=ka,
        bioavailability=fraction,
        out=out,
    )


def _recycling_course(found: Parameters, dosing: Dosing, doses_g: FloatArray, day: FloatArray) -> FloatArray:
    """Rise at steady state, times x people: everybody has the same interval, so the elements are shared."""
    ka, fraction = _uptake(found, dosing.route)
    shape = np.shape(doses_g)
    lanes, _, (dose, interval, runs) = lanes_of(
        found.recycling(),
        found.weight_kg,
        ka,
        fraction,
        doses_g,
        np.broadcast_to(dosing.interval_day, shape),
        np.broadcast_to(dosing.runs_day, shape),
    )
    rise = np.empty((day.size, *shape))
    for start, stop in chunks(doses_g.size, _LANES):
        part = slice(start, stop)
        solved = solve_steady(lanes.take(part), dose[part], interval[part], runs[part], dosing.daily_parts)
        edge = np.concatenate([[0.0], np.cumsum(solved.inputs.step[:, 0])])
        plasma = solved.rise.plasma
        course = RecyclingCourse(
            edge, solved.start(), plasma, solved.change.plasma, np.zeros_like(plasma), solved.converged
        )
        rise[:, part] = course.sample(day)[0].T
    return rise


class FlagCounts:
    """Words about people, counted over the chunks of a crowd."""

    def __init__(self) -> None:
        self._people: dict[str, int] = {}
        self._size = 0
        self.outside = 0

    def add(self, found: Parameters) -> None:
        """Count what is said of one chunk."""
        size = int(np.size(found.weight_kg))
        self._size += size
        self.outside += int(np.sum(found.outside))
        for words in found.flags:
            part = re.fullmatch(r"([\d,]+) of [\d,]+ people: (.*)", words)
            of_whom, said = (int(part[1].replace(",", "")), part[2]) if part else (size, words)
            self._people[said] = self._people.get(said, 0) + of_whom

    @property
    def words(self) -> tuple[str, ...]:
        """Every flag once, with the number of people if it is not all of them."""
        return tuple(
            said if count == self._size else f"{count:,} of {self._size:,} people: {said}"
            for said, count in self._people.items()
        )


def chunks(people: int, size: int = CHUNK) -> list[tuple[int, int]]:
    """From whom to whom each chunk goes."""
    return [(start, min(start + size, people)) for start in range(0, people, size)]


def _uptake(found: Parameters, route: str) -> tuple[FloatArray | None, FloatArray | float]:
    if route == "iv":
        return None, 1.0
    return found.uptake[route].absorption_per_day, found.uptake[route].bioavailability


def taken(found: Parameters, who: NDArray[np.intp]) -> Parameters:
    """The same for some of the people, with one value per person in every parameter."""
    shape = np.shape(found.weight_kg)

    def part(value: FloatArray) -> FloatArray:
        return np.broadcast_to(value, shape)[who]

    uptake = {
        route: replace(
            each,
            absorption_per_day=part(each.absorption_per_day),
            bioavailability=part(each.bioavailability),
        )
        for route, each in found.uptake.items()
    }
    values: Mapping[str, FloatArray] = {name: part(value) for name, value in found.values.items()}
    outside = np.broadcast_to(found.outside, shape)[who]
    return replace(found, weight_kg=found.weight_kg[who], values=values, uptake=uptake, outside=outside)
