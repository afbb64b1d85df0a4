"""A measurement of counts as a lazy cube."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.io.readers import ImageStack, is_readable
from xafsflow.io.readers.bad_images import looks_of
from xafsflow.io.readers.image_scan import split_inside
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.io.readers.spectrum_text import read_two_columns
from xafsflow.step_table import step
from xafsflow.steps.ingest.image_check import choose_images
from xafsflow.steps.ingest.scan_images import (
    Asked,
    BadImages,
    ImageSet,
    Repeats,
    ScanImages,
    opened,
    same_field,
)
from xafsflow.vocabulary import CUBE, MAP, SPECTRAL

# What a file of images may hold beside them.
HELD = ("flat_field", "dark", "counter")
PixelSize = Annotated[float, Field(gt=0)] | None


def _held(settings: Mapping[str, Any]) -> Collection[str]:
    """Other formats than TIFF may hold more than the images of the sample."""
    return () if settings["sample"].lower().endswith((".tif", ".tiff")) else HELD


@step(
    makes="cube",
    holds=_held,
    gives=[
        "sample",
        "{flat_field}=flat_field",
        "{foil}=foil",
        "{dark}=dark",
        "{counter}=counter",
        "{flat_counter}=flat_counter",
    ],
)
def tiff_stack(
    data: Any,
    /,
    *,
    sample: str = "sample/*.tif",
    flat_field: str | None = None,
    foil: str | None = None,
    dark: str | None = None,
    flat_after: str | None = None,
    counter: str | None = None,
    flat_counter: str | None = None,
    energies: str | None = None,
    leave_out: list[float] = [],  # noqa: B006
    repeats: Repeats = "mean",
    bad_images: BadImages = "leave_out",
    ignore_names: bool = False,
    pixel_size_um: PixelSize = None,
) -> xr.Dataset:
    """A stack of images of counts, one an energy or more, as a lazy cube; only headers and a few rows are read.

    One image a file or many pages, BigTIFF, ImageJ hyperstacks beyond 4 GB; strips, tiles, compressed without loss;
    uint8, uint16, float32, either byte order. Images may be in any order of energy; the cube's energies increase.
    What the files themselves tell (energies, flat field, dark, counter, size of a pixel) is used where no setting names
    another. Images of transmission, absorbance or fluorescence have steps of their own.

    Parameters
    ----------
    sample
        Pattern of the files, relative to the data folder; `scan.h5::/exchange/data` for images inside a file.
    flat_field
        Images without sample: at the energies of the sample, or one image; or a text file of energy and I0.
    foil
        Images of a calibration foil, at the energies of the sample.
    dark
        Images without beam, any number; their mean is used.
    flat_after
        A second flat field, taken after the scan: the mean of two stacks; between two
        images, each image of the scan gets its place in time.
    counter, flat_counter
        Text files of energy and the reading of a beam monitor, at the images of the sample and of the flat field.
    energies
        CSV, text or XDI file of the energies, eV or keV, in the order of the images; or where they stand in the names,
        such as `fe_{energy}eV_*`; None: from the files, or else their names.
    leave_out
        Energies, eV, whose images are bad.
    repeats
        What becomes of several images of one energy: their `mean`, the `best` (with the most light) or the `first`.
    bad_images
        `leave_out` those that look bad, which is told: blank, with much less light than their neighbors, saturated, partly
        dark, unlike their neighbors in energy, or of another energy; or `keep` them.
    ignore_names
        Energies in the names of files do not count, where they differ from those of `energies`.
    pixel_size_um
        Size of a pixel in the sample, micrometers, for scale bars.

    Returns
    -------
    Dataset
        `sample`, and `flat_field`, `foil`, `dark` if there are any; counts in the type of the files. `exposures` and
        `flat_exposures` (energy), the number of images that were averaged, where there were several.

    Raises
    ------
    InputError
        A file is missing, damaged, in color or of another shape; energies do not fit the images, or two sources of
        energies differ.
    """
    folders = Folders.of(data)
    scan = ScanImages(
        folders, sample, Asked(energies, leave_out, repeats, bad_images, ignore_names), "counts"
    )
    text = flat_field is not None and not _has_images(folders, flat_field)
    for name, pattern in {"flat_field": flat_field, "flat_after": flat_after, "foil": foil}.items():
        # Only the flat field may be a text file, of I0.
        if pattern is not None and not (text and name == "flat_field"):
            scan.add(name, pattern, one_is_enough=name != "foil")
    if flat_field is None and scan.scan.flat_field is not None:
        _add_own_flat(scan, scan.scan.flat_field)
    frames = scan.scan.dark if dark is None else opened_dark(folders, dark, scan.field)
    level = 0.0 if frames is None else float(np.median(looks_of(frames).light))
    choose_images(scan, level)
    cube = xr.Dataset({"sample": scan.lazy("sample")}, coords={"energy": scan.energy})
    if text:
        cube["flat_field"] = ("energy", on_energies(folders.glob(str(flat_field))[0], scan.energy, "I0"))
    elif "flat_field" in scan.sets:
        cube["flat_field"] = _flat(scan)
    if "foil" in scan.sets:
        cube["foil"] = scan.lazy("foil")
    if frames is not None:
        cube["dark"] = mean_image(frames, scan.block[0])
    for name, file in (("counter", counter), ("flat_counter", flat_counter)):
        if file is not None:
            cube[name] = ("energy", on_energies(folders.resolve(file), scan.energy, name))
    if counter is None and scan.scan.counter is not None:
        cube["counter"] = ("energy", per_energy(scan, scan.scan.counter))
    return with_exposures(described(cube, scan, pixel_size_um), scan)


def described(cube: xr.Dataset, scan: ScanImages, pixel_size_um: float | None) -> xr.Dataset:
    """The cube with what is known of its pixels and energies."""
    size = scan.scan.pixel_size_um if pixel_size_um is None else pixel_size_um
    if size is not None:
        cube.attrs["pixel_size_um"] = size
    cube.energy.attrs["source"] = scan.source
    return cube


def with_exposures(cube: xr.Dataset, scan: ScanImages) -> xr.Dataset:
    """The cube with the numbers of averaged images, where there are several."""
    for name, variable in (("sample", "exposures"), ("flat_field", "flat_exposures")):
        if name in scan.sets and scan.sets[name].energies is not None:
            counts = scan.exposures(name)
            if counts.max() > 1:
                cube[variable] = ("energy", counts)
    return cube


def per_energy(scan: ScanImages, values: Any) -> Any:
    """Readings at each image of the sample as means of those that make the image of an energy."""
    return np.array([np.mean(np.asarray(values, float)[group]) for group in scan.sample.groups])


def _has_images(folders: Folders, pattern: str) -> bool:
    """Whether a pattern names images, and not a text file of I0."""
    return is_readable(folders.glob(split_inside(pattern)[0])[0], "images")


def _add_own_flat(scan: ScanImages, images: ImageStack) -> None:
    """The flat field that lies in the sample's file: an image an energy, else the mean of all."""
    one = ImageSet("flat_field", images, scan.sample.files, None)
    if images.shape[0] in (len(scan.energy), scan.sample.images.shape[0]):
        scan.add_images(one, one_is_enough=True)
    else:
        same_field(one.name, images, scan.field, one.files[0])
        scan.sets["flat_field"] = one


def opened_dark(folders: Folders, pattern: str, field: tuple[int, int]) -> ImageStack:
    """Images without beam."""
    found, files = opened(folders, pattern)
    same_field("dark", found.images, field, files[0])
    return found.images


def image_or_images(scan: ScanImages, name: str) -> xr.DataArray:
    """Images in the order of energy, or one image."""
    one = scan.sets[name]
    return mean_image(one.images, scan.block[0]) if one.energies is None else scan.lazy(name)


def _flat(scan: ScanImages) -> xr.DataArray:
    """The flat field; between one taken before the scan and one after it, by the place of an image in the scan."""
    before = image_or_images(scan, "flat_field")
    if "flat_after" not in scan.sets:
        return before
    later = image_or_images(scan, "flat_after")
    # An image of a stack that is taken again lies midway between both; single images frame the whole scan.
    middle = np.array([np.mean(group) for group in scan.sample.groups])
    place = (middle + 0.5) / scan.sample.images.shape[0]
    share = np.where("energy" in before.dims, 0.5, place)
    weight = xr.DataArray(share.astype(np.float32), dims="energy")
    output = Output("flat_field", CUBE, sizes={SPECTRAL: len(share)})
    return over_blocks(_between, [before, later, weight], [output])["flat_field"]


def _between(before: Any, later: Any, weight: Any) -> Any:
    share = weight[:, None, None]
    return before.astype(np.float32) * (1 - share) + later.astype(np.float32) * share


def mean_image(stack: ImageStack, rows: int) -> xr.DataArray:
    """The mean of a stack's images, float32 `(y, x)`."""
    images = xr.DataArray(lazy_stack(stack, (rows, stack.shape[2])), dims=("image", *MAP))
    return over_blocks(_mean, [images], [Output("mean", MAP)])["mean"]


def _mean(images: Any) -> Any:
    return images.mean(axis=0, dtype=np.float64)


def on_energies(path: Path, energy: np.ndarray, what: str) -> np.ndarray:
    """What a text file of energies and values has at these energies.

    Raises
    ------
    InputError
        It does not span them.
    """
    known, values = read_two_columns(path)
    if energy[0] < known[0] - 1e-6 or energy[-1] > known[-1] + 1e-6:
        raise InputError(
            f"{what} from {known[0]:g} to {known[-1]:g} eV ({path})",
            f"{energy[0]:g} to {energy[-1]:g} eV as the scan has",
            f"crop the scan, or give the {what} of this scan",
        )
    return np.interp(energy, known, values)
