"""Files of a dossier as plain data, without making records of them.

It exists beside `library` because one command must answer at once: making checked records of every file costs
most of a second, reading the few that a computation needs costs hundredths. The bundled files were checked
before they were shipped; a folder of one's own is to be opened by `library`, which checks everything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from globulin import marked_yaml
from globulin.errors import DossierError, Fault

MAX_FILE_BYTES = 2_000_000
REFERENCE_PATIENT = "reference_adult"
"""The patient that stands in where nothing is said of a person."""


def bundled_dossier() -> Path:
    """Folder of the dossier that comes with the package."""
    return Path(__file__).parent / "content" / "immunoglobulin"


def bundled(folder: str) -> dict[str, dict[str, Any]]:
    """The files of one folder of the bundled dossier, by name without ending, in sorted order."""
    return {path.stem: _read(path) for path in sorted((bundled_dossier() / folder).glob("*.yaml"))}


def bundled_one(folder: str, identifier: str) -> dict[str, Any] | None:
    """One file of the bundled dossier; None if there is no such file."""
    path = bundled_dossier() / folder / f"{identifier}.yaml"
    # a name that leads out of the folder names no file in it
    return _read(path) if Path(identifier).name == identifier and path.is_file() else None


def bundled_names(folder: str) -> tuple[str, ...]:
    """Names of the files of one folder of the bundled dossier."""
    return tuple(sorted(path.stem for path in (bundled_dossier() / folder).glob("*.yaml")))


def parse(
    name: str,
    raw: bytes,
    faults: list[Fault],
    *,
    most_bytes: int = MAX_FILE_BYTES,
    first_key: str = "id",
) -> marked_yaml.Marked | None:
    """A file as data, a mapping, that knows its places; None, with what is wrong added to `faults`.

    `first_key` is what a file without any key is told to start with.
    """
    if len(raw) > most_bytes:
        faults.append(Fault(name, 1, 1, "", f"larger than {most_bytes:,} bytes", "split the file"))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        faults.append(Fault(name, line, 1, "", "not UTF-8 text", "save the file as UTF-8"))
        return None
    marked = marked_yaml.read(text)
    if marked.flaws:
        faults.extend(
            Fault(name, *flaw.place, ".".join(map(str, flaw.path)), flaw.problem, flaw.fix)
            for flaw in marked.flaws
        )
        return None
    if not isinstance(marked.data, dict):
        fix = f"start with `{first_key}:`"
        faults.append(Fault(name, 1, 1, "", "the file is not a mapping of keys to values", fix))
        return None
    return marked


def _read(path: Path) -> dict[str, Any]:
    faults: list[Fault] = []
    marked = parse(f"{path.parent.name}/{path.name}", path.read_bytes(), faults)
    if marked is None:
        raise DossierError(faults)
    data: dict[str, Any] = marked.data
    return data
