"""The shift of every pixel from measured spectra: a foil's, or the sample's own."""

from __future__ import annotations

from typing import Annotated, Literal

import xarray as xr
from pydantic import Field

from xafsflow.calibration import field_fit as fits
from xafsflow.calibration.standard_spectra import SPAN, refuse
from xafsflow.findings.calibrate_findings import CheckFindings, ShiftFieldFindings
from xafsflow.kernels.images.field_surface import LARGEST_ORDER
from xafsflow.step_table import Span, step

Tile = Annotated[int, Field(ge=2)] | None
Order = Annotated[int, Field(ge=0, le=LARGEST_ORDER)] | None
Images = Literal["foil_mu", "mu"]


@step(
    makes=("calibration", "findings"),
    needs=["foil_mu"],
    example={"standard": "Fe"},
    section="energy_calibration",
    axis="energy",
    refuses=refuse,
)
def foil(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str,
    span: Span = SPAN,
    tile: Tile = None,
    order: Order = None,
) -> tuple[xr.Dataset, ShiftFieldFindings]:
    """The energy shift over the field from a scan of a homogeneous foil; computes.

    The mean absorbance of every tile is fitted to the standard with its own shift, scale, slope and background, and with
    the flux of each image against its flat field, which moves all tiles alike. A surface goes through the shifts, its
    order chosen by cross-validation; then all tiles are fitted once more, with their shifts on that surface.
    `energy_shift_error` holds noise, flux, the standard's own noise, and what the standard may do between its points.

    How much blunter or sharper the foil's edge is than the standard's (`broadening`, a Gaussian) is fitted, too; where that
    is clear, the calibration holds it, and after `calibrate.apply` references that are fitted or trained get it.

    Foil, flat field and dark are read, the sample is not: of a small field all rows, of a large one pairs of rows, every
    fourth or fewer, evenly over each tile. More are read where noise leaves more than 0.3 meV and they bring it near, or
    where it leaves more than 5 meV. Pixels are left out that are saturated, that differ from their neighbors in flat field
    or dark, or whose step is not the foil's.

    Parameters
    ----------
    standard
        Name of the foil's spectrum in the library; its energies are taken for true.
    span
        Energies to fit, eV relative to the standard's edge.
    tile
        Pixels along a tile; None: a twelfth of the longer side, 4 at least.
    order
        Of the surface, 0 to 4; None: by cross-validation.

    Returns
    -------
    calibration, findings
        `energy_shift` and `energy_shift_error` (y, x); the surface, the fit, the pixels used, and E0 of the tiles `before`
        and `after` with slopes over the field.

    Raises
    ------
    InputError
        Too few energies, no foil, or one of another material.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(32, 32), energies=100, tilt=1.0))
    >>> calibration, findings = xf.calibrate.foil(cube, xf.ingest.phantom_references(), standard="Fe")
    >>> findings.order, round(findings.before.slope_y, 1)
    (2, -1.0)
    """
    field = fits.measure(cube, "foil_mu", library, [standard], span, tile, order)
    return fits.from_field(field, "foil"), fits.findings_of(field)


@step(
    makes=("calibration", "findings"),
    needs=["mu"],
    section="energy_calibration",
    axis="energy",
    refuses=refuse,
)
def sample(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    references: list[str] | None = None,
    span: Span = SPAN,
    tile: Tile = None,
    order: Order = None,
    worst: Annotated[float, Field(gt=0)] = 0.1,
) -> tuple[xr.Dataset, ShiftFieldFindings]:
    """The energy shift over the field from the sample's own spectra, where there is no foil; computes.

    As `calibrate.foil` and from the same rows, of sample and flat field, with the amounts of all references in each tile
    free. The answer leans on the references: that they are all there is, and that their energies agree with each other.
    An error of theirs becomes one of the shift and is not part of `energy_shift_error`.

    Parameters
    ----------
    references
        Names in the library that make up the sample; None: all.
    span, tile, order
        As in `calibrate.foil`.
    worst
        The largest `energy_shift_error`, eV, at which composition and shift still count as distinguishable.

    Raises
    ------
    InputError
        The references do not explain the sample.
    ComputationError
        Composition and shift cannot be distinguished.
    """
    field = fits.measure(cube, "mu", library, references, span, tile, order)
    fits.check_certain(field, worst)
    return fits.from_field(field, "sample"), fits.findings_of(field)


@step(
    makes="findings",
    needs=["{images}"],
    example={"standard": "Fe"},
    section="energy_calibration",
    axis="energy",
    refuses=refuse,
)
def check(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str | None = None,
    images: Images = "foil_mu",
    span: Span = SPAN,
    tile: Tile = None,
) -> CheckFindings:
    """What is left of the energy's change over the field after `calibrate.apply`, measured anew; computes.

    E0 of each tile minus that of the standard, as the cube is now (`after`) and as it was (`before`): mean, slopes along
    y and x from border to border with errors, root mean square, and the map of the tiles, eV. It reads the rows that
    `calibrate.foil` reads at first, and fits every tile once.

    Parameters
    ----------
    standard
        Name in the library of what the images show; None: all references, in any mixture.
    images
        `foil_mu`, or `mu` for the sample.
    span, tile
        As in `calibrate.foil`.
    """
    return fits.remaining(cube, images, library, None if standard is None else [standard], span, tile)
