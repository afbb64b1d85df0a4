"""A measurement as a lazy cube."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output, block_shape
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.folders import Folders
from xafsflow.io.readers import ImageStack, is_readable, open_scan
from xafsflow.io.readers.blank_images import blank, light_of
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.io.readers.spectrum_text import read_two_columns
from xafsflow.io.readers.stack_energies import check_energies, energies_from_names, read_energies
from xafsflow.step_table import step
from xafsflow.vocabulary import CUBE, MAP, SPECTRAL, cube_dims

# eV: a named energy is that of an image.
SAME_ENERGY = 0.01
# A median over fewer images may be that of blank ones.
LEAST_IMAGES = 5


@step(
    makes="cube",
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
    pixel_size_um: Annotated[float, Field(gt=0)] | None = None,
) -> xr.Dataset:
    """A stack of TIFF images, one an energy, as a lazy cube; only headers and a few rows are read.

    One image a file or many pages, BigTIFF, ImageJ hyperstacks beyond 4 GB; strips, tiles, compressed without loss;
    uint8, uint16, float32, either byte order. Images may be in any order of energy; the cube's energies increase.
    An energy at which sample, flat field or foil are blank (less than 3 % of the scan's usual light) is left out, and told.

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
    flat_after
        A second flat field, taken after the scan: the mean of two stacks; between two
        images, each image of the scan gets its place in time.
    counter, flat_counter
        Text files of energy and the reading of a beam monitor, at the images of the sample and of the flat field.
    energies
        CSV, text or XDI file of the energies, eV or keV, in the order of the images; None: from the file names.
    leave_out
        Energies, eV, whose images are bad.
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
    folders = Folders.of(data)
    paths = folders.glob(sample)
    stack = open_scan(paths).images
    energy = _energies(folders, energies, paths, stack.shape[0], "sample")
    scan = _Scan(folders, stack.shape, energy, block_shape(*stack.shape), energies is not None)
    named = {"flat_field": flat_field, "flat_after": flat_after, "foil": foil}
    stacks = {"sample": stack} | {
        name: scan.opened(name, pattern, one_is_enough=name != "foil")
        for name, pattern in named.items()
        # Only the flat field may be a text file, of I0.
        if pattern is not None and (name != "flat_field" or scan.has_images(pattern))
    }
    frames = None if dark is None else scan.frames(dark)
    scan.order = _good(energy, stacks, frames, leave_out)
    cube = xr.Dataset({"sample": scan.lazy(stack)}, coords={"energy": energy[scan.order]})
    if flat_field is not None:
        cube["flat_field"] = scan.flat(flat_field, stacks)
    if foil is not None:
        cube["foil"] = scan.images(stacks["foil"])
    if frames is not None:
        cube["dark"] = _mean_image(frames, scan.block[0])
    for name, file in (("counter", counter), ("flat_counter", flat_counter)):
        if file is not None:
            cube[name] = ("energy", _on_energies(folders.resolve(file), energy[scan.order], name))
    if pixel_size_um is not None:
        cube.attrs["pixel_size_um"] = pixel_size_um
    return cube


@dataclass
class _Scan:
    """What every further set of images must fit to; `order` are the images of a set that are used, by energy."""

    folders: Folders
    shape: tuple[int, int, int]
    energy: np.ndarray
    block: tuple[int, int]
    energies_given: bool
    order: list[int] = field(default_factory=list)

    def has_images(self, pattern: str) -> bool:
        """Whether a pattern names images, and not a text file of I0."""
        return is_readable(self.folders.glob(pattern)[0], "images")

    def opened(self, name: str, pattern: str, *, one_is_enough: bool) -> ImageStack:
        """Further images, at the sample's energies, or one image."""
        files = self.folders.glob(pattern)
        images = open_scan(files).images
        _same_shape(images.shape, self.shape, name, files[0], one_is_enough=one_is_enough)
        if images.shape[0] == self.shape[0] > 1 and not self.energies_given:
            own = _energies(self.folders, None, files, images.shape[0], name)
            if not np.allclose(own, self.energy):
                raise InputError(
                    f"{name} at other energies than sample",
                    "the same energies",
                    "give both sets, or energies",
                )
        return images

    def frames(self, pattern: str) -> ImageStack:
        """Images without beam."""
        files = self.folders.glob(pattern)
        frames = open_scan(files).images
        _same_shape((self.shape[0], *frames.shape[1:]), self.shape, "dark", files[0])
        return frames

    def lazy(self, images: ImageStack) -> xr.DataArray:
        """The images that are used, in the order of energy."""
        return xr.DataArray(lazy_stack(images.take(self.order), self.block), dims=cube_dims())

    def images(self, images: ImageStack) -> xr.DataArray:
        """Images in the order of energy, or one image."""
        single = images.shape[0] == 1 and self.shape[0] > 1
        return _mean_image(images, self.block[0]) if single else self.lazy(images)

    def flat(self, pattern: str, stacks: Mapping[str, ImageStack]) -> xr.DataArray:
        """The flat field; between one taken before the scan and one after it, by the place of an image in the scan."""
        if "flat_field" not in stacks:
            i0 = _on_energies(self.folders.glob(pattern)[0], self.energy[self.order], "I0")
            return xr.DataArray(i0, dims="energy")
        before = self.images(stacks["flat_field"])
        if "flat_after" not in stacks:
            return before
        later = self.images(stacks["flat_after"])
        # An image of a stack that is taken again lies midway between both; single images frame the whole scan.
        place = (np.array(self.order) + 0.5) / self.shape[0]
        share = np.where("energy" in before.dims, 0.5, place)
        weight = xr.DataArray(share.astype(np.float32), dims="energy")
        output = Output("flat_field", CUBE, sizes={SPECTRAL: len(share)})
        return over_blocks(_between, [before, later, weight], [output])["flat_field"]


def _good(
    energy: np.ndarray, stacks: Mapping[str, ImageStack], frames: ImageStack | None, leave_out: list[float]
) -> list[int]:
    """The images to use, in the order of energy: without those that are named, and those without light."""
    out = np.zeros(len(energy), bool)
    for one in leave_out:
        near = np.abs(energy - one)
        if near.min() > SAME_ENERGY:
            raise InputError(
                f"{one:g} eV in leave_out", f"an energy of the scan, such as {energy[near.argmin()]:g} eV"
            )
        out[near.argmin()] = True
    dark = 0.0 if frames is None else float(np.median(light_of(frames)))
    for name, stack in stacks.items():
        if stack.shape[0] != len(energy) or len(energy) < LEAST_IMAGES:
            continue
        empty = blank(light_of(stack), dark) & ~out
        if empty.any():
            listed = ", ".join(f"{one:g}" for one in np.sort(energy[empty])[:5])
            more = f" and {empty.sum() - 5} more" if empty.sum() > 5 else ""
            warnings.warn(
                f"the images of {name} at {listed} eV{more} are blank: these energies are left out",
                XafsflowWarning,
                stacklevel=4,
            )
        out |= empty
    return [int(k) for k in np.argsort(energy) if not out[k]]


def _between(before: Any, later: Any, weight: Any) -> Any:
    share = weight[:, None, None]
    return before.astype(np.float32) * (1 - share) + later.astype(np.float32) * share


def _mean_image(stack: ImageStack, rows: int) -> xr.DataArray:
    """The mean of a stack's images, float32 `(y, x)`."""
    images = xr.DataArray(lazy_stack(stack, (rows, stack.shape[2])), dims=("image", *MAP))
    return over_blocks(_mean, [images], [Output("mean", MAP)])["mean"]


def _mean(images: Any) -> Any:
    return images.mean(axis=0, dtype=np.float64)


def _energies(folders: Any, name: str | None, paths: Sequence[Path], count: int, what: str) -> np.ndarray:
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


def _on_energies(path: Path, energy: np.ndarray, what: str) -> np.ndarray:
    known, values = read_two_columns(path)
    if energy[0] < known[0] - 1e-6 or energy[-1] > known[-1] + 1e-6:
        raise InputError(
            f"{what} from {known[0]:g} to {known[-1]:g} eV ({path})",
            f"{energy[0]:g} to {energy[-1]:g} eV as the scan has",
            f"crop the scan, or give the {what} of this scan",
        )
    return np.interp(energy, known, values)
