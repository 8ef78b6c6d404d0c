"""Total IgG after any dose history with exact derivatives in the parameters, because fits live on them.

The model is that of `linear`: one or two compartments, first-order uptake, and an endogenous IgG that stays
constant. Derivatives are in the logarithms of the parameters, first and second, in closed form: those of the
rates and weights of the disposition modes by perturbation of a symmetric 2 x 2 matrix, those of uptake by
divided differences of the history's Laplace transform (see `superposition`). Where the rate of uptake meets
that of a mode the divided difference is the integral of a derivative, so nothing is divided by nothing.

Axes: people, lanes (parameter values tried side by side for one person), levels, parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from globulin.exposure.linear import FloatArray
from globulin.exposure.superposition import BoolArray, IntArray, Seen

PARAMETERS = ("cl", "v1", "q", "v2", "ka", "f", "base")
"""Clearance, central volume, exchange clearance, peripheral volume; uptake rate, fraction; endogenous IgG."""

_KA, _F, _BASE = (PARAMETERS.index(name) for name in ("ka", "f", "base"))
# how the logarithms of k10 = CL/V1, k12 = Q/V1, k21 = Q/V2 depend on those of CL, V1, Q and V2
_TO_RATES = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
_TO_VOLUME = np.array([0.0, 1.0, 0.0, 0.0])
# rates closer than this share of the larger are taken as an interval: a quotient would lose digits
_CLOSE = 0.03
_NODE, _SHARE = (0.5 * part for part in np.polynomial.legendre.leggauss(5))
_NODE = 0.5 + _NODE


@dataclass(frozen=True, slots=True, eq=False)
class IndividualParameters:
    """Parameters of people, or of people x lanes: L/day, L, 1/day, fraction and g/L.

    `ka` and `f` have the kinds of uptake on a last axis of their own (none: length 0). One compartment is
    q = 0 for all.
    """

    cl: FloatArray
    v1: FloatArray
    q: FloatArray
    v2: FloatArray
    ka: FloatArray
    f: FloatArray
    base: FloatArray

    def take(self, people: IntArray) -> IndividualParameters:
        """Those of some people."""
        return IndividualParameters(*(getattr(self, field.name)[people] for field in fields(self)))

    def lane(self, which: int) -> IndividualParameters:
        """One lane of people x lanes."""
        return IndividualParameters(*(getattr(self, field.name)[:, which] for field in fields(self)))

    def scaled(self, eta: FloatArray) -> IndividualParameters:
        """These people's parameters times exp(eta); eta is people x lanes x parameters."""
        factor = np.exp(eta)
        cl, v1, q, v2, base = (
            getattr(self, name)[:, None] * factor[..., PARAMETERS.index(name)]
            for name in ("cl", "v1", "q", "v2", "base")
        )
        ka = self.ka[:, None] * factor[..., _KA, None]
        return IndividualParameters(cl, v1, q, v2, ka, self.f[:, None] * factor[..., _F, None], base)


class _Modes(NamedTuple):
    """Rate and weight (mode x people x lanes) of the impulse response; derivatives on last axes of 4."""

    rate: FloatArray
    weight: FloatArray
    d_rate: FloatArray
    d_weight: FloatArray
    dd_rate: FloatArray
    dd_weight: FloatArray


class _Uptake(NamedTuple):
    """Response K of a mode (mode x people x lanes x levels) to what was taken up, per fraction.

    x marks a derivative in the mode's rate, a one in the logarithm of the rate of uptake.
    """

    k: FloatArray
    k_x: FloatArray
    k_a: FloatArray
    k_xx: FloatArray
    k_xa: FloatArray
    k_aa: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Expansion:
    """Total IgG (people x lanes x levels, g/L) around some parameters.

    `jacobian` adds as a last axis its derivatives in the logarithms of `PARAMETERS`.
    """

    level: FloatArray
    jacobian: FloatArray
    _kinetics: IndividualParameters
    _modes: _Modes
    _response: tuple[FloatArray, FloatArray, FloatArray]
    _uptakes: tuple[_Uptake, ...]

    def curvature(self, by: FloatArray) -> FloatArray:
        """The second derivatives, summed over levels times `by` (people x lanes x levels)."""

        def along(values: FloatArray) -> FloatArray:
            return np.asarray(np.einsum("nsl,mnsl->mns", by, values))[..., None]

        modes, size = self._modes, len(PARAMETERS)
        weight, found = modes.weight[..., None], np.zeros((*by.shape[:2], size, size))
        value, slope, bend = (along(part) for part in self._response)
        cross = modes.d_weight[..., :, None] * (slope * modes.d_rate)[..., None, :]
        found[..., :4, :4] = np.sum(
            modes.dd_weight * value[..., None]
            + cross
            + cross.swapaxes(-1, -2)
            + modes.dd_rate * (weight * slope)[..., None]
            + modes.d_rate[..., :, None] * (weight * bend * modes.d_rate)[..., None, :],
            axis=0,
        )
        for r, uptake in enumerate(self._uptakes):
            share = self._kinetics.f[..., r, None]
            k, k_x, k_a, _, k_xa, k_aa = (share * along(part) for part in uptake)
            for other, own, mixed in ((_F, k, k_x), (_KA, k_a, k_xa)):
                both = np.sum(modes.d_weight * own + weight * modes.d_rate * mixed, axis=0)
                found[..., :4, other] += both
                found[..., other, :4] += both
            f_f, ka_f, ka_ka = (np.sum(weight * part, axis=0)[..., 0] for part in (k, k_a, k_aa))
            found[..., _F, _F] += f_f
            found[..., _KA, _F] += ka_f
            found[..., _F, _KA] += ka_f
            found[..., _KA, _KA] += ka_ka
        found[..., _BASE, _BASE] = self._kinetics.base * by.sum(axis=-1)
        return found


def total_igg(seen: tuple[Seen, ...], kinetics: IndividualParameters) -> FloatArray:
    """Total IgG in g/L, people x lanes x levels, of `kinetics` in people x lanes."""
    rate, weight = _rates_and_weights(kinetics)
    moments = _moments(seen, rate, kinetics.ka, 0)
    response = moments[0, 0, : len(rate)]
    for r in range(kinetics.ka.shape[-1]):
        ka = kinetics.ka[..., r]
        response = response + (kinetics.f[..., r] * ka)[..., None] * _divided(seen, rate, ka, moments, r)[0]
    exogenous = np.sum(weight[..., None] * response, axis=0)
    return np.asarray(kinetics.base[..., None] + exogenous)


def expand(seen: tuple[Seen, ...], kinetics: IndividualParameters) -> Expansion:
    """Total IgG and its derivatives in the logarithms of the parameters, of `kinetics` in people x lanes."""
    modes = _modes(kinetics)
    moments = _moments(seen, modes.rate, kinetics.ka, 2)
    value, slope, bend = moments[:, 0, : len(modes.rate)]
    slope = -slope
    jacobian = np.zeros((*value.shape[1:], len(PARAMETERS)))
    uptakes = []
    for r in range(kinetics.ka.shape[-1]):
        uptake = _uptake(seen, modes.rate, kinetics.ka[..., r], moments, r)
        share, weight = kinetics.f[..., r, None], modes.weight[..., None]
        value, slope, bend = value + share * uptake.k, slope + share * uptake.k_x, bend + share * uptake.k_xx
        jacobian[..., _F] += np.sum(weight * share * uptake.k, axis=0)
        jacobian[..., _KA] += np.sum(weight * share * uptake.k_a, axis=0)
        uptakes.append(uptake)
    jacobian[..., :4] = np.einsum("mnsl,mnsp->nslp", value, modes.d_weight)
    jacobian[..., :4] += np.einsum("mnsl,mns,mnsp->nslp", slope, modes.weight, modes.d_rate)
    jacobian[..., _BASE] = kinetics.base[..., None]
    level = kinetics.base[..., None] + np.einsum("mnsl,mns->nsl", value, modes.weight)
    return Expansion(level, jacobian, kinetics, modes, (value, slope, bend), tuple(uptakes))


def _moments(seen: tuple[Seen, ...], rate: FloatArray, ka: FloatArray, order: int) -> FloatArray:
    """Moments at all rates: moment x uptake x rate (modes, then uptakes) x people x lanes x levels."""
    rates = np.concatenate([rate, np.moveaxis(ka, -1, 0)])
    kinds, people, lanes = rates.shape
    flat = rates.transpose(1, 0, 2).reshape(people, -1)
    found = sum((part.moments(flat, order) for part in seen), start=np.zeros(()))
    return np.moveaxis(found.reshape(*found.shape[:3], kinds, lanes, found.shape[-1]), 3, 2)


def _rates_and_weights(kinetics: IndividualParameters) -> tuple[FloatArray, FloatArray]:
    """Of the modes of the impulse response, as in `linear`: nothing cancels."""
    volume, exchange = kinetics.v1, kinetics.q
    k10 = kinetics.cl / volume
    if not np.any(exchange):
        return k10[None], 1.0 / volume[None]
    k12, k21 = exchange / volume, exchange / kinetics.v2
    lead = k10 + k12 - k21
    spread = np.hypot(lead, 2.0 * np.sqrt(k12 * k21))
    larger = 0.5 * (spread + np.abs(lead))
    smaller = k12 * k21 / larger
    above, below = np.where(lead >= 0.0, larger, smaller), np.where(lead >= 0.0, smaller, larger)
    fast = k21 + above
    return np.stack([fast, k10 * k21 / fast]), np.stack([above, below]) / (spread * volume)


def _modes(kinetics: IndividualParameters) -> _Modes:
    """Rates and weights with their derivatives in the logarithms of CL, V1, Q and V2.

    With D = k10 + k12 - k21, s^2 = D^2 + 4 k12 k21 and r = D / s the rates are (k10 + k12 + k21 +- s) / 2 and
    the weights (1 +- r) / (2 V1).
    """
    rate, weight = _rates_and_weights(kinetics)
    volume, exchange = kinetics.v1, kinetics.q
    k10 = kinetics.cl / volume
    outer = [direction[:, None] * direction for direction in _TO_RATES]
    if not np.any(exchange):
        d_rate, d_share = k10[..., None] * _TO_RATES[0], np.zeros(4)
        dd_rate, dd_share = k10[..., None, None] * outer[0], np.zeros((4, 4))
        first, second = _of_weight(weight[0], 1.0 / volume, d_share, dd_share)
        return _Modes(rate, weight, d_rate[None], first[None], dd_rate[None], second[None])
    k = np.stack([k10, exchange / volume, exchange / kinetics.v2], axis=-1)
    signed = k * np.array([1.0, 1.0, -1.0])
    lead, product = signed.sum(axis=-1)[..., None], (k[..., 1] * k[..., 2])[..., None]
    s = np.hypot(lead, 2.0 * np.sqrt(product))
    d_lead, dd_lead = signed @ _TO_RATES, np.tensordot(signed, outer, axes=1)
    d_sum, dd_sum = k @ _TO_RATES, np.tensordot(k, outer, axes=1)
    half = 0.5 * (_TO_RATES[1] + _TO_RATES[2])  # logarithm of the root of k12 k21
    d_s = (lead * d_lead + 4.0 * product * half) / s
    turn = d_lead - lead * half
    d_r = 4.0 * product / s**3 * turn
    lead, product, s = lead[..., None], product[..., None], s[..., None]
    dd_s = (
        _outer(d_lead, d_lead) + lead * dd_lead + 8.0 * product * half[:, None] * half - _outer(d_s, d_s)
    ) / s
    dd_r = (
        4.0
        * product
        / s**3
        * (_outer(turn, 2.0 * half - 3.0 * d_s / s[..., 0]) + dd_lead - half[:, None] * d_lead[..., None, :])
    )
    weights = [
        _of_weight(part, 1.0 / volume, sign * 0.5 * d_r, sign * 0.5 * dd_r)
        for sign, part in zip((1.0, -1.0), weight, strict=True)
    ]
    return _Modes(
        rate,
        weight,
        0.5 * np.stack([d_sum + d_s, d_sum - d_s]),
        np.stack([first for first, _ in weights]),
        0.5 * np.stack([dd_sum + dd_s, dd_sum - dd_s]),
        np.stack([second for _, second in weights]),
    )


def _of_weight(
    weight: FloatArray, per_volume: FloatArray, d_share: FloatArray, dd_share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Derivatives of weight = share / V1 from those of the share."""
    first = per_volume[..., None] * d_share
    mixed = _outer(first, np.broadcast_to(_TO_VOLUME, first.shape))
    volume = _TO_VOLUME[:, None] * _TO_VOLUME
    second = per_volume[..., None, None] * dd_share - mixed - mixed.swapaxes(-1, -2)
    return first - weight[..., None] * _TO_VOLUME, second + weight[..., None, None] * volume


def _outer(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(first[..., :, None] * second[..., None, :])


def _uptake(
    seen: tuple[Seen, ...], rate: FloatArray, ka: FloatArray, moments: FloatArray, which: int
) -> _Uptake:
    """Response to one kind of uptake, ka times a divided difference, and its derivatives."""
    g, g_x, g_k, g_xx, g_xk, g_kk = _divided(seen, rate, ka, moments, which)
    by = ka[..., None]
    k_a = by * (g + by * g_k)
    return _Uptake(
        by * g, by * g_x, k_a, by * g_xx, by * (g_x + by * g_xk), k_a + by**2 * (2.0 * g_k + by * g_kk)
    )


def _divided(
    seen: tuple[Seen, ...], rate: FloatArray, ka: FloatArray, moments: FloatArray, which: int
) -> list[FloatArray]:
    """G = (S_0(x) - S_0(k)) / (k - x) for x the rate of each mode and k = ka: mode x people x lanes x levels.

    With moments of order 2 its derivatives G_x, G_k, G_xx, G_xk and G_kk follow. `which` counts the uptakes.
    """
    own = moments[:, which + 1]
    at_x, at_k = own[:, : len(rate)], own[:, len(rate) + which]
    close = np.abs(ka - rate) <= _CLOSE * np.maximum(ka, rate)
    gap = np.where(close, 1.0, ka - rate)[..., None]
    found = [(at_x[0] - at_k[0]) / gap]
    if len(moments) > 1:
        g = found[0]
        g_x, g_k = (g - at_x[1]) / gap, (at_k[1] - g) / gap
        found += [g_x, g_k, (at_x[2] + 2.0 * g_x) / gap, (g_k - g_x) / gap, -(at_k[2] + 2.0 * g_k) / gap]
    if close.any():
        for values, better in zip(
            found, _divided_close(seen, rate, ka, close, which, len(found)), strict=True
        ):
            values[close] = better
    return found


def _divided_close(
    seen: tuple[Seen, ...], rate: FloatArray, ka: FloatArray, close: BoolArray, which: int, parts: int
) -> list[FloatArray]:
    """What `_divided` gives where rates are `close` (on one axis, with levels), as integrals between them.

    S_0 has the derivative -S_1: G is the mean of S_1 from x to k, and its derivatives mean S_2 and S_3.
    """
    mode, person, lane = np.nonzero(close)
    people, row = np.unique(person, return_inverse=True)
    count = np.bincount(row)
    column = np.empty_like(row)
    by_person = np.argsort(row, kind="stable")
    column[by_person] = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    low, high = rate[mode, person, lane], ka[person, lane]
    between = np.ones((people.size, count.max(), _NODE.size))
    between[row, column] = low[:, None] + (high - low)[:, None] * _NODE
    order = 1 if parts == 1 else 3
    moments = sum(
        (part.take(people).moments(between.reshape(people.size, -1), order)[:, which + 1] for part in seen),
        start=np.zeros(()),
    )
    moments = moments.reshape(order + 1, *between.shape, moments.shape[-1])[:, row, column]
    found = [np.einsum("i,cil->cl", _SHARE, moments[1])]
    if parts > 1:
        left, right = _SHARE * (1.0 - _NODE), _SHARE * _NODE
        found += [-np.einsum("i,cil->cl", share, moments[2]) for share in (left, right)]
        found += [
            np.einsum("i,cil->cl", share, moments[3])
            for share in (left * (1.0 - _NODE), left * _NODE, right * _NODE)
        ]
    return found
