"""Small-study effects: whether small studies show larger effects, and the answer if that were bias.

Small trials that found nothing are printed less often. These are the customary checks for it. Below ten
studies none of them can tell bias from chance, so every result says whether it is informative.
Array-only; leading axes are a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis.arguments import as_studies
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.pooling import Interval, pool
from globulin.synthesis.regression import regress

Array: TypeAlias = NDArray[np.float64]
Model = Literal["rma", "lm"]

ENOUGH = 10
"""Studies that a funnel plot test needs (Sterne et al. 2011, BMJ 343:d4002)."""

_TOO_FEW = "below 10 studies this cannot tell bias from chance (Sterne et al. 2011): not informative"
EQUAL_ERRORS = "all standard errors are equal (or there is one study), so small and large cannot be compared"
_LINE = "two studies always lie on a line: there is no test and no interval"
# Kendall's exact distribution takes work of the order k^3, and beyond this the normal one is as good
_EXACT_UP_TO = 100


@dataclass(frozen=True, slots=True)
class FunnelRegression:
    """Regression of the effects on a measure of their imprecision; floats, or arrays for a batch.

    slope, slope_se, statistic, p_value: the trend and its test (z, or t on df). estimate, se, ci_lower,
    ci_upper, estimate_p_value: effect in a study without sampling error. tau2: left between studies.
    informative: False below ten studies. message: what a reader must know.
    """

    slope: Any
    slope_se: Any
    statistic: Any
    p_value: Any
    estimate: Any
    se: Any
    ci_lower: Any
    ci_upper: Any
    estimate_p_value: Any
    tau2: Any
    df: float
    informative: bool
    message: Any


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Kendall's tau between effects and variances; floats, or arrays for a batch.

    exact: whether the p-value is exact (no ties, at most 100 studies) or from the normal distribution.
    informative: False below ten studies. message: what a reader must know.
    """

    tau: Any
    p_value: Any
    exact: Any
    informative: bool
    message: Any


@dataclass(frozen=True, slots=True)
class FailSafe:
    """What `fail_safe_n` returns; plain values, or arrays for a batch.

    n: null studies that would make the combined test not significant. p_value: of that test, one-sided.
    informative: False below ten studies. message: what a reader must know.
    """

    n: Any
    p_value: Any
    informative: bool
    message: Any


# --- regressions -------------------------------------------------------------------------------------


def egger(
    y: ArrayLike, v: ArrayLike, *, model: Model = "rma", tau2: Tau2Method = "REML", level: float = 0.95
) -> FunnelRegression:
    """Test for funnel plot asymmetry: regression of y on the standard error; y, v (..., k).

    model: "lm" is Egger et al. 1997, BMJ 315:629-634 (weights 1 / v, errors scaled by the scatter, t on
    k - 2); "rma" adds tau2 instead and tests by z (Sterne & Egger 2005, in Publication Bias in
    Meta-Analysis, chapter 6). Raises ValueError as `pool` does.
    """
    return _funnel(y, v, 0.5, model, tau2, "wald", level)


def pet(
    y: ArrayLike, v: ArrayLike, *, model: Model = "rma", tau2: Tau2Method = "REML", level: float = 0.95
) -> FunnelRegression:
    """Precision-effect test: effect at a standard error of 0, linear in the standard error; y, v (..., k).

    Source: Stanley & Doucouliagos 2014, Res Synth Methods 5:60-78, which is "lm"; "rma" adds tau2
    to the variances. Both have Knapp & Hartung's errors and t on k - 2. Raises ValueError as `pool` does.
    """
    return _funnel(y, v, 0.5, model, tau2, "HKSJ", level)


def peese(
    y: ArrayLike, v: ArrayLike, *, model: Model = "rma", tau2: Tau2Method = "REML", level: float = 0.95
) -> FunnelRegression:
    """Precision-effect estimate with standard error: as `pet`, linear in the variance (same source)."""
    return _funnel(y, v, 1.0, model, tau2, "HKSJ", level)


def pet_peese(
    y: ArrayLike, v: ArrayLike, *, model: Model = "rma", tau2: Tau2Method = "REML", level: float = 0.95
) -> FunnelRegression:
    """`peese` where `pet` finds an effect (two-sided p below 0.1), else `pet`; the message says which.

    Source: Stanley & Doucouliagos 2014 (a one-sided test at 0.05).
    """
    options: dict[str, Any] = {"model": model, "tau2": tau2, "level": level}
    first, second = pet(y, v, **options), peese(y, v, **options)
    found = np.asarray(first.estimate_p_value) < 0.1
    chosen = {
        f.name: _unwrap(np.where(found, getattr(second, f.name), getattr(first, f.name)))
        for f in fields(FunnelRegression)
        if f.name not in ("df", "informative", "message")
    }
    which = np.where(found, "PET finds an effect: PEESE is shown", "PET finds no effect: PET is shown")
    message = _unwrap(_joined(which, np.where(found, second.message, first.message)))
    return FunnelRegression(**chosen, df=first.df, informative=first.informative, message=message)


def _funnel(
    y: ArrayLike, v: ArrayLike, power: float, model: Model, tau2: Tau2Method, ci: Interval, level: float
) -> FunnelRegression:
    if model not in get_args(Model):
        raise ValueError(f"model: {model!r} is not one of {', '.join(get_args(Model))}")
    effects, variances = as_studies(y, v)
    if model == "lm":
        # A common-effect regression with the Hartung-Knapp error is least squares with weights 1 / v
        tau2, ci = "FE", "HKSJ"
    predictor = variances[..., None] ** power
    fit = regress(effects, variances, predictor, tau2=tau2, ci=ci, level=level)
    k = effects.shape[-1]
    # Two studies always lie on a line, so nothing is left to judge it by
    error = np.where(k == 2, np.nan, fit.se)
    half = np.where(k == 2, np.nan, fit.ci_upper - fit.coefficients)[..., 0]
    p_value = np.where(k == 2, np.nan, fit.p_value)
    slope, estimate = fit.coefficients[..., 1], fit.coefficients[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = slope / error[..., 1]
    remark = np.where(np.isnan(slope), np.asarray(EQUAL_ERRORS, dtype=np.object_), fit.message)
    return FunnelRegression(
        slope=_unwrap(slope),
        slope_se=_unwrap(error[..., 1]),
        statistic=_unwrap(statistic),
        p_value=_unwrap(p_value[..., 1]),
        estimate=_unwrap(estimate),
        se=_unwrap(error[..., 0]),
        ci_lower=_unwrap(estimate - half),
        ci_upper=_unwrap(estimate + half),
        estimate_p_value=_unwrap(p_value[..., 0]),
        tau2=fit.tau2,
        df=float(np.inf) if ci == "wald" else float(k - 2),
        informative=k >= ENOUGH,
        message=remarks(k, np.asarray(_LINE, dtype=np.object_) if k == 2 else remark),
    )


# --- rank correlation --------------------------------------------------------------------------------


def rank_correlation(y: ArrayLike, v: ArrayLike) -> RankCorrelation:
    """Kendall's tau-b between standardised effects and variances; y, v (..., k).

    Source: Begg & Mazumdar 1994, Biometrics 50:1088-1101: the effects are (y - mean) / sqrt(v - 1 / sum w)
    with w = 1 / v and the mean weighted by w. Exact two-sided p without ties (Kendall 1970, Rank Correlation
    Methods, chapter 5), else normal with the variance for ties (chapter 4).
    Raises ValueError as `pool` does.
    """
    effects, variances = as_studies(y, v)
    k = effects.shape[-1]
    common = pool(effects, variances, tau2="FE", ci="wald")
    total = (1 / variances).sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A study that is all of the mean has neither a deviation nor a variance for it
        z = (effects - np.expand_dims(common.estimate, -1)) / np.sqrt(np.maximum(variances - 1 / total, 0))
    z = np.where(np.isnan(z), 0.0, z)
    first, second = _comparisons(z), _comparisons(variances)
    score = (first * second).sum(axis=(-2, -1)) / 2
    ties = [(a == 0).sum(axis=-1).astype(np.float64) for a in (first, second)]
    pairs = k * (k - 1) / 2
    untied = [pairs - (t - 1).sum(axis=-1) / 2 for t in ties]
    defined = (untied[0] > 0) & (untied[1] > 0)
    exact = defined & (untied[0] == pairs) & (untied[1] == pairs) & (k <= _EXACT_UP_TO)
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = np.where(defined, score / np.sqrt(untied[0] * untied[1]), np.nan)
        normal = 2 * special.ndtr(-np.abs(score) / np.sqrt(_score_variance(*ties)))
    p_value = np.where(exact, _exact_p(score, k), np.where(defined, normal, np.nan))
    remark = np.where(
        defined,
        np.where(exact, "", "ties or many studies: the p-value is from the normal distribution"),
        EQUAL_ERRORS,
    )
    return RankCorrelation(
        tau=_unwrap(tau),
        p_value=_unwrap(p_value),
        exact=_unwrap(exact),
        informative=k >= ENOUGH,
        message=remarks(k, remark),
    )


def _comparisons(a: Array) -> Array:
    """1, 0 or -1 for each pair of studies, (..., k, k), also where both are infinite."""
    row, column = a[..., :, None], a[..., None, :]
    return (row > column).astype(np.float64) - (row < column)


def _exact_p(score: Array, k: int) -> Array:
    """Two-sided p of concordant minus discordant pairs, from the number of inversions of k ranks."""
    if k < 2 or k > _EXACT_UP_TO:
        return np.full(np.shape(score), np.nan)
    chance = np.ones(1)
    for n in range(2, k + 1):
        chance = np.convolve(chance, np.full(n, 1 / n))
    below = np.concatenate([[0.0], np.cumsum(chance)])
    pairs = chance.size - 1
    # Half a pair where ties leave one, whose p-value is not used
    concordant = np.floor((score + pairs) / 2).astype(np.intp)
    # Both tails from the same end: the distribution is symmetric and small sums keep their digits
    tail = np.minimum(below[concordant + 1], below[pairs - concordant + 1])
    p_value: Array = np.minimum(2 * tail, 1.0)
    return p_value


def _score_variance(t: Array, u: Array) -> Array:
    """Variance of the score; t, u (..., k) say for each study how many share its rank, itself included."""
    k = t.shape[-1]
    triple = np.zeros(t.shape[:-1])
    if k > 2:
        triple = ((t - 1) * (t - 2)).sum(axis=-1) * ((u - 1) * (u - 2)).sum(axis=-1)
        triple = triple / (9 * k * (k - 1) * (k - 2))
    double = (t - 1).sum(axis=-1) * (u - 1).sum(axis=-1) / max(2 * k * (k - 1), 1)
    single = [((a - 1) * (2 * a + 5)).sum(axis=-1) for a in (t, u)]
    variance: Array = (k * (k - 1) * (2 * k + 5) - single[0] - single[1]) / 18 + triple + double
    return variance


# --- fail-safe N -------------------------------------------------------------------------------------


def fail_safe_n(y: ArrayLike, v: ArrayLike, *, alpha: float = 0.05) -> FailSafe:
    """Null studies needed to bring the combined one-sided p above alpha; y, v (..., k).

    Source: Rosenthal 1979, Psychol Bull 86:638-641: N = (sum z)^2 / z_alpha^2 - k, rounded up, at least 0,
    with Stouffer's p of |sum z| / sqrt(k). It ignores the size of effects and their heterogeneity.
    Raises ValueError as `pool` does, and for alpha outside 0 to 0.5.
    """
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha: must lie strictly between 0 and 0.5, not {alpha}")
    effects, variances = as_studies(y, v)
    k = effects.shape[-1]
    total = np.abs((effects / np.sqrt(variances)).sum(axis=-1))
    n = np.ceil(np.maximum((total / special.ndtri(alpha)) ** 2 - k, 0))
    return FailSafe(
        n=_unwrap(n),
        p_value=_unwrap(special.ndtr(-total / np.sqrt(k))),
        informative=k >= ENOUGH,
        message=remarks(k, np.full(total.shape, "", dtype=np.object_)),
    )


# --- shared ------------------------------------------------------------------------------------------


def remarks(k: int, text: ArrayLike) -> Any:
    """The text of each data set after the warning for too few studies."""
    return _unwrap(_joined(_TOO_FEW if k < ENOUGH else "", text))


_joined = np.vectorize(lambda *texts: "; ".join(str(text) for text in texts if text), otypes=[object])


def _unwrap(values: Any) -> Any:
    """A plain value where there is no batch."""
    array = np.asarray(values)
    return array if array.ndim else array.item()
