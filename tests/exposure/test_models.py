"""Records to parameters: every model of the dossier, covariates by hand, and what is said of a person."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from globulin.contents import bundled
from globulin.dossier import Dossier
from globulin.exposure.facts import Catalogue, catalogue
from globulin.exposure.models import Parameters, Person, parameters
from globulin.library import open_dossier

MODELS = {
    "landersdorfer_2013", "zhang_2020", "luo_2020", "navarro_mora_2022", "li_2022", "dumas_2019",
    "tortorici_2019", "tortorici_2021", "lee_2021", "cheng_2026",
    "fcrn_kim_2007", "fcrn_blocker_anchored", "fcrn_compromise_fit",
}  # fmt: skip


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue(bundled("kinetics"))


def found(known: Catalogue, model: str, **person: Any) -> Parameters:
    return parameters(known.models[model], Person(**{"weight_kg": 70.0, **person}), known.muscle)


def test_every_model_whose_parameters_were_obtained_can_be_used(known: Catalogue) -> None:
    assert set(known.models) == MODELS
    assert set(known.averages) == {"normal", "deficient"}


def test_files_and_checked_records_say_the_same(known: Catalogue, dossier: Dossier) -> None:
    assert catalogue(dossier.kinetics) == known


def test_an_unverified_value_is_not_computed_with(known: Catalogue) -> None:
    data = bundled("kinetics")
    data["lee_2021"]["parameters"]["cl"]["seen"] = "unverified"
    data["tortorici_2021"]["parameters"]["v1"]["seen"] = "unverified"
    left = catalogue(data)
    assert set(known.models) - set(left.models) == {"lee_2021", "tortorici_2021"}
    assert set(left.averages) == {"deficient"}


def test_averages_weigh_their_members_alike(known: Catalogue) -> None:
    normal = {model.id: weight for model, weight in known.members("normal")}
    assert normal == dict.fromkeys(
        ("fcrn_kim_2007", "fcrn_blocker_anchored", "fcrn_compromise_fit", "tortorici_2021"), 0.25
    )
    deficient = {model.id for model, _ in known.members("deficient")}
    assert deficient == {"navarro_mora_2022", "zhang_2020", "li_2022"}


def test_an_unknown_model_is_answered_with_those_there_are(known: Catalogue) -> None:
    with pytest.raises(ValueError, match="no model 'zhang'; there are: deficient, normal, cheng_2026, "):
        known.members("zhang")


# theta (X / reference) ** exponent of van der Zeeuw 2026, Table 4, by hand
@pytest.mark.parametrize(
    ("model", "person", "expected"),
    [
        ("zhang_2020", {"weight_kg": 66.0}, {"cl": 0.138, "v1": 3.95, "q": 0.26, "v2": 4.44, "base": 4.0}),
        ("zhang_2020", {"weight_kg": 132.0}, {"cl": 0.138 * 2**0.768, "v1": 3.95 * 2**0.448, "q": 0.26}),
        ("landersdorfer_2013", {"weight_kg": 120.0}, {"cl": 0.142, "v1": 3.94}),
        ("dumas_2019", {"weight_kg": 140.0}, {"cl": 0.09216 * 2**0.576, "v1": 4.01, "q": 0.0, "base": 0.0}),
        (
            "tortorici_2019",
            {"weight_kg": 72.0, "indication": "primary_deficiency"},
            {"v1": 3.08, "cl": 0.152},
        ),
        (
            "tortorici_2019",
            {"weight_kg": 144.0, "indication": "secondary_deficiency"},
            {"v1": 8.75 * 2**1.1, "cl": 0.152 * 2**0.796},
        ),
        (
            "cheng_2026",
            {"weight_kg": 70.0, "indication": "secondary_deficiency"},
            {"cl": 0.308 * 0.542, "base": 5.67 * 0.541, "v1": 3.59},
        ),
        ("cheng_2026", {"igm_g_per_l": 0.42}, {"base": 5.67 * 2**0.11}),
        # Boer, man of 70 kg and 170 cm: 0.407 x 70 + 0.267 x 170 - 19.2 = 54.68 kg
        (
            "li_2022",
            {"height_cm": 170.0, "sex": "male"},
            {"cl": 0.183 * (54.68 / 47) ** 0.75, "v1": 3.01 * 54.68 / 47, "v2": 1.40 * 54.68 / 47},
        ),
        # woman of 60 kg and 160 cm: 0.252 x 60 + 0.473 x 160 - 48.3 = 42.5 kg
        (
            "li_2022",
            {"weight_kg": 60.0, "height_cm": 160.0, "sex": "female"},
            {"v1": 3.01 * 42.5 / 47},
        ),
        # without height or sex: the 47 kg of the reference at the median weight of 66 kg
        ("li_2022", {"weight_kg": 66.0}, {"v1": 3.01, "cl": 0.183}),
        ("fcrn_kim_2007", {"weight_kg": 50.0}, {"kint": 0.18, "jmax": 147.0, "km": 21.0, "base": 12.1}),
    ],
)
def test_covariates(known: Catalogue, model: str, person: dict[str, Any], expected: dict[str, float]) -> None:
    values = found(known, model, **person).values
    for name, value in expected.items():
        assert float(values[name]) == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize(
    ("model", "baseline"),
    [
        ("zhang_2020", 9.0),
        ("li_2022", 9.0),
        ("lee_2021", 9.0),
        ("tortorici_2021", 9.0),
        ("fcrn_kim_2007", 9.0),
        # its clearance is that of all IgG, so nothing may be added
        ("dumas_2019", 0.0),
    ],
)
def test_a_known_baseline_stands_in_place_of_the_models(
    known: Catalogue, model: str, baseline: float
) -> None:
    assert float(found(known, model, baseline_g_per_l=9.0).baseline_g_per_l) == baseline


def test_every_model_says_by_which_routes_it_can_be_used(known: Catalogue) -> None:
    routes = {model: set(found(known, model).routes) for model in MODELS}
    assert routes["li_2022"] == {"iv", "sc", "fsc", "im"}
    assert routes["tortorici_2019"] == {"iv", "im"}
    assert routes["zhang_2020"] == {"iv", "sc", "im"}
    assert routes["fcrn_kim_2007"] == {"iv", "sc", "fsc", "im"}
    assert found(known, "li_2022").uptake["fsc"].bioavailability == 0.794
    assert found(known, "zhang_2020").uptake["im"].lent
    assert not found(known, "zhang_2020").uptake["sc"].lent


FLAGS = [
    ("zhang_2020", {}, "primary antibody deficiency; people who make a normal amount"),
    ("zhang_2020", {"indication": "normal_igg"}, "primary antibody deficiency, not normal IgG"),
    ("navarro_mora_2022", {"weight_kg": 160.0}, "weight outside the 16.7 to 153 kg"),
    ("tortorici_2021", {"age_year": 15.0}, "age outside the 22 to 83 years"),
    ("cheng_2026", {}, "made from children"),
    ("cheng_2026", {"age_year": 40.0}, "age outside the 0 to 18 years"),
    ("cheng_2026", {"age_year": 9.0}, "IgM is not known"),
    ("li_2022", {}, "height or sex is not given; lean body mass is taken as 71% of weight"),
    ("li_2022", {"height_cm": 165.0, "sex": "female"}, "the paper was not seen"),
    ("li_2022", {"weight_kg": 5.0, "height_cm": 50.0, "sex": "male"}, "too small for Boer's formula"),
    ("dumas_2019", {}, "stands for all IgG"),
    ("tortorici_2021", {}, "12.5 g/L, typical here, is taken"),
    ("landersdorfer_2013", {"baseline_g_per_l": 2.0}, "in place of the model's 4 g/L"),
]


@pytest.mark.parametrize(("model", "person", "words"), FLAGS, ids=lambda value: str(value))
def test_what_does_not_fit_is_said_in_words(
    known: Catalogue, model: str, person: dict[str, Any], words: str
) -> None:
    assert words in " | ".join(found(known, model, **person).flags)


def test_people_inside_a_models_domain_are_not_flagged(known: Catalogue) -> None:
    fitting = found(
        known, "navarro_mora_2022", weight_kg=66.0, indication="primary_deficiency", age_year=30.0
    )
    assert fitting.flags == ()
    assert not fitting.outside
    at_home = found(known, "fcrn_kim_2007", indication="normal_igg", baseline_g_per_l=12.0)
    assert at_home.flags == ()


def test_of_many_people_those_outside_are_marked_and_counted(known: Catalogue) -> None:
    many = found(
        known, "zhang_2020", weight_kg=np.array([10.0, 70.0, 200.0]), indication="primary_deficiency"
    )
    np.testing.assert_array_equal(many.outside, [True, False, True])
    assert many.flags[0].startswith("2 of 3 people: weight outside the 13 to 135 kg")
    assert many.values["cl"].shape == (3,)


def test_effects_between_people_scale_what_they_name(known: Catalogue) -> None:
    typical = found(known, "zhang_2020")
    scaled = typical.scaled({"cl": 2.0, "ka": np.array([0.5, 1.0]), "f_sc": 3.0, "unheard_of": 9.0})
    assert float(scaled.values["cl"]) == 2.0 * float(typical.values["cl"])
    np.testing.assert_allclose(scaled.uptake["sc"].absorption_per_day, [0.222, 0.444])
    assert scaled.uptake["sc"].bioavailability == 1.0
    assert scaled.uptake["im"].bioavailability == typical.uptake["im"].bioavailability


def test_spread_between_people_is_read_as_lognormal(known: Catalogue) -> None:
    """omega^2 = ln(1 + CV^2), van der Zeeuw 2026; Zhang's V2 (253%) is set aside, others borrow."""
    zhang = known.models["zhang_2020"]
    assert zhang.between_subject_sd["cl"] == pytest.approx(math.sqrt(math.log(1 + 0.3602**2)))
    assert set(zhang.between_subject_sd) == {"cl", "q", "v1", "f_sc", "ka"}
    borrowed = known.models["landersdorfer_2013"]
    assert borrowed.between_subject_sd == zhang.between_subject_sd
    assert borrowed.residual == zhang.residual
    assert borrowed.spread_from == "zhang_2020"
    kim = known.models["fcrn_kim_2007"]
    assert kim.between_subject_sd == {}
    assert kim.spread_from == "tortorici_2021"
    assert known.models["luo_2020"].residual is None


BAD: list[tuple[dict[str, Any], str]] = [
    ({"weight_kg": 7000.0}, "weight_kg must be between 2 and 400"),
    ({"weight_kg": math.nan}, "weight_kg must be finite"),
    ({"height_cm": 1.7}, "height_cm must be between 20 and 260"),
    ({"sex": "f"}, "sex must be male or female"),
    ({"age_year": -1.0}, "age_year must be between 0 and 120"),
    ({"baseline_g_per_l": 1100.0}, "baseline_g_per_l must be between 0 and 100"),
    ({"indication": "fatigue"}, "indication must be one of normal_igg"),
]


@pytest.mark.parametrize(("person", "message"), BAD, ids=lambda value: str(value))
def test_what_no_person_is_is_refused(person: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Person(**{"weight_kg": 70.0, **person})
