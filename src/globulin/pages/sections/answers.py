"""What the trials say together: three answers, what would move them, and what they leave open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from globulin.findings import Findings
from globulin.methods import METHODS
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Figure,
    Fold,
    Heading,
    Points,
    Prose,
    Said,
    Table,
    TableRow,
    blocks,
    chart_table,
    columns,
    para,
    row,
)
from globulin.pages.charts import Chart
from globulin.pages.facts import anchor
from globulin.pages.study_words import flip_words
from globulin.synthesis.policy import Summary
from globulin.synthesis.trials import Answer, TrialSummary

FOREST_KEY = (
    ("\N{BLACK SQUARE}", "a trial that printed numbers, with its 95% interval"),
    (
        "\N{WHITE RECTANGLE}",
        "a trial known only as not significant: its effect lies somewhere in the open range",
    ),
    (
        "\N{BLACK DIAMOND}",
        "the summary that speaks first, with its 95% interval; dotted: the true effect in a new trial",
    ),
    ("\N{WHITE DIAMOND}", "summaries beside it"),
    ("%", "weight: share in the classical summary with the null trials at zero"),
    (
        "\N{LARGE CIRCLE}",
        "risk of bias: D1 allotment, D2 deviations, D3 missing results, D4 measurement, D5 selective report;"
        " + low, ~ some concerns, \N{MINUS SIGN} high",
    ),
)
_TURN_KEY = (("\N{WHITE DIAMOND}", "where the 95% interval starts or stops to hold no difference"),)
_NONE = "\N{EN DASH}"


def answers(findings: Findings, charts: Mapping[str, Chart]) -> tuple[Block, ...]:
    """The three answers: why there are three, the forest, the first summary of each, and all the rest."""
    trials = findings.trials
    if not trials.answers:
        return (Heading("Three ways to add them up", "trials-summary"), para("No trial can be pooled."))
    return blocks(
        Heading("Three ways to add them up", "trials-summary"),
        Points(
            tuple(para(answer.words, lead=f"{answer.title}.") for answer in trials.answers),
            "answers",
        ),
        para(
            "An effect is counted in standard deviations: how far the average treated person moved, against"
            f" the ordinary spread between people. About {words.number(trials.worth_it_smd)} is the size"
            " most often taken as a difference that people notice."
        ),
        _figure(charts["chart-forest"], FOREST_KEY),
        _first(trials),
        para(words.NOT_SHOWN, lead="What this does not show:"),
        _by_illness(trials),
        Fold(
            "Every method side by side",
            blocks(_reasons(trials), _meanings(trials), _all_methods(trials), _opinions(trials)),
        ),
    )


def moves(findings: Findings, charts: Mapping[str, Chart]) -> tuple[Block, ...]:
    """What would move the answer: missing results, opinions, other outcomes, the year."""
    trials = findings.trials
    if not trials.answers:
        return ()
    return blocks(
        Heading("What could change this answer", "trials-moves"),
        _missing_results(trials, charts),
        _unusable(trials),
        _another_outcome(trials),
        _priors(trials, charts),
        Fold("Year by year", (_figure(charts["chart-years"], ()),)) if "chart-years" in charts else None,
        _designs(trials),
    )


def how(findings: Findings) -> Fold | None:
    """The methods section, made from what was run, with the papers it rests on."""
    text = findings.trials.methods_text
    if text is None:
        return None
    cited = {method.id: method for method in METHODS}
    papers = tuple(para(cited[name].citation, lead=cited[name].used_for) for name in text.methods)
    return Fold("How the trials were added up: methods and papers", (para(text.text), Points(papers)))


# --- the three answers -------------------------------------------------------------------------------


def _figure(chart: Chart, key: tuple[tuple[str, str], ...]) -> Figure:
    return Figure(chart, chart_table(chart), key)


def _first(trials: TrialSummary) -> Table:
    """The summary that speaks first, of each answer."""
    rows = []
    for answer in trials.answers:
        note = f"{answer.k} trials, {answer.k_with_numbers} with numbers"
        summary = answer.policy.primary
        if summary is None:
            rows.append(
                row(Said(answer.title, note=note), Said(answer.policy.message, missing=True), *[_NONE] * 3)
            )
        else:
            rows.append(row(Said(answer.title, answer.sources, note=note), *_numbers(summary)))
    titles = columns(
        "Answer", "#Effect (95% interval)", "#True effect in a new trial", "#Chance of benefit",
        "#Chance of 0.5 or more",
    )  # fmt: skip
    first = trials.answers[0].policy.primary
    name = f" ({first.name})" if first is not None else ""
    return Table(f"The three answers by the method that speaks first{name}", titles, tuple(rows))


def _numbers(summary: Summary) -> tuple[Said, ...]:
    def known(text: str | None) -> Said:
        return Said("not defined", missing=True) if text is None else Said(text)

    lower, upper = summary.prediction_lower, summary.prediction_upper
    benefit, worth_it = summary.probability_above_zero, summary.probability_worth_it
    return (
        Said(words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper)),
        known(None if lower is None or upper is None else words.bounds(lower, upper)),
        known(None if benefit is None else words.probability(benefit)),
        known(None if worth_it is None else words.probability(worth_it)),
    )


def _by_illness(trials: TrialSummary) -> Points:
    return Points(tuple(para(answer.words, lead=f"In {answer.name}.") for answer in trials.conditions))


def _reasons(trials: TrialSummary) -> Points:
    """Why the method that speaks first was chosen, for each answer whose rule is its own."""
    seen: dict[str, str] = {}
    for answer in trials.answers:
        seen.setdefault(answer.policy.reason, answer.title)
    return Points(tuple(para(reason, lead=f"{title}.") for reason, title in seen.items()))


def _meanings(trials: TrialSummary) -> Points:
    """What each method takes for granted."""
    meant = {s.name: s.words for answer in trials.answers for s in answer.policy.summaries}
    return Points(
        tuple(para(words.sentence(text), lead=f"{words.capital(name)}:") for name, text in meant.items())
    )


def _all_methods(trials: TrialSummary) -> Table:
    rows: list[TableRow] = []
    for answer in trials.answers:
        for summary in answer.policy.summaries:
            name = Said(summary.name, note="speaks first" if summary is answer.policy.primary else "")
            spread = "\N{EN DASH}" if summary.tau is None else words.fixed(summary.tau)
            rows.append(row(Said(answer.title, answer.sources), name, *_numbers(summary), spread))
        rows.extend(
            row(
                Said(answer.title),
                Said(absent.name),
                Said(f"not defined: {absent.reason}", missing=True),
                *[_NONE] * 4,
            )
            for absent in answer.policy.not_defined
        )
        rows.extend(_classical(answer))
    titles = columns(
        "Answer", "Method", "#Effect (95% interval)", "#True effect in a new trial", "#Chance of benefit",
        "#Chance of 0.5 or more", "#Spread between trials (tau)",
    )  # fmt: skip
    return Table("The three answers by every method", titles, tuple(rows))


def _classical(answer: Answer) -> Iterator[TableRow]:
    """The two intervals that readers of other reviews look for."""
    plain = answer.frequentist
    if plain is None:
        return
    new = (
        Said(words.bounds(plain.prediction_lower, plain.prediction_upper))
        if plain.prediction_lower is not None and plain.prediction_upper is not None
        else Said("needs three trials", missing=True)
    )
    note = f"I\N{SUPERSCRIPT TWO} {plain.i2_percent:.0f}%; new trial by t on k \N{MINUS SIGN} 2"
    none = Said("needs a prior", missing=True)
    spread = words.fixed(plain.tau2**0.5)
    for name, low, high in (
        ("REML, Wald interval", plain.wald_lower, plain.wald_upper),
        ("REML, Hartung-Knapp interval", plain.hartung_knapp_lower, plain.hartung_knapp_upper),
    ):
        effect = words.estimate(plain.estimate, low, high)
        yield row(Said(answer.title), Said(name, note=note), effect, new, none, none, spread)


def _opinions(trials: TrialSummary) -> Table:
    """Each answer under the opinions that people may hold beforehand."""
    rows = tuple(
        row(
            Said(answer.title, answer.sources),
            Said(f"{words.capital(bayes.prior)}", note=bayes.prior_words),
            words.estimate(bayes.median, bayes.ci_lower, bayes.ci_upper),
            words.probability(bayes.probability_of_benefit),
            words.probability(bayes.probability_worth_it),
        )
        for answer in trials.answers
        for bayes in answer.bayes
    )
    titles = columns(
        "Answer",
        "Opinion beforehand",
        "#Effect (95% interval)",
        "#Chance of benefit",
        "#Chance of 0.5 or more",
    )
    return Table("The same trials read by people of different opinions", titles, rows)


# --- what moves them ---------------------------------------------------------------------------------


def _missing_results(trials: TrialSummary, charts: Mapping[str, Chart]) -> tuple[Block, ...]:
    missing = trials.missing
    if missing is None or "chart-missing" not in charts:
        return ()
    silent = [effect for effect in trials.effects if effect.smd is None]
    names = words.listed([effect.name for effect in silent])
    sources = tuple(source for effect in silent for source in effect.sources)
    flips = Points(tuple(para(flip_words(flip)) for flip in missing.curves[0].flips))
    return blocks(
        para(
            Said(
                f"{names} printed no numbers. Whatever they found lies inside their not-significant range."
                " The chart goes through all of that range: at the left end both found the worst that they"
                " could have, in the middle exactly nothing, at the right end the best.",
                sources,
            ),
            lead="The numbers that were never printed.",
        ),
        _figure(charts["chart-missing"], _TURN_KEY),
        Fold(
            "Where each conclusion turns, and whether any combination could turn it",
            blocks(flips, _any(trials)),
        ),
    )


def _any(trials: TrialSummary) -> Table | None:
    """Conclusions against methods: whether each holds over every combination of the missing results."""
    methods = trials.missing.combinations if trials.missing is not None else ()
    held = {
        (conclusion.words, method.name): conclusion.holds
        for method in methods
        for conclusion in method.conclusions
    }
    if not held:
        return None
    rows = tuple(
        row(
            words.sentence(words.capital(conclusion)),
            *(held.get((conclusion, method.name), _NONE) for method in methods),
        )
        for conclusion in dict.fromkeys(conclusion for conclusion, _ in held)
    )
    titles = columns("Conclusion", *(words.capital(method.name) for method in methods))
    return Table("Whether a conclusion holds, whatever the silent trials found", titles, rows)


def _unusable(trials: TrialSummary) -> Points | None:
    """What a trial without a usable result would need to have shown."""
    found: list[Prose] = []
    for trial in trials.unusable_trials:
        needs = [trial.needed] if trial.n is not None else [size.needed for size in trial.supposed]
        sizes = [f"{trial.n} people"] if trial.n is not None else [f"{s.n} people" for s in trial.supposed]
        parts = []
        for size, needed in zip(sizes, needs, strict=True):
            flip = next((f for f in needed.flips if f.conclusion == "interval_above_zero"), None)
            if flip is not None:
                least = "no effect up to 3 would do" if flip.least is None else words.fixed(flip.least)
                parts.append(f"with {size}: {least}")
        text = f"{words.sentence(trial.reason)} {words.sentence(trial.needed.message)}".strip()
        if parts:
            text += (
                " For the 95% interval to change sides of no difference it would have to have found, in"
                f" standard deviations, {'; '.join(parts)}."
            )
        found.append(para(Said(text, trial.sources), lead=f"{trial.name}."))
    return Points(tuple(found)) if found else None


def _another_outcome(trials: TrialSummary) -> Fold | None:
    rows = [
        row(
            Said(choice.name, href=f"#{anchor('study', choice.study)}"),
            Said(choice.outcome_name, note=choice.reason),
            other.name,
            words.fixed(other.smd)
            if other.smd is not None
            else f"within \N{PLUS-MINUS SIGN}{words.fixed(other.bound or 0.0)}",
            words.estimate(other.primary.estimate, other.primary.ci_lower, other.primary.ci_upper)
            if other.primary
            else _NONE,
        )
        for choice in trials.outcomes
        for other in choice.others
    ]
    if not rows:
        return None
    titles = columns("Trial", "Entered with", "Could have entered with", "#Its effect", "#The answer then")
    return Fold(
        "If another outcome of a trial had been chosen",
        (Table("The main answer with each outcome that could have entered instead", titles, tuple(rows)),),
    )


def _priors(trials: TrialSummary, charts: Mapping[str, Chart]) -> Fold | None:
    robustness = trials.prior_robustness
    if robustness is None:
        return None
    parts: list[Block] = [
        para(
            "With so few trials, what was thought before reading them is part of the answer. The charts show"
            " how large that part is."
        )
    ]
    for name, curve in (("chart-spread", robustness.spread), ("chart-scepticism", robustness.scepticism)):
        parts.append(_figure(charts[name], _TURN_KEY))
        parts.append(Points(tuple(para(flip_words(flip)) for flip in curve.flips)))
    return Fold("How far the answer hangs on what was thought before", tuple(parts))


def _designs(trials: TrialSummary) -> Prose | None:
    return None if trials.designs is None else para(trials.designs.words, lead="Other kinds of study.")
