"""How probable a measured IgG level is, given what a model says it was: residual error, limit of the assay.

A measured level is normal around the predicted total f with variance a^2 + (b f)^2. A level that was only
reported as below a limit enters with the probability of that (method M3: Beal, J Pharmacokinet Pharmacodyn
2001;28:481-504), never as a number. Derivatives in f are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from scipy import special

from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.superposition import BoolArray, IntArray

_LOG_ROOT_2PI = 0.5 * float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Measured total IgG of people: arrays (people, levels) or, of one person, (levels,).

    `g_per_l` is the level or, where `below_limit`, the limit below which the assay put it. `measured` False
    pads a shorter row. Raises ValueError, naming the field, for a level that is not above 0 and finite.
    """

    day: FloatArray
    g_per_l: FloatArray
    below_limit: BoolArray | bool = False
    measured: BoolArray | bool = True

    def __post_init__(self) -> None:
        measured = np.asarray(self.measured, dtype=np.bool_)
        try:
            measured, day, level, below = np.broadcast_arrays(
                measured,
                np.asarray(self.day, dtype=np.float64),
                np.asarray(self.g_per_l, dtype=np.float64),
                np.asarray(self.below_limit, dtype=np.bool_),
            )
        except ValueError as problem:
            raise ValueError("day, g_per_l and the other columns of levels must have one shape") from problem
        arrays = {
            "day": checked_array("day", np.where(measured | np.isfinite(day), day, 0.0)),
            "g_per_l": checked_array("g_per_l", np.where(measured | (level > 0.0), level, 1.0), above=0.0),
            "below_limit": below,
            "measured": measured,
        }
        for name, array in arrays.items():
            object.__setattr__(self, name, np.atleast_2d(array))

    def take(self, people: IntArray) -> Levels:
        """The levels of some people."""
        return Levels(*(np.asarray(getattr(self, field.name))[people] for field in fields(self)))


class Mismatch(NamedTuple):
    """Minus the log-probability of each level and its derivatives in the prediction; 0 where none was taken.

    `expected` stands in for `second` where that may be negative.
    """

    value: FloatArray
    first: FloatArray
    second: FloatArray
    expected: FloatArray


def residual_sd(predicted: FloatArray, additive: FloatArray, proportional: FloatArray) -> FloatArray:
    """SD in g/L of a measured level around `predicted`; residual SDs `additive` (g/L) and `proportional`."""
    return np.hypot(additive, proportional * predicted)


def minus_log_probability(
    levels: Levels, predicted: FloatArray, additive: FloatArray, proportional: FloatArray
) -> FloatArray:
    """Of all levels of a person in a lane; `predicted` is people x lanes x levels, the SDs are of people."""
    sd = residual_sd(predicted, additive[:, None, None], proportional[:, None, None])
    z = (np.asarray(levels.g_per_l)[:, None] - predicted) / sd
    value = 0.5 * z**2 + np.log(sd) + _LOG_ROOT_2PI
    below, measured = np.asarray(levels.below_limit), np.asarray(levels.measured)
    if below.any():
        value = np.where(below[:, None], -special.log_ndtr(z), value)
    return np.asarray(np.sum(np.where(measured[:, None], value, 0.0), axis=-1))


def mismatch(
    levels: Levels, predicted: FloatArray, additive: FloatArray, proportional: FloatArray
) -> Mismatch:
    """Each level's part of `minus_log_probability`, with derivatives."""
    a2, b2 = additive[:, None, None] ** 2, proportional[:, None, None] ** 2
    v = a2 + b2 * predicted**2
    v_f = 2.0 * b2 * predicted
    r = np.asarray(levels.g_per_l)[:, None] - predicted
    scaled, rise = r / v, v_f / v
    value = 0.5 * (r * scaled + np.log(v)) + _LOG_ROOT_2PI
    first = -scaled + 0.5 * rise * (1.0 - r * scaled)
    second = 1.0 / v + 2.0 * scaled * rise + rise**2 * (r * scaled - 0.5) + b2 / v * (1.0 - r * scaled)
    expected = 1.0 / v + 0.5 * rise**2
    parts = [value, first, second, expected]
    below = np.asarray(levels.below_limit)
    if below.any():
        parts = [
            np.where(below[:, None], censored, seen)
            for censored, seen in zip(_below(r, v, a2, b2, predicted), parts, strict=True)
        ]
    measured = np.asarray(levels.measured)[:, None]
    return Mismatch(*(np.where(measured, part, 0.0) for part in parts))


def _below(
    r: FloatArray, v: FloatArray, a2: FloatArray, b2: FloatArray, predicted: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The same for u = (limit - f) / sd: -log Phi(u), with the inverse Mills ratio h = phi / Phi."""
    sd = np.sqrt(v)
    u = r / sd
    log_cdf = special.log_ndtr(u)
    h = np.exp(-0.5 * u**2 - _LOG_ROOT_2PI - log_cdf)
    sd_f = b2 * predicted / sd
    u_f = -(1.0 + u * sd_f) / sd
    u_ff = -(2.0 * u_f * sd_f + u * a2 * b2 / (sd * v)) / sd
    expected = h * (u + h) * u_f**2
    return -log_cdf, -h * u_f, expected - h * u_ff, expected
