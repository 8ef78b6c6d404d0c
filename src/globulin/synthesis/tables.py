"""The door to the rare-event methods: counts and person-time of two arms, checked once, named in errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.arguments import as_numbers
from globulin.synthesis.measures import Array
from globulin.synthesis.pooling import Mask


class Tables(NamedTuple):
    """Two-by-two tables: events and sizes (or person-time) of arm 1, then of arm 2, each of shape (k,)."""

    a: Array
    n1: Array
    c: Array
    n2: Array

    @property
    def informative(self) -> Mask:
        """True where the table has both events and non-events."""
        events = self.a + self.c
        some: Mask = (events > 0) & (events < self.n1 + self.n2)
        return some

    @property
    def empty_cell(self) -> Mask:
        """True where one of the four cells is empty."""
        empty: Mask = (self.a == 0) | (self.c == 0) | (self.a == self.n1) | (self.c == self.n2)
        return empty

    @property
    def double_zero(self) -> int:
        """How many trials had no events at all."""
        return int((self.a + self.c == 0).sum())

    def take(self, which: Mask) -> Tables:
        """The chosen trials only."""
        return Tables(*(column[which] for column in self))


def read_tables(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, whole: bool = False
) -> Tables:
    """Checked tables; ValueError naming the argument for counts that cannot be, or not whole if they must."""
    columns = _columns(events1=events1, n1=n1, events2=events2, n2=n2)
    for events, size in (("events1", "n1"), ("events2", "n2")):
        _check_group(columns, events, size)
    if whole:
        _require_whole(columns)
    return Tables(*columns.values())


def read_group(events: ArrayLike, n: ArrayLike) -> Tables:
    """Checked whole counts of one group, the second arm left without events."""
    columns = _columns(events=events, n=n)
    _check_group(columns, "events", "n")
    _require_whole(columns)
    x, size = columns.values()
    return Tables(x, size, np.zeros_like(x), size)


def read_rates(
    events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, *, whole: bool = False
) -> Tables:
    """Checked events and person-time; ValueError naming the argument as in `read_tables`."""
    columns = _columns(events1=events1, time1=time1, events2=events2, time2=time2)
    for name in ("time1", "time2"):
        if not (columns[name] > 0).all():
            raise ValueError(f"{name}: every person-time must be positive")
    if whole:
        _require_whole({name: columns[name] for name in ("events1", "events2")})
    return Tables(*columns.values())


def require_level(level: float) -> None:
    """ValueError unless level lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level: must lie strictly between 0 and 1, not {level}")


def require_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """ValueError naming the argument unless its value is one of those allowed."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(allowed)}")


def require_amount(name: str, value: float) -> None:
    """ValueError naming the argument unless it is 0 or a positive number."""
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name}: must be 0 or a positive number, not {value}")


def _columns(**values: ArrayLike) -> dict[str, Array]:
    columns = {name: np.atleast_1d(as_numbers(column, name)) for name, column in values.items()}
    shape = next(iter(columns.values())).shape
    for name, column in columns.items():
        if column.ndim != 1 or column.size == 0 or column.shape != shape:
            raise ValueError(f"{name}: needs one number per trial in one dimension, as many as the others")
        if name.startswith("events") and (column < 0).any():
            raise ValueError(f"{name}: counts cannot be negative")
    return columns


def _check_group(columns: dict[str, Array], events: str, size: str) -> None:
    if not (columns[size] >= 1).all():
        raise ValueError(f"{size}: every arm needs at least one person")
    if (columns[events] > columns[size]).any():
        raise ValueError(f"{events}: more events than people in {size}")


def _require_whole(columns: dict[str, Array]) -> None:
    for name, column in columns.items():
        if (column != np.floor(column)).any():
            raise ValueError(f"{name}: counts must be whole numbers")
