"""When a model is to be believed: what its training learnt of its errors."""

from __future__ import annotations

from dataclasses import dataclass

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.spectral_distance import METRICS


@dataclass(frozen=True, eq=False)
class Trust:
    """What is known of the errors of a model; all None for what was not learnt.

    Parameters
    ----------
    confidence
        `(2, knot)`: margins of the leading reference, and how often it is right.
    distance_scale, distance_power
        `(metric, class)` and `(metric,)`: the median distance to a class is scale times the noise to the power.
    class_basis, misfit_limits
        `(vector, feature)` and `(2,)`: an orthonormal basis of the classes; the most that mixtures of them are off it, and
        that over the noise of the pixel, NaN where that was not known (`xafsflow.learning.trust.class_misfit`).
    fraction_scatter
        `(2, class + 1, reference)`: the variance of the fractions by noise, see `xafsflow.learning.trust.fraction_scatter`.
    noise_levels, set_thresholds
        `(level,)` and `(level, output)`: by noise of the spectrum, the largest `1 - vote` with which a class is in the set
        of possible ones, or half of the width of the interval of a property (`xafsflow.learning.trust.prediction_sets`);
        one row without levels for what does not depend on it, as of structure types.
    hull_mean, hull_axes, hull_limits
        `(feature,)`, `(axis, feature)` and `(2, level)`: what spectra of the training are like, and how far others are
        from them at most, by noise (`xafsflow.learning.trust.training_hull`).
    doubt, doubt_limits
        `(2, feature + 1)` and `(2,)`: how much a pattern looks like none of the known types, and like two of them, and from
        where on it is said (`xafsflow.learning.union.pattern_doubt`).
    """

    confidence: Doubles | None = None
    distance_scale: Doubles | None = None
    distance_power: Doubles | None = None
    class_basis: Doubles | None = None
    misfit_limits: Doubles | None = None
    fraction_scatter: Doubles | None = None
    noise_levels: Doubles | None = None
    set_thresholds: Doubles | None = None
    hull_mean: Doubles | None = None
    hull_axes: Doubles | None = None
    hull_limits: Doubles | None = None
    doubt: Doubles | None = None
    doubt_limits: Doubles | None = None

    def check(self, classes: int) -> None:
        """Refuse arrays that no training writes.

        Raises
        ------
        InputError
            Another shape.
        """
        curve = self.confidence is None or (self.confidence.ndim == 2 and len(self.confidence) == 2)
        scale = self.distance_scale is None or self.distance_scale.shape == (len(METRICS), classes)
        power = self.distance_power is None or self.distance_power.shape == (len(METRICS),)
        basis = self.class_basis is None or self.class_basis.ndim == 2
        limits = self.misfit_limits is None or self.misfit_limits.shape == (2,)
        limits &= basis and (self.class_basis is None) == (self.misfit_limits is None)
        both = (self.distance_scale is None) == (self.distance_power is None)
        scatter = self.fraction_scatter is None or (
            self.fraction_scatter.ndim == 3 and self.fraction_scatter.shape[:2] == (2, classes + 1)
        )
        if not (curve and scale and power and both and limits and scatter and self._sets_fit(classes)):
            raise InputError("a damaged record of trust", "curves and scales of the classes", "train again")

    def _sets_fit(self, outputs: int) -> bool:
        levels, mean, axes = self.noise_levels, self.hull_mean, self.hull_axes
        parts = (levels, self.set_thresholds, mean, axes, self.hull_limits)
        if self.doubt is not None or self.doubt_limits is not None:
            return self._doubt_fits(outputs)
        if levels is None or mean is None or axes is None:
            return all(one is None for one in parts)
        sets, limits = self.set_thresholds, self.hull_limits
        rising = levels.ndim == 1 and levels.size > 0 and bool((levels[1:] > levels[:-1]).all())
        shapes = sets is not None and sets.shape == (levels.size, outputs)
        shapes = shapes and limits is not None and limits.shape == (2, levels.size)
        return rising and shapes and axes.ndim == 2 and axes.shape[1:] == mean.shape

    def _doubt_fits(self, outputs: int) -> bool:
        """Of structure types: one row of thresholds, two rows of weights, and their limits."""
        rest = (self.noise_levels, self.hull_mean, self.hull_axes, self.hull_limits)
        sets, doubt, limits = self.set_thresholds, self.doubt, self.doubt_limits
        if sets is None or doubt is None or limits is None or any(one is not None for one in rest):
            return False
        return sets.shape == (1, outputs) and doubt.ndim == 2 and len(doubt) == 2 and limits.shape == (2,)
