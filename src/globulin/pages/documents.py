"""The living page on paper: its eleven sections as a tagged PDF that a clinician and a patient read together.

Results become words and numbered references in the modules this one calls; how they look is the business of
`living_page.typ`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from globulin.dossier import Dossier
from globulin.findings import Findings
from globulin.methods import METHODS
from globulin.pages import document_certainty, document_sections, document_trials, words
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.references import Json, PrintedPage
from globulin.pages.typesetting import compile_pdfs


def living_page_pdf(
    dossier: Dossier,
    findings: Findings,
    *,
    version: str,
    made_on: date | None,
    charts: Sequence[Chart] | None = None,
    chosen: Sequence[str] = (),
) -> bytes:
    """The living page as PDF/UA-1. Same arguments, same bytes.

    `made_on` is printed and set as the document's date; None leaves both out. `charts` are those of the web
    page where they are already drawn; None draws them. `chosen`: the decisions, in words, by which the
    findings are not those of the page; they are printed first. Raises RenderError where typst refuses the
    document or warns about it, since either could mean hidden text.
    """
    if charts is None:
        charts = all_charts(dossier, findings)
    content = {**_content(dossier, findings, charts, version, made_on), "chosen": list(chosen)}
    return compile_pdfs({"living_page.typ": content}, made_on)["living_page.typ"]


def _content(
    dossier: Dossier, findings: Findings, charts: Sequence[Chart], version: str, made_on: date | None
) -> Json:
    """Everything the template sets. The order of the sections numbers the sources."""
    page = PrintedPage(dossier, findings)
    sections: Json = {
        "minute": list(document_sections.minute(page)),
        "products": document_sections.products(page),
        "trials": document_trials.trials(page),
        "certainty": document_certainty.certainty(page),
        "reports": document_sections.reports(page),
        "doses": document_sections.doses(page),
        "cost": document_sections.cost(page),
        "hazards": document_sections.hazards(page),
        "claims": document_sections.claims(page),
        "open": document_sections.open_questions(page),
    }
    models = sorted({rise.model for row in findings.regimens for rise in row.rises})
    return {
        **sections,
        "notice": "Informs, does not prescribe",
        "hash": dossier.content_sha256[:12],
        "version": version,
        "made_on": None if made_on is None else words.date_words(made_on),
        "weight": words.number(findings.weight_kg),
        "charts": {chart.id.removeprefix("chart-"): _chart(page, chart) for chart in charts},
        "methods": [{"for": method.used_for, "citation": method.citation} for method in METHODS],
        "models": [
            page.cell(dossier.kinetics[model].name, [dossier.kinetics[model].source]) for model in models
        ],
        "sources": page.source_list(),
    }


def _chart(page: PrintedPage, chart: Chart) -> Json:
    """A chart for paper, with the sources of all its numbers."""
    sources = (source for row in chart.rows for source in row.sources)
    return {"title": chart.title, "alt": chart.alt, "svg": chart.svg_print, "refs": page.refs(sources)}
