"""The folder of imported price lists: kept whole or not at all, never in the way of what is not named."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globulin import price_store
from globulin.dossier import Dossier
from globulin.dossier.price import Price, PriceList
from globulin.errors import InputError
from globulin.library import open_dossier
from globulin.price_store import keep, price_lists, remove, source_of, stored, with_price_list

TOY = Path(__file__).parent / "toy"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLOBULIN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / "prices"


@pytest.fixture(scope="module")
def toy() -> Dossier:
    return open_dossier(TOY)


def a_list(identifier: str = "cms_2026q2", price: float | None = 5.0, **more: Any) -> PriceList:
    given = {
        "id": identifier, "title": "T: a 'quoted' title, Größe", "country": "US", "currency": "USD",
        "effective_from": None, "effective_to": None, "date_words": "2026", "basis": "b", "kind": "drug",
        "source": f"source_{identifier}",
        "prices": (Price(code="T0001", what="x", amount=500.0, unit="mg", price=price, seen="full_text"),),
    }  # fmt: skip
    return PriceList(**{**given, **more})


def test_a_list_is_read_back_as_it_was_kept(data: Path) -> None:
    kept = keep(a_list(), {})
    assert (kept.outcome, kept.path) == ("new", data / "cms_2026q2.yaml")
    assert [each.price_list for each in stored()] == [a_list()]
    assert [path.name for path in data.iterdir()] == ["cms_2026q2.yaml"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40),
    st.none() | st.floats(1e-6, 1e6),
    st.none() | st.dates(),
)
def test_any_words_prices_and_days_are_read_back(words: str, price: float | None, day: Any) -> None:
    said = a_list(price=price, title=words, caveats=(words,), effective_from=day, effective_to=day)
    keep(said, {}, replace=True)
    assert stored()[0].price_list == said


def test_a_kept_list_is_a_file_that_a_dossier_takes(data: Path, tmp_path: Path) -> None:
    import shutil

    keep(a_list(source="toy_prices"), {})
    folder = tmp_path / "dossier"
    shutil.copytree(TOY, folder)
    for name in ("README.md", "doses.csv", "levels.csv", "table.csv"):
        (folder / name).unlink()
    shutil.copy(data / "cms_2026q2.yaml", folder / "prices")
    assert open_dossier(folder).prices["cms_2026q2"].prices == a_list().prices


def test_the_same_list_again_changes_nothing(data: Path) -> None:
    keep(a_list(caveats=("Imported from a.csv.",)), {})
    before = (data / "cms_2026q2.yaml").read_bytes()
    assert keep(a_list(caveats=("Imported from b.zip.",)), {}).outcome == "unchanged"
    assert (data / "cms_2026q2.yaml").read_bytes() == before


def test_another_list_of_the_same_id_needs_to_be_asked_for(data: Path) -> None:
    keep(a_list(), {})
    before = (data / "cms_2026q2.yaml").read_bytes()
    with pytest.raises(InputError, match=r"T0001: 5.0 there, 6.0 here\); --replace"):
        keep(a_list(price=6.0), {})
    assert (data / "cms_2026q2.yaml").read_bytes() == before
    assert keep(a_list(price=6.0), {}, replace=True).outcome == "replaced"
    assert stored()[0].price_list == a_list(price=6.0)


def test_a_list_that_the_dossier_has_is_not_written(data: Path) -> None:
    bundled = {"cms_2026q2": a_list()}
    assert keep(a_list(title="the same prices"), bundled).outcome == "bundled"
    for replace in (False, True):
        with pytest.raises(InputError, match="with other prices"):
            keep(a_list(price=6.0), bundled, replace=replace)
    assert not data.exists()


def test_lists_of_the_dossier_and_of_the_folder_stand_together(toy: Dossier) -> None:
    keep(a_list("own"), {})
    keep(a_list("zz"), {})
    assert list(price_lists(toy.prices)) == ["own", "toy_prices", "zz"]


def test_the_dossiers_own_list_stands_where_both_have_one_with_equal_prices() -> None:
    """As when a later release brings a list that was imported before."""
    keep(a_list(title="imported"), {})
    bundled = {"cms_2026q2": a_list(title="bundled")}
    assert price_lists(bundled)["cms_2026q2"].title == "bundled"
    with pytest.raises(
        InputError, match=r"with other prices \(T0001: 7.0 there, 5.0 here\).*prices remove cms_2026q2"
    ):
        price_lists({"cms_2026q2": a_list(price=7.0)})


def test_without_a_name_the_dossier_is_the_very_same(toy: Dossier) -> None:
    keep(a_list(), {})
    assert with_price_list(toy, None) is toy
    assert with_price_list(toy, "toy_prices") is toy


def test_a_named_list_comes_with_its_source_and_changes_the_hash(toy: Dossier) -> None:
    keep(a_list(), {})
    one = with_price_list(toy, "cms_2026q2")
    assert one.prices["cms_2026q2"] == a_list()
    assert one.sources["source_cms_2026q2"] == source_of(a_list())
    assert one.content_sha256 != toy.content_sha256
    assert with_price_list(toy, "cms_2026q2").content_sha256 == one.content_sha256
    keep(a_list(price=6.0), {}, replace=True)
    assert with_price_list(toy, "cms_2026q2").content_sha256 != one.content_sha256
    assert "cms_2026q2" not in toy.prices


def test_a_list_that_is_nowhere(toy: Dossier) -> None:
    keep(a_list("own"), {})
    with pytest.raises(InputError, match=r"^no price list 'cms'; there are: own, toy_prices$"):
        with_price_list(toy, "cms")


@pytest.mark.parametrize(
    "text",
    ["", "id: [", "id: cms_2026q2\n", "- 1\n", "\x00", "id: other\n", "é".encode("cp1252")],
)
def test_a_file_that_is_no_list_is_said_with_the_way_out(data: Path, toy: Dossier, text: str | bytes) -> None:
    data.mkdir(parents=True)
    raw = text.encode() if isinstance(text, str) else text
    (data / "cms_2026q2.yaml").write_bytes(raw)
    (found,) = stored()
    assert found.price_list is None
    assert found.fault.count("\n") == 0
    assert "globulin prices remove cms_2026q2" in found.fault
    with pytest.raises(InputError, match="not a price list that can be read"):
        with_price_list(toy, "cms_2026q2")
    assert with_price_list(toy, None) is toy
    assert remove("cms_2026q2", {}) == data / "cms_2026q2.yaml"
    assert stored() == ()


def test_a_file_must_hold_the_list_that_it_is_named_after(data: Path) -> None:
    keep(a_list(), {})
    (data / "cms_2026q2.yaml").rename(data / "cms_2026q3.yaml")
    assert "it holds a list of another id" in stored()[0].fault


def test_only_imported_lists_are_removed(data: Path) -> None:
    keep(a_list(), {})
    with pytest.raises(InputError, match="toy comes with the dossier"):
        remove("toy", {"toy": a_list("toy")})
    outside = data.parent / "outside.yaml"
    outside.touch()
    for name in ("../outside", "", "CMS", "nothing"):
        with pytest.raises(InputError, match="there are: cms_2026q2"):
            remove(name, {})
    assert outside.exists()
    remove("cms_2026q2", {})
    assert stored() == ()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_everything_as_it_was(
    data: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    keep(a_list(), {})
    before = (data / "cms_2026q2.yaml").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((price_store.os, "fsync") if step == "fsync" else (Path, "replace")), full)
    with pytest.raises(InputError, match="cannot be written: No space left on device; nothing was changed"):
        keep(a_list(price=6.0), {}, replace=True)
    assert [path.name for path in data.iterdir()] == ["cms_2026q2.yaml"]
    assert (data / "cms_2026q2.yaml").read_bytes() == before


def test_a_folder_that_cannot_be_made(data: Path) -> None:
    data.parent.write_text("a file stands where the folder should be")
    with pytest.raises(InputError, match=r"cannot be written: .*; nothing was changed"):
        keep(a_list(), {})
    assert stored() == ()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no file system that nobody can write to")
def test_a_place_that_is_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBULIN_DATA_DIR", "/proc/self/globulin")
    with pytest.raises(InputError, match="cannot be written"):
        keep(a_list(), {})


def test_the_place_is_the_systems_own_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLOBULIN_DATA_DIR")
    if sys.platform == "linux":  # the XDG base directory specification
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        assert price_store.folder() == tmp_path / "globulin" / "prices"
    assert price_store.folder().parts[-1] == "prices"
