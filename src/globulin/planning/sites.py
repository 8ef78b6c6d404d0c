"""A volume spread over sites: under the skin with its rate and time, or into a muscle.

Plain arithmetic on plain numbers. Which limits a label sets is read in `site_rules`; a limit that is not
known is None, and then what would follow from it is None too, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Literal

from globulin.units import MINUTES_PER_HOUR, WEEK_DAY

_TIE = 1e-9
"""A volume above a limit by less than this part of it is rounding and still fits."""


@dataclass(frozen=True, slots=True)
class SiteLimits:
    """What a label allows for one person and one infusion; None: not known.

    `ml_per_site`: the most at one site; `ml_per_site_by_count`: instead of it where just so many sites are
    used. `slow_ml_per_h` and `fast_ml_per_h`: the ends of the stated rate at one site, equal where one number
    is stated. `ml_per_h_total` and `ml_per_day`: limits only where they are stated.
    """

    ml_per_site: float | None = None
    ml_per_site_by_count: Mapping[int, float] = field(default_factory=dict)
    slow_ml_per_h: float | None = None
    fast_ml_per_h: float | None = None
    ml_per_h_total: float | None = None
    ml_per_day: float | None = None
    maximum_sites: int | None = None

    def session_ml(self, sites: int) -> float:
        """The most in one session at so many sites; infinite where the volume of a site is not known."""
        if self.ml_per_site is None:
            return inf
        return sites * self.ml_per_site_by_count.get(sites, self.ml_per_site)


@dataclass(frozen=True, slots=True)
class RampUpWeek:
    """One infusion of a build-up."""

    week: int
    grams: float
    ml: float


@dataclass(frozen=True, slots=True)
class SitePlan:
    """How one dose of `grams` in `ml` is spread; what is not known is None and named in `notes`.

    `sessions`: on how many days, in equal parts; `sites`, the rates and `minutes` are of one session.
    `fastest_minutes`: the same at the fastest rate allowed. Into a muscle there is no rate and no time.
    """

    route: Literal["sc", "fsc", "im"]
    grams: float
    ml: float
    sites: int | None
    ml_per_site: float | None
    ml_per_h_per_site: float | None
    ml_per_h_total: float | None
    minutes: float | None
    fastest_minutes: float | None
    needles: str
    sessions: int
    ramp_up: tuple[RampUpWeek, ...]
    notes: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """A volume on `sessions` days at `sites` sites each (None: the volume of one site is not known)."""

    sessions: int
    sites: int | None
    ml_per_session: float
    ml_per_site: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """Rates of one session in mL/h, and its minutes; None where no rate is known."""

    ml_per_h_per_site: float | None
    ml_per_h_total: float | None
    minutes: float | None


def spread(ml: float, limits: SiteLimits, sites: int | None = None) -> Spread:
    """The fewest days, and then the fewest sites, that keep every limit.

    Args:
        ml: the whole volume.
        limits: what is allowed.
        sites: a number of sites of one's own; then only the days follow.

    Raises:
        ValueError: a volume that is not above 0, or more sites than are allowed at once.
    """
    if not 0 < ml < inf:
        raise ValueError(f"ml: must be a number above 0, not {ml}")
    if sites is not None and not 1 <= sites <= (limits.maximum_sites or inf):
        raise ValueError(f"sites: from 1 to {limits.maximum_sites or 'any number'} at once, not {sites}")
    days = 1 if limits.ml_per_day is None else _parts(ml, limits.ml_per_day)
    if limits.ml_per_site is None:
        return Spread(days, sites, ml / days, None if sites is None else ml / days / sites)
    if sites is not None:
        choices: Sequence[int] = (sites,)
    elif limits.maximum_sites is not None:
        choices = range(1, limits.maximum_sites + 1)
    else:
        # enough for all of it even if the first numbers that would do take less at each site
        enough = _parts(ml, limits.ml_per_site) + len(limits.ml_per_site_by_count)
        choices = range(1, enough + 1)
    sessions = max(days, _parts(ml, max(limits.session_ml(count) for count in choices)))
    part = ml / sessions
    used = next(count for count in choices if part <= limits.session_ml(count) * (1 + _TIE))
    return Spread(sessions, used, part, part / used)


def pace(ml: float, sites: int, limits: SiteLimits, *, fast: bool) -> Pace:
    """Rates and time of one session of `ml` at `sites` sites, at the fast or slow end of the stated rate.

    The limit of all sites together, where there is one, is shared out equally.
    """
    rate = limits.fast_ml_per_h if fast else limits.slow_ml_per_h
    if rate is None:
        return Pace(None, None, None)
    total = min(rate * sites, limits.ml_per_h_total or inf)
    return Pace(total / sites, total, ml / total * MINUTES_PER_HOUR)


def build_up(
    doses: Sequence[tuple[int, int]], grams: float, ml: float, interval_day: float
) -> tuple[RampUpWeek, ...]:
    """The infusions of a build-up to `grams` (`ml`) every `interval_day` days.

    Args:
        doses: week, and weeks of dose given then, in time order. A week's dose is the whole one times 7 /
            interval; the build-up ends with the infusion that reaches the whole dose.
        grams: the whole dose of one interval.
        ml: its volume.
        interval_day: days between whole doses.

    Raises:
        ValueError: an interval that is not above 0.
    """
    if not 0 < interval_day < inf:
        raise ValueError(f"interval_day: must be above 0, not {interval_day}")
    weeks = []
    for week, weeks_of_dose in doses:
        share = min(1.0, weeks_of_dose * WEEK_DAY / interval_day)
        weeks.append(RampUpWeek(week, grams * share, ml * share))
        if share == 1.0:
            break
    return tuple(weeks)


def muscle_sites(ml: float, ml_per_site: float, divide_above_ml: float | None = None) -> int:
    """Sites in a large muscle: as many as the volume of one asks for, several above `divide_above_ml`.

    Raises:
        ValueError: a volume that is not above 0.
    """
    if not 0 < ml < inf:
        raise ValueError(f"ml: must be a number above 0, not {ml}")
    sites = _parts(ml, ml_per_site)
    several = divide_above_ml is not None and ml > divide_above_ml
    return max(2, sites) if several else sites


def _parts(whole: float, most: float) -> int:
    """The fewest equal parts of which none is above `most`."""
    return ceil(whole / most * (1 - _TIE))
