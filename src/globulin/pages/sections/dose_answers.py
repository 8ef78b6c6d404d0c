"""Whether more helps more, and for whom: what the trials can say of dose, age and immune markers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from globulin.findings import Findings
from globulin.pages import words
from globulin.pages.blocks import (
    Block,
    Figure,
    Fold,
    Heading,
    Points,
    Prose,
    Said,
    Table,
    TableRow,
    blocks,
    chart_table,
    columns,
    para,
    row,
)
from globulin.pages.charts import Chart
from globulin.planning.dose_effect import DoseAnswer, DoseAxis, DoseModel
from globulin.planning.group_effect import GroupAnswer
from globulin.planning.learning import NumbersOnly
from globulin.synthesis.bayes_regression import Learnt

_NO_ANSWER = "Cannot be answered."


def dose(findings: Findings, charts: Mapping[str, Chart]) -> tuple[Block, ...]:
    """Dose, age and immune markers, each as a question with its answer or the reason why there is none."""
    found = findings.dose
    return blocks(
        Heading("Does more help more, and whom?", "trials-dose"),
        Points((_asked(found.dose), *(_asked(group) for group in (found.age, found.immune_marker)))),
        Figure(charts["chart-dose-effect"], chart_table(charts["chart-dose-effect"]), _KEY)
        if "chart-dose-effect" in charts
        else None,
        Fold("What little was learnt about dose", tuple(_dose_details(found.dose))),
        Fold(
            "Adolescents and adults, immune marker or not",
            tuple(_group_details(found.age, found.immune_marker)),
        ),
    )


_KEY = (
    ("\N{BLACK SQUARE}", "a trial arm with its 95% interval"),
    ("\N{BROKEN BAR}", "an arm known only as not significant: somewhere in the range"),
    ("\N{EM DASH}", "the line that asks whether dose matters, with its 95% band"),
)


def _asked(answer: DoseAnswer | GroupAnswer) -> Prose:
    text = " ".join(answer.also)
    if answer.cannot_be_answered is not None:
        text = f"{_NO_ANSWER} {answer.cannot_be_answered} {text}"
    return para(words.prose(text.strip()), lead=answer.question)


def _dose_details(answer: DoseAnswer) -> Iterator[Block]:
    for axis in answer.axes:
        yield _models(axis)
        yield Points(tuple(_classical(fit) for fit in (*axis.numbers_only, axis.within)))
        if axis.left_out:
            yield Points(tuple(para(out.reason, lead=f"{out.name}, left out.") for out in axis.left_out))


def _models(axis: DoseAxis) -> Table:
    rows = [_model(model) for model in axis.models]
    rows.extend(
        row(other.title, Said(f"not fitted: {other.reason}", missing=True), *["\N{EN DASH}"] * 3)
        for other in axis.not_fitted
    )
    titles = columns(
        "How the effect might depend on dose", "#Effect at the highest dose", "#Highest less lowest dose",
        "#Interval after, of that before", "#Foretells better than no dependence",
    )  # fmt: skip
    return Table(f"Dose in {axis.unit}: several shapes", titles, tuple(rows))


def _model(model: DoseModel) -> TableRow:
    return row(
        Said(model.title, note=f"{model.words} Beforehand: {model.prior_words}"),
        _after(model.at_highest),
        _after(model.gain),
        _width(model.gain),
        "the standard" if model.id == "same_at_any_dose" else f"{words.number(model.evidence, 2)} times",
    )


def _after(learnt: Learnt) -> str:
    after = learnt.posterior
    return words.estimate(after.median, after.ci_lower, after.ci_upper)


def _width(learnt: Learnt) -> str:
    return words.percent(100 * learnt.width_ratio)


def _classical(fit: NumbersOnly) -> Prose:
    if fit.slope is None or fit.ci_lower is None or fit.ci_upper is None:
        return para(words.sentence(words.capital(fit.refused or "")), lead=f"{words.capital(fit.title)}.")
    shown = words.estimate(fit.slope, fit.ci_lower, fit.ci_upper)
    return para(f"{shown}, from {fit.k} effects with a number.", lead=f"{words.capital(fit.title)}.")


def _group_details(*answers: GroupAnswer) -> Iterator[Block]:
    rows = [
        row(
            Said(answer.question, note=f"{_names(answer, 0)} against {_names(answer, 1)}"),
            Said(words.capital(found.prior), note=found.prior_words),
            _after(found.difference),
            _width(found.difference),
        )
        for answer in answers
        for found in answer.differences
    ]
    if rows:
        titles = columns(
            "Question", "Opinion beforehand", "#First group less second", "#Interval after, of that before"
        )
        yield Table("Differences between kinds of people", titles, tuple(rows))
    for answer in answers:
        if answer.numbers_only is not None:
            yield _classical(answer.numbers_only)
        if answer.reported:
            yield Points(
                tuple(
                    para(
                        Said(f"{told.says} {told.caution or ''}".strip(), (told.source,)),
                        lead=f"{told.name}.",
                    )
                    for told in answer.reported
                )
            )


def _names(answer: GroupAnswer, side: int) -> str:
    group = answer.groups[side]
    return f"{group.label} ({words.listed(list(group.names)) or 'no trial'})"
