"""Libraries of spectra whose labels, properties or structures are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.step_table import step

if TYPE_CHECKING:
    from xafsflow.io.folders import Folders
    from xafsflow.io.readers.libraries.library_arrays import Part, Wanted


@step(makes="spectra", example={"files": ["library.npz"]})
def spectra(
    data: Any,
    /,
    *,
    files: list[str],
    table: str | None = None,
    spectrum: str | None = None,
    energy: str | dict[str, float] | None = None,
    labels: list[str] | None = None,
    properties: list[str] | dict[str, str] | None = None,
    group: str | None = None,
    structure: dict[str, str] = {},  # noqa: B006
    align: Literal["edge"] | None = None,
    e0: float | str | None = None,
    search: Annotated[float, Field(gt=0)] = 10.0,
) -> xr.Dataset:
    """A library of spectra with what is known of each: labels, properties, the material, the structure.

    Files are joined one below the other. All spectra come onto one axis, cut to the energies that every one of them
    covers: else the axis itself, or which points are missing, would tell the class. Zarr stays on the disk and is read in
    blocks of samples.

    Parameters
    ----------
    files
        Files or patterns, relative to the data folder (or with the prefix `references:`): `.npz`; `.zarr` as xarray writes
        it; `.csv` with a row a spectrum, whose columns named by numbers are energies in eV; or files of one spectrum each
        (XDI, columns of text).
    table
        For files of one spectrum each: a CSV with a column `file` and others that say what each file is.
    spectrum
        Name of the array (sample, energy); by default `mu`, `norm`, `spectra`, `spectrum` or `y`.
    energy
        Name of the array of energies, eV: (energy), or (sample, energy) where each spectrum has its own; by default
        `energy`.        `{first: 9655.0, step: 1.0}` gives the energies of files that have none.
    labels, properties
        Names of arrays with a class, or a number, for each spectrum. By default texts and whole numbers are labels, other
        numbers properties. `{name: unit}` gives properties their units.
    group
        Name of the array with the material: spectra of a group are never on both sides of a split. By default `group`,
        `material` or `mpid`. Without one each spectrum is its own group, with a warning.
    structure
        Names of arrays by role: `z` (atomic numbers), `position` (Angstrom, the absorber first), `natoms`, or `offset` where
        the atoms of all clusters lie one behind the other. By default `z`, `pos`, `natoms`, `offset` and the like.
    align
        `edge` moves each spectrum so that its edge lies where that of the others does.
    e0
        With `align`: where edges are put, eV (by default at their median), or the name of the property that holds each
        spectrum's own edge. By default the edge is found as Larch's `find_e0` finds it, and between points by a parabola
        through the derivative.
    search
        Edges that are found farther than this from the median, eV, are searched again within it, with a warning: the
        steepest rise of a spectrum may be that of a later peak.

    Returns
    -------
    Dataset
        `mu` (sample, energy), `group` (sample), labels and properties (sample) with the attribute `role`; structures as `z`
        (sample, atom), 0 beyond the last atom, `position` (sample, atom, xyz) and `natoms` (sample). `attrs["grouped"]` is
        False where no material is known.

    Raises
    ------
    InputError
        A file or array is missing or does not fit; spectra with gaps; fewer than 5 energies that all cover.
    """
    from xafsflow.io.folders import Folders
    from xafsflow.io.readers.libraries.library_arrays import Wanted
    from xafsflow.io.readers.libraries.library_axes import join

    if e0 is not None and align is None:
        raise InputError(
            f"e0 {e0!r} without align", "align: edge beside it", "add `align: edge`, or remove `e0`"
        )
    wanted = Wanted(spectrum, energy, labels, properties, group, structure)
    return join(_parts(Folders.of(data), files, table, wanted), align=align == "edge", e0=e0, search=search)


def _parts(folders: Folders, files: list[str], table: str | None, wanted: Wanted) -> list[Part]:
    """The spectra of every file; files of one spectrum each are one part."""
    from xafsflow.io.readers.libraries.library_arrays import part_of, read_arrays
    from xafsflow.io.readers.libraries.library_folder import read_folder
    from xafsflow.io.readers.libraries.library_table import is_table, read_table
    from xafsflow.io.readers.libraries.library_zarr import read_zarr

    parts, single = list[Any](), list[Path]()
    for name in files:
        if name.rstrip("/").endswith(".zarr"):
            path = folders.resolve(name.rstrip("/"))
            arrays, attributes = read_zarr(path)
            parts.append(part_of(arrays, wanted, path.name, attributes))
            continue
        for path in folders.glob(name):
            if path.suffix == ".npz":
                parts.append(part_of(read_arrays(path), wanted, path.name))
            elif is_table(path):
                parts.append(part_of(read_table(path), wanted, path.name))
            else:
                single.append(path)
    if table is not None and not single:
        raise InputError(
            f"table {table!r} without files of one spectrum each",
            "such files",
            "remove `table`: arrays and tables have their labels with them",
        )
    if single:
        arrays = read_folder(single, None if table is None else folders.resolve(table))
        parts.append(part_of(arrays, wanted, f"{len(single)} files from {single[0].name} on"))
    if not parts:
        raise InputError("no name in `files`", "one file or more", "name the library's files")
    return parts
