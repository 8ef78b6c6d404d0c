"""Whether importance weights can be trusted: the shape of their tail, which an effective sample size hides.

Largest weights follow a generalised Pareto distribution. Its shape k says how many draws an average needs:
above 0.7 no affordable number, however large the effective sample size looks (Vehtari, Simpson, Gelman, Yao
& Gabry, J Mach Learn Res 2024;25(72):1-58). The largest weights are replaced by the quantiles of the fitted
distribution, which steadies averages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from globulin.exposure.linear import FloatArray

K_LIMIT = 0.7
# the tail that is fitted: at most a fifth of the draws, and 3 sqrt(S) (Vehtari et al. 2024, algorithm 1)
_TAIL_SHARE, _TAIL_ROOT = 0.2, 3.0
# a weak prior draws k of a small tail towards 0.5, as if 10 more weights had been seen (appendix G there)
_PRIOR_K, _PRIOR_WEIGHTS = 0.5, 10.0
_LEAST_TAIL = 5


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """Importance weights, lanes x draws, that add up to 1, and what is known of their quality, by lane.

    `k` is the shape of the tail (-inf where all weights in it are equal), `effective` how many draws from the
    target would be worth as much, `log_mean` the logarithm of the mean unnormalised weight.
    """

    weight: FloatArray
    k: FloatArray
    effective: FloatArray
    log_mean: FloatArray


def tail_limit(draws: int) -> float:
    """The largest k at which this many draws suffice: min(1 - 1 / log10 S, 0.7) (Vehtari et al. 2024)."""
    return float(min(1.0 - 1.0 / np.log10(draws), K_LIMIT))


def smooth(log_weight: FloatArray) -> Smoothed:
    """Pareto-smoothed weights from the logarithms of raw ones, lanes x draws (at least 25 draws)."""
    draws = log_weight.shape[-1]
    tail = max(_LEAST_TAIL, int(min(_TAIL_SHARE * draws, _TAIL_ROOT * np.sqrt(draws))))
    top = np.max(log_weight, axis=-1, keepdims=True)
    weight = np.exp(log_weight - top)
    order = np.argsort(weight, axis=-1, kind="stable")[..., -tail - 1 :]
    largest = np.take_along_axis(weight, order, axis=-1)
    threshold = largest[..., :1]
    excess = largest[..., 1:] - threshold
    k, sigma = fit_pareto(excess)
    quantile = (np.arange(tail) + 0.5) / tail
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = sigma[..., None] * np.expm1(-k[..., None] * np.log1p(-quantile)) / k[..., None]
    fitted = np.isfinite(expected).all(axis=-1, keepdims=True)
    # never above the largest raw weight
    np.put_along_axis(
        weight,
        order[..., 1:],
        np.where(fitted, np.minimum(threshold + expected, 1.0), largest[..., 1:]),
        axis=-1,
    )
    total = weight.sum(axis=-1, keepdims=True)
    log_mean = np.log(total[..., 0] / draws) + top[..., 0]
    weight /= total
    return Smoothed(weight, k, 1.0 / np.sum(weight**2, axis=-1), log_mean)


def fit_pareto(excess: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shape k and scale sigma of a generalised Pareto distribution; `excess` ascending on the last axis.

    The posterior mean of Zhang & Stephens, Technometrics 2009;51:316-325, with k drawn towards 0.5. Excesses
    that are all 0 have k = -inf, sigma = 0.
    """
    size = excess.shape[-1]
    largest = excess[..., -1:]
    flat = largest[..., 0] <= 0.0
    x = np.where(flat[..., None], np.arange(1, size + 1) / size, excess)
    quartile = x[..., int(size / 4.0 + 0.5) - 1, None]
    quartile = np.where(quartile > 0.0, quartile, 1e-3 * x[..., -1:])
    grid = 30 + int(np.sqrt(size))
    theta = 1.0 / x[..., -1:] + (1.0 - np.sqrt(grid / (np.arange(grid) + 0.5))) / (3.0 * quartile)
    k = np.mean(np.log1p(-theta[..., None] * x[..., None, :]), axis=-1)
    profile = size * (np.log(-theta / k) - k - 1.0)
    share = np.exp(profile - profile.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    best = np.sum(theta * share, axis=-1)
    shape = np.mean(np.log1p(-best[..., None] * x), axis=-1)
    scale = -shape / best
    shape = (size * shape + _PRIOR_WEIGHTS * _PRIOR_K) / (size + _PRIOR_WEIGHTS)
    return np.where(flat, -np.inf, shape), np.where(flat, 0.0, scale)
