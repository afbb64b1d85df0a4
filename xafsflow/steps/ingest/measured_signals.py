"""Images that are absorbance or transmission already, and what becomes of values that are no counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.io.folders import Folders
from xafsflow.kernels.spectra.measured_ratio import logarithm, measured
from xafsflow.step_table import step
from xafsflow.steps.ingest.image_check import choose_images
from xafsflow.steps.ingest.image_stacks import PixelSize, described, with_exposures
from xafsflow.steps.ingest.scan_images import Asked, BadImages, Repeats, ScanImages
from xafsflow.steps.ingest.scatter import measured_noise
from xafsflow.vocabulary import CUBE, MAP, Flag

# What these ways in give.
GIVES = ("mu", "mu_noise", "flags", "{foil}=foil_mu")
MU_AND_FLAGS = (Output("mu", CUBE), Output("flags", MAP, np.uint8))
BAD = int(Flag.NOT_FINITE)
Kernel = Callable[..., Any]


@step(makes="cube", gives=GIVES)
def absorbance(
    data: Any,
    /,
    *,
    sample: str = "mu/*.tif",
    foil: str | None = None,
    energies: str | None = None,
    leave_out: list[float] = [],  # noqa: B006
    repeats: Repeats = "mean",
    bad_images: BadImages = "leave_out",
    ignore_names: bool = False,
    pixel_size_um: PixelSize = None,
) -> xr.Dataset:
    """Images that are absorbance (optical density, -ln(I/I0)) already, as a lazy cube.

    Nothing is divided and no logarithm is taken; steps that need counts (`correct.absorbance`) are left out of the recipe.
    `mu_noise` is measured: third differences along the energies, without the shapes that the pixels of the scan share, each
    pixel's own scatter along the course of the scan's. Noise that images share, or that was smoothed along the energies
    before, is not seen; with fewer than 8 energies it is NaN.

    Parameters
    ----------
    sample
        Pattern of the files, relative to the data folder; `scan.h5::/path` for images inside a file.
    foil
        Images of a calibration foil, absorbance, too.
    energies, leave_out, repeats, bad_images, ignore_names, pixel_size_um
        As of `ingest.tiff_stack`.

    Returns
    -------
    Dataset
        `mu`, `mu_noise` (energy, y, x), `flags` (y, x), `foil_mu` if there is a foil. Values that are no numbers are NaN,
        with the flag `not_finite`.

    Raises
    ------
    InputError
        As of `ingest.tiff_stack`; or the file says that its images are something else.
    """
    asked = Asked(energies, leave_out, repeats, bad_images, ignore_names)
    return _divided(ScanImages(Folders.of(data), sample, asked, "absorbance"), foil, measured, pixel_size_um)


@step(makes="cube", gives=GIVES)
def transmission(
    data: Any,
    /,
    *,
    sample: str = "transmission/*.tif",
    foil: str | None = None,
    energies: str | None = None,
    leave_out: list[float] = [],  # noqa: B006
    repeats: Repeats = "mean",
    bad_images: BadImages = "leave_out",
    ignore_names: bool = False,
    pixel_size_um: PixelSize = None,
) -> xr.Dataset:
    """Images that are divided by the flat field already (I/I0), as a lazy cube of `mu = -ln(I/I0)`.

    Values that are not above zero give NaN at that energy and the flag `not_finite`. `mu_noise` is measured as by
    `ingest.absorbance`.

    Parameters
    ----------
    sample
        Pattern of the files, relative to the data folder; `scan.h5::/path` for images inside a file.
    foil
        Images of a calibration foil, I/I0, too.
    energies, leave_out, repeats, bad_images, ignore_names, pixel_size_um
        As of `ingest.tiff_stack`.

    Returns
    -------
    Dataset
        As of `ingest.absorbance`.

    Raises
    ------
    InputError
        As of `ingest.absorbance`.
    """
    asked = Asked(energies, leave_out, repeats, bad_images, ignore_names)
    return _divided(
        ScanImages(Folders.of(data), sample, asked, "transmission"), foil, logarithm, pixel_size_um
    )


def _divided(scan: ScanImages, foil: str | None, kernel: Kernel, pixel_size_um: float | None) -> xr.Dataset:
    """The cube of images without counts."""
    if foil is not None:
        scan.add("foil", foil)
    choose_images(scan)
    cube = cube_of(scan, kernel, [scan.lazy("sample")], pixel_size_um)
    if foil is not None:
        found = over_blocks(kernel, [scan.lazy("foil")], MU_AND_FLAGS, bad_bit=BAD)
        cube["foil_mu"] = found["mu"]
    return cube


def cube_of(
    scan: ScanImages,
    kernel: Kernel,
    inputs: Sequence[xr.DataArray],
    pixel_size_um: float | None,
    **settings: Any,
) -> xr.Dataset:
    """What a kernel makes of images, `mu` and `flags`, with the noise that `mu` shows.

    Parameters
    ----------
    scan
        Settled.
    kernel, inputs, settings
        As of `over_blocks`; the kernel gives `mu` and `flags`, and takes the flag of what is no number as `bad_bit`.
    pixel_size_um
        As the settings say.
    """
    found = over_blocks(kernel, inputs, MU_AND_FLAGS, **settings, bad_bit=BAD)
    found["mu_noise"] = measured_noise(found["mu"], scan.energy, scan.exposures("sample"))
    cube = xr.Dataset(found, coords={"energy": scan.energy})
    return with_exposures(described(cube, scan, pixel_size_um), scan)
