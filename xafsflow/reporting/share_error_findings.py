"""How uncertain the shares of the references are, over the pixels of a run."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xafsflow.findings.maps_findings import ShareErrors
from xafsflow.reporting.map_layers import names_along, stacked
from xafsflow.reporting.map_statistics import BAND_PIXELS
from xafsflow.vocabulary import variable_of

# Fields of `ShareErrors`, and the variables that they sum up.
SUMMED = {
    "fit_noise": "lcf_error",
    "fit_systematic": "lcf_systematic_error",
    "classifier_noise": "fraction_error",
}


def share_errors(maps: xr.Dataset) -> dict[str, ShareErrors]:
    """Root mean squares of the stated errors, by the name of the reference; nothing where none is stated.

    Of variables of several entries the first counts.

    Examples
    --------
    >>> error = (("reference", "y", "x"), np.full((1, 2, 2), 0.25))
    >>> share_errors(xr.Dataset({"lcf_error": error}, {"reference": ["Fe"]}))["Fe"].fit_noise
    0.25
    """
    found: dict[str, dict[str, float]] = {}
    for field, variable in SUMMED.items():
        name = next((name for name in maps if variable_of(str(name)) == variable), None)
        if name is None:
            continue
        array = maps[name].transpose("reference", "y", "x")
        for reference, value in zip(names_along(array, "reference"), _root_mean_square(array), strict=True):
            if value is not None:
                found.setdefault(reference, {})[field] = value
    return {reference: ShareErrors(**values) for reference, values in found.items()}


def _root_mean_square(array: xr.DataArray) -> list[float | None]:
    """Of each plane over the pixels that have a value, some rows at a time; None where none has."""
    height = max(1, BAND_PIXELS // max(1, array.sizes["x"]))
    total, count = np.zeros(len(array)), np.zeros(len(array))
    for row in range(0, array.sizes["y"], height):
        planes = stacked(array[:, row : row + height]).astype(np.float64)
        there = np.isfinite(planes)
        total += (np.where(there, planes, 0.0) ** 2).sum(axis=(1, 2))
        count += there.sum(axis=(1, 2))
    return [float(np.sqrt(one / n)) if n else None for one, n in zip(total, count, strict=True)]
