"""Quantities read off the spectra, and their noise."""

from xafsflow.steps.derive.regions import clusters
from xafsflow.steps.derive.scatter import noise
from xafsflow.steps.derive.spectra import derivative, e0, resample, white_line

__all__ = ["clusters", "derivative", "e0", "noise", "resample", "white_line"]
