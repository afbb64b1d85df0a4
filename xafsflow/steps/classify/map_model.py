"""The model broadcast over the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.over_blocks import Output, over_blocks
from xafsflow.errors import InputError
from xafsflow.learning.models.model import Model, StoredModel, stored
from xafsflow.learning.trust.confidence import confidence_at, margins
from xafsflow.step_table import step
from xafsflow.vocabulary import MAP, OUT


@step(makes="cube", needs=["flags"], gives=["class_index", "class_vote", "fraction", "confidence"])
def model(cube: xr.Dataset, model: Model | StoredModel, /) -> xr.Dataset:
    """Classify every pixel by the model's votes.

    The model travels as a path and a digest; each process reads it once. Pixels flagged background, and pixels with a
    NaN among their features, get class -1 and NaN.

    Returns
    -------
    Dataset
        The cube with `class_index`, `class_vote` (y, x) and `fraction` (reference, y, x), the vote-weighted mean of
        the classes' compositions, and `confidence` (y, x), how often a leading reference with that margin over the
        second is right (`train.fit`).

    Raises
    ------
    InputError
        The cube lacks the model's features, or has other energies.
    """
    resting = stored(model)
    known = resting.load()
    places = feature_places(cube, known)
    outputs = [
        Output("class_index", MAP, np.int16),
        Output("class_vote", MAP),
        Output("fraction", ("reference", *MAP), sizes={"reference": len(known.references)}),
        Output("confidence", MAP),
    ]
    found = over_blocks(_vote, [cube[known.features], cube.flags], outputs, model=resting, places=places)
    return cube.assign(found).assign_coords(reference=known.references)


def feature_places(cube: xr.Dataset, model: Model) -> np.ndarray:
    """Indices of the model's energies among the cube's; raises as `energy_places`."""
    return energy_places(cube, model.features, model.energy)


def energy_places(cube: xr.Dataset, features: str, energy: np.ndarray) -> np.ndarray:
    """Indices of the energies of a training among the cube's.

    Raises
    ------
    InputError
        The variable or an energy is missing.
    """
    if features not in cube:
        raise InputError(
            f"a cube without {features}",
            "the variable that the model was trained on",
            "add its step before classify",
        )
    places = np.searchsorted(cube.energy.values, energy)
    places = np.minimum(places, cube.sizes["energy"] - 1)
    apart = np.abs(cube.energy.values[places] - energy)
    if apart.max() > 1e-6:
        raise InputError(
            f"the model's energy {energy[apart.argmax()]:g} eV, which is not among the cube's",
            "the energies of the training",
            "train on this scan, or resample it to the model's energies",
        )
    return places


def chosen(values: Any, places: Any) -> Any:
    """The energies of the model out of a block `(energy, y, x)`; no copy where they follow on each other."""
    first, count = int(places[0]), len(places)
    return (
        values[first : first + count] if np.array_equal(places, first + np.arange(count)) else values[places]
    )


def pixels(features: Any, good: Any) -> Any:
    """`(feature, pixel)`: the good pixels of `(feature, y, x)`, C-contiguous; no copy where all are good."""
    table = features.reshape(len(features), -1)
    return table if good.all() else np.compress(good.ravel(), table, axis=1)


def usable(features: Any, flags: Any) -> Any:
    """`(y, x)`: True where a pixel may be classified, from features `(feature, y, x)`."""
    return ((flags & np.uint8(int(OUT))) == 0) & np.isfinite(features.sum(axis=0, dtype=np.float32))


def _vote(values: Any, flags: Any, model: StoredModel, places: Any) -> tuple[Any, Any, Any, Any]:
    known = model.load()
    features = chosen(values, places)
    good = usable(features, flags)
    index = np.full(good.shape, -1, np.int16)
    vote = np.full(good.shape, np.nan, np.float32)
    fraction = np.full((len(known.references), *good.shape), np.nan, np.float32)
    confidence = np.full(good.shape, np.nan, np.float32)
    if good.any():
        votes = known.votes(pixels(features, good))
        index[good] = votes.argmax(axis=1)
        vote[good] = votes.max(axis=1)
        parts = votes @ known.compositions
        fraction[:, good] = parts.T
        if known.confidence is not None:
            confidence[good] = confidence_at(margins(parts), *known.confidence)
    return index, vote, fraction, confidence
