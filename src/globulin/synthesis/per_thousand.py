"""Numbers as people: of 1,000, how many, and how many more or fewer. The same words for benefit and harm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PER = 1000


@dataclass(frozen=True, slots=True)
class PerThousand:
    """A number of 1,000 people, with its 95% interval."""

    estimate: float
    lower: float
    upper: float


def per_thousand(
    estimate: float | NDArray[np.float64],
    lower: float | NDArray[np.float64],
    upper: float | NDArray[np.float64],
) -> PerThousand:
    """Probabilities as people of 1,000."""
    return PerThousand(PER * float(estimate), PER * float(lower), PER * float(upper))


def more_or_fewer(difference: float, lower: float, upper: float) -> str:
    """A difference as `anything from 34 fewer to 365 more; the middle is 147 more`: the doubt comes first."""
    return f"anything from {_count(lower)} to {_count(upper)}; the middle is {_count(difference)}"


def _count(difference: float) -> str:
    people = round(PER * difference)
    if people == 0:
        return "no more and no fewer"
    return f"{abs(people)} {'more' if people > 0 else 'fewer'}"
