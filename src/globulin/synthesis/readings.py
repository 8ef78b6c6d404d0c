"""What a study contributes to the pooled answer: its effect with its derivation, or the range that is known.

Whatever is missing is assumed in the open (each step says so) or stays a range; nothing is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from globulin.dossier.result import Counts, Means
from globulin.dossier.study import RANDOMISED, Outcome, Study
from globulin.synthesis.effects import effect_size
from globulin.synthesis.result_effects import Compared, read_result

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

    Counts and odds ratios: log odds ratio, then SMD (Hasselblad & Hedges 1995). Means, medians, changes,
    tests and differences: Hedges' g. Not significant, or p above a bound: the range that |SMD| lay in.
    Raises ValueError if the study names no result to pool, or one that gives no effect.
    """
    entry = study.pooled
    if entry is None:
        raise ValueError(f"{study.id} has no result to pool")
    outcome = study.outcome(entry.outcome)
    compared = Compared(tuple(study.arm(arm) for arm in entry.active), study.arm(entry.control))
    try:
        read = read_result(outcome.result, compared)
    except ValueError as problem:
        raise ValueError(f"{study.id}: {problem}") from problem
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
        derivation=read.derivation.lines,
        sources=(outcome.source,),
    )


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
        measure = "SMD"
        got = read_result(result, Compared((study.arm(active),), study.arm(control)))
        y, v = np.asarray(got.smd), np.asarray(got.variance)
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
