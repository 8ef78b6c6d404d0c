"""Which printed results can be read as an effect, and why the others cannot."""

from __future__ import annotations

from globulin.dossier.result import (
    ChangeScores,
    Counts,
    Means,
    Medians,
    NotSignificant,
    PrintedEffect,
    PValue,
    Result,
    TestStatistic,
)

FEWEST_QUARTERED = 5
"""Quartiles of fewer people are not different numbers, and say nothing about the spread."""


def fewest_people(result: Result) -> int:
    """Fewest people that an arm must be known to have for an effect; 0 where the result holds the numbers."""
    match result:
        case TestStatistic() | PValue() | NotSignificant() | PrintedEffect():
            return 2
        case Medians():
            return FEWEST_QUARTERED if any(group.n is None for group in result.groups.values()) else 0
        case _:
            return 0


def why_no_effect(result: Result, active: tuple[str, ...], control: str) -> str | None:
    """Why no standardised effect of the active arms against control can be had; None where it can.

    The arms' own numbers of people are not looked at.
    """
    compared = (*active, control)
    match result:
        case Counts() | Means() | Medians() | ChangeScores():
            absent = [arm for arm in compared if arm not in result.groups]
            if absent:
                return f"its outcome has no {_PLURAL[result.kind]} for {', '.join(absent)}"
            if isinstance(result, Medians):
                return _why_no_spread(result, compared)
            return _why_no_units(result, compared) if isinstance(result, ChangeScores) else None
        case TestStatistic():
            return _why_no_side(result.favours, compared)
        case NotSignificant():
            return None
        case PValue():
            return _why_no_t(result, compared)
        case PrintedEffect():
            return _why_no_scale(result, active, control)
        case other:
            return f"a result of kind '{other.kind}' cannot be"


_PLURAL = {"counts": "counts", "means": "means", "medians": "medians", "change_scores": "changes"}


def _why_no_spread(result: Medians, compared: tuple[str, ...]) -> str | None:
    for arm in compared:
        group = result.groups[arm]
        if group.q1 is None and group.minimum is None:
            return f"the median of {arm} has neither quartiles nor range"
        for low, high in ((group.q1, group.q3), (group.minimum, group.maximum)):
            if low is not None and low == high:
                return f"the quartiles or range of {arm} have no width"
        if group.n is not None and group.n < (2 if group.q1 is None else FEWEST_QUARTERED):
            return f"quartiles or range of so few people ({arm}: {group.n}) say nothing about the spread"
    return None


def _why_no_units(result: ChangeScores, compared: tuple[str, ...]) -> str | None:
    """A change needs its own spread and that of the score; a correlation gets one from the other."""
    for arm in compared:
        group = result.groups[arm]
        own = any(value is not None for value in (group.sd, group.se, group.ci))
        both = group.sd_baseline is not None and group.sd_final is not None
        if not own and not both:
            return f"the change of {arm} has no sd, se or ci, nor sd_baseline and sd_final to get it from"
        raw = group.sd_baseline is not None or group.sd_final is not None
        if result.r is None and not (own and raw):
            return f"without r, the change of {arm} needs its own spread and that of the score"
    return None


def _why_no_side(favours: str | None, compared: tuple[str, ...]) -> str | None:
    if favours is None:
        return "its outcome does not say which arm did better (favours)"
    return None if favours in compared else f"it favours {favours}, which is not among the arms compared"


def _why_no_t(result: PValue, compared: tuple[str, ...]) -> str | None:
    if result.relation == "<":
        return f"p is printed only as below {result.value:g}, which gives a least size and no number"
    return _why_no_side(result.favours, compared) if result.relation == "=" else None


def _why_no_scale(result: PrintedEffect, active: tuple[str, ...], control: str) -> str | None:
    if result.measure not in ("OR", "MD", "SMD"):
        return f"an effect printed as {result.measure} has no way to a standardised mean difference"
    if result.lower is None or result.upper is None or result.lower == result.upper:
        return "its effect has no interval"
    if result.arms is None or result.higher_is is None:
        return "its effect does not say which arms it compares or whether higher is better (arms, higher_is)"
    if set(result.arms) != {*active, control}:
        return f"its effect compares {' with '.join(result.arms)}, not the arms named"
    return None
