"""Regression with ranges by brute force: multivariate normal probabilities (Genz) at each tau.

Independent of what it checks: coefficients are never put on a grid, and no control is integrated out. Given
tau, all estimates and any combination of the coefficients are jointly normal, so that the probability of all
ranges is one probability of a box, and a posterior probability the ratio of two.
"""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats

# the quasi-random integration of scipy is good to about 1e-6 with these, checked by ten times the points
GENZ = {"maxpts": 60_000, "abseps": 1e-7, "releps": 1e-7}


def box(mean, covariance, low, high):
    distribution = stats.multivariate_normal(mean, covariance, allow_singular=True, seed=1, **GENZ)
    return float(distribution.cdf(high, lower_limit=low))


def at_tau(y, bound, own, shared, trial, x, prior_mean, prior_sd, tau, w=None, above=None):
    """Density of the numbers times the probability of the ranges (and of w @ beta > above), given tau."""
    trial, x = np.asarray(trial), np.asarray(x, dtype=float)
    together = trial[:, None] == trial
    one = np.eye(len(y))
    total = np.diag(own) + together * np.asarray(shared) + tau**2 * (0.5 * together + 0.5 * one)
    spread = np.diag(np.square(prior_sd))
    rows = x if w is None else np.vstack([x, w])
    joint = rows @ spread @ rows.T
    joint[: len(y), : len(y)] += total
    centre = rows @ np.asarray(prior_mean)
    known = np.isfinite(y)
    m = np.nonzero(known)[0]
    c = np.concatenate([np.nonzero(~known)[0], [len(y)] if w is not None else []]).astype(int)
    density = 1.0
    mean, covariance = centre[c], joint[np.ix_(c, c)]
    if m.size:
        density = stats.multivariate_normal(centre[m], joint[np.ix_(m, m)]).pdf(np.asarray(y)[m])
        gain = joint[np.ix_(c, m)] @ np.linalg.inv(joint[np.ix_(m, m)])
        mean = mean + gain @ (np.asarray(y)[m] - centre[m])
        covariance = covariance - gain @ joint[np.ix_(m, c)]
    high = np.asarray(bound, dtype=float)[~known]
    low = -high
    if w is not None:
        low, high = np.append(low, above), np.append(high, np.inf)
    return density * (box(mean, covariance, low, high) if c.size else 1.0)


def over_tau(scale, integrand, points=16):
    """Integral against a half-normal prior, by Gauss-Legendre on 0 to 6.5 scales."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    tau = 3.25 * scale * (nodes + 1)
    density = stats.halfnorm(scale=scale).pdf(tau) * weights * 3.25 * scale
    return float(sum(d * integrand(t) for d, t in zip(density, tau, strict=True)))


def evidence(data, tau_scale, **kw):
    return over_tau(tau_scale, lambda tau: at_tau(*data, tau, **kw))


def probability_above(data, tau_scale, w, above):
    return evidence(data, tau_scale, w=np.asarray(w, dtype=float), above=above) / evidence(data, tau_scale)


def evidence_of_curves(y, own, shared, trial, columns_at, low, high, prior_sd, tau_scale, until=None):
    """Numbers only, with a bend whose logarithm is uniform from low to high; `until` stops it earlier."""
    end = np.log(high if until is None else until)
    nothing = np.full(len(y), np.nan)

    bends, taus = np.linspace(np.log(low), end, 41), np.linspace(0, 6.5 * tau_scale, 41)
    heights = [
        [at_tau(y, nothing, own, shared, trial, columns_at(np.exp(b)), [0.0], [prior_sd], t) for t in taus]
        for b in bends
    ]
    over = integrate.simpson(np.array(heights) * stats.halfnorm(scale=tau_scale).pdf(taus), x=taus)
    return float(integrate.simpson(over, x=bends)) / (np.log(high) - np.log(low))
