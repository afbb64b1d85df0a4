"""Images of fluorescence as a lazy cube."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.folders import Folders
from xafsflow.io.readers import ImageStack, is_readable
from xafsflow.io.readers.bad_images import looks_of
from xafsflow.io.readers.image_scan import split_inside
from xafsflow.kernels.spectra.measured_ratio import fluorescence_over
from xafsflow.step_table import step
from xafsflow.steps.ingest.image_check import choose_images
from xafsflow.steps.ingest.image_stacks import (
    PixelSize,
    image_or_images,
    mean_image,
    on_energies,
    opened_dark,
    per_energy,
)
from xafsflow.steps.ingest.measured_signals import GIVES, cube_of
from xafsflow.steps.ingest.scan_images import Asked, BadImages, Repeats, ScanImages
from xafsflow.vocabulary import CUBE, MAP, cube_dims

Positive = Annotated[float, Field(gt=0)] | None
# In place of I0: the images were divided by it.
DIVIDED = "one"


@step(makes="cube", gives=GIVES[:3])
def fluorescence(
    data: Any,
    /,
    *,
    sample: str = "fluorescence/*.tif",
    i0: str | None = None,
    thin: bool = False,
    dead_time_us: Positive = None,
    dwell_s: Positive = None,
    input_counts: str | None = None,
    output_counts: str | None = None,
    dark: str | None = None,
    energies: str | None = None,
    leave_out: list[float] = [],  # noqa: B006
    repeats: Repeats = "mean",
    bad_images: BadImages = "leave_out",
    ignore_names: bool = False,
    pixel_size_um: PixelSize = None,
) -> xr.Dataset:
    """Images of fluorescence as a lazy cube: `mu = c F/I0`, proportional to the absorbance of the element.

    c is one number for the scan that makes values about one. `mu_noise` is measured as by `ingest.absorbance`. No counts
    are no absorbance, and no error.

    Proportional it is in samples that are thin or dilute. Others absorb what excites them and what they send out: white
    lines are flattened, and references with sharp white lines come out too low. Nothing here corrects it.

    Parameters
    ----------
    sample
        Pattern of the files with the counts of a line, in the data folder; `map.h5::/path` for images inside a file.
    i0
        A text file of energy and I0; or images of I0, at the energies of the sample or one image; None: from the sample's
        file. `one` where the images were divided by I0 already.
    thin
        The sample is thin or dilute: no warning of self-absorption.
    dead_time_us, dwell_s
        How long the detector is blind after a photon, microseconds, and how long a pixel was counted, seconds:
        `F = f/(1 - f dead_time/dwell)`.
    input_counts, output_counts
        Images of all photons that came, and of those that were processed: `F = f input/output`.
    dark
        Images without beam of a camera; their mean is taken off the sample's images, and off I0 where it is images.
    energies, leave_out, repeats, bad_images, ignore_names, pixel_size_um
        As of `ingest.tiff_stack`.

    Returns
    -------
    Dataset
        `mu`, `mu_noise` (energy, y, x), `flags` (y, x). Where I0 is not above zero values are NaN, with the flag
        `not_finite`.

    Raises
    ------
    InputError
        As of `ingest.absorbance`; no I0, or one of two settings that belong together.
    """
    blind = _blind(dead_time_us, dwell_s, input_counts, output_counts)
    folders = Folders.of(data)
    asked = Asked(energies, leave_out, repeats, bad_images, ignore_names)
    scan = ScanImages(folders, sample, asked, "fluorescence")
    _add_i0(scan, i0)
    for name, pattern in (("input_counts", input_counts), ("output_counts", output_counts)):
        if pattern is not None:
            scan.add(name, pattern)
    frames = scan.scan.dark if dark is None else opened_dark(folders, dark, scan.field)
    level = 0.0 if frames is None else float(np.median(looks_of(frames).light))
    choose_images(scan, level)
    if not thin:
        _warn_of_self_absorption()
    monitor = _monitor(scan, i0, frames)
    inputs = [_counts(scan), monitor.values, _dark(scan, frames)]
    missing = tuple(place for place, dim in enumerate(cube_dims()) if dim not in monitor.values.dims)
    scale = _scale(scan, monitor.usual, level)
    return cube_of(scan, _ratio, inputs, pixel_size_um, missing=missing, blind=blind, scale=scale)


@dataclass(frozen=True)
class _Monitor:
    """I0 over energy, y and x or some of them, and its usual size."""

    values: xr.DataArray
    usual: float


def _blind(dead_time_us: float | None, dwell_s: float | None, *rates: str | None) -> float:
    """The share of an exposure for which a photon makes the detector blind."""
    pairs = {("dead_time_us", "dwell_s"): (dead_time_us, dwell_s), ("input_counts", "output_counts"): rates}
    for names, values in pairs.items():
        if (values[0] is None) != (values[1] is None):
            there, missing = names if values[1] is None else names[::-1]
            raise InputError(f"ingest.fluorescence with {there} alone", f"{missing}, too", f"give {missing}")
    if dead_time_us is None or dwell_s is None:
        return 0.0
    if rates[0] is not None:
        raise InputError(
            "ingest.fluorescence with dead_time_us and input_counts",
            "one correction of the dead time",
            "remove dead_time_us and dwell_s, or input_counts and output_counts",
        )
    return 1e-6 * dead_time_us / dwell_s


def _add_i0(scan: ScanImages, i0: str | None) -> None:
    """Open images of I0, if there are any."""
    if i0 == DIVIDED or (i0 is None and scan.scan.counter is not None):
        return
    if i0 is None:
        raise InputError(
            "ingest.fluorescence without I0, which its files do not tell",
            "a text file of energy and I0, or images of it",
            "name it in i0; i0: one where the images were divided by I0 already",
        )
    if is_readable(scan.folders.glob(split_inside(i0)[0])[0], "images"):
        scan.add("i0", i0, one_is_enough=True)


def _monitor(scan: ScanImages, i0: str | None, frames: ImageStack | None) -> _Monitor:
    """I0, by a file, images, or what the sample's file tells."""
    if "i0" in scan.sets:
        values = image_or_images(scan, "i0")
        if frames is not None:
            output = Output("i0", tuple(map(str, values.dims)))
            values = over_blocks(_less, [values, mean_image(frames, scan.block[0])], [output])["i0"]
        return _Monitor(values, float(np.median(scan.sets["i0"].look().light)))
    if i0 == DIVIDED:
        found = np.ones(len(scan.energy))
    elif i0 is not None:
        found = on_energies(scan.folders.resolve(i0), scan.energy, "I0")
    else:
        found = per_energy(scan, scan.scan.counter)
    return _Monitor(xr.DataArray(found, dims="energy"), float(np.median(found)))


def _counts(scan: ScanImages) -> xr.DataArray:
    """The counts of the line, corrected by the rates where there are any."""
    if "input_counts" not in scan.sets:
        return scan.lazy("sample")
    arrays = [scan.lazy(name) for name in ("sample", "input_counts", "output_counts")]
    return over_blocks(_by_rates, arrays, [Output("counts", CUBE)])["counts"]


def _dark(scan: ScanImages, frames: ImageStack | None) -> xr.DataArray:
    if frames is None:
        return xr.DataArray(np.zeros(scan.field, np.float32), dims=MAP)
    return mean_image(frames, scan.block[0])


def _scale(scan: ScanImages, usual: float, dark: float) -> float:
    """What makes the larger values of the scan about one."""
    parts = scan.sample.look().parts
    size = float(np.quantile(parts[np.isfinite(parts)], 0.9)) - dark if np.isfinite(parts).any() else 0.0
    return usual / size if size > 0 and usual > 0 else 1.0


def _warn_of_self_absorption() -> None:
    warnings.warn(
        "fluorescence of a thick or concentrated sample is weakened where it absorbs most: white lines are flattened, and "
        "references with sharp white lines come out too low. Nothing corrects it here; set thin: true where the sample is "
        "thin or dilute.",
        XafsflowWarning,
        stacklevel=4,
    )


def _by_rates(counts: Any, incoming: Any, processed: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(processed > 0, incoming.astype(np.float32) / processed, np.float32(np.nan))
    # Where nothing came nothing was lost.
    return np.where(counts == 0, np.float32(0), counts * share)


def _less(values: Any, dark: Any) -> Any:
    return values.astype(np.float32) - dark


def _ratio(
    counts: Any, monitor: Any, dark: Any, missing: tuple[int, ...], **settings: Any
) -> tuple[Any, Any]:
    """`missing` are the axes of the cube that I0 does not have."""
    return fluorescence_over(counts, np.expand_dims(monitor, missing), dark, **settings)
