"""Is it safe for this person: every hazard of the dossier against one person, one product and one dose.

Which illness, substance or dose matters is data (`dossier.hazard.Check`); here it is only weighed. Two rules
hold whatever the data say: what is not known is never clear, and more that is true of a person never makes
the verdict milder.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from globulin.dossier.condition import Condition, RiskGroup
from globulin.dossier.hazard import Check, Hazard
from globulin.dossier.patient import Patient
from globulin.dossier.provenance import Seen, known
from globulin.dossier.treatment import Product, Route
from globulin.planning.terms import AGE, Reading, Situation, highest, read_all, situation
from globulin.units import ML_PER_L

Verdict = Literal["clear", "caution", "stop"]

VERDICTS: tuple[Verdict, ...] = ("clear", "caution", "stop")
"""Mildest first."""

SEVERITIES = ("boxed_warning", "contraindication", "serious", "common", "practical")
"""Hazards of the same verdict are told in this order."""

AGE_QUESTION = "How old is this person, in years?"
OPEN = {"caution": "If so, care is needed", "stop": "If so, it must not be given like this"}
CARRIED_OVER = "not read in this product's own documents: carried over from others"


class Rules(Protocol):
    """The part of a dossier that a screening needs; a `Dossier` is one."""

    @property
    def hazards(self) -> Mapping[str, Hazard]:
        """Hazards by id."""

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """Conditions by id."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard that speaks for care or against, or that cannot be ruled out.

    `known`: False where it rests on something that is not known. `worst`: what the verdict becomes if all
    that is not known turns out badly. `because`: what holds, in a few words each. `unknown`: what is not
    known, likewise. `wait_months`: how long a live vaccine has to wait. `source` and `seen` are of the rule.
    """

    hazard: str
    name: str
    verdict: Verdict
    reason: str
    resolve: str
    source: str
    seen: Seen
    known: bool
    worst: Verdict
    because: tuple[str, ...]
    unknown: tuple[str, ...]
    wait_months: float | None
    note: str | None
    me_cfs_note: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask before the verdict can be trusted.

    `condition`: id of a condition, or `age_year`. `why`: names of the hazards that an answer would settle.
    `could_stop`: whether one of them could turn to stop.
    """

    condition: str
    text: str
    why: str
    could_stop: bool


@dataclass(frozen=True, slots=True)
class Screening:
    """All that was found, worst first, and what is still to ask, most important first.

    `groups`: at-risk groups that the person is in; `possible_groups`: those that cannot be ruled out.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    groups: frozenset[RiskGroup]
    possible_groups: frozenset[RiskGroup]

    @property
    def at_risk(self) -> bool:
        """Whether the lower top rate for people at risk holds."""
        return bool(self.groups)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A check that holds or is open."""

    hazard: Hazard
    check: Check
    reading: Reading


def screen(
    rules: Rules,
    patient: Patient,
    product: Product,
    *,
    route: Route,
    g_per_kg: float | None,
    ml: float | None,
    risk: Collection[str] = (),
) -> Screening:
    """Screen one person for one product.

    `g_per_kg`: the whole dose of one interval; `ml`: its volume. None: not known, which is never taken as
    safe. `risk`: groups (`renal`, `thrombosis`) that the person is said to be in. Raises ValueError for a
    route that the product is not made for, a dose or volume that is no positive number, and a condition or
    group that the dossier does not have.
    """
    if route not in product.routes:
        made_for = ", ".join(product.routes)
        raise ValueError(f"route: {product.name} is not made for '{route}'; it is made for {made_for}")
    for name, value in (("g_per_kg", g_per_kg), ("ml", ml)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: must be a positive number or None, not {value}")
    given = situation(rules.conditions, patient, product, g_per_kg=g_per_kg, ml=ml, risk=risk)
    told: list[tuple[Hazard, Finding]] = []
    left: list[_Weighed] = []
    groups: set[RiskGroup] = set()
    possible: set[RiskGroup] = set()
    for hazard in rules.hazards.values():
        holding, still_open = _weighed(hazard, route, given)
        groups.update(group for each in holding for group in each.check.groups)
        possible.update(group for each in still_open for group in each.check.groups)
        worst = max((_rank(each.check.verdict) for each in holding), default=0)
        told.extend((hazard, _holds(each, given)) for each in holding if _rank(each.check.verdict) == worst)
        if still_open and worst < _rank("stop"):
            told.append((hazard, _cannot_tell(still_open, given)))
            left.extend(still_open)
    told.sort(key=lambda each: (-_rank(each[1].verdict), not each[1].known, *_order(each[0])))
    return Screening(
        verdict=told[0][1].verdict if told else "clear",
        findings=tuple(finding for _, finding in told),
        questions=_questions(left, rules.conditions),
        groups=frozenset(groups),
        possible_groups=frozenset(possible - groups),
    )


def _rank(verdict: Verdict) -> int:
    return VERDICTS.index(verdict)


def _order(hazard: Hazard) -> tuple[int, str]:
    return SEVERITIES.index(hazard.severity), hazard.id


def _weighed(hazard: Hazard, route: Route, given: Situation) -> tuple[list[_Weighed], list[_Weighed]]:
    """The checks of a hazard on this route: those that hold, and those that are open."""
    if route not in hazard.routes:
        return [], []
    every = [
        _Weighed(hazard, check, read_all(check.when, given))
        for check in hazard.checks
        if not check.routes or route in check.routes
    ]
    holding = [each for each in every if each.reading.truth]
    return holding, [each for each in every if each.reading.truth is None]


def _holds(each: _Weighed, given: Situation) -> Finding:
    check, because = each.check, each.reading.because
    here = f"Here: {'; '.join(because)}." if because else ""
    return _finding(
        each,
        given,
        verdict=check.verdict,
        reason=_sentences(check.reason, here, *_figures(check, given)),
        resolve=check.resolve,
        is_known=check.answered,
        unknown=(),
    )


def _cannot_tell(still_open: Sequence[_Weighed], given: Situation) -> Finding:
    """One finding for all open checks of a hazard: it speaks of the one that could turn out worst."""
    each = max(still_open, key=lambda weighed: _rank(weighed.check.verdict))
    check, because = each.check, each.reading.because
    unknown = tuple(dict.fromkeys(word for every in still_open for word in every.reading.unknown))
    here = f"Here: {'; '.join(because)}." if because else ""
    reason = f"Not known: {'; '.join(unknown)}. {OPEN[check.verdict]}: {check.reason}"
    return _finding(
        each,
        given,
        verdict="caution",
        reason=_sentences(here, reason),
        resolve=f"Find out what is not known. If so: {check.resolve}",
        is_known=False,
        unknown=unknown,
    )


def _finding(
    each: _Weighed,
    given: Situation,
    *,
    verdict: Verdict,
    reason: str,
    resolve: str,
    is_known: bool,
    unknown: tuple[str, ...],
) -> Finding:
    hazard, check = each.hazard, each.check
    carried_over = bool(check.stated_for) and given.product.id not in check.stated_for
    notes = [note for note in (CARRIED_OVER if carried_over else None, check.note) if note]
    return Finding(
        hazard=hazard.id,
        name=hazard.name,
        verdict=verdict,
        reason=reason,
        resolve=resolve,
        source=check.source,
        seen="unverified" if carried_over else check.seen,
        known=is_known,
        worst=check.verdict,
        because=each.reading.because,
        unknown=unknown,
        wait_months=check.wait_months,
        note="; ".join(notes) or None,
        me_cfs_note=hazard.me_cfs_note,
    )


def _figures(check: Check, given: Situation) -> list[str]:
    """The numbers of this plan that belong to a check's reason, a sentence each."""
    volume = "not known" if given.ml is None else f"{given.ml:,.4g} mL"
    said = {"volume": f"The volume is {volume}.", "sodium": _sodium(given)}
    return [said[name] for name in check.figures]


def _sodium(given: Situation) -> str:
    stated, words = known(given.product.sodium_mmol_per_l), known(given.product.sodium)
    amount = highest(stated)
    if stated is not None and amount is not None and given.ml is not None:
        bound = "At most" if stated.maximum is not None else "About"
        return f"{bound} {amount * given.ml / ML_PER_L:.3g} mmol of sodium."
    return f"Sodium: {words}." if words is not None else "How much sodium it holds is not known."


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _questions(still_open: Sequence[_Weighed], conditions: Mapping[str, Condition]) -> tuple[Question, ...]:
    """Every question once: first those that could lead to stop, last those that stand for anything else."""
    asked: dict[str, list[_Weighed]] = {}
    for each in sorted(still_open, key=lambda each: _order(each.hazard)):
        for name in each.reading.ask:
            asked.setdefault(name, []).append(each)
    questions = [
        Question(
            condition=name,
            text=AGE_QUESTION if name == AGE else conditions[name].question,
            why="; ".join(dict.fromkeys(each.hazard.name for each in settles)),
            could_stop=any(each.check.verdict == "stop" for each in settles),
        )
        for name, settles in asked.items()
    ]
    # the sort keeps the order of the hazards within each of the three
    return tuple(sorted(questions, key=lambda each: (not each.could_stop, _catch_all(each, conditions))))


def _catch_all(question: Question, conditions: Mapping[str, Condition]) -> bool:
    return question.condition != AGE and conditions[question.condition].catch_all
