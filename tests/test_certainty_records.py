"""Records on certainty refuse what the instruments do not allow, and say what would be right."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from globulin.dossier.certainty import (
    ROB2_DOMAINS,
    ROBINS_DOMAINS,
    CertaintyQuestion,
    DomainRating,
    Rob2,
    RobinsI,
)
from globulin.errors import DossierError
from globulin.library import open_dossier
from globulin.synthesis.trials import AnswerId

TOY = Path(__file__).parent / "toy"


def judged(level: str) -> dict[str, Any]:
    return {"level": level, "reason": "seen in the paper", "source": "toy_paper", "seen": "full_text"}


def rob2(**changes: Any) -> dict[str, Any]:
    return {
        "instrument": "rob_2",
        "version": "22 August 2019",
        "variant": "parallel",
        "outcome": "better",
        "effect": "assignment",
        "assessor": "two reviewers, apart",
        "judged_on": "2026-01-05",
        "domains": {name: judged("low") for name in ROB2_DOMAINS},
        "overall": judged("low"),
        **changes,
    }


def robins(levels: dict[str, str], overall: str) -> dict[str, Any]:
    return {
        "instrument": "robins_i",
        "version": "2016",
        "outcome": "better",
        "effect": "assignment",
        "assessor": "two reviewers, apart",
        "judged_on": "2026-01-05",
        "domains": {name: judged(levels.get(name, "low")) for name in ROBINS_DOMAINS},
        "overall": judged(overall),
    }


def question(**changes: Any) -> dict[str, Any]:
    return {
        "id": "improvement",
        "outcome": "better",
        "population": "people with toy illness",
        "intervention": "the toy drug",
        "comparator": "placebo",
        **changes,
    }


def rating(**changes: Any) -> dict[str, Any]:
    return {
        "domain": "imprecision",
        "level": "serious",
        "reason": "the panel accepts a wide interval",
        "role": "guideline panel of nine",
        "judged_on": "2026-02-01",
        **changes,
    }


def read(kind: Any, data: dict[str, Any]) -> Any:
    """As a dossier file is read: dates are text."""
    return kind.model_validate_json(json.dumps(data))


# --- instruments -------------------------------------------------------------------------------------


def test_rob2_holds_five_domains_and_a_crossover_six() -> None:
    assert len(read(Rob2, rob2()).domains) == 5
    six = {**rob2()["domains"], "period_and_carryover": judged("low")}
    assert len(read(Rob2, rob2(variant="crossover", domains=six)).domains) == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"domains": {name: judged("low") for name in ROB2_DOMAINS[:4]}}, "lacks selection_of_result"),
        ({"variant": "crossover"}, "lacks period_and_carryover"),
        (
            {"domains": {**rob2()["domains"], "period_and_carryover": judged("low")}},
            "has no period_and_carryover",
        ),
        ({"domains": {**rob2()["domains"], "outcome_measurement": judged("unclear")}}, "'low', 'some_c"),
        ({"version": ""}, "version"),
    ],
)
def test_an_incomplete_rob2_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        read(Rob2, rob2(**changes))


@pytest.mark.parametrize("worst", ["some_concerns", "high"])
def test_overall_is_at_least_as_severe_as_the_worst_domain(worst: str) -> None:
    domains = {**rob2()["domains"], "missing_outcome_data": judged(worst)}
    with pytest.raises(ValidationError, match="better than the worst domain"):
        read(Rob2, rob2(domains=domains))
    # more severe than the worst domain is allowed: several concerns may add up to a high risk
    assert read(Rob2, rob2(domains=domains, overall=judged("high"))).overall.level == "high"


@pytest.mark.parametrize(
    ("levels", "overall", "fits"),
    [
        ({}, "low", True),
        ({"confounding": "moderate"}, "moderate", True),
        ({"confounding": "serious"}, "moderate", False),
        ({"missing_data": "no_information"}, "no_information", True),
        ({"missing_data": "no_information", "confounding": "critical"}, "no_information", False),
        ({"missing_data": "no_information", "confounding": "critical"}, "critical", True),
    ],
)
def test_robins_overall_follows_the_same_rule(levels: dict[str, str], overall: str, fits: bool) -> None:
    if fits:
        assert read(RobinsI, robins(levels, overall)).overall.level == overall
    else:
        with pytest.raises(ValidationError, match="better than the worst domain"):
            read(RobinsI, robins(levels, overall))


# --- ratings -----------------------------------------------------------------------------------------


def test_a_rating_names_an_answer_that_exists() -> None:
    """The records spell the three answers that the synthesis computes; neither may drift."""
    annotation = DomainRating.model_fields["answer"].annotation
    spelled = {name for part in get_args(annotation) for name in get_args(part)}
    assert spelled == set(get_args(AnswerId))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ratings": [rating(), rating()]}, "rated twice on 2026-02-01"),
        ({"ratings": [rating(level="extremely_serious")]}, "not_serious"),
        ({"ratings": [rating(reason="")]}, "at least 1 character"),
        ({"ratings": [rating(judged_on="yesterday")]}, "date"),
        (
            {
                "harm": {"study": "toy_a_1990", "outcome": "rash"},
                "ratings": [rating(answer="null_at_zero")],
            },
            "an unwanted effect has no answer",
        ),
        (
            {
                "differences": [
                    {
                        "study": "toy_a_1990",
                        "aspect": "population",
                        "field": "population.age",
                        "bearing": "likely",
                        "says": "children",
                    }
                ]
            },
            "do not say who judged them",
        ),
    ],
)
def test_a_rating_without_what_it_needs_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        read(CertaintyQuestion, question(**changes))


def test_a_later_rating_of_the_same_domain_is_kept_beside_the_first() -> None:
    both = [rating(), rating(judged_on="2026-03-01", level="not_serious")]
    assert len(read(CertaintyQuestion, question(ratings=both)).ratings) == 2


# --- in a dossier ------------------------------------------------------------------------------------

STUDY = "studies/toy_a_1990.yaml"
ASSESSMENT = """
bias_assessments:
  - instrument: rob_2
    version: 22 August 2019
    variant: parallel
    outcome: better
    effect: assignment
    assessor: two reviewers, apart
    judged_on: 2026-01-05
    domains:
      randomisation_process: &
      deviations_from_interventions: &
      missing_outcome_data: &
      outcome_measurement: &
      selection_of_result: &
    overall: &
""".replace("&", "{level: low, reason: seen, source: toy_paper, seen: full_text}")


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("README.md", "*.csv"))
    return folder


def add(toy: Path, file: str, text: str) -> None:
    path = toy / file
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + text)


def test_an_assessment_in_a_file_is_read(toy: Path) -> None:
    add(toy, STUDY, ASSESSMENT)
    (assessment,) = open_dossier(toy).studies["toy_a_1990"].bias_assessments
    assert isinstance(assessment, Rob2)
    assert assessment.judged_on.isoformat() == "2026-01-05"


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("outcome: better\n    effect", "outcome: best\n    effect", "outcome", "no outcome 'best'"),
        ("variant: parallel", "variant: crossover", "domains", "lacks period_and_carryover"),
        (
            "    overall: {level: low",
            "    overall: {level: lo",
            "overall.level",
            "must be 'low', 'some_concerns' or 'high'",
        ),
    ],
)
def test_a_faulty_assessment_is_found_where_it_stands(
    toy: Path, old: str, new: str, place: str, words: str
) -> None:
    assert old in ASSESSMENT
    add(toy, STUDY, ASSESSMENT.replace(old, new))
    with pytest.raises(DossierError) as caught:
        open_dossier(toy)
    (fault,) = caught.value.faults
    assert words in fault.problem
    assert place in fault.key


def test_an_instrument_that_does_not_fit_the_design_is_refused(toy: Path) -> None:
    add(toy, "studies/toy_b_1991.yaml", "")
    path = toy / "studies" / "toy_b_1991.yaml"
    text = path.read_text().replace("design: parallel_rct", "design: cohort")
    path.write_text(
        text[: text.index("pooled:")] + "sources: [toy_paper]" + ASSESSMENT.replace("better", "any")
    )
    with pytest.raises(DossierError, match="does not fit a study of design 'cohort'"):
        open_dossier(toy)


def test_a_question_in_a_file_is_read_and_its_studies_must_exist(toy: Path) -> None:
    text = (
        "id: improvement\noutcome: better\npopulation: people\nintervention: drug\ncomparator: placebo\n"
        "differences_judged_by: one reader\ndifferences:\n"
        "  - {study: toy_a_1990, aspect: population, field: population.age, bearing: likely, says: young}\n"
    )
    add(toy, "certainty/improvement.yaml", text)
    assert open_dossier(toy).certainty["improvement"].differences[0].bearing == "likely"
    add(toy, "certainty/improvement.yaml", text.split("differences:\n")[1].replace("toy_a_1990", "toy_c"))
    with pytest.raises(DossierError, match="no study has the id 'toy_c'"):
        open_dossier(toy)
