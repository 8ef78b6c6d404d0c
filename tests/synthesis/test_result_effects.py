"""Small study records: the same trial printed in every form, faults that are refused, and the derivations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from scipy import stats

from globulin.dossier.result import PValue, Words
from globulin.dossier.study import Study
from globulin.synthesis.effects import effect_size, not_significant_bound
from globulin.synthesis.readings import TrialEffect, trial_effect
from globulin.synthesis.result_effects import Compared, read_result

N1, N2 = 20, 25


def arm(identifier: str, role: str, n: int | None) -> dict[str, Any]:
    people = {"missing": "lost"} if n is None else {"value": n, "source": "paper", "seen": "full_text"}
    return {"id": identifier, "label": identifier, "role": role, "n_randomised": people}


def study(result: dict[str, Any], active: tuple[str, ...] = ("drug",), n1: int | None = N1) -> Study:
    record = {
        "id": "made_up_2000",
        "name": "Made Up 2000",
        "citation": {"authors": "Nobody N", "year": 2000},
        "design": "parallel_rct",
        "condition": "made-up illness",
        "condition_group": "mecfs",
        "on_source_page": False,
        "population": {"n": {"value": 45, "source": "paper", "seen": "full_text"}},
        "arms": [arm("drug", "active", n1), arm("high", "active", 10), arm("placebo", "control", N2)],
        "outcomes": [
            {"id": "score", "name": "score", "result": result, "source": "paper", "seen": "full_text"}
        ],
        "poolability": "A",
        "poolability_reason": "made up",
        "pooled": {
            "outcome": "score",
            "active": list(active),
            "control": "placebo",
            "reason": "the only one",
        },
        "sources": ["paper"],
    }
    return Study.model_validate_json(json.dumps(record))


def effect(result: dict[str, Any], **choices: Any) -> TrialEffect:
    return trial_effect(study(result, **choices))


# --- one trial, printed in many ways -----------------------------------------------------------------

MEAN1, MEAN2, SD = 6.0, 4.5, 2.0
T = stats.ttest_ind_from_stats(MEAN1, SD, N1, MEAN2, SD, N2)
HALF = stats.t.ppf(0.975, N1 + N2 - 2) * (MEAN1 - MEAN2) / T.statistic
EXPECTED = effect_size("SMD", mean1=MEAN1, sd1=SD, n1=N1, mean2=MEAN2, sd2=SD, n2=N2)


def groups(kind: str, drug: dict[str, Any], placebo: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "groups": {"drug": drug, "placebo": placebo}, "higher_is": "better", **more}


def interval(mean: float, n: int, by: str) -> dict[str, Any]:
    quantile = stats.t.ppf(0.95, n - 1) if by == "t" else stats.norm.ppf(0.95)
    half = quantile * SD / n**0.5
    return {"lower": mean - half, "upper": mean + half, "level": 0.9, "by": by}


def changes(**shared: Any) -> dict[str, Any]:
    """Changes of 6.0 and 4.5 in a score of SD 2; at a correlation of 0.5 the change has SD 2 as well."""
    drug, placebo = {"change": MEAN1, "n": N1, **shared}, {"change": MEAN2, "n": N2, **shared}
    return groups("change_scores", drug, placebo)


HALF_CORRELATED = {"r": 0.5, "r_reason": "another trial of the same score"}
WAYS: dict[str, dict[str, Any]] = {
    "sd": groups("means", {"mean": MEAN1, "sd": SD, "n": N1}, {"mean": MEAN2, "sd": SD, "n": N2}),
    "se": groups(
        "means",
        {"mean": MEAN1, "se": SD / N1**0.5, "n": N1},
        {"mean": MEAN2, "se": SD / N2**0.5, "n": N2},
    ),
    "interval and sd": groups(
        "means",
        {"mean": MEAN1, "ci": interval(MEAN1, N1, "t"), "n": N1},
        {"mean": MEAN2, "sd": SD, "n": N2},
    ),
    "normal interval": groups(
        "means",
        {"mean": MEAN1, "ci": interval(MEAN1, N1, "normal"), "n": N1},
        {"mean": MEAN2, "ci": interval(MEAN2, N2, "normal"), "n": N2},
    ),
    "lower is better": groups(
        "means",
        {"mean": MEAN2, "sd": SD, "n": N1},
        {"mean": MEAN1, "sd": SD, "n": N2},
        higher_is="worse",
    ),
    "change": changes(sd=SD, sd_baseline=SD),
    "change, spread at the end": changes(sd=SD, sd_final=SD),
    "change, by correlation": {**changes(sd_baseline=SD, sd_final=SD), **HALF_CORRELATED},
    "change, score by correlation": {**changes(sd=SD), **HALF_CORRELATED},
    "start and end": groups(
        "change_scores",
        {"baseline": 1.0, "final": 7.0, "se": SD / N1**0.5, "sd_baseline": SD, "n": N1},
        {"baseline": 2.0, "final": 6.5, "se": SD / N2**0.5, "sd_baseline": SD, "n": N2},
    ),
    "t": {
        "kind": "test_statistic",
        "statistic": "t",
        "value": -T.statistic,
        "df": N1 + N2 - 2,
        "favours": "drug",
    },
    "F": {
        "kind": "test_statistic",
        "statistic": "F",
        "value": T.statistic**2,
        "df": N1 + N2 - 2,
        "favours": "drug",
    },
    "p": {"kind": "p_value", "relation": "=", "value": T.pvalue, "favours": "drug"},
    "difference": {
        "kind": "effect",
        "measure": "MD",
        "estimate": 1.5,
        "lower": 1.5 - HALF,
        "upper": 1.5 + HALF,
        "arms": ["drug", "placebo"],
        "higher_is": "better",
    },
    "difference the other way": {
        "kind": "effect",
        "measure": "MD",
        "estimate": -1.5,
        "lower": -1.5 - HALF,
        "upper": -1.5 + HALF,
        "arms": ["placebo", "drug"],
        "higher_is": "better",
    },
    "difference of a score where low is good": {
        "kind": "effect",
        "measure": "MD",
        "estimate": -1.5,
        "lower": -1.5 - HALF,
        "upper": -1.5 + HALF,
        "arms": ["drug", "placebo"],
        "higher_is": "worse",
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_one_trial_is_one_effect(way: str) -> None:
    got = effect(WAYS[way])
    # the p value passes through a cumulative distribution and its inverse, each to about ten digits
    assert got.smd == pytest.approx(float(EXPECTED.y), rel=1e-8)
    assert got.se == pytest.approx(float(EXPECTED.v) ** 0.5, rel=1e-8)
    assert (got.n_active, got.n_control) == (N1, N2)
    assert got.bound is None
    assert f"{abs(float(EXPECTED.y)):.3f} (standard error {got.se:.3f})" in " ".join(got.derivation)


@pytest.mark.parametrize("way", ["t", "F", "p"])
def test_a_test_that_favours_the_control_is_a_negative_effect(way: str) -> None:
    got = effect({**WAYS[way], "favours": "placebo"})
    assert got.smd == pytest.approx(-float(EXPECTED.y), rel=1e-8)


def test_the_steps_name_the_arm_and_the_assumptions_are_marked() -> None:
    steps = effect(WAYS["interval and sd"]).derivation
    assert steps[0].startswith("drug: 90% interval 5.227 to 6.773 of the mean of 20 people: SD = ")
    assert steps[-1] == "assumed: the paper made its interval by Student's t, with n - 1 degrees of freedom"
    correlated = effect(WAYS["change, by correlation"]).derivation
    assert correlated[-1] == "assumed: correlation 0.5: another trial of the same score"
    assert "sign turned" in " ".join(effect(WAYS["lower is better"]).derivation)


def test_medians() -> None:
    """Quartiles a quarter of 1.35 SD from the median: mean the median, SD by Wan 2014 within 1%."""
    quarter = 0.6745 * SD
    drug = {"median": MEAN1, "q1": MEAN1 - quarter, "q3": MEAN1 + quarter}
    placebo = {"median": MEAN2, "q1": MEAN2 - quarter, "q3": MEAN2 + quarter}
    got = effect(groups("medians", {**drug, "n": 400}, {**placebo, "n": 400}))
    large = effect_size("SMD", mean1=MEAN1, sd1=SD, n1=400, mean2=MEAN2, sd2=SD, n2=400)
    assert got.smd == pytest.approx(float(large.y), rel=0.01)
    assert (got.n_active, got.n_control) == (400, 400)
    by_arm = effect(groups("medians", drug, placebo))
    assert (by_arm.n_active, by_arm.n_control) == (N1, N2)
    assert any("normal distribution" in step for step in by_arm.derivation)


def test_a_skewed_group_is_pointed_at_by_name() -> None:
    drug = {"median": 1.0, "q1": 0.9, "q3": 9.0, "minimum": 0.8, "maximum": 30.0, "n": 40}
    placebo = {"median": 5.0, "q1": 3.0, "q3": 7.0, "minimum": 0.0, "maximum": 10.0, "n": 40}
    cautions = [step for step in effect(groups("medians", drug, placebo)).derivation if "caution" in step]
    assert len(cautions) == 1
    assert cautions[0].startswith("drug: caution: ")


def test_several_arms_are_put_together_as_one_sample() -> None:
    """Two arms of equal mean: their people are one group, and the spread loses a degree of freedom."""
    means = {"mean": MEAN1, "sd": SD}
    both = groups("means", {**means, "n": N1}, {"mean": MEAN2, "sd": SD, "n": N2})
    both["groups"]["high"] = {**means, "n": 10}
    got = effect(both, active=("drug", "high"))
    spread = SD * ((N1 - 1 + 9) / (N1 + 9)) ** 0.5
    expected = effect_size("SMD", mean1=MEAN1, sd1=spread, n1=N1 + 10, mean2=MEAN2, sd2=SD, n2=N2)
    assert got.n_active == N1 + 10
    assert (got.smd, got.se**2) == pytest.approx((float(expected.y), float(expected.v)), rel=1e-12)
    assert any(step.startswith("2 groups put together: 30 people") for step in got.derivation)
    moved = changes(sd=SD, sd_baseline=SD)
    moved["groups"]["high"] = {"change": MEAN1, "sd": SD, "sd_baseline": SD, "n": 10}
    assert effect(moved, active=("drug", "high")).smd == pytest.approx(got.smd, rel=0.01)


def test_a_printed_odds_ratio_is_turned_where_the_event_is_bad() -> None:
    printed = {
        "kind": "effect",
        "measure": "OR",
        "estimate": 2.0,
        "lower": 1.0,
        "upper": 4.0,
        "arms": ["drug", "placebo"],
        "higher_is": "better",
    }
    good, bad = effect(printed), effect({**printed, "higher_is": "worse"})
    # log 2 times sqrt(3)/pi
    assert good.smd == pytest.approx(0.3822, abs=5e-5)
    assert bad.smd == pytest.approx(-0.3822, abs=5e-5)
    # half of log 4 over 1.96 standard errors, times sqrt(3)/pi
    assert good.se == pytest.approx(0.1950, abs=5e-5)


def test_a_printed_standardised_difference() -> None:
    printed = {
        "kind": "effect",
        "measure": "SMD",
        "estimate": 0.5,
        "lower": 0.5 - 1.96 * 0.2,
        "upper": 0.5 + 1.96 * 0.2,
        "arms": ["placebo", "drug"],
        "higher_is": "worse",
    }
    got = effect(printed)
    assert (got.smd, got.se) == pytest.approx((0.5, 0.2), rel=1e-4)


def test_a_p_above_a_bound_is_a_range() -> None:
    got = effect({"kind": "p_value", "relation": ">", "value": 0.3})
    assert got.smd is None
    assert got.bound == pytest.approx(float(not_significant_bound(N1, N2, alpha=0.3)))
    assert got.derivation[0].startswith("not significant at 0.3 with 20 against 25 people")


def test_degrees_of_freedom_that_do_not_fit_are_pointed_at() -> None:
    steps = effect({**WAYS["t"], "df": 60}).derivation
    assert any("60 degrees of freedom were printed; these people make 43" in step for step in steps)
    assert not any("degrees of freedom were printed" in step for step in effect(WAYS["t"]).derivation)


def test_counts_with_an_empty_cell_say_what_was_added() -> None:
    drug, placebo = {"events": 0, "n": 20}, {"events": 3, "n": 25}
    result = {"kind": "counts", "groups": {"drug": drug, "placebo": placebo}}
    steps = effect(result).derivation
    assert "0.5 was added to each of the four cells" in steps[1]
    nobody = {"kind": "counts", "groups": {"drug": drug, "placebo": {"events": 0, "n": 25}}}
    assert "nobody, or everybody, in both groups" in effect(nobody).derivation[2]


# --- what contradicts itself, and what gives no effect -----------------------------------------------


def refused(result: dict[str, Any], **choices: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        study(result, **choices)
    error = caught.value.errors()[0]
    return f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"


CONTRADICTIONS = [
    (groups("means", {"mean": 1, "n": 9}, {"mean": 1, "sd": 1, "n": 9}), "drug: no spread"),
    (
        groups("means", {"mean": 1, "sd": 1, "se": 1, "n": 9}, {"mean": 1, "sd": 1, "n": 9}),
        "sd and se at once",
    ),
    (
        groups("means", {"mean": 3, "ci": {"lower": 1, "upper": 2}, "n": 9}, {"mean": 1, "sd": 1, "n": 9}),
        "'mean' is 3, outside its interval",
    ),
    (
        groups("means", {"mean": 2, "ci": {"lower": 2, "upper": 1}, "n": 9}, {"mean": 1, "sd": 1, "n": 9}),
        "'upper' is 1, 'lower' is 2",
    ),
    (groups("medians", {"median": 1, "q1": 0}, {"median": 1}), "'q1' without 'q3'"),
    (groups("medians", {"median": 1, "q1": 2, "q3": 3}, {"median": 1}), "'median' is 1, 'q1' is 2"),
    (
        groups("medians", {"median": 1, "q1": 0, "q3": 3, "minimum": 1, "maximum": 4}, {"median": 1}),
        "'q1' is 0, 'minimum' is 1",
    ),
    (groups("change_scores", {"baseline": 1, "n": 9}, {"change": 1, "n": 9}), "no change"),
    (changes(sd=1, se=1, sd_baseline=1), "sd and se at once"),
    ({**changes(sd=1), "r": 0.5}, "a correlation and its reason belong together"),
    ({**changes(sd=1), "r": 1.0, "r_reason": "x"}, "less than 1"),
    ({**WAYS["F"], "value": -4.0}, "an F cannot be negative"),
    ({**WAYS["p"], "value": 0}, "greater than 0"),
    ({**WAYS["difference"], "lower": 2.0}, "'estimate' is 1.5, 'lower' is 2"),
    ({"kind": "effect", "measure": "OR", "estimate": -0.5}, "a ratio and its interval are above 0"),
]


@pytest.mark.parametrize(("result", "words"), CONTRADICTIONS)
def test_what_contradicts_itself_is_a_fault(result: dict[str, Any], words: str) -> None:
    assert words in refused(result)


SPREAD = {"median": 1, "q1": 0, "q3": 3}
NOT_POOLABLE = [
    (
        groups("means", {"mean": 1, "sd": 1, "n": 9}, {"mean": 1, "sd": 1, "n": 9}),
        ("high",),
        "no means for high",
    ),
    (groups("medians", SPREAD, {"median": 1}), ("drug",), "the median of placebo has neither quartiles nor"),
    (groups("medians", SPREAD, {**SPREAD, "q1": 1, "q3": 1}), ("drug",), "range of placebo have no width"),
    (groups("medians", {**SPREAD, "n": 4}, SPREAD), ("drug",), "so few people (drug: 4)"),
    (changes(), ("drug",), "the change of drug has no sd, se or ci"),
    (changes(sd=1), ("drug",), "without r, the change of drug needs its own spread and that of the score"),
    (changes(sd_baseline=1, sd_final=1), ("drug",), "without r, the change of drug"),
    (WAYS["t"] | {"favours": "high"}, ("drug",), "it favours high, which is not among the arms compared"),
    ({"kind": "p_value", "relation": "<", "value": 0.05, "favours": "drug"}, ("drug",), "only as below 0.05"),
    ({"kind": "p_value", "relation": "=", "value": 0.03}, ("drug",), "does not say which arm did better"),
    ({"kind": "effect", "measure": "RR", "estimate": 2, "lower": 1, "upper": 4}, ("drug",), "printed as RR"),
    ({"kind": "effect", "measure": "OR", "estimate": 2}, ("drug",), "its effect has no interval"),
    ({"kind": "effect", "measure": "OR", "estimate": 2, "lower": 1, "upper": 4}, ("drug",), "which arms it"),
    (WAYS["difference"], ("drug", "high"), "its effect compares drug with placebo"),
    ({"kind": "single", "value": 1, "unit": "%"}, ("drug",), "a result of kind 'single' cannot be"),
]


@pytest.mark.parametrize(("result", "active", "words"), NOT_POOLABLE)
def test_what_gives_no_effect_is_refused_with_its_reason(
    result: dict[str, Any], active: tuple[str, ...], words: str
) -> None:
    said = refused(result, active=active)
    assert "cannot be pooled: " in said
    assert words in said


@pytest.mark.parametrize("way", ["t", "p", "difference"])
def test_numbers_of_people_must_be_known_where_the_result_lacks_them(way: str) -> None:
    assert "arm drug has no verified or assumed number of people" in refused(WAYS[way], n1=None)


def test_quartiles_need_five_people_of_the_arm() -> None:
    assert "arm drug has no verified or assumed" in refused(groups("medians", SPREAD, SPREAD), n1=4)


def test_an_arm_that_is_not_there_is_found_in_a_printed_effect() -> None:
    assert "this study has no arm 'plcebo'" in refused({**WAYS["difference"], "arms": ["drug", "plcebo"]})


def test_the_reader_refuses_what_was_never_accepted() -> None:
    made = study(WAYS["t"])
    compared = Compared((made.arm("drug"),), made.arm("placebo"))
    with pytest.raises(ValueError, match="a result of kind 'words' cannot be pooled"):
        read_result(Words(kind="words", direction="better"), compared)
    with pytest.raises(ValueError, match="a result of kind 'p_value' cannot be pooled"):
        read_result(PValue(kind="p_value", relation="<", value=0.05, favours="drug"), compared)
