"""`globulin prices` as a person meets it: what it says, what it writes, and one line for each fault."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from globulin import library
from globulin.cli.prices import app
from globulin.errors import InputError

ROOT = Path(__file__).parents[1]
TRUTH = ROOT / "tests" / "truth"
LIMITS = TRUTH / "cms_payment_limits_2025q4.csv"
CROSSWALK = TRUTH / "cms_ndc_crosswalk_2025q4.csv"

Says = Callable[..., str]

opened = functools.cache(library.open_dossier)
"""Reading the dossier is most of each command's time, and it cannot be changed."""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLOBULIN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(library, "open_dossier", opened)
    return tmp_path / "data" / "prices"


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    """Runs `globulin prices ...` and gives what it printed; faults come as InputError, which exits with 2."""

    def run(*arguments: object) -> str:
        app(
            [str(argument) for argument in arguments],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        return capsys.readouterr().out

    return run


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The real rows, dated three quarters later, with Privigen at 10% more and Octagam not in it."""
    raw = LIMITS.read_bytes().replace(
        b"October 1, 2025 through December 31", b"July 1, 2026 through September 30"
    )
    raw = raw.replace(b"December 31, 2025", b"September 30, 2026").replace(b"30, 2025", b"30, 2026")
    raw = raw.replace(b"2Q25", b"1Q26").replace(b"50.737", b"55.8107").replace(b"\nJ1568", b"\nJ9568")
    path = tmp_path / "july-2026.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("July 2026 Payment Limit File.xls", b"\xd0\xcf")
        archive.writestr("section 508 version of July 2026 Payment Limit File.csv", raw)
    return path


def test_an_import_says_what_it_kept_what_changed_and_what_is_missing(
    says: Says, later: Path, data: Path
) -> None:
    said = says("import", later)
    assert (
        "cms_2026q3: US Medicare Part B payment limits, third quarter 2026 (July to September 2026)" in said
    )
    assert "Kept: 16 prices, no packages." in said
    assert str(data / "cms_2026q3.yaml") in said.replace("\n", "")
    assert "Change since cms_2025q4 (October to December 2025), USD" in said
    assert re.search(r"J1459 .* 50\.737 .* 55\.8107 .* \+10\.0%", said)
    assert re.search(r"J1569 .* 45\.314 .* 45\.314 .* 0\.0%", said)
    assert re.search(r"Not in the list: .*J1568 \(Octagam 10%, Octagam 5%\).*J1572", said)
    assert "Lists are never mixed" in said
    assert "--price-list cms_2026q3" in said


def test_the_bundled_quarter_is_recognised_and_not_written(says: Says, data: Path) -> None:
    said = says("import", LIMITS, "--crosswalk", CROSSWALK)
    assert (
        "17 prices, 96 packages. The dossier has this list with the same prices; nothing was written." in said
    )
    assert not data.exists()


def test_lists_say_their_age_and_where_they_are(says: Says, later: Path, data: Path) -> None:
    says("import", later)
    (data / "broken.yaml").write_text("id: [")
    said = says("list")
    assert re.search(
        r"cms_2025q4 .* October to December 2025 .* days, ended .* days ago .* 17 .* with the dossier", said
    )
    assert re.search(r"cms_2026q3 .* July to September 2026 .* 16 .* imported", said)
    assert re.search(r"Cannot be used: .*broken.yaml.*globulin prices remove broken", said.replace("\n", ""))


def test_a_list_is_shown_per_gram(says: Says, later: Path) -> None:
    says("import", later)
    table = says("show", "cms_2026q3")
    assert re.search(r"Privigen .* 111\.62 .* 55\.8107 USD per 500 mg .* J1459", table)
    document = json.loads(says("show", "cms_2026q3", "--json"))
    assert (document["id"], document["effective_from"], document["effective_to"]) == (
        "cms_2026q3",
        "2026-07-01",
        "2026-09-30",
    )
    rows = list(csv.DictReader(io.StringIO(says("show", "cms_2026q3", "--csv"))))
    assert len(rows) == len(document["products"])
    row = next(row for row in rows if row["product"] == "gammagard_liquid")
    assert (float(row["per_gram"]), row["currency"], row["price_list"]) == (2 * 45.314, "USD", "cms_2026q3")
    assert "GBP" in says("show", "uk_bnfc_2018")


def test_an_own_list_from_the_template_to_a_price_per_gram(says: Says, tmp_path: Path) -> None:
    path = tmp_path / "own_clinic.csv"
    path.write_text(says("template").replace("privigen,,g,USD,,", "privigen,800,10,USD,2026-11-02,"))
    assert "own_clinic: Own prices of 2 November 2026" in says("import", path)
    products = json.loads(says("show", "own_clinic", "--json"))["products"]
    assert [(row["product"], row["amount"], row["per_gram"]) for row in products] == [
        ("privigen", 10.0, 80.0)
    ]
    assert says("remove", "own_clinic").startswith("removed ")


def test_every_fault_changes_nothing(says: Says, later: Path, data: Path, tmp_path: Path) -> None:
    says("import", later)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    changed = tmp_path / "changed.csv"
    with zipfile.ZipFile(later) as archive:
        changed.write_bytes(archive.read(archive.namelist()[1]).replace(b"55.8107", b"60"))
    own = tmp_path / "own.csv"
    own.write_text("product,price,per,currency,date\nprivigen,1,g,USD,2026-11-02\n")
    for arguments, words in (
        (("import", changed), "--replace"),
        (("import", CROSSWALK), "this is the crosswalk"),
        (("import", LIMITS, "--crosswalk", LIMITS), "this is the payment limits"),
        (("import", later, "--crosswalk", CROSSWALK), "lists are never mixed"),
        (("import", own, "--crosswalk", CROSSWALK), "--crosswalk goes with Medicare's"),
        (("import", tmp_path), "this is a folder"),
        (("show", "cms_2031q1"), "no price list 'cms_2031q1'; there are: "),
        (("show", "cms_2026q3", "--json", "--csv"), "not both"),
        (("remove", "cms_2025q4"), "comes with the dossier"),
    ):
        with pytest.raises(InputError) as caught:
            says(*arguments)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_another_list_takes_its_place_when_asked(says: Says, later: Path, data: Path, tmp_path: Path) -> None:
    says("import", later)
    assert "nothing was written" in says("import", later)
    changed = tmp_path / "changed.csv"
    with zipfile.ZipFile(later) as archive:
        changed.write_bytes(archive.read(archive.namelist()[1]).replace(b"55.8107", b"60"))
    assert "Put in place of the one in" in says("import", changed, "--replace")
    assert "60.0" in (data / "cms_2026q3.yaml").read_text()


def test_a_dossier_without_codes_keeps_nothing(says: Says, tmp_path: Path, data: Path) -> None:
    (tmp_path / "dossier" / "products").mkdir(parents=True)
    with pytest.raises(InputError, match="name no billing code"):
        says("import", LIMITS, "--dossier", tmp_path / "dossier")
    assert not data.exists()


@pytest.mark.parametrize("command", [name for name in app if not name.startswith("-")])
def test_every_command_and_option_is_documented(command: str) -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    words = text.split("## globulin prices\n")[1].split("\n## ")[0]
    assert f"`globulin prices {command}" in words
    for argument in app[command].assemble_argument_collection():
        for name in set(argument.names) - {"*"}:  # a record of options is no option itself
            assert name in words, f"{command}: {name} is not documented"
