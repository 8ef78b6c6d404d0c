"""A plan that was saved to go on with: what was asked, as it was said, in a `.globulin.json` file.

It holds no result: a plan is worked out anew when it is opened, on the facts of the day. It holds health
data, so a message names the field at fault and never quotes its value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, NoReturn

from pydantic import TypeAdapter, ValidationError

from globulin.asked import InfusionAsked, PatientAsked, PriceAsked, RegimenAsked
from globulin.dossier.letter import LetterFacts
from globulin.errors import InputError

KIND: Final = "plan"
VERSION: Final = 1
SUFFIX: Final = ".globulin.json"
MAX_BYTES: Final = 200_000
_LONGEST_TEXT: Final = 2000
_LARGEST: Final = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What was asked for one plan, and facts for its letter."""

    patient: PatientAsked = field(default_factory=PatientAsked)
    regimen: RegimenAsked = field(default_factory=RegimenAsked)
    infusion: InfusionAsked = field(default_factory=InfusionAsked)
    price: PriceAsked = field(default_factory=PriceAsked)
    letter: LetterFacts | None = None


_PARTS: Final[Mapping[str, Any]] = {
    "patient": PatientAsked,
    "regimen": RegimenAsked,
    "infusion": InfusionAsked,
    "price": PriceAsked,
}


def saved_text(plan: SavedPlan) -> str:
    """The file of a plan. Same plan, same text; what was not said is left out."""
    said: dict[str, Any] = {"globulin": KIND, "version": VERSION}
    for name, record in _PARTS.items():
        part, unsaid = getattr(plan, name), record()
        said[name] = {
            each.name: value
            for each in fields(record)
            if (value := getattr(part, each.name)) != getattr(unsaid, each.name)
        }
    if plan.letter is not None:
        said["letter"] = plan.letter.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_saved(raw: bytes) -> SavedPlan:
    """Read what `saved_text` wrote.

    Raises InputError, one line that says what is wrong with the file, for one that is too large, damaged, of
    another kind or a newer version, or that holds a field or value that this version does not know. Nothing
    is left out silently.
    """
    document = _document(raw)
    _right_kind(document)
    _only(document, ("globulin", "version", *_PARTS, "letter"), "")
    parts = {name: _part(record, document.get(name, {}), name) for name, record in _PARTS.items()}
    letter = document.get("letter")
    return SavedPlan(**parts, letter=None if letter is None else _letter(letter))


def _document(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise InputError(f"this file is too large for a saved plan: the most is {MAX_BYTES // 1000} kB")
    try:
        found = json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_each_once, parse_constant=_no_such_number
        )
    except (ValueError, RecursionError) as problem:
        raise InputError(
            "this file is damaged or no saved plan: it cannot be read as JSON; save the plan again, or take"
            " an earlier copy"
        ) from problem
    if not isinstance(found, dict):
        raise InputError(_NO_PLAN)
    return found


_NO_PLAN: Final = (
    f"this file is no saved plan of globulin: such a file ends in {SUFFIX} and says that it is a {KIND}"
)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _right_kind(document: Mapping[str, Any]) -> None:
    if document.get("globulin") != KIND:
        raise InputError(_NO_PLAN)
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise InputError("this saved plan is damaged: its version is no whole number from 1 on")
    if version > VERSION:
        raise InputError(
            f"this plan was saved by a newer globulin (version {version} of the file; this one reads up to"
            f" {VERSION}): update globulin to open it; the file was not changed"
        )


def _part(record: Any, said: Any, name: str) -> Any:
    if not isinstance(said, dict):
        raise InputError(f"this saved plan is damaged: '{name}' is no group of fields")
    _only(said, [each.name for each in fields(record)], f"{name}.")
    for key, value in said.items():
        too_long = isinstance(value, str) and len(value) > _LONGEST_TEXT
        # above all 1e999, which JSON reads as infinity
        too_large = isinstance(value, int | float) and abs(value) > _LARGEST
        if too_long or too_large:
            raise _cannot_read(f"{name}.{key}")
    try:
        return TypeAdapter(record).validate_json(json.dumps(said), strict=True)
    except ValidationError as problem:
        raise _cannot_read(".".join([name, *_place(problem)])) from problem


def _letter(said: Any) -> LetterFacts:
    try:
        return LetterFacts.model_validate_json(json.dumps(said))
    except ValidationError as problem:
        raise _cannot_read(".".join(["letter", *_place(problem)])) from problem


def _place(problem: ValidationError) -> list[str]:
    # a name in the file could be anything; a message shows only what looks like the name of a field
    place = problem.errors(include_url=False, include_input=False)[0]["loc"]
    return [str(part) for part in place if str(part).isidentifier() or isinstance(part, int)][:3]


def _cannot_read(place: str) -> InputError:
    return InputError(f"this saved plan cannot be read: '{place}' holds a value that does not belong there")


def _only(found: Mapping[str, Any], known: Sequence[str], within: str) -> None:
    odd = [name for name in found if name not in known]
    if odd:
        shown = odd[0] if odd[0].isidentifier() and len(odd[0]) <= 40 else "one of its names"
        raise InputError(
            f"this saved plan has a field that this version does not know: '{within}{shown}'; nothing was"
            " opened, so that nothing of it is lost"
        )
