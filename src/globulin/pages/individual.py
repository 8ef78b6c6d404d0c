"""One person's fit in a terminal: what is plausible of them, which levels fit, and what comes next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

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
        parts.append(
            _table(
                f"What the levels say of one person: {title}",
                PARAMETERS,
                _once(parameter_rows(found), 2),
                (0,),
            )
        )
        parts.append(_table("The levels, total IgG in g/L", LEVELS, _once(level_rows(found), 2), (2,)))
    if found.forecast:
        parts.append(_table("Total IgG to come, all models by weight, g/L", AHEAD, ahead_rows(found)))
    if found.message:
        parts.append(Text(words.sentence(found.message)))
    parts += [Text(note) for note in notes(found)]
    parts.append(Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


_IN_WORDS = frozenset({"model", "parameter", "remark"})

Cells = tuple[str, ...]
PARAMETERS: Cells = (
    "model", "its weight", "parameter", "typical", "most probable", "middle",
    "50% of what is plausible", "95%",
)  # fmt: skip
LEVELS: Cells = ("day", "measured", "model", "fitted", "from the other levels, 95%", "remark")
AHEAD: Cells = ("day", "middle", "50% of what is plausible", "95%", "95% of measurements")
"""Columns of `parameter_rows`, `level_rows` and `ahead_rows`."""


def _table(title: str, columns: Cells, rows: Sequence[Cells], unbroken: Collection[int] = ()) -> Table:
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(columns):
        justify: Literal["left", "right"] = "left" if heading in _IN_WORDS else "right"
        table.add_column(heading, justify=justify, no_wrap=index in unbroken)
    for row in rows:
        table.add_row(*row)
    return table


def _once(rows: Sequence[Cells], columns: int) -> list[Cells]:
    """Rows whose first columns are said only where they differ from those of the row above."""
    found = []
    above: Cells = ()
    for row in rows:
        head = row[:columns]
        found.append((*([""] * columns if head == above else head), *row[columns:]))
        above = head
    return found


def parameter_rows(found: Individualised) -> list[Cells]:
    """What the levels say of each model's parameters."""
    rows: list[Cells] = []
    for fitted in found.models:
        name, weight = fitted.model, words.probability(fitted.weight) if fitted.accepted else "refused"
        for estimate in fitted.estimates:
            spread, best = estimate.plausible, estimate.most_probable
            plausible = (
                (words.NOT_COMPUTED,) * 3
                if spread is None
                else (
                    words.number(spread.median),
                    words.span(spread.low50, spread.high50, 3),
                    words.span(spread.low95, spread.high95, 3),
                )
            )
            rows.append(
                (
                    name,
                    weight,
                    f"{_named(estimate.parameter)}{estimate.unit and ', ' + estimate.unit}",
                    words.number(estimate.typical),
                    words.NOT_COMPUTED if best is None else words.number(best),
                    *plausible,
                )
            )
    return rows


def _named(parameter: str) -> str:
    """`ka_sc` as `rate of uptake (SC)`."""
    first, _, route = parameter.partition("_")
    shown = {name.lower(): name for name in words.ROUTE_SHORT.values()}.get(route, route)
    return f"{_NAMES[first]} ({shown})" if route else _NAMES[first]


def level_rows(found: Individualised) -> list[Cells]:
    """Each measured level under each model."""
    rows: list[Cells] = []
    for index in range(len(found.models[0].levels) if found.models else 0):
        for fitted in found.models:
            level = fitted.levels[index]
            measured = f"{'below ' if level.below_limit else ''}{words.fixed(level.g_per_l)}"
            low, high, predicted = level.low95_g_per_l, level.high95_g_per_l, level.predicted_g_per_l
            remarks = ["near an infusion"] * level.near_infusion + ["does not fit"] * (not level.fits)
            rows.append(
                (
                    words.number(level.day, 6),
                    measured,
                    fitted.model,
                    words.NOT_COMPUTED if predicted is None else words.fixed(predicted),
                    words.NOT_COMPUTED if low is None or high is None else words.bounds(low, high),
                    ", ".join(remarks),
                )
            )
    return rows


def ahead_rows(found: Individualised) -> list[Cells]:
    """Total IgG on each day ahead."""
    return [
        (
            words.number(ahead.day, 6),
            words.fixed(ahead.level_g_per_l.median),
            words.bounds(ahead.level_g_per_l.low50, ahead.level_g_per_l.high50),
            words.bounds(ahead.level_g_per_l.low95, ahead.level_g_per_l.high95),
            words.bounds(ahead.measured_low95_g_per_l, ahead.measured_high95_g_per_l),
        )
        for ahead in found.forecast
    ]


def notes(found: Individualised) -> list[str]:
    """What went wrong, what was assumed, what the levels do not say, and how good the draws are."""
    said: dict[str, list[str]] = {}
    for fitted in found.models:
        for text in (*fitted.messages, *fitted.flags):
            said.setdefault(text, []).append(fitted.model)
    lines = [f"{', '.join(models)}: {words.sentence(text)}" for text, models in said.items()]
    lines += [_learnt_little(fitted) for fitted in found.models if _untold(fitted)]
    if any(level.near_infusion for fitted in found.models for level in fitted.levels):
        lines.append(
            "Near an infusion: drawn during an infusion into a vein or within a day after it. IgG falls fast"
            " then, so an hour matters; such a level is fitted like the others."
        )
    lines += [
        f"{fitted.model}: the draws are worth {fitted.effective_draws:,.0f} independent ones; Pareto k"
        f" {words.fixed(fitted.pareto_k)} (above 0.7 they would be refused)."
        for fitted in found.models
        if fitted.pareto_k is not None
    ]
    return lines + [f"{text}." for text in found.left_out]


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
