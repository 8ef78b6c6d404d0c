"""The comparison of models with published levels says what a fresh run says, and leaves nothing out."""

from __future__ import annotations

import pytest

from validation.kinetics import compare, items, reproduction
from validation.kinetics.rows import Row
from validation.ledger import filled


@pytest.fixture(scope="module")
def run() -> compare.Run:
    return compare.Run()


def rows(run: compare.Run, item: str, what: str, model: str) -> Row:
    return next(row for row in run.rows[item] if (row.what, row.model) == (what, model))


def test_the_readme_is_what_a_fresh_run_writes(run: compare.Run) -> None:
    text = compare.README.read_text(encoding="utf-8")
    assert filled(text, run.blocks()) == text, f"python -m {compare.__name__} writes it anew"


def test_every_published_number_is_predicted_or_left_out_for_a_reason(run: compare.Run) -> None:
    assert run.wrong() == []
    # sixteen sources, two of them in two parts; a second part may not vanish unseen
    assert list(run.rows) == [f"O{n}{half}" for n in range(1, 17) for half in ("", *("b" * (n in (1, 3))))]
    assert len(items.LEFT_OUT) == 5


def test_a_published_number_without_a_prediction_is_reported(run: compare.Run) -> None:
    kept = [row for name, each in run.rows.items() if name != "O14" for row in each]
    assert items.unclaimed(kept) == ["O14/metrics/delta_mean"]


def test_every_number_of_the_other_implementation_is_met_or_explained(run: compare.Run) -> None:
    assert all(each.settled for each in run.found)
    assert len(run.found) == 156
    # with the six hours of this library; the rest needs another infusion, or (six) another reading
    assert sum(each.agrees for each in run.found) == 111
    assert sum(each.explained for each in run.found) == 6


def test_a_number_that_differs_is_not_explained_away() -> None:
    """A tenth more than printed is met by no infusion of up to six hours."""
    (peak,) = [c for c in reproduction.checks() if c.path == ("O1", "predicted", "IV_peak")]
    found = reproduction.examined(peak._replace(ours=lambda day: 1.1 * peak.ours(day)))
    assert not found.settled


def test_known_misses_are_told(run: compare.Run) -> None:
    """As far off as an independent implementation found them (reference_reproduction, to its digits)."""
    after_vein = rows(run, "O9", "under the skin, week 16: trough, g/L", "landersdorfer_2013")
    slope = rows(run, "O6", "level under the skin, g/L per 100 mg/kg a month", "landersdorfer_2013")
    rule = rows(run, "O10", "rise for 1 g a week, g/L", "li_2022")
    assert after_vein.error_percent(after_vein.predicted) == pytest.approx(-30, abs=0.5)
    assert slope.error_percent(slope.predicted) == pytest.approx(38, abs=0.5)
    assert rule.error_percent(rule.predicted) == pytest.approx(-51, abs=0.5)
    day_29 = rows(run, "O12", "day 29, g/L", "fcrn_kim_2007")
    assert (day_29.published, day_29.predicted) == (15.2, pytest.approx(13.2, abs=0.05))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.26-1.27 / 1.14-1.15", [1.26, 1.27, 1.14, 1.15]),
        ("-30 / -26 vs week 16", [-30.0, -26.0, 16.0]),
        ("peak +1.4%; day-29 rise 0.8", [1.4, 29.0, 0.8]),
        (1.21, [1.21]),
    ],
)
def test_numbers_are_read_out_of_texts(text: str | float, found: list[float]) -> None:
    assert reproduction.found_in(text) == found
