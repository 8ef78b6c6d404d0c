"""Combine study effects into one: classical common- and random-effects pooling.

The array-only core of the evidence summary. Written for few studies (k = 1 to 6), where the choice of
method matters most, and for simulation, where tens of thousands of data sets are pooled in one call.
Numerical trouble is never an exception: it is a value with a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis.arguments import Array, as_studies, check_choice, check_level
from globulin.synthesis.heterogeneity import (
    Tau2Method,
    estimate_tau2,
    q_profile,
    weighted_summary,
)

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


def pool(
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    level: float = 0.95,
    prediction: Prediction = "ci",
) -> Pooled:
    """Pool study effects y with sampling variances v; studies along the last axis, leading axes are a batch.

    tau2: estimator of the between-study variance; "FE" is the common-effect model. "ML" and "REML" are
    global maxima. See `estimate_tau2` for the sources.
    ci: "wald" (normal), "t" (same error, t on k - 1), "HKSJ" (Hartung & Knapp 2001, Stat Med
    20:3875-3889; Sidik & Jonkman 2002, Stat Med 21:3153-3159) or "HKSJ-guarded", the same with its
    variance factor at least 1 (Knapp & Hartung 2003, Stat Med 22:2693-2710).
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
    effects, variances = as_studies(y, v)
    batch, k = effects.shape[:-1], effects.shape[-1]
    columns = np.ascontiguousarray(effects.reshape(-1, k).T), np.ascontiguousarray(variances.reshape(-1, k).T)
    size = max(1, _BLOCK // k)
    parts = [
        _pool_block(columns[0][:, i : i + size], columns[1][:, i : i + size], tau2, ci, level, prediction)
        for i in range(0, columns[0].shape[1], size)
    ]
    joined = _Block(*(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)))
    weights = joined.weights.T.reshape((*batch, k))
    rows = {name: _shape(getattr(joined, name), batch) for name in _Block._fields if name != "weights"}
    return Pooled(k=k, weights=weights, **rows)


class _Block(NamedTuple):
    """The fields of `Pooled`, one value per data set; weights have the studies first."""

    estimate: Array
    se: Array
    ci_lower: Array
    ci_upper: Array
    p_value: Array
    tau2: Array
    tau2_ci_lower: Array
    tau2_ci_upper: Array
    i2: Array
    h2: Array
    q: Array
    q_p_value: Array
    prediction_lower: Array
    prediction_upper: Array
    message: NDArray[Any]
    weights: Array


def _pool_block(
    y: Array, v: Array, method: Tau2Method, ci: Interval, level: float, prediction: Prediction
) -> _Block:
    k, m = y.shape
    # Working on the scale of the data makes every tolerance relative
    scale = np.median(v, axis=0)
    root = np.sqrt(scale)
    y, v = y / root, v / scale
    several = np.zeros(m, dtype=np.bool_)
    tau2, low, high = np.zeros(m), np.full(m, np.nan), np.full(m, np.nan)
    if k > 1:
        tau2, several = estimate_tau2(y, v, method)
        low, high = q_profile(y, v, level)
    w = 1 / (v + tau2)
    total = w.sum(axis=0)
    estimate = (w * y).sum(axis=0) / total
    common = weighted_summary(y, v, np.zeros(m))
    se = _standard_error(w, y, estimate, total, ci)
    half, p_value = _interval(estimate, se, k, ci, level)
    reach = _prediction_half_width(tau2, se, k, method, ci, level, prediction)
    i2, h2 = _inconsistency(v, tau2, common.q, method)
    remarks = {
        "the likelihood of tau2 has several peaks; the highest was taken": several,
        "the effects differ less than chance would make them, so the interval for tau2 is empty "
        "and shown as 0 to 0": high == 0,
        "the variances differ more than ten-million-fold; one study can decide the result": (
            v.max(axis=0) > _EXTREME_RATIO * v.min(axis=0)
        ),
        "all effects are identical, so the Hartung-Knapp interval has no width": (
            (se == 0) if ci == "HKSJ" else np.zeros(m, dtype=np.bool_)
        ),
    }
    return _Block(
        *(estimate * root, se * root, (estimate - half) * root, (estimate + half) * root, p_value),
        *(tau2 * scale, low * scale, high * scale, i2, h2),
        *(common.q, special.chdtrc(k - 1, common.q) if k > 1 else np.ones(m)),
        *((estimate - reach) * root, (estimate + reach) * root),
        _messages(_setting_remarks(k, method, prediction), remarks),
        w / total,
    )


def _standard_error(w: Array, y: Array, estimate: Array, total: Array, ci: Interval) -> Array:
    k = y.shape[0]
    se: Array = 1 / np.sqrt(total)
    if ci in ("wald", "t") or k == 1:
        return se
    factor = (w * (y - estimate) ** 2).sum(axis=0) / (k - 1)
    if ci == "HKSJ-guarded":
        factor = np.maximum(factor, 1.0)
    scaled: Array = se * np.sqrt(factor)
    return scaled


def _interval(estimate: Array, se: Array, k: int, ci: Interval, level: float) -> tuple[Array, Array]:
    """Half width of the confidence interval and p-value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0 / 0, an exact zero without scatter, is no evidence of anything
        statistic = np.where((se == 0) & (estimate == 0), 0.0, np.abs(estimate) / se)
    if ci == "wald" or k == 1:
        return special.ndtri(0.5 + level / 2) * se, 2 * special.ndtr(-statistic)
    return special.stdtrit(k - 1, 0.5 + level / 2) * se, 2 * special.stdtr(k - 1, -statistic)


def _prediction_half_width(
    tau2: Array, se: Array, k: int, method: Tau2Method, ci: Interval, level: float, prediction: Prediction
) -> Array:
    if method == "FE":
        return np.full_like(se, np.nan)
    if prediction == "ci" and (ci == "wald" or k == 1):
        quantile = special.ndtri(0.5 + level / 2)
    else:
        df = max(k - 2 if prediction == "k-2" else k - 1, 1)
        quantile = special.stdtrit(df, 0.5 + level / 2)
    reach: Array = quantile * np.sqrt(tau2 + se**2)
    return reach


def _inconsistency(v: Array, tau2: Array, q: Array, method: Tau2Method) -> tuple[Array, Array]:
    """I2 in percent and H2 (Higgins & Thompson 2002, Stat Med 21:1539-1558, equations 9 and 10)."""
    k = v.shape[0]
    if k == 1:
        return np.zeros_like(q), np.ones_like(q)
    if method == "FE":
        h2 = q / (k - 1)
        return 100 * np.maximum(1 - (k - 1) / np.maximum(q, k - 1), 0), h2
    w = 1 / v
    total = w.sum(axis=0)
    typical = (k - 1) * total / (total**2 - (w * w).sum(axis=0))
    return 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical


# --- messages ----------------------------------------------------------------------------------------


def _setting_remarks(k: int, method: Tau2Method, prediction: Prediction) -> list[str]:
    """What holds for every data set of this size with these options."""
    remarks = []
    if k == 1:
        remarks.append("one study: tau2 cannot be estimated and is set to 0, its interval is not given (NaN)")
        remarks.append("the confidence interval is the study's own (Wald)")
    if method == "FE":
        remarks.append("a common-effect model has no prediction interval (NaN)")
    elif prediction != "ci" and k - int(prediction[2:]) < 1:
        remarks.append(f"too few studies for {prediction} degrees of freedom; the prediction interval uses 1")
    return remarks


def _messages(always: list[str], sometimes: dict[str, Mask]) -> NDArray[Any]:
    """One text per data set; only the few combinations that occur are spelled out."""
    code = sum(mask.astype(np.int64) << bit for bit, mask in enumerate(sometimes.values()))
    seen, which = np.unique(code, return_inverse=True)
    texts = [
        "; ".join(always + [text for bit, text in enumerate(sometimes) if int(value) >> bit & 1])
        for value in seen
    ]
    return np.array(texts, dtype=np.object_)[which]


def _shape(values: NDArray[Any], batch: tuple[int, ...]) -> Any:
    return values.reshape(batch) if batch else values[0].item() if values.dtype != object else values[0]
