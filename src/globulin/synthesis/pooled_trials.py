"""The trials of a dossier as arrays, ready to be pooled in every way that an answer needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from globulin.synthesis.arguments import Array
from globulin.synthesis.empirical_priors import rhodes
from globulin.synthesis.measures import smd_variance
from globulin.synthesis.opinions import WORTH_IT_SMD
from globulin.synthesis.policy import PolicySummary, summarise
from globulin.synthesis.priors import Normal
from globulin.synthesis.readings import Z95, TrialEffect
from globulin.synthesis.summaries import MethodId, Studies, Summary, run

Opinion: TypeAlias = tuple[Normal, str]
"""A prior of the mean effect, and the same in words."""

CAUTIOUS: MethodId = "bayes_half_normal_0.5"

EMPIRICAL = rhodes("symptoms", "drug_placebo", "other")
"""The kind of earlier meta-analyses that these trials are nearest to."""


@dataclass(frozen=True)
class PooledTrials:
    """Trials with a number, and silent ones: known only inside a bound. Both by year."""

    numbers: tuple[TrialEffect, ...]
    silent: tuple[TrialEffect, ...]

    @classmethod
    def of(cls, effects: Iterable[TrialEffect]) -> PooledTrials:
        """Split by whether there is a number."""
        known = tuple(effects)
        return cls(
            tuple(effect for effect in known if effect.smd is not None),
            tuple(effect for effect in known if effect.smd is None),
        )

    @property
    def y(self) -> Array:
        """Effects of the trials with a number."""
        return np.array([effect.smd for effect in self.numbers], dtype=np.float64)

    @property
    def v(self) -> Array:
        """Their variances."""
        return np.array([effect.se**2 for effect in self.numbers])

    @property
    def bound(self) -> Array:
        """Bounds of the silent trials."""
        return np.array([effect.bound for effect in self.silent], dtype=np.float64)

    @property
    def bound_se(self) -> Array:
        """Standard errors that the silent trials would have had at no difference."""
        return np.array([effect.se for effect in self.silent])

    @property
    def people(self) -> Array:
        """People in each silent trial."""
        return np.array([float(effect.n_active + effect.n_control) for effect in self.silent])

    def at_zero(self) -> PooledTrials:
        """The silent trials taken for trials that found exactly nothing."""
        return PooledTrials((*self.numbers, *(replace(effect, smd=0.0) for effect in self.silent)), ())

    def summary(self, opinion: Opinion, *, alone: bool = False) -> PolicySummary:
        """The answer by the policy, under one opinion about the mean effect; the primary one `alone`."""
        prior, words = opinion
        return summarise(
            self.y,
            self.v,
            measure="SMD",
            censored_bound=self.bound if self.silent else None,
            censored_se=self.bound_se if self.silent else None,
            mu_prior=prior,
            mu_words=words,
            worth_it=WORTH_IT_SMD,
            empirical=EMPIRICAL,
            alone=alone,
        )

    def cautious(self, opinion: Opinion) -> Summary:
        """The Bayesian answer with the cautious prior of tau, whatever the policy puts first."""
        studies = Studies(
            self.y,
            self.v,
            np.empty(0),
            self.bound,
            self.bound_se,
            mu_prior=opinion[0],
            worth_it=WORTH_IT_SMD,
            level=0.95,
            empirical=None,
        )
        return run(CAUTIOUS, studies)


def given_numbers(effects: Iterable[TrialEffect], as_if: Mapping[str, float]) -> tuple[TrialEffect, ...]:
    """The effects with a what-if number for some silent trials, by study id.

    Raises ValueError for a trial that is not silent, and for a number outside its not-significant range.
    """
    known = tuple(effects)
    silent = {effect.study: effect for effect in known if effect.smd is None}
    for study, smd in as_if.items():
        if study not in silent:
            choices = ", ".join(silent) or "there is none"
            raise ValueError(
                f"as_if: {study} is not a trial known only as 'not significant'; those are: {choices}"
            )
        bound = silent[study].bound or 0.0
        if not abs(smd) <= bound:
            raise ValueError(
                f"as_if: {silent[study].name} found no significant difference, so its effect lay within"
                f" {bound:.3f} of zero; {smd:g} does not"
            )
    return tuple(
        _with_number(effect, as_if[effect.study]) if effect.study in as_if else effect for effect in known
    )


def _with_number(effect: TrialEffect, smd: float) -> TrialEffect:
    n1, n2 = (np.asarray(n, dtype=np.float64) for n in (effect.n_active, effect.n_control))
    se = float(smd_variance(np.asarray(smd), n1, n2)) ** 0.5
    step = f"as if it had found {smd:g}: a what-if of the reader's, inside the range that is known"
    return replace(
        effect,
        smd=smd,
        se=se,
        ci_lower=smd - Z95 * se,
        ci_upper=smd + Z95 * se,
        bound=None,
        derivation=(*effect.derivation, step),
    )
