"""The letter of medical necessity as data: the request first, the doubts named, nothing made up.

A fact that nobody gave is a blank with the name of what belongs there, so that a reader sees what is missing
and a clinician can write it in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from globulin.dossier.guidance import Guidance
from globulin.dossier.letter import EarlierTreatment, LetterFacts
from globulin.dossier.provenance import Cited, known
from globulin.pages import plan_words, words
from globulin.pages.references import Json, References, prose
from globulin.planning.infusion import InfusionPlan
from globulin.planning.plan import Plan
from globulin.planning.refusal import Refusal

CODES = "diagnosis_codes"
"""Guidance that lists diagnosis codes as `G93.32: what it is`."""
UNCHECKED = "this code is from memory and must be checked"
_LONG_WORD = re.compile(r"\S{24}(?=\S{4})")
Run = Json
"""A piece of a sentence: {"text": ...}, or {"blank": what belongs there}, either with references."""


def letter(plan: Plan, page: References, guidance: Mapping[str, Guidance], made_on: date) -> Json:
    """What `letter.typ` sets."""
    given = plan.patient.letter or LetterFacts()
    born = None if given.date_of_birth is None else words.date_words(given.date_of_birth)
    sections = [
        ("", [_request(plan, given, page)]),
        ("Diagnosis", _diagnosis(given, guidance, page)),
        ("History and function", _history(given)),
        ("Tried before", [_tried(given.earlier_treatments)]),
        ("Evidence", [_evidence(plan, page)]),
        ("Dose", [_dose(plan, page)]),
        ("Safety", _safety(plan, given)),
        ("Goals, review and stop", _goals(plan, given)),
        ("Cost", [_cost(plan, page)]),
        (
            "Alternatives",
            [[_or_blank(given.alternatives, "what else was considered, and why not", long=True)]],
        ),
    ]
    return {
        "title": f"{_not_to_be_sent(plan)}Request for coverage: {plan.product.name}",
        "date": words.date_words(made_on),
        "to": _or_blank(given.payer, "payer"),
        "about": [
            ("Patient", _or_blank(given.patient_name, "name")),
            (
                "Born",
                _or_blank(born, "date of birth"),
            ),
            ("Member number", _or_blank(given.member_id, "number with the payer")),
        ],
        "sections": [{"heading": heading, "lines": _lines(parts)} for heading, parts in sections],
        "attachments": _or_blank(given.attachments, "what is sent along", long=True),
        "signed": [
            _or_blank(given.clinician, "name of the clinician", long=True),
            _or_blank(given.clinic, "clinic and address", long=True),
            _or_blank(given.contact, "contact for a talk between doctors", long=True),
        ],
        "notice": "Nothing in this letter was filled in that was not given.",
        "sources": page.source_list(),
    }


def _not_to_be_sent(plan: Plan) -> str:
    """A warning before the title where the screening says stop."""
    return "Not to be sent, the screening says stop. " if plan.screening.verdict == "stop" else ""


def _text(text: str, refs: Iterable[Json] = ()) -> Run:
    # a word too long for a line may break, or it would run out of the page
    return {"text": _LONG_WORD.sub("\\g<0>\N{ZERO WIDTH SPACE}", prose(text)), "refs": list(refs)}


def _or_blank(text: str | None, name: str, *, long: bool = False) -> Run:
    return {"blank": name, "long": long, "refs": []} if text is None else _text(text)


def _said(text: str | None, lead: str, name: str) -> list[Run]:
    """A sentence that was given behind its lead, or a blank there."""
    return [_text(f"{lead}: "), _or_blank(None if text is None else words.sentence(text), name, long=True)]


def _lines(parts: Iterable[list[Run]]) -> list[list[Run]]:
    """Parts one after the other in a line; one with a long blank has a line of its own."""
    lines: list[list[Run]] = []
    open_line = False
    for part in parts:
        blank = any(run.get("long") for run in part)
        if open_line and not blank:
            lines[-1] += [_text(" "), *part]
        else:
            lines.append(part)
        open_line = not blank
    return lines


def _request(plan: Plan, given: LetterFacts, page: References) -> list[Run]:
    """Product, code, grams, route, interval, duration and site in one sentence; then that it is off-label."""
    fact = plan.product.hcpcs
    code = known(fact)
    runs = [_text(f"I ask you to cover {plan.product.name} (HCPCS ")]
    if code is not None and isinstance(fact, Cited):
        runs.append(_text(code, page.refs([fact.source])))
    else:
        runs.append(_or_blank(None, "billing code"))
    days = len(plan.dose.per_infusion_g)
    over = f" over {days} days" if days > 1 else ""
    dose = f"), {plan_words.grams(plan)}{over} {words.ROUTES[plan.route]} {plan_words.rhythm(plan)}"
    course = None if given.course_week is None else words.counted(given.course_week, "week")
    runs.append(_text(f"{dose}, for " if plan.dose.interval_day is not None else dose))
    if plan.dose.interval_day is not None:
        runs.append(_or_blank(course, "how long"))
    site = None if given.site_of_care is None else given.site_of_care.rstrip(".")
    runs += [_text(", given at "), _or_blank(site, "site of care"), _text(".")]
    if plan.off_label:
        runs.append(_text(f" This use is off-label: {words.uncapital(plan.off_label)}"))
    return runs


def _diagnosis(given: LetterFacts, guidance: Mapping[str, Guidance], page: References) -> list[list[Run]]:
    listed = guidance[CODES].statements if CODES in guidance else ()
    by_code = {said.says.split(":", 1)[0]: said for said in listed}
    runs: list[Run] = []
    for each in given.diagnoses:
        said = by_code.get(each.code)
        refs = page.refs([said.source]) if said is not None and said.seen != "unverified" else []
        doubt = f" ({UNCHECKED})" if said is not None and said.seen == "unverified" else ""
        runs += [_text(f"{each.text} (ICD-10-CM {each.code}){doubt}", refs), _text("; ")]
    if runs:
        return [[*runs[:-1], _text(".")]]
    ours = [said for said in listed if words.names_our_illnesses(said.says)]
    codes = [said.says.rstrip(".") + (f", {UNCHECKED}" if said.seen == "unverified" else "") for said in ours]
    blank = [_or_blank(None, "diagnosis with its ICD-10-CM code", long=True)]
    return [blank, [_text(f"(for example {'; '.join(codes)})")]] if codes else [blank]


def _history(given: LetterFacts) -> list[list[Run]]:
    history = None if given.history is None else words.sentence(given.history)
    return [
        [_or_blank(history, "course of the illness and what the patient can no longer do", long=True)],
        _said(given.function_scores, "Scores", "scores with dates"),
        _said(given.laboratory, "Laboratory", "results with dates"),
    ]


def _tried(treatments: tuple[EarlierTreatment, ...]) -> list[Run]:
    if not treatments:
        return [_or_blank(None, "treatment, dates, what came of it", long=True)]
    runs: list[Run] = []
    for each in treatments:
        runs += [
            _text(f"{each.what} ("),
            _or_blank(each.when, "when"),
            _text("): "),
            _or_blank(None if each.outcome is None else each.outcome.rstrip("."), "what came of it"),
            _text("; "),
        ]
    return [*runs[:-1], _text(".")]


def _evidence(plan: Plan, page: References) -> list[Run]:
    """Every trial, the negative ones first named as such."""
    found = plan.evidence
    runs = [_text(f"{plan_words.trials_counted(found)} ")]
    if any(trial.effect is not None for trial in found.trials):
        runs.append(_text("With the standardised mean difference (SMD) where one is known: "))
    order = ("no_clear_difference", "against", "favours", "not_usable")
    for trial in sorted(found.trials, key=lambda each: order.index(each.found)):
        runs += [_text(plan_words.trial(trial), page.refs(trial.sources)), _text("; ")]
    if found.trials:
        runs[-1] = _text(". ")
    runs.append(_text(f"{plan_words.pooled(found)} {found.dose_words}".strip()))
    return [
        *runs,
        _text(
            " The trials are small and do not settle whether it helps: hence the review and the stop below."
        ),
    ]


def _dose(plan: Plan, page: References) -> list[Run]:
    opened = plan_words.opened(plan)
    each = " for each infusion" if len(plan.vials) > 1 else ""
    chosen = plan.dose.weight.chosen
    why = f" {plan.dose.weight.why}" if plan_words.dosing_weight(plan) else ""
    runs = [
        _text(plan_words.dose_steps(plan.dose.steps), page.refs([chosen.source] if chosen.source else [])),
        _text(f"{why} Vials{each}: {opened.removesuffix('.')}."),
    ]
    given = plan.administration
    if isinstance(given, Refusal):
        runs.append(_text(f" {plan_words.no_answer(given)}", page.refs(given.sources)))
    elif isinstance(given, InfusionPlan):
        top = words.number(given.ramp.maximum if given.ramp.cap is None else given.ramp.cap)
        time = plan_words.duration(given.total_minutes)
        runs.append(
            _text(f" Each infusion takes {time}, never above {top} mg/kg/min.", page.refs(given.sources))
        )
    return runs


def _safety(plan: Plan, given: LetterFacts) -> list[list[Run]]:
    screening = plan.screening
    stand = plan_words.higher_risks([found for found in screening.findings if found.known])
    noted = f" Risks to watch: {'; '.join(stand)}." if stand else ""
    asked = len(screening.questions)
    still = f" Before treatment {words.counted(asked, 'question')} must still be answered." if asked else ""
    watched = dict.fromkeys(
        item.what for item in plan.monitoring.items if item.needed == "yes" and item.phase != "after"
    )
    watch = f" Watched: {'; '.join(watched)}." if watched else ""
    verdict = plan_words.VERDICTS[screening.verdict].lower()
    return [
        [_text(f"Screening: {verdict}.{noted}{still}{watch}")],
        _said(given.safety, "Precautions", "what is done about risks"),
    ]


def _goals(plan: Plan, given: LetterFacts) -> list[list[Run]]:
    week, rule = plan_words.review_and_stop(plan)
    return [
        _said(given.goals, "Goals", "what should get better, and by how much"),
        _said(week, "Review", "week after the first dose"),
        _said(rule, "It stops", "rule agreed beforehand"),
    ]


def _cost(plan: Plan, page: References) -> list[Run]:
    cost = plan.cost
    if isinstance(cost, Refusal):
        return [_text(plan_words.no_answer(cost), page.refs(cost.sources))]
    much = f"{words.money(cost.drug_per_dose, cost.currency)} for one dose"
    if cost.drug_per_28_days is not None:
        much += f", {words.money(cost.drug_per_28_days, cost.currency)} in 28 days"
    notes = "".join(f" {words.sentence(note)}" for note in cost.notes)
    text = f"The drug: {much}, waste included ({plan_words.priced(cost)}).{notes}"
    return [_text(text, page.refs([cost.source] if cost.source else []))]
