"""Pool the table a reviewer brought: the effect of each study, the chosen summary, and others beside it.

With few studies one interval misleads, so the Wald interval and, where its prior has a meaning, a
Bayesian summary always stand beside the chosen one. Studies without an effect stay in the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from globulin.synthesis.bayes import BayesResult, pool_bayes
from globulin.synthesis.effects import EffectSizes, Measure, effect_size
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.measures import Array
from globulin.synthesis.pooling import Interval, Pooled, pool
from globulin.synthesis.priors import HalfNormal

PRIOR_SCALE = 0.5
"""Scale of the half-normal prior of tau: cautious on standardised and log scales."""
STANDARD_SCALES = frozenset(
    ("OR", "RR", "PETO", "SMD", "SMDH", "ROM", "VR", "CVR", "PLO", "PLN", "ZCOR", "IRR")
)
"""Measures on a standardised or log scale, where that prior has a meaning."""
GENERIC = "GEN"
"""Effects that come worked out, on a scale that nobody named."""
CORRECTION = 0.5
"""Added to every cell of a table with an empty cell, and only to such tables."""
MOST_FOR_PRIOR = 1000
FURTHEST = 1e12
LEAST_LEVEL, MOST_LEVEL = 0.5, 0.9999

_NO_SCALE = (
    "no Bayesian summary: a half-normal prior of 0.5 has a meaning only on standardised and log scales,"
    " and this is not known to be one"
)
_MANY = f"no Bayesian summary: with more than {MOST_FOR_PRIOR:,} studies the prior no longer matters"


class StudyEffect(NamedTuple):
    """One study of the table, on the scale of the measure.

    line: where it stands in the file. estimate, se, ci_lower, ci_upper are NaN and weight is 0 for a study
    that has no effect. weight: share of the pooled estimate. corrected: True where the zero-cell correction
    was added. no_events: True where nobody in either group, or in the one group, had the event.
    """

    study: str
    line: int
    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    weight: float
    corrected: bool
    no_events: bool


@dataclass(frozen=True, slots=True)
class PooledTable:
    """What `pool_table` returns: every study, the chosen summary, and those that stand beside it.

    no_bayes: why there is no Bayesian summary, or "".
    """

    measure: str
    tau2_method: str
    ci_method: str
    level: float
    studies: tuple[StudyEffect, ...]
    pooled: Pooled
    wald: Pooled
    bayes: BayesResult | None
    no_bayes: str

    @property
    def unusable(self) -> tuple[str, ...]:
        """Studies without an effect, which could not be pooled."""
        return tuple(row.study for row in self.studies if np.isnan(row.estimate))

    @property
    def corrected(self) -> tuple[str, ...]:
        """Studies with an empty cell, to which the zero-cell correction was added."""
        return tuple(row.study for row in self.studies if row.corrected)

    @property
    def without_events(self) -> tuple[str, ...]:
        """Studies where nobody had the event."""
        return tuple(row.study for row in self.studies if row.no_events)


class Options(NamedTuple):
    """How to pool; see `pool`."""

    tau2: Tau2Method = "REML"
    ci: Interval = "HKSJ"
    level: float = 0.95


def checked_options(tau2: str, ci: str, level: float) -> Options:
    """Options from outside; ValueError naming the option and its choices."""
    for name, value, allowed in (("tau2", tau2, get_args(Tau2Method)), ("ci", ci, get_args(Interval))):
        if value not in allowed:
            raise ValueError(f"{name} {value}: is not one of {', '.join(allowed)}")
    if not LEAST_LEVEL <= level <= MOST_LEVEL:
        raise ValueError(f"level {level:g}: give a number from {LEAST_LEVEL} to {MOST_LEVEL}, such as 0.95")
    return Options(cast(Tau2Method, tau2), cast(Interval, ci), level)


def table_effects(measure: str, columns: Mapping[str, Array]) -> EffectSizes:
    """Effects of a table's columns: worked out by `measure`, or as given where the columns are ``y v``."""
    if "y" in columns:
        return EffectSizes(columns["y"], columns["v"], np.zeros(columns["y"].shape, dtype=np.bool_))
    return effect_size(cast(Measure, measure), correction=CORRECTION, **columns)


def pool_table(
    measure: str,
    columns: Mapping[str, Array],
    effects: EffectSizes,
    names: Sequence[str],
    lines: Sequence[int],
    options: Options,
) -> PooledTable:
    """Pool the `effects` of a table whose studies have `names` and stand on `lines`.

    Raises ValueError where no study has an effect, or where the numbers lie too far apart to compute with.
    """
    usable = ~effects.undefined
    if not usable.any():
        raise ValueError("no study has an effect that can be pooled")
    tau2, ci, level = options
    y, v = effects.y[usable], effects.v[usable]
    _refuse_extremes(y, v, [names[i] for i in np.flatnonzero(usable).tolist()])
    pooled = pool(y, v, tau2=tau2, ci=ci, level=level)
    no_bayes = _NO_SCALE if measure not in STANDARD_SCALES else _MANY if y.size > MOST_FOR_PRIOR else ""
    return PooledTable(
        measure=measure,
        tau2_method=tau2,
        ci_method=ci,
        level=level,
        studies=_studies(
            effects, usable, pooled.weights, _no_events(columns, usable.size), names, lines, level
        ),
        pooled=pooled,
        wald=pool(y, v, tau2=tau2, ci="wald", level=level),
        bayes=None if no_bayes else pool_bayes(y, v, tau_prior=HalfNormal(PRIOR_SCALE), level=level),
        no_bayes=no_bayes,
    )


def _refuse_extremes(y: Array, v: Array, names: Sequence[str]) -> None:
    """Sixteen digits hold no sum of weights, or of squares, that differ as much as this."""
    least, most = int(v.argmin()), int(v.argmax())
    if v[most] > FURTHEST * v[least]:
        raise ValueError(
            f"the variances of {names[least]} and {names[most]} differ more than {FURTHEST:.0e}-fold,"
            " which cannot be computed with (check both)"
        )
    low, high = int(y.argmin()), int(y.argmax())
    if (y[high] - y[low]) ** 2 > FURTHEST * v[least]:
        raise ValueError(
            f"the effects of {names[low]} and {names[high]} lie more than a million standard errors apart,"
            " which cannot be computed with (check both)"
        )


def _studies(
    effects: EffectSizes,
    usable: NDArray[np.bool_],
    shares: Array,
    no_events: NDArray[np.bool_],
    names: Sequence[str],
    lines: Sequence[int],
    level: float,
) -> tuple[StudyEffect, ...]:
    y = np.where(usable, effects.y, np.nan)
    se = np.sqrt(np.where(usable, effects.v, np.nan))
    reach = special.ndtri(0.5 + level / 2) * se
    weights = np.zeros(y.size)
    weights[usable] = shares
    numbers = (part.tolist() for part in (y, se, y - reach, y + reach, weights, effects.corrected, no_events))
    return tuple(map(StudyEffect._make, zip(names, lines, *numbers, strict=True)))


def _no_events(columns: Mapping[str, Array], k: int) -> NDArray[np.bool_]:
    events = [column == 0 for name, column in columns.items() if name.startswith("events")]
    none: NDArray[np.bool_] = np.logical_and.reduce(events) if events else np.zeros(k, dtype=np.bool_)
    return none
