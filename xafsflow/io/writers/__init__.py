"""Maps going out to other programs: CSV tables, TIFF and OME-TIFF images, PNG figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.errors import InputError
from xafsflow.vocabulary import nearest

if TYPE_CHECKING:
    import xarray as xr


def _csv(maps: xr.Dataset, folder: Path) -> list[Path]:
    from xafsflow.io.writers.csv_tables import export_csv

    return export_csv(maps, folder)


def _tiff(maps: xr.Dataset, folder: Path) -> list[Path]:
    from xafsflow.io.writers.tiff_maps import export_tiff

    return export_tiff(maps, folder)


def _ome_tiff(maps: xr.Dataset, folder: Path) -> list[Path]:
    from xafsflow.io.writers.tiff_maps import export_tiff

    return export_tiff(maps, folder, ome=True)


def _png(maps: xr.Dataset, folder: Path) -> list[Path]:
    from xafsflow.io.writers.png_figures import export_png

    return export_png(maps, folder)


# A new format is one entry.
EXPORTS: dict[str, Callable[[xr.Dataset, Path], list[Path]]] = {
    "csv": _csv,
    "tiff": _tiff,
    "ome-tiff": _ome_tiff,
    "png": _png,
}


def write(maps: xr.Dataset, kind: str, folder: Path) -> list[Path]:
    """Write maps in a format of `EXPORTS`.

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
    if kind not in EXPORTS:
        wanted = f"one of {', '.join(EXPORTS)}"
        raise InputError(f"export to {kind!r}", wanted, f"choose one of them{nearest(kind, EXPORTS)}")
    return EXPORTS[kind](maps, folder)
