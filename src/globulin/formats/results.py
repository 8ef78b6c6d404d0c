"""Results as JSON: what `--json` prints and what `dossier.json` holds.

The shape is that of the result records themselves, so the JSON Schema is generated from them and cannot
drift from what is written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from globulin.dossier import Dossier
from globulin.dossier.field_words import with_field_words
from globulin.dossier.provenance import Source
from globulin.findings import AnsweredClaim, Findings, used_sources
from globulin.formats.effect_table import EffectTable
from globulin.methods import METHODS, Method
from globulin.planning.comparison import RegimenRow
from globulin.planning.dose_effect import DoseAnswers
from globulin.planning.labelled import LabelledAmount
from globulin.synthesis.certainty import Certainty
from globulin.synthesis.methods_text import MethodsText
from globulin.synthesis.own_table import PRIOR_SCALE, PooledTable, StudyEffect
from globulin.synthesis.policy import PolicySummary
from globulin.synthesis.strata import Strata
from globulin.synthesis.trials import TrialSummary
from globulin.synthesis.without_each import Without

SCHEMA_VERSION = 1
NOTICE = "globulin informs; it does not prescribe."


def to_text(document: dict[str, Any]) -> str:
    """A document as indented JSON text, keys in the order they were put, ending in a newline."""
    return to_json(document, indent=2, inf_nan_mode="null").decode() + "\n"


def evidence_document(dossier: Dossier, findings: Findings) -> dict[str, Any]:
    """What `globulin evidence --json` prints: effects, the three answers by id, and what they hang on."""
    trials = _plain(TrialSummary, findings.trials)
    answers = {answer.pop("id"): answer for answer in trials["answers"]}
    for identifier, answer in answers.items():
        answer["bayes"] = {summary.pop("prior"): summary for summary in answer["bayes"]}
        answer["policy"] = _policy(findings.trials.answer(identifier).policy)
    return {
        **_head(dossier),
        "scale": "standardised mean difference (SMD); positive favours immune globulin",
        **trials,
        "answers": answers,
        "unusable": [{"study": study, "reason": reason} for study, reason in findings.trials.unusable],
        "methods_text": None
        if findings.trials.methods_text is None
        else _methods_text(findings.trials.methods_text),
        "certainty": _plain(Certainty, findings.certainty),
        "dose": _plain(DoseAnswers, findings.dose),
    }


def pooled_document(table: EffectTable, result: PooledTable) -> dict[str, Any]:
    """What `globulin pool --json` prints: the summary by the names of `pool`, others beside it, studies.

    At the top stands the classical summary, with the numbers that `pool` gives; what the policy puts first
    and beside it stands under `policy` (null where the caller chose the method).
    """
    return {
        "notice": NOTICE,
        "file": table.file,
        "measure": result.measure,
        "columns": table.headings,
        "tau2_method": result.tau2_method,
        "ci_method": result.ci_method,
        "level": result.level,
        **_numbers(result.pooled, _POOLED),
        "policy": _policy(result.policy),
        "wald": _numbers(result.wald, _INTERVAL),
        "bayes": {"tau_prior": f"half-normal({PRIOR_SCALE})", **_numbers(result.bayes, _BAYES)}
        if result.bayes
        else None,
        "no_bayes": result.no_bayes,
        "corrected": list(result.corrected),
        "without_events": list(result.without_events),
        "not_pooled": list(result.unusable),
        "apart": list(result.apart),
        "leave_one_out": [
            {"study": result.studies[without.index].study, **_without(without)} for without in result.left_out
        ],
        "strata": _plain(Strata | None, result.strata),
        "methods_text": _methods_text(result.methods_text),
        "studies": [_study(row) for row in result.studies],
    }


def _policy(policy: PolicySummary | None) -> dict[str, Any] | None:
    """A policy's answer with its summaries by method id."""
    if policy is None:
        return None
    found: dict[str, Any] = _plain(PolicySummary, policy)
    found["beside"] = {summary.pop("id"): summary for summary in found["beside"]}
    return found


def _methods_text(text: MethodsText) -> dict[str, Any]:
    """A methods section with its references written out."""
    citations = {method.id: method.citation for method in METHODS}
    return {
        **_plain(MethodsText, text),
        "text": text.text,
        "references": {key: citations[key] for key in text.methods},
    }


_INTERVAL = ("estimate", "se", "ci_lower", "ci_upper", "p_value")
_POOLED = (
    *_INTERVAL,
    *("tau2", "tau2_ci_lower", "tau2_ci_upper", "i2", "h2", "q", "q_p_value"),
    *("prediction_lower", "prediction_upper", "k", "message"),
)
_BAYES = (
    *("median", "mean", "sd", "ci_lower", "ci_upper", "tau_median", "tau_ci_lower", "tau_ci_upper"),
    *("predictive_median", "predictive_lower", "predictive_upper", "message"),
)


def _without(without: Without) -> dict[str, Any]:
    numbers: dict[str, Any] = _plain(Without, without)
    del numbers["index"]
    return numbers


def _study(row: StudyEffect) -> dict[str, Any]:
    # NaN, the only value that differs from itself, stands for an effect that does not exist
    return {name: value if value == value else None for name, value in row._asdict().items()}


def _numbers(result: object, names: tuple[str, ...]) -> dict[str, Any]:
    numbers: dict[str, Any] = _plain(
        dict[str, float | int | str], {name: getattr(result, name) for name in names}
    )
    return numbers


def regimens_document(dossier: Dossier, findings: Findings) -> dict[str, Any]:
    """What `globulin regimens --json` prints: every regimen on one axis, for one body weight."""
    rows = _plain(tuple[RegimenRow, ...], findings.regimens)
    for row in rows:
        row["rises"] = {rise.pop("model"): rise for rise in row["rises"]}
    return {
        **_head(dossier),
        "weight_kg": findings.weight_kg,
        "price_list": findings.price_list,
        "regimens": rows,
        "labelled": _plain(tuple[LabelledAmount, ...], findings.labelled),
    }


def claims_document(dossier: Dossier, findings: Findings) -> dict[str, Any]:
    """What `globulin claims --json` prints: every claim of the source page with its answer."""
    return {**_head(dossier), "claims": _plain(tuple[AnsweredClaim, ...], findings.claims)}


def citations_document(dossier: Dossier, findings: Findings) -> dict[str, Any]:
    """What `globulin cite --json` prints: methods and the sources that results rest on."""
    used = {identifier: dossier.sources[identifier] for identifier in used_sources(dossier, findings)}
    return {
        **_head(dossier),
        "methods": _plain(tuple[Method, ...], METHODS),
        "sources": list(_plain(dict[str, Source], used).values()),
    }


def whole_document(
    dossier: Dossier, findings: Findings, *, version: str, made_on: str | None, chosen: Sequence[str] = ()
) -> dict[str, Any]:
    """What `dossier.json` holds: all records and all results. Its schema is `whole_schema()`.

    chosen: the decisions, in words, by which the findings are not those of the page.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "globulin": version,
        "made_on": made_on,
        "notice": NOTICE,
        "chosen": list(chosen),
        "dossier": _plain(Dossier, dossier),
        "results": _plain(Findings, findings),
    }


def whole_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of `dossier.json`, generated from the records."""
    parts = {
        "dossier": TypeAdapter(Dossier).json_schema(mode="serialization", ref_template="#/$defs/{model}"),
        "results": TypeAdapter(Findings).json_schema(mode="serialization", ref_template="#/$defs/{model}"),
    }
    definitions: dict[str, Any] = {}
    for part in parts.values():
        with_field_words(part)
        definitions.update(part.pop("$defs", {}))
    for name in ("number", "lower", "upper"):
        # infinite where the difference is exactly 0, which JSON cannot say
        definitions["NumberNeeded"]["properties"][name]["type"] = ["number", "null"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "globulin dossier.json",
        "type": "object",
        "required": ["schema_version", "globulin", "made_on", "notice", "dossier", "results"],
        "properties": {
            "schema_version": {"const": SCHEMA_VERSION},
            "globulin": {"type": "string", "description": "Version of globulin that wrote the file."},
            "made_on": {"type": ["string", "null"], "format": "date"},
            "notice": {"type": "string"},
            "chosen": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Decisions, in words, by which the results are not those of the page.",
            },
            **parts,
        },
        "$defs": dict(sorted(definitions.items())),
    }


def _head(dossier: Dossier) -> dict[str, Any]:
    return {"notice": NOTICE, "content_sha256": dossier.content_sha256}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _plain(kind: Any, value: Any) -> Any:
    # through JSON text, so that a number that is not finite becomes null instead of invalid JSON
    return json.loads(_adapter(kind).dump_json(value))
