"""What can go wrong: boxed warnings first, then serious, contraindications, common and practical."""

from __future__ import annotations

from globulin.dossier import Dossier
from globulin.dossier.hazard import Guidance, Hazard, Rate
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Entry,
    Fold,
    Heading,
    Points,
    Prose,
    Said,
    Section,
    Term,
    blocks,
    para,
    term,
)
from globulin.pages.facts import anchor, cited, facts, flag, reference, stated

GROUPS = {
    "boxed_warning": ("Boxed warnings", "!", "Boxed warning"),
    "serious": ("Serious", "!", "Serious"),
    "contraindication": ("Who must not have it, or not like this", "\N{MULTIPLICATION SIGN}", "Do not use"),
    "common": ("Common, and usually passing", "~", "Common"),
    "practical": ("Practical", "i", "Practical"),
}
"""Heading, sign and word of each severity, in the order of the page."""


def section(dossier: Dossier) -> Section:
    """The section."""
    parts: list[Block] = []
    for severity, (heading, symbol, word) in GROUPS.items():
        found = [hazard for hazard in dossier.hazards.values() if hazard.severity == severity]
        if found:
            parts.append(Heading(heading, f"risks-{severity}"))
            badge = Said(word, symbol=symbol, tone=f"severity-{severity}")
            parts.extend(_entry(hazard, badge, dossier) for hazard in found)
    guidance = [_guidance(item) for item in dossier.guidance.values()]
    return Section(
        "risks",
        "What can go wrong",
        blocks(parts, Heading("Practice around treatment", "risks-practice") if guidance else None, guidance),
    )


def _entry(hazard: Hazard, badge: Said, dossier: Dossier) -> Entry:
    lead: list[Prose] = [para(Said(hazard.plain, hazard.sources[:1]))]
    if hazard.rates:
        lead.append(para(_rate(hazard.rates[0]), lead="How often."))
    if hazard.me_cfs_note:
        lead.append(para(hazard.me_cfs_note, lead="In ME/CFS."))
    terms: tuple[Term, ...] = (
        *facts(
            ("Routes", ", ".join(words.ROUTES[route] for route in hazard.routes)),
            ("Only with", tuple(_spaced(reference(dossier, see)) for see in hazard.products)),
            ("More likely with", "; ".join(hazard.risk_factors)),
        ),
        *(term("What labels say to do", stated(item)) for item in hazard.actions),
        *(term("How often", _rate(rate)) for rate in hazard.rates),
        *(term("Also", stated(item)) for item in hazard.statements),
        *facts(("Sources", cited(hazard.sources))),
    )
    fold = "Who is at risk, what to do, how often"
    return Entry(anchor("hazard", hazard.id), hazard.name, fold, badge, tuple(lead), terms)


def _spaced(phrase: Said) -> Said:
    return Said(f"{phrase.text} ", href=phrase.href)


def _rate(rate: Rate) -> Said:
    """A rate in its own words, with its interval where the words leave it out."""
    interval = rate.interval
    note = f"95% interval {words.span(interval.low, interval.high, 4)}" if interval else ""
    if "interval" in rate.says:
        note = ""
    return Said(words.sentence(rate.says), (rate.source,), flag(rate.seen), note)


def _guidance(item: Guidance) -> Fold:
    points = Points(tuple(para(stated(statement)) for statement in item.statements))
    return Fold(item.topic, (points,), anchor("guidance", item.id))
