"""The sections of the printed page other than the trials, as text with numbered references."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from globulin.dossier.context import Report
from globulin.dossier.hazard import Hazard, Rate
from globulin.dossier.provenance import Statement, known
from globulin.dossier.study import Study
from globulin.dossier.treatment import Product
from globulin.pages import words
from globulin.pages.blocks import Said
from globulin.pages.facts import record_sources
from globulin.pages.profile_words import how_it_is_drawn, not_readable
from globulin.pages.references import Cell, Json, PrintedPage
from globulin.pages.sections.minute import is_under_way, sentences
from globulin.pages.simulated import NOT_SHOWN
from globulin.planning.comparison import RegimenCost, RegimenRow
from globulin.planning.cost import DrugPrice
from globulin.planning.dosing import Amount

ONE_PRICED = "Only one product priced"
SEVERITIES = {
    "contraindication": "Reasons not to treat",
    "serious": "Serious but uncommon",
    "common": "Common",
    "practical": "Practical",
}
MOST_SHOWN = 3
"""Statements of one kind printed for one hazard; the web page has all."""


def minute(page: PrintedPage) -> list[Json]:
    """The page in a few statements, the same as on the web page."""
    return [
        {"lead": prose.lead, "runs": [_run(page, said) for said in prose.said]}
        for prose in sentences(page.dossier, page.findings)
    ]


def _run(page: PrintedPage, said: Said) -> Json:
    return page.cell(f"{said.text} ({said.flag})" if said.flag else said.text, said.sources)


def products(page: PrintedPage) -> Json:
    """Products with routes, strength and labelled uses; long names of the uses are given once, as a key."""
    key: dict[str, str] = {}
    rows: list[list[Cell]] = []
    for product in sorted(page.dossier.products.values(), key=lambda p: (_route_order(p), p.name)):
        strength = known(product.concentration_mg_per_ml)
        rows.append(
            [
                product.name,
                f"{product.maker}; {', '.join(product.markets)}",
                ", ".join(words.ROUTE_SHORT[route] for route in product.routes),
                words.NOT_KNOWN if strength is None else words.number(strength),
                page.cell(_uses(product, key), _use_sources(product)),
            ]
        )
    uses = [use for product in page.dossier.products.values() for use in product.uses]
    routes = [f"{words.ROUTE_SHORT[route]}: {words.ROUTES[route]}" for route in words.ROUTE_ORDER]
    return {
        "rows": rows,
        "key": [*routes, *(f"{short}: {full}" for short, full in sorted(key.items()))],
        "off_label": bool(uses) and not any(words.names_our_illnesses(use.indication) for use in uses),
    }


def _route_order(product: Product) -> int:
    return min(words.ROUTE_ORDER.index(route) for route in product.routes)


def _use_sources(product: Product) -> tuple[str, ...]:
    return tuple(chain.from_iterable(use.sources for use in product.uses)) or product.sources


def _uses(product: Product, key: dict[str, str]) -> str:
    """Labelled uses in short; a use that no source was seen for says so."""
    if not product.uses and product.same_label_as:
        return f"same label as {words.capital(product.same_label_as.replace('_', '-'))}"
    short: dict[str, bool] = {}
    for use in product.uses:
        match = re.search(r"^(.*) \(([A-Z]{2,5})\)$", use.indication)
        name = match[2] if match else use.indication
        if match:
            key.setdefault(match[2], match[1])
        short[name] = short.get(name, False) or bool(use.sources)
    return "; ".join(name if seen else f"{name} (unverified)" for name, seen in short.items()) or "none seen"


def reports(page: PrintedPage) -> list[Json]:
    """What doctors say from experience, each with what backs it and what speaks against it."""
    return [_report(page, report) for report in page.dossier.reports.values()]


def _report(page: PrintedPage, report: Report) -> Json:
    backing = known(report.corroboration)
    notes = [
        f"Backed by: {backing}" if backing else "",
        f"Problem: {report.problem}" if report.problem else "",
        f"Not to be confused with: {report.not_to_confuse_with}" if report.not_to_confuse_with else "",
    ]
    return page.cell(
        " ".join(words.sentence(text) for text in (report.says, *report.regimens)),
        (report.source,),
        lead=f"{report.who}.",
        note=" ".join(words.sentence(note) for note in notes if note),
    )


def doses(page: PrintedPage) -> Json:
    """Every regimen that comes to an amount per four weeks, by where it comes from; and some over time."""
    groups = []
    for origin, title in words.ORIGINS.items():
        rows = [_dose(page, row) for row in page.findings.regimens if row.origin == origin and _amount(row)]
        if rows:
            groups.append({"title": title, "rows": rows})
    profiles = page.findings.profiles
    return {
        "groups": groups,
        "over_time": how_it_is_drawn(profiles) if profiles else "",
        "not_readable": [
            page.cell(text, sources, lead=lead) for lead, text, sources in not_readable(profiles)
        ],
        "not_shown": NOT_SHOWN,
    }


def _amount(row: RegimenRow) -> tuple[float, float] | None:
    given = row.amount
    if not isinstance(given, Amount) or given.g_per_28_day is None or given.mg_per_kg_per_28_day is None:
        return None
    return given.g_per_28_day, given.mg_per_kg_per_28_day


def _dose(page: PrintedPage, row: RegimenRow) -> list[Cell]:
    grams, per_kg = _amount(row) or (0.0, 0.0)
    means = [rise.mean_g_per_l for rise in row.rises]
    peaks = [rise.peak_g_per_l for rise in row.rises]
    share = row.percent_of_trials
    return [
        page.cell(row.label, row.sources),
        words.number(grams, 3),
        words.number(per_kg, 2 if per_kg < 100 else 3),
        _percent_span(share) if share else words.NOT_KNOWN,
        words.span(min(means), max(means)) if means else words.NOT_KNOWN,
        words.span(min(peaks), max(peaks)) if peaks else words.NOT_KNOWN,
    ]


def _percent_span(share: tuple[float, float]) -> str:
    return f"{words.span(share[0], share[1])}%"


def cost(page: PrintedPage) -> Json:
    """Prices by route from the dated list, and what regimens come to over four weeks."""
    found = page.findings
    prices = page.dossier.prices[found.price_list]
    routes: list[list[Cell]] = []
    for route in words.ROUTE_ORDER:
        listed = found.prices.get(route, ())
        if listed:
            low, high = listed[0], listed[-1]
            routes.append(
                [
                    words.capital(words.ROUTES[route]),
                    str(len(listed)),
                    _gram(page, low),
                    ONE_PRICED if low.product == high.product else _gram(page, high),
                ]
            )
    rows = [
        [page.cell(row.label, row.sources), *_monthly(page, row.cheapest, row.dearest)]
        for row in found.regimens
        if row.origin in ("practitioner", "reference") and row.cheapest and row.dearest
    ]
    return {
        "list": page.cell(
            f"{prices.title}, {prices.date_words}. {words.sentence(prices.basis)}", (prices.source,)
        ),
        "routes": routes,
        "rows": rows,
        "caveats": [page.cell(words.sentence(text), (prices.source,)) for text in prices.caveats],
    }


def _gram(page: PrintedPage, price: DrugPrice) -> Cell:
    return page.cell(f"{words.fixed(price.per_gram)} {price.currency}, {price.product_name}", (price.source,))


def _monthly(page: PrintedPage, low: RegimenCost, high: RegimenCost) -> tuple[Cell, Cell]:
    def cell(item: RegimenCost) -> Cell:
        return page.cell(words.money(item.per_28_day, item.price.currency), (item.price.source,))

    one = low.price.product == high.price.product
    return cell(low), ONE_PRICED if one else cell(high)


def hazards(page: PrintedPage) -> Json:
    """Boxed warnings first, then reasons not to treat, then the rest by severity."""
    every = list(page.dossier.hazards.values())
    groups = {name: [hazard for hazard in every if hazard.severity == name] for name in SEVERITIES}
    return {
        "boxed": [
            _boxed(page, hazard)
            for hazard in sorted(every, key=lambda hazard: -len(hazard.routes))
            if hazard.severity == "boxed_warning"
        ],
        "contraindications": [_contraindication(page, hazard) for hazard in groups.pop("contraindication")],
        "groups": [
            {"title": SEVERITIES[name], "rows": [_hazard(page, hazard) for hazard in group]}
            for name, group in groups.items()
            if group
        ],
    }


def _boxed(page: PrintedPage, hazard: Hazard) -> Json:
    return {
        "name": hazard.name,
        "routes": words.listed([words.ROUTES[route] for route in hazard.routes]),
        "plain": page.cell(words.sentence(hazard.plain), hazard.sources),
        "risk": words.listed(list(hazard.risk_factors)),
        "actions": _first(page, hazard.actions),
        "rates": _first(page, hazard.rates),
        "note": words.sentence(hazard.me_cfs_note or ""),
    }


def _contraindication(page: PrintedPage, hazard: Hazard) -> list[Cell]:
    plain = page.cell(words.sentence(hazard.plain), hazard.sources, lead=f"{hazard.name}.")
    return [plain, {"parts": _first(page, hazard.actions)}]


def _hazard(page: PrintedPage, hazard: Hazard) -> list[Cell]:
    plain = page.cell(words.sentence(hazard.plain), hazard.sources, lead=f"{hazard.name}.")
    act = _first(page, hazard.actions)
    if hazard.me_cfs_note:
        act.append(page.cell(words.sentence(hazard.me_cfs_note), lead="In ME/CFS:"))
    return [plain, {"parts": _first(page, hazard.rates)}, {"parts": act}]


def _first(page: PrintedPage, said: Sequence[Rate | Statement]) -> list[Cell]:
    """The first few statements; how many more there are is said, never hidden."""
    shown: list[Cell] = [page.said(s.says, s.source, s.seen) for s in said[:MOST_SHOWN]]
    left = len(said) - MOST_SHOWN
    return [*shown, f"({left} more on the web page.)"] if left > 0 else shown


def claims(page: PrintedPage) -> Json:
    """Every claim of the source pages with its verdict and answer."""
    return {
        "titles": [
            page.cell(claim_list.title, (claim_list.source,)) for claim_list in page.dossier.claims.values()
        ],
        "rows": [
            [
                answered.claim.id.upper(),
                page.cell(_who(page, answered.claim.who) + answered.claim.says),
                words.VERDICTS[answered.claim.verdict][1],
                page.cell(
                    answered.finding,
                    (
                        *answered.sources,
                        *chain.from_iterable(record_sources(page.dossier, see) for see in answered.claim.see),
                    ),
                ),
            ]
            for answered in page.findings.claims
        ],
    }


def _who(page: PrintedPage, report: str | None) -> str:
    return "" if report is None else f"{page.dossier.reports[report].who}: "


def open_questions(page: PrintedPage) -> Json:
    """What would have to be known, and the trials that may tell."""
    asked: dict[str, list[str]] = {}
    for answered in page.findings.claims:
        if answered.claim.open_question:
            asked.setdefault(answered.claim.open_question, []).append(answered.claim.id.upper())
    under_way = [study for study in page.dossier.studies.values() if is_under_way(study)]
    return {
        "questions": [f"{words.sentence(question)} ({', '.join(ids)})" for question, ids in asked.items()],
        "trials": [_under_way(page, study) for study in sorted(under_way, key=lambda s: s.id)],
    }


def _under_way(page: PrintedPage, study: Study) -> list[Cell]:
    n = known(study.population.n)
    registry = f" ({', '.join(study.citation.registry)})" if study.citation.registry else ""
    return [
        page.cell(registry, study.sources, lead=study.name),
        f"{study.condition}; {words.DESIGNS[study.design]}",
        words.NOT_KNOWN if n is None else str(n),
        words.sentence(study.status or ""),
    ]
