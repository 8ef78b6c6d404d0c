"""Counted quantiles against NumPy's sorted ones, and streamed ones against their stated error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from globulin.exposure.quantiles import RELATIVE_WIDTH, StreamedQuantiles, row_quantiles

SHARES = [0.0, 0.025, 0.25, 0.5, 0.75, 0.975, 1.0]


@given(arrays(np.float64, (3, 17), elements=st.floats(0.0, 1e6, width=64).map(abs)))
@settings(max_examples=100, deadline=None)
def test_equal_to_sorting(values):
    # NumPy sorts; the interpolation is the same, so only its last rounding may differ
    expected = np.quantile(values, SHARES, axis=1)
    assert row_quantiles(values, SHARES) == pytest.approx(expected, rel=1e-15, abs=0)


@pytest.mark.parametrize("people", [1, 2, 5, 40_000])
def test_equal_to_sorting_for_levels(people):
    levels = np.random.default_rng(people).lognormal(2.3, 0.25, (4, people))
    expected = np.quantile(levels, SHARES, axis=1)
    assert row_quantiles(levels, SHARES) == pytest.approx(expected, rel=1e-14, abs=0)


def test_classes_over_the_whole_range_of_numbers():
    values = np.array([np.geomspace(1e-300, 1e300, 999)])
    assert row_quantiles(values, [0.5])[0, 0] == pytest.approx(1.0, rel=1e-12)


def test_a_stream_is_off_by_no_more_than_a_class():
    rng = np.random.default_rng(3)
    chunks = [rng.lognormal(2.3, 0.25, (5, 4_000)) for _ in range(6)]
    stream = StreamedQuantiles(5, lowest=0.1, highest=1_000.0)
    for chunk in chunks:
        stream.add(chunk)
    expected = np.quantile(np.concatenate(chunks, axis=1), SHARES, axis=1)
    assert stream.people == 24_000
    assert stream.quantiles(SHARES) == pytest.approx(expected, rel=RELATIVE_WIDTH)


def test_a_stream_counts_what_is_outside_at_its_ends():
    stream = StreamedQuantiles(1, lowest=1.0, highest=8.0)
    stream.add(np.array([[0.01, 2.0, 100.0]]))
    low, middle, high = stream.quantiles([0.0, 0.5, 1.0])[:, 0]
    assert low == pytest.approx(1.0, rel=RELATIVE_WIDTH)
    assert middle == pytest.approx(2.0, rel=RELATIVE_WIDTH)
    assert high == pytest.approx(8.0, rel=RELATIVE_WIDTH)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: row_quantiles(np.ones((1, 3)), [1.5]), "probabilities must lie between 0 and 1"),
        (lambda: row_quantiles(np.ones(3), [0.5]), "values must be rows x people"),
        (lambda: row_quantiles(np.array([[1.0, -1.0]]), [0.5]), "finite and not negative"),
        (lambda: row_quantiles(np.array([[1.0, np.nan]]), [0.5]), "finite and not negative"),
        (lambda: row_quantiles(np.array([[1.0, np.inf]]), [0.5]), "finite and not negative"),
        (lambda: StreamedQuantiles(1, lowest=0.0, highest=1.0), "lowest must be above 0"),
        (lambda: StreamedQuantiles(1, lowest=1.0, highest=2.0).quantiles([0.5]), "nobody has been added"),
    ],
)
def test_what_has_no_quantile_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
