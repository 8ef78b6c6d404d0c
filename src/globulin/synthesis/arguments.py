"""The door of the synthesis library: arguments are checked here once, and trusted inside.

Every error is a ValueError that names the argument, since the caller is a program or a table reader that can
say where the value came from.
"""

from __future__ import annotations

from typing import TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]


def as_numbers(values: ArrayLike, name: str) -> Array:
    """Float array of finite numbers; ValueError naming the argument otherwise."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name}: must be numbers") from problem
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: every value must be a finite number")
    return array


def as_studies(y: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    """Effects and variances of one shape (..., k), k >= 1; ValueError naming the argument otherwise."""
    effects, variances = as_numbers(y, "y"), as_numbers(v, "v")
    if not (variances > 0).all():
        raise ValueError("v: every variance must be positive")
    if effects.shape != variances.shape:
        try:
            effects, variances = np.broadcast_arrays(effects, variances)
        except ValueError as problem:
            raise ValueError(f"v: shape {variances.shape} does not fit y, {effects.shape}") from problem
    if effects.ndim == 0 or effects.size == 0:
        raise ValueError("y: needs at least one study along its last axis")
    return effects, variances


def check_choice(name: str, value: str, choices: object) -> None:
    """Raise ValueError unless `value` is one of the words of the Literal type `choices`."""
    allowed = get_args(choices)
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(allowed)}")


def check_level(level: float) -> None:
    """Raise ValueError unless `level`, of an interval, lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level: must lie strictly between 0 and 1, not {level}")
