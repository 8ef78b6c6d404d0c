"""The charts of doses, each with the numbers it draws as a table and in words.

A chart and its table come from the same rows, so they cannot differ; shapes and printed words carry every
distinction that colour carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from globulin.dossier import Dossier
from globulin.dossier.provenance import known
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.layout import (
    ROW_PX,
    Axis,
    Bar,
    Json,
    Line,
    Mark,
    band,
    specification,
)
from globulin.pages.vega import Convert, draw
from globulin.planning.comparison import Origin, RegimenRow
from globulin.planning.dosing import Amount


@dataclass(frozen=True)
class Row:
    """One line of a chart's table, with the sources of its numbers."""

    cells: tuple[str, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A drawing with its title, its text alternative and the numbers it shows.

    `svg` takes its colours from the page's CSS variables (`--chart-...`); `svg_print` has plain colours.
    """

    id: str
    title: str
    alt: str
    svg: str
    svg_print: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    spec: Json = field(default_factory=dict, repr=False)
    """The Vega-Lite specification it was drawn from, with the values it says where one points."""


def drawn_chart(
    identifier: str,
    title: str,
    alt: str,
    spec: Json,
    columns: tuple[str, ...],
    rows: Iterable[Row],
    convert: Convert | None,
) -> Chart:
    """A chart from its specification."""
    svg, paper = draw(spec, identifier, title, alt, convert)
    return Chart(identifier, title, alt, svg, paper, columns, tuple(rows), spec)


_LOOKS: dict[Origin, tuple[str, str]] = {
    "trial": ("trial", "circle"),
    "series": ("series", "square"),
    "practitioner": ("practitioner", "diamond"),
    "reference": ("reference", "triangle-up"),
    "neighbour": ("neighbour", "triangle-down"),
}
GROUPS = {origin: (heading, *_LOOKS[origin]) for origin, heading in words.ORIGINS.items()}
"""Heading, colour and shape of each kind of regimen, in the order of the charts."""

MODEL_SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")


# --- doses -----------------------------------------------------------------------------------------


def doses(dossier: Dossier, findings: Findings, convert: Convert | None = None) -> Chart:
    """Trial arms, series, doctors' regimens, reference and labelled doses on one log axis."""
    lines: list[Line] = []
    marks: list[Mark] = []
    bars: list[Bar] = []
    rows: list[Row] = []
    for origin, (heading, colour, shape) in GROUPS.items():
        members = _by_dose(findings.regimens, origin)
        if members:
            lines.append(Line(heading, heading=True))
        for member, dose in members:
            marks.append(Mark(len(lines), dose, colour, shape))
            shown = words.number(dose)
            lines.append(Line(short_label(dossier, member), shown, said=f"{member.label}: {shown} mg/kg"))
            rows.append(Row((heading, member.label, words.number(dose)), member.sources))
    if findings.labelled:
        lines.append(Line("Labelled doses in other illnesses", heading=True))
    for entry in findings.labelled:
        low, high = entry.low_mg_per_kg, entry.high_mg_per_kg
        short = f"{words.indication_short(entry.indication)}, {words.ROUTE_SHORT[entry.route]}"
        label = f"{entry.indication}, {words.ROUTES[entry.route]}"
        bars.append(Bar(len(lines), low, high, "label", "thick"))
        shown = words.span(low, high, 3)
        lines.append(Line(clip(short), shown, said=f"{label}: {shown} mg/kg"))
        rows.append(Row(("On product labels", label, shown), entry.sources))
    tried = _tried(findings)
    axis = _dose_axis([*(mark.x for mark in marks), *(x for bar in bars for x in (bar.low, bar.high))])
    shade = band(axis, *tried, len(lines) * ROW_PX, "tried against placebo") if tried else []
    spec = specification(lines, axis, marks=marks, bars=_visible(bars), behind=shade)
    title = f"Doses compared, for {findings.weight_kg:g} kg"
    alt = _dose_words(findings)
    columns = ("Kind", "Regimen", "mg/kg per 28 days")
    return drawn_chart("chart-doses", title, alt, spec, columns, rows, convert)


def short_label(dossier: Dossier, row: RegimenRow) -> str:
    """A regimen's label for a chart: of a study's arm, its name with dose and route."""
    if row.study is None or row.arm is None:
        return clip(row.label)
    study = dossier.studies[row.study]
    regimen = study.arm(row.arm).regimen
    dose = known(regimen.phases[-1].dose) if regimen else None
    route = words.ROUTE_SHORT[row.route] if row.route else ""
    return clip(f"{study.name}, {words.dose_words(dose)} {route}".strip() if dose else row.label)


def clip(label: str, limit: int = 46) -> str:
    """A label short enough for its column; the table has it whole."""
    return label if len(label) <= limit else f"{label[: limit - 1].rstrip(' ,:;(')}\N{HORIZONTAL ELLIPSIS}"


def _by_dose(rows: Iterable[RegimenRow], origin: Origin) -> list[tuple[RegimenRow, float]]:
    found = [
        (row, row.amount.mg_per_kg_per_28_day)
        for row in rows
        if row.origin == origin and isinstance(row.amount, Amount) and row.amount.mg_per_kg_per_28_day
    ]
    return sorted(found, key=lambda item: (item[1], item[0].label))


def _tried(findings: Findings) -> tuple[float, float] | None:
    """Lowest and highest dose of the controlled trials; a little wider where they are one."""
    found = [dose for _, dose in _by_dose(findings.regimens, "trial")]
    return (min(found) * 0.97, max(found) * 1.03) if found else None


def _visible(bars: Sequence[Bar]) -> list[Bar]:
    """Ranges of one value, widened until they can be seen."""
    return [
        bar
        if bar.high > bar.low * 1.06
        else Bar(bar.row, bar.low / 1.03, bar.high * 1.03, bar.colour, bar.style)
        for bar in bars
    ]


def _dose_axis(values: Sequence[float]) -> Axis:
    low, high = min(values, default=10.0) / 1.5, max(values, default=1000.0) * 1.5
    steps = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
    ticks = tuple(step for step in steps if low <= step <= high)
    title = "mg per kg body weight in 28 days (each step is about threefold)"
    return Axis(title, low, high, ticks, "log", 350, 262, "mg/kg")


def _dose_words(findings: Findings) -> str:
    parts = []
    for origin, (heading, _, _) in GROUPS.items():
        found = [dose for _, dose in _by_dose(findings.regimens, origin)]
        if found:
            many = words.counted(len(found), "regimen")
            parts.append(f"{heading}: {many}, {words.span(min(found), max(found), 3)}.")
    if findings.labelled:
        low = min(entry.low_mg_per_kg for entry in findings.labelled)
        high = max(entry.high_mg_per_kg for entry in findings.labelled)
        parts.append(f"Labelled doses in other illnesses: {words.span(low, high, 3)}.")
    return "Doses in mg per kg per 28 days on a logarithmic axis. " + " ".join(parts)


# --- rise in IgG -----------------------------------------------------------------------------------


def rises(dossier: Dossier, findings: Findings, convert: Convert | None = None) -> Chart:
    """The predicted mean rise of IgG for every regimen, each model's point and the spread between them."""
    models = list(dict.fromkeys(rise.model for row in findings.regimens for rise in row.rises))
    lines: list[Line] = []
    marks: list[Mark] = []
    bars: list[Bar] = []
    rows: list[Row] = []
    for origin, (heading, colour, _) in GROUPS.items():
        members = [row for row, _ in _by_dose(findings.regimens, origin) if row.mean_rise_range]
        if members:
            lines.append(Line(heading, heading=True))
        for member in members:
            low, high = member.mean_rise_range or (0.0, 0.0)
            bars.append(Bar(len(lines), low, high, colour))
            marks.extend(
                Mark(
                    len(lines),
                    rise.mean_g_per_l,
                    colour,
                    _shape(models, rise.model),
                    filled=False,
                    offset_px=_lane(models, rise.model),
                    said=f"{dossier.kinetics[rise.model].name}: {words.number(rise.mean_g_per_l)} g/L",
                )
                for rise in member.rises
            )
            shown = words.span(low, high)
            lines.append(Line(short_label(dossier, member), shown, said=f"{member.label}: {shown} g/L"))
            by_model = {rise.model: words.number(rise.mean_g_per_l) for rise in member.rises}
            cells = (member.label, *(by_model.get(model, words.NOT_COMPUTED) for model in models))
            rows.append(Row((heading, *cells), member.rise_sources))
    title = f"Predicted mean rise in IgG, for {findings.weight_kg:g} kg"
    alt = _rise_words(findings)
    spec = specification(lines, _rise_axis(bars), marks=marks, bars=bars)
    columns = ("Kind", "Regimen", *(f"{dossier.kinetics[model].name}, g/L" for model in models))
    return drawn_chart("chart-rises", title, alt, spec, columns, rows, convert)


def model_key(dossier: Dossier, findings: Findings) -> tuple[tuple[str, str], ...]:
    """Shape and name of each model, for the key beside the chart of rises."""
    models = list(dict.fromkeys(rise.model for row in findings.regimens for rise in row.rises))
    return tuple((_shape(models, model), dossier.kinetics[model].name) for model in models)


def _shape(models: list[str], model: str) -> str:
    return MODEL_SHAPES[models.index(model) % len(MODEL_SHAPES)]


def _lane(models: list[str], model: str) -> float:
    """Each model a little above or below the row's middle, so that equal predictions stay apart."""
    return 4.5 * (models.index(model) - (len(models) - 1) / 2)


def _rise_axis(bars: Sequence[Bar]) -> Axis:
    low = min((bar.low for bar in bars), default=0.1) / 1.3
    high = max((bar.high for bar in bars), default=10.0) * 1.3
    steps = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    ticks = tuple(step for step in steps if low <= step <= high)
    title = "mean rise of IgG above one's own level, g/L (each step is about threefold)"
    return Axis(title, low, high, ticks, "log", 350, 262, "g/L")


def _rise_words(findings: Findings) -> str:
    parts = []
    for origin, (heading, _, _) in GROUPS.items():
        found = [
            row.mean_rise_range for row in findings.regimens if row.origin == origin and row.mean_rise_range
        ]
        if found:
            low, high = min(low for low, _ in found), max(high for _, high in found)
            parts.append(f"{heading}: {words.span(low, high)} g/L.")
    return (
        "Mean rise of total IgG above a person's own level once doses repeat, in g/L on a logarithmic axis;"
        " each regimen shows every model and the spread between them. " + " ".join(parts)
    )
