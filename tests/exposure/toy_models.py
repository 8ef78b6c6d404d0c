"""Models of a made-up drug, as the data of their files, whose populations can be worked out by hand."""

from __future__ import annotations

from typing import Any

from globulin.exposure.facts import Catalogue, catalogue

CL, V1, BASE = 0.2, 4.0, 3.0
CV = {"cl": 30.0}


def fact(value: Any) -> dict[str, Any]:
    return {"value": value, "source": "toy", "seen": "full_text"}


def one_compartment(
    name: str = "toy", *, base: float = BASE, cv: dict[str, float] | None = None, f_sc: float = 0.5
) -> dict[str, Any]:
    """One compartment, no covariates, a fixed level of the body's own."""
    content = {
        "kind": "linear",
        "id": name,
        "name": name,
        "structure": "one_compartment",
        "routes": ["iv", "sc"],
        "population": "nobody",
        "valid_for": {"indications": ["normal_igg"]},
        "parameters": {"cl": fact(CL), "v1": fact(V1), "ka": fact(0.4), "f_sc": fact(f_sc)},
        "baseline": {"value_g_per_l": fact(base), "kind": "fixed"},
        "source": "toy",
    }
    printed = CV if cv is None else cv
    return content | ({"between_subject_cv_percent": fact(printed)} if printed else {})


def average(weights: dict[str, float]) -> dict[str, Any]:
    """An average of models with weights."""
    return {
        "kind": "average",
        "id": "both",
        "name": "both",
        "population": "nobody",
        "valid_for": {"indications": ["normal_igg"]},
        "members": [{"model": name, "weight": weight} for name, weight in weights.items()],
        "why": "a test",
        "source": "toy",
    }


def known(*contents: dict[str, Any]) -> Catalogue:
    return catalogue({content["id"]: content for content in contents})
