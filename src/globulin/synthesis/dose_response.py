"""Does more dose help? Trends of effects with dose, within trials and across, and when there is none to see.

A line can be drawn through any two points. So every function here first asks whether the question can
be answered at all, and answers with a `Refusal` in plain words where it cannot. Array-only.

Effects are contrasts against no dose, so without an intercept the effect at dose 0 is 0. Such a line assumes
that dose matters: its slope is above 0 whenever there is any benefit. Only with an intercept, or within
trials, is more compared with less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.arguments import as_numbers, check_choice
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.multiarm import Covariance
from globulin.synthesis.pooling import Interval, pool
from globulin.synthesis.regression import Regression, regress

Array: TypeAlias = NDArray[np.float64]

Shape = Literal["flat", "linear", "log_linear", "log", "emax"]
"""How the effect grows with dose d. flat: not at all; linear: d; log_linear: log(1 + d/bend); log: log d;
emax: d / (d + bend), so that bend is the ED50, the dose of half the greatest effect."""

RefusalCode = Literal[
    "too_few_effects",
    "one_dose",
    "too_few_doses",
    "one_group",
    "no_spare",
    "confounded",
    "no_trial_with_doses",
]

LEAST_DOSES = 3
"""Fewer doses than this say nothing of a bend: with two, some curve through 0 meets both."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a trend was not computed: a code for programs, and the reason in plain words."""

    code: RefusalCode
    reason: str


def growth(shape: Shape, dose: ArrayLike, bend: ArrayLike | None = None) -> Array:
    """The shape at each dose, without its size; bend where the shape has one. They broadcast.

    Raises ValueError naming the argument: doses below 0 (for log, at or below), a bend that is missing,
    not positive or not wanted.
    """
    check_choice("shape", shape, Shape)
    d = as_numbers(dose, "dose")
    if (d < 0).any() or (shape == "log" and (d == 0).any()):
        raise ValueError("dose: must be above 0" if shape == "log" else "dose: must not be below 0")
    if (bend is not None) != (shape in ("log_linear", "emax")):
        raise ValueError(f"bend: {'not used by' if bend is not None else 'needed for'} the shape {shape!r}")
    at = np.ones(1) if bend is None else as_numbers(bend, "bend")
    if not (at > 0).all():
        raise ValueError("bend: must be above 0")
    match shape:
        case "flat":
            return np.ones_like(d)
        case "linear":
            return d
        case "log_linear":
            return np.asarray(np.log1p(d / at))
        case "log":
            return np.log(d)
        case "emax":
            return np.asarray(d / (d + at))


# --- trends across trials --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """A regression of effects on dose. slope: per unit of `growth(shape, dose, bend)`, with its interval.

    intercept: the effect that does not depend on dose, 0 by assumption where the line starts at 0.
    regression: everything else.
    """

    shape: Shape
    bend: float | None
    slope: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    intercept: float
    regression: Regression


def fit_trend(
    dose: ArrayLike,
    y: ArrayLike,
    v: ArrayLike | Covariance,
    *,
    shape: Shape = "linear",
    bend: float | None = None,
    intercept: bool = False,
    other: ArrayLike | None = None,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ-guarded",
    level: float = 0.95,
) -> Trend | Refusal:
    """Random-effects regression of effects y (k,) on dose (k,).

    v: (k,) variances, or the `Covariance` of arms that share a control (Greenland & Longnecker 1992, Am J
    Epidemiol 135:1301-1309). other: (k,) or (k, q), further traits of the effects that compete with dose.
    tau2, ci, level: as in `regress`. Raises ValueError naming the argument that does not fit.
    """
    doses = read_doses(dose, y)
    columns = [growth(shape, doses, bend)]
    if other is not None:
        traits = as_numbers(other, "other")
        if traits.ndim not in (1, 2) or traits.shape[0] != doses.size:
            raise ValueError(f"other: shape {traits.shape} does not fit {doses.size} effects")
        columns += list(traits.reshape(doses.size, -1).T)
    x = np.column_stack(columns)
    design = np.column_stack([np.ones(doses.size), x]) if intercept else x
    refusal = _refused(doses, design)
    if refusal is not None:
        return refusal
    fit = regress(y, v, x, tau2=tau2, ci=ci, level=level, intercept=intercept)
    return _trend(fit, shape, bend, intercept)


def _refused(doses: Array, design: Array) -> Refusal | None:
    k, p = design.shape
    if k < p:
        return Refusal(
            "too_few_effects", f"{_count(k, 'effect')} cannot determine {_count(p, 'coefficient')}"
        )
    if np.unique(doses).size < 2:
        return one_dose(doses)
    lengths = np.sqrt((design**2).sum(axis=0))
    if np.linalg.matrix_rank(design / np.where(lengths > 0, lengths, 1.0)) < p:
        return Refusal(
            "confounded", "the doses differ exactly as another trait does, so they cannot be told apart"
        )
    return _no_spare(k, p) if k == p else None


def _no_spare(k: int, p: int) -> Refusal:
    return Refusal(
        "no_spare",
        f"{_count(k, 'effect')} for {_count(p, 'coefficient')}: the model meets every one of them whatever"
        " the truth is, and anything else that differs between them explains them as well",
    )


def bend_refused(doses: Array) -> Refusal | None:
    """Why a bend cannot be looked for at these doses, or None."""
    distinct = np.unique(doses).size
    if distinct >= LEAST_DOSES:
        return None
    return Refusal(
        "too_few_doses",
        f"a curve that levels off needs at least {LEAST_DOSES} different doses to show its bend, and there"
        f" {'is' if distinct == 1 else 'are'} {distinct}",
    )


def one_dose(doses: Array) -> Refusal:
    """For effects that are all at the same dose."""
    return Refusal("one_dose", f"every effect is at the same dose ({doses[0]:g}), so none can be compared")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def read_doses(dose: ArrayLike, y: ArrayLike) -> Array:
    """Doses (k,) of effects y (k,); ValueError unless they fit and all are above 0."""
    doses, effects = as_numbers(dose, "dose"), as_numbers(y, "y")
    if doses.ndim != 1 or doses.size == 0 or doses.shape != effects.shape:
        raise ValueError(f"dose: shape {doses.shape} does not fit y, {effects.shape}")
    if not (doses > 0).all():
        raise ValueError("dose: must be above 0; no dose is what the effects are measured against")
    return doses


def fit_difference(
    member: ArrayLike,
    y: ArrayLike,
    v: ArrayLike,
    *,
    tau2: Tau2Method = "REML",
    ci: Interval = "HKSJ-guarded",
    level: float = 0.95,
) -> Trend | Refusal:
    """Difference between two groups of independent effects: those with member (k,) True minus the others.

    Its slope is that difference, its intercept the effect of the others. Arguments as in `fit_trend`.
    """
    first, effects = np.asarray(member, dtype=np.bool_), as_numbers(y, "y")
    if first.ndim != 1 or first.shape != effects.shape:
        raise ValueError(f"member: shape {first.shape} does not fit y, {effects.shape}")
    if first.all() or not first.any():
        return Refusal("one_group", "every effect is of the same group, so none can be compared")
    if first.size == 2:
        return _no_spare(2, 2)
    return _trend(
        regress(y, v, first.astype(np.float64), tau2=tau2, ci=ci, level=level), "linear", None, True
    )


def _trend(fit: Regression, shape: Shape, bend: float | None, intercept: bool) -> Trend:
    at = int(intercept)
    return Trend(
        shape=shape,
        bend=bend,
        slope=float(fit.coefficients[at]),
        se=float(fit.se[at]),
        ci_lower=float(fit.ci_lower[at]),
        ci_upper=float(fit.ci_upper[at]),
        p_value=float(fit.p_value[at]),
        intercept=float(fit.coefficients[0]) if intercept else 0.0,
        regression=fit,
    )


# --- trends within trials --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class WithinTrials:
    """The slope by comparing arms of the same trial only, which no difference between trials can explain.

    trials: labels of those with several doses; slopes, ses: theirs, (n,). The others are of their pool.
    """

    slope: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    trials: tuple[Any, ...]
    slopes: Array
    ses: Array
    message: str


def fit_within_trials(
    dose: ArrayLike,
    y: ArrayLike,
    v: Covariance,
    trial: ArrayLike,
    *,
    shape: Shape = "linear",
    bend: float | None = None,
    level: float = 0.95,
) -> WithinTrials | Refusal:
    """Slope within each trial that has several doses, by generalised least squares, then their pool.

    Each trial has a level of its own, so that only differences between its doses count; dose, y, trial: (k,).
    Two stages: Berlin et al. 1993, Epidemiology 4:218-228; one trial stands for itself.
    """
    doses, labels = read_doses(dose, y), np.asarray(trial)
    effects, grown = as_numbers(y, "y"), growth(shape, doses, bend)
    if labels.shape != doses.shape or v.sampling.shape[0] != doses.size:
        raise ValueError("trial: needs one label for each dose, and v their covariance")
    several = [one for one in dict.fromkeys(labels.tolist()) if np.unique(grown[labels == one]).size > 1]
    if not several:
        return Refusal(
            "no_trial_with_doses", "no trial printed numbers for two doses, so none compares more with less"
        )
    slopes, variances = np.empty(len(several)), np.empty(len(several))
    for i, one in enumerate(several):
        rows = np.nonzero(labels == one)[0]
        design = np.column_stack([np.ones(rows.size), grown[rows]])
        precise = np.linalg.solve(v.sampling[np.ix_(rows, rows)], np.column_stack([design, effects[rows]]))
        spread = np.linalg.inv(design.T @ precise[:, :2])
        slopes[i], variances[i] = (spread @ design.T @ precise[:, 2])[1], spread[1, 1]
    together = pool(slopes, variances, ci="HKSJ-guarded" if len(several) > 1 else "wald", level=level)
    return WithinTrials(
        slope=float(together.estimate),
        se=float(together.se),
        ci_lower=float(together.ci_lower),
        ci_upper=float(together.ci_upper),
        p_value=float(together.p_value),
        trials=tuple(several),
        slopes=slopes,
        ses=np.sqrt(variances),
        message=str(together.message),
    )
