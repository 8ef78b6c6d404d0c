"""Labels read into ramps: makers' worked examples, every product by vein, and awkward made-up labels."""

from __future__ import annotations

from typing import Any

import pytest

from globulin.dossier import Dossier
from globulin.dossier.treatment import Product
from globulin.library import open_dossier
from globulin.planning.infusion import Ramp, infusion_plan
from globulin.planning.ramps import LocalPractice, label_ramp
from globulin.planning.refusal import Refusal


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


def read(dossier: Dossier, product: str, indication: str | None = None, **how: Any) -> Ramp | Refusal:
    asked = {"infusion": "later", "at_risk": False, **how}
    return label_ramp(dossier.products[product], indication, products=dossier.products, **asked)


def ramp(dossier: Dossier, product: str, indication: str | None = None, **how: Any) -> Ramp:
    found = read(dossier, product, indication, **how)
    assert isinstance(found, Ramp), found
    return found


def shown(found: Ramp) -> list[tuple[float, float | None, bool]]:
    return [(step.rate_mg_per_kg_min, step.minutes, step.local_practice) for step in found.steps]


# The makers' own calculators: 70 kg Gammaplex 5% is printed as 2 h 15 min, the others to a tenth of a minute.
@pytest.mark.parametrize(
    ("product", "indication", "infusion", "mg_per_kg", "minutes", "within"),
    [
        ("gammaplex_5", "pi", "first", 400, 135.0, 1.0),
        ("qivigy", "pi", "first", 600, 146.2, 0.1),
        ("qivigy", "pi", "later", 600, 97.5, 0.1),
        ("octagam_10", "itp", "later", 1000, 165.8, 0.1),
    ],
)
def test_the_makers_worked_examples_come_out(
    dossier: Dossier,
    product: str,
    indication: str,
    infusion: str,
    mg_per_kg: float,
    minutes: float,
    within: float,
) -> None:
    found = ramp(dossier, product, indication, infusion=infusion)
    strength = {"gammaplex_5": 50.0}.get(product, 100.0)
    plan = infusion_plan(found, mg_per_kg * 70 / 1000, 70.0, strength)
    assert plan.total_minutes == pytest.approx(minutes, abs=within)


def test_limits_that_differ_by_illness_and_by_risk(dossier: Dossier) -> None:
    assert ramp(dossier, "privigen", "pi").maximum == 8
    assert ramp(dossier, "privigen", "itp").maximum == 4
    assert ramp(dossier, "privigen", "itp").steps[-1].rate_mg_per_kg_min == 4
    assert ramp(dossier, "octagam_10", "dm").steps[-1].rate_mg_per_kg_min == 4
    for indication in ("itp", "dm", None):
        capped = ramp(dossier, "octagam_10", indication, at_risk=True)
        assert (capped.cap, capped.steps[-1].rate_mg_per_kg_min, capped.at_risk) == (3.33, 3.33, True)
    assert shown(ramp(dossier, "octagam_10", "itp", at_risk=True)) == [
        (1, 30, False),
        (2, 30, False),
        (3.33, None, False),
    ]
    assert ramp(dossier, "octagam_10", "itp").cap is None


def test_a_limit_that_may_not_be_reached_is_not_reached(dossier: Dossier) -> None:
    # less than 2: the next lower step of 1.3 goes on; less than 8: doubling from 1 stops at 4, local practice
    bivigam = ramp(dossier, "bivigam", at_risk=True)
    assert (shown(bivigam), bivigam.cap) == ([(0.5, 10, False), (1.3, None, False)], 2)
    assert bivigam.basis[-1].startswith("For people at risk: less than 2 mg/kg/min (")
    gamunex = ramp(dossier, "gamunex_c", at_risk=True)
    assert (shown(gamunex), gamunex.cap) == ([(1, 30, True), (2, 30, True), (4, None, True)], 8)
    assert "local practice" in (gamunex.steps[-1].note or "")
    assert "goes on" in (gamunex.steps[-1].note or "")


def test_where_no_limit_was_verified_none_is_used_and_it_is_said(dossier: Dossier) -> None:
    gammagard = ramp(dossier, "gammagard_liquid", "pi", at_risk=True)
    assert (gammagard.cap, gammagard.steps[-1].rate_mg_per_kg_min) == (None, 8.333)
    assert "A limit of 3.3 mg/kg/min is recalled but not verified, and is not used." in gammagard.basis[-1]
    privigen = ramp(dossier, "privigen", "pi", at_risk=True)
    assert privigen.cap is None
    assert privigen.basis[-1].startswith("For people at risk labels ask for the lowest practicable rate; no")
    assert "recalled" not in privigen.basis[-1]


def test_a_limit_of_ones_own(dossier: Dossier) -> None:
    own = ramp(dossier, "privigen", "pi", own_cap=2.0)
    assert shown(own) == [(0.5, 30, True), (1, 30, True), (2, None, True)]
    assert (own.cap, own.steps[-1].note) == (2.0, "at the limit set for this person")
    assert own.basis[-1] == "A limit of 2 mg/kg/min was set for this person; it is not the label's."
    # the lower of the two counts, whichever it is
    assert shown(ramp(dossier, "octagam_10", "itp", at_risk=True, own_cap=5.0))[-1] == (3.33, None, False)
    both = ramp(dossier, "octagam_10", "itp", at_risk=True, own_cap=1.5)
    assert (shown(both), both.cap) == ([(1, 30, False), (1.5, None, True)], 1.5)
    # below the start everything runs at the limit; above the maximum nothing changes
    assert shown(ramp(dossier, "octagam_10", "itp", own_cap=0.4)) == [(0.4, None, True)]
    assert shown(ramp(dossier, "octagam_10", "itp", own_cap=20.0))[-1] == (12, None, False)
    assert shown(ramp(dossier, "bivigam", at_risk=True, own_cap=2.0)) == [
        (0.5, 10, False),
        (1.3, None, False),
    ]
    for cap in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=r"^own_cap: "):
            read(dossier, "privigen", "pi", own_cap=cap)


def test_first_and_later_infusions(dossier: Dossier) -> None:
    assert shown(ramp(dossier, "panzyga", "pi", infusion="first"))[-1] == (8, None, False)
    assert shown(ramp(dossier, "panzyga", "pi", infusion="later"))[-1] == (14, None, False)
    assert any("own for later" in line for line in ramp(dossier, "panzyga", "pi").basis)
    same = "The label does not tell first from later infusions: the steps are the same for both."
    first, later = (ramp(dossier, "privigen", "pi", infusion=which) for which in ("first", "later"))
    assert first == later
    assert same in first.basis


def test_an_illness_on_no_label_follows_the_lowest_maximum(dossier: Dossier) -> None:
    said = "No labelled illness was named: this is the labelled use with the lowest maximum rate."
    for product, illness, maximum in (
        ("privigen", "thrombocytopenia", 4),
        ("octagam_10", "dermatomyositis", 4),
        ("gammagard_liquid", "immunodeficiency", 8.333),
        ("panzyga", "thrombocytopenia", 8),
        # equal maxima: Gamunex-C starts at 2 in CIDP and at 1 in PI; Gammaplex 5% has steps for PI alone
        ("gamunex_c", "immunodeficiency", 8),
        ("gammaplex_5", "immunodeficiency", 4),
    ):
        found = ramp(dossier, product)
        assert found.maximum == maximum
        assert illness in found.basis[0]
        assert said in found.basis
    assert said not in ramp(dossier, "privigen", "itp").basis
    assert ramp(dossier, "gamunex_c").steps[0].rate_mg_per_kg_min == 1


def test_local_practice_fills_what_the_label_leaves_open_and_is_marked(dossier: Dossier) -> None:
    # start and maximum alone
    assert shown(ramp(dossier, "flebogamma_dif_10", "pi")) == [
        (1, 30, True),
        (2, 30, True),
        (4, 30, True),
        (8, None, False),
    ]
    # and the label's interval: the start is the label's altogether
    assert shown(ramp(dossier, "asceniv", "pi")) == [
        (0.5, 15, False),
        (1, 15, True),
        (2, 15, True),
        (4, 15, True),
        (8, None, False),
    ]
    slow = LocalPractice(step_minutes=45.0, factor=3.0)
    assert shown(ramp(dossier, "flebogamma_dif_10", "pi", local=slow)) == [
        (1, 45, True),
        (3, 45, True),
        (8, None, False),
    ]
    # 15 to 30 minutes on the label: the longer; the first step is stated apart
    assert shown(ramp(dossier, "panzyga", "cidp", local=slow)) == [
        (1, 30, False),
        (3, 30, True),
        (9, 30, True),
        (12, None, False),
    ]
    assert any("(15 to 30 minutes, 30 here)" in line for line in ramp(dossier, "panzyga", "cidp").basis)
    assert any("(15 minutes)" in line for line in ramp(dossier, "asceniv").basis)
    # European Privigen: 30 minutes at the start are the label's, the rest is not
    assert shown(ramp(dossier, "privigen", "gbs", local=slow))[:2] == [(0.5, 30, False), (1.5, 45, True)]
    assert any(
        "times 3 every 45 minutes" in line for line in ramp(dossier, "privigen", "gbs", local=slow).basis
    )


@pytest.mark.parametrize(
    ("name", "value"), [("step_minutes", 0.0), ("factor", 1.0), ("factor", float("nan"))]
)
def test_local_practice_that_never_ends_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        LocalPractice(**{name: value})
    assert LocalPractice(step_minutes=0.5).step_minutes == 0.5


def test_the_market_chooses_the_label(dossier: Dossier) -> None:
    assert "label_privigen" in ramp(dossier, "privigen", "pi").sources
    assert ramp(dossier, "privigen", "pi", market="EU").sources == ("mims_hk_privigen",)
    refused = read(dossier, "qivigy", "pi", market="EU")
    assert isinstance(refused, Refusal)
    assert "in EU" in refused.reason


def test_the_same_label_is_followed_and_named(dossier: Dossier) -> None:
    twin, own = ramp(dossier, "gammaked", "pi"), ramp(dossier, "gamunex_c", "pi")
    assert twin.steps == own.steps
    assert "Gammaked has the same label as Gamunex-C." in twin.basis
    assert set(twin.sources) == {*own.sources, "harriet_lane_24e"}
    assert not any("same label" in line for line in own.basis)


PLANNED_IV = {
    "asceniv", "bivigam", "flebogamma_dif_10", "gammagard_liquid", "gammaked", "gammaplex_10", "gammaplex_5",
    "gamunex_c", "octagam_10", "octagam_5", "panzyga", "privigen", "qivigy",
}  # fmt: skip
REFUSED_IV = {
    "alyglo": "no document was seen for its use in primary immunodeficiency (PI)",
    "flebogamma_dif_5": "no document was seen for its use in primary immunodeficiency (PI)",
    "gammagard_sd": "start rate: recalled, no document was seen",
    "intragam_10": "no use of Intragam 10 by vein was read",
    "intragam_p": "start rate: no rate was seen",
    "intratect_100": "no use of Intratect 100 g/L by vein was read",
    "kiovig": "no use of Kiovig by vein was read",
    "yimmugo": "no document was seen for its use in primary immunodeficiency (PI)",
}


def test_every_product_by_vein_is_planned_or_refused(dossier: Dossier) -> None:
    by_vein = {name for name, product in dossier.products.items() if "iv" in product.routes}
    assert by_vein == PLANNED_IV | set(REFUSED_IV)
    assert (len(PLANNED_IV), len(REFUSED_IV)) == (13, 8)


@pytest.mark.parametrize("name", sorted(PLANNED_IV))
def test_every_labelled_use_keeps_its_limits(dossier: Dossier, name: str) -> None:
    product = dossier.products[name]
    label = dossier.products[product.same_label_as or name]
    codes = {use.indication_code for use in label.uses if use.route == "iv"}
    for indication in (None, *codes):
        for infusion in ("first", "later"):
            for at_risk in (False, True):
                found = ramp(dossier, name, indication, infusion=infusion, at_risk=at_risk)
                rates = [step.rate_mg_per_kg_min for step in found.steps]
                assert rates == sorted(set(rates))
                assert rates[-1] <= min(found.maximum, found.cap or found.maximum)
                assert found.basis
                assert set(found.sources) <= set(dossier.sources)
                plan = infusion_plan(found, 30.0, 70.0, 100.0)
                assert plan.steps[-1].ml_so_far == plan.volume_ml == pytest.approx(300.0)


@pytest.mark.parametrize("name", sorted(REFUSED_IV))
def test_what_was_not_read_is_refused_with_the_reason(dossier: Dossier, name: str) -> None:
    refused = read(dossier, name)
    assert refused == Refusal(f"rate table not verified: {REFUSED_IV[name]}", refused.sources)
    assert set(refused.sources) <= set(dossier.sources)
    assert refused.sources


def test_other_routes_and_other_illnesses_are_refused(dossier: Dossier) -> None:
    refused = read(dossier, "hizentra")
    assert refused == Refusal("Hizentra is not given by vein", dossier.products["hizentra"].sources)
    other = read(dossier, "octagam_10", "kawasaki")
    assert isinstance(other, Refusal)
    assert other.reason.startswith("rate table not verified: the label of Octagam 10% has no use by vein")
    assert "only itp, dm;" in other.reason


def product(*uses: dict[str, Any]) -> Product:
    """A product made up to be awkward; every number of it was `seen`."""
    filled = [
        {"indication": "a", "indication_code": "a", "route": "iv", "sources": ("s",)} | use for use in uses
    ]
    return Product.model_validate(
        {
            "id": "made_up",
            "name": "Made up",
            "maker": "Nobody",
            "markets": ("US",),
            "routes": ("iv",),
            "concentration_mg_per_ml": fact(100.0),
            "vials": ({"g": 1.0, "ml": 10.0},),
            "uses": tuple(filled),
            "sources": ("s",),
        }
    )


def fact(value: float, seen: str = "label") -> dict[str, Any]:
    return {"value": value, "source": "s", "seen": seen}


def of(*uses: dict[str, Any], at_risk: bool = True, indication: str | None = None) -> Ramp | Refusal:
    made_up = product(*uses)
    return label_ramp(made_up, indication, products={}, infusion="first", at_risk=at_risk)


def rates(start: float, maximum: float, **more: Any) -> dict[str, Any]:
    return {"initial_mg_per_kg_min": fact(start), "maximum_mg_per_kg_min": fact(maximum), **more}


def test_a_start_that_is_not_below_a_strict_limit_is_refused() -> None:
    strict = {"at_risk_maximum_mg_per_kg_min": fact(1.0), "at_risk_strictly_below": True}
    assert of({"ramp": rates(1.0, 4.0, **strict)}) == Refusal(
        "no rate of the label of Made up is below its limit for people at risk", ("s",)
    )
    # from just below, the label's start goes on; how long it would be held no longer matters
    found = of({"ramp": rates(0.9, 4.0, **strict)})
    assert isinstance(found, Ramp)
    assert shown(found) == [(0.9, None, False)]
    assert "local" not in (found.steps[0].note or "")


def test_what_goes_on_below_a_strict_limit_keeps_its_mark() -> None:
    strict = {"at_risk_maximum_mg_per_kg_min": fact(3.0), "at_risk_strictly_below": True}
    interval = {"step_interval_min": {**fact(0.0), "value": {"low": 15.0, "high": 20.0}}}
    found = of({"ramp": rates(1.0, 4.0, **strict, **interval)})
    assert isinstance(found, Ramp)
    # the longer end of the label's interval, from the first step on; the rate of 2 is local practice
    assert shown(found) == [(1.0, 20.0, False), (2.0, None, True)]
    assert found.steps[0].note is None
    assert (found.steps[1].note or "").startswith("rate: local practice, not the label's; goes on")
    unstated = of({"ramp": rates(1.0, 4.0)})
    assert isinstance(unstated, Ramp)
    assert [step.note for step in unstated.steps] == [
        "the label's rate; how long it is held is local practice",
        "rate and minutes: local practice, not the label's",
        None,
    ]


def test_a_start_at_the_maximum_is_one_step() -> None:
    for start in (4.0, 5.0):
        found = of({"ramp": rates(start, 4.0)})
        assert isinstance(found, Ramp)
        assert shown(found) == [(4.0, None, False)]


def test_among_equal_maxima_the_slowest_start_and_then_a_step_table_counts() -> None:
    table = rates(1.0, 4.0, steps=({"rate_mg_per_kg_min": 1.0, "minutes": 7.0}, {"rate_mg_per_kg_min": 4.0}))
    for uses in (({"ramp": rates(1.0, 4.0)}, {"ramp": table}), ({"ramp": table}, {"ramp": rates(1.0, 4.0)})):
        found = of(*uses)
        assert isinstance(found, Ramp)
        assert shown(found) == [(1.0, 7.0, False), (4.0, None, False)]
    slower = of({"ramp": table}, {"ramp": rates(0.5, 4.0)})
    assert isinstance(slower, Ramp)
    assert slower.steps[0].rate_mg_per_kg_min == 0.5


def test_a_step_within_rounding_of_the_maximum_is_the_maximum() -> None:
    # 0.1 x 2 x 2 x 2 is 0.8, written 0.8000000000000001 for 0.1 + 0.7
    found = of({"ramp": rates(0.1, 0.1 + 0.7)}, at_risk=False)
    assert isinstance(found, Ramp)
    assert [step.rate_mg_per_kg_min for step in found.steps] == [0.1, 0.2, 0.4, 0.1 + 0.7]


def test_uses_that_cannot_be_computed_with_are_passed_over() -> None:
    unseen = {"ramp": {"initial_mg_per_kg_min": fact(1.0), "maximum_mg_per_kg_min": fact(2.0, "unverified")}}
    reason = "rate table not verified: maximum rate: recalled, no document was seen"
    assert of(unseen) == Refusal(reason, ("s",))
    assert of({"ramp": None}) == Refusal("rate table not verified: no infusion speed was seen", ("s",))
    found = of(unseen, {"ramp": rates(1.0, 6.0)})
    assert isinstance(found, Ramp)
    assert found.maximum == 6
    # one reason is given once
    assert of(unseen, unseen) == of(unseen)
