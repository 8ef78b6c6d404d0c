"""Likelihood of each trial with its random effects integrated out, with exact derivatives.

Rare events leave no normal approximation to lean on, so the binomial, Poisson or hypergeometric likelihood
of every trial must be averaged over the spread between trials. The integrand is log-concave with one
peak, hence Gauss-Hermite quadrature centred and scaled at that peak (Liu & Pierce 1994, Biometrika
81:624-629) converges with few nodes; one node is the Laplace approximation.

Linear predictors are eta_j = (F b)_j + sum_r z_r (G_r b)_j + offset_j with standard normal z, so spreads
between trials are plain coefficients inside b: the likelihood is smooth and even in them, also at 0.
Axes: J arms, R random effects, p coefficients, Q nodes, m parameter points (candidates), k trials.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from globulin.synthesis.ascent import Curve, Likelihood, stencil
from globulin.synthesis.measures import Array


class Terms(NamedTuple):
    """Log-likelihood (..., k) and, per arm (J, ..., k), its slope and negative curvature in eta."""

    value: Array
    slope: Array
    curvature: Array


# eta of shape (J, ..., k) to Terms
Family: TypeAlias = Callable[[Array], Terms]


class Design(NamedTuple):
    """fixed (J, p), random (R, J, p) and offset (J, k) of the linear predictors."""

    fixed: Array
    random: Array
    offset: Array


_NEWTON_STEPS = 50
_HALVINGS = 30
# Quadrature need not be centred exactly; differences need a smooth function
_CENTRED, _CENTRED_EXACTLY = 1e-4, 1e-13
# below this the objective is rounding noise
_NOISE = 1e-12
# Step of the differences; their error is then about 1e-8 in a coefficient
_STEP = 3e-4


# --- families --------------------------------------------------------------------------------------------


def binomial(events: Array, n: Array) -> Family:
    """Independent binomial arms on the log-odds scale; events and n of shape (J, k)."""
    constant = (special.gammaln(n + 1) - special.gammaln(events + 1) - special.gammaln(n - events + 1)).sum(
        axis=0
    )

    def terms(eta: Array) -> Terms:
        x, size = _beside(events, eta), _beside(n, eta)
        p = special.expit(eta)
        value = (x * eta - size * np.logaddexp(0, eta)).sum(axis=0) + constant
        return Terms(value, x - size * p, size * p * special.expit(-eta))

    return terms


def poisson(events: Array) -> Family:
    """Independent Poisson arms on the log scale, log person-time in the offset; events of shape (J, k)."""
    constant = special.gammaln(events + 1).sum(axis=0)

    def terms(eta: Array) -> Terms:
        x, mean = _beside(events, eta), np.exp(eta)
        return Terms((x * eta - mean).sum(axis=0) - constant, x - mean, mean)

    return terms


def hypergeometric(a: Array, n1: Array, c: Array, n2: Array) -> Family:
    """Events in arm 1 given all events: the noncentral hypergeometric law of the log odds ratio; each (k,).

    P(y) is proportional to C(n1, y) C(n2, t - y) exp(y theta) (Breslow & Day 1980, Statistical Methods in
    Cancer Research I, section 4.2). The possible tables of all trials lie end to end in one axis.
    """
    total = a + c
    low, high = np.maximum(0, total - n2), np.minimum(n1, total)
    size = (high - low + 1).astype(np.intp)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    trial = np.repeat(np.arange(a.size), size)
    y = np.arange(trial.size) - start[trial] + low[trial]
    log_weight = log_choose(n1[trial], y) + log_choose(n2[trial], total[trial] - y)
    log_weight = log_weight - (log_choose(n1, a) + log_choose(n2, c))[trial]
    from_seen = y - a[trial]

    def terms(eta: Array) -> Terms:
        theta = eta.reshape(-1, a.size)
        exponent = theta[:, trial] * from_seen
        exponent += log_weight
        top = np.maximum.reduceat(exponent, start, axis=1)
        exponent -= top[:, trial]
        mass = np.exp(exponent, out=exponent)
        whole = np.add.reduceat(mass, start, axis=1)
        mass *= from_seen
        mean = np.add.reduceat(mass, start, axis=1) / whole
        mass *= from_seen
        square = np.add.reduceat(mass, start, axis=1) / whole
        value = -(top + np.log(whole))
        shape = eta.shape
        # rounding can leave a variance of -1e-17 where one table has all the mass
        curvature = np.maximum(square - mean**2, 0)
        return Terms(value.reshape(shape[1:]), -mean.reshape(shape), curvature.reshape(shape))

    return terms


def log_choose(n: Array, x: Array) -> Array:
    """Log of the number of ways to choose x out of n."""
    ways: Array = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    return ways


def _beside(column: Array, eta: Array) -> Array:
    """(J, k) with axes of length one put in, to stand beside eta (J, ..., k)."""
    return column.reshape(column.shape[0], *(1,) * (eta.ndim - 2), column.shape[1])


# --- the integral ----------------------------------------------------------------------------------------


class _Weighted(NamedTuple):
    """Nodes z (R, Q, m, k) with their share of the integral (Q, m, k) and what the family says there."""

    height: Array
    share: Array
    z: Array
    terms: Terms
    mode: Array


def marginal(family: Family, design: Design, nodes: int, *, differenced: bool = False) -> Likelihood:
    """Marginal log-likelihood of every trial as a function of b (p, m, k), see `Curve`.

    nodes: quadrature nodes per random effect. The derivatives are those of the integral (Louis 1982, JRSS B
    44:226-233). With few nodes these are not the derivatives of its approximation, which is what
    `differenced` gives.
    """

    def exact(b: Array, mode: Array | None) -> Curve:
        found = _integrate(family, design, nodes, b, mode, _CENTRED)
        return Curve(found.height, *_derivatives(design, found), found.mode)

    def height(points: Array) -> Array:
        return _integrate(family, design, nodes, points, None, _CENTRED_EXACTLY).height

    def approximate(b: Array, _: Array | None) -> Curve:
        steps = np.full(b.shape[0], _STEP)
        return stencil(height, b, steps)

    return approximate if differenced else exact


def _integrate(
    family: Family, design: Design, nodes: int, b: Array, start: Array | None, enough: float
) -> _Weighted:
    base, scale = _predictor_parts(design, b)
    mode, spread = _modes(family, base, scale, start, enough)
    x, log_weight = _hermite_nodes(nodes, scale.shape[0])
    z = mode[:, None] + np.einsum("rsmk,sq->rqmk", spread, x)
    terms = family(base[:, None] + np.einsum("rjmk,rqmk->jqmk", scale, z))
    exponent = terms.value - (z * z).sum(axis=0) / 2 + ((x * x).sum(axis=0) / 2 + log_weight)[:, None, None]
    top = exponent.max(axis=0)
    share = np.exp(exponent - top)
    whole = share.sum(axis=0)
    height = top + np.log(whole) + np.log(np.einsum("rrmk->rmk", spread)).sum(axis=0)
    return _Weighted(height, share / whole, z, terms, mode)


def _derivatives(design: Design, found: _Weighted) -> tuple[Array, Array]:
    """Gradient (p, m, k) and hessian (p, p, m, k) of the heights."""
    columns = design.fixed[:, :, None, None, None] + np.einsum("rjp,rqmk->jpqmk", design.random, found.z)
    score = (columns * found.terms.slope[:, None]).sum(axis=0)
    weighted = score * found.share
    gradient = weighted.sum(axis=1)
    hessian = np.einsum("pqmk,sqmk->psmk", weighted, score)
    for arm, bend in zip(columns, found.terms.curvature * found.share, strict=True):
        hessian -= np.einsum("pqmk,sqmk->psmk", arm * bend, arm)
    return gradient, hessian - gradient[:, None] * gradient


def _predictor_parts(design: Design, b: Array) -> tuple[Array, Array]:
    """The part of eta without random effects (J, m, k), and what each z_r is multiplied by (R, J, m, k)."""
    base = np.einsum("jp,pmk->jmk", design.fixed, b) + design.offset[:, None, :]
    return base, np.einsum("rjp,pmk->rjmk", design.random, b)


def _modes(
    family: Family, base: Array, scale: Array, start: Array | None, enough: float
) -> tuple[Array, Array]:
    """Peak of each integrand in z (R, m, k), and the inverse root of its curvature there (R, R, m, k)."""
    effects = scale.shape[0]
    z = np.zeros((effects, *base.shape[1:])) if start is None else start
    unit = np.eye(effects)[:, :, None, None]

    def look(z: Array) -> tuple[Array, Array, Array]:
        value, slope, curvature = family(base + np.einsum("rjmk,rmk->jmk", scale, z))
        bend = unit + np.einsum("rjmk,sjmk->rsmk", scale, scale * curvature)
        return value - (z * z).sum(axis=0) / 2, np.einsum("rjmk,jmk->rmk", scale, slope) - z, bend

    height, gradient, bend = look(z)
    for _ in range(_NEWTON_STEPS):
        step = _solve(bend, gradient)
        gain = (gradient * step).sum(axis=0)
        share = np.ones_like(gain)
        for _ in range(_HALVINGS):
            trial = look(z + share * step)
            short = trial[0] < height - _NOISE * (1 + np.abs(height))
            if not short.any():
                break
            share = np.where(short, share / 2, share)
        z = z + share * step
        height, gradient, bend = trial
        if gain.max() < enough:
            break
    return z, _inverse_root(bend)


def _solve(matrix: Array, right: Array) -> Array:
    """matrix^-1 right for one or two random effects, closed form; axes first."""
    if right.shape[0] == 1:
        one: Array = right / matrix[0]
        return one
    (p, q), (_, r) = matrix
    crossed = np.stack([r * right[0] - q * right[1], p * right[1] - q * right[0]])
    two: Array = crossed / (p * r - q * q)
    return two


def _inverse_root(matrix: Array) -> Array:
    """Upper triangular S with S S' = matrix^-1, for one or two random effects."""
    if matrix.shape[0] == 1:
        root: Array = 1 / np.sqrt(matrix)
        return root
    (p, q), (_, r) = matrix
    left = np.sqrt(p)
    below = q / left
    right = np.sqrt(r - below**2)
    return np.stack([np.stack([1 / left, -below / (left * right)]), np.stack([0 * q, 1 / right])])


@cache
def _hermite_nodes(nodes: int, effects: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes (R, Q) and log weights (Q,) for the standard normal in R dimensions."""
    x, weight = special.roots_hermitenorm(nodes)
    log_weight = np.log(weight / weight.sum())
    grids = np.meshgrid(*[x] * effects, indexing="ij")
    weights = np.meshgrid(*[log_weight] * effects, indexing="ij")
    return np.stack([grid.ravel() for grid in grids]), np.sum([w.ravel() for w in weights], axis=0)
