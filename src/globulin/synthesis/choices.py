"""What a reader may decide about the trials: the illness, the outcome of a trial, opinions, and what-ifs.

The page shows one answer with everything it hangs on. Somebody who would decide differently gets the same
computation with their own choices, and every refusal says what could have been chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from globulin.dossier.study import RANDOMISED, Study
from globulin.synthesis.opinions import PRIORS
from globulin.synthesis.pooled_trials import Opinion
from globulin.synthesis.priors import Normal
from globulin.synthesis.trial_scope import CONDITIONS, Condition

MOST_SD = 10.0
"""Widest opinion that may be held: beyond it every effect that can occur is equally likely."""


@dataclass(frozen=True)
class Choices:
    """What to compute with; by default the dossier's own choices.

    priors: opinions by name, the first speaks in the main answer. as_if: study id to SMD, for silent trials.
    condition: the illness whose studies count; None: all. outcomes: study id to the id of the outcome that
    is to enter instead of the dossier's choice.
    """

    priors: Mapping[str, Opinion] = field(default_factory=lambda: PRIORS)
    as_if: Mapping[str, float] = field(default_factory=dict)
    condition: Condition | None = None
    outcomes: Mapping[str, str] = field(default_factory=dict)


def read_priors(texts: Sequence[str]) -> Mapping[str, Opinion]:
    """Opinions from texts: a name of `PRIORS`, or `MEAN,SD` in standard deviations; none gives all of them.

    Raises ValueError naming the text and what could have been given.
    """
    found: dict[str, Opinion] = {}
    for text in texts:
        name = text.strip().lower()
        found[name] = PRIORS[name] if name in PRIORS else _own_opinion(text)
    return found or PRIORS


def _own_opinion(text: str) -> Opinion:
    number = r"([-+]?\d+(?:\.\d+)?)"
    match = re.fullmatch(rf"\s*{number}\s*,\s*{number}\s*", text)
    if match is None:
        names = ", ".join(PRIORS)
        raise ValueError(f"{text}: give one of {names}, or MEAN,SD in standard deviations, such as 0.2,0.5")
    mean, sd = float(match[1]), float(match[2])
    if not (0.0 < sd <= MOST_SD and abs(mean) <= MOST_SD):
        raise ValueError(f"{text}: the SD must lie above 0, and neither may be beyond {MOST_SD:g}")
    return Normal(mean, sd), f"your own opinion: normal around {mean:g} with standard deviation {sd:g}"


def read_pairs(texts: Sequence[str], what: str) -> dict[str, str]:
    """`STUDY=VALUE` texts by study id; `what` names the value. Raises ValueError for any other text."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise ValueError(f"{text}: give STUDY={what}, such as vollmer_conna_1997={what}")
        if name in found:
            raise ValueError(f"{text}: {name} is given twice")
        found[name] = value
    return found


def read_effects(texts: Sequence[str]) -> dict[str, float]:
    """`STUDY=SMD` texts as numbers by study id. Raises ValueError for any other text."""
    found: dict[str, float] = {}
    for name, value in read_pairs(texts, "0.2").items():
        try:
            found[name] = float(value)
        except ValueError:
            raise ValueError(f"{name}={value}: {value} is not a number of standard deviations") from None
    return found


def chosen_studies(studies: Iterable[Study], choices: Choices) -> list[Study]:
    """The studies that count, each with the outcome that was chosen for it.

    Raises ValueError where a study, an outcome or an illness cannot be what was asked for.
    """
    every = list(studies)
    by_id = {study.id: study for study in every}
    for name in (*choices.outcomes, *choices.as_if):
        if name not in by_id:
            pooled = ", ".join(sorted(study.id for study in every if study.pooled is not None))
            raise ValueError(f"{name}: no such trial; pooled are {pooled or 'none'}")
    kept = [
        study
        for study in every
        if choices.condition is None or study.condition_group in (choices.condition, "neighbour")
    ]
    if choices.condition is not None and not any(study.condition_group != "neighbour" for study in kept):
        raise ValueError(f"{CONDITIONS[choices.condition]}: the dossier has no study of it")
    return [_with_outcome(study, choices.outcomes.get(study.id)) for study in kept]


def _with_outcome(study: Study, outcome: str | None) -> Study:
    if outcome is None:
        return study
    if study.pooled is None or study.design not in RANDOMISED:
        raise ValueError(f"{study.id}: is not pooled ({study.poolability_reason.rstrip('.')})")
    known = [each.id for each in study.outcomes]
    if outcome not in known:
        raise ValueError(f"{study.id}={outcome}: it has no such outcome; it has {', '.join(known)}")
    data = study.model_dump()
    data["pooled"] = {**data["pooled"], "outcome": outcome, "reason": "Chosen by the reader."}
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        why = "; ".join(fault["msg"] for fault in error.errors())
        raise ValueError(f"{study.id}={outcome}: {why}") from None
