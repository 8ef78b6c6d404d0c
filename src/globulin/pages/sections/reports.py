"""What doctors report from experience: opinion, and kept apart from trials."""

from __future__ import annotations

from globulin.dossier import Dossier
from globulin.dossier.context import Report
from globulin.findings import Findings
from globulin.pages.blocks import Entry, Prose, Said, Section, blocks, para, term
from globulin.pages.facts import anchor, facts, flag, said, stated


def section(dossier: Dossier, findings: Findings) -> Section:
    """The section."""
    opening = para(
        "These are opinions. They were not counted, had no comparison group and are not part of any summary"
        " on this page. They tell which regimens people use, not whether the regimens work.",
        style="caution",
    )
    reports = sorted(dossier.reports.values(), key=lambda r: (not r.on_source_page, r.who))
    return Section(
        "reports", "What doctors report", blocks(opening, [_entry(r, dossier, findings) for r in reports])
    )


def _entry(report: Report, dossier: Dossier, findings: Findings) -> Entry:
    lead: list[Prose] = [para(Said(report.says, (report.source,), flag(report.seen)))]
    if report.not_to_confuse_with:
        lead.append(para(f"Not to be confused with {report.not_to_confuse_with}."))
    named = [r for r in dossier.regimens.values() if r.report == report.id]
    claims = [a.claim for a in findings.claims if a.claim.who == report.id]
    terms = (
        *facts(*(("Regimen as stated", Said(text, (report.source,))) for text in report.regimens)),
        *(term("On the dose axis", Said(r.label, href=f"#{anchor('regimen', r.id)}")) for r in named),
        *facts(
            ("Borne out by", said(report.corroboration)),
            ("Problem", report.problem),
            ("On the source page", "yes" if report.on_source_page else "no"),
        ),
        *(term("Also", stated(item)) for item in report.details),
        *(term("Claim", Said(claim.says, href=f"#claim-{claim.id}")) for claim in claims),
    )
    badge = Said("Opinion", symbol="\N{LEFT DOUBLE QUOTATION MARK}", tone="verdict-opinion")
    return Entry(
        anchor("report", report.id), report.who, "More on this report", badge, tuple(lead), terms, level=3
    )
