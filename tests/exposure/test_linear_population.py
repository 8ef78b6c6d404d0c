"""The recurrence of a population against the closed form of each person, and against mass balance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.exposure.linear import Disposition, concentration
from globulin.exposure.linear_population import paths

DAYS = np.array([0.0, 0.1, 1.0, 6.9, 7.0, 7.3, 14.0, 28.0, 90.0])


@st.composite
def dispositions(draw):
    two = draw(st.booleans())
    return Disposition(
        clearance_l_per_day=np.array([draw(st.floats(0.02, 1)) for _ in range(3)]),
        central_l=draw(st.floats(1, 8)),
        intercompartmental_l_per_day=draw(st.floats(0.05, 2)) if two else 0.0,
        peripheral_l=draw(st.floats(0.5, 8)) if two else 0.0,
        absorption_per_day=draw(st.floats(0.05, 2)),
        bioavailability=draw(st.floats(0.2, 1)),
    )


@given(
    disposition=dispositions(),
    absorbed=st.booleans(),
    infusion=st.sampled_from([0.0, 0.25, 10.0]),
    first=st.sampled_from([-3.0, 0.0, 2.5]),
)
@settings(max_examples=60, deadline=None)
def test_equals_the_closed_form_of_each_person(disposition, absorbed, infusion, first):
    given_on = first + 7.0 * np.arange(5)
    doses = np.array([[10.0, 5.0, 0.1]] * 5) * np.arange(1, 6)[:, None]
    found = paths(
        disposition,
        day=DAYS,
        dose_day=given_on,
        dose_g=doses,
        infusion_day=infusion,
        absorbed=absorbed,
    )
    expected = concentration(
        disposition, day=DAYS, dose_day=given_on, dose_g=doses.T, infusion_day=infusion, absorbed=absorbed
    )
    # both are exact solutions; what differs is the order of a few dozen roundings
    assert found == pytest.approx(expected.T, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("absorbed", [False, True])
@pytest.mark.parametrize("infusion", [0.0, 0.25, 9.5])
def test_many_equal_steps_and_uneven_ones_equal_the_closed_form(absorbed, infusion):
    """Weeks of daily levels, half-days and uneven days, with a change of input where no level is wanted."""
    crowd = Disposition(np.array([0.1, 0.3]), 3.0, 0.5, np.array([2.0, 4.0]), 0.4, 0.7)
    day = np.concatenate([np.arange(60.0), np.arange(60.0, 64.0, 0.5), [64.3, 70.1, 91.0]])
    history = {"day": day, "dose_day": [0.0, 21.0, 42.5], "infusion_day": infusion, "absorbed": absorbed}
    dose = np.array([30.0, 20.0])
    # one row of doses: the same every time
    found = paths(crowd, **history, dose_g=dose[None])
    expected = concentration(crowd, **history, dose_g=np.repeat(dose[:, None], 3, axis=1))
    # exact solutions, as above
    assert found == pytest.approx(expected.T, rel=1e-12, abs=1e-13)


def test_a_baseline_is_added_at_every_time():
    crowd = Disposition(np.array([0.1, 0.2, 0.3]), 3.0, 0.5, 2.0)
    doses = {"day": DAYS, "dose_day": [2.0, 9.0], "dose_g": 7.0, "infusion_day": 0.25, "absorbed": False}
    own = np.array([4.0, 0.0, 11.0])
    # the sum of the same two numbers
    assert np.array_equal(paths(crowd, **doses, baseline_g_per_l=own), paths(crowd, **doses) + own)


def test_a_crowd_is_worked_through_in_blocks():
    people = 120_001
    clearance = np.linspace(0.1, 0.3, people)
    crowd = Disposition(clearance, 3.0, 0.5, 2.0)
    found = paths(
        crowd,
        day=[1.0, 30.0],
        dose_day=[0.0, 28.0],
        dose_g=[[30.0], [20.0]],
        infusion_day=0.25,
        absorbed=False,
    )
    for one in (0, 9_999, 10_000, 49_999, 50_000, people - 1):
        alone = concentration(
            Disposition(clearance[one], 3.0, 0.5, 2.0),
            day=[1.0, 30.0],
            dose_day=[0.0, 28.0],
            dose_g=[30.0, 20.0],
            infusion_day=0.25,
            absorbed=False,
        )
        # exact solutions, as above
        assert found[:, one] == pytest.approx(alone, rel=1e-12)


def test_a_given_array_is_filled():
    out = np.full((2, 1), np.nan)
    found = paths(
        Disposition(0.2, 3.0),
        day=[0.0, 1.0],
        dose_day=0.0,
        dose_g=3.0,
        infusion_day=0.0,
        absorbed=False,
        out=out,
    )
    assert found is out
    # one compartment: C = dose / V exp(-CL t / V); the level at the dose is drawn before it
    assert out[:, 0] == pytest.approx([0.0, np.exp(-0.2 / 3.0)], rel=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"day": [1.0, 1.0]}, "day must have one axis, sorted, each time once"),
        ({"dose_day": []}, "dose_day must have one axis"),
        ({"dose_g": [-1.0]}, "dose_g must be at least 0"),
        ({"infusion_day": np.nan}, "infusion_day must be finite"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"day": [1.0], "dose_day": [0.0], "dose_g": [7.0], "infusion_day": 0.0, "absorbed": False}
    with pytest.raises(ValueError, match=message):
        paths(Disposition(0.2, 3.0), **{**arguments, **change})
