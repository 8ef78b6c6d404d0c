"""Selection model: the pooled answer if trials without a significant result are less likely to be printed.

Unlike the funnel plot tests it models how results get lost. It needs results on both sides of the
significance threshold, and more than a few of each; otherwise it says that nothing can be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis.arguments import as_studies
from globulin.synthesis.pooling import pool
from globulin.synthesis.small_study import ENOUGH, remarks

Array: TypeAlias = NDArray[np.float64]
Alternative = Literal["greater", "less"]

_ONE_SIDE = (
    "all studies are on one side of the threshold, so the weight is only an assumption: not informative"
)
# Range of mean, tau2 and weight; weights outside it are not told apart by any realistic number of studies
_LOWEST = np.array([-np.inf, 0.0, 1e-6])
_HIGHEST = np.array([np.inf, np.inf, 100.0])
_STEPS = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """What `selection_model` returns.

    estimate, se, ci_lower, ci_upper, p_value: effect before selection (Wald). tau2: between studies.
    weight, weight_se: chance of being printed above the threshold p, relative to below; its standard error
    is NaN at the edge of 1e-6 to 100. statistic, test_p_value: likelihood ratio test of weight = 1.
    log_likelihood: maximum. informative: False below ten studies or with all on one side of the threshold.
    message: what a reader must know.
    """

    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    tau2: float
    weight: float
    weight_se: float
    statistic: float
    test_p_value: float
    log_likelihood: float
    informative: bool
    message: str


def selection_model(
    y: ArrayLike,
    v: ArrayLike,
    *,
    step: float = 0.025,
    alternative: Alternative = "greater",
    level: float = 0.95,
) -> Selection:
    """Maximum-likelihood random-effects pooling with a step in the chance of being printed; y, v (k,).

    Studies with one-sided p up to `step` (for an effect above 0, or below for "less") have weight 1, the
    others a weight estimated within 1e-6 to 100. Source: Hedges 1992, Stat Sci 7:246-255; Vevea & Hedges
    1995, Psychometrika 60:419-435.
    With fewer than 3 studies all numbers are NaN and the message says so. Raises ValueError as `pool` does,
    for more than one data set and for unknown options.
    """
    if alternative not in get_args(Alternative):
        raise ValueError(f"alternative: {alternative!r} is not one of {', '.join(get_args(Alternative))}")
    for name, value in (("step", step), ("level", level)):
        if not 0 < value < 1:
            raise ValueError(f"{name}: must lie strictly between 0 and 1, not {value}")
    effects, variances = as_studies(y, v)
    if effects.ndim != 1:
        raise ValueError("y: a selection model takes one data set at a time")
    k, unit = effects.size, float(np.sqrt(np.median(variances)))
    if k < 3:
        return _nothing(remarks(k, "three numbers cannot be estimated from fewer than three studies"))
    sign = 1.0 if alternative == "greater" else -1.0
    model = _Model(sign * effects / unit, variances / unit**2, float(-special.ndtri(step)))
    return _summarise(model, sign, unit, level)


class _Model(NamedTuple):
    """Effects and variances on the scale of the data, and the z value of the step."""

    y: Array
    v: Array
    z: float

    @property
    def unprinted(self) -> int:
        """Studies that did not reach the step."""
        return int((self.y < self.z * np.sqrt(self.v)).sum())

    def log_likelihood(self, x: Array) -> float:
        """At x = (mean, tau2, weight)."""
        s2 = self.v + x[1]
        normal = -(np.log(2 * np.pi * s2) + (self.y - x[0]) ** 2 / s2).sum() / 2
        kept = self._kept(x)[0]
        return float(self.unprinted * np.log(x[2]) + normal - np.log(kept).sum())

    def gradient(self, x: Array) -> Array:
        """Derivatives of the log-likelihood in mean, tau2 and weight."""
        s2 = self.v + x[1]
        kept, reached, u = self._kept(x)
        pull = (1 - x[2]) * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi * s2) / kept
        r = self.y - x[0]
        return np.array(
            [
                (r / s2 - pull).sum(),
                ((r**2 / s2 - 1) / s2 + pull * u / np.sqrt(s2)).sum() / 2,
                self.unprinted / x[2] - ((1 - reached) / kept).sum(),
            ]
        )

    def curvature(self, x: Array) -> Array:
        """Second derivatives by differences of the gradient, one-sided at the edges."""
        columns = []
        for i in range(3):
            h = 1e-5 * max(abs(float(x[i])), 1e-2)
            up, down = x.copy(), x.copy()
            up[i], down[i] = x[i] + h, x[i] - h if i == 0 else max(x[i] - h, x[i] / 2)
            columns.append((self.gradient(up) - self.gradient(down)) / (up[i] - down[i]))
        matrix: Array = np.array(columns)
        symmetric: Array = (matrix + matrix.T) / 2
        return symmetric

    def _kept(self, x: Array) -> tuple[Array, Array, Array]:
        """Chance of each study of being printed, of reaching the step, and the normal deviate of that."""
        u = (x[0] - self.z * np.sqrt(self.v)) / np.sqrt(self.v + x[1])
        reached = special.ndtr(u)
        return reached + x[2] * (1 - reached), reached, u


def _free(x: Array, slope: Array) -> NDArray[np.bool_]:
    """Which numbers are not held at the edge of their range by the slope."""
    return ~((x <= _LOWEST) & (slope <= 0) | (x >= _HIGHEST) & (slope >= 0))


def _climb(model: _Model, x: Array) -> Array:
    """Local maximum from x: Newton's method with damping (Marquardt 1963), kept inside the range."""
    height, damping = model.log_likelihood(x), 1e-3
    for _ in range(_STEPS):
        slope, curved = model.gradient(x), model.curvature(x)
        free = _free(x, slope)
        if not free.any():
            break
        inner = -curved[np.ix_(free, free)]
        scale = np.diag(np.abs(np.diagonal(inner)) + 1e-12)
        while damping < 1e12:
            following = x.copy()
            following[free] += np.linalg.solve(inner + damping * scale, slope[free])
            following = np.clip(following, _LOWEST, _HIGHEST)
            gain = model.log_likelihood(following) - height
            if gain > 0:
                break
            damping *= 8
        if damping >= 1e12:
            break
        x, height, damping = following, height + gain, damping / 8
        if gain < 1e-14 * (1 + abs(height)):
            break
    return x


def _summarise(model: _Model, sign: float, unit: float, level: float) -> Selection:
    k = model.y.size
    plain = pool(model.y, model.v, tau2="ML", ci="wald")
    starts = [
        np.array([plain.estimate, tau2, weight])
        for tau2 in (plain.tau2, plain.tau2 + 0.3)
        for weight in (0.1, 1.0, 10.0)
    ]
    x = max((_climb(model, start) for start in starts), key=model.log_likelihood)
    height = model.log_likelihood(x)
    before = model.log_likelihood(np.array([plain.estimate, plain.tau2, 1.0]))
    statistic = max(2 * (height - before), 0.0)
    error = _standard_errors(model, x)
    estimate, se = sign * float(x[0]) * unit, float(error[0]) * unit
    half = float(special.ndtri(0.5 + level / 2)) * se
    one_sided = model.unprinted in (0, k)
    return Selection(
        estimate=estimate,
        se=se,
        ci_lower=estimate - half,
        ci_upper=estimate + half,
        p_value=float(2 * special.ndtr(-abs(estimate) / se)),
        tau2=float(x[1]) * unit**2,
        weight=float(x[2]),
        weight_se=float(error[2]),
        statistic=statistic,
        test_p_value=float(special.chdtrc(1, statistic)),
        log_likelihood=height - k * float(np.log(unit)),
        informative=k >= ENOUGH and not one_sided,
        message=str(remarks(k, _ONE_SIDE if one_sided else "")),
    )


_ONE_SIDE = (
    "all studies are on one side of the threshold, so the weight is only an assumption: not informative"
)


def _standard_errors(model: _Model, x: Array) -> Array:
    """From the observed information of the numbers that are not at the edge of their range; NaN for those."""
    error = np.full(3, np.nan)
    free = _free(x, model.gradient(x))
    information = -model.curvature(x)[np.ix_(free, free)]
    if np.linalg.eigvalsh(information)[0] > 0:
        error[free] = np.sqrt(np.diagonal(np.linalg.inv(information)))
    return error


def _nothing(message: str) -> Selection:
    numbers = {f.name: np.nan for f in fields(Selection) if f.type == "float"}
    return Selection(**numbers, informative=False, message=message)
