"""An axis of a plot: from where to where it goes, and the numbers at it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.reporting.axis_ticks import log_labels, log_ticks, nice_ticks, tick_labels
from xafsflow.reporting.curve_marks import Limits

# Beside the values an axis has this share of its length free at each end.
MARGIN = 0.05


@dataclass(frozen=True)
class Axis:
    """From `low`, at the left or below, to `high`; logarithmic with `log`, with whole numbers alone with `whole`."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @classmethod
    def around(
        cls, values: Sequence[Doubles], limits: Limits, *, log: bool = False, whole: bool = False
    ) -> Axis:
        """The axis that holds values, each of shape (value,), with a margin, but ends where limits are given.

        Examples
        --------
        >>> Axis.around([np.array([0.0, 10.0, np.nan])], (0.0, None))
        Axis(low=0.0, high=10.5, log=False, whole=False)
        """
        every = np.concatenate([*values, np.zeros(0)])
        every = every[np.isfinite(every) & ((every > 0) | (not log))]
        if every.size == 0:
            every = np.array([0.1, 1.0] if log else [0.0, 1.0])
        low, high = float(every.min()), float(every.max())
        if log:
            factor = (high / low) ** MARGIN if high > low else 2.0
            low, high = low / factor, high * factor
        else:
            margin = MARGIN * (high - low) if high > low else 0.05 * abs(high) or 0.5
            low, high = low - margin, high + margin
        start, end = limits
        low, high = low if start is None else start, high if end is None else end
        return cls(low, high if high != low else low + 1.0, log, whole)

    def place(self, values: Doubles) -> Doubles:
        """Where values are, 0 at `low` and 1 at `high`; NaN where a logarithmic axis has no place for them."""
        if not self.log:
            return (values - self.low) / (self.high - self.low)
        known = np.where(values > 0, values, np.nan)
        return np.log(known / self.low) / math.log(self.high / self.low)

    def ticks(self, most: float) -> list[float]:
        """Round numbers along the axis, with at most so many distances between them."""
        if self.log:
            return log_ticks(self.low, self.high)
        return nice_ticks(
            min(self.low, self.high), max(self.low, self.high), max(1, int(most)), whole=self.whole
        )

    def labels(self, ticks: Sequence[float]) -> list[str]:
        """How they are written."""
        return log_labels(ticks) if self.log else tick_labels(ticks)
