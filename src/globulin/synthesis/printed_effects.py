"""An effect from any set of numbers that papers print of two groups: the one door to all conversions.

A form is a set of columns, one value a study; `FORMS` lists them. What does not fit a form is refused, never
filled in. The columns that `effect_size` takes, and ``y v``, pass through as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias, cast

import numpy as np

from globulin.synthesis.columns import ColumnError, finite, require, require_two_groups
from globulin.synthesis.derivations import Converted, Mask, Note
from globulin.synthesis.effects import (
    CORRECTION,
    EffectSizes,
    Measure,
    effect_size,
    log_ratio_from_interval,
    smd_from_t,
    smd_of_changes,
    t_from_p,
    variance_from_interval,
)
from globulin.synthesis.measures import Array, mean_difference, standardised_difference
from globulin.synthesis.printed import (
    GROUP_COLUMNS,
    OFF_CENTRE,
    IntervalBy,
    group_summary,
    off_centre,
    raw_sd_from_change,
    sd_from_difference_interval,
    sd_from_difference_p,
    sd_from_difference_se,
    sd_from_difference_t,
    sd_of_change,
)

Columns: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Printed:
    """How the intervals of a form were made: their level, and the distribution where it matters."""

    level: float = 0.95
    by: IntervalBy = "t"


class Form(NamedTuple):
    """One set of columns and the measures that can be had from it; none named: whichever it is said to be."""

    columns: tuple[str, ...]
    measures: tuple[str, ...]
    read: Callable[[str, Columns, Printed], Converted]


def printed_effect(measure: str, columns: Columns, printed: Printed | None = None) -> Converted:
    """Effects `y` and variances `v` of `measure` from the columns of any form, with their derivation.

    Raises ColumnError, with the column and the position, where a value cannot be.
    """
    got = printed_columns(measure, columns, printed)
    if got.notes and "y" in got.numbers:
        return got
    if "y" in got.numbers:
        step = "effect {y:.3f} (standard error {se:.3f}), as given"
        note = Note(step, {"y": got["y"], "se": np.sqrt(got["v"])})
        return Converted(got.numbers, (note,))
    sizes = effect_size(cast(Measure, measure), correction=CORRECTION, **got.numbers)
    return Converted({"y": sizes.y, "v": sizes.v}, (*got.notes, _effect_note(measure, got, sizes)))


def printed_columns(measure: str, columns: Columns, printed: Printed | None = None) -> Converted:
    """The columns that `effect_size` takes, or `y` and `v` where a form gives the effect itself."""
    data = dict(zip(columns, finite(**columns), strict=True))
    for form in FORMS:
        if set(form.columns) == set(data) and (not form.measures or measure in form.measures):
            return form.read(measure, data, printed or Printed())
    return Converted(data)


_HOW = {
    "SMD": "Hedges' g = J x difference of means / pooled SD, J the small-sample factor (Hedges 1981)",
    "MD": "difference of means",
    "OR": "log odds ratio",
    "RR": "log risk ratio",
}


def _effect_note(measure: str, columns: Converted, sizes: EffectSizes) -> Note:
    given = ", ".join(f"{name} {{{name}:.4g}}" for name in columns.numbers)
    numbers = {**columns.numbers, "y": sizes.y, "se": np.sqrt(sizes.v)}
    step = f"{given}: {_HOW.get(measure, measure)} = {{y:.3f}} (standard error {{se:.3f}})"
    cautions = (
        (sizes.corrected, f"caution: an empty cell, so {CORRECTION:g} was added to every cell of this study"),
        (
            sizes.double_zero,
            "caution: nobody, or everybody, in both groups had the event, which says nothing of a ratio",
        ),
    )
    return Note(step, numbers, (), cautions)


# --- two groups, each summarised -------------------------------------------------------------------

_GROUP_NAMES = {"lower": "ci_lower", "upper": "ci_upper", "minimum": "min", "maximum": "max"}


def group_column(name: str, group: int) -> str:
    """The column of a group's number in a table: `sd` of group 1 is `sd1`, `q1` is `q1_1`."""
    base = _GROUP_NAMES.get(name, name)
    return f"{base}_{group}" if base[-1].isdigit() else f"{base}{group}"


def _two_groups(names: tuple[str, ...], _measure: str, columns: Columns, printed: Printed) -> Converted:
    numbers: dict[str, Array] = {}
    notes: tuple[Note, ...] = ()
    for group in (1, 2):
        own = {name: group_column(name, group) for name in names}
        with _Renamed(own):
            got = group_summary(
                level=printed.level, by=printed.by, **{name: columns[own[name]] for name in names}
            )
        numbers |= {f"{name}{group}": got[name] for name in ("mean", "sd", "n")}
        notes += got.labelled(f"group {group}").notes
    return Converted(numbers, notes)


class _Renamed:
    """Says a fault inside by the columns of the table instead of the names of a conversion."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, ColumnError):
            rule = re.sub(r"\w+", lambda word: self.names.get(word[0], word[0]), fault.rule)
            raise ColumnError(self.names.get(fault.column, fault.column), rule, fault.position) from fault


# --- changes in two groups -------------------------------------------------------------------------


def _changes(measure: str, columns: Columns, _printed: Printed) -> Converted:
    """Changes, with whatever of their spread was not printed got by the stated correlation."""
    data, notes = dict(columns), list[Note]()
    for group in (1, 2):
        if f"change{group}" not in data:
            data[f"change{group}"] = data[f"final{group}"] - data[f"baseline{group}"]
        own = {name: f"{name}{group}" for name in ("sd_baseline", "sd_final", "sd_change")}
        with _Renamed(own):
            if own["sd_change"] not in data:
                got = sd_of_change(data[own["sd_baseline"]], data[own["sd_final"]], data["r"])
                data[own["sd_change"]] = got["sd"]
                notes += got.labelled(f"group {group}").notes
            if own["sd_baseline"] not in data and "r" in data:
                got = raw_sd_from_change(data[own["sd_change"]], data["r"])
                data[own["sd_baseline"]] = got["sd"]
                notes += got.labelled(f"group {group}").notes
    return change_effect(measure, data, tuple(notes))


def change_effect(measure: str, columns: Columns, before: tuple[Note, ...] = ()) -> Converted:
    """SMD or MD of changes with their SDs; the SMD in units of the score, or of the change where need be."""
    names = ("change1", "sd_change1", "n1", "change2", "sd_change2", "n2")
    change1, sd1, n1, change2, sd2, n2 = (columns[name] for name in names)
    step = "mean change {change1:.4g} of {n1:g} people, {change2:.4g} of {n2:g} people: "
    numbers = {name: columns[name] for name in names}
    how = "Hedges' g = J x difference of the changes / pooled SD"
    assumptions: tuple[str, ...] = ()
    for name in ("sd_change1", "sd_change2"):
        require(columns[name] > 0, name, "must be positive")
    if measure == "MD":
        y, v = mean_difference(change1, sd1, n1, change2, sd2, n2)
        step += "difference of the changes"
    elif "sd_baseline1" in columns:
        with _Renamed({"sd_raw1": "sd_baseline1", "sd_raw2": "sd_baseline2"}):
            raw1, raw2 = columns["sd_baseline1"], columns["sd_baseline2"]
            y, v = smd_of_changes(change1, sd1, raw1, n1, change2, sd2, raw2, n2)
        step += f"{how} of the score (Becker 1988)"
    else:
        require_two_groups(n1, n2)
        y, v = standardised_difference(change1, sd1, n1, change2, sd2, n2)
        step += f"{how} of the change"
        assumptions = (_CHANGE_UNITS,)
    return _effect(step, numbers, y, v, before=before, assumptions=assumptions)


_CHANGE_UNITS = (
    "an effect in units of the change may stand beside effects in units of the score, which is so only where"
    " the correlation of scores before and after is 0.5"
)


# --- a test, a difference, an interval -------------------------------------------------------------

_STUDENT = "two independent groups with equal spread, compared by Student's t test"


def _effect(
    step: str,
    numbers: Columns,
    y: Array,
    v: Array,
    *,
    assumptions: tuple[str, ...] = (),
    before: tuple[Note, ...] = (),
    off: Mask | None = None,
) -> Converted:
    """Effects with a last note; `off` marks intervals that do not surround their estimate evenly."""
    whole = {**numbers, "y": y, "se": np.sqrt(v)}
    cautions = () if off is None else ((off, OFF_CENTRE),)
    note = Note(f"{step} = {{y:.3f}} (standard error {{se:.3f}})", whole, assumptions, cautions)
    return Converted({"y": y, "v": v}, (*before, note))


def _from_t(_measure: str, columns: Columns, _printed: Printed) -> Converted:
    t, n1, n2 = columns["t"], columns["n1"], columns["n2"]
    return _from_tested("t = {t:.4g}", t, n1, n2, {})


def _from_f(_measure: str, columns: Columns, _printed: Printed) -> Converted:
    f, direction = columns["f"], columns["direction"]
    require(f >= 0, "f", "must not be negative")
    require(np.abs(direction) == 1, "direction", "must be 1 (group 1 is higher) or -1")
    t = direction * np.sqrt(f)
    words = "F = {f:.4g} with one numerator degree of freedom, t = {t:.4g}"
    return _from_tested(words, t, columns["n1"], columns["n2"], {"f": f})


def _from_p(_measure: str, columns: Columns, _printed: Printed) -> Converted:
    p, direction, n1, n2 = columns["p"], columns["direction"], columns["n1"], columns["n2"]
    require(np.abs(direction) == 1, "direction", "must be 1 (group 1 is higher) or -1")
    require(n1 + n2 > 2, "n1", "n1 + n2 must be above 2")
    t = direction * t_from_p(p, n1 + n2 - 2)
    return _from_tested("p = {p:.4g} exactly, t = {t:.4g}", t, n1, n2, {"p": p})


def _from_signed_p(measure: str, columns: Columns, printed: Printed) -> Converted:
    signed = columns["signed_p"]
    with _Renamed({"p": "signed_p"}):
        unsigned = {"p": np.abs(signed), "direction": np.where(signed < 0, -1.0, 1.0)}
        return _from_p(measure, {**columns, **unsigned}, printed)


def _from_d(_measure: str, columns: Columns, _printed: Printed) -> Converted:
    d, n1, n2 = columns["d"], columns["n1"], columns["n2"]
    require((n1 > 0) & (n2 > 0), "n1", "group sizes must be positive")
    y, v = smd_from_t(d / np.sqrt(1 / n1 + 1 / n2), n1, n2)
    step = "Cohen's d {d:.4g} with {n1:g} against {n2:g} people: g = J d (Hedges 1981)"
    assumed = "d was divided by the pooled SD, without a small-sample factor"
    return _effect(step, {"d": d, "n1": n1, "n2": n2}, y, v, assumptions=(assumed,))


def _from_tested(words: str, t: Array, n1: Array, n2: Array, printed: Columns) -> Converted:
    y, v = smd_from_t(t, n1, n2)
    step = (
        f"{words} with {{n1:g}} against {{n2:g}} people: g = J t sqrt(1/n1 + 1/n2)"
        " with the small-sample factor J (Hedges 1981)"
    )
    return _effect(step, {**printed, "t": t, "n1": n1, "n2": n2}, y, v, assumptions=(_STUDENT,))


def _from_difference(measure: str, columns: Columns, printed: Printed) -> Converted:
    """A mean difference with its standard error, interval, t or exact p."""
    md, n1, n2 = columns["md"], columns["n1"], columns["n2"]
    off: Mask | None = None
    with _Renamed({"difference": "md", "se": "md_se", "lower": "md_lower", "upper": "md_upper"}):
        if "md_se" in columns:
            got = sd_from_difference_se(columns["md_se"], n1, n2)
        elif "md_lower" in columns:
            lower, upper = columns["md_lower"], columns["md_upper"]
            require((lower <= md) & (md <= upper), "difference", "must lie between lower and upper")
            off = off_centre(md, lower, upper)
            got = sd_from_difference_interval(lower, upper, n1, n2, printed.level, printed.by)
        elif "t" in columns:
            got = sd_from_difference_t(md, columns["t"], n1, n2)
        else:
            got = sd_from_difference_p(md, columns["p"], n1, n2)
    if measure == "MD":
        numbers = {"md": md, "n1": n1, "n2": n2}
        return _effect(
            "difference of means as printed", numbers, md, got["se"] ** 2, before=got.notes, off=off
        )
    y, v = smd_from_t(md / got["se"], n1, n2)
    step = "difference {md:.4g} over SD {sd:.4g}: Hedges' g = J x difference / SD (Hedges 1981)"
    return _effect(step, {"md": md, "sd": got["sd"]}, y, v, before=got.notes, off=off)


def _from_ratio(name: str, words: str, _measure: str, columns: Columns, printed: Printed) -> Converted:
    estimate, lower, upper = (columns[column] for column in (name, f"{name}_lower", f"{name}_upper"))
    with _Renamed({"estimate": name, "lower": f"{name}_lower", "upper": f"{name}_upper"}):
        y, v = log_ratio_from_interval(estimate, lower, upper, printed.level)
    step = (
        f"{words} {{estimate:.4g}} ({100 * printed.level:g}% interval {{lower:.4g}} to {{upper:.4g}}):"
        f" its logarithm, with the standard error from the width of the interval of the logarithm,"
    )
    numbers = {"estimate": estimate, "lower": lower, "upper": upper}
    off = off_centre(y, np.log(lower), np.log(upper))
    return _effect(step, numbers, y, v, assumptions=(_WALD,), off=off)


def _from_interval(name: str, bounds: str, _measure: str, columns: Columns, printed: Printed) -> Converted:
    y, lower, upper = columns[name], columns[f"{bounds}_lower"], columns[f"{bounds}_upper"]
    with _Renamed({"lower": f"{bounds}_lower", "upper": f"{bounds}_upper"}):
        require((lower <= y) & (y <= upper), name, "must lie between lower and upper")
        v = variance_from_interval(lower, upper, printed.level)
    step = (
        f"effect with its {100 * printed.level:g}% interval {{lower:.4g}} to {{upper:.4g}}: as printed, with"
        " the standard error from the width,"
    )
    off = off_centre(y, lower, upper)
    return _effect(step, {"lower": lower, "upper": upper}, y, v, assumptions=(_WALD,), off=off)


_WALD = "the interval is estimate plus and minus a normal quantile times the standard error"


# --- the forms -------------------------------------------------------------------------------------

_MEANS = ("SMD", "MD", "SMDH", "ROM", "VR", "CVR")
_CHANGE_COLUMNS = (
    "change1 sd_change1 sd_baseline1 n1 change2 sd_change2 sd_baseline2 n2",
    "change1 sd_baseline1 sd_final1 n1 change2 sd_baseline2 sd_final2 n2 r",
    "baseline1 sd_baseline1 final1 sd_final1 n1 baseline2 sd_baseline2 final2 sd_final2 n2 r",
    "change1 sd_change1 n1 change2 sd_change2 n2 r",
    "change1 sd_change1 n1 change2 sd_change2 n2",
)
RATIOS = {
    "or": ("OR", "odds ratio"),
    "rr": ("RR", "risk ratio"),
    "irr": ("IRR", "rate ratio"),
    "rom": ("ROM", "ratio of means"),
    "hr": ("HR", "hazard ratio"),
}
"""Ratios that are printed with an interval: column, measure, words."""


def _form(columns: str, measures: tuple[str, ...], read: Callable[..., Converted]) -> Form:
    return Form(tuple(columns.split()), measures, read)


FORMS: tuple[Form, ...] = (
    *(
        Form(
            tuple(group_column(name, group) for group in (1, 2) for name in names),
            _MEANS,
            partial(_two_groups, names),
        )
        for names in GROUP_COLUMNS
        if "sd" not in names
    ),
    *(_form(columns, ("SMD", "MD"), _changes) for columns in _CHANGE_COLUMNS),
    *(
        _form(f"md {spread} n1 n2", ("MD", "SMD"), _from_difference)
        for spread in ("md_se", "md_lower md_upper", "t", "p")
    ),
    _form("t n1 n2", ("SMD",), _from_t),
    _form("f direction n1 n2", ("SMD",), _from_f),
    _form("p direction n1 n2", ("SMD",), _from_p),
    _form("signed_p n1 n2", ("SMD",), _from_signed_p),
    _form("d n1 n2", ("SMD",), _from_d),
    _form("y ci_lower ci_upper", (), partial(_from_interval, "y", "ci")),
    _form("smd smd_lower smd_upper", ("SMD",), partial(_from_interval, "smd", "smd")),
    *(
        _form(f"{name} {name}_lower {name}_upper", (measure,), partial(_from_ratio, name, words))
        for name, (measure, words) in RATIOS.items()
    ),
)
"""Every set of columns from which effects can be got, besides those of `effect_size`."""
