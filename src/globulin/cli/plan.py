"""Commands for one person: a whole plan, products ranked for them, and several plans side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from globulin.asked import InfusionAsked, PatientAsked, PriceAsked, RegimenAsked
from globulin.cli.options import OUTPUT, DossierDir, Json
from globulin.cli.printing import put, put_text
from globulin.errors import InputError

_PLAIN = Parameter(negative=())
_REGIMEN = Group("Regimen", sort_key=1, default_parameter=_PLAIN)
_GIVING = Group("How it is given", sort_key=2, default_parameter=_PLAIN)
_PATIENT = Group("Person", sort_key=3, default_parameter=_PLAIN)
_PRICE = Group("Price", sort_key=4, default_parameter=_PLAIN)

_Regimen = Annotated[RegimenAsked, Parameter(name="*", group=_REGIMEN)]
_Giving = Annotated[InfusionAsked, Parameter(name="*", group=_GIVING)]
_Patient = Annotated[PatientAsked, Parameter(name="*", group=_PATIENT)]
_Price = Annotated[PriceAsked, Parameter(name="*", group=_PRICE)]
_File = Annotated[
    Path | None, Parameter(help="Patient file, YAML or JSON; --template prints one to fill in.")
]

MOST_COMPARED = 4


def plan(
    file: _File = None,
    /,
    *,
    regimen: _Regimen = RegimenAsked(),
    giving: _Giving = InfusionAsked(),
    patient: _Patient = PatientAsked(),
    price: _Price = PriceAsked(),
    template: Annotated[
        bool, Parameter(group=OUTPUT, negative=(), help="Print a patient file to fill in, and stop.")
    ] = False,
    pdf: Annotated[
        Path | None,
        Parameter(group=OUTPUT, help="Folder for plan.pdf, patient_sheet.pdf and letter.pdf."),
    ] = None,
    dossier: DossierDir = None,
    json: Json = False,
) -> None:
    """One person's plan: dose, vials, infusion steps, screening, cost, predicted IgG, monitoring."""
    from globulin.plan_shelf import PlanShelf
    from globulin.planner import patient_asked, planned, price_asked, ranking_asked, request_asked

    shelf = PlanShelf(dossier)
    if template:
        from globulin.formats.patient_file import template as patient_template

        put_text(patient_template(shelf.conditions.values()))
        return
    person = patient_asked(shelf, patient, file)
    money = price_asked(shelf, price)
    if regimen.product is None:
        if pdf is not None:
            raise InputError("--pdf needs one plan; give --product")
        ranking = ranking_asked(shelf, person, regimen, giving, patient.risk, money)
        if json:
            from globulin.formats.plan import ranking_text

            put_text(ranking_text(ranking))
        else:
            from globulin.pages.plan_comparison import ranking_view

            put(ranking_view(ranking))
        return
    request = request_asked(shelf, regimen, giving, patient.risk, regimen.product)
    found = planned(shelf, person, request, money)
    if pdf is not None:
        from datetime import UTC, datetime

        from globulin.pages.folder import write_folder
        from globulin.pages.plan_documents import plan_documents

        write_folder(pdf, plan_documents(found, shelf, datetime.now(UTC).date()))
    if json:
        from globulin.formats.plan import plan_text

        put_text(plan_text(found, shelf.sources))
    else:
        from globulin.pages.plan_view import plan_view

        put(plan_view(found))


def compare(
    file: _File = None,
    /,
    *,
    option: Annotated[
        list[str],
        Parameter(
            negative=(),
            help="PRODUCT:REGIMEN, or PRODUCT:ROUTE:DOSE:INTERVAL[:DAYS] as gamastan:im:2ml:7d or"
            " privigen:iv:1g/kg:28d:2; repeat for up to four.",
        ),
    ],
    patient: _Patient = PatientAsked(),
    price: _Price = PriceAsked(),
    dossier: DossierDir = None,
    json: Json = False,
) -> None:
    """Up to four products or regimens side by side for one person."""
    from globulin.plan_shelf import PlanShelf
    from globulin.planner import option_asked, patient_asked, planned, price_asked, request_asked

    if not 2 <= len(option) <= MOST_COMPARED:
        raise InputError(f"--option: {len(option)} given; give from two to {MOST_COMPARED}")
    shelf = PlanShelf(dossier)
    person = patient_asked(shelf, patient, file)
    money = price_asked(shelf, price)
    plans = []
    for text in option:
        regimen = option_asked(shelf, text)
        request = request_asked(shelf, regimen, InfusionAsked(), patient.risk, str(regimen.product))
        plans.append(planned(shelf, person, request, money))
    if json:
        from globulin.formats.plan import plans_text

        put_text(plans_text(plans, shelf.sources))
    else:
        from globulin.pages.plan_comparison import comparison_view

        put(comparison_view(plans))
