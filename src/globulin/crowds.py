"""What the commands on many people, and those that ask backwards, start from: a crowd and a target.

It turns what the options say into one call of the engine, and every fault into one line in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from globulin.bedside import Bedside, SimulateRequest, as_option, dose_in_grams, nearest
from globulin.errors import InputError

if TYPE_CHECKING:
    from globulin.exposure.dose_needed import Target
    from globulin.exposure.facts import Catalogue
    from globulin.exposure.models import Person, Sex
    from globulin.exposure.population import Population
    from globulin.exposure.regimen_changes import DoseAnswers, Labelled
    from globulin.exposure.virtual_people import Crowd

DEFAULT_PEOPLE = 1_000
"""How many virtual people where nothing is said."""


@dataclass(frozen=True, slots=True)
class CrowdRequest:
    """Who the people are, as the options say it."""

    people: int | None
    seed: int
    group: str
    people_file: Path | None

    @property
    def asked(self) -> bool:
        """Whether many people are asked about, and not one."""
        return self.people is not None or self.people_file is not None

    @property
    def words(self) -> str:
        """The people in a word."""
        return self.group if self.people_file is None else self.people_file.name


@dataclass(frozen=True, slots=True)
class DoseRequest:
    """What `globulin dose-for` was asked, as its options say it; None where an option was not given."""

    models: tuple[str, ...]
    target: Target
    g_per_l: float
    route: str
    interval_day: float | None
    dose_g: float | None
    dose_g_per_kg: float | None
    infusion_day: float | None
    daily_parts: int
    share: float | None
    flat: bool
    weight_kg: float | None
    height_cm: float | None
    sex: Sex | None
    age_year: float | None
    baseline_g_per_l: float | None
    indication: Any


def populated(
    bedside: Bedside, asked: SimulateRequest, who: CrowdRequest, target_g_per_l: float | None
) -> tuple[dict[str, Any], tuple[Population, ...]]:
    """What was computed with, and what each model says of a crowd.

    Raises InputError, one line in the words of the options, for anything that cannot be used.
    """
    from globulin.exposure.crowd_levels import Dosing
    from globulin.exposure.population import simulate_population

    _one_person_only(asked)
    if asked.history is not None:
        raise InputError("--history is for one person; with --people give a dose and an interval")
    if asked.steady_state and asked.doses is not None:
        raise InputError(
            "--steady-state with --doses is for one person; with --people leave one of them away"
        )
    if asked.interval_day is None:
        raise InputError("--interval-day is missing: how many days from one dose to the next?")
    known = bedside.models()
    per_kg = asked.dose_g_per_kg is not None
    try:
        grams = asked.dose_g_per_kg if per_kg and asked.dose_g is None else dose_in_grams(bedside, asked, 1.0)
        dosing = Dosing(
            grams or 0.0, per_kg, asked.interval_day, asked.route, asked.infusion_day, asked.daily_parts
        )
        crowd = _crowd(bedside, known, who, asked.indication)
        if asked.doses is not None:
            dosing.epoch(asked.doses)
        with _progress() as progress:
            found = simulate_population(
                known,
                asked.models,
                crowd,
                dosing,
                doses=asked.doses,
                at_day=asked.at_day,
                target_g_per_l=target_g_per_l,
                progress=progress,
            )
    except ValueError as problem:
        raise as_option(problem) from problem
    said = {
        "people": crowd.size,
        "seed": who.seed,
        "group": who.words,
        "dose_g_per_kg" if per_kg else "dose_g": grams,
        "interval_day": asked.interval_day,
        "route": asked.route,
        "infusion_day": asked.infusion_day,
        "daily_parts": asked.daily_parts,
        "doses": asked.doses,
        "target_g_per_l": target_g_per_l,
    }
    return said, found


def doses_needed(
    bedside: Bedside, asked: DoseRequest, who: CrowdRequest
) -> tuple[dict[str, Any], list[DoseAnswers], list[Labelled]]:
    """What was asked, the dose (or interval) by each model with what goes with it, and labelled conversions.

    Raises InputError as `populated` does.
    """
    from globulin.exposure.dose_needed import dose_for
    from globulin.exposure.models import Person
    from globulin.exposure.regimen_changes import DoseAnswers

    known = bedside.models()
    regimen: dict[str, Any] = {
        "interval_day": asked.interval_day,
        "dose_g": asked.dose_g,
        "dose_g_per_kg": asked.dose_g_per_kg,
        "route": asked.route,
        "infusion_day": asked.infusion_day,
        "daily_parts": asked.daily_parts,
    }
    said = {"target": asked.target, "target_g_per_l": asked.g_per_l, **regimen}
    try:
        if asked.share is not None or who.asked:
            if asked.share is None:
                raise InputError("--share is missing: which share of the people is to reach the target?")
            _one_person_only(asked, "--share")
            crowd = _crowd(bedside, known, who, asked.indication)
            said |= {"share": asked.share, "people": crowd.size, "seed": who.seed, "group": who.words}
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
        person = Person(
            bedside.weight_kg() if asked.weight_kg is None else asked.weight_kg,
            height_cm=asked.height_cm,
            sex=asked.sex,
            age_year=asked.age_year,
            baseline_g_per_l=asked.baseline_g_per_l,
            indication=asked.indication,
        )
        said["weight_kg"] = float(person.weight_kg)
        found = dose_for(known, asked.models, person, target=asked.target, g_per_l=asked.g_per_l, **regimen)
        answers = [_with_changes(known, each, person, asked) for each in found]
    except ValueError as problem:
        raise as_option(problem) from problem
    switched = any(each.switches for each in answers)
    return said, answers, _labelled(bedside.all_of("products")) if switched else []


def _with_changes(known: Catalogue, needed: Any, person: Person, asked: DoseRequest) -> DoseAnswers:
    from globulin.exposure.regimen_changes import DoseAnswers, settling, splits, switches

    if not needed.dose_g or needed.interval_day is None:
        return DoseAnswers(needed)
    regimen = {
        "dose_g": needed.dose_g,
        "interval_day": needed.interval_day,
        "infusion_day": asked.infusion_day,
    }
    by_vein = asked.route == "iv"
    parts = tuple(count for count in (1, 2, 5) if count <= needed.interval_day)
    short = asked.infusion_day is None or asked.infusion_day <= 1.0
    return DoseAnswers(
        needed,
        settling(known, needed.model, person, **regimen, route=asked.route, daily_parts=asked.daily_parts),
        splits(known, needed.model, person, **regimen, parts=parts)
        if by_vein and asked.daily_parts == 1 and short
        else (),
        switches(known, needed.model, person, **regimen) if by_vein and asked.daily_parts == 1 else (),
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


def _crowd(bedside: Bedside, known: Catalogue, who: CrowdRequest, indication: Any) -> Crowd:
    from globulin.exposure.virtual_people import crowd_from, crowd_of, group

    if who.people_file is not None:
        from globulin.formats.people_table import read_people

        return crowd_from(read_people(who.people_file), who.seed, who.people, indication)
    groups = bedside.all_of("people")
    if who.group not in groups:
        raise InputError(f"--group: no group '{who.group}'{nearest(who.group, groups) if groups else ''}")
    if known.endogenous is None:
        raise InputError("--group: the dossier does not say how much IgG people make; give --people-file")
    people = DEFAULT_PEOPLE if who.people is None else who.people
    return crowd_of(group(groups[who.group], known.endogenous), people, who.seed, indication)


def _one_person_only(asked: Any, option: str = "--people") -> None:
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
