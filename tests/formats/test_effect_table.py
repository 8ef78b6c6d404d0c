"""A reviewer's own table: headings of four programs, encodings, and one clear line for every bad table."""

from __future__ import annotations

import contextlib
import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from globulin.errors import InputError
from globulin.formats.csv_records import MAX_BYTES
from globulin.formats.effect_forms import FORMS, MEASURES
from globulin.formats.effect_table import EffectTable, read_effect_table
from globulin.formats.results import pooled_document, to_text
from globulin.pages.pooled import MEASURES as MEASURE_WORDS
from globulin.pages.pooled import pooled_view
from globulin.synthesis.own_table import GENERIC, Options, PooledTable, pool_table
from synthesis.references import metafor

COUNT_HEADINGS = {
    "globulin": ("Study", "events1", "n1", "events2", "n2"),
    "metafor": ("slab", "ai", "n1i", "ci", "n2i"),
    "RevMan Web": (
        "Study",
        "Experimental events",
        "Experimental total",
        "Control events",
        "Control total",
    ),
    "Metapsy": ("study", "event_arm1", "totaln_arm1", "event_arm2", "totaln_arm2"),
}
MEAN_HEADINGS = {
    "globulin": ("author", "mean1", "sd1", "n1", "mean2", "sd2", "n2"),
    "metafor": ("slab", "m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"),
    "RevMan Web": (
        *("Study", "Experimental mean", "Experimental SD", "Experimental total"),
        *("Control mean", "Control SD", "Control total"),
    ),
    "Metapsy": ("study", "mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2"),
}
EFFECT_HEADINGS = {
    "globulin": ("trial", "y", "v"),
    "metafor": ("slab", "yi", "vi"),
    "metafor, errors": ("slab", "yi", "sei"),
    "Metapsy": ("study", ".g", ".g_se"),
}


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def csv_text(headings: tuple[str, ...], columns: list[list[Any]], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(headings)
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def pooled(table: EffectTable, **options: Any) -> PooledTable:
    return pool_table(
        table.measure, table.columns, table.effects, table.names, table.lines, Options(**options)
    )


def inputs(name: str, columns: str) -> list[list[Any]]:
    data = metafor()[name]["input"]
    names: list[str] = []
    for label in data["slab"]:
        # one of the published tables has a name twice, which is refused
        names.append(f"{label} (second)" if label in names else label)
    return [names, *(data[column] for column in columns.split())]


# --- agreement with R metafor ------------------------------------------------------------------------


def assert_agrees(table: EffectTable, name: str, measure: str) -> None:
    document = pooled_document(table, pooled(table))
    analysis = metafor()[name]["measures"][measure]["analysis"]
    fit, profile = analysis["fits"]["REML_knha"], analysis["tau2_ci"]["REML_QP"]
    expected = {
        "estimate": fit["beta"],
        "se": fit["se"],
        "ci_lower": fit["ci_lb"],
        "ci_upper": fit["ci_ub"],
        "p_value": fit["pval"],
        "tau2": fit["tau2"],
        "tau2_ci_lower": profile["lb"][0],
        "tau2_ci_upper": profile["ub"][0],
        "i2": fit["I2"],
        "h2": fit["H2"],
        "q": fit["QE"],
        "q_p_value": fit["QEp"],
        "prediction_lower": fit["pi_lb"],
        "prediction_upper": fit["pi_ub"],
        "k": fit["k"],
    }
    assert {key: document[key] for key in expected} == pytest.approx(expected, rel=1e-6, abs=1e-12)
    wald = analysis["fits"]["REML_z"]
    assert (document["wald"]["ci_lower"], document["wald"]["ci_upper"]) == pytest.approx(
        (wald["ci_lb"], wald["ci_ub"]), rel=1e-6
    )
    effects = metafor()[name]["measures"][measure]["escalc"]
    assert [row["estimate"] for row in document["studies"]] == pytest.approx(effects["yi"], rel=1e-6)
    assert sum(row["weight"] for row in document["studies"]) == pytest.approx(1)


@pytest.mark.parametrize("program", COUNT_HEADINGS)
def test_counts_agree_with_metafor(program: str, tmp_path: Path) -> None:
    path = write(tmp_path, csv_text(COUNT_HEADINGS[program], inputs("bcg", "ai n1i ci n2i")))
    assert_agrees(read_effect_table(path), "bcg", "OR")
    assert_agrees(read_effect_table(path, "RR"), "bcg", "RR")


def test_four_cells_agree_with_metafor(tmp_path: Path) -> None:
    names, a, n1, c, n2 = inputs("bcg", "ai n1i ci n2i")
    b, d = ([n - x for x, n in zip(events, sizes, strict=True)] for events, sizes in ((a, n1), (c, n2)))
    path = write(tmp_path, csv_text(("slab", "ai", "bi", "ci", "di"), [names, a, b, c, d]))
    assert_agrees(read_effect_table(path), "bcg", "OR")


@pytest.mark.parametrize("program", MEAN_HEADINGS)
def test_means_agree_with_metafor(program: str, tmp_path: Path) -> None:
    columns = inputs("normand1999", "m1i sd1i n1i m2i sd2i n2i")
    path = write(tmp_path, csv_text(MEAN_HEADINGS[program], columns))
    assert_agrees(read_effect_table(path), "normand1999", "SMD")
    assert_agrees(read_effect_table(path, "MD"), "normand1999", "MD")


@pytest.mark.parametrize("program", EFFECT_HEADINGS)
def test_effects_agree_with_metafor(program: str, tmp_path: Path) -> None:
    names, y, v = inputs("raudenbush1985", "yi vi")
    headings = EFFECT_HEADINGS[program]
    spread = [math.sqrt(value) for value in v] if headings[2].endswith(("se", "sei")) else v
    table = read_effect_table(write(tmp_path, csv_text(headings, [names, y, spread])))
    assert table.measure == ("SMD" if program == "Metapsy" else "GEN")
    assert_agrees(table, "raudenbush1985", "GEN")


@pytest.mark.parametrize(
    ("name", "columns", "measure"),
    [("pritz1997_prop", "xi ni", "PLO"), ("molloy2014_cor", "ri ni", "ZCOR")],
)
def test_one_group_and_correlations_agree_with_metafor(
    name: str, columns: str, measure: str, tmp_path: Path
) -> None:
    path = write(tmp_path, csv_text(("slab", *columns.split()), inputs(name, columns)))
    assert_agrees(read_effect_table(path), name, measure)


def test_rates_agree_with_metafor(tmp_path: Path) -> None:
    columns = inputs("hart1999_irr", "x1i t1i x2i t2i")
    path = write(tmp_path, csv_text(("slab", "x1i", "t1i", "x2i", "t2i"), columns))
    effects = read_effect_table(path).effects
    escalc = metafor()["hart1999_irr"]["measures"]["IRR"]["escalc"]
    np.testing.assert_allclose(effects.y, escalc["yi"], rtol=1e-9)
    np.testing.assert_allclose(effects.v, escalc["vi"], rtol=1e-9)


# --- what papers print instead -----------------------------------------------------------------------

QUANTILE = 2.0930240544082634
"""97.5% point of Student's t with 19 degrees of freedom: the half width of an interval of 20 people."""
N, SD, MEAN1, MEAN2 = 20, 2.0, 6.0, 4.5
SE = SD / math.sqrt(N)
ROW: dict[str, dict[str, float]] = {
    "mean1 sd1 n1 mean2 sd2 n2": {"mean1": MEAN1, "sd1": SD, "n1": N, "mean2": MEAN2, "sd2": SD, "n2": N},
    "mean1 se1 n1 mean2 se2 n2": {"mean1": MEAN1, "se1": SE, "n1": N, "mean2": MEAN2, "se2": SE, "n2": N},
    "interval": {
        "mean1": MEAN1,
        "ci_lower1": MEAN1 - QUANTILE * SE,
        "ci_upper1": MEAN1 + QUANTILE * SE,
        "n1": N,
        "mean2": MEAN2,
        "ci_lower2": MEAN2 - QUANTILE * SE,
        "ci_upper2": MEAN2 + QUANTILE * SE,
        "n2": N,
    },
    "t n1 n2": {"t": (MEAN1 - MEAN2) / (SE * math.sqrt(2)), "n1": N, "n2": N},
    "ti n1i n2i": {"ti": (MEAN1 - MEAN2) / (SE * math.sqrt(2)), "n1i": N, "n2i": N},
    "f direction n1 n2": {"f": (MEAN1 - MEAN2) ** 2 / (2 * SE**2), "direction": 1, "n1": N, "n2": N},
    "md md_se n1 n2": {"md": MEAN1 - MEAN2, "md_se": SE * math.sqrt(2), "n1": N, "n2": N},
    "di n1i n2i": {"di": (MEAN1 - MEAN2) / SD, "n1i": N, "n2i": N},
    "change": {
        "change1": MEAN1,
        "sd_change1": SD,
        "sd_baseline1": SD,
        "n1": N,
        "change2": MEAN2,
        "sd_change2": SD,
        "sd_baseline2": SD,
        "n2": N,
    },
    "change by Metapsy": {
        "mean_change_arm1": MEAN1,
        "sd_change_arm1": SD,
        "n_change_arm1": N,
        "mean_change_arm2": MEAN2,
        "sd_change_arm2": SD,
        "n_change_arm2": N,
    },
    "means by RevMan Web": {
        "Experimental mean": MEAN1,
        "Experimental SD": SD,
        "Experimental N": N,
        "Control mean": MEAN2,
        "Control SD": SD,
        "Control N": N,
    },
    "means by metamedian": {
        "mean.g1": MEAN1,
        "sd.g1": SD,
        "n.g1": N,
        "mean.g2": MEAN2,
        "sd.g2": SD,
        "n.g2": N,
    },
}
G = 0.75 * math.gamma(19) / (math.sqrt(19) * math.gamma(18.5))
"""Hedges g in closed form: a difference of 0.75 SD times J(38)."""
G_VARIANCE = 2 / N + G**2 / (4 * N)


def row_text(rows: list[dict[str, float]]) -> str:
    """Rows under all their headings together, gaps where a row has no such number."""
    headings = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(str(row.get(name, "")) for name in headings) for row in rows]
    return "\n".join([",".join(headings), *lines]) + "\n"


@pytest.mark.parametrize("form", ROW)
def test_what_papers_print_instead_of_standard_deviations(form: str, tmp_path: Path) -> None:
    table = read_effect_table(write(tmp_path, row_text([ROW[form]])), "SMD")
    assert table.effects.y[0] == pytest.approx(G, rel=1e-6)
    assert table.effects.v[0] == pytest.approx(G_VARIANCE, rel=1e-6)
    assert f"= {G:.3f} (standard error {math.sqrt(G_VARIANCE):.3f})" in table.derivation(0).steps[-1]


def test_every_row_may_be_printed_in_its_own_way(tmp_path: Path) -> None:
    forms = [name for name in ROW if " n1 " in f" {name} " or name in ("interval", "change")]
    table = read_effect_table(write(tmp_path, row_text([ROW[form] for form in forms])), "SMD")
    assert table.effects.y == pytest.approx([G] * len(forms), rel=1e-6)
    assert table.effects.v == pytest.approx([G_VARIANCE] * len(forms), rel=1e-6)
    assert set(table.columns) == {"y", "v"}
    assert table.derivation(1).steps[0].startswith("group 1: standard error 0.4472 of 20 people")
    with pytest.raises(IndexError):
        table.derivation(len(forms))
    means = read_effect_table(write(tmp_path, row_text([ROW[form] for form in forms[:3]])), "MD")
    assert means.columns["sd1"] == pytest.approx([SD] * 3, rel=1e-6)
    assert means.effects.y.tolist() == [1.5, 1.5, 1.5]


def test_a_row_without_a_whole_set_is_named_by_its_gap(tmp_path: Path) -> None:
    rows = [ROW["mean1 sd1 n1 mean2 sd2 n2"], ROW["mean1 se1 n1 mean2 se2 n2"]]
    rows.append({**rows[1], "se2": ""})  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"^table\.csv:4: column 'se2': the cell is empty"):
        read_effect_table(write(tmp_path, row_text(rows)))


def test_medians_become_means(tmp_path: Path) -> None:
    """The quartiles of a normal spread lie 0.6745 SD from its mean; equal spreads, so g is J 1.5 / 2."""
    quarter, big = 0.6745 * SD, 2000
    rows = {}
    for group, mean in ((1, MEAN1), (2, MEAN2)):
        rows |= {f"median{group}": mean, f"q1_{group}": mean - quarter, f"q3_{group}": mean + quarter}
        rows |= {f"n{group}": big}
    table = read_effect_table(write(tmp_path, row_text([rows])))
    assert (table.kind, table.measure) == ("medians in two groups", "SMD")
    assert table.effects.y[0] == pytest.approx(0.75, rel=2e-3)
    theirs = {name.replace("median", "med.g").replace("_", ".g"): value for name, value in rows.items()}
    theirs = {(f"n.g{name[1]}" if name in ("n1", "n2") else name): value for name, value in theirs.items()}
    again = read_effect_table(write(tmp_path, row_text([theirs])))
    assert again.effects.y[0] == table.effects.y[0]


@pytest.mark.parametrize(("name", "measure"), [("or", "OR"), ("rr", "RR"), ("irr", "IRR"), ("hr", "HR")])
def test_ratios_with_intervals(name: str, measure: str, tmp_path: Path) -> None:
    text = f"study,{name},{name}_lower,{name}_upper\nA,2,1,4\nB,0.5,0.25,1\n"
    table = read_effect_table(write(tmp_path, text))
    assert table.measure == measure
    assert table.effects.y == pytest.approx([math.log(2), -math.log(2)])
    assert table.effects.v == pytest.approx([(math.log(4) / (2 * 1.959964)) ** 2] * 2, rel=1e-6)
    document = pooled_document(table, pooled(table))
    assert document["bayes"] is not None
    Console(file=io.StringIO()).print(pooled_view(pooled(table), table.file))


def test_counts_and_printed_odds_ratios_stand_in_one_table(tmp_path: Path) -> None:
    text = "study,ai,n1i,ci,n2i,or,or_lower,or_upper\nA,0,10,2,10,,,\nB,,,,,2,1,4\nC,0,9,0,9,,,\n"
    table = read_effect_table(write(tmp_path, text))
    assert (table.measure, table.kind) == ("OR", "counts in two groups and odds ratios with intervals")
    # the first by hand: log(0.5 x 8.5 / (10.5 x 2.5))
    assert table.effects.y == pytest.approx([math.log(4.25 / 26.25), math.log(2), 0.0])
    assert table.effects.corrected.tolist() == [True, False, True]
    assert table.effects.double_zero.tolist() == [False, False, True]
    assert "0.5 was added" in table.derivation(0).steps[1]
    assert "effect" not in table.derivation(1).steps[0]


def test_effects_with_intervals(tmp_path: Path) -> None:
    for headings in ("y,ci_lower,ci_upper", "yi,ci.lb,ci.ub"):
        table = read_effect_table(write(tmp_path, f"{headings}\n1,0.020018,1.979982\n"))
        assert table.measure == "GEN"
        assert table.effects.v[0] == pytest.approx(0.25, rel=1e-5)
    given_ = read_effect_table(write(tmp_path, "y,se\n1,0.5\n"))
    assert given_.derivation(0).steps == ("effect 1.000 (standard error 0.500), as given",)


def test_a_table_of_revman_web_as_it_is_saved(tmp_path: Path) -> None:
    """Columns of one kind of outcome are filled, those of the others are empty or worked out."""
    headings = "Study,Study year,Experimental cases,Experimental N,Control cases,Control N,Experimental mean,"
    headings += "Experimental SD,Control mean,Control SD,GIV Mean,GIV SE,Weight,Mean,CI start,CI end"
    path = write(tmp_path, f"{headings}\nA 1990,1990,4,11,5,12,,,,,,,100,0.8,0.3,2.1\n")
    table = read_effect_table(path)
    assert (table.measure, table.columns["events1"].tolist(), table.years) == ("OR", [4.0], (1990,))
    path = write(tmp_path, f"{headings}\nA 1990,1990,,11,,12,,,,,-0.3,0.2,100,0.8,0.3,2.1\n")
    assert read_effect_table(path).effects.y.tolist() == [-0.3]


# --- what stands beside the numbers ------------------------------------------------------------------


def test_designs_years_and_risk_of_bias_are_kept(tmp_path: Path) -> None:
    text = (
        "study,y,v,Design,Year,rob_overall,ROB_D1 \n"
        "A,1,1,RCT,1990,low,Low\nB,1,1,Non-Randomized,,some concerns,\n"
        "C,1,1,case_series,2001,high,x\nD,1,1,Case report,NA,high,x\nE,1,1,cross-over,1999,low,x\n"
    )
    table = read_effect_table(write(tmp_path, text))
    assert table.designs == ("rct", "non_randomised", "series", "report", "rct")
    assert table.years == (1990, None, 2001, None, 1999)
    assert table.bias == {
        "rob_overall": ("low", "some concerns", "high", "high", "low"),
        "rob_d1": ("Low", "", "x", "x", "x"),
    }
    plain = read_effect_table(write(tmp_path, "y,v\n1,1\n"))
    assert (plain.designs, plain.years, plain.bias) == (None, None, {})


# --- the same table in other clothes -----------------------------------------------------------------

PLAIN = "study,y,v\nMüller 1990,0.5,0.04\nB,-1.25,0.09\n"


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", ";").replace(".", ",").encode(),
        PLAIN.replace(",", "\t").replace(".", ",").encode(),
        PLAIN.rstrip().encode(),
        (PLAIN + "\n,,\n").encode(),
        PLAIN.replace("study,y,v", '"STUDY" , Y ,V').replace('" ,', '",').encode(),
        PLAIN.replace("\nB", '\n"B"').encode(),
    ],
)
def test_delimiters_and_encodings(raw: bytes, tmp_path: Path) -> None:
    table = read_effect_table(write(tmp_path, raw))
    assert table.names == ("Müller 1990", "B")
    assert table.effects.y.tolist() == [0.5, -1.25]
    assert table.effects.v.tolist() == [0.04, 0.09]


def test_rows_without_names_are_numbered_and_other_columns_ignored(tmp_path: Path) -> None:
    table = read_effect_table(write(tmp_path, ",year,Y,V,note\na,1990,1,1,NA\nb,1991,2,1,x\n"))
    assert table.names == ("1", "2")
    assert table.lines == (2, 3)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    table = read_effect_table(write(tmp_path, '\nstudy,y,v\n"two\nlines",1,1\n\nc,2,1\n'))
    assert table.names == ("two lines", "c")
    assert table.lines == (3, 6)


def test_raw_numbers_and_effects_side_by_side_need_a_measure(tmp_path: Path) -> None:
    path = write(tmp_path, "ai,n1i,ci,n2i,yi,vi\n1,9,2,9,7,1\n2,9,1,9,8,1\n")
    assert read_effect_table(path, "GEN").effects.y.tolist() == [7, 8]
    assert read_effect_table(path, "RD").effects.y == pytest.approx([-1 / 9, 1 / 9])
    with pytest.raises(InputError, match=r"say which with --measure, such as OR, GEN$"):
        read_effect_table(path)


def test_empty_columns_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, "ai,n1i,ci,n2i,yi,vi\n1,9,2,9,,\n2,9,1,9,,\n")
    assert read_effect_table(path).measure == "OR"


def test_every_measure_has_words_and_columns() -> None:
    assert set(MEASURE_WORDS) == {*MEASURES, GENERIC}
    assert {name for form in FORMS for name in form.kind.measures} == {*MEASURES, GENERIC}


def test_no_set_of_headings_stands_twice() -> None:
    assert len({form.headings for form in FORMS}) == len(FORMS)


def test_a_larger_set_of_columns_is_meant_before_one_inside_it(tmp_path: Path) -> None:
    path = write(tmp_path, "md,t,n1,n2\n1.5,2,20,20\n")
    assert read_effect_table(path).measure == "MD"
    assert read_effect_table(path).effects.v[0] == pytest.approx(0.75**2)
    assert read_effect_table(path, "SMD").effects.y[0] == pytest.approx(G / 0.75 * 2 * math.sqrt(0.1))


def test_two_ratios_of_one_study_need_a_measure(tmp_path: Path) -> None:
    path = write(tmp_path, "or,or_lower,or_upper,rr,rr_lower,rr_upper\n2,1,4,1.5,1,2.25\n")
    with pytest.raises(InputError, match=r"say which with --measure, such as OR, RR$"):
        read_effect_table(path)
    assert read_effect_table(path, "RR").effects.y[0] == pytest.approx(math.log(1.5))


# --- bad tables --------------------------------------------------------------------------------------

COUNTS = "study,ai,n1i,ci,n2i\nA,1,10,2,10\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (COUNTS + "B,1,-10,2,10\n", "table.csv:3: column 'n1i': must be positive"),
        (COUNTS + "B,-1,10,2,10\n", "table.csv:3: column 'ai': must not be negative"),
        (COUNTS + "B,1,10,12,10\n", "table.csv:3: column 'ci': must not be above n2i"),
        (COUNTS + "B,1,ten,2,10\n", "table.csv:3: column 'n1i': 'ten' is not a number"),
        (COUNTS + "B,1,1_0,2,10\n", "table.csv:3: column 'n1i': '1_0' is not a number"),
        (COUNTS + "B,1,,2,10\n", "table.csv:3: column 'n1i': the cell is empty"),
        (COUNTS + "B,1,NA,2,10\n", "table.csv:3: column 'n1i': 'NA' is no number"),
        (COUNTS + "B,1,nan,2,10\n", "table.csv:3: column 'n1i': 'nan' is not a finite number"),
        (COUNTS + "B,1,inf,2,10\n", "table.csv:3: column 'n1i': 'inf' is not a finite number"),
        (COUNTS + "B,1,1e999,2,10\n", "table.csv:3: column 'n1i': too large or too small"),
        (COUNTS + 'B,1,"1,000",2,10\n', "table.csv:3: column 'n1i': '1,000' could be 1.000 or 1000"),
        (COUNTS + "B,1,10,2\n", "table.csv:3: 4 cells under 5 headings"),
        (COUNTS + "B,1,10,2,10,5\n", "table.csv:3: 6 cells under 5 headings (a decimal comma needs"),
        (COUNTS + "C,1,10,2,10\nA,1,10,2,10\n", "table.csv:4: column 'study': 'A' stands in line 2 already"),
        (COUNTS + ",1,10,2,10\n", "table.csv:3: column 'study': the cell is empty (name the study)"),
        (COUNTS + 'B,1,10,"2,10\n', "table.csv:3: not a table: "),
        (COUNTS.replace(",", "|"), "table.csv:1: one column only, 'study|ai|n1i|ci|n2i' (put commas,"),
        ("study,ai,n1i,ci,n2i\n", "table.csv: no rows below the headings"),
        ("study,ai,n1i,ci,n2i\n,,,,\n", "table.csv: no rows below the headings"),
        ("", "table.csv: the file is empty"),
        (" \n\n", "table.csv: the file is empty"),
        ("study,ai,ai,n1i,ci,n2i\nA,1,1,10,2,10\n", "table.csv:1: the heading 'ai' stands twice"),
        ("study,events,total\nA,1,2\n", "found: 'study', 'events', 'total'; understood: events1, n1, "),
        ("study,ai,bi,ci,di\nA,1,-1,2,3\n", "table.csv:2: column 'bi': must not be negative"),
        ("study,ai,bi,ci,di\nA,0,0,2,3\n", "table.csv:2: column 'ai + bi': must be positive"),
        ("y,v\n1,0\n", "table.csv:2: column 'v': must be positive"),
        ("y,se\n1,-2\n", "table.csv:2: column 'se': must be positive"),
        ("y,v\n1,1e-40\n", "table.csv:2: column 'v': too large or too small"),
        ("y;v\n1,5;1\n1.5;2\n", "table.csv:3: column 'y': '1.5', but line 2 has '1,5' (use one kind)"),
        ("r,n\n1.0,20\n", "table.csv:2: column 'r': must lie strictly between -1 and 1"),
        ("r,n\n.5,3\n", "table.csv:2: column 'n': must be at least 4"),
        ("events,n\n5,3\n", "table.csv:2: column 'events': must not be above n"),
        ("mean1,sd1,n1,mean2,sd2,n2\n1,0,9,1,1,9\n", "table.csv:2: column 'sd1': must be positive"),
        ("x1i,t1i,x2i,t2i\n1,0,1,5\n", "table.csv:2: column 't1i': must be positive"),
        (b"study,y,v\nM\xfcller,1,1\n", "table.csv:2: not UTF-8 text (save the table as CSV, UTF-8)"),
        (b"\x89PNG\r\n\x1a\n\0\0", "table.csv:1: not UTF-8 text"),
        (b"y,v\n\0,1\n", "table.csv:2: not text"),
        ("study,y,v\n".encode("utf-16-le"), "table.csv:1: not text"),
        (b"\xff\xfey", "table.csv:1: not UTF-8 text"),
        (b"y,v\n" + b"1,1\n" * (MAX_BYTES // 4), "table.csv: larger than 20 MB"),
        (f"study,y,v\n{'x' * 200_000},1,1\n", "table.csv:2: not a table: field larger"),
        ("mean1,se1,n1,mean2,se2,n2\n1,1,9,1,0,9\n", "table.csv:2: column 'se2': must be positive"),
        (
            "mean1,ci_lower1,ci_upper1,n1,mean2,ci_lower2,ci_upper2,n2\n1,0,2,9,3,0,2,9\n",
            "table.csv:2: column 'mean2': must lie between ci_lower2 and ci_upper2",
        ),
        (
            "median1,q1_1,q3_1,n1,median2,q1_2,q3_2,n2\n2,1,3,9,2,1,3,9\n2,1,3,9,2,3,1,9\n",
            "table.csv:3: column 'median2': must not be below q1_2",
        ),
        ("t,n1,n2\n2,9,x\n", "table.csv:2: column 'n2': 'x' is not a number"),
        ("f,direction,n1,n2\n2,up,9,9\n", "table.csv:2: column 'direction': 'up' is not a number"),
        (
            "f,direction,n1,n2\n2,0,9,9\n",
            "table.csv:2: column 'direction': must be 1 (group 1 is",
        ),
        ("p,direction,n1,n2\n<0.05,1,9,9\n", "table.csv:2: column 'p': '<0.05' is a bound, not a number"),
        ("p,direction,n1,n2\n0,1,9,9\n", "table.csv:2: column 'p': must be above 0 and at most 1"),
        ("pi,n1i,n2i\n-1.5,9,9\n", "table.csv:2: column 'pi': must be above 0 and at most 1"),
        ("p,n1,n2\n0.1,9,9\n", "table.csv: no set of columns that is understood; found: 'p', 'n1', 'n2'"),
        (
            "or,or_lower,or_upper\n2,1,4\n2,3,4\n",
            "table.csv:3: column 'or': must lie between or_lower and or",
        ),
        ("rr,rr_lower,rr_upper\n2,-1,4\n", "table.csv:2: column 'rr_lower': must be positive (ratio scale"),
        ("yi,ci.lb,ci.ub\n2,3,4\n", "table.csv:2: column 'yi': must lie between ci.lb and ci.ub"),
        (
            "study,y,v,design\nA,1,1,RCT\nB,1,1,survey\n",
            "table.csv:3: column 'design': 'survey' is not a",
        ),
        (
            "study,y,v,design\nA,1,1,RCT\nB,1,1,\n",
            "table.csv:3: column 'design': the cell is empty (say",
        ),
        ("y,v,year\n1,1,1990\n1,1,90\n", "table.csv:3: column 'year': '90' is not a year (four digits"),
    ],
)
def test_a_bad_table_is_one_line_with_its_place(text: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_effect_table(write(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (
            "SMD",
            "--measure SMD: table.csv has counts in two groups (ai, n1i, ci, n2i), for which there is OR",
        ),
        ("XX", "--measure XX: is not one of OR, RR, "),
        ("ROM", "for which there is OR, RR, RD, PETO, AS"),
    ],
)
def test_a_measure_that_does_not_fit_is_answered_with_the_choices(
    measure: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        read_effect_table(write(tmp_path, COUNTS), measure)
    assert words in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^nowhere\.csv: no such file$"):
        read_effect_table(tmp_path / "nowhere.csv")


# --- what is pooled ----------------------------------------------------------------------------------


def test_zero_cells_are_named(tmp_path: Path) -> None:
    text = COUNTS + "B,0,10,2,10\nC,0,10,0,10\nD,10,10,10,10\n"
    document = pooled_document(table := read_effect_table(write(tmp_path, text)), pooled(table))
    assert document["corrected"] == ["B", "C", "D"]
    assert document["without_events"] == ["C"]
    assert document["k"] == 4


def test_studies_without_an_effect_stay_in_the_list(tmp_path: Path) -> None:
    text = "study,y,v\nA,1,1\n"
    table = read_effect_table(write(tmp_path, text))
    table.effects.v[0] = np.inf
    with pytest.raises(ValueError, match="no study has an effect"):
        pooled(table)
    table = read_effect_table(write(tmp_path, text + "B,2,1\nC,3,1\n"))
    table.effects.v[1] = np.nan
    document = pooled_document(table, pooled(table))
    assert (document["k"], document["not_pooled"]) == (2, ["B"])
    assert document["studies"][1]["estimate"] is None
    assert document["studies"][1]["weight"] == 0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("A,0,1\nB,0,1e20\n", "the variances of A and B differ more than 1e+12-fold"),
        ("A,0,1\nB,2e6,1\n", "the effects of A and B lie more than a million standard errors apart"),
    ],
)
def test_numbers_too_far_apart_are_refused(rows: str, words: str, tmp_path: Path) -> None:
    table = read_effect_table(write(tmp_path, "study,y,v\n" + rows))
    with pytest.raises(ValueError, match=words.replace("+", r"\+")):
        pooled(table)


def test_one_study_gives_itself_and_says_so(tmp_path: Path) -> None:
    table = read_effect_table(write(tmp_path, "y,v\n0.5,0.04\n"))
    document = pooled_document(table, pooled(table))
    assert document["ci_lower"] == pytest.approx(0.5 - 1.959963984540054 * 0.2)
    assert document["tau2_ci_upper"] is None
    assert document["message"].startswith("one study: ")


def test_the_prior_is_used_only_where_it_has_a_meaning(tmp_path: Path) -> None:
    path = write(tmp_path, COUNTS + "B,4,10,2,10\n")
    for measure, given_ in (("OR", True), ("RR", True), ("RD", False), ("AS", False)):
        table = read_effect_table(path, measure)
        document = pooled_document(table, pooled(table))
        assert (document["bayes"] is not None) is given_
        assert (document["no_bayes"] == "") is given_


def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    rows = "".join(f"s{i},{i % 31},100,{i % 37},100\n" for i in range(100_000))
    path = write(tmp_path, "study,events1,n1,events2,n2\n" + rows)
    table = read_effect_table(path)
    result = pooled(table)
    text = to_text(pooled_document(table, result))
    Console(file=io.StringIO()).print(pooled_view(result, table.file))
    assert text.count('"study":') == 100_000


def test_a_hundred_thousand_rows_printed_in_two_ways(tmp_path: Path) -> None:
    rows = (
        f"s{i},1.{i % 9},{'2,' if i % 2 else ',.5'},20,1,{'2,' if i % 2 else ',.5'},25"
        for i in range(100_000)
    )
    path = write(tmp_path, "study,mean1,sd1,se1,n1,mean2,sd2,se2,n2\n" + "\n".join(rows) + "\n")
    table = read_effect_table(path)
    assert table.effects.y.size == 100_000
    assert not table.effects.undefined.any()
    assert "sd1 2.236" in table.derivation(99_998).steps[-1]


# --- whatever stands in the file ---------------------------------------------------------------------

CELL = st.sampled_from(
    ["1", "2", "10", "0", "-1", "0.5", "1,5", "", "NA", "x", '"', "1e30", "1e-30", "9" * 30]
)
TABLE = st.builds(
    lambda form, delimiter, rows: "\n".join(
        [delimiter.join(form.headings), *(delimiter.join(row[: len(form.headings)]) for row in rows)]
    ).encode(),
    st.sampled_from(FORMS),
    st.sampled_from([",", ";", "\t"]),
    st.lists(st.lists(CELL, min_size=12, max_size=12), max_size=5),
)
NUMBERS = st.sampled_from(["1", "2", "10", "0", "0.5", "-3", "1e30", "1e-30", "1e15", "-1e30", "4.5"])
NUMERIC = st.builds(
    lambda form, rows: "\n".join(
        [",".join(form.headings), *(",".join(row[: len(form.headings)]) for row in rows)]
    ).encode(),
    st.sampled_from(FORMS),
    st.lists(st.lists(NUMBERS, min_size=12, max_size=12), min_size=1, max_size=4),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | TABLE | NUMERIC, measure=st.sampled_from([None, *MEASURES, GENERIC]))
def test_any_bytes_give_a_result_or_one_line(tmp_path: Path, raw: bytes, measure: str | None) -> None:
    path = write(tmp_path, raw)
    with contextlib.suppress(InputError):
        table = read_effect_table(path, measure)
        if table.effects.undefined.all() or too_far_apart(table):
            return
        result = pooled(table)
        to_text(pooled_document(table, result))
        Console(file=io.StringIO()).print(pooled_view(result, table.file))


def too_far_apart(table: EffectTable) -> bool:
    """Whether the table is refused for the one reason that only shows when the effects are known."""
    try:
        pooled(table)
    except ValueError as problem:
        return "which cannot be computed with" in str(problem)
    return False
