"""What the steps of a plan ask: every field with its unit, range and example.

A form speaks as people do: a dose with its unit, a question with yes or no. How the answers become what was
asked, and back, stands in `plan_answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from globulin.asked import Route
from globulin.errors import InputError
from globulin.pages import words
from globulin.web.forms import Choice, Field
from globulin.web.screens.plan_questions import QuestionGroup, question_fields, question_groups

if TYPE_CHECKING:
    from globulin.plan_shelf import PlanShelf

Step = Literal["person", "health", "dose", "reaction"]

DOSE_UNITS: Final[Mapping[str, tuple[str, float, float]]] = {
    "dose_g_per_kg": ("g/kg", 0.001, 4.0),
    "dose_mg_per_kg": ("mg/kg", 1.0, 4000.0),
    "dose_g": ("g", 0.05, 600.0),
    "dose_ml": ("mL", 0.5, 6000.0),
}
"""By field of `RegimenAsked`: the unit as written, and what a plan takes in it."""

PERSON: Final = (
    Field(
        name="weight_kg",
        label="Body weight",
        kind="number",
        unit="kg",
        low=2,
        high=400,
        example="62",
        required=True,
    ),
    Field(name="height_cm", label="Height", kind="number", unit="cm", low=40, high=250, example="168"),
    Field(
        name="sex",
        label="Sex",
        kind="choice",
        hint="For ideal weight and lean body mass, and for which questions are asked.",
        choices=(Choice("", "Not said"), Choice("female", "Female"), Choice("male", "Male")),
    ),
    Field(name="age_year", label="Age", kind="number", unit="years", low=0, high=120, example="41"),
    Field(
        name="baseline_g_per_l",
        label="IgG before treatment",
        kind="number",
        unit="g/L",
        low=0,
        high=60,
        example="9.8",
        hint="This person's own total IgG, measured while on no immune globulin. 980 mg/dL is 9.8 g/L.",
    ),
    Field(
        name="pre_pregnancy_weight_kg",
        label="Weight before pregnancy",
        kind="number",
        unit="kg",
        low=2,
        high=400,
        example="58",
        hint="Only in pregnancy: the dose is worked out on it.",
    ),
)

_ROUTE_HINTS: Final[Mapping[Route, str]] = {
    "iv": "IV, a drip",
    "sc": "SC, small needles at home",
    "fsc": "fSC, larger volumes in one place",
    "im": "IM, an injection",
}
ROUTE_CHOICES: Final = tuple(
    Choice(route, words.capital(words.ROUTES[route]), hint) for route, hint in _ROUTE_HINTS.items()
)

DOSE: Final = Field(
    name="dose",
    label="Dose each time",
    kind="number",
    example="0.4",
    hint="The whole dose of one interval: up to 4 g/kg, 4000 mg/kg, 600 g or 6000 mL of the product.",
)
DOSE_UNIT: Final = Field(
    name="dose_unit",
    label="Unit of the dose",
    kind="choice",
    choices=tuple(Choice(name, written) for name, (written, _, _) in DOSE_UNITS.items()),
)
INTERVAL: Final = Field(
    name="interval_day",
    label="Days from one dose to the next",
    kind="number",
    unit="days",
    low=0.5,
    high=366,
    example="28",
)
SPLIT: Final = Field(
    name="split_over_days",
    label="Split each dose over",
    kind="whole",
    unit="days",
    low=1,
    high=31,
    example="2",
    hint="Consecutive days.",
)

_COURSE: Final = (
    Field(name="once", label="Given once, not repeated", kind="check"),
    SPLIT,
    Field(
        name="doses",
        label="Doses in the course",
        kind="whole",
        low=1,
        high=1000,
        example="6",
        hint="For its cost.",
    ),
    Field(
        name="cap_g",
        label="Never more in one dose than",
        kind="number",
        unit="g",
        low=0.1,
        high=600,
        example="80",
    ),
    Field(
        name="weight_basis",
        label="Weight that the dose goes by",
        kind="choice",
        choices=(
            Choice("", "Actual weight", "as labels say"),
            Choice("ideal", "Ideal weight", "needs height and sex"),
            Choice("adjusted_0_4", "Adjusted weight, factor 0.4", "needs height and sex"),
            Choice("adjusted_0_5", "Adjusted weight, factor 0.5", "needs height and sex"),
        ),
    ),
    Field(
        name="rounding",
        label="Rounding",
        kind="choice",
        choices=(
            Choice("none", "None"),
            Choice("vials", "To whole vials"),
            Choice("5_g", "To 5 g"),
            Choice("vials_down", "Down to whole vials", "if that takes away at most 5%"),
        ),
    ),
)

REACTION: Final = (
    Field(
        name="reaction_at",
        label="A reaction came at minute",
        kind="number",
        unit="min",
        low=0,
        high=2880,
        example="75",
    ),
    Field(
        name="pause_minutes",
        label="Pause",
        kind="number",
        unit="min",
        low=0,
        high=1440,
        example="30",
        hint="30 where nothing is said.",
    ),
    Field(
        name="resume",
        label="Then go on at",
        kind="choice",
        choices=(
            Choice("", "The rate that was tolerated before"),
            Choice("half", "Half the rate at which it came"),
        ),
    ),
    Field(
        name="raise_again",
        label="Then raise it again, not above the rate at which it came",
        kind="check",
    ),
)

MORE_COURSE: Final = tuple(each.name for each in _COURSE)
GIVING: Final = (
    "which_infusion",
    "infusion_number",
    "indication",
    "max_rate_mg_per_kg_min",
    "step_minutes",
    "step_factor",
    "sites",
)
PRICE: Final = ("price_list", "price_per_g", "price_per_vial", "currency")


@dataclass(frozen=True, slots=True)
class PlanForms:
    """The fields of each step, and the questions by hazard."""

    person: tuple[Field, ...]
    health: tuple[Field, ...]
    dose: tuple[Field, ...]
    reaction: tuple[Field, ...]
    groups: tuple[QuestionGroup, ...]

    def of(self, step: Step) -> tuple[Field, ...]:
        """The fields of a step."""
        found: tuple[Field, ...] = getattr(self, step)
        return found

    @property
    def panel(self) -> tuple[Field, ...]:
        """What can be changed beside the plan in one form: the weight, and all of the dose."""
        return (PERSON[0], *self.dose)


def plan_forms(shelf: PlanShelf) -> PlanForms:
    """The forms for what a dossier knows."""
    return PlanForms(PERSON, question_fields(shelf), _dose_fields(shelf), REACTION, question_groups(shelf))


def _dose_fields(shelf: PlanShelf) -> tuple[Field, ...]:
    from globulin.price_store import price_lists

    regimens = tuple(Choice(each.id, each.label) for each in shelf.regimens.values())
    # a broken list of one's own must not close the form; the prices screen says what is wrong with it
    try:
        lists = price_lists(shelf.prices)
    except InputError:
        lists = shelf.prices
    prices = tuple(Choice(each.id, f"{each.title} ({each.currency})") for each in lists.values())
    uses = {use.indication_code: use.indication for each in shelf.products.values() for use in each.uses}
    return (
        Field(
            name="product",
            label="Product",
            kind="list",
            choices=product_choices(shelf),
            hint="Left open, all products of the route are ranked for this person, with reasons.",
        ),
        Field(
            name="regimen",
            label="A regimen from the list",
            kind="list",
            choices=regimens,
            hint="What you type below goes before what it says.",
        ),
        Field(
            name="route",
            label="Way in (route)",
            kind="choice",
            choices=(Choice("", "The only one of the product, or the regimen's"), *ROUTE_CHOICES),
        ),
        DOSE,
        DOSE_UNIT,
        INTERVAL,
        *_COURSE,
        Field(
            name="which_infusion",
            label="Which infusion of this product",
            kind="choice",
            choices=(Choice("", "The first"), Choice("later", "A later one")),
        ),
        Field(
            name="infusion_number",
            label="Its number, if a limit hangs on it",
            kind="whole",
            low=1,
            high=1000,
            example="5",
        ),
        Field(
            name="indication",
            label="Labelled use whose steps are followed",
            kind="list",
            choices=tuple(Choice(code, name) for code, name in sorted(uses.items(), key=lambda use: use[1])),
            hint="Left open for ME/CFS and fibromyalgia, which no label names.",
        ),
        Field(
            name="max_rate_mg_per_kg_min",
            label="Highest rate of your own",
            kind="number",
            unit="mg/kg/min",
            low=0.01,
            high=20,
            example="2",
        ),
        Field(
            name="step_minutes",
            label="Minutes of a step where the label states none",
            kind="number",
            unit="min",
            low=1,
            high=240,
            example="30",
        ),
        Field(
            name="step_factor",
            label="Factor from step to step where the label states none",
            kind="number",
            low=1.01,
            high=10,
            example="2",
        ),
        Field(
            name="sites",
            label="Sites at once",
            kind="whole",
            low=1,
            high=12,
            example="2",
            hint="Under the skin. Left open: the fewest that the label allows.",
        ),
        Field(
            name="price_list",
            label="Price list",
            kind="list",
            choices=prices,
            hint="Left open: the newest of the dossier. Every amount is shown with its date.",
        ),
        Field(
            name="price_per_g",
            label="Your own price of a gram",
            kind="number",
            low=0.01,
            high=100000,
            example="92.50",
            hint="In the currency that you name below; nothing is converted.",
        ),
        Field(
            name="price_per_vial",
            label="Or your own prices of vials",
            example="5=460,10=910",
            hint="Grams of the vial = its price, with commas between vials.",
            longest=200,
        ),
        Field(name="currency", label="Currency of your own price", example="USD", longest=12),
    )


def product_choices(shelf: PlanShelf) -> tuple[Choice, ...]:
    """All products by name, each with its maker and ways in."""
    made = sorted(shelf.products.values(), key=lambda each: each.name.casefold())
    return tuple(
        Choice(each.id, f"{each.name} ({each.maker}; {', '.join(each.routes).upper()})") for each in made
    )
