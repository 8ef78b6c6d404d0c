"""How far the answer of the trials hangs on priors, on silent trials, on unusable ones, and on the year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from globulin.dossier.provenance import known
from globulin.dossier.study import Study
from globulin.synthesis.missing_results import MissingResults, missing_results
from globulin.synthesis.new_trial import NewTrial, new_trial
from globulin.synthesis.opinions import TAU_PRIOR, WORTH_IT_SMD
from globulin.synthesis.policy import PolicySummary
from globulin.synthesis.pooled_trials import Opinion, PooledTrials
from globulin.synthesis.readings import TrialEffect
from globulin.synthesis.robustness import PriorRobustness, prior_robustness


@dataclass(frozen=True)
class CumulativeStep:
    """The answer as it stood at the end of a year. added: names of the trials of that year.

    year: None for the last step, where the year of its trials is not known.
    """

    year: int | None
    added: tuple[str, ...]
    k: int
    summary: PolicySummary


@dataclass(frozen=True)
class HypotheticalSize:
    """What an unusable trial would need to show if it had this many people in two equal groups."""

    n: int
    needed: NewTrial


@dataclass(frozen=True)
class UnusableTrial:
    """A randomised trial without a usable result, and what it could have changed.

    n: people compared, where known. needed: what it would need to show to flip each conclusion; its message
    says so where its size is not known. supposed: the same for the size of the smallest and of the largest
    pooled trial, where its own size is not known.
    """

    study: str
    name: str
    reason: str
    n: int | None
    needed: NewTrial
    supposed: tuple[HypotheticalSize, ...]
    sources: tuple[str, ...]


def along_priors(trials: PooledTrials, opinion: Opinion) -> PriorRobustness:
    """The answer as the priors of the spread and of the mean vary."""
    return prior_robustness(
        trials.y,
        trials.v,
        worth_it=WORTH_IT_SMD,
        tau_prior=TAU_PRIOR,
        mu_prior=opinion[0],
        censored_bound=trials.bound if trials.silent else None,
        censored_se=trials.bound_se if trials.silent else None,
    )


def along_silence(trials: PooledTrials, opinion: Opinion) -> MissingResults | None:
    """The answer for everything that the silent trials may have found; None where no trial is silent."""
    if not trials.silent:
        return None
    return missing_results(
        trials.y,
        trials.v,
        bound=trials.bound,
        se=trials.bound_se,
        people=trials.people,
        mu_prior=opinion[0],
        worth_it=WORTH_IT_SMD,
    )


def by_year(
    studies: Iterable[Study], effects: Sequence[TrialEffect], main: PolicySummary, opinion: Opinion
) -> list[CumulativeStep]:
    """The answer after each year in which a pooled trial was published (Lau et al. 1992).

    effects: by year, those without one last. main: the answer over all of them; earlier ones have the primary
    summary alone.
    """
    years = {study.id: study.citation.year for study in studies}
    steps, so_far = [], list[TrialEffect]()
    for year, group in groupby(effects, key=lambda effect: years[effect.study]):
        added = list(group)
        so_far += added
        everything = len(so_far) == len(effects)
        summary = main if everything else PooledTrials.of(so_far).summary(opinion, alone=True)
        steps.append(CumulativeStep(year, tuple(effect.name for effect in added), len(so_far), summary))
    return steps


def unusable_trial(study: Study, trials: PooledTrials, opinion: Opinion) -> UnusableTrial:
    """What a trial that cannot be pooled would need to have shown to flip the answer of the others."""
    compared = [arm for arm in study.arms if arm.role in ("active", "control")]
    sizes = [known(arm.n_analysed) or known(arm.n_randomised) for arm in compared]
    n = sum(size for size in sizes if size) if sizes and all(sizes) else None
    pooled = sorted(effect.n_active + effect.n_control for effect in (*trials.numbers, *trials.silent))
    supposed = () if n else tuple(dict.fromkeys((pooled[0], pooled[-1])))
    return UnusableTrial(
        study=study.id,
        name=study.name,
        reason=study.poolability_reason,
        n=n,
        needed=_needed(n, trials, opinion),
        supposed=tuple(HypotheticalSize(size, _needed(size, trials, opinion)) for size in supposed),
        sources=tuple(study.sources),
    )


def _needed(n: int | None, trials: PooledTrials, opinion: Opinion) -> NewTrial:
    return new_trial(
        trials.y,
        trials.v,
        # two equal groups: 1/(n/2) + 1/(n/2)
        se=None if n is None else 2 / n**0.5,
        people=n,
        censored_bound=trials.bound if trials.silent else None,
        censored_se=trials.bound_se if trials.silent else None,
        mu_prior=opinion[0],
        worth_it=WORTH_IT_SMD,
    )
