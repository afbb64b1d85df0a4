"""How far a pixel is from its class."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.kernels.spectra import spectral_distance as kernels
from xafsflow.learning.models.model import Model, StoredModel, stored
from xafsflow.learning.trust.noise_distance import expected_at
from xafsflow.sampling.signature_check import places_in
from xafsflow.step_table import step
from xafsflow.vocabulary import MAP

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

    Formulas are in `xafsflow.kernels.spectra.spectral_distance`. A distance means something beside the one that noise
    alone gives: half of
    the pixels that hold exactly their class lie below it. It is learnt on the training patterns by `train.fit`, for each
    class, as a power of the pixel's `noise`.

    Parameters
    ----------
    metrics
        Which of euclidean, manhattan, jensen_shannon, cosine.

    Returns
    -------
    Dataset
        The cube with `distance` (metric, y, x), and if it has `noise`, which `train.mixtures` must have known,
        `distance_expected` (metric, y, x); NaN where a pixel has no class.
    """
    if not metrics or len(set(metrics)) < len(metrics):
        raise InputError(
            f"metrics {metrics}", "one or more, each once", f"choose among {', '.join(kernels.METRICS)}"
        )
    resting = stored(model)
    known = resting.load()
    places = places_in(cube, known.signature)
    chosen = [kernels.METRICS.index(name) for name in metrics]
    output = Output("distance", ("metric", *MAP), sizes={"metric": len(metrics)})
    found = over_blocks(
        _distances,
        [cube[known.signature.variable], cube.class_index],
        [output],
        model=resting,
        places=places,
        chosen=chosen,
    )
    if "noise" in cube and known.trust.distance_scale is not None:
        output = Output("distance_expected", ("metric", *MAP), sizes={"metric": len(metrics)})
        arrays = [cube.noise, cube.class_index]
        found |= over_blocks(_expected, arrays, [output], model=resting, chosen=chosen)
    return cube.assign(found).assign_coords(metric=list(metrics))


def _distances(values: Any, class_index: Any, model: StoredModel, places: Any, chosen: list[int]) -> Any:
    # Places side by side are a slice of the block, and no copy.
    inside = slice(places[0], places[-1] + 1) if np.ptp(places) + 1 == len(places) else places
    features = values[inside]
    spectra = model.load().targets.centers.astype(np.float32)
    return kernels.distances(features, class_index, spectra)[chosen]


def _expected(noise: Any, class_index: Any, model: StoredModel, chosen: list[int]) -> Any:
    known = model.load().trust
    return expected_at(noise, class_index, known.distance_scale[chosen], known.distance_power[chosen])  # type: ignore[index]
