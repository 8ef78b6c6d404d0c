"""A population as JSON and CSV: quantiles over one interval and over time, and who reaches a target."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from globulin.exposure.population import Population

_INTERVAL = {"trough": "cmin_g_per_l", "average": "cavg_g_per_l", "peak": "cmax_g_per_l"}


def population_text(asked: dict[str, Any], answers: Sequence[Population]) -> str:
    """What `globulin simulate --people --json` prints: what was asked, then the answer of each model."""
    document = {
        "notice": "globulin informs; it does not prescribe.",
        "asked": asked,
        "models": [_model(answer) for answer in answers],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def population_rows(answers: Sequence[Population]) -> str:
    """The same as CSV: a row for each model (members of an average too), day and quantile."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "day", "probability", "total_g_per_l", "people", "quantile_error"])
    for answer in (each for top in answers for each in (top, *top.members)):
        if answer.message is not None:
            continue
        for probability, row in zip(answer.probabilities, answer.band.tolist(), strict=True):
            for day, level in zip(answer.day.tolist(), row, strict=True):
                writer.writerow([answer.model, day, probability, level, answer.people, answer.error])
    return text.getvalue()


def _model(answer: Population) -> dict[str, Any]:
    """One model's answer, quantiles as lists in the order of `probabilities`."""
    document: dict[str, Any] = {
        "model": answer.model,
        "name": answer.name,
        "kind": answer.kind,
        "people": answer.people,
        "people_outside": answer.people_outside,
        "probabilities": list(answer.probabilities),
        **{_INTERVAL[name]: values.tolist() for name, values in answer.interval.items()},
        "reached": [asdict(each) for each in answer.reached],
        "quantile_error": answer.error,
        "band": [
            {"day": day, "total_g_per_l": levels}
            for day, levels in zip(answer.day.tolist(), answer.band.T.tolist(), strict=True)
        ]
        if answer.message is None
        else [],
        "flags": list(answer.flags),
        "sources": list(answer.sources),
    }
    optional = {"message": answer.message, "weight": answer.weight}
    document |= {name: value for name, value in optional.items() if value is not None}
    if answer.members:
        document["members"] = [_model(member) for member in answer.members]
    return document
