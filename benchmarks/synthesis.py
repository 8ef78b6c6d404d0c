"""Processor time of the synthesis library, and of R metafor beside it where that is installed.

    python benchmarks/synthesis.py

Prints a Markdown table. Ours: one warm process, median and fastest of nine runs; the import in fresh
processes, wall-clock. metafor: the same data in the same minutes, by `metafor_timing.R`; of the 10,000 data
sets it fits a sample, and its time for all follows from that.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from globulin.synthesis import pool, pool_bayes
from globulin.synthesis.bayes_batch import pool_bayes_batch
from globulin.synthesis.priors import HalfNormal
from globulin.synthesis.sensitivity import leave_one_out, parametric_bootstrap

RUNS = 9
# metafor needs a minute and more for ten thousand fits
SAMPLE = 200

RNG = np.random.default_rng(20261122)


def studies(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Effects that differ by more than chance, and their variances."""
    variances = RNG.uniform(0.05, 0.5, shape)
    return RNG.normal(0.3, np.sqrt(variances + 0.1)), variances


PLAIN, FOUR, MANY, HUNDRED, TRIPLES = (
    studies(5),
    studies(4),
    studies(10_000, 10),
    studies(100),
    studies(10_000, 3),
)
TWO = np.array([0.978, 0.501]), np.array([0.168, 0.059])
NULLS = {"censored_bound": [0.777, 0.459], "censored_se": [0.378, 0.231]}
PRIOR = HalfNormal(0.5)


class Work(NamedTuple):
    """What is timed, how often in one run, the promise, and metafor's name and number of units of it."""

    run: Callable[[], object]
    times: int
    promise_ms: float | None = None
    metafor: tuple[str, int] | None = None


WORK = {
    "one pool of 5 studies (REML, Hartung-Knapp, Q-profile)": Work(
        lambda: pool(*PLAIN), 100, 0.3, ("fit", 1)
    ),
    "10,000 pools of 10 studies in one call": Work(lambda: pool(*MANY), 1, 150, ("many", 10_000)),
    "leave-one-out of 100 studies": Work(lambda: leave_one_out(*HUNDRED), 10, 5, ("leave_one_out", 1)),
    "parametric bootstrap of 10 studies, 10,000 times": Work(
        lambda: parametric_bootstrap(MANY[0][0], MANY[1][0], seed=1), 1, 150, ("refit", 10_000)
    ),
    "one Bayesian summary of 4 studies": Work(lambda: pool_bayes(*FOUR, tau_prior=PRIOR), 30, 1),
    "one of 2 studies and 2 censored ones": Work(lambda: pool_bayes(*TWO, tau_prior=PRIOR, **NULLS), 2),
    "10,000 Bayesian summaries of 3 studies in one call": Work(
        lambda: pool_bayes_batch(*TRIPLES, tau_prior=PRIOR), 1
    ),
}


def milliseconds(work: Work) -> list[float]:
    """Processor time of each run, per time done."""
    work.run()
    spent = []
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(work.times):
            work.run()
        spent.append(1000 * (time.process_time() - begun) / work.times)
    return spent


def import_milliseconds(statement: str) -> list[float]:
    """Wall-clock of fresh interpreters that do nothing else."""
    spent = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603 - our own statement
        spent.append(1000 * (time.perf_counter() - begun))
    return spent


def metafor_milliseconds() -> dict[str, float]:
    """Milliseconds of R metafor for one unit of each work; empty where it is absent."""
    program = shutil.which("Rscript")
    if program is None:
        return {}
    script = Path(__file__).with_name("metafor_timing.R")
    with tempfile.TemporaryDirectory() as folder:
        sets = {"plain": PLAIN, "many": (MANY[0][:SAMPLE], MANY[1][:SAMPLE]), "hundred": HUNDRED}
        for name, (y, v) in sets.items():
            rows = np.concatenate([np.atleast_2d(y), np.atleast_2d(v)], axis=1)
            np.savetxt(Path(folder) / f"{name}.csv", rows, delimiter=",")
        done = subprocess.run(  # noqa: S603 - our own script
            [program, "--vanilla", str(script), folder], capture_output=True, text=True, check=False
        )
    if done.returncode:
        print(
            f"R is here, but metafor did not run: {done.stderr.strip().splitlines()[-1]}\n", file=sys.stderr
        )
        return {}
    lines = (line.split() for line in done.stdout.splitlines())
    return {name: 1000 * float(seconds) for name, seconds, _ in lines}


def short(number: float) -> str:
    """Three digits, or all before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def main() -> None:
    """Measure everything and print the table."""
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores,"
        f" {platform.machine()}, load {load:.1f}\n"
    )
    theirs = metafor_milliseconds()
    if not theirs:
        print("R metafor is absent: no comparison\n")
    print(
        "| work | median, ms | fastest, ms | promise, ms | metafor, ms | ratio |\n|---|---|---|---|---|---|"
    )
    for name, work in WORK.items():
        spent = milliseconds(work)
        median, promise = statistics.median(spent), "" if work.promise_ms is None else f"{work.promise_ms:g}"
        beside = ratio = ""
        if work.metafor is not None and work.metafor[0] in theirs:
            unit, count = work.metafor
            beside, ratio = f"{theirs[unit] * count:,.0f}", f"{theirs[unit] * count / median:,.0f}"
        print(f"| {name} | {short(median)} | {short(min(spent))} | {promise} | {beside} | {ratio} |")
    for name, statement, promise in (
        ("importing the library in a fresh interpreter", "from globulin.synthesis import pool", "300"),
        ("importing NumPy alone in one", "import numpy", ""),
    ):
        spent = import_milliseconds(statement)
        print(f"| {name} | {statistics.median(spent):.0f} | {min(spent):.0f} | {promise} | | |")


if __name__ == "__main__":
    main()
