"""Any model over the blocks."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.kernels.array_types import Indices, Singles, Uint8s
from xafsflow.learning.models.model import Model, StoredModel, stored
from xafsflow.learning.trust.class_misfit import class_misfit, within_limits
from xafsflow.learning.trust.confidence import confidence_at, margins
from xafsflow.learning.trust.fraction_scatter import scatter_at
from xafsflow.sampling.signature_check import places_in
from xafsflow.step_table import step
from xafsflow.vocabulary import MAP, OUT


@step(
    makes="cube",
    needs=["flags"],
    gives=["class_index", "class_vote", "fraction", "fraction_error", "confidence"],
)
def model(cube: xr.Dataset, model: Model | StoredModel, /) -> xr.Dataset:
    """Map a trained model over every pixel: its classes and compositions, or its properties.

    The model travels as a path and a digest; each process reads it once. Pixels flagged background, and pixels with a
    NaN among their features, get class -1 and NaN.

    Returns
    -------
    Dataset
        The cube with `class_index`, `class_vote` (y, x) and `fraction` (reference, y, x), the vote-weighted mean of
        the classes' compositions, `fraction_error` (reference, y, x), how far it would scatter if the pixel were measured
        again, as patterns of the training did that had such votes and noise (NaN where `derive.noise` did not tell the
        noise of the cube or of the training), and `confidence` (y, x), how often a leading reference with that margin over
        the second is right (`train.fit`); NaN where the spectrum is further from every mixture of the classes than 99 in 100
        known mixtures are, by their root mean square residual, over the pixel's `noise` where the cube has it. Of a model
        of properties (`train.regression`): `property_<name>` (y, x) for each, in its unit.

    Raises
    ------
    InputError
        The cube lacks what the model reads, has another axis or other values on it, was normalized otherwise, or is far
        noisier than the training, which is known after `derive.noise` and found when the maps are computed.
    """
    resting = stored(model)
    known = resting.load()
    places = places_in(cube, known.signature)
    arrays = [cube[known.signature.variable], cube.flags]
    if "noise_level" in cube:
        arrays.append(cube.noise_level)
    targets = known.targets
    if targets.kind == "properties":
        outputs = [Output(f"property_{name}", MAP) for name in targets.names]
        found = over_blocks(_properties, arrays, outputs, model=resting, places=places)
        for name, unit in zip(targets.names, targets.units, strict=True):
            found[f"property_{name}"].attrs = {"units": unit, "long_name": f"{name} by the model"}
        return cube.assign(found)
    outputs = [
        Output("class_index", MAP, np.int16),
        Output("class_vote", MAP),
        Output("fraction", ("reference", *MAP), sizes={"reference": len(targets.names)}),
        Output("fraction_error", ("reference", *MAP), sizes={"reference": len(targets.names)}),
        Output("confidence", MAP),
    ]
    leveled = "noise_level" in cube
    arrays += [cube.noise] if "noise" in cube else []
    found = over_blocks(_vote, arrays, outputs, model=resting, places=places, leveled=leveled)
    return cube.assign(found).assign_coords(reference=targets.names)


def chosen(values: Singles, places: Indices) -> Singles:
    """The features of the model out of a block `(spectral, y, x)`; no copy where they follow on each other."""
    first, count = int(places[0]), len(places)
    return (
        values[first : first + count] if np.array_equal(places, first + np.arange(count)) else values[places]
    )


def pixels(features: Singles, good: NDArray[np.bool_]) -> Singles:
    """`(feature, pixel)`: the good pixels of `(feature, y, x)`, C-contiguous; no copy where all are good."""
    table = features.reshape(len(features), -1)
    return table if good.all() else np.compress(good.ravel(), table, axis=1)


def usable(features: Singles, flags: Uint8s) -> NDArray[np.bool_]:
    """`(y, x)`: True where a pixel may be classified, from features `(feature, y, x)`."""
    return ((flags & np.uint8(int(OUT))) == 0) & np.isfinite(features.sum(axis=0, dtype=np.float32))


def _answers(
    known: Model, values: Singles, flags: Uint8s, level: tuple[Singles, ...], places: Indices
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which pixels `(y, x)` the model may answer for, and its answers `(pixel, output)`."""
    for one in level:
        known.signature.check_noise(float(one))
    features = chosen(values, places)
    good = usable(features, flags)
    return good, known.predict(pixels(features, good))


def _vote(
    values: Singles, flags: Uint8s, *more: Singles, model: StoredModel, places: Indices, leveled: bool
) -> tuple[NDArray[np.int16], Singles, Singles, Singles, Singles]:
    """`more` holds the noise level of the scan where it is `leveled`, and the noise of the pixels if it is known."""
    known, noise = model.load(), more[leveled:]
    good, votes = _answers(known, values, flags, more[:leveled], places)
    shares = known.targets.shares
    index = np.full(good.shape, -1, np.int16)
    vote = np.full(good.shape, np.nan, np.float32)
    fraction = np.full((shares.shape[1], *good.shape), np.nan, np.float32)
    error = np.full(fraction.shape, np.nan, np.float32)
    confidence = np.full(good.shape, np.nan, np.float32)
    if len(votes):
        index[good] = votes.argmax(axis=1)
        vote[good] = votes.max(axis=1)
        parts = votes @ shares
        fraction[:, good] = parts.T
        if known.trust.fraction_scatter is not None and noise:
            error[:, good] = scatter_at(votes, noise[0][good], shares, known.trust.fraction_scatter).T
        if known.trust.confidence is not None:
            confidence[good] = confidence_at(margins(parts), *known.trust.confidence)
        basis, limits = known.trust.class_basis, known.trust.misfit_limits
        if basis is not None and limits is not None:
            off = class_misfit(pixels(chosen(values, places), good), basis.astype(np.float32))
            mixed = within_limits(off, limits, *(one[good] for one in noise))
            confidence[good] = np.where(mixed, confidence[good], np.nan)
    return index, vote, fraction, error, confidence


def _properties(
    values: Singles, flags: Uint8s, *level: Singles, model: StoredModel, places: Indices
) -> tuple[Singles, ...] | Singles:
    known = model.load()
    good, answers = _answers(known, values, flags, level, places)
    found = np.full((answers.shape[1], *good.shape), np.nan, np.float32)
    found[:, good] = answers.T
    return tuple(found) if len(found) > 1 else found[0]
