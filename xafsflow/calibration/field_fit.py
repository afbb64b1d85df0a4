"""Measured shifts: judged, as findings, and as a calibration."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import xarray as xr

from xafsflow.calibration.shift_map import calibration_of
from xafsflow.calibration.standard_spectra import FLANKS, Standards, standards
from xafsflow.calibration.tile_shifts import (
    Field,
    fit_alone,
    fit_field,
    rough_fit,
)
from xafsflow.calibration.tile_spectra import Gathered, at_tiles, gather
from xafsflow.errors import ComputationError, InputError, XafsflowWarning
from xafsflow.findings.calibrate_findings import CheckFindings, ShiftFieldFindings
from xafsflow.kernels.spectra import energy_shift as kernels
from xafsflow.kernels.spectra.broadening import broadening_of, variance_of
from xafsflow.kernels.spectra.energy_shift_fit import ShiftFit
from xafsflow.kernels.spectra.shift_model import Spectra
from xafsflow.step_table import Span

# The least and largest step of a good pixel as shares of the median: a foil is even, a sample is not.
LIMITS = {"foil_mu": (0.5, 1.5), "mu": (0.3, 3.0)}
# Share of the edge step that a model leaves unexplained: from here on a warning, an error.
POOR, WRONG = 0.02, 0.05
# Share of the edge step by which a mean over the field may differ because its energies do.
BLUR = 0.03
# eV: an error by noise for which more rows are read if they bring it near, and one for which they are in any case.
AIM, WORST = 0.0003, 0.005
# eV: a shift and an error beyond these give a warning.
LARGE_SHIFT, LARGE_ERROR = 10.0, 0.1


def tiles_of(cube: xr.Dataset, name: str, known: Standards, span: Span, tile: int | None) -> Gathered:
    """What was read of the tiles' spectra, where the standards are known and every pixel is covered."""
    energy = cube.energy.values
    inside = known.inside(energy, span)
    if "energy_shift" in cube:
        inside &= kernels.covered(energy, cube.energy_shift.values)
    flanks = (known.e0 + FLANKS[0], known.e0 + FLANKS[1])
    return gather(cube, name, inside=inside, flanks=flanks, limits=LIMITS[name], tile=tile)


def measure(
    cube: xr.Dataset,
    name: str,
    library: xr.Dataset,
    names: Sequence[str] | None,
    span: Span,
    tile: int | None,
    order: int | None,
) -> Field:
    """The shift over the field from the images `name`, judged by how well the standards explain them; computes.

    Raises
    ------
    InputError
        The images hold something else, or too little.
    ComputationError
        Shift and composition cannot be distinguished.
    """
    known = standards(library, names)
    gathered = tiles_of(cube, name, known, span, tile)
    tiles = gathered.tiles
    try:
        rough = rough_fit(tiles, known)
        judge_misfit(known.misfit(rough) - BLUR, name, known, warn=False)
        field = fit_field(tiles, known, float(rough.shift[0]), order)
        more = _more(gathered, field.noise)
        if more is not None:
            field = fit_field(more.tiles, known, float(rough.shift[0]), order)
    except ComputationError as unsettled:
        raise _refusal(name, known) from unsettled
    judge(field.fit, name, known)
    shift, error = field.maps
    if abs(float(shift.mean())) > LARGE_SHIFT:
        _warn(f"{name} is {float(shift.mean()):.1f} eV from the standard: check the energies of both")
    if float(error.max()) > LARGE_ERROR:
        _warn(f"the energy shift from {name} is known to {float(error.max()):.2f} eV only at the worst place")
    return field


def _more(gathered: Gathered, noise: float) -> Gathered | None:
    """With more rows, where the error demands them and they help: it falls with the root of their number."""
    times, left = (noise / AIM) ** 2, gathered.edges[0][-1] / len(gathered.rows)
    return gathered.more(times) if 1 < times <= 2 * left or noise > WORST else None


def _refusal(name: str, known: Standards) -> ComputationError | InputError:
    listed = ", ".join(known.names)
    if len(known.names) == 1:
        return InputError(
            f"{name} whose edge does not settle on that of {listed}",
            "images of the standard's material",
            "check which images are given, and the standard",
        )
    return ComputationError(
        f"{name} in which shift and amounts of {listed} cannot be distinguished",
        "references that differ from each other by more than a shift, and explain the sample",
        "measure a foil, leave out references that look alike, or add those that are missing",
    )


def judge(fit: ShiftFit, name: str, known: Standards) -> None:
    """Refuse a fit that explains the images badly, or one that ended at a limit; warn of a doubtful one.

    Raises
    ------
    InputError
        The images show something else.
    ComputationError
        The flux, or the resolution, has taken up what the standard does not explain.
    """
    judge_misfit(known.misfit(fit), name, known)
    listed = ", ".join(known.names)
    if fit.flux_at_limit:
        raise ComputationError(
            f"{name} that agrees with {listed} only where the flux changes by {fit.jitter:.0%} or more from image to image",
            "a flux that is steady to less than that; else it takes up what the standard does not explain, and the shift",
            "check that the standard is what the images show, the flat field, and that nothing is saturated",
        )
    if fit.resolution_at_limit:
        raise ComputationError(
            f"{name} whose edge is {'blunter' if fit.blur > 0 else 'sharper'} than that of {listed} by "
            f"{abs(broadening_of(fit.blur, 0.0)[0]):.1f} eV or more",
            "a standard of about the same resolution",
            "check the standard, or take one that was measured at the same instrument",
        )


def judge_misfit(misfit: float, name: str, known: Standards, *, warn: bool = True) -> None:
    """Refuse a fit that leaves more than 5 % of the edge step unexplained, and warn of one that leaves 2 %.

    Raises
    ------
    InputError
        The images show something else.
    """
    listed = ", ".join(known.names)
    if misfit > WRONG:
        raise InputError(
            f"{name} that differs from {listed} by {misfit:.1%} of the edge step",
            f"less than {WRONG:.0%}",
            "check that the standard is what the images show, and that nothing is saturated",
        )
    if warn and misfit > POOR:
        _warn(f"{name} differs from {listed} by {misfit:.1%} of the edge step; the energy shift may be off")


def check_certain(field: Field, worst: float) -> None:
    """Refuse a shift that composition could pass for.

    Raises
    ------
    ComputationError
        The largest error is above `worst`, eV.
    """
    error = float(field.maps[1].max())
    if error > worst:
        raise ComputationError(
            f"an energy shift known to {error:.2g} eV only; its correlation with composition is "
            f"{float(np.median(field.fit.correlation)):.4f}",
            f"{worst:g} eV or less",
            "measure a foil, leave out references that look alike, scan more energies, or raise worst",
        )


def _warn(text: str) -> None:
    warnings.warn(text, XafsflowWarning, stacklevel=4)


def findings_of(field: Field) -> ShiftFieldFindings:
    """The surface, its errors, E0 over the field before and after, and the pixels."""
    shift, error = field.maps
    tiles, free, fit = field.tiles, field.free, field.fit
    return ShiftFieldFindings(
        standard=tuple(field.known.names),
        order=field.order,
        cross_validation=np.array(field.scores),
        coefficients=fit.parameters,
        shift_range=(float(shift.min()), float(shift.max())),
        error_range=(float(error.min()), float(error.max())),
        systematic_error=field.systematic,
        misfit=field.misfit,
        broadening=field.broadening,
        flux_jitter=fit.jitter,
        correlation=float(np.median(fit.correlation)),
        pixels=tiles.pixels,
        before=tiles.edge_over_field(-free.shift, free.own_error, free.covariance),
        after=tiles.edge_over_field(fit.shift - free.shift, free.own_error),
    )


def from_field(field: Field, method: str) -> xr.Dataset:
    """The calibration."""
    return calibration_of(
        *field.maps,
        broadening=field.broadening,
        method=method,
        standard=", ".join(field.known.names),
        order=field.order,
        coefficients=field.fit.parameters.tolist(),
        covariance=field.covariance.tolist(),
        cross_validation=list(field.scores),
        systematic=field.systematic,
    )


def remaining(
    cube: xr.Dataset,
    name: str,
    library: xr.Dataset,
    names: Sequence[str] | None,
    span: Span,
    tile: int | None,
) -> CheckFindings:
    """E0 of the tiles against the standard's as the cube is now, and as it was before its energies were moved."""
    known = standards(library, names)
    tiles = tiles_of(cube, name, known, span, tile).tiles
    try:
        start, count = float(rough_fit(tiles, known).shift[0]), len(tiles.mu)
        # In an even field a resolution can hardly be told from the flux: it is the one that the calibration found.
        curves = known.seen(variance_of(float(cube.broadening) if "broadening" in cube else 0.0))
        spectra = Spectra(tiles.energy, tiles.mu, tiles.variance, curves)
        free = fit_alone(spectra, np.eye(count), np.full(count, start))
    except ComputationError as unsettled:
        raise _refusal(name, known) from unsettled
    judge(free, name, known)
    after = -free.shift
    before = after - (at_tiles(cube.energy_shift.values, tiles) if "energy_shift" in cube else 0.0)
    return CheckFindings(
        standard=tuple(known.names),
        misfit=known.misfit(free),
        pixels=tiles.pixels,
        before=tiles.edge_over_field(before, free.own_error, free.covariance),
        after=tiles.edge_over_field(after, free.own_error, free.covariance),
    )
