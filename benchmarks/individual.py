"""Time of individual fits in one warm process: most probable parameters, posteriors, checks of levels.

    python benchmarks/individual.py

People are simulated as in the tests: Navarro-Mora 2022, half by vein every 28 days (7 infusions), half under
the skin every week (26 doses), four levels each. Prints a Markdown table of processor times, median of 15
runs, and exits 1 if a promise is broken. A posterior is timed as for a new person: its points are drawn
afresh.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from globulin.exposure import posterior
from globulin.exposure.forecast import predict
from globulin.exposure.individual import fit
from globulin.exposure.level_checks import check_levels

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.exposure.individual_people import simulate

PEOPLE, _ = simulate(1000, 1)
VEIN, SKIN = (PEOPLE.take(np.array([person])) for person in (0, 1))
FITTED = {"by vein": fit(VEIN), "under the skin": fit(SKIN)}
AHEAD = np.arange(190.0, 274.0)


def fresh(which: str) -> posterior.Posterior:
    """A posterior of 4,096 draws with nothing kept from the last."""
    posterior.standard_t.cache_clear()
    return posterior.sample(FITTED[which])


WORK: dict[str, tuple[Callable[[], object], float | None]] = {
    "most probable parameters of 1,000 people with 4 levels": (lambda: fit(PEOPLE), 120.0),
    "the same of one person under the skin": (lambda: fit(SKIN), None),
    "one posterior, 4,096 draws, by vein": (lambda: fresh("by vein"), 30.0),
    "one posterior, 4,096 draws, under the skin": (lambda: fresh("under the skin"), 30.0),
    "fit, posterior and 84 days ahead of one person": (
        lambda: predict(posterior.sample(fit(SKIN)), SKIN.doses, AHEAD).quantiles([0.05, 0.5, 0.95]),
        None,
    ),
    "every level of 1,000 people against the others": (lambda: check_levels(fit(PEOPLE)), None),
}


def main() -> int:
    """Measure everything, print the table, and return 1 if a promise was broken."""
    print("| work | median, ms | fastest, ms | promise |\n|---|---|---|---|")
    kept = True
    for name, (work, limit) in WORK.items():
        work()
        spent = []
        for _ in range(15):
            begun = time.process_time()
            work()
            spent.append(1000 * (time.process_time() - begun))
        median = statistics.median(spent)
        kept &= limit is None or median <= limit
        promise = "" if limit is None else f"at most {limit:g} ms"
        print(f"| {name} | {median:.1f} | {min(spent):.1f} | {promise} |")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
