"""Risk of bias: the published rules, and older judgements laid on the domains of RoB 2."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any, get_args

import pytest

from globulin.dossier import Dossier
from globulin.dossier.certainty import (
    ROB2_DOMAINS,
    ROB2_LEVELS,
    ROBINS_DOMAINS,
    ROBINS_LEVELS,
    Domain,
    Judgement,
    RiskOfBias,
    Rob2,
    Rob2Judgement,
    RobinsI,
    RobinsJudgement,
)
from globulin.dossier.study import Study
from globulin.library import open_dossier
from globulin.synthesis.bias import rob2_overall, robins_overall, study_bias

TRIALS = ("lloyd_1990", "peterson_1990", "rowe_1997", "vollmer_conna_1997", "dubois_1986")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


# --- the published rules ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("domains", "overall", "may_be_high"),
    [
        (["low"] * 5, "low", False),
        (["low"] * 4 + ["some_concerns"], "some_concerns", False),
        (["some_concerns"] * 2 + ["low"] * 3, "some_concerns", True),
        (["low"] * 4 + ["high"], "high", False),
        (["some_concerns"] * 4 + ["high"], "high", False),
    ],
)
def test_rob2_overall_is_that_of_its_table(domains: list[Any], overall: str, may_be_high: bool) -> None:
    """Sterne 2019, table 2: low in all; some concerns in one, high in none; high in one or many concerns."""
    found = rob2_overall(domains)
    assert (found.level, found.may_be_high) == (overall, may_be_high)
    assert rob2_overall(domains[::-1]) == found


def test_rob2_overall_on_every_combination() -> None:
    for domains in product(ROB2_LEVELS, repeat=5):
        found = rob2_overall(domains)
        assert found.level == (
            "high" if "high" in domains else "low" if set(domains) == {"low"} else "some_concerns"
        )
        assert found.concerns == sum(level == "some_concerns" for level in domains)


@pytest.mark.parametrize(
    ("domains", "overall"),
    [
        (["low"] * 7, "low"),
        (["low"] * 6 + ["moderate"], "moderate"),
        (["moderate"] * 6 + ["serious"], "serious"),
        (["serious"] * 6 + ["critical"], "critical"),
        (["low"] * 6 + ["no_information"], "no_information"),
        (["no_information"] * 6 + ["serious"], "serious"),
    ],
)
def test_robins_overall_is_that_of_its_table(domains: list[Any], overall: str) -> None:
    """Sterne 2016, table 2."""
    assert robins_overall(domains) == overall


def test_rules_need_a_domain() -> None:
    for rule in (rob2_overall, robins_overall):
        with pytest.raises(ValueError, match=r"^levels: needs"):
            rule([])


# --- from abstract-based judgements ----------------------------------------------------


def test_bundled_trials_are_mapped_and_say_so(dossier: Dossier) -> None:
    judged = (study_bias(dossier.studies[identifier]) for identifier in TRIALS)
    bias = {item.study: item for item in judged if item is not None}
    assert tuple(bias) == TRIALS
    for item in bias.values():
        assert item.basis == "mapped_from_abstract"
        assert item.seen == ("abstract",)
        assert "proposal" in item.words
        assert all(domain.leaves_out for domain in item.domains)
        assert [domain.domain for domain in item.domains] == list(ROB2_DOMAINS)
    # the five older judgements of each file, laid on D1 to D5 by hand
    concern = "some_concerns"
    assert [d.level for d in bias["lloyd_1990"].domains] == [concern, concern, "low", concern, concern]
    assert [d.level for d in bias["rowe_1997"].domains] == [concern, "low", "low", "low", concern]
    assert [d.level for d in bias["dubois_1986"].domains] == [concern] * 4 + ["high"]
    assert {study: item.overall for study, item in bias.items()} == {
        "lloyd_1990": concern,
        "peterson_1990": concern,
        "rowe_1997": concern,
        "vollmer_conna_1997": concern,
        "dubois_1986": "high",
    }
    assert bias["lloyd_1990"].may_be_high


OLDER_LEVELS = ("low", "some_concerns", "high", "critical", "unclear")
SEVERITY = {"low": 0, "unclear": 1, "some_concerns": 1, "high": 2, "critical": 2}


def with_older(study: Study, overall: str, **domains: str) -> Study:
    older = RiskOfBias(
        overall=Judgement(level=overall, reason="said"),  # type: ignore[arg-type]
        domains={name: Judgement(level=level, reason="said") for name, level in domains.items()},  # type: ignore[arg-type, misc]
    )
    return study.model_copy(update={"risk_of_bias": older})


def test_no_domain_is_proposed_better_than_the_judgement_it_comes_from(dossier: Dossier) -> None:
    reaches: dict[str, tuple[str, ...]] = {
        "randomisation": ("randomisation_process",),
        "concealment": ("randomisation_process",),
        "blinding": ("deviations_from_interventions", "outcome_measurement"),
        "attrition": ("missing_outcome_data",),
        "selective_reporting": ("selection_of_result",),
    }
    assert set(reaches) == set(get_args(Domain))
    for changed, level in product(reaches, OLDER_LEVELS):
        older = {**dict.fromkeys(reaches, "low"), changed: level}
        bias = study_bias(with_older(dossier.studies["lloyd_1990"], "low", **older))
        assert bias is not None
        for domain in bias.domains:
            expected = SEVERITY[level] if domain.domain in reaches[changed] else 0
            assert ROB2_LEVELS.index(domain.level) == expected, (changed, level, domain.domain)  # type: ignore[arg-type]
        assert ROB2_LEVELS.index(bias.overall) == SEVERITY[level]  # type: ignore[arg-type]


def test_a_reader_more_severe_than_the_rule_is_followed(dossier: Dossier) -> None:
    bias = study_bias(with_older(dossier.studies["lloyd_1990"], "high", blinding="low"))
    assert bias is not None
    assert (bias.by_rule, bias.overall) == ("some_concerns", "high")
    # four domains without a judgement: nothing unknown is called low
    assert bias.concerns == 3


def test_a_crossover_trial_is_asked_about_carryover(dossier: Dossier) -> None:
    study = dossier.studies["lloyd_1990"].model_copy(update={"design": "crossover_rct"})
    bias = study_bias(study)
    assert bias is not None
    assert bias.variant == "crossover"
    assert (bias.domains[-1].domain, bias.domains[-1].level) == ("period_and_carryover", "some_concerns")
    assert bias.domains[-1].reason == "not judged"


def test_a_study_that_was_not_randomised_is_not_mapped(dossier: Dossier) -> None:
    assert study_bias(dossier.studies["park_iime"]) is None


def assessment(level: str, outcome: str, day: int = 1) -> Rob2:
    judgement = Rob2Judgement(
        level=level,  # type: ignore[arg-type]
        reason="as printed",
        source="lloyd_1990_abstract",
        seen="full_text",
    )
    return Rob2(
        instrument="rob_2",
        version="22 August 2019",
        variant="parallel",
        outcome=outcome,
        effect="assignment",
        assessor="two reviewers, apart",
        judged_on=date(2026, 1, day),
        domains=dict.fromkeys(ROB2_DOMAINS, judgement),
        overall=judgement,
    )


def test_an_assessment_of_the_pooled_result_stands_before_a_mapped_one(dossier: Dossier) -> None:
    study = dossier.studies["lloyd_1990"]
    judged = study.model_copy(
        update={"bias_assessments": (assessment("low", "responder", 2), assessment("high", "responder", 1))}
    )
    bias = study_bias(judged)
    assert bias is not None
    assert (bias.basis, bias.overall, bias.seen) == ("assessed", "low", ("full_text",))
    assert all(domain.leaves_out == "" for domain in bias.domains)
    # both instruments judge one result: quality of life says nothing about responders
    other = study.model_copy(update={"bias_assessments": (assessment("low", "quality_of_life"),)})
    assert study_bias(other) == study_bias(study)
    of_it = study_bias(other, "quality_of_life")
    assert of_it is not None
    assert of_it.basis == "assessed"


def test_a_robins_assessment_keeps_its_own_words(dossier: Dossier) -> None:
    study = dossier.studies["park_iime"]
    judgement = RobinsJudgement(
        level="critical", reason="no control", source="park_iime_journal", seen="secondary"
    )
    judged = RobinsI(
        instrument="robins_i",
        version="2016",
        outcome=study.outcomes[0].id,
        effect="assignment",
        assessor="one reader",
        judged_on=date(2026, 1, 1),
        domains=dict.fromkeys(ROBINS_DOMAINS, judgement),
        overall=judgement,
    )
    bias = study_bias(study.model_copy(update={"bias_assessments": (judged,)}), study.outcomes[0].id)
    assert bias is not None
    assert (bias.instrument, bias.overall, bias.by_rule) == ("robins_i", "critical", "critical")
    assert bias.overall in ROBINS_LEVELS
