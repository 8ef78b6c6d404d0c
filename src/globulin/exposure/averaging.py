"""Several models as one answer: their weighted mean, and a band that holds their disagreement.

The band runs from the lowest to the highest model. It is no interval of confidence: models that share data
or structure err together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

from globulin.exposure.facts import AverageFacts
from globulin.exposure.models import Person, domain_flags
from globulin.exposure.results import Band, Exposure, Level, LevelBand, MuscleBand, Simulated


def averaged(facts: AverageFacts, person: Person, members: Sequence[tuple[Simulated, float]]) -> Simulated:
    """The average of `members`, each with its weight, which need not add up to 1.

    Members without an answer are left out and named. What is left of the body's own IgG is averaged over the
    models that can tell, and applied to the average of what all models start from.
    """
    usable = [(member, weight) for member, weight in members if member.message is None]
    left_out = [f"{member.model} is left out: {member.message}" for member, _ in members if member.message]
    total = sum(weight for _, weight in usable)
    shares = tuple(replace(member, weight=weight / total) for member, weight in usable)
    first = members[0][0]
    shared = [flag for flag in first.flags if all(flag in member.flags for member, _ in members)]
    exposures = [member.exposure for member in shares if member.exposure is not None]
    weights = [member.weight or 0.0 for member in shares]
    return Simulated(
        model=facts.id,
        name=facts.name,
        kind="average",
        baseline_g_per_l=_mean([member.baseline_g_per_l for member in shares], weights),
        interval_day=first.interval_day,
        exposure=_mean_exposure(exposures, weights) if exposures else None,
        at=_mean_levels(shares, weights),
        flags=(*dict.fromkeys([*domain_flags(facts.valid_for, person), *shared]), *left_out),
        sources=tuple(dict.fromkeys(name for member in shares for name in member.sources)),
        message=None if usable else "no member has an answer",
        band=band(exposures) if exposures else None,
        at_band=_level_bands(shares),
        members=shares,
        muscle=_muscle([member.muscle for member in shares if member.muscle is not None]),
    )


def band(exposures: Sequence[Exposure]) -> Band:
    """Lowest and highest of several exposures, number by number."""
    return Band(_each(min, exposures), _each(max, exposures))


def _each(choose: Callable[[Sequence[float]], float], exposures: Sequence[Exposure]) -> Exposure:
    return Exposure(*(choose(values) for values in zip(*map(astuple, exposures), strict=True)))


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = sum(weights)
    return sum(weight * value for value, weight in zip(values, weights, strict=True)) / (total or 1.0)


def _mean_exposure(exposures: Sequence[Exposure], weights: Sequence[float]) -> Exposure:
    return _each(lambda values: _mean(values, weights), exposures)


def _mean_levels(members: Sequence[Simulated], weights: Sequence[float]) -> tuple[Level, ...]:
    return tuple(
        _mean_level(levels, weights) for levels in zip(*(member.at for member in members), strict=True)
    )


def _mean_level(levels: Sequence[Level], weights: Sequence[float]) -> Level:
    telling = [
        (level.autoantibody_fraction, weight)
        for level, weight in zip(levels, weights, strict=True)
        if level.autoantibody_fraction is not None
    ]
    left = _mean([share for share, _ in telling], [weight for _, weight in telling]) if telling else None
    # what each model starts from; a linear one cannot tell what becomes of it
    untreated = [level.endogenous_g_per_l / (level.autoantibody_fraction or 1.0) for level in levels]
    return Level(
        day=levels[0].day,
        total_g_per_l=_mean([level.total_g_per_l for level in levels], weights),
        endogenous_g_per_l=_mean(untreated, weights) * (1.0 if left is None else left),
        autoantibody_fraction=left,
    )


def _level_bands(members: Sequence[Simulated]) -> tuple[LevelBand, ...]:
    bands = []
    for levels in zip(*(member.at for member in members), strict=True):
        totals = [level.total_g_per_l for level in levels]
        bands.append(LevelBand(levels[0].day, min(totals), max(totals)))
    return tuple(bands)


def _muscle(bands: Sequence[MuscleBand]) -> MuscleBand | None:
    if not bands:
        return None
    spans = [each.buttock_rise_mean_g_per_l for each in bands if each.buttock_rise_mean_g_per_l]
    uptake = Band(
        _each(min, [each.uptake.low for each in bands]), _each(max, [each.uptake.high for each in bands])
    )
    buttock = (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None
    return MuscleBand(uptake, buttock)
