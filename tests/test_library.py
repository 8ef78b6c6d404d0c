"""Faults in dossier files: each is answered with its place, its key, what is wrong and the likely fix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.errors import DossierError, Fault, InputError
from globulin.library import bundled_dossier, json_schemas, open_dossier

TOY = Path(__file__).parent / "toy"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("README.md"))
    return folder


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(DossierError) as caught:
        open_dossier(folder)
    return caught.value.faults


STUDY = "studies/toy_a_1990.yaml"
PRODUCT = "products/toy_iv.yaml"

# file, text, replacement, where the fault must be found, key, words of the message, words of the fix
SEEDED = {
    "unknown key": (STUDY, "condition: toy", "conditon: toy", "5:1", "", "unknown key", "condition"),
    "wrong type": (STUDY, "value: 40", "value: forty", "8:25", "population.n.value", "integer", ""),
    "number in quotes": (STUDY, "value: 40", 'value: "40"', "8:25", "population.n.value", "integer", ""),
    "unknown source id": (
        STUDY,
        "n: {value: 40, source: toy_paper",
        "n: {value: 40, source: toy_papper",
        "8:37",
        "population.n.source",
        "no source has the id",
        "toy_paper",
    ),
    "duplicate arm id": (STUDY, "{id: placebo,", "{id: drug,", "20:10", "arms.1.id", "used twice", "own id"),
    "id is not the file name": (
        STUDY,
        "id: toy_a_1990",
        "id: toy_z",
        "1:5",
        "id",
        "not the file's name",
        "toy_a",
    ),
    "dose without unit": (
        STUDY,
        "value: {g_per_kg: 1}",
        "value: 1",
        "16:25",
        "arms.0.regimen.phases.0.dose.value",
        "a dose needs its unit",
        "{g: 1}",
    ),
    "two units": (
        STUDY,
        "{g_per_kg: 1}",
        "{g_per_kg: 1, g: 3}",
        "16:25",
        "dose.value",
        "exactly one unit",
        "",
    ),
    "mL of no product": (STUDY, "{g_per_kg: 1}", "{ml: 2}", "16:25", "dose.value", "go together", "of"),
    "arm without n": (
        STUDY,
        ", n_randomised: {value: 20, source: toy_paper, seen: full_text}}",
        "}",
        "20:5",
        "arms.1.n_randomised",
        "is missing",
        "n_randomised",
    ),
    "negative n": (
        STUDY,
        "role: control, n_randomised: {value: 20",
        "role: control, n_randomised: {value: -20",
        "20:72",
        "arms.1.n_randomised.value",
        "cannot be -20",
        "",
    ),
    "responders above n": (
        STUDY,
        "placebo: {events: 10, n: 20}",
        "placebo: {events: 30, n: 20}",
        "24:82",
        "groups.placebo.events",
        "30 with the event out of 20",
        "swap",
    ),
    "tab": (STUDY, "  - id: drug", "\t- id: drug", "10:1", "", "not valid YAML", "spaces"),
    "duplicate YAML key": (STUDY, "design: parallel_rct", "id: again", "4:1", "", "stands twice", "keep one"),
    "value without source": (
        STUDY,
        "{value: 40, source: toy_paper, seen: full_text}",
        "40",
        "8:17",
        "population.n",
        "needs its source",
        "missing",
    ),
    "derived without formula": (
        STUDY,
        "n: {value: 40, source: toy_paper, seen: full_text}",
        "n: {value: 40, source: toy_paper, seen: full_text, how: derived}",
        "8:17",
        "population.n",
        "must say how",
        "formula",
    ),
    "misspelt choice": (STUDY, "design: parallel_rct", "design: paralel_rct", "4:9", "design", "must be", ""),
    "unknown arm": (
        STUDY,
        "control: placebo",
        "control: placbo",
        "29:52",
        "pooled.control",
        "no arm",
        "placebo",
    ),
    "unknown product": (
        "regimens/toy_weekly_im.yaml",
        "of: toy_im",
        "of: toy_muscl_im",
        "8:33",
        "value.of",
        "no product",
        "toy_im",
    ),
    "no vials": (PRODUCT, "vials: [{g: 1, ml: 10}]", "vials: []", "7:8", "vials", "at least 1 of them", ""),
    "not a number": (PRODUCT, "value: 100", "value: .nan", "6:34", "", "not a number", ""),
    "dangling reference": (
        "claims/toy_page.yaml",
        "price_list:toy_prices",
        "price_list:toy_price",
        "11:11",
        "see.0",
        "no price_list",
        "toy_prices",
    ),
    "unknown figure": (
        "claims/toy_page.yaml",
        "{price_date}",
        "{price_dat}",
        "10:14",
        "finding",
        "no figure",
        "price_date",
    ),
    "alias": (
        PRODUCT,
        "markets: [US]\nroutes: [iv]",
        "markets: &a [US]\nroutes: *a",
        "5:9",
        "",
        "alias",
        "write",
    ),
    "duplicate source id": (
        "sources/toy.yaml",
        "id: toy_prices",
        "id: toy_paper",
        "3:10",
        "",
        "used twice",
        "",
    ),
    "bad date": ("prices/toy_prices.yaml", "2025-01-01", "2025-13-01", "5:17", "effective_from", "date", ""),
    "code listed twice": (
        "prices/toy_prices.yaml",
        "T0002, what: Toy by muscle",
        "T0001, what: Toy by vein",
        "12:5",
        "prices.1",
        "listed twice",
        "",
    ),
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_fault_is_found_where_it_is(toy: Path, name: str) -> None:
    file, old, new, place, key, problem, fix = SEEDED[name]
    path = toy / file
    text = path.read_text()
    assert text.count(old) == 1, "the seed must change exactly one place"
    path.write_text(text.replace(old, new))
    faults = [fault for fault in faults_of(toy) if fault.file == file]
    line, _, column = place.partition(":")
    matching = [fault for fault in faults if fault.line == int(line) and problem in fault.problem]
    assert matching, "\n".join(map(str, faults))
    (fault,) = matching
    assert column in ("", str(fault.column)), str(fault)
    assert key in fault.key
    assert fix in fault.fix


def test_all_faults_of_all_files_come_in_one_run(toy: Path) -> None:
    for file, old, new in (
        (STUDY, "design: parallel_rct", "design: wrong"),
        (PRODUCT, "maker: Nobody", "makr: Nobody"),
        ("prices/toy_prices.yaml", "unit: mg", "unit: stone"),
    ):
        path = toy / file
        path.write_text(path.read_text().replace(old, new))
    files = {fault.file for fault in faults_of(toy)}
    assert files == {STUDY, PRODUCT, "prices/toy_prices.yaml"}


def test_files_that_would_be_ignored_are_faults(toy: Path) -> None:
    (toy / "studys").mkdir()
    (toy / "studies" / "notes.txt").write_text("a")
    (toy / "studies" / "latin.yaml").write_bytes(b"id: caf\xe9")
    (toy / "studies" / "list.yaml").write_text("- a\n")
    (toy / "studies" / "empty.yaml").write_text("")
    (toy / "studies" / "large.yaml").write_bytes(b"#" * 2_000_001)
    found = {fault.file: fault for fault in faults_of(toy)}
    assert "studies" in found["studys"].fix
    assert "end in .yaml" in found["studies/notes.txt"].problem
    assert "UTF-8" in found["studies/latin.yaml"].problem
    assert "not a mapping" in found["studies/list.yaml"].problem
    assert "not a mapping" in found["studies/empty.yaml"].problem
    assert "larger than" in found["studies/large.yaml"].problem


def test_no_such_folder_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_dossier(tmp_path / "nowhere")


def test_yaml_is_read_under_the_1_2_schema(toy: Path) -> None:
    # under YAML 1.1 `no` would be false and 0o14 text; dates stay text until a record asks for a date
    path = toy / "products" / "toy_iv.yaml"
    path.write_text(path.read_text().replace("maker: Nobody", "maker: no"))
    assert open_dossier(toy).products["toy_iv"].maker == "no"


def test_same_files_same_hash_and_any_change_another(toy: Path) -> None:
    first = open_dossier(toy).content_sha256
    assert open_dossier(toy).content_sha256 == first
    path = toy / "products" / "toy_iv.yaml"
    path.write_text(path.read_text() + "# a comment\n")
    assert open_dossier(toy).content_sha256 != first


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered_with_faults_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "sources").mkdir()
    (folder / "sources" / "x.yaml").write_bytes(raw)
    faults = faults_of(folder)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in faults)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2000), st.text("{}[]:,-&*!|>'\"%@`\n\t #ab0", max_size=6))
def test_damage_anywhere_in_a_real_file_is_survived(
    tmp_path_factory: pytest.TempPathFactory, at: int, damage: str
) -> None:
    folder = tmp_path_factory.mktemp("damage") / "toy"
    shutil.copytree(TOY, folder, ignore=shutil.ignore_patterns("README.md"))
    path = folder / STUDY
    text = path.read_text()
    at %= len(text)
    path.write_text(text[:at] + damage + text[at:])
    faults: tuple[Fault, ...] = ()
    try:
        open_dossier(folder)
    except DossierError as error:
        faults = error.faults
    assert all(fault.file and fault.line >= 1 for fault in faults)


def test_the_bundled_dossier_has_no_faults() -> None:
    assert open_dossier(bundled_dossier()).studies


def test_every_kind_of_content_has_a_schema() -> None:
    schemas = json_schemas()
    assert schemas["studies"]["properties"]["arms"]["type"] == "array"
    assert all(schema["$schema"].endswith("2020-12/schema") for schema in schemas.values())
