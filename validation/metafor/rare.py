"""Holds metafor's pooling of rare events against ours: Mantel-Haenszel, Peto, and the likelihood models."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from scipy import stats

from globulin.synthesis.exact import (
    RareEventsFit,
    binomial_normal,
    exact_conditional,
    logit_normal,
    poisson_normal,
)
from globulin.synthesis.rare_events import MantelHaenszel, mantel_haenszel, mantel_haenszel_rates, peto
from tests.synthesis.references import columns_of, metafor
from validation.ledger import Ledger, Path
from validation.metafor.rules import LIKELIHOOD, NOT_OFFERED, NUMBER, P_VALUE

POOLED_TABLES = {
    "beta": "estimate", "se": "se", "ci_lb": "ci_lower", "ci_ub": "ci_upper", "pval": "p_value",
    "QE": "q", "QEp": "q_p_value", "I2": "i2", "H2": "h2", "MH": "chi2", "MHp": "chi2_p_value",
    "TA": "tarone", "TAp": "tarone_p_value", "BD": "breslow_day", "BDp": "breslow_day_p_value",
    "k_pos": "k_informative", "k_yi": "k_effects",
}  # fmt: skip


def rare_events(ledger: Ledger) -> None:
    """Mantel-Haenszel and Peto."""
    for name, dataset in metafor().items():
        for key in dataset.get("mh", {}):
            columns, _ = columns_of(dataset)
            if dataset["type"] == "rate":
                ours = mantel_haenszel_rates(**columns, measure=key)
            else:
                ours = mantel_haenszel(**columns, measure=key[:2], correction=0.5 * (key == "OR_add_both"))
            pooled_tables(ledger, "Mantel-Haenszel", (name, "mh", key), ours)
        if "peto" in dataset:
            pooled_tables(ledger, "Peto", (name, "peto"), peto(**columns_of(dataset)[0]))


def pooled_tables(ledger: Ledger, part: str, at: Path, ours: MantelHaenszel) -> None:
    """One pooled result."""
    ref = ledger.at(at)
    for column in ref.keys() & POOLED_TABLES.keys():
        relative = P_VALUE if column in ("pval", "QEp", "MHp", "TAp", "BDp") else NUMBER
        ledger.compare(
            part, (*at, column), getattr(ours, POOLED_TABLES[column]), relative=relative, scale=1e-6
        )
    if "zval" in ref:
        ledger.compare(part, (*at, "zval"), ours.estimate / ours.se, relative=NUMBER, scale=1)


STUDY_EFFECTS = {"UM.FS": "fixed", "UM.RS": "random", "CM.AL": "conditional"}
# metafor integrates with 7 nodes, and with one (Laplace) where there are two random effects
NODES = {"UM.FS": 7, "UM.RS": 1, "CM.AL": 7}


@cache
def likelihood_fits() -> dict[Path, RareEventsFit]:
    """Our fit of each likelihood model of rare events in the file, by its place."""
    return dict(_likelihood_fits())


def _likelihood_fits() -> Iterator[tuple[Path, RareEventsFit]]:
    for name, dataset in metafor().items():
        if "glmm_PLO" in dataset:
            yield (name, "glmm_PLO"), logit_normal(**columns_of(dataset)[0], nodes=7)
        for key in dataset.get("glmm", {}):
            columns, _ = columns_of(dataset)
            if dataset["type"] == "rate":
                ours = poisson_normal(**columns, study_effects="fixed" if key == "UM.FS" else "conditional")
            elif key == "CM.EL":
                ours = exact_conditional(**columns)
            else:
                # metafor leaves double-zero trials out of every model
                some = columns["events1"] + columns["events2"] > 0
                kept = {column: values[some] for column, values in columns.items()}
                ours = binomial_normal(**kept, study_effects=STUDY_EFFECTS[key], nodes=NODES[key])
            yield (name, "glmm", key), ours


def likelihoods(ledger: Ledger) -> None:
    """The models that use the counts themselves."""
    for at, ours in likelihood_fits().items():
        ref, part = ledger.at(at), f"likelihood model {at[-1]}"
        if "error" in ref:
            continue
        for column, got in (
            ("beta", ours.estimate),
            ("se", ours.se),
            ("ci_lb", ours.ci_lower),
            ("ci_ub", ours.ci_upper),
            ("tau2", ours.tau2),
        ):
            ledger.compare(part, (*at, column), got, absolute=LIKELIHOOD)
        if "pval" in ref:
            z = abs(ref["beta"] / ref["se"])
            # as far as that tolerance of the estimate and of its error moves the p-value
            moved = 2 * stats.norm.pdf(z) * LIKELIHOOD * (1 + z) / ref["se"]
            ledger.compare(part, (*at, "pval"), ours.p_value, absolute=moved)
        if "QE_LRT" in ref and at[-1] != "UM.RS":
            ledger.compare(part, (*at, "QE_LRT"), ours.q, absolute=LIKELIHOOD)
        if "logLik" in ref:
            ledger.compare(part, (*at, "logLik"), ours.log_likelihood, absolute=LIKELIHOOD)
        if "QE_LRT" in ref and at[-1] == "UM.RS":
            ledger.skip((*at, "QE_LRT"), NOT_OFFERED["random Q"])
        ledger.skip(at, NOT_OFFERED["wald Q"])
