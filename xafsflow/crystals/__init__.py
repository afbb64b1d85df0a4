"""Crystals of known structure types: prototypes, compounds, and their powder patterns."""

from xafsflow.crystals.compounds import Compound, compound, distinct_compounds, reference_compound
from xafsflow.crystals.powder_patterns import (
    UNDISTURBED,
    Disturbances,
    PatternSettings,
    PeakList,
    pattern_of,
    peak_list,
)
from xafsflow.crystals.prototypes import Prototype, all_types, chosen_types, known_types, prototype
from xafsflow.crystals.simulated_patterns import simulated_patterns
from xafsflow.crystals.wavelengths import ANODES, lines_of, mean_wavelength

__all__ = [
    "ANODES",
    "UNDISTURBED",
    "Compound",
    "Disturbances",
    "PatternSettings",
    "PeakList",
    "Prototype",
    "all_types",
    "chosen_types",
    "compound",
    "distinct_compounds",
    "known_types",
    "lines_of",
    "mean_wavelength",
    "pattern_of",
    "peak_list",
    "prototype",
    "reference_compound",
    "simulated_patterns",
]
