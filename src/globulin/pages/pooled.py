"""A table of one's own, pooled, in a terminal: every study, summaries side by side, what is left open."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, isfinite, log10

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from scipy import special

from globulin.methods import METHODS
from globulin.pages import words
from globulin.pages.study_words import flip_words
from globulin.synthesis.own_table import PRIOR_SCALE, PooledTable, StudyEffect
from globulin.synthesis.policy import Summary
from globulin.synthesis.pooling import Pooled
from globulin.synthesis.without_each import Without

MEASURES = {
    "OR": "log odds ratio",
    "RR": "log risk ratio",
    "RD": "risk difference",
    "PETO": "log odds ratio by Peto's method",
    "AS": "arcsine difference of risks",
    "MD": "mean difference",
    "SMD": "standardised mean difference, Hedges g",
    "SMDH": "standardised mean difference, unequal variances",
    "ROM": "log ratio of means",
    "VR": "log ratio of standard deviations",
    "CVR": "log ratio of coefficients of variation",
    "PLO": "log odds of a proportion",
    "PLN": "log of a proportion",
    "PR": "proportion",
    "PAS": "arcsine of a proportion",
    "PFT": "double arcsine of a proportion",
    "COR": "correlation",
    "ZCOR": "correlation, Fisher's z",
    "UCOR": "correlation, bias removed",
    "IRR": "log rate ratio",
    "IRD": "rate difference",
    "IRSD": "difference of root rates",
    "HR": "log hazard ratio",
    "GEN": "effects as given",
}
"""What each measure is, in words."""
INTERVALS = {
    "wald": "Wald",
    "t": "t",
    "HKSJ": "Hartung-Knapp",
    "HKSJ-guarded": "Hartung-Knapp, never narrower than t",
}
NOT_SHOWN = (
    "whether the studies asked the same question, how biased each of them is, which studies or results are"
    " missing, or what would happen to any one person. The weight of a study is not its quality."
)
MOST_ROWS = 200
_PLAIN_SCALE: dict[str, tuple[str, Callable[[float], float]]] = {
    **dict.fromkeys(("OR", "PETO"), ("odds ratio", np.exp)),
    "RR": ("risk ratio", np.exp),
    "IRR": ("rate ratio", np.exp),
    "HR": ("hazard ratio", np.exp),
    "ROM": ("ratio of means", np.exp),
    "VR": ("ratio of standard deviations", np.exp),
    "CVR": ("ratio of coefficients of variation", np.exp),
    "PLN": ("proportion", np.exp),
    "PLO": ("proportion", special.expit),
    "ZCOR": ("correlation", np.tanh),
}


def pooled_view(result: PooledTable, file: str, *, methods: bool = False) -> RenderableType:
    """The studies, the summaries, what the choice rests on, and what they do not show.

    `methods` adds a methods section with its references.
    """
    notes = [
        *_why(result),
        *_heterogeneity(result),
        *_plain_scale(result),
        *_designs(result),
        *_without(result),
        *_remarks(result),
        *(_methods(result) if methods else ()),
    ]
    return Group(
        _study_table(result, file),
        _summary_table(result),
        *(Text(note) for note in notes),
        Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"),
    )


def _study_table(result: PooledTable, file: str) -> Table:
    title = f"{file}: {result.measure}, {MEASURES[result.measure]}"
    table = Table(title=Text(title), title_justify="left")
    table.add_column("study", overflow="fold")
    for heading in ("effect", f"{100 * result.level:g}% interval", "weight"):
        table.add_column(heading, justify="right")
    show = _decimals(result)
    for row in result.studies[:MOST_ROWS]:
        table.add_row(*_study_cells(row, show))
    return table


def _study_cells(row: StudyEffect, show: Callable[[float], str]) -> tuple[str | Text, ...]:
    name = Text(f"{row.study} *" if row.corrected else row.study)
    if not isfinite(row.estimate):
        return (name, "no effect", "", "not pooled")
    interval = f"{show(row.ci_lower)} to {show(row.ci_upper)}"
    return (name, show(row.estimate), interval, f"{100 * row.weight:.1f}%")


def _summary_table(result: PooledTable) -> Table:
    table = Table(title=f"Pooled, {words.counted(result.pooled.k, 'study', 'studies')}", title_justify="left")
    table.add_column("summary", overflow="fold")
    for heading in ("effect", f"{100 * result.level:g}% interval", "a new study", "p"):
        table.add_column(heading, justify="right")
    show = _decimals(result)

    def reach(low: float | None, high: float | None) -> str:
        return "" if low is None or high is None or not isfinite(low) else f"{show(low)} to {show(high)}"

    named = set()
    for summary in result.policy.summaries if result.policy is not None else ():
        first = summary is (result.policy.primary if result.policy else None)
        named.add(summary.id)
        table.add_row(
            f"{summary.name}, speaks first" if first else summary.name,
            show(summary.estimate),
            reach(summary.ci_lower, summary.ci_upper),
            reach(summary.prediction_lower, summary.prediction_upper),
            "" if summary.p_value is None else _p(summary.p_value),
        )
    for name, pooled in _classical(result).items():
        interval = reach(pooled.ci_lower, pooled.ci_upper)
        new = reach(pooled.prediction_lower, pooled.prediction_upper)
        table.add_row(name, show(pooled.estimate), interval, new, _p(pooled.p_value))
    if result.bayes is not None and "bayes_half_normal_0.5" not in named:
        interval = reach(result.bayes.ci_lower, result.bayes.ci_upper)
        new = reach(result.bayes.predictive_lower, result.bayes.predictive_upper)
        name = f"Bayes, half-normal({PRIOR_SCALE}) prior of tau"
        table.add_row(name, show(result.bayes.median), interval, new, "")
    return table


def _classical(result: PooledTable) -> dict[str, Pooled]:
    """The classical summaries that stand in every table; of one study there is only its own."""
    if result.pooled.k == 1:
        return {} if result.policy is not None else {"the study itself, Wald": result.wald}
    chosen = f"{result.tau2_method}, {INTERVALS[result.ci_method]}"
    return {chosen: result.pooled, f"{result.tau2_method}, Wald": result.wald}


def _why(result: PooledTable) -> list[str]:
    """Why the summary that speaks first does, and which methods these studies do not allow."""
    if result.policy is None:
        return []
    primary, worth_it = result.policy.primary, result.policy.worth_it
    chance = primary.probability_worth_it if primary is not None else None
    worth = []
    if chance is not None and worth_it is not None:
        size = f"above {worth_it:g}, the size worth having"
        worth.append(f"Chance that the mean effect is {size}: {words.probability(chance)}.")
    absent = [f"{method.name} {method.reason}" for method in result.policy.not_defined]
    return [result.policy.reason, *worth, *([f"Not given: {'; '.join(absent)}."] if absent else [])]


def _designs(result: PooledTable) -> list[str]:
    """Every design on its own, and the answer with borrowed weight where it was asked for."""
    if result.strata is None:
        return []
    lines = [result.strata.words] if result.strata.words else []
    show = _decimals(result)
    for stratum in result.strata.strata:
        text = f"{words.capital(stratum.words)}: {stratum.k} of {stratum.k_listed} with an effect."
        summary = stratum.summary.primary if stratum.summary is not None else None
        if summary is not None:
            alone = f"{show(summary.estimate)} ({show(summary.ci_lower)} to {show(summary.ci_upper)})"
            text += f" Alone: {alone}, {summary.name}."
        lines.append(f"{text} {stratum.reason}")
    borrowed = result.strata.borrowed
    if borrowed is not None and borrowed.summary.primary is not None:
        first = borrowed.summary.primary
        together = f"{show(first.estimate)} ({show(first.ci_lower)} to {show(first.ci_upper)})"
        lines.append(f"With weight {borrowed.weight:g} for comparisons without randomisation: {together}.")
        lines += [f"  Weight: {flip_words(flip)}" for flip in borrowed.curve.flips]
    return [*lines, *([words.sentence(result.strata.message)] if result.strata.message else [])]


def _without(result: PooledTable) -> list[str]:
    """How far the answer moves when one study is left out."""
    if not result.left_out:
        return []
    show = _decimals(result)
    low, high = (pick(result.left_out, key=lambda each: each.estimate) for pick in (min, max))

    def told(each: Without) -> str:
        interval = f"{show(each.ci_lower)} to {show(each.ci_upper)}"
        return f"{show(each.estimate)} ({interval}) without {result.studies[each.index].study}"

    return [f"Leaving out one study at a time: from {told(low)} to {told(high)}."]


def _methods(result: PooledTable) -> list[str]:
    """A methods section that can be copied, with its references."""
    cited = {method.id: method.citation for method in METHODS}
    lines = [f"Methods, from what was run: {result.methods_text.text}"]
    return [*lines, *(f"  {cited[name]}" for name in result.methods_text.methods)]


def _heterogeneity(result: PooledTable) -> list[str]:
    pooled, show = result.pooled, _decimals(result)
    if pooled.k == 1:
        return []
    percent = f"{100 * result.level:g}%"
    tau2 = f"tau2 {words.number(pooled.tau2)}"
    if isfinite(pooled.tau2_ci_lower):
        low, high = words.number(pooled.tau2_ci_lower), words.number(pooled.tau2_ci_upper)
        tau2 += f" (Q-profile {percent} interval {low} to {high})"
    lines = [
        f"Between studies: {tau2}, I2 {pooled.i2:.0f}%, H2 {words.number(pooled.h2)};"
        f" Q {words.number(pooled.q, 4)} on {pooled.k - 1} degrees of freedom, p {_p(pooled.q_p_value)}."
    ]
    if isfinite(pooled.prediction_lower):
        lines.append(
            f"True effect in a new study, {percent} prediction interval:"
            f" {show(pooled.prediction_lower)} to {show(pooled.prediction_upper)}"
            f" ({_convention(result)}, estimate \N{PLUS-MINUS SIGN} quantile \N{MULTIPLICATION SIGN}"
            " \N{SQUARE ROOT}(tau2 + se2))."
        )
    if result.bayes is not None:
        low, high = show(result.bayes.predictive_lower), show(result.bayes.predictive_upper)
        lines.append(f"The same by the Bayesian summary: {low} to {high}.")
    return lines


def _convention(result: PooledTable) -> str:
    if result.ci_method == "wald":
        return "normal"
    return f"t with k \N{MINUS SIGN} 1 = {result.pooled.k - 1} degrees of freedom"


def _plain_scale(result: PooledTable) -> list[str]:
    if result.measure not in _PLAIN_SCALE:
        return []
    name, back = _PLAIN_SCALE[result.measure]

    def read(summary: Pooled | Summary) -> str:
        with np.errstate(over="ignore"):
            middle, low, high = map(back, (summary.estimate, summary.ci_lower, summary.ci_upper))
        return f"{words.number(middle)} ({words.number(low)} to {words.number(high)})"

    if result.policy is not None and result.policy.primary is not None:
        return [f"Read as {name}, by the summary that speaks first: {read(result.policy.primary)}."]
    if result.pooled.k == 1:
        return [f"Read as {name}: {read(result.wald)}."]
    chosen, wald = f"{INTERVALS[result.ci_method]} {read(result.pooled)}", f"Wald {read(result.wald)}"
    return [f"Read as {name}: {'; '.join(dict.fromkeys((chosen, wald)))}."]


def _remarks(result: PooledTable) -> list[str]:
    remarks = [words.sentence(result.pooled.message)] if result.pooled.message else []
    remarks += [words.sentence(result.no_bayes)] if result.no_bayes else []
    if result.bayes is not None and result.bayes.message:
        remarks.append(f"Bayes: {result.bayes.message}.")
    for names, said in (
        (result.corrected, "* An empty cell: 0.5 was added to every cell of these"),
        (result.without_events, "Nobody had the event in these"),
        (result.unusable, "Not pooled, because this measure does not exist for these"),
    ):
        if names:
            remarks.append(f"{said}: {_few(names)}.")
    if len(result.studies) > MOST_ROWS:
        remarks.append(f"The first {MOST_ROWS} of {len(result.studies):,} studies are shown; --json has all.")
    return remarks


def _few(names: tuple[str, ...], most: int = 20) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


def _decimals(result: PooledTable) -> Callable[[float], str]:
    """Two figures of the pooled standard error, at least two decimals; powers of ten beyond that."""
    se = result.wald.se
    places = max(2, 1 - floor(log10(se))) if isfinite(se) and se > 0 else 2

    def show(value: float) -> str:
        if places > 7 or abs(value) >= 1e7:
            return f"{value:.3g}".replace("-", words.MINUS)
        return words.fixed(value, places)

    return show
