"""Does more dose help? What the controlled trials can say, on two axes of dose and under several shapes.

Few trials, most without a printed number, and doses that go together with age. So every answer gives what was
believed before the trials and what after, names what else differs, and where the trials cannot decide, says
that they cannot and why.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from globulin.dossier import Dossier
from globulin.dossier.study import Study
from globulin.planning.dose_points import (
    UNITS,
    AxisId,
    DosePoint,
    LeftOut,
    as_effects,
    differing,
    dose_points,
)
from globulin.planning.group_effect import GroupAnswer, GroupId, group_answer
from globulin.planning.learning import (
    DIFFERENCE_PRIORS,
    VAGUE,
    VAGUE_WORDS,
    NumbersOnly,
    decided,
    learnt_words,
    listed,
    numbers_only,
)
from globulin.synthesis.bayes_regression import Learnt
from globulin.synthesis.dose_posterior import DosePosterior, dose_posterior
from globulin.synthesis.dose_response import Refusal, Shape, fit_trend, fit_within_trials
from globulin.synthesis.emax import fit_emax
from globulin.synthesis.opinions import TAU_PRIOR
from globulin.synthesis.priors import Normal

ModelId = Literal["same_at_any_dose", "proportional", "log_linear", "levels_off", "more_against_less"]
MODELS: Mapping[ModelId, tuple[str, str, Shape]] = {
    "same_at_any_dose": ("The same at any dose", "The effect does not depend on the dose.", "flat"),
    "proportional": (
        "Twice the dose, twice the effect (a line through zero)",
        "Takes for granted that dose matters, so any benefit at all makes it rise.",
        "linear",
    ),
    "log_linear": (
        "Each further gram adds less (log-linear)",
        "The effect grows with log(1 + dose / lowest dose tried). Takes for granted that dose matters.",
        "log_linear",
    ),
    "levels_off": (
        "Levels off at high doses (Emax)",
        "The effect is Emax x dose / (ED50 + dose). ED50, the dose of half the greatest effect, may lie"
        " anywhere from a tenth of the lowest to ten times the highest dose tried. Takes for granted that"
        " dose matters.",
        "emax",
    ),
    "more_against_less": (
        "More against less (a line with a level of its own)",
        "The only one of these that asks whether dose matters: the effect half way between the lowest and the"
        " highest dose may be anything, and what the highest adds to the lowest is estimated.",
        "linear",
    ),
}
"""Title, meaning and shape. Bends are taken from the doses tried: see `_bend`."""

_ED50_SPAN = 10.0
_CURVE_POINTS = 17


@dataclass(frozen=True)
class DoseCurve:
    """Posterior median and 95% band of the mean effect (SMD) along a grid of doses, in the axis's unit."""

    dose: tuple[float, ...]
    median: tuple[float, ...]
    ci_lower: tuple[float, ...]
    ci_upper: tuple[float, ...]


@dataclass(frozen=True)
class DoseModel:
    """One way in which the effect may depend on dose, with the silent trials as ranges.

    prior, prior_words: of the effect at the highest dose; of "more_against_less", of what the highest dose
    adds to the lowest. at_highest: effect at the highest dose tried. gain: that minus the effect at the
    lowest, 0 throughout for "same_at_any_dose". ed50: in the unit of the axis. evidence: how many times
    better it foretells what is known than "same_at_any_dose" does (Bayes factor); 1/3 to 3 is next to
    nothing (Kass & Raftery 1995).
    """

    id: ModelId
    title: str
    words: str
    prior: str
    prior_words: str
    at_highest: Learnt
    gain: Learnt
    ed50: Learnt | None
    evidence: float
    curve: DoseCurve
    message: str


@dataclass(frozen=True)
class NotFitted:
    """A model that the doses do not allow, and why."""

    id: ModelId
    title: str
    reason: str


@dataclass(frozen=True)
class SameAge:
    """What the highest dose adds to the lowest by the trials of one age group, under the cautious prior."""

    age_group: str
    gain: Learnt


@dataclass(frozen=True)
class DoseAxis:
    """Everything on one axis of dose.

    numbers_only: classical fits across trials. within: between arms of the same trial. models: first those
    that take an effect of dose for granted or exclude it, then the one that asks, under each prior.
    same_age: None where all points are of one age group, or where those of one group do not suffice.
    """

    id: AxisId
    unit: str
    points: tuple[DosePoint, ...]
    left_out: tuple[LeftOut, ...]
    numbers_only: tuple[NumbersOnly, ...]
    within: NumbersOnly
    models: tuple[DoseModel, ...]
    not_fitted: tuple[NotFitted, ...]
    same_age: SameAge | None

    def asked(self) -> tuple[DoseModel, ...]:
        """The model that asks whether dose matters, under each prior."""
        return tuple(model for model in self.models if model.id == "more_against_less")


@dataclass(frozen=True)
class DoseAnswer:
    """Whether more dose helps more.

    cannot_be_answered: the main reason in plain words, or None where the trials do say. also: further ones.
    """

    question: str
    axes: tuple[DoseAxis, ...]
    cannot_be_answered: str | None
    also: tuple[str, ...]


@dataclass(frozen=True)
class DoseAnswers:
    """What the controlled trials say of dose, of age, and of immune markers."""

    dose: DoseAnswer
    age: GroupAnswer
    immune_marker: GroupAnswer
    sources: tuple[str, ...]


def dose_answers(dossier: Dossier, weight_kg: float) -> DoseAnswers:
    """All three answers; weight_kg only turns doses that a trial gave in grams or mL into g/kg."""
    studies = sorted(dossier.studies.values(), key=lambda study: (study.citation.year or 9999, study.id))
    axes = tuple(_axis(axis, *dose_points(studies, axis, weight_kg, dossier.products)) for axis in UNITS)
    age, immune_marker = (group_answer(group, studies, axes[0].points) for group in get_args(GroupId))
    sources = [source for axis in axes for point in axis.points for source in point.sources]
    sources += [told.source for told in (*age.reported, *immune_marker.reported)]
    return DoseAnswers(_dose_answer(axes, studies), age, immune_marker, tuple(dict.fromkeys(sources)))


def _axis(axis: AxisId, points: tuple[DosePoint, ...], left_out: tuple[LeftOut, ...]) -> DoseAxis:
    models, not_fitted = _models(points)
    return DoseAxis(
        id=axis,
        unit=UNITS[axis],
        points=points,
        left_out=left_out,
        numbers_only=_across(points),
        within=_within(points),
        models=models,
        not_fitted=not_fitted,
        same_age=_same_age(points),
    )


# --- with the silent trials as ranges ----------------------------------------------------------------------

_NO_NUMBER = Refusal("too_few_effects", "no controlled trial with a known dose printed a number")


def _models(points: Sequence[DosePoint]) -> tuple[tuple[DoseModel, ...], tuple[NotFitted, ...]]:
    """Every model under its priors, and those that the doses do not allow."""
    models: list[DoseModel] = []
    not_fitted: list[NotFitted] = []
    flat = 0.0
    for identifier, (title, _, _) in MODELS.items():
        asks = identifier == "more_against_less"
        for prior in DIFFERENCE_PRIORS if asks else ("vague",):
            fit = _fit(identifier, points, DIFFERENCE_PRIORS[prior][0] if asks else VAGUE)
            if isinstance(fit, Refusal):
                not_fitted.append(NotFitted(identifier, title, fit.reason))
                break
            flat = fit.log_evidence if identifier == "same_at_any_dose" else flat
            models.append(_model(identifier, prior, fit, math.exp(fit.log_evidence - flat)))
    return tuple(models), tuple(not_fitted)


def _fit(identifier: ModelId, points: Sequence[DosePoint], prior: Normal) -> DosePosterior | Refusal:
    if all(point.smd is None for point in points):
        return _NO_NUMBER
    shape = MODELS[identifier][2]
    return dose_posterior(
        [point.dose_g_per_kg for point in points],
        as_effects(points),
        shape=shape,
        size=prior,
        intercept=VAGUE if identifier == "more_against_less" else None,
        bend=_ed50_range(points) if shape == "emax" else _bend(shape, points),
        tau_prior=TAU_PRIOR,
    )


def _bend(shape: Shape, points: Sequence[DosePoint]) -> float | None:
    """The lowest dose tried, for the shape that needs one."""
    return min(point.dose_g_per_kg for point in points) if shape == "log_linear" else None


def _ed50_range(points: Sequence[DosePoint]) -> tuple[float, float]:
    """Where ED50 may lie."""
    doses = [point.dose_g_per_kg for point in points]
    return min(doses) / _ED50_SPAN, max(doses) * _ED50_SPAN


def _model(identifier: ModelId, prior: str, fit: DosePosterior, evidence: float) -> DoseModel:
    title, words, _ = MODELS[identifier]
    # a level that is not tied to zero says nothing of doses that nobody tried
    through_zero = identifier in ("proportional", "log_linear", "levels_off")
    doses = np.linspace(0.0 if through_zero else fit.doses[0], fit.doses[1], _CURVE_POINTS)
    band = fit.effect_at(doses)
    return DoseModel(
        id=identifier,
        title=title,
        words=words,
        prior=prior,
        prior_words=DIFFERENCE_PRIORS[prior][1] if identifier == "more_against_less" else VAGUE_WORDS,
        at_highest=fit.highest,
        gain=fit.gain,
        ed50=fit.bend,
        evidence=evidence,
        curve=DoseCurve(
            dose=tuple(doses.tolist()),
            median=tuple(at.median for at in band),
            ci_lower=tuple(at.ci_lower for at in band),
            ci_upper=tuple(at.ci_upper for at in band),
        ),
        message=fit.message,
    )


def _same_age(points: Sequence[DosePoint]) -> SameAge | None:
    """By the age group with most points, where there is more than one group."""
    groups = Counter(point.age_group for point in points if point.age_group is not None)
    if len({point.age_group for point in points}) < 2 or not groups:
        return None
    largest = groups.most_common(1)[0][0]
    alone = [point for point in points if point.age_group == largest]
    fit = _fit("more_against_less", alone, DIFFERENCE_PRIORS["cautious"][0])
    return None if isinstance(fit, Refusal) else SameAge(largest, fit.gain)


# --- printed numbers alone ---------------------------------------------------------------------------------

_LINES: tuple[tuple[str, Shape, bool], ...] = (
    ("slope of a line with a level of its own (SMD per g/kg)", "linear", True),
    ("slope of a line through zero (SMD per g/kg)", "linear", False),
    ("slope along log(1 + dose / lowest dose tried), through zero (SMD)", "log_linear", False),
)
_EMAX = "Emax of a curve that levels off (SMD)"
_WITHIN = "slope between the doses of the same trial (SMD per g/kg)"


def _across(points: Sequence[DosePoint]) -> tuple[NumbersOnly, ...]:
    """Classical fits across trials."""
    printed = [point for point in points if point.smd is not None]
    if not printed:
        return tuple(numbers_only(title, 0, _NO_NUMBER) for title in (*(line[0] for line in _LINES), _EMAX))
    dose, effects = [point.dose_g_per_kg for point in printed], as_effects(printed)
    table = (dose, effects.y, effects.covariance)
    lines = (
        (title, fit_trend(*table, shape=shape, bend=_bend(shape, points), intercept=intercept))
        for title, shape, intercept in _LINES
    )
    emax = fit_emax(*table, ed50_range=_ed50_range(points))
    return (
        *(numbers_only(title, len(printed), fit) for title, fit in lines),
        numbers_only(_EMAX, len(printed), emax),
    )


def _within(points: Sequence[DosePoint]) -> NumbersOnly:
    """A classical fit between arms of the same trial."""
    printed = [point for point in points if point.smd is not None]
    if not printed:
        return numbers_only(_WITHIN, 0, _NO_NUMBER)
    dose, effects = [point.dose_g_per_kg for point in printed], as_effects(printed)
    fit = fit_within_trials(dose, effects.y, effects.covariance, effects.trial)
    return numbers_only(_WITHIN, len(printed), fit)


# --- in words ----------------------------------------------------------------------------------------------


def _dose_answer(axes: tuple[DoseAxis, ...], studies: Sequence[Study]) -> DoseAnswer:
    answered = decided(model.gain for axis in axes for model in axis.asked())
    return DoseAnswer(
        question="Does more immune globulin help more?",
        axes=axes,
        cannot_be_answered=None if answered else _main_reason(axes[0].points, studies),
        also=tuple(_remarks(axes[0])),
    )


def _main_reason(points: Sequence[DosePoint], studies: Sequence[Study]) -> str:
    with_numbers = {point.study for point in points if point.smd is not None}
    trials = [study for study in studies if study.id in with_numbers]
    if not trials:
        return "No controlled trial with a known dose printed a number."
    names = listed(study.name for study in trials)
    if len(trials) == 1:
        return f"Only 1 controlled trial with a known dose printed a number: {names}."
    traits = differing(trials, points)
    if "dose" not in traits:
        return f"The {len(trials)} controlled trials that printed a number, {names}, gave the same dose."
    return (
        f"Only {len(trials)} controlled trials with a known dose printed a number, {names}, and they differ"
        f" in {listed(traits.values())}. Any of these may be why one found more than another."
    )


def _remarks(axis: DoseAxis) -> Iterator[str]:
    arms = Counter(point.name for point in axis.points)
    silent = {point.name for point in axis.points if point.smd is None}
    for name, count in arms.items():
        if count > 1 and name in silent:
            yield f"{name} gave {count} doses side by side, but printed no number for any of them."
    if max(arms.values(), default=0) < 2:
        yield "No trial gave several doses side by side."
    for model in axis.asked()[:1]:
        yield learnt_words(model.gain, "the highest dose helps more than the lowest")
    if axis.same_age is not None:
        chance = axis.same_age.gain.posterior.probability_above_zero
        yield f"By the trials in {axis.same_age.age_group} alone that probability is {chance:.0%}."
