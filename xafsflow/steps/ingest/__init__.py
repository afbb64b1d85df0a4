"""Measurements and references come in."""

from xafsflow.steps.ingest.fluorescence_images import fluorescence
from xafsflow.steps.ingest.image_stacks import tiff_stack
from xafsflow.steps.ingest.known_structures import structure_patterns
from xafsflow.steps.ingest.labelled_spectra import spectra
from xafsflow.steps.ingest.measured_patterns import patterns
from xafsflow.steps.ingest.measured_signals import absorbance, transmission
from xafsflow.steps.ingest.opened_cubes import cube
from xafsflow.steps.ingest.reference_spectra import candidates, references
from xafsflow.steps.ingest.simulated_pattern_cube import phantom_patterns
from xafsflow.steps.ingest.stored_cubes import as_measured, phantom, phantom_references, store
from xafsflow.steps.ingest.stored_models import model

__all__ = [
    "absorbance",
    "as_measured",
    "candidates",
    "cube",
    "fluorescence",
    "model",
    "patterns",
    "phantom",
    "phantom_patterns",
    "phantom_references",
    "references",
    "spectra",
    "store",
    "structure_patterns",
    "tiff_stack",
    "transmission",
]
