"""GRADE: the five rules on made-up numbers, steps to a level, and people before proposals."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from globulin.dossier.certainty import DomainRating
from globulin.synthesis import grade_domains as rules
from globulin.synthesis.grading import (
    DomainProposal,
    certainty_after,
    grade,
    informative_statement,
    size_of_smd,
)

# --- the five domains, by hand -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trials", "level"),
    [
        ([(0.6, "low", 0), (0.4, "some_concerns", 3)], "not_serious"),
        ([(0.4, "low", 0), (0.6, "some_concerns", 1)], "not_serious"),
        ([(0.4, "low", 0), (0.6, "some_concerns", 2)], "serious"),
        ([(0.4, "low", 0), (0.6, None, 0)], "serious"),
        ([(0.7, "low", 0), (0.3, "high", 0)], "serious"),
        ([(0.8, "low", 0), (0.2, "high", 0)], "not_serious"),
        ([(0.4, "low", 0), (0.6, "high", 0)], "very_serious"),
    ],
)
def test_risk_of_bias_goes_by_weight(trials: list[tuple[float, Any, int]], level: str) -> None:
    weighted = [rules.WeightedBias(f"t{i}", *trial) for i, trial in enumerate(trials)]
    assert rules.propose_risk_of_bias(weighted, "").level == level


def interval(name: str, low: float, high: float) -> rules.TrialInterval:
    return rules.TrialInterval(name, (low + high) / 2, low, high)


@pytest.mark.parametrize(
    ("trials", "i2", "tau", "prediction", "level"),
    [
        # one trial has nothing to disagree with
        ([("a", 0, 1)], None, None, None, "not_serious"),
        # all meet, no sign
        ([("a", 0.2, 1.4), ("b", 0.1, 0.9)], 0.0, 0.0, None, "not_serious"),
        # I2 alone, then I2 and tau
        ([("a", 0.2, 1.4), ("b", 0.1, 0.9)], 50.0, 0.1, None, "not_serious"),
        ([("a", 0.2, 1.4), ("b", 0.1, 0.9)], 50.0, 0.26, None, "serious"),
        # on both sides of 0.5 and apart: two signs; with I2 a third
        ([("a", 0.6, 1.4), ("b", -0.2, 0.4)], 0.0, 0.0, None, "serious"),
        ([("a", 0.6, 1.4), ("b", -0.2, 0.4)], 60.0, 0.0, None, "very_serious"),
        # three signs without a gap stay serious
        ([("a", 0.3, 1.4), ("b", -0.2, 0.4)], 60.0, 0.3, None, "serious"),
        # a wide prediction interval counts from five trials up
        ([("a", 0.2, 1.4)] * 4, 60.0, 0.1, (-1.0, 2.0), "not_serious"),
        ([("a", 0.2, 1.4)] * 5, 60.0, 0.1, (-1.0, 2.0), "serious"),
        ([("a", 0.2, 1.4)] * 5, 60.0, 0.1, (0.1, 2.0), "not_serious"),
    ],
)
def test_inconsistency_counts_signs(
    trials: list[tuple[str, float, float]],
    i2: float | None,
    tau: float | None,
    prediction: tuple[float, float] | None,
    level: str,
) -> None:
    found = rules.propose_inconsistency(
        [interval(*trial) for trial in trials], worth_it=0.5, i2_percent=i2, tau=tau, prediction=prediction
    )
    assert found.level == level


def difference(name: str, share: float, aspect: Any, bearing: Any) -> rules.WeightedDifference:
    return rules.WeightedDifference(name, share, aspect, "age", "children", bearing, "Only children.")


@pytest.mark.parametrize(
    ("differences", "level"),
    [
        ([], "not_serious"),
        ([("a", 0.5, "population", "likely")], "not_serious"),
        ([("a", 0.51, "population", "likely")], "serious"),
        ([("a", 0.3, "population", "likely"), ("b", 0.3, "population", "likely")], "serious"),
        # two differences of one trial in one aspect count once
        ([("a", 0.3, "population", "likely"), ("a", 0.3, "population", "likely")], "not_serious"),
        ([("a", 0.6, "population", "likely"), ("a", 0.6, "outcome", "likely")], "very_serious"),
        ([("a", 1.0, "population", "possible")], "not_serious"),
        ([("a", 1.0, "population", "possible"), ("a", 1.0, "outcome", "possible")], "serious"),
        ([("a", 0.9, "population", "possible"), ("a", 0.9, "outcome", "possible")], "not_serious"),
    ],
)
def test_indirectness_goes_by_weight(differences: list[tuple[str, float, Any, Any]], level: str) -> None:
    found = rules.propose_indirectness([difference(*item) for item in differences], "anything")
    assert found.level == level


@pytest.mark.parametrize(
    ("lower", "upper", "people", "level"),
    [
        (0.6, 1.0, 128, "not_serious"),
        (0.6, 1.0, 127, "serious"),
        (0.6, 1.0, 64, "serious"),
        (0.6, 1.0, 63, "very_serious"),
        (0.1, 0.4, 500, "not_serious"),
        (-0.4, -0.1, 500, "not_serious"),
        (-0.1, 0.4, 5000, "serious"),
        (0.1, 0.6, 5000, "serious"),
        (-0.1, 0.6, 5000, "very_serious"),
    ],
)
def test_imprecision_counts_the_lines_inside_the_interval(
    lower: float, upper: float, people: int, level: str
) -> None:
    found = rules.propose_imprecision(lower, upper, worth_it=0.5, people=people, needed=128, method="")
    assert found.level == level


@pytest.mark.parametrize(
    ("lower", "upper", "people", "needed", "level"),
    [
        (-0.1, 0.1, 5000, 100, "very_serious"),
        (-0.04, 0.1, 5000, 100, "serious"),
        (0.01, 0.1, 5000, 100, "not_serious"),
        (0.01, 0.1, 99, 100, "serious"),
        (0.01, 0.1, 5000, None, "serious"),
    ],
)
def test_imprecision_of_a_harm(
    lower: float, upper: float, people: int, needed: int | None, level: str
) -> None:
    found = rules.propose_imprecision_of_difference(
        lower, upper, control_risk=0.2, people=people, needed=needed
    )
    assert found.level == level


@pytest.mark.parametrize(("silent", "level"), [(20, "not_serious"), (21, "serious"), (100, "serious")])
def test_missing_results_go_by_people(silent: int, level: str) -> None:
    found = rules.propose_missing_results(rules.Silence(4, 100, ("a",), silent, (), 0, ()))
    assert found.level == level
    assert "tell nothing with 4 trials" in " ".join(found.arithmetic)
    assert "tell nothing" not in " ".join(
        rules.propose_missing_results(rules.Silence(10, 100, (), 0, (), 0, ())).arithmetic
    )


# --- from domains to certainty -----------------------------------------------------------------------


def test_certainty_goes_down_one_level_a_step_and_no_further() -> None:
    assert [certainty_after(steps) for steps in range(6)] == [
        "high",
        "moderate",
        "low",
        "very_low",
        "very_low",
        "very_low",
    ]
    with pytest.raises(ValueError, match=r"^downgrades: must"):
        certainty_after(-1)


def proposals(*steps: str) -> list[DomainProposal]:
    order = ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "missing_results")
    down = {"not_serious": 0, "serious": 1, "very_serious": 2}
    return [
        DomainProposal(domain, domain, level, down[level], (), "", ())  # type: ignore[arg-type]
        for domain, level in zip(order, steps, strict=True)
    ]


def rated(domain: str, level: str, day: int = 1, answer: str | None = None) -> DomainRating:
    return DomainRating(
        domain=domain,  # type: ignore[arg-type]
        answer=answer,  # type: ignore[arg-type]
        level=level,  # type: ignore[arg-type]
        reason="The panel looked at the papers.",
        role="guideline panel of nine",
        judged_on=date(2026, 3, day),
    )


def test_people_stand_before_proposals_domain_by_domain_and_both_are_kept() -> None:
    plain = proposals("serious", "not_serious", "serious", "very_serious", "not_serious")
    assert (grade(plain, []).certainty, grade(plain, []).rated) == ("very_low", 0)
    found = grade(plain, [rated("imprecision", "not_serious"), rated("risk_of_bias", "not_serious")])
    assert (found.proposed, found.certainty, found.rated) == ("very_low", "moderate", 2)
    imprecision = found.domains[3]
    assert imprecision.rating is not None
    assert (imprecision.proposal.level, imprecision.level) == ("very_serious", "not_serious")
    assert "guideline panel of nine" in imprecision.words
    assert "The panel looked at the papers." in imprecision.words
    assert "Proposed: very serious concern" in imprecision.words
    # people may also be stricter
    assert grade(plain, [rated("missing_results", "very_serious")]).domains[4].downgrade == 2


def test_the_newest_rating_of_a_domain_counts() -> None:
    plain = proposals("serious", "not_serious", "not_serious", "not_serious", "not_serious")
    order = [rated("risk_of_bias", "very_serious", 9), rated("risk_of_bias", "not_serious", 2)]
    for ratings in (order, order[::-1]):
        assert grade(plain, ratings).certainty == "low"


@pytest.mark.parametrize(
    ("level", "size", "more", "words"),
    [
        ("high", "large", True, "Immune globulin results in a large increase in pain."),
        ("moderate", "moderate", False, "Immune globulin likely results in a reduction in pain."),
        ("moderate", "moderate", True, "Immune globulin likely results in an increase in pain."),
        ("low", "small", True, "Immune globulin may result in a slight increase in pain."),
        ("high", "trivial", True, "Immune globulin results in little to no difference in pain."),
        (
            "very_low",
            "large",
            True,
            "The evidence is very uncertain about the effect of immune globulin on pain.",
        ),
    ],
)
def test_statements_are_those_of_grade(level: Any, size: Any, more: bool, words: str) -> None:
    """Santesso 2020, table 3."""
    assert informative_statement(level, size, more=more, outcome="pain") == words


def test_sizes_are_cohens() -> None:
    assert [size_of_smd(x) for x in (0.1, -0.2, 0.49, 0.5, -0.79, 0.8)] == [
        "trivial",
        "small",
        "small",
        "moderate",
        "moderate",
        "large",
    ]
