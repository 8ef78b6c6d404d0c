"""Many small minimisations at once: damped Newton steps on arrays, for fits of thousands of people.

A general optimiser is called once per person; here every operation runs over all searches side by side, and
those that have arrived drop out. Steps take the exact Hessian where it is positive definite, so that the last
ones converge quadratically, and the expected one (Fisher scoring) elsewhere, with Levenberg's damping after a
step that would climb.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self

import numpy as np

from globulin.exposure.linear import FloatArray
from globulin.exposure.superposition import BoolArray, IntArray

_ITERATIONS = 60
_LONGEST_STEP = 2.0
# a rise of this share of the value is rounding
_ROUNDING = 1e-13
_FIRST_DAMPING = 1.0
_LEAST_DAMPING = 1e-3
# the searches that have arrived are dropped when they are this share of all
_DROP = 0.3


class Surface(NamedTuple):
    """A function at points z (people x lanes x parameters): its value, gradient and two Hessians.

    `expected` is positive definite everywhere. `scale` is the size of the terms that cancel in the gradient
    at a minimum.
    """

    value: FloatArray
    gradient: FloatArray
    scale: FloatArray
    expected: FloatArray
    hessian: FloatArray

    def relative_gradient(self) -> FloatArray:
        """Its largest component, as a share of the terms that cancel in it; people x lanes."""
        return np.asarray(np.max(np.abs(self.gradient) / self.scale, axis=-1))


class Landscape(Protocol):
    """Functions of many people, and those of some of them."""

    def surface(self, z: FloatArray) -> Surface:
        """At z, people x lanes x parameters."""

    def take(self, people: IntArray) -> Self:
        """Of some people."""


def minimise(landscape: Landscape, z: FloatArray, stop: float) -> tuple[FloatArray, Surface]:
    """Local minima from `z`, people x lanes x parameters, and the surface there.

    A search ends where the relative gradient is at most `stop`; one that does not get there stays where it
    was lowest.
    """
    z = z.copy()
    rows, part = np.arange(len(z)), landscape
    at = Surface(*(values.copy() for values in landscape.surface(z)))
    damping = np.zeros(z.shape[:2])
    for _ in range(_ITERATIONS):
        going = np.any(at.relative_gradient() > stop, axis=1)
        if not going.any():
            break
        if going.sum() <= (1.0 - _DROP) * rows.size:
            rows = np.flatnonzero(going)
            part = landscape.take(rows)
        here = Surface(*(values[rows] for values in at))
        step = _step(here, damping[rows])
        following = part.surface(z[rows] + step)
        slack = _ROUNDING * (1.0 + np.abs(here.value))
        lower = (following.value <= here.value + slack) & (here.relative_gradient() > stop)
        z[rows] += np.where(lower[..., None], step, 0.0)
        for values, new in zip(at, following, strict=True):
            values[rows] = np.where(lower.reshape(lower.shape + (1,) * (new.ndim - 2)), new, values[rows])
        eased = np.where(damping[rows] > _LEAST_DAMPING, damping[rows] / 8.0, 0.0)
        damping[rows] = np.where(lower, eased, np.maximum(4.0 * damping[rows], _FIRST_DAMPING))
    return z, at


def _step(here: Surface, damping: FloatArray) -> FloatArray:
    ridge = damping[..., None, None] * np.eye(here.gradient.shape[-1])
    _, positive = cholesky(here.hessian)
    lower, _ = cholesky(np.where(positive[..., None, None], here.hessian, here.expected) + ridge)
    step = -solve(lower, here.gradient)
    longest = np.max(np.abs(step), axis=-1, keepdims=True)
    return np.asarray(step * (_LONGEST_STEP / np.maximum(longest, _LONGEST_STEP)))


def cholesky(matrix: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Lower factors of symmetric matrices on the last two axes, and which of them are positive definite.

    `numpy.linalg.cholesky` raises if one of many is not, and is slower for small ones.
    """
    lower = np.zeros_like(matrix)
    positive = np.ones(matrix.shape[:-2], dtype=np.bool_)
    for j in range(matrix.shape[-1]):
        column = matrix[..., j:, j] - np.einsum("...ik,...k->...i", lower[..., j:, :j], lower[..., j, :j])
        positive &= column[..., 0] > 0.0
        root = np.sqrt(np.where(positive, column[..., 0], 1.0))
        lower[..., j:, j] = column / root[..., None]
        lower[..., j, j] = root
    return lower, positive


def solve(lower: FloatArray, right: FloatArray) -> FloatArray:
    """Vectors x (last axis) with L L' x = `right`."""
    size, x = lower.shape[-1], right.copy()
    for i in range(size):
        x[..., i] = (x[..., i] - np.sum(lower[..., i, :i] * x[..., :i], axis=-1)) / lower[..., i, i]
    for i in reversed(range(size)):
        later = np.sum(lower[..., i + 1 :, i] * x[..., i + 1 :], axis=-1)
        x[..., i] = (x[..., i] - later) / lower[..., i, i]
    return x
