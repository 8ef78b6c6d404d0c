"""Dose tables as people and NONMEM write them, and faults said with their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from globulin.errors import InputError
from globulin.exposure.history import History
from globulin.formats.dose_table import DoseTable, read_dose_table


def read(tmp_path: Path, text: str, route: str = "iv", encoding: str = "utf-8") -> DoseTable:
    path = tmp_path / "doses.csv"
    path.write_text(text, encoding=encoding)
    return read_dose_table(path, route=route)


def only(table: DoseTable) -> History:
    ((name, doses),) = table.people
    assert name is None
    return doses


def test_nonmem_columns_mean_what_they_mean_there(tmp_path: Path) -> None:
    doses = only(read(tmp_path, "TIME,AMT,RATE,ROUTE,II,ADDL,SS\n0,28,112,iv,28,2,1\n100,14,.,sc,.,.,.\n"))
    np.testing.assert_array_equal(doses.day, [0.0, 28.0, 56.0, 100.0])
    np.testing.assert_array_equal(doses.infusion_day, [0.25, 0.25, 0.25, 0.0])
    np.testing.assert_array_equal(doses.rate_fixed, [True, True, True, False])
    np.testing.assert_array_equal(doses.steady_interval_day, [28.0, 0.0, 0.0, 0.0])
    assert doses.routes == ("iv", "sc")


def test_a_duration_or_nothing(tmp_path: Path) -> None:
    doses = only(read(tmp_path, "time,amt,dur\n0,28,0.5\n7,28,0\n14,28,\n"))
    np.testing.assert_array_equal(doses.infusion_day, [0.5, 0.0, 0.25])


def test_a_rate_of_nothing_is_at_once_and_an_empty_one_as_is_usual(tmp_path: Path) -> None:
    doses = only(read(tmp_path, "TIME,AMT,RATE\n0,28,0\n7,28,\n"))
    np.testing.assert_array_equal(doses.infusion_day, [0.0, 0.25])


def test_without_a_route_it_is_the_one_asked_for(tmp_path: Path) -> None:
    assert only(read(tmp_path, "TIME,AMT\n0,7\n", route="sc")).routes == ("sc",)
    assert only(read(tmp_path, "TIME,AMT,ROUTE\n0,7,\n", route="im")).routes == ("im",)


def test_people_are_told_apart_and_levels_passed_over(tmp_path: Path) -> None:
    table = read(
        tmp_path, "ID,TIME,AMT,DV,WT\nb,0,28,.,70\nb,20,.,9.1,70\na,0,7,.,60\nb,28,28,.,70\na,9,0,5,60\n"
    )
    assert [name for name, _ in table.people] == ["b", "a"]
    np.testing.assert_array_equal(table.people[0][1].day, [0.0, 28.0])
    np.testing.assert_array_equal(table.people[1][1].day, [0.0])


def test_semicolons_with_decimal_commas_and_utf_16(tmp_path: Path) -> None:
    text = "Time;Amt;Route\n0;0,33;im\n7,5;0,33;IM\n"
    for encoding in ("utf-8-sig", "utf-16"):
        doses = only(read(tmp_path, text, encoding=encoding))
        np.testing.assert_array_equal(doses.day, [0.0, 7.5])
        np.testing.assert_array_equal(doses.dose_g, 0.33)


FAULTS = [
    ("", "doses.csv: the file is empty"),
    ("TIME,AMT\n", "doses.csv: no rows below the headings"),
    ("DAY,GRAMS\n0,1\n", "doses.csv:1: no column TIME (found 'day', 'grams'; understood: ID TIME AMT"),
    ("TIME,AMT,TIME\n0,1,2\n", "doses.csv:1: the heading 'time' stands twice"),
    ("TIME,AMT,RATE,DUR\n0,1,1,1\n", "doses.csv:1: RATE and DUR say the same thing"),
    ("TIME,AMT\n0,1,2\n", "doses.csv:2: 3 cells under 2 headings"),
    ("TIME,AMT\n0,28 g\n", "doses.csv:2: column AMT: '28 g' is not a number"),
    ("TIME,AMT\n0,nan\n", "doses.csv:2: column AMT: 'nan' is not a number"),
    ("TIME,AMT\n.,28\n", "doses.csv: TIME must be finite"),
    ("TIME,AMT\n0,.\n", "doses.csv: no row has an amount"),
    ("TIME,AMT\n0,-28\n", "doses.csv:2: AMT must be above 0"),
    ("TIME,AMT\n0,28000\n", "doses.csv:2: AMT must be above 0 and at most 2000"),
    ("TIME,AMT\n0,1\n\n9,1\n7,1\n", "doses.csv:5: TIME must be in order"),
    ("TIME,AMT,ROUTE\n0,1,po\n", "doses.csv:2: column ROUTE: 'po': must be one of iv, sc, fsc, im"),
    ("TIME,AMT,SS,II\n0,1,2,7\n", "doses.csv:2: column SS: 2: must be 0 or 1"),
    ("TIME,AMT,SS\n0,1,1\n", "doses.csv:2: II is needed for repeated doses"),
    ("TIME,AMT,ADDL\n0,1,3\n", "doses.csv:2: II is needed for repeated doses"),
    ("TIME,AMT,II\n0,1,-7\n", "doses.csv: II must be at least 0"),
    ("TIME,AMT,RATE\n0,1,-2\n", "doses.csv: RATE must be at least 0"),
    ('TIME,AMT\n0,"1\n', "doses.csv:2: not a table"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS, ids=[message[:50] for _, message in FAULTS])
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_are_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "doses.csv"
    path.write_bytes(b"TIME,AMT\n0,\xff\xfa\n")
    with pytest.raises(InputError, match=r"doses\.csv:2: not UTF-8 text"):
        read_dose_table(path)
    with pytest.raises(InputError, match=r"gone\.csv: no such file"):
        read_dose_table(tmp_path / "gone.csv")
