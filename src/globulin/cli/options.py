"""Options that several commands share, and the groups under which `--help` lists them.

What is said of a person, a dose or many people are records of `globulin.asked`; here they become options.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from globulin.asked import CourseAsked, CrowdAsked, DoseAsked, PersonAsked, ProductDoseAsked
from globulin.errors import InputError

# a flag has no `--no-` form
_PLAIN = Parameter(negative=())

DOSE = Group("Dose", sort_key=1, default_parameter=_PLAIN)
PERSON = Group("Person", sort_key=2, default_parameter=_PLAIN)
PEOPLE = Group("Many people", sort_key=3, default_parameter=_PLAIN)
OUTPUT = Group("Data and output", sort_key=4, default_parameter=_PLAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseOptions(CourseAsked):
    """The same on a command line, where a table is always a file."""

    history: Path | None = None
    """CSV of doses: TIME (day) AMT (g) RATE or DUR, ROUTE, II, ADDL, SS, ID."""


Dose = Annotated[DoseAsked, Parameter(name="*", group=DOSE)]
ProductDose = Annotated[ProductDoseAsked, Parameter(name="*", group=DOSE)]
Course = Annotated[CourseOptions, Parameter(name="*", group=DOSE)]
Person = Annotated[PersonAsked, Parameter(name="*", group=PERSON)]
Crowd = Annotated[CrowdAsked, Parameter(name="*", group=PEOPLE)]

MODELS = ("normal",)
"""Where no model is named: the average for people with normal IgG."""

Models = Annotated[
    list[str] | None,
    Parameter(
        name="--model",
        negative=(),
        help="Model or average; repeat for several. Default: normal (normal IgG).",
    ),
]
Weight = Annotated[
    float | None, Parameter(name="--weight-kg", help="Body weight in kg; default: the reference adult.")
]
PriceListId = Annotated[
    str | None,
    Parameter(name="--price-list", help="Price list id; default: the newest that was read in full."),
]
DossierDir = Annotated[
    Path | None,
    Parameter(name="--dossier", group=OUTPUT, help="Dossier folder; default: the bundled one."),
]
Json = Annotated[bool, Parameter(name="--json", group=OUTPUT, help="Print JSON instead of a table.")]
Charts = Annotated[
    Path | None, Parameter(name="--charts", group=OUTPUT, help="Folder to write charts into, as SVG.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How an answer is printed: a table, or one other form. Raises InputError for both at once."""

    json: bool = False
    """Print JSON instead of a table."""
    csv: bool = False
    """Print CSV instead of a table."""

    def __post_init__(self) -> None:
        if self.json and self.csv:
            raise InputError("--json or --csv, not both: an answer is printed in one form")


Printed = Annotated[Form, Parameter(name="*", group=OUTPUT)]


def models_asked(model: list[str] | None) -> tuple[str, ...]:
    """The models that were named, or those where none is. Raises InputError for one that is named twice."""
    names = tuple(model or MODELS)
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--model {name}: named {names.count(name)} times; name each model once")
    return names
