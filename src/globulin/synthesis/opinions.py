"""Opinions about the mean effect before the trials are read, as priors on the SMD scale.

Spiegelhalter, Freedman & Parmar 1994, J R Stat Soc A 157:357-416, sections 3 and 6: a result should convince
the sceptic before it is called a benefit, and the enthusiast before it is called none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from globulin.synthesis import special
from globulin.synthesis.priors import HalfNormal, Normal

WORTH_IT_SMD = 0.5
"""Half a standard deviation: the size most often taken as a difference that people notice (Norman 2003)."""

TAU_PRIOR = HalfNormal(0.5)

_Z975 = float(special.ndtri(0.975))

PRIORS: Mapping[str, tuple[Normal, str]] = MappingProxyType(
    {
        "vague": (
            Normal(0.0, 2.0),
            "almost no opinion beforehand: effects up to four standard deviations allowed",
        ),
        "sceptical": (
            Normal(0.0, WORTH_IT_SMD / _Z975),
            "a sceptic's opinion: no effect expected, 2.5% chance of more than half a standard deviation",
        ),
        "enthusiastic": (
            Normal(WORTH_IT_SMD, WORTH_IT_SMD / _Z975),
            "an enthusiast's opinion: half a standard deviation of benefit expected, 2.5% chance of harm",
        ),
    }
)
"""By name: the prior of the mean effect, and the opinion in words. The first speaks in the main answer."""
