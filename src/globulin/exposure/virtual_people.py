"""People who were never measured: bodies, own IgG and the spread of kinetics, drawn the same for ever.

A person of a crowd is a number. Every property of person i comes from a stream of random numbers of its own
(one for each property and block of people), so nobody changes when a crowd is worked through in other
chunks, is made larger, or is given another model; and one person has the same luck under every model.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from globulin.exposure.linear import FloatArray
from globulin.exposure.models import BODY, Person

if TYPE_CHECKING:
    from globulin.dossier.kinetics import Indication
    from globulin.dossier.people import VirtualGroup
    from globulin.exposure.facts import EndogenousFacts

MOST_PEOPLE = 100_000_000
"""Most people of a crowd."""

# people whose numbers come from one generator: enough that starting one costs little
_BLOCK = 16_384
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Stratum:
    """People of one sex and span of ages: medians, SDs of the logarithms, and their correlation."""

    share: float
    sex: str
    age_year: tuple[float, float]
    weight_kg: tuple[float, float]
    height_cm: tuple[float, float]
    correlation: float
    own_g_per_l: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of virtual people, ready to draw from."""

    id: str
    name: str
    population: str
    strata: tuple[Stratum, ...]
    caveats: tuple[str, ...]
    sources: tuple[str, ...]


def group(content: VirtualGroup | Mapping[str, Any], endogenous: EndogenousFacts) -> Group:
    """A group from its record or the plain data of its file; own IgG from `endogenous`.

    A published interval is read as the middle 95% of a lognormal: its median is the geometric mean of the
    limits. Raises ValueError for an interval that `endogenous` does not have.
    """
    data: Mapping[str, Any] = content if isinstance(content, Mapping) else content.model_dump()
    return Group(
        id=data["id"],
        name=data["name"],
        population=data["population"],
        strata=tuple(_stratum(entry, endogenous) for entry in data["strata"]),
        caveats=tuple(data.get("caveats", ())),
        sources=tuple(
            dict.fromkeys(
                [data["source"], *(entry["body"]["source"] for entry in data["strata"]), *endogenous.sources]
            )
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """`size` people, numbered from 0, drawn with `seed` from a group or from people that were given.

    `given`, with one value per person in every field that is known: person i is its row i, or, where `drawn`,
    a row that is drawn with replacement. Made by `crowd_of` and `crowd_from`.
    """

    size: int
    seed: int
    source: Group | None
    given: Person | None
    drawn: bool
    indication: Indication | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What is to be known about where these people come from."""
        if self.given is None and self.source is not None:
            return (f"the people are drawn: {self.source.population}", *self.source.caveats)
        again = ", drawn from it with replacement" * self.drawn
        return (f"the people are those of a table of {self.given.shape[0]:,}{again}",) if self.given else ()

    def person(self, start: int, stop: int) -> Person:
        """The people from number `start` up to `stop`."""
        if self.given is None:
            return self._from_group(start, stop)
        rows = np.arange(start, stop)
        if self.drawn:
            share = self._stream("row", start, stop, np.random.Generator.random)
            rows = (share * self.given.shape[0]).astype(np.intp)
        fields = {
            name: np.broadcast_to(value, self.given.shape)[rows]
            for name in (*BODY, "sex")
            if (value := getattr(self.given, name)) is not None
        }
        return replace(self.given, **fields, indication=self.indication)

    def normal(self, name: str, start: int, stop: int) -> FloatArray:
        """Standard normal numbers of these people for the property `name`."""
        return self._stream(name, start, stop, np.random.Generator.standard_normal)

    def factors(self, spread: Mapping[str, float], start: int, stop: int) -> dict[str, FloatArray]:
        """What multiplies each parameter: exp(omega z), lognormal and independent between parameters.

        `spread`: omega by parameter. A person's z for a parameter is the same under every model.
        """
        return {
            name: np.exp(omega * self.normal(f"effect {name}", start, stop)) for name, omega in spread.items()
        }

    def _from_group(self, start: int, stop: int) -> Person:
        strata = self.source.strata if self.source is not None else ()
        edges = np.cumsum([stratum.share for stratum in strata])[:-1]
        which = np.searchsorted(edges, self._uniform("stratum", start, stop), side="right")
        columns = {
            name: np.array([getattr(stratum, name) for stratum in strata])[which].T
            for name in ("age_year", "weight_kg", "height_cm", "own_g_per_l", "correlation")
        }
        tall, heavy = self.normal("height", start, stop), self.normal("weight", start, stop)
        linked = columns["correlation"]
        heavy = linked * tall + np.sqrt(1.0 - linked**2) * heavy
        low, high = columns["age_year"]
        return Person(
            _lognormal("weight_kg", columns, heavy),
            height_cm=_lognormal("height_cm", columns, tall),
            sex=np.array([stratum.sex for stratum in strata])[which],
            age_year=low + (high - low) * self._uniform("age", start, stop),
            baseline_g_per_l=np.clip(
                _lognormal("own_g_per_l", columns, self.normal("own IgG", start, stop)),
                *BODY["baseline_g_per_l"],
            ),
            indication=self.indication,
        )

    def _uniform(self, name: str, start: int, stop: int) -> FloatArray:
        return self._stream(name, start, stop, np.random.Generator.random)

    def _stream(self, name: str, start: int, stop: int, draw: Any) -> FloatArray:
        """Numbers `start` to `stop` of the stream of one property."""
        key = zlib.crc32(name.encode())
        first, last = start // _BLOCK, (stop - 1) // _BLOCK
        parts = []
        for block in range(first, last + 1):
            seeds = np.random.SeedSequence(self.seed, spawn_key=(key, block))
            numbers = draw(np.random.Generator(np.random.PCG64(seeds)), _BLOCK)
            begin = block * _BLOCK
            parts.append(numbers[max(start - begin, 0) : stop - begin])
        return np.concatenate(parts)


def crowd_of(source: Group, people: int, seed: int, indication: Indication | None = None) -> Crowd:
    """A crowd drawn from a group. Raises ValueError, naming it, for people or a seed out of range."""
    _check(people, seed)
    return Crowd(people, seed, source, None, drawn=True, indication=indication)


def crowd_from(
    given: Person, seed: int, people: int | None = None, indication: Indication | None = None
) -> Crowd:
    """A crowd of the people that are given; with `people`, so many of them drawn with replacement.

    Raises ValueError, naming the argument, if `given` is one person or numbers are out of range.
    """
    if len(given.shape) != 1:
        raise ValueError("given must be many people, on one axis")
    _check(given.shape[0] if people is None else people, seed)
    return Crowd(people or given.shape[0], seed, None, given, drawn=people is not None, indication=indication)


def _check(people: int, seed: int) -> None:
    if not 1 <= people <= MOST_PEOPLE:
        raise ValueError(f"people must be between 1 and {MOST_PEOPLE:,}")
    if seed < 0:
        raise ValueError("seed must be at least 0")


def _stratum(entry: Mapping[str, Any], endogenous: EndogenousFacts) -> Stratum:
    body = entry["body"]["value"]
    return Stratum(
        share=entry["share"],
        sex=entry["sex"],
        age_year=(entry["age_year"]["low"], entry["age_year"]["high"]),
        weight_kg=(body["weight_median_kg"], body["weight_log_sd"]),
        height_cm=(body["height_median_cm"], body["height_log_sd"]),
        correlation=body["log_correlation"],
        own_g_per_l=_own(entry.get("own_igg_interval"), endogenous),
    )


def _own(interval: str | None, endogenous: EndogenousFacts) -> tuple[float, float]:
    """Median and SD of the logarithm of a group's own IgG."""
    if interval is None:
        return endogenous.median_g_per_l, math.sqrt(math.log1p(endogenous.cv**2))
    if interval not in endogenous.intervals_g_per_l:
        raise ValueError(f"own_igg_interval: no interval '{interval}' of endogenous IgG")
    low, high = endogenous.intervals_g_per_l[interval]
    return math.sqrt(low * high), math.log(high / low) / (2.0 * _NORMAL_95)


def _lognormal(name: str, columns: Mapping[str, NDArray[Any]], z: FloatArray) -> FloatArray:
    median, log_sd = columns[name]
    return np.asarray(median * np.exp(log_sd * z))
