"""How far a Bayesian answer hangs on its priors: the answer along the priors, and where conclusions flip.

With a handful of trials the priors carry part of the answer. Sweeping the prior of the spread between trials
from none (a common effect) to very wide, and the opinion about the mean from a firm sceptic to none, shows
how large that part is. Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.arguments import Array, check_level
from globulin.synthesis.curves import Conclusion, Curve, Labels, Lines, conclusions, draw, undrawn
from globulin.synthesis.priors import HalfNormal, Normal
from globulin.synthesis.surface import TOO_FAR, Fixed, Surface, fixed_studies

# the narrowest prior of tau that is told apart from a common effect
_LEAST_SCALE = 1e-3
_SCALES = np.linspace(0.0, 2.0, 41)
_OPINIONS = np.geomspace(0.05, 2.0, 41)


@dataclass(frozen=True, slots=True)
class PriorRobustness:
    """What `prior_robustness` returns.

    spread: the answer against the scale of the half-normal prior of tau; 0 is a common effect.
    scepticism: the answer against the standard deviation of a normal prior of the mean around 0; small is a
    firm sceptic. worth_it: the size worth having, or None.
    """

    spread: Curve
    scepticism: Curve
    worth_it: float | None


def prior_robustness(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau_prior: HalfNormal,
    mu_prior: Normal | None = None,
    worth_it: float | None = None,
    censored_bound: ArrayLike | None = None,
    censored_se: ArrayLike | None = None,
    level: float = 0.95,
) -> PriorRobustness:
    """The answer along both priors, each swept while the other stays; studies as in `pool_bayes`.

    The scale of the prior of tau runs from 0 to 2 under `mu_prior` (None is flat), the standard deviation of
    the sceptic's prior of the mean from 0.05 to 2 under `tau_prior`. Both ranges are meant for standardised
    differences and log ratios. Source of the idea: Spiegelhalter, Freedman & Parmar 1994, J R Stat Soc A
    157:357-416. Raises ValueError naming the argument for studies that do not fit.
    """
    check_level(level)
    fixed = fixed_studies(y, v, censored_bound, censored_se)
    reading = _Reading(conclusions(bayesian=True, worth_it=worth_it, level=level), worth_it, level)
    return PriorRobustness(
        _by_spread(fixed, mu_prior, reading), _by_opinion(fixed, tau_prior.scale, reading), worth_it
    )


class _Reading(NamedTuple):
    wanted: tuple[Conclusion, ...]
    worth_it: float | None
    level: float


def _by_spread(fixed: Fixed, mu_prior: Normal | None, reading: _Reading) -> Curve:
    labels = Labels(
        "tau_prior_scale",
        "how far the true effects of the trials are thought to differ before they are read: the scale of the"
        " half-normal prior of tau, where 0 is one common effect",
        "bayes_half_normal",
        "Bayes, half-normal prior of tau of each scale",
    )
    surface = Surface.of(fixed, tau_scales=(_LEAST_SCALE, float(_SCALES[-1])), mu_prior=mu_prior)
    if surface is None:
        return undrawn(labels, TOO_FAR)
    mu_weights = surface.prior_of_mu(mu_prior)

    def sweep(scale: Array) -> Lines:
        tau_weights = surface.half_normal(scale)
        return surface.lines(tau_weights, mu_weights, level=reading.level, worth_it=reading.worth_it)

    return draw(labels, _SCALES, sweep, reading.wanted)


def _by_opinion(fixed: Fixed, tau_scale: float, reading: _Reading) -> Curve:
    labels = Labels(
        "mu_prior_sd",
        "how firmly no effect is expected before the trials are read: the standard deviation of a normal"
        " prior of the mean effect around 0, small for a firm sceptic",
        "bayes_half_normal",
        f"Bayes, half-normal({tau_scale:g}) prior of tau, normal prior of the mean around 0",
    )
    surface = Surface.of(
        fixed,
        tau_scales=(tau_scale, tau_scale),
        mu_prior=Normal(0.0, float(_OPINIONS[-1])),
        narrowest=float(_OPINIONS[0]),
    )
    if surface is None:
        return undrawn(labels, TOO_FAR)
    tau_weights = surface.half_normal(np.array([tau_scale]))

    def sweep(sd: Array) -> Lines:
        mu_weights = surface.normal(0.0, sd)
        return surface.lines(tau_weights, mu_weights, level=reading.level, worth_it=reading.worth_it)

    return draw(labels, _OPINIONS, sweep, reading.wanted)
