"""Screening: what must hold for every person, product and dose, whatever the dossier says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.dossier.condition import RiskGroup
from globulin.dossier.provenance import Cited, known
from globulin.dossier.treatment import Limit, Product, Route
from globulin.planning.screening import VERDICTS, Screening, screen
from planning.people_screened import SomeRules, all_no, dossier, found, person, screened, with_yes

GROUPS = get_args(RiskGroup)


@dataclass(frozen=True)
class Case:
    """A product on one of its routes, a dose and an age (None: not known)."""

    product: str
    route: Route
    g_per_kg: float
    ml: float
    age: float | None

    def screened(self, state: Mapping[str, bool], *risk: str) -> Screening:
        dose = (self.g_per_kg, self.ml)
        return screened(state, self.product, self.route, *dose, age=self.age, risk=risk)


CONDITIONS = st.deferred(lambda: st.sampled_from(sorted(dossier().conditions)))
STATES = st.dictionaries(CONDITIONS, st.booleans())
ON_ROUTES = st.deferred(
    lambda: st.sampled_from(
        [(each.id, route) for each in dossier().products.values() for route in each.routes]
    )
)
CASES = st.builds(
    lambda at, *rest: Case(*at, *rest),
    ON_ROUTES,
    st.sampled_from([0.1, 0.4, 1.0, 2.0]),
    st.sampled_from([5.0, 1400.0]),
    st.sampled_from([None, 40.0, 65.0, 66.0]),
)


def rank(screening: Screening) -> int:
    return VERDICTS.index(screening.verdict)


@settings(deadline=None)
@given(STATES, CASES, st.data())
def test_one_more_condition_never_makes_the_verdict_milder(
    state: dict[str, bool], case: Case, data: st.DataObject
) -> None:
    more = data.draw(st.sets(CONDITIONS, min_size=1))
    before = case.screened(state)
    after = case.screened(state | dict.fromkeys(more, True))
    assert rank(after) >= rank(before)
    assert after.groups >= before.groups


@settings(deadline=None)
@given(STATES, CASES, st.sampled_from(GROUPS))
def test_a_risk_never_makes_the_verdict_milder(state: dict[str, bool], case: Case, risk: str) -> None:
    assert rank(case.screened(state, risk)) >= rank(case.screened(state))


def completed(product: Product, everything: bool) -> Product:
    """The product with all that is not known of it at its worst or its best."""
    substances = ("sorbitol", "maltose", "proline", "sucrose", "hyaluronidase") if everything else ()
    filled: dict[str, Any] = {}
    if known(product.contains) is None:
        filled["contains"] = Cited[tuple[str, ...]](value=substances, source="label_privigen", seen="label")
    stated = known(product.iga_ug_per_ml)
    if stated is None or (stated.maximum is None and stated.typical is None):
        limit = Limit(maximum=1e9 if everything else 0.0)
        filled["iga_ug_per_ml"] = Cited[Limit](value=limit, source="label_privigen", seen="label")
    return product.model_copy(update=filled)


@settings(deadline=None)
@given(STATES, CASES)
def test_the_verdict_is_what_the_best_and_the_worst_answers_agree_on(
    state: dict[str, bool], case: Case
) -> None:
    """No rule asks for an absence, so all-no is the best case and all-yes the worst.

    Stop is only said if it stays stop in the best case, clear only if it stays clear in the worst; the
    expected verdict is worked out here from screenings in which nothing is unknown.
    """
    extremes = {}
    for everything in (False, True):
        answers = dict.fromkeys(dossier().conditions, everything) | state
        age = case.age if case.age is not None else (120.0 if everything else 0.0)
        product = completed(dossier().products[case.product], everything)
        extremes[everything] = screen(
            dossier(), person(answers, age), product, route=case.route, g_per_kg=case.g_per_kg, ml=case.ml
        )
        assert extremes[everything].questions == ()
    expected = "caution"
    if extremes[False].verdict == "stop":
        expected = "stop"
    elif extremes[True].verdict == "clear":
        expected = "clear"
    screening = case.screened(state)
    assert screening.verdict == expected
    assert screening.groups == extremes[False].groups
    assert screening.groups | screening.possible_groups == extremes[True].groups


@settings(deadline=None)
@given(STATES, CASES, st.data())
def test_no_never_makes_it_worse_and_all_answered_leaves_nothing_to_ask(
    state: dict[str, bool], case: Case, data: st.DataObject
) -> None:
    before = case.screened(state)
    asked = [question.condition for question in before.questions]
    assert len(set(asked)) == len(asked)
    assert not set(asked) & set(state)
    assert ("age_year" in asked) <= (case.age is None)
    conditions = [name for name in asked if name != "age_year"]
    if conditions:
        some = data.draw(st.sets(st.sampled_from(conditions), min_size=1))
        assert rank(case.screened(state | dict.fromkeys(some, False))) <= rank(before)
        after = case.screened(state | dict.fromkeys(conditions, False))
        assert {question.condition for question in after.questions} <= {"age_year"}


@settings(deadline=None)
@given(STATES, CASES, st.randoms(use_true_random=False))
def test_the_order_of_conditions_and_hazards_changes_nothing(
    state: dict[str, bool], case: Case, random: Any
) -> None:
    def shuffled(mapping: Mapping[str, Any]) -> dict[str, Any]:
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    rules = SomeRules(shuffled(dossier().hazards), shuffled(dossier().conditions))
    who, product = person(shuffled(state), case.age), dossier().products[case.product]
    other = screen(rules, who, product, route=case.route, g_per_kg=case.g_per_kg, ml=case.ml)
    assert other == case.screened(state)


@pytest.mark.parametrize("risk", GROUPS)
@pytest.mark.parametrize("product", ["privigen", "octagam_10", "gammagard_sd"])
def test_naming_a_group_is_as_good_as_naming_a_member(product: str, risk: RiskGroup) -> None:
    members = [each.id for each in dossier().conditions.values() if risk in each.groups]
    assert len(members) >= 7
    named = screened(all_no(), product, "iv", risk=(risk,))
    assert (named.verdict, named.groups, named.at_risk) == ("caution", {risk}, True)
    # nothing that nobody said is taken for granted
    stand_in = [each.name for each in dossier().conditions.values() if each.catch_all and risk in each.groups]
    assert [finding.because for finding in named.findings] == [tuple(stand_in)]
    for member in members:
        by_member = screened(with_yes(member), product, "iv")
        assert (by_member.verdict, by_member.groups, by_member.at_risk) == ("caution", {risk}, True)
        assert found(by_member) == found(named)


def test_both_groups_may_be_named_and_overrule_a_no() -> None:
    assert screened(all_no(), "privigen", "iv", risk=("renal", "thrombosis")).groups == set(GROUPS)
