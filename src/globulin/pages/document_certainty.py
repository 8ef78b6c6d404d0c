"""How sure one can be, on paper: what the answers mean among 1,000 people, what would move them, bias."""

from __future__ import annotations

from globulin.pages import words
from globulin.pages.references import Cell, Json, PrintedPage
from globulin.pages.sections.certainty import NUMBERS_NEEDED
from globulin.pages.study_words import flip_words
from globulin.planning.dose_effect import DoseAnswer
from globulin.planning.group_effect import GroupAnswer
from globulin.synthesis.bias import StudyBias
from globulin.synthesis.per_thousand import PerThousand
from globulin.synthesis.summary_of_findings import BenefitRow

ROB2_COLUMNS = 5


def certainty(page: PrintedPage) -> Json:
    """Certainty of the main answer, the summary of findings, and what would move the answer."""
    found = page.findings.certainty
    main = next((row for row in found.summary.benefits if row.answer == page.findings.trials.main), None)
    controls = found.summary.control_risks[:1]
    return {
        "statement": ""
        if main is None or main.grade is None
        else f"{main.grade.plain} {words.sentence(main.statement)} {main.grade.words}",
        "rows": [_benefit(page, row) for row in found.summary.benefits if row.absolute],
        "without": [
            page.cell(control.words, control.sources, lead=f"{control.name}.") for control in controls
        ],
        "numbers_needed": NUMBERS_NEEDED,
        "not_shown": found.summary.not_shown,
        "bias": [_bias(bias) for bias in found.bias],
        "moves": _moves(page),
        "asked": [
            _asked(page, answer)
            for answer in (page.findings.dose.dose, page.findings.dose.age, page.findings.dose.immune_marker)
        ],
    }


def _benefit(page: PrintedPage, row: BenefitRow) -> list[Cell]:
    absolute = row.absolute[0]
    sure = "not graded" if row.grade is None else words.CERTAINTY[row.grade.certainty]
    return [
        page.cell(f"{row.people} people in {row.trials} trials", row.sources, lead=f"{row.title}."),
        _people(absolute.without),
        _people(absolute.treated),
        page.cell(absolute.words, note=absolute.number_needed.words),
        sure,
    ]


def _people(count: PerThousand) -> str:
    return f"{count.estimate:,.0f} ({count.lower:,.0f} to {count.upper:,.0f})"


def _moves(page: PrintedPage) -> list[str]:
    missing = page.findings.trials.missing
    if missing is None:
        return []
    wanted = ("interval_above_zero", "estimate_worth_it")
    return [flip_words(flip) for flip in missing.curves[0].flips if flip.conclusion in wanted]


def _asked(page: PrintedPage, answer: DoseAnswer | GroupAnswer) -> Json:
    reason = f"Cannot be answered. {answer.cannot_be_answered} " if answer.cannot_be_answered else ""
    return page.cell(f"{reason}{' '.join(answer.also)}".strip(), lead=answer.question)


def _bias(bias: StudyBias) -> list[Cell]:
    levels = [words.BIAS[domain.level][1] for domain in bias.domains[:ROB2_COLUMNS]]
    return [bias.name, *levels, words.BIAS[bias.overall][1]]
