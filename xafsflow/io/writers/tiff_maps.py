"""Maps as float32 TIFF, one file a map, for ImageJ and Fiji."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from xafsflow.files import atomic_file
from xafsflow.io.writers.output_folder import new_folder
from xafsflow.reporting.map_layers import Layer, file_names, layers, pixel_size


def write(maps: xr.Dataset, folder: Path) -> list[Path]:
    """Write every map as float32 TIFF.

    NaN stays NaN, a class of -1 stays -1. The ImageDescription is that of ImageJ, with lines `variable`,
    `label`, `units` and `long_name`; the resolution is set where `maps.attrs["pixel_size_um"]` gives it.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x; one map at a time is read.
    folder
        New or empty.

    Returns
    -------
    The paths of the files, `fraction_Fe2O3.tif` for instance, in the order of the vocabulary.

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
    ['edge_step.tif']
    """
    found, size = layers(maps), pixel_size(maps)
    new_folder(folder)
    written = []
    for layer, name in zip(found, file_names(layer.name for layer in found), strict=True):
        written.append(_write_one(layer, size, folder / f"{name}.tif"))
    return written


def _write_one(layer: Layer, size: float | None, path: Path) -> Path:
    import tifffile

    values = layer.values()
    finite = values[np.isfinite(values)]
    about = {
        "variable": layer.variable,
        "label": layer.label,
        "units": layer.unit,
        "long_name": layer.meaning,
        # ImageJ shows the map in this range when it opens it.
        **({"min": float(finite.min()), "max": float(finite.max())} if finite.size else {}),
    }
    # One word a line, in ASCII: what is not is written as \\u....
    texts = {
        key: f"{text}".encode("unicode_escape").decode("ascii") for key, text in about.items() if text != ""
    }
    resolution: dict[str, object] = {}
    if size is not None:
        # ImageJ reads pixels per unit of its description, and wants no unit in the tag.
        resolution = {"resolution": (1 / size, 1 / size), "resolutionunit": "NONE"}
        texts["unit"] = "micron"
    with atomic_file(path) as temporary:
        tifffile.imwrite(temporary, values, imagej=True, metadata={"axes": "YX", **texts}, **resolution)
    return path
