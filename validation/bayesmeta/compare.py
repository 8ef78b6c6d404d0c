"""Compares the Bayesian summaries with R bayesmeta, number by number, and writes the tables of README.md.

    python -m validation.bayesmeta.compare

Run it from the repository root. It says what differs without a proof, which is nothing when all is well, and
then exits with status 1.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from itertools import product
from pathlib import Path as File
from typing import Any

import numpy as np

from globulin.synthesis.empirical_priors import rhodes, turner
from tests.synthesis.references import TRUTH
from validation.bayesmeta.differences import answered, checks, without_sd
from validation.bayesmeta.parts import Posterior, everything, posteriors
from validation.ledger import Ledger, counted, filled, numbers, spelled, table

README = File(__file__).parent / "README.md"


class Run:
    """One comparison of everything: the fits, the ledger, and what was proven about the differences."""

    def __init__(self) -> None:
        self.fits = list(posteriors())
        self.ledger = everything(self.fits)
        self.proofs: list[tuple[str, str, bool]] = []
        for fit in self.fits:
            here = [c for c in self.ledger.comparisons.values() if c.path[:3] == fit.place and not c.agrees]
            for comparison, (what, holds) in zip(here, checks(fit, here), strict=True):
                endless = "sd" in comparison.path or comparison.path[-1] == 3
                self.proofs.append((NO_SD if endless and without_sd(fit) else COARSE, what, holds))
        failed = [fit for fit in self.fits if "error" in self.ledger.at(fit.place)]
        self.failed = [(fit, self.ledger.at(fit.place)["error"]) for fit in failed]
        self.answers = [(spelled(fit.place), *check) for fit in failed for check in answered(fit)]
        self.priors = prior_tables()

    def blocks(self) -> dict[str, str]:
        """The generated parts of the README by name."""
        return {
            "totals": totals(self.ledger),
            "parts": table(
                ("part", "compared", "agree", "differ"),
                ((p, *n) for p, n in counted(self.ledger, lambda c: c.part).items()),
            ),
            "priors used": priors_used(self.ledger),
            "differences": differences(self.proofs),
            "failures": failures(self.failed, self.answers),
            "prior tables": table(
                ("table", "numbers", "equal"),
                ((n, len(v), sum(g == r for _, g, r in v)) for n, v in self.priors.items()),
            ),
            "pattern": table(
                ("row of Rhodes 2015", "location as printed", "sum of its terms"), out_of_pattern()
            ),
        }

    def wrong(self) -> list[str]:
        """Numbers that nobody claimed, and checks that do not hold."""
        return [
            *map(spelled, self.ledger.unclaimed()),
            *(what for _, what, holds in self.proofs if not holds),
            *(f"{place}: {what}" for place, what, holds in self.answers if not holds),
            *(
                f"{name}: {what}"
                for name, rows in self.priors.items()
                for what, got, ref in rows
                if got != ref
            ),
        ]


COARSE = "coarse grid"
NO_SD = "no standard deviation"
_WHY = {
    COARSE: (
        "bayesmeta averages over a coarse grid of tau",
        "sums over 6,001 points of log(tau) give our number",
    ),
    NO_SD: (
        "the standard deviation is infinite: the posterior of tau falls no faster than tau to the power -3,"
        " and a grid that ends somewhere cannot show it",
        "the power, from the prior and the number of studies; ours says infinite",
    ),
}


def totals(ledger: Ledger) -> str:
    """Every number of the file, once."""
    reasons = Counter(ledger.skipped.values())
    differ = sum(not c.agrees for c in ledger.comparisons.values())
    compared = len(ledger.comparisons)
    rows = [
        ("numbers in the file", sum(1 for _ in numbers(ledger.reference))),
        ("inputs", reasons.pop("input")),
        ("compared", compared),
        ("— agree", compared - differ),
        ("— differ, with a reason and a proof", differ),
        *((f"not compared: {reason}", count) for reason, count in reasons.items()),
        ("neither", len(ledger.unclaimed())),
    ]
    return table(("", "numbers"), rows)


def priors_used(ledger: Ledger) -> str:
    """Compared, agreeing and differing numbers by prior of tau."""
    by_prior = counted(ledger, lambda c: str(c.path[2]).split("__")[0])
    return table(("prior of tau", "compared", "agree", "differ"), ((p, *n) for p, n in by_prior.items()))


def differences(proofs: list[tuple[str, str, bool]]) -> str:
    """Each reason for a difference with its numbers, and whether its proof holds."""
    rows = []
    for name, (why, proof) in _WHY.items():
        holds = [good for reason, _, good in proofs if reason == name]
        rows.append((len(holds), why, f"{proof}: {sum(holds)} of {len(holds)} hold"))
    return table(("numbers", "why", "proof"), rows)


def failures(failed: list[tuple[Posterior, str]], answers: list[tuple[str, str, bool]]) -> str:
    """Errors of bayesmeta by prior and words, and how our answers fare against the exact posterior."""
    rows = []
    for (prior, error), times in Counter((fit.prior_name, error) for fit, error in failed).items():
        here = {spelled(fit.place) for fit, words in failed if (fit.prior_name, words) == (prior, error)}
        holds = [good for place, _, good in answers if place in here]
        rows.append((prior, times, error, f"{sum(holds)} of {len(holds)} hold"))
    return table(
        ("prior of tau", "fits", "bayesmeta's words", "our numbers against the exact posterior"), rows
    )


# --- the tables of empirical priors ------------------------------------------------------------------

# In the order of the file's rows; within each, drug against placebo, drug against drug, no drug
_TURNER = (
    "mortality", "obstetric", "morbidity", "resource_use", "surgical", "withdrawals", "structure",
    "physical_health", "adverse_events", "infection", "symptoms", "pain", "quality_of_life", "mental_health",
    "biological_marker", "subjective",
)  # fmt: skip
_RHODES = (
    "obstetric", "resource_use", "structure", "physical_health", "symptoms", "mental_health",
    "biological_marker", "subjective",
)  # fmt: skip
_ARMS = ("drug_placebo", "drug_drug", "non_drug")
_SETTINGS = ("other", "respiratory", "cancer")


def prior_rows() -> dict[str, list[dict[str, Any]]]:
    """The tables of Turner 2015 and Rhodes 2015 as bayesmeta prints them."""
    file = json.loads((TRUTH / "tau_priors_turner_rhodes.json").read_text(encoding="utf-8"))
    return {name: file[name]["rows"] for name in ("turner2015", "rhodes2015")}


def prior_tables() -> dict[str, list[tuple[str, float, float]]]:
    """Every parameter of log(tau2) in the published tables: what it is, ours, and the number in the file."""
    general = ("any",)
    # the file starts with three rows of Turner's general prior and ends with one; Rhodes' stands at the end
    keys = {
        "turner2015": [general] * 3 + list(product(_TURNER, _ARMS)) + [general],
        "rhodes2015": [*product(_RHODES, _ARMS, _SETTINGS), general],
    }
    found: dict[str, list[tuple[str, float, float]]] = {}
    for name, rows in prior_rows().items():
        read, (first, second) = {
            "turner2015": (turner, ("tau2_mu", "tau2_sigma")),
            "rhodes2015": (rhodes, ("tau2_loc", "tau2_scale")),
        }[name]
        found[name] = []
        for key, row in zip(keys[name], rows, strict=True):
            prior = read(*key).prior
            found[name] += [
                (f"{key}, location", 2 * prior.location, row[first]),
                (f"{key}, scale", 2 * prior.scale, row[second]),
            ]
    return found


def out_of_pattern() -> list[tuple[str, float, float]]:
    """Locations of Rhodes' table that are not a sum of outcome, comparison and setting, with that sum.

    The table comes from a regression without interactions, so they should be, to the rounding of its terms.
    """
    locations = np.array([row["tau2_loc"] for row in prior_rows()["rhodes2015"][:-1]]).reshape(8, 3, 3)
    arms = np.median(locations - locations[:, :1], axis=(0, 2))[:, None]
    settings = np.median(locations - locations[:, :, :1], axis=(0, 1))
    sums = np.median(locations - arms - settings, axis=(1, 2))[:, None, None] + arms + settings
    return [
        (", ".join(names), float(locations[index]), round(float(sums[index]), 2))
        for index, names in zip(np.ndindex(8, 3, 3), product(_RHODES, _ARMS, _SETTINGS), strict=True)
        if abs(locations[index] - sums[index]) > 0.05
    ]


def main() -> None:
    """Compare, write the README, and report what has no reason or no proof."""
    run = Run()
    README.write_text(filled(README.read_text(encoding="utf-8"), run.blocks()), encoding="utf-8")
    print(totals(run.ledger))
    sys.exit("\n".join(run.wrong()) or 0)


if __name__ == "__main__":
    main()
