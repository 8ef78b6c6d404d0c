"""What the Read screen computes, in a worker: the findings for a reader's choices, as words and as charts.

It is the computation that `globulin evidence` prints, and a choice of the reader's is one of its options.
What several answers need is worked out once in each process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from globulin import __version__
from globulin.errors import InputError
from globulin.web.opened import opened_dossier

if TYPE_CHECKING:
    from datetime import date

    from globulin.findings import Findings
    from globulin.pages.charts import Chart
    from globulin.pages.site import SectionText
    from globulin.synthesis.choices import Choices
    from globulin.synthesis.trial_scope import Condition
    from globulin.synthesis.trials import Answer

FILES = ("globulin.pdf", "dossier.json")
"""What `globulin page` writes beside the page."""
TAKE = "take"
"""The anchor of the place where the files are offered."""
SOONER = 2
"""The sections that stand before the first chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAsked:
    """What a reader decided; left empty is as the page has it.

    prior: as `--priors` takes it. as_if: study id and SMD. outcomes: study id and outcome id.
    """

    prior: str = ""
    as_if: tuple[tuple[str, float], ...] = ()
    condition: Condition | None = None
    outcomes: tuple[tuple[str, str], ...] = ()
    weight_kg: float | None = None


@dataclass(frozen=True, slots=True)
class SilentTrial:
    """A trial known only as not significant: its effect lies within `bound` of zero."""

    study: str
    name: str
    bound: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of a trial that may enter, by id; the first is the one that the page lets enter."""

    study: str
    name: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """What a dossier leaves to a reader."""

    silent: tuple[SilentTrial, ...]
    outcomes: tuple[Outcomes, ...]
    weight_kg: float


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One of the three answers in the words and numbers that are shown."""

    id: str
    title: str
    words: str
    effect: str
    """Empty where there is none; `message` says why."""
    interval: str
    rows: tuple[tuple[str, str], ...]
    message: str


def offered(folder: Path | None) -> Offered:
    """What may be chosen, from the dossier's own answers."""
    found = _found(folder, ReadAsked())
    trials = found.trials
    return Offered(
        tuple(
            SilentTrial(effect.study, effect.name, effect.bound)
            for effect in trials.effects
            if effect.smd is None and effect.bound is not None
        ),
        tuple(
            Outcomes(
                choice.study,
                choice.name,
                ((choice.outcome, choice.outcome_name), *((o.id, o.name) for o in choice.others)),
            )
            for choice in trials.outcomes
            if choice.others
        ),
        found.weight_kg,
    )


def answers(folder: Path | None, asked: ReadAsked) -> tuple[ShownAnswer, ...]:
    """The three answers; none where no trial can be pooled. InputError for choices that cannot be."""
    return tuple(_shown(answer) for answer in _found(folder, asked).trials.answers)


def sooner(folder: Path | None, asked: ReadAsked) -> tuple[SectionText, ...]:
    """The sections before the first chart, which are there seconds earlier than the rest."""
    return tuple(islice(_sections(folder, asked), SOONER))


def sections(folder: Path | None, asked: ReadAsked) -> tuple[SectionText, ...]:
    """The whole text."""
    return tuple(_sections(folder, asked))


def chart_specs(folder: Path | None, asked: ReadAsked) -> Mapping[str, str]:
    """Each chart by its id as JSON, for a browser that draws it and says its values."""
    from globulin.pages.vega import for_browser

    return {chart.id: for_browser(chart.spec) for chart in _charts(folder, asked, still=False)}


def page_pdf(folder: Path | None, asked: ReadAsked, chosen: tuple[str, ...], made_on: date) -> bytes:
    """The page for paper, which says first what was chosen. InputError for choices that cannot be."""
    from globulin.pages.documents import living_page_pdf

    return living_page_pdf(
        opened_dossier(folder),
        _found(folder, asked),
        version=__version__,
        made_on=made_on,
        charts=_charts(folder, asked, still=True),
        chosen=chosen,
    )


def page_data(folder: Path | None, asked: ReadAsked, chosen: tuple[str, ...], made_on: date) -> str:
    """All records and all results, as `dossier.json`. InputError for choices that cannot be."""
    from globulin.formats.results import to_text, whole_document

    return to_text(
        whole_document(
            opened_dossier(folder),
            _found(folder, asked),
            version=__version__,
            made_on=made_on.isoformat(),
            chosen=chosen,
        )
    )


def _sections(folder: Path | None, asked: ReadAsked) -> Iterator[SectionText]:
    from globulin.pages.site import section_texts

    texts = section_texts(
        opened_dossier(folder),
        _found(folder, asked),
        version=__version__,
        charts=lambda: _charts(folder, asked, still=True),
    )
    return (replace(text, blocks=tuple(map(_taken_along, text.blocks))) for text in texts)


def _taken_along(block: str) -> str:
    """A block whose links to the page's files lead to where they are offered, with a reader's choices."""
    for name in FILES:
        block = block.replace(f'href="{name}"', f'href="#{TAKE}"')
    return block


def _charts(folder: Path | None, asked: ReadAsked, *, still: bool) -> tuple[Chart, ...]:
    from globulin.pages.drawn import all_charts

    drawing = (lambda spec: _drawn(json.dumps(spec))) if still else _not_drawn
    return all_charts(opened_dossier(folder), _found(folder, asked), drawing)


@lru_cache(maxsize=64)
def _drawn(spec: str) -> str:
    """The SVG of a chart; a choice moves some of the charts, and the others need not be drawn again."""
    from globulin.pages.vega import to_svg

    return to_svg(json.loads(spec))


def _not_drawn(_: dict[str, object]) -> str:
    return '<svg viewBox="0 0 1 1"></svg>'


@lru_cache(maxsize=8)
def _found(folder: Path | None, asked: ReadAsked) -> Findings:
    from globulin.findings import find

    try:
        return find(opened_dossier(folder), weight_kg=asked.weight_kg, choices=_choices(asked))
    except ValueError as problem:
        raise InputError(str(problem)) from problem


def _choices(asked: ReadAsked) -> Choices:
    from globulin.synthesis.choices import Choices, read_priors
    from globulin.synthesis.opinions import PRIORS

    # the opinion that was chosen speaks first; the page compares it with the others
    first = read_priors([asked.prior]) if asked.prior else {}
    return Choices(
        priors={**first, **{name: prior for name, prior in PRIORS.items() if name not in first}},
        as_if=dict(asked.as_if),
        condition=asked.condition,
        outcomes=dict(asked.outcomes),
    )


def _shown(answer: Answer) -> ShownAnswer:
    from globulin.pages import words

    first = answer.policy.primary
    if first is None:
        return ShownAnswer(answer.id, answer.title, answer.words, "", "", (), answer.policy.message)
    rows = []
    if first.probability_above_zero is not None:
        rows.append(("Chance of any benefit", words.probability(first.probability_above_zero)))
    if first.probability_worth_it is not None:
        rows.append(
            ("Chance of half a standard deviation or more", words.probability(first.probability_worth_it))
        )
    if first.prediction_lower is not None and first.prediction_upper is not None:
        rows.append(
            ("True effect in a new trial", words.bounds(first.prediction_lower, first.prediction_upper))
        )
    rows.append(("Rests on", f"{answer.k} trials, {answer.k_with_numbers} with numbers"))
    rows.append(("Worked out by", first.name))
    return ShownAnswer(
        answer.id,
        answer.title,
        answer.words,
        words.fixed(first.estimate),
        words.bounds(first.ci_lower, first.ci_upper),
        tuple(rows),
        first.message,
    )
