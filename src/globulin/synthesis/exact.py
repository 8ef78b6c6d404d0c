"""Random-effects models for rare events that use the counts themselves instead of a normal approximation.

Inverse-variance pooling treats every trial's log odds ratio as normal with a known variance. With few
events neither holds, and with none it does not exist. Here each trial keeps its own likelihood
(hypergeometric, binomial or Poisson) and only the true effects are taken as normal. All zeros stay as
they are. Names of the models in brackets are those of Jackson et al. 2018, Stat Med 37:1059-1085.

Arm 1 is treated, arm 2 is control; all ratios are on the natural-log scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from globulin.synthesis.ascent import Maximum, Point, maximise
from globulin.synthesis.marginal import (
    Design,
    Family,
    binomial,
    hypergeometric,
    log_choose,
    marginal,
    poisson,
)
from globulin.synthesis.measures import Array
from globulin.synthesis.pooling import Mask
from globulin.synthesis.tables import (
    Tables,
    read_group,
    read_rates,
    read_tables,
    require_level,
    require_option,
)

StudyEffects = Literal["fixed", "random", "conditional"]
RateStudyEffects = Literal["fixed", "conditional"]

# Spreads between trials, as standard deviations of log ratios, from none to beyond anything believable
_LADDER = np.array([0.0, 0.15, 0.3, 0.6, 1.2, 2.4, 5.0, 10.0])
# Nodes per random effect, by number of random effects. A wide spread over a trial with an empty cell, whose
# likelihood is a cliff, needs more
_NODES = {1: 17, 2: 13}
_WIDE_NODES = {1: 81, 2: 41}
_WIDE = 1.2
_SCAN_NODES = {1: 7, 2: 5}


@dataclass(frozen=True, slots=True)
class RareEventsFit:
    """What the likelihood models return; all numbers are maximum likelihood.

    estimate, se, ci_lower, ci_upper, p_value: pooled effect with its normal (Wald) interval and test.
    tau2: variance of the true effects between trials. study_variance: of the trials' baselines, where the
    model has it, else NaN. log_likelihood: at the maximum, all constants included.
    common_estimate, common_se, common_log_likelihood: the same model with tau2 = 0.
    q, q_p_value: likelihood-ratio test that all trials share one effect, on k_informative - 1 degrees of
    freedom; NaN with random study effects, where each trial's own effect has no likelihood of its own.
    k: trials given. k_informative: trials that tell something about the effect in this model.
    double_zero: trials without events. message: what a reader must know about this result, or "".
    """

    estimate: float
    se: float
    ci_lower: float
    ci_upper: float
    p_value: float
    tau2: float
    study_variance: float
    log_likelihood: float
    common_estimate: float
    common_se: float
    common_log_likelihood: float
    q: float
    q_p_value: float
    k: int
    k_informative: int
    double_zero: int
    message: str


class _Model(NamedTuple):
    """A family with its design, where to start, and the highest likelihood if each trial had its own effect.

    shared, own: start values; the effect is shared[effect], the spread between trials the last of shared.
    saturated is NaN where it does not apply. pull: -1 or 1 where the effect has no finite estimate.
    """

    family: Family
    design: Design
    shared: Array
    own: Array
    effect: int
    saturated: float
    pull: int


def exact_conditional(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, level: float = 0.95
) -> RareEventsFit:
    """Log odds ratio by the hypergeometric-normal model (conditional, exact likelihood).

    Given all its margins, the events in arm 1 of a trial follow the noncentral hypergeometric law of its
    log odds ratio, and the log odds ratios are normal with variance tau2: van Houwelingen, Zwinderman &
    Stijnen 1993, Stat Med 12:2273-2284; Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046-3067.
    Trials without events, or with nothing but events, tell nothing about the effect and are reported.

    Counts of shape (k,), whole numbers. A likelihood without a finite maximum gives infinities and a
    message. Raises ValueError naming the argument for counts that cannot be.
    """
    require_level(level)
    given = read_tables(events1, n1, events2, n2, whole=True)
    used = given.take(given.informative)
    return _fit(_hypergeometric_model(used) if used.a.size else None, given, used.a.size, level)


def binomial_normal(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    study_effects: StudyEffects = "fixed",
    nodes: int | None = None,
    level: float = 0.95,
) -> RareEventsFit:
    """Log odds ratio by a binomial model with normal effects.

    study_effects: "fixed", each trial has its own baseline (Jackson's model 4; the spread is shared by both
    arms as + and - half); "random", normal baselines, independent of the effects (model 5), which also learns
    from trials without events; "conditional", events in arm 1 out of all events as a binomial, the rare-event
    limit of `exact_conditional` (approximate likelihood; Stijnen et al. 2010).
    nodes: quadrature nodes per random effect, to compare with mixed-model software (7, or 1, the Laplace
    approximation, is usual there); by default enough to leave errors of about 1e-5 standard errors.
    Fixed baselines bias tau2 downwards and, with many sparse trials, the odds ratio away from 1.

    Counts, degenerate results and errors as in `exact_conditional`.
    """
    require_option("study_effects", study_effects, get_args(StudyEffects))
    _require_nodes(nodes)
    require_level(level)
    given = read_tables(events1, n1, events2, n2, whole=True)
    used = given
    if study_effects == "fixed":
        used = given.take(given.informative)
    elif study_effects == "conditional":
        used = given.take(given.a + given.c > 0)
    if not given.informative.any():
        return _fit(None, given, 0, level)
    make = {"fixed": _fixed_model, "random": _random_model, "conditional": _approximate_model}[study_effects]
    return _fit(make(used), given, used.a.size, level, nodes)


def logit_normal(
    events: ArrayLike, n: ArrayLike, *, nodes: int | None = None, level: float = 0.95
) -> RareEventsFit:
    """Log odds of one group's risk: binomial counts with normal log odds between trials.

    Stijnen et al. 2010; Hamza, van Houwelingen & Stijnen 2008, J Clin Epidemiol 61:41-51. For
    side-effect rates of uncontrolled series. q tests that all trials share one risk. nodes and errors as in
    `binomial_normal`.
    """
    _require_nodes(nodes)
    require_level(level)
    given = read_group(events, n)
    return _fit(_one_binomial(given.a, given.n1, np.zeros(given.a.size)), given, given.a.size, level, nodes)


def poisson_normal(
    events1: ArrayLike,
    time1: ArrayLike,
    events2: ArrayLike,
    time2: ArrayLike,
    *,
    study_effects: RateStudyEffects = "conditional",
    level: float = 0.95,
) -> RareEventsFit:
    """Log rate ratio from events and person-time, each of shape (k,).

    study_effects: "conditional", events in arm 1 out of all events are binomial with odds (rate ratio) x
    (time1 / time2), which is exact (Stijnen et al. 2010); "fixed", Poisson arms with a baseline per
    trial, the spread shared by both arms as in `binomial_normal`. Degenerate results and errors as there.
    """
    require_option("study_effects", study_effects, get_args(RateStudyEffects))
    require_level(level)
    given = read_rates(events1, time1, events2, time2, whole=True)
    used = given.take(given.a + given.c > 0)
    if used.a.size == 0:
        return _fit(None, given, 0, level)
    if study_effects == "fixed":
        return _fit(_poisson_model(used), given, used.a.size, level)
    x1, time1_, x2, time2_ = used
    return _fit(_one_binomial(x1, x1 + x2, np.log(time1_ / time2_)), given, used.a.size, level)


# --- models ----------------------------------------------------------------------------------------------

_ONE = Design(np.array([[1.0, 0.0]]), np.array([[[0.0, 1.0]]]), np.zeros(1))
# own baseline, effect, spread: arms at + and - half
_BASELINES = Design(
    np.array([[1.0, 0.5, 0.0], [1.0, -0.5, 0.0]]),
    np.array([[[0.0, 0.0, 0.5], [0.0, 0.0, -0.5]]]),
    np.zeros(1),
)
# mean baseline, effect, spread of baselines, spread of effects
_RANDOM_BASELINES = Design(
    np.array([[1.0, 0.5, 0.0, 0.0], [1.0, -0.5, 0.0, 0.0]]),
    np.array([[[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, -0.5]]]),
    np.zeros(1),
)


def _hypergeometric_model(tables: Tables) -> _Model:
    family = hypergeometric(*tables)
    a, n1, c, n2 = tables
    low, high = np.maximum(0, a + c - n2), np.minimum(n1, a + c)
    inside = (a > low) & (a < high)
    # at the edge of its range a table's likelihood rises to 1
    saturated = float(family(_own_effects(family, inside)[None]).value[inside].sum())
    design = _ONE._replace(offset=np.zeros((1, a.size)))
    return _Model(family, design, _start(tables), np.empty((0, a.size)), 0, saturated, _pull(a, low, high))


def _own_effects(family: Family, inside: Mask) -> Array:
    """Each table's own conditional estimate, 0 where it is infinite."""
    theta = np.zeros(inside.size)
    for _ in range(60):
        _, slope, curvature = family(theta[None])
        step = np.where(inside, slope[0] / np.maximum(curvature[0], 1e-3), 0.0)
        theta = theta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    return theta


def _one_binomial(x: Array, n: Array, offset: Array) -> _Model:
    start = special.logit((x.sum() + 0.5) / (n.sum() + 1)) - np.average(offset, weights=n)
    family, design = binomial(x[None], n[None]), _ONE._replace(offset=offset[None])
    own, pull = np.empty((0, x.size)), _pull(x, np.zeros_like(x), n)
    return _Model(family, design, np.array([start, 0.0]), own, 0, _saturated(x, n), pull)


def _approximate_model(tables: Tables) -> _Model:
    return _one_binomial(tables.a, tables.a + tables.c, np.log(tables.n1 / tables.n2))


def _fixed_model(tables: Tables) -> _Model:
    a, n1, c, n2 = tables
    low, high = np.maximum(0, a + c - n2), np.minimum(n1, a + c)
    own = _baselines(tables)[None]
    design = _BASELINES._replace(offset=np.zeros((2, a.size)))
    saturated = _saturated(a, n1) + _saturated(c, n2)
    family = binomial(np.stack([a, c]), np.stack([n1, n2]))
    return _Model(family, design, _start(tables), own, 0, saturated, _pull(a, low, high))


def _random_model(tables: Tables) -> _Model:
    a, n1, c, n2 = tables
    baselines = _baselines(tables)
    spread = max(float(baselines.std()), 0.3) if a.size > 1 else 0.0
    effect, none = _start(tables)
    shared = np.array([baselines.mean(), effect, spread, none])
    design = _RANDOM_BASELINES._replace(offset=np.zeros((2, a.size)))
    pull = _pull(a, np.zeros_like(a), n1) - _pull(c, np.zeros_like(c), n2)
    family = binomial(np.stack([a, c]), np.stack([n1, n2]))
    return _Model(family, design, shared, np.empty((0, a.size)), 1, np.nan, int(np.sign(pull)))


def _poisson_model(tables: Tables) -> _Model:
    x1, time1, x2, time2 = tables
    design = _BASELINES._replace(offset=np.log(np.stack([time1, time2])))
    effect = np.log((x1.sum() + 0.5) / time1.sum()) - np.log((x2.sum() + 0.5) / time2.sum())
    own = np.log((x1 + x2) / (time1 + time2))[None]
    counts = np.stack([x1, x2])
    saturated = float((special.xlogy(counts, counts) - counts - special.gammaln(counts + 1)).sum())
    pull = _pull(x1, np.zeros_like(x1), x1 + x2)
    return _Model(poisson(counts), design, np.array([effect, 0.0]), own, 0, saturated, pull)


def _start(tables: Tables) -> Array:
    """A rough log odds ratio (half an event added to each cell), and no spread."""
    a, n1, c, n2 = tables
    y = _half_logit(a, n1) - _half_logit(c, n2)
    v = 1 / (a + 0.5) + 1 / (n1 - a + 0.5) + 1 / (c + 0.5) + 1 / (n2 - c + 0.5)
    return np.array([np.average(y, weights=1 / v), 0.0])


def _baselines(tables: Tables) -> Array:
    return _half_logit(*tables[:2]) / 2 + _half_logit(*tables[2:]) / 2


def _half_logit(x: Array, n: Array) -> Array:
    half_logit: Array = np.log((x + 0.5) / (n - x + 0.5))
    return half_logit


def _saturated(x: Array, n: Array) -> float:
    return float((log_choose(n, x) + special.xlogy(x, x / n) + special.xlogy(n - x, 1 - x / n)).sum())


def _pull(x: Array, low: Array, high: Array) -> int:
    """Direction in which the likelihood rises for ever: every trial at the same end of its range, or 0."""
    if (x == low).all():
        return -1
    return int((x == high).all())


# --- from the maximum to the result ------------------------------------------------------------------------


def _fit(
    model: _Model | None, given: Tables, informative: int, level: float, nodes: int | None = None
) -> RareEventsFit:
    counts = given.a.size, informative, given.double_zero
    remarks = []
    if given.double_zero:
        remarks.append(f"{given.double_zero} of {given.a.size} trials had no events")
    if model is None:
        return _nothing(0, [*remarks, "no trial tells anything about the effect"], counts)
    if model.pull:
        end = "smallest" if model.pull < 0 else "largest"
        reason = f"every trial has the {end} possible number of events in arm 1: the estimate is infinite"
        return _nothing(model.pull, [*remarks, reason], counts)
    effects = model.design.random.shape[0]
    coarse = marginal(model.family, model.design, _SCAN_NODES[effects])
    fine = marginal(model.family, model.design, nodes or _NODES[effects], differenced=nodes is not None)
    found = maximise(coarse, fine, model.shared, model.own, _LADDER, spread=informative > 1)
    if nodes is None and found.best.shared[-1] > _WIDE:
        fine = marginal(model.family, model.design, _WIDE_NODES[effects])
        found = maximise(coarse, fine, model.shared, model.own, _LADDER)
    return _result(model, found, counts, level, [*remarks, *_remarks(found, informative)])


def _remarks(found: Maximum, informative: int) -> list[str]:
    remarks = []
    if informative == 1:
        remarks.append("one informative trial: tau2 cannot be estimated and is set to 0")
    if found.unbounded:
        remarks.append("the trials contradict each other: tau2 has no finite estimate and is set to 100")
    if found.several:
        remarks.append("the likelihood of tau2 has several peaks; the highest was taken")
    return remarks


def _result(
    model: _Model, found: Maximum, counts: tuple[int, int, int], level: float, remarks: list[str]
) -> RareEventsFit:
    best, common = found.best, found.common
    estimate, se = _effect(best, model.effect)
    half = float(special.ndtri(0.5 + level / 2)) * se
    q = max(2 * (model.saturated - common.height), 0.0) if np.isfinite(model.saturated) else np.nan
    df = counts[1] - 1
    return RareEventsFit(
        *(estimate, se, estimate - half, estimate + half, 2 * float(special.ndtr(-abs(estimate) / se))),
        float(best.shared[-1] ** 2),
        float(best.shared[-2] ** 2) if model.effect == 1 else np.nan,
        best.height,
        *_effect(common, model.effect),
        *(common.height, q, float(special.chdtrc(df, q)) if df or np.isnan(q) else 1.0),
        *counts,
        "; ".join(remarks),
    )


def _effect(point: Point, effect: int) -> tuple[float, float]:
    return float(point.shared[effect]), float(np.sqrt(point.covariance[effect, effect]))


def _nothing(pull: int, remarks: list[str], counts: tuple[int, int, int]) -> RareEventsFit:
    """A result without a finite estimate: infinite in the direction of pull, NaN where there is none."""
    estimate = pull * np.inf if pull else np.nan
    k, informative, double_zero = counts
    return RareEventsFit(
        *(estimate, np.inf, -np.inf, np.inf, np.nan),
        tau2=np.nan,
        study_variance=np.nan,
        log_likelihood=np.nan,
        common_estimate=estimate,
        common_se=np.inf,
        common_log_likelihood=np.nan,
        q=np.nan,
        q_p_value=np.nan,
        k=k,
        k_informative=informative,
        double_zero=double_zero,
        message="; ".join(remarks),
    )


# --- the door --------------------------------------------------------------------------------------------


def _require_nodes(nodes: int | None) -> None:
    if nodes is not None and not 1 <= nodes <= 100:
        raise ValueError(f"nodes: must lie between 1 and 100, not {nodes}")
