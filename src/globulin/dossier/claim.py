"""What the source page says, claim by claim, and what this dossier answers to each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Record, Reference, ReportId, Slug, SourceId, Text, TextWithFigures

Verdict = Literal[
    "supported", "partly", "overstated", "wrong", "opinion", "outdated", "omission"
]  # fmt: skip


class Claim(Record):
    """One statement of the source page, in our words, with the verdict that the facts support."""

    id: Slug
    topic: Literal["mechanism", "status", "route", "cost", "trials", "practice", "regimen", "safety"]
    who: ReportId | None = None
    """The practitioner it is attributed to."""
    says: Text
    verdict: Verdict
    error: Literal["factual_error", "overclaim", "omission", "safety_omission", "imprecision"] | None = None
    """What kind of error it is on the page, if it is one."""
    answered_by: Literal["fact", "computation", "open_question"]
    finding: TextWithFigures
    """The answer."""
    open_question: Text | None = None
    """What would have to be known to settle it."""
    see: tuple[Reference, ...] = Field(min_length=1)
    """The records that the answer rests on."""


class ClaimList(Record):
    """All claims of one source page."""

    id: Slug
    title: Text
    source: SourceId
    claims: tuple[Claim, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_unique(self) -> ClaimList:
        seen: set[str] = set()
        for index, claim in enumerate(self.claims):
            if claim.id in seen:
                raise PydanticCustomError(
                    "duplicate_id",
                    "the id '{id}' is used twice",
                    {"id": claim.id, "fix": "give each its own id", "at": ("claims", index, "id")},
                )
            seen.add(claim.id)
        return self
