"""What can go wrong: boxed warnings first, then serious, contraindications, common and practical."""

from __future__ import annotations

from globulin.dossier import Dossier
from globulin.dossier.condition import Condition
from globulin.dossier.guidance import Guidance, Watch
from globulin.dossier.hazard import Check, Hazard, Rate
from globulin.dossier.hazard import Term as ScreeningTerm
from globulin.dossier.provenance import known
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Entry,
    Fold,
    Heading,
    Phrase,
    Points,
    Prose,
    Said,
    Section,
    Table,
    Term,
    blocks,
    columns,
    para,
    row,
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
        blocks(
            parts,
            _questions(dossier),
            Heading("Practice around treatment", "risks-practice") if guidance else None,
            guidance,
        ),
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
            *_holding(hazard, dossier),
            ("More likely with", "; ".join(hazard.risk_factors)),
        ),
        *(term("What labels say to do", stated(item)) for item in hazard.actions),
        *(term("In a screening", _check(check)) for check in hazard.checks),
        *(term("How often", _rate(rate)) for rate in hazard.rates),
        *(term("Also", stated(item)) for item in hazard.statements),
        *facts(("Sources", cited(hazard.sources))),
    )
    fold = "Who is at risk, what to do, how often"
    return Entry(anchor("hazard", hazard.id), hazard.name, fold, badge, tuple(lead), terms)


def _holding(hazard: Hazard, dossier: Dossier) -> tuple[tuple[str, Phrase], ...]:
    """Products with the substance that every check of a hazard needs, and those of which it is not known."""
    needed = [{each.contains for each in check.when if each.contains} for check in hazard.checks]
    substances = set.intersection(*needed) if needed else set()
    if not substances:
        return ()
    products = [each for each in dossier.products.values() if set(each.routes) & set(hazard.routes)]
    named = {each.id: _spaced(reference(dossier, f"product:{each.id}")) for each in products}
    held = {each.id: known(each.contains) for each in products}
    with_it = [name for name, contents in held.items() if contents and substances <= set(contents)]
    unknown = [name for name, contents in held.items() if contents is None]
    return (
        ("Only with", tuple(named[name] for name in with_it)),
        ("Not known of", tuple(named[name] for name in unknown)),
    )


def _questions(dossier: Dossier) -> Fold | None:
    """Every condition with its question and the hazards it bears on."""
    if not dossier.conditions:
        return None
    rows = []
    for condition in dossier.conditions.values():
        bears_on = [
            Said(hazard.name, href=f"#{anchor('hazard', hazard.id)}")
            for hazard in dossier.hazards.values()
            if any(_asks(term, condition) for check in hazard.checks for term in check.when)
        ]
        asked = (words.capital(condition.name), Said(condition.question), Said(condition.plain))
        joined = tuple(part for each in bears_on for part in (Said("; "), each))[1:]
        rows.append(row(*asked, joined, anchor=anchor("condition", condition.id)))
    table = Table(
        "What may be true of a person and bears on what can go wrong.",
        columns("If so", "Question", "What it means", "Bears on"),
        tuple(rows),
    )
    return Fold("What a screening asks", (table,), "risks-questions")


def _asks(term: ScreeningTerm, condition: Condition) -> bool:
    """Whether a term, or one inside it, hangs on a condition."""
    inside = (*(term.any_of or ()), *(term.all_of or ()))
    return (
        term.has == condition.id
        or term.group in condition.groups
        or any(_asks(each, condition) for each in inside)
    )


def _check(check: Check) -> Said:
    """What a screening looks for, and where it was read."""
    said = f"{words.capital(check.verdict)}: {words.uncapital(words.sentence(check.reason))}"
    return Said(said, (check.source,), flag(check.seen), check.note or "")


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
    said = (*(stated(each) for each in item.statements), *(_watched(each) for each in item.watches))
    return Fold(item.topic, (Points(tuple(para(each) for each in said)),), anchor("guidance", item.id))


def _watched(watch: Watch) -> Said:
    what = f"{watch.what[0].upper()}{watch.what[1:]}: {watch.when}."
    return Said(what, (watch.source,), flag(watch.seen), watch.note or "")
