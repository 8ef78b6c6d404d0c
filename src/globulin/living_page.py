"""Puts the living page together: the site, the PDF and the data, written as one folder or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from globulin.dossier import Dossier
from globulin.findings import Findings
from globulin.formats.results import to_text, whole_document
from globulin.pages.documents import living_page_pdf
from globulin.pages.drawn import all_charts
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
    progress("drawing the charts and writing the data")
    with ThreadPoolExecutor(max_workers=1) as aside:
        # charts are drawn in another process and typst sets the PDF outside Python's lock: both leave time
        # for something else
        data = aside.submit(_data, dossier, findings, version, made_on)
        charts = all_charts(dossier, findings, convert)
        progress("setting the PDF and the page")
        pdf = aside.submit(
            living_page_pdf, dossier, findings, version=version, made_on=made_on, charts=charts
        )
        html = page_html(dossier, findings, version=version, made_on=made_on, charts=charts)
        files = {"dossier.json": data.result(), "globulin.pdf": pdf.result()}
    progress("writing the page")
    write_site(out, html, files)
    return out / "index.html"


def _data(dossier: Dossier, findings: Findings, version: str, made_on: date) -> bytes:
    document = whole_document(dossier, findings, version=version, made_on=made_on.isoformat())
    return to_text(document).encode()
