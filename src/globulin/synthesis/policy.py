"""Which summary speaks first: the rules that choose it by the number of studies and the kind of outcome.

With two to four studies the choice of method decides the answer, so it must not be made after seeing the
result. The rules stand here as data, each with its reason and its sources, and are printed with every answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from globulin.synthesis.arguments import Array, as_numbers, as_studies, check_level
from globulin.synthesis.empirical_priors import EmpiricalPrior
from globulin.synthesis.priors import Normal
from globulin.synthesis.summaries import METHOD_NAMES, MethodId, Studies, Summary, run

__all__ = [
    "METHOD_NAMES", "MOST_FOR_PRIOR", "RULES", "STANDARD", "MethodId", "NotDefined", "PolicySummary", "Rule",
    "Scale", "Summary", "rule_for", "scale_of", "summarise",
]  # fmt: skip

Scale = Literal["log_odds", "standardised", "log_ratio", "own_unit", "unknown"]
"""log_odds: log odds ratios. standardised: differences in standard deviations. log_ratio: other ratios,
log odds of one group, Fisher's z. own_unit: differences of means, with the numbers of people known. unknown:
anything else, where a prior of tau has no meaning."""

_SCALES: dict[str, Scale] = {
    **dict.fromkeys(("OR", "PETO"), "log_odds"),
    **dict.fromkeys(("SMD", "SMDH"), "standardised"),
    **dict.fromkeys(("RR", "ROM", "VR", "CVR", "PLO", "PLN", "ZCOR", "IRR", "HR"), "log_ratio"),
}
_OWN_UNIT = frozenset(("MD",))
STANDARD: tuple[Scale, ...] = ("log_odds", "standardised", "log_ratio")
"""Scales on which a half-normal(0.5) prior of tau has a meaning."""

MOST_FOR_PRIOR = 1000
"""Beyond this many studies a prior of tau no longer matters and no Bayesian summary is made."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy: from `least_k` to `most_k` (None: no end) studies on these `scales`.

    censored: whether the rule is for data in which some studies are known only inside a bound.
    primary: the method that speaks first; None where nothing may be said. beside: those always printed with
    it. reason: in plain words. methods: keys of METHODS (`globulin.methods`) that the rule rests on.
    """

    id: str
    least_k: int
    most_k: int | None
    scales: tuple[Scale, ...]
    censored: bool
    primary: MethodId | None
    beside: tuple[MethodId, ...]
    reason: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotDefined:
    """A method that would stand beside but has no answer for these data, and why."""

    id: MethodId
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """What `summarise` returns: the answer that the policy puts first and those beside it.

    measure: as in `effects.Measure`. scale: its kind. k: studies with a number; k_censored: studies known
    only inside a bound. level: of all intervals. worth_it: the size worth having, on the scale of the
    effects, or None. mu_prior: the prior of the mean effect in words. rule: None where no rule applies (no
    study). primary: None where nothing can be said, and then `message` has the reason.
    not_defined: methods that stand beside elsewhere and that these data do not allow. reason: why this
    method speaks first. methods: every method that was run and every paper the rule rests on, as keys of
    METHODS.
    """

    measure: str
    scale: Scale
    k: int
    k_censored: int
    level: float
    worth_it: float | None
    mu_prior: str
    rule: Rule | None
    primary: Summary | None
    beside: tuple[Summary, ...]
    not_defined: tuple[NotDefined, ...]
    reason: str
    methods: tuple[str, ...]
    message: str

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The primary summary, then those beside it."""
        return self.beside if self.primary is None else (self.primary, *self.beside)


# --- the rules -------------------------------------------------------------------------------------------

_FEW = (
    "With two to four studies the spread between them cannot be estimated, so an interval that takes an"
    " estimate of it for known is too narrow, and one that pays for not knowing it can be as wide as to say"
    " nothing."
)
_CAUTIOUS = (
    f"{_FEW} A prior that allows moderate to large spread says openly what is assumed; a wider prior, one"
    " from earlier meta-analyses, the modified Hartung-Knapp interval and a common effect stand beside it, so"
    " that a reader sees what hangs on the choice."
)
_OWN_UNIT_REASON = (
    f"{_FEW} On a scale in the unit of the outcome a half-normal(0.5) prior has no meaning; half a standard"
    " deviation of the outcome, read off the variances and the numbers of people, takes its place."
)
_NO_MEANING = (
    "On this scale a half-normal(0.5) prior of the spread between studies has no meaning, and no standard"
    " deviation is known to scale it by. The Hartung-Knapp interval that is never narrower than the plain"
    " one speaks first, with a common effect beside it; with so few studies neither is reliable."
)
_MANY = (
    "With five or more studies the spread between them can be estimated, with its own interval. The"
    " Hartung-Knapp interval holds its level; the guard keeps it from being narrower than the plain one where"
    " the effects happen to agree."
)
_CENSORED = (
    "Some studies are known only inside a bound. Only a summary that works with probabilities can use that;"
    " the classical ones need a number from every study."
)
_ALONE = "One study is not pooled: it speaks for itself, and nothing is known of the spread between studies."
_RANGE_ALONE = (
    "A range without any number beside it says only that no significant effect was found; there is nothing to"
    " summarise."
)
_NO_PRIOR = (
    "Some studies are known only inside a bound, and on this scale a prior of the spread between studies has"
    " no meaning; without one such studies cannot be used."
)
_ON_FEW = ("bender_2018", "friede_2017", "rover_2021")

RULES: tuple[Rule, ...] = (
    Rule(
        "one_study", 1, 1, (*STANDARD, "own_unit", "unknown"), False,
        "own_effect", (), _ALONE, (),
    ),
    Rule(
        "few_log_odds", 2, 4, ("log_odds",), False,
        "bayes_half_normal_0.5",
        ("bayes_half_normal_1", "bayes_turner", "hksj_guarded", "common_effect"),
        _CAUTIOUS, _ON_FEW,
    ),
    Rule(
        "few_standardised", 2, 4, ("standardised",), False,
        "bayes_half_normal_0.5",
        ("bayes_half_normal_1", "bayes_rhodes", "hksj_guarded", "common_effect"),
        _CAUTIOUS, _ON_FEW,
    ),
    Rule(
        "few_log_ratio", 2, 4, ("log_ratio",), False,
        "bayes_half_normal_0.5",
        ("bayes_half_normal_1", "hksj_guarded", "common_effect"),
        f"{_CAUTIOUS} For this measure no prior from earlier meta-analyses has been published.", _ON_FEW,
    ),
    Rule(
        "few_own_unit", 2, 4, ("own_unit",), False,
        "bayes_half_normal_sd", ("hksj_guarded", "common_effect"),
        _OWN_UNIT_REASON, _ON_FEW,
    ),
    Rule(
        "few_unknown", 2, 4, ("unknown",), False,
        "hksj_guarded", ("common_effect",),
        _NO_MEANING, ("bender_2018", "rover_2015"),
    ),
    Rule(
        "many", 5, None, STANDARD, False,
        "hksj_guarded", ("bayes_half_normal_0.5", "common_effect"),
        _MANY, ("inthout_2014", "jackson_2017"),
    ),
    Rule(
        "many_own_unit", 5, None, ("own_unit",), False,
        "hksj_guarded", ("bayes_half_normal_sd", "common_effect"),
        _MANY, ("inthout_2014", "jackson_2017"),
    ),
    Rule(
        "many_unknown", 5, None, ("unknown",), False,
        "hksj_guarded", ("common_effect",),
        _MANY, ("inthout_2014", "jackson_2017"),
    ),
    Rule("one_range", 1, 1, (*STANDARD, "own_unit", "unknown"), True, None, (), _RANGE_ALONE, ()),
    Rule(
        "ranges_log_odds", 2, None, ("log_odds",), True,
        "bayes_half_normal_0.5", ("bayes_half_normal_1", "bayes_turner"), _CENSORED, _ON_FEW,
    ),
    Rule(
        "ranges_standardised", 2, None, ("standardised",), True,
        "bayes_half_normal_0.5", ("bayes_half_normal_1", "bayes_rhodes"), _CENSORED, _ON_FEW,
    ),
    Rule(
        "ranges_log_ratio", 2, None, ("log_ratio",), True,
        "bayes_half_normal_0.5", ("bayes_half_normal_1",), _CENSORED, _ON_FEW,
    ),
    Rule("ranges_elsewhere", 2, None, ("own_unit", "unknown"), True, None, (), _NO_PRIOR, ()),
)  # fmt: skip
"""The policy. For any number of studies on any scale exactly one rule applies."""


_NEEDS_NUMBERS: tuple[MethodId, ...] = ("hksj_guarded", "common_effect")
_SCALE_OF_PRIOR: dict[str, Scale] = {"turner": "log_odds", "rhodes": "standardised"}


def scale_of(measure: str, *, with_people: bool = False) -> Scale:
    """The kind of scale of a measure; differences of means need the numbers of people (`with_people`)."""
    if measure in _OWN_UNIT and with_people:
        return "own_unit"
    return _SCALES.get(measure, "unknown")


def rule_for(k: int, scale: Scale, *, censored: bool = False) -> Rule | None:
    """The rule for k studies (with and without a number) on this scale; None for no study."""
    for rule in RULES:
        fits = rule.least_k <= k and (rule.most_k is None or k <= rule.most_k)
        if fits and scale in rule.scales and rule.censored == censored:
            return rule
    return None


# --- the door --------------------------------------------------------------------------------------------


def summarise(
    y: ArrayLike,
    v: ArrayLike,
    *,
    measure: str,
    n: ArrayLike | None = None,
    censored_bound: ArrayLike | None = None,
    censored_se: ArrayLike | None = None,
    mu_prior: Normal | None = None,
    mu_words: str = "",
    worth_it: float | None = None,
    empirical: EmpiricalPrior | None = None,
    level: float = 0.95,
    alone: bool = False,
) -> PolicySummary:
    """The answer that the policy puts first for these studies, and those it puts beside.

    y, v: (k,) effects and variances on the scale of `measure` (as in `effects.Measure`, or any other word for
    effects on a scale of their own); k may be 0. n: (k,) people in each study, used for differences of means
    only. censored_bound, censored_se: as in `pool_bayes`. mu_prior: prior of the mean in every Bayesian
    summary, None is flat; mu_words: the same as an opinion. worth_it: the size worth having.
    empirical: a prior of `turner` or `rhodes` for the outcome at hand; default the one for any outcome.
    alone: True runs the primary method only, for answers of which no more is shown.

    A message instead of a primary summary where nothing can be said. Raises ValueError naming the argument
    for shapes and values that do not fit.
    """
    check_level(level)
    scale = scale_of(measure, with_people=n is not None)
    if empirical is not None and scale != _SCALE_OF_PRIOR[empirical.id]:
        raise ValueError(f"empirical: the prior of {empirical.id.capitalize()} is not for {measure}")
    effects, variances, people = _with_numbers(y, v, n)
    bound, bound_se = _censored(censored_bound, censored_se)
    studies = Studies(effects, variances, people, bound, bound_se, mu_prior, worth_it, level, empirical)
    # without a number beside it no range can be held against anything, however many there are
    k = effects.size + bound.size if effects.size else min(bound.size, 1)
    rule = rule_for(k, scale, censored=bound.size > 0)
    ran, not_defined = _apply(rule, studies, alone)
    cited = [method for summary in ran for method in summary.methods]
    reason = "there is no study" if rule is None else rule.reason
    return PolicySummary(
        measure=measure,
        scale=scale,
        k=effects.size,
        k_censored=bound.size,
        level=level,
        worth_it=worth_it,
        mu_prior=mu_words or _words_of(mu_prior),
        rule=rule,
        primary=ran[0] if ran else None,
        beside=ran[1:],
        not_defined=not_defined,
        reason=reason,
        methods=tuple(dict.fromkeys((*(rule.methods if rule else ()), *cited))),
        message="" if ran else reason,
    )


def _apply(
    rule: Rule | None, studies: Studies, alone: bool
) -> tuple[tuple[Summary, ...], tuple[NotDefined, ...]]:
    """The summaries of a rule, primary first, and those of its methods that the data do not allow."""
    if rule is None or rule.primary is None:
        return (), ()
    if alone:
        return (run(rule.primary, studies),), ()
    reasons: dict[MethodId, str] = {}
    if rule.censored:
        reasons |= dict.fromkeys(_NEEDS_NUMBERS, "needs a number from every study")
    if studies.y.size > MOST_FOR_PRIOR:
        many = f"with more than {MOST_FOR_PRIOR:,} studies the prior no longer matters"
        reasons |= {method: many for method in rule.beside if method.startswith("bayes")}
    ran = tuple(run(method, studies) for method in (rule.primary, *rule.beside) if method not in reasons)
    return ran, tuple(NotDefined(method, METHOD_NAMES[method], why) for method, why in reasons.items())


def _words_of(prior: Normal | None) -> str:
    if prior is None:
        return "no opinion about the mean effect (flat)"
    return f"the mean effect is normal around {prior.mean:.3g} with standard deviation {prior.sd:.3g}"


def _with_numbers(y: ArrayLike, v: ArrayLike, n: ArrayLike | None) -> tuple[Array, Array, Array]:
    effects, variances = np.atleast_1d(as_numbers(y, "y")), np.atleast_1d(as_numbers(v, "v"))
    if effects.size:
        effects, variances = as_studies(effects, variances)
    if effects.ndim > 1:
        raise ValueError("y: one table of studies at a time")
    people = np.empty(0) if n is None else np.atleast_1d(as_numbers(n, "n"))
    if n is not None and (people.shape != effects.shape or not (people > 0).all()):
        raise ValueError("n: give a positive number of people for each study")
    return effects, variances, people


def _censored(bound: ArrayLike | None, se: ArrayLike | None) -> tuple[Array, Array]:
    if (bound is None) != (se is None):
        raise ValueError("censored_bound: studies inside a bound need both a bound and a standard error")
    if bound is None or se is None:
        return np.empty(0), np.empty(0)
    return np.atleast_1d(as_numbers(bound, "censored_bound")), np.atleast_1d(as_numbers(se, "censored_se"))
