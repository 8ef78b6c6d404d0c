"""How far results can be trusted: judgements on bias, on fit to the question, and what people decided.

A judgement says who made it and from what was seen, so that one made from an abstract can never pass for
one made from a paper. What follows from the judgements is worked out in `globulin.synthesis.certainty`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Record, Seen, Slug, SourceId, Statement, StudyId, Text

# --- bias in one study, judged from an abstract ------------------------------------------------------


class Judgement(Record):
    """A judgement on one domain of bias, with its reason."""

    level: Literal["low", "some_concerns", "high", "critical", "unclear"]
    reason: Text


Domain = Literal["randomisation", "concealment", "blinding", "attrition", "selective_reporting"]


class RiskOfBias(Record):
    """Risk of bias by older domains, judged from what was seen (never from a full text here)."""

    instrument: Literal["abstract_based_judgement"] = "abstract_based_judgement"
    overall: Judgement
    domains: dict[Domain, Judgement] = Field(default_factory=dict)
    assessments: tuple[Statement, ...] = ()
    """How published reviews rated the study."""


# --- bias in one result, judged with an instrument ---------------------------------------------------

Rob2Level = Literal["low", "some_concerns", "high"]
ROB2_LEVELS: tuple[Rob2Level, ...] = ("low", "some_concerns", "high")
"""From best to worst."""

Rob2Domain = Literal[
    "randomisation_process",
    "deviations_from_interventions",
    "missing_outcome_data",
    "outcome_measurement",
    "selection_of_result",
    "period_and_carryover",
]
ROB2_DOMAINS: tuple[Rob2Domain, ...] = (
    "randomisation_process",
    "deviations_from_interventions",
    "missing_outcome_data",
    "outcome_measurement",
    "selection_of_result",
)
"""D1 to D5; the crossover variant has period and carryover effects (DS) besides."""

RobinsLevel = Literal["low", "moderate", "serious", "critical", "no_information"]
ROBINS_LEVELS: tuple[RobinsLevel, ...] = ("low", "moderate", "serious", "critical")
"""From best to worst; `no_information` has no place in the order."""

RobinsDomain = Literal[
    "confounding",
    "selection_of_participants",
    "classification_of_interventions",
    "deviations_from_interventions",
    "missing_data",
    "outcome_measurement",
    "selection_of_result",
]
ROBINS_DOMAINS: tuple[RobinsDomain, ...] = (
    "confounding",
    "selection_of_participants",
    "classification_of_interventions",
    "deviations_from_interventions",
    "missing_data",
    "outcome_measurement",
    "selection_of_result",
)


class Rob2Judgement(Record):
    """A RoB 2 judgement with what it rests on."""

    level: Rob2Level
    reason: Text
    source: SourceId
    seen: Seen


class RobinsJudgement(Record):
    """A ROBINS-I judgement with what it rests on."""

    level: RobinsLevel
    reason: Text
    source: SourceId
    seen: Seen


class Rob2(Record):
    """RoB 2 for one result of a randomised trial (Sterne 2019, BMJ 366:l4898)."""

    instrument: Literal["rob_2"]
    version: Text
    """Date of the version used: `22 August 2019` for parallel groups."""
    variant: Literal["parallel", "crossover"]
    outcome: Slug
    """Which outcome of the study was judged."""
    effect: Literal["assignment", "adherence"]
    """Of being assigned to the treatment (intention to treat), or of adhering to it."""
    assessor: Text
    """Who judged, by role and number, never by name: `two reviewers, apart`."""
    judged_on: date
    domains: dict[Rob2Domain, Rob2Judgement]
    overall: Rob2Judgement

    @model_validator(mode="after")
    def _complete_and_consistent(self) -> Rob2:
        expected: list[str] = list(ROB2_DOMAINS)
        if self.variant == "crossover":
            expected.append("period_and_carryover")
        _must_cover(expected, tuple(self.domains))
        worst = max((judgement.level for judgement in self.domains.values()), key=ROB2_LEVELS.index)
        if ROB2_LEVELS.index(self.overall.level) < ROB2_LEVELS.index(worst):
            raise _overall_too_good(self.overall.level, worst)
        return self


class RobinsI(Record):
    """ROBINS-I for one result of a study without randomisation (Sterne 2016, BMJ 355:i4919)."""

    instrument: Literal["robins_i"]
    version: Text
    """Version used: `2016`; version 2 has other questions."""
    outcome: Slug
    effect: Literal["assignment", "adherence"]
    assessor: Text
    """Who judged, by role and number, never by name."""
    judged_on: date
    domains: dict[RobinsDomain, RobinsJudgement]
    overall: RobinsJudgement

    @model_validator(mode="after")
    def _complete_and_consistent(self) -> RobinsI:
        _must_cover(ROBINS_DOMAINS, tuple(self.domains))
        levels = [judgement.level for judgement in self.domains.values()]
        informed = [level for level in levels if level != "no_information"]
        worst = max(informed, key=ROBINS_LEVELS.index, default="low")
        if self.overall.level == "no_information":
            # nothing may be called unknown that is already known to be serious
            if ROBINS_LEVELS.index(worst) >= ROBINS_LEVELS.index("serious"):
                raise _overall_too_good(self.overall.level, worst)
        elif ROBINS_LEVELS.index(self.overall.level) < ROBINS_LEVELS.index(worst):
            raise _overall_too_good(self.overall.level, worst)
        return self


BiasAssessment = Annotated[Rob2 | RobinsI, Field(discriminator="instrument")]
"""An assessment of one result with a published instrument."""


def _must_cover(expected: Sequence[str], judged: Sequence[str]) -> None:
    absent = [name for name in expected if name not in judged]
    surplus = [name for name in judged if name not in expected]
    if absent or surplus:
        wrong = f"lacks {', '.join(absent)}" if absent else f"has no {', '.join(surplus)} in this variant"
        raise PydanticCustomError(
            "domains_incomplete",
            "the assessment {wrong}",
            {"wrong": wrong, "fix": f"judge exactly {', '.join(expected)}", "at": ("domains",)},
        )


def _overall_too_good(overall: str, worst: str) -> PydanticCustomError:
    return PydanticCustomError(
        "overall_too_good",
        "overall '{overall}' is better than the worst domain, '{worst}'",
        {
            "overall": overall,
            "worst": worst,
            "fix": "the overall judgement is at least as severe as any domain's",
            "at": ("overall", "level"),
        },
    )


# --- how sure one may be of an answer ----------------------------------------------------------------

GradeDomain = Literal["risk_of_bias", "inconsistency", "indirectness", "imprecision", "missing_results"]
Concern = Literal["not_serious", "serious", "very_serious"]
Aspect = Literal["population", "intervention", "comparator", "outcome"]


class Difference(Record):
    """One way in which the people, treatment or outcome of a trial differ from those of the question."""

    study: StudyId
    aspect: Aspect
    field: Literal[
        "population.criteria",
        "population.age",
        "population.immune_selection",
        "arms.regimen.product",
        "arms.comparator",
        "pooled.outcome",
    ]
    """Which field of the study says so; the answer quotes it."""
    bearing: Literal["possible", "likely"]
    """Whether the difference could change the effect, or probably does."""
    says: Text


class DomainRating(Record):
    """What people decided on one domain, with their reason. It stands in place of the proposal."""

    domain: GradeDomain
    answer: Literal["numbers_only", "null_censored", "null_at_zero"] | None = None
    """Which of the three answers it is about; None: all of them."""
    level: Concern
    reason: Text
    role: Text
    """Who decided, by role, never by name: `guideline panel of nine`."""
    judged_on: date


class HarmOutcome(Record):
    """An unwanted effect of one study."""

    study: StudyId
    outcome: Slug


class CertaintyQuestion(Record):
    """The question that certainty is about, how the trials differ from it, and people's ratings."""

    id: Slug
    outcome: Text
    """What is asked about, in plain words: `feeling or functioning better`."""
    population: Text
    intervention: Text
    comparator: Text
    harm: HarmOutcome | None = None
    """The unwanted effect it is about; None: the benefit, in its three answers."""
    differences: tuple[Difference, ...] = ()
    differences_judged_by: Text | None = None
    """Who judged the differences, by role, and from what."""
    ratings: tuple[DomainRating, ...] = ()

    @model_validator(mode="after")
    def _differences_have_a_judge(self) -> CertaintyQuestion:
        if self.differences and self.differences_judged_by is None:
            raise PydanticCustomError(
                "judge_missing",
                "the differences do not say who judged them",
                {"fix": "add `differences_judged_by:` with the role", "at": ("differences",)},
            )
        return self

    @model_validator(mode="after")
    def _one_rating_a_day(self) -> CertaintyQuestion:
        seen: set[tuple[str, str | None, date]] = set()
        for index, rating in enumerate(self.ratings):
            if self.harm is not None and rating.answer is not None:
                raise PydanticCustomError(
                    "answer_of_a_harm",
                    "an unwanted effect has no answer '{answer}'",
                    {"answer": rating.answer, "fix": "remove `answer:`", "at": ("ratings", index, "answer")},
                )
            key = (rating.domain, rating.answer, rating.judged_on)
            if key in seen:
                raise PydanticCustomError(
                    "duplicate_rating",
                    "{domain} is rated twice on {date}",
                    {
                        "domain": rating.domain,
                        "date": rating.judged_on.isoformat(),
                        "fix": "keep the one that holds",
                        "at": ("ratings", index),
                    },
                )
            seen.add(key)
        return self
