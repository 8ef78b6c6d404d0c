"""Distributions of combinations of coefficients, read off the lattices on which the coefficients are known.

A lattice gives the characteristic function of any combination up to the lattice's band limit. Its values at
equally spaced frequencies are a Fourier series of the density on one period, whose integral has a closed
form, so that distribution functions of many combinations are read off together. Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis import special
from globulin.synthesis.mixtures import Mixture, Point

Array: TypeAlias = NDArray[np.float64]
Complex: TypeAlias = NDArray[np.complex128]

# Probability that may be left outside a period
_NEGLIGIBLE = 1e-11


@dataclass(frozen=True, slots=True)
class Projections(Mixture):
    """m distributions, along the last axis of x and p, each a sum over s designs.

    Design s of distribution m is scale (m, s) times a quantity whose density is a Fourier series on one
    period from start (1 or m,) on: series (1 or m, s, n) are its characteristic function at 2 pi / period
    times 0 to n - 1, relative to the start. mean, sd: (m,).
    """

    start: Array
    period: float
    series: Complex
    scale: Array
    mean: Array
    sd: Array

    def at(self, x: Array) -> Point:
        """Distribution function and density at x (..., m)."""
        place = (x[..., None] / self.scale - self.start[:, None]) / self.period
        inside = (place > 0) & (place < 1)
        place = np.clip(place, 0.0, 1.0)
        orders = np.arange(1, self.series.shape[-1])
        mass, waves = self.series[..., 0].real, 2 * self.series[..., 1:]
        turned = _powers(np.exp(-2j * np.pi * place), orders.size + 1)[..., 1:]
        height = mass + np.vecdot(waves.conj(), turned).real
        rise = waves * (1j / (2 * np.pi * orders))
        area = mass * place + np.vecdot(rise.conj(), turned).real - rise.sum(axis=-1).real
        # outside the period there is nothing
        below = np.where(inside, area, np.where(place > 0, mass, 0.0))
        density = np.where(inside, height, 0.0) / (np.abs(self.scale) * self.period)
        cdf = np.where(self.scale > 0, below, mass - below)
        return Point(cdf.sum(axis=-1), np.maximum(density.sum(axis=-1), 0.0))

    def guess(self, p: Array) -> Array:
        """As if they were normal."""
        guess: Array = self.mean + special.ndtri(p) * self.sd
        return guess

    def bounds(self, p: Array) -> tuple[Array, Array]:
        """The ends of the periods."""
        ends = self.scale * np.stack([self.start, self.start + self.period])[..., None]
        lower, upper = ends.min(axis=(0, 2)), ends.max(axis=(0, 2))
        return np.broadcast_to(lower, p.shape).copy(), np.broadcast_to(upper, p.shape).copy()


class Cloud(NamedTuple):
    """The coefficients as probabilities on one lattice for each of q nodes, beta = centre + axes @ j.

    centre (q, p), axes (q, p, p), upper triangular; probabilities (q, 2n + 1, ...) for j = -n..n along each
    of the p axes, p at most 2.
    """

    centre: Array
    axes: Array
    probabilities: Array

    def weighted(self, weights: Array) -> Cloud:
        """With the probability (q,) of each node in."""
        return self._replace(
            probabilities=self.probabilities * weights.reshape(-1, *[1] * self.axes.shape[1])
        )

    def projected(self, w: Array) -> Projections:
        """Distributions of m combinations w @ beta over all nodes; w (m, s, p), not all 0 for any design.

        The nodes are s designs after each other. The characteristic function of w @ beta is a slice of that
        of beta (Bracewell 1956, Aust J Phys 9:198-217). As w is a number times (1, r) or (0, 1), the sum over
        the first axis is shared by all combinations.
        """
        (m, s, p), q = w.shape, self.centre.shape[0]
        lead = np.where(w[..., 0] != 0, w[..., 0], w[..., -1])
        # one coefficient: its distribution is the same in every combination, up to the number
        unit = np.repeat((w / lead[..., None])[: 1 if p == 1 else m], q // s, axis=1)
        middle = (unit * self.centre).sum(axis=2)
        step = (unit[:, :, None] @ self.axes)[:, :, 0]
        mean, sd, mass = self._moments(middle, step)
        reach = sd * np.sqrt(2 * np.log(np.maximum(mass / _NEGLIGIBLE, 1.0)))
        start, end = (mean - reach).min(axis=1), (mean + reach).max(axis=1)
        period = float((end - start).max())
        limit = np.pi / np.abs(step).max(axis=2)
        heavy = mass > _NEGLIGIBLE
        orders = np.arange(1.0 + int(limit[:, heavy].max() * period / (2 * np.pi)))
        frequency: Array = orders * (2 * np.pi / period)
        values = self._slices(frequency, step, unit[..., 0] != 0)
        values *= np.exp(1j * frequency * (middle - start[:, None])[..., None])
        values *= frequency <= limit[..., None]
        series = values.reshape(*middle.shape[:1], s, q // s, -1).sum(axis=2)
        scale = np.repeat(lead, q // s, axis=1)
        centre = (scale * mean) @ mass / mass.sum()
        variance = ((scale * sd) ** 2 + (scale * mean - centre[:, None]) ** 2) @ mass / mass.sum()
        return Projections(start, period, series, lead, centre, np.sqrt(variance))

    def _moments(self, middle: Array, step: Array) -> tuple[Array, Array, Array]:
        """Mean and standard deviation (m, q) of middle + step @ j at each node, and its probability (q,)."""
        p = self.axes.shape[1]
        share = self.probabilities
        mass = share.reshape(share.shape[0], -1).sum(axis=1)
        known = np.maximum(mass, np.finfo(np.float64).tiny)
        places = [np.arange(n) - n // 2 for n in share.shape[1:]]
        sides = [share.sum(axis=tuple(b for b in range(1, p + 1) if b != a + 1)) for a in range(p)]
        mean = np.stack([side @ at for side, at in zip(sides, places, strict=True)], axis=1) / known[:, None]
        square = np.stack([side @ at**2 for side, at in zip(sides, places, strict=True)], axis=1)
        variance = (step**2 * (square / known[:, None] - mean**2)).sum(axis=2)
        if p > 1:
            cross = (share @ places[1] @ places[0]) / known - mean[:, 0] * mean[:, 1]
            variance = variance + 2 * step[..., 0] * step[..., 1] * cross
        return middle + (step * mean).sum(axis=2), np.sqrt(np.maximum(variance, 0.0)), mass

    def _slices(self, frequency: Array, step: Array, with_first: NDArray[np.bool_]) -> Complex:
        """Characteristic functions (m, q, f) of step @ j; along the first axis all m have one step, or 0."""
        rows: Complex = self.probabilities[:, None].astype(np.complex128)
        alone = rows
        if rows.ndim == 4:
            turn = np.exp(1j * frequency * self.axes[:, :1, 0])
            count = rows.shape[2]
            rows = (_powers(turn, count) * turn[..., None] ** -(count // 2)) @ self.probabilities
            alone = alone.sum(axis=2)
        turn = np.exp(1j * frequency * step[..., -1:])
        total = np.zeros(turn.shape, dtype=np.complex128)
        for row, lone in zip(np.moveaxis(rows, -1, 0)[::-1], np.moveaxis(alone, -1, 0)[::-1], strict=True):
            total *= turn
            total += row if with_first.all() else np.where(with_first[..., None], row, lone)
        total *= turn ** -(rows.shape[-1] // 2)
        return total


def _powers(z: Complex, count: int) -> Complex:
    """Powers 0 to count - 1 of z, along a new last axis, by doubling."""
    powers = np.ones((*z.shape, 1), dtype=np.complex128)
    rise = z[..., None]
    while powers.shape[-1] < count:
        powers = np.concatenate([powers, powers * rise], axis=-1)
        rise = rise * rise
    return powers[..., :count]
