"""What it costs: the drug alone, over 28 days, from a dated price list."""

from __future__ import annotations

from globulin.dossier import Dossier
from globulin.dossier.price import Price, PriceList
from globulin.dossier.treatment import Route
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import (
    Entry,
    Fold,
    Heading,
    Said,
    Section,
    Table,
    TableRow,
    blocks,
    columns,
    para,
    row,
    term,
)
from globulin.pages.facts import anchor, cited, facts, flag, missing
from globulin.pages.sections.doses import label, ordered
from globulin.planning.comparison import RegimenCost, RegimenRow
from globulin.planning.cost import DrugPrice
from globulin.planning.dosing import NoAmount


def section(dossier: Dossier, findings: Findings) -> Section:
    """The section."""
    used = dossier.prices[findings.price_list]
    others = [prices for prices in dossier.prices.values() if prices.id != used.id]
    return Section(
        "cost",
        "What it costs",
        blocks(
            para(
                f"The price of the drug alone, for {words.number(findings.weight_kg)} kg, from ",
                Said(used.title, (used.source,), href=f"#{anchor('price_list', used.id)}"),
                f" ({used.date_words}; {used.basis}). Infusions, visits, leftovers in a vial and insurance"
                " are not in it.",
            ),
            _regimens(findings, used),
            _without(findings),
            _products(findings, used),
            Heading("Price lists, each with its date", "cost-lists"),
            [_list(prices) for prices in (used, *sorted(others, key=_newest))],
        ),
    )


def _newest(prices: PriceList) -> tuple[int, str]:
    day = prices.effective_from
    return (-day.toordinal() if day else 0, prices.id)


def _regimens(findings: Findings, used: PriceList) -> Table:
    rows = tuple(
        row(label(item), *_cost(item.cheapest), *_cost(item.dearest))
        for item in ordered(findings)
        if item.origin != "neighbour" and item.cheapest is not None and item.dearest is not None
    )
    caption = f"Drug cost in 28 days, {words.CURRENCIES[used.currency]}, {used.date_words}"
    return Table(caption, columns("Regimen", "#Cheapest", "With", "#Dearest", "With"), rows)


def _without(findings: Findings) -> Fold | None:
    """Regimens whose cost is not known, and why."""
    rows = tuple(row(label(item), _why_not(item)) for item in ordered(findings) if item.cheapest is None)
    table = Table("Regimens without a cost over four weeks", columns("Regimen", "Cost"), rows)
    return Fold("Regimens without a cost over four weeks", (table,)) if rows else None


def _why_not(item: RegimenRow) -> Said:
    if isinstance(item.amount, NoAmount):
        return missing(item.amount.reason)
    if item.amount.g_per_28_day is None:
        return Said(f"one course of {words.number(item.amount.dose_g)} g, not repeated", item.sources)
    return missing("no product by this route has a price in the list" if item.route else "no route stated")


def _cost(cost: RegimenCost) -> tuple[Said, Said]:
    price = cost.price
    return (
        Said(words.money(cost.per_28_day, price.currency), (price.source,)),
        Said(price.product_name, href=f"#{anchor('product', price.product)}"),
    )


def _products(findings: Findings, used: PriceList) -> Table:
    rows = tuple(_product(route, price) for route, prices in findings.prices.items() for price in prices)
    caption = f"Price of a gram by route and product, cheapest first, {used.date_words}"
    return Table(caption, columns("Product", "Route", "#A gram", "In the list"), rows)


def _product(route: Route, price: DrugPrice) -> TableRow:
    listed = (
        f"{words.number(price.list_price, 6)} {price.currency} per {words.number(price.list_amount)}"
        f" {price.list_unit} ({price.code})"
    )
    return row(
        Said(price.product_name, href=f"#{anchor('product', price.product)}"),
        words.ROUTE_SHORT[route],
        Said(f"{price.per_gram:,.2f} {price.currency}", (price.source,)),
        listed,
    )


def _list(prices: PriceList) -> Entry:
    terms = (
        *facts(
            ("Date", prices.date_words),
            ("Basis", prices.basis),
            ("Country, currency", f"{prices.country}, {words.CURRENCIES[prices.currency]}"),
            ("Not in the list", "; ".join(prices.not_listed)),
            ("Source", cited((prices.source,))),
        ),
        *(term("Caution", text) for text in prices.caveats),
    )
    tables = [_prices(prices)] if prices.prices else []
    if prices.packages:
        tables.append(_packages(prices))
    title = f"{prices.title} ({prices.date_words})"
    return Entry(anchor("price_list", prices.id), title, terms=terms, tables=tuple(tables))


def _prices(prices: PriceList) -> Table:
    rows = tuple(
        row(
            Said(price.code, note=price.note or ""),
            price.what,
            f"{words.number(price.amount, 6)} {price.unit}",
            _price(price, prices),
        )
        for price in prices.prices
    )
    return Table(f"{prices.title}: prices", columns("Key", "What", "#For", "#Price"), rows)


def _price(price: Price, prices: PriceList) -> Said:
    if price.price is None:
        return missing("no price was seen")
    upper = "" if price.price_upper is None else f" to {words.number(price.price_upper, 6)}"
    text = f"{words.number(price.price, 6)}{upper} {prices.currency}"
    note = (
        ""
        if price.coinsurance_percent is None
        else f"coinsurance {words.number(price.coinsurance_percent, 5)}%"
    )
    return Said(text, (prices.source,), flag(price.seen), note)


def _packages(prices: PriceList) -> Table:
    rows = tuple(
        row(
            item.ndc,
            item.drug,
            item.labeler,
            item.code,
            Said(words.number(item.billing_units, 6), (prices.source,)),
        )
        for item in prices.packages
    )
    titles = columns("Package code (NDC)", "Drug", "Labeller", "Billing code", "#Billing units")
    return Table(f"{prices.title}: packages", titles, rows)
