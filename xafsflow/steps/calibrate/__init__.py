"""The energy of every pixel: measured, computed, or kept from another scan; and every spectrum moved to common energies.

`energy_shift` is a pixel's true energy minus the nominal one. A calibration holds it for a field and serves every
scan that was taken with the same camera region, binning and alignment.
"""

from xafsflow.steps.calibrate.apply_shift import apply
from xafsflow.steps.calibrate.calibration_file import load, save
from xafsflow.steps.calibrate.constant_offset import align, constant, offset
from xafsflow.steps.calibrate.foil_and_sample import check, foil, sample
from xafsflow.steps.calibrate.geometry import distance, monochromator

__all__ = [
    "align",
    "apply",
    "check",
    "constant",
    "distance",
    "foil",
    "load",
    "monochromator",
    "offset",
    "sample",
    "save",
]
