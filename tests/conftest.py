"""What holds for every test: nobody's own price lists are seen, and none is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "data"
    monkeypatch.setenv("GLOBULIN_DATA_DIR", str(folder))
