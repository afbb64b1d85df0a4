"""A union of networks over the blocks of a cube of diffraction patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Singles, Uint8s
from xafsflow.learning.models.model import Model, StoredModel
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.learning.union.judged_patterns import judged
from xafsflow.learning.union.known_composition import type_weights
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.steps.classify.chosen_pixels import chosen, usable
from xafsflow.vocabulary import MAP


def prior_of(known: Model, ratio: str | None, elements: list[str] | None) -> Doubles | None:
    """How well the types of a union fit what else is known; None where nothing is.

    Raises
    ------
    InputError
        Something is told of the compound and the model is no union, or no type fits.
    """
    if ratio is None and elements is None:
        return None
    if not isinstance(known.predictor, UnionOfNetworks):
        raise InputError(
            f"ratio or elements for a model of {known.learner}", "a union of networks", "leave them out"
        )
    return type_weights(known.predictor.ratios, ratio, elements)


def map_structure_types(
    cube: xr.Dataset, arrays: list[xr.DataArray], model: StoredModel, places: Indices, prior: Doubles | None
) -> xr.Dataset:
    """The cube with the maps of a union: its answer, what else is possible, what is unlike, and what is two types."""
    types = model.load().targets.names
    outputs = [
        Output("class_index", MAP, np.int16),
        Output("class_vote", MAP),
        Output("set_size", MAP),
        Output("in_set", ("reference", *MAP), sizes={"reference": len(types)}),
        Output("outside", MAP),
        Output("mixed", MAP),
    ]
    settings: dict[str, Any] = {"model": model, "places": places, "prior": prior}
    found = over_blocks(_types, arrays, outputs, **settings)
    return cube.assign(found).assign_coords(reference=types)


def _types(
    values: Singles, flags: Uint8s, *, model: StoredModel, places: Indices, prior: Doubles | None
) -> tuple[NDArray[Any], ...]:
    known, features = model.load(), chosen(values, places)
    good = usable(features, flags)
    patterns = features[:, good].T
    count = known.targets.count
    index = np.full(good.shape, -1, np.int16)
    maps = np.full((4, *good.shape), np.nan, np.float32)
    in_set = np.full((count, *good.shape), np.nan, np.float32)
    rows, columns = np.nonzero(good)
    # Several arrays of the size of a pattern are made of each
    for part in row_blocks(len(patterns), 4 * patterns.shape[1]):
        found = judged(known, patterns[part], prior)
        at = rows[part], columns[part]
        index[at] = found.votes.argmax(axis=1)
        size = found.possible.sum(axis=1)
        maps[(slice(None), *at)] = found.votes.max(axis=1), size, found.unlike, found.mixed
        in_set[(slice(None), *at)] = found.possible.T
    return index, maps[0], maps[1], in_set, maps[2], maps[3]
