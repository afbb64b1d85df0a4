"""How far the answer can be trusted."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from xafsflow.blocks import Output, over_blocks
from xafsflow.contract import step
from xafsflow.errors import InputError
from xafsflow.kernels import distance as kernels
from xafsflow.learn.model import Model, StoredModel, stored
from xafsflow.names import MAP
from xafsflow.steps.classify import feature_places
from xafsflow.store import with_means

Metric = Literal["euclidean", "manhattan", "jensen_shannon", "cosine"]


@step(makes="cube", needs=["class_index"], gives=["distance"])
def distance(
    cube: xr.Dataset,
    model: Model | StoredModel,
    /,
    *,
    metrics: list[Metric] = ["euclidean", "manhattan", "jensen_shannon", "cosine"],  # noqa: B006
) -> xr.Dataset:
    """Distance between a pixel's features and the noise-free features of its class.

    Formulas are in `xafsflow.kernels.distance`. Small everywhere speaks for the references; a region that stands out
    holds something that they do not explain.

    Parameters
    ----------
    metrics
        Which of euclidean, manhattan, jensen_shannon, cosine.

    Returns
    -------
    Dataset
        The cube with `distance` (metric, y, x); NaN where a pixel has no class.
    """
    if not metrics or len(set(metrics)) < len(metrics):
        raise InputError(
            f"metrics {metrics}", "one or more, each once", f"choose among {', '.join(kernels.METRICS)}"
        )
    resting = stored(model)
    output = Output("distance", ("metric", *MAP), sizes={"metric": len(metrics)})
    found = over_blocks(
        _distances,
        [cube[resting.load().features], cube.class_index],
        [output],
        model=resting,
        places=feature_places(cube, resting.load()),
        chosen=[kernels.METRICS.index(name) for name in metrics],
    )
    return cube.assign(found).assign_coords(metric=list(metrics))


def _distances(values: Any, class_index: Any, model: StoredModel, places: Any, chosen: list[int]) -> Any:
    features = values if len(places) == len(values) else values[places]
    spectra = model.load().class_features.astype(np.float32)
    return kernels.distances(features, class_index, spectra)[chosen]


@step(makes="cube", needs=["norm", "fraction"], gives=["mean_norm", "mean_pixels"])
def means(cube: xr.Dataset, /) -> xr.Dataset:
    """Mean normalized spectrum of the pixels in which each reference leads, to be laid beside that reference.

    Returns
    -------
    Dataset
        The cube with `norm_sum` (y_block, x_block, reference, energy) and `norm_count` (y_block, x_block, reference),
        which the runner adds up block by block, and their quotient `mean_norm` (reference, energy) with `mean_pixels`.
    """
    sizes = {"reference": cube.sizes["reference"], "energy": cube.sizes["energy"]}
    outputs = [
        Output("norm_sum", ("y_block", "x_block", "reference", "energy"), np.float64, sizes),
        Output("norm_count", ("y_block", "x_block", "reference"), np.int64, sizes),
    ]
    sums = over_blocks(_sums, [cube.norm, cube.fraction], outputs)
    totals = xr.Dataset(sums).sum(["y_block", "x_block"])
    return cube.assign(sums).assign(with_means(totals).data_vars)


def _sums(norm: Any, fraction: Any) -> tuple[Any, Any]:
    n_references = len(fraction)
    known = np.isfinite(fraction).all(axis=0) & np.isfinite(norm.sum(axis=0, dtype=np.float32))
    leader = np.where(known, np.where(np.isnan(fraction), -1, fraction).argmax(axis=0), -1)
    total = np.zeros((1, 1, n_references, len(norm)))
    count = np.zeros((1, 1, n_references), np.int64)
    for reference in range(n_references):
        inside = leader == reference
        count[0, 0, reference] = inside.sum()
        if inside.any():
            total[0, 0, reference] = norm[:, inside].sum(axis=1, dtype=np.float64)
    return total, count
