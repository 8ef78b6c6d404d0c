"""A person's file: what is given is read, every fault is answered with its place, nothing else is told."""

from __future__ import annotations

import json
import logging
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.dossier.condition import Condition
from globulin.dossier.patient import Patient
from globulin.errors import FaultsError, InputError
from globulin.formats.patient_file import MAX_BYTES, read_patient, template

CONDITIONS = (
    Condition(
        id="iga_deficiency",
        name="lack of IgA",
        plain="Hardly any IgA in the blood.",
        question="Does the person lack IgA (an antibody of the linings)?",
    ),
    Condition(
        id="prolonged_immobility",
        name="prolonged immobility",
        plain="Mostly in bed.",
        question="Is the person in bed or in a chair for most of the day, week after week: # hours?",
    ),
)
IDS = tuple(condition.id for condition in CONDITIONS)

WHOLE = """\
label: Case 7
weight_kg: 61.5
height_cm: 168
sex: female
age_year: 34
pre_pregnancy_weight_kg: 58
baseline_igg_g_per_l: 9.8
conditions:
  iga_deficiency: false
  prolonged_immobility: true
doses:
  - {on_day: -28, route: iv, dose: {g_per_kg: 0.4}}
levels:
  - {on_day: -1, igg_g_per_l: 9.8}
letter:
  patient_name: Ada Example
  date_of_birth: 1990-02-03
  diagnoses:
    - {code: G93.32, text: Myalgic encephalomyelitis/chronic fatigue syndrome}
  earlier_treatments:
    - {what: Pacing, when: since 2019}
  review_week: 26
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "person.yaml"


def read(file: Path, text: str | bytes) -> Patient:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_patient(file, IDS)


def faults(file: Path, text: str | bytes) -> list[str]:
    with pytest.raises(FaultsError) as caught:
        read(file, text)
    return [str(fault) for fault in caught.value.faults]


def test_everything_that_is_given_is_read(file: Path) -> None:
    patient = read(file, WHOLE)
    assert (patient.label, patient.weight_kg, patient.height_cm, patient.sex) == (
        "Case 7",
        61.5,
        168,
        "female",
    )
    assert (patient.age_year, patient.pre_pregnancy_weight_kg, patient.baseline_igg_g_per_l) == (34, 58, 9.8)
    assert patient.conditions == {"iga_deficiency": False, "prolonged_immobility": True}
    assert patient.doses[0].dose.g_per_kg == 0.4
    assert patient.levels[0].on_day == -1
    letter = patient.letter
    assert letter is not None
    assert (letter.patient_name, letter.date_of_birth) == ("Ada Example", date(1990, 2, 3))
    assert letter.diagnoses[0].code == "G93.32"
    assert letter.earlier_treatments[0].outcome is None
    assert letter.review_week == 26


def test_what_is_not_given_is_not_made_up(file: Path) -> None:
    patient = read(file, "label: x\nweight_kg: 70\nconditions:\nletter: {}\n")
    given = patient.model_dump(exclude_defaults=True)
    assert given == {"label": "x", "weight_kg": 70.0, "letter": {}}
    assert patient.letter is not None
    assert not any(patient.letter.model_dump().values())


def test_a_question_left_blank_was_not_asked(file: Path) -> None:
    assert read(file, "label: x\nweight_kg: 70\nconditions: {iga_deficiency: }\n").conditions == {}


def test_json_is_read_by_the_same_rules(file: Path) -> None:
    data = {"label": "x", "weight_kg": 70, "conditions": {"iga_deficiency": True}, "letter": None}
    assert read(file, json.dumps(data, indent=1)).conditions == {"iga_deficiency": True}
    data["conditions"] = {"iga_deficency": True}
    assert faults(file, json.dumps(data, indent=1)) == [
        "person.yaml:5:3: conditions.iga_deficency: no condition has the id 'iga_deficency'"
        " (did you mean 'iga_deficiency'?)"
    ]


# replacement of a line of WHOLE, and the message that answers it
SEEDED = {
    "no weight": ("weight_kg: 61.5\n", "", "1:1: weight_kg: 'weight_kg' is missing (add `weight_kg:`)"),
    "blank weight": ("61.5", "", "2:11: weight_kg: has no value (give one or remove the line)"),
    "weight in grams": ("61.5", "61500", "2:12: weight_kg: must be less than or equal to 400"),
    "height in metres": ("168", "1.68", "3:12: height_cm: must be greater than 20"),
    "misspelt key": (
        "age_year",
        "age_years",
        "5:1: age_years: unknown key 'age_years' (did you mean 'age_year'?)",
    ),
    "yes for true": (
        "prolonged_immobility: true",
        "prolonged_immobility: yes",
        "10:25: conditions.prolonged_immobility: must be a valid boolean, not 'yes' (write true or false)",
    ),
    "unknown condition": (
        "prolonged_immobility",
        "prolonged_imobility",
        "10:3: conditions.prolonged_imobility: no condition has the id 'prolonged_imobility'"
        " (did you mean 'prolonged_immobility'?)",
    ),
    "choice": ("female", "f", "4:6: sex: must be 'female' or 'male', not 'f'"),
    "a day that is none": ("1990-02-03", "1990-02-30", "17:18: letter.date_of_birth: must be a valid date"),
    "number for text": (
        "Ada Example",
        "12345",
        "16:17: letter.patient_name: must be a valid string, not 12345 (put it in quotes)",
    ),
    "code": (
        "G93.32",
        "CFS",
        "19:14: letter.diagnoses.0.code: 'CFS' has not the form of an ICD-10-CM code (as G93.32)",
    ),
    "too long": (
        "Ada Example",
        "A" * 61,
        "16:17: letter.patient_name: has 61 characters, at most 60 fit (shorten it)",
    ),
    "key twice": ("label: Case 7", "label: a\nlabel: b", "2:1: the key 'label' stands twice"),
    "tab": ("  prolonged", "\tprolonged", "10:1: not valid YAML"),
    "alias": ("label: Case 7", "label: &a x\nsex: *a", "2:6: sex: an alias (*) points elsewhere"),
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_fault_is_answered_with_its_place_and_the_likely_fix(file: Path, name: str) -> None:
    old, new, said = SEEDED[name]
    assert WHOLE.count(old) == 1, "the seed must change exactly one place"
    found = faults(file, WHOLE.replace(old, new))
    assert any(fault.startswith(f"person.yaml:{said}") for fault in found), found


def test_every_fault_is_answered_at_once_in_the_order_of_the_file(file: Path) -> None:
    text = WHOLE.replace("61.5", "-1").replace("sex: female", "sex: 3").replace("on_day: -1", "on_day: x")
    places = [tuple(map(int, fault.split(":")[1:3])) for fault in faults(file, text)]
    assert places == sorted(places)
    assert [line for line, _ in places] == [2, 4, 14]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the file is not a mapping of keys to values (start with `label:`)"),
        (b"- 1", "the file is not a mapping"),
        (b"label: \xff\n", "person.yaml:1:1: not UTF-8 text (save the file as UTF-8)"),
        ("label: x\nweight_kg: 70\n".encode("utf-16"), "not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "larger than 1,000,000 bytes"),
        (b"[" * 100_000, "nested more than"),
        (b"label: x\nweight_kg: 70\n---\nlabel: y\n", "a second document starts here"),
    ],
    ids=["empty", "list", "latin-1", "utf-16", "large", "deep", "two"],
)
def test_what_is_no_patient_file_is_refused_in_words(file: Path, raw: bytes, said: str) -> None:
    assert any(said in fault for fault in faults(file, raw))


def test_no_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^none\.yaml: no such file; `globulin plan --template`"):
        read_patient(tmp_path / "none.yaml", ())


def test_a_message_tells_nothing_but_the_field_and_the_faulty_value(
    file: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    (said,) = faults(file, WHOLE.replace("61.5", "heavy"))
    for secret in ("Ada", "1990", "Case 7", "Pacing", "prolonged"):
        assert secret not in said
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_a_message_cannot_steer_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb.yaml"
    for fault in faults(path, 'label: "\\e[2J"\n"k\\e[31m": 1\nsex: "\\e[0m"\n'):
        assert fault.isprintable(), repr(fault)


def test_the_template_is_valid_once_the_weight_is_filled_in(file: Path) -> None:
    text = template(CONDITIONS)
    assert faults(file, text) == ["person.yaml:5:11: weight_kg: has no value (give one or remove the line)"]
    patient = read(file, text.replace("weight_kg:", "weight_kg: 70", 1))
    assert patient.model_dump(exclude_defaults=True) == {"label": "Patient", "weight_kg": 70.0}


def test_the_template_asks_every_question_and_names_every_field() -> None:
    text = template(CONDITIONS)
    asked = re.sub(r"\s*#\s*", " ", text)
    for condition in CONDITIONS:
        assert condition.question.replace("# ", "") in asked
        assert f"  # {condition.id}:\n" in text
    assert max(map(len, text.splitlines())) <= 110


def test_every_line_of_the_template_is_valid_once_it_is_filled_in(file: Path) -> None:
    values = {
        "height_cm": "170",
        "sex": "male",
        "age_year": "40",
        "pre_pregnancy_weight_kg": "60",
        "baseline_igg_g_per_l": "9.8",
        "iga_deficiency": "false",
        "prolonged_immobility": "true",
        "date_of_birth": "1980-12-31",
        "course_week": "26",
        "review_week": "26",
    }
    text = template(CONDITIONS).replace("weight_kg:", "weight_kg: 70", 1)
    lists = ("doses", "levels", "diagnoses", "earlier_treatments")
    for indent, name in re.findall(r"^( *)# (\w+):(?=  #|$)", text, flags=re.MULTILINE):
        value = "" if name in lists else f" {values.get(name, 'words')}"
        text = text.replace(f"{indent}# {name}:", f"{indent}{name}:{value}", 1)
    text = re.sub(r"^( *)#   - ", r"\1  - ", text, flags=re.MULTILINE)
    patient = read(file, text)
    unset = {name for name, value in patient.model_dump().items() if value in (None, (), {})}
    assert unset == set()
    assert patient.letter is not None
    assert all(patient.letter.model_dump().values())


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_bring_it_down(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("p") / "p.yaml"
    path.write_bytes(raw)
    with pytest.raises(InputError):
        read_patient(path, IDS)
