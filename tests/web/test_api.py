"""The API says what the command line says, refuses field by field, and answers as its schema documents."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from playwright.sync_api import Browser
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from globulin import asked
from globulin.cli import evidence, levels, plan, prices
from globulin.web import api_requests
from globulin.web.app import Settings, create_app
from globulin.web.guard import Door
from web.conftest import ORIGIN, PORT, Served
from web.seen import axe, overflow

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy"


@pytest.fixture(scope="module")
def program() -> Iterator[TestClient]:
    """A program with the key; one app for all tests, since its workers take seconds to start."""
    door = Door(frozenset({ORIGIN}), PORT)
    headers = {"authorization": f"Bearer {door.token}"}
    with TestClient(create_app(Settings(door=door)), base_url=ORIGIN, headers=headers) as program:
        yield program


Printed = Callable[[], str]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a command printed."""
    return lambda: capsys.readouterr().out


PATIENT = {"weight_kg": 62, "sex": "female", "height_cm": 168, "has": ["migraine", "oestrogen"]}
REGIMEN = {"product": "privigen", "route": "iv", "dose_g_per_kg": 0.4, "interval_day": 28}


def test_plan_is_what_the_command_prints(program: TestClient, printed: Printed) -> None:
    answer = program.post("/api/plan", json={"patient": PATIENT, "regimen": REGIMEN})
    plan.plan(
        patient=asked.PatientAsked(weight_kg=62.0, sex="female", height_cm=168.0, has="migraine,oestrogen"),
        regimen=asked.RegimenAsked(product="privigen", route="iv", dose_g_per_kg=0.4, interval_day=28.0),
        json=True,
    )
    assert answer.status_code == 200
    assert answer.text == printed()
    # by hand: 62 kg x 0.4 g/kg
    assert answer.json()["dose"]["grams"] == pytest.approx(24.8, rel=1e-12)


def test_rank_and_compare_are_what_the_commands_print(program: TestClient, printed: Printed) -> None:
    ranked = program.post(
        "/api/rank",
        json={"patient": {"weight_kg": 62}, "regimen": {"route": "sc", "dose_g": 10, "interval_day": 7}},
    )
    plan.plan(
        patient=asked.PatientAsked(weight_kg=62.0),
        regimen=asked.RegimenAsked(route="sc", dose_g=10.0, interval_day=7.0),
        json=True,
    )
    assert ranked.text == printed()
    options = [
        {"product": "gamastan", "route": "im", "dose_ml": 2, "interval_day": 7},
        {"product": "privigen", "route": "iv", "dose_g_per_kg": 1, "interval_day": 28, "split_over_days": 2},
    ]
    compared = program.post("/api/compare", json={"patient": PATIENT, "options": options})
    plan.compare(
        option=["gamastan:im:2ml:7d", "privigen:iv:1g/kg:28d:2"],
        patient=asked.PatientAsked(weight_kg=62.0, sex="female", height_cm=168.0, has="migraine,oestrogen"),
        json=True,
    )
    assert compared.text == printed()


def test_levels_are_what_the_commands_print(program: TestClient, printed: Printed) -> None:
    simulated = program.post(
        "/api/simulate",
        json={"dose": {"dose_g": 25, "interval_day": 28}, "person": {"weight_kg": 62}, "at_day": [0, 14]},
    )
    dose = asked.ProductDoseAsked(dose_g=25.0, interval_day=28.0)
    person = asked.PersonAsked(weight_kg=62.0)
    levels.simulate(dose=dose, person=person, at_day=[0.0, 14.0], form=levels.Form(json=True))
    assert simulated.text == printed()
    needed = program.post(
        "/api/dose-for", json={"g_per_l": 14, "dose": {"interval_day": 28}, "person": {"weight_kg": 62}}
    )
    levels.dose_for(
        g_per_l=14.0, dose=asked.DoseAsked(interval_day=28.0), person=person, form=levels.Form(json=True)
    )
    assert needed.text == printed()


def test_people_are_drawn_as_by_the_command(program: TestClient, printed: Printed) -> None:
    body = {"dose": {"dose_g_per_kg": 0.4, "interval_day": 28}, "crowd": {"people": 50, "seed": 3}}
    answer = program.post("/api/simulate", json=body)
    levels.simulate(
        dose=asked.ProductDoseAsked(dose_g_per_kg=0.4, interval_day=28.0),
        crowd=asked.CrowdAsked(people=50, seed=3),
        form=levels.Form(json=True),
    )
    assert answer.text == printed()


def test_individualise_is_what_the_command_prints_of_files(program: TestClient, printed: Printed) -> None:
    # the rows of tests/toy/doses.csv and levels.csv
    body = {
        "doses": [
            {"day": 0, "dose_g": 7, "infusion_day": 0.25, "interval_day": 7, "additional": 1, "steady": True},
            {"day": 14, "dose_g": 3, "route": "sc"},
        ],
        "levels": [
            {"day": 14, "igg_g_per_l": 6.8},
            {"day": 18, "igg_g_per_l": 6.5},
            {"day": 21, "igg_g_per_l": 5.9},
        ],
        "models": ["deficient"],
        "at_day": [28],
    }
    answer = program.post("/api/individualise", json=body).json()
    levels.individualise(
        doses=TOY / "doses.csv",
        levels=TOY / "levels.csv",
        model=["deficient"],
        at_day=[28.0],
        form=levels.Form(json=True),
    )
    expected = json.loads(printed())
    # only the names of the tables differ
    expected["asked"] |= {"doses": "doses", "levels": "levels"}
    assert answer == expected


def test_what_is_known_is_what_the_commands_print(program: TestClient, printed: Printed) -> None:
    found = program.get("/api/evidence?condition=mecfs&priors=sceptical")
    evidence.evidence(condition="mecfs", priors=["sceptical"], json=True)
    assert found.text == printed()
    listed = program.get("/api/regimens?weight_kg=62")
    evidence.regimens(weight_kg=62.0, json=True)
    assert listed.text == printed()
    of_list = program.get("/api/prices/cms_2025q4")
    prices.show("cms_2025q4", form=prices.Form(json=True))
    assert of_list.text == printed()


def test_lists_name_what_requests_may_name(program: TestClient) -> None:
    known = {
        kind: program.get(f"/api/{kind}").json() for kind in ("products", "conditions", "prices", "regimens")
    }
    assert "privigen" in known["products"]["products"]
    assert "migraine" in known["conditions"]["conditions"]
    assert known["prices"]["price_lists"]["cms_2025q4"]["imported"] is False
    assert known["prices"]["faults"] == []
    regimen = known["regimens"]["regimens"][0]["id"]
    body = {"patient": {"weight_kg": 62}, "regimen": {"regimen": regimen, "route": "iv"}}
    assert program.post("/api/rank", json=body).status_code in (200, 422)


@pytest.mark.parametrize(
    ("record", "model", "other"),
    [
        (asked.PersonAsked, api_requests.Person, set()),
        (asked.ProductDoseAsked, api_requests.ProductDose, set()),
        (asked.CourseAsked, api_requests.Course, set()),
        # a file of people is not taken: a request names no file of this machine
        (asked.CrowdAsked, api_requests.Crowd, {"people_file"}),
        (asked.PatientAsked, api_requests.Patient, set()),
        (asked.RegimenAsked, api_requests.ProductRegimen, set()),
        (asked.InfusionAsked, api_requests.Giving, set()),
        (asked.PriceAsked, api_requests.Price, set()),
    ],
)
def test_a_request_has_the_fields_of_its_record(record: Any, model: Any, other: set[str]) -> None:
    assert set(model.model_fields) == {field.name for field in fields(record)} - other


@pytest.mark.parametrize(
    ("address", "body", "field", "words"),
    [
        (
            "plan",
            {"patient": {"weight_kg": 1}, "regimen": REGIMEN},
            "patient.weight_kg",
            "greater than or equal to 2",
        ),
        ("plan", {"patient": {"weight_kg": "62"}, "regimen": REGIMEN}, "patient.weight_kg", "valid number"),
        ("plan", {"patient": PATIENT | {"cat": 1}, "regimen": REGIMEN}, "patient.cat", "not permitted"),
        (
            "plan",
            {"patient": PATIENT | {"has": ["migrane"]}, "regimen": REGIMEN},
            "patient.has",
            "did you mean 'migraine'",
        ),
        ("plan", {"patient": PATIENT, "regimen": REGIMEN | {"route": "im"}}, "regimen.route", "not for im"),
        (
            "plan",
            {"patient": PATIENT, "regimen": REGIMEN, "price": {"price_list": "nix"}},
            "price.price_list",
            "no price list 'nix'",
        ),
        ("simulate", {"dose": {"dose_g": 5}}, "dose.interval_day", "interval_day is missing"),
        ("simulate", {"models": ["normal", "normal"]}, "models", "once"),
        (
            "simulate",
            {"course": {"history": [{"day": 5, "dose_g": 3}, {"day": 1, "dose_g": 3}]}},
            "course.history.1.day",
            "order",
        ),
        (
            "individualise",
            {
                "doses": [{"day": 0, "dose_g": 25}],
                "levels": [{"day": 9, "igg_g_per_l": 8}, {"day": 2, "igg_g_per_l": 9}],
            },
            "levels.1.day",
            "day 2 stands after day 9",
        ),
        ("compare", {"patient": PATIENT, "options": [REGIMEN]}, "options", "at least 2"),
    ],
)
def test_a_refusal_names_the_field(
    program: TestClient, address: str, body: Any, field: str, words: str
) -> None:
    answer = program.post(f"/api/{address}", json=body)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["field"] == field
    assert words in fault["message"]
    assert "--" not in fault["message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400"])
def test_a_number_that_is_none_is_refused(program: TestClient, number: str) -> None:
    text = f'{{"patient": {{"weight_kg": {number}}}, "regimen": {json.dumps(REGIMEN)}}}'
    answer = program.post("/api/plan", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_no_request_names_a_file(program: TestClient) -> None:
    for body in ({"course": {"history": "/etc/passwd"}}, {"crowd": {"people_file": "/etc/passwd"}}):
        assert program.post("/api/simulate", json=body).status_code == 422


def test_every_refusal_has_one_form(app: FastAPI, door: Door) -> None:
    with TestClient(app, base_url=ORIGIN) as stranger:
        refused = [
            stranger.get("/api/evidence"),
            stranger.get("/api/nothing", headers={"host": "evil.example"}),
        ]
        key = {"authorization": f"Bearer {door.token}"}
        refused += [
            stranger.get("/api/nothing", headers=key),
            stranger.get("/api/plan", headers=key),
            stranger.post("/api/plan", headers=key, content=b" " * (2 * 2**20 + 1)),
            stranger.post("/api/plan", headers=key | {"content-type": "application/json"}, content=b"{"),
        ]
    assert [each.status_code for each in refused] == [401, 403, 404, 405, 413, 422]
    for each in refused:
        (fault,) = each.json()["errors"]
        assert fault["field"] == ""
        assert fault["message"]


def test_the_page_shows_every_address(program: TestClient) -> None:
    text = program.get("/api").text
    paths = program.get("/api/openapi.json").json()["paths"]
    assert len(paths) == 12
    for path in paths:
        assert f"{path}</code>" in text
    assert "http://" not in text.replace("http://127.0.0.1:8765/api", "")
    assert "https://" not in text


def test_the_page_is_accessible(browser: Browser, served: Served) -> None:
    with browser.new_context(bypass_csp=True) as context:
        context.add_cookies(
            [{"name": served.door.cookie, "value": served.door.session, "url": served.address}]
        )
        page = context.new_page()
        page.goto(f"{served.address}/api")
        assert axe(page) == []
        assert overflow(page) == 0


# --- the schema, attacked ------------------------------------------------------------------------------


SECONDS = float(os.environ.get("GLOBULIN_ATTACK_SECONDS", "20"))
"""How long requests are made up; a few of each address in any case."""


def test_every_answer_is_documented(program: TestClient) -> None:
    """Requests right and wrong, made up from the schema: no answer that it does not name, and none of 500."""
    document = program.get("/api/openapi.json").json()
    _name_what_there_is(document["components"]["schemas"])
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    counts: Counter[tuple[str, int]] = Counter()
    ends = time.monotonic() + SECONDS
    rounds = 0
    while rounds == 0 or time.monotonic() < ends:
        rounds += 1
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _attack(program, operation, mode, rounds, counts)
    print(f"{counts.total()} requests, {dict(sorted(counts.items()))}")  # noqa: T201  (seen with -s)
    assert len({label for label, _ in counts}) == len(operations) == 12
    assert {200, 422} <= {status for _, status in counts}


def _name_what_there_is(schemas: Any) -> None:
    """Ids that are made up are never there; so let them be some that are, and one that is not."""
    known = {
        "product": ["privigen", "hizentra", "hyqvia", "gamastan", "flebogamma_dif_5", "nothing"],
        "dose_ml_of": ["privigen", "gamastan", "nothing"],
        "regimen": ["nothing"],
        "indication": ["pi", "itp", "cidp", "nothing"],
        "group": ["adults", "adolescents", "nothing"],
        "models": ["normal", "deficient", "fcrn_kim_2007", "tortorici_2021", "nothing"],
        "has": ["migraine", "oestrogen", "renal_disease"],
        "has_not": ["iga_deficiency", "migraine"],
        "price_list": ["cms_2025q4", "uk_nhs_2018_19", "nothing"],
    }
    for schema in schemas.values():
        for name, field in schema.get("properties", {}).items():
            for way in (field, *field.get("anyOf", ())):
                strings = way.get("items", way)
                if name in known and strings.get("type") == "string" and "enum" not in strings:
                    del strings["pattern"]
                    strings["enum"] = known[name]


def _attack(
    program: TestClient, operation: Any, mode: GenerationMode, number: int, counts: Counter[tuple[str, int]]
) -> None:
    @seed(number)
    @settings(
        max_examples=5,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attack(case: schemathesis.Case) -> None:
        asked_for = case.as_transport_kwargs(base_url=ORIGIN)
        asked_for["headers"] = {**asked_for["headers"], **program.headers}
        del asked_for["cookies"]
        asked_for["content"] = asked_for.pop("data", None)
        answer = program.request(**asked_for)
        counts[operation.label, answer.status_code] += 1
        # a product of another name is right by the schema, and still refused
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    # an address without a field cannot be asked wrongly
    with suppress(Unsatisfiable):
        attack()
