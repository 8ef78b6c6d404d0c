"""What one person's measured levels say about their kinetics, for thousands of people in one call.

A person's most probable parameters (MAP, empirical Bayes) are the mode of prior times likelihood (Sheiner &
Beal, J Pharm Sci 1982;71:1344). Newton's method with the exact Hessian brings everybody to it, not only most
people as Fisher scoring does. Those whom the mode found fits badly are searched again from other starts. A
search that fails is a result with a message.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from globulin.exposure.density import Density, People, effects, varying
from globulin.exposure.likelihood import residual_sd
from globulin.exposure.linear import FloatArray
from globulin.exposure.newton import Surface, cholesky, minimise
from globulin.exposure.sensitivities import PARAMETERS, IndividualParameters
from globulin.exposure.superposition import BoolArray, IntArray, lags

# people searched side by side: what they need stays in the processor's cache
_CHUNK = 1024
# relative gradient at which a search ends, and above which it has failed
_STOP = 1e-9
_CONVERGED = 1e-8
# a level this many residual SDs off, or an effect this many omegas from typical, is searched for again
_POOR = 3.0
_RESTART = 2.0
# another mode with at least exp(-3) of the density of the best, and further than this apart, is mentioned
_RIVAL = 3.0
_APART = 0.2
# for a day after an infusion the level falls several times as fast as later, so the hour of the draw matters
_SOON_DAY = 1.0

NO_LEVEL = "no level was measured: this is the typical person"
RIVAL = "a second, different set of parameters fits nearly as well"
NOT_CONVERGED = "no best fit was found: check doses, levels and their units"
NOTHING_PREDICTED = "a level was measured when the model predicts none: check the days, or give a baseline"


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The most probable parameters of each person, and how far the levels bear them out.

    `eta` (people x `PARAMETERS`) is the logarithm of a parameter over the typical one, `z` the same in omegas
    for those that vary. `covariance` is that of eta in the normal approximation, `shrinkage` the
    variance as a share of that between people: 1 where the levels say nothing about a parameter, towards 0
    where they settle it, nan where it does not vary (Combes et al., Pharm Res 2013;30:2355). `objective` is
    minus the log of likelihood times exp(-z^2 / 2), `log_marginal` Laplace's approximation of the log of the
    levels' probability, `gradient` the largest left at the mode as a share of the terms that cancel in it.
    `predicted` (g/L) and `residual` (in residual SDs; nan where there is no number) are people x levels.
    `near_infusion` marks levels drawn during, or within a day after, an infusion into the circulation: there
    the hour matters. `message` is empty where all is well; where `converged` is false a person's numbers are
    not to be used.
    """

    people: People
    z: FloatArray
    eta: FloatArray
    parameters: IndividualParameters
    covariance: FloatArray
    shrinkage: FloatArray
    objective: FloatArray
    log_marginal: FloatArray
    predicted: FloatArray
    residual: FloatArray
    near_infusion: BoolArray
    gradient: FloatArray
    converged: BoolArray
    message: tuple[str, ...]


def fit(people: People) -> Fit:
    """The most probable parameters of every person; working memory is that of one chunk of them.

    Somebody without levels stays typical. What `People` let in is fitted or has a message.
    """
    free = varying(people)
    starts = range(0, len(people), _CHUNK)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        chunks = [_modes(people.take(np.arange(i, min(i + _CHUNK, len(people)))), free) for i in starts]
        modes = _Modes(*(np.concatenate(column) for column in zip(*chunks, strict=True)))
    converged = modes.found & ~modes.unpredictable
    eta = effects(people, free, modes.z[:, None])
    lower, _ = cholesky(modes.hessian)
    covariance, shrinkage = _spread(people, free, modes.hessian, converged)
    return Fit(
        people=people,
        z=modes.z,
        eta=eta[:, 0],
        parameters=people.typical.scaled(eta).lane(0),
        covariance=covariance,
        shrinkage=shrinkage,
        objective=modes.value,
        log_marginal=-modes.value - np.sum(np.log(np.einsum("nii->ni", lower)), axis=-1),
        predicted=modes.predicted,
        residual=_residual(people, modes.predicted),
        near_infusion=_near_infusion(people),
        gradient=modes.gradient,
        converged=converged,
        message=_messages(people, converged, modes),
    )


class _Modes(NamedTuple):
    """Where the searches of some people ended; `found` is false where that is no mode."""

    z: FloatArray
    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    predicted: FloatArray
    found: BoolArray
    rival: BoolArray
    unpredictable: BoolArray


def _modes(people: People, free: IntArray) -> _Modes:
    density = Density(people, free)
    unpredictable = _unpredictable(density)
    if unpredictable.any():
        kept = people.levels.measured & ~unpredictable[:, None]
        silenced = replace(people, levels=replace(people.levels, measured=kept))
        density = Density(silenced, free, density.seen)
    z, surface = minimise(density, np.zeros((len(people), 1, free.size)), _STOP)
    poor = np.flatnonzero(_poor(density, z, surface))
    rival = np.zeros(len(people), dtype=np.bool_)
    if poor.size:
        rival[poor] = _search_again(density.take(poor), poor, z, surface)
    return _Modes(
        z[:, 0],
        surface.value[:, 0],
        surface.relative_gradient()[:, 0],
        surface.hessian[:, 0],
        density.predicted(z)[:, 0],
        _is_mode(surface)[:, 0],
        rival,
        unpredictable,
    )


def _unpredictable(density: Density) -> BoolArray:
    """People with a level where none is predicted and a proportional error alone: nothing can be compared."""
    people = density.people
    none = density.predicted(np.zeros((len(people), 1, density.free.size)))[:, 0] <= 0.0
    exact = np.asarray(people.additive_g_per_l) == 0.0
    return np.asarray(np.any(none & exact[:, None] & people.levels.measured, axis=1))


def _poor(density: Density, z: FloatArray, surface: Surface) -> BoolArray:
    people = density.people
    residual = np.nan_to_num(_residual(people, density.predicted(z)[:, 0]))
    far = np.any(np.abs(z[:, 0]) > _POOR, axis=-1) | np.any(np.abs(residual) > _POOR, axis=-1)
    return np.asarray(far | ~_is_mode(surface)[:, 0])


def _is_mode(surface: Surface) -> BoolArray:
    return (surface.relative_gradient() <= _CONVERGED) & cholesky(surface.hessian)[1]


def _search_again(density: Density, rows: IntArray, z: FloatArray, surface: Surface) -> BoolArray:
    """Put the best mode of people in `rows` into `z` and `surface`; whether another one comes near it."""
    axes = _RESTART * np.eye(density.free.size)
    starts = np.broadcast_to(np.concatenate([axes, -axes]), (rows.size, 2 * len(axes), len(axes)))
    more, found = minimise(density, starts, _STOP)
    more = np.concatenate([z[rows], more], axis=1)
    found = Surface(
        *(np.concatenate([one[rows], new], axis=1) for one, new in zip(surface, found, strict=True))
    )
    value = np.where(_is_mode(found), found.value, np.inf)
    best = value.argmin(axis=1)
    # where nothing is a mode the first search stands, with its message
    best = np.where(np.isfinite(value.min(axis=1)), best, 0)
    person = np.arange(rows.size)
    z[rows, 0] = more[person, best]
    for one, new in zip(surface, found, strict=True):
        one[rows, 0] = new[person, best]
    apart = np.max(np.abs(more - more[person, best][:, None]), axis=-1) > _APART
    return np.asarray(np.any(apart & (value <= value[person, best][:, None] + _RIVAL), axis=1))


def _spread(
    people: People, free: IntArray, hessian: FloatArray, converged: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Covariance of eta and shrinkage, people x parameters (x parameters); nan where there is no mode."""
    size, omega = len(PARAMETERS), people.omega[:, free]
    covariance, shrinkage = np.zeros((len(people), size, size)), np.full((len(people), size), np.nan)
    inverse = np.linalg.inv(np.where(converged[:, None, None], hessian, np.eye(free.size)))
    inverse[~converged] = np.nan
    covariance[:, free[:, None], free] = inverse * omega[:, :, None] * omega[:, None, :]
    shrinkage[:, free] = np.where(omega > 0.0, np.einsum("nii->ni", inverse), np.nan)
    return covariance, shrinkage


def _residual(people: People, predicted: FloatArray) -> FloatArray:
    """In residual SDs; nan where there is no number."""
    additive, proportional = np.asarray(people.additive_g_per_l), np.asarray(people.proportional)
    sd = residual_sd(predicted, additive[:, None], proportional[:, None])
    number = people.levels.measured & ~np.asarray(people.levels.below_limit)
    apart = people.levels.g_per_l - predicted
    return np.asarray(np.divide(apart, sd, out=np.full(apart.shape, np.nan), where=number & (sd > 0.0)))


def _near_infusion(people: People) -> BoolArray:
    """Levels drawn during or within a day after a dose that goes straight into the circulation."""
    doses = people.doses
    direct = (np.asarray(doses.uptake) == 0) & (doses.g > 0.0)
    lag = lags(doses, people.levels.day)
    soon = (lag > 0.0) & (lag <= np.asarray(doses.infusion_day)[:, None] + _SOON_DAY)
    return np.asarray(np.any(soon & direct[:, None], axis=2) & people.levels.measured)


def _messages(people: People, converged: BoolArray, modes: _Modes) -> tuple[str, ...]:
    said = np.full(len(people), "", dtype=object)
    said[~np.any(people.levels.measured, axis=1)] = NO_LEVEL
    said[modes.rival] = RIVAL
    said[~converged] = NOT_CONVERGED
    said[modes.unpredictable] = NOTHING_PREDICTED
    return tuple(said)
