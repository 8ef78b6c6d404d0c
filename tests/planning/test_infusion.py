"""Running a ramp: against brands' own worked examples, a finer-grained walk, and sums done by hand."""

from __future__ import annotations

from fractions import Fraction
from math import nextafter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globulin.planning.infusion import (
    InfusionPlan,
    Ramp,
    RampStepPlan,
    after_reaction,
    infusion_plan,
)


def ramp(*steps: tuple[float, float | None], at_risk: bool = False) -> Ramp:
    planned = tuple(RampStepPlan(rate, minutes) for rate, minutes in steps)
    return Ramp(planned, planned[-1].rate_mg_per_kg_min, None, at_risk, ("by hand",), ("hand",))


# 60 kg, 100 mg/mL: 1 mg/kg/min is 36 mL/h; 30 minutes at 1, 2, 4 are 1.8, 3.6, 7.2 g
HAND = ramp((1.0, 30.0), (2.0, 30.0), (4.0, None))


@pytest.fixture
def plan() -> InfusionPlan:
    return infusion_plan(HAND, 24.0, 60.0, 100.0)


def test_every_cell_of_a_plan_done_by_hand(plan: InfusionPlan) -> None:
    # 24 g: 1.8 g + 3.6 g in the first hour, 18.6 g at 0.24 g/min in 77.5 minutes
    assert [
        (step.from_minute, step.to_minute, step.ml_per_h, step.mg_per_kg_min, step.ml, step.g)
        for step in plan.steps
    ] == [
        (0.0, 30.0, 36.0, 1.0, pytest.approx(18.0), pytest.approx(1.8)),
        (30.0, 60.0, 72.0, 2.0, pytest.approx(36.0), pytest.approx(3.6)),
        (60.0, pytest.approx(137.5), 144.0, 4.0, pytest.approx(186.0), pytest.approx(18.6)),
    ]
    assert [step.ml_so_far for step in plan.steps] == pytest.approx([18.0, 54.0, 240.0])
    assert [step.g_so_far for step in plan.steps] == pytest.approx([1.8, 5.4, 24.0])
    assert (plan.total_minutes, plan.volume_ml) == (pytest.approx(137.5), pytest.approx(240.0))
    assert (plan.grams, plan.weight_kg, plan.concentration_mg_per_ml) == (24.0, 60.0, 100.0)
    assert (plan.ramp, plan.sources, plan.at_risk) == (HAND, ("hand",), False)
    assert not any(step.local_practice or step.note for step in plan.steps)


def test_a_dose_that_ends_with_a_step_has_no_step_of_rounding() -> None:
    # 5.4 g are in after exactly one hour; the third step is not begun
    plan = infusion_plan(HAND, 5.4, 60.0, 100.0)
    assert (len(plan.steps), plan.total_minutes) == (2, pytest.approx(60.0))
    assert len(infusion_plan(HAND, 5.4 + 1e-6, 60.0, 100.0).steps) == 3


def test_marks_of_the_ramp_reach_the_steps_and_the_plan() -> None:
    steps = (RampStepPlan(1.0, 10.0, True, "local practice"), RampStepPlan(2.0, None))
    plan = infusion_plan(Ramp(steps, 2.0, 3.0, True, (), ()), 24.0, 60.0, 100.0)
    assert [(step.local_practice, step.note) for step in plan.steps] == [
        (True, "local practice"),
        (False, None),
    ]
    assert plan.at_risk


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_amounts_that_make_no_sense_are_named(position: int, value: float) -> None:
    numbers = [24.0, 60.0, 100.0]
    numbers[position] = value
    name = ("grams", "weight_kg", "concentration_mg_per_ml")[position]
    with pytest.raises(ValueError, match=f"^{name}: must be a number above 0"):
        infusion_plan(HAND, *numbers)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((), "last step"),
        (((1.0, 30.0),), "last step"),
        (((1.0, None), (2.0, None)), "before the last"),
        (((1.0, 0.0), (2.0, None)), "before the last"),
        (((0.0, 30.0), (2.0, None)), "above 0"),
        (((1.0, 30.0), (0.0, None)), "above 0"),
    ],
)
def test_a_ramp_is_a_ramp(steps: tuple[tuple[float, float | None], ...], said: str) -> None:
    planned = tuple(RampStepPlan(rate, minutes) for rate, minutes in steps)
    with pytest.raises(ValueError, match=said):
        Ramp(planned, 4.0, None, False, (), ())


rates = st.floats(0.1, 15.0)
weights = st.floats(5.0, 150.0)
strengths = st.sampled_from([50.0, 60.0, 100.0, 165.0, 200.0])


@st.composite
def ramps(draw: st.DrawFn) -> Ramp:
    ends = sorted(draw(st.lists(rates, min_size=1, max_size=6)))
    minutes: list[float | None] = [draw(st.floats(1.0, 60.0)) for _ in ends[1:]]
    return ramp(*zip(ends, [*minutes, None], strict=True))


def sound(plan: InfusionPlan) -> None:
    """What every infusion must be, whatever its ramp: all given, no gap, no step faster than its ramp."""
    # 1e-9 of the volume: a sum of at most ten parts, each exact to 2^-52
    assert sum(step.ml for step in plan.steps) == pytest.approx(plan.volume_ml, rel=1e-9)
    assert sum(step.g for step in plan.steps) == pytest.approx(plan.grams, rel=1e-9)
    assert plan.steps[-1].ml_so_far == plan.volume_ml
    assert plan.steps[-1].g_so_far == plan.grams
    assert plan.steps[0].from_minute == 0
    assert plan.steps[-1].to_minute == plan.total_minutes
    so_far = minute = 0.0
    for step in plan.steps:
        assert step.from_minute == minute
        assert step.to_minute >= minute
        minute = step.to_minute
        so_far += step.ml
        assert step.ml_so_far == pytest.approx(so_far, rel=1e-9, abs=1e-9)
        hours = (step.to_minute - step.from_minute) / 60
        # differences of minutes lose digits where a step is short beside the whole
        assert step.ml == pytest.approx(step.ml_per_h * hours, rel=1e-6, abs=1e-6)
        per_min = step.ml_per_h / 60 * plan.concentration_mg_per_ml / plan.weight_kg
        assert per_min == pytest.approx(step.mg_per_kg_min, rel=1e-12)
        assert step.mg_per_kg_min <= max(planned.rate_mg_per_kg_min for planned in plan.ramp.steps)


@given(ramps(), st.floats(0.5, 200.0), weights, strengths)
def test_all_is_given_without_a_gap_and_never_faster_than_the_ramp(
    planned: Ramp, grams: float, weight_kg: float, concentration: float
) -> None:
    sound(infusion_plan(planned, grams, weight_kg, concentration))


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=5),
    st.integers(1, 100),
    st.integers(5, 150),
)
def test_time_is_that_of_exact_fractions(rising: list[tuple[int, int]], grams: int, weight_kg: int) -> None:
    """The same walk in exact rationals, in mg/kg, which no weight or strength enters."""
    steps = [(Fraction(rate, 4), minutes) for rate, minutes in sorted(rising)]
    left, minutes = Fraction(1000 * grams, weight_kg), Fraction(0)
    for rate, held in steps[:-1]:
        took = min(Fraction(held), left / rate)
        left, minutes = left - took * rate, minutes + took
    minutes += left / steps[-1][0]
    planned = ramp(*((float(rate), float(held)) for rate, held in steps[:-1]), (float(steps[-1][0]), None))
    total = infusion_plan(planned, float(grams), float(weight_kg), 100.0).total_minutes
    assert total == pytest.approx(float(minutes), rel=1e-9)


@given(ramps(), st.floats(0.5, 200.0), weights, st.floats(0.1, 20.0), st.floats(1.0, 4.0))
def test_a_higher_limit_never_takes_longer(
    planned: Ramp, grams: float, weight_kg: float, cap: float, more: float
) -> None:
    def capped(limit: float) -> Ramp:
        slow = [step for step in planned.steps if step.rate_mg_per_kg_min < limit]
        last = min(limit, planned.steps[-1].rate_mg_per_kg_min)
        held = [(step.rate_mg_per_kg_min, step.minutes) for step in slow if step.minutes is not None]
        return ramp(*held, (last, None))

    slow = infusion_plan(capped(cap), grams, weight_kg, 100.0).total_minutes
    fast = infusion_plan(capped(cap * more), grams, weight_kg, 100.0).total_minutes
    assert fast <= slow * (1 + 1e-9)


def rows(plan: InfusionPlan) -> list[tuple[Any, ...]]:
    return [
        (round(step.from_minute, 6), round(step.to_minute, 6), step.mg_per_kg_min, round(step.g, 6))
        for step in plan.steps
    ]


def test_a_reaction_pauses_and_goes_back_to_the_rate_before(plan: InfusionPlan) -> None:
    # minute 90: 1.8 + 3.6 + 30 x 0.24 = 12.6 g are in; 11.4 g at 2 mg/kg/min (0.12 g/min) take 95 minutes
    again = after_reaction(plan, 90.0)
    assert rows(again) == [
        (0, 30, 1.0, 1.8),
        (30, 60, 2.0, 3.6),
        (60, 90, 4.0, 7.2),
        (90, 120, 0.0, 0.0),
        (120, 215, 2.0, 11.4),
    ]
    assert again.steps[2].ml_so_far == pytest.approx(126.0)
    assert again.steps[2].g_so_far == pytest.approx(12.6)
    assert again.steps[2].ml == pytest.approx(72.0)
    assert again.total_minutes == pytest.approx(215.0)
    assert [step.note for step in again.steps] == [
        None,
        None,
        None,
        "stopped for a reaction at minute 90",
        "resumed at the rate that was tolerated before",
    ]
    assert not any(step.local_practice for step in again.steps)
    sound(again)


def test_half_the_rate_is_local_practice(plan: InfusionPlan) -> None:
    # minute 45: 1.8 + 15 x 0.12 = 3.6 g; 20.4 g at 1 mg/kg/min (0.06 g/min) take 340 minutes after 10
    again = after_reaction(plan, 45.0, pause_minutes=10, resume="half")
    assert rows(again)[-2:] == [(45, 55, 0.0, 0.0), (55, 395, 1.0, 20.4)]
    assert [step.local_practice for step in again.steps] == [False, False, False, True]
    assert again.steps[-1].note == "resumed at half the rate of the reaction"
    quarter = after_reaction(again, 100.0, pause_minutes=0, resume="half")
    assert rows(quarter)[-1][2] == 0.5


def test_in_the_first_step_half_of_its_rate_is_taken(plan: InfusionPlan) -> None:
    # labels: a lower rate; minute 10: 0.6 g are in, 23.4 g at 0.5 mg/kg/min (0.03 g/min) take 780 minutes
    again = after_reaction(plan, 10.0)
    assert rows(again)[-1] == (40, 820, 0.5, 23.4)
    assert again.steps[-1].note == "no lower rate had run before: resumed at half of it"
    assert again.steps[-1].local_practice
    assert rows(after_reaction(plan, 10.0, raise_again=True)) == rows(again)


def test_at_the_end_of_a_step_the_reaction_belongs_to_that_step(plan: InfusionPlan) -> None:
    assert rows(after_reaction(plan, 60.0))[-2:] == [(60, 90, 0.0, 0.0), (90, 400, 1.0, 18.6)]
    assert rows(after_reaction(plan, 60.0 + 1e-7))[-1][2] == 2.0


def test_raising_again_stays_below_the_rate_of_the_reaction() -> None:
    long = infusion_plan(ramp((1.0, 30.0), (2.0, 20.0), (4.0, 10.0), (8.0, None)), 60.0, 60.0, 100.0)
    # minute 55, at 4: 5.4 g are in; between 2 and 4 is no step: 54.6 g at 0.12 g/min take 455 minutes
    again = after_reaction(long, 55.0, raise_again=True)
    assert rows(again)[-2:] == [(55, 85, 0.0, 0.0), (85, 540, 2.0, 54.6)]
    # minute 90, at 8: 2 ran before the 4 that was tolerated, and 4 is the rate to go back to
    back = rows(after_reaction(long, 90.0, raise_again=True))[-1]
    assert (back[0], back[2]) == (120, 4.0)
    # half of 2 is 1, and between 1 and 2 is no step
    low = after_reaction(long, 40.0, resume="half", raise_again=True)
    assert [row[2] for row in rows(low)][-1] == 1.0


def test_raising_again_goes_through_every_step_between() -> None:
    fine = infusion_plan(
        ramp((1.0, 10.0), (2.0, 20.0), (3.0, 15.0), (4.0, 5.0), (5.0, None)), 60.0, 60.0, 100.0
    )
    # 10 + 20 + 15 minutes lead to 4; half of it is 2, held 20 minutes; then 3 to the end
    again = after_reaction(fine, 48.0, pause_minutes=0, resume="half", raise_again=True)
    assert [row[:3] for row in rows(again)][-2:] == [(48, 68, 2.0), (68, rows(again)[-1][1], 3.0)]
    assert again.steps[-1].note == "raised again after the reaction; local practice"
    # 50 minutes lead to 5, half of which, 2.5, is held as long as 2; then 3 for its 15 and 4 to the end
    last = after_reaction(fine, 55.0, pause_minutes=0, resume="half", raise_again=True)
    assert [row[:3] for row in rows(last)][-3:] == [
        (55, 75, 2.5),
        (75, 90, 3.0),
        (90, rows(last)[-1][1], 4.0),
    ]


def test_a_ramp_without_minutes_has_no_steps_to_go_up_again() -> None:
    flat = infusion_plan(ramp((2.0, None)), 24.0, 60.0, 100.0)
    again = after_reaction(flat, 50.0, resume="half", raise_again=True)
    assert [row[2] for row in rows(again)] == [2.0, 0.0, 1.0]


def test_a_second_reaction_goes_back_further(plan: InfusionPlan) -> None:
    twice = after_reaction(after_reaction(plan, 90.0), 150.0, pause_minutes=0)
    assert [row[2] for row in rows(twice)] == [1.0, 2.0, 4.0, 0.0, 2.0, 1.0]
    sound(twice)


def test_a_pause_is_no_rate_to_go_back_to(plan: InfusionPlan) -> None:
    twice = after_reaction(after_reaction(plan, 10.0), 100.0)
    assert [row[2] for row in rows(twice)] == [1.0, 0.0, 0.5, 0.0, 0.25]
    sound(twice)


def test_a_reaction_in_the_last_instant_still_pauses() -> None:
    # of 20.1 g nothing is left then, to the last digit: the pause is shown all the same
    plan = infusion_plan(HAND, 20.1, 60.0, 100.0)
    again = after_reaction(plan, nextafter(plan.total_minutes, 0.0))
    assert [row[2] for row in rows(again)] == [1.0, 2.0, 4.0, 0.0, 2.0]
    assert again.total_minutes == pytest.approx(plan.total_minutes + 30.0)
    sound(again)


@pytest.mark.parametrize("minute", [-1.0, 0.0, 137.5, 200.0, float("nan")])
def test_a_reaction_comes_while_it_runs(plan: InfusionPlan, minute: float) -> None:
    with pytest.raises(ValueError, match=r"^minute: "):
        after_reaction(plan, minute)


def test_a_reaction_in_a_pause_and_a_pause_below_zero_are_refused(plan: InfusionPlan) -> None:
    paused = after_reaction(plan, 90.0)
    with pytest.raises(ValueError, match="paused"):
        after_reaction(paused, 100.0)
    with pytest.raises(ValueError, match=r"^pause_minutes: "):
        after_reaction(plan, 90.0, pause_minutes=-1)
    with pytest.raises(ValueError, match=r"^pause_minutes: "):
        after_reaction(plan, 90.0, pause_minutes=float("inf"))


@given(
    ramps(),
    st.floats(0.5, 200.0),
    weights,
    strengths,
    st.floats(0.0, 1.0, exclude_min=True, exclude_max=True),
    st.floats(0.0, 120.0),
    st.sampled_from(["previous", "half"]),
    st.booleans(),
)
def test_a_reaction_never_changes_what_is_given_and_never_speeds_it_up(
    planned: Ramp,
    grams: float,
    weight_kg: float,
    concentration: float,
    share: float,
    pause: float,
    resume: Any,
    raise_again: bool,
) -> None:
    before = infusion_plan(planned, grams, weight_kg, concentration)
    minute = share * before.total_minutes
    if not 0 < minute < before.total_minutes:  # a share within rounding of 1
        return
    after = after_reaction(before, minute, pause_minutes=pause, resume=resume, raise_again=raise_again)
    sound(after)
    running = next(step for step in before.steps if minute <= step.to_minute)
    assert all(step.mg_per_kg_min <= running.mg_per_kg_min for step in after.steps)
    assert after.total_minutes >= (before.total_minutes + pause) * (1 - 1e-9)
