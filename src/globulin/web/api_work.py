"""What the API has worked out beside the server: each answer is the text that the command line prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from globulin.asked import CrowdAsked, InfusionAsked, PatientAsked, PriceAsked, RegimenAsked
from globulin.errors import InputError
from globulin.web.opened import opened_dossier, opened_shelf

if TYPE_CHECKING:
    from globulin.bedside import IndividualRequest, SimulateRequest
    from globulin.crowds import DoseRequest

NOTICE = "globulin informs; it does not prescribe."


def evidence_text(dossier: Path | None, condition: str, priors: tuple[str, ...]) -> str:
    """What `globulin evidence --json` prints."""
    from globulin.findings import find
    from globulin.formats.results import evidence_document, to_text
    from globulin.synthesis.choices import Choices, read_priors

    try:
        choices = Choices(
            priors=read_priors(priors),
            condition=None if condition == "all" else condition,  # type: ignore[arg-type]
        )
        found = find(opened_dossier(dossier), choices=choices)
    except ValueError as problem:
        raise InputError(str(problem)) from problem
    return to_text(evidence_document(opened_dossier(dossier), found))


def regimens_text(dossier: Path | None, weight_kg: float | None, price_list: str | None) -> str:
    """What `globulin regimens --json` prints."""
    from globulin.findings import find
    from globulin.formats.results import regimens_document, to_text
    from globulin.price_store import with_price_list

    opened = with_price_list(opened_dossier(dossier), price_list)
    return to_text(regimens_document(opened, find(opened, weight_kg=weight_kg, price_list=price_list)))


def shelf_text(dossier: Path | None, kind: Literal["products", "conditions"]) -> str:
    """The records of one kind, by id."""
    records = getattr(opened_shelf(dossier), kind)
    plain = {name: record.model_dump(mode="json") for name, record in records.items()}
    return _text({"notice": NOTICE, kind: plain})


def price_lists_text(dossier: Path | None) -> str:
    """Every price list without its prices, and what cannot be read in the data folder."""
    from globulin.price_store import stored

    bundled = opened_shelf(dossier).prices
    imported = {each.id: each for each in stored() if each.id not in bundled}
    lists = {**bundled, **{name: each.price_list for name, each in imported.items() if each.price_list}}
    told = {
        name: {
            **each.model_dump(mode="json", include=_OF_A_LIST),
            "prices": sum(price.price is not None for price in each.prices),
            "imported": name in imported,
        }
        for name, each in sorted(lists.items())
    }
    unread = [each.fault for each in imported.values() if each.fault]
    return _text({"notice": NOTICE, "price_lists": told, "faults": unread})


_OF_A_LIST = {
    "title", "country", "currency", "effective_from", "effective_to", "date_words", "basis", "kind",
}  # fmt: skip


def price_list_text(dossier: Path | None, identifier: str) -> str:
    """What `globulin prices show --json` prints."""
    from globulin.formats import price_rows
    from globulin.planning.price_table import product_prices
    from globulin.price_store import with_price_list

    opened = with_price_list(opened_dossier(dossier), identifier)
    found = opened.prices[identifier]
    return price_rows.price_list_text(found, product_prices(opened.products.values(), found))


def plan_text(
    dossier: Path | None,
    patient: PatientAsked,
    regimen: RegimenAsked,
    giving: InfusionAsked,
    price: PriceAsked,
) -> str:
    """What `globulin plan --json` prints."""
    from globulin.formats import plan
    from globulin.planner import patient_asked, planned, price_asked, request_asked

    shelf = opened_shelf(dossier)
    person, money = patient_asked(shelf, patient), price_asked(shelf, price)
    request = request_asked(shelf, regimen, giving, patient.risk, str(regimen.product))
    return plan.plan_text(planned(shelf, person, request, money), shelf.sources)


def rank_text(
    dossier: Path | None,
    patient: PatientAsked,
    regimen: RegimenAsked,
    giving: InfusionAsked,
    price: PriceAsked,
) -> str:
    """What `globulin plan --json` prints where no product is named."""
    from globulin.formats.plan import ranking_text
    from globulin.planner import patient_asked, price_asked, ranking_asked

    shelf = opened_shelf(dossier)
    person, money = patient_asked(shelf, patient), price_asked(shelf, price)
    return ranking_text(ranking_asked(shelf, person, regimen, giving, patient.risk, money))


def compare_text(
    dossier: Path | None, patient: PatientAsked, options: tuple[RegimenAsked, ...], price: PriceAsked
) -> str:
    """What `globulin compare --json` prints."""
    from globulin.formats.plan import plans_text
    from globulin.planner import patient_asked, planned, price_asked, request_asked

    shelf = opened_shelf(dossier)
    person, money = patient_asked(shelf, patient), price_asked(shelf, price)
    plans = []
    for regimen in options:
        request = request_asked(shelf, regimen, InfusionAsked(), patient.risk, str(regimen.product))
        plans.append(planned(shelf, person, request, money))
    return plans_text(plans, shelf.sources)


def simulate_text(
    dossier: Path | None, asked: SimulateRequest, crowd: CrowdAsked, target_g_per_l: float | None
) -> str:
    """What `globulin simulate --json` prints."""
    from globulin.bedside import Bedside, one_person, simulated
    from globulin.crowds import populated
    from globulin.formats.population import population_text
    from globulin.formats.simulated import simulated_text

    bedside = Bedside(dossier)
    if crowd.asked:
        with redirect_stderr(StringIO()):  # a bar of progress is for a terminal
            return population_text(*populated(bedside, asked, crowd, target_g_per_l))
    one_person(crowd, "--people")
    if target_g_per_l is not None:
        raise InputError("--target-g-per-l counts people; give --people too")
    return simulated_text(*simulated(bedside, asked))


def dose_for_text(dossier: Path | None, asked: DoseRequest, crowd: CrowdAsked) -> str:
    """What `globulin dose-for --json` prints."""
    from globulin.bedside import Bedside
    from globulin.crowds import doses_needed
    from globulin.formats.dose_needed import dose_text

    with redirect_stderr(StringIO()):
        return dose_text(*doses_needed(Bedside(dossier), asked, crowd))


def individualise_text(dossier: Path | None, asked: IndividualRequest) -> str:
    """What `globulin individualise --json` prints."""
    from globulin.bedside import Bedside, individualised
    from globulin.formats.individual import individual_text

    return individual_text(*individualised(Bedside(dossier), asked))


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
