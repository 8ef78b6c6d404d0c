"""What people typed, kept in memory for as long as they work with it.

A form is posted, kept here and answered by a redirect to an address that holds a random id and nothing else.
So back and forward show every state, and no value about a person ever stands in an address, a log or a file.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

ID_BYTES = 16
"""128 bits: an id cannot be guessed."""

Texts = Mapping[str, tuple[str, ...]]
"""What was typed or ticked: for each field of a form, its texts."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One state of a form."""

    screen: str
    """The screen that it belongs to; another screen does not find it."""
    texts: Texts


class Drafts:
    """Drafts by id. The longest unused one goes first: when there are too many, or after some hours."""

    def __init__(
        self, *, most: int = 1000, hours: float = 12.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = hours * 3600.0
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Draft]] = OrderedDict()
        self._private: set[str] = set()
        self._now_private = False

    def keep(self, screen: str, texts: Texts, *, lasting: bool = False) -> str:
        """Keep a new draft; returns its id (32 hexadecimal digits).

        lasting: it holds nothing of a person, and `forget_private` leaves it.
        """
        self._expire()
        while len(self._kept) >= self._most:
            self._drop_first()
        identifier = secrets.token_hex(ID_BYTES)
        said = MappingProxyType({name: tuple(each) for name, each in texts.items()})
        self._kept[identifier] = (self._clock(), Draft(screen, said))
        if self._now_private and not lasting:
            self._private.add(identifier)
        return identifier

    def private_from_now(self, identifier: str = "") -> None:
        """Have the drafts that are made from now on, and one that is there, go with `forget_private`.

        All that are made, since a form may be sent without the draft that it was filled in from.
        """
        self._now_private = True
        if identifier in self._kept:
            self._private.add(identifier)

    def forget_private(self) -> None:
        """Forget those drafts; what is made from now on stays."""
        self._now_private = False
        for identifier in self._private:
            self._kept.pop(identifier, None)
        self._private.clear()

    def find(self, screen: str, identifier: str) -> Draft | None:
        """The draft of a screen, or None where it was never there or is kept no more."""
        self._expire()
        found = self._kept.get(identifier)
        if found is None or found[1].screen != screen:
            return None
        self._kept[identifier] = (self._clock(), found[1])
        self._kept.move_to_end(identifier)
        return found[1]

    def clear(self) -> None:
        """Forget every draft."""
        self._kept.clear()
        self._private.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _expire(self) -> None:
        # a use moves a draft to the end, so the first is always the longest unused
        oldest = self._clock() - self._seconds
        while self._kept and next(iter(self._kept.values()))[0] < oldest:
            self._drop_first()

    def _drop_first(self) -> None:
        identifier, _ = self._kept.popitem(last=False)
        self._private.discard(identifier)
