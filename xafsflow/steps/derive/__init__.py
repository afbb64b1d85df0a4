"""Quantities read off the spectra, and their noise."""

from xafsflow.steps.derive.cluster_regions import clusters
from xafsflow.steps.derive.noise import noise
from xafsflow.steps.derive.site_structure import structure
from xafsflow.steps.derive.spectral_features import derivative, e0, resample, white_line
from xafsflow.steps.derive.spectral_hierarchy import hierarchy

__all__ = ["clusters", "derivative", "e0", "hierarchy", "noise", "resample", "structure", "white_line"]
