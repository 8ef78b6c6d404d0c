"""Every exception globulin raises on purpose, drawn as one tree.

    GlobulinError
    ├── InputError            what the user gave cannot be used; the command line answers it and exits 2
    │   └── FaultsError       a file that people write has faults; carries every one with its place
    │       └── DossierError  the same of the files of a dossier
    └── RenderError           a document could not be made from a good result

A contraindication, a fit that did not converge or a value outside a model's domain is no exception:
it is a value in the result and is shown to the user.
"""

from __future__ import annotations

from dataclasses import dataclass


class GlobulinError(Exception):
    """Base of all errors raised on purpose."""


class InputError(GlobulinError):
    """What the user gave cannot be used. The message is one line: what was wrong, where, the likely fix."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault in a file that people write: where it is, which key, what is wrong and the likely fix.

    `line` and `column` count from 1; `fix` is empty where there is no likely fix to name.
    """

    file: str
    line: int
    column: int
    key: str
    problem: str
    fix: str = ""

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        fix = f" ({self.fix})" if self.fix else ""
        line = f"{self.file}:{self.line}:{self.column}:{key} {self.problem}{fix}"
        # a key or an id may hold what would steer a terminal
        return "".join(letter if letter.isprintable() else " " for letter in line)


class FaultsError(InputError):
    """A file cannot be used; `faults` holds every fault found, in file order, one line each."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type[FaultsError], tuple[list[Fault]]]:
        # made again from its faults, not from its text, where it goes from one process to another
        return type(self), (list(self.faults),)


class DossierError(FaultsError):
    """A dossier cannot be used."""


class RenderError(GlobulinError):
    """A document could not be rendered, or was rendered with warnings that would hide text."""
