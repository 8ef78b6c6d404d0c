"""Doses compared: trial arms, series, doctors' regimens, reference and labelled doses on one axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from globulin.dossier import Dossier
from globulin.dossier.treatment import NamedRegimen
from globulin.exposure.prediction import Rise
from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Entry,
    Figure,
    Fold,
    Heading,
    Points,
    Said,
    Section,
    Table,
    TableRow,
    blocks,
    chart_table,
    columns,
    para,
    row,
)
from globulin.pages.charts import GROUPS, Chart, model_key
from globulin.pages.exposure_charts import regimens_key
from globulin.pages.facts import anchor, facts, missing, reference
from globulin.pages.profile_words import how_it_is_drawn, not_readable
from globulin.pages.sections.models import entries, virtual_people
from globulin.pages.sections.studies import regimen_words
from globulin.pages.simulated import NOT_SHOWN
from globulin.planning.comparison import RegimenRow
from globulin.planning.dosing import Amount, NoAmount

SIGNS = {
    "circle": "\N{WHITE CIRCLE}",
    "square": "\N{WHITE SQUARE}",
    "diamond": "\N{WHITE DIAMOND}",
    "triangle-up": "\N{WHITE UP-POINTING TRIANGLE}",
    "triangle-down": "\N{WHITE DOWN-POINTING TRIANGLE}",
    "cross": "+",
}
FILLED = {
    "circle": "\N{BLACK CIRCLE}",
    "square": "\N{BLACK SQUARE}",
    "diamond": "\N{BLACK DIAMOND}",
    "triangle-up": "\N{BLACK UP-POINTING TRIANGLE}",
    "triangle-down": "\N{BLACK DOWN-POINTING TRIANGLE}",
}


def section(dossier: Dossier, findings: Findings, charts: Mapping[str, Chart]) -> Section:
    """The section."""
    amounts, rises = charts["chart-doses"], charts["chart-rises"]
    key = (
        *((FILLED[shape], heading) for heading, _, shape in GROUPS.values()),
        (
            "\N{EM DASH}",
            "a labelled range; the band behind spans the doses that were tried against placebo",
        ),
    )
    shapes = tuple((SIGNS[shape], name) for shape, name in model_key(dossier, findings))
    weight = words.number(findings.weight_kg)
    return Section(
        "doses",
        "Doses compared",
        blocks(
            para(
                "Every regimen is brought to one measure: mg of IgG per kg of body weight in 28 days, for a"
                f" person of {weight} kg. A trial arm, a doctor's habit and a label can then be set side"
                " by side."
            ),
            Figure(amounts, chart_table(amounts), key),
            para(
                "What a dose does to the IgG in the blood is a prediction. Published models disagree; each"
                " is shown, and none is known to be right in ME/CFS. Each is the rise once the dose has been"
                " repeated for months (steady state); a short course does not get there. A rise in IgG is not"
                " a benefit."
            ),
            Figure(rises, chart_table(rises), shapes),
            _over_time(findings, charts),
            Fold("The doses as a table", (_doses(findings),)),
            Fold(
                "Mean, peak and trough by model, and one's own IgG",
                (_rises(findings), _by_model(dossier, findings)),
            ),
            Heading("Each regimen that people name", "doses-regimens"),
            [_entry(regimen, dossier, findings) for regimen in dossier.regimens.values()],
            Fold("What was assumed for each trial arm", (_assumptions(findings),)),
            Heading("The models of IgG in the body", "doses-models"),
            entries(dossier),
            virtual_people(dossier),
        ),
    )


def _over_time(findings: Findings, charts: Mapping[str, Chart]) -> list[Block]:
    """What a level does from the first dose on, and where no level can tell."""
    profiles = findings.profiles
    if not profiles or "chart-profiles" not in charts:
        return []
    chart = charts["chart-profiles"]
    sources = tuple(dict.fromkeys(source for followed in profiles for source in followed.sources))
    return [
        para(Said(how_it_is_drawn(profiles), sources), lead="From the first dose on."),
        Figure(chart, chart_table(chart), regimens_key(profiles)),
        *(para(Said(text, rests_on), lead=lead) for lead, text, rests_on in not_readable(profiles)),
        para(f"{NOT_SHOWN} A rise in IgG is not a benefit.", lead="What this does not show:"),
    ]


def ordered(findings: Findings) -> list[RegimenRow]:
    """Rows by kind, then by dose."""

    def key(item: RegimenRow) -> tuple[int, float, str]:
        amount = item.amount
        dose = amount.mg_per_kg_per_28_day if isinstance(amount, Amount) else None
        return list(GROUPS).index(item.origin), dose if dose is not None else -1.0, item.label

    return sorted(findings.regimens, key=key)


def label(item: RegimenRow) -> Said:
    """A regimen's name, linked to the record it comes from."""
    where = anchor("study", item.study) if item.study else anchor("regimen", item.id)
    return Said(item.label, href=f"#{where}")


def _doses(findings: Findings) -> Table:
    titles = columns(
        "Regimen",
        "Kind",
        "Route",
        "#g a dose",
        "#g in 28 days",
        "#mg/kg in 28 days",
        "#% of the trials' dose",
    )
    rows = tuple(_dose_row(item) for item in ordered(findings))
    return Table(f"Doses for {words.number(findings.weight_kg)} kg", titles, rows)


def _dose_row(item: RegimenRow) -> TableRow:
    kind = GROUPS[item.origin][0]
    route = Said(words.ROUTE_SHORT[item.route]) if item.route else missing("no route stated")
    if isinstance(item.amount, NoAmount):
        none = missing(item.amount.reason)
        return row(label(item), kind, route, none, none, none, none)
    once = Said("one course")
    four_weeks, per_kg = item.amount.g_per_28_day, item.amount.mg_per_kg_per_28_day
    share = item.percent_of_trials
    return row(
        label(item),
        kind,
        route,
        Said(words.number(item.amount.dose_g), item.sources),
        once if four_weeks is None else Said(words.number(four_weeks), item.sources),
        once if per_kg is None else Said(words.number(per_kg), item.sources),
        once if share is None else Said(words.span(*share)),
    )


def _rises(findings: Findings) -> Table:
    titles = columns(
        "Regimen", "#Mean rise, g/L", "#At the peak, g/L", "#Before the next dose, g/L", "#One's own IgG, %"
    )
    rows = tuple(
        row(
            label(item),
            Said(_across(item, lambda rise: rise.mean_g_per_l), item.rise_sources),
            _across(item, lambda rise: rise.peak_g_per_l),
            _across(item, lambda rise: rise.trough_g_per_l),
            _endogenous(item),
        )
        for item in ordered(findings)
        if item.rises
    )
    caption = (
        "Predicted rise of total IgG above one's own level, lowest to highest of the models; and the change"
        " of one's own IgG (and of an autoantibody), which the recycling models alone can tell"
    )
    return Table(caption, titles, rows)


def _across(item: RegimenRow, value: Callable[[Rise], float]) -> str:
    found = [value(rise) for rise in item.rises]
    return words.span(min(found), max(found))


def _endogenous(item: RegimenRow) -> str:
    found = [100 * rise.endogenous_change for rise in item.rises if rise.endogenous_change is not None]
    return words.span(max(found), min(found)) if found else words.NOT_COMPUTED


def _by_model(dossier: Dossier, findings: Findings) -> Table:
    models = list(dict.fromkeys(rise.model for item in findings.regimens for rise in item.rises))
    rows = []
    for item in ordered(findings):
        by_model = {rise.model: rise for rise in item.rises}
        if by_model:
            cells = (_model_cell(by_model[m]) if m in by_model else words.NOT_COMPUTED for m in models)
            rows.append(row(label(item), *cells))
    titles = columns("Regimen", *(f"#{dossier.kinetics[model].name}" for model in models))
    return Table("By model: mean (peak; before the next dose), g/L", titles, tuple(rows))


def _model_cell(rise: Rise) -> Said:
    values = (words.number(v, 2) for v in (rise.mean_g_per_l, rise.peak_g_per_l, rise.trough_g_per_l))
    mean, peak, trough = values
    note = "" if rise.converged else "the calculation did not settle"
    return Said(f"{mean} ({peak}; {trough})", rise.sources, note=note)


def _entry(regimen: NamedRegimen, dossier: Dossier, findings: Findings) -> Entry:
    found = next((item for item in findings.regimens if item.id == regimen.id), None)
    terms = facts(
        ("What", regimen_words(regimen.regimen)),
        ("Why it is here", regimen.why),
        ("Reported by", reference(dossier, f"report:{regimen.report}") if regimen.report else None),
        ("Also in", reference(dossier, f"study:{regimen.study}") if regimen.study else None),
        ("Said about the computation", " ".join(found.notes) if found else None),
    )
    return Entry(anchor("regimen", regimen.id), regimen.label, terms=terms)


def _assumptions(findings: Findings) -> Points:
    return Points(
        tuple(
            para(Said(" ".join(item.notes), item.sources), lead=f"{item.label}.")
            for item in ordered(findings)
            if item.study and item.notes
        )
    )
