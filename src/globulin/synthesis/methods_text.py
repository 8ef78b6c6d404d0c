"""Methods sections made from what was run, so that text and computation cannot drift apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from globulin.synthesis.missing_results import MissingResults
from globulin.synthesis.policy import PolicySummary, Rule
from globulin.synthesis.robustness import PriorRobustness
from globulin.synthesis.strata import STRATA, Strata

_MEASURES = {
    "OR": "log odds ratios",
    "RR": "log risk ratios",
    "RD": "risk differences",
    "PETO": "log odds ratios by Peto's method",
    "AS": "differences of arcsine-transformed risks",
    "MD": "mean differences",
    "SMD": "standardised mean differences",
    "SMDH": "standardised mean differences for unequal variances",
    "ROM": "log ratios of means",
    "VR": "log ratios of standard deviations",
    "CVR": "log ratios of coefficients of variation",
    "PLO": "log odds of proportions",
    "PLN": "logs of proportions",
    "PR": "proportions",
    "PAS": "arcsine-transformed proportions",
    "PFT": "double arcsine-transformed proportions",
    "COR": "correlations",
    "ZCOR": "Fisher's z of correlations",
    "UCOR": "correlations without bias",
    "IRR": "log rate ratios",
    "HR": "log hazard ratios",
    "IRD": "rate differences",
    "IRSD": "differences of square-root rates",
}

_FORMULAS = {"SMD": ("hedges_1981",)}


@dataclass(frozen=True, slots=True)
class MethodsText:
    """A methods section: sentences in order, and the papers each rests on, as keys of METHODS.

    cited: one tuple for each sentence.
    """

    sentences: tuple[str, ...]
    cited: tuple[tuple[str, ...], ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """Every paper once, in the order of first use."""
        return tuple(dict.fromkeys(method for methods in self.cited for method in methods))

    @property
    def text(self) -> str:
        """The sentences as one paragraph."""
        return " ".join(self.sentences)


class Chosen(NamedTuple):
    """A summary that the caller asked for instead of the policy's: estimator of tau2 and interval."""

    tau2: str
    ci: str


class Run(NamedTuple):
    """What was run; everything that was not is None, False, 0 or empty.

    measure, level: of the effects and of all intervals. summary: of the policy, None where the method was
    chosen. effects: papers of the conversions to effects, where the measure alone does not say. corrected:
    studies with an empty cell that was filled. not_pooled: studies without an effect. strata,
    prior_robustness, missing: results. leave_one_out, cumulative, new_trials: whether these were made.
    opinions: names of further priors of the mean. chosen: instead of the policy's method.
    """

    measure: str
    level: float
    summary: PolicySummary | None
    effects: tuple[str, ...] = ()
    corrected: int = 0
    not_pooled: int = 0
    strata: Strata | None = None
    prior_robustness: PriorRobustness | None = None
    missing: MissingResults | None = None
    leave_one_out: bool = False
    cumulative: bool = False
    new_trials: bool = False
    opinions: tuple[str, ...] = ()
    chosen: Chosen | None = None


def methods_text(run: Run) -> MethodsText:
    """A methods section of what was run, each sentence with its papers."""
    said = [*_effects(run), *_designs(run), *_summaries(run), *_sensitivity(run)]
    return MethodsText(tuple(text for text, _ in said), tuple(papers for _, papers in said))


_Said = tuple[str, tuple[str, ...]]


def _effects(run: Run) -> list[_Said]:
    measure = _MEASURES.get(run.measure, "effects as given")
    papers = run.effects or _FORMULAS.get(run.measure, ())
    said: list[_Said] = [(f"The results of the studies were expressed as {measure}.", papers)]
    if run.corrected:
        studies = _counted(run.corrected, "study", "studies")
        said.append((f"In {studies} with an empty cell, 0.5 was added to each cell.", ()))
    if run.not_pooled:
        studies = _counted(run.not_pooled, "study", "studies")
        said.append((f"{studies.capitalize()} without an effect on this scale could not be pooled.", ()))
    if run.summary is not None and run.summary.k_censored:
        known = _counted(run.summary.k_censored, "study", "studies")
        text = (
            f"{known.capitalize()} known only as not significant entered as what is known: an effect"
            " somewhere in the range in which the study's own test would not have been significant."
        )
        said.append((text, ("rover_2020",)))
    return said


def _designs(run: Run) -> list[_Said]:
    if run.strata is None:
        return []
    said: list[_Said] = [(run.strata.words, ())]
    if run.strata.borrowed is not None:
        text = (
            f"The weight of {STRATA['non_randomised']} was varied from 0 to 1 (power prior), to find where"
            " the conclusions tip."
        )
        said.append((text, ("ibrahim_chen_2000",)))
    return said


def _summaries(run: Run) -> list[_Said]:
    level = f"Intervals are {100 * run.level:g}% intervals."
    if run.chosen is not None:
        text = (
            f"The summary was chosen by the reader: between-study variance by {run.chosen.tau2}, interval by"
            f" {run.chosen.ci}."
        )
        return [(text, ()), (level, ())]
    summary = run.summary
    if summary is None or summary.rule is None or summary.primary is None:
        return [("No summary was made.", ())]
    said: list[_Said] = [
        (
            "The method that speaks first was fixed beforehand by the number of studies and the scale"
            f" ({_span(summary.rule)} on this scale): {summary.primary.name}.",
            summary.rule.methods,
        ),
        (summary.rule.reason, summary.rule.methods),
    ]
    said += [
        (f"{part.name[0].upper()}{part.name[1:]}: {part.words}.", part.methods) for part in summary.summaries
    ]
    if any(part.probability_above_zero is not None for part in summary.summaries):
        said.append((f"Prior of the mean effect ({summary.mu_prior}).", ()))
    said += [
        (f"Not defined for these studies: {refused.name} ({refused.reason}).", ())
        for refused in summary.not_defined
    ]
    return [*said, (level, ())]


def _span(rule: Rule) -> str:
    if rule.most_k is None:
        return f"{rule.least_k} or more studies"
    return "one study" if rule.most_k == 1 else f"{rule.least_k} to {rule.most_k} studies"


def _sensitivity(run: Run) -> list[_Said]:
    said: list[_Said] = []
    if run.opinions:
        names = ", ".join(run.opinions)
        text = f"The Bayesian summaries were repeated under other priors of the mean effect: {names}."
        said.append((text, ("spiegelhalter_1994",)))
    if run.prior_robustness is not None:
        scales, opinions = run.prior_robustness.spread.x, run.prior_robustness.scepticism.x
        text = (
            f"The scale of the prior of the spread was varied from {scales[0]:g} to {scales[-1]:g} and the"
            f" standard deviation of a sceptical prior of the mean from {opinions[0]:g} to {opinions[-1]:g},"
            " to find where the conclusions tip."
        )
        said.append((text, ("spiegelhalter_1994",)))
    if run.missing is not None:
        text = (
            "The answer was computed for every value that the results known only as not significant could"
            " have had: all at the same fraction of their own bound, and in every combination."
        )
        said.append((text, ()))
    if run.new_trials:
        text = (
            "For each randomised trial without a usable result it was searched what effect it would have"
            " needed to change a conclusion of the pooled model."
        )
        said.append((text, ()))
    if run.leave_one_out:
        said.append(("The summary was repeated without each study in turn.", ()))
    if run.cumulative:
        said.append(("The summary was repeated as it stood after each year.", ("lau_1992",)))
    return said


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
