"""What a dose does to IgG in many people: bands over time, and how many reach a level.

A typical person says nothing of how much people differ. Here a crowd is taken through every model, a few
thousand people at a time, so that memory does not grow with the crowd; counts are exact, and a quantile is
exact or comes with its error. Models are averaged as a mixture: a person follows one of them, with its weight
as the probability, so the band of the average holds what the models disagree about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.crowd_levels import (
    CHUNK,
    Dosing,
    FlagCounts,
    chunks,
    crowd_parameters,
    everybody,
    first_course,
    steady,
    steady_course,
)
from globulin.exposure.facts import Catalogue, ModelFacts, catalogue
from globulin.exposure.history import LAST_DAY
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.models import Parameters
from globulin.exposure.quantiles import (
    RELATIVE_WIDTH,
    StreamedQuantiles,
    mixture_quantiles,
    row_quantiles,
)
from globulin.exposure.simulation import Models
from globulin.exposure.virtual_people import Crowd

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
Progress = Callable[[int, int], None]
"""Told how many people are done, of how many: every model counts its own."""

# so many values are kept to be sorted; more are counted in classes as they come
_MOST_KEPT = 40_000_000
# levels in g/L between which classes are counted; beyond, they count as these
_LOWEST, _HIGHEST = 0.05, 1000.0
_MOST_DAYS = 5_000
_STEADY_ROWS = ("trough", "average", "peak")
# a periodic solution of the saturable equations costs more than a chunk of linear ones
_RECYCLING_CHUNK = 2_048
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Reached:
    """How many people have a level at or above a target; the interval is Wilson's for a share.

    `people` is an exact count; None for an average of models, whose share is the weighted mean of theirs.
    """

    level: Literal["trough", "average"]
    target_g_per_l: float
    people: int | None
    share: float
    share_low: float | None
    share_high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """What one model, or an average of models, says of a crowd. Levels are total IgG in g/L.

    `band` holds quantiles (`probabilities`) over `day` (probabilities x days). `interval` holds quantiles of
    trough and, at steady state, average and peak over one interval, by name. `error` bounds what a quantile
    is off by, as a fraction of itself; 0 where it is exact. `reached` has one entry for each level a target
    was given for. `people_outside`: for how many the model was not made. `levels` (days x people) is there
    if it was asked for. Where `message` says why there is no answer, arrays are empty.
    """

    model: str
    name: str
    kind: Literal["linear", "recycling", "average"]
    people: int
    probabilities: tuple[float, ...]
    day: FloatArray
    band: FloatArray
    interval: Mapping[str, FloatArray]
    error: float
    reached: tuple[Reached, ...]
    people_outside: int
    flags: tuple[str, ...]
    sources: tuple[str, ...]
    message: str | None = None
    weight: float | None = None
    members: tuple[Population, ...] = ()
    levels: FloatArray | None = None


def simulate_population(
    models: Models,
    which: Sequence[str] | str,
    crowd: Crowd,
    dosing: Dosing,
    *,
    doses: int | None = None,
    at_day: ArrayLike = (),
    target_g_per_l: float | None = None,
    probabilities: Sequence[float] = PROBABILITIES,
    keep: bool = False,
    progress: Progress | None = None,
) -> tuple[Population, ...]:
    """IgG of everybody in `crowd` under `dosing`, by each of the models `which` (ids or averages).

    `doses` None: at steady state, and `at_day` counts from a dose (by default 29 days over the interval).
    With `doses`, so many from the first one on, and by default every day of them; the trough is then that
    before the next dose would be due. `at_day` must be in order, each once. `keep` returns the levels, days x
    people. Raises ValueError, naming the argument, for an unknown model, a route by which no member has an
    uptake, or days or probabilities out of range.
    """
    known = models if isinstance(models, Catalogue) else catalogue(models)
    day = _days(at_day, dosing, doses)
    if target_g_per_l is not None:
        checked_array("target_g_per_l", target_g_per_l, above=0.0)
    row_quantiles(np.ones((1, 1)), probabilities)
    asked = _Asked(crowd, dosing, doses, day, target_g_per_l, tuple(probabilities), keep, progress)
    answers = [_answer(known, name, asked) for name in ([which] if isinstance(which, str) else which)]
    return tuple(replace(answer, flags=(*answer.flags, *crowd.words)) for answer in answers)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    crowd: Crowd
    dosing: Dosing
    doses: int | None
    day: FloatArray
    target: float | None
    probabilities: tuple[float, ...]
    keep: bool
    progress: Progress | None


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One model's answer with what a mixture needs of it."""

    answer: Population
    streams: tuple[StreamedQuantiles, StreamedQuantiles] | None


def _days(at_day: ArrayLike, dosing: Dosing, doses: int | None) -> FloatArray:
    day = np.atleast_1d(checked_array("at_day", at_day))
    if day.ndim != 1 or np.any(np.diff(day) <= 0.0):
        raise ValueError("at_day must be in order, each day once")
    if day.size > _MOST_DAYS:
        raise ValueError(f"at_day must be at most {_MOST_DAYS:,} days")
    if np.any((day < 0.0) | (day > LAST_DAY)):
        raise ValueError(f"at_day must be between 0 and {LAST_DAY:g}")
    if doses is None:
        return day if day.size else np.linspace(0.0, dosing.interval_day, 29)
    end = doses * dosing.interval_day
    if day.size:
        return day
    return np.arange(0.0, end + 1.0) if end < _MOST_DAYS else np.linspace(0.0, end, 1001)


class _Rows:
    """Levels of a crowd in rows: kept where they fit, counted in classes where they do not."""

    def __init__(self, rows: int, people: int, *, keep: bool = False) -> None:
        self.kept = np.empty((rows, people)) if keep or rows * people <= _MOST_KEPT else None
        self._stream = None if self.kept is not None else self._classes(rows)

    @staticmethod
    def _classes(rows: int) -> StreamedQuantiles:
        return StreamedQuantiles(rows, lowest=_LOWEST, highest=_HIGHEST)

    @property
    def error(self) -> float:
        return 0.0 if self._stream is None else RELATIVE_WIDTH

    def room(self, start: int, stop: int, rows: int) -> FloatArray:
        """Where levels of a chunk are to be written."""
        return np.empty((rows, stop - start)) if self.kept is None else self.kept[:, start:stop]

    def add(self, levels: FloatArray) -> None:
        """Count a chunk that has been written."""
        if self._stream is not None:
            self._stream.add(levels)

    def quantiles(self, probabilities: Sequence[float]) -> FloatArray:
        if self._stream is not None:
            return self._stream.quantiles(probabilities)
        assert self.kept is not None  # noqa: S101
        return row_quantiles(self.kept, probabilities)

    def stream(self) -> StreamedQuantiles:
        """The levels in classes, for a mixture."""
        if self._stream is not None:
            return self._stream
        assert self.kept is not None  # noqa: S101
        made = self._classes(len(self.kept))
        made.add(self.kept)
        return made


def _answer(known: Catalogue, identifier: str, asked: _Asked) -> Population:
    members = known.members(identifier)
    average = identifier in known.averages
    usable = [(model, weight) for model, weight in members if has_route(known, model, asked.dosing.route)]
    if not usable:
        names = ", ".join(model.id for model, _ in members)
        raise ValueError(f"route must be one by which {names} has an uptake, not '{asked.dosing.route}'")
    found = [(_of_model(known, model, asked, mixed=average), weight) for model, weight in usable]
    if not average:
        return found[0][0].answer
    left_out = tuple(
        f"{model.id} is left out: no uptake by route {asked.dosing.route}"
        for model, _ in members
        if model.id not in {used.id for used, _ in usable}
    )
    facts = known.averages[identifier]
    return _mixture(facts.id, facts.name, (*left_out, *facts.caveats), found, asked)


def has_route(known: Catalogue, model: ModelFacts, route: str) -> bool:
    """Whether a model can be used for doses by a route, its own uptake or one lent to it."""
    if route == "iv":
        return True
    if route == "im" or model.kind == "recycling":
        return known.muscle is not None
    return {"ka", f"f_{route}"} <= model.theta.keys()


def _of_model(known: Catalogue, model: ModelFacts, asked: _Asked, *, mixed: bool) -> _Member:
    crowd, dosing, day = asked.crowd, asked.dosing, asked.day
    rows = _STEADY_ROWS if asked.doses is None else _STEADY_ROWS[:1]
    over_time = _Rows(day.size, crowd.size, keep=asked.keep)
    interval = _Rows(len(rows), crowd.size)
    counts = dict.fromkeys((name for name in rows if name != "peak"), 0)
    flags, unsolved = FlagCounts(), 0
    size = _RECYCLING_CHUNK if model.kind == "recycling" and asked.doses is None else CHUNK
    for start, stop in chunks(crowd.size, size):
        found = crowd_parameters(model, crowd, start, stop, known.muscle)
        flags.add(found)
        levels = over_time.room(start, stop, day.size)
        described = interval.room(start, stop, len(rows))
        unsolved += _fill(found, asked, levels, described)
        if unsolved:
            break
        over_time.add(levels)
        interval.add(described)
        for name, row in zip(rows, described, strict=True):
            if name in counts and asked.target is not None:
                counts[name] += int(np.count_nonzero(row >= asked.target))
        if asked.progress is not None:
            asked.progress(stop, crowd.size)
    answer = Population(
        model=model.id,
        name=model.name,
        kind=model.kind,
        people=crowd.size,
        probabilities=asked.probabilities,
        day=day,
        band=np.empty((len(asked.probabilities), 0)),
        interval={},
        error=0.0,
        reached=(),
        people_outside=flags.outside,
        flags=flags.words,
        sources=_sources(known, model, crowd, dosing),
    )
    if unsolved:
        return _Member(
            replace(answer, message=f"the equations did not converge for {unsolved:,} people"), None
        )
    described_at = interval.quantiles(asked.probabilities)
    answer = replace(
        answer,
        band=over_time.quantiles(asked.probabilities),
        interval={name: described_at[:, index] for index, name in enumerate(rows)},
        error=max(over_time.error, interval.error),
        reached=_reached(counts, crowd.size, asked.target),
        levels=over_time.kept if asked.keep else None,
    )
    return _Member(answer, (over_time.stream(), interval.stream()) if mixed else None)


def _fill(found: Parameters, asked: _Asked, levels: FloatArray, described: FloatArray) -> int:
    """Levels over time and over the interval of a chunk; how many people have no solution."""
    dosing = asked.dosing
    doses_g = dosing.doses_g(np.asarray(found.weight_kg))
    if asked.doses is not None:
        end = asked.doses * dosing.interval_day
        day = np.union1d(asked.day, [end])
        rows = np.searchsorted(day, asked.day)
        both = levels if day.size == asked.day.size else np.empty((day.size, levels.shape[1]))
        first_course(found, dosing, asked.doses, doses_g, day, both)
        described[0] = both[np.searchsorted(day, end)]
        if both is not levels:
            levels[:] = both[rows]
        return 0
    state = steady(found, dosing, doses_g)
    base = everybody(found, "base")
    for row, name in zip(described, _STEADY_ROWS, strict=True):
        row[:] = state.of(name) + base
    # every interval is like the first
    folded, place = np.unique(np.mod(asked.day, dosing.interval_day), return_inverse=True)
    levels[:] = steady_course(found, dosing, doses_g, folded)[place]
    return int(np.count_nonzero(~state.converged))


def _reached(counts: Mapping[str, int], people: int, target: float | None) -> tuple[Reached, ...]:
    if target is None:
        return ()
    return tuple(
        Reached(level, target, count, count / people, *wilson(count, people))
        for level in ("trough", "average")
        if (count := counts.get(level)) is not None
    )


def wilson(count: int, people: int) -> tuple[float, float]:
    """95% interval of a share by Wilson (J Am Stat Assoc 1927;22:209-212)."""
    share, square = count / people, _NORMAL_95**2
    centre = (share + square / (2 * people)) / (1 + square / people)
    half = (
        _NORMAL_95
        * math.sqrt(share * (1 - share) / people + square / (4 * people**2))
        / (1 + square / people)
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def _mixture(
    identifier: str,
    name: str,
    flags: tuple[str, ...],
    found: Sequence[tuple[_Member, float]],
    asked: _Asked,
) -> Population:
    used = [(member, weight) for member, weight in found if member.streams is not None]
    failed = tuple(
        f"{each.answer.model} is left out: {each.answer.message}" for each, _ in found if each.answer.message
    )
    total = sum(weight for _, weight in used)
    weights = [weight / total for _, weight in used]
    members = tuple(
        replace(member.answer, weight=weight) for (member, _), weight in zip(used, weights, strict=True)
    )
    first = found[0][0].answer
    shared = tuple(flag for flag in first.flags if all(flag in each.answer.flags for each, _ in found))
    answer = replace(
        first,
        model=identifier,
        name=name,
        kind="average",
        people_outside=max((member.people_outside for member in members), default=0),
        flags=(*flags, *failed, *shared),
        sources=tuple(dict.fromkeys(source for member in members for source in member.sources)),
        members=members,
        levels=None,
        reached=(),
        message=None if members else "no member has an answer",
    )
    if not members:
        return answer
    streams = [member.streams for member, _ in used if member.streams is not None]
    band, interval = (
        mixture_quantiles([pair[index] for pair in streams], weights, asked.probabilities) for index in (0, 1)
    )
    return replace(
        answer,
        band=band,
        interval={level: interval[:, index] for index, level in enumerate(members[0].interval)},
        error=RELATIVE_WIDTH,
        reached=_mixed_shares([member.reached for member in members], weights),
    )


def _mixed_shares(reached: Sequence[tuple[Reached, ...]], weights: Sequence[float]) -> tuple[Reached, ...]:
    return tuple(
        Reached(
            same[0].level,
            same[0].target_g_per_l,
            None,
            sum(weight * each.share for weight, each in zip(weights, same, strict=True)),
            None,
            None,
        )
        for same in zip(*reached, strict=True)
    )


def _sources(known: Catalogue, model: ModelFacts, crowd: Crowd, dosing: Dosing) -> tuple[str, ...]:
    lent = dosing.route == "im" or (dosing.route != "iv" and model.kind == "recycling")
    muscle = known.muscle.sources if lent and known.muscle is not None else ()
    people = crowd.source.sources if crowd.source is not None and crowd.given is None else ()
    return tuple(dict.fromkeys([*model.sources, *muscle, *people]))
