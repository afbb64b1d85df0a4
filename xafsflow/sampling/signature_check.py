"""A cube held against the signature of a model."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.learning.models.signature import NormalizingStep, Signature, normalized_as
from xafsflow.sampling.replay import on_spectra
from xafsflow.step_table import steps_done
from xafsflow.vocabulary import attributes, spectral_axis


def normalization_of(cube: xr.Dataset, variable: str) -> list[NormalizingStep]:
    """The steps that acted on each spectrum of a variable alone, in their order, with all their settings.

    Raises
    ------
    InputError
        The history of the variable is not known.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(4, 4), energies=60))
    >>> cube = xf.derive.derivative(xf.normalize.minmax(cube, e0=7112.0), window=8.0)
    >>> normalization_of(cube, "norm")
    [{'step': 'normalize.minmax', 'settings': {'e0': 7112.0}}]
    >>> [one["step"] for one in normalization_of(cube, "dmude")]
    ['normalize.minmax', 'derive.derivative']
    """
    steps = on_spectra(steps_done(cube[[variable]]))
    return normalized_as([NormalizingStep(step=one.step, settings=dict(one.settings)) for one in steps])


def places_in(cube: xr.Dataset, signature: Signature) -> NDArray[np.int64]:
    """Indices of a model's features along the spectral axis of a cube that it may be used on.

    Raises
    ------
    InputError
        The cube has not the model's variable, axis or values, or was normalized otherwise than the training.
    """
    variable = signature.variable
    if variable not in cube:
        raise InputError(
            f"a cube without {variable}", "the variable that the model reads", "add its step before classify"
        )
    axis = spectral_axis(cube[variable])
    unit = cube[axis].attrs.get("units") or attributes(axis).get("units", "")
    signature.check_wavelength(float(cube.wavelength) if "wavelength" in cube else None)
    places = signature.places_on(axis, str(unit), cube[axis].values.astype(np.float64))
    signature.check_normalization(normalization_of(cube, variable))
    return places
