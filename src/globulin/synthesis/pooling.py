"""Combine study effects into one: classical common- and random-effects pooling.

The array-only core of the evidence summary. Written for few studies (k = 1 to 6), where the choice of
method matters most, and for simulation, where tens of thousands of data sets are pooled in one call.
Numerical trouble is never an exception: it is a value with a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special
from globulin.synthesis.arguments import Array, as_studies, check_choice, check_level
from globulin.synthesis.heterogeneity import (
    Heterogeneity,
    Tau2Method,
    Weighted,
    anywhere,
    choose,
    cross_products,
    estimate_tau2,
    q_profile,
    weighted_summary,
)

if TYPE_CHECKING:
    from globulin.synthesis.regression import Regression

Mask: TypeAlias = NDArray[np.bool_]
Interval = Literal["wald", "t", "HKSJ", "HKSJ-guarded"]
Prediction = Literal["ci", "k-1", "k-2"]

# Beyond this ratio of largest to smallest variance one study can decide everything
_EXTREME_RATIO = 1e7
# Data sets are worked through in blocks that stay inside a processor's cache
_BLOCK = 30_000


@dataclass(frozen=True, slots=True)
class Pooled:
    """What `pool` returns. Floats for one data set, arrays of the batch shape for many.

    estimate, se: pooled effect and the standard error that belongs to the chosen interval.
    ci_lower, ci_upper, p_value: interval and two-sided test of no effect.
    tau2, tau2_ci_lower, tau2_ci_upper: between-study variance and its Q-profile interval.
    i2, h2: percent of variance between studies, and the ratio of total to within-study variance, both
    from tau2 (from Q for the common-effect model).
    q, q_p_value: Cochran's Q and its chi-squared test on k - 1 degrees of freedom.
    prediction_lower, prediction_upper: interval for the true effect in a new study.
    weights: share of each study in the estimate, last axis studies, summing to 1.
    k: number of studies. message: what a reader must know about this result, or "".
    """

    estimate: Any
    se: Any
    ci_lower: Any
    ci_upper: Any
    p_value: Any
    tau2: Any
    tau2_ci_lower: Any
    tau2_ci_upper: Any
    i2: Any
    h2: Any
    q: Any
    q_p_value: Any
    prediction_lower: Any
    prediction_upper: Any
    k: int
    message: Any
    weights: Array

    @property
    def i2_q(self) -> Any:
        """I2 in percent from Cochran's Q alone, max(0, (Q - df) / Q): what older papers print as I2."""
        df = self.k - 1
        i2 = 100 * (1 - df / np.maximum(self.q, max(df, 1)))
        return i2 if df else 0 * i2


@overload
def pool(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    moderators: None = None,
    level: float = 0.95,
    prediction: Prediction = "ci",
) -> Pooled: ...


@overload
def pool(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    moderators: ArrayLike,
    level: float = 0.95,
) -> Regression: ...


def pool(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    moderators: ArrayLike | None = None,
    level: float = 0.95,
    prediction: Prediction = "ci",
) -> Pooled | Regression:
    """Pool study effects y with sampling variances v; studies along the last axis, leading axes are a batch.

    tau2: estimator of the between-study variance; "FE" is the common-effect model. "ML" and "REML" are
    global maxima. See `estimate_tau2` for the sources.
    ci: "wald" (normal), "t" (same error, t on k - 1), "HKSJ" (Hartung & Knapp 2001, Stat Med
    20:3875-3889; Sidik & Jonkman 2002, Stat Med 21:3153-3159) or "HKSJ-guarded", the same with its
    variance factor at least 1: the modified Knapp-Hartung interval of Röver, Knapp & Friede 2015, BMC Med
    Res Methodol 15:99, proposed by Knapp & Hartung 2003, Stat Med 22:2693-2710.
    moderators: traits of the studies, (k,) or (..., k, q), on which to regress the effects; the result
    is then that of `regression.regress`, which can also do without an intercept and take correlated effects.
    prediction: reference distribution of the prediction interval estimate +- quantile * sqrt(tau2 + se^2):
    "k-2" degrees of freedom (Higgins, Thompson & Spiegelhalter 2009, JRSS A 172:137-159, equation 12),
    "k-1", or "ci", that of the confidence interval (normal for "wald", else k - 1). "ci" is the default
    because the prediction interval then equals the confidence interval when tau2 is 0, as it should.
    A common-effect model has no prediction interval (NaN, and the message says so).

    One study: tau2 is 0 because it cannot be estimated, the interval is Wald, and the message says so.
    Raises ValueError naming the argument for unknown options, shapes that do not fit, values that
    are not finite, and variances that are not positive.
    """
    check_choice("tau2", tau2, Tau2Method)
    check_choice("ci", ci, Interval)
    check_choice("prediction", prediction, Prediction)
    check_level(level)
    if moderators is not None:
        if prediction != "ci":
            raise ValueError("prediction: must be left out with moderators, there is no interval for all")
        from globulin.synthesis.regression import regress  # which stands on this module

        return regress(y, v, moderators, tau2=tau2, ci=ci, level=level)
    effects, variances = as_studies(y, v)
    settings = _Settings(tau2, ci, level, prediction)
    k = effects.shape[-1]
    if effects.ndim == 1:
        numbers = _pool_block(effects, variances, settings)
        message, weights = numbers.pop("message"), numbers.pop("weights")
        plain: dict[str, Any] = {name: float(number) for name, number in numbers.items()}
        return Pooled(**plain, k=k, message=message, weights=weights)
    return Pooled(**_pool_in_blocks(effects, variances, settings), k=k)


class _Settings(NamedTuple):
    tau2: Tau2Method
    ci: Interval
    level: float
    prediction: Prediction


def _pool_in_blocks(effects: Array, variances: Array, settings: _Settings) -> dict[str, Any]:
    """Many data sets, studies along the last axis; results with the batch axes restored."""
    batch, k = effects.shape[:-1], effects.shape[-1]
    y, v = (np.ascontiguousarray(a.reshape(-1, k).T) for a in (effects, variances))
    size = max(1, _BLOCK // k)
    blocks = (slice(begin, begin + size) for begin in range(0, y.shape[1], size))
    parts = [_pool_block(y[:, block], v[:, block], settings) for block in blocks]
    joined = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    return {name: column.T.reshape(*batch, *column.shape[:-1]) for name, column in joined.items()}


def _pool_block(y: Array, v: Array, settings: _Settings) -> dict[str, Any]:
    """The fields of `Pooled` but `k`, for one data set (k,) or several (k, m); weights are shaped as y."""
    method, ci, level, _ = settings
    k, batch = y.shape[0], y.shape[1:]
    order: Any = v.argsort(axis=0, kind="stable")
    if batch:
        order = order, np.arange(batch[0])
    y, v = y[order], v[order]
    # Measured from the effect of the most precise study, in its standard errors, identical effects are
    # exactly 0 and every tolerance is relative
    origin, unit = y[0], v[0]
    root = np.sqrt(unit)
    y, v = (y - origin) / root, v / unit
    common = weighted_summary(y, v)
    (tau2, several), (low, high) = _heterogeneity(y, v, method, level)
    fit = weighted_summary(y, v, tau2)
    estimate, se = origin + root * fit.mean, root * _standard_error(fit, ci)
    half, p_value = _interval(estimate, se, k, settings)
    reach = _prediction_half_width(unit * tau2, se, k, settings)
    weights = np.empty_like(v)
    weights[order] = fit.weights / fit.total
    remarks = {
        _SEVERAL_PEAKS: several,
        _EMPTY: high == 0,
        _EXTREME: v[-1] > _EXTREME_RATIO,
        _NO_WIDTH: (ci == "HKSJ") & (se == 0),
    }
    i2, h2 = _inconsistency(common, tau2, method)
    return {
        "estimate": estimate,
        "se": se,
        "ci_lower": estimate - half,
        "ci_upper": estimate + half,
        "p_value": p_value,
        "tau2": unit * tau2,
        "tau2_ci_lower": unit * low,
        "tau2_ci_upper": unit * high,
        "i2": i2,
        "h2": h2,
        "q": common.q,
        "q_p_value": special.chdtrc(k - 1, common.q) if k > 1 else np.ones(batch),
        "prediction_lower": estimate - reach,
        "prediction_upper": estimate + reach,
        "message": _messages(_setting_remarks(k, settings), remarks, batch),
        "weights": weights,
    }


def _heterogeneity(
    y: Array, v: Array, method: Tau2Method, level: float
) -> tuple[Heterogeneity, tuple[Array, Array]]:
    """tau2 with its interval; 0 without an interval for one study."""
    if y.shape[0] > 1:
        return estimate_tau2(y, v, method), q_profile(y, v, level)
    nothing = 0 * v[0]
    return Heterogeneity(nothing, nothing > 0), (nothing * np.nan, nothing * np.nan)


def _standard_error(fit: Weighted, ci: Interval) -> Any:
    k = fit.weights.shape[0]
    variance = 1 / fit.total
    if ci in ("HKSJ", "HKSJ-guarded") and k > 1:
        factor = fit.q / (k - 1)
        variance = variance * (np.maximum(factor, 1.0) if ci == "HKSJ-guarded" else factor)
    return np.sqrt(variance)


def _interval(estimate: Array, se: Array, k: int, settings: _Settings) -> tuple[Array, Array]:
    """Half width of the confidence interval and p-value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0 / 0, an exact zero without scatter, is no evidence of anything
        statistic = choose((se == 0) & (estimate == 0), 0.0, abs(estimate) / se)
    df = _degrees_of_freedom(k, settings)
    below = special.ndtr(-statistic) if df is None else special.stdtr(df, -statistic)
    return _quantile(df, settings.level) * se, 2 * below


def _prediction_half_width(tau2: Array, se: Array, k: int, settings: _Settings) -> Array:
    if settings.tau2 == "FE":
        return np.full_like(se, np.nan)
    if settings.prediction == "ci":
        df = _degrees_of_freedom(k, settings)
    else:
        df = max(k - int(settings.prediction[2:]), 1)
    reach: Array = _quantile(df, settings.level) * np.sqrt(tau2 + se * se)
    return reach


def _degrees_of_freedom(k: int, settings: _Settings) -> int | None:
    """Of the t distribution that the confidence interval refers to; None for the normal."""
    return None if settings.ci == "wald" or k == 1 else k - 1


def _quantile(df: int | None, level: float) -> Any:
    """Upper end of the central interval of the t (None: normal) distribution."""
    upper = 0.5 + level / 2
    return special.ndtri(upper) if df is None else special.stdtrit(df, upper)


def _inconsistency(common: Weighted, tau2: Array, method: Tau2Method) -> tuple[Array, Array]:
    """I2 in percent and H2 (Higgins & Thompson 2002, Stat Med 21:1539-1558, equations 9 and 10)."""
    df = common.weights.shape[0] - 1
    if df == 0:
        return np.zeros_like(tau2), np.ones_like(tau2)
    if method == "FE":
        return 100 * np.maximum(1 - df / np.maximum(common.q, df), 0), common.q / df
    typical = df * common.total / cross_products(common.weights)
    return 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical


# --- messages ----------------------------------------------------------------------------------------

_SEVERAL_PEAKS = "the likelihood of tau2 has several peaks; the highest was taken"
_EMPTY = (
    "the effects differ less than chance would make them, so the interval for tau2 is empty "
    "and shown as 0 to 0"
)
_EXTREME = "the variances differ more than ten-million-fold; one study can decide the result"
_NO_WIDTH = "all effects are identical, so the Hartung-Knapp interval has no width"


def _setting_remarks(k: int, settings: _Settings) -> list[str]:
    """What holds for every data set of this size with these options."""
    remarks = []
    if k == 1:
        remarks.append("one study: tau2 cannot be estimated and is set to 0, its interval is not given (NaN)")
        remarks.append("the confidence interval is the study's own (Wald)")
    if settings.tau2 == "FE":
        remarks.append("a common-effect model has no prediction interval (NaN)")
    elif settings.prediction != "ci" and k - int(settings.prediction[2:]) < 1:
        remarks.append(
            f"too few studies for {settings.prediction} degrees of freedom; the prediction interval uses 1"
        )
    return remarks


def _messages(always: list[str], sometimes: dict[str, Mask], batch: tuple[int, ...]) -> Any:
    """One text per data set; only the few combinations that occur are spelled out."""
    if not any(map(anywhere, sometimes.values())):
        text = "; ".join(always)
        return np.full(batch, text, dtype=np.object_) if batch else text
    code = sum(np.asarray(mask, dtype=np.int64) << bit for bit, mask in enumerate(sometimes.values()))
    seen, which = np.unique(code, return_inverse=True)
    texts = [
        "; ".join(always + [text for bit, text in enumerate(sometimes) if int(value) >> bit & 1])
        for value in seen
    ]
    return np.array(texts, dtype=np.object_)[which]
