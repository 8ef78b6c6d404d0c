"""What the answer would be for every value that missing results could have had, and where it would flip.

Trials that found nothing tend not to print their numbers. What is known of them, "not significant", still
confines each to a range. Going through all of that range shows what the silence can and cannot hide.
Array-only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.added_trials import BAYESIAN, CLASSICAL, AnswerWith, Question
from globulin.synthesis.arguments import Array, as_numbers, check_level
from globulin.synthesis.curves import (
    Conclusion,
    ConclusionId,
    Curve,
    Labels,
    Lines,
    Quantity,
    draw,
    plain,
    undrawn,
)
from globulin.synthesis.policy import METHOD_NAMES, MethodId, rule_for, scale_of
from globulin.synthesis.priors import Normal
from globulin.synthesis.surface import TOO_FAR, Fixed, fixed_studies

_FRACTIONS = np.linspace(-1.0, 1.0, 41)
# Points along each missing trial on which every combination is searched; classical estimates have corners
# where tau2 or the guard leaves its limit, and are quick
_SEARCHED = {1: 65, 2: 17, 3: 7, 4: 5, 5: 3}
_SEARCHED_CLASSICAL = {1: 129, 2: 33, 3: 11, 4: 7, 5: 5}
_SHARE = "the fraction of its own bound that each missing result had, the same for all of them"
_PROVEN = (
    "proven: a common effect is an average with fixed positive weights, so it and its interval are lowest"
    " with every missing result at its lowest, and highest with every one at its highest"
)
_SEARCH = (
    "searched at {points} values of each missing result in every combination; the error is four times what"
    " the bending between them allows"
)

# The answers (b,) at rows of fractions (b, m) of the bounds
_At: TypeAlias = Callable[[Array], Lines]


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and the largest value of one quantity over every combination of the missing results.

    least_at, most_at: the combination, each as a fraction (-1 to 1) of its own bound.
    error: how far beyond these the true extremes may lie; 0 where they are proven. how: proof or search, in
    words.
    """

    quantity: Quantity
    least: float
    most: float
    least_at: tuple[float, ...]
    most_at: tuple[float, ...]
    error: float
    how: str


@dataclass(frozen=True, slots=True)
class AnyCombination:
    """Whether a conclusion holds whatever the missing results were.

    holds: "always", "sometimes", "never", or "too close to call" where the error of the search spans it.
    """

    conclusion: ConclusionId
    words: str
    holds: Literal["always", "sometimes", "never", "too close to call"]


@dataclass(frozen=True, slots=True)
class MethodExtremes:
    """The extremes of one method over every combination; () with a message where there are too many."""

    method: str
    name: str
    extremes: tuple[Extremes, ...]
    conclusions: tuple[AnyCombination, ...]
    message: str


@dataclass(frozen=True, slots=True)
class MissingResults:
    """What `missing_results` returns; the policy's primary method first, those beside it after.

    bounds: of the missing trials, in the order given. curves: the answer with all missing trials at the same
    fraction f of their own bound, from -1 to 1, and where it flips. combinations: each method over the whole
    box of possible values. message: what a reader must know, or "".
    """

    bounds: tuple[float, ...]
    curves: tuple[Curve, ...]
    combinations: tuple[MethodExtremes, ...]
    message: str


def missing_results(
    y: ArrayLike,
    v: ArrayLike,
    *,
    bound: ArrayLike,
    se: ArrayLike,
    people: ArrayLike | None = None,
    measure: str = "SMD",
    mu_prior: Normal | None = None,
    worth_it: float | None = None,
    level: float = 0.95,
) -> MissingResults:
    """The answer for every value of m trials known only to have an effect inside their bound.

    y, v: (k,) trials with numbers. bound, se: (m,) of the missing ones. people: (m,) in each missing trial;
    given for standardised differences, an effect g adds g^2 / (2 people) to its variance (Hedges & Olkin
    1985, p. 86). mu_prior, worth_it, level: as in `policy.summarise`. The methods are those of the policy for
    k + m studies with numbers: the primary one, and the half-normal(0.5), modified Hartung-Knapp and common
    effect beside it.

    The extremes of a common effect are proven where `people` is not given. All others are searched on a grid
    over all combinations; the stated error is four times the bound that second differences put on what a
    smooth function does between grid points, sum_i max|D_i^2 f| / 8 (multilinear interpolation). More than
    five missing trials are not searched, and the result says so.
    Raises ValueError naming the argument for values that do not fit.
    """
    check_level(level)
    question = Question(fixed_studies(y, v), mu_prior, worth_it, level)
    missing = fixed_studies(y, v, bound, se)
    if not missing.bound.size:
        raise ValueError("bound: there is no missing trial")
    sizes = _people(people, missing.bound.size)
    curves, combinations = [], []
    for method in _methods(missing, measure):
        answer = AnswerWith.of(question, method, farthest=missing.bound, least_v=missing.bound_se**2)
        labels = Labels("fraction_of_bound", _SHARE, method, METHOD_NAMES[method])
        if answer is None:
            curves.append(undrawn(labels, TOO_FAR))
            combinations.append(MethodExtremes(method, METHOD_NAMES[method], (), (), TOO_FAR))
            continue
        at = partial(_at_fractions, answer, missing, sizes)
        wanted = question.conclusions(method)
        curves.append(draw(labels, _FRACTIONS, partial(_along, at, missing.bound.size), wanted))
        combinations.append(_every_combination(method, at, missing.bound.size, wanted, people is None))
    return MissingResults(plain(missing.bound), tuple(curves), tuple(combinations), "")


def _methods(missing: Fixed, measure: str) -> tuple[MethodId, ...]:
    rule = rule_for(missing.y.size + missing.bound.size, scale_of(measure))
    methods = () if rule is None or rule.primary is None else (rule.primary, *rule.beside)
    return tuple(method for method in methods if method in (*BAYESIAN, *CLASSICAL))


def _at_fractions(answer: AnswerWith, missing: Fixed, sizes: Array, fractions: Array) -> Lines:
    effects = fractions * missing.bound
    return answer(effects, missing.bound_se**2 + effects**2 / (2 * sizes))


def _along(at: _At, m: int, fraction: Array) -> Lines:
    """Every missing trial at the same fraction (b,)."""
    return at(np.repeat(fraction[:, None], m, axis=1))


# --- every combination -----------------------------------------------------------------------------------


def _every_combination(
    method: MethodId, at: _At, m: int, wanted: tuple[Conclusion, ...], fixed_errors: bool
) -> MethodExtremes:
    """Extremes over the box: at two of its corners for fixed weights, else on a grid."""
    proven = method == "common_effect" and fixed_errors
    points = 0 if proven else (_SEARCHED_CLASSICAL if method in CLASSICAL else _SEARCHED).get(m)
    if points is None:
        message = f"{m} missing results have too many combinations to search"
        return MethodExtremes(method, METHOD_NAMES[method], (), (), message)
    combinations = np.stack([np.full(m, -1.0), np.full(m, 1.0)]) if proven else _grid(m, points)
    lines = at(combinations)
    extremes = {
        name: _extremes(cast(Quantity, name), values, combinations, points)
        for name, values in lines._asdict().items()
        if values.size
    }
    held = tuple(
        AnyCombination(conclusion.id, conclusion.words, _holds(conclusion, extremes[conclusion.quantity]))
        for conclusion in wanted
    )
    return MethodExtremes(method, METHOD_NAMES[method], tuple(extremes.values()), held, "")


def _grid(m: int, points: int) -> Array:
    """All combinations (points^m, m) of equally spaced fractions, the last changing fastest."""
    axes = np.meshgrid(*[np.linspace(-1.0, 1.0, points)] * m, indexing="ij")
    return np.stack(axes, axis=-1).reshape(-1, m)


def _extremes(quantity: Quantity, values: Array, at: Array, points: int) -> Extremes:
    """points: of the grid along each axis; 0 where `at` are the proven ends."""
    low, high = int(values.argmin()), int(values.argmax())
    error, how = 0.0, _PROVEN
    if points:
        grid = values.reshape((points,) * at.shape[1])
        error = sum(float(np.abs(np.diff(grid, 2, axis=axis)).max()) for axis in range(grid.ndim)) / 2
        how = _SEARCH.format(points=points)
    ends = float(values[low]), float(values[high])
    return Extremes(quantity, *ends, plain(at[low]), plain(at[high]), error, how)


def _holds(
    conclusion: Conclusion, found: Extremes
) -> Literal["always", "sometimes", "never", "too close to call"]:
    ends = conclusion.sign * (np.array([found.least, found.most]) - conclusion.threshold)
    least, most = float(ends.min()), float(ends.max())
    if least > found.error:
        return "always"
    if most <= -found.error:
        return "never"
    return "sometimes" if least <= 0 < most else "too close to call"


def _people(people: ArrayLike | None, m: int) -> Array:
    """People in each trial (m,); infinite where not given, so that the effect does not change the error."""
    if people is None:
        return np.full(m, np.inf)
    sizes = np.atleast_1d(as_numbers(people, "people"))
    if sizes.shape != (m,) or not (sizes > 0).all():
        raise ValueError("people: give a positive number of people for each such trial")
    return sizes
