"""Distributions held as weighted sums of simple kernels, with exact tail areas, quantiles and intervals.

A posterior computed by quadrature is a finite sum. Summed over normal kernels, its distribution function
is a sum of normal ones. Known only at equally spaced points, it is a sum of sinc kernels, whose integral is
the sine integral: both need no second approximation to read off a quantile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special

Array: TypeAlias = NDArray[np.float64]

_STEPS, _FREE_STEPS = 200, 8
# Newton's method squares the error, which is counted in standard deviations of a normal distribution
_TOLERANCE = 3e-8
# Kernels lighter than this cannot show in double precision
_NEGLIGIBLE = 1e-17
_TINY = float(np.finfo(np.float64).tiny)
_ROOT_2PI = float(np.sqrt(2 * np.pi))


class Point(NamedTuple):
    """P(X <= x), and the density at x."""

    cdf: Array
    density: Array


class Mixture(ABC):
    """A distribution on the real line, vectorised over x and p."""

    __slots__ = ()

    @abstractmethod
    def at(self, x: Array) -> Point:
        """Distribution function and density."""

    @abstractmethod
    def guess(self, p: Array) -> Array:
        """Roughly the quantiles p."""

    @abstractmethod
    def bounds(self, p: Array) -> tuple[Array, Array]:
        """Lower and upper bounds of the quantiles p."""

    def cdf(self, x: ArrayLike) -> Array:
        """P(X <= x)."""
        return self.at(np.asarray(x, dtype=np.float64)).cdf

    def density(self, x: ArrayLike) -> Array:
        """Density at x."""
        return self.at(np.asarray(x, dtype=np.float64)).density


@dataclass(frozen=True, slots=True)
class NormalMixture(Mixture):
    """Mixture of normal distributions; weights (..., n) sum to 1 and are broadcast with means and sds.

    With leading axes they are many distributions, against which x is broadcast.
    """

    weights: Array
    means: Array
    sds: Array

    @classmethod
    def of(cls, weights: Array, means: Array, sds: Array) -> NormalMixture:
        """Build one without the kernels too light to matter."""
        keep = weights > _NEGLIGIBLE
        return cls(weights[keep], means[keep], sds[keep])

    def at(self, x: Array) -> Point:
        """Distribution function and density."""
        z = (x[..., None] - self.means) / self.sds
        density = np.vecdot(np.exp(z * z / -2), self.weights / self.sds) / _ROOT_2PI
        return Point(np.vecdot(special.ndtr(z), self.weights), density)

    def guess(self, p: Array) -> Array:
        """As if it were normal."""
        share = self.weights / np.add.reduce(self.weights, axis=-1, keepdims=True)
        centre = np.vecdot(share, self.means)
        variances = self.sds * self.sds
        # a few kernels may be wider by powers of ten and hold nothing, which the geometric mean bounds
        typical = np.exp(np.vecdot(share, np.log(variances)))
        within = np.minimum(np.vecdot(share, variances), 4 * typical)
        between = np.vecdot(share, (self.means - centre[..., None]) ** 2)
        guess: Array = centre + special.ndtri(p) * np.sqrt(within + between)
        return guess

    def bounds(self, p: Array) -> tuple[Array, Array]:
        """The extreme ones of the quantiles of the kernels."""
        kernels = self.means + special.ndtri(p)[..., None] * self.sds
        heavy = self.weights > _NEGLIGIBLE
        return np.where(heavy, kernels, np.inf).min(axis=-1), np.where(heavy, kernels, -np.inf).max(axis=-1)


@dataclass(frozen=True, slots=True)
class SincMixture(Mixture):
    """Distribution known as probabilities at equally spaced points (one spacing per group of points).

    With f sampled at spacing h, its band-limited interpolation is sum f_j sinc((x - x_j) / h) and the
    integral of that is h f_j (1/2 + Si(pi (x - x_j) / h) / pi) (Stenger 1993, Numerical Methods Based on
    Sinc and Analytic Functions). Errors vanish exponentially for smooth densities.
    weights (..., n) sum to 1 and equal h f_j; points, steps (n,). With leading axes they are many
    distributions, against which x is broadcast.
    """

    weights: Array
    points: Array
    steps: Array

    @classmethod
    def of(cls, weights: Array, points: Array, steps: Array) -> SincMixture:
        """Build one without the points too light to matter."""
        keep = np.abs(weights) > _NEGLIGIBLE
        return cls(weights[keep], points[keep], steps[keep])

    def at(self, x: Array) -> Point:
        """Distribution function and density."""
        # the smallest number keeps 0 / 0, where the sinc is 1, from happening
        z = (x[..., None] - self.points) * (np.pi / self.steps) + _TINY
        density = np.vecdot(np.sin(z) / z, self.weights / self.steps)
        return Point(np.vecdot(0.5 + special.sici(z)[0] / np.pi, self.weights), np.maximum(density, 0))

    def guess(self, p: Array) -> Array:
        """By linear interpolation of the cumulated probabilities."""
        order = np.argsort(self.points)
        points, weights = self.points[order], self.weights[..., order]
        below = (np.add.accumulate(weights, axis=-1) - weights / 2).reshape(-1, order.size)
        x = np.array([np.interp(p.ravel(), one, points) for one in below])
        return x.reshape(weights.shape[:-2] + p.shape)

    def bounds(self, p: Array) -> tuple[Array, Array]:
        """The ends of the grid."""
        widest = self.steps.max()
        return np.full_like(p, self.points.min() - widest), np.full_like(p, self.points.max() + widest)


@dataclass(frozen=True, slots=True)
class Sum(Mixture):
    """Sum of distributions whose masses add up to 1."""

    parts: tuple[NormalMixture | SincMixture, ...]

    def at(self, x: Array) -> Point:
        """Distribution function and density."""
        return Point(*np.sum([part.at(x) for part in self.parts], axis=0))

    def guess(self, p: Array) -> Array:
        """That of the heaviest part."""
        return max(self.parts, key=lambda part: float(part.weights.sum())).guess(p)

    def bounds(self, p: Array) -> tuple[Array, Array]:
        """The extreme ones of the bounds of the parts."""
        lower, upper = zip(*(part.bounds(p) for part in self.parts), strict=True)
        return np.min(lower, axis=0), np.max(upper, axis=0)


def quantile(mixture: Mixture, p: ArrayLike) -> Array:
    """Where the distribution function reaches each p (0 < p < 1).

    Newton's method on the normal score of the distribution function: a straight line for a normal
    distribution, and close to one for what resembles it, far into the tails. Where that does not settle
    within a few steps, it is held inside a bracket.
    """
    p = np.asarray(p, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        target = special.ndtri(p)
        x = mixture.guess(p)
        for _ in range(_FREE_STEPS):
            error, step = _newton(mixture.at(x), target)
            x = x - step
            if (np.abs(error) <= _TOLERANCE).all():
                return x
        return _bracketed(mixture, p, target)


def _newton(point: Point, target: Array) -> tuple[Array, Array]:
    """Error of the normal score, and by how much Newton's method would lessen x."""
    score = special.ndtri(point.cdf)
    error = score - target
    return error, error * np.exp(score * score / -2) / (_ROOT_2PI * point.density)


def _bracketed(mixture: Mixture, p: Array, target: Array) -> Array:
    """The same inside a bracket, halving it where a step would leave."""
    x = mixture.guess(p)
    lower, upper = mixture.bounds(p)
    for _ in range(_STEPS):
        point = mixture.at(x)
        below = point.cdf < p
        lower, upper = np.where(below, x, lower), np.where(below, upper, x)
        error, step = _newton(point, target)
        inside = (lower <= x - step) & (x - step <= upper)
        following = np.where(inside, x - step, (lower + upper) / 2)
        # rounding may leave a distribution function outside 0 to 1, and then the score is not a number
        done = (np.abs(error) <= _TOLERANCE) | (following == x)
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
