"""Which body weight a dose is worked out on: four bases side by side, each with its limits.

Labels state g per kg of body weight. Guidelines for people with obesity ask for a lower weight and disagree
on its formula, so all four are always given, each in kg or with the reason why not, and one of them is
chosen.

The limits that Transfusion Ontario sets on weight (above 50 kg for men, 45.5 kg for women) need no check of
their own: from 152.4 cm up nobody lighter than that is above their ideal weight, and below the ideal weight
no adjusted weight is offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

WeightBasis = Literal["actual", "ideal", "adjusted_0_4", "adjusted_0_5"]
"""The weight as it is; Devine's ideal weight; the ideal plus 0.4 or 0.5 of what is above it."""

Sex = Literal["female", "male"]

WEIGHT_NAMES: dict[WeightBasis, str] = {
    "actual": "actual weight",
    "ideal": "ideal weight",
    "adjusted_0_4": "adjusted weight (factor 0.4)",
    "adjusted_0_5": "adjusted weight (factor 0.5)",
}
"""Each basis as a reader should see it."""

CM_PER_INCH = 2.54
IDEAL_FROM_CM = 152.4
"""60 inches, where Devine's formula starts."""
IDEAL_START_KG: dict[Sex, float] = {"male": 50.0, "female": 45.5}
IDEAL_KG_PER_INCH = 2.3
HIGH_BMI = 30.0
"""Above it Transfusion Ontario requires an adjusted weight; from it on the Elsevier reference uses one."""
ELSEVIER_MOST_KG = 100.0
ELSEVIER_MOST_OVER_IDEAL = 1.2

IDEAL_SOURCE = "nba_bloodstar_weight"
ONTARIO_SOURCE = "transfusion_ontario_dose"
ELSEVIER_SOURCE = "elsevier_dosing_weight"
_ADJUSTED: dict[WeightBasis, tuple[float, str]] = {
    "adjusted_0_4": (0.4, IDEAL_SOURCE),
    "adjusted_0_5": (0.5, "harriet_lane_24e"),
}


@dataclass(frozen=True, slots=True)
class DosingWeight:
    """One basis for the dose: `kg`, or `why_not` where it cannot be worked out or must not be used.

    `formula`: how it is worked out, in words. `flags`: what a guideline says about using it for this person.
    `source`: the source of the formula (None: the weight itself needs none).
    """

    basis: WeightBasis
    kg: float | None
    formula: str
    why_not: str | None
    flags: tuple[str, ...]
    source: str | None


@dataclass(frozen=True, slots=True)
class WeightChoice:
    """The weight that is used, why, and all four bases in the order of `WeightBasis`.

    `kg`: the chosen weight. `actual_kg`: the actual one; in pregnancy the one before it where known.
    `sources`: ids of all sources that the formulas and flags rest on.
    """

    chosen: DosingWeight
    why: str
    choices: tuple[DosingWeight, ...]
    kg: float
    actual_kg: float
    sources: tuple[str, ...]


def weight_choice(
    weight_kg: float,
    height_cm: float | None = None,
    sex: Sex | None = None,
    *,
    pregnant: bool | None = None,
    pre_pregnancy_weight_kg: float | None = None,
    basis: WeightBasis | None = None,
) -> WeightChoice:
    """The four dosing weights of a person and the one that is used.

    `weight_kg` (kg) is today's weight. `basis` None takes the actual weight, in pregnancy the weight before
    it (Transfusion Ontario). Ideal weight: Devine, 50 kg (men) or 45.5 kg (women) plus 2.3 kg for each inch
    above 60 inches. Adjusted weight: ideal + 0.4 (National Blood Authority, Australia) or 0.5 (Harriet Lane
    Handbook) of (actual - ideal).

    Raises ValueError for numbers that are not above zero and for a `basis` that this person has no weight
    for.
    """
    for name, value in (
        ("weight_kg", weight_kg),
        ("height_cm", height_cm),
        ("pre_pregnancy_weight_kg", pre_pregnancy_weight_kg),
    ):
        if value is not None and not (isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a number above 0, not {value:g}")
    if basis is not None and basis not in get_args(WeightBasis):
        raise ValueError(f"basis must be one of {', '.join(get_args(WeightBasis))}, not {basis!r}")
    before = pre_pregnancy_weight_kg if pregnant else None
    used_kg = weight_kg if before is None else before
    bmi = None if height_cm is None else used_kg / (height_cm / 100) ** 2
    ideal = _ideal(used_kg, height_cm, sex)
    actual = DosingWeight(
        basis="actual",
        kg=used_kg,
        formula="body weight" if before is None else "body weight before pregnancy",
        why_not=None,
        flags=_actual_flags(used_kg, bmi, ideal, unknown_before=bool(pregnant) and before is None),
        source=None if before is None else ONTARIO_SOURCE,
    )
    adjusted = tuple(_adjusted(name, used_kg, bmi, ideal) for name in _ADJUSTED)
    choices = (actual, ideal, *adjusted)
    chosen = next(choice for choice in choices if choice.basis == (basis or "actual"))
    if chosen.kg is None:
        raise ValueError(
            f"basis: the {WEIGHT_NAMES[chosen.basis]} cannot be used: {chosen.why_not}; use the actual weight"
        )
    formulas = dict.fromkeys(choice.source for choice in choices if choice.source is not None)
    return WeightChoice(
        chosen=chosen,
        why=_why(basis, before is not None),
        choices=choices,
        kg=chosen.kg,
        actual_kg=used_kg,
        sources=tuple(dict.fromkeys((*formulas, ONTARIO_SOURCE, ELSEVIER_SOURCE))),
    )


def _why(basis: WeightBasis | None, before_pregnancy: bool) -> str:
    if basis is not None:
        return f"The {WEIGHT_NAMES[basis]} was chosen by whoever planned this."
    if before_pregnancy:
        return "Labels state the dose per kg of body weight; in pregnancy the weight before it is taken."
    return "Labels state the dose per kg of body weight, so the actual weight is taken."


def _ideal(used_kg: float, height_cm: float | None, sex: Sex | None) -> DosingWeight:
    kg, why_not = None, None
    if height_cm is None or sex is None:
        missing = [name for name, value in (("height", height_cm), ("sex", sex)) if value is None]
        why_not = f"the {' and '.join(missing)} must be known"
    elif height_cm < IDEAL_FROM_CM:
        why_not = f"the formula starts at {IDEAL_FROM_CM:g} cm (60 inches); the height is {height_cm:g} cm"
    else:
        kg = IDEAL_START_KG[sex] + IDEAL_KG_PER_INCH * (height_cm - IDEAL_FROM_CM) / CM_PER_INCH
        if kg > used_kg:
            why_not = f"the ideal weight, {kg:.1f} kg, is more than the person weighs"
            kg = None
    return DosingWeight(
        basis="ideal",
        kg=kg,
        formula="50 kg (men) or 45.5 kg (women), and 2.3 kg for each inch of height above 60 inches (Devine)",
        why_not=why_not,
        flags=(),
        source=IDEAL_SOURCE,
    )


def _adjusted(name: WeightBasis, used_kg: float, bmi: float | None, ideal: DosingWeight) -> DosingWeight:
    factor, source = _ADJUSTED[name]
    flags: tuple[str, ...] = ()
    if ideal.kg is not None and bmi is not None and bmi <= HIGH_BMI:
        flags = (
            f"The body mass index is {bmi:.1f} kg/m2. Transfusion Ontario requires an adjusted weight only"
            f" above {HIGH_BMI:g}.",
        )
    return DosingWeight(
        basis=name,
        kg=None if ideal.kg is None else ideal.kg + factor * (used_kg - ideal.kg),
        formula=f"ideal weight and {factor:g} of what is above it",
        why_not=ideal.why_not,
        flags=flags,
        source=source,
    )


def _actual_flags(
    used_kg: float, bmi: float | None, ideal: DosingWeight, *, unknown_before: bool
) -> tuple[str, ...]:
    flags = []
    if unknown_before:
        flags.append(
            "In pregnancy Transfusion Ontario takes the weight before it. That is not known here; today's"
            " weight is taken."
        )
    if bmi is None:
        flags.append("The height is not known, so no rule that rests on the body mass index was checked.")
    elif bmi > HIGH_BMI and ideal.kg is not None:
        flags.append(
            f"The body mass index is {bmi:.1f} kg/m2. Above {HIGH_BMI:g} Transfusion Ontario requires an"
            " adjusted weight."
        )
    elif bmi > HIGH_BMI:
        flags.append(
            f"The body mass index is {bmi:.1f} kg/m2. Above {HIGH_BMI:g} Transfusion Ontario requires an"
            f" adjusted weight, which cannot be worked out: {ideal.why_not}."
        )
    reasons = []
    if used_kg > ELSEVIER_MOST_KG:
        reasons.append(f"the weight is above {ELSEVIER_MOST_KG:g} kg")
    if bmi is not None and bmi >= HIGH_BMI:
        reasons.append(f"the body mass index is {HIGH_BMI:g} or more")
    if ideal.kg is not None and used_kg > ELSEVIER_MOST_OVER_IDEAL * ideal.kg:
        reasons.append("the weight is more than 20% above the ideal")
    if reasons:
        flags.append(f"The Elsevier drug reference would take an adjusted weight: {'; '.join(reasons)}.")
    return tuple(flags)
