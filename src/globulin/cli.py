"""The command line: `globulin page`, `evidence`, `pool`, `regimens`, `claims`, `cite`, `check`, `schema`.

Heavy modules are imported inside the commands, so that `globulin --help` answers at once. Exit status:
0 done, 1 a dossier has faults, 2 what was asked for cannot be used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from globulin import __version__
from globulin.errors import DossierError, GlobulinError, InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

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
def evidence(*, dossier: DossierDir = None, json: Json = False) -> None:
    """What the controlled trials say: effects, and three summaries that are always shown together."""
    from globulin.formats.results import evidence_document
    from globulin.pages.terminal import evidence_view

    opened, found = _open_and_find(dossier)
    _print(evidence_document(opened, found) if json else evidence_view(found))


@app.command(name="pool")
def pool_own(
    file: Path,
    /,
    *,
    measure: Annotated[
        str | None, Parameter(help="Effect measure, such as OR, RR or SMD; default: by the columns found.")
    ] = None,
    tau2: Annotated[
        str, Parameter(help="Between-study variance: FE, DL, HE, HS, SJ, ML, REML, EB or PM.")
    ] = "REML",
    ci: Annotated[str, Parameter(help="Interval: wald, t, HKSJ or HKSJ-guarded.")] = "HKSJ",
    level: Annotated[float, Parameter(help="Confidence level, between 0 and 1.")] = 0.95,
    json: Json = False,
) -> None:
    """Pool a table of your own, with the column names of metafor, RevMan Web, Metapsy or globulin."""
    from globulin.formats.effect_table import read_effect_table
    from globulin.synthesis.own_table import checked_options, pool_table

    try:
        options = checked_options(tau2, ci, level)
    except ValueError as problem:
        raise InputError(f"--{problem}") from problem
    table = read_effect_table(file, measure)
    try:
        result = pool_table(table.measure, table.columns, table.effects, table.names, table.lines, options)
    except ValueError as problem:
        raise InputError(f"{table.file}: {problem}") from problem
    if json:
        from globulin.formats.results import pooled_document

        _print(pooled_document(table, result))
    else:
        from globulin.pages.pooled import pooled_view

        _print(pooled_view(result, table.file))


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
