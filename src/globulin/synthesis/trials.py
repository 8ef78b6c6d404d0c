"""What the controlled trials of a dossier say, how far that can be trusted, and what it hangs on.

The one door from study records to answers. The trials are read and pooled in three ways (`trial_answers`);
the answer that uses all that is known is then tried against priors, against all that silent and unusable
trials may have found, and against the choice of outcome, illness and design.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from globulin.dossier.study import RANDOMISED, Study
from globulin.synthesis.methods_text import MethodsText, Run, methods_text
from globulin.synthesis.missing_results import MissingResults
from globulin.synthesis.opinions import PRIORS, TAU_PRIOR, WORTH_IT_SMD
from globulin.synthesis.pooled_trials import Opinion, PooledTrials, given_numbers
from globulin.synthesis.readings import OutsideEffect, TrialEffect, outside_effects, trial_effect
from globulin.synthesis.robustness import PriorRobustness
from globulin.synthesis.trial_answers import (
    ANSWERS,
    MAIN,
    Answer,
    AnswerId,
    Bayes,
    Frequentist,
    trial_answer,
)
from globulin.synthesis.trial_scope import (
    CONDITIONS,
    ConditionAnswer,
    DesignStatement,
    OutcomeChoice,
    condition_answer,
    design_statement,
    outcome_choice,
)
from globulin.synthesis.trial_sensitivity import (
    CumulativeStep,
    UnusableTrial,
    along_priors,
    along_silence,
    by_year,
    unusable_trial,
)

__all__ = [
    "ANSWERS", "PRIORS", "TAU_PRIOR", "WORTH_IT_SMD", "Answer", "AnswerId", "AsIf", "Bayes", "Frequentist",
    "TrialSummary", "summarise_trials",
]  # fmt: skip


@dataclass(frozen=True)
class AsIf:
    """A what-if of the reader's: a silent trial treated as if it had found this effect.

    bound: of its not-significant range, in which the effect must lie.
    """

    study: str
    name: str
    smd: float
    bound: float
    words: str


@dataclass(frozen=True)
class TrialSummary:
    """What the controlled trials in ME/CFS and fibromyalgia say, in three answers."""

    effects: tuple[TrialEffect, ...]
    answers: tuple[Answer, ...]
    unusable: tuple[tuple[str, str], ...]
    """Randomised trials that cannot be pooled: study id and why."""
    outside: tuple[OutsideEffect, ...] = field(default=())
    worth_it_smd: float = WORTH_IT_SMD
    main: AnswerId | None = None
    """The answer that speaks first: the silent trials as far as they are known. None without an answer."""
    as_if: tuple[AsIf, ...] = field(default=())
    conditions: tuple[ConditionAnswer, ...] = field(default=())
    """The main answer for each illness, or why there is none."""
    outcomes: tuple[OutcomeChoice, ...] = field(default=())
    prior_robustness: PriorRobustness | None = None
    """Of the main answer."""
    missing: MissingResults | None = None
    """For every value the silent trials could have had; None where every trial printed its numbers."""
    unusable_trials: tuple[UnusableTrial, ...] = field(default=())
    """What each trial in `unusable` would need to have shown to flip the main answer."""
    cumulative: tuple[CumulativeStep, ...] = field(default=())
    designs: DesignStatement | None = None
    methods_text: MethodsText | None = None

    def answer(self, identifier: AnswerId) -> Answer:
        """The answer with this id."""
        return next(answer for answer in self.answers if answer.id == identifier)


def summarise_trials(
    studies: Iterable[Study],
    *,
    priors: Mapping[str, Opinion] = PRIORS,
    as_if: Mapping[str, float] | None = None,
) -> TrialSummary:
    """Effects, the three answers and all that they hang on, from all studies of a dossier in any order.

    priors: opinions about the mean effect by name, each a prior with its words; the first one is that of the
    main answer. as_if: study id to SMD, what-ifs for trials known only as not significant. Raises ValueError
    naming the argument for no prior, a trial that is not silent, or an SMD outside its range.
    """
    if not priors:
        raise ValueError("priors: give at least one opinion about the mean effect")
    supposed = {} if as_if is None else dict(as_if)
    ordered = sorted(studies, key=lambda study: (study.citation.year or 9999, study.id))
    pooled = [study for study in ordered if study.pooled is not None]
    printed = tuple(trial_effect(study) for study in pooled)
    effects = given_numbers(printed, supposed)
    # without a single printed number there is nothing to average, and nothing to hold a range against
    answered = ANSWERS if any(effect.smd is not None for effect in printed) else ()
    answers = tuple(trial_answer(identifier, effects, frozenset(supposed), priors) for identifier in answered)
    unusable = [study for study in ordered if _is_unusable(study)]
    summary = TrialSummary(
        effects=effects,
        answers=answers,
        unusable=tuple((study.id, study.poolability_reason) for study in unusable),
        outside=tuple(effect for study in ordered for effect in outside_effects(study)),
        as_if=tuple(
            _as_if(before, after)
            for before, after in zip(printed, effects, strict=True)
            if after.study in supposed
        ),
        designs=design_statement(ordered),
    )
    return replace(summary, **_scope(summary, ordered, priors), **_sensitivity(summary, ordered, priors))


def _scope(summary: TrialSummary, studies: Sequence[Study], priors: Mapping[str, Opinion]) -> dict[str, Any]:
    """The main answer by illness and by the choice of outcome."""
    opinion = next(iter(priors.values()))
    main = summary.answer(MAIN).policy if summary.answers else None
    real = {effect.study for effect in summary.effects} - {given.study for given in summary.as_if}
    return {
        "main": None if main is None else MAIN,
        "conditions": tuple(
            condition_answer(condition, studies, summary.effects, main, opinion) for condition in CONDITIONS
        ),
        "outcomes": ()
        if main is None
        else tuple(
            outcome_choice(study, summary.effects, main, opinion) for study in studies if study.id in real
        ),
    }


def _sensitivity(
    summary: TrialSummary, studies: Sequence[Study], priors: Mapping[str, Opinion]
) -> dict[str, Any]:
    """What the main answer hangs on, and the methods text of all that was run; empty without an answer."""
    if not summary.answers:
        return {}
    opinion, main = next(iter(priors.values())), summary.answer(MAIN).policy
    trials = PooledTrials.of(summary.effects)
    robustness, missing = along_priors(trials, opinion), along_silence(trials, opinion)
    unusable = tuple(unusable_trial(study, trials, opinion) for study in studies if _is_unusable(study))
    run = Run(
        main.measure,
        main.level,
        main,
        effects=_papers(summary.effects),
        prior_robustness=robustness,
        missing=missing,
        cumulative=True,
        new_trials=bool(unusable),
        opinions=tuple(priors)[1:],
    )
    return {
        "prior_robustness": robustness,
        "missing": missing,
        "unusable_trials": unusable,
        "cumulative": tuple(by_year(studies, summary.effects, main, opinion)),
        "methods_text": methods_text(run),
    }


_PAPERS = {"Hasselblad & Hedges": "hasselblad_1995", "Hedges 1981": "hedges_1981"}


def _papers(effects: Iterable[TrialEffect]) -> tuple[str, ...]:
    """The papers of the conversions, which each derivation names."""
    steps = " ".join(step for effect in effects for step in effect.derivation)
    return tuple(key for name, key in _PAPERS.items() if name in steps)


def _is_unusable(study: Study) -> bool:
    """A randomised trial in these illnesses with results of which none can be pooled."""
    ours = study.design in RANDOMISED and study.condition_group in CONDITIONS
    return ours and study.pooled is None and bool(study.outcomes)


def _as_if(before: TrialEffect, after: TrialEffect) -> AsIf:
    smd, bound = after.smd or 0.0, before.bound or 0.0
    words = (
        f"What if {after.name} had found {smd:g}? It is known only that its effect lay within {bound:.3f} of"
        " zero."
    )
    return AsIf(after.study, after.name, smd, bound, words)
