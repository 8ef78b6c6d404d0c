"""Columns of numbers, one value a study: checked here, with the column and the position of the first fault.

The caller is often a table reader, which knows on which line of which file that position stands.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]


class ColumnError(ValueError):
    """A value that breaks the rule of its column; `position` is its index among the studies."""

    def __init__(self, column: str, rule: str, position: tuple[int, ...]) -> None:
        self.column, self.rule, self.position = column, rule, position
        where = position[0] if len(position) == 1 else position
        super().__init__(f"{column}: {rule} (position {where})")


def require(ok: Any, column: str, rule: str) -> None:
    """Raise ColumnError at the first place where `ok`, a condition or an array of them, does not hold."""
    bad = ~np.atleast_1d(ok)
    if bad.any():
        raise ColumnError(column, rule, tuple(int(i) for i in np.argwhere(bad)[0]))


def require_two_groups(n1: Array, n2: Array) -> None:
    """Raise ColumnError unless both groups have people, and enough of them for a pooled spread."""
    require(n1 > 0, "n1", "must be positive")
    require(n2 > 0, "n2", "must be positive")
    require(n1 + n2 > 2, "n1", "n1 + n2 must be above 2")


def finite(**columns: ArrayLike) -> list[Array]:
    """Columns of finite numbers, broadcast against each other; ValueError naming the column otherwise."""
    arrays = []
    for name, column in columns.items():
        try:
            array = np.asarray(column, dtype=np.float64)
        except (TypeError, ValueError) as problem:
            raise ValueError(f"{name}: must be numbers") from problem
        require(np.isfinite(array), name, "must be a finite number")
        arrays.append(array)
    try:
        return [np.array(array) for array in np.broadcast_arrays(*arrays)]
    except ValueError as problem:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(columns, arrays, strict=True))
        raise ValueError(f"{next(iter(columns))}: shapes do not fit together ({shapes})") from problem
