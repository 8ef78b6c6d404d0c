"""What the kinetic files of a dossier say, as plain numbers by name.

It exists so that a computation starts from a few numbers, whether the files were checked into records (a
page, a library user) or only read (one command that must answer at once): both have the same shape, that of
the files. Missing and unverified values are left out here, once; what comes after may compute with all it
finds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from globulin.dossier.kinetics import Indication, KineticModel

Limits = tuple[float, float]
"""Lowest and highest."""


@dataclass(frozen=True, slots=True)
class Covariate:
    """parameter = theta (covariate / reference) ** exponent."""

    parameter: str
    covariate: Literal["weight_kg", "lean_body_mass_kg", "igm_g_per_l"]
    reference: float
    exponent: float


@dataclass(frozen=True, slots=True)
class ResidualSd:
    """Residual error of one measured level: SD = hypot(additive, proportional x level)."""

    additive_g_per_l: float
    proportional: float

    def at(self, level_g_per_l: float) -> float:
        """SD in g/L at a level in g/L."""
        return math.hypot(self.additive_g_per_l, self.proportional * level_g_per_l)


@dataclass(frozen=True, slots=True)
class Variant:
    """For one group of people: parameters put in place of others, or multiplied, by name."""

    replaces: Mapping[str, str]
    multiplies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Validity:
    """Whom a model was made from; None where no range was seen."""

    indications: tuple[Indication, ...]
    age_year: Limits | None
    weight_kg: Limits | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One published model. `theta` holds its typical values.

    Linear: cl, q (L/day), v1, v2 (L), ka (1/day), f_sc, f_fsc (fractions), base (g/L). Recycling: kint
    (1/day), jmax (mg/kg/day), km, base (g/L), v1 (mL/kg), q (L/day). `between_subject_sd` is omega, the SD of
    the log of each parameter that varies between people: independent, sqrt(ln(1 + CV^2)) of the printed CV;
    empty where nothing is known. `spread_from` names the model that lent what this one does not report, and
    `effects_from` whose `between_subject_sd` it is; `set_aside` are printed effects that are left out of it.
    """

    id: str
    name: str
    kind: Literal["linear", "recycling"]
    population: str
    routes: tuple[str, ...]
    valid_for: Validity
    theta: Mapping[str, float]
    covariates: tuple[Covariate, ...]
    baseline_kind: Literal["fixed", "estimated", "observed", "subtracted", "none", "not_known"]
    variants: Mapping[str, Variant]
    median_weight_kg: float | None
    between_subject_sd: Mapping[str, float]
    residual: ResidualSd | None
    spread_from: str | None
    effects_from: str | None
    set_aside: tuple[str, ...]
    caveats: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AverageFacts:
    """Models that apply to the same people, with weights that add up to 1."""

    id: str
    name: str
    population: str
    valid_for: Validity
    members: tuple[tuple[str, float], ...]
    caveats: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MuscleFacts:
    """Uptake from a muscle, with its ranges; `site_ratio`: how much more is taken up, by pair of muscles."""

    ka_per_day: float
    ka_limits_per_day: Limits
    bioavailability: float
    bioavailability_limits: Limits
    site_ratio: Mapping[str, Limits]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndogenousFacts:
    """IgG that adults make: median and CV of a lognormal, and published intervals by name, in g/L."""

    median_g_per_l: float
    cv: float
    intervals_g_per_l: Mapping[str, Limits]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every model that can be computed with, by id, and what goes with them."""

    models: Mapping[str, ModelFacts]
    averages: Mapping[str, AverageFacts]
    muscle: MuscleFacts | None
    endogenous: EndogenousFacts | None

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids that can be asked for, averages first."""
        return (*sorted(self.averages), *sorted(self.models))

    def members(self, identifier: str) -> tuple[tuple[ModelFacts, float], ...]:
        """The models of an average with their weights; any other model is its own only member.

        Raises ValueError, with the ids there are, for an id that is not known.
        """
        if identifier in self.averages:
            return tuple((self.models[name], weight) for name, weight in self.averages[identifier].members)
        if identifier in self.models:
            return ((self.models[identifier], 1.0),)
        raise ValueError(f"no model '{identifier}'; there are: {', '.join(self.ids)}")


def catalogue(contents: Mapping[str, KineticModel | Mapping[str, Any]]) -> Catalogue:
    """The kinetic models of a dossier, from its records (`dossier.kinetics`) or the plain data of its files.

    A model takes part if whom it may be used for is stated and every parameter it needs was obtained and is
    not unverified; an average, if all its members do.
    """
    data = {name: _plain(content) for name, content in contents.items()}
    of_kind: dict[str, list[Mapping[str, Any]]] = {}
    for content in data.values():
        of_kind.setdefault(content["kind"], []).append(content)
    models: dict[str, ModelFacts] = {}
    for content in of_kind.get("linear", ()):
        if content.get("valid_for") and _complete(content):
            models[content["id"]] = _linear(content, data)
    for content in of_kind.get("recycling", ()):
        if _RECYCLING.keys() <= _known(content).keys():
            models[content["id"]] = _recycling(content, data)
    averages = (_average(content) for content in of_kind.get("average", ()))
    return Catalogue(
        models,
        {found.id: found for found in averages if all(name in models for name, _ in found.members)},
        next((_muscle(content) for content in of_kind.get("absorption", ()) if _muscle_known(content)), None),
        next((_endogenous(content) for content in of_kind.get("endogenous", ())), None),
    )


_NEEDED = {"one_compartment": {"cl", "v1"}, "two_compartment": {"cl", "v1", "q", "v2"}}


def _complete(content: Mapping[str, Any]) -> bool:
    """Whether every parameter of a linear model's structure, and every covariate's reference, is known.

    A parameter that is stated but may not be computed with leaves the model out: without it the same record
    would stand for another model.
    """
    known, stated = _known(content["parameters"]).keys(), content["parameters"].keys()
    needed = _NEEDED[content["structure"]] | (_USED & stated)
    return needed <= known and all(entry.get("reference") for entry in content.get("covariates", ()))


_USED = {"cl", "v1", "q", "v2", "ka", "f_sc", "f_fsc"}

_RECYCLING = {
    "internalisation_per_day": "kint",
    "max_recycling_mg_per_kg_day": "jmax",
    "half_saturation_g_per_l": "km",
    "baseline_g_per_l": "base",
    "central_ml_per_kg": "v1",
    "exchange_l_per_day": "q",
}


def _plain(content: KineticModel | Mapping[str, Any]) -> Mapping[str, Any]:
    return content if isinstance(content, Mapping) else content.model_dump()


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Values of those entries that are cited facts and may be computed with."""
    return {
        name: fact["value"]
        for name, fact in facts.items()
        if isinstance(fact, Mapping) and "value" in fact and fact["seen"] != "unverified"
    }


def _linear(content: Mapping[str, Any], data: Mapping[str, Any]) -> ModelFacts:
    base = _known(content["baseline"]).get("value_g_per_l")
    return _model(
        content,
        data,
        {**_known(content["parameters"]), **({} if base is None else {"base": base})},
        covariates=tuple(
            Covariate(entry["parameter"], entry["covariate"], entry["reference"], entry["exponent"])
            for entry in content.get("covariates", ())
        ),
        baseline_kind=content["baseline"]["kind"],
    )


def _recycling(content: Mapping[str, Any], data: Mapping[str, Any]) -> ModelFacts:
    found = _known(content)
    if found.get("peripheral_to_central", 1.0) != 1.0:
        raise ValueError(f"{content['id']}: peripheral_to_central must be 1: the equations have V2 = V1")
    theta = {short: found[name] for name, short in _RECYCLING.items()}
    return _model(content, data, theta, covariates=(), baseline_kind="observed")


def _model(
    content: Mapping[str, Any],
    data: Mapping[str, Any],
    theta: dict[str, float],
    *,
    covariates: tuple[Covariate, ...],
    baseline_kind: Literal["fixed", "estimated", "observed", "subtracted", "none", "not_known"],
) -> ModelFacts:
    lender = data.get(content.get("spread_from") or "")
    spread = _spread(content)
    residual = _residual(content)
    lent = lender is not None and not (spread and residual)
    teller = lender if lender is not None and not spread and content["kind"] == "linear" else content
    if lender is not None:
        spread = spread or (_spread(lender) if content["kind"] == "linear" else {})
        residual = residual or _residual(lender)
    return ModelFacts(
        id=content["id"],
        name=content["name"],
        kind=content["kind"],
        population=content["population"],
        routes=tuple(content["routes"]),
        valid_for=_validity(content["valid_for"]),
        theta=theta,
        covariates=covariates,
        baseline_kind=baseline_kind,
        variants={
            who: Variant(variant.get("replaces", {}), variant.get("multiplies", {}))
            for who, variant in content.get("variants", {}).items()
        },
        median_weight_kg=content.get("median_weight_kg"),
        between_subject_sd=spread,
        residual=residual,
        spread_from=content["spread_from"] if lent else None,
        effects_from=teller["id"] if spread else None,
        set_aside=tuple(teller.get("set_aside", ())),
        caveats=tuple(content.get("caveats", ())),
        sources=_sources(content["source"], _cited(content)),
    )


def _spread(content: Mapping[str, Any]) -> dict[str, float]:
    printed = _known(content).get("between_subject_cv_percent", {})
    aside = content.get("set_aside", ())
    return {
        name: math.sqrt(math.log1p((cv / 100.0) ** 2)) for name, cv in printed.items() if name not in aside
    }


def _residual(content: Mapping[str, Any]) -> ResidualSd | None:
    printed = _known(content).get("residual")
    if printed is None:
        return None
    return ResidualSd(printed.get("additive_g_per_l") or 0.0, printed.get("proportional") or 0.0)


def _validity(content: Mapping[str, Any]) -> Validity:
    return Validity(
        tuple(content["indications"]),
        _limits(content["age_year"]) if content.get("age_year") else None,
        _limits(content["weight_kg"]) if content.get("weight_kg") else None,
    )


def _average(content: Mapping[str, Any]) -> AverageFacts:
    weights = {entry["model"]: entry.get("weight", 1.0) for entry in content["members"]}
    total = sum(weights.values())
    return AverageFacts(
        id=content["id"],
        name=content["name"],
        population=content["population"],
        valid_for=_validity(content["valid_for"]),
        members=tuple((name, weight / total) for name, weight in weights.items()),
        caveats=tuple(content.get("caveats", ())),
        sources=(content["source"],),
    )


_MUSCLE = {"ka_per_day", "ka_range_per_day", "bioavailability", "bioavailability_range"}


def _muscle_known(content: Mapping[str, Any]) -> bool:
    return _known(content).keys() >= _MUSCLE


def _muscle(content: Mapping[str, Any]) -> MuscleFacts:
    found = _known(content)
    return MuscleFacts(
        ka_per_day=found["ka_per_day"],
        ka_limits_per_day=_limits(found["ka_range_per_day"]),
        bioavailability=found["bioavailability"],
        bioavailability_limits=_limits(found["bioavailability_range"]),
        site_ratio={name: _limits(value) for name, value in _known(content.get("site_ratio", {})).items()},
        sources=_sources(content["ka_per_day"]["source"], (content["bioavailability"]["source"],)),
    )


def _endogenous(content: Mapping[str, Any]) -> EndogenousFacts:
    return EndogenousFacts(
        median_g_per_l=content["prior_median_g_per_l"]["value"],
        cv=content["prior_cv"]["value"],
        intervals_g_per_l={
            name: _limits(value) for name, value in _known(content["intervals_g_per_l"]).items()
        },
        sources=(content["source"],),
    )


def _limits(value: Mapping[str, float]) -> Limits:
    return value["low"], value["high"]


def _cited(content: Mapping[str, Any]) -> Iterable[str]:
    """Sources of every value of a model, in the order of its file."""
    for fact in (
        *content.values(),
        *content.get("parameters", {}).values(),
        *content.get("baseline", {}).values(),
    ):
        if isinstance(fact, Mapping) and "value" in fact and fact["seen"] != "unverified":
            yield fact["source"]


def _sources(*found: str | Iterable[str] | None) -> tuple[str, ...]:
    flat = [
        name for part in found if part is not None for name in ([part] if isinstance(part, str) else part)
    ]
    return tuple(dict.fromkeys(flat))
