"""Writes the living page as a folder that opens from the file system: HTML, a style sheet and two fonts.

No script and no request to anywhere else: the page has to be readable in ten years, from a memory stick, by
someone whose browser blocks everything.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

from globulin.dossier import Dossier
from globulin.errors import InputError
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import Section
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
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

    All files are made beside `out` first and moved into it when they are complete, index.html last, so a run
    that fails leaves the folder as it was. Other files in `out` stay.
    """
    files = {**_assets(), **(extra_files or {}), "index.html": html.encode()}
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder to write the page into")
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, data in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _move(staging, out, tuple(files))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return tuple(out / name for name in files)


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


def _move(staging: Path, out: Path, names: Sequence[str]) -> None:
    """Put the finished files in place: the folder as a whole where there is none yet, else file by file."""
    # mkdtemp makes a folder that only its owner can open
    staging.chmod(0o755)
    if not out.exists():
        staging.replace(out)
        return
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(target)
