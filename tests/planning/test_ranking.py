"""Ranking: which product fits best, decided key by key, with the reason in words.

Made-up products are copies of one real product, so that only what the test changes tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.dossier.hazard import Hazard, Term
from globulin.dossier.provenance import Cited, Missing
from globulin.dossier.treatment import Bounds, Product
from globulin.planning.ranking import RankedProduct, ranked
from globulin.planning.screening import VERDICTS
from planning.people_screened import (
    TOY_CONDITIONS,
    A,
    B,
    SomeRules,
    check,
    dossier,
    hazard,
    person,
    with_yes,
)


def product(name: str, *contains: str, **more: Any) -> Product:
    """A 10% product by vein; what it contains is known unless `contains` is given as a fact."""
    held = Cited[tuple[str, ...]](value=contains, source="toy", seen="label")
    fields = {"id": name, "name": name.upper(), "contains": held, "routes": ("iv",)} | more
    return dossier().products["privigen"].model_copy(update=fields)


NOT_READ = Missing(missing="not read")


def order(
    *products: Product,
    hazards: tuple[Hazard, ...] = (),
    state: Mapping[str, bool] | None = None,
    cannot: Mapping[str, str] | None = None,
    prices: Mapping[str, float] | None = None,
) -> tuple[RankedProduct, ...]:
    who = person(state or {}).model_copy(update={"weight_kg": 50.0})
    return ranked(
        SomeRules({each.id: each for each in hazards}, TOY_CONDITIONS),
        who,
        products,
        route="iv",
        grams=50.0,
        g_per_kg=1.0,
        why_not=lambda each: (cannot or {}).get(each.id),
        price_per_g=prices or {},
        currency="USD",
    )


def ids(every: tuple[RankedProduct, ...]) -> str:
    return "".join(each.product for each in every)


SUGAR = hazard("sugar", check((A, Term(contains="sugar")), "stop"))
SALT = hazard("salt", check((Term(contains="salt"),)))
FAT = hazard("fat", check((Term(contains="fat"),)))


def test_the_mildest_verdict_comes_before_everything_else() -> None:
    every = order(
        product("a", "sugar"),
        product("b", "salt"),
        product("c"),
        hazards=(SUGAR, SALT),
        state={"a": True},
        cannot={"c": "no table", "b": "no table"},
        prices={"a": 1.0},
    )
    assert ids(every) == "cba"
    assert [each.verdict for each in every] == ["clear", "caution", "stop"]


def test_then_a_product_that_can_be_planned() -> None:
    every = order(
        product("a", "salt"),
        product("k", "salt", "fat"),
        hazards=(SALT, FAT),
        cannot={"a": "rate table not verified"},
        prices={"a": 1.0},
    )
    assert ids(every) == "ka"
    assert [(each.plannable, each.why_not) for each in every] == [
        (True, None),
        (False, "rate table not verified"),
    ]


def test_then_the_fewest_reasons_that_are_known_then_the_fewest_that_are_not() -> None:
    every = order(
        product("a", "salt", "fat"),
        product("b", contains=NOT_READ),
        product("c", "salt"),
        product("d", "salt", iga_ug_per_ml=NOT_READ),
        hazards=(SALT, FAT, hazard("iga", check((Term(iga_ug_per_ml=Bounds(at_least=1e6)),)))),
        prices={"a": 1.0, "d": 2.0, "b": 4.0},
    )
    # b: nothing known, two open; c: one known; d: one known, one open; a: two known
    assert ids(every) == "bcda"


def test_then_the_price_and_no_price_comes_last_and_the_id_settles_the_rest() -> None:
    every = order(*(product(name) for name in "edcba"), prices={"a": 90.0, "b": 80.0, "d": 80.0})
    assert ids(every) == "bdace"
    assert [each.price_per_g for each in every] == [80.0, 80.0, 90.0, None, None]


def test_reasons_tell_what_sets_a_product_apart_and_not_what_all_share() -> None:
    shared = hazard("shared", check((B,)))
    every = order(
        product("a", "sugar", "salt"),
        product("b", contains=NOT_READ),
        product("c"),
        hazards=(SUGAR, SALT, shared),
        state={"a": True, "b": True},
        cannot={"b": "no start rate"},
        prices={"a": 1234.5},
    )
    assert {each.product: each.reasons for each in every} == {
        "a": ("stop: sugar", "caution: salt", "it can be planned", "1,234.50 USD per gram"),
        "b": (
            "not known: salt",
            "not known: sugar",
            "it cannot be planned: no start rate",
            "its price is not known",
        ),
        "c": (
            "the screening found nothing that it does not find with every product",
            "it can be planned",
            "its price is not known",
        ),
    }
    assert all("shared" in {finding.name for finding in each.screening.findings} for each in every)


def test_two_products_that_share_all_are_told_apart_by_nothing() -> None:
    for each in order(product("a", "salt"), product("b", "salt"), hazards=(SALT,)):
        assert each.reasons[0] == "the screening found nothing that it does not find with every product"


def test_a_product_alone_is_told_all_that_was_found() -> None:
    (only,) = order(product("a", "salt"), hazards=(SALT,))
    assert only.reasons[0] == "caution: salt"
    assert order() == ()


def test_a_hazard_with_two_findings_is_told_once() -> None:
    twice = hazard("twice", check((Term(contains="salt"),)), check((A,)))
    (alone,) = order(product("a", "salt"), hazards=(twice,), state={"a": True})
    assert len(alone.screening.findings) == 2
    assert alone.reasons.count("caution: twice") == 1


def test_the_volume_is_that_of_the_product() -> None:
    """50 g are 500 mL at 100 mg/mL and 1,000 mL at 50 mg/mL; of an unknown strength nobody knows."""
    much = hazard("much", check((Term(ml=Bounds(above=600.0)),)))
    weak = Cited[float](value=50.0, source="toy", seen="label")
    every = order(
        product("a", concentration_mg_per_ml=weak),
        product("b"),
        product("c", concentration_mg_per_ml=NOT_READ),
        hazards=(much,),
    )
    assert [(each.product, each.verdict) for each in every] == [
        ("b", "clear"),
        ("c", "caution"),
        ("a", "caution"),
    ]
    assert [finding.known for each in every[1:] for finding in each.screening.findings] == [False, True]


def test_only_products_made_for_the_route_are_ranked() -> None:
    assert (
        ids(order(product("a"), product("b", routes=("sc", "im")), product("c", routes=("sc", "iv")))) == "ac"
    )


@pytest.mark.parametrize("route", ["iv", "sc", "fsc", "im"])
def test_every_product_of_the_dossier_is_ranked_on_its_route(route: Any) -> None:
    every = bundled(route, with_yes("prolonged_immobility"))
    assert {each.product for each in every} == {
        each.id for each in dossier().products.values() if route in each.routes
    }
    assert all("thrombosis" in {finding.hazard for finding in each.screening.findings} for each in every)


def bundled(route: Any, state: Mapping[str, bool], products: Any = None) -> tuple[RankedProduct, ...]:
    return ranked(
        dossier(),
        person(state),
        dossier().products.values() if products is None else products,
        route=route,
        grams=28.0,
        g_per_kg=0.4,
        why_not=lambda each: None if each.uses else "no rate table",
        # ASP of the fourth quarter of 2025, USD per gram, rounded
        price_per_g={"gammagard_liquid": 90.63, "privigen": 91.0, "octagam_10": 80.0},
        currency="USD",
    )


def test_products_with_the_forbidden_substance_come_last() -> None:
    """Labels: sorbitol in Flebogamma DIF and Gammaplex 5%, proline in Privigen; two were not read."""
    every = bundled("iv", with_yes("fructose_intolerance", "hyperprolinaemia"))
    stopped = {each.product for each in every if each.verdict == "stop"}
    assert stopped == {"privigen", "flebogamma_dif_5", "flebogamma_dif_10", "gammaplex_5"}
    assert {each.product for each in every[-4:]} == stopped
    unread = {each.product for each in every if each.verdict == "caution"}
    assert unread == {"yimmugo", "intratect_100"}
    assert [each.product for each in every[:2]] == ["octagam_10", "gammagard_liquid"]


@settings(max_examples=20, deadline=None)  # each ranks all products twice
@given(st.permutations(range(28)))
def test_the_order_given_changes_nothing_and_verdicts_never_fall(places: list[int]) -> None:
    products = list(dossier().products.values())
    assert len(products) == len(places)
    every = bundled("iv", with_yes("fructose_intolerance"), [products[place] for place in places])
    assert every == bundled("iv", with_yes("fructose_intolerance"))
    verdicts = [VERDICTS.index(each.verdict) for each in every]
    assert all(before <= after for before, after in pairwise(verdicts))
