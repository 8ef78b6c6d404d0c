"""Runs the validation of individual fits and writes results.json and the tables of README.md.

    python -m validation.individual.run            # all: some minutes
    python -m validation.individual.run --tables   # the tables again, from results.json

Run it from the repository root. Seeds are fixed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from globulin.exposure.density import People, varying
from globulin.exposure.individual import fit
from globulin.exposure.level_checks import check_levels
from globulin.exposure.posterior import sample
from globulin.exposure.sensitivities import PARAMETERS
from tests.exposure.individual_people import SETTINGS, people_of, simulate, totals
from tests.exposure.individual_references import (
    best_by_scipy,
    chains,
    distance_from_chains,
    distance_from_prior,
)
from validation.ledger import filled, table

FOLDER = Path(__file__).parent
RESULTS, README = FOLDER / "results.json", FOLDER / "README.md"

EVERYBODY, OPTIMISED, CALIBRATED, COMPARED = 10_000, 20, 1_000, 20
LEVELS = (0.5, 0.8, 0.95)
FAULTS = ("none", "trough drawn 5 h into the infusion", "trough drawn a day late", "a third too high")


def modes(name: str) -> dict[str, float]:
    """Whether everybody is brought to a mode, and how far that is from what scipy's optimiser finds."""
    everybody = fit(people_of(name, EVERYBODY, 101)[0])
    people, _ = people_of(name, OPTIMISED, 103)
    found, free = fit(people), varying(people)
    away, lower = 0.0, -np.inf
    for person in range(OPTIMISED):
        one = people.take(np.array([person]))
        z, loss = best_by_scipy(one, np.full(free.size, 0.5))
        away = max(away, float(np.abs(found.eta[person, free] - z * people.omega[person, free]).max()))
        lower = max(lower, found.objective[person] + 0.5 * free.size * np.log(2.0 * np.pi) - loss)
    return {
        "people": EVERYBODY,
        "converged": int(everybody.converged.sum()),
        "gradient": float(everybody.gradient.max()),
        "optimised": OPTIMISED,
        "eta apart": away,
        "objective above": float(lower),
    }


def calibration(name: str) -> dict[str, Any]:
    """How often the posterior intervals of simulated people hold the truth, and what became of proposals."""
    people, eta = people_of(name, CALIBRATED, 107)
    free = varying(people)
    posterior = sample(fit(people), draws=4096)
    kept = posterior.accepted
    truth = (eta[:, free] / people.omega[:, free])[kept]
    rank = np.einsum("ns,nsk->nk", posterior.weight[kept], posterior.z[kept] < truth[:, None])
    return {
        "people": int(kept.sum()),
        "first": int(np.sum(kept & (posterior.proposals == 1))),
        "widened": int(np.sum(kept & (posterior.proposals > 1))),
        "refused": int(np.sum(~kept)),
        "k": float(np.median(posterior.pareto_k)),
        "effective": float(np.median(posterior.effective[kept])),
        "parameters": {
            PARAMETERS[which]: {
                **{f"{level}": int(np.sum(np.abs(rank[:, i] - 0.5) < 0.5 * level)) for level in LEVELS},
                "uniform": float(stats.kstest(rank[:, i], "uniform").pvalue),
            }
            for i, which in enumerate(free)
        },
    }


def compared(name: str) -> dict[str, Any]:
    """Distance of posteriors from long chains or, where those mix badly, from many draws of the prior."""
    people, _ = people_of(name, 2 * COMPARED, 109)
    people = people.take(np.flatnonzero(sample(fit(people)).accepted)[:COMPARED])
    posterior = sample(fit(people))
    mixes = varying(people).size < 6
    away = (
        distance_from_chains(posterior, chains(people, lanes=100, warm=1000, steps=8000, seed=1))
        if mixes
        else distance_from_prior(posterior, 1_000_000)
    )
    return {
        "with": "chains" if mixes else "prior draws",
        "comparisons": away.size,
        "largest": float(np.abs(away).max()),
        "spread": float(away.std()),
        "expected largest": float(stats.norm.isf(0.5 * 0.5 / away.size)),
    }


def planted(fault: str, count: int) -> People:
    """People with the second of four levels at fault; all are treated by vein and have a trough there."""
    people, eta = simulate(2 * count, 113)
    vein = np.arange(0, 2 * count, 2)
    people, eta = people.take(vein), eta[vein]
    noted = np.tile([28.0, 56.0, 113.0, 168.0], (count, 1))
    drawn = noted.copy()
    drawn[:, 1] += {FAULTS[1]: 5.0 / 24.0, FAULTS[2]: 1.0}.get(fault, 0.0)
    rng = np.random.default_rng(127)
    true = totals(people.typical, people.doses, drawn, eta)
    level = true + np.hypot(0.817, 0.053 * true) * rng.normal(size=true.shape)
    level[:, 1] *= 4.0 / 3.0 if fault == FAULTS[3] else 1.0
    return replace(people, levels=replace(people.levels, day=noted, g_per_l=np.maximum(level, 0.05)))


def faults(fault: str) -> dict[str, float]:
    """How often a planted fault is found, and its level pointed at, with false alarms held at 1%."""
    count = 10_000 if fault == FAULTS[0] else 2_000
    found = check_levels(fit(planted(fault, count)))
    shift = found.shift_hour[:, 1][~found.fits[:, 1]]
    return {
        "people": count,
        "alarms": int(np.sum(~found.fits.all(axis=1))),
        "right": int(np.sum(~found.fits[:, 1])),
        "others": int(np.sum(~found.fits[:, [0, 2, 3]].all(axis=1))),
        "explained": int(np.isfinite(shift).sum()),
        "hours": float(np.nanmedian(shift)) if np.isfinite(shift).any() else float("nan"),
    }


def results() -> dict[str, Any]:
    """Everything anew."""
    return {
        "modes": {name: modes(name) for name in SETTINGS},
        "calibration": {name: calibration(name) for name in SETTINGS},
        "compared": {name: compared(name) for name in SETTINGS},
        "faults": {fault: faults(fault) for fault in FAULTS},
    }


def coverage(entry: dict[str, Any]) -> Iterable[list[str]]:
    """One row a parameter: percent held with its binomial standard error."""
    people = entry["people"]
    for name, counts in entry["parameters"].items():
        shares = [counts[f"{level}"] / people for level in LEVELS]
        errors = [np.sqrt(level * (1.0 - level) / people) for level in LEVELS]
        held = [f"{100 * a:.1f} ({(a - b) / e:+.1f})" for a, b, e in zip(shares, LEVELS, errors, strict=True)]
        yield [name, *held, f"{counts['uniform']:.2f}"]


def tables(found: dict[str, Any]) -> dict[str, str]:
    """The blocks of the README."""
    return {
        "modes": table(
            ["setting", "converged", "largest relative gradient", "eta apart from scipy", "objective above"],
            [
                [
                    name,
                    f"{one['converged']:,} of {one['people']:,}",
                    f"{one['gradient']:.0e}",
                    f"{one['eta apart']:.0e}",
                    f"{one['objective above']:.0e}",
                ]
                for name, one in found["modes"].items()
            ],
        ),
        "proposals": table(
            ["setting", "first proposal", "widened", "refused", "median Pareto k", "median effective draws"],
            [
                [
                    name,
                    *(f"{one[key]:,}" for key in ("first", "widened", "refused")),
                    f"{one['k']:.2f}",
                    f"{one['effective']:,.0f}",
                ]
                for name, one in found["calibration"].items()
            ],
        ),
        "coverage": table(
            ["setting", "parameter", "50%", "80%", "95%", "p, uniform ranks"],
            [[name, *row] for name, one in found["calibration"].items() for row in coverage(one)],
        ),
        "compared": table(
            ["setting", "with", "comparisons", "largest", "expected largest", "spread"],
            [
                [
                    name,
                    one["with"],
                    one["comparisons"],
                    f"{one['largest']:.1f}",
                    f"{one['expected largest']:.1f}",
                    f"{one['spread']:.2f}",
                ]
                for name, one in found["compared"].items()
            ],
        ),
        "faults": table(
            [
                "fault",
                "people",
                "alarms",
                "at the right level",
                "another level marked",
                "of these explained by a time",
                "median change, hours",
            ],
            [
                [
                    fault,
                    f"{one['people']:,}",
                    f"{100 * one['alarms'] / one['people']:.1f}%",
                    f"{100 * one['right'] / one['people']:.1f}%",
                    f"{100 * one['others'] / one['people']:.1f}%",
                    f"{100 * one['explained'] / max(one['right'], 1):.0f}%",
                    "" if fault == FAULTS[0] else f"{one['hours']:+.0f}",
                ]
                for fault, one in found["faults"].items()
            ],
        ),
    }


def main() -> int:
    """Run (unless only tables are asked for) and write the README."""
    if "--tables" not in sys.argv[1:]:
        RESULTS.write_text(json.dumps(results(), indent=1) + "\n", encoding="utf-8")
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    README.write_text(filled(README.read_text(encoding="utf-8"), tables(found)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
