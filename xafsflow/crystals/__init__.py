"""Crystals of known structure types: prototypes, compounds, and their powder patterns."""

from xafsflow.crystals.compounds import Compound, compound, distinct_compounds, reference_compound
from xafsflow.crystals.pattern_likeness import background_types, near_copies
from xafsflow.crystals.pattern_store import open_patterns, write_patterns
from xafsflow.crystals.pattern_table import digest_of, simulated_patterns, wanted_samples
from xafsflow.crystals.powder_patterns import (
    UNDISTURBED,
    Disturbances,
    PatternSettings,
    PeakList,
    pattern_of,
    peak_list,
)
from xafsflow.crystals.prototypes import Prototype, all_types, chosen_types, known_types, prototype
from xafsflow.crystals.type_names import type_named

__all__ = [
    "UNDISTURBED",
    "Compound",
    "Disturbances",
    "PatternSettings",
    "PeakList",
    "Prototype",
    "all_types",
    "background_types",
    "chosen_types",
    "compound",
    "digest_of",
    "distinct_compounds",
    "known_types",
    "near_copies",
    "open_patterns",
    "pattern_of",
    "peak_list",
    "prototype",
    "reference_compound",
    "simulated_patterns",
    "type_named",
    "wanted_samples",
    "write_patterns",
]
