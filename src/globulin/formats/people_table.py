"""People from CSV: WEIGHT_KG, and where known HEIGHT_CM, SEX, AGE_YEAR and BASELINE_G_PER_L, one row each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from globulin.errors import InputError
from globulin.exposure.models import BODY, Person
from globulin.formats.csv_records import read_records, shown

COLUMNS = ("weight_kg", "height_cm", "sex", "age_year", "baseline_g_per_l", "igm_g_per_l")
"""Headings that are read, in any order and in capital or small letters; others are passed over."""

_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


def read_people(path: Path) -> Person:
    """Read a table of people; every field is one value per row.

    A column must have a value in every row. Raises InputError, one line with file, line and column, for
    anything that cannot be used.
    """
    records = read_records(path)
    if "weight_kg" not in records.headings:
        raise InputError(f"{records.file}:1: no column WEIGHT_KG (understood: {' '.join(COLUMNS).upper()})")
    fields: dict[str, Any] = {}
    for name, (low, high) in BODY.items():
        cells = records.column(name)
        if cells is None:
            continue
        values = np.array([records.number(row, name, cell) for row, cell in enumerate(cells)])
        wrong = np.flatnonzero((values < low) | (values > high))
        if wrong.size:
            row = int(wrong[0])
            records.fail(row, name, f"{values[row]:g} must be between {low:g} and {high:g}")
        fields[name] = values
    sexes = records.column("sex")
    if sexes is not None:
        for row, cell in enumerate(sexes):
            if cell.lower() not in _SEXES:
                records.fail(row, "sex", f"{shown(cell)} must be female or male")
        fields["sex"] = np.array([_SEXES[cell.lower()] for cell in sexes])
    return Person(**fields)
