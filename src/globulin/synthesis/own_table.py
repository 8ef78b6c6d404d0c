"""Pool the table a reviewer brought: the effect of each study, the summary that speaks first, others beside.

Without options the policy decides by the number of studies and the scale; a summary that was asked for is
given as asked, with the Wald interval and, where its prior has a meaning, a Bayesian summary beside it.
Studies of different designs are not averaged. Studies without an effect stay in the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from globulin.synthesis import special
from globulin.synthesis.bayes import BayesResult, pool_bayes
from globulin.synthesis.effects import EffectSizes, Measure, effect_size
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.measures import Array
from globulin.synthesis.methods_text import Chosen, MethodsText, Run, methods_text
from globulin.synthesis.policy import MOST_FOR_PRIOR, STANDARD, PolicySummary, scale_of, summarise
from globulin.synthesis.pooling import Interval, Pooled, pool
from globulin.synthesis.priors import HalfNormal
from globulin.synthesis.strata import REASONS, SINGLE_GROUP, STRATA, Strata, stratify
from globulin.synthesis.without_each import Without, without_each, without_each_by_policy

PRIOR_SCALE = 0.5
"""Scale of the half-normal prior of tau: cautious on standardised and log scales."""
GENERIC = "GEN"
"""Effects that come worked out, on a scale that nobody named."""
CORRECTION = 0.5
"""Added to every cell of a table with an empty cell, and only to such tables."""
MOST_LEFT_OUT = 200
"""Tables of more studies than this are not pooled again without each of them."""
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
    that has no effect. weight: share of the pooled estimate, 0 too for a study that its design keeps out.
    corrected: True where the zero-cell correction was added. no_events: True where nobody in either group, or
    in the one group, had the event. design: as the table has it, or "".
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
    design: str


@dataclass(frozen=True, slots=True)
class PooledTable:
    """What `pool_table` returns: every study, the summaries of those that are averaged, and their limits.

    policy: what the policy puts first and beside; None where the caller chose the method. pooled: the chosen
    classical summary, REML with the Hartung-Knapp interval where none was chosen. wald: the same with the
    Wald interval. no_bayes: why there is no Bayesian summary, or "". left_out: without each averaged study in
    turn, by its index in `studies`; () for one study and for more than `MOST_LEFT_OUT`. strata: the designs,
    where the table has them.
    """

    measure: str
    tau2_method: str
    ci_method: str
    level: float
    studies: tuple[StudyEffect, ...]
    policy: PolicySummary | None
    pooled: Pooled
    wald: Pooled
    bayes: BayesResult | None
    no_bayes: str
    left_out: tuple[Without, ...]
    strata: Strata | None
    methods_text: MethodsText

    @property
    def unusable(self) -> tuple[str, ...]:
        """Studies without an effect, which could not be pooled."""
        return tuple(row.study for row in self.studies if np.isnan(row.estimate))

    @property
    def apart(self) -> tuple[str, ...]:
        """Studies with an effect that their design keeps out of the average."""
        return tuple(row.study for row in self.studies if row.weight == 0 and not np.isnan(row.estimate))

    @property
    def corrected(self) -> tuple[str, ...]:
        """Studies with an empty cell, to which the zero-cell correction was added."""
        return tuple(row.study for row in self.studies if row.corrected)

    @property
    def without_events(self) -> tuple[str, ...]:
        """Studies where nobody had the event."""
        return tuple(row.study for row in self.studies if row.no_events)


class Options(NamedTuple):
    """How to pool; see `pool`. by_policy: the policy chooses, and tau2 and ci are for the weights alone."""

    tau2: Tau2Method = "REML"
    ci: Interval = "HKSJ"
    level: float = 0.95
    by_policy: bool = False


def checked_options(tau2: str | None, ci: str | None, level: float) -> Options:
    """Options from outside, by policy where neither method is given.

    Raises ValueError naming the option and its choices.
    """
    for name, value, allowed in (("tau2", tau2, get_args(Tau2Method)), ("ci", ci, get_args(Interval))):
        if value is not None and value not in allowed:
            raise ValueError(f"{name} {value}: is not one of {', '.join(allowed)}")
    if not LEAST_LEVEL <= level <= MOST_LEVEL:
        raise ValueError(f"level {level:g}: give a number from {LEAST_LEVEL} to {MOST_LEVEL}, such as 0.95")
    if tau2 is None and ci is None:
        return Options("REML", "HKSJ", level, by_policy=True)
    return Options(cast(Tau2Method, tau2 or "REML"), cast(Interval, ci or "HKSJ"), level)


def table_effects(measure: str, columns: Mapping[str, Array]) -> EffectSizes:
    """Effects of a table's columns: worked out by `measure`, or as given where the columns are ``y v``."""
    if "y" in columns:
        nowhere = np.zeros(columns["y"].shape, dtype=np.bool_)
        return EffectSizes(columns["y"], columns["v"], nowhere, nowhere)
    return effect_size(cast(Measure, measure), correction=CORRECTION, **columns)


def pool_table(
    measure: str,
    columns: Mapping[str, Array],
    effects: EffectSizes,
    names: Sequence[str],
    lines: Sequence[int],
    options: Options,
    *,
    designs: Sequence[str] | None = None,
    weight: float | None = None,
    worth_it: float | None = None,
) -> PooledTable:
    """Pool the `effects` of a table whose studies have `names` and stand on `lines`.

    designs: of each study, one of `strata.STRATA`; the strongest design that has an effect is averaged, and
    others stand apart. weight: from 0 to 1, of comparisons without randomisation beside randomised trials.
    worth_it: the size worth having, on the scale of the effects.

    Raises ValueError where no study has an effect or a control, or where the numbers lie too far apart to
    compute with.
    """
    usable = ~effects.undefined
    if not usable.any():
        raise ValueError("no study has an effect that can be pooled")
    _refuse_extremes(
        effects.y[usable], effects.v[usable], [names[i] for i in np.flatnonzero(usable).tolist()]
    )
    strata = _strata(effects, usable, designs, columns, measure, weight, worth_it, options.level)
    counts = _counting(usable, designs, measure, weight)
    kept = np.flatnonzero(counts)
    y, v, n = effects.y[kept], effects.v[kept] / counts[kept], _people(columns, kept, counts)
    tau2, ci, level, by_policy = options
    policy = summarise(y, v, measure=measure, n=n, worth_it=worth_it, level=level) if by_policy else None
    pooled = pool(y, v, tau2=tau2, ci=ci, level=level)
    no_bayes = _why_no_bayes(measure, y.size)
    left_out = _left_out(y, v, n, policy, options)
    weights = np.zeros(usable.size)
    weights[kept] = pooled.weights
    return PooledTable(
        measure=measure,
        tau2_method=tau2,
        ci_method=ci,
        level=level,
        studies=_studies(effects, usable, weights, columns, names, lines, designs, level),
        policy=policy,
        pooled=pooled,
        wald=pool(y, v, tau2=tau2, ci="wald", level=level),
        bayes=None if no_bayes else pool_bayes(y, v, tau_prior=HalfNormal(PRIOR_SCALE), level=level),
        no_bayes=no_bayes,
        left_out=tuple(replace(without, index=int(kept[without.index])) for without in left_out),
        strata=strata,
        methods_text=methods_text(
            Run(
                measure,
                level,
                policy,
                chosen=None if by_policy else Chosen(tau2, ci),
                corrected=int(effects.corrected.sum()),
                not_pooled=int((~usable).sum()),
                strata=strata,
                leave_one_out=bool(left_out),
            )
        ),
    )


def _counting(
    usable: NDArray[np.bool_], designs: Sequence[str] | None, measure: str, weight: float | None
) -> Array:
    """How much each study counts in the average (k,): 1, 0, or the weight asked for."""
    if designs is None:
        return usable.astype(np.float64)
    of = np.array(designs, dtype=np.str_)
    strongest = next(design for design in STRATA if (usable & (of == design)).any())
    if strongest in ("series", "report") and measure not in SINGLE_GROUP:
        raise ValueError(f"no study has a control group by its design; {REASONS[strongest]}")
    counts: Array = (usable & (of == strongest)).astype(np.float64)
    if strongest == "rct" and weight is not None:
        counts[usable & (of == "non_randomised")] = weight
    return counts


def _people(columns: Mapping[str, Array], rows: NDArray[np.intp], counts: Array) -> Array | None:
    """People in each of these studies, as far as they count; None unless all are known."""
    if not {"n1", "n2"} <= columns.keys():
        return None
    people: Array = (columns["n1"] + columns["n2"])[rows] * counts[rows]
    return people if np.isfinite(people).all() else None


def _strata(
    effects: EffectSizes,
    usable: NDArray[np.bool_],
    designs: Sequence[str] | None,
    columns: Mapping[str, Array],
    measure: str,
    weight: float | None,
    worth_it: float | None,
    level: float,
) -> Strata | None:
    if designs is None:
        if weight is not None:
            raise ValueError("weight: needs the design of each study")
        return None
    y, v = (np.where(usable, part, np.nan) for part in effects)
    everybody = np.arange(usable.size)
    n = _people(columns, everybody, np.ones(usable.size))
    return stratify(y, v, designs, measure=measure, weight=weight, n=n, worth_it=worth_it, level=level)


def _why_no_bayes(measure: str, k: int) -> str:
    if scale_of(measure) not in STANDARD:
        return _NO_SCALE
    return _MANY if k > MOST_FOR_PRIOR else ""


def _left_out(
    y: Array, v: Array, n: Array | None, policy: PolicySummary | None, options: Options
) -> tuple[Without, ...]:
    if y.size > MOST_LEFT_OUT:
        return ()
    if policy is not None:
        return without_each_by_policy(y, v, n, policy)
    return without_each(y, v, tau2=options.tau2, ci=options.ci, level=options.level)


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
    weights: Array,
    columns: Mapping[str, Array],
    names: Sequence[str],
    lines: Sequence[int],
    designs: Sequence[str] | None,
    level: float,
) -> tuple[StudyEffect, ...]:
    y = np.where(usable, effects.y, np.nan)
    se = np.sqrt(np.where(usable, effects.v, np.nan))
    reach = special.ndtri(0.5 + level / 2) * se
    no_events = _no_events(columns, y.size)
    numbers = (part.tolist() for part in (y, se, y - reach, y + reach, weights, effects.corrected, no_events))
    of = [""] * y.size if designs is None else designs
    return tuple(map(StudyEffect._make, zip(names, lines, *numbers, of, strict=True)))


def _no_events(columns: Mapping[str, Array], k: int) -> NDArray[np.bool_]:
    events = [column == 0 for name, column in columns.items() if name.startswith("events")]
    none: NDArray[np.bool_] = np.logical_and.reduce(events) if events else np.zeros(k, dtype=np.bool_)
    return none
