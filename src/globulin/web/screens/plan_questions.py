"""The questions of the screening by the hazard that asks them, those that could stop a plan first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from globulin.web.forms import Field

if TYPE_CHECKING:
    from globulin.dossier.hazard import Hazard, Term
    from globulin.plan_shelf import PlanShelf

QUESTION: Final = "is_"
"""What the field of a condition's question begins with."""


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """The questions that one hazard asks: the names of their fields, and whether an answer could stop."""

    name: str
    could_stop: bool
    questions: tuple[str, ...]


def question_fields(shelf: PlanShelf) -> tuple[Field, ...]:
    """The field of every question."""
    return tuple(
        Field(name=f"{QUESTION}{each.id}", label=each.question, kind="three")
        for each in shelf.conditions.values()
    )


def question_groups(shelf: PlanShelf) -> tuple[QuestionGroup, ...]:
    """Every question once, under the first hazard that asks it; hazards that could stop come first."""
    asking = [(hazard, _asked_by(hazard, shelf)) for hazard in shelf.hazards.values()]
    asking.sort(key=lambda each: (not _could_stop(each[0]), _SEVERITY.index(each[0].severity), each[0].id))
    groups, left = [], set(shelf.conditions)
    for hazard, names in asking:
        own = [name for name in dict.fromkeys(names) if name in left]
        left.difference_update(own)
        if own:
            groups.append(_group(hazard.name, _could_stop(hazard), own))
    if left:
        groups.append(_group("Anything else", False, sorted(left)))
    return tuple(groups)


_SEVERITY: Final = ("boxed_warning", "contraindication", "serious", "common", "practical")


def _group(name: str, could_stop: bool, conditions: Iterable[str]) -> QuestionGroup:
    return QuestionGroup(name, could_stop, tuple(f"{QUESTION}{each}" for each in conditions))


def _could_stop(hazard: Hazard) -> bool:
    return any(check.verdict == "stop" for check in hazard.checks)


def _asked_by(hazard: Hazard, shelf: PlanShelf) -> list[str]:
    checks = sorted(hazard.checks, key=lambda check: check.verdict != "stop")
    return [name for check in checks for term in check.when for name in _conditions(term, shelf)]


def _conditions(term: Term, shelf: PlanShelf) -> Iterator[str]:
    if term.has is not None:
        yield term.has
    if term.group is not None:
        members = [each for each in shelf.conditions.values() if term.group in each.groups]
        yield from (each.id for each in sorted(members, key=lambda each: each.catch_all))
    for inner in (*(term.any_of or ()), *(term.all_of or ())):
        yield from _conditions(inner, shelf)


def open_to(groups: Iterable[QuestionGroup], shelf: PlanShelf, sex: object) -> tuple[QuestionGroup, ...]:
    """The groups without what only people of the other sex can have."""

    def asks(field: str) -> bool:
        only = shelf.conditions[field.removeprefix(QUESTION)].sex
        return only is None or sex is None or only == sex

    kept = (replace(each, questions=tuple(filter(asks, each.questions))) for each in groups)
    return tuple(each for each in kept if each.questions)
