"""Measured levels as they are saved to go on with, and as the rows of the form again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from globulin.errors import InputError
from globulin.formats.saved_file import SavedDose, SavedLevel, SavedLevels
from globulin.web.drafts import Texts
from globulin.web.forms import Field, number_text, texts_of
from globulin.web.held_tables import COLUMNS, Table
from globulin.web.screens.levels_form import DAYS, MOST_ROWS, PERSON, LevelsForm, row_name


def saved_of(form: LevelsForm) -> SavedLevels | None:
    """What a form asks; None where something is missing or wrong."""
    wanted, _ = form.request()
    if wanted is None:
        return None
    return SavedLevels(
        model=wanted.models[0],
        person=wanted.person,
        doses=tuple(SavedDose(**values) for _, values in form.given("doses")),
        levels=tuple(SavedLevel(**values) for _, values in form.given("levels")),
        at_day=wanted.at_day,
    )


def texts_of_saved(saved: SavedLevels, asked: Sequence[Field]) -> Texts:
    """What would have to be typed to ask for saved levels, the button included.

    Raises InputError where this dossier has no such models, or the form has too few rows.
    """
    models = next(each.choices for each in asked if each.name == "model")
    if saved.model not in {choice.value for choice in models}:
        raise InputError(
            "these levels name a kind of person that this dossier does not have; nothing was opened"
        )
    texts = {**texts_of(saved.person, PERSON), "model": (saved.model,), "do": ("fit",)}
    rows: dict[Table, tuple[Any, ...]] = {"doses": saved.doses, "levels": saved.levels}
    for table, records in rows.items():
        if len(records) > MOST_ROWS:
            raise InputError(
                f"there are {len(records)} {table}, and up to {MOST_ROWS} fit here; nothing was opened"
            )
        for number, record in enumerate(records, 1):
            texts |= {
                row_name(table, number, short): text
                for short in COLUMNS[table]
                if (text := _typed(getattr(record, short)))
            }
    if saved.at_day:
        typed = [between.join(map(number_text, saved.at_day)) for between in (", ", ",")]
        days = next((text for text in typed if len(text) <= DAYS.most_characters), None)
        if days is None:
            raise InputError(
                f"there are {len(saved.at_day)} days to look ahead to, more than fit here; nothing was opened"
            )
        texts["at_day"] = (days,)
    return texts


def _typed(value: float | int | str | bool | None) -> tuple[str, ...]:
    if value is None or value is False:
        return ()
    if value is True:
        return ("yes",)
    return (number_text(value) if isinstance(value, float) else str(value),)
