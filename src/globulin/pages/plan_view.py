"""A plan in a terminal, readable at 80 columns: the verdict first, then what is given, how, and what then."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.pages import plan_words, words
from globulin.planning.infusion import InfusionPlan
from globulin.planning.outlook import NoPrediction
from globulin.planning.plan import Plan
from globulin.planning.refusal import Refusal

NOT_SHOWN = "whether it will help this person, or what else a label asks for."


def plan_view(plan: Plan) -> RenderableType:
    """The whole plan, with what it does not show."""
    return Group(
        Text(f"Plan for {plan.patient.label}: {plan.product.name}, {plan.dose.asked}", style="bold"),
        *_screening(plan),
        *_part("What is given", _lines(_given(plan))),
        *_part("How it runs", *_running(plan)),
        *_part("What is watched", _watched(plan)),
        *_part("When it is judged, and when it stops", *_judged(plan)),
        *_part("What it costs", *_cost(plan)),
        *_part("What may be expected", *_expected(plan)),
        Text(f"\nWhat this does not show: {NOT_SHOWN} {plan_words.CHECK_LABEL}", style="italic"),
    )


def _part(heading: str, *content: RenderableType) -> tuple[RenderableType, ...]:
    return (Text(f"\n{heading}", style="bold"), *content)


def _lines(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def _screening(plan: Plan) -> list[RenderableType]:
    """The verdict, what stands, and every question."""
    screening = plan.screening
    stand, waiting = plan_words.askable(screening)
    parts: list[RenderableType] = [Text(f"Screening: {plan_words.verdict(screening)}", style="bold")]
    if stand:
        table = Table(show_edge=False)
        for heading in ("verdict", "why", "what would settle it"):
            table.add_column(heading, overflow="fold")
        for found in stand:
            why = f"{found.name}. {words.sentence(found.reason)} [{found.source}]"
            row = (plan_words.VERDICTS[found.verdict], why, words.sentence(found.resolve))
            table.add_row(*map(Text, row))
        parts.append(table)
    if waiting:
        names = [f"{found.name}{' (may turn to stop)' if found.worst == 'stop' else ''}" for found in waiting]
        parts.append(Text(f"Cannot be ruled out yet: {'; '.join(names)}."))
    if screening.questions:
        parts.append(Text("Still to ask; what is not known is never taken as safe:"))
        parts += [
            Text(f"  {'!' if question.could_stop else '-'} {question.text} ({question.condition})")
            for question in screening.questions
        ]
    return parts


def _given(plan: Plan) -> list[tuple[str, str]]:
    opened = plan_words.opened(plan)
    rows = [
        ("Person", plan_words.person(plan)),
        ("Product", plan_words.product(plan)),
        ("Dose", f"{plan_words.grams(plan)} {words.ROUTES[plan.route]} {plan_words.rhythm(plan)}"),
        ("How worked out", plan_words.dose_steps(plan.dose.steps)),
        ("Dosing weight", plan_words.dosing_weight(plan)),
        ("Each time", plan_words.each_infusion(plan)),
        ("Open", opened),
    ]
    rows = [(name, said) for name, said in rows if said]
    return [*rows, ("Label", f"Off-label. {plan.off_label}")] if plan.off_label else rows


def _running(plan: Plan) -> list[RenderableType]:
    given = plan.administration
    stop = [Text("Not to be given as it stands: the screening says stop.")] * (
        plan.screening.verdict == "stop"
    )
    if isinstance(given, Refusal):
        return [*stop, Text(plan_words.no_answer(given))]
    if not isinstance(given, InfusionPlan):
        notes = (Text(words.sentence(note)) for note in given.notes)
        return [*stop, _lines(plan_words.sites(given)), *notes]
    shown = plan.after_reaction or given
    local = [Text(plan_words.LOCAL_PRACTICE)] if any(step.local_practice for step in shown.steps) else []
    limits = plan_words.limits(plan, given)
    said: list[RenderableType] = [
        *stop,
        *_steps(shown),
        *local,
        Text(" ".join([*limits, *map(words.sentence, given.ramp.basis)])),
    ]
    if plan.if_at_risk is not None:
        said += [Text("The slower steps, if a risk for kidneys or clots is found"), *_steps(plan.if_at_risk)]
    if plan.after_reaction is not None:
        said += [Text("About reactions"), *(Text(f"  - {rule.says}") for rule in plan.reaction_rules)]
    return said


def _steps(given: InfusionPlan) -> list[RenderableType]:
    table = Table(show_edge=False)
    for heading in ("from min", "to min", "mL/h", "mg/kg/min", "mL so far", "g so far"):
        table.add_column(heading, justify="right")
    table.add_column("remark", overflow="fold")
    for step in given.steps:
        table.add_row(*map(Text, plan_words.step(step)))
    total = f"{plan_words.duration(given.total_minutes)} for {words.number(given.volume_ml, 4)} mL."
    return [table, Text(total)]


def _watched(plan: Plan) -> Table:
    table = Table(show_edge=False)
    for heading in ("when", "what"):
        table.add_column(heading, overflow="fold")
    for item in plan.monitoring.items:
        unsure = " (if: an open question)" if item.needed == "not_known" else ""
        table.add_row(Text(item.when), Text(f"{item.what}{unsure}"))
    return table


def _judged(plan: Plan) -> list[RenderableType]:
    week, rule = plan_words.review_and_stop(plan)
    rows = [("Review", week or "not said yet: agree on it beforehand")]
    rows.append(("It stops", rule or "not said yet: agree on it beforehand"))
    return [_lines(rows), Text(" ".join(plan_words.judged(plan.monitoring)))]


def _cost(plan: Plan) -> list[RenderableType]:
    if isinstance(plan.cost, Refusal):
        return [Text(plan_words.no_answer(plan.cost))]
    return [_lines(plan_words.cost(plan.cost)), *(Text(note) for note in plan.cost.notes)]


def _expected(plan: Plan) -> list[RenderableType]:
    given, found = plan.prediction, plan.evidence
    evidence = " ".join([plan_words.trials_counted(found), plan_words.pooled(found), found.dose_words])
    if isinstance(given, NoPrediction):
        return [Text(words.sentence(given.reason)), Text(evidence)]
    notes = [words.sentence(text) for text in (given.guides, *given.flags) if text]
    return [
        _lines(plan_words.prediction(given)),
        Text(" ".join([*notes, plan_words.NO_BENEFIT])),
        Text(evidence),
    ]
