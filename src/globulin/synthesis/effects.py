"""Turn what a paper prints (counts, means, correlations, rates, a t value) into an effect and its variance.

Old trials report in many ways. Pooling needs one number and one variance from each, so every formula
that makes them stands here, with its source, and nothing is adjusted without being reported back.
Ratios are on the natural-log scale, differences and correlations on their own scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis import measures
from globulin.synthesis.measures import Array, Pair, small_sample_factor, smd_variance

Mask: TypeAlias = NDArray[np.bool_]

Measure = Literal[
    "OR", "RR", "RD", "PETO", "AS",
    "MD", "SMD", "SMDH", "ROM", "VR", "CVR",
    "PLO", "PFT", "PAS", "PR", "PLN",
    "COR", "ZCOR", "UCOR",
    "IRR", "IRD", "IRSD",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class EffectSizes:
    """Effects with their sampling variances; unpacks as ``y, v``.

    y, v: arrays of the broadcast shape of the columns. Where no estimate exists (an empty cell with
    ``correction=0``) both may be infinite, NaN or zero; ``undefined`` marks these.
    corrected: True where the zero-cell correction was added to that table.
    """

    y: Array
    v: Array
    corrected: Mask

    def __iter__(self) -> Iterator[Array]:
        return iter((self.y, self.v))

    @property
    def undefined(self) -> Mask:
        """True where the effect or its variance is not finite, or the variance is not positive."""
        return ~(np.isfinite(self.y) & np.isfinite(self.v) & (self.v > 0))


def effect_size(measure: Measure, *, correction: float = 0.5, **columns: ArrayLike) -> EffectSizes:
    """Effect sizes and sampling variances of one measure, vectorised over studies.

    Columns, by measure (all broadcast against each other):

    - ``events1 n1 events2 n2``: OR, RR, RD, PETO, AS (1 is treated, 2 is control)
    - ``mean1 sd1 n1 mean2 sd2 n2``: MD, SMD, SMDH, ROM, VR, CVR
    - ``events n``: PLO (logit), PLN (log), PR (raw), PAS (arcsine), PFT (Freeman-Tukey)
    - ``r n``: COR, ZCOR, UCOR
    - ``events1 time1 events2 time2``: IRR, IRD, IRSD

    ``correction`` is added to every cell of a table that has an empty cell, and only to such tables,
    for OR, RR, RD, PETO, PLO, PLN, PR, IRR and IRD; the arcsine and square-root measures need none.
    ``corrected`` in the result says where. With ``correction=0`` such tables stay as they are and are
    marked ``undefined`` where the measure does not exist for them.

    Raises ValueError, naming the column and the first bad position, for impossible numbers (negative
    counts, more events than people, sd of zero, correlations outside -1..1), and for missing or unknown
    columns.
    """
    if measure not in get_args(Measure):
        raise ValueError(f"measure: {measure!r} is not one of {', '.join(get_args(Measure))}")
    if not (np.isfinite(correction) and correction >= 0):
        raise ValueError(f"correction: must be 0 or a positive number, not {correction}")
    recipe = _RECIPES[measure]
    data = _read_columns(recipe.columns, columns)
    recipe.check(data)
    corrected = np.zeros(data[0].shape, dtype=np.bool_)
    if recipe.correct is not None and correction > 0:
        data, corrected = recipe.correct(data, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        y, v = recipe.effect(*data)
    y, v = np.broadcast_arrays(y, v)
    return EffectSizes(np.array(y), np.array(v), corrected)


def smd_from_t(t: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Pair:
    """Standardised mean difference (Hedges g) and variance from a two-sample t value.

    Assumes the equal-variance two-sample t test between two independent groups of n1 and n2, with
    the sign of t that of group 1 minus group 2. g = J t sqrt(1/n1 + 1/n2) with the exact J of
    `small_sample_factor`; v = 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)).
    Source: Hedges 1981, J Educ Stat 6:107-128; Rosenthal 1994, in The Handbook of Research Synthesis.
    """
    t_, n1_, n2_ = _finite(t=t, n1=n1, n2=n2)
    _require(n1_ + n2_ > 2, "n1", "n1 + n2 must be above 2")
    _require((n1_ > 0) & (n2_ > 0), "n1", "group sizes must be positive")
    g = small_sample_factor(n1_ + n2_ - 2) * t_ * np.sqrt(1 / n1_ + 1 / n2_)
    return g, smd_variance(g, n1_, n2_)


def smd_from_log_odds_ratio(log_or: ArrayLike, v: ArrayLike) -> Pair:
    """Standardised mean difference and variance from a log odds ratio and its variance.

    Assumes the yes/no outcome is a cut through a latent continuous one that is logistic with equal
    spread in both arms: SMD = log(OR) sqrt(3)/pi, variance times 3/pi^2.
    Source: Hasselblad & Hedges 1995, Psychol Bull 117:167-178; Chinn 2000, Stat Med 19:3127-3131.
    """
    log_or_, v_ = _finite(log_or=log_or, v=v)
    _require(v_ > 0, "v", "must be positive")
    return log_or_ * np.sqrt(3) / np.pi, v_ * 3 / np.pi**2


def log_ratio_from_interval(
    estimate: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: float = 0.95
) -> Pair:
    """Log ratio and variance from a printed ratio (OR, RR, HR) with its confidence interval.

    Assumes a Wald interval symmetric on the log scale: sqrt(v) = (log upper - log lower) / (2 z).
    Arguments are on the ratio scale. Source: Parmar, Torri & Stewart 1998, Stat Med 17:2815-2834.
    """
    estimate_, lower_, upper_ = _finite(estimate=estimate, lower=lower, upper=upper)
    _require_level(level)
    _require(lower_ > 0, "lower", "must be positive (ratio scale, not log)")
    _require((lower_ <= estimate_) & (estimate_ <= upper_), "estimate", "must lie between lower and upper")
    _require(lower_ < upper_, "upper", "must be above lower")
    se = (np.log(upper_) - np.log(lower_)) / (2 * special.ndtri(0.5 + level / 2))
    return np.log(estimate_), se**2


def not_significant_bound(n1: ArrayLike, n2: ArrayLike, alpha: float = 0.05) -> Array:
    """|SMD| at which a two-sided two-sample t test would just have reached p = alpha.

    For a trial that reports only "not significant": its |SMD| lay below this. Assumes the
    equal-variance t test on n1 + n2 - 2 degrees of freedom; the bound is t_crit sqrt(1/n1 + 1/n2).
    """
    n1_, n2_ = _finite(n1=n1, n2=n2)
    _require_level(alpha, "alpha")
    _require((n1_ > 0) & (n2_ > 0), "n1", "group sizes must be positive")
    _require(n1_ + n2_ > 2, "n1", "n1 + n2 must be above 2")
    critical: Array = special.stdtrit(n1_ + n2_ - 2, 1 - alpha / 2) * np.sqrt(1 / n1_ + 1 / n2_)
    return critical


# --- zero cells ------------------------------------------------------------------------------------


def _correct_two_counts(data: list[Array], amount: float) -> tuple[list[Array], Mask]:
    a, n1, c, n2 = data
    empty = (a == 0) | (c == 0) | (a == n1) | (c == n2)
    add = np.where(empty, amount, 0.0)
    return [a + add, n1 + 2 * add, c + add, n2 + 2 * add], empty


def _correct_one_count(data: list[Array], amount: float) -> tuple[list[Array], Mask]:
    x, n = data
    empty = (x == 0) | (x == n)
    add = np.where(empty, amount, 0.0)
    return [x + add, n + 2 * add], empty


def _correct_rates(data: list[Array], amount: float) -> tuple[list[Array], Mask]:
    x1, t1, x2, t2 = data
    empty = (x1 == 0) | (x2 == 0)
    add = np.where(empty, amount, 0.0)
    return [x1 + add, t1, x2 + add, t2], empty


# --- checks ----------------------------------------------------------------------------------------


def _check_two_counts(data: list[Array]) -> None:
    _check_counts(data[0], data[1], "events1", "n1")
    _check_counts(data[2], data[3], "events2", "n2")


def _check_one_count(data: list[Array]) -> None:
    _check_counts(data[0], data[1], "events", "n")


def _check_counts(events: Array, n: Array, events_name: str, n_name: str) -> None:
    _require(n > 0, n_name, "must be positive")
    _require(events >= 0, events_name, "must not be negative")
    _require(events <= n, events_name, f"must not be above {n_name}")


def _check_means(data: list[Array]) -> None:
    for name, sd in (("sd1", data[1]), ("sd2", data[4])):
        _require(sd > 0, name, "must be positive")
    for name, n in (("n1", data[2]), ("n2", data[5])):
        _require(n >= 2, name, "must be at least 2")


def _check_ratio_of_means(data: list[Array]) -> None:
    _check_means(data)
    _require(data[0] * data[3] > 0, "mean1", "must have the same sign as mean2, and neither may be 0")


def _check_correlation(data: list[Array]) -> None:
    _require(np.abs(data[0]) < 1, "r", "must lie strictly between -1 and 1")
    _require(data[1] >= 4, "n", "must be at least 4")


def _check_rates(data: list[Array]) -> None:
    for name, events in (("events1", data[0]), ("events2", data[2])):
        _require(events >= 0, name, "must not be negative")
    for name, time in (("time1", data[1]), ("time2", data[3])):
        _require(time > 0, name, "must be positive")


def _require(ok: Any, name: str, rule: str) -> None:
    bad = ~np.atleast_1d(ok)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name}: {rule} (position {where[0] if len(where) == 1 else where})")


def _require_level(level: float, name: str = "level") -> None:
    if not 0 < level < 1:
        raise ValueError(f"{name}: must lie strictly between 0 and 1, not {level}")


def _finite(**columns: ArrayLike) -> list[Array]:
    arrays = []
    for name, column in columns.items():
        try:
            array = np.asarray(column, dtype=np.float64)
        except (TypeError, ValueError) as problem:
            raise ValueError(f"{name}: must be numbers") from problem
        _require(np.isfinite(array), name, "must be a finite number")
        arrays.append(array)
    try:
        return [np.array(array) for array in np.broadcast_arrays(*arrays)]
    except ValueError as problem:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(columns, arrays, strict=True))
        raise ValueError(f"{next(iter(columns))}: shapes do not fit together ({shapes})") from problem


def _read_columns(names: tuple[str, ...], columns: dict[str, ArrayLike]) -> list[Array]:
    for name in columns:
        if name not in names:
            raise ValueError(f"{name}: not a column of this measure, which takes {' '.join(names)}")
    for name in names:
        if name not in columns:
            raise ValueError(f"{name}: missing; this measure takes {' '.join(names)}")
    return _finite(**{name: columns[name] for name in names})


# --- the table of measures -------------------------------------------------------------------------


class _Recipe(NamedTuple):
    columns: tuple[str, ...]
    check: Callable[[list[Array]], None]
    effect: Callable[..., Pair]
    correct: Callable[[list[Array], float], tuple[list[Array], Mask]] | None


_COUNTS = ("events1", "n1", "events2", "n2")
_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
_RATES = ("events1", "time1", "events2", "time2")

_RECIPES: dict[str, _Recipe] = {
    "OR": _Recipe(_COUNTS, _check_two_counts, measures.log_odds_ratio, _correct_two_counts),
    "RR": _Recipe(_COUNTS, _check_two_counts, measures.log_risk_ratio, _correct_two_counts),
    "RD": _Recipe(_COUNTS, _check_two_counts, measures.risk_difference, _correct_two_counts),
    "PETO": _Recipe(_COUNTS, _check_two_counts, measures.peto_log_odds_ratio, _correct_two_counts),
    "AS": _Recipe(_COUNTS, _check_two_counts, measures.arcsine_difference, None),
    "MD": _Recipe(_MEANS, _check_means, measures.mean_difference, None),
    "SMD": _Recipe(_MEANS, _check_means, measures.standardised_difference, None),
    "SMDH": _Recipe(_MEANS, _check_means, measures.heteroscedastic_difference, None),
    "ROM": _Recipe(_MEANS, _check_ratio_of_means, measures.log_ratio_of_means, None),
    "VR": _Recipe(_MEANS, _check_means, measures.log_variability_ratio, None),
    "CVR": _Recipe(_MEANS, _check_ratio_of_means, measures.log_variation_ratio, None),
    "PLO": _Recipe(("events", "n"), _check_one_count, measures.logit_proportion, _correct_one_count),
    "PLN": _Recipe(("events", "n"), _check_one_count, measures.log_proportion, _correct_one_count),
    "PR": _Recipe(("events", "n"), _check_one_count, measures.raw_proportion, _correct_one_count),
    "PAS": _Recipe(("events", "n"), _check_one_count, measures.arcsine_proportion, None),
    "PFT": _Recipe(("events", "n"), _check_one_count, measures.double_arcsine_proportion, None),
    "COR": _Recipe(("r", "n"), _check_correlation, measures.correlation, None),
    "ZCOR": _Recipe(("r", "n"), _check_correlation, measures.fisher_z, None),
    "UCOR": _Recipe(("r", "n"), _check_correlation, measures.unbiased_correlation, None),
    "IRR": _Recipe(_RATES, _check_rates, measures.log_rate_ratio, _correct_rates),
    "IRD": _Recipe(_RATES, _check_rates, measures.rate_difference, _correct_rates),
    "IRSD": _Recipe(_RATES, _check_rates, measures.root_rate_difference, None),
}
