"""A simulated measurement and its references, a cube made by hand, and a cube stored as Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.provenance import HISTORY
from xafsflow.provenance import as_measured as declared
from xafsflow.step_table import step
from xafsflow.vocabulary import spectral_axis

Size = Annotated[int, Field(ge=1)]


@step(
    makes="cube", gives=["sample", "flat_field", "foil", "dark"], example={"size": (24, 20), "energies": 60}
)
def phantom(
    *,
    size: tuple[Size, Size] = (128, 160),
    energies: Annotated[int, Field(ge=4)] = 210,
    references: list[str] = ["Fe", "FeO", "Fe2O3"],  # noqa: B006
    tilt: float = 2.2,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """A simulated measurement at the iron K edge, as a lazy cube.

    Parameters
    ----------
    size
        Rows and columns.
    energies
        How many, from 62 eV below to 190 eV above the edge.
    references
        What the sample is made of; names of `xafsflow.phantom.SPECTRA`.
    tilt
        Difference of the true energies of the bottom and the top row, eV.
    seed
        Another seed is another sample and other noise.
    """
    from xafsflow.phantom import Phantom, as_dataset

    return as_dataset(
        Phantom(size=size, energies=energies, references=tuple(references), tilt=tilt, seed=seed)
    )


@step(makes="library")
def phantom_references(*, names: list[str] = ["Fe", "FeO", "Fe2O3"]) -> xr.Dataset:  # noqa: B006
    """The simulated reference spectra that phantoms are made of.

    Parameters
    ----------
    names
        Names of `xafsflow.phantom.SPECTRA`.
    """
    from xafsflow.io.readers.spectrum_library import Spectrum, library_of
    from xafsflow.phantom import spectrum

    energy = np.arange(6950.0, 7500.0, 0.25)
    made = [
        Spectrum(name, energy, spectrum(name, energy), "Fe", "K", ("simulated",), Path(f"{name}.xdi"), {})
        for name in names
    ]
    return library_of(made)


@step(makes="cube")
def as_measured(cube: xr.Dataset, /) -> xr.Dataset:
    """Declare a cube that was made by hand: nothing in it has been averaged, moved or normalized.

    Steps that need to know what was done to the spectra refuse a cube that does not say it. Those that come from a step of
    ingest do; this step is for others.

    Parameters
    ----------
    cube
        Over a spectral axis, y and x: counts (`sample`, `flat_field`, ...) or `mu`; with `mu_noise` and `flags` where
        noise is asked for.

    Raises
    ------
    InputError
        A cube that steps made, one that is normalized, or one without a spectral axis.

    Examples
    --------
    >>> import xafsflow as xf
    >>> mu = xr.DataArray(np.zeros((3, 4, 4), "f4"), {"energy": [7100.0, 7112.0, 7130.0]}, ("energy", "y", "x"))
    >>> cube = xf.ingest.as_measured(xr.Dataset({"mu": mu, "flags": (("y", "x"), np.zeros((4, 4), "u1"))}))
    """
    spectral_axis(cube)
    known = [str(name) for name, array in cube.data_vars.items() if HISTORY in array.attrs]
    if known:
        raise InputError(
            f"{', '.join(known)} with the history of their steps",
            "a cube made by hand",
            "remove ingest.as_measured: steps say themselves what they do",
        )
    for name in ("norm", "dmude"):
        if name in cube:
            raise InputError(
                f"a cube with {name}",
                "spectra as they were measured, as mu",
                "give them as mu, and run normalize.none where they are comparable already",
            )
    return declared(cube)


@step(makes="cube")
def store(
    cube: xr.Dataset, run: Path, /, *, tile: Annotated[int, Field(ge=8, le=1024)] = 64, shards: bool = False
) -> xr.Dataset:
    """Store the cube as Zarr version 3 in the run folder, `cube.zarr`, and go on from there.

    The whole spectra of a tile lie in one chunk, so that a spectrum costs one chunk. Memory is one band of rows.

    Parameters
    ----------
    tile
        Rows and columns of a chunk.
    shards
        One file a band of rows in place of one a chunk: a tenth of the files, for parallel file systems; writing takes
        about twice as long.
    """
    from xafsflow.store import run_identity, write_cube

    path, identity = Path(run) / "cube.zarr", run_identity(Path(run), cube)
    return write_cube(cube, path, tile=tile, shards=shards, identity=identity)
