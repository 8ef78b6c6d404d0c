"""Time and memory of populations, in one warm process: levels over time, bands over time, a whole crowd.

    python benchmarks/population.py [--millions 10]

Prints a Markdown table, median of seven runs each: elapsed time, and processor time of this process over all
its threads, which says more where the machine is busy. Then comes `globulin simulate --json` from a cold
start, in fresh processes, and the same crowd in R beside it where one of its programs is installed; where
none is, that is said. `--millions` adds one run of so many million people over 365 days, in a fresh process,
with the most memory it held.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from globulin.contents import bundled
from globulin.exposure.crowd_levels import Dosing, crowd_parameters, first_course, steady
from globulin.exposure.facts import catalogue
from globulin.exposure.population import PROBABILITIES, simulate_population
from globulin.exposure.quantiles import StreamedQuantiles, row_quantiles
from globulin.exposure.virtual_people import crowd_of, group

KNOWN = catalogue(bundled("kinetics"))
ADULTS = group(bundled("people")["adults"], KNOWN.endogenous)
YEAR = np.arange(1.0, 366.0)
IV, SC = Dosing(0.4, True, 28.0), Dosing(0.1, True, 7.0, route="sc")
MODEL, SET = "zhang_2020", "fcrn_compromise_fit"


def levels(model: str, people: int, dosing: Dosing, doses: int, days: np.ndarray) -> Callable[[], object]:
    """Fills an array days x people."""
    found = crowd_parameters(KNOWN.models[model], crowd_of(ADULTS, people, 1), 0, people, KNOWN.muscle)
    grams = dosing.doses_g(found.weight_kg)
    out = np.empty((days.size, people))
    return lambda: first_course(found, dosing, doses, grams, days, out)


def work() -> dict[str, Callable[[], object]]:
    """What is measured, by its name."""
    filled = {people: np.empty((365, people)) for people in (10_000, 100_000)}
    many = np.exp(np.random.default_rng(1).normal(2.3, 0.3, (365, 100_000)))
    stream = StreamedQuantiles(365, lowest=0.05, highest=1000.0)
    crowd = crowd_of(ADULTS, 100_000, 1)
    found = crowd_parameters(KNOWN.models[MODEL], crowd, 0, 100_000, KNOWN.muscle)
    few = crowd_parameters(KNOWN.models[SET], crowd, 0, 1_000, KNOWN.muscle)
    return {
        "fill an array, 10,000 x 365": lambda: filled[10_000].fill(1.0),
        "10,000 people x 365 days, by vein every 28 days": levels(MODEL, 10_000, IV, 13, YEAR),
        "10,000 people x 365 days, under the skin every 7 days": levels(MODEL, 10_000, SC, 52, YEAR),
        "fill an array, 100,000 x 365": lambda: filled[100_000].fill(1.0),
        "100,000 people x 365 days, by vein every 28 days": levels(MODEL, 100_000, IV, 13, YEAR),
        "100,000 people x 365 days, under the skin every 7 days": levels(MODEL, 100_000, SC, 52, YEAR),
        "recycling, 10,000 people x 364 days, by vein": levels(SET, 10_000, IV, 13, YEAR[:364]),
        "five quantiles of 365 days x 100,000 people, exact": lambda: row_quantiles(many, PROBABILITIES),
        "the same by numpy.quantile": lambda: np.quantile(many, PROBABILITIES, axis=1),
        "the same counted as a stream": lambda: stream.add(many),
        "steady state of 100,000 people, linear": lambda: steady(found, IV, IV.doses_g(found.weight_kg)),
        "steady state of 1,000 people, recycling": lambda: steady(few, IV, IV.doses_g(few.weight_kg)),
        "drawing 100,000 people with their parameters": lambda: crowd_parameters(
            KNOWN.models[MODEL], crowd, 0, 100_000, KNOWN.muscle
        ),
    }


SIMULATE = (
    "simulate --model zhang_2020 --route iv --dose-g-per-kg 0.4 --interval-day 28 --weight-kg 70"
    " --steady-state --json"
)
R_PROGRAMS = ("mrgsolve", "rxode2")
"""What R may have for the same work; fits of single persons are timed in `individual.py`."""


def cold(runs: int = 7) -> tuple[list[float], list[float]]:
    """Elapsed and processor milliseconds of `globulin simulate` in fresh processes."""
    waited, spent = [], []
    for _ in range(runs):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(  # noqa: S603 - our own program and arguments
            [sys.executable, "-m", "globulin.cli", *SIMULATE.split()], check=True, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        waited.append(1000 * (time.perf_counter() - begun))
        user, system = (getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
        spent.append(1000 * (user + system))
    return waited, spent


def in_r() -> dict[str, float]:
    """Milliseconds of each program that R has here, for 10,000 people by vein; empty where there is none.

    A program that stops is named with its last words, and the rest goes on.
    """
    rscript = shutil.which("Rscript")
    if rscript is None:
        return {}
    crowd = crowd_of(ADULTS, 10_000, 1)
    found = crowd_parameters(KNOWN.models[MODEL], crowd, 0, crowd.size, KNOWN.muscle)
    columns = [np.broadcast_to(found.values[name], crowd.size) for name in ("cl", "v1", "q", "v2")]
    columns.append(0.4 * found.weight_kg)
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people.csv"
        np.savetxt(people, np.column_stack(columns), delimiter=",", header="cl,v1,q,v2,dose", comments="")
        script = Path(__file__).with_name("population_timing.R")
        done = subprocess.run([rscript, script, people], capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        print(f"R is here, but stopped: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return {name: 1000 * float(spent) for name, spent in (line.split() for line in done.stdout.splitlines())}


def millions(count: int) -> None:
    """A crowd too large to keep, over 365 days, with exact counts."""
    begun = time.perf_counter()
    crowd = crowd_of(ADULTS, count * 1_000_000, 1)
    (found,) = simulate_population(KNOWN, MODEL, crowd, IV, doses=13, at_day=YEAR, target_g_per_l=7.0)
    spent = time.perf_counter() - begun
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    (reached,) = found.reached
    print(
        f"\n{crowd.size:,} people x 365 days, bands and exact counts: {spent:.0f} s, most memory {held:.2f}"
        f" GiB, {reached.people:,} at or above {reached.target_g_per_l:g} g/L, quantiles off by at most"
        f" {100 * found.error:.3f}%"
    )


def row(name: str, waited: list[float], spent: list[float]) -> str:
    """One line of the table."""
    return (
        f"| {name} | {statistics.median(waited):.1f} | {min(waited):.1f} | {statistics.median(spent):.1f} |"
    )


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--millions", type=int, default=0)
    asked = parser.parse_args()
    print("| work | median, ms | fastest, ms | processor, ms |\n|---|---|---|---|")
    for name, run in work().items():
        run()
        waited, spent = [], []
        for _ in range(7):
            begun, used = time.perf_counter(), time.process_time()
            run()
            waited.append(1000 * (time.perf_counter() - begun))
            spent.append(1000 * (time.process_time() - used))
        print(row(name, waited, spent))
    print(row("`globulin simulate --json`, cold", *cold()))
    beside = in_r()
    for name, spent in beside.items():
        print(f"| 10,000 people x 365 days, by vein every 28 days, by R {name} | {spent:.1f} | | |")
    absent = [name for name in R_PROGRAMS if name not in beside]
    if absent:
        print(f"\nNo time from R for {', '.join(absent)}: not installed, or stopped as said above.")
    if asked.millions:
        sys.stdout.flush()
        child = multiprocessing.get_context("spawn").Process(target=millions, args=(asked.millions,))
        child.start()
        child.join()


if __name__ == "__main__":
    main()
