"""A person from a file: YAML that people write by hand, or JSON that programs write.

JSON is read by the same reader, since YAML 1.2 contains it. The file holds health data: it is read, never
kept, and a message quotes nothing but the name of a field and the value that is at fault.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from globulin.checking import Checker, MarkedFile
from globulin.contents import parse
from globulin.dossier.condition import Condition
from globulin.dossier.field_words import field_words
from globulin.dossier.letter import LetterFacts
from globulin.dossier.patient import Patient
from globulin.dossier.provenance import Record
from globulin.errors import Fault, FaultsError, InputError
from globulin.formats.csv_records import cleaned

MAX_BYTES = 1_000_000
_WIDTH = 96


def read_patient(path: Path, known_conditions: Iterable[str]) -> Patient:
    """Read one person. `known_conditions`: ids of the conditions that can be answered.

    Raises `FaultsError` with every fault of the file, each with line, column and the likely fix, and
    `InputError` if there is no such file.
    """
    name = cleaned(path.name)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; `globulin plan --template` prints one to fill in") from None
    faults: list[Fault] = []
    marked = parse(name, raw, faults, most_bytes=MAX_BYTES, first_key="label")
    if marked is not None:
        known = {"condition": frozenset(known_conditions)}
        patient = Checker(Patient).check(MarkedFile(name, marked), known, faults)
        if isinstance(patient, Patient):
            return patient
    raise FaultsError(faults)


def template(conditions: Iterable[Condition]) -> str:
    """A patient file to fill in: every field and every question as a comment; only the weight is needed."""
    lines = [*_comment(_HEAD), "label: Patient  # how a plan calls the person; a name is not needed"]
    lines.append("weight_kg:  # body weight in kg")
    lines += _fields(Patient, "", ("label", "weight_kg", "conditions", "letter"))
    lines += ["", *_comment(_CONDITIONS), "conditions:"]
    for condition in conditions:
        lines += ["", *_comment(condition.question, "  "), f"  # {condition.id}:"]
    lines += ["", *_comment(_LETTER), "letter:"]
    lines += _fields(LetterFacts, "  ", ())
    return "\n".join(lines) + "\n"


_HEAD = (
    "A person to plan for. Only weight_kg must be filled in; remove the # before what you add. What is left"
    " out counts as not known: the plan asks for it and never takes it as harmless. This file holds health"
    " data: keep it where only those may read it who should."
)
_CONDITIONS = (
    "Write true or false after the colon. A question that is left as it is, or left blank, was not asked."
)
_LETTER = (
    "Facts for a letter of medical necessity. What is left out is a visible blank in the letter; nothing is"
    " made up."
)
_EXAMPLES = {
    "doses": ("- {on_day: -28, route: iv, dose: {g_per_kg: 0.4}}",),
    "levels": ("- {on_day: -1, igg_g_per_l: 9.8}",),
    "diagnoses": ('- {code: G93.32, text: "..."}',),
    "earlier_treatments": ('- {what: "...", when: "...", outcome: "..."}',),
}
"""How an entry of each list looks."""


def _fields(record: type[Record], indent: str, leave_out: tuple[str, ...]) -> Iterator[str]:
    """Each field as a comment that becomes valid once its # is removed and a value is given."""
    meaning = field_words(record)
    for name in record.model_fields:
        if name in leave_out:
            continue
        words = meaning.get(name, "").removesuffix(".")
        yield f"{indent}# {name}:  # {words}"
        yield from (f"{indent}#   {example}" for example in _EXAMPLES.get(name, ()))


def _comment(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
