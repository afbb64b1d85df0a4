"""What maps can be written as: one file a format.

A format is a module with `write`, which is given the maps and a folder, new or empty, and gives the paths of its files. To
add one, write the module and put its name into `WRITERS`: the command line has it then.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from xafsflow.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

# Modules by name of the format; imported when one is asked for, since the command line lists the names.
WRITERS: dict[str, str] = {
    "csv": "xafsflow.io.writers.csv_tables",
    "tiff": "xafsflow.io.writers.tiff_maps",
    "ome-tiff": "xafsflow.io.writers.ome_tiff",
    "png": "xafsflow.io.writers.png_figures",
}


class Writer(Protocol):
    """What every module of a format has."""

    def write(self, maps: xr.Dataset, folder: Path) -> list[Path]:
        """Write maps into a folder."""
        ...


def write(maps: xr.Dataset, kind: str, folder: Path) -> list[Path]:
    """Write maps in a format of `WRITERS`.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x.
    kind
        Name of the format.
    folder
        New or empty.

    Returns
    -------
    The paths of the files.

    Raises
    ------
    InputError
        If there is no such format, the folder holds something, or there is no map.

    Examples
    --------
    >>> import xarray as xr
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"e0": (("y", "x"), [[7112.0]])})
    >>> with TemporaryDirectory() as above:
    ...     [path.name for path in write(maps, "tiff", Path(above) / "maps")]
    ['e0.tif']
    """
    if kind not in WRITERS:
        from xafsflow.vocabulary import nearest

        raise InputError(
            f"export to {kind!r}",
            f"one of {', '.join(WRITERS)}",
            f"choose one of them{nearest(kind, WRITERS)}",
        )
    return cast(Writer, import_module(WRITERS[kind])).write(maps, folder)
