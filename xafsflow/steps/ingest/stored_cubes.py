"""A simulated measurement and its references, and a cube kept as Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.step_table import step

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


@step(makes="cube", needs=["sample"], gives=["sample"])
def store(
    cube: xr.Dataset, run: Path, /, *, tile: Annotated[int, Field(ge=8, le=1024)] = 64, shards: bool = False
) -> xr.Dataset:
    """Store the cube as Zarr version 3 in the run folder, `cube.zarr`, and go on from there.

    All energies of a tile lie in one chunk, so that a spectrum costs one chunk. Memory is one band of rows.

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
