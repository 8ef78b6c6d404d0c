"""What a simulation answers: levels, and one interval in five numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Level:
    """IgG on one day, in g/L.

    `autoantibody_fraction`: what is left of an antibody that the body makes at a constant rate, as a fraction
    of its untreated level; None where the model cannot tell, and then the body's own IgG is the baseline.
    """

    day: float
    total_g_per_l: float
    endogenous_g_per_l: float
    autoantibody_fraction: float | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """Total IgG over one interval: highest, lowest, mean (g/L), mean above baseline, area (g/L x day)."""

    cmax_g_per_l: float
    cmin_g_per_l: float
    cavg_g_per_l: float
    rise_mean_g_per_l: float
    auc_g_day_per_l: float


@dataclass(frozen=True, slots=True)
class Band:
    """Lowest and highest of several answers, number by number."""

    low: Exposure
    high: Exposure


@dataclass(frozen=True, slots=True)
class LevelBand:
    """Lowest and highest total IgG on one day, in g/L."""

    day: float
    low_g_per_l: float
    high_g_per_l: float


@dataclass(frozen=True, slots=True)
class MuscleBand:
    """How far the answer moves with what is not known of uptake from a muscle.

    `uptake` spans the ranges of rate and fraction. `buttock_rise_mean_g_per_l` is the mean rise if the dose
    goes into the buttock, of which less is taken up; None where no ratio of sites is known.
    """

    uptake: Band
    buttock_rise_mean_g_per_l: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Readability:
    """Whether a measured level can show the rise.

    `level_sd_g_per_l` is how much one level scatters for reasons no model explains: assay error and
    day-to-day variation together, the residual error of `sd_from`. Two levels, before and on treatment, must
    differ by `visible_g_per_l` (95%) before the difference shows; `levels_needed` on each side would show
    the mean rise.
    """

    level_sd_g_per_l: float
    sd_from: str
    visible_g_per_l: float
    levels_needed: int
    can_guide: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """The answer of one model, or of an average of models, for one person and one dose history.

    `exposure` describes the time from `interval_day[0]` to `interval_day[1]`, the last interval of the doses;
    it is None where no interval was given, which is flagged, or where nothing converged, which `message`
    says. An average holds the weighted mean of its `members`, and in `band` and `at_band` the lowest and the
    highest of them. `muscle` is there for doses into a muscle. `flags`: what was assumed and where the model
    does not fit the person.
    """

    model: str
    name: str
    kind: Literal["linear", "recycling", "average"]
    baseline_g_per_l: float
    interval_day: tuple[float, float] | None
    exposure: Exposure | None
    at: tuple[Level, ...]
    flags: tuple[str, ...]
    sources: tuple[str, ...]
    message: str | None = None
    band: Band | None = None
    at_band: tuple[LevelBand, ...] = ()
    weight: float | None = None
    """Share in the average that this is a member of."""
    members: tuple[Simulated, ...] = ()
    muscle: MuscleBand | None = None
    readability: Readability | None = None

    def all_flags(self) -> dict[str, tuple[str, ...]]:
        """Every flag of this answer and of the members of an average once, with the models it is about."""
        said: dict[str, tuple[str, ...]] = dict.fromkeys(self.flags, (self.model,))
        for member in self.members:
            for flag in member.flags:
                if flag not in self.flags:
                    said[flag] = (*said.get(flag, ()), member.model)
        return said
