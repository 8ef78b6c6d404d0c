"""Priors of the spread between trials from what thousands of earlier meta-analyses showed, as named data.

A cautious half-normal prior says what someone is willing to believe. These say what was seen: how far the
trials of one kind of outcome and comparison differed in the Cochrane Database. Turner is for log odds ratios,
Rhodes for standardised mean differences. Numbers as tabulated: location and scale of log(tau^2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from globulin.synthesis.arguments import check_choice
from globulin.synthesis.priors import LogNormal, LogStudent

TurnerOutcome = Literal[
    "any", "mortality", "morbidity", "obstetric", "resource_use", "surgical", "withdrawals", "structure",
    "physical_health", "adverse_events", "infection", "symptoms", "pain", "quality_of_life", "mental_health",
    "biological_marker", "subjective",
]  # fmt: skip
RhodesOutcome = Literal[
    "any", "obstetric", "resource_use", "structure", "physical_health", "symptoms", "mental_health",
    "biological_marker", "subjective",
]  # fmt: skip
Comparison = Literal["any", "drug_placebo", "drug_drug", "non_drug"]
Setting = Literal["any", "other", "respiratory", "cancer"]

_Parameters: TypeAlias = tuple[float, float]

OUTCOMES = {
    "any": "any outcome",
    "mortality": "death from any cause",
    "morbidity": "death from one cause, major illness, or both together",
    "obstetric": "outcomes of birth",
    "resource_use": "use of resources, stay in hospital",
    "surgical": "success or failure of surgery or a device",
    "withdrawals": "withdrawals and drop-outs",
    "structure": "findings on the structure of the body",
    "physical_health": "general physical health",
    "adverse_events": "adverse events",
    "infection": "infection or new disease",
    "symptoms": "signs and symptoms that the condition goes on or ends",
    "pain": "pain",
    "quality_of_life": "quality of life and function",
    "mental_health": "mental health",
    "biological_marker": "biological markers",
    "subjective": "various outcomes that people judge themselves",
}
"""What each outcome is, in words. Rhodes puts adverse events, pain and quality of life under
`physical_health`, and infection under `symptoms`."""
COMPARISONS: dict[Comparison, str] = {
    "any": "any comparison",
    "drug_placebo": "a drug against placebo or no treatment",
    "drug_drug": "a drug against a drug",
    "non_drug": "a treatment that is not a drug",
}
SETTINGS: dict[Setting, str] = {
    "any": "any illness",
    "other": "neither cancer nor illness of the airways",
    "respiratory": "illness of the airways",
    "cancer": "cancer",
}

# Drug against placebo, drug against drug, no drug
_TURNER_ANY: _Parameters = (-2.56, 1.74)
_TURNER: dict[str, tuple[_Parameters, _Parameters, _Parameters]] = {
    "mortality": ((-3.95, 1.34), (-4.18, 1.41), (-4.17, 1.55)),
    "obstetric": ((-3.52, 1.74), (-3.75, 1.79), (-3.74, 1.91)),
    "morbidity": ((-3.71, 1.74), (-3.95, 1.79), (-3.93, 1.91)),
    "resource_use": ((-2.34, 1.74), (-2.58, 1.79), (-2.56, 1.91)),
    "surgical": ((-2.14, 1.74), (-2.37, 1.79), (-2.36, 1.91)),
    "withdrawals": ((-2.99, 1.74), (-3.23, 1.79), (-3.21, 1.91)),
    "structure": ((-2.71, 1.74), (-2.94, 1.79), (-2.93, 1.92)),
    "physical_health": ((-2.29, 1.53), (-2.53, 1.58), (-2.51, 1.72)),
    "adverse_events": ((-1.87, 1.52), (-2.1, 1.58), (-2.1, 1.71)),
    "infection": ((-2.49, 1.52), (-2.73, 1.58), (-2.71, 1.71)),
    "symptoms": ((-2.06, 1.51), (-2.29, 1.58), (-2.28, 1.71)),
    "pain": ((-1.83, 1.52), (-2.06, 1.58), (-2.05, 1.71)),
    "quality_of_life": ((-2.54, 1.54), (-2.78, 1.6), (-2.77, 1.73)),
    "mental_health": ((-2.12, 1.53), (-2.35, 1.6), (-2.34, 1.72)),
    "biological_marker": ((-1.77, 1.52), (-2.0, 1.58), (-1.99, 1.71)),
    "subjective": ((-2.7, 1.52), (-2.93, 1.58), (-2.92, 1.71)),
}
# One row each for other illnesses, of the airways, and cancer
_RHODES_ANY: _Parameters = (-3.44, 2.59)
_RHODES: dict[str, tuple[tuple[_Parameters, _Parameters, _Parameters], ...]] = {
    "obstetric": (
        ((-4.13, 2.34), (-4.4, 2.31), (-3.99, 2.11)),
        ((-6.03, 2.36), (-6.31, 2.31), (-5.89, 2.21)),
        ((-1.57, 2.45), (-1.85, 2.41), (-1.43, 2.24)),
    ),
    "resource_use": (
        ((-2.55, 2.73), (-2.83, 2.7), (-2.41, 2.57)),
        ((-4.46, 2.74), (-4.73, 2.7), (-4.32, 2.57)),
        ((0.01, 2.83), (-0.27, 2.79), (0.15, 2.68)),
    ),
    "structure": (
        ((-2.43, 2.5), (-2.7, 2.46), (-2.29, 2.32)),
        ((-4.33, 2.51), (-4.61, 2.46), (-4.19, 2.33)),
        ((-0.13, 2.61), (-0.14, 2.56), (0.27, 2.45)),
    ),
    "physical_health": (
        ((-3.16, 2.5), (-3.44, 2.44), (-3.02, 2.27)),
        ((-5.07, 2.51), (-5.34, 2.45), (-4.93, 2.28)),
        ((-0.6, 2.61), (-0.88, 2.55), (-0.46, 2.4)),
    ),
    "symptoms": (
        ((-3.0, 2.5), (-3.27, 2.47), (-2.86, 2.33)),
        ((-4.9, 2.5), (-5.18, 2.47), (-4.76, 2.33)),
        ((-0.44, 2.6), (-0.71, 2.57), (-0.3, 2.46)),
    ),
    "mental_health": (
        ((-2.99, 2.16), (-3.27, 2.14), (-3.85, 1.93)),
        ((-4.9, 2.17), (-5.17, 2.14), (-4.76, 1.94)),
        ((-0.43, 2.28), (-0.71, 2.25), (-0.29, 2.08)),
    ),
    "biological_marker": (
        ((-3.41, 2.83), (-3.68, 2.78), (-3.27, 2.66)),
        ((-5.31, 2.83), (-5.59, 2.78), (-5.17, 2.66)),
        ((-0.85, 2.93), (-1.13, 2.87), (-0.71, 2.78)),
    ),
    "subjective": (
        ((-2.76, 2.58), (-3.03, 2.59), (-2.62, 2.41)),
        ((-4.66, 2.59), (-4.94, 2.59), (-4.52, 2.41)),
        ((-0.2, 2.68), (-0.48, 2.68), (-0.06, 2.53)),
    ),
}
# Elsewhere in the table of Rhodes the location is a sum of three terms to 0.02; here it is 0.26 and 1 off
_DOUBTFUL = {
    ("structure", "drug_placebo", "cancer"): "0.13",
    ("mental_health", "non_drug", "other"): "\N{MINUS SIGN}2.85",
}


@dataclass(frozen=True, slots=True)
class EmpiricalPrior:
    """A prior of tau from earlier meta-analyses.

    id: `turner` or `rhodes`, also the key of its paper in METHODS with the year. words: which kind of
    meta-analyses it comes from. message: a doubt about the printed numbers, or "".
    """

    id: Literal["turner", "rhodes"]
    words: str
    prior: LogNormal | LogStudent
    message: str


def turner(outcome: TurnerOutcome = "any", comparison: Comparison = "any") -> EmpiricalPrior:
    """Prior of tau between log odds ratios: log(tau^2) is normal.

    Source: Turner et al. 2015, Stat Med 34:984-998, Table IV. The paper gives one prior for anything and one
    for each outcome with each comparison, so both arguments are "any" or neither is. Raises ValueError
    naming the argument otherwise.
    """
    check_choice("outcome", outcome, TurnerOutcome)
    check_choice("comparison", comparison, Comparison)
    _all_or_none(outcome=outcome, comparison=comparison)
    parameters = _TURNER_ANY if outcome == "any" else _TURNER[outcome][_column(comparison)]
    return EmpiricalPrior("turner", _words(outcome, comparison), LogNormal.from_tau2(*parameters), "")


def rhodes(
    outcome: RhodesOutcome = "any", comparison: Comparison = "any", setting: Setting = "any"
) -> EmpiricalPrior:
    """Prior of tau between standardised mean differences: log(tau^2) is Student t with 5 degrees of freedom.

    Source: Rhodes, Turner & Higgins 2015, J Clin Epidemiol 68:52-60, Table 3. Arguments as in `turner`. Two
    numbers break the pattern of their table; they are given as printed, with a message.
    """
    check_choice("outcome", outcome, RhodesOutcome)
    check_choice("comparison", comparison, Comparison)
    check_choice("setting", setting, Setting)
    _all_or_none(outcome=outcome, comparison=comparison, setting=setting)
    if outcome == "any":
        return EmpiricalPrior("rhodes", _words(outcome, comparison), LogStudent.from_tau2(*_RHODES_ANY), "")
    row = get_args(Setting).index(setting) - 1
    fits = _DOUBTFUL.get((outcome, comparison, setting))
    return EmpiricalPrior(
        "rhodes",
        f"{_words(outcome, comparison)}, {SETTINGS[setting]}",
        LogStudent.from_tau2(*_RHODES[outcome][row][_column(comparison)]),
        f"the printed location breaks the pattern of its table, in which {fits} would fit" if fits else "",
    )


def _column(comparison: Comparison) -> int:
    return get_args(Comparison).index(comparison) - 1


def _all_or_none(**choices: str) -> None:
    general = [name for name, choice in choices.items() if choice == "any"]
    if general and len(general) < len(choices):
        raise ValueError(
            f"{general[0]}: there is one prior for anything and one for each combination; give all of"
            f" {', '.join(choices)}, or none"
        )


def _words(outcome: str, comparison: Comparison) -> str:
    if outcome == "any":
        return "earlier meta-analyses of any kind"
    return f"earlier meta-analyses of {OUTCOMES[outcome]}, {COMPARISONS[comparison]}"
