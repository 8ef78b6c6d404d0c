"""Priors of the Bayesian summary: small frozen values with a log-density.

The choice of prior matters when there are two to four studies, so each says where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis import special

Array: TypeAlias = NDArray[np.float64]


class TauPrior(Protocol):
    """Prior of the heterogeneity: anything with a log-density on tau > 0 (it need not be normalised)."""

    def log_density(self, tau: Array) -> Array:
        """Log density at each tau > 0."""


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """|N(0, scale^2)|. On the SMD or log-odds scale 0.5 is cautious, 1 is vague (Röver et al. 2021)."""

    scale: float

    def __post_init__(self) -> None:
        _require_positive("scale", self.scale)

    def log_density(self, tau: Array) -> Array:
        """Log density at each tau > 0."""
        log_density: Array = np.log(2 / np.pi) / 2 - np.log(self.scale) - (tau / self.scale) ** 2 / 2
        return log_density


@dataclass(frozen=True, slots=True)
class HalfCauchy:
    """|Cauchy(0, scale)|: heavy-tailed (Polson & Scott 2012, Bayesian Anal 7:887-902)."""

    scale: float

    def __post_init__(self) -> None:
        _require_positive("scale", self.scale)

    def log_density(self, tau: Array) -> Array:
        """Log density at each tau > 0."""
        log_density: Array = np.log(2 / np.pi / self.scale) - np.log1p((tau / self.scale) ** 2)
        return log_density


@dataclass(frozen=True, slots=True)
class LogNormal:
    """log(tau) ~ N(location, scale^2): the predictive priors of Turner et al. 2015, Stat Med 34:984-998.

    Their tables give tau^2; use `from_tau2`.
    """

    location: float
    scale: float

    def __post_init__(self) -> None:
        _require_positive("scale", self.scale)

    @classmethod
    def from_tau2(cls, location: float, scale: float) -> LogNormal:
        """From the parameters of log(tau^2), which are twice those of log(tau)."""
        return cls(location / 2, scale / 2)

    def log_density(self, tau: Array) -> Array:
        """Log density at each tau > 0."""
        u = np.log(tau)
        z = (u - self.location) / self.scale
        log_density: Array = -z * z / 2 - u - np.log(self.scale * np.sqrt(2 * np.pi))
        return log_density


@dataclass(frozen=True, slots=True)
class LogStudent:
    """(log(tau) - location) / scale ~ Student t: priors of Rhodes et al. 2015, J Clin Epidemiol 68:52-60.

    Their tables give tau^2 with df = 5; use `from_tau2`.
    """

    location: float
    scale: float
    df: float = 5.0

    def __post_init__(self) -> None:
        _require_positive("scale", self.scale)
        _require_positive("df", self.df)

    @classmethod
    def from_tau2(cls, location: float, scale: float, df: float = 5.0) -> LogStudent:
        """From the parameters of log(tau^2), which are twice those of log(tau)."""
        return cls(location / 2, scale / 2, df)

    def log_density(self, tau: Array) -> Array:
        """Log density at each tau > 0."""
        u = np.log(tau)
        half = (self.df + 1) / 2
        constant = special.gammaln(half) - special.gammaln(self.df / 2) - np.log(self.df * np.pi) / 2
        log_density: Array = (
            constant - np.log(self.scale) - u
            - half * np.log1p(((u - self.location) / self.scale) ** 2 / self.df)
        )  # fmt: skip
        return log_density


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal prior of the pooled effect mu."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        _require_positive("sd", self.sd)


def _require_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name}: must be a positive number, not {value}")
