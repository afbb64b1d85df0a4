"""Mean spectra of the pixels that each reference leads."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.kernels.spectra.class_sums import sums_of_finite
from xafsflow.step_table import step
from xafsflow.store import with_means
from xafsflow.vocabulary import SPECTRAL


@step(makes="cube", needs=["norm", "fraction"], gives=["mean_norm", "mean_pixels"])
def means(cube: xr.Dataset, /) -> xr.Dataset:
    """Mean normalized spectrum of the pixels in which each reference leads, to be laid beside that reference.

    Returns
    -------
    Dataset
        The cube with `norm_sum` and `norm_count` (y_block, x_block, reference, spectral),
        which the runner adds up block by block, and their quotient `mean_norm` (reference, spectral) with `mean_pixels`.
    """
    sizes = {"reference": cube.sizes["reference"], SPECTRAL: cube.norm.shape[0]}
    outputs = [
        Output("norm_sum", ("y_block", "x_block", "reference", SPECTRAL), np.float64, sizes),
        Output("norm_count", ("y_block", "x_block", "reference", SPECTRAL), np.int64, sizes),
    ]
    sums = over_blocks(_sums, [cube.norm, cube.fraction], outputs)
    totals = xr.Dataset(sums).sum(["y_block", "x_block"])
    return cube.assign(sums).assign(with_means(totals).data_vars)


def _sums(norm: Any, fraction: Any) -> tuple[Any, Any]:
    n_references = len(fraction)
    known = np.isfinite(fraction).all(axis=0)
    leader = np.where(known, np.where(np.isnan(fraction), -1, fraction).argmax(axis=0), -1)
    total = np.zeros((1, 1, n_references, len(norm)))
    count = np.zeros((1, 1, n_references, len(norm)), np.int64)
    spectra, leaders = norm.reshape(len(norm), -1), leader.ravel()
    for reference in range(n_references):
        pixels = np.flatnonzero(leaders == reference)
        total[0, 0, reference], count[0, 0, reference] = sums_of_finite(spectra, pixels)
    return total, count
