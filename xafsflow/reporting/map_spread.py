"""How the values of a map are distributed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Singles
from xafsflow.reporting.quantiles import quantiles
from xafsflow.reporting.wording import number

SHARES = (0.0, 0.01, 0.5, 0.99, 1.0)


@dataclass(frozen=True)
class Spread:
    """How the finite values of a map are distributed: their number, and the quantiles 0, 1, 50, 99 and 100 %."""

    count: int
    quantiles: tuple[float, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of a color bar: 1st and 99th percentile, or all values where they are few."""
        low, high = self.quantiles[1::2] if self.count >= 500 else self.quantiles[::4]
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def sentence(self, unit: str) -> str:
        """The distribution as a sentence."""
        unit = "" if unit in ("", "1") else f" {unit}"
        least, low, middle, high, most = (number(value, 3) for value in self.quantiles)
        if least == most:
            return f"{middle}{unit} everywhere."
        return f"Median {middle}{unit}; 98 % of the pixels lie between {low} and {high}{unit}."


def spread_of(values: Singles) -> Spread | None:
    """Quantiles of the finite values, or None where there are none.

    Examples
    --------
    >>> spread_of(np.array([1, 2, np.nan, 4], np.float32)).quantiles
    (1.0, 1.02, 2.0, 3.96, 4.0)
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    return Spread(finite.size, tuple(quantiles(finite, SHARES)))
