"""How the answers of a plan's form become what was asked, and back, so that a saved plan opens as its form.

The records of `globulin.asked` speak as options do; what they refuse is said here in the words of the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from globulin.asked import InfusionAsked, PatientAsked, PriceAsked, RegimenAsked
from globulin.dossier.letter import LetterFacts
from globulin.errors import InputError
from globulin.formats.saved_file import SavedPlan
from globulin.pages import words
from globulin.web import forms
from globulin.web.drafts import Texts
from globulin.web.forms import Filled
from globulin.web.screens.plan_fields import DOSE_UNITS, PlanForms, Step
from globulin.web.screens.plan_questions import QUESTION

if TYPE_CHECKING:
    from globulin.plan_shelf import PlanShelf

LETTER: Final = "letter"
"""Where a draft keeps the facts of a letter that came with a file; no form asks for them."""


def read_step(asked: PlanForms, step: Step, texts: Texts) -> Filled:
    """A step as it was filled in; one that nobody came to yet has no faults."""
    fields = asked.of(step)
    names = {each.name for each in fields}
    own = {name: said for name, said in texts.items() if name in names}
    if not visited(asked, step, texts):
        return Filled(fields, {**_UNASKED, **own} if step == "dose" else own)
    filled = forms.read(forms.pairs_of(own), fields)
    return checked_dose(filled) if step == "dose" else filled


_UNASKED: Final[Texts] = {"dose_unit": ("dose_g_per_kg",), "rounding": ("none",)}


def visited(asked: PlanForms, step: Step, texts: Texts) -> bool:
    """Whether the step was sent at least once."""
    return any(each.name in texts for each in asked.of(step))


def checked_dose(filled: Filled) -> Filled:
    """The same with what only the fields of a dose together can show to be wrong."""
    values, errors = filled.values, filled.errors
    if not {"regimen", "interval_day", "once"} & {*values, *errors}:
        filled = filled.with_error(
            "interval_day", "How many days from one dose to the next? Or tick that it is given once."
        )
    dose, unit = values.get("dose"), values.get("dose_unit")
    if dose is None:
        if not {"regimen", "dose"} & {*values, *errors}:
            filled = filled.with_error("dose", "Give a dose, or choose a regimen from the list.")
    elif not isinstance(unit, str):
        filled = filled.with_error("dose_unit", "Choose the unit of the dose.")
    elif isinstance(dose, float):
        written, low, high = DOSE_UNITS[unit]
        if not low <= dose <= high:
            filled = filled.with_error(
                "dose", f"{dose:g} {written} is outside the range: give {low:g} to {high:g} {written}."
            )
    return filled


def blamed(filled: Filled, problem: InputError) -> Filled:
    """A form with what a computation refused, in its own words: at the field it is about, or at none.

    One field asks for what are several options, such as a dose in each unit.
    """
    told = _WHICH_OPTION.sub("--which-infusion", _DOSE_OPTION.sub("--dose", str(problem)))
    found = filled.blamed(InputError(told))
    name, said = next(iter(found.errors.items()))
    if name:
        # the words stand beside the field, whose label need not come again
        said = said.removeprefix(f"{filled[name].field.label}: ")
    return filled.with_error(name, words.sentence(words.capital(said)))


_DOSE_OPTION: Final = re.compile(r"--dose-(?:g-per-kg|mg-per-kg|ml|g)(?![\w-])")
_WHICH_OPTION: Final = re.compile(r"--(?:first|later)(?![\w-])")


def regimen_of(filled: Filled) -> RegimenAsked:
    """What is to be given, of the fields of a dose."""
    dose, unit = filled.values.get("dose"), filled.values.get("dose_unit")
    amount: dict[str, Any] = {} if dose is None else {str(unit): dose}
    return filled.record(RegimenAsked, **amount)


def letter_of(texts: Texts) -> LetterFacts | None:
    """The facts of a letter that a draft keeps."""
    kept = texts.get(LETTER)
    return None if kept is None else LetterFacts.model_validate_json(kept[0])


def asked_of(steps: Mapping[Step, Filled], letter: LetterFacts | None = None) -> SavedPlan:
    """What was asked, of all steps; their errors are looked at before."""
    health, dose, reaction = steps["health"], steps["dose"], steps["reaction"]
    later = dose.values.get("which_infusion") == "later"
    return SavedPlan(
        patient=steps["person"].record(PatientAsked, **answers_of(health)),
        regimen=regimen_of(dose),
        infusion=dose.record(InfusionAsked, later=later, **reaction.values),
        price=dose.record(PriceAsked),
        letter=letter,
    )


def answers_of(health: Filled) -> dict[str, str | None]:
    """What the questions were answered, in the words of `PatientAsked`."""
    return {"has": _named(health, True), "has_not": _named(health, False)}


def _named(health: Filled, answer: bool) -> str | None:
    said = [name.removeprefix(QUESTION) for name, value in health.values.items() if value is answer]
    return ",".join(said) or None


def texts_of(saved: SavedPlan, asked: PlanForms, shelf: PlanShelf) -> Texts:
    """What would have to be typed to ask for a saved plan.

    Raises InputError where this dossier has no question, product, regimen or list that it names.
    """
    every = (*asked.person, *asked.dose, *asked.reaction)
    texts: dict[str, tuple[str, ...]] = {each.name: ("",) for each in every}
    texts.update((name, ("",)) for group in asked.groups for name in group.questions)
    for record in (saved.patient, saved.regimen, saved.infusion, saved.price):
        texts.update(forms.texts_of(record, every))
    if saved.infusion.later:
        texts["which_infusion"] = ("later",)
    for name in DOSE_UNITS:
        value = getattr(saved.regimen, name)
        if value is not None:
            texts["dose"], texts["dose_unit"] = (forms.number_text(value),), (name,)
    texts.update(_answers(saved.patient, shelf))
    if saved.letter is not None:
        texts[LETTER] = (saved.letter.model_dump_json(exclude_defaults=True),)
    for each in asked.dose:
        said = texts.get(each.name, ("",))[0]
        if each.kind == "list" and said and said not in {choice.value for choice in each.choices}:
            raise InputError(
                f"{each.label}: this plan names one that this dossier does not have; nothing was opened"
            )
    return texts


def _answers(patient: PatientAsked, shelf: PlanShelf) -> Iterator[tuple[str, tuple[str, ...]]]:
    said = [
        *((name, "no") for name in _ids(patient.has_not)),
        *((name, "yes") for name in _ids(patient.has)),
        # a risk without a reason is what the last question of its group asks for
        *(
            (each.id, "yes")
            for group in _ids(patient.risk)
            for each in shelf.conditions.values()
            if each.catch_all and group in each.groups
        ),
    ]
    for name, answer in said:
        if name not in shelf.conditions:
            raise InputError(
                "this plan answers a question that this dossier does not ask; nothing was opened"
            )
        yield f"{QUESTION}{name}", (answer,)


def _ids(text: str | None) -> list[str]:
    return [name for part in (text or "").split(",") if (name := part.strip())]
