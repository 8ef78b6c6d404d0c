"""Forms: what is typed is read as people write it, said back where it is wrong, and shown without running."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from globulin.asked import PatientAsked, RegimenAsked
from globulin.errors import InputError
from globulin.web import forms
from globulin.web.forms import Choice, Field, Filled, FormError, pairs_of, read, texts_of
from globulin.web.guard import Door, Guard
from web import sample
from web.conftest import ORIGIN, PORT, Served
from web.test_guard import ask, in_short, let_in

AXE = Path(__file__).parents[1] / "pages" / "axe.min.js"
WEIGHT = Field(name="weight_kg", label="Body weight", kind="number", unit="kg", low=2, high=400, example="62")
DOSES = Field(name="doses", label="Doses", kind="whole", low=1, high=500)
SEX = Field(
    name="sex", label="Sex", kind="choice", choices=(Choice("female", "Female"), Choice("male", "Male"))
)
RISKS = Field(name="risk", label="Risks", kind="several", choices=(Choice("a", "A"), Choice("b", "B")))
MIGRAINE = Field(name="migraine", label="Migraine", kind="three")
ONCE = Field(name="once", label="Once", kind="check")
NOTE = Field(name="note", label="Note")
LEVELS = Field(name="levels", label="Levels", kind="long")
ALL = (WEIGHT, DOSES, SEX, RISKS, MIGRAINE, ONCE, NOTE, LEVELS)


def one(field: Field, *texts: str) -> tuple[Any, str]:
    filled = read([(field.name, text) for text in texts], [field])
    return filled.values.get(field.name), filled.errors.get(field.name, "")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("62", 62.0),
        ("62.5", 62.5),
        ("62,5", 62.5),
        (" 62 kg ", 62.0),
        ("62kg", 62.0),
        ("+62", 62.0),
        ("0,625", None),
        ("2", 2.0),
        ("400", 400.0),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float | None) -> None:
    assert one(WEIGHT, text)[0] == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,000", "1,000 can be read in two ways: write 1000, or 1."),
        ("62,500", "62,500 can be read in two ways: write 62500, or 62.5."),
        ("1000", "1000 is outside the range: give 2 to 400 kg, such as 62."),
        ("\N{MINUS SIGN}5", "-5 is outside the range: give 2 to 400 kg, such as 62."),
        ("1.9999", "1.9999 is outside the range: give 2 to 400 kg, such as 62."),
        *(
            (text, "Give a number in kg, such as 62.")
            for text in (
                "nan",
                "inf",
                "1e2",
                "0x3E",
                "sixty",
                "6 2",
                "62 lb",
                "\u0666\u0662",
                "62..5",
                "--5",
                "1_0",
            )
        ),
        ("9" * 150, "Give a number in kg, such as 62."),
    ],
)
def test_what_is_no_number_is_said_in_words(text: str, words: str) -> None:
    assert one(WEIGHT, text) == (None, words)


@given(st.floats(2, 400, allow_nan=False))
def test_every_number_in_the_range_is_read_as_it_was_written(value: float) -> None:
    text = f"{value:.6f}"
    assert one(WEIGHT, text)[0] == float(text)
    # with a decimal comma it is the same, where it cannot be a thousands separator: six digits follow
    assert one(WEIGHT, text.replace(".", ","))[0] == float(text)


@given(st.text(max_size=200))
def test_no_text_is_more_than_a_value_or_an_error(text: str) -> None:
    for field in ALL:
        filled = read([(field.name, text)], ALL)
        assert not (field.name in filled.values and field.name in filled.errors)
        value = filled.values.get(field.name)
        if field is WEIGHT and value is not None:
            assert isinstance(value, float)
            assert 2 <= value <= 400


def test_each_kind_gives_its_value() -> None:
    assert one(DOSES, "13") == (13, "")
    assert isinstance(one(DOSES, "13")[0], int)
    assert one(DOSES, "13.5") == (None, "Give a whole number.")
    assert one(SEX, "female") == ("female", "")
    assert one(SEX, "other") == (None, "Choose one of the answers that are listed.")
    assert one(RISKS, "b", "a", "b") == (("b", "a"), "")
    assert one(RISKS, "c")[1] == "Choose one of the answers that are listed."
    assert [one(MIGRAINE, text)[0] for text in ("yes", "no", "")] == [True, False, None]
    assert one(MIGRAINE, "maybe")[1]
    assert one(ONCE, "yes") == (True, "")
    assert one(NOTE, " a note ") == ("a note", "")
    assert one(LEVELS, "0, 9.1\r\n28, 12.4") == ("0, 9.1\r\n28, 12.4", "")


@pytest.mark.parametrize("text", ["a\x00b", "a\x1b[31m", "a\nb", "a\u202eb", "a\u200bb"])
def test_what_cannot_be_printed_is_refused(text: str) -> None:
    assert one(NOTE, text) == (None, "There is a character in it that cannot be printed.")


def test_what_is_left_empty_is_no_value() -> None:
    filled = read([("weight_kg", " "), ("doses", ""), ("migraine", "")], ALL)
    assert (filled.values, filled.errors) == ({}, {})
    needed = Field(name="weight_kg", label="Body weight", kind="number", required=True)
    assert read([], [needed]).errors == {"weight_kg": "This is missing."}
    assert Filled(ALL).empty
    assert not read([("note", "a")], ALL).empty


@pytest.mark.parametrize(
    "sent",
    [
        [("odd", "1")],
        [("weight_kg", "62"), ("weight_kg", "63")],
        [("", "")],
        [("Weight_kg", "62")],
        [("note", "x" * 201)],
        [("levels", "x" * 20_001)],
        [("__class__", "x")],
    ],
)
def test_what_no_browser_sends_is_refused(sent: list[tuple[str, str]]) -> None:
    with pytest.raises(FormError) as caught:
        read(sent, ALL)
    assert "x" * 20 not in str(caught.value)


def test_a_form_fills_a_record_and_a_record_the_form() -> None:
    filled = read([("weight_kg", "62,5"), ("sex", "female"), ("note", "not a field of it")], ALL)
    record = filled.record(PatientAsked, has="migraine")
    assert record == PatientAsked(weight_kg=62.5, sex="female", has="migraine")
    assert texts_of(record, ALL) == {"weight_kg": ("62.5",), "sex": ("female",)}


@dataclass(frozen=True)
class Answers:
    weight_kg: float | None = None
    doses: int | None = None
    sex: str | None = None
    risk: tuple[str, ...] | None = None
    migraine: bool | None = None
    once: bool = False
    note: str | None = None


@given(
    st.builds(
        Answers,
        weight_kg=st.none() | st.integers(2_000, 400_000).map(lambda grams: grams / 1000),
        doses=st.none() | st.integers(1, 500),
        sex=st.none() | st.sampled_from(["female", "male"]),
        risk=st.none() | st.lists(st.sampled_from(["a", "b"]), min_size=1, unique=True).map(tuple),
        migraine=st.none() | st.booleans(),
        once=st.booleans(),
        note=st.none() | st.text("abc <>&\"'é", min_size=1).map(str.strip).filter(bool),
    )
)
def test_a_record_survives_being_typed(record: Answers) -> None:
    filled = read(pairs_of(texts_of(record, ALL)), ALL)
    assert filled.errors == {}
    assert filled.record(Answers) == record


def test_a_refusal_in_the_words_of_options_is_put_at_its_field() -> None:
    fields = (
        WEIGHT,
        DOSES,
        Field(name="dose_g", label="Dose", unit="g"),
        Field(name="dose_g_per_kg", label="Dose per kg"),
    )
    form = Filled(fields)
    assert form.blamed(InputError("--weight-kg 0: too light")).errors == {
        "weight_kg": "Body weight 0: too light"
    }
    both = form.blamed(InputError("--dose-g and --dose-g-per-kg both say the dose; give one of them"))
    assert both.errors == {"dose_g": "Dose and Dose per kg both say the dose; give one of them"}
    # an option that is no field of this form is left as it is, and speaks of the form as a whole
    other = form.blamed(InputError("--route is missing: it is made for iv and sc"))
    assert other.errors == {"": "--route is missing: it is made for iv and sc"}
    middle = form.blamed(InputError("the dose is missing: give --dose-g"))
    assert middle.errors == {"": "the dose is missing: give Dose"}


def test_the_range_is_said_in_words() -> None:
    assert WEIGHT.range == "2 to 400 kg, such as 62"
    assert Field(name="a", label="A", low=0.5, unit="g").range == "from 0.5 g"
    assert Field(name="a", label="A", high=3).range == "up to 3"
    assert Field(name="a", label="A").range == ""


def test_a_record_that_is_asked_for_has_a_place_for_every_name() -> None:
    filled = read([("doses", "13")], ALL)
    assert filled.record(RegimenAsked) == RegimenAsked(doses=13)
    with pytest.raises(KeyError):
        filled["odd"]


# --- what comes over the line ------------------------------------------------------------------------


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    app.include_router(sample.router)

    @app.post("/upload")
    async def upload(request: sample.Request) -> dict[str, Any]:
        got = await forms.posted(request)
        return {"pairs": got.pairs, "size": None if got.file is None else len(got.file)}

    return app


def test_an_upload_is_read_and_its_name_leads_nowhere(client: TestClient, tmp_path: Path) -> None:
    for name in (
        "plan.globulin.json",
        "../../../etc/passwd",
        "..\\..\\evil",
        "/etc/passwd",
        "a\x00b",
        "é" * 300,
    ):
        answer = client.post("/upload", data={"note": "a"}, files={"file": (name, b"{}")})
        assert answer.json() == {"pairs": [["note", "a"]], "size": 2}


def test_no_upload_is_written_to_disk(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: Any, **more: Any) -> Any:
        raise AssertionError("a file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", never)
    answer = client.post("/upload", files={"file": ("a", b"x" * 1_900_000)})
    assert answer.json()["size"] == 1_900_000


MULTIPART = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"weight_kg=62"),
        ("application/json", b'{"weight_kg": 62}'),
        ("", b"weight_kg=62"),
        ("multipart/form-data", b"--b--"),
        (MULTIPART, b""),
        (MULTIPART, b"nothing of the kind"),
        (MULTIPART, b"--b\r\n\r\n--b--\r\n"),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut sho'),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\na\r\n' * 301 + b"--b--\r\n"),
        (
            MULTIPART,
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\na\r\n' * 2 + b"--b--\r\n",
        ),
        ("application/x-www-form-urlencoded", b"&".join(b"note=a" for _ in range(301))),
        ("application/x-www-form-urlencoded", b"odd=1"),
    ],
)
def test_what_is_no_form_or_a_damaged_one_is_a_page_that_says_so(
    client: TestClient, kind: str, body: bytes
) -> None:
    answer = client.post("/sample", content=body, headers={"content-type": kind})
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text


@given(body=st.binary(max_size=300))
def test_no_body_breaks_it(body: bytes) -> None:
    door = Door(frozenset({ORIGIN}), PORT)
    app = FastAPI()

    @app.post("/")
    async def read_it(request: sample.Request) -> str:
        with suppress(FormError):
            await forms.posted(request)
        return "read or refused"

    app.add_middleware(Guard, door=door, refusals=in_short)
    for kind in (MULTIPART, "application/x-www-form-urlencoded"):
        said = let_in(door, content_type=kind)
        assert ask(app, "POST", "/", headers=said, chunks=(b"--b\r\n" + body,)).status == 200


# --- in a page ---------------------------------------------------------------------------------------

SCRIPTS = (
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "' autofocus onfocus='window.hit=1",
    "</textarea><script>window.hit=1</script>",
    "{{ 7*7 }}{% raw %}",
    "javascript:window.hit=1",
)


@pytest.fixture(scope="module")
def with_sample(served: Served) -> Served:
    served.app.include_router(sample.router)
    return served


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_in_a_field_runs(client: TestClient, script: str) -> None:
    texts = {field.name: script for field in sample.FIELDS if field.kind != "several"}
    address = client.post("/sample", data=texts).headers["location"]
    page = client.get(address).text
    if set(script) & set("<>\"'"):
        assert script not in page
    # a template in a field is text as well
    assert "49" not in page


def test_scripts_and_faults_in_a_browser(browser: Browser, with_sample: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(with_sample.opening)
    page.goto(f"{with_sample.address}/sample")
    for script in SCRIPTS:
        page.fill("#note", script)
        page.fill("#levels", script)
        page.click("button.main")
        page.wait_for_load_state()
        assert page.input_value("#note") == script
        assert page.input_value("#levels") == script
        assert page.evaluate("window.hit") is None
    # the summary leads to the field
    page.click("a[href='#weight_kg']")
    assert page.evaluate("document.activeElement.id") == "weight_kg"
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_every_part_is_accessible(browser: Browser, with_sample: Served, width: int, theme: Any) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(with_sample.opening)
    for fill in (False, True):
        page.goto(f"{with_sample.address}/sample")
        if fill:
            page.fill("#weight_kg", "1000")
            page.click("button.main")
            page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    context.close()
