"""The trials on paper: each as it was printed, three answers together, what is missing, risk of bias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from globulin.dossier.provenance import Cited, Missing, known
from globulin.dossier.study import Study
from globulin.pages import words
from globulin.pages.references import Cell, Json, PrintedPage
from globulin.pages.study_words import effect_words, found_words, given_words, printed_p
from globulin.synthesis.opinions import PRIORS
from globulin.synthesis.readings import TrialEffect
from globulin.synthesis.trials import Answer, TrialSummary

I2 = "I\N{SUPERSCRIPT TWO}"
TAU2 = "\N{GREEK SMALL LETTER TAU}\N{SUPERSCRIPT TWO}"


def trials(page: PrintedPage) -> Json:
    """The controlled trials in ME/CFS and fibromyalgia: each on its own, then three answers together."""
    summary = page.findings.trials
    effects = {effect.study: effect for effect in summary.effects}
    studies = [
        study
        for study in sorted(page.dossier.studies.values(), key=lambda s: (s.citation.year or 9999, s.id))
        if study.id in effects or study.id in dict(summary.unusable)
    ]
    return {
        "rows": [_trial(page, study, effects.get(study.id)) for study in studies],
        "first": [[answer.title, *_first(answer)] for answer in summary.answers],
        "first_name": summary.answers[0].policy.primary.name
        if summary.answers and summary.answers[0].policy.primary
        else "",
        "opinions": _opinions(summary),
        "answers": [[answer.title, *_answer(answer)] for answer in summary.answers],
        "answer_words": [{"title": answer.title, "words": answer.words} for answer in summary.answers],
        "biased": _biased(summary),
        "not_shown": words.NOT_SHOWN,
        "none_in_full": not any(
            page.dossier.sources[source].seen == "full_text" for study in studies for source in study.sources
        ),
        "spread": [text for answer in summary.answers if (text := _spread(answer))],
        "worth_it": words.number(summary.worth_it_smd),
        "missing": list(_missing(page, studies, summary)),
        "outside": [
            [
                page.cell(words.capital(effect.condition), lead=f"{effect.name}."),
                effect.outcome,
                page.cell(
                    f"{'odds ratio' if effect.measure == 'OR' else 'SMD'}"
                    f" {words.estimate(effect.estimate, effect.ci_lower, effect.ci_upper)}",
                    effect.sources,
                ),
            ]
            for effect in summary.outside
        ],
    }


def _trial(page: PrintedPage, study: Study, effect: TrialEffect | None) -> list[Cell]:
    n, age = known(study.population.n), known(study.population.age)
    given = [arm.regimen for arm in study.arms if arm.role == "active" and arm.regimen]
    against = words.listed([words.uncapital(arm.label) for arm in study.arms if arm.role == "control"])
    outcome = study.outcome(study.pooled.outcome) if study.pooled else study.outcomes[0]
    who = "Number of people not known" if n is None else f"{n} people"
    facts = [study.population.n, study.population.age]
    routes = [arm.regimen.route for arm in study.arms if arm.regimen]
    return [
        page.cell(f"{who}; {age}" if age else who, _cited(facts), lead=f"{study.name}."),
        page.cell(
            words.capital(f"{given_words(given, page.dossier.products)}, against {against}"), _cited(routes)
        ),
        page.cell(
            words.capital(f"{outcome.name}: {found_words(study, outcome).rstrip('.')}{printed_p(outcome)}"),
            (outcome.source,),
            note=outcome.caution or "",
        ),
        "Cannot be computed" if effect is None else words.capital(effect_words(effect)),
    ]


def _missing(page: PrintedPage, studies: Sequence[Study], summary: TrialSummary) -> Iterator[Cell]:
    """What no document that was seen prints, and what had to be assumed instead."""
    printed = {effect.study for effect in summary.effects if effect.smd is not None}
    for study in studies:
        if study.id not in printed:
            yield page.cell(words.sentence(study.poolability_reason), study.sources, lead=f"{study.name}.")
    for effect in summary.effects:
        for step in effect.derivation:
            if step.startswith("assumed: "):
                yield page.cell(words.sentence(words.capital(step)), effect.sources, lead=f"{effect.name}.")
    levels: dict[str, list[str]] = {}
    for study in studies:
        fact = study.igg_levels
        text = fact.missing if isinstance(fact, Missing) else fact.value
        levels.setdefault(text, []).append(study.name)
    said = [f"{words.listed(names)}: {text.rstrip('.')}" for text, names in levels.items()]
    if said:
        yield page.cell(f"{'; '.join(said)}.", lead="IgG levels.")


def _cited(facts: Iterable[object]) -> list[str]:
    return [fact.source for fact in facts if isinstance(fact, Cited) and fact.computable]


def _answer(answer: Answer) -> list[Cell]:
    summary = answer.frequentist
    if summary is None:
        frequentist = ["Not defined: effects known only as ranges"] * 2
    else:
        middle = words.fixed(summary.estimate)
        frequentist = [
            f"{middle} ({words.bounds(summary.wald_lower, summary.wald_upper)})",
            f"{middle} ({words.bounds(summary.hartung_knapp_lower, summary.hartung_knapp_upper)})",
        ]
    bayes = [
        f"{words.estimate(b.median, b.ci_lower, b.ci_upper)}; any benefit"
        f" {words.probability(b.probability_of_benefit)}, worth having"
        f" {words.probability(b.probability_worth_it)}"
        for b in answer.bayes
    ]
    return [str(answer.k), *frequentist, *bayes]


def _opinions(summary: TrialSummary) -> list[str]:
    """The headings of the Bayesian summaries, in their order: it is the reader's opinion that comes first."""
    given = summary.answers[0].bayes if summary.answers else ()
    return [f"Bayes, {each.prior if each.prior in PRIORS else 'your own'} prior" for each in given]


def _first(answer: Answer) -> list[Cell]:
    """The answer by the method that speaks first."""
    summary = answer.policy.primary
    if summary is None:
        return [answer.policy.message, *["\N{EN DASH}"] * 3]
    new, benefit, worth_it = ["\N{EN DASH}"] * 3
    if summary.prediction_lower is not None and summary.prediction_upper is not None:
        new = words.bounds(summary.prediction_lower, summary.prediction_upper)
    if summary.probability_above_zero is not None and summary.probability_worth_it is not None:
        benefit = words.probability(summary.probability_above_zero)
        worth_it = words.probability(summary.probability_worth_it)
    return [words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper), new, benefit, worth_it]


def _biased(summary: TrialSummary) -> str:
    """Why the first answer misleads; empty where every trial printed its numbers."""
    silent = [effect for effect in summary.effects if effect.smd is None]
    if not silent or len(silent) == len(summary.effects):
        return ""
    largest = max(summary.effects, key=lambda effect: effect.n_active + effect.n_control)
    among = ", among them the largest," if largest in silent else ""
    return (
        f"The trials that found something printed how much. Those that found nothing{among} printed no"
        " numbers, so an average of printed numbers leaves out the bad news by design. It stands here because"
        " it is what a reader of abstracts would compute."
    )


def _spread(answer: Answer) -> str:
    summary = answer.frequentist
    if summary is None:
        return ""
    text = f"{answer.title}: {I2} {words.percent(summary.i2_percent)}, {TAU2} {words.fixed(summary.tau2)}"
    if summary.prediction_lower is None or summary.prediction_upper is None:
        return f"{text}; too few trials to predict a new one."
    expected = words.bounds(summary.prediction_lower, summary.prediction_upper)
    return f"{text}; a new trial would be expected to find {expected} (95%)."
