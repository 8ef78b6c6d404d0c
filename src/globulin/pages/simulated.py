"""A simulation in a terminal: one interval and the days asked for, by model, and how far to trust them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from globulin.exposure.results import Exposure, Readability, Simulated
from globulin.pages import words

NOT_SHOWN = (
    "whether more IgG helps, what any one person's level will be (people differ from the typical person of"
    " the models), or which model is right."
)


def simulated_view(
    asked: Mapping[str, Any], people: Sequence[tuple[str | None, Sequence[Simulated]]]
) -> RenderableType:
    """Every person's answers by model, with the band of an average and of what is not known.

    `asked` says what was computed with, by the names that `--json` prints.
    """
    parts: list[RenderableType] = []
    regimen = _asked(asked)
    for name, answers in people:
        title = f"{name}, {regimen}" if name else regimen
        parts.append(_interval_table(answers, title))
        if any(answer.at for answer in answers):
            parts.append(_day_table(answers))
        parts.extend(Text(note) for answer in answers for note in _notes(answer))
    parts.extend(Text(f"{flag}.") for flag in asked.get("flags", ()))
    parts.append(Text(f"What this does not show: {NOT_SHOWN} {words.SHORT_NOTICE}", style="italic"))
    return Group(*parts)


def _asked(asked: Mapping[str, Any]) -> str:
    """Dose, interval and weight in one line."""
    weight = f"{words.number(asked['weight_kg'], 4)} kg"
    if "history" in asked:
        return f"last interval of {asked['history']}, {weight}"
    when = "at steady state" if asked["doses"] is None else f"after {words.counted(asked['doses'], 'dose')}"
    dose = f"{words.number(asked['dose_g'])} g {words.ROUTES[asked['route']]}"
    return f"{dose} every {words.day_words(asked['interval_day'])}, {when}, {weight}"


def _interval_table(answers: Sequence[Simulated], title: str) -> Table:
    table = Table(title=f"Total IgG over one interval: {title}", title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in ("highest, g/L", "lowest, g/L", "mean, g/L", "mean rise, g/L", "AUC, g/L x day"):
        table.add_column(heading, justify="right")
    for answer in answers:
        if answer.exposure is None:
            table.add_row(answer.model, *[words.NOT_COMPUTED] * 5)
            continue
        table.add_row(answer.model, *_cells(answer.exposure))
        for member in answer.members:
            if member.exposure is not None:
                table.add_row(f"  {member.model}", *_cells(member.exposure), style="dim")
        if answer.band is not None:
            table.add_row("  lowest of these", *_cells(answer.band.low))
            table.add_row("  highest of these", *_cells(answer.band.high))
    return table


def _cells(exposure: Exposure) -> tuple[str, ...]:
    return (
        words.fixed(exposure.cmax_g_per_l),
        words.fixed(exposure.cmin_g_per_l),
        words.fixed(exposure.cavg_g_per_l),
        words.number(exposure.rise_mean_g_per_l, 2 if exposure.rise_mean_g_per_l < 1 else 3),
        words.fixed(exposure.auc_g_day_per_l, 1),
    )


def _day_table(answers: Sequence[Simulated]) -> Table:
    table = Table(title="On the days asked for", title_justify="left")
    table.add_column("day", justify="right")
    table.add_column("model", no_wrap=True)
    for heading in ("total IgG, g/L", "lowest to highest", "own IgG, g/L", "autoantibody left"):
        table.add_column(heading, justify="right")
    for answer in answers:
        for index, level in enumerate(answer.at):
            band = answer.at_band[index] if answer.at_band else None
            left = level.autoantibody_fraction
            table.add_row(
                words.number(level.day, 6),
                answer.model,
                words.fixed(level.total_g_per_l),
                "" if band is None else words.bounds(band.low_g_per_l, band.high_g_per_l),
                words.fixed(level.endogenous_g_per_l),
                words.NOT_COMPUTED if left is None else f"{100 * left:.1f}%",
            )
    return table


def _notes(answer: Simulated) -> list[str]:
    notes = [f"{', '.join(models)}: {flag}." for flag, models in answer.all_flags().items()]
    if answer.message:
        notes.append(f"{answer.model}: {answer.message}.")
    if answer.muscle is not None:
        low, high = answer.muscle.uptake.low, answer.muscle.uptake.high
        text = (
            f"{answer.model}: uptake from a muscle is not known well; over what is plausible the mean rise is"
            f" {words.span(low.rise_mean_g_per_l, high.rise_mean_g_per_l)} g/L"
        )
        if answer.muscle.buttock_rise_mean_g_per_l is not None:
            text += f", from the buttock {words.span(*answer.muscle.buttock_rise_mean_g_per_l)} g/L"
        notes.append(f"{text}.")
        if (
            answer.readability is not None
            and answer.exposure is not None
            and not answer.readability.can_guide
        ):
            notes.append(f"{answer.model}: {cannot_guide(answer.exposure, answer.readability)}")
    return notes


def cannot_guide(exposure: Exposure, readability: Readability) -> str:
    """Why a measured level cannot guide this dose, in sentences."""
    rise = words.number(exposure.rise_mean_g_per_l, 2)
    scatter = words.number(readability.level_sd_g_per_l, 2)
    apart = words.number(readability.visible_g_per_l, 2)
    return (
        f"a serum level cannot guide this dose. The mean rise is {rise} g/L; one level scatters by {scatter}"
        " g/L (SD: assay error and day-to-day variation), so two levels must differ by"
        f" {apart} g/L before a change shows. It would take {readability.levels_needed:,} levels without"
        " treatment and as many on it to see this rise."
    )
