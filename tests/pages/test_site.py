"""The page is whole: every record on it, every link resolved, nothing fetched, nothing unescaped."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from globulin.dossier import KINDS, Dossier
from globulin.dossier.provenance import Source
from globulin.errors import InputError
from globulin.findings import Findings, find, used_sources
from globulin.library import open_dossier
from globulin.pages import site, words
from globulin.pages.charts import Chart
from globulin.pages.drawn import all_charts
from globulin.pages.facts import anchor
from globulin.pages.site import page_html, write_site

DAY = date(2025, 11, 22)


class Reader(HTMLParser):
    """Tags, ids, links and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self.tags: Counter[str] = Counter()
        self.headings: list[int] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("href", "src", "srcset", "poster", "data", "action", "background"):
                self.requests.append((tag, value or ""))
            assert not name.startswith("on"), f"{tag} has the handler {name}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@cache
def bundled() -> tuple[Dossier, Findings, tuple[Chart, ...]]:
    dossier = open_dossier()
    findings = find(dossier)
    return dossier, findings, all_charts(dossier, findings)


@cache
def html() -> str:
    dossier, findings, charts = bundled()
    return page_html(dossier, findings, version="1.2.3", made_on=DAY, charts=charts)


@cache
def read() -> Reader:
    reader = Reader()
    reader.feed(html())
    return reader


def plain() -> str:
    return re.sub(r"\s+", " ", "".join(read().text))


def test_every_record_of_the_dossier_is_on_the_page() -> None:
    dossier, _, _ = bundled()
    ids = set(read().ids)
    for kind in KINDS:
        for identifier in getattr(dossier, kind.folder):
            assert anchor(kind.name, identifier) in ids, f"{kind.name} {identifier} is missing"
    fields = set(Dossier.model_fields) - {"content_sha256"}
    assert fields == {kind.folder for kind in KINDS}, "a kind of record has no place on the page"


def test_every_claim_is_answered_with_its_verdict() -> None:
    _, findings, _ = bundled()
    shown = plain()
    assert len(findings.claims) == 32
    for item in findings.claims:
        assert f"claim-{item.claim.id}" in read().ids
        article = html().split(f'id="claim-{item.claim.id}"')[1].split("</article>")[0]
        assert words.VERDICTS[item.claim.verdict][1] in article
        assert "We found:" in article
        assert re.sub(r"\s+", " ", words.prose(item.finding)) in shown
        for see in item.claim.see:
            kind, _, identifier = see.partition(":")
            assert f'href="#{anchor(kind, identifier)}"' in article


def test_every_internal_link_resolves_and_no_id_stands_twice() -> None:
    reader = read()
    assert len(reader.ids) == len(set(reader.ids))
    ids = set(reader.ids)
    dangling = {link for link in reader.links if link.startswith("#") and link[1:] not in ids}
    assert not dangling
    beside = {link for link in reader.links if not link.startswith(("#", "http://", "https://"))}
    assert beside == {"globulin.pdf", "dossier.json"}


def test_every_source_a_result_rests_on_is_listed_and_linked_from_the_text() -> None:
    dossier, findings, _ = bundled()
    links = set(read().links)
    for identifier in used_sources(dossier, findings):
        assert f"source-{identifier}" in read().ids
        assert f"#source-{identifier}" in links


def test_source_numbers_are_one_sequence_in_the_order_of_the_list() -> None:
    numbers = [int(n) for n in re.findall(r'<li id="source-[^"]*" value="(\d+)"', html())]
    assert numbers == list(range(1, len(bundled()[0].sources) + 1))


def test_what_is_missing_or_unverified_is_said_in_words() -> None:
    dossier, _, _ = bundled()
    assert plain().count("not known:") > 50
    assert "unverified" in plain()
    for product in dossier.products.values():
        for use in product.uses:
            if not use.sources:
                record = html().split(f'id="product-{product.id}"')[1].split('id="product-')[0]
                assert '<span class="flag">unverified</span>' in record


def test_no_cell_is_blank() -> None:
    cells = re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", html(), re.DOTALL)
    blank = [cell for cell in cells if not re.sub(r"<[^>]+>|\s", "", cell)]
    assert not blank


def test_the_computed_numbers_are_on_the_page() -> None:
    _, findings, _ = bundled()
    shown = plain()
    for effect in findings.trials.effects:
        if effect.smd is not None:
            assert words.estimate(effect.smd, effect.ci_lower or 0, effect.ci_upper or 0) in shown
    for answer in findings.trials.answers:
        for bayes in answer.bayes:
            assert words.estimate(bayes.median, bayes.ci_lower, bayes.ci_upper) in shown
            assert words.probability(bayes.probability_worth_it) in shown
    for row in findings.regimens:
        if row.cheapest is not None and row.origin != "neighbour":
            assert words.money(row.cheapest.per_28_day, row.cheapest.price.currency) in shown


def test_one_minute_is_short_and_gives_no_order() -> None:
    part = html().split('<section id="minute"')[1].split("</section>")[0]
    items = re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    assert 5 <= len(items) <= 7
    text = re.sub(r"<a class=.src.*?</a>|<[^>]+>", "", part)
    assert len(text.split()) < 330
    assert not re.search(r"\b(you should|take|must be given|we recommend)\b", text, re.IGNORECASE)


def test_header_and_footer_say_that_it_informs_and_does_not_prescribe() -> None:
    for tag in ("header", "footer"):
        part = re.search(rf"<{tag}[ >].*?</{tag}>", html(), re.DOTALL)
        assert part
        assert "It informs; it does not prescribe." in part[0]


def test_headings_are_in_order_and_there_is_one_h1() -> None:
    levels = read().headings
    assert levels.count(1) == 1
    assert levels[0] == 1
    for earlier, later in pairwise(levels):
        assert later <= earlier + 1


def test_nothing_is_fetched_and_nothing_runs() -> None:
    reader = read()
    assert not {"script", "iframe", "object", "embed", "img", "form", "base"} & set(reader.tags)
    assert set(reader.requests) == {("link", "data:,"), ("link", "assets/site.css")}
    sheet = site._assets()["assets/site.css"].decode()
    assert "@import" not in sheet
    for address in re.findall(r"url\(([^)]*)\)", sheet):
        assert f"assets/{address.strip(chr(34))}" in site._assets()
    assert "url(http" not in html()


def test_addresses_are_links_only_where_they_are_web_addresses() -> None:
    for link in read().links:
        assert link.startswith(("#", "https://", "http://")) or link in ("globulin.pdf", "dossier.json")


def hostile() -> tuple[Dossier, Findings]:
    """The bundled dossier with text that would act as markup if it could."""
    dossier, _, _ = bundled()
    bad = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7*7 }}"
    lloyd = dossier.studies["lloyd_1990"].model_copy(update={"name": bad})
    product = dossier.products["gamastan"].model_copy(update={"name": bad, "maker": bad})
    source = Source(id="bad", title=bad, kind="paper", seen="abstract", url="javascript:alert(1)", note=bad)
    report = dossier.reports["teitelbaum"].model_copy(update={"says": bad, "source": "bad"})
    changed = dossier.model_copy(
        update={
            "studies": {**dossier.studies, "lloyd_1990": lloyd},
            "products": {**dossier.products, "gamastan": product},
            "sources": {**dossier.sources, "bad": source},
            "reports": {**dossier.reports, "teitelbaum": report},
        }
    )
    return changed, find(changed)


def test_hostile_text_stays_text() -> None:
    dossier, findings = hostile()
    text = page_html(dossier, findings, version="<b>", made_on=None)
    reader = Reader()
    reader.feed(text)
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert "<b>" not in text
    assert "49" not in re.findall(r"alert\(1\)&gt;[^{<]*(\d\d)", text)
    assert "{{ 7*7 }}" in text
    assert not any(link.startswith("javascript:") for link in reader.links)
    assert "javascript:alert(1)" in "".join(reader.text)


def test_same_arguments_same_text() -> None:
    dossier, findings, charts = bundled()
    assert page_html(dossier, findings, version="1.2.3", made_on=DAY, charts=charts) == html()


def test_date_version_and_content_are_named() -> None:
    dossier, _, _ = bundled()
    assert "22 November 2025" in plain()
    assert "globulin 1.2.3" in plain()
    assert dossier.content_sha256 in plain()
    assert "globulin cite" in plain()


def test_a_page_without_trials_still_stands() -> None:
    dossier, findings, _ = bundled()
    nothing = replace(findings, trials=replace(findings.trials, effects=(), answers=(), outside=()))
    assert "No trial can be pooled." in page_html(dossier, nothing, version="1", made_on=None)


# --- writing ---------------------------------------------------------------------------------------


def write(out: Path, **extra: bytes) -> tuple[Path, ...]:
    dossier, findings, charts = bundled()
    files = {name.replace("_", "."): data for name, data in extra.items()}
    return write_site(out, page_html(dossier, findings, version="1", made_on=DAY, charts=charts), files)


def test_the_folder_holds_page_sheet_fonts_and_extra_files(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "page"
    written = write(out, globulin_pdf=b"%PDF")
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == {
        "index.html",
        "globulin.pdf",
        "assets/site.css",
        "assets/SourceSans3VF-Upright.woff2",
        "assets/SourceSans3VF-Italic.woff2",
        "assets/OFL.txt",
    }
    assert {p for p in out.rglob("*") if p.is_file()} == set(written)
    assert (out / "globulin.pdf").read_bytes() == b"%PDF"
    assert list(out.parent.iterdir()) == [out]
    assert out.stat().st_mode & 0o055


def test_writing_again_replaces_the_page_and_leaves_other_files(tmp_path: Path) -> None:
    out = tmp_path / "page"
    write(out)
    (out / "mine.txt").write_text("keep")
    (out / "index.html").write_text("old")
    write(out)
    assert (out / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (out / "mine.txt").read_text() == "keep"
    assert list(tmp_path.iterdir()) == [out]


def test_a_run_that_fails_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "page"
    write(out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}

    def broken(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", broken)
    with pytest.raises(OSError, match="No space"):
        write(out)
    monkeypatch.undo()
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    out = tmp_path / "page"
    out.write_text("I am a file")
    with pytest.raises(InputError, match="is a file"):
        write(out)


def test_what_an_answer_rests_on_carries_its_sources() -> None:
    """C11 speaks of 43% and 64% in Peterson 1990: the abstract that prints them is marked at the claim."""
    dossier, findings, charts = bundled()
    html = page_html(dossier, findings, version="1", made_on=DAY, charts=charts)
    claim = html[html.index('id="claim-c11"') : html.index('id="claim-c12"')]
    assert "#source-peterson_1990_abstract" in claim
