"""Results as tables in a terminal. Every table ends with what it does not show."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.dossier import Dossier
from globulin.dossier.provenance import Source
from globulin.findings import Findings, used_sources
from globulin.methods import METHODS
from globulin.pages import words
from globulin.pages.study_words import effect_words
from globulin.planning.comparison import RegimenRow
from globulin.planning.dosing import Amount, NoAmount
from globulin.synthesis.trials import Answer


def evidence_view(findings: Findings) -> RenderableType:
    """Trials and the three answers."""
    trials = findings.trials
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
    answers = Table(title="Three answers, always together", title_justify="left")
    for heading in ("", "trials", "Wald", "Hartung-Knapp", "Bayes, vague prior", "Bayes, sceptical prior"):
        longest = max(len(word) for word in heading.split()) if heading else None
        answers.add_column(heading, overflow="fold", min_width=longest)
    for answer in trials.answers:
        answers.add_row(*_answer_cells(answer))
    parts: list[RenderableType] = [effects, answers]
    for answer in trials.answers:
        message = answer.frequentist.message if answer.frequentist else ""
        remark = f" ({message})" if message else ""
        parts.append(Text(f"{answer.title}: {answer.words}{remark}"))
    parts += [Text(f"Not pooled: {study} ({reason})") for study, reason in trials.unusable]
    parts.append(Text(f"What this does not show: {words.NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


def _answer_cells(answer: Answer) -> tuple[str, ...]:
    summary = answer.frequentist
    if summary is None:
        wald = knapp = "no such interval: effects known only as ranges"
    else:
        wald = words.estimate(summary.estimate, summary.wald_lower, summary.wald_upper)
        knapp = words.bounds(summary.hartung_knapp_lower, summary.hartung_knapp_upper)
        knapp += f"; I2 {summary.i2_percent:.0f}%"
    bayes = {b.prior: words.estimate(b.median, b.ci_lower, b.ci_upper) for b in answer.bayes}
    return (answer.title, str(answer.k), wald, knapp, bayes["vague"], bayes["sceptical"])


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
