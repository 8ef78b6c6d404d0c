"""How sure one may be of what the trials say: the one place where records become numbers to grade.

For every answer each GRADE domain is proposed from numbers that the dossier and the answer hold, people's
ratings stand in place of proposals, and the summary of findings says what it all means among 1,000 people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from globulin.dossier.certainty import CertaintyQuestion
from globulin.dossier.context import Background
from globulin.dossier.provenance import known
from globulin.dossier.study import Study
from globulin.synthesis.absolute import risk_difference
from globulin.synthesis.bias import StudyBias, study_bias
from globulin.synthesis.curves import ConclusionId, Flip
from globulin.synthesis.grade_domains import (
    APPRECIABLE,
    Silence,
    TrialInterval,
    WeightedBias,
    propose_imprecision,
    propose_imprecision_of_difference,
    propose_inconsistency,
    propose_indirectness,
    propose_missing_results,
    propose_risk_of_bias,
)
from globulin.synthesis.grading import DomainProposal, Grade, grade
from globulin.synthesis.harms import CountedHarm, harm_row, harms
from globulin.synthesis.information_size import people_per_group, people_per_group_for_risks
from globulin.synthesis.policy import Summary
from globulin.synthesis.questions import Asked, Questions, weighted_difference
from globulin.synthesis.readings import Z95, TrialEffect
from globulin.synthesis.summary_of_findings import (
    CONVERSION,
    NOT_SHOWN,
    SummaryOfFindings,
    benefit_row,
    control_risks,
    people_in,
)
from globulin.synthesis.trials import Answer, TrialSummary


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure one may be, and why. bias: of each trial that is pooled or could have been.

    messages: what in the dossier's ratings could not be used, and why. sources: ids of all that it rests on.
    """

    question: Asked
    bias: tuple[StudyBias, ...]
    summary: SummaryOfFindings
    messages: tuple[str, ...]
    sources: tuple[str, ...]


def certainty(
    studies: Iterable[Study],
    trials: TrialSummary,
    background: Iterable[Background],
    questions: Iterable[CertaintyQuestion],
) -> Certainty:
    """Certainty and summary of findings of all answers in `trials`, which must be of the same studies."""
    by_id = {study.id: study for study in sorted(studies, key=lambda study: study.id)}
    asked = Questions(questions)
    context = _Context(by_id, trials, asked)
    controls = control_risks(background, [by_id[effect.study] for effect in trials.effects])
    counted, uncounted = harms(by_id.values())
    summary = SummaryOfFindings(
        benefits=tuple(
            benefit_row(
                answer=answer.id,
                title=answer.title,
                outcome=asked.benefit.outcome,
                effects=context.effects_of(answer),
                summary=answer.policy.primary,
                message=answer.policy.message,
                controls=controls,
                grade=_answer_grade(context, answer),
            )
            for answer in trials.answers
        ),
        harms=tuple(harm_row(harm, _harm_grade(context, harm)) for harm in counted),
        uncounted_harms=uncounted,
        control_risks=controls,
        conversion=CONVERSION,
        not_shown=NOT_SHOWN,
    )
    judged = [*(effect.study for effect in trials.effects), *(study for study, _ in trials.unusable)]
    bias = tuple(bias for study in judged if (bias := study_bias(by_id[study])) is not None)
    return Certainty(
        question=asked.benefit,
        bias=bias,
        summary=summary,
        messages=asked.unmatched({(harm.study.id, harm.outcome.id) for harm in counted}),
        sources=_sources(bias, summary),
    )


def _sources(bias: Iterable[StudyBias], summary: SummaryOfFindings) -> tuple[str, ...]:
    # a mapped judgement rests on what was seen of a study at large, which its own section lists
    found = [source for item in bias if item.basis == "assessed" for source in item.sources]
    for rows in (summary.benefits, summary.control_risks, summary.harms, summary.uncounted_harms):
        for row in rows:
            found.extend(row.sources)
    return tuple(sorted(set(found)))


@dataclass(frozen=True, slots=True)
class _Context:
    studies: Mapping[str, Study]
    trials: TrialSummary
    questions: Questions

    def effects_of(self, answer: Answer) -> tuple[TrialEffect, ...]:
        return tuple(effect for effect in self.trials.effects if effect.study in answer.studies)


# --- the domains of an answer ------------------------------------------------------------------------


def _answer_grade(context: _Context, answer: Answer) -> Grade | None:
    """Certainty of one answer; None where the answer itself is missing."""
    summary = answer.policy.primary
    if summary is None:
        return None
    return grade(_proposals(context, answer, summary), context.questions.ratings_of_answer(answer.id))


def _proposals(context: _Context, answer: Answer, summary: Summary) -> tuple[DomainProposal, ...]:
    effects = context.effects_of(answer)
    shares = _shares(effects, summary.tau or 0.0)
    worth_it = context.trials.worth_it_smd
    measured = [effect for effect in effects if effect.smd is not None]
    classical = answer.frequentist
    return (
        propose_risk_of_bias(
            [_weighted_bias(context.studies[effect.study], shares[effect.study]) for effect in effects],
            _how_weighted(summary),
        ),
        propose_inconsistency(
            [_interval(effect, answer) for effect in effects],
            worth_it=worth_it,
            i2_percent=None if classical is None else classical.i2_percent,
            tau=None if classical is None else classical.tau2**0.5,
            prediction=_prediction(summary),
        ),
        propose_indirectness(
            [
                weighted_difference(context.studies[study], share, difference)
                for study, share in shares.items()
                for difference in context.questions.differences(study)
            ],
            context.questions.benefit.words,
        ),
        propose_imprecision(
            summary.ci_lower,
            summary.ci_upper,
            worth_it=worth_it,
            people=people_in(measured),
            needed=2 * people_per_group(worth_it),
            method=summary.name,
        ),
        propose_missing_results(_silence(context, answer), _turns(context.trials)),
    )


def _shares(effects: Sequence[TrialEffect], tau: float) -> dict[str, float]:
    """Share of each trial in the weight 1 / (variance + tau^2), by study id."""
    weights = {effect.study: 1 / (effect.se**2 + tau**2) for effect in effects}
    total = sum(weights.values())
    return {study: weight / total for study, weight in weights.items()}


def _how_weighted(summary: Summary) -> str:
    tau = 0.0 if summary.tau is None else summary.tau
    return (
        f"A trial's weight is 1 / (its variance + the variance between trials); the spread between trials is"
        f" {tau:.2f} ({summary.name}). A trial without numbers has the weight that its size would have given."
    )


def _weighted_bias(study: Study, share: float, outcome: str | None = None) -> WeightedBias:
    bias = study_bias(study, outcome)
    if bias is None:
        return WeightedBias(study.name, share, None, 0)
    return WeightedBias(study.name, share, bias.overall, bias.concerns)


def _interval(effect: TrialEffect, answer: Answer) -> TrialInterval:
    if effect.smd is not None:
        return TrialInterval(
            effect.name, effect.smd, effect.smd - Z95 * effect.se, effect.smd + Z95 * effect.se
        )
    if answer.frequentist is None and effect.bound is not None:
        return TrialInterval(effect.name, None, -effect.bound, effect.bound)
    return TrialInterval(effect.name, 0.0, -Z95 * effect.se, Z95 * effect.se)


def _prediction(summary: Summary) -> tuple[float, float] | None:
    if summary.prediction_lower is None or summary.prediction_upper is None:
        return None
    return summary.prediction_lower, summary.prediction_upper


# --- missing results ---------------------------------------------------------------------------------


def _silence(context: _Context, answer: Answer) -> Silence:
    """Who is in trials whose numbers are not known, and which of them the answer lets be anything."""
    covered = answer.frequentist is None
    mute = [effect for effect in context.trials.effects if effect.smd is None]
    left_out = () if covered else tuple(mute)
    ranges = tuple(mute) if covered else ()
    return _silence_of(context, left_out, ranges)


def _silence_of(
    context: _Context, silent: Sequence[TrialEffect], as_ranges: Sequence[TrialEffect]
) -> Silence:
    unusable = [context.studies[study] for study, _ in context.trials.unusable]
    sizes = {study.name: known(study.population.n) for study in unusable}
    return Silence(
        trials=len(context.trials.effects) + len(unusable),
        people=people_in(context.trials.effects) + sum(n or 0 for n in sizes.values()),
        silent=(*(effect.name for effect in silent), *(name for name, n in sizes.items() if n is not None)),
        silent_people=people_in(silent) + sum(n or 0 for n in sizes.values()),
        as_ranges=tuple(effect.name for effect in as_ranges),
        as_ranges_people=people_in(as_ranges),
        unknown_size=tuple(name for name, n in sizes.items() if n is None),
    )


_TOLD: tuple[ConclusionId, ...] = ("interval_above_zero", "estimate_worth_it")


def _turns(trials: TrialSummary) -> tuple[str, ...]:
    """The answers side by side, and where the main one would turn with what the silent trials found."""
    lines = []
    stated = [
        f"{answer.title}: {summary.estimate:.2f} ({summary.ci_lower:.2f} to {summary.ci_upper:.2f})"
        for answer in trials.answers
        if (summary := answer.policy.primary) is not None
    ]
    if len(stated) > 1:
        lines.append("; ".join(stated) + ".")
    if trials.missing is not None and trials.missing.curves:
        curve = trials.missing.curves[0]
        lines += [_turn(curve.flip(conclusion)) for conclusion in _TOLD]
    return tuple(lines)


def _turn(flip: Flip) -> str:
    if flip.never:
        held = "holds" if flip.holds_at_start else "does not hold"
        return f"Whatever the silent trials found, this {held}: {flip.words}."
    change = "stops" if flip.holds_at_start else "starts"
    at = " and ".join(f"{x:.2f}" for x in flip.at)
    return (
        f"Where the silent trials found {at} of the most that they could have (-1: all for the control,"
        f" 1: all for immune globulin), this {change} to hold: {flip.words}."
    )


# --- harms -------------------------------------------------------------------------------------------


def _harm_grade(context: _Context, harm: CountedHarm) -> Grade:
    study, key = harm.study, (harm.study.id, harm.outcome.id)
    asked, ratings = context.questions.of_harm(key)
    question = asked or Asked(harm.outcome.name, "", "", "")
    found = risk_difference(harm.events_treated, harm.n_treated, harm.events_control, harm.n_control)
    control = float(found.risk2)
    raised = control * (1 + APPRECIABLE)
    needed = 2 * people_per_group_for_risks(control, raised) if control > 0 and raised < 1 else None
    others = [effect for effect in context.trials.effects if effect.study != study.id]
    proposals = (
        propose_risk_of_bias([_weighted_bias(study, 1.0, harm.outcome.id)], "One trial has all the weight."),
        propose_inconsistency(
            [TrialInterval(study.name, float(found.difference), float(found.lower), float(found.upper))],
            worth_it=context.trials.worth_it_smd,
            i2_percent=None,
            tau=None,
            prediction=None,
        ),
        propose_indirectness(
            [
                weighted_difference(study, 1.0, difference)
                for difference in context.questions.differences(study.id, key)
            ],
            question.words,
        ),
        propose_imprecision_of_difference(
            float(found.lower),
            float(found.upper),
            control_risk=control,
            people=harm.n_treated + harm.n_control,
            needed=needed,
        ),
        propose_missing_results(_silence_of(context, others, ())),
    )
    return grade(proposals, ratings)
