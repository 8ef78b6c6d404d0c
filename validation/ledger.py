"""What became of every number in a file of reference values: compared, an input, or left out for a reason.

A comparison that counts only what it looked at can shrink without anybody seeing it. This one starts from
the other end: it walks the whole reference file, and each number must be claimed exactly once. What nobody
claimed is reported, and a test holds that list empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Path: TypeAlias = tuple[str | int, ...]


class Comparison(NamedTuple):
    """One reference number beside ours. slack: how far apart they may be. part: the row of the table."""

    path: Path
    part: str
    ours: float
    reference: float
    slack: float

    @property
    def agrees(self) -> bool:
        """Whether ours lies within the tolerance of the reference number."""
        return abs(self.ours - self.reference) <= self.slack


class Gap(NamedTuple):
    """A place where the reference program has no number (it failed, or says NA), and what ours is there."""

    path: Path
    part: str
    ours: float


class Ledger:
    """Claims the numbers of one reference file. `reference` is the parsed JSON."""

    def __init__(self, reference: Mapping[str, Any]) -> None:
        self.reference = reference
        self.comparisons: dict[Path, Comparison] = {}
        self.skipped: dict[Path, str] = {}
        self.gaps: list[Gap] = []

    def at(self, path: Path) -> Any:
        """What the file holds at a path."""
        node: Any = self.reference
        for step in path:
            node = node[step]
        return node

    def compare(
        self,
        part: str,
        path: Path,
        ours: ArrayLike,
        *,
        relative: float = 0.0,
        scale: ArrayLike = 0.0,
        absolute: ArrayLike = 0.0,
    ) -> None:
        """Hold ours against all numbers below a path, which may be one or a list of (lists of) numbers.

        Tolerance: absolute + relative times the larger of |reference| and scale. scale and absolute are one
        number or have the shape of what is compared. Where the file has null there is nothing to compare:
        the place is kept among the gaps, with our answer.
        """
        theirs = np.array(self.at(path), dtype=float)
        got = np.asarray(ours, dtype=float).reshape(theirs.shape)
        slack = absolute + relative * np.maximum(np.abs(theirs), np.asarray(scale, dtype=float))
        slack = np.broadcast_to(np.nan_to_num(slack), theirs.shape)
        for index in np.ndindex(theirs.shape):
            place = (*path, *index)
            if np.isnan(theirs[index]):
                self.gaps.append(Gap(place, part, float(got[index])))
                continue
            self._refuse_claimed(place)
            self.comparisons[place] = Comparison(
                place, part, float(got[index]), float(theirs[index]), float(slack[index])
            )

    def skip(self, path: Path, reason: str) -> None:
        """Leave out all numbers below a path that nobody has claimed, and say why."""
        for place, _ in numbers(self.at(path), path):
            if place not in self.comparisons and place not in self.skipped:
                self.skipped[place] = reason

    def unclaimed(self) -> list[Path]:
        """The numbers of the file that were neither compared nor left out for a reason."""
        return [
            place
            for place, _ in numbers(self.reference)
            if place not in self.comparisons and place not in self.skipped
        ]

    def _refuse_claimed(self, place: Path) -> None:
        if place in self.comparisons or place in self.skipped:
            raise ValueError(f"{spelled(place)}: claimed twice")


def numbers(node: Any, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every number below a node of a parsed JSON file, with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from numbers(value, (*path, index))
    elif isinstance(node, int | float):
        yield path, float(node)


def spelled(path: Path) -> str:
    """A path as one word, for messages."""
    return "/".join(map(str, path))


# --- the tables of a README --------------------------------------------------------------------------


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; whole numbers get thousands separators."""

    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + " |"

    head = list(header)
    return "\n".join([line(head), line("---" for _ in head), *(line(row) for row in rows)])


def counted(ledger: Ledger, group: Callable[[Comparison], str | None]) -> dict[str, tuple[int, int, int]]:
    """Compared, agreeing and differing numbers by group, in the order of appearance; None is left out."""
    found: dict[str, list[int]] = {}
    for comparison in ledger.comparisons.values():
        name = group(comparison)
        if name is not None:
            found.setdefault(name, [0, 0])[not comparison.agrees] += 1
    return {name: (agree + differ, agree, differ) for name, (agree, differ) in found.items()}


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """A README with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced by each named block.

    Raises ValueError if the README has no place for a block.
    """
    for name, block in blocks.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"README: no place for {name!r}: write {start.strip()} and {end}")
        text = f"{before}{start}{block}\n{end}{after}"
    return text
