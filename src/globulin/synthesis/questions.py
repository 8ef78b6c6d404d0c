"""The question that certainty is about, how each trial differs from it, and what people rated.

Whether a trial answers the question at hand is a judgement, so the dossier states it, with the field of the
record that it rests on. Here the field is read, so that a reader sees the words of the record beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from globulin.dossier.certainty import CertaintyQuestion, Difference, DomainRating
from globulin.dossier.provenance import Cited, Missing
from globulin.dossier.study import Study
from globulin.synthesis.grade_domains import WeightedDifference

BENEFIT = "feeling or functioning better"
"""What is asked about where the dossier holds no question of its own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that certainty is about, in plain words; "" where the dossier does not say."""

    outcome: str
    population: str
    intervention: str
    comparator: str

    @property
    def words(self) -> str:
        """The question in one line."""
        parts = [part for part in (self.population, self.intervention, self.comparator) if part]
        return f"{self.outcome}; {'; '.join(parts)}." if parts else f"{self.outcome}."


class Questions:
    """The dossier's questions: one about the benefit, and any about unwanted effects.

    benefit: what is asked about the benefit. A harm is named by the ids of its study and outcome.
    """

    def __init__(self, questions: Iterable[CertaintyQuestion]) -> None:
        ordered = sorted(questions, key=lambda question: question.id)
        self._benefits = [question for question in ordered if question.harm is None]
        self._harms = {
            (question.harm.study, question.harm.outcome): question for question in ordered if question.harm
        }
        first = self._benefits[0] if self._benefits else None
        self.benefit = _asked(first) if first is not None else Asked(BENEFIT, "", "", "")

    def differences(self, study: str, harm: tuple[str, str] | None = None) -> tuple[Difference, ...]:
        """How a study differs from the question; for a harm without its own, all but its outcome."""
        own = None if harm is None else self._harms.get(harm)
        questions = self._benefits if own is None else [own]
        return tuple(
            difference
            for question in questions
            for difference in question.differences
            if difference.study == study
            and (harm is None or own is not None or difference.aspect != "outcome")
        )

    def ratings_of_answer(self, answer: str) -> tuple[DomainRating, ...]:
        """What people rated for one of the three answers, or for all of them."""
        return tuple(
            rating
            for question in self._benefits
            for rating in question.ratings
            if rating.answer is None or rating.answer == answer
        )

    def of_harm(self, harm: tuple[str, str]) -> tuple[Asked | None, tuple[DomainRating, ...]]:
        """The question about a harm and what people rated; None and nothing where there is none."""
        question = self._harms.get(harm)
        return (None, ()) if question is None else (_asked(question), question.ratings)

    def unmatched(self, counted: set[tuple[str, str]]) -> tuple[str, ...]:
        """Why a question about a harm is not used: no trial counted it."""
        return tuple(
            f"certainty_question:{question.id} is not used: {study} has no counts of '{outcome}' in both"
            " groups"
            for (study, outcome), question in self._harms.items()
            if (study, outcome) not in counted
        )


def _asked(question: CertaintyQuestion) -> Asked:
    return Asked(question.outcome, question.population, question.intervention, question.comparator)


def weighted_difference(study: Study, share: float, difference: Difference) -> WeightedDifference:
    """A difference beside the words of the record that it rests on, with the study's share of the weight."""
    return WeightedDifference(
        name=study.name,
        share=share,
        aspect=difference.aspect,
        field=_FIELDS[difference.field],
        value=_field(study, difference.field),
        bearing=difference.bearing,
        says=difference.says,
    )


_FIELDS = {
    "population.criteria": "chosen by",
    "population.age": "age",
    "population.immune_selection": "chosen by an immune marker",
    "arms.regimen.product": "product",
    "arms.comparator": "compared with",
    "pooled.outcome": "outcome",
}


def _field(study: Study, name: str) -> str:
    """What the record of a study says in a field that a difference names."""
    match name:
        case "population.criteria" | "population.age" | "population.immune_selection":
            facts = [getattr(study.population, name.removeprefix("population."))]
        case "arms.regimen.product":
            facts = [arm.regimen.product for arm in study.arms if arm.regimen is not None]
        case "arms.comparator":
            facts = [arm.comparator for arm in study.arms if arm.comparator is not None]
        case _:
            return study.outcome(study.pooled.outcome).name if study.pooled is not None else "not pooled"
    return "; ".join(dict.fromkeys(_stated(fact) for fact in facts)) or "not stated"


def _stated(fact: Cited[str] | Missing) -> str:
    if isinstance(fact, Missing):
        return fact.missing
    return fact.value if fact.computable else "unverified"
