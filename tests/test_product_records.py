"""Records of products: what they refuse, what the bundled ones hold, and how their rules read on the page."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from globulin.dossier import Dossier
from globulin.dossier.provenance import Cited, known
from globulin.dossier.treatment import Bounds, RampUpDose, SubcutaneousRule, SubcutaneousUse
from globulin.library import open_dossier
from globulin.pages.sections.products import section


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"at_least": 1.0, "above": 1.0},
        {"below": 1.0, "at_most": 1.0},
        {"at_least": 2.0, "at_most": 1.0},
        {"at_least": 1.0, "below": 1.0},
        {"above": 1.0, "at_most": 1.0},
    ],
)
def test_bounds_have_room_and_one_limit_at_an_end(limits: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=r"one limit at an end|no number lies between"):
        Bounds(**limits)


def test_a_single_number_can_lie_between_closed_bounds() -> None:
    assert Bounds(at_least=1.0, at_most=1.0).at_most == 1.0


def test_infusions_and_build_ups_are_in_order() -> None:
    assert SubcutaneousRule(first_infusion=2, last_infusion=2).last_infusion == 2
    with pytest.raises(ValidationError, match="comes before the first"):
        SubcutaneousRule(first_infusion=2, last_infusion=1)

    def build_up(*doses: tuple[int, int]) -> SubcutaneousUse:
        steps = tuple(RampUpDose(week=week, weeks_of_dose=of) for week, of in doses)
        return SubcutaneousUse(interval="weekly", ramp_up=steps)

    assert build_up((1, 1), (2, 2)).ramp_up[1].week == 2
    for doses in (((1, 1), (1, 2)), ((2, 1), (1, 2)), ((1, 2), (2, 2)), ((1, 2), (2, 1))):
        with pytest.raises(ValidationError, match="a build-up rises"):
            build_up(*doses)


def test_what_products_contain_is_what_their_stabiliser_and_sugar_say(dossier: Dossier) -> None:
    said = {
        "glycine": "glycine", "maltose": "maltose", "sorbitol": "sorbitol", "proline": "proline",
        "polysorbate 80": "polysorbate_80", "PEG": "polyethylene_glycol", "glucose": "glucose",
        "albumin": "albumin", "rHuPH20": "hyaluronidase",
    }  # fmt: skip
    for product in dossier.products.values():
        if not isinstance(product.contains, Cited):
            assert not isinstance(product.stabiliser, Cited), product.id
            continue
        texts = [fact.value for fact in (product.stabiliser, product.sugar) if isinstance(fact, Cited)]
        named = {code for word, code in said.items() if any(word in text for text in texts)}
        assert set(product.contains.value) == named, product.id
        # what the facts mark unverified stays so
        assert isinstance(product.stabiliser, Cited)
        assert product.contains.computable == product.stabiliser.computable, product.id
    assert sum(known(product.contains) is not None for product in dossier.products.values()) == 24


def test_sodium_that_was_read_as_a_number(dossier: Dossier) -> None:
    found = {
        name: (limit.typical, limit.maximum)
        for name, product in dossier.products.items()
        if (limit := known(product.sodium_mmol_per_l)) is not None
    }
    # Privigen up to 1 mmol/L; Cutaquig 30 mEq/L; Subgam 0.2 mmol/mL
    assert found == {"privigen": (None, 1), "cutaquig": (30, None), "subgam": (200, None)}


def texts(value: object) -> str:
    """All words of a part of the page."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return " ".join(texts(item) for item in value)
    if hasattr(value, "__dataclass_fields__"):
        return " ".join(texts(getattr(value, name)) for name in value.__dataclass_fields__)
    return ""


def test_rules_read_in_words_on_the_page(dossier: Dossier) -> None:
    class NoClaims:
        claims = ()

    findings: Any = NoClaims()
    page = texts(section(dossier, findings))
    for words in (
        "2 to below 10 years", "10 years and above", "below 40 kg", "40 kg and above",
        "below 18 years, 25 kg and above", "at most 6 sites at once", "40 kg and above, with three sites",
        "CIDP", "everyone", "1 and 2", "2 to 4", "6 and later", "3 and later", "2 and later",
        "all", "week 4: the dose for three weeks", "for people at risk less than",
        "for people at risk at most",
        "Into the front and side of the thigh", "Most at one site, upper arm", "odds ratio 57.57",
    ):  # fmt: skip
        assert words in page, words
