"""Means and spreads from whatever a paper printed of a group, each with its derivation in words.

Old trials print standard errors, intervals, medians or a change instead of the mean and standard deviation
that an effect needs. Each conversion returns the numbers of any number of studies at once, with its words.

"Handbook" is Higgins et al., Cochrane Handbook for Systematic Reviews of Interventions, chapter 6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.columns import finite, require, require_two_groups
from globulin.synthesis.derivations import Converted, Mask, Note
from globulin.synthesis.effects import t_from_p, two_sided_quantile, variance_from_interval
from globulin.synthesis.measures import Array
from globulin.synthesis.order_statistics import mean_sd_from_summary

IntervalBy = Literal["t", "normal"]
"""The distribution by which a paper made its interval."""


# --- standard deviation of one group ---------------------------------------------------------------


def sd_from_se(se: ArrayLike, n: ArrayLike) -> Converted:
    """`sd` of a group from the standard error of its mean: se sqrt(n). Source: Handbook 6.5.2.2."""
    se_, n_ = finite(se=se, n=n)
    require(se_ > 0, "se", "must be positive")
    require(n_ >= 2, "n", "must be at least 2")
    sd = se_ * np.sqrt(n_)
    step = "standard error {se:.4g} of {n:g} people: SD = standard error x sqrt(n) = {sd:.4g}"
    return Converted({"sd": sd}, (Note(step, {"se": se_, "n": n_, "sd": sd}),))


def sd_from_mean_interval(
    lower: ArrayLike, upper: ArrayLike, n: ArrayLike, level: float = 0.95, by: IntervalBy = "t"
) -> Converted:
    """`sd` of a group from the confidence interval of its mean: sqrt(n) (upper - lower) / (2 q).

    q is the quantile of Student's t with n - 1 degrees of freedom, or normal. Source: Handbook 6.5.2.2.
    """
    lower_, upper_, n_ = finite(lower=lower, upper=upper, n=n)
    require(n_ >= 2, "n", "must be at least 2")
    sd = np.sqrt(n_ * variance_from_interval(lower_, upper_, level, _degrees(by, n_ - 1)))
    step = (
        f"{100 * level:g}% interval {{lower:.4g}} to {{upper:.4g}} of the mean of {{n:g}} people:"
        " SD = sqrt(n) x width / (2 x {quantile:.4g}) = {sd:.4g}"
    )
    numbers = {"lower": lower_, "upper": upper_, "n": n_, "sd": sd}
    numbers["quantile"] = np.broadcast_to(two_sided_quantile(level, _degrees(by, n_ - 1)), sd.shape)
    return Converted({"sd": sd}, (Note(step, numbers, (_made_by(by, "n - 1"),)),))


def _degrees(by: IntervalBy, df: Array) -> Array:
    if by not in ("t", "normal"):
        raise ValueError(f"by: {by!r} is not one of t, normal")
    return df if by == "t" else np.full(df.shape, np.inf)


def _made_by(by: IntervalBy, df: str) -> str:
    if by == "t":
        return f"the paper made its interval by Student's t, with {df} degrees of freedom"
    return "the paper made its interval by the normal distribution"


# --- common standard deviation of two groups, from the difference of their means -------------------


def sd_from_difference_se(se: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Converted:
    """Pooled `sd` from the standard error of a mean difference: se / sqrt(1/n1 + 1/n2); also `se`.

    Source: Handbook 6.5.2.3, which assumes equal spread in both groups.
    """
    se_, n1_, n2_ = finite(se=se, n1=n1, n2=n2)
    require(se_ > 0, "se", "must be positive")
    require_two_groups(n1_, n2_)
    sd = se_ / np.sqrt(1 / n1_ + 1 / n2_)
    step = (
        "standard error {se:.4g} of the difference, {n1:g} against {n2:g} people:"
        " SD = standard error / sqrt(1/n1 + 1/n2) = {sd:.4g}"
    )
    note = Note(step, {"se": se_, "n1": n1_, "n2": n2_, "sd": sd}, (_EQUAL_SPREAD,))
    return Converted({"sd": sd, "se": se_}, (note,))


def sd_from_difference_interval(
    lower: ArrayLike,
    upper: ArrayLike,
    n1: ArrayLike,
    n2: ArrayLike,
    level: float = 0.95,
    by: IntervalBy = "t",
) -> Converted:
    """Pooled `sd` and `se` from the confidence interval of a mean difference, by t (n1 + n2 - 2) or normal.

    Source: Handbook 6.5.2.3.
    """
    lower_, upper_, n1_, n2_ = finite(lower=lower, upper=upper, n1=n1, n2=n2)
    require_two_groups(n1_, n2_)
    se = np.sqrt(variance_from_interval(lower_, upper_, level, _degrees(by, n1_ + n2_ - 2)))
    step = (
        f"{100 * level:g}% interval {{lower:.4g}} to {{upper:.4g}} of the difference:"
        " standard error = half of the width over the quantile = {se:.4g}"
    )
    note = Note(step, {"lower": lower_, "upper": upper_, "se": se}, (_made_by(by, "n1 + n2 - 2"),))
    return _after(note, sd_from_difference_se(se, n1_, n2_))


def sd_from_difference_t(difference: ArrayLike, t: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Converted:
    """Pooled `sd` and `se` from a mean difference and its t value: se = |difference / t|.

    Source: Handbook 6.5.2.3.
    """
    difference_, t_, n1_, n2_ = finite(difference=difference, t=t, n1=n1, n2=n2)
    require(difference_ != 0, "difference", "must not be 0 (a difference of 0 says nothing about the spread)")
    require(t_ != 0, "t", "must not be 0 (a t of 0 says nothing about the spread)")
    se = np.abs(difference_ / t_)
    step = "difference {difference:.4g} with t = {t:.4g}: standard error = |difference / t| = {se:.4g}"
    note = Note(step, {"difference": difference_, "t": t_, "se": se})
    return _after(note, sd_from_difference_se(se, n1_, n2_))


def sd_from_difference_p(difference: ArrayLike, p: ArrayLike, n1: ArrayLike, n2: ArrayLike) -> Converted:
    """Pooled `sd` and `se` from a mean difference and the exact two-sided p of its t test.

    Source: Handbook 6.5.2.3.
    """
    difference_, p_, n1_, n2_ = finite(difference=difference, p=p, n1=n1, n2=n2)
    require(p_ < 1, "p", "must be below 1 (a p of 1 says nothing about the spread)")
    require_two_groups(n1_, n2_)
    t = t_from_p(p_, n1_ + n2_ - 2)
    step = "p = {p:.4g} on {df:g} degrees of freedom: |t| = {t:.4g}"
    note = Note(step, {"p": p_, "df": n1_ + n2_ - 2, "t": t}, (_T_TEST,))
    return _after(note, sd_from_difference_t(difference_, t, n1_, n2_))


_EQUAL_SPREAD = "equal spread in both groups"
_T_TEST = "p is that of a two-sided Student's t test between two independent groups"


def _after(note: Note, then: Converted) -> Converted:
    return replace(then, notes=(note, *then.notes))


# --- change scores ---------------------------------------------------------------------------------


def sd_of_change(sd_baseline: ArrayLike, sd_final: ArrayLike, r: ArrayLike) -> Converted:
    """`sd` of the change: sqrt(sd_baseline^2 + sd_final^2 - 2 r sd_baseline sd_final).

    r is the correlation of baseline and final scores. Source: Handbook 6.5.2.8.
    """
    before, after, r_ = finite(sd_baseline=sd_baseline, sd_final=sd_final, r=r)
    _check_spreads(before, after)
    require(np.abs(r_) < 1, "r", "must lie strictly between -1 and 1")
    sd = np.sqrt(before**2 + after**2 - 2 * r_ * before * after)
    step = (
        "SD {before:.4g} before and {after:.4g} after, correlation {r:g}:"
        " SD of the change = sqrt(before^2 + after^2 - 2 r x before x after) = {sd:.4g}"
    )
    note = Note(step, {"before": before, "after": after, "r": r_, "sd": sd}, (_STATED_R,))
    return Converted({"sd": sd}, (note,))


def correlation_of_change(sd_baseline: ArrayLike, sd_final: ArrayLike, sd_change: ArrayLike) -> Converted:
    """`r` of baseline and final scores from the three standard deviations. Source: Handbook 6.5.2.8."""
    before, after, change = finite(sd_baseline=sd_baseline, sd_final=sd_final, sd_change=sd_change)
    _check_spreads(before, after)
    require(change > 0, "sd_change", "must be positive")
    possible = (change > np.abs(before - after)) & (change < before + after)
    require(possible, "sd_change", "does not fit sd_baseline and sd_final (no correlation gives it)")
    r = (before**2 + after**2 - change**2) / (2 * before * after)
    step = (
        "SD {before:.4g} before, {after:.4g} after and {change:.4g} of the change:"
        " correlation = (before^2 + after^2 - change^2) / (2 x before x after) = {r:.3g}"
    )
    return Converted({"r": r}, (Note(step, {"before": before, "after": after, "change": change, "r": r}),))


def raw_sd_from_change(sd_change: ArrayLike, r: ArrayLike) -> Converted:
    """`sd` of the score itself from that of its change: sd_change / sqrt(2 (1 - r)), at equal spreads.

    Source: Morris & DeShon 2002, Psychol Methods 7:105-125.
    """
    change, r_ = finite(sd_change=sd_change, r=r)
    require(change > 0, "sd_change", "must be positive")
    require(np.abs(r_) < 1, "r", "must lie strictly between -1 and 1")
    sd = change / np.sqrt(2 * (1 - r_))
    step = (
        "SD {change:.4g} of the change, correlation {r:g}: SD of the score = SD / sqrt(2 (1 - r)) = {sd:.4g}"
    )
    same = "the spread of the score is the same before and after"
    return Converted({"sd": sd}, (Note(step, {"change": change, "r": r_, "sd": sd}, (_STATED_R, same)),))


_STATED_R = "the correlation of scores before and after is as stated, in each group"


def _check_spreads(before: Array, after: Array) -> None:
    require(before > 0, "sd_baseline", "must be positive")
    require(after > 0, "sd_final", "must be positive")


# --- one group from whatever was printed -----------------------------------------------------------

GROUP_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("mean", "sd", "n"),
    ("mean", "se", "n"),
    ("mean", "lower", "upper", "n"),
    ("median", "minimum", "q1", "q3", "maximum", "n"),
    ("median", "q1", "q3", "n"),
    ("median", "minimum", "maximum", "n"),
)
"""The sets of numbers from which `group_summary` gets a mean and a standard deviation."""


def group_summary(*, level: float = 0.95, by: IntervalBy = "t", **printed: ArrayLike) -> Converted:
    """`mean`, `sd` and `n` of a group, from one of the sets in `GROUP_COLUMNS`.

    level, by: of the interval of the mean, where `lower` and `upper` are given.
    """
    if not any(set(printed) == set(columns) for columns in GROUP_COLUMNS):
        sets = " | ".join(" ".join(columns) for columns in GROUP_COLUMNS)
        raise ValueError(f"{next(iter(printed), 'n')}: not a set that can be used; give one of {sets}")
    columns = dict(zip(printed, finite(**printed), strict=True))
    n = columns["n"]
    if "median" in columns:
        got = mean_sd_from_summary(**columns)
        return replace(got, numbers={**got.numbers, "n": n})
    if "se" in columns:
        got = sd_from_se(columns["se"], n)
    elif "lower" in columns:
        got = _sd_around_mean(columns["mean"], columns["lower"], columns["upper"], n, level, by)
    else:
        got = Converted({"sd": columns["sd"]})
    return replace(got, numbers={"mean": columns["mean"], "sd": got["sd"], "n": n})


def _sd_around_mean(
    mean: Array, lower: Array, upper: Array, n: Array, level: float, by: IntervalBy
) -> Converted:
    require((lower <= mean) & (mean <= upper), "mean", "must lie between lower and upper")
    got = sd_from_mean_interval(lower, upper, n, level, by)
    warned = ((off_centre(mean, lower, upper), OFF_CENTRE),)
    return replace(got, notes=tuple(note._replace(cautions=warned) for note in got.notes))


def combined_groups(mean: ArrayLike, sd: ArrayLike, n: ArrayLike) -> Converted:
    """`mean`, `sd` and `n` of all people of several groups together; groups along the last axis.

    What one would have got from all people at once. Source: Handbook 6.5.2.10, table 6.5.a.
    """
    mean_, sd_, n_ = finite(mean=mean, sd=sd, n=n)
    require(sd_ > 0, "sd", "must be positive")
    require(n_ >= 2, "n", "must be at least 2")
    people = n_.sum(axis=-1)
    middle = (n_ * mean_).sum(axis=-1) / people
    squares = ((n_ - 1) * sd_**2 + n_ * (mean_ - middle[..., None]) ** 2).sum(axis=-1)
    spread = np.sqrt(squares / (people - 1))
    step = f"{n_.shape[-1]} groups put together: {{n:g}} people, mean {{mean:.4g}}, SD {{sd:.4g}}"
    numbers = {"mean": middle, "sd": spread, "n": people}
    return Converted(numbers, (Note(step, numbers),))


OFF_CENTRE = (
    "caution: the estimate does not stand in the middle of its interval, so the interval was made in another"
    " way or one of the numbers is wrong"
)
_MOST_OFF = 0.1
"""Share of an interval's width; three rounded numbers seldom move the middle further."""


def off_centre(estimate: Array, lower: Array, upper: Array) -> Mask:
    """Where an estimate does not stand in the middle of its interval (logs for a ratio)."""
    off: Mask = np.abs((lower + upper) / 2 - estimate) > _MOST_OFF * (upper - lower)
    return off
