"""Records in words: a cited value becomes a phrase with its source, a missing one says why it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from globulin.dossier import Dossier
from globulin.dossier.provenance import Citation, Cited, How, Missing, Seen, Statement
from globulin.dossier.treatment import Limit, Range
from globulin.pages import words
from globulin.pages.blocks import Phrase, Prose, Said, Term, para, term

T = TypeVar("T")


def anchor(kind: str, identifier: str) -> str:
    """The id on the page of a record."""
    return f"{kind}-{identifier}"


def missing(reason: str) -> Said:
    """What is not known, and why."""
    return Said(f"not known: {reason}", missing=True)


def said(fact: Cited[T] | Missing, show: Callable[[T], str] | None = None, *, unit: str = "") -> Said:
    """A fact as a phrase."""
    if isinstance(fact, Missing):
        return missing(fact.missing)
    text = show(fact.value) if show is not None else plain(fact.value)
    note = "; ".join(part for part in (fact.formula, fact.note, fact.locator) if part)
    return Said(f"{text} {unit}".strip(), (fact.source,), flag(fact.seen, fact.how), note)


def flag(seen: Seen, how: How = "reported") -> str:
    """The caution that a value carries: that no document was seen, or that it was not printed as such."""
    return "unverified" if seen == "unverified" else words.HOW[how]


def plain(value: Any) -> str:
    """A value of any simple type in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return words.number(value, 6)
    if isinstance(value, Range):
        return words.range_words(value)
    if isinstance(value, Limit):
        return _limit(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(item)}" for name, item in value.items())
    if isinstance(value, tuple):
        return "; ".join(plain(item) for item in value)
    return str(value)


def _limit(limit: Limit) -> str:
    parts = [
        "" if limit.typical is None else f"typically {words.number(limit.typical)}",
        "" if limit.maximum is None else f"at most {words.number(limit.maximum)}",
        limit.words or "",
    ]
    return ", ".join(part for part in parts if part)


def stated(statement: Statement) -> Said:
    """A statement as a phrase."""
    note = "; ".join(part for part in (statement.note, statement.locator) if part)
    return Said(words.sentence(statement.says), (statement.source,), flag(statement.seen), note)


def statements(items: Iterable[Statement]) -> tuple[Prose, ...]:
    """Statements, one paragraph each."""
    return tuple(para(stated(item)) for item in items)


def facts(*pairs: tuple[str, Phrase | str | None]) -> tuple[Term, ...]:
    """Labelled values; pairs without a value leave nothing behind."""
    return tuple(term(label, value) for label, value in pairs if value not in (None, "", ()))


def gathered(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Terms with those that are missing for one and the same reason put together at the end."""
    kept: list[Term] = []
    absent: dict[str, list[str]] = {}
    for each in terms:
        if len(each.said) == 1 and each.said[0].missing:
            absent.setdefault(each.said[0].text, []).append(each.label)
        else:
            kept.append(each)
    for text, labels in absent.items():
        if len(labels) == 1:
            kept.append(term(labels[0], Said(text, missing=True)))
        else:
            names = "; ".join([labels[0], *(words.uncapital(label) for label in labels[1:])])
            kept.append(
                term(
                    f"{words.capital(words.counted(len(labels), 'fact'))} missing",
                    names,
                    Said(f" ({text})", missing=True),
                )
            )
    return tuple(kept)


def cited(sources: Iterable[str]) -> Said:
    """Only source marks."""
    return Said("", tuple(dict.fromkeys(sources)))


def citation_words(citation: Citation) -> str:
    """A reference as it is printed in a list, with what is not verified said."""
    journal = " ".join(
        part
        for part in (
            citation.journal,
            str(citation.year) if citation.year else "",
        )
        if part
    )
    issue = ":".join(part for part in (citation.volume, citation.pages) if part)
    parts = [citation.authors, citation.title or "", ";".join(part for part in (journal, issue) if part)]
    for name, value in (("doi", citation.doi), ("PMID", citation.pmid), ("PMCID", citation.pmcid)):
        if value:
            parts.append(f"{name} {value}")
    parts.extend(citation.registry)
    text = ". ".join(part.rstrip(".") for part in parts if part) + "."
    if citation.unverified:
        names = [name.upper() if name in ("doi", "pmid", "pmcid") else name for name in citation.unverified]
        text += f" Unverified: {words.listed(names)}."
    return text


def reference(dossier: Dossier, see: str) -> Said:
    """A link to the record that `kind:id` names."""
    kind, _, identifier = see.partition(":")
    record = dossier.record(kind, identifier)
    return Said(_name(kind, record), href=f"#{anchor(kind, identifier)}")


def record_sources(dossier: Dossier, see: str) -> tuple[str, ...]:
    """Source ids of the record that `kind:id` names."""
    kind, _, identifier = see.partition(":")
    if kind == "source":
        return (identifier,)
    record = dossier.record(kind, identifier)
    return tuple(_sources_in(record.model_dump())) if kind in _DEEP else _own_sources(record)


_DEEP = ("regimen", "guidance", "instrument", "condition")
"""Kinds whose sources stand only at the facts inside the record, if it has any."""


def _own_sources(record: Any) -> tuple[str, ...]:
    several = getattr(record, "sources", None)
    return tuple(several) if several else (record.source,)


def _sources_in(data: Any) -> Iterable[str]:
    """Source ids at any depth, in order, each once."""
    found: dict[str, None] = {}
    if isinstance(data, dict):
        if isinstance(data.get("source"), str):
            found[data["source"]] = None
        for value in data.values():
            found.update(dict.fromkeys(_sources_in(value)))
    elif isinstance(data, list | tuple):
        for value in data:
            found.update(dict.fromkeys(_sources_in(value)))
    return found


_NAMED_BY = ("name", "label", "who", "topic", "title")


def _name(kind: str, record: Any) -> str:
    if kind == "review":
        year = f" {record.citation.year}" if record.citation.year else ""
        return f"{record.citation.authors.split(',')[0]}{year}"
    if kind == "background":
        return str(record.citation)
    return str(next(getattr(record, name) for name in _NAMED_BY if hasattr(record, name)))
