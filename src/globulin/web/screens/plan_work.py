"""What the plan and compare screens have worked out beside the server, by the functions of the command line.

Everything here runs in a worker and gives plain data: a plan itself does not travel between processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from globulin.asked import PriceAsked
from globulin.formats.saved_file import SavedPlan
from globulin.web.opened import opened_shelf
from globulin.web.screens.strips import Strips, strips

if TYPE_CHECKING:
    from globulin.dossier.patient import Patient
    from globulin.plan_shelf import PlanShelf
    from globulin.planning.outlook import Spread
    from globulin.planning.plan import Plan

Paper = Literal["plan", "patient_sheet", "letter"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A product in the ranking."""

    product: str
    name: str
    verdict: str
    verdict_words: str
    plannable: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Worked:
    """A plan as a page shows it, or the products to choose from.

    `sheet`: what the printed plan says, of `pages.plan_documents`. `rise`: the predicted mean rise in IgG in
    g/L, and its bands; `levels`: the levels with theirs; None where nothing is predicted. `trials`: each
    trial with what it found.
    """

    sheet: dict[str, Any] | None = None
    heading: str = ""
    lead: str = ""
    rise: tuple[str, str] | None = None
    levels: Strips | None = None
    trials: tuple[str, ...] = ()
    ranking: tuple[Ranked, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One regimen of a comparison: its name, how it was asked for, its verdict, its rows and its rise in IgG.

    `rise` is None where nothing is predicted; `rise_said` says it, or why not.
    """

    name: str
    asked: str
    verdict: str
    verdict_words: str
    rows: tuple[tuple[str, str], ...]
    rise: Spread | None
    rise_said: str


def worked_out(dossier: Path | None, asked: SavedPlan, made_on: date) -> Worked:
    """The plan, or the ranking where no product is chosen. Raises InputError for what makes no sense."""
    shelf = opened_shelf(dossier)
    if asked.regimen.product is None:
        return Worked(ranking=_ranking(shelf, asked))
    from globulin.pages import plan_words, words
    from globulin.pages.plan_documents import plan_sheet

    plan = _plan(shelf, asked)
    way = words.capital(words.ROUTES[plan.route])
    return Worked(
        sheet=plan_sheet(plan, _facts(shelf, asked.price), made_on),
        heading=f"{plan_words.grams(plan)} of {plan.product.name}",
        lead=f"{way}, {plan_words.rhythm(plan)}, for {plan_words.person(plan)}",
        rise=_rise(plan),
        levels=_levels(plan),
        trials=tuple(plan_words.trial(each) for each in plan.evidence.trials),
    )


def paper(dossier: Path | None, asked: SavedPlan, made_on: date, name: Paper) -> bytes:
    """One of the documents of a plan, as PDF."""
    from globulin.pages.plan_documents import plan_documents

    shelf = opened_shelf(dossier)
    return plan_documents(_plan(shelf, asked), _facts(shelf, asked.price), made_on)[f"{name}.pdf"]


def option(dossier: Path | None, asked: SavedPlan) -> Option:
    """One regimen of a comparison. Raises InputError for what makes no sense."""
    from globulin.pages.plan_comparison import comparison_rows
    from globulin.planning.outlook import Prediction

    plan = _plan(opened_shelf(dossier), asked)
    rows = {name: cells[0] for name, cells in comparison_rows([plan])}
    said = rows.pop(_VERDICT)
    rise = plan.prediction.rise_mean_g_per_l if isinstance(plan.prediction, Prediction) else None
    return Option(
        plan.product.name,
        plan.asked.regimen or f"{plan.dose.asked}, {plan.route.upper()}",
        plan.screening.verdict,
        said,
        tuple(rows.items()),
        rise,
        rows["Mean rise in IgG"],
    )


_VERDICT = "Screening"
"""The row that is drawn as a verdict."""


def _plan(shelf: PlanShelf, asked: SavedPlan) -> Plan:
    from globulin.planner import planned, price_asked, request_asked

    person = _person(shelf, asked)
    product = asked.regimen.product or ""
    request = request_asked(shelf, asked.regimen, asked.infusion, asked.patient.risk, product)
    return planned(shelf, person, request, price_asked(shelf, asked.price))


def _person(shelf: PlanShelf, asked: SavedPlan) -> Patient:
    from globulin.planner import patient_asked

    person = patient_asked(shelf, asked.patient)
    return person if asked.letter is None else person.model_copy(update={"letter": asked.letter})


def _ranking(shelf: PlanShelf, asked: SavedPlan) -> tuple[Ranked, ...]:
    from globulin.pages import plan_words
    from globulin.planner import price_asked, ranking_asked

    price = price_asked(shelf, asked.price)
    person = _person(shelf, asked)
    found = ranking_asked(shelf, person, asked.regimen, asked.infusion, asked.patient.risk, price)
    return tuple(
        Ranked(
            each.product,
            each.name,
            each.verdict,
            plan_words.VERDICTS[each.verdict],
            each.plannable,
            each.reasons,
        )
        for each in found
    )


def _rise(plan: Plan) -> tuple[str, str] | None:
    from globulin.pages import plan_words
    from globulin.planning.outlook import Prediction

    if not isinstance(plan.prediction, Prediction):
        return None
    value, _, bands = plan_words.band(plan.prediction.rise_mean_g_per_l).partition(" g/L ")
    return value, bands.strip("()")


def _levels(plan: Plan) -> Strips | None:
    from globulin.pages import plan_words
    from globulin.planning.outlook import Prediction, Spread

    given = plan.prediction
    if not isinstance(given, Prediction):
        return None
    before = given.baseline_g_per_l
    named = [
        ("Trough", given.trough_g_per_l),
        ("Average", given.average_g_per_l),
        ("Peak", given.peak_g_per_l),
    ]
    own = (
        "Before",
        dict(plan_words.prediction(given))["IgG before"],
        Spread(before, before, before, None, None),
    )
    return strips([own, *((name, plan_words.band(spread), spread) for name, spread in named)])


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is printed beside a plan, with the source of a price list that is not the dossier's."""

    sources: Any
    guidance: Any


def _facts(shelf: PlanShelf, price: PriceAsked) -> _Facts:
    from globulin.price_store import price_lists, source_of

    sources = shelf.sources
    if price.price_list is not None and price.price_list not in shelf.prices:
        found = price_lists(shelf.prices)[price.price_list]
        sources = {**sources, found.source: source_of(found)}
    return _Facts(sources, shelf.guidance)
