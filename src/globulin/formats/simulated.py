"""A simulation as JSON and as CSV: one object, or one row for each day, by model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from globulin.exposure.results import Exposure, Simulated

_EXPOSURE = tuple(field.name for field in fields(Exposure))
_LEVEL = ("day", "total_g_per_l", "endogenous_g_per_l", "autoantibody_fraction")

People = Sequence[tuple[str | None, Sequence[Simulated]]]
"""Answers by person; one person without a name, or as many as a table of doses has."""


def simulated_text(asked: dict[str, Any], people: People) -> str:
    """What `globulin simulate --json` prints: what was asked, then the answer of each model.

    Several people of a table of doses stand under `people`, each with their models.
    """
    answers = [(name, [_model(answer) for answer in found]) for name, found in people]
    head = {"notice": "globulin informs; it does not prescribe.", "asked": asked}
    if len(answers) == 1:
        document = {**head, "models": answers[0][1]}
    else:
        document = {**head, "people": [{"id": name, "models": models} for name, models in answers]}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def simulated_rows(people: People) -> str:
    """The same as CSV: a row for each person, model and day; without days, for each person and model."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "model", *_EXPOSURE, *_LEVEL, "low_g_per_l", "high_g_per_l", "flags"])
    for name, answers in people:
        for answer in answers:
            exposure = [getattr(answer.exposure, part) if answer.exposure else "" for part in _EXPOSURE]
            head = ["" if name is None else name, answer.model, *exposure]
            flags = "; ".join(_flags(answer))
            if not answer.at:
                writer.writerow([*head, *[""] * (len(_LEVEL) + 2), flags])
            for index, level in enumerate(answer.at):
                values = [getattr(level, part) for part in _LEVEL]
                band = (
                    [answer.at_band[index].low_g_per_l, answer.at_band[index].high_g_per_l]
                    if answer.at_band
                    else ["", ""]
                )
                writer.writerow([*head, *("" if value is None else value for value in values), *band, flags])
    return text.getvalue()


def _flags(answer: Simulated) -> list[str]:
    """What was assumed; of an average, what only some members assume stands after their names."""
    about = answer.all_flags().items()
    return [flag if models == (answer.model,) else f"{', '.join(models)}: {flag}" for flag, models in about]


def _model(answer: Simulated) -> dict[str, Any]:
    """One model's answer, its five numbers at the top."""
    document = {**asdict(answer), "flags": _flags(answer)}
    exposure = document.pop("exposure") or dict.fromkeys(_EXPOSURE)
    first = {name: document.pop(name) for name in ("model", "name", "kind")}
    members = [_model(member) for member in answer.members]
    rest = {name: value for name, value in document.items() if value not in (None, (), [])}
    always = {name: document[name] for name in ("baseline_g_per_l", "interval_day", "at", "flags", "sources")}
    return {**first, **exposure, **always, **rest, **({"members": members} if members else {})}
