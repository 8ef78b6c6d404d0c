"""Sources, and how the page was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from globulin.dossier import Dossier
from globulin.dossier.provenance import Source
from globulin.findings import Findings
from globulin.methods import METHODS
from globulin.pages import words
from globulin.pages.blocks import Points, Prose, Said, Section, Table, blocks, columns, para, row
from globulin.pages.facts import anchor

KINDS = {
    "paper": "Papers",
    "abstract": "Abstracts",
    "review": "Reviews",
    "guideline": "Guidelines",
    "registry": "Trial registries",
    "label": "Product labels",
    "brand_site": "Makers' sites",
    "price_list": "Price lists",
    "payer_policy": "Payers' policies",
    "database": "Databases",
    "book": "Books",
    "web_page": "Web pages",
    "computation": "Our own computations",
    "recollection": "From memory, no document seen",
}


@dataclass(frozen=True)
class SourceView:
    """A source as the list shows it."""

    id: str
    number: int
    title: str
    seen: str
    unverified: bool
    links: tuple[tuple[str, str], ...]
    """Words and address."""
    date: str
    note: str


@dataclass(frozen=True)
class SourceGroup:
    """Sources of one kind."""

    title: str
    anchor: str
    sources: tuple[SourceView, ...]


def source_groups(dossier: Dossier) -> tuple[SourceGroup, ...]:
    """Every source of the dossier by kind, numbered through."""
    groups: list[SourceGroup] = []
    number = 0
    for kind, title in KINDS.items():
        members = sorted(
            (source for source in dossier.sources.values() if source.kind == kind),
            key=lambda source: (source.title.lower(), source.id),
        )
        views = tuple(_view(source, number + index) for index, source in enumerate(members, start=1))
        number += len(views)
        if views:
            groups.append(SourceGroup(title, f"sources-{kind}", views))
    return tuple(groups)


def _view(source: Source, number: int) -> SourceView:
    links = []
    if source.doi:
        links.append((f"doi:{source.doi}", f"https://doi.org/{source.doi}"))
    if source.pmid:
        links.append((f"PMID {source.pmid}", f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/"))
    if source.url:
        links.append((source.url, source.url if source.url.startswith(("http://", "https://")) else ""))
    return SourceView(
        source.id,
        number,
        source.title,
        words.SEEN[source.seen],
        source.seen == "unverified",
        tuple(links),
        source.date or (str(source.year) if source.year else "date not known"),
        source.note or "",
    )


def made(dossier: Dossier, findings: Findings, *, version: str, made_on: date | None) -> Section:
    """How the page was made."""
    patients = (
        f"{patient.label}: {words.number(patient.weight_kg)} kg." for patient in dossier.patients.values()
    )
    rule: tuple[Prose, ...] = (
        para(
            "Every value from outside carries its source and what was seen of it. A missing value is said"
            " to be missing, never guessed. A value that nobody could check is marked unverified and never"
            " computed with. Same content, same page, byte for byte."
        ),
        para(words.NOTICE),
    )
    return Section(
        "made",
        "How this page was made",
        blocks(
            Points(_stamp(dossier, findings, version, made_on), "plain"),
            rule,
            _methods(),
            _people(tuple(dossier.patients), tuple(patients)),
        ),
    )


def _stamp(dossier: Dossier, findings: Findings, version: str, made_on: date | None) -> tuple[Prose, ...]:
    """What was made from what, and when."""
    prices = dossier.prices[findings.price_list]
    when = words.date_words(made_on) if made_on else "not stated"
    return (
        para(f"globulin {version}.", lead="Program:"),
        para(f"{when}.", lead="Made on:"),
        para(Said(dossier.content_sha256), lead="Content (SHA-256 of all content files):"),
        para(
            f"{words.number(findings.weight_kg)} kg for every dose in g/kg and every prediction.",
            lead="Body weight:",
        ),
        para(
            Said(prices.title, (prices.source,), href=f"#{anchor('price_list', prices.id)}"),
            f", {prices.date_words}.",
            lead="Prices:",
        ),
        para(
            Said("globulin.pdf", href="globulin.pdf"),
            " is this page for paper; ",
            Said("dossier.json", href="dossier.json"),
            " holds all records and all results.",
            lead="To take along:",
        ),
        para("globulin cite prints the references for exactly the data and methods used.", lead="To cite:"),
    )


def _methods() -> Table:
    rows = tuple(row(method.used_for, method.citation) for method in METHODS)
    return Table("Methods", columns("Used for", "Written from"), rows)


def _people(identifiers: tuple[str, ...], patients: tuple[str, ...]) -> Table:
    rows = tuple(
        row(text, anchor=anchor("patient", identifier))
        for identifier, text in zip(identifiers, patients, strict=True)
    )
    return Table("Reference people", columns("Who"), rows)
