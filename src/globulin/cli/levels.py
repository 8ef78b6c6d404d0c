"""Commands on IgG levels: what doses do, which dose is needed, and what measured levels say of one person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from globulin.asked import CrowdAsked, DoseAsked, PersonAsked, ProductDoseAsked, Route
from globulin.cli.options import (
    PEOPLE,
    Charts,
    Course,
    CourseOptions,
    Crowd,
    Dose,
    DossierDir,
    Form,
    Models,
    Person,
    Printed,
    ProductDose,
    models_asked,
)
from globulin.cli.printing import put, put_text
from globulin.errors import InputError

if TYPE_CHECKING:
    from globulin.bedside import Bedside, SimulateRequest

AtDay = list[float] | None


def simulate(
    *,
    model: Models = None,
    dose: ProductDose = ProductDoseAsked(),
    course: Course = CourseOptions(),
    at_day: Annotated[
        AtDay, Parameter(negative=(), consume_multiple=True, help="Days to give levels for, in order.")
    ] = None,
    person: Person = PersonAsked(),
    crowd: Crowd = CrowdAsked(),
    target_g_per_l: Annotated[
        float | None,
        Parameter(group=PEOPLE, help="With --people: count who has a trough or mean at or above it, in g/L."),
    ] = None,
    charts: Charts = None,
    dossier: DossierDir = None,
    form: Printed = Form(),
) -> None:
    """What doses do to IgG in one person, or in many, by published models side by side."""
    from globulin.bedside import Bedside, SimulateRequest, one_person, simulated

    asked = SimulateRequest(
        models=models_asked(model), dose=dose, course=course, at_day=tuple(at_day or ()), person=person
    )
    if crowd.asked:
        _simulate_many(Bedside(dossier), asked, crowd, target_g_per_l, charts, form)
        return
    one_person(crowd, "--people or --people-file")
    if target_g_per_l is not None:
        raise InputError("--target-g-per-l counts people; give --people or --people-file too")
    what, answers = simulated(Bedside(dossier), asked)
    if charts is not None:
        from globulin.bedside import followed
        from globulin.pages.drawn import write_charts
        from globulin.pages.exposure_charts import simulated_charts

        for name, followed_course in followed(Bedside(dossier), asked):
            write_charts(charts, simulated_charts(followed_course, marked_day=asked.at_day, person=name))
    if form.json:
        from globulin.formats.simulated import simulated_text

        put_text(simulated_text(what, answers))
    elif form.csv:
        from globulin.formats.simulated import simulated_rows

        put_text(simulated_rows(answers))
    else:
        from globulin.pages.simulated import simulated_view

        put(simulated_view(what, answers))


def dose_for(
    *,
    model: Models = None,
    target: Annotated[
        Literal["trough", "average", "peak", "rise"],
        Parameter(help="Lowest, mean or highest IgG over an interval, or the mean above the person's own."),
    ] = "trough",
    g_per_l: Annotated[float, Parameter(help="The target in g/L.")],
    dose: Dose = DoseAsked(),
    person: Person = PersonAsked(),
    share: Annotated[
        float | None,
        Parameter(group=PEOPLE, help="The share of many people that is to reach the target, such as 0.9."),
    ] = None,
    flat: Annotated[
        bool,
        Parameter(group=PEOPLE, help="With --share: the same grams for everybody, not per kg."),
    ] = False,
    crowd: Crowd = CrowdAsked(),
    dossier: DossierDir = None,
    form: Printed = Form(),
) -> None:
    """The dose, or the interval, for a level of IgG: in one person or in a share of many.

    With --interval-day the dose is sought, with --dose-g or --dose-g-per-kg the longest interval.
    """
    from globulin.bedside import Bedside
    from globulin.crowds import DoseRequest, doses_needed

    asked = DoseRequest(
        models=models_asked(model),
        target=target,
        g_per_l=g_per_l,
        dose=dose,
        person=person,
        share=share,
        flat=flat,
    )
    what, answers, labelled = doses_needed(Bedside(dossier), asked, crowd)
    if form.json:
        from globulin.formats.dose_needed import dose_text

        put_text(dose_text(what, answers, labelled))
    elif form.csv:
        from globulin.formats.dose_needed import dose_rows

        put_text(dose_rows(answers))
    else:
        from globulin.pages.dose_needed import dose_view

        put(dose_view(what, answers, labelled))


def individualise(
    *,
    doses: Annotated[
        Path, Parameter(help="CSV of doses, given and planned: TIME (day) AMT (g) DUR ROUTE II ADDL SS.")
    ],
    levels: Annotated[
        Path, Parameter(help="CSV of measured levels: TIME (day) IGG (g/L), and BLOQ 1 for one below it.")
    ],
    model: Models = None,
    route: Annotated[Route, Parameter(help="Route of doses for which none is stated.")] = "iv",
    at_day: Annotated[
        AtDay,
        Parameter(
            negative=(),
            consume_multiple=True,
            help="Days to predict, in order; default: right before each dose after the last level.",
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Seed of the draws; the same seed gives the same answer.")] = 1,
    person: Person = PersonAsked(),
    charts: Charts = None,
    dossier: DossierDir = None,
    form: Printed = Form(),
) -> None:
    """What measured IgG levels say of one person, and which levels come next."""
    from globulin.bedside import Bedside, IndividualRequest, individualised

    asked = IndividualRequest(
        models=models_asked(model),
        doses=doses,
        levels=levels,
        route=route,
        at_day=tuple(at_day or ()),
        seed=seed,
        person=person,
    )
    what, found = individualised(Bedside(dossier), asked, follow=charts is not None)
    if charts is not None:
        from globulin.pages.drawn import write_charts
        from globulin.pages.exposure_charts import individual_chart

        drawn = individual_chart(found)
        write_charts(charts, () if drawn is None else (drawn,))
    if form.json:
        from globulin.formats.individual import individual_text

        put_text(individual_text(what, found))
    elif form.csv:
        from globulin.formats.individual import individual_rows

        put_text(individual_rows(found))
    else:
        from globulin.pages.individual import individual_view

        put(individual_view(what, found))


def _simulate_many(
    bedside: Bedside,
    asked: SimulateRequest,
    crowd: CrowdAsked,
    target_g_per_l: float | None,
    charts: Path | None,
    form: Form,
) -> None:
    from globulin.crowds import populated

    what, answers = populated(bedside, asked, crowd, target_g_per_l)
    if charts is not None:
        from globulin.pages.drawn import write_charts
        from globulin.pages.exposure_charts import population_chart

        drawn = population_chart(answers)
        write_charts(charts, () if drawn is None else (drawn,))
    if form.json:
        from globulin.formats.population import population_text

        put_text(population_text(what, answers))
    elif form.csv:
        from globulin.formats.population import population_rows

        put_text(population_rows(answers))
    else:
        from globulin.pages.population import population_view

        put(population_view(what, answers))
