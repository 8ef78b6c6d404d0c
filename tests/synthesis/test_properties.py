"""Theorems that hold across the synthesis modules, whatever the data: what each module's own tests leave out.

The invariants of one function under order, sign and units stand beside that function; here are those of the
effect sizes, shifts, duplicates, levels, and the two limits between which a censored study lies.
"""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from globulin.synthesis.bayes import HalfCauchy, HalfNormal, LogNormal, Normal, pool_bayes
from globulin.synthesis.effects import Measure, effect_size
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.pooling import Interval, pool
from globulin.synthesis.rare_events import mantel_haenszel, peto
from globulin.synthesis.regression import regress

METHODS, INTERVALS = get_args(Tau2Method), get_args(Interval)
BAYES_NUMBERS = [f.name for f in fields(pool_bayes([0.1], [1])) if f.type == "float"]
# A posterior takes milliseconds where a pool takes microseconds
few_examples = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])


def columns(**ranges):
    """Columns of two to five trials, each value within its range (whole where the ends are)."""
    cells = {
        name: (st.integers if isinstance(low, int) else st.floats)(low, high)
        for name, (low, high) in ranges.items()
    }
    rows = st.lists(st.fixed_dictionaries(cells), min_size=2, max_size=5)
    return rows.map(
        lambda listed: {name: np.array([row[name] for row in listed], dtype=float) for name in ranges}
    )


counts = columns(events1=(0, 12), n1=(13, 40), events2=(0, 12), n2=(13, 40))
means = columns(mean1=(0.5, 9.0), sd1=(0.1, 5.0), n1=(4, 60), mean2=(0.5, 9.0), sd2=(0.1, 5.0), n2=(4, 60))
rates = columns(events1=(0, 12), time1=(1.0, 90.0), events2=(0, 12), time2=(1.0, 90.0))
shares = columns(events=(0, 12), n=(12, 40))
correlations = columns(r=(-0.95, 0.95), n=(5, 90))
TABLES = {
    **dict.fromkeys(("OR", "RR", "RD", "PETO", "AS"), counts),
    **dict.fromkeys(("MD", "SMD", "SMDH", "ROM", "VR", "CVR"), means),
    **dict.fromkeys(("PLO", "PFT", "PAS", "PR", "PLN"), shares),
    **dict.fromkeys(("COR", "ZCOR", "UCOR"), correlations),
    **dict.fromkeys(("IRR", "IRD", "IRSD"), rates),
}
TWO_ARMS = [measure for measure, table in TABLES.items() if table in (counts, means, rates)]

effects = st.floats(-3, 3).map(lambda x: round(x, 4))
variances = st.floats(-3, 1).map(lambda e: 10.0**e)
data_sets = st.lists(st.tuples(effects, variances), min_size=2, max_size=6).map(
    lambda rows: tuple(np.array(rows).T)
)
tau_priors = st.sampled_from([HalfNormal(0.5), HalfCauchy(0.5), LogNormal(-1.03, 0.755)])
mu_priors = st.sampled_from([None, Normal(0.2, 1.0)])


# --- effect sizes ----------------------------------------------------------------------------------------


def test_every_measure_is_tried():
    assert set(TABLES) == set(get_args(Measure))


@pytest.mark.parametrize("measure", TWO_ARMS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_exchanging_the_groups_turns_the_effect_around(measure, data):
    table = data.draw(TABLES[measure])
    swapped = {name[:-1] + {"1": "2", "2": "1"}[name[-1]]: values for name, values in table.items()}
    one, other = effect_size(measure, **table), effect_size(measure, **swapped)
    assert other.y == pytest.approx(-one.y, rel=1e-12, abs=1e-12)
    assert other.v == pytest.approx(one.v, rel=1e-12)


@pytest.mark.parametrize("measure", TABLES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_batch_of_effect_sizes_is_the_loop(measure, data):
    table = data.draw(TABLES[measure])
    batch = effect_size(measure, **{name: np.stack([values, values[::-1]]) for name, values in table.items()})
    for i in range(len(next(iter(table.values())))):
        one = effect_size(measure, **{name: values[i] for name, values in table.items()})
        assert (batch.y[0, i], batch.v[0, i]) == pytest.approx((float(one.y), float(one.v)), rel=1e-12)
        assert (batch.y[1, -1 - i], batch.v[1, -1 - i]) == (batch.y[0, i], batch.v[0, i])


@settings(max_examples=50, deadline=None)
@given(means, st.floats(-6, 6).map(lambda e: 10.0**e))
def test_the_unit_of_an_outcome_scales_differences_and_nothing_else(table, unit):
    in_unit = {name: values * (1 if name.startswith("n") else unit) for name, values in table.items()}
    for measure in ("MD", "SMD", "SMDH", "ROM", "VR", "CVR"):
        factor = unit if measure == "MD" else 1
        one, other = effect_size(measure, **table), effect_size(measure, **in_unit)
        assert other.y / factor == pytest.approx(one.y, rel=1e-9, abs=1e-9), measure
        assert other.v / factor**2 == pytest.approx(one.v, rel=1e-9), measure


@settings(max_examples=50, deadline=None)
@given(shares)
def test_counting_those_without_the_event_mirrors_a_proportion(table):
    other = {"events": table["n"] - table["events"], "n": table["n"]}
    for measure, mirror in (("PLO", 0), ("PR", 1), ("PAS", np.pi / 2)):
        one, turned = effect_size(measure, **table), effect_size(measure, **other)
        assert turned.y == pytest.approx(mirror - one.y, abs=1e-12), measure
        assert turned.v == pytest.approx(one.v, rel=1e-12), measure


@settings(max_examples=50, deadline=None)
@given(correlations)
def test_a_correlation_turns_with_either_variable(table):
    for measure in ("COR", "ZCOR", "UCOR"):
        one, turned = effect_size(measure, **table), effect_size(measure, r=-table["r"], n=table["n"])
        assert turned.y == pytest.approx(-one.y, rel=1e-12)
        assert turned.v == pytest.approx(one.v, rel=1e-12)


# --- a shift ---------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(data_sets, st.sampled_from(METHODS), st.sampled_from(INTERVALS), st.integers(-8, 8))
def test_adding_a_constant_to_all_effects_moves_the_answer_and_nothing_else(data, method, interval, shift):
    y, v = data
    plain, moved = pool(y, v, tau2=method, ci=interval), pool(y + shift, v, tau2=method, ci=interval)
    # effects that are all the same leave only rounding of their size
    unit = 1e-7 * (np.sqrt(np.median(v)) + np.abs(y).max() + abs(shift))
    for name in ("estimate", "ci_lower", "ci_upper"):
        assert getattr(moved, name) - shift == pytest.approx(getattr(plain, name), abs=unit), name
    for name in ("tau2", "tau2_ci_lower", "tau2_ci_upper"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name), rel=1e-6, abs=unit**2 + 1e-9), name


@few_examples
@given(data_sets, tau_priors, mu_priors, st.integers(-8, 8))
def test_adding_a_constant_moves_a_posterior_and_its_prior(data, tau_prior, mu_prior, shift):
    y, v = data
    moved_prior = mu_prior and Normal(mu_prior.mean + shift, mu_prior.sd)
    plain = pool_bayes(y, v, tau_prior=tau_prior, mu_prior=mu_prior)
    moved = pool_bayes(y + shift, v, tau_prior=tau_prior, mu_prior=moved_prior)
    unit = 1e-8 * (plain.predictive_upper - plain.predictive_lower)
    for name in BAYES_NUMBERS:
        by = 0 if name.startswith("tau") or name == "sd" else shift
        assert getattr(moved, name) - by == pytest.approx(getattr(plain, name), rel=1e-8, abs=unit), name


@settings(max_examples=40, deadline=None)
@given(data_sets, st.sampled_from(METHODS), st.integers(-8, 8))
def test_where_a_moderator_counts_from_does_not_change_its_slope(data, method, origin):
    y, v = data
    x = np.arange(y.size, dtype=float)
    plain, moved = (regress(y, v, at, tau2=method, ci="wald") for at in (x, x - origin))
    assert moved.coefficients[1] == pytest.approx(plain.coefficients[1], rel=1e-7, abs=1e-7)
    assert moved.se[1] == pytest.approx(plain.se[1], rel=1e-7)
    predicted = plain.coefficients[0] + origin * plain.coefficients[1]
    assert moved.coefficients[0] == pytest.approx(predicted, rel=1e-7, abs=1e-7)


# --- a common effect -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data_sets, st.sampled_from(INTERVALS), st.integers(2, 4))
def test_duplicating_every_study_never_widens_a_common_effect_interval(data, interval, times):
    """Whichever interval: the weights grow by `times`, and the scatter per degree of freedom falls."""
    y, v = data
    once = pool(y, v, tau2="FE", ci=interval)
    more = pool(np.tile(y, times), np.tile(v, times), tau2="FE", ci=interval)
    assert more.estimate == pytest.approx(once.estimate, rel=1e-12, abs=1e-12)
    # effects that are all the same have an interval without width, to rounding
    rounding = 1e-12 * (1 + np.abs(y).max())
    assert more.ci_upper - more.ci_lower <= (once.ci_upper - once.ci_lower) * (1 + 1e-12) + rounding


@settings(max_examples=60, deadline=None)
@given(counts, st.integers(2, 4))
def test_duplicating_every_table_narrows_by_the_square_root(table, times):
    more = {name: np.tile(values, times) for name, values in table.items()}
    for method in (mantel_haenszel, peto):
        once, again = method(**table), method(**more)
        if np.isfinite([once.estimate, once.se]).all() and once.se > 0:
            assert again.estimate == pytest.approx(once.estimate, rel=1e-9, abs=1e-12)
            width, narrower = (result.ci_upper - result.ci_lower for result in (once, again))
            assert narrower == pytest.approx(width / np.sqrt(times), rel=1e-9)


@few_examples
@given(data_sets, st.integers(2, 3))
def test_duplicating_every_study_never_widens_a_posterior_of_a_common_effect(data, times):
    y, v = data
    for mu_prior in (None, Normal(0.2, 1.0)):
        options = {"tau_prior": HalfNormal(1e-9), "mu_prior": mu_prior}
        once, more = pool_bayes(y, v, **options), pool_bayes(np.tile(y, times), np.tile(v, times), **options)
        assert more.ci_upper - more.ci_lower < once.ci_upper - once.ci_lower
        assert more.sd < once.sd


@few_examples
@given(data_sets, st.tuples(effects, variances))
def test_with_a_common_effect_the_posterior_is_the_prior_of_the_next_study(data, following):
    y, v = data
    next_y, next_v = following
    sure = HalfNormal(1e-9)
    before = pool_bayes(y, v, tau_prior=sure)
    step = pool_bayes([next_y], [next_v], tau_prior=sure, mu_prior=Normal(before.mean, before.sd))
    together = pool_bayes([*y, next_y], [*v, next_v], tau_prior=sure)
    unit = together.ci_upper - together.ci_lower
    for name in ("median", "mean", "sd", "ci_lower", "ci_upper"):
        assert getattr(step, name) == pytest.approx(getattr(together, name), rel=1e-8, abs=1e-8 * unit), name


@settings(max_examples=60, deadline=None)
@given(data_sets, data_sets)
def test_heterogeneity_splits_into_within_groups_and_between_them(first, second):
    """Cochran's Q of all studies is that of each group plus the test of their difference."""
    y, v = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    group = np.repeat([0.0, 1.0], [first[0].size, second[0].size])
    model = regress(y, v, group, tau2="FE", ci="wald")
    within = sum(pool(*part, tau2="FE").q for part in (first, second))
    assert model.qe == pytest.approx(within, rel=1e-8, abs=1e-8)
    assert model.qe + model.qm == pytest.approx(pool(y, v, tau2="FE").q, rel=1e-8, abs=1e-8)


# --- levels ----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data_sets, st.sampled_from(METHODS), st.sampled_from(INTERVALS))
def test_a_higher_level_holds_the_lower_one(data, method, interval):
    inner, outer = (pool(*data, tau2=method, ci=interval, level=level) for level in (0.8, 0.95))
    assert outer.ci_lower <= inner.ci_lower <= inner.ci_upper <= outer.ci_upper
    assert outer.tau2_ci_lower <= inner.tau2_ci_lower
    assert outer.tau2_ci_upper >= inner.tau2_ci_upper
    assert outer.p_value == inner.p_value


@few_examples
@given(data_sets, tau_priors, st.sampled_from(["central", "shortest"]))
def test_a_credible_interval_holds_the_probability_it_names(data, tau_prior, interval):
    for level in (0.5, 0.95):
        found = pool_bayes(*data, tau_prior=tau_prior, level=level, interval=interval)
        below, above = found.probability_above([found.ci_lower, found.ci_upper])
        assert below - above == pytest.approx(level, abs=1e-8)
        if interval == "central":
            assert above == pytest.approx((1 - level) / 2, abs=1e-8)


# --- the two limits of a censored study ------------------------------------------------------------------


@few_examples
@given(data_sets, tau_priors, mu_priors, st.floats(0.1, 1))
def test_a_study_known_only_inside_a_huge_bound_says_nothing(data, tau_prior, mu_prior, se):
    options = {"tau_prior": tau_prior, "mu_prior": mu_prior}
    left_out = pool_bayes(*data, **options)
    inside = pool_bayes(*data, **options, censored_bound=[1e4], censored_se=[se])
    unit = left_out.ci_upper - left_out.ci_lower
    # where a heavy-tailed prior reaches the bound it still says a little
    for name in ("median", "ci_lower", "ci_upper"):
        assert getattr(inside, name) == pytest.approx(getattr(left_out, name), abs=1e-3 * unit), name


@few_examples
@example(
    data=(np.array([-1.5, -1.2]), np.array([0.27, 4.87])), tau_prior=HalfNormal(0.5), mu_prior=None, se=0.5
)
@given(data=data_sets, tau_prior=tau_priors, mu_prior=mu_priors, se=st.floats(0.1, 1))
def test_a_study_known_inside_a_tiny_bound_is_a_study_that_found_zero(data, tau_prior, mu_prior, se):
    """P(|Y| < b) is 2 b times the density at 0 but for a share of (b / se)^2, which is 1e-4 here."""
    y, v = data
    options = {"tau_prior": tau_prior, "mu_prior": mu_prior}
    at_zero = pool_bayes([*y, 0.0], [*v, se**2], **options)
    inside = pool_bayes(y, v, **options, censored_bound=[0.01 * se], censored_se=[se])
    unit = at_zero.ci_upper - at_zero.ci_lower
    for name in ("median", "mean", "ci_lower", "ci_upper", "tau_median"):
        assert getattr(inside, name) == pytest.approx(getattr(at_zero, name), abs=1e-4 * unit), name
