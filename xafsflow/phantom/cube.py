"""A phantom as a lazy cube, made block by block when it is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers import ImageStack
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.kernels.array_types import Singles
from xafsflow.phantom.camera import KINDS, dark, image, view
from xafsflow.phantom.settings import DARK_FRAMES, Phantom
from xafsflow.vocabulary import MAP, attributes, cube_dims

if TYPE_CHECKING:
    import xarray as xr

# All energies of a band stay in the cache while later steps work on them.
BAND_BYTES = 6 * 2**20
# What dask says of a block; its `array-location` are the first and last place along each axis.
BlockInfo = Mapping[None, Mapping[str, list[tuple[int, int]]]]


def as_dataset(phantom: Phantom, *, band: int | None = None) -> xr.Dataset:
    """The phantom's measurement as a lazy cube; nothing is simulated before it is computed.

    Parameters
    ----------
    phantom
        The settings.
    band
        Rows in a block, with all energies and columns; by default as many as fill about 6 MB. The counts do
        not depend on it, and a block needs no other rows.

    Returns
    -------
    Dataset
        `sample`, `flat_field`, `foil` (if there is one) as uint16 `(energy, y, x)`, `dark` as float32 `(y,
        x)`, the mean of the dark frames; coordinates `energy` in eV, `y` and `x` in pixels.

    Raises
    ------
    InputError
        Where `band` is less than 1.

    Examples
    --------
    >>> cube = as_dataset(Phantom(size=(32, 40), energies=20), band=8)
    >>> dict(cube.sizes), cube.sample.data.numblocks
    ({'energy': 20, 'y': 32, 'x': 40}, (1, 4, 1))
    """
    import dask.array as da
    import xarray as xr

    from xafsflow.provenance import as_measured

    (height, width), n_energy = phantom.size, phantom.energy.size
    rows = max(1, BAND_BYTES // (2 * n_energy * width)) if band is None else band
    if rows < 1:
        raise InputError(f"band={band}", "1 row or more", "change band")
    bands = da.core.normalize_chunks((rows,), (height,))[0]
    variables: dict[str, tuple[object, ...]] = {}
    for kind, name in KINDS.items():
        if kind == "foil" and phantom.foil is None:
            continue
        data = lazy_stack(PhantomImages(phantom, kind), (rows, width), shared=0)
        variables[name] = (cube_dims(), data, attributes(name))
    frames = da.map_blocks(
        _dark_block,
        phantom=phantom,
        dtype=np.float32,
        chunks=(bands, (width,)),
        meta=np.empty((0, 0), np.float32),
    )
    variables["dark"] = (MAP, frames, attributes("dark"))
    axes = {"energy": phantom.energy, "y": np.arange(height), "x": np.arange(width)}
    coordinates = {name: (name, values, attributes(name)) for name, values in axes.items()}
    return as_measured(xr.Dataset(variables, coordinates))


@dataclass(frozen=True)
class PhantomImages(ImageStack):
    """The images of a kind, as a stack of files would give them."""

    phantom: Phantom
    kind: str
    row_quantum: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        return (self.phantom.energy.size, *self.phantom.size)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the counts."""
        return np.dtype(np.uint16)

    def take(self, order: Sequence[int]) -> ImageStack:
        """The images are in order."""
        raise ValueError("the images of a phantom are in the order of its energies")

    def read_rows(
        self,
        start: int,
        stop: int,
        out: NDArray[np.generic] | None = None,
        columns: slice | None = None,
        threads: int = 1,
    ) -> NDArray[np.generic]:
        """A band of rows of every image, (images, stop - start, columns)."""
        seen = view(self.phantom, self.kind, (start, stop))
        images = np.stack([image(seen, index) for index in range(self.shape[0])])[
            :, :, columns or slice(None)
        ]
        if out is None:
            return images
        out[...] = images
        return out


def _dark_block(*, phantom: Phantom, block_info: BlockInfo) -> Singles:
    rows = block_info[None]["array-location"][0]
    total = sum(dark(phantom, frame, rows).astype(np.float32) for frame in range(DARK_FRAMES))
    return np.asarray(total / np.float32(DARK_FRAMES))
