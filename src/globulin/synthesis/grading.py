"""Certainty of an answer: proposals domain by domain, what people decided instead, and the words for both.

A proposal is never final. Where people have rated a domain, their rating stands in its place, and the result
keeps both, so that a reader sees what was counted and what was judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from globulin.dossier.certainty import Concern, DomainRating, GradeDomain

CertaintyLevel = Literal["high", "moderate", "low", "very_low"]
CERTAINTY_LEVELS: tuple[CertaintyLevel, ...] = ("high", "moderate", "low", "very_low")
"""From best to worst; randomised trials start at the best."""

DOWNGRADES: dict[Concern, int] = {"not_serious": 0, "serious": 1, "very_serious": 2}

PLAIN: dict[CertaintyLevel, str] = {
    "high": "High: we are sure that the true effect is close to this.",
    "moderate": "Moderate: the true effect is probably close to this, and may be quite different.",
    "low": "Low: the true effect may be very different from this.",
    "very_low": "Very low: we are very unsure.",
}
"""What each level of certainty means (Balshem et al. 2011, J Clin Epidemiol 64:401-406, table 2)."""

DOMAIN_NAMES: dict[GradeDomain, str] = {
    "risk_of_bias": "Were the trials done and reported in a way that can be trusted? (risk of bias)",
    "inconsistency": "Do the trials agree with each other? (inconsistency)",
    "indirectness": "Are people, treatment and outcome those that are asked about? (indirectness)",
    "imprecision": "Were there enough people to tell? (imprecision)",
    "missing_results": "Are results missing? (missing results, publication bias)",
}

CONCERN_NAMES: dict[Concern, str] = {
    "not_serious": "no serious concern",
    "serious": "serious concern",
    "very_serious": "very serious concern",
}


@dataclass(frozen=True, slots=True)
class DomainProposal:
    """A proposed level for one domain. methods: keys of `globulin.methods.METHODS`."""

    domain: GradeDomain
    name: str
    level: Concern
    downgrade: int
    arithmetic: tuple[str, ...]
    thresholds: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DomainGrade:
    """What stands for one domain: people's rating if there is one, else the proposal. Both are kept."""

    proposal: DomainProposal
    rating: DomainRating | None
    level: Concern
    downgrade: int
    words: str


@dataclass(frozen=True, slots=True)
class Grade:
    """Certainty of one answer, from where randomised trials start down to what stands.

    proposed: from the proposals alone. certainty: with people's ratings in their place. rated: how many
    domains people have rated. plain: what the level means, in plain words. words: how it was reached.
    """

    starts_at: CertaintyLevel
    domains: tuple[DomainGrade, ...]
    proposed: CertaintyLevel
    certainty: CertaintyLevel
    rated: int
    plain: str
    words: str


def certainty_after(downgrades: int) -> CertaintyLevel:
    """The level after so many steps down from high; never below very low.

    Source: Balshem et al. 2011, J Clin Epidemiol 64:401-406.
    """
    if downgrades < 0:
        raise ValueError(f"downgrades: must not be negative, not {downgrades}")
    return CERTAINTY_LEVELS[min(downgrades, len(CERTAINTY_LEVELS) - 1)]


def grade(proposals: Sequence[DomainProposal], ratings: Iterable[DomainRating]) -> Grade:
    """Put people's ratings in place of the proposals, domain by domain; the newest of a domain counts."""
    newest: dict[GradeDomain, DomainRating] = {}
    for rating in sorted(ratings, key=lambda rating: rating.judged_on):
        newest[rating.domain] = rating
    domains = tuple(_standing(proposal, newest.get(proposal.domain)) for proposal in proposals)
    down = sum(domain.downgrade for domain in domains)
    proposed = certainty_after(sum(proposal.downgrade for proposal in proposals))
    certainty, rated = certainty_after(down), sum(domain.rating is not None for domain in domains)
    decided = (
        "a proposal; nobody has rated it yet"
        if rated == 0
        else f"people have rated {rated} of {len(domains)} domains; the rest are proposals"
        if rated < len(domains)
        else "rated by people in every domain"
    )
    return Grade(
        starts_at="high",
        domains=domains,
        proposed=proposed,
        certainty=certainty,
        rated=rated,
        plain=PLAIN[certainty],
        words=f"Starts at high, as for all randomised trials; {down} {'step' if down == 1 else 'steps'} down"
        f" ({decided}).",
    )


def _standing(proposal: DomainProposal, rating: DomainRating | None) -> DomainGrade:
    level = proposal.level if rating is None else rating.level
    if rating is None:
        words = f"Proposed: {CONCERN_NAMES[level]}, {_down(DOWNGRADES[level])}."
    else:
        words = (
            f"Rated by {rating.role} on {rating.judged_on.isoformat()}: {CONCERN_NAMES[level]},"
            f" {_down(DOWNGRADES[level])}. {rating.reason} (Proposed: {CONCERN_NAMES[proposal.level]}.)"
        )
    return DomainGrade(proposal, rating, level, DOWNGRADES[level], words)


def _down(steps: int) -> str:
    return ("nothing taken off", "one level down", "two levels down")[steps]


# --- informative statements --------------------------------------------------------------------------

Size = Literal["large", "moderate", "small", "trivial"]

_VERBS: dict[CertaintyLevel, str] = {
    "high": "results in",
    "moderate": "likely results in",
    "low": "may result in",
    "very_low": "",
}
_SIZES: dict[Size, str] = {
    "large": "a large {change} in",
    "moderate": "{article} {change} in",
    "small": "a slight {change} in",
    "trivial": "little to no difference in",
}


def size_of_smd(smd: float) -> Size:
    """Small, moderate and large from 0.2, 0.5 and 0.8 (Cohen 1988, section 2.2), whatever the sign."""
    for least, size in ((0.8, "large"), (0.5, "moderate"), (0.2, "small")):
        if abs(smd) >= least:
            return size  # type: ignore[return-value]
    return "trivial"


def informative_statement(level: CertaintyLevel, size: Size, *, more: bool, outcome: str) -> str:
    """What immune globulin does to an outcome, in the words that GRADE gives to each level of certainty.

    more: whether the outcome becomes more frequent. Very low certainty states no size.
    Source: Santesso et al. 2020, J Clin Epidemiol 119:126-135, table 3.
    """
    if level == "very_low":
        return f"The evidence is very uncertain about the effect of immune globulin on {outcome}."
    change, article = ("increase", "an") if more else ("reduction", "a")
    return f"Immune globulin {_VERBS[level]} {_SIZES[size].format(change=change, article=article)} {outcome}."
