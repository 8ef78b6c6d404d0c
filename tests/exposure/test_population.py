"""Populations against the quantiles of a lognormal, each person by brute force, and exact counts."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from exposure.toy_models import BASE, CL, CV, V1, average, known, one_compartment
from globulin.contents import bundled
from globulin.exposure import population as engine
from globulin.exposure.crowd_levels import Dosing
from globulin.exposure.facts import catalogue
from globulin.exposure.history import repeated
from globulin.exposure.models import Person
from globulin.exposure.population import PROBABILITIES, simulate_population, wilson
from globulin.exposure.quantiles import RELATIVE_WIDTH
from globulin.exposure.simulation import simulate, steady_state
from globulin.exposure.virtual_people import crowd_from, crowd_of, group

BUNDLED = catalogue(bundled("kinetics"))
ADULTS = group(bundled("people")["adults"], BUNDLED.endogenous)
MONTHLY = Dosing(30.0, False, 28.0, infusion_day=0.0)
OMEGA = math.sqrt(math.log1p((CV["cl"] / 100) ** 2))
NORMAL = NormalDist()


def test_averages_of_a_lognormal_clearance_are_lognormal() -> None:
    """Mean rise = dose / (CL interval), so its quantiles are those of 1 / CL."""
    people = 200_000
    (found,) = simulate_population(
        known(one_compartment()), "toy", crowd_of(ADULTS, people, 1), MONTHLY, at_day=[0.0]
    )
    for probability, level in zip(PROBABILITIES, found.interval["average"], strict=True):
        z = NORMAL.inv_cdf(probability)
        expected = 30.0 / (CL * 28.0) * math.exp(OMEGA * z)
        # standard error of a sample quantile: sqrt(p (1 - p) / n) / density
        error = OMEGA * math.sqrt(probability * (1 - probability) / people) / NORMAL.pdf(z)
        assert level - BASE == pytest.approx(expected, rel=5 * error)


def test_shares_are_those_of_the_normal_distribution() -> None:
    people, target = 100_000, 9.0
    (found,) = simulate_population(
        known(one_compartment()), "toy", crowd_of(ADULTS, people, 2), MONTHLY, target_g_per_l=target
    )
    share = 1 - NORMAL.cdf(math.log((target - BASE) / (30.0 / (CL * 28.0))) / OMEGA)
    reached = {each.level: each for each in found.reached}
    assert reached["average"].share == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / people))
    assert reached["average"].people == round(reached["average"].share * people)
    # the trough of a bolus: D / V x e / (1 - e) with e = exp(-CL / V x interval), falling in CL
    low, high = CL / 10, CL * 10
    for _ in range(200):
        middle = math.sqrt(low * high)
        left = math.exp(-middle / V1 * 28.0)
        low, high = (middle, high) if 30.0 / V1 * left / (1 - left) > target - BASE else (low, middle)
    share = NORMAL.cdf(math.log(low / CL) / OMEGA)
    assert reached["trough"].share == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / people))


def test_every_person_is_followed_as_one_alone_would_be() -> None:
    """Recycling sets have no spread: each person of a table is the person of the bedside, by other code."""
    weights, own = np.array([45.0, 70.0, 120.0]), np.array([7.0, 11.0, 15.0])
    crowd = crowd_from(Person(weights, baseline_g_per_l=own), 1)
    dosing = Dosing(0.5, True, 21.0)
    for model in ("fcrn_kim_2007", "fcrn_compromise_fit"):
        (steady,) = simulate_population(
            BUNDLED, model, crowd, dosing, at_day=[0.0, 0.1, 5.0, 20.0], keep=True
        )
        (first,) = simulate_population(BUNDLED, model, crowd, dosing, doses=3, at_day=[1.0, 50.0], keep=True)
        for index, (weight, level) in enumerate(zip(weights, own, strict=True)):
            person = Person(weight, baseline_g_per_l=level)
            (alone,) = steady_state(
                BUNDLED, model, person, dose_g=0.5 * weight, interval_day=21.0, at_day=[0.0, 0.1, 5.0, 20.0]
            )
            assert steady.levels[:, index] == pytest.approx([at.total_g_per_l for at in alone.at], rel=1e-6)
            given = repeated(0.5 * weight, 21.0, 3)
            (alone,) = simulate(BUNDLED, model, person, given, at_day=[1.0, 50.0])
            # the series of a population is right to 1e-6 of the level
            assert first.levels[:, index] == pytest.approx([at.total_g_per_l for at in alone.at], rel=3e-6)


def test_parameters_of_a_person_are_typical_value_covariate_and_effect() -> None:
    """Trough of zhang_2020 by its printed values and superposition of 400 doses, for single people."""
    crowd = crowd_of(ADULTS, 40, 9)
    (found,) = simulate_population(
        BUNDLED, "zhang_2020", crowd, Dosing(0.4, True, 28.0, infusion_day=0.0), at_day=[0.0], keep=True
    )
    people = crowd.person(0, 40)
    sds = {
        name: math.sqrt(math.log1p((cv / 100) ** 2))
        for name, cv in {"cl": 36.02, "q": 61.52, "v1": 92.58}.items()
    }
    effects = {name: np.exp(sd * crowd.normal(f"effect {name}", 0, 40)) for name, sd in sds.items()}
    for index in (0, 17, 39):
        weight = float(people.weight_kg[index])
        cl = 0.138 * (weight / 66) ** 0.768 * effects["cl"][index]
        v1 = 3.95 * (weight / 66) ** 0.448 * effects["v1"][index]
        q, v2 = 0.26 * effects["q"][index], 4.44
        rates, vectors = np.linalg.eig(np.array([[-(cl + q) / v1, q / v2], [q / v1, -q / v2]]))
        weights = np.linalg.solve(vectors, [1.0, 0.0]) * vectors[0] / v1
        times = 28.0 * np.arange(1, 400)
        trough = 4.0 + 0.4 * weight * sum(
            np.sum(w * np.exp(r * times)) for w, r in zip(weights, rates, strict=True)
        )
        assert found.levels[0, index] == pytest.approx(trough, rel=1e-9)


@pytest.mark.parametrize("doses", [None, 4])
def test_counting_in_classes_keeps_counts_and_states_its_error(
    monkeypatch: pytest.MonkeyPatch, doses: int | None
) -> None:
    ask = {"target_g_per_l": 7.0, "doses": doses, "at_day": [1.0, 14.0, 27.0]}
    crowd = crowd_of(ADULTS, 20_000, 4)
    (exact,) = simulate_population(
        BUNDLED, "navarro_mora_2022", crowd, Dosing(0.4, True, 28.0), **ask, keep=True
    )
    monkeypatch.setattr(engine, "_MOST_KEPT", 0)
    (streamed,) = simulate_population(BUNDLED, "navarro_mora_2022", crowd, Dosing(0.4, True, 28.0), **ask)
    assert exact.error == 0.0
    assert streamed.error == RELATIVE_WIDTH
    assert streamed.reached == exact.reached
    # a class is no wider than this, and with 20,000 people order statistics are close
    assert streamed.band == pytest.approx(exact.band, rel=RELATIVE_WIDTH)
    assert exact.band == pytest.approx(np.quantile(exact.levels, PROBABILITIES, axis=1), rel=1e-14)
    if doses is not None:
        assert len(exact.interval) == 1


def test_a_mixture_takes_each_model_with_its_weight() -> None:
    low, high = one_compartment("low", base=5.0, cv={}), one_compartment("high", base=50.0, cv={})
    models = known(low, high, average({"low": 1.0, "high": 3.0}))
    (found,) = simulate_population(
        models,
        "both",
        crowd_of(ADULTS, 100, 1),
        Dosing(0.001, False, 28.0),
        target_g_per_l=20.0,
        probabilities=(0.2, 0.3, 0.9),
    )
    # a quarter of the mixture stands at 5 g/L, the rest at 50
    assert found.interval["trough"] == pytest.approx([5.0, 50.0, 50.0], rel=2e-3)
    assert [each.share for each in found.reached] == [0.75, 0.75]
    assert [member.weight for member in found.members] == [0.25, 0.75]


def test_wilson_interval() -> None:
    # Newcombe, Stat Med 1998;17:857-872, table I: 81 of 263 gives 0.2553 to 0.3662
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_own_igg_of_a_group_is_for_models_of_people_who_make_it() -> None:
    crowd = crowd_of(ADULTS, 500, 1)
    tiny = Dosing(1e-6, False, 28.0)
    levels = {
        model: simulate_population(BUNDLED, model, crowd, tiny, at_day=[0.0], keep=True)[0].levels[0]
        for model in ("navarro_mora_2022", "tortorici_2021", "fcrn_kim_2007")
    }
    assert levels["navarro_mora_2022"] == pytest.approx(4.0, rel=1e-5)
    own = crowd.person(0, 500).baseline_g_per_l
    assert levels["tortorici_2021"] == pytest.approx(own, rel=1e-5)
    assert levels["fcrn_kim_2007"] == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"at_day": [3.0, 2.0]}, "at_day must be in order"),
        ({"at_day": [math.nan]}, "at_day must be finite"),
        ({"target_g_per_l": -1.0}, "target_g_per_l must be above 0"),
        ({"probabilities": (1.5,)}, "probabilities must lie"),
        ({"which": "nobody"}, "no model 'nobody'"),
    ],
)
def test_what_cannot_be_asked_is_refused(change: dict, words: str) -> None:
    ask = {"which": "toy", **change}
    with pytest.raises(ValueError, match=words):
        simulate_population(
            known(one_compartment()), ask.pop("which"), crowd_of(ADULTS, 10, 1), MONTHLY, **ask
        )


def test_a_route_without_uptake_is_refused() -> None:
    with pytest.raises(ValueError, match="route must be one by which"):
        simulate_population(BUNDLED, "lee_2021", crowd_of(ADULTS, 10, 1), Dosing(1.0, False, 7.0, route="sc"))
