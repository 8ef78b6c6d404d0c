"""Four regimens that people speak of, followed from the first dose: what a level does from day to day.

A steady state hides how a regimen is lived with. From the smallest dose that doctors report to one of the
trials, side by side, it shows how differently the same word, immune globulin, moves a level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from globulin.dossier import Dossier
from globulin.dossier.treatment import Route
from globulin.exposure.facts import Catalogue, catalogue
from globulin.exposure.history import repeated
from globulin.exposure.models import Person
from globulin.exposure.profiles import Profile, profile
from globulin.planning.comparison import RegimenRow
from globulin.planning.dosing import Amount, dose_words

FOLLOWED = ("iv_1_g_per_kg_28d", "iv_0_4_g_per_kg_28d", "park_1_g_weekly_iv", "im_2_ml_weekly")
"""Ids of the regimens, largest dose first."""

FOLLOWED_DAY = 84.0
NORMAL = "normal"
"""The average of models that speaks for people who make a normal amount of IgG."""


@dataclass(frozen=True)
class RegimenProfile:
    """One regimen from its first dose on, under the average for people with normal IgG.

    `sources` are those of the dose and of the models.
    """

    id: str
    label: str
    dose: str
    """The dose in a few words, as in `2 mL a week`."""
    route: Route
    profile: Profile
    sources: tuple[str, ...]


def regimen_profiles(
    dossier: Dossier, rows: tuple[RegimenRow, ...], weight_kg: float
) -> tuple[RegimenProfile, ...]:
    """The first 12 weeks of those regimens of `FOLLOWED` that the dossier has, largest dose first.

    `rows` are its regimens as `compare_regimens` gives them. Empty if the dossier lacks the models.
    """
    models = catalogue(dossier.kinetics)
    if NORMAL not in models.averages or models.muscle is None:
        return ()
    by_id = {row.id: row for row in rows}
    found = (_followed(models, by_id[name], dossier, weight_kg) for name in FOLLOWED if name in by_id)
    return tuple(each for each in found if each is not None)


def _followed(
    models: Catalogue, row: RegimenRow, dossier: Dossier, weight_kg: float
) -> RegimenProfile | None:
    given = row.amount
    if not isinstance(given, Amount) or given.interval_day is None or row.route is None:
        return None
    doses = repeated(
        given.dose_g,
        given.interval_day,
        max(1, math.ceil(FOLLOWED_DAY / given.interval_day)),
        route=row.route,
        infusion_day=given.infusion_day if row.route == "iv" else None,
        daily_parts=given.daily_parts,
    )
    found = profile(models, NORMAL, Person(weight_kg), doses, stops=False, interval_day=given.interval_day)
    regimen = dossier.regimens[row.id].regimen
    return RegimenProfile(
        row.id,
        row.label,
        dose_words(regimen) or row.label,
        row.route,
        found,
        tuple(dict.fromkeys([*row.sources, *found.answers[0].sources])),
    )
