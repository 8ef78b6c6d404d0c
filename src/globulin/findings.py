"""Everything a page says that is computed, from one dossier, for one body weight and one price list.

The faces (page, PDF, terminal, JSON) all render this one result, so they cannot disagree. Words of the
dossier that hold a computed number name it as `{figure}`; the figures are computed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from globulin.dossier import Dossier
from globulin.dossier.claim import Claim
from globulin.dossier.patient import Patient
from globulin.dossier.price import PriceList
from globulin.dossier.result import Counts, TestStatistic
from globulin.dossier.study import Study
from globulin.dossier.treatment import Route
from globulin.errors import InputError
from globulin.planning.comparison import RegimenRow, compare_regimens
from globulin.planning.cost import DrugPrice, drug_prices, newest_price_list
from globulin.planning.dose_effect import DoseAnswers, dose_answers
from globulin.planning.dosing import Amount
from globulin.planning.labelled import LabelledAmount, labelled_amounts
from globulin.planning.profiles import RegimenProfile, regimen_profiles
from globulin.synthesis.certainty import Certainty, certainty
from globulin.synthesis.choices import Choices, chosen_studies
from globulin.synthesis.trials import AnswerId, TrialSummary, summarise_trials

REFERENCE_PATIENT = "reference_adult"
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Figure:
    """A computed number as it reads in a sentence, with the sources it rests on."""

    name: str
    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class AnsweredClaim:
    """A claim of the source page with its answer, figures filled in."""

    claim: Claim
    finding: str
    sources: tuple[str, ...]
    """Source ids of the figures in the finding; the records it rests on are in `claim.see`."""


@dataclass(frozen=True)
class Findings:
    """All computed answers of one dossier."""

    weight_kg: float
    price_list: str
    trials: TrialSummary
    certainty: Certainty
    """How sure one may be of the trials' answers, and what they mean among 1,000 people."""
    dose: DoseAnswers
    """Whether more helps more, and whether adolescents or people with an immune marker differ."""
    regimens: tuple[RegimenRow, ...]
    profiles: tuple[RegimenProfile, ...]
    """What total IgG does over 12 weeks of a few of the regimens."""
    labelled: tuple[LabelledAmount, ...]
    """Repeated doses on product labels, on the same axis."""
    prices: dict[Route, tuple[DrugPrice, ...]]
    """Products with a price, by route, cheapest gram first."""
    figures: dict[str, Figure]
    claims: tuple[AnsweredClaim, ...]


def find(
    dossier: Dossier,
    *,
    weight_kg: float | None = None,
    price_list: str | None = None,
    choices: Choices | None = None,
) -> Findings:
    """Compute every answer of a dossier.

    `weight_kg` defaults to that of the dossier's reference adult, `price_list` (an id) to the newest US drug
    price list that was read in full, `choices` to the dossier's own. Raises InputError where the dossier
    lacks them, ValueError for choices that the trials do not allow.
    """
    chosen = Choices() if choices is None else choices
    weight = _reference_weight(dossier) if weight_kg is None else weight_kg
    prices = _price_list(dossier, price_list)
    studies = chosen_studies(dossier.studies.values(), chosen)
    trials = summarise_trials(studies, priors=chosen.priors, as_if=chosen.as_if)
    regimens = compare_regimens(dossier, prices, weight)
    routes: tuple[Route, ...] = ("iv", "sc", "fsc", "im")
    by_route = {route: drug_prices(dossier.products.values(), prices, route) for route in routes}
    context = _Context(dossier, prices, weight, trials, {row.id: row for row in regimens}, by_route)
    figures = {name: Figure(name, *make(context)) for name, make in _FIGURES.items()}
    return Findings(
        weight_kg=weight,
        price_list=prices.id,
        trials=trials,
        certainty=certainty(studies, trials, dossier.background.values(), dossier.certainty.values()),
        # the dose of a trial goes with the outcome that was chosen for it
        dose=dose_answers(
            dossier.model_copy(update={"studies": {study.id: study for study in studies}}), weight
        ),
        regimens=regimens,
        profiles=regimen_profiles(dossier, regimens, weight),
        labelled=labelled_amounts(dossier.products.values()),
        prices=by_route,
        figures=figures,
        claims=tuple(_answered(claim, figures) for claim in dossier.all_claims()),
    )


def used_sources(dossier: Dossier, findings: Findings) -> tuple[str, ...]:
    """Ids of every source that a result rests on, in sorted order."""
    ids: set[str] = set()
    for effect in findings.trials.effects:
        ids.update(effect.sources)
    for outside in findings.trials.outside:
        ids.update(outside.sources)
    ids.update(findings.certainty.sources)
    ids.update(findings.dose.sources)
    for row in findings.regimens:
        ids.update((*row.sources, *row.rise_sources))
        for rise in row.rises:
            ids.update(getattr(dossier.kinetics[rise.model], "also", ()))
    for profile in findings.profiles:
        ids.update(profile.sources)
    for labelled in findings.labelled:
        ids.update(labelled.sources)
    for figure in findings.figures.values():
        ids.update(figure.sources)
    ids.update(price.source for prices in findings.prices.values() for price in prices)
    return tuple(sorted(ids))


@dataclass(frozen=True)
class _Context:
    dossier: Dossier
    price_list: PriceList
    weight_kg: float
    trials: TrialSummary
    rows: dict[str, RegimenRow]
    prices: dict[Route, tuple[DrugPrice, ...]]


_Made = tuple[str, tuple[str, ...]]
_UNKNOWN: _Made = (NOT_KNOWN, ())


def _reference_weight(dossier: Dossier) -> float:
    patient: Patient | None = dossier.patients.get(REFERENCE_PATIENT)
    if patient is None:
        raise InputError(f"the dossier has no patients/{REFERENCE_PATIENT}.yaml; give a weight in kg instead")
    return patient.weight_kg


def _price_list(dossier: Dossier, identifier: str | None) -> PriceList:
    if identifier is not None:
        if identifier not in dossier.prices:
            raise InputError(
                f"no price list '{identifier}'; there are: {', '.join(sorted(dossier.prices)) or 'none'}"
            )
        return dossier.prices[identifier]
    newest = newest_price_list(dossier.prices.values())
    if newest is None:
        raise InputError("the dossier has no dated US drug price list that was read in full")
    return newest


def _answered(claim: Claim, figures: dict[str, Figure]) -> AnsweredClaim:
    names = re.findall(r"\{([^{}]*)\}", claim.finding)
    text = re.sub(r"\{([^{}]*)\}", lambda match: figures[match[1]].text, claim.finding)
    sources = dict.fromkeys(source for name in names for source in figures[name].sources)
    return AnsweredClaim(claim, text, tuple(sources))


def _responders(context: _Context, role: str) -> _Made:
    study: Study | None = context.dossier.studies.get("lloyd_1990")
    if study is None or study.pooled is None:
        return _UNKNOWN
    outcome = study.outcome(study.pooled.outcome)
    if not isinstance(outcome.result, Counts):
        return _UNKNOWN
    arm = study.pooled.active[0] if role == "active" else study.pooled.control
    group = outcome.result.groups[arm]
    return f"{group.events} of {group.n} ({100 * group.events / group.n:.0f}%)", (outcome.source,)


def _rowe_t(context: _Context) -> _Made:
    study = context.dossier.studies.get("rowe_1997")
    if study is None or study.pooled is None:
        return _UNKNOWN
    outcome = study.outcome(study.pooled.outcome)
    if not isinstance(outcome.result, TestStatistic):
        return _UNKNOWN
    return f"t = {outcome.result.value:g}, {outcome.result.df:g} degrees of freedom", (outcome.source,)


def _pooled(identifier: AnswerId, context: _Context) -> _Made:
    if not context.trials.answers:
        return _UNKNOWN
    answer = context.trials.answer(identifier)
    summary = answer.frequentist
    if summary is not None:
        # both intervals, since with two to four trials they can disagree about everything
        wald = f"{summary.wald_lower:.2f} to {summary.wald_upper:.2f}"
        knapp = f"{summary.hartung_knapp_lower:.2f} to {summary.hartung_knapp_upper:.2f}"
        text = f"{summary.estimate:.2f} (95% interval {wald} by Wald, {knapp} by Hartung-Knapp)"
    else:
        first = answer.bayes[0]
        text = f"{first.median:.2f} (95% interval {first.ci_lower:.2f} to {first.ci_upper:.2f})"
    return text, answer.sources


def _cheapest(route: Route, text: Callable[[DrugPrice], str], context: _Context) -> _Made:
    prices = context.prices[route]
    return (text(prices[0]), (prices[0].source,)) if prices else _UNKNOWN


def _cheapest_course(g_per_kg: float, context: _Context) -> _Made:
    def words(price: DrugPrice) -> str:
        return f"{price.per_gram * g_per_kg * context.weight_kg:,.0f} {price.currency}"

    return _cheapest("iv", words, context)


def _im_over_10_ml(context: _Context) -> _Made:
    """Price per mL of the code for injections above 10 mL, which the same list prices lower."""
    for price in context.price_list.prices:
        if price.code == "J1560" and price.price is not None and price.unit == "ml":
            text = f"{price.price / price.amount:.2f} {context.price_list.currency}"
            return text, (context.price_list.source,)
    return _UNKNOWN


def _im_to_iv(context: _Context) -> _Made:
    im, iv = context.prices["im"], context.prices["iv"]
    if not im or not iv:
        return _UNKNOWN
    return f"{im[0].per_gram / iv[0].per_gram:.1f} times", (im[0].source,)


def _im_2_ml(text: Callable[[RegimenRow, Amount], str | None], context: _Context) -> _Made:
    row = context.rows.get("im_2_ml_weekly")
    if row is None or not isinstance(row.amount, Amount):
        return _UNKNOWN
    words = text(row, row.amount)
    return _UNKNOWN if words is None else (words, row.sources)


def _im_2_ml_cost(row: RegimenRow, given: Amount) -> str | None:
    if row.cheapest is None:
        return None
    return f"{row.cheapest.price.per_gram * given.dose_g:.2f} {row.cheapest.price.currency}"


def _im_price_per_ml(price: DrugPrice) -> str:
    return f"{price.list_price / price.list_amount:.2f} {price.currency}"


def _rise_percent(context: _Context) -> _Made:
    row = context.rows.get("im_2_ml_weekly")
    shares = [
        100 * rise.mean_g_per_l / baseline
        for rise in (row.rises if row is not None else ())
        if (baseline := _baseline(context.dossier, rise.model)) is not None
    ]
    if not shares or row is None:
        return _UNKNOWN
    return f"{min(shares):.1f} to {max(shares):.1f}%", row.rise_sources


def _baseline(dossier: Dossier, model: str) -> float | None:
    """The IgG (g/L) that a recycling model starts from; None for a model without one of its own."""
    baseline = getattr(dossier.kinetics[model], "baseline_g_per_l", None)
    return None if baseline is None else float(baseline.value)


def _low_dose_percent(context: _Context) -> _Made:
    low = [
        row.percent_of_trials
        for row in context.rows.values()
        if row.origin == "practitioner" and row.percent_of_trials is not None
    ]
    if not low:
        return _UNKNOWN
    sources = _unique(
        source for row in context.rows.values() if row.origin == "trial" for source in row.sources
    )
    ends = dict.fromkeys(f"{end:.0f}" for end in (min(a for a, _ in low), max(b for _, b in low)))
    return f"{' to '.join(ends)}%", sources


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


_FIGURES: dict[str, Callable[[_Context], _Made]] = {
    "lloyd_active_responders": lambda context: _responders(context, "active"),
    "lloyd_placebo_responders": lambda context: _responders(context, "control"),
    "rowe_t": _rowe_t,
    "pooled_numbers_only": partial(_pooled, "numbers_only"),
    "pooled_null_censored": partial(_pooled, "null_censored"),
    "pooled_null_at_zero": partial(_pooled, "null_at_zero"),
    "cheapest_iv_product": partial(_cheapest, "iv", lambda price: price.product_name),
    "cheapest_iv_usd_per_g": partial(_cheapest, "iv", lambda price: f"{price.per_gram:.2f} {price.currency}"),
    "cheapest_iv_0_4_g_per_kg_usd": partial(_cheapest_course, 0.4),
    "cheapest_iv_1_g_per_kg_usd": partial(_cheapest_course, 1.0),
    "cheapest_iv_2_g_per_kg_usd": partial(_cheapest_course, 2.0),
    "weight_kg": lambda context: (f"{context.weight_kg:g} kg", ()),
    "price_date": lambda context: (context.price_list.date_words, (context.price_list.source,)),
    "im_2_ml_usd": partial(_im_2_ml, _im_2_ml_cost),
    "im_usd_per_ml": partial(_cheapest, "im", _im_price_per_ml),
    "im_over_10_ml_usd_per_ml": _im_over_10_ml,
    "im_to_iv_price_ratio": _im_to_iv,
    "im_2_ml_weekly_g": partial(_im_2_ml, lambda _, given: f"{given.dose_g:.2f} g"),
    "im_2_ml_weekly_rise_percent": _rise_percent,
    "low_dose_percent_of_trials": _low_dose_percent,
}

FIGURE_NAMES = tuple(_FIGURES)
