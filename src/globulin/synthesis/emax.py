"""An Emax curve of effects against dose, by maximum likelihood, and whether its bend is to be seen.

The bend is the one thing that a handful of doses rarely shows, so it is given with a profile interval that
says when it has no end. Array-only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import special
from globulin.synthesis.arguments import check_level
from globulin.synthesis.dose_response import Refusal, bend_refused, growth, read_doses
from globulin.synthesis.multiarm import Covariance
from globulin.synthesis.regression import Regression, regress

Array: TypeAlias = NDArray[np.float64]

_PROFILE_POINTS = 81
_FINE_POINTS = 9
_ZOOMS = 14

_UNKNOWN_BEND = "the doses do not say where the curve bends: its interval runs out of the range searched"


@dataclass(frozen=True, slots=True)
class EmaxFit:
    """effect = emax d / (ed50 + d), by maximum likelihood over ed50 within `searched`.

    ed50_lower, ed50_upper: profile likelihood interval; None where it runs out of the range searched: then
    the doses do not say where the curve bends. tau2: between trials. message: what a reader must know, or "".
    """

    emax: float
    ed50: float
    ed50_lower: float | None
    ed50_upper: float | None
    searched: tuple[float, float]
    tau2: float
    log_likelihood: float
    message: str


def fit_emax(
    dose: ArrayLike,
    y: ArrayLike,
    v: ArrayLike | Covariance,
    *,
    ed50_range: tuple[float, float],
    level: float = 0.95,
) -> EmaxFit | Refusal:
    """Maximum likelihood of an Emax curve through 0 (Thomas et al. 2014, Stat Biopharm Res 6:302-317).

    For each ED50 the curve is a regression, whose likelihood is maximal over emax and tau2; ED50 is searched
    on a logarithmic grid that closes in. At least three doses: two are met by some such curve.
    """
    doses = read_doses(dose, y)
    check_level(level)
    low, high = log_range(ed50_range)
    refusal = bend_refused(doses)
    if refusal is not None:
        return refusal

    def profile(log_ed50: Array) -> Regression:
        x = growth("emax", doses, np.exp(log_ed50)[:, None])
        return regress(y, v, x[..., None], tau2="ML", ci="wald", intercept=False)

    def height(log_ed50: Array) -> Array:
        return np.asarray(profile(log_ed50).log_likelihood)

    grid = np.linspace(low, high, _PROFILE_POINTS)
    heights = height(grid)
    top = _peak(height, grid, heights)
    fit = profile(np.array([top]))
    peak = float(fit.log_likelihood[0])
    enough = peak - float(special.chdtri(1, 1 - level)) / 2
    place = int(np.searchsorted(grid, top))
    grid, heights = np.insert(grid, place, top), np.insert(heights, place, peak)
    lower = _crossing(height, grid, heights >= enough, enough)
    upper = _crossing(height, grid[::-1], heights[::-1] >= enough, enough)
    return EmaxFit(
        emax=float(fit.coefficients[0, 0]),
        ed50=float(np.exp(top)),
        ed50_lower=lower,
        ed50_upper=upper,
        searched=ed50_range,
        tau2=float(fit.tau2[0]),
        log_likelihood=peak,
        message=_UNKNOWN_BEND if lower is None or upper is None else "",
    )


def _peak(height: Callable[[Array], Array], grid: Array, heights: Array) -> float:
    """Where the height is greatest, closing in on the highest point of a grid."""
    best = int(np.argmax(heights))
    start, end = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    for _ in range(_ZOOMS):
        fine = np.linspace(start, end, _FINE_POINTS)
        best = int(np.argmax(height(fine)))
        start, end = fine[max(best - 1, 0)], fine[min(best + 1, _FINE_POINTS - 1)]
    return float(fine[best])


def _crossing(
    height: Callable[[Array], Array], grid: Array, above: NDArray[np.bool_], level: float
) -> float | None:
    """ED50 where the height, followed along the grid, first rises to the level; None if it starts there."""
    first = int(np.argmax(above))
    if first == 0:
        return None
    start, end = grid[first - 1], grid[first]
    for _ in range(_ZOOMS):
        fine = np.linspace(start, end, _FINE_POINTS)
        at = int(np.argmax(height(fine) >= level))
        start, end = fine[max(at - 1, 0)], fine[at]
    return float(np.exp(end))


def log_range(ed50_range: tuple[float, float]) -> tuple[float, float]:
    """Logarithms of the ends of a range of ED50; ValueError unless 0 < low < high."""
    low, high = ed50_range
    if not 0 < low < high < np.inf:
        raise ValueError(f"ed50_range: must be two doses, 0 < low < high, not {ed50_range}")
    return float(np.log(low)), float(np.log(high))
