"""What one person's levels say, as plain values: by model, and of all models together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, and the intervals that hold 50% and 95% of what is plausible."""

    median: float
    low50: float
    high50: float
    low95: float
    high95: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A parameter of one person: typical, most probable, and how sure that is.

    `parameter`: cl, v1, q, v2 (clearance, central volume, exchange, peripheral volume), base (own IgG), and
    by route ka_sc, f_sc and so on (rate of uptake, fraction taken up). `shrinkage` is the share of the
    variance between people that the levels leave: near 1, they say nothing about it. None: no fit.
    """

    parameter: str
    unit: str
    typical: float
    most_probable: float | None
    plausible: Spread | None
    shrinkage: float | None


@dataclass(frozen=True, slots=True)
class FittedLevel:
    """A measured level under one model, in g/L.

    `predicted` is the level at the most probable parameters, `residual_sd` how many SDs of a measurement lie
    between (None below the limit). `low95` to `high95` is what the other levels predict for it, `p` the
    probability of a level at least as far out. `fits` is false where Holm's procedure over all levels of the
    person rejects that. `near_infusion`: drawn during, or within a day after, a dose
    into a vein, where the hour matters. Where `fits` is false, `shift_hour` is the smallest change of the
    draw time that would explain it (None: none within three days).
    """

    day: float
    g_per_l: float
    below_limit: bool
    near_infusion: bool
    fits: bool
    predicted_g_per_l: float | None
    residual_sd: float | None
    low95_g_per_l: float | None
    high95_g_per_l: float | None
    p: float | None
    shift_hour: float | None


@dataclass(frozen=True, slots=True)
class ModelFit:
    """One model fitted to one person.

    `weight` is the model's probability after the levels, from `prior_weight` before them and `log_marginal`,
    the log of the levels' probability under it; 0 where the answer was refused. `held` are parameters that do
    not vary between people. `pareto_k` (above 0.7 no intervals are given) and `effective_draws` say whether
    the draws can be trusted. `messages`: what went wrong and which level does not fit; `flags`: what was
    assumed and where the model does not fit the person.
    """

    model: str
    name: str
    prior_weight: float
    weight: float
    accepted: bool
    estimates: tuple[Estimate, ...]
    held: dict[str, float]
    levels: tuple[FittedLevel, ...]
    log_marginal: float | None
    pareto_k: float | None
    effective_draws: float
    messages: tuple[str, ...]
    flags: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """Total IgG on one day, all models together by weight, in g/L; at the time of a dose, before it.

    `level` is what the blood holds; a measurement falls between `measured_low95` and `measured_high95`.
    """

    day: float
    level_g_per_l: Spread
    measured_low95_g_per_l: float
    measured_high95_g_per_l: float


@dataclass(frozen=True, slots=True)
class Individualised:
    """What one person's levels say. `left_out`: models that cannot be fitted, each with the reason.

    `followed` are levels as in `forecast`, on the days to be drawn; empty unless they were asked for.
    """

    models: tuple[ModelFit, ...]
    forecast: tuple[Ahead, ...]
    left_out: tuple[str, ...]
    dose_day: tuple[float, ...]
    message: str | None = None
    followed: tuple[Ahead, ...] = ()
