"""One shift for all: of a field, or of a set of references."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.calibration import offset_fit as fits
from xafsflow.calibration import shift_map as product
from xafsflow.calibration.standard_spectra import SPAN, refuse
from xafsflow.errors import InputError
from xafsflow.findings.calibrate_findings import AlignFindings, OffsetFindings
from xafsflow.step_table import Span, step


@step(makes="calibration", axis="energy")
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


@step(
    makes=("calibration", "findings"),
    needs=["{images}"],
    example={"standard": "Fe"},
    section="energy_calibration",
    axis="energy",
    refuses=refuse,
)
def offset(
    cube: xr.Dataset,
    calibration: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    standard: str | None = None,
    e0: Annotated[float, Field(gt=0)] | None = None,
    images: Literal["foil_mu", "mu"] = "foil_mu",
    span: Span = SPAN,
) -> tuple[xr.Dataset, OffsetFindings]:
    """One shift of the whole field on top of a calibration, against a reference or a tabulated edge; computes.

    A reference is the more exact way: it uses the whole spectrum, and knows the flux of each image from it. The rows are
    read that `calibrate.foil` reads at first.

    Parameters
    ----------
    standard
        Name in the library of what the images show.
    e0
        In place of a standard, the tabulated edge (iron 7112.0 eV, copper 8979 eV): the largest derivative of the
        field's mean spectrum is put there; it is looked for within 12 eV.
    images
        `foil_mu`, or `mu` where the sample is that compound.
    span
        As in `calibrate.foil`.

    Raises
    ------
    InputError
        Both standard and e0, or neither; images of something else; a calibration of another field.
    """
    product.check_fit(calibration, cube)
    if standard is not None and e0 is None:
        shift, error = fits.one_shift(cube, calibration, images, library, [standard], span)
    elif e0 is not None and standard is None:
        shift, error = fits.edge_offset(cube, calibration, images, e0)
    else:
        raise InputError(
            f"standard {standard} and e0 {e0}", "one of them", "give the standard, or the tabulated edge"
        )
    findings = OffsetFindings(offset=shift, error=error, standard=standard, e0=e0)
    return fits.raised(calibration, shift, error, method="offset", standard=standard, e0=e0), findings


@step(makes=("library", "findings"), example={"fixed": "Fe", "moved": "Fe"}, section="energy_calibration")
def align(
    library: xr.Dataset,
    /,
    *,
    fixed: str,
    moved: str,
    others: list[str] = [],  # noqa: B006
) -> tuple[xr.Dataset, AlignFindings]:
    """Align a set of references with another set through a compound that both hold.

    Parameters
    ----------
    fixed
        The compound's spectrum in the set that stays.
    moved
        The same compound in the set whose energies are shifted.
    others
        The other spectra of that set; they are shifted by as much.

    Raises
    ------
    InputError
        No such spectrum, or the two differ by more than their energies.

    Examples
    --------
    >>> import xafsflow as xf
    >>> library = xf.ingest.phantom_references(names=["Fe", "FeO"])
    >>> other = library.assign(energy=library.energy - 0.7).assign_coords(spectrum=["Fe2", "FeO2"])
    >>> both = xr.concat([library, other], "spectrum")
    >>> round(xf.calibrate.align(both, fixed="Fe", moved="Fe2", others=["FeO2"])[1].offset, 3)
    0.7
    """
    return fits.align(library, fixed, moved, others)
