"""The energy of every pixel: measured, computed, or kept from another scan; and every spectrum moved to common energies.

`energy_shift` is a pixel's true energy minus the nominal one. A calibration holds it for a field and serves every
scan that was taken with the same camera region, binning and alignment.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks import Output, over_blocks
from xafsflow.contract import Span, step
from xafsflow.errors import InputError
from xafsflow.kernels import shift as kernels
from xafsflow.kernels import surface
from xafsflow.kernels.monochromator import SPACINGS, Layout
from xafsflow.learn import calibration as product
from xafsflow.learn import measured, offsets
from xafsflow.learn.shifts import SPAN
from xafsflow.names import CUBE, Flag

Findings = dict[str, Any]
Positive = Annotated[float, Field(gt=0)]
Tile = Annotated[int, Field(ge=2)] | None
Order = Annotated[int, Field(ge=0, le=surface.LARGEST_ORDER)] | None
Images = Literal["foil_mu", "mu"]
Crystal = Literal["Si(111)", "Si(220)", "Si(311)", "Si(333)", "Ge(111)"]


@step(makes=("calibration", "findings"), needs=["foil_mu"], example={"standard": "Fe"})
def foil(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str,
    span: Span = SPAN,
    tile: Tile = None,
    order: Order = None,
) -> tuple[xr.Dataset, Findings]:
    """The energy shift over the field from a scan of a homogeneous foil; computes.

    The mean absorbance of every tile is fitted to the standard with its own shift, scale, slope and background. The flux
    of each image against its flat field is fitted along with it: it moves all tiles together. A surface through the
    shifts, its order by cross-validation, and the tiles once more with all shifts on that surface give the calibration.
    `energy_shift_error` holds noise, flux, the standard's own noise, and what it may do between its points.

    Parameters
    ----------
    standard
        Name of the foil's spectrum in the library; its energies are taken for true.
    span
        Energies to fit, eV relative to the standard's edge.
    tile
        Pixels along a tile; None: a twelfth of the longer side.
    order
        Of the surface, 0 to 4; None: by cross-validation.

    Raises
    ------
    InputError
        Too few energies, no foil, or one of another material.
    """
    field = measured.measure(cube, "foil_mu", library, [standard], span, tile, order)
    return measured.from_field(field, "foil"), measured.told(field)


@step(makes=("calibration", "findings"), needs=["mu"])
def sample(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    references: list[str] | None = None,
    span: Span = SPAN,
    tile: Tile = None,
    order: Order = None,
    worst: Positive = 0.1,
) -> tuple[xr.Dataset, Findings]:
    """The energy shift over the field from the sample's own spectra, where there is no foil; computes.

    As `calibrate.foil`, with the amounts of all references in each tile free. The answer leans on the references: that
    they are all there is, and that their energies agree with each other; an error of theirs becomes one of the shift.

    Parameters
    ----------
    references
        Names in the library that make up the sample; None: all.
    span, tile, order
        As in `calibrate.foil`.
    worst
        The largest `energy_shift_error`, eV, at which composition and shift count as told apart.

    Raises
    ------
    InputError
        The references do not explain the sample.
    ComputationError
        Composition and shift cannot be told apart.
    """
    field = measured.measure(cube, "mu", library, references, span, tile, order)
    measured.check_certain(field, worst)
    return measured.from_field(field, "sample"), measured.told(field)


@step(makes=("calibration", "findings"), example={"e0": 7112.0, "distance_m": 50.0, "pixel_size_um": 30.0})
def monochromator(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    e0: Positive,
    distance_m: Positive,
    distance_error_m: Annotated[float, Field(ge=0)] | None = None,
    deflects: Literal["down", "up"] = "down",
    crystal: Crystal = "Si(111)",
    spacing: Positive | None = None,
    gap_mm: Annotated[float, Field(ge=0)] = 0.0,
    pixel_size_um: Positive | None = None,
    axis: Literal["y", "x"] = "y",
    center: float | None = None,
    standard: str | None = None,
) -> tuple[xr.Dataset, Findings]:
    """The energy shift over the field from the geometry of a double-crystal monochromator.

    Parameters
    ----------
    e0
        The edge, eV, where the shift holds; at the iron K edge it grows by 1 % in 34 eV.
    distance_m, distance_error_m
        From the source to the detector, and its standard error; without it `energy_shift_error` is NaN.
    deflects
        How the first crystal sends the beam; it sets the sign.
    crystal, spacing
        The crystal's reflection, or the spacing of its planes in Angstrom.
    gap_mm
        Between the two crystals.
    pixel_size_um
        Of the detector, in the beam, micrometers; None: the cube's.
    axis
        Along which the energy changes.
    center
        Row or column of the nominal energy; None: the middle of the field.
    standard
        Fits distance, direction and one offset to the cube's foil, this spectrum of the library; `distance_m` is where
        the fit starts. None: geometry alone, nothing is computed.

    Raises
    ------
    InputError
        No foil, or no size of a pixel.
    ComputationError
        A shift that does not vary along the axis.
    """
    layout = _layout(cube, crystal, spacing, gap_mm, pixel_size_um, axis, center)
    if standard is not None:
        found = offsets.distance_of(cube, library, standard, layout, e0, distance_m)
        return product.calibration_of(
            *found.maps(), method="monochromator", e0=e0, **found.told()
        ), found.told()
    shift = layout.field(e0, distance_m if deflects == "down" else -distance_m)
    relative = np.nan if distance_error_m is None else distance_error_m / distance_m
    told = {"distance_m": distance_m, "deflects": deflects}
    return product.calibration_of(
        shift, np.abs(shift) * relative, method="monochromator", e0=e0, **told
    ), told


def _layout(
    cube: xr.Dataset,
    crystal: str,
    spacing: float | None,
    gap_mm: float,
    pixel_size_um: float | None,
    axis: str,
    center: float | None,
) -> Layout:
    pixel = pixel_size_um or cube.attrs.get("pixel_size_um")
    if pixel is None:
        raise InputError(
            "a cube without the size of a pixel", "pixel_size_um", "give it here or to ingest.tiff_stack"
        )
    shape = (cube.sizes["y"], cube.sizes["x"])
    place = 0 if axis == "y" else 1
    middle = (shape[place] - 1) / 2 if center is None else center
    return Layout(shape, place, middle, spacing or SPACINGS[crystal], gap_mm, float(pixel))


@step(makes="calibration")
def constant(
    cube: xr.Dataset, /, *, shift: float = 0.0, error: Annotated[float, Field(ge=0)] = 0.0
) -> xr.Dataset:
    """The same energy shift for all pixels: where the field has one energy, or to start `calibrate.offset` from.

    Parameters
    ----------
    shift, error
        True minus nominal energy and its standard error, eV.
    """
    maps = [np.full((cube.sizes["y"], cube.sizes["x"]), value, np.float32) for value in (shift, error)]
    return product.calibration_of(*maps, method="constant")


@step(makes=("calibration", "findings"), needs=["{images}"], example={"standard": "Fe"})
def offset(
    cube: xr.Dataset,
    calibration: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str | None = None,
    e0: Positive | None = None,
    images: Images = "foil_mu",
    span: Span = SPAN,
) -> tuple[xr.Dataset, Findings]:
    """One shift of the whole field on top of a calibration, against a reference or a tabulated edge; computes.

    A reference is the more exact way: it uses the whole spectrum, and knows the flux of each image from it.

    Parameters
    ----------
    standard
        Name in the library of what the images show.
    e0
        In place of a standard, the tabulated edge (iron 7112.0 eV, copper 8979 eV): there the largest derivative of the
        field's mean spectrum is put, which is looked for within 12 eV.
    images
        `foil_mu`, or `mu` where the sample is that compound.
    span
        As in `calibrate.foil`.

    Raises
    ------
    InputError
        Both standard and e0, or neither; images of something else.
    """
    product.check_fit(calibration, cube)
    if (standard is None) == (e0 is None):
        raise InputError(
            f"standard {standard} and e0 {e0}", "one of them", "give the standard, or the tabulated edge"
        )
    if e0 is not None:
        found = offsets.edge_offset(cube, calibration, images, e0)
    else:
        found = offsets.one_shift(cube, calibration, images, library, [str(standard)], span)
    told = {"offset": found[0], "error": found[1], "standard": standard, "e0": e0}
    return offsets.raised(calibration, *found, method="offset", standard=standard, e0=e0), told


@step(makes=("library", "findings"), example={"fixed": "Fe", "moved": "Fe"})
def align(
    library: xr.Dataset,
    /,
    *,
    fixed: str,
    moved: str,
    others: list[str] = [],  # noqa: B006
) -> tuple[xr.Dataset, Findings]:
    """Align a set of references with another through a compound that both hold.

    Parameters
    ----------
    fixed
        The compound's spectrum in the set that stays.
    moved
        The same compound in the set that was measured on other energies.
    others
        The other spectra of that set; they are shifted as `moved` is.

    Raises
    ------
    InputError
        No such spectrum, or the two differ by more than their energies.
    """
    return offsets.align(library, fixed, moved, others)


@step(makes="calibration")
def save(calibration: xr.Dataset, run: Path, /, *, file: str = "calibration.npz") -> xr.Dataset:
    """Keep a calibration in one file of the run folder, for `calibrate.load`.

    Parameters
    ----------
    file
        Its name.
    """
    product.save_calibration(calibration, Path(run) / file)
    return calibration


@step(makes="calibration", example={"file": "calibration.npz"})
def load(data: Any, /, *, file: str) -> xr.Dataset:
    """A calibration that `calibrate.save` kept, of this or an earlier scan.

    Parameters
    ----------
    file
        Relative to the data folder, or to the references folder with the prefix `references:`.
    """
    from xafsflow.readers.folders import Folders

    return product.read_calibration(Folders.of(data).resolve(file))


@step(
    makes="cube",
    needs=["mu", "flags"],
    gives=["mu", "flags", "energy_shift", "energy_shift_error"],
    replayed=True,
)
def apply(
    cube: xr.Dataset,
    calibration: xr.Dataset,
    /,
    *,
    method: Literal["cubic", "linear"] = "cubic",
    trim: bool = False,
) -> xr.Dataset:
    """Move every pixel's spectrum to the common energies, `mu` and with it `mu_noise` and `foil_mu`.

    What stood at the nominal energy E - energy_shift is what the pixel absorbs at E. Energies that a pixel does not
    cover are NaN there, with the flag `energy_range`. `mu_noise` becomes sqrt(sum w^2 sigma^2) with the weights w of the
    interpolation: between two points a line leaves 0.71 of the noise, a cubic 0.80.

    Parameters
    ----------
    method
        `cubic` through four energies (Lagrange); `linear` where noise is all that matters.
    trim
        Leave out the energies that some pixel does not cover; no pixel is flagged then.

    Raises
    ------
    InputError
        A calibration of another field, or a cube that has been moved already.
    """
    if "energy_shift" in cube:
        raise InputError(
            "a cube whose energies have been moved", "one calibrate.apply", "take the other one out"
        )
    product.check_fit(calibration, cube)
    shift, energy = calibration.energy_shift, cube.energy.values
    found: dict[str, Any] = {name: calibration[name] for name in product.VARIABLES}
    for name, kernel in (("mu", kernels.move), ("foil_mu", kernels.move), ("mu_noise", kernels.moved_noise)):
        if name in cube:
            output = Output(name, CUBE)
            settings = {"energy": energy, "cubic": method == "cubic", "how": kernel}
            found |= over_blocks(_moved, [cube[name], shift], [output], **settings)
    if trim:
        return cube.assign(found).isel(energy=np.flatnonzero(kernels.covered(energy, shift.values)))
    bit = xr.where(shift == 0, np.uint8(0), np.uint8(int(Flag.ENERGY_RANGE)))
    return cube.assign(found, flags=cube.flags | bit)


def _moved(values: Any, shift: Any, energy: Any, cubic: bool, how: Callable[..., Any]) -> Any:
    return how(
        energy, np.ascontiguousarray(values, np.float32), np.ascontiguousarray(shift, np.float32), cubic
    )


@step(makes="findings", needs=["{images}"], example={"standard": "Fe"})
def check(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str | None = None,
    images: Images = "foil_mu",
    span: Span = SPAN,
    tile: Tile = None,
) -> Findings:
    """What is left of the energy's change over the field after `calibrate.apply`, measured anew; computes.

    Tells for the corrected images, and for what they were before: mean, slope along y and x from border to border with
    errors, root mean square, and the map of the tiles, all in eV of E0 (`after`, `before`).

    Parameters
    ----------
    standard
        Name in the library of what the images show; None: all references, in any mixture.
    images, span, tile
        As in `calibrate.offset` and `calibrate.foil`.
    """
    names = None if standard is None else [standard]
    return measured.remaining(cube, images, library, names, span, tile)
