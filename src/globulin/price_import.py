"""A price list that somebody brings: read from its file, kept, and set beside the list before it."""

from __future__ import annotations

from dataclasses import dataclass

from globulin.asked import AnyFile
from globulin.dossier import Dossier
from globulin.dossier.price import PriceList
from globulin.errors import InputError
from globulin.formats.archives import tables_in
from globulin.formats.cms_asp import price_list_of
from globulin.formats.own_prices import is_own_list, read_own_prices
from globulin.planning.price_table import PriceChange, list_before, named_codes, price_changes
from globulin.price_store import Kept, keep, stored


@dataclass(frozen=True, slots=True)
class Beside:
    """The list before another (None: there is none) and what changed since."""

    before: PriceList | None
    changes: tuple[PriceChange, ...]


def import_list(
    dossier: Dossier, file: AnyFile, crosswalk: AnyFile | None = None, *, replace: bool = False
) -> tuple[PriceList, Kept]:
    """Keep the list of a file in the data folder: Medicare's payment limits, or a table of one's own.

    Raises InputError, one line, for a file that is neither, and as `price_store.keep` does; nothing has
    changed then.
    """
    price_list = _read(dossier, file, crosswalk)
    return price_list, keep(price_list, dossier.prices, replace=replace)


def beside(dossier: Dossier, price_list: PriceList) -> Beside:
    """What a list says otherwise than the newest one before it, of the dossier or the data folder."""
    others = {each.id: each.price_list for each in stored() if each.price_list is not None}
    before = list_before(price_list, {**others, **dossier.prices}.values())
    return Beside(before, price_changes(before, price_list) if before is not None else ())


def _read(dossier: Dossier, file: AnyFile, crosswalk: AnyFile | None) -> PriceList:
    """The list in a file, whichever of the two kinds it is."""
    tables = tables_in(file)
    if is_own_list(tables[0].raw):
        if crosswalk is not None:
            raise InputError("--crosswalk goes with Medicare's payment limits, not with a list of your own")
        return read_own_prices(file, dossier.products)
    codes = named_codes(dossier.products.values())
    if not codes:
        raise InputError("the products of the dossier name no billing code, so nothing could be kept")
    return price_list_of(tables, codes, None if crosswalk is None else tables_in(crosswalk))
