"""What all references have in common against a scan: an energy offset, a resolution, a slope of the post-edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.set_misfit import Fits, all_at_once

# Standard deviation in eV by which the resolution of scan and references may differ.
RESOLUTION = 0.5
# Absorbance falls off as E^-3, by 3/E an eV: a normalization may leave it in the scan and not in the references, or take it
# away twice.
FALL = 6.0


@dataclass(frozen=True)
class Distortion:
    """An energy `offset` (eV), a `broadening` (variance, eV^2; below zero where the scan is sharper), a `slope` (1/eV)."""

    offset: float = 0.0
    broadening: float = 0.0
    slope: float = 0.0

    def of(self, energy: Doubles, spectra: Doubles) -> Doubles:
        """Spectra so distorted: `(1 + slope (E - mean(E))) (s + broadening/2 s'')` at `E - offset`.

        The second derivative is the first term of a convolution with a Gaussian, straight on beyond the ends.

        Examples
        --------
        >>> energy = np.linspace(-5, 5, 101)
        >>> narrow, wide = (np.exp(-0.5 * energy**2 / v) / np.sqrt(v) for v in (1.0, 1.04))
        >>> bool(np.abs(Distortion(broadening=0.04).of(energy, narrow[None]) - wide).max() < 1e-3)
        True
        """
        from scipy.interpolate import CubicSpline

        spline = CubicSpline(energy, spectra, axis=1, bc_type="natural")
        bent = spline(energy - self.offset)
        if self.broadening:
            bent = bent + self.broadening / 2 * spline(energy - self.offset, 2)
        return np.asarray(bent * (1 + self.slope * (energy - energy.mean())))


def shared_distortion(bins: Bins, references: Doubles, deviation: Doubles, offset: float) -> Distortion:
    """The distortion with which references explain spectra best.

    Parameters
    ----------
    bins
        The spectra.
    references
        `(reference, energy)`, all of them used.
    deviation
        `(bin,)`: standard deviation of the spectra, in units of the noise's profile.
    offset
        Limit of the energy offset, eV.

    Returns
    -------
    Distortion
        Within +- `offset`, +- `RESOLUTION`^2, +- `FALL`/E.
    """
    from scipy.optimize import least_squares

    limits = np.array([offset, RESOLUTION**2, FALL / float(bins.energy.mean())])

    def left(place: Doubles) -> Doubles:
        bent = Distortion(*(limits * place)).of(bins.energy, references)
        return np.asarray((all_at_once(Fits(bins, bent))[0] / deviation[:, None]).ravel())

    found = least_squares(left, np.zeros(3), bounds=(-1, 1), diff_step=1e-3, xtol=1e-4, ftol=1e-6)
    return Distortion(*(limits * found.x).tolist())
