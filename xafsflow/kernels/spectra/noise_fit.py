"""Noise of spectra and flux of images, learned while a model is fitted to them (expectation maximization)."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles

# Standard deviation of the flux to start with, and below which spectra are too few to know it.
FIRST_JITTER, LEAST_SPECTRA = 4e-3, 4
# No beam is less steady; with more, the flux would take up the edge itself where the model does not fit.
MOST_JITTER = 0.03
# One over the variance of a flux that is not known yet.
NO_FLUX = 1e24
# A residual, or the flux of an image, that is beyond this many standard deviations pulls less, the less the farther it
# is out; but no more than this share of them: where a model fails at the edge, that must not pass for outliers.
FAR, OUTLIERS = 4.0, 0.03
# Without any weight, flux and residual of an image could grow together.
LEAST_TRUST = 1e-3
# A spectrum's own estimate of its noise is mixed with that of all by this many degrees of freedom.
SHARED = 20.0
# A factor of the variance that stands for spectra without noise.
LEAST_NOISE = 1e-16


class Scatter:
    """What is known of noise and flux.

    `noise` (t,): factors of the given variances; `trust` (t, energy): below 1 for an outlier; `jitter`: standard
    deviation of the flux; `prior` (energy,): one over the variance of each image's flux, less for an outlier.

    Parameters
    ----------
    variance
        `(t, energy)`, up to a factor for each spectrum.
    weight
        `(t,)` or one number: below 1 for a spectrum that is trusted less.
    fitted
        Parameters that are fitted to each spectrum, on the average.
    """

    def __init__(self, variance: Doubles, weight: Doubles | float, fitted: float) -> None:
        count, points = variance.shape
        self.variance, self.weight = variance, np.broadcast_to(np.asarray(weight, float), count)
        self.degrees = points - fitted
        self.noise, self.trust = np.ones(count), np.ones(variance.shape)
        self.jitter, self.prior = 0.0, np.full(points, NO_FLUX)

    @property
    def root(self) -> Doubles:
        """The square root of every value's weight, `(t, energy)`."""
        return np.asarray(np.sqrt(self.trust / self.variance * (self.weight / self.noise)[:, None]))

    def learn(self, left: Doubles, flux: Doubles, variance: Doubles, fit_flux: bool) -> bool:
        """Update from what a step of the fit leaves; True where that changed little.

        Parameters
        ----------
        left
            `(t, energy)`: residuals times `root`.
        flux, variance
            `(energy,)`: the flux and the variance that the data leave it.
        fit_flux
            The shifts are nearly right, so that the flux is fitted, too; before, it would take up what a shift of all does.
        """
        settled = self._learn_noise(left)
        if len(left) < LEAST_SPECTRA:
            return bool(settled)
        return self._learn_flux(flux, variance, fit_flux) and settled

    def _learn_noise(self, left: Doubles) -> bool:
        count, points = left.shape
        degrees = self.degrees - (points / count if self.jitter else 0.0)
        square = self.noise * (left**2).sum(axis=1) / self.weight
        # On its own, one spectrum could become free of noise by giving all its residual to the flux.
        new = (square + SHARED * np.median(square) / degrees) / (degrees + SHARED)
        ratio = np.maximum(new, LEAST_NOISE) / self.noise
        self.noise, self.trust = self.noise * ratio, _outlier_weights(left / np.sqrt(self.trust))
        return bool(np.abs(ratio - 1).max() < 0.02)

    def _learn_flux(self, flux: Doubles, variance: Doubles, fit_flux: bool) -> bool:
        if self.jitter == 0:
            if fit_flux:
                self.jitter = FIRST_JITTER
                self.prior = np.full(len(flux), FIRST_JITTER**-2)
            return False
        relative = (flux**2 + variance) / self.jitter**2
        share = _outlier_weights(flux)
        new = min(MOST_JITTER, self.jitter * float(np.sqrt((share * relative).mean())))
        # Far below the noise of a mean over all spectra it does not matter any more.
        typical = np.sqrt(np.median(self.noise[:, None] * self.variance) / len(self.noise))
        settled = abs(new - self.jitter) < 0.01 * new or new < 0.3 * typical
        self.jitter, self.prior = new, share / new**2
        return bool(settled)


def _outlier_weights(values: Doubles) -> Doubles:
    """Weights that are below 1 for outliers along the last axis."""
    size = np.maximum(np.abs(values), 1e-30)
    middle, end = np.quantile(size, [0.5, 1 - OUTLIERS], axis=-1, keepdims=True)
    return np.asarray(np.clip((np.maximum(FAR * 1.4826 * middle, end) / size) ** 2, LEAST_TRUST, 1.0))
