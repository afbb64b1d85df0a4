"""Numbers along an axis: round, within it, and as many as there is room for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.reporting.axis_ticks import log_ticks, nice_ticks, tick_labels

ENDS = st.floats(-3e6, 3e6)
SPANS = st.floats(1e-3, 1e5)


@pytest.mark.long
@given(ENDS, SPANS, st.integers(2, 8))
def test_nice_ticks__are_even_and_within_the_axis(low: float, span: float, most: int) -> None:
    ticks = np.array(nice_ticks(low, low + span, most))
    assert 2 <= ticks.size <= 2 * most + 1
    slack = 1e-6 * max(abs(low), span)
    assert low - slack <= ticks.min() <= ticks.max() <= low + span + slack
    np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], atol=slack)


@given(st.integers(-5000, 5000), st.integers(1, 5000))
def test_nice_ticks__of_pixels_are_whole(first: int, count: int) -> None:
    ticks = nice_ticks(first - 0.5, first + count - 0.5, 5, whole=True)
    assert ticks == [round(tick) for tick in ticks]
    assert first <= ticks[0] <= ticks[-1] <= first + count - 1


@given(ENDS, SPANS)
def test_tick_labels__are_all_different(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span, 5)
    assert len(set(tick_labels(ticks))) == len(ticks)


def test_log_ticks__are_within_the_axis() -> None:
    assert log_ticks(0.9, 4.4) == [1.0, 2.0]
    assert log_ticks(3e-3, 2e3) == [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
