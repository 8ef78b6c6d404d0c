"""What the trials found: the controlled ones, what they say together, and everything kept apart."""

from __future__ import annotations

from collections.abc import Mapping

from globulin.dossier import Dossier
from globulin.dossier.study import RANDOMISED, Study
from globulin.dossier.treatment import Product
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Fold,
    Heading,
    Points,
    Prose,
    Said,
    Section,
    Table,
    blocks,
    columns,
    para,
    row,
    unique,
)
from globulin.pages.charts import Chart
from globulin.pages.facts import anchor, said
from globulin.pages.sections.answers import answers, how, moves
from globulin.pages.sections.certainty import certainty, judged
from globulin.pages.sections.dose_answers import dose
from globulin.pages.sections.minute import is_under_way
from globulin.pages.sections.studies import entry, found, pooled_or_first, treated
from globulin.pages.sections.wider import background, comparators, instruments, reviews
from globulin.pages.study_words import effect_words


def section(dossier: Dossier, findings: Findings, charts: Mapping[str, Chart]) -> Section:
    """The section."""
    studies = sorted(dossier.studies.values(), key=lambda s: (s.citation.year or 9999, s.id))
    ours = [s for s in studies if s.condition_group != "neighbour" and not is_under_way(s)]
    controlled = [s for s in ours if s.design in RANDOMISED]
    rest = [s for s in ours if s.design not in RANDOMISED]
    near = [s for s in studies if s.condition_group == "neighbour" and not is_under_way(s)]
    return Section(
        "trials",
        "What the trials found",
        blocks(
            _controlled_table(controlled, dossier.products),
            answers(findings, charts),
            moves(findings, charts),
            dose(findings, charts),
            certainty(dossier, findings),
            _missing(dossier, findings),
            how(findings),
            Heading("Each controlled trial in detail", "trials-detail"),
            [entry(study) for study in controlled],
            Heading("Without a control group", "trials-series"),
            para(
                "People often get better, or worse, whatever they are given. A study without a control group"
                " cannot tell that apart from the treatment, so none of these is pooled with the trials."
            ),
            _short_table("Studies without a control group", rest, dossier.products),
            [entry(study) for study in rest],
            Heading("Trials and series in neighbouring illnesses", "trials-neighbours"),
            para("Other illnesses, shown beside and never pooled with ME/CFS or fibromyalgia."),
            _outside_table(findings),
            _short_table("Studies in neighbouring illnesses", near, dossier.products),
            [entry(study) for study in near],
            comparators(dossier),
            background(dossier),
            reviews(dossier),
            instruments(dossier),
        ),
    )


def _controlled_table(studies: list[Study], products: Mapping[str, Product]) -> Table:
    rows = []
    for study in studies:
        outcome = pooled_or_first(study)
        rows.append(
            row(
                Said(study.name, href=f"#{anchor('study', study.id)}"),
                said(study.population.n),
                treated(study, products),
                found(study, outcome) if outcome else "no outcome was seen",
                judged(study.risk_of_bias.overall.level) if study.risk_of_bias else "not judged",
            )
        )
    titles = columns("Trial", "#People", "Treatment", "Main result", "Risk of bias")
    return Table("Controlled trials in ME/CFS and fibromyalgia", titles, tuple(rows))


def _missing(dossier: Dossier, findings: Findings) -> list[Block]:
    """What is not known about the trials, why it matters, and how each number was got."""
    silent = [effect for effect in findings.trials.effects if effect.smd is None]
    items: list[Prose] = []
    if silent:
        people = sum(effect.n_active + effect.n_control for effect in silent)
        items.append(
            para(
                Said(
                    f"{words.listed([e.name for e in silent])} ({people} people) did not print the numbers"
                    " that a summary needs. What they found is taken to lie inside the open ranges of the"
                    " chart.",
                    unique(source for effect in silent for source in effect.sources),
                ),
                lead="Numbers of the trials that found nothing.",
            )
        )
    for identifier, reason in findings.trials.unusable:
        study = dossier.studies[identifier]
        link = Said(study.name, href=f"#{anchor('study', study.id)}")
        items.append(para(link, Said(f": {reason}", study.sources), lead="A trial that cannot be used."))
    items.append(
        para(
            "What was seen of each paper, mostly its abstract, is said in the list of sources. Reading the"
            " papers in full could change every summary above.",
            lead="Full texts.",
        )
    )
    return [
        Heading("What is missing, and why it matters", "trials-missing"),
        Points(tuple(items)),
        Fold("How the effect of each trial was worked out", (_derivations(findings),)),
    ]


def _derivations(findings: Findings) -> Points:
    """Step by step, how each trial's effect was got from what its paper printed."""
    return Points(
        tuple(
            para(
                Said(
                    f"{effect_words(effect)}. {' '.join(words.sentence(step) for step in effect.derivation)}",
                    effect.sources,
                ),
                lead=f"{effect.name}.",
            )
            for effect in findings.trials.effects
        )
    )


def _short_table(caption: str, studies: list[Study], products: Mapping[str, Product]) -> Table:
    rows = []
    for study in studies:
        outcome = pooled_or_first(study)
        rows.append(
            row(
                Said(study.name, href=f"#{anchor('study', study.id)}"),
                study.condition,
                words.DESIGNS[study.design],
                said(study.population.n),
                treated(study, products),
                (Said(f"{words.capital(outcome.name)}: "), found(study, outcome))
                if outcome
                else "no outcome was seen",
            )
        )
    titles = columns("Study", "Illness", "Design", "#People", "Treatment", "First result")
    return Table(caption, titles, tuple(rows))


def _outside_table(findings: Findings) -> Table | None:
    rows = tuple(
        row(
            Said(effect.name, href=f"#{anchor('study', effect.study)}"),
            effect.condition,
            effect.outcome,
            "odds ratio" if effect.measure == "OR" else "standard deviations",
            Said(words.estimate(effect.estimate, effect.ci_lower, effect.ci_upper), effect.sources),
        )
        for effect in findings.trials.outside
    )
    titles = columns("Trial", "Illness", "Outcome", "Scale", "#Effect (95% interval)")
    caption = (
        "Randomised trials in neighbouring illnesses (no difference is 1 for an odds ratio,"
        " 0 for standard deviations)"
    )
    return Table(caption, titles, rows) if rows else None
