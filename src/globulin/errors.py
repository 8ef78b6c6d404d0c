"""Every exception globulin raises on purpose, drawn as one tree.

    GlobulinError
    ├── InputError            what the user gave cannot be used; the command line answers it and exits 2
    │   └── DossierError      a dossier has faults; carries every one of them with its place
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
    """One fault in a dossier file: where it is, which key, what is wrong and the likely fix.

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
        return f"{self.file}:{self.line}:{self.column}:{key} {self.problem}{fix}"


class DossierError(InputError):
    """A dossier cannot be used; `faults` holds every fault found, in file order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class RenderError(GlobulinError):
    """A document could not be rendered, or was rendered with warnings that would hide text."""
