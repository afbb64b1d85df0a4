"""Reference spectra at the resolution of a scan: what every step takes that fits, trains or compares references."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xafsflow.kernels.spectra.broadening import broadened, variance_of


def as_blunt(library: xr.Dataset, cube: xr.Dataset) -> xr.Dataset:
    """References, or candidates, as blunt as the spectra of a cube, by the `broadening` that it carries; else as they are.

    Parameters
    ----------
    library
        `energy` and `mu` (spectrum, point).
    cube
        With `broadening`, eV, where `calibrate.apply` has told it.

    Examples
    --------
    >>> import xafsflow as xf
    >>> library = xf.ingest.phantom_references(names=["Fe"])
    >>> as_blunt(library, xr.Dataset()) is library
    True
    >>> slopes = [one.mu.diff("point").max().item() for one in (library, as_blunt(library, xr.Dataset({"broadening": 1.0})))]
    >>> slopes[1] < 0.8 * slopes[0]
    True
    """
    broadening = float(cube.broadening) if "broadening" in cube else 0.0
    if broadening == 0:
        return library
    mu = library.mu.values.astype(float)
    for row, energy in zip(mu, library.energy.values, strict=True):
        good = np.isfinite(energy) & np.isfinite(row)
        row[good] = broadened(energy[good], row[good], variance_of(broadening))
    return library.assign(mu=library.mu.copy(data=mu))
