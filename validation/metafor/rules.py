"""Tolerances of the comparison with metafor, and why some of its numbers are left out.

The tolerances are those the reference numbers were made for: relative 1e-6 (estimates and bounds on the scale
of their standard error, tau2 on that of the typical variance), 1e-5 for p-values, 1e-3 for selection
models, absolute 2e-4 for the likelihood models of rare events.
"""

from __future__ import annotations

NUMBER, P_VALUE, EFFECT, SELECTION, LIKELIHOOD = 1e-6, 1e-5, 1e-9, 1e-3, 2e-4
INTERVALS = {"z": "wald", "t": "t", "knha": "HKSJ", "adhoc": "HKSJ-guarded"}

NOT_OFFERED = {
    "SMD1": "difference standardised by one group's spread: not offered",
    "vtype": "other large-sample variances of the same effects: one per measure is offered",
    "back": "proportion turned back from the double arcsine: not offered",
    "wald Q": "Wald-type test of heterogeneity in likelihood models: not offered, the likelihood-ratio test"
    " is",
    "random Q": "test of heterogeneity with random study effects, where a trial's own effect has no"
    " likelihood",
    "one line": "metafor dropped the only predictor; ours says that there is nothing to compare",
    "input": "input",
}
