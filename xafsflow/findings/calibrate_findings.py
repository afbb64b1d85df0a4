"""What the steps of `calibrate` find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xafsflow.findings.record import Doubles, Finding


@dataclass(frozen=True, eq=False)
class EdgeOverField(Finding):
    """E0 of the tiles of a field minus E0 of the standard, eV.

    Parameters
    ----------
    map
        Of each tile, `(tile row, tile column)`, rounded to 1e-5 eV; NaN where a tile was left out.
    mean, mean_error
        Of the plane through the tiles, at the middle of the field, and its standard error.
    rms
        Root mean square over the tiles.
    slope_x, slope_x_error, slope_y, slope_y_error
        Slope of the plane from border to border along x and y, and its standard error; NaN with fewer than four tiles.
        Standard errors are scaled up where the tiles scatter about the plane by more than their own errors.
    """

    map: Doubles
    mean: float
    mean_error: float
    rms: float
    slope_x: float
    slope_x_error: float
    slope_y: float
    slope_y_error: float


@dataclass(frozen=True, eq=False)
class PixelCounts(Finding):
    """How many of the pixels that were read went into the tiles, and why the others did not.

    Parameters
    ----------
    used
        Pixels in the tiles.
    dead_or_saturated
        Flagged, unlike their neighbors in flat field or dark, or with counts at the detector's limit.
    not_finite
        Without a value at some energy.
    other_step
        With an edge step that is far from the field's median: no foil, or no sample.
    """

    used: int
    dead_or_saturated: int
    not_finite: int
    other_step: int


@dataclass(frozen=True, eq=False)
class Broadening(Finding):
    """How the resolution of images differs from that of the standard.

    Parameters
    ----------
    sigma
        Standard deviation of the Gaussian by which the images are blunter than the standard, eV; negative where they are
        sharper. NaN where it was not fitted, as in a mixture.
    error
        Its standard error, eV.
    clear
        Whether it stands out from none, by more than noise and the gaps between a standard's points explain. Only then the
        calibration holds it, and references that are fitted or trained get it.
    """

    sigma: float
    error: float
    clear: bool

    @property
    def used(self) -> float:
        """What references get, eV: 0 where it is not clear."""
        return self.sigma if self.clear else 0.0


@dataclass(frozen=True, eq=False)
class ShiftFieldFindings(Finding):
    """What `calibrate.foil` and `calibrate.sample` find: the energy shift over the field, and how well it is known.

    Parameters
    ----------
    standard
        Names of the spectra of known energy.
    order
        Of the polynomial surface through the shifts.
    cross_validation
        Score of each order from 0 on: weighted squares of the shifts predicted for tiles left out; the smaller the better.
    coefficients
        Of the surface, eV, for the terms of `kernels.images.field_surface.terms`.
    shift_range
        Least and largest energy shift over the field, eV.
    error_range
        Least and largest standard error of the shift, eV.
    systematic_error
        Part of that error which moves all pixels together: the noise of the standards themselves, eV.
    misfit
        What the model leaves unexplained in the typical tile, as a share of the edge step.
    broadening
        How blunt or sharp the images are against the standard.
    flux_jitter
        Standard deviation of the flux of single images against their flat field, relative.
    correlation
        Median over the tiles of the correlation between shift and composition, 0 to 1; near 1 they cannot be separated.
    pixels
        Used and left out.
    before, after
        E0 over the field as measured, and after the surface is taken off.
    """

    standard: tuple[str, ...]
    order: int
    cross_validation: Doubles
    coefficients: Doubles
    shift_range: tuple[float, float]
    error_range: tuple[float, float]
    systematic_error: float
    misfit: float
    broadening: Broadening
    flux_jitter: float
    correlation: float
    pixels: PixelCounts
    before: EdgeOverField
    after: EdgeOverField


@dataclass(frozen=True, eq=False)
class CheckFindings(Finding):
    """What `calibrate.check` finds: the change of E0 over the field that is left, measured anew.

    Parameters
    ----------
    standard
        Names of the spectra of known energy.
    misfit
        What the model leaves unexplained in the typical tile, as a share of the edge step.
    pixels
        Used and left out.
    before, after
        E0 over the field before `calibrate.apply`, and as the cube is now.
    """

    standard: tuple[str, ...]
    misfit: float
    pixels: PixelCounts
    before: EdgeOverField
    after: EdgeOverField


@dataclass(frozen=True, eq=False)
class DistanceFindings(Finding):
    """What `calibrate.distance` finds.

    Parameters
    ----------
    distance_m, distance_error_m
        From the source to the detector and its standard error, m.
    deflects
        How the first crystal sends the beam.
    offset, offset_error
        True minus nominal energy at the center, and its standard error, eV.
    misfit
        What the model leaves unexplained in the typical tile, as a share of the edge step.
    broadening
        How blunt or sharp the images are against the standard.
    after
        E0 over the field after the geometry's shift is taken off.
    """

    distance_m: float
    distance_error_m: float
    deflects: Literal["down", "up"]
    offset: float
    offset_error: float
    misfit: float
    broadening: Broadening
    after: EdgeOverField


@dataclass(frozen=True, eq=False)
class OffsetFindings(Finding):
    """What `calibrate.offset` finds: one shift of the whole field on top of a calibration.

    Parameters
    ----------
    offset, error
        True minus nominal energy and its standard error, eV.
    standard
        Name of the spectrum that it was measured against; None where that is `e0`.
    e0
        The tabulated edge that it was measured against, eV; None where that is a spectrum.
    """

    offset: float
    error: float
    standard: str | None
    e0: float | None


@dataclass(frozen=True, eq=False)
class AlignFindings(Finding):
    """What `calibrate.align` finds: the energy by which a set of references was raised.

    Parameters
    ----------
    offset, error
        Added to the energies of the set, and its standard error, eV.
    misfit
        What the aligned spectra differ by, as a share of the edge step.
    moved
        Names of the references of the set.
    """

    offset: float
    error: float
    misfit: float
    moved: tuple[str, ...]
