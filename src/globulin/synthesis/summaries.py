"""One shape for the answer of every method, and the methods that a policy can choose from.

Classical and Bayesian summaries have different numbers. A reader who compares them needs them side by side,
each with what it takes for granted in plain words and the papers it is written from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from globulin.synthesis import special
from globulin.synthesis.arguments import Array
from globulin.synthesis.bayes import pool_bayes
from globulin.synthesis.empirical_priors import EmpiricalPrior, rhodes, turner
from globulin.synthesis.pooling import Pooled, pool
from globulin.synthesis.priors import HalfNormal, Normal, TauPrior

MethodId = Literal[
    "own_effect",
    "bayes_half_normal_0.5",
    "bayes_half_normal_1",
    "bayes_turner",
    "bayes_rhodes",
    "bayes_half_normal_sd",
    "hksj_guarded",
    "common_effect",
]
"""own_effect: the one study itself. bayes_half_normal_sd: half-normal prior of tau with a scale of half a
standard deviation of the outcome, for differences of means in their own unit."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One method's answer, in the shape that all methods share; None where a method has no such number.

    name: the term of art. words: what the method takes for granted, in plain words. methods: keys of METHODS.
    estimate: posterior median for Bayes. se: posterior standard deviation for Bayes.
    prediction_*: true effect in a new study. tau, tau_lower, tau_upper: spread between studies (standard
    deviation) with its interval (posterior, or Q-profile). probability_*: posterior probability that the
    mean effect is above 0, and above the size worth having. message: what a reader must know, or "".
    """

    id: MethodId
    name: str
    words: str
    methods: tuple[str, ...]
    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float | None
    prediction_lower: float | None
    prediction_upper: float | None
    tau: float | None
    tau_lower: float | None
    tau_upper: float | None
    probability_above_zero: float | None
    probability_worth_it: float | None
    message: str


class Studies(NamedTuple):
    """What every method gets; see `policy.summarise`. n, bound and bound_se may be empty."""

    y: Array
    v: Array
    n: Array
    bound: Array
    bound_se: Array
    mu_prior: Normal | None
    worth_it: float | None
    level: float
    empirical: EmpiricalPrior | None


METHOD_NAMES: dict[MethodId, str] = {
    "own_effect": "the study itself, Wald interval",
    "bayes_half_normal_0.5": "Bayes, half-normal(0.5) prior of tau",
    "bayes_half_normal_1": "Bayes, half-normal(1) prior of tau",
    "bayes_turner": "Bayes, Turner's prior of tau",
    "bayes_rhodes": "Bayes, Rhodes' prior of tau",
    "bayes_half_normal_sd": "Bayes, half-normal prior of tau, half a standard deviation",
    "hksj_guarded": "REML, modified Hartung-Knapp",
    "common_effect": "common effect, Wald interval",
}


def _own_effect(studies: Studies) -> Summary:
    reach = float(special.ndtri(0.5 + studies.level / 2) * np.sqrt(studies.v[0]))
    y, se = float(studies.y[0]), float(np.sqrt(studies.v[0]))
    return _summary(
        "own_effect",
        "the effect of the one study, with the interval of its own chance error",
        (),
        estimate=y,
        se=se,
        ci_lower=y - reach,
        ci_upper=y + reach,
        p_value=float(2 * special.ndtr(-abs(y) / se)),
    )


def _half_normal(identifier: MethodId, scale: float, studies: Studies) -> Summary:
    wide = "large" if scale > 0.5 else "moderate"
    words = (
        f"true effects of the studies differ; before seeing them, differences up to {wide} are thought likely"
        f" (95% of the prior below {1.96 * scale:.2g})"
    )
    return _bayes(identifier, words, ("rover_2020", "rover_2021"), HalfNormal(scale), studies)


def _turner(studies: Studies) -> Summary:
    return _empirical("bayes_turner", "turner_2015", studies.empirical or turner(), studies)


def _rhodes(studies: Studies) -> Summary:
    return _empirical("bayes_rhodes", "rhodes_2015", studies.empirical or rhodes(), studies)


def _empirical(identifier: MethodId, paper: str, prior: EmpiricalPrior, studies: Studies) -> Summary:
    words = f"true effects of the studies differ, as far as they did in {prior.words}"
    return _bayes(identifier, words, ("rover_2020", paper), prior.prior, studies, prior.message)


def _half_normal_sd(studies: Studies) -> Summary:
    half = half_standard_deviation(studies.v, studies.n)
    words = (
        "true effects of the studies differ; before seeing them, differences up to about one standard"
        f" deviation of the outcome are thought likely ({2 * half:.3g}, from variances and numbers of people)"
    )
    return _bayes("bayes_half_normal_sd", words, ("rover_2020", "rover_2021"), HalfNormal(half), studies)


def _hksj_guarded(studies: Studies) -> Summary:
    words = (
        "true effects of the studies differ by as much as these studies show; the interval allows for not"
        " knowing that spread, and is never narrower than without this allowance"
    )
    papers = ("viechtbauer_2005", "hartung_knapp_2001", "knapp_hartung_2003", "viechtbauer_2007")
    return _classical(
        "hksj_guarded",
        words,
        papers,
        pool(studies.y, studies.v, tau2="REML", ci="HKSJ-guarded", level=studies.level),
    )


def _common_effect(studies: Studies) -> Summary:
    words = "all studies have one and the same true effect and differ only by chance"
    pooled = pool(studies.y, studies.v, tau2="FE", ci="wald", level=studies.level)
    return _classical("common_effect", words, ("borenstein_2010",), pooled)


_RUN: dict[MethodId, Callable[[Studies], Summary]] = {
    "own_effect": _own_effect,
    "bayes_half_normal_0.5": partial(_half_normal, "bayes_half_normal_0.5", 0.5),
    "bayes_half_normal_1": partial(_half_normal, "bayes_half_normal_1", 1.0),
    "bayes_turner": _turner,
    "bayes_rhodes": _rhodes,
    "bayes_half_normal_sd": _half_normal_sd,
    "hksj_guarded": _hksj_guarded,
    "common_effect": _common_effect,
}


def _bayes(
    identifier: MethodId,
    words: str,
    methods: tuple[str, ...],
    prior: TauPrior,
    studies: Studies,
    remark: str = "",
) -> Summary:
    censored = studies.bound.size > 0
    result = pool_bayes(
        studies.y,
        studies.v,
        tau_prior=prior,
        mu_prior=studies.mu_prior,
        censored_bound=studies.bound if censored else None,
        censored_se=studies.bound_se if censored else None,
        level=studies.level,
    )
    return _summary(
        identifier,
        words,
        methods,
        estimate=result.median,
        se=result.sd,
        ci_lower=result.ci_lower,
        ci_upper=result.ci_upper,
        prediction_lower=result.predictive_lower,
        prediction_upper=result.predictive_upper,
        tau=result.tau_median,
        tau_lower=result.tau_ci_lower,
        tau_upper=result.tau_ci_upper,
        probability_above_zero=result.probability_above(0.0),
        probability_worth_it=None if studies.worth_it is None else result.probability_above(studies.worth_it),
        message="; ".join(part for part in (remark, result.message) if part),
    )


def _classical(identifier: MethodId, words: str, methods: tuple[str, ...], pooled: Pooled) -> Summary:
    random = identifier == "hksj_guarded"
    return _summary(
        identifier,
        words,
        methods,
        estimate=pooled.estimate,
        se=pooled.se,
        ci_lower=pooled.ci_lower,
        ci_upper=pooled.ci_upper,
        p_value=pooled.p_value,
        prediction_lower=pooled.prediction_lower if random else None,
        prediction_upper=pooled.prediction_upper if random else None,
        tau=pooled.tau2**0.5 if random else None,
        tau_lower=pooled.tau2_ci_lower**0.5 if random else None,
        tau_upper=pooled.tau2_ci_upper**0.5 if random else None,
        # what `pool` says of a common effect is that it has no prediction interval: None says so here
        message=pooled.message if random else "",
    )


def _summary(
    identifier: MethodId,
    words: str,
    methods: tuple[str, ...],
    *,
    estimate: float,
    se: float,
    ci_lower: float,
    ci_upper: float,
    p_value: float | None = None,
    prediction_lower: float | None = None,
    prediction_upper: float | None = None,
    tau: float | None = None,
    tau_lower: float | None = None,
    tau_upper: float | None = None,
    probability_above_zero: float | None = None,
    probability_worth_it: float | None = None,
    message: str = "",
) -> Summary:
    return Summary(
        identifier, METHOD_NAMES[identifier], words, methods, estimate, se, ci_lower, ci_upper, p_value,
        prediction_lower, prediction_upper, tau, tau_lower, tau_upper, probability_above_zero,
        probability_worth_it, message,
    )  # fmt: skip


def run(method: MethodId, studies: Studies) -> Summary:
    """The answer of one method."""
    return _RUN[method](studies)


def half_standard_deviation(v: Array, n: Array) -> float:
    """Half a standard deviation of the outcome, from variances v (k,) of differences between n (k,) people.

    sum n / sum 1/v is the variance that one person carries, 4 sd^2 for two groups of one size (unit
    information: Roever et al. 2021, Res Synth Methods 12:448-474, section 2); a little more for unequal ones.
    """
    return float(np.sqrt(n.sum() / (1 / v).sum()) / 4)
