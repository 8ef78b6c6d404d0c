"""Records refuse what cannot be true, and carry where every value came from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from globulin.dossier.patient import Patient
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import Citation, Cited, Fact, Missing, known
from globulin.dossier.result import Events
from globulin.dossier.study import Arm
from globulin.dossier.treatment import Dose, InfusionRamp, Range

FACT: TypeAdapter[Cited[int] | Missing] = TypeAdapter(Fact[int])


def test_a_fact_is_a_cited_value_or_a_reason() -> None:
    cited = FACT.validate_python({"value": 3, "source": "s", "seen": "abstract"})
    missing = FACT.validate_python({"missing": "not reported"})
    assert known(cited) == 3
    assert known(missing) is None
    assert isinstance(cited, Cited)
    assert cited.how == "reported"


def test_an_unverified_value_is_kept_but_never_known() -> None:
    fact = FACT.validate_python({"value": 36, "source": "s", "seen": "unverified"})
    assert isinstance(fact, Cited)
    assert fact.value == 36
    assert known(fact) is None


@pytest.mark.parametrize(
    "data",
    [
        3,
        {"value": 3},
        {"value": 3, "source": "s", "seen": "hearsay"},
        {"value": "3", "source": "s", "seen": "abstract"},
        {"value": 3, "source": "s", "seen": "abstract", "how": "derived"},
        {"missing": ""},
        {"missing": "x", "value": 3},
        {},
    ],
)
def test_a_bare_half_cited_or_contradictory_value_is_refused(data: Any) -> None:
    with pytest.raises(ValidationError):
        FACT.validate_python(data)


def test_records_are_frozen() -> None:
    events = Events(events=1, n=2)
    with pytest.raises(ValidationError, match="frozen"):
        events.n = 3  # type: ignore[misc]


@given(st.integers(-5, 60), st.integers(-5, 60))
def test_events_never_exceed_people(events: int, n: int) -> None:
    fits = n > 0 and 0 <= events <= n
    try:
        Events(events=events, n=n)
        assert fits
    except ValidationError:
        assert not fits


@pytest.mark.parametrize(
    "dose", [{}, {"g": 1.0, "ml": 2.0, "of": "x"}, {"ml": 2.0}, {"g": 1.0, "of": "x"}, {"g": 0.0}]
)
def test_a_dose_has_one_unit(dose: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Dose.model_validate(dose)


def test_a_range_is_ordered() -> None:
    with pytest.raises(ValidationError, match="above high"):
        Range(low=2.0, high=1.0)


def ramp(*steps: tuple[float, float | None]) -> dict[str, Any]:
    rate = {"value": 1.0, "source": "s", "seen": "label"}
    return {
        "initial_mg_per_kg_min": rate,
        "maximum_mg_per_kg_min": rate,
        "steps": tuple({"rate_mg_per_kg_min": r, "minutes": m} for r, m in steps),
    }


def test_an_infusion_ramp_rises_and_only_its_last_step_is_open() -> None:
    assert InfusionRamp.model_validate(ramp((0.5, 30.0), (1.0, None))).steps
    with pytest.raises(ValidationError, match="slower than the one before"):
        InfusionRamp.model_validate(ramp((1.0, 30.0), (0.5, None)))
    with pytest.raises(ValidationError, match="only the last step"):
        InfusionRamp.model_validate(ramp((0.5, None), (1.0, None)))


def test_a_negative_number_of_people_is_refused() -> None:
    negative = {"value": -1, "source": "s", "seen": "abstract"}
    with pytest.raises(ValidationError, match="cannot be -1"):
        Arm.model_validate({"id": "a", "label": "a", "role": "active", "n_randomised": negative})


def test_only_given_bibliographic_fields_can_be_marked_unverified() -> None:
    assert Citation(authors="A", pmid="1", unverified=("pmid",)).pmid == "1"
    with pytest.raises(ValidationError, match="not given above"):
        Citation(authors="A", unverified=("pmid",))


def test_a_price_list_prices_a_code_once() -> None:
    price = {"code": "J1", "what": "x", "amount": 1.0, "unit": "g", "price": 1.0, "seen": "full_text"}
    undated = dict.fromkeys(("effective_from", "effective_to"))
    words = dict.fromkeys(("id", "title", "date_words", "basis", "source"), "l")
    data = {**undated, **words, "country": "US", "currency": "USD", "kind": "drug"}
    with pytest.raises(ValidationError, match="listed twice"):
        PriceList.model_validate({**data, "prices": (price, price)})


def test_a_patient_needs_only_a_weight_and_keeps_time_in_order() -> None:
    assert Patient(label="someone", weight_kg=62.0).baseline_igg_g_per_l is None
    levels = ({"on_day": 28.0, "igg_g_per_l": 15.0}, {"on_day": 0.0, "igg_g_per_l": 11.0})
    with pytest.raises(ValidationError, match="comes after"):
        Patient.model_validate({"label": "someone", "weight_kg": 62.0, "levels": levels})
    with pytest.raises(ValidationError, match="less than or equal to 400"):
        Patient(label="someone", weight_kg=7000.0)
