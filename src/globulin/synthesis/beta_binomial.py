"""Beta-binomial pooling: keeps trials without any event; one fit gives odds ratio, risk ratio and difference.

Conditional models learn nothing from a trial without events, yet many patients without an event do say
that the event is rare. Here each arm's risk varies between trials as a beta distribution, so such trials
count. The price: the two arms of a trial are taken as independent, which gives up the protection of
comparing only within trials; it belongs beside a conditional model, not in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from globulin.synthesis.ascent import Curve, Maximum, maximise, stencil
from globulin.synthesis.marginal import log_choose
from globulin.synthesis.measures import Array
from globulin.synthesis.rare_events import CountMeasure
from globulin.synthesis.tables import Tables, read_tables, require_level, require_option

# Square roots of the overdispersion, from none to all-or-nothing trials
_LADDER = np.array([0.0, 0.02, 0.05, 0.12, 0.3, 0.7, 2.0, 10.0])
# Differences leave errors of about 1e-8 in the log odds
_STEP = 3e-4
# below this the beta distribution is a point for every possible trial
_NO_SPREAD = 1e-20
_SHIFT = 10


@dataclass(frozen=True, slots=True)
class BetaBinomialFit:
    """What `beta_binomial` returns; all numbers are maximum likelihood.

    estimate, se, ci_lower, ci_upper, p_value: effect (ratios on the log scale), its normal interval and test.
    risk1, risk2: mean risk in arms 1 and 2. correlation: of two people in one arm, 0 for plain binomials.
    log_likelihood: constants included; common_log_likelihood: the same with correlation 0.
    k: trials given. double_zero: trials without events, which count. message: what a reader must know, or "".
    """

    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    risk1: float
    risk2: float
    correlation: float
    log_likelihood: float
    common_log_likelihood: float
    k: int
    double_zero: int
    message: str


def beta_binomial(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: CountMeasure = "OR",
    level: float = 0.95,
) -> BetaBinomialFit:
    """Effect from beta-binomial counts with one mean risk per arm and one correlation for both.

    Kuss 2015, Stat Med 34:1097-1116 (logit link, one correlation). The three measures are
    functions of the same two risks; their standard errors are by the delta method from the observed
    information. Counts of shape (k,), whole numbers.

    No events in one arm of all trials gives a risk of 0, an infinite log ratio and a message. Raises
    ValueError naming the argument for counts that cannot be and unknown measures.
    """
    require_option("measure", measure, get_args(CountMeasure))
    require_level(level)
    tables = read_tables(events1, n1, events2, n2, whole=True)
    a, sizes1, c, sizes2 = tables
    risks = np.array([a.sum() / sizes1.sum(), c.sum() / sizes2.sum()])
    remarks = (
        [f"{tables.double_zero} of {a.size} trials had no events in either arm and count"]
        if tables.double_zero
        else []
    )
    if ((risks == 0) | (risks == 1)).any():
        remarks.append(
            "one arm has no events, or nothing but events, in all trials: no standard error exists"
        )
        return _at_the_edge(risks, measure, a.size, tables.double_zero, remarks)
    start = np.append(special.logit(risks), 0.0)
    nothing_own = np.empty((0, a.size))
    likelihood = partial(_curve, tables)
    found = maximise(likelihood, likelihood, start, nothing_own, _LADDER, spread=a.size > 1)
    if a.size == 1:
        remarks.append("one trial: the correlation cannot be estimated and is set to 0")
    if found.several:
        remarks.append("the likelihood has several peaks; the highest was taken")
    return _result(found, measure, level, a.size, tables.double_zero, remarks)


def _curve(tables: Tables, b: Array, _: Array | None) -> Curve:
    steps = np.full(b.shape, _STEP)
    # the likelihood can turn within a fraction of a small spread
    steps[2] = _STEP * np.maximum(np.abs(b[2]), 1e-3)
    return stencil(partial(_log_likelihood, tables), b, steps)


def _log_likelihood(tables: Tables, b: Array) -> Array:
    """Log-likelihood (m, k) at b = (log odds in arm 1, in arm 2, root of overdispersion), (3, m, k).

    The overdispersion is 1 / (alpha + beta) of the beta distribution, so the likelihood is smooth at 0.
    """
    a, n1, c, n2 = tables
    phi = np.maximum(b[2] ** 2, _NO_SPREAD)
    return _arm(a, n1, b[0], phi) + _arm(c, n2, b[1], phi)


def _arm(x: Array, n: Array, log_odds: Array, phi: Array) -> Array:
    yes, no = special.expit(log_odds), special.expit(-log_odds)
    binomial = x * np.log(yes) + (n - x) * np.log(no)
    rising = _log_rise(x, yes / phi) + _log_rise(n - x, no / phi) - _log_rise(n, 1 / phi)
    log_likelihood: Array = log_choose(n, x) + binomial + rising
    return log_likelihood


def _log_rise(m: Array, z: Array) -> Array:
    """Sum over j < m of log(1 + j / z), for whole m >= 0 and z > 0 from tiny to enormous.

    The first ten terms are added as they stand; the rest is a difference of two Stirling series
    (Abramowitz & Stegun 1964, 6.1.41), arranged so that nothing of the size of log Gamma(z) cancels.
    """
    first = sum(np.where(j < m, np.log1p(j / z), 0.0) for j in range(1, _SHIFT))
    rest = np.maximum(m - _SHIFT, 0)
    foot = z + _SHIFT
    top = foot + rest
    series = (
        (top - 0.5) * np.log1p(rest / foot)
        + rest * np.log1p(_SHIFT / z)
        - rest
        + _stirling_tail(top)
        - _stirling_tail(foot)
    )
    rise: Array = first + series
    return rise


def _stirling_tail(z: Array) -> Array:
    r = 1 / z
    s = r * r
    tail: Array = r * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188))))
    return tail


def _contrast(risks: Array, measure: CountMeasure) -> tuple[float, Array]:
    """The effect and its slopes in the two log odds."""
    p1, p2 = risks
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "OR":
            return float(special.logit(p1) - special.logit(p2)), np.array([1.0, -1.0])
        if measure == "RR":
            return float(np.log(p1) - np.log(p2)), np.array([1 - p1, p2 - 1])
    return float(p1 - p2), np.array([p1 * (1 - p1), -p2 * (1 - p2)])


def _result(
    found: Maximum, measure: CountMeasure, level: float, k: int, double_zero: int, remarks: list[str]
) -> BetaBinomialFit:
    best = found.best
    risks = special.expit(best.shared[:2])
    estimate, slopes = _contrast(risks, measure)
    se = float(np.sqrt(slopes @ best.covariance[:2, :2] @ slopes))
    half = float(special.ndtri(0.5 + level / 2)) * se
    phi = float(best.shared[2] ** 2)
    if found.unbounded:
        remarks.append("the trials are all or nothing: the correlation has no estimate below 1")
    return BetaBinomialFit(
        *(estimate, se, estimate - half, estimate + half, 2 * float(special.ndtr(-abs(estimate) / se))),
        risk1=float(risks[0]),
        risk2=float(risks[1]),
        correlation=phi / (1 + phi),
        log_likelihood=best.height,
        common_log_likelihood=found.common.height,
        k=k,
        double_zero=double_zero,
        message="; ".join(remarks),
    )


def _at_the_edge(
    risks: Array, measure: CountMeasure, k: int, double_zero: int, remarks: list[str]
) -> BetaBinomialFit:
    estimate, _ = _contrast(risks, measure)
    return BetaBinomialFit(
        *(estimate, np.inf, -np.inf, np.inf, np.nan),
        risk1=float(risks[0]),
        risk2=float(risks[1]),
        correlation=np.nan,
        log_likelihood=np.nan,
        common_log_likelihood=np.nan,
        k=k,
        double_zero=double_zero,
        message="; ".join(remarks),
    )
