"""Parts of answers that may come out as "the trials do not say".

A classical fit or why there is none, the priors of differences, and when a question counts as decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from globulin.synthesis.bayes_regression import Learnt
from globulin.synthesis.dose_response import Refusal, RefusalCode, Trend, WithinTrials
from globulin.synthesis.emax import EmaxFit
from globulin.synthesis.opinions import PRIORS
from globulin.synthesis.priors import Normal

VAGUE, VAGUE_WORDS = PRIORS["vague"]
"""Prior of an effect, the same as in the main answer."""

DIFFERENCE_PRIORS: Mapping[str, tuple[Normal, str]] = {
    "cautious": (
        Normal(0.0, 0.5),
        "beforehand either direction is as likely, by at most one standard deviation (95%)",
    ),
    "vague": (VAGUE, "almost no opinion beforehand: differences up to four standard deviations allowed"),
}
"""Of the difference between two doses or two groups of people. The first speaks first."""

DECIDED = 0.975
"""A question counts as answered when one direction has this probability under every prior."""


@dataclass(frozen=True)
class NumbersOnly:
    """A classical fit to printed numbers alone, or why there is none.

    k: effects with a number. slope: what `title` says, with its interval. code, refused: why there is no fit,
    for programs and for readers. message: what a reader must know about the fit, or "".
    """

    title: str
    k: int
    slope: float | None
    ci_lower: float | None
    ci_upper: float | None
    p_value: float | None
    code: RefusalCode | None
    refused: str | None
    message: str


def numbers_only(title: str, k: int, fit: Trend | WithinTrials | EmaxFit | Refusal) -> NumbersOnly:
    """A fit or its refusal, in the shape that all share; of an Emax curve the Emax, without an interval."""
    match fit:
        case Refusal(code, reason):
            return NumbersOnly(title, k, None, None, None, None, code, reason, "")
        case EmaxFit():
            return NumbersOnly(title, k, fit.emax, None, None, None, None, None, fit.message)
        case Trend():
            message = str(fit.regression.message)
        case WithinTrials():
            message = fit.message
    numbers = (fit.slope, fit.ci_lower, fit.ci_upper, fit.p_value)
    return NumbersOnly(title, k, *numbers, None, None, message)


def decided(findings: Iterable[Learnt]) -> bool:
    """Whether all agree, and are sure enough, on one direction."""
    above = [learnt.posterior.probability_above_zero for learnt in findings]
    return bool(above) and (min(above) >= DECIDED or max(above) <= 1 - DECIDED)


def learnt_words(learnt: Learnt, what: str) -> str:
    """How far the trials moved a probability, and how much of the width of the interval they left."""
    before, after = (m.probability_above_zero for m in (learnt.prior, learnt.posterior))
    return (
        f"With the silent trials as ranges, the probability that {what} moves from {before:.0%} to"
        f" {after:.0%}, and its interval keeps {learnt.width_ratio:.0%} of the width it had before them."
    )


def listed(words: Iterable[str]) -> str:
    """Words joined as in a sentence: `a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
