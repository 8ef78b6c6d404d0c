"""What the commands on one person's IgG start from: models, the person, grams of a dose.

Only the few files that are needed are read, and no record is made of the bundled ones, so that an answer is
there at once. A dossier of one's own is checked as a whole first.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from globulin import contents
from globulin.asked import AnyFile, CourseAsked, CrowdAsked, PersonAsked, ProductDoseAsked, Route
from globulin.errors import InputError

if TYPE_CHECKING:
    from globulin.dossier import Dossier
    from globulin.exposure.facts import Catalogue
    from globulin.exposure.history import History
    from globulin.exposure.individual_results import Individualised
    from globulin.exposure.models import Person
    from globulin.exposure.profiles import Profile
    from globulin.exposure.results import Simulated
    from globulin.formats.dose_table import DoseTable
    from globulin.formats.level_table import LevelTable

MG_PER_G = 1000.0


class Bedside:
    """The kinetic models, products and reference person of a dossier folder (None: the bundled one)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._opened: Dossier | None = None
        if folder is not None:
            from globulin.library import open_dossier

            self._opened = open_dossier(folder)

    def models(self) -> Catalogue:
        """Every model that can be computed with."""
        from globulin.exposure.facts import catalogue

        return catalogue(contents.bundled("kinetics") if self._opened is None else self._opened.kinetics)

    def weight_kg(self) -> float:
        """Body weight of the reference adult. Raises InputError if the dossier has none."""
        person = self._one("patients", contents.REFERENCE_PATIENT)
        if person is None:
            raise InputError(
                f"the dossier has no patients/{contents.REFERENCE_PATIENT}.yaml; give --weight-kg"
            )
        return float(person["weight_kg"])

    def person(self, asked: PersonAsked) -> Person:
        """The person who was asked about, of the reference adult's weight where none was said.

        Raises ValueError, naming the field, for a value that no person has.
        """
        from globulin.exposure.models import Person

        return Person(
            self.weight_kg() if asked.weight_kg is None else asked.weight_kg,
            height_cm=asked.height_cm,
            sex=asked.sex,
            age_year=asked.age_year,
            baseline_g_per_l=asked.baseline_g_per_l,
            indication=asked.indication,
        )

    def grams(self, millilitres: float, product: str) -> float:
        """Grams of IgG in a volume of a product. Raises InputError for a product or strength not known."""
        found = self._one("products", product)
        if found is None:
            names = self._opened.products if self._opened else contents.bundled_names("products")
            raise InputError(f"--dose-ml-of: no product '{product}'{nearest(product, names)}")
        strength = found["concentration_mg_per_ml"]
        if "value" not in strength or strength["seen"] == "unverified":
            raise InputError(f"--dose-ml-of: the strength of {product} is not known; give the dose in grams")
        return float(millilitres * strength["value"] / MG_PER_G)

    def off_route(self, product: str, route: str) -> str | None:
        """That a product is not made for a route, in words; None if it is."""
        routes = (self._one("products", product) or {}).get("routes", (route,))
        return None if route in routes else f"{product} is made for {', '.join(routes)}, not for {route}"

    def all_of(self, folder: str) -> dict[str, Mapping[str, Any]]:
        """Every file of a folder of the dossier, by id, as plain data."""
        if self._opened is None:
            return dict(contents.bundled(folder))
        return {name: record.model_dump() for name, record in getattr(self._opened, folder).items()}

    def _one(self, folder: str, identifier: str) -> Mapping[str, Any] | None:
        if self._opened is None:
            return contents.bundled_one(folder, identifier)
        record = getattr(self._opened, folder).get(identifier)
        return None if record is None else record.model_dump()


@dataclass(frozen=True, slots=True)
class SimulateRequest:
    """What `globulin simulate` was asked of one person."""

    models: tuple[str, ...]
    dose: ProductDoseAsked
    course: CourseAsked
    at_day: tuple[float, ...]
    person: PersonAsked


@dataclass(frozen=True, slots=True)
class IndividualRequest:
    """What `globulin individualise` was asked."""

    models: tuple[str, ...]
    doses: AnyFile
    levels: AnyFile
    route: Route
    at_day: tuple[float, ...]
    seed: int
    person: PersonAsked


Answers = list[tuple[str | None, "tuple[Simulated, ...]"]]
"""By person; one without a name, or those of a table of doses."""


def simulated(bedside: Bedside, asked: SimulateRequest) -> tuple[dict[str, Any], Answers]:
    """What was computed with, and the answers.

    Raises InputError, one line in the words of the options, for anything that cannot be used.
    """
    try:
        person = bedside.person(asked.person)
        if asked.course.history is not None:
            return _by_table(bedside, asked, person, _table(asked, asked.course.history))
        grams = dose_in_grams(bedside, asked.dose, float(person.weight_kg))
        return _by_regimen(bedside, asked, person, grams)
    except ValueError as problem:
        raise as_option(problem) from problem


def followed(bedside: Bedside, asked: SimulateRequest) -> list[tuple[str | None, Profile]]:
    """The same doses day by day, to be drawn; of doses repeated for ever, a few intervals. By person.

    Raises InputError as `simulated` does.
    """
    from globulin.exposure.history import repeated
    from globulin.exposure.profiles import profile

    dose, course = asked.dose, asked.course
    try:
        person = bedside.person(asked.person)
        if course.history is not None:
            given = _table(asked, course.history).people
        else:
            regimen = repeated(
                dose_in_grams(bedside, dose, float(person.weight_kg)),
                _interval_day(dose),
                _INTERVALS_DRAWN if course.doses is None else course.doses,
                route=dose.route,
                infusion_day=dose.infusion_day,
                daily_parts=dose.daily_parts,
                steady=course.doses is None or course.steady_state,
            )
            given = ((None, regimen),)
        stops = course.history is not None or course.doses is not None
        found = []
        for name, doses in given:
            drawn = profile(
                bedside.models(),
                asked.models,
                person,
                doses,
                stops=stops,
                interval_day=dose.interval_day,
                at_day=asked.at_day,
            )
            found.append((name, drawn))
        return found
    except ValueError as problem:
        raise as_option(problem) from problem


_INTERVALS_DRAWN = 3


def individualised(
    bedside: Bedside, asked: IndividualRequest, *, follow: bool = False
) -> tuple[dict[str, Any], Individualised]:
    """What was computed with, and what the levels say.

    `follow`: with the days from the first dose on, to be drawn. Raises InputError, one line with the
    place in the file or in the words of the options, for anything that cannot be used.
    """
    from globulin.exposure.individualised import individualise
    from globulin.exposure.profiles import followed_days
    from globulin.formats.dose_table import read_dose_table
    from globulin.formats.level_table import read_level_table

    given, table = read_dose_table(asked.doses, route=asked.route), read_level_table(asked.levels)
    if len(given.people) > 1:
        raise InputError(f"{given.file}: doses of {len(given.people)} people; give those of one person")
    ((_, doses),) = given.people
    said: dict[str, Any] = {
        "doses": given.file,
        "levels": table.file,
        "baseline_g_per_l": asked.person.baseline_g_per_l,
        "seed": asked.seed,
    }
    try:
        person = bedside.person(asked.person)
        said = {"weight_kg": float(person.weight_kg), **said}
        found = individualise(
            bedside.models(),
            asked.models,
            person,
            doses,
            table.levels,
            at_day=asked.at_day,
            follow_day=followed_days(doses, [*table.levels.day[0].tolist(), *asked.at_day]) if follow else (),
            seed=asked.seed,
        )
    except ValueError as problem:
        raise _in_levels(table, problem) from problem
    return said, found


def _in_levels(table: LevelTable, problem: ValueError) -> InputError:
    """A fault of a level at its place in the file; any other in the words of the options."""
    found = re.fullmatch(r"levels\.day (must .*) \(position (\d+)\)", str(problem))
    if found is None:
        return as_option(problem)
    return InputError(table.placed(found[1].replace("baseline_g_per_l", "--baseline-g-per-l"), int(found[2])))


def _interval_day(dose: ProductDoseAsked) -> float:
    if dose.interval_day is None:
        raise InputError("--interval-day is missing: how many days are there from one dose to the next?")
    return dose.interval_day


def _by_table(
    bedside: Bedside, asked: SimulateRequest, person: Person, table: DoseTable
) -> tuple[dict[str, Any], Answers]:
    from globulin.exposure.simulation import simulate

    models = bedside.models()
    answers: Answers = []
    for name, given in table.people:
        found = simulate(
            models, asked.models, person, given, at_day=asked.at_day, interval_day=asked.dose.interval_day
        )
        answers.append((name, found))
    return {"weight_kg": float(person.weight_kg), "history": table.file}, answers


def _by_regimen(
    bedside: Bedside, asked: SimulateRequest, person: Person, dose_g: float
) -> tuple[dict[str, Any], Answers]:
    from globulin.exposure.history import repeated
    from globulin.exposure.simulation import simulate, steady_state

    dose, course = asked.dose, asked.course
    regimen: dict[str, Any] = {
        "dose_g": dose_g,
        "interval_day": _interval_day(dose),
        "route": dose.route,
        "infusion_day": dose.infusion_day,
        "daily_parts": dose.daily_parts,
    }
    said = {"weight_kg": float(person.weight_kg), **regimen, "doses": course.doses}
    said["steady_state"] = course.steady_state or course.doses is None
    off_route = bedside.off_route(dose.dose_ml_of, dose.route) if dose.dose_ml_of else None
    said["flags"] = [off_route] if off_route else []
    models = bedside.models()
    if course.doses is None:
        return said, [(None, steady_state(models, asked.models, person, **regimen, at_day=asked.at_day))]
    given: History = repeated(**regimen, doses=course.doses, steady=course.steady_state)
    found = simulate(models, asked.models, person, given, at_day=asked.at_day, interval_day=dose.interval_day)
    return said, [(None, found)]


def one_person(who: CrowdAsked, instead: str) -> None:
    """Raise InputError for an option that says something of many people, where one person is asked about."""
    for name in ("seed", "group"):
        if getattr(who, name) is not None:
            raise InputError(f"--{name} is for many people: give {instead} too, or leave it away")


def dose_in_grams(bedside: Bedside, dose: ProductDoseAsked, weight_kg: float) -> float:
    """Grams of one dose, said in exactly one unit."""
    ways = {"--dose-g": dose.dose_g, "--dose-g-per-kg": dose.dose_g_per_kg, "--dose-ml": dose.dose_ml}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)}: give the dose in one unit")
    if (dose.dose_ml is None) != (dose.dose_ml_of is None):
        raise InputError("--dose-ml and --dose-ml-of go together: how many mL, and of which product")
    if not given:
        raise InputError("a dose is missing: give --dose-g, --dose-g-per-kg, or --dose-ml with --dose-ml-of")
    if not 0.0 < (ways[given[0]] or 0.0) < float("inf"):
        raise InputError(f"{given[0]} must be above 0")
    if dose.dose_ml is not None and dose.dose_ml_of is not None:
        return bedside.grams(dose.dose_ml, dose.dose_ml_of)
    return dose.dose_g if dose.dose_g is not None else (dose.dose_g_per_kg or 0.0) * weight_kg


def _table(asked: SimulateRequest, path: AnyFile) -> DoseTable:
    from globulin.formats.dose_table import read_dose_table

    dose, course = asked.dose, asked.course
    regimen = {
        "--dose-g": dose.dose_g,
        "--dose-g-per-kg": dose.dose_g_per_kg,
        "--dose-ml": dose.dose_ml,
        "--dose-ml-of": dose.dose_ml_of,
        "--infusion-day": dose.infusion_day,
        "--doses": course.doses,
        "--steady-state": course.steady_state or None,
        "--daily-parts": dose.daily_parts if dose.daily_parts != 1 else None,
    }
    extra = [name for name, value in regimen.items() if value is not None]
    if extra:
        raise InputError(f"{extra[0]}: the doses are in --history {path.name}; leave one of the two away")
    return read_dose_table(path, route=dose.route)


def nearest(word: str, choices: Iterable[str]) -> str:
    """What was probably meant, or what there is."""
    names = sorted(choices)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; there are: {', '.join(names)}"


def as_option(problem: ValueError) -> InputError:
    """A fault of an argument in the words of the options: `weight_kg must ...` is `--weight-kg must ...`."""
    words = re.sub(r" \(position \d+\)$", "", str(problem))
    # a name of one word, such as doses, may be just a word further on
    words = re.sub(r"^[a-z]+(?= must)", r"--\g<0>", words)
    return InputError(
        re.sub(
            r"(?<!-)\b[a-z]+(?:_[a-z]+)+\b",
            lambda name: f"--{name[0].replace('_', '-')}" if name[0] in _OPTIONS else name[0],
            words,
        )
    )


_OPTIONS = frozenset(
    field.name
    for record in (PersonAsked, ProductDoseAsked, CourseAsked, CrowdAsked)
    for field in fields(record)
) | {"at_day", "g_per_l", "target_g_per_l"}
