"""In one minute: what the evidence supports and what it does not, in a few sentences with their numbers."""

from __future__ import annotations

from collections.abc import Iterator

from globulin.dossier import Dossier
from globulin.dossier.study import RANDOMISED, Study
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import Points, Prose, Said, Section, blocks, para, unique
from globulin.pages.facts import anchor
from globulin.planning.comparison import Origin, RegimenRow
from globulin.planning.dosing import Amount
from globulin.synthesis.readings import TrialEffect
from globulin.synthesis.trials import Bayes


def section(dossier: Dossier, findings: Findings) -> Section:
    """The section."""
    return Section("minute", "In one minute", blocks(Points(tuple(sentences(dossier, findings)), "minute")))


def sentences(dossier: Dossier, findings: Findings) -> Iterator[Prose]:
    """The page in seven short paragraphs, each computed or cited."""
    yield from _approval(dossier)
    yield from _trials(dossier, findings)
    yield from _sum(findings)
    yield from _gap(findings)
    yield from _cost(findings)
    yield from _risks(dossier)
    yield from _under_way(dossier)


def _approval(dossier: Dossier) -> Iterator[Prose]:
    uses = [use for product in dossier.products.values() for use in product.uses]
    if not uses or any(words.names_our_illnesses(f"{use.indication} {use.indication_code}") for use in uses):
        return
    seen = [p for p in dossier.products.values() if any(use.sources for use in p.uses) or p.same_label_as]
    sources = unique(source for product in seen for use in product.uses for source in use.sources[:1])
    yield para(
        Said(f"No label that was seen ({len(seen)} of {len(dossier.products)} ", ()),
        Said("products", href="#products"),
        Said(") names ME/CFS or fibromyalgia; any use there is off-label.", sources[:3]),
        lead="Not approved for this.",
    )


def _trials(dossier: Dossier, findings: Findings) -> Iterator[Prose]:
    effects = findings.trials.effects
    printed = [effect for effect in effects if effect.smd is not None]
    silent = [effect for effect in effects if effect.smd is None]
    if not effects:
        return
    people = sum(effect.n_active + effect.n_control for effect in effects)
    better = [effect for effect in printed if effect.ci_lower is not None and effect.ci_lower > 0]
    unclear = [effect for effect in printed if effect not in better]
    text = (
        f"{words.counted(len(effects), 'controlled trial')} in ME/CFS or fibromyalgia, with {people} people,"
        f" can be compared: {'; '.join(_found(better, unclear, silent))}."
    )
    marks = unique(source for effect in effects for source in effect.sources)
    groups = {study.condition_group for study in dossier.studies.values() if study.design in RANDOMISED}
    alone = "" if "fibromyalgia" in groups else " None was in fibromyalgia."
    lead = "The trials disagree." if better and len(better) < len(effects) else "The trials."
    yield para(Said(words.capital(text), marks), alone, lead=lead)


def _found(better: list[TrialEffect], unclear: list[TrialEffect], silent: list[TrialEffect]) -> Iterator[str]:
    """What the trials found, a phrase for each kind there is."""
    for effects, finding in (
        (better, "found a benefit and printed numbers"),
        (unclear, "printed numbers that leave the direction open or speak against a benefit"),
        (silent, "found no significant difference and printed no numbers"),
    ):
        if effects:
            count = words.counted(len(effects), "trial")
            yield f"{count} {finding} ({words.listed([effect.name for effect in effects])})"


def _sum(findings: Findings) -> Iterator[Prose]:
    trials = findings.trials
    if not trials.answers:
        return
    marks = unique(source for effect in trials.effects for source in effect.sources)
    censored = trials.answer("null_censored")
    first, alone, zero = (
        answer.bayes[0] for answer in (censored, trials.answer("numbers_only"), trials.answer("null_at_zero"))
    )
    other, to_other = _OTHER_THAN.get(first.prior, ("sceptical", "to a sceptic"))
    second = next(summary for summary in censored.bayes if summary.prior == other)
    chosen = "" if first.prior == "vague" else " and with the opinion beforehand that was chosen"
    text = (
        f"Counting every trial as far as it is known{chosen}, the average effect is"
        f" {words.fixed(first.median)} standard deviations (95% interval"
        f" {words.bounds(first.ci_lower, first.ci_upper)}); {to_other}, {_estimate(second)}. The"
        f" chance that it is worth having ({words.number(trials.worth_it_smd)} or more) is"
        f" {words.probability(first.probability_worth_it)}, {to_other}"
        f" {words.probability(second.probability_worth_it)}."
    )
    if any(effect.smd is None for effect in trials.effects):
        text += (
            f" Without the silent trials, {_estimate(alone)}, which is biased; with them at zero,"
            f" {_estimate(zero)}."
        )
    open_ended = min(first.ci_lower, second.ci_lower) < 0 < max(first.ci_upper, second.ci_upper)
    lead = "Taken together: perhaps a benefit, perhaps none." if open_ended else "Taken together."
    yield para(Said(text, marks), _meaning(findings), lead=lead)


_OTHER_THAN = {"sceptical": ("vague", "with almost no opinion beforehand")}
"""Beside which opinion one is set, and how that is said; every other beside the sceptic's."""


def _meaning(findings: Findings) -> Said:
    """What the main answer means among 1,000 people, and how sure one can be of it."""
    rows = findings.certainty.summary.benefits
    main = next((row for row in rows if row.answer == findings.trials.main), None)
    if main is None or main.grade is None or not main.absolute:
        return Said("")
    first = main.absolute[0]
    return Said(
        f" {first.words} How sure: {words.CERTAINTY[main.grade.certainty].lower()}.", first.control.sources
    )


def _estimate(summary: Bayes) -> str:
    return words.estimate(summary.median, summary.ci_lower, summary.ci_upper)


def _gap(findings: Findings) -> Iterator[Prose]:
    doctors, trials = (_dose_span(findings, origin) for origin in ("practitioner", "trial"))
    if doctors is None or trials is None:
        return
    rises = [_rise_span(findings, origin) for origin in ("practitioner", "trial")]
    share = findings.figures["low_dose_percent_of_trials"]
    text = (
        f"Doctors' regimens give {words.span(*doctors, 2)} mg/kg in 28 days, {share.text} of"
        f" the {words.span(*trials, 3)} mg/kg of the controlled trials."
    )
    if rises[0] and rises[1]:
        text += (
            f" Predicted rise of mean IgG: {words.span(*rises[0])} g/L, {words.span(*rises[1])} g/L in the"
            " trials. No trial with usable numbers has tested such low doses."
        )
    marks = unique((*share.sources, *_sources(findings, "practitioner"), *_sources(findings, "trial")))
    apart = doctors[1] < trials[0]
    lead = "The low doses are another treatment." if apart else "Doctors' doses and those of the trials."
    yield para(Said(text, marks), lead=lead)


def _members(findings: Findings, origin: Origin) -> list[RegimenRow]:
    return [row for row in findings.regimens if row.origin == origin]


def _dose_span(findings: Findings, origin: Origin) -> tuple[float, float] | None:
    found = [
        row.amount.mg_per_kg_per_28_day
        for row in _members(findings, origin)
        if isinstance(row.amount, Amount) and row.amount.mg_per_kg_per_28_day
    ]
    return (min(found), max(found)) if found else None


def _rise_span(findings: Findings, origin: Origin) -> tuple[float, float] | None:
    found = [row.mean_rise_range for row in _members(findings, origin) if row.mean_rise_range]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def _sources(findings: Findings, origin: Origin) -> list[str]:
    return [source for row in _members(findings, origin) for source in row.sources]


def _cost(findings: Findings) -> Iterator[Prose]:
    prices = findings.prices["iv"]
    low, high = (findings.figures[f"cheapest_iv_{dose}_g_per_kg_usd"] for dose in ("0_4", "2"))
    if not prices:
        return
    dearest = prices[-1].per_gram / prices[0].per_gram
    text = (
        f"For {words.number(findings.weight_kg)} kg the drug alone costs {low.text} (0.4 g/kg) to {high.text}"
        f" (2 g/kg) each time with the cheapest listed product by vein, {prices[0].product_name}, and"
        f" {words.number(dearest, 2)} times that with the dearest, {prices[-1].product_name} (price list of"
        f" {findings.figures['price_date'].text}). Giving it costs extra."
    )
    yield para(Said(text, low.sources), lead="It is expensive.")


def _risks(dossier: Dossier) -> Iterator[Prose]:
    boxed = [hazard for hazard in dossier.hazards.values() if hazard.severity == "boxed_warning"]
    # first the one that every route shares
    boxed.sort(key=lambda hazard: -len(hazard.routes))
    common = [hazard for hazard in dossier.hazards.values() if hazard.severity == "common"]
    if not boxed:
        return
    phrases: list[Said | str] = ["Labels carry boxed warnings: "]
    for index, hazard in enumerate(boxed):
        joint = "" if index == 0 else "; "
        phrases.append(joint)
        name, address = words.uncapital(hazard.name), f"#{anchor('hazard', hazard.id)}"
        routes = "" if len(hazard.routes) > 1 else f" (only {words.ROUTES[hazard.routes[0]]})"
        phrases.append(Said(name + routes, hazard.sources[:1], href=address))
    phrases.append(".")
    if common:
        names = words.listed([words.uncapital(hazard.name) for hazard in common])
        phrases.append(Said(f" Common and usually passing: {names}.", common[0].sources[:1]))
    yield para(*phrases, lead="It can do harm.")


def _under_way(dossier: Dossier) -> Iterator[Prose]:
    trials = [study for study in dossier.studies.values() if is_under_way(study)]
    if not trials:
        return
    phrases: list[Said | str] = ["Under way: "]
    for index, study in enumerate(trials):
        phrases.append("" if index == 0 else "; ")
        phrases.append(Said(study.name, href=f"#{anchor('study', study.id)}"))
        phrases.append(Said(f" ({study.condition})", study.sources[:1]))
    ours = any(study.condition_group != "neighbour" for study in trials)
    phrases.append("." if ours else ". None is known in ME/CFS or fibromyalgia.")
    yield para(*phrases, lead="What is being tested.")


def is_under_way(study: Study) -> bool:
    """Whether a study has no results yet."""
    return study.status is not None and not study.outcomes
