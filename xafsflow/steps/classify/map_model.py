"""Any model over the blocks."""

from __future__ import annotations

from typing import Any

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
from xafsflow.learning.trust.pixel_doubt import (
    check_scan,
    half_intervals,
    knows_limits,
    outside_training,
    possible_classes,
)
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.sampling.signature_check import places_in
from xafsflow.step_table import step
from xafsflow.steps.classify.chosen_pixels import chosen, pixels, usable
from xafsflow.steps.classify.map_structure_types import map_structure_types, prior_of
from xafsflow.vocabulary import MAP

# What a map of a property is of, by the end of its name.
ENDS = {"": "", "_low": ", lower end of the interval", "_high": ", upper end of the interval"}


@step(
    makes="cube",
    needs=["flags"],
    gives=["class_index", "class_vote", "fraction", "fraction_error", "confidence"],
)
def model(
    cube: xr.Dataset,
    model: Model | StoredModel,
    /,
    *,
    ratio: str | None = None,
    elements: list[str] | None = None,
) -> xr.Dataset:
    """Map a trained model over every pixel: its classes and compositions, its properties, or its structure types.

    The model travels as a path and a digest; each process reads it once. Pixels flagged background, and pixels with a
    NaN among their features, get class -1 and NaN.

    Parameters
    ----------
    ratio, elements
        For structure types, what is known of the compounds: their ratio of elements, such as `AB2` or `TiO2`, and the
        elements. Types that have another ratio are out; those with more kinds of sites than elements count less.

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

        Of a model of a library (`train.spectra`) also `in_set` (reference, y, x), 1 for the classes of a set that holds the
        true one for 90 % of the spectra of each class at the pixel's noise, and `set_size` (y, x), their number, or
        `property_<name>_low` and `property_<name>_high` (y, x), between which 90 % lie; and `outside` (y, x), 1 where a
        spectrum is unlike those of the training. They are NaN where `derive.noise` did not tell the noise, and where it is
        beyond the largest that the training knew. Of a union of networks (`train.union`) `class_index`, `class_vote`,
        `set_size`, `in_set`, `outside`, 1 where the pattern is of none of the known types, and `mixed`, 1 where it looks
        like two of them.

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
    prior = prior_of(known, ratio, elements)
    if isinstance(known.predictor, UnionOfNetworks):
        return map_structure_types(cube, arrays[:2], resting, places, prior)
    targets = known.targets
    leveled, limited = "noise_level" in cube, knows_limits(known.trust)
    arrays += [cube.noise] if "noise" in cube else []
    settings: dict[str, Any] = {"model": resting, "places": places, "leveled": leveled}
    doubt = [Output("outside", MAP)] if limited else []
    if targets.kind == "properties":
        outputs = [
            Output(f"property_{name}{end}", MAP)
            for end in (ENDS if limited else ("",))
            for name in targets.names
        ]
        found = over_blocks(_properties, arrays, [*outputs, *doubt], **settings)
        for name, unit in zip(targets.names, targets.units, strict=True):
            for end in ENDS:
                if f"property_{name}{end}" in found:
                    what = f"{name} by the model{ENDS[end]}"
                    found[f"property_{name}{end}"].attrs = {"units": unit, "long_name": what}
        return cube.assign(found)
    outputs = [
        Output("class_index", MAP, np.int16),
        Output("class_vote", MAP),
        Output("fraction", ("reference", *MAP), sizes={"reference": len(targets.names)}),
        Output("fraction_error", ("reference", *MAP), sizes={"reference": len(targets.names)}),
        Output("confidence", MAP),
    ]
    if limited:
        in_set = Output("in_set", ("reference", *MAP), sizes={"reference": len(targets.names)})
        outputs += [Output("set_size", MAP), in_set, *doubt]
    found = over_blocks(_vote, arrays, outputs, **settings)
    return cube.assign(found).assign_coords(reference=targets.names)


def _answers(
    known: Model, values: Singles, flags: Uint8s, level: tuple[Singles, ...], places: Indices
) -> tuple[NDArray[np.bool_], NDArray[Any], NDArray[np.float64]]:
    """Which pixels `(y, x)` the model may answer for, their features `(feature, pixel)`, its answers `(pixel, output)`."""
    for one in level:
        known.signature.check_noise(float(one))
        check_scan(known.trust, float(one))
    features = chosen(values, places)
    good = usable(features, flags)
    spectra = pixels(features, good)
    return good, spectra, known.predict(spectra)


def _vote(
    values: Singles, flags: Uint8s, *more: Singles, model: StoredModel, places: Indices, leveled: bool
) -> tuple[NDArray[Any], ...]:
    """`more` holds the noise level of the scan where it is `leveled`, and the noise of the pixels if it is known."""
    known, noise = model.load(), more[leveled:]
    good, spectra, votes = _answers(known, values, flags, more[:leveled], places)
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
            off = class_misfit(spectra, basis.astype(np.float32))
            mixed = within_limits(off, limits, *(one[good] for one in noise))
            confidence[good] = np.where(mixed, confidence[good], np.nan)
    found = index, vote, fraction, error, confidence
    if not knows_limits(known.trust):
        return found
    level = _noise_of(noise, good)
    inside = possible_classes(known.trust, votes, level)
    sets = _image(
        good, np.column_stack([inside.sum(axis=1), inside, outside_training(known.trust, spectra, level)])
    )
    return (*found, sets[0], sets[1:-1], sets[-1])


def _properties(
    values: Singles, flags: Uint8s, *more: Singles, model: StoredModel, places: Indices, leveled: bool
) -> tuple[Singles, ...] | Singles:
    known = model.load()
    good, spectra, answers = _answers(known, values, flags, more[:leveled], places)
    columns = [answers]
    if knows_limits(known.trust):
        level = _noise_of(more[leveled:], good)
        half = half_intervals(known.trust, level)
        columns += [answers - half, answers + half, outside_training(known.trust, spectra, level)[:, None]]
    found = _image(good, np.hstack(columns))
    return tuple(found) if len(found) > 1 else found[0]


def _noise_of(noise: tuple[Singles, ...], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The noise of the good pixels `(pixel,)`; NaN where it is not known."""
    return noise[0][good].astype(np.float64) if noise else np.full(int(good.sum()), np.nan)


def _image(good: NDArray[np.bool_], columns: NDArray[np.float64]) -> Singles:
    """`(column, y, x)`: values `(pixel, column)` of the good pixels, NaN elsewhere."""
    found = np.full((columns.shape[1], *good.shape), np.nan, np.float32)
    found[:, good] = columns.T
    return found
