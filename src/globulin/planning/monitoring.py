"""When to look, at what, and when to judge: the calendar of a plan.

What is watched is content, with its source. When a response can be judged is worked out from the time the
level takes to settle; when the trials judged theirs stands beside it, as they put it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from globulin.dossier.guidance import Guidance, Watch
from globulin.dossier.hazard import Term
from globulin.dossier.instrument import Instrument
from globulin.dossier.study import RANDOMISED, Study
from globulin.dossier.treatment import Route
from globulin.planning.outlook import NoPrediction, Prediction
from globulin.units import WEEK_DAY

PHASES = ("before", "during", "after", "later")


@dataclass(frozen=True, slots=True)
class WatchedItem:
    """One thing to look at; days count from a dose and are None where the source gives none.

    `needed`: "yes", or "not_known" where it hangs on something about the person that is not known.
    """

    phase: Literal["before", "during", "after", "later"]
    when: str
    from_day: float | None
    to_day: float | None
    what: str
    needed: Literal["yes", "not_known"]
    source: str
    seen: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A score by which a response can be judged, and a change in it that is worth having."""

    instrument: str
    name: str
    change: float
    unit: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class TrialTime:
    """When a trial looked at its main result, in its own words."""

    study: str
    name: str
    time: str


@dataclass(frozen=True, slots=True)
class Monitoring:
    """The calendar of a plan.

    `settled_day`: the first dose after which the level no longer changes by any of the models; a judgement
    before it judges a level still on the move. None where no level is predicted. `washout_day`: how long a
    stopped treatment still counts (lowest and highest of the models). `review_week`: when it is to be judged,
    None until somebody says so. `stop_rule`: as it was agreed, None until somebody agreed on one.
    """

    items: tuple[WatchedItem, ...]
    settled_day: float | None
    washout_day: tuple[float, float] | None
    trial_times: tuple[TrialTime, ...]
    measures: tuple[Measure, ...]
    review_week: float | None
    stop_rule: str | None
    sources: tuple[str, ...]

    @property
    def settled_week(self) -> int | None:
        """`settled_day` in whole weeks, rounded up."""
        return None if self.settled_day is None else math.ceil(self.settled_day / WEEK_DAY)


def monitoring(
    guidance: Iterable[Guidance],
    instruments: Iterable[Instrument],
    studies: Iterable[Study],
    *,
    route: Route,
    prediction: Prediction | NoPrediction,
    holds: Callable[[Sequence[Term]], bool | None],
    review_week: float | None = None,
    stop_rule: str | None = None,
) -> Monitoring:
    """What to watch and when to judge. `holds` says whether terms are true, false or not known (None)."""
    watched = [
        (watch, known)
        for each in guidance
        for watch in each.watches
        if not watch.routes or route in watch.routes
        if (known := holds(watch.only_if)) is not False
    ]
    watched.sort(key=lambda pair: PHASES.index(pair[0].phase))
    predicted = prediction if isinstance(prediction, Prediction) else None
    measures = tuple(_measures(instruments))
    return Monitoring(
        items=tuple(_item(watch, known) for watch, known in watched),
        settled_day=predicted.plateau_day[1] if predicted and predicted.plateau_day else None,
        washout_day=predicted.washout_day if predicted else None,
        trial_times=tuple(_times(studies)),
        measures=measures,
        review_week=review_week,
        stop_rule=stop_rule,
        sources=tuple(
            dict.fromkeys([*(watch.source for watch, _ in watched), *(each.source for each in measures)])
        ),
    )


def _item(watch: Watch, known: bool | None) -> WatchedItem:
    return WatchedItem(
        phase=watch.phase,
        when=watch.when,
        from_day=watch.from_day,
        to_day=watch.to_day,
        what=watch.what,
        needed="yes" if known else "not_known",
        source=watch.source,
        seen=watch.seen,
    )


def _measures(instruments: Iterable[Instrument]) -> Iterable[Measure]:
    """The smallest change of each instrument that is called better or worth having."""
    for instrument in sorted(instruments, key=lambda each: each.id):
        worth = [each for each in instrument.worth_it if each.meaning != "no change"]
        if worth:
            least = min(worth, key=lambda each: abs(each.change))
            yield Measure(
                instrument.id, instrument.name, least.change, least.unit, least.meaning, least.source
            )


def _times(studies: Iterable[Study]) -> Iterable[TrialTime]:
    for study in sorted(studies, key=lambda study: (study.citation.year or 9999, study.id)):
        if study.design not in RANDOMISED or study.condition_group == "neighbour" or study.pooled is None:
            continue
        time = study.outcome(study.pooled.outcome).time
        if time is not None:
            yield TrialTime(study.id, study.name, time)
