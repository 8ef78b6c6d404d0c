"""The printed page: accessible, complete, the same bytes each time, and deaf to markup in what it prints."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pypdf
import pytest

from globulin.dossier import Dossier
from globulin.dossier.claim import ClaimList
from globulin.errors import RenderError
from globulin.findings import Findings, find
from globulin.library import open_dossier
from globulin.pages import documents, references, typesetting, words
from globulin.pages.charts import Chart
from globulin.planning.dosing import Amount

VERSION = "9.8.7"
DAY = date(2026, 1, 31)
HOSTILE = '#panic("x") $x^2$ *bold* _slant_ @nobody <label> `raw` // note \\ [ ] = head #{1/0} ~ "q"'


def squeezed(text: str) -> str:
    """Without white space, since a line break may fall anywhere."""
    return re.sub(r"\s+", "", text)


def printed(text: str) -> str:
    """How a text of the dossier is looked for on paper."""
    return squeezed(references.prose(text))


def texts(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


@pytest.fixture(scope="module")
def findings(dossier: Dossier) -> Findings:
    return find(dossier)


@pytest.fixture(scope="module")
def pdf(dossier: Dossier, findings: Findings) -> bytes:
    return documents.living_page_pdf(dossier, findings, version=VERSION, made_on=DAY)


@pytest.fixture(scope="module")
def pages(pdf: bytes) -> list[str]:
    return [squeezed(page) for page in texts(pdf)]


@pytest.fixture(scope="module")
def text(pages: list[str]) -> str:
    return "".join(pages)


def test_is_tagged_titled_and_marked_as_accessible(pdf: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    assert b'pdfuaid:part="1"' in pdf or b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert reader.metadata is not None
    assert reader.metadata.title == "Immune globulin in ME/CFS and fibromyalgia: what is known"
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    kinds = set(re.findall(rb"/S ?/(Table|TH|TD|Figure|Caption|H1|H2|LI|Link)\b", pdf)) or _tags(reader)
    assert {"Table", "TH", "TD", "Figure", "H1", "H2", "LI", "Link"} <= {
        kind.decode() if isinstance(kind, bytes) else kind for kind in kinds
    }


def _tags(reader: pypdf.PdfReader) -> set[str]:
    """Every kind of structure element."""
    found: set[str] = set()
    waiting = [reader.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop()
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            found.add(str(node.get("/S", "")).removeprefix("/"))
            if "/K" in node:
                waiting.append(node["/K"])
    return found


def test_every_page_says_that_it_informs_only(pages: list[str], dossier: Dossier) -> None:
    assert 8 <= len(pages) <= 18
    for number, flat in enumerate(pages, start=1):
        assert squeezed("Informs, does not prescribe") in flat
        assert squeezed(f"Page {number} of {len(pages)}") in flat
        assert squeezed(f"content {dossier.content_sha256[:12]}") in flat


def test_all_eleven_sections_are_there_in_order(pdf: bytes) -> None:
    outline = pypdf.PdfReader(io.BytesIO(pdf)).outline
    assert [str(entry["/Title"]) for entry in outline if not isinstance(entry, list)] == [
        "In one minute",
        "What it is and what it is approved for",
        "What the trials found",
        "What doctors report",
        "Doses compared",
        "What it costs",
        "What can go wrong",
        "The source page, claim by claim",
        "Open questions and trials under way",
        "Sources",
        "How this page was made",
    ]


def test_every_claim_is_answered_with_its_verdict(text: str, findings: Findings) -> None:
    assert len(findings.claims) == 32
    for answered in findings.claims:
        assert printed(answered.claim.says) in text
        assert printed(answered.finding) in text
        assert squeezed(words.VERDICTS[answered.claim.verdict][1]) in text


def test_the_three_answers_stand_together_with_the_numbers_of_the_findings(
    text: str, findings: Findings
) -> None:
    for answer in findings.trials.answers:
        assert printed(answer.title) in text
        assert printed(answer.words) in text
        if (summary := answer.frequentist) is not None:
            middle = words.fixed(summary.estimate)
            wald = words.bounds(summary.wald_lower, summary.wald_upper)
            knapp = words.bounds(summary.hartung_knapp_lower, summary.hartung_knapp_upper)
            assert squeezed(f"{middle} ({wald}){middle} ({knapp})") in text
        for bayes in answer.bayes:
            assert squeezed(words.estimate(bayes.median, bayes.ci_lower, bayes.ci_upper)) in text


def test_every_regimen_with_an_amount_is_in_the_table(text: str, findings: Findings) -> None:
    for row in findings.regimens:
        if isinstance(row.amount, Amount) and row.amount.mg_per_kg_per_28_day:
            assert printed(row.label) in text
            low, high = row.mean_rise_range or (0.0, 0.0)
            assert squeezed(words.span(low, high)) in text


def test_every_hazard_product_and_report_is_named(text: str, dossier: Dossier) -> None:
    for hazard in dossier.hazards.values():
        assert printed(hazard.name) in text
    for product in dossier.products.values():
        assert printed(product.name) in text
    for report in dossier.reports.values():
        assert printed(report.who) in text
    assert text.index(squeezed("Boxed warnings")) < text.index(squeezed("Other harms"))


def test_references_are_numbered_without_gaps_and_each_is_listed(
    dossier: Dossier, findings: Findings, text: str
) -> None:
    page = references.PrintedPage(dossier, findings)
    assert [run["text"] for run in page.refs(["a", "b", "c", "a"])] == ["1\N{EN DASH}3"]
    assert [run["text"] for run in page.refs(["e", "b"])] == ["2", "4"]
    content = documents._content(dossier, findings, (), VERSION, None)
    numbers = [source["number"] for source in content["sources"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(printed(source["title"]) in text for source in content["sources"])


def test_same_arguments_give_the_same_bytes_and_another_day_does_not(
    dossier: Dossier, findings: Findings
) -> None:
    def made(day: date | None) -> bytes:
        return documents.living_page_pdf(dossier, findings, version=VERSION, made_on=day, charts=())

    undated, dated = made(None), made(DAY)
    assert dated == made(DAY)
    assert undated != dated
    assert b"CreationDate" not in undated
    assert b"D:20260131000000" in dated


def test_markup_in_a_dossier_is_printed_as_it_stands(dossier: Dossier, findings: Findings) -> None:
    name, reports = next(iter(dossier.reports.items()))
    claims = {
        key: ClaimList.model_construct(**{**dict(entry), "title": f"T {HOSTILE}"})
        for key, entry in dossier.claims.items()
    }
    spoiled = dossier.model_copy(
        update={
            "reports": {**dossier.reports, name: reports.model_copy(update={"says": f"S {HOSTILE}"})},
            "claims": claims,
            "sources": {
                key: source.model_copy(update={"title": f"{key} {HOSTILE}", "url": f'javascript:"{HOSTILE}"'})
                for key, source in dossier.sources.items()
            },
        }
    )
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0L9 9"/></svg>'
    chart = Chart("chart-forest", f"C {HOSTILE}", f"A {HOSTILE}", "", drawing, (), ())
    pdf = documents.living_page_pdf(spoiled, findings, version=HOSTILE, made_on=None, charts=(chart,))
    text = squeezed("".join(texts(pdf)))
    for start in ("S ", "T ", "C ", "lloyd_1990_abstract ", "Made by globulin "):
        assert squeezed(start + HOSTILE) in text
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    links = [
        annotation.get_object().get("/A", {}).get("/URI", "")
        for page in reader.pages
        for annotation in page.get("/Annots", [])
    ]
    assert all(not str(link).startswith("javascript") for link in links)


def test_another_dossier_says_nothing_that_only_holds_for_ours() -> None:
    toy = open_dossier(Path(__file__).parents[1] / "toy")
    pdf = documents.living_page_pdf(toy, find(toy), version=VERSION, made_on=None, charts=())
    text = squeezed("".join(texts(pdf)))
    assert squeezed("Toy A 1990") in text
    for ours in ("Lloyd", "among them the largest", "None of these uses is ME/CFS"):
        assert squeezed(ours) not in text


def test_a_character_that_the_font_lacks_is_an_error_and_not_a_gap(
    dossier: Dossier, findings: Findings
) -> None:
    with pytest.raises(RenderError, match=r"could not be displayed with font"):
        documents.living_page_pdf(dossier, findings, version="\N{SNOWMAN}", made_on=None, charts=())


def test_a_warning_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Warned:
        message = "unknown font family: nowhere"

    class Compiler:
        def __init__(self, **_: object) -> None:
            pass

        def compile_with_warnings(self, **_: object) -> tuple[bytes, list[Warned]]:
            return b"%PDF", [Warned()]

    monkeypatch.setattr(typesetting.typst, "Compiler", Compiler)
    with pytest.raises(RenderError, match="unknown font family: nowhere"):
        typesetting.compile_pdfs({"living_page.typ": {}}, None)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("-0.5 to -0.1", "\N{MINUS SIGN}0.5 to \N{MINUS SIGN}0.1"),
        ("two-thirds, 3-4, C-1", "two-thirds, 3-4, C-1"),
        ("give 2 mL  a\nweek", "give 2\N{NO-BREAK SPACE}mL a week"),
    ],
)
def test_prose(given: str, shown: str) -> None:
    assert references.prose(given) == shown
