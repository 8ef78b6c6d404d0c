"""Compares the synthesis library with R metafor, number by number, and writes the tables of README.md.

    python -m validation.metafor.compare

Run it from the repository root. It says what differs without a reason, which is nothing when all is well,
and then exits with status 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any, NamedTuple

import numpy as np

from globulin.synthesis.exact import exact_conditional
from globulin.synthesis.pooling import pool
from globulin.synthesis.selection import selection_model
from globulin.synthesis.sensitivity import influence, leave_one_out
from globulin.synthesis.small_study import egger, fail_safe_n, peese, pet, rank_correlation
from globulin.synthesis.trim_fill import trim_fill
from tests.synthesis.references import analyses, columns_of, metafor
from validation.ledger import Comparison, Ledger, counted, filled, numbers, spelled, table
from validation.metafor.differences import DIFFERENCES, Check, Difference
from validation.metafor.parts import everything
from validation.metafor.rules import INTERVALS

README = File(__file__).parent / "README.md"

TOLERANCES = {
    "effect sizes": "1e-9",
    "selection model": "1e-3",
    "likelihood model": "2e-4 absolute",
}
"""By the start of a part's name; all others 1e-6, and 1e-5 for p-values."""


class Run:
    """One comparison of everything: the ledger, and what was proven about each difference."""

    def __init__(self) -> None:
        self.ledger = everything()
        self.differing = [c for c in self.ledger.comparisons.values() if not c.agrees]
        self.proofs = [
            Proven(difference, len(mine), list(difference.checks(mine)))
            for difference in DIFFERENCES
            if (mine := [c for c in self.differing if difference.belongs(c)])
        ]

    def blocks(self) -> dict[str, str]:
        """The generated parts of the README by name."""
        return {
            "totals": totals(self.ledger),
            "parts": parts(self.ledger),
            "methods": methods(self.ledger),
            "measures": measures(self.ledger),
            "differences": differences(self.proofs),
            "failures": failures(self.ledger),
            "left out": left_out(self.ledger),
        }

    def wrong(self) -> list[str]:
        """Numbers nobody claimed, differences without one reason of their own, checks that do not hold."""
        reasons = {c.path: sum(d.belongs(c) for d in DIFFERENCES) for c in self.differing}
        return [
            *(f"{spelled(path)}: not claimed" for path in self.ledger.unclaimed()),
            *(f"{spelled(path)}: {count} reasons" for path, count in reasons.items() if count != 1),
            *(f"{p.difference.name}: {what}" for p in self.proofs for what, holds in p.checks if not holds),
        ]


class Proven(NamedTuple):
    """A reason for differences, how many numbers it explains, and its checks."""

    difference: Difference
    numbers: int
    checks: list[Check]


def totals(ledger: Ledger) -> str:
    """Every number of the file, once."""
    reasons = Counter(ledger.skipped.values())
    compared = len(ledger.comparisons)
    differ = sum(not c.agrees for c in ledger.comparisons.values())
    rows = [
        ("numbers in the file", sum(1 for _ in numbers(ledger.reference))),
        ("inputs", reasons.pop("input")),
        ("compared", compared),
        ("— agree", compared - differ),
        ("— differ, with a reason and a proof", differ),
        ("not compared, with a reason", reasons.total()),
        ("neither", len(ledger.unclaimed())),
    ]
    return table(("", "numbers"), rows)


def parts(ledger: Ledger) -> str:
    """Compared, agreeing and differing numbers by part."""
    rows = []
    for part, counts in counted(ledger, lambda c: c.part).items():
        tolerance = next((t for start, t in TOLERANCES.items() if part.startswith(start)), "1e-6, p 1e-5")
        rows.append((part, *counts, tolerance))
    return table(("part", "compared", "agree", "differ", "tolerance"), rows)


def methods(ledger: Ledger) -> str:
    """Agreeing of compared numbers of plain pooling, by estimator of tau2 and interval."""
    counts = counted(ledger, lambda c: c.path[c.path.index("fits") + 1] if "fits" in c.path else None)
    estimators = dict.fromkeys(key.split("_")[0] for key in counts)
    rows = []
    for method in estimators:
        cells = [counts.get(f"{method}_{test}") for test in INTERVALS]
        rows.append((method, *("—" if cell is None else f"{cell[1]:,} of {cell[0]:,}" for cell in cells)))
    return table(("estimator of tau2", *INTERVALS.values()), rows)


def measures(ledger: Ledger) -> str:
    """Compared, agreeing and differing numbers by measure, over all parts."""

    def measure(comparison: Comparison) -> str:
        path = comparison.path
        if "measures" in path:
            return str(path[2]).replace("GEN", "given effects and variances")
        return "edge cases" if "cases" in path else "counts, pooled as they are"

    return table(
        ("measure", "compared", "agree", "differ"), ((m, *n) for m, n in counted(ledger, measure).items())
    )


def differences(proofs: list[Proven]) -> str:
    """Each reason for a difference with its numbers, and whether its proof holds."""
    rows = []
    for difference, count, checks in proofs:
        proof = f"{difference.proof}: {sum(holds for _, holds in checks)} of {len(checks)} checks hold"
        rows.append((difference.name, count, difference.why, proof))
    return table(("where", "numbers", "why", "proof"), rows)


# --- where metafor has no answer ---------------------------------------------------------------------

ANSWERS = {
    "egger_rma_REML": lambda y, v: (egger(y, v), "p_value"),
    "egger_lm": lambda y, v: (egger(y, v, model="lm"), "p_value"),
    "pet": lambda y, v: (pet(y, v), "estimate"),
    "peese": lambda y, v: (peese(y, v), "estimate"),
    "ranktest": lambda y, v: (rank_correlation(y, v), "tau"),
    "fsn_rosenthal": lambda y, v: (fail_safe_n(y, v), "n"),
    "selmodel_stepfun_025": lambda y, v: (selection_model(y, v), "estimate"),
    "influence_REML": lambda y, v: (influence(y, v), "residual"),
    "leave1out_REML_knha": lambda y, v: (leave_one_out(y, v), "estimate"),
    "leave1out_DL_z": lambda y, v: (leave_one_out(y, v, tau2="DL", ci="wald"), "estimate"),
    **{
        f"trimfill_{method}_{estimator}": lambda y, v, m=method, e=estimator: (
            trim_fill(y, v, tau2=m, estimator=e),
            "estimate",
        )
        for method in ("FE", "REML")
        for estimator in ("L0", "R0")
    },
    **{
        f"{method}_{kind}": lambda y, v, m=method: (pool(y, v, tau2=m), "tau2_ci_upper")
        for method, kind in (("REML", "QP"), ("DL", "QP"), ("PM", "QP"), ("REML", "PL"), ("ML", "PL"))
    },
}
"""What answers the same question here: the result and its main number."""


NOT_INFORMATIVE = "below 10 studies this cannot tell bias from chance (Sterne et al. 2011): not informative; "
"""How our answers about small studies begin, all of them here."""


def failed() -> Iterator[tuple[str, str, bool, str]]:
    """Each error of metafor: what failed, its words, whether we have a number, and what we say."""
    for analysis in analyses():
        entries: dict[str, Any] = analysis.reference | analysis.reference["tau2_ci"]
        for key, entry in entries.items():
            if isinstance(entry, dict) and "error" in entry:
                ours, main = ANSWERS[key](analysis.y, analysis.v)
                says = str(np.ravel(ours.message)[0])
                yield key, entry["error"], bool(np.isfinite(getattr(ours, main)).all()), says
    for dataset in metafor().values():
        for key, entry in dataset.get("glmm", {}).items():
            if "error" in entry:
                fit = exact_conditional(**columns_of(dataset)[0])
                yield f"{key}", entry["error"], bool(np.isfinite(fit.estimate) and fit.se > 0), fit.message


def failures(ledger: Ledger) -> str:
    """Where metafor stopped with an error, how often we answer, and what we say where there is no number."""
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for key, error, answered, says in failed():
        told = says.removeprefix(NOT_INFORMATIVE)
        found.setdefault((error, "" if answered else told), []).append((key, answered))
    rows = []
    for (error, told), ours in found.items():
        keys = ", ".join(f"`{key}`" for key in dict.fromkeys(key for key, _ in ours))
        rows.append((keys, error, len(ours), sum(answered for _, answered in ours), told or "—"))
    gaps = Counter(gap.part for gap in ledger.gaps if gap.path[-1] != "ddf" and np.isfinite(gap.ours))
    note = ", ".join(f"{part} {count}" for part, count in gaps.items())
    header = ("what", "metafor's words", "times", "we have a number", "we say where there is none")
    return f"{table(header, rows)}\n\nSingle numbers that metafor gives as NA and we have: {note}."


def left_out(ledger: Ledger) -> str:
    """What was not compared, and why."""
    reasons = Counter(reason for reason in ledger.skipped.values() if reason != "input")
    return table(("why", "numbers"), reasons.items())


def main() -> None:
    """Compare, write the README, and report what has no reason or no proof."""
    run = Run()
    README.write_text(filled(README.read_text(encoding="utf-8"), run.blocks()), encoding="utf-8")
    print(totals(run.ledger))
    sys.exit("\n".join(run.wrong()) or 0)


if __name__ == "__main__":
    main()
