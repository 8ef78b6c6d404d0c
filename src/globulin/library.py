"""Finds, opens and checks dossiers: YAML files in folders become one frozen `Dossier`.

A person fixes these files by hand, so every fault of a run is answered at once, each with
file:line:column, the key, what is wrong and the likely fix.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from globulin import marked_yaml
from globulin.contents import bundled_dossier, parse
from globulin.dossier import KINDS, Dossier, Kind, SourceList
from globulin.errors import DossierError, Fault, InputError
from globulin.findings import FIGURE_NAMES

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class _File:
    """A parsed file: its data, a mapping, with the places of its keys and values."""

    kind: Kind
    name: str
    marked: marked_yaml.Marked

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.marked.data
        return data


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
    adapters = {kind.folder: TypeAdapter(kind.record) for kind in KINDS}
    for file in files:
        record = _validate(file, adapters[file.kind.folder], known, faults)
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
        schema = TypeAdapter(kind.record).json_schema()
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
            near = _nearest(path.name, by_folder)
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
    return None if marked is None else _File(kind, name, marked)


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
                    faults.append(_fault(file, at, at, problem, "give each its own id"))
                elif isinstance(identifier, str):
                    ids["source"].add(identifier)
            continue
        stem = _stem(file.name)
        ids[file.kind.name].add(stem)
        if file.kind.has_id and isinstance(file.data.get("id"), str) and file.data["id"] != stem:
            problem = f"the id '{file.data['id']}' is not the file's name"
            fix = f"write `id: {stem}` or rename the file"
            faults.append(_fault(file, ("id",), ("id",), problem, fix))
    ids["figure"] = set(FIGURE_NAMES)
    return {kind: frozenset(values) for kind, values in ids.items()}


def _validate(
    file: _File, adapter: TypeAdapter[Any], known: Mapping[str, frozenset[str]], faults: list[Fault]
) -> Any:
    try:
        # JSON mode: lists become tuples and text becomes dates, while "12" is still refused as a number
        return adapter.validate_json(json.dumps(file.data), context=known)
    except ValidationError as error:
        faults.extend(
            _explain(file, detail, known)
            for detail in error.errors(include_url=False)
            # a list whose items all have faults of their own is not short
            if not (detail["type"] == "too_short" and detail["input"])
        )
        return None


def _explain(file: _File, detail: ErrorDetails, known: Mapping[str, frozenset[str]]) -> Fault:
    """One validation error as a fault with its place and the likely fix."""
    context = detail.get("ctx", {})
    loc: Path_ = (*detail["loc"], *context.get("at", ()))
    place = path = _existing(file.data, loc)
    problem, fix = detail["msg"], str(context.get("fix", ""))
    match detail["type"]:
        case "extra_forbidden":
            problem = f"unknown key '{loc[-1]}'"
            fix = _nearest(str(loc[-1]), _sibling_keys(file, loc)) or "remove it or check the spelling"
        case "missing":
            problem, fix = f"'{loc[-1]}' is missing", f"add `{loc[-1]}:`"
            path = (*path, loc[-1])
        case "model_type" if str(context.get("class_name", "")).startswith("Cited"):
            problem = "a value from outside needs its source"
            fix = "write {value: ..., source: <id>, seen: ...} or {missing: <why>}"
        case "too_short":
            problem = f"needs at least {context['min_length']} of them"
        case "unknown_id":
            fix = _nearest(str(context["value"]), known.get(str(context["kind"]), frozenset()))
        case "literal_error":
            problem = f"must be {context['expected']}, not {_short(detail['input'])}"
            fix = _nearest(str(detail["input"]), [str(context["expected"])])
        case kind if kind.endswith(("_type", "_parsing")):
            problem = f"{problem.replace('Input should be', 'must be')}, not {_short(detail['input'])}"
        case _:
            problem = problem.replace("Input should be", "must be")
    return _fault(file, place, path, problem, fix, at_key=detail["type"] == "extra_forbidden")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _sibling_keys(file: _File, loc: Path_) -> list[str]:
    """Keys that the record at `loc` would accept, read off the schema of the file's kind."""
    names: set[str] = set()

    def collect(record: Any) -> None:
        fields = getattr(record, "model_fields", None)
        if fields is not None and record not in visited:
            visited.add(record)
            names.update(fields)
            for field in fields.values():
                collect(field.annotation)
        for argument in get_args(getattr(record, "__value__", record)):
            collect(argument)

    visited: set[Any] = set()
    collect(file.kind.record)
    present = _at(file.data, _existing(file.data, loc[:-1]))
    return sorted(names - set(present if isinstance(present, dict) else ()))


def _nearest(word: str, choices: Any) -> str:
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def _existing(data: Any, loc: Path_) -> Path_:
    """The part of a validation path that exists in the file; names of union members are not keys."""
    path: list[str | int] = []
    for part in loc:
        inside = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if inside:
            path.append(part)
            data = data[part]
    return tuple(path)


def _at(data: Any, path: Path_) -> Any:
    for part in path:
        data = data[part]
    return data


def _dotted(path: Path_) -> str:
    return ".".join(str(part) for part in path)


def _fault(file: _File, place: Path_, key: Path_, problem: str, fix: str, *, at_key: bool = False) -> Fault:
    """A fault at `place`, a path that exists in the file, about `key`, one that may not."""
    return Fault(file.name, *file.marked.place(place, at_key=at_key), _dotted(key), problem, fix)
