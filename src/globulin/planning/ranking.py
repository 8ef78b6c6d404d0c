"""Which product of a route fits one person best, with the reason in words.

The best fit is the mildest verdict, then a product that can be planned, then the fewest reasons for care,
then the price. The order never weighs one kind of reason against another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from globulin.dossier.patient import Patient
from globulin.dossier.provenance import known
from globulin.dossier.treatment import Product, Route
from globulin.planning.screening import VERDICTS, Finding, Rules, Screening, Verdict, screen
from globulin.units import ml_from_g


@dataclass(frozen=True, slots=True)
class RankedProduct:
    """A product and how it fits.

    `reasons`: in words, first what the screening found with it and not with every other product of the
    route. `plannable`: whether it can be planned; `why_not` says why it cannot. `price_per_g`: None where no
    price is known.
    """

    product: str
    name: str
    verdict: Verdict
    reasons: tuple[str, ...]
    plannable: bool
    why_not: str | None
    price_per_g: float | None
    screening: Screening


def ranked(
    rules: Rules,
    patient: Patient,
    products: Iterable[Product],
    *,
    route: Route,
    grams: float,
    g_per_kg: float,
    why_not: Callable[[Product], str | None],
    price_per_g: Mapping[str, float],
    currency: str,
    risk: Collection[str] = (),
) -> tuple[RankedProduct, ...]:
    """All products made for the route, the best fit first.

    Ordered by verdict, whether it can be planned, the number of findings that are known, the number that rest
    on something not known, price per gram (none: last) and id. `grams` and `g_per_kg`: the whole dose of one
    interval. `why_not`: why a product cannot be planned, None where it can. `price_per_g`: by product id, all
    in one currency. Raises what `screen` raises.
    """
    screened = {
        product.id: (product, _screening(rules, patient, product, route, grams, g_per_kg, risk))
        for product in products
        if route in product.routes
    }
    kinds = [_kinds(screening) for _, screening in screened.values()]
    shared = set.intersection(*kinds) if len(kinds) > 1 else set()
    every = []
    for product, screening in screened.values():
        hindrance, price = why_not(product), price_per_g.get(product.id)
        said = (
            *_apart(screening, shared),
            "it can be planned" if hindrance is None else f"it cannot be planned: {hindrance}",
            "its price is not known" if price is None else f"{price:,.2f} {currency} per gram",
        )
        every.append(
            RankedProduct(
                product=product.id,
                name=product.name,
                verdict=screening.verdict,
                reasons=said,
                plannable=hindrance is None,
                why_not=hindrance,
                price_per_g=price,
                screening=screening,
            )
        )
    return tuple(sorted(every, key=_order))


def _screening(
    rules: Rules,
    patient: Patient,
    product: Product,
    route: Route,
    grams: float,
    g_per_kg: float,
    risk: Collection[str],
) -> Screening:
    strength = known(product.concentration_mg_per_ml)
    ml = None if strength is None else ml_from_g(grams, strength)
    return screen(rules, patient, product, route=route, g_per_kg=g_per_kg, ml=ml, risk=risk)


_Kind = tuple[str, Verdict, bool]
"""What makes two findings of two products the same: hazard, verdict, and whether it is known."""


def _kind(finding: Finding) -> _Kind:
    return finding.hazard, finding.verdict, finding.known


def _kinds(screening: Screening) -> set[_Kind]:
    return {_kind(finding) for finding in screening.findings}


def _apart(screening: Screening, shared: set[_Kind]) -> tuple[str, ...]:
    """What the screening found with this product and not with every other, in words."""
    own = [finding for finding in screening.findings if _kind(finding) not in shared]
    if not own and screening.verdict == "stop":
        stops = dict.fromkeys(each.name for each in screening.findings if each.verdict == "stop")
        return (f"stop with every product of the route: {', '.join(stops)}",)
    if not own:
        return ("the screening found nothing that it does not find with every product",)
    # a hazard may have more than one finding of a kind; it is told once
    return tuple(
        dict.fromkeys(
            f"{finding.verdict if finding.known else 'not known'}: {finding.name}" for finding in own
        )
    )


def _order(each: RankedProduct) -> tuple[int, bool, int, int, bool, float, str]:
    findings = each.screening.findings
    certain = sum(finding.known for finding in findings)
    return (
        VERDICTS.index(each.verdict),
        not each.plannable,
        certain,
        len(findings) - certain,
        each.price_per_g is None,
        each.price_per_g or 0.0,
        each.product,
    )
