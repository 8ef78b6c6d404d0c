"""Checks plain data against a record; every fault comes with its place in the file and the likely fix.

A person fixes these files by hand. The checker of records knows paths, not lines, and speaks of types; here
a path becomes file:line:column and the message says what was meant.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from globulin.errors import Fault
from globulin.marked_yaml import Marked, Path

_SHOWN = 40


@dataclass(frozen=True)
class MarkedFile:
    """A parsed file: its name, and its data, a mapping, with the places of its keys and values."""

    name: str
    marked: Marked

    @property
    def data(self) -> dict[str, Any]:
        """The mapping that the file holds."""
        data: dict[str, Any] = self.marked.data
        return data

    def fault(self, place: Path, key: Path, problem: str, fix: str, *, at_key: bool = False) -> Fault:
        """A fault at `place`, a path that exists in the file, about `key`, one that may not."""
        line, column = self.marked.place(place, at_key=at_key)
        return Fault(self.name, line, column, ".".join(map(str, key)), problem, fix)


class Checker:
    """Makes records of one type of marked files."""

    def __init__(self, record: Any) -> None:
        self._record = record
        self._adapter: TypeAdapter[Any] = TypeAdapter(record)

    def check(self, file: MarkedFile, known: Mapping[str, Collection[str]], faults: list[Fault]) -> Any:
        """The record, or None with every fault added to `faults`. `known`: ids that exist, by kind."""
        try:
            # JSON mode: lists become tuples and text becomes dates, while "12" is still refused as a number
            return self._adapter.validate_json(json.dumps(file.data), context=known)
        except ValidationError as error:
            faults.extend(
                self._explain(file, detail, known)
                for detail in error.errors(include_url=False)
                # a list whose items all have faults of their own is not short
                if not (detail["type"] == "too_short" and detail["input"])
            )
            return None

    def _explain(self, file: MarkedFile, detail: ErrorDetails, known: Mapping[str, Collection[str]]) -> Fault:
        """One validation error as a fault with its place and the likely fix."""
        context = detail.get("ctx", {})
        loc: Path = (*detail["loc"], *context.get("at", ()))
        place = path = _existing(file.data, loc)
        problem, fix = detail["msg"], str(context.get("fix", ""))
        match detail["type"]:
            case "extra_forbidden":
                problem = f"unknown key '{loc[-1]}'"
                fix = (
                    nearest(str(loc[-1]), self._missing_keys(file, loc)) or "remove it or check the spelling"
                )
            case "missing":
                problem, fix = f"'{loc[-1]}' is missing", f"add `{loc[-1]}:`"
                path = (*path, loc[-1])
            case "model_type" if str(context.get("class_name", "")).startswith("Cited"):
                problem = "a value from outside needs its source"
                fix = "write {value: ..., source: <id>, seen: ...} or {missing: <why>}"
            case "too_short":
                problem = f"needs at least {context['min_length']} of them"
            case "too_long" | "string_too_long":
                given, what = detail["input"], "characters" if isinstance(detail["input"], str) else "of them"
                problem, fix = f"has {len(given)} {what}, at most {context['max_length']} fit", "shorten it"
            case "unknown_id":
                fix = nearest(str(context["value"]), known.get(str(context["kind"]), ()))
            case "literal_error":
                problem = f"must be {context['expected']}, not {_short(detail['input'])}"
                fix = nearest(str(detail["input"]), [str(context["expected"])])
            case kind if kind.endswith("_type") and detail["input"] is None:
                problem, fix = "has no value", "give one or remove the line"
            case kind if kind.endswith(("_type", "_parsing")):
                problem = f"{problem.replace('Input should be', 'must be')}, not {_short(detail['input'])}"
                fix = {"bool_type": "write true or false", "string_type": "put it in quotes"}.get(kind, fix)
            case _:
                problem = problem.replace("Input should be", "must be")
        at_key = detail["type"] == "extra_forbidden" or loc[-1:] == ("[key]",)
        return file.fault(place, path, problem, fix, at_key=at_key)

    def _missing_keys(self, file: MarkedFile, loc: Path) -> list[str]:
        """Keys that the record at `loc` would accept and does not have, read off the record's schema."""
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
        collect(self._record)
        present: Any = file.data
        for part in _existing(file.data, loc[:-1]):
            present = present[part]
        return sorted(names - set(present if isinstance(present, dict) else ()))


def nearest(word: str, choices: Iterable[str]) -> str:
    """What was probably meant, as a likely fix; empty if nothing is near."""
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _existing(data: Any, loc: Path) -> Path:
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
