"""The tables of Turner 2015 and Rhodes 2015 against what bayesmeta 3.4 holds of them, and their structure."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from globulin.synthesis.empirical_priors import (
    OUTCOMES,
    RhodesOutcome,
    TurnerOutcome,
    rhodes,
    turner,
)
from synthesis.references import TRUTH

TABLES = json.loads((TRUTH / "tau_priors_turner_rhodes.json").read_text())
COMPARISONS = {
    "pharmacological vs. placebo / control": "drug_placebo",
    "pharmacological vs. pharmacological": "drug_drug",
}
KEYS = {
    "all-cause mortality": "mortality", "cause-specific": "morbidity", "obstetric": "obstetric",
    "resource use": "resource_use", "surgical": "surgical", "withdrawals": "withdrawals",
    "internal": "structure", "general physical": "physical_health", "adverse events": "adverse_events",
    "infection": "infection", "signs": "symptoms", "pain": "pain", "quality of life": "quality_of_life",
    "mental health": "mental_health", "biological marker": "biological_marker", "subjective": "subjective",
    "various subjectively": "subjective",
}  # fmt: skip


def key(outcome: str) -> str:
    return next(ours for start, ours in KEYS.items() if outcome.startswith(start))


def rows(table: str) -> list[dict[str, object]]:
    return [row for row in TABLES[table]["rows"] if str(row["outcome"] or "any").lower()[:3] not in ("any",)]


def test_every_number_of_turner() -> None:
    seen = set()
    for row in rows("turner2015"):
        comparison = COMPARISONS.get(row["comparison"], "non_drug")
        found = turner(key(row["outcome"]), comparison).prior
        # the tables give log(tau^2), whose parameters are twice those of log(tau)
        assert (2 * found.location, 2 * found.scale) == (row["tau2_mu"], row["tau2_sigma"])
        seen.add((key(row["outcome"]), comparison))
    assert len(seen) == 3 * (len(get_args(TurnerOutcome)) - 1) == 48
    assert (2 * turner().prior.location, 2 * turner().prior.scale) == (-2.56, 1.74)


def test_every_number_of_rhodes() -> None:
    seen = set()
    for row in rows("rhodes2015"):
        values = list(row.values())
        comparison = COMPARISONS.get(values[1], "non_drug")
        found = rhodes(key(values[0]), comparison, values[2]).prior
        assert (2 * found.location, 2 * found.scale, found.df) == (values[3], values[4], 5)
        seen.add((key(values[0]), comparison, values[2]))
    assert len(seen) == 9 * (len(get_args(RhodesOutcome)) - 1) == 72
    assert (2 * rhodes().prior.location, 2 * rhodes().prior.scale) == (-3.44, 2.59)


def test_numbers_that_break_the_pattern_of_their_table_are_marked() -> None:
    """Rhodes' locations are an outcome's term plus a comparison's plus a setting's, but for two."""
    comparisons, settings = {"drug_drug": -0.27, "non_drug": 0.14}, {"respiratory": -1.91, "cancer": 2.56}
    off = []
    for outcome in get_args(RhodesOutcome)[1:]:
        base = 2 * rhodes(outcome, "drug_placebo", "other").prior.location
        for comparison in ("drug_placebo", *comparisons):
            for setting in ("other", *settings):
                found = rhodes(outcome, comparison, setting)
                fits = base + comparisons.get(comparison, 0) + settings.get(setting, 0)
                # three rounded terms
                broken = abs(2 * found.prior.location - fits) > 0.021
                assert broken == bool(found.message)
                off += [(outcome, comparison, setting)] if broken else []
    assert off == [("structure", "drug_placebo", "cancer"), ("mental_health", "non_drug", "other")]


def test_words_say_which_meta_analyses() -> None:
    assert turner().words == "earlier meta-analyses of any kind"
    assert rhodes("symptoms", "drug_placebo", "other").words == (
        "earlier meta-analyses of signs and symptoms that the condition goes on or ends, a drug against"
        " placebo or no treatment, neither cancer nor illness of the airways"
    )
    assert set(OUTCOMES) == set(get_args(TurnerOutcome)) >= set(get_args(RhodesOutcome))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: turner("nonsense"), "outcome: 'nonsense' is not one of"),
        (lambda: turner("pain"), "comparison: there is one prior for anything"),
        (lambda: rhodes("pain", "drug_placebo", "other"), "outcome: 'pain' is not one of"),
        (lambda: rhodes("symptoms", "drug_placebo"), "setting: there is one prior for anything"),
    ],
)
def test_what_the_papers_do_not_give_is_refused(call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
