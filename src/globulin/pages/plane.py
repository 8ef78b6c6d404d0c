"""A chart with two axes: bands, curves, points and whiskers, each curve named at its end.

The charts of rows (`layout`) put one thing on a line; what an answer becomes when an assumption moves, or a
level over time, needs a plane. Both are plain Vega-Lite specifications
(https://vega.github.io/vega-lite/docs/spec.html) and share their look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import Literal

from globulin.pages.layout import SMALL_AREA, SYMBOL_AREA, TEXT_PX, Json, Layers, axis_look, pointed
from globulin.pages.vega import FONT, VEGA_LITE, ink

Dash = Literal["solid", "dashed", "dotted", "dash_dot"]
_DASHES: dict[Dash, list[int]] = {"solid": [], "dashed": [7, 4], "dotted": [2, 3], "dash_dot": [8, 3, 2, 3]}
_LABEL_GAP_PX = 16


@dataclass(frozen=True)
class Scale:
    """One axis: its title, its ends and where it has numbers."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    kind: Literal["linear", "log"] = "linear"

    def share(self, value: float) -> float:
        """How far along the axis a value lies, 0 to 1."""
        if self.kind == "log":
            return log(value / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Curve:
    """A line through points, named at its right end; dashes tell curves apart without colour."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: str = "ink"
    dash: Dash = "solid"


@dataclass(frozen=True)
class Ribbon:
    """A band between two curves."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    colour: str = "trial"


@dataclass(frozen=True)
class Point:
    """A point, with words beside it where `label` is given."""

    x: float
    y: float
    colour: str = "trial"
    shape: str = "circle"
    filled: bool = True
    label: str = ""


@dataclass(frozen=True)
class Whisker:
    """An upright range at one x: an interval, or (open) a range without an estimate."""

    x: float
    low: float
    high: float
    colour: str = "trial"
    open: bool = False


@dataclass(frozen=True)
class Guide:
    """A line across the whole plane at one value of one axis, named at its end."""

    axis: Literal["x", "y"]
    value: float
    label: str
    dash: Dash = "solid"


def specification(
    x: Scale,
    y: Scale,
    *,
    ribbons: Sequence[Ribbon] = (),
    curves: Sequence[Curve] = (),
    points: Sequence[Point] = (),
    whiskers: Sequence[Whisker] = (),
    guides: Sequence[Guide] = (),
    said: Sequence[tuple[float, str]] = (),
    width: int = 460,
    height: int = 280,
) -> Json:
    """The Vega-Lite specification of a plane. What lies outside the axes is cut at their ends.

    `said`: values of x, each with what is said where one points nearer to it than to the others.
    """
    across, up = _channel("x", x), _channel("y", y)
    layers: Layers = []
    for guide in guides:
        layers += _guide(guide, across, up, width, height)
    layers += [_ribbon(ribbon, across, up) for ribbon in ribbons]
    layers += [_curve(curve, across, up) for curve in curves]
    layers += _whiskers(whiskers, across, up)
    layers += _points(points, across, up)
    layers += _end_labels(curves, guides, y, width, height)
    layers += _pointed(said, x, width, height)
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE}.json",
        "width": width,
        "height": height,
        "padding": 4,
        "layer": layers,
        "config": {"font": FONT, "aria": False, "view": {"stroke": None}, "axis": axis_look()},
    }


def _channel(field: str, scale: Scale) -> Json:
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"type": scale.kind, "domain": [scale.low, scale.high], "nice": False, "clamp": True},
        # as an expression: a plain format takes its precision from Vega's own ticks, and writes 14 as 1e+1
        "axis": {
            "values": list(scale.ticks),
            "labelExpr": "format(datum.value, ',~r')",
            "title": scale.title,
        },
    }


def _ribbon(ribbon: Ribbon, across: Json, up: Json) -> Json:
    rows = [
        {"x": x, "y": low, "y2": high} for x, low, high in zip(ribbon.x, ribbon.low, ribbon.high, strict=True)
    ]
    return {
        "data": {"values": rows},
        "mark": {"type": "area", "color": ink(ribbon.colour), "opacity": 0.16, "line": False},
        "encoding": {"x": across, "y": up, "y2": {"field": "y2"}},
    }


def _curve(curve: Curve, across: Json, up: Json) -> Json:
    rows = [{"x": x, "y": y} for x, y in zip(curve.x, curve.y, strict=True)]
    look = {"color": ink(curve.colour), "strokeWidth": 2, "strokeDash": _DASHES[curve.dash]}
    return {
        "data": {"values": rows},
        "mark": {"type": "line", **look},
        "encoding": {"x": across, "y": up, "order": {"field": "x", "type": "quantitative"}},
    }


def _whiskers(whiskers: Iterable[Whisker], across: Json, up: Json) -> Layers:
    layers: Layers = []
    for whisker in whiskers:
        dash = [4, 3] if whisker.open else []
        layers.append(
            {
                "data": {"values": [{"x": whisker.x, "y": whisker.low, "y2": whisker.high}]},
                "mark": {
                    "type": "rule",
                    "color": ink(whisker.colour),
                    "strokeWidth": 2,
                    "strokeDash": dash,
                },
                "encoding": {"x": across, "y": up, "y2": {"field": "y2"}},
            }
        )
    return layers


def _points(points: Sequence[Point], across: Json, up: Json) -> Layers:
    def as_given(field: str, kind: str = "nominal") -> Json:
        return {"field": field, "type": kind, "scale": None}

    rows = [
        {
            "x": point.x,
            "y": point.y,
            "shape": point.shape,
            "fill": ink(point.colour if point.filled else "surface"),
            "stroke": ink(point.colour),
            "size": SYMBOL_AREA if point.filled else SMALL_AREA,
            "label": point.label,
        }
        for point in points
    ]
    if not rows:
        return []
    drawn = {
        "data": {"values": rows},
        "mark": {"type": "point", "strokeWidth": 1.5, "opacity": 1},
        "encoding": {
            "x": across,
            "y": up,
            "shape": as_given("shape"),
            "fill": as_given("fill"),
            "stroke": as_given("stroke"),
            "size": as_given("size", "quantitative"),
        },
    }
    named = {
        "data": {"values": [row for row in rows if row["label"]]},
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "middle",
            "dx": 9,
            "fontSize": TEXT_PX,
            "color": ink("ink"),
        },
        "encoding": {"x": across, "y": up, "text": {"field": "label", "type": "nominal"}},
    }
    return [drawn, named] if named["data"]["values"] else [drawn]  # type: ignore[index]


def _guide(guide: Guide, across: Json, up: Json, width: int, height: int) -> Layers:
    look = {"type": "rule", "color": ink("zero"), "strokeWidth": 1, "strokeDash": _DASHES[guide.dash]}
    data = {"values": [{guide.axis: guide.value}]}
    if guide.axis == "y":
        line = {"y": up, "x": {"value": 0}, "x2": {"value": width}}
        return [{"data": data, "mark": look, "encoding": line}]
    line = {"x": across, "y": {"value": 0}, "y2": {"value": height}}
    text: Json = {"type": "text", "text": guide.label, "fontSize": TEXT_PX, "color": ink("muted")}
    above = {"align": "center", "baseline": "bottom", "dy": -4}
    name = {"data": data, "mark": text | above, "encoding": {"x": across, "y": {"value": 0}}}
    return [{"data": data, "mark": look, "encoding": line}, name]


def _pointed(said: Sequence[tuple[float, str]], x: Scale, width: int, height: int) -> Layers:
    """Upright strips, one around each x, that together fill the plane."""
    found = sorted((width * x.share(value), words) for value, words in said)
    middles = [(left + right) / 2 for (left, _), (right, _) in pairwise(found)]
    rows: list[Json] = (
        [
            {"x": left, "x2": right, "said": words}
            for (_, words), left, right in zip(found, [0.0, *middles], [*middles, float(width)], strict=True)
        ]
        if found
        else []
    )
    in_pixels: Json = {"type": "quantitative", "scale": None, "axis": None}
    across: Json = {"x": {"field": "x", **in_pixels}, "x2": {"field": "x2"}}
    return pointed("rect", rows, {**across, "y": {"value": 0}, "y2": {"value": height}})


def _end_labels(
    curves: Sequence[Curve], guides: Sequence[Guide], y: Scale, width: int, height: int
) -> Layers:
    """The names of curves and level guides beside their right ends, moved apart where these lie close."""
    ends = [(curve.label, curve.y[-1], "ink") for curve in curves if curve.label]
    ends += [(guide.label, guide.value, "muted") for guide in guides if guide.axis == "y"]
    places = _apart([height * (1 - min(1.0, max(0.0, y.share(end)))) for _, end, _ in ends], height)
    layers: Layers = []
    for colour in ("ink", "muted"):
        rows = [
            {"y": place, "label": label}
            for (label, _, look), place in zip(ends, places, strict=True)
            if look == colour
        ]
        look = {"type": "text", "align": "left", "baseline": "middle", "fontSize": TEXT_PX}
        encoding = {
            "x": {"value": width + 8},
            "y": {"field": "y", "type": "quantitative", "scale": None, "axis": None},
            "text": {"field": "label", "type": "nominal"},
        }
        if rows:
            layers.append(
                {"data": {"values": rows}, "mark": {**look, "color": ink(colour)}, "encoding": encoding}
            )
    return layers


def _apart(places: Sequence[float], height: float) -> list[float]:
    """Places with at least a line of text between them, in the same order, inside the plane if they fit."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    spread = [places[i] for i in order]
    for index, (above, _) in enumerate(pairwise(spread)):
        spread[index + 1] = max(spread[index + 1], above + _LABEL_GAP_PX)
    overrun = max(0.0, spread[-1] - height) if spread else 0.0
    for index in range(len(spread) - 1, -1, -1):
        limit = spread[index + 1] - _LABEL_GAP_PX if index + 1 < len(spread) else spread[index] - overrun
        spread[index] = min(spread[index], limit)
    found = [0.0] * len(places)
    for place, i in zip(spread, order, strict=True):
        found[i] = place
    return found
