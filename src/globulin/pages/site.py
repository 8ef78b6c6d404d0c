"""Writes the living page as a folder that opens from the file system: HTML, a style sheet and two fonts.

No script and no request to anywhere else: the page has to be readable in ten years, from a memory stick, by
someone whose browser blocks everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

from globulin.dossier import Dossier
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import Section
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.folder import write_folder
from globulin.pages.sections import claims, colophon, costs, doses, minute, products, reports, risks, trials

FONTS = ("SourceSans3VF-Upright.woff2", "SourceSans3VF-Italic.woff2", "OFL.txt")


@dataclass(frozen=True)
class Page:
    """Everything the template draws."""

    title: str
    subtitle: str
    notice: str
    version: str
    made_on: str
    content: str
    sections: tuple[Section, ...]
    sources: tuple[colophon.SourceGroup, ...]
    made: Section
    numbers: Mapping[str, int]


def write_site(out: Path, html: str, extra_files: Mapping[str, bytes] | None = None) -> tuple[Path, ...]:
    """Write `html` as index.html, assets/ and `extra_files` (name to bytes) into `out`; returns all paths.

    index.html comes last; a run that fails leaves the folder as it was (`write_folder`).
    """
    files = {**_assets(), **(extra_files or {}), "index.html": html.encode()}
    return write_folder(out, files)


def page_html(
    dossier: Dossier,
    findings: Findings,
    *,
    version: str,
    made_on: date | None,
    charts: Sequence[Chart] | None = None,
) -> str:
    """The whole page as HTML. Same arguments, same text."""
    drawn = {chart.id: chart for chart in charts or all_charts(dossier, findings)}
    groups = colophon.source_groups(dossier)
    page = Page(
        title="Immune globulin in ME/CFS and fibromyalgia",
        subtitle=(
            "What is known, what it would take, what it costs and what can go wrong."
            " Every number shows its source."
        ),
        notice=words.NOTICE,
        version=version,
        made_on=words.date_words(made_on) if made_on else "",
        content=dossier.content_sha256[:12],
        sections=(
            minute.section(dossier, findings),
            products.section(dossier, findings),
            trials.section(dossier, findings, drawn),
            reports.section(dossier, findings),
            doses.section(dossier, findings, drawn),
            costs.section(dossier, findings),
            risks.section(dossier),
            claims.section(dossier, findings),
            claims.open_section(dossier, findings),
        ),
        sources=groups,
        made=colophon.made(dossier, findings, version=version, made_on=made_on),
        numbers={view.id: view.number for group in groups for view in group.sources},
    )
    return _render(page)


def _render(page: Page) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("globulin.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    titles = {view.id: f"{view.title} ({view.seen})" for group in page.sources for view in group.sources}
    environment.filters.update(
        prose=words.prose, by_number=lambda ids: sorted(dict.fromkeys(ids), key=page.numbers.__getitem__)
    )
    environment.globals.update(number_of=page.numbers, title_of=titles)
    return environment.get_template("page.html.j2").render(page=page)


def _assets() -> dict[str, bytes]:
    pages = resources.files("globulin.pages")
    files = {"assets/site.css": (pages / "assets" / "site.css").read_bytes()}
    files.update({f"assets/{name}": (pages / "fonts" / name).read_bytes() for name in FONTS})
    return files
