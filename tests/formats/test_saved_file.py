"""Saved plans and levels: what goes in comes out, and whatever else comes in is answered in one line."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.asked import InfusionAsked, PatientAsked, PersonAsked, PriceAsked, RegimenAsked
from globulin.dossier.letter import LetterFacts
from globulin.errors import InputError
from globulin.formats.saved_file import (
    MAX_BYTES,
    SavedDose,
    SavedLevel,
    SavedLevels,
    SavedPlan,
    read_saved,
    read_saved_levels,
    saved_text,
)

_NUMBERS = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)
_TEXTS = st.text(max_size=40)


def _of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field of the asked records."""
    kinds: list[st.SearchStrategy[Any]] = []
    for each in get_args(hint) or (hint,):
        if each is type(None):
            kinds.append(st.none())
        elif each is bool:
            kinds.append(st.booleans())
        elif each is int:
            kinds.append(st.integers(-1000, 1000))
        elif each is float:
            kinds.append(_NUMBERS)
        elif each is str:
            kinds.append(_TEXTS)
        else:
            kinds.append(st.sampled_from(get_args(each) or (each,)))
    return st.one_of(kinds)


def _records(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{each.name: _of(hints[each.name]) for each in fields(kind)})


@given(
    st.builds(
        SavedPlan,
        patient=_records(PatientAsked),
        regimen=_records(RegimenAsked),
        infusion=_records(InfusionAsked),
        price=_records(PriceAsked),
    )
)
@settings(deadline=None)  # the first one makes the readers
def test_whatever_was_asked_comes_back(plan: SavedPlan) -> None:
    assert read_saved(saved_text(plan).encode()) == plan


def test_the_facts_of_a_letter_come_back() -> None:
    facts = {
        "patient_name": "A",
        "date_of_birth": "1980-12-31",
        "diagnoses": [{"code": "G93.32", "text": "ME"}],
    }
    plan = SavedPlan(letter=LetterFacts.model_validate_json(json.dumps(facts)))
    assert read_saved(saved_text(plan).encode()) == plan


def test_only_what_was_said_is_written() -> None:
    plan = SavedPlan(patient=PatientAsked(weight_kg=62.0), regimen=RegimenAsked(dose_g_per_kg=0.4))
    assert json.loads(saved_text(plan)) == {
        "globulin": "plan",
        "version": 1,
        "patient": {"weight_kg": 62.0},
        "regimen": {"dose_g_per_kg": 0.4},
        "infusion": {},
        "price": {},
    }


def test_a_file_of_another_editor_opens() -> None:
    """A byte order mark and another order of the fields are no damage."""
    raw = b'\xef\xbb\xbf{"patient": {"weight_kg": 62}, "version": 1, "globulin": "plan"}'
    assert read_saved(raw).patient.weight_kg == 62.0


HEAD = '"globulin": "plan", "version": 1'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ('{"globulin": "plan", "globulin": "plan"}', "cannot be read as JSON"),
        (f'{{{HEAD}, "patient": {{"weight_kg": NaN}}}}', "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("9" * 5000, "cannot be read as JSON"),
        ("[]", "no saved plan of globulin"),
        ('{"weight_kg": 62}', "no saved plan of globulin"),
        ('{"globulin": "levels", "version": 1}', "it holds measured levels, which open on the screen Levels"),
        ('{"globulin": ["plan"], "version": 1}', "no saved plan of globulin"),
        ('{"globulin": "plan"}', "its version is no whole number"),
        ('{"globulin": "plan", "version": true}', "its version is no whole number"),
        ('{"globulin": "plan", "version": "1"}', "its version is no whole number"),
        ('{"globulin": "plan", "version": 2, "more": 1}', "saved by a newer globulin (version 2"),
        (f'{{{HEAD}, "more": 1}}', "a field that this version does not know: 'more'"),
        (f'{{{HEAD}, "patient": {{"weight": 62}}}}', "does not know: 'patient.weight'"),
        (f'{{{HEAD}, "patient": {{"<b>": 62}}}}', "does not know: 'patient.one of its names'"),
        (f'{{{HEAD}, "patient": []}}', "'patient' is no group of fields"),
        (f'{{{HEAD}, "patient": {{"weight_kg": "62"}}}}', "'patient.weight_kg' holds a value"),
        (f'{{{HEAD}, "patient": {{"weight_kg": true}}}}', "'patient.weight_kg' holds a value"),
        (f'{{{HEAD}, "patient": {{"weight_kg": 1e999}}}}', "'patient.weight_kg' holds a value"),
        (f'{{{HEAD}, "regimen": {{"route": "po"}}}}', "'regimen.route' holds a value"),
        (f'{{{HEAD}, "regimen": {{"doses": 1.5}}}}', "'regimen.doses' holds a value"),
        (f'{{{HEAD}, "patient": {{"has": "{"x" * 3000}"}}}}', "'patient.has' holds a value"),
        (f'{{{HEAD}, "letter": {{"age": 1}}}}', "'letter.age' holds a value"),
        (
            f'{{{HEAD}, "letter": {{"diagnoses": [{{"code": "x", "text": "y"}}]}}}}',
            "'letter.diagnoses.0.code'",
        ),
    ],
)
def test_what_is_no_saved_plan_is_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read_saved(text.encode())
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_too_large_or_not_text_is_one_line() -> None:
    with pytest.raises(InputError, match="too large"):
        read_saved(b" " * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="cannot be read as JSON"):
        read_saved(b"\xff\xfe\x00")


@given(st.binary(max_size=200) | _TEXTS.map(str.encode))
def test_no_file_at_all_does_more_than_be_refused(raw: bytes) -> None:
    with pytest.raises(InputError):
        read_saved(raw)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | _TEXTS,
        lambda each: st.lists(each) | st.dictionaries(_TEXTS, each),
        max_leaves=8,
    )
)
def test_no_value_of_a_field_does_more_than_be_refused_or_read(value: Any) -> None:
    raw = json.dumps({"globulin": "plan", "version": 1, "patient": {"has": value, "weight_kg": value}})
    try:
        read_saved(raw.encode())
    except InputError as refused:
        said = str(refused)
        # a message names the field and never what stands in it
        assert not (isinstance(value, str) and len(value) > 12 and value in said)


# --- levels --------------------------------------------------------------------------------------------


@given(
    st.builds(
        SavedLevels,
        model=st.text(min_size=1, max_size=40),
        person=_records(PersonAsked),
        doses=st.lists(_records(SavedDose), max_size=5).map(tuple),
        levels=st.lists(_records(SavedLevel), max_size=5).map(tuple),
        at_day=st.lists(_NUMBERS, max_size=5).map(tuple),
    )
)
@settings(deadline=None)  # the first one makes the readers
def test_whatever_levels_were_asked_come_back(levels: SavedLevels) -> None:
    assert read_saved_levels(saved_text(levels).encode()) == levels


def test_of_levels_too_only_what_was_said_is_written() -> None:
    levels = SavedLevels(
        model="normal",
        person=PersonAsked(weight_kg=62.0),
        doses=(SavedDose(day=0.0, dose_g=25.0, interval_day=28.0, additional=4),),
        levels=(
            SavedLevel(day=28.0, igg_g_per_l=11.2),
            SavedLevel(day=56.0, igg_g_per_l=2.0, below_limit=True),
        ),
        at_day=(84.0,),
    )
    assert json.loads(saved_text(levels)) == {
        "globulin": "levels",
        "version": 1,
        "model": "normal",
        "person": {"weight_kg": 62.0},
        "doses": [{"day": 0.0, "dose_g": 25.0, "interval_day": 28.0, "additional": 4}],
        "levels": [
            {"day": 28.0, "igg_g_per_l": 11.2},
            {"day": 56.0, "igg_g_per_l": 2.0, "below_limit": True},
        ],
        "at_day": [84.0],
    }


LEVELS = '"globulin": "levels", "version": 1, "model": "normal"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "no saved set of levels of globulin"),
        ('{"globulin": "plan", "version": 1}', "it holds a plan, which opens on the screen Plan"),
        ('{"globulin": {}, "version": 1}', "no saved set of levels of globulin"),
        ('{"globulin": "levels", "version": 2}', "saved by a newer globulin (version 2"),
        ('{"globulin": "levels", "version": 1}', "'model' holds a value"),
        ('{"globulin": "levels", "version": 1, "model": 5}', "'model' holds a value"),
        (f'{{{LEVELS}, "more": 1}}', "a field that this version does not know: 'more'"),
        (f'{{{LEVELS}, "doses": {{}}}}', "'doses' is no list of up to 1000 rows"),
        (f'{{{LEVELS}, "doses": [{", ".join(["{}"] * 1001)}]}}', "'doses' is no list of up to 1000 rows"),
        (f'{{{LEVELS}, "doses": [5]}}', "'doses.0' is no group of fields"),
        (f'{{{LEVELS}, "doses": [{{"day": 0}}]}}', "'doses.0.dose_g' holds a value"),
        (f'{{{LEVELS}, "doses": [{{"day": 0, "dose_g": "5"}}]}}', "'doses.0.dose_g' holds a value"),
        (
            f'{{{LEVELS}, "doses": [{{"day": 0, "dose_g": 5, "route": "po"}}]}}',
            "'doses.0.route' holds a value",
        ),
        (f'{{{LEVELS}, "levels": [{{"day": 0, "igg": 5}}]}}', "does not know: 'levels.0.igg'"),
        (f'{{{LEVELS}, "levels": [{{"day": 1e999, "igg_g_per_l": 5}}]}}', "'levels.0.day' holds a value"),
        (f'{{{LEVELS}, "at_day": 84}}', "'at_day' holds a value"),
        (f'{{{LEVELS}, "at_day": [true]}}', "'at_day' holds a value"),
        (f'{{{LEVELS}, "at_day": [1e999]}}', "'at_day' holds a value"),
        (f'{{{LEVELS}, "person": {{"weight_kg": "62"}}}}', "'person.weight_kg' holds a value"),
    ],
)
def test_what_are_no_saved_levels_is_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read_saved_levels(text.encode())
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=200) | _TEXTS.map(str.encode))
def test_no_file_at_all_is_read_as_levels(raw: bytes) -> None:
    with pytest.raises(InputError):
        read_saved_levels(raw)
