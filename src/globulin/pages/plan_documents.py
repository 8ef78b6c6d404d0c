"""A plan on paper: the sheet for whoever gives it, the sheet for the patient, the letter to the payer.

Results become words and numbered references here; how they look is the business of the templates. Nothing is
computed and nothing is made up: what is not known says so, and what nobody gave is a visible blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from globulin.dossier.guidance import Guidance
from globulin.dossier.provenance import Source
from globulin.pages import plan_words, words
from globulin.pages.plan_letter import letter
from globulin.pages.references import Cell, Json, References
from globulin.pages.typesetting import compile_pdfs
from globulin.planning.infusion import InfusionPlan
from globulin.planning.monitoring import WatchedItem
from globulin.planning.outlook import NoPrediction, Prediction
from globulin.planning.plan import Plan
from globulin.planning.refusal import Refusal
from globulin.planning.screening import Finding, Question
from globulin.planning.terms import AGE
from globulin.planning.weights import WEIGHT_NAMES

REACTIONS = "reaction_management"
SIGNS = "warning_signs"
"""Guidance that is printed as it stands."""


class PrintedFacts(Protocol):
    """The part of a dossier that is printed beside a plan."""

    @property
    def sources(self) -> Mapping[str, Source]:
        """Sources by id."""

    @property
    def guidance(self) -> Mapping[str, Guidance]:
        """Guidance by id."""


def plan_documents(plan: Plan, facts: PrintedFacts, made_on: date) -> dict[str, bytes]:
    """plan.pdf, patient_sheet.pdf and letter.pdf as PDF/UA-1. Same arguments, same bytes.

    Raises RenderError where a text cannot be shown whole, as with a letter that the font does not have.
    """
    contents = {
        "plan.typ": plan_sheet(plan, facts, made_on),
        "patient_sheet.typ": patient_sheet(plan, facts, made_on),
        "letter.typ": letter(plan, References(facts.sources), facts.guidance, made_on),
    }
    return {name.replace(".typ", ".pdf"): pdf for name, pdf in compile_pdfs(contents, made_on).items()}


def plan_sheet(plan: Plan, facts: PrintedFacts, made_on: date) -> Json:
    """What `plan.typ` sets. The order of the parts numbers the sources."""
    page = References(facts.sources)
    parts: Json = {
        "given": _given(plan, page),
        "alternatives": _alternatives(plan),
        "administration": _administration(plan, page),
        "reactions": _guidance(page, facts, REACTIONS),
        "screening": _screening(plan, page),
        "watch": _watch(plan, page),
        "judge": _judge(plan),
        "cost": _cost(plan, page),
        "expected": _expected(plan, page),
    }
    return {
        **parts,
        "title": f"Plan for {plan.patient.label}: {plan.product.name}",
        "lead": f"{plan.dose.asked}, {words.ROUTES[plan.route]}. For whoever gives it.",
        "verdict": plan.screening.verdict,
        "verdict_words": plan_words.verdict(plan.screening),
        "clear_words": "" if plan.screening.findings else plan_words.NOTHING_AGAINST,
        "notice": words.SHORT_NOTICE,
        "check": plan_words.CHECK_LABEL,
        "made_on": words.date_words(made_on),
        "sources": page.source_list(),
    }


def _line(page: References, name: str, text: str, sources: tuple[str, ...] = ()) -> list[Cell]:
    return [name, page.cell(text, sources)]


def _given(plan: Plan, page: References) -> list[list[Cell]]:
    """Who gets what, and how the grams came about."""
    dose = plan.dose
    chosen = dose.weight.chosen
    strength = getattr(plan.product.concentration_mg_per_ml, "source", None)
    opened = plan_words.opened(plan)
    each = "for each infusion: " if len(plan.vials) > 1 else ""
    lines = [
        _line(page, "Person", plan_words.person(plan)),
        _line(page, "Product", plan_words.product(plan), (strength,) if strength else ()),
        _line(
            page,
            "Dose",
            f"{plan_words.grams(plan)} {words.ROUTES[plan.route]} {plan_words.rhythm(plan)}"
            f" ({words.number(dose.g_per_kg_actual)} g/kg of actual weight)",
        ),
        _line(page, "How worked out", plan_words.dose_steps(dose.steps)),
        _line(page, "One infusion" if plan.route == "iv" else "One dose", plan_words.each_infusion(plan)),
        _line(page, "Open", each + opened),
    ]
    why = plan_words.dosing_weight(plan)
    if why:
        lines.insert(4, _line(page, "Dosing weight", why, (chosen.source,) if chosen.source else ()))
    if plan.off_label:
        lines.append(_line(page, "Label", f"Off-label. {plan.off_label}"))
    return lines


def _alternatives(plan: Plan) -> list[list[str]]:
    """The same dose on every body weight: basis, kg, grams, drug money; or why not."""
    currency = "" if isinstance(plan.cost, Refusal) else plan.cost.currency
    rows = []
    for other in plan.alternatives:
        taken = " (used)" if other.weight.basis == plan.dose.weight.chosen.basis else ""
        money = other.drug_per_dose
        rows.append(
            [
                words.capital(WEIGHT_NAMES[other.weight.basis]) + taken,
                words.sentence(other.weight.why_not or "")
                if other.weight.kg is None
                else _kg(other.weight.kg),
                "" if other.grams is None else f"{words.number(other.grams, 4)} g",
                "" if money is None else words.money(money, currency),
            ]
        )
    return rows


def _kg(kg: float) -> str:
    return f"{words.fixed(kg, 1)} kg"


def _administration(plan: Plan, page: References) -> Json:
    """The step table of an infusion by vein, the lines of sites, or why neither can be planned."""
    given = plan.after_reaction or plan.administration
    if isinstance(given, Refusal):
        return {"kind": "refused", "refused": page.cell(plan_words.no_answer(given), given.sources)}
    if isinstance(given, InfusionPlan):
        return {"kind": "steps", **_steps(plan, given, page)}
    return {
        "kind": "sites",
        "lines": [_line(page, name, words.capital(text)) for name, text in plan_words.sites(given)],
        "notes": [page.cell(words.sentence(note), given.sources) for note in given.notes],
    }


def _steps(plan: Plan, given: InfusionPlan, page: References) -> Json:
    number = "first infusion of this product" if plan.asked.infusion == "first" else "later infusion"
    return {
        "heading": f"The {number}: {words.number(given.grams, 4)} g in {words.number(given.volume_ml, 4)} mL,"
        f" {plan_words.duration(given.total_minutes)}",
        "rows": [plan_words.step(step) for step in given.steps],
        "local": plan_words.LOCAL_PRACTICE if any(step.local_practice for step in given.steps) else "",
        "limits": page.cell(" ".join(plan_words.limits(plan, given)), given.sources),
        "basis": [words.sentence(text) for text in given.ramp.basis],
    }


def _guidance(page: References, facts: PrintedFacts, topic: str) -> list[Cell]:
    """What guidance says on a topic, each with its source."""
    found = facts.guidance.get(topic)
    return (
        [] if found is None else [page.said(said.says, said.source, said.seen) for said in found.statements]
    )


def _screening(plan: Plan, page: References) -> Json:
    """What stands, what waits for answers, and the questions."""
    stand, waiting = plan_words.askable(plan.screening)
    stops = [found.name for found in waiting if found.worst == "stop"]
    questions = [_question(question) for question in plan.screening.questions]
    half = (len(questions) + 1) // 2
    return {
        "rows": [_finding(found, page) for found in stand],
        "waiting": words.listed([found.name for found in waiting if found.worst != "stop"]),
        "could_stop": words.listed(stops),
        "questions": [questions[:half], questions[half:]],
    }


def _finding(found: Finding, page: References) -> list[Cell]:
    return [
        plan_words.VERDICTS[found.verdict],
        page.cell(words.sentence(found.reason), (found.source,), lead=f"{found.name}."),
        words.sentence(found.resolve),
    ]


def _question(question: Question) -> Json:
    yes_no = question.condition != AGE
    return {"text": question.text, "could_stop": question.could_stop, "yes_no": yes_no}


def _watch(plan: Plan, page: References) -> list[list[Cell]]:
    return [_watched(item, page) for item in plan.monitoring.items]


def _watched(item: WatchedItem, page: References) -> list[Cell]:
    unsure = " (whether it is needed hangs on an open question)" if item.needed == "not_known" else ""
    return [words.capital(item.when), page.cell(words.capital(item.what) + unsure, (item.source,))]


def _judge(plan: Plan) -> Json:
    week, rule = plan_words.review_and_stop(plan)
    return {
        "when": plan_words.judged(plan.monitoring),
        "measures": plan_words.measure_lines(plan.monitoring),
        "week": week or "",
        "rule": "" if rule is None else words.sentence(rule),
    }


def _cost(plan: Plan, page: References) -> Json:
    if isinstance(plan.cost, Refusal):
        return {"lines": [], "notes": [page.cell(plan_words.no_answer(plan.cost), plan.cost.sources)]}
    source = (plan.cost.source,) if plan.cost.source else ()
    lines = plan_words.cost(plan.cost)
    return {
        "lines": [_line(page, name, text, source if name == "Prices" else ()) for name, text in lines],
        "notes": [page.cell(words.sentence(note)) for note in plan.cost.notes],
    }


def _expected(plan: Plan, page: References) -> Json:
    """IgG with its band, and what trials say; the two are kept apart."""
    given = plan.prediction
    found = plan.evidence
    evidence = [
        page.cell(f"{plan_words.trials_counted(found)} {plan_words.pooled(found)}".strip(), found.sources)
    ]
    evidence.append(page.cell(found.dose_words))
    if isinstance(given, NoPrediction):
        return {"lines": [], "notes": [words.sentence(given.reason)], "evidence": evidence}
    return {"lines": _levels(given, page), "notes": _level_notes(given), "evidence": evidence}


def _levels(given: Prediction, page: References) -> list[list[Cell]]:
    lines = plan_words.prediction(given)
    return [_line(page, name, text, given.sources if name == "Mean rise" else ()) for name, text in lines]


def _level_notes(given: Prediction) -> list[str]:
    notes = [words.sentence(text) for text in (given.guides, *given.flags) if text]
    return [*notes, plan_words.NO_BENEFIT]


def patient_sheet(plan: Plan, facts: PrintedFacts, made_on: date) -> Json:
    """What `patient_sheet.typ` sets: the plan in plain words."""
    page = References(facts.sources)
    found = plan.evidence
    return {
        "title": "Your immune globulin plan in plain words",
        "label": plan.patient.label,
        "made_on": words.date_words(made_on),
        "notice": words.SHORT_NOTICE,
        "what": [
            "Immune globulin is antibodies, pooled from the blood plasma of many donors.",
            f"You would get {plan_words.grams(plan)} of {plan.product.name} {words.ROUTES[plan.route]}"
            f" {plan_words.rhythm(plan)}.",
            plan.off_label or "",
        ],
        "day": _day(plan),
        "verdict": _safe_for_you(plan),
        "signs": _guidance(page, facts, SIGNS),
        "may": [
            plan_words.trials_counted(found),
            "So it may help some people and do nothing for others. Nobody can tell beforehand which you are.",
            found.dose_words,
            _rise_in_plain_words(plan),
        ],
        "cost": _money_in_plain_words(plan),
        "judge": _judge(plan),
        "sources": page.source_list(),
    }


def _faster(given: InfusionPlan) -> str:
    rates = {step.mg_per_kg_min for step in given.steps}
    return " It starts slowly and gets faster if you feel well." if len(rates) > 1 else ""


def _day(plan: Plan) -> list[str]:
    if plan.screening.verdict == "stop":
        return ["Nothing is to be given before your clinician has settled what stands above."]
    given = plan.administration
    said = []
    if len(plan.dose.per_infusion_g) > 1:
        said.append(f"The dose is split over {len(plan.dose.per_infusion_g)} days, one after the other.")
    if isinstance(given, Refusal):
        said.append("How fast it may run could not be planned; ask before the day.")
    elif isinstance(given, InfusionPlan):
        said.append(
            f"The infusion takes about {plan_words.duration(given.total_minutes)}, and you are watched"
            f" afterwards.{_faster(given)}"
        )
        if plan.if_at_risk is not None:
            said.append(
                f"It takes about {plan_words.duration(plan.if_at_risk.total_minutes)} if an open question"
                " shows that a slower rate is safer for you."
            )
    else:
        time = given.minutes
        said.append(
            "It is given in "
            + ("several places" if given.sites is None else words.counted(given.sites, "place"))
            + ("." if time is None else f" and takes about {plan_words.duration(time)}.")
        )
    said.append("Drink enough beforehand. Say at once if you feel unwell: it can be slowed or stopped.")
    return said


def _safe_for_you(plan: Plan) -> str:
    """The verdict for the person it is about."""
    screening = plan.screening
    stops = dict.fromkeys(found.name for found in screening.findings if found.verdict == "stop")
    if stops:
        return (
            "Stop: as planned it must not be given to you. Reason:"
            f" {words.sentence(words.listed(list(stops)))} Talk to your clinician before anything is given."
        )
    stand, _ = plan_words.askable(screening)
    cares = plan_words.higher_risks(stand)
    said = [f"Care is needed, since this is to be watched in you: {'; '.join(cares)}."] if cares else []
    asked = len(screening.questions)
    if asked:
        said.append(
            f"{words.capital(words.counted(asked, 'question'))} about you must still be answered before"
            " anybody can say how safe it is for you. They are on the plan; go through them with your"
            " clinician."
        )
    return " ".join(said) or plan_words.NOTHING_AGAINST


def _rise_in_plain_words(plan: Plan) -> str:
    given = plan.prediction
    if isinstance(given, NoPrediction):
        return ""
    rise = given.rise_mean_g_per_l
    return (
        f"Your level of antibodies (IgG) should rise by about {words.fixed(rise.value, 1)} g/L"
        f" ({words.bounds(rise.models_low, rise.models_high, 1)}). A higher level is not a benefit by itself."
    )


def _money_in_plain_words(plan: Plan) -> str:
    if isinstance(plan.cost, Refusal):
        return "No price is known for this plan. Ask who pays, and how much, before you start."
    amount = plan.cost.drug_per_28_days
    much = (
        f"{words.money(amount, plan.cost.currency)} every 4 weeks"
        if amount is not None
        else f"{words.money(plan.cost.drug_per_dose, plan.cost.currency)} for one dose"
    )
    return (
        f"The drug alone costs about {much} by prices of {plan.cost.price_date}; giving it comes on top."
        " Ask who pays, and how much, before you start."
    )
