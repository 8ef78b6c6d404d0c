"""One person's fit in a terminal: what is plausible of them, which levels fit, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.exposure.individual_results import Individualised, ModelFit
from globulin.pages import words

NOT_SHOWN = (
    "whether more IgG helps or how a person feels, whether the models fit people unlike those they were made"
    " from, or which dose anybody should have."
)
_NAMES = {
    "cl": "clearance",
    "v1": "central volume",
    "q": "exchange with tissue",
    "v2": "tissue volume",
    "base": "own IgG",
    "ka": "rate of uptake",
    "f": "fraction taken up",
}
# at or above this share of the spread between people, a level has said little about a parameter
_LEARNT_LITTLE = 0.9


def individual_view(asked: Mapping[str, Any], found: Individualised) -> RenderableType:
    """Parameters, levels and forecast. `asked` says what was computed with, as `--json` prints it."""
    title = f"{asked['doses']} and {asked['levels']}, {words.number(asked['weight_kg'], 4)} kg"
    parts: list[RenderableType] = []
    if found.models:
        parts += [_parameters(found, title), _levels(found)]
    if found.forecast:
        parts.append(_forecast(found))
    if found.message:
        parts.append(Text(words.sentence(found.message)))
    parts += [Text(note) for note in _notes(found)]
    parts.append(Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


def _parameters(found: Individualised, title: str) -> Table:
    table = Table(title=f"What the levels say of one person: {title}", title_justify="left")
    table.add_column("model", no_wrap=True)
    table.add_column("its weight", justify="right")
    table.add_column("parameter")
    for heading in ("typical", "most probable", "middle", "50% of what is plausible", "95%"):
        table.add_column(heading, justify="right")
    for fitted in found.models:
        name, weight = fitted.model, words.probability(fitted.weight) if fitted.accepted else "refused"
        for estimate in fitted.estimates:
            spread, best = estimate.plausible, estimate.most_probable
            table.add_row(
                name,
                weight,
                f"{_named(estimate.parameter)}{estimate.unit and ', ' + estimate.unit}",
                words.number(estimate.typical),
                words.NOT_COMPUTED if best is None else words.number(best),
                *(
                    [words.NOT_COMPUTED] * 3
                    if spread is None
                    else [
                        words.number(spread.median),
                        words.span(spread.low50, spread.high50, 3),
                        words.span(spread.low95, spread.high95, 3),
                    ]
                ),
            )
            name, weight = "", ""
    return table


def _named(parameter: str) -> str:
    """`ka_sc` as `rate of uptake (SC)`."""
    first, _, route = parameter.partition("_")
    shown = {name.lower(): name for name in words.ROUTE_SHORT.values()}.get(route, route)
    return f"{_NAMES[first]} ({shown})" if route else _NAMES[first]


def _levels(found: Individualised) -> Table:
    table = Table(title="The levels, total IgG in g/L", title_justify="left")
    table.add_column("day", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("model", no_wrap=True)
    table.add_column("fitted", justify="right")
    table.add_column("from the other levels, 95%", justify="right")
    table.add_column("remark")
    for index in range(len(found.models[0].levels)):
        for number, fitted in enumerate(found.models):
            level = fitted.levels[index]
            measured = f"{'below ' if level.below_limit else ''}{words.fixed(level.g_per_l)}"
            low, high, predicted = level.low95_g_per_l, level.high95_g_per_l, level.predicted_g_per_l
            remarks = ["near an infusion"] * level.near_infusion + ["does not fit"] * (not level.fits)
            table.add_row(
                words.number(level.day, 6) if number == 0 else "",
                measured if number == 0 else "",
                fitted.model,
                words.NOT_COMPUTED if predicted is None else words.fixed(predicted),
                words.NOT_COMPUTED if low is None or high is None else words.bounds(low, high),
                ", ".join(remarks),
            )
    return table


def _forecast(found: Individualised) -> Table:
    table = Table(title="Total IgG to come, all models by weight, g/L", title_justify="left")
    for heading in ("day", "middle", "50% of what is plausible", "95%", "95% of measurements"):
        table.add_column(heading, justify="right")
    for ahead in found.forecast:
        level = ahead.level_g_per_l
        table.add_row(
            words.number(ahead.day, 6),
            words.fixed(level.median),
            words.bounds(level.low50, level.high50),
            words.bounds(level.low95, level.high95),
            words.bounds(ahead.measured_low95_g_per_l, ahead.measured_high95_g_per_l),
        )
    return table


def _notes(found: Individualised) -> list[str]:
    said: dict[str, list[str]] = {}
    for fitted in found.models:
        for text in (*fitted.messages, *fitted.flags):
            said.setdefault(text, []).append(fitted.model)
    notes = [f"{', '.join(models)}: {words.sentence(text)}" for text, models in said.items()]
    notes += [_learnt_little(fitted) for fitted in found.models if _untold(fitted)]
    if any(level.near_infusion for fitted in found.models for level in fitted.levels):
        notes.append(
            "Near an infusion: drawn during an infusion into a vein or within a day after it. IgG falls fast"
            " then, so an hour matters; such a level is fitted like the others."
        )
    notes += [
        f"{fitted.model}: the draws are worth {fitted.effective_draws:,.0f} independent ones; Pareto k"
        f" {words.fixed(fitted.pareto_k)} (above 0.7 they would be refused)."
        for fitted in found.models
        if fitted.pareto_k is not None
    ]
    return notes + [f"{text}." for text in found.left_out]


def _untold(fitted: ModelFit) -> list[str]:
    return [
        _named(estimate.parameter)
        for estimate in fitted.estimates
        if estimate.shrinkage is not None and estimate.shrinkage >= _LEARNT_LITTLE
    ]


def _learnt_little(fitted: ModelFit) -> str:
    return (
        f"{fitted.model}: the levels say little about {words.listed(_untold(fitted))}; what stands there is"
        " mostly what is typical."
    )
