"""Noise that the spectra themselves show: what bends from one energy to the next, faster than any reference does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.reference_selection.bin_regions import Bins

# Neighboring energies whose third difference tells noise from spectra, and eV over which spectra hardly bend so: the core
# hole alone broadens K edges by 1 to 2 eV.
NEIGHBORS, NARROW = 4, 2.5
# Differences that are enough to know a variance to a fifth.
LEAST_BENDS = 12
# Bins that are nearly all of their row tell nothing of their own scatter.
LEAST_LEFT = 0.2
# Median of the square of a normal number.
MEDIAN_SQUARE = 0.4549


@dataclass(frozen=True)
class MeasuredNoise:
    """What residuals show beside the noise that is stated.

    `scatter` is the variance of each bin's own scatter over the stated one, NaN where energies lie too far apart to tell;
    `common` the variance, relative to the flux, of the error that all bins share at an energy.
    """

    scatter: float
    common: float

    @property
    def inflation(self) -> float:
        """Factor on the stated variance, 1 or more."""
        return max(1.0, self.scatter) if np.isfinite(self.scatter) else 1.0


def bends(energy: Doubles, values: Doubles) -> Doubles:
    """Third differences of neighboring energies, scaled so that white noise keeps its variance.

    The weights of a difference are `w_i = 1 / prod_(j != i) (E_i - E_j)`, which take away every parabola; they are divided
    by `sqrt(sum(w^2))`.

    Parameters
    ----------
    energy
        `(energy,)`, eV.
    values
        `(spectrum, energy)`.

    Returns
    -------
    ndarray
        `(spectrum, difference)`: of four energies that lie within `NARROW` eV.

    Examples
    --------
    >>> energy = np.array([0.0, 0.5, 0.9, 1.5, 9.0])
    >>> np.abs(bends(energy, energy[None] ** 2)).max().round(9), bends(energy, np.eye(5)).shape
    (np.float64(0.0), (5, 1))
    """
    first = np.arange(len(energy) - NEIGHBORS + 1)
    first = first[energy[first + NEIGHBORS - 1] - energy[first] <= NARROW]
    places = first[:, None] + np.arange(NEIGHBORS)
    apart = energy[places][:, :, None] - energy[places][:, None, :]
    weights = 1 / np.prod(apart + np.eye(NEIGHBORS), axis=2)
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return np.asarray((values[:, places] * weights).sum(axis=2))


def measured_noise(bins: Bins, residual: Doubles) -> MeasuredNoise:
    """The noise that is in what a fit leaves of the bins, however bad the fit.

    A wrong set of references leaves smooth spectra; noise and an unsteady flux differ from one energy to the next. The
    error that all share is looked for in each row of bins, since an energy that changes from row to row has moved it apart.
    Where energies are too sparse, it is what `correct.flux` says of its own error, or else as if all that is left were it.

    Parameters
    ----------
    bins
        The spectra.
    residual
        `(bin, energy)`, in units of the noise's profile.
    """
    rows, place = np.unique(bins.row, return_inverse=True)
    belongs = place == np.arange(len(rows))[:, None]
    pull = belongs * (bins.flux / bins.noise**2)
    known = pull @ bins.flux
    shared = pull @ residual / known[:, None]
    own = residual - bins.flux[:, None] * shared[place]
    # What the mean of a row takes from the scatter of its bins.
    left = 1 - bins.flux**2 / bins.noise**2 / known[place]
    several, found = left > LEAST_LEFT, bends(bins.energy, own)
    fine = found.shape[1] >= LEAST_BENDS
    scatter = np.nan
    if fine and several.any():
        variance = _variance(found[several]) / (bins.noise[several] ** 2 * left[several])
        scatter = float(np.median(variance))
    if fine:
        square = _variance(bends(bins.energy, shared))
    elif np.isfinite(bins.flux_error):
        return MeasuredNoise(scatter, bins.flux_error**2 / float(np.median(bins.profile)))
    else:
        square = np.median(shared**2, axis=1) / MEDIAN_SQUARE
    # Along a row bins share half of what they share along both.
    expected = MeasuredNoise(scatter, 0.0).inflation * np.sqrt(bins.sharing) / known
    return MeasuredNoise(scatter, max(0.0, float(np.average(square - expected, weights=known))))


def _variance(values: Doubles) -> Doubles:
    """Of every row, by a median that a few outliers do not move."""
    return np.asarray(np.median(values**2, axis=1) / MEDIAN_SQUARE)
