"""Plans side by side, and products ranked for one person, as the terminal shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.pages import plan_words, words
from globulin.planning.costing import PlanCost
from globulin.planning.infusion import InfusionPlan
from globulin.planning.outlook import Prediction
from globulin.planning.plan import Plan
from globulin.planning.ranking import RankedProduct
from globulin.planning.refusal import Refusal
from globulin.planning.sites import SitePlan

_NOT_SHOWN = "What this does not show: whether any of them helps this person."


def comparison_view(plans: Sequence[Plan]) -> RenderableType:
    """Plans as columns: what is given, what it does to IgG, what it costs, how it stands to the trials."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_lines=False)
    table.add_column("")
    for plan in plans:
        table.add_column(plan.product.name, overflow="fold", ratio=1)
    for name, part in _ROWS:
        table.add_row(name, *(part(plan) for plan in plans))
    return Group(
        Text(f"Side by side for {plans[0].patient.label}, {plan_words.person(plans[0])}", style="bold"),
        table,
        Text(f"\n{plan_words.NO_BENEFIT} {_NOT_SHOWN}\n{plan_words.CHECK_LABEL}"),
    )


def comparison_rows(plans: Sequence[Plan]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The same as rows of text: the name of a row, then one cell for each plan."""
    return tuple((name, tuple(part(plan) for plan in plans)) for name, part in _ROWS)


def ranking_view(ranking: Sequence[RankedProduct]) -> RenderableType:
    """Products in the order of their fit, with the reasons."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "product", "verdict", "why"):
        table.add_column(heading, overflow="fold")
    for place, each in enumerate(ranking, start=1):
        reasons = "; ".join(each.reasons)
        table.add_row(str(place), each.name, plan_words.VERDICTS[each.verdict], reasons)
    return Group(
        Text("Products of this route, the best fit first", style="bold"),
        table,
        Text(
            "\nA verdict counts first, then whether it can be planned, then the reasons, then the price."
            f"\n{plan_words.CHECK_LABEL}"
        ),
    )


def _dose(plan: Plan) -> str:
    return f"{plan_words.grams(plan)} {plan_words.rhythm(plan)}"


def _per_28_days(plan: Plan) -> str:
    if plan.dose.interval_day is None:
        return "given once"
    return f"{words.number(plan.dose.g_per_kg_actual * 28 / plan.dose.interval_day)} g/kg"


def _time(plan: Plan) -> str:
    given = plan.administration
    if isinstance(given, Refusal):
        return plan_words.no_answer(given)
    minutes = given.total_minutes if isinstance(given, InfusionPlan) else given.minutes
    if minutes is None:
        return "an injection" if isinstance(given, SitePlan) and given.route == "im" else words.NOT_KNOWN
    return plan_words.duration(minutes)


def _rise(plan: Plan) -> str:
    found = plan.prediction
    if not isinstance(found, Prediction):
        return words.sentence(found.reason)
    return plan_words.band(found.rise_mean_g_per_l, 2)


def _trough(plan: Plan) -> str:
    found = plan.prediction
    return plan_words.band(found.trough_g_per_l) if isinstance(found, Prediction) else words.NOT_KNOWN


def _money(per: Callable[[PlanCost], float | None]) -> Callable[[Plan], str]:
    def said(plan: Plan) -> str:
        if isinstance(plan.cost, Refusal):
            return words.sentence(plan.cost.reason)
        amount = per(plan.cost)
        return "single course" if amount is None else words.money(amount, plan.cost.currency)

    return said


def _prices(plan: Plan) -> str:
    return words.NOT_KNOWN if isinstance(plan.cost, Refusal) else plan_words.priced(plan.cost)


_ROWS: tuple[tuple[str, Callable[[Plan], str]], ...] = (
    ("Dose", _dose),
    ("In 28 days", _per_28_days),
    ("Vials each time", plan_words.opened),
    ("Time each time", _time),
    ("Mean rise in IgG", _rise),
    ("Trough", _trough),
    ("Screening", lambda plan: plan_words.verdict(plan.screening)),
    ("Drug, 28 days", _money(lambda cost: cost.drug_per_28_days)),
    ("Drug, a year", _money(lambda cost: cost.drug_per_year)),
    ("Prices", _prices),
    ("Trials at this dose", lambda plan: plan.evidence.dose_words),
)
