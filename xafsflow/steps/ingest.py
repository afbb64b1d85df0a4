"""Measurements and references come in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks import block_shape
from xafsflow.contract import step
from xafsflow.errors import InputError
from xafsflow.names import CUBE, MAP

Size = Annotated[int, Field(ge=1)]


@step(
    makes="cube",
    gives=["sample", "{flat_field}=flat_field", "{foil}=foil", "{dark}=dark"],
)
def tiff_stack(
    data: Any,
    /,
    *,
    sample: str = "sample/*.tif",
    flat_field: str | None = None,
    foil: str | None = None,
    dark: str | None = None,
    energies: str | None = None,
    pixel_size_um: Annotated[float, Field(gt=0)] | None = None,
) -> xr.Dataset:
    """A stack of TIFF images, one an energy, as a lazy cube; only headers are read.

    One image a file or many pages, BigTIFF, ImageJ hyperstacks beyond 4 GB; strips, tiles, compressed without loss;
    uint8, uint16, float32, either byte order. Images may be in any order of energy; the cube's energies increase.

    Parameters
    ----------
    sample
        Pattern of the files, relative to the data folder.
    flat_field
        Images without sample: as many as energies, or one image; or a text file of energy and I0.
    foil
        Images of a calibration foil, as many as energies.
    dark
        Images without beam, any number; their mean is used.
    energies
        CSV, text or XDI file of the energies, eV or keV, in the order of the images; None: from the file names.
    pixel_size_um
        Size of a pixel in the sample, micrometers, for scale bars.

    Returns
    -------
    Dataset
        `sample`, and `flat_field`, `foil`, `dark` if named; counts in the type of the files.

    Raises
    ------
    InputError
        A file is missing, damaged, in color or of another shape; energies do not fit the images.
    """
    from xafsflow.readers.folders import Folders
    from xafsflow.readers.lazy import lazy_mean, lazy_stack
    from xafsflow.readers.tiff import open_stack

    folders = Folders.of(data)
    paths = folders.glob(sample)
    stack = open_stack(paths)
    count, rows, columns = stack.shape
    energy = _energies(folders, energies, paths, count, "sample")
    order = np.argsort(energy).tolist()
    block = block_shape(count, rows, columns)
    cube = xr.Dataset(
        {"sample": (CUBE, lazy_stack(stack.take(order), block))}, coords={"energy": energy[order]}
    )
    for name, pattern in (("flat_field", flat_field), ("foil", foil)):
        if pattern is None:
            continue
        files = folders.glob(pattern)
        if name == "flat_field" and files[0].suffix.lower() not in (".tif", ".tiff"):
            cube[name] = ("energy", _i0_spectrum(files[0], energy[order]))
            continue
        images = open_stack(files)
        _same_shape(images.shape, stack.shape, name, files[0], one_is_enough=name == "flat_field")
        if images.shape[0] == 1 and count > 1:
            cube[name] = (MAP, lazy_mean(images, block[0]))
            continue
        if energies is None and not np.allclose(_energies(folders, None, files, count, name), energy):
            raise InputError(
                f"{name} at other energies than sample", "the same energies", "give both sets, or energies"
            )
        cube[name] = (CUBE, lazy_stack(images.take(order), block))
    if dark is not None:
        frames = open_stack(folders.glob(dark))
        _same_shape((count, *frames.shape[1:]), stack.shape, "dark", folders.glob(dark)[0])
        cube["dark"] = (MAP, lazy_mean(frames, block[0]))
    if pixel_size_um is not None:
        cube.attrs["pixel_size_um"] = pixel_size_um
    return cube


def _energies(folders: Any, name: str | None, paths: Sequence[Path], count: int, what: str) -> np.ndarray:
    from xafsflow.readers.energies import check_energies, energies_from_names, read_energies

    if name is None:
        source = f"names of the {what} files"
        if len(paths) != count:
            raise InputError(
                f"{len(paths)} files with {count} images", "a file of energies", "name it with energies"
            )
        found = energies_from_names([path.name for path in paths])
    else:
        source = name
        found = read_energies(folders.resolve(name))
    check_energies(found, count, source)
    return np.asarray(found)


def _same_shape(
    found: Sequence[int], wanted: Sequence[int], name: str, path: Path, *, one_is_enough: bool = False
) -> None:
    if tuple(found[1:]) != tuple(wanted[1:]):
        raise InputError(
            f"{name} of {found[1]} x {found[2]} pixels ({path})",
            f"{wanted[1]} x {wanted[2]} as the sample has",
            f"leave {name} out, or give images of the same camera region",
        )
    if found[0] != wanted[0] and not (one_is_enough and found[0] == 1):
        one = " or 1" if one_is_enough else ""
        raise InputError(
            f"{found[0]} images of {name} and {wanted[0]} of the sample",
            f"{wanted[0]}{one}",
            f"check the pattern of {name}",
        )


def _i0_spectrum(path: Path, energy: np.ndarray) -> np.ndarray:
    from xafsflow.readers.spectra import read_two_columns

    known, i0 = read_two_columns(path)
    if energy[0] < known[0] - 1e-6 or energy[-1] > known[-1] + 1e-6:
        raise InputError(
            f"I0 from {known[0]:g} to {known[-1]:g} eV ({path})",
            f"{energy[0]:g} to {energy[-1]:g} eV as the scan has",
            "crop the scan, or give the I0 of this scan",
        )
    return np.interp(energy, known, i0)


@step(makes="library", example={"files": {"Fe": "references/Fe.xdi", "FeO": "references/FeO.xdi"}})
def references(
    data: Any,
    /,
    *,
    files: dict[str, str],
    columns: dict[str, str] = {},  # noqa: B006
    offsets: dict[str, float] = {},  # noqa: B006
) -> xr.Dataset:
    """Reference spectra as a library.

    Parameters
    ----------
    files
        Name of each reference, and its file: XDI or columns of text. Relative to the data folder, or to the
        references folder with the prefix `references:`.
    columns
        By name of a reference, the column of its file, where the file holds several spectra.
    offsets
        By name of a reference, eV to be added to its energies.

    Returns
    -------
    Dataset
        `energy` and `mu` (spectrum, point), NaN behind the end of a spectrum; names in `spectrum`.

    Raises
    ------
    InputError
        A file is missing or holds no spectrum; references of different elements.
    """
    from dataclasses import replace

    from xafsflow.names import nearest
    from xafsflow.readers.folders import Folders
    from xafsflow.readers.spectra import library_of, read_spectrum

    folders = Folders.of(data)
    for setting, given in (("columns", columns), ("offsets", offsets)):
        for name in given:
            if name not in files:
                raise InputError(
                    f"{name!r} in {setting}",
                    f"one of {', '.join(files)}",
                    f"mend the name{nearest(name, files)}",
                )
    spectra = []
    for name, file in files.items():
        one = read_spectrum(folders.resolve(file), column=columns.get(name))
        spectra.append(replace(one, name=name, energy=one.energy + offsets.get(name, 0.0)))
    elements = {one.element for one in spectra if one.element}
    if len(elements) > 1:
        told = ", ".join(f"{one.name}: {one.element or 'unknown'}" for one in spectra)
        raise InputError(
            f"references of different elements ({told})", "one element", "check the files of the references"
        )
    return library_of(spectra)


def check_cover(library: xr.Dataset, energy: np.ndarray) -> None:
    """Refuse references that do not span the scan's energies.

    Raises
    ------
    InputError
        Names each reference and its range.
    """
    low, high = library.energy.min("point").values, library.energy.max("point").values
    for name, first, last in zip(library.spectrum.values, low, high, strict=True):
        if first > energy[0] + 1e-6 or last < energy[-1] - 1e-6:
            apart = first > energy[-1] or last < energy[0]
            do = (
                "give references of the scan's edge"
                if apart
                else "crop the scan's energies with correct.crop"
            )
            raise InputError(
                f"reference {name} from {first:.1f} to {last:.1f} eV",
                f"{energy[0]:.1f} to {energy[-1]:.1f} eV as the scan has",
                do,
            )


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
    from xafsflow.phantom import spectrum
    from xafsflow.readers.spectra import Spectrum, library_of

    energy = np.arange(6950.0, 7500.0, 0.25)
    made = [
        Spectrum(name, energy, spectrum(name, energy), "Fe", "K", ("simulated",), Path(f"{name}.xdi"), {})
        for name in names
    ]
    return library_of(made)


@step(makes="cube", needs=["sample"], gives=["sample"])
def store(cube: xr.Dataset, run: Path, /, *, tile: Annotated[int, Field(ge=8, le=1024)] = 64) -> xr.Dataset:
    """Store the cube as Zarr version 3 in the run folder, `cube.zarr`, and go on from there.

    All energies of a tile lie in one chunk, so that a spectrum costs one chunk. Memory is one band of rows.

    Parameters
    ----------
    tile
        Rows and columns of a chunk.
    """
    from xafsflow.store import write_cube

    return write_cube(cube, Path(run) / "cube.zarr", tile=tile)
