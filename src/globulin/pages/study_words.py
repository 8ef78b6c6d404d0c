"""A trial in words, once for every face: what was given, what was found, the effect that was got from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from globulin.dossier.provenance import known
from globulin.dossier.result import (
    Change,
    ChangeScores,
    Counts,
    GroupChange,
    GroupMean,
    GroupMedian,
    Means,
    Medians,
    NotSignificant,
    Percentages,
    PrintedEffect,
    PValue,
    Single,
    TestStatistic,
    Words,
)
from globulin.dossier.study import Outcome, Study
from globulin.dossier.treatment import Product, Regimen
from globulin.pages import words
from globulin.synthesis.curves import Flip
from globulin.synthesis.readings import TrialEffect

DIRECTIONS = {
    "better": "better",
    "worse": "worse",
    "no_difference": "no difference",
    "mixed": "mixed",
    "unclear": "direction unclear",
}


def effect_words(effect: TrialEffect) -> str:
    """The effect of a trial, or the range it must lie in."""
    if effect.smd is not None and effect.ci_lower is not None and effect.ci_upper is not None:
        return words.estimate(effect.smd, effect.ci_lower, effect.ci_upper)
    bound = effect.bound or 0.0
    return f"estimate not printed; somewhere within \N{PLUS-MINUS SIGN}{words.fixed(bound)}"


def given_words(regimens: Sequence[Regimen], products: Mapping[str, Product]) -> str:
    """What the treated groups got; doses that differ in nothing else are put together."""
    if not regimens:
        return "dose not reported"
    by_rest: dict[str, list[str]] = {}
    for regimen in regimens:
        first, rest = _regimen_in_short(regimen, products)
        by_rest.setdefault(rest, []).append(first)
    return words.listed([f"{words.listed(doses)} {rest}" for rest, doses in by_rest.items()])


def _regimen_in_short(regimen: Regimen, products: Mapping[str, Product]) -> tuple[str, str]:
    """A regimen as people say it, first dose apart: `2 g/kg`, `into a vein every 30 days, 3 times`."""
    route = known(regimen.route)
    doses: list[str] = []
    rests: list[str] = []
    for phase in regimen.phases:
        dose, interval, times = known(phase.dose), known(phase.interval_day), known(phase.doses)
        text = "dose not reported," if dose is None else words.dose_words(dose)
        of = f" of {products[dose.of].name}" if dose is not None and dose.of is not None else ""
        rest = f"over {phase.split_over_days} days " if phase.split_over_days > 1 else ""
        if interval is not None and times != 1:
            rest += f"every {words.day_words(interval)}"
        doses.append(text + of)
        rests.append(rest.strip() + (f", {times} times" if times and times > 1 else ""))
    start = f"{words.ROUTES[route] if route else '(route not stated)'} {rests[0]}"
    later = (f", then {dose} {rest}" for dose, rest in zip(doses[1:], rests[1:], strict=True))
    return doses[0], start.strip() + "".join(later)


def found_words(study: Study, outcome: Outcome) -> str:
    """What an outcome found, in words and numbers."""
    text = result_words(study, outcome)
    if outcome.says:
        text = f"{outcome.says} {words.sentence(text) if len(text) > 1 and text[1] != ' ' else text}"
    return words.sentence(text)


def result_words(study: Study, outcome: Outcome) -> str:
    """The result itself; empty where the words already say it all."""
    result = outcome.result
    name = {arm.id: arm.label for arm in study.arms}
    match result:
        case Counts():
            return "; ".join(
                f"{name[arm]}: {group.events} of {group.n} ({100 * group.events / group.n:.0f}%)"
                for arm, group in result.groups.items()
            )
        case Percentages():
            shown = "; ".join(f"{name[arm]}: {words.number(p)}%" for arm, p in result.groups.items())
            return f"{shown} ({result.unit})"
        case Means():
            return "; ".join(
                f"{name[arm]}: mean {words.number(g.mean)} ({_spread(g)}, {g.n} people)"
                for arm, g in result.groups.items()
            )
        case Medians():
            return "; ".join(f"{name[arm]}: {_median(g)}" for arm, g in result.groups.items())
        case ChangeScores():
            return "; ".join(f"{name[arm]}: {_change(g)}" for arm, g in result.groups.items())
        case TestStatistic():
            return (
                f"{result.statistic} = {words.number(result.value)} with {words.number(result.df)} degrees of"
                f" freedom, in favour of {name[result.favours]}"
            )
        case PValue():
            favoured = f", in favour of {name[result.favours]}" if result.favours else ""
            return f"p {result.relation} {words.number(result.value)}{favoured}"
        case NotSignificant():
            return "" if outcome.says else "no significant difference; the estimate was not printed"
        case Words():
            return "" if outcome.says else DIRECTIONS[result.direction]
        case _:
            return _single_words(result, name)


def _spread(group: GroupMean | GroupChange) -> str:
    if group.ci is not None:
        return f"{100 * group.ci.level:g}% interval {words.span(group.ci.lower, group.ci.upper, 4)}"
    if group.se is not None:
        return f"standard error {words.number(group.se)}"
    return "SD not printed" if group.sd is None else f"SD {words.number(group.sd)}"


def _median(group: GroupMedian) -> str:
    pairs = (("quartiles", group.q1, group.q3), ("range", group.minimum, group.maximum))
    printed = [
        f"{what} {words.number(low)} to {words.number(high)}"
        for what, low, high in pairs
        if low is not None and high is not None
    ]
    return f"median {words.number(group.median)}" + (f" ({', '.join(printed)})" if printed else "")


def _change(group: GroupChange) -> str:
    if group.change is not None:
        return f"change {words.number(group.change)} ({_spread(group)}, {group.n} people)"
    ends = [words.number(end) for end in (group.baseline, group.final) if end is not None]
    return f"from {' to '.join(ends)} ({group.n} people)"


def _single_words(result: PrintedEffect | Change | Single, name: dict[str, str]) -> str:
    match result:
        case PrintedEffect():
            interval = (
                f" ({100 * result.level:g}% interval {words.number(result.lower)}"
                f" to {words.number(result.upper)})"
                if result.lower is not None and result.upper is not None
                else ""
            )
            return f"{result.measure} {words.number(result.estimate)}{interval} {result.unit or ''}".strip()
        case Change():
            parts = []
            if result.before is not None and result.after is not None:
                parts.append(f"from {words.number(result.before)} to {words.number(result.after)}")
            if result.change_percent is not None:
                parts.append(f"change of {words.number(result.change_percent)}%")
            return f"{', '.join(parts)} ({result.unit})"
        case Single():
            value = (
                words.number(result.value)
                if result.upper is None
                else words.span(result.value, result.upper, 4)
            )
            group = f"{name[result.arm]}: " if result.arm else ""
            return f"{group}{value} {result.unit}"


def printed_p(outcome: Outcome) -> str:
    """The p value as its paper printed it, in brackets; empty where it printed none."""
    return f" (p {outcome.p.replace('<', '< ')})" if outcome.p else ""


def flip_words(flip: Flip) -> str:
    """Where a conclusion starts or stops to hold, in a sentence."""
    if flip.never:
        always = "Everywhere" if flip.holds_at_start else "Nowhere"
        return words.sentence(f"{always} on this range: {flip.words}")
    places = words.listed([words.number(x, 2) for x in flip.at])
    verb = "stops" if flip.holds_at_start else "starts"
    return words.sentence(f"At {places} it {verb} to hold that {flip.words}")
