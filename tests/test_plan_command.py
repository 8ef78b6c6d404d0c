"""`globulin plan` and `globulin compare` as a clinician or a script meets them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from globulin.cli import main
from globulin.plan_shelf import PlanShelf


@pytest.fixture
def globulin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["globulin", *arguments])
        monkeypatch.setenv("COLUMNS", "120")
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


@pytest.fixture
def planned(globulin: Any) -> Any:
    def run(*arguments: str) -> dict[str, Any]:
        code, out, err = globulin("plan", "--json", *arguments)
        assert (code, err) == (0, "")
        document: dict[str, Any] = json.loads(out)
        return document

    return run


MAN = ("--weight-kg", "70", "--interval-day", "28")


# what the makers' own calculators and labels print for these inputs (products facts, `iv` entries)
@pytest.mark.parametrize(
    ("arguments", "minutes", "within"),
    [
        (("gammaplex_5", "pi", "--dose-mg-per-kg", "400"), 135.0, 1.0),
        (("qivigy", "pi", "--dose-mg-per-kg", "600", "--first"), 146.2, 0.1),
        (("qivigy", "pi", "--dose-mg-per-kg", "600", "--later"), 97.5, 0.05),
        (("octagam_10", "itp", "--dose-g-per-kg", "1"), 165.8, 0.05),
    ],
)
def test_an_infusion_takes_as_long_as_its_maker_says(
    planned: Any, arguments: tuple[str, ...], minutes: float, within: float
) -> None:
    product, indication, *dose = arguments
    found = planned("--product", product, "--route", "iv", "--indication", indication, *dose, *MAN)
    assert found["infusion"]["total_minutes"] == pytest.approx(minutes, abs=within)
    assert found["infusion"]["steps"][-1]["to_minute"] == found["infusion"]["total_minutes"]
    assert found["infusion"]["steps"][-1]["ml_so_far"] == pytest.approx(found["infusion"]["volume_ml"])


# labels: Privigen 8 mg/kg/min, 4 in ITP; Octagam 10% 4 in dermatomyositis, 3.33 for people at risk
@pytest.mark.parametrize(
    ("product", "arguments", "highest"),
    [
        ("privigen", ("--indication", "pi"), 8.0),
        ("privigen", ("--indication", "itp"), 4.0),
        ("privigen", (), 4.0),
        ("octagam_10", ("--indication", "dm", "--split-over-days", "2"), 4.0),
        ("octagam_10", ("--indication", "itp", "--risk", "thrombosis"), 3.33),
        ("octagam_10", ("--indication", "itp", "--has", "oestrogen"), 3.33),
        ("octagam_10", ("--indication", "itp", "--max-rate-mg-per-kg-min", "2.5"), 2.5),
    ],
)
def test_no_step_is_faster_than_what_applies(
    planned: Any, product: str, arguments: tuple[str, ...], highest: float
) -> None:
    found = planned("--product", product, "--dose-g-per-kg", "2", *arguments, *MAN)
    assert max(step["mg_per_kg_min"] for step in found["infusion"]["steps"]) == highest


# 28, 70 and 140 g at 45.314 USD for 500 mg; 2 mL at 49.033 USD for 1 mL (CMS, October to December 2025)
@pytest.mark.parametrize(
    ("arguments", "usd"),
    [
        (("gammagard_liquid", "iv", "--dose-g-per-kg", "0.4"), 2538),
        (("gammagard_liquid", "iv", "--dose-g-per-kg", "1"), 6344),
        (("gammagard_liquid", "iv", "--dose-g-per-kg", "2"), 12688),
        (("gamastan", "im", "--dose-ml", "2"), 98.07),
    ],
)
def test_the_drug_costs_what_the_price_list_says(
    planned: Any, arguments: tuple[str, ...], usd: float
) -> None:
    product, route, *dose = arguments
    found = planned("--product", product, "--route", route, *dose, *MAN)
    cost = found["cost"]
    assert cost["drug_before_waste_per_infusion"] == pytest.approx(usd, abs=0.5 if usd > 1000 else 0.005)
    assert cost["drug_per_28_days"] == cost["drug_per_infusion"] == cost["drug_per_dose"]
    assert (cost["currency"], cost["price_list"]) == ("USD", "cms_2025q4")
    assert cost["price_date"] == "October to December 2025"


def test_what_is_held_by_name_is_there(planned: Any) -> None:
    found = planned("--product", "privigen", "--indication", "pi", "--route", "iv", "--dose-mg-per-kg", "400",
                    "--first", "--risk", "renal,thrombosis", *MAN)  # fmt: skip
    assert found["dose"]["grams"] == pytest.approx(28.0)
    assert (found["dose"]["weight_basis"], found["dose"]["weight_kg"]) == ("actual", 70.0)
    assert sum(vial["grams"] * vial["count"] for vial in found["vials"]) == pytest.approx(30.0)
    assert found["waste_grams"] == pytest.approx(2.0)
    assert set(found["infusion"]["steps"][0]) >= {"from_minute", "to_minute", "ml_per_h", "mg_per_kg_min"}
    assert found["screening"]["verdict"] == "caution"
    assert found["screening"]["at_risk"] == ["renal", "thrombosis"]
    assert all(
        {"hazard", "verdict", "reason", "source"} <= set(each) for each in found["screening"]["findings"]
    )
    assert found["screening"]["questions"]
    assert found["prediction"]["model"] == "deficient"
    assert found["monitoring"]["items"]
    assert found["refused"] is None
    # every source that a part names is listed with its title
    assert "label_privigen" in found["sources"]


def test_a_product_whose_rates_were_not_verified_is_refused_and_the_rest_stands(planned: Any) -> None:
    found = planned("--product", "yimmugo", "--dose-g-per-kg", "0.4", *MAN)
    assert found["infusion"] is None
    assert "rate table not verified" in found["refused"]
    assert found["dose"]["grams"] == pytest.approx(28.0)
    assert found["prediction"]["rise_mean_g_per_l"]["value"] > 0


def test_a_product_whose_vials_were_not_verified_keeps_the_rest_of_its_plan(
    planned: Any, globulin: Any
) -> None:
    usual = ("--product", "gammagard_sd", "--dose-g-per-kg", "0.4", *MAN)
    found = planned(*usual)
    assert (found["vials"], found["waste_grams"]) == (None, None)
    assert "vials not verified" in found["vials_refused"]
    assert found["cost"]["drug_per_infusion"] is None
    assert found["dose"]["grams"] == pytest.approx(28.0)
    assert "vials not verified" in " ".join(globulin("plan", *usual)[1].split())


def test_every_product_is_planned_or_refused_with_its_reason(planned: Any) -> None:
    shelf = PlanShelf()
    dose = {"iv": ("0.4", "28"), "sc": ("0.1", "7"), "fsc": ("0.4", "28"), "im": ("0.005", "7")}
    for name, product in shelf.products.items():
        for route in product.routes:
            per_kg, interval = dose[route]
            found = planned("--product", name, "--route", route, "--dose-g-per-kg", per_kg,
                            "--interval-day", interval, "--weight-kg", "70")  # fmt: skip
            way = found["infusion"] or found["sites"]
            assert (way is None) == (found["refused"] is not None), name
            if found["refused"]:
                assert "not verified" in found["refused"], name


def test_a_stop_is_a_value_and_no_error(planned: Any) -> None:
    found = planned(
        "--product", "gammaplex_5", "--dose-g-per-kg", "0.4", "--has", "fructose_intolerance", *MAN
    )
    assert found["screening"]["verdict"] == "stop"
    assert found["screening"]["findings"][0]["hazard"] == "fructose_intolerance"


def test_a_reaction_replans_the_rest(planned: Any) -> None:
    usual = ("--product", "qivigy", "--dose-mg-per-kg", "600", *MAN)
    whole, after = planned(*usual)["infusion"], planned(*usual, "--reaction-at", "100")["infusion"]
    assert after["volume_ml"] == whole["volume_ml"]
    assert after["steps"][-1]["ml_so_far"] == pytest.approx(whole["volume_ml"])
    rates = [step["mg_per_kg_min"] for step in after["steps"]]
    # minute 100 is in the step at 6 mg/kg/min; it stops for half an hour and goes on at 4, tolerated before
    assert rates == [1, 2, 4, 6, 0, 4]
    pause = after["steps"][4]
    assert (pause["from_minute"], pause["to_minute"]) == (100, 130)


def test_a_regimen_of_the_dossier_can_be_planned_and_changed(planned: Any) -> None:
    named = planned("--product", "gamastan", "--regimen", "im_2_ml_weekly", "--weight-kg", "70")
    assert named["dose"]["grams"] == pytest.approx(0.33)
    assert named["regimen"]["interval_day"] == 7
    other = planned("--product", "gamastan", "--regimen", "im_2_ml_weekly", "--interval-day", "14",
                    "--weight-kg", "70")  # fmt: skip
    assert other["regimen"]["interval_day"] == 14


def test_a_file_says_who_and_options_go_first(planned: Any, tmp_path: Path) -> None:
    file = tmp_path / "person.yaml"
    file.write_text(
        "label: A\nweight_kg: 62\nsex: female\nheight_cm: 168\n"
        "conditions: {migraine: true, oestrogen: false}\n"
    )
    usual = ("--product", "privigen", "--dose-g-per-kg", "0.4", "--interval-day", "28")
    found = planned(str(file), *usual)
    assert found["dose"]["grams"] == pytest.approx(24.8)
    assert found["patient"]["conditions"] == {"migraine": True, "oestrogen": False}
    heavier = planned(str(file), *usual, "--weight-kg", "70", "--has", "diabetes")
    assert heavier["dose"]["grams"] == pytest.approx(28.0)
    assert heavier["patient"]["conditions"]["diabetes"] is True


def test_the_template_is_a_file_that_works_once_the_weight_is_in(
    globulin: Any, planned: Any, tmp_path: Path
) -> None:
    code, out, _ = globulin("plan", "--template")
    assert code == 0
    file = tmp_path / "person.yaml"
    file.write_text(out.replace("weight_kg:", "weight_kg: 62", 1))
    found = planned(str(file), "--product", "privigen", "--dose-g-per-kg", "0.4", "--interval-day", "28")
    assert found["dose"]["grams"] == pytest.approx(24.8)


def test_a_file_with_faults_names_each_at_its_place(globulin: Any, tmp_path: Path) -> None:
    file = tmp_path / "person.yaml"
    file.write_text("label: A\nweight_kg: 7000\nconditions: {migrane: true}\n")
    code, out, err = globulin(
        "plan", str(file), "--product", "privigen", "--dose-g", "20", "--interval-day", "28"
    )
    assert (code, out) == (2, "")
    first, second, last = err.splitlines()
    assert first.startswith("person.yaml:2:")
    assert second.startswith("person.yaml:3:")
    assert last == "2 faults; nothing was done"


def test_each_weight_gives_its_own_grams(planned: Any) -> None:
    woman = ("--weight-kg", "110", "--height-cm", "170", "--sex", "female", "--interval-day", "28")
    found = planned("--product", "privigen", "--dose-g-per-kg", "1", *woman)
    # Devine: 45.5 + 2.3 x (170 / 2.54 - 60) = 61.437 kg; adjusted: ideal + 0.4 or 0.5 x (110 - ideal)
    ideal = 45.5 + 2.3 * (170 / 2.54 - 60)
    grams = [each["grams"] for each in found["dose"]["by_weight"]]
    expected = [110, ideal, ideal + 0.4 * (110 - ideal), ideal + 0.5 * (110 - ideal)]
    assert grams == pytest.approx(expected, abs=1e-6)
    chosen = planned(
        "--product", "privigen", "--dose-g-per-kg", "1", "--weight-basis", "adjusted_0_4", *woman
    )
    assert chosen["dose"]["grams"] == pytest.approx(expected[2], abs=1e-6)
    assert chosen["infusion"]["weight_kg"] == pytest.approx(expected[2])


def test_an_own_price_is_used_and_not_converted(planned: Any) -> None:
    usual = ("--product", "privigen", "--dose-g", "25", *MAN)
    per_gram = planned(*usual, "--price-per-g", "60", "--currency", "EUR")["cost"]
    assert (per_gram["drug_per_infusion"], per_gram["currency"]) == (1500, "EUR")
    assert per_gram["administration_per_infusion"] is None
    per_vial = planned(*usual, "--price-per-vial", "5=100,20=1000", "--currency", "EUR")["cost"]
    assert per_vial["drug_per_infusion"] == 1100


def test_a_list_of_ones_own_is_used_by_its_name(globulin: Any, planned: Any, tmp_path: Path) -> None:
    file = tmp_path / "ward.csv"
    file.write_text(
        "product,price,per,currency,date\nprivigen,1000,20,USD,2026-11-02\nprivigen,300,5,USD,2026-11-02\n"
    )
    assert globulin("prices", "import", str(file))[0] == 0
    cost = planned("--product", "privigen", "--dose-g", "25", "--price-list", "own_ward", *MAN)["cost"]
    # a vial of 20 g at 1,000 and one of 5 g at 300
    assert (cost["drug_per_infusion"], cost["price_list"], cost["currency"]) == (1300, "own_ward", "USD")


def test_without_a_product_all_of_the_route_are_ranked(globulin: Any) -> None:
    code, out, _ = globulin("plan", "--json", "--route", "iv", "--dose-g-per-kg", "0.4", *MAN,
                            "--has", "fructose_intolerance")  # fmt: skip
    assert code == 0
    products = json.loads(out)["products"]
    verdicts = [each["verdict"] for each in products]
    assert verdicts == sorted(verdicts, key=["clear", "caution", "stop"].index)
    # products with sorbitol come last (labels: not in hereditary fructose intolerance)
    assert {each["product"] for each in products if each["verdict"] == "stop"} == {
        "gammaplex_5",
        "flebogamma_dif_5",
        "flebogamma_dif_10",
    }
    assert all(each["reasons"] for each in products)


def test_plans_are_compared_in_the_order_asked(globulin: Any) -> None:
    code, out, _ = globulin("compare", "--json", "--option", "gamastan:im:2ml:7d", "--option",
                            "gammagard_liquid:iv_1_g_per_kg_28d", "--weight-kg", "70")  # fmt: skip
    assert code == 0
    muscle, vein = json.loads(out)["plans"]
    assert muscle["dose"]["grams"] == pytest.approx(0.33)
    assert vein["dose"]["grams"] == pytest.approx(70.0)
    assert (
        muscle["prediction"]["rise_mean_g_per_l"]["value"]
        < 0.2
        < vein["prediction"]["rise_mean_g_per_l"]["value"]
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--product", "privign", "--dose-g", "20", *MAN), "no product 'privign'; did you mean 'privigen'?"),
        (("--product", "privigen", "--route", "sc", "--dose-g", "20", *MAN), "made for iv, not for sc"),
        (("--product", "gammagard_liquid", "--dose-g", "20", *MAN), "--route is missing"),
        (("--product", "privigen", "--dose-g", "20", "--weight-kg", "70"), "--interval-day is missing"),
        (("--product", "privigen", *MAN), "the dose is missing"),
        (("--product", "privigen", "--dose-g", "20", "--dose-ml", "5", *MAN), "both say the dose"),
        (("--product", "privigen", "--dose-g", "-20", *MAN), "give a dose above 0"),
        (("--product", "privigen", "--dose-g", "nan", *MAN), "give a dose above 0"),
        (("--product", "privigen", "--dose-g", "20", "--interval-day", "28"), "--weight-kg is missing"),
        (("--product", "privigen", "--dose-g", "20", "--interval-day", "-1", "--weight-kg", "70"), "above 0"),
        (
            ("--product", "privigen", "--dose-g", "20", "--interval-day", "28", "--weight-kg", "7000"),
            "--weight-kg",
        ),
        (("--product", "privigen", "--dose-g", "20", "--first", "--later", *MAN), "cannot both hold"),
        (("--product", "privigen", "--dose-g", "20", "--has", "migrane", *MAN), "did you mean 'migraine'?"),
        (
            ("--product", "privigen", "--dose-g", "20", "--has", "migraine", "--has-not", "migraine", *MAN),
            "--has too",
        ),
        (("--product", "privigen", "--dose-g", "20", "--risk", "liver", *MAN), "--risk"),
        (("--product", "privigen", "--dose-g", "20", "--indication", "cfs", *MAN), "leave it out for ME/CFS"),
        (("--product", "privigen", "--dose-g", "20", "--price-list", "x", *MAN), "no price list 'x'"),
        (("--product", "privigen", "--dose-g", "20", "--price-per-g", "60", *MAN), "--currency is missing"),
        (
            ("--product", "privigen", "--dose-g", "20", "--price-per-vial", "5", "--currency", "EUR", *MAN),
            "grams=price",
        ),
        (("--product", "privigen", "--dose-g", "20", "--reaction-at", "9000", *MAN), "--reaction-at"),
        (("--product", "privigen", "--dose-g", "20", "--resume", "half", *MAN), "--reaction-at"),
        (("--product", "privigen", "--dose-g", "20", "--step-factor", "1", *MAN), "--step-factor"),
        (("--product", "privigen", "--dose-g", "20", "--max-rate-mg-per-kg-min", "0", *MAN), "--max-rate"),
        (("--product", "privigen", "--dose-g", "20", "--weight-basis", "ideal", *MAN), "--weight-basis"),
        (("--product", "privigen", "--dose-g", "20", "--split-over-days", "29", *MAN), "--split-over-days"),
        (("--dose-g", "20", *MAN), "--product is missing"),
        (("nowhere.yaml", "--product", "privigen", "--dose-g", "20", *MAN), "no such file"),
    ],
)
def test_what_cannot_be_used_is_one_line(globulin: Any, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = globulin("plan", *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("privigen", "give PRODUCT:REGIMEN"),
        ("privigen:iv_1_g", "no regimen 'iv_1_g'"),
        ("privigen:po:1g:28d", "'po' is no route"),
        ("privigen:iv:1:28d", "'1' is no dose"),
        ("privigen:iv:1g:monthly", "'monthly' is no interval"),
        ("privigen:iv:1g:28d:x", "'x' is no number of days"),
        ("privign:iv:1g:28d", "did you mean 'privigen'?"),
    ],
)
def test_an_option_that_is_not_understood_says_which_part(globulin: Any, option: str, says: str) -> None:
    code, out, err = globulin("compare", "--option", option, "--option", option, "--weight-kg", "70")
    assert (code, out) == (2, "")
    assert says in err


def test_one_option_is_nothing_to_compare(globulin: Any) -> None:
    code, _, err = globulin("compare", "--option", "privigen:iv:1g:28d", "--weight-kg", "70")
    assert code == 2
    assert "from two to 4" in err


def test_nothing_about_the_person_is_said_on_the_error_stream(globulin: Any, tmp_path: Path) -> None:
    file = tmp_path / "person.yaml"
    file.write_text("label: Mrs Secret\nweight_kg: 62\nletter: {history: very private}\n")
    _, _, err = globulin("plan", str(file), "--product", "privigen", "--dose-g", "20", "--interval-day", "0")
    assert "Secret" not in err
    assert "private" not in err
