"""The living page on paper: its eleven sections as a tagged PDF that a clinician and a patient read together.

Results become words and numbered references in the modules this one calls; how they look is the business of
`living_page.typ`. Everything goes to typst as JSON and is set there as plain text, so nothing in a dossier
can act as markup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import typst

from globulin.dossier import Dossier
from globulin.errors import RenderError
from globulin.findings import Findings
from globulin.methods import METHODS
from globulin.pages import document_certainty, document_sections, document_trials, words
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.references import Json, PrintedPage


def living_page_pdf(
    dossier: Dossier,
    findings: Findings,
    *,
    version: str,
    made_on: date | None,
    charts: Sequence[Chart] | None = None,
) -> bytes:
    """The living page as PDF/UA-1. Same arguments, same bytes.

    `made_on` is printed and set as the document's date; None leaves both out. `charts` are those of the web
    page where they are already drawn; None draws them. Raises RenderError where typst refuses the document or
    warns about it, since either could mean hidden text.
    """
    if charts is None:
        charts = all_charts(dossier, findings)
    content = _content(dossier, findings, charts, version, made_on)
    return compile_pdf("living_page.typ", content, made_on)


def compile_pdf(template: str, content: Json, made_on: date | None) -> bytes:
    """Set a template of this folder with `content`, with its fonts and no others, or raise RenderError."""
    folder = Path(str(resources.files("globulin"))) / "pages"
    stamp = None if made_on is None else datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC)
    try:
        pdf, warnings = typst.compile_with_warnings(
            folder / template,
            root=folder,
            font_paths=[folder / "fonts"],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["ua-1"],
            sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
            timestamp=stamp,
        )
    except typst.TypstError as error:
        hint = f" ({'; '.join(error.hints)})" if error.hints else ""
        raise RenderError(f"{template} could not be set: {error.message}{hint}") from error
    if warnings:
        raise RenderError(f"{template} was set with warnings: {'; '.join(w.message for w in warnings)}")
    return pdf


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
