"""A plan on paper and in a terminal: what was given is there, what was not is a blank, nothing is clipped."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest
from rich.console import Console

from globulin.dossier.letter import Diagnosis, EarlierTreatment, LetterFacts
from globulin.dossier.patient import Patient
from globulin.dossier.treatment import Dose
from globulin.errors import RenderError
from globulin.exposure.facts import catalogue
from globulin.library import open_dossier
from globulin.pages import plan_words, words
from globulin.pages.plan_documents import plan_documents
from globulin.pages.plan_view import plan_view
from globulin.planning.infusion import InfusionPlan
from globulin.planning.plan import Plan, PlanRequest, Reaction, make_plan
from globulin.planning.refusal import Refusal

DAY = date(2025, 11, 3)
Make = Callable[..., Plan]

LETTER = LetterFacts(
    patient_name="Ada Example",
    date_of_birth=date(1990, 2, 3),
    member_id="M-77 321",
    payer="Example Health",
    clinician="Dr B. Example",
    clinic="Example Clinic, 1 Road, Town",
    contact="555 0100",
    site_of_care="the infusion clinic",
    diagnoses=(
        Diagnosis(code="G93.32", text="Myalgic encephalomyelitis"),
        Diagnosis(code="M79.7", text="Fibromyalgia"),
    ),
    history="Ill since an infection in 2019; in bed most of the day",
    function_scores="SF-36 PF 15 (1 October 2025)",
    laboratory="IgG 9.8 g/L (2 October 2025)",
    earlier_treatments=(EarlierTreatment(what="Pacing", when="since 2020", outcome="fewer relapses"),),
    safety="A blood thinner on the day",
    goals="SF-36 PF up by 10 points",
    course_week=26,
    review_week=24,
    stop_rule="No gain of 10 points by week 24",
    alternatives="Nothing else is known to help",
    attachments="plan.pdf",
)
BLANKS = {
    "name",
    "date of birth",
    "number with the payer",
    "payer",
    "how long",
    "site of care",
    "diagnosis with its ICD-10-CM code",
    "course of the illness and what the patient can no longer do",
    "scores with dates",
    "results with dates",
    "treatment, dates, what came of it",
    "what is done about risks",
    "what should get better, and by how much",
    "week after the first dose",
    "rule agreed beforehand",
    "what else was considered, and why not",
    "what is sent along",
    "name of the clinician",
    "clinic and address",
    "contact for a talk between doctors",
}


@pytest.fixture(scope="module")
def facts() -> Any:
    dossier = open_dossier()
    names = (
        "products", "hazards", "conditions", "guidance", "instruments", "studies", "sources", "prices",
    )  # fmt: skip
    return SimpleNamespace(
        models=catalogue(dossier.kinetics), **{name: getattr(dossier, name) for name in names}
    )


@pytest.fixture(scope="module")
def make(facts: Any) -> Make:
    def plan(patient: Patient, *asked: Any, price: str = "cms_2025q4", **more: Any) -> Plan:
        prices = facts.prices[price]
        return make_plan(facts, patient, PlanRequest(*asked, **more), price=prices, as_of=DAY)

    return plan


@pytest.fixture(scope="module")
def bare(make: Make) -> Plan:
    """Nothing is known of the person but the weight."""
    return make(Patient(label="Case 7", weight_kg=70), "privigen", "iv", Dose(g_per_kg=0.4), 28)


@pytest.fixture(scope="module")
def bare_pdfs(bare: Plan, facts: Any) -> dict[str, bytes]:
    return plan_documents(bare, facts, DAY)


@pytest.fixture(scope="module")
def told(make: Make) -> Plan:
    patient = Patient(
        label="Case 8",
        weight_kg=70,
        height_cm=168,
        sex="female",
        age_year=34,
        conditions={"prolonged_immobility": True, "migraine": False},
        letter=LETTER,
    )
    return make(patient, "octagam_10", "iv", Dose(g_per_kg=1), 28)


@pytest.fixture(scope="module")
def told_pdfs(told: Plan, facts: Any) -> dict[str, bytes]:
    return plan_documents(told, facts, DAY)


def squeezed(text: str) -> str:
    """Without white space and marks for breaks, since a line break may fall anywhere."""
    return re.sub("[\\s\N{ZERO WIDTH SPACE}]+", "", text)


@cache
def read(pdf: bytes) -> tuple[list[str], list[str]]:
    """The text of each page, and text that starts outside its page, which nobody would see."""
    found: list[str] = []
    lost: list[str] = []
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        width, height = float(page.mediabox.width), float(page.mediabox.height)

        def look(part: str, cm: list[float], tm: list[float], *_: Any) -> None:
            x, y = cm[0] * tm[4] + cm[4], cm[3] * tm[5] + cm[5]
            if part.strip() and not (0 <= x <= width and 0 <= y <= height):  # noqa: B023
                lost.append(part)

        found.append(page.extract_text(visitor_text=look))
    return found, lost


def pages(pdf: bytes) -> list[str]:
    return [squeezed(page) for page in read(pdf)[0]]


def text(pdf: bytes) -> str:
    return "".join(pages(pdf))


def outside(pdf: bytes) -> list[str]:
    return read(pdf)[1]


def says(pdf: bytes, *phrases: str) -> None:
    found = text(pdf)
    for phrase in phrases:
        assert squeezed(phrase) in found, phrase


def blanks(pdf: bytes) -> set[str]:
    found = text(pdf)
    return {name for name in BLANKS if squeezed(f"({name})") in found}


def kinds(reader: pypdf.PdfReader) -> set[str]:
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


# --- all three --------------------------------------------------------------------------------------


def test_there_are_three_documents_tagged_and_marked_as_accessible(bare_pdfs: dict[str, bytes]) -> None:
    assert list(bare_pdfs) == ["plan.pdf", "patient_sheet.pdf", "letter.pdf"]
    titles = ["Plan for Case 7: Privigen", "Your immune globulin plan in plain words"]
    titles.append("Request for coverage: Privigen")
    for pdf, title in zip(bare_pdfs.values(), titles, strict=True):
        reader = pypdf.PdfReader(io.BytesIO(pdf))
        root = reader.trailer["/Root"]
        assert b'pdfuaid:part="1"' in pdf or b"<pdfuaid:part>1</pdfuaid:part>" in pdf
        assert reader.metadata is not None
        assert reader.metadata.title == title
        assert root["/Lang"] == "en-GB"
        assert root["/MarkInfo"]["/Marked"]
        assert {round(float(page.mediabox.width)) for page in reader.pages} == {595}  # A4, in points
    assert {"Table", "TH", "TD", "H1", "LI", "Link"} <= kinds(
        pypdf.PdfReader(io.BytesIO(bare_pdfs["plan.pdf"]))
    )


def test_every_document_bears_its_date_and_page(bare_pdfs: dict[str, bytes]) -> None:
    for pdf in bare_pdfs.values():
        found = pages(pdf)
        for number, page in enumerate(found, start=1):
            assert squeezed(f"Page {number} of {len(found)}") in page
            assert squeezed("3 November 2025") in page
    says(bare_pdfs["plan.pdf"], "It informs; it does not prescribe. Check against the current label.")
    says(bare_pdfs["patient_sheet.pdf"], "It informs; it does not prescribe.")


def test_same_plan_same_bytes_and_another_day_does_not(
    bare: Plan, facts: Any, bare_pdfs: dict[str, bytes]
) -> None:
    assert plan_documents(bare, facts, DAY) == bare_pdfs
    other = plan_documents(bare, facts, date(2025, 11, 4))
    assert all(other[name] != pdf for name, pdf in bare_pdfs.items())


OTHERS = {
    "under the skin": ("hizentra", "sc", Dose(g_per_kg=0.1), 7, {}),
    "facilitated": ("hyqvia", "fsc", Dose(g_per_kg=0.4), 28, {}),
    "into a muscle": ("gamastan", "im", Dose(ml=2, of="gamastan"), 7, {"doses": 6}),
    "once, no rates, no price": ("subgam", "sc", Dose(g=5), None, {}),
    "five days": ("privigen", "iv", Dose(g_per_kg=2), 28, {"split_over_days": 5}),
    "reaction": ("gammaplex_5", "iv", Dose(g_per_kg=0.4), 28, {"indication": "pi", "reaction": Reaction(40)}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_route_and_every_refusal_can_be_printed(make: Make, facts: Any, name: str) -> None:
    product, route, dose, interval, more = OTHERS[name]
    plan = make(Patient(label="x", weight_kg=70), product, route, dose, interval, **more)
    pdfs = plan_documents(plan, facts, DAY)
    assert len(pages(pdfs["plan.pdf"])) <= 2
    assert len(pages(pdfs["patient_sheet.pdf"])) == len(pages(pdfs["letter.pdf"])) == 1
    for pdf in pdfs.values():
        assert outside(pdf) == []
        says(pdf, plan.product.name.split()[0])
    for part in (plan.administration, plan.cost):
        if isinstance(part, Refusal):
            says(pdfs["plan.pdf"], plan_words.no_answer(part))
    if name == "reaction":
        says(pdfs["plan.pdf"], "stopped", "resumed at the rate that was tolerated before")


def test_what_the_font_lacks_is_an_error_and_not_a_gap(bare: Plan, facts: Any) -> None:
    plan = replace(bare, patient=Patient(label="\N{SNOWMAN}", weight_kg=70))
    with pytest.raises(RenderError, match="could not be displayed with font"):
        plan_documents(plan, facts, DAY)


def test_markup_in_what_was_given_is_printed_as_it_stands(bare: Plan, facts: Any) -> None:
    hostile = '#panic("x") $x$ *bold* _a_ @no <l> `raw` // n'
    letter = LetterFacts(patient_name=hostile, goals=hostile, stop_rule=hostile)
    plan = replace(bare, patient=Patient(label=hostile, weight_kg=70, letter=letter))
    for pdf in plan_documents(plan, facts, DAY).values():
        says(pdf, hostile)
    console = Console(width=80, record=True, file=io.StringIO())
    marked = Patient(label="[red]x", weight_kg=70, letter=LetterFacts(stop_rule="[bold]y"))
    console.print(plan_view(replace(bare, patient=marked)))
    shown = console.export_text()
    assert "[red]x" in shown
    assert "[bold]y" in shown


# --- the plan ---------------------------------------------------------------------------------------


def test_the_plan_is_at_most_two_pages_when_nothing_is_known_and_when_much_is_wrong(
    make: Make, facts: Any, bare_pdfs: dict[str, bytes], told_pdfs: dict[str, bytes]
) -> None:
    everything = dict.fromkeys(facts.conditions, True)
    patient = Patient(
        label="x", weight_kg=120, height_cm=165, sex="female", age_year=70, conditions=everything
    )
    worst = make(patient, "privigen", "iv", Dose(g_per_kg=2), 28, split_over_days=2)
    for pdf in (plan_documents(worst, facts, DAY)["plan.pdf"], *_plans(bare_pdfs, told_pdfs)):
        assert len(pages(pdf)) <= 2
        assert outside(pdf) == []
    assert worst.screening.verdict == "stop"


def _plans(*documents: dict[str, bytes]) -> list[bytes]:
    return [each["plan.pdf"] for each in documents]


def test_the_step_table_is_the_infusion_that_was_planned(bare: Plan, bare_pdfs: dict[str, bytes]) -> None:
    given = bare.administration
    assert isinstance(given, InfusionPlan)
    rows = [step for step in given.steps if step.mg_per_kg_min]
    for step in rows:
        cells = (step.from_minute, step.to_minute)
        row = "".join(f"{minute:.0f}" for minute in cells) + words.number(step.ml_per_h)
        says(bare_pdfs["plan.pdf"], row)
    says(bare_pdfs["plan.pdf"], plan_words.duration(given.total_minutes))
    assert any(step.local_practice for step in rows)
    says(bare_pdfs["plan.pdf"], "Local practice, not the label", "Initials")


def test_the_verdict_and_every_open_question_are_on_the_plan(bare: Plan, bare_pdfs: dict[str, bytes]) -> None:
    assert bare.screening.verdict == "caution"
    assert len(bare.screening.questions) > 10
    says(bare_pdfs["plan.pdf"], "Screening: Caution", *(q.text for q in bare.screening.questions))
    says(bare_pdfs["plan.pdf"], *(found.name for found in bare.screening.findings))
    count = len(bare.screening.questions)
    says(bare_pdfs["patient_sheet.pdf"], f"{count} questions about you must still be answered")


def test_the_reasons_and_the_lower_limit_of_a_person_at_risk_are_on_the_plan(
    told: Plan, told_pdfs: dict[str, bytes]
) -> None:
    # Octagam 10%: 3.33 mg/kg/min for people at risk (label; 2 mL/kg/h of 100 mg/mL)
    says(told_pdfs["plan.pdf"], "Never above 3.33 mg/kg/min here: the limit of the label for people at risk.")
    for found in told.screening.findings:
        if found.known:
            says(told_pdfs["plan.pdf"], found.name, words.sentence(found.resolve))


def test_cost_stands_with_its_date_and_the_level_with_its_band(
    bare: Plan, bare_pdfs: dict[str, bytes]
) -> None:
    # 28 g from vials of 20 and 10 g at 101.474 USD a gram (CMS, fourth quarter 2025): 30 g cost 3,044.22
    says(bare_pdfs["plan.pdf"], "1 \N{MULTIPLICATION SIGN} 20 g (200 mL) and 1 \N{MULTIPLICATION SIGN} 10 g")
    says(bare_pdfs["plan.pdf"], "3,044 USD", "October to December 2025", "2 g left over", "models:")
    says(bare_pdfs["patient_sheet.pdf"], "3,044 USD every 4 weeks by prices of October to December 2025")


def test_sources_are_listed_without_gaps(bare_pdfs: dict[str, bytes]) -> None:
    before, after = text(bare_pdfs["plan.pdf"]).rsplit("Sources", 1)
    listed = [int(number) for number in re.findall(r"\[(\d+)\]", after)]
    assert listed == list(range(1, len(listed) + 1))
    cited = {int(n) for group in re.findall(r"\[([\d,]+)\]", before) for n in group.split(",")}
    assert {1} < cited <= set(listed)


# --- the letter -------------------------------------------------------------------------------------


def test_the_request_is_the_first_sentence_and_honest_about_the_label(told_pdfs: dict[str, bytes]) -> None:
    says(
        told_pdfs["letter.pdf"],
        "I ask you to cover Octagam 10% (HCPCS J1568[1]), 70 g into a vein every 4 weeks, for 26 weeks, given"
        " at the infusion clinic. This use is off-label",
    )


def test_every_fact_that_was_given_is_in_the_letter(told_pdfs: dict[str, bytes]) -> None:
    given = LETTER.model_dump()
    values = [value for value in given.values() if isinstance(value, str)]
    values += ["3 February 1990", "Pacing (since 2020): fewer relapses", "Week 24 after the first dose"]
    assert len(values) == 18
    says(told_pdfs["letter.pdf"], *values)
    assert blanks(told_pdfs["letter.pdf"]) == set()


def test_a_code_from_memory_is_marked_and_one_that_was_seen_is_not(told_pdfs: dict[str, bytes]) -> None:
    says(
        told_pdfs["letter.pdf"],
        "Fibromyalgia (ICD-10-CM M79.7) (this code is from memory and must be checked)",
    )
    says(told_pdfs["letter.pdf"], "Myalgic encephalomyelitis (ICD-10-CM G93.32)")
    assert text(told_pdfs["letter.pdf"]).count(squeezed("from memory")) == 1


def test_what_was_not_given_is_a_visible_blank(bare_pdfs: dict[str, bytes]) -> None:
    assert blanks(bare_pdfs["letter.pdf"]) == BLANKS


@pytest.mark.parametrize("field", ["history", "stop_rule", "site_of_care"])
def test_one_fact_fills_one_blank(bare: Plan, facts: Any, field: str) -> None:
    patient = Patient(label="x", weight_kg=70, letter=LetterFacts.model_validate({field: "Zebra"}))
    pdf = plan_documents(replace(bare, patient=patient), facts, DAY)["letter.pdf"]
    assert len(blanks(pdf)) == len(BLANKS) - 1
    says(pdf, "Zebra")


def test_the_letter_cites_every_trial_the_negative_ones_first(
    bare: Plan, bare_pdfs: dict[str, bytes]
) -> None:
    found = text(bare_pdfs["letter.pdf"])
    trials = bare.evidence.trials
    assert {trial.found for trial in trials} >= {"favours", "no_clear_difference"}
    for trial in trials:
        assert squeezed(plan_words.trial(trial)) in found
    at = {trial.name: found.index(squeezed(plan_words.trial(trial))) for trial in trials}
    negative = max(at[trial.name] for trial in trials if trial.found == "no_clear_difference")
    assert negative < min(at[trial.name] for trial in trials if trial.found == "favours")
    # two of the five found people better and two found no clear difference, by the records of the trials
    says(
        bare_pdfs["letter.pdf"],
        "Of five randomised trials in ME/CFS and fibromyalgia, two found people better",
    )


@pytest.mark.parametrize("word", ["relapse ", "relapsing"], ids=["words", "one long word"])
def test_the_longest_letter_fits_one_page_and_nothing_is_lost(make: Make, facts: Any, word: str) -> None:
    def long(most: int) -> str:
        return (word * most)[: most - 1].replace(" ", " ").strip() + "Q"

    letter = LetterFacts(
        patient_name=long(60),
        date_of_birth=date(1980, 12, 31),
        member_id=long(30),
        payer=long(60),
        clinician=long(60),
        clinic=long(100),
        contact=long(100),
        site_of_care=long(60),
        diagnoses=tuple(Diagnosis(code=code, text=long(100)) for code in ("G93.32", "M79.7", "D80.3")),
        history=long(600),
        function_scores=long(300),
        laboratory=long(300),
        earlier_treatments=(EarlierTreatment(what=long(60), when=long(30), outcome=long(100)),) * 4,
        safety=long(300),
        goals=long(300),
        course_week=26,
        review_week=26,
        stop_rule=long(300),
        alternatives=long(300),
        attachments=long(100),
    )
    conditions = dict.fromkeys(facts.conditions, True)
    patient = Patient(label="x", weight_kg=105, age_year=70, conditions=conditions, letter=letter)
    plan = make(patient, "privigen", "iv", Dose(g_per_kg=2), 28, split_over_days=5)
    pdfs = plan_documents(plan, facts, DAY)
    assert len(pages(pdfs["letter.pdf"])) == len(pages(pdfs["patient_sheet.pdf"])) == 1
    # each long text ends in a Q of its own: 10 of one line or more, 3 diagnoses, 4 times 3 of treatments
    assert text(pdfs["letter.pdf"]).count("Q") >= 15 + 3 + 12
    assert outside(pdfs["letter.pdf"]) == []
    assert outside(pdfs["patient_sheet.pdf"]) == []


# --- the patient sheet and the terminal -------------------------------------------------------------


def test_the_sheet_says_what_to_watch_for_and_that_it_may_not_help(
    bare_pdfs: dict[str, bytes], facts: Any
) -> None:
    signs = [said.says for said in facts.guidance["warning_signs"].statements]
    assert len(signs) == 6
    says(bare_pdfs["patient_sheet.pdf"], *signs, "it may help some people and do nothing for others")
    says(bare_pdfs["patient_sheet.pdf"], "A higher level is not a benefit by itself.", "(telephone number)")


def test_a_stop_is_said_to_the_patient_first_of_all(make: Make, facts: Any) -> None:
    patient = Patient(label="x", weight_kg=70, conditions={"anaphylaxis_to_immune_globulin": True})
    pdfs = plan_documents(make(patient, "privigen", "iv", Dose(g_per_kg=0.4), 28), facts, DAY)
    says(pdfs["patient_sheet.pdf"], "Stop: as planned it must not be given to you.")
    says(pdfs["plan.pdf"], "Screening: Stop")
    says(pdfs["letter.pdf"], "Screening: stop")


@pytest.mark.parametrize("which", ["bare", "told"])
def test_the_terminal_shows_the_whole_plan_at_80_columns(which: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(which)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(plan_view(plan))
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= 80
    flat = squeezed(re.sub("[\N{BOX DRAWINGS LIGHT VERTICAL}\N{BOX DRAWINGS HEAVY VERTICAL}]", "", shown))
    for question in plan.screening.questions:
        assert squeezed(question.text) in flat
    for phrase in (plan_words.grams(plan), plan.dose.asked, "Off-label", "What this does not show"):
        assert squeezed(phrase) in flat
    assert "..." not in shown
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0.4, "0 min"), (59.6, "1 h"), (60, "1 h"), (135, "2 h 15 min"), (164.3, "2 h 44 min")],
)
def test_duration(minutes: float, said: str) -> None:
    assert plan_words.duration(minutes) == said
