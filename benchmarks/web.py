"""Many people planning at once: what each waits for, and whether every answer is the command line's.

    python benchmarks/web.py [--seconds 60] [--users 50] [--read 8] [--checked 6]

Starts `globulin serve` of the running interpreter on a free port of this machine and lets users plan through
`/api/plan`. Each has a person of their own, changes one thing (a weight, a condition, the product, the dose,
the interval, the rounding), asks, and reads for `--read` seconds on average (exponential; 0: asks again at
once). The users run on the same processors as the server. Afterwards some of the answers are set beside what
`globulin plan --json` prints for the same person. Exits 1 for an error, an answer that differs, or, with
reading, a promise that is broken.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROMISED_MEDIAN_S, PROMISED_P99_S = 0.150, 1.0
PRODUCTS = ("privigen", "octagam_10", "gamunex_c", "panzyga", "gammagard_liquid", "bivigam")
CONDITIONS = ("migraine", "oestrogen", "diabetes", "earlier_clot", "iga_deficiency", "nephrotoxic_drugs")
GLOBULIN = (sys.executable, "-m", "globulin.cli")


@dataclass
class Result:
    """What all users saw."""

    waits: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    answers: dict[str, set[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, asked: str, status: int, text: str, waited: float) -> None:
        """One answer."""
        with self.lock:
            self.waits.append(waited)
            if status != 200:
                self.faults.append(f"{status}: {text[:200]}")
            else:
                self.answers.setdefault(asked, set()).add(text)


def first_request(dice: random.Random) -> dict[str, Any]:
    """A person and a regimen."""
    return {
        "patient": {
            "weight_kg": dice.randint(45, 110),
            "height_cm": dice.randint(155, 190),
            "sex": dice.choice(("female", "male")),
            "has": [],
        },
        "regimen": {
            "product": dice.choice(PRODUCTS),
            "route": "iv",
            "dose_g_per_kg": dice.choice((0.4, 0.5, 1.0)),
            "interval_day": 28,
        },
    }


def change_one_thing(asked: dict[str, Any], dice: random.Random) -> None:
    """What somebody tries next."""
    patient, regimen = asked["patient"], asked["regimen"]
    what = dice.choice(("weight", "condition", "condition", "product", "dose", "interval", "rounding"))
    if what == "weight":
        patient["weight_kg"] += dice.choice((-2, -1, 1, 2))
    elif what == "condition":
        name = dice.choice(CONDITIONS)
        patient["has"] = sorted({*patient["has"]} ^ {name})
    elif what == "product":
        regimen["product"] = dice.choice(PRODUCTS)
    elif what == "dose":
        regimen["dose_g_per_kg"] = dice.choice((0.2, 0.4, 0.5, 0.8, 1.0))
    elif what == "interval":
        regimen["interval_day"] = dice.choice((21, 28, 42))
    else:
        regimen["rounding"] = dice.choice(("none", "vials", "5_g"))


def user(port: int, token: str, number: int, ends: float, read_s: float, result: Result) -> None:
    """One user until the time is over."""
    dice = random.Random(number)  # noqa: S311  (a load, not a secret)
    asked = first_request(dice)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    # they do not all begin in the same second
    time.sleep(dice.uniform(0.0, read_s))
    while time.monotonic() < ends:
        text = json.dumps(asked, sort_keys=True)
        began = time.perf_counter()
        # one who reads for longer than the server keeps a connection opens another
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            line.request("POST", "/api/plan", text, headers)
            reply = line.getresponse()
            result.add(text, reply.status, reply.read().decode(), time.perf_counter() - began)
        except (OSError, http.client.HTTPException) as problem:
            result.add(text, 0, repr(problem), time.perf_counter() - began)
        finally:
            line.close()
        change_one_thing(asked, dice)
        if read_s:
            time.sleep(min(dice.expovariate(1.0 / read_s), max(0.0, ends - time.monotonic())))


def printed(asked: str) -> str:
    """What the command line prints for a request."""
    request = json.loads(asked)
    patient, regimen = request["patient"], request["regimen"]
    given = {**patient, **regimen, "has": ",".join(patient["has"])}
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in given.items() if value != ""]
    done = subprocess.run(  # noqa: S603 - our own program and arguments
        [*GLOBULIN, "plan", *(part for pair in pairs for part in pair), "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def load(seconds: float, users: int, read_s: float) -> tuple[Result, float]:
    """Users on a server of its own: what they saw, and the processor seconds of the server."""
    server = subprocess.Popen(  # noqa: S603 - our own program and arguments
        [*GLOBULIN, "serve", "--no-browser", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    before = os.times()
    try:
        assert server.stdout is not None  # noqa: S101  (asked for above)
        address = next(word for line in server.stdout for word in line.split() if "token=" in word)
        parts = urlsplit(address)
        port, token = parts.port or 0, parse_qs(parts.query)["token"][0]
        result = Result()
        # the workers load what they need; afterwards every answer counts
        for number in range(4):
            user(port, token, 10_000 + number, time.monotonic() + 0.5, 0.0, Result())
        ends = time.monotonic() + seconds
        crowd = [
            threading.Thread(target=user, args=(port, token, number, ends, read_s, result))
            for number in range(users)
        ]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
    finally:
        server.terminate()
        server.wait(timeout=30)
        if server.stdout is not None:
            server.stdout.close()
    after = os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return result, spent


def main() -> None:
    """Load, compare, print a table row."""
    parser = argparse.ArgumentParser(description="Many people planning at once.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--read", type=float, default=8.0, help="mean seconds that a user reads an answer")
    parser.add_argument("--checked", type=int, default=6, help="answers set beside the command line's")
    given = parser.parse_args()
    busy = os.getloadavg()[0]
    result, spent = load(given.seconds, given.users, given.read)
    waits = sorted(result.waits)
    middle, late = statistics.median(waits), waits[min(len(waits) - 1, int(0.99 * len(waits)))]
    print(
        f"{given.users} users, reading {given.read:g} s, {given.seconds:g} s: {len(waits)} plans"
        f" ({len(result.answers)} different), median {middle:.3f} s, 99% within {late:.3f} s,"
        f" longest {waits[-1]:.3f} s, {len(result.faults)} errors; server {spent:.0f} s of processor;"
        f" load before {busy:.1f} on {os.cpu_count()} cores"
    )
    for fault in result.faults[:5]:
        print(fault)
    chosen = sorted(result.answers)[:: max(1, len(result.answers) // max(1, given.checked))]
    differ = [asked for asked in chosen if result.answers[asked] != {printed(asked)}]
    print(f"{len(chosen)} answers set beside the command line's: {len(differ)} differ")
    slow = given.read > 0 and (middle > PROMISED_MEDIAN_S or late > PROMISED_P99_S)
    if slow:
        print(f"promised: median {PROMISED_MEDIAN_S} s, 99% within {PROMISED_P99_S} s")
    sys.exit(1 if result.faults or differ or slow else 0)


if __name__ == "__main__":
    main()
