"""Every pixel's spectrum moved to the common energies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.calibration.shift_map import VARIABLES, broadening_in, check_fit
from xafsflow.errors import InputError
from xafsflow.kernels.spectra import energy_shift as kernels
from xafsflow.provenance import Interpolation, Passage, Setting, interpolation
from xafsflow.step_table import step, steps_done
from xafsflow.vocabulary import CUBE, MAP, Flag


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=["mu", "flags", "energy_shift", "energy_shift_error", "broadening", "broadening_error"],
    passes=Passage(
        acts_on="pixel",
        interpolates=Interpolation("spectral", by="energy_shift", method=Setting("method"), reach=4),
        carries=("energy_shift_error", "broadening"),
    ),
    axis="energy",
)
def apply(
    cube: xr.Dataset,
    calibration: xr.Dataset,
    /,
    *,
    method: Literal["cubic", "linear"] = "cubic",
    broadening: Annotated[float, Field(ge=-0.6, le=3)] | None = None,
) -> xr.Dataset:
    """Move every pixel's spectrum, and `foil_mu`, to the common energies.

    What stood at the nominal energy E - energy_shift is what the pixel absorbs at E. Energies that a pixel does not
    cover are NaN there, with the flag `energy_range`; nothing is extrapolated. Between two points a line leaves 0.71 of
    the noise, a cubic 0.80, and neighboring energies share it; `mu_noise` stays what was measured, since training
    spectra get that noise and pass through this step.

    Parameters
    ----------
    method
        `cubic` through four energies (Lagrange); `linear` where noise is all that matters.
    broadening
        Standard deviation, eV, of the Gaussian by which the scan is blunter than the references; negative where it is
        sharper. None: what the calibration found, 0 where it found none. The spectra stay as they are: references are
        broadened by it where they are fitted, trained or compared.

    Raises
    ------
    InputError
        A calibration of another field, or a cube that has been moved already.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(8, 8), energies=40))
    >>> moved = xf.calibrate.apply(cube, xf.calibrate.constant(cube, shift=0.5))
    >>> int(moved.mu.isel(energy=0).isnull().sum())
    64
    """
    before = interpolation(steps_done(cube), "spectral")
    if before is not None:
        raise InputError(
            f"a cube whose spectra {before.step} has moved",
            "spectra as measured",
            "remove one of the two steps",
        )
    check_fit(calibration, cube)
    shift = calibration.energy_shift
    found: dict[str, Any] = {name: calibration[name] for name in VARIABLES}
    for name in ("mu", "foil_mu"):
        if name in cube:
            settings = {"energy": cube.energy.values, "cubic": method == "cubic"}
            found |= over_blocks(_moved, [cube[name], shift], [Output(name, CUBE)], **settings)
    found |= over_blocks(_flagged, [cube.flags, shift], [Output("flags", MAP, np.uint8)])
    known = broadening_in(calibration)
    blunter, error = (known.used, known.error) if broadening is None else (broadening, np.nan)
    found |= {"broadening": xr.DataArray(blunter), "broadening_error": xr.DataArray(error)}
    return cube.assign(found)


def _flagged(flags: Any, shift: Any) -> Any:
    return flags | np.where(shift == 0, np.uint8(0), np.uint8(int(Flag.ENERGY_RANGE)))


def _moved(values: Any, shift: Any, energy: Any, cubic: bool) -> Any:
    block = np.ascontiguousarray(values, np.float32)
    return kernels.move(energy, block, np.ascontiguousarray(shift, np.float32), cubic)
