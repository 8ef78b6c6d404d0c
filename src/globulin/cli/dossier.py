"""Commands for those who edit a dossier: `check` and `schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def check(folder: Path | None = None, /) -> None:
    """Check a dossier folder (default: the bundled one): every fault as file:line:column, exit 1 if any."""
    from globulin.library import open_dossier

    opened = open_dossier(folder)
    records = sum(
        len(getattr(opened, name)) for name in type(opened).model_fields if name != "content_sha256"
    )
    print(f"no faults in {records} records; content {opened.content_sha256[:12]}")


def schema(*, out: Annotated[Path, Parameter(help="Folder to write into.")] = Path("schema")) -> None:
    """Write the JSON Schemas: one per kind of content file, for editors, and that of dossier.json."""
    from globulin.formats.results import to_text, whole_schema
    from globulin.library import json_schemas

    out.mkdir(parents=True, exist_ok=True)
    for name, document in {**json_schemas(), "dossier_json": whole_schema()}.items():
        (out / f"{name}.schema.json").write_text(to_text(document), encoding="utf-8")
    print(out)
