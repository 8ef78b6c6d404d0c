"""The bundled dossier holds everything that was collected, and nothing unverified is computed with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from globulin import asked
from globulin.dossier import Dossier, treatment
from globulin.dossier.kinetics import LinearModel
from globulin.dossier.provenance import Cited, known
from globulin.findings import find
from globulin.formats.results import to_text, whole_schema
from globulin.library import json_schemas, open_dossier

# Listed from the fact collection itself, before it was written as content.
MANIFEST: dict[str, Any] = json.loads((Path(__file__).parent / "truth" / "manifest.json").read_text())
SCHEMAS = Path(__file__).parents[1] / "docs" / "schema"


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


def test_every_collected_record_is_there(dossier: Dossier) -> None:
    assert set(dossier.studies) == set(MANIFEST["studies"])
    assert set(dossier.products) == set(MANIFEST["products"])
    for folder in ("comparators", "reviews", "background", "instruments", "reports"):
        assert set(getattr(dossier, folder)) == set(MANIFEST[folder]), folder
    assert set(MANIFEST["kinetics"]) <= set(dossier.kinetics)
    assert set(MANIFEST["regimens_of_the_page"]) <= set(dossier.regimens)
    assert (len(dossier.studies), len(dossier.products), len(dossier.all_claims())) == (37, 28, 32)
    assert (len(dossier.comparators), len(dossier.reviews), len(dossier.reports)) == (14, 15, 7)


@pytest.mark.parametrize("identifier", MANIFEST["studies"])
def test_no_arm_or_outcome_of_a_study_is_lost(dossier: Dossier, identifier: str) -> None:
    study, collected = dossier.studies[identifier], MANIFEST["studies"][identifier]
    assert len(study.arms) >= collected["arms"]
    assert len(study.outcomes) >= collected["outcomes"]
    assert study.poolability == collected["poolability"]
    assert study.on_source_page == collected["on_source_page"]


@pytest.mark.parametrize("identifier", MANIFEST["products"])
def test_no_vial_route_code_or_rate_of_a_product_is_lost(dossier: Dossier, identifier: str) -> None:
    product, collected = dossier.products[identifier], MANIFEST["products"][identifier]
    assert isinstance(product.concentration_mg_per_ml, Cited)
    assert product.concentration_mg_per_ml.value == collected["concentration_mg_per_ml"]
    assert [[vial.g, vial.ml] for vial in product.vials] == collected["vials"]
    assert list(product.routes) == collected["routes"]
    assert getattr(product.hcpcs, "value", None) == collected["hcpcs"]
    rates = {
        round(fact.value, 2)
        for use in product.uses
        if use.ramp is not None and isinstance(fact := use.ramp.maximum_mg_per_kg_min, Cited)
    }
    assert {round(rate, 2) for rate in collected["maximum_rates_mg_per_kg_min"]} <= rates
    assert len(getattr(product.boxed_warnings, "value", ())) == collected["boxed_warnings"]


def test_cms_prices_are_the_collected_ones(dossier: Dossier) -> None:
    prices = dossier.prices["cms_2025q4"]
    assert {price.code: price.price for price in prices.prices} == MANIFEST["cms_2025q4"]
    assert len(prices.packages) == MANIFEST["cms_2025q4_packages"]


def test_kinetic_parameters_are_the_collected_ones(dossier: Dossier) -> None:
    for identifier, parameters in MANIFEST["kinetic_parameters"].items():
        model = dossier.kinetics[identifier]
        assert isinstance(model, LinearModel)
        stored = {name: getattr(fact, "value", None) for name, fact in model.parameters.items()}
        assert {name: stored.get(name) for name in parameters} == parameters, identifier


def test_hazard_rates_are_not_lost(dossier: Dossier) -> None:
    assert sum(len(hazard.rates) for hazard in dossier.hazards.values()) >= MANIFEST["hazard_rates"]


def test_every_claim_has_the_collected_verdict_and_an_answer(dossier: Dossier) -> None:
    assert {claim.id: claim.verdict for claim in dossier.all_claims()} == MANIFEST["claims"]
    assert all(claim.finding and claim.see for claim in dossier.all_claims())


def unverified_values(record: object) -> list[Cited[Any]]:
    if isinstance(record, Cited):
        return [] if record.computable else [record]
    if isinstance(record, BaseModel):
        return [
            found for name in type(record).model_fields for found in unverified_values(getattr(record, name))
        ]
    if isinstance(record, dict):
        return [found for value in record.values() for found in unverified_values(value)]
    if isinstance(record, tuple):
        return [found for value in record for found in unverified_values(value)]
    return []


def test_unverified_stays_marked_and_out_of_reach(dossier: Dossier) -> None:
    marked = [value for study in dossier.studies.values() for value in unverified_values(study)]
    marked += [value for product in dossier.products.values() for value in unverified_values(product)]
    assert len(marked) >= 20
    assert all(known(value) is None for value in marked)
    # the arm sizes of Rowe 1997 and Vollmer-Conna 1997 come from memory: 36 + 34, and 22 + 28 + 23 + 26
    for identifier in ("rowe_1997", "vollmer_conna_1997"):
        assert all(known(arm.n_randomised) is None for arm in dossier.studies[identifier].arms)
    effects = {effect.study: effect for effect in find(dossier).trials.effects}
    assert (effects["rowe_1997"].n_active, effects["rowe_1997"].n_control) == (35, 35)
    assert (effects["vollmer_conna_1997"].n_active, effects["vollmer_conna_1997"].n_control) == (74, 25)
    for identifier in ("rowe_1997", "vollmer_conna_1997"):
        assert any(step.startswith("assumed:") for step in effects[identifier].derivation)


def test_every_source_is_used_or_says_why_it_is_kept(dossier: Dossier) -> None:
    kept_unused = {"bivigam_2025"}  # an abstract that prints no parameters: listed so that nobody looks again
    text = to_text(dossier.model_dump(mode="json", exclude={"sources", "content_sha256"}))
    unused = {identifier for identifier in dossier.sources if f'"{identifier}"' not in text}
    assert unused <= kept_unused


def test_committed_schemas_are_fresh() -> None:
    """`globulin schema --out docs/schema` writes these; editors and readers of dossier.json rely on them."""
    written = {path.name: path.read_text() for path in SCHEMAS.glob("*.schema.json")}
    fresh = {**json_schemas(), "dossier_json": whole_schema()}
    assert written == {f"{name}.schema.json": to_text(schema) for name, schema in fresh.items()}


def test_routes_stand_in_one_order_wherever_they_are_named() -> None:
    # Python keeps one of two unions of the same literals, so another order would reach the committed schema
    assert get_args(asked.Route) == get_args(treatment.Route)
