"""YAML 1.2 core schema, places, and flaws that are answered instead of guessed at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.marked_yaml import read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, section 10.3.2, tag resolution of the core schema
        ("null", None), ("~", None), ("", None), ("Null", None),
        ("true", True), ("FALSE", False), ("yes", "yes"), ("no", "no"), ("on", "on"),
        ("0", 0), ("-19", -19), ("+12", 12), ("012", 12), ("0o14", 12), ("0x3A", 58), ("1_000", "1_000"),
        ("0.", 0.0), ("-0.0", -0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -200000.0), ("1e3", 1000.0),
        ("'12'", "12"), ('"true"', "true"), ("2025-10-01", "2025-10-01"), ("12:30", "12:30"),
        ("1.2.3", "1.2.3"),
        ("[a, 2, [3.5]]", ["a", 2, [3.5]]), ("{a: {b: c}}", {"a": {"b": "c"}}),
    ],
)  # fmt: skip
def test_core_schema(text: str, value: Any) -> None:
    marked = read(f"key: {text}\n")
    assert marked.flaws == []
    assert marked.data == {"key": value}
    assert type(marked.data["key"]) is type(value)


def test_places_of_keys_and_values() -> None:
    marked = read("a: 1\nb:\n  - {c: x,\n     d: [2, 3]}\n")
    assert marked.place(("a",)) == (1, 4)
    assert marked.place(("a",), at_key=True) == (1, 1)
    assert marked.place(("b", 0)) == (3, 5)
    assert marked.place(("b", 0, "d")) == (4, 9)
    assert marked.place(("b", 0, "d", 1)) == (4, 13)
    assert marked.place(("b", 0, "d"), at_key=True) == (4, 6)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1), "stands twice"),
        ("a: &x 1\nb: *x\n", (2, 4), "alias"),
        ("a: !!python/name:os.system x\n", (1, 4), "tag"),
        ("a: .inf\n", (1, 4), "computed with"),
        ("a: 1\n---\nb: 2\n", (2, 1), "second document"),
        ("? [1, 2]\n: 3\nb: 4\n", (1, 3), "a key must be text"),
        ("a:\n\t- 1\n", (2, 1), "not valid YAML"),
        ("a: [1, 2\n", (2, 1), "not valid YAML"),
    ],
)
def test_flaws_have_their_place(text: str, place: tuple[int, int], problem: str) -> None:
    (flaw,) = read(text).flaws
    assert flaw.place == place
    assert problem in flaw.problem


def test_several_flaws_come_together_and_the_rest_is_read() -> None:
    marked = read("a: 1\na: {x: [1]}\n? {k: v}\n: [2, {z: 3}]\nb: .nan\nc: 4\n")
    assert len(marked.flaws) == 3
    assert marked.data == {"a": 1, "b": None, "c": 4}


def test_deep_nesting_is_refused_not_run_into() -> None:
    (flaw,) = read("[" * 2000 + "]" * 2000).flaws
    assert "deep" in flaw.problem


# unprintable characters may not stand in YAML, and its line breaks are folded
TEXT = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=12)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXT, PLAIN, max_size=4))
def test_every_json_text_is_yaml(data: dict[str, Any]) -> None:
    """YAML 1.2.2, section 1.3: JSON files are valid YAML; Python's own writer is the outside truth."""
    marked = read(json.dumps(data, ensure_ascii=False))
    assert marked.flaws == []
    assert marked.data == data
