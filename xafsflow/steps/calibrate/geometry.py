"""The shift of every pixel from the geometry of the monochromator."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.calibration import offset_fit as offsets
from xafsflow.calibration import shift_map as product
from xafsflow.calibration.standard_spectra import SPAN
from xafsflow.errors import InputError
from xafsflow.findings.calibrate_findings import DistanceFindings
from xafsflow.kernels.spectra.monochromator import SPACINGS, Layout
from xafsflow.step_table import Span, step

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Crystal = Literal["Si(111)", "Si(220)", "Si(311)", "Si(333)", "Ge(111)"]
Axis = Literal["y", "x"]
EXAMPLE = {"e0": 7112.0, "distance_m": 50.0, "pixel_size_um": 30.0}


@step(makes="calibration", example=EXAMPLE, axis="energy")
def monochromator(
    cube: xr.Dataset,
    /,
    *,
    e0: Positive,
    distance_m: Positive,
    distance_error_m: NotNegative | None = None,
    deflects: Literal["down", "up"] = "down",
    crystal: Crystal = "Si(111)",
    spacing: Positive | None = None,
    gap_mm: NotNegative = 0.0,
    pixel_size_um: Positive | None = None,
    axis: Axis = "y",
    center: float | None = None,
) -> xr.Dataset:
    """The energy shift over the field from the geometry of a double-crystal monochromator.

    The formula is in `xafsflow.kernels.spectra.monochromator`. The nominal energy holds at `center`; `calibrate.offset` adds
    what is missing there.

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

    Raises
    ------
    InputError
        No size of a pixel, or an energy that the crystal does not reflect.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.ingest.phantom(size=(8, 8), energies=20)
    >>> found = xf.calibrate.monochromator(cube, e0=7112.0, distance_m=50.0, pixel_size_um=600.0)
    >>> found.energy_shift.values[[0, 7], 0].round(2)
    array([-1.03,  1.03], dtype=float32)
    """
    layout = _layout(cube, e0, crystal, spacing, gap_mm, pixel_size_um, axis, center)
    shift = layout.field(e0, distance_m if deflects == "down" else -distance_m)
    relative = np.nan if distance_error_m is None else distance_error_m / distance_m
    return product.calibration_of(
        shift,
        np.abs(shift) * relative,
        method="monochromator",
        e0=e0,
        distance_m=distance_m,
        deflects=deflects,
    )


@step(
    makes=("calibration", "findings"),
    needs=["foil_mu"],
    example={"standard": "Fe", **EXAMPLE},
    section="energy_calibration",
    axis="energy",
)
def distance(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str,
    e0: Positive,
    distance_m: Positive,
    crystal: Crystal = "Si(111)",
    spacing: Positive | None = None,
    gap_mm: NotNegative = 0.0,
    pixel_size_um: Positive | None = None,
    axis: Axis = "y",
    center: float | None = None,
    span: Span = SPAN,
) -> tuple[xr.Dataset, DistanceFindings]:
    """As `calibrate.monochromator`, with distance, direction and one offset fitted to a foil scan; computes.

    Parameters
    ----------
    standard, span
        As in `calibrate.foil`.
    distance_m
        Roughly: the fit starts there.
    e0, crystal, spacing, gap_mm, pixel_size_um, axis, center
        As in `calibrate.monochromator`.

    Raises
    ------
    InputError
        No foil, or one of another material.
    ComputationError
        A shift that does not vary along the axis.
    """
    layout = _layout(cube, e0, crystal, spacing, gap_mm, pixel_size_um, axis, center)
    found = offsets.distance_of(cube, library, standard, layout, e0, distance_m, span)
    findings = found.findings()
    calibration = product.calibration_of(
        *found.maps(),
        broadening=found.broadening,
        method="distance",
        standard=standard,
        e0=e0,
        distance_m=findings.distance_m,
        distance_error_m=findings.distance_error_m,
        deflects=findings.deflects,
        offset=findings.offset,
        offset_error=findings.offset_error,
        misfit=findings.misfit,
    )
    return calibration, findings


def _layout(
    cube: xr.Dataset,
    e0: float,
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
    layout = Layout(shape, place, middle, spacing or SPACINGS[crystal], gap_mm, float(pixel))
    if e0 <= layout.least_energy:
        raise InputError(
            f"e0 {e0:g} eV with planes of {layout.spacing:.5f} Angstrom",
            f"above {layout.least_energy:.0f} eV, what they reflect",
            "check e0, crystal and spacing",
        )
    return layout
