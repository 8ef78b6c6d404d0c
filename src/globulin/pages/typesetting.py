"""Sets templates of this folder as tagged PDF with typst, with the fonts of this folder and no others.

Everything goes to typst as JSON and is set there as plain text, so nothing that is printed can act as markup.
It stands apart from what is printed, so that a plan need not load what the living page needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import typst

from globulin.errors import RenderError


def compile_pdfs(contents: Mapping[str, Mapping[str, Any]], made_on: date | None) -> dict[str, bytes]:
    """Each template, by name, set with its content as PDF/UA-1. Same arguments, same bytes.

    `made_on` is set as the documents' date; None leaves it out. One start of the compiler serves them all.
    Raises RenderError where typst refuses a document or warns about it, since either could mean hidden text.
    """
    folder = Path(str(resources.files("globulin"))) / "pages"
    stamp = None if made_on is None else datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC)
    compiler = typst.Compiler(root=folder, font_paths=[folder / "fonts"], ignore_system_fonts=True)
    return {
        template: _compiled(compiler, folder / template, contents[template], stamp) for template in contents
    }


def _compiled(
    compiler: typst.Compiler, template: Path, content: Mapping[str, Any], stamp: datetime | None
) -> bytes:
    try:
        pdf, warnings = compiler.compile_with_warnings(
            input=template,
            format="pdf",
            pdf_standards=["ua-1"],
            sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
            timestamp=stamp,
        )
    except typst.TypstError as error:
        hint = f" ({'; '.join(error.hints)})" if error.hints else ""
        raise RenderError(f"{template.name} could not be set: {error.message}{hint}") from error
    if warnings:
        raise RenderError(f"{template.name} was set with warnings: {'; '.join(w.message for w in warnings)}")
    if not isinstance(pdf, bytes):
        raise RenderError(f"{template.name} came out empty")
    return pdf
