"""Forest and combination fit, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.step_table import step
from xafsflow.vocabulary import MAP


@step(makes="cube", needs=["fraction", "lcf_fraction"], gives=["disagreement"])
def agreement(cube: xr.Dataset, /) -> xr.Dataset:
    """How far the compositions by the forest and by the combination fit are apart.

    Half the sum of |fraction - lcf_fraction| over the references: the share of the sample that the two call different
    names, 0 where they agree and 1 where they have nothing in common.

    Returns
    -------
    Dataset
        The cube with `disagreement` (y, x); NaN where one of the two has no answer.
    """
    arrays = [cube.fraction, cube.lcf_fraction]
    return cube.assign(over_blocks(_half_sum, arrays, [Output("disagreement", MAP)]))


def _half_sum(fraction: Any, lcf_fraction: Any) -> Any:
    return np.abs(fraction - lcf_fraction).sum(axis=0) / 2
