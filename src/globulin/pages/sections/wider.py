"""What stands around the trials: removing antibodies, natural recovery, reviews, and sizes worth having."""

from __future__ import annotations

from globulin.dossier import Dossier
from globulin.pages import words
from globulin.pages.blocks import Block, Fold, Said, Table, columns, row
from globulin.pages.facts import anchor, citation_words, flag, reference, said

APPROACHES = {
    "fcrn_block": "blocking the receptor that saves IgG",
    "immunoadsorption": "washing antibodies out of the blood",
    "b_cell_depletion": "removing B cells",
    "plasma_cell_depletion": "removing plasma cells",
    "aptamer": "binding antibodies",
    "igg_transfer": "moving patients' IgG into animals",
}
REVIEWS = {
    "systematic_review": "systematic review",
    "narrative_review": "narrative review",
    "guideline": "guideline",
    "hta": "technology assessment",
    "search": "literature search",
}
TOPICS = {
    "placebo_response": "response to placebo",
    "natural_history": "recovery without treatment",
    "igg_deficiency": "low IgG in patients",
}


def comparators(dossier: Dossier) -> Block | None:
    """The same idea tested from the other side: taking antibodies away."""
    rows = tuple(
        row(
            Said(item.name, (item.source,), flag(item.seen), item.citation or ""),
            APPROACHES[item.approach],
            said(item.n),
            said(item.control),
            said(item.finding),
            " ".join(part for part in (item.bearing, item.status, item.registry) if part) or "\N{EN DASH}",
            anchor=anchor("comparator", item.id),
        )
        for item in dossier.comparators.values()
    )
    titles = columns("Study", "Approach", "#People", "Control", "Finding", "What it would mean; status")
    table = Table("Removing or blocking antibodies", titles, rows)
    return Fold("The other side of the idea: removing or blocking antibodies", (table,)) if rows else None


def background(dossier: Dossier) -> Block | None:
    """What happens without treatment, and how common low IgG is."""
    rows = tuple(
        row(
            Said(item.citation, (item.source,)),
            TOPICS[item.topic],
            Said(item.says, (item.source,), flag(item.seen)),
            item.use or "\N{EN DASH}",
            tuple(reference(dossier, see) for see in item.related) or "\N{EN DASH}",
            anchor=anchor("background", item.id),
        )
        for item in dossier.background.values()
    )
    titles = columns("Source", "About", "Says", "Used for", "Related")
    table = Table("Placebo response, natural recovery and low IgG", titles, rows)
    return Fold("What happens without treatment", (table,)) if rows else None


def reviews(dossier: Dossier) -> Block | None:
    """What others concluded."""
    rows = tuple(
        row(
            Said(citation_words(item.citation), (item.source,)),
            REVIEWS[item.kind],
            item.size or Said("not known: size not reported in what was seen", missing=True),
            Said(item.conclusion, (item.source,), flag(item.seen)),
            anchor=anchor("review", item.id),
        )
        for item in sorted(dossier.reviews.values(), key=lambda r: (-(r.citation.year or 0), r.id))
    )
    table = Table(
        "Reviews and guidelines, newest first", columns("Review", "Kind", "Size", "Concluded"), rows
    )
    return Fold("What reviews and guidelines concluded", (table,)) if rows else None


def instruments(dossier: Dossier) -> Block | None:
    """How large a change has to be before people notice it."""
    rows = tuple(
        row(
            item.name,
            item.measures,
            f"{words.number(worth.change)} {worth.unit}",
            Said(worth.meaning, (worth.source,), flag(worth.seen), worth.basis or ""),
            worth.population or Said("not known: not reported in what was seen", missing=True),
            anchor=anchor("instrument", item.id) if index == 0 else "",
        )
        for item in dossier.instruments.values()
        for index, worth in enumerate(item.worth_it)
    )
    titles = columns("Score", "Measures", "#Change", "Means", "In whom")
    table = Table("Questionnaires and how large a change is worth having", titles, rows)
    return Fold("How large a change is worth having", (table,)) if rows else None
