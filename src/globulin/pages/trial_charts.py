"""The charts of what the trials found: every trial and summary, and what moves the answer.

An answer that hangs on a prior, on trials that printed nothing, or on the year it was given in, is drawn
against each of them, so that a reader sees how far it moves and where it would turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from globulin.findings import Findings
from globulin.pages import plane, words
from globulin.pages.charts import Chart, Row, drawn_chart
from globulin.pages.layout import ROW_PX, Axis, Bar, Cell, Line, Mark, specification, vertical_line
from globulin.pages.study_words import effect_words, flip_words
from globulin.pages.vega import Convert
from globulin.planning.dose_effect import DoseAxis
from globulin.planning.dose_points import DosePoint
from globulin.synthesis.curves import Curve
from globulin.synthesis.opinions import PRIORS, TAU_PRIOR
from globulin.synthesis.policy import Summary
from globulin.synthesis.readings import TrialEffect
from globulin.synthesis.trials import Answer, TrialSummary

EFFECT_AXIS = (
    "\N{LEFTWARDS ARROW} favours placebo \N{MIDDLE DOT} standard deviations \N{MIDDLE DOT}"
    " favours immune globulin \N{RIGHTWARDS ARROW}"
)
BIAS_COLUMNS = ("D1", "D2", "D3", "D4", "D5", "All")
_BIAS_PX = 26
_PRINTED_PX = 146
_WEIGHT_PX = 62


def trial_charts(findings: Findings, convert: Convert | None = None) -> tuple[Chart, ...]:
    """All charts of the trials: the forest, then what moves the answer, as far as there is an answer."""
    trials = findings.trials
    bias = {
        study.study: (*(domain.level for domain in study.domains[:5]), study.overall)
        for study in findings.certainty.bias
    }
    found = [forest(trials, bias, convert)]
    if not trials.answers:
        return tuple(found)
    if trials.missing is not None:
        found.append(missing_results(trials, trials.missing.curves[0], convert))
    if trials.prior_robustness is not None:
        found.append(prior_of_spread(trials, trials.prior_robustness.spread, convert))
        found.append(prior_of_mean(trials, trials.prior_robustness.scepticism, convert))
    if trials.cumulative:
        found.append(by_year(trials, convert))
    doses = dose_effect(findings.dose.dose.axes[0], convert)
    return (*found, doses) if doses is not None else tuple(found)


# --- every trial and every summary -------------------------------------------------------------------


def forest(trials: TrialSummary, bias: dict[str, tuple[str, ...]], convert: Convert | None = None) -> Chart:
    """Every controlled trial with its risk of bias, the null ones as open ranges, and all three answers."""
    lines: list[Line] = [Line("Trials", heading=True)]
    marks: list[Mark] = []
    bars: list[Bar] = []
    rows: list[Row] = []
    weights = _weights(trials)
    for effect in trials.effects:
        levels, weight = bias.get(effect.study, ()), weights.get(effect.study)
        _draw_trial(effect, levels, weight, lines, marks, bars)
        rows.append(_trial_row(effect, levels, weight))
    for answer in trials.answers:
        lines.append(Line(answer.title, heading=True))
        for summary in answer.policy.summaries:
            _draw_summary(summary, summary is answer.policy.primary, lines, marks, bars)
            rows.append(_summary_row(trials, answer, summary))
    axis = _forest_axis(bars)
    height = len(lines) * ROW_PX
    behind = [
        *vertical_line(axis, 0.0, height, "no difference", side="left"),
        *vertical_line(axis, trials.worth_it_smd, height, "worth having", side="right", dashed=True),
    ]
    title = "What the controlled trials found, and three ways to add them up"
    alt = _forest_words(trials)
    spec = specification(lines, axis, marks=marks, bars=bars, behind=behind)
    columns = (
        *("Trial or summary", "People (treated + control)", "Effect (95% interval)"),
        *(
            "True effect in a new trial (95%)",
            "Weight with the null trials at zero",
            "Risk of bias",
            "Rests on",
        ),
    )
    return drawn_chart("chart-forest", title, alt, spec, columns, rows, convert)


def _weights(trials: TrialSummary) -> Mapping[str, float]:
    """Share of every trial in the classical summary in which all of them have a number."""
    whole = next((answer for answer in trials.answers if answer.id == "null_at_zero"), None)
    return {} if whole is None or whole.frequentist is None else whole.frequentist.weights


def _draw_trial(
    effect: TrialEffect,
    levels: Sequence[str],
    weight: float | None,
    lines: list[Line],
    marks: list[Mark],
    bars: list[Bar],
) -> None:
    row = len(lines)
    label = f"{effect.name} ({effect.n_active} + {effect.n_control})"
    share = Cell("" if weight is None else words.percent(100 * weight))
    cells = (share, *(Cell(words.BIAS[level][0], words.BIAS_COLOURS[level]) for level in levels))
    if effect.smd is not None and effect.ci_lower is not None and effect.ci_upper is not None:
        lines.append(Line(label, words.estimate(effect.smd, effect.ci_lower, effect.ci_upper), cells=cells))
        bars.append(Bar(row, effect.ci_lower, effect.ci_upper, "trial"))
        marks.append(Mark(row, effect.smd, "trial", "square"))
    elif effect.bound is not None:
        shown = f"within \N{PLUS-MINUS SIGN}{words.fixed(effect.bound)}, not printed"
        lines.append(Line(label, shown, cells=cells))
        bars.append(Bar(row, -effect.bound, effect.bound, "trial", "open"))


def _draw_summary(
    summary: Summary, primary: bool, lines: list[Line], marks: list[Mark], bars: list[Bar]
) -> None:
    row = len(lines)
    shown = words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper)
    lines.append(Line(words.METHODS_SHORT[summary.id], shown))
    if primary and summary.prediction_lower is not None and summary.prediction_upper is not None:
        bars.append(Bar(row, summary.prediction_lower, summary.prediction_upper, "muted", "dotted"))
    bars.append(Bar(row, summary.ci_lower, summary.ci_upper, "ink"))
    marks.append(Mark(row, summary.estimate, "ink", "diamond", primary))


def _trial_row(effect: TrialEffect, levels: Sequence[str], weight: float | None) -> Row:
    people = f"{effect.n_active} + {effect.n_control}"
    kind = (
        "numbers printed"
        if effect.smd is not None
        else "only \N{LEFT SINGLE QUOTATION MARK}not significant\N{RIGHT SINGLE QUOTATION MARK}"
    )
    overall = words.BIAS[levels[-1]][1] if levels else "not judged"
    share = "\N{EN DASH}" if weight is None else words.percent(100 * weight)
    cells = (effect.name, people, effect_words(effect), "\N{EN DASH}", share, overall, kind)
    return Row(cells, effect.sources)


def _summary_row(trials: TrialSummary, answer: Answer, summary: Summary) -> Row:
    counted = [e for e in trials.effects if e.study in answer.studies]
    people = f"{sum(e.n_active for e in counted)} + {sum(e.n_control for e in counted)}"
    new = (
        words.bounds(summary.prediction_lower, summary.prediction_upper)
        if summary.prediction_lower is not None and summary.prediction_upper is not None
        else "\N{EN DASH}"
    )
    shown = words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper)
    rests = f"{answer.k} trials, {answer.k_with_numbers} with numbers"
    label = f"{answer.title}: {words.METHODS_SHORT[summary.id]}"
    return Row((label, people, shown, new, "\N{EN DASH}", "\N{EN DASH}", rests), answer.sources)


def _forest_axis(bars: Sequence[Bar]) -> Axis:
    low = min((bar.low for bar in bars), default=-1.0)
    high = max((bar.high for bar in bars), default=1.0)
    ticks = tuple(float(tick) for tick in range(-10, 11) if low <= tick <= high)
    columns = (
        ("weight", _PRINTED_PX),
        *((title, _PRINTED_PX + _WEIGHT_PX + i * _BIAS_PX) for i, title in enumerate(BIAS_COLUMNS)),
    )
    return Axis(EFFECT_AXIS, low - 0.1, high + 0.1, ticks, plot_px=340, label_px=200, columns=columns)


def _forest_words(trials: TrialSummary) -> str:
    parts = [f"{effect.name}: {effect_words(effect)}." for effect in trials.effects]
    for answer in trials.answers:
        shown = "; ".join(
            f"{words.METHODS_SHORT[s.id]} {words.estimate(s.estimate, s.ci_lower, s.ci_upper)}"
            for s in answer.policy.summaries
        )
        parts.append(f"{answer.title}: {shown}.")
    return "Effects in standard deviations, above zero favours immune globulin. " + " ".join(parts)


# --- what moves the answer ---------------------------------------------------------------------------


def missing_results(trials: TrialSummary, curve: Curve, convert: Convert | None = None) -> Chart:
    """The answer for every value that the silent trials could have had."""
    across = plane.Scale(
        "what the silent trials found, as a share of their not-significant range",
        *(-1.0, 1.0, (-1.0, -0.5, 0.0, 0.5, 1.0)),
    )
    guides = (plane.Guide("x", 0.0, "nothing at all", "dotted"),)
    title = "If the silent trials had printed their numbers"
    return _moved(trials, curve, across, guides, "chart-missing", title, "Share of the range", convert)


def prior_of_spread(trials: TrialSummary, curve: Curve, convert: Convert | None = None) -> Chart:
    """The answer against what is assumed of how far trials differ."""
    across = plane.Scale(
        "scale of the prior of the spread between trials: 0 is one common effect",
        *(0.0, 2.0, (0.0, 0.5, 1.0, 1.5, 2.0)),
    )
    guides = (plane.Guide("x", TAU_PRIOR.scale, "used here", "dotted"),)
    title = "How the answer moves with what is assumed of the spread between trials"
    return _moved(trials, curve, across, guides, "chart-spread", title, "Prior scale", convert)


def prior_of_mean(trials: TrialSummary, curve: Curve, convert: Convert | None = None) -> Chart:
    """The answer against how firmly no effect was expected beforehand."""
    across = plane.Scale(
        "\N{LEFTWARDS ARROW} firm sceptic \N{MIDDLE DOT} SD of the opinion beforehand \N{MIDDLE DOT}"
        " no opinion \N{RIGHTWARDS ARROW}",
        *(curve.x[0], curve.x[-1], (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)),
        "log",
    )
    sceptic = PRIORS["sceptical"][0].sd
    guides = (plane.Guide("x", sceptic, "the sceptic of this page", "dotted"),)
    title = "How the answer moves with scepticism"
    return _moved(trials, curve, across, guides, "chart-scepticism", title, "SD of the opinion", convert)


def _moved(
    trials: TrialSummary,
    curve: Curve,
    across: plane.Scale,
    guides: Sequence[plane.Guide],
    identifier: str,
    title: str,
    x_column: str,
    convert: Convert | None,
) -> Chart:
    """A curve with its 95% band, the flips of its interval marked, and a table of a few of its points."""
    turns = [
        plane.Point(x, 0.0, "ink", "diamond", filled=False)
        for flip in curve.flips
        if flip.conclusion in ("interval_above_zero", "interval_below_zero")
        for x in flip.at
    ]
    low, high = min(*curve.ci_lower, 0.0), max(*curve.ci_upper, trials.worth_it_smd)
    ticks = tuple(tick / 2 for tick in range(-20, 21) if low - 0.1 <= tick / 2 <= high + 0.1)
    up = plane.Scale("effect, standard deviations", low - 0.1, high + 0.1, ticks)
    spec = plane.specification(
        across,
        up,
        ribbons=(plane.Ribbon(curve.x, curve.ci_lower, curve.ci_upper),),
        curves=(
            plane.Curve("95% interval", curve.x, curve.ci_upper, "trial", "dashed"),
            plane.Curve("answer", curve.x, curve.estimate, "ink"),
            plane.Curve("", curve.x, curve.ci_lower, "trial", "dashed"),
        ),
        points=turns,
        guides=(
            plane.Guide("y", 0.0, "no difference"),
            plane.Guide("y", trials.worth_it_smd, "worth having", "dashed"),
            *guides,
        ),
        said=[
            (x, f"{x_column} {words.number(x, 2)}: {words.estimate(middle, lower, upper)}")
            for x, middle, lower, upper in zip(
                curve.x, curve.estimate, curve.ci_lower, curve.ci_upper, strict=True
            )
        ],
    )
    alt = f"{words.sentence(curve.words)} {' '.join(flip_words(flip) for flip in curve.flips)}"
    columns = (x_column, "Effect (95% interval)", "Chance of benefit", "Chance of 0.5 or more")
    rows = _points(curve, _main_sources(trials))
    return drawn_chart(identifier, title, alt, spec, columns, rows, convert)


_TABLED = 9


def _main_sources(trials: TrialSummary) -> tuple[str, ...]:
    return () if trials.main is None else trials.answer(trials.main).sources


def _points(curve: Curve, sources: tuple[str, ...]) -> Iterator[Row]:
    """A few points of a curve, evenly spread over its values."""
    last = len(curve.x) - 1
    for step in range(_TABLED):
        i = round(step * last / (_TABLED - 1))
        chances = [
            words.probability(column[i]) if column else "\N{EN DASH}"
            for column in (curve.probability_above_zero, curve.probability_worth_it)
        ]
        shown = words.estimate(curve.estimate[i], curve.ci_lower[i], curve.ci_upper[i])
        yield Row((words.number(curve.x[i], 2), shown, *chances), sources)


def by_year(trials: TrialSummary, convert: Convert | None = None) -> Chart:
    """The main answer as it stood after each year with a new trial."""
    sources = _main_sources(trials)
    lines: list[Line] = []
    marks: list[Mark] = []
    bars: list[Bar] = []
    rows: list[Row] = []
    for step in trials.cumulative:
        summary = step.summary.primary
        label = f"{step.year}: {words.listed(list(step.added))}"
        if summary is None:
            lines.append(Line(label, "no answer yet"))
            rows.append(Row((label, str(step.k), words.sentence(step.summary.message)), sources))
            continue
        row = len(lines)
        shown = words.estimate(summary.estimate, summary.ci_lower, summary.ci_upper)
        lines.append(Line(label, shown))
        bars.append(Bar(row, summary.ci_lower, summary.ci_upper, "ink"))
        marks.append(Mark(row, summary.estimate, "ink", "diamond"))
        rows.append(Row((label, str(step.k), shown), sources))
    low = min((bar.low for bar in bars), default=-1.0)
    high = max((bar.high for bar in bars), default=1.0)
    ticks = tuple(float(tick) for tick in range(-10, 11) if low <= tick <= high)
    axis = Axis(EFFECT_AXIS, low - 0.1, high + 0.1, ticks, plot_px=340, label_px=262)
    height = len(lines) * ROW_PX
    behind = vertical_line(axis, 0.0, height, "no difference", side="left")
    title = "The answer as it stood after each year"
    alt = " ".join(words.sentence(f"{row.cells[0]}: {row.cells[2]}") for row in rows)
    spec = specification(lines, axis, marks=marks, bars=bars, behind=behind)
    columns = ("Year and new trials", "Trials so far", "Main answer (95% interval)")
    return drawn_chart("chart-years", title, alt, spec, columns, rows, convert)


# --- dose --------------------------------------------------------------------------------------------


def dose_effect(axis: DoseAxis, convert: Convert | None = None) -> Chart | None:
    """Every arm of a controlled trial by its dose, with the line that asks whether dose matters."""
    asked = axis.asked()
    if not axis.points:
        return None
    places = _side_by_side([point.dose_g_per_kg for point in axis.points])
    curve = asked[0].curve if asked else None
    highs = [point.ci_upper if point.ci_upper is not None else point.bound or 0.0 for point in axis.points]
    lows = [point.ci_lower if point.ci_lower is not None else -(point.bound or 0.0) for point in axis.points]
    low = min([*lows, *(curve.ci_lower if curve else ())])
    high = max([*highs, *(curve.ci_upper if curve else ())])
    ticks = tuple(tick / 2 for tick in range(-20, 21) if low - 0.1 <= tick / 2 <= high + 0.1)
    most = max(point.dose_g_per_kg for point in axis.points)
    step = 1.0 if most <= 8 else 2.0
    across = plane.Scale(
        axis.unit, 0.0, most * 1.08, tuple(step * i for i in range(int(most * 1.08 / step) + 1))
    )
    up = plane.Scale("effect, standard deviations", low - 0.1, high + 0.1, ticks)
    spec = plane.specification(
        across,
        up,
        ribbons=(plane.Ribbon(curve.dose, curve.ci_lower, curve.ci_upper),) if curve else (),
        curves=(plane.Curve("", curve.dose, curve.median, "ink"),) if curve else (),
        points=[
            plane.Point(place, point.smd, shape="square")
            for point, place in zip(axis.points, places, strict=True)
            if point.smd is not None
        ],
        whiskers=[
            plane.Whisker(place, least, largest, open=point.smd is None)
            for point, place, least, largest in zip(axis.points, places, lows, highs, strict=True)
        ],
        guides=(plane.Guide("y", 0.0, "no difference"),),
        said=[
            (place, f"{point.name}, {point.label}: {_of_arm(point)}")
            for point, place in zip(axis.points, places, strict=True)
        ],
    )
    title = f"Dose and effect, arm by arm ({axis.unit})"
    rows = tuple(
        Row((point.name, point.label, words.number(point.dose_g_per_kg), _of_arm(point)), point.sources)
        for point in axis.points
    )
    alt = " ".join(
        words.sentence(f"{row.cells[0]}, {row.cells[2]} {axis.unit}: {row.cells[3]}") for row in rows
    )
    columns = ("Trial", "Arm", axis.unit, "Effect (95% interval)")
    return drawn_chart("chart-dose-effect", title, alt, spec, columns, rows, convert)


def _side_by_side(doses: Sequence[float]) -> list[float]:
    """Places of arms by their dose, those of one dose a little apart."""
    apart = 0.02 * max(doses)
    found = []
    for index, dose in enumerate(doses):
        alike = [i for i, other in enumerate(doses) if other == dose]
        found.append(dose + apart * (alike.index(index) - (len(alike) - 1) / 2))
    return found


def _of_arm(point: DosePoint) -> str:
    if point.smd is None or point.ci_lower is None or point.ci_upper is None:
        return f"not printed; within \N{PLUS-MINUS SIGN}{words.fixed(point.bound or 0.0)}"
    return words.estimate(point.smd, point.ci_lower, point.ci_upper)
