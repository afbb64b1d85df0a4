"""A measurement of a sample whose grains have spectra of a simulated library: what structure has each pixel?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.phantom.settings import Phantom
from xafsflow.phantom.spectra import Reference

# Spectra of each polyhedron that the sample is made of.
OF_EACH = 3
# The scan keeps so far from the ends of the library, eV: a pixel measures beside the nominal energy.
MARGIN = 4.0


def library_phantom(
    library: xr.Dataset, *, size: tuple[int, int] = (96, 128), seed: int = 0, counts: float = 19000.0
) -> Phantom:
    """A phantom with grains of single spectra of a library, `OF_EACH` of each polyhedron.

    Parameters
    ----------
    library
        As of `simulated_library`.
    size
        Rows and columns.
    seed
        Of the spectra that are taken, and of the phantom.
    counts
        Photons a pixel and image.

    Returns
    -------
    Phantom
        Its references are called by polyhedron and place in the library, such as `octahedron_17`.

    Raises
    ------
    InputError
        A library of one polyhedron, or too short for a scan.

    Examples
    --------
    >>> from xafsflow.phantom.spectra_library import simulated_library
    >>> found = library_phantom(simulated_library(60, energies=160), size=(16, 16))
    >>> len(found.references), found.energy[[0, -1]].tolist()
    (14, [7096.0, 7247.0])
    """
    kinds, rng = library.polyhedron.values, np.random.default_rng([seed, 21])
    places = [
        int(place)
        for kind in np.unique(kinds)
        for place in np.sort(rng.permutation(np.flatnonzero(kinds == kind))[:OF_EACH])
    ]
    axis = library.energy.values
    inside = axis[(axis >= axis[0] + MARGIN) & (axis <= axis[-1] - MARGIN)]
    if len(np.unique(kinds)) < 2 or inside.size < 20:
        raise InputError(
            f"a library of {len(np.unique(kinds))} polyhedra and {axis.size} energies",
            "two or more, and 30 energies or more",
            "simulate a larger library",
        )
    references = tuple(Reference(f"{kinds[i]}_{i}", axis, library.mu.values[i]) for i in places)
    return Phantom(
        size=size, energies=inside, references=references, seed=seed, counts=counts, pure_share=1.0, tilt=0.0,
        tilt_x=0.0, curvature=0.0, grain=max(4.0, min(size) / 8), library=(), matrix=0.2,
    )  # fmt: skip
