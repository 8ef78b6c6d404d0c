"""Bayesian pooling against R bayesmeta, adaptive quadrature, closed forms, and its own theorems."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from globulin.synthesis.bayes import HalfCauchy, HalfNormal, LogNormal, LogStudent, Normal, pool_bayes
from globulin.synthesis.bayes_batch import pool_bayes_batch
from globulin.synthesis.censoring import log_interval_probability
from globulin.synthesis.mixtures import NormalMixture, SincMixture, Sum, quantile
from synthesis.references import bayesmeta


class Flat:
    """Improper uniform prior of tau: any object with a log-density will do."""

    def log_density(self, tau):
        return np.zeros_like(tau)


PRIORS = {
    "hn0.5": HalfNormal(0.5),
    "hn1": HalfNormal(1),
    "hc0.5": HalfCauchy(0.5),
    "uniform": Flat(),
    "turner_signs_pharm_placebo": LogNormal.from_tau2(-2.06, 1.51),
    "rhodes_mental_pharm_placebo_other": LogStudent.from_tau2(-2.99, 2.16),
}
NUMBERS = [f.name for f in fields(pool_bayes([0.1], [1])) if f.type == "float"]
MEDIAN, BOUND, DENSITY = 3e-4, 3e-3, 1e-3

# bayesmeta's distributions of mu and of the new effect are mixtures over a coarse grid of tau; its own
# error reaches these numbers here. Each is shown to be ours to give by adaptive quadrature below.
BAYESMETA_IS_COARSE = 28


def fits():
    for name, dataset in bayesmeta().items():
        y, v = np.atleast_1d(dataset["input"]["y"]), np.atleast_1d(dataset["input"]["sigma"]) ** 2
        for key, reference in dataset["results"].items():
            tau_prior, mu_prior, *central = key.split("__")
            options = {
                "tau_prior": PRIORS[tau_prior],
                "mu_prior": None if mu_prior == "mu_flat" else Normal(0, 2.82),
                "interval": "central" if central else "shortest",
            }
            yield f"{name}/{key}", y, v, options, reference


def bayesmeta_numbers(ours, reference):
    """(quantity, ours, reference, absolute tolerance)."""
    for row, median, bounds in (
        ("mu", "median", "ci"),
        ("theta", "predictive_median", "predictive"),
        ("tau", "tau_median", "tau_ci"),
    ):
        summary = reference["summary"][row]
        yield median, getattr(ours, median), summary[1], MEDIAN
        yield f"{bounds}_lower", getattr(ours, f"{bounds}_lower"), summary[4], BOUND
        yield f"{bounds}_upper", getattr(ours, f"{bounds}_upper"), summary[5], BOUND
    yield "mean", ours.mean, reference["summary"]["mu"][2], MEDIAN
    yield "probability_above", ours.probability_above(0.0), 1 - reference["p_mu_le_0"], MEDIAN
    for x, density in zip(*reference["dens_mu_at"].values(), strict=True):
        yield "density", float(ours.density(x)), density, DENSITY
    for x, density in zip(*reference["dens_tau_at"].values(), strict=True):
        yield "tau_density", float(ours.tau_density(x)), density, 1e-9 * (1 + density)


@pytest.fixture(scope="module")
def compared():
    agreed, disagreed, refused = Counter(), [], []
    for name, y, v, options, reference in fits():
        ours = pool_bayes(y, v, **options)
        if "error" in reference:
            refused.append((name, ours))
            continue
        for quantity, got, ref, tolerance in bayesmeta_numbers(ours, reference):
            if abs(got - ref) <= tolerance:
                agreed[quantity] += 1
            else:
                disagreed.append((name, quantity, got, ref, y, v, options))
    return agreed, disagreed, refused


def test_agrees_with_bayesmeta_and_the_grid_does_not_shrink(compared):
    agreed, disagreed, refused = compared
    assert len(disagreed) == BAYESMETA_IS_COARSE
    assert sum(agreed.values()) + len(disagreed) == 2470
    assert agreed["tau_density"] == 570
    assert agreed["tau_median"] == agreed["tau_ci_lower"] == agreed["tau_ci_upper"] == 95
    assert len(refused) == 18


def test_where_bayesmeta_fails_there_is_an_answer(compared):
    for _, ours in compared[2]:
        assert np.isfinite([getattr(ours, name) for name in NUMBERS if name != "sd"]).all()
        assert ours.tau_ci_lower < ours.tau_median < ours.tau_ci_upper


# --- the same integrals by adaptive quadrature ---------------------------------------------------------


def tau_integral(function, y, v, tau_prior, mu_prior):
    """Integral over log(tau) of posterior times function(tau, mean and variance of mu given tau)."""

    def parts(tau):
        w = 1 / (v + tau**2)
        precision = w.sum() + (mu_prior.sd**-2 if mu_prior else 0)
        mean = ((w * y).sum() + (mu_prior.mean * mu_prior.sd**-2 if mu_prior else 0)) / precision
        q = (w * (y - mean) ** 2).sum() + ((mean - mu_prior.mean) ** 2 / mu_prior.sd**2 if mu_prior else 0)
        log_density = (np.log(w).sum() - np.log(precision) - q) / 2 + tau_prior.log_density(np.array(tau))
        return float(log_density), mean, 1 / precision

    def integrand(u):
        tau = np.exp(u)
        log_density, mean, variance = parts(tau)
        return np.exp(log_density + u) * function(tau, mean, variance)

    edges = [-140, -30, -12, -6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 2, 4, 8, 20, 100]
    return sum(
        integrate.quad(integrand, a, b, epsabs=1e-12, epsrel=1e-10, limit=200)[0] for a, b in pairwise(edges)
    )


def cdf_by_quadrature(x, new_effect, problem):
    def below(tau, mean, variance):
        return stats.norm.cdf((x - mean) / np.sqrt(variance + new_effect * tau**2))

    return tau_integral(below, *problem) / tau_integral(lambda *_: 1.0, *problem)


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
def test_where_bayesmeta_is_coarse_adaptive_quadrature_confirms_our_number(compared):
    seen = set()
    for name, quantity, got, _, y, v, options in compared[1]:
        problem = (y, v, options["tau_prior"], options["mu_prior"])
        new = quantity.startswith("predictive")
        if quantity.endswith("median"):
            assert cdf_by_quadrature(got, new, problem) == pytest.approx(0.5, abs=1e-7), name
            continue
        assert quantity.endswith(("lower", "upper")), (name, quantity)
        ours = pool_bayes(y, v, **options)
        prefix = "predictive" if new else "ci"
        if (name, prefix) in seen:
            continue
        seen.add((name, prefix))
        ends = [getattr(ours, f"{prefix}_{end}") for end in ("lower", "upper")]
        below = [cdf_by_quadrature(x, new, problem) for x in ends]
        assert below[1] - below[0] == pytest.approx(0.95, abs=1e-7), name
        if options["interval"] == "central":
            assert below[0] == pytest.approx(0.025, abs=1e-7), name
        else:
            step = 1e-4
            slopes = [
                cdf_by_quadrature(x + step, new, problem) - cdf_by_quadrature(x - step, new, problem)
                for x in ends
            ]
            assert slopes[0] == pytest.approx(slopes[1], rel=1e-3), name


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("tau_prior", [PRIORS[name] for name in PRIORS if name != "uniform"], ids=str)
@pytest.mark.parametrize("mu_prior", [None, Normal(0.2, 0.7)])
def test_posterior_without_censoring_by_adaptive_quadrature(tau_prior, mu_prior):
    y, v = np.array([0.98, 0.5, -0.1]), np.array([0.17, 0.06, 0.1])
    ours = pool_bayes(y, v, tau_prior=tau_prior, mu_prior=mu_prior)
    problem = (y, v, tau_prior, mu_prior)
    total = tau_integral(lambda *_: 1.0, *problem)
    mean = tau_integral(lambda _, m, __: m, *problem) / total
    assert ours.mean == pytest.approx(mean, abs=1e-9)
    assert cdf_by_quadrature(ours.ci_lower, False, problem) == pytest.approx(0.025, abs=1e-8)
    assert cdf_by_quadrature(ours.predictive_upper, True, problem) == pytest.approx(0.975, abs=1e-8)
    below = tau_integral(lambda tau, *_: float(tau < ours.tau_median), *problem) / total
    assert below == pytest.approx(0.5, abs=1e-5)


CENSORED = {"censored_bound": np.array([0.777, 0.453]), "censored_se": np.array([0.378, 0.228])}


@pytest.mark.parametrize("tau_prior", [HalfNormal(0.5), HalfCauchy(0.5), LogNormal(-1, 0.7)], ids=str)
@pytest.mark.parametrize("mu_prior", [None, Normal(0, 0.5)])
def test_posterior_with_censoring_by_brute_force(tau_prior, mu_prior):
    y, v = np.array([0.978, 0.501]), np.array([0.168, 0.059])
    ours = pool_bayes(y, v, tau_prior=tau_prior, mu_prior=mu_prior, **CENSORED)
    u, x = np.linspace(-25, 20, 1801)[:, None], np.linspace(-12, 12, 1201)
    tau, mu = np.exp(u), 0.4 + 0.3 * np.sinh(x)
    log_f = tau_prior.log_density(tau) + u + np.log(np.cosh(x))
    for one, variance in zip(y, v, strict=True):
        log_f = log_f + stats.norm.logpdf(one, mu, np.sqrt(variance + tau**2))
    for bound, se in zip(*CENSORED.values(), strict=True):
        spread = np.sqrt(se**2 + tau**2)
        log_f = log_f + np.log(
            np.maximum(stats.norm.cdf((bound - mu) / spread) - stats.norm.cdf((-bound - mu) / spread), 1e-300)
        )
    if mu_prior:
        log_f = log_f + stats.norm.logpdf(mu, mu_prior.mean, mu_prior.sd)
    f = np.exp(log_f - log_f.max())
    f /= f.sum()
    assert ours.mean == pytest.approx((f * mu).sum(), abs=1e-8)
    assert ours.sd == pytest.approx(np.sqrt((f * mu**2).sum() - (f * mu).sum() ** 2), rel=1e-7)
    for x_new, p in (
        (ours.predictive_lower, 0.025),
        (ours.predictive_median, 0.5),
        (ours.predictive_upper, 0.975),
    ):
        assert (f * stats.norm.cdf((x_new - mu) / tau)).sum() == pytest.approx(p, abs=1e-4)
    middle = np.cumsum(f.sum(axis=0)) - f.sum(axis=0) / 2
    for x_mu, p in ((ours.ci_lower, 0.025), (ours.median, 0.5), (ours.ci_upper, 0.975)):
        assert np.interp(x_mu, mu, middle) == pytest.approx(p, abs=1e-4)
    assert 1 - np.interp(0, mu, middle) == pytest.approx(ours.probability_above(0), abs=1e-4)


# --- closed forms --------------------------------------------------------------------------------------


def test_one_study_and_a_flat_prior_give_back_the_prior_of_tau():
    result = pool_bayes([0.3], [0.04], tau_prior=HalfNormal(0.5))
    assert result.sd == pytest.approx(np.sqrt(0.04 + 0.25), rel=1e-10)
    assert [result.mean, result.median] == pytest.approx([0.3, 0.3], rel=1e-12)
    assert [result.tau_ci_lower, result.tau_median, result.tau_ci_upper] == pytest.approx(
        stats.halfnorm.ppf([0.025, 0.5, 0.975], scale=0.5).tolist(), rel=1e-9
    )
    shortest = pool_bayes([0.3], [0.04], tau_prior=HalfNormal(0.5), interval="shortest")
    assert shortest.tau_ci_lower == 0
    assert shortest.tau_ci_upper == pytest.approx(stats.halfnorm.ppf(0.95, scale=0.5), rel=1e-9)


def test_a_prior_concentrated_at_zero_gives_the_common_effect():
    y, v = np.array([0.2, 0.5, 0.9]), np.array([0.1, 0.2, 0.3])
    result = pool_bayes(y, v, tau_prior=HalfNormal(1e-9))
    w = 1 / v
    assert result.mean == pytest.approx((w * y).sum() / w.sum(), rel=1e-12)
    assert result.sd == pytest.approx(w.sum() ** -0.5, rel=1e-12)
    assert result.ci_upper - result.mean == pytest.approx(1.959963984540054 * result.sd, rel=1e-9)


def test_one_censored_study_alone_spreads_evenly_inside_its_bound():
    result = pool_bayes([], [], tau_prior=HalfNormal(1e-6), censored_bound=[0.5], censored_se=[0.01])
    # a uniform on -0.5..0.5 blurred by the standard error
    assert result.sd == pytest.approx(np.sqrt(1 / 12 + 0.01**2), rel=1e-6)
    assert result.mean == pytest.approx(0, abs=1e-12)
    assert (result.k, result.k_censored) == (0, 1)


@pytest.mark.parametrize(
    ("prior", "reference"),
    [
        (HalfNormal(0.5), stats.halfnorm(scale=0.5)),
        (HalfCauchy(0.5), stats.halfcauchy(scale=0.5)),
        (LogNormal.from_tau2(-2.06, 1.51), stats.lognorm(s=0.755, scale=np.exp(-1.03))),
    ],
)
def test_prior_densities(prior, reference):
    tau = np.array([1e-3, 0.1, 0.5, 2, 30])
    assert np.allclose(prior.log_density(tau), reference.logpdf(tau), rtol=1e-12)


def test_log_student_density():
    tau = np.array([1e-3, 0.1, 0.5, 2, 30])
    expected = stats.t(5, loc=-1.495, scale=1.08).logpdf(np.log(tau)) - np.log(tau)
    assert np.allclose(LogStudent.from_tau2(-2.99, 2.16).log_density(tau), expected, rtol=1e-12)


def test_interval_probability_is_accurate_where_a_difference_would_cancel():
    m, d = np.array([0.0, 0.3, 5.0, 8.0, 30.0, 0.7]), np.array([1e-9, 1e-6, 1e-4, 0.3, 2.0, 3.0])
    expected = [
        np.log(2 * d[0]) + stats.norm.logpdf(0),
        np.log(2 * d[1]) + stats.norm.logpdf(0.3),
        np.log(2 * d[2]) + stats.norm.logpdf(5) + np.log1p((25 - 1) * d[2] ** 2 / 6),
        np.log(stats.norm.sf(7.7) - stats.norm.sf(8.3)),
        stats.norm.logsf(28.0),
        np.log(stats.norm.cdf(2.3) - stats.norm.cdf(-3.7)),
    ]
    assert np.allclose(log_interval_probability(m, d), expected, rtol=1e-10)
    assert np.array_equal(log_interval_probability(-m, d), log_interval_probability(m, d))


@pytest.mark.parametrize(
    ("weights", "means", "sds"),
    [
        ([0.5, 0.5], [-50.0, 50.0], [1.0, 1.0]),  # nothing between two peaks
        ([0.999, 0.001], [0.0, 0.0], [1.0, 1e9]),  # a tail from another scale
        ([1.0], [3e9], [1e-3]),  # hardly resolved by a double
        ([0.3, 0.3, 0.4], [0.0, 0.1, 8.0], [1e-6, 2.0, 0.5]),
    ],
)
def test_quantiles_of_awkward_mixtures(weights, means, sds):
    mixture = NormalMixture(np.array(weights), np.array(means), np.array(sds))
    p = np.array([1e-6, 0.025, 0.3, 0.4995, 0.5005, 0.7, 0.975, 1 - 1e-6])
    x = quantile(mixture, p)
    below, above = (
        (np.array(weights) * stats.norm.cdf(sign * (x[:, None] - means) / sds)).sum(axis=1)
        for sign in (1, -1)
    )
    # a double of this size moves the distribution function by its spacing times the density
    coarse = np.spacing(np.abs(x)) * mixture.density(x)
    assert (np.abs(below - p) <= 1e-13 + 4 * coarse).all()
    assert (np.abs(above - (1 - p)) <= 1e-13 + 4 * coarse).all()


def test_quantiles_of_a_density_known_at_points():
    # a normal distribution sampled at half its standard deviation is band-limited to 3e-9
    x = np.arange(-20, 20.25, 0.5)
    half = SincMixture(stats.norm.pdf(x) * 0.25, x[::-1], np.full(x.size, 0.5))
    both = Sum((half, NormalMixture(np.array([0.5]), np.array([0.0]), np.array([1.0]))))
    p = np.array([1e-4, 0.025, 0.5, 0.9])
    assert quantile(both, p) == pytest.approx(stats.norm.ppf(p), abs=1e-7)


# --- theorems ------------------------------------------------------------------------------------------

effects = st.floats(-3, 3).map(lambda x: round(x, 4))
variances = st.floats(-3, 1).map(lambda x: float(10**x))
priors = st.sampled_from(
    [HalfNormal(0.5), HalfCauchy(0.5), LogNormal(-1.03, 0.755), LogStudent(-1.495, 1.08)]
)
studies = st.integers(1, 5).flatmap(
    lambda k: st.tuples(
        st.lists(effects, min_size=k, max_size=k), st.lists(variances, min_size=k, max_size=k)
    )
)
mu_priors = st.sampled_from([None, Normal(0, 1)])
nulls = st.lists(st.tuples(st.floats(0.3, 2), st.floats(0.05, 1)), min_size=1, max_size=2)


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(studies, priors, mu_priors, nulls | st.just([]))
def test_posterior_integrates_to_one(data, tau_prior, mu_prior, null):
    bound, se = np.array(null).reshape(-1, 2).T
    result = pool_bayes(*data, tau_prior=tau_prior, mu_prior=mu_prior, censored_bound=bound, censored_se=se)
    # an independent grid, wide and fine enough for the trapezoidal rule to be exact
    u = np.linspace(-200, 150, 7001)
    total = (result.tau_density(np.exp(u)) * np.exp(u)).sum() * (u[1] - u[0])
    assert total == pytest.approx(1, abs=1e-8)
    # Gauss-Legendre panels: narrow ones in the bulk, then ever wider ones, for the tails are heavy
    unit = (result.ci_upper - result.ci_lower) / 4
    tail = np.geomspace(6, 1e85, 200)
    edges = result.median + unit * np.concatenate([-tail[::-1], np.linspace(-6, 6, 401)[1:-1], tail])
    nodes, weights = np.polynomial.legendre.leggauss(10)
    half = np.diff(edges)[:, None] / 2
    mu = edges[:-1, None] + half * (1 + nodes)
    assert (result.density(mu) * half * weights).sum() == pytest.approx(1, abs=1e-8)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(studies, priors, mu_priors, nulls)
def test_sign_scale_and_order(data, tau_prior, mu_prior, null):
    y, v = map(np.array, data)
    bound, se = np.array(null).T
    plain = pool_bayes(y, v, tau_prior=tau_prior, mu_prior=mu_prior, censored_bound=bound, censored_se=se)
    turned = pool_bayes(
        -y[::-1], v[::-1], tau_prior=tau_prior, mu_prior=mu_prior,
        censored_bound=bound[::-1], censored_se=se[::-1],
    )  # fmt: skip
    unit = 1e-8 * (plain.ci_upper - plain.ci_lower)
    assert turned.median == pytest.approx(-plain.median, abs=unit)
    assert turned.ci_lower == pytest.approx(-plain.ci_upper, abs=unit)
    assert turned.tau_median == pytest.approx(plain.tau_median, rel=1e-7)
    assert turned.predictive_upper == pytest.approx(-plain.predictive_lower, rel=1e-7, abs=unit)


@pytest.mark.parametrize("factor", [1e-6, 1e-2, 1e3, 1e6])
def test_scale_equivariance(factor):
    y, v = np.array([0.98, 0.5]), np.array([0.17, 0.06])
    plain = pool_bayes(y, v, tau_prior=HalfNormal(0.5), mu_prior=Normal(0, 1), **CENSORED)
    scaled = pool_bayes(
        factor * y,
        factor**2 * v,
        tau_prior=HalfNormal(0.5 * factor),
        mu_prior=Normal(0, factor),
        **{name: factor * value for name, value in CENSORED.items()},
    )
    for name in NUMBERS:
        assert getattr(scaled, name) / factor == pytest.approx(getattr(plain, name), rel=1e-8)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(effects, min_size=1, max_size=5), variances, priors, mu_priors, nulls)
def test_a_censored_null_never_moves_the_mean_away_from_zero(y, v, tau_prior, mu_prior, null):
    """With equal variances and a flat prior (or one study) the mean given tau does not depend on tau.

    Each censored factor then pulls towards 0 for every tau. In general the factor also shifts weight
    between taus, as the next test shows.
    """
    bound, se = np.array(null).T
    variance = np.full(len(y), v)
    if len(y) > 1:
        mu_prior = None
    options = {"tau_prior": tau_prior, "mu_prior": mu_prior}
    before = pool_bayes(y, variance, **options)
    after = pool_bayes(y, variance, **options, censored_bound=bound, censored_se=se)
    unit = 1e-8 * (before.ci_upper - before.ci_lower)
    if mu_prior is None:
        assert abs(after.mean) <= abs(before.mean) + unit
    assert after.mean * np.mean(y) >= -unit


def test_with_opposed_effects_and_unequal_variances_the_mean_can_move_away_a_little():
    """The null makes small taus likelier, and with them the precise study, which is the negative one."""
    y, v = [-0.83, -0.22, 2.07], [2.81, 0.048, 3.44]
    before = pool_bayes(y, v, tau_prior=HalfNormal(1))
    after = pool_bayes(y, v, tau_prior=HalfNormal(1), censored_bound=[1.52], censored_se=[0.628])
    assert after.tau_median < before.tau_median
    assert after.mean < before.mean - 0.01 < 0


# --- many data sets in one call --------------------------------------------------------------------------


@pytest.mark.parametrize("tau_prior", list(PRIORS.values()), ids=list(PRIORS))
@pytest.mark.parametrize("mu_prior", [None, Normal(0.2, 0.7)])
def test_a_batch_is_the_loop(tau_prior, mu_prior):
    rng = np.random.default_rng(5)
    v = np.exp(rng.uniform(-5, 0, (3, 4, 3)))
    y = rng.normal(0, np.sqrt(v + rng.choice([0, 0.3], (3, 4, 1))))
    batch = pool_bayes_batch(y, v, tau_prior=tau_prior, mu_prior=mu_prior, level=0.9)
    assert batch.k == 3
    for i in np.ndindex(3, 4):
        one = pool_bayes(y[i], v[i], tau_prior=tau_prior, mu_prior=mu_prior, level=0.9)
        assert batch.message[i] == one.message
        for name in NUMBERS:
            unit = one.tau_median if name.startswith("tau") else one.ci_upper - one.ci_lower
            assert getattr(batch, name)[i] == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-9 * unit)


def test_a_batch_of_one_study_each_gives_back_the_prior_of_tau():
    v = np.array([[0.04], [1e-4], [25.0]])
    result = pool_bayes_batch([[0.3], [-1.0], [2.0]], v, tau_prior=HalfNormal(0.5))
    assert result.sd == pytest.approx(np.sqrt(v[:, 0] + 0.25), rel=1e-10)
    assert result.median == pytest.approx([0.3, -1.0, 2.0], abs=1e-12)
    for name, p in (("tau_ci_lower", 0.025), ("tau_median", 0.5), ("tau_ci_upper", 0.975)):
        assert getattr(result, name) == pytest.approx([stats.halfnorm.ppf(p, scale=0.5)] * 3, rel=1e-9)


def test_intervals_hold_as_often_as_they_say_when_the_truth_comes_from_the_priors():
    # exactly so for any design: the joint distribution of truth and data is the model's own
    rng, replicates = np.random.default_rng(9), 2000
    tau = np.abs(rng.normal(0, 0.5, replicates))
    mu = rng.normal(0.1, 1, replicates)
    v = np.exp(rng.uniform(-4, 0, (replicates, 3)))
    y = rng.normal(mu[:, None], np.sqrt(v + tau[:, None] ** 2))
    new = rng.normal(mu, tau)
    ours = pool_bayes_batch(y, v, tau_prior=HalfNormal(0.5), mu_prior=Normal(0.1, 1), level=0.8)
    four_errors = 4 * np.sqrt(0.16 / replicates)
    for truth, lower, upper in (
        (mu, ours.ci_lower, ours.ci_upper),
        (tau, ours.tau_ci_lower, ours.tau_ci_upper),
        (new, ours.predictive_lower, ours.predictive_upper),
    ):
        assert np.mean((lower < truth) & (truth < upper)) == pytest.approx(0.8, abs=four_errors)
    for truth, median in ((mu, ours.median), (tau, ours.tau_median), (new, ours.predictive_median)):
        assert np.mean(truth < median) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / replicates))


def test_an_improper_batch_is_values_with_a_reason():
    result = pool_bayes_batch([[0.3, 0.2], [0.1, 0.9]], [0.04, 0.05], tau_prior=Flat())
    assert all("cannot be normalised" in message for message in result.message)
    assert np.isnan([getattr(result, name) for name in NUMBERS]).all()


@pytest.mark.parametrize(
    ("argument", "values"),
    [("y", {"y": [[np.nan, 1]]}), ("v", {"v": [[1, 0]]}), ("v", {"v": [1, 1, 1]}), ("level", {"level": 95})],
)
def test_a_bad_batch_is_named(argument, values):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        pool_bayes_batch(**({"y": [[0.1, 0.2]], "v": [[1, 1]]} | values))


# --- typed trouble -------------------------------------------------------------------------------------


def test_improper_posterior_is_a_value_with_a_reason():
    result = pool_bayes([0.3, 0.2], [0.04, 0.05], tau_prior=Flat())
    assert "cannot be normalised" in result.message
    assert np.isnan([getattr(result, name) for name in NUMBERS]).all()
    assert np.isnan(result.probability_above(0))
    assert np.isnan(result.density([0, 1])).all()
    assert np.isnan(result.density_grid()[0]).all()
    assert np.isnan(result.tau_density([0.5])).all()


def test_heavy_tails_have_no_standard_deviation_and_say_so():
    result = pool_bayes([0.3, 0.5], [0.04, 0.05], tau_prior=HalfCauchy(0.5))
    assert result.sd == np.inf
    assert "too heavy" in result.message
    assert pool_bayes([0.3, 0.5, 0.4], [0.04, 0.05, 0.1], tau_prior=HalfCauchy(0.5)).message == ""


def test_a_bound_far_above_its_standard_error_is_reported():
    result = pool_bayes([0.3], [0.04], censored_bound=[0.5], censored_se=[1e-6])
    assert "accuracy is reduced" in result.message
    assert np.isfinite(result.median)


def test_reading_off():
    result = pool_bayes([0.98, 0.5], [0.17, 0.06], **CENSORED)
    assert isinstance(result.probability_above(0.0), float)
    above = result.probability_above([-50.0, result.ci_lower, result.median, result.ci_upper, 50.0])
    assert np.allclose(above, [1, 0.975, 0.5, 0.025, 0], atol=1e-8)
    x, density = result.density_grid(401, tail=1e-6)
    assert (density >= 0).all()
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-5)
    assert quantile(result._mu, [0.5])[0] == pytest.approx(result.median, rel=1e-12)
    shortest = pool_bayes([0.98, 0.5], [0.17, 0.06], **CENSORED, interval="shortest")
    assert shortest.ci_upper - shortest.ci_lower < result.ci_upper - result.ci_lower
    assert shortest.density(shortest.ci_lower) == pytest.approx(shortest.density(shortest.ci_upper), rel=1e-6)


BAD = [
    ({"y": [], "v": []}, "^y: there is no study"),
    ({"y": [1, 2], "v": [1]}, "^v: shape"),
    ({"y": [1], "v": [0]}, "^v: every value must be positive"),
    ({"y": [np.inf], "v": [1]}, "^y: every value must be a finite number"),
    ({"y": [1], "v": [1], "censored_bound": [1]}, "^censored_se: censored studies need both"),
    ({"y": [1], "v": [1], "censored_se": [1]}, "^censored_bound: censored studies need both"),
    ({"y": [1], "v": [1], "censored_bound": [0], "censored_se": [1]}, "^censored_bound: every bound"),
    ({"y": [1], "v": [1], "censored_bound": [1], "censored_se": [0]}, "^censored_se: every value"),
    ({"y": [1], "v": [1], "level": 1}, "^level"),
    ({"y": [1], "v": [1], "interval": "hpd"}, "^interval"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_names_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        pool_bayes(**arguments)


@pytest.mark.parametrize("make", [HalfNormal, HalfCauchy, lambda s: LogNormal(0, s), lambda s: Normal(0, s)])
def test_priors_need_positive_scales(make):
    with pytest.raises(ValueError, match=r"must be a positive number, not -1"):
        make(-1)
