"""How many people it takes to see an effect: the yardstick for whether the trials held enough of them.

A narrow interval from few people is luck. The number that one well-planned trial would need (the optimal
information size) says whether all trials together hold even that. Array-only.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, sqrt

from scipy import special


def people_per_group(smd: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Least people per group with which a two-sided two-sample t test finds an effect `smd`.

    Power from the noncentral t distribution with 2n - 2 degrees of freedom and noncentrality |smd| sqrt(n/2),
    both tails. smd is not 0 and at least 0.01 in size; 0 < alpha < power < 1.
    Source: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2nd ed., section 2.4.
    """
    if not 0.01 <= abs(smd) < 100:
        raise ValueError(f"smd: must be at least 0.01 in size, not {smd:g}")
    _check(alpha, power)
    size = abs(smd)

    def reached(n: int) -> bool:
        df = 2 * n - 2
        critical, shift = special.stdtrit(df, 1 - alpha / 2), size * sqrt(n / 2)
        upper = 1 - special.nctdtr(df, shift, critical)
        return bool(upper + special.nctdtr(df, shift, -critical) >= power)

    normal = 2 * ((special.ndtri(1 - alpha / 2) + special.ndtri(power)) / size) ** 2
    return _least(reached, max(2, int(normal)))


def people_per_group_for_risks(risk1: float, risk2: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Least people per group with which a two-sided comparison of two risks finds their difference.

    Normal approximation without continuity correction. 0 < risk < 1, the two not equal.
    Source: Fleiss, Levin & Paik 2003, Statistical Methods for Rates and Proportions, equation 4.14.
    """
    for name, risk in (("risk1", risk1), ("risk2", risk2)):
        if not 0 < risk < 1:
            raise ValueError(f"{name}: a risk must lie strictly between 0 and 1, not {risk:g}")
    if risk1 == risk2:
        raise ValueError("risk2: must differ from risk1; no number of people finds a difference of 0")
    _check(alpha, power)
    mean = (risk1 + risk2) / 2
    spread = special.ndtri(1 - alpha / 2) * sqrt(2 * mean * (1 - mean))
    spread += special.ndtri(power) * sqrt(risk1 * (1 - risk1) + risk2 * (1 - risk2))
    return ceil(float(spread / (risk1 - risk2)) ** 2)


def _least(reached: Callable[[int], bool], start: int) -> int:
    """The least n for which `reached` holds, near `start`; it holds from there on."""
    n = start
    while not reached(n):
        n += 1
    while n > 2 and reached(n - 1):
        n -= 1
    return n


def _check(alpha: float, power: float) -> None:
    if not 0 < alpha < power < 1:
        raise ValueError(f"alpha: must be 0 < alpha < power < 1, not {alpha:g} and {power:g}")
