"""Which steps a label asks for: a product's record read into a `Ramp`, or the reason why there is none.

Only what was read and may be computed with is used. Labels differ in how much they state, so every ramp says
where its steps come from: the label's own table, the label's interval with rates between that are local
practice, or both local practice between the label's start and maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from globulin.dossier.provenance import Cited, Missing, known
from globulin.dossier.treatment import InfusionRamp, LabelledUse, Market, Product
from globulin.planning.infusion import Ramp, RampStepPlan
from globulin.planning.refusal import Refusal

_REFUSED = "rate table not verified"


@dataclass(frozen=True, slots=True)
class LocalPractice:
    """What a ward does where the label is silent: times `factor` every `step_minutes`, up to the maximum."""

    step_minutes: float = 30.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        """Raise ValueError for minutes that are not above 0 or a factor that does not raise the rate."""
        if not self.step_minutes > 0:
            raise ValueError(f"step_minutes: must be above 0, not {self.step_minutes}")
        if not self.factor > 1:
            raise ValueError(f"factor: must be above 1, so that the rate rises, not {self.factor}")


@dataclass(frozen=True, slots=True)
class _Rates:
    """A use whose start and maximum may be computed with."""

    use: LabelledUse
    ramp: InfusionRamp
    start: float
    maximum: float


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit below the maximum: a rate that may not be passed, or not even reached (`strict`)."""

    rate: float
    strict: bool
    own: bool


def label_ramp(
    product: Product,
    indication: str | None,
    *,
    products: Mapping[str, Product],
    infusion: Literal["first", "later"],
    at_risk: bool,
    market: Market | None = None,
    own_cap: float | None = None,
    local: LocalPractice | None = None,
) -> Ramp | Refusal:
    """The ramp of a product by vein.

    Args:
        product: what is infused.
        indication: code of the labelled use, as `itp`; None where the illness is on no label: then the use
            with the lowest labelled maximum is followed (among equals the slowest start, then one with a
            step table).
        products: all products, to find the one whose label is the same.
        infusion: the person's first one of this product or a later one.
        at_risk: whether the kidneys or blood clots call for the lower maximum.
        market: whose label; None: the first that is recorded.
        own_cap: a limit of one's own, mg/kg/min, whoever the person is.
        local: what to do where the label is silent; by default doubling every 30 minutes.

    Returns:
        The ramp, already within every limit, or why the rates are not known.

    Raises:
        ValueError: an `own_cap` that is not above 0.
    """
    if own_cap is not None and not own_cap > 0:
        raise ValueError(f"own_cap: must be above 0 mg/kg/min, not {own_cap}")
    label = products[product.same_label_as] if product.same_label_as else product
    found = _followed(product, label, indication, infusion, market)
    if isinstance(found, Refusal):
        return found
    limits = _limits(found.ramp, at_risk, own_cap)
    steps = _steps(found, local or LocalPractice())
    for limit in limits:
        steps = _within(steps, limit)
    if not steps:
        return Refusal(
            f"no rate of the label of {label.name} is below its limit for people at risk", found.use.sources
        )
    return Ramp(
        steps=steps,
        maximum=found.maximum,
        cap=min((limit.rate for limit in limits), default=None),
        at_risk=at_risk,
        basis=_basis(product, label, found, indication, at_risk, own_cap, local or LocalPractice()),
        sources=_sources(product, label, found),
    )


def _followed(
    product: Product,
    label: Product,
    indication: str | None,
    infusion: Literal["first", "later"],
    market: Market | None,
) -> _Rates | Refusal:
    """The use whose ramp is followed, with its start and maximum."""
    if "iv" not in product.routes:
        return Refusal(f"{product.name} is not given by vein", product.sources)
    uses = [use for use in label.uses if use.route == "iv"]
    if not uses:
        return Refusal(f"{_REFUSED}: no use of {label.name} by vein was read", product.sources)
    asked = [use for use in uses if indication in (None, use.indication_code)]
    if not asked:
        codes = ", ".join(dict.fromkeys(use.indication_code for use in uses))
        return Refusal(
            f"{_REFUSED}: the label of {label.name} has no use by vein with the code {indication!r}, only"
            f" {codes}; without an indication the use with the lowest maximum is followed",
            product.sources,
        )
    there = market or asked[0].market
    asked = [use for use in asked if use.market == there and use.infusion in ("any", infusion)]
    if not asked:
        return Refusal(
            f"{_REFUSED}: no use of {label.name} by vein was read for {infusion} infusions in {there}",
            product.sources,
        )
    read = [_rates(use) for use in asked]
    rates = [rate for rate in read if isinstance(rate, _Rates)]
    if not rates:
        reasons = dict.fromkeys(rate.reason for rate in read if isinstance(rate, Refusal))
        return Refusal(f"{_REFUSED}: {'; '.join(reasons)}", asked[0].sources or product.sources)
    return min(rates, key=lambda rate: (rate.maximum, rate.start, not rate.ramp.steps))


def _rates(use: LabelledUse) -> _Rates | Refusal:
    if not use.sources:
        return Refusal(f"no document was seen for its use in {use.indication}")
    if use.ramp is None:
        return Refusal("no infusion speed was seen")
    start, maximum = known(use.ramp.initial_mg_per_kg_min), known(use.ramp.maximum_mg_per_kg_min)
    if start is None:
        return Refusal(_unknown("start rate", use.ramp.initial_mg_per_kg_min))
    if maximum is None:
        return Refusal(_unknown("maximum rate", use.ramp.maximum_mg_per_kg_min))
    return _Rates(use, use.ramp, start, maximum)


def _unknown(what: str, fact: Cited[float] | Missing) -> str:
    return f"{what}: {fact.missing if isinstance(fact, Missing) else 'recalled, no document was seen'}"


def _steps(rates: _Rates, local: LocalPractice) -> tuple[RampStepPlan, ...]:
    """The label's steps, or those between its start and its maximum by its interval or by local practice."""
    ramp = rates.ramp
    if ramp.steps:
        return tuple(RampStepPlan(step.rate_mg_per_kg_min, step.minutes) for step in ramp.steps)
    interval = known(ramp.step_interval_min)
    first_min = known(ramp.initial_min) or (interval.high if interval else None)
    minutes = interval.high if interval else local.step_minutes
    if rates.start >= rates.maximum:
        return (RampStepPlan(rates.maximum, None),)
    steps = [
        RampStepPlan(
            rates.start,
            first_min or local.step_minutes,
            first_min is None,
            None if first_min else "the label's rate; how long it is held is local practice",
        )
    ]
    rate = rates.start * local.factor
    between = "rate" if interval else "rate and minutes"
    # a step within rounding of the maximum is the maximum
    while rate < rates.maximum * (1 - 1e-9):
        steps.append(RampStepPlan(rate, minutes, True, f"{between}: local practice, not the label's"))
        rate *= local.factor
    return (*steps, RampStepPlan(rates.maximum, None))


def _limits(ramp: InfusionRamp, at_risk: bool, own_cap: float | None) -> list[_Limit]:
    limits = [_Limit(own_cap, strict=False, own=True)] if own_cap is not None else []
    labelled = known(ramp.at_risk_maximum_mg_per_kg_min)
    if at_risk and labelled is not None:
        limits.append(_Limit(labelled, strict=ramp.at_risk_strictly_below, own=False))
    return limits


def _within(steps: tuple[RampStepPlan, ...], limit: _Limit) -> tuple[RampStepPlan, ...]:
    """The steps up to a limit; the last that keeps it goes on to the end. Empty where none keeps it.

    Steps above a limit are cut to it, which makes them one step; where the limit itself may not be reached,
    the last step below it goes on instead.
    """
    for index, step in enumerate(steps):
        if step.rate_mg_per_kg_min < limit.rate:
            continue
        below = steps[:index]
        if not limit.strict:
            note = (
                "at the limit set for this person" if limit.own else "at the label's limit for people at risk"
            )
            return (*below, RampStepPlan(limit.rate, None, limit.own, note))
        if not below:
            return ()
        # the first step's rate is the label's; only how long it is held can be local practice
        local = below[-1].local_practice and index > 1
        goes_on = "goes on: the next step is not below the label's limit for people at risk"
        note = f"{below[-1].note}; {goes_on}" if local else goes_on
        return (*below[:-1], replace(below[-1], minutes=None, local_practice=local, note=note))
    return steps


def _basis(
    product: Product,
    label: Product,
    rates: _Rates,
    indication: str | None,
    at_risk: bool,
    own_cap: float | None,
    local: LocalPractice,
) -> tuple[str, ...]:
    use, ramp = rates.use, rates.ramp
    lines = [f"Followed: {label.name}, {use.indication}, {use.market}."]
    if label.id != product.id:
        lines.append(f"{product.name} has the same label as {label.name}.")
    if indication is None:
        lines.append("No labelled illness was named: this is the labelled use with the lowest maximum rate.")
    if use.infusion == "any":
        lines.append("The label does not tell first from later infusions: the steps are the same for both.")
    else:
        lines.append(f"The label has steps of their own for {use.infusion} infusions; these are they.")
    lines.append(_steps_words(ramp, local))
    if at_risk:
        lines.append(_at_risk_words(ramp))
    if own_cap is not None:
        lines.append(f"A limit of {own_cap:g} mg/kg/min was set for this person; it is not the label's.")
    return tuple(lines)


def _steps_words(ramp: InfusionRamp, local: LocalPractice) -> str:
    if ramp.steps:
        return f"The steps: {ramp.steps_basis or 'as the label has them.'}"
    interval = known(ramp.step_interval_min)
    rule = f"the rate times {local.factor:g}"
    if interval is None:
        return (
            "The label's start and maximum were read, not its steps. The steps between are local practice:"
            f" {rule} every {local.step_minutes:g} minutes."
        )
    span = f"{interval.high:g} minutes"
    if interval.low < interval.high:
        span = f"{interval.low:g} to {span}, {interval.high:g} here"
    return (
        f"The label's start, maximum and time at each step ({span}) were read, not its steps. The rates"
        f" between are local practice: {rule}."
    )


def _at_risk_words(ramp: InfusionRamp) -> str:
    fact = ramp.at_risk_maximum_mg_per_kg_min
    if isinstance(fact, Cited) and fact.computable:
        limit = "less than" if ramp.at_risk_strictly_below else "at most"
        return (
            f"For people at risk: {limit} {fact.value:g} mg/kg/min{f' ({fact.note})' if fact.note else ''}."
        )
    recalled = (
        f" A limit of {fact.value:g} mg/kg/min is recalled but not verified, and is not used."
        if isinstance(fact, Cited)
        else ""
    )
    return (
        "For people at risk labels ask for the lowest practicable rate; no number was verified for this"
        f" product. The steps are those for everyone, not slower ones: a limit can be set.{recalled}"
    )


def _sources(product: Product, label: Product, rates: _Rates) -> tuple[str, ...]:
    """The documents behind the use and each number of its ramp, each once."""
    ramp = rates.ramp
    facts = (
        ramp.initial_mg_per_kg_min,
        ramp.maximum_mg_per_kg_min,
        ramp.initial_min,
        ramp.step_interval_min,
        ramp.at_risk_maximum_mg_per_kg_min,
    )
    cited = [fact.source for fact in facts if isinstance(fact, Cited) and fact.computable]
    same = product.sources[:1] if label.id != product.id else ()
    return tuple(dict.fromkeys((*rates.use.sources, *cited, *same)))
