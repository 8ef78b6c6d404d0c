"""Meta-regression: whether the effects change with dose, year or another trait of the trials.

Also the place where several arms of one trial that share a control group enter without being counted as
independent trials. Array-only, batched over leading axes; few studies and many failures are the normal
case, so a model that cannot be fitted is a result with a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis.arguments import as_numbers, as_studies, check_choice, check_level
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.multiarm import Covariance
from globulin.synthesis.pooling import Interval
from globulin.synthesis.residual import Projection, estimate_tau2, project

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

# A column that is this close to a combination of the columns before it (both of length 1) is one
_DEPENDENT = 1e-10
_BLOCK = 30_000


@dataclass(frozen=True, slots=True)
class Regression:
    """What `regress` returns: floats for one data set, arrays of the batch shape for many.

    coefficients, se, ci_lower, ci_upper, p_value: (..., p), intercept first, then the moderators in order.
    covariance: (..., p, p) of the coefficients, on the scale of `se`.
    tau2, se_tau2: residual between-study variance and its large-sample standard error.
    qm, qm_p_value: joint test that all moderators are 0; qm is chi-squared on qm_df[0] for "wald", else F on
    qm_df = (moderators, k - p). NaN without moderators.
    qe, qe_p_value: residual heterogeneity, chi-squared on k - p.
    i2, h2: percent of the residual variance between studies, and total over within-study variance.
    r2: percent of tau2 that the moderators explain, 0 at least and where there is none to explain; NaN
    without an intercept or moderators. For the common-effect model, of the scatter per degree of freedom.
    log_likelihood: restricted for "REML" (of the decorrelated effects where v is a `Covariance`), else
    full; compare models only by the full one ("ML").
    k: studies. df: k - p. message: what a reader must know about this result, or "".
    """

    coefficients: Array
    se: Array
    ci_lower: Array
    ci_upper: Array
    p_value: Array
    covariance: Array
    tau2: Any
    se_tau2: Any
    qm: Any
    qm_p_value: Any
    qm_df: tuple[int, float]
    qe: Any
    qe_p_value: Any
    i2: Any
    h2: Any
    r2: Any
    log_likelihood: Any
    k: int
    df: int
    message: Any


def regress(
    y: ArrayLike,
    v: ArrayLike | Covariance,
    moderators: ArrayLike | None = None,
    *,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ",
    level: float = 0.95,
    intercept: bool = True,
) -> Regression:
    """Random-effects regression of study effects y on moderators.

    y: (..., k). v: (..., k) sampling variances, or a `Covariance` of shape (k, k) for correlated effects.
    moderators: (k,) for one, (k, q) or (..., k, q) for several; None for an intercept alone.
    tau2: as in `pool` (Raudenbush 2009, in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed.,
    chapter 16); "ML" and "REML" are global maxima. ci: as in `pool`, with k - p degrees of freedom
    (Knapp & Hartung 2003, Stat Med 22:2693-2710).
    With as many coefficients as studies tau2 is 0 and the intervals are Wald. Where a moderator is a
    combination of others, or coefficients outnumber studies, all numbers are NaN and the message says so.
    Raises ValueError naming the argument that does not fit.
    """
    check_choice("tau2", tau2, Tau2Method)
    check_choice("ci", ci, Interval)
    check_level(level)
    shift = 0.0
    effects, variances = as_studies(y, np.diagonal(v.sampling) if isinstance(v, Covariance) else v)
    columns = _design(moderators, effects.shape[-1], intercept)
    if isinstance(v, Covariance):
        if tau2 == "SJ":
            raise ValueError("tau2: 'SJ' starts from the plain variance of independent effects, v has others")
        effects, variances, columns, shift = v.decorrelate(effects, columns)
    block, batch = _in_blocks(effects, variances, columns, _Settings(tau2, ci, level, intercept))
    block = block._replace(log_likelihood=block.log_likelihood + shift)
    k, p = columns.shape[-2:]
    return Regression(
        **{name: _shape(values, batch) for name, values in block._asdict().items()},
        qm_df=(p - intercept, float(np.inf) if ci == "wald" or k <= p else float(k - p)),
        k=k,
        df=k - p,
    )


class _Settings(NamedTuple):
    tau2: Tau2Method
    ci: Interval
    level: float
    intercept: bool


class _Block(NamedTuple):
    """The fields of `Regression` that differ between data sets; data sets along the first axis."""

    coefficients: Array
    se: Array
    ci_lower: Array
    ci_upper: Array
    p_value: Array
    covariance: Array
    tau2: Array
    se_tau2: Array
    qm: Array
    qm_p_value: Array
    qe: Array
    qe_p_value: Array
    i2: Array
    h2: Array
    r2: Array
    log_likelihood: Array
    message: NDArray[Any]


def _in_blocks(y: Array, v: Array, x: Array, settings: _Settings) -> tuple[_Block, tuple[int, ...]]:
    """All data sets, worked through in blocks that stay inside a processor's cache, and their batch shape."""
    k, p = x.shape[-2:]
    try:
        batch = np.broadcast_shapes(y.shape[:-1], v.shape[:-1], x.shape[:-2])
    except ValueError as problem:
        raise ValueError(f"moderators: shape {x.shape} does not fit y, {y.shape}") from problem
    flat_y, flat_v = (np.broadcast_to(a, (*batch, k)).reshape(-1, k).T for a in (y, v))
    flat_x = np.broadcast_to(x, (*batch, k, p)).reshape(-1, k, p).transpose(2, 1, 0)
    size = max(1, _BLOCK // (k * p))
    parts = [
        _regress_block(
            np.ascontiguousarray(flat_y[:, part]),
            np.ascontiguousarray(flat_v[:, part]),
            np.ascontiguousarray(flat_x[:, :, part]),
            settings,
        )
        for part in (slice(i, i + size) for i in range(0, flat_y.shape[1], size))
    ]
    return _Block(*(np.concatenate(column) for column in zip(*parts, strict=True))), batch


def _regress_block(y: Array, v: Array, x: Array, settings: _Settings) -> _Block:
    """y, v (k, m), x (p, k, m). Sets whose design cannot be fitted are NaN with the reason."""
    x_length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    unit = x / np.where(x_length > 0, x_length, 1.0)
    k, p = y.shape[0], x.shape[0]
    independent = project(y, unit, np.ones_like(y)).lengths > _DEPENDENT
    fits = independent.all(axis=0) if k >= p else np.zeros(y.shape[1], dtype=np.bool_)
    if fits.all():
        return _fit(y, v, unit, x_length[:, 0], settings)
    block = _unfitted(y.shape[1], k, p, independent, settings.intercept)
    if fits.any():
        fitted = _fit(y[:, fits], v[:, fits], unit[:, :, fits], x_length[:, 0, fits], settings)
        for whole, part in zip(block, fitted, strict=True):
            whole[fits] = part
    return block


def _unfitted(m: int, k: int, p: int, independent: Mask, intercept: bool) -> _Block:
    if k < p:
        reasons = [f"{k} studies cannot determine {p} coefficients"] * m
    else:
        first = independent.argmin(axis=0) + (0 if intercept else 1)
        reasons = [
            f"moderator {j} is constant or a combination of those before it, so the model cannot be fitted"
            for j in first
        ]
    nothing = {name: np.full(m, np.nan) for name in _Block._fields[6:-1]}
    vectors = {name: np.full((m, p), np.nan) for name in _Block._fields[:5]}
    covariance = np.full((m, p, p), np.nan)
    return _Block(**vectors, covariance=covariance, **nothing, message=np.array(reasons, dtype=np.object_))


def _fit(y: Array, v: Array, x: Array, x_length: Array, settings: _Settings) -> _Block:
    """Everything for designs of full rank; columns of x have length 1."""
    k, p = y.shape[0], x.shape[0]
    # Working on the scale of the data makes every tolerance relative
    scale = np.median(v, axis=0)
    root = np.sqrt(scale)
    y, v = y / root, v / scale
    method = "FE" if k == p else settings.tau2
    tau2, se_tau2, several = estimate_tau2(y, v, x, method)
    common, fit = project(y, x, 1 / v), project(y, x, 1 / (v + tau2))
    beta, spread = _coefficients(fit)
    factor = _variance_factor(fit, k - p, settings.ci)
    size = root / x_length
    covariance: Array = np.moveaxis(factor * spread * size * size[:, None], -1, 0)
    beta = (beta * size).T
    se = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    half, p_value = _interval(beta, se, k - p, settings)
    qm, qm_p_value = _joint_test(fit, factor, k - p, settings)
    qe = common.q if k > p else np.zeros_like(common.q)
    i2, h2 = _inconsistency(common, tau2, method)
    log_likelihood = _log_likelihood(fit, v, tau2, x, settings.tau2)
    remarks = {
        "as many coefficients as studies: tau2 cannot be estimated and is set to 0, the intervals are Wald": (
            np.full(y.shape[1], k == p)
        ),
        "the likelihood of tau2 has several peaks; the highest was taken": several,
        "the model fits exactly, so the Hartung-Knapp interval has no width": factor == 0,
    }
    return _Block(
        *(beta, se, beta - half, beta + half, p_value, covariance),
        *(tau2 * scale, se_tau2 * scale, qm, qm_p_value),
        *(qe, special.chdtrc(k - p, qe) if k > p else np.ones_like(qe)),
        *(i2, h2, _explained(y, v, x, tau2, common, settings, method)),
        log_likelihood - (k - p * (settings.tau2 == "REML")) * np.log(root),
        spell_out(remarks),
    )


def _coefficients(fit: Projection) -> tuple[Array, Array]:
    """Coefficients (p, m) and their covariance (p, p, m) at known variances, from the triangular factor."""
    triangle = np.moveaxis(fit.triangle, -1, 0)
    inverse = np.asarray(np.linalg.inv(triangle), dtype=np.float64)
    beta = inverse @ np.moveaxis(fit.scores, -1, 0)[..., None]
    return beta[..., 0].T, np.moveaxis(inverse @ np.swapaxes(inverse, -1, -2), 0, -1)


def _variance_factor(fit: Projection, df: int, ci: Interval) -> Array:
    """Knapp & Hartung 2003: the residual weighted mean square."""
    if ci in ("wald", "t") or df == 0:
        return np.ones_like(fit.q)
    factor: Array = fit.q / df
    return np.maximum(factor, 1.0) if ci == "HKSJ-guarded" else factor


def _interval(beta: Array, se: Array, df: int, settings: _Settings) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0 / 0, an exact zero without scatter, is no evidence of anything
        statistic = np.where((se == 0) & (beta == 0), 0.0, np.abs(beta) / se)
    upper = 0.5 + settings.level / 2
    if settings.ci == "wald" or df == 0:
        return special.ndtri(upper) * se, 2 * special.ndtr(-statistic)
    return special.stdtrit(df, upper) * se, 2 * special.stdtr(df, -statistic)


def _joint_test(fit: Projection, factor: Array, df: int, settings: _Settings) -> tuple[Array, Array]:
    """Test of all moderators. The columns are orthogonalised in order, so theirs are the later scores."""
    tested = fit.scores[1:] if settings.intercept else fit.scores
    if tested.shape[0] == 0:
        return np.full_like(fit.q, np.nan), np.full_like(fit.q, np.nan)
    explained = (tested**2).sum(axis=0)
    if settings.ci == "wald" or df == 0:
        return explained, special.chdtrc(tested.shape[0], explained)
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.where(explained == 0, 0.0, explained / (tested.shape[0] * factor))
    return f, special.fdtrc(tested.shape[0], df, f)


def _inconsistency(common: Projection, tau2: Array, method: Tau2Method) -> tuple[Array, Array]:
    """I2 in percent and H2 (Higgins & Thompson 2002, Stat Med 21:1539-1558), of the residual variance."""
    df = common.residual.shape[0] - common.basis.shape[0]
    if df == 0:
        return np.zeros_like(tau2), np.ones_like(tau2)
    if method == "FE":
        return 100 * np.maximum(1 - df / np.maximum(common.q, df), 0), common.q / df
    typical = df / common.trace
    return 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical


def _explained(
    y: Array, v: Array, x: Array, tau2: Array, full: Projection, settings: _Settings, method: Tau2Method
) -> Array:
    """R2 in percent (Raudenbush 2009, chapter 16); for the common-effect model, adjusted R2."""
    k, p = y.shape[0], x.shape[0]
    if not settings.intercept or p == 1 or k == p:
        return np.full_like(tau2, np.nan)
    if method == "FE":
        rest, before = full.q / (k - p), project(y, x[:1], 1 / v).q / (k - 1)
    else:
        rest, before = tau2, estimate_tau2(y, v, x[:1], method).tau2
    explained: Array = np.where(before > 0, 1 - rest / np.where(before > 0, before, 1.0), 0.0)
    return 100 * np.maximum(explained, 0)


def _log_likelihood(fit: Projection, v: Array, tau2: Array, x: Array, method: Tau2Method) -> Array:
    k, p = v.shape[0], x.shape[0]
    value: Array = -(np.log(v + tau2).sum(axis=0) + fit.q) / 2
    if method == "REML":
        plain = project(v, x, np.ones_like(v)).lengths
        value = value - np.log(fit.lengths / plain).sum(axis=0)
        k -= p
    constant: float = k * np.log(2 * np.pi) / 2
    return value - constant


def spell_out(remarks: dict[str, Mask]) -> NDArray[Any]:
    """One text per data set, the remarks that hold for it joined by semicolons; masks of shape (m,)."""
    rows = zip(*remarks.values(), strict=True)
    texts = ["; ".join(text for text, holds in zip(remarks, row, strict=True) if holds) for row in rows]
    return np.array(texts, dtype=np.object_)


# --- the door ----------------------------------------------------------------------------------------


def _design(moderators: ArrayLike | None, k: int, intercept: bool) -> Array:
    """Columns (..., k, p), the intercept first."""
    x = np.empty((k, 0)) if moderators is None else as_numbers(moderators, "moderators")
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim < 2 or x.shape[-2] != k:
        raise ValueError(f"moderators: shape {x.shape} does not fit {k} studies; needs (..., {k}, q)")
    if intercept:
        x = np.concatenate([np.ones((*x.shape[:-1], 1)), x], axis=-1)
    if x.shape[-1] == 0:
        raise ValueError("moderators: without an intercept at least one is needed")
    return x


def _shape(values: NDArray[Any], batch: tuple[int, ...]) -> Any:
    """Batch axes restored; a plain value where nothing else is left."""
    shaped = values.reshape((*batch, *values.shape[1:]))
    return shaped if shaped.ndim else shaped.item()
