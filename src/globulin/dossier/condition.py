"""What may be true of a person and bears on treatment: one record each, so that screening can ask for it.

A hazard names conditions, a patient says yes or no to them, and what nobody said anything about becomes a
question. Nothing about a person is screened for that has no record here.
"""

from __future__ import annotations

from typing import Literal

from globulin.dossier.provenance import Record, Slug, Text

RiskGroup = Literal["renal", "thrombosis"]
"""People for whom labels lower the fastest rate: at risk for the kidneys, at risk of a clot."""


class Condition(Record):
    """One thing that may be true of a person."""

    id: Slug
    name: Text
    """A few words in lower case, as they stand in a list: `prolonged immobility`."""
    plain: Text
    """What it means, in words for a patient."""
    question: Text
    """Asks for it; yes means that the person has it."""
    groups: tuple[RiskGroup, ...] = ()
    """Groups that it puts a person in."""
    catch_all: bool = False
    """Stands for a risk of its groups that has no record of its own; asked after all others."""
    sex: Literal["female", "male"] | None = None
    """Only people of this sex can have it; others need not be asked."""
