"""What the commands on many people, and those that ask backwards, start from: a crowd and a target.

It turns what the options say into one call of the engine, and every fault into one line in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from globulin.bedside import Bedside, SimulateRequest, as_option, dose_in_grams, nearest, one_person
from globulin.errors import InputError

if TYPE_CHECKING:
    from globulin.asked import CrowdAsked, DoseAsked, PersonAsked
    from globulin.exposure.dose_needed import Target
    from globulin.exposure.facts import Catalogue
    from globulin.exposure.models import Person
    from globulin.exposure.population import Population
    from globulin.exposure.regimen_changes import DoseAnswers, Labelled
    from globulin.exposure.virtual_people import Crowd

DEFAULT_PEOPLE, DEFAULT_GROUP, DEFAULT_SEED = 1_000, "adults", 1
"""Virtual people where nothing is said."""


@dataclass(frozen=True, slots=True)
class DoseRequest:
    """What `globulin dose-for` was asked."""

    models: tuple[str, ...]
    target: Target
    g_per_l: float
    dose: DoseAsked
    person: PersonAsked
    share: float | None
    flat: bool


def populated(
    bedside: Bedside, asked: SimulateRequest, who: CrowdAsked, target_g_per_l: float | None
) -> tuple[dict[str, Any], tuple[Population, ...]]:
    """What was computed with, and what each model says of a crowd.

    Raises InputError, one line in the words of the options, for anything that cannot be used.
    """
    from globulin.exposure.crowd_levels import Dosing
    from globulin.exposure.population import simulate_population

    dose, course = asked.dose, asked.course
    _one_person_only(asked.person)
    if course.history is not None:
        raise InputError("--history is for one person; with --people give a dose and an interval")
    if course.steady_state and course.doses is not None:
        raise InputError(
            "--steady-state with --doses is for one person; with --people leave one of them away"
        )
    if dose.interval_day is None:
        raise InputError("--interval-day is missing: how many days from one dose to the next?")
    known = bedside.models()
    per_kg = dose.dose_g_per_kg is not None
    try:
        grams = dose.dose_g_per_kg if per_kg and dose.dose_g is None else dose_in_grams(bedside, dose, 1.0)
        dosing = Dosing(
            grams or 0.0, per_kg, dose.interval_day, dose.route, dose.infusion_day, dose.daily_parts
        )
        crowd = _crowd(bedside, known, who, asked.person.indication)
        if course.doses is not None:
            dosing.epoch(course.doses)
        with _progress() as progress:
            found = simulate_population(
                known,
                asked.models,
                crowd,
                dosing,
                doses=course.doses,
                at_day=asked.at_day,
                target_g_per_l=target_g_per_l,
                progress=progress,
            )
    except ValueError as problem:
        raise as_option(problem) from problem
    said = {
        **_said_of(who, crowd),
        "dose_g_per_kg" if per_kg else "dose_g": grams,
        "interval_day": dose.interval_day,
        "route": dose.route,
        "infusion_day": dose.infusion_day,
        "daily_parts": dose.daily_parts,
        "doses": course.doses,
        "target_g_per_l": target_g_per_l,
    }
    return said, found


def doses_needed(
    bedside: Bedside, asked: DoseRequest, who: CrowdAsked
) -> tuple[dict[str, Any], list[DoseAnswers], list[Labelled]]:
    """What was asked, the dose (or interval) by each model with what goes with it, and labelled conversions.

    Raises InputError as `populated` does.
    """
    from globulin.exposure.dose_needed import dose_for
    from globulin.exposure.regimen_changes import DoseAnswers

    _checked(asked, who)
    known = bedside.models()
    regimen: dict[str, Any] = {
        "interval_day": asked.dose.interval_day,
        "dose_g": asked.dose.dose_g,
        "dose_g_per_kg": asked.dose.dose_g_per_kg,
        "route": asked.dose.route,
        "infusion_day": asked.dose.infusion_day,
        "daily_parts": asked.dose.daily_parts,
    }
    said = {"target": asked.target, "target_g_per_l": asked.g_per_l, **regimen}
    try:
        if asked.share is not None:
            crowd = _crowd(bedside, known, who, asked.person.indication)
            said |= {"share": asked.share, **_said_of(who, crowd)}
            with _progress() as progress:
                found = dose_for(
                    known,
                    asked.models,
                    crowd,
                    target=asked.target,
                    g_per_l=asked.g_per_l,
                    **regimen,
                    share=asked.share,
                    per_kg=not asked.flat,
                    progress=progress,
                )
            return said, [DoseAnswers(each) for each in found], []
        person = bedside.person(asked.person)
        said["weight_kg"] = float(person.weight_kg)
        found = dose_for(known, asked.models, person, target=asked.target, g_per_l=asked.g_per_l, **regimen)
        answers = [_with_changes(known, each, person, asked.dose) for each in found]
    except ValueError as problem:
        raise as_option(problem) from problem
    switched = any(each.switches for each in answers)
    return said, answers, _labelled(bedside.all_of("products")) if switched else []


def _checked(asked: DoseRequest, who: CrowdAsked) -> None:
    """Raise InputError unless one thing is sought, and of one person or of a share of many."""
    ways = {"--dose-g": asked.dose.dose_g, "--dose-g-per-kg": asked.dose.dose_g_per_kg}
    doses = [name for name, value in ways.items() if value is not None]
    if len(doses) > 1:
        raise InputError(f"{' and '.join(doses)}: give the dose in one unit")
    if asked.dose.interval_day is None and not doses:
        raise InputError(
            "--interval-day is missing: give it to learn the dose, or give --dose-g or --dose-g-per-kg to"
            " learn the longest interval"
        )
    if asked.dose.interval_day is not None and doses:
        raise InputError(f"--interval-day and {doses[0]}: leave one of the two away; it is what is sought")
    if asked.share is not None:
        _one_person_only(asked.person, "--share")
        return
    if who.asked:
        raise InputError("--share is missing: which share of the people is to reach the target?")
    one_person(who, "--share")
    if asked.flat:
        raise InputError("--flat is for a share of many people: give --share too, or leave it away")


def _said_of(who: CrowdAsked, crowd: Crowd) -> dict[str, Any]:
    group = who.group or DEFAULT_GROUP if who.people_file is None else who.people_file.name
    return {"people": crowd.size, "seed": crowd.seed, "group": group}


def _with_changes(known: Catalogue, needed: Any, person: Person, dose: DoseAsked) -> DoseAnswers:
    from globulin.exposure.regimen_changes import DoseAnswers, settling, splits, switches

    if not needed.dose_g or needed.interval_day is None:
        return DoseAnswers(needed)
    regimen = {
        "dose_g": needed.dose_g,
        "interval_day": needed.interval_day,
        "infusion_day": dose.infusion_day,
    }
    by_vein = dose.route == "iv"
    parts = tuple(count for count in (1, 2, 5) if count <= needed.interval_day)
    short = dose.infusion_day is None or dose.infusion_day <= 1.0
    return DoseAnswers(
        needed,
        settling(known, needed.model, person, **regimen, route=dose.route, daily_parts=dose.daily_parts),
        splits(known, needed.model, person, **regimen, parts=parts)
        if by_vein and dose.daily_parts == 1 and short
        else (),
        switches(known, needed.model, person, **regimen) if by_vein and dose.daily_parts == 1 else (),
    )


def _labelled(products: Mapping[str, Mapping[str, Any]]) -> list[Labelled]:
    """How labels convert a dose by vein into one under the skin; what is unverified is left out."""
    from globulin.exposure.regimen_changes import Labelled

    found = []
    for name, product in products.items():
        fact = (product.get("subcutaneous") or {}).get("iv_to_sc_factor") or {}
        if "value" in fact and fact["seen"] != "unverified":
            found.append(Labelled(name, fact["value"], fact.get("note"), fact["source"]))
        elif "value" not in fact and fact.get("missing", "").startswith("no conversion"):
            found.append(Labelled(name, None, fact["missing"], None))
    return found


def _crowd(bedside: Bedside, known: Catalogue, who: CrowdAsked, indication: Any) -> Crowd:
    from globulin.exposure.virtual_people import crowd_from, crowd_of, group

    seed = DEFAULT_SEED if who.seed is None else who.seed
    if who.people_file is not None:
        if who.group is not None:
            raise InputError("--group is for people who are drawn: leave it or --people-file away")
        from globulin.formats.people_table import read_people

        return crowd_from(read_people(who.people_file), seed, who.people, indication)
    groups = bedside.all_of("people")
    name = who.group or DEFAULT_GROUP
    if name not in groups:
        raise InputError(f"--group: no group '{name}'{nearest(name, groups) if groups else ''}")
    if known.endogenous is None:
        raise InputError("--group: the dossier does not say how much IgG people make; give --people-file")
    people = DEFAULT_PEOPLE if who.people is None else who.people
    return crowd_of(group(groups[name], known.endogenous), people, seed, indication)


def _one_person_only(asked: PersonAsked, option: str = "--people") -> None:
    for name in ("weight_kg", "height_cm", "sex", "age_year", "baseline_g_per_l"):
        if getattr(asked, name) is not None:
            raise InputError(
                f"--{name.replace('_', '-')} is of one person; with {option} bodies are drawn or come from"
                " --people-file"
            )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar for each model, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("people", total=None)

        def update(done: int, of: int) -> None:
            bars.update(task, completed=done, total=of)

        yield update
