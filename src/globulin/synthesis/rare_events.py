"""Pooled effects of rare events without touching the zeros: Mantel-Haenszel and Peto.

Inverse-variance pooling needs a number added to every empty cell, and with few events that number is most
of the answer. The estimators here add up the trials before they divide, so a trial with one empty cell
counts as it is and a trial without events in either arm adds nothing, which is reported. The likelihood
models for the same tables stand in `exact` and `beta_binomial`.

Arm 1 is treated, arm 2 is control; ratios are on the natural-log scale. Arrays hold one trial per element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from globulin.synthesis import measures
from globulin.synthesis.measures import Array, Pair
from globulin.synthesis.tables import (
    Tables,
    read_rates,
    read_tables,
    require_amount,
    require_level,
    require_option,
)

CountMeasure = Literal["OR", "RR", "RD"]
RateMeasure = Literal["IRR", "IRD"]


@dataclass(frozen=True, slots=True)
class MantelHaenszel:
    """What `mantel_haenszel`, `mantel_haenszel_rates` and `peto` return.

    estimate, se, ci_lower, ci_upper, p_value: pooled effect (ratios on the log scale) with its normal
    interval and two-sided test of no effect.
    q, q_p_value, i2, h2: heterogeneity of the k_effects trials whose own effect exists, around the estimate.
    chi2, chi2_p_value: Mantel-Haenszel test of no association; breslow_day, tarone and their p-values:
    homogeneity of the odds ratios. All three use the k_informative tables and are NaN for other measures.
    k: trials given. k_informative: trials with events and non-events. double_zero: trials without events.
    message: what a reader must know about this result, or "".
    """

    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    q: float
    q_p_value: float
    i2: float
    h2: float
    chi2: float
    chi2_p_value: float
    breslow_day: float
    breslow_day_p_value: float
    tarone: float
    tarone_p_value: float
    k: int
    k_effects: int
    k_informative: int
    double_zero: int
    message: str


class _Homogeneity(NamedTuple):
    chi2: float = np.nan
    chi2_p_value: float = np.nan
    breslow_day: float = np.nan
    breslow_day_p_value: float = np.nan
    tarone: float = np.nan
    tarone_p_value: float = np.nan


def mantel_haenszel(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: CountMeasure = "OR",
    correction: float = 0.0,
    q_correction: float = 0.5,
    continuity: bool = True,
    level: float = 0.95,
) -> MantelHaenszel:
    """Mantel-Haenszel odds ratio, risk ratio (both log) or risk difference.

    Estimates: Mantel & Haenszel 1959, J Natl Cancer Inst 22:719-748 (odds ratio); Greenland & Robins 1985,
    Biometrics 41:55-68 (risk ratio and difference). Variances, each valid for few large and for many small
    trials: Robins, Breslow & Greenland 1986, Biometrics 42:311-323 (odds ratio); Greenland & Robins 1985
    (risk ratio); Sato, Greenland & Robins 1989, Biometrics 45:1323-1324 (difference).

    correction: added to every cell of each table that has an empty one before the trials are added up;
    0, the default, leaves the tables alone. q_correction: the same for the trials' own effects that enter
    Q, which otherwise do not exist; trials with no events, or nothing but events, stay out of Q.
    continuity: half a unit, but never more than the whole, is taken off the difference between observed
    and expected events in the Mantel-Haenszel chi-squared test (1959). breslow_day: Breslow
    & Day 1980, Statistical Methods in Cancer Research I, section 4.4; tarone: Tarone 1985, Biometrika
    72:91-95.

    Where no estimate exists (no events in one arm of all trials) it is infinite or NaN and the message
    says why. Raises ValueError naming the argument for impossible counts and unknown options.
    """
    require_option("measure", measure, get_args(CountMeasure))
    require_level(level)
    require_amount("correction", correction)
    require_amount("q_correction", q_correction)
    given = read_tables(events1, n1, events2, n2)
    used = _corrected(given, correction)
    estimate, variance = _POOLED[measure](used)
    effects = _corrected(given.take(given.informative), q_correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        y, v = _EFFECTS[measure](*effects)
    tests = _Homogeneity()
    if measure == "OR" and used.informative.any():
        tests = _table_tests(used.take(used.informative), estimate, continuity)
    remarks = [*_double_zero_remark(given), *_correction_remarks(given, correction, q_correction)]
    return _summary(
        estimate, variance, (y, v), tests, given, int(used.informative.sum()), level, measure != "RD", remarks
    )


def mantel_haenszel_rates(
    events1: ArrayLike,
    time1: ArrayLike,
    events2: ArrayLike,
    time2: ArrayLike,
    *,
    measure: RateMeasure = "IRR",
    q_correction: float = 0.5,
    level: float = 0.95,
) -> MantelHaenszel:
    """Mantel-Haenszel rate ratio (log) or rate difference from events and person-time of shape (k,).

    Greenland & Robins 1985, Biometrics 41:55-68. q_correction is added to both counts of a trial
    with an empty one for its own effect in Q only. Degenerate results and errors as in `mantel_haenszel`.
    """
    require_option("measure", measure, get_args(RateMeasure))
    require_level(level)
    require_amount("q_correction", q_correction)
    given = read_rates(events1, time1, events2, time2)
    x1, t1, x2, t2 = given
    total = t1 + t2
    if measure == "IRR":
        treated, control = (x1 * t2 / total).sum(), (x2 * t1 / total).sum()
        spread = ((x1 + x2) * t1 * t2 / total**2).sum()
        estimate, variance = _log_ratio(treated, control), _over(spread, treated * control)
    else:
        weight = (t1 * t2 / total).sum()
        estimate = ((x1 * t2 - x2 * t1) / total).sum() / weight
        variance = ((x1 * t2**2 + x2 * t1**2) / total**2).sum() / weight**2
    some = x1 + x2 > 0
    add = np.where((x1 == 0) | (x2 == 0), q_correction, 0.0)
    effect = measures.log_rate_ratio if measure == "IRR" else measures.rate_difference
    with np.errstate(divide="ignore", invalid="ignore"):
        y, v = effect((x1 + add)[some], t1[some], (x2 + add)[some], t2[some])
    remarks = _double_zero_remark(given)
    return _summary(
        estimate, variance, (y, v), _Homogeneity(), given, int(some.sum()), level, measure == "IRR", remarks
    )


def peto(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, level: float = 0.95
) -> MantelHaenszel:
    """Peto's one-step log odds ratio: sum of observed minus expected over the sum of their variances.

    Yusuf et al. 1985, Prog Cardiovasc Dis 27:335-371. Needs no correction, exists whenever a single event
    was seen, and is biased when arms are very unequal or the effect is large (Greenland & Salvan 1990,
    Stat Med 9:247-252). chi2 is the square of its z. Errors as in `mantel_haenszel`.
    """
    require_level(level)
    given = read_tables(events1, n1, events2, n2)
    y, v = measures.peto_log_odds_ratio(*given.take(given.informative))
    precision = (1 / v).sum()
    estimate, variance = float(_over((y / v).sum(), precision)), float(_over(1.0, precision))
    chi2 = estimate**2 / variance
    tests = _Homogeneity(chi2=chi2, chi2_p_value=float(special.chdtrc(1, chi2)))
    informative = int(given.informative.sum())
    return _summary(
        estimate, variance, (y, v), tests, given, informative, level, True, _double_zero_remark(given)
    )


# --- the three pooled measures -------------------------------------------------------------------------


def _odds_ratio(tables: Tables) -> tuple[float, float]:
    a, n1, c, n2 = tables
    b, d, n = n1 - a, n2 - c, n1 + n2
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    R, S = r.sum(), s.sum()
    variance = (
        _over((p * r).sum(), R**2) + _over((p * s + q * r).sum(), R * S) + _over((q * s).sum(), S**2)
    ) / 2
    return _log_ratio(R, S), variance


def _risk_ratio(tables: Tables) -> tuple[float, float]:
    a, n1, c, n2 = tables
    n = n1 + n2
    R, S = (a * n2 / n).sum(), (c * n1 / n).sum()
    return _log_ratio(R, S), _over(((n1 * n2 * (a + c) - a * c * n) / n**2).sum(), R * S)


def _risk_difference(tables: Tables) -> tuple[float, float]:
    a, n1, c, n2 = tables
    n = n1 + n2
    weight = (n1 * n2 / n).sum()
    estimate = ((a * n2 - c * n1) / n).sum() / weight
    slope = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
    level = (a * (n2 - c) + c * (n1 - a)) / (2 * n)
    return float(estimate), float((estimate * slope.sum() + level.sum()) / weight**2)


_POOLED = {"OR": _odds_ratio, "RR": _risk_ratio, "RD": _risk_difference}
_EFFECTS = {
    "OR": measures.log_odds_ratio,
    "RR": measures.log_risk_ratio,
    "RD": measures.risk_difference,
}


def _log_ratio(above: float, below: float) -> float:
    """log(above / below), infinite where one is 0 and NaN where both are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log(np.float64(above)) - np.log(np.float64(below)))


def _over(above: float, below: float) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(above) / np.float64(below))


# --- tests on the tables -------------------------------------------------------------------------------


def _table_tests(tables: Tables, estimate: float, continuity: bool) -> _Homogeneity:
    a, n1, c, n2 = tables
    n, events = n1 + n2, a + c
    variance = n1 * n2 * events * (n - events) / (n**2 * (n - 1))
    excess = max(abs((a - n1 * events / n).sum()) - (0.5 if continuity else 0.0), 0.0)
    chi2 = excess**2 / variance.sum()
    association = chi2, float(special.chdtrc(1, chi2))
    if not np.isfinite(estimate):
        return _Homogeneity(*association)
    fitted = _expected_events(tables, float(np.exp(estimate)))
    spread = 1 / (1 / fitted + 1 / (n1 - fitted) + 1 / (events - fitted) + 1 / (n2 - events + fitted))
    breslow_day = float(((a - fitted) ** 2 / spread).sum())
    tarone = breslow_day - float((a - fitted).sum() ** 2 / spread.sum())
    df = a.size - 1
    p_values = [float(special.chdtrc(df, x)) if df else 1.0 for x in (breslow_day, max(tarone, 0.0))]
    return _Homogeneity(*association, breslow_day, p_values[0], tarone, p_values[1])


def _expected_events(tables: Tables, ratio: float) -> Array:
    """Events in arm 1 that give each table this odds ratio at its own margins.

    Breslow & Day 1980, section 4.4: the root of (1 - ratio) x^2 + (n2 - events + ratio (n1 + events)) x
    - ratio n1 events that keeps all four cells positive, in the form that does not cancel.
    """
    a, n1, c, n2 = tables
    events = a + c
    linear = n2 - events + ratio * (n1 + events)
    root = np.sqrt(linear**2 + 4 * (1 - ratio) * ratio * n1 * events)
    expected: Array = 2 * ratio * n1 * events / (linear + root)
    return expected


# --- the common end ------------------------------------------------------------------------------------


def _summary(
    estimate: float,
    variance: float,
    effects: Pair,
    tests: _Homogeneity,
    given: Tables,
    informative: int,
    level: float,
    ratio: bool,
    remarks: list[str],
) -> MantelHaenszel:
    se = float(np.sqrt(variance))
    remarks = remarks + _existence_remarks(estimate, se, given, ratio)
    half = float(special.ndtri(0.5 + level / 2)) * se
    p_value = 2 * float(special.ndtr(-abs(_over(estimate, se))))
    if np.isnan(p_value) or not np.isfinite(se):
        half, p_value, se = np.inf, np.nan, np.inf
    lower, upper = (-np.inf, np.inf) if np.isinf(half) else (estimate - half, estimate + half)
    q, q_p_value, i2, h2, effects_used = _heterogeneity(estimate, effects)
    return MantelHaenszel(
        *(estimate, se, lower, upper, p_value, q, q_p_value, i2, h2, *tests),
        *(given.a.size, effects_used, informative, given.double_zero),
        "; ".join(remarks),
    )


def _heterogeneity(estimate: float, effects: Pair) -> tuple[float, float, float, float, int]:
    """Q of the effects that exist, its p-value, I2 in percent, H2 and how many effects there were."""
    y, v = effects
    exists = np.isfinite(y) & np.isfinite(v) & (v > 0)
    count = int(exists.sum())
    if not np.isfinite(estimate) or count == 0:
        return np.nan, np.nan, np.nan, np.nan, count
    q = float(((y - estimate)[exists] ** 2 / v[exists]).sum())
    df = count - 1
    if df == 0:
        return q, 1.0, 0.0, 1.0, count
    return q, float(special.chdtrc(df, q)), 100 * max(0.0, 1 - df / max(q, df)), q / df, count


def _double_zero_remark(tables: Tables) -> list[str]:
    if not tables.double_zero:
        return []
    return [f"{tables.double_zero} of {tables.a.size} trials had no events in either arm"]


def _correction_remarks(tables: Tables, correction: float, q_correction: float) -> list[str]:
    empty = int((tables.empty_cell & tables.informative).sum())
    remarks = []
    if correction and tables.empty_cell.any():
        remarks.append(f"{correction:g} was added to every cell of tables with an empty cell")
    elif empty and q_correction:
        remarks.append(
            f"{q_correction:g} was added to the cells in {empty} of {tables.a.size} trials for Q alone"
        )
    return remarks


def _existence_remarks(estimate: float, se: float, tables: Tables, ratio: bool) -> list[str]:
    if np.isfinite(estimate) and np.isfinite(se) and se > 0:
        return []
    if tables.a.sum() + tables.c.sum() == 0:
        return ["no events in any trial: there is nothing to estimate"]
    if not ratio:
        return ["the counts leave no variation, so the standard error is 0 or not given"]
    return ["one arm has no events, or nothing but events, in all trials: the ratio has no finite estimate"]


def _corrected(tables: Tables, correction: float) -> Tables:
    add = np.where(tables.empty_cell, correction, 0.0)
    return Tables(tables.a + add, tables.n1 + 2 * add, tables.c + add, tables.n2 + 2 * add)
