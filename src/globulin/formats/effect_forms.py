"""The sets of headings that a reviewer's table may have: those of globulin, metafor, RevMan Web and Metapsy.

A set of headings is a form. Forms of one family may stand in one table, each row in its own: a review's table
often has standard deviations for some studies and standard errors, medians or a t value for others.
"""

from __future__ import annotations

from typing import NamedTuple

from globulin.errors import InputError
from globulin.formats.csv_records import shown
from globulin.synthesis.own_table import GENERIC
from globulin.synthesis.printed import GROUP_COLUMNS
from globulin.synthesis.printed_effects import RATIOS, group_column

_TWO_COUNTS = ("OR", "RR", "RD", "PETO", "AS")
_MEANS = ("SMD", "MD", "SMDH", "ROM", "VR", "CVR")
_PROPORTION = ("PLO", "PLN", "PR", "PAS", "PFT")
_CORRELATION = ("ZCOR", "COR", "UCOR")
_RATES = ("IRR", "IRD", "IRSD")
MEASURES = (*_TWO_COUNTS, *_MEANS, *_PROPORTION, *_CORRELATION, *_RATES, "HR")
"""Every measure that can be computed from a table."""


class Kind(NamedTuple):
    """One kind of numbers: its plain name, the family it may be mixed with, its measures, the default first.

    raw: numbers of people or scores, from which any measure of the family follows; others are one measure.
    """

    title: str
    family: str
    measures: tuple[str, ...]
    raw: bool = True


class Form(NamedTuple):
    """One set of headings, in lower case, and the columns that they are."""

    kind: Kind
    columns: tuple[str, ...]
    headings: tuple[str, ...]


def _form(kind: Kind, columns: str, headings: str = "", split: str | None = None) -> Form:
    found = tuple(part.strip() for part in (headings or columns).split(split))
    return Form(kind, tuple(columns.split()), found)


_COUNTED = Kind("counts in two groups", "events", _TWO_COUNTS)
_MEASURED = Kind("means in two groups", "means", _MEANS)
_SUMMARISED = Kind("medians in two groups", "means", _MEANS)
_CHANGED = Kind("changes in two groups", "means", ("SMD", "MD"))
_DIFFERED = Kind("differences of means", "means", ("MD", "SMD"), raw=False)
_TESTED = Kind("tests of two groups", "means", ("SMD",), raw=False)
_RATED = Kind("events over time in two groups", "rates", _RATES)
_CORRELATED = Kind("correlations", "correlations", _CORRELATION)
_ONE_GROUP = Kind("counts in one group", "one group", _PROPORTION)
_EFFECTS = Kind("effects as given", "effects", (GENERIC, *MEASURES), raw=False)
_GIVEN_SMD = Kind("effects as given", "effects", ("SMD", GENERIC), raw=False)
_GIVEN_RR = Kind("effects as given", "effects", ("RR", GENERIC), raw=False)
_FAMILY_OF_RATIO = {"OR": "events", "RR": "events", "IRR": "rates", "ROM": "means", "HR": "hazards"}
_RATIO = {
    name: Kind(f"{words}s with intervals", _FAMILY_OF_RATIO[measure], (measure,), raw=False)
    for name, (measure, words) in RATIOS.items()
}

_COUNTS_ARE, _MEANS_ARE = "events1 n1 events2 n2", "mean1 sd1 n1 mean2 sd2 n2"
_CHANGES_ARE = "change1 sd_change1 n1 change2 sd_change2 n2"
_METAMEDIAN = {"mean": "mean", "sd": "sd", "median": "med", "minimum": "min", "maximum": "max"}


def _groups(kind: Kind, names: tuple[str, ...]) -> tuple[Form, ...]:
    """Two groups by our own names, and by those of metamedian: `med.g1`."""
    columns = tuple(group_column(name, group) for group in (1, 2) for name in names)
    theirs = tuple(f"{_METAMEDIAN.get(name, name)}.g{group}" for group in (1, 2) for name in names)
    return (Form(kind, columns, columns), Form(kind, columns, theirs))


FORMS = (
    _form(_COUNTED, _COUNTS_ARE),
    _form(_COUNTED, _COUNTS_ARE, "ai n1i ci n2i"),
    _form(_COUNTED, "events1 others1 events2 others2", "ai bi ci di"),
    _form(
        _COUNTED,
        _COUNTS_ARE,
        "experimental events, experimental total, control events, control total",
        ",",
    ),
    _form(_COUNTED, _COUNTS_ARE, "experimental cases, experimental n, control cases, control n", ","),
    _form(_COUNTED, _COUNTS_ARE, "event_arm1 totaln_arm1 event_arm2 totaln_arm2"),
    _form(_RATIO["or"], "or or_lower or_upper"),
    _form(_RATIO["rr"], "rr rr_lower rr_upper"),
    _form(_MEASURED, _MEANS_ARE, "m1i sd1i n1i m2i sd2i n2i"),
    _form(
        _MEASURED,
        _MEANS_ARE,
        "experimental mean, experimental sd, experimental total, control mean, control sd, control total",
        ",",
    ),
    _form(
        _MEASURED,
        _MEANS_ARE,
        "experimental mean, experimental sd, experimental n, control mean, control sd, control n",
        ",",
    ),
    _form(_MEASURED, _MEANS_ARE, "mean_arm1 sd_arm1 n_arm1 mean_arm2 sd_arm2 n_arm2"),
    *(
        form
        for names in GROUP_COLUMNS
        for form in _groups(_SUMMARISED if "median" in names else _MEASURED, names)
    ),
    _form(_CHANGED, "change1 sd_change1 sd_baseline1 n1 change2 sd_change2 sd_baseline2 n2"),
    _form(_CHANGED, "change1 sd_baseline1 sd_final1 n1 change2 sd_baseline2 sd_final2 n2 r"),
    _form(
        _CHANGED,
        "baseline1 sd_baseline1 final1 sd_final1 n1 baseline2 sd_baseline2 final2 sd_final2 n2 r",
    ),
    _form(_CHANGED, f"{_CHANGES_ARE} r"),
    _form(_CHANGED, _CHANGES_ARE),
    _form(
        _CHANGED,
        _CHANGES_ARE,
        "mean_change_arm1 sd_change_arm1 n_change_arm1 mean_change_arm2 sd_change_arm2 n_change_arm2",
    ),
    _form(_DIFFERED, "md md_se n1 n2"),
    _form(_DIFFERED, "md md_lower md_upper n1 n2"),
    _form(_DIFFERED, "md t n1 n2"),
    _form(_DIFFERED, "md p n1 n2"),
    _form(_TESTED, "t n1 n2"),
    _form(_TESTED, "t n1 n2", "ti n1i n2i"),
    _form(_TESTED, "f direction n1 n2"),
    _form(_TESTED, "p direction n1 n2"),
    _form(_TESTED, "signed_p n1 n2"),
    _form(_TESTED, "signed_p n1 n2", "pi n1i n2i"),
    _form(_TESTED, "d n1 n2"),
    _form(_TESTED, "d n1 n2", "di n1i n2i"),
    _form(_TESTED, "smd smd_lower smd_upper"),
    _form(_RATIO["rom"], "rom rom_lower rom_upper"),
    _form(_RATED, "events1 time1 events2 time2"),
    _form(_RATED, "events1 time1 events2 time2", "x1i t1i x2i t2i"),
    _form(_RATIO["irr"], "irr irr_lower irr_upper"),
    _form(_RATIO["hr"], "hr hr_lower hr_upper"),
    _form(_CORRELATED, "r n"),
    _form(_CORRELATED, "r n", "ri ni"),
    _form(_ONE_GROUP, "events n"),
    _form(_ONE_GROUP, "events n", "xi ni"),
    _form(_EFFECTS, "y v"),
    _form(_EFFECTS, "y se"),
    _form(_EFFECTS, "y ci_lower ci_upper"),
    _form(_EFFECTS, "y v", "yi vi"),
    _form(_EFFECTS, "y se", "yi sei"),
    _form(_EFFECTS, "y ci_lower ci_upper", "yi ci.lb ci.ub"),
    _form(_EFFECTS, "y se", "giv mean, giv se", ","),
    _form(_GIVEN_SMD, "y se", ".g .g_se"),
    _form(_GIVEN_SMD, "y se", "precalc_g precalc_g_se"),
    _form(_GIVEN_RR, "y se", ".log_rr .log_rr_se"),
    _form(_GIVEN_RR, "y se", "precalc_log_rr precalc_log_rr_se"),
)
"""Every set of headings that is understood. A row is read by the first whose cells are all filled."""


def choose(
    file: str, headings: list[str], rows: list[list[str]], measure: str | None
) -> tuple[str, tuple[Form, ...]]:
    """The measure of a table and the forms, of one family, that its rows may have.

    Raises InputError where no set of headings is understood, or where several could be meant.
    """
    found = _found(headings, rows)
    if not found:
        raise InputError(f"{file}: no set of columns that is understood; {_understood(headings)}")
    if measure is None:
        measure = _default(file, found)
    fitting = [form for form in found if measure in form.kind.measures]
    if not fitting:
        choices = ", ".join(dict.fromkeys(name for form in found for name in form.kind.measures))
        raise InputError(f"--measure {measure}: {file} has {_what(found)}, for which there is {choices}")
    forms = tuple(form for form in fitting if form.kind.family == fitting[0].kind.family)
    for form in forms:
        for name in form.headings:
            if headings.count(name) > 1:
                raise InputError(f"{file}:1: the heading {name!r} stands twice")
    return measure, forms


def _found(headings: list[str], rows: list[list[str]]) -> list[Form]:
    """Forms whose headings are there and whose columns are in use, wholly if there is such a form."""
    there = set(headings)
    used: dict[str, bool] = {}

    def in_use(name: str) -> bool:
        if name not in used:
            at = headings.index(name)
            used[name] = any(row[at].strip() for row in rows)
        return used[name]

    forms = [form for form in FORMS if there.issuperset(form.headings)]
    wholly = [form for form in forms if all(map(in_use, form.headings))]
    return wholly or [form for form in forms if any(map(in_use, form.headings))]


def _default(file: str, found: list[Form]) -> str:
    """The measure that a table gives where none is asked for; InputError where several could be meant."""
    # `md t n1 n2` holds the columns of `t n1 n2` too, and is meant
    whole = [form for form in found if not any(set(form.headings) < set(other.headings) for other in found)]
    kinds = list(dict.fromkeys(form.kind for form in whole))
    first, families = kinds[0], {kind.family for kind in kinds}
    defaults = {kind.measures[0] for kind in kinds}
    if len(families) > 1 or (not first.raw and len(defaults) > 1):
        choices = ", ".join(dict.fromkeys(kind.measures[0] for kind in kinds))
        raise InputError(f"{file}: has {_what(whole)}; say which with --measure, such as {choices}")
    return first.measures[0]


def _what(found: list[Form]) -> str:
    first = {form.kind.title: form for form in reversed(found)}
    kinds = dict.fromkeys(form.kind.title for form in found)
    return " and ".join(f"{title} ({', '.join(first[title].headings)})" for title in kinds)


def _understood(headings: list[str]) -> str:
    there = ", ".join(shown(name, 30) for name in headings[:12]) + ", ..." * (len(headings) > 12)
    sets = " | ".join(", ".join(form.headings) for form in FORMS)
    return f"found: {there}; understood: {sets}"
