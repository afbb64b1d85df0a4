"""The figures of a report as PNG files."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from xafsflow.files import atomic_file
from xafsflow.io.writers.output_folder import new_folder
from xafsflow.reporting.map_pictures import map_pictures
from xafsflow.reporting.picture import save_png


def write(maps: xr.Dataset, folder: Path, *, dpi: int = 200) -> list[Path]:
    """Write the figures that can be drawn of the maps alone, numbered in the order of the report.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x, and `mean_norm`. Maps with a side of more than 1200 pixels are
        shown reduced.
    folder
        New or empty.
    dpi
        Dots an inch; figures are 4 to 6 inches wide.

    Returns
    -------
    The paths of the files, `01_chemical_state.png` for instance.

    Raises
    ------
    InputError
        If the folder holds something, or there is no map.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((3, 4)))})
    >>> with TemporaryDirectory() as above:
    ...     [path.name for path in write(maps, Path(above) / "png", dpi=50)]
    ['01_edge_step.png']
    """
    pictures = map_pictures(maps)
    new_folder(folder)
    written = []
    for number, picture in enumerate(pictures, start=1):
        path = folder / f"{number:02d}_{picture.key}.png"
        with atomic_file(path) as temporary:
            save_png(picture, temporary, dpi=dpi)
        written.append(path)
    return written
