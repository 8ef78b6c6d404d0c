"""The dose for a target in a terminal: by model, with what goes with it, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.exposure.dose_needed import DoseNeeded
from globulin.exposure.regimen_changes import DoseAnswers, Labelled
from globulin.pages import words

NOT_SHOWN = (
    "whether reaching this level helps, or whether the dose suits anybody: models disagree, people differ"
    " from the typical person of a model, and a level is measured before a dose is changed."
)
_TARGETS = {"trough": "lowest level", "average": "mean level", "peak": "highest level", "rise": "mean rise"}


def dose_view(
    asked: Mapping[str, Any], answers: Sequence[DoseAnswers], labelled: Sequence[Labelled]
) -> RenderableType:
    """Doses by model, then how long they take, what splitting does, and what a switch of route takes."""
    parts: list[RenderableType] = [_dose_table(asked, answers)]
    if any(each.settling for each in answers):
        parts.append(_settling_table(answers))
    if any(each.splits for each in answers):
        parts.append(_split_table(answers))
    if any(each.switches for each in answers):
        parts.append(_switch_table(answers, labelled))
    parts.extend(Text(note) for each in answers for note in _notes(each.needed))
    parts.append(Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


def _dose_table(asked: Mapping[str, Any], answers: Sequence[DoseAnswers]) -> Table:
    target = f"{_TARGETS[asked['target']]} of {words.number(asked['target_g_per_l'])} g/L"
    whom = f"{words.number(asked['weight_kg'], 4)} kg" if asked.get("weight_kg") else ""
    if asked.get("share"):
        whom = f"in {100 * asked['share']:g}% of {asked['people']:,} people ({asked['group']})"
    table = Table(
        title=f"For a {target} at steady state, {words.ROUTES[asked['route']]}, {whom}", title_justify="left"
    )
    headings = ("model", "dose, g", "dose, g/kg", "every, days", "lowest, g/L", "mean, g/L", "highest, g/L")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    for top in answers:
        for each in (top.needed, *top.needed.members):
            exposure = each.at_dose.exposure if each.at_dose else None
            levels = [exposure.cmin_g_per_l, exposure.cavg_g_per_l, exposure.cmax_g_per_l] if exposure else []
            nothing = words.NOT_COMPUTED if not each.share else ""
            table.add_row(
                each.model if each is top.needed else f"  {each.model}",
                *(_number(value) for value in (each.dose_g, each.dose_g_per_kg, each.interval_day)),
                *(words.fixed(level) for level in levels),
                *[nothing] * (3 - len(levels)),
                style="" if each is top.needed else "dim",
            )
    return table


def _number(value: float | None) -> str:
    return words.NOT_COMPUTED if value is None else words.number(value)


def _settling_table(answers: Sequence[DoseAnswers]) -> Table:
    table = Table(title="How long it takes, in days", title_justify="left")
    for heading in ("model", "until steady (5%)", "after the last dose: rise down to 10%", "down to 1 g/L"):
        table.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    for each in answers:
        for found in each.settling:
            days = (found.plateau_day, found.tenth_day, found.one_g_per_l_day)
            table.add_row(found.model, *("over 4,000" if day is None else f"{day:.0f}" for day in days))
    return table


def _split_table(answers: Sequence[DoseAnswers]) -> Table:
    table = Table(title="The same dose split over consecutive days", title_justify="left")
    for heading in ("model", "parts", "highest, g/L", "lowest, g/L", "mean, g/L"):
        table.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    for each in answers:
        for found in each.splits:
            if found.model == each.needed.model:
                levels = (found.cmax_g_per_l, found.cmin_g_per_l, found.cavg_g_per_l)
                table.add_row(found.model, str(found.parts), *(words.fixed(level) for level in levels))
    return table


def _switch_table(answers: Sequence[DoseAnswers], labelled: Sequence[Labelled]) -> Table:
    table = Table(title="Under the skin instead, for the same mean rise", title_justify="left")
    for heading in ("by", "dose, g", "every, days", "g under the skin per g by vein"):
        table.add_column(heading, justify="left" if heading == "by" else "right", overflow="fold")
    for each in answers:
        for found in each.switches:
            table.add_row(
                found.model, _number(found.dose_g), words.number(found.interval_day), _number(found.factor)
            )
    for label in labelled:
        factor = (
            label.note or words.NOT_KNOWN if label.iv_to_sc_factor is None else f"{label.iv_to_sc_factor:g}"
        )
        aside = f" ({label.note})" if label.note and label.iv_to_sc_factor is not None else ""
        table.add_row(f"label of {label.product}", "", "", f"{factor}{aside}", style="dim")
    return table


def _notes(needed: DoseNeeded) -> list[str]:
    notes = []
    for each in (needed, *needed.members):
        if each.message:
            notes.append(f"{each.model}: {words.sentence(each.message)}")
        if each.between:
            low, high = each.between
            notes.append(
                f"{each.model}: with another crowd of this size it would be from {words.number(low)} to"
                f" {words.number(high)} (95%)."
            )
        known = () if each is needed else needed.flags
        notes += [f"{each.model}: {words.sentence(flag)}" for flag in each.flags if flag not in known]
    return list(dict.fromkeys(notes))
