"""Virtual people: the same for ever whatever the chunks, and as many and as heavy as was measured."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.contents import bundled
from globulin.exposure.facts import catalogue
from globulin.exposure.models import Person
from globulin.exposure.virtual_people import Crowd, Group, crowd_from, crowd_of, group

ENDOGENOUS = catalogue(bundled("kinetics")).endogenous
GROUPS: dict[str, Group] = {name: group(content, ENDOGENOUS) for name, content in bundled("people").items()}
FIELDS = ("weight_kg", "height_cm", "sex", "age_year", "baseline_g_per_l")
TABLE = Person(np.array([50.0, 60.0, 90.0]), sex=np.array(["female", "female", "male"]))


def crowds(size: int, seed: int) -> list[Crowd]:
    return [
        crowd_of(GROUPS["adults"], size, seed),
        crowd_of(GROUPS["adolescents"], size, seed),
        crowd_from(TABLE, seed, size),
    ]


@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 39_999), max_size=4, unique=True),
    seed=st.integers(0, 2**40),
    larger=st.integers(0, 10**6),
)
def test_nobody_changes_with_the_chunks_or_the_size_of_the_crowd(
    cuts: list[int], seed: int, larger: int
) -> None:
    edges = [0, *sorted(cuts), 40_000]
    pieces = list(pairwise(edges))
    spread = {"cl": 0.3, "ka": 0.7}
    for small, large in zip(crowds(40_000, seed), crowds(40_000 + larger, seed), strict=True):
        whole = small.person(0, 40_000)
        for name in FIELDS:
            value = getattr(whole, name)
            if value is not None:
                parts = [getattr(large.person(*piece), name) for piece in pieces]
                assert np.array_equal(np.concatenate(parts), value)
        factors = small.factors(spread, 0, 40_000)
        for name, value in factors.items():
            parts = [large.factors(spread, *piece)[name] for piece in pieces]
            assert np.array_equal(np.concatenate(parts), value)


def test_another_seed_is_other_people_and_effects_are_independent() -> None:
    one, two = (crowd_of(GROUPS["adults"], 20_000, seed) for seed in (1, 2))
    assert not np.any(one.person(0, 50).weight_kg == two.person(0, 50).weight_kg)
    names = ["effect cl", "effect v1", "height", "weight", "own IgG"]
    found = np.corrcoef([one.normal(name, 0, 20_000) for name in names])
    # the correlation of independent numbers has an SD of 1 / sqrt(20,000); 10 pairs
    assert np.abs(found - np.eye(len(names))).max() < 4.5 / math.sqrt(20_000)


@pytest.mark.parametrize(
    ("sex", "weight", "log_sd", "height", "correlation"),
    # src/globulin/content/immunoglobulin/people/adults.yaml
    [("female", 75.1, 0.261, 161.2, 0.25), ("male", 87.7, 0.231, 175.0, 0.41)],
)
def test_adults_are_as_they_were_measured(
    sex: str, weight: float, log_sd: float, height: float, correlation: float
) -> None:
    people = crowd_of(GROUPS["adults"], 100_000, 3).person(0, 100_000)
    these = np.asarray(people.sex) == sex
    kilograms, centimetres = (np.log(np.asarray(v)[these]) for v in (people.weight_kg, people.height_cm))
    error = 5.0 / math.sqrt(these.sum())  # five standard errors of a standardised mean
    assert kilograms.mean() == pytest.approx(math.log(weight), abs=log_sd * error)
    assert kilograms.std() == pytest.approx(log_sd, rel=error)
    assert centimetres.mean() == pytest.approx(math.log(height), abs=0.044 * error)
    assert np.corrcoef(kilograms, centimetres)[0, 1] == pytest.approx(correlation, abs=error)


def test_the_mayo_intervals_hold_95_percent_of_adolescents_of_their_age() -> None:
    people = crowd_of(GROUPS["adolescents"], 60_000, 5).person(0, 60_000)
    age, own = np.asarray(people.age_year), np.asarray(people.baseline_g_per_l)
    # shared/facts: 13-15 years 5.09 to 15.80, 16-17 years 4.87 to 13.27 g/L
    for low_age, high_age, low, high in ((13, 16, 5.09, 15.80), (16, 18, 4.87, 13.27)):
        these = (age > low_age) & (age < high_age)
        inside = np.mean((own[these] > low) & (own[these] < high))
        assert inside == pytest.approx(0.95, abs=5 * math.sqrt(0.95 * 0.05 / these.sum()))


def test_people_of_a_table_keep_their_rows() -> None:
    people = crowd_from(TABLE, 1).person(0, 3)
    assert people.weight_kg.tolist() == [50.0, 60.0, 90.0]
    assert people.sex.tolist() == ["female", "female", "male"]
    drawn = crowd_from(TABLE, 1, 30_000).person(0, 30_000)
    assert np.mean(drawn.weight_kg == 90.0) == pytest.approx(1 / 3, abs=5 * math.sqrt(2 / 9 / 30_000))
    assert set(drawn.sex[drawn.weight_kg == 90.0]) == {"male"}


@pytest.mark.parametrize(
    ("people", "seed", "words"), [(0, 1, "people must"), (10**9, 1, "people must"), (1, -1, "seed must")]
)
def test_numbers_that_make_no_crowd_are_refused(people: int, seed: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        crowd_of(GROUPS["adults"], people, seed)
