"""What a plan can be expected to do: to the level of IgG, and to the person as far as trials can tell.

The two are kept apart. A rise in IgG is predicted by published models, with a band; whether people with
ME/CFS or fibromyalgia get better is a matter of trials, and those are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from globulin.dossier.patient import Patient
from globulin.dossier.provenance import Cited, known
from globulin.dossier.study import RANDOMISED, Arm, Study
from globulin.dossier.treatment import Product, Route
from globulin.exposure.crowd_levels import Dosing
from globulin.exposure.facts import Catalogue
from globulin.exposure.models import OWN_IGG_NOT_GIVEN, Person
from globulin.exposure.population import has_route, simulate_population
from globulin.exposure.regimen_changes import Settling, settling
from globulin.exposure.results import Exposure, Simulated
from globulin.exposure.simulation import steady_state
from globulin.exposure.virtual_people import crowd_from
from globulin.planning.dosing import NoAmount, amount
from globulin.synthesis.opinions import PRIORS
from globulin.synthesis.pooled_trials import PooledTrials
from globulin.synthesis.readings import TrialEffect, trial_effect
from globulin.synthesis.summaries import Summary
from globulin.units import FOUR_WEEKS_DAY

if TYPE_CHECKING:
    from globulin.dossier.kinetics import Indication

KINETIC_GROUP: Mapping[str, Indication] = {
    "pi": "primary_deficiency",
    "cll": "secondary_deficiency",
    "cidp": "neuropathy",
    "mmn": "neuropathy",
}
"""How long IgG is kept in the people of a labelled use, by its code; all others keep it as usual."""

MOST_G_PER_KG_28_DAY = 5.0
"""Above it nothing is predicted: twice the highest dose that any label repeats (2.4 g/kg a month)."""

_PEOPLE = 1_000
_SEED = 1
_PROBABILITIES = (0.05, 0.5, 0.95)
# doses within a third of each other count as the same distance away
_NEAR = math.log(4.0 / 3.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """A number with the range it may lie in.

    `value`: by the average of the models for a typical person of this body. `models_low` and `models_high`:
    the lowest and highest of the models. `people_low` and `people_high`: where 90% of people of this body
    lie, by those of the models that know how people differ; None where none does.
    """

    value: float
    models_low: float
    models_high: float
    people_low: float | None
    people_high: float | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Total IgG under a repeated dose, in g/L, and how long that takes, in days.

    `baseline_known`: whether the person's own level was given; else the models' own typical one is used.
    `plateau_day`: until the trough is within 5% of its final rise; `washout_day`: from the last dose until a
    tenth of the mean rise is left; lowest and highest of the models, None where none gets there.
    `guides`: whether a measured level can show the rise at all, in words where it can not.
    """

    model: str
    name: str
    baseline_g_per_l: float
    baseline_known: bool
    rise_mean_g_per_l: Spread
    trough_g_per_l: Spread
    peak_g_per_l: Spread
    average_g_per_l: Spread
    plateau_day: tuple[float, float] | None
    washout_day: tuple[float, float] | None
    guides: str | None
    flags: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoPrediction:
    """Why no level is predicted."""

    reason: str


@dataclass(frozen=True, slots=True)
class TrialAtDose:
    """One randomised trial in ME/CFS or fibromyalgia beside the plan.

    `arms_mg_per_kg_per_28_day`: doses of its active arms, in the order of its record; None where one is not
    known, which `dose_note` then says. `percent_of_trial`: the plan's dose per kg and 28 days as a percentage
    of the highest and of the lowest of them. `effect`: what it found on the scale that trials share, or None,
    and then `unusable` says why. `found`: whether its own interval leaves out no difference.
    """

    study: str
    name: str
    year: int | None
    route: Route | None
    arms_mg_per_kg_per_28_day: tuple[float | None, ...]
    dose_note: str | None
    percent_of_trial: tuple[float, float] | None
    effect: TrialEffect | None
    unusable: str | None
    found: Literal["favours", "no_clear_difference", "against", "not_usable"]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What randomised trials in ME/CFS and fibromyalgia say, and how far from their doses the plan is.

    `trials` by year. `pooled`: the main answer of all that can be pooled, as on the page of the evidence;
    None where nothing can. `nearest`: study ids of the trials whose dose lies nearest to the plan's, by
    ratio. `dose_words`: what that means, in a sentence or two.
    """

    trials: tuple[TrialAtDose, ...]
    pooled: Summary | None
    pooled_trials: int
    nearest: tuple[str, ...]
    dose_words: str
    sources: tuple[str, ...]


def predict(
    models: Catalogue,
    patient: Patient,
    *,
    route: Route,
    grams: float,
    interval_day: float | None,
    infusion_day: float | None = None,
    daily_parts: int = 1,
    indication: str | None = None,
) -> Prediction | NoPrediction:
    """Total IgG of a person under a dose of `grams` every `interval_day`, at steady state.

    The average of models is that of the person's `indication` (code of a labelled use; None: normal IgG).
    """
    if interval_day is None:
        return NoPrediction("the dose is given once, so no steady level is predicted")
    if grams * FOUR_WEEKS_DAY / interval_day > MOST_G_PER_KG_28_DAY * patient.weight_kg:
        return NoPrediction(
            f"more than {MOST_G_PER_KG_28_DAY:g} g/kg in 28 days is far beyond what any model was made from;"
            " is a digit or a unit mistaken?"
        )
    group = KINETIC_GROUP.get(indication or "", "normal_igg")
    which = next(
        (name for name, each in sorted(models.averages.items()) if group in each.valid_for.indications), None
    )
    if which is None:
        return NoPrediction("no average of models is made for people of this kind")
    if not any(has_route(models, model, route) for model, _ in models.members(which)):
        return NoPrediction("none of the models knows how IgG is taken up by this route")
    person = Person(
        patient.weight_kg,
        height_cm=patient.height_cm,
        sex=patient.sex,
        age_year=patient.age_year,
        baseline_g_per_l=patient.baseline_igg_g_per_l,
        indication=group,
    )
    (answer,) = steady_state(
        models,
        which,
        person,
        dose_g=grams,
        interval_day=interval_day,
        route=route,
        infusion_day=infusion_day,
        daily_parts=daily_parts,
    )
    if answer.exposure is None or answer.band is None:
        return NoPrediction(answer.message or "the models gave no level")
    settled = settling(
        models,
        which,
        person,
        dose_g=grams,
        interval_day=interval_day,
        route=route,
        infusion_day=infusion_day,
        daily_parts=daily_parts,
    )
    dosing = Dosing(grams, False, interval_day, route, infusion_day, daily_parts)
    people, known_by = _people(models, which, person, dosing, answer)
    names = {each.id: each.name for each in models.models.values()}
    return _prediction(answer, settled, people, patient, [names[model] for model in known_by], names)


def _people(
    models: Catalogue, which: str, person: Person, dosing: Dosing, answer: Simulated
) -> tuple[dict[str, tuple[float, float]], tuple[str, ...]]:
    """Where 90% of people of this body and own level lie, by number of an interval; {} where not known.

    Also the models that this is by, where not all of the average know how people differ.
    """
    taking_part = [model for model, _ in models.members(which) if has_route(models, model, dosing.route)]
    spreading = [model.id for model in taking_part if model.between_subject_sd]
    if not spreading:
        return {}, ()
    whole = len(spreading) == len(taking_part)
    baseline = answer.baseline_g_per_l
    body: dict[str, Any] = {
        name: np.full(_PEOPLE, value)
        for name in ("weight_kg", "height_cm", "age_year", "sex")
        if (value := getattr(person, name)) is not None
    }
    alike = Person(**body, baseline_g_per_l=np.full(_PEOPLE, baseline))
    crowd = crowd_from(alike, _SEED, indication=person.indication)
    found = simulate_population(
        models, which if whole else spreading, crowd, dosing, at_day=(0.0,), probabilities=_PROBABILITIES
    )
    spread = {
        name: (
            min(float(each.interval[name][0]) for each in found),
            max(float(each.interval[name][-1]) for each in found),
        )
        for name in found[0].interval
    }
    if "average" in spread:
        low, high = spread["average"]
        spread["rise"] = (low - baseline, high - baseline)
    return spread, () if whole else tuple(spreading)


def _prediction(
    answer: Simulated,
    settled: Sequence[Settling],
    people: Mapping[str, tuple[float, float]],
    patient: Patient,
    known_by: Sequence[str],
    names: Mapping[str, str],
) -> Prediction:
    given = patient.baseline_igg_g_per_l is not None
    flags = tuple(
        flag if models == (answer.model,) else f"{'; '.join(names[model] for model in models)}: {flag}"
        for flag, models in answer.all_flags().items()
        # said below of all models together
        if not flag.startswith(OWN_IGG_NOT_GIVEN)
    )
    if not given:
        flags = (
            *flags,
            f"the person's own IgG is not known; {answer.baseline_g_per_l:.1f} g/L is taken, and a measured"
            " level moves every total",
        )
    if known_by:
        flags = (
            *flags,
            f"how much people differ is known of {', '.join(known_by)} alone; the range of people is by it",
        )
    return Prediction(
        model=answer.model,
        name=answer.name,
        baseline_g_per_l=answer.baseline_g_per_l,
        baseline_known=given,
        rise_mean_g_per_l=_spread(answer, "rise_mean_g_per_l", people.get("rise")),
        trough_g_per_l=_spread(answer, "cmin_g_per_l", people.get("trough")),
        peak_g_per_l=_spread(answer, "cmax_g_per_l", people.get("peak")),
        average_g_per_l=_spread(answer, "cavg_g_per_l", people.get("average")),
        plateau_day=_span([each.plateau_day for each in settled]),
        washout_day=_span([each.tenth_day for each in settled]),
        guides=_guides(answer),
        flags=flags,
        sources=answer.sources,
    )


def _spread(answer: Simulated, name: str, people: tuple[float, float] | None) -> Spread:
    exposure, band = answer.exposure, answer.band
    if not isinstance(exposure, Exposure) or band is None:
        raise ValueError("answer: has no interval to describe")
    low, high = people if people is not None else (None, None)
    return Spread(getattr(exposure, name), getattr(band.low, name), getattr(band.high, name), low, high)


def _span(days: Sequence[float | None]) -> tuple[float, float] | None:
    known_days = [day for day in days if day is not None]
    return (min(known_days), max(known_days)) if known_days and len(known_days) == len(days) else None


def _guides(answer: Simulated) -> str | None:
    """That a measured level cannot show the rise, in words; None where it can."""
    read = answer.readability
    if read is None or read.can_guide or answer.exposure is None:
        return None
    return (
        f"The mean rise, {answer.exposure.rise_mean_g_per_l:.2g} g/L, is less than two single levels can tell"
        f" apart ({read.visible_g_per_l:.2g} g/L): a measured level cannot guide this dose."
    )


def evidence(
    studies: Iterable[Study],
    products: Mapping[str, Product],
    *,
    route: Route,
    mg_per_kg_per_28_day: float | None,
    weight_kg: float,
) -> Evidence:
    """The randomised trials beside a plan of this route and dose per kg and 28 days (None: not repeated).

    `weight_kg`: body weight for trials that gave grams or mL.
    """
    trials = tuple(
        _trial(study, products, mg_per_kg_per_28_day, weight_kg)
        for study in sorted(studies, key=lambda study: (study.citation.year or 9999, study.id))
        if study.design in RANDOMISED and study.condition_group != "neighbour"
    )
    effects = [trial.effect for trial in trials if trial.effect is not None]
    pooled = _pooled(tuple(effects)) if any(effect.smd is not None for effect in effects) else None
    near = _nearest(trials, mg_per_kg_per_28_day)
    return Evidence(
        trials=trials,
        pooled=pooled,
        pooled_trials=len(effects),
        nearest=tuple(trial.study for trial in near),
        dose_words=_dose_words(trials, near, mg_per_kg_per_28_day, route),
        sources=tuple(dict.fromkeys(source for trial in trials for source in trial.sources)),
    )


@lru_cache(maxsize=4)
def _pooled(effects: tuple[TrialEffect, ...]) -> Summary:
    """The main answer; the trials are the same for whoever a plan is made for."""
    return PooledTrials.of(effects).cautious(next(iter(PRIORS.values())))


def _trial(
    study: Study, products: Mapping[str, Product], dose: float | None, weight_kg: float
) -> TrialAtDose:
    active = [arm for arm in study.arms if arm.role == "active" and arm.regimen is not None]
    given = [_four_weeks(arm, products, weight_kg) for arm in active]
    doses = tuple(each if isinstance(each, float) else None for each in given)
    whole = [each for each in doses if each is not None]
    percent = (
        (100.0 * dose / max(whole), 100.0 * dose / min(whole))
        if dose is not None and whole and len(whole) == len(doses)
        else None
    )
    effect = trial_effect(study) if study.pooled is not None else None
    return TrialAtDose(
        study=study.id,
        name=study.name,
        year=study.citation.year,
        route=next((known(arm.regimen.route) for arm in active if arm.regimen is not None), None),
        arms_mg_per_kg_per_28_day=doses,
        dose_note=next((each for each in given if isinstance(each, str)), None if given else "not recorded"),
        percent_of_trial=percent,
        effect=effect,
        unusable=None if effect is not None else study.poolability_reason,
        found=_found(effect),
        sources=tuple(dict.fromkeys((*(effect.sources if effect else study.sources), *_arm_sources(active)))),
    )


def _four_weeks(arm: Arm, products: Mapping[str, Product], weight_kg: float) -> float | str:
    """mg/kg per 28 days of an arm, or why that is not known."""
    if arm.regimen is None:
        return "what was given is not recorded"
    # the cap was for heavier people of the trial, not for the one who is planned for
    found = amount(arm.regimen.model_copy(update={"cap_g": None}), weight_kg, products)
    if isinstance(found, NoAmount):
        return found.reason
    if found.mg_per_kg_per_28_day is None:
        return "given as one course, not repeated"
    return found.mg_per_kg_per_28_day


def _arm_sources(arms: Iterable[Arm]) -> tuple[str, ...]:
    phases = [arm.regimen.phases[-1] for arm in arms if arm.regimen is not None]
    facts = [fact for phase in phases for fact in (phase.dose, phase.interval_day)]
    return tuple(dict.fromkeys(fact.source for fact in facts if isinstance(fact, Cited)))


def _found(
    effect: TrialEffect | None,
) -> Literal["favours", "no_clear_difference", "against", "not_usable"]:
    if effect is None:
        return "not_usable"
    if effect.ci_lower is not None and effect.ci_lower > 0.0:
        return "favours"
    return "against" if effect.ci_upper is not None and effect.ci_upper < 0.0 else "no_clear_difference"


def _nearest(trials: Iterable[TrialAtDose], dose: float | None) -> tuple[TrialAtDose, ...]:
    """The trials with an arm at the smallest ratio from the dose."""
    if dose is None:
        return ()
    away = [
        (min(abs(math.log(dose / arm)) for arm in arms), trial)
        for trial in trials
        if (arms := [arm for arm in trial.arms_mg_per_kg_per_28_day if arm])
    ]
    least = min((distance for distance, _ in away), default=0.0)
    return tuple(trial for distance, trial in away if distance <= least + 1e-9)


def _dose_words(
    trials: Sequence[TrialAtDose], near: Sequence[TrialAtDose], dose: float | None, route: Route
) -> str:
    if dose is None:
        return "The dose is given once; the trials repeated theirs, so it cannot be set beside them."
    tried = [arm for trial in trials for arm in trial.arms_mg_per_kg_per_28_day if arm]
    if not tried:
        return "No trial's dose is known, so this one cannot be set beside them."
    names = ", ".join(f"{trial.name}" for trial in near)
    closest = min((arm for trial in near for arm in trial.arms_mg_per_kg_per_28_day if arm),
                  key=lambda arm: abs(math.log(dose / arm)))  # fmt: skip
    share = 100.0 * dose / closest
    if abs(math.log(dose / closest)) <= _NEAR:
        beside = f"About this dose was tried in {names} ({closest:.0f} mg/kg every 28 days)."
    elif dose < min(tried):
        beside = (
            f"This dose is below all that trials gave: {share:.2g}% of the lowest ({names},"
            f" {closest:.0f} mg/kg every 28 days). No trial says whether so little does anything."
        )
    elif dose > max(tried):
        beside = (
            f"This dose is above all that trials gave: {share:.0f}% of the highest ({names},"
            f" {closest:.0f} mg/kg every 28 days)."
        )
    else:
        beside = (
            f"No trial gave this dose; the nearest is {closest:.0f} mg/kg every 28 days ({names}),"
            f" of which this is {share:.0f}%."
        )
    other = "" if route in {trial.route for trial in trials} else " The trials gave it by another route."
    return f"{beside}{other} Whether more helps more, the trials cannot say."
