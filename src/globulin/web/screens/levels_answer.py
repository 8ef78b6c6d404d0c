"""What *Levels* shows of one person's fit: plain text and drawings, made in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from globulin.bedside import IndividualRequest
    from globulin.exposure.individual_results import Individualised

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A table: its title, columns and rows."""

    title: str
    columns: Cells
    rows: tuple[Cells, ...]


@dataclass(frozen=True, slots=True)
class Next:
    """The first level to come: when, how much, and where a measurement would fall."""

    day: str
    middle: str
    measured: str


@dataclass(frozen=True, slots=True)
class LevelsAnswer:
    """One person's fit in words. `verdict` and `said` come first; `checks` are levels that do not fit."""

    verdict: Literal["clear", "caution", "stop"]
    said: str
    checks: tuple[str, ...]
    next: Next | None
    chart: str
    """SVG; '' where there is nothing to draw."""
    chart_table: Shown | None
    ahead: Shown | None
    levels: Shown | None
    parameters: Shown | None
    notes: tuple[str, ...]
    not_shown: str


def kinds_of_people(dossier: Path | None) -> tuple[tuple[str, str, str], ...]:
    """The averages of models, each with its name and whom it is of; first that of normal IgG."""
    from globulin.bedside import Bedside

    averages = Bedside(dossier).models().averages
    ordered = sorted(
        averages.values(), key=lambda each: ("normal_igg" not in each.valid_for.indications, each.id)
    )
    return tuple((each.id, each.name, each.population) for each in ordered)


def levels_answer(dossier: Path | None, asked: IndividualRequest) -> LevelsAnswer:
    """The fit and the levels ahead. Raises InputError as `bedside.individualised` does."""
    from globulin.bedside import Bedside, individualised
    from globulin.pages import individual, words
    from globulin.pages.exposure_charts import individual_chart

    _, found = individualised(Bedside(dossier), asked, follow=True)
    chart = individual_chart(found) if found.models else None
    ahead = found.forecast[0] if found.forecast else None
    verdict, said = _verdict(found)
    return LevelsAnswer(
        verdict=verdict,
        said=said,
        checks=_checks(found),
        next=None
        if ahead is None
        else Next(
            words.number(ahead.day, 6),
            words.fixed(ahead.level_g_per_l.median, 1),
            words.bounds(ahead.measured_low95_g_per_l, ahead.measured_high95_g_per_l, 1),
        ),
        chart=chart.svg if chart else "",
        chart_table=Shown(chart.title, chart.columns, tuple(row.cells for row in chart.rows))
        if chart
        else None,
        ahead=_shown("Total IgG to come, in g/L", individual.AHEAD, individual.ahead_rows(found)),
        levels=_shown("The measured levels, in g/L", individual.LEVELS, individual.level_rows(found)),
        parameters=_shown(
            "What the levels say of this person", individual.PARAMETERS, individual.parameter_rows(found)
        ),
        notes=tuple(individual.notes(found)),
        not_shown=individual.NOT_SHOWN,
    )


def _verdict(found: Individualised) -> tuple[Literal["clear", "caution", "stop"], str]:
    from globulin.pages import words

    if found.message is not None:
        return "stop", words.sentence(found.message)
    if _checks(found):
        return "caution", "A level does not fit the others."
    return "clear", "The levels fit one another and the doses."


def _checks(found: Individualised) -> tuple[str, ...]:
    """What is said of levels that do not fit, by the model that the levels speak for most."""
    from globulin.pages import words

    if not found.models:
        return ()
    best = max(found.models, key=lambda fitted: fitted.weight)
    out = any(not level.fits for level in best.levels)
    return tuple(words.sentence(text) for text in best.messages) if out or found.message else ()


def _shown(title: str, columns: Cells, rows: list[Cells]) -> Shown | None:
    return Shown(title, tuple(each.capitalize() for each in columns), tuple(rows)) if rows else None
