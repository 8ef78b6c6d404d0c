"""The posterior of a person: against quadrature, chains and simulated truth; and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from globulin.exposure import pareto
from globulin.exposure.density import Density, omegas, varying
from globulin.exposure.forecast import combine, model_weights, predict, weighted_quantiles
from globulin.exposure.individual import fit
from globulin.exposure.likelihood import Levels
from globulin.exposure.pareto import fit_pareto, smooth, tail_limit
from globulin.exposure.posterior import sample, standard_t
from tests.exposure.individual_people import ADDITIVE, OMEGA, log_sd, regimens, simulate, totals
from tests.exposure.individual_references import by_quadrature, chains, distance_from_chains

TWO_EFFECTS = omegas(cl=log_sd(0.289), v1=log_sd(0.193))


@pytest.mark.parametrize("person", [0, 2])
def test_moments_and_marginal_likelihood_are_those_of_quadrature(person: int) -> None:
    people, _ = simulate(4, 17, omega=TWO_EFFECTS)
    one = people.take(np.array([person]))
    posterior = sample(fit(one), draws=16384)
    grid, mass, total = by_quadrature(one)
    mean = mass @ grid
    sd = np.sqrt(mass @ (grid - mean) ** 2)
    drawn = posterior.weight[0] @ posterior.z[0]
    # 16384 draws worth about 14000 independent ones: 4 standard errors of a mean are 0.034 SD
    np.testing.assert_allclose((drawn - mean) / sd, 0.0, atol=0.034)
    spread = np.sqrt(posterior.weight[0] @ (posterior.z[0] - drawn) ** 2)
    np.testing.assert_allclose(spread / sd, 1.0, atol=0.03)
    np.testing.assert_allclose(posterior.log_marginal, total, atol=0.015)
    # the trapezium rule is exact to rounding for a smooth density inside its range
    np.testing.assert_allclose(posterior.fit.log_marginal, total, atol=0.05)


def test_twenty_posteriors_are_those_of_long_chains() -> None:
    people, _ = simulate(20, 23)
    posterior = sample(fit(people))
    assert posterior.accepted.all()
    away = distance_from_chains(posterior, chains(people, lanes=40, warm=200, steps=1000, seed=1))
    # 360 comparisons: the largest of as many normals exceeds 4.5 once in 400 runs
    assert np.abs(away).max() < 4.5
    assert away.std() < 1.2


def test_simulated_people_lie_in_their_intervals_as_often_as_stated() -> None:
    """Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): ranks of the truth are uniform."""
    people, eta = simulate(300, 29)
    posterior = sample(fit(people), draws=1024)
    assert posterior.accepted.all()
    free = varying(people)
    truth = eta[:, free] / OMEGA[free]
    rank = np.einsum("ns,nsk->nk", posterior.weight, posterior.z < truth[:, None])
    for parameter in range(free.size):
        assert stats.kstest(rank[:, parameter], "uniform").pvalue > 0.001
        for level in (0.5, 0.8, 0.95):
            inside = int(np.sum(np.abs(rank[:, parameter] - 0.5) < 0.5 * level))
            low, high = stats.binom.interval(0.999, 300, level)
            assert low <= inside <= high


def test_forecasts_hold_the_levels_that_come() -> None:
    people, eta = simulate(300, 31)
    weight = np.clip(np.random.default_rng(31).normal(70.0, 14.0, 300), 40.0, 120.0)
    doses, _ = regimens(weight)
    np.testing.assert_array_equal(doses.g, people.doses.g)
    day = np.array([196.0, 230.0])
    true = totals(people.typical, people.doses, np.broadcast_to(day, (300, 2)), eta)
    rng = np.random.default_rng(2)
    seen = true + np.hypot(ADDITIVE, 0.053 * true) * rng.normal(size=true.shape)
    ahead = predict(sample(fit(people), draws=1024), people.doses, day)
    for truth, residual in ((true, False), (seen, True)):
        low, high = ahead.quantiles([0.1, 0.9], residual=residual)
        inside = np.sum((low <= truth) & (truth <= high), axis=0)
        least, most = stats.binom.interval(0.999, 300, 0.8)
        assert ((least <= inside) & (inside <= most)).all()


def test_the_same_seed_gives_the_same_draws_alone_and_among_others() -> None:
    people, _ = simulate(6, 3)
    together, again = sample(fit(people), draws=256, seed=4), sample(fit(people), draws=256, seed=4)
    np.testing.assert_array_equal(together.z, again.z)
    np.testing.assert_array_equal(together.weight, again.weight)
    alone = sample(fit(people.take(np.array([5]))), draws=256, seed=4)
    np.testing.assert_allclose(alone.z[0], together.z[5], atol=1e-8)
    assert np.any(sample(fit(people), draws=256, seed=5).z != together.z)


def test_points_of_the_proposal_follow_its_distribution() -> None:
    points = standard_t(20000, 3, 1)
    for axis in range(3):
        assert stats.kstest(points[:, axis], stats.t(5).cdf).pvalue > 0.001
    radius = np.sum(points**2, axis=1) / 3.0
    assert stats.kstest(radius, stats.f(3, 5).cdf).pvalue > 0.001


# --- trust in the draws ------------------------------------------------------------------------------

# k and effective size of ArviZ-stats 0.8.0 (psislw) for weights at the quantiles (i - 0.5) / 2000 of these
# distributions; it shares no code with this package
QUANTILE = (np.arange(2000) + 0.5) / 2000
ARVIZ = {
    "Pareto 0.3": (-0.3 * np.log1p(-QUANTILE), 0.31705797249154855, 1657.3490317303458),
    "Pareto 0.9": (-0.9 * np.log1p(-QUANTILE), 0.8588686930172938, 46.081733339544606),
    "lognormal": (special.ndtri(QUANTILE), 0.27607635538028336, 747.0379040608439),
    "uniform": (np.log(QUANTILE), -0.8632633217212948, 1499.7989676135858),
}


@pytest.mark.parametrize("name", ARVIZ)
def test_tails_and_effective_sizes_are_those_of_another_program(name: str) -> None:
    log_weight, k, effective = ARVIZ[name]
    found = smooth(np.stack([log_weight, log_weight[::-1] + 700.0]))
    np.testing.assert_allclose(found.k, k, rtol=1e-10)
    np.testing.assert_allclose(found.effective, effective, rtol=1e-9)
    np.testing.assert_allclose(found.weight.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.log_mean[1] - found.log_mean[0], 700.0, rtol=1e-12)


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.8])
def test_a_pareto_tail_is_recovered(shape: float) -> None:
    """500 samples of 400 each; k is drawn to 0.5 by 10 weights in 410."""
    uniform = np.random.default_rng(1).random((500, 400))
    excess = np.sort(2.0 * np.expm1(-shape * np.log1p(-uniform)) / shape, axis=1)
    k, sigma = fit_pareto(excess)
    np.testing.assert_allclose(k.mean(), (400 * shape + 5.0) / 410.0, atol=0.02)
    np.testing.assert_allclose(sigma.mean(), 2.0, rtol=0.03)


def test_a_bad_proposal_is_seen_though_its_effective_size_looks_good() -> None:
    """A normal proposal of SD s for a standard normal has weights with tail shape 1 - s^2, here 0.84."""
    z = 0.4 * np.random.default_rng(3).normal(size=(1, 4000))
    found = smooth(stats.norm.logpdf(z) - stats.norm.logpdf(z, scale=0.4))
    # it claims to be worth 300 draws, though the variance of its weights is infinite
    assert found.effective[0] > 300
    assert found.k[0] > tail_limit(4000)
    good = smooth(stats.norm.logpdf(z / 0.4 * 1.2) - stats.norm.logpdf(z / 0.4 * 1.2, scale=1.2))
    assert good.k[0] < 0.0


def test_equal_weights_are_perfect() -> None:
    found = smooth(np.zeros((2, 1000)))
    assert (found.k == -np.inf).all()
    np.testing.assert_allclose(found.effective, 1000.0)
    np.testing.assert_allclose(found.log_mean, 0.0, atol=1e-14)


def test_a_proposal_that_fails_is_widened_and_then_right() -> None:
    """Exact assays bend the posterior; the second proposal must then agree with quadrature."""
    people, _ = simulate(60, 1, additive=0.05, proportional=0.01)
    posterior = sample(fit(people))
    widened = np.flatnonzero(posterior.accepted & (posterior.proposals == 2))
    assert widened.size
    person = int(widened[0])
    one = people.take(np.array([person]))
    found = fit(one)
    density = Density(one, varying(one))
    root = np.linalg.cholesky(np.linalg.inv(density.surface(found.z[:, None]).hessian[0, 0]))
    axis = np.linspace(-9.0, 9.0, 81)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    z = found.z[0] + grid @ root.T
    height = -density.value(z[None])[0]
    mass = np.exp(height - height.max())
    # the grid holds the posterior: its faces hold next to nothing
    face = np.any(np.abs(grid) == 9.0, axis=1)
    assert mass[face].sum() < 1e-3 * mass.sum()
    mass /= mass.sum()
    mean = mass @ z
    sd = np.sqrt(mass @ (z - mean) ** 2)
    drawn = posterior.weight[person] @ posterior.z[person]
    np.testing.assert_allclose((drawn - mean) / sd, 0.0, atol=5.0 / np.sqrt(posterior.effective[person]))


def test_what_cannot_be_trusted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    people, _ = simulate(3, 3)
    monkeypatch.setattr(pareto, "K_LIMIT", -9.0)
    posterior = sample(fit(people), draws=256)
    assert not posterior.accepted.any()
    assert (posterior.proposals == 3).all()
    assert np.isnan(posterior.weight).all()
    assert np.isnan(posterior.log_marginal).all()
    assert all("Pareto k" in said and "no intervals" in said for said in posterior.message)
    ahead = predict(posterior, people.doses, [200.0])
    assert np.isnan(ahead.quantiles(0.5)).all()


def test_somebody_without_a_fit_has_no_posterior() -> None:
    people, _ = simulate(2, 3, proportional=0.1, additive=0.0)
    nothing = replace(people.typical, base=np.zeros(2))
    early = Levels(np.full((2, 1), -1.0), np.full((2, 1), 5.0))
    posterior = sample(fit(replace(people, typical=nothing, levels=early)), draws=256)
    assert not posterior.accepted.any()
    assert all("none" in said for said in posterior.message)


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="draws must be at least 100"):
        sample(fit(simulate(1, 3)[0]), draws=99)


# --- several models ----------------------------------------------------------------------------------


def test_models_are_weighed_by_the_probability_of_the_levels() -> None:
    marginal = np.array([[-10.0, -1000.0, np.nan], [-12.0, -1000.0, -3.0], [np.nan, -1001.0, -3.0]])
    found = model_weights(marginal, [1.0, 2.0, 1.0])
    np.testing.assert_allclose(
        found[:, 0], [1.0 / (1.0 + 2.0 * np.exp(-2.0)), 1.0 / (1.0 + 0.5 * np.exp(2.0)), 0.0]
    )
    np.testing.assert_allclose(found[:, 1], np.array([1.0, 2.0, np.exp(-1.0)]) / (3.0 + np.exp(-1.0)))
    np.testing.assert_allclose(found[:, 2], [0.0, 2.0 / 3.0, 1.0 / 3.0])
    np.testing.assert_allclose(model_weights([-5.0, -5.0]), 0.5)
    assert np.isnan(model_weights([np.nan, np.nan])).all()
    with pytest.raises(ValueError, match="prior: 2 weights for 3 models"):
        model_weights(marginal, [1.0, 1.0])


def test_the_true_model_wins_when_levels_can_tell() -> None:
    """Levels from one clearance; the rival has twice as much. The weights are those of quadrature."""
    people, _ = simulate(2, 41, omega=TWO_EFFECTS)
    rival = replace(people, typical=replace(people.typical, cl=2.0 * people.typical.cl))
    found = [sample(fit(model)) for model in (people, rival)]
    weights = model_weights([one.log_marginal for one in found])
    assert (weights[0] > 0.5).all()
    exact = model_weights([[by_quadrature(model.take(np.array([0])))[2]] for model in (people, rival)])
    np.testing.assert_allclose(weights[:, 0], exact[:, 0], atol=0.01)


def test_a_band_over_models_is_that_of_the_mixture() -> None:
    people, _ = simulate(2, 43)
    other = replace(people, typical=replace(people.typical, base=np.full(2, 7.0)))
    ahead = [
        predict(sample(fit(model), draws=512), people.doses, [200.0, 210.0]) for model in (people, other)
    ]
    both = combine(ahead, [[0.3, 1.0], [0.7, 0.0]])
    median = both.quantiles(0.5)[0]
    share = [np.sum(one.weight[..., None] * (one.level < median[:, None]), axis=1) for one in ahead]
    np.testing.assert_allclose(0.3 * share[0][0] + 0.7 * share[1][0], 0.5, atol=0.01)
    np.testing.assert_allclose(median[1], ahead[0].quantiles(0.5)[0, 1], rtol=1e-12)
    with pytest.raises(ValueError, match="same people and days"):
        combine([ahead[0], predict(sample(fit(people), draws=512), people.doses, [1.0, 2.0])], [0.5, 0.5])
    with pytest.raises(ValueError, match="weights: 3 for 2"):
        combine(ahead, [0.2, 0.3, 0.5])


def test_weighted_quantiles() -> None:
    """Equal weights: Hazen's plotting position, as in numpy; unequal ones by hand."""
    values = np.random.default_rng(5).normal(size=(3, 101, 2))
    found = weighted_quantiles(values, np.full((3, 101), 1.0 / 101), [0.05, 0.5, 0.9])
    np.testing.assert_allclose(
        found, np.quantile(values, [0.05, 0.5, 0.9], axis=1, method="hazen"), rtol=1e-9
    )
    three, weight = np.array([[3.0, 1.0, 2.0]]), np.array([[0.0, 0.25, 0.75]])
    # 1 is reached at 0.125 and 2 at 0.625; a draw without weight counts for nothing
    uneven = weighted_quantiles(three, weight, [0.0, 0.125, 0.375, 0.625, 1.0])
    np.testing.assert_allclose(uneven[:, 0], [1.0, 1.0, 1.5, 2.0, 2.0])
    with pytest.raises(ValueError, match="at most 1"):
        weighted_quantiles(values, np.full((3, 101), 1.0 / 101), 1.5)


def test_a_forecast_needs_doses_of_the_same_people() -> None:
    people, _ = simulate(2, 3)
    with pytest.raises(ValueError, match="doses: tables of 1 people, but 2"):
        predict(sample(fit(people), draws=256), people.doses.take(np.array([0])), [1.0])


def test_the_example_of_the_manual_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "methods" / "individual.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 - our own manual
    assert names["posterior"].accepted.all()
    assert names["band"].shape == (3, 1, 2)
    assert names["odd"] == ((),)
