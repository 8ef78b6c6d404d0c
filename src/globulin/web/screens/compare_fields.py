"""What the comparison asks: one person, and up to four regimens, each with a number at its fields' names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from globulin.asked import PatientAsked, PriceAsked
from globulin.errors import InputError
from globulin.formats.saved_file import SavedPlan
from globulin.web import forms
from globulin.web.drafts import Texts
from globulin.web.forms import Choice, Field, Filled
from globulin.web.screens import plan_answers, plan_questions

if TYPE_CHECKING:
    from globulin.web.screens.plan_fields import PlanForms

SCREEN: Final = "compare"
MOST: Final = 4
_OPTION: Final = (
    "product",
    "regimen",
    "dose",
    "dose_unit",
    "interval_day",
    "once",
    "route",
    "split_over_days",
)
_PERSON: Final = ("weight_kg", "height_cm", "age_year", "sex", "baseline_g_per_l")
_SHORT: Final = {
    "regimen": "Regimen",
    "dose": "Dose each time",
    "dose_unit": "Unit",
    "interval_day": "Days to the next dose",
    "route": "Way in (route)",
}


@dataclass(frozen=True, slots=True)
class CompareForms:
    """The fields of the person, of each regimen, and the price list; the questions are those of a plan."""

    person: tuple[Field, ...]
    options: tuple[tuple[Field, ...], ...]
    price: tuple[Field, ...]
    plan: PlanForms

    @property
    def fields(self) -> tuple[Field, ...]:
        """All that the form of the comparison holds."""
        return (*self.person, *(each for option in self.options for each in option), *self.price)


def compare_forms(plan: PlanForms) -> CompareForms:
    """The fields, made of those of a plan."""
    by_name = {each.name: each for each in (*plan.person, *plan.dose)}
    options = tuple(
        tuple(_numbered(by_name[name], number) for name in _OPTION) for number in range(1, MOST + 1)
    )
    person = tuple(by_name[name] for name in _PERSON)
    return CompareForms(person, options, (by_name["price_list"],), plan)


def _numbered(asked: Field, number: int) -> Field:
    choices = asked.choices
    if asked.name == "route":
        asked = replace(asked, kind="list")
        choices = tuple(Choice(each.value, each.label) for each in choices if each.value)
    return replace(
        asked,
        name=f"{asked.name}_{number}",
        label=_SHORT.get(asked.name, asked.label),
        hint="",
        choices=choices,
    )


def fresh(asked: CompareForms) -> Filled:
    """The form before anything was typed."""
    units = {f"dose_unit_{number}": ("dose_g_per_kg",) for number in range(1, MOST + 1)}
    return Filled(asked.fields, units)


def begun_with(texts: Texts) -> Texts:
    """A comparison that begins with a plan: its person, its answers, and its regimen as the first."""
    kept = {name: said for name, said in texts.items() if name in _PERSON or name == "price_list"}
    kept |= {name: said for name, said in texts.items() if name.startswith(plan_questions.QUESTION)}
    kept |= {f"{name}_1": texts[name] for name in _OPTION if name in texts}
    return kept


def read(asked: CompareForms, texts: Texts) -> tuple[Filled, dict[int, SavedPlan]]:
    """The form as it was filled in, and what is asked of each regimen that is filled in without a fault."""
    names = {each.name for each in asked.fields}
    own = {name: said for name, said in texts.items() if name in names}
    filled = forms.read(forms.pairs_of(own), asked.fields)
    health = plan_answers.read_step(asked.plan, "health", texts)
    found: dict[int, SavedPlan] = {}
    for number in range(1, MOST + 1):
        option = _option(filled, asked.plan, number)
        if option.empty:
            continue
        checked = _checked(option)
        filled = replace(
            filled,
            errors={**{f"{name}_{number}": said for name, said in checked.errors.items()}, **filled.errors},
        )
        if not checked.errors:
            found[number] = SavedPlan(
                patient=filled.record(PatientAsked, **plan_answers.answers_of(health)),
                regimen=plan_answers.regimen_of(checked),
                price=filled.record(PriceAsked),
            )
    if not found and not filled.errors:
        filled = filled.with_error(
            "product_1", "Choose at least one product to show; two or more to compare."
        )
    return filled, found


def _option(filled: Filled, plan: PlanForms, number: int) -> Filled:
    """One regimen of the form, its fields without their numbers. The unit alone is no answer."""
    by_name = {each.name: each for each in plan.dose}
    pick = {name: f"{name}_{number}" for name in _OPTION}
    texts = {name: filled.texts[full] for name, full in pick.items() if full in filled.texts}
    said = {name: each for name, each in texts.items() if name != "dose_unit"}
    if not any(text for each in said.values() for text in each):
        texts = {}
    return Filled(
        tuple(by_name[name] for name in _OPTION),
        texts,
        {name: filled.values[full] for name, full in pick.items() if full in filled.values},
        {name: filled.errors[full] for name, full in pick.items() if full in filled.errors},
    )


def _checked(option: Filled) -> Filled:
    if "product" not in option.values and "product" not in option.errors:
        option = option.with_error("product", "Choose a product.")
    return plan_answers.checked_dose(option)


def blamed(filled: Filled, number: int, problem: InputError, asked: CompareForms) -> Filled:
    """The form with what a computation refused, at the field of the regimen, or of the person."""
    own = plan_answers.blamed(_option(filled, asked.plan, number), problem)
    name, said = next(iter(own.errors.items()))
    if name:
        return filled.with_error(f"{name}_{number}", said)
    person = plan_answers.blamed(filled, problem)
    return person if "" not in person.errors else filled.with_error(f"product_{number}", said)
