"""How much the pooled answer hangs on single studies and on chance, and what it says about each study.

With few trials one of them often decides the result. Leaving each out in turn, adding them one by one and
measuring their pull shows it before a reader has to ask; simulating the same studies again shows what they
could as well have found. Array-only; leading axes are a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special
from globulin.synthesis.arguments import as_numbers, as_studies
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.pooling import Interval, Pooled, pool

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_NOTHING_LEFT = "one study: nothing is left without it"


@dataclass(frozen=True, slots=True)
class Series:
    """Pooled results of `leave_one_out` or `cumulative`; arrays (..., k), one entry per step.

    study: (k,) the index of the study that is left out, or that is added, at each step.
    k: (k,) studies that each step pools. message: (..., k). All else as in `pool`.
    """

    study: NDArray[np.intp]
    k: NDArray[np.intp]
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


@dataclass(frozen=True, slots=True)
class Influence:
    """What `influence` returns; arrays (..., k), one entry per study.

    residual: studentised deleted residual. dffits: change of the fitted value without the study, in its
    standard errors. cook_distance: squared change of the estimate over its variance. covariance_ratio:
    variance of the estimate without the study over that with it, below 1 if the study costs precision.
    tau2_deleted, q_deleted: without the study. hat: leverage. weight: share in percent.
    influential: the study changes the answer by one of the rules given in `influence`.
    message: what a reader must know, or "".
    """

    residual: Array
    dffits: Array
    cook_distance: Array
    covariance_ratio: Array
    tau2_deleted: Array
    q_deleted: Array
    hat: Array
    weight: Array
    influential: Mask
    message: str


@dataclass(frozen=True, slots=True)
class Shrunken:
    """What `shrink` returns; arrays (..., k), one entry per study.

    estimate: best linear unbiased prediction of each study's true effect. se, lower, upper: its standard
    error and prediction interval. shrinkage: share of the way from the study's own effect to the mean.
    message: what a reader must know about this result, or "".
    """

    estimate: Array
    se: Array
    lower: Array
    upper: Array
    shrinkage: Array
    message: Any


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What `parametric_bootstrap` returns.

    estimate, tau2: fitted to the data, and true in every replicate. ci_lower, ci_upper, tau2_ci_lower,
    tau2_ci_upper: percentile intervals. coverage: share of replicates whose own interval holds `estimate`.
    estimates, tau2s: (replicates,) the fits. k: number of studies.
    message: what a reader must know about this result, or "".
    """

    estimate: float
    ci_lower: float
    ci_upper: float
    tau2: float
    tau2_ci_lower: float
    tau2_ci_upper: float
    coverage: float
    estimates: Array
    tau2s: Array
    k: int
    message: str


def leave_one_out(
    y: ArrayLike, v: ArrayLike, *, tau2: Tau2Method = "REML", ci: Interval = "HKSJ", level: float = 0.95
) -> Series:
    """Pool all studies but one, for each in turn; y, v (..., k), options as in `pool`.

    With one study all numbers are NaN and the message says why. Raises ValueError as `pool` does.
    """
    effects, variances = as_studies(y, v)
    k = effects.shape[-1]
    study = np.arange(k)
    if k == 1:
        pool(effects, variances, tau2=tau2, ci=ci, level=level)
        return _series([_nothing(effects.shape)], study, np.zeros(1, dtype=np.intp))
    others = _others(k)
    pooled = pool(effects[..., others], variances[..., others], tau2=tau2, ci=ci, level=level)
    return _series([_numbers(pooled)], study, np.full(k, k - 1))


def cumulative(
    y: ArrayLike,
    v: ArrayLike,
    *,
    order: ArrayLike | None = None,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    level: float = 0.95,
) -> Series:
    """Pool the first study, the first two, and so on up to all k; y, v (..., k), options as in `pool`.

    order: (k,) sort key such as the year, ties staying as given; None takes the studies as they come.
    Source: Lau et al. 1992, N Engl J Med 327:248-254. Raises ValueError as `pool` does, and for an
    order that does not fit.
    """
    effects, variances = as_studies(y, v)
    k = effects.shape[-1]
    key = np.arange(k, dtype=np.float64) if order is None else as_numbers(order, "order")
    if key.shape != (k,):
        raise ValueError(f"order: shape {key.shape} does not fit {k} studies")
    study = np.argsort(key, kind="stable")
    effects, variances = effects[..., study], variances[..., study]
    steps = [
        pool(effects[..., None, :n], variances[..., None, :n], tau2=tau2, ci=ci, level=level)
        for n in range(1, k + 1)
    ]
    return _series([_numbers(step) for step in steps], study, np.arange(1, k + 1))


def influence(y: ArrayLike, v: ArrayLike, *, tau2: Tau2Method = "REML") -> Influence:
    """How far each study moves the pooled answer; y, v (..., k), standard errors as in "wald".

    Source: Viechtbauer & Cheung 2010, Res Synth Methods 1:112-125. With h the leverage and (i)
    for values without study i: residual (y_i - mu_(i)) / sqrt(v_i + tau2_(i) + se_(i)^2); DFFITS
    (mu - mu_(i)) / sqrt(h_i (v_i + tau2_(i))); Cook's distance (mu - mu_(i))^2 / se^2; covariance ratio
    se_(i)^2 / se^2. A study is influential (their rules) if |DFFITS| > 3 / sqrt(k - 1), if Cook's
    distance exceeds the median of chi-squared on 1, or if h > 3 / k.
    With one study all numbers are NaN and the message says why. Raises ValueError as `pool` does.
    """
    effects, variances = as_studies(y, v)
    k = effects.shape[-1]
    full = pool(effects, variances, tau2=tau2, ci="wald")
    without = leave_one_out(effects, variances, tau2=tau2, ci="wald")
    hat, se = full.weights, np.expand_dims(full.se, -1)
    shift = np.expand_dims(full.estimate, -1) - without.estimate
    own = variances + without.tau2
    dffits = shift / np.sqrt(hat * own)
    cook = (shift / se) ** 2
    pulls = (np.abs(dffits) > 3 / np.sqrt(max(k - 1, 1))) | (cook > special.chdtri(1, 0.5)) | (hat > 3 / k)
    return Influence(
        residual=(effects - without.estimate) / np.sqrt(own + without.se**2),
        dffits=dffits,
        cook_distance=cook,
        covariance_ratio=(without.se / se) ** 2,
        tau2_deleted=without.tau2,
        q_deleted=without.q,
        hat=hat,
        weight=100 * hat,
        influential=pulls,
        message=_NOTHING_LEFT if k == 1 else "",
    )


def shrink(
    y: ArrayLike, v: ArrayLike, *, tau2: Tau2Method = "REML", ci: Interval = "wald", level: float = 0.95
) -> Shrunken:
    """Each study's true effect, drawn towards the mean by as much as its own error calls for; y, v (..., k).

    With s = v / (v + tau2) the prediction is (1 - s) y + s mu with variance (1 - s) v + s^2 se^2, se being
    that of `pool` with the same `ci`, whose reference distribution (normal or t on k - 1) the interval takes.
    Source: Raudenbush & Bryk 1985, J Educ Stat 10:75-98; Raudenbush 2009, in The
    Handbook of Research Synthesis and Meta-Analysis, 2nd ed., chapter 16. Raises ValueError as `pool` does.
    """
    effects, variances = as_studies(y, v)
    k = effects.shape[-1]
    pooled = pool(effects, variances, tau2=tau2, ci=ci, level=level)
    tau2_, mean, se = (np.expand_dims(a, -1) for a in (pooled.tau2, pooled.estimate, pooled.se))
    shrinkage = variances / (variances + tau2_)
    estimate = effects + shrinkage * (mean - effects)
    error = np.sqrt((1 - shrinkage) * variances + (shrinkage * se) ** 2)
    upper = 0.5 + level / 2
    quantile = special.ndtri(upper) if ci == "wald" or k == 1 else special.stdtrit(k - 1, upper)
    return Shrunken(
        estimate=estimate,
        se=error,
        lower=estimate - quantile * error,
        upper=estimate + quantile * error,
        shrinkage=shrinkage,
        message=pooled.message,
    )


def parametric_bootstrap(
    y: ArrayLike,
    v: ArrayLike,
    *,
    replicates: int = 10_000,
    seed: int,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    level: float = 0.95,
) -> Bootstrap:
    """Simulate the same studies again and again from the fitted model, and pool each simulation.

    y, v: (k,), one data set; options as in `pool`. Effects are drawn from N(mu, v + tau2) at the fitted mu
    and tau2; the variances stay. The intervals lie between percentiles of the simulated fits (Efron &
    Tibshirani 1993, An Introduction to the Bootstrap, chapters 6 and 13; for pooled effects, Van den
    Noortgate & Onghena 2005, Behav Res Methods 37:11-22). With few studies a fitted tau2 is often 0, and
    then the truth of every simulation, which makes these intervals too narrow. `coverage` says how often
    the interval of `pool` would hold, if the fit were true.

    Same seed, same result. Raises ValueError as `pool` does, for a batch, fewer than 2 replicates and a
    negative seed.
    """
    if replicates < 2:
        raise ValueError(f"replicates: must be 2 or more, not {replicates}")
    if seed < 0:
        raise ValueError(f"seed: must be 0 or more, not {seed}")
    effects, variances = as_studies(y, v)
    if effects.ndim != 1:
        raise ValueError(f"y: must be one data set (k,), not of shape {effects.shape}")
    fit = pool(effects, variances, tau2=tau2, ci=ci, level=level)
    scatter = np.random.default_rng(seed).standard_normal((replicates, effects.size))
    again = pool(
        fit.estimate + np.sqrt(variances + fit.tau2) * scatter, variances, tau2=tau2, ci=ci, level=level
    )
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    (ci_lower, ci_upper), (tau2_lower, tau2_upper) = (
        np.quantile(fits, ends).tolist() for fits in (again.estimate, again.tau2)
    )
    return Bootstrap(
        estimate=fit.estimate,
        ci_lower=ci_lower,
        ci_upper=ci_upper,
        tau2=fit.tau2,
        tau2_ci_lower=tau2_lower,
        tau2_ci_upper=tau2_upper,
        coverage=float(np.mean((again.ci_lower <= fit.estimate) & (fit.estimate <= again.ci_upper))),
        estimates=again.estimate,
        tau2s=again.tau2,
        k=fit.k,
        message=fit.message,
    )


_NUMBERS = tuple(f.name for f in fields(Series) if f.name not in ("study", "k"))


def _numbers(pooled: Pooled) -> dict[str, NDArray[Any]]:
    return {name: getattr(pooled, name) for name in _NUMBERS}


def _nothing(shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    numbers: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in _NUMBERS}
    return numbers | {"message": np.full(shape, _NOTHING_LEFT, dtype=np.object_)}


def _series(parts: list[dict[str, NDArray[Any]]], study: NDArray[np.intp], k: NDArray[np.intp]) -> Series:
    """Joins steps along the last axis."""
    columns = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in _NUMBERS}
    return Series(study=study, k=k, **columns)


def _others(k: int) -> NDArray[np.intp]:
    """Row i: the indices of all studies but i; (k, k - 1)."""
    column = np.arange(k - 1)
    others: NDArray[np.intp] = column + (column >= np.arange(k)[:, None])
    return others
