"""Where ours and metafor's numbers differ: the reason, and a proof that does not rest on either program.

Every difference must belong to exactly one of these. A proof is arithmetic done apart from the library: a
closed form, the likelihood by plain algebra at both answers, or quadrature of the textbook integrand. The
higher likelihood is the better maximum-likelihood answer, whoever found it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, special, stats

from globulin.synthesis.exact import RareEventsFit
from globulin.synthesis.pooling import pool
from globulin.synthesis.selection import selection_model
from globulin.synthesis.trim_fill import trim_fill
from tests.synthesis.dense import dense
from tests.synthesis.references import Analysis, analyses, columns_of, metafor
from validation.ledger import Comparison, Path, spelled
from validation.metafor.parts import place_of, profile_bounds
from validation.metafor.rare import NODES, likelihood_fits

Check = tuple[str, bool]
"""What was checked where, and whether it holds."""


class Difference(NamedTuple):
    """One reason why numbers differ: which they are, in words, and the checks that prove it."""

    name: str
    belongs: Callable[[Comparison], bool]
    why: str
    proof: str
    checks: Callable[[list[Comparison]], Iterable[Check]]


def places(comparisons: list[Comparison], depth: int) -> list[Path]:
    """The fits that the numbers belong to, by the first steps of their paths."""
    return list(dict.fromkeys(c.path[:depth] for c in comparisons))


def data_at(place: Path) -> tuple[np.ndarray, np.ndarray, Any]:
    """Effects, variances and reference of the analysis at a place."""
    found = _by_place()[place]
    return found.y, found.v, found.reference


@cache
def _by_place() -> dict[Path, Analysis]:
    return {place_of(analysis): analysis for analysis in analyses()}


# --- variances of 1e-11 ------------------------------------------------------------------------------


def closed_forms(_: list[Comparison]) -> Iterator[Check]:
    """With equal variances everything is known: tau2 is the sample variance minus v."""
    y, v, reference = data_at(("edge_cases", "cases", "k5_tiny_vi", "analysis"))
    spread, own = y.var(ddof=1), v[0]
    ours, theirs = pool(y, v, tau2="PM"), reference["fits"]["PM_z"]
    for name, got, ref, exact in (
        ("tau2", ours.tau2, theirs["tau2"], spread - own),
        ("standard error", pool(y, v, tau2="PM", ci="wald").se, theirs["se"], np.sqrt(spread / 5)),
        (
            "Q-profile, lower",
            ours.tau2_ci_lower,
            reference["tau2_ci"]["PM_QP"]["lb"][0],
            4 * spread / stats.chi2.ppf(0.975, 4) - own,
        ),
        (
            "Q-profile, upper",
            ours.tau2_ci_upper,
            reference["tau2_ci"]["PM_QP"]["ub"][0],
            4 * spread / stats.chi2.ppf(0.025, 4) - own,
        ),
    ):
        yield name, abs(got / exact - 1) < 1e-9 < 1e-6 < abs(ref / exact - 1)
    # with equal variances the likelihood depends on total = v + tau2 only: m log(total) + 4 spread / total
    for method, m in (("REML", 4), ("ML", 5)):
        best = 4 * spread / m
        target = m * np.log(best) + m + stats.chi2.ppf(0.95, 1)
        for end, total, ref in zip(
            ("lower", "upper"),
            own + np.array(profile_bounds(y, v, method)),
            (own + reference["tau2_ci"][f"{method}_PL"][bound][0] for bound in ("lb", "ub")),
            strict=True,
        ):
            miss = [abs(m * np.log(t) + 4 * spread / t - target) for t in (total, ref)]
            yield f"profile likelihood, {method}, {end}", miss[0] < 1e-9 < miss[1] or total == ref


# --- trim and fill, selection ------------------------------------------------------------------------


def filled_heights(comparisons: list[Comparison]) -> Iterator[Check]:
    """Restricted log-likelihood of the filled data at both values of tau2."""
    for place in places(comparisons, 5):
        y, v, reference = data_at(place[:4])
        ours = trim_fill(y, v, tau2="REML", estimator=str(place[4])[-2:])
        all_y, all_v = np.concatenate([y, ours.filled_y]), np.concatenate([v, ours.filled_v])
        matrices = all_y, np.diag(all_v), np.eye(all_y.size), np.ones((all_y.size, 1))
        heights = [dense(*matrices, tau2)[2] for tau2 in (ours.tau2, reference[place[4]]["tau2"])]
        yield spelled(place), heights[0] >= heights[1]


def one_side(place: Path) -> bool:
    """Whether all studies of an analysis lie on one side of the one-sided threshold p = 0.025."""
    y, v, _ = data_at(place[:4])
    significant = stats.norm.sf(y / np.sqrt(v)) <= 0.025
    return bool(significant.all() or not significant.any())


def selection_height(y: np.ndarray, v: np.ndarray, mean: float, tau2: float, weight: float) -> float:
    """Log-likelihood of the step-function selection model (Hedges 1992)."""
    total = np.sqrt(v + tau2)
    weights = np.where(stats.norm.sf(y / np.sqrt(v)) <= 0.025, 1.0, weight)
    below = stats.norm.sf(stats.norm.isf(0.025) * np.sqrt(v), mean, total)
    return float(
        np.sum(np.log(weights) + stats.norm.logpdf(y, mean, total) - np.log(below + weight * (1 - below)))
    )


def selection_heights(comparisons: list[Comparison]) -> Iterator[Check]:
    """Likelihood of the selection model at both answers; equal to rounding counts as equal."""
    for place in places(comparisons, 4):
        y, v, reference = data_at(place)
        ours, ref = selection_model(y, v), reference["selmodel_stepfun_025"]
        height = selection_height(y, v, ours.estimate, ours.tau2, ours.weight)
        theirs = selection_height(y, v, ref["beta"], ref["tau2"], ref["delta"][1])
        yield (
            spelled(place),
            height >= theirs - 1e-9 and abs(height - ours.log_likelihood) < 1e-8 * (1 + abs(height)),
        )


# --- Mantel-Haenszel ---------------------------------------------------------------------------------


def overshoot(_: list[Comparison]) -> Iterator[Check]:
    """Observed minus expected events are less than the half that the continuity correction takes off."""
    columns, _ = columns_of(metafor()["crins2014_PTLD_k3_rare"])
    table = np.array([columns[name] for name in ("events1", "n1", "events2", "n2")])
    a, n1, c, n2 = table + 0.5 * ((table[0] * table[2]) == 0) * np.array([[1], [2], [1], [2]])
    gap = abs((a - (a + c) * n1 / (n1 + n2)).sum())
    yield "observed minus expected events below 0.5", gap < 0.5


# --- likelihood models of rare events ----------------------------------------------------------------


def integrated(events: np.ndarray, n: np.ndarray, fixed: np.ndarray, loads: np.ndarray, nodes: int) -> float:
    """Log-likelihood of one trial: binomial arms with standard normal effects u integrated out.

    events, n, fixed: (arms,), log odds fixed + loads @ u with loads (arms, d). Adaptive Gauss-Hermite around
    the mode, which with one node is Laplace's approximation.
    """
    d = loads.shape[1]
    # from the weighted least-squares fit of the observed log odds: near the mode, where Newton's steps settle
    seen = (events + 0.5) / (n + 1)
    weight = loads.T * (n * seen * (1 - seen))
    u = np.linalg.solve(weight @ loads + np.eye(d), weight @ (special.logit(seen) - fixed))
    for _ in range(100):
        p = special.expit(fixed + loads @ u)
        hessian = loads.T @ (loads * (n * p * (1 - p))[:, None]) + np.eye(d)
        step = np.linalg.solve(hessian, loads.T @ (events - n * p) - u)
        u = u + step
        if np.abs(step).max() < 1e-13:
            break
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack(np.meshgrid(*[points] * d), axis=-1).reshape(-1, d)
    share = np.prod(np.stack(np.meshgrid(*[weights] * d), axis=-1).reshape(-1, d), axis=1)
    at = u + grid @ np.linalg.inv(np.linalg.cholesky(hessian))
    log_odds = fixed + at @ loads.T
    terms = stats.binom.logpmf(events, n, special.expit(log_odds)).sum(axis=1)
    terms = terms - (at**2).sum(axis=1) / 2 + (grid**2).sum(axis=1) / 2 - d * np.log(2 * np.pi) / 2
    return float(special.logsumexp(terms, b=share) - np.linalg.slogdet(hessian)[1] / 2)


def tables_of(name: str) -> np.ndarray:
    """(trials, 4): events and sizes of both arms, without the trials that have no events."""
    columns, _ = columns_of(metafor()[name])
    rows = np.array([columns[column] for column in ("events1", "n1", "events2", "n2")]).T
    return rows[rows[:, 0] + rows[:, 2] > 0]


def height(place: Path, estimate: float, tau2: float, nodes: int) -> float:
    """Log-likelihood of a fit with fixed baselines (at their best) or conditional on the totals."""
    tau, total = np.sqrt(tau2), 0.0
    for a, n1, c, n2 in tables_of(str(place[0])):
        if place[-1] == "CM.AL":
            fixed, loads = np.array([np.log(n1 / n2) + estimate]), np.array([[tau]])
            total += integrated(np.array([a]), np.array([a + c]), fixed, loads, nodes)
            continue
        events, n, half = np.array([a, c]), np.array([n1, n2]), np.array([0.5, -0.5])

        def loss(baseline: float, events=events, n=n, half=half) -> float:
            return -integrated(events, n, baseline + half * estimate, tau * half[:, None], nodes)

        around = special.logit((a + c + 0.5) / (n1 + n2 + 1))
        bounds = (around - 6, around + 3)
        total -= optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9}).fun
    return total


def two_effects(name: str) -> Callable[[np.ndarray], float]:
    """Laplace log-likelihood with random baselines: mean, log odds ratio, spread of baselines, of effects."""
    tables = tables_of(name)

    def value(x: np.ndarray) -> float:
        half = np.array([0.5, -0.5])
        loads = np.column_stack([np.full(2, x[2]), x[3] * half])
        return sum(
            integrated(np.array([a, c]), np.array([n1, n2]), x[0] + half * x[1], loads, 1)
            for a, n1, c, n2 in tables
        )

    return value


def omitted_terms(comparisons: list[Comparison]) -> Iterator[Check]:
    """The likelihood at metafor's own estimates is ours, and not the number that it printed."""
    fits = likelihood_fits()
    for comparison in comparisons:
        place = comparison.path[:3]
        ref = metafor()[place[0]]["glmm"][place[2]]
        there = height(place, ref["beta"], ref["tau2"], NODES[str(place[2])])
        yield (
            spelled(place),
            abs(there - fits[place].log_likelihood) < 1e-4 < 0.5 < abs(there - ref["logLik"]),
        )


def stopped_early(comparisons: list[Comparison]) -> Iterator[Check]:
    """The likelihood is higher at ours; with random baselines its curvature there gives our error."""
    fits = likelihood_fits()
    for place in places(comparisons, 3):
        ours, ref = fits[place], metafor()[place[0]]["glmm"][place[2]]
        if place[2] == "CM.EL":
            # at tau2 = 0 the likelihood is Fisher's noncentral hypergeometric law
            a, n1, c, n2 = tables_of(str(place[0])).T.astype(int)
            there = stats.nchypergeom_fisher.logpmf(a, n1 + n2, n1, a + c, np.exp(ours.estimate)).sum()
            yield (
                spelled(place),
                ours.tau2 == 0 and abs(there - ours.log_likelihood) < 1e-8 and there > ref["logLik"],
            )
        elif place[2] == "UM.FS":
            heights = [
                height(place, e, t, 7) for e, t in ((ours.estimate, ours.tau2), (ref["beta"], ref["tau2"]))
            ]
            yield spelled(place), heights[0] > heights[1]
        else:
            yield from curvature(place, ours, ref)


def curvature(place: Path, ours: RareEventsFit, ref: dict[str, Any]) -> Iterator[Check]:
    """Laplace's likelihood at our answer, and its second differences there."""
    value = two_effects(str(place[0]))
    spreads = [np.sqrt(ours.study_variance), np.sqrt(ours.tau2)]

    def loss(baseline: float) -> float:
        return -value(np.array([baseline, ours.estimate, *spreads]))

    found = optimize.minimize_scalar(loss, bounds=(-6, 2), method="bounded", options={"xatol": 1e-7})
    yield (
        f"{spelled(place)}, height",
        abs(found.fun + ours.log_likelihood) < 1e-7 and -found.fun > ref["logLik"],
    )
    top, steps = np.array([found.x, ours.estimate, *spreads]), 2e-3 * np.eye(4)
    information = [
        [
            -(value(top + i + j) - value(top + i - j) - value(top - i + j) + value(top - i - j)) / 1.6e-5
            for j in steps
        ]
        for i in steps
    ]
    se = np.sqrt(np.linalg.inv(information)[1, 1])
    yield f"{spelled(place)}, standard error", abs(se / ours.se - 1) < 1e-5 < 3e-3 < abs(se / ref["se"] - 1)


# --- all of them -------------------------------------------------------------------------------------


def is_likelihood(comparison: Comparison) -> bool:
    """A number of the likelihood models."""
    return comparison.part.startswith("likelihood model")


def is_height(comparison: Comparison) -> bool:
    """A log-likelihood of a model that metafor integrates with several nodes, where tau2 is above 0."""
    return (
        is_likelihood(comparison)
        and comparison.path[-1] == "logLik"
        and comparison.path[2] in ("UM.FS", "CM.AL")
    )


DIFFERENCES = (
    Difference(
        "variances of 1e-11",
        lambda c: "k5_tiny_vi" in c.path and c.part != "selection model",
        "metafor looks for roots in tau2 to an absolute 1e-12, which is coarse on this scale",
        "with equal variances there are closed forms, and ours meet them",
        closed_forms,
    ),
    Difference(
        "trim and fill by REML",
        lambda c: c.part == "trim and fill (REML)",
        "the filled data are pooled again with a loose stopping rule",
        "the restricted likelihood of the filled data is higher at our tau2",
        filled_heights,
    ),
    Difference(
        "selection, one side only",
        lambda c: c.part == "selection model" and one_side(c.path),
        "all results are on one side of p = 0.025, so the likelihood rises to the edge of the weight and"
        " nothing stops it; metafor's optimiser halts somewhere on the slope, ours at the edge (100 or"
        " 0.000001), marked not informative",
        "the likelihood is at least as high at ours",
        selection_heights,
    ),
    Difference(
        "selection, stopped early",
        lambda c: c.part == "selection model" and not one_side(c.path),
        "metafor's optimiser stopped below the maximum",
        "the likelihood is at least as high at ours",
        selection_heights,
    ),
    Difference(
        "continuity correction",
        lambda c: c.part == "Mantel-Haenszel",
        "half an event is taken off a difference that is smaller than half an event, and what is then below"
        " zero is squared; ours stops at zero",
        "observed minus expected events, by hand",
        overshoot,
    ),
    Difference(
        "terms left out",
        is_height,
        "with several quadrature nodes lme4 leaves terms out of the log-likelihood it reports",
        "quadrature of the textbook integrand at metafor's own estimates gives our height, not the printed"
        " one",
        omitted_terms,
    ),
    Difference(
        "likelihood models, stopped early",
        lambda c: is_likelihood(c) and not is_height(c),
        "the optimiser stopped short of the maximum, or took the standard error from a coarse second"
        " difference; for two of the four fits lme4 says so itself",
        "the likelihood is higher at ours, and its curvature there gives our standard error",
        stopped_early,
    ),
)
