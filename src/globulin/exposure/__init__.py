"""What a dose does to IgG: kinetics of immune globulin."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from globulin.exposure.dose_needed import dose_for
    from globulin.exposure.history import repeated
    from globulin.exposure.individualised import individualise
    from globulin.exposure.likelihood import Levels
    from globulin.exposure.models import Person
    from globulin.exposure.population import simulate_population
    from globulin.exposure.simulation import simulate, steady_state

__all__ = [
    "Levels",
    "Person",
    "dose_for",
    "individualise",
    "repeated",
    "simulate",
    "simulate_population",
    "steady_state",
]

# read on first use, so that a command that needs one of them does not pay for the others
_HOME = {
    "Levels": "likelihood",
    "Person": "models",
    "dose_for": "dose_needed",
    "individualise": "individualised",
    "simulate_population": "population",
    "repeated": "history",
    "simulate": "simulation",
    "steady_state": "simulation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
