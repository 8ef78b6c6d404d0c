"""Trim and fill: how many studies seem to be missing from a funnel plot, and the answer with them.

It assumes that an asymmetric funnel means missing studies and nothing else, which with few trials is rarely
known; shown because reviewers ask for it, never as the primary answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.arguments import as_studies
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.pooling import Interval, pool
from globulin.synthesis.small_study import ENOUGH, EQUAL_ERRORS, egger, remarks

Array: TypeAlias = NDArray[np.float64]
Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class TrimFill:
    """What `trim_fill` returns.

    k0, k0_se: studies estimated to be missing, and its standard error. side: where they are missing.
    estimate to tau2: pooled after filling. filled_y, filled_v: (k0,) the studies filled in.
    informative: False below ten studies. message: what a reader must know.
    """

    k0: int
    k0_se: float
    side: Side | None
    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    tau2: float
    filled_y: Array
    filled_v: Array
    informative: bool
    message: str


def trim_fill(
    y: ArrayLike,
    v: ArrayLike,
    *,
    estimator: Literal["L0", "R0"] = "L0",
    side: Side | None = None,
    tau2: Tau2Method = "REML",
    ci: Interval = "wald",
    level: float = 0.95,
) -> TrimFill:
    """Estimate the number of missing studies, fill them in as mirror images, and pool again; y, v (k,).

    Source: Duval & Tweedie 2000, JASA 95:89-98 (L0, R0, their variances) and Biometrics 56:455-463 (the
    iteration). side: where studies are missing; None asks Egger's regression with the same tau2 and takes the
    side on which small studies are rarer. ci, level: as in `pool`, for the filled data.
    Without a side or a study left, all numbers are NaN and the message says why. Raises ValueError as
    `pool` does, for more than one data set and for unknown options.
    """
    effects, variances = as_studies(y, v)
    _check(effects, estimator, side)
    if side is None:
        slope = egger(effects, variances, tau2=tau2).slope
        if np.isnan(slope):
            return _no_fill(effects.size, None, f"{EQUAL_ERRORS}; name a side")
        side = "right" if slope < 0 else "left"
    return _fill(effects, variances, side, estimator, tau2, ci, level)


def _fill(
    y: Array, v: Array, side: Side, estimator: str, tau2: Tau2Method, ci: Interval, level: float
) -> TrimFill:
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    facing, v = sign * y[order], v[order]
    trimmed = _trim(facing, v, estimator, tau2)
    if trimmed is None:
        return _no_fill(y.size, side, "the trimming left no study, so nothing can be filled in")
    k = y.size
    added = sign * (2 * trimmed.centre - facing[k - trimmed.k0 :]), v[k - trimmed.k0 :]
    all_y, all_v = np.concatenate([y[order], added[0]]), np.concatenate([v, added[1]])
    pooled = pool(all_y, all_v, tau2=tau2, ci=ci, level=level)
    return TrimFill(
        k0=trimmed.k0,
        k0_se=_missing_error(trimmed.raw, k, estimator),
        side=side,
        **{name: getattr(pooled, name) for name in _POOLED},
        filled_y=added[0],
        filled_v=added[1],
        informative=k >= ENOUGH,
        message=remarks(k, trimmed.message),
    )


def _check(y: Array, estimator: str, side: str | None) -> None:
    if y.ndim != 1:
        raise ValueError("y: trim and fill takes one data set at a time")
    if estimator not in ("L0", "R0"):
        raise ValueError(f"estimator: {estimator!r} is not one of L0, R0")
    if side not in ("left", "right", None):
        raise ValueError(f"side: {side!r} is not one of left, right, None")


_POOLED = ("estimate", "se", "ci_lower", "ci_upper", "p_value", "tau2")


class _Trimmed(NamedTuple):
    k0: int
    raw: float
    centre: float
    message: str


def _trim(y: Array, v: Array, estimator: str, tau2: Tau2Method) -> _Trimmed | None:
    """Missing studies on the left of sorted effects, trimming as many on the right until nothing changes.

    raw: the estimate before rounding. None where the trimming would leave no study.
    """
    k, k0 = y.size, 0
    seen: list[int] = []
    while k0 not in seen:
        seen.append(k0)
        if k0 >= k:
            return None
        centre = float(pool(y[: k - k0], v[: k - k0], tau2=tau2, ci="wald").estimate)
        deviation = y - centre
        rank = np.empty(k)
        rank[np.argsort(np.abs(deviation), kind="stable")] = np.arange(1, k + 1)
        if estimator == "L0":
            raw = float((4 * rank[deviation > 0].sum() - k * (k + 1)) / (2 * k - 1))
        else:
            raw = float(k - rank[deviation <= 0].max(initial=0) - 1)
        k0 = max(0, round(raw))
    if k0 == seen[-1]:
        return _Trimmed(k0, raw, centre, "")
    return _Trimmed(seen[-1], raw, centre, "the number of missing studies did not settle; one of a cycle")


def _missing_error(k0: float, k: int, estimator: str) -> float:
    """Duval & Tweedie 2000, JASA, the variances of L0 (from that of the rank sum) and R0."""
    if estimator == "R0":
        return float(np.sqrt(2 * max(k0, 0.0) + 2))
    rank_sum = k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0
    rank_sum += -18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0
    return float(4 * np.sqrt(max(rank_sum, 0.0) / 24) / (2 * k - 1))


def _no_fill(k: int, side: Side | None, message: str) -> TrimFill:
    return TrimFill(
        k0=0,
        k0_se=np.nan,
        side=side,
        **dict.fromkeys(_POOLED, np.nan),
        filled_y=np.empty(0),
        filled_v=np.empty(0),
        informative=k >= ENOUGH,
        message=remarks(k, message),
    )
