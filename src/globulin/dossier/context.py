"""What stands around the studies and never enters a pool: reports, reviews, other treatments, background.

Kept apart from `study.py` so that an opinion or another drug cannot be mistaken for a result.
"""

from __future__ import annotations

from typing import Literal

from globulin.dossier.provenance import (
    NOT_REPORTED,
    Citation,
    Fact,
    Record,
    Reference,
    Seen,
    Slug,
    SourceId,
    Statement,
    Text,
)
from globulin.units import Number


class Report(Record):
    """What a practitioner says from experience: an opinion, kept apart from trials."""

    id: Slug
    who: Text
    says: Text
    regimens: tuple[Text, ...] = ()
    details: tuple[Statement, ...] = ()
    corroboration: Fact[Text] = NOT_REPORTED
    problem: Text | None = None
    not_to_confuse_with: Text | None = None
    grade: Literal["expert_opinion"] = "expert_opinion"
    on_source_page: bool
    source: SourceId
    seen: Seen


class Review(Record):
    """A review, guideline or health technology assessment, and what it concluded."""

    id: Slug
    citation: Citation
    kind: Literal["systematic_review", "narrative_review", "guideline", "hta", "search"]
    size: Text | None = None
    conclusion: Text
    source: SourceId
    seen: Seen


class Comparator(Record):
    """A treatment that tests the same idea from another side: removing or blocking antibodies."""

    id: Slug
    name: Text
    approach: Literal[
        "fcrn_block",
        "immunoadsorption",
        "b_cell_depletion",
        "plasma_cell_depletion",
        "aptamer",
        "igg_transfer",
    ]
    registry: Text | None = None
    n: Fact[int] = NOT_REPORTED
    control: Fact[Text] = NOT_REPORTED
    finding: Fact[Text]
    bearing: Text | None = None
    """What it would mean for immune globulin."""
    status: Text | None = None
    details: tuple[Statement, ...] = ()
    """Dose, allocation and what else was reported."""
    citation: Text | None = None
    source: SourceId
    seen: Seen


class Background(Record):
    """A published number that the reading of the trials leans on: recovery, placebo response, prevalence."""

    id: Slug
    topic: Literal["placebo_response", "natural_history", "igg_deficiency"]
    citation: Text
    says: Text
    n: Fact[int] = NOT_REPORTED
    estimate: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    unit: Text | None = None
    use: Text | None = None
    related: tuple[Reference, ...] = ()
    source: SourceId
    seen: Seen
