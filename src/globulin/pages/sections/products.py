"""What immune globulin is, and what each product is approved for, by route."""

from __future__ import annotations

from collections import defaultdict

from globulin.dossier import Dossier
from globulin.dossier.provenance import Cited, Missing
from globulin.dossier.treatment import (
    Bounds,
    InfusionRamp,
    IntramuscularUse,
    LabelledDose,
    LabelledUse,
    Product,
    Range,
    SubcutaneousRule,
    SubcutaneousUse,
)
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import (
    Entry,
    Heading,
    Points,
    Said,
    Section,
    Table,
    TableRow,
    Term,
    blocks,
    columns,
    para,
    row,
    term,
)
from globulin.pages.facts import anchor, cited, facts, gathered, missing, said, stated
from globulin.pages.sections.claims import verdict


def section(dossier: Dossier, findings: Findings) -> Section:
    """The section."""
    products = sorted(dossier.products.values(), key=_order)
    about = [
        para(
            verdict(answered.claim.verdict),
            ". ",
            Said(answered.finding, answered.sources),
            " ",
            Said(answered.claim.id.upper(), href=f"#claim-{answered.claim.id}"),
            lead=answered.claim.says,
        )
        for answered in findings.claims
        if answered.claim.topic in ("mechanism", "status", "route")
    ]
    return Section(
        "products",
        "What it is and what it is approved for",
        blocks(
            Points(tuple(about), "said") if about else None,
            _table(products),
            Heading("Each product in detail", "products-detail"),
            [_entry(product) for product in products],
        ),
    )


def _order(product: Product) -> tuple[int, str]:
    return min(words.ROUTE_ORDER.index(route) for route in product.routes), product.name


def _table(products: list[Product]) -> Table:
    return Table(
        "Products by route: by vein (IV), under the skin (SC; fSC with hyaluronidase), into a muscle (IM)",
        columns("Product", "Maker", "Route", "#IgG, mg/mL", "Approved for", "Where"),
        tuple(_row(product) for product in products),
    )


def _row(product: Product) -> TableRow:
    return row(
        Said(product.name, href=f"#{anchor('product', product.id)}"),
        Said(product.maker, product.sources[:1]),
        ", ".join(words.ROUTE_SHORT[route] for route in product.routes),
        said(product.concentration_mg_per_ml),
        _approved(product),
        ", ".join(product.markets),
    )


def _approved(product: Product) -> tuple[Said, ...]:
    """What the product is approved for, a phrase for each route; uses without a source are marked."""
    twin = _twin(product)
    if not product.uses and twin is not None:
        return (Said("same label as "), twin)
    if not product.uses:
        return (missing("no labelled use was seen"),)
    by_route: dict[str, dict[str, LabelledUse]] = defaultdict(dict)
    for use in product.uses:
        kept = by_route[use.route].get(use.indication)
        if kept is None or not kept.sources:
            by_route[use.route][use.indication] = use
    phrases = []
    for uses in by_route.values():
        seen = [use for use in uses.values() if use.sources]
        unseen = [use for use in uses.values() if not use.sources]
        short = words.ROUTE_SHORT[seen[0].route if seen else unseen[0].route]
        if seen:
            marks = tuple(dict.fromkeys(use.sources[0] for use in seen))
            phrases.append(Said(f"{short}: {'; '.join(use.indication for use in seen)}.", marks))
            phrases.append(Said(" "))
        if unseen:
            text = f"{short}: {'; '.join(use.indication for use in unseen)}."
            phrases += [Said(text, flag="unverified"), Said(" ")]
    return tuple(phrases)


def _entry(product: Product) -> Entry:
    tables = [_uses(product)] if product.uses else []
    tables += [table for use in product.uses if (table := _steps(product, use)) is not None]
    if product.subcutaneous and product.subcutaneous.rules:
        tables.append(_rules(product, product.subcutaneous))
    return Entry(
        anchor("product", product.id),
        f"{product.name} ({product.maker})",
        terms=gathered(
            (
                *_composition(product),
                *_subcutaneous(product.subcutaneous),
                *_intramuscular(product.intramuscular),
                *_cautions(product),
            )
        ),
        tables=tuple(tables),
    )


def _composition(product: Product) -> tuple[Term, ...]:
    other, spread = product.other_concentration_mg_per_ml, product.concentration_range_mg_per_ml
    return facts(
        ("Routes", "; ".join(words.ROUTES[route] for route in product.routes)),
        ("Sold in", ", ".join(product.markets)),
        ("IgG", said(product.concentration_mg_per_ml, unit="mg/mL")),
        ("IgG, stated range", said(spread, unit="mg/mL") if spread else None),
        ("Other strength", said(other, unit="mg/mL") if other else None),
        ("Vials", _vials(product)),
        ("On the vials", product.vials_note),
        ("Stabiliser", said(product.stabiliser)),
        ("Sugar", said(product.sugar)),
        ("Sodium", said(product.sodium)),
        ("IgA", said(product.iga_ug_per_ml, unit="\N{MICRO SIGN}g/mL")),
        ("Osmolality", said(product.osmolality_mosm_per_kg, unit="mOsm/kg")),
        ("pH", said(product.ph)),
        ("Subclasses, %", said(product.subclasses_percent)),
        ("Latex-free", said(product.latex_free)),
        ("Disturbs glucose meters", said(product.glucose_meter_interference)),
        ("Storage", said(product.storage)),
        ("Youngest age, years", said(product.minimum_age_year)),
        ("Dilution", said(product.dilution)),
        ("Half-life, days", said(product.half_life_day) if product.half_life_day else None),
        ("US billing code", said(product.hcpcs)),
        ("Same label as", _twin(product)),
        ("Sources", cited(product.sources)),
    )


def _twin(product: Product) -> Said | None:
    twin = product.same_label_as
    return Said(words.capital(twin.replace("_", "-")), href=f"#{anchor('product', twin)}") if twin else None


def _vials(product: Product) -> tuple[Said, ...]:
    """Package sizes; no one document is named for them, so all of the product's are given."""
    phrases: list[Said] = []
    for vial in product.vials:
        text = f"{words.number(vial.g, 4)} g in {words.number(vial.ml, 4)} mL"
        joint = "; " if phrases else ""
        phrases.append(Said(joint + text, flag="unverified" if vial.seen == "unverified" else ""))
    return (*phrases, cited(product.sources))


def _cautions(product: Product) -> tuple[Term, ...]:
    boxed = product.boxed_warnings
    found = [term("Boxed warnings", said(boxed, "; ".join))]
    found += [term("Do not use", stated(item)) for item in product.contraindications]
    found += [term("Also", stated(item)) for item in product.statements]
    if product.note:
        found.append(term("Note", product.note))
    return tuple(found)


def _uses(product: Product) -> Table:
    rows = tuple(
        row(
            Said(use.indication, use.sources, "" if use.sources else "unverified", use.note or ""),
            f"{words.ROUTE_SHORT[use.route]}, {use.market}",
            tuple(_dose(dose) for dose in use.doses) or "no dose was seen",
            _ramp(use),
        )
        for use in product.uses
    )
    titles = columns("For", "Route, where", "Dose", "Infusion speed, mg/kg/min")
    return Table(f"{product.name}: labelled uses", titles, rows)


def _dose(dose: LabelledDose) -> Said:
    parts: list[str] = [dose.phase]
    if dose.g_per_kg:
        parts.append(words.range_words(dose.g_per_kg, "g/kg"))
    if dose.ml_per_kg:
        parts.append(words.range_words(dose.ml_per_kg, "mL/kg"))
    if dose.interval_day:
        parts.append(f"every {words.range_words(dose.interval_day, 'days')}")
    if dose.split_over_days:
        parts.append(f"over {words.range_words(dose.split_over_days, 'days')}")
    text = f"{parts[0]}: {', '.join(parts[1:]) or dose.words or 'amount not stated'}. "
    note = dose.words or "" if len(parts) > 1 else ""
    return Said(text, flag="unverified" if dose.seen == "unverified" else "", note=note)


def _ramp(use: LabelledUse) -> tuple[Said, ...]:
    ramp = use.ramp
    if ramp is None:
        return (missing("no infusion speed was seen"),)
    return (*_ramp_ends("start", ramp.initial_mg_per_kg_min), *_ramp_most(ramp))


def _ramp_most(ramp: InfusionRamp) -> tuple[Said, ...]:
    at_risk = ramp.at_risk_maximum_mg_per_kg_min
    limit = "less than" if ramp.at_risk_strictly_below else "at most"
    return (
        *_ramp_ends("at most", ramp.maximum_mg_per_kg_min),
        *(_ramp_ends(f"for people at risk {limit}", at_risk) if isinstance(at_risk, Cited) else ()),
        Said("minutes at each step "),
        said(ramp.step_interval_min),
        Said("; "),
        Said(ramp.steps_basis or ""),
    )


def _ramp_ends(label: str, fact: Cited[float] | Missing) -> tuple[Said, ...]:
    return (Said(f"{label} "), said(fact), Said("; "))


def _steps(product: Product, use: LabelledUse) -> Table | None:
    if use.ramp is None or not use.ramp.steps:
        return None
    rows = tuple(
        row(
            str(index),
            words.number(step.rate_mg_per_kg_min, 4),
            "to the end" if step.minutes is None else f"{words.number(step.minutes)} minutes",
        )
        for index, step in enumerate(use.ramp.steps, start=1)
    )
    first = {"any": "", "first": ", first infusion", "later": ", later infusions"}[use.infusion]
    where = f"{words.ROUTE_SHORT[use.route]}, {use.market}"
    caption = f"{product.name}: steps for {use.indication}, {where}{first}"
    return Table(caption, columns("Step", "#mg/kg/min", "For"), rows)


def _subcutaneous(use: SubcutaneousUse | None) -> tuple[Term, ...]:
    if use is None:
        return ()
    return facts(
        ("Under the skin: how often", Said(use.interval, use.sources)),
        ("Grams per gram by vein", said(use.iv_to_sc_factor)),
        ("Most sites at once", said(use.maximum_sites)),
        ("Between sites", said(use.site_spacing_cm, unit="cm")),
        ("Build-up", _build_up(use)),
        ("Note on this route", use.note),
    )


def _build_up(use: SubcutaneousUse) -> str:
    return "; ".join(
        f"week {dose.week}: the dose for {words.counted(dose.weeks_of_dose, 'week')}" for dose in use.ramp_up
    )


def _intramuscular(use: IntramuscularUse | None) -> tuple[Term, ...]:
    if use is None:
        return ()
    return (
        *facts(
            ("Into a muscle", stated(use.where)),
            ("Most at one site, large muscle", said(use.ml_per_large_muscle, unit="mL")),
            ("Most at one site, upper arm", said(use.ml_per_deltoid, unit="mL")),
            ("Several sites for more than", said(use.divide_above_ml, unit="mL")),
        ),
        *(term("After more than that", stated(item)) for item in use.above),
    )


def _rules(product: Product, use: SubcutaneousUse) -> Table:
    titles = columns("For", "Infusions", "#mL a site", "#mL/h a site", "#mL/h in all", "#mL a day", "Note")
    return Table(
        f"{product.name}: volumes and speeds under the skin",
        titles,
        tuple(_rule(rule, use) for rule in use.rules),
    )


def _rule(rule: SubcutaneousRule, use: SubcutaneousUse) -> TableRow:
    def shown(value: Range | float | None) -> Said:
        if value is None:
            return missing("not stated")
        return Said(words.range_words(value) if isinstance(value, Range) else words.number(value, 4))

    most = rule.maximum_sites
    notes = (f"at most {most} sites at once" if most is not None else "", rule.note or "")
    return row(
        Said(_people(rule), use.sources, "unverified" if rule.seen == "unverified" else ""),
        _infusions(rule),
        shown(rule.ml_per_site),
        shown(rule.ml_per_h_per_site),
        shown(rule.ml_per_h_total),
        shown(rule.ml_per_day),
        "; ".join(filter(None, notes)) or "\N{EN DASH}",
    )


def _people(rule: SubcutaneousRule) -> str:
    """Whom a rule holds for: `below 18 years, 25 kg and above`."""
    parts = [
        _bounded(rule.age_year, "years") if rule.age_year else "",
        _bounded(rule.weight_kg, "kg") if rule.weight_kg else "",
        rule.indication_code.upper() if rule.indication_code else "",
        f"with {words.counted(rule.sites, 'site')}" if rule.sites else "",
    ]
    return ", ".join(filter(None, parts)) or "everyone"


def _bounded(bounds: Bounds, unit: str) -> str:
    """Bounds in words: `2 to below 10 years`, `40 kg and above`."""
    low = bounds.at_least if bounds.at_least is not None else bounds.above
    high = bounds.at_most if bounds.at_most is not None else bounds.below
    above = "above " if bounds.above is not None else ""
    below = "below " if bounds.below is not None else ""
    if low is not None and high is not None:
        return f"{above}{words.number(low)} to {below}{words.number(high)} {unit}"
    if low is not None:
        return f"above {words.number(low)} {unit}" if above else f"{words.number(low)} {unit} and above"
    return f"{below or 'up to '}{words.number(high or 0)} {unit}"


def _infusions(rule: SubcutaneousRule) -> str:
    """Which infusions a rule holds for, counted from 1: `all`, `1 and 2`, `2 to 4`, `5`, `6 and later`."""
    first, last = rule.first_infusion, rule.last_infusion
    if last is None:
        return "all" if first == 1 else f"{first} and later"
    if first == last:
        return str(first)
    return f"{first} and {last}" if last == first + 1 else f"{first} to {last}"
