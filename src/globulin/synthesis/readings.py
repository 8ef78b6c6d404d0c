"""What one paper printed, read as an effect: the one place where study records become numbers to pool.

Whatever is missing is assumed in the open (each step says so) or stays a range; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from globulin.dossier.provenance import known
from globulin.dossier.study import (
    RANDOMISED,
    Arm,
    Counts,
    Means,
    NotSignificant,
    Outcome,
    Study,
    TestStatistic,
)
from globulin.synthesis.effects import effect_size, not_significant_bound, smd_from_log_odds_ratio, smd_from_t

Z95 = 1.959963984540054
"""The 97.5% point of the normal distribution."""


@dataclass(frozen=True)
class TrialEffect:
    """One trial on the scale of standardised mean differences; positive favours immune globulin.

    `smd` is None where only "not significant" is known; then `bound` is the |SMD| at which the trial's own
    test would have just been significant. `derivation` says step by step how the number was got.
    """

    study: str
    name: str
    outcome: str
    smd: float | None
    se: float
    ci_lower: float | None
    ci_upper: float | None
    bound: float | None
    n_active: int
    n_control: int
    risk_of_bias: str | None
    derivation: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class OutsideEffect:
    """A randomised result in another illness: shown beside, never pooled."""

    study: str
    name: str
    condition: str
    outcome: str
    measure: Literal["OR", "SMD"]
    estimate: float
    ci_lower: float
    ci_upper: float
    sources: tuple[str, ...]


def trial_effect(study: Study) -> TrialEffect:
    """The effect that a study contributes, from whatever its paper printed.

    Counts: log odds ratio, then SMD (Hasselblad & Hedges 1995). t: Hedges' g. Not significant: the bound.
    Raises ValueError if the study names no result to pool, or one of another kind.
    """
    entry = study.pooled
    if entry is None:
        raise ValueError(f"{study.id} has no result to pool")
    outcome = study.outcome(entry.outcome)
    control = study.arm(entry.control)
    active = [study.arm(identifier) for identifier in entry.active]
    match outcome.result:
        case Counts() as counts:
            read = _from_counts(counts, active, control)
        case TestStatistic() as test:
            read = _from_t(test, active, control)
        case NotSignificant() as null:
            read = _from_null(null, active, control)
        case other:
            raise ValueError(f"{study.id}: a result of kind '{other.kind}' cannot be pooled")
    se = read.variance**0.5
    return TrialEffect(
        study=study.id,
        name=study.name,
        outcome=outcome.name,
        smd=read.smd,
        se=se,
        ci_lower=None if read.smd is None else read.smd - Z95 * se,
        ci_upper=None if read.smd is None else read.smd + Z95 * se,
        bound=read.bound,
        n_active=read.n_active,
        n_control=read.n_control,
        risk_of_bias=study.risk_of_bias.overall.level if study.risk_of_bias else None,
        derivation=read.steps,
        sources=(outcome.source,),
    )


@dataclass(frozen=True)
class _Reading:
    """What a printed result says on the SMD scale, and how it was read."""

    smd: float | None
    variance: float
    bound: float | None
    n_active: int
    n_control: int
    steps: tuple[str, ...]


def _from_counts(result: Counts, active: Sequence[Arm], control: Arm) -> _Reading:
    events1 = sum(result.groups[arm.id].events for arm in active)
    n1 = sum(result.groups[arm.id].n for arm in active)
    against = result.groups[control.id]
    log_or, log_or_variance = (
        float(x) for x in effect_size("OR", events1=events1, n1=n1, events2=against.events, n2=against.n)
    )
    smd, variance = (float(x) for x in smd_from_log_odds_ratio(log_or, log_or_variance))
    steps = (
        f"{events1} of {n1} against {against.events} of {against.n}: log odds ratio {log_or:.3f}"
        f" (standard error {log_or_variance**0.5:.3f})",
        "times sqrt(3)/pi: standardised mean difference (Hasselblad & Hedges 1995), which assumes a"
        " logistic distribution behind the yes-or-no outcome",
    )
    return _Reading(smd, variance, None, n1, against.n, steps)


def _from_t(result: TestStatistic, active: Sequence[Arm], control: Arm) -> _Reading:
    n1, n2 = sum(_analysed(arm) for arm in active), _analysed(control)
    sign = 1.0 if result.favours in {arm.id for arm in active} else -1.0
    smd, variance = (float(x) for x in smd_from_t(sign * abs(result.value), n1, n2))
    steps = (
        f"t = {result.value} with {n1} against {n2} people: g = J |t| sqrt(1/n1 + 1/n2)"
        " with the small-sample factor J (Hedges 1981)",
        *_assumptions((*active, control)),
    )
    return _Reading(smd, variance, None, n1, n2, steps)


def _from_null(result: NotSignificant, active: Sequence[Arm], control: Arm) -> _Reading:
    n1, n2 = sum(_analysed(arm) for arm in active), _analysed(control)
    bound = float(not_significant_bound(n1, n2, alpha=result.two_sided_alpha))
    steps = (
        f"not significant at {result.two_sided_alpha:g} with {n1} against {n2} people:"
        f" |SMD| below {bound:.3f}, the least that a two-sided t test would have called significant",
        *_one_test(result, active, n2),
        *_assumptions((*active, control)),
    )
    return _Reading(None, 1 / n1 + 1 / n2, bound, n1, n2, steps)


def _one_test(result: NotSignificant, active: Sequence[Arm], n2: int) -> tuple[str, ...]:
    """What is assumed where several arms are read as one test against control."""
    if len(active) < 2:
        return ()
    widest = max(
        float(not_significant_bound(_analysed(arm), n2, alpha=result.two_sided_alpha)) for arm in active
    )
    return (
        "assumed: all doses together were tested once against control; tests of each dose alone would have"
        f" allowed up to {widest:.3f}",
    )


def _analysed(arm: Arm) -> int:
    n = known(arm.n_analysed)
    if n is None:
        n = known(arm.n_randomised)
    if n is None:
        raise ValueError(f"arm {arm.id}: no verified or assumed number of people analysed")
    return n


def _assumptions(arms: Iterable[Arm]) -> tuple[str, ...]:
    """Each assumption about numbers of people, once."""
    formulas = [getattr(arm.n_analysed, "formula", None) for arm in arms]
    return tuple(dict.fromkeys(f"assumed: {formula}" for formula in formulas if formula))


def outside_effects(study: Study) -> list[OutsideEffect]:
    """Effects of randomised trials in other illnesses, from the arms' own counts or means."""
    if study.condition_group != "neighbour" or study.design not in RANDOMISED:
        return []
    control = [arm.id for arm in study.arms if arm.role == "control"]
    active = [arm.id for arm in study.arms if arm.role == "active"]
    if len(control) != 1 or len(active) != 1:
        return []
    return [
        effect
        for outcome in study.outcomes
        if (effect := _outside_effect(study, outcome, active[0], control[0])) is not None
    ]


def _outside_effect(study: Study, outcome: Outcome, active: str, control: str) -> OutsideEffect | None:
    result = outcome.result
    measure: Literal["OR", "SMD"]
    if isinstance(result, Counts) and {active, control} <= result.groups.keys():
        a, c = result.groups[active], result.groups[control]
        measure = "OR"
        y, v = effect_size("OR", events1=a.events, n1=a.n, events2=c.events, n2=c.n)
    elif isinstance(result, Means) and {active, control} <= result.groups.keys():
        m, w = result.groups[active], result.groups[control]
        sign = 1.0 if result.higher_is == "better" else -1.0
        measure = "SMD"
        y, v = effect_size(
            "SMD", mean1=sign * m.mean, sd1=m.sd, n1=m.n, mean2=sign * w.mean, sd2=w.sd, n2=w.n
        )
    else:
        return None
    middle, half = float(y), Z95 * float(v) ** 0.5
    scale = np.exp if measure == "OR" else float
    return OutsideEffect(
        study=study.id,
        name=study.name,
        condition=study.condition,
        outcome=outcome.name,
        measure=measure,
        estimate=float(scale(middle)),
        ci_lower=float(scale(middle - half)),
        ci_upper=float(scale(middle + half)),
        sources=(outcome.source,),
    )
