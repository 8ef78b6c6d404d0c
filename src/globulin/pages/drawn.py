"""All charts of the page, in the order in which a reader meets them, and charts as files of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from globulin.dossier import Dossier
from globulin.findings import Findings
from globulin.pages.charts import Chart, doses, rises
from globulin.pages.exposure_charts import regimens_over_time
from globulin.pages.trial_charts import trial_charts
from globulin.pages.vega import Convert


def all_charts(dossier: Dossier, findings: Findings, convert: Convert | None = None) -> tuple[Chart, ...]:
    """The charts of the trials, of doses and of levels. `convert` draws them (default: in this process)."""
    profiles = regimens_over_time(findings.profiles, findings.weight_kg, convert)
    return (
        *trial_charts(findings, convert),
        doses(dossier, findings, convert),
        rises(dossier, findings, convert),
        *(() if profiles is None else (profiles,)),
    )


def write_charts(folder: Path, charts: Iterable[Chart]) -> None:
    """Write each chart as `<id>.svg`, in plain colours, for print and for other programs."""
    folder.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        (folder / f"{chart.id}.svg").write_text(chart.svg_print, encoding="utf-8")
