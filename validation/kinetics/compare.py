"""Compares the exposure models with published levels, and with another implementation; writes README.md.

    python -m validation.kinetics.compare

Run it from the repository root. It says which published number has no prediction, and which number of the
other implementation is not met for no known reason; both are none when all is well, and then it exits with
status 0. How far a model is from a published number is a result and never an error.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path as File

from validation.kinetics import items, reproduction
from validation.kinetics.items import ITEMS, LEFT_OUT, Item
from validation.kinetics.rows import PUBLISHED, Row
from validation.ledger import filled, spelled, table

README = File(__file__).parent / "README.md"
MINUS = "\N{MINUS SIGN}"


class Run:
    """One comparison of everything: rows by item, and what became of each number of the reference."""

    def __init__(self) -> None:
        self.rows = {item.id: item.rows() for item in ITEMS}
        self.found = reproduction.everything()

    def blocks(self) -> dict[str, str]:
        """The generated parts of the README by name."""
        return {
            "summary": summary(self.rows),
            "items": "\n\n".join(section(item, self.rows[item.id]) for item in ITEMS),
            "left out": left_out(),
            "totals": totals(self.found),
            "infusions": infusions(self.found),
            "otherwise": otherwise(self.found),
        }

    def wrong(self) -> list[str]:
        """Published numbers without prediction or reason, and reference numbers that nothing gives."""
        every = [row for rows in self.rows.values() for row in rows]
        return [
            *(f"item {name}: not tabulated" for name in PUBLISHED.keys() - self.rows.keys()),
            *(f"{path}: no prediction" for path in items.unclaimed(every)),
            *(f"{path}: not claimed" for path in reproduction.unclaimed(self.found)),
            *(
                f"{_where(each)}: {each.check.printed} printed, ours {each.ours:.4f}"
                for each in self.found
                if not each.settled
            ),
        ]


def number(value: float) -> str:
    """Four significant digits, as many as any source printed, with a true minus sign."""
    return (f"{value:.1f}" if abs(value) >= 100.0 else f"{value:.4g}").replace("-", MINUS)


def percent(value: float) -> str:
    """A signed error in % with a true minus sign."""
    # a zero has no sign
    rounded = round(value, 1) + 0.0
    return f"{rounded:+.1f}".replace("-", MINUS) if rounded else "0.0"


def published(row: Row) -> str:
    """The printed number, or the printed range."""
    if isinstance(row.published, tuple):
        return f"{row.published[0]:g} to {row.published[1]:g}"
    return f"{row.published:g}"


def off(row: Row) -> str:
    """The error in %, or whether the answer lies in the printed range."""
    if row.inside is not None:
        return "inside" if row.inside else "outside"
    error = row.error_percent(row.predicted)
    ends = [row.error_percent(end) for end in row.spread or ()]
    words = percent(error or 0.0)
    low, high = (percent(end or 0.0) for end in sorted(ends, key=float)) if ends else (words, words)
    return words if low == high else f"{words} ({low} to {high})"


def predicted(row: Row) -> str:
    """The answer, with its range where that differs."""
    low, high = (number(end) for end in row.spread or (row.predicted, row.predicted))
    return number(row.predicted) if low == high else f"{number(row.predicted)} ({low} to {high})"


def summary(rows: dict[str, list[Row]]) -> str:
    """A few rows of each item."""
    lines = []
    for item in ITEMS:
        chosen = {(row.what, row.model): row for row in rows[item.id]}
        for index, which in enumerate(item.main):
            row = chosen[which]
            lines.append(
                (
                    f"[{item.id}](#{item.id.lower()})" if not index else "",
                    item.regimen if not index else "",
                    row.what,
                    published(row),
                    predicted(row),
                    model(row),
                    off(row),
                )
            )
    return table(("item", "regimen", "number", "published", "predicted", "model", "error, %"), lines)


def model(row: Row) -> str:
    """The id of a model as code; several models in words."""
    return row.model if " " in row.model else f"`{row.model}`"


def section(item: Item, rows: list[Row]) -> str:
    """All there is to say of one item."""
    lines = [(row.what, published(row), model(row), predicted(row), off(row)) for row in rows]
    return "\n".join(
        (
            f"### {item.id}",
            "",
            f"{item.who}: {item.regimen}. Source: {_source(item.id)}.",
            "",
            f"- Assumed: {item.assumed}",
            f"- What it is worth: {item.worth}",
            f"- Where it misses: {item.why}",
            "",
            table(("number", "published", "model", "predicted", "error, %"), lines),
        )
    )


def _source(name: str) -> str:
    """As the facts have it; 'same' stands for the source of the item before."""
    before = list(PUBLISHED)
    place = before.index(name)
    while PUBLISHED[before[place]]["source"] == "same":
        place -= 1
    return str(PUBLISHED[before[place]]["source"])


def left_out() -> str:
    """Published numbers without a prediction."""
    return table(("number", "why"), ((f"`{spelled(path)}`", why) for path, why in LEFT_OUT.items()))


def totals(found: list[reproduction.Found]) -> str:
    """What became of each number of the reference."""
    kinds = Counter(
        "the printed digits"
        if each.agrees
        else "the printed digits with another length of the infusion"
        if each.hours
        else "another number, for a reason that is shown to give theirs"
        if each.explained
        else "another number, for no known reason"
        for each in found
    )
    return table(("ours, with an infusion of 6 hours", "numbers"), [("all", len(found)), *kinds.items()])


def infusions(found: list[reproduction.Found]) -> str:
    """Lengths of infusion that give the printed digits."""
    lines = [
        (
            f"`{_where(each)}`",
            number(each.check.printed),
            number(each.ours),
            f"{each.hours[0]:.1f} to {each.hours[1]:.1f}",
        )
        for each in found
        if each.hours
    ]
    return table(("number", "theirs", "ours, 6 h", "hours that give theirs"), lines)


def otherwise(found: list[reproduction.Found]) -> str:
    """Numbers that no length of infusion gives."""
    lines = [
        (f"`{_where(each)}`", number(each.check.printed), number(each.ours), each.check.why)
        for each in found
        if not each.agrees and not each.hours
    ]
    return table(("number", "theirs", "ours", "why"), lines)


def _where(each: reproduction.Found) -> str:
    place = each.check.place
    return spelled((*each.check.path, f"number {place + 1}") if place else each.check.path)


def main() -> int:
    """Writes README.md and prints what is wrong."""
    run = Run()
    README.write_text(filled(README.read_text(encoding="utf-8"), run.blocks()), encoding="utf-8")
    wrong = run.wrong()
    print("\n".join(wrong) or f"{len(run.rows)} items, {len(run.found)} numbers of the reference: all told")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
