"""Dose and effect against metafor, DoseFinding, a published trend, closed forms and brute force."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.bayes_regression import Effects, regress_bayes
from globulin.synthesis.dose_posterior import DosePosterior, dose_posterior
from globulin.synthesis.dose_response import (
    Refusal,
    Trend,
    WithinTrials,
    fit_difference,
    fit_trend,
    fit_within_trials,
    growth,
)
from globulin.synthesis.emax import EmaxFit, fit_emax
from globulin.synthesis.multiarm import Covariance
from globulin.synthesis.priors import HalfNormal, Normal
from synthesis.dense import dense
from synthesis.rectangle import evidence, evidence_of_curves, probability_above
from synthesis.references import analyses

NAN = np.nan
VAGUE, CAUTIOUS, TAU = Normal(0.0, 2.0), Normal(0.0, 0.5), HalfNormal(0.5)


def effects_of(y, own, shared, trial, bound=None):
    nothing = np.full(len(y), NAN)
    return Effects(*(np.asarray(c) for c in (y, nothing if bound is None else bound, own, shared, trial)))


# --- trends across trials ------------------------------------------------------------------------------

# Four trials, two of them with several doses against one control
DOSE = np.array([1.5, 3, 6, 6, 3, 2, 4])
Y = np.array([0.10, 0.42, 0.35, 1.9, 0.50, -0.55, 0.60])
OWN = np.array([0.040, 0.042, 0.040, 0.110, 0.030, 0.08, 0.09])
SHARED = np.array([0.04, 0.04, 0.04, 0.06, 0.028, 0.05, 0.05])
TRIAL = np.array(list("AAABCDD"))
ARMS = effects_of(Y, OWN, SHARED, TRIAL)

# R 4.2.2, metafor 3.8-1: rma.mv(y, V, mods = ~ dose - 1, random = ~ factor(arm) | trial, struct = "CS",
# rho = 0.5, method, control = list(optimizer = "bobyqa", rhoend = 1e-12)), V = diag(own) + shared in a trial.
# Slope, its standard error, intercept, tau2, QE; the optimiser is good to about 1e-6
METAFOR = {
    ("ML", "linear", False): (0.159220764, 0.051633721, 0.0, 0.155017392, 17.115413446),
    ("ML", "linear", True): (0.186812829, 0.090173308, -0.149795189, 0.154970878, 17.083944768),
    ("ML", "log", True): (0.634696517, 0.294918952, -0.227173645, 0.143843416, 16.455275290),
    ("ML", "log_linear", False): (0.628265851, 0.215379693, 0.0, 0.170878317, 17.718703455),
    ("REML", "linear", False): (0.161982795, 0.056770020, 0.0, 0.209695228, 17.115413446),
    ("REML", "linear", True): (0.197175048, 0.111065803, -0.177342508, 0.285763469, 17.083944768),
    ("REML", "log", True): (0.669864491, 0.365522538, -0.257089853, 0.273212831, 16.455275290),
    ("REML", "log_linear", False): (0.638906800, 0.238200206, 0.0, 0.232302051, 17.718703455),
}


@pytest.mark.parametrize(("method", "shape", "intercept"), METAFOR)
def test_arms_that_share_a_control_agree_with_metafor(method, shape, intercept):
    bend = 2.0 if shape == "log_linear" else None
    fit = fit_trend(
        *(DOSE, Y, ARMS.covariance), shape=shape, bend=bend, intercept=intercept, tau2=method, ci="wald"
    )
    assert isinstance(fit, Trend)
    ours = (fit.slope, fit.se, fit.intercept, fit.regression.tau2, fit.regression.qe)
    assert ours == pytest.approx(METAFOR[method, shape, intercept], rel=2e-6, abs=1e-6)


def test_a_slope_on_log_dose_agrees_with_metafor_on_49_cohorts():
    """Ursino 2021: dose-limiting toxicity of sorafenib against log dose, every method that was pinned."""
    found = [one for one in analyses() if one.name == "ursino2021_dose/PLO"]
    _, y, v, reference = found[0]
    entry = reference["metareg"]["logdose"]
    dose = np.exp(np.array(entry["X"])[:, 0])
    keys = sorted(entry.keys() - {"X", "colnames"})
    assert len(keys) == 6
    for key in keys:
        method, test = key.split("_")
        ci = {"z": "wald", "knha": "HKSJ"}[test]
        fit = fit_trend(dose, y, v, shape="log", intercept=True, tau2=method, ci=ci)
        assert [fit.intercept, fit.slope] == pytest.approx(entry[key]["beta"], rel=1e-6)
        assert (fit.se, fit.p_value) == pytest.approx((entry[key]["se"][1], entry[key]["pval"][1]), rel=1e-5)


def covariance_of_relative_risks(log_rr, variance, cases, controls):
    """Greenland & Longnecker 1992: counts that fit the risks and the margins give the correlations."""
    people = cases + controls

    def misfit(exposed):
        unexposed = cases.sum() - exposed.sum()
        odds = exposed * (people[0] - unexposed) / (unexposed * (people[1:] - exposed))
        return np.log(odds) - log_rr

    exposed = optimize.fsolve(misfit, cases[1:])
    unexposed = cases.sum() - exposed.sum()
    shared = 1 / unexposed + 1 / (people[0] - unexposed)
    whole = shared + 1 / exposed + 1 / (people[1:] - exposed)
    correlation = shared / np.sqrt(np.outer(whole, whole))
    np.fill_diagonal(correlation, 1)
    return correlation * np.sqrt(np.outer(variance, variance))


def test_the_trend_that_introduced_the_method():
    """Alcohol and breast cancer (Rohan & McMichael 1988), the example of Greenland & Longnecker 1992.

    The manual of dosresmeta 2.1.1 prints for it: slope 0.0454, standard error 0.0207, chi-squared 4.8333,
    log-likelihood 0.7835, and a relative risk of 1.046477 (1.004941 to 1.089729) for each gram a day.
    """
    cases, controls = np.array([165.0, 74, 90, 122]), np.array([172.0, 93, 96, 90])
    risk, low, high = np.log([[0.80, 1.16, 1.57], [0.51, 0.73, 0.99], [1.27, 1.85, 2.51]])
    variance = ((high - low) / (2 * stats.norm.ppf(0.975))) ** 2
    sampling = covariance_of_relative_risks(risk, variance, cases, controls)
    fit = fit_trend([2, 6, 11], risk, Covariance(sampling, np.eye(3)), tau2="FE", ci="wald")
    assert (fit.slope, fit.se) == pytest.approx((0.0454, 0.0207), abs=5e-5)
    assert (fit.regression.qm, fit.regression.log_likelihood) == pytest.approx((4.8333, 0.7835), abs=5e-5)
    each_gram = np.exp([fit.slope, fit.ci_lower, fit.ci_upper])
    assert each_gram == pytest.approx([1.046477, 1.004941, 1.089729], abs=1e-6)


def test_the_shapes_are_what_they_say():
    dose = np.array([0.5, 1.0, 4.0])
    assert growth("flat", dose).tolist() == [1, 1, 1]
    assert growth("linear", dose).tolist() == dose.tolist()
    assert growth("log_linear", dose, 0.5) == pytest.approx(np.log([2, 3, 9]))
    assert growth("log", dose) == pytest.approx(np.log(dose))
    assert growth("emax", [1.0, 4.0], 4.0) == pytest.approx([0.2, 0.5])
    assert growth("emax", dose, [[0.5], [4.0]]).shape == (2, 3)
    assert growth("linear", 0.0) == growth("emax", 0.0, 1.0) == growth("log_linear", 0.0, 1.0) == 0


# --- trends within trials ------------------------------------------------------------------------------


def test_two_doses_of_one_trial_compare_without_their_control():
    covariance = effects_of(
        [0.2, 0.8, 0.4], [0.04, 0.05, 0.02], [0.03, 0.03, 0.02], ["a", "a", "b"]
    ).covariance
    fit = fit_within_trials([2, 4, 1], [0.2, 0.8, 0.4], covariance, ["a", "a", "b"])
    assert isinstance(fit, WithinTrials)
    assert fit.trials == ("a",)
    assert (fit.slope, fit.se) == pytest.approx((0.6 / 2, np.sqrt(0.04 + 0.05) / 2))
    assert fit.p_value == pytest.approx(2 * stats.norm.sf(0.3 / 0.15))


def test_slopes_within_trials_are_least_squares_with_a_level_for_each():
    fit = fit_within_trials(DOSE, Y, ARMS.covariance, TRIAL)
    assert fit.trials == ("A", "D")
    for i, one in enumerate(fit.trials):
        rows = np.nonzero(one == TRIAL)[0]
        x = np.column_stack([np.ones(rows.size), DOSE[rows]])
        sampling = ARMS.covariance.sampling[np.ix_(rows, rows)]
        beta, covariance, _ = dense(Y[rows], sampling, np.eye(rows.size), x, 0.0)
        assert (fit.slopes[i], fit.ses[i]) == pytest.approx((beta[1], np.sqrt(covariance[1, 1])))
    # what the trials differ in moves nothing
    moved = fit_within_trials(DOSE, Y + 5 * (TRIAL == "D"), ARMS.covariance, TRIAL)
    assert moved.slopes == pytest.approx(fit.slopes)


# --- Emax ----------------------------------------------------------------------------------------------

# DoseFinding 1.0-3: fitMod(dose, y, S, type = "general", model = "emax", placAdj = TRUE); eMax, ed50.
# biom: Bretz, Pinheiro & Branson 2005, Biometrics 61:738-748, group means against placebo
BIOM = np.array([0.456754284895, 0.810315771580, 0.934436926255, 0.948711416565]) - 0.344905396465
DOSEFINDING = {
    "made": ([1.5, 3, 6, 12], [0.21, 0.38, 0.52, 0.61], [0.04, 0.05, 0.045, 0.06], 0.03, (0.1, 100)),
    "biom": ([0.05, 0.2, 0.6, 1], BIOM, [0.025373075225093] * 4, 0.025373075225093, (0.001, 1.5)),
}
EMAX = {"made": (0.8251493054267, 3.7232215327252), "biom": (0.746298446057, 0.142187094709)}


@pytest.mark.parametrize("name", DOSEFINDING)
def test_emax_agrees_with_dosefinding(name):
    dose, y, own, shared, span = DOSEFINDING[name]
    fit = fit_emax(dose, y, Covariance(np.diag(own) + shared, np.eye(4)), ed50_range=span)
    assert isinstance(fit, EmaxFit)
    assert fit.tau2 == 0
    # a sum of squares is flat at its minimum: half the digits
    assert (fit.emax, fit.ed50) == pytest.approx(EMAX[name], rel=2e-7)


def test_the_profile_interval_is_where_the_likelihood_has_dropped():
    dose, y, own, shared, span = DOSEFINDING["biom"]
    sampling = np.diag(own) + shared

    def height(ed50):
        x = growth("emax", dose, ed50)[:, None]
        best = optimize.minimize_scalar(
            lambda tau2: -dense(np.asarray(y), sampling, np.eye(4), x, tau2, restricted=False)[2],
            bounds=(0, 1),
            method="bounded",
            options={"xatol": 1e-12},
        )
        return -best.fun

    fit = fit_emax(dose, y, Covariance(sampling, np.eye(4)), ed50_range=span)
    drop = height(fit.ed50) - stats.chi2(1).ppf(0.95) / 2
    lower = optimize.brentq(lambda ed50: height(ed50) - drop, 0.002, 0.1)
    assert fit.ed50_lower == pytest.approx(lower, rel=1e-6)
    # at 1.5, beyond the highest dose, the likelihood has not dropped far enough
    assert height(span[1]) > drop
    assert fit.ed50_upper is None
    assert "do not say where the curve bends" in fit.message
    wide = fit_emax(dose, y, Covariance(sampling / 100, np.eye(4)), ed50_range=span)
    assert wide.ed50_lower < EMAX["biom"][1] < wide.ed50_upper
    assert wide.message == ""


# --- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "dose", "options"),
    [
        ("too_few_effects", [3.0], {"intercept": True}),
        ("one_dose", [3.0, 3.0, 3.0], {}),
        ("no_spare", [3.0, 6.0], {"intercept": True}),
        ("no_spare", [1.0, 3.0, 6.0], {"intercept": True, "other": [0, 1, 1]}),
        ("confounded", [3.0, 3.0, 6.0, 6.0], {"intercept": True, "other": [1, 1, 0, 0]}),
        ("confounded", [1.0, 2.0, 4.0], {"other": [0, 0, 0]}),
        ("confounded", [1.0, 2.0, 4.0], {"other": [2, 4, 8]}),
    ],
)
def test_a_trend_that_cannot_be_seen_is_refused_with_its_reason(code, dose, options):
    refusal = fit_trend(dose, np.linspace(0.1, 0.9, len(dose)), np.full(len(dose), 0.1), **options)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert len(refusal.reason.split()) > 3


def test_a_trait_beside_the_dose_is_adjusted_for():
    rng = np.random.default_rng(3)
    dose, trait, y = np.array([1, 2, 3, 4, 5.0]), np.array([0, 1, 0, 1, 1.0]), rng.normal(size=5)
    fit = fit_trend(dose, y, np.full(5, 0.2), intercept=True, other=trait, tau2="FE", ci="wald")
    x = np.column_stack([np.ones(5), dose, trait])
    beta, covariance, _ = dense(y, np.eye(5) * 0.2, np.eye(5), x, 0.0)
    assert (fit.slope, fit.se) == pytest.approx((beta[1], np.sqrt(covariance[1, 1])))


def test_other_refusals():
    y, v = np.array([0.1, 0.2]), np.array([0.1, 0.1])
    assert fit_emax([1, 2], y, v, ed50_range=(0.1, 10)).code == "too_few_doses"
    assert fit_emax([2, 2], y, v, ed50_range=(0.1, 10)).code == "too_few_doses"
    apart = Covariance(np.diag(v), np.eye(2))
    assert fit_within_trials([1, 2], y, apart, ["a", "b"]).code == "no_trial_with_doses"
    assert fit_difference([True, True], y, v).code == "one_group"
    assert fit_difference([True, False], y, v).code == "no_spare"
    silent = effects_of([0.1, NAN], [0.1, 0.1], [0, 0], [0, 1], [NAN, 0.5])
    assert dose_posterior([2, 2], silent, shape="linear", size=VAGUE, tau_prior=TAU).code == "one_dose"
    refusal = dose_posterior([1, 2], silent, shape="emax", bend=(0.1, 10.0), size=VAGUE, tau_prior=TAU)
    assert refusal.code == "too_few_doses"


def test_a_difference_of_groups_is_that_of_their_means():
    y, v, member = np.array([0.1, 0.5, 0.9, 0.3]), np.array([0.1, 0.2, 0.1, 0.3]), [True, False, True, False]
    fit = fit_difference(member, y, v, tau2="FE", ci="wald")
    first, second = (np.average(y[m], weights=1 / v[m]) for m in (np.array(member), ~np.array(member)))
    assert (fit.slope, fit.intercept) == pytest.approx((first - second, second))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("dose", lambda: fit_trend([0, 1], [1, 2], [1, 1])),
        ("dose", lambda: fit_trend([1, 2, 3], [1, 2], [1, 1])),
        ("dose", lambda: growth("log", 0.0)),
        ("dose", lambda: growth("linear", -1.0)),
        ("shape", lambda: growth("cubic", 1.0)),
        ("bend", lambda: growth("emax", 1.0)),
        ("bend", lambda: growth("linear", 1.0, 2.0)),
        ("bend", lambda: growth("emax", 1.0, 0.0)),
        ("other", lambda: fit_trend([1, 2], [1, 2], [1, 1], other=[1, 2, 3])),
        ("member", lambda: fit_difference([True], [1, 2], [1, 1])),
        ("trial", lambda: fit_within_trials([1, 2], [1, 2], Covariance(np.eye(2), np.eye(2)), ["a"])),
        ("ed50_range", lambda: fit_emax([1, 2, 3], [1, 2, 3], [1, 1, 1], ed50_range=(2.0, 1.0))),
        ("y", lambda: effects_of([1, 2], [1], [0], [0])),
        ("own", lambda: effects_of([1], [0], [0], [0])),
        ("bound", lambda: effects_of([1], [1], [0], [0], [0.5])),
        ("bound", lambda: effects_of([NAN], [1], [0], [0], [-0.5])),
        ("shared", lambda: effects_of([1, 2], [1, 1], [0.1, 0.2], ["a", "a"])),
        ("x", lambda: regress_bayes(ARMS, DOSE, prior=[VAGUE], tau_prior=TAU)),
        ("x", lambda: three_columns()),
        ("design_weights", lambda: two_designs([0.5, 0.6])),
        ("weights", lambda: two_designs([0.5, 0.5]).posterior([1.0, 2.0])),
        ("dose", lambda: posterior(dose=[1.0])),
        ("weights", lambda: two_designs([0.5, 0.5]).posterior([[1.0], [0.0]])),
        ("intercept", lambda: posterior(shape="flat", intercept=VAGUE)),
        ("intercept", lambda: posterior(shape="log")),
        ("bend", lambda: posterior(shape="log_linear", bend=(1.0, 2.0))),
        ("level", lambda: posterior(level=95)),
    ],
)
def test_bad_arguments_are_named(name, call):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()


def three_columns():
    silent = effects_of([0.1, NAN], [0.1, 0.1], [0, 0], [0, 1], [NAN, 0.5])
    return regress_bayes(silent, np.ones((2, 3)), prior=[VAGUE] * 3, tau_prior=TAU)


def two_designs(weights):
    x = np.stack([DOSE, DOSE**2])[..., None]
    return regress_bayes(ARMS, x, prior=[VAGUE], tau_prior=TAU, design_weights=weights)


def posterior(dose=DOSE, **options):
    return dose_posterior(dose, ARMS, **({"shape": "linear", "size": VAGUE, "tau_prior": TAU} | options))


# --- with priors and ranges ----------------------------------------------------------------------------

# Two trials with numbers, a silent one, and a silent one with three doses against one control
SILENT_DOSE = np.array([6, 3, 6, 1.5, 3, 6.0])
SILENT = effects_of(
    [0.98, 0.50, NAN, NAN, NAN, NAN],
    [0.168, 0.059, 1 / 14, 1 / 25, 1 / 24, 1 / 25],
    [0, 0, 1 / 14, 1 / 25, 1 / 25, 1 / 25],
    [0, 1, 2, 3, 3, 3],
    [NAN, NAN, 0.777, 0.569, 0.575, 0.569],
)
# A trial that printed one of its three doses, another number, another range
MIXED_DOSE = np.array([4, 1, 2, 3, 2.0])
MIXED = effects_of(
    [0.6, NAN, NAN, 0.2, NAN],
    [0.05, 0.06, 0.04, 0.03, 0.02],
    [0.05, 0.05, 0.05, 0.03, 0.03],
    [0, 0, 0, 1, 2],
    [NAN, 0.5, 0.6, NAN, 0.4],
)
CASES = {
    "silent": (SILENT, np.column_stack([np.ones(6), SILENT_DOSE]), [VAGUE, CAUTIOUS], 0.5, [1.0, 4.0]),
    "mixed": (
        MIXED,
        np.column_stack([np.ones(5), MIXED_DOSE]),
        [Normal(0.1, 1.0), CAUTIOUS],
        0.3,
        [0.0, 1.0],
    ),
    "ranges alone": (SILENT.only(~SILENT.known), np.ones((4, 1)), [Normal(0.2, 1.0)], 0.5, [1.0]),
}


def columns(effects, x, prior):
    table = (effects.y, effects.bound, effects.own, effects.shared, effects.trial, x)
    return (*table, [p.mean for p in prior], [p.sd for p in prior])


@pytest.mark.parametrize("name", CASES)
def test_ranges_agree_with_probabilities_of_boxes(name):
    """To 1e-5, the accuracy of the quasi-random reference; ours stands still to 1e-8 on finer lattices."""
    effects, x, prior, scale, w = CASES[name]
    fit = regress_bayes(effects, x, prior=prior, tau_prior=HalfNormal(scale))
    found, data = fit.posterior(w), columns(effects, x, prior)
    assert np.exp(fit.log_evidence) == pytest.approx(evidence(data, scale), rel=1e-5)
    assert found.probability_above_zero == pytest.approx(probability_above(data, scale, w, 0.0), abs=1e-5)
    for point, share in ((found.ci_lower, 0.975), (found.median, 0.5), (found.ci_upper, 0.025)):
        assert probability_above(data, scale, w, point) == pytest.approx(share, abs=1e-5)
    assert fit.message == ""


def test_a_mean_alone_is_the_pooled_summary():
    y, bound, v = [0.98, 0.5, NAN, NAN], [NAN, NAN, 0.777, 0.456], np.array([0.168, 0.059, 0.143, 0.053])
    ranged = effects_of(y, v, np.zeros(4), range(4), bound)
    for effects, silent in ((ranged, v[2:]), (ranged.only(ranged.known), None)):
        x = np.ones((effects.own.size, 1))
        fit = regress_bayes(effects, x, prior=[VAGUE], tau_prior=TAU)
        pooled = pool_bayes(
            *(y[:2], v[:2]),
            tau_prior=TAU,
            mu_prior=VAGUE,
            censored_bound=None if silent is None else bound[2:],
            censored_se=None if silent is None else np.sqrt(silent),
        )
        found = fit.posterior([1.0])
        # tau is read off a lattice of its own here
        assert (found.median, found.ci_lower, found.ci_upper) == pytest.approx(
            (pooled.median, pooled.ci_lower, pooled.ci_upper), abs=3e-7
        )
        assert found.probability_above_zero == pytest.approx(pooled.probability_above(0.0), abs=1e-7)
        taus = (fit.tau_median, fit.tau_ci_lower, fit.tau_ci_upper)
        expected = (pooled.tau_median, pooled.tau_ci_lower, pooled.tau_ci_upper)
        assert taus == pytest.approx(expected, abs=1e-6)


def test_without_heterogeneity_numbers_are_conjugate():
    x = np.column_stack([np.ones(7), DOSE])
    fit = regress_bayes(ARMS, x, prior=[VAGUE, CAUTIOUS], tau_prior=HalfNormal(1e-6))
    sampling = ARMS.covariance.sampling
    precision = x.T @ np.linalg.inv(sampling) @ x + np.diag([1 / 4, 4])
    covariance = np.linalg.inv(precision)
    mean = covariance @ x.T @ np.linalg.inv(sampling) @ Y
    found = fit.posterior([0.0, 1.0])
    sd = np.sqrt(covariance[1, 1])
    assert found.median == pytest.approx(mean[1], abs=1e-9)
    assert (found.ci_lower, found.ci_upper) == pytest.approx(mean[1] + sd * stats.norm.ppf([0.025, 0.975]))
    assert found.probability_above_zero == pytest.approx(stats.norm.cdf(mean[1] / sd))
    marginal = stats.multivariate_normal(np.zeros(7), sampling + x @ np.diag([4, 0.25]) @ x.T)
    assert fit.log_evidence == pytest.approx(marginal.logpdf(Y))
    before = fit.prior([0.0, 1.0])
    assert (before.ci_lower, before.ci_upper) == pytest.approx(0.5 * stats.norm.ppf([0.025, 0.975]))


def test_an_unknown_bend_is_integrated_out():
    """Evidence, and the posterior probability of a bend below its median, by Simpson's rule."""
    y, dose = np.array([0.2, 0.5, 0.55]), np.array([1.0, 3.0, 8.0])
    table = (y, np.array([0.02, 0.03, 0.02]), np.array([0.02, 0.02, 0.02]), np.array([0, 0, 1]))
    span = (0.2, 40.0)
    found = dose_posterior(
        dose, effects_of(*table), shape="emax", bend=span, size=Normal(0.0, 1.0), tau_prior=HalfNormal(0.3)
    )
    assert isinstance(found, DosePosterior)

    def design(bend):
        return (growth("emax", dose, bend) / growth("emax", 8.0, bend))[:, None]

    whole = evidence_of_curves(*table, design, *span, 1.0, 0.3)
    assert found.log_evidence == pytest.approx(np.log(whole), abs=1e-6)
    below = evidence_of_curves(*table, design, *span, 1.0, 0.3, until=found.bend.posterior.median)
    assert below / whole == pytest.approx(0.5, abs=1e-5)
    assert found.bend.prior.median == pytest.approx(np.sqrt(0.2 * 40))
    assert found.bend.prior.ci_lower == pytest.approx(0.2 * 200**0.025)


def test_quantities_of_a_line_hang_together():
    found = dose_posterior(SILENT_DOSE, SILENT, shape="linear", size=CAUTIOUS, intercept=VAGUE, tau_prior=TAU)
    low, middle, high = found.effect_at([1.5, 3.75, 6.0])
    # read off together with others, from other frequencies of the same lattice
    assert astuple(high) == pytest.approx(astuple(found.highest.posterior), abs=1e-9)
    assert (low.median + found.gain.posterior.median) == pytest.approx(high.median, abs=0.02)
    assert middle.ci_upper - middle.ci_lower < min(m.ci_upper - m.ci_lower for m in (low, high))
    assert found.gain.prior.ci_upper == pytest.approx(0.5 * stats.norm.ppf(0.975))
    width = found.gain.posterior.ci_upper - found.gain.posterior.ci_lower
    assert found.gain.width_ratio == pytest.approx(width / stats.norm.ppf(0.975))
    # a line through zero: benefit at all and benefit of more are one and the same claim
    through = dose_posterior(SILENT_DOSE, SILENT, shape="linear", size=VAGUE, tau_prior=TAU)
    chance = through.highest.posterior.probability_above_zero
    assert through.gain.posterior.probability_above_zero == pytest.approx(chance, abs=1e-9)
    assert through.effect_at([3.0])[0].median == pytest.approx(through.highest.posterior.median / 2)
    assert through.effect_at([0.0])[0].ci_upper == 0


def test_several_combinations_at_once_scale_and_turn_like_one():
    """A combination times -3 is its distribution, turned round and stretched; all 0 is 0."""
    x = np.column_stack([np.ones(6), SILENT_DOSE])
    fit = regress_bayes(SILENT, x, prior=[VAGUE, CAUTIOUS], tau_prior=TAU)
    some = [[1.0, 4.0], [0.0, 1.0], [1.0, 0.0]]
    once = [fit.posterior(w) for w in some]
    *turned, nothing = fit.posteriors([*(-3 * np.array(some)), [0.0, 0.0]])
    for one, other in zip(once, turned, strict=True):
        expected = -3 * one.median, -3 * one.ci_upper, -3 * one.ci_lower, 1 - one.probability_above_zero
        # frequencies differ between the two; the lattice itself is good to 1e-8
        assert astuple(other) == pytest.approx(expected, abs=1e-7)
    assert astuple(nothing) == (0, 0, 0, 0)


def test_a_steep_bend_is_a_flat_curve_and_a_late_one_a_line():
    for bend, shape in ((1e-9, "flat"), (1e9, "linear")):
        curve = dose_posterior(SILENT_DOSE, SILENT, shape="emax", bend=bend, size=VAGUE, tau_prior=TAU)
        limit = dose_posterior(SILENT_DOSE, SILENT, shape=shape, size=VAGUE, tau_prior=TAU)
        assert curve.log_evidence == pytest.approx(limit.log_evidence, abs=1e-7)
        assert curve.highest.posterior.median == pytest.approx(limit.highest.posterior.median, abs=1e-7)


def test_a_range_far_wider_than_its_error_is_marked():
    """A range from -2000 to 2000 standard errors says nothing that the prior did not say."""
    wide = effects_of([NAN], [1e-6], [0.0], [0], [2.0])
    fit = regress_bayes(wide, [[1.0]], prior=[Normal(0.0, 1.0)], tau_prior=HalfNormal(1e-3))
    assert "accuracy is reduced" in fit.message
    box = stats.truncnorm(-2, 2)
    found = fit.posterior([1.0])
    assert (found.median, found.ci_upper) == pytest.approx((box.ppf(0.5), box.ppf(0.975)), abs=0.02)


# --- invariants ----------------------------------------------------------------------------------------


def summary(effects, x):
    fit = regress_bayes(effects, x, prior=[VAGUE, CAUTIOUS], tau_prior=TAU)
    found = fit.posterior([0.0, 1.0])
    return np.array(
        [found.median, found.ci_lower, found.ci_upper, found.probability_above_zero, fit.log_evidence]
    )


SMALL = settings(max_examples=5, deadline=None)


@SMALL
@given(order=st.permutations(range(6)))
def test_the_order_of_effects_does_not_matter(order):
    x = np.column_stack([np.ones(6), SILENT_DOSE - 3])
    columns_ = (SILENT.y, SILENT.own, SILENT.shared, SILENT.trial, SILENT.bound)
    shuffled = effects_of(*(column[list(order)] for column in columns_))
    assert summary(shuffled, x[list(order)]) == pytest.approx(summary(SILENT, x), abs=1e-7)


@SMALL
@given(y=st.lists(st.floats(-2, 2), min_size=2, max_size=2))
def test_turning_every_sign_mirrors_the_answer(y):
    x = np.column_stack([np.ones(6), SILENT_DOSE - 3])
    one, other = (
        summary(
            effects_of(
                [*(sign * np.array(y)), NAN, NAN, NAN, NAN],
                SILENT.own,
                SILENT.shared,
                SILENT.trial,
                SILENT.bound,
            ),
            x,
        )
        for sign in (1, -1)
    )
    assert other == pytest.approx([-one[0], -one[2], -one[1], 1 - one[3], one[4]], abs=1e-6)


@SMALL
@given(unit=st.floats(0.01, 100))
def test_the_unit_of_dose_does_not_matter(unit):
    for shape, bend in (("linear", None), ("log_linear", 1.5)):
        one, other = (
            dose_posterior(
                u * SILENT_DOSE, SILENT, shape=shape, bend=bend and u * bend, size=VAGUE, tau_prior=TAU
            )
            for u in (1.0, unit)
        )
        assert other.log_evidence == pytest.approx(one.log_evidence, abs=1e-9)
        assert other.gain.posterior.median == pytest.approx(one.gain.posterior.median, abs=1e-9)


@SMALL
@given(bound=st.floats(0.05, 3), own=st.floats(0.01, 0.5))
def test_a_silent_trial_never_moves_the_effect_away_from_zero(bound, own):
    known = SILENT.only(SILENT.known)
    before = regress_bayes(known, np.ones((2, 1)), prior=[VAGUE], tau_prior=TAU).posterior([1.0])
    table = (np.append(known.y, NAN), np.append(known.own, own), np.zeros(3), [0, 1, 2], [NAN, NAN, bound])
    after = regress_bayes(effects_of(*table), np.ones((3, 1)), prior=[VAGUE], tau_prior=TAU).posterior([1.0])
    assert after.median < before.median + 1e-7


@SMALL
@given(bounds=st.lists(st.floats(0.1, 2), min_size=3, max_size=3))
def test_ranges_alone_have_no_direction(bounds):
    silent = effects_of([NAN] * 3, [0.04, 0.05, 0.06], [0.03, 0.03, 0.05], [0, 0, 1], bounds)
    found = regress_bayes(
        silent, np.column_stack([np.ones(3), [1, 2, 3.0]]), prior=[VAGUE, CAUTIOUS], tau_prior=TAU
    ).posterior([0.0, 1.0])
    assert found.probability_above_zero == pytest.approx(0.5, abs=1e-7)
    assert found.ci_lower == pytest.approx(-found.ci_upper, abs=1e-6)
