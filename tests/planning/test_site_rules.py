"""Rules of labels under the skin and into a muscle: every product, and the limits of the facts collection."""

from __future__ import annotations

from typing import Any

import pytest

from globulin.dossier import Dossier
from globulin.dossier.provenance import NOT_REPORTED, Cited
from globulin.dossier.treatment import Product, Range
from globulin.library import open_dossier
from globulin.planning.refusal import Refusal
from globulin.planning.site_rules import intramuscular_plan, subcutaneous_plan
from globulin.planning.sites import SitePlan


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    return open_dossier()


def read(dossier: Dossier, name: str, ml: float, **who: Any) -> SitePlan | Refusal:
    person = {"weight_kg": 70.0, "age_year": 40.0, **who}
    return subcutaneous_plan(dossier.products[name], ml / 5, ml, products=dossier.products, **person)


def plan(dossier: Dossier, name: str, ml: float, **who: Any) -> SitePlan:
    found = read(dossier, name, ml, **who)
    assert isinstance(found, SitePlan), found
    return found


# Each line from the facts collection: mL at a site, mL/h at a site (slow end), sites for 100 mL.
@pytest.mark.parametrize(
    ("name", "who", "most_ml", "ml_per_h"),
    [
        ("hizentra", {"indication": "pi"}, 15, 15),
        ("hizentra", {"indication": "pi", "infusion_number": 2}, 15, 25),
        ("hizentra", {"indication": "pi", "infusion_number": 4}, 15, 25),
        ("hizentra", {"indication": "pi", "infusion_number": 5}, 20, 25),
        ("hizentra", {"indication": "pi", "infusion_number": 6}, 25, 25),
        ("hizentra", {"indication": "cidp"}, 20, 20),
        ("hizentra", {"indication": "cidp", "infusion_number": 2}, 50, 50),
        # no labelled illness: the smaller limit of both
        ("hizentra", {}, 15, 15),
        ("hizentra", {"infusion_number": 9}, 25, 25),
        ("gammagard_liquid", {}, 30, 20),
        ("gammagard_liquid", {"infusion_number": 2}, 30, 20),
        ("gammagard_liquid", {"infusion_number": 2, "fast": True}, 30, 30),
        ("gammagard_liquid", {"weight_kg": 40.0}, 30, 20),
        ("gammagard_liquid", {"weight_kg": 39.9}, 20, 15),
        ("gammagard_liquid", {"weight_kg": 39.9, "infusion_number": 2, "fast": True}, 20, 20),
        ("cuvitru", {}, 60, 10),
        ("cuvitru", {"weight_kg": 39.0}, 20, 10),
        ("cuvitru", {"weight_kg": 39.0, "infusion_number": 2, "fast": True}, 20, 20),
        ("cuvitru", {"weight_kg": 39.0, "infusion_number": 3, "fast": True}, 60, 60),
        ("xembify", {}, 25, 35),
        ("xembify", {"age_year": 10.0}, 25, 35),
        ("xembify", {"age_year": 9.9}, 25, 25),
        ("xembify", {"age_year": 2.0}, 25, 25),
        ("xembify", {"age_year": None}, 25, 25),
        ("cutaquig", {}, 25, 20),
        ("cutaquig", {"infusion_number": 3}, 40, 52),
        ("cutaquig", {"age_year": 17.0, "infusion_number": 2}, 25, 20),
        ("cutaquig", {"age_year": 16.9, "infusion_number": 3}, 29, 25),
        ("cutaquig", {"age_year": 6.9, "infusion_number": 3}, 15.5, 25),
        ("cutaquig", {"age_year": None}, 10, 15),
    ],
)
def test_the_rule_of_this_person_and_infusion(
    dossier: Dossier, name: str, who: dict[str, Any], most_ml: float, ml_per_h: float
) -> None:
    full = plan(dossier, name, most_ml, **who)
    assert (full.route, full.sites, full.ml_per_site, full.sessions) == ("sc", 1, most_ml, 1)
    assert (full.ml_per_h_per_site, full.ml_per_h_total) == (ml_per_h, ml_per_h)
    assert full.minutes == pytest.approx(60 * most_ml / ml_per_h)
    assert full.needles == "1 needle"
    over = plan(dossier, name, most_ml + 0.1, **who)
    assert (over.sites, over.needles) == (2, "2 needles, one for each site")


def test_all_sites_together_keep_the_limit_in_all(dossier: Dossier) -> None:
    # Cuvitru later: 60 mL/h at each of 4 sites is the 240 mL/h allowed in all
    fast = plan(dossier, "cuvitru", 240.0, infusion_number=3, fast=True)
    assert (fast.sites, fast.ml_per_h_per_site, fast.ml_per_h_total, fast.minutes) == (4, 60, 240, 60)
    slow = plan(dossier, "cuvitru", 240.0, infusion_number=3)
    assert (slow.ml_per_h_total, slow.minutes, slow.fastest_minutes) == (40, 360, 60)
    assert "The label allows 10 to 60 mL/h at one site." in slow.notes
    assert "Sites at least 10 cm apart." in slow.notes
    # below 40 kg Gammagard Liquid: 160 mL in all, 8 sites at 20 mL/h are just that
    assert (
        plan(dossier, "gammagard_liquid", 160.0, weight_kg=30.0, infusion_number=2, fast=True).minutes == 60
    )


def test_more_than_the_most_sites_take_is_spread_over_days(dossier: Dossier) -> None:
    # 240 mL in 4 sites of 60 mL is the most of one day
    assert plan(dossier, "cuvitru", 240.0).sessions == 1
    two = plan(dossier, "cuvitru", 250.0)
    assert (two.sessions, two.sites, two.ml_per_site, two.ml) == (2, 3, pytest.approx(125 / 3), 250.0)
    assert two.minutes == pytest.approx(125 / 30 * 60)
    assert "Too much for one day: 2 sessions of 125 mL on separate days." in two.notes
    assert not any("Too much" in note for note in plan(dossier, "cuvitru", 240.0).notes)


def test_what_is_not_known_is_left_open_and_said(dossier: Dossier) -> None:
    adult = plan(dossier, "gamunex_c", 200.0)
    assert (adult.sites, adult.ml_per_site, adult.minutes, adult.fastest_minutes) == (None, None, None, None)
    assert (adult.ml_per_h_per_site, adult.ml_per_h_total) == (20, None)
    assert adult.needles == "one needle for each site; how many sites is not known"
    said = "Not known: how much goes into one site, and so how many sites there are. The most at once are"
    assert f"{said} 8." in adult.notes
    assert "Start 1 week after the last infusion by vein." in adult.notes
    assert f"{said} 6." in plan(dossier, "gamunex_c", 100.0, age_year=17.0).notes
    assert (
        plan(dossier, "gamunex_c", 9.0, age_year=17.0, infusion_number=2, fast=True).ml_per_h_per_site == 20
    )
    assert plan(dossier, "gamunex_c", 9.0, age_year=17.0, weight_kg=24.0).ml_per_h_per_site == 10
    own = plan(dossier, "gamunex_c", 200.0, sites=5)
    assert (own.sites, own.ml_per_site, own.ml_per_h_total, own.minutes) == (5, 40, 100, 120)
    with pytest.raises(ValueError, match=r"^sites: from 1 to 6"):
        read(dossier, "gamunex_c", 100.0, age_year=None, sites=7)


def test_with_hyaluronidase_the_unverified_rate_is_never_used(dossier: Dossier) -> None:
    one = plan(dossier, "hyqvia", 600.0, interval_day=28.0)
    assert (one.route, one.sites, one.sessions, one.minutes) == ("fsc", 1, 1, None)
    assert (one.ml_per_h_per_site, one.ml_per_h_total) == (None, None)
    assert "Not known: how fast it may run, and so how long it takes." in one.notes
    assert [(week.week, week.grams, week.ml) for week in one.ramp_up] == [
        (1, 30, 150),
        (2, 60, 300),
        (4, 90, 450),
        (7, 120, 600),
    ]
    assert plan(dossier, "hyqvia", 601.0).sites == 2
    assert plan(dossier, "hyqvia", 1200.0).sessions == 1
    assert plan(dossier, "hyqvia", 1201.0).sessions == 2
    without = plan(dossier, "hyqvia", 600.0)
    assert without.ramp_up == ()
    assert "The build-up needs the interval between doses, which is not known." in without.notes
    remark = "Read as the limit when three sites are used."
    assert remark not in without.notes
    three = plan(dossier, "hyqvia", 1200.0, sites=3)
    assert (three.sites, three.ml_per_site, three.sessions) == (3, 400, 1)
    assert remark in three.notes
    # below 40 kg only the volume of a day was verified
    light = plan(dossier, "hyqvia", 700.0, weight_kg=39.0)
    assert (light.sites, light.sessions, light.ml_per_site) == (None, 2, None)


def test_how_the_rules_were_chosen_is_said(dossier: Dossier) -> None:
    illness = "No labelled illness was named: the smallest limits of all labelled uses count."
    age = "The age is not known: the smallest limits of all ages count."
    assert {illness, age} <= set(plan(dossier, "xembify", 20.0, age_year=None).notes)
    named = plan(dossier, "xembify", 20.0, indication="pi").notes
    assert not {illness, age} & set(named)
    assert age not in plan(dossier, "hizentra", 20.0, age_year=None).notes
    remark = "The rate is taken to carry on from the infusion before."
    assert remark in plan(dossier, "hizentra", 20.0, infusion_number=5).notes
    twin = plan(dossier, "gammaked", 50.0)
    assert "Gammaked has the same label as Gamunex-C." in twin.notes
    assert set(twin.sources) == {*plan(dossier, "gamunex_c", 50.0).sources, "harriet_lane_24e"}


PLANNED_SC = {
    "cutaquig", "cuvitru", "gammagard_liquid", "gammaked", "gamunex_c", "hizentra", "hyqvia", "xembify"
}  # fmt: skip
REFUSED_SC = {"subgam": "volumes and speeds under the skin not verified: none were read for Subgam"}


def test_every_product_under_the_skin_or_into_a_muscle_is_planned_or_refused(dossier: Dossier) -> None:
    under_skin = {name for name, each in dossier.products.items() if {"sc", "fsc"} & set(each.routes)}
    assert under_skin == PLANNED_SC | set(REFUSED_SC)
    assert {name for name, each in dossier.products.items() if "im" in each.routes} == {"gamastan"}
    by_vein = {name for name, each in dossier.products.items() if "iv" in each.routes}
    assert len(under_skin | by_vein | {"gamastan"}) == len(dossier.products) == 28


@pytest.mark.parametrize("name", sorted(PLANNED_SC))
def test_every_volume_is_planned_within_the_limits(dossier: Dossier, name: str) -> None:
    for ml in (1.0, 37.0, 150.0, 700.0, 2500.0):
        for number in (1, 2, 3, 7):
            for age in (None, 5.0, 12.0, 40.0):
                found = plan(dossier, name, ml, infusion_number=number, age_year=age)
                assert set(found.sources) <= set(dossier.sources)
                assert found.sources
                if found.sites is None or found.ml_per_site is None:
                    continue
                assert found.ml_per_site * found.sites * found.sessions == pytest.approx(ml)
                if found.minutes is not None and found.fastest_minutes is not None:
                    assert found.fastest_minutes <= found.minutes


@pytest.mark.parametrize("name", sorted(REFUSED_SC))
def test_what_was_not_read_is_refused(dossier: Dossier, name: str) -> None:
    assert read(dossier, name, 10.0) == Refusal(REFUSED_SC[name], dossier.products[name].sources)


def test_other_routes_illnesses_and_people_are_refused(dossier: Dossier) -> None:
    privigen = dossier.products["privigen"]
    assert read(dossier, "privigen", 10.0) == Refusal(
        "Privigen is not given under the skin", privigen.sources
    )
    other = read(dossier, "hizentra", 10.0, indication="itp")
    assert isinstance(other, Refusal)
    assert "no use under the skin with the code 'itp', only cidp, pi;" in other.reason
    young = read(dossier, "xembify", 10.0, age_year=1.9)
    assert isinstance(young, Refusal)
    assert young.reason.endswith("the label of Xembify has none for this person")
    with pytest.raises(ValueError, match=r"^infusion_number: "):
        read(dossier, "xembify", 10.0, infusion_number=0)


def test_into_a_muscle(dossier: Dossier) -> None:
    gamastan = dossier.products["gamastan"]
    small = intramuscular_plan(gamastan, 0.33, 2.0)
    assert isinstance(small, SitePlan)
    assert (small.route, small.sites, small.ml_per_site, small.grams, small.ml) == ("im", 1, 2.0, 0.33, 2.0)
    assert (small.minutes, small.ml_per_h_per_site, small.sessions) == (None, None, 1)
    assert any("sciatic nerve" in note for note in small.notes)
    assert "Planned for a large muscle: at most 5 mL at one site." in small.notes
    assert "Into the upper arm: at most 1 to 2 mL at one site." in small.notes
    ten = intramuscular_plan(gamastan, 1.65, 10.0)
    large = intramuscular_plan(gamastan, 1.66, 10.1)
    assert isinstance(ten, SitePlan)
    assert isinstance(large, SitePlan)
    assert (ten.sites, ten.ml_per_site) == (2, 5.0)
    assert (large.sites, large.ml_per_site) == (3, pytest.approx(10.1 / 3))
    # the clot signal belongs to more than 10 mL alone
    clot = [any("odds ratio 57.57" in note for note in each.notes) for each in (small, ten, large)]
    assert clot == [False, False, True]
    assert ["ajh_2013_thrombosis" in each.sources for each in (small, ten, large)] == clot
    assert "More than 10 mL: divided over several sites." in large.notes
    assert set(large.sources) == {"jbi_im_injection", "rxreasoner_gamastan_2020", "ajh_2013_thrombosis"}


def test_into_a_muscle_only_where_volumes_were_read(dossier: Dossier) -> None:
    hizentra = dossier.products["hizentra"]
    assert intramuscular_plan(hizentra, 1.0, 5.0) == Refusal(
        "Hizentra is not given into a muscle", hizentra.sources
    )
    gamastan = dossier.products["gamastan"]
    silent = gamastan.model_copy(update={"intramuscular": None})
    reason = "volumes into a muscle not verified: none were read for GamaSTAN (formerly GamaSTAN S/D)"
    assert intramuscular_plan(silent, 0.33, 2.0) == Refusal(reason, gamastan.sources)


def made_up(*rules: dict[str, Any], maximum_sites: int | None = None) -> Product:
    """A product with rules that no label has, to try those a label might."""
    use: dict[str, Any] = {"interval": "weekly", "rules": rules, "sources": ("s",)}
    if maximum_sites is not None:
        use["maximum_sites"] = {"value": maximum_sites, "source": "s", "seen": "label"}
    return Product.model_validate(
        {
            "id": "made_up",
            "name": "Made up",
            "maker": "Nobody",
            "markets": ("US",),
            "routes": ("sc",),
            "concentration_mg_per_ml": {"value": 200.0, "source": "s", "seen": "label"},
            "vials": ({"g": 1.0, "ml": 5.0},),
            "subcutaneous": use,
            "sources": ("s",),
        }
    )


def limited(*rules: dict[str, Any], weight_kg: float = 70.0, **more: Any) -> SitePlan | Refusal:
    return subcutaneous_plan(made_up(*rules, **more), 10.0, 50.0, products={}, weight_kg=weight_kg)


def site(ml: float) -> dict[str, float]:
    return {"low": ml, "high": ml}


def test_open_and_closed_bounds() -> None:
    rule = {"ml_per_site": site(25.0)}
    for bounds, inside, outside in (
        ({"at_least": 40.0}, 40.0, 39.9),
        ({"above": 40.0}, 40.1, 40.0),
        ({"below": 40.0}, 39.9, 40.0),
        ({"at_most": 40.0}, 40.0, 40.1),
    ):
        bounded = {**rule, "weight_kg": bounds}
        assert isinstance(limited(bounded, weight_kg=inside), SitePlan), bounds
        assert isinstance(limited(bounded, weight_kg=outside), Refusal), bounds


def test_the_smallest_of_several_limits_counts() -> None:
    found = limited(
        {"ml_per_site": site(25.0), "ml_per_h_per_site": {"low": 10.0, "high": 40.0}, "ml_per_h_total": 90.0},
        {"ml_per_site": site(20.0), "ml_per_h_per_site": {"low": 15.0, "high": 20.0}, "ml_per_h_total": 25.0},
        {"ml_per_day": 60.0, "maximum_sites": 4},
        {"ml_per_day": 30.0, "maximum_sites": 5},
        maximum_sites=6,
    )
    assert isinstance(found, SitePlan)
    # 50 mL on two days; 25 mL at 20 mL a site are 2 sites, 10 mL/h at each keep the 25 in all; fast 12.5 each
    assert (found.sessions, found.sites, found.ml_per_h_per_site) == (2, 2, 10.0)
    assert (found.minutes, found.fastest_minutes) == (75.0, 60.0)
    assert "The label allows 10 to 20 mL/h at one site." in found.notes
    by_count = limited(
        {"ml_per_site": site(40.0)},
        {"sites": 2, "ml_per_site": site(24.0)},
        {"sites": 2, "ml_per_site": site(26.0)},
    )
    assert isinstance(by_count, SitePlan)
    # two sites take 2 x 24 = 48 mL: too little for 50, so three
    assert by_count.sites == 3


def test_the_most_sites_of_the_people_or_of_the_product() -> None:
    rule = {"ml_per_site": site(5.0)}
    for most_of_rule, most_of_product, sessions in (
        (4, 6, 3),
        (6, 4, 3),
        (None, 5, 2),
        (5, None, 2),
        (None, None, 1),
    ):
        more = {} if most_of_rule is None else {"maximum_sites": most_of_rule}
        found = limited({**rule, **more}, maximum_sites=most_of_product)
        assert isinstance(found, SitePlan)
        assert found.sessions == sessions
        unknown = "Not known: the most sites at once."
        assert (unknown in found.notes) == (most_of_rule is None and most_of_product is None)


def test_unverified_rules_are_never_used() -> None:
    found = limited({"ml_per_site": site(25.0)}, {"ml_per_site": site(5.0), "seen": "unverified"})
    assert isinstance(found, SitePlan)
    assert found.sites == 2
    assert isinstance(limited({"ml_per_site": site(25.0), "seen": "unverified"}), Refusal)


def test_of_a_range_of_volumes_the_low_end_is_the_limit(dossier: Dossier) -> None:
    found = limited({"ml_per_site": {"low": 10.0, "high": 50.0}})
    assert isinstance(found, SitePlan)
    assert found.sites == 5
    wide = {"sites": 1, "ml_per_site": {"low": 10.0, "high": 50.0}}
    narrow = {"sites": 1, "ml_per_site": {"low": 20.0, "high": 60.0}}
    # a rule for one number of sites that states no volume limits nothing
    for rules in ((wide, narrow, {"sites": 5, "ml_per_day": 60.0}), (narrow, wide)):
        counted = limited({"ml_per_site": site(25.0)}, *rules)
        assert isinstance(counted, SitePlan)
        assert counted.sites == 2
    own = subcutaneous_plan(
        made_up({"ml_per_site": site(25.0)}, narrow, wide), 10.0, 50.0, products={}, weight_kg=70.0, sites=1
    )
    assert isinstance(own, SitePlan)
    assert own.sessions == 5
    gamastan = dossier.products["gamastan"]
    use = gamastan.intramuscular
    assert use is not None
    most = Cited[Range](value=Range(low=2.0, high=5.0), source="s", seen="label")
    varied = gamastan.model_copy(
        update={"intramuscular": use.model_copy(update={"ml_per_large_muscle": most})}
    )
    small = intramuscular_plan(varied, 1.0, 6.0)
    assert isinstance(small, SitePlan)
    assert small.sites == 3
    unread = use.model_copy(update={"ml_per_large_muscle": NOT_REPORTED})
    assert isinstance(
        intramuscular_plan(gamastan.model_copy(update={"intramuscular": unread}), 1.0, 6.0), Refusal
    )
