"""Slow answers to what individual fits answer fast: an optimiser, quadrature and Markov chains."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from globulin.exposure.density import Density, People, effects, varying
from globulin.exposure.forecast import weighted_quantiles
from globulin.exposure.individual import fit
from globulin.exposure.posterior import Posterior
from tests.exposure.individual_people import slow_log_density

SHARES = (0.025, 0.25, 0.5, 0.75, 0.975)


def best_by_scipy(people: People, start: np.ndarray) -> tuple[np.ndarray, float]:
    """The highest point that quasi-Newton searches with difference gradients find from two starts."""
    free = varying(people)

    def loss(z: np.ndarray) -> float:
        return -float(slow_log_density(people, effects(people, free, z[None, None]))[0, 0])

    found = []
    for first in (start, -start):
        done = optimize.minimize(loss, first, method="BFGS", jac="3-point", options={"gtol": 1e-7})
        found.append((done.fun, done.x))
    value, z = min(found, key=lambda pair: pair[0])
    return z, value


def by_quadrature(
    people: People, size: int = 121, reach: float = 6.0
) -> tuple[np.ndarray, np.ndarray, float]:
    """Grid of z and weights of one person's posterior, and log of the levels' probability: trapezia."""
    free = varying(people)
    axis = np.linspace(-reach, reach, size)
    grid = np.stack(np.meshgrid(*(axis,) * free.size, indexing="ij"), axis=-1).reshape(1, -1, free.size)
    height = slow_log_density(people, effects(people, free, grid))[0]
    mass = np.exp(height - height.max())
    total = np.log(mass.sum()) + height.max() + free.size * np.log(axis[1] - axis[0])
    return grid[0], mass / mass.sum(), float(total)


def chains(people: People, lanes: int, warm: int, steps: int, seed: int) -> np.ndarray:
    """Random-walk Metropolis, many independent chains side by side: step x people x lanes x parameters.

    Steps of 2.4 / sqrt(d) posterior SDs (Roberts, Gelman & Gilks, Ann Appl Probab 1997;7:110). The density is
    that of the package, which `test_individual_fit` compares with an independent one.
    """
    found = fit(people)
    free = varying(people)
    density, rng = Density(people, free), np.random.default_rng(seed)
    hessian = density.surface(found.z[:, None]).hessian[:, 0]
    root = np.linalg.cholesky(np.linalg.inv(hessian)) * 2.4 / np.sqrt(free.size)

    def jump() -> np.ndarray:
        return np.einsum("nij,nsj->nsi", root, rng.normal(size=(len(people), lanes, free.size)))

    z = found.z[:, None] + 1.5 * jump()
    value = density.value(z)
    kept = np.empty((steps, *z.shape))
    for step in range(warm + steps):
        following = z + jump()
        new = density.value(following)
        taken = np.log(rng.random(value.shape)) < value - new
        z, value = np.where(taken[..., None], following, z), np.where(taken, new, value)
        if step >= warm:
            kept[step - warm] = z
    return kept


def distance_from_prior(posterior: Posterior, draws: int) -> np.ndarray:
    """Standard errors between the posterior's draws and draws from the prior, weighted by the likelihood.

    Weights are bounded, so nothing can be missed; but it takes many draws. Of means and of five shares.
    """
    found = []
    for person in range(len(posterior.fit.people)):
        one = posterior.fit.people.take(np.array([person]))
        density = Density(one, varying(one))
        rng = np.random.default_rng(person)
        z = rng.normal(size=(draws // 50_000, 1, 50_000, density.free.size))
        height = np.stack([0.5 * np.sum(part**2, axis=-1) - density.value(part) for part in z]).ravel()
        z = z.reshape(-1, density.free.size)
        weight = np.exp(height - height.max())
        weight /= weight.sum()
        worth = 1.0 / np.sum(weight**2), posterior.effective[person]
        own, mass = posterior.z[person], posterior.weight[person]
        mean = weight @ z
        error = np.sqrt(weight @ (z - mean) ** 2 * (1.0 / worth[0] + 1.0 / worth[1]))
        rows = [(mass @ own - mean) / error]
        for share in SHARES:
            limit = weighted_quantiles(own[None], mass[None], share)[0, 0]
            error = np.sqrt(share * (1.0 - share) * (1.0 / worth[0] + 1.0 / worth[1]))
            rows.append((weight @ (z < limit) - share) / error)
        found.append(rows)
    return np.array(found)


def distance_from_chains(posterior: Posterior, kept: np.ndarray) -> np.ndarray:
    """Standard errors between weighted draws and chains: of means, and of shares below five quantiles."""
    lanes = kept.shape[2]
    found = []
    mean = np.einsum("ns,nsk->nk", posterior.weight, posterior.z)
    sd = np.sqrt(np.einsum("ns,nsk->nk", posterior.weight, (posterior.z - mean[:, None]) ** 2))
    by_lane = kept.mean(axis=0)
    error = np.hypot(by_lane.std(axis=1, ddof=1) / np.sqrt(lanes), sd / np.sqrt(posterior.effective)[:, None])
    found.append((mean - by_lane.mean(axis=1)) / error)
    for share in SHARES:
        limit = weighted_quantiles(posterior.z, posterior.weight, share)[0]
        below = np.mean(kept < limit[None, :, None], axis=0)
        drawn = np.sqrt(share * (1.0 - share) / posterior.effective)[:, None]
        error = np.hypot(below.std(axis=1, ddof=1) / np.sqrt(lanes), drawn)
        found.append((below.mean(axis=1) - share) / error)
    return np.stack(found)
