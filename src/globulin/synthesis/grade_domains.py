"""The five GRADE domains as rules: numbers go in, a proposed level comes out with its arithmetic in words.

GRADE leaves these judgements to people. A program can do the counting, say which line it drew and where the
line comes from, and leave the last word to a reader. Where GRADE gives no number, the line is ours and the
proposal says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from globulin.dossier.certainty import Aspect, Concern, GradeDomain
from globulin.synthesis.grading import DOMAIN_NAMES, DOWNGRADES, DomainProposal

MOST = 0.5
"""`Most of the information`: more than half of the weight."""
NOTABLE = 0.25
"""A share of high risk “sufficient to affect the interpretation”: more than a quarter of the weight."""
MISSING_SHARE = 0.2
"""Above this share of people without numbers, results count as missing."""
SUBSTANTIAL_I2 = 50.0
"""From here heterogeneity `may be substantial` (Cochrane Handbook 6.5, section 10.10.2), in percent."""
ENOUGH_FOR_PREDICTION = 5
"""A prediction interval from fewer trials is wide whatever they found."""
ENOUGH_FOR_ASYMMETRY = 10
"""Tests of funnel plot asymmetry need as many trials (Sterne et al. 2011, BMJ 343:d4002)."""
APPRECIABLE = 0.25
"""A relative change of a risk by which GRADE speaks of appreciable benefit or harm (Guyatt et al. 2011)."""


def _proposal(
    domain: GradeDomain,
    level: Concern,
    arithmetic: Sequence[str],
    thresholds: str,
    methods: Sequence[str],
) -> DomainProposal:
    return DomainProposal(
        domain=domain,
        name=DOMAIN_NAMES[domain],
        level=level,
        downgrade=DOWNGRADES[level],
        arithmetic=tuple(arithmetic),
        thresholds=thresholds,
        methods=tuple(methods),
    )


# --- risk of bias ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WeightedBias:
    """A trial's share of the weight, its overall risk of bias (None: not judged), domains with concerns."""

    name: str
    share: float
    level: str | None
    concerns: int


def propose_risk_of_bias(trials: Sequence[WeightedBias], how_weighted: str) -> DomainProposal:
    """Risk of bias by weight: how much of the information comes from trials with which risk."""
    low = sum(trial.share for trial in trials if trial.level == "low")
    high = sum(trial.share for trial in trials if trial.level == "high")
    several = sum(
        trial.share
        for trial in trials
        if trial.level is None or (trial.level == "some_concerns" and trial.concerns >= 2)
    )
    level: Concern = "not_serious"
    if high > MOST:
        level = "very_serious"
    elif high > NOTABLE or (low <= MOST and several > MOST):
        level = "serious"
    arithmetic = [
        f"Share of the weight: low risk {low:.0%}, some concerns or not judged {1 - low - high:.0%}"
        f" ({several:.0%} with concerns in two domains or more), high risk {high:.0%}.",
        "; ".join(_bias_words(trial) for trial in trials) + ".",
        how_weighted,
    ]
    thresholds = (
        "Not serious if most of the weight (more than half) is at low risk. Serious if more than half has"
        " some concerns in two domains or more, or more than a quarter is at high risk. Very serious if more"
        " than half is at high risk. The Handbook says “most information” and “sufficient to affect the"
        " interpretation”; a half and a quarter are how these words are read here."
    )
    return _proposal(
        "risk_of_bias", level, arithmetic, thresholds, ("grade_4_2011", "handbook_14", "core_grade_4_2025")
    )


def _bias_words(trial: WeightedBias) -> str:
    if trial.level is None:
        return f"{trial.name} {trial.share:.0%}, not judged"
    words = f"{trial.name} {trial.share:.0%}, {trial.level.replace('_', ' ')}"
    return f"{words} in {trial.concerns} domains" if trial.level == "some_concerns" else words


# --- inconsistency -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrialInterval:
    """Where one trial's effect lies. estimate: None where it is known only to be inside the interval."""

    name: str
    estimate: float | None
    lower: float
    upper: float


def propose_inconsistency(
    trials: Sequence[TrialInterval],
    *,
    worth_it: float,
    i2_percent: float | None,
    tau: float | None,
    prediction: tuple[float, float] | None,
) -> DomainProposal:
    """Inconsistency from signs that trials disagree: two signs are serious, three with a gap very serious.

    i2_percent and tau: None where effects are known only as ranges. prediction: interval for a new trial.
    """
    thresholds = (
        f"Five signs: I2 of {SUBSTANTIAL_I2:.0f}% or more; tau of {worth_it / 1.96:.2f} or more (then true"
        f" effects lie up to {worth_it:g}, the size worth having, on either side of their mean); trials"
        " wholly below the size worth having beside estimates at or above it; intervals that do not meet; a"
        " prediction interval that holds harm and a benefit worth having, from"
        f" {ENOUGH_FOR_PREDICTION} trials up. Serious with two signs, very serious with three if intervals do"
        " not meet. GRADE names the signs; how many it takes is chosen here."
    )
    methods = ("grade_7_2011", "handbook_10", "core_grade_3_2025")
    if len(trials) < 2:
        words = ["One trial: there is nothing that it could disagree with, so nothing is taken off."]
        return _proposal("inconsistency", "not_serious", words, thresholds, methods)
    apart = [f"{a.name} and {b.name}" for a, b in combinations(trials, 2) if _apart(a, b)]
    spread, spread_signs = _spread_signs(worth_it, i2_percent, tau)
    sides, on_both_sides = _sides(trials, worth_it)
    ahead, unpredictable = _ahead(len(trials), worth_it, prediction)
    signs = spread_signs + on_both_sides + bool(apart) + unpredictable
    level: Concern = "not_serious" if signs < 2 else "serious"
    if signs >= 3 and apart:
        level = "very_serious"
    meet = f"Intervals that do not meet: {'; '.join(apart)}." if apart else "All intervals meet."
    arithmetic = [*spread, sides, meet, ahead, f"Signs of disagreement: {signs}."]
    if len(trials) < ENOUGH_FOR_PREDICTION:
        arithmetic.append(f"With {len(trials)} trials real differences can stay unseen.")
    return _proposal("inconsistency", level, arithmetic, thresholds, methods)


def _spread_signs(worth_it: float, i2_percent: float | None, tau: float | None) -> tuple[list[str], int]:
    if i2_percent is None or tau is None:
        return ["I2 and tau cannot be computed where effects are known only as ranges."], 0
    words = f"I2 is {i2_percent:.0f}%, tau {tau:.2f} against {worth_it / 1.96:.2f}."
    return [words], (i2_percent >= SUBSTANTIAL_I2) + (tau >= worth_it / 1.96)


def _sides(trials: Sequence[TrialInterval], worth_it: float) -> tuple[str, bool]:
    """Whether some trials put the effect at the size worth having while others rule it out."""
    above = [trial.name for trial in trials if trial.estimate is not None and trial.estimate >= worth_it]
    below = [trial.name for trial in trials if trial.upper < worth_it]
    words = (
        f"Estimates at or above {worth_it:g}: {', '.join(above) or 'none'}."
        f" Wholly below it: {', '.join(below) or 'none'}."
    )
    return words, bool(above and below)


def _ahead(k: int, worth_it: float, prediction: tuple[float, float] | None) -> tuple[str, bool]:
    if prediction is None:
        return "There is no prediction interval.", False
    wide = prediction[0] < 0 and prediction[1] > worth_it
    counted = k >= ENOUGH_FOR_PREDICTION
    words = f"A new trial is expected to find {prediction[0]:.2f} to {prediction[1]:.2f}"
    return f"{words}." if counted else f"{words}; not counted with {k} trials.", wide and counted


def _apart(a: TrialInterval, b: TrialInterval) -> bool:
    return a.upper < b.lower or b.upper < a.lower


# --- indirectness ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WeightedDifference:
    """How a trial differs from the question, what its record says, and its share of the weight."""

    name: str
    share: float
    aspect: Aspect
    field: str
    """The field of the record in plain words."""
    value: str
    bearing: Literal["possible", "likely"]
    says: str


def propose_indirectness(differences: Sequence[WeightedDifference], asked: str) -> DomainProposal:
    """Indirectness by weight: how much of the information is about something else than what is asked."""
    likely = _shares(differences, ("likely",))
    any_bearing = _shares(differences, ("possible", "likely"))
    far = [aspect for aspect, share in likely.items() if share > MOST]
    # every trial differs in it; the margin is for rounding of the shares
    everywhere = [aspect for aspect, share in any_bearing.items() if share > 1 - 1e-9]
    level: Concern = "not_serious"
    if len(far) >= 2:
        level = "very_serious"
    elif far or len(everywhere) >= 2:
        level = "serious"
    arithmetic = [f"Asked: {asked}"]
    if not differences:
        arithmetic.append("No difference between the trials and the question has been declared.")
    for aspect, share in any_bearing.items():
        probable = likely.get(aspect, 0.0)
        arithmetic.append(
            f"{aspect.capitalize()}: {share:.0%} of the weight is from trials that differ, {probable:.0%}"
            " from trials where that probably changes the effect."
        )
    arithmetic += [
        f"{item.name} ({item.share:.0%}), {item.field}: {item.value}. {item.says}" for item in differences
    ]
    thresholds = (
        "Serious if more than half of the weight differs from the question in one aspect in a way that"
        " probably changes the effect, or all of it differs in two aspects in a way that could. Very serious"
        " if more than half differs in two aspects in a way that probably does. GRADE gives no numbers; these"
        " are chosen here. Whether a difference matters is declared in the dossier, with who judged it."
    )
    return _proposal("indirectness", level, arithmetic, thresholds, ("grade_8_2011",))


def _shares(differences: Sequence[WeightedDifference], bearings: tuple[str, ...]) -> dict[Aspect, float]:
    """Share of the weight, by aspect, of trials with at least one difference of such a bearing."""
    shares: dict[Aspect, dict[str, float]] = {}
    for item in differences:
        if item.bearing in bearings:
            shares.setdefault(item.aspect, {})[item.name] = item.share
    return {aspect: sum(by_trial.values()) for aspect, by_trial in shares.items()}


# --- imprecision -------------------------------------------------------------------------------------


def propose_imprecision(
    lower: float, upper: float, *, worth_it: float, people: int, needed: int, method: str
) -> DomainProposal:
    """Imprecision of a benefit in standard deviations: which sizes the interval leaves open, and who is in.

    people: who contributed numbers. needed: the optimal information size, both groups together.
    """
    crossed = [
        name for at, name in ((0.0, "no effect"), (worth_it, "the size worth having")) if lower < at < upper
    ]
    level: Concern = ("not_serious", "serious", "very_serious")[len(crossed)]
    if not crossed and people < needed:
        level = "very_serious" if people < needed / 2 else "serious"
    arithmetic = [
        f"The interval, {lower:.2f} to {upper:.2f} ({method}), holds"
        f" {' and '.join(crossed) or f'neither no effect nor {worth_it:g}, the size worth having'}.",
        f"{people:,} people contributed numbers; one trial that finds {worth_it:g} with 80% power at 5% needs"
        f" {needed:,} ({needed // 2:,} in each of two groups): {people / needed:.0%} of that.",
    ]
    thresholds = (
        f"One level for each of two lines inside the interval: 0, and {worth_it:g}, the size worth having. If"
        " neither is inside, one level for fewer people than the optimal information size and two for fewer"
        " than half of it. Guidance 34 says far less than that size; half is how it is read here."
    )
    methods = ("grade_6_2011", "grade_34_2022", "grade_35_2022", "cohen_1988")
    return _proposal("imprecision", level, arithmetic, thresholds, methods)


def propose_imprecision_of_difference(
    lower: float, upper: float, *, control_risk: float, people: int, needed: int | None
) -> DomainProposal:
    """Imprecision of a risk difference: whether it leaves open appreciably more and fewer events.

    lower, upper, control_risk: as probabilities. needed: people, both groups together, to find
    a change by a quarter of the control risk; None at a risk of 0, where there is no such change.
    """
    step = APPRECIABLE * control_risk
    fewer, more = lower < -step, upper > step
    level: Concern = "not_serious"
    if fewer and more:
        level = "very_serious"
    elif lower < 0 < upper or needed is None or people < needed:
        level = "serious"
    size = (
        "At a risk of 0 in the control group no such number can be given."
        if needed is None
        else f"{people:,} people; finding a change by a quarter of the control risk needs {needed:,}:"
        f" {people / needed:.0%} of that."
    )
    arithmetic = [
        f"The difference is {1000 * lower:.0f} to {1000 * upper:.0f} per 1,000. A quarter of the control risk"
        f" is {1000 * step:.0f} per 1,000, so {_open(fewer, more)}.",
        size,
    ]
    thresholds = (
        "Very serious if the interval holds both appreciably more and appreciably fewer, a quarter of the"
        " control risk either way. Serious if it holds no difference, or if there were fewer people than the"
        " optimal information size."
    )
    methods = ("grade_6_2011", "grade_34_2022", "newcombe_1998", "fleiss_2003")
    return _proposal("imprecision", level, arithmetic, thresholds, methods)


def _open(fewer: bool, more: bool) -> str:
    if fewer and more:
        return "both appreciably more and appreciably fewer are left open"
    if fewer or more:
        return f"only appreciably {'more' if more else 'fewer'} is left open"
    return "neither appreciably more nor appreciably fewer is left open"


# --- missing results ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Silence:
    """Who is in trials whose numbers are not known.

    trials, people: all controlled trials that looked at this, and the people in them. silent, silent_people:
    those without numbers, left out or set to a guess. as_ranges, as_ranges_people: those that the answer lets
    be anything they could have been. unknown_size: more silent trials, whose number of people is not known.
    """

    trials: int
    people: int
    silent: tuple[str, ...]
    silent_people: int
    as_ranges: tuple[str, ...]
    as_ranges_people: int
    unknown_size: tuple[str, ...]


def propose_missing_results(silence: Silence, flips: Sequence[str] = ()) -> DomainProposal:
    """Missing results: how many people are in trials whose numbers are not known, and would they matter.

    flips: sentences on where the answer would turn.
    """
    share = silence.silent_people / silence.people if silence.people else 0.0
    level: Concern = "serious" if share > MISSING_SHARE else "not_serious"
    arithmetic = [
        f"{silence.silent_people:,} of {silence.people:,} people ({share:.0%}) are in trials whose numbers"
        f" are not known and which this answer leaves out or sets to a guess:"
        f" {', '.join(silence.silent) or 'none'}.",
    ]
    if silence.unknown_size:
        arithmetic.append(
            f"Not in this count, since how many people took part is not known:"
            f" {', '.join(silence.unknown_size)}."
        )
    if silence.as_ranges:
        arithmetic.append(
            f"{', '.join(silence.as_ranges)} ({silence.as_ranges_people:,} people) may be anything that they"
            " could have found; that doubt is in the interval already and is not counted twice."
        )
    arithmetic += flips
    if silence.trials < ENOUGH_FOR_ASYMMETRY:
        arithmetic.append(
            f"Tests of asymmetry (Egger and others) tell nothing with {silence.trials} trials; they need"
            f" {ENOUGH_FOR_ASYMMETRY}."
        )
    thresholds = (
        f"Serious if more than {MISSING_SHARE:.0%} of the people are in trials whose numbers are not known"
        " and which the answer leaves out or sets to a guess. One level at most. GRADE gives no share; it is"
        " chosen here."
    )
    methods = ("grade_5_2011", "handbook_13", "sterne_2011")
    return _proposal("missing_results", level, arithmetic, thresholds, methods)
