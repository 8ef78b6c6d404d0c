"""The dose for a target as JSON and CSV, with what else goes with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from globulin.exposure.dose_needed import DoseNeeded
from globulin.exposure.regimen_changes import DoseAnswers, Labelled
from globulin.exposure.results import Exposure

_EXPOSURE = tuple(field.name for field in fields(Exposure))
_ROW = ("model", "target", "target_g_per_l", "dose_g", "dose_g_per_kg", "interval_day")


def dose_text(asked: dict[str, Any], answers: Sequence[DoseAnswers], labelled: Sequence[Labelled]) -> str:
    """What `globulin dose-for --json` prints."""
    document: dict[str, Any] = {
        "notice": "globulin informs; it does not prescribe.",
        "asked": asked,
        "models": [
            {
                **_needed(each.needed),
                "settling": [asdict(found) for found in each.settling],
                "splits": [asdict(found) for found in each.splits],
                "switches": [asdict(found) for found in each.switches],
            }
            for each in answers
        ],
    }
    if labelled:
        document["labelled_conversions"] = [asdict(each) for each in labelled]
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def dose_rows(answers: Sequence[DoseAnswers]) -> str:
    """The same as CSV: a row for each model and each member of an average."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_ROW, *_EXPOSURE, "share", "people", "between_low", "between_high", "message"])
    for needed in (each for top in answers for each in (top.needed, *top.needed.members)):
        exposure = needed.at_dose.exposure if needed.at_dose else None
        between = needed.between or ("", "")
        cells = [
            *(getattr(needed, name) for name in _ROW),
            *(getattr(exposure, name) if exposure else None for name in _EXPOSURE),
            needed.share,
            needed.people,
            *between,
            needed.message,
        ]
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def _needed(answer: DoseNeeded) -> dict[str, Any]:
    exposure = answer.at_dose.exposure if answer.at_dose else None
    document: dict[str, Any] = {
        "model": answer.model,
        "name": answer.name,
        "kind": answer.kind,
        **{name: getattr(answer, name) for name in _ROW[1:]},
        **(asdict(exposure) if exposure else dict.fromkeys(_EXPOSURE)),
        "message": answer.message,
        "flags": list(answer.flags),
        "sources": list(answer.sources),
    }
    band = answer.at_dose.band if answer.at_dose else None
    optional = {
        "share": answer.share,
        "people": answer.people,
        "between": list(answer.between) if answer.between else None,
        "band": asdict(band) if band else None,
        "weight": answer.weight,
    }
    document |= {name: value for name, value in optional.items() if value is not None}
    if answer.members:
        document["members"] = [_needed(member) for member in answer.members]
    return document
