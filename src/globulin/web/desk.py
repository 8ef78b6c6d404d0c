"""What every screen has at hand: the dossier, the drafts, and the workers that compute."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from globulin.web.drafts import Drafts
from globulin.web.keeper import Keeper
from globulin.web.opened import opened_shelf
from globulin.web.work import Work

if TYPE_CHECKING:
    from globulin.plan_shelf import PlanShelf


@dataclass(frozen=True)
class Desk:
    """One app's belongings."""

    dossier: Path | None
    """The dossier folder; None: the bundled one."""
    drafts: Drafts
    work: Work
    patients: Keeper = field(default_factory=Keeper)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first page was asked for."""

    def __post_init__(self) -> None:
        """What came out of the store of patients goes when that is locked."""
        self.patients.when_locked = self.drafts.forget_private

    @cached_property
    def shelf(self) -> PlanShelf:
        """What a plan needs of the dossier; read when it is asked for."""
        return opened_shelf(self.dossier)


async def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101  (create_app put it there)
    desk.begun.set()
    if not request.url.path.startswith("/api/"):
        # a program may ask all night
        desk.patients.used()
    return desk


AtHand = Annotated[Desk, Depends(_desk)]
"""The type of a route's parameter that takes the desk."""
