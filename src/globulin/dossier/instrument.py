"""Questionnaires and scores, and how large a change is worth having on each."""

from __future__ import annotations

from pydantic import Field

from globulin.dossier.provenance import Record, Seen, Slug, SourceId, Text
from globulin.units import Number


class WorthIt(Record):
    """A change that people notice (a minimal important difference), and how it was found."""

    change: Number
    unit: Text
    meaning: Text
    population: Text | None = None
    basis: Text | None = None
    source: SourceId
    seen: Seen


class Instrument(Record):
    """A questionnaire or score."""

    id: Slug
    name: Text
    measures: Text
    worth_it: tuple[WorthIt, ...] = Field(min_length=1)
