"""The command line: `globulin page`, `evidence`, `pool`, `regimens`, `simulate`, `claims`, `cite`, ...

Heavy modules are imported inside the commands, so that `globulin --help` answers at once. Exit status:
0 done, 1 a dossier has faults, 2 what was asked for cannot be used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

from globulin import __version__
from globulin.errors import DossierError, GlobulinError, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from globulin.bedside import Bedside, SimulateRequest
    from globulin.dossier import Dossier
    from globulin.findings import Findings

app = App(
    name="globulin",
    version=__version__,
    help=(
        "What is known about immune globulin in ME/CFS and fibromyalgia, made computable."
        " It informs; it does not prescribe."
    ),
)

DossierDir = Annotated[
    Path | None, Parameter(name="--dossier", help="Dossier folder; default: the bundled one.")
]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON instead of a table.")]
Weight = Annotated[
    float | None, Parameter(name="--weight-kg", help="Body weight in kg; default: the reference adult.")
]
People = Annotated[int | None, Parameter(help="How many virtual people, instead of one person.")]
Seed = Annotated[int, Parameter(help="Seed of the virtual people; the same seed draws the same ones.")]
PeopleGroup = Annotated[str, Parameter(help="Who they are: adults or adolescents.")]
PeopleFile = Annotated[
    Path | None,
    Parameter(help="CSV of people of your own: WEIGHT_KG HEIGHT_CM SEX AGE_YEAR BASELINE_G_PER_L."),
]
PriceListId = Annotated[
    str | None,
    Parameter(name="--price-list", help="Price list id; default: the newest that was read in full."),
]


@app.command
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


@app.command
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
    charts: Annotated[
        Path | None, Parameter(help="Folder to write the charts of the trials into, as SVG.")
    ] = None,
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

        _print(evidence_document(opened, found))
    else:
        from globulin.pages.terminal import evidence_view

        _print(evidence_view(found))


@app.command(name="pool")
def pool_own(
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
    charts: Annotated[
        Path | None, Parameter(help="Folder to write the forest and the funnel into, as SVG.")
    ] = None,
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

        _print(pooled_document(table, result))
    else:
        from globulin.pages.pooled import pooled_view

        _print(pooled_view(result, table.file, methods=methods))


@app.command
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
    _print(regimens_document(opened, found) if json else regimens_view(found))


@app.command
def simulate(
    *,
    model: Annotated[
        list[str] | None,
        Parameter(negative=(), help="Model or average; repeat for several. Default: normal (normal IgG)."),
    ] = None,
    route: Annotated[
        Literal["iv", "sc", "fsc", "im"],
        Parameter(help="Vein, under the skin, the same with hyaluronidase, muscle."),
    ] = "iv",
    dose_g: Annotated[float | None, Parameter(help="Grams of one dose.")] = None,
    dose_g_per_kg: Annotated[float | None, Parameter(help="Grams of one dose per kg of body weight.")] = None,
    dose_ml: Annotated[float | None, Parameter(help="Millilitres of one dose; needs --dose-ml-of.")] = None,
    dose_ml_of: Annotated[str | None, Parameter(help="Id of the product whose mL are meant.")] = None,
    interval_day: Annotated[float | None, Parameter(help="Days from one dose to the next.")] = None,
    infusion_day: Annotated[
        float | None, Parameter(help="Days that a dose runs; default: 0.25 into a vein, else at once.")
    ] = None,
    daily_parts: Annotated[int, Parameter(help="Split each dose over so many consecutive days.")] = 1,
    doses: Annotated[
        int | None, Parameter(help="How many doses; default: repeated for ever (steady state).")
    ] = None,
    steady_state: Annotated[
        bool, Parameter(negative=(), help="With --doses: the dose had been repeated for ever before.")
    ] = False,
    history: Annotated[
        Path | None, Parameter(help="CSV of doses: TIME (day) AMT (g) RATE or DUR, ROUTE, II, ADDL, SS, ID.")
    ] = None,
    at_day: Annotated[
        list[float] | None,
        Parameter(negative=(), consume_multiple=True, help="Days to give levels for, in order."),
    ] = None,
    weight_kg: Weight = None,
    height_cm: Annotated[float | None, Parameter(help="Body height in cm.")] = None,
    sex: Annotated[Literal["female", "male"] | None, Parameter(help="For lean body mass.")] = None,
    age_year: Annotated[float | None, Parameter(help="Age in years.")] = None,
    baseline_g_per_l: Annotated[
        float | None, Parameter(help="The person's own IgG before treatment, in g/L.")
    ] = None,
    indication: Annotated[
        Literal["normal_igg", "primary_deficiency", "secondary_deficiency", "neuropathy"] | None,
        Parameter(help="Why immune globulin is given, where it changes how long IgG is kept."),
    ] = None,
    people: People = None,
    seed: Seed = 1,
    target_g_per_l: Annotated[
        float | None, Parameter(help="With --people: count who has a trough or mean at or above it, in g/L.")
    ] = None,
    group: PeopleGroup = "adults",
    people_file: PeopleFile = None,
    charts: Annotated[
        Path | None, Parameter(help="Folder to write the levels over time into, as SVG.")
    ] = None,
    dossier: DossierDir = None,
    json: Json = False,
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV instead of a table.")] = False,
) -> None:
    """What doses do to IgG in one person, or in many, by published models side by side."""
    from globulin.bedside import Bedside, SimulateRequest, simulated

    asked = SimulateRequest(
        models=tuple(model or ("normal",)),
        route=route,
        dose_g=dose_g,
        dose_g_per_kg=dose_g_per_kg,
        dose_ml=dose_ml,
        dose_ml_of=dose_ml_of,
        interval_day=interval_day,
        infusion_day=infusion_day,
        daily_parts=daily_parts,
        doses=doses,
        steady_state=steady_state,
        history=history,
        at_day=tuple(at_day or ()),
        weight_kg=weight_kg,
        height_cm=height_cm,
        sex=sex,
        age_year=age_year,
        baseline_g_per_l=baseline_g_per_l,
        indication=indication,
    )
    if people is not None or people_file is not None:
        who = (people, seed, group, people_file)
        _simulate_many(Bedside(dossier), asked, who, target_g_per_l, charts, json, csv)
        return
    if target_g_per_l is not None:
        raise InputError("--target-g-per-l counts people; give --people or --people-file too")
    what, answers = simulated(Bedside(dossier), asked)
    if charts is not None:
        from globulin.bedside import followed
        from globulin.pages.drawn import write_charts
        from globulin.pages.exposure_charts import simulated_charts

        for name, course in followed(Bedside(dossier), asked):
            write_charts(charts, simulated_charts(course, marked_day=asked.at_day, person=name))
    if json:
        from globulin.formats.simulated import simulated_text

        sys.stdout.write(simulated_text(what, answers))
    elif csv:
        from globulin.formats.simulated import simulated_rows

        sys.stdout.write(simulated_rows(answers))
    else:
        from globulin.pages.simulated import simulated_view

        _print(simulated_view(what, answers))


@app.command(name="dose-for")
def dose_for(
    *,
    model: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Model or average, several by repeating; default: normal, people with normal IgG.",
        ),
    ] = None,
    target: Annotated[
        Literal["trough", "average", "peak", "rise"],
        Parameter(help="Lowest, mean or highest IgG over an interval, or the mean above the person's own."),
    ] = "trough",
    g_per_l: Annotated[float, Parameter(name="--g-per-l", help="The target in g/L.")],
    route: Annotated[
        Literal["iv", "sc", "fsc", "im"],
        Parameter(help="Vein, under the skin, the same with hyaluronidase, muscle."),
    ] = "iv",
    interval_day: Annotated[float | None, Parameter(help="Days between doses; the dose is sought.")] = None,
    dose_g: Annotated[float | None, Parameter(help="Grams of one dose; the interval is sought.")] = None,
    dose_g_per_kg: Annotated[float | None, Parameter(help="The same for each kg of body weight.")] = None,
    infusion_day: Annotated[
        float | None, Parameter(help="Days that a dose runs; default: 0.25 into a vein, else at once.")
    ] = None,
    daily_parts: Annotated[int, Parameter(help="Split each dose over so many consecutive days.")] = 1,
    weight_kg: Weight = None,
    height_cm: Annotated[float | None, Parameter(help="Body height in cm.")] = None,
    sex: Annotated[Literal["female", "male"] | None, Parameter(help="For lean body mass.")] = None,
    age_year: Annotated[float | None, Parameter(help="Age in years.")] = None,
    baseline_g_per_l: Annotated[
        float | None, Parameter(help="The person's own IgG before treatment, in g/L.")
    ] = None,
    indication: Annotated[
        Literal["normal_igg", "primary_deficiency", "secondary_deficiency", "neuropathy"] | None,
        Parameter(help="Why immune globulin is given, where it changes how long IgG is kept."),
    ] = None,
    share: Annotated[
        float | None, Parameter(help="The share of many people that is to reach the target, such as 0.9.")
    ] = None,
    flat: Annotated[
        bool, Parameter(negative=(), help="With --share: the same grams for everybody, not per kg.")
    ] = False,
    people: People = None,
    seed: Seed = 1,
    group: PeopleGroup = "adults",
    people_file: PeopleFile = None,
    dossier: DossierDir = None,
    json: Json = False,
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV instead of a table.")] = False,
) -> None:
    """The dose, or the interval, for a level of IgG: in one person or in a share of many."""
    from globulin.bedside import Bedside
    from globulin.crowds import CrowdRequest, DoseRequest, doses_needed

    asked = DoseRequest(
        models=tuple(model or ("normal",)),
        target=target,
        g_per_l=g_per_l,
        route=route,
        interval_day=interval_day,
        dose_g=dose_g,
        dose_g_per_kg=dose_g_per_kg,
        infusion_day=infusion_day,
        daily_parts=daily_parts,
        share=share,
        flat=flat,
        weight_kg=weight_kg,
        height_cm=height_cm,
        sex=sex,
        age_year=age_year,
        baseline_g_per_l=baseline_g_per_l,
        indication=indication,
    )
    what, answers, labelled = doses_needed(
        Bedside(dossier), asked, CrowdRequest(people, seed, group, people_file)
    )
    if json:
        from globulin.formats.dose_needed import dose_text

        sys.stdout.write(dose_text(what, answers, labelled))
    elif csv:
        from globulin.formats.dose_needed import dose_rows

        sys.stdout.write(dose_rows(answers))
    else:
        from globulin.pages.dose_needed import dose_view

        _print(dose_view(what, answers, labelled))


@app.command
def individualise(
    *,
    doses: Annotated[
        Path, Parameter(help="CSV of doses, given and planned: TIME (day) AMT (g) DUR ROUTE II ADDL SS.")
    ],
    levels: Annotated[
        Path, Parameter(help="CSV of measured levels: TIME (day) IGG (g/L), and BLOQ 1 for one below it.")
    ],
    model: Annotated[
        list[str] | None,
        Parameter(
            negative=(),
            help="Model or average, several by repeating; default: normal, people with normal IgG.",
        ),
    ] = None,
    route: Annotated[
        Literal["iv", "sc", "fsc", "im"], Parameter(help="Route of doses for which none is stated.")
    ] = "iv",
    at_day: Annotated[
        list[float] | None,
        Parameter(
            negative=(),
            consume_multiple=True,
            help="Days to predict, in order; default: right before each dose after the last level.",
        ),
    ] = None,
    weight_kg: Weight = None,
    height_cm: Annotated[float | None, Parameter(help="Body height in cm.")] = None,
    sex: Annotated[Literal["female", "male"] | None, Parameter(help="For lean body mass.")] = None,
    age_year: Annotated[float | None, Parameter(help="Age in years.")] = None,
    baseline_g_per_l: Annotated[
        float | None, Parameter(help="The person's own IgG before treatment, in g/L; taken as exact.")
    ] = None,
    indication: Annotated[
        Literal["normal_igg", "primary_deficiency", "secondary_deficiency", "neuropathy"] | None,
        Parameter(help="Why immune globulin is given, where it changes how long IgG is kept."),
    ] = None,
    seed: Annotated[int, Parameter(help="Seed of the draws; the same seed gives the same answer.")] = 1,
    charts: Annotated[
        Path | None, Parameter(help="Folder to write the fit with the measured levels into, as SVG.")
    ] = None,
    dossier: DossierDir = None,
    json: Json = False,
    csv: Annotated[bool, Parameter(negative=(), help="Print CSV instead of a table.")] = False,
) -> None:
    """What measured IgG levels say of one person, and which levels come next."""
    from globulin.bedside import Bedside, IndividualRequest, individualised

    asked = IndividualRequest(
        models=tuple(model or ("normal",)),
        doses=doses,
        levels=levels,
        route=route,
        at_day=tuple(at_day or ()),
        seed=seed,
        weight_kg=weight_kg,
        height_cm=height_cm,
        sex=sex,
        age_year=age_year,
        baseline_g_per_l=baseline_g_per_l,
        indication=indication,
    )
    what, found = individualised(Bedside(dossier), asked)
    if charts is not None:
        from globulin.pages.drawn import write_charts
        from globulin.pages.exposure_charts import individual_chart

        drawn = individual_chart(individualised(Bedside(dossier), asked, follow=True)[1])
        write_charts(charts, () if drawn is None else (drawn,))
    if json:
        from globulin.formats.individual import individual_text

        sys.stdout.write(individual_text(what, found))
    elif csv:
        from globulin.formats.individual import individual_rows

        sys.stdout.write(individual_rows(found))
    else:
        from globulin.pages.individual import individual_view

        _print(individual_view(what, found))


@app.command
def claims(*, dossier: DossierDir = None, json: Json = False) -> None:
    """The source page, claim by claim, each with a verdict and an answer."""
    from globulin.formats.results import claims_document
    from globulin.pages.terminal import claims_view

    opened, found = _open_and_find(dossier)
    _print(claims_document(opened, found) if json else claims_view(found))


@app.command
def cite(*, dossier: DossierDir = None, json: Json = False) -> None:
    """References for exactly the data and methods that the results rest on."""
    from globulin.formats.results import citations_document
    from globulin.pages.terminal import citation_lines

    opened, found = _open_and_find(dossier)
    if json:
        _print(citations_document(opened, found))
    else:
        print("\n".join(citation_lines(opened, found, __version__)))


@app.command
def check(folder: Path | None = None, /) -> None:
    """Check a dossier folder (default: the bundled one): every fault as file:line:column, exit 1 if any."""
    from globulin.library import open_dossier

    opened = open_dossier(folder)
    records = sum(
        len(getattr(opened, name)) for name in type(opened).model_fields if name != "content_sha256"
    )
    print(f"no faults in {records} records; content {opened.content_sha256[:12]}")


@app.command
def schema(*, out: Annotated[Path, Parameter(help="Folder to write into.")] = Path("schema")) -> None:
    """Write the JSON Schemas: one per kind of content file, for editors, and that of dossier.json."""
    from globulin.formats.results import to_text, whole_schema
    from globulin.library import json_schemas

    out.mkdir(parents=True, exist_ok=True)
    for name, document in {**json_schemas(), "dossier_json": whole_schema()}.items():
        (out / f"{name}.schema.json").write_text(to_text(document), encoding="utf-8")
    print(out)


def _simulate_many(
    bedside: Bedside,
    asked: SimulateRequest,
    who: tuple[int | None, int, str, Path | None],
    target_g_per_l: float | None,
    charts: Path | None,
    json: bool,
    csv: bool,
) -> None:
    from globulin.crowds import CrowdRequest, populated

    what, answers = populated(bedside, asked, CrowdRequest(*who), target_g_per_l)
    if charts is not None:
        from globulin.pages.drawn import write_charts
        from globulin.pages.exposure_charts import population_chart

        drawn = population_chart(answers)
        write_charts(charts, () if drawn is None else (drawn,))
    if json:
        from globulin.formats.population import population_text

        sys.stdout.write(population_text(what, answers))
    elif csv:
        from globulin.formats.population import population_rows

        sys.stdout.write(population_rows(answers))
    else:
        from globulin.pages.population import population_view

        _print(population_view(what, answers))


def _open_and_find(
    folder: Path | None, weight_kg: float | None = None, price_list: str | None = None
) -> tuple[Dossier, Findings]:
    from globulin.findings import find
    from globulin.library import open_dossier

    if weight_kg is not None and not 2 <= weight_kg <= 400:
        raise InputError(f"--weight-kg {weight_kg:g}: give a body weight between 2 and 400 kg")
    opened = open_dossier(folder)
    return opened, find(opened, weight_kg=weight_kg, price_list=price_list)


def _print(result: dict[str, Any] | RenderableType) -> None:
    if isinstance(result, dict):
        from globulin.formats.results import to_text

        sys.stdout.write(to_text(result))
    else:
        from rich.console import Console

        Console().print(result)


def main() -> None:
    """Run the command line and exit."""
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False)
    except DossierError as error:
        count = len(error.faults)
        print(f"{error}\n{count} fault{'s' if count > 1 else ''}; nothing was built", file=sys.stderr)
        sys.exit(1)
    except (GlobulinError, CycloptsError) as error:
        print(f"globulin: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        print(f"globulin: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
