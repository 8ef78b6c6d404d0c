"""A chart with rows: headings, labels, marks and printed values, placed by hand on one grid.

Vega-Lite's own axes cannot set headings between rows, print a value beside each mark or draw a range with
no estimate. The charts of this page are all of that kind, so their rows are laid out here once, as plain
Vega-Lite specifications (https://vega.github.io/vega-lite/docs/spec.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from globulin.pages.vega import FONT, POINTED, VEGA_LITE, ink

Json = dict[str, Any]
Layers = list[Json]

ROW_PX = 24
TEXT_PX = 13
SYMBOL_AREA = 62.0
SMALL_AREA = 40.0
RING_AREA = 250.0


@dataclass(frozen=True)
class Cell:
    """What a row has in a further column: words, or a sign in a ring whose colour repeats the sign."""

    text: str
    ring: str = ""


@dataclass(frozen=True)
class Line:
    """One row of a chart: a heading, or a label with a printed value."""

    label: str
    value: str = ""
    heading: bool = False
    cells: tuple[Cell, ...] = ()
    """What stands in the further columns of the chart (`Axis.columns`)."""
    said: str = ""
    """What is said where one points at the row; empty: label and value."""


@dataclass(frozen=True)
class Mark:
    """A point of a row: where, in what colour and shape."""

    row: int
    x: float
    colour: str
    shape: str
    filled: bool = True
    offset_px: float = 0.0
    said: str = ""
    """What is said where one points at it; empty: what the row says."""


@dataclass(frozen=True)
class Bar:
    """A range of a row: interval (thin), that of a new trial (dotted), span (thick), no estimate (open)."""

    row: int
    low: float
    high: float
    colour: str
    style: Literal["thin", "dotted", "thick", "open"] = "thin"


@dataclass(frozen=True)
class Axis:
    """The horizontal axis and how much room the labels have."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    scale: Literal["linear", "log"] = "linear"
    plot_px: int = 330
    label_px: int = 232
    value_title: str = ""
    """What the printed values are, above their column."""
    columns: tuple[tuple[str, int], ...] = ()
    """Further columns on the right: what stands above each, and its left edge in pixels from the values."""


def specification(
    lines: Sequence[Line],
    axis: Axis,
    *,
    marks: Sequence[Mark] = (),
    bars: Sequence[Bar] = (),
    behind: Layers | None = None,
) -> Json:
    """The Vega-Lite specification of a chart with rows."""
    height = len(lines) * ROW_PX
    layers = [*(behind or []), _row_rules(lines, axis, height), *_bars(bars, axis, height)]
    layers += [_marks(marks, axis, height), *_labels(lines, axis, height), *_cells(lines, axis, height)]
    layers += [*_pointed_rows(lines, axis, height), *_pointed_marks(marks, axis, height)]
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE}.json",
        "width": axis.plot_px,
        "height": height,
        "padding": 4,
        "layer": layers,
        "config": {"font": FONT, "aria": False, "view": {"stroke": None}, "axis": axis_look()},
    }


def middle(row: int) -> float:
    """The vertical middle of a row, in pixels."""
    return (row + 0.5) * ROW_PX


def vertical_line(
    axis: Axis, x: float, height: float, label: str, *, side: Literal["left", "right"], dashed: bool = False
) -> Layers:
    """A line across all rows, its label above the plot and to one side of it."""
    dash: Json = {"strokeDash": [4, 4]} if dashed else {}
    beside: Json = {"align": "right", "dx": -5} if side == "left" else {"align": "left", "dx": 5}
    place = {"x": _across(axis)}
    line = _layer([{"x": x}], "rule", {"color": ink("zero"), **dash}, place, y=_at(-2), y2=_at(height))
    name = _layer([{"x": x}], "text", {"text": label, **beside, **_ABOVE}, place, y=_at(0))
    return [line, name]


def band(axis: Axis, low: float, high: float, height: float, label: str) -> Layers:
    """A labelled range across all rows of a chart with a logarithmic axis."""
    rows = [{"x": low, "x2": high, "middle": (low * high) ** 0.5}]
    across = {"x": _across(axis), "x2": {"field": "x2"}}
    ground = _layer(rows, "rect", {"color": ink("band")}, across, y=_at(0), y2=_at(height))
    name = _layer(rows, "text", {"text": label, **_ABOVE}, {"x": _across(axis, "middle")}, y=_at(0))
    return [ground, name]


_ABOVE: Json = {"color": ink("muted"), "dy": -9, "fontSize": TEXT_PX}


def _layer(rows: list[Json], mark: str, look: Json, encoding: Json, **more: Json) -> Json:
    return {
        "data": {"values": rows},
        "mark": {"type": mark, **look},
        "encoding": {**encoding, **more},
    }


def _at(pixel: float) -> Json:
    return {"value": pixel}


def _as_given(field: str, kind: Literal["nominal", "quantitative"] = "nominal") -> Json:
    """A channel whose values are used as they stand, not mapped through a scale."""
    return {"field": field, "type": kind, "scale": None}


def _across(axis: Axis, field: str = "x") -> Json:
    """The horizontal encoding that all layers share; Vega-Lite merges their equal axes into one."""
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"type": axis.scale, "domain": [axis.low, axis.high], "nice": False},
        "axis": {
            "values": list(axis.ticks),
            "format": ",~r" if axis.scale == "log" else "~g",
            "title": axis.title,
        },
    }


def _down(height: int) -> Json:
    """The vertical encoding that all layers share: pixels from the top."""
    return {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [height, 0], "nice": False},
        "axis": None,
    }


def _row_rules(lines: Sequence[Line], axis: Axis, height: int) -> Json:
    rows: list[Json] = [{"y": middle(row)} for row, line in enumerate(lines) if not line.heading]
    look = {"color": ink("rule"), "strokeWidth": 1}
    return _layer(rows, "rule", look, {"x": _at(0), "x2": _at(axis.plot_px), "y": _down(height)})


def _bars(bars: Sequence[Bar], axis: Axis, height: int) -> Layers:
    """Ranges, one layer per style; each brings its own colour."""
    styles: dict[str, tuple[float, str, Json, str]] = {
        "dotted": (0.0, "rule", {"strokeWidth": 1.5, "strokeDash": [2, 3]}, "color"),
        "thin": (0.0, "rule", {"strokeWidth": 2}, "color"),
        "thick": (4.0, "rect", {"cornerRadius": 2}, "color"),
        "open": (
            6.0,
            "rect",
            {"cornerRadius": 2, "fill": ink("surface"), "strokeWidth": 1.5, "strokeDash": [4, 3]},
            "stroke",
        ),
    }
    layers: Layers = []
    for style, (half, mark, look, channel) in styles.items():
        rows: list[Json] = [
            {
                "x": bar.low,
                "x2": bar.high,
                "y": middle(bar.row) - half,
                "y2": middle(bar.row) + half,
                "colour": ink(bar.colour),
            }
            for bar in bars
            if bar.style == style
        ]
        if rows:
            encoding: Json = {"x": _across(axis), "x2": {"field": "x2"}, "y": _down(height)}
            if mark == "rect":
                encoding["y2"] = {"field": "y2"}
            layers.append(_layer(rows, mark, look, {**encoding, channel: _as_given("colour")}))
    return layers


def _marks(marks: Sequence[Mark], axis: Axis, height: int) -> Json:
    """Points; each brings its own shape, colour and size."""
    rows: list[Json] = [
        {
            "x": mark.x,
            "y": middle(mark.row) + mark.offset_px,
            "shape": mark.shape,
            "fill": ink(mark.colour if mark.filled else "surface"),
            "stroke": ink(mark.colour),
            "size": SYMBOL_AREA if mark.filled else SMALL_AREA,
        }
        for mark in marks
    ]
    encoding = {
        "x": _across(axis),
        "y": _down(height),
        "shape": _as_given("shape"),
        "fill": _as_given("fill"),
        "stroke": _as_given("stroke"),
        "size": _as_given("size", "quantitative"),
    }
    return _layer(rows, "point", {"strokeWidth": 1.5, "opacity": 1}, encoding)


def _labels(lines: Sequence[Line], axis: Axis, height: int) -> Layers:
    """Headings and labels on the left, printed values on the right, what the values are above them."""
    side = axis.plot_px + 14

    def text(field: str, x: int, *, heading: bool) -> Json:
        rows: list[Json] = [
            {"y": middle(row), field: getattr(line, field)}
            for row, line in enumerate(lines)
            if line.heading == heading and getattr(line, field)
        ]
        look = {
            "align": "left",
            "baseline": "middle",
            "fontSize": TEXT_PX,
            "fontWeight": 600 if heading else 400,
            "color": ink("ink"),
        }
        words = {"field": field, "type": "nominal"}
        return _layer(rows, "text", look, {"x": _at(x), "y": _down(height), "text": words})

    layers = [
        text("label", -axis.label_px, heading=True),
        text("label", -axis.label_px, heading=False),
        text("value", side, heading=False),
    ]
    if axis.value_title:
        look = {"text": axis.value_title, "align": "left", **_ABOVE}
        layers.append(_layer([{}], "text", look, {"x": _at(side), "y": _at(0)}))
    return layers


def _cells(lines: Sequence[Line], axis: Axis, height: int) -> Layers:
    """The further columns: words from their left edge, rings with their sign around it."""
    side = axis.plot_px + 14
    layers: Layers = []
    for index, (title, edge) in enumerate(axis.columns):
        filled = [
            (middle(row), line.cells[index]) for row, line in enumerate(lines) if index < len(line.cells)
        ]
        ringed = [(y, cell) for y, cell in filled if cell.ring]
        align = "center" if ringed else "left"
        place: Json = {"x": _at(side + edge), "y": _down(height)}
        if ringed:
            rows: list[Json] = [{"y": y, "colour": ink(cell.ring)} for y, cell in ringed]
            look: Json = {"shape": "circle", "size": RING_AREA, "strokeWidth": 1.5, "fill": ink("surface")}
            layers.append(_layer(rows, "point", look, {**place, "stroke": _as_given("colour")}))
        words: list[Json] = [{"y": y, "text": cell.text} for y, cell in filled if cell.text]
        text: Json = {"align": align, "baseline": "middle", "fontSize": TEXT_PX, "color": ink("ink")}
        if words:
            field: Json = {"text": {"field": "text", "type": "nominal"}}
            layers.append(_layer(words, "text", text, {**place, **field}))
        if title:
            above: Json = {"text": title, "align": align, **_ABOVE}
            layers.append(_layer([{}], "text", above, {"x": _at(side + edge), "y": _at(0)}))
    return layers


def _pointed_rows(lines: Sequence[Line], axis: Axis, height: int) -> Layers:
    """What every row says where one points at it, over its whole width."""
    rows: list[Json] = [
        {
            "y": row * ROW_PX,
            "y2": (row + 1) * ROW_PX,
            "said": line.said or ": ".join(part for part in (line.label, line.value) if part),
        }
        for row, line in enumerate(lines)
        if not line.heading
    ]
    ends = {"x": _at(-axis.label_px), "x2": _at(axis.plot_px + 14)}
    return pointed("rect", rows, {**ends, "y": _down(height), "y2": {"field": "y2"}})


def _pointed_marks(marks: Sequence[Mark], axis: Axis, height: int) -> Layers:
    """What a mark says for itself, a little around it."""
    rows: list[Json] = [
        {"x": mark.x, "y": middle(mark.row) + mark.offset_px, "said": mark.said}
        for mark in marks
        if mark.said
    ]
    place: Json = {"x": _across(axis), "y": _down(height)}
    return pointed("point", rows, place, {"size": RING_AREA, "shape": "circle"})


def pointed(mark: str, rows: list[Json], encoding: Json, look: Json | None = None) -> Layers:
    """A layer that nobody sees, which says a value (`said`) where one points; no still drawing has it."""
    if not rows:
        return []
    unseen: Json = {"opacity": 0, "filled": True, "color": ink("ink"), **(look or {})}
    said: Json = {"tooltip": {"field": "said", "type": "nominal"}}
    return [{"name": POINTED, **_layer(rows, mark, unseen, {**encoding, **said})}]


def axis_look() -> Json:
    """How axes look, in every chart."""
    return {
        "labelFontSize": TEXT_PX,
        "titleFontSize": TEXT_PX,
        "titleFontWeight": 400,
        "labelColor": ink("muted"),
        "titleColor": ink("ink"),
        "domainColor": ink("zero"),
        "tickColor": ink("zero"),
        "grid": False,
        "titlePadding": 8,
        "labelOverlap": False,
    }
