"""The API's own schema in the words of a page: what each address takes, field by field, and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """One field of a request: its path, what may stand there, and what it means."""

    path: str
    kind: str
    meaning: str
    required: bool


@dataclass(frozen=True, slots=True)
class Described:
    """One address."""

    method: str
    path: str
    title: str
    words: str
    answer: str
    fields: tuple[Taken, ...]
    example: str


def described_routes(openapi: Schema) -> tuple[Described, ...]:
    """Every address of an OpenAPI document, in its order."""
    schemas = openapi.get("components", {}).get("schemas", {})
    return tuple(
        _described(method, path, said, schemas)
        for path, methods in openapi["paths"].items()
        for method, said in methods.items()
    )


def _described(method: str, path: str, said: Schema, schemas: Schema) -> Described:
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    fields = [
        Taken(
            each["name"], _kind(each["schema"], schemas), each.get("description", ""), bool(each["required"])
        )
        for each in said.get("parameters", ())
    ]
    example = ""
    if body is not None:
        found = _resolved(body, schemas)
        fields += _fields(found, schemas, "")
        example = json.dumps(found["example"])
    return Described(
        method.upper(),
        path,
        said["summary"],
        said.get("description", ""),
        said["responses"]["200"]["description"].replace("`", ""),
        tuple(fields),
        example,
    )


def _fields(schema: Schema, schemas: Schema, prefix: str) -> Iterator[Taken]:
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        inner = _resolved(_given(field), schemas)
        rows = inner.get("type") == "array"
        record = _resolved(inner["items"], schemas) if rows else inner
        required = name in schema.get("required", ())
        if "properties" in record:
            if field.get("description"):
                yield Taken(path, "rows" if rows else "", field["description"], required)
            yield from _fields(record, schemas, f"{path}[]." if rows else f"{path}.")
        else:
            yield Taken(path, _kind(field, schemas), field.get("description", ""), required)


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    if "$ref" in schema:
        found: Schema = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _given(field: Schema) -> Schema:
    """What a field is where it is given: one that may be left away may be null too."""
    ways = [way for way in field.get("anyOf", ()) if way.get("type") != "null"]
    found: Schema = ways[0] if ways else field
    return found


def _kind(field: Schema, schemas: Schema) -> str:
    schema = _resolved(_given(field), schemas)
    if "enum" in schema:
        return ", ".join(str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of: {_kind(schema['items'], schemas)}"
    words = {"number": "number", "integer": "whole number", "boolean": "true or false", "string": "text"}
    return " ".join(filter(None, (words.get(schema.get("type", ""), "text"), _range(schema))))


def _range(schema: Schema) -> str:
    names = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    return " ".join(f"{words} {schema[name]:g}" for name, words in names.items() if name in schema)
