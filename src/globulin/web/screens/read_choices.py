"""The reader's choices as a form: what it asks, and what its address says."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor
from typing import cast
from urllib.parse import urlencode

from globulin.web.forms import Choice, Field, Filled, number_text
from globulin.web.screens.read_work import Offered, ReadAsked

SHOWN = {"": "null_censored", "zero": "null_at_zero", "out": "numbers_only"}
"""The answer that is shown, by how the trials without numbers are to enter."""

_SD = "standard deviations"

PRIOR = Field(
    name="prior",
    label="What you thought before reading the trials",
    kind="choice",
    hint="With so few trials, an opinion beforehand (the prior) moves the answer.",
    choices=(
        Choice("", "Almost nothing (vague)", "Effects up to four standard deviations are allowed."),
        Choice(
            "sceptical",
            "That it hardly works (sceptical)",
            "No effect expected; 2.5% chance of more than half a standard deviation.",
        ),
        Choice(
            "enthusiastic",
            "That it works (enthusiastic)",
            "Half a standard deviation of benefit expected; 2.5% chance of harm.",
        ),
        Choice("own", "Something else", "As a normal curve: its middle and its spread."),
    ),
)
OWN_MEAN = Field(
    name="own_mean", label="Middle of your opinion", kind="number", unit=_SD, low=-10, high=10, example="0.2"
)
OWN_SD = Field(
    name="own_sd",
    label="Spread of your opinion (SD)",
    kind="number",
    unit=_SD,
    low=0.01,
    high=10,
    example="0.5",
)
SILENT = Field(
    name="silent",
    label="How trials without numbers enter",
    kind="choice",
    hint="They printed only that the difference was not significant.",
    choices=(
        Choice("", "As ranges", "Somewhere inside what their own test allows. Nothing is invented."),
        Choice("zero", "As exactly zero", "A what-if: nobody measured that."),
        Choice("out", "Left out", "This favours the treatment."),
    ),
)
CONDITION = Field(
    name="condition",
    label="Whose trials count",
    kind="choice",
    choices=(
        Choice("", "Both illnesses"),
        Choice("mecfs", "ME/CFS only"),
        Choice("fibromyalgia", "Fibromyalgia only"),
    ),
)
NOW = Field(name="now", label="Show the answer", kind="check")
"""Sent by the button, not by a change on the way to an answer."""
WEIGHT = Field(
    name="weight_kg",
    label="Body weight",
    kind="number",
    unit="kg",
    low=2,
    high=400,
    example="62",
    hint="Doses, levels and costs are for this weight. Left empty, it is that of the page's reference adult.",
)


def fields(offered: Offered) -> tuple[Field, ...]:
    """The questions that a dossier leaves open."""
    return (PRIOR, OWN_MEAN, OWN_SD, SILENT, CONDITION, *_as_if(offered), *_outcomes(offered), WEIGHT, NOW)


def _as_if(offered: Offered) -> Iterator[Field]:
    for trial in offered.silent:
        most = floor(100 * trial.bound) / 100
        yield Field(
            name=f"as_if.{trial.study}",
            label=f"What if {trial.name} had found",
            kind="number",
            unit=_SD,
            low=-most,
            high=most,
        )


def _outcomes(offered: Offered) -> Iterator[Field]:
    for trial in offered.outcomes:
        (_, first), *others = trial.choices
        yield Field(
            name=f"outcome.{trial.study}",
            label=f"Outcome of {trial.name}",
            kind="choice",
            choices=(Choice("", first, "The page's choice."), *(Choice(*other) for other in others)),
        )


def unfinished(form: Filled) -> bool:
    """Whether somebody has just said that they have an opinion of their own, and not yet said all of it."""
    lacking = any(not form[field.name].text for field in (OWN_MEAN, OWN_SD))
    return form["prior"].text == "own" and lacking and "now" not in form.values


def checked(form: Filled) -> Filled:
    """The form with what is missing between its fields."""
    if form.values.get("prior") == "own":
        # the one that is said last stands first
        for field in (OWN_SD, OWN_MEAN):
            if field.name not in form.values:
                form = form.with_error(field.name, "Give a number, or choose another opinion above.")
    return form


def asked(form: Filled) -> ReadAsked:
    """What a form without faults asks for."""
    values = form.values
    prior = str(values.get("prior", ""))
    if prior == "own":
        prior = ",".join(number_text(cast(float, values[field.name])) for field in (OWN_MEAN, OWN_SD))
    return ReadAsked(
        prior=prior,
        as_if=tuple((name, cast(float, value)) for name, value in _by_study(form, "as_if.")),
        condition=values.get("condition"),  # type: ignore[arg-type]  # one of the field's choices
        outcomes=tuple((name, str(value)) for name, value in _by_study(form, "outcome.")),
        weight_kg=cast(float | None, values.get("weight_kg")),
    )


def query(form: Filled, *, computed: bool = False) -> str:
    """The address's end that leads to a form as it is filled in: '' or '?...', with nothing empty in it.

    computed: as for `words`.
    """
    own = form.texts.get("prior", ("",))[0] == "own"
    shown_only = (NOW, *([SILENT] if computed else []))
    said = [
        (field.name, form[field.name].text.strip())
        for field in form.fields
        if field not in shown_only and (own or field not in (OWN_MEAN, OWN_SD))
    ]
    filled = [(name, text) for name, text in said if text]
    return f"?{urlencode(filled)}" if filled else ""


def words(form: Filled, *, computed: bool = False) -> tuple[str, ...]:
    """What was chosen otherwise than the page does, in words.

    computed: without the choice between the three answers, where all of them stand side by side anyway.
    """
    found = []
    silent = (OWN_MEAN, OWN_SD, NOW, *([SILENT] if computed else []))
    for field in form.fields:
        text = form[field.name].text.strip()
        if not text or field in silent:
            continue
        if text == "own" and field is PRIOR:
            middle, spread = (_said(form, own) for own in (OWN_MEAN, OWN_SD))
            found.append(f"{field.label}: an effect around {middle}, with an SD of {spread}")
            continue
        labels = {choice.value: choice.label for choice in field.choices}
        here = _IN_THE_ANSWER if field is SILENT else ""
        found.append(f"{field.label}: {labels.get(text) or _said(form, field)} {field.unit}".strip() + here)
    return tuple(found)


_IN_THE_ANSWER = " (in the answer beside the choices; elsewhere all three ways stand side by side)"


def _said(form: Filled, field: Field) -> str:
    """A number as it was understood; as it was typed, where it was not."""
    value = form.values.get(field.name)
    return number_text(value) if isinstance(value, float) else form[field.name].text.strip()


def _by_study(form: Filled, start: str) -> Iterator[tuple[str, object]]:
    return (
        (name.removeprefix(start), value) for name, value in form.values.items() if name.startswith(start)
    )
