"""Maps as one OME-TIFF of float32, with a channel a map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.files import atomic_file
from xafsflow.io.writers.output_folder import new_folder
from xafsflow.reporting.map_layers import layers, pixel_size


def write(maps: xr.Dataset, folder: Path) -> list[Path]:
    """Write `maps.ome.tif` with the axes C, Y, X, its channels named, and the size of a pixel where the maps have it.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x; one map at a time is read.
    folder
        New or empty.

    Returns
    -------
    The path of the file.

    Raises
    ------
    InputError
        If the folder holds something, or there is no map.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((3, 4)))})
    >>> with TemporaryDirectory() as above:
    ...     [path.name for path in write(maps, Path(above) / "tiff")]
    ['maps.ome.tif']
    """
    import tifffile

    found, size = layers(maps), pixel_size(maps)
    new_folder(folder)
    path = folder / "maps.ome.tif"

    def planes() -> Iterator[NDArray[np.float32]]:
        for layer in found:
            yield layer.values()

    names = [layer.name if layer.unit in ("", "1") else f"{layer.name} [{layer.unit}]" for layer in found]
    about: dict[str, object] = {"axes": "CYX", "Name": "xafsflow maps", "Channel": {"Name": names}}
    if size is not None:
        about |= {f"PhysicalSize{axis}": size for axis in "XY"} | {
            f"PhysicalSize{axis}Unit": "µm" for axis in "XY"
        }
    shape = (len(found), *found[0].data.shape)
    with atomic_file(path) as temporary:
        tifffile.imwrite(
            temporary,
            planes(),
            shape=shape,
            dtype=np.float32,
            ome=True,
            photometric="minisblack",
            metadata=about,
        )
    return [path]
