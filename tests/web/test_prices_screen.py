"""*Prices*: the real file of Medicare is imported, shown, compared and removed; faults change nothing."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser

from globulin.price_store import folder
from web.conftest import Served
from web.seen import axe, overflow, picture
from web.test_levels_screen import let_in

TRUTH = Path(__file__).parents[1] / "truth"
LIMITS = TRUTH / "cms_payment_limits_2025q4.csv"
CROSSWALK = TRUTH / "cms_ndc_crosswalk_2025q4.csv"


def later(raw: bytes) -> bytes:
    """A file dated a quarter later."""
    return raw.replace(
        b"October 1, 2025 through December 31, 2025", b"January 1, 2026 through March 31, 2026"
    )


LATER = later(LIMITS.read_bytes()).replace(b"500 MG,50.737", b"500 MG,55.8107").replace(b"2Q25", b"3Q25")
"""The real rows, dated a quarter later, with Privigen at 10% more: 55.8107 USD instead of 50.737."""


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@pytest.fixture(scope="module")
def client(lists: Path) -> Iterator[TestClient]:
    """One app for all tests, since its workers take seconds to start; they inherit its data folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOBULIN_DATA_DIR", str(lists))
        yield from let_in()


@pytest.fixture(autouse=True)
def _empty(lists: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBULIN_DATA_DIR", str(lists))
    shutil.rmtree(folder(), ignore_errors=True)


def imported(client: TestClient, raw: bytes, name: str = "limits.csv", **more: str) -> tuple[int, str]:
    """Status and page after a file was given."""
    answer = client.post("/prices", data=more, files={"file": (name, raw)})
    if answer.status_code != 303:
        return answer.status_code, unescape(answer.text)
    address = answer.headers["location"]
    assert re.fullmatch(r"/prices/imported/[0-9a-f]{32}", address)
    return 303, unescape(client.get(address).text)


def errors(page: str) -> list[str]:
    return re.findall(r'<p class="error"[^>]*>.*?</span> (.*?)</p>', page)


def kept() -> list[str]:
    return sorted(path.name for path in folder().glob("*")) if folder().exists() else []


def test_the_lists_and_their_age(client: TestClient) -> None:
    page = unescape(client.get("/prices").text)
    assert "US Medicare Part B payment limits, fourth quarter 2025" in page
    assert re.search(
        r"October to December 2025 · age [\d,]+ days, ended [\d,]+ days ago · 17 prices, USD", page
    )
    # where an imported list goes is said before it is written
    assert str(folder()) in page


def test_the_real_file_is_the_bundled_list(client: TestClient) -> None:
    status, page = imported(client, LIMITS.read_bytes())
    assert status == 303
    assert "with the same prices; nothing was written" in page
    assert kept() == []
    # 50.737 USD for 500 mg of Privigen, in the file's own row
    assert re.search(r"Privigen</th>.*?>101\.47</td>.*?50\.737 USD per 500 mg", page, re.DOTALL)


def test_a_later_list_is_kept_compared_and_removed(client: TestClient) -> None:
    status, page = imported(client, LATER, name="2026q1.csv")
    assert status == 303, errors(page)
    assert "was written to your data folder" in page
    assert kept() == ["cms_2026q1.yaml"]
    assert re.search(
        r"Privigen.*?55\.8107.*?\+10\.0%", page[page.index("What changed") :], re.IGNORECASE | re.DOTALL
    )
    assert "<strong>imported</strong>" in client.get("/prices").text
    body = {
        "patient": {"weight_kg": 62},
        "regimen": {"product": "privigen", "dose_g": 20, "route": "iv", "interval_day": 28},
        "price": {"price_list": "cms_2026q1"},
    }
    # 20 g at 111.6214 USD, where the plan is asked to use it
    drug = client.post("/api/plan", json=body).json()["cost"]["drug_per_infusion"]
    assert "2232" in str(drug).replace(",", "")
    assert client.post("/prices/remove", data={"id": "cms_2026q1"}).status_code == 303
    assert kept() == []
    assert client.post("/api/plan", json=body).status_code == 422
    assert client.get("/prices/list/cms_2026q1").status_code == 404


def test_a_zip_and_its_crosswalk(client: TestClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("limits.csv", LIMITS.read_bytes())
    files = {"file": ("a.zip", packed.getvalue()), "crosswalk": ("b.csv", CROSSWALK.read_bytes())}
    answer = client.post("/prices", files=files)
    assert answer.status_code == 303


def test_the_crosswalk_as_large_as_it_is_unpacked(client: TestClient) -> None:
    # the published file of this quarter has 2,823,030 bytes; the rows of other drugs make it so large
    *_, last = rows = CROSSWALK.read_bytes().splitlines(keepends=True)
    size = sum(map(len, rows))
    raw = b"".join([*rows, *[last] * ((2_823_030 - size) // len(last) + 1)])
    files = {"file": ("2026q1.csv", LATER), "crosswalk": ("crosswalk.csv", later(raw))}
    answer = client.post("/prices", files=files)
    assert answer.status_code == 303, errors(unescape(answer.text))
    page = client.get(answer.headers["location"]).text
    # Medicare's packages of immune globulin in that quarter
    assert re.search(r"\b[1-9]\d packages\.", page)


def test_files_that_are_too_large_are_said_to_be(client: TestClient) -> None:
    answer = client.post("/prices", files={"file": ("a.csv", b"x" * 8 * 2**20)})
    assert answer.status_code == 413
    assert "The most that is taken here is 8 MB." in answer.text
    assert kept() == []


def test_a_list_of_ones_own(client: TestClient) -> None:
    table = client.get("/prices/own_prices.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "privigen,,g,USD,," in table.text
    filled = table.text.replace("privigen,,g,USD,,", "privigen,98.50,g,USD,2026-11-02,")
    status, page = imported(client, filled.encode(), name="../../own clinic.csv")
    assert status == 303, errors(page)
    # the name of the file leads nowhere
    assert kept() == ["own_clinic.yaml"]
    assert ">98.50</td>" in page


def test_another_list_of_the_same_id_needs_the_tick(client: TestClient) -> None:
    table = "product,price,per,currency,date\nprivigen,{},g,USD,2026-11-02\n"
    assert imported(client, table.format("98.5").encode(), name="own.csv")[0] == 303
    status, page = imported(client, table.format("99").encode(), name="own.csv")
    assert status == 422
    (words,) = errors(page)
    assert "tick the box below" in words
    assert "--" not in words
    assert imported(client, table.format("99").encode(), name="own.csv", replace="yes")[0] == 303


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "Choose a file|empty"),
        (LIMITS.read_bytes()[:1500], "cut off"),
        (CROSSWALK.read_bytes(), "crosswalk"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04junk", "zip cannot be read"),
        (b"product,price,per,currency,date\nnothing,5,g,USD,2026-11-02\n", "no product 'nothing'"),
        (b"product,price,per,currency,date\n<script>alert(1)</script>,5,g,USD,2026-11-02\n", "no product"),
    ],
)
def test_a_fault_is_one_line_and_changes_nothing(client: TestClient, raw: bytes, said: str) -> None:
    answer = client.post("/prices", files={"file": ("x.csv", raw)})
    assert answer.status_code == 422
    (words,) = errors(answer.text)
    assert re.search(said, unescape(words))
    assert "<script>alert" not in answer.text
    assert kept() == []


@pytest.mark.parametrize("identifier", ["cms_2025q4", "nothing", "../secret", "..%2f..%2fx"])
def test_what_is_not_imported_cannot_be_removed(client: TestClient, identifier: str) -> None:
    assert client.post("/prices/remove", data={"id": identifier}).status_code == 422
    assert client.get(f"/prices/list/{identifier.replace('cms', 'no')}").status_code in (404, 422)


def test_a_damaged_list_of_the_folder_is_said(client: TestClient) -> None:
    folder().mkdir(parents=True)
    (folder() / "own_bad.yaml").write_text("id: [", encoding="utf-8")
    page = client.get("/prices")
    assert page.status_code == 200
    assert "cannot be used" in page.text


def test_the_real_file_by_keyboard_and_without_scripts(browser: Browser, served: Served) -> None:
    for scripts in (True, False):
        with browser.new_context(java_script_enabled=scripts, bypass_csp=scripts) as context:
            context.add_cookies(
                [{"name": served.door.cookie, "value": served.door.session, "url": served.address}]
            )
            page = context.new_page()
            page.goto(f"{served.address}/prices")
            assert not scripts or axe(page) == []
            assert overflow(page) == 0
            if scripts:
                picture(page, "prices", height=1020)
            page.locator("#file").set_input_files(LIMITS)
            page.get_by_role("button", name="Import").focus()
            page.keyboard.press("Enter")
            page.wait_for_url("**/prices/imported/*")
            assert "nothing was written" in page.get_by_role("status").inner_text()
            assert not scripts or axe(page) == []
