"""Rare-event pooling against R metafor, fractions, direct maximisation, invariants and hostile input."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb, exp, isfinite, log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from globulin.synthesis.beta_binomial import beta_binomial
from globulin.synthesis.exact import binomial_normal, exact_conditional, logit_normal, poisson_normal
from globulin.synthesis.marginal import Design, binomial, hypergeometric, marginal
from globulin.synthesis.rare_events import mantel_haenszel, mantel_haenszel_rates, peto
from synthesis.references import columns_of, metafor

NAMES = {
    "estimate": "beta", "se": "se", "ci_lower": "ci_lb", "ci_upper": "ci_ub", "p_value": "pval",
    "q": "QE", "q_p_value": "QEp", "i2": "I2", "h2": "H2",
    "chi2": "MH", "chi2_p_value": "MHp", "tarone": "TA", "tarone_p_value": "TAp",
    "breslow_day": "BD", "breslow_day_p_value": "BDp", "k_informative": "k_pos", "k_effects": "k_yi",
}  # fmt: skip

# metafor takes half a unit off a difference smaller than that and squares what is below zero (0.007 where
# nothing differs); the correction stops at zero here
CONTINUITY_OVERSHOOT = ("crins2014_PTLD_k3_rare", "OR_add_both")

STUDY_EFFECTS = {"UM.FS": "fixed", "UM.RS": "random", "CM.AL": "conditional"}
# metafor integrates with 7 nodes, and with one (Laplace) where there are two random effects
METAFOR_NODES = {"UM.FS": 7, "UM.RS": 1, "CM.AL": 7}
# what lme4 says when it stopped before the maximum; our likelihood is then higher than its own
NOT_CONVERGED = ("failed to converge", "Hessian is numerically singular")


# --- metafor: Mantel-Haenszel and Peto -------------------------------------------------------------------


def pooled_entries():
    for name, dataset in metafor().items():
        if "mh" not in dataset:
            continue
        columns, _ = columns_of(dataset)
        for key, reference in dataset["mh"].items():
            if dataset["type"] == "rate":
                ours = mantel_haenszel_rates(**columns, measure=key)
            else:
                correction = 0.5 if key == "OR_add_both" else 0.0
                ours = mantel_haenszel(**columns, measure=key[:2], correction=correction)
            yield name, key, ours, reference
        if "peto" in dataset:
            yield name, "PETO", peto(**columns), dataset["peto"]


def test_mantel_haenszel_and_peto_agree_with_metafor():
    counted = Counter()
    for name, key, ours, reference in pooled_entries():
        assert "error" not in reference
        counted["entries"] += 1
        for attribute, column in NAMES.items():
            expected = reference.get(column)
            if expected is None:
                continue
            if (name, key) == CONTINUITY_OVERSHOOT and attribute.startswith("chi2"):
                assert getattr(ours, attribute) == (0 if attribute == "chi2" else 1)
                counted["corrected"] += 1
                continue
            tolerance = 1e-5 if attribute.endswith("p_value") else 1e-6
            assert getattr(ours, attribute) == pytest.approx(expected, rel=tolerance, abs=1e-12), (
                name,
                key,
                attribute,
            )
            counted["numbers"] += 1
    assert counted == {"entries": 58, "numbers": 786, "corrected": 2}


# --- metafor: likelihood models --------------------------------------------------------------------------


def likelihood_entries():
    for name, dataset in metafor().items():
        columns, _ = (
            columns_of(dataset) if dataset["type"] in ("binary", "rate", "proportion") else ({}, None)
        )
        if "glmm_PLO" in dataset:
            yield name, "PLO", logit_normal(**columns, nodes=7), dataset["glmm_PLO"]
        for key, reference in dataset.get("glmm", {}).items():
            if dataset["type"] == "rate":
                study_effects = "fixed" if key == "UM.FS" else "conditional"
                ours = poisson_normal(**columns, study_effects=study_effects)
            elif key == "CM.EL":
                ours = exact_conditional(**columns)
            else:
                # metafor leaves double-zero trials out of every model
                some = columns["events1"] + columns["events2"] > 0
                kept = {column: values[some] for column, values in columns.items()}
                ours = binomial_normal(**kept, study_effects=STUDY_EFFECTS[key], nodes=METAFOR_NODES[key])
            yield name, key, ours, reference


def test_likelihood_models_agree_with_metafor():
    counted = Counter()
    for name, key, ours, reference in likelihood_entries():
        label = (name, key)
        if "error" in reference:
            assert isfinite(ours.estimate), label
            assert ours.se > 0, label
            counted["answered where metafor fails"] += 1
            continue
        stopped = any(sign in str(reference.get("warnings")) for sign in NOT_CONVERGED)
        counted["lme4 did not converge" if stopped else "compared"] += 1
        absolute = 1e-3 if stopped else 2e-4
        assert ours.estimate == pytest.approx(reference["beta"], abs=absolute), label
        assert ours.tau2 == pytest.approx(reference["tau2"], abs=absolute), label
        # standard errors come from a finite-difference Hessian; with two random effects it is off by 0.4%
        relative = 5e-3 if stopped or key == "UM.RS" else 3e-4
        assert ours.se == pytest.approx(reference["se"], rel=relative), label
        for ours_bound, bound in ((ours.ci_lower, "ci_lb"), (ours.ci_upper, "ci_ub")):
            slack = absolute + 1.96 * relative * reference["se"]
            assert ours_bound == pytest.approx(reference[bound], abs=slack), label
        if key != "UM.RS" and "QE_LRT" in reference:
            assert ours.q == pytest.approx(reference["QE_LRT"], rel=1e-6), label
            counted["likelihood-ratio Q"] += 1
        if "pval" in reference:
            z = abs(reference["beta"] / reference["se"])
            # an error of d in z moves the p-value by a factor of about exp(z d)
            assert log(ours.p_value / reference["pval"]) == pytest.approx(0, abs=(1 + z) * (3 * relative) * z)
        height = {column.lower(): value for column, value in reference.items()}.get("loglik")
        # lme4 drops constants with more than one node
        if key in ("UM.RS", "CM.EL") and height is not None:
            assert ours.log_likelihood >= height - 1e-6, label
            assert ours.log_likelihood == pytest.approx(height, abs=5e-4), label
            counted["log-likelihood"] += 1
    assert counted == {
        "compared": 24,
        "lme4 did not converge": 2,
        "answered where metafor fails": 2,
        "likelihood-ratio Q": 18,
        "log-likelihood": 10,
    }


def test_lme4_stopped_below_the_maximum_of_its_own_likelihood():
    columns, _ = columns_of(metafor()["nielweise2007_rare"])
    some = columns["events1"] + columns["events2"] > 0
    a, n1, c, n2 = (columns[name][some] for name in ("events1", "n1", "events2", "n2"))
    design = Design(
        np.array([[1, 0.5, 0], [1, -0.5, 0]]),
        np.array([[[0, 0, 0.5], [0, 0, -0.5]]]),
        np.zeros((2, a.size)),
    )
    likelihood = marginal(binomial(np.stack([a, c]), np.stack([n1, n2])), design, 7)

    def profile(estimate, tau2):
        """Seven-node likelihood at its best baselines, found by trying ever finer grids."""
        best = np.full(a.size, -5.0)
        for width in (9, 0.2, 4e-3, 1e-4):
            tried = best + width * np.linspace(-1, 1, 201)[:, None]
            b = np.stack([tried, np.full_like(tried, estimate), np.full_like(tried, np.sqrt(tau2))])
            value = likelihood(b, None).value
            best = tried[value.argmax(axis=0), np.arange(a.size)]
        return value.max(axis=0).sum()

    theirs = metafor()["nielweise2007_rare"]["glmm"]["UM.FS"]
    ours = binomial_normal(a, n1, c, n2, nodes=7)
    assert profile(ours.estimate, ours.tau2) > profile(theirs["beta"], theirs["tau2"])


@pytest.mark.parametrize("name", ["cannon2006_k4", "crins2014_PTLD_k3_rare"])
def test_exact_conditional_is_the_maximum_where_metafor_fails(name):
    columns, _ = columns_of(metafor()[name])
    ours = exact_conditional(**columns)
    direct = optimize.minimize_scalar(
        lambda mu: -direct_conditional(columns, mu, 0), bounds=(-3, 3), method="bounded"
    )
    assert ours.log_likelihood == pytest.approx(-direct.fun, abs=1e-8)
    assert ours.estimate == pytest.approx(direct.x, abs=1e-4)
    assert ours.tau2 == 0
    for tau in (0.02, 0.1, 0.5):
        for shift in (-1, 0, 1):
            beside = direct_conditional(columns, ours.estimate + shift * ours.se / 4, tau)
            assert beside < ours.log_likelihood


# --- the likelihoods themselves --------------------------------------------------------------------------


def direct_conditional(columns, mu, tau):
    """The hypergeometric-normal log-likelihood by adaptive quadrature of the textbook formula."""
    total = 0.0
    for a, n1, c, n2 in np.array(list(columns.values())).T:
        t = int(a + c)
        y = np.arange(max(0, t - int(n2)), min(int(n1), t) + 1)
        log_weight = stats.hypergeom.logpmf(y, int(n1 + n2), t, int(n1))
        seen = int(a) - y[0]

        def density(theta, y=y, log_weight=log_weight, seen=seen):
            terms = log_weight + y * theta
            return exp(terms[seen] - np.logaddexp.reduce(terms))

        if tau < 1e-6:
            total += log(density(mu))
            continue
        peak = optimize.minimize_scalar(
            lambda u, density=density: -log(max(density(mu + tau * u), 1e-300)) + u * u / 2,
            bounds=(-8, 8),
            method="bounded",
        ).x
        value, _ = integrate.quad(
            lambda u, density=density: density(mu + tau * u) * exp(-u * u / 2),
            -12,
            12,
            points=[peak - 1, peak, peak + 1],
            epsabs=0,
            epsrel=1e-10,
            limit=200,
        )
        total += log(value / np.sqrt(2 * np.pi))
    return total


TABLES = st.tuples(*[st.integers(0, 6)] * 4).filter(lambda t: t[0] + t[1] > 0 and t[2] + t[3] > 0)


@given(TABLES, st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(7, 2)]))
def test_hypergeometric_law_is_exact(table, odds):
    a, b, c, d = table
    n1, n2, t = a + b, c + d, a + c
    weights = {y: comb(n1, y) * comb(n2, t - y) * odds**y for y in range(max(0, t - n2), min(n1, t) + 1)}
    whole = sum(weights.values())
    mean = sum(y * w for y, w in weights.items()) / whole
    variance = sum(y * y * w for y, w in weights.items()) / whole - mean**2
    family = hypergeometric(*np.array([[a], [n1], [c], [n2]], dtype=float))
    value, slope, curvature = family(np.array([[log(odds)]]))
    assert value[0] == pytest.approx(log(weights[a] / whole), abs=1e-12)
    assert slope[0, 0] == pytest.approx(float(a - mean), abs=1e-12)
    assert curvature[0, 0] == pytest.approx(float(variance), abs=1e-12)


@pytest.mark.parametrize("tau", [0.3, 0.8, 1.5])
@pytest.mark.parametrize("name", ["nielweise2007_rare", "crins2014_AR_k6"])
def test_conditional_quadrature_is_exact(name, tau):
    columns, _ = columns_of(metafor()[name])
    some = columns["events1"] + columns["events2"] > 0
    kept = {column: values[some] for column, values in columns.items()}
    design = Design(np.array([[1.0, 0]]), np.array([[[0, 1.0]]]), np.zeros((1, some.sum())))
    likelihood = marginal(hypergeometric(*kept.values()), design, 21)
    b = np.tile(np.array([-1.0, tau])[:, None, None], (1, 1, some.sum()))
    assert likelihood(b, None).value.sum() == pytest.approx(direct_conditional(kept, -1.0, tau), abs=1e-6)


def test_two_random_effects_are_integrated_exactly():
    a, n1, c, n2 = 1.0, 20.0, 4.0, 22.0
    gamma, theta, sigma, tau = -2.0, -0.7, 0.6, 0.9
    design = Design(
        np.array([[1, 0.5, 0, 0], [1, -0.5, 0, 0]]),
        np.array([[[0, 0, 1, 0], [0, 0, 1, 0]], [[0, 0, 0, 0.5], [0, 0, 0, -0.5]]]),
        np.zeros((2, 1)),
    )
    likelihood = marginal(binomial(np.array([[a], [c]]), np.array([[n1], [n2]])), design, 13)
    found = likelihood(np.array([gamma, theta, sigma, tau])[:, None, None], None)

    def density(v, u):
        risks = 1 / (1 + np.exp(-(gamma + sigma * u + np.array([0.5, -0.5]) * (theta + tau * v))))
        counts = stats.binom.pmf([a, c], [n1, n2], risks).prod()
        return counts * stats.norm.pdf(u) * stats.norm.pdf(v)

    expected, _ = integrate.dblquad(density, -8, 8, -8, 8, epsabs=1e-12, epsrel=1e-7)
    assert found.value[0, 0] == pytest.approx(log(expected), abs=1e-6)


WIDE = ([0, 9, 1, 0, 14], [40, 20, 30, 25, 30], [6, 0, 1, 9, 2], [40, 20, 30, 25, 30])


@pytest.mark.parametrize("study_effects", ["conditional", "fixed", "random"])
@pytest.mark.parametrize("data", ["rare", "wide"])
def test_more_nodes_change_nothing(data, study_effects):
    columns = columns_of(metafor()["nielweise2007_rare"])[0].values() if data == "rare" else WIDE
    default = binomial_normal(*columns, study_effects=study_effects)
    more = binomial_normal(*columns, study_effects=study_effects, nodes=45)
    if data == "wide":
        assert default.tau2 > 3
    assert default.estimate == pytest.approx(more.estimate, abs=1e-4 * more.se)
    assert default.tau2 == pytest.approx(more.tau2, rel=1e-4)
    assert default.log_likelihood == pytest.approx(more.log_likelihood, abs=1e-5)
    assert default.se == pytest.approx(more.se, rel=1e-3)


@pytest.mark.parametrize("name", ["crins2014_AR_k6", "nielweise2007_rare", "yusuf1985_t6_peto"])
def test_beta_binomial_is_the_direct_maximum(name):
    columns, _ = columns_of(metafor()[name])
    arms = [(columns["events1"], columns["n1"]), (columns["events2"], columns["n2"])]

    def height(log_odds1, log_odds2, log_phi):
        phi = exp(log_phi)
        risks = 1 / (1 + np.exp(-np.array([log_odds1, log_odds2])))
        return sum(
            stats.betabinom.logpmf(x, n, p / phi, (1 - p) / phi).sum()
            for (x, n), p in zip(arms, risks, strict=True)
        )

    options = {"xatol": 1e-8, "fatol": 1e-11, "maxiter": 2000}
    direct = optimize.minimize(lambda p: -height(*p), [-2, -2, -3], method="Nelder-Mead", options=options)
    ours = beta_binomial(**columns)
    assert ours.log_likelihood == pytest.approx(-direct.fun, abs=1e-8)
    assert ours.estimate == pytest.approx(direct.x[0] - direct.x[1], abs=1e-6)
    assert ours.correlation == pytest.approx(1 / (1 + exp(-direct.x[2])), rel=1e-5)
    step = 1e-3 * np.eye(3)
    information = [
        [
            -(height(*(direct.x + i + j)) - height(*(direct.x + i - j))
              - height(*(direct.x - i + j)) + height(*(direct.x - i - j))) / 4e-6
            for j in step
        ]
        for i in step
    ]  # fmt: skip
    covariance = np.linalg.inv(information)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert ours.se == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_beta_binomial_without_spread_is_the_pooled_table():
    fit = beta_binomial([2, 2, 2], [50, 50, 50], [4, 4, 4], [60, 60, 60], measure="RR")
    assert fit.correlation == 0
    assert fit.estimate == pytest.approx(log((6 / 150) / (12 / 180)), abs=1e-8)
    assert fit.se == pytest.approx(np.sqrt(1 / 6 - 1 / 150 + 1 / 12 - 1 / 180), rel=1e-5)
    difference = beta_binomial([2, 2, 2], [50, 50, 50], [4, 4, 4], [60, 60, 60], measure="RD")
    assert difference.estimate == pytest.approx(6 / 150 - 12 / 180, abs=1e-8)


# --- invariants ------------------------------------------------------------------------------------------


@st.composite
def trials(draw):
    k = draw(st.integers(2, 5))
    n1 = draw(st.lists(st.integers(3, 60), min_size=k, max_size=k))
    n2 = draw(st.lists(st.integers(3, 60), min_size=k, max_size=k))
    a = [draw(st.integers(0, n)) for n in n1]
    c = [draw(st.integers(0, n)) for n in n2]
    return np.array([a, n1, c, n2], dtype=float)


LOG_ODDS_METHODS = {
    "Mantel-Haenszel": mantel_haenszel,
    "Peto": peto,
    "exact": exact_conditional,
    "fixed": binomial_normal,
    "random": lambda *t: binomial_normal(*t, study_effects="random"),
    "beta-binomial": beta_binomial,
}


def is_determined(fit):
    """Leave out data without a finite maximum, where a flat likelihood has no sharp top to compare."""
    return isfinite(fit.estimate) and isfinite(fit.se) and fit.se < 3 and "no finite" not in fit.message


def assert_same(fit, other, sign=1.0):
    close = {"abs": 2e-5 * (1 + fit.se), "rel": 1e-5}
    assert other.estimate == pytest.approx(sign * fit.estimate, **close)
    assert other.se == pytest.approx(fit.se, rel=1e-4)
    assert other.p_value == pytest.approx(fit.p_value, abs=1e-4)


@pytest.mark.parametrize("name", LOG_ODDS_METHODS)
@settings(max_examples=15, deadline=None)
@given(table=trials())
def test_swapping_arms_or_outcome_flips_the_sign_and_order_does_not_matter(name, table):
    method = LOG_ODDS_METHODS[name]
    a, n1, c, n2 = table
    fit = method(*table)
    assume(is_determined(fit))
    assert_same(fit, method(c, n2, a, n1), -1.0)
    assert_same(fit, method(n1 - a, n1, n2 - c, n2), -1.0)
    assert_same(fit, method(*table[:, ::-1]))


@settings(max_examples=25, deadline=None)
@given(table=trials())
def test_other_measures_flip_too(table):
    a, n1, c, n2 = table
    for measure in ("RR", "RD"):
        for method in (mantel_haenszel, beta_binomial):
            fit, swapped = (method(*t, measure=measure) for t in (table, (c, n2, a, n1)))
            if is_determined(fit) and fit.se > 0:
                assert_same(fit, swapped, -1.0)
    rates = mantel_haenszel_rates(a, n1, c, n2), mantel_haenszel_rates(c, n2, a, n1)
    if is_determined(rates[0]):
        assert_same(rates[0], rates[1], -1.0)


@pytest.mark.parametrize("name", ["Mantel-Haenszel", "Peto", "exact", "fixed"])
@settings(max_examples=15, deadline=None)
@given(table=trials(), sizes=st.tuples(st.integers(1, 500), st.integers(1, 500)))
def test_a_double_zero_trial_changes_nothing_but_the_count(name, table, sizes):
    method = LOG_ODDS_METHODS[name]
    fit, more = method(*table), method(*np.column_stack([table, [0, sizes[0], 0, sizes[1]]]))
    assert more.double_zero == fit.double_zero + 1
    assert more.k == fit.k + 1
    assert more.k_informative == fit.k_informative
    assert "no events" in more.message
    np.testing.assert_allclose(
        [more.estimate, more.se, more.q], [fit.estimate, fit.se, fit.q], rtol=1e-9, atol=1e-9
    )


def test_a_double_zero_trial_counts_where_baselines_or_risks_are_shared():
    columns, _ = columns_of(metafor()["nielweise2007_rare"])
    larger = {name: np.append(values, 0 if "events" in name else 5000) for name, values in columns.items()}
    assert beta_binomial(**larger).risk2 < beta_binomial(**columns).risk2
    random = [binomial_normal(**t, study_effects="random") for t in (columns, larger)]
    assert random[1].study_variance > random[0].study_variance


@settings(max_examples=20, deadline=None)
@given(table=trials())
def test_the_maximum_is_never_below_the_common_effect(table):
    for fit in (exact_conditional(*table), binomial_normal(*table)):
        if isfinite(fit.log_likelihood):
            assert fit.log_likelihood >= fit.common_log_likelihood
            assert fit.q >= 2 * (fit.log_likelihood - fit.common_log_likelihood) - 1e-6
            assert isfinite(fit.tau2)


# --- a value with a message, never an exception ----------------------------------------------------------

ALL_METHODS = {
    **LOG_ODDS_METHODS,
    "approximate": lambda *t: binomial_normal(*t, study_effects="conditional"),
    "RR": lambda *t: mantel_haenszel(*t, measure="RR"),
    "RD": lambda *t: mantel_haenszel(*t, measure="RD"),
    "rates": mantel_haenszel_rates,
    "Poisson": lambda *t: poisson_normal(*t, study_effects="fixed"),
}
DEGENERATE = {
    "no events in arm 1": ([0, 0, 0], [10, 20, 30], [1, 2, 0], [10, 20, 30]),
    "no events": ([0, 0], [10, 20], [0, 0], [10, 20]),
    "nothing but events": ([10, 20], [10, 20], [10, 20], [10, 20]),
    "one trial": ([3], [20], [5], [22]),
    "one trial, empty cell": ([0], [20], [5], [22]),
    "contradiction": ([0, 5], [5, 5], [5, 0], [5, 5]),
    "identical": ([1, 1, 1], [50, 50, 50], [1, 1, 1], [50, 50, 50]),
    "one person per arm": ([1, 0], [1, 1], [0, 1], [1, 1]),
    "huge": ([5000, 2], [100_000, 50], [4000, 1], [90_000, 60]),
}


@pytest.mark.parametrize("data", DEGENERATE)
@pytest.mark.parametrize("method", ALL_METHODS)
def test_degenerate_data_is_answered_in_words(method, data):
    fit = ALL_METHODS[method](*DEGENERATE[data])
    assert fit.ci_lower <= fit.ci_upper
    if not (isfinite(fit.estimate) and isfinite(fit.se) and isfinite(fit.p_value)):
        assert fit.message


def test_contradicting_trials_have_no_finite_tau2():
    fit = exact_conditional(*DEGENERATE["contradiction"])
    assert fit.tau2 == 100
    assert "no finite estimate" in fit.message


def test_one_trial_has_no_tau2():
    fit = exact_conditional([3], [20], [5], [22])
    assert fit.tau2 == 0
    assert "one informative trial" in fit.message
    # conditional odds ratio by solving for the mean of the noncentral hypergeometric law
    law = stats.nchypergeom_fisher
    theta = optimize.brentq(lambda t: law.mean(42, 8, 20, exp(t)) - 3, -3, 3, xtol=1e-12)
    assert fit.estimate == pytest.approx(theta, abs=1e-7)
    assert fit.se == pytest.approx(law.var(42, 8, 20, exp(theta)) ** -0.5, rel=1e-7)


def test_corrections_are_named():
    assert "for Q alone" in mantel_haenszel([0, 3], [20, 30], [2, 5], [20, 30]).message
    assert "every cell" in mantel_haenszel([0, 3], [20, 30], [2, 5], [20, 30], correction=0.5).message
    without = mantel_haenszel([0, 3], [20, 30], [2, 5], [20, 30], q_correction=0)
    assert without.k_effects == 1
    assert without.message == ""


def test_level_sets_the_width():
    for method in (mantel_haenszel, exact_conditional, binomial_normal, beta_binomial):
        wide, narrow = (method([3, 4], [20, 30], [5, 9], [20, 30], level=level) for level in (0.95, 0.5))
        assert wide.ci_upper - wide.estimate == pytest.approx(1.959964 * wide.se, rel=1e-6)
        assert narrow.ci_upper - narrow.estimate == pytest.approx(0.674490 * narrow.se, rel=1e-6)


@pytest.mark.parametrize("method", ALL_METHODS)
@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (([-1, 2], [10, 10], [1, 1], [10, 10]), "events1"),
        (([1, 2], [10, 10], [1, np.nan], [10, 10]), "events2"),
        (([1, 2], [10, 10], [1, 1, 1], [10, 10]), "events2"),
        (([1, 2], [10, 10], ["a", "b"], [10, 10]), "events2"),
        (([], [], [], []), "events1"),
        (([1, 2], [0, 10], [1, 1], [10, 10]), "1"),
    ],
)
def test_bad_columns_are_named(method, columns, named):
    with pytest.raises(ValueError, match=rf"^\w*{named}: "):
        ALL_METHODS[method](*columns)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: mantel_haenszel([11], [10], [1], [10]), "events1"),
        (lambda: mantel_haenszel([1], [10], [1], [10], measure="HR"), "measure"),
        (lambda: mantel_haenszel([1], [10], [1], [10], level=1), "level"),
        (lambda: mantel_haenszel([1], [10], [1], [10], correction=-1), "correction"),
        (lambda: mantel_haenszel_rates([1], [10], [1], [10], measure="OR"), "measure"),
        (lambda: mantel_haenszel_rates([1], [10], [1], [10], q_correction=np.inf), "q_correction"),
        (lambda: exact_conditional([1.5], [10], [1], [10]), "events1"),
        (lambda: poisson_normal([1], [10.5], [1.5], [10]), "events2"),
        (lambda: poisson_normal([1], [10], [1], [10], study_effects="random"), "study_effects"),
        (lambda: binomial_normal([1], [10], [1], [10], study_effects="none"), "study_effects"),
        (lambda: binomial_normal([1], [10], [1], [10], nodes=0), "nodes"),
        (lambda: beta_binomial([1], [10], [1], [10], measure="HR"), "measure"),
        (lambda: logit_normal([3], [2]), "events"),
        (lambda: logit_normal([0.5], [2]), "events"),
    ],
)
def test_bad_options_are_named(call, named):
    with pytest.raises(ValueError, match=f"^{named}: "):
        call()
