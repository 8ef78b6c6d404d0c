"""What is known of people before and after their levels: the density that fits and posteriors share.

Between people the parameters are lognormal around typical values. In z = eta / omega, with eta the logarithm
of a person's parameter over the typical one and omega its SD between people, the prior is standard normal,
whatever the parameter and its spread; searches and draws are made there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from globulin.exposure.likelihood import Levels, minus_log_probability, mismatch
from globulin.exposure.linear import FloatArray, checked_array
from globulin.exposure.newton import Surface
from globulin.exposure.sensitivities import PARAMETERS, IndividualParameters, expand, total_igg
from globulin.exposure.superposition import Doses, IntArray, Seen, seen_from


def omegas(**log_sd: ArrayLike) -> FloatArray:
    """SD between people of the logarithm of each parameter, from names in `PARAMETERS`; 0 where not named.

    omega^2 = ln(1 + CV^2). The parameters are the last axis. `base` is named where a person's own IgG is not
    known. Raises ValueError for another name or a value below 0.
    """
    unknown = sorted(set(log_sd) - set(PARAMETERS))
    if unknown:
        raise ValueError(f"{unknown[0]}: no such parameter; there are {', '.join(PARAMETERS)}")
    given = [checked_array(name, log_sd.get(name, 0.0), at_least=0.0) for name in PARAMETERS]
    return np.stack(np.broadcast_arrays(*given), axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """What is known of people: their population, and each person's doses and levels.

    `typical` holds what is typical for each (covariates applied), `omega` comes from `omegas`. The residual
    SD is hypot(additive, proportional x level). All but the levels broadcast to people. Raises ValueError,
    naming the field, for shapes that do not fit, a value out of range, a dose whose uptake is not given, or
    when nothing varies between people.
    """

    typical: IndividualParameters
    omega: FloatArray
    additive_g_per_l: FloatArray | float
    proportional: FloatArray | float
    doses: Doses
    levels: Levels

    def __post_init__(self) -> None:
        people = self.levels.day.shape[0]
        object.__setattr__(self, "typical", _broadcast(self.typical, people))
        omega = checked_array("omega", self.omega, at_least=0.0)
        if not np.all(np.any(omega > 0.0, axis=-1)):
            raise ValueError("omega must be above 0 for a parameter: without a spread nothing can be learnt")
        object.__setattr__(self, "omega", _to("omega", omega, (people, len(PARAMETERS))))
        for name in ("additive_g_per_l", "proportional"):
            sd = checked_array(name, getattr(self, name), at_least=0.0)
            object.__setattr__(self, name, _to(name, sd, (people,)))
        if np.any((self.additive_g_per_l == 0.0) & (self.proportional == 0.0)):
            raise ValueError("additive_g_per_l or proportional must be above 0")
        if self.doses.day.shape[0] not in (1, people):
            raise ValueError(f"doses: {self.doses.day.shape[0]} people, but levels of {people}")
        if self.doses.day.shape[0] != people:
            object.__setattr__(self, "doses", self.doses.take(np.zeros(people, dtype=np.intp)))
        uptakes = self.typical.ka.shape[-1]
        if np.any((np.asarray(self.doses.uptake) > uptakes) & (self.doses.g > 0.0)):
            raise ValueError(f"doses.uptake: only {uptakes} are given in typical.ka and typical.f")

    def __len__(self) -> int:
        return int(self.levels.day.shape[0])

    def take(self, people: IntArray) -> People:
        """Some of the people."""
        return People(
            self.typical.take(people),
            self.omega[people],
            np.asarray(self.additive_g_per_l)[people],
            np.asarray(self.proportional)[people],
            self.doses.take(people),
            self.levels.take(people),
        )


def varying(people: People) -> IntArray:
    """Which parameters (numbers in `PARAMETERS`) differ from typical in anybody."""
    return np.flatnonzero(np.any(people.omega > 0.0, axis=0))


def effects(people: People, free: IntArray, z: FloatArray) -> FloatArray:
    """`eta` of all parameters (people x lanes x parameters) from z of the `free` ones, 0 for the others."""
    eta = np.zeros((*z.shape[:2], len(PARAMETERS)))
    eta[..., free] = z * people.omega[:, None, free]
    return eta


class Density:
    """Minus the log of likelihood times prior of some people, in z = eta / omega of the `free` parameters.

    Axes: people, lanes (values of z tried side by side), free parameters.
    """

    def __init__(self, people: People, free: IntArray, seen: tuple[Seen, ...] | None = None) -> None:
        self.people = people
        self.free = free
        self.omega = people.omega[:, free]
        uptakes = people.typical.ka.shape[-1]
        self.seen = seen_from(people.doses, people.levels.day, uptakes) if seen is None else seen
        self._sd = np.asarray(people.additive_g_per_l), np.asarray(people.proportional)

    def take(self, people: IntArray) -> Density:
        """The same for some of the people."""
        return Density(self.people.take(people), self.free, tuple(seen.take(people) for seen in self.seen))

    def parameters(self, z: FloatArray) -> IndividualParameters:
        """What people's parameters are at z, people x lanes."""
        return self.people.typical.scaled(effects(self.people, self.free, z))

    def predicted(self, z: FloatArray) -> FloatArray:
        """Total IgG in g/L at the levels, people x lanes x levels."""
        return total_igg(self.seen, self.parameters(z))

    def value(self, z: FloatArray) -> FloatArray:
        """People x lanes; without the constant of the prior, so that z = 0 costs nothing."""
        misfit = minus_log_probability(self.people.levels, self.predicted(z), *self._sd)
        return np.asarray(misfit + 0.5 * np.sum(z**2, axis=-1))

    def surface(self, z: FloatArray) -> Surface:
        """Value, gradient and both matrices."""
        expansion = expand(self.seen, self.parameters(z))
        parts = mismatch(self.people.levels, expansion.level, *self._sd)
        by_z = expansion.jacobian[..., self.free] * self.omega[:, None, None]
        pulls = parts.first[..., None] * by_z
        fisher = np.swapaxes(by_z * parts.expected[..., None], -1, -2) @ by_z
        curved = expansion.curvature(parts.first)[..., self.free[:, None], self.free]
        exact = np.swapaxes(by_z * parts.second[..., None], -1, -2) @ by_z
        exact += curved * (self.omega[:, :, None] * self.omega[:, None, :])[:, None]
        prior = np.eye(self.free.size)
        return Surface(
            parts.value.sum(axis=-1) + 0.5 * np.sum(z**2, axis=-1),
            pulls.sum(axis=-2) + z,
            1.0 + np.abs(z) + np.abs(pulls).sum(axis=-2),
            fisher + prior,
            exact + prior,
        )


def _broadcast(typical: IndividualParameters, people: int) -> IndividualParameters:
    found = {}
    for field in fields(typical):
        name = f"typical.{field.name}"
        value = checked_array(name, getattr(typical, field.name), at_least=0.0)
        if field.name in ("ka", "f"):
            value = np.atleast_1d(value)
            found[field.name] = _to(name, value, (people, value.shape[-1]))
        else:
            found[field.name] = _to(name, value, (people,))
    if found["ka"].shape != found["f"].shape:
        raise ValueError("typical.ka and typical.f must hold the same uptakes")
    if any(np.any(found[name] == 0.0) for name in ("cl", "v1", "ka", "f")):
        raise ValueError("typical.cl, v1, ka and f must be above 0")
    exchange = found["q"] > 0.0
    if np.any(exchange) and not (np.all(exchange) and np.all(found["v2"] > 0.0)):
        raise ValueError("typical.q and v2 must be above 0 for all people, or q must be 0 for all")
    return IndividualParameters(**found)


def _to(name: str, value: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    try:
        return np.broadcast_to(value, shape)
    except ValueError as problem:
        raise ValueError(f"{name}: shape {value.shape} does not fit {shape}") from problem
