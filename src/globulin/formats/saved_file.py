"""What was saved to go on with: a plan or a set of levels as it was asked for, in a `.globulin.json` file.

It holds no result: it is worked out anew when it is opened, on the facts of the day. It holds health data, so
a message names the field at fault and never quotes its value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Final, NoReturn

from pydantic import TypeAdapter, ValidationError

from globulin.asked import InfusionAsked, PatientAsked, PersonAsked, PriceAsked, RegimenAsked, Route
from globulin.dossier.letter import LetterFacts
from globulin.errors import InputError

VERSION: Final = 1
SUFFIX: Final = ".globulin.json"
MAX_BYTES: Final = 200_000
_LONGEST_TEXT: Final = 2000
_LARGEST: Final = 1e12
_MOST_ROWS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What was asked for one plan, and facts for its letter."""

    patient: PatientAsked = field(default_factory=PatientAsked)
    regimen: RegimenAsked = field(default_factory=RegimenAsked)
    infusion: InfusionAsked = field(default_factory=InfusionAsked)
    price: PriceAsked = field(default_factory=PriceAsked)
    letter: LetterFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDose:
    """One dose, or one that is repeated; days from a day of the person's own choice."""

    day: float
    dose_g: float
    route: Route = "iv"
    infusion_day: float | None = None
    """Days that it runs."""
    interval_day: float | None = None
    additional: int | None = None
    """How many further ones, an interval apart."""
    steady: bool = False
    """Whether it had been given like this for long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLevel:
    """One measured level of total IgG."""

    day: float
    igg_g_per_l: float
    below_limit: bool = False
    """Whether it is only known to be below that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLevels:
    """What was asked of one person's measured levels."""

    model: str
    """Id of the models: how much IgG the person makes."""
    person: PersonAsked = field(default_factory=PersonAsked)
    doses: tuple[SavedDose, ...] = ()
    levels: tuple[SavedLevel, ...] = ()
    at_day: tuple[float, ...] = ()
    """Days to look ahead to; none: right before each dose after the last level."""


_PLAN_PARTS: Final[Mapping[str, Any]] = {
    "patient": PatientAsked,
    "regimen": RegimenAsked,
    "infusion": InfusionAsked,
    "price": PriceAsked,
}
_LEVELS_ROWS: Final[Mapping[str, Any]] = {"doses": SavedDose, "levels": SavedLevel}


def saved_text(saved: SavedPlan | SavedLevels) -> str:
    """The file of a plan or a set of levels. The same, the same text; what was not said is left out."""
    said: dict[str, Any]
    if isinstance(saved, SavedPlan):
        said = {"globulin": "plan", "version": VERSION}
        said |= {name: _said(getattr(saved, name)) for name in _PLAN_PARTS}
        if saved.letter is not None:
            said["letter"] = saved.letter.model_dump(mode="json", exclude_defaults=True)
    else:
        said = {"globulin": "levels", "version": VERSION, "model": saved.model, "person": _said(saved.person)}
        said |= {name: [_said(row) for row in getattr(saved, name)] for name in _LEVELS_ROWS}
        if saved.at_day:
            said["at_day"] = saved.at_day
    return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _said(record: Any) -> dict[str, Any]:
    return {
        each.name: value for each in fields(record) if (value := getattr(record, each.name)) != each.default
    }


def read_saved(raw: bytes) -> SavedPlan:
    """Read a plan that `saved_text` wrote.

    Raises InputError, one line that says what is wrong with the file, for one that is too large, damaged, of
    another kind or a newer version, or that holds a field or value that this version does not know. Nothing
    is left out silently.
    """
    file = _File("plan", "saved plan")
    document = file.document(raw, (*_PLAN_PARTS, "letter"))
    parts = {name: file.part(record, document.get(name, {}), name) for name, record in _PLAN_PARTS.items()}
    letter = document.get("letter")
    return SavedPlan(**parts, letter=None if letter is None else file.letter(letter))


def read_saved_levels(raw: bytes) -> SavedLevels:
    """Read a set of levels that `saved_text` wrote. Raises InputError as `read_saved` does."""
    file = _File("levels", "saved set of levels")
    document = file.document(raw, ("model", "person", *_LEVELS_ROWS, "at_day"))
    rows = {name: file.rows(record, document.get(name, []), name) for name, record in _LEVELS_ROWS.items()}
    model, days = document.get("model"), document.get("at_day", [])
    if not isinstance(model, str) or not 0 < len(model) <= _LONGEST_TEXT:
        raise file.cannot_read("model")
    if not isinstance(days, list) or len(days) > _MOST_ROWS or not all(map(_is_number, days)):
        raise file.cannot_read("at_day")
    person = file.part(PersonAsked, document.get("person", {}), "person")
    return SavedLevels(model=model, person=person, **rows, at_day=tuple(map(float, days)))


_ELSEWHERE: Final = {
    "plan": "it holds a plan, which opens on the screen Plan",
    "levels": "it holds measured levels, which open on the screen Levels",
}


@dataclass(frozen=True, slots=True)
class _File:
    """Reads a file of one kind strictly."""

    kind: str
    what: str

    def document(self, raw: bytes, known: Sequence[str]) -> dict[str, Any]:
        """The whole of it, of the right kind and version."""
        if len(raw) > MAX_BYTES:
            raise InputError(f"this file is too large for a {self.what}: the most is {MAX_BYTES // 1000} kB")
        try:
            found = json.loads(
                raw.decode("utf-8-sig"), object_pairs_hook=_each_once, parse_constant=_no_such_number
            )
        except (ValueError, RecursionError) as problem:
            raise InputError(
                f"this file is damaged or no {self.what}: it cannot be read as JSON; save it again, or take"
                " an earlier copy"
            ) from problem
        if not isinstance(found, dict) or found.get("globulin") != self.kind:
            raise self._another(found.get("globulin") if isinstance(found, dict) else None)
        version = found.get("version")
        if type(version) is not int or version < 1:
            raise InputError(f"this {self.what} is damaged: its version is no whole number from 1 on")
        if version > VERSION:
            raise InputError(
                f"this {self.what} was saved by a newer globulin (version {version} of the file; this one"
                f" reads up to {VERSION}): update globulin to open it; the file was not changed"
            )
        self._only(found, ("globulin", "version", *known), "")
        return found

    def part(self, record: Any, said: Any, name: str) -> Any:
        """A group of fields."""
        if not isinstance(said, dict):
            raise InputError(f"this {self.what} is damaged: '{name}' is no group of fields")
        self._only(said, [each.name for each in fields(record)], f"{name}.")
        for key, value in said.items():
            too_long = isinstance(value, str) and len(value) > _LONGEST_TEXT
            # above all 1e999, which JSON reads as infinity
            too_large = isinstance(value, int | float) and abs(value) > _LARGEST
            if too_long or too_large:
                raise self.cannot_read(f"{name}.{key}")
        try:
            return _reader(record).validate_json(json.dumps(said), strict=True)
        except ValidationError as problem:
            raise self.cannot_read(".".join([name, *_place(problem)])) from problem

    def rows(self, record: Any, said: Any, name: str) -> tuple[Any, ...]:
        """A list of groups of fields."""
        if not isinstance(said, list) or len(said) > _MOST_ROWS:
            raise InputError(f"this {self.what} is damaged: '{name}' is no list of up to {_MOST_ROWS} rows")
        return tuple(self.part(record, row, f"{name}.{number}") for number, row in enumerate(said))

    def letter(self, said: Any) -> LetterFacts:
        """The facts of a letter."""
        try:
            return LetterFacts.model_validate_json(json.dumps(said))
        except ValidationError as problem:
            raise self.cannot_read(".".join(["letter", *_place(problem)])) from problem

    def cannot_read(self, place: str) -> InputError:
        """What is said of a field."""
        return InputError(
            f"this {self.what} cannot be read: '{place}' holds a value that does not belong there, or none"
        )

    def _another(self, kind: object) -> InputError:
        why = _ELSEWHERE.get(kind) if isinstance(kind, str) else None
        usual = f"such a file ends in {SUFFIX} and says that it is of the kind '{self.kind}'"
        return InputError(f"this file is no {self.what} of globulin: {why or usual}")

    def _only(self, found: Mapping[str, Any], known: Sequence[str], within: str) -> None:
        odd = [name for name in found if name not in known]
        if odd:
            shown = odd[0] if odd[0].isidentifier() and len(odd[0]) <= 40 else "one of its names"
            raise InputError(
                f"this {self.what} has a field that this version does not know: '{within}{shown}'; nothing"
                " was opened, so that nothing of it is lost"
            )


@cache
def _reader(record: Any) -> TypeAdapter[Any]:
    return TypeAdapter(record)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _place(problem: ValidationError) -> list[str]:
    # a name in the file could be anything; a message shows only what looks like the name of a field
    place = problem.errors(include_url=False, include_input=False)[0]["loc"]
    return [str(part) for part in place if str(part).isidentifier() or isinstance(part, int)][:3]
