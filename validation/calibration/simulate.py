"""Runs the coverage study and writes results.json and the tables of README.md.

    python -m validation.calibration.simulate            # all, in two processes: a minute or two
    python -m validation.calibration.simulate --tables   # the tables again, from results.json

Run it from the repository root. The seed is fixed: another machine gives the same results, but for intervals
that end on the truth to the last digit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from validation.calibration import coverage, half_reported
from validation.calibration.coverage import (
    AVERAGED,
    CELLS,
    CLASSICAL,
    EQUAL,
    ESTIMATED,
    EVERY,
    KNOWN,
    SPREADS,
    STUDIES,
    Cell,
    primary,
)
from validation.calibration.draw import SEED
from validation.ledger import filled, table

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results.json", FOLDER / "README.md"


def results() -> dict[str, Any]:
    """Everything anew."""
    with ProcessPoolExecutor(2) as workers:
        half = workers.map(half_reported.run, range(len(half_reported.TRUTHS)))
        whole = workers.map(coverage.run, range(len(CELLS)))
        return {
            "seed": SEED,
            "cells": {cell.name: found for cell, found in zip(CELLS, whole, strict=True)},
            "half reported": list(half),
            "against the grain": half_reported.against_the_grain(),
        }


def percent(counts: Mapping[str, Any]) -> str:
    """Coverage in percent with its Monte Carlo standard error."""
    share = counts["held"] / counts["replicates"]
    return f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / counts['replicates']):.1f}"


def blocks(found: Mapping[str, Any]) -> dict[str, str]:
    """The generated parts of the README by name."""
    cells = found["cells"]
    return {
        "coverage": by_method(cells, percent),
        "width": by_method(cells, lambda counts: f"{counts['median width']:.2f}"),
        "estimated": by_spread(cells, ESTIMATED),
        "averaged": averaged(cells),
        "equal": table(("k", "HKSJ"), ((cell.k, percent(cells[cell.name]["HKSJ"])) for cell in EQUAL)),
        "half reported": by_reading(found["half reported"]),
        "against the grain": table(
            ("", "mean effect", "median of tau"),
            ((name, signed(row["mean"], 3), row["tau"]) for name, row in found["against the grain"].items()),
        ),
    }


def by_method(cells: Mapping[str, Any], show: Callable[[Mapping[str, Any]], str]) -> str:
    """One row for each number of trials and spread; the method that the policy puts first is bold."""

    def row(cell: Cell) -> Iterable[object]:
        here = cells[cell.name]
        shown = (show(here[name]) if name in here else "—" for name in EVERY)
        bold = (
            f"**{text}**" if name == primary(cell.k) else text
            for name, text in zip(EVERY, shown, strict=True)
        )
        return (cell.k, cell.tau, *bold)

    return table(("k", "true tau", *EVERY), map(row, KNOWN))


def by_spread(cells: Mapping[str, Any], shown: list[Cell]) -> str:
    """The primary method alone: one row for each number of trials."""
    rows = (
        (k, primary(k), *(percent(cells[cell.name][primary(k)]) for cell in shown if cell.k == k))
        for k in STUDIES
    )
    return table(("k", "method", *(f"true tau {tau}" for tau in SPREADS)), rows)


def averaged(cells: Mapping[str, Any]) -> str:
    """Coverage where tau, and the mean for the vague prior, are drawn from the priors."""
    rows = (
        (
            cell.k,
            "from its vague prior" if cell.mu is None else f"always {cell.mu}",
            cell.methods[0],
            *(percent(cells[cell.name][name]) for name in cell.methods),
        )
        for cell in AVERAGED
    )
    return table(("k", "mean effect", "method", "its coverage", *CLASSICAL), rows)


def by_reading(found: list[Mapping[str, Any]]) -> str:
    """One row for each truth and reading."""
    rows = []
    for truth, here in zip(half_reported.TRUTHS, found, strict=True):
        words = "from the priors" if truth.mu is None else f"mean {truth.mu}, tau {truth.tau}"
        silent = f"{100 * here['no number printed'] / here['replicates']:.0f}%"
        for reading, counts in here["readings"].items():
            error, width = signed(counts["mean error"], 2), f"{counts['median width']:.2f}"
            rows.append((words, silent, reading, error, percent(counts), width))
    head = ("truth", "no number at all", "reading", "mean error of the median", "coverage", "median width")
    return table(head, rows)


def signed(value: float, digits: int) -> str:
    """A number with its sign."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def main() -> None:
    """Run what was asked for and write the README."""
    if "--tables" not in sys.argv:
        RESULTS.write_text(json.dumps(results(), indent=1) + "\n", encoding="utf-8")
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    README.write_text(filled(README.read_text(encoding="utf-8"), blocks(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
