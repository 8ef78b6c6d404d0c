"""The answer without each study in turn, by the method that speaks first.

With few studies one of them often decides. `sensitivity` repeats classical summaries; here the same is asked
of whichever method the policy put first, which must not change with a study less. Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from globulin.synthesis.arguments import Array
from globulin.synthesis.heterogeneity import Tau2Method
from globulin.synthesis.policy import PolicySummary
from globulin.synthesis.pooling import Interval
from globulin.synthesis.sensitivity import leave_one_out
from globulin.synthesis.summaries import Studies, run


@dataclass(frozen=True, slots=True)
class Without:
    """The answer without the study at this index; message: what a reader must know, or ""."""

    index: int
    k: int
    estimate: float
    ci_lower: float
    ci_upper: float
    message: str


def without_each(y: Array, v: Array, *, tau2: Tau2Method, ci: Interval, level: float) -> tuple[Without, ...]:
    """A classical summary without each study in turn; y, v (k,), () for one study."""
    if y.size < 2:
        return ()
    series = leave_one_out(y, v, tau2=tau2, ci=ci, level=level)
    columns = series.study, series.k, series.estimate, series.ci_lower, series.ci_upper, series.message
    return tuple(Without(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def without_each_by_policy(y: Array, v: Array, n: Array | None, policy: PolicySummary) -> tuple[Without, ...]:
    """The primary summary of `policy` without each study in turn; y, v, n as given to `policy.summarise`."""
    primary = policy.primary
    if primary is None or y.size < 2:
        return ()
    if primary.id == "hksj_guarded":
        return without_each(y, v, tau2="REML", ci="HKSJ-guarded", level=policy.level)
    people = np.empty(0) if n is None else n
    nothing = np.empty(0)
    found = []
    for index in range(y.size):
        others = np.arange(y.size) != index
        studies = Studies(
            y[others], v[others], people[others] if people.size else people, nothing, nothing,
            mu_prior=None, worth_it=policy.worth_it, level=policy.level, empirical=None,
        )  # fmt: skip
        rest = run(primary.id, studies)
        found.append(Without(index, y.size - 1, rest.estimate, rest.ci_lower, rest.ci_upper, rest.message))
    return tuple(found)
