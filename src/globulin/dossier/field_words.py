"""What each field of a record means: the words that stand below it in the source.

pydantic can read them while it makes a class, but then every command parses the source of every record. Only
schemas and templates show these words, so only they read them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from globulin.dossier.provenance import Record


@cache
def field_words(record: type[Record]) -> dict[str, str]:
    """The words below each field of a record and of those it extends, by name of the field."""
    words: dict[str, str] = {}
    for kind in reversed(record.__mro__):
        # a record made for one type, such as Cited[float], has no source of its own
        if issubclass(kind, Record) and kind.__pydantic_generic_metadata__["origin"] is None:
            words.update(_below_fields(kind))
    return words


def with_field_words(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema with the words of every record in it, as descriptions of its properties. Changes it."""
    records = {each.__name__: each for each in _records(Record) if each.__module__.startswith(__package__)}
    for part in (schema, *schema.get("$defs", {}).values()):
        record = records.get(part.get("title", ""))
        for name, words in (field_words(record) if record else {}).items():
            if name in part.get("properties", {}):
                part["properties"][name].setdefault("description", words)
    return schema


def _below_fields(record: type[Record]) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _records(record: type[Record]) -> Iterator[type[Record]]:
    for kind in record.__subclasses__():
        yield kind
        yield from _records(kind)
