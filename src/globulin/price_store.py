"""Price lists that a person brought, kept in their own data folder as files of the dossier's own form.

They are used only when they are named. So what is built without naming one has the same bytes for everybody,
whatever lies in this folder.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from globulin.checking import Checker, MarkedFile
from globulin.contents import parse
from globulin.data_folder import data_folder
from globulin.dossier import Dossier
from globulin.dossier.price import PriceList
from globulin.dossier.provenance import Source
from globulin.errors import Fault, InputError

_SLUG = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_CHECKER = Checker(PriceList)


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the folder: its list, or why it cannot be read."""

    id: str
    path: Path
    price_list: PriceList | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a list that was to be kept, and where it is; None where it came with the dossier."""

    outcome: Literal["new", "replaced", "unchanged", "bundled"]
    path: Path | None


def folder() -> Path:
    """The folder of price lists: `prices` in the data folder."""
    return data_folder() / "prices"


def stored() -> tuple[Stored, ...]:
    """Every list of the folder in order of its id; one that cannot be read says why."""
    found = []
    for path in sorted(folder().glob("*.yaml")):
        if _SLUG.fullmatch(path.stem):
            try:
                found.append(Stored(path.stem, path, _read(path)))
            except InputError as fault:
                found.append(Stored(path.stem, path, None, str(fault)))
    return tuple(found)


def price_lists(bundled: Mapping[str, PriceList]) -> Mapping[str, PriceList]:
    """The lists of a dossier and those of the folder, by id in order.

    A list of the folder that has the id of one of the dossier is that one if all prices are equal. InputError
    if they differ, and for a file that cannot be read.
    """
    found = dict(bundled)
    for each in stored():
        if each.price_list is None:
            raise InputError(each.fault)
        if each.id not in bundled:
            found[each.id] = each.price_list
        elif differing := differences(bundled[each.id], each.price_list):
            raise InputError(
                f"{each.path}: the dossier has a list {each.id} with other prices ({differing});"
                f" to go on: globulin prices remove {each.id}"
            )
    return dict(sorted(found.items()))


def with_price_list(dossier: Dossier, identifier: str | None) -> Dossier:
    """The dossier with the named list of the folder in it, its source, and a hash that covers both.

    The very same dossier if no list is named or it has the list itself. InputError if there is none.
    """
    if identifier is None or identifier in dossier.prices:
        return dossier
    every = price_lists(dossier.prices)
    if identifier not in every:
        raise InputError(f"no price list '{identifier}'; there are: {', '.join(every) or 'none'}")
    found = every[identifier]
    digest = hashlib.sha256(f"{dossier.content_sha256}\0{_text(found)}".encode()).hexdigest()
    return dossier.model_copy(
        update={
            "prices": dict(sorted({**dossier.prices, identifier: found}.items())),
            "sources": dict(sorted({**dossier.sources, found.source: source_of(found)}.items())),
            "content_sha256": digest,
        }
    )


def source_of(price_list: PriceList) -> Source:
    """The source that a list of the folder cites: itself, as it was brought."""
    return Source(
        id=price_list.source,
        title=price_list.title,
        kind="price_list",
        seen="full_text",
        year=price_list.effective_from.year if price_list.effective_from else None,
        date=price_list.date_words,
        note=price_list.caveats[-1] if price_list.caveats else None,
    )


def keep(price_list: PriceList, bundled: Mapping[str, PriceList], *, replace: bool = False) -> Kept:
    """Keep a list under its id, whole or not at all.

    A list that the dossier has with equal prices is not written, one that is there already is left as it is.
    InputError for another list of the same id, unless it is one of the folder and `replace` is set, and where
    the folder cannot be written; nothing has changed then.
    """
    identifier = price_list.id
    if identifier in bundled:
        if differing := differences(bundled[identifier], price_list):
            raise InputError(
                f"the dossier has a list {identifier} with other prices ({differing}); nothing was changed"
            )
        return Kept("bundled", None)
    path = folder() / f"{identifier}.yaml"
    there = path.exists()
    if there and not replace:
        if _same(known := _read(path), price_list):
            return Kept("unchanged", path)
        differing = differences(known, price_list) or "the same prices, other packages or notes"
        raise InputError(
            f"there is a list {identifier} already, and it differs ({differing});"
            " --replace puts this one in its place"
        )
    _write(path, _text(price_list))
    return Kept("replaced" if there else "new", path)


def remove(identifier: str, bundled: Mapping[str, PriceList]) -> Path:
    """Delete a list of the folder and return where it was. InputError if it is not one of the folder."""
    path = folder() / f"{identifier}.yaml"
    if not _SLUG.fullmatch(identifier) or not path.is_file():
        if identifier in bundled:
            raise InputError(f"{identifier} comes with the dossier; only imported lists can be removed")
        names = ", ".join(each.id for each in stored()) or "none"
        raise InputError(f"no imported price list {identifier!r}; there are: {names}")
    try:
        path.unlink()
    except OSError as problem:
        raise InputError(f"{path}: cannot be removed: {problem.strerror}") from problem
    return path


def differences(before: PriceList, after: PriceList, most: int = 3) -> str:
    """Where two lists differ in money, in a few words; empty if nowhere."""
    if before.currency != after.currency:
        return f"{before.currency} there, {after.currency} here"
    old, new = _amounts(before), _amounts(after)
    lines = [
        f"{code}: {old.get((code, amount, unit), 'none')} there, {new.get((code, amount, unit), 'none')} here"
        for code, amount, unit in sorted(old.keys() | new.keys())
        if old.get((code, amount, unit)) != new.get((code, amount, unit))
    ]
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return "; ".join(lines[:most]) + more


def _amounts(price_list: PriceList) -> dict[tuple[str, float, str], float]:
    return {
        (price.code, price.amount, price.unit): price.price
        for price in price_list.prices
        if price.price is not None
    }


def _same(before: PriceList, after: PriceList) -> bool:
    """Whether two lists say the same; the cautions name the file they came from."""
    return before.model_copy(update={"caveats": ()}) == after.model_copy(update={"caveats": ()})


def _read(path: Path) -> PriceList:
    """A list of the folder. InputError, one line with the way out, for a file that is none."""
    faults: list[Fault] = []
    try:
        marked = parse(path.name, path.read_bytes(), faults)
        if marked is not None:
            file = MarkedFile(path.name, marked)
            # the list is its own source, which no other file holds
            known = {"source": (str(file.data.get("source")),)}
            found: PriceList | None = _CHECKER.check(file, known, faults)
            if found is not None and found.id == path.stem:
                return found
        why = str(faults[0]) if faults else "it holds a list of another id"
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
    raise InputError(
        f"{path}: not a price list that can be read ({why}); to go on: globulin prices remove {path.stem}"
    )


def _text(price_list: PriceList) -> str:
    """A list as a content file."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 110
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = io.StringIO()
    yaml.dump(price_list.model_dump(mode="json", exclude_defaults=True), text)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.stem}-", delete=False, encoding="utf-8", newline="\n"
        ) as stream:
            temporary = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as problem:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise InputError(
            f"{path.parent}: cannot be written: {problem.strerror or problem}; nothing was changed"
        ) from problem
