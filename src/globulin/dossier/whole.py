"""All kinds of records together: one frozen dossier, and where each kind has its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from globulin.dossier.certainty import CertaintyQuestion
from globulin.dossier.claim import Claim, ClaimList
from globulin.dossier.condition import Condition
from globulin.dossier.context import Background, Comparator, Report, Review
from globulin.dossier.guidance import Guidance
from globulin.dossier.hazard import Hazard
from globulin.dossier.instrument import Instrument
from globulin.dossier.kinetics import KineticModel
from globulin.dossier.patient import Patient
from globulin.dossier.people import VirtualGroup
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import Record, Source
from globulin.dossier.study import Study
from globulin.dossier.treatment import NamedRegimen, Product


class SourceList(Record):
    """One file of sources."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of content: its folder (also the field of `Dossier`), its name in references, its record."""

    folder: str
    name: str
    record: Any
    has_id: bool = True
    """Whether the record states its id, which is then also the file's name."""


KINDS = (
    Kind("sources", "source", SourceList, has_id=False),
    Kind("studies", "study", Study),
    Kind("reports", "report", Report),
    Kind("reviews", "review", Review),
    Kind("comparators", "comparator", Comparator),
    Kind("background", "background", Background),
    Kind("instruments", "instrument", Instrument),
    Kind("certainty", "certainty_question", CertaintyQuestion),
    Kind("regimens", "regimen", NamedRegimen),
    Kind("products", "product", Product),
    Kind("kinetics", "kinetic_model", KineticModel),
    Kind("people", "virtual_group", VirtualGroup),
    Kind("prices", "price_list", PriceList),
    Kind("conditions", "condition", Condition),
    Kind("hazards", "hazard", Hazard),
    Kind("guidance", "guidance", Guidance),
    Kind("claims", "claim_list", ClaimList),
    Kind("patients", "patient", Patient, has_id=False),
)

_FOLDER_OF = {kind.name: kind.folder for kind in KINDS}


class Dossier(Record):
    """Everything one dossier folder holds, by kind and id, ids in sorted order."""

    studies: Mapping[str, Study]
    reports: Mapping[str, Report]
    reviews: Mapping[str, Review]
    comparators: Mapping[str, Comparator]
    background: Mapping[str, Background]
    instruments: Mapping[str, Instrument]
    certainty: Mapping[str, CertaintyQuestion]
    regimens: Mapping[str, NamedRegimen]
    products: Mapping[str, Product]
    kinetics: Mapping[str, KineticModel]
    people: Mapping[str, VirtualGroup]
    prices: Mapping[str, PriceList]
    conditions: Mapping[str, Condition]
    hazards: Mapping[str, Hazard]
    guidance: Mapping[str, Guidance]
    claims: Mapping[str, ClaimList]
    patients: Mapping[str, Patient]
    sources: Mapping[str, Source]
    content_sha256: str
    """Hash of the files it was read from, names and bytes."""

    def all_claims(self) -> tuple[Claim, ...]:
        """Every claim of every source page, in file order."""
        return tuple(claim for page in self.claims.values() for claim in page.claims)

    def record(self, kind: str, identifier: str) -> Record:
        """The record that a reference `kind:identifier` names. KeyError if there is none."""
        record: Record = getattr(self, _FOLDER_OF[kind])[identifier]
        return record
