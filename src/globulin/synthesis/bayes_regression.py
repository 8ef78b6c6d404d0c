"""Meta-regression with priors, where some effects are known only as "not significant".

Two printed numbers cannot carry a regression line. With the silent trials as ranges and the priors in the
open one can at least see how little is learnt, so prior and posterior of every quantity come from one
place, to be printed side by side. Array-only; everything is quadrature, nothing is sampled.

Model: estimates Y ~ N(x beta + u, sampling), u ~ N(0, tau^2 between), with correlation 1/2 between the arms
of one trial (Higgins & Whitehead 1996, Stat Med 15:2733-2749; for doses, Mawdsley et al. 2016, CPT
Pharmacometrics Syst Pharmacol 5:393-401). A range adds the probability that |Y| lay below its bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special
from globulin.synthesis.arguments import as_numbers, check_level
from globulin.synthesis.censored_regression import Given, RangedTrial, spread
from globulin.synthesis.cloud import Cloud
from globulin.synthesis.mixtures import Mixture, NormalMixture, SincMixture, quantile
from globulin.synthesis.multiarm import Covariance
from globulin.synthesis.priors import HalfNormal, Normal

Array: TypeAlias = NDArray[np.float64]

_BETWEEN = 0.5
# tau = a sinh(x) on equal steps of x. The posterior is even in tau, so the trapezoidal rule from 0 on is
# exponentially accurate; a half-normal prior holds 8e-11 beyond 6.5 scales
_TAU_STEP = 0.2
_TAU_REACH = 6.5


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """k effects against a control, each a number or a range; all arrays (k,).

    y: estimates, NaN where only a range is known. bound: |estimate| lay below it, NaN where y is known.
    own, shared: sampling variance that is the effect's own (of its arm), and that which it shares with every
    other effect of its trial (of the control). trial: labels.
    Raises ValueError naming the argument that does not fit.
    """

    y: Array
    bound: Array
    own: Array
    shared: Array
    trial: NDArray[Any]

    def __post_init__(self) -> None:
        """Checks all columns."""
        own, shared = as_numbers(self.own, "own"), as_numbers(self.shared, "shared")
        y, bound = np.asarray(self.y, dtype=np.float64), np.asarray(self.bound, dtype=np.float64)
        trial = np.asarray(self.trial)
        for name, column in (("y", y), ("bound", bound), ("shared", shared), ("trial", trial)):
            if own.ndim != 1 or own.size == 0 or column.shape != own.shape:
                raise ValueError(f"{name}: shape {column.shape} does not fit own, {own.shape}")
        if not (np.isfinite(y) ^ np.isfinite(bound)).all():
            raise ValueError(
                "bound: every effect needs either a number in y or a bound, and NaN for the other"
            )
        if (bound <= 0).any():
            raise ValueError("bound: every bound must be positive")
        if not ((own > 0).all() and (shared >= 0).all()):
            raise ValueError("own: every variance must be positive, in shared at least 0")
        if ((trial[:, None] == trial) & (shared[:, None] != shared)).any():
            raise ValueError("shared: effects of one trial share one control, so one variance")
        for name, column in (("y", y), ("bound", bound), ("own", own), ("shared", shared), ("trial", trial)):
            object.__setattr__(self, name, column)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(k,), True where the estimate is known."""
        return np.isfinite(self.y)

    @property
    def covariance(self) -> Covariance:
        """Of all k estimates, known or not, as `regress` takes it."""
        together, one = self.trial[:, None] == self.trial, np.eye(self.own.size)
        between = _BETWEEN * together + (1 - _BETWEEN) * one
        return Covariance(np.diag(self.own) + together * self.shared, between)

    def only(self, kept: NDArray[np.bool_]) -> Effects:
        """Those where kept (k,) is True."""
        return Effects(self.y[kept], self.bound[kept], self.own[kept], self.shared[kept], self.trial[kept])


@dataclass(frozen=True, slots=True)
class Marginal:
    """Distribution of one quantity: median, central interval, and the probability that it is above 0."""

    median: float
    ci_lower: float
    ci_upper: float
    probability_above_zero: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """One quantity before and after the effects were seen.

    width_ratio: of the interval after to the interval before; at 1 nothing was learnt.
    """

    prior: Marginal
    posterior: Marginal
    width_ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class RegressionPosterior:
    """What `regress_bayes` returns.

    log_evidence: log probability of all that is known, under the model with its priors; differences between
    models of the same effects are log Bayes factors. tau_*: standard deviation between trials.
    designs: (s,) posterior probabilities of the candidate designs. k, k_ranges: effects with a number, and
    with a range. message: what a reader must know, or "".
    """

    log_evidence: float
    tau_median: float
    tau_ci_lower: float
    tau_ci_upper: float
    designs: Array
    k: int
    k_ranges: int
    message: str
    _nodes: _Nodes = field(repr=False)

    def posterior(self, weights: ArrayLike, level: float = 0.95) -> Marginal:
        """Of the combination weights @ beta; weights (p,), or (s, p) where they differ between designs.

        Raises ValueError for weights of another shape, or all 0 for some designs only.
        """
        return self.posteriors([self._per_design(weights)], level)[0]

    def posteriors(self, weights: Sequence[ArrayLike], level: float = 0.95) -> tuple[Marginal, ...]:
        """Of several combinations, which is faster than one by one; each as in `posterior`."""
        check_level(level)
        w, nodes = np.array([self._per_design(one) for one in weights]), self._nodes
        some: NDArray[np.bool_] = np.any(w, axis=(1, 2))
        if nodes.cloud is None:
            each = nodes.weights.size // self.designs.size
            at_nodes = np.repeat(w[some], each, axis=1)
            found = [
                _read_off(nodes.weights, nodes.given.mean, nodes.given.covariance, one, level)
                for one in at_nodes
            ]
        else:
            found = _summaries(nodes.cloud.projected(w[some]), int(some.sum()), level) if some.any() else []
        left = iter(found)
        return tuple(next(left) if any_weight else _ZERO for any_weight in some)

    def prior(self, weights: ArrayLike, level: float = 0.95) -> Marginal:
        """The same before any effect was seen."""
        check_level(level)
        nodes, w = self._nodes, self._per_design(weights)
        mean = np.broadcast_to(nodes.prior_mean, w.shape)
        covariance = np.broadcast_to(np.diag(nodes.prior_sd**2), (*w.shape, w.shape[-1]))
        return _read_off(nodes.shares, mean, covariance, w, level) if w.any() else _ZERO

    def learnt(self, weights: ArrayLike, level: float = 0.95) -> Learnt:
        """The combination before and after, arguments as in `posterior`."""
        before, after = self.prior(weights, level), self.posterior(weights, level)
        widths = [m.ci_upper - m.ci_lower for m in (before, after)]
        return Learnt(before, after, widths[1] / widths[0] if widths[0] > 0 else 1.0)

    def _per_design(self, weights: ArrayLike) -> Array:
        w = as_numbers(weights, "weights")
        s, p = self.designs.size, self._nodes.prior_mean.size
        if w.shape not in ((p,), (s, p)):
            raise ValueError(f"weights: shape {w.shape} is not ({p},) or ({s}, {p})")
        if w.any() and not w.reshape(-1, p).any(axis=1).all():
            raise ValueError("weights: all 0 for some designs and not for others")
        return np.broadcast_to(w, (s, p))


class _Nodes(NamedTuple):
    """The q nodes (designs x tau) of the quadrature: what is known at each, and their probabilities.

    cloud: the coefficients where there are ranges, with the probabilities of the nodes in. shares (s,): prior
    probabilities of the designs.
    """

    given: Given
    cloud: Cloud | None
    weights: Array
    shares: Array
    prior_mean: Array
    prior_sd: Array


def regress_bayes(
    effects: Effects,
    x: ArrayLike,
    *,
    prior: Sequence[Normal],
    tau_prior: HalfNormal,
    design_weights: ArrayLike | None = None,
    level: float = 0.95,
) -> RegressionPosterior:
    """Posterior of the coefficients of a meta-regression, from numbers and ranges.

    x: (k, p), one column for each prior; or (s, k, p), candidate designs with prior probabilities
    design_weights (s,), which is how a parameter that bends the columns is integrated out. At most two
    columns where there are ranges. Raises ValueError naming the argument that does not fit.
    """
    check_level(level)
    designs, share = _read_designs(effects, x, prior, design_weights)
    mean, sd = np.array([[p.mean, p.sd] for p in prior], dtype=np.float64).T
    lattice, tau, log_tau = _tau_lattice(effects, tau_prior)
    s, t = share.size, tau.size
    with np.errstate(divide="ignore"):
        log_prior = (np.log(share)[:, None] + log_tau).ravel()
    given = _condition_on_numbers(effects, np.repeat(designs, t, axis=0), np.tile(tau, s), mean, sd)
    cloud, log_joint, message = None, log_prior + given.log_likelihood, ""
    if not effects.known.all():
        cloud, log_ranges, message = spread(given, _ranged_trials(effects))
        log_joint = log_joint + log_ranges
    log_evidence = float(special.logsumexp(log_joint))
    weights = np.exp(log_joint - log_evidence)
    cells = weights.reshape(s, t)
    tau_median, tau_lower, tau_upper = lattice.quantiles(
        cells.sum(axis=0), [0.5, (1 - level) / 2, (1 + level) / 2]
    )
    return RegressionPosterior(
        log_evidence=log_evidence,
        tau_median=tau_median,
        tau_ci_lower=tau_lower,
        tau_ci_upper=tau_upper,
        designs=cells.sum(axis=1),
        k=int(effects.known.sum()),
        k_ranges=int((~effects.known).sum()),
        message=message,
        _nodes=_Nodes(given, None if cloud is None else cloud.weighted(weights), weights, share, mean, sd),
    )


class _TauLattice(NamedTuple):
    """tau = scale sinh(x), x (t,) on equal steps from 0."""

    scale: float
    x: Array

    def quantiles(self, weights: Array, p: Sequence[float]) -> tuple[float, ...]:
        """Of tau, from its probabilities (t,); mirrored at 0, where the density is even."""
        half = np.concatenate([weights[:1], weights[1:] / 2])
        mirrored = SincMixture.of(
            np.concatenate([half[:0:-1], half]),
            np.concatenate([-self.x[:0:-1], self.x]),
            np.full(2 * self.x.size - 1, _TAU_STEP),
        )
        return tuple(float(self.scale * np.sinh(x)) for x in quantile(mirrored, (1 + np.array(p)) / 2))


def _tau_lattice(effects: Effects, prior: HalfNormal) -> tuple[_TauLattice, Array, Array]:
    """Lattice, tau (t,), and the log of prior density times quadrature weight (t,)."""
    scale = min(float(np.sqrt(effects.own.min())), prior.scale)
    count = int(np.ceil(np.arcsinh(_TAU_REACH * prior.scale / scale) / _TAU_STEP))
    x = np.arange(count + 1, dtype=np.float64) * _TAU_STEP
    tau = scale * np.sinh(x)
    log_weight = prior.log_density(tau) + np.log(scale * np.cosh(x) * _TAU_STEP)
    log_weight[0] -= np.log(2)
    return _TauLattice(scale, x), tau, log_weight


def _condition_on_numbers(effects: Effects, x: Array, tau: Array, mean: Array, sd: Array) -> Given:
    """Conjugate normal regression on the known estimates at each node; x (q, k, p), tau (q,)."""
    both = effects.covariance
    total = both.sampling + tau[:, None, None] ** 2 * both.between
    m, c = np.nonzero(effects.known)[0], np.nonzero(~effects.known)[0]
    y, of_numbers, across = effects.y[m], total[:, m[:, None], m], total[:, c[:, None], m]
    lower = np.linalg.cholesky(of_numbers)
    white_x, white_y = np.linalg.solve(lower, x[:, m]), np.linalg.solve(lower, y[:, None])
    precision = np.swapaxes(white_x, 1, 2) @ white_x + np.diag(sd**-2)
    covariance = np.linalg.inv(precision)
    centre = covariance @ (np.swapaxes(white_x, 1, 2) @ white_y + (mean / sd**2)[:, None])
    centre = centre[..., 0]
    residual = white_y[..., 0] - (white_x @ centre[..., None])[..., 0]
    q = (residual**2).sum(axis=1) + (((centre - mean) / sd) ** 2).sum(axis=1)
    log_size = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1) + 2 * np.log(sd).sum()
    log_size = log_size + np.linalg.slogdet(precision)[1] + m.size * np.log(2 * np.pi)
    # a ranged arm leans on what the printed arms of its trial say about their control
    gain = across @ np.linalg.inv(of_numbers)
    explained = (gain * across).sum(axis=2)
    return Given(
        log_likelihood=-(q + log_size) / 2,
        mean=centre,
        covariance=covariance,
        precision=precision,
        x=x[:, c] - gain @ x[:, m],
        offset=gain @ y,
        own=effects.own[c] + (1 - _BETWEEN) * tau[:, None] ** 2,
        shared=np.maximum(effects.shared[c] + _BETWEEN * tau[:, None] ** 2 - explained, 0),
    )


def _ranged_trials(effects: Effects) -> list[RangedTrial]:
    trial, bound = effects.trial[~effects.known], effects.bound[~effects.known]
    groups = [np.nonzero(trial == label)[0] for label in dict.fromkeys(trial.tolist())]
    return [RangedTrial(columns, bound[columns]) for columns in groups]


# --- reading off, and the door ---------------------------------------------------------------------------

_ZERO = Marginal(0.0, 0.0, 0.0, 0.0)


def _read_off(weights: Array, mean: Array, covariance: Array, w: Array, level: float) -> Marginal:
    """Of w @ beta where beta is normal at each node."""
    variance = (w[:, None] @ covariance @ w[..., None])[:, 0, 0]
    normals = NormalMixture.of(weights, (w * mean).sum(axis=1), np.sqrt(variance))
    return _summaries(normals, 1, level)[0]


def _summaries(mixture: Mixture, m: int, level: float) -> list[Marginal]:
    """Of m distributions, which the functions of the mixture take along their last axis."""
    p = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    quantiles = quantile(mixture, np.repeat(p[:, None], m, axis=1)).T.tolist()
    above = np.clip(1 - mixture.cdf(np.zeros(m)), 0, 1).tolist()
    return [
        Marginal(median, lower, upper, chance)
        for (median, lower, upper), chance in zip(quantiles, above, strict=True)
    ]


def _read_designs(
    effects: Effects, x: ArrayLike, prior: Sequence[Normal], design_weights: ArrayLike | None
) -> tuple[Array, Array]:
    """Designs (s, k, p) and their prior probabilities (s,)."""
    designs = as_numbers(x, "x")
    designs = designs[None] if designs.ndim == 2 else designs
    if designs.ndim != 3 or designs.shape[1:] != (effects.own.size, len(prior)) or not len(prior):
        needs = f"(..., {effects.own.size}, {len(prior)})"
        raise ValueError(f"x: shape {np.shape(x)} does not fit {needs}, effects by priors")
    s = designs.shape[0]
    share = np.full(s, 1 / s) if design_weights is None else as_numbers(design_weights, "design_weights")
    if share.shape != (s,) or (share < 0).any() or not np.isclose(share.sum(), 1):
        raise ValueError(f"design_weights: must be {s} probabilities that sum to 1")
    return designs, share
