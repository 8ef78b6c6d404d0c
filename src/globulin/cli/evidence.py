"""Commands on what is known: the page, the trials, a table of one's own, regimens, claims and references."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from globulin import __version__
from globulin.cli.options import Charts, DossierDir, Json, PriceListId, Weight
from globulin.cli.printing import put
from globulin.errors import InputError

if TYPE_CHECKING:
    from globulin.dossier import Dossier
    from globulin.findings import Findings


def page(
    *,
    dossier: DossierDir = None,
    out: Annotated[Path, Parameter(help="Folder to write the page into.")] = Path("globulin-page"),
    weight_kg: Weight = None,
    price_list: PriceListId = None,
) -> None:
    """Build the living treatment page: a static site, globulin.pdf and dossier.json."""
    from datetime import UTC, datetime

    from rich.console import Console

    from globulin.pages.vega import drawing_beside

    with drawing_beside() as convert, Console(stderr=True).status("reading the dossier") as status:
        from globulin.living_page import build

        opened, found = _open_and_find(dossier, weight_kg, price_list)
        today = datetime.now(UTC).date()
        index = build(
            opened, found, out, version=__version__, made_on=today, progress=status.update, convert=convert
        )
    print(index)


def evidence(
    *,
    condition: Annotated[
        Literal["all", "mecfs", "fibromyalgia"], Parameter(help="The illness whose trials count.")
    ] = "all",
    priors: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="An opinion beforehand: vague, sceptical, enthusiastic, or MEAN,SD in standard deviations."
            " Repeat for several; the first speaks in the main answer.",
        ),
    ] = None,
    as_if: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="STUDY=SMD: what if a trial known only as not significant had found this?"
            " Repeat for several.",
        ),
    ] = None,
    outcome: Annotated[
        list[str] | None,
        Parameter(
            negative=(), help="STUDY=OUTCOME: let another outcome of a trial enter. Repeat for several."
        ),
    ] = None,
    charts: Charts = None,
    dossier: DossierDir = None,
    json: Json = False,
) -> None:
    """What the controlled trials say: effects, three answers, what moves them, and how sure one can be."""
    from globulin.findings import find
    from globulin.library import open_dossier
    from globulin.synthesis.choices import Choices, read_effects, read_pairs, read_priors

    opened = open_dossier(dossier)
    try:
        choices = Choices(
            priors=read_priors(priors or ()),
            as_if=read_effects(as_if or ()),
            condition=None if condition == "all" else condition,
            outcomes=read_pairs(outcome or (), "OUTCOME"),
        )
        found = find(opened, choices=choices)
    except ValueError as problem:
        raise InputError(str(problem)) from problem
    if charts is not None:
        from globulin.pages.drawn import write_charts
        from globulin.pages.trial_charts import trial_charts

        write_charts(charts, trial_charts(found))
    if json:
        from globulin.formats.results import evidence_document

        put(evidence_document(opened, found))
    else:
        from globulin.pages.terminal import evidence_view

        put(evidence_view(found))


def pool(
    file: Path,
    /,
    *,
    measure: Annotated[
        str | None, Parameter(help="Effect measure, such as OR, RR or SMD; default: by the columns found.")
    ] = None,
    tau2: Annotated[
        str | None,
        Parameter(
            help="Between-study variance: FE, DL, HE, HS, SJ, ML, REML, EB or PM; default: by the policy."
        ),
    ] = None,
    ci: Annotated[
        str | None,
        Parameter(help="Interval: wald, t, HKSJ or HKSJ-guarded; default: by the policy."),
    ] = None,
    level: Annotated[float, Parameter(help="Confidence level, between 0 and 1.")] = 0.95,
    weight: Annotated[
        float | None,
        Parameter(help="With a design column: weight of studies without randomisation, from 0 to 1."),
    ] = None,
    worth_it: Annotated[
        float | None, Parameter(help="The size worth having, on the scale of the effects.")
    ] = None,
    charts: Charts = None,
    methods: Annotated[
        bool, Parameter(negative=(), help="Add a methods section with its references.")
    ] = False,
    json: Json = False,
) -> None:
    """Pool a table of your own, with the column names of metafor, RevMan Web, Metapsy or globulin."""
    from globulin.formats.effect_table import read_effect_table
    from globulin.synthesis.own_table import checked_options, pool_table

    try:
        options = checked_options(tau2, ci, level)
    except ValueError as problem:
        raise InputError(f"--{problem}") from problem
    if weight is not None and not 0 <= weight <= 1:
        raise InputError(f"--weight {weight:g}: give a number from 0 to 1")
    if worth_it is not None and not 0 < abs(worth_it) < 1e6:
        raise InputError(f"--worth-it {worth_it:g}: give a size other than 0, on the scale of the effects")
    table = read_effect_table(file, measure)
    try:
        result = pool_table(
            table.measure,
            table.columns,
            table.effects,
            table.names,
            table.lines,
            options,
            designs=table.designs,
            weight=weight,
            worth_it=worth_it,
        )
    except ValueError as problem:
        raise InputError(f"{table.file}: {problem}") from problem
    if charts is not None:
        from globulin.pages.drawn import write_charts
        from globulin.pages.table_charts import table_charts

        write_charts(charts, table_charts(result, table.bias))
    if json:
        from globulin.formats.results import pooled_document

        put(pooled_document(table, result))
    else:
        from globulin.pages.pooled import pooled_view

        put(pooled_view(result, table.file, methods=methods))


def regimens(
    *,
    dossier: DossierDir = None,
    weight_kg: Weight = None,
    price_list: PriceListId = None,
    json: Json = False,
) -> None:
    """Every regimen on one axis: dose, rise in IgG by each model, drug cost, share of the trials' dose."""
    from globulin.formats.results import regimens_document
    from globulin.pages.terminal import regimens_view

    opened, found = _open_and_find(dossier, weight_kg, price_list)
    put(regimens_document(opened, found) if json else regimens_view(found))


def claims(*, dossier: DossierDir = None, json: Json = False) -> None:
    """The source page, claim by claim, each with a verdict and an answer."""
    from globulin.formats.results import claims_document
    from globulin.pages.terminal import claims_view

    opened, found = _open_and_find(dossier)
    put(claims_document(opened, found) if json else claims_view(found))


def cite(*, dossier: DossierDir = None, json: Json = False) -> None:
    """References for exactly the data and methods that the results rest on."""
    from globulin.formats.results import citations_document
    from globulin.pages.terminal import citation_lines

    opened, found = _open_and_find(dossier)
    if json:
        put(citations_document(opened, found))
    else:
        print("\n".join(citation_lines(opened, found, __version__)))


def _open_and_find(
    folder: Path | None, weight_kg: float | None = None, price_list: str | None = None
) -> tuple[Dossier, Findings]:
    from globulin.findings import find
    from globulin.library import open_dossier
    from globulin.price_store import with_price_list

    if weight_kg is not None and not 2 <= weight_kg <= 400:
        raise InputError(f"--weight-kg {weight_kg:g}: give a body weight between 2 and 400 kg")
    opened = with_price_list(open_dossier(folder), price_list)
    return opened, find(opened, weight_kg=weight_kg, price_list=price_list)
