"""One person's doses and measured levels, under every model that can be fitted to a person.

It exists so that the fit, which knows only arrays, is asked in the words of a dossier: a person, published
models, a dose history. What a model lacks for a fit (a spread between people, an error of a level, an uptake)
is said in the answer, and so is a level that does not fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.density import People, omegas, varying
from globulin.exposure.facts import Catalogue, ModelFacts, ResidualSd, catalogue
from globulin.exposure.forecast import Forecast, combine, model_weights, predict, weighted_quantiles
from globulin.exposure.history import LAST_DAY, ROUTES, History
from globulin.exposure.individual import fit
from globulin.exposure.individual_results import (
    Ahead,
    Estimate,
    FittedLevel,
    Individualised,
    ModelFit,
    Spread,
)
from globulin.exposure.level_checks import check_levels
from globulin.exposure.likelihood import Levels
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.models import BODY, OWN_IGG_NOT_GIVEN, Parameters, Person, parameters
from globulin.exposure.posterior import Posterior, sample
from globulin.exposure.sensitivities import PARAMETERS, IndividualParameters
from globulin.exposure.simulation import Models
from globulin.exposure.superposition import Doses

NO_MODEL = "none of the models that were asked for can be fitted to a person"
NO_ANSWER = "no model gave an answer that can be trusted: no levels are predicted"
IN_MUSCLE = (
    "uptake from a muscle is not known well, and a serum level cannot guide a dose of a few mL into a muscle"
)
_QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
_UNITS = {"cl": "L/day", "v1": "L", "q": "L/day", "v2": "L", "ka": "1/day", "f": "", "base": "g/L"}
_HIGHEST_G_PER_L = BODY["baseline_g_per_l"][1]


class _Candidate(NamedTuple):
    """A model that can be fitted, with what it makes of the person, the doses and the levels."""

    facts: ModelFacts
    prior: float
    found: Parameters
    flags: tuple[str, ...]
    routes: tuple[str, ...]
    people: People


def individualise(
    models: Models,
    which: Sequence[str] | str,
    person: Person,
    doses: History,
    levels: Levels,
    *,
    at_day: ArrayLike = (),
    follow_day: ArrayLike = (),
    draws: int = 4096,
    seed: int = 0,
) -> Individualised:
    """Fit the models `which` (ids; an average stands for its members) to the `levels` of one person.

    `doses` holds what was given and, after the last level, what is planned. Levels are predicted for the days
    `at_day`; by default right before each planned dose. `follow_day` are further days, to be drawn. Only
    linear models with a published spread between people and error of a level can be fitted; the others are
    named in `left_out`. The same seed gives the same answer. Raises ValueError, naming the argument, for an
    unknown model, several persons, days out of order or before a dose that has been repeated for ever, a
    level above 100 g/L, or, where the own IgG is not given, a level before the first dose.
    """
    if person.shape:
        raise ValueError("person must be one person; give every field one value")
    if seed < 0:
        raise ValueError("seed must be at least 0")
    known = models if isinstance(models, Catalogue) else catalogue(models)
    prior = _priors(known, [which] if isinstance(which, str) else which)
    given = _from_last_steady(doses)
    _check_levels(levels, given, person)
    day = _days(at_day, given, levels)
    candidates: list[_Candidate] = []
    left_out: list[str] = []
    for identifier, share in prior.items():
        candidate = _candidate(known, known.models[identifier], share, person, given, levels)
        if isinstance(candidate, str):
            left_out.append(f"{identifier} is left out: {candidate}")
        else:
            candidates.append(candidate)
    dose_day = tuple(given.day.tolist())
    if not candidates:
        return Individualised((), (), tuple(left_out), dose_day, NO_MODEL)
    posteriors = [sample(fit(candidate.people), draws=draws, seed=seed) for candidate in candidates]
    accepted = [bool(posterior.accepted[0]) for posterior in posteriors]
    share_of = [candidate.prior for candidate in candidates]
    weight = np.zeros(len(candidates))
    if any(accepted):
        weight = model_weights([posterior.log_marginal[0] for posterior in posteriors], share_of)
    fits = tuple(
        _answer(candidate, posterior, candidate.prior / sum(share_of), float(w))
        for candidate, posterior, w in zip(candidates, posteriors, weight, strict=True)
    )
    if not any(accepted):
        return Individualised(fits, (), tuple(left_out), dose_day, NO_ANSWER)
    forecast, followed = (
        _ahead(
            combine([predict(each, each.fit.people.doses, days, seed=seed) for each in posteriors], weight)
        )
        if days.size
        else ()
        for days in (day, np.atleast_1d(checked_array("follow_day", follow_day)))
    )
    return Individualised(fits, forecast, tuple(left_out), dose_day, followed=followed)


def _priors(known: Catalogue, which: Sequence[str]) -> dict[str, float]:
    """Weight of every model before the levels: each id that was asked for counts alike."""
    prior: dict[str, float] = {}
    for identifier in which:
        for model, share in known.members(identifier):
            prior[model.id] = prior.get(model.id, 0.0) + share / len(which)
    return prior


def _from_last_steady(doses: History) -> History:
    """Without the doses that a later one, repeated for ever, makes forgotten."""
    steady = np.flatnonzero(doses.steady_interval_day > 0.0)
    return doses.take(slice(steady[-1], None)) if steady.size else doses


def _check_levels(levels: Levels, doses: History, person: Person) -> None:
    if levels.day.shape[0] != 1 or not np.all(levels.measured):
        raise ValueError("levels must be those of one person, all of them measured")
    day = levels.day[0]
    _require(np.diff(day, prepend=-np.inf) >= 0.0, "levels.day must be in order")
    _require(np.abs(day) <= LAST_DAY, f"levels.day must be within {LAST_DAY:g}")
    _require(
        levels.g_per_l[0] <= _HIGHEST_G_PER_L,
        f"levels.g_per_l must be at most {_HIGHEST_G_PER_L:g} g/L; 100 mg/dL are 1 g/L",
    )
    first = float(doses.day[0])
    if doses.steady_interval_day[0] > 0.0:
        _require(
            day >= first,
            f"levels.day must not be before the dose of day {first:g}, repeated for ever until then",
        )
    elif person.baseline_g_per_l is None:
        _require(
            day > first,
            f"levels.day must be after the first dose (day {first:g}): a level before it is the person's own"
            " IgG; leave it out and give it as baseline_g_per_l",
        )


def _days(at_day: ArrayLike, doses: History, levels: Levels) -> FloatArray:
    """Days to predict; by default those of the doses after the last level."""
    day = np.atleast_1d(checked_array("at_day", at_day))
    if not day.size:
        return np.unique(doses.day[doses.day > levels.day.max()])
    if np.any(np.diff(day) < 0.0):
        raise ValueError("at_day must be in order")
    if np.any(np.abs(day) > LAST_DAY):
        raise ValueError(f"at_day must be within {LAST_DAY:g}")
    if doses.steady_interval_day[0] > 0.0 and day[0] < doses.day[0]:
        raise ValueError("at_day must not be before the first dose, if that has been repeated for ever")
    return day


def _require(fine: ArrayLike, rule: str) -> None:
    if not np.all(fine):
        raise ValueError(f"{rule} (position {int(np.flatnonzero(~np.asarray(fine))[0])})")


def _candidate(
    known: Catalogue, model: ModelFacts, prior: float, person: Person, doses: History, levels: Levels
) -> _Candidate | str:
    """What is fitted, or why the model cannot be."""
    if model.kind != "linear":
        return "a saturable model has no published spread between people, so nothing of it can be fitted"
    if model.residual is None:
        return "no error of a measured level was published for it"
    person, own_sd, flags = _own_igg(known, model, person)
    found = parameters(model, person, known.muscle)
    lacking = [route for route in doses.routes if route not in found.routes]
    if lacking:
        return f"no uptake by route {', '.join(lacking)} (it has {', '.join(found.routes)})"
    routes = tuple(route for route in doses.routes if route != "iv")
    omega = _omega(model, found, routes, own_sd)
    if not np.any(omega > 0.0):
        return "nothing in it that these doses could show varies between people"
    if "im" in routes:
        flags = (*flags, IN_MUSCLE)
    return _Candidate(
        model,
        prior,
        found,
        tuple(dict.fromkeys([*found.flags, *flags])),
        routes,
        _people(found, routes, omega, model.residual, _laid_out(doses, found, routes), levels),
    )


def _own_igg(known: Catalogue, model: ModelFacts, person: Person) -> tuple[Person, float, tuple[str, ...]]:
    """The person, the SD of the log of their own IgG (0: taken as known), and what was assumed.

    Own IgG that a model takes from the person, but that is not given, is fitted; before the levels it is that
    of healthy adults.
    """
    if person.baseline_g_per_l is not None:
        return person, 0.0, ()
    if model.baseline_kind != "observed" or known.endogenous is None:
        return person, model.between_subject_sd.get("base", 0.0), ()
    median, cv = known.endogenous.median_g_per_l, known.endogenous.cv
    said = (
        f"{OWN_IGG_NOT_GIVEN}; it is fitted too, starting from that of healthy adults"
        f" (median {median:g} g/L, CV {100 * cv:.0f}%)"
    )
    return replace(person, baseline_g_per_l=median), math.sqrt(math.log1p(cv**2)), (said,)


def _omega(model: ModelFacts, found: Parameters, routes: Sequence[str], own_sd: float) -> FloatArray:
    """SDs between people of what these doses can show."""
    sd = {name: model.between_subject_sd.get(name, 0.0) for name in ("cl", "v1", "q", "v2")}
    if any(not found.uptake[route].lent for route in routes):
        sd["ka"] = model.between_subject_sd.get("ka", 0.0)
        sd["f"] = model.between_subject_sd.get("f_sc", 0.0)
    return omegas(**sd, base=own_sd)


def _people(
    found: Parameters,
    routes: Sequence[str],
    omega: FloatArray,
    residual: ResidualSd,
    doses: Doses,
    levels: Levels,
) -> People:
    uptakes = [found.uptake[route] for route in routes]
    cl, v1, q, v2, base = (
        np.atleast_1d(np.asarray(found.values[name], dtype=np.float64))
        for name in ("cl", "v1", "q", "v2", "base")
    )
    typical = IndividualParameters(
        cl,
        v1,
        q,
        v2,
        ka=np.array([[float(each.absorption_per_day) for each in uptakes]]),
        f=np.array([[float(each.bioavailability) for each in uptakes]]),
        base=base,
    )
    return People(typical, omega, residual.additive_g_per_l, residual.proportional, doses, levels)


def _laid_out(doses: History, found: Parameters, routes: Sequence[str]) -> Doses:
    """The history as the fit reads it; a stated rate becomes a duration by the typical fraction taken up."""
    entering = doses.entering({route: float(found.uptake[route].bioavailability) for route in routes})
    kind = np.array([routes.index(name) + 1 if name in routes else 0 for name in ROUTES])
    every = np.array(entering.steady_interval_day)
    # a dose that is split over days had been repeated for ever in all its parts
    every[: doses.steady_parts] = every[0]
    return Doses(entering.day, entering.dose_g, entering.infusion_day, kind[entering.route], every)


def _answer(candidate: _Candidate, posterior: Posterior, prior: float, weight: float) -> ModelFit:
    fitted = posterior.fit
    accepted = bool(posterior.accepted[0])
    check = check_levels(fitted)
    levels = candidate.people.levels
    columns = zip(
        levels.day[0].tolist(),
        levels.g_per_l[0].tolist(),
        np.asarray(levels.below_limit)[0].tolist(),
        fitted.near_infusion[0].tolist(),
        check.fits[0].tolist(),
        *(
            [_number(value) for value in column[0]]
            for column in (
                np.where(fitted.converged[:, None], fitted.predicted, np.nan),
                np.where(fitted.converged[:, None], fitted.residual, np.nan),
                check.low_g_per_l,
                check.high_g_per_l,
                check.p,
                check.shift_hour,
            )
        ),
        strict=True,
    )
    said = (posterior.message[0], *check.messages[0])
    return ModelFit(
        model=candidate.facts.id,
        name=candidate.facts.name,
        prior_weight=prior,
        weight=weight,
        accepted=accepted,
        estimates=tuple(_estimates(candidate, posterior)),
        held=_held(candidate),
        levels=tuple(FittedLevel(*row) for row in columns),
        log_marginal=_number(posterior.log_marginal[0]),
        pareto_k=_number(posterior.pareto_k[0]),
        effective_draws=float(posterior.effective[0]),
        messages=tuple(text for text in said if text),
        flags=candidate.flags,
        sources=candidate.found.sources,
    )


def _estimates(candidate: _Candidate, posterior: Posterior) -> Iterator[Estimate]:
    fitted, drawn = posterior.fit, posterior.parameters
    typical = dict(_named(fitted.people.typical, candidate.routes))
    best = dict(_named(fitted.parameters, candidate.routes))
    varies = [PARAMETERS[index] for index in varying(fitted.people)]
    for name, values in _named(drawn, candidate.routes):
        parameter = name.split("_")[0]
        if parameter not in varies:
            continue
        plausible = None
        if posterior.accepted[0]:
            plausible = _spread(weighted_quantiles(values, posterior.weight, _QUANTILES)[:, 0])
        yield Estimate(
            parameter=name,
            unit=_UNITS[parameter],
            typical=float(typical[name][0]),
            most_probable=_number(best[name][0]) if fitted.converged[0] else None,
            plausible=plausible,
            shrinkage=_number(fitted.shrinkage[0, PARAMETERS.index(parameter)]),
        )


def _named(found: IndividualParameters, routes: Sequence[str]) -> Iterator[tuple[str, FloatArray]]:
    """Every parameter by name, those of uptake by route."""
    for name in PARAMETERS:
        value = getattr(found, name)
        if name not in ("ka", "f"):
            yield name, value
            continue
        for index, route in enumerate(routes):
            yield f"{name}_{route}", value[..., index]


def _held(candidate: _Candidate) -> dict[str, float]:
    varies = [PARAMETERS[index] for index in varying(candidate.people)]
    one_compartment = float(candidate.people.typical.q[0]) == 0.0
    return {
        name: float(value[0])
        for name, value in _named(candidate.people.typical, candidate.routes)
        if name.split("_")[0] not in varies and not (one_compartment and name in ("q", "v2"))
    }


def _ahead(forecast: Forecast) -> tuple[Ahead, ...]:
    level = forecast.quantiles(_QUANTILES)[:, 0]
    low, high = forecast.quantiles((_QUANTILES[0], _QUANTILES[-1]), residual=True)[:, 0]
    return tuple(
        Ahead(day, _spread(level[:, index]), float(low[index]), float(high[index]))
        for index, day in enumerate(forecast.day[0].tolist())
    )


def _spread(quantiles: FloatArray) -> Spread:
    low95, low50, median, high50, high95 = quantiles.tolist()
    return Spread(median, low50, high50, low95, high95)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
