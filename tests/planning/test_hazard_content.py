"""The rules of screening as content: complete, spelt right, and faults in them answered with their place."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import globulin.planning
from globulin.dossier.hazard import Check, Term
from globulin.dossier.provenance import known
from globulin.errors import DossierError
from globulin.library import bundled_dossier, open_dossier
from planning.people_screened import (
    dossier,
)


def terms_of(checks: tuple[Check, ...]) -> list[Term]:
    waiting = [term for each in checks for term in each.when]
    flat: list[Term] = []
    while waiting:
        term = waiting.pop()
        flat.append(term)
        waiting.extend((*(term.any_of or ()), *(term.all_of or ())))
    return flat


def test_every_condition_is_screened_for_and_every_substance_is_one_that_products_name() -> None:
    terms = [term for each in dossier().hazards.values() for term in terms_of(each.checks)]
    named = {term.has for term in terms} | {
        each.id for each in dossier().conditions.values() for term in terms if term.group in each.groups
    }
    assert set(dossier().conditions) == named - {None}
    held = {substance for each in dossier().products.values() for substance in known(each.contains) or ()}
    # a wrong spelling would screen for nothing; no product of today holds sucrose, a label's own word
    # the one product with maltose under the skin is unverified, the ones by vein are not
    assert {term.contains for term in terms if term.contains} - held == {"sucrose"}


def test_no_product_is_named_in_the_code() -> None:
    names = {name for each in dossier().products.values() for name in (each.id, each.name.split()[0])}
    assert len(names) > 40
    for path in Path(globulin.planning.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in names:
            assert not re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE), f"{path.name} names {name}"


SEEDED = {
    # file, text, what it becomes, where the fault must be (`|`), problem, fix
    "hazards/migraine_typo": (
        "hazards/aseptic_meningitis.yaml", "- has: migraine", "- has: migrain", "- has: |migrain",
        "no condition has the id 'migrain'", "did you mean 'migraine'?",
    ),
    "hazards/deep": (
        "hazards/iga_deficiency_hypersensitivity.yaml", "          - has: anti_iga_antibodies",
        "          - has: anti_iga_antibody", "          - has: |anti_iga_antibody",
        "no condition has the id 'anti_iga_antibody'", "did you mean 'anti_iga_antibodies'?",
    ),
    "hazards/group": (
        "hazards/renal_failure.yaml", "- group: renal", "- group: kidney", "- group: |kidney",
        "must be 'renal' or 'thrombosis'", "",
    ),
    "hazards/two keys": (
        "hazards/haemolysis.yaml", "- has: blood_group_not_o",
        "- {has: blood_group_not_o, contains: sorbitol}",
        "- |{has: blood_group_not_o", "exactly one key, this one has 2", "give one of has, group",
    ),
    "hazards/no key": (
        "hazards/volume_overload.yaml", "- has: volume_concern", "- {}", "- |{}",
        "exactly one key, this one has 0", "give one of has, group",
    ),
    "hazards/product": (
        "hazards/hyperprolinaemia.yaml", "stated_for: [privigen]", "stated_for: [privigenn]",
        "stated_for: [|privigenn", "no product has the id 'privigenn'", "did you mean 'privigen'?",
    ),
    "hazards/route": (
        "hazards/thrombosis.yaml", "routes: [iv, sc, fsc, im]", "routes: [iv, sc, fsc]", "    routes: [|im]",
        "the hazard does not list the route 'im'", "take it out here",
    ),
    "hazards/source": (
        "hazards/fructose_intolerance.yaml", "source: label_gammaplex_5\n    seen: label\n    stated_for",
        "source: label_gamaplex_5\n    seen: label\n    stated_for", "source: |label_gamaplex_5",
        "no source has the id 'label_gamaplex_5'", "did you mean 'label_gammaplex_5'?",
    ),
    "conditions/group": (
        "conditions/oestrogen.yaml", "groups: [thrombosis]", "groups: [thrombose]", "groups: [|thrombose",
        "must be 'renal' or 'thrombosis'", "",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Every seeded fault in one copy of the bundled dossier: the messages by file."""
    folder = tmp_path_factory.mktemp("seeded") / "dossier"
    shutil.copytree(bundled_dossier(), folder)
    for file, text, becomes, *_ in SEEDED.values():
        path = folder / file
        before = path.read_text(encoding="utf-8")
        assert before.count(text) == 1, (file, text)
        path.write_text(before.replace(text, becomes), encoding="utf-8")
    with pytest.raises(DossierError) as caught:
        open_dossier(folder)
    said: dict[str, list[str]] = {"folder": [str(folder)]}
    for fault in caught.value.faults:
        said.setdefault(fault.file, []).append(str(fault))
    return said


@pytest.mark.parametrize("name", SEEDED)
def test_a_fault_in_a_hazard_is_answered_with_its_place_and_the_nearest_name(
    name: str, faults: dict[str, list[str]]
) -> None:
    file, _, _, place, problem, fix = SEEDED[name]
    text = (Path(faults["folder"][0]) / file).read_text(encoding="utf-8")
    mark = place.index("|")
    start = text.index(place.replace("|", "")) + mark
    line, column = text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1) + 1
    (said,) = faults[file]
    assert said.startswith(f"{file}:{line}:{column}:")
    assert problem in said
    assert fix in said
