"""A plan as JSON: what is given, how, at what cost, and what speaks for and against it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from globulin.dossier.provenance import Source
from globulin.planning.costing import PlanCost
from globulin.planning.infusion import InfusionPlan
from globulin.planning.plan import Plan
from globulin.planning.ranking import RankedProduct
from globulin.planning.refusal import Refusal
from globulin.planning.screening import Screening
from globulin.planning.sites import SitePlan
from globulin.planning.vials import VialSet

NOTICE = "globulin informs; it does not prescribe. Check every number against the current label."


def plan_text(plan: Plan, sources: Mapping[str, Source]) -> str:
    """What `globulin plan --json` prints."""
    return _text({"notice": NOTICE, **plan_document(plan, sources)})


def plans_text(plans: Iterable[Plan], sources: Mapping[str, Source]) -> str:
    """What `globulin compare --json` prints: the plans in the order they were asked for."""
    return _text({"notice": NOTICE, "plans": [plan_document(plan, sources) for plan in plans]})


def ranking_text(ranking: Sequence[RankedProduct]) -> str:
    """What `globulin plan --json` prints where no product was named: all of the route, best fit first."""
    products = [
        {
            "product": each.product,
            "name": each.name,
            "verdict": each.verdict,
            "plannable": each.plannable,
            "why_not": each.why_not,
            "price_per_g": each.price_per_g,
            "reasons": each.reasons,
            "screening": _screening(each.screening),
        }
        for each in ranking
    ]
    return _text({"notice": NOTICE, "products": products})


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def plan_document(plan: Plan, sources: Mapping[str, Source]) -> dict[str, Any]:
    """A plan as plain data. A part that cannot be planned is null and `refused` says why."""
    return {
        "patient": plan.patient.model_dump(mode="json", exclude={"letter"}, exclude_none=True),
        "product": {"id": plan.product.id, "name": plan.product.name},
        "regimen": {
            "name": plan.asked.regimen,
            "words": plan.dose.asked,
            "route": plan.route,
            "interval_day": plan.dose.interval_day,
            "infusion": plan.asked.infusion,
            "indication": plan.asked.indication,
            "off_label": plan.off_label,
        },
        "dose": _dose(plan),
        "vials": [asdict(each) for each in plan.vials[0].vials] if plan.vials else None,
        "vials_refused": plan.no_vials.reason if plan.no_vials else None,
        "infusions_per_dose": len(plan.dose.per_infusion_g),
        "waste_grams": plan.waste_g,
        "waste": _waste(plan.vials[0]) if plan.vials else None,
        "infusion": _infusion(plan),
        "sites": _sites(plan),
        "refused": plan.administration.reason if isinstance(plan.administration, Refusal) else None,
        "screening": _screening(plan.screening),
        "cost": _cost(plan.cost),
        "prediction": asdict(plan.prediction),
        "evidence": asdict(plan.evidence),
        "monitoring": {**asdict(plan.monitoring), "settled_week": plan.monitoring.settled_week},
        "sources": {
            name: {"title": sources[name].title, "seen": sources[name].seen}
            for name in plan.sources
            if name in sources
        },
    }


def _dose(plan: Plan) -> dict[str, Any]:
    dose = plan.dose
    weight = dose.weight
    return {
        "grams": dose.grams,
        "weight_basis": weight.chosen.basis,
        "weight_kg": weight.kg,
        "why_this_weight": weight.why,
        "computed_grams": dose.computed_g,
        "cap_grams": dose.cap_g,
        "capped": dose.capped,
        "per_infusion_grams": dose.per_infusion_g,
        "g_per_kg": dose.g_per_kg_actual,
        "steps": dose.steps,
        "by_weight": [
            {**asdict(each.weight), "grams": each.grams, "drug_per_dose": each.drug_per_dose}
            for each in plan.alternatives
        ],
    }


def _waste(vials: VialSet) -> dict[str, Any]:
    return {"opened_grams": vials.grams, "waste_grams": vials.waste_g, "short_grams": vials.short_g}


def _infusion(plan: Plan) -> dict[str, Any] | None:
    usual = plan.administration
    if not isinstance(usual, InfusionPlan):
        return None
    slower = plan.if_at_risk
    return {
        **_steps(plan.after_reaction or usual),
        "without_reaction": None if plan.after_reaction is None else _steps(usual),
        "if_at_risk": None if slower is None else _steps(slower),
        "reaction_rules": [{"says": rule.says, "source": rule.source} for rule in plan.reaction_rules],
    }


def _steps(given: InfusionPlan) -> dict[str, Any]:
    return {
        "total_minutes": given.total_minutes,
        "volume_ml": given.volume_ml,
        "weight_kg": given.weight_kg,
        "maximum_mg_per_kg_min": given.ramp.maximum,
        "cap_mg_per_kg_min": given.ramp.cap,
        "at_risk": given.at_risk,
        "steps": [asdict(step) for step in given.steps],
        "basis": given.ramp.basis,
        "sources": given.sources,
    }


def _sites(plan: Plan) -> dict[str, Any] | None:
    return asdict(plan.administration) if isinstance(plan.administration, SitePlan) else None


def _screening(screening: Screening) -> dict[str, Any]:
    return {
        "verdict": screening.verdict,
        "at_risk": sorted(screening.groups),
        "may_be_at_risk": sorted(screening.possible_groups),
        "findings": [asdict(finding) for finding in screening.findings],
        "questions": [asdict(question) for question in screening.questions],
    }


def _cost(cost: PlanCost | Refusal) -> dict[str, Any]:
    if isinstance(cost, Refusal):
        return {"drug_per_infusion": None, "drug_per_28_days": None, "refused": cost.reason}
    return {**asdict(cost), "refused": None}
