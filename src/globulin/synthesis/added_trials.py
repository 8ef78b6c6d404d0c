"""The answer with trials added to those there are, for hundreds of values of what is added at once.

A silent trial that might have found this or that, a trial that nobody could use, a comparison that counts for
less: each is the same question, what the summary becomes with such rows of studies added. Array-only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from globulin.synthesis.arguments import Array
from globulin.synthesis.curves import Conclusion, Lines, conclusions
from globulin.synthesis.pooling import pool
from globulin.synthesis.priors import Normal
from globulin.synthesis.summaries import METHOD_NAMES, MethodId
from globulin.synthesis.surface import Fixed, Surface

BAYESIAN: tuple[MethodId, ...] = ("bayes_half_normal_0.5", "bayes_half_normal_sd")
CLASSICAL: tuple[MethodId, ...] = ("hksj_guarded", "common_effect")


@dataclass(frozen=True, slots=True)
class Question:
    """The trials that stay, and how an answer is read: see `policy.summarise` for the fields."""

    fixed: Fixed
    mu_prior: Normal | None
    worth_it: float | None
    level: float

    def conclusions(self, method: MethodId) -> tuple[Conclusion, ...]:
        """What can be concluded from an answer by this method."""
        return conclusions(bayesian=method in BAYESIAN, worth_it=self.worth_it, level=self.level)


@dataclass(frozen=True, slots=True)
class AnswerWith:
    """Calling it with studies y, v (b, m) to add gives the answer for each row.

    A row of infinite variances adds nothing.
    """

    question: Question
    method: MethodId
    surface: Surface | None
    tau_scale: float

    @classmethod
    def of(
        cls, question: Question, method: MethodId, *, farthest: Array, least_v: Array, tau_scale: float = 0.5
    ) -> AnswerWith | None:
        """Ready to add m studies within `farthest` (m,) of 0, with variances of at least `least_v` (m,).

        tau_scale: of the half-normal prior of tau, where the method is Bayesian. None where the studies lie
        `surface.TOO_FAR` apart. Raises ValueError for a method that cannot be swept.
        """
        if method in CLASSICAL:
            return cls(question, method, None, tau_scale)
        if method not in BAYESIAN:
            raise ValueError(f"method: {METHOD_NAMES[method]} cannot be swept")
        ends = np.stack([-farthest, farthest])
        surface = Surface.of(
            question.fixed,
            tau_scales=(tau_scale, tau_scale),
            mu_prior=question.mu_prior,
            extra_y=ends,
            extra_v=np.broadcast_to(least_v, ends.shape),
        )
        return None if surface is None else cls(question, method, surface, tau_scale)

    def __call__(self, y: Array, v: Array) -> Lines:
        """The answers (b,) with each row of studies y, v (b, m) added."""
        if self.surface is None:
            return self._classical(y, v)
        return self.surface.lines(
            self.surface.half_normal(np.array([self.tau_scale])),
            self.surface.prior_of_mu(self.question.mu_prior),
            level=self.question.level,
            worth_it=self.question.worth_it,
            extra_y=y,
            extra_v=v,
        )

    def _classical(self, y: Array, v: Array) -> Lines:
        fixed, adds = self.question.fixed, np.isfinite(v).all(axis=1)
        found = np.empty((3, adds.size))
        for rows, count in ((adds, y.shape[1]), (~adds, 0)):
            if rows.any():
                shape = int(rows.sum()), fixed.y.size
                found[:, rows] = self._pooled(
                    np.hstack([np.broadcast_to(fixed.y, shape), y[rows, :count]]),
                    np.hstack([np.broadcast_to(fixed.v, shape), v[rows, :count]]),
                )
        estimate, lower, upper = found
        return Lines(estimate, lower, upper, np.empty(0), np.empty(0))

    def _pooled(self, y: Array, v: Array) -> tuple[Array, Array, Array]:
        level = self.question.level
        pooled = (
            pool(y, v, tau2="FE", ci="wald", level=level)
            if self.method == "common_effect"
            else pool(y, v, tau2="REML", ci="HKSJ-guarded", level=level)
        )
        return pooled.estimate, pooled.ci_lower, pooled.ci_upper
