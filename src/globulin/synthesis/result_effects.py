"""One printed result of a study as an effect on the scale of standardised differences, with its derivation.

This is the one place where a record of a result becomes numbers. Positive favours immune globulin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from globulin.dossier.provenance import known
from globulin.dossier.result import (
    ChangeScores,
    Counts,
    GroupChange,
    GroupMean,
    GroupMedian,
    Interval,
    Means,
    Medians,
    NotSignificant,
    PrintedEffect,
    PValue,
    Result,
    TestStatistic,
)
from globulin.dossier.study import Arm
from globulin.synthesis.derivations import Converted, Derivation
from globulin.synthesis.effects import effect_size, not_significant_bound, smd_from_log_odds_ratio
from globulin.synthesis.printed import combined_groups, group_summary, raw_sd_from_change, sd_of_change
from globulin.synthesis.printed_effects import Printed, change_effect, printed_effect


@dataclass(frozen=True)
class Compared:
    """The arms compared: those on immune globulin, put together, against control."""

    active: tuple[Arm, ...]
    control: Arm

    @property
    def n(self) -> tuple[int, int]:
        """People on immune globulin and on control, as analysed."""
        return sum(_analysed(arm) for arm in self.active), _analysed(self.control)

    def side(self, favours: str | None) -> float:
        """1 where immune globulin did better, -1 where the control did."""
        return 1.0 if favours in {arm.id for arm in self.active} else -1.0

    @property
    def assumed(self) -> Derivation:
        """What is assumed of the numbers of people, each once."""
        formulas = [getattr(arm.n_analysed, "formula", None) for arm in (*self.active, self.control)]
        return Derivation((), tuple(dict.fromkeys(formula for formula in formulas if formula)))


@dataclass(frozen=True)
class Reading:
    """What a printed result says on the SMD scale, positive for immune globulin, and how it was read."""

    smd: float | None
    variance: float
    bound: float | None
    n_active: int
    n_control: int
    derivation: Derivation


def read_result(result: Result, compared: Compared) -> Reading:
    """The standardised effect of immune globulin against control, from whatever was printed.

    Raises ValueError for a kind of result that gives none, and where people or numbers are missing; what
    `globulin.dossier.poolable` accepts never does.
    """
    match result:
        case Counts() as counts:
            return _from_counts(counts, compared)
        case Means() | Medians() as groups:
            return _from_groups(groups, compared)
        case ChangeScores() as changes:
            return _from_changes(changes, compared)
        case TestStatistic() as test:
            return _from_test(test, compared)
        case PValue(relation="=") as p:
            return _from_p(p, compared)
        case PValue(relation=">") as p:
            return _from_null(p.value, compared)
        case PrintedEffect(measure="OR" | "MD" | "SMD") as effect:
            return _from_effect(effect, compared)
        case NotSignificant() as null:
            return _from_null(null.two_sided_alpha, compared)
        case other:
            raise ValueError(f"a result of kind '{other.kind}' cannot be pooled")


def _reading(got: Converted, n: tuple[int, int], *, turned: bool = False) -> Reading:
    """A reading of one study's effect; `turned` where above 0 favours the control."""
    smd, derivation = float(got["y"]), got.derivation()
    if turned:
        smd, derivation = (
            -smd,
            derivation + Derivation(("sign turned, so that above 0 favours immune globulin",)),
        )
    return Reading(smd, float(got["v"]), None, *n, derivation)


# --- counts and odds ratios ------------------------------------------------------------------------

_LOGISTIC = "a logistic distribution behind the yes-or-no outcome, of equal spread in both groups"


def _from_counts(result: Counts, compared: Compared) -> Reading:
    events1 = sum(result.groups[arm.id].events for arm in compared.active)
    n1 = sum(result.groups[arm.id].n for arm in compared.active)
    against = result.groups[compared.control.id]
    columns = {"events1": events1, "n1": n1, "events2": against.events, "n2": against.n}
    sizes = effect_size("OR", **columns)
    log_or, variance = float(sizes.y), float(sizes.v)
    steps = [
        f"{events1} of {n1} against {against.events} of {against.n}: log odds ratio {log_or:.3f}"
        f" (standard error {variance**0.5:.3f})"
    ]
    if sizes.corrected:
        steps.append("caution: an empty cell, so 0.5 was added to each of the four cells")
    if sizes.double_zero:
        steps.append(
            "caution: nobody, or everybody, in both groups had the event, which says nothing about the odds"
        )
    return _from_log_odds(log_or, variance, (n1, against.n), Derivation(tuple(steps)))


def _from_log_odds(
    log_or: float, variance: float, n: tuple[int, int], before: Derivation, *, turned: bool = False
) -> Reading:
    y, v = smd_from_log_odds_ratio(log_or, variance)
    step = "times sqrt(3)/pi: standardised mean difference (Hasselblad & Hedges 1995)"
    got = _reading(Converted({"y": y, "v": v}), n, turned=turned)
    whole = before + Derivation((step,), (_LOGISTIC,)) + got.derivation
    return replace(got, derivation=whole)


# --- means, medians, changes -----------------------------------------------------------------------


def _from_groups(result: Means | Medians, compared: Compared) -> Reading:
    active = _together([_summary(result.groups[arm.id], arm) for arm in compared.active])
    control = _summary(result.groups[compared.control.id], compared.control)
    got = printed_effect("SMD", _columns(active, control))
    whole = replace(got, notes=(*active.notes, *control.notes, *got.notes))
    read = _reading(whole, (int(active["n"]), int(control["n"])), turned=result.higher_is == "worse")
    if isinstance(result, Medians) and any(group.n is None for group in result.groups.values()):
        return replace(read, derivation=read.derivation + compared.assumed)
    return read


def _summary(group: GroupMean | GroupMedian, arm: Arm) -> Converted:
    """Mean, SD and number of people of an arm, from what was printed."""
    if isinstance(group, GroupMean):
        return _with_spread(group.mean, group.sd, group.se, group.ci, group.n).labelled(arm.id)
    names = ("median", "q1", "q3", "minimum", "maximum")
    printed = {name: value for name in names if (value := getattr(group, name)) is not None}
    return group_summary(**printed, n=_analysed(arm) if group.n is None else group.n).labelled(arm.id)


def _with_spread(mean: float, sd: float | None, se: float | None, ci: Interval | None, n: int) -> Converted:
    if ci is not None:
        return group_summary(mean=mean, lower=ci.lower, upper=ci.upper, n=n, level=ci.level, by=ci.by)
    if se is not None:
        return group_summary(mean=mean, se=se, n=n)
    return group_summary(mean=mean, sd=np.nan if sd is None else sd, n=n)


def _together(groups: Sequence[Converted]) -> Converted:
    """Several arms as one group, with the steps of each."""
    if len(groups) == 1:
        return groups[0]
    stacked = {name: np.stack([group[name] for group in groups], axis=-1) for name in ("mean", "sd", "n")}
    whole = combined_groups(**stacked)
    return replace(whole, notes=(*(note for group in groups for note in group.notes), *whole.notes))


def _columns(active: Converted, control: Converted, **names: str) -> dict[str, NDArray[np.float64]]:
    """Both groups as columns of a table: `sd` of the first is `sd1`; `names` says what else to call them."""
    groups = ((1, active), (2, control))
    return {
        f"{names.get(name, name)}{group}": got[name] for group, got in groups for name in ("mean", "sd", "n")
    }


def _from_changes(result: ChangeScores, compared: Compared) -> Reading:
    arms = (*compared.active, compared.control)
    changes = {arm.id: _change(result.groups[arm.id], result.r, arm) for arm in arms}
    raw = {arm.id: _raw(result.groups[arm.id], changes[arm.id], result.r, arm) for arm in arms}
    active, control = _together([changes[arm.id] for arm in compared.active]), changes[compared.control.id]
    columns = _columns(active, control, mean="change", sd="sd_change")
    shares = np.array([float(changes[arm.id]["n"]) - 1 for arm in compared.active])
    squares = np.array([float(raw[arm.id]["sd"]) ** 2 for arm in compared.active])
    columns["sd_baseline1"] = np.sqrt((shares * squares).sum() / shares.sum())
    columns["sd_baseline2"] = raw[compared.control.id]["sd"]
    notes = (*active.notes, *control.notes, *(note for arm in arms for note in raw[arm.id].notes))
    got = change_effect("SMD", columns, notes)
    read = _reading(got, (int(active["n"]), int(control["n"])), turned=result.higher_is == "worse")
    reason = () if result.r_reason is None else (f"correlation {result.r:g}: {result.r_reason}",)
    return replace(read, derivation=read.derivation + Derivation((), reason))


def _change(group: GroupChange, r: float | None, arm: Arm) -> Converted:
    """Mean change of an arm with its SD, got by the correlation where no spread of the change was printed."""
    change = group.change
    if change is None:
        change = (group.final or 0.0) - (group.baseline or 0.0)
    if group.sd is None and group.se is None and group.ci is None:
        got = sd_of_change(_known(group.sd_baseline), _known(group.sd_final), _known(r))
        whole = _with_spread(change, float(got["sd"]), None, None, group.n)
        return replace(whole, notes=got.notes).labelled(arm.id)
    return _with_spread(change, group.sd, group.se, group.ci, group.n).labelled(arm.id)


def _raw(group: GroupChange, change: Converted, r: float | None, arm: Arm) -> Converted:
    """SD of the score itself: at the start, else at the end, else from that of the change."""
    printed = group.sd_final if group.sd_baseline is None else group.sd_baseline
    if printed is not None:
        return Converted({"sd": np.asarray(printed)})
    return raw_sd_from_change(change["sd"], _known(r)).labelled(arm.id)


def _known(value: float | None) -> float:
    # a study that lacks it was refused when it was read
    return np.nan if value is None else value


# --- a test, a p value, a printed effect -----------------------------------------------------------


def _from_test(result: TestStatistic, compared: Compared) -> Reading:
    (n1, n2), side, size = compared.n, compared.side(result.favours), abs(result.value)
    columns = {"t": side * size} if result.statistic == "t" else {"f": size, "direction": side}
    read = _reading(printed_effect("SMD", _arrays(**columns, n1=n1, n2=n2)), (n1, n2))
    derivation = read.derivation
    if result.df != n1 + n2 - 2:
        found = f"caution: {result.df:g} degrees of freedom were printed; these people make {n1 + n2 - 2}"
        derivation = derivation + Derivation((found,))
    return replace(read, derivation=derivation + compared.assumed)


def _from_p(result: PValue, compared: Compared) -> Reading:
    n1, n2 = compared.n
    columns = _arrays(p=result.value, direction=compared.side(result.favours), n1=n1, n2=n2)
    read = _reading(printed_effect("SMD", columns), (n1, n2))
    return replace(read, derivation=read.derivation + compared.assumed)


def _from_effect(result: PrintedEffect, compared: Compared) -> Reading:
    n1, n2 = compared.n
    columns = {"estimate": result.estimate, "lower": _known(result.lower), "upper": _known(result.upper)}
    named = {
        f"{result.measure.lower()}_{name}".removesuffix("_estimate"): value for name, value in columns.items()
    }
    against = result.arms is not None and result.arms[0] == compared.control.id
    turned = (result.higher_is == "worse") != against
    printed = Printed(level=result.level)
    if result.measure == "OR":
        got = printed_effect("OR", _arrays(**named), printed)
        return _from_log_odds(float(got["y"]), float(got["v"]), (n1, n2), got.derivation(), turned=turned)
    if result.measure == "MD":
        sizes = {"n1": n2, "n2": n1} if against else {"n1": n1, "n2": n2}
        got = printed_effect("SMD", _arrays(**named, **sizes), printed)
        read = _reading(got, (n1, n2), turned=turned)
        return replace(read, derivation=read.derivation + compared.assumed)
    return _reading(printed_effect("SMD", _arrays(**named), printed), (n1, n2), turned=turned)


def _arrays(**numbers: float) -> dict[str, NDArray[np.float64]]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in numbers.items()}


# --- known only inside a range ---------------------------------------------------------------------


def _from_null(alpha: float, compared: Compared) -> Reading:
    n1, n2 = compared.n
    bound = float(not_significant_bound(n1, n2, alpha=alpha))
    steps = (
        f"not significant at {alpha:g} with {n1} against {n2} people:"
        f" |SMD| below {bound:.3f}, the least that a two-sided t test would have called significant",
    )
    derivation = Derivation(steps, _one_test(alpha, compared)) + compared.assumed
    return Reading(None, 1 / n1 + 1 / n2, bound, n1, n2, derivation)


def _one_test(alpha: float, compared: Compared) -> tuple[str, ...]:
    """What is assumed where several arms are read as one test against control."""
    if len(compared.active) < 2:
        return ()
    n2 = _analysed(compared.control)
    widest = max(float(not_significant_bound(_analysed(arm), n2, alpha=alpha)) for arm in compared.active)
    return (
        "all doses together were tested once against control; tests of each dose alone would have"
        f" allowed up to {widest:.3f}",
    )


def _analysed(arm: Arm) -> int:
    n = known(arm.n_analysed)
    if n is None:
        n = known(arm.n_randomised)
    if n is None:
        raise ValueError(f"arm {arm.id}: no verified or assumed number of people analysed")
    return n
