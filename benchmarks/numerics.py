"""Time of the numerical work alone, in one warm process: what each engine costs apart from starting.

    python benchmarks/numerics.py

Prints a Markdown table, median of seven runs each, processor time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from globulin.exposure import fcrn
from globulin.synthesis import pool, pool_bayes
from globulin.synthesis.sensitivity import leave_one_out

RNG = np.random.default_rng(20261122)
SETS = fcrn.Recycling(
    np.array([0.18, 0.41, 0.304]), np.array([147.0, 1144.0, 693.0]), np.array([21.0, 69.0, 53.5]), 12.1
)
DOSE_G = np.linspace(0.3, 140.0, 40)[:, None]
MANY = RNG.normal(size=(10_000, 10)), RNG.uniform(0.05, 1.0, (10_000, 10))
HUNDRED = RNG.normal(size=100), RNG.uniform(0.1, 1.0, 100)
TWO = np.array([0.978, 0.501]), np.array([0.168, 0.059])
NULLS = {"censored_bound": [0.777, 0.459], "censored_se": [0.378, 0.231]}

WORK: dict[str, Callable[[], object]] = {
    "steady state, 40 regimens x 3 recycling sets": lambda: fcrn.steady_state(
        SETS, weight_kg=70.0, dose_g=DOSE_G, interval_day=28.0, infusion_day=0.25
    ),
    "one pool of 10 studies (REML, Hartung-Knapp, Q-profile)": lambda: pool(MANY[0][0], MANY[1][0]),
    "10,000 such pools in one call": lambda: pool(*MANY),
    "leave-one-out of 100 studies": lambda: leave_one_out(*HUNDRED),
    "one Bayesian summary of 2 studies": lambda: pool_bayes(*TWO),
    "the same with 2 censored studies": lambda: pool_bayes(*TWO, **NULLS),
}


def main() -> None:
    """Measure everything and print the table."""
    print("| work | median, ms | fastest, ms |\n|---|---|---|")
    for name, work in WORK.items():
        work()
        spent = []
        for _ in range(7):
            begun = time.process_time()
            work()
            spent.append(1000 * (time.process_time() - begun))
        print(f"| {name} | {statistics.median(spent):.1f} | {min(spent):.1f} |")


if __name__ == "__main__":
    main()
