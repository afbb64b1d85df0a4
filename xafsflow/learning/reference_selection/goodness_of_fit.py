"""Whether a set of references explains spectra within their noise, and how much of another phase would have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.measured_noise import MeasuredNoise
from xafsflow.learning.reference_selection.set_misfit import BACKGROUND, Fits
from xafsflow.learning.reference_selection.shared_distortion import Distortion, shared_distortion

# Root mean square in edge steps that is no missing phase. The right references leave up to 0.0005 on simulated scans of
# 24,000 counts; a measured reference adds its own noise, about 0.001, and the interpolation between its points.
TOLERANCE = 0.002
# Probability that a test of all groups together rejects a set that is right, and that it finds what is just large enough.
FALSE_ALARM, POWER = 0.001, 0.95
# What stands for a phase nobody thought of: a reference of the set whose edge lies so many eV off, as FeO's from Fe2O3's.
OTHER_EDGE = 4.0
# Times that the distortion is fitted.
PASSES = 2
# Energies whose mean tells where most is left: a single one is noise.
SMOOTHED = 5


@dataclass(frozen=True)
class Fit:
    """A set of references against groups of bins, the whole image first.

    By group: `chi_square` with `degrees` of freedom and the `limit` beyond which it is neither noise nor `TOLERANCE`;
    `unexplained`: root mean square in edge steps of what is neither noise nor explained; `detectable`: share of another
    phase that would have been found; `worst_energy` (eV) where most is left. `tolerated`: share of another phase that
    `TOLERANCE` excuses, were there no noise.
    """

    distortion: Distortion
    chi_square: Doubles
    degrees: Doubles
    limit: Doubles
    unexplained: Doubles
    detectable: Doubles
    worst_energy: Doubles
    tolerated: float

    @property
    def rejected(self) -> Mask:
        """`(group,)`."""
        return np.asarray(self.chi_square > self.limit)

    @property
    def typical_detectable(self) -> float:
        """Share of another phase that would have been found in a typical region, were it there alone."""
        return float(np.median(self.detectable[1:] if len(self.detectable) > 1 else self.detectable))


class FitTest:
    """Groups of bins on which sets are tested: one mean spectrum each, for a mean of mixtures is a mixture.

    Parameters
    ----------
    bins
        All bins.
    groups
        `(bin,)` each.
    noise
        What their residuals show beside the stated noise.
    offset
        The references of a set may be moved together by up to this, eV.
    """

    def __init__(self, bins: Bins, groups: Sequence[Mask], noise: MeasuredNoise, offset: float) -> None:
        self.bins, self.offset = bins.pooled(groups), offset
        self.variance = noise.inflation * self.bins.noise**2 + noise.common * self.bins.flux**2
        self.weight = float((1 / bins.profile).sum())
        self.alarm = FALSE_ALARM / len(groups)

    def fit(self, references: Doubles) -> Fit:
        """How a set explains the groups, `(reference, energy)`.

        Chi-square of the right set has the degrees of freedom that the non-negative fit left, and at most the
        non-centrality that `TOLERANCE` gives it.
        """
        distortion = self._distortion(references)
        bent = distortion.of(self.bins.energy, references)
        fractions, residual = Fits(self.bins, bent).residual(tuple(range(len(bent))))
        chi_square = (residual**2).sum(axis=1) / self.variance
        points = len(self.bins.energy)
        degrees = (points - BACKGROUND - (fractions > 0).sum(axis=1)).astype(float)
        tolerated = TOLERANCE**2 * self.weight / self.variance
        limit = quantile(1 - self.alarm, degrees, tolerated)
        left = residual * np.sqrt(self.bins.profile)
        beyond = ((chi_square - degrees) * self.variance).clip(0) / self.weight
        total = fractions.sum(axis=1)
        total[total == 0] = 1
        another = self._another(bent, fractions[0])
        found = np.array([_noncentrality(*one) for one in zip(degrees, limit, strict=True)])
        return Fit(
            distortion=distortion,
            chi_square=chi_square,
            degrees=degrees,
            limit=limit,
            unexplained=np.sqrt(beyond) / total,
            detectable=np.sqrt(found * self.variance / another) / total,
            worst_energy=self.bins.energy[np.abs(left @ _means(points)).argmax(axis=1)],
            tolerated=TOLERANCE * float(np.sqrt(self.weight / another)),
        )

    def _distortion(self, references: Doubles) -> Distortion:
        """What all regions share; those that are explained worse count less, so that they do not spoil the others."""
        # The image counts through its regions; as a group of its own it would count twice.
        first = min(1, len(self.variance) - 1)
        apart = self.bins.take(np.arange(len(self.variance)) >= first)
        deviation = np.sqrt(self.variance[first:])
        found = Distortion()
        for _ in range(PASSES):
            found = shared_distortion(apart, references, deviation, self.offset)
            bent = found.of(apart.energy, references)
            left = Fits(apart, bent).residual(tuple(range(len(bent))))[1]
            misfit = np.sqrt((left**2).mean(axis=1))
            if (misfit <= np.sqrt(self.variance[first:]) + TOLERANCE).all():
                break
            deviation = np.maximum(np.sqrt(self.variance[first:]), misfit)
        return found

    def _another(self, references: Doubles, fractions: Doubles) -> float:
        """Sum of squares that a pure phase of another kind leaves, in units of the noise's profile; the median of kinds.

        The references and the shared distortion have taken what they can of it.
        """
        energy, used = self.bins.energy, references[fractions > 0]
        moved = [Distortion(by).of(energy, used) for by in (-OTHER_EDGE, OTHER_EDGE)]
        model = fractions[None] @ references
        small = [Distortion(0.01), Distortion(broadening=0.01), Distortion(slope=1e-5)]
        bends = [one.of(energy, model) - model for one in small]
        fits = Fits(self.bins, np.concatenate([*moved, used, *bends]))
        kinds = fits.references[: 2 * len(used)]
        taken = np.linalg.qr(np.concatenate([fits.references[2 * len(used) :], fits.lines]).T)[0]
        left = kinds - (kinds @ taken) @ taken.T
        return max(float(np.median((left**2).sum(axis=1))), np.finfo(float).tiny)


def quantile(probability: float, degrees: Doubles, noncentrality: Doubles) -> Doubles:
    """Of a noncentral chi-square, by the chi-square of the same mean and variance (Patnaik, Biometrika 36, 202 (1949)).

    Examples
    --------
    >>> quantile(0.99, np.array([100.0]), np.array([0.0, 50.0])).round(1)
    array([135.8, 200.4])
    """
    from scipy.stats import chi2

    mean, spread = degrees + noncentrality, degrees + 2 * noncentrality
    return np.asarray(spread / mean * chi2.ppf(probability, mean**2 / spread))


def _means(points: int) -> Doubles:
    """Sums over `SMOOTHED` neighboring energies, as a matrix."""
    place = np.arange(points)
    return (np.abs(place[:, None] - place) <= SMOOTHED // 2).astype(float)


def _noncentrality(degrees: float, limit: float) -> float:
    """That with which chi-square exceeds a limit with the probability `POWER`."""
    from scipy.optimize import brentq

    def below(noncentrality: float) -> float:
        return float(quantile(1 - POWER, np.array(degrees), np.array(noncentrality))) - limit

    return float(brentq(below, 0.0, 10 * (limit + degrees)))
