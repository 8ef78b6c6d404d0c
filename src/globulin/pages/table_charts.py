"""Charts of a reviewer's own table: the forest with weights and risk of bias, and the funnel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10

from globulin.pages import plane, words
from globulin.pages.charts import Chart, Row, clip, drawn_chart
from globulin.pages.layout import ROW_PX, Axis, Bar, Cell, Line, Mark, specification, vertical_line
from globulin.pages.pooled import MEASURES
from globulin.pages.vega import Convert
from globulin.synthesis.own_table import PooledTable, StudyEffect
from globulin.synthesis.small_study import ENOUGH

MOST_ROWS = 60
"""Studies drawn in a forest; the table in the terminal and the JSON have all."""
_WEIGHT_PX, _BIAS_PX, _BIAS_STEP = 150, 210, 26
_SIGNS: dict[str, str] = {
    "low": "low",
    "some concerns": "some_concerns",
    "some": "some_concerns",
    "moderate": "moderate",
    "unclear": "unclear",
    "high": "high",
    "serious": "serious",
    "critical": "critical",
    "no information": "no_information",
}


def table_charts(
    result: PooledTable, bias: Mapping[str, Sequence[str]], convert: Convert | None = None
) -> tuple[Chart, ...]:
    """The forest, and the funnel where there are at least three studies with an effect.

    `bias` has, for each column of the table that judges risk of bias, one judgement per study.
    """
    found = [table_forest(result, bias, convert)]
    if result.pooled.k >= 3:
        found.append(funnel(result, convert))
    return tuple(found)


def table_forest(
    result: PooledTable, bias: Mapping[str, Sequence[str]], convert: Convert | None = None
) -> Chart:
    """Every study with its weight and its judgements, then every summary with its prediction interval."""
    lines: list[Line] = [Line("Studies", heading=True)]
    marks: list[Mark] = []
    bars: list[Bar] = []
    rows: list[Row] = []
    for index, study in enumerate(result.studies[:MOST_ROWS]):
        judged = tuple(_sign(column[index]) for column in bias.values())
        _draw_study(study, judged, lines, marks, bars)
        rows.append(_study_row(study, [column[index] for column in bias.values()]))
    lines.append(Line("Summaries", heading=True))
    for name, middle, low, high, prediction, first in _summaries(result):
        row = len(lines)
        lines.append(Line(clip(name, 34), words.estimate(middle, low, high)))
        if prediction is not None and first:
            bars.append(Bar(row, *prediction, "muted", "dotted"))
        bars.append(Bar(row, low, high, "ink"))
        marks.append(Mark(row, middle, "ink", "diamond", first))
        new = words.bounds(*prediction) if prediction is not None else "\N{EN DASH}"
        rows.append(Row((name, words.estimate(middle, low, high), "\N{EN DASH}", new, *["" for _ in bias])))
    axis = _axis(result, bars, tuple(bias))
    behind = vertical_line(axis, 0.0, len(lines) * ROW_PX, "no difference", side="left")
    title = f"Forest plot: {MEASURES[result.measure]}"
    alt = " ".join(words.sentence(f"{row.cells[0]}: {row.cells[1]}") for row in rows)
    spec = specification(lines, axis, marks=marks, bars=bars, behind=behind)
    columns = ("Study or summary", "Effect (interval)", "Weight", "A new study", *bias)
    return drawn_chart("forest", title, alt, spec, columns, rows, convert)


def _draw_study(
    study: StudyEffect, judged: tuple[Cell, ...], lines: list[Line], marks: list[Mark], bars: list[Bar]
) -> None:
    row = len(lines)
    name = clip(study.study, 34)
    if not isfinite(study.estimate):
        lines.append(Line(name, "no effect", cells=(Cell("not pooled"), *judged)))
        return
    weight = f"{100 * study.weight:.1f}%" if study.weight else "apart"
    shown = words.estimate(study.estimate, study.ci_lower, study.ci_upper)
    lines.append(Line(name, shown, cells=(Cell(weight), *judged)))
    bars.append(Bar(row, study.ci_lower, study.ci_upper, "trial"))
    marks.append(Mark(row, study.estimate, "trial", "square", study.weight > 0))


def _study_row(study: StudyEffect, judged: Sequence[str]) -> Row:
    shown = "no effect"
    if isfinite(study.estimate):
        shown = words.estimate(study.estimate, study.ci_lower, study.ci_upper)
    return Row((study.study, shown, f"{100 * study.weight:.1f}%", "\N{EN DASH}", *judged))


def _sign(judged: str) -> Cell:
    """A judgement as a sign in a ring; words that are no known judgement stand as they are."""
    level = _SIGNS.get(judged.strip().lower().replace("_", " "))
    return Cell(clip(judged, 3)) if level is None else Cell(words.BIAS[level][0], words.BIAS_COLOURS[level])


def _summaries(
    result: PooledTable,
) -> list[tuple[str, float, float, float, tuple[float, float] | None, bool]]:
    """Name, middle, ends, prediction interval, and whether the summary speaks first."""
    if result.policy is not None:
        return [
            (
                summary.name,
                summary.estimate,
                summary.ci_lower,
                summary.ci_upper,
                None
                if summary.prediction_lower is None or summary.prediction_upper is None
                else (summary.prediction_lower, summary.prediction_upper),
                summary is result.policy.primary,
            )
            for summary in result.policy.summaries
        ]
    pooled, wald = result.pooled, result.wald
    reach = (float(pooled.prediction_lower), float(pooled.prediction_upper))
    chosen = f"{result.tau2_method}, {result.ci_method}"
    found = [
        (
            chosen,
            float(pooled.estimate),
            float(pooled.ci_lower),
            float(pooled.ci_upper),
            reach if isfinite(reach[0]) else None,
            True,
        )
    ]
    if result.ci_method != "wald":
        ends = (float(wald.estimate), float(wald.ci_lower), float(wald.ci_upper))
        found.append((f"{result.tau2_method}, Wald", *ends, None, False))
    return found


def _axis(result: PooledTable, bars: Sequence[Bar], judged: Sequence[str]) -> Axis:
    low, high = _ends([end for bar in bars for end in (bar.low, bar.high)])
    titles = [_short(title) for title in judged]
    columns = (
        ("weight", _WEIGHT_PX),
        *((title, _BIAS_PX + i * _BIAS_STEP) for i, title in enumerate(titles)),
    )
    return Axis(
        MEASURES[result.measure], low, high, _ticks(low, high), plot_px=340, label_px=240, columns=columns
    )


def _short(title: str) -> str:
    """A column of judgements in four letters: `D1`, `All`, or the start of its name."""
    name = title.lower().removeprefix("rob_").replace("_", " ")
    return "All" if name in ("overall", "rob") else clip(name, 4).capitalize()


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis that holds all values and no difference, with a little room."""
    low, high = min(*values, 0.0), max(*values, 0.0)
    room = 0.04 * (high - low) or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers between two ends, about six of them."""
    step = 10.0 ** floor(log10((high - low) / 2))
    while (high - low) / step < 3:
        step /= 2
    while (high - low) / step > 7:
        step *= 2
    first = -floor(-low / step)
    return tuple(round(i * step, 12) for i in range(first, floor(high / step) + 1))


def funnel(result: PooledTable, convert: Convert | None = None) -> Chart:
    """Effects against their standard errors, with the region that chance alone would fill."""
    drawn = [study for study in result.studies if isfinite(study.estimate) and study.weight > 0]
    centre = float(result.pooled.estimate)
    deepest = 1.05 * max(study.se for study in drawn)
    reach = 1.959963984540054 * deepest
    low, high = _ends([*(study.estimate for study in drawn), centre - reach, centre + reach])
    across = plane.Scale(MEASURES[result.measure], low, high, _ticks(low, high))
    depth = tuple(tick for tick in _ticks(0.0, deepest) if tick >= 0)
    up = plane.Scale("standard error (larger studies above)", deepest, 0.0, depth)
    few = len(drawn) < ENOUGH
    title = "Funnel plot: small studies below, large ones above"
    remark = f"With {len(drawn)} studies its shape tells nothing: {ENOUGH} are needed." if few else ""
    spec = plane.specification(
        across,
        up,
        curves=(
            plane.Curve("", (centre - reach, centre), (deepest, 0.0), "muted", "dashed"),
            plane.Curve("", (centre, centre + reach), (0.0, deepest), "muted", "dashed"),
        ),
        points=[plane.Point(study.estimate, study.se) for study in drawn],
        guides=(plane.Guide("x", centre, "summary"),),
    )
    alt = " ".join(
        [
            *(
                words.sentence(f"{study.study}: {words.fixed(study.estimate)}, standard error {study.se:.2f}")
                for study in drawn[:MOST_ROWS]
            ),
            remark,
        ]
    ).strip()
    rows = tuple(Row((s.study, words.fixed(s.estimate), words.fixed(s.se))) for s in drawn)
    columns = ("Study", "Effect", "Standard error")
    return drawn_chart("funnel", title, alt, spec, columns, rows, convert)
