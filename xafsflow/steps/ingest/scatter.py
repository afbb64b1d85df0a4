"""The noise of spectra that no counts tell, from their own scatter along the energies."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import over_scan, spread_rows
from xafsflow.kernels.spectra import energy_scatter as scatter
from xafsflow.vocabulary import CUBE, SPECTRAL, spectral_axis

# Rows of the scan that tell how the scatter goes over the energies.
COURSE_ROWS = 16


def measured_noise(mu: xr.DataArray, places: np.ndarray, exposures: np.ndarray | None = None) -> xr.DataArray:
    """The noise of `mu`, lazily: what scatters from energy to energy, by pixel; see `kernels.spectra.energy_scatter`.

    Parameters
    ----------
    mu
        Over a spectral axis, y, x.
    places
        The values of its axis.
    exposures
        `(spectral,)`: images that were averaged.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mu = xr.DataArray(rng.normal(0, 0.02, (40, 30, 20)).astype("f4"), dims=("energy", "y", "x"))
    >>> bool(abs(measured_noise(mu, np.arange(7000.0, 7040)).mean() - 0.02) < 0.001)
    True
    """
    count = len(places)
    taken = xr.DataArray(np.ones(count) if exposures is None else exposures, dims=spectral_axis(mu))
    known = tuple(np.asarray(places, float).tolist())
    held = {"component": scatter.component_count(count), "place": max(0, count - scatter.POINTS + 1)}
    numbers = [Output("components", ("component", "place"), sizes=held)]
    numbers += [Output(name, ("place",), sizes=held) for name in ("spread", "rest", "limit")]
    numbers.append(Output("noise", (SPECTRAL,)))
    rows = spread_rows(mu.sizes["y"], COURSE_ROWS, mu.sizes["x"])
    found = over_scan(_course, [mu, taken], numbers, y=rows, places=known)
    inputs = [mu, *(found[output.name] for output in numbers)]
    return over_blocks(_noise, inputs, [Output("mu_noise", CUBE)], places=known)["mu_noise"]


def _course(mu: Any, exposures: Any, places: tuple[float, ...]) -> tuple[Any, ...]:
    return scatter.scatter_course(mu, np.array(places), exposures)


def _noise(mu: Any, *course: Any, places: tuple[float, ...]) -> Any:
    return scatter.scatter_noise(mu, np.array(places), scatter.Course(*course))
