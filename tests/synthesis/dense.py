"""The general linear model with tau2 by plain matrix algebra: slow, and independent of what it checks."""

from __future__ import annotations

import numpy as np
from scipy import optimize


def dense(y, sampling, between, x, tau2, restricted=True):
    """Coefficients, covariance and log-likelihood of the general linear model by plain matrix algebra."""
    total = sampling + tau2 * between
    inverse = np.linalg.inv(total)
    cov = np.linalg.inv(x.T @ inverse @ x)
    beta = cov @ x.T @ inverse @ y
    q = (y - x @ beta) @ inverse @ (y - x @ beta)
    value = -(np.linalg.slogdet(total)[1] + q) / 2
    if not restricted:
        return beta, cov, value - y.size * np.log(2 * np.pi) / 2
    value += (np.linalg.slogdet(cov)[1] + np.linalg.slogdet(x.T @ x)[1]) / 2
    return beta, cov, value - (y.size - x.shape[1]) * np.log(2 * np.pi) / 2


def highest(y, sampling, between, x, restricted, top):
    """Global maximum of the dense likelihood over tau2 in 0 to top: a grid, then polished."""
    grid = np.concatenate([[0.0], np.geomspace(1e-7, 1, 300)]) * top
    heights = [dense(y, sampling, between, x, t, restricted)[2] for t in grid]
    i = int(np.argmax(heights))
    low, high = grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)]
    best = optimize.minimize_scalar(
        lambda t: -dense(y, sampling, between, x, t, restricted)[2],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-13 * top},
    )
    return max(heights[i], -best.fun)
