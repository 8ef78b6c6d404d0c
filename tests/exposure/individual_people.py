"""Simulated people for tests and validation of individual fits, and a slow density that shares no code.

The setting is Navarro-Mora 2022 as tabulated by van der Zeeuw 2026 (doi:10.1007/s40262-026-01641-5), Table 4:
people with antibody deficiency, 0.5 g/kg by vein every 28 days or 0.125 g/kg under the skin every week.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from globulin.exposure import linear
from globulin.exposure.density import People, omegas
from globulin.exposure.likelihood import Levels
from globulin.exposure.sensitivities import PARAMETERS, IndividualParameters
from globulin.exposure.superposition import Doses


def log_sd(cv: float) -> float:
    """The rule of the review: omega^2 = ln(1 + CV^2)."""
    return float(np.sqrt(np.log1p(cv**2)))


OMEGA = omegas(cl=log_sd(0.289), v1=log_sd(0.193), ka=log_sd(0.823))
ADDITIVE, PROPORTIONAL = 0.817, 0.053
# Zhang 2020, same table: six effects, two of them wider than any level can tell
ZHANG_OMEGA = omegas(
    cl=log_sd(0.3602),
    q=log_sd(0.6152),
    v1=log_sd(0.9258),
    v2=log_sd(2.5277),
    f=log_sd(0.3236),
    ka=log_sd(0.5485),
)
ZHANG_ADDITIVE, ZHANG_PROPORTIONAL = 0.0795, 0.1005


def column(value: float, weight: np.ndarray) -> np.ndarray:
    return np.full(weight.size, value)


def navarro_mora(weight_kg: np.ndarray) -> IndividualParameters:
    share = weight_kg / 65.7
    return IndividualParameters(
        cl=0.150 * share**0.744,
        v1=3.06 * share**0.686,
        q=column(0.474, share),
        v2=1.93 * share**1.04,
        ka=column(0.246, share)[:, None],
        f=column(0.705, share)[:, None],
        base=column(4.0, share),
    )


def zhang(weight_kg: np.ndarray) -> IndividualParameters:
    share = weight_kg / 66.0
    return IndividualParameters(
        cl=0.138 * share**0.768,
        v1=3.95 * share**0.448,
        q=column(0.260, share),
        v2=column(4.44, share),
        ka=column(0.444, share)[:, None],
        f=column(0.676, share)[:, None],
        base=column(4.0, share),
    )


def regimens(weight_kg: np.ndarray) -> tuple[Doses, np.ndarray]:
    """Doses and days of four levels: by vein for the people with even numbers, weekly under the skin else."""
    people = weight_kg.size
    vein = np.arange(people) % 2 == 0
    day = np.tile(np.arange(26) * 7.0, (people, 1))
    g = np.repeat(0.125 * weight_kg[:, None], 26, axis=1)
    day[vein, :7], g[vein, :7], g[vein, 7:] = np.arange(7) * 28.0, 0.5 * weight_kg[vein, None], 0.0
    infusion = np.where(vein, 0.25, 0.0)[:, None]
    uptake = np.where(vein, 0, 1)[:, None]
    drawn = np.where(vein[:, None], [28.0, 59.0, 113.0, 168.0], [28.0, 59.0, 112.0, 182.0])
    return Doses(day, g, infusion, uptake), drawn


def simulate(
    people: int,
    seed: int,
    typical=navarro_mora,
    omega: np.ndarray = OMEGA,
    additive: float = ADDITIVE,
    proportional: float = PROPORTIONAL,
    below: float = 0.0,
) -> tuple[People, np.ndarray]:
    """People with levels drawn from the model, and their true effects; levels under `below` are censored.

    The levels come from `linear.concentration`, not from the code under test.
    """
    rng = np.random.default_rng(seed)
    weight = np.clip(rng.normal(70.0, 14.0, people), 40.0, 120.0)
    centre = typical(weight)
    doses, drawn = regimens(weight)
    eta = rng.normal(size=(people, len(PARAMETERS))) * omega
    true = totals(centre, doses, drawn, eta)
    level = true + np.hypot(additive, proportional * true) * rng.normal(size=true.shape)
    levels = Levels(drawn, np.maximum(level, max(below, 0.05)), level < below)
    return People(centre, omega, additive, proportional, doses, levels), eta


def totals(typical: IndividualParameters, doses: Doses, day: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Total IgG by the closed form of `linear`; one kind of uptake; `eta` people (x any) x parameters."""
    lanes = eta.shape[1:-1]

    def wide(values: np.ndarray, name: str) -> np.ndarray:
        return values.reshape(-1, *(1,) * len(lanes)) * np.exp(eta[..., PARAMETERS.index(name)])

    def by_lane(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(values), *(1,) * len(lanes), -1)

    exogenous = linear.concentration(
        linear.Disposition(
            wide(typical.cl, "cl"),
            wide(typical.v1, "v1"),
            wide(typical.q, "q"),
            wide(typical.v2, "v2"),
            wide(typical.ka[:, 0], "ka"),
            wide(typical.f[:, 0], "f"),
        ),
        day=by_lane(day),
        dose_day=by_lane(doses.day),
        dose_g=by_lane(doses.g),
        infusion_day=by_lane(np.asarray(doses.infusion_day)),
        absorbed=by_lane(np.asarray(doses.uptake) > 0),
    )
    return exogenous + wide(typical.base, "base")[..., None]


def slow_log_density(people: People, eta: np.ndarray) -> np.ndarray:
    """Log of likelihood times prior density of eta / omega, from `linear` and scipy's distributions."""
    f = totals(people.typical, people.doses, people.levels.day, eta)
    lanes = (1,) * (eta.ndim - 2)

    def wide(values: np.ndarray) -> np.ndarray:
        return np.asarray(values).reshape(len(people), *lanes, -1)

    sd = np.sqrt(wide(people.additive_g_per_l) ** 2 + (wide(people.proportional) * f) ** 2)
    level = wide(people.levels.g_per_l)
    each = np.where(
        wide(people.levels.below_limit), stats.norm.logcdf(level, f, sd), stats.norm.logpdf(level, f, sd)
    )
    varies = people.omega[0] > 0.0
    z = eta[..., varies] / people.omega[0, varies]
    return np.sum(np.where(wide(people.levels.measured), each, 0.0), axis=-1) + stats.norm.logpdf(z).sum(
        axis=-1
    )


NORMAL_IGG = omegas(cl=log_sd(0.28), v1=log_sd(0.23), base=log_sd(0.2))


def cidp(weight_kg: np.ndarray) -> IndividualParameters:
    """Tortorici 2021 (same review, Table 4), with the prior of an adult's own IgG: median 11 g/L, CV 20%."""
    share = weight_kg / 82.0
    return IndividualParameters(
        cl=0.435 * share**0.615,
        v1=4.69 * share**0.773,
        q=0.50 * share**0.615,
        v2=1.87 * share**0.773,
        ka=np.full((share.size, 1), 0.439),
        f=np.full((share.size, 1), 0.824),
        base=np.full(share.size, 11.0),
    )


SETTINGS = {
    "Navarro-Mora 2022": (navarro_mora, OMEGA, ADDITIVE, PROPORTIONAL, 0.0),
    "levels below 7 g/L censored": (navarro_mora, OMEGA, ADDITIVE, PROPORTIONAL, 7.0),
    "own IgG unknown": (cidp, NORMAL_IGG, 0.0, 0.121, 0.0),
    "six wide effects": (zhang, ZHANG_OMEGA, ZHANG_ADDITIVE, ZHANG_PROPORTIONAL, 0.0),
}


def people_of(name: str, count: int, seed: int) -> tuple[People, np.ndarray]:
    """People of one of the settings, and their true effects."""
    return simulate(count, seed, *SETTINGS[name])
