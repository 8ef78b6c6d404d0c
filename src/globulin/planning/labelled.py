"""Doses that product labels give for other illnesses, on the axis of the regimens: mg/kg per 28 days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from globulin.dossier.treatment import LabelledDose, LabelledUse, Product, Route
from globulin.units import FOUR_WEEKS_DAY, MG_PER_G

SHORTEST_INTERVAL_DAY = 7.0
"""Doses closer together are one course, not a dose that goes on."""


@dataclass(frozen=True)
class LabelledAmount:
    """The span of repeated doses, in mg/kg per 28 days, that labels give for one indication by one route."""

    code: str
    route: Route
    indication: str
    low_mg_per_kg: float
    high_mg_per_kg: float
    products: tuple[str, ...]
    sources: tuple[str, ...]


def labelled_amounts(products: Iterable[Product]) -> tuple[LabelledAmount, ...]:
    """One span per indication and route over all products whose label was seen, smallest dose first.

    Only repeated doses in g/kg with a stated interval; a loading dose or a single course has no four-week
    amount.
    """
    ends: dict[tuple[str, Route], list[tuple[float, float]]] = defaultdict(list)
    uses: dict[tuple[str, Route], list[tuple[str, LabelledUse]]] = defaultdict(list)
    for product in products:
        for use in product.uses:
            for dose in use.doses:
                found = _span(dose)
                if found is not None and use.sources:
                    ends[use.indication_code, use.route].append(found)
                    uses[use.indication_code, use.route].append((product.id, use))
    amounts = [_amount(key, ends[key], uses[key]) for key in ends]
    return tuple(
        sorted(
            amounts,
            key=lambda entry: (entry.low_mg_per_kg, entry.high_mg_per_kg, entry.indication),
        )
    )


def _span(dose: LabelledDose) -> tuple[float, float] | None:
    if dose.g_per_kg is None or dose.interval_day is None or dose.seen == "unverified":
        return None
    if dose.phase not in ("maintenance", "repeat") or dose.interval_day.low < SHORTEST_INTERVAL_DAY:
        return None
    per_day = MG_PER_G * FOUR_WEEKS_DAY
    return (
        dose.g_per_kg.low * per_day / dose.interval_day.high,
        dose.g_per_kg.high * per_day / dose.interval_day.low,
    )


def _amount(
    key: tuple[str, Route], ends: list[tuple[float, float]], uses: list[tuple[str, LabelledUse]]
) -> LabelledAmount:
    code, route = key
    return LabelledAmount(
        code=code,
        route=route,
        indication=uses[0][1].indication,
        low_mg_per_kg=min(low for low, _ in ends),
        high_mg_per_kg=max(high for _, high in ends),
        products=tuple(dict.fromkeys(product for product, _ in uses)),
        sources=tuple(dict.fromkeys(source for _, use in uses for source in use.sources)),
    )
