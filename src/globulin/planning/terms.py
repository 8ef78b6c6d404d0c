"""True, false or not known: what a term of the dossier comes to for one person, product and dose.

A rule that reads "not known" as "no" would call a person safe of whom nothing was asked. So terms are read in
Kleene's strong three-valued logic: what cannot be decided stays open, with what would decide it.

Source: S. C. Kleene, Introduction to Metamathematics (1952), section 64, the strong tables of "and" and "or".
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from globulin.dossier.condition import Condition
from globulin.dossier.hazard import Term
from globulin.dossier.patient import Patient
from globulin.dossier.provenance import known
from globulin.dossier.treatment import Bounds, Limit, Product

AGE = "age_year"
"""What is asked for where a term needs the age and the person's is not known."""

DIGITS = 9
"""Decimals at which numbers are compared: a dose divided by the weight that made it is off by less."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a term comes to.

    `truth`: True, False, or None where it is open. `because`: what holds, in a few words each; empty where
    `truth` is False. `ask`: ids of the conditions (or `age_year`) whose answers would decide it. `unknown`:
    in words, everything that is not known and would decide it, about the person and about the product.
    """

    truth: bool | None
    because: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """One person, one product, one dose.

    `answers`: condition to yes or no; what is absent was not asked. `g_per_kg`: the whole dose of one
    interval. `ml`: its volume. Either may be None: not known.
    """

    conditions: Mapping[str, Condition]
    answers: Mapping[str, bool]
    age_year: float | None
    weight_kg: float
    product: Product
    g_per_kg: float | None
    ml: float | None


def situation(
    conditions: Mapping[str, Condition],
    patient: Patient,
    product: Product,
    *,
    g_per_kg: float | None,
    ml: float | None,
    risk: Collection[str] = (),
) -> Situation:
    """What terms are read in. `risk`: groups that the person is said to be in, for whatever reason.

    Raises ValueError for a condition or a group that the dossier does not have: it would be screened for by
    nobody.
    """
    for name in patient.conditions:
        if name not in conditions:
            raise ValueError(f"conditions: no condition has the id '{name}'{_nearest(name, conditions)}")
    answers = {
        identifier: False
        for identifier, condition in conditions.items()
        if condition.sex is not None and patient.sex is not None and condition.sex != patient.sex
    }
    answers.update(patient.conditions)
    for group in risk:
        stand_in = [each.id for each in conditions.values() if each.catch_all and group in each.groups]
        if not stand_in:
            groups = sorted({name for each in conditions.values() if each.catch_all for name in each.groups})
            raise ValueError(f"risk: '{group}' is no group; the groups are {', '.join(groups) or 'none'}")
        answers.update(dict.fromkeys(stand_in, True))
    return Situation(conditions, answers, patient.age_year, patient.weight_kg, product, g_per_kg, ml)


def read_all(terms: Iterable[Term], given: Situation) -> Reading:
    """What terms come to together: true where all are, false where one is; no terms at all are true."""
    return _all([_read(term, given) for term in terms])


def _read(term: Term, given: Situation) -> Reading:
    if term.any_of is not None:
        return _any([_read(each, given) for each in term.any_of])
    if term.all_of is not None:
        return read_all(term.all_of, given)
    if term.has is not None:
        return _has(term.has, given)
    if term.group is not None:
        members = [each for each in given.conditions.values() if term.group in each.groups]
        members.sort(key=lambda each: (each.catch_all, each.id))
        return _any([_has(each.id, given) for each in members])
    if term.contains is not None:
        return _contains(term.contains, given.product)
    return _number(term, given)


def _has(condition: str, given: Situation) -> Reading:
    name, answer = given.conditions[condition].name, given.answers.get(condition)
    if answer is None:
        return Reading(None, ask=(condition,), unknown=(name,))
    return Reading(answer, because=(name,) if answer else ())


def _contains(substance: str, product: Product) -> Reading:
    name, substances = substance.replace("_", " "), known(product.contains)
    if substances is None:
        return Reading(None, unknown=(f"whether {product.name} contains {name} (check its label)",))
    held = substance in substances
    return Reading(held, because=(f"the product contains {name}",) if held else ())


def _number(term: Term, given: Situation) -> Reading:
    """The terms that compare a number."""
    if term.age_year is not None:
        age = given.age_year
        return _compared(term.age_year, age, f"age {age:g} years" if age is not None else "age", ask=(AGE,))
    if term.iga_ug_per_ml is not None:
        iga = highest(known(given.product.iga_ug_per_ml))
        if iga is None:
            return Reading(None, unknown=(f"how much IgA {given.product.name} holds (check its label)",))
        return _compared(term.iga_ug_per_ml, iga, f"up to {iga:,g} micrograms of IgA per mL")
    if term.g_per_kg is not None:
        return _measured(term.g_per_kg, given.g_per_kg, "dose", "g/kg")
    if term.ml is not None:
        return _measured(term.ml, given.ml, "volume", "mL")
    if term.ml_per_kg is not None:
        per_kg = None if given.ml is None else given.ml / given.weight_kg
        return _measured(term.ml_per_kg, per_kg, "volume", "mL/kg")
    raise ValueError("term: it has no key")


def _measured(bounds: Bounds, value: float | None, what: str, unit: str) -> Reading:
    words = f"the {what} in {unit}" if value is None else f"a {what} of {value:,.4g} {unit}"
    return _compared(bounds, value, words)


def _compared(bounds: Bounds, value: float | None, words: str, *, ask: tuple[str, ...] = ()) -> Reading:
    if value is None:
        return Reading(None, ask=ask, unknown=(words,))
    inside = within(bounds, round(value, DIGITS))
    return Reading(inside, because=(words,) if inside else ())


def within(bounds: Bounds, value: float) -> bool:
    """Whether a value keeps every bound that is stated."""
    return (
        (bounds.at_least is None or value >= bounds.at_least)
        and (bounds.above is None or value > bounds.above)
        and (bounds.below is None or value < bounds.below)
        and (bounds.at_most is None or value <= bounds.at_most)
    )


def highest(limit: Limit | None) -> float | None:
    """The most that may be in it, as far as stated; a typical amount where no maximum is."""
    if limit is None:
        return None
    return limit.maximum if limit.maximum is not None else limit.typical


def _all(readings: list[Reading]) -> Reading:
    if any(each.truth is False for each in readings):
        return Reading(False)
    return _joined(None if any(each.truth is None for each in readings) else True, readings)


def _any(readings: list[Reading]) -> Reading:
    hold = [each for each in readings if each.truth]
    if hold:
        return _joined(True, hold)
    still_open = [each for each in readings if each.truth is None]
    return _joined(None, still_open) if still_open else Reading(False)


def _joined(truth: bool | None, readings: list[Reading]) -> Reading:
    return Reading(
        truth,
        because=_once(word for each in readings for word in each.because),
        ask=_once(name for each in readings for name in each.ask),
        unknown=_once(word for each in readings for word in each.unknown),
    )


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _nearest(name: str, conditions: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(conditions), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
