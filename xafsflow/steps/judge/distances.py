"""How far a pixel is from its class."""

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
from xafsflow.steps.classify.votes import feature_places

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
