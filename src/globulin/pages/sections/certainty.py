"""How sure one can be: bias by trial, certainty by domain, and what the answers mean for 1,000 people."""

from __future__ import annotations

from collections.abc import Mapping

from globulin.dossier import Dossier
from globulin.dossier.certainty import CertaintyQuestion
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Entry,
    Fold,
    Heading,
    Points,
    Said,
    Table,
    TableRow,
    Term,
    blocks,
    columns,
    para,
    row,
    term,
)
from globulin.pages.facts import anchor, facts
from globulin.synthesis.bias import NAMES, StudyBias
from globulin.synthesis.grading import Grade
from globulin.synthesis.per_thousand import PerThousand
from globulin.synthesis.summary_of_findings import BenefitRow

INSTRUMENTS = {"rob_2": "RoB 2", "robins_i": "ROBINS-I"}
NUMBERS_NEEDED = (
    "NNTB is how many people must be treated for one more to get better, NNTH for one more to come to harm;"
    " \N{LEFT SINGLE QUOTATION MARK}to infinity\N{RIGHT SINGLE QUOTATION MARK} means that no difference is"
    " possible too."
)
_SHORT = {
    "randomisation_process": "D1 Allotment",
    "deviations_from_interventions": "D2 Deviations",
    "missing_outcome_data": "D3 Missing results",
    "outcome_measurement": "D4 Measurement",
    "selection_of_result": "D5 Selective report",
}
"""Columns of the table of bias: the domains of RoB 2."""


def certainty(dossier: Dossier, findings: Findings) -> tuple[Block, ...]:
    """How sure one can be of the answers, what they mean among 1,000 people, and where that comes from."""
    found = findings.certainty
    graded = [benefit for benefit in found.summary.benefits if benefit.grade is not None]
    return blocks(
        Heading("How sure can we be?", "trials-certainty"),
        _statement(findings),
        _findings_table(findings),
        para(NUMBERS_NEEDED),
        para(found.summary.not_shown, lead="What this does not show:"),
        Fold(
            "Where the chance without treatment comes from, and another one",
            blocks(_controls(findings), _other_controls(findings), para(found.summary.conversion)),
        ),
        Fold(
            "How certainty was worked out, domain by domain",
            blocks(
                [_domains(benefit.title, benefit.grade) for benefit in graded if benefit.grade is not None],
                [para(message) for message in found.messages],
            ),
        ),
        _uncounted(findings),
        Heading("How far each trial can be trusted", "trials-bias"),
        _bias_table(found.bias, {study.id: study.name for study in dossier.studies.values()}),
        Fold("Risk of bias, domain by domain", tuple(_bias_entry(bias) for bias in found.bias)),
        Fold("The question asked", tuple(_question(dossier, each) for each in dossier.certainty.values())),
    )


def _statement(findings: Findings) -> Block | None:
    main = _main(findings)
    if main is None or main.grade is None:
        return None
    return para(
        Said(f"{main.grade.plain} {words.sentence(main.statement)} {main.grade.words}", main.sources),
        lead="In short.",
    )


def _main(findings: Findings) -> BenefitRow | None:
    rows = findings.certainty.summary.benefits
    return next((found for found in rows if found.answer == findings.trials.main), None)


# --- what it means among 1,000 people ----------------------------------------------------------------


def _findings_table(findings: Findings) -> Table:
    """What each answer means at the chance of getting better that comes from outside the trials."""
    rows = [_benefit(benefit, 0) for benefit in findings.certainty.summary.benefits]
    rows.extend(
        row(
            Said(words.capital(harm.outcome_name), harm.sources, note=harm.caution),
            f"{harm.n_treated + harm.n_control} in {harm.name}",
            _people(harm.without),
            _people(harm.treated),
            Said(words.sentence(harm.words), note=harm.number_needed.words),
            Said(words.CERTAINTY[harm.grade.certainty]),
        )
        for harm in findings.certainty.summary.harms
    )
    return Table("Summary of findings: what it would mean among 1,000 people", _COLUMNS, tuple(rows))


_COLUMNS = columns(
    "Outcome", "#People", "#On placebo, of 1,000", "#Treated, of 1,000", "Difference", "How sure"
)


def _benefit(benefit: BenefitRow, control: int) -> TableRow:
    title = Said(benefit.title, benefit.sources, note=benefit.outcome)
    people = f"{benefit.people} in {benefit.trials} trials"
    if benefit.grade is None or control >= len(benefit.absolute):
        return row(title, people, "", "", Said(benefit.message or "no answer", missing=True), "not graded")
    absolute = benefit.absolute[control]
    return row(
        title,
        people,
        Said(_people(absolute.without), absolute.control.sources),
        Said(_people(absolute.treated)),
        Said(absolute.words, note=absolute.number_needed.words),
        Said(words.CERTAINTY[benefit.grade.certainty]),
    )


def _controls(findings: Findings) -> Points:
    """Where the chance of getting better without treatment comes from."""
    return Points(
        tuple(
            para(Said(control.words, control.sources), lead=f"{control.name}.")
            for control in findings.certainty.summary.control_risks
        )
    )


def _other_controls(findings: Findings) -> list[Table]:
    """The same table at every other chance of getting better without treatment."""
    summary = findings.certainty.summary
    return [
        Table(
            f"The same, without treatment as in: {control.name}",
            _COLUMNS,
            tuple(_benefit(benefit, index) for benefit in summary.benefits),
        )
        for index, control in enumerate(summary.control_risks)
        if index
    ]


def _people(count: PerThousand) -> str:
    return f"{count.estimate:,.0f} ({count.lower:,.0f} to {count.upper:,.0f})"


def _domains(title: str, grade: Grade) -> Table:
    rows = tuple(
        row(
            Said(domain.proposal.name),
            Said(domain.words),
            Said(" ".join(words.prose(step) for step in domain.proposal.arithmetic)),
            Said(domain.proposal.thresholds),
        )
        for domain in grade.domains
    )
    return Table(
        f"{title}: {words.CERTAINTY[grade.certainty].lower()}",
        columns("Question", "What stands", "The arithmetic", "The thresholds"),
        rows,
    )


def _uncounted(findings: Findings) -> Fold | None:
    harms = findings.certainty.summary.uncounted_harms
    if not harms:
        return None
    items = tuple(
        para(
            Said(
                f"{words.sentence(words.capital(harm.outcome_name))} {harm.says} Not counted: {harm.why}.",
                harm.sources,
            ),
            lead=f"{harm.name}.",
        )
        for harm in harms
    )
    return Fold("Unwanted effects that the trials mention without usable counts", (Points(items),))


# --- bias --------------------------------------------------------------------------------------------


def _bias_table(bias: tuple[StudyBias, ...], names: Mapping[str, str]) -> Table:
    rows = []
    for study in bias:
        levels = {domain.domain: domain.level for domain in study.domains}
        cells = (
            judged(levels[domain]) if domain in levels else Said("not judged", missing=True)
            for domain in _SHORT
        )
        link = Said(names[study.study], href=f"#{anchor('study', study.study)}")
        rows.append(row(link, judged(study.overall), *cells))
    titles = columns("Trial", "Overall", *_SHORT.values())
    caption = "Risk of bias by the domains of RoB 2, proposed from abstracts; nobody has judged a full paper"
    if any(study.basis == "assessed" for study in bias):
        caption = "Risk of bias by the domains of RoB 2; what is only proposed from an abstract says so below"
    return Table(caption, titles, tuple(rows))


def judged(level: str, reason: str = "") -> Said:
    """A judgement on bias as a sign, a word and the reason."""
    symbol, word = words.BIAS[level]
    return Said(word, symbol=symbol, tone=f"bias-{level}", note=reason)


_MAY_BE_HIGH = (
    "Several domains have some concerns; a reader of the paper may find that together they make a high risk."
)


def _bias_entry(bias: StudyBias) -> Entry:
    basis = f"{INSTRUMENTS[bias.instrument]}, {bias.version}"
    terms: list[Term] = [
        *facts(
            ("Instrument", basis),
            ("What it is", Said(words.capital(bias.words), bias.sources)),
            ("Overall", judged(bias.overall, bias.overall_reason)),
            ("May be worse", _MAY_BE_HIGH if bias.may_be_high else None),
        ),
        *(
            term(
                words.capital(NAMES[domain.domain]),
                judged(domain.level, domain.reason),
                Said(f" Not asked: {domain.leaves_out}." if domain.leaves_out else ""),
            )
            for domain in bias.domains
        ),
    ]
    return Entry(
        f"bias-{bias.study}", f"{bias.name}: {words.BIAS[bias.overall][1].lower()}", terms=tuple(terms)
    )


# --- the question ------------------------------------------------------------------------------------


def _question(dossier: Dossier, question: CertaintyQuestion) -> Entry:
    terms = facts(
        ("People", question.population),
        ("Treatment", question.intervention),
        ("Against", question.comparator),
        ("Differences judged by", question.differences_judged_by),
        *(
            (
                f"{dossier.studies[difference.study].name}, {difference.aspect}",
                Said(difference.says, note=f"{difference.bearing} bearing on the effect"),
            )
            for difference in question.differences
        ),
        *(
            (
                f"Rated by {rating.role}: {rating.domain.replace('_', ' ')}",
                Said(rating.reason, note=words.date_words(rating.judged_on)),
            )
            for rating in question.ratings
        ),
    )
    return Entry(anchor("certainty_question", question.id), words.capital(question.outcome), terms=terms)
