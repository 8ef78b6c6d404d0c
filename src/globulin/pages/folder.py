"""Writes several files into a folder as one: either all of them are there, or the folder is as it was."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from globulin.errors import InputError


def write_folder(out: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write `files` (name to bytes) into `out`, in their order; returns all paths.

    They are made beside `out` first and moved into it when they are complete. Other files in `out` stay.
    Raises InputError if `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give a folder to write into")
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, data in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _move(staging, out, tuple(files))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return tuple(out / name for name in files)


def _move(staging: Path, out: Path, names: Sequence[str]) -> None:
    """Put the finished files in place: the folder as a whole where there is none yet, else file by file."""
    # mkdtemp makes a folder that only its owner can open
    staging.chmod(0o755)
    if not out.exists():
        staging.replace(out)
        return
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(target)
