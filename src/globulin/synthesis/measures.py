"""The formulas of the effect measures: from the numbers of one study to an effect and its variance.

Each takes and returns arrays that already fit together and were checked; `effects` is the door to them.
Ratios come out on the natural-log scale. All formulas are written from the cited papers.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special

Array: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[Array, Array]


def small_sample_factor(df: ArrayLike) -> Array:
    """Exact factor J that removes the small-sample bias of a standardised mean difference.

    J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)) for m > 1 degrees of freedom; J is 0 at m = 1.
    Source: Hedges 1981, J Educ Stat 6:107-128, equation 6e.
    """
    m = np.asarray(df, dtype=np.float64)
    with np.errstate(divide="ignore"):
        factor: Array = np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2) - np.log(m / 2) / 2)
    return factor


# --- two groups, counts ----------------------------------------------------------------------------


def log_odds_ratio(a: Array, n1: Array, c: Array, n2: Array) -> Pair:
    """Woolf 1955, Ann Hum Genet 19:251-253."""
    b, d = n1 - a, n2 - c
    return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d


def log_risk_ratio(a: Array, n1: Array, c: Array, n2: Array) -> Pair:
    """Katz et al. 1978, Biometrics 34:469-474."""
    return np.log((a / n1) / (c / n2)), 1 / a - 1 / n1 + 1 / c - 1 / n2


def risk_difference(a: Array, n1: Array, c: Array, n2: Array) -> Pair:
    """Difference of two independent proportions (Fleiss & Berlin 2009, section 13.2)."""
    p1, p2 = a / n1, c / n2
    return p1 - p2, p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2


def peto_log_odds_ratio(a: Array, n1: Array, c: Array, n2: Array) -> Pair:
    """Observed minus expected over hypergeometric variance (Yusuf et al. 1985, PCVD 27:335-371)."""
    n, events = n1 + n2, a + c
    variance = n1 * n2 * events * (n - events) / (n**2 * (n - 1))
    return (a - n1 * events / n) / variance, 1 / variance


def arcsine_difference(a: Array, n1: Array, c: Array, n2: Array) -> Pair:
    """Rücker et al. 2009, Stat Med 28:721-738."""
    y = np.arcsin(np.sqrt(a / n1)) - np.arcsin(np.sqrt(c / n2))
    return y, 1 / (4 * n1) + 1 / (4 * n2)


# --- two groups, means -----------------------------------------------------------------------------


def mean_difference(m1: Array, s1: Array, n1: Array, m2: Array, s2: Array, n2: Array) -> Pair:
    """Unpooled variance of a difference of means."""
    return m1 - m2, s1**2 / n1 + s2**2 / n2


def standardised_difference(m1: Array, s1: Array, n1: Array, m2: Array, s2: Array, n2: Array) -> Pair:
    """Mean difference over the pooled standard deviation, exactly unbiased (Hedges 1981)."""
    df = n1 + n2 - 2
    pooled = np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / df)
    g = small_sample_factor(df) * (m1 - m2) / pooled
    return g, smd_variance(g, n1, n2)


def smd_variance(g: Array, n1: Array, n2: Array) -> Array:
    """Large-sample variance of a standardised mean difference (Hedges & Olkin 1985, p. 86)."""
    return 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


def heteroscedastic_difference(m1: Array, s1: Array, n1: Array, m2: Array, s2: Array, n2: Array) -> Pair:
    """Mean difference over the root of the average variance (Bonett 2008, Psychol Methods 13:99-109).

    His variance for unequal variances; the estimate takes the exact factor on n1 + n2 - 2.
    """
    f1, f2 = n1 - 1, n2 - 1
    average = (s1**2 + s2**2) / 2
    g = small_sample_factor(f1 + f2) * (m1 - m2) / np.sqrt(average)
    spread = g**2 * (s1**4 / f1 + s2**4 / f2) / (8 * average**2)
    return g, spread + (s1**2 / f1 + s2**2 / f2) / average


def log_ratio_of_means(m1: Array, s1: Array, n1: Array, m2: Array, s2: Array, n2: Array) -> Pair:
    """Log response ratio with the delta-method bias term (Lajeunesse 2015, Ecology 96:2056-2063, eq. 8)."""
    c1, c2 = s1**2 / (n1 * m1**2), s2**2 / (n2 * m2**2)
    return np.log(m1 / m2) + (c1 - c2) / 2, c1 + c2


def log_variability_ratio(_m1: Array, s1: Array, n1: Array, _m2: Array, s2: Array, n2: Array) -> Pair:
    """Nakagawa et al. 2015, Methods Ecol Evol 6:143-152."""
    c1, c2 = 1 / (2 * (n1 - 1)), 1 / (2 * (n2 - 1))
    return np.log(s1 / s2) + c1 - c2, c1 + c2


def log_variation_ratio(m1: Array, s1: Array, n1: Array, m2: Array, s2: Array, n2: Array) -> Pair:
    """Log ratio of coefficients of variation, both bias terms included.

    Senior et al. 2020, Res Synth Methods 11:553-567.
    """
    spread, v_spread = log_variability_ratio(m1, s1, n1, m2, s2, n2)
    means, v_means = log_ratio_of_means(m1, s1, n1, m2, s2, n2)
    return spread - means, v_spread + v_means


# --- one group, proportions ------------------------------------------------------------------------


def logit_proportion(x: Array, n: Array) -> Pair:
    """Log odds of a proportion."""
    return np.log(x / (n - x)), 1 / x + 1 / (n - x)


def log_proportion(x: Array, n: Array) -> Pair:
    """Log of a proportion."""
    return np.log(x / n), 1 / x - 1 / n


def raw_proportion(x: Array, n: Array) -> Pair:
    """A proportion with its binomial variance."""
    p = x / n
    return p, p * (1 - p) / n


def arcsine_proportion(x: Array, n: Array) -> Pair:
    """Angular transform of a proportion, variance free of it."""
    return np.arcsin(np.sqrt(x / n)), 1 / (4 * n)


def double_arcsine_proportion(x: Array, n: Array) -> Pair:
    """Freeman & Tukey 1950, Ann Math Stat 21:607-611 (half the sum of both arcsines)."""
    y = (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))) / 2
    return y, 1 / (4 * n + 2)


# --- correlations ----------------------------------------------------------------------------------


def correlation(r: Array, n: Array) -> Pair:
    """Correlation with its large-sample variance."""
    return r, (1 - r**2) ** 2 / (n - 1)


def fisher_z(r: Array, n: Array) -> Pair:
    """Fisher 1921, Metron 1:3-32."""
    return np.arctanh(r), 1 / (n - 3)


def unbiased_correlation(r: Array, n: Array) -> Pair:
    """Olkin & Pratt 1958, Ann Math Stat 29:201-211; large-sample variance at that estimate."""
    return correlation(r * _olkin_pratt_factor(1 - r**2, (n - 2) / 2), n)


def _olkin_pratt_factor(z: Array, c: Array) -> Array:
    """2F1(1/2, 1/2; c; z) for 0 < z <= 1."""
    # scipy's hyp2f1 answers NaN for large c, where the plain series converges within a few terms
    series = c >= 10
    factor: Array = special.hyp2f1(0.5, 0.5, np.where(series, 1.0, c), np.where(series, 0.0, z))
    c_series = np.where(series, c, 1e300)
    term = np.ones_like(z)
    for j in range(400):
        term = term * (0.5 + j) ** 2 * z / ((c_series + j) * (1 + j))
        factor = factor + term
        if term.size == 0 or term.max() < 1e-17:
            break
    return factor


# --- two groups, person-time -----------------------------------------------------------------------


def log_rate_ratio(x1: Array, t1: Array, x2: Array, t2: Array) -> Pair:
    """Ratio of two Poisson rates."""
    return np.log((x1 / t1) / (x2 / t2)), 1 / x1 + 1 / x2


def rate_difference(x1: Array, t1: Array, x2: Array, t2: Array) -> Pair:
    """Difference of two Poisson rates."""
    return x1 / t1 - x2 / t2, x1 / t1**2 + x2 / t2**2


def root_rate_difference(x1: Array, t1: Array, x2: Array, t2: Array) -> Pair:
    """Difference of square-root rates: variance-stabilised, so empty cells need no correction."""
    return np.sqrt(x1 / t1) - np.sqrt(x2 / t2), 1 / (4 * t1) + 1 / (4 * t2)
