"""Time from a cold start: what a person waits for after pressing return, each run in a fresh process.

    python benchmarks/cold_start.py [--runs 5]

Measures the `globulin` that is installed beside the running interpreter and prints a Markdown table. Nothing
is cleared: the operating system's file cache is warm after the first run, compiled bytecode is kept. What
`globulin page` builds goes to a temporary folder and is removed. Processor seconds are given too, because on
a busy machine the wait says more about the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

LIMITS_S = {"--help": 0.5, "page": 5.0}
"""What the project promises, by the first word of the command."""


def program() -> str:
    """The `globulin` of the running interpreter; exits with the likely fix if there is none."""
    found = shutil.which("globulin", path=str(Path(sys.executable).parent))
    if found is None:
        sys.exit(
            f"globulin is not installed for {sys.executable}: run scripts/run, then use .venv/bin/python"
        )
    return found


def commands(work: Path) -> dict[str, list[str]]:
    """What is measured: a name for the table, and the arguments."""
    return {
        "globulin --help": ["--help"],
        "globulin evidence --json": ["evidence", "--json"],
        "globulin page": ["page", "--out", str(work / "page")],
    }


def seconds(arguments: list[str], work: Path) -> tuple[float, float]:
    """Wall-clock and processor seconds of one fresh process, started outside the checkout."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(  # noqa: S603 - our own program and arguments
        [program(), *arguments],
        cwd=work,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    waited, after = time.perf_counter() - start, os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return waited, spent


def main() -> int:
    """Measure, print the table, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="fresh processes per command (default 5)")
    runs = max(1, parser.parse_args().runs)
    lines = [
        "| command | median, s | fastest | slowest | processor, s | promise |",
        "|---|---|---|---|---|---|",
    ]
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, arguments in commands(work).items():
            measured = [seconds(arguments, work) for _ in range(runs)]
            waited = [wall for wall, _ in measured]
            median, limit = statistics.median(waited), LIMITS_S.get(arguments[0])
            kept &= limit is None or median < limit
            figures = (median, min(waited), max(waited), statistics.median(spent for _, spent in measured))
            promise = "" if limit is None else f"under {limit:g} s"
            lines.append(f"| `{name}` | {' | '.join(f'{figure:.2f}' for figure in figures)} | {promise} |")
    sys.stdout.write(
        f"globulin {metadata.version('globulin')}, Python {platform.python_version()},"
        f" {os.cpu_count()} cores, {platform.machine()}, median of {runs} fresh processes\n\n"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
