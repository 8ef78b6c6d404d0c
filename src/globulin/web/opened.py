"""What is opened once in each process of the app, and what a worker loads before it is asked anything."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globulin.dossier import Dossier
    from globulin.plan_shelf import PlanShelf

_COMPUTING = (
    "globulin.library",
    "globulin.findings",
    "globulin.pages.site",
    "globulin.pages.drawn",
    "globulin.planner",
    "globulin.plan_shelf",
    "globulin.web.api_work",
    "globulin.web.screens.plan_work",
    "globulin.web.screens.read_work",
)
"""What most computations need, the page's first, since it is asked for first."""


@cache
def opened_shelf(folder: Path | None) -> PlanShelf:
    """What a plan needs of a dossier."""
    from globulin.plan_shelf import PlanShelf

    return PlanShelf(folder)


@cache
def opened_dossier(folder: Path | None) -> Dossier:
    """A whole dossier. Raises DossierError for one with faults."""
    from globulin.library import open_dossier

    return open_dossier(folder)


def prepare() -> None:
    """Load what computing needs."""
    for name in _COMPUTING:
        import_module(name)
