"""Draws meta-analyses of small trials from a known truth. Everything follows from a seed."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.effects import smd_from_t

Array = NDArray[np.float64]

SEED = 20261122
SMALLEST, LARGEST = 10, 50
"""People per arm of the trials, every number equally likely, each arm on its own."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Many meta-analyses of k trials: all (replicates, k), but mu, the true mean effects, (replicates,)."""

    y: Array
    v: Array
    mu: Array
    n1: Array
    n2: Array

    def first(self, replicates: int) -> Trials:
        """The first replicates alone."""
        return Trials(*(getattr(self, field.name)[:replicates] for field in fields(self)))


def normal_trials(
    rng: np.random.Generator, replicates: int, k: int, mu: ArrayLike, tau: ArrayLike, at: float = 0.3
) -> Trials:
    """Effects that are exactly what a random-effects model takes them for: normal, with known variances.

    The variance is that of a standardised mean difference of `at`: 1 / n1 + 1 / n2 + at^2 / (2 (n1 + n2)).
    mu, tau: one number, or one for each replicate.
    """
    n1, n2 = _sizes(rng, replicates, k)
    v = 1 / n1 + 1 / n2 + at**2 / (2 * (n1 + n2))
    mu_, tau_ = (np.broadcast_to(np.asarray(x, dtype=float), replicates) for x in (mu, tau))
    return Trials(rng.normal(mu_[:, None], np.sqrt(v + tau_[:, None] ** 2)), v, mu_, n1, n2)


def equal_trials(rng: np.random.Generator, replicates: int, k: int, mu: float, tau: float) -> Trials:
    """Normal effects of trials of 30 against 30, all with the same variance."""
    n = np.full((replicates, k), 30.0)
    v = 2 / n
    return Trials(rng.normal(mu, np.sqrt(v + tau**2)), v, np.full(replicates, mu), n, n)


def measured_trials(rng: np.random.Generator, replicates: int, k: int, mu: float, tau: float) -> Trials:
    """Hedges' g as trials compute it, with the variance estimated from the same people.

    Each trial's mean difference is normal around its own true effect and its pooled standard deviation
    follows the chi-squared law, so neither is the effect normal nor its variance known.
    """
    n1, n2 = _sizes(rng, replicates, k)
    effect = mu + tau * rng.normal(size=(replicates, k))
    unit = np.sqrt(1 / n1 + 1 / n2)
    spread = np.sqrt(rng.chisquare(n1 + n2 - 2) / (n1 + n2 - 2))
    y, v = smd_from_t(rng.normal(effect, unit) / spread / unit, n1, n2)
    return Trials(y, v, np.full(replicates, mu), n1, n2)


def _sizes(rng: np.random.Generator, replicates: int, k: int) -> tuple[Array, Array]:
    n1, n2 = rng.integers(SMALLEST, LARGEST + 1, (2, replicates, k)).astype(float)
    return n1, n2
