"""Counts to absorbance, and what must be mended before a spectrum is trusted."""

from xafsflow.steps.correct.bad_pixels import background, dead_pixels, despike
from xafsflow.steps.correct.counts import absorbance
from xafsflow.steps.correct.drift_and_flux import drift, flux
from xafsflow.steps.correct.field_of_view import average, bin, crop  # noqa: A004

__all__ = ["absorbance", "average", "background", "bin", "crop", "dead_pixels", "despike", "drift", "flux"]
