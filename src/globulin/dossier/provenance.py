"""Where a value came from, and how sure we can be that it says what we say it says.

Every value from outside is a `Cited[T]` or a `Missing`; `Fact[T]` is the choice of the two. A record
cannot be filled with a bare number, so a number without a source cannot reach a page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

T = TypeVar("T")

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""An id: lower-case letters, digits and underscores, as in `lloyd_1990`."""


def _printable(text: str) -> str:
    for character in text:
        if unicodedata.category(character) == "Cc" and character != "\n":
            raise PydanticCustomError(
                "control_character",
                "holds the control character U+{code}",
                {"code": f"{ord(character):04X}", "fix": "remove it"},
            )
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_printable)]
"""Words for a reader; never empty, no control characters."""

Seen = Literal["full_text", "abstract", "label", "secondary", "registry", "unverified"]
"""What was read to get a value: the paper, its abstract, a product label or its maker's site, another
document about it, a trial registry, or nothing (`unverified`: recalled, marked, never computed with)."""

How = Literal["reported", "derived", "digitised", "assumed"]
"""How a value was got from its source: printed there, computed from what is printed (with the formula),
read off a figure, or chosen by us (with the reason)."""


class Record(BaseModel):
    """A frozen record that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
    )


def _must_exist(kind: str) -> AfterValidator:
    def check(value: str, info: ValidationInfo) -> str:
        known: Mapping[str, frozenset[str]] | None = info.context
        if known is not None and value not in known.get(kind, frozenset()):
            raise PydanticCustomError(
                "unknown_id", "no {kind} has the id '{value}'", {"kind": kind, "value": value}
            )
        return value

    return AfterValidator(check)


SourceId = Annotated[str, _must_exist("source")]
ProductId = Annotated[str, _must_exist("product")]
StudyId = Annotated[str, _must_exist("study")]
ReportId = Annotated[str, _must_exist("report")]
KineticModelId = Annotated[str, _must_exist("kinetic_model")]
ConditionId = Annotated[str, _must_exist("condition")]
"""Ids that must name a record of the same dossier. Checked where validation is given the known ids as its
context (kind to ids); without a context, as in a unit test of one record, any id is accepted."""


def _figures_exist(text: str, info: ValidationInfo) -> str:
    known: Mapping[str, frozenset[str]] | None = info.context
    for name in re.findall(r"\{([^{}]*)\}", text):
        if known is not None and name not in known.get("figure", frozenset()):
            raise PydanticCustomError(
                "unknown_id", "no {kind} has the id '{value}'", {"kind": "figure", "value": name}
            )
    return text


TextWithFigures = Annotated[str, Field(min_length=1), AfterValidator(_figures_exist)]
"""Words in which `{name}` stands for a figure that is computed when a page is built."""


def _reference_must_exist(value: str, info: ValidationInfo) -> str:
    kind, _, identifier = value.partition(":")
    known: Mapping[str, frozenset[str]] | None = info.context
    if not re.fullmatch(r"[a-z][a-z0-9_]*", identifier) or (known is not None and kind not in known):
        raise PydanticCustomError(
            "bad_reference",
            "'{value}' is no reference: write kind:id, with kind one of {kinds}",
            {"value": value, "kinds": ", ".join(sorted(known or ()))},
        )
    if known is not None and identifier not in known[kind]:
        raise PydanticCustomError(
            "unknown_id", "no {kind} has the id '{value}'", {"kind": kind, "value": identifier}
        )
    return value


Reference = Annotated[str, AfterValidator(_reference_must_exist)]
"""A pointer to any record of the dossier, written `kind:id`, as in `study:lloyd_1990`."""


class Cited(Record, Generic[T]):
    """A value from outside, with the source it was read in and how."""

    value: T
    source: SourceId
    seen: Seen
    how: How = "reported"
    locator: Text | None = None
    """Where in the source: a table, a page, a section."""
    formula: Text | None = None
    """How a derived or assumed value was got; required for both."""
    note: Text | None = None

    @model_validator(mode="after")
    def _derived_says_how(self) -> Cited[T]:
        if self.how in ("derived", "assumed") and self.formula is None:
            raise PydanticCustomError(
                "formula_missing",
                "a value that is {how} must say how it was got",
                {"how": self.how, "fix": "add `formula:` with the arithmetic or the reason"},
            )
        return self

    @property
    def computable(self) -> bool:
        """Whether the value may enter a calculation: everything but `unverified`."""
        return self.seen != "unverified"


class Missing(Record):
    """A value that is not known, and why. Never 0, never a guess."""

    missing: Text
    """Why it is not known: not reported, not obtained, or not seen in what was read."""


NOT_REPORTED = Missing(missing="not reported in what was seen")


def _fact_kind(value: Any) -> str:
    if isinstance(value, Missing) or (isinstance(value, Mapping) and "missing" in value):
        return "missing"
    return "cited"


Fact = TypeAliasType(
    "Fact",
    Annotated[
        Annotated[Cited[T], Tag("cited")] | Annotated[Missing, Tag("missing")], Discriminator(_fact_kind)
    ],
    type_params=(T,),
)
"""A value with its source, or the reason why there is none."""


def known(fact: Fact[T]) -> T | None:
    """The value if there is one that may be computed with; None if it is missing or unverified."""
    return fact.value if isinstance(fact, Cited) and fact.computable else None


class Statement(Record):
    """A sentence for a reader, with the source that supports it."""

    says: Text
    source: SourceId
    seen: Seen
    locator: Text | None = None
    note: Text | None = None


class Source(Record):
    """A document that values were read in (or, for `unverified`, the lack of one)."""

    id: Slug
    title: Text
    """What it is, as a reader would recognise it: authors, title, journal or site."""
    kind: Literal[
        "paper", "abstract", "review", "guideline", "label", "brand_site", "registry", "price_list",
        "book", "web_page", "payer_policy", "database", "recollection", "computation",
    ]  # fmt: skip
    seen: Seen
    """The best that was seen of it."""
    year: int | None = Field(default=None, ge=1900, le=2100)
    url: Text | None = None
    doi: Text | None = None
    pmid: Text | None = None
    date: Text | None = None
    """The date printed on it or the date it was captured, as far as known."""
    note: Text | None = None


class Citation(Record):
    """Bibliographic data of a published thing; `unverified` lists the fields that were not seen printed."""

    authors: Text
    title: Text | None = None
    journal: Text | None = None
    year: int | None = Field(default=None, ge=1900, le=2100)
    volume: Text | None = None
    pages: Text | None = None
    doi: Text | None = None
    pmid: Text | None = None
    pmcid: Text | None = None
    registry: tuple[Text, ...] = ()
    url: Text | None = None
    unverified: tuple[Text, ...] = ()
    """Names of the fields above that come from memory and were not seen printed."""

    @model_validator(mode="after")
    def _unverified_names_fields(self) -> Citation:
        for index, name in enumerate(self.unverified):
            if getattr(self, name, None) is None:
                raise PydanticCustomError(
                    "not_a_field",
                    "'{name}' is marked unverified but is not given above",
                    {"name": name, "at": ("unverified", index)},
                )
        return self
