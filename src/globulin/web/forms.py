"""A form and the records it fills: what each field asks, how an answer is read, and what is wrong with it.

A field says its unit, its range and an example, so a page can show them beside it. Whatever a browser sends
that the form did not ask for is refused: a form has no field that nobody looks at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Literal, TypeVar

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from globulin.asked import HeldFile
from globulin.errors import InputError
from globulin.web.drafts import Texts

Kind = Literal["number", "whole", "text", "long", "choice", "list", "check", "several", "three", "secret"]
"""How a field is asked and what it gives.

number: float; whole: int; text, long (several lines): str; choice (radio buttons), list: one of `choices`;
check: bool; several: tuple of `choices`; three: True, False, or None where it was not asked; secret (a
passphrase, which no page shows again): str, as it was typed.
"""

Value = float | int | str | bool | tuple[str, ...] | None
Record = TypeVar("Record")

MOST_FIELDS = 300
LONGEST_TEXT = 200
LONGEST_LONG_TEXT = 20_000


class FormError(InputError):
    """What a browser sent is no answer to this form."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: what is sent, what is read, and a further word beside it."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question of a form."""

    name: str
    label: str
    kind: Kind = "text"
    unit: str = ""
    hint: str = ""
    """Help in a sentence, below the label."""
    choices: tuple[Choice, ...] = ()
    low: float | None = None
    high: float | None = None
    """Limits of a number, both allowed."""
    example: str = ""
    required: bool = False
    longest: int = 0
    """The most characters of a text; 0: the limit of its kind."""

    @property
    def range(self) -> str:
        """What may be given, in words: '2 to 400 kg, such as 62'."""
        low, high = (None if end is None else f"{end:g}" for end in (self.low, self.high))
        limits = ""
        if low is not None and high is not None:
            limits = f"{low} to {high} {self.unit}"
        elif low is not None:
            limits = f"from {low} {self.unit}"
        elif high is not None:
            limits = f"up to {high} {self.unit}"
        example = f"such as {self.example}" if self.example else ""
        return ", ".join(part for part in (limits.strip(), example) if part)

    @property
    def most_characters(self) -> int:
        """How long an answer may be."""
        return self.longest or (LONGEST_LONG_TEXT if self.kind == "long" else LONGEST_TEXT)


@dataclass(frozen=True, slots=True)
class Entry:
    """A field with what was typed into it and what is wrong with that, for a page to draw."""

    field: Field
    texts: tuple[str, ...] = ()
    error: str = ""

    @property
    def text(self) -> str:
        """What was typed, or nothing."""
        return self.texts[0] if self.texts else ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in. `values` holds what could be read; a field left empty is not in it."""

    fields: tuple[Field, ...]
    texts: Texts = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """By field name; '' is about the form as a whole."""

    @property
    def empty(self) -> bool:
        """Whether nothing was filled in at all."""
        return not any(text for texts in self.texts.values() for text in texts)

    def __getitem__(self, name: str) -> Entry:
        for each in self.fields:
            if each.name == name:
                return Entry(each, self.texts.get(name, ()), self.errors.get(name, ""))
        raise KeyError(name)

    def __iter__(self) -> Iterator[Entry]:
        return (self[each.name] for each in self.fields)

    def record(self, kind: type[Record], **more: Any) -> Record:
        """A record (dataclass) of the values that have its fields' names; `more` goes before them."""
        names = {each.name for each in fields(kind)}  # type: ignore[arg-type]
        return kind(**{**{name: value for name, value in self.values.items() if name in names}, **more})

    def with_error(self, name: str, words: str) -> Filled:
        """The same with one more error; the first of a field stays."""
        return replace(self, errors={name: words, **self.errors})

    def blamed(self, problem: InputError) -> Filled:
        """The same with what a computation refused, at the field whose option its words begin with.

        Those who compute speak of options (`--weight-kg 0: ...`); here they become the labels of the fields.
        """
        words = str(problem)
        labels = {f"--{each.name.replace('_', '-')}": each for each in self.fields}
        named = [labels[option] for option in _OPTION.findall(words) if option in labels]
        first = _OPTION.match(words)
        at = labels.get(first.group()) if first else None
        for each in named:
            words = re.sub(rf"--{each.name.replace('_', '-')}(?![\w-])", each.label, words)
        return self.with_error(at.name if at else "", words)


_OPTION = re.compile(r"--[a-z][a-z0-9-]*")


def read(form: Iterable[tuple[str, str]], asked: Sequence[Field]) -> Filled:
    """What was typed, read field by field.

    Raises FormError for a field that was not asked, one that is sent twice, or one that is far too long: no
    browser sends these from the form it was given.
    """
    by_name = {each.name: each for each in asked}
    texts: dict[str, tuple[str, ...]] = {}
    for name, text in form:
        if name not in by_name:
            raise FormError("this form has no such field")
        limit = by_name[name].most_characters
        if len(text) > limit:
            raise FormError(f"{by_name[name].label}: longer than {limit} characters")
        texts[name] = (*texts.get(name, ()), text)
        if len(texts[name]) > 1 and by_name[name].kind != "several":
            raise FormError(f"{by_name[name].label}: sent more than once")
    values: dict[str, Value] = {}
    errors: dict[str, str] = {}
    for each in asked:
        value, error = _read(each, texts.get(each.name, ()))
        if error:
            errors[each.name] = error
        elif value is not None:
            values[each.name] = value
    return Filled(tuple(asked), texts, values, errors)


def texts_of(record: object, asked: Sequence[Field]) -> dict[str, tuple[str, ...]]:
    """What would have to be typed so that the form fills this record (dataclass)."""
    texts: dict[str, tuple[str, ...]] = {}
    for each in asked:
        value = getattr(record, each.name, None)
        if value is None or (value is False and each.kind == "check"):
            continue
        if isinstance(value, tuple):
            texts[each.name] = tuple(map(str, value))
        elif isinstance(value, bool):
            texts[each.name] = ("yes" if value else "no",)
        else:
            texts[each.name] = (number_text(value) if isinstance(value, float) else str(value),)
    return texts


def number_text(value: float) -> str:
    """A number as somebody would type it: to 15 digits, never with an exponent."""
    return f"{Decimal(f'{value:.15g}'):f}"


def pairs_of(texts: Texts) -> Iterator[tuple[str, str]]:
    """The texts of a draft, as a browser would send them."""
    return ((name, text) for name, each in texts.items() for text in each)


def _read(asked: Field, texts: tuple[str, ...]) -> tuple[Value, str]:
    """The value of a field, and what is wrong with what was typed."""
    chosen = {each.value for each in asked.choices}
    if asked.kind == "several":
        odd = [text for text in texts if text not in chosen]
        return (None, _CHOOSE) if odd else (tuple(dict.fromkeys(texts)) or None, "")
    if asked.kind == "secret" and texts and texts[0]:
        return texts[0], ""
    text = texts[0].strip() if texts else ""
    if not text:
        return None, _MISSING if asked.required else ""
    if asked.kind in ("number", "whole"):
        return _number(asked, text)
    if asked.kind in ("choice", "list"):
        return (text, "") if text in chosen else (None, _CHOOSE)
    if asked.kind in ("check", "three"):
        answers = {"yes": True, "no": False}
        return (answers[text], "") if text in answers else (None, _CHOOSE)
    unprinted = _JOINERS if asked.kind == "text" else f"{_JOINERS}\r\n\t"
    if any(not letter.isprintable() and letter not in unprinted for letter in text):
        return None, "There is a character in it that cannot be printed."
    return text, ""


# Persian and Sinhala, among others, are spelt with them
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_MISSING = "This is missing."
_CHOOSE = "Choose one of the answers that are listed."
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{1,12})?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def _number(asked: Field, text: str) -> tuple[Value, str]:
    # a minus sign as typographers set it, spaces and the unit itself are what people paste
    bare = text.replace("\N{MINUS SIGN}", "-").removesuffix(asked.unit).strip() if asked.unit else text
    bare = bare.replace("\N{MINUS SIGN}", "-")
    if not _NUMBER.fullmatch(bare):
        return None, f"Give a number{_in(asked.unit)}{_like(asked)}."
    if _THOUSANDS.fullmatch(bare):
        whole, part = bare.replace(",", ""), float(bare.replace(",", "."))
        return None, f"{bare} can be read in two ways: write {whole}, or {part:g}."
    value = float(bare.replace(",", "."))
    if (asked.low is not None and value < asked.low) or (asked.high is not None and value > asked.high):
        return None, f"{value:g} is outside the range: give {asked.range}."
    if asked.kind == "whole":
        return (int(value), "") if value.is_integer() else (None, "Give a whole number.")
    return value, ""


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""


def _like(asked: Field) -> str:
    return f", such as {asked.example}" if asked.example else ""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came with a POST: the texts, and the files by the names of their fields."""

    pairs: tuple[tuple[str, str], ...]
    files: Mapping[str, HeldFile] = field(default_factory=dict)

    @property
    def file(self) -> bytes | None:
        """The bytes of the only file, of a form that takes one."""
        return next((each.raw for each in self.files.values()), None)


class _InMemory(MultiPartParser):
    """Reads a form with files, none of which goes to disk; one that is cut short is a fault."""

    spool_max_size = 0  # no size at which a file would be written out
    _complete = False

    def on_end(self) -> None:
        self._complete = True

    async def parse(self) -> FormData:
        self.stream = self._to_its_end(self.stream)
        return await super().parse()

    async def _to_its_end(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            yield chunk
        if not self._complete:
            raise MultiPartException("it is cut short")


async def posted(request: Request, most_files: int = 1) -> Posted:
    """What a form sent. Raises FormError for what is no form, a damaged one, or one with too many files."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            stream = request.stream()
            form = await _InMemory(
                request.headers, stream, max_files=most_files, max_fields=MOST_FIELDS
            ).parse()
        elif kind == "application/x-www-form-urlencoded":
            form = await FormParser(request.headers, request.stream(), max_fields=MOST_FIELDS).parse()
        else:
            raise FormError("this address takes a form")
    except MultiPartException as problem:
        raise FormError("this form is damaged or has too many fields") from problem
    pairs = tuple((name, value) for name, value in form.multi_items() if isinstance(value, str))
    files = {
        name: HeldFile(value.filename, await value.read())
        for name, value in form.multi_items()
        if isinstance(value, UploadFile) and value.filename
    }
    await form.close()
    return Posted(pairs, files)
