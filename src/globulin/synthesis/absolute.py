"""What a relative effect means in people: risks, their difference and the number needed to treat.

An effect in standard deviations says little to a reader. "So many more of 1,000 people" does, but only at a
stated risk without treatment, and that risk is itself uncertain. So every difference comes twice: with the
uncertainty of the effect alone, and with that of the risk as well. Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isinf
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from globulin.synthesis.arguments import as_numbers, check_choice, check_level

Array: TypeAlias = NDArray[np.float64]
_Interval: TypeAlias = tuple[Array, Array, Array]

# Gauss-Legendre panels over the standard normal, to where its density is below 1e-18
_REACH = 9.0
_PANELS = 36
_ORDER = 16
# an effect known better than the risk makes the integrand steeper: so many more panels, up to a limit
_MOST_STEEP = 100.0
# each halving of (-1, 1) gives one bit: 2^-52 is rounding
_HALVINGS = 53


@dataclass(frozen=True, slots=True)
class AbsoluteEffect:
    """Risks with and without treatment, as probabilities; arrays where the arguments were.

    control_risk: without treatment. treated_risk, treated_lower, treated_upper: with treatment, at exactly
    that control risk. difference, difference_lower, difference_upper: treated minus control, likewise.
    both_lower, both_upper: the interval of the difference when the control risk is uncertain too, the same as
    the narrower one where no interval of the control risk was given. level: of all intervals.
    """

    control_risk: Array
    treated_risk: Array
    treated_lower: Array
    treated_upper: Array
    difference: Array
    difference_lower: Array
    difference_upper: Array
    both_lower: Array
    both_upper: Array
    level: float


def log_odds_ratio_from_smd(smd: ArrayLike) -> Array:
    """Log odds ratio of a standardised mean difference: SMD pi / sqrt(3).

    Assumes a yes-or-no outcome that is a cut through a logistic one with equal spread in both groups.
    Source: Hasselblad & Hedges 1995, Psychol Bull 117:167-178; Chinn 2000, Stat Med 19:3127-3131.
    """
    log_odds_ratio: Array = as_numbers(smd, "smd") * np.pi / np.sqrt(3)
    return log_odds_ratio


def risk_from_odds_ratio(control_risk: ArrayLike, log_odds_ratio: ArrayLike) -> Array:
    """Risk with treatment from the risk without it, 0 < risk < 1, and a log odds ratio.

    Source: Cochrane Handbook 6.5, section 14.1.5 (OR p / (1 - p + OR p)).
    """
    return _at(_logit(control_risk, "control_risk"), as_numbers(log_odds_ratio, "log_odds_ratio"))


def absolute_effect(
    log_odds_ratio: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    control_risk: ArrayLike,
    control_lower: ArrayLike | None = None,
    control_upper: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> AbsoluteEffect:
    """Risk with treatment and risk difference of a log odds ratio with its interval at a control risk.

    All arguments broadcast. lower < log_odds_ratio < upper is the interval of the effect at `level`;
    control_lower < control_risk < control_upper, strictly inside 0 and 1, that of the control risk.

    At a fixed control risk the difference rises with the effect, so its interval is that of the effect
    carried over, exactly. With both uncertain, each is read on the logit scale as a normal distribution
    whose halves have their own width, so that its centre and ends are those given, and the two as
    independent. Then P(difference < d) is an integral over the control risk, taken by Gauss-Legendre
    quadrature, and the ends are found by halving. No sampling.
    """
    check_level(level)
    effect = _ordered(lower, log_odds_ratio, upper, ("lower", "log_odds_ratio", "upper"))
    risk = _logit(control_risk, "control_risk")
    treated, treated_lower, treated_upper = (_at(risk, x) for x in (effect[1], effect[0], effect[2]))
    control = np.broadcast_to(special.expit(risk), treated.shape)
    difference_lower, difference_upper = treated_lower - control, treated_upper - control
    if control_lower is None and control_upper is None:
        both_lower, both_upper = difference_lower, difference_upper
    elif control_lower is None or control_upper is None:
        raise ValueError("control_lower: give both ends of the control risk, or neither")
    else:
        names = ("control_lower", "control_risk", "control_upper")
        ends = (_logit(control_lower, names[0]), risk, _logit(control_upper, names[2]))
        z = float(special.ndtri(0.5 + level / 2))
        both_lower, both_upper = _both_uncertain(effect, _ordered(*ends, names), z)
    return AbsoluteEffect(
        control_risk=control,
        treated_risk=treated,
        treated_lower=treated_lower,
        treated_upper=treated_upper,
        difference=treated - control,
        difference_lower=difference_lower,
        difference_upper=difference_upper,
        both_lower=both_lower,
        both_upper=both_upper,
        level=level,
    )


def _both_uncertain(effect: _Interval, control: _Interval, z: float) -> tuple[Array, Array]:
    """The two ends of the risk difference, by quadrature over the control risk and halving."""
    low, middle, high = (x[..., None] for x in effect)
    control_low, control_middle, control_high = (x[..., None] for x in control)
    steepest = float(np.max((control_high - control_low) / (high - low)))
    nodes, weights = _standard_normal(_PANELS * ceil(min(max(steepest, 1.0), _MOST_STEEP)))
    half_width = np.where(nodes < 0, control_middle - control_low, control_high - control_middle)
    logit = control_middle + nodes / z * half_width
    risk = special.expit(logit)

    def probability_below(difference: Array) -> Array:
        with np.errstate(divide="ignore"):
            x = special.logit(np.clip(risk + difference[..., None], 0.0, 1.0)) - logit
        width = np.where(x < middle, middle - low, high - middle)
        below: Array = (weights * special.ndtr(z * (x - middle) / width)).sum(axis=-1)
        return below

    def quantile(probability: float) -> Array:
        under = np.full(np.broadcast_shapes(middle.shape, risk.shape)[:-1], -1.0)
        over = -under
        for _ in range(_HALVINGS):
            half = (under + over) / 2
            short = probability_below(half) < probability
            under, over = np.where(short, half, under), np.where(short, over, half)
        at: Array = (under + over) / 2
        return at

    return quantile(float(special.ndtr(-z))), quantile(float(special.ndtr(z)))


def _standard_normal(panels: int) -> tuple[Array, Array]:
    """Nodes and weights whose weighted sum is an expectation over the standard normal.

    panels: even, so that 0, where the two halves of a distribution meet, is an edge.
    """
    x, w = np.polynomial.legendre.leggauss(_ORDER)
    edges = np.linspace(-_REACH, _REACH, panels + 1)
    half = np.diff(edges)[:, None] / 2
    nodes = (edges[:-1, None] + half * (x + 1)).ravel()
    weights = (half * w).ravel() * np.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()


def _at(control_logit: Array, log_odds_ratio: Array) -> Array:
    risk: Array = special.expit(control_logit + log_odds_ratio)
    return risk


def _logit(risk: ArrayLike, name: str) -> Array:
    values = as_numbers(risk, name)
    if not ((values > 0) & (values < 1)).all():
        raise ValueError(f"{name}: a risk must lie strictly between 0 and 1; give 0.196, not 19.6")
    logit: Array = special.logit(values)
    return logit


def _ordered(low: ArrayLike, middle: ArrayLike, high: ArrayLike, names: tuple[str, str, str]) -> _Interval:
    first, second, third = np.broadcast_arrays(
        *(as_numbers(x, name) for x, name in zip((low, middle, high), names, strict=True))
    )
    if not ((first < second) & (second < third)).all():
        raise ValueError(f"{names[0]}: must be {names[0]} < {names[1]} < {names[2]}, strictly")
    return first, second, third


# --- two counts --------------------------------------------------------------------------------------


def wilson_interval(events: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
    """Score interval of a proportion, events of n; broadcasts.

    Source: Wilson 1927, JASA 22:209-212; Newcombe 1998, Stat Med 17:857-872, method 3.
    """
    check_level(level)
    x, people = _counts(events, n, "events", "n")
    z = special.ndtri(0.5 + level / 2)
    middle = 2 * x + z**2
    half = z * np.sqrt(z**2 + 4 * x * (1 - x / people))
    # rounding may pass the ends, which are exactly 0 and 1 for an empty and a full group
    return (
        np.where(x == 0, 0.0, (middle - half) / (2 * (people + z**2))),
        np.where(x == people, 1.0, (middle + half) / (2 * (people + z**2))),
    )


@dataclass(frozen=True, slots=True)
class RiskDifference:
    """Two proportions and their difference, first minus second, with its interval."""

    risk1: Array
    risk2: Array
    difference: Array
    lower: Array
    upper: Array
    level: float


def risk_difference(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, level: float = 0.95
) -> RiskDifference:
    """Difference of two proportions with Newcombe's interval from two score intervals; broadcasts.

    Needs no correction for empty groups and cannot leave -1 to 1.
    Source: Newcombe 1998, Stat Med 17:873-890, method 10.
    """
    x1, m = _counts(events1, n1, "events1", "n1")
    x2, n = _counts(events2, n2, "events2", "n2")
    p1, p2 = x1 / m, x2 / n
    low1, high1 = wilson_interval(x1, m, level)
    low2, high2 = wilson_interval(x2, n, level)
    difference = p1 - p2
    return RiskDifference(
        risk1=p1,
        risk2=p2,
        difference=difference,
        lower=difference - np.hypot(p1 - low1, high2 - p2),
        upper=difference + np.hypot(high1 - p1, p2 - low2),
        level=level,
    )


def _counts(events: ArrayLike, n: ArrayLike, events_name: str, n_name: str) -> tuple[Array, Array]:
    x, people = np.broadcast_arrays(as_numbers(events, events_name), as_numbers(n, n_name))
    if not (people > 0).all():
        raise ValueError(f"{n_name}: must be positive")
    if not ((x >= 0) & (x <= people)).all():
        raise ValueError(f"{events_name}: must lie between 0 and {n_name}")
    return x, people


# --- number needed to treat --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberNeeded:
    """How many to treat for one more person with benefit (NNTB) or harm (NNTH), with its interval.

    benefit, lower_benefit, upper_benefit: whether the estimate and the two ends mean benefit. number, lower,
    upper: how many people, infinite where the difference is exactly 0. `lower` is the end on the side of
    benefit. through_infinity: the interval holds both benefit and harm, and so runs through infinity.
    words: all of it in the notation of Altman 1998, whole numbers rounded up.
    """

    number: float
    benefit: bool
    lower: float
    lower_benefit: bool
    upper: float
    upper_benefit: bool
    through_infinity: bool
    words: str


def number_needed(
    difference: float, lower: float, upper: float, *, event: Literal["good", "bad"] = "good"
) -> NumberNeeded:
    """Number needed to treat from a risk difference (treated minus control) with its interval.

    event: whether the counted event is one that people want. A difference of 0 has no number; an interval on
    both sides of 0 runs from NNTB through infinity to NNTH.
    Source: Altman 1998, BMJ 317:1309-1312. Rounded up: Cochrane Handbook 6.5, section 15.4.4.
    """
    check_choice("event", event, Literal["good", "bad"])
    values = [float(as_numbers(x, "difference")) for x in (difference, lower, upper)]
    if not -1 <= values[1] <= values[0] <= values[2] <= 1:
        raise ValueError("difference: must be -1 <= lower <= difference <= upper <= 1")
    # benefit upwards: a bad event that becomes rarer
    middle, least, most = values if event == "good" else (-values[0], -values[2], -values[1])
    number, near, far = (inf if gain == 0 else abs(1 / gain) for gain in (middle, most, least))
    through = least < 0 < most
    ends = [_end(near, most >= 0), _end(far, least > 0 or (least == 0 and most > 0))]
    between = f"{ends[0]} to infinity to {ends[1]}" if through else f"{ends[0]} to {ends[1]}"
    estimate = "no number, since the difference is 0" if isinf(number) else _end(number, middle > 0)
    return NumberNeeded(
        number=number,
        benefit=middle > 0,
        lower=near,
        lower_benefit=most > 0,
        upper=far,
        upper_benefit=least > 0,
        through_infinity=through,
        words=f"{estimate} ({between})",
    )


def _end(number: float, benefit: bool) -> str:
    if isinf(number):
        return "infinity"
    # 1 / 0.1 and its like may come out a rounding error above the whole number
    return f"{'NNTB' if benefit else 'NNTH'} {ceil(number * (1 - 1e-12)):,}"
