"""A person and a published model become arrays: the one place where kinetic facts turn into parameters.

Covariates, variants for a group of people, baseline and uptake are applied here and nowhere else, and
whatever lies outside what a model was made from is put into words here. The solvers know neither persons
nor models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.exposure.linear import Disposition, FloatArray, checked_array

if TYPE_CHECKING:
    from globulin.dossier.kinetics import Indication
    from globulin.exposure.facts import ModelFacts, MuscleFacts, Validity
    from globulin.exposure.fcrn import Recycling

BoolArray = NDArray[np.bool_]
Sex = Literal["female", "male"]

BODY = {
    "weight_kg": (2.0, 400.0),
    "height_cm": (20.0, 260.0),
    "age_year": (0.0, 120.0),
    "baseline_g_per_l": (0.0, 100.0),
    "igm_g_per_l": (0.001, 100.0),
}
"""Limits of any person; beyond them a unit or a digit was mistaken."""

OWN_IGG_NOT_GIVEN = "the person's own IgG is not given"
"""How a flag begins that says what is taken instead."""
_ADULT_YEAR = 18.0

# Boer P. Am J Physiol 1984;247:F632: lean body mass in kg = a weight (kg) + b height (cm) - c
_BOER = {"male": (0.407, 0.267, 19.2), "female": (0.252, 0.473, 48.3)}

_WHO = {
    "normal_igg": "normal IgG",
    "primary_deficiency": "primary antibody deficiency",
    "secondary_deficiency": "secondary antibody deficiency",
    "neuropathy": "a nerve disease",
}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person, or many: every field is one value, or an array with one value for each person.

    Only the weight must be known; None leaves a model at its reference, which is then said. Arrays broadcast.
    `baseline_g_per_l` is the person's own IgG before treatment. `indication` None: not stated. Raises
    ValueError, naming the field, for a value that no person has.
    """

    weight_kg: FloatArray | float
    height_cm: FloatArray | float | None = None
    sex: Sex | NDArray[np.str_] | None = None
    age_year: FloatArray | float | None = None
    baseline_g_per_l: FloatArray | float | None = None
    igm_g_per_l: FloatArray | float | None = None
    indication: Indication | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in BODY.items():
            value = getattr(self, name)
            if value is None and name != "weight_kg":
                continue
            array = checked_array(name, value)
            if np.any((array < low) | (array > high)):
                raise ValueError(f"{name} must be between {low:g} and {high:g}")
            object.__setattr__(self, name, array)
        if self.sex is not None and not np.all(np.isin(self.sex, list(_BOER))):
            raise ValueError(f"sex must be {' or '.join(_BOER)}")
        if self.indication is not None and self.indication not in _WHO:
            raise ValueError(f"indication must be one of {', '.join(_WHO)}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape to which the fields broadcast; empty for one person."""
        given = (getattr(self, name) for name in (*BODY, "sex"))
        return np.broadcast_shapes(*(np.shape(value) for value in given if value is not None))

    def lean_body_mass_kg(self) -> FloatArray | None:
        """Lean body mass by Boer (1984), at most the weight; None unless height and sex are known.

        NaN for a body so small that the formula, made from adults, gives less than nothing.
        """
        if self.height_cm is None or self.sex is None:
            return None
        weight, height = np.asarray(self.weight_kg), np.asarray(self.height_cm)
        by_sex = [a * weight + b * height - c for a, b, c in (_BOER["female"], _BOER["male"])]
        lean = np.where(np.asarray(self.sex) == "female", *by_sex)
        return np.where(lean > 0.0, np.minimum(lean, weight), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Uptake:
    """First-order uptake by one route: rate constant in 1/day and fraction F, arrays as in `Parameters`."""

    absorption_per_day: FloatArray
    bioavailability: FloatArray
    lent: bool = False
    """Lent by the uptake from a muscle: the model has none of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Parameters of one model for one person or many: float arrays that broadcast to one shape.

    `values` of a linear model: cl (L/day), v1, v2 (L), q (L/day; 0 with one compartment) and base (g/L). Of a
    recycling model: kint (1/day), jmax (mg/kg/day), km, base (g/L), v1 (mL/kg) and q (L/day). `uptake` holds
    every route but iv by which the model can be used. `outside` marks the people for whom the model was not
    made; `flags` says so in words, with what was assumed.
    """

    model: str
    kind: Literal["linear", "recycling"]
    weight_kg: FloatArray
    values: Mapping[str, FloatArray]
    uptake: Mapping[str, Uptake]
    outside: BoolArray
    flags: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def routes(self) -> tuple[str, ...]:
        """Routes by which a dose can be given."""
        return ("iv", *self.uptake)

    @property
    def baseline_g_per_l(self) -> FloatArray:
        """Total IgG without treatment."""
        return self.values["base"]

    def scaled(self, factors: Mapping[str, ArrayLike]) -> Parameters:
        """The same with parameters multiplied by `factors`, by name, as effects between people are.

        `ka` and `f_sc` act on the model's own uptake under the skin, with and without hyaluronidase; a
        fraction is kept at most 1. Names that the model does not have are passed over.
        """
        values = {name: value * np.asarray(factors.get(name, 1.0)) for name, value in self.values.items()}
        uptake = {
            route: found
            if found.lent
            else Uptake(
                found.absorption_per_day * np.asarray(factors.get("ka", 1.0)),
                np.minimum(found.bioavailability * np.asarray(factors.get("f_sc", 1.0)), 1.0),
            )
            for route, found in self.uptake.items()
        }
        return replace(self, values=values, uptake=uptake)

    def disposition(self, route: str = "iv") -> Disposition:
        """What the closed forms need for doses by `route`, and into a vein; only of a linear model."""
        found = self.uptake.get(route)
        return Disposition(
            clearance_l_per_day=self.values["cl"],
            central_l=self.values["v1"],
            intercompartmental_l_per_day=self.values["q"],
            peripheral_l=self.values["v2"],
            absorption_per_day=None if found is None else found.absorption_per_day,
            bioavailability=None if found is None else found.bioavailability,
        )

    def recycling(self) -> Recycling:
        """What the saturable equations need; only of a recycling model."""
        # loaded only where a recycling set is asked for
        from globulin.exposure.fcrn import Recycling

        return Recycling(
            internalisation_per_day=self.values["kint"],
            max_recycling_mg_per_kg_day=self.values["jmax"],
            half_saturation_g_per_l=self.values["km"],
            baseline_g_per_l=self.values["base"],
            central_ml_per_kg=self.values["v1"],
            exchange_l_per_day=self.values["q"],
        )


def parameters(model: ModelFacts, person: Person, muscle: MuscleFacts | None = None) -> Parameters:
    """The parameters of `model` for `person`. `muscle` is the uptake lent for doses into a muscle.

    A recycling set has no uptake of its own: that of a muscle is lent to doses under the skin too. Nothing
    that a person can be is an error; what lies outside the model's domain is flagged.
    """
    shape = person.shape
    flags = _Flags(shape)
    theta = dict(model.theta)
    variant = model.variants.get(person.indication or "")
    if variant is not None:
        theta.update({name: theta[other] for name, other in variant.replaces.items()})
        theta.update({name: theta[name] * theta[other] for name, other in variant.multiplies.items()})
    values = {name: np.asarray(theta.get(name, default)) for name, default in _NAMES[model.kind].items()}
    for covariate in model.covariates:
        value = _covariate(covariate.covariate, covariate.reference, model, person, flags)
        if value is not None:
            values[covariate.parameter] = values[covariate.parameter] * (
                (value / covariate.reference) ** covariate.exponent
            )
    values["base"] = _baseline(model, values["base"], person, flags)
    _check_domain(model.valid_for, person, flags)
    return Parameters(
        model=model.id,
        kind=model.kind,
        weight_kg=np.asarray(person.weight_kg),
        values=values,
        uptake=_uptake(model, muscle),
        outside=flags.outside,
        flags=tuple(dict.fromkeys(flags.words)),
        sources=model.sources,
    )


_NAMES: dict[str, dict[str, float]] = {
    "linear": {"cl": np.nan, "v1": np.nan, "q": 0.0, "v2": 1.0, "base": 0.0},
    "recycling": dict.fromkeys(("kint", "jmax", "km", "base", "v1", "q"), np.nan),
}
"""Parameters of each kind, with the value that stands for one that a model does without."""


class _Flags:
    """What is said of one person, or of how many of many."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.words: list[str] = []
        self.outside: BoolArray = np.zeros(shape, dtype=np.bool_)

    def add(self, words: str, whom: Any = True, *, outside: bool = False) -> None:
        whom = np.broadcast_to(np.asarray(whom), self.outside.shape)
        if np.any(whom):
            many = self.outside.size > 1 and not np.all(whom)
            self.words.append(f"{np.sum(whom):,} of {whom.size:,} people: {words}" if many else words)
        if outside:
            self.outside = self.outside | whom


def _covariate(
    name: str, reference: float, model: ModelFacts, person: Person, flags: _Flags
) -> FloatArray | None:
    """The person's value of a covariate; None where the model is left at its reference."""
    if name == "weight_kg":
        return np.asarray(person.weight_kg)
    if name == "lean_body_mass_kg":
        return _lean_body_mass(reference / (model.median_weight_kg or reference), person, flags)
    if person.igm_g_per_l is None:
        flags.add(f"IgM is not known; {reference:g} g/L, the model's reference, is taken")
        return None
    return np.asarray(person.igm_g_per_l)


def _lean_body_mass(typical_share: float, person: Person, flags: _Flags) -> FloatArray:
    """By Boer's formula, or as the share of body weight that is typical of the model's people."""
    typical = np.asarray(person.weight_kg) * typical_share
    lean = person.lean_body_mass_kg()
    taken = f"lean body mass is taken as {100 * typical_share:.0f}% of weight, as in this model's people"
    if lean is None:
        flags.add(f"height or sex is not given; {taken}")
        return typical
    female = np.asarray(person.sex) == "female"
    flags.add("lean body mass of women: Boer's formula as web pages print it, the paper was not seen", female)
    flags.add(f"too small for Boer's formula, which was made from adults; {taken}", np.isnan(lean))
    return np.where(np.isnan(lean), typical, lean)


def _baseline(model: ModelFacts, value: FloatArray, person: Person, flags: _Flags) -> FloatArray:
    """The person's own IgG if it is known, else that of the model."""
    if model.baseline_kind == "none":
        flags.add("the model has no term for the person's own IgG: its level stands for all IgG")
        if person.baseline_g_per_l is not None:
            flags.add("the person's own IgG that was given is not used; until doses build it up, IgG is 0")
        return value
    if person.baseline_g_per_l is None:
        if model.baseline_kind == "observed":
            flags.add(f"{OWN_IGG_NOT_GIVEN}; {float(value):g} g/L, typical here, is taken")
        return value
    if model.baseline_kind in ("fixed", "estimated"):
        flags.add(f"the person's own IgG stands in place of the model's {float(np.mean(value)):.3g} g/L")
    return np.asarray(person.baseline_g_per_l)


def domain_flags(valid: Validity, person: Person) -> tuple[str, ...]:
    """Where a person lies outside the people a model was made from, in words."""
    flags = _Flags(person.shape)
    _check_domain(valid, person, flags)
    return tuple(flags.words)


def _check_domain(valid: Validity, person: Person, flags: _Flags) -> None:
    who = _listed(valid.indications)
    if person.indication is not None and person.indication not in valid.indications:
        flags.add(f"made from people with {who}, not {_WHO[person.indication]}", outside=True)
    elif person.indication is None and "normal_igg" not in valid.indications:
        flags.add(
            f"made from people with {who}; people who make a normal amount of IgG lose it faster, so their"
            " rise would be smaller"
        )
    age, weight = person.age_year, np.asarray(person.weight_kg)
    if valid.weight_kg is not None:
        low, high = valid.weight_kg
        words = f"weight outside the {low:g} to {high:g} kg of the people the model was made from"
        flags.add(words, (weight < low) | (weight > high), outside=True)
    if valid.age_year is None:
        return
    low, high = valid.age_year
    if age is not None:
        words = f"age outside the {low:g} to {high:g} years of the people the model was made from"
        flags.add(words, (np.asarray(age) < low) | (np.asarray(age) > high), outside=True)
    elif high <= _ADULT_YEAR:
        flags.add("made from children, not for adults; the age is not given")


def _listed(indications: tuple[Indication, ...]) -> str:
    return " or ".join(_WHO[name] for name in indications)


def _uptake(model: ModelFacts, muscle: MuscleFacts | None) -> dict[str, Uptake]:
    found: dict[str, Uptake] = {}
    for route, fraction in (("sc", "f_sc"), ("fsc", "f_fsc")):
        if {"ka", fraction} <= model.theta.keys():
            found[route] = Uptake(np.asarray(model.theta["ka"]), np.asarray(model.theta[fraction]))
    if muscle is not None:
        lent = Uptake(np.asarray(muscle.ka_per_day), np.asarray(muscle.bioavailability), lent=True)
        if model.kind == "recycling":
            found = {"sc": lent, "fsc": lent}
        found["im"] = lent
    return found
