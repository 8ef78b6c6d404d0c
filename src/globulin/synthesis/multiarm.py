"""Several arms of one trial against the same control: how their effects hang together.

A trial with three doses and one placebo group is not three trials. Its three effects share the placebo
group, so a chance high or low there moves all of them. Counting them as independent makes the evidence
look larger than it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.arguments import as_numbers
from globulin.synthesis.effects import effect_size
from globulin.synthesis.measures import small_sample_factor

Array: TypeAlias = NDArray[np.float64]
SharedMeasure = Literal["MD", "SMD", "OR"]


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """How k effects vary together.

    sampling: (k, k), covariance of the sampling errors. between: (k, k), correlation of the true
    effects around their regression line, which tau2 multiplies.
    Raises ValueError if either is not symmetric and positive definite.
    """

    sampling: Array
    between: Array

    def __post_init__(self) -> None:
        """Checks both matrices."""
        for name in ("sampling", "between"):
            matrix = as_numbers(getattr(self, name), name)
            if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T):
                raise ValueError(f"{name}: must be a symmetric (k, k) matrix")
            if not np.linalg.eigvalsh(matrix)[0] > 0:
                raise ValueError(f"{name}: must be positive definite")
            object.__setattr__(self, name, matrix)
        if self.sampling.shape != self.between.shape:
            raise ValueError(f"between: shape {self.between.shape} does not fit {self.sampling.shape}")

    def decorrelate(self, y: Array, x: Array) -> tuple[Array, Array, Array, float]:
        """Effects y (..., k) and design x (..., k, p) as combinations that are independent at every tau2.

        With between = L L' and L^-1 sampling L^-T = U diag(d) U', the combinations U' L^-1 y have covariance
        diag(d) + tau2 I (Golub & Van Loan 2013, Matrix Computations, section 8.7). Returns the new y, their
        variances d (k,), the new x, and the log-determinant of U' L^-1, which the log-likelihood takes.
        """
        if y.shape[-1] != self.sampling.shape[0]:
            raise ValueError(f"v: a covariance of {self.sampling.shape[0]} effects for {y.shape[-1]} of them")
        lower = np.linalg.cholesky(self.between)
        inverse = np.linalg.inv(lower)
        variances, vectors = np.linalg.eigh(inverse @ self.sampling @ inverse.T)
        transform = vectors.T @ inverse
        shift = -float(np.log(np.diagonal(lower)).sum())
        return y @ transform.T, variances, transform @ x, shift


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """Effects (k,) against shared controls with their covariance; unpacks as ``y, covariance``.

    corrected: (k,), True where the zero-cell correction was added to the trial.
    """

    y: Array
    covariance: Covariance
    corrected: NDArray[np.bool_]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.y, self.covariance))


def shared_control_covariance(
    measure: SharedMeasure,
    trial: ArrayLike,
    *,
    correction: float = 0.5,
    between_correlation: float = 0.5,
    **columns: ArrayLike,
) -> Contrasts:
    """Effects of k treated arms against their trial's control, and how they vary together.

    trial: (k,) labels; rows with the same label are arms of one trial and must repeat the same control.
    columns: ``events1 n1 events2 n2`` for OR, ``mean1 sd1 n1 mean2 sd2 n2`` for MD and SMD; 2 is the control.
    between_correlation: of the true effects of two arms of a trial; 1/2 if every arm scatters equally
    (Higgins & Whitehead 1996, Stat Med 15:2733-2749), 0 if only the effects do.

    Covariances (Gleser & Olkin 2009, in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed.,
    chapter 19): MD sd2^2 / n2; OR 1 / events2 + 1 / (n2 - events2); SMD 1 / n2 + d_i d_j / (2 N) with the
    standard deviation pooled over all N people of the trial, times `small_sample_factor`. `correction` goes
    to all cells of a trial with an empty one. Raises ValueError naming the argument for unknown measures,
    labels that do not fit, controls that differ within a trial, and all that `effect_size` refuses.
    """
    if measure not in get_args(SharedMeasure):
        raise ValueError(f"measure: {measure!r} is not one of {', '.join(get_args(SharedMeasure))}")
    if not 0 <= between_correlation < 1:
        raise ValueError(f"between_correlation: must lie in 0 to below 1, not {between_correlation}")
    data, together = _read_arms(measure, np.asarray(trial), columns)
    corrected = np.zeros(together.shape[0], dtype=np.bool_)
    if measure == "OR":
        y, v, shared, corrected = _odds_ratios(data, together, correction)
    elif measure == "MD":
        y, v = effect_size("MD", correction=0, **data)
        shared = data["sd2"] ** 2 / data["n2"] * together
    else:
        y, v, shared = _standardised(data, together)
    own = np.eye(together.shape[0], dtype=np.bool_)
    between = np.where(own, 1.0, between_correlation * together)
    return Contrasts(y, Covariance(np.where(own, v, shared), between), corrected)


def _read_arms(
    measure: SharedMeasure, trial: NDArray[Any], columns: dict[str, ArrayLike]
) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Checked columns of shape (k,), and (k, k) which rows belong to one trial."""
    effects = effect_size(measure, correction=0, **columns)
    if effects.y.ndim != 1 or trial.shape != effects.y.shape:
        raise ValueError(f"trial: shape {trial.shape} does not fit effects of shape {effects.y.shape}")
    data = {name: np.broadcast_to(as_numbers(column, name), trial.shape) for name, column in columns.items()}
    together = trial[:, None] == trial
    for name, column in data.items():
        if name.endswith("2"):
            differs = together & (column[:, None] != column)
            if differs.any():
                i, j = (int(n) for n in np.argwhere(differs)[0])
                raise ValueError(f"{name}: rows {i} and {j} are one trial but differ in their control")
    return data, together


def _odds_ratios(
    data: dict[str, Array], together: NDArray[np.bool_], correction: float
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    a, n1, c, n2 = (data[name] for name in ("events1", "n1", "events2", "n2"))
    empty = (a == 0) | (c == 0) | (a == n1) | (c == n2)
    corrected = (together & empty).any(axis=1)
    if corrected.any() and not correction > 0:
        raise ValueError("correction: a trial has an empty cell, so its odds ratio needs one above 0")
    add = np.where(corrected, correction, 0.0)
    a, n1, c, n2 = a + add, n1 + 2 * add, c + add, n2 + 2 * add
    y, v = effect_size("OR", correction=0, events1=a, n1=n1, events2=c, n2=n2)
    return y, v, (1 / c + 1 / (n2 - c)) * together, corrected


def _standardised(data: dict[str, Array], together: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Mean differences over the standard deviation of all arms of the trial."""
    n1, sd1, n2, sd2 = (data[name] for name in ("n1", "sd1", "n2", "sd2"))
    df = together @ (n1 - 1) + n2 - 1
    pooled = np.sqrt((together @ ((n1 - 1) * sd1**2) + (n2 - 1) * sd2**2) / df)
    people = together @ n1 + n2
    d = small_sample_factor(df) * (data["mean1"] - data["mean2"]) / pooled
    v = 1 / n1 + 1 / n2 + d**2 / (2 * people)
    return d, v, (1 / n2 + d[:, None] * d / (2 * people)) * together
