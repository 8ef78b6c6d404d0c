"""Doses as arrays: what was given when, by which route, over how long.

It exists so that every computation on doses (one person's forecast, a fit, a population) reads the same
columns with the same meaning: those of a NONMEM data set (Beal, Sheiner et al., NONMEM Users Guides, part V:
AMT, RATE, II, ADDL, SS), with additional doses written out and routes as numbers. Doses that repeat for ever
before a steady state are never written out; they are solved for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.linear import FloatArray, check_daily_parts, checked_array

ROUTES = ("iv", "sc", "fsc", "im")
"""Vein, under the skin, the same with hyaluronidase, muscle; `History.route` is an index into it."""

INFUSION_DAY = {"iv": 0.25, "sc": 0.0, "fsc": 0.0, "im": 0.0}
"""How long a dose is taken to run where nothing is stated: six hours into a vein, at once into a tissue, from
which uptake takes days."""

MAX_DOSES = 10_000
LAST_DAY = 36_600.0
MOST_G = 2_000.0
"""Most doses, latest day and largest dose of a history; beyond them a unit or a digit was mistaken."""


# an infusion shorter than a tenth of a second is given at once: next to the day it would lose its digits
_AT_ONCE_DAY = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Doses of one person in time order, additional ones written out: arrays of one length.

    `infusion_day` is how long a dose runs (0: at once). Where `rate_fixed`, a rate was stated, and it is dose
    / rate: of a dose into tissue only F reaches the depot, at that rate, so it runs for F dose / rate. Where
    a duration was stated, that is kept, and F lowers the rate. `steady_interval_day` above 0 marks a dose
    that has been given at this interval for ever; doses before it are forgotten. It had then been given in
    `steady_parts` such doses on consecutive days, of which this is the first.
    """

    day: FloatArray
    dose_g: FloatArray
    infusion_day: FloatArray
    route: NDArray[np.intp]
    rate_fixed: NDArray[np.bool_]
    steady_interval_day: FloatArray
    steady_parts: int = 1

    def __len__(self) -> int:
        return self.day.size

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that are used."""
        return tuple(ROUTES[index] for index in sorted(set(self.route.tolist())))

    def take(self, part: Any) -> History:
        """The doses at an index, a slice or a mask."""
        columns = (name for name in self.__slots__ if name != "steady_parts")
        return replace(self, **{name: getattr(self, name)[part] for name in columns})

    def entering(self, bioavailability: Mapping[str, float]) -> History:
        """With the time that each dose takes to enter, once the fraction F of its route is known.

        A stated rate is that at which F times the dose enters a tissue; a stated duration stays.
        """
        fraction = np.array([bioavailability.get(name, 1.0) for name in ROUTES])[self.route]
        lasts = np.where(self.rate_fixed, fraction * self.infusion_day, self.infusion_day)
        return replace(self, infusion_day=lasts, rate_fixed=np.zeros_like(self.rate_fixed))

    def epochs(self) -> tuple[Epoch, ...]:
        """Stretches that need no memory of the one before: from the first dose, and from each steady one."""
        starts = np.flatnonzero(self.steady_interval_day > 0.0)
        bounds = distinct([0], starts, [len(self)]).astype(np.intp).tolist()
        return tuple(_epoch(self.take(slice(a, b))) for a, b in pairwise(bounds))


@dataclass(frozen=True, slots=True)
class Repeating:
    """A dose that has been given at one interval for ever, the last time one interval before an epoch.

    With `parts` n, n times `dose_g` were given in each interval, on consecutive days.
    """

    dose_g: float
    interval_day: float
    infusion_day: float
    route: int
    parts: int


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """Doses from `begin_day` on, and what had been repeated for ever until then (None: nothing).

    Where infusions outlast the interval, what the earlier ones still have to give from `begin_day` on is
    written among the doses. Columns as in `History`.
    """

    begin_day: float
    before: Repeating | None
    day: FloatArray
    dose_g: FloatArray
    infusion_day: FloatArray
    route: NDArray[np.intp]


def history(
    day: ArrayLike,
    dose_g: ArrayLike,
    *,
    route: str | Sequence[str] = "iv",
    infusion_day: ArrayLike | None = None,
    rate_g_per_day: ArrayLike = 0.0,
    interval_day: ArrayLike = 0.0,
    additional: ArrayLike = 0,
    steady: ArrayLike = False,
) -> History:
    """Dose records as a `History`; all arguments broadcast to the length of `day`.

    They are NONMEM's TIME, AMT, ROUTE, DUR, RATE, II, ADDL and SS. A dose runs at `rate_g_per_day` where that
    is above 0, else for `infusion_day`, where NaN or None stands for what is usual by its route.
    `additional` more doses follow, `interval_day` apart. `steady`: the dose has been repeated at
    `interval_day` for ever; an infusion may outlast the interval. Raises ValueError, naming the argument and
    the position, for times out of order, a dose not above 0, an unknown route, a rate and a duration
    together, or an interval that is needed and not above 0.
    """
    routes = [route] if isinstance(route, str) else list(route)
    for name in routes:
        if name not in ROUTES:
            raise ValueError(f"route must be one of {', '.join(ROUTES)}, not {name!r}")
    length = np.size(day)
    if not length or np.ndim(day) > 1:
        raise ValueError("day must have one axis with at least one dose")
    usual = np.array([INFUSION_DAY[name] for name in routes])
    stated = np.full(1, np.nan) if infusion_day is None else np.asarray(infusion_day, dtype=np.float64)
    try:
        columns = [
            np.broadcast_to(np.atleast_1d(column), (length,))
            for column in (
                checked_array("day", day),
                checked_array("dose_g", dose_g),
                stated,
                usual,
                checked_array("rate_g_per_day", rate_g_per_day, at_least=0.0),
                checked_array("interval_day", interval_day, at_least=0.0),
                checked_array("additional", additional, at_least=0.0),
                np.asarray(steady, dtype=np.bool_),
                np.array([ROUTES.index(name) for name in routes]),
            )
        ]
    except ValueError as problem:
        if str(problem).startswith(("day", "dose_g", "rate", "interval", "additional")):
            raise
        raise ValueError("the columns of a history must have the length of day, or one value") from problem
    time, dose, duration, usual, rate, interval, more, repeated, index = columns
    _require(np.diff(time, prepend=-np.inf) >= 0.0, "day must be in order")
    _require(np.abs(time) <= LAST_DAY, f"day must be within {LAST_DAY:g}")
    _require(more * interval <= LAST_DAY, f"additional doses must end within {LAST_DAY:g} days")
    _require((dose > 0.0) & (dose <= MOST_G), f"dose_g must be above 0 and at most {MOST_G:g}")
    _require(interval <= LAST_DAY, f"interval_day must be at most {LAST_DAY:g}")
    _require(~((rate > 0.0) & (duration > 0.0)), "infusion_day and rate_g_per_day exclude each other")
    _require(
        np.isnan(duration) | ((duration >= 0.0) & np.isfinite(duration)), "infusion_day must be at least 0"
    )
    _require((interval > 0.0) | ~((more > 0) | repeated), "interval_day is needed for repeated doses")
    _require(more == np.round(more), "additional must be a whole number")
    if length + np.sum(more) > MAX_DOSES:
        raise ValueError(f"additional: more than {MAX_DOSES:,} doses")
    fixed = rate > 0.0
    runs = np.where(np.isnan(duration), usual, duration)
    runs = np.divide(dose, rate, out=runs.copy(), where=fixed)
    runs = np.where(runs < _AT_ONCE_DAY, 0.0, runs)
    return _written_out(
        History(time, dose, runs, index, fixed, np.where(repeated, interval, 0.0)), more, interval
    )


def repeated(
    dose_g: float,
    interval_day: float,
    doses: int,
    *,
    route: str = "iv",
    infusion_day: float | None = None,
    daily_parts: int = 1,
    steady: bool = False,
) -> History:
    """The same dose given `doses` times, the first on day 0; `steady`: and for ever before that.

    With `daily_parts` n each is split into n equal parts on consecutive days, each over `infusion_day`.
    Raises ValueError, naming the argument, for one that is out of range or parts that do not fit.
    """
    if doses < 1:
        raise ValueError("doses must be at least 1")
    checked_array("interval_day", interval_day, above=0.0)
    if daily_parts < 1:
        raise ValueError("daily_parts must be at least 1")
    most = int(min(LAST_DAY // interval_day + 1, MAX_DOSES // daily_parts))
    if doses > most >= 1:
        raise ValueError(
            f"doses must be at most {most:,} at intervals of {interval_day:g} days, not {doses:,}: a history"
            f" ends on day {LAST_DAY:,.0f} (100 years) and holds {MAX_DOSES:,} doses; doses repeated for ever"
            " need no number"
        )
    runs = INFUSION_DAY.get(route, 0.0) if infusion_day is None else infusion_day
    check_daily_parts(daily_parts, np.asarray(interval_day), np.asarray(runs))
    written = history(
        np.arange(daily_parts, dtype=np.float64),
        dose_g / daily_parts,
        route=route,
        infusion_day=infusion_day,
        interval_day=interval_day,
        additional=doses - 1,
        steady=[steady] + [False] * (daily_parts - 1),
    )
    return replace(written, steady_parts=daily_parts)


def distinct(*parts: ArrayLike) -> FloatArray:
    """All values of some arrays, each once, in order.

    `np.unique` does the same but first loads `numpy.ma`, which a short command would wait for.
    """
    ordered = np.sort(np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]))
    return ordered[np.diff(ordered, prepend=-np.inf) > 0.0]


def given_between(
    edge: FloatArray, day: FloatArray, infusion_day: FloatArray, dose_g: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Grams given at once at each edge, and the g/day that run from it to the next.

    `edge` is sorted and holds the start of every dose, and the end of every infusion that is not after the
    last edge. `dose_g` has doses on its first axis; so do the edges in the result.
    """
    first = np.searchsorted(edge, day)
    count = np.searchsorted(edge, day + infusion_day) - first
    at_once, rate = (np.zeros((edge.size, *dose_g.shape[1:])) for _ in range(2))
    runs = count > 0
    np.add.at(at_once, first[~runs], dose_g[~runs])
    dose = np.repeat(np.flatnonzero(runs), count[runs])
    number = np.arange(dose.size) - np.repeat(np.cumsum(count[runs]) - count[runs], count[runs])
    per_day = (dose_g.T / np.where(runs, infusion_day, 1.0)).T
    # what runs is summed for each stretch: adding and subtracting rates would leave a residue
    np.add.at(rate, first[dose] + number, per_day[dose])
    return at_once, rate


def _written_out(records: History, additional: FloatArray, interval: FloatArray) -> History:
    """Every additional dose as one of its own, in time order, without those that a steady dose ends."""
    count = 1 + additional.astype(np.intp)
    source = np.repeat(np.arange(len(records)), count)
    number = np.arange(source.size) - np.repeat(np.cumsum(count) - count, count)
    every = records.take(source)
    day = every.day + number * interval[source]
    kept = np.ones(day.shape, dtype=np.bool_)
    for index in np.flatnonzero(records.steady_interval_day > 0.0):
        kept &= (source >= index) | (day < records.day[index])
    steady = np.where(number == 0, every.steady_interval_day, 0.0)
    order = np.flatnonzero(kept)[np.argsort(day[kept], kind="stable")]
    return replace(every, day=day, steady_interval_day=steady).take(order)


def _epoch(doses: History) -> Epoch:
    interval = float(doses.steady_interval_day[0])
    columns: list[Any] = [doses.day, doses.dose_g, doses.infusion_day, doses.route]
    before = None
    if interval > 0.0:
        begin, dose, lasts, route = (column[0] for column in columns)
        before = Repeating(float(dose), interval, float(lasts), int(route), doses.steady_parts)
        left = lasts - interval * np.arange(1, int(lasts // interval) + 1)
        left = left[left > 0.0]
        running = [np.full(left.shape, begin), dose * left / (lasts or 1.0), left, np.full(left.shape, route)]
        columns = [np.concatenate(pair) for pair in zip(running, columns, strict=True)]
    day, dose_g, infusion_day, routes = columns
    return Epoch(float(doses.day[0]), before, day, dose_g, infusion_day, routes.astype(np.intp))


def _require(fine: NDArray[np.bool_], rule: str) -> None:
    if not np.all(fine):
        raise ValueError(f"{rule} (position {int(np.flatnonzero(~fine)[0])})")
