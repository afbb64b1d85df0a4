"""Measurements with a known answer, for documentation, tests, demo, notebooks and benchmarks.

A phantom is a few settings. Everything in it is a function of the seed and of where a pixel lies, so any
image or band of rows can be made on its own, at any size, with the same result.
"""

from xafsflow.phantom.camera import KINDS, counts, dark, exact_mu
from xafsflow.phantom.cube import as_dataset
from xafsflow.phantom.defects import Defects, Exposure
from xafsflow.phantom.library_phantom import library_phantom
from xafsflow.phantom.measured_mu import measured_mu
from xafsflow.phantom.pattern_cube import PatternPhantom, as_pattern_cube, pattern_truth
from xafsflow.phantom.phantom_files import write_phantom
from xafsflow.phantom.reference_broadening import broadened
from xafsflow.phantom.sample import truth
from xafsflow.phantom.settings import Phantom
from xafsflow.phantom.spectra import SPECTRA, Reference, spectrum
from xafsflow.phantom.spectra_library import simulated_library, write_library

__all__ = [
    "KINDS",
    "SPECTRA",
    "Defects",
    "Exposure",
    "PatternPhantom",
    "Phantom",
    "Reference",
    "as_dataset",
    "as_pattern_cube",
    "broadened",
    "counts",
    "dark",
    "exact_mu",
    "library_phantom",
    "measured_mu",
    "pattern_truth",
    "simulated_library",
    "spectrum",
    "truth",
    "write_library",
    "write_phantom",
]
