"""What a person's levels will be, from the draws of one model or of several.

A forecast keeps its weighted draws, so that models are averaged by laying their draws side by side with the
models' own weights: the band then holds the disagreement between models, which no averaging of bands does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from globulin.exposure.likelihood import residual_sd
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.posterior import Posterior
from globulin.exposure.sensitivities import total_igg
from globulin.exposure.superposition import Doses, seen_from


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Weighted draws of total IgG in g/L on `day` (people x days).

    `level` is what the blood holds, `measured` what an assay would say, residual error included: people x
    draws x days. `weight` (people x draws) adds up to 1; it is nan for people whose posterior was refused.
    """

    day: FloatArray
    level: FloatArray
    measured: FloatArray
    weight: FloatArray

    def quantiles(self, probability: ArrayLike, *, residual: bool = False) -> FloatArray:
        """Of the level or, with `residual`, of a measurement: probability x people x days."""
        return weighted_quantiles(self.measured if residual else self.level, self.weight, probability)


def predict(posterior: Posterior, doses: Doses, day: ArrayLike, *, seed: int = 0) -> Forecast:
    """Total IgG on `day` (days, or people x days) after `doses`, given and planned, of the people fitted.

    A level at the time of a dose is drawn before it. Raises ValueError for doses of a different number of
    people.
    """
    people = posterior.fit.people
    count, uptakes = len(people), people.typical.ka.shape[-1]
    if doses.day.shape[0] != count:
        raise ValueError(f"doses: tables of {doses.day.shape[0]} people, but {count} were fitted")
    time = np.atleast_2d(checked_array("day", day))
    time = np.broadcast_to(time, (count, time.shape[1]))
    level = total_igg(seen_from(doses, time, uptakes), posterior.parameters)
    draws = level.shape[1]
    # one stratified error per draw, in an order that has nothing to do with the draws
    error = special.ndtri((np.random.default_rng(seed).permutation(draws) + 0.5) / draws)
    additive, proportional = (
        np.asarray(sd)[:, None, None] for sd in (people.additive_g_per_l, people.proportional)
    )
    measured = level + residual_sd(level, additive, proportional) * error[:, None]
    return Forecast(time, level, measured, posterior.weight)


def combine(forecasts: Sequence[Forecast], weights: ArrayLike) -> Forecast:
    """One forecast from those of several models for the same people and days; `weights` as `model_weights`.

    A model of weight 0 may have been refused. Raises ValueError if forecasts do not fit each other.
    """
    share = checked_array("weights", weights, at_least=0.0)
    first = forecasts[0]
    if any(one.day.shape != first.day.shape or np.any(one.day != first.day) for one in forecasts):
        raise ValueError("forecasts must be of the same people and days")
    if share.shape[0] != len(forecasts):
        raise ValueError(f"weights: {share.shape[0]} for {len(forecasts)} forecasts")
    by_person = np.broadcast_to(share.reshape(len(forecasts), -1), (len(forecasts), len(first.weight)))
    weight = [
        np.where(part[:, None] > 0.0, part[:, None] * one.weight, 0.0)
        for part, one in zip(by_person, forecasts, strict=True)
    ]
    return Forecast(
        first.day,
        np.concatenate([one.level for one in forecasts], axis=1),
        np.concatenate([one.measured for one in forecasts], axis=1),
        np.concatenate(weight, axis=1),
    )


def model_weights(log_marginal: ArrayLike, prior: ArrayLike | None = None) -> FloatArray:
    """Posterior probability of each model (first axis) from the log of the levels' probability under it.

    `prior` weights of the models need not add up to 1 (default: all alike). A model whose posterior was
    refused (nan) has weight 0; where all were, the weights are nan. Source: Hoeting, Madigan, Raftery &
    Volinsky, Stat Sci 1999;14:382-417.
    """
    log_weight = np.array(log_marginal, dtype=np.float64)
    if prior is not None:
        belief = checked_array("prior", prior, at_least=0.0)
        if belief.shape != log_weight.shape[:1]:
            raise ValueError(f"prior: {belief.size} weights for {len(log_weight)} models")
        with np.errstate(divide="ignore"):
            log_weight += np.log(belief).reshape(-1, *(1,) * (log_weight.ndim - 1))
    log_weight = np.where(np.isnan(log_weight), -np.inf, log_weight)
    top = log_weight.max(axis=0)
    with np.errstate(invalid="ignore"):
        weight = np.exp(log_weight - top)
    return np.asarray(weight / weight.sum(axis=0))


def weighted_quantiles(values: FloatArray, weight: FloatArray, probability: ArrayLike) -> FloatArray:
    """Quantiles over draws: `values` people x draws (x anything), `weight` people x draws, probability first.

    The distribution function is taken at the middle of each draw's weight and is linear between draws. nan
    for people whose weights are.
    """
    wanted = np.atleast_1d(checked_array("probability", probability, at_least=0.0))
    if np.any(wanted > 1.0):
        raise ValueError("probability must be at most 1")
    share = np.broadcast_to(weight.reshape(*weight.shape, *(1,) * (values.ndim - 2)), values.shape)
    # draws without weight go to the end, out of reach
    order = np.argsort(np.where(share > 0.0, values, np.inf), axis=1)
    values, share = (np.take_along_axis(array, order, axis=1) for array in (values, share))
    last = np.maximum(np.sum(share > 0.0, axis=1, keepdims=True) - 1, 0)
    reached = np.cumsum(share, axis=1) - 0.5 * share
    found = np.empty((wanted.size, values.shape[0], *values.shape[2:]))
    for row, level in zip(found, wanted, strict=True):
        above = np.clip(np.sum(reached < level, axis=1, keepdims=True), np.minimum(1, last), last)
        (low, high), (left, right) = (
            (np.take_along_axis(array, np.maximum(above - 1, 0), 1), np.take_along_axis(array, above, 1))
            for array in (reached, values)
        )
        part = np.divide(level - low, high - low, out=np.zeros_like(low), where=high > low)
        row[...] = (left + np.clip(part, 0.0, 1.0) * (right - left))[:, 0]
        row[np.isnan(weight).any(axis=1)] = np.nan
    return found
