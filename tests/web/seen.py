"""What a browser test sees of a page: what axe finds on it, and a picture of it for the manual."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

# a page may have to wait for a worker that is starting, on a machine that does much else
expect.set_options(timeout=20_000)

AXE = (Path(__file__).parents[1] / "pages" / "axe.min.js").read_text(encoding="utf-8")
_PICTURES = Path(__file__).parents[2] / "docs" / "screens"


def axe(page: Page) -> list[str]:
    """What axe finds, with everything opened, in the light and in the dark."""
    page.evaluate(AXE)
    page.evaluate(
        "() => document.querySelectorAll('details:not([open])')"
        ".forEach(each => { each.open = true; each.dataset.opened = '' })"
    )
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        result = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        found += [f"{scheme}: {each['id']} {each['nodes'][0]['target']}" for each in result["violations"]]
    page.evaluate(
        "() => document.querySelectorAll('[data-opened]')"
        ".forEach(each => { each.open = false; delete each.dataset.opened })"
    )
    return found


def overflow(page: Page, width: int = 320) -> int:
    """By how many pixels the page is wider than a narrow screen."""
    size = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    over: int = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if size is not None:
        page.set_viewport_size(size)
    return over


def picture(page: Page, name: str, height: int = 1100, at: str = "body") -> None:
    """Writes docs/screens/NAME.png, 1440 pixels wide from `at` on, where GLOBULIN_PICTURES is set."""
    if os.environ.get("GLOBULIN_PICTURES"):
        page.set_viewport_size({"width": 1440, "height": height})
        page.locator(at).evaluate("each => each.scrollIntoView()")
        _PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=_PICTURES / f"{name}.png")
