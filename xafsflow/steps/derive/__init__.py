"""Quantities read off the spectra, and their noise."""

from xafsflow.steps.derive.cluster_regions import clusters
from xafsflow.steps.derive.noise import noise
from xafsflow.steps.derive.spectral_features import derivative, e0, resample, white_line
from xafsflow.steps.derive.structure import structure

__all__ = ["clusters", "derivative", "e0", "noise", "resample", "structure", "white_line"]
