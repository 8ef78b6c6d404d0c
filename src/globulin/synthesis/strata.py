"""Designs are not mixed: randomised trials, other comparisons, series and reports each stand alone.

Averaging a trial with a series of patients gives a precise answer to no question. Comparisons without
randomisation can lend weight on request, from none to full, and then the weight at which the answer tips is
shown. What has no control group can never enter. Array-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from globulin.synthesis.added_trials import CLASSICAL, AnswerWith, Question
from globulin.synthesis.arguments import Array, check_choice, check_level
from globulin.synthesis.curves import Curve, Labels, Lines, draw, undrawn
from globulin.synthesis.policy import METHOD_NAMES, MethodId, PolicySummary, rule_for, scale_of, summarise
from globulin.synthesis.priors import Normal
from globulin.synthesis.summaries import half_standard_deviation
from globulin.synthesis.surface import TOO_FAR, fixed_studies

DesignStratum = Literal["rct", "non_randomised", "series", "report"]

STRATA: dict[DesignStratum, str] = {
    "rct": "randomised trials",
    "non_randomised": "comparisons without randomisation",
    "series": "series without a control group",
    "report": "reports of practitioners",
}
"""The designs in words, the strongest first."""

REASONS: dict[DesignStratum, str] = {
    "rct": "Chance alone decided who was treated, so the groups are alike but for the treatment.",
    "non_randomised": (
        "Something other than chance decided who was treated, so the groups may have differed from the start."
        " They are summed up apart and lend weight to the trials only on request."
    ),
    "series": (
        "Without a control group there is no effect to pool: people also get better without treatment, and"
        " those who do stay in the series. No weight can mend that, so they never enter."
    ),
    "report": (
        "A practitioner's account has neither a control group nor a count of all who were treated. It is"
        " shown as an opinion and never enters."
    ),
}
"""Why a design may or may not enter the answer."""

SINGLE_GROUP = frozenset(("PLO", "PLN", "PR", "PAS", "PFT"))
"""Measures of one group: without a comparison, control or none makes no difference to the number."""

_NO_WEIGHTS = "no comparison without randomisation has a usable effect, so there is nothing to give weight to"
_NO_TRIALS = "no randomised trial has a usable effect, so there is nothing that others could lend weight to"
_WEIGHTS = np.linspace(0.0, 1.0, 41)
_WEIGHT_WORDS = (
    "the weight of the comparisons without randomisation: 0 leaves them out, 1 takes them for trials, and in"
    " between their variance is divided by it (power prior)"
)


@dataclass(frozen=True, slots=True)
class Stratum:
    """One design: how many studies, what they say on their own, and whether they may enter the answer.

    k: studies with a usable effect; k_listed: all of them. may_enter: "first" (the answer itself), "on
    request" (with a weight) or "never". reason: in plain words. summary: by the policy, of this stratum
    alone; None where nothing may be summarised.
    """

    design: DesignStratum
    words: str
    k: int
    k_listed: int
    may_enter: Literal["first", "on request", "never"]
    reason: str
    summary: PolicySummary | None


@dataclass(frozen=True, slots=True)
class Borrowed:
    """The answer with comparisons without randomisation at a weight from 0 to 1 (variance / weight).

    weight: the one asked for. summary: by the policy, at that weight. curve: the answer against the weight,
    with the weights at which conclusions tip.
    """

    weight: float
    summary: PolicySummary
    curve: Curve


@dataclass(frozen=True, slots=True)
class Strata:
    """What `stratify` returns: every design that occurs, the strongest first, and what was borrowed.

    words: how the designs were treated, in plain words. message: why nothing could be borrowed, or "".
    """

    strata: tuple[Stratum, ...]
    borrowed: Borrowed | None
    words: str
    message: str

    @property
    def answer(self) -> PolicySummary | None:
        """The answer by default: that of the randomised trials alone."""
        return next((stratum.summary for stratum in self.strata if stratum.design == "rct"), None)


_JUMP = (
    "at weight 0 only the randomised trials count as studies, so the interval jumps there; it allows for as"
    " many studies as there are, whatever little weight some have"
)


def stratify(
    y: ArrayLike,
    v: ArrayLike,
    designs: Sequence[str],
    *,
    measure: str,
    weight: float | None = None,
    n: ArrayLike | None = None,
    mu_prior: Normal | None = None,
    worth_it: float | None = None,
    level: float = 0.95,
) -> Strata:
    """Sum up each design on its own; on request give comparisons without randomisation a weight.

    y, v: (k,) effects and variances; NaN in either is a study without a usable effect. designs: (k,) each one
    of `STRATA`. weight: from 0 to 1, None for no borrowing. n, mu_prior, worth_it, level: as in
    `policy.summarise`.

    Power prior: the likelihood of a study raised to the power a, which for a normal effect is its
    variance divided by a (Ibrahim & Chen 2000, Stat Sci 15:46-60). The spread between studies is the same
    for both designs. Raises ValueError naming the argument for values that do not fit.
    """
    check_level(level)
    effects, variances = np.asarray(y, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if effects.ndim != 1 or effects.shape != variances.shape or effects.size != len(designs):
        raise ValueError("designs: give one design for each study")
    for design in designs:
        check_choice("designs", design, DesignStratum)
    if weight is not None and not 0 <= weight <= 1:
        raise ValueError(f"weight: must lie between 0 and 1, not {weight}")
    of = np.array(designs, dtype=np.str_)
    usable = np.isfinite(effects) & np.isfinite(variances)
    table = _Table(
        effects,
        variances,
        None if n is None else np.asarray(n, dtype=np.float64),
        _Reading(measure, mu_prior, worth_it, level),
    )
    strata = tuple(_stratum(design, of == design, usable, table) for design in STRATA if design in of)
    trials, others = usable & (of == "rct"), usable & (of == "non_randomised")
    message, borrowed = "", None
    if weight is not None:
        message = _NO_TRIALS if not trials.any() else _NO_WEIGHTS if not others.any() else ""
        borrowed = None if message else _borrow(table, trials, others, weight)
    return Strata(strata, borrowed, _words(strata, borrowed), message)


class _Reading(NamedTuple):
    """How each answer is read; see `policy.summarise`."""

    measure: str
    mu_prior: Normal | None
    worth_it: float | None
    level: float


class _Table(NamedTuple):
    """Effects y, variances v (k,) and people n (k,) or None."""

    y: Array
    v: Array
    n: Array | None
    reading: _Reading

    def weighed(self, weight: Array) -> _Table:
        """The table with each study counting as this part (k,) of itself."""
        return self._replace(v=self.v / weight, n=None if self.n is None else self.n * weight)

    def summary(self, rows: NDArray[np.bool_]) -> PolicySummary:
        """The policy's answer for some rows."""
        people = None if self.n is None else self.n[rows]
        return summarise(self.y[rows], self.v[rows], n=people, **self.reading._asdict())

    def prior_scale(self, rows: NDArray[np.bool_]) -> float:
        """Scale of the policy's half-normal prior of tau for some rows."""
        if self.n is None or scale_of(self.reading.measure, with_people=True) != "own_unit":
            return 0.5
        return half_standard_deviation(self.v[rows], self.n[rows])


def _stratum(
    design: DesignStratum, listed: NDArray[np.bool_], usable: NDArray[np.bool_], table: _Table
) -> Stratum:
    rows = listed & usable
    compares = design in ("rct", "non_randomised")
    counted = compares or table.reading.measure in SINGLE_GROUP
    return Stratum(
        design=design,
        words=STRATA[design],
        k=int(rows.sum()),
        k_listed=int(listed.sum()),
        may_enter="first" if design == "rct" else "on request" if compares else "never",
        reason=REASONS[design],
        summary=table.summary(rows) if counted and rows.any() else None,
    )


def _borrow(table: _Table, trials: NDArray[np.bool_], others: NDArray[np.bool_], weight: float) -> Borrowed:
    together = trials | others
    counting = table.weighed(np.where(others, weight, 1.0)) if weight else table
    return Borrowed(
        weight=weight,
        summary=counting.summary(together if weight else trials),
        curve=_curve(table, trials, others, _method(table, together), counting.prior_scale(together)),
    )


def _curve(
    table: _Table, trials: NDArray[np.bool_], others: NDArray[np.bool_], method: MethodId, tau_scale: float
) -> Curve:
    """The answer against the weight, by one method and with one prior of tau all along."""
    jump = _JUMP if method in CLASSICAL else ""
    labels = Labels("power_prior_weight", _WEIGHT_WORDS, method, METHOD_NAMES[method], jump)
    reading = table.reading
    question = Question(
        fixed_studies(table.y[trials], table.v[trials]), reading.mu_prior, reading.worth_it, reading.level
    )
    y, v = table.y[others], table.v[others]
    answer = AnswerWith.of(question, method, farthest=np.abs(y), least_v=v, tau_scale=tau_scale)
    if answer is None:
        return undrawn(labels, TOO_FAR)

    def at(weight: Array) -> Lines:
        with np.errstate(divide="ignore"):
            return answer(np.broadcast_to(y, (weight.size, y.size)), v / weight[:, None])

    return draw(labels, _WEIGHTS, at, question.conclusions(method))


def _method(table: _Table, rows: NDArray[np.bool_]) -> MethodId:
    """The policy's method for all studies together, which the whole curve keeps."""
    scale = scale_of(table.reading.measure, with_people=table.n is not None)
    rule = rule_for(int(rows.sum()), scale)
    if rule is None or rule.primary is None:
        raise ValueError("designs: there are not two studies to weigh")
    return rule.primary


def _words(strata: tuple[Stratum, ...], borrowed: Borrowed | None) -> str:
    by_design = {stratum.design: stratum for stratum in strata}
    others, lent = STRATA["non_randomised"], borrowed is not None and borrowed.weight > 0
    said = ["Studies of different designs were not averaged."] if not lent else []
    if borrowed is not None and lent:
        said.append(
            f"The answer is that of the {STRATA['rct']}, to which on request the {others} lend a weight of"
            f" {borrowed.weight:g}: their variance is divided by it."
        )
    elif "rct" in by_design:
        said.append(f"The answer is that of the {STRATA['rct']} alone.")
    if "non_randomised" in by_design and not lent:
        said.append(f"The {others} are summed up apart.")
    outside = [STRATA[design] for design in ("series", "report") if design in by_design]
    if outside:
        said.append(f"Not in any average, having no control group: {' and '.join(outside)}.")
    return " ".join(said)
