"""A reader's own table: the policy without options, designs apart, each study left out, its methods text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.methods import METHODS
from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.effects import EffectSizes
from globulin.synthesis.own_table import (
    MOST_LEFT_OUT,
    PooledTable,
    checked_options,
    pool_table,
    table_effects,
)
from globulin.synthesis.policy import summarise
from globulin.synthesis.pooling import pool
from globulin.synthesis.priors import HalfNormal

BY_POLICY = checked_options(None, None, 0.95)
MEANS = {
    "mean1": np.array([5.0, 5.5, 6.0, 6.0]), "sd1": np.full(4, 2.0), "n1": np.array([20.0, 30, 40, 40]),
    "mean2": np.array([4.0, 4.0, 4.0, 4.0]), "sd2": np.full(4, 2.0), "n2": np.array([20.0, 30, 44, 44]),
}  # fmt: skip
DESIGNS = ["rct", "rct", "non_randomised", "series"]


def pooled(measure: str, columns, options=BY_POLICY, **others) -> PooledTable:
    effects = table_effects(measure, columns)
    names = [f"S{i}" for i in range(effects.y.size)]
    return pool_table(measure, columns, effects, names, range(2, 2 + len(names)), options, **others)


def generic(y, v, options=BY_POLICY, measure: str = "GEN", **others) -> PooledTable:
    return pooled(
        measure, {"y": np.asarray(y, dtype=float), "v": np.asarray(v, dtype=float)}, options, **others
    )


# --- options -----------------------------------------------------------------------------------------


def test_without_options_the_policy_decides() -> None:
    table = pooled("SMD", MEANS)
    effects = table_effects("SMD", MEANS)
    assert table.policy == summarise(effects.y, effects.v, measure="SMD", n=MEANS["n1"] + MEANS["n2"])
    assert table.policy.primary.id == "bayes_half_normal_0.5"
    assert (table.tau2_method, table.ci_method) == ("REML", "HKSJ")


def test_an_option_is_taken_at_its_word() -> None:
    assert checked_options(None, "wald", 0.9) == ("REML", "wald", 0.9, False)
    assert checked_options("DL", None, 0.9) == ("DL", "HKSJ", 0.9, False)
    table = pooled("SMD", MEANS, checked_options("DL", "t", 0.95))
    effects = table_effects("SMD", MEANS)
    assert table.policy is None
    assert table.pooled.ci_lower == pool(effects.y, effects.v, tau2="DL", ci="t").ci_lower
    with pytest.raises(ValueError, match="tau2 XX: is not one of"):
        checked_options("XX", None, 0.95)


def test_mean_differences_use_the_numbers_of_people() -> None:
    assert pooled("MD", MEANS).policy.primary.id == "bayes_half_normal_sd"
    effects = table_effects("MD", MEANS)
    assert generic(effects.y, effects.v, measure="MD").policy.primary.id == "hksj_guarded"


# --- designs -----------------------------------------------------------------------------------------


def test_only_the_strongest_design_is_averaged() -> None:
    table = pooled("SMD", MEANS, designs=DESIGNS)
    assert table.policy.k == 2
    assert table.apart == ("S2", "S3")
    assert table.policy == table.strata.answer
    assert [row.weight > 0 for row in table.studies] == [True, True, False, False]
    assert sum(row.weight for row in table.studies) == pytest.approx(1, rel=1e-12)
    assert [row.design for row in table.studies] == DESIGNS


def test_a_weight_lets_comparisons_in_and_never_a_series() -> None:
    table = pooled("SMD", MEANS, designs=DESIGNS, weight=0.4)
    assert table.policy.k == 3
    assert table.apart == ("S3",)
    assert table.policy.primary.estimate == pytest.approx(
        table.strata.borrowed.summary.primary.estimate, rel=1e-12
    )
    assert pooled("SMD", MEANS, designs=DESIGNS, weight=0.0).apart == ("S2", "S3")


def test_comparisons_without_trials_are_averaged_among_themselves() -> None:
    table = pooled("SMD", MEANS, designs=["non_randomised", "non_randomised", "series", "report"])
    assert table.policy.k == 2
    assert table.strata.answer is None


def test_tables_that_cannot_be_averaged_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="no study has a control group by its design"):
        pooled("SMD", MEANS, designs=["series"] * 4)
    with pytest.raises(ValueError, match="weight: needs the design"):
        pooled("SMD", MEANS, weight=0.5)
    with pytest.raises(ValueError, match="weight: must lie"):
        pooled("SMD", MEANS, designs=DESIGNS, weight=-1)
    shares = {"events": np.array([3.0, 4.0]), "n": np.array([10.0, 12.0])}
    assert pooled("PLO", shares, designs=["series", "series"]).policy.k == 2


# --- each study left out -----------------------------------------------------------------------------


def test_the_answer_without_each_study_keeps_its_method() -> None:
    y, v = np.array([0.1, 0.9, 0.4]), np.array([0.04, 0.09, 0.06])
    table = generic(y, v, measure="SMD")
    assert [without.index for without in table.left_out] == [0, 1, 2]
    for without in table.left_out:
        others = np.arange(3) != without.index
        fit = pool_bayes(y[others], v[others], tau_prior=HalfNormal(0.5))
        assert (without.estimate, without.ci_lower) == pytest.approx((fit.median, fit.ci_lower), rel=1e-12)
    many = generic([*y, 0.2, 0.3], [*v, 0.05, 0.05], measure="SMD")
    for without in many.left_out:
        others = np.arange(5) != without.index
        rest = pool(np.array([*y, 0.2, 0.3])[others], np.array([*v, 0.05, 0.05])[others], ci="HKSJ-guarded")
        assert without.ci_upper == pytest.approx(rest.ci_upper, rel=1e-9)


def test_left_out_studies_are_named_as_they_stand_in_the_table() -> None:
    effects = EffectSizes(
        *(np.array(part) for part in ([np.nan, 0.1, 0.2], [np.nan, 0.1, 0.1])), *(np.zeros(3, bool),) * 2
    )
    columns = {"y": effects.y, "v": effects.v}
    table = pool_table("SMD", columns, effects, ["A", "B", "C"], [2, 3, 4], BY_POLICY)
    assert [table.studies[without.index].study for without in table.left_out] == ["B", "C"]
    assert generic([0.1], [0.1]).left_out == ()
    size = MOST_LEFT_OUT + 1
    assert generic(np.linspace(0, 1, size), np.full(size, 0.1)).left_out == ()


# --- methods text ------------------------------------------------------------------------------------


def test_the_methods_text_says_what_was_run_and_no_more() -> None:
    text = pooled("SMD", MEANS, designs=DESIGNS, weight=0.4).methods_text
    assert "standardised mean differences" in text.text
    assert "Bayes, half-normal(0.5) prior of tau" in text.text
    assert "a weight of 0.4" in text.text
    assert "without each study in turn" in text.text
    assert {"rover_2021", "friede_2017", "ibrahim_chen_2000", "rhodes_2015"} <= set(text.methods)
    assert set(text.methods) <= {method.id for method in METHODS}
    assert len(text.sentences) == len(text.cited)
    plain = pooled("RD", {"events1": np.array([3.0, 0, 5]), "n1": np.full(3, 10.0),
                          "events2": np.array([1.0, 2, 2]), "n2": np.full(3, 10.0)}).methods_text  # fmt: skip
    assert "In 1 study with an empty cell, 0.5 was added to each cell." in plain.text
    assert "Bayes" not in plain.text
    assert "weight" not in plain.text


def test_a_chosen_method_is_named_as_chosen() -> None:
    text = pooled("OR", {"events1": np.array([3.0, 4]), "n1": np.full(2, 10.0), "events2": np.array([1.0, 2]),
                         "n2": np.full(2, 10.0)}, checked_options("PM", "t", 0.9)).methods_text  # fmt: skip
    assert "chosen by the reader: between-study variance by PM, interval by t." in text.text
    assert "Intervals are 90% intervals." in text.text
    assert "fixed beforehand" not in text.text


# --- whatever the table ------------------------------------------------------------------------------


def answered(rows, **others) -> PooledTable | str:
    y, v = zip(*rows, strict=True)
    try:
        return generic(y, v, **others)
    except ValueError as problem:
        return str(problem)


EFFECTS = st.sampled_from([0.0, 1e-9, 0.3, -2.0, 50.0, 1e8])
VARIANCES = st.sampled_from([1e-12, 1e-3, 0.2, 9.0, 1e6])


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(EFFECTS, VARIANCES), min_size=1, max_size=6),
    measure=st.sampled_from(["SMD", "OR", "RR", "RD", "GEN"]),
    designs=st.lists(st.sampled_from(["rct", "non_randomised", "series"]), min_size=6, max_size=6),
    weight=st.sampled_from([None, 0.0, 0.5, 1.0]),
)
def test_any_table_gives_an_answer_or_one_line(rows, measure, designs, weight) -> None:
    table = answered(rows, measure=measure, designs=designs[: len(rows)], weight=weight)
    if isinstance(table, str):
        assert table.startswith(("the variances of", "the effects of", "no study has a control group"))
    else:
        primary = table.policy.primary
        assert primary.ci_lower <= primary.estimate <= primary.ci_upper
