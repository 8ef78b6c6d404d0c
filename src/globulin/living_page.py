"""Puts the living page together: the site, the PDF and the data, written as one folder or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from globulin.dossier import Dossier
from globulin.findings import Findings
from globulin.formats.results import to_text, whole_document
from globulin.pages.charts import all_charts
from globulin.pages.documents import living_page_pdf
from globulin.pages.site import page_html, write_site
from globulin.pages.vega import Convert


def build(
    dossier: Dossier,
    findings: Findings,
    out: Path,
    *,
    version: str,
    made_on: date,
    progress: Callable[[str], None],
    convert: Convert | None = None,
) -> Path:
    """Write index.html with its assets, globulin.pdf and dossier.json into `out`; returns index.html.

    The folder appears whole or stays as it was. `progress` is told in words what is being made;
    `convert` draws the charts (default: in this process).
    """
    progress("drawing the charts")
    charts = all_charts(dossier, findings, convert)
    progress("setting the PDF and writing the data")
    with ThreadPoolExecutor(max_workers=1) as aside:
        # typst sets the PDF outside Python's lock, so the data is written in the meantime
        pdf = aside.submit(
            living_page_pdf, dossier, findings, version=version, made_on=made_on, charts=charts
        )
        data = whole_document(dossier, findings, version=version, made_on=made_on.isoformat())
        html = page_html(dossier, findings, version=version, made_on=made_on, charts=charts)
        files = {"dossier.json": to_text(data).encode(), "globulin.pdf": pdf.result()}
    progress("writing the page")
    write_site(out, html, files)
    return out / "index.html"
