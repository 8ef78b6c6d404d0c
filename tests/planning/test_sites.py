"""Volumes spread over sites: sums done by hand, and a brute search over every number of sites and days."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.planning.sites import SiteLimits, build_up, muscle_sites, pace, spread


@pytest.mark.parametrize(
    ("ml", "limits", "sessions", "sites"),
    [
        (100.0, SiteLimits(ml_per_site=25.0, maximum_sites=6), 1, 4),
        (100.1, SiteLimits(ml_per_site=25.0, maximum_sites=6), 1, 5),
        (25.0, SiteLimits(ml_per_site=25.0, maximum_sites=6), 1, 1),
        (150.0, SiteLimits(ml_per_site=25.0, maximum_sites=6), 1, 6),
        # 151 mL do not fit six sites: two days of 75.5 mL, four sites each
        (151.0, SiteLimits(ml_per_site=25.0, maximum_sites=6), 2, 4),
        (300.0, SiteLimits(ml_per_site=25.0, maximum_sites=6), 2, 6),
        # no most number of sites is known: as many as it takes
        (151.0, SiteLimits(ml_per_site=25.0), 1, 7),
        # 1,300 mL at most 1,200 a day: 650 mL is more than one site of 600 takes
        (1300.0, SiteLimits(ml_per_site=600.0, ml_per_day=1200.0, maximum_sites=3), 2, 2),
        (1200.0, SiteLimits(ml_per_site=600.0, ml_per_day=1200.0, maximum_sites=3), 1, 2),
        # three sites take less each: 3 x 100 is below 2 x 160, so three help nobody
        (320.0, SiteLimits(160.0, {3: 100.0}, maximum_sites=3), 1, 2),
        (330.0, SiteLimits(160.0, {3: 100.0}, maximum_sites=3), 2, 2),
        (100.0, SiteLimits(160.0, {1: 50.0}, maximum_sites=3), 1, 2),
    ],
)
def test_the_fewest_days_and_then_the_fewest_sites(
    ml: float, limits: SiteLimits, sessions: int, sites: int
) -> None:
    placed = spread(ml, limits)
    assert (placed.sessions, placed.sites) == (sessions, sites)
    assert placed.ml_per_session == pytest.approx(ml / sessions)
    assert placed.ml_per_site == pytest.approx(ml / sessions / sites)


def test_a_volume_per_site_that_is_not_known_leaves_the_sites_open() -> None:
    unknown = spread(900.0, SiteLimits(ml_per_day=600.0, maximum_sites=3))
    assert (unknown.sessions, unknown.sites, unknown.ml_per_session, unknown.ml_per_site) == (
        2,
        None,
        450.0,
        None,
    )
    own = spread(900.0, SiteLimits(ml_per_day=600.0, maximum_sites=3), 3)
    assert (own.sessions, own.sites, own.ml_per_site) == (2, 3, 150.0)
    # a volume for one number of sites alone says nothing of the others
    assert spread(900.0, SiteLimits(ml_per_site_by_count={3: 10.0})).sites is None


def test_a_number_of_sites_of_ones_own() -> None:
    limits = SiteLimits(ml_per_site=25.0, maximum_sites=6)
    assert (spread(100.0, limits, 6).sites, spread(100.0, limits, 6).ml_per_site) == (
        6,
        pytest.approx(100 / 6),
    )
    assert (spread(100.0, limits, 1).sites, spread(100.0, limits, 1).sessions) == (1, 4)
    assert spread(100.0, SiteLimits(ml_per_site=25.0), 50).sites == 50
    for sites in (0, -1, 7):
        with pytest.raises(ValueError, match=r"^sites: from 1 to 6 at once"):
            spread(100.0, limits, sites)
    with pytest.raises(ValueError, match=r"^sites: from 1 to any number at once"):
        spread(100.0, SiteLimits(), 0)


@pytest.mark.parametrize("ml", [0.0, -1.0, float("nan"), float("inf")])
def test_a_volume_is_above_zero(ml: float) -> None:
    with pytest.raises(ValueError, match=r"^ml: "):
        spread(ml, SiteLimits(ml_per_site=25.0))
    with pytest.raises(ValueError, match=r"^ml: "):
        muscle_sites(ml, 5.0)


@given(
    st.integers(1, 400),
    st.integers(1, 60),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(20, 200),
    st.dictionaries(st.integers(1, 8), st.integers(1, 60), max_size=2),
)
def test_no_other_number_of_days_and_sites_is_better(
    ml: int, per_site: int, most: int | None, per_day: int | None, by_count: dict[int, int]
) -> None:
    """Whole millilitres, so that every comparison below is exact: all days up to 400, all sites, in order."""
    limits = SiteLimits(
        float(per_site),
        {sites: float(volume) for sites, volume in by_count.items()},
        ml_per_day=None if per_day is None else float(per_day),
        maximum_sites=most,
    )
    best = next(
        (days, sites)
        for days, sites in product(range(1, 401), range(1, (most or 403) + 1))
        if ml <= days * sites * by_count.get(sites, per_site) and (per_day is None or ml <= days * per_day)
    )
    placed = spread(float(ml), limits)
    assert (placed.sessions, placed.sites) == best
    assert placed.ml_per_site is not None
    assert placed.sites is not None
    assert placed.ml_per_site * placed.sites * placed.sessions == pytest.approx(ml, rel=1e-12)


def test_rates_and_time_by_hand() -> None:
    limits = SiteLimits(slow_ml_per_h=20.0, fast_ml_per_h=30.0)
    slow, fast = pace(120.0, 4, limits, fast=False), pace(120.0, 4, limits, fast=True)
    assert (slow.ml_per_h_per_site, slow.ml_per_h_total, slow.minutes) == (20.0, 80.0, 90.0)
    assert (fast.ml_per_h_per_site, fast.ml_per_h_total, fast.minutes) == (30.0, 120.0, 60.0)
    # 8 sites at 60 mL/h would be 480 mL/h in all; 240 are allowed, 30 at each
    shared = pace(120.0, 8, SiteLimits(fast_ml_per_h=60.0, ml_per_h_total=240.0), fast=True)
    assert (shared.ml_per_h_per_site, shared.ml_per_h_total, shared.minutes) == (30.0, 240.0, 30.0)
    unknown = pace(120.0, 8, SiteLimits(fast_ml_per_h=60.0, ml_per_h_total=240.0), fast=False)
    assert (unknown.ml_per_h_per_site, unknown.ml_per_h_total, unknown.minutes) == (None, None, None)


def test_a_build_up_rises_to_the_whole_dose() -> None:
    doses = [(1, 1), (2, 2), (4, 3), (7, 4)]
    every_4_weeks = build_up(doses, 40.0, 400.0, 28.0)
    assert [(week.week, week.grams, week.ml) for week in every_4_weeks] == [
        (1, 10.0, 100.0),
        (2, 20.0, 200.0),
        (4, 30.0, 300.0),
        (7, 40.0, 400.0),
    ]
    # every 3 weeks the third infusion is whole, every 2 the second; at 30 days the fourth is 28/30 of it
    assert [week.grams for week in build_up(doses, 30.0, 300.0, 21.0)] == pytest.approx([10.0, 20.0, 30.0])
    assert [week.week for week in build_up(doses, 30.0, 300.0, 14.0)] == [1, 2]
    assert [week.grams for week in build_up(doses, 30.0, 300.0, 7.0)] == [30.0]
    assert [week.grams for week in build_up(doses, 30.0, 300.0, 30.0)] == pytest.approx(
        [7.0, 14.0, 21.0, 28.0]
    )
    assert build_up(doses, 30.0, 300.0, 5.0)[0].grams == 30.0
    assert build_up(doses, 30.0, 300.0, 0.5)[0].grams == 30.0
    assert build_up([], 30.0, 300.0, 28.0) == ()
    for interval in (0.0, -7.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"^interval_day: "):
            build_up(doses, 30.0, 300.0, interval)


@pytest.mark.parametrize(
    ("ml", "per_site", "divide", "sites"),
    [
        (0.5, 5.0, 10.0, 1),
        (2.0, 5.0, 10.0, 1),
        (5.0, 5.0, 10.0, 1),
        (5.1, 5.0, 10.0, 2),
        (10.0, 5.0, 10.0, 2),
        (10.1, 5.0, 10.0, 3),
        # one site would take it, the rule of several sites does not allow it
        (10.0, 20.0, 10.0, 1),
        (10.1, 20.0, 10.0, 2),
        (10.1, 20.0, None, 1),
    ],
)
def test_sites_in_a_muscle(ml: float, per_site: float, divide: float | None, sites: int) -> None:
    assert muscle_sites(ml, per_site, divide) == sites
