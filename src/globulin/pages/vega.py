"""Turns a Vega-Lite specification into SVG text that follows the page's colours.

Vega writes colours into the SVG, so one drawing could not serve a light and a dark page. Charts are
therefore drawn with stand-in colours, one per meaning, which are replaced in the finished text: by CSS
variables for the web, by plain colours for print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from html import escape
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

FONT = "Source Sans 3"
VEGA_LITE = "6.4"
POINTED = "pointed"
"""The name of layers that say a value where one points, and that a still drawing leaves away."""

COLOURS: dict[str, tuple[str, str]] = {
    "ink": ("#0a0b01", "#1f262b"),
    "muted": ("#0a0b02", "#58636b"),
    "rule": ("#0a0b03", "#d9d7cf"),
    "zero": ("#0a0b04", "#7b858c"),
    "band": ("#0a0b05", "#e3eeee"),
    "trial": ("#0a0b06", "#0b5e6b"),
    "series": ("#0a0b07", "#8a5a00"),
    "practitioner": ("#0a0b08", "#a3324c"),
    "reference": ("#0a0b09", "#4a5560"),
    "label": ("#0a0b0a", "#5b4a9e"),
    "neighbour": ("#0a0b0b", "#35703a"),
    "surface": ("#0a0b0c", "#fffefb"),
}
"""Meaning: the stand-in that a chart is drawn with, and the colour on paper (also the light theme's)."""


def ink(name: str) -> str:
    """The stand-in for a colour by its meaning."""
    return COLOURS[name][0]


Convert = Callable[[dict[str, Any]], str]
"""Turns a Vega-Lite specification into SVG text."""


def draw(
    spec: dict[str, Any], identifier: str, title: str, alt: str, convert: Convert | None = None
) -> tuple[str, str]:
    """SVG of a Vega-Lite specification: for the web (CSS variables) and for print (plain colours)."""
    still = {**spec, "layer": [layer for layer in spec["layer"] if layer.get("name") != POINTED]}
    raw = (convert or to_svg)(still)
    raw = re.sub(r'\bid="([^"]+)"', rf'id="{identifier}-\1"', raw)
    raw = re.sub(r"url\(#([^)]+)\)", rf"url(#{identifier}-\1)", raw)
    raw = re.sub(r'<rect width="[^"]*" height="[^"]*" fill="white"/>', "", raw, count=1)
    # the drawing is one image to a screen reader, so its parts need no roles of their own
    raw = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", raw)
    # an unquoted family that ends in a digit is no valid CSS, so the family is set once, quoted, on the root
    raw = raw.replace(f' font-family="{FONT}"', "")
    web, paper = raw, raw
    for name, (stand_in, colour) in COLOURS.items():
        web = web.replace(stand_in, f"var(--chart-{name})")
        paper = paper.replace(stand_in, colour)
    return _labelled(web, identifier, title, alt), _labelled(paper, identifier, title, alt)


def for_browser(spec: dict[str, Any]) -> str:
    """A specification as JSON for a browser that draws it itself, in the page's font and colours.

    Vega hands colours and fonts on to the SVG as they are, so CSS variables work there too.
    """
    config = {**spec["config"], "font": f"'{FONT}', sans-serif", "background": None}
    text = json.dumps({**spec, "config": config})
    for name, (stand_in, _) in COLOURS.items():
        text = text.replace(stand_in, f"var(--chart-{name})")
    return text


def to_svg(spec: dict[str, Any]) -> str:
    """SVG of a specification, in this process."""
    svg: str = _converter().vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    return svg


@contextmanager
def drawing_beside() -> Iterator[Convert]:
    """A `Convert` in a process of its own, which starts at once.

    The converter needs half a second to start and holds Python's lock meanwhile; on a second core that goes
    on while this process imports and computes. Where no process can be had, charts are drawn in this one.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        try:
            pool.submit(to_svg, _SMALLEST)
        except OSError:
            yield to_svg
        else:
            yield lambda spec: pool.submit(to_svg, spec).result()


_SMALLEST: dict[str, Any] = {"data": {"values": [{}]}, "mark": "point"}


@cache
def _converter() -> Any:
    """The converter with our font; imported late because starting it costs half a second."""
    import vl_convert

    fonts = Path(str(resources.files("globulin"))) / "pages" / "fonts"
    vl_convert.register_font_directory(str(fonts))
    return vl_convert


def _labelled(svg: str, identifier: str, title: str, alt: str) -> str:
    """The SVG as one image with a name and a description, sized by the page."""
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" id="{identifier}" role="img"'
        f' aria-labelledby="{identifier}-title {identifier}-desc"'
        f" font-family=\"'{FONT}', sans-serif\""
        f' width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<title id="{identifier}-title">{escape(title)}</title>'
        f'<desc id="{identifier}-desc">{escape(alt)}</desc>'
    )
    return head + svg[svg.index(">") + 1 :]
