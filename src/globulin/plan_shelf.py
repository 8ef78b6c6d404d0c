"""The kinds of records that a plan needs, each read when it is asked for.

A plan must be there in a second, so of the bundled dossier, which was checked before it was shipped, only the
kinds that are needed become records. A dossier of one's own is checked as a whole first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from globulin import contents
from globulin.dossier.condition import Condition
from globulin.dossier.guidance import Guidance
from globulin.dossier.hazard import Hazard
from globulin.dossier.instrument import Instrument
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import Source
from globulin.dossier.study import RANDOMISED, Study
from globulin.dossier.treatment import NamedRegimen, Product
from globulin.exposure.facts import Catalogue, catalogue

if TYPE_CHECKING:
    from globulin.dossier import Dossier


class PlanShelf:
    """What a plan needs of a dossier folder (None: the bundled one), each kind read when asked for."""

    def __init__(self, folder: Path | None = None) -> None:
        self._opened: Dossier | None = None
        if folder is not None:
            from globulin.library import open_dossier

            self._opened = open_dossier(folder)

    @cached_property
    def products(self) -> Mapping[str, Product]:
        """Products by id."""
        return self._records("products", Product)

    @cached_property
    def hazards(self) -> Mapping[str, Hazard]:
        """Hazards by id."""
        return self._records("hazards", Hazard)

    @cached_property
    def conditions(self) -> Mapping[str, Condition]:
        """Conditions by id."""
        return self._records("conditions", Condition)

    @cached_property
    def guidance(self) -> Mapping[str, Guidance]:
        """Guidance by id."""
        return self._records("guidance", Guidance)

    @cached_property
    def instruments(self) -> Mapping[str, Instrument]:
        """Questionnaires by id."""
        return self._records("instruments", Instrument)

    @cached_property
    def studies(self) -> Mapping[str, Study]:
        """Randomised studies by id; a plan is set beside no others."""
        if self._opened is not None:
            return {name: each for name, each in self._opened.studies.items() if each.design in RANDOMISED}
        read = _reader(Study)
        return {
            name: read(data)
            for name, data in contents.bundled("studies").items()
            if data["design"] in RANDOMISED
        }

    @cached_property
    def regimens(self) -> Mapping[str, NamedRegimen]:
        """Regimens by id."""
        return self._records("regimens", NamedRegimen)

    @cached_property
    def prices(self) -> Mapping[str, PriceList]:
        """The price lists of the dossier, by id."""
        return self._records("prices", PriceList)

    @cached_property
    def models(self) -> Catalogue:
        """Kinetic models that can be computed with."""
        return catalogue(contents.bundled("kinetics") if self._opened is None else self._opened.kinetics)

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Sources by id."""
        if self._opened is not None:
            return self._opened.sources
        read = _reader(Source)
        listed = [entry for each in contents.bundled("sources").values() for entry in each["sources"]]
        return {entry["id"]: read(entry) for entry in listed}

    def _records(self, folder: str, record: Any) -> Mapping[str, Any]:
        if self._opened is not None:
            found: Mapping[str, Any] = getattr(self._opened, folder)
            return found
        return _Bundled(folder, record)


class _Bundled(Mapping[str, Any]):
    """The records of one folder of the bundled dossier, each read when it is looked at."""

    def __init__(self, folder: str, record: Any) -> None:
        self._folder = folder
        self._read = _reader(record)
        self._names = contents.bundled_names(folder)
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            if name not in self._names:
                raise KeyError(name)
            self._found[name] = self._read(contents.bundled_one(self._folder, name))
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _reader(record: Any) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(record)
    # JSON mode: lists become tuples and text becomes dates
    return lambda data: adapter.validate_json(json.dumps(data))
