"""Risk of bias of one result: overall judgements by the published rules, and proposals from older ones.

An assessment with an instrument is kept as people made it. Where there is none, judgements that were made
from an abstract in older domains are laid on the domains of RoB 2. That is a proposal, marked as one: the
older domains ask less, so no domain can be better than it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from globulin.dossier.certainty import (
    ROB2_DOMAINS,
    ROB2_LEVELS,
    BiasAssessment,
    Domain,
    RiskOfBias,
    Rob2,
    Rob2Domain,
    Rob2Level,
    RobinsLevel,
)
from globulin.dossier.provenance import Seen
from globulin.dossier.study import RANDOMISED, Study

NAMES: dict[str, str] = {
    "randomisation_process": "how people were allotted to the groups (D1, randomisation process)",
    "deviations_from_interventions": "whether everyone was treated as planned (deviations from intended"
    " interventions; D2 in RoB 2)",
    "missing_outcome_data": "whose results are missing (D3, missing outcome data)",
    "outcome_measurement": "how the result was measured (measurement of the outcome; D4 in RoB 2)",
    "selection_of_result": "which results were picked for the report (selection of the reported result; D5 in"
    " RoB 2)",
    "period_and_carryover": "what one period carried over into the next (DS, period and carryover effects)",
    "confounding": "how the groups differed before treatment (confounding)",
    "selection_of_participants": "who got into the study (selection of participants)",
    "classification_of_interventions": "who counted as treated (classification of interventions)",
    "missing_data": "whose data are missing (missing data)",
}
"""Domains of both instruments in plain words, the term of art beside it."""

MULTIPLE_CONCERNS = 2
"""From how many domains with some concerns on RoB 2 asks whether they add up to a high risk."""


@dataclass(frozen=True, slots=True)
class DomainBias:
    """One domain: its level, why, and what a mapped judgement never asked ("" for an assessed one)."""

    domain: str
    name: str
    level: str
    reason: str
    leaves_out: str


@dataclass(frozen=True, slots=True)
class StudyBias:
    """Risk of bias of the result that a study contributes.

    basis: `assessed` with an instrument by people, or `mapped_from_abstract`, a proposal. outcome: which
    result; None for a mapped judgement, which is about the study. overall: as judged, or as proposed.
    by_rule: what the instrument's rule makes of the domains. concerns: domains with some concerns (RoB 2) or
    moderate risk (ROBINS-I). may_be_high: the rule leaves open whether several concerns make a high risk.
    """

    study: str
    name: str
    outcome: str | None
    instrument: Literal["rob_2", "robins_i"]
    version: str
    variant: str | None
    basis: Literal["assessed", "mapped_from_abstract"]
    assessor: str
    seen: tuple[Seen, ...]
    domains: tuple[DomainBias, ...]
    overall: Rob2Level | RobinsLevel
    by_rule: Rob2Level | RobinsLevel
    overall_reason: str
    concerns: int
    may_be_high: bool
    words: str
    sources: tuple[str, ...]


# --- the published rules -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rob2Overall:
    """What the rule of RoB 2 says; `may_be_high` where it leaves the step to high to the reader."""

    level: Rob2Level
    concerns: int
    may_be_high: bool


def rob2_overall(levels: Sequence[Rob2Level]) -> Rob2Overall:
    """Overall risk of bias from the levels of the domains.

    Low: low in every domain. High: high in at least one, or some concerns in several in a way that lowers
    confidence substantially, which is a judgement and so only flagged. Some concerns otherwise.
    Source: Sterne et al. 2019, BMJ 366:l4898, table 2; Cochrane Handbook 6.5, table 8.2.b.
    """
    if not levels:
        raise ValueError("levels: needs at least one domain")
    worst = max(levels, key=ROB2_LEVELS.index)
    concerns = levels.count("some_concerns")
    return Rob2Overall(worst, concerns, worst == "some_concerns" and concerns >= MULTIPLE_CONCERNS)


def robins_overall(levels: Sequence[RobinsLevel]) -> RobinsLevel:
    """Overall risk of bias of a study without randomisation from the levels of the domains.

    Low: low in all. Moderate: low or moderate in all. Serious: serious in at least one, critical in none.
    Critical: critical in at least one. No information: neither serious nor critical anywhere, and at least
    one domain without information. Source: Sterne et al. 2016, BMJ 355:i4919, table 2.
    """
    if not levels:
        raise ValueError("levels: needs at least one domain")
    order: tuple[RobinsLevel, ...] = ("critical", "serious", "no_information", "moderate", "low")
    return min(levels, key=order.index)


# --- one study ---------------------------------------------------------------------------------------


def study_bias(study: Study, outcome: str | None = None) -> StudyBias | None:
    """Risk of bias of one outcome or unwanted effect of a study (None: the one that is pooled).

    The newest assessment of that result with an instrument; without one, a proposal mapped from an
    abstract-based judgement of a randomised trial; None where there is neither. An assessment of another
    result is never used: both instruments judge one result at a time.
    """
    if outcome is None and study.pooled is not None:
        outcome = study.pooled.outcome
    assessed = [assessment for assessment in study.bias_assessments if assessment.outcome == outcome]
    if assessed:
        return _assessed(study, max(assessed, key=lambda assessment: assessment.judged_on))
    if study.risk_of_bias is None or not study.risk_of_bias.domains or study.design not in RANDOMISED:
        return None
    return _mapped(study, study.risk_of_bias)


def _assessed(study: Study, assessment: BiasAssessment) -> StudyBias:
    domains = tuple(
        DomainBias(domain, NAMES[domain], judgement.level, judgement.reason, "")
        for domain, judgement in assessment.domains.items()
    )
    by_rule: Rob2Level | RobinsLevel
    if isinstance(assessment, Rob2):
        rule = rob2_overall([judgement.level for judgement in assessment.domains.values()])
        by_rule, concerns, may_be_high = rule.level, rule.concerns, rule.may_be_high
    else:
        levels = [judgement.level for judgement in assessment.domains.values()]
        by_rule, concerns, may_be_high = robins_overall(levels), levels.count("moderate"), False
    judgements = (*assessment.domains.values(), assessment.overall)
    return StudyBias(
        study=study.id,
        name=study.name,
        outcome=assessment.outcome,
        instrument=assessment.instrument,
        version=assessment.version,
        variant=assessment.variant if isinstance(assessment, Rob2) else None,
        basis="assessed",
        assessor=assessment.assessor,
        seen=tuple(dict.fromkeys(judgement.seen for judgement in judgements)),
        domains=domains,
        overall=assessment.overall.level,
        by_rule=by_rule,
        overall_reason=assessment.overall.reason,
        concerns=concerns,
        may_be_high=may_be_high,
        words=f"judged by {assessment.assessor}",
        sources=tuple(dict.fromkeys(judgement.source for judgement in judgements)),
    )


# --- from older domains ------------------------------------------------------------------------------

_MAPPING: dict[Rob2Domain, tuple[tuple[Domain, ...], str]] = {
    "randomisation_process": (
        ("randomisation", "concealment"),
        "whether the groups were alike at the start",
    ),
    "deviations_from_interventions": (
        ("blinding",),
        "whether everyone was analysed in the group they were allotted to",
    ),
    "missing_outcome_data": (
        ("attrition",),
        "whether a missing result could hang on what it would have been",
    ),
    "outcome_measurement": (
        ("blinding",),
        "whether the way of measuring was fit, and the same in both groups",
    ),
    "selection_of_result": (
        ("selective_reporting",),
        "what a plan from before the trial had announced",
    ),
    "period_and_carryover": ((), "whether a first treatment still acted in the second period"),
}
"""Which older domains bear on which RoB 2 domain, and what RoB 2 asks besides that they do not answer."""


def _mapped(study: Study, older: RiskOfBias) -> StudyBias:
    crossover = study.design == "crossover_rct"
    asked: tuple[Rob2Domain, ...] = (*ROB2_DOMAINS, "period_and_carryover") if crossover else ROB2_DOMAINS
    levels = {domain: _level(older, domain) for domain in asked}
    rule = rob2_overall(list(levels.values()))
    reader: Rob2Level = _AS_ROB2[older.overall.level]
    overall = max(rule.level, reader, key=ROB2_LEVELS.index)
    if overall == rule.level:
        reason = (
            f"by the rule of RoB 2 on the domains below; the reader of the abstract: {older.overall.reason}"
        )
    else:
        reason = f"the reader of the abstract, more severe than the rule: {older.overall.reason}"
    return StudyBias(
        study=study.id,
        name=study.name,
        outcome=None,
        instrument="rob_2",
        version="22 August 2019",
        variant="crossover" if crossover else "parallel",
        basis="mapped_from_abstract",
        assessor="nobody with the paper in hand",
        seen=("abstract",),
        domains=tuple(
            DomainBias(domain, NAMES[domain], levels[domain], _reason(older, domain), _MAPPING[domain][1])
            for domain in asked
        ),
        overall=overall,
        by_rule=rule.level,
        overall_reason=reason,
        concerns=rule.concerns,
        may_be_high=rule.may_be_high,
        words="a proposal mapped from a judgement on the abstract; each domain is this good at best, and an"
        " assessment needs the full paper",
        sources=study.sources,
    )


_AS_ROB2: dict[str, Rob2Level] = {
    "low": "low",
    "some_concerns": "some_concerns",
    # where RoB 2 has no information on the allocation it says some concerns; nothing unknown is called low
    "unclear": "some_concerns",
    "high": "high",
    "critical": "high",
}


def _level(older: RiskOfBias, domain: Rob2Domain) -> Rob2Level:
    """The worst of the older judgements that bear on a domain; some concerns where one was not made."""
    found: list[Rob2Level] = []
    for name in _MAPPING[domain][0]:
        judgement = older.domains.get(name)
        found.append("some_concerns" if judgement is None else _AS_ROB2[judgement.level])
    return max(found, key=ROB2_LEVELS.index, default="some_concerns")


def _reason(older: RiskOfBias, domain: Rob2Domain) -> str:
    parts = []
    for name in _MAPPING[domain][0]:
        judgement = older.domains.get(name)
        label = name.replace("_", " ")
        if judgement is None:
            parts.append(f"{label}: not judged")
        else:
            parts.append(f"{label}, {judgement.level.replace('_', ' ')}: {judgement.reason}")
    return "; ".join(parts) or "not judged"
