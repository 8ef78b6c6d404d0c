"""One person's fit as JSON and as CSV: one object, or one row for each parameter, level and day ahead."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from globulin.exposure.individual_results import Individualised, ModelFit, Spread

_COLUMNS = (
    "part", "model", "weight", "name", "unit", "day", "measured", "best", "median",
    "low50", "high50", "low95", "high95", "fits", "near_infusion", "below_limit",
)  # fmt: skip


def individual_text(asked: dict[str, Any], found: Individualised) -> str:
    """What `globulin individualise --json` prints: what was asked, each model's fit, the levels ahead."""
    document = {"notice": "globulin informs; it does not prescribe.", "asked": asked, **asdict(found)}
    # days to be drawn are for the chart
    del document["followed"]
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def individual_rows(found: Individualised) -> str:
    """The same as CSV; `part` is parameter, level or forecast, and a forecast is of all models together.

    Of a level, `best` is the fitted one, and the bounds are what the other levels predict for it.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for fitted in found.models:
        writer.writerows(_of_model(fitted))
    for ahead in found.forecast:
        spread = _spread(ahead.level_g_per_l)
        writer.writerow({"part": "forecast", "name": "total", "unit": "g/L", "day": ahead.day, **spread})
    return text.getvalue()


def _of_model(fitted: ModelFit) -> Iterator[dict[str, Any]]:
    head = {"model": fitted.model, "weight": fitted.weight}
    for estimate in fitted.estimates:
        row = {"part": "parameter", **head, "name": estimate.parameter, "unit": estimate.unit}
        yield {**row, "best": _cell(estimate.most_probable), **_spread(estimate.plausible)}
    for level in fitted.levels:
        yield {
            "part": "level",
            **head,
            "name": "total",
            "unit": "g/L",
            "day": level.day,
            "measured": level.g_per_l,
            "best": _cell(level.predicted_g_per_l),
            "low95": _cell(level.low95_g_per_l),
            "high95": _cell(level.high95_g_per_l),
            "fits": int(level.fits),
            "near_infusion": int(level.near_infusion),
            "below_limit": int(level.below_limit),
        }


def _spread(spread: Spread | None) -> dict[str, float]:
    return {} if spread is None else asdict(spread)


def _cell(value: float | None) -> float | str:
    return "" if value is None else value
