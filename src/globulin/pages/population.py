"""A population in a terminal: one interval by model, who reaches a target, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.exposure.population import Population, Reached
from globulin.pages import words

NOT_SHOWN = (
    "whether more IgG helps, what any one person's level will be, or how well these people stand for people"
    " with ME/CFS or fibromyalgia. A share of virtual people is as good as the models and no better."
)
_LEVELS = {"trough": "lowest", "average": "mean", "peak": "highest"}


def population_view(asked: Mapping[str, Any], answers: Sequence[Population]) -> RenderableType:
    """Quantiles by model and level; `asked` says what was computed with, by the names of `--json`."""
    parts: list[RenderableType] = [_table(asked, answers)]
    if any(answer.reached for answer in answers):
        parts.append(_reached_table(answers))
    parts.extend(Text(note) for answer in answers for note in _notes(answer))
    parts.append(Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


def _table(asked: Mapping[str, Any], answers: Sequence[Population]) -> Table:
    per_kg = asked.get("dose_g_per_kg")
    dose = f"{words.number(per_kg)} g/kg" if per_kg else f"{words.number(asked['dose_g'])} g"
    doses = asked["doses"]
    when = "at steady state" if doses is None else f"after {words.counted(doses, 'dose')}"
    title = (
        f"Total IgG in g/L of {asked['people']:,} people ({asked['group']}, seed {asked['seed']}):"
        f" {dose} {words.ROUTES[asked['route']]} every {words.day_words(asked['interval_day'])}, {when}"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("model", overflow="fold")
    table.add_column("level", overflow="fold")
    for probability in answers[0].probabilities:
        table.add_column(f"{100 * probability:g}% below", justify="right")
    for answer in answers:
        for each in (answer, *answer.members):
            name = each.model if each is answer else f"  {each.model}"
            style = "" if each is answer else "dim"
            if each.message is not None:
                table.add_row(name, words.NOT_COMPUTED, *[""] * len(each.probabilities), style=style)
            for level, values in each.interval.items():
                table.add_row(name, _LEVELS[level], *(words.fixed(v) for v in values.tolist()), style=style)
                name = ""
    return table


def _reached_table(answers: Sequence[Population]) -> Table:
    table = Table(title="At or above the target", title_justify="left")
    for heading in ("model", "level", "target, g/L", "people", "share (95% interval)"):
        table.add_column(
            heading, justify="left" if heading in ("model", "level") else "right", overflow="fold"
        )
    for answer in answers:
        for each in (answer, *answer.members):
            for found in each.reached:
                count = "mixture" if found.people is None else f"{found.people:,} of {each.people:,}"
                table.add_row(
                    each.model if each is answer else f"  {each.model}",
                    _LEVELS[found.level],
                    words.number(found.target_g_per_l),
                    count,
                    _share(found),
                    style="" if each is answer else "dim",
                )
    return table


def _share(found: Reached) -> str:
    share = f"{100 * found.share:.1f}%"
    if found.share_low is None or found.share_high is None:
        return share
    return f"{share} ({words.bounds(100 * found.share_low, 100 * found.share_high, 1)})"


def _notes(answer: Population) -> list[str]:
    notes = [f"{answer.model}: {words.sentence(flag)}" for flag in answer.flags]
    notes += [
        f"{member.model}: {words.sentence(flag)}"
        for member in answer.members
        for flag in member.flags
        if flag not in answer.flags
    ]
    if answer.message:
        notes.append(f"{answer.model}: {words.sentence(answer.message)}")
    if answer.error:
        notes.append(
            f"{answer.model}: quantiles are counted in classes and off by at most {100 * answer.error:.2g}%"
            " of themselves; counts are exact."
        )
    return notes
