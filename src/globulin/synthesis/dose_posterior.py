"""Dose and effect with priors: what a handful of half-reported trials teach about a dose, and how little.

Every quantity is given before and after the trials, with the ratio of the widths of its two intervals: at 1
the trials said nothing about it. Effects known only as ranges take part. Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.arguments import as_numbers, check_level
from globulin.synthesis.bayes_regression import (
    Effects,
    Learnt,
    Marginal,
    RegressionPosterior,
    regress_bayes,
)
from globulin.synthesis.dose_response import (
    Refusal,
    Shape,
    bend_refused,
    growth,
    one_dose,
)
from globulin.synthesis.emax import log_range
from globulin.synthesis.priors import HalfNormal, Normal

Array: TypeAlias = NDArray[np.float64]

_ED50_NODES = 16
_HALVINGS = 60


@dataclass(frozen=True, slots=True, eq=False)
class DosePosterior:
    """What `dose_posterior` returns.

    highest: effect at the highest dose. gain: that minus the effect at the lowest dose. bend: the ED50 of an
    Emax curve, else None. doses: the lowest and the highest. log_evidence, message: of the `fit`.
    """

    shape: Shape
    doses: tuple[float, float]
    highest: Learnt
    gain: Learnt
    bend: Learnt | None
    log_evidence: float
    message: str
    fit: RegressionPosterior
    _curve: _Curve = field(repr=False)
    _level: float = field(repr=False)

    def effect_at(self, dose: ArrayLike) -> tuple[Marginal, ...]:
        """Posterior of the mean effect at each dose (n,), with intervals of the level that was asked for."""
        columns = self._curve.columns(as_numbers(dose, "dose").ravel())
        if columns.shape[0] == columns.shape[2] == 1:
            return tuple(_scaled(self.highest.posterior, float(share)) for share in columns[0, :, 0])
        return self.fit.posteriors(list(np.swapaxes(columns, 0, 1)), self._level)


def _scaled(effect: Marginal, share: float) -> Marginal:
    """A share, from 0 on, of an effect."""
    return Marginal(
        effect.median * share,
        effect.ci_lower * share,
        effect.ci_upper * share,
        effect.probability_above_zero if share > 0 else 0.0,
    )


@dataclass(frozen=True, slots=True)
class _Curve:
    """Turns doses into regression columns; bends (s, 1) are the candidates where the shape has one.

    Without an intercept the one coefficient is the effect at the highest dose. With one, the first is the
    effect half way up and the second the gain from the lowest dose to the highest.
    """

    shape: Shape
    lowest: float
    highest: float
    intercept: bool
    bends: Array | None

    def columns(self, dose: Array) -> Array:
        """Columns (s, n, p) at doses (n,)."""
        grown, low, high = (
            np.atleast_2d(growth(self.shape, np.atleast_1d(d), self.bends))
            for d in (dose, self.lowest, self.highest)
        )
        if not self.intercept:
            return (grown / high)[..., None]
        rise = (grown - (low + high) / 2) / (high - low)
        return np.stack([np.ones_like(rise), rise], axis=-1)


def dose_posterior(
    dose: ArrayLike,
    effects: Effects,
    *,
    shape: Shape,
    size: Normal,
    intercept: Normal | None = None,
    bend: float | tuple[float, float] | None = None,
    tau_prior: HalfNormal,
    level: float = 0.95,
) -> DosePosterior | Refusal:
    """Posterior of effects as a function of dose (k,).

    size: prior of the effect at the highest dose. With an intercept: prior of the gain from the lowest to the
    highest dose, and intercept the prior of the effect half way up between them; needed for "log", not for
    "flat" or "emax". bend: the one of "log_linear"; for "emax" also a range of ED50, on which all its
    logarithms are equally likely beforehand. Raises ValueError naming the argument that does not fit.
    """
    check_level(level)
    doses = as_numbers(dose, "dose")
    if doses.shape != effects.own.shape or not (doses > 0).all():
        raise ValueError(f"dose: needs {effects.own.size} doses above 0, one for each effect")
    if intercept is not None and shape in ("flat", "emax"):
        raise ValueError(f"intercept: not with the shape {shape!r}")
    if intercept is None and shape == "log":
        raise ValueError("intercept: needed with the shape 'log', which has no value at dose 0")
    if isinstance(bend, tuple) and shape != "emax":
        raise ValueError("bend: a range only with the shape 'emax'")
    refusal = _refused(shape, doses)
    if refusal is not None:
        return refusal
    nodes = _Ed50.over(bend) if isinstance(bend, tuple) else None
    bends = nodes.ed50[:, None] if nodes else None if bend is None else np.full((1, 1), bend)
    curve = _Curve(shape, float(doses.min()), float(doses.max()), intercept is not None, bends)
    fit = regress_bayes(
        effects,
        curve.columns(doses),
        prior=[size] if intercept is None else [intercept, size],
        tau_prior=tau_prior,
        design_weights=None if nodes is None else nodes.prior,
        level=level,
    )
    low, high = np.moveaxis(curve.columns(np.array([curve.lowest, curve.highest])), 1, 0)
    return DosePosterior(
        shape=shape,
        doses=(curve.lowest, curve.highest),
        highest=fit.learnt(high, level),
        gain=fit.learnt(high - low, level),
        bend=None if nodes is None else nodes.learnt(fit.designs, level),
        log_evidence=fit.log_evidence,
        message=fit.message,
        fit=fit,
        _curve=curve,
        _level=level,
    )


def _refused(shape: Shape, doses: Array) -> Refusal | None:
    bend = bend_refused(doses) if shape == "emax" else None
    return bend or (one_dose(doses) if np.unique(doses).size < 2 else None)


@dataclass(frozen=True, slots=True)
class _Ed50:
    """Gauss-Legendre nodes (s,) of log ED50 over a range, with their prior probabilities."""

    low: float
    high: float
    ed50: Array
    prior: Array

    @classmethod
    def over(cls, ed50_range: tuple[float, float]) -> _Ed50:
        low, high = log_range(ed50_range)
        nodes, weights = np.polynomial.legendre.leggauss(_ED50_NODES)
        return cls(low, high, np.exp((low + high) / 2 + (high - low) / 2 * nodes), weights / 2)

    def learnt(self, after: Array, level: float) -> Learnt:
        """ED50 before and after; the ratio of widths is that of its logarithm."""
        p = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
        quantiles = self._quantiles(after / self.prior, p)
        ratio = float((quantiles[2] - quantiles[1]) / (p[2] - p[1]))
        return Learnt(self._marginal(p), self._marginal(quantiles), ratio)

    def _marginal(self, places: Array) -> Marginal:
        median, lower, upper = (float(x) for x in np.exp(self.low + (self.high - self.low) * places))
        return Marginal(median, lower, upper, 1.0)

    def _quantiles(self, density: Array, p: Array) -> Array:
        """Places between 0 and 1 along the range, from the density at the nodes: its Legendre series."""
        legendre = np.polynomial.legendre
        nodes, weights = legendre.leggauss(_ED50_NODES)
        orders = np.arange(_ED50_NODES)
        series = (
            (2 * orders + 1) / 2 * (legendre.legvander(nodes, _ED50_NODES - 1).T @ (weights * density / 2))
        )
        area = legendre.legint(series, lbnd=-1)
        start, end = -np.ones_like(p), np.ones_like(p)
        for _ in range(_HALVINGS):
            middle = (start + end) / 2
            below = legendre.legval(middle, area) < p
            start, end = np.where(below, middle, start), np.where(below, end, middle)
        return (start + 1) / 2
