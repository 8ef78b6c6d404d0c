"""Reads the pinned reference numbers (R metafor 5.1-12 and bayesmeta 3.4) into arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

TRUTH = Path(__file__).parent.parent / "truth"

COLUMNS = {
    "ai": "events1", "ci": "events2", "n1i": "n1", "n2i": "n2",
    "m1i": "mean1", "sd1i": "sd1", "m2i": "mean2", "sd2i": "sd2",
    "xi": "events", "ni": "n", "ri": "r",
    "x1i": "events1", "t1i": "time1", "x2i": "events2", "t2i": "time2",
}  # fmt: skip


class Analysis(NamedTuple):
    name: str
    y: np.ndarray
    v: np.ndarray
    reference: dict[str, Any]


@cache
def metafor() -> dict[str, Any]:
    return json.loads((TRUTH / "metafor_open.json").read_text())["datasets"]


@cache
def bayesmeta() -> dict[str, Any]:
    return json.loads((TRUTH / "bayesmeta_open.json").read_text())["datasets"]


def columns_of(dataset: dict[str, Any]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The columns without studies that lack a number, and which studies were kept."""
    columns = {
        COLUMNS[name]: np.array(values, dtype=float)
        for name, values in dataset["input"].items()
        if name in COLUMNS
    }
    complete = ~np.any([np.isnan(column) for column in columns.values()], axis=0)
    return {name: column[complete] for name, column in columns.items()}, complete


def analyses() -> Iterator[Analysis]:
    """Every effect and variance table that metafor pooled."""
    for name, dataset in metafor().items():
        for measure, entry in (dataset.get("measures") or {}).items():
            if "analysis" not in entry:
                continue
            y, v = (np.array(entry["escalc"][column], dtype=float) for column in ("yi", "vi"))
            kept = np.array(entry["kept"]) - 1 if "kept" in entry else np.arange(y.size)
            y, v = y[kept], v[kept]
            complete = ~np.isnan(y)
            yield Analysis(f"{name}/{measure}", y[complete], v[complete], entry["analysis"])
    for name, case in metafor()["edge_cases"]["cases"].items():
        y, v = (np.atleast_1d(np.array(case["input"][column], dtype=float)) for column in ("yi", "vi"))
        yield Analysis(f"edge/{name}", y, v, case["analysis"])
