"""How an answer leaves the program: text as it is, a document as JSON, a view as rich draws it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType


def put_text(text: str) -> None:
    """Write text that is complete, such as CSV or JSON, byte for byte."""
    sys.stdout.write(text)


def put(result: dict[str, Any] | RenderableType) -> None:
    """Write a document as JSON, or draw a view for the terminal."""
    if isinstance(result, dict):
        from globulin.formats.results import to_text

        put_text(to_text(result))
    else:
        from rich.console import Console

        Console().print(result)
