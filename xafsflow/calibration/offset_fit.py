"""Shifts of few parameters: one for a whole field, the distance of a source, one for a set of references."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from xafsflow.calibration.field_fit import LIMITS, judge, tiles_of
from xafsflow.calibration.shift_map import broadening_in, calibration_of
from xafsflow.calibration.standard_spectra import FLANKS, MARGIN, Standards, standards
from xafsflow.calibration.tile_shifts import (
    fit_alone,
    fit_tiles,
    rough_fit,
)
from xafsflow.calibration.tile_spectra import Tiles, at_tiles, gather
from xafsflow.errors import ComputationError, InputError, XafsflowWarning
from xafsflow.findings.calibrate_findings import AlignFindings, Broadening, DistanceFindings, EdgeOverField
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra import single_spectrum as standard
from xafsflow.kernels.spectra.energy_shift import move
from xafsflow.kernels.spectra.energy_shift_fit import ShiftFit
from xafsflow.kernels.spectra.monochromator import Layout
from xafsflow.kernels.spectra.shift_model import Spectra
from xafsflow.step_table import Span

# Rounds of a fit in which the distance changes the geometry that it scales.
ROUNDS = 4
# Standard errors by which a change over the field must stand out.
CLEAR = 5.0
# eV, root mean square, by which tiles may differ from a calibration without a warning.
UNEVEN = 0.1
# eV on either side of the edge that two spectra of one compound are compared by.
COMPARED = 60.0
# eV on either side of a tabulated edge within which the measured one is looked for.
EDGE_REACH = 12.0


def one_shift(
    cube: xr.Dataset,
    calibration: xr.Dataset,
    name: str,
    library: xr.Dataset,
    names: Sequence[str] | None,
    span: Span,
) -> tuple[float, float]:
    """The field's mean shift on top of a calibration, and its error, eV; computes."""
    known = standards(library, names)
    tiles = tiles_of(cube, name, known, span, None).tiles
    fit = fit_tiles(tiles, known, float(rough_fit(tiles, known).shift[0]))[1]
    judge(fit, name, known)
    left = fit.shift - at_tiles(calibration.energy_shift.values, tiles)
    share = tiles.count / tiles.count.sum()
    found = float(share @ left)
    _warn_if_uneven(left - found, fit.own_error, name)
    return found, float(np.hypot(np.sqrt(share @ fit.covariance @ share), known.own_error(fit)))


def _warn_if_uneven(left: Doubles, error: Doubles, name: str) -> None:
    """Warn where shifts that should be even over the field are not."""
    scatter = float(np.sqrt(np.mean(left**2)))
    if scatter > UNEVEN and scatter > CLEAR * float(np.median(error)):
        text = f"the shift of {name} differs over the field by {scatter:.2f} eV (root mean square) from the calibration"
        warnings.warn(
            f"{text}: calibrate the field first, or check its geometry", XafsflowWarning, stacklevel=4
        )


def raised(calibration: xr.Dataset, offset: float, error: float, **made_by: object) -> xr.Dataset:
    """A calibration with one shift more for all pixels."""
    both = np.hypot(calibration.energy_shift_error.values, error)
    return calibration_of(
        calibration.energy_shift.values + np.float32(offset),
        both,
        broadening=broadening_in(calibration),
        base=dict(calibration.attrs),
        **made_by,
    )


def edge_offset(cube: xr.Dataset, calibration: xr.Dataset, name: str, e0: float) -> tuple[float, float]:
    """One shift on top of a calibration that puts the largest derivative at `e0`, and its error, eV; computes.

    The error is half of the difference between the even and the odd energies: what limits it is the flux of single
    images, which all tiles share.
    """
    energy = cube.energy.values
    flanks = (e0 + FLANKS[0], e0 + FLANKS[1])
    inside = np.isfinite(energy)
    tiles = gather(cube, name, inside=inside, flanks=flanks, limits=LIMITS[name], tile=None).tiles
    shift = at_tiles(calibration.energy_shift.values, tiles).astype(np.float32)
    moved = move(energy, np.ascontiguousarray(tiles.mu.T[:, None, :], np.float32), shift[None], True)[:, 0]
    whole = np.average(moved, axis=1, weights=tiles.count)
    near = np.flatnonzero(np.isfinite(whole) & (np.abs(energy - e0) <= EDGE_REACH))
    if near.size < 12:
        raise InputError(
            f"{near.size} energies within {EDGE_REACH:g} eV of {e0:g} eV",
            "12 or more",
            "scan the edge more densely, or check e0",
        )
    both = [standard.inflection(energy[near[part::2]], whole[near[part::2]]) for part in (0, 1)]
    return e0 - standard.inflection(energy[near], whole[near]), abs(both[0] - both[1]) / 2


@dataclass(frozen=True, eq=False)
class Distance:
    """A source's distance and one offset, fitted to a field; a negative distance for the other direction."""

    layout: Layout
    e0: float
    distance_m: float
    error_m: float
    fit: ShiftFit
    misfit: float
    broadening: Broadening
    systematic: float
    after: EdgeOverField

    def maps(self) -> tuple[Doubles, Doubles]:
        """`energy_shift` and `energy_shift_error`, `(y, x)`, eV."""
        geometry = self.layout.field(self.e0, self.distance_m)
        (v00, v01), (_, v11) = self.fit.covariance
        # The fit ends with a factor of 1 on the geometry.
        variance = v00 + 2 * geometry * v01 + geometry**2 * v11 + self.systematic**2
        return self.fit.parameters[0] + geometry, np.sqrt(np.maximum(0, variance))

    def findings(self) -> DistanceFindings:
        """What was found."""
        return DistanceFindings(
            distance_m=abs(self.distance_m),
            distance_error_m=self.error_m,
            deflects="down" if self.distance_m > 0 else "up",
            offset=float(self.fit.parameters[0]),
            offset_error=float(np.hypot(np.sqrt(self.fit.covariance[0, 0]), self.systematic)),
            misfit=self.misfit,
            broadening=self.broadening,
            after=self.after,
        )


def distance_of(
    cube: xr.Dataset, library: xr.Dataset, name: str, layout: Layout, e0: float, start: float, span: Span
) -> Distance:
    """The distance at which the geometry explains the cube's foil; computes."""
    known = standards(library, [name])
    tiles = tiles_of(cube, "foil_mu", known, span, None).tiles
    found = fit_distance(tiles, known, layout, e0, start)
    judge(found.fit, "foil_mu", known)
    return found


def fit_distance(tiles: Tiles, known: Standards, layout: Layout, e0: float, start: float) -> Distance:
    """The distance at which the geometry explains the shifts of the tiles.

    Raises
    ------
    ComputationError
        The shift does not vary enough along the axis.
    """
    start_shift = float(rough_fit(tiles, known).shift[0])
    whole, free = fit_tiles(tiles, known, start_shift)
    place, size = (tiles.v, tiles.u)[layout.axis], layout.shape[layout.axis]
    pixels = (place + 1) * size / 2 - 0.5
    distance, offset = start, start_shift
    for _ in range(ROUNDS):
        columns = np.stack([np.ones(len(pixels)), layout.shift(pixels, e0, distance)], axis=1)
        fit = fit_alone(whole, columns, np.array([offset, 1.0]))
        offset, factor = fit.parameters
        sigma, reach = float(np.sqrt(fit.covariance[1, 1])), float(np.ptp(columns[:, 1]))
        if not abs(factor) > CLEAR * sigma:
            raise ComputationError(
                f"a shift of {reach * factor:.3f} eV along the axis, known to {reach * sigma:.3f} eV",
                "one that changes clearly over the field",
                "give the distance (calibrate.monochromator), or check axis",
            )
        distance /= factor
    error = abs(distance) * sigma / abs(factor)
    left = free.shift - fit.shift
    _warn_if_uneven(left, free.own_error, "the foil")
    after = tiles.edge_over_field(-left, free.own_error)
    return Distance(
        layout,
        e0,
        float(distance),
        float(error),
        fit,
        known.misfit(free),
        known.broadening(fit, fit.blur_error),
        known.own_error(fit),
        after,
    )


def align(
    library: xr.Dataset, fixed: str, moved: str, others: Sequence[str]
) -> tuple[xr.Dataset, AlignFindings]:
    """The library with the energies of one spectrum, and of others with it, raised to match another of its compound.

    Raises
    ------
    InputError
        The two differ in more than that, or there is no such name.
    """
    known, other = standards(library, [fixed]), standards(library, [moved, *others])
    row = [str(name) for name in library.spectrum.values].index(moved)
    energy, mu = library.energy.values[row], library.mu.values[row]
    apart = other.edges[0] - known.edges[0]
    near = np.isfinite(energy) & np.isfinite(mu) & (np.abs(energy - other.edges[0]) <= COMPARED)
    near &= (energy - apart >= known.low + MARGIN) & (energy - apart <= known.high - MARGIN)
    if near.sum() < 20:
        found = f"{near.sum()} energies that {fixed} and {moved} share around the edge"
        raise InputError(found, "20 or more", "choose spectra with an edge region")
    whole = Spectra(energy[near], mu[near][None], np.ones((1, int(near.sum()))), known.curves)
    fit = fit_alone(whole, np.ones((1, 1)), np.array([-apart]))
    misfit = known.misfit(fit)
    judge(fit, moved, known)
    shift, error = float(fit.shift[0]), float(np.sqrt(fit.covariance[0, 0]))
    inside = library.spectrum.isin([moved, *others]).astype(float)
    findings = AlignFindings(offset=shift, error=error, misfit=misfit, moved=(moved, *others))
    return library.assign(energy=library.energy + shift * inside), findings
