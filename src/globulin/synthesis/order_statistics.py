"""Mean and standard deviation of a group of which a paper printed the median, quartiles or range.

Papers print these where a spread is uneven, which is where the estimates are worst: so the unevenness is
tested, and a derivation warns where it shows.
"""

from __future__ import annotations

import itertools
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis import special
from globulin.synthesis.columns import finite, require
from globulin.synthesis.derivations import Converted, Note
from globulin.synthesis.measures import Array

FEWEST_QUARTERED = 5
"""Quartiles and extremes of fewer people are not five different numbers."""


class _Summary(NamedTuple):
    """What was printed of groups, checked; a pair that was not printed lies at the median, without width."""

    n: Array
    median: Array
    quartiles: tuple[Array, Array]
    extremes: tuple[Array, Array]
    printed: Literal["quartiles", "extremes", "both"]


def mean_sd_from_summary(
    n: ArrayLike,
    median: ArrayLike,
    q1: ArrayLike | None = None,
    q3: ArrayLike | None = None,
    minimum: ArrayLike | None = None,
    maximum: ArrayLike | None = None,
) -> Converted:
    """`mean` and `sd` of a group from its median with quartiles, with extremes, or with both.

    Means: Luo et al. 2018, Stat Methods Med Res 27:1785-1805 (the optimal weights of mid-range, mid-quartile
    range and median). SDs: Wan et al. 2014, BMC Med Res Methodol 14:135, equation 9 with extremes and 16 with
    quartiles; Shi et al. 2020, Res Synth Methods 11:641-654, equation 11 with both. All assume a normal
    distribution; where `summary_skewness` contradicts that, the derivation warns.
    """
    summary = _read_summary(n, median, q1, q3, minimum, maximum)
    mean, sd = _luo_mean(summary), _wan_shi_sd(summary)
    said = {
        "quartiles": "quartiles {q1:.4g} and {q3:.4g}",
        "extremes": "range {minimum:.4g} to {maximum:.4g}",
        "both": "quartiles {q1:.4g} and {q3:.4g}, range {minimum:.4g} to {maximum:.4g}",
    }[summary.printed]
    source = "Shi 2020" if summary.printed == "both" else "Wan 2014"
    got = f"mean {{mean:.4g}} (Luo 2018), SD {{sd:.4g}} ({source})"
    step = f"median {{median:.4g}}, {said}, {{n:g}} people: {got}"
    numbers = {"n": summary.n, "median": summary.median, "mean": mean, "sd": sd}
    numbers["q1"], numbers["q3"] = summary.quartiles
    numbers["minimum"], numbers["maximum"] = summary.extremes
    statistic, critical = _skewness(summary)
    note = Note(step, numbers, (_NORMAL, _AS_IF_PRINTED), ((statistic > critical, _SKEWED),))
    return Converted({"mean": mean, "sd": sd}, (note,))


def summary_skewness(
    n: ArrayLike,
    median: ArrayLike,
    q1: ArrayLike | None = None,
    q3: ArrayLike | None = None,
    minimum: ArrayLike | None = None,
    maximum: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Test statistic of skewness and its 5% critical value; a larger statistic says: not normal.

    Source: Shi et al. 2023, Stat Methods Med Res 32:1338-1360, tests T1 (extremes), T2 (quartiles), T3 (all).
    """
    return _skewness(_read_summary(n, median, q1, q3, minimum, maximum))


_NORMAL = "values spread like a normal distribution within the group"
_AS_IF_PRINTED = (
    "mean and SD are taken as if printed, although they are estimates: the standard error is too small, by"
    " something between 2% (quartiles and range) and a quarter (range alone)"
)
_SKEWED = (
    "caution: median, quartiles or range stand too unevenly for a normal distribution (Shi 2023, 5% level),"
    " so mean and SD may be far off"
)


def _read_summary(
    n: ArrayLike,
    median: ArrayLike,
    q1: ArrayLike | None,
    q3: ArrayLike | None,
    minimum: ArrayLike | None,
    maximum: ArrayLike | None,
) -> _Summary:
    given = {"n": n, "minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum}
    columns = {name: values for name, values in given.items() if values is not None}
    for pair in (("q1", "q3"), ("minimum", "maximum")):
        missing = [name for name in pair if name not in columns]
        if len(missing) == 1:
            raise ValueError(f"{missing[0]}: missing; {pair[0]} and {pair[1]} are needed together")
    if len(columns) < 4:
        raise ValueError("q1: missing; give q1 and q3, or minimum and maximum, or all four")
    read = dict(zip(columns, finite(**columns), strict=True))
    size = read.pop("n")
    fewest = FEWEST_QUARTERED if "q1" in read else 2
    require(size >= fewest, "n", f"must be at least {fewest}")
    for low, high in itertools.pairwise(read):
        require(read[low] <= read[high], high, f"must not be below {low}")
    for low, high in (("q1", "q3"), ("minimum", "maximum")):
        if low in read:
            require(read[low] < read[high], high, f"must be above {low}, or there is no spread")
    median = read["median"]
    return _Summary(
        size,
        median,
        (read.get("q1", median), read.get("q3", median)),
        (read.get("minimum", median), read.get("maximum", median)),
        "both" if len(read) == 5 else "quartiles" if "q1" in read else "extremes",
    )


def _luo_mean(summary: _Summary) -> Array:
    n = summary.n
    inner, outer = {
        "quartiles": (0.7 + 0.39 / n, np.zeros_like(n)),
        "extremes": (np.zeros_like(n), 4 / (4 + n**0.75)),
        "both": (0.7 - 0.72 / n**0.55, 2.2 / (2.2 + n**0.75)),
    }[summary.printed]
    (first, third), (low, high) = summary.quartiles, summary.extremes
    middle = inner * (first + third) / 2 + outer * (low + high) / 2
    return middle + (1 - inner - outer) * summary.median


def _wan_shi_sd(summary: _Summary) -> Array:
    n = summary.n
    # how far the extremes and the quartiles of n normal values stand from their mean, in SDs (Blom 1958)
    far = special.ndtri((n - 0.375) / (n + 0.25))
    near = special.ndtri((0.75 * n - 0.125) / (n + 0.25))
    both = summary.printed == "both"
    for_range = (2 + 0.14 * n**0.6 if both else 2) * far
    for_quartiles = (2 + 2 / (0.07 * n**0.6) if both else 2) * near
    (first, third), (low, high) = summary.quartiles, summary.extremes
    sd: Array = (high - low) / for_range + (third - first) / for_quartiles
    return sd


def _skewness(summary: _Summary) -> tuple[Array, Array]:
    n, root = summary.n, np.sqrt(summary.n)

    def lopsided(pair: tuple[Array, Array]) -> Array:
        low, high = pair
        return np.abs(low + high - 2 * summary.median) / (high - low)

    if summary.printed == "extremes":
        return lopsided(summary.extremes), 1.01 / np.log(n + 9) + 2.43 / (n + 1)
    if summary.printed == "quartiles":
        return lopsided(summary.quartiles), 2.66 / root - 5.92 / n**2
    outer = 2.65 * np.log(0.6 * n) / root * lopsided(summary.extremes)
    return np.maximum(outer, lopsided(summary.quartiles)), 2.97 / root - 39.1 / n**3
