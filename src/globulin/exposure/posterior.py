"""The whole uncertainty about one person's kinetics, by weighted draws that are checked before they are used.

Nine tenths of the draws come from a multivariate t distribution at the mode, the rest from one as wide as the
prior (Hesterberg, Technometrics 1995;37:185-194); all are weighted by posterior over proposal (importance
sampling). So thousands of parameter values are tried side by side in one array operation and no chain has to
converge. Where the tail of the weights is heavy (Pareto k above 0.3) the proposal is moved to the weighted
mean and covariance and widened, then mixed with still wider ones. The best is kept; where its k is above 0.7
the result is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from globulin.exposure.density import Density, effects, varying
from globulin.exposure.individual import Fit
from globulin.exposure.linear import FloatArray
from globulin.exposure.newton import cholesky
from globulin.exposure.pareto import smooth, tail_limit
from globulin.exposure.sensitivities import IndividualParameters
from globulin.exposure.superposition import BoolArray, IntArray

_DF = 5.0
# lanes worked on at once, people times draws
_LANES = 1 << 15
_LEAST_DRAWS = 100
# above this k another proposal is tried and the best kept: draws from the mode alone can have a k of 0.4 and
# still put a tail several standard errors off (validation/individual)
_GOOD_K = 0.3
# how much wider than the weighted draws a second proposal is, and than the mode part of a third
_WIDER = 1.5
_WIDEST = 2.0

REFUSED = "the draws miss part of what is possible (Pareto k {k:.2f}, above 0.70): no intervals are given"


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Weighted draws of every person's parameters.

    `z` (people x draws x varying parameters) is eta / omega; `weight` (people x draws) adds up to 1 for each
    person. `pareto_k` is the tail shape of the weights, `effective` the number of independent draws they are
    worth, `proposals` how many proposals were tried. `log_marginal` is the log of the probability of the
    person's levels under the model. Where `accepted` is false the weights are nan and `message` says why.
    """

    fit: Fit
    z: FloatArray
    weight: FloatArray
    pareto_k: FloatArray
    effective: FloatArray
    log_marginal: FloatArray
    proposals: IntArray
    accepted: BoolArray
    message: tuple[str, ...]

    @property
    def parameters(self) -> IndividualParameters:
        """The drawn parameters, people x draws."""
        people = self.fit.people
        return people.typical.scaled(effects(people, varying(people), self.z))


def sample(fit: Fit, *, draws: int = 4096, seed: int = 0) -> Posterior:
    """The posterior of everybody in `fit`.

    The same seed gives a person the same draws, whoever else is in the batch. Raises ValueError for fewer
    than 100 draws.
    """
    if draws < _LEAST_DRAWS:
        raise ValueError(f"draws must be at least {_LEAST_DRAWS}")
    free = varying(fit.people)
    size = max(1, _LANES // draws)
    starts = range(0, len(fit.people), size)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        parts = [
            _sample(fit, free, np.arange(i, min(i + size, len(fit.people))), draws, seed) for i in starts
        ]
        drawn = _Drawn(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    fine = drawn.k <= tail_limit(draws)
    accepted = fine & fit.converged
    drawn.weight[~accepted] = np.nan
    return Posterior(
        fit=fit,
        z=drawn.z,
        weight=drawn.weight,
        pareto_k=drawn.k,
        effective=np.where(accepted, drawn.effective, 0.0),
        log_marginal=np.where(accepted, drawn.log_marginal, np.nan),
        proposals=drawn.proposals,
        accepted=accepted,
        message=tuple(
            said if good or not found else REFUSED.format(k=k)
            for said, good, found, k in zip(fit.message, fine, fit.converged, drawn.k, strict=True)
        ),
    )


class _Drawn(NamedTuple):
    """Draws of some people."""

    z: FloatArray
    weight: FloatArray
    k: FloatArray
    effective: FloatArray
    log_marginal: FloatArray
    proposals: IntArray


class _Part(NamedTuple):
    """One multivariate t of a proposal: its share of the draws, its centres and lower factors by person."""

    share: float
    centre: FloatArray
    factor: FloatArray


def _sample(fit: Fit, free: IntArray, rows: IntArray, draws: int, seed: int) -> _Drawn:
    density = Density(fit.people.take(rows), free)
    mode = fit.z[rows]
    root = _root_of_inverse(density.surface(mode[:, None]).hessian[:, 0])
    drawn = _draw(density, (_Part(0.9, mode, root), _prior(0.1, mode)), draws, seed)
    for attempt in (2, 3):
        again = np.flatnonzero(~(drawn.k <= min(_GOOD_K, tail_limit(draws))))
        if not again.size:
            break
        centre, factor = _weighted(drawn, again)
        proposal: tuple[_Part, ...] = (_Part(0.9, centre, _WIDER * factor), _prior(0.1, centre))
        if attempt == 3:
            wide = _Part(0.25, mode[again], _WIDEST * root[again])
            proposal = (_Part(0.5, centre, _WIDER * factor), wide, _prior(0.25, centre))
        tried = _draw(density.take(again), proposal, draws, seed + attempt)
        drawn.proposals[again] = attempt
        better = tried.k < drawn.k[again]
        for old, new in zip(drawn, tried._replace(proposals=drawn.proposals[again]), strict=True):
            old[again[better]] = new[better]
    return drawn


def _prior(share: float, like: FloatArray) -> _Part:
    """A part of a proposal that goes wherever people can be, so that no region stays unvisited."""
    return _Part(
        share, np.zeros_like(like), np.broadcast_to(np.eye(like.shape[1]), (*like.shape, like.shape[1]))
    )


def _draw(density: Density, proposal: tuple[_Part, ...], draws: int, seed: int) -> _Drawn:
    """Weighted draws from a mixture of multivariate t distributions, in runs as long as their shares."""
    size = density.free.size
    standard = standard_t(draws, size, seed)
    ends = np.round(np.cumsum([0.0, *(part.share for part in proposal)]) * draws).astype(int)
    runs = [
        part.centre[:, None] + standard[start:end] @ part.factor.swapaxes(-1, -2)
        for part, start, end in zip(proposal, ends, ends[1:], strict=False)
    ]
    z = np.concatenate(runs, axis=1)
    log_proposal = np.logaddexp.reduce([np.log(part.share) + _log_t(z, part) for part in proposal])
    log_weight = -density.value(z) - 0.5 * size * np.log(2.0 * np.pi) - log_proposal
    log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    smoothed = smooth(log_weight)
    return _Drawn(
        z,
        smoothed.weight,
        smoothed.k,
        smoothed.effective,
        smoothed.log_mean,
        np.ones(len(z), dtype=np.intp),
    )


def _weighted(drawn: _Drawn, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Weighted mean and lower factor of the covariance, drawn to the prior's where draws are few."""
    z, weight = drawn.z[rows], drawn.weight[rows, :, None]
    centre = np.sum(weight * z, axis=1)
    apart = z - centre[:, None]
    covariance = (weight * apart).swapaxes(-1, -2) @ apart
    unknowns = z.shape[-1] + 1.0
    prior = (unknowns / (drawn.effective[rows] + unknowns))[:, None, None]
    return centre, cholesky((1.0 - prior) * covariance + prior * np.eye(z.shape[-1]))[0]


def _root_of_inverse(hessian: FloatArray) -> FloatArray:
    """Lower factors of the inverses; of the unit matrix where there is none."""
    _, positive = cholesky(hessian)
    size = np.eye(hessian.shape[-1])
    return cholesky(np.linalg.inv(np.where(positive[:, None, None], hessian, size)))[0]


def _log_t(z: FloatArray, part: _Part) -> FloatArray:
    """Log-density of the multivariate t, people x lanes."""
    size = z.shape[-1]
    constant = (
        special.gammaln(0.5 * (_DF + size)) - special.gammaln(0.5 * _DF) - 0.5 * size * np.log(_DF * np.pi)
    )
    whitened = (z - part.centre[:, None]) @ np.linalg.inv(part.factor).swapaxes(-1, -2)
    distance = np.sum(whitened**2, axis=-1)
    log_det = np.sum(np.log(np.einsum("nii->ni", part.factor)), axis=-1)
    return np.asarray(constant - log_det[:, None] - 0.5 * (_DF + size) * np.log1p(distance / _DF))


@lru_cache(maxsize=8)
def standard_t(draws: int, size: int, seed: int) -> FloatArray:
    """Points of a standard multivariate t with 5 degrees of freedom, draws x `size`, spread evenly.

    A Kronecker sequence (the steps are powers of the root of x^(n+1) = x + 1, which generalises the golden
    ratio) with a random shift (Cranley & Patterson, SIAM Journal on Numerical Analysis 1976;13:904-914):
    averages come out several times as exact as from independent draws.
    """
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (size + 2.0))
    steps = root ** -np.arange(1.0, size + 2.0)
    shift = np.random.default_rng(seed).random(size + 1)
    uniform = (shift + np.arange(1.0, draws + 1.0)[:, None] * steps) % 1.0
    uniform = np.clip(uniform, 2.0**-53, 1.0 - 2.0**-53)
    chi2 = 2.0 * special.gammaincinv(0.5 * _DF, uniform[:, -1])
    points = special.ndtri(uniform[:, :-1]) * np.sqrt(_DF / chi2)[:, None]
    points.setflags(write=False)
    return np.asarray(points)
