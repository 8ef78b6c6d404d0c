"""People, products and made-up rules that the tests of screening share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from globulin.dossier import Dossier
from globulin.dossier.condition import Condition
from globulin.dossier.hazard import Check, Hazard, Term
from globulin.dossier.patient import Patient
from globulin.dossier.treatment import Route
from globulin.library import open_dossier
from globulin.planning.screening import Screening, screen

WEIGHT_KG = 70.0
ROUTES: tuple[Route, ...] = get_args(Route)
ON_ROUTE: dict[Route, str] = {"iv": "privigen", "sc": "cuvitru", "fsc": "hyqvia", "im": "gamastan"}
"""A product for each route; what it contains is known."""

CAUTION, STOP, OPEN = ("caution", True), ("stop", True), ("caution", False)
"""The verdict of a finding, and whether it is known."""


@cache
def dossier() -> Dossier:
    return open_dossier()


def all_no() -> dict[str, bool]:
    return dict.fromkeys(dossier().conditions, False)


def person(answers: Mapping[str, bool], age: float | None = 40.0, **more: Any) -> Patient:
    return Patient(label="P", weight_kg=WEIGHT_KG, age_year=age, conditions=dict(answers), **more)


def screened(
    answers: Mapping[str, bool],
    product: str,
    route: Route,
    g_per_kg: float | None = 0.4,
    ml: float | None = 280.0,
    *,
    age: float | None = 40.0,
    risk: tuple[str, ...] = (),
    **more: Any,
) -> Screening:
    chosen = dossier().products[product]
    who = person(answers, age, **more)
    return screen(dossier(), who, chosen, route=route, g_per_kg=g_per_kg, ml=ml, risk=risk)


def with_yes(*names: str) -> dict[str, bool]:
    """Everything answered: yes to these, no to all others."""
    assert set(names) <= set(dossier().conditions)
    return all_no() | dict.fromkeys(names, True)


def found(screening: Screening) -> dict[str, tuple[str, bool]]:
    return {finding.hazard: (finding.verdict, finding.known) for finding in screening.findings}


@dataclass(frozen=True)
class SomeRules:
    hazards: Mapping[str, Hazard]
    conditions: Mapping[str, Condition]


LETTERS = "abcd"


def condition(name: str, **more: Any) -> Condition:
    return Condition(id=name, name=name, plain=name, question=f"{name}?", **more)


TOY_CONDITIONS = {name: condition(name) for name in LETTERS}


def check(when: tuple[Term, ...], verdict: str = "caution", **more: Any) -> Check:
    fields = {"reason": "Reason.", "resolve": "Resolve.", "source": "toy", "seen": "label"} | more
    return Check(when=when, verdict=verdict, **fields)


def hazard(name: str, *checks: Check, severity: str = "serious", **more: Any) -> Hazard:
    fields = {"plain": name, "routes": ROUTES, "sources": ("toy",)} | more
    return Hazard(id=name, name=name, severity=severity, checks=checks, **fields)


def toy(
    state: Mapping[str, bool], *hazards: Hazard, product: str = "privigen", ml: float | None = 10.0
) -> Screening:
    rules = SomeRules({each.id: each for each in hazards}, TOY_CONDITIONS)
    who = Patient(label="P", weight_kg=WEIGHT_KG, conditions=dict(state))
    return screen(rules, who, dossier().products["privigen"], route="iv", g_per_kg=1.0, ml=ml)


A, B, C = (Term(has=name) for name in "abc")
