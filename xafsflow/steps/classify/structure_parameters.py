"""Parameters of structures whose spectra fit measured ones."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.reconstruction_findings import FittedStructure, ParameterFindings
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.inverse.inverse_model import InverseModel
from xafsflow.learning.inverse.parameter_fit import FittedParameters, fit_parameters
from xafsflow.learning.inverse.prepared_spectra import prepared
from xafsflow.step_table import step

SAME = 1e-6  # eV: energies that are the same


@step(makes="findings", section="fitted_parameters")
def parameters(
    inverse: InverseModel,
    spectra: xr.Dataset,
    /,
    *,
    noise: Annotated[float, Field(ge=0)] = 0.0,
    most: Annotated[int, Field(ge=1, le=500)] = 20,
) -> ParameterFindings:
    """Fit the parameters of an inverse model to spectra, and say which of them the spectra determine.

    Least squares from several starts, with the errors that the model had on materials it had not seen. The interval of a
    parameter is a profile: the others are fitted anew. One that is wide against the spread of the library is reported as
    not determined.

    Parameters
    ----------
    noise
        Standard deviation of the spectra at each energy beyond that of the library's own spectra, in edge steps.
    most
        Spectra that are fitted: the first so many.

    Raises
    ------
    InputError
        Spectra on other energies than those of the model.
    """
    energy = np.asarray(spectra.energy.values, np.float64)
    if energy.shape != inverse.energy.shape or np.abs(energy - inverse.energy).max() > SAME:
        raise InputError(
            f"spectra on {len(energy)} energies from {energy[0]:g} to {energy[-1]:g} eV",
            f"the {len(inverse.energy)} of the model, {inverse.energy[0]:g} to {inverse.energy[-1]:g} eV",
            "read both libraries with one `ingest.spectra`, or interpolate the spectra",
        )
    mu = prepared(spectra.mu.isel(sample=slice(most)).values, energy, inverse.preparation)
    fits = [fit_parameters(inverse, one, noise) for one in mu]
    return ParameterFindings(
        parameters=inverse.names,
        units=inverse.units,
        row=inverse.row,
        energy=energy,
        noise=noise,
        structures={
            i: _structure(inverse, fit, one) for i, (fit, one) in enumerate(zip(fits, mu, strict=True))
        },
        known={
            name: _held(spectra[name].values[: len(fits)], [(one.low[j], one.high[j]) for one in fits])
            for j, name in enumerate(inverse.names)
            if name in spectra
        },
    )


def _structure(inverse: InverseModel, fit: FittedParameters, spectrum: Doubles) -> FittedStructure:
    names, doubts = inverse.names, []
    if not fit.explained:
        doubts.append(
            "the model does not explain this spectrum: the misfit is more than its errors and the noise make"
        )
    if not fit.inside:
        doubts.append(f"the fit lies outside of what was trained: {inverse.where(fit.values)}")
    if fit.minima > 1:
        doubts.append(f"{fit.minima} different structures fit equally well")
    columns = (fit.values, fit.error, fit.low, fit.high)
    values, errors, low, high = (dict(zip(names, one.tolist(), strict=True)) for one in columns)
    return FittedStructure(
        values=values,
        errors=errors,
        low=low,
        high=high,
        not_determined=tuple(n for n, sure in zip(names, fit.determined.tolist(), strict=True) if not sure),
        reduced_chi_square=fit.chi_square / fit.degrees,
        minima=fit.minima,
        doubts=tuple(doubts),
        spectrum=spectrum,
        fit=fit.spectrum,
    )


def _held(truth: Doubles, intervals: list[tuple[float, float]]) -> np.ndarray:
    """How many intervals hold the true value, of how many that are known."""
    known = np.isfinite(truth)
    held = [low <= value <= high for value, (low, high) in zip(truth, intervals, strict=True)]
    return np.array([np.sum(np.array(held) & known), known.sum()], np.int64)
