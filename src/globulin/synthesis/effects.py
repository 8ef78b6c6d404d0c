"""An effect and its variance, from the numbers of two groups or from a test, an interval or another effect.

Old trials report in many ways. Pooling needs one number and one variance from each, so every formula
that makes them stands here, with its source, and nothing is adjusted without being reported back.
Ratios are on the natural-log scale, differences and correlations on their own scale. `printed` says in words
how such numbers were got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis import measures, special
from globulin.synthesis.arguments import check_level
from globulin.synthesis.columns import finite, require, require_two_groups
from globulin.synthesis.measures import Array, Pair, small_sample_factor, smd_variance

Mask: TypeAlias = NDArray[np.bool_]

Measure = Literal[
    "OR", "RR", "RD", "PETO", "AS",
    "MD", "SMD", "SMDH", "ROM", "VR", "CVR",
    "PLO", "PFT", "PAS", "PR", "PLN",
    "COR", "ZCOR", "UCOR",
    "IRR", "IRD", "IRSD",
]  # fmt: skip


CORRECTION = 0.5
"""Added to every cell of a table with an empty cell, and only to such tables, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class EffectSizes:
    """Effects with their sampling variances; unpacks as ``y, v``.

    y, v: arrays of the broadcast shape of the columns. Where no estimate exists (an empty cell with
    ``correction=0``) both may be infinite, NaN or zero; ``undefined`` marks these.
    corrected: True where the zero-cell correction was added to that table.
    double_zero: True where nobody, or everybody, in both groups had the event: such a study says nothing
    about a ratio, and what it seems to say comes from the correction alone.
    """

    y: Array
    v: Array
    corrected: Mask
    double_zero: Mask

    def __iter__(self) -> Iterator[Array]:
        return iter((self.y, self.v))

    @property
    def undefined(self) -> Mask:
        """True where the effect or its variance is not finite, or the variance is not positive."""
        return ~(np.isfinite(self.y) & np.isfinite(self.v) & (self.v > 0))


def effect_size(measure: Measure, *, correction: float = CORRECTION, **columns: ArrayLike) -> EffectSizes:
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
    double_zero = _double_zero(recipe.columns, data)
    if recipe.correct is not None and correction > 0:
        data, corrected = recipe.correct(data, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        y, v = recipe.effect(*data)
    y, v = np.broadcast_arrays(y, v)
    return EffectSizes(np.array(y), np.array(v), corrected, double_zero)


def smd_from_t(t: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Pair:
    """Standardised mean difference (Hedges g) and variance from a two-sample t value.

    Assumes the equal-variance two-sample t test between two independent groups of n1 and n2, with
    the sign of t that of group 1 minus group 2. g = J t sqrt(1/n1 + 1/n2) with the exact J of
    `small_sample_factor`; v = 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)).
    Source: Hedges 1981, J Educ Stat 6:107-128; Rosenthal 1994, in The Handbook of Research Synthesis.
    """
    t_, n1_, n2_ = finite(t=t, n1=n1, n2=n2)
    require_two_groups(n1_, n2_)
    g = small_sample_factor(n1_ + n2_ - 2) * t_ * np.sqrt(1 / n1_ + 1 / n2_)
    return g, smd_variance(g, n1_, n2_)


def t_from_p(p: ArrayLike, df: ArrayLike) -> Array:
    """|t| of a two-sided Student's t test with exact p value `p` on `df` degrees of freedom."""
    p_, df_ = finite(p=p, df=df)
    require((p_ > 0) & (p_ <= 1), "p", "must be above 0 and at most 1")
    require(df_ > 0, "df", "must be positive")
    size: Array = -special.stdtrit(df_, p_ / 2)
    return np.abs(size)


LogisticMethod = Literal["hasselblad-hedges", "cox"]
_SMD_PER_LOG_ODDS: dict[str, float] = {"hasselblad-hedges": 3**0.5 / np.pi, "cox": 1 / 1.65}


def smd_from_log_odds_ratio(
    log_or: ArrayLike, v: ArrayLike, method: LogisticMethod = "hasselblad-hedges"
) -> Pair:
    """Standardised mean difference and variance from a log odds ratio and its variance.

    Assumes the yes/no outcome is a cut through a latent continuous one of equal spread in both arms:
    logistic for "hasselblad-hedges", SMD = log(OR) sqrt(3)/pi; normal for "cox", SMD = log(OR) / 1.65.
    Sources: Hasselblad & Hedges 1995, Psychol Bull 117:167-178; Chinn 2000, Stat Med 19:3127-3131; Cox &
    Snell 1989, Analysis of Binary Data, by Sanchez-Meca et al. 2003, Psychol Methods 8:448-467.
    """
    log_or_, v_ = finite(log_or=log_or, v=v)
    require(v_ > 0, "v", "must be positive")
    factor = _logistic_factor(method)
    return log_or_ * factor, v_ * factor**2


def log_odds_ratio_from_smd(
    smd: ArrayLike, v: ArrayLike, method: LogisticMethod = "hasselblad-hedges"
) -> Pair:
    """Log odds ratio and variance from a standardised mean difference; undoes `smd_from_log_odds_ratio`."""
    smd_, v_ = finite(smd=smd, v=v)
    require(v_ > 0, "v", "must be positive")
    factor = _logistic_factor(method)
    return smd_ / factor, v_ / factor**2


def _logistic_factor(method: str) -> float:
    if method not in _SMD_PER_LOG_ODDS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(_SMD_PER_LOG_ODDS)}")
    return _SMD_PER_LOG_ODDS[method]


def smd_of_changes(
    change1: ArrayLike, sd_change1: ArrayLike, sd_raw1: ArrayLike, n1: ArrayLike,
    change2: ArrayLike, sd_change2: ArrayLike, sd_raw2: ArrayLike, n2: ArrayLike,
) -> Pair:  # fmt: skip
    """Difference of mean changes in units of the raw score (not of the change), with its variance.

    g = J (change1 - change2) / S, S pooled from `sd_raw1` and `sd_raw2`, the spread of the score itself, so
    that the result stands on the scale of final scores. v = (sd_change1^2/n1 + sd_change2^2/n2) / S^2 +
    g^2 / (2 (n1 + n2)); at equal spreads and r = 0.5 that is the variance of final scores.
    Sources: Becker 1988, Br J Math Stat Psychol 41:257-278; Morris 2008, Organ Res Methods 11:364-386
    (d_ppc2, whose exact variance this approaches in large groups).
    """
    c1, sc1, sr1, n1_, c2, sc2, sr2, n2_ = finite(
        change1=change1, sd_change1=sd_change1, sd_raw1=sd_raw1, n1=n1,
        change2=change2, sd_change2=sd_change2, sd_raw2=sd_raw2, n2=n2,
    )  # fmt: skip
    for name, sd in (("sd_change1", sc1), ("sd_raw1", sr1), ("sd_change2", sc2), ("sd_raw2", sr2)):
        require(sd > 0, name, "must be positive")
    for name, n in (("n1", n1_), ("n2", n2_)):
        require(n >= 2, name, "must be at least 2")
    g, _ = measures.standardised_difference(c1, sr1, n1_, c2, sr2, n2_)
    df = n1_ + n2_ - 2
    raw = ((n1_ - 1) * sr1**2 + (n2_ - 1) * sr2**2) / df
    return g, (sc1**2 / n1_ + sc2**2 / n2_) / raw + g**2 / (2 * (n1_ + n2_))


def variance_from_interval(
    lower: ArrayLike, upper: ArrayLike, level: float = 0.95, df: ArrayLike = np.inf
) -> Array:
    """Sampling variance of an estimate with a symmetric interval on its own scale (logs for a ratio).

    sqrt(v) = (upper - lower) / (2 q); q from Student's t with `df` degrees of freedom, normal where infinite.
    Source: Cochrane Handbook 6.5.2.3 and 6.3.1.
    """
    lower_, upper_ = finite(lower=lower, upper=upper)
    check_level(level)
    require(lower_ < upper_, "upper", "must be above lower")
    df_ = np.asarray(df, dtype=np.float64)
    require(df_ > 0, "df", "must be positive")
    variance: Array = ((upper_ - lower_) / (2 * two_sided_quantile(level, df_))) ** 2
    return variance


def two_sided_quantile(level: float, df: ArrayLike = np.inf) -> Array:
    """Half width, in standard errors, of an interval by Student's t (normal where df is infinite)."""
    df_ = np.asarray(df, dtype=np.float64)
    tail = (1 - level) / 2
    quantile: Array = -np.where(
        np.isinf(df_), special.ndtri(tail), special.stdtrit(np.where(np.isinf(df_), 1.0, df_), tail)
    )
    return quantile


def log_ratio_from_interval(
    estimate: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: float = 0.95
) -> Pair:
    """Log ratio and variance from a printed ratio (OR, RR, HR) with its confidence interval.

    Assumes a Wald interval symmetric on the log scale: sqrt(v) = (log upper - log lower) / (2 z).
    Arguments are on the ratio scale. Source: Parmar, Torri & Stewart 1998, Stat Med 17:2815-2834.
    """
    estimate_, lower_, upper_ = finite(estimate=estimate, lower=lower, upper=upper)
    check_level(level)
    require(lower_ > 0, "lower", "must be positive (ratio scale, not log)")
    require((lower_ <= estimate_) & (estimate_ <= upper_), "estimate", "must lie between lower and upper")
    require(lower_ < upper_, "upper", "must be above lower")
    return np.log(estimate_), variance_from_interval(np.log(lower_), np.log(upper_), level)


def not_significant_bound(n1: ArrayLike, n2: ArrayLike, alpha: float = 0.05) -> Array:
    """|SMD| at which a two-sided two-sample t test would just have reached p = alpha.

    For a trial that reports only "not significant": its |SMD| lay below this. Assumes the
    equal-variance t test on n1 + n2 - 2 degrees of freedom; the bound is t_crit sqrt(1/n1 + 1/n2).
    """
    n1_, n2_ = finite(n1=n1, n2=n2)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: must lie strictly between 0 and 1, not {alpha}")
    require_two_groups(n1_, n2_)
    return t_from_p(alpha, n1_ + n2_ - 2) * np.sqrt(1 / n1_ + 1 / n2_)


def smd_range_from_p(
    p: ArrayLike, relation: Literal["<", ">"], n1: ArrayLike, n2: ArrayLike, direction: ArrayLike = 1
) -> tuple[Array, Array]:
    """Lower and upper end of the SMD, where a p value is printed only as a bound, such as p < 0.05.

    Such a statement is a range and no number. "p > a": |SMD| was below the size that a two-sided
    equal-variance t test would have called significant at a. "p < a": the SMD was beyond that size, on the
    side of `direction` (1 where group 1 was higher, -1 where group 2 was); the other end is infinite.
    """
    p_, n1_, n2_, direction_ = finite(p=p, n1=n1, n2=n2, direction=direction)
    if relation not in ("<", ">"):
        raise ValueError(f"relation: {relation!r} is not one of <, >")
    require((p_ > 0) & (p_ < 1), "p", "must lie strictly between 0 and 1")
    require_two_groups(n1_, n2_)
    require(np.abs(direction_) == 1, "direction", "must be 1 or -1")
    size = t_from_p(p_, n1_ + n2_ - 2) * np.sqrt(1 / n1_ + 1 / n2_)
    if relation == ">":
        return -size, size
    far = np.full(size.shape, np.inf)
    return np.where(direction_ > 0, size, -far), np.where(direction_ > 0, far, -size)


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


def _double_zero(names: tuple[str, ...], data: list[Array]) -> Mask:
    """Where nobody, or everybody, in both groups had the event; other columns know no such thing."""
    columns = dict(zip(names, data, strict=True))
    if "events2" not in columns:
        return np.zeros(data[0].shape, dtype=np.bool_)
    nobody: Mask = (columns["events1"] == 0) & (columns["events2"] == 0)
    if "n1" in columns:
        everybody = (columns["events1"] == columns["n1"]) & (columns["events2"] == columns["n2"])
        nobody = nobody | everybody
    return nobody


# --- checks ----------------------------------------------------------------------------------------


def _check_two_counts(data: list[Array]) -> None:
    _check_counts(data[0], data[1], "events1", "n1")
    _check_counts(data[2], data[3], "events2", "n2")


def _check_one_count(data: list[Array]) -> None:
    _check_counts(data[0], data[1], "events", "n")


def _check_counts(events: Array, n: Array, events_name: str, n_name: str) -> None:
    require(n > 0, n_name, "must be positive")
    require(events >= 0, events_name, "must not be negative")
    require(events <= n, events_name, f"must not be above {n_name}")


def _check_means(data: list[Array]) -> None:
    for name, sd in (("sd1", data[1]), ("sd2", data[4])):
        require(sd > 0, name, "must be positive")
    for name, n in (("n1", data[2]), ("n2", data[5])):
        require(n >= 2, name, "must be at least 2")


def _check_ratio_of_means(data: list[Array]) -> None:
    _check_means(data)
    require(data[0] * data[3] > 0, "mean1", "must have the same sign as mean2, and neither may be 0")


def _check_correlation(data: list[Array]) -> None:
    require(np.abs(data[0]) < 1, "r", "must lie strictly between -1 and 1")
    require(data[1] >= 4, "n", "must be at least 4")


def _check_rates(data: list[Array]) -> None:
    for name, events in (("events1", data[0]), ("events2", data[2])):
        require(events >= 0, name, "must not be negative")
    for name, time in (("time1", data[1]), ("time2", data[3])):
        require(time > 0, name, "must be positive")


def _read_columns(names: tuple[str, ...], columns: dict[str, ArrayLike]) -> list[Array]:
    for name in columns:
        if name not in names:
            raise ValueError(f"{name}: not a column of this measure, which takes {' '.join(names)}")
    for name in names:
        if name not in columns:
            raise ValueError(f"{name}: missing; this measure takes {' '.join(names)}")
    return finite(**{name: columns[name] for name in names})


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
