"""Counts to absorbance, and what must be mended before a spectrum is trusted."""

from xafsflow.steps.correct.counts import absorbance
from xafsflow.steps.correct.field import average, bin, crop  # noqa: A004
from xafsflow.steps.correct.motion import drift, flux
from xafsflow.steps.correct.pixels import background, dead_pixels, despike

__all__ = ["absorbance", "average", "background", "bin", "crop", "dead_pixels", "despike", "drift", "flux"]
