"""The source page, claim by claim, and what is still open."""

from __future__ import annotations

from collections import Counter

from globulin.dossier import Dossier
from globulin.dossier.claim import Verdict
from globulin.findings import AnsweredClaim, Findings
from globulin.pages import words
from globulin.pages.blocks import Block, Entry, Heading, Points, Prose, Said, Section, blocks, para
from globulin.pages.facts import anchor, cited, record_sources, reference
from globulin.pages.sections.minute import is_under_way
from globulin.pages.sections.studies import entry

ERRORS = {
    "factual_error": "an error of fact",
    "overclaim": "claims more than is known",
    "omission": "leaves something out",
    "safety_omission": "leaves out something that matters for safety",
    "imprecision": "imprecise",
}
BASIS = {"fact": "cited facts", "computation": "a computation", "open_question": "an open question"}


def verdict(value: Verdict) -> Said:
    """A verdict as a sign and a word."""
    symbol, word = words.VERDICTS[value]
    return Said(word, symbol=symbol, tone=f"verdict-{value}")


def section(dossier: Dossier, findings: Findings) -> Section:
    """The section."""
    parts: list[Block] = []
    answered = iter(findings.claims)
    for page in dossier.claims.values():
        mine = [next(answered) for _ in page.claims]
        counts = Counter(item.claim.verdict for item in mine)
        tally = words.listed(
            [f"{counts[v]} {words.VERDICTS[v][1].lower()}" for v in words.VERDICTS if counts[v]]
        )
        parts.append(Heading(page.title, anchor("claim_list", page.id)))
        parts.append(
            para(
                Said(
                    f"{words.capital(words.counted(len(mine), 'claim'))}, told in our own words: {tally}.",
                    (page.source,),
                )
            )
        )
        parts.extend(_entry(item, dossier) for item in mine)
    return Section("claims", "The source page, claim by claim", tuple(parts))


def _entry(item: AnsweredClaim, dossier: Dossier) -> Entry:
    claim = item.claim
    lead: list[Prose] = [para(Said(item.finding, item.sources), lead="We found:", style="finding")]
    if claim.open_question:
        lead.append(para(claim.open_question, lead="Still open:"))
    rests: list[Said | str] = []
    for index, see in enumerate(claim.see):
        marks = () if see.startswith("source:") else record_sources(dossier, see)
        rests += ["" if index == 0 else ", ", reference(dossier, see), cited(marks)]
    lead.append(para(*rests, lead="Rests on:", style="small"))
    who = f" ({dossier.reports[claim.who].who})" if claim.who else ""
    kind = f"; {ERRORS[claim.error]}" if claim.error else ""
    lead.append(para(f"Answered by {BASIS[claim.answered_by]}{kind}.", style="small"))
    title = f"{claim.id.upper()}. {claim.says}{who}"
    return Entry(f"claim-{claim.id}", title, "", verdict(claim.verdict), tuple(lead))


def open_section(dossier: Dossier, findings: Findings) -> Section:
    """Open questions and trials under way."""
    studies = [study for study in dossier.studies.values() if is_under_way(study)]
    status = [
        para(
            Said(study.name, href=f"#{anchor('study', study.id)}"),
            Said(f", {study.condition}. {study.status}", study.sources),
        )
        for study in studies
    ]
    questions = tuple(
        para(
            item.claim.open_question,
            Said(" "),
            Said(f"({item.claim.id.upper()})", href=f"#claim-{item.claim.id}"),
        )
        for item in findings.claims
        if item.claim.open_question
    )
    return Section(
        "open",
        "Open questions and trials under way",
        blocks(
            Heading("Trials under way", "open-trials"),
            Points(tuple(status)) if status else para("No trial under way is known here."),
            [entry(study) for study in studies],
            Heading("What would have to be known", "open-questions"),
            Points(questions, "questions"),
        ),
    )
