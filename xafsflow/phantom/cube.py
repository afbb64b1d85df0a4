"""A phantom as a lazy cube, made block by block when it is computed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers import ImageStack
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.phantom.camera import FLUORESCENCE, KINDS, image, view
from xafsflow.phantom.measured_mu import Signal, dark_mean, images_of, measured_mu
from xafsflow.phantom.settings import Phantom
from xafsflow.vocabulary import MAP, attributes, cube_dims

if TYPE_CHECKING:
    import xarray as xr

# All energies of a band stay in the cache while later steps work on them.
BAND_BYTES = 6 * 2**20
# What dask says of a block; its `array-location` are the first and last place along each axis.
BlockInfo = Mapping[None, Mapping[str, list[tuple[int, int]]]]


def as_dataset(phantom: Phantom, *, band: int | None = None, signal: Signal = "counts") -> xr.Dataset:
    """The phantom's measurement as a lazy cube; nothing is simulated before it is computed.

    Parameters
    ----------
    phantom
        The settings.
    band
        Rows in a block, with all energies and columns; by default as many as fill about 6 MB. The counts do
        not depend on it, and a block needs no other rows.
    signal
        `counts`, or what was divided already, as an archive may hold it: `absorbance` of the sample in transmission,
        or from its `fluorescence`; see `measured_mu`.

    Returns
    -------
    Dataset
        `sample`, `flat_field`, `foil` (if there is one) as uint16 `(energy, y, x)`, `dark` as float32 `(y,
        x)`, the mean of the dark frames; or `mu` and `foil_mu` as float32 `(energy, y, x)` with `flags` of
        zero. Coordinates `energy` in
        eV, `y` and `x` in pixels.

    Raises
    ------
    InputError
        Where `band` is less than 1, or there is no such signal.

    Examples
    --------
    >>> cube = as_dataset(Phantom(size=(32, 40), energies=20), band=8)
    >>> dict(cube.sizes), cube.sample.data.numblocks
    ({'energy': 20, 'y': 32, 'x': 40}, (1, 4, 1))
    """
    import dask.array as da

    (height, width), n_energy = phantom.size, phantom.energy.size
    rows = band_rows(band, 2 * n_energy * width)
    bands = da.core.normalize_chunks((rows,), (height,))[0]
    variables: dict[str, tuple[object, ...]] = {}
    for name, stack in _stacks(phantom, signal).items():
        variables[name] = (cube_dims(), lazy_stack(stack, (rows, width), shared=0), attributes(name))
    if signal == "counts":
        frames = da.map_blocks(
            _dark_block,
            phantom=phantom,
            dtype=np.float32,
            chunks=(bands, (width,)),
            meta=np.empty((0, 0), np.float32),
        )
        variables["dark"] = (MAP, frames, attributes("dark"))
    else:
        # Steps on `mu` ask for flags; of what was divided elsewhere nothing is known.
        none = da.zeros((height, width), dtype=np.uint8, chunks=(bands, (width,)))
        variables["flags"] = (MAP, none, attributes("flags"))
    return as_cube(variables, "energy", phantom.energy, phantom.size)


def band_rows(band: int | None, row_bytes: int) -> int:
    """Rows in a block: as many as are asked for, else as fill about 6 MB.

    Raises
    ------
    InputError
        Fewer than 1.
    """
    rows = max(1, BAND_BYTES // row_bytes) if band is None else band
    if rows < 1:
        raise InputError(f"band={band}", "1 row or more", "change band")
    return rows


def as_cube(
    variables: Mapping[str, tuple[object, ...]], axis: str, along: Doubles, size: tuple[int, int]
) -> xr.Dataset:
    """Simulated images `(axis, y, x)` and maps as a measured cube, pixels from 0."""
    import xarray as xr

    from xafsflow.provenance import as_measured

    axes = {axis: along, "y": np.arange(size[0]), "x": np.arange(size[1])}
    coordinates = {name: (name, values, attributes(name)) for name, values in axes.items()}
    return as_measured(xr.Dataset(variables, coordinates))


def _stacks(phantom: Phantom, signal: Signal) -> dict[str, ImageStack]:
    images = images_of(phantom, signal)
    if signal == "counts":
        return {KINDS[kind]: PhantomImages(phantom, kind) for kind in images.values()}
    kinds = {"mu": "sample" if signal == "absorbance" else FLUORESCENCE, "foil_mu": "foil"}
    return {
        name: PhantomImages(phantom, kind, divided=True)
        for name, kind in kinds.items()
        if kind in images.values()
    }


class SimulatedImages(ImageStack):
    """Images that are made when they are read; rows lie apart."""

    row_quantum: int = 1

    @abstractmethod
    def made(self, start: int, stop: int) -> NDArray[np.generic]:
        """A band of rows of every image, (images, stop - start, columns)."""

    def read_rows(
        self,
        start: int,
        stop: int,
        out: NDArray[np.generic] | None = None,
        columns: slice | None = None,
        threads: int = 1,
    ) -> NDArray[np.generic]:
        """A band of rows of every image, (images, stop - start, columns)."""
        images = self.made(start, stop)[:, :, columns or slice(None)]
        if out is None:
            return images
        out[...] = images
        return out


@dataclass(frozen=True)
class PhantomImages(SimulatedImages):
    """The images of a kind, as a stack of files would give them: counts, or divided by the flat field's."""

    phantom: Phantom
    kind: str
    divided: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        return (self.phantom.energy.size, *self.phantom.size)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the pixels."""
        return np.dtype(np.float32 if self.divided else np.uint16)

    def take(self, order: Sequence[int]) -> ImageStack:
        """The images are in order."""
        raise ValueError("the images of a phantom are in the order of its energies")

    def made(self, start: int, stop: int) -> NDArray[np.generic]:
        """A band of rows of every image, (images, stop - start, columns)."""
        if self.divided:
            make: Callable[[int], NDArray[np.generic]] = measured_mu(self.phantom, self.kind, (start, stop))
        else:
            make = partial(image, view(self.phantom, self.kind, (start, stop)))
        return np.stack([make(index) for index in range(self.shape[0])])


def _dark_block(*, phantom: Phantom, block_info: BlockInfo) -> Singles:
    rows = block_info[None]["array-location"][0]
    return dark_mean(phantom, rows)
