"""What can go wrong, for whom, how often, and what labels say to do about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from globulin.dossier.condition import RiskGroup
from globulin.dossier.provenance import (
    ConditionId,
    Fact,
    ProductId,
    Record,
    Seen,
    Slug,
    SourceId,
    Statement,
    Text,
)
from globulin.dossier.result import Events
from globulin.dossier.treatment import Bounds, Range, Route
from globulin.units import Number, PositiveNumber


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


class Term(Record):
    """One thing that is true, false or not known of a person, a product and a dose. Exactly one key.

    No key says that something is absent: so a person of whom more is true is never screened more mildly.
    """

    has: ConditionId | None = None
    group: RiskGroup | None = None
    """The person has any condition of this group."""
    age_year: Bounds | None = None
    contains: Slug | None = None
    """A substance that the product holds besides immune globulin."""
    iga_ug_per_ml: Bounds | None = None
    """The highest amount that is stated for the product."""
    g_per_kg: Bounds | None = None
    """The whole dose of one interval."""
    ml: Bounds | None = None
    """The volume of one dose."""
    ml_per_kg: Bounds | None = None
    """The volume of one dose."""
    any_of: tuple[Term, ...] | None = Field(default=None, min_length=1)
    all_of: tuple[Term, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_key(self) -> Term:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "term_keys",
                "a term has exactly one key, this one has {n}",
                {"n": len(given), "fix": f"give one of {', '.join(type(self).model_fields)}"},
            )
        return self


class Check(Record):
    """When a hazard is a reason for care, or not to treat like this."""

    when: tuple[Term, ...] = ()
    """All of them together; empty: always."""
    routes: tuple[Route, ...] = ()
    """Routes it is limited to; empty: all of the hazard's."""
    verdict: Literal["caution", "stop"]
    reason: Text
    resolve: Text
    """What would settle it, or what is done about it. Never an instruction to take a drug."""
    groups: tuple[RiskGroup, ...] = ()
    """At-risk groups that it puts the person in: for these labels lower the fastest rate."""
    wait_months: PositiveNumber | None = None
    figures: tuple[Literal["volume", "sodium"], ...] = ()
    """Numbers of the plan that belong to the reason."""
    answered: bool = True
    """False: what was read does not answer what the reason asks, so it counts as not known."""
    source: SourceId
    seen: Seen
    stated_for: tuple[ProductId, ...] = ()
    """Products whose own documents say so. For any other product the check still counts, carried over and
    marked unverified. Empty: said of immune globulins at large."""
    note: Text | None = None


class Hazard(Record):
    """One thing that can go wrong, or one reason not to treat."""

    id: Slug
    name: Text
    plain: Text
    """What it is, in words for a patient."""
    severity: Literal["boxed_warning", "contraindication", "serious", "common", "practical"]
    routes: tuple[Route, ...] = Field(min_length=1)
    """Routes it is known, or must be taken, to apply to."""
    risk_factors: tuple[Text, ...] = ()
    checks: tuple[Check, ...] = ()
    """What a screening looks for; empty: it may happen to anyone, and nothing singles a person out."""
    actions: tuple[Statement, ...] = ()
    rates: tuple[Rate, ...] = ()
    statements: tuple[Statement, ...] = ()
    me_cfs_note: Text | None = None
    """Why it may matter more, or be missed, in ME/CFS."""
    sources: tuple[SourceId, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _routes_of_checks(self) -> Hazard:
        for index, check in enumerate(self.checks):
            for place, route in enumerate(check.routes):
                if route not in self.routes:
                    raise PydanticCustomError(
                        "check_route",
                        "the hazard does not list the route '{route}'",
                        {
                            "route": route,
                            "fix": "add it to the hazard's `routes` or take it out here",
                            "at": ("checks", index, "routes", place),
                        },
                    )
        return self
