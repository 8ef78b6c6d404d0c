"""Numbers for sources, given in the order a reader meets them, so that a printed page can say `[3]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from globulin.dossier.provenance import Seen, Source
from globulin.pages import words
from globulin.pages.facts import flag

if TYPE_CHECKING:
    from globulin.dossier import Dossier
    from globulin.findings import Findings

Json = dict[str, Any]
Cell = str | Json
"""Plain text, or text with a bold lead, a small note and references."""


@dataclass
class References:
    """Sources by id, and the numbers given to them so far."""

    sources: Mapping[str, Source]
    numbers: dict[str, int] = field(default_factory=dict)

    def refs(self, sources: Iterable[str]) -> list[Json]:
        """References as printed; a run of three or more is drawn together as first-to-last."""
        numbers = sorted({self.numbers.setdefault(s, len(self.numbers) + 1) for s in sources})
        runs: list[list[int]] = []
        for number in numbers:
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        short = chain.from_iterable([run] if len(run) > 2 else [[n] for n in run] for run in runs)
        return [
            {"to": run[0], "text": str(run[0]) if len(run) == 1 else f"{run[0]}\N{EN DASH}{run[-1]}"}
            for run in short
        ]

    def cell(self, text: str, sources: Iterable[str] = (), *, lead: str = "", note: str = "") -> Json:
        """Text with its references."""
        return {"lead": prose(lead), "text": prose(text), "note": prose(note), "refs": self.refs(sources)}

    def said(self, text: str, source: str, seen: Seen) -> Json:
        """A statement with its source; one that no document was seen for says so."""
        mark = flag(seen)
        unsaid = mark and "verified" not in text
        return self.cell(words.sentence(f"{text.rstrip('.')} ({mark})" if unsaid else text), (source,))

    def source_list(self) -> list[Json]:
        """Every source that was cited, by number, with what was seen of it."""
        return [
            {"number": number, **_source(self.sources[identifier])}
            for identifier, number in sorted(self.numbers.items(), key=lambda item: item[1])
        ]


class PrintedPage(References):
    """What the sections of the printed living page draw on, with its references."""

    def __init__(self, dossier: Dossier, findings: Findings) -> None:
        super().__init__(dossier.sources)
        self.dossier = dossier
        self.findings = findings


SEEN: dict[Seen, str] = {
    "full_text": "in full",
    "abstract": "abstract",
    "label": "label or maker's site",
    "secondary": "second-hand",
    "registry": "registry",
    "unverified": "nothing, unverified",
}
"""What was seen of a source, short enough for a list."""


def _source(source: Source) -> Json:
    """A source as it is listed; only a plain web address becomes a link."""
    url = f"https://doi.org/{source.doi}" if source.doi else (source.url or "")
    shown = f"doi:{source.doi}" if source.doi else re.sub(r"^https?://(www\.)?", "", url)
    return {
        "title": prose(source.title).rstrip("."),
        "url": url if re.fullmatch(r"https?://\S+", url) else "",
        "where": prose(shown) or (f"PMID {source.pmid}" if source.pmid else ""),
        "date": source.date or "",
        "seen": SEEN[source.seen],
    }


def prose(text: str) -> str:
    """Text on one line, with true minus signs, and no break between a number and its unit."""
    line = re.sub(r"(?<![\w\N{EN DASH}-])-(?=\d)", words.MINUS, re.sub(r"\s+", " ", text))
    return re.sub(r"(?<=\d) (?=(?:mL|mg|g|kg|L|USD|GBP|EUR|AUD)\b)", "\N{NO-BREAK SPACE}", line)
