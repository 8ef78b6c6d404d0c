"""YAML 1.2 as plain data that remembers where everything stood.

A person fixes these files by hand, so the place of every key and value is kept. Loaders forget places, and
their node trees resolve types by YAML 1.1 tables at half of the whole reading time; so data is built here
from the parser's events, under the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/, section 10.3). Aliases
and tags are faults: a reader of a file should see each value where it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""

MAX_DEPTH = 50
MAX_DIGITS = 18
_PLAIN = re.compile(
    r"(?P<null>~|null|Null|NULL|)$"
    r"|(?P<true>true|True|TRUE)$|(?P<false>false|False|FALSE)$"
    r"|(?P<int>[-+]?[0-9]+)$|(?P<based>0o[0-7]+|0x[0-9a-fA-F]+)$"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$"
    r"|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


@dataclass(frozen=True)
class Flaw:
    """Something that makes a text no YAML we read: where, in which key, what, and the likely fix."""

    place: Place
    path: Path
    problem: str
    fix: str = ""


@dataclass
class Marked:
    """Plain data with the places of its keys and values, and every flaw found while reading."""

    data: Any = None
    flaws: list[Flaw] = field(default_factory=list)
    _values: dict[Path, Place] = field(default_factory=dict)
    _keys: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path, *, at_key: bool = False) -> Place:
        """Where the value at `path` stands, or with `at_key` the key that holds it. KeyError if not there."""
        if at_key and path in self._keys:
            return self._keys[path]
        return self._values[path]


def read(text: str) -> Marked:
    """Read one YAML document. All flaws that can be found are; a syntax error ends the reading."""
    marked = Marked()
    try:
        events = _events(text)
        marked.data = _build(next(events, None), events, (), marked)
        extra = next(events, None)
        if extra is not None:
            marked.flaws.append(Flaw(_place(extra), (), "a second document starts here", "split the file"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        tab = "tab" in str(error.problem) or _has_tab(text, line)
        fix = "indent with spaces" if tab else ""
        marked.flaws.append(Flaw((line, column), (), f"not valid YAML: {error.problem}", fix))
    except YAMLError as error:
        marked.flaws.append(Flaw((1, 1), (), f"not valid YAML: {' '.join(str(error).split())}"))
    return marked


def _events(text: str) -> Iterator[Event]:
    """Events that start or end a node; a second document shows as its start event."""
    documents = 0
    for event in YAML(typ="safe").parse(text):
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield event
        elif isinstance(event, NodeEvent) or type(event).__name__ in ("SequenceEndEvent", "MappingEndEvent"):
            yield event


def _place(event: Event) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _has_tab(text: str, line: int) -> bool:
    lines = text.splitlines()
    return any("\t" in lines[i] for i in (line - 2, line - 1) if 0 <= i < len(lines))


def _build(event: Event | None, events: Iterator[Event], path: Path, marked: Marked) -> Any:
    """The node that starts with `event`, as plain data; its events are used up."""
    if event is None:
        return None
    marked._values.setdefault(path, _place(event))
    if isinstance(event, AliasEvent):
        flaw = "an alias (*) points elsewhere", "write the value out; aliases are not read"
        marked.flaws.append(Flaw(_place(event), path, *flaw))
        return None
    tag = getattr(event, "tag", None)
    if tag is not None and not (isinstance(event, ScalarEvent) and str(tag) == "!"):
        flaw = f"the tag {tag} is not read", "remove it"
        marked.flaws.append(Flaw(_place(event), path, *flaw))
    if isinstance(event, ScalarEvent):
        return _scalar(event, path, marked)
    if len(path) > MAX_DEPTH:
        raise YAMLError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(event, SequenceStartEvent):
        return [_build(item, events, (*path, index), marked) for index, item in enumerate(_until_end(events))]
    if isinstance(event, MappingStartEvent):
        return _mapping(events, path, marked)
    return None


def _until_end(events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        if not isinstance(event, NodeEvent):
            return
        yield event


def _mapping(events: Iterator[Event], path: Path, marked: Marked) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_event in _until_end(events):
        if isinstance(key_event, ScalarEvent):
            key = str(key_event.value)
            flaw = (f"the key '{key}' stands twice in the same mapping", "keep one of them")
            new = key not in data
        else:
            # what is no text is read to its end all the same, so that what follows is still understood
            _build(key_event, events, (*path, "?"), Marked())
            key, new, flaw = "?", False, ("a key must be text", "put the key in quotes")
        value_event = next(events, None)
        if new:
            marked._keys[(*path, key)] = _place(key_event)
            data[key] = _build(value_event, events, (*path, key), marked)
        else:
            marked.flaws.append(Flaw(_place(key_event), path, *flaw))
            _build(value_event, events, (*path, "?"), Marked())
    return data


def _scalar(event: ScalarEvent, path: Path, marked: Marked) -> Any:
    """Value of a scalar under the core schema; what is quoted, and every date, stays text."""
    text: str = event.value
    found = _PLAIN.match(text) if event.implicit[0] else None
    match found.lastgroup if found else "text":
        case "null":
            return None
        case "true" | "false" as word:
            return word == "true"
        case "int" | "based" as kind:
            if len(text) > MAX_DIGITS:
                flaw = f"a number of more than {MAX_DIGITS} digits", "check it"
                marked.flaws.append(Flaw(_place(event), path, *flaw))
                return None
            return int(text) if kind == "int" else int(text, 0)
        case "float":
            return float(text)
        case "endless":
            problem = f"{text} is not a number that can be computed with"
            marked.flaws.append(Flaw(_place(event), path, problem, "write a plain number"))
            return None
    return text
