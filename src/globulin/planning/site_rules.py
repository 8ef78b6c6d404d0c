"""How a label spreads a dose under the skin or into a muscle: its rules read and chosen for a person.

A rule that is unverified is never used. Where the age is not given, or the illness is on no label, all rules
that could hold are taken together and the smallest of their limits counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from globulin.dossier.provenance import Cited, known
from globulin.dossier.treatment import Product, Range, SubcutaneousRule, SubcutaneousUse
from globulin.planning.refusal import Refusal
from globulin.planning.sites import SiteLimits, SitePlan, Spread, build_up, muscle_sites, pace, spread
from globulin.planning.terms import within

_REFUSED = "volumes and speeds under the skin not verified"


def subcutaneous_plan(
    product: Product,
    grams: float,
    ml: float,
    *,
    products: Mapping[str, Product],
    weight_kg: float,
    age_year: float | None = None,
    indication: str | None = None,
    infusion_number: int = 1,
    interval_day: float | None = None,
    sites: int | None = None,
    fast: bool = False,
) -> SitePlan | Refusal:
    """Sites, volumes, rates and time of one dose under the skin, with or without hyaluronidase.

    Args:
        product: what is infused.
        grams: the dose of one infusion.
        ml: its volume.
        products: all products, to find the one whose label is the same.
        weight_kg: body weight; labels set limits by it.
        age_year: age; None: the smallest limits of all ages count.
        indication: code of the labelled use, as `pi`; None where the illness is on no label: the smallest
            limits of all labelled uses count.
        infusion_number: 1 for the first one of this product under the skin; labels allow more later.
        interval_day: days between whole doses; a build-up can only be worked out with it.
        sites: a number of sites of one's own; None: the fewest that keep every limit.
        fast: run at the fast end of a stated range of rates, not at the slow end.

    Returns:
        The plan; what is not known in it is None and named. A refusal where no rule holds for this person.

    Raises:
        ValueError: an argument that makes no sense, as more sites than the label allows at once.
    """
    if infusion_number < 1:
        raise ValueError(f"infusion_number: the first infusion is 1, not {infusion_number}")
    label = products[product.same_label_as] if product.same_label_as else product
    route: Literal["sc", "fsc"] = "fsc" if "fsc" in product.routes else "sc"
    use = label.subcutaneous
    if route not in product.routes:
        return Refusal(f"{product.name} is not given under the skin", product.sources)
    if use is None or not use.sources or not use.rules:
        return Refusal(f"{_REFUSED}: none were read for {label.name}", product.sources)
    codes = {labelled.indication_code for labelled in label.uses if labelled.route == route}
    if indication is not None and indication not in codes:
        return Refusal(
            f"{_REFUSED}: the label of {label.name} has no use under the skin with the code {indication!r},"
            f" only {', '.join(sorted(codes))}; without an indication the smallest limits of all count",
            use.sources,
        )
    rules = [
        rule
        for rule in use.rules
        if rule.seen == "stated" and _may_hold(rule, weight_kg, age_year, indication, infusion_number)
    ]
    if not rules:
        return Refusal(f"{_REFUSED}: the label of {label.name} has none for this person", use.sources)
    limits = _limits(rules, known(use.maximum_sites))
    placed = spread(ml, limits, sites)
    run = None if placed.sites is None else pace(placed.ml_per_session, placed.sites, limits, fast=fast)
    fastest = None if placed.sites is None else pace(placed.ml_per_session, placed.sites, limits, fast=True)
    rate = run.ml_per_h_per_site if run else limits.fast_ml_per_h if fast else limits.slow_ml_per_h
    doses = [(dose.week, dose.weeks_of_dose) for dose in use.ramp_up]
    return SitePlan(
        route=route,
        grams=grams,
        ml=ml,
        sites=placed.sites,
        ml_per_site=placed.ml_per_site,
        ml_per_h_per_site=rate,
        ml_per_h_total=run.ml_per_h_total if run else None,
        minutes=run.minutes if run else None,
        fastest_minutes=fastest.minutes if fastest else None,
        needles=_needles(placed.sites),
        sessions=placed.sessions,
        ramp_up=build_up(doses, grams, ml, interval_day) if interval_day is not None else (),
        notes=(
            *_choice_notes(product, label, use, age_year, indication, interval_day),
            *_limit_notes(use, limits, placed),
            *_remarks(use, rules, placed.sites),
        ),
        sources=tuple(dict.fromkeys((*use.sources, *(product.sources[:1] if label is not product else ())))),
    )


def intramuscular_plan(product: Product, grams: float, ml: float) -> SitePlan | Refusal:
    """Sites and volumes of one dose into a muscle; there is no rate.

    Raises:
        ValueError: a volume that is not above 0.
    """
    if "im" not in product.routes:
        return Refusal(f"{product.name} is not given into a muscle", product.sources)
    use = product.intramuscular
    most = known(use.ml_per_large_muscle) if use is not None else None
    if use is None or most is None:
        return Refusal(
            f"volumes into a muscle not verified: none were read for {product.name}", product.sources
        )
    divide = known(use.divide_above_ml)
    sites = muscle_sites(ml, most.low, divide)
    notes = [use.where.says, f"Planned for a large muscle: at most {_span(most)} mL at one site."]
    arm = known(use.ml_per_deltoid)
    if arm is not None:
        notes.append(f"Into the upper arm: at most {_span(arm)} mL at one site.")
    statements = [use.where]
    if divide is not None and ml > divide:
        notes.append(f"More than {divide:g} mL: divided over several sites.")
        statements += use.above
        notes += [statement.says for statement in use.above]
    facts = (use.ml_per_large_muscle, use.ml_per_deltoid, use.divide_above_ml)
    cited = [fact.source for fact in facts if isinstance(fact, Cited) and fact.computable]
    return SitePlan(
        route="im",
        grams=grams,
        ml=ml,
        sites=sites,
        ml_per_site=ml / sites,
        ml_per_h_per_site=None,
        ml_per_h_total=None,
        minutes=None,
        fastest_minutes=None,
        needles=_needles(sites),
        sessions=1,
        ramp_up=(),
        notes=tuple(notes),
        sources=tuple(dict.fromkeys((*cited, *(statement.source for statement in statements)))),
    )


def _may_hold(
    rule: SubcutaneousRule, weight_kg: float, age_year: float | None, indication: str | None, number: int
) -> bool:
    """Whether a rule holds or, for want of age or indication, could hold."""
    return (
        rule.first_infusion <= number
        and (rule.last_infusion is None or number <= rule.last_infusion)
        and (rule.indication_code is None or indication is None or rule.indication_code == indication)
        and (rule.weight_kg is None or within(rule.weight_kg, weight_kg))
        and (rule.age_year is None or age_year is None or within(rule.age_year, age_year))
    )


def _limits(rules: Iterable[SubcutaneousRule], maximum_sites: int | None) -> SiteLimits:
    """The smallest of each limit over the rules; a rule for one number of sites limits that number alone."""
    rules = tuple(rules)
    general = [rule for rule in rules if rule.sites is None]
    by_count: dict[int, float] = {}
    for rule in rules:
        if rule.sites is not None and rule.ml_per_site is not None:
            by_count[rule.sites] = min(rule.ml_per_site.low, by_count.get(rule.sites, rule.ml_per_site.low))
    rates = [rule.ml_per_h_per_site for rule in rules if rule.ml_per_h_per_site is not None]
    counts = [rule.maximum_sites for rule in rules if rule.maximum_sites is not None]
    return SiteLimits(
        ml_per_site=_least(rule.ml_per_site.low for rule in general if rule.ml_per_site is not None),
        ml_per_site_by_count=by_count,
        slow_ml_per_h=_least(rate.low for rate in rates),
        fast_ml_per_h=_least(rate.high for rate in rates),
        ml_per_h_total=_least(rule.ml_per_h_total for rule in rules if rule.ml_per_h_total is not None),
        ml_per_day=_least(rule.ml_per_day for rule in rules if rule.ml_per_day is not None),
        maximum_sites=min([*counts, *([maximum_sites] if maximum_sites is not None else [])], default=None),
    )


def _least(values: Iterable[float]) -> float | None:
    return min(values, default=None)


def _needles(sites: int | None) -> str:
    if sites is None:
        return "one needle for each site; how many sites is not known"
    return "1 needle" if sites == 1 else f"{sites} needles, one for each site"


def _choice_notes(
    product: Product,
    label: Product,
    use: SubcutaneousUse,
    age_year: float | None,
    indication: str | None,
    interval_day: float | None,
) -> list[str]:
    """How the rules were chosen, and what of the person is not known."""
    notes = [f"{product.name} has the same label as {label.name}."] if label is not product else []
    if indication is None:
        notes.append("No labelled illness was named: the smallest limits of all labelled uses count.")
    if age_year is None and any(rule.age_year is not None for rule in use.rules):
        notes.append("The age is not known: the smallest limits of all ages count.")
    if use.ramp_up and interval_day is None:
        notes.append("The build-up needs the interval between doses, which is not known.")
    return notes


def _limit_notes(use: SubcutaneousUse, limits: SiteLimits, placed: Spread) -> list[str]:
    """What follows from the limits beside the numbers, and which of them are not known."""
    notes = []
    if placed.sessions > 1:
        notes.append(
            f"Too much for one day: {placed.sessions} sessions of {placed.ml_per_session:.4g} mL on separate"
            " days."
        )
    if limits.ml_per_site is None:
        most = f" The most at once are {limits.maximum_sites}." if limits.maximum_sites is not None else ""
        notes.append(f"Not known: how much goes into one site, and so how many sites there are.{most}")
    if limits.maximum_sites is None:
        notes.append("Not known: the most sites at once.")
    if limits.slow_ml_per_h is None:
        notes.append("Not known: how fast it may run, and so how long it takes.")
    elif limits.slow_ml_per_h != limits.fast_ml_per_h:
        notes.append(
            f"The label allows {limits.slow_ml_per_h:g} to {limits.fast_ml_per_h:g} mL/h at one site."
        )
    spacing = known(use.site_spacing_cm)
    if spacing is not None:
        notes.append(f"Sites at least {spacing:g} cm apart.")
    return notes


def _remarks(use: SubcutaneousUse, rules: list[SubcutaneousRule], sites: int | None) -> list[str]:
    """What the rules that count here, and the use itself, remark."""
    counting = [rule.note for rule in rules if rule.sites in (None, sites)]
    remarks = dict.fromkeys(note for note in (*counting, use.note) if note is not None)
    return [f"{remark[0].upper()}{remark[1:].rstrip('.')}." for remark in remarks]


def _span(limits: Range) -> str:
    return f"{limits.low:g}" if limits.low == limits.high else f"{limits.low:g} to {limits.high:g}"
