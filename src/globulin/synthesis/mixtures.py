"""Distributions held as weighted sums of simple kernels, with exact tail areas, quantiles and intervals.

A posterior computed by quadrature is a finite sum. Summed over normal kernels, its distribution function
is a sum of normal ones. Known only at equally spaced points, it is a sum of sinc kernels, whose integral is
the sine integral: both need no second approximation to read off a quantile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array: TypeAlias = NDArray[np.float64]

_STEPS = 200
_TOLERANCE = 1e-12
# Kernels lighter than this cannot show in double precision
_NEGLIGIBLE = 1e-17


class Mixture(Protocol):
    """A distribution on the real line; `cdf` and `density` are vectorised over x."""

    @property
    def centre(self) -> float: ...  # noqa: D102

    @property
    def spread(self) -> float: ...  # noqa: D102

    def cdf(self, x: ArrayLike) -> Array: ...  # noqa: D102

    def density(self, x: ArrayLike) -> Array: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """Mixture of normal distributions; weights (n,) sum to 1."""

    weights: Array
    means: Array
    sds: Array

    @classmethod
    def of(cls, weights: Array, means: Array, sds: Array) -> NormalMixture:
        """Build without the kernels too light to matter."""
        keep = weights > _NEGLIGIBLE
        return cls(weights[keep], means[keep], sds[keep])

    @property
    def centre(self) -> float:
        """A point inside the bulk of the distribution."""
        return float(self.weights @ self.means / self.weights.sum())

    @property
    def spread(self) -> float:
        """The width of a typical kernel, not the standard deviation, which may be infinite."""
        return _weighted_median(self.sds, self.weights) + _weighted_sd(self.means, self.weights)

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x)."""
        z = (np.asarray(x, dtype=np.float64)[..., None] - self.means) / self.sds
        cdf: Array = special.ndtr(z) @ self.weights
        return cdf

    def density(self, x: ArrayLike) -> Array:
        """Density at x."""
        z = (np.asarray(x, dtype=np.float64)[..., None] - self.means) / self.sds
        density: Array = np.exp(-z * z / 2) @ (self.weights / (self.sds * np.sqrt(2 * np.pi)))
        return density


@dataclass(frozen=True, slots=True)
class SincMixture:
    """Distribution known as probabilities at equally spaced points (one spacing per group of points).

    With f sampled at spacing h, its band-limited interpolation is sum f_j sinc((x - x_j) / h) and the
    integral of that is h f_j (1/2 + Si(pi (x - x_j) / h) / pi) (Stenger 1993, Numerical Methods Based on
    Sinc and Analytic Functions). Errors vanish exponentially for smooth densities.
    weights (n,) sum to 1 and equal h f_j; points, steps (n,).
    """

    weights: Array
    points: Array
    steps: Array

    @classmethod
    def of(cls, weights: Array, points: Array, steps: Array) -> SincMixture:
        """Build without the points too light to matter."""
        keep = np.abs(weights) > _NEGLIGIBLE
        return cls(weights[keep], points[keep], steps[keep])

    @property
    def centre(self) -> float:
        """A point inside the bulk of the distribution."""
        return _weighted_median(self.points, self.weights)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, at least the finest spacing."""
        low, high = (_weighted_median(self.points, self.weights, at) for at in (0.25, 0.75))
        return max((high - low) / 2, float(self.steps.min()))

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x)."""
        z = np.pi * (np.asarray(x, dtype=np.float64)[..., None] - self.points) / self.steps
        cdf: Array = (0.5 + special.sici(z)[0] / np.pi) @ self.weights
        return cdf

    def density(self, x: ArrayLike) -> Array:
        """Density at x."""
        z = (np.asarray(x, dtype=np.float64)[..., None] - self.points) / self.steps
        density: Array = np.maximum(np.sinc(z) @ (self.weights / self.steps), 0)
        return density


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum of distributions whose masses add up to 1."""

    parts: tuple[NormalMixture | SincMixture, ...]

    @property
    def centre(self) -> float:
        """A point inside the bulk of the distribution."""
        return max(self.parts, key=_mass).centre

    @property
    def spread(self) -> float:
        """The width of the heaviest part."""
        return max(self.parts, key=_mass).spread

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x)."""
        cdf: Array = np.sum([part.cdf(x) for part in self.parts], axis=0)
        return cdf

    def density(self, x: ArrayLike) -> Array:
        """Density at x."""
        density: Array = np.sum([part.density(x) for part in self.parts], axis=0)
        return density


def quantile(mixture: Mixture, p: ArrayLike) -> Array:
    """Where the distribution function reaches each p (0 < p < 1): Newton inside a bracket."""
    target = np.asarray(p, dtype=np.float64)
    centre, spread = mixture.centre, mixture.spread
    lo = _reach(lambda x: mixture.cdf(x) < target, centre, -8 * spread, target.shape)
    hi = _reach(lambda x: mixture.cdf(x) > target, centre, 8 * spread, target.shape)
    x: Array = np.clip(centre + spread * special.ndtri(target), lo, hi)
    for _ in range(_STEPS):
        error = mixture.cdf(x) - target
        lo, hi = np.where(error < 0, x, lo), np.where(error < 0, hi, x)
        slope = mixture.density(x)
        newton = x - error / np.where(slope > 0, slope, np.inf)
        inside = (newton >= lo) & (newton <= hi) & (slope > 0)
        following = np.where(inside, newton, (lo + hi) / 2)
        done = np.abs(following - x) <= _TOLERANCE * (np.abs(x) + spread)
        x = following
        if done.all():
            break
    return x


def shortest_interval(
    inverse: Callable[[Array], Array],
    density: Callable[[Array], Array],
    level: float,
    lowest: float = -np.inf,
) -> tuple[float, float]:
    """Shortest interval of the given probability, from the quantile function and the density.

    Its ends have equal density, unless the density is higher at the lower end of the support, `lowest`,
    than at the other end of the interval: then it starts there.
    """
    tail = 1 - level

    def ends(p: Array) -> tuple[Array, Array]:
        low, high = np.split(inverse(np.concatenate([p, p + level])), 2)
        return low, high

    def tilt(p: float) -> float:
        both = density(np.concatenate(ends(np.array([p]))))
        return float(both[0] - both[1])

    grid = tail * np.array([1e-6, 0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.98, 1 - 1e-6])
    low, high = ends(grid)
    best = int(np.argmin(high - low))
    if best == 0 and np.isfinite(lowest) and tilt(grid[0]) >= 0:
        return lowest, float(inverse(np.array([level]))[0])
    p = _root(tilt, grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    low, high = ends(np.array([p]))
    return float(low[0]), float(high[0])


def _root(f: Callable[[float], float], a: float, b: float) -> float:
    """Root of f between a and b by the Illinois method (Dowell & Jarratt 1971, BIT 11:168-174)."""
    fa, fb = f(a), f(b)
    for _ in range(_STEPS):
        if abs(b - a) <= 1e-10 or fa * fb >= 0:
            break
        c = b - fb * (b - a) / (fb - fa)
        fc = f(c)
        if fc * fb < 0:
            a, fa = b, fb
        else:
            fa /= 2
        b, fb = c, fc
    return b


def _reach(
    beyond: Callable[[Array], NDArray[np.bool_]], centre: float, by: float, shape: tuple[int, ...]
) -> Array:
    """Centre plus `by`, moved outwards four-fold until it lies beyond."""
    distance = np.full(shape, by)
    for _ in range(_STEPS):
        ok = beyond(centre + distance)
        if np.all(ok):
            break
        distance = np.where(ok, distance, 4 * distance)
    return centre + distance


def _mass(part: NormalMixture | SincMixture) -> float:
    return float(part.weights.sum())


def _weighted_median(values: Array, weights: Array, at: float = 0.5) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][min(int(np.searchsorted(share, at * share[-1])), values.size - 1)])


def _weighted_sd(values: Array, weights: Array) -> float:
    share = weights / weights.sum()
    return float(np.sqrt(share @ (values - share @ values) ** 2))
