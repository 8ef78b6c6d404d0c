"""One study in words: who, what was given, what was found, how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping

from globulin.dossier.provenance import Cited, Missing
from globulin.dossier.study import Arm, Outcome, Study
from globulin.dossier.treatment import Phase, Product, Regimen
from globulin.pages import words
from globulin.pages.blocks import Entry, Said, Table, Term, columns, row, term, unique
from globulin.pages.facts import anchor, citation_words, cited, facts, flag, gathered, said, stated
from globulin.pages.sections.certainty import INSTRUMENTS, judged
from globulin.pages.study_words import found_words, given_words


def entry(study: Study) -> Entry:
    """A study, folded under its name."""
    tables = [_arms(study)] if study.arms else []
    if study.outcomes:
        tables.append(_outcomes(study, study.outcomes, "Results"))
    if study.adverse_events:
        tables.append(_outcomes(study, study.adverse_events, "Unwanted effects"))
    title = f"{study.name}: {words.DESIGNS[study.design]}, {study.condition}"
    terms = gathered((*_people(study), *_design(study), *_trust(study), *_rest(study)))
    return Entry(anchor("study", study.id), title, terms=terms, tables=tuple(tables))


def _people(study: Study) -> tuple[Term, ...]:
    who = study.population
    return (
        *facts(
            ("Reference", citation_words(study.citation)),
            ("Status", Said(study.status, study.sources) if study.status else None),
            ("People", said(who.n)),
            ("Chosen by", said(who.criteria)),
            ("Age", said(who.age)),
            ("Women, %", said(who.female_percent)),
            ("Ill for", said(who.illness_duration)),
            ("Chosen by an immune marker", said(who.immune_selection)),
        ),
        *(term("Also", stated(item)) for item in who.details),
    )


def _design(study: Study) -> tuple[Term, ...]:
    return facts(
        ("Design", words.DESIGNS[study.design]),
        ("On the design", study.design_note),
        ("Blinding", said(study.blinding)),
        ("Where", said(study.country)),
        ("Setting", said(study.setting)),
        ("Followed for", said(study.follow_up)),
        ("IgG levels", said(study.igg_levels)),
        ("Paid for by", said(study.funding)),
        *(("Left the study", stated(item)) for item in study.withdrawals),
    )


def _trust(study: Study) -> tuple[Term, ...]:
    bias = study.risk_of_bias
    found: list[Term] = []
    if bias is not None:
        found.append(term("Risk of bias, overall", judged(bias.overall.level, bias.overall.reason)))
        for domain in words.DOMAINS:
            judgement = bias.domains.get(domain)
            if judgement is not None:
                label = f"Risk of bias, {domain.replace('_', ' ')}"
                found.append(term(label, judged(judgement.level, judgement.reason)))
        found.extend(term("Rated by reviews", stated(item)) for item in bias.assessments)
    for assessment in study.bias_assessments:
        for part, rated in (("overall", assessment.overall), *assessment.domains.items()):
            label = f"{INSTRUMENTS[assessment.instrument]} ({assessment.outcome}), {part.replace('_', ' ')}"
            found.append(term(label, judged(rated.level, rated.reason), cited((rated.source,))))
    return tuple(found)


def _rest(study: Study) -> tuple[Term, ...]:
    pooled = study.pooled
    return (
        *facts(
            ("What can be pooled", words.POOLABLE[study.poolability] if study.poolability else None),
            ("Why", study.poolability_reason),
            ("What is pooled", pooled.reason if pooled else None),
            ("Sources disagree", study.sources_disagree),
        ),
        *(
            term("May share people with", Said(other.replace("_", " "), href=f"#{anchor('study', other)}"))
            for other in study.overlaps
        ),
        *(term("Note", note) for note in study.notes),
        *facts(("Sources", cited(study.sources))),
    )


# --- arms ------------------------------------------------------------------------------------------


def _arms(study: Study) -> Table:
    rows = tuple(
        row(arm.label, _given(arm), said(arm.n_randomised), said(arm.n_analysed), said(arm.n_completed))
        for arm in study.arms
    )
    titles = columns("Group", "Was given", "#People", "#Analysed", "#Completed")
    return Table(f"{study.name}: groups", titles, rows)


def _given(arm: Arm) -> tuple[Said, ...]:
    if arm.regimen is not None:
        return regimen_words(arm.regimen)
    return (said(arm.comparator),) if arm.comparator is not None else (Said("no immune globulin"),)


def regimen_words(regimen: Regimen) -> tuple[Said, ...]:
    """A regimen in words, step by step."""
    phrases: list[Said] = [said(regimen.route, lambda route: words.capital(words.ROUTES[route])), Said(": ")]
    for index, phase in enumerate(regimen.phases):
        phrases.append(Said("" if index == 0 else ", then "))
        phrases.extend(_phase(phase))
    if regimen.cap_g is not None:
        phrases += [Said("; at most "), said(regimen.cap_g, unit="g a dose")]
    if regimen.minimum_day is not None:
        phrases += [Said("; for at least "), said(regimen.minimum_day, words.day_words)]
    phrases.append(Said(". "))
    if isinstance(regimen.product, Cited):
        phrases += [Said("Product: "), said(regimen.product), Said(". ")]
    if regimen.note:
        phrases.append(Said(regimen.note))
    return tuple(phrases)


def _phase(phase: Phase) -> list[Said]:
    phrases = [said(phase.dose, words.dose_words)]
    if isinstance(phase.interval_day, Missing):
        phrases += [Said(", interval "), said(phase.interval_day)]
    else:
        phrases += [Said(" every "), said(phase.interval_day, words.day_words)]
    if phase.split_over_days > 1:
        phrases.append(Said(f", split over {phase.split_over_days} days"))
    if phase.infusion_day is not None:
        phrases.append(Said(f", each infusion over {words.number(phase.infusion_day * 24)} hours"))
    if isinstance(phase.doses, Cited):
        phrases += [Said(", "), said(phase.doses), Said(" times")]
    return phrases


# --- outcomes --------------------------------------------------------------------------------------


def _outcomes(study: Study, outcomes: tuple[Outcome, ...], what: str) -> Table:
    rows = tuple(
        row(
            Said(words.capital(outcome.name), note=_when(outcome)),
            found(study, outcome),
            outcome.p or "\N{EN DASH}",
        )
        for outcome in outcomes
    )
    return Table(f"{study.name}: {what[:1].lower()}{what[1:]}", columns(what, "Found", "p as printed"), rows)


def _when(outcome: Outcome) -> str:
    return "; ".join(part for part in (outcome.time, outcome.assessor, outcome.formula) if part)


def found(study: Study, outcome: Outcome) -> Said:
    """What an outcome found, in words and numbers, with its source."""
    return Said(
        found_words(study, outcome), (outcome.source,), flag(outcome.seen, outcome.how), outcome.caution or ""
    )


def pooled_or_first(study: Study) -> Outcome | None:
    """The outcome that stands for a study in a table: the pooled one, else the first."""
    if study.pooled is not None:
        return study.outcome(study.pooled.outcome)
    return study.outcomes[0] if study.outcomes else None


def treated(study: Study, products: Mapping[str, Product]) -> Said:
    """What the treated groups of a study were given, in short."""
    regimens = [arm.regimen for arm in study.arms if arm.regimen is not None]
    if not regimens:
        return Said("not known: no regimen was seen", missing=True)
    facts = [fact for regimen in regimens for fact in (regimen.route, regimen.phases[-1].dose)]
    sources = [fact.source for fact in facts if isinstance(fact, Cited) and fact.computable]
    return Said(words.capital(given_words(regimens, products)), unique(sources))
