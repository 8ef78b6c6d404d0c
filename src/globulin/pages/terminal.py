"""Results as tables in a terminal. Every table ends with what it does not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.dossier import Dossier
from globulin.dossier.provenance import Source
from globulin.findings import Findings, used_sources
from globulin.methods import METHODS
from globulin.pages import words
from globulin.pages.study_words import effect_words, flip_words
from globulin.planning.comparison import RegimenRow
from globulin.planning.dosing import Amount, NoAmount
from globulin.synthesis.trials import Answer, TrialSummary


def evidence_view(findings: Findings) -> RenderableType:
    """Trials, the three answers, what moves them, and how sure one can be."""
    trials = findings.trials
    parts: list[RenderableType] = [_effects(trials), *_answers(findings)]
    parts += [Text(f"What if: {given.words}") for given in trials.as_if]
    parts += [Text(f"{answer.title}: {answer.words}") for answer in trials.answers]
    parts += [Text(f"In {answer.name}: {answer.words}") for answer in trials.conditions]
    parts += [Text(f"Not pooled: {study} ({reason})") for study, reason in trials.unusable]
    parts += _what_moves(trials)
    asked = (findings.dose.dose, findings.dose.age, findings.dose.immune_marker)
    parts += [
        Text(f"{question.question} Cannot be answered. {question.cannot_be_answered}")
        for question in asked
        if question.cannot_be_answered
    ]
    parts += _sure(findings)
    parts.append(Text(f"What this does not show: {words.NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


def _effects(trials: TrialSummary) -> Table:
    effects = Table(title="Controlled trials (SMD; positive favours immune globulin)", title_justify="left")
    for heading in ("trial", "outcome", "n", "effect (95% interval)", "risk of bias"):
        effects.add_column(heading, justify="right" if heading == "n" else "left", overflow="fold")
    for effect in trials.effects:
        effects.add_row(
            effect.name,
            effect.outcome,
            f"{effect.n_active} + {effect.n_control}",
            effect_words(effect),
            (effect.risk_of_bias or words.NOT_KNOWN).replace("_", " "),
        )
    return effects


def _answers(findings: Findings) -> list[RenderableType]:
    """The three answers by the method that speaks first, then every method."""
    trials = findings.trials
    if not trials.answers:
        return [Text("No trial can be pooled.")]
    first = Table(title="Three answers, always together", title_justify="left")
    for heading in (
        "",
        "trials",
        "effect (95% interval)",
        "true effect in a new trial",
        "chance of benefit",
        "0.5 or more",
    ):
        first.add_column(heading, overflow="fold")
    every = Table(title="Every method", title_justify="left")
    for heading in ("", "method", "effect (95% interval)"):
        every.add_column(heading, overflow="fold")
    for answer in trials.answers:
        first.add_row(answer.title, str(answer.k), *_first(answer))
        for name, middle, low, high in _every(answer):
            every.add_row(answer.title, name, words.estimate(middle, low, high))
        every.add_section()
    reason = trials.answers[0].policy.reason
    return [first, Text(reason), every]


def _first(answer: Answer) -> tuple[str, ...]:
    summary = answer.policy.primary
    if summary is None:
        return (answer.policy.message, "", "", "")
    new = benefit = worth_it = words.NOT_KNOWN
    if summary.prediction_lower is not None and summary.prediction_upper is not None:
        new = words.bounds(summary.prediction_lower, summary.prediction_upper)
    if summary.probability_above_zero is not None and summary.probability_worth_it is not None:
        benefit = words.probability(summary.probability_above_zero)
        worth_it = words.probability(summary.probability_worth_it)
    return (words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper), new, benefit, worth_it)


def _every(answer: Answer) -> Iterator[tuple[str, float, float, float]]:
    for summary in answer.policy.summaries:
        yield summary.name, summary.estimate, summary.ci_lower, summary.ci_upper
    plain = answer.frequentist
    if plain is not None:
        spread = f"I2 {plain.i2_percent:.0f}%"
        yield f"REML, Wald ({spread})", plain.estimate, plain.wald_lower, plain.wald_upper
        knapp = (plain.hartung_knapp_lower, plain.hartung_knapp_upper)
        yield f"REML, Hartung-Knapp ({spread})", plain.estimate, *knapp
    for bayes in answer.bayes:
        yield f"Bayes, {bayes.prior} opinion", bayes.median, bayes.ci_lower, bayes.ci_upper


def _what_moves(trials: TrialSummary) -> list[RenderableType]:
    if trials.missing is None:
        return []
    parts: list[RenderableType] = [
        Text("If the silent trials had printed their numbers, as a share of their not-significant range:")
    ]
    return [*parts, *(Text(f"  {flip_words(flip)}") for flip in trials.missing.curves[0].flips)]


def _sure(findings: Findings) -> list[RenderableType]:
    return [
        Text(f"{benefit.title}: {benefit.absolute[0].words} {benefit.grade.plain}")
        for benefit in findings.certainty.summary.benefits
        if benefit.grade is not None and benefit.absolute
    ]


def regimens_view(findings: Findings) -> RenderableType:
    """Every regimen on one axis, by where it comes from, largest dose first."""
    table = Table(title=f"Regimens for {findings.weight_kg:g} kg, per 28 days", title_justify="left")
    table.add_column("regimen", overflow="fold", ratio=2)
    table.add_column("route")
    for heading in ("mg/kg", "g", "mean rise in IgG, g/L", "drug, USD", "% of trial doses"):
        table.add_column(heading, justify="right")
    for origin, heading in words.ORIGINS.items():
        rows = [row for row in findings.regimens if row.origin == origin and isinstance(row.amount, Amount)]
        if rows:
            table.add_section()
            table.add_row(Text(heading, style="bold"))
        for row in sorted(rows, key=_by_dose):
            if isinstance(row.amount, Amount):
                table.add_row(*_regimen_cells(row, row.amount))
    prices = next((row.cheapest.price for row in findings.regimens if row.cheapest), None)
    dated = f" Prices: {prices.price_list}, {prices.date_words}." if prices else ""
    note = (
        "Rise: lowest and highest of the models for people with normal IgG; they disagree and no one of"
        " them is known to be right. Cost: the drug alone, cheapest to dearest listed product, before waste."
        f"{dated}"
        " Percent: of the highest and of the lowest dose in the controlled trials."
        f" A rise in IgG is not a benefit. {words.SHORT_NOTICE}"
    )
    unknown = [
        f"{row.label} ({row.amount.reason})" for row in findings.regimens if isinstance(row.amount, NoAmount)
    ]
    left_out = [Text(f"Dose not known: {'; '.join(unknown)}.")] if unknown else []
    return Group(table, *left_out, Text(note, style="italic"))


def _by_dose(row: RegimenRow) -> tuple[float, str]:
    given = row.amount
    dose = given.mg_per_kg_per_28_day if isinstance(given, Amount) else None
    return (-(dose or 0.0), row.label)


def _regimen_cells(row: RegimenRow, given: Amount) -> tuple[str, ...]:
    route = row.route or words.NOT_KNOWN
    if given.g_per_28_day is None or given.mg_per_kg_per_28_day is None:
        return (
            row.label,
            route,
            "one course",
            f"{given.dose_g:g}",
            words.NOT_KNOWN,
            words.NOT_KNOWN,
            words.NOT_KNOWN,
        )
    rise, share = row.mean_rise_range, row.percent_of_trials
    costs = (row.cheapest, row.dearest)
    return (
        row.label,
        route,
        f"{given.mg_per_kg_per_28_day:,.0f}",
        f"{given.g_per_28_day:.2f}",
        f"{rise[0]:.2f} to {rise[1]:.2f}" if rise else words.NOT_KNOWN,
        " to ".join(dict.fromkeys(f"{cost.per_28_day:,.0f}" for cost in costs if cost)) or words.NOT_KNOWN,
        f"{share[0]:.0f} to {share[1]:.0f}" if share else words.NOT_KNOWN,
    )


def claims_view(findings: Findings) -> RenderableType:
    """Every claim of the source page with its verdict and answer."""
    table = Table(title="The source page, claim by claim", title_justify="left", show_lines=True)
    for heading in ("", "it says", "verdict", "what we found"):
        table.add_column(heading, overflow="fold")
    for answered in findings.claims:
        claim = answered.claim
        table.add_row(claim.id, claim.says, claim.verdict, answered.finding)
    return Group(table, Text(words.SHORT_NOTICE, style="italic"))


def citation_lines(dossier: Dossier, findings: Findings, version: str) -> list[str]:
    """References for exactly the data and methods used, one a line."""
    lines = [f"globulin {version}, content {dossier.content_sha256[:12]}.", "", "Methods"]
    lines += [f"- {method.citation} ({method.used_for})" for method in METHODS]
    lines += ["", "Data"]
    lines += [
        f"- {source_line(dossier.sources[identifier])}" for identifier in used_sources(dossier, findings)
    ]
    return lines


def source_line(source: Source) -> str:
    """A source as one line: title, identifiers, and what was seen of it."""
    found: Iterable[str | None] = (
        f"doi:{source.doi}" if source.doi else None,
        f"PMID {source.pmid}" if source.pmid else None,
        source.url,
    )
    where = ", ".join(part for part in found if part)
    return f"{source.title}{' ' + where if where else ''} [seen: {source.seen.replace('_', ' ')}]"
