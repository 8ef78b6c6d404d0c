"""Dose records: what the columns of a NONMEM data set mean, and what cannot be meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.exposure.history import ROUTES, History, given_between, history, repeated


def test_additional_doses_are_written_out_and_merged_in_time_order() -> None:
    found = history([0.0, 10.0], [7.0, 1.0], route=["sc", "iv"], interval_day=[7.0, 0.0], additional=[2, 0])
    np.testing.assert_array_equal(found.day, [0.0, 7.0, 10.0, 14.0])
    np.testing.assert_array_equal(found.dose_g, [7.0, 7.0, 1.0, 7.0])
    assert [ROUTES[index] for index in found.route] == ["sc", "sc", "iv", "sc"]
    assert found.routes == ("iv", "sc")


def test_a_dose_runs_as_stated_or_as_is_usual_by_its_route() -> None:
    stated = history([0.0, 1.0, 2.0], 10.0, route=["iv", "sc", "sc"], infusion_day=[np.nan, np.nan, 0.1])
    np.testing.assert_array_equal(stated.infusion_day, [0.25, 0.0, 0.1])
    by_rate = history([0.0], 10.0, rate_g_per_day=40.0)
    np.testing.assert_array_equal(by_rate.infusion_day, [0.25])


def test_what_the_record_states_stays_fixed_when_only_a_part_is_taken_up() -> None:
    """NONMEM: with RATE the duration becomes F AMT / RATE; with a duration the rate becomes F AMT / DUR."""
    columns = {"route": "sc", "rate_g_per_day": [10.0, 0.0], "infusion_day": [np.nan, 0.5]}
    entering = history([0.0, 1.0], 5.0, **columns).entering({"sc": 0.6})
    np.testing.assert_allclose(entering.infusion_day, [0.3, 0.5])


def test_a_steady_dose_ends_what_was_ordered_before_it() -> None:
    found = history(
        [0.0, 10.0], [1.0, 2.0], interval_day=[7.0, 14.0], additional=[5, 1], steady=[False, True]
    )
    np.testing.assert_array_equal(found.day, [0.0, 7.0, 10.0, 24.0])
    np.testing.assert_array_equal(found.steady_interval_day, [0.0, 0.0, 14.0, 0.0])


def test_epochs_begin_with_the_first_and_with_every_steady_dose() -> None:
    found = history([0.0, 10.0, 20.0], 1.0, interval_day=[0.0, 7.0, 0.0], steady=[False, True, False])
    first, second = found.epochs()
    assert first.before is None
    assert second.before is not None
    assert (first.begin_day, second.begin_day, second.before.interval_day) == (0.0, 10.0, 7.0)
    np.testing.assert_array_equal(second.day, [10.0, 20.0])


def test_infusions_that_outlast_the_interval_still_run_when_the_epoch_begins() -> None:
    """2.5 days of infusion every day: begun one and two days before, 1.5 and 0.5 days are left of 2 g/day."""
    (epoch,) = repeated(5.0, 1.0, 1, infusion_day=2.5, steady=True).epochs()
    np.testing.assert_allclose(epoch.infusion_day, [1.5, 0.5, 2.5])
    np.testing.assert_allclose(epoch.dose_g, [3.0, 1.0, 5.0])
    np.testing.assert_array_equal(epoch.day, 0.0)


def test_a_split_dose_is_given_in_equal_parts_on_consecutive_days() -> None:
    found = repeated(140.0, 28.0, 2, daily_parts=5)
    np.testing.assert_array_equal(found.day, [*range(5), *range(28, 33)])
    np.testing.assert_array_equal(found.dose_g, 28.0)


@given(
    st.lists(
        st.tuples(st.floats(0.0, 20.0), st.just(0.0) | st.floats(1e-6, 9.0), st.floats(0.1, 50.0)),
        min_size=1,
        max_size=6,
    )
)
def test_all_grams_enter_between_the_edges(doses: list[tuple[float, float, float]]) -> None:
    day, infusion, dose = (np.array(column) for column in zip(*doses, strict=True))
    edge = np.unique(np.concatenate([day, day + infusion, [40.0]]))
    at_once, rate = given_between(edge, day, infusion, dose)
    entered = at_once.sum() + np.sum(rate[:-1] * np.diff(edge))
    # an end near day 20 is right to 2e-15, of infusions of 1e-6 days or more
    assert entered == pytest.approx(dose.sum(), rel=1e-8)


def test_an_infusion_of_no_time_at_all_is_given_at_once() -> None:
    assert history([1.0], 1.0, infusion_day=1e-14).infusion_day[0] == 0.0


BAD: list[tuple[dict[str, Any], str]] = [
    ({"day": [1.0, 0.0]}, "day must be in order"),
    ({"day": [np.nan]}, "day must be finite"),
    ({"day": []}, "at least one dose"),
    ({"day": [1e6]}, "day must be within"),
    ({"dose_g": 0.0}, "dose_g must be above 0"),
    ({"dose_g": 28_000.0}, "dose_g must be above 0 and at most 2000"),
    ({"route": "oral"}, "route must be one of iv, sc, fsc, im"),
    ({"infusion_day": -0.1}, "infusion_day must be at least 0"),
    ({"infusion_day": 0.1, "rate_g_per_day": 1.0}, "exclude each other"),
    ({"rate_g_per_day": -2.0}, "rate_g_per_day must be at least 0"),
    ({"interval_day": -7.0}, "interval_day must be at least 0"),
    ({"additional": 3}, "interval_day is needed"),
    ({"steady": True}, "interval_day is needed"),
    ({"additional": 1.5, "interval_day": 7.0}, "whole number"),
    ({"additional": 1e6, "interval_day": 0.01}, "more than 10,000 doses"),
    ({"additional": 9_000, "interval_day": 28.0}, "additional doses must end within"),
    ({"dose_g": [1.0, 2.0]}, "length of day"),
]


@pytest.mark.parametrize(("columns", "message"), BAD, ids=lambda value: str(value))
def test_what_cannot_be_meant_is_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        history(**{"day": [0.0], "dose_g": 1.0, **columns})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"doses": 0}, "doses must be at least 1"),
        ({"interval_day": 0.0}, "interval_day must be above 0"),
        ({"daily_parts": 0}, "daily_parts must be at least 1"),
        ({"daily_parts": 8}, "daily_parts must fit the interval"),
        ({"daily_parts": 2, "infusion_day": 1.5}, "daily_parts must fit the interval"),
    ],
    ids=str,
)
def test_a_regimen_that_cannot_be_given_is_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        repeated(**{"dose_g": 1.0, "interval_day": 7.0, "doses": 1, **columns})


def test_taking_doses_keeps_all_columns_together() -> None:
    found = repeated(1.0, 7.0, 4, route="im")
    some = found.take(slice(1, 3))
    assert isinstance(some, History)
    assert len(some) == 2
    np.testing.assert_array_equal(some.day, [7.0, 14.0])
