"""What can go wrong, for whom, how often, what labels say to do about it, and how treatment is watched."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from globulin.dossier.provenance import Fact, Record, Reference, Seen, Slug, SourceId, Statement, Text
from globulin.dossier.result import Events
from globulin.dossier.treatment import Range, Route
from globulin.units import Number


class Rate(Record):
    """How often it happened, where, and in whom."""

    says: Text
    """The rate in words, with its denominator."""
    per: Literal["patient", "infusion", "injection", "year", "report"] | None = None
    value: Fact[Number] | None = None
    """A fraction between 0 and 1, unless `measure` says otherwise."""
    range: Range | None = None
    interval: Range | None = None
    """The 95% confidence interval."""
    counts: Events | None = None
    measure: Literal["fraction", "risk_ratio", "odds_ratio", "hazard_ratio", "per_10000", "count"] = (
        "fraction"
    )
    source: SourceId
    seen: Seen


class Hazard(Record):
    """One thing that can go wrong, or one reason not to treat."""

    id: Slug
    name: Text
    plain: Text
    """What it is, in words for a patient."""
    severity: Literal["boxed_warning", "contraindication", "serious", "common", "practical"]
    routes: tuple[Route, ...] = Field(min_length=1)
    """Routes it is known to apply to."""
    products: tuple[Reference, ...] = ()
    """Products it is limited to; empty: all products of these routes."""
    risk_factors: tuple[Text, ...] = ()
    actions: tuple[Statement, ...] = ()
    rates: tuple[Rate, ...] = ()
    statements: tuple[Statement, ...] = ()
    me_cfs_note: Text | None = None
    """Why it may matter more, or be missed, in ME/CFS."""
    sources: tuple[SourceId, ...] = Field(min_length=1)


class Guidance(Record):
    """Practice around treatment that is no hazard of its own: dosing weight, monitoring, payers, letters."""

    id: Slug
    topic: Text
    statements: tuple[Statement, ...] = Field(min_length=1)
