"""Quantiles of many rows of levels, counted instead of sorted, whole or as a stream.

Bands over time ask for a few quantiles of every day of a hundred thousand people. Sorting finds all of them;
counting into narrow classes finds where the few lie, and only those classes are looked at closely. Classes
come straight from the bits of a number: with the sign, the exponent and eleven bits of the fraction they
keep its order and are never wider than 1 part in 2,048. Where people come in chunks that are not kept, the
counts alone remain, and the width of a class is the error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from globulin.exposure.linear import FloatArray

_FRACTION_BITS = 11
# the upper half of a number: a sign, 11 bits of exponent and 20 of the fraction (IEEE 754, binary64)
_SHIFT = 20 - _FRACTION_BITS
_NOT_FINITE = 0x7FF << _FRACTION_BITS
RELATIVE_WIDTH = 2.0**-_FRACTION_BITS
"""How wide a class is, at most, as a share of the values in it: the error of a streamed quantile."""


def row_quantiles(values: FloatArray, probabilities: Sequence[float]) -> FloatArray:
    """Quantiles of each row of positive `values` (rows x people): probabilities x rows, exact.

    The convention is that of NumPy's default: linear between order statistics (Hyndman & Fan, American
    Statistician 1996;50:361-365, type 7). Raises ValueError for a probability outside 0 to 1, and for values
    that are negative or not finite.
    """
    shares = _checked(probabilities)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError("values must be rows x people, with at least one of the latter")
    return np.array([_of_row(row, shares) for row in values]).T.reshape(len(shares), len(values))


def _of_row(row: FloatArray, shares: FloatArray) -> FloatArray:
    classes = _classes(row)
    classes -= classes.min()
    seen = np.cumsum(np.bincount(classes))
    place = shares * (row.size - 1)
    low = np.floor(place).astype(np.intp)
    ranks = np.concatenate([low, np.minimum(low + 1, row.size - 1)])
    found = np.searchsorted(seen, ranks, side="right")
    # two bytes are compared faster than four, and classes of one row are few
    narrow = classes.astype(np.uint16) if seen.size <= np.iinfo(np.uint16).max else classes
    values = np.empty(ranks.size)
    for number in dict.fromkeys(found.tolist()):
        inside = np.sort(row[narrow == number])
        wanted = found == number
        values[wanted] = inside[ranks[wanted] - (seen[number] - inside.size)]
    below, above = values[: shares.size], values[shares.size :]
    quantiles: FloatArray = below + (place - low) * (above - below)
    return quantiles


class StreamedQuantiles:
    """Counts per class of every row, to which chunks of people are added and from which quantiles are read.

    Memory does not grow with the number of people: `rows` x about 2,048 classes for each doubling between
    `lowest` and `highest`. Values outside are counted at these ends.
    """

    def __init__(self, rows: int, *, lowest: float, highest: float) -> None:
        """Room for `rows` rows of values from `lowest` (above 0) to `highest`."""
        if not 0.0 < lowest < highest or not np.isfinite(highest):
            raise ValueError("lowest must be above 0, and highest above lowest and finite")
        ends = _classes(np.array([lowest, highest]))
        self._first, self._last = int(ends[0]), int(ends[1])
        self._counts = np.zeros((rows, self._last - self._first + 1), dtype=np.int64)

    @property
    def people(self) -> int:
        """How many people have been added."""
        return int(self._counts[0].sum()) if len(self._counts) else 0

    def add(self, values: FloatArray) -> None:
        """Add a chunk: rows x people."""
        width = self._counts.shape[1]
        for counts, row in zip(self._counts, values, strict=True):
            classes = np.clip(_classes(row), self._first, self._last)
            counts += np.bincount(classes - self._first, minlength=width)

    def quantiles(self, probabilities: Sequence[float]) -> FloatArray:
        """Quantiles, probabilities x rows, off by at most `RELATIVE_WIDTH` of themselves.

        Within a class values are taken to be evenly spread. Raises ValueError if nobody has been added.
        """
        return mixture_quantiles([self], [1.0], probabilities)

    def _seen(self, row: int) -> FloatArray:
        """How many values of a row lie below each edge of the classes."""
        return np.concatenate([[0.0], np.cumsum(self._counts[row])])

    def _edges(self) -> FloatArray:
        return _edge(np.arange(self._first, self._last + 2))


def mixture_quantiles(
    parts: Sequence[StreamedQuantiles], weights: Sequence[float], probabilities: Sequence[float]
) -> FloatArray:
    """Quantiles of a mixture of streams of the same limits and rows: probabilities x rows.

    A value comes from part i with probability `weights[i]`, which add up to 1, however many values that part
    has. Off by at most `RELATIVE_WIDTH` of themselves. Raises ValueError if a part is empty or the limits
    differ.
    """
    shares = _checked(probabilities)
    first = parts[0]
    if any(not part.people for part in parts):
        raise ValueError("nobody has been added")
    if any((part._first, part._counts.shape) != (first._first, first._counts.shape) for part in parts):
        raise ValueError("parts must have the same limits and rows")
    edges = first._edges()
    people = sum(part.people for part in parts)
    found = np.empty((shares.size, len(first._counts)))
    for row in range(found.shape[1]):
        below = sum(
            weight * part._seen(row) / part.people for weight, part in zip(weights, parts, strict=True)
        )
        # rank r of n evenly spread values of a class stands at (r + 1/2) / n of its width
        found[:, row] = np.interp((shares * (people - 1) + 0.5) / people, below, edges)
    return found


def _classes(values: FloatArray) -> NDArray[np.int32]:
    """The class of each positive number: its exponent and first bits of the fraction, in order."""
    words = np.ascontiguousarray(values, dtype="<f8").view("<i4")
    classes: NDArray[np.int32] = words[1::2] >> _SHIFT
    # a negative number has its first bit set, one that is not finite every bit of the exponent
    if classes.size and (classes.min() < 0 or classes.max() >= _NOT_FINITE):
        raise ValueError("values must be finite and not negative")
    return classes


def _edge(classes: NDArray[np.int64]) -> FloatArray:
    """The lowest number of each class."""
    return (classes << (32 + _SHIFT)).view(np.float64)


def _checked(probabilities: Sequence[float]) -> FloatArray:
    shares = np.atleast_1d(np.asarray(probabilities, dtype=np.float64))
    if shares.ndim != 1 or not np.all((shares >= 0.0) & (shares <= 1.0)):
        raise ValueError("probabilities must lie between 0 and 1")
    return shares
