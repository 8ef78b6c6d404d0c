"""Commands on price lists: import one, list them, show one, remove one, and a template for one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from globulin.cli.options import DossierDir, Form, Printed
from globulin.cli.printing import put, put_text

app = App(
    name="prices",
    help="Price lists: import Medicare's file of a quarter or a table of your own, list, show, remove.",
)

_OUTCOMES = {
    "new": "Written to {path}.",
    "replaced": "Put in place of the one in {path}.",
    "unchanged": "The same list is there already, in {path}; nothing was written.",
    "bundled": "The dossier has this list with the same prices; nothing was written.",
}


@app.command(name="import")
def import_(
    file: Path,
    /,
    *,
    crosswalk: Annotated[
        Path | None, Parameter(help="Medicare's NDC-HCPCS crosswalk of the same quarter: adds packages.")
    ] = None,
    replace: Annotated[
        bool, Parameter(negative=(), help="Put it in place of a different list of the same id.")
    ] = False,
    dossier: DossierDir = None,
) -> None:
    """Keep a list in your data folder: Medicare's payment limits (CSV or zip), or a table of your own."""
    from globulin.library import open_dossier
    from globulin.pages.prices import import_view
    from globulin.price_import import beside, import_list

    opened = open_dossier(dossier)
    price_list, kept = import_list(opened, file, crosswalk, replace=replace)
    found = beside(opened, price_list)
    outcome = _OUTCOMES[kept.outcome].format(path=kept.path)
    put(import_view(price_list, outcome, found.before, found.changes))


@app.default
@app.command(name="list")
def list_(*, dossier: DossierDir = None) -> None:
    """Every price list: dates, age in days, how many prices, basis, and where it is."""
    from datetime import UTC, datetime

    from globulin.library import open_dossier
    from globulin.pages.prices import lists_view
    from globulin.price_store import folder, stored

    bundled = open_dossier(dossier).prices
    imported = {each.id: each for each in stored() if each.id not in bundled}
    lists = {**bundled, **{name: each.price_list for name, each in imported.items() if each.price_list}}
    put(
        lists_view(
            dict(sorted(lists.items())),
            bundled.keys(),
            str(folder()),
            [each.fault for each in imported.values() if each.fault],
            datetime.now(UTC).date(),
        )
    )


@app.command
def show(identifier: str, /, *, dossier: DossierDir = None, form: Printed = Form()) -> None:
    """One price list: the price of a gram of each product."""
    from globulin.formats.price_rows import price_list_rows, price_list_text
    from globulin.library import open_dossier
    from globulin.pages.prices import price_list_view
    from globulin.planning.price_table import product_prices
    from globulin.price_store import with_price_list

    opened = with_price_list(open_dossier(dossier), identifier)
    price_list = opened.prices[identifier]
    rows = product_prices(opened.products.values(), price_list)
    if form.json:
        put_text(price_list_text(price_list, rows))
    elif form.csv:
        put_text(price_list_rows(price_list, rows))
    else:
        put(price_list_view(price_list, rows))


@app.command(name="remove")
def remove_(identifier: str, /, *, dossier: DossierDir = None) -> None:
    """Delete an imported list from your data folder."""
    from globulin.library import open_dossier
    from globulin.price_store import remove

    print(f"removed {remove(identifier, open_dossier(dossier).prices)}")


@app.command
def template(*, dossier: DossierDir = None) -> None:
    """Print the table of an own list, a row for each product, to fill in and import."""
    from globulin.formats.own_prices import own_template
    from globulin.library import open_dossier

    put_text(own_template(tuple(open_dossier(dossier).products.values())))
