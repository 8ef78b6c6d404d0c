"""What a letter of medical necessity says of one person beyond the plan: only what somebody wrote down.

Every field may be left out. What is left out is a visible blank in the letter, to be filled in by hand:
a history is never made up. The lengths are what one page holds.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from globulin.dossier.provenance import Record, Text

_ICD_10_CM = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


def _icd_10_cm(code: str) -> str:
    if not _ICD_10_CM.fullmatch(code):
        raise PydanticCustomError(
            "diagnosis_code",
            "'{code}' has not the form of an ICD-10-CM code",
            {"code": code[:20], "fix": "as G93.32"},
        )
    return code


Name = Annotated[Text, Field(max_length=60)]
Line = Annotated[Text, Field(max_length=100)]
Lines = Annotated[Text, Field(max_length=300)]
Paragraph = Annotated[Text, Field(max_length=600)]
Week = Annotated[int, Field(ge=1, le=156)]


class Diagnosis(Record):
    """A diagnosis with its code."""

    code: Annotated[str, AfterValidator(_icd_10_cm)]
    """ICD-10-CM, the US coding of diagnoses, as G93.32."""
    text: Line


class EarlierTreatment(Record):
    """A treatment that was tried before."""

    what: Name
    when: Annotated[Text, Field(max_length=30)] | None = None
    outcome: Line | None = None


class LetterFacts(Record):
    """Facts for a letter of medical necessity."""

    patient_name: Name | None = None
    """Name of the patient."""
    date_of_birth: date | None = None
    """Date of birth, as 1980-12-31."""
    member_id: Annotated[Text, Field(max_length=30)] | None = None
    """Number of the patient with the payer."""
    payer: Name | None = None
    """Who is asked to pay."""
    clinician: Name | None = None
    """Who signs."""
    clinic: Line | None = None
    """Clinic and address."""
    contact: Line | None = None
    """Telephone or address for a talk between doctors."""
    site_of_care: Name | None = None
    """Where it is given: at home, in a clinic, in a hospital."""
    diagnoses: Annotated[tuple[Diagnosis, ...], Field(max_length=3)] = ()
    """Diagnoses with their ICD-10-CM codes."""
    history: Paragraph | None = None
    """Course of the illness and what the person can no longer do."""
    function_scores: Lines | None = None
    """Scores of questionnaires, each with its date."""
    laboratory: Lines | None = None
    """Results that matter, each with its date: IgG, IgA, IgM, titres."""
    earlier_treatments: Annotated[tuple[EarlierTreatment, ...], Field(max_length=4)] = ()
    """What was tried before, when, and what came of it."""
    safety: Lines | None = None
    """What is done about this person's risks."""
    goals: Lines | None = None
    """What should get better, and by how much."""
    course_week: Week | None = None
    """For how many weeks approval is asked."""
    review_week: Week | None = None
    """Week after the first dose in which it is judged."""
    stop_rule: Lines | None = None
    """When treatment stops, agreed beforehand."""
    alternatives: Lines | None = None
    """What else was considered, and why not."""
    attachments: Line | None = None
    """What is sent along."""
