"""Finds, opens and checks dossiers: YAML files in folders become one frozen `Dossier`.

A person fixes these files by hand, so every fault of a run is answered at once, each with
file:line:column, the key, what is wrong and the likely fix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from globulin.checking import Checker, MarkedFile, nearest
from globulin.contents import bundled_dossier, parse
from globulin.dossier import KINDS, Dossier, Kind, SourceList
from globulin.dossier.field_words import with_field_words
from globulin.errors import DossierError, Fault, InputError
from globulin.findings import FIGURE_NAMES


@dataclass(frozen=True)
class _File(MarkedFile):
    """A parsed file of one kind of content."""

    kind: Kind


def open_dossier(folder: Path | None = None) -> Dossier:
    """Read and check a dossier folder (None: the bundled one).

    Raises `DossierError` with every fault if there is one, `InputError` if there is no such folder.
    """
    folder = bundled_dossier() if folder is None else folder
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder that holds studies/, products/, ...")
    digest = hashlib.sha256()
    faults: list[Fault] = []
    files: list[_File] = []
    for kind, path in _content_files(folder, faults):
        raw = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest.update(name.encode() + b"\0" + raw + b"\0")
        parsed = _parse(kind, name, raw, faults)
        if parsed is not None:
            files.append(parsed)
    known = _known_ids(files, faults)
    fields: dict[str, dict[str, Any]] = {kind.folder: {} for kind in KINDS}
    checkers = {kind.folder: Checker(kind.record) for kind in KINDS}
    for file in files:
        record = checkers[file.kind.folder].check(file, known, faults)
        if isinstance(record, SourceList):
            fields["sources"].update({source.id: source for source in record.sources})
        elif record is not None:
            fields[file.kind.folder][_stem(file.name)] = record
    if faults:
        raise DossierError(faults)
    # the records are validated already; validating the whole again would only cost time
    by_id: dict[str, Any] = {name: dict(sorted(records.items())) for name, records in fields.items()}
    return Dossier.model_construct(None, **by_id, content_sha256=digest.hexdigest())


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of each kind of content file, by folder, for editors."""
    schemas = {}
    for kind in KINDS:
        schema = with_field_words(TypeAdapter(kind.record).json_schema())
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schemas[kind.folder] = schema
    return schemas


def _stem(name: str) -> str:
    return Path(name).stem


def _content_files(folder: Path, faults: list[Fault]) -> Iterator[tuple[Kind, Path]]:
    """Every content file in a fixed order; a stray file or folder is a fault, since it would be ignored."""
    by_folder = {kind.folder: kind for kind in KINDS}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in by_folder and not path.name.startswith("."):
            near = nearest(path.name, by_folder)
            faults.append(Fault(path.name, 1, 1, "", f"'{path.name}/' is no kind of content", near))
    for kind in KINDS:
        for path in sorted((folder / kind.folder).glob("*")):
            if path.suffix == ".yaml":
                yield kind, path
            elif not path.name.startswith("."):
                name = path.relative_to(folder).as_posix()
                faults.append(
                    Fault(name, 1, 1, "", "not read: content files end in .yaml", "rename or move it")
                )


def _parse(kind: Kind, name: str, raw: bytes, faults: list[Fault]) -> _File | None:
    marked = parse(name, raw, faults)
    return None if marked is None else _File(name, marked, kind)


def _known_ids(files: list[_File], faults: list[Fault]) -> dict[str, frozenset[str]]:
    """Ids by kind, gathered before validation so that references can be checked in any file order."""
    ids: dict[str, set[str]] = {kind.name: set() for kind in KINDS}
    for file in files:
        if file.kind.name == "source":
            listed = file.data.get("sources")
            for index, entry in enumerate(listed if isinstance(listed, list) else []):
                identifier = entry.get("id") if isinstance(entry, dict) else None
                if isinstance(identifier, str) and identifier in ids["source"]:
                    at = ("sources", index, "id")
                    problem = f"the source id '{identifier}' is used twice"
                    faults.append(file.fault(at, at, problem, "give each its own id"))
                elif isinstance(identifier, str):
                    ids["source"].add(identifier)
            continue
        stem = _stem(file.name)
        ids[file.kind.name].add(stem)
        if file.kind.has_id and isinstance(file.data.get("id"), str) and file.data["id"] != stem:
            problem = f"the id '{file.data['id']}' is not the file's name"
            fix = f"write `id: {stem}` or rename the file"
            faults.append(file.fault(("id",), ("id",), problem, fix))
    ids["figure"] = set(FIGURE_NAMES)
    return {kind: frozenset(values) for kind, values in ids.items()}
