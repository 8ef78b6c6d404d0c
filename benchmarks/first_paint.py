"""How long after `globulin serve` was started a browser shows something, and when all of it is there.

    python benchmarks/first_paint.py [--runs 5]

Chromium runs already; each run starts a server of the running interpreter on a free port and opens its
address as soon as it is printed. Prints a Markdown table of seconds since the start of the process.
Exits 1 if the promise is broken.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PROMISED_S = 2.0
GLOBULIN = (sys.executable, "-m", "globulin.cli")
PAINTED = """
() => new Promise(told => {
  const painted = performance.getEntriesByName("first-contentful-paint")[0];
  if (painted) return told(performance.timeOrigin + painted.startTime);
  new PerformanceObserver(list => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (found) told(performance.timeOrigin + found.startTime);
  }).observe({ type: "paint", buffered: true });
})
"""


def run(page: Page) -> dict[str, float]:
    """Seconds since a server was started."""
    began, began_ms = time.perf_counter(), time.time() * 1000.0
    server = subprocess.Popen(  # noqa: S603 - our own program and arguments
        [*GLOBULIN, "serve", "--no-browser", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None  # noqa: S101  (asked for above)
        address = next(word for line in server.stdout for word in line.split() if "token=" in word)
        seen = {"address printed": time.perf_counter() - began}
        page.goto(address, wait_until="commit")
        seen["first paint"] = (page.evaluate(PAINTED) - began_ms) / 1000.0
        page.wait_for_selector("main section h2")
        seen["first section of text"] = time.perf_counter() - began
        page.wait_for_load_state("load")
        seen["whole page with its charts"] = time.perf_counter() - began
        return seen
    finally:
        server.terminate()
        server.communicate(timeout=30)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time to the first paint of the app.")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    busy = os.getloadavg()[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        runs = []
        for _ in range(given.runs):
            with browser.new_context() as context:
                runs.append(run(context.new_page()))
        browser.close()
    print(f"Load before {busy:.1f} on {os.cpu_count()} cores.\n")
    print("| since the start of `globulin serve` | median, s | fastest | slowest | promise |")
    print("|---|---|---|---|---|")
    for name in runs[0]:
        times = [each[name] for each in runs]
        promise = f"under {PROMISED_S:g} s" if name == "first paint" else ""
        print(
            f"| {name} | {statistics.median(times):.2f} | {min(times):.2f} | {max(times):.2f} | {promise} |"
        )
    sys.exit(1 if statistics.median(each["first paint"] for each in runs) > PROMISED_S else 0)


if __name__ == "__main__":
    main()
