"""Where this program keeps what a person asked it to keep: one folder of the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from globulin.errors import InputError

VARIABLE: Final = "GLOBULIN_DATA_DIR"
"""Environment variable that names another data folder."""


def data_folder() -> Path:
    """`$GLOBULIN_DATA_DIR`, or the system's place for a user's data. It need not be there yet.

    Raises InputError for the home (`~name`) of somebody who has none here.
    """
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return Path(named).expanduser()
        except RuntimeError:
            raise InputError(f"{VARIABLE} names a home that is not known here: give a whole path") from None
    from platformdirs import user_data_path

    return user_data_path("globulin", appauthor=False)
