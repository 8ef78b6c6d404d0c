"""Screening: verdicts against the rules of labels, and what each says of what is not known.

The table `LABEL_RULES` was written by hand from the rules as labels and tables state them, not from the
content files; each block names the document.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.dossier.patient import Patient
from globulin.dossier.provenance import Cited, known
from globulin.dossier.treatment import Limit, Route
from globulin.planning.screening import VERDICTS, screen
from globulin.planning.terms import situation
from planning.people_screened import (
    CAUTION,
    ON_ROUTE,
    OPEN,
    ROUTES,
    STOP,
    all_no,
    dossier,
    found,
    person,
    screened,
    with_yes,
)

# --- the rules of labels ---------------------------------------------------------------------------------

Findings = dict[str, tuple[str, bool]]
# what is said yes to, product, route, g/kg, mL, age: hazard -> (verdict, whether it is known); {} is clear
LABEL_RULES: dict[str, tuple[tuple[str, ...], str, Route, float, float, float, Findings]] = {
    "nothing at all": ((), "privigen", "iv", 0.4, 280, 40, {}),
    # US boxed warning: kidneys "age > 65", clots "advanced age" (here the same number)
    "65 is not above 65": ((), "privigen", "iv", 0.4, 280, 65, {}),
    "66 by vein": ((), "privigen", "iv", 0.4, 280, 66, {"renal_failure": CAUTION, "thrombosis": CAUTION}),
    "66 under the skin": ((), "hizentra", "sc", 0.1, 35, 66, {"thrombosis": CAUTION}),
    "66 into a muscle": ((), "gamastan", "im", 0.005, 2, 66, {"thrombosis": CAUTION}),
    # Privigen label: hyperprolinaemia type I or II; it and Hizentra hold proline; Gamunex-C holds glycine
    "proline": (("hyperprolinaemia",), "privigen", "iv", 0.4, 280, 40, {"hyperprolinaemia": STOP}),
    "proline, sc": (("hyperprolinaemia",), "hizentra", "sc", 0.1, 35, 40, {"hyperprolinaemia": STOP}),
    "no proline": (("hyperprolinaemia",), "gamunex_c", "iv", 0.4, 280, 40, {}),
    # Gammaplex 5%, Flebogamma 5% and 10% DIF labels: sorbitol; Gammaplex 10% has none; Octagam has maltose
    "sorbitol": (
        ("fructose_intolerance",), "gammaplex_5", "iv", 0.4, 560, 40, {"fructose_intolerance": STOP},
    ),
    "sorbitol 5": (
        ("fructose_intolerance",), "flebogamma_dif_5", "iv", 0.4, 560, 40, {"fructose_intolerance": STOP},
    ),
    "sorbitol 10": (
        ("fructose_intolerance",), "flebogamma_dif_10", "iv", 0.4, 280, 40, {"fructose_intolerance": STOP},
    ),
    "no sorbitol": (("fructose_intolerance",), "gammaplex_10", "iv", 0.4, 280, 40, {}),
    "maltose is no sorbitol": (("fructose_intolerance",), "octagam_10", "iv", 0.4, 280, 40, {}),
    # the sugar of Intratect was not read: neither is sucrose, which the renal box names
    "sugar not known": (
        ("fructose_intolerance",), "intratect_100", "iv", 0.4, 280, 40,
        {"fructose_intolerance": OPEN, "renal_failure": OPEN},
    ),
    # FDA 2009: no GDH-PQQ strips with maltose (Octagam, Intragam P); Cutaquig's maltose is unverified
    "maltose": (("gdh_pqq_meter",), "octagam_10", "iv", 0.4, 280, 40, {"glucose_meter_interference": STOP}),
    "maltose 5": (("gdh_pqq_meter",), "octagam_5", "iv", 0.4, 560, 40, {"glucose_meter_interference": STOP}),
    "maltose P": (("gdh_pqq_meter",), "intragam_p", "iv", 0.4, 467, 40, {"glucose_meter_interference": STOP}),
    "perhaps maltose": (
        ("gdh_pqq_meter",), "cutaquig", "sc", 0.1, 42, 40, {"glucose_meter_interference": OPEN},
    ),
    "no maltose": (("gdh_pqq_meter",), "privigen", "iv", 0.4, 280, 40, {}),
    # Transfusion 2021;61:1053: 2 g/kg or more and a blood group other than O
    "high dose, not O": (("blood_group_not_o",), "privigen", "iv", 2.0, 1400, 40, {"haemolysis": CAUTION}),
    "high dose, O": ((), "privigen", "iv", 2.0, 1400, 40, {}),
    "1.9 g/kg, not O": (("blood_group_not_o",), "privigen", "iv", 1.9, 1330, 40, {}),
    # no document: shown as unverified
    "migraine": (("migraine",), "privigen", "iv", 0.4, 280, 40, {"aseptic_meningitis": CAUTION}),
    "migraine, sc": (("migraine",), "hizentra", "sc", 0.1, 35, 40, {}),
    # Gamunex-C, ITP: not the high daily dose where volume is a concern
    "volume": (("volume_concern",), "gamunex_c", "iv", 1.0, 700, 40, {"volume_overload": CAUTION}),
    # GamaSTAN monograph: severe thrombocytopenia or a clotting disorder; only into a muscle
    "platelets": (("severe_thrombocytopenia",), "gamastan", "im", 0.005, 2, 40, {"im_bleeding": STOP}),
    "clotting": (("clotting_disorder",), "gamastan", "im", 0.005, 2, 40, {"im_bleeding": STOP}),
    "blood thinner": (("blood_thinners",), "gamastan", "im", 0.005, 2, 40, {"im_bleeding": CAUTION}),
    "platelets by vein": (
        ("severe_thrombocytopenia", "clotting_disorder", "blood_thinners"),
        "privigen", "iv", 0.4, 280, 40, {},
    ),
    # Am J Hematol 2013: more than 10 cc into a muscle
    "10 mL": ((), "gamastan", "im", 0.0236, 10, 40, {}),
    "10.1 mL": ((), "gamastan", "im", 0.0238, 10.1, 40, {"thrombosis": CAUTION}),
    "280 mL by vein": ((), "gamunex_c", "iv", 0.4, 280, 40, {}),
    # HyQvia label 2015: systemic hypersensitivity to hyaluronidase
    "enzyme": (
        ("hyaluronidase_allergy",), "hyqvia", "fsc", 0.4, 280, 40, {"hyaluronidase_hypersensitivity": STOP},
    ),
    "no enzyme": (("hyaluronidase_allergy",), "cuvitru", "sc", 0.1, 35, 40, {}),
    # nothing was read about pregnancy
    "pregnancy": (("pregnancy",), "privigen", "iv", 0.4, 280, 40, {"pregnancy": OPEN}),
}  # fmt: skip


@pytest.mark.parametrize("rule", LABEL_RULES)
def test_verdicts_are_those_of_the_labels(rule: str) -> None:
    yes, product, route, g_per_kg, ml, age, expected = LABEL_RULES[rule]
    screening = screened(with_yes(*yes), product, route, g_per_kg, ml, age=age)
    assert found(screening) == expected
    assert screening.verdict == max(
        (verdict for verdict, _ in expected.values()), key=VERDICTS.index, default="clear"
    )
    assert screening.questions == ()


# US boxed warning of clots (all routes) and of the kidneys (only by vein), factor by factor
CLOT_FACTORS = (
    "prolonged_immobility", "hypercoagulable", "earlier_clot", "oestrogen", "central_venous_catheter",
    "hyperviscosity", "cardiovascular_risk", "thrombosis_risk",
)  # fmt: skip
KIDNEY_FACTORS = (
    "renal_insufficiency", "diabetes", "volume_depletion", "sepsis", "paraproteinaemia", "nephrotoxic_drugs",
    "renal_risk",
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("factor", CLOT_FACTORS)
def test_each_factor_of_the_box_on_clots_counts_on_every_route(factor: str, route: Route) -> None:
    screening = screened(with_yes(factor), ON_ROUTE[route], route, 0.1, 5.0)
    assert found(screening) == {"thrombosis": CAUTION}
    assert screening.groups == {"thrombosis"}
    assert screening.at_risk


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("factor", KIDNEY_FACTORS)
def test_each_factor_of_the_box_on_kidneys_counts_only_by_vein(factor: str, route: Route) -> None:
    screening = screened(with_yes(factor), ON_ROUTE[route], route, 0.1, 5.0)
    assert found(screening) == ({"renal_failure": CAUTION} if route == "iv" else {})
    assert screening.groups == ({"renal"} if route == "iv" else set())
    assert screening.at_risk == (route == "iv")


def test_sucrose_puts_a_person_at_risk_for_the_kidneys() -> None:
    """US boxed warning: products with sucrose. No product of the dossier has any, so one is made up."""
    plain = dossier().products["gamunex_c"]
    assert isinstance(plain.contains, Cited)
    sweet = plain.model_copy(update={"contains": plain.contains.model_copy(update={"value": ("sucrose",)})})
    screening = screen(dossier(), person(all_no()), sweet, route="iv", g_per_kg=0.4, ml=280.0)
    assert found(screening) == {"renal_failure": CAUTION}
    assert screening.groups == {"renal"}


IGA_THREE = ("iga_deficiency", "anti_iga_antibodies", "earlier_reaction_to_immune_globulin")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("count", range(4))
def test_iga_deficiency_antibodies_and_a_reaction_together_stop(count: int, route: Route) -> None:
    """US labels: contraindicated in IgA deficiency with antibodies against IgA and a history of reactions."""
    for yes in itertools.combinations(IGA_THREE, count):
        screening = screened(with_yes(*yes), ON_ROUTE[route], route, 0.1, 5.0)
        assert screening.verdict == ("clear", "caution", "caution", "stop")[count]
        # the milder check of the same hazard is not told beside the stop
        told = [(each.verdict, each.known) for each in screening.findings]
        assert told.count(("caution", True)) == (1 if count in (1, 2) else 0)
        assert told.count(("stop", True)) == (1 if count == 3 else 0)


@pytest.mark.parametrize("route", ROUTES)
def test_an_earlier_anaphylaxis_stops_on_every_route(route: Route) -> None:
    screening = screened(with_yes("anaphylaxis_to_immune_globulin"), ON_ROUTE[route], route, 0.1, 5.0)
    assert found(screening) == {"anaphylaxis": STOP}


@pytest.mark.parametrize(
    ("product", "findings"),
    # Intratect's own document (up to 1,800 micrograms/mL) says to avoid it; Gammagard S/D holds up to 1;
    # of Flebogamma 10% the amount is unverified, so it may be much
    [("intratect_100", [True, True]), ("gammagard_sd", [True]), ("flebogamma_dif_10", [True, False])],
)
def test_much_iga_speaks_against_a_product_in_iga_deficiency(product: str, findings: list[bool]) -> None:
    screening = screened(with_yes("iga_deficiency"), product, "iv")
    told = [each for each in screening.findings if each.hazard == "iga_deficiency_hypersensitivity"]
    assert [(each.verdict, each.known) for each in told] == [("caution", known) for known in findings]


@pytest.mark.parametrize(
    ("g_per_kg", "months"),
    # CDC/ACIP: 300 to 400 mg/kg 8 months, 1,000 mg/kg 10, 2,000 mg/kg 11; between them the next higher row
    [(0.1, 8), (0.3, 8), (0.4, 8), (0.41, 10), (1.0, 10), (1.01, 11), (2.0, 11), (2.01, None)],
)
def test_months_a_live_vaccine_waits_after_a_dose_by_vein(g_per_kg: float, months: float | None) -> None:
    (finding,) = screened(with_yes("live_vaccine_planned"), "privigen", "iv", g_per_kg).findings
    assert (finding.hazard, finding.verdict, finding.wait_months) == ("live_vaccines", "caution", months)
    assert finding.known == (months is not None)
    if g_per_kg <= 2:
        assert "assumed" in (finding.note or "")


@pytest.mark.parametrize(
    ("ml", "months"),
    # CDC/ACIP: 0.1 to 0.2 mL/kg (hepatitis A) and 0.5 mL/kg (measles), 6 months each; 70 kg
    [(2.0, 6), (7.0, 6), (35.0, 6), (35.1, None)],
)
def test_months_a_live_vaccine_waits_after_a_dose_into_a_muscle(ml: float, months: float | None) -> None:
    screening = screened(with_yes("live_vaccine_planned"), "gamastan", "im", 0.02, ml)
    (finding,) = (each for each in screening.findings if each.hazard == "live_vaccines")
    assert (finding.wait_months, finding.known) == (months, months is not None)


@pytest.mark.parametrize(("product", "route"), [("hizentra", "sc"), ("hyqvia", "fsc")])
def test_no_wait_was_read_for_doses_under_the_skin(product: str, route: Route) -> None:
    (finding,) = screened(with_yes("live_vaccine_planned"), product, route, 0.1, 35.0).findings
    assert (finding.verdict, finding.wait_months, finding.known) == ("caution", None, False)


@settings(deadline=None)
@given(st.floats(30, 200), st.integers(1, 7))
def test_a_dose_of_2_g_per_kg_is_2_g_per_kg_after_its_arithmetic(weight_kg: float, days: int) -> None:
    """The dose is multiplied by the weight, split over days, added up and divided again."""
    per_day = 2.0 * weight_kg / days
    g_per_kg = sum([per_day] * days) / weight_kg
    assert "haemolysis" in found(screened(with_yes("blood_group_not_o"), "privigen", "iv", g_per_kg))


# --- what a finding says ---------------------------------------------------------------------------------


def test_a_rule_carried_over_from_another_label_is_marked_unverified() -> None:
    (own,) = screened(with_yes("hyperprolinaemia"), "privigen", "iv").findings
    (carried,) = screened(with_yes("hyperprolinaemia"), "hizentra", "sc", 0.1, 35.0).findings
    assert (own.verdict, own.seen, carried.verdict, carried.seen) == ("stop", "label", "stop", "unverified")
    assert "carried over" in (carried.note or "")
    assert "carried over" not in (own.note or "")


def test_migraine_and_blood_thinners_rest_on_no_document_and_say_so() -> None:
    (migraine,) = screened(with_yes("migraine"), "privigen", "iv").findings
    (thinner,) = screened(with_yes("blood_thinners"), "gamastan", "im", 0.005, 2.0).findings
    assert {migraine.seen, thinner.seen} == {"unverified"}


def test_a_finding_names_what_holds_and_why_it_matters_in_me_cfs() -> None:
    (finding,) = screened(with_yes("prolonged_immobility", "oestrogen"), "privigen", "iv").findings
    assert set(finding.because) == {"prolonged immobility", "oestrogen use"}
    assert "oestrogen use; prolonged immobility" in finding.reason
    assert "in bed" in (finding.me_cfs_note or "")
    assert finding.unknown == ()
    assert finding.worst == "caution"


def test_a_substance_is_named_where_the_product_holds_it() -> None:
    (finding,) = screened(with_yes("fructose_intolerance"), "gammaplex_5", "iv").findings
    assert finding.because == ("hereditary fructose intolerance", "the product contains sorbitol")


def test_the_age_and_the_dose_are_named_with_their_units() -> None:
    clot = screened(with_yes(), "privigen", "iv", age=70.0).findings[0]
    assert clot.because == ("age 70 years",)
    (blood,) = screened(with_yes("blood_group_not_o"), "privigen", "iv", 2.0, 1400.0).findings
    assert blood.because == ("a dose of 2 g/kg", "a blood group other than O")
    assert "day 5 and day 10" in blood.resolve


@pytest.mark.parametrize(
    ("product", "words"),
    # Privigen: up to 1 mmol/L x 1.4 L; Subgam is not by vein; Gammagard Liquid: words; Octagam: nothing read
    [
        ("privigen", "The volume is 1,400 mL. At most 1.4 mmol of sodium."),
        ("gammagard_liquid", "Sodium: no added sodium."),
        ("octagam_10", "How much sodium it holds is not known."),
    ],
)
def test_the_load_of_fluid_and_sodium_is_told_as_far_as_it_is_known(product: str, words: str) -> None:
    (finding,) = screened(with_yes("volume_concern"), product, "iv", 1.0, 1400.0).findings
    assert words in finding.reason


def test_a_typical_amount_of_sodium_is_no_limit() -> None:
    """Toy: typically 200 mmol/L in 50 mL is 10 mmol."""
    plain = dossier().products["gamunex_c"]
    amount = Cited[Limit](value=Limit(typical=200.0), source="label_gamunex_c", seen="label")
    salty = plain.model_copy(update={"sodium_mmol_per_l": amount})
    who = person(with_yes("volume_concern"))
    (finding,) = screen(dossier(), who, salty, route="iv", g_per_kg=0.1, ml=50.0).findings
    assert "About 10 mmol of sodium." in finding.reason
    (unknown,) = screen(dossier(), who, salty, route="iv", g_per_kg=0.1, ml=None).findings
    assert "The volume is not known. How much sodium it holds is not known." in unknown.reason


# --- what is not known -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("route", "product"), ON_ROUTE.items())
def test_of_a_person_of_whom_nothing_was_asked_nothing_is_safe(route: Route, product: str) -> None:
    screening = screened({}, product, route, 2.0, 5.0, age=None)
    assert screening.verdict == "caution"
    assert not any(finding.known for finding in screening.findings)
    assert not screening.at_risk
    assert screening.possible_groups == ({"renal", "thrombosis"} if route == "iv" else {"thrombosis"})
    assert {"age_year", "prolonged_immobility", "anti_iga_antibodies"} <= {
        question.condition for question in screening.questions
    }


def test_questions_that_could_stop_come_first_and_open_ended_ones_last() -> None:
    questions = screened({}, "privigen", "iv", 2.0, 1400.0, age=None).questions
    could_stop = [question.could_stop for question in questions]
    assert could_stop == sorted(could_stop, reverse=True)
    assert {question.condition for question in questions if question.could_stop} == {
        "anaphylaxis_to_immune_globulin", "hyperprolinaemia", *IGA_THREE,
    }  # fmt: skip
    assert {question.condition for question in questions[-2:]} == {"renal_risk", "thrombosis_risk"}
    # a box before a practical matter
    order = [question.condition for question in questions]
    assert order.index("diabetes") < order.index("live_vaccine_planned")


def test_a_question_is_asked_once_and_names_all_it_would_settle() -> None:
    questions = screened(with_yes() | {}, "privigen", "iv", age=None).questions
    assert [question.condition for question in questions] == ["age_year"]
    assert questions[0].text == "How old is this person, in years?"
    assert questions[0].why.split("; ") == [
        dossier().hazards[name].name for name in ("renal_failure", "thrombosis")
    ]


def test_what_only_the_label_can_answer_is_no_question_to_the_person() -> None:
    screening = screened(with_yes("fructose_intolerance"), "intratect_100", "iv")
    (finding,) = (each for each in screening.findings if each.hazard == "fructose_intolerance")
    assert finding.unknown == ("whether Intratect 100 g/L contains sorbitol (check its label)",)
    assert finding.worst == "stop"
    assert finding.because == ("hereditary fructose intolerance",)
    assert screening.questions == ()


def test_an_unverified_substance_is_not_known_to_be_there_nor_to_be_absent() -> None:
    cutaquig = dossier().products["cutaquig"]
    assert known(cutaquig.contains) is None
    (finding,) = screened(with_yes("gdh_pqq_meter"), "cutaquig", "sc", 0.1, 42.0).findings
    assert (finding.verdict, finding.known) == ("caution", False)


def test_no_question_is_asked_whose_answer_changes_nothing() -> None:
    """A risk of a clot that is known needs no second one; antibodies alone still call for care."""
    answers = with_yes("prolonged_immobility")
    for name in ("oestrogen", "anti_iga_antibodies"):
        del answers[name]
    asked = {question.condition for question in screened(answers, "privigen", "iv").questions}
    assert asked == {"anti_iga_antibodies"}
    answers["earlier_reaction_to_immune_globulin"] = True
    assert screened(answers, "privigen", "iv").questions == ()


def test_a_person_of_the_other_sex_is_not_asked() -> None:
    answers = {name: answer for name, answer in all_no().items() if name != "pregnancy"}
    assert screened(answers, "privigen", "iv", sex="male").verdict == "clear"
    for sex in ("female", None):
        assert [each.condition for each in screened(answers, "privigen", "iv", sex=sex).questions] == [
            "pregnancy"
        ]
    # all that is not of one sex is still asked
    asked_of_a_man = {each.condition for each in screened({}, "privigen", "iv", sex="male").questions}
    asked_of_anyone = {each.condition for each in screened({}, "privigen", "iv").questions}
    assert asked_of_anyone - asked_of_a_man == {"pregnancy"}
    # what was said of a person counts, whatever else was said
    assert screened(answers | {"pregnancy": True}, "privigen", "iv", sex="male").verdict == "caution"


@pytest.mark.parametrize(("g_per_kg", "ml"), [(None, 1400.0), (2.0, None), (None, None)])
def test_a_dose_that_is_not_known_is_never_safe(g_per_kg: float | None, ml: float | None) -> None:
    screening = screened(with_yes("blood_group_not_o"), "privigen", "iv", g_per_kg, ml)
    (finding,) = screening.findings
    assert (finding.hazard, finding.verdict, finding.known) == ("haemolysis", "caution", g_per_kg is not None)
    muscle = screened(with_yes(), "gamastan", "im", g_per_kg, None)
    assert found(muscle) == {"thrombosis": OPEN}
    assert muscle.questions == ()


# --- what cannot be screened -----------------------------------------------------------------------------


def test_a_condition_that_nobody_screens_for_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        ValueError, match=r"conditions: no condition has the id 'oestrogens'; did you mean 'oestrogen'"
    ):
        screened({"oestrogens": True}, "privigen", "iv")
    with pytest.raises(ValueError, match=r"no condition has the id 'zzz'$"):
        screened({"zzz": False}, "privigen", "iv")


def test_a_group_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="risk: 'kidney' is no group; the groups are renal, thrombosis"):
        screened({}, "privigen", "iv", risk=("kidney",))
    with pytest.raises(ValueError, match="the groups are none"):
        situation(
            {},
            Patient(label="P", weight_kg=70.0),
            dossier().products["privigen"],
            g_per_kg=1,
            ml=1,
            risk=["renal"],
        )


def test_a_route_that_the_product_is_not_made_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"route: GamaSTAN .* is not made for 'iv'; it is made for im"):
        screened({}, "gamastan", "iv")


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["g_per_kg", "ml"])
def test_a_dose_that_is_no_positive_number_is_refused(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: must be a positive number or None"):
        screened({}, "privigen", "iv", **{name: bad})
