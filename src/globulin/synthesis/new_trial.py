"""What one more trial would need to show to change a conclusion.

A trial whose numbers nobody could use may have been large or small, for or against. Whether it matters is
asked of the pooled model itself: at every effect that the trial could have had, what would the answer be?
Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.added_trials import AnswerWith, Question
from globulin.synthesis.arguments import Array, check_level
from globulin.synthesis.curves import Conclusion, ConclusionId, Lines, find_flips
from globulin.synthesis.policy import METHOD_NAMES, rule_for, scale_of
from globulin.synthesis.priors import Normal
from globulin.synthesis.surface import TOO_FAR, fixed_studies

REACH = 3.0
"""Effects of the new trial are searched this far on either side of 0."""

_EFFECTS = np.linspace(-REACH, REACH, 61)
_NOTHING = np.full((1, 1), np.inf)


@dataclass(frozen=True, slots=True)
class FlipByNewTrial:
    """What one more trial would need to show to change a conclusion.

    holds_now: without the new trial. at: effects of the new trial, ascending, at which the conclusion starts
    or stops to hold. least: the effect nearest to 0 with which the conclusion is no longer what it is now;
    None: no effect on the range changes it.
    """

    conclusion: ConclusionId
    words: str
    holds_now: bool
    at: tuple[float, ...]
    least: float | None


@dataclass(frozen=True, slots=True)
class NewTrial:
    """What `new_trial` returns: one more trial with this standard error, at every effect within `reach`.

    se: at an effect of 0. method, name: the summary whose conclusions flip. flips: () where the size of the
    trial is not known or no summary is defined, and then `message` says so.
    """

    se: float | None
    reach: float
    method: str
    name: str
    flips: tuple[FlipByNewTrial, ...]
    message: str


def new_trial(
    y: ArrayLike,
    v: ArrayLike,
    *,
    se: float | None,
    people: float | None = None,
    censored_bound: ArrayLike | None = None,
    censored_se: ArrayLike | None = None,
    measure: str = "SMD",
    mu_prior: Normal | None = None,
    worth_it: float | None = None,
    level: float = 0.95,
) -> NewTrial:
    """What one more trial would need to show to flip each conclusion of the primary answer.

    y, v, censored_bound, censored_se: the trials there are. se: of the new trial at an effect of 0, None
    where its size is not known. people: in the new trial; given for standardised differences, an effect g
    adds g^2 / (2 people) to its variance (Hedges & Olkin 1985, p. 86). The method stays that of the trials
    there are, so that a flip is the work of the new trial alone. Effects within `REACH` are searched.
    Raises ValueError naming the argument for values that do not fit.
    """
    check_level(level)
    question = Question(fixed_studies(y, v, censored_bound, censored_se), mu_prior, worth_it, level)
    bounds = question.fixed.bound.size
    rule = rule_for(question.fixed.y.size + bounds, scale_of(measure), censored=bounds > 0)
    # one trial alone has no spread to add to; with a second one it is summed up like any few
    if rule is not None and rule.primary == "own_effect":
        rule = rule_for(2, scale_of(measure))
    if rule is None or rule.primary is None:
        return NewTrial(se, REACH, "", "", (), "" if rule is None else rule.reason)
    name = METHOD_NAMES[rule.primary]
    if se is None:
        unknown = "the number of people is not known, so it cannot be said what the trial could have changed"
        return NewTrial(None, REACH, rule.primary, name, (), unknown)
    for argument, value in (("se", se), ("people", people)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"{argument}: must be a positive number, not {value}")
    answer = AnswerWith.of(question, rule.primary, farthest=np.array([REACH]), least_v=np.array([se**2]))
    if answer is None:
        return NewTrial(se, REACH, rule.primary, name, (), TOO_FAR)
    per_square = 0.0 if people is None else 1 / (2 * people)

    def at(effects: Array) -> Lines:
        return answer(effects[:, None], se**2 + per_square * effects[:, None] ** 2)

    wanted = question.conclusions(rule.primary)
    now, lines = answer(np.zeros((1, 1)), _NOTHING), at(_EFFECTS)
    flips = tuple(
        FlipByNewTrial(flip.conclusion, flip.words, held, flip.at, _nearest(conclusion, lines, flip.at, held))
        for flip, conclusion in zip(find_flips(_EFFECTS, lines, at, wanted), wanted, strict=True)
        for held in (bool(conclusion.margin(now)[0] > 0),)
    )
    return NewTrial(se, REACH, rule.primary, name, flips, "")


def _nearest(conclusion: Conclusion, lines: Lines, at: tuple[float, ...], held: bool) -> float | None:
    """The effect nearest to 0 with which a conclusion is not what it is without the new trial."""
    other = (conclusion.margin(lines) > 0) != held
    if other[_EFFECTS == 0].any():
        return 0.0
    return min(at, key=abs) if other.any() else None
