"""Screening on made-up rules: the three-valued logic of terms, and how checks become findings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globulin.dossier.hazard import Term
from globulin.dossier.patient import Patient
from globulin.dossier.provenance import Cited, Missing
from globulin.dossier.treatment import Bounds, Limit
from globulin.planning.terms import read_all, situation
from planning.people_screened import (
    CAUTION,
    LETTERS,
    OPEN,
    STOP,
    TOY_CONDITIONS,
    WEIGHT_KG,
    A,
    B,
    C,
    check,
    dossier,
    found,
    hazard,
    toy,
)

# --- terms -----------------------------------------------------------------------------------------------


TERMS = st.recursive(
    st.sampled_from([Term(has=name) for name in LETTERS]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda terms: Term(any_of=tuple(terms))),
        st.lists(inner, min_size=1, max_size=3).map(lambda terms: Term(all_of=tuple(terms))),
    ),
    max_leaves=8,
)


def holds(term: Term, world: Mapping[str, bool]) -> bool:
    """Two-valued logic, where everything is known."""
    if term.has is not None:
        return world[term.has]
    if term.any_of is not None:
        return any(holds(each, world) for each in term.any_of)
    return all(holds(each, world) for each in term.all_of or ())


@settings(deadline=None)
@given(TERMS, st.dictionaries(st.sampled_from(LETTERS), st.booleans()))
def test_a_term_is_decided_exactly_where_every_completion_agrees(term: Term, state: dict[str, bool]) -> None:
    """All completions by brute force. Kleene's logic is exact here because no term is negated."""
    open_letters = [name for name in LETTERS if name not in state]
    worlds = [
        state | dict(zip(open_letters, answers, strict=True))
        for answers in itertools.product((False, True), repeat=len(open_letters))
    ]
    outcomes = {holds(term, world) for world in worlds}
    who = Patient(label="P", weight_kg=WEIGHT_KG, conditions=state)
    given_ = situation(TOY_CONDITIONS, who, dossier().products["privigen"], g_per_kg=1.0, ml=1.0)
    reading = read_all([term], given_)
    assert reading.truth == (outcomes.pop() if len(outcomes) == 1 else None)
    # what is asked for decides it, either way
    assert bool(reading.ask) == (reading.truth is None)
    assert set(reading.ask) <= set(open_letters)
    if reading.truth is None:
        assert not holds(term, dict.fromkeys(LETTERS, True) | state | dict.fromkeys(reading.ask, False))
        assert holds(term, dict.fromkeys(LETTERS, False) | state | dict.fromkeys(reading.ask, True))
    # what is named as a reason holds, and is enough
    assert all(state.get(name) is True for name in reading.because)
    if reading.truth:
        assert holds(term, dict.fromkeys(LETTERS, False) | dict.fromkeys(reading.because, True))
    if reading.truth is False:
        assert reading.because == ()


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"at_least": 10.0}, (10.0, 11.0), (9.99,)),
        ({"above": 10.0}, (10.01,), (10.0, 9.0)),
        ({"below": 10.0}, (9.99,), (10.0, 11.0)),
        ({"at_most": 10.0}, (10.0, 9.0), (10.01,)),
        ({"above": 5.0, "at_most": 10.0}, (5.01, 10.0), (5.0, 10.01)),
    ],
)
def test_bounds_hold_as_they_are_read(
    bounds: dict[str, float], inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    rule = hazard("one", check((Term(ml=Bounds(**bounds)),)))
    assert all(toy({}, rule, ml=ml).verdict == "caution" for ml in inside)
    assert all(toy({}, rule, ml=ml).verdict == "clear" for ml in outside)


@pytest.mark.parametrize(
    ("limit", "truth"),
    # the most that may be in it counts: a maximum before a typical amount; words alone say nothing
    [
        (Limit(maximum=100.0), True),
        (Limit(maximum=99.0), False),
        (Limit(typical=100.0), True),
        (Limit(typical=99.0), False),
        (Limit(typical=1.0, maximum=100.0), True),
        (Limit(typical=100.0, maximum=1.0), False),
        (Limit(words="trace"), None),
    ],
)
def test_the_highest_stated_amount_of_iga_counts(limit: Limit, truth: bool | None) -> None:
    amount = Cited[Limit](value=limit, source="toy", seen="label")
    product = dossier().products["privigen"].model_copy(update={"iga_ug_per_ml": amount})
    given_ = situation({}, Patient(label="P", weight_kg=WEIGHT_KG), product, g_per_kg=None, ml=None)
    assert read_all([Term(iga_ug_per_ml=Bounds(at_least=100.0))], given_).truth is truth


@pytest.mark.parametrize("contains", [Missing(missing="not read"), None])
def test_a_substance_is_not_known_where_the_list_is_missing_or_unverified(contains: Missing | None) -> None:
    fact = contains or Cited[tuple[str, ...]](value=("glycine",), source="toy", seen="unverified")
    product = dossier().products["privigen"].model_copy(update={"contains": fact})
    given_ = situation({}, Patient(label="P", weight_kg=WEIGHT_KG), product, g_per_kg=None, ml=None)
    for substance in ("glycine", "polysorbate_80"):
        reading = read_all([Term(contains=substance)], given_)
        words = substance.replace("_", " ")
        assert reading.truth is None
        assert reading.unknown == (f"whether Privigen contains {words} (check its label)",)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (Term(g_per_kg=Bounds(above=0)), "the dose in g/kg"),
        (Term(ml=Bounds(above=0)), "the volume in mL"),
        (Term(ml_per_kg=Bounds(above=0)), "the volume in mL/kg"),
        (Term(age_year=Bounds(above=0)), "age"),
    ],
)
def test_a_number_that_was_not_given_is_named(term: Term, words: str) -> None:
    who = Patient(label="P", weight_kg=WEIGHT_KG)
    given_ = situation({}, who, dossier().products["privigen"], g_per_kg=None, ml=None)
    assert read_all([term], given_).unknown == (words,)


def test_a_term_without_a_key_is_refused() -> None:
    """A file cannot hold one; a program that builds records without checks can."""
    given_ = situation(
        {}, Patient(label="P", weight_kg=WEIGHT_KG), dossier().products["privigen"], g_per_kg=1, ml=1
    )
    with pytest.raises(ValueError, match="term: it has no key"):
        read_all([Term.model_construct()], given_)


# --- checks ----------------------------------------------------------------------------------------------
def test_a_check_without_terms_always_counts() -> None:
    (finding,) = toy({}, hazard("always", check(()))).findings
    assert (finding.verdict, finding.known, finding.reason) == ("caution", True, "Reason.")


def test_a_hazard_without_checks_singles_nobody_out() -> None:
    assert toy({}, hazard("anyone")).verdict == "clear"


def test_findings_come_worst_first_then_known_then_by_severity_then_by_name() -> None:
    rules = (
        hazard("z", check((A,)), severity="boxed_warning"),
        hazard("y", check((A,)), severity="practical"),
        hazard("x", check((A,)), severity="practical"),
        hazard("w", check((B,)), severity="boxed_warning"),
        hazard("v", check((A,), "stop"), severity="practical"),
        hazard("u", check((A,)), severity="contraindication"),
        hazard("t", check((A,)), severity="common"),
        hazard("s", check((A,)), severity="serious"),
    )
    screening = toy({"a": True}, *rules)
    assert [finding.hazard for finding in screening.findings] == list("vzustxyw")
    assert screening.verdict == "stop"
    assert toy({"a": True}, *rules[:4]).verdict == "caution"


def test_a_stop_silences_the_milder_and_the_open_checks_of_its_hazard_only() -> None:
    both = hazard("one", check((A,), "stop"), check((A,)), check((B,)))
    screening = toy({"a": True}, both, hazard("two", check((B,))))
    assert found(screening) == {"one": STOP, "two": OPEN}
    assert [(question.condition, question.why) for question in screening.questions] == [("b", "two")]


def test_an_open_stop_stands_beside_a_caution_and_is_told_as_the_worst_it_may_be() -> None:
    rules = hazard("one", check((A,)), check((A, B), "stop", reason="Both."), check((C,), reason="Only C."))
    screening = toy({"a": True}, rules)
    known_one, open_one = screening.findings
    assert (known_one.known, known_one.worst, open_one.known, open_one.worst) == (
        True,
        "caution",
        False,
        "stop",
    )
    assert open_one.unknown == ("b", "c")
    assert open_one.reason == "Here: a. Not known: b; c. If so, it must not be given like this: Both."
    assert open_one.resolve == "Find out what is not known. If so: Resolve."
    assert [question.could_stop for question in screening.questions] == [True, False]
    mild = toy({"a": True}, hazard("one", check((A, B), reason="Both.")))
    assert mild.findings[0].reason == "Here: a. Not known: b. If so, care is needed: Both."


def test_the_first_of_two_open_checks_that_could_be_as_bad_is_told() -> None:
    (finding,) = toy({}, hazard("one", check((A,), reason="First."), check((B,), reason="Second."))).findings
    assert finding.reason == "Not known: a; b. If so, care is needed: First."


def test_a_rule_that_was_read_but_not_answered_is_not_known() -> None:
    (finding,) = toy({"a": True}, hazard("one", check((A,), answered=False))).findings
    assert (finding.verdict, finding.known, finding.worst) == ("caution", False, "caution")


def test_only_checks_and_hazards_of_the_route_count() -> None:
    elsewhere = hazard("one", check((A,)), routes=("sc", "im"))
    other_check = hazard("two", check((A,), routes=("sc",)), check((B,), routes=("iv", "sc")))
    assert toy({"a": True, "b": False}, elsewhere, other_check).verdict == "clear"
    assert found(toy({"a": False, "b": True}, elsewhere, other_check)) == {"two": CAUTION}


def test_a_group_is_told_apart_from_one_that_cannot_be_ruled_out() -> None:
    rules = (
        hazard("one", check((A,), groups=("renal",))),
        hazard("two", check((B,), groups=("renal",)), check((C,), groups=("thrombosis",))),
    )
    screening = toy({"a": True}, *rules)
    assert (screening.groups, screening.possible_groups) == ({"renal"}, {"thrombosis"})
    assert screening.at_risk
    assert not toy({"a": False}, *rules).at_risk


def test_notes_say_what_is_carried_over_and_what_the_rule_says_of_itself() -> None:
    own = hazard("own", check((), stated_for=("privigen",), note="Note."))
    other = hazard("other", check((), stated_for=("octagam_10",), note="Note."))
    bare = hazard("bare", check(()))
    notes = {finding.hazard: (finding.note, finding.seen) for finding in toy({}, own, other, bare).findings}
    carried = "not read in this product's own documents: carried over from others; Note."
    assert notes == {"own": ("Note.", "label"), "other": (carried, "unverified"), "bare": (None, "label")}
