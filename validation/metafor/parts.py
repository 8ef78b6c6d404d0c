"""Holds every number that metafor printed against ours, part by part.

Each function claims one kind of entry of the reference file in the ledger. Where metafor prints something
that follows from what we print (z, AIC, the interval of tau from that of tau2), it is computed here by its
textbook formula.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from scipy import optimize, stats

from globulin.synthesis.effects import Measure, effect_size
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.pooling import pool
from globulin.synthesis.regression import Regression, regress
from globulin.synthesis.selection import selection_model
from globulin.synthesis.sensitivity import cumulative, influence, leave_one_out, shrink
from globulin.synthesis.small_study import egger, fail_safe_n, peese, pet, rank_correlation
from globulin.synthesis.trim_fill import trim_fill
from tests.synthesis.dense import dense
from tests.synthesis.references import Analysis, analyses, columns_of, metafor
from validation.ledger import Ledger, Path
from validation.metafor.rare import likelihoods, rare_events
from validation.metafor.rules import EFFECT, INTERVALS, NOT_OFFERED, NUMBER, P_VALUE, SELECTION


def everything() -> Ledger:
    """The ledger with all comparisons made and all else left out for a reason."""
    ledger = Ledger(metafor())
    effects(ledger)
    for analysis in analyses():
        place = place_of(analysis)
        for part in (fits, tau2_intervals, regressions, studies, funnel, filled_in, selection):
            part(ledger, analysis, place)
    rare_events(ledger)
    likelihoods(ledger)
    inputs(ledger)
    return ledger


def inputs(ledger: Ledger) -> None:
    """What the file gives to work with: tables, the order of studies, which of them were kept."""
    for name, dataset in metafor().items():
        for key in dataset.keys() & {"input", "order"}:
            ledger.skip((name, key), NOT_OFFERED["input"])
        for measure, entry in (dataset.get("measures") or {}).items():
            if "kept" in entry:
                ledger.skip((name, "measures", measure, "kept"), NOT_OFFERED["input"])
        for case in dataset.get("cases", {}):
            ledger.skip((name, "cases", case, "input"), NOT_OFFERED["input"])


def place_of(analysis: Analysis) -> Path:
    """Where an analysis stands in the file."""
    dataset, name = analysis.name.split("/")
    return (
        ("edge_cases", "cases", name, "analysis")
        if dataset == "edge"
        else (dataset, "measures", name, "analysis")
    )


# --- effect sizes ------------------------------------------------------------------------------------

# The file's tables for a correction of all cells and of none hold the same numbers as the default
DEFAULT = ("escalc", "escalc_all", "escalc_none", "escalc_only0_add0.5_drop00")
OTHER_VARIANCES = ("escalc_vtypeUB", "escalc_vtypeLS2", "escalc_vtypeHO")


def effects(ledger: Ledger) -> None:
    """Effect sizes and variances of every table."""
    for name, dataset in metafor().items():
        for measure, entry in (dataset.get("measures") or {}).items():
            place = (name, "measures", measure)
            if measure not in get_args(Measure):
                reason = "input" if measure == "GEN" else "SMD1"
                ledger.skip((*place, "escalc"), NOT_OFFERED[reason])
                continue
            columns, complete = columns_of(dataset)
            ours = effect_size(measure, **columns)
            for table in (name for name in DEFAULT if name in entry):
                for column, values in (("yi", ours.y), ("vi", ours.v)):
                    whole = np.full(complete.size, np.nan)
                    whole[complete] = values
                    ledger.compare(
                        "effect sizes",
                        (*place, table, column),
                        whole,
                        relative=EFFECT,
                        scale=1e-3 * (column == "yi"),
                    )
            for table in (name for name in OTHER_VARIANCES if name in entry):
                ledger.compare("effect sizes", (*place, table, "yi"), ours.y, relative=EFFECT, scale=1e-3)
                ledger.skip((*place, table, "vi"), NOT_OFFERED["vtype"])
            if "backtransformed_REML" in entry:
                ledger.skip((*place, "backtransformed_REML"), NOT_OFFERED["back"])


# --- pooling -----------------------------------------------------------------------------------------

ESTIMATE, SPREAD = "estimate, standard error, interval", "tau2, I2, H2"
COUNTS, PREDICTION = "Q, k, degrees of freedom", "prediction interval"


def fits(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """Pooling by every estimator of tau2 and every interval."""
    y, v = analysis.y, analysis.v
    # neither the likelihood nor the error of tau2 depends on the interval
    lines = {method: regress(y, v, tau2=method) for method in get_args(Tau2Method)}
    for key, ref in analysis.reference["fits"].items():
        method, test = key.split("_")
        ours = pool(y, v, tau2=method, ci=INTERVALS[test])
        riley = pool(y, v, tau2=method, ci=INTERVALS[test], prediction="k-2")
        line = lines[method]
        at = (*place, "fits", key)
        se, unit = ref["se"], np.median(v)
        z = ours.estimate / ours.se if ours.se else np.nan
        for part, column, got, relative, scale in (
            (ESTIMATE, "beta", ours.estimate, NUMBER, se),
            (ESTIMATE, "se", ours.se, NUMBER, 0),
            (ESTIMATE, "ci_lb", ours.ci_lower, NUMBER, se),
            (ESTIMATE, "ci_ub", ours.ci_upper, NUMBER, se),
            (ESTIMATE, "zval", z, NUMBER, 1),
            (ESTIMATE, "pval", ours.p_value, P_VALUE, 0),
            (SPREAD, "tau2", ours.tau2, NUMBER, unit),
            (SPREAD, "se_tau2", line.se_tau2, NUMBER, 0),
            (SPREAD, "I2", ours.i2, NUMBER, 1),
            (SPREAD, "H2", ours.h2, NUMBER, 1),
            (COUNTS, "QE", ours.q, NUMBER, 1e-9),
            (COUNTS, "QEp", ours.q_p_value, P_VALUE, 0),
            (COUNTS, "k", ours.k, 0, 0),
            (COUNTS, "p", line.k - line.df, 0, 0),
            (COUNTS, "ddf", line.df, 0, 0),
            (PREDICTION, "pi_lb", ours.prediction_lower, NUMBER, se),
            (PREDICTION, "pi_ub", ours.prediction_upper, NUMBER, se),
            (PREDICTION, "pi_riley_lb", riley.prediction_lower, NUMBER, se),
            (PREDICTION, "pi_riley_ub", riley.prediction_upper, NUMBER, se),
        ):
            if column in ref:
                ledger.compare(f"pooling: {part}", (*at, column), got, relative=relative, scale=scale)
        fit_statistics(ledger, "pooling: likelihood, AIC, BIC", at, ref, line, method, v)


def fit_statistics(
    ledger: Ledger, part: str, at: Path, ref: dict[str, Any], ours: Regression, method: str, v: np.ndarray
) -> None:
    """Log-likelihood, and what follows from it: Akaike 1974, Schwarz 1978, Hurvich & Tsai 1989."""
    if "fitstats" not in ref:
        return
    restricted = method == "REML"
    height, p = ours.log_likelihood, ref["p"] + 1
    n = ours.df if restricted else ours.k
    # what the effects would have if each were its own mean; a restricted likelihood has no such thing
    saturated = 0.0 if restricted else -np.log(2 * np.pi * v).sum() / 2
    for column, got in {
        "logLik": height,
        "deviance": 2 * (saturated - height),
        "AIC": 2 * p - 2 * height,
        "BIC": p * np.log(n) - 2 * height if n else np.nan,
        "AICc": 2 * p * max(n, p + 2) / (max(n, p + 2) - p - 1) - 2 * height,
    }.items():
        ledger.compare(part, (*at, "fitstats", column), got, relative=NUMBER, scale=1)


def tau2_intervals(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """Intervals of tau2, and what they mean for tau, I2 and H2."""
    y, v = analysis.y, analysis.v
    for key, ref in analysis.reference["tau2_ci"].items():
        if "error" in ref:
            continue
        method, kind = key.split("_")
        ours, unit = pool(y, v, tau2=method), np.median(v)
        lower, upper = (
            (ours.tau2_ci_lower, ours.tau2_ci_upper) if kind == "QP" else profile_bounds(y, v, method)
        )
        part = "tau2 interval: Q-profile" if kind == "QP" else "tau2 interval: profile likelihood"
        for column, tau2 in {"est": ours.tau2, "lb": lower, "ub": upper}.items():
            # a tau2 that is 0 within its tolerance may have any tau up to the root of it
            nothing = NUMBER * unit > ref[column][0]
            ledger.compare(
                part,
                (*place, "tau2_ci", key, column),
                scales_of(tau2, v),
                relative=NUMBER,
                scale=[unit, np.sqrt(unit), 1, 1],
                absolute=[0, np.sqrt(NUMBER * unit) * nothing, 0, 0],
            )


def profile_bounds(y: np.ndarray, v: np.ndarray, method: str) -> tuple[float, float]:
    """Where the likelihood of tau2, by plain algebra, has fallen from the maximum that we report by 1.92.

    Not offered by the library; here it checks the reported maximum. Hardy & Thompson 1996.
    """
    top, best = regress(y, v, tau2=method).log_likelihood, pool(y, v, tau2=method).tau2
    matrices = y, np.diag(v), np.eye(y.size), np.ones((y.size, 1))

    def above(tau2: float) -> float:
        return dense(*matrices, tau2, restricted=method == "REML")[2] - top + stats.chi2.ppf(0.95, 1) / 2

    unit = np.median(v)
    tolerance = {"xtol": 1e-12 * unit, "rtol": 1e-14}
    lower = optimize.brentq(above, 0, best, **tolerance) if best > 0 and above(0.0) < 0 else 0.0
    far = best + unit
    while above(far) > 0:
        far *= 4
    return lower, optimize.brentq(above, best, far, **tolerance)


def scales_of(tau2: float, v: np.ndarray) -> list[float]:
    """tau2 as tau2, tau, I2 and H2 (Higgins & Thompson 2002, equations 9 and 10)."""
    w = 1 / v
    typical = (v.size - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    return [tau2, np.sqrt(tau2), 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical]


def regressions(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """Meta-regressions."""
    y, v = analysis.y, analysis.v
    for name, model in analysis.reference.get("metareg", {}).items():
        ledger.skip((*place, "metareg", name, "X"), NOT_OFFERED["input"])
        for key in model.keys() - {"X", "colnames"}:
            method, test = key.split("_")
            ref, at = model[key], (*place, "metareg", name, key)
            ours = regress(y, v, model["X"], tau2=method, ci=INTERVALS[test])
            se = np.array(ref["se"])
            for column, got, relative, scale in (
                ("beta", ours.coefficients, NUMBER, se),
                ("se", ours.se, NUMBER, 0),
                ("zval", ours.coefficients / ours.se, NUMBER, 1),
                ("pval", ours.p_value, P_VALUE, 0),
                ("ci_lb", ours.ci_lower, NUMBER, se),
                ("ci_ub", ours.ci_upper, NUMBER, se),
                ("vcov", ours.covariance, NUMBER, np.outer(se, se)),
                ("tau2", ours.tau2, NUMBER, np.median(v)),
                ("se_tau2", ours.se_tau2, NUMBER, 0),
                ("I2", ours.i2, NUMBER, 1),
                ("H2", ours.h2, NUMBER, 1),
                ("R2", ours.r2, NUMBER, 1),
                ("QE", ours.qe, NUMBER, 0),
                ("QEp", ours.qe_p_value, P_VALUE, 0),
                ("QM", ours.qm, NUMBER, 0),
                ("QMp", ours.qm_p_value, P_VALUE, 0),
                ("QMdf", ours.qm_df, 0, 0),
                ("k", ours.k, 0, 0),
                ("ddf", ours.df, 0, 0),
                ("p", ours.k - ours.df, 0, 0),
            ):
                ledger.compare("meta-regression", (*at, column), got, relative=relative, scale=scale)
            fit_statistics(ledger, "meta-regression: likelihood, AIC, BIC", at, ref, ours, method, v)


# --- each study's part in the answer -----------------------------------------------------------------

SERIES = {
    "estimate": ("estimate", NUMBER), "se": ("se", NUMBER), "pval": ("p_value", P_VALUE),
    "ci.lb": ("ci_lower", NUMBER), "ci.ub": ("ci_upper", NUMBER),
    "Q": ("q", NUMBER), "Qp": ("q_p_value", P_VALUE),
    "tau2": ("tau2", NUMBER), "I2": ("i2", NUMBER), "H2": ("h2", NUMBER),
}  # fmt: skip
INFLUENCE = {
    "rstudent": "residual", "dffits": "dffits", "cook.d": "cook_distance", "cov.r": "covariance_ratio",
    "tau2.del": "tau2_deleted", "QE.del": "q_deleted", "hat": "hat", "weight": "weight",
}  # fmt: skip
SHRUNKEN = {"pred": "estimate", "se": "se", "pi_lb": "lower", "pi_ub": "upper"}


def studies(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """Each study's part: left out, added one by one, its influence, its effect given the others."""
    y, v, reference = analysis.y, analysis.v, analysis.reference
    order = order_of(analysis)
    for part, key, ours in (
        ("leave one out", "leave1out_REML_knha", lambda: leave_one_out(y, v, tau2="REML", ci="HKSJ")),
        ("leave one out", "leave1out_DL_z", lambda: leave_one_out(y, v, tau2="DL", ci="wald")),
        ("cumulative", "cumul_REML_z", lambda: cumulative(y, v, order=order, tau2="REML", ci="wald")),
    ):
        if "error" not in reference[key]:
            series(ledger, part, (*place, key), ours(), v)
    if "error" not in reference["influence_REML"]:
        ours = influence(y, v)
        scales = {"tau2.del": np.median(v), "QE.del": 1e-9, "rstudent": 1, "dffits": 1, "cook.d": 1}
        for column, field in INFLUENCE.items():
            at = (*place, "influence_REML", column)
            ledger.compare(
                "influence", at, getattr(ours, field), relative=NUMBER, scale=scales.get(column, 0)
            )
    if "error" not in reference["blup_REML"]:
        ours = shrink(y, v)
        se = np.array(reference["blup_REML"]["se"])
        for column, field in SHRUNKEN.items():
            scale = 0 if column == "se" else se
            ledger.compare(
                "shrinkage", (*place, "blup_REML", column), getattr(ours, field), relative=NUMBER, scale=scale
            )


def series(ledger: Ledger, part: str, at: Path, ours: Any, v: np.ndarray) -> None:
    """A table with one row for each step."""
    ref = ledger.at(at)
    unit = np.array(ref["se"], dtype=float)
    scales: dict[str, Any] = {"tau2": np.median(v), "Q": 1e-9, "I2": 1, "H2": 1}
    scales |= dict.fromkeys(("estimate", "ci.lb", "ci.ub"), unit)
    for column, (field, relative) in SERIES.items():
        ledger.compare(
            part, (*at, column), getattr(ours, field), relative=relative, scale=scales.get(column, 0)
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        z = ours.estimate / ours.se
    ledger.compare(part, (*at, "tval" if "tval" in ref else "zval"), z, relative=NUMBER, scale=1)
    if "k" in ref:
        ledger.compare(part, (*at, "k"), ours.k)


def order_of(analysis: Analysis) -> np.ndarray:
    """The years by which metafor added the studies, or their order in the table."""
    dataset, measure = analysis.name.split("/")
    entry = metafor().get(dataset, {})
    if dataset == "raudenbush1985":
        return np.array([float(label[-4:]) for label in entry["input"]["slab"]])
    order = np.array(entry.get("order") or np.arange(1000), dtype=float)
    kept = (entry.get("measures") or {}).get(measure, {}).get("kept")
    return (order if kept is None else order[np.array(kept) - 1])[: analysis.y.size]


# --- small-study effects -----------------------------------------------------------------------------


def funnel(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """Regressions on the standard error, the rank test, and the fail-safe number."""
    y, v, reference = analysis.y, analysis.v, analysis.reference
    scale = np.sqrt(v.max())
    for key, ours in (("egger_rma_REML", egger(y, v)), ("egger_lm", egger(y, v, model="lm"))):
        ref, at = reference[key], (*place, key)
        if "error" in ref:
            continue
        width = np.diff(np.array(ref["ci"], dtype=float))
        ledger.compare("Egger", (*at, "est"), ours.estimate, relative=NUMBER, scale=scale)
        ledger.compare("Egger", (*at, "ci"), [ours.ci_lower, ours.ci_upper], relative=NUMBER, scale=width)
        ledger.compare("Egger", (*at, "pval"), ours.p_value, relative=P_VALUE)
        statistic = (*at, "zval" if "zval" in ref else "tval")
        ledger.compare("Egger", statistic, ours.statistic, relative=NUMBER, scale=1)
        if key == "egger_lm":
            ledger.compare("Egger", (*at, "df"), ours.df)
            rows = [
                [ours.estimate, ours.se, ours.estimate / ours.se, ours.estimate_p_value],
                [ours.slope, ours.slope_se, ours.statistic, ours.p_value],
            ]
            scales = np.nan_to_num([[scale, 0, 1, 0], [max(1, ours.slope_se), 0, 1, 0]], nan=1)
            ledger.compare("Egger", (*at, "fit"), rows, relative=NUMBER, scale=scales)
    ranks, safe = rank_correlation(y, v), fail_safe_n(y, v)
    if "error" not in reference["ranktest"]:
        ledger.compare("rank test", (*place, "ranktest", "tau"), ranks.tau, relative=NUMBER, scale=1e-9)
        ledger.compare("rank test", (*place, "ranktest", "pval"), ranks.p_value, relative=P_VALUE)
    if "error" not in reference["fsn_rosenthal"]:
        ledger.compare("fail-safe N", (*place, "fsn_rosenthal", "fsnum"), safe.n)
        ledger.compare("fail-safe N", (*place, "fsn_rosenthal", "pval"), safe.p_value, relative=P_VALUE)
    for key, ours in (("pet", pet(y, v)), ("peese", peese(y, v))):
        ref, at = reference[key], (*place, key)
        if "Redundant" in str(ref.get("warnings")):
            ledger.skip(at, NOT_OFFERED["one line"])
        elif "error" not in ref:
            se = np.array(ref["se"])
            ledger.compare(
                "PET, PEESE", (*at, "beta"), [ours.estimate, ours.slope], relative=NUMBER, scale=se
            )
            ledger.compare("PET, PEESE", (*at, "se"), [ours.se, ours.slope_se], relative=NUMBER)
            p_values = [ours.estimate_p_value, ours.p_value]
            ledger.compare("PET, PEESE", (*at, "pval"), p_values, relative=P_VALUE)


def filled_in(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """Trim and fill."""
    y, v = analysis.y, analysis.v
    for method in ("FE", "REML"):
        for estimator in ("L0", "R0"):
            at = (*place, f"trimfill_{method}_{estimator}")
            ref = ledger.at(at)
            if "error" in ref:
                continue
            ours = trim_fill(y, v, tau2=method, estimator=estimator)
            for column, got, relative, scale in (
                ("k0", ours.k0, 0, 0),
                ("se_k0", ours.k0_se, NUMBER, 0),
                ("beta", ours.estimate, NUMBER, ref["se"]),
                ("se", ours.se, NUMBER, 0),
                ("ci_lb", ours.ci_lower, NUMBER, ref["se"]),
                ("ci_ub", ours.ci_upper, NUMBER, ref["se"]),
                ("tau2", ours.tau2, NUMBER, np.median(v)),
            ):
                ledger.compare(
                    f"trim and fill ({method})", (*at, column), got, relative=relative, scale=scale
                )


def selection(ledger: Ledger, analysis: Analysis, place: Path) -> None:
    """The selection model with one step."""
    y, v = analysis.y, analysis.v
    at = (*place, "selmodel_stepfun_025")
    if "error" in ledger.at(at):
        return
    ours = selection_model(y, v)
    for column, got, scale in (
        ("beta", ours.estimate, ours.se),
        ("se", ours.se, 0),
        ("tau2", ours.tau2, np.median(v)),
        ("delta", [1, ours.weight], 0),
        ("LRT", ours.statistic, 1),
        ("LRTp", ours.test_p_value, 0),
    ):
        ledger.compare("selection model", (*at, column), got, relative=SELECTION, scale=scale)
