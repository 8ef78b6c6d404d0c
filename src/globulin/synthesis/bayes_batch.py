"""Bayesian summaries of many data sets in one call, for simulation.

How often an interval covers, or what a planned trial would add, is found by summarising tens of thousands of
simulated data sets. The quadrature is that of `pool_bayes`, block by block over all data sets at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.arguments import Array, as_studies, check_level
from globulin.synthesis.bayes import CAUTIOUS, COARSE, IMPROPER, NO_SD
from globulin.synthesis.censoring import Censored
from globulin.synthesis.priors import Normal, TauPrior
from globulin.synthesis.tau_posterior import (
    Evidence,
    Nodes,
    effect_quantiles,
    moments,
    tau_nodes,
    tau_quantiles,
)

# Data sets are worked through in blocks that stay inside a processor's cache
_BLOCK = 100


@dataclass(frozen=True, slots=True)
class BayesBatch:
    """What `pool_bayes_batch` returns: arrays of the batch shape, named as in `BayesResult`.

    k: number of studies, the same for all.
    """

    median: Array
    mean: Array
    sd: Array
    ci_lower: Array
    ci_upper: Array
    tau_median: Array
    tau_ci_lower: Array
    tau_ci_upper: Array
    predictive_median: Array
    predictive_lower: Array
    predictive_upper: Array
    message: NDArray[Any]
    k: int


_NUMBERS = tuple(f.name for f in fields(BayesBatch) if f.name not in ("message", "k"))


def pool_bayes_batch(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau_prior: TauPrior = CAUTIOUS,
    mu_prior: Normal | None = None,
    level: float = 0.95,
) -> BayesBatch:
    """`pool_bayes` with central intervals for many data sets; y, v (..., k), leading axes are the batch.

    Raises ValueError naming the argument that does not fit.
    """
    check_level(level)
    effects, variances = as_studies(y, v)
    batch, k = effects.shape[:-1], effects.shape[-1]
    # one row for each data set: studies first, and room for the values of tau last
    y_, v_ = (np.ascontiguousarray(a.reshape(-1, k).T)[..., None] for a in (effects, variances))
    evidence = Evidence(y_, v_, Censored(np.empty(0), np.empty(0)), mu_prior, tau_prior)
    total = evidence.y.shape[1]
    numbers, messages = np.full((total, len(_NUMBERS)), np.nan), np.full(total, IMPROPER, dtype=np.object_)
    for begin in range(0, total, _BLOCK):
        block = np.arange(begin, min(begin + _BLOCK, total))
        for rows, nodes in tau_nodes(evidence.take(block)):
            if nodes is not None:
                numbers[block[rows]], messages[block[rows]] = _read_off(nodes, level)
    named = {name: numbers[:, i].reshape(batch) for i, name in enumerate(_NUMBERS)}
    return BayesBatch(**named, message=messages.reshape(batch), k=k)


def _read_off(nodes: Nodes, level: float) -> tuple[Array, NDArray[Any]]:
    """Numbers (m, 11) in the order of `BayesBatch`, and messages (m,)."""
    p = np.array([0.5, (1 - level) / 2, (1 + level) / 2])
    mean, sd = moments(nodes.weights, nodes.given.mean, 1 / nodes.given.precision, nodes.far)
    effects, tau = effect_quantiles(nodes, p), tau_quantiles(nodes, p)
    first = (effects[:, 0, :1], mean[:, None], sd[:, None], effects[:, 0, 1:])
    coarse, heavy = np.where(nodes.settled, "", COARSE), np.where(np.isinf(sd), NO_SD, "")
    messages = ["; ".join(filter(None, pair)) for pair in zip(coarse.tolist(), heavy.tolist(), strict=True)]
    return np.concatenate([*first, tau, effects[:, 1]], axis=1), np.array(messages, dtype=np.object_)
