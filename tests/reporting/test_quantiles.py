"""Quantiles are those of numpy to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.reporting.quantiles import median, quantiles


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 100, 101, 1000, 40001])
def test_quantiles__are_those_of_numpy(count: int, kind) -> None:
    random = np.random.default_rng(count)
    for values in (random.normal(size=count).astype(kind), random.integers(0, 3, count).astype(kind)):
        for shares in ([0, 0.01, 0.5, 0.99, 1], [0.05, 0.5, 0.95]):
            assert quantiles(values.copy(), shares) == np.quantile(values, shares).tolist()
        assert median(values.copy()) == float(np.median(values))
