"""Writes the living page as a folder that opens from the file system: HTML, a style sheet and two fonts.

No script and no request to anywhere else: the page has to be readable in ten years, from a memory stick, by
someone whose browser blocks everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from globulin.dossier import Dossier
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import Section
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.folder import write_folder
from globulin.pages.masthead import SUBTITLE, TITLE
from globulin.pages.sections import claims, colophon, costs, doses, minute, products, reports, risks, trials

if TYPE_CHECKING:
    from jinja2 import Environment

FONTS = ("SourceSans3VF-Upright.woff2", "SourceSans3VF-Italic.woff2", "OFL.txt")


@dataclass(frozen=True)
class Page:
    """What frames the sections, and the sources that they number."""

    title: str
    subtitle: str
    notice: str
    version: str
    made_on: str
    content: str
    sources: tuple[colophon.SourceGroup, ...]
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class SectionText:
    """One numbered section as HTML, block by block."""

    anchor: str
    title: str
    blocks: tuple[str, ...]


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
    page = _page(dossier, version=version, made_on=made_on)
    sections = tuple(_sections(dossier, findings, lambda: charts or all_charts(dossier, findings)))
    made = colophon.made(dossier, findings, version=version, made_on=made_on)
    return _environment(page).get_template("page.html.j2").render(page=page, sections=sections, made=made)


def section_texts(
    dossier: Dossier, findings: Findings, *, version: str, charts: Callable[[], Sequence[Chart]]
) -> Iterator[SectionText]:
    """What stands in the page, for another frame around it: its sections, its sources, how it was made.

    `charts` is called when the first section with a chart is asked for.
    """
    page = _page(dossier, version=version, made_on=None)
    environment = _environment(page)
    draw = environment.get_template("blocks.html.j2").module.draw  # type: ignore[attr-defined]

    def text(section: Section) -> SectionText:
        return SectionText(section.anchor, section.title, tuple(str(draw(block)) for block in section.blocks))

    yield from (text(section) for section in _sections(dossier, findings, charts))
    sources = environment.get_template("sources.html.j2").render(page=page)
    yield SectionText("sources", "Sources", (sources,))
    yield text(colophon.made(dossier, findings, version=version, made_on=None))


def _sections(
    dossier: Dossier, findings: Findings, charts: Callable[[], Sequence[Chart]]
) -> Iterator[Section]:
    yield minute.section(dossier, findings)
    yield products.section(dossier, findings)
    drawn = {chart.id: chart for chart in charts()}
    yield trials.section(dossier, findings, drawn)
    yield reports.section(dossier, findings)
    yield doses.section(dossier, findings, drawn)
    yield costs.section(dossier, findings)
    yield risks.section(dossier)
    yield claims.section(dossier, findings)
    yield claims.open_section(dossier, findings)


def _page(dossier: Dossier, *, version: str, made_on: date | None) -> Page:
    groups = colophon.source_groups(dossier)
    return Page(
        title=TITLE,
        subtitle=SUBTITLE,
        notice=words.NOTICE,
        version=version,
        made_on=words.date_words(made_on) if made_on else "",
        content=dossier.content_sha256[:12],
        sources=groups,
        numbers={view.id: view.number for group in groups for view in group.sources},
    )


def _environment(page: Page) -> Environment:
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
    return environment


def _assets() -> dict[str, bytes]:
    pages = resources.files("globulin.pages")
    files = {"assets/site.css": (pages / "assets" / "site.css").read_bytes()}
    files.update({f"assets/{name}": (pages / "fonts" / name).read_bytes() for name in FONTS})
    return files
