"""The charts of what doses do to IgG: a level over time by model, regimens side by side, and the washout.

A line is the level of a typical person, or the median of many; a band is what models, or people, differ by,
and the words beside each chart say which of the two. Dashes and names at the ends tell lines apart without
colour.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING

from globulin.exposure.profiles import Profile
from globulin.exposure.results import Simulated
from globulin.pages import words
from globulin.pages.charts import Chart, Row, clip, drawn_chart
from globulin.pages.plane import Curve, Dash, Guide, Point, Ribbon, Scale, specification
from globulin.pages.vega import Convert
from globulin.units import WEEK_DAY

if TYPE_CHECKING:
    from globulin.exposure.individual_results import Individualised
    from globulin.exposure.population import Population
    from globulin.planning.profiles import RegimenProfile

LOOKS: tuple[tuple[str, Dash, str], ...] = (
    ("trial", "solid", "\N{EM DASH}"),
    ("practitioner", "dashed", "\N{EN DASH} \N{EN DASH}"),
    ("series", "dotted", "\N{MIDDLE DOT}\N{MIDDLE DOT}\N{MIDDLE DOT}"),
    ("label", "dash_dot", "\N{EN DASH} \N{MIDDLE DOT}"),
)
"""Colour, dashes and sign of each line, in the order of the lines."""

# two levels of one person must differ by about 4 g/L before more than chance shows; an axis that spans less
# would make a difference look like something
_LEAST_SPAN = 4.0
_MOST_STEPS = 6
_DAY_STEPS = (1, 2, 7, 14, 28, 56, 84, 168, 364, 1820, 9100)
_LEVEL_STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_MOST_DOSES_MARKED = 60
_LABEL_LETTERS = 36
_SAME_DAY = 1e-6


@dataclass(frozen=True, slots=True)
class _Track:
    """A level over time with its band (`low` and `high`, empty where there is none), in g/L."""

    label: str
    """At the end of its line; `name` stands in the table."""
    name: str
    day: tuple[float, ...]
    level: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    own: float | None
    """One's own IgG, without treatment; None for many people."""
    sources: tuple[str, ...]

    def at(self, day: float) -> str:
        """The level on a day with its band; on the day of a dose, before it."""
        index = self.index(day)
        return words.NOT_COMPUTED if index is None else self._said(index)

    def index(self, day: float) -> int | None:
        """Where a day stands; None if it was not computed."""
        index = bisect_left(self.day, day - _SAME_DAY)
        return index if index < len(self.day) and self.day[index] <= day + _SAME_DAY else None

    def highest(self) -> str:
        """The highest level, with the band on that day."""
        return self._said(max(range(len(self.level)), key=self.level.__getitem__))

    def _said(self, index: int) -> str:
        level = words.fixed(self.level[index], 1)
        return f"{level} ({words.bounds(self.low[index], self.high[index], 1)})" if self.low else level


def simulated_charts(
    followed: Profile,
    *,
    marked_day: Sequence[float] = (),
    person: str | None = None,
    convert: Convert | None = None,
) -> tuple[Chart, ...]:
    """Total IgG of one person by model, and after the last dose where doses stop.

    `marked_day`: days to put a point at. `person` tells the people of one table apart.
    """
    named = f", {person}" if person else ""
    ending = f"-{re.sub(r'[^A-Za-z0-9]+', '_', person)}" if person else ""
    whole = [_track(answer) for answer in followed.answers if answer.at]
    after = [_track(answer, begin=followed.dose_day[-1]) for answer in followed.after if answer.at]
    found = []
    if whole:
        title = f"Total IgG over time{named}"
        marks = (*_doses(followed.dose_day, whole), *_marks(marked_day, whole))
        found.append(_over_time(whole, f"chart-profile{ending}", title, "day", marks, convert))
    if after:
        title = f"Total IgG after the last dose{named}"
        axis = "days since the last dose"
        found.append(_over_time(after, f"chart-washout{ending}", title, axis, (), convert))
    return tuple(found)


def population_chart(answers: Sequence[Population], convert: Convert | None = None) -> Chart | None:
    """Median and outer quantiles of total IgG in many people, by model; None with fewer than two days."""
    tracks = [_crowd(answer) for answer in answers if answer.message is None and answer.day.size > 1]
    if not tracks:
        return None
    share = words.number(100 * (answers[0].probabilities[-1] - answers[0].probabilities[0]))
    title = f"Total IgG of {answers[0].people:,} people: median, and the band that holds {share}% of them"
    return _over_time(tracks, "chart-people", title, "day", (), convert)


def individual_chart(found: Individualised, convert: Convert | None = None) -> Chart | None:
    """One person's fit: middle and 95% band of total IgG, with the measured levels as points.

    A hollow triangle is a level below the assay's limit, a cross one that does not fit the others under the
    model of the largest weight. Drawn are the days that were followed, or else those of the forecast; None if
    these are fewer than two.
    """
    days = found.followed or found.forecast
    if len(days) < 2:
        return None
    track = _Track(
        "fitted level",
        "Fitted level",
        tuple(ahead.day for ahead in days),
        tuple(ahead.level_g_per_l.median for ahead in days),
        tuple(ahead.level_g_per_l.low95 for ahead in days),
        tuple(ahead.level_g_per_l.high95 for ahead in days),
        None,
        tuple(dict.fromkeys(name for fitted in found.models for name in fitted.sources)),
    )
    best = max(found.models, key=lambda fitted: fitted.weight)
    measured = [
        Point(
            level.day,
            level.g_per_l,
            "ink",
            "triangle-down" if level.below_limit else "circle" if level.fits else "cross",
            filled=not level.below_limit,
        )
        for level in best.levels
        if track.day[0] <= level.day <= track.day[-1]
    ]
    title = "Total IgG fitted to measured levels: middle, and the band that holds 95% of what is plausible"
    marks = _doses([day for day in found.dose_day if day >= track.day[0]], [track], measured)
    return _over_time([track], "chart-individual", title, "day", marks, convert, measured)


def regimens_over_time(
    profiles: Sequence[RegimenProfile], weight_kg: float, convert: Convert | None = None
) -> Chart | None:
    """Total IgG from the first dose of several regimens on; None if there are none."""
    if not profiles:
        return None
    tracks = [
        replace(
            _track(followed.profile.answers[0]),
            label=f"{followed.dose}, {words.ROUTE_SHORT[followed.route]}",
            name=followed.label,
            sources=followed.sources,
        )
        for followed in profiles
    ]
    weeks = words.number(profiles[0].profile.end_day / WEEK_DAY)
    title = f"Total IgG over the first {weeks} weeks of a regimen, for {weight_kg:g} kg"
    return _over_time(tracks, "chart-profiles", title, "days since the first dose", (), convert)


def regimens_key(profiles: Sequence[RegimenProfile]) -> tuple[tuple[str, str], ...]:
    """Sign and meaning of each line of `regimens_over_time`."""
    return tuple(
        (sign, followed.label) for followed, (_, _, sign) in zip(profiles, cycle(LOOKS), strict=False)
    )


def _track(answer: Simulated, begin: float = 0.0) -> _Track:
    """The levels of an answer, in days since `begin`."""
    return _Track(
        answer.name,
        answer.name,
        tuple(level.day - begin for level in answer.at),
        tuple(level.total_g_per_l for level in answer.at),
        tuple(band.low_g_per_l for band in answer.at_band),
        tuple(band.high_g_per_l for band in answer.at_band),
        answer.baseline_g_per_l,
        answer.sources,
    )


def _crowd(answer: Population) -> _Track:
    band = [tuple(row.tolist()) for row in answer.band]
    middle = band[answer.probabilities.index(0.5)]
    day = tuple(answer.day.tolist())
    return _Track(answer.name, answer.name, day, middle, band[0], band[-1], None, answer.sources)


def _over_time(
    tracks: Sequence[_Track],
    identifier: str,
    title: str,
    axis: str,
    marks: Sequence[Point],
    convert: Convert | None,
    measured: Sequence[Point] = (),
) -> Chart:
    """Tracks on one plane, with a table of the highest level and those on evenly spread days.

    `measured` levels are drawn too, and lie within the axis wherever they are.
    """
    across = _days(tracks, axis)
    spec = specification(
        across,
        _levels(tracks, measured),
        ribbons=[
            Ribbon(track.day, track.low, track.high, colour)
            for track, (colour, _, _) in zip(tracks, cycle(LOOKS), strict=False)
            if track.low
        ],
        curves=[
            Curve(clip(track.label, _LABEL_LETTERS), track.day, track.level, colour, dash)
            for track, (colour, dash, _) in zip(tracks, cycle(LOOKS), strict=False)
        ],
        points=[*marks, *measured],
        guides=_own(tracks),
        said=_on_each_day(tracks),
    )
    rows = tuple(
        Row((track.name, track.highest(), *(track.at(day) for day in across.ticks)), track.sources)
        for track in tracks
    )
    alt = " ".join(_alt(track) for track in tracks)
    if measured:
        points = (f"{words.fixed(point.y, 1)} on day {words.number(point.x, 4)}" for point in measured)
        alt = f"{alt} Measured, g/L: {', '.join(points)}."
    columns = ("What is drawn", "Highest, g/L", *(f"Day {day:g}, g/L" for day in across.ticks))
    return drawn_chart(identifier, title, alt, spec, columns, rows, convert)


def _on_each_day(tracks: Sequence[_Track]) -> list[tuple[float, str]]:
    """The level of every track on each day that one may point at."""
    return [
        (
            day,
            "\n".join(
                [
                    f"Day {words.number(day, 4)}",
                    *(
                        f"{track.name}: {track.at(day)} g/L"
                        for track in tracks
                        if track.index(day) is not None
                    ),
                ]
            ),
        )
        for day in sorted({day for track in tracks for day in track.day})
    ]


def _days(tracks: Sequence[_Track], title: str) -> Scale:
    low, high = min(track.day[0] for track in tracks), max(track.day[-1] for track in tracks)
    step = next((step for step in _DAY_STEPS if (high - low) / step <= _MOST_STEPS), _DAY_STEPS[-1])
    return Scale(title, low, high, tuple(low + step * i for i in range(int((high - low) / step) + 1)))


def _levels(tracks: Sequence[_Track], measured: Sequence[Point] = ()) -> Scale:
    low = min([min(track.low or track.level) for track in tracks] + [point.y for point in measured])
    high = max([max(track.high or track.level) for track in tracks] + [point.y for point in measured])
    lack = max(0.0, _LEAST_SPAN - (high - low)) / 2.0
    low, high = max(0.0, low - lack), high + lack
    step = next((step for step in _LEVEL_STEPS if (high - low) / step <= _MOST_STEPS), _LEVEL_STEPS[-1])
    ticks = tuple(step * i for i in range(math.floor(low / step), math.ceil(high / step) + 1))
    return Scale("total IgG, g/L", ticks[0], ticks[-1], ticks)


def _own(tracks: Sequence[_Track]) -> tuple[Guide, ...]:
    """One's own IgG, where all lines start from the same."""
    own = {words.fixed(track.own, 1): track.own for track in tracks if track.own is not None}
    return tuple(Guide("y", value, "own IgG", "dotted") for value in own.values() if len(own) == 1)


def _doses(
    dose_day: Sequence[float], tracks: Sequence[_Track], measured: Sequence[Point] = ()
) -> list[Point]:
    """A mark on the axis for every dose, as long as they can be told apart."""
    floor = _levels(tracks, measured).low
    few = dose_day if len(dose_day) <= _MOST_DOSES_MARKED else ()
    return [Point(day, floor, "muted", "triangle-up", filled=False) for day in few]


def _marks(marked_day: Sequence[float], tracks: Sequence[_Track]) -> list[Point]:
    """A point on every line at each of the days."""
    places = (
        (track, track.index(day), colour)
        for track, (colour, _, _) in zip(tracks, cycle(LOOKS), strict=False)
        for day in marked_day
    )
    return [Point(track.day[i], track.level[i], colour) for track, i, colour in places if i is not None]


def _alt(track: _Track) -> str:
    end = track.day[-1]
    start = "" if track.own is None else f"one's own IgG {words.fixed(track.own, 1)} g/L, "
    return (
        f"{track.name}: {start}at its highest {track.highest()} g/L,"
        f" on day {words.number(end, 4)} {track.at(end)} g/L."
    )
