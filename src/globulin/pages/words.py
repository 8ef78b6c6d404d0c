"""How numbers, units, verdicts and grades read to a person: one wording for the site and the PDF.

Plain words live here and not in templates, so that two faces cannot say the same thing differently.
"""

from __future__ import annotations

import re
from datetime import date
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from globulin.dossier.certainty import Domain
    from globulin.dossier.claim import Verdict
    from globulin.dossier.provenance import How, Seen
    from globulin.dossier.study import Design
    from globulin.dossier.treatment import Dose, Range, Route
    from globulin.planning.comparison import Origin
    from globulin.synthesis.grading import CertaintyLevel
    from globulin.synthesis.policy import MethodId

MINUS = "\N{MINUS SIGN}"
NOTICE = (
    "This page informs. It does not prescribe: whether to treat is for a patient and a clinician to decide."
)
SHORT_NOTICE = "It informs; it does not prescribe."
NOT_KNOWN = "not known"
NOT_SHOWN = (
    "whether any one person will benefit, how long a benefit lasts, or whether doses far below those of the"
    " trials do anything."
)
"""What pooled trials leave open, whatever they find; follows `What this does not show:`."""

ROUTE_ORDER: tuple[Route, ...] = ("iv", "sc", "fsc", "im")
ROUTES: dict[Route, str] = {
    "iv": "into a vein",
    "im": "into a muscle",
    "sc": "under the skin",
    "fsc": "under the skin with hyaluronidase",
}
SEEN: dict[Seen, str] = {
    "full_text": "read in full",
    "abstract": "abstract only",
    "label": "product label or the maker's site",
    "secondary": "second-hand: another document about it",
    "registry": "trial registry",
    "unverified": "unverified: recalled, no document was seen",
}
HOW: dict[How, str] = {
    "reported": "",
    "derived": "worked out",
    "digitised": "read off a figure",
    "assumed": "assumed",
}
VERDICTS: dict[Verdict, tuple[str, str]] = {
    "supported": ("\N{CHECK MARK}", "Supported"),
    "partly": ("\N{ALMOST EQUAL TO}", "Partly right"),
    "overstated": ("\N{UPWARDS ARROW}", "Overstated"),
    "wrong": ("\N{MULTIPLICATION SIGN}", "Wrong"),
    "opinion": ("\N{LEFT DOUBLE QUOTATION MARK}", "Opinion, no data"),
    "outdated": ("\N{ANTICLOCKWISE OPEN CIRCLE ARROW}", "Outdated"),
    "omission": ("+", "Left out by the page"),
}
"""Symbol and word of each verdict."""

ORIGINS: dict[Origin, str] = {
    "trial": "Controlled trials in ME/CFS",
    "series": "Without a control group",
    "practitioner": "Doctors' regimens (opinion)",
    "reference": "Round doses, for comparison",
    "neighbour": "In other illnesses, shown beside only",
}
"""Where a regimen comes from, in the order of every table and chart."""

DOMAINS: tuple[Domain, ...] = (
    "randomisation",
    "concealment",
    "blinding",
    "attrition",
    "selective_reporting",
)
"""Domains of risk of bias, in the order they are shown."""

BIAS: dict[str, tuple[str, str]] = {
    "low": ("+", "Low"),
    "some_concerns": ("~", "Some concerns"),
    "high": (MINUS, "High"),
    "critical": ("!", "Critical"),
    "unclear": ("?", "Unclear"),
    "moderate": ("~", "Moderate"),
    "serious": (MINUS, "Serious"),
    "no_information": ("?", "No information"),
}
"""Symbol and word of each level of risk of bias."""
BIAS_COLOURS: dict[str, str] = {
    "low": "neighbour",
    "some_concerns": "series",
    "high": "practitioner",
    "critical": "practitioner",
    "unclear": "muted",
    "moderate": "series",
    "serious": "practitioner",
    "no_information": "muted",
}
"""Colour of each level in a chart; it repeats the sign and says nothing of its own."""
CERTAINTY: dict[CertaintyLevel, str] = {
    "high": "High",
    "moderate": "Moderate",
    "low": "Low",
    "very_low": "Very low",
}
"""Certainty in a word."""
METHODS_SHORT: dict[MethodId, str] = {
    "own_effect": "the trial itself",
    "bayes_half_normal_0.5": "Bayes, half-normal(0.5)",
    "bayes_half_normal_1": "Bayes, half-normal(1)",
    "bayes_turner": "Bayes, Turner",
    "bayes_rhodes": "Bayes, Rhodes",
    "bayes_half_normal_sd": "Bayes, half-normal(SD/2)",
    "hksj_guarded": "REML, Hartung-Knapp",
    "common_effect": "Common effect",
}
"""Each method of the policy, short enough for a chart."""

DESIGNS: dict[Design, str] = {
    "parallel_rct": "randomised, parallel groups",
    "crossover_rct": "randomised, crossover",
    "factorial_rct": "randomised, factorial",
    "randomised_unclear": "randomised, plan unclear",
    "secondary_analysis": "later analysis of a trial",
    "follow_up": "follow-up of a trial",
    "non_randomised_comparison": "comparison without randomisation",
    "single_arm": "one group, no control",
    "retrospective": "records looked back on",
    "cohort": "cohort",
    "case_series": "case series",
    "case_report": "case report",
}
POOLABLE = {
    "A": "counts or means per group",
    "B": "a test statistic",
    "C": "only \N{LEFT SINGLE QUOTATION MARK}not significant\N{RIGHT SINGLE QUOTATION MARK}",
    "D": "numbers that cannot be used",
    "N": "no control group",
}
CURRENCIES = {"USD": "US dollars", "GBP": "pounds", "EUR": "euros", "AUD": "Australian dollars"}


def number(value: float, digits: int = 3) -> str:
    """A number with `digits` significant figures, no needless zeros, thousands set apart."""
    if not isfinite(value):
        return "not a number"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - floor(log10(abs(value))))
    text = f"{abs(value):,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if value < 0 and text != "0" else text


def fixed(value: float, places: int = 2) -> str:
    """A number with a fixed number of decimals, for columns that are compared."""
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) != 0 else text


def span(low: float, high: float, digits: int = 2) -> str:
    """Two numbers as one range; one number where both read the same."""
    first, last = number(low, digits), number(high, digits)
    return first if first == last else f"{first} to {last}"


def bounds(low: float, high: float, places: int = 2) -> str:
    """An interval in decimals: `0.22 to 1.04`."""
    return f"{fixed(low, places)} to {fixed(high, places)}"


def estimate(middle: float, low: float, high: float) -> str:
    """An effect with its 95% interval."""
    return f"{fixed(middle)} ({bounds(low, high)})"


def range_words(value: Range, unit: str = "") -> str:
    """A published range."""
    return f"{span(value.low, value.high, 4)}{unit and ' ' + unit}"


def money(amount: float, currency: str) -> str:
    """An amount of money; whole units from ten upwards."""
    return f"{amount:,.0f} {currency}" if amount >= 10 else f"{amount:,.2f} {currency}"


def percent(value: float) -> str:
    """A percentage: two figures below ten, whole above."""
    return f"{number(value, 2 if value < 10 else 3)}%" if abs(value) < 100 else f"{value:,.0f}%"


def probability(value: float) -> str:
    """A probability as a percentage that never claims certainty."""
    if value < 0.01:
        return "below 1%"
    return "above 99%" if value > 0.99 else f"{100 * value:.0f}%"


def dose_words(dose: Dose) -> str:
    """A dose in the unit it was stated in."""
    if dose.g is not None:
        return f"{number(dose.g)} g"
    if dose.g_per_kg is not None:
        return f"{number(dose.g_per_kg)} g/kg"
    return f"{number(dose.ml or 0)} mL"


def indication_short(indication: str) -> str:
    """An indication by its abbreviation, where it ends in one: `CIDP, a nerve disease`."""
    found = re.fullmatch(r"(.*?)(?:, (.*))? \(([A-Z]{2,})\)", indication)
    if found is None or len(indication) <= 32:
        return indication
    return f"{found[3]}, {found[2]}" if found[2] else found[3]


def day_words(days: float) -> str:
    """An interval in days, in weeks where that is whole."""
    if days == 1:
        return "day"
    if days % 7 == 0:
        weeks = round(days / 7)
        return "week" if weeks == 1 else f"{weeks} weeks"
    return f"{number(days)} days"


def date_words(day: date) -> str:
    """A date as `3 October 2025`."""
    return f"{day.day} {day:%B %Y}"


def sentence(text: str) -> str:
    """Text with a capital at the start and a stop at the end."""
    text = text.strip()
    if not text:
        return text
    # a lone letter is a symbol, as in `t = 2.1`; its capital would be another statistic
    if text[1:2].isalnum():
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!:\N{RIGHT DOUBLE QUOTATION MARK}" else f"{text}."


def listed(items: list[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun, small counts in words."""
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    word = small[count] if count < len(small) else str(count)
    return f"{word} {one if count == 1 else many or one + 's'}"


ROUTE_SHORT: dict[Route, str] = {"iv": "IV", "im": "IM", "sc": "SC", "fsc": "fSC"}
NOT_COMPUTED = "not computed"


def prose(text: str) -> str:
    """Text with a true minus sign before a negative number."""
    return re.sub(r"(?<![\w\N{EN DASH}\-./:])-(?=\d)", MINUS, text)


def capital(text: str) -> str:
    """Text with a capital at the start."""
    return text[:1].upper() + text[1:]


def uncapital(text: str) -> str:
    """Text without a capital at the start, unless it starts with an abbreviation."""
    first = text.split(" ", 1)[0]
    return text if any(letter.isupper() for letter in first[1:]) else text[:1].lower() + text[1:]


def names_our_illnesses(text: str) -> bool:
    """Whether an indication is ME/CFS or fibromyalgia, by any of their names."""
    return re.search(r"me/?cfs|myalgic|fatigue syndrome|fibromyalgia", text, re.IGNORECASE) is not None
