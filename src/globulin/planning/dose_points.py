"""Trial arms as points of dose and effect: the one place where study records become a dose-response table.

A trial's dose is the one its people were given, so it does not change with the body weight of whoever reads:
a dose in g/kg stands as it is, and a cap in grams is noted, not applied. Only a dose in grams or mL needs a
body weight, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from globulin.dossier.provenance import Cited, known
from globulin.dossier.result import Counts, PrintedEffect, PValue, TestStatistic
from globulin.dossier.study import RANDOMISED, Arm, PooledResult, Study
from globulin.dossier.treatment import Product, Regimen
from globulin.planning.dosing import NoAmount, amount
from globulin.planning.learning import listed
from globulin.synthesis.bayes_regression import Effects
from globulin.synthesis.effects import smd_from_log_odds_ratio
from globulin.synthesis.readings import TrialEffect, trial_effect
from globulin.units import MG_PER_G

AxisId = Literal["course", "per_28_days"]
UNITS: Mapping[AxisId, str] = {"course": "g/kg per course", "per_28_days": "g/kg per 28 days"}

AgeGroup = Literal["adults", "adolescents"]


@dataclass(frozen=True)
class DosePoint:
    """One arm of a controlled trial: how much it was given and how much better it did than control.

    dose_g_per_kg: in the unit of the axis. smd is None where only a range is known: then |SMD| lay below
    bound. shared_variance: the part of se squared that comes from the control group and so is common to all
    arms of the trial. notes: what is assumed.
    """

    study: str
    name: str
    arm: str
    label: str
    dose_g_per_kg: float
    smd: float | None
    se: float
    ci_lower: float | None
    ci_upper: float | None
    bound: float | None
    shared_variance: float
    n_active: int
    n_control: int
    age_group: AgeGroup | None
    notes: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A controlled trial, or one arm of it, that gives no point, and why."""

    study: str
    name: str
    reason: str


def dose_points(
    studies: Iterable[Study], axis: AxisId, weight_kg: float, products: Mapping[str, Product]
) -> tuple[tuple[DosePoint, ...], tuple[LeftOut, ...]]:
    """Points of all controlled trials in these illnesses, by year, and what had to be left out.

    weight_kg: body weight for doses that a trial gave in grams or mL.
    """
    points: list[DosePoint] = []
    left_out: list[LeftOut] = []
    for study in sorted(studies, key=lambda study: (study.citation.year or 9999, study.id)):
        if study.design not in RANDOMISED or study.condition_group == "neighbour" or not study.outcomes:
            continue
        whole = _why_not(study)
        if whole is not None or study.pooled is None:
            left_out.append(LeftOut(study.id, study.name, whole or study.poolability_reason))
            continue
        for arm in (study.arm(identifier) for identifier in study.pooled.active):
            dose = _dose(arm.regimen, axis, weight_kg, products)
            if isinstance(dose, str):
                left_out.append(LeftOut(study.id, study.name, f"{arm.label}: {dose}"))
            else:
                points.append(_point(study, study.pooled, arm, dose, weight_kg))
    return tuple(points), tuple(left_out)


def as_effects(points: Sequence[DosePoint]) -> Effects:
    """The points as arrays; arms of one trial share their control."""
    shared = np.array([point.shared_variance for point in points])
    return Effects(
        y=np.array([np.nan if point.smd is None else point.smd for point in points]),
        bound=np.array([np.nan if point.bound is None else point.bound for point in points]),
        own=np.array([point.se**2 for point in points]) - shared,
        shared=shared,
        trial=np.array([point.study for point in points]),
    )


def age_group(study: Study) -> AgeGroup | None:
    """Whether a study was of adults or of adolescents, as far as its record says either."""
    words = known(study.population.age) or ""
    if words.startswith("adults"):
        return "adults"
    span = re.match(r"(\d+) to (\d+) years", words)
    if span is None:
        return None
    youngest, oldest = (int(end) for end in span.groups())
    return "adults" if youngest >= _ADULT else "adolescents" if oldest <= _ADULT else None


_ADULT = 18


def immune_marked(study: Study) -> bool | None:
    """Whether people were chosen by an immune marker; None where the record does not say."""
    words = known(study.population.immune_selection)
    return None if words is None else not words.startswith("none")


def differing(studies: Sequence[Study], points: Sequence[DosePoint]) -> dict[str, str]:
    """Recorded traits in which trials differ among themselves, by name, in words; doses are the points'."""
    return {
        name: _trait_words(name, values)
        for name, values in _traits(studies, points).items()
        if all(values) and any(set(value) != set(values[0]) for value in values)
    }


def particular(study: Study, others: Sequence[Study], points: Sequence[DosePoint]) -> dict[str, str]:
    """Recorded traits of one trial that none of the others has, by name, in words."""
    return {
        name: _trait_words(name, values[:1])
        for name, values in _traits((study, *others), points).items()
        if values[0] and not any(set(values[0]) & set(other) for other in values[1:])
    }


_SHOWN = {"dose": " g/kg per course", "age": "", "country": ""}


def _trait_words(name: str, values: Sequence[tuple[str, ...]]) -> str:
    """`dose (6 and 3 g/kg per course)`; the values only where they are short."""
    if name not in _SHOWN:
        return name
    return f"{name} ({listed(dict.fromkeys(one for value in values for one in value))}{_SHOWN[name]})"


def _traits(studies: Sequence[Study], points: Sequence[DosePoint]) -> dict[str, list[tuple[str, ...]]]:
    """For each trait what is recorded of each trial; () where nothing is."""
    return {
        "dose": [tuple(f"{p.dose_g_per_kg:g}" for p in points if p.study == s.id) for s in studies],
        "age": [_one(age_group(s)) for s in studies],
        "country": [_one(known(s.country)) for s in studies],
        "case definition": [_one(known(s.population.criteria)) for s in studies],
        "what was measured": [_one(s.pooled.outcome if s.pooled else None) for s in studies],
    }


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _why_not(study: Study) -> str | None:
    """Why a trial gives no effect for a single dose."""
    if study.pooled is None:
        return _dose_missing(study) or study.poolability_reason
    result = study.outcome(study.pooled.outcome).result
    if len(study.pooled.active) > 1 and isinstance(result, TestStatistic | PValue | PrintedEffect):
        return "one test was printed for several doses together"
    return None


def _dose_missing(study: Study) -> str | None:
    """What is not known of the doses of a trial that cannot be pooled anyway."""
    for arm in study.arms:
        if arm.role == "active" and arm.regimen is not None and known(arm.regimen.phases[-1].dose) is None:
            return f"{_sentence(study.poolability_reason)} Its dose is not known either."
    return None


def _sentence(words: str) -> str:
    return words if words.endswith(".") else f"{words}."


def _dose(
    regimen: Regimen | None, axis: AxisId, weight_kg: float, products: Mapping[str, Product]
) -> float | str:
    """g/kg of an arm, or why that is not known."""
    if regimen is None:
        return "what was given is not recorded"
    given = amount(regimen.model_copy(update={"cap_g": None}), weight_kg, products)
    if isinstance(given, NoAmount):
        return given.reason
    if axis == "course":
        return "the number of doses is not known" if given.course_g is None else given.course_g / weight_kg
    if given.mg_per_kg_per_28_day is None:
        return "it was given as one course, not repeated"
    return given.mg_per_kg_per_28_day / MG_PER_G


def _point(study: Study, entry: PooledResult, arm: Arm, dose: float, weight_kg: float) -> DosePoint:
    alone = study.model_copy(update={"pooled": entry.model_copy(update={"active": (arm.id,)})})
    effect = trial_effect(alone)
    several = len(entry.active) > 1
    return DosePoint(
        study=study.id,
        name=study.name,
        arm=arm.id,
        label=arm.label,
        dose_g_per_kg=dose,
        smd=effect.smd,
        se=effect.se,
        ci_lower=effect.ci_lower,
        ci_upper=effect.ci_upper,
        bound=effect.bound,
        shared_variance=_control_variance(study, entry, effect) if several else 0.0,
        n_active=effect.n_active,
        n_control=effect.n_control,
        age_group=age_group(study),
        notes=(*_notes(arm.regimen, weight_kg), *(_one_by_one(effect) if several else ())),
        sources=tuple(dict.fromkeys((*effect.sources, *_dose_sources(arm.regimen)))),
    )


def _control_variance(study: Study, entry: PooledResult, effect: TrialEffect) -> float:
    """Sampling variance that the control group brings in: 1/n, for counts that of its log odds.

    Gleser & Olkin 2009, chapter 19 of The Handbook of Research Synthesis, 2nd ed.; their further term, the
    product of two effects over twice the number of people, is left out.
    """
    result = study.outcome(entry.outcome).result
    if not isinstance(result, Counts):
        return 1 / effect.n_control
    control = result.groups[entry.control]
    # the correction of an arm's own empty cell does not count here: one control has one variance
    add = 0.5 if control.events in (0, control.n) else 0.0
    events, others = control.events + add, control.n - control.events + add
    return float(smd_from_log_odds_ratio(0.0, 1 / events + 1 / others)[1])


def _one_by_one(effect: TrialEffect) -> tuple[str, ...]:
    if effect.smd is not None:
        return ()
    return ("Assumed: each dose alone was tested against control, and none was significant.",)


def _notes(regimen: Regimen | None, weight_kg: float) -> tuple[str, ...]:
    if regimen is None:
        return ()
    notes = []
    doses = [dose for phase in regimen.phases if (dose := known(phase.dose)) is not None]
    cap = known(regimen.cap_g) if regimen.cap_g is not None else None
    if cap is not None and doses[-1].g_per_kg is not None:
        notes.append(
            f"At most {cap:g} g a dose: people above {cap / doses[-1].g_per_kg:g} kg were given less per kg."
        )
    if any(dose.g_per_kg is None for dose in doses):
        notes.append(f"Given in grams or mL; taken per kg for a body weight of {weight_kg:g} kg.")
    return tuple(notes)


def _dose_sources(regimen: Regimen | None) -> tuple[str, ...]:
    phases = regimen.phases if regimen is not None else ()
    facts = [fact for phase in phases for fact in (phase.dose, phase.interval_day, phase.doses)]
    return tuple(fact.source for fact in facts if isinstance(fact, Cited))
