"""How a number was got, in plain words: recorded with every conversion, so that a page can print it.

The words are made for one study when they are asked for: a table of many studies makes no sentence unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis.measures import Array

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Derivation:
    """How one number was got from what was printed: the steps in order, and what they take for granted."""

    steps: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __add__(self, other: Derivation) -> Derivation:
        """This derivation followed by the other, each assumption once."""
        assumptions = tuple(dict.fromkeys((*self.assumptions, *other.assumptions)))
        return Derivation((*self.steps, *other.steps), assumptions)

    @property
    def lines(self) -> tuple[str, ...]:
        """Steps, then assumptions, each marked as one."""
        return (*self.steps, *(f"assumed: {assumption}" for assumption in self.assumptions))


class Note(NamedTuple):
    """The words of one conversion, to be filled with the numbers of one study.

    step: a format string over `numbers`. cautions: further steps, said only where their mask is True.
    """

    step: str
    numbers: Mapping[str, Array]
    assumptions: tuple[str, ...] = ()
    cautions: tuple[tuple[Mask, str], ...] = ()
    label: str = ""

    def derivation(self, at: tuple[int, ...]) -> Derivation:
        """The words for the study at this index."""
        found = {name: float(values[at]) for name, values in self.numbers.items()}
        steps = (self.step.format_map(found), *(words for mask, words in self.cautions if mask[at]))
        named = tuple(f"{self.label}: {step}" if self.label else step for step in steps)
        return Derivation(named, self.assumptions)


@dataclass(frozen=True, slots=True)
class Converted:
    """Numbers that were got by conversion, by name, all of one shape; `derivation` says how."""

    numbers: Mapping[str, Array]
    notes: tuple[Note, ...] = ()

    def __getitem__(self, name: str) -> Array:
        return self.numbers[name]

    def derivation(self, *at: int) -> Derivation:
        """How the numbers of one study were got: its index, nothing where there is one study only."""
        whole = Derivation()
        for note in self.notes:
            whole = whole + note.derivation(at)
        return whole

    def labelled(self, label: str) -> Converted:
        """The same, each step introduced by whom it is about."""
        return replace(self, notes=tuple(note._replace(label=label) for note in self.notes))
